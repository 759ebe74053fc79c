"""Do something for each of many students in processes apart, so that one student's trouble is one student's.

What reads, unpacks or draws what students wrote can be brought to fail, to fill the memory, to run for ever,
or to crash. So it runs in a process that is forked for it: it has what it works on already, can read and
write only what it is told, has limits, and only bytes come back. Some items share a process, one after the
other, as a fork is dear where much memory is in use; the one that a process ends with is known.
"""

import contextlib
import itertools
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Generic, TypeVar

from npfl_grader.engine.both.work import limit, limit_memory
from npfl_grader.engine.host import linux, sandbox
from npfl_grader.text import clean

Item = TypeVar("Item")
_HEAD = struct.Struct("=BQ")
_DONE, _RAISED = 0, 1
_PATIENCE = 10  # times the time of the processor that an item may take by the clock
_SLOW = "it did not end in time"


@dataclass(frozen=True)
class Bounds:
    """What a process may do, for each item.

    Attributes
    ----------
    seconds : int
        Of the processor.
    memory : int
        Bytes on top of what there is before.
    output : int
        Bytes that come back.
    file : int
        Bytes of a file that it writes.
    read, write : tuple of str
        The folders that it may read besides the environment, and those that it may write to.
    trusted : bool
        Whether it has this process's own rights, and no limit but that on time: for what has been cleaned.
    """

    seconds: int = 30
    memory: int = 1_000_000_000
    output: int = 300_000_000
    file: int = 200_000_000
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    trusted: bool = False


@dataclass(frozen=True)
class Trouble:
    """Why there is nothing for an item.

    Attributes
    ----------
    why : str
        In one line.
    log : str
        A traceback, if there is one.
    number : int or None
        The system's number of the error, if it is the system's.
    """

    why: str
    log: str = ""
    number: int | None = None


@dataclass
class _Process(Generic[Item]):
    items: deque[Item]
    process: int
    pipe: int
    deadline: float
    data: bytearray = field(default_factory=bytearray)


def each(
    work: Callable[[Item], bytes],
    items: Iterable[Item],
    bounds: Bounds,
    *,
    processes: int = 1,
    together: int = 1,
) -> Iterator[tuple[Item, bytes | Trouble]]:
    """Do something for each item, and give what comes of it as it comes.

    An exception, a limit, and whatever ends the process are the item's `Trouble`, and the others go on. Where
    only the clock has ended it, it is tried once more, alone.

    Parameters
    ----------
    work : callable
        Called with an item in another process; nothing but the bytes that it returns comes back.
    items : iterable
        Taken as processes come free.
    bounds : Bounds
    processes : int
        How many there are at once.
    together : int
        How many items one process does at most.
    """
    waiting, again, slow = iter(items), deque[Item](), list[Item]()
    running: dict[int, _Process[Item]] = {}
    try:
        while True:
            while len(running) < processes:
                # What is tried again has no company.
                batch = deque([again.popleft()] if again else itertools.islice(waiting, together))
                if not batch:
                    break
                started = _start(work, batch, bounds)
                running[started.pipe] = started
            if not running:
                return
            left = min(one.deadline for one in running.values()) - time.monotonic()
            ready = wait([*running], max(0.0, left))
            for one in [*running.values()]:
                if one.pipe in ready:  # perhaps since long, as this process had something else to do
                    one.deadline = max(one.deadline, time.monotonic() + 1)
                    piece = os.read(one.pipe, 1 << 20)
                    one.data += piece
                    yield from _take(one, bounds)
                    if not piece:
                        yield from _end(running, one, again)
                elif one.deadline < time.monotonic():
                    os.kill(one.process, signal.SIGKILL)
                    first = not any(one.items[0] is item for item in slow)
                    slow.append(one.items[0])
                    if first:
                        again.append(one.items.popleft())
                    yield from _end(running, one, again, _SLOW, blame=not first)
    finally:
        for one in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.process, signal.SIGKILL)
            os.close(one.pipe)
            os.waitpid(one.process, 0)


def _take(one: _Process[Item], bounds: Bounds) -> Iterator[tuple[Item, bytes | Trouble]]:
    """Take the answers that have come whole."""
    while len(one.data) >= _HEAD.size and one.items:
        kind, size = _HEAD.unpack_from(one.data)
        if kind > _RAISED or size > bounds.output:
            os.kill(one.process, signal.SIGKILL)
            one.data.clear()
            return
        if len(one.data) < _HEAD.size + size:
            return
        body = bytes(one.data[_HEAD.size : _HEAD.size + size])
        del one.data[: _HEAD.size + size]
        one.deadline = time.monotonic() + _PATIENCE * bounds.seconds
        if kind == _DONE:
            yield one.items.popleft(), body
        else:
            number, why, log = body.decode("utf-8", "replace").split("\n", 2)
            yield one.items.popleft(), Trouble(clean(why), log, int(number) if number.isdecimal() else None)


def _end(
    running: dict[int, _Process[Item]],
    one: _Process[Item],
    again: deque[Item],
    why: str = "",
    *,
    blame: bool = True,
) -> Iterator[tuple[Item, Trouble]]:
    """Clear up after a process; what it has not done is for the next one, but for what it has ended with."""
    del running[one.pipe]
    os.close(one.pipe)
    status = os.waitpid(one.process, 0)[1]
    if one.items and blame:
        yield one.items.popleft(), Trouble(why or _reason(status))
    again.extend(one.items)


def _reason(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return "it took too much time"
        return f"its process was ended by the signal {signal.Signals(number).name}"
    return "its process ended" if status == 0 else f"its process ended with status {status >> 8}"


def _start(work: Callable[[Item], bytes], batch: deque[Item], bounds: Bounds) -> _Process[Item]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            _work(work, batch, bounds, writing)
        finally:
            os._exit(1)
    os.close(writing)
    return _Process(batch, child, reading, time.monotonic() + _PATIENCE * bounds.seconds)


def _work(work: Callable[[Item], bytes], batch: Iterable[Item], bounds: Bounds, pipe: int) -> None:
    """Be the process."""
    linux.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    if not bounds.trusted:
        _confine(bounds)
    for item in batch:
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + bounds.seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        kind = _DONE
        try:
            body = work(item)
        except BaseException as error:
            number = error.errno if isinstance(error, OSError) else None
            why = f"{type(error).__name__}: {clean(error)}" if not number else clean(error)
            kind, body = _RAISED, f"{number or '-'}\n{why}\n{_trace(error)}".encode("utf-8", "replace")
        _write(pipe, _HEAD.pack(kind, len(body)))
        _write(pipe, body)
        del body
    os._exit(0)


def _trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))[-20_000:]
    except Exception:
        return ""


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view[: 1 << 20]) :]


def _confine(bounds: Bounds) -> None:
    limit_memory(bounds.memory)
    for which, value in (
        (resource.RLIMIT_FSIZE, bounds.file),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        limit(which, value)
    if sys.platform != "linux" or not linux.landlock_version():
        return
    ours = str(Path(__file__).parents[2])  # which may not be installed among the other packages
    folders = [path for path in (*sandbox.readable(), ours, *bounds.read) if os.path.exists(path)]
    devices = [path for path in sandbox.DEVICES if os.path.exists(path)]
    linux.landlock(folders, [*bounds.write, *devices])
    linux.seccomp(unix_sockets=False, signals=linux.landlock_version() >= 6)
