"""What a test makes of names that the student's code reads: in one process, that code would find it."""

import builtins
import operator
from collections.abc import Iterable
from typing import Any

from npfl_grader.engine.both.codec import CodecError, Encoder
from npfl_grader.engine.both.shell import Variables
from npfl_grader.engine.both.wire import Message

_ABSENT = object()


class Followed:
    """Names that a test may replace or delete, as `del` and `unittest.mock.patch` do.

    Of Python's own functions each is followed, such as ``input``, if what replaces it can be called; of other
    names, those that the instructor's solution reads. So no other value of the tests' leaves them.

    Parameters
    ----------
    variables : dict
        The tests' variables as the test finds them, the student's among them.
    names : iterable of str
        Those that the solution reads.
    unknown : set of str
        The names that the student's process does not have so far, because an earlier test has bound them.
    """

    def __init__(self, variables: Variables, names: Iterable[str], unknown: set[str]) -> None:
        self._variables = variables
        self._python = dict(vars(builtins))
        self._others = [name for name in names if name not in self._python]
        self._names = [*self._python, *self._others]
        self._there = {name: _ABSENT if name in unknown else self._now(name) for name in self._names}
        self._seen = None if unknown else self._all()

    def changes(self, encoder: Encoder) -> tuple[Message, list[str]]:
        """Give the trees of what has been replaced since the last time, and the names that have gone."""
        trees: Message = {}
        gone: list[str] = []
        seen = self._all()
        known_before = self._seen is not None and len(seen) == len(self._seen)
        if known_before and all(map(operator.is_, seen, self._seen or ())):
            return trees, gone
        self._seen = seen
        for name, before in self._there.items():
            now = self._now(name)
            if now is before:
                continue
            self._there[name] = now
            if now is self._python.get(name, _ABSENT):
                gone.append(name)
                continue
            known = len(encoder.mutable)
            try:
                trees[name] = encoder.encode(now)
            except CodecError:  # it stays what it was
                encoder.forget(known)
        return trees, gone

    def _now(self, name: str) -> Any:
        value = self._variables.get(name, vars(builtins).get(name, _ABSENT))
        return value if name not in self._python or callable(value) else self._python[name]

    def _all(self) -> list[Any]:
        """List all values on which `_now` rests; at each call, so that none is looked up in vain."""
        found = [*vars(builtins).values(), *map(self._variables.get, self._others)]
        if not self._variables.keys().isdisjoint(self._python):
            found += map(self._variables.get, self._python)
        return found
