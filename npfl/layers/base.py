"""What all layers share."""

import weakref
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl._checks import as_float, count, flag, float_dtype
from npfl._objects import Arrays, Gradients, Independent, held


class Layer(Independent, ABC):
    """Map inputs x to outputs y, and derivatives with respect to y to those with respect to x and parameters.

    Attributes
    ----------
    parameters, gradients : list of ndarray
        The arrays that training changes, and the derivatives of the loss with respect to them, in the same
        order. To set one, or in a model the whole list, copies the numbers in.
    state : list of ndarray
        Arrays that belong to the layer but are not trained.

    Examples
    --------
    >>> from npfl.layers import Activation
    >>> layer = Activation("relu")
    >>> layer.forward(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    >>> layer.backward(np.array([[1.0, 1.0]]))
    array([[0., 1.]])
    """

    parameters: list[NDArray] = held("parameters", Arrays)
    gradients: list[NDArray] = held("gradients", Gradients)

    def __init__(self, parameters: list[NDArray] | None = None, state: list[NDArray] | None = None) -> None:
        self._output_shape: tuple[int, ...] | None = None
        self._model: weakref.ref | None = None
        self.parameters = parameters or []
        self.gradients = [np.zeros_like(parameter) for parameter in self.parameters]
        self.state = state or []

    def _is_held(self) -> bool:
        """Return whether the layer belongs to a model that is still in use."""
        return self._model is not None and self._model() is not None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}  # a copy belongs to no model yet

    @abstractmethod
    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the outputs of inputs x."""

    @abstractmethod
    def backward(self, dy: ArrayLike) -> NDArray:
        """Set `gradients` and return the derivative with respect to x, given that with respect to y."""

    def __call__(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the outputs of inputs x."""
        return self.forward(x, training)

    def _set_gradients(self, dy: NDArray) -> None:
        """Do what the first layer of a model has to do in training, where nobody needs its result."""
        self.backward(dy)

    def _inputs(self, x: ArrayLike, training: bool) -> NDArray:
        """Convert the inputs, and refuse another number of features than that of the first parameter."""
        x = as_float("x", x)
        flag("training", training)
        if self.parameters:
            first = self.parameters[0]
            if x.ndim == 0 or x.shape[-1] != first.shape[0]:
                raise ValueError(f"x must have the shape (..., {first.shape[0]}), got {x.shape}")
            x = x.astype(first.dtype, copy=False)
        return x

    def _derivative(self, dy: ArrayLike) -> NDArray:
        """Convert the derivative with respect to the outputs, and refuse another shape than theirs."""
        dy = as_float("dy", dy)
        if self._output_shape is None:
            raise RuntimeError("backward needs a forward pass before it")
        if dy.shape != self._output_shape:
            raise ValueError(
                f"dy must have the shape of the last output, {self._output_shape}, got {dy.shape}"
            )
        return dy.astype(self.parameters[0].dtype, copy=False) if self.parameters else dy


def rows(array: NDArray) -> NDArray:
    """Return the examples of an array (..., D) as a matrix."""
    return array.reshape(-1, array.shape[-1])


def full(features: int, value: float, dtype: DTypeLike) -> NDArray:
    """Make the parameter of a layer that treats every feature for itself."""
    return np.full(count("features", features), value, float_dtype("dtype", dtype))
