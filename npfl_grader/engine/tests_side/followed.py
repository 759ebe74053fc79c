"""What a test makes of names that the student's code reads: in one process, that code would find it."""

import builtins
from collections.abc import Iterable
from typing import Any

from npfl_grader.engine.both.codec import CodecError, Encoder
from npfl_grader.engine.both.shell import Variables
from npfl_grader.engine.both.wire import Message

_PATCHED = ("input", "print")
_ABSENT = object()


class Followed:
    """Names that a test may replace or delete, as `del` and `unittest.mock.patch` do.

    Parameters
    ----------
    variables : dict
        The tests' variables as the test finds them, the student's among them.
    names : iterable of str
        Which of them the student's code is to find changed; ``input`` and ``print`` of Python's are added.
        Only those that the instructor's solution reads: no other value of the tests' leaves them.
    unknown : set of str
        The names that the student's process does not have so far, because an earlier test has bound them.
    """

    def __init__(self, variables: Variables, names: Iterable[str], unknown: set[str]) -> None:
        self._variables = variables
        names = {*names, *_PATCHED}
        self._python = {name: vars(builtins).get(name, _ABSENT) for name in names}
        self._there = {name: _ABSENT if name in unknown else self._now(name) for name in names}

    def changes(self, encoder: Encoder) -> tuple[Message, list[str]]:
        """Give the trees of what has been replaced since the last time, and the names that have gone."""
        trees: Message = {}
        gone = []
        for name, before in self._there.items():
            now = self._now(name)
            if now is before:
                continue
            self._there[name] = now
            if now is self._python[name]:  # or nothing, if Python has no such name
                gone.append(name)
                continue
            known = len(encoder.mutable)
            try:
                trees[name] = encoder.encode(now)
            except CodecError:  # it stays what it was
                encoder.forget(known)
        return trees, gone

    def _now(self, name: str) -> Any:
        return self._variables.get(name, vars(builtins).get(name, _ABSENT))
