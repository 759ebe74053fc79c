"""From values to trees and buffers."""

import datetime
import decimal
import fractions
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from npfl_grader.engine.both.codec import tables
from npfl_grader.engine.both.codec.kinds import (
    CONTAINERS,
    DATES,
    DTYPE,
    FACTORIES,
    MOST_DEPTH,
    MOST_DIGITS,
    MUTABLE,
    PACKED,
    PACKED_FROM,
    PLAIN_GENERATORS,
    TYPES,
    CodecError,
    may_cross,
    numpy_function,
)
from npfl_grader.engine.both.sizes import Sizes

_SUBCLASSED: tuple[Any, ...] = (bool, int, float, complex, str, bytes)
_NAMED = {Ellipsis: "...", NotImplemented: "ni"}


class Encoder:
    """Make trees and buffers of values.

    Parameters
    ----------
    refer : callable, optional
        Called with what the allow-list does not hold; returns a tree for it or raises `CodecError`.
    known : sequence
        Mutable objects that the other side has already, by number.
    sizes : Sizes
        How large all that is encoded may be together.
    """

    def __init__(
        self,
        refer: Callable[[Any], Any] | None = None,
        known: Sequence[Any] = (),
        sizes: Sizes = Sizes(),  # noqa: B008 (it cannot be changed)
    ) -> None:
        self.buffers: list[bytes] = []
        self.mutable = list(known)
        self._numbers = {id(value): number for number, value in enumerate(known)}
        self._refer = refer
        self._sizes = sizes
        self._nodes = self._bytes = 0

    def encode(self, value: Any) -> Any:
        """Return the value's tree.

        Raises
        ------
        CodecError
            If the value, or something in it, is not in the list, too large or too deep.
        """
        return self._encode(value, 0)

    def content(self, value: Any) -> Any:
        """Return the tree of a known mutable value's present content.

        Decoding makes a new object of it, which takes a number, so one is passed over here too.
        """
        self.mutable.append(None)
        return self._mutable(value, 0)

    def forget(self, known: int) -> None:
        """Take back the numbers from one on, of a value that could not be encoded in the end."""
        for value in self.mutable[known:]:
            self._numbers.pop(id(value), None)
        del self.mutable[known:]

    def _encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is str or kind is float:
            if kind is str:
                self._count(len(value))
            return value
        if kind is int:
            return value if -(1 << 62) < value < 1 << 62 else self._integer(value)
        if depth > MOST_DEPTH:
            raise CodecError("the value is nested too deeply")
        # A subclass of a container may behave in its own way, so it stays where it is.
        if isinstance(value, MUTABLE) and (kind in CONTAINERS or not isinstance(value, list | dict | set)):
            return self._numbered(value, depth)
        return self._immutable(value, kind, depth)

    def _numbered(self, value: Any, depth: int) -> Any:
        number = self._numbers.get(id(value))
        if number is not None:
            return ["=", number]
        self._numbers[id(value)] = len(self.mutable)
        self.mutable.append(value)
        return self._mutable(value, depth)

    def _mutable(self, value: Any, depth: int) -> Any:
        if isinstance(value, list):
            return self._sequence("l", value, depth)
        if isinstance(value, dict):
            pairs = [[self._encode(k, depth + 1), self._encode(v, depth + 1)] for k, v in value.items()]
            self._count(2 * len(pairs))
            factory = value.default_factory if isinstance(value, defaultdict) else None
            if factory in FACTORIES:
                return ["dd", factory.__name__, *pairs]
            return [CONTAINERS[type(value)], *pairs]
        if isinstance(value, set):
            return ["s", *self._items(value, depth)]
        if isinstance(value, bytearray):
            return ["y", self._buffer(bytes(value))]
        if isinstance(value, np.ndarray):
            return self._array(np.asarray(value), depth)
        if isinstance(value, np.random.Generator):
            name, state = type(value.bit_generator).__name__, value.bit_generator.state
            if name in PLAIN_GENERATORS:
                inner = state["state"]
                return ["rng", name, [inner["state"], inner["inc"], state["has_uint32"], state["uinteger"]]]
            return ["rng", name, self._encode(state, depth + 1)]
        if isinstance(value, np.random.RandomState):
            return ["rs", self._encode(value.get_state(legacy=False), depth + 1)]
        return ["pd", self._encode(tables.take_apart(value), depth + 1)]

    def _immutable(self, value: Any, kind: type, depth: int) -> Any:
        if kind is tuple:
            return self._sequence("t", value, depth)
        if kind is bytes:
            return ["b", self._buffer(value)]
        if kind is complex:
            return ["c", value.real, value.imag]
        if isinstance(value, np.generic):
            if value.dtype.kind == "V":
                raise CodecError("a single record of a structured array cannot be sent")
            return ["g", value.dtype.str, self._buffer(value.tobytes())]
        standard = self._standard(value, kind, depth)
        if standard is not None:
            return standard
        if isinstance(value, tuple) and isinstance(fields := getattr(kind, "_fields", None), tuple):
            return ["nt", kind.__name__, list(fields), self._items(value, depth)]
        if table := tables.kind_of(value):
            if table == "Index":
                return ["pi", self._encode(tables.take_apart(value), depth + 1)]
            return self._numbered(value, depth)
        for base in _SUBCLASSED:  # an object of a class of one's own loses its class
            if isinstance(value, base):
                return self._encode(base(value), depth + 1)
        if self._refer is None:
            raise CodecError(f"an object of class {kind.__name__} cannot be sent")
        return self._refer(value)

    def _standard(self, value: Any, kind: type, depth: int) -> list[Any] | None:
        """Encode what is rare: other types of the library, and names of types and functions."""
        if kind is frozenset:
            return ["f", *self._items(value, depth)]
        if kind is range or kind is slice:
            ends = [self._encode(v, depth + 1) for v in (value.start, value.stop, value.step)]
            return ["r" if kind is range else "sl", *ends]
        if value is Ellipsis or value is NotImplemented:
            return [_NAMED[value]]
        if isinstance(value, np.dtype):
            return ["dt", self._dtype(value)]
        if kind is fractions.Fraction:
            return ["fr", self._encode(value.numerator, depth), self._encode(value.denominator, depth)]
        if kind is decimal.Decimal:
            return ["de", str(value)]
        if kind in DATES.values() and getattr(value, "tzinfo", None) is None:
            return ["da", kind.__name__, value.isoformat()]
        if kind is datetime.timedelta:
            return ["td", value.days, value.seconds, value.microseconds]
        if kind is deque:
            return ["dq", value.maxlen, *self._items(value, depth)]
        if isinstance(value, type) and TYPES.get(value.__name__) is value:
            return ["ty", value.__name__]
        if may_cross(value) and numpy_function(value):
            return ["np", value.__name__]
        return None

    def _sequence(self, tag: str, values: Sequence[Any], depth: int) -> list[Any]:
        """Encode a list or tuple: as it lies in memory, where all of it are floats or small integers."""
        if len(values) >= PACKED_FROM and len(kinds := set(map(type, values))) == 1:
            suffix, code = PACKED.get(kinds.pop(), ("", ""))
            if suffix:
                self._count(len(values))
                try:
                    packed = array(code, values)
                except OverflowError:
                    pass
                else:
                    return [tag + suffix, self._buffer(packed.tobytes())]
        return [tag, *self._items(values, depth)]

    def _items(self, values: Iterable[Any], depth: int) -> list[Any]:
        items = [self._encode(value, depth + 1) for value in values]
        self._count(len(items))
        return items

    def _array(self, values: np.ndarray, depth: int) -> Any:
        if values.dtype.kind == "O":
            return ["ao", list(values.shape), self._items(values.ravel().tolist(), depth)]
        order: Literal["C", "F"] = "F" if values.flags.f_contiguous and not values.flags.c_contiguous else "C"
        writable = bool(values.flags.writeable)
        kind = self._dtype(values.dtype)
        self._count(0, values.nbytes)
        return ["a", kind, list(values.shape), order, writable, self._buffer(values.tobytes(order))]

    def _dtype(self, kind: np.dtype) -> Any:
        if kind.names is not None:
            return [[name, self._dtype(kind[name])] for name in kind.names]
        if kind.kind == "O":
            return "O"
        if kind.subdtype is not None or not DTYPE.fullmatch(kind.str):
            raise CodecError(f"arrays of {kind} cannot be sent")
        return kind.str

    def _buffer(self, data: bytes) -> int:
        self._count(0, len(data))
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _integer(self, value: int) -> Any:
        if value.bit_length() > 4 * (MOST_DIGITS - 4):
            raise CodecError("the integer is too large")
        return ["i", hex(value)]

    def _count(self, nodes: int, size: int = 0) -> None:
        self._nodes += nodes
        self._bytes += size
        if self._nodes > self._sizes.nodes or self._bytes > self._sizes.buffers:
            raise CodecError("the value is too large")
