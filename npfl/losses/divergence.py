"""The Kullback-Leibler divergence of two distributions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import prediction_pair, text
from npfl._objects import setting
from npfl._sums import total
from npfl.losses._probabilities import check_probability, clip
from npfl.losses.base import Loss


def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Compute the Kullback-Leibler divergence, :math:`\sum_i g_i \log (g_i / o_i)`.

    Both distributions are clipped to [1e-7, 1], not divided by their sums. PyTorch's ``kl_div`` takes log o.
    Parameters, result and errors are those of `binary_crossentropy`, without its options.

    Examples
    --------
    >>> kl_divergence([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]).round(5)
    array([0.     , 0.69315])
    """
    y_pred, g, o = _clipped(y_true, y_pred)
    return total(g * np.log(g / o), -1).astype(y_pred.dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class KLDivergence(Loss):
    r"""Compute Kullback-Leibler divergences; gradient :math:`-g / o`, 0 where o is clipped.

    Examples
    --------
    >>> KLDivergence().gradient([[0.5, 0.5]], [[0.25, 0.75]]).round(3)
    array([[-2.   , -0.667]])
    """

    _takes_vector = True

    name: str = setting(text, "kl_divergence")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return kl_divergence(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_pred, g, o = _clipped(y_true, y_pred)
        return np.where(o == y_pred, -g / o, 0).astype(y_pred.dtype, copy=False)


def _clipped(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray, NDArray]:
    """Return the predictions as they are, and clipped gold values and predictions."""
    y_true, y_pred = prediction_pair(y_true, y_pred)
    check_probability("y_true", y_true)
    check_probability("y_pred", y_pred)
    return y_pred, clip(y_true, 1), clip(y_pred, 1)
