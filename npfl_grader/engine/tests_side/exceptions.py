"""Exceptions of the student's code as the tests see them.

They are data: a class of that name, a message, and lines of the student's own cells. No class is built whose
attributes are interpreted by Python or by what shows a traceback.
"""

import builtins
import functools
from typing import Any

from npfl_grader.engine.both.codec import Malformed
from npfl_grader.engine.both.protocol import MOST_MESSAGE
from npfl_grader.engine.both.wire import Message
from npfl_grader.engine.tests_side.reading import a_list, plain
from npfl_grader.engine.tests_side.remote import identifier
from npfl_grader.text import clean

# Exceptions that mean something to Python itself: where they came from outside, they would end a loop of the
# test's unnoticed; and those whose attributes name files that are read when they are shown.
_MEANT = (
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    KeyboardInterrupt,
    SyntaxError,
    BaseExceptionGroup,
)


class Exceptions:
    """Stand-ins of the exception classes of one student's process, so that ``except`` finds them."""

    def __init__(self) -> None:
        self._own: dict[int, type] = {}

    def rebuild(self, answer: Message, *, stops: bool) -> BaseException:
        """Make an exception from what the student's process tells of it: all of it is data.

        Parameters
        ----------
        answer : dict
            With the classes, the message, arguments and attributes, and the lines of the student's code.
        stops : bool
            As for `kind`.
        """
        kind = self.kind(answer["classes"], stops=stops)
        message, args, attributes = answer.get("message"), answer.get("args"), answer.get("attributes", {})
        if type(message) is not str or type(attributes) is not dict:
            raise Malformed("no message")
        error = _build(kind, _readable(message), None if args is None else list(map(plain, a_list(args))))
        for name, value in attributes.items():
            if _may_set(kind, name):
                setattr(error, name, plain(value))
        for frame in a_list(answer.get("lines", []))[:3]:
            if type(frame) is list and list(map(type, frame)) == [int, str, str]:
                line, function, source = frame
                error.add_note(f"in your code, line {line}, in {clean(function, 80)}: {clean(source)}")
        return error

    def kind(self, classes: Any, *, stops: bool = False) -> type[BaseException]:
        """Build a class on the nearest builtin one that is harmless.

        Parameters
        ----------
        classes : list
            From the class itself upwards: the name of a builtin one, or number and name of another.
        stops : bool
            Whether StopIteration may be meant as such.
        """
        own: list[tuple[int, str]] = []
        base: type[BaseException] = Exception
        if type(classes) is not list:
            raise Malformed("no classes")
        for entry in classes[:20]:
            if type(entry) is str:
                known = vars(builtins).get(entry)
                if isinstance(known, type) and issubclass(known, BaseException):
                    base = known
                    break
            else:
                if type(entry) is not list or len(entry) != 2 or type(entry[0]) is not int:
                    raise Malformed("no class")
                own.append((entry[0], identifier(entry[1])))
        if issubclass(base, _MEANT) and not (stops and base is StopIteration):
            base = _harmless(base.__name__)
        elif base is BaseException:
            base = Exception
        bases: tuple[type, ...] = (base,)
        for number, name in reversed(own):
            kind = self._own.get(number)
            if kind is None:
                kind = self._own[number] = _derive(name, bases)
            # A class met before as a base of another one may lack what this one is besides.
            bases = (kind,) if issubclass(kind, bases[-1]) else (kind, *bases)
        return bases[0] if len(bases) == 1 else _derive(own[0][1], bases)


@functools.cache
def _harmless(name: str) -> type[Exception]:
    """Make a class that is called like one of Python's own, and has nothing else of it."""
    return type(name, (RuntimeError,), {"__module__": "builtins"})


def _derive(name: str, bases: tuple[type, ...]) -> type:
    try:
        return type(name, bases, {"__module__": "__main__"})
    except TypeError as error:  # no order of the bases, no common layout
        raise Malformed(str(error)) from None


def _build(kind: type[BaseException], message: str, args: list[Any] | None) -> BaseException:
    """Make an exception with a given message, and with the given arguments if they make just this message."""
    for arguments in ([message],) if args is None else (args, [message]):
        try:
            error = kind(*arguments)
            if str(error) == message:
                return error
        except Exception:
            continue  # the class wants others
    shown: Any = type(
        kind.__name__, (kind,), {"__str__": lambda self: message, "__module__": kind.__module__}
    )
    stand_in: BaseException = shown.__new__(shown)
    stand_in.args = (message,)
    return stand_in


def _may_set(kind: type[BaseException], name: str) -> bool:
    """Say whether an attribute of a student's exception is nothing but the student's own."""
    return identifier(name) == name and not name.startswith("_") and not hasattr(kind, name)


def _readable(message: str) -> str:
    """Clean a message, unless it is harmless as it is: a test may compare it."""
    return (
        message
        if message.isprintable() and len(message) <= MOST_MESSAGE
        else clean(message, MOST_MESSAGE, lines=True)
    )
