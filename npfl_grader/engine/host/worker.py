"""The way in: a job's bytes to a result's bytes, by two warm processes that the worker keeps."""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from npfl_grader.engine.both.wire import UNLIMITED, Channel, Closed, Garbled, Late
from npfl_grader.engine.host import sandbox
from npfl_grader.engine.host.keeper import remove
from npfl_grader.engine.tests_side import names

_GRACE = 5.0
_MOST_STUCK = 3
PROGRAM = ("-m", "npfl_grader.engine.host.warm")


class Broken(Exception):
    """A warm process does not work; a fault of the grader's or the machine's, never the student's."""


class Warm:
    """A warm process.

    Parameters
    ----------
    role : str
        ``student`` or ``tests``.
    ceiling : str
        The strongest level of protection to try.
    """

    def __init__(self, role: str, ceiling: str = "full") -> None:
        self.base = tempfile.mkdtemp(prefix="npfl-grader-")
        os.chmod(self.base, 0o711)
        self.control, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {
            key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LD_LIBRARY_PATH")
        }
        environment |= {
            "LANG": "C.UTF-8",
            "NBGRADER_EXECUTION": "autograde",  # as nbgrader sets it for tests to ask
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "IPYTHONDIR": self.base,
        }
        # -P keeps the folder where the grader was started off the path.
        arguments = [sys.executable, "-P", "-B", *PROGRAM]
        arguments += [str(there.fileno()), role, self.base, ceiling]
        # In a session of its own, no signal to the grader's whole group ends it before it has cleaned up.
        self.process = subprocess.Popen(
            arguments,
            pass_fds=[there.fileno()],
            env=environment,
            cwd="/",
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        there.close()
        self.control.settimeout(60)
        try:
            ready = json.loads(self.control.recv(8192) or b"null")
        except (OSError, ValueError) as error:
            raise Broken(f"the warm process for {role} does not start: {error!r}") from None
        if not ready:
            raise Broken(f"the warm process for {role} does not start")
        self.level: str = ready["level"]
        self.reasons: dict[str, str] = ready["reasons"]

    def begin(self, *sockets: socket.socket) -> None:
        """Fork a process for one submission and give it its connections."""
        socket.send_fds(self.control, [b"job"], [sock.fileno() for sock in sockets])

    def finish(self, seconds: float) -> None:
        """Wait until the forked process, and all that it has started, are gone; kill them at the end."""
        for order in (b"", b"end"):
            if order:
                self.control.send(order)
            self.control.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                if self.control.recv(64) != b"done":
                    raise Broken("a warm process has ended")
                return
        raise Broken("a warm process is stuck")

    def close(self) -> None:
        """End the warm process and everything below it."""
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        remove(self.base)


class Pair:
    """The two warm processes of one worker."""

    def __init__(self, ceiling: str = "full") -> None:
        self.owner = os.getpid()
        self.student = Warm("student", ceiling)
        try:
            self.tests = Warm("tests")
        except Broken:
            self.student.close()
            raise
        self.level = self.student.level

    def close(self) -> None:
        if self.owner == os.getpid():
            self.student.close()
            self.tests.close()

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run a job once.

        Returns
        -------
        dict
            ``results``, or ``fault``, or ``stuck`` with the index of the cell that did not end.

        Raises
        ------
        Broken
            If a warm process is not usable any more.
        """
        # Cells that all submissions share are analysed once, here, and not in each job's process.
        shared = {cell["source"] for cell in job["cells"] if cell["role"] in ("locked", "test")}
        job = job | {"names": {source: names.to_json(names.cached(source)) for source in shared}}
        worker, tests = socket.socketpair()
        for_checker, for_keeper = socket.socketpair()
        with worker, tests, for_checker, for_keeper:
            try:
                self.student.begin(for_keeper)
                self.tests.begin(tests, for_checker)
            except OSError as error:
                raise Broken(f"a warm process has ended: {error}") from None
            for sock in (tests, for_checker, for_keeper):
                sock.close()
            outcome = self._follow(Channel(worker, UNLIMITED), job)
        # The keeper ends by itself when the tests' process does.
        self.tests.finish(0.5 if "stuck" in outcome else 5)
        self.student.finish(20)
        return outcome

    def _follow(self, channel: Channel, job: dict[str, Any]) -> dict[str, Any]:
        limits = job["limits"]
        end = time.monotonic() + limits["notebook"] + 2 * _GRACE
        deadline = end
        at: int | None = None
        try:
            channel.send(job, deadline=deadline)
            while True:
                message, _ = channel.receive(deadline)
                if "begins" not in message:
                    return dict(message)
                at = message["begins"]
                deadline = end if at is None else min(end, time.monotonic() + limits["cell"] + _GRACE)
        except Late:
            return {"stuck": at, "fault": "the tests' process does not answer"}
        except (Closed, Garbled):
            return {"fault": "the tests' process has ended"}


_idle: list[Pair] = []
_lock = threading.Lock()


def _take(ceiling: str = "full") -> Pair:
    with _lock:
        # A worker that was forked from a process with warm ones must not share them.
        _idle[:] = [pair for pair in _idle if pair.owner == os.getpid()]
        if _idle:
            return _idle.pop()
    return Pair(ceiling)


def _give_back(pair: Pair) -> None:
    with _lock:
        _idle.append(pair)


def close() -> None:
    """End the warm processes that wait for work."""
    with _lock:
        for pair in _idle:
            pair.close()
        _idle.clear()


atexit.register(close)


def probe() -> dict[str, Any]:
    """Say which level of protection this machine allows, and why no stronger one.

    Returns
    -------
    dict
        ``level`` (``full``, ``landlock`` or ``none``) and ``reasons``, by level.

    Raises
    ------
    Broken
        If no warm process can be started at all.
    """
    pair = _take()
    _give_back(pair)
    return {"level": pair.level, "reasons": pair.student.reasons}


def level() -> str:
    """Return the level of protection that this machine allows."""
    return str(probe()["level"])


def execute(job: bytes) -> bytes:
    """Run one submission; see the package's docstring for the job and the result.

    Parameters
    ----------
    job : bytes

    Returns
    -------
    bytes
    """
    return json.dumps(run(json.loads(job))).encode()


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Run one submission, on fresh warm processes if the first try shows that they are broken.

    A process of the student's that has died is tried again too: it may have been killed from outside, and
    dies a second time only if the student's code makes it die.
    """
    started = time.monotonic()
    fault = log = ""
    crashed = False
    for _ in range(3):
        try:
            pair = _take()
        except (Broken, OSError) as error:
            fault = str(error)
            continue
        try:
            result = attempt(pair, job)
        except (Broken, OSError) as error:
            fault = str(error)
            with contextlib.suppress(OSError):
                pair.close()
            continue
        _give_back(pair)
        if result["fault"] is None:
            if not crashed and any(cell["status"] == "crash" for cell in result["cells"]):
                crashed = True
                continue
            return result | {"seconds": time.monotonic() - started}
        fault, log = result["fault"], log + result.get("log", "")
        if result.get("final"):
            break
    return {"level": "none", "seconds": time.monotonic() - started, "fault": fault, "cells": [], "log": log}


def attempt(pair: Pair, job: dict[str, Any]) -> dict[str, Any]:
    """Run one submission on a pair; a test that gets stuck is left out then, for the sake of the others."""
    required, level = job["require"], pair.level
    if sandbox.LEVELS.index(level) < sandbox.LEVELS.index(required):
        reasons = "; ".join(f"{name}: {why}" for name, why in pair.student.reasons.items())
        return {
            "fault": f"this machine allows only the level '{level}', not '{required}' ({reasons})",
            "final": True,
        }
    stuck: list[int] = []
    while True:
        outcome = pair.run({**job, "skip": stuck, "level": level})
        if outcome.get("stuck") is None or len(stuck) == _MOST_STUCK:
            break
        stuck.append(outcome["stuck"])
    results = outcome.get("results", [])
    return {"level": level, "fault": outcome.get("fault"), "cells": results, "log": outcome.get("log", "")}
