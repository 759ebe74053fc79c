"""Parts of what a student's process says and asks."""

from typing import Any

from npfl_grader.engine.both.codec import Decoder, Malformed
from npfl_grader.engine.both.shell import Variables
from npfl_grader.engine.tests_side import remote


def a_list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise Malformed("no list")
    return value


def plain(value: Any) -> Any:
    """Take a part of an exception: text or a number, with which nothing can be done but to read it."""
    if type(value) is list and value[:1] == ["i"]:
        return Decoder(()).decode(value)
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise Malformed("no plain value")


class UnknownModule(str):
    """The name of a module that the tests, if they need it, have to import themselves."""

    __slots__ = ()


def unknown_module(tree: Any) -> UnknownModule | None:
    """Name the module that a variable is, if this process does not have it."""
    if type(tree) is not list or len(tree) != 2 or tree[0] != "module":
        return None
    try:
        remote.module(tree[1])
    except Malformed:
        return UnknownModule(tree[1])
    return None


def act(value: Any, action: Any, args: list[Any], kwargs: Variables) -> Any:
    """Do what student code may do with an object of the tests: call, step, read public attributes."""
    if action == "call" and callable(value):
        return value(*args, **kwargs)
    if action == "next" and hasattr(type(value), "__next__"):
        return next(value)
    # Attributes of functions, generators or modules would lead to the tests' variables.
    if (
        action == "get"
        and len(args) == 1
        and type(value).__module__ == "__main__"
        and type(args[0]) is str
        and args[0][:1] != "_"
    ):
        return getattr(value, args[0])
    raise AttributeError("the tests do not let your code do that")
