"""Values that may pass between the tests' process and the student's: an allow-list, never pickle.

A value becomes a tree that JSON can say and a list of raw buffers. Decoding builds only objects of exact
builtin, standard and NumPy types, so that nothing of a student's ``__eq__`` or ``__array_ufunc__`` ever
reaches the tests. None, bool, int, float and str stand for themselves; everything else is a list that begins
with a tag.

Mutable values are numbered in the order in which they are met, on both sides alike. A later mention of the
same object is its number, so that identity survives, and so does a change in place: see `Watch`.
"""

import datetime
import decimal
import fractions
import math
import operator
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

MOST_NODES = 1_000_000
MOST_DEPTH = 60
MOST_BYTES = 64 << 20
MOST_RANGE = 10_000_000
MOST_DIGITS = 1 << 20
_DTYPE = re.compile(r"[<>|=][biufcSUmM][0-9]{1,6}(\[[0-9]{0,6}[a-zA-Z]{1,2}\])?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
_TYPES = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, range)
} | {"object": object, "NoneType": type(None), "ndarray": np.ndarray, "Generator": np.random.Generator}
_DATES = {kind.__name__: kind for kind in (datetime.datetime, datetime.date, datetime.time)}
_MUTABLE = (list, dict, set, bytearray, np.ndarray, np.random.Generator, np.random.RandomState)
_SUBCLASSED: tuple[Any, ...] = (bool, int, float, complex, str, bytes)


class CodecError(TypeError):
    """The value cannot be sent; the message says why."""


class Malformed(ValueError):
    """What has come stands for no value."""


def _numpy_function(value: Any) -> bool:
    """Whether both sides have the function under the same name."""
    name = getattr(value, "__name__", "")
    return isinstance(name, str) and getattr(np, name, None) is value


