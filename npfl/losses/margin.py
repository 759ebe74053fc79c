"""The hinge loss, which asks for a margin rather than for a probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import prediction_pair, text
from npfl._objects import setting
from npfl.losses.base import Loss


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Average the hinge losses, :math:`\frac1K \sum_i \max(0, 1 - y_i \hat y_i)`.

    All labels are -1 or 1, or all are 0 or 1; then 0 means -1. Other labels raise a ValueError.
    Parameters, result and errors are otherwise those of `mean_squared_error`.

    Examples
    --------
    >>> hinge([[1], [-1], [-1]], [[0.25], [0.25], [-2.0]])
    array([0.75, 1.25, 0.  ])
    """
    y_true, y_pred = prediction_pair(y_true, y_pred)
    return np.maximum(0, 1 - _signs(y_true) * y_pred).mean(axis=-1)


@dataclass(kw_only=True, eq=False)
class Hinge(Loss):
    r"""Average the hinge losses; gradient :math:`-y / K` where :math:`y \hat y < 1`, else 0.

    Examples
    --------
    >>> Hinge().gradient([[1, -1]], [[0.25, -2.0]])
    array([[-0.5,  0. ]])
    """

    name: str = setting(text, "hinge")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return hinge(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = prediction_pair(y_true, y_pred)
        signs = _signs(y_true)
        return np.where(signs * y_pred < 1, -signs, 0) / y_pred.shape[-1]


def _signs(y_true: NDArray) -> NDArray:
    if np.isin(y_true, (0, 1)).all():
        return 2 * y_true - 1
    if np.isin(y_true, (-1, 1)).all():
        return y_true
    raise ValueError(f"y_true must hold only -1 and 1, or only 0 and 1, got {np.unique(y_true)[:5]}")
