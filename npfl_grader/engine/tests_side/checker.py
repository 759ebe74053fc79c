"""The tests' side: it runs the instructor's cells, and only decodes what comes from the student's.

First the student's process runs all cells but the tests, in order; where a test stands, it leaves a copy of
itself. A statement that ends the process counts as not written, and the cells are run again without it.
Then, in this process, the instructor's cells and the tests run in the same order, and the names that the
student has defined lead into the copy that was left there. So no test can influence another, nor be seen.
"""

import builtins
import os
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from npfl_grader.engine.both.codec import Malformed, Sizes
from npfl_grader.engine.both.outputs import clean, error_output
from npfl_grader.engine.both.shell import CellTimeout, Notebook
from npfl_grader.engine.both.wire import UNLIMITED, Channel
from npfl_grader.engine.host import keeper, sandbox
from npfl_grader.engine.tests_side import remote, together
from npfl_grader.engine.tests_side.blame import engines_own
from npfl_grader.engine.tests_side.client import Sandbox
from npfl_grader.engine.tests_side.connection import Connection, Fault, NoAnswer
from npfl_grader.engine.tests_side.names import Names, from_json, names

_COPIES_AT_ONCE = 100  # a message takes no more than 253 descriptors
_GRACE = 1.0  # seconds that a cell gets to end by itself once its time is over
_NUMBERS = (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8)


