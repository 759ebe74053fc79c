"""Messages on a stream socket: a length, a JSON header and raw buffers, with a size limit and a deadline.

The other end may be hostile: a length is believed only up to the limit, a deadline covers the whole message
(so that a byte now and then gains no time), and whatever cannot be read is `Garbled`.
"""

import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

_HEAD = struct.Struct(">QI")
MOST_BYTES = 80 << 20
MOST_HEADER = 16 << 20
# What reading malformed data raises.
MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    struct.error,
)


class Garbled(Exception):
    """The other end has sent what is no message."""


class Channel:
    """Both directions of a stream socket.

    Parameters
    ----------
    sock : socket
        Connected; owned by the channel.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock

    def send(self, header: Any, buffers: Sequence[bytes] = (), deadline: float | None = None) -> None:
        """Send one message.

        Raises
        ------
        OverflowError
            If the message is larger than the limit; nothing has been sent then.
        TimeoutError
            If the deadline (on the monotonic clock) passes.
        """
        text = json.dumps([header, [len(buffer) for buffer in buffers]], separators=(",", ":")).encode()
        size = len(text) + sum(map(len, buffers))
        if size > MOST_BYTES or len(text) > MOST_HEADER:
            raise OverflowError(f"a message of {size >> 20} MiB is too large")
        self._limit(deadline)
        self.socket.sendall(b"".join([_HEAD.pack(size, len(text)), text, *buffers]))

    def receive(self, deadline: float | None = None, most: int = MOST_BYTES) -> tuple[Any, list[memoryview]]:
        """Receive one message.

        Returns
        -------
        header : object
            Whatever JSON can say; not checked.
        buffers : list of memoryview

        Raises
        ------
        EOFError
            If the other end is closed.
        TimeoutError
            If the deadline passes.
        Garbled
            If what has come is no message.
        """
        size, length = _HEAD.unpack(self._exactly(_HEAD.size, deadline))
        if size > most or length > min(size, MOST_HEADER):
            raise Garbled(f"a message of {size} bytes")
        body = memoryview(self._exactly(size, deadline))
        try:
            header, lengths = json.loads(bytes(body[:length]))
            buffers = []
            for part in lengths:
                if type(part) is not int or part < 0 or length + part > size:
                    raise Garbled("a buffer beyond the message's end")
                buffers.append(body[length : length + part])
                length += part
        except MALFORMED as error:
            raise Garbled(type(error).__name__) from None
        return header, buffers

    def close(self) -> None:
        self.socket.close()

    def _exactly(self, size: int, deadline: float | None) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._limit(deadline)
            count = self.socket.recv_into(view)
            if not count:
                raise EOFError
            view = view[count:]
        return data

    def _limit(self, deadline: float | None) -> None:
        if deadline is None:
            self.socket.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
