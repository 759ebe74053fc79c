r"""Optimizers, gradient clipping and decoupled weight decay.

``optimizer.update(parameters, gradients)`` changes the parameter arrays *in place*, because layers and models
hold the same arrays; gradients are never changed. One optimizer serves one list of parameters, those of its
first step, and a step that is refused leaves parameters and optimizer as they were. The formulas and
defaults are those of Keras, which differ from PyTorch's in four places:

- momentum: the velocity includes the learning rate (PyTorch: it does not; equal while the rate is constant);
- RMSProp: epsilon stands inside the root (PyTorch: outside);
- Adam: epsilon is added before the correction of the bias, "epsilon hat" (PyTorch: after, as in Algorithm 1);
- ``weight_decay`` multiplies the parameters by 1 - learning_rate · weight_decay before the step, for each
  optimizer (PyTorch's SGD and Adam add weight_decay · θ to the gradient; the paper leaves out learning_rate).

References: lecture slides of the overview table and "Convergence – Gradient Clipping".
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, as_sequence, flag, fraction, not_negative, optional, positive, show
from npfl._objects import Gradients, Independent, setting
from npfl._sums import wide


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

    Examples
    --------
    >>> clip_by_value([3.0, -0.5], 1.0)
    array([ 1. , -0.5])
    """
    gradient = as_float("gradient", gradient)
    clipvalue = min(positive("clipvalue", clipvalue), float(np.finfo(gradient.dtype).max))
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
        If the gradient holds an infinity or NaN, and so has no direction (Keras and PyTorch return NaN).

    Examples
    --------
    >>> clip_by_norm([3.0, 4.0], 1.0)
    array([0.6, 0.8])

    References
    ----------
    R. Pascanu et al.: On the difficulty of training recurrent neural networks, 2013, arXiv 1211.5063.
    """
    return _shorten("gradient", [as_float("gradient", gradient)], positive("clipnorm", clipnorm))[0]


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

    Examples
    --------
    >>> clip_by_global_norm([[3.0], [4.0]], 1.0)
    [array([0.6]), array([0.8])]
    """
    arrays = [as_float("gradients", g) for g in as_sequence("gradients", gradients, "arrays")]
    return _shorten("gradients", arrays, positive("global_clipnorm", global_clipnorm))


def _shorten(name: str, gradients: list[NDArray], limit: float) -> list[NDArray]:
    largest = float(np.max([np.abs(g).max(initial=0) for g in gradients], initial=0))
    if not math.isfinite(largest):
        raise ValueError(f"{name} must be finite to be clipped by its norm, got inf or NaN")
    if largest == 0:
        return [g.copy() for g in gradients]
    # Components are divided by the largest in float64, so that no square overflows.
    scaled = [g.astype(np.float64) / largest for g in gradients]
    norm = math.sqrt(sum(float(np.square(s).sum()) for s in scaled))
    if largest * norm <= limit:
        return [g.copy() for g in gradients]
    return [(s / norm * limit).astype(g.dtype) for s, g in zip(scaled, gradients, strict=True)]