class Checker:
    """One submission.

    Parameters
    ----------
    job : dict
        See `npfl_grader.engine.execute`; the worker has added the names of the instructor's cells.
    worker : Channel
        To the worker, which is told which cell begins.
    sandbox : Sandbox
        The student's.
    """

    def __init__(self, job: dict[str, Any], worker: Channel, sandbox: Sandbox) -> None:
        self.job = job
        self.cells: list[dict[str, Any]] = job["cells"]
        self.limits: dict[str, Any] = job["limits"]
        # The numbers of the code cells, as in In [1].
        self.counts = [sum(c["role"] != "text" for c in self.cells[: i + 1]) for i in range(len(self.cells))]
        self.sizes = Sizes.within(self.limits["memory"], self.limits["output"])
        self.skipped = set(job.get("skip", ()))
        self.worker = worker
        self.sandbox = sandbox
        self.log = ""  # of failures of the engine
        self.injected: dict[str, Any] = {}
        self.deadline = time.monotonic() + self.limits["notebook"]
        self.results: dict[int, dict[str, Any]] = {}
        # A copy of the student's process for a test, or the test's result where there is none.
        self.copies: dict[int, Connection | dict[str, Any]] = {}
        # How many statements are run of a cell of which one has ended its process.
        self.kept: dict[int, int] = {}
        # Once the process has been ended from behind, what a cell has started ends with the cell.
        self.careful = False
        self.ran: tuple[int, int] | None = None  # the latest cell that was survived, and its statements
        self.main: Connection | None = None
        self.last = max((i for i, cell in enumerate(self.cells) if cell["role"] != "text"), default=0)
        self.progress, self._progress = os.pipe()
        os.set_blocking(self.progress, False)
        os.set_blocking(self._progress, False)
        self.names: dict[int, Names] = {
            i: from_json(job["names"][cell["source"]])
            for i, cell in enumerate(self.cells)
            if cell["role"] in ("locked", "test")
        }
        seeds = any("seed" in found.attributes for found in self.names.values())
        self.shares_random = seeds

    # ----------------------------------------------------------------- the student's cells

    def run_students_cells(self) -> None:
        """Let the student's process run its cells, and leave its copies."""
        copies = sum(cell["role"] == "test" for cell in self.cells)
        limits = self.limits | {"processes": self.limits["processes"] + copies}
        self.sandbox.open(limits, keeper.students(self.job), program="student")
        known: set[str] = set()
        row: list[int] = []  # cells that find the same state
        for i, cell in enumerate(self.cells):
            if cell["role"] == "test" or (cell["role"] == "locked" and self.names[i].read_now & known):
                row.append(i)
            if cell["role"] in ("locked", "student"):
                if cell["role"] == "student":
                    known |= names(cell["source"]).bound
                self._leave_copies(row)
                row = []
                self.results[i] = self._run_students_cell(i)
        self._leave_copies(row)
        self._close()

    def all_logs(self) -> str:
        """Collect the tracebacks of what the engine failed with."""
        return self.log + "".join(copy.log for copy in self.copies.values() if isinstance(copy, Connection))

    def _close(self) -> None:
        if self.main:
            self.main.close()
            self.main = None

    def _start(self, upto: int) -> None:
        """Start a student's process and run the cells so far, but for the statements that ended one."""
        while self.main is None or self.main.end:
            here, there = socket.socketpair()
            process = self.sandbox.start(there, os.dup(self._progress))
            self.main = Connection(here, self.limits["call"], self.sizes, shares_random=self.shares_random)
            self.main.process = process
            self.main.await_ready()
            self.ran = None
            for i in range(upto):
                if self.cells[i]["role"] in ("locked", "student") and self.kept.get(i) != 0:
                    self._exchange(i)
                    if self.main.end:
                        break

    def _exchange(self, i: int) -> dict[str, Any]:
        """Have the student's process run a cell; if it does not survive, keep the statements that it did."""
        assert self.main is not None
        seconds = min(self.limits["cell"], self.deadline - time.monotonic())
        if seconds <= 0:
            self.kept[i] = 0
            return {"status": "skipped", "outputs": []}
        request = {"op": "cell", "source": self.cells[i]["source"], "seconds": seconds}
        request |= {"count": self.counts[i], "most": self.kept.get(i)}
        self._statements_begun()
        try:
            answer, _ = self.main.request(request, seconds=seconds + _GRACE)
            try:
                outputs = clean(answer.get("outputs"))
            except Malformed:
                self.main.fail("crash", "your code broke the process that it ran in")
        except NoAnswer as error:
            end = self.main.end or "crash"
            self._kill()
            begun = self._statements_begun()
            if begun or not self._ended_between():
                self.kept[i] = max(0, min(begun, self.kept.get(i, begun)) - 1)
                self.careful = True
            return failed(end, str(error))
        self.ran = i, self._statements_begun()
        late = any(o.get("ename") == "CellTimeout" for o in outputs)
        if late or self.careful:  # other processes that the cell has started might end this one later
            self._kill()
        status = "timeout" if late else "ok" if answer.get("success") is True else "error"
        return {"status": status, "outputs": outputs}

    def _ended_between(self) -> bool:
        """Find the culprit where the process was ended between two cells; say whether there is one.

        It was another process that a cell has started. The first time nobody knows of which cell; then each
        cell's processes end with it, and the latest cell's last statement counts as not written.
        """
        if self.ran is None:
            return False
        if self.careful:
            self.kept[self.ran[0]] = max(0, self.ran[1] - 1)
        self.careful = True
        return True

    def _statements_begun(self) -> int:
        """Count the statements that have begun since the last time."""
        try:
            return len(os.read(self.progress, 1 << 20))
        except BlockingIOError:
            return 0

    def _run_students_cell(self, i: int) -> dict[str, Any]:
        self._start(i)
        return self._exchange(i)

    def _leave_copies(self, row: list[int]) -> None:
        """Let the student's process leave a copy of itself for each of some tests; without one, say why."""
        freed = False  # the places that other processes of the student's may have taken
        while row:
            self._start(row[0])
            assert self.main is not None
            if row == [self.last] and not self.careful:  # nothing else needs the process itself
                self.copies[self.last], self.main = self.main, None
                return
            wanted = [i for i in row[:_COPIES_AT_ONCE] if i != self.last or self.careful]
            try:
                made = self._fork(len(wanted))
            except NoAnswer as error:
                if self._ended_between():
                    self._kill()
                    continue
                self.copies |= {i: failed(self.main.end or "crash", str(error)) for i in row}
                return
            for i, copy in zip(wanted, made, strict=False):
                self.copies[i] = copy
            row = row[len(made) :]
            if len(made) < len(wanted):
                if freed:
                    break
                freed = True
                self._kill()
        if row and self.main and self.sandbox.threads(self.main.process or 0) > self.limits["processes"] // 2:
            because = failed(
                "crash", "your code has filled all the places that it has for processes and threads"
            )
        else:
            because = failed("fault", "the student's process cannot be copied")
        self.copies |= dict.fromkeys(row, because)

    def _fork(self, count: int) -> list[Connection]:
        """Have the student's process copied; give the connections to the copies, which may be fewer."""
        assert self.main is not None
        pairs = [socket.socketpair() for _ in range(count)]
        try:
            answer, _ = self.main.request(
                {"op": "fork", "count": count}, descriptors=[there.fileno() for _, there in pairs]
            )
            processes = answer.get("processes")
            if (
                type(processes) is not list
                or len(processes) > count
                or not all(type(process) is int for process in processes)
                or (len(processes) < count and type(answer.get("error")) is not str)
            ):
                self.main.fail("crash", "your code broke the process that it ran in")
        except NoAnswer:
            for here, _ in pairs:
                here.close()
            raise
        finally:
            for _, there in pairs:
                there.close()
        copies = []
        for process, (here, _) in zip(processes, pairs, strict=False):
            copy = Connection(here, self.limits["call"], self.sizes, shares_random=self.shares_random)
            copy.process = process
            copies.append(copy)
        for here, _ in pairs[len(copies) :]:
            here.close()
        return copies

    def _kill(self) -> None:
        """End all student processes that nobody waits for."""
        keep = [
            copy.process for copy in self.copies.values() if isinstance(copy, Connection) and not copy.end
        ]
        if self.main and not self.main.end:
            keep.append(self.main.process)
        self.sandbox.end([process for process in keep if process])

    # ----------------------------------------------------------------- the instructor's cells

    def run_tests(self) -> None:
        """Run the instructor's cells and the tests in this process."""
        notebook = Notebook(self.limits["output"])
        owned = set(dir(builtins))
        wanted = {name for found in self.names.values() for name in found.read}
        fault = ""
        # Variables of the instructor's cells that the solution assigns anew; they are the student's then.
        replaced: set[str] = set()
        for i, cell in enumerate(self.cells):
            if i not in self.names:
                replaced |= set(cell.get("assigned", ()))
                owned -= replaced
                continue
            self.worker.send({"begins": i})
            copy = self.copies.get(i)
            test = cell["role"] == "test"
            if test and i in self.skipped:
                result = failed("timeout", "the check did not end in time")
            elif test and fault:
                result = failed("fault", fault)
            elif test and isinstance(copy, dict):
                result = copy
            else:
                connection = copy if isinstance(copy, Connection) else None
                result = self._run_here(i, notebook, connection, sorted(wanted - owned), replaced)
                failed_here = (
                    result["status"] != "ok" and not connection and self.results[i]["status"] == "ok"
                )
                if not test and (result["status"] == "fault" or failed_here):
                    last = result["outputs"][-1]
                    fault = (
                        f"{cell['id']} fails where the tests run: {last.get('ename')}: {last.get('evalue')}"
                    )
            owned |= self.names[i].bound
            replaced -= self.names[i].bound
            if test:
                self.results[i] = result
            if isinstance(copy := self.copies.get(i), Connection) and copy.end:
                self._kill()

    def _run_here(
        self,
        i: int,
        notebook: Notebook,
        connection: Connection | None,
        wanted: list[str],
        replaced: set[str],
    ) -> dict[str, Any]:
        seconds = min(self.limits["cell"], self.deadline - time.monotonic())
        if seconds <= 0:
            return failed("timeout", "the notebook took too long")
        if connection:
            try:
                connection, values = self._ask(i, connection, wanted)
            except NoAnswer as error:
                return failed(connection.end or "crash", str(error))
            self._inject(notebook.variables, wanted, values, replaced)
        copies = [copy for copy in self.copies.values() if isinstance(copy, Connection)]
        for copy in copies:
            copy.fault = None
        started, waited = time.monotonic(), connection.waited if connection else 0.0
        result, outputs = notebook.run(
            self.cells[i]["source"], seconds, self.counts[i], brief=self.cells[i].get("brief", False)
        )
        took = time.monotonic() - started
        problem = result.error_before_exec or result.error_in_exec
        failure = engines_own(problem, [error for copy in copies for error in copy.students_errors])
        if failure:
            self.log += "".join(traceback.format_exception(failure))
        fault = next((copy.fault for copy in copies if copy.fault), None)
        if failure and not fault:
            fault = f"the grader failed: {type(failure).__name__}: {failure}"
        if fault:
            status = "fault"
            outputs.append(error_output("Fault", fault))
        elif connection and connection.end:
            # However the test took it: the student's code was called and did not answer.
            status = connection.end
            if problem is None:
                outputs.append(error_output("NoAnswer", "your code did not answer"))
        elif isinstance(problem, CellTimeout):
            # Whether the student's code or the test itself was so slow.
            waited = connection.waited - waited if connection else 0.0
            status = "timeout" if waited > took / 2 else "fault"
        else:
            status = "ok" if problem is None else "error"
        return {
            "status": status,
            "outputs": outputs,
            "value": number(result.result) if status == "ok" else None,
            "raised": "student" if any(problem is e for c in copies for e in c.students_errors) else "test",
        }

    def _ask(self, i: int, copy: Connection, wanted: list[str]) -> tuple[Connection, dict[str, Any]]:
        """Fetch the student's variables from a test's copy, or from a new one if another test ended it."""
        try:
            return copy, copy.names(wanted)
        except NoAnswer as error:
            if copy.end != "crash":
                raise
            self.worker.send({"begins": None})  # all cells before it are run again
            self.careful = True
            self._start(i)
            self._kill()
            self._leave_copies([i])
            self._close()
            self.worker.send({"begins": i})
            again = self.copies[i]
            if not isinstance(again, Connection):
                raise error
        return again, again.names(wanted)

    def _inject(
        self, variables: dict[str, Any], wanted: list[str], values: dict[str, Any], replaced: set[str]
    ) -> None:
        """Let the student's names lead into this test's copy, but for those that the tests have bound."""
        for name, value in self.injected.items():
            if variables.get(name) is value:
                del variables[name]
        self.injected.clear()
        for name, value in values.items():
            if name in wanted and (name not in variables or name in replaced):
                variables[name] = self.injected[name] = value


