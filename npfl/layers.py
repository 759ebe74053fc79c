r"""Layers with a forward and a backward pass.

``forward(x, training=False)`` computes the outputs and keeps what ``backward(dy)`` needs: do not change x in
between. ``backward`` takes the derivative of the loss by the last outputs, writes those by the layer's own
parameters into ``gradients`` (replacing what was there) and returns that by the inputs. It never builds a
Jacobian: that of a dense layer has the shape (B, fan_out, B, fan_in), and nearly all of it is 0.

Examples are rows: inputs have the shape (..., D), with the D features on the last axis. A layer with
parameters computes in their dtype and converts its inputs to it, as Keras does; others keep that of inputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl import activations
from npfl._arrays import as_float, check_rate, same_shape
from npfl.initializers import glorot_uniform
from npfl.regularizers import dropout_mask


class Layer(ABC):
    """Hold what all layers share.

    Attributes
    ----------
    parameters, gradients : list of ndarray
        The arrays that training changes, and the derivatives of the loss by them, in the same order.
    state : list of ndarray
        Arrays that belong to the layer but are not trained.

    Examples
    --------
    >>> layer = Activation("relu")
    >>> layer.forward(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    >>> layer.backward(np.array([[1.0, 1.0]]))
    array([[0., 1.]])

    References
    ----------
    Lecture slides "Putting It All Together".
    """

    def __init__(self, parameters: list[NDArray] | None = None, state: list[NDArray] | None = None) -> None:
        self.parameters = parameters or []
        self.gradients = [np.zeros_like(parameter) for parameter in self.parameters]
        self.state = state or []
        self._output_shape: tuple[int, ...] | None = None

    @abstractmethod
    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the outputs of inputs x."""

    def backward(self, dy: ArrayLike) -> NDArray:
        """Set `gradients` and return the derivative by the last inputs, given that by the last outputs."""
        dy = self._derivative(dy)
        self._set_gradients(dy)
        return self._input_gradient(dy)

    def set_gradients(self, dy: ArrayLike) -> None:
        """Do the first half of `backward`; the first layer of a model needs no more."""
        self._set_gradients(self._derivative(dy))

    def _set_gradients(self, dy: NDArray) -> None:  # noqa: B027 - a layer without parameters has nothing to do
        pass

    @abstractmethod
    def _input_gradient(self, dy: NDArray) -> NDArray:
        """Return the derivative by the last inputs."""

    def _inputs(self, x: ArrayLike) -> NDArray:
        """Convert the inputs, and refuse another number of features than that of the first parameter."""
        x = as_float("x", x)
        if self.parameters:
            first = self.parameters[0]
            if x.ndim == 0 or x.shape[-1] != first.shape[0]:
                raise ValueError(f"x must have the shape (..., {first.shape[0]}), got {x.shape}")
            x = x.astype(first.dtype, copy=False)
        return x

    def _derivative(self, dy: ArrayLike) -> NDArray:
        """Convert the derivative by the outputs, and refuse another shape than theirs."""
        if self._output_shape is None:
            raise RuntimeError("backward needs a forward pass before it")
        dy = as_float("dy", dy)
        if dy.shape != self._output_shape:
            raise ValueError(
                f"dy must have the shape of the last output, {self._output_shape}, got {dy.shape}"
            )
        return dy.astype(self.parameters[0].dtype, copy=False) if self.parameters else dy


class Dense(Layer):
    r"""Multiply by a matrix and add a bias, :math:`\mathbf Y = \mathbf X \mathbf W + \mathbf b`.

    .. math::

        \frac{\partial L}{\partial \mathbf W} = \mathbf X^T \frac{\partial L}{\partial \mathbf Y}, \qquad
        \frac{\partial L}{\partial \mathbf b} = \sum_b \frac{\partial L}{\partial \mathbf Y_b}, \qquad
        \frac{\partial L}{\partial \mathbf X} = \frac{\partial L}{\partial \mathbf Y} \mathbf W^T

    Its parameters are the `kernel` W, shape (fan_in, fan_out), and the `bias` b, shape (fan_out,)
    at first 0.

    Parameters
    ----------
    fan_in, fan_out : int
        The numbers of input and output features.
    rng : numpy.random.Generator
        The source of randomness for the kernel.
    initializer : callable
        A function of `npfl.initializers`.
    dtype : floating-point dtype
        The precision of the parameters.

    Raises
    ------
    ValueError, TypeError
        As the initializer.

    Examples
    --------
    >>> layer = Dense(2, 1, np.random.default_rng(1))
    >>> layer.kernel[:], layer.bias[:] = [[2.0], [3.0]], 1.0
    >>> layer.forward([[1.0, 10.0]])
    array([[33.]])
    >>> layer.backward([[1.0]])
    array([[2., 3.]])
    >>> layer.gradients
    [array([[ 1.],
           [10.]]), array([1.])]

    References
    ----------
    Lecture slides "Putting It All Together".
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        rng: Generator,
        initializer: Callable[..., NDArray] = glorot_uniform,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__([initializer(fan_in, fan_out, rng, dtype), np.zeros(fan_out, dtype)])

    @property
    def kernel(self) -> NDArray:
        """The matrix W, shape (fan_in, fan_out)."""
        return self.parameters[0]

    @property
    def bias(self) -> NDArray:
        """The bias b, shape (fan_out,)."""
        return self.parameters[1]

    @property
    def weights(self) -> NDArray:
        """The matrix that multiplies the inputs: here the kernel."""
        return self.kernel

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., fan_in) to outputs (..., fan_out)."""
        self._x = self._inputs(x)
        y = self._x @ self.weights
        y += self.bias
        self._output_shape = y.shape
        return y

    def _set_gradients(self, dy: NDArray) -> None:
        dy_rows = _rows(dy)
        np.matmul(_rows(self._x).T, dy_rows, out=self.gradients[0])
        dy_rows.sum(axis=0, out=self.gradients[1])

    def _input_gradient(self, dy: NDArray) -> NDArray:
        return dy @ self.weights.T


class WeightStandardizedDense(Dense):
    r"""Be a dense layer whose kernel is standardized by `standardize_weights` in every forward pass.

    Parameters and errors are those of `Dense`. The trained kernel is the one before standardization.

    Examples
    --------
    >>> layer = WeightStandardizedDense(2, 1, np.random.default_rng(1))
    >>> layer.kernel[:] = [[5.0], [25.0]]
    >>> layer.forward([[1.0, 10.0]]).round(6)
    array([[9.]])

    References
    ----------
    S. Qiao et al.: Weight standardization, 2019, arXiv 1903.10520.
    """

    @property
    def weights(self) -> NDArray:
        """The matrix that multiplies the inputs: the standardized kernel."""
        return standardize_weights(self.kernel)

    def _set_gradients(self, dy: NDArray) -> None:
        super()._set_gradients(dy)
        self.gradients[0][:] = standardize_weights_backward(self.kernel, self.gradients[0])


class Activation(Layer):
    r"""Apply an activation function to each element, :math:`\mathbf Y = f(\mathbf X)`.

    Parameters
    ----------
    name : str
        The name of an element-wise function of `npfl.activations`, such as "tanh" or "relu".

    Raises
    ------
    ValueError
        If there is no such function.

    Examples
    --------
    >>> layer = Activation("relu")
    >>> layer.forward([[-1.0, 2.0]])
    array([[0., 2.]])
    >>> layer.backward([[5.0, 5.0]])
    array([[0., 5.]])

    References
    ----------
    Lecture slide "Putting It All Together".
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        # A function is element-wise exactly if its derivative stands beside it.
        if not hasattr(activations, f"{name}_grad"):
            known = [n.removesuffix("_grad") for n in vars(activations) if n.endswith("_grad")]
            raise ValueError(f"name must be one of {', '.join(known)}, got {name!r}")
        self.name = name
        self._function = getattr(activations, name)
        self._derivative_of_function = getattr(activations, f"{name}_grad")

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs of any shape to outputs of the same shape."""
        self._x = self._inputs(x)
        self._output_shape = self._x.shape
        return self._function(self._x)

    def _input_gradient(self, dy: NDArray) -> NDArray:
        return dy * self._derivative_of_function(self._x)


class PReLU(Layer):
    r"""Be a ReLU whose slope on the negative side is learned, :math:`y = \max(x, 0) + \nu \min(x, 0)`.

    Its parameters are the slopes ν, shape (features,).

    Parameters
    ----------
    features : int
        The number of features, each with its own slope.
    slope : float
        The first value of the slopes: that of the paper and PyTorch (Keras: 0).
    dtype : floating-point dtype
        The precision of the slopes.

    Raises
    ------
    ValueError, TypeError
        If `features` is not positive, or `dtype` not a floating-point type.

    Examples
    --------
    >>> layer = PReLU(2)
    >>> layer.forward([[-4.0, 4.0]])
    array([[-1.,  4.]])
    >>> layer.backward([[1.0, 1.0]])
    array([[0.25, 1.  ]])
    >>> layer.gradients
    [array([-4.,  0.])]

    References
    ----------
    K. He et al.: Delving deep into rectifiers, 2015, arXiv 1502.01852.
    """

    def __init__(self, features: int, slope: float = 0.25, dtype: DTypeLike = np.float64) -> None:
        super().__init__([_full(features, slope, dtype)])

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., features) to outputs of the same shape."""
        self._x = self._inputs(x)
        self._output_shape = self._x.shape
        return activations.leaky_relu(self._x, self.parameters[0])

    def _set_gradients(self, dy: NDArray) -> None:
        _rows(dy * np.minimum(self._x, 0)).sum(axis=0, out=self.gradients[0])

    def _input_gradient(self, dy: NDArray) -> NDArray:
        return dy * activations.leaky_relu_grad(self._x, self.parameters[0])


class Dropout(Layer):
    """Apply `npfl.regularizers.dropout` in training, and nothing otherwise.

    Parameters
    ----------
    rate : float
        The probability to drop, at least 0 and below 1.
    rng : numpy.random.Generator
        The source of randomness.

    Raises
    ------
    ValueError
        If `rate` is outside [0, 1).

    Examples
    --------
    >>> layer = Dropout(0.5, np.random.default_rng(1))
    >>> layer.forward([[1.0, 2.0, 3.0, 4.0]], training=True)
    array([[2., 4., 0., 8.]])
    >>> layer.backward([[1.0, 1.0, 1.0, 1.0]])
    array([[2., 2., 0., 2.]])

    References
    ----------
    Lecture slide "Regularization – Dropout".
    """

    def __init__(self, rate: float, rng: Generator) -> None:
        super().__init__()
        check_rate(rate)
        self.rate = rate
        self.rng = rng

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs of any shape to outputs of the same shape."""
        x = self._inputs(x)
        self._output_shape = x.shape
        self._mask = dropout_mask(x, self.rate, self.rng) if training else None
        return x if self._mask is None else x * self._mask

    def _input_gradient(self, dy: NDArray) -> NDArray:
        return dy if self._mask is None else dy * self._mask


