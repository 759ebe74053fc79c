"""The cross-entropy of outcomes that are yes or no, each for itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import flag, prediction_pair, share, text
from npfl._objects import setting
from npfl._sums import product, wide
from npfl.activations import sigmoid
from npfl.losses._probabilities import check_probability, clip
from npfl.losses.base import Loss


def binary_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, *, from_logits: bool = False, label_smoothing: float = 0.0
) -> NDArray:
    r"""Average the negative log-likelihoods of K yes-or-no outcomes.

    .. math::

        \frac1K \sum_i -g_i \log o_i - (1 - g_i) \log (1 - o_i)
        \quad\text{or, by the logits,}\quad
        \frac1K \sum_i g_i \max(-z_i, 0) + (1 - g_i) \max(z_i, 0) + \log(1 + e^{-|z_i|})

    Parameters
    ----------
    y_true : array_like, shape (..., K)
        The gold probabilities g, in [0, 1], most often 0 or 1.
    y_pred : array_like, shape (..., K)
        The predicted probabilities o, in [0, 1], or the logits z.
    from_logits : bool
        Whether `y_pred` holds logits: exact where a probability would be rounded to 0 or 1.
    label_smoothing : float
        The share α of 1/2 that is mixed into the gold probabilities.

    Returns
    -------
    ndarray, shape (...)
        The loss of each example.

    Examples
    --------
    >>> binary_crossentropy([[1], [0]], [[0.25], [0.5]]) / np.log(2)
    array([2., 1.])
    >>> binary_crossentropy([[0], [1]], [[1e4], [1e4]], from_logits=True)
    array([10000.,     0.])
    """
    g, y_pred = _pair(y_true, y_pred, from_logits, label_smoothing)
    if from_logits:
        # One of the two products is 0, also where the logit is infinite.
        losses = product(g, np.maximum(-y_pred, 0)) + product(1 - g, np.maximum(y_pred, 0))
        losses += np.log1p(np.exp(-np.abs(y_pred)))
    else:
        o = clip(y_pred)
        losses = -g * np.log(o) - (1 - g) * np.log1p(-o)
    return losses.mean(axis=-1).astype(y_pred.dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class BinaryCrossentropy(Loss):
    r"""Average binary cross-entropies; gradient :math:`(o - g) / K` by logits.

    By probabilities it is :math:`\frac{o - g}{o (1 - o) K}`; the derivative o (1 - o) of the sigmoid cancels.
    The options are those of `binary_crossentropy`.

    Examples
    --------
    >>> BinaryCrossentropy(from_logits=True).gradient([[1.0, 0.0]], [[0.0, 0.0]])
    array([[-0.25,  0.25]])
    """

    from_logits: bool = setting(flag, False)
    label_smoothing: float = setting(share, 0.0)
    name: str = setting(text, "binary_crossentropy")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return binary_crossentropy(
            y_true, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        g, y_pred = _pair(y_true, y_pred, self.from_logits, self.label_smoothing)
        if self.from_logits:
            gradients = sigmoid(y_pred) - g
        else:
            o = clip(y_pred)
            gradients = np.where(o == y_pred, (o - g) / (o * (1 - o)), 0)
        return (gradients / y_pred.shape[-1]).astype(y_pred.dtype, copy=False)


def _pair(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, label_smoothing: float
) -> tuple[NDArray, NDArray]:
    """Return the smoothed gold probabilities and the predictions."""
    alpha = share("label_smoothing", label_smoothing)
    y_true, y_pred = prediction_pair(y_true, y_pred)
    check_probability("y_true", y_true)
    if not flag("from_logits", from_logits):
        check_probability("y_pred", y_pred)
    # In float32 at least: a small α would be lost beside 1 in float16.
    return (1 - alpha) * y_true.astype(wide(y_true), copy=False) + alpha / 2, y_pred
