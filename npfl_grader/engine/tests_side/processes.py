"""The student's processes: they run the student's cells, and a copy is left where a test stands.

A statement that ends the process counts as not written, and the cells are run again without it.
"""

import contextlib
import os
import socket
import time

from npfl_grader.engine.both.codec import Malformed
from npfl_grader.engine.both.outputs import clean, error_output
from npfl_grader.engine.both.sizes import Sizes
from npfl_grader.engine.job import Job, Outcome, Role, Side, Status
from npfl_grader.engine.tests_side.client import Sandbox
from npfl_grader.engine.tests_side.connection import Connection
from npfl_grader.engine.tests_side.failures import NoAnswer
from npfl_grader.engine.tests_side.patience import Patience

_COPIES_AT_ONCE = 100  # a message takes no more than 253 descriptors
_GRACE = 1.0  # seconds that a cell gets to end by itself once its time is over


class Processes:
    """The processes of one submission.

    Parameters
    ----------
    job : Job
        What is run.
    sandbox : Sandbox
        Where.
    waits : set of int
        The instructor's cells that need a copy, as tests do, because they use names of the student's.
    patience : Patience
        With waiting for a processor.
    shares_random : bool
        Whether the tests seed the global generators.

    Attributes
    ----------
    results : dict
        What became of the student's and the instructor's cells in the student's process, by index.
    copies : dict
        A copy of the student's process for a test, or the test's result where there is none, by index.
    """

    def __init__(
        self, job: Job, sandbox: Sandbox, waits: set[int], patience: Patience, *, shares_random: bool
    ) -> None:
        self.job = job
        self.sandbox = sandbox
        self.limits = job.limits
        self.patience = patience
        self._end = time.monotonic() + job.limits.notebook
        self.results: dict[int, Outcome] = {}
        self.copies: dict[int, Connection | Outcome] = {}
        self._waits = waits
        self._shares_random = shares_random
        self._sizes = Sizes.within(job.limits.memory, job.limits.output)
        # How many statements are run of a cell of which one has ended its process.
        self._kept: dict[int, int] = {}
        # Once the process has been ended from behind, what a cell has started ends with the cell.
        self._careful = False
        self._ran: tuple[int, int] | None = None  # the latest cell that was survived, and its statements
        self._main: Connection | None = None
        self._last = max(job.code, default=0)
        self._progress, self._progress_in = os.pipe()
        os.set_blocking(self._progress, False)
        os.set_blocking(self._progress_in, False)

    @property
    def deadline(self) -> float:
        """When all cells must have ended, on the monotonic clock."""
        return self._end + self.patience.granted

    @property
    def connections(self) -> list[Connection]:
        """The connections to all copies."""
        return [copy for copy in self.copies.values() if isinstance(copy, Connection)]

    def run(self) -> None:
        """Let the student's process run its cells, and leave its copies."""
        copies = sum(cell.role == Role.TEST for cell in self.job.cells)
        files = {**self.job.student_files, **self.job.files}
        self.sandbox.open(self.limits, files, copies=copies)
        row: list[int] = []  # cells that find the same state
        for i, cell in enumerate(self.job.cells):
            if cell.role == Role.TEST or i in self._waits:
                row.append(i)
            if cell.role in (Role.LOCKED, Role.STUDENT):
                self._leave_copies(row)
                row = []
                self._start(i)
                self.results[i] = self._exchange(i)
        self._leave_copies(row)
        self._close()

    def again(self, i: int) -> Connection | None:
        """Make a new copy for a test, because another test has ended the one that it had."""
        self._careful = True
        self._start(i)
        self.kill()
        self._leave_copies([i])
        self._close()
        copy = self.copies[i]
        return copy if isinstance(copy, Connection) else None

    def kill(self) -> None:
        """End all student processes that nobody waits for."""
        keep = [copy.process for copy in self.connections if not copy.end]
        if self._main and not self._main.end:
            keep.append(self._main.process)
        self.sandbox.end([process for process in keep if process])

    def _close(self) -> None:
        if self._main:
            self._main.close()
            self._main = None

    def _start(self, upto: int) -> None:
        """Start a student's process and run the cells so far, but for the statements that ended one."""
        while self._main is None or self._main.end:
            here, there = socket.socketpair()
            process = self.sandbox.start(there, os.dup(self._progress_in))
            self._main = self._connect(here, process)
            self._main.await_ready()
            self._ran = None
            for i in range(upto):
                if self.job.cells[i].role in (Role.LOCKED, Role.STUDENT) and self._kept.get(i) != 0:
                    self._exchange(i)
                    if self._main.end:
                        break

    def _connect(self, sock: socket.socket, process: int) -> Connection:
        found = Connection(sock, self.limits.call, self._sizes, shares_random=self._shares_random)
        found.process, found.patience = process, self.patience
        return found

    def _exchange(self, i: int) -> Outcome:
        """Have the student's process run a cell; if it does not survive, keep the statements that it did."""
        assert self._main is not None
        seconds = min(self.limits.cell, self.deadline - time.monotonic())
        if seconds <= 0:
            self._kept[i] = 0
            return Outcome(Status.SKIPPED)
        request = {"op": "cell", "source": self.job.cells[i].source, "seconds": seconds}
        request |= {"count": self.job.code.index(i) + 1, "most": self._kept.get(i)}
        self._statements_begun()
        try:
            answer, _ = self._main.request(request, seconds=seconds + _GRACE)
            try:
                outputs = clean(answer.get("outputs"))
            except Malformed:
                self._main.broke()
        except NoAnswer as error:
            end, by_clock = self._main.end or Status.CRASH, self._main.by_clock
            self.kill()
            begun = self._statements_begun()
            if begun or not self._ended_between():
                self._kept[i] = max(0, min(begun, self._kept.get(i, begun)) - 1)
                self._careful = True
            return failed(end, str(error), by_clock=by_clock)
        self._ran = i, self._statements_begun()
        late = any(output.get("ename") == "CellTimeout" for output in outputs)
        if late or self._careful:  # other processes that the cell has started might end this one later
            self.kill()
        status = Status.TIMEOUT if late else Status.OK if answer.get("success") is True else Status.ERROR
        idle = late and self._used_little(self._main, seconds)
        return Outcome(status, outputs, by_clock=idle)

    def _used_little(self, connection: Connection, seconds: float) -> bool:
        return bool(connection.process) and self.patience.used(connection.process or 0) < seconds / 2

    def _ended_between(self) -> bool:
        """Find the culprit where the process was ended between two cells; say whether there is one.

        It was another process that a cell has started. The first time nobody knows of which cell; then each
        cell's processes end with it, and the latest cell's last statement counts as not written.
        """
        if self._ran is None:
            return False
        if self._careful:
            self._kept[self._ran[0]] = max(0, self._ran[1] - 1)
        self._careful = True
        return True

    def _statements_begun(self) -> int:
        """Count the statements that have begun since the last time."""
        begun = 0
        with contextlib.suppress(BlockingIOError):
            begun = len(os.read(self._progress, 1 << 20))
        return begun

    def _leave_copies(self, row: list[int]) -> None:
        """Let the student's process leave a copy of itself for each of some tests; without one, say why."""
        freed = False  # the places that other processes of the student's may have taken
        while row:
            self._start(row[0])
            assert self._main is not None
            if row == [self._last] and not self._careful:  # nothing else needs the process itself
                self.copies[self._last], self._main = self._main, None
                return
            wanted = [i for i in row[:_COPIES_AT_ONCE] if i != self._last or self._careful]
            try:
                made = self._fork(len(wanted))
            except NoAnswer as error:
                if self._ended_between():
                    self.kill()
                    continue
                self.copies |= {i: failed(self._main.end or Status.CRASH, str(error)) for i in row}
                return
            for i, copy in zip(wanted, made, strict=False):
                self.copies[i] = copy
            row = row[len(made) :]
            if len(made) < len(wanted):
                if freed:
                    break
                freed = True
                self.kill()
        if not row:
            return
        if self.sandbox.tasks() - len(self.connections) > self.limits.processes // 2:
            because = failed(
                Status.CRASH, "your code has filled all the places that it has for processes and threads"
            )
        else:
            because = failed(Status.FAULT, "the student's process cannot be copied")
        self.copies |= dict.fromkeys(row, because)

    def _fork(self, count: int) -> list[Connection]:
        """Have the student's process copied; give the connections to the copies, which may be fewer."""
        assert self._main is not None
        pairs = [socket.socketpair() for _ in range(count)]
        request = {"op": "fork", "count": count}
        try:
            answer, _ = self._main.request(request, descriptors=[there.fileno() for _, there in pairs])
            processes = answer.get("processes")
            if (
                type(processes) is not list
                or len(processes) > count
                or not all(type(process) is int for process in processes)
                or (len(processes) < count and type(answer.get("error")) is not str)
            ):
                self._main.broke()
        except NoAnswer:
            for here, _ in pairs:
                here.close()
            raise
        finally:
            for _, there in pairs:
                there.close()
        for here, _ in pairs[len(processes) :]:
            here.close()
        return [self._connect(here, process) for process, (here, _) in zip(processes, pairs, strict=False)]


def failed(status: Status, message: str, *, by_clock: bool = False) -> Outcome:
    """Make the result of a cell that did not run to an end of its own."""
    name = "Fault" if status == Status.FAULT else "NoAnswer"
    # The sentence is the grader's own: nothing that the student's code chose to say is in it.
    return Outcome(status, [error_output(name, message)], raised=Side.TEST, by_clock=by_clock)
