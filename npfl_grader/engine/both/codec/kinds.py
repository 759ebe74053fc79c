"""What both directions of the codec know: types by their names, sizes, and the two ways of failing."""

import datetime
import re
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np

MOST_DEPTH = 90
MOST_RANGE = 10_000_000
MOST_DIGITS = 1 << 20
MOST_EMPTY = 10_000_000  # axes of an array without elements, multiplied
DTYPE = re.compile(r"[<>|=][biufcSUmM][0-9]{1,6}(\[[0-9]{0,6}[a-zA-Z]{1,2}\])?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
PLAIN_GENERATORS = ("PCG64", "PCG64DXSM")  # those whose state is four numbers
TYPES = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, range)
} | {"object": object, "NoneType": type(None), "ndarray": np.ndarray, "Generator": np.random.Generator}
FACTORIES = (bool, int, float, complex, str, list, tuple, set, dict)  # of a defaultdict
DATES = {kind.__name__: kind for kind in (datetime.datetime, datetime.date, datetime.time)}
MUTABLE = (list, dict, set, bytearray, np.ndarray, np.random.Generator, np.random.RandomState)
CONTAINERS: dict[type, str] = {
    list: "l",
    set: "s",
    dict: "d",
    defaultdict: "d",
    OrderedDict: "od",
    Counter: "co",
}
# Lists and tuples of nothing but floats or 64-bit integers travel as they lie in memory.
PACKED_FROM = 16
PACKED = {float: ("f", "d"), int: ("i", "q")}


class CodecError(TypeError):
    """The value cannot be sent; the message says why."""


class Malformed(ValueError):
    """What has come from the other side stands for no value.

    Only reading raises it, and only for what it has read: any other exception of the engine's is its own.
    """


def numpy_function(value: Any) -> bool:
    """Whether both sides have the function or type under the same name."""
    name = getattr(value, "__name__", "")
    return isinstance(name, str) and name in vars(np) and vars(np)[name] is value


def may_cross(value: Any) -> bool:
    """Whether something of NumPy's is mere arithmetic: a universal function or a type of numbers."""
    return isinstance(value, np.ufunc) or (isinstance(value, type) and issubclass(value, np.generic))
