"""Private names of NumPy."""

import ctypes

import numpy as np

# The generator behind np.random.seed, np.random.rand and the like; numpy.random has no public name for it.
GLOBAL: np.random.RandomState = np.random.mtrand._rand
# The key of 624 words of 32 bits and the position in it, as the Mersenne Twister keeps them in memory.
STATE = 625 * 4


def skip(words: int) -> None:
    """Draw so many words of 32 bits from the global generator, and forget them."""
    GLOBAL._bit_generator.random_raw(words, output=False)


def state_in_memory() -> bytes | None:
    """Copy the global generator's words and position; its own methods take a hundred times longer.

    Returns
    -------
    bytes or None
        None where the global generator is no Mersenne Twister.
    """
    bits = GLOBAL._bit_generator
    if type(bits) is not np.random.MT19937:
        return None
    return ctypes.string_at(bits.ctypes.state_address, STATE)
