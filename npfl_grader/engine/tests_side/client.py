"""The tests' end of the connection to the keeper of the student's sandbox."""

import os
import socket
import time
from typing import Any

from npfl_grader.engine.both.wire import Channel, Closed, Garbled, Late
from npfl_grader.engine.tests_side.connection import Fault

_PATIENCE = 20.0


class Sandbox:
    """What can be asked of the keeper.

    Parameters
    ----------
    channel : Channel
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def open(self, limits: dict[str, Any], files: dict[str, str], *, program: str) -> None:
        """Have the work directory made, and say what its processes run; comes first."""
        self._ask({"op": "open", "limits": limits, "files": files, "program": program})

    def start(self, sock: socket.socket, progress: int) -> int:
        """Start a student's process on its ends of a connection and a pipe; return its number.

        Both are closed here.
        """
        return int(self._ask({"op": "start"}, sock.detach(), progress)["process"])

    def end(self, keep: list[int]) -> None:
        """End all processes of the sandbox but those named."""
        self._ask({"op": "end", "keep": keep})

    def threads(self, process: int) -> int:
        """Count the threads of a process of the sandbox."""
        return int(self._ask({"op": "threads", "process": process})["threads"])

    def _ask(self, request: dict[str, Any], *descriptors: int) -> dict[str, Any]:
        try:
            try:
                self._channel.send(request)
                if descriptors:
                    self._channel.send_descriptors(descriptors)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            answer, _ = self._channel.receive(time.monotonic() + _PATIENCE)
        except (Closed, Late, Garbled) as error:
            raise Fault(f"the sandbox's keeper does not answer: {error!r}") from None
        if "error" in answer:
            raise Fault(f"no process for the student's code: {answer['error']}")
        return dict(answer)
