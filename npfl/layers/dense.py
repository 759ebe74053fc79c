"""The dense layer."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl._checks import count, float_dtype, function
from npfl._sums import wide
from npfl.initializers import glorot_uniform
from npfl.layers.base import Layer, rows


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
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        rng: Generator,
        *,
        initializer: Callable[..., NDArray] = glorot_uniform,
        dtype: DTypeLike = np.float64,
    ) -> None:
        shape = count("fan_in", fan_in), count("fan_out", fan_out)
        dtype = float_dtype("dtype", dtype)
        kernel = np.array(function("initializer", initializer)(*shape, rng, dtype), dtype)
        if kernel.shape != shape:
            raise ValueError(f"initializer must return an array of shape {shape}, got {kernel.shape}")
        super().__init__([kernel, np.zeros(fan_out, dtype)])

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
        self._x = self._inputs(x, training)
        y = self._x @ self.weights
        y += self.bias
        self._output_shape = y.shape
        return y

    def backward(self, dy: ArrayLike) -> NDArray:
        dy = self._derivative(dy)
        self._set_gradients(dy)
        return dy @ self.weights.T

    def _set_gradients(self, dy: NDArray) -> None:
        dy_rows = rows(self._derivative(dy))
        np.matmul(rows(self._x).T, dy_rows, out=self.gradients[0])
        dy_rows.sum(axis=0, dtype=wide(dy_rows), out=self.gradients[1])
