"""The tests' side: it runs the instructor's cells, and only decodes what comes from the student's.

First the student's process runs all cells but the tests, in order; where a test stands, it leaves a copy of
itself (`processes`). Then, in this process, the instructor's cells and the tests run in the same order, and
the names that the student has defined lead into the copy that was left there. So no test can influence
another, nor be seen.
"""

import builtins
import importlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

from npfl_grader.engine.both.outputs import error_output
from npfl_grader.engine.both.points import points
from npfl_grader.engine.both.shell import CellTimeout, Notebook, Variables, waited_for_processor
from npfl_grader.engine.both.wire import UNLIMITED, Channel
from npfl_grader.engine.both.work import import_from, put_files
from npfl_grader.engine.job import Engine, Job, Limits, Outcome, Result, Role, Side, Status
from npfl_grader.engine.tests_side import remote, together
from npfl_grader.engine.tests_side.blame import engines_own
from npfl_grader.engine.tests_side.client import Sandbox
from npfl_grader.engine.tests_side.connection import Connection
from npfl_grader.engine.tests_side.failures import Fault, NoAnswer
from npfl_grader.engine.tests_side.followed import Followed
from npfl_grader.engine.tests_side.names import Names, from_json
from npfl_grader.engine.tests_side.patience import Patience
from npfl_grader.engine.tests_side.processes import Processes, failed
from npfl_grader.engine.tests_side.reading import UnknownModule


