"""What the losses of probabilities share: which values they admit, and how far from 0 and 1 they are kept."""

import numpy as np
from numpy.typing import NDArray

from npfl._sums import total, wide
from npfl.activations import log_softmax

EPSILON = 1e-7


def check_probability(name: str, array: NDArray) -> None:
    """Refuse what lies outside [0, 1]."""
    # Rounding may leave a mean of probabilities a little above 1.
    top = 1 + np.sqrt(np.finfo(array.dtype).eps)
    if array.size and not 0 <= array.min() <= array.max() <= top:
        raise ValueError(
            f"{name} must hold probabilities in [0, 1], not logits, got {array.min()} to {array.max()}"
        )


def check_distribution(y_pred: NDArray) -> None:
    """Refuse what cannot be divided by its sum to make a distribution."""
    sums = total(y_pred, -1)
    if not ((y_pred >= 0).all() and (sums > 0).all() and np.isfinite(sums).all()):
        raise ValueError(
            f"y_pred must hold probabilities, not negative and not all 0, "
            f"got {y_pred.min()} to {y_pred.max()}; for logits use from_logits=True"
        )


def clip(probabilities: NDArray, top: float = 1 - EPSILON) -> NDArray:
    """Move probabilities away from 0 and 1, whose logarithms are infinite, in float32 at least."""
    return np.clip(probabilities.astype(wide(probabilities), copy=False), EPSILON, top)


def log_probabilities(y_pred: NDArray, from_logits: bool) -> NDArray:
    """Return the logarithms of the distributions that logits or probabilities (..., K) stand for."""
    return log_softmax(y_pred) if from_logits else np.log(clip(y_pred / total(y_pred, -1, keepdims=True)))


def gradient_by_probabilities(y_true: NDArray, y_pred: NDArray) -> NDArray:
    """Differentiate the cross-entropy by probabilities, which are divided by their sum, then clipped."""
    sums = total(y_pred, -1, keepdims=True)
    o = y_pred / sums
    clipped = clip(o)
    # Clipped probabilities are constants: neither they nor their gold parts take part.
    gold = np.where(o == clipped, y_true, 0)
    return ((total(gold, -1, keepdims=True) - gold / clipped) / sums).astype(y_pred.dtype, copy=False)
