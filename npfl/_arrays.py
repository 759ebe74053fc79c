"""What every public function does with its arguments before it computes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_float(name: str, value: ArrayLike) -> NDArray:
    """Return `value` as a floating-point array: float32 and float16 stay, other numbers become float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def same_shape(name_a: str, a: NDArray, name_b: str, b: NDArray) -> None:
    """Refuse two arrays that NumPy would broadcast silently."""
    if a.shape != b.shape:
        raise ValueError(f"{name_a} and {name_b} must have the same shape, got {a.shape} and {b.shape}")