@dataclass(eq=False)
class Optimizer(Independent, ABC):
    """Hold what all optimizers share: the learning rate, weight decay and clipping.

    Parameters
    ----------
    learning_rate : float
        The step size, positive. It may be changed between steps, as all other numbers may.
    weight_decay : float, optional
        The decoupled decay of the module's docstring, not negative. It applies to every array that is passed.
    clipvalue, clipnorm, global_clipnorm : float, optional
        Clip gradients by `clip_by_value`, by `clip_by_norm` of each array, or by `clip_by_global_norm`; only
        one of them.

    Examples
    --------
    >>> theta = np.array([3.0, 4.0])
    >>> SGD(learning_rate=1.0, global_clipnorm=1.0).update([theta], [np.array([30.0, 40.0])])
    >>> theta
    array([2.4, 3.2])
    """

    learning_rate: float = setting(positive)
    _: KW_ONLY
    weight_decay: float | None = setting(optional(not_negative), None)
    clipvalue: float | None = setting(optional(positive), None)
    clipnorm: float | None = setting(optional(positive), None)
    global_clipnorm: float | None = setting(optional(positive), None)
    iterations: int = field(default=0, init=False)

    _slots = 0  # how many running averages a parameter has

    def __post_init__(self) -> None:
        self._check_settings()
        self._parameters: list[NDArray] | None = None
        self._shapes: list[tuple[int, ...]] | None = None
        self._averages: list[list[NDArray]] = []

    def __getstate__(self) -> dict[str, Any]:
        # A copy goes on with the averages, for the parameters of these shapes that it is given first.
        return {**self.__dict__, "_parameters": None}

    def update(self, parameters: Sequence[NDArray], gradients: Sequence[ArrayLike]) -> None:
        """Do one step: change the arrays `parameters` in place by `gradients`, which are shaped like them.

        Raise TypeError if a parameter is not a floating-point ndarray, and ValueError if shapes do not agree,
        the parameters share memory or are not those of the first step, or a gradient cannot be clipped.
        """
        parameters = self._checked(parameters)
        shapes = [parameter.shape for parameter in parameters]
        steps = [as_float("gradients", g) for g in as_sequence("gradients", gradients, "arrays")]
        if [step.shape for step in steps] != shapes:
            raise ValueError(f"gradients must have the shapes {shapes}, got {[s.shape for s in steps]}")
        self._check_settings()
        # A gradient that is a view of a parameter would change with it.
        steps = [
            s.copy() if any(np.may_share_memory(s, p) for p in parameters) else s for s in self._clip(steps)
        ]
        # Nothing has been changed so far, and nothing can fail from here on.
        if self._shapes is None:
            # Squares of float16 gradients would overflow.
            self._averages = [[np.zeros(p.shape, wide(p)) for _ in range(self._slots)] for p in parameters]
        self._parameters, self._shapes = parameters, shapes
        self.iterations += 1
        for parameter, step, averages in zip(parameters, steps, self._averages, strict=True):
            gradient = step.astype(wide(parameter), copy=False)
            if self.weight_decay:
                parameter *= 1 - self.learning_rate * self.weight_decay
            self._step(parameter, gradient, *averages)

    def _checked(self, parameters: Sequence[NDArray]) -> list[NDArray]:
        """Refuse parameters that cannot be changed in place, and others than those of the first step."""
        if isinstance(parameters, Gradients):
            raise TypeError("parameters must come first and gradients second, got gradients first")
        arrays = as_sequence("parameters", parameters, "arrays")
        known = self._parameters or ()
        if len(arrays) == len(known) and all(
            a is b and a.flags.writeable for a, b in zip(arrays, known, strict=True)
        ):
            return arrays  # as in nearly every step
        for p in arrays:
            if not isinstance(p, np.ndarray) or isinstance(p, np.ma.MaskedArray) or p.dtype.kind != "f":
                raise TypeError(f"parameters must be floating-point arrays to change in place, got {show(p)}")
            if not p.flags.writeable:
                raise ValueError(
                    f"parameters must be arrays to change in place, got a read-only one: {show(p)}"
                )
        shapes = [p.shape for p in arrays]
        if self._shapes is not None and shapes != self._shapes:
            raise ValueError(f"parameters must have the shapes {self._shapes}, got {shapes}")
        if self._parameters is None:
            for (i, a), (j, b) in combinations(enumerate(arrays), 2):
                if np.shares_memory(a, b):
                    raise ValueError(
                        f"parameters must not share memory, got parameters[{i}] and parameters[{j}] that do"
                    )
        for i, (now, first) in enumerate(zip(arrays, self._parameters or arrays, strict=True)):
            if now is not first and now.size and _place(now) != _place(first):
                raise ValueError(
                    f"parameters must be the arrays of the first step, got another one as parameters[{i}]: "
                    "other parameters need an optimizer of their own"
                )
        return arrays

    def _regroup(self, parameters: list[NDArray]) -> None:
        """Go on with the same numbers as other arrays: one long vector, or its views one after the other."""
        known, shapes = self._parameters, [p.shape for p in parameters]
        if self._shapes is None or shapes == self._shapes:
            return
        if sum(map(math.prod, shapes)) != sum(map(math.prod, self._shapes)):
            return
        if known is not None and known[0].ctypes.data != parameters[0].ctypes.data:
            return
        ends = np.cumsum([p.size for p in parameters])[:-1]
        columns = [
            np.concatenate([a.ravel() for a in column]) for column in zip(*self._averages, strict=True)
        ]
        split = [np.split(column, ends) for column in columns]
        self._averages = [[part[i].reshape(shape) for part in split] for i, shape in enumerate(shapes)]
        self._parameters, self._shapes = (None if known is None else parameters), shapes

    def _check_settings(self) -> None:
        """Refuse settings that exclude each other."""
        clips = (self.clipvalue, self.clipnorm, self.global_clipnorm)
        if clips.count(None) < 2:
            raise ValueError(f"only one of clipvalue, clipnorm, global_clipnorm may be set, got {clips}")

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


