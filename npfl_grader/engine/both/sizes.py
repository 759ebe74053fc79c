"""How large a message may be; it needs no NumPy, as whoever starts the warm processes does not."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Sizes:
    """How large a value, or a message, may be.

    Attributes
    ----------
    nodes : int
        Parts of a value.
    buffers : int
        Bytes of arrays and the like.
    header : int
        Bytes of all the rest of a message.
    """

    nodes: int = 1_000_000
    buffers: int = 64 << 20
    header: int = 16 << 20

    @classmethod
    def within(cls, memory: int, output: int) -> Self:
        """Return what fits a process's memory: a value is there some three times while it is sent.

        Parameters
        ----------
        memory, output : int
            The limits of a submission, in bytes.
        """
        header = max(memory // 32, 8 * output, 1 << 20)
        return cls(max(memory // 64, 100_000), max(memory // 4, 1 << 20), header)
