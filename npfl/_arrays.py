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


def check_outputs(name: str, array: NDArray) -> None:
    """Refuse an array without anything on its last axis."""
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name} must hold at least one value on its last axis, got shape {array.shape}")


def prediction_pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return gold values and predictions of one shape (..., K), both in the dtype of the predictions."""
    y_true, y_pred = as_float("y_true", y_true), as_float("y_pred", y_pred)
    check_outputs("y_pred", y_pred)
    same_shape("y_true", y_true, "y_pred", y_pred)
    return y_true.astype(y_pred.dtype, copy=False), y_pred


def index_pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return indices of gold classes (...), each from 0 to K - 1, and predictions (..., K)."""
    labels, y_pred = np.asarray(y_true), as_float("y_pred", y_pred)
    check_outputs("y_pred", y_pred)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y_true must hold integers, the indices of classes, got dtype {labels.dtype}")
    *shape, classes = y_pred.shape
    if labels.shape != tuple(shape):
        raise ValueError(f"y_true must have shape {tuple(shape)}, y_pred's without K, got {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"y_true must lie in [0, {classes - 1}], got {labels.min()} to {labels.max()}")
    return labels.astype(np.intp, copy=False), y_pred


def expand_weight(sample_weight: ArrayLike, values: NDArray) -> NDArray:
    """Return weights whose shape is the beginning of that of `values`, with axes added to multiply them."""
    weight = as_float("sample_weight", sample_weight).astype(values.dtype, copy=False)
    if weight.shape != values.shape[: weight.ndim]:
        raise ValueError(f"sample_weight must have shape {values.shape} or its beginning, got {weight.shape}")
    return weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))


def check_rate(rate: float) -> None:
    """Refuse a rate of dropout outside [0, 1)."""
    if not 0 <= rate < 1:
        raise ValueError(f"rate must be at least 0 and below 1, got {rate}")
