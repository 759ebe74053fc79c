"""What every public function does with its arguments before it computes, or changes anything.

A check takes the name of an argument and its value, and returns the value as it is used. What is wrong raises
TypeError or ValueError with one line: the argument, what it must be, and what came.
"""

import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

T = TypeVar("T")


def show(value: Any) -> str:
    """Describe a value in part of a line."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # such as that of an integer of more than 4300 digits
        return f"an object of {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def optional(check: Callable[[str, T], T]) -> Callable[[str, T | None], T | None]:
    """Return a check that also lets None pass."""
    return lambda name, value: None if value is None else check(name, value)


def real(name: str, value: Any) -> float:
    """Accept a number, and return it as Python's float, which leaves the dtype of arrays alone."""
    number = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {show(value)}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} must be a number of float64, got {show(value)}") from None


def size(name: str, value: float, length: float) -> int:
    """Round the number of samples that an argument asks for, and refuse what no array can hold."""
    if not length < sys.maxsize // 8:
        raise ValueError(f"{name} must ask for a sound that memory can hold, got {value}")
    return round(length)


def finite(name: str, value: Any) -> float:
    """Accept a number that is neither infinite nor NaN."""
    if not math.isfinite(number := real(name, value)):
        raise ValueError(f"{name} must be finite, got {number}")
    return number


def positive(name: str, value: Any) -> float:
    """Accept a positive, finite number."""
    if not 0 < (number := real(name, value)) < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {show(value)}")
    return number


def not_negative(name: str, value: Any) -> float:
    """Accept 0 or a positive, finite number."""
    if not 0 <= (number := real(name, value)) < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {show(value)}")
    return number


def fraction(name: str, value: Any) -> float:
    """Accept what part is kept, or dropped: at least 0 and below 1."""
    if not 0 <= (number := real(name, value)) < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {show(value)}")
    return number


def share(name: str, value: Any) -> float:
    """Accept a number from 0 to 1."""
    if not 0 <= (number := real(name, value)) <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {show(value)}")
    return number


def integer(name: str, value: Any) -> int:
    """Accept an integer."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {show(value)}") from None
    if not -sys.maxsize <= number <= sys.maxsize:
        raise ValueError(f"{name} must be an integer of at most 64 bits, got {show(number)}")
    return number


def count(name: str, value: Any) -> int:
    """Accept a positive integer."""
    if (number := integer(name, value)) < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number


def flag(name: str, value: Any) -> bool:
    """Accept True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {show(value)}")
    return bool(value)


def text(name: str, value: Any) -> str:
    """Accept a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {show(value)}")
    return value


def one_of(*allowed: Any) -> Callable[[str, Any], Any]:
    """Return a check that accepts these values only."""
    listed = ", ".join(map(repr, allowed[:-1])) + f" or {allowed[-1]!r}"

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, str | None) or value not in allowed:
            kind = ValueError if isinstance(value, str) else TypeError
            raise kind(f"{name} must be {listed}, got {show(value)}")
        return value

    return check


def function(name: str, value: Any) -> Callable[..., Any]:
    """Accept a function, or what can be called like one."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {show(value)}")
    return value


def generator(name: str, value: Any) -> Generator:
    """Accept a generator of random numbers; a seed is none."""
    if not isinstance(value, Generator):
        raise TypeError(
            f"{name} must be a numpy.random.Generator such as np.random.default_rng(1), got {show(value)}"
        )
    return value


def instance(name: str, value: Any, kind: type | tuple[type, ...], example: str) -> Any:
    """Accept an object of a class, and show how one is made if it is none."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        allowed = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"{name} must be an object of {allowed} such as {example}, got {show(value)}")
    return value


def float_dtype(name: str, value: DTypeLike) -> np.dtype:
    """Accept a floating-point dtype."""
    try:
        dtype = np.dtype(value)
    except Exception:  # of many kinds, such as SyntaxError for "f,("
        dtype = None
    if value is None or dtype is None or dtype.kind != "f":
        raise TypeError(f"{name} must be a floating-point type, got {dtype or show(value)}")
    return dtype


def as_array(name: str, value: ArrayLike) -> NDArray:
    """Return `value` as an array of anything; refuse ragged lists, and masks, which would be dropped."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be an array without a mask (weights of 0 leave examples out), got {show(value)}"
        )
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array with rows of one length, got {show(value)}") from None


def as_float(name: str, value: ArrayLike) -> NDArray:
    """Return `value` as a floating-point array: float32 and float16 stay, other numbers become float64."""
    array = value if type(value) is np.ndarray else as_array(name, value)
    if array.dtype.kind == "f":
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}: {show(value)}")
    return array.astype(np.float64)


def as_indices(name: str, value: ArrayLike, classes: int) -> NDArray:
    """Return indices of classes, each from 0 to `classes` - 1."""
    labels = as_array(name, value)
    if labels.size and labels.dtype.kind not in "iu":
        raise TypeError(
            f"{name} must hold integers, the indices of classes, got dtype {labels.dtype}: {show(value)}"
        )
    indices = labels.astype(np.intp, copy=False)
    # Seen as unsigned, a negative number is larger than all classes.
    if labels.size and not indices.view(np.uintp).max() < classes:
        raise ValueError(f"{name} must lie in [0, {classes - 1}], got {labels.min()} to {labels.max()}")
    return indices


def as_sequence(name: str, value: Any, of_what: str) -> list[Any]:
    """Return a list, a tuple, an array or another sequence as a list."""
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0):
        return list(value)
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence of {of_what}, got {show(value)}")
    return list(value)


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
    y_pred = as_float("y_pred", y_pred)
    check_outputs("y_pred", y_pred)
    *shape, classes = y_pred.shape
    labels = as_indices("y_true", y_true, classes)
    if labels.shape != tuple(shape):
        raise ValueError(f"y_true must have shape {tuple(shape)}, y_pred's without K, got {labels.shape}")
    return labels, y_pred


def expand_weight(sample_weight: ArrayLike, values: NDArray) -> NDArray:
    """Return weights whose shape is the beginning of that of `values`, with axes added to multiply them."""
    weight = as_float("sample_weight", sample_weight).astype(values.dtype, copy=False)
    if weight.shape != values.shape[: weight.ndim]:
        raise ValueError(f"sample_weight must have shape {values.shape} or its beginning, got {weight.shape}")
    return weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
