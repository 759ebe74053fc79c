"""Activation functions as layers: those without parameters, and the one with."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl import activations
from npfl._checks import finite, show, text
from npfl._sums import product, wide
from npfl.layers.base import Layer, full, rows


class Activation(Layer):
    r"""Apply an activation function to each element, :math:`\mathbf Y = f(\mathbf X)`.

    Parameters
    ----------
    name : str
        The name of an element-wise function of `npfl.activations`, such as "tanh" or "relu".

    Examples
    --------
    >>> layer = Activation("relu")
    >>> layer.forward([[-1.0, 2.0]])
    array([[0., 2.]])
    >>> layer.backward([[5.0, 5.0]])
    array([[0., 5.]])
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = element_wise("name", name)
        self._function = getattr(activations, name)
        self._slope = getattr(activations, f"{name}_grad")

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs of any shape to outputs of the same shape."""
        self._x = self._inputs(x, training)
        self._output_shape = self._x.shape
        return self._function(self._x)

    def backward(self, dy: ArrayLike) -> NDArray:
        return self._derivative(dy) * self._slope(self._x)


def element_wise(argument: str, name: str) -> str:
    """Accept the name of an element-wise function: its derivative stands beside it."""
    if not hasattr(activations, f"{text(argument, name)}_grad"):
        known = [n.removesuffix("_grad") for n in vars(activations) if n.endswith("_grad")]
        raise ValueError(f"{argument} must be one of {', '.join(known)}, got {show(name)}")
    return name


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

    def __init__(self, features: int, *, slope: float = 0.25, dtype: DTypeLike = np.float64) -> None:
        super().__init__([full(features, finite("slope", slope), dtype)])

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., features) to outputs of the same shape."""
        self._x = self._inputs(x, training)
        self._output_shape = self._x.shape
        return activations.leaky_relu(self._x, self.parameters[0])

    def backward(self, dy: ArrayLike) -> NDArray:
        dy = self._derivative(dy)
        slopes = rows(product(np.where(self._x < 0, dy, 0), self._x))
        slopes.sum(axis=0, dtype=wide(slopes), out=self.gradients[0])
        return dy * activations.leaky_relu_grad(self._x, self.parameters[0])