class Checker:
    """One submission.

    Parameters
    ----------
    job : Job
        What is run.
    names : dict of Names
        Of each of the instructor's cells, by its source.
    stuck : set of int
        The tests that did not end when they were tried before.
    worker : Channel
        To the worker, which is told which cell begins.
    sandbox : Sandbox
        The student's.
    """

    def __init__(
        self, job: Job, names: dict[str, Names], stuck: set[int], worker: Channel, sandbox: Sandbox
    ) -> None:
        self.job = job
        self.stuck = stuck
        self.worker = worker
        self.injected: Variables = {}
        # Variables of the instructor's cells that the solution assigns anew; they are the student's then.
        self.replaced: set[str] = set()
        self.names = {
            i: names[cell.source] for i, cell in enumerate(job.cells) if cell.role in (Role.LOCKED, Role.TEST)
        }
        seeds = any("seed" in used.attributes for used in self.names.values())
        self.at: int | None = None
        self.patience = Patience(sandbox, job.limits.notebook, self._begin)
        self.processes = Processes(job, sandbox, self._waiting(), self.patience, shares_random=seeds)
        self._log = ""  # of failures of the engine

    def run(self) -> list[Outcome]:
        """Run everything; return what became of the cells, in the notebook's order."""
        self.processes.run()
        results = self.processes.results | self._run_tests()
        if any(result.status == Status.CRASH for result in results.values()):
            self.processes.kill()  # and see that the keeper lives: it has not taken the processes with it
        return in_order(self.job, results)

    def _begin(self, granted: float | None = None) -> None:
        """Tell the worker which cell runs, and by how much the deadline of all is put off."""
        granted = self.patience.granted if granted is None else granted
        self.worker.send({"begins": self.at, "granted": granted})

    @property
    def log(self) -> str:
        """The tracebacks of what the engine failed with."""
        return self._log + "".join(copy.log for copy in self.processes.connections)

    def _waiting(self) -> set[int]:
        """List the instructor's cells that use names which no cell of the instructor's before has bound."""
        bound = set(dir(builtins))
        waiting = set()
        for i, used in self.names.items():
            if self.job.cells[i].role == Role.LOCKED and used.read_now - bound - used.bound:
                waiting.add(i)
            bound |= used.bound
        # Before the first of the student's cells there is nothing to wait for.
        first = next((i for i, cell in enumerate(self.job.cells) if cell.role == Role.STUDENT), 0)
        return {i for i in waiting if i > first}

    def _run_tests(self) -> dict[int, Outcome]:
        """Run the instructor's cells and the tests in this process."""
        notebook = Notebook(self.job.limits.output)
        owned = set(dir(builtins))
        by_tests: set[str] = set()  # names that a test has bound, and no other cell of the instructor's
        wanted = {name for used in self.names.values() for name in used.read}
        results: dict[int, Outcome] = {}
        fault = ""
        for i, cell in enumerate(self.job.cells):
            if i not in self.names:
                self.replaced |= set(cell.assigned)
                owned -= self.replaced
                continue
            used = self.names[i]
            self.at = i
            self._begin()
            copy = self.processes.copies.get(i)
            here: Outcome | None = None
            if cell.role == Role.LOCKED:
                here = self._run_here(i, notebook, copy, sorted(wanted - owned), by_tests)
                fault = fault or self._fails_here(i, here)
            elif i in self.stuck:
                results[i] = failed(Status.TIMEOUT, "the check did not end in time")
            elif fault:
                results[i] = failed(Status.FAULT, fault)
            else:
                results[i] = here = self._run_here(i, notebook, copy, sorted(wanted - owned), by_tests)
                by_tests |= used.bound - owned
            owned |= used.bound
            self.replaced -= used.bound
            if here and here.status == Status.OK:  # otherwise nobody knows what it has come to bind
                for name in used.bound:
                    self.injected.pop(name, None)
            copy = self.processes.copies.get(i)
            if isinstance(copy, Connection) and copy.end:
                self.processes.kill()
        return results

    def _fails_here(self, i: int, here: Outcome) -> str:
        """Say how a cell of the instructor's fails where the tests run, if only there or by the engine."""
        there = self.processes.results[i]
        copied = i in self.processes.copies
        uses_students = copied and bool(self.injected.keys() & self.names[i].read_now)
        only_here = here.status != Status.OK and not uses_students and there.status == Status.OK
        if here.status != Status.FAULT and not only_here:
            return ""
        last = here.outputs[-1]
        return f"{self.job.cells[i].id} fails where the tests run: {last.get('ename')}: {last.get('evalue')}"

    def _run_here(
        self,
        i: int,
        notebook: Notebook,
        copy: Connection | Outcome | None,
        wanted: list[str],
        by_tests: set[str],
    ) -> Outcome:
        if isinstance(copy, Outcome):
            return copy
        seconds = min(self.job.limits.cell, self.processes.deadline - time.monotonic())
        if seconds <= 0:
            return failed(Status.TIMEOUT, "the notebook took too long")
        if copy:
            try:
                copy, values = self._ask(i, copy, wanted)
            except NoAnswer as error:
                return failed(copy.end or Status.CRASH, str(error), by_clock=copy.by_clock)
            self._inject(notebook.variables, wanted, values)
            copy.followed = Followed(notebook.variables, self.job.followed, by_tests - self.injected.keys())
        connections = self.processes.connections
        for connection in connections:
            connection.fault = None
            connection.asked.clear()
        started, waited = time.monotonic(), copy.waited if copy else 0.0
        cell, count = self.job.cells[i], self.job.code.index(i) + 1
        process = copy.process if copy else None

        def idle() -> float:
            return waited_for_processor() + (self.patience.waited(process) if process else 0.0)

        testing = cell.role == Role.TEST
        # What an instructor's cell displays is taken from the student's process, where it has run as well.
        result, outputs = notebook.run(
            cell.source, seconds, count, brief=cell.brief, testing=testing, shown=testing, waited=idle
        )
        took = time.monotonic() - started
        problem = result.error_before_exec or result.error_in_exec
        students = [error for connection in connections for error in connection.students_errors]
        outcome = Outcome(Status.OK if problem is None else Status.ERROR, outputs)
        outcome.asked = sorted({name for connection in connections for name in connection.asked})
        outcome.raised = Side.STUDENT if any(problem is error for error in students) else Side.TEST
        fault = next((connection.fault for connection in connections if connection.fault), None)
        if failure := engines_own(problem, students):
            self._log += "".join(traceback.format_exception(failure))
            fault = fault or f"the grader failed: {type(failure).__name__}: {failure}"
        if fault:
            outcome.status = Status.FAULT
            outputs.append(error_output("Fault", fault))
        elif copy and copy.end:
            # However the test took it: the student's code was called and did not answer.
            outcome.status, outcome.by_clock = copy.end, copy.by_clock
            if problem is None:
                outputs.append(error_output("NoAnswer", "your code did not answer"))
        elif isinstance(problem, CellTimeout):
            # Whether the student's code or the test itself was so slow.
            slow = copy.waited - waited > took / 2 if copy else False
            outcome.status = Status.TIMEOUT if slow else Status.FAULT
        elif problem is None:
            outcome.value, outcome.unclear = points(result.result)
        return outcome

    def _ask(self, i: int, copy: Connection, wanted: list[str]) -> tuple[Connection, Variables]:
        """Fetch the student's variables from a test's copy, or from a new one if another test ended it."""
        try:
            return copy, copy.names(wanted)
        except NoAnswer as error:
            if copy.end != Status.CRASH:
                raise
            self.at = None  # all cells before it are run again
            self._begin()
            again = self.processes.again(i)
            self.at = i
            self._begin()
            if again is None:
                raise error
        return again, again.names(wanted)

    def _inject(self, variables: Variables, wanted: list[str], values: Variables) -> None:
        """Let the student's names lead into this test's copy, but for those that the tests have bound."""
        for name, value in self.injected.items():
            if variables.get(name) is value:
                del variables[name]
        self.injected.clear()
        for name, value in values.items():
            if name in wanted and (name not in variables or name in self.replaced):
                if isinstance(value, UnknownModule):
                    value = self._module(name, value)
                    if value is None:
                        continue
                variables[name] = self.injected[name] = value

    def _module(self, name: str, there: str) -> ModuleType | None:
        """Import what the instructor's notebook imports in a cell of the student's, if theirs has it, too."""
        wanted = self.job.modules.get(name, "")
        if there not in (wanted, wanted.partition(".")[0]):
            return None
        try:
            importlib.import_module(wanted)
        except Exception:
            return None  # the test says that it lacks the name
        return sys.modules[there]


