"""The student's objects as the tests see them: values are copies, everything else is a stand-in.

A stand-in passes on calls, attributes and items. It never passes on what would be a verdict (``==``, ``<``,
truth, ``in``, conversion to a number or an array): such an answer would be the student's own. What an
attribute says, or an operator that is given a value of the test's, is noted: where the solution gives a
value, it is no evidence.
"""

import inspect
import keyword
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any, Literal, NoReturn

import numpy as np

from npfl_grader.engine.both.codec import Malformed
from npfl_grader.engine.both.protocol import OPERATORS, UNARY
from npfl_grader.engine.both.shell import Variables
from npfl_grader.engine.tests_side import source

# Each maps an attribute of the class to the action that the student's process knows it by.
_ALWAYS = {
    "__getattr__": "get",
    "__setattr__": "set",
    "__delattr__": "delete",
    "__str__": "text",
    "__repr__": "representation",
    "__format__": "format",
    "__instancecheck__": "instance",
    "__subclasscheck__": "subclass",
    **{f"__{name.strip('_')}__": name for name in OPERATORS},
    **{f"__r{name.strip('_')}__": f"r{name}" for name in OPERATORS if name not in UNARY},
}
_SOMETIMES = {
    "call": {"__call__": "call"},
    "iterate": {"__iter__": "iterate"},
    "next": {"__next__": "next"},
    "length": {"__len__": "length"},
    "item": {"__getitem__": "get item", "__setitem__": "set item", "__delitem__": "delete item"},
    "enter": {"__enter__": "enter"},
}
_VERDICTS = (
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __bool__ __contains__ __float__ __int__ __index__ __complex__"
)
_ARRAYS = "__array__ __array_function__ __round__ __trunc__ __floor__ __ceil__ __bytes__ __fspath__"
# Methods of arrays, tensors and tables that compare: what an object of the student's says there is a verdict.
_COMPARISONS = {"equals", "equal", "identical", "allclose", "isclose", "array_equal"}
_COMPARISONS |= {"eq", "ne", "lt", "le", "gt", "ge"}
# What something is called and how it describes itself: messages quote it, and it stands for no value.
_NAMES = ("__name__", "__qualname__", "__doc__", "__module__")
# Special attributes that are plain data of a function or class.
_DATA = (*_NAMES, "__defaults__", "__kwdefaults__", "__annotations__", "__code__", "__dict__", "__wrapped__")
_EXPECTED: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "representation": (str,),
    "format": (str,),
    "length": (int,),
    "instance": (bool,),
    "subclass": (bool,),
}


class Refused(TypeError):
    """The student's object cannot do what the test asks of it, where only a value could."""


class NoSource(OSError):
    """The submission holds no source of a stand-in."""


class NoAttribute(AttributeError):
    """A stand-in has no such attribute."""


class Remote:
    """An object that stays in the student's process."""

    __slots__ = ("__weakref__", "_connection", "_number")
    __array_ufunc__ = None

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        raise connection(self).unsupported(
            "a class of the tests cannot be derived from a class of the student's"
        )

    def __exit__(self, *_: object) -> Literal[False]:
        # What the student's __exit__ returns would decide whether the test's own failure is forgotten.
        connection(self).do("exit", self)
        return False

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __dir__(self) -> list[str]:
        return []


def connection(remote: Remote) -> Any:
    """Return the connection that an object belongs to."""
    return object.__getattribute__(remote, "_connection")


def number(remote: Remote) -> int:
    """Return the object's number at the other end."""
    return int(object.__getattribute__(remote, "_number"))


def _passes_on(action: str) -> Callable[..., Any]:
    def method(self: Remote, *args: Any, **kwargs: Any) -> Any:
        if action in ("get", "set", "delete") and args[0].startswith("_") and not _public(args[0]):
            raise NoAttribute(args[0])
        if action == "get" and args[0] in _COMPARISONS:
            raise Refused(_needed(self, f"an array or a table is needed ({args[0]})"))
        if (action in _ARITHMETIC and args and isinstance(args[0], np.ndarray | np.generic)) or (
            action in _DIFFERENCES and not isinstance(args[0], Remote)
        ):
            # What came of it would be the student's word about the test's own numbers: a difference from
            # what is expected is as good as a comparison with it.
            raise Refused(_needed(self, "an array or a number is needed"))
        word = ""
        if action == "get" and args[0] not in _NAMES:
            word = args[0]
        elif action in _ARITHMETIC and args and not isinstance(args[0], Remote):
            word = action.strip("_")
        try:
            value = connection(self).do(action, self, *args, **kwargs)
        except AttributeError:
            word = ""  # an attribute that is not there says nothing
            raise
        finally:
            if word:
                connection(self).asked.add(word)
        if action in _EXPECTED and type(value) not in _EXPECTED[action]:
            raise Refused(f"{action}: the answer is of type {type(value).__name__}")
        return value

    return method


