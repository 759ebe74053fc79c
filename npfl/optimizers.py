r"""Optimizers, gradient clipping and decoupled weight decay.

``optimizer.update(parameters, gradients)`` changes the parameter arrays *in place*, because layers and models
hold the same arrays; gradients are never changed. One optimizer serves one list of parameters. The formulas
and defaults are those of Keras, which differ from PyTorch's in four places:

- momentum: the velocity includes the learning rate (PyTorch: it does not; equal while the rate is constant);
- RMSProp: epsilon stands inside the root (PyTorch: outside);
- Adam: epsilon is added before the correction of the bias, "epsilon hat" (PyTorch: after, as in Algorithm 1);
- ``weight_decay`` multiplies the parameters by 1 - learning_rate · weight_decay before the step, for each
  optimizer (PyTorch's SGD and Adam add weight_decay · θ to the gradient; the paper leaves out learning_rate).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._arrays import as_float


def clip_by_value(gradient: ArrayLike, clipvalue: float) -> NDArray:
    r"""Limit each component to :math:`[-\tau, \tau]`, which may turn the gradient into another direction.

    Parameters
    ----------
    gradient : array_like, any shape
        The gradient. Infinities become ±τ; NaN stays NaN.
    clipvalue : float
        The limit τ, positive.

    Returns
    -------
    ndarray, shape of `gradient`
        The clipped gradient.

    Raises
    ------
    ValueError
        If `clipvalue` is not positive.

    Examples
    --------
    >>> clip_by_value([3.0, -0.5], 1.0)
    array([ 1. , -0.5])

    References
    ----------
    Lecture slide "Convergence – Gradient Clipping".
    """
    gradient = as_float("gradient", gradient)
    _positive("clipvalue", clipvalue)
    return np.clip(gradient, -clipvalue, clipvalue).astype(gradient.dtype, copy=False)


def clip_by_norm(gradient: ArrayLike, clipnorm: float) -> NDArray:
    r"""Shorten the gradient of one variable to the norm τ if it is longer.

    .. math::

        \nabla J \leftarrow
        \begin{cases} \nabla J & \text{if } \lVert\nabla J\rVert \leq \tau \\
        \tau\,\nabla J / \lVert\nabla J\rVert & \text{if } \lVert\nabla J\rVert > \tau \end{cases}

    Parameters
    ----------
    gradient : array_like, any shape
        The gradient of one variable; all its components make up one vector.
    clipnorm : float
        The largest norm τ, positive.

    Returns
    -------
    ndarray, shape of `gradient`
        The clipped gradient, in the same direction.

    Raises
    ------
    ValueError
        If `clipnorm` is not positive or the gradient holds an infinity or NaN, and so has no direction
        (Keras and PyTorch return NaN).

    Examples
    --------
    >>> clip_by_norm([3.0, 4.0], 1.0)
    array([0.6, 0.8])

    References
    ----------
    R. Pascanu et al.: On the difficulty of training recurrent neural networks, 2013, arXiv 1211.5063.
    Lecture slide "Convergence – Gradient Clipping".
    """
    _positive("clipnorm", clipnorm)
    return _shorten([as_float("gradient", gradient)], clipnorm)[0]


def clip_by_global_norm(gradients: Sequence[ArrayLike], global_clipnorm: float) -> list[NDArray]:
    r"""Shorten the gradient of all variables together to the norm τ if it is longer.

    Unlike `clip_by_norm` of each variable this keeps the direction of the whole. PyTorch's
    ``clip_grad_norm_`` divides by the norm + 1e-6; here, as in Keras, it is the norm.

    Parameters
    ----------
    gradients : sequence of array_like
        The gradients of the variables, of any shapes; together they make up one vector.
    global_clipnorm : float
        The largest norm τ, positive.

    Returns
    -------
    list of ndarray
        The clipped gradients, shaped like `gradients`.

    Raises
    ------
    ValueError
        As in `clip_by_norm`.

    Examples
    --------
    >>> clip_by_global_norm([[3.0], [4.0]], 1.0)
    [array([0.6]), array([0.8])]

    References
    ----------
    Lecture slide "Convergence – Gradient Clipping".
    """
    _positive("global_clipnorm", global_clipnorm)
    return _shorten([as_float("gradients", gradient) for gradient in gradients], global_clipnorm)


def _shorten(gradients: list[NDArray], limit: float) -> list[NDArray]:
    largest = float(np.max([np.abs(g).max(initial=0) for g in gradients], initial=0))
    if not math.isfinite(largest):
        raise ValueError("gradient must be finite to be clipped by its norm, got inf or NaN")
    if largest == 0:
        return gradients
    # Components are divided by the largest in float64, so that no square overflows.
    scaled = [g.astype(np.float64) / largest for g in gradients]
    norm = math.sqrt(sum(float(np.square(s).sum()) for s in scaled))
    if largest * norm <= limit:
        return gradients
    return [(s / norm * limit).astype(g.dtype) for s, g in zip(scaled, gradients, strict=True)]


class Optimizer(ABC):
    """Hold what all optimizers share: the learning rate, weight decay and clipping.

    Parameters
    ----------
    learning_rate : float
        The step size, positive. It may be changed between steps.
    weight_decay : float, optional
        The decoupled decay of the module's docstring, not negative. It applies to every array that is passed.
    clipvalue, clipnorm, global_clipnorm : float, optional
        Clip gradients by `clip_by_value`, by `clip_by_norm` of each array, or by `clip_by_global_norm`.

    Raises
    ------
    ValueError
        If a number is out of range, or more than one kind of clipping is asked for.

    Examples
    --------
    >>> theta = np.array([3.0, 4.0])
    >>> SGD(learning_rate=1.0, global_clipnorm=1.0).update([theta], [np.array([30.0, 40.0])])
    >>> theta
    array([2.4, 3.2])

    References
    ----------
    Lecture slides of the overview table and of gradient clipping.
    """

    _slots = 0  # how many running averages a parameter has

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float | None = None,
        clipvalue: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        clips = {"clipvalue": clipvalue, "clipnorm": clipnorm, "global_clipnorm": global_clipnorm}
        given = {name: clip for name, clip in clips.items() if clip is not None}
        if len(given) > 1:
            raise ValueError(f"only one of {', '.join(clips)} may be set, got {given}")
        for name, clip in given.items():
            _positive(name, clip)
        if weight_decay is not None and not 0 <= weight_decay < math.inf:
            raise ValueError(f"weight_decay must be finite and not negative, got {weight_decay}")
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.weight_decay = weight_decay
        self.clipvalue = clipvalue
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.iterations = 0
        self._averages: list[list[NDArray]] | None = None

    def update(self, parameters: Sequence[NDArray], gradients: Sequence[NDArray]) -> None:
        """Do one step: change the arrays `parameters` in place by `gradients`, which are shaped like them.

        Raise TypeError if a parameter is not a floating-point ndarray, and ValueError if shapes do not agree
        or the parameters are others than in the first step.
        """
        if self._averages is None:
            self._averages = self._start(parameters)
        gradients = [as_float("gradients", gradient) for gradient in gradients]
        for name, arrays in (("parameters", parameters), ("gradients", gradients)):
            if [array.shape for array in arrays] != self._shapes:
                raise ValueError(
                    f"{name} must have the shapes {self._shapes}, got {[a.shape for a in arrays]}"
                )
        self.iterations += 1
        for parameter, gradient, dtype, averages in zip(
            parameters, self._clip(gradients), self._dtypes, self._averages, strict=True
        ):
            if self.weight_decay:
                parameter *= 1 - self.learning_rate * self.weight_decay
            self._step(parameter, gradient.astype(dtype, copy=False), *averages)

    def _start(self, parameters: Sequence[NDArray]) -> list[list[NDArray]]:
        for p in parameters:
            if not isinstance(p, np.ndarray) or p.dtype.kind != "f":
                raise TypeError(f"parameters must be floating-point arrays to change in place, got {p!r}")
        self._shapes = [p.shape for p in parameters]
        # Squares of float16 gradients would overflow.
        self._dtypes = [np.result_type(p, np.float32) for p in parameters]
        return [
            [np.zeros(p.shape, dtype) for _ in range(self._slots)]
            for p, dtype in zip(parameters, self._dtypes, strict=True)
        ]

    def _clip(self, gradients: list[NDArray]) -> list[NDArray]:
        if self.clipvalue is not None:
            return [clip_by_value(gradient, self.clipvalue) for gradient in gradients]
        if self.clipnorm is not None:
            return [clip_by_norm(gradient, self.clipnorm) for gradient in gradients]
        if self.global_clipnorm is not None:
            return clip_by_global_norm(gradients, self.global_clipnorm)
        return gradients

    @abstractmethod
    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        """Change one parameter in place, and its averages."""


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum if asked for.

    .. math::

        \theta &\leftarrow \theta - \eta \nabla J && \text{without momentum} \\
        \mathbf v &\leftarrow \beta \mathbf v - \eta \nabla J, \quad
        \theta \leftarrow \theta + \mathbf v && \text{with momentum} \\
        \mathbf v &\leftarrow \beta \mathbf v - \eta \nabla J, \quad
        \theta \leftarrow \theta + \beta \mathbf v - \eta \nabla J && \text{with Nesterov momentum}

    With `weight_decay` this is SGDW.

    Parameters
    ----------
    learning_rate : float
        The step size η.
    momentum : float
        The part β of the velocity that is kept, at least 0 and below 1.
    nesterov : bool
        Look ahead: step as if the gradient had been taken after the velocity; it needs a momentum.
    **shared
        `weight_decay`, `clipvalue`, `clipnorm` and `global_clipnorm` of `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of range, or as `Optimizer`.

    Examples
    --------
    >>> theta, optimizer = np.array([1.0]), SGD(learning_rate=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.update([theta], [np.array([1.0])])
    ...     print(theta)
    [0.5]
    [-0.25]

    References
    ----------
    I. Loshchilov, F. Hutter: Decoupled weight decay regularization, 2017, arXiv 1711.05101 (SGDW).
    Lecture slide "Putting It All Together".
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **shared: float | None,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.momentum = _fraction("momentum", momentum)
        if nesterov and momentum == 0:
            raise ValueError("momentum must be positive for nesterov=True, got 0")
        self.nesterov = nesterov
        self._slots = 1 if momentum else 0

    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        step = self.learning_rate * gradient
        if not self.momentum:
            parameter -= step
            return
        (velocity,) = averages
        velocity *= self.momentum
        velocity -= step
        parameter += self.momentum * velocity - step if self.nesterov else velocity


class RMSProp(Optimizer):
    r"""Divide the gradient by a running root mean square of itself, component by component.

    .. math::

        \mathbf r \leftarrow \beta_2 \mathbf r + (1 - \beta_2) (\nabla J)^2, \qquad
        \theta \leftarrow \theta - \eta \nabla J / \sqrt{\mathbf r + \epsilon}

    Parameters
    ----------
    learning_rate : float
        The step size η.
    rho : float
        The part β₂ of the average that is kept, at least 0 and below 1.
    epsilon : float
        The ε that keeps the root from 0, positive.
    **shared
        `weight_decay`, `clipvalue`, `clipnorm` and `global_clipnorm` of `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of range, or as `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0, 1.0])
    >>> RMSProp(learning_rate=0.1, rho=0.75).update([theta], [np.array([0.01, -100.0])])
    >>> theta.round(3)  # the first step is learning_rate / sqrt(1 - rho), whatever the scale of the gradient
    array([0.8, 1.2])

    References
    ----------
    G. Hinton: Neural networks for machine learning, lecture 6e, 2012.
    """

    _slots = 1

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        **shared: float | None,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = _fraction("rho", rho)
        self.epsilon = _positive("epsilon", epsilon)

    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        (mean_square,) = averages
        mean_square += (1 - self.rho) * (gradient**2 - mean_square)
        parameter -= self.learning_rate * gradient / np.sqrt(mean_square + self.epsilon)


class Adam(Optimizer):
    r"""Combine momentum with RMSProp, and correct both averages for having started at 0.

    .. math::

        \mathbf v &\leftarrow \beta_1 \mathbf v + (1 - \beta_1) \nabla J, \qquad
        \mathbf r \leftarrow \beta_2 \mathbf r + (1 - \beta_2) (\nabla J)^2 \\
        \theta &\leftarrow \theta - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
        \cdot \frac{\mathbf v}{\sqrt{\mathbf r} + \epsilon} \qquad \text{in step } t = 1, 2, \dots

    Parameters
    ----------
    learning_rate : float
        The step size η.
    beta_1, beta_2 : float
        The parts of the two averages that are kept, at least 0 and below 1.
    epsilon : float
        The ε that keeps the denominator from 0, positive.
    **shared
        `weight_decay`, `clipvalue`, `clipnorm` and `global_clipnorm` of `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of range, or as `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0, 1.0])
    >>> Adam(learning_rate=0.1).update([theta], [np.array([0.01, -100.0])])
    >>> theta.round(3)  # the first step is learning_rate, whatever the scale of the gradient
    array([0.9, 1.1])

    References
    ----------
    D. Kingma, J. Ba: Adam: a method for stochastic optimization, 2014, arXiv 1412.6980.
    """

    _slots = 2

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **shared: float | None,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = _fraction("beta_1", beta_1)
        self.beta_2 = _fraction("beta_2", beta_2)
        self.epsilon = _positive("epsilon", epsilon)

    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        mean, mean_square = averages
        mean *= self.beta_1
        mean += (1 - self.beta_1) * gradient
        mean_square *= self.beta_2
        mean_square += (1 - self.beta_2) * gradient**2
        correction = math.sqrt(1 - self.beta_2**self.iterations) / (1 - self.beta_1**self.iterations)
        # In place where possible: most of the time goes into new arrays.
        root = np.sqrt(mean_square)
        root += self.epsilon
        step = self.learning_rate * correction * mean
        step /= root
        parameter -= step


class AdamW(Adam):
    r"""Adam with decoupled weight decay, :math:`\theta \leftarrow (1 - \eta\omega)\,\theta` before each step.

    Parameters and errors are those of `Adam`; the default of `weight_decay` ω is 0.004, as in Keras.

    Examples
    --------
    >>> theta = np.array([10.0])
    >>> AdamW(learning_rate=0.1, weight_decay=0.5).update([theta], [np.array([0.0])])
    >>> theta
    array([9.5])

    References
    ----------
    I. Loshchilov, F. Hutter: Decoupled weight decay regularization, 2017, arXiv 1711.05101.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        **shared: float | None,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay=weight_decay, **shared)


def _positive(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value


def _fraction(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
    return value