class Encoder:
    """Make trees and buffers of values.

    Parameters
    ----------
    refer : callable, optional
        Called with what the allow-list does not hold; returns a tree for it or raises `CodecError`.
    known : sequence
        Mutable objects that the other side has already, by number.
    """

    def __init__(self, refer: Callable[[Any], Any] | None = None, known: Sequence[Any] = ()) -> None:
        self.buffers: list[bytes] = []
        self.mutable = list(known)
        self._numbers = {id(value): number for number, value in enumerate(known)}
        self._refer = refer
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
        if isinstance(value, _MUTABLE) and (kind in _CONTAINERS or not isinstance(value, list | dict | set)):
            number = self._numbers.get(id(value))
            if number is not None:
                return ["=", number]
            self._numbers[id(value)] = len(self.mutable)
            self.mutable.append(value)
            return self._mutable(value, depth)
        return self._immutable(value, kind, depth)

    def _mutable(self, value: Any, depth: int) -> Any:
        if isinstance(value, list):
            return ["l", *self._items(value, depth)]
        if isinstance(value, dict):
            pairs = [[self._encode(k, depth + 1), self._encode(v, depth + 1)] for k, v in value.items()]
            self._count(len(pairs))
            return [_CONTAINERS[type(value)], *pairs]
        if isinstance(value, set):
            return ["s", *self._items(value, depth)]
        if isinstance(value, bytearray):
            return ["y", self._buffer(bytes(value))]
        if isinstance(value, np.ndarray):
            return self._array(np.asarray(value), depth)
        if isinstance(value, np.random.Generator):
            bits = value.bit_generator
            return ["rng", type(bits).__name__, self._encode(bits.state, depth + 1)]
        return ["rs", self._encode(value.get_state(legacy=False), depth + 1)]

    def _immutable(self, value: Any, kind: type, depth: int) -> Any:
        if kind is tuple:
            return ["t", *self._items(value, depth)]
        if kind is frozenset:
            return ["f", *self._items(value, depth)]
        if kind is bytes:
            return ["b", self._buffer(value)]
        if kind is complex:
            return ["c", value.real, value.imag]
        if kind is range:
            return ["r", *(self._encode(v, depth) for v in (value.start, value.stop, value.step))]
        if kind is slice:
            return ["sl", *(self._encode(v, depth + 1) for v in (value.start, value.stop, value.step))]
        if value is Ellipsis:
            return ["..."]
        if value is NotImplemented:
            return ["ni"]
        if isinstance(value, np.generic):
            if value.dtype.kind == "V":
                raise CodecError("a single record of a structured array cannot be sent")
            return ["g", value.dtype.str, self._buffer(value.tobytes())]
        if isinstance(value, np.dtype):
            return ["dt", self._dtype(value)]
        if kind is fractions.Fraction:
            return ["fr", self._encode(value.numerator, depth), self._encode(value.denominator, depth)]
        if kind is decimal.Decimal:
            return ["de", str(value)]
        if (
            kind in (datetime.datetime, datetime.date, datetime.time)
            and getattr(value, "tzinfo", None) is None
        ):
            return ["da", kind.__name__, value.isoformat()]
        if kind is datetime.timedelta:
            return ["td", value.days, value.seconds, value.microseconds]
        if kind is deque:
            return ["dq", value.maxlen, *self._items(value, depth)]
        if isinstance(value, type) and _TYPES.get(value.__name__) is value:
            return ["ty", value.__name__]
        if isinstance(value, np.ufunc | type) and _numpy_function(value):
            return ["np", value.__name__]
        if isinstance(value, tuple) and isinstance(fields := getattr(kind, "_fields", None), tuple):
            return ["nt", kind.__name__, list(fields), self._items(value, depth)]
        for base in _SUBCLASSED:  # an object of a class of one's own loses its class
            if isinstance(value, base):
                return self._encode(base(value), depth + 1)
        if self._refer is None:
            raise CodecError(f"an object of class {kind.__name__} cannot be sent")
        return self._refer(value)

    def _items(self, values: Iterable[Any], depth: int) -> list[Any]:
        items = [self._encode(value, depth + 1) for value in values]
        self._count(len(items))
        return items

    def _array(self, array: np.ndarray, depth: int) -> Any:
        if array.dtype.kind == "O":
            return ["ao", list(array.shape), self._items(array.ravel().tolist(), depth)]
        order: Literal["C", "F"] = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        writable = bool(array.flags.writeable)
        kind = self._dtype(array.dtype)
        self._count(0, array.nbytes)
        return ["a", kind, list(array.shape), order, writable, self._buffer(array.tobytes(order))]

    def _dtype(self, kind: np.dtype) -> Any:
        if kind.names is not None:
            return [[name, self._dtype(kind[name])] for name in kind.names]
        if kind.kind == "O":
            return "O"
        if kind.subdtype is not None or not _DTYPE.fullmatch(kind.str):
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
        if self._nodes > MOST_NODES or self._bytes > MOST_BYTES:
            raise CodecError("the value is too large")


_CONTAINERS: dict[type, str] = {
    list: "l",
    set: "s",
    dict: "d",
    defaultdict: "d",
    OrderedDict: "od",
    Counter: "co",
}


