"""What all losses share: how the losses of the examples become one number."""

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, expand_weight, show, text
from npfl._objects import setting
from npfl._sums import product, total


class Reduction(enum.StrEnum):
    """Say how the losses of the examples become one number; the strings themselves serve as well.

    `SUM_OVER_BATCH_SIZE` divides the sum by the *number* of losses, never by the sum of the weights. `MEAN`
    is the same, by PyTorch's name, and so is `AUTO`, which is gone in Keras 3. `SUM` adds the losses and
    `NONE`, or None itself, keeps them. The mean of no losses is 0.

    Examples
    --------
    >>> Reduction("sum") is Reduction.SUM
    True
    """

    AUTO = "auto"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    MEAN = "mean"
    SUM = "sum"
    NONE = "none"

    @classmethod
    def _missing_(cls, value: object) -> "Reduction":
        if value is None:
            return cls.NONE
        allowed = ", ".join(repr(r.value) for r in cls)
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"reduction must be one of {allowed}, got {show(value)}")


def _reduction(name: str, value: Any) -> Reduction:
    # An enum that is refused a value shows it once more, which may fail.
    return Reduction._missing_(value) if value is None or not isinstance(value, str) else Reduction(value)


@dataclass(kw_only=True, eq=False)
class Loss(ABC):
    r"""Reduce the losses of the examples to one number, and differentiate it by the predictions.

    .. math:: \frac1B \sum_b w^{(b)} L^{(b)} \quad\text{or, for SUM,}\quad \sum_b w^{(b)} L^{(b)}

    Predictions of shape (B, K) have B losses; those of shape (B, T, K) have B·T, which is then the divisor.
    The weights do not change it: weights [1, 1, 0, 0] on four losses of 1 give 0.5.
    A subclass defines `call` and `call_gradient`; its options are fields of a dataclass, as in `Huber`.

    Parameters
    ----------
    reduction : Reduction or str
        What becomes of the losses.
    name : str
        A name for reports.

    Examples
    --------
    >>> from npfl.losses import MeanSquaredError
    >>> loss = MeanSquaredError(reduction="none")
    >>> loss([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[1.0, 0.5])
    array([1. , 4.5])
    >>> float(MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[1.0, 0.5]))
    2.75
    """

    # In a vector, K outputs of one example cannot be told from one output of B examples, so it is refused.
    # Where K values are one distribution there is no doubt, and one example of shape (K,) is allowed.
    _takes_vector = False

    reduction: Reduction | str | None = setting(_reduction, Reduction.AUTO)
    name: str = setting(text, "loss")

    @abstractmethod
    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        """Return the unreduced losses: (..., K) -> (...)."""

    @abstractmethod
    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        """Return the gradient of each unreduced loss by its own predictions: (..., K) -> (..., K)."""

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NDArray:
        """Return the reduced loss: a number, or for NONE an array (...).

        The shape of `sample_weight` is that of the losses or its beginning: (B,) and () serve for (B, T).
        """
        self._check_batch(y_pred)
        losses = self.call(y_true, y_pred)
        if sample_weight is not None:
            losses = product(expand_weight(sample_weight, losses), losses)
        if self.reduction is Reduction.NONE:
            return losses
        reduced = total(losses)
        if self.reduction is not Reduction.SUM:
            reduced = reduced / max(1, losses.size)
        return reduced.astype(losses.dtype, copy=False)

    def gradient(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NDArray:
        """Return the gradient of the reduced loss (for NONE, of the sum) by `y_pred`: an array (..., K)."""
        self._check_batch(y_pred)
        gradients = self.call_gradient(y_true, y_pred)
        if sample_weight is not None:
            gradients = product(expand_weight(sample_weight, gradients[..., 0])[..., None], gradients)
        if self.reduction in (Reduction.SUM, Reduction.NONE):
            return gradients
        return gradients / max(1, gradients[..., 0].size)

    def _check_batch(self, y_pred: ArrayLike) -> None:
        if not self._takes_vector and as_float("y_pred", y_pred).ndim < 2:
            raise ValueError(
                f"y_pred must have shape (B, ..., K), got {np.shape(y_pred)}: "
                "use (B, 1) for examples with one output, (1, K) for one example"
            )
