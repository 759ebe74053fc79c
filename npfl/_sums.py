"""Sums and products that stay right at the edges of what numbers can hold."""

import numpy as np
from numpy.typing import NDArray


def wide(array: NDArray) -> np.dtype:
    """Return the dtype to add up in, float32 at least: a sum of ones in float16 stands still at 2048."""
    return np.dtype(np.float32) if array.dtype.type is np.float16 else array.dtype


def total(array: NDArray, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> NDArray:
    """Add up in float32 at least, which is also the dtype of the result."""
    return array.sum(axis=axis, dtype=wide(array), keepdims=keepdims)


def product(weight: NDArray, value: NDArray) -> NDArray:
    """Multiply, with 0 · ∞ = 0 = 0 · NaN: what has the weight 0 does not take part."""
    out = np.zeros(np.broadcast_shapes(weight.shape, value.shape), np.result_type(weight, value))
    return np.multiply(weight, value, out=out, where=weight != 0)
