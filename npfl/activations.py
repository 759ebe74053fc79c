r"""Activation functions and their derivatives.

Every element-wise activation ``name(x)`` stands beside its derivative ``name_grad(x)``, which takes the same
arguments. Both accept an array of any shape and return one of that shape and precision; integers become
float64. (NumPy 1 computes float32 numbers without any axis in float64.)
Where a slope jumps, at 0, the derivative is that of the left side, as in PyTorch: ReLU'(0) = 0.
Softmax and log-softmax act on a whole vector of logits; softmax has a Jacobian instead.
At -∞ GELU, SiLU and Mish are NaN, as in PyTorch, TensorFlow and Keras: the formula says -∞ · 0. All other
functions, and all derivatives, have their limits at ±∞.

The formulas are written so that neither tail is lost: :math:`1 + e^{-x}`, :math:`1 - \tanh^2 x` or
:math:`1 + \operatorname{erf} x`, taken literally, overflow or round to 0 where the result is small but not 0.

References: lecture slides "Putting It All Together", "Convergence – Saturating Non-linearities", and
"Derivative of Softmax MLE Loss".
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, finite, flag, integer
from npfl._sums import product, total, wide

_FAR = 1e4


def sigmoid(x: ArrayLike) -> NDArray:
    r"""Map a real number to a probability, :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    The number is a *logit*, the logarithm of the odds of the outcome.

    Examples
    --------
    >>> sigmoid([-1e4, 0.0, 1e4])
    array([0. , 0.5, 1. ])
    """
    x = as_float("x", x)
    # Numerator and denominator are multiplied by e^x where x < 0: no exponent is positive, nothing overflows.
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def sigmoid_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate the sigmoid, :math:`\sigma'(x) = \sigma(x)\,\sigma(-x)`, at most 1/4.

    Examples
    --------
    >>> sigmoid_grad([0.0, 1e4])
    array([0.25, 0.  ])
    """
    # The usual s (1 - s) cancels for large x, where 1 - s rounds to 0 too early.
    x = as_float("x", x)
    return sigmoid(x) * sigmoid(-x)


def tanh(x: ArrayLike) -> NDArray:
    r"""Squash a number into (-1, 1), :math:`\tanh x = 2\sigma(2x) - 1`.

    Examples
    --------
    >>> tanh([-1e4, 0.0, 1e4])
    array([-1.,  0.,  1.])
    """
    return np.tanh(as_float("x", x))


def tanh_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate tanh, :math:`\tanh' x = 1 - \tanh^2 x = 4\sigma'(2x)`.

    Examples
    --------
    >>> tanh_grad([0.0, 1e4])
    array([1., 0.])
    """
    return 4 * sigmoid_grad(2 * _tails(as_float("x", x)))


def relu(x: ArrayLike) -> NDArray:
    r"""Set negative numbers to 0, :math:`\max(x, 0)`.

    Examples
    --------
    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    return np.maximum(as_float("x", x), 0)


