"""The tests' side: it runs the instructor's cells, and only decodes what comes from the student's.

First the student's process runs all cells but the tests, in order; where a test stands, it leaves a copy of
itself. Then, in this process, the instructor's cells and the tests run in the same order, and the names that
the student has defined lead into the copy that was left there. So no test can influence another, nor be seen.
"""

import builtins
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from npfl_grader.engine import keeper, kernel, remote
from npfl_grader.engine.client import Fault, Sandbox
from npfl_grader.engine.connection import Connection, NoAnswer
from npfl_grader.engine.names import Names, names
from npfl_grader.engine.outputs import clean, error_output
from npfl_grader.engine.shell import CellTimeout, Notebook
from npfl_grader.engine.wire import MALFORMED, Channel

_GRACE = 1.0  # seconds that a cell gets to end by itself once its time is over
_MOST_STARTS = 4


class Checker:
    """One submission.

    Parameters
    ----------
    job : dict
        See `npfl_grader.engine.execute`.
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
        self.skipped = set(job.get("skip", ()))
        self.worker = worker
        self.sandbox = sandbox
        self.injected: dict[str, Any] = {}
        self.deadline = time.monotonic() + self.limits["notebook"]
        self.results: dict[int, dict[str, Any]] = {}
        self.copies: dict[int, Connection | str] = {}
        self.given_up: set[int] = set()
        self.starts = 0
        self.main: Connection | None = None
        self.names: dict[int, Names] = {
            i: names(cell["source"])
            for i, cell in enumerate(self.cells)
            if cell["role"] in ("locked", "test")
        }
        seeds = any("seed" in found.attributes for found in self.names.values())
        self.shares_random = seeds

    # ----------------------------------------------------------------- the student's cells

    def run_students_cells(self) -> None:
        """Let the student's process run its cells, and leave its copies."""
        self.sandbox.open(self.limits, self.job["files"], unix_sockets=False)
        known: set[str] = set()
        for i, cell in enumerate(self.cells):
            if cell["role"] == "test" or (cell["role"] == "locked" and self.names[i].read_now & known):
                self.copies[i] = self._copy(i)
            if cell["role"] in ("locked", "student"):
                if cell["role"] == "student":
                    known |= names(cell["source"]).bound
                self.results[i] = self._run_students_cell(i)
        if self.main:
            self.main.close()

    def _start(self, upto: int) -> None:
        """Start a student's process and run the cells so far, without those that ended one before."""
        while self.main is None or self.main.end:
            if self.starts == _MOST_STARTS:
                raise NoAnswer("your code ended its process again and again")
            self.starts += 1
            here, there = socket.socketpair()
            process = self.sandbox.start(there)
            self.main = Connection(here, self.limits["call"])
            self.main.process = process
            for i in range(upto):
                if self.cells[i]["role"] in ("locked", "student") and i not in self.given_up:
                    self._exchange(i)
                    if self.main.end:
                        break

    def _exchange(self, i: int) -> dict[str, Any]:
        """Have the student's process run a cell; a cell that it does not survive is not tried again."""
        assert self.main is not None
        seconds = min(self.limits["cell"], self.deadline - time.monotonic())
        if seconds <= 0:
            self.given_up.add(i)
            return {"status": "skipped", "outputs": []}
        request = {"op": "cell", "source": self.cells[i]["source"], "seconds": seconds}
        request["count"] = self.counts[i]
        try:
            answer, _ = self.main.request(request, seconds=seconds + _GRACE)
            outputs = clean(answer.get("outputs"))
            late = any(o.get("ename") == "CellTimeout" for o in outputs)
            status = "timeout" if late else "ok" if answer.get("success") is True else "error"
            return {"status": status, "outputs": outputs}
        except NoAnswer as error:
            assert self.main.end is not None
            self.given_up.add(i)
            end = self.main.end
            self._kill()
            return {"status": end, "outputs": [error_output("NoAnswer", str(error))]}
        except MALFORMED:
            self.main.end = "crash"
            return {"status": "crash", "outputs": []}

    def _run_students_cell(self, i: int) -> dict[str, Any]:
        try:
            self._start(i)
        except NoAnswer as error:
            return {"status": "skipped", "outputs": [error_output("NoAnswer", str(error))]}
        return self._exchange(i)

    def _copy(self, i: int) -> Connection | str:
        """Let the student's process leave a copy of itself for a test; without one, say why."""
        here, there = socket.socketpair()
        try:
            self._start(i)
            assert self.main is not None
            self.main.channel.send({"op": "fork"}, deadline=time.monotonic() + self.limits["call"])
            socket.send_fds(self.main.channel.socket, [b"f"], [there.fileno()])
            answer, _ = self.main.channel.receive(time.monotonic() + self.limits["call"])
            if "error" in answer:
                return f"fault: {answer['error']}"
        except NoAnswer as error:
            return str(error)
        except TimeoutError:
            self.main.end = "timeout"
            return "your code did not answer in time"
        except Exception:
            self.main.end = "crash"
            return "your code ended the process that it ran in"
        finally:
            there.close()
        copy = Connection(here, self.limits["call"], shares_random=self.shares_random)
        process = answer.get("process") if type(answer) is dict else None
        copy.process = process if type(process) is int else None
        return copy

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
        owned: set[str] = set(dir(builtins)) - {"input"}
        wanted = set().union(*(found.read for found in self.names.values())) if self.names else set()
        fault = ""
        for i, cell in enumerate(self.cells):
            if cell["role"] not in ("locked", "test"):
                continue
            copy = self.copies.get(i)
            self.worker.send({"begins": i})
            if cell["role"] == "test" and i in self.skipped:
                result = {
                    "status": "timeout",
                    "outputs": [error_output("NoAnswer", "the check did not end in time")],
                }
            elif fault:
                result = {"status": "fault", "outputs": [error_output("Fault", fault)]}
            else:
                result = self._run_test(i, notebook, copy, sorted(wanted - owned))
                if (
                    cell["role"] == "locked"
                    and result["status"] != "ok"
                    and self.results[i]["status"] == "ok"
                ):
                    if not (isinstance(copy, Connection) and copy.end):
                        last = result["outputs"][-1]
                        fault = f"the cell {cell['id']} fails where the tests run: {last.get('ename')}: {last.get('evalue')}"
            owned |= self.names[i].bound
            if cell["role"] == "test":
                self.results[i] = result
            if isinstance(copy, Connection) and copy.end == "timeout":
                self._kill()

    def _run_test(
        self, i: int, notebook: Notebook, copy: Connection | str | None, wanted: list[str]
    ) -> dict[str, Any]:
        seconds = min(self.limits["cell"], self.deadline - time.monotonic())
        test = self.cells[i]["role"] == "test"
        if isinstance(copy, str) and test:
            status = "fault" if copy.startswith("fault: ") else "crash"
            if self.main and self.main.end == "timeout":
                status = "timeout"
            return {"status": status, "outputs": [error_output("NoAnswer", copy)]}
        if seconds <= 0:
            return {"status": "timeout", "outputs": [error_output("NoAnswer", "the notebook took too long")]}
        connection = copy if isinstance(copy, Connection) else None
        try:
            values = connection.names(wanted) if connection else {}
        except NoAnswer as error:
            assert connection is not None and connection.end is not None
            return {"status": connection.end, "outputs": [error_output("NoAnswer", str(error))]}
        variables = notebook.variables
        for name in wanted:  # what was the student's before is the student's still, as it is now
            if name in self.injected and variables.get(name) is self.injected[name]:
                del variables[name]
            self.injected.pop(name, None)
        for name, value in values.items():
            if name not in variables:
                variables[name] = self.injected[name] = value
        started = time.monotonic()
        result, outputs = notebook.run(self.cells[i]["source"], seconds, self.counts[i])
        took = time.monotonic() - started
        error = result.error_before_exec or result.error_in_exec
        value = number(result.result) if result.success else None
        if connection and connection.end:
            status = connection.end
            if error is None:
                outputs.append(error_output("NoAnswer", "your code did not answer"))
        elif connection and connection.unsupported_because:
            status = "fault"
        elif isinstance(error, CellTimeout):
            # Whether the student's code or the test itself was so slow.
            status = "timeout" if connection and connection.waited > took / 2 else "fault"
        else:
            status = "ok" if error is None else "error"
        return {"status": status, "outputs": outputs, "value": value}


def number(value: Any) -> float | None:
    """Return the last expression's value if it is a number of points."""
    if type(value) in (int, float) or (
        isinstance(value, np.integer | np.floating) and type(value).__module__ == "numpy"
    ):
        return float(value)
    return None


def main(worker: socket.socket, keeper_socket: socket.socket, base: str) -> None:
    """Run one submission in a process forked from the warm one, then end."""
    channel = Channel(worker)
    job, _ = channel.receive()
    folder = tempfile.mkdtemp(dir=base)
    try:
        keeper.put_files(Path(folder), job["files"])
        os.chdir(folder)
        sys.path.append(folder)
        remote.teach_inspect()
        sandbox = Sandbox(Channel(keeper_socket))
        if job["engine"] == "kernel":
            results = kernel.run(job, sandbox)
        else:
            checker = Checker(job, channel, sandbox)
            checker.run_students_cells()
            checker.run_tests()
            results = checker.results
        channel.send({"results": in_order(job["cells"], results)})
    except Fault as fault:
        channel.send({"fault": str(fault)})
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
            }
        )
    return results
