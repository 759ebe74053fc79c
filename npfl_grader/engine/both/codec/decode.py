"""From trees and buffers to values, as checked as if every one of them were hostile.

Whatever a tree holds, decoding returns a value or raises `Malformed`. Calls of other libraries that may
refuse what was sent stand alone in ``try``, so that no mistake made here is taken for one of the sender's.
"""

import datetime
import decimal
import fractions
import functools
import operator
import sys
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from npfl_grader.engine.both.codec import tables
from npfl_grader.engine.both.codec.checks import (
    hashable,
    plain_state,
    sound_bytes,
    sound_shape,
    sound_state,
    sound_text,
)
from npfl_grader.engine.both.codec.kinds import (
    BIT_GENERATORS,
    DATES,
    DTYPE,
    FACTORIES,
    MOST_DEPTH,
    MOST_DIGITS,
    MOST_RANGE,
    NAME,
    PLAIN_GENERATORS,
    TYPES,
    Malformed,
    may_cross,
)
from npfl_grader.engine.both.sizes import Sizes

_DICTS: dict[str, type] = {"d": dict, "od": OrderedDict, "co": Counter}
_CODES = {"lf": "d", "li": "q", "tf": "d", "ti": "q"}
# What some values weigh beside the parts of their trees, in parts of usual weight.
_CLASS, _GENERATOR, _ARRAY, _TABLE = 30, 80, 3, 300