def relu_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate ReLU, :math:`[x > 0]`.

    Examples
    --------
    >>> relu_grad([-2.0, 0.0, 3.0])
    array([0., 0., 1.])
    """
    x = as_float("x", x)
    return (x > 0).astype(x.dtype)


def leaky_relu(x: ArrayLike, slope: ArrayLike = 0.01) -> NDArray:
    r"""Scale negative numbers, :math:`\max(x, 0) + \nu \min(x, 0)`.

    With a slope that is learned, most often one for each unit, it is PReLU.

    Parameters
    ----------
    slope : array_like, shape of the last axes of `x`, or ()
        The slope ν on the negative side. (Keras' ``leaky_relu`` has the default 0.2, PyTorch's 0.01.)

    Raises
    ------
    ValueError
        If `slope` cannot be repeated over the leading axes of `x`.

    Examples
    --------
    >>> leaky_relu([[-2.0, -2.0], [3.0, -4.0]], slope=[0.5, 0.25])
    array([[-1. , -0.5],
           [ 3. , -1. ]])

    References
    ----------
    K. He et al.: Delving deep into rectifiers, 2015, arXiv 1502.01852.
    """
    x, slope = _with_slope(x, slope)
    return (np.maximum(x, 0) + product(np.where(x < 0, slope, 0), x)).astype(x.dtype, copy=False)


def leaky_relu_grad(x: ArrayLike, slope: ArrayLike = 0.01) -> NDArray:
    r"""Differentiate leaky ReLU, 1 where :math:`x > 0` and :math:`\nu` elsewhere.

    The derivative with respect to the slope ν is :math:`\min(x, 0)`.
    Parameters, result and errors are those of `leaky_relu`.

    Examples
    --------
    >>> leaky_relu_grad([-2.0, 0.0, 3.0], slope=0.25)
    array([0.25, 0.25, 1.  ])
    """
    x, slope = _with_slope(x, slope)
    return np.where(x > 0, np.ones_like(slope), slope).astype(x.dtype)


def elu(x: ArrayLike, alpha: float = 1.0) -> NDArray:
    r"""Let negative numbers approach a limit, :math:`\nu (e^x - 1)` where :math:`x \le 0`, x elsewhere.

    Parameters
    ----------
    alpha : float
        The size ν of the limit -ν for large negative inputs (α in the paper).

    Examples
    --------
    >>> elu([-1e4, 0.0, 3.0], alpha=0.5)
    array([-0.5,  0. ,  3. ])

    References
    ----------
    D.-A. Clevert et al.: Fast and accurate deep network learning by exponential linear units, 2015.
    """
    x, alpha = as_float("x", x), finite("alpha", alpha)
    below = np.minimum(x, 0, dtype=wide(x))
    return (np.maximum(x, 0) + product(np.expm1(below), below.dtype.type(alpha))).astype(x.dtype)


def elu_grad(x: ArrayLike, alpha: float = 1.0) -> NDArray:
    r"""Differentiate ELU, 1 where :math:`x > 0` and :math:`\nu e^x` elsewhere.

    Parameters and result are those of `elu`.

    Examples
    --------
    >>> elu_grad([-1e4, 0.0, 3.0], alpha=0.5)
    array([0. , 0.5, 1. ])
    """
    x, alpha = as_float("x", x), finite("alpha", alpha)
    below = np.minimum(x, 0, dtype=wide(x))
    return np.where(x > 0, 1, product(np.exp(below), below.dtype.type(alpha))).astype(x.dtype)


def gelu(x: ArrayLike, approximate: bool = False) -> NDArray:
    r"""Scale a number by the probability that a standard normal variable is smaller.

    .. math::

        x\,\Phi(x) = \tfrac x2 \operatorname{erfc}(-x / \sqrt 2)
        \approx \tfrac x2 (1 + \tanh u), \quad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)

    The relative error stays below 1e-13 in the negative tail, where the usual 1 + erf is 0 from x = -8.3 on.

    Parameters
    ----------
    approximate : bool
        Whether to use the formula with tanh, which is off by 5e-4 at most.

    Examples
    --------
    >>> gelu([-1e4, 0.0, 1.0]).round(4)
    array([-0.    ,  0.    ,  0.8413])

    References
    ----------
    D. Hendrycks, K. Gimpel: Gaussian error linear units, 2016, arXiv 1606.08415.
    """
    x = as_float("x", x)
    # In float64, as math.erfc is.
    z = _tails(x.astype(np.float64))
    cdf = sigmoid(2 * _gelu_u(z)) if flag("approximate", approximate) else _normal_cdf(z)
    return (x * cdf).astype(x.dtype)


def gelu_grad(x: ArrayLike, approximate: bool = False) -> NDArray:
    r"""Differentiate GELU, :math:`\Phi(x) + x\,\varphi(x)` with the density φ of the standard normal.

    With ``approximate=True`` it is the derivative of the approximation.
    Parameters and result are those of `gelu`.

    Examples
    --------
    >>> gelu_grad([-1e4, 0.0, 1e4])
    array([0. , 0.5, 1. ])
    """
    x = as_float("x", x)
    z = _tails(x.astype(np.float64))
    if flag("approximate", approximate):
        u, u_grad = _gelu_u(z), math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
        # ½ (1 + tanh u) = σ(2u), which keeps the tail.
        grad = sigmoid(2 * u) + z * sigmoid_grad(2 * u) * 2 * u_grad
    else:
        grad = _normal_cdf(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return grad.astype(x.dtype)


def silu(x: ArrayLike) -> NDArray:
    r"""Scale a number by its own sigmoid, :math:`x\,\sigma(x)`; also called Swish.

    Examples
    --------
    >>> silu([-1e4, 0.0, 1e4])
    array([   -0.,     0., 10000.])

    References
    ----------
    S. Elfwing et al.: Sigmoid-weighted linear units, 2017, arXiv 1702.03118.
    P. Ramachandran et al.: Searching for activation functions, 2017, arXiv 1710.05941.
    """
    x = as_float("x", x)
    # Where x is -17, the sigmoid is hardly a number of float16, and x times it still is one.
    return (x * sigmoid(x.astype(wide(x), copy=False))).astype(x.dtype, copy=False)


def silu_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate SiLU, :math:`\sigma(x) (1 + x\,\sigma(-x))`.

    Examples
    --------
    >>> silu_grad([0.0, 1e4])
    array([0.5, 1. ])
    """
    x = as_float("x", x)
    dtype, x = x.dtype, _tails(x.astype(wide(x), copy=False))
    return (sigmoid(x) * (1 + x * sigmoid(-x))).astype(dtype, copy=False)


