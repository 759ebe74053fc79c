"""What the objects of the package share: settings that are checked, and copies that are whole."""

import copy
import operator
from collections.abc import Callable
from dataclasses import MISSING
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from npfl._checks import as_float, as_sequence


class Independent:
    """Make ``copy.copy`` a deep copy: a shallow one would share arrays and counts that either one changes."""

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


class Arrays(list):
    """A list of arrays that stay: setting one copies numbers into it, because a model holds it too."""

    def __setitem__(self, index: Any, values: Any) -> None:
        fill("values", self[index], values)


class Gradients(Arrays):
    """A list of gradients, of a type of its own: an optimizer sees when arguments are in the wrong order."""


def fill(name: str, arrays: NDArray | list[NDArray], values: Any) -> None:
    """Copy numbers into an array of the same shape, or into several: into all or none."""
    if isinstance(arrays, np.ndarray):
        arrays, values = [arrays], [values]
    # Copied first, as they may be views of the arrays.
    numbers = [as_float(name, value).copy() for value in as_sequence(name, values, "arrays")]
    shapes = [array.shape for array in arrays]
    if [number.shape for number in numbers] != shapes:
        raise ValueError(f"{name} must have the shapes {shapes}, got {[n.shape for n in numbers]}")
    for array, number in zip(arrays, numbers, strict=True):
        array[...] = number


def held(name: str, kind: Callable[[Any], Any]) -> Any:
    """Make an attribute of arrays that a model and its layers share: setting it again copies the numbers in.

    `kind` makes the list, or the array, of what it is set to first.
    """
    own = f"_{name}"

    def put(instance: Any, value: Any) -> None:
        arrays = instance.__dict__.get(own)
        if arrays is None or not instance._is_held():
            instance.__dict__[own] = kind(value)
        elif arrays is not value:
            fill(name, arrays, value)

    return property(operator.attrgetter(own), put, doc="")  # the class says what it is, not the getter


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
