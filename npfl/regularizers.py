r"""Dropout, and penalties on the weights: :math:`\tilde J(\theta) = J(\theta) + \lambda\,R(\theta)`.

The lecture's :math:`\lambda` is called `strength`, its :math:`\alpha`, the book's :math:`\eta`,
`learning_rate`. There is no factor ½ here, nor in Keras' ``L2``; the penalty of PyTorch's SGD has one, so its
``weight_decay`` is 2λ. As a rule, weights are penalized, biases are not.

References: lecture slides "Regularization – Dropout", "L2 Regularization" and "L1 Regularization".
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, flag, fraction, generator, not_negative, positive, same_shape
from npfl._objects import setting
from npfl._sums import product, wide


def dropout(
    inputs: ArrayLike, rate: float = 0.5, training: bool = False, rng: Generator | None = None
) -> NDArray:
    r"""Set inputs to 0 with probability p and scale the others by :math:`1/(1-p)`.

    The scaling keeps the expectation, so that inference needs no change. Every element has a draw of its own.
    The rate p is that of *dropping*; Srivastava's p is that of keeping.

    Parameters
    ----------
    inputs : array_like, any shape
        The values to drop.
    rate : float
        The probability p to drop, at least 0 and below 1, where nothing would be left.
    training : bool
        Without training the inputs are returned as they are.
    rng : numpy.random.Generator, optional
        The source of randomness, required for training.

    Returns
    -------
    ndarray, shape of `inputs`
        The inputs, some dropped.

    Examples
    --------
    >>> dropout([1.0, 2.0, 3.0, 4.0], rate=0.5, training=True, rng=np.random.default_rng(1))
    array([2., 4., 0., 8.])
    >>> dropout([1.0, 2.0])
    array([1., 2.])

    References
    ----------
    N. Srivastava et al.: Dropout: a simple way to prevent neural networks from overfitting, 2014.
    """
    inputs, rate = as_float("inputs", inputs), fraction("rate", rate)
    if not flag("training", training):
        return inputs
    return product(_dropout_mask(inputs, rate, generator("rng", rng)), inputs).astype(
        inputs.dtype, copy=False
    )


def _dropout_mask(inputs: NDArray, rate: float, rng: Generator) -> NDArray:
    """Draw the factors of dropout, 0 with probability p and 1/(1 - p) otherwise, in float32 at least."""
    kept = rng.random(inputs.shape) >= rate
    return np.asarray(kept / (1 - rate), dtype=wide(inputs))


@dataclass(eq=False)
class L2:
    r"""Penalize the squared norm, :math:`\lambda \lVert\theta\rVert_2^2 = \lambda \sum_i \theta_i^2`.

    Parameters
    ----------
    strength : float
        The factor λ, not negative.

    Examples
    --------
    >>> penalty = L2(0.5)
    >>> penalty([3.0, 4.0])
    12.5
    >>> penalty.gradient([3.0, 4.0])
    array([3., 4.])
    """

    strength: float = setting(not_negative)

    def __call__(self, weights: ArrayLike) -> float:
        """Return the penalty of weights of any shape."""
        # Squares of float16 or float32 may overflow, so they are taken in float64.
        squares = np.square(as_float("weights", weights), dtype=np.float64)
        return float(product(np.asarray(self.strength), squares.sum()))

    def gradient(self, weights: ArrayLike) -> NDArray:
        r"""Return the gradient :math:`2 \lambda \theta`, shaped like the weights."""
        weights = as_float("weights", weights)
        # Not 2λ, which may overflow where the weight is 0.
        return (2 * product(wide(weights).type(self.strength), weights)).astype(weights.dtype, copy=False)


@dataclass(eq=False)
class L1:
    r"""Penalize the sum of magnitudes, :math:`\lambda \lVert\theta\rVert_1 = \lambda \sum_i |\theta_i|`.

    Parameters
    ----------
    strength : float
        The factor λ, not negative.

    Examples
    --------
    >>> penalty = L1(0.5)
    >>> penalty([3.0, -4.0])
    3.5
    >>> penalty.gradient([3.0, -4.0, 0.0])
    array([ 0.5, -0.5,  0. ])
    """

    strength: float = setting(not_negative)

    def __call__(self, weights: ArrayLike) -> float:
        """Return the penalty of weights of any shape."""
        magnitudes = np.abs(as_float("weights", weights))
        return float(product(np.asarray(self.strength), magnitudes.sum(dtype=np.float64)))

    def gradient(self, weights: ArrayLike) -> NDArray:
        r"""Return the subgradient :math:`\lambda \operatorname{sign} \theta`, which is 0 at 0."""
        weights = as_float("weights", weights)
        return (wide(weights).type(self.strength) * np.sign(weights)).astype(weights.dtype, copy=False)


def l2_sgd_update(weights: ArrayLike, gradient: ArrayLike, learning_rate: float, strength: float) -> NDArray:
    r"""Do a step of SGD with an L2 penalty.

    .. math:: \theta \leftarrow \theta (1 - 2\eta\lambda) - \eta\,\partial J/\partial\theta

    Parameters
    ----------
    weights : array_like, any shape
        The weights θ before the step.
    gradient : array_like, shape of `weights`
        The gradient of the loss J without the penalty.
    learning_rate : float
        The step size η, positive.
    strength : float
        The factor λ of the penalty, not negative.

    Returns
    -------
    ndarray, shape of `weights`
        The weights after the step.

    Raises
    ------
    ValueError
        If a number is out of range, 2ηλ is 1 or more (weights would change sign), or the shapes differ.

    Examples
    --------
    >>> l2_sgd_update([10.0, -10.0], [1.0, 1.0], learning_rate=0.5, strength=0.1)
    array([ 8.5, -9.5])
    """
    weights, gradient, dtype = _checked(weights, gradient)
    learning_rate, strength = positive("learning_rate", learning_rate), not_negative("strength", strength)
    if 2 * learning_rate * strength >= 1:
        raise ValueError(f"2 * learning_rate * strength must be below 1, got {2 * learning_rate * strength}")
    updated = weights * (1 - 2 * learning_rate * strength) - learning_rate * gradient
    return updated.astype(dtype, copy=False)


def l1_sgd_update(weights: ArrayLike, gradient: ArrayLike, learning_rate: float, strength: float) -> NDArray:
    r"""Do the lecture's step of SGD with an L1 penalty.

    .. math::

        \theta \leftarrow \theta - \eta\,\partial J/\partial\theta
        - \min(\eta\lambda, |\theta|) \operatorname{sign} \theta

    The minimum keeps the *penalty* from carrying a weight across 0. The step of the gradient still moves
    it off 0, so that weights hardly ever become exactly 0: `l1_proximal_update` makes them.
    Parameters, result and errors are those of `l2_sgd_update`, but for the bound on 2ηλ.

    Examples
    --------
    >>> l1_sgd_update([1.0, 0.01, 0.0], [0.0, 0.1, 0.1], learning_rate=0.5, strength=0.5)
    array([ 0.75, -0.05, -0.05])
    """
    weights, gradient, dtype = _checked(weights, gradient)
    learning_rate, strength = positive("learning_rate", learning_rate), not_negative("strength", strength)
    # min(ηλ, |θ|) sign θ is θ itself, limited to [-ηλ, ηλ].
    limit = learning_rate * strength
    updated = weights - learning_rate * gradient - np.clip(weights, -limit, limit)
    return updated.astype(dtype, copy=False)


def l1_proximal_update(
    weights: ArrayLike, gradient: ArrayLike, learning_rate: float, strength: float
) -> NDArray:
    r"""Do a step of SGD, then move every weight towards 0 by :math:`\eta\lambda`, stopping at 0.

    .. math::

        \mathbf u = \theta - \eta\,\partial J/\partial\theta, \qquad
        \theta \leftarrow \operatorname{sign}(\mathbf u) \max(|\mathbf u| - \eta\lambda, 0)

    Weights whose loss gradient is smaller than λ become exactly 0 and stay there.
    Parameters, result and errors are those of `l2_sgd_update`, but for the bound on 2ηλ.

    Examples
    --------
    >>> l1_proximal_update([1.0, 0.01, 0.0], [0.0, 0.1, 0.1], learning_rate=0.5, strength=0.5)
    array([0.75, 0.  , 0.  ])

    References
    ----------
    N. Parikh, S. Boyd: Proximal algorithms, 2014, section 6.5.2.
    """
    weights, gradient, dtype = _checked(weights, gradient)
    learning_rate, strength = positive("learning_rate", learning_rate), not_negative("strength", strength)
    limit = learning_rate * strength
    stepped = weights - learning_rate * gradient
    return (stepped - np.clip(stepped, -limit, limit)).astype(dtype, copy=False)


def _checked(weights: ArrayLike, gradient: ArrayLike) -> tuple[NDArray, NDArray, np.dtype]:
    """Return weights and gradient in float32 at least, and the dtype of the weights."""
    weights, gradient = as_float("weights", weights), as_float("gradient", gradient)
    same_shape("weights", weights, "gradient", gradient)
    return (
        weights.astype(wide(weights), copy=False),
        gradient.astype(wide(gradient), copy=False),
        weights.dtype,
    )
