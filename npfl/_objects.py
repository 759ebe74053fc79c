"""What the objects of the package share: settings that are checked, and copies that are whole."""

import copy
from collections.abc import Callable
from dataclasses import MISSING
from typing import Any, Self


class Independent:
    """Make ``copy.copy`` a deep copy: a shallow one would share arrays and counts that either one changes."""

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


class Gradients(list):
    """A list of gradients, of a type of its own: an optimizer sees when arguments are in the wrong order."""


class _Setting:
    """An attribute that is checked whenever it is set, by the constructor or later."""

    def __init__(self, check: Callable[[str, Any], Any], default: Any) -> None:
        self.check, self.default = check, default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        value = self.default if instance is None else instance.__dict__.get(self.name, self.default)
        if value is MISSING:
            raise AttributeError(self.name)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.name] = self.check(self.name, value)


def setting(check: Callable[[str, Any], Any], default: Any = MISSING) -> Any:
    """Make a field of a dataclass whose values pass through `check`."""
    return _Setting(check, default)
