"""What must hold of data before NumPy and Python may be given it."""

import math
import sys
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec.kinds import MOST_EMPTY, Malformed


def hashable(value: Any) -> Any:
    """Return a value that a set or dictionary can hold; of a tuple all parts must be such values."""
    try:
        hash(value)
    except TypeError:
        raise Malformed("a key that has no hash") from None
    return value


def sound_shape(shape: Any, itemsize: int, size: int) -> tuple[int, ...]:
    if (
        type(shape) is not list
        or len(shape) > 32
        or not all(type(n) is int and 0 <= n <= 1 << 40 for n in shape)
    ):
        raise Malformed("no shape")
    if math.prod(shape) * itemsize != size:
        raise Malformed("the shape does not fit the data")
    # What has no elements, or elements of no size, takes no memory here, but a loop over it does time.
    if not size and math.prod(n for n in shape if n) > MOST_EMPTY:
        raise Malformed("an array of nothing without end")
    return tuple(shape)


def sound_bytes(data: Any, dtype: np.dtype) -> Any:
    """Mend or refuse bytes that NumPy itself would never hold, such as a bool that is neither 0 nor 1."""
    if dtype.kind == "b":
        return (np.frombuffer(data, np.uint8) != 0).tobytes()
    if dtype.kind == "U":
        characters = np.frombuffer(data, dtype.byteorder.replace("|", "=") + "u4")
        if characters.size and characters.max() > sys.maxunicode:
            raise Malformed("no character")
    if dtype.names is not None:
        for name in dtype.names:
            part = np.frombuffer(data, dtype)[name]
            if part.size and part.dtype.itemsize and (part.dtype.kind in "bU" or part.dtype.names):
                inside = part.tobytes()
                if bytes(sound_bytes(inside, part.dtype)) != inside:
                    raise Malformed("no record")
    return data


def sound_state(state: Any) -> dict[str, Any]:
    """Refuse a position outside the generator's buffer: NumPy believes it, and would read other memory."""
    if type(state) is not dict or type(state.get("state")) is not dict:
        raise Malformed("no state of a generator")
    inner_state: dict[str, Any] = state["state"]
    for inner in (state, inner_state):
        for key, most in (("pos", 624), ("buffer_pos", 4)):
            if key in inner and not (type(inner[key]) is int and 0 <= inner[key] <= most):
                raise Malformed("no state of a generator")
    return state


def plain_state(name: str, numbers: Any) -> dict[str, Any]:
    """Make the state of a generator of four numbers; what NumPy does not take, it refuses itself."""
    if type(numbers) is not list or len(numbers) != 4 or not all(type(n) is int and n >= 0 for n in numbers):
        raise Malformed("no state of a generator")
    state, inc, has, word = numbers
    inner = {"state": state, "inc": inc}
    return {"bit_generator": name, "state": inner, "has_uint32": has, "uinteger": word}


def sound_text(value: Any) -> str:
    if type(value) is not str or len(value) > 10_000:
        raise Malformed("no text")
    return value