class _Normalization(Layer):
    """Share between batch and layer normalization all but the axes of mean and variance."""

    epsilon: float

    def _standardize(
        self, x: NDArray, mean: NDArray, variance: NDArray, axes: tuple[int, ...] | None
    ) -> NDArray:
        """Return the outputs; `axes` are those of mean and variance, None if these do not depend on x."""
        self._output_shape, self._axes = x.shape, axes
        self._scale = 1 / np.sqrt(variance + self.epsilon)
        self._z = (x - mean) * self._scale
        gamma, beta = self.parameters
        return (gamma * self._z + beta).astype(x.dtype, copy=False)

    def _set_gradients(self, dy: NDArray) -> None:
        _rows(dy * self._z).sum(axis=0, out=self.gradients[0])
        _rows(dy).sum(axis=0, out=self.gradients[1])

    def _input_gradient(self, dy: NDArray) -> NDArray:
        dz = dy * self.parameters[0]
        dx = (
            dz * self._scale
            if self._axes is None
            else _standardize_backward(dz, self._z, self._scale, self._axes)
        )
        return dx.astype(dy.dtype, copy=False)


class BatchNormalization(_Normalization):
    r"""Standardize each feature over the batch, then scale and shift it.

    .. math:: \mathbf y = \gamma \hat{\mathbf x} + b, \qquad
        \hat{\mathbf x} = \frac{\mathbf x - \operatorname{mean} \mathbf x}
        {\sqrt{\operatorname{var} \mathbf x + \epsilon}}

    Mean and variance (the biased one, divided by the number of examples) are taken over all axes but the
    last. In inference moving averages take their place; training moves them by
    ``moving = momentum * moving + (1 - momentum) * batch``. As in Keras, `momentum` is the part that is kept
    (PyTorch: the new part), the moving variance is biased (PyTorch: unbiased), and ε is 1e-3 (PyTorch: 1e-5).

    Its parameters are γ (at first 1) and b (0; Keras: beta), its state the moving mean (0) and variance (1),
    all of the shape (features,).

    Parameters
    ----------
    features : int
        The number of features.
    momentum : float
        The part of the moving averages that is kept, at least 0 and below 1.
    epsilon : float
        The ε that keeps the root from 0, positive.
    dtype : floating-point dtype
        The precision of the parameters.

    Raises
    ------
    ValueError
        If `features`, `momentum` or `epsilon` is out of range, or training gets an empty batch.
    TypeError
        If `dtype` is not a floating-point type.

    Examples
    --------
    >>> layer = BatchNormalization(1, momentum=0.5)
    >>> layer.forward([[1.0], [3.0]], training=True).round(3)
    array([[-1.],
           [ 1.]])
    >>> layer.state
    [array([1.]), array([1.])]

    References
    ----------
    S. Ioffe, C. Szegedy: Batch normalization, 2015, arXiv 1502.03167.
    """

    def __init__(
        self, features: int, momentum: float = 0.99, epsilon: float = 1e-3, dtype: DTypeLike = np.float64
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1, got {momentum}")
        moving_dtype = np.result_type(dtype, np.float32)  # as in _moments
        super().__init__(
            [_full(features, 1, dtype), _full(features, 0, dtype)],
            [_full(features, 0, moving_dtype), _full(features, 1, moving_dtype)],
        )
        self.momentum = momentum
        self.epsilon = _checked_epsilon(epsilon)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., features) to outputs of the same shape."""
        x = self._inputs(x)
        if not training:
            mean, variance = self.state
            return self._standardize(x, mean, variance, axes=None)
        if x.size == 0:
            raise ValueError(f"x must hold at least one example in training, got shape {x.shape}")
        axes = tuple(range(x.ndim - 1))
        moments = _moments(x, axes)
        for moving, batch in zip(self.state, moments, strict=True):
            moving += (1 - self.momentum) * (batch.reshape(-1) - moving)
        return self._standardize(x, *moments, axes=axes)


class LayerNormalization(_Normalization):
    r"""Standardize each example over its features, then scale and shift every feature.

    The formula is that of `BatchNormalization`, but mean and variance are taken over the last axis, in
    training and in inference alike. ε is 1e-3, as in Keras (PyTorch: 1e-5).

    Its parameters are γ (at first 1) and b (at first 0; Keras: beta), shape (features,).

    Parameters
    ----------
    features : int
        The number of features.
    epsilon : float
        The ε that keeps the root from 0, positive.
    dtype : floating-point dtype
        The precision of the parameters.

    Raises
    ------
    ValueError
        If `features` or `epsilon` is not positive.
    TypeError
        If `dtype` is not a floating-point type.

    Examples
    --------
    >>> LayerNormalization(2).forward([[1.0, 3.0], [20.0, 10.0]]).round(3)
    array([[-1.,  1.],
           [ 1., -1.]])

    References
    ----------
    J. Ba et al.: Layer normalization, 2016, arXiv 1607.06450.
    """

    def __init__(self, features: int, epsilon: float = 1e-3, dtype: DTypeLike = np.float64) -> None:
        super().__init__([_full(features, 1, dtype), _full(features, 0, dtype)])
        self.epsilon = _checked_epsilon(epsilon)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., features) to outputs of the same shape."""
        x = self._inputs(x)
        return self._standardize(x, *_moments(x, (-1,)), axes=(-1,))


