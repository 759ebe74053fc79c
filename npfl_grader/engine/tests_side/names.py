"""Which names a cell of the instructor binds and which it reads, by its compiled code."""

import ast
import dis
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any


@dataclass(frozen=True)
class Names:
    """Global names of one cell.

    Attributes
    ----------
    bound : frozenset of str
        What the cell binds before it reads it; from then on the name is the instructor's.
    read : frozenset of str
        What the cell, or a function in it, reads.
    read_now : frozenset of str
        What the cell itself reads while it runs, outside functions.
    attributes : frozenset of str
        The attributes it reads, of whatever object.
    """

    bound: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    read_now: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


def names(source: str) -> Names:
    """Analyse a cell; what cannot be compiled has no names."""
    code = _compile(source)
    if code is None:
        return Names()
    bound: set[str] = set()
    read: set[str] = set()
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname in ("STORE_NAME", "STORE_GLOBAL") and name not in read:
            bound.add(name)
        elif instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            read.add(name)
    later: set[str] = set()
    attributes: set[str] = set()
    for part in _codes(code):
        for instruction in dis.get_instructions(part):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                later.add(instruction.argval)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                attributes.add(instruction.argval)
    # globals().get("name") and the like read what stands in a string, and so do magics.
    if (later | attributes) & {"globals", "locals", "vars", "dir", "user_ns", "eval", "exec", *_MAGICS}:
        words = {word for part in _codes(code) for word in _words(part.co_consts)}
        later |= words
        read |= words if attributes & _MAGICS else set()
    return Names(*map(frozenset, (bound, later, read, attributes)))


def stored(source: str) -> set[str]:
    """List the variables that a cell assigns; none if it cannot be compiled."""
    code = _compile(source)
    operations = ("STORE_NAME", "STORE_GLOBAL")
    return {
        instruction.argval
        for part in (_codes(code) if code else ())
        for instruction in dis.get_instructions(part)
        if instruction.opname in operations
    }


def followed(source: str) -> set[str]:
    """List the global names that functions in a cell read whenever they are called."""
    code = _compile(source)
    return {
        instruction.argval
        for part in (_codes(code) if code else ())
        if part is not code
        for instruction in dis.get_instructions(part)
        if instruction.opname == "LOAD_GLOBAL"
    }


def modules(source: str) -> dict[str, str]:
    """List the modules that a cell imports, by the names that it gives them."""
    try:
        body = ast.parse(_python(source)).body
    except (SyntaxError, ValueError):
        return {}
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name
        for node in body
        if isinstance(node, ast.Import)
        for alias in node.names
    }


cached = functools.lru_cache(1000)(names)


def to_json(found: Names) -> list[list[str]]:
    """Turn names into what JSON can say."""
    return [sorted(found.bound), sorted(found.read), sorted(found.read_now), sorted(found.attributes)]


def from_json(parts: list[list[str]]) -> Names:
    """Turn what `to_json` has made into names."""
    return Names(*map(frozenset, parts))


_MAGICS = frozenset({"run_line_magic", "run_cell_magic"})
_ASYNC = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def _python(source: str) -> str:
    """Give a cell in plain Python, without magics and prompts."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        # It takes a moment to import, and hardly a cell of an instructor's needs it.
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(source)
    return source


def _compile(source: str) -> CodeType | None:
    try:
        code: CodeType = compile(_python(source), "<cell>", "exec", dont_inherit=True, flags=_ASYNC)
    except (SyntaxError, ValueError):
        return None
    return code


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _words(constants: tuple[Any, ...]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, tuple):
            yield from _words(constant)
        elif isinstance(constant, str):
            yield from re.findall(r"[^\W\d]\w*", constant)
