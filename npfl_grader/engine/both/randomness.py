"""The global generators of random numbers, which tests seed and student code draws from.

Their states travel as raw bytes, and only when they have changed. The tests' process never takes a state
from outside: what comes back from the student's says how far to go on from the state that both had, or from
a seed, and the tests' process draws so many numbers itself.
"""

import functools
import random
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec.kinds import Malformed
from npfl_grader.private import numpy as private_numpy
from npfl_grader.private import python as private_python

_WORDS = 624
_MOST_BLOCKS = 20_000  # of 624 words, that may be drawn in one call
_TAIL = 24  # words from the end on in which the second of a pair of normal numbers is looked for
# A state: the words, the position in them, and the second of a pair of normal numbers if there is one.
_FORM = struct.Struct(f"={_WORDS + 1}I?d")
_KEY, _HAS = 4 * _WORDS, 4 * _WORDS + 4


class Generator:
    """One of the two global generators, both of them Mersenne Twisters.

    Parameters
    ----------
    memory : callable
        Copies its words and its position quickly, or gives None.
    get, set : callable
        Its state.
    skip : callable
        Draws so many words.
    normal : callable
        Draws a normal number, which makes a second one for the next time.
    seed : callable
        Seeds it.
    """

    def __init__(
        self,
        memory: Callable[[], bytes | None],
        get: Callable[[], bytes],
        set: Callable[[bytes], None],
        skip: Callable[[int], None],
        normal: Callable[[], float],
        seed: Callable[[int], None],
    ) -> None:
        self.seeded: list[Any] = []  # the argument of the latest seeding, where `note_seeds` is in force
        self._memory, self._get, self._set = memory, get, set
        self._skip, self._normal, self._seed = skip, normal, seed
        self._seen: bytes | None = None
        self._state = b""
        self._lost: bytes | None = None  # a state from which another process went where none can follow

    def state(self) -> bytes:
        """Return the present state."""
        seen = self._memory()
        # As long as no second number waits, the words and the position are all that can change.
        if seen is None or seen != self._seen or self._state[_HAS]:
            self._seen, self._state = seen, self._get()
        return self._state

    def set_state(self, state: bytes) -> None:
        """Set a state; it must come from a process that can be trusted."""
        self._set(state)

    def follow(self, wanted: Any, seeds: Any) -> bool:
        """Draw numbers until the state is the one that another process has come to.

        Parameters
        ----------
        wanted : bytes-like
            Its state there; it is only compared with.
        seeds : list of int
            What it was seeded with there, if it was.

        Returns
        -------
        bool
            Whether there is a way to that state; otherwise nothing has changed here.

        Raises
        ------
        Malformed
            If it is no state of a generator.
        """
        if len(wanted) != _FORM.size or type(seeds) is not list:
            raise Malformed("no state of a generator")
        wanted, before = bytes(wanted), self._get()
        # First the seed: a search that finds nothing takes a twentieth of a second.
        if len(seeds) == 1 and type(seeds[0]) is int and 0 <= seeds[0] < 1 << 32:
            self._seed(seeds[0])
            if self._search(self._get(), wanted):
                return True
            self._set(before)
        if before != self._lost and self._search(before, wanted):
            return True
        self._lost = before
        self._set(before)
        return False

    def _here(self) -> bytes:
        return self._memory() or self._get()[:_HAS]

    def _search(self, before: bytes, wanted: bytes) -> bool:
        key, position, at = wanted[:_KEY], _position(wanted), _position(before)
        here, drawn = before, 0
        for _ in range(_MOST_BLOCKS):
            if here[:_KEY] == key:
                if position < at:
                    return False
                self._skip(position - at)
                self._settle(before, drawn + position - at, wanted)
                return True
            # All that is left of this block, and the first of the next.
            self._skip(_WORDS - at + 1)
            drawn += _WORDS - at + 1
            here, at = self._here(), 1
        return False

    def _settle(self, before: bytes, drawn: int, wanted: bytes) -> None:
        """Keep the second of a pair of normal numbers if it comes of the words that were drawn."""
        second, after = wanted[_HAS:], self._here()
        if not drawn and second == before[_HAS:]:
            return
        if second[0]:
            for back in range(4, min(_TAIL, drawn) + 1):
                self._set(before[:_HAS] + bytes(9))
                self._skip(drawn - back)
                self._normal()
                if self._get()[_HAS:] == second:
                    self._set(after + second)
                    return
        self._set(after + bytes(9))


def _position(state: bytes) -> int:
    return int.from_bytes(state[_KEY:_HAS], sys.byteorder)


def _get_numpy() -> bytes:
    state: dict[str, Any] = private_numpy.GLOBAL.get_state(legacy=False)
    inner = state["state"]
    return _FORM.pack(*inner["key"].tolist(), inner["pos"], bool(state["has_gauss"]), state["gauss"])


def _set_numpy(state: bytes) -> None:
    *key, position, has, second = _FORM.unpack(state)
    inner = {"key": np.array(key, np.uint32), "pos": position}
    whole = {"bit_generator": "MT19937", "state": inner, "has_gauss": int(has), "gauss": second}
    private_numpy.GLOBAL.set_state(whole)


def _skip_numpy(words: int) -> None:
    if words:
        private_numpy.skip(words)


def _get_python() -> bytes:
    _, numbers, second = random.getstate()
    return _FORM.pack(*numbers, second is not None, second or 0.0)


def _set_python(state: bytes) -> None:
    *numbers, has, second = _FORM.unpack(state)
    random.setstate((3, tuple(numbers), second if has else None))


def _skip_python(words: int) -> None:
    if words:
        random.getrandbits(32 * words)


NUMPY = Generator(
    private_numpy.state_in_memory,
    _get_numpy,
    _set_numpy,
    _skip_numpy,
    private_numpy.GLOBAL.standard_normal,
    private_numpy.GLOBAL.seed,
)
PYTHON = Generator(
    private_python.state_in_memory,
    _get_python,
    _set_python,
    _skip_python,
    lambda: random.gauss(0.0, 1.0),
    private_python.GLOBAL.seed,
)
GENERATORS = {"numpy": NUMPY, "python": PYTHON}


def note_seeds() -> None:
    """Let this process remember with what its generators are seeded, so that the tests' can do the same."""
    modules: list[tuple[Any, Generator]] = [(np.random, NUMPY), (random, PYTHON)]
    for module, generator in modules:
        module.seed = _noting(module.seed, generator.seeded)


def _noting(seed: Callable[..., None], seeded: list[Any]) -> Callable[..., None]:
    @functools.wraps(seed)
    def noting(*args: Any, **named: Any) -> None:
        seed(*args, **named)
        seeded[:] = [*args, *named.values()][:1]

    return noting
