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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from npfl_grader.engine.both.sizes import Sizes
from npfl_grader.engine.both.wire import Channel, Closed, Garbled, Late, Message
from npfl_grader.engine.both.work import remove
from npfl_grader.engine.host import groups, turns
from npfl_grader.engine.host.orders import DONE, END, JOB
from npfl_grader.engine.job import MOST_WAITING, Job, Level, Probe, Result, Role
from npfl_grader.engine.retry import persist
from npfl_grader.engine.tests_side import names
from npfl_grader.text import clean

_GRACE = 5.0
_MOST_STUCK = 3
_MOST_RESULT = 64 << 20  # bytes of a result, besides the output of the cells
PROGRAM = ("-m", "npfl_grader.engine.host.warm")
# What takes long to import and many courses do. None of these starts threads then: a process that has some
# cannot be forked safely.
LIBRARIES = {  # by a word of the code that uses them
    "matplotlib": "matplotlib.pyplot",
    "pandas": "pandas",
    "sympy": "sympy",
    "testing": "numpy.testing",
    "unittest": "unittest.mock",
}


class Broken(Exception):
    """A warm process does not work; a fault of the grader's or the machine's, never the student's."""


class Warm:
    """A warm process.

    Parameters
    ----------
    role : str
        ``student`` or ``tests``.
    ceiling : Level
        The strongest level of protection to try.
    libraries : sequence of str
        What to import at once, beside NumPy.
    """

    level: Level
    reasons: dict[str, str]
    own: int

    def __init__(self, role: str, ceiling: Level = Level.FULL, libraries: Sequence[str] = ()) -> None:
        self.role = role
        self.base = tempfile.mkdtemp(prefix="npfl-grader-")
        os.chmod(self.base, 0o711)
        self.control, there = socket.socketpair()
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
        arguments += [str(there.fileno()), role, self.base, ceiling, *libraries]
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

    def await_ready(self) -> None:
        """Wait until it has loaded everything; many can do so at once.

        Raises
        ------
        Broken
            If it does not get so far.
        """
        self.control.settimeout(60)
        try:
            ready = json.loads(self.control.makefile("rb").readline() or b"null")
        except (OSError, ValueError) as error:
            raise Broken(f"the warm process for {self.role} does not start: {error!r}") from None
        if not ready:
            raise Broken(f"the warm process for {self.role} does not start")
        self.level, self.reasons, self.own = Level(ready["level"]), ready["reasons"], ready["own"]

    def begin(self, *descriptors: int) -> None:
        """Fork a process for one submission and give it its connections."""
        socket.send_fds(self.control, [JOB], descriptors)

    def finish(self, seconds: float) -> None:
        """Wait until the forked process, and all that it has started, are gone; kill them at the end."""
        for order in (b"", END):
            if order:
                self.control.send(order)
            self.control.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                if self.control.recv(1) != DONE:
                    raise Broken("a warm process has ended")
                return
        raise Broken("a warm process is stuck")

    def leave(self) -> None:
        """Let the warm process end; it goes on doing so while this one does something else."""
        self.control.close()

    def close(self) -> None:
        """End the warm process and everything below it."""
        self.leave()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        remove(self.base)