def _public(name: str) -> bool:
    """Say whether a name with an underscore may be asked for; NumPy and IPython look for their own."""
    return name in _DATA or not (name.startswith(("__", "_repr_", "_ipython_")))


def _refuses(special: str) -> Callable[..., Any]:
    def method(self: Remote, *_: Any, **__: Any) -> NoReturn:
        raise Refused(
            _needed(self, f"a number, a string, a list or an array is needed ({special.strip('_')})")
        )

    return method


def _needed(value: Remote, what: str) -> str:
    return f"your code returned an object of class {type(value).__name__}, where {what}"


_ARITHMETIC = {*OPERATORS, *(f"r{name}" for name in OPERATORS)}
_DIFFERENCES = {
    f"{side}{name}" for side in ("", "r") for name in ("sub", "truediv", "floordiv", "mod", "xor")
}
_BODY: Variables = {name: _passes_on(action) for name, action in _ALWAYS.items()}
_BODY |= {name: _refuses(name) for name in f"{_VERDICTS} {_ARRAYS}".split()}
_BODY["__hash__"] = Remote.__hash__
_BODY["__doc__"] = property(lambda self: connection(self).do("get", self, "__doc__"))
_KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD,
)
_classes: dict[tuple[str, ...], type] = {}


def make(owner: Any, place: int, flags: list[str], name: str) -> Remote:
    """Make the stand-in of one object.

    Parameters
    ----------
    owner : Connection
    place : int
        Its number at the other end.
    flags : list of str
        What its class can do, besides attributes.
    name : str
        The name of its class.
    """
    if not all(type(flag) is str and (flag == "class" or flag in _SOMETIMES) for flag in flags):
        raise Malformed("no stand-in")
    kind = identifier(name)
    key = (kind, *sorted(flags))
    if key not in _classes:
        if len(_classes) > 1000:
            _classes.clear()
        body: Variables = {"__slots__": (), "__module__": "__main__"} | _BODY
        for flag in flags:
            body |= {name: _passes_on(action) for name, action in _SOMETIMES.get(flag, {}).items()}
        if "class" not in flags:
            del body["__instancecheck__"], body["__subclasscheck__"]
        _classes[key] = type(kind, (Remote,), body)
    remote: Remote = object.__new__(_classes[key])
    object.__setattr__(remote, "_connection", owner)
    object.__setattr__(remote, "_number", place)
    return remote


def identifier(name: Any) -> str:
    """Return a name if it is one that Python would allow, and a harmless one otherwise."""
    fine = type(name) is str and len(name) <= 80 and name.isidentifier() and not keyword.iskeyword(name)
    return name if fine and not name.startswith("__") else "Object"


def signature(parts: Any) -> inspect.Signature:
    """Rebuild the signature of a function of the student's."""
    kinds = {int(kind): kind for kind in _KINDS}
    parameters = []
    for part in parts if isinstance(parts, list | tuple) else [None]:
        if not isinstance(part, list | tuple) or len(part) != 4:
            raise Refused("your code's function has no signature")
        name, kind, has, default = part
        if identifier(name) != name or type(kind) is not int or kind not in kinds:
            raise Refused("your code's function has no signature")
        parameters.append(
            inspect.Parameter(name, kinds[kind], default=default if has is True else inspect.Parameter.empty)
        )
    try:
        return inspect.Signature(parameters)
    except ValueError as error:
        raise Refused(f"your code's function has no signature: {error}") from None


def teach_inspect(sources: list[str], names: Variables) -> None:
    """Let ``inspect`` know the sources of stand-ins, and ask the student's process for their signatures.

    Parameters
    ----------
    sources : list of str
        The student's cells.
    names : dict
        The student's variables as the tests see them; looked up whenever a source is asked for.
    """
    original_source, original_signature = inspect.getsource, inspect.signature

    def getsource(value: Any) -> str:
        if not isinstance(value, Remote):
            return original_source(value)
        name = next((name for name, known in names.items() if known is value), None)
        if name is None:  # part of an object; what it says of itself is in the submission too, or nowhere
            name = connection(value).do("get", value, "__name__")
        found = source.find(sources, identifier(name))
        if found is None:
            raise NoSource("your code has no definition of it")
        return found

    def get_signature(value: Any, **options: Any) -> inspect.Signature:
        if isinstance(value, Remote):
            return signature(connection(value).do("signature", value))
        return original_signature(value, **options)

    inspect.getsource = getsource  # type: ignore[assignment]
    inspect.signature = get_signature  # type: ignore[assignment]


def module(name: Any) -> types.ModuleType:
    """Return a module that this process has anyway."""
    allowed = type(name) is str and (name.partition(".")[0] in sys.stdlib_module_names | {"numpy"})
    if not allowed or name not in sys.modules or name.startswith("_") or name == "npfl_grader":
        raise Malformed("no module")
    return sys.modules[name]


Registry = weakref.WeakValueDictionary[int, Remote]
