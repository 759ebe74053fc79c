"""The tests' end of the connection to the keeper of the student's sandbox."""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from npfl_grader.engine.both.wire import Channel, Closed, Garbled, Late, Message
from npfl_grader.engine.job import Engine, Limits
from npfl_grader.engine.tests_side.failures import Fault

_PATIENCE = 20.0


class Sandbox:
    """What can be asked of the keeper.

    Parameters
    ----------
    channel : Channel
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._asking = False
        self._times: dict[int, tuple[float, float]] = {}

    def open(
        self,
        limits: Limits,
        files: dict[str, bytes],
        *,
        copies: int = 0,
        program: Engine = Engine.TWO_PROCESS,
    ) -> None:
        """Have the work directory made; comes first.

        Parameters
        ----------
        limits : Limits
            What the student's processes may use.
        files : dict of bytes
            What lies in the work directory, by relative path.
        copies : int
            How many processes there are besides those of the student's own.
        program : Engine
            What the processes run.
        """
        limits = replace(limits, processes=limits.processes + copies)
        request = {"op": "open", "limits": asdict(limits), "files": list(files), "program": program}
        self._ask(request, list(files.values()))

    def start(self, sock: socket.socket, progress: int) -> int:
        """Start a student's process on its ends of a connection and a pipe; return its number.

        Both are closed here.
        """
        return int(self._ask({"op": "start"}, descriptors=[sock.detach(), progress])["process"])

    def end(self, keep: list[int]) -> None:
        """End all processes of the sandbox but those named."""
        self._ask({"op": "end", "keep": keep})

    def tasks(self) -> int:
        """Count the processes and threads of the sandbox, also processes that have ended and are not gone."""
        return int(self._ask({"op": "tasks"})["tasks"])

    def times(self, process: int) -> tuple[float, float]:
        """Say how long a submission has had processors, and how long a process of it has waited for one.

        In a signal handler that has come in the middle of another question it is what was said before.
        """
        if not self._asking:
            answer = self._ask({"op": "times", "process": process})
            self._times[process] = float(answer["used"]), float(answer["waited"])
        return self._times.get(process, (0.0, 0.0))

    def _ask(
        self, request: Message, buffers: Sequence[bytes] = (), descriptors: Sequence[int] = ()
    ) -> dict[str, Any]:
        self._asking = True
        try:
            try:
                self._channel.send(request, buffers)
                if descriptors:
                    self._channel.send_descriptors(descriptors)
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            answer, _ = self._channel.receive(time.monotonic() + _PATIENCE)
        except (Closed, Late, Garbled) as error:
            raise Fault(f"the sandbox's keeper does not answer: {error!r}") from None
        finally:
            self._asking = False
        if "error" in answer:
            raise Fault(f"no process for the student's code: {answer['error']}")
        return dict(answer)
