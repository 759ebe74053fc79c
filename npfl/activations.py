r"""Activation functions and their derivatives.

Every element-wise activation ``name(x)`` stands beside its derivative ``name_grad(x)``.
Softmax and log-softmax act on a whole vector of logits, so they have a Jacobian instead.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._arrays import as_float


def sigmoid(x: ArrayLike) -> NDArray:
    r"""Map a real number to a probability, :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : array_like, any shape
        The logit: the logarithm of the odds of the outcome.

    Returns
    -------
    ndarray, shape of `x`
        The probability of the outcome, between 0 and 1.

    Examples
    --------
    >>> sigmoid([-1e4, 0.0, 1e4])
    array([0. , 0.5, 1. ])

    References
    ----------
    Lecture slide "Putting It All Together"; chapter "Derivative of the softmax loss".
    """
    x = as_float("x", x)
    # Numerator and denominator are multiplied by e^x where x < 0: no exponent is positive, nothing overflows.
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def sigmoid_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate the sigmoid, :math:`\sigma'(x) = \sigma(x)\,\sigma(-x)`.

    Parameters
    ----------
    x : array_like, any shape
        The points at which to differentiate.

    Returns
    -------
    ndarray, shape of `x`
        The derivative, at most 1/4.

    Examples
    --------
    >>> sigmoid_grad([0.0, 1e4])
    array([0.25, 0.  ])

    References
    ----------
    Lecture slide "Convergence – Saturating Non-linearities".
    """
    # The usual s (1 - s) cancels for large x, where 1 - s rounds to 0 too early.
    x = as_float("x", x)
    return sigmoid(x) * sigmoid(-x)


def softmax(logits: ArrayLike, axis: int = -1) -> NDArray:
    r"""Turn scores into a categorical distribution, :math:`o_i = e^{z_i} / \sum_j e^{z_j}`.

    Parameters
    ----------
    logits : array_like, shape (..., K)
        The scores :math:`\mathbf z` of the K classes.
    axis : int
        The axis that holds the classes.

    Returns
    -------
    ndarray, shape of `logits`
        Probabilities that sum to 1 along `axis`.

    Raises
    ------
    ValueError
        If there is no class to choose from.

    Examples
    --------
    >>> softmax([0.0, np.log(3.0)])
    array([0.25, 0.75])
    >>> softmax([1e4, -1e4])
    array([1., 0.])

    References
    ----------
    Lecture slide "Derivative of Softmax MLE Loss"; chapter "Derivative of the softmax loss".
    """
    e = np.exp(_shifted(logits, axis))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_jacobian(logits: ArrayLike) -> NDArray:
    r"""Differentiate softmax, :math:`\partial o_i / \partial z_j = o_i ([i = j] - o_j)`.

    Parameters
    ----------
    logits : array_like, shape (..., K)
        The scores of the K classes.

    Returns
    -------
    ndarray, shape (..., K, K)
        Row i, column j: the derivative of probability i by logit j. Symmetric; rows sum to 0.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])

    References
    ----------
    Lecture slide "Derivative of Softmax MLE Loss".
    """
    o = softmax(logits)
    return o[..., :, None] * (np.eye(o.shape[-1], dtype=o.dtype) - o[..., None, :])


def log_softmax(logits: ArrayLike, axis: int = -1) -> NDArray:
    r"""Compute log-probabilities, :math:`\log o_i = z_i - \log \sum_j e^{z_j}`.

    Parameters
    ----------
    logits : array_like, shape (..., K)
        The scores of the K classes.
    axis : int
        The axis that holds the classes.

    Returns
    -------
    ndarray, shape of `logits`
        The logarithms of the probabilities, finite for finite logits.

    Raises
    ------
    ValueError
        If there is no class to choose from.

    Examples
    --------
    >>> log_softmax([1e4, -1e4])
    array([     0., -20000.])

    References
    ----------
    Lecture slide "Derivative of Softmax MLE Loss".
    """
    z = _shifted(logits, axis)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def _shifted(logits: ArrayLike, axis: int) -> NDArray:
    z = as_float("logits", logits)
    if z.ndim == 0 or z.shape[axis] == 0:
        raise ValueError(f"logits must hold at least one class on axis {axis}, got shape {z.shape}")
    # Softmax does not change when all logits are shifted; after this shift the largest power is 1.
    return z - z.max(axis=axis, keepdims=True)