@functools.lru_cache(100)
def _dtype_of(kind: str) -> np.dtype:
    if not DTYPE.fullmatch(kind):
        raise Malformed("no type of array")
    try:
        return np.dtype(kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed(str(error)) from None


class Decoder:
    """Make values of trees and buffers.

    Parameters
    ----------
    buffers : sequence of bytes-like
    refer : callable, optional
        Called with a tag of the other side's own and what follows it; returns the value or raises.
    known : sequence
        The mutable objects that numbers below its length stand for.
    sizes : Sizes
        How large all that is decoded may be together.
    """

    def __init__(
        self,
        buffers: Sequence[Any],
        refer: Callable[[str, list[Any]], Any] | None = None,
        known: Sequence[Any] = (),
        sizes: Sizes = Sizes(),  # noqa: B008 (it cannot be changed)
    ) -> None:
        self.mutable = list(known)
        self._buffers = buffers
        self._refer = refer
        self._most = 3 * sizes.nodes
        self._nodes = 0

    def decode(self, tree: Any) -> Any:
        """Return the tree's value.

        Raises
        ------
        Malformed
            If the tree stands for no value.
        """
        return self._decode(tree, 0)

    def _decode(self, tree: Any, depth: int) -> Any:
        kind = type(tree)
        if tree is None or kind is bool or kind is int or kind is float or kind is str:
            return tree
        if kind is not list or not tree or depth > MOST_DEPTH + 2:
            raise Malformed("no value")
        self._count(len(tree))
        tag = tree[0]
        if type(tag) is not str:
            raise Malformed("no tag")
        reader = _READERS.get(tag)
        if reader is None:
            if self._refer is None:
                raise Malformed(f"unknown tag {tag[:10]!r}")
            return self._refer(tag, tree[1:])
        read, parts = reader
        if parts is not None and len(tree) != parts + 1:
            raise Malformed(f"{tag}: {len(tree) - 1} parts")
        return read(self, tree, depth + 1)

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._most:
            raise Malformed("the value is too large")

    def _new(self, value: Any) -> Any:
        self.mutable.append(value)
        return value

    def _known(self, tree: list[Any], depth: int) -> Any:
        if type(tree[1]) is not int or not 0 <= tree[1] < len(self.mutable):
            raise Malformed("no number")
        return self.mutable[tree[1]]

    # --- containers

    def _list(self, tree: list[Any], depth: int) -> Any:
        value = self._new([])
        value.extend([self._decode(item, depth) for item in tree[1:]])
        return value

    def _packed(self, tree: list[Any], depth: int) -> Any:
        tag, index = tree
        numbers, data = array(_CODES[tag]), self._buffer(index)
        if len(data) % numbers.itemsize:
            raise Malformed("half a number")
        self._count(len(data) // numbers.itemsize)
        numbers.frombytes(data)
        return self._new(numbers.tolist()) if tag[0] == "l" else tuple(numbers)

    def _tuple(self, tree: list[Any], depth: int) -> Any:
        return tuple([self._decode(item, depth) for item in tree[1:]])

    def _set(self, tree: list[Any], depth: int) -> Any:
        value = self._new(set()) if tree[0] == "s" else set()
        for item in tree[1:]:
            value.add(hashable(self._decode(item, depth)))
        return value if tree[0] == "s" else frozenset(value)

    def _default_dict(self, tree: list[Any], depth: int) -> Any:
        factory = TYPES.get(tree[1]) if len(tree) > 1 and type(tree[1]) is str else None
        if factory not in FACTORIES:
            raise Malformed("no default")
        return self._fill(self._new(defaultdict(factory)), tree[2:], depth)

    def _dict(self, tree: list[Any], depth: int) -> Any:
        return self._fill(self._new(_DICTS[tree[0]]()), tree[1:], depth)

    def _fill(self, value: Any, pairs: list[Any], depth: int) -> Any:
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise Malformed("no pair")
            self._count(2)
            key = hashable(self._decode(pair[0], depth))
            value[key] = self._decode(pair[1], depth)
        return value

    def _deque(self, tree: list[Any], depth: int) -> Any:
        most = tree[1] if len(tree) > 1 else -1
        if most is not None and not (type(most) is int and 0 <= most < sys.maxsize):
            raise Malformed("no length")
        return deque([self._decode(item, depth) for item in tree[2:]], most)

    def _named_tuple(self, tree: list[Any], depth: int) -> Any:
        _, name, fields, items = tree
        if type(fields) is not list or type(items) is not list or len(fields) != len(items):
            raise Malformed("no named tuple")
        if not all(type(text) is str and NAME.fullmatch(text) for text in [name, *fields]):
            raise Malformed("no named tuple")
        self._count(_CLASS + 3 * len(fields))
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
        return type(name, (tuple,), members)([self._decode(item, depth) for item in items])

    # --- NumPy

    def _buffer(self, index: Any) -> Any:
        if type(index) is not int or not 0 <= index < len(self._buffers):
            raise Malformed("no buffer")
        return self._buffers[index]

    def _bytes(self, tree: list[Any], depth: int) -> Any:
        data = self._buffer(tree[1])
        return bytes(data) if tree[0] == "b" else self._new(bytearray(data))

    def _array(self, tree: list[Any], depth: int) -> Any:
        _, kind, shape, order, writable, index = tree
        dtype, data = self._dtype(kind), self._buffer(index)
        if dtype.hasobject:
            raise Malformed("objects in an array's bytes")
        self._count(_ARRAY)
        layout: Literal["C", "F"] = "F" if order == "F" else "C"
        values = np.empty(sound_shape(shape, dtype.itemsize, len(data)), dtype, layout)
        if values.size and dtype.itemsize:
            flat = np.frombuffer(sound_bytes(data, dtype), dtype)
            values[...] = flat.reshape(values.shape, order=layout)
        values.flags.writeable = writable is True
        return self._new(values)

    def _objects(self, tree: list[Any], depth: int) -> Any:
        _, shape, items = tree
        if type(items) is not list:
            raise Malformed("no list of objects")
        self._count(len(items))
        values = np.empty(sound_shape(shape, 1, len(items)), object)
        self._new(values)
        flat = [self._decode(item, depth) for item in items]
        for place, item in zip(np.ndindex(values.shape), flat, strict=True):
            values[place] = item
        return values

    def _scalar(self, tree: list[Any], depth: int) -> Any:
        _, kind, index = tree
        dtype, data = self._dtype(kind), self._buffer(index)
        if dtype.names is not None or dtype.hasobject or len(data) != dtype.itemsize:
            raise Malformed("no scalar")
        if not dtype.itemsize:
            return dtype.type()
        return np.frombuffer(sound_bytes(data, dtype), dtype)[0]

    def _dtype(self, kind: Any, depth: int = 0) -> np.dtype:
        self._count(1)
        if type(kind) is list and kind and depth < 4:
            fields: list[tuple[str, np.dtype]] = []
            for field in kind:
                if type(field) is not list or len(field) != 2:
                    raise Malformed("no field")
                if type(field[0]) is not str or len(field[0]) > 100:
                    raise Malformed("no field name")
                fields.append((field[0], self._dtype(field[1], depth + 1)))
            try:
                return np.dtype(fields)
            except ValueError as error:  # two of one name
                raise Malformed(str(error)) from None
        if kind == "O":
            return np.dtype(object)
        if type(kind) is not str:
            raise Malformed("no type of array")
        return _dtype_of(kind)

    def _generator(self, tree: list[Any], depth: int) -> Any:
        if tree[1] not in BIT_GENERATORS:
            raise Malformed("unknown bit generator")
        self._count(_GENERATOR)
        bits = getattr(np.random, tree[1])(0)
        value = self._new(np.random.Generator(bits))
        if tree[1] in PLAIN_GENERATORS:
            state = plain_state(tree[1], tree[2])
        else:
            state = sound_state(self._decode(tree[2], depth))
        try:
            bits.state = state
        except Exception as error:
            raise Malformed(f"no state of a generator: {error}") from None
        return value

    def _random_state(self, tree: list[Any], depth: int) -> Any:
        self._count(_GENERATOR)
        value = self._new(np.random.RandomState(0))
        state = sound_state(self._decode(tree[1], depth))
        try:
            value.set_state(state)
        except Exception as error:
            raise Malformed(f"no state of a generator: {error}") from None
        return value

    def _numpy(self, tree: list[Any], depth: int) -> Any:
        name = tree[1]
        value = vars(np).get(name) if type(name) is str and NAME.fullmatch(name) else None
        if not may_cross(value):
            raise Malformed("no function of NumPy")
        return value

    def _table(self, tree: list[Any], depth: int) -> Any:
        self._count(_TABLE)
        place = len(self.mutable)
        if tree[0] == "pd":
            self._new(None)
        value = tables.build(self._decode(tree[1], depth))
        if (tree[0] == "pd") == (tables.kind_of(value) == "Index"):
            raise Malformed("another kind of table")
        if tree[0] == "pd":
            self.mutable[place] = value
        return value

    # --- numbers, dates and the rest

    def _complex(self, tree: list[Any], depth: int) -> Any:
        if not all(type(part) in (int, float) for part in tree[1:]):
            raise Malformed("no number")
        try:
            return complex(tree[1], tree[2])
        except OverflowError:
            raise Malformed("no number") from None

    def _integer(self, tree: list[Any], depth: int) -> Any:
        if type(tree[1]) is not str or len(tree[1]) > MOST_DIGITS:
            raise Malformed("no integer")
        try:
            return int(tree[1], 16)
        except ValueError:
            raise Malformed("no integer") from None

    def _fraction(self, tree: list[Any], depth: int) -> Any:
        numerator, denominator = (self._decode(part, depth) for part in tree[1:])
        # Reducing a fraction takes time that grows with the square of the digits, in C code.
        if not all(type(part) is int and part.bit_length() < 40_000 for part in (numerator, denominator)):
            raise Malformed("no fraction")
        if not denominator:
            raise Malformed("no fraction")
        return fractions.Fraction(numerator, denominator)

    def _decimal(self, tree: list[Any], depth: int) -> Any:
        try:
            return decimal.Decimal(sound_text(tree[1]))
        except ArithmeticError:
            raise Malformed("no decimal number") from None

    def _range(self, tree: list[Any], depth: int) -> Any:
        start, stop, step = (self._decode(part, depth) for part in tree[1:])
        if not all(type(part) is int for part in (start, stop, step)) or not step:
            raise Malformed("no range")
        # Adding up or listing a range of this size would keep C code busy where no deadline reaches it.
        if (stop - start) // step > MOST_RANGE:
            raise Malformed("a range without end")
        return range(start, stop, step)

    def _slice(self, tree: list[Any], depth: int) -> Any:
        return slice(*[self._decode(item, depth) for item in tree[1:]])

    def _date(self, tree: list[Any], depth: int) -> Any:
        kind = DATES.get(tree[1]) if type(tree[1]) is str else None
        if kind is None:
            raise Malformed("no date")
        text = sound_text(tree[2])
        try:
            return kind.fromisoformat(text)
        except ValueError:
            raise Malformed("no date") from None

    def _duration(self, tree: list[Any], depth: int) -> Any:
        if not all(type(part) is int for part in tree[1:]):
            raise Malformed("no whole number")
        try:
            return datetime.timedelta(*tree[1:])
        except OverflowError:
            raise Malformed("no duration") from None

    def _type(self, tree: list[Any], depth: int) -> Any:
        kind = TYPES.get(tree[1]) if type(tree[1]) is str else None
        if kind is None:
            raise Malformed("no type")
        return kind


# For each tag its reader, and the number of parts that follow it where that is fixed.
_READERS: dict[str, tuple[Callable[[Decoder, list[Any], int], Any], int | None]] = {
    "=": (Decoder._known, 1),
    "l": (Decoder._list, None),
    "lf": (Decoder._packed, 1),
    "li": (Decoder._packed, 1),
    "tf": (Decoder._packed, 1),
    "ti": (Decoder._packed, 1),
    "d": (Decoder._dict, None),
    "od": (Decoder._dict, None),
    "dd": (Decoder._default_dict, None),
    "co": (Decoder._dict, None),
    "s": (Decoder._set, None),
    "f": (Decoder._set, None),
    "y": (Decoder._bytes, 1),
    "b": (Decoder._bytes, 1),
    "a": (Decoder._array, 5),
    "ao": (Decoder._objects, 2),
    "rng": (Decoder._generator, 2),
    "rs": (Decoder._random_state, 1),
    "t": (Decoder._tuple, None),
    "c": (Decoder._complex, 2),
    "i": (Decoder._integer, 1),
    "r": (Decoder._range, 3),
    "sl": (Decoder._slice, 3),
    "...": (lambda d, tree, depth: Ellipsis, 0),
    "ni": (lambda d, tree, depth: NotImplemented, 0),
    "g": (Decoder._scalar, 2),
    "dt": (lambda d, tree, depth: d._dtype(tree[1]), 1),
    "fr": (Decoder._fraction, 2),
    "de": (Decoder._decimal, 1),
    "da": (Decoder._date, 2),
    "td": (Decoder._duration, 3),
    "dq": (Decoder._deque, None),
    "ty": (Decoder._type, 1),
    "np": (Decoder._numpy, 1),
    "nt": (Decoder._named_tuple, 3),
    "pd": (Decoder._table, 1),
    "pi": (Decoder._table, 1),
}