class Decoder:
    """Make values of trees and buffers, as checked as if every one of them were hostile.

    Parameters
    ----------
    buffers : sequence of bytes-like
    refer : callable, optional
        Called with a tag of the other side's own and what follows it; returns the value or raises.
    known : sequence
        The mutable objects that numbers below its length stand for.
    """

    def __init__(
        self,
        buffers: Sequence[Any],
        refer: Callable[[str, list[Any]], Any] | None = None,
        known: Sequence[Any] = (),
    ) -> None:
        self.mutable = list(known)
        self._buffers = buffers
        self._refer = refer
        self._nodes = 0

    def decode(self, tree: Any) -> Any:
        """Return the tree's value.

        Raises
        ------
        Malformed, or any of `wire.MALFORMED`
            If the tree stands for no value.
        """
        return self._decode(tree, 0)

    def _decode(self, tree: Any, depth: int) -> Any:
        kind = type(tree)
        if tree is None or kind is bool or kind is int or kind is float or kind is str:
            return tree
        if kind is not list or not tree or depth > MOST_DEPTH + 2:
            raise Malformed("no value")
        self._nodes += len(tree)
        if self._nodes > 3 * MOST_NODES:
            raise Malformed("too many values")
        tag = tree[0]
        if type(tag) is not str:
            raise Malformed("no tag")
        read = _READERS.get(tag)
        if read is not None:
            return read(self, tree, depth + 1)
        if self._refer is None:
            raise Malformed(f"unknown tag {tag[:10]!r}")
        return self._refer(tag, tree[1:])

    def _new(self, value: Any) -> Any:
        self.mutable.append(value)
        return value

    def _list(self, tree: list[Any], depth: int) -> Any:
        value = self._new([])
        value.extend(self._decode(item, depth) for item in tree[1:])
        return value

    def _set(self, tree: list[Any], depth: int) -> Any:
        value = self._new(set())
        for item in tree[1:]:
            value.add(self._decode(item, depth))
        return value

    def _dict(self, tree: list[Any], depth: int) -> Any:
        value = self._new({"d": dict, "od": OrderedDict, "co": Counter}[tree[0]]())
        for key, item in tree[1:]:
            decoded = self._decode(key, depth)
            value[decoded] = self._decode(item, depth)
        return value

    def _bytes(self, index: Any) -> bytes:
        if type(index) is not int or index < 0:
            raise Malformed("no buffer")
        return bytes(self._buffers[index])

    def _array(self, tree: list[Any], depth: int) -> Any:
        _, kind, shape, order, writable, index = tree
        dtype, data = self._dtype(kind), self._bytes(index)
        if dtype.hasobject:
            raise Malformed("objects in an array's bytes")
        array = np.empty(_shape(shape, dtype.itemsize, len(data)), dtype, "F" if order == "F" else "C")
        if array.size and dtype.itemsize:
            flat = np.frombuffer(_sound(data, dtype), dtype)
            array[...] = flat.reshape(array.shape, order="F" if order == "F" else "C")
        array.flags.writeable = writable is True
        return self._new(array)

    def _objects(self, tree: list[Any], depth: int) -> Any:
        _, shape, items = tree
        array = np.empty(_shape(shape, 1, len(items)), object)
        self._new(array)
        flat = [self._decode(item, depth) for item in items]
        for place, item in zip(np.ndindex(array.shape), flat, strict=True):
            array[place] = item
        return array

    def _scalar(self, tree: list[Any], depth: int) -> Any:
        _, kind, index = tree
        dtype, data = self._dtype(kind), self._bytes(index)
        if dtype.names is not None or dtype.hasobject or len(data) != dtype.itemsize:
            raise Malformed("no scalar")
        if not dtype.itemsize:
            return dtype.type()
        return np.frombuffer(_sound(data, dtype), dtype)[0]

    def _dtype(self, kind: Any, depth: int = 0) -> np.dtype:
        if type(kind) is list and kind and depth < 4:
            names = [name for name, _ in kind]
            if not all(type(name) is str and len(name) < 100 for name in names):
                raise Malformed("no field name")
            return np.dtype([(name, self._dtype(part, depth + 1)) for name, part in kind])
        if kind == "O":
            return np.dtype(object)
        if type(kind) is not str or not _DTYPE.fullmatch(kind):
            raise Malformed("no type of array")
        return np.dtype(kind)

    def _generator(self, tree: list[Any], depth: int) -> Any:
        if tree[1] not in _BIT_GENERATORS:
            raise Malformed("unknown bit generator")
        bits = getattr(np.random, tree[1])(0)
        value = self._new(np.random.Generator(bits))
        bits.state = sound_state(self._decode(tree[2], depth))
        return value

    def _random_state(self, tree: list[Any], depth: int) -> Any:
        value = self._new(np.random.RandomState(0))
        value.set_state(sound_state(self._decode(tree[1], depth)))
        return value

    def _range(self, tree: list[Any], depth: int) -> Any:
        start, stop, step = (self._decode(part, depth) for part in tree[1:])
        if not all(type(part) is int for part in (start, stop, step)):
            raise Malformed("no range")
        value = range(start, stop, step)
        # Adding up or listing a range of this size would keep C code busy where no deadline reaches it.
        if (stop - start) // step > MOST_RANGE:
            raise Malformed("a range without end")
        return value

    def _known(self, tree: list[Any], depth: int) -> Any:
        if type(tree[1]) is not int or tree[1] < 0:
            raise Malformed("no number")
        return self.mutable[tree[1]]

    def _named_tuple(self, tree: list[Any], depth: int) -> Any:
        _, name, fields, items = tree
        if len(fields) != len(items) or not all(
            type(f) is str and _NAME.fullmatch(f) for f in [name, *fields]
        ):
            raise Malformed("no named tuple")
        members: dict[str, Any] = {
            field: property(operator.itemgetter(place))
            for place, field in enumerate(fields)
            if field[0] != "_"
        }
        members |= {
            "_fields": tuple(fields),
            "__slots__": (),
            "_asdict": lambda self: dict(zip(fields, self, strict=True)),
        }
        return type(name, (tuple,), members)(self._decode(item, depth) for item in items)

    def _numpy(self, tree: list[Any], depth: int) -> Any:
        value = getattr(np, tree[1]) if _NAME.fullmatch(tree[1]) else None
        if not (isinstance(value, np.ufunc) or (isinstance(value, type) and issubclass(value, np.generic))):
            raise Malformed("no function of NumPy")
        return value


