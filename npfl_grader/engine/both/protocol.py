"""What the tests' process may ask of an object of the student's."""

import operator
from collections.abc import Callable
from typing import Any

MOST_MESSAGE = 4000
BINARY: tuple[str, ...] = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
BINARY += ("lshift", "rshift", "and_", "or_", "xor")
UNARY = ("neg", "pos", "abs", "invert")
OPERATORS: dict[str, Callable[..., Any]] = {name: getattr(operator, name) for name in BINARY + UNARY}
