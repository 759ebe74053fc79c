"""Run tasks on workers: processes of this machine, or a Dask cluster."""

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from npfl_grader.engine.both.work import limit_this_process
from npfl_grader.engine.job import Level, Probe
from npfl_grader.engine.retry import TRIES
from npfl_grader.errors import CourseError
from npfl_grader.grading import grade
from npfl_grader.grading.grade import Graded, Task

# For reading a notebook and judging what came of it. What exceeds them ends the worker.
SECONDS, MEMORY = 30, 4_000_000_000
LOOK = 5.0  # seconds between two looks at how many workers a cluster has


class Local:
    """Processes on this machine.

    Each has an executor of its own, so that a worker that is killed takes one task with it, not all. They are
    started anew, not forked: what this process knows of other students and of hidden tests is not in them.
    None is started before it has work.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.size = workers or max(2, cores() + 1)
        self._context = multiprocessing.get_context("spawn")
        self._free: list[ProcessPoolExecutor] = [self._start() for _ in range(self.size)]
        self._busy: dict[Future[Any], ProcessPoolExecutor] = {}

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=self._context, initializer=_end_with_parent)

    def submit(self, task: Task) -> Future[Graded]:
        slot = self._free.pop()
        try:
            future = slot.submit(grade_within_limits, task)
        except BrokenProcessPool:  # it died while it was idle
            slot.shutdown(wait=False)
            slot = self._start()
            future = slot.submit(grade_within_limits, task)
        self._busy[future] = slot
        return future

    def done(self, future: Future[Graded]) -> None:
        slot = self._busy.pop(future)
        if isinstance(future.exception(), BrokenProcessPool):
            slot.shutdown(wait=False)
            slot = self._start()
        self._free.append(slot)

    def warm(self, libraries: Sequence[str] = ()) -> None:
        """Let the worker that gets the first task start, while this process does something else.

        The others start with a task each: for one submission they would cost more than all the rest.

        Parameters
        ----------
        libraries : sequence of str
            What the first submissions will import, by the names in `npfl_grader.engine`.
        """
        self._free[-1].submit(_probe, libraries)

    def probe(self) -> Probe:
        """Ask a worker which protection it has."""
        for _ in range(TRIES):
            # The one that gets the first task: where there are few, the others are never started.
            future = self._free[-1].submit(_probe)
            error = future.exception()
            if error is None:
                return future.result()
            if isinstance(error, BrokenProcessPool):
                self._free.pop().shutdown(wait=False)
                self._free.append(self._start())
        raise CourseError(f"no worker can run a submission: {error}")

    def close(self) -> None:
        for slot in [*self._free, *self._busy.values()]:
            slot.shutdown(wait=True, cancel_futures=True)


class Dask:
    """The workers of a Dask cluster; they need npfl_grader installed, but no disk and no gradebook."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
            from distributed.comm import get_address_host_port
        except ImportError:
            raise CourseError("--dask needs the package distributed: pip install 'npfl[scale]'") from None
        try:
            get_address_host_port(address)
        except ValueError as error:
            raise CourseError(
                f"--dask {address}: {error}: say it as the scheduler does when it starts, tcp://HOST:8786"
            ) from None
        try:
            self._client = Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise CourseError(
                f"no Dask scheduler answers at {address}: start one with 'dask scheduler' ({error})"
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=10)  # they may just be starting
        except TimeoutError:
            self._client.close()
            raise CourseError(
                f"the Dask scheduler at {address} has no workers: start some with 'dask worker {address}'"
            ) from None
        self._looked, self._threads = 0.0, 0
        self._executor: Executor = self._client.get_executor(pure=False)

    @property
    def size(self) -> int:
        """How many tasks there may be at once; workers come and go while it runs."""
        if time.monotonic() - self._looked > LOOK:
            self._threads = sum(self._client.nthreads().values()) or self._threads
            self._looked = time.monotonic()
        # Some wait at the workers, so that none of them waits for this process.
        return 2 * self._threads

    def submit(self, task: Task) -> Future[Graded]:
        return self._executor.submit(grade_within_limits, task)

    def done(self, future: Future[Graded]) -> None:
        pass

    def warm(self, libraries: Sequence[str] = ()) -> None:
        """They run already."""

    def probe(self) -> Probe:
        found: dict[str, Probe] = self._client.run(_probe)
        return min(found.values(), key=lambda probe: list(Level).index(probe["level"]))

    def close(self) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()


def grade_within_limits(task: Task) -> Graded:
    """Grade a notebook; what this process does for it by itself, which is little, has limits too."""
    limit_this_process(SECONDS, MEMORY)
    return grade.grade(task)


def cores() -> int:
    """Count the cores that this process may use, where the system says which these are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_with_parent() -> None:
    """Let a worker end when the grader is killed; it would wait for work for ever."""

    def follow() -> None:
        if parent := multiprocessing.parent_process():
            multiprocessing.connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _probe(libraries: Sequence[str] = ()) -> Probe:
    from npfl_grader import engine

    return engine.probe(libraries)


def run(pool: Local | Dask, tasks: Iterable[Task]) -> Iterator[Graded]:
    """Grade tasks as workers come free, and give the results in the order in which they are done.

    Only as many tasks are taken as there are workers, so a class of ten thousand needs no more memory than
    one of a hundred. A task whose worker died is tried again, and left to a person if that does not help.
    """
    waiting = iter(tasks)
    running: dict[Future[Graded], tuple[Task, int]] = {}
    again: list[tuple[Task, int]] = []
    while True:
        while len(running) < pool.size:
            task, tries = again.pop() if again else (next(waiting, None), 0)
            if task is None:
                break
            running[pool.submit(task)] = (task, tries)
        if not running:
            return
        done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
        for future in done:
            task, tries = running.pop(future)
            error = future.exception()
            pool.done(future)
            if error is None:
                yield future.result()
            elif tries + 1 < TRIES:
                again.append((task, tries + 1))
            else:
                yield grade.without_running(task, f"its worker ended {TRIES} times: {type(error).__name__}")
