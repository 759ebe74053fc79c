r"""Check a gradient against numbers: used by the tests, the chapters and the reader's own checks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, function, not_negative, positive, same_shape


def numerical_gradient(f: Callable[[NDArray], float], x: ArrayLike, step: float = 1e-5) -> NDArray:
    r"""Approximate a gradient by central differences.

    .. math::

        \frac{\partial f}{\partial x_i}
        \approx \frac{f(\mathbf x + h\mathbf e_i) - f(\mathbf x - h\mathbf e_i)}{2h}

    Parameters
    ----------
    f : callable
        Takes an array shaped like `x` and returns one number.
    x : array_like, any shape
        The point at which to differentiate; it is not changed.
    step : float
        The distance h, positive. The error of the formula falls like h², that of rounding grows like 1/h.

    Returns
    -------
    ndarray of float64, shape of `x`
        The approximate gradient.

    Raises
    ------
    ValueError
        If `step` is not positive or `f` returns more than one number.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**2).sum(), [1.0, -2.0]).round(6)
    array([ 2., -4.])
    """
    step = positive("step", step)
    function("f", f)
    point = as_float("x", x).astype(np.float64)
    gradient = np.empty_like(point)
    for index in np.ndindex(point.shape):
        ahead, behind = point.copy(), point.copy()
        ahead[index] += step
        behind[index] -= step
        difference = as_float("f(x)", f(ahead)) - as_float("f(x)", f(behind))
        if difference.size != 1:
            raise ValueError(f"f must return one number, got shape {difference.shape}")
        gradient[index] = difference.item() / (2 * step)
    return gradient


def check_gradient(
    f: Callable[[NDArray], float],
    x: ArrayLike,
    gradient: ArrayLike,
    step: float = 1e-5,
    tolerance: float = 1e-6,
) -> float:
    r"""Compare a gradient with central differences.

    Parameters
    ----------
    f : callable
        Takes an array shaped like `x` and returns one number.
    x : array_like, any shape
        The point at which the gradient was taken.
    gradient : array_like, shape of `x`
        The analytic gradient to check.
    step : float
        The distance of the central differences.
    tolerance : float
        The largest difference allowed, relative to the larger of 1 and the numeric value.

    Returns
    -------
    float
        The largest relative difference that was found.

    Raises
    ------
    AssertionError
        If the two differ: the message lists where, with the analytic and the numeric value.
    ValueError
        If `gradient` has another shape than `x`.

    Examples
    --------
    >>> check_gradient(lambda x: (x**2).sum(), [1.0, -2.0], [2.0, -4.0]) < 1e-9
    True
    >>> check_gradient(lambda x: (x**2).sum(), [1.0, -2.0], [2.0, 4.0])
    Traceback (most recent call last):
    AssertionError: 1 of 2 gradient components are wrong:
      at [1]: analytic 4, numeric -4
    """
    analytic, tolerance = (
        as_float("gradient", gradient).astype(np.float64),
        not_negative("tolerance", tolerance),
    )
    same_shape("gradient", analytic, "x", as_float("x", x))
    numeric = numerical_gradient(f, x, step)
    error = np.abs(analytic - numeric) / np.maximum(1, np.abs(numeric))
    # "not <=" rather than ">", so that NaN counts as wrong.
    wrong = np.argwhere(~(error <= tolerance))
    if len(wrong):
        lines = [f"{len(wrong)} of {error.size} gradient components are wrong:"]
        lines += [
            f"  at {list(i)}: analytic {analytic[i]:.6g}, numeric {numeric[i]:.6g}"
            for i in map(tuple, wrong[:10].tolist())
        ]
        if len(wrong) > 10:
            lines.append(f"  and {len(wrong) - 10} more")
        raise AssertionError("\n".join(lines))
    return float(error.max(initial=0))