def in_order(job: Job, by_index: dict[int, Outcome]) -> list[Outcome]:
    """Put the results in the notebook's order and count the cells."""
    results = []
    count = 0
    for i, cell in enumerate(job.cells):
        result = by_index.get(i, Outcome(Status.SKIPPED))
        count += cell.role != Role.TEXT
        for output in result.outputs:
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
        shown = count if result.status != Status.SKIPPED else None
        # Tests that were ended by one cause have one result.
        results.append(replace(result, id=cell.id, execution_count=shown))
    return results


def main(worker: socket.socket, keeper: socket.socket, confine: Callable[[Limits], str]) -> None:
    """Run one submission in a process forked from the warm one, then end; whatever happens, say so.

    Parameters
    ----------
    worker, keeper : socket
        To the worker, and to the keeper of the student's sandbox.
    confine : callable
        Confines this process within the limits of the submission, and gives its work directory.
    """
    channel = Channel(worker, UNLIMITED)
    try:
        result = _run(channel, Sandbox(Channel(keeper, UNLIMITED)), confine)
    except Fault as fault:
        result = Result(fault=str(fault))
    except BaseException as error:
        message = f"the grader failed: {type(error).__name__}: {error}"
        result = Result(fault=message, log=traceback.format_exc())
    channel.send({"result": None}, [result.encode()])


def _run(channel: Channel, sandbox: Sandbox, confine: Callable[[Limits], str]) -> Result:
    header, [data] = channel.receive()
    job = Job.decode(bytes(data))
    # Of memory too: a value that is legal, but huge where it is used, makes an error of the test, no fault.
    folder = confine(job.limits)
    put_files(folder, job.files)
    os.chdir(folder)
    import_from(folder)
    if job.engine != Engine.TWO_PROCESS:
        patience = Patience(
            sandbox, job.limits.notebook, lambda granted: channel.send({"begins": None, "granted": granted})
        )
        return Result(in_order(job, together.run(job, sandbox, patience)))
    names = {source: from_json(parts) for source, parts in header["names"].items()}
    checker = Checker(job, names, set(header["stuck"]), channel, sandbox)
    students = [cell.source for cell in job.cells if cell.role == Role.STUDENT]
    remote.teach_inspect(students, checker.injected)
    return Result(checker.run(), log=checker.log)