class Pair:
    """The two warm processes of one worker."""

    def __init__(self, ceiling: Level = Level.FULL, libraries: Sequence[str] = ()) -> None:
        self.owner = os.getpid()
        self.ceiling = ceiling
        self.libraries = libraries
        with contextlib.ExitStack() as started:  # both load at once
            self.student, self.tests = (
                started.enter_context(contextlib.closing(Warm(role, ceiling, libraries)))
                for role in ("student", "tests")
            )
            self.student.await_ready()
            self.tests.await_ready()
            started.pop_all()
        self.level = self.student.level
        self.groups = groups.find()  # below it each submission gets a control group

    def close(self) -> None:
        if self.owner == os.getpid():
            for process in (self.student, self.tests):
                process.leave()
            for process in (self.student, self.tests):
                process.close()

    def run(self, job: Job) -> Result:
        """Run a job once; tests that get stuck are left out then, for the sake of the others.

        Raises
        ------
        Broken
            If a warm process is not usable any more.
        """
        data, stuck = job.encode(), list[int]()
        while True:
            with contextlib.ExitStack() as stack:
                entrance = list[int]()
                if self.groups:
                    limits = groups.limits(job, self.student.own)
                    entrance.append(stack.enter_context(groups.group(self.groups, limits)))
                outcome = self._run(job, data, stuck, entrance)
            if not isinstance(outcome, _Stuck):
                return outcome
            if outcome.cell is None or len(stuck) == _MOST_STUCK:
                return Result(fault="the tests' process does not answer")
            stuck.append(outcome.cell)

    def _run(self, job: Job, data: bytes, stuck: list[int], entrance: list[int]) -> "Result | _Stuck":
        # Cells that all submissions share are analysed once, here, and not in each job's process.
        shared = {cell.source for cell in job.cells if cell.role in (Role.LOCKED, Role.TEST)}
        header = {"names": {source: names.to_json(names.cached(source)) for source in shared}, "stuck": stuck}
        worker, tests = socket.socketpair()
        for_checker, for_keeper = socket.socketpair()
        with worker, tests, for_checker, for_keeper:
            try:
                self.student.begin(for_keeper.fileno(), *entrance)
                self.tests.begin(tests.fileno(), for_checker.fileno())
            except OSError as error:
                raise Broken(f"a warm process has ended: {error}") from None
            for sock in (tests, for_checker, for_keeper):
                sock.close()
            # The tests' process has read what a student's sent, so what it sends is read with care as well.
            sizes = Sizes(buffers=max(len(data), _MOST_RESULT + 8 * job.limits.output))
            outcome = self._follow(Channel(worker, sizes), job, header, data)
        # The keeper ends by itself when the tests' process does.
        self.tests.finish(0.5 if isinstance(outcome, _Stuck) else 5)
        self.student.finish(20)
        return outcome

    def _follow(self, channel: Channel, job: Job, header: Message, data: bytes) -> "Result | _Stuck":
        end, most = time.monotonic() + job.limits.notebook + 2 * _GRACE, MOST_WAITING * job.limits.notebook
        deadline = end
        at: int | None = None
        try:
            channel.send(header, [data], deadline)
            while True:
                message, buffers = channel.receive(deadline)
                if buffers:
                    return Result.decode(bytes(buffers[0]))
                said = message if type(message) is dict else {}
                at, granted = said.get("begins"), said.get("granted", 0.0)
                if not isinstance(granted, int | float) or not 0 <= granted <= most:
                    raise ValueError("no time")
                if at is not None and (type(at) is not int or not 0 <= at < len(job.cells)):
                    raise ValueError("no cell")
                # A cell that waits for a processor says so before its time is over.
                cell = (1 + MOST_WAITING * (granted > 0)) * job.limits.cell
                deadline = end + granted
                if at is not None:
                    deadline = min(deadline, time.monotonic() + cell + _GRACE)
        except Late:
            return _Stuck(at)
        except (Closed, Garbled):
            return Result(fault="the tests' process has ended")
        except ValueError as error:
            return Result(fault=f"the tests' process has sent no result: {clean(error)}")


@dataclass(frozen=True)
class _Stuck:
    """The tests' process did not come back from a cell, if it was in one."""

    cell: int | None


_idle: list[Pair] = []
_lock = threading.Lock()


def _take(libraries: Sequence[str] = ()) -> Pair:
    with _lock:
        # A worker that was forked from a process with warm ones must not share them.
        _idle[:] = [pair for pair in _idle if pair.owner == os.getpid()]
        pair = _idle.pop() if _idle else None
    if pair is None:
        return Pair(libraries=libraries)
    if not set(libraries) <= set(pair.libraries):
        pair.close()
        return Pair(pair.ceiling, list({*libraries, *pair.libraries}))
    return pair


def libraries(texts: Iterable[str]) -> list[str]:
    """List the libraries that some code may import."""
    texts = list(texts)
    return [library for word, library in LIBRARIES.items() if any(word in text for text in texts)]


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


def probe(libraries: Sequence[str] = ()) -> Probe:
    """Say which level of protection this machine allows, and why no stronger one.

    Parameters
    ----------
    libraries : sequence of str
        What the first submissions will import.

    Returns
    -------
    dict
        ``level``, ``reasons``, by level, and ``memory``: by what its sum is kept within the limit.

    Raises
    ------
    Broken
        If no warm process can be started at all.
    """
    pair = _take(libraries)
    _give_back(pair)
    memory = "a control group" if pair.groups else "a look every 0.1 s"
    return {"level": pair.level, "reasons": pair.student.reasons, "memory": memory}


def level() -> Level:
    """Return the level of protection that this machine allows."""
    return Level(probe()["level"])


def execute(job: bytes) -> bytes:
    """Run one submission, bytes to bytes, for executors that know nothing of this package."""
    return run(Job.decode(job)).encode()


def run(job: Job) -> Result:
    """Run one submission, again on fresh warm processes where that can help; see `retry`."""

    def once(alone: bool) -> Result:
        started = time.monotonic()
        try:
            with turns.turn(alone=alone):
                result = attempt(job)
        except (Broken, OSError) as error:
            result = Result(fault=str(error))
        result.seconds = time.monotonic() - started
        return result

    return persist(once)


def attempt(job: Job, pair: Pair | None = None) -> Result:
    """Run one submission once, on a given pair or on one of those that wait for work.

    Raises
    ------
    Broken
        If there is no pair that works.
    """
    pair = pair or _take(libraries(cell.source for cell in job.cells))
    if not pair.level.allows(job.require):
        _give_back(pair)
        reasons = "; ".join(f"{name}: {why}" for name, why in pair.student.reasons.items())
        message = f"this machine allows only the level '{pair.level}', not '{job.require}' ({reasons})"
        return Result(fault=message, final=True)
    try:
        result = pair.run(job)
    except (Broken, OSError):
        with contextlib.suppress(OSError):
            pair.close()
        raise
    if result.fault is None:
        result.level = pair.level
        _give_back(pair)
    else:  # what has failed once may fail for every submission that follows
        pair.close()
    return result