def _shape(shape: Any, itemsize: int, size: int) -> tuple[int, ...]:
    if (
        type(shape) is not list
        or len(shape) > 32
        or not all(type(n) is int and 0 <= n <= 1 << 40 for n in shape)
    ):
        raise Malformed("no shape")
    if math.prod(shape) * itemsize != size or (not itemsize and math.prod(shape) > MOST_NODES):
        raise Malformed("the shape does not fit the data")
    return tuple(shape)


def _sound(data: bytes, dtype: np.dtype) -> bytes:
    """Mend or refuse bytes that NumPy itself would never hold, such as a bool that is neither 0 nor 1."""
    if dtype.kind == "b":
        return (np.frombuffer(data, np.uint8) != 0).tobytes()
    if (
        dtype.kind == "U"
        and np.frombuffer(data, dtype.byteorder.replace("|", "=") + "u4").max() > sys.maxunicode
    ):
        raise Malformed("no character")
    if dtype.names is not None:
        for name in dtype.names:
            part = np.frombuffer(data, dtype)[name]
            if part.dtype.kind in ("b", "U"):
                fixed = np.frombuffer(_sound(part.tobytes(), part.dtype), part.dtype)
                if fixed.tobytes() != part.tobytes():
                    raise Malformed("no record")
    return data


def sound_state(state: dict[str, Any]) -> dict[str, Any]:
    """Refuse a position outside the generator's buffer: NumPy believes it, and would read other memory."""
    inner_state: dict[str, Any] = state["state"]
    for inner in (state, inner_state):
        for key, most in (("pos", 624), ("buffer_pos", 4)):
            if key in inner and not (type(inner[key]) is int and 0 <= inner[key] <= most):
                raise Malformed("no state of a generator")
    return state


def _integer(decoder: Decoder, tree: list[Any], depth: int) -> int:
    if type(tree[1]) is not str or len(tree[1]) > MOST_DIGITS:
        raise Malformed("no integer")
    return int(tree[1], 16)


def _fraction(decoder: Decoder, tree: list[Any], depth: int) -> fractions.Fraction:
    numerator, denominator = (decoder._decode(part, depth) for part in tree[1:])
    # Reducing a fraction takes time that grows with the square of the digits, in C code.
    if not all(type(part) is int and part.bit_length() < 40_000 for part in (numerator, denominator)):
        raise Malformed("no fraction")
    return fractions.Fraction(numerator, denominator)