def softplus(x: ArrayLike) -> NDArray:
    r"""Smooth ReLU, :math:`\log(1 + e^x) = \max(x, 0) + \log(1 + e^{-|x|})`.

    It is exact everywhere; PyTorch's returns x itself above 20.

    Examples
    --------
    >>> softplus([-1e4, 1e4])
    array([    0., 10000.])
    """
    x = as_float("x", x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate softplus, :math:`\sigma(x)`.

    Examples
    --------
    >>> softplus_grad([0.0, 1e4])
    array([0.5, 1. ])
    """
    return sigmoid(x)


def mish(x: ArrayLike) -> NDArray:
    r"""Scale a number by the tanh of its softplus, :math:`x \tanh(\log(1 + e^x))`.

    Examples
    --------
    >>> mish([-1e4, 0.0, 1e4])
    array([   -0.,     0., 10000.])

    References
    ----------
    D. Misra: Mish, a self regularized non-monotonic activation function, 2019, arXiv 1908.08681.
    """
    x = as_float("x", x)
    return (x * np.tanh(softplus(x.astype(wide(x), copy=False)))).astype(x.dtype, copy=False)


def mish_grad(x: ArrayLike) -> NDArray:
    r"""Differentiate Mish, :math:`\tanh s + x\,\sigma(x) \tanh' s` with :math:`s = \log(1 + e^x)`.

    Examples
    --------
    >>> mish_grad([0.0, 1e4])
    array([0.6, 1. ])
    """
    x = as_float("x", x)
    dtype, x = x.dtype, _tails(x.astype(wide(x), copy=False))
    s = softplus(x)
    return (np.tanh(s) + x * sigmoid(x) * tanh_grad(s)).astype(dtype, copy=False)


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
        If there is no such axis, or no class to choose from.

    Examples
    --------
    >>> softmax([0.0, np.log(3.0)])
    array([0.25, 0.75])
    >>> softmax([1e4, -1e4])
    array([1., 0.])
    """
    z, dtype = _shifted(logits, axis)
    e = np.exp(z)
    return (e / total(e, axis, keepdims=True)).astype(dtype, copy=False)


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
    """
    o = softmax(logits)
    return o[..., :, None] * (np.eye(o.shape[-1], dtype=o.dtype) - o[..., None, :])


def log_softmax(logits: ArrayLike, axis: int = -1) -> NDArray:
    r"""Compute log-probabilities, :math:`\log o_i = z_i - \log \sum_j e^{z_j}`.

    Parameters and errors are those of `softmax`; the result is finite if the differences of the logits are.

    Examples
    --------
    >>> log_softmax([1e4, -1e4])
    array([     0., -20000.])
    """
    z, dtype = _shifted(logits, axis)
    return (z - np.log(total(np.exp(z), axis, keepdims=True))).astype(dtype, copy=False)


def _with_slope(x: ArrayLike, slope: ArrayLike) -> tuple[NDArray, NDArray]:
    x, slope = as_float("x", x), as_float("slope", slope)
    try:
        return x, np.broadcast_to(slope.astype(wide(x), copy=False), x.shape)
    except ValueError:
        raise ValueError(
            f"slope must have the shape of the last axes of x, {x.shape}, got {slope.shape}"
        ) from None


def _gelu_u(x: NDArray) -> NDArray:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


def _normal_cdf(x: NDArray) -> NDArray:
    # NumPy has no erfc, the standard library has one for single numbers.
    return np.vectorize(math.erfc, otypes=[np.float64])(x * -math.sqrt(0.5)) / 2


def _tails(x: NDArray) -> NDArray:
    # 0 · ∞ has no value, and x³ may overflow. Farther out than this the derivatives are at their limits to
    # the last bit of float64, and the bounds are numbers of float16 too.
    return np.clip(x, -_FAR, _FAR)


def _shifted(logits: ArrayLike, axis: int) -> tuple[NDArray, np.dtype]:
    """Return the logits, shifted and in float32 at least, and their own dtype."""
    logits, axis = as_float("logits", logits), integer("axis", axis)
    z = logits.astype(wide(logits), copy=False)
    if z.ndim > 0 and not -z.ndim <= axis < z.ndim:
        raise ValueError(f"axis must be an axis of logits, whose shape is {z.shape}, got {axis}")
    if z.ndim == 0 or z.shape[axis] == 0:
        raise ValueError(f"logits must hold at least one class on axis {axis}, got shape {z.shape}")
    # Softmax does not change when all logits are shifted; after this shift the largest power is 1.
    return z - z.max(axis=axis, keepdims=True), logits.dtype