def standardize_weights(weights: ArrayLike, epsilon: float = 1e-5) -> NDArray:
    r"""Standardize the weights of each output.

    .. math::

        \hat{\mathbf w} = \frac{\mathbf w - \operatorname{mean} \mathbf w}
        {\sqrt{\operatorname{var} \mathbf w + \epsilon}}

    The variance is biased and ε inside the root. The paper's code has the unbiased one, and ε outside.

    Parameters
    ----------
    weights : array_like, shape (..., fan_out)
        The weights; the last axis tells the outputs apart.
    epsilon : float
        The ε that keeps the root from 0, positive.

    Returns
    -------
    ndarray, shape of `weights`
        The standardized weights.

    Raises
    ------
    ValueError
        If there is no weight for an output, or `epsilon` is not positive.

    Examples
    --------
    >>> standardize_weights([[1.0, 5.0], [3.0, 1.0]]).round(4)
    array([[-1.,  1.],
           [ 1., -1.]])

    References
    ----------
    S. Qiao et al.: Weight standardization, 2019, arXiv 1903.10520.
    """
    weights = as_float("weights", weights)
    z, _, _ = _standardized(weights, epsilon)
    return z.astype(weights.dtype, copy=False)


def standardize_weights_backward(weights: ArrayLike, dy: ArrayLike, epsilon: float = 1e-5) -> NDArray:
    r"""Turn the derivative by the standardized weights into that by the weights.

    .. math::

        \frac{\partial L}{\partial \mathbf w}
        = \frac{1}{\sqrt{\operatorname{var} \mathbf w + \epsilon}}
        \left( \mathbf d - \operatorname{mean} \mathbf d
        - \hat{\mathbf w} \operatorname{mean}(\mathbf d \hat{\mathbf w}) \right)

    Parameters and errors are those of `standardize_weights`, and:

    Parameters
    ----------
    dy : array_like, shape of `weights`
        The derivative d of the loss by the standardized weights.

    Returns
    -------
    ndarray, shape of `weights`
        The derivative by the weights.

    Examples
    --------
    >>> standardize_weights_backward([[1.0], [3.0], [2.0]], [[0.0], [0.0], [3.0]]).round(4)
    array([[-1.2247],
           [-1.2247],
           [ 2.4495]])

    References
    ----------
    S. Qiao et al.: Weight standardization, 2019, arXiv 1903.10520.
    """
    weights, dy = as_float("weights", weights), as_float("dy", dy)
    same_shape("weights", weights, "dy", dy)
    z, scale, axes = _standardized(weights, epsilon)
    return _standardize_backward(dy, z, scale, axes).astype(weights.dtype, copy=False)