def _floats(tree: list[Any]) -> list[float]:
    if not all(type(part) in (int, float) for part in tree[1:]):
        raise Malformed("no number")
    return tree[1:]


def _whole(tree: list[Any]) -> list[int]:
    if not all(type(part) is int for part in tree[1:]):
        raise Malformed("no whole number")
    return tree[1:]


def _length(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise Malformed("no length")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > 10_000:
        raise Malformed("no text")
    return value


_READERS: dict[str, Callable[[Decoder, list[Any], int], Any]] = {
    "=": Decoder._known,
    "l": Decoder._list,
    "d": Decoder._dict,
    "od": Decoder._dict,
    "co": Decoder._dict,
    "s": Decoder._set,
    "y": lambda d, tree, depth: d._new(bytearray(d._bytes(tree[1]))),
    "a": Decoder._array,
    "ao": Decoder._objects,
    "rng": Decoder._generator,
    "rs": Decoder._random_state,
    "t": lambda d, tree, depth: tuple(d._decode(item, depth) for item in tree[1:]),
    "f": lambda d, tree, depth: frozenset(d._decode(item, depth) for item in tree[1:]),
    "b": lambda d, tree, depth: d._bytes(tree[1]),
    "c": lambda d, tree, depth: complex(*_floats(tree)),
    "i": _integer,
    "r": Decoder._range,
    "sl": lambda d, tree, depth: slice(*(d._decode(item, depth) for item in tree[1:])),
    "...": lambda d, tree, depth: Ellipsis,
    "ni": lambda d, tree, depth: NotImplemented,
    "g": Decoder._scalar,
    "dt": lambda d, tree, depth: d._dtype(tree[1]),
    "fr": _fraction,
    "de": lambda d, tree, depth: decimal.Decimal(_text(tree[1])),
    "da": lambda d, tree, depth: _DATES[tree[1]].fromisoformat(_text(tree[2])),
    "td": lambda d, tree, depth: datetime.timedelta(*_whole(tree)),
    "dq": lambda d, tree, depth: deque((d._decode(item, depth) for item in tree[2:]), _length(tree[1])),
    "ty": lambda d, tree, depth: _TYPES[tree[1]],
    "np": Decoder._numpy,
    "nt": Decoder._named_tuple,
}


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
            if not _same(_content(value), before)
        ]


def _content(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value.shape, value.dtype, value.tobytes()
    if isinstance(value, np.ndarray):
        return [value.shape, *value.ravel().tolist()]
    if isinstance(value, dict):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, list):
        return list(value)
    if isinstance(value, set | bytearray):
        return value.copy()
    encoder = Encoder()
    return encoder.content(value), encoder.buffers


def _same(now: Any, before: Any) -> bool:
    if isinstance(now, list) and not (now and isinstance(now[0], tuple)):
        # The parts are watched for themselves: here it matters only which they are.
        return len(now) == len(before) and all(map(operator.is_, now, before))
    if isinstance(now, list):
        return now[0] == before[0] and len(now) == len(before) and all(map(operator.is_, now[1:], before[1:]))
    return bool(now == before)


def replace(value: Any, new: Any) -> None:
    """Give a mutable value the content of another one, in place.

    Raises
    ------
    TypeError, ValueError
        If the other one is not of the same kind.
    """
    alike = type(value) is type(new) or any(
        isinstance(value, kind) and isinstance(new, kind) for kind in (dict, np.ndarray)
    )
    if not alike:
        raise Malformed("another type than before")
    if isinstance(value, np.ndarray):
        if value.dtype != new.dtype:
            raise Malformed("another type of array than before")
        if value.shape != new.shape:
            value.resize(new.shape, refcheck=False)
        value[...] = new
    elif isinstance(value, dict | set):
        value.clear()
        value.update(new)
    elif isinstance(value, list | bytearray):
        value[:] = new
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = new.bit_generator.state
    else:
        value.set_state(new.get_state(legacy=False))
