"""Dropout as a layer."""

from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from npfl._checks import fraction, generator
from npfl._objects import setting
from npfl._sums import product
from npfl.layers.base import Layer
from npfl.regularizers import _dropout_mask


class Dropout(Layer):
    """Apply `npfl.regularizers.dropout` in training, and nothing otherwise.

    Parameters
    ----------
    rate : float
        The probability to drop, at least 0 and below 1.
    rng : numpy.random.Generator
        The source of randomness.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.5, np.random.default_rng(1))
    >>> layer.forward([[1.0, 2.0, 3.0, 4.0]], training=True)
    array([[2., 4., 0., 8.]])
    >>> layer.backward([[1.0, 1.0, 1.0, 1.0]])
    array([[2., 2., 0., 2.]])
    """

    rate: float = setting(fraction)
    rng: Generator = setting(generator)

    def __init__(self, rate: float, rng: Generator) -> None:
        super().__init__()
        self.rate, self.rng = rate, rng

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs of any shape to outputs of the same shape."""
        x = self._inputs(x, training)
        self._output_shape = x.shape
        self._mask = _dropout_mask(x, self.rate, self.rng) if training else None
        return x if self._mask is None else product(self._mask, x).astype(x.dtype, copy=False)

    def backward(self, dy: ArrayLike) -> NDArray:
        dy = self._derivative(dy)
        return dy if self._mask is None else product(self._mask, dy).astype(dy.dtype, copy=False)
