r"""Initial weights of a layer with n inputs (`fan_in`) and m outputs (`fan_out`).

Each ``*_uniform`` draws from :math:`U[-r, r]`, whose variance is :math:`r^2/3`; a ``*_limit`` computes the r.
Each ``*_normal`` draws from the normal distribution of the same variance. PyTorch does the same; Keras cuts
its normal at two standard deviations and widens it to keep the variance. Biases start at 0 and need no
function. PyTorch's ``nn.Linear`` draws weights and biases by `fan_in_uniform`; Keras' ``Dense`` draws weights
by `glorot_uniform`. The fans of a convolution are multiplied by the size of its receptive field.

References: lecture slide "Convergence – Parameter Initialization".
"""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike, NDArray

from npfl._checks import count, float_dtype, generator, not_negative


def fan_in_limit(fan_in: int) -> float:
    r"""Compute the limit of the older heuristic, :math:`r = 1/\sqrt n`.

    The variance is 1/(3n), so a linear layer divides the variance of its inputs by 3.

    Examples
    --------
    >>> fan_in_limit(4)
    0.5
    """
    return 1 / math.sqrt(count("fan_in", fan_in))


def glorot_limit(fan_in: int, fan_out: int) -> float:
    r"""Compute Glorot's limit, :math:`r = \sqrt{6 / (n + m)}`.

    Values keep their variance on the way forward if n Var w = 1, gradients on the way back if m Var w = 1.
    The compromise is Var w = 2/(n + m). It assumes means of 0 and a slope of 1, as tanh has at 0.

    Examples
    --------
    >>> glorot_limit(4, 2)
    1.0

    References
    ----------
    X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010.
    """
    return math.sqrt(6 / (count("fan_in", fan_in) + count("fan_out", fan_out)))


def he_limit(fan_in: int) -> float:
    r"""Compute He's limit, :math:`r = \sqrt{6 / n}`.

    ReLU sets half of the values to 0 and so halves the mean square; Var w = 2/n makes up for it.

    Examples
    --------
    >>> he_limit(6)
    1.0

    References
    ----------
    K. He et al.: Delving deep into rectifiers, 2015, arXiv 1502.01852.
    """
    return math.sqrt(6 / count("fan_in", fan_in))


def uniform_variance(limit: float) -> float:
    r"""Compute the variance of :math:`U[-r, r]` with the limit r, which is :math:`r^2 / 3`.

    Examples
    --------
    >>> uniform_variance(glorot_limit(4, 2)) == 2 / (4 + 2)
    True
    """
    limit = not_negative("limit", limit)
    return limit * limit / 3


def fan_in_uniform(fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike = np.float64) -> NDArray:
    r"""Draw weights from :math:`U[-1/\sqrt n, 1/\sqrt n]`.

    Parameters
    ----------
    fan_in, fan_out : int
        The numbers of inputs n and outputs m, positive.
    rng : numpy.random.Generator
        The source of randomness.
    dtype : floating-point dtype
        The precision of the weights.

    Returns
    -------
    ndarray, shape (fan_in, fan_out)
        The weights.

    Examples
    --------
    >>> bool(abs(fan_in_uniform(100, 5, np.random.default_rng(1))).max() <= 0.1)
    True
    """
    return _uniform(fan_in_limit(fan_in), fan_in, fan_out, rng, dtype)


def glorot_uniform(fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike = np.float64) -> NDArray:
    r"""Draw weights from :math:`U[-r, r]` with :math:`r = \sqrt{6 / (n + m)}`.

    Parameters, result and errors are those of `fan_in_uniform`.

    Examples
    --------
    >>> glorot_uniform(64, 128, np.random.default_rng(1)).shape
    (64, 128)
    """
    return _uniform(glorot_limit(fan_in, fan_out), fan_in, fan_out, rng, dtype)


def glorot_normal(fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike = np.float64) -> NDArray:
    r"""Draw weights from :math:`\mathcal N(0, 2 / (n + m))`.

    Parameters, result and errors are those of `fan_in_uniform`.

    Examples
    --------
    >>> float(glorot_normal(500, 300, np.random.default_rng(1)).std().round(3))  # the square root of 2/800
    0.05
    """
    return _normal(glorot_limit(fan_in, fan_out), fan_in, fan_out, rng, dtype)


def he_uniform(fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike = np.float64) -> NDArray:
    r"""Draw weights from :math:`U[-r, r]` with :math:`r = \sqrt{6 / n}`.

    Parameters, result and errors are those of `fan_in_uniform`.

    Examples
    --------
    >>> he_uniform(6, 2, np.random.default_rng(1), np.float32).dtype
    dtype('float32')
    """
    return _uniform(he_limit(fan_in), fan_in, fan_out, rng, dtype)


def he_normal(fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike = np.float64) -> NDArray:
    r"""Draw weights from :math:`\mathcal N(0, 2 / n)`.

    Parameters, result and errors are those of `fan_in_uniform`.

    Examples
    --------
    >>> float(he_normal(800, 200, np.random.default_rng(1)).std().round(3))  # the square root of 2/800
    0.05
    """
    return _normal(he_limit(fan_in), fan_in, fan_out, rng, dtype)


def _uniform(limit: float, fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike) -> NDArray:
    shape, dtype = (count("fan_in", fan_in), count("fan_out", fan_out)), float_dtype("dtype", dtype)
    return generator("rng", rng).uniform(-limit, limit, shape).astype(dtype, copy=False)


def _normal(limit: float, fan_in: int, fan_out: int, rng: Generator, dtype: DTypeLike) -> NDArray:
    shape, dtype = (count("fan_in", fan_in), count("fan_out", fan_out)), float_dtype("dtype", dtype)
    deviation = math.sqrt(uniform_variance(limit))
    return generator("rng", rng).normal(0, deviation, shape).astype(dtype, copy=False)