def failed(status: str, message: str) -> dict[str, Any]:
    """Make the result of a cell that did not run to an end of its own."""
    return {
        "status": status,
        "outputs": [error_output("Fault" if status == "fault" else "NoAnswer", message)],
    }


def number(value: Any) -> float | None:
    """Return the last expression's value if it is a number of points."""
    if type(value) in (int, float, *_NUMBERS):
        return float(value)
    return None


def main(worker: socket.socket, keeper_socket: socket.socket, base: str) -> None:
    """Run one submission in a process forked from the warm one, then end; whatever happens, say so."""
    channel = Channel(worker, UNLIMITED)
    try:
        outcome = _run(channel, Sandbox(Channel(keeper_socket, UNLIMITED)), base)
    except Fault as fault:
        outcome = {"fault": str(fault)}
    except BaseException as error:
        message = f"the grader failed: {type(error).__name__}: {error}"
        outcome = {"fault": message, "log": traceback.format_exc()}
    channel.send(outcome)


def _run(channel: Channel, its_sandbox: Sandbox, base: str) -> dict[str, Any]:
    job, _ = channel.receive()
    folder = tempfile.mkdtemp(dir=base)
    try:
        keeper.put_files(Path(folder), job["files"])
        os.chdir(folder)
        sys.path.append(folder)
        # A value of the student's that is legal, but huge where it is used, makes an error, not a fault.
        sandbox.limit_memory(job["limits"]["memory"])
        remote.teach_inspect()
        if job["engine"] in ("together", "kernel"):
            return {"results": in_order(job["cells"], together.run(job, its_sandbox))}
        checker = Checker(job, channel, its_sandbox)
        checker.run_students_cells()
        checker.run_tests()
        if any(result["status"] == "crash" for result in checker.results.values()):
            its_sandbox.end([])  # the keeper lives: it has not taken the student's processes with it
        return {"results": in_order(job["cells"], checker.results), "log": checker.all_logs()}
    finally:
        os.chdir("/")
        keeper.remove(folder)


def in_order(cells: list[dict[str, Any]], by_index: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the results in the notebook's order and count the cells."""
    results = []
    count = 0
    for i, cell in enumerate(cells):
        result = by_index.get(i, {"status": "skipped", "outputs": []})
        count += cell["role"] != "text"
        for output in result["outputs"]:
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
        results.append(
            {
                "id": cell["id"],
                "status": result["status"],
                "outputs": result["outputs"],
                "execution_count": count if i in by_index and result["status"] != "skipped" else None,
                "value": result.get("value"),
                "raised": result.get("raised"),
            }
        )
    return results