def _standardized(weights: NDArray, epsilon: float) -> tuple[NDArray, NDArray, tuple[int, ...]]:
    if weights.ndim < 2 or weights.size == 0:
        raise ValueError(f"weights must have the shape (..., fan_out) with inputs, got {weights.shape}")
    axes = tuple(range(weights.ndim - 1))
    mean, variance = _moments(weights, axes)
    scale = 1 / np.sqrt(variance + _checked_epsilon(epsilon))
    return (weights - mean) * scale, scale, axes


def _moments(x: NDArray, axes: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    # In float32 at least, because squares of float16 overflow.
    dtype = np.result_type(x, np.float32)
    return x.mean(axes, dtype, keepdims=True), x.var(axes, dtype, keepdims=True)


def _standardize_backward(dz: NDArray, z: NDArray, scale: NDArray, axes: tuple[int, ...]) -> NDArray:
    # Each z depends on its own x, and on all x of the axes through the mean and through the variance.
    return scale * (dz - dz.mean(axes, keepdims=True) - z * (dz * z).mean(axes, keepdims=True))


def _full(features: int, value: float, dtype: DTypeLike) -> NDArray:
    if features < 1:
        raise ValueError(f"features must be at least 1, got {features}")
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"dtype must be a floating-point type, got {np.dtype(dtype)}")
    return np.full(features, value, dtype)


def _rows(array: NDArray) -> NDArray:
    return array.reshape(-1, array.shape[-1])


def _checked_epsilon(epsilon: float) -> float:
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon must be positive and finite, got {epsilon}")
    return epsilon
