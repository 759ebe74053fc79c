"""Losses of real outputs: squared, absolute, and Huber's, which is both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import positive, prediction_pair, text
from npfl._objects import setting
from npfl._sums import wide
from npfl.losses.base import Loss


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Average the squared errors, :math:`\frac1K \sum_i (\hat y_i - y_i)^2`.

    But for a factor and a constant it is the negative log-likelihood of a Normal with a fixed variance.

    Parameters
    ----------
    y_true : array_like, shape (..., K)
        The gold values y.
    y_pred : array_like, shape (..., K)
        The predictions ŷ.

    Returns
    -------
    ndarray, shape (...)
        The loss of each example.

    Raises
    ------
    ValueError
        If the shapes differ or the last axis is missing or empty.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> mean_squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [3.0, 4.0]])
    array([2., 0.])
    """
    error, dtype = _error(y_true, y_pred)
    return np.square(error).mean(axis=-1).astype(dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class MeanSquaredError(Loss):
    r"""Average the squared errors; gradient :math:`2 (\hat y - y) / K` for each loss.

    Examples
    --------
    >>> MeanSquaredError().gradient([[1.0, 2.0]], [[1.0, 4.0]])
    array([[0., 2.]])
    """

    name: str = setting(text, "mean_squared_error")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return mean_squared_error(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        error, dtype = _error(y_true, y_pred)
        return (2 * (error / error.shape[-1])).astype(dtype, copy=False)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Average the absolute errors, :math:`\frac1K \sum_i |\hat y_i - y_i|`.

    Parameters, result and errors are those of `mean_squared_error`. The lecture does not list it.

    Examples
    --------
    >>> mean_absolute_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [3.0, 4.0]])
    array([1., 0.])
    """
    error, dtype = _error(y_true, y_pred)
    return np.abs(error).mean(axis=-1).astype(dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class MeanAbsoluteError(Loss):
    r"""Average the absolute errors; gradient :math:`\operatorname{sign}(\hat y - y) / K`, 0 at the kink.

    Examples
    --------
    >>> MeanAbsoluteError().gradient([[1.0, 2.0]], [[1.0, 4.0]])
    array([[0. , 0.5]])
    """

    name: str = setting(text, "mean_absolute_error")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return mean_absolute_error(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        error, dtype = _error(y_true, y_pred)
        return (np.sign(error) / error.shape[-1]).astype(dtype, copy=False)


def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> NDArray:
    r"""Average a loss that is quadratic for small and linear for large errors.

    .. math::

        \frac1K \sum_i \begin{cases}
        u_i^2 / 2 & |u_i| \le \delta \\
        \delta |u_i| - \delta^2 / 2 & |u_i| > \delta
        \end{cases}, \qquad u_i = \hat y_i - y_i

    `delta` is positive; other parameters, result and errors are those of `mean_squared_error`.
    PyTorch's ``HuberLoss`` is the same, its ``SmoothL1Loss(beta=delta)`` is smaller by the factor 1/delta.

    Examples
    --------
    >>> huber([[0.0], [0.0]], [[0.5], [3.0]])
    array([0.125, 2.5  ])

    References
    ----------
    P. J. Huber: Robust estimation of a location parameter, 1964.
    """
    error, dtype = _error(y_true, y_pred)
    # With c = min(|e|, δ), both cases are c (|e| - c/2).
    inner = np.minimum(np.abs(error), positive("delta", delta))
    return (inner * (np.abs(error) - inner / 2)).mean(axis=-1).astype(dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class Huber(Loss):
    r"""Average Huber's losses; gradient :math:`\min(\max(\hat y - y, -\delta), \delta) / K`.

    Examples
    --------
    >>> Huber(delta=1.0).gradient([[0.0, 0.0]], [[0.5, -3.0]])
    array([[ 0.25, -0.5 ]])
    """

    delta: float = setting(positive, 1.0)
    name: str = setting(text, "huber_loss")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return huber(y_true, y_pred, self.delta)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        error, dtype = _error(y_true, y_pred)
        return (np.clip(error, -self.delta, self.delta) / error.shape[-1]).astype(dtype, copy=False)


def _error(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, np.dtype]:
    """Return the errors in float32 at least, and the dtype of the predictions.

    A mean may be a number of float16 where a difference, or its square, is none.
    """
    y_true, y_pred = prediction_pair(y_true, y_pred)
    return np.subtract(y_pred, y_true, dtype=wide(y_pred)), y_pred.dtype
