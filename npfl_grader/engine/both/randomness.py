"""The global generators of random numbers, which tests seed and student code draws from."""

import random
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec import sound_state

# NumPy's functions np.random.seed, np.random.rand and the like use this one.
_NUMPY = np.random.mtrand._rand


def global_random() -> list[Any]:
    """Return the states of NumPy's global generator and of Python's."""
    return [_NUMPY.get_state(legacy=False), random.getstate()]


def set_global_random(states: list[Any]) -> None:
    """Set the states of both."""
    numpy_state, state = states
    _NUMPY.set_state(sound_state(numpy_state))
    random.setstate(state)
