"""Changes in place: seen where they are made, and made again at the other side."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec import tables
from npfl_grader.engine.both.codec.encode import Encoder
from npfl_grader.engine.both.codec.kinds import MUTABLE, CodecError, Malformed


class Watch:
    """The content of mutable values at one moment, to see later which of them were changed in place."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = list(values)
        self._before = [_content(value) for value in values]

    def changed(self) -> list[int]:
        """Number the values whose content is another one now."""
        return [
            number
            for number, (value, before) in enumerate(zip(self._values, self._before, strict=True))
            if before is not None and not _same(_content(value), before)
        ]


# The content of a value that consists of others, of which it matters only which they are, since each is
# watched for itself; or the bytes of one that does not. The tag says which, whatever the parts are.
_Content = tuple[str, Any, Any] | None


def _content(value: Any) -> _Content:
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "O":
            return "bytes", (value.shape, value.dtype), value.tobytes()
        return "parts", value.shape, value.ravel().tolist()
    if isinstance(value, list):
        return "parts", None, list(value)
    if isinstance(value, dict):
        return "parts", None, [part for pair in value.items() for part in pair]
    if isinstance(value, set):
        return "set", None, list(value)
    if isinstance(value, bytearray):
        return "bytes", None, bytes(value)
    if isinstance(value, np.random.Generator):
        return "bytes", type(value.bit_generator), _plain(value.bit_generator.state)
    if isinstance(value, MUTABLE):
        encoder = Encoder()
        return "bytes", str(encoder.content(value)), encoder.buffers
    if tables.kind_of(value):
        encoder = Encoder(lambda part: ["object", id(part)])
        try:
            return "bytes", str(encoder.content(value)), encoder.buffers
        except CodecError:  # it has become one that cannot cross
            return "parts", None, []
    return None  # a number that stands for nothing


def _plain(state: Any) -> Any:
    """Make the state of a generator something that can be compared: there are arrays in some."""
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    return state.tobytes() if isinstance(state, np.ndarray) else state


def _same(now: _Content, before: _Content) -> bool:
    if now is None or before is None or now[0] != before[0] or now[1] != before[1]:
        return False
    if now[0] == "bytes":
        return bool(now[2] == before[2])
    if len(now[2]) != len(before[2]):
        return False
    if now[0] == "set":
        return set(map(id, now[2])) == set(map(id, before[2]))
    return all(map(operator.is_, now[2], before[2]))


def replace(value: Any, new: Any) -> None:
    """Give a mutable value the content of another one, in place.

    Raises
    ------
    Malformed
        If the other one is not of the same kind, or an array of another size: views of it, which may be
        anywhere, would lead to memory that is gone.
    """
    if isinstance(value, np.ndarray):
        _replace_array(value, new)
    elif isinstance(value, dict) and isinstance(new, dict):
        value.clear()
        dict.update(value, new)
    elif type(value) is not type(new):
        raise Malformed("another type than before")
    elif isinstance(value, set):
        value.clear()
        value.update(new)
    elif isinstance(value, list):
        value[:] = new
    elif isinstance(value, bytearray):
        try:
            value[:] = new
        except BufferError as error:  # somebody looks at its memory
            raise Malformed(str(error)) from None
    elif isinstance(value, np.random.Generator):
        if type(value.bit_generator) is not type(new.bit_generator):
            raise Malformed("another generator than before")
        value.bit_generator.state = new.bit_generator.state
    elif isinstance(value, np.random.RandomState):
        value.set_state(new.get_state(legacy=False))
    elif tables.kind_of(value):
        type(value).__init__(value, new)
    else:
        raise Malformed("a value that cannot be changed")


def _replace_array(value: np.ndarray, new: Any) -> None:
    if not isinstance(new, np.ndarray) or value.dtype != new.dtype or value.size != new.size:
        raise Malformed("another type or size of array than before")
    if value.shape != new.shape:
        try:
            value.shape = new.shape
        except (AttributeError, ValueError) as error:  # it is a view whose elements lie apart
            raise Malformed(str(error)) from None
    if not value.flags.writeable:
        raise Malformed("an array that may not be written")
    value[...] = new
