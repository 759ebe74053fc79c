"""Messages on a stream socket: a length, a JSON header and raw buffers, with size limits and a deadline.

The other end may be hostile: a length is believed only up to the limit, a deadline covers the whole message
(so that a byte now and then gains no time), and whatever cannot be read is `Garbled`. What the other end does
has exceptions of its own here, `Closed`, `Late` and `Garbled`; all else is a mistake of this side's.
"""

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from npfl_grader.engine.both.sizes import Sizes

Message = dict[str, Any]  # a JSON object; of a student's process, nothing in it is what it should be
_HEAD = struct.Struct(">QI")
_LEAST = 0.05  # seconds for which it is worth to wait on
_PIECE = 1 << 16  # buffers up to this size are sent together with the header
# Between processes of the grader's own.
UNLIMITED = Sizes(1 << 40, 1 << 40, 1 << 40)
_write = json.JSONEncoder(separators=(",", ":")).encode


class Garbled(Exception):
    """The other end has sent what is no message."""


class Closed(EOFError):
    """The other end is closed."""


class Late(TimeoutError):
    """The deadline has passed."""


class TooLarge(OverflowError):
    """The message is larger than the other end would take; nothing has been sent."""


class Channel:
    """Both directions of a stream socket.

    Parameters
    ----------
    sock : socket
        Connected; owned by the channel.
    sizes : Sizes
        How large a message may be.

    Attributes
    ----------
    more : callable or None
        Called when a deadline has passed; gives the seconds by which deadlines come later, if they do.
    extension : float
        By how much they have until now.
    """

    def __init__(self, sock: socket.socket, sizes: Sizes = Sizes()) -> None:  # noqa: B008 (never changed)
        self.socket = sock
        self.sizes = sizes
        self.more: Callable[[], float] | None = None
        self.extension = 0.0
        sock.setblocking(False)

    def send(self, header: Any, buffers: Sequence[bytes] = (), deadline: float | None = None) -> None:
        """Send one message.

        Raises
        ------
        TooLarge
            If the message is larger than the limit; nothing has been sent then.
        Late
            If the deadline (on the monotonic clock) passes.
        Closed
            If the other end is closed.
        """
        text = _write([header, list(map(len, buffers))]).encode()
        size = len(text) + sum(map(len, buffers))
        if len(text) > self.sizes.header or size > self.sizes.header + self.sizes.buffers:
            raise TooLarge(f"a message of {size >> 20} MiB is too large")
        head = _HEAD.pack(size, len(text))
        if size <= _PIECE:
            self._send(b"".join([head, text, *buffers]), deadline)
            return
        for part in (head + text, *buffers):
            self._send(part, deadline)

    def receive(self, deadline: float | None = None) -> tuple[Any, list[memoryview]]:
        """Receive one message.

        Returns
        -------
        header : object
            Whatever JSON can say; not checked.
        buffers : list of memoryview

        Raises
        ------
        Closed
            If the other end is closed.
        Late
            If the deadline passes.
        Garbled
            If what has come is no message.
        """
        size, length = _HEAD.unpack(self._exactly(_HEAD.size, deadline))
        if size > self.sizes.header + self.sizes.buffers or length > min(size, self.sizes.header):
            raise Garbled(f"a message of {size} bytes")
        body = memoryview(self._exactly(size, deadline))
        try:
            message = json.loads(bytes(body[:length]))
        except (ValueError, RecursionError, MemoryError) as error:
            raise Garbled(type(error).__name__) from None
        if type(message) is not list or len(message) != 2 or type(message[1]) is not list:
            raise Garbled("no header")
        header, lengths = message
        buffers = []
        for part in lengths:
            if type(part) is not int or part < 0 or length + part > size:
                raise Garbled("a buffer beyond the message's end")
            buffers.append(body[length : length + part])
            length += part
        return header, buffers

    def send_descriptors(self, descriptors: Sequence[int], deadline: float | None = None) -> None:
        """Send open descriptors, after the message that announces them."""
        self._wait(deadline, writing=True)
        try:
            socket.send_fds(self.socket, [b"d"], descriptors)
        except OSError as error:
            raise Closed(str(error)) from None

    def receive_descriptors(self, most: int, deadline: float | None = None) -> list[int]:
        """Receive the descriptors that a message has announced."""
        self._wait(deadline)
        try:
            return list(socket.recv_fds(self.socket, 1, most)[1])
        except OSError as error:
            raise Closed(str(error)) from None

    def close(self) -> None:
        self.socket.close()

    def _send(self, data: bytes, deadline: float | None) -> None:
        view = memoryview(data)
        while view:
            try:
                sent = self.socket.send(view)
            except BlockingIOError:
                self._wait(deadline, writing=True)
            except OSError as error:
                raise Closed(str(error)) from None
            else:
                view = view[sent:]

    def _exactly(self, size: int, deadline: float | None) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            try:
                count = self.socket.recv_into(view)
            except BlockingIOError:
                self._wait(deadline)
                continue
            except OSError as error:
                raise Closed(str(error)) from None
            if not count:
                raise Closed("the other end is closed")
            view = view[count:]
            if view and self._left(deadline) == 0:
                raise Late("the deadline has passed")
        return data

    def _wait(self, deadline: float | None, *, writing: bool = False) -> None:
        """Wait until the socket can be read or written."""
        while (left := self._left(deadline)) != 0:
            sockets = [self.socket.fileno()]
            if sockets[0] < 0:
                raise Closed("the connection is closed")
            try:
                found = select.select([] if writing else sockets, sockets if writing else [], [], left)
            except OSError as error:  # closed by what the student's code did
                raise Closed(str(error)) from None
            if found[0] or found[1]:
                return
        raise Late("the deadline has passed")

    def _left(self, deadline: float | None) -> float | None:
        """Say how many seconds are left; 0 if the deadline has passed, and does not come later either."""
        if deadline is None:
            return None
        while (left := deadline + self.extension - time.monotonic()) <= 0:
            more = self.more() if self.more else 0.0
            if more < _LEAST:
                return 0
            self.extension += more
        return left