@dataclass(eq=False)
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
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

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
    """

    learning_rate: float = setting(positive, 0.01)
    _: KW_ONLY
    momentum: float = setting(fraction, 0.0)
    nesterov: bool = setting(flag, False)

    _slots = 1

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.nesterov and self.momentum == 0:
            raise ValueError("momentum must be positive for nesterov=True, got 0")

    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        (velocity,) = averages
        step = self.learning_rate * gradient
        if not self.momentum:
            parameter -= step
            return
        velocity *= self.momentum
        velocity -= step
        parameter += self.momentum * velocity - step if self.nesterov else velocity


@dataclass(eq=False)
class RMSProp(Optimizer):
    r"""Divide the gradient by a running root mean square of itself, component by component.

    .. math::

        \mathbf r \leftarrow \beta_2 \mathbf r + (1 - \beta_2) (\nabla J)^2, \qquad
        \theta \leftarrow \theta - \eta \nabla J / \sqrt{\mathbf r + \epsilon}

    Keras and PyTorch spell it `RMSprop`, which serves as well.

    Parameters
    ----------
    learning_rate : float
        The step size η.
    rho : float
        The part β₂ of the average that is kept, at least 0 and below 1.
    epsilon : float
        The ε that keeps the root from 0, positive.
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

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

    learning_rate: float = setting(positive, 0.001)
    _: KW_ONLY
    rho: float = setting(fraction, 0.9)
    epsilon: float = setting(positive, 1e-7)

    _slots = 1

    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        (mean_square,) = averages
        mean_square += (1 - self.rho) * (gradient**2 - mean_square)
        parameter -= self.learning_rate * gradient / np.sqrt(mean_square + self.epsilon)


RMSprop = RMSProp


@dataclass(eq=False)
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
    weight_decay, clipvalue, clipnorm, global_clipnorm : float, optional
        As in `Optimizer`.

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

    learning_rate: float = setting(positive, 0.001)
    _: KW_ONLY
    beta_1: float = setting(fraction, 0.9)
    beta_2: float = setting(fraction, 0.999)
    epsilon: float = setting(positive, 1e-7)

    _slots = 2

    def _step(self, parameter: NDArray, gradient: NDArray, *averages: NDArray) -> None:
        mean, mean_square = averages
        mean += (1 - self.beta_1) * (gradient - mean)
        mean_square += (1 - self.beta_2) * (gradient**2 - mean_square)
        correction = math.sqrt(1 - self.beta_2**self.iterations) / (1 - self.beta_1**self.iterations)
        parameter -= self.learning_rate * correction * mean / (np.sqrt(mean_square) + self.epsilon)


@dataclass(eq=False)
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

    _: KW_ONLY
    weight_decay: float | None = setting(optional(not_negative), 0.004)


def _place(array: NDArray) -> tuple[object, ...]:
    """Tell apart arrays that are not the same memory, seen the same way."""
    return array.__array_interface__["data"][0], array.strides, array.dtype
