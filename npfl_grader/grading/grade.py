"""Grade one notebook: intake, execution, verdict, and the notebook that shows them.

`grade` is a pure function of what it is given, so that it runs in any worker; it needs no file of the course
and no gradebook.
"""

import contextlib
import json
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from npfl_grader.course.definition import Definition
from npfl_grader.course.policy import Policy
from npfl_grader.engine.job import Cell, Engine, Job, Level, Limits, Outcome, Result, Role, Status
from npfl_grader.engine.retry import TRIES, persist
from npfl_grader.grading import intake, opinions, pictures, recognition, verdict
from npfl_grader.grading.document import document, is_hidden, say, show
from npfl_grader.grading.tried import Written
from npfl_grader.text import clean

__all__ = ["TRIES", "Graded", "Task", "document", "grade", "without_running"]
WORD = "where your own solution gives a value, an object of the student's is asked for"


@dataclass(frozen=True)
class Task:
    """All that it takes to grade one notebook.

    Attributes
    ----------
    student, notebook : str
        Whose, and which, for the result.
    definition : Definition
        The instructor's cells.
    data : bytes
        The notebook as it was handed in.
    refused : str or None
        Why the file must not be read, if it must not.
    files, student_files : dict
        Data for both sides, and what was handed in beside the notebook, by relative path.
    limits : Limits
        What it may use.
    require, engine : str
        The weakest protection allowed, and the kind of engine.
    policy : Policy
        What is shown of hidden tests.
    only_together : frozenset of str
        The tests, by grade id, that the instructor's own solution passes only in one process with it, where
        such a pass counts.
    lost : dict
        The tests, by grade id, that the instructor's own solution does not pass here, and why.
    written : Written
        What the instructor's notebook does with names.
    ends : dict or None
        What a test's last expression gives after the instructor's solution, by grade id, where it is neither
        nothing nor a number: it is no points then. None if this is that solution.
    asked : dict
        For each test, by grade id, the attributes and operators for which it takes the word of objects of
        that solution.
    """

    student: str
    notebook: str
    definition: Definition
    data: bytes
    refused: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    student_files: dict[str, bytes] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    require: Level = Level.FULL
    engine: Engine | str = Engine.TWO_PROCESS
    policy: Policy = field(default_factory=Policy)
    only_together: frozenset[str] = frozenset()
    lost: dict[str, str] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    ends: dict[str, str] | None = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Graded:
    """A graded notebook.

    Attributes
    ----------
    student, notebook : str
        Whose, and which.
    document : bytes
        The notebook with its outputs, as goes into nbgrader's ``autograded`` folder.
    scores, comments, unsure : dict
        As in `verdict.Verdict`.
    unreadable : str or None
        Why the file is no notebook, if it is none; nothing was run then.
    notes, told : list of str
        What was mended at intake, and what was put back that changes nothing.
    failed : dict
        For each failed test, by grade id, the message.
    untouched : bool
        Whether the answers are as they were handed out.
    level : Level or None
        The protection under which it ran.
    seconds : float
        How long it ran.
    log : str
        The tracebacks of what the grader itself failed with.
    together : list of str
        The tests whose points were given in one process with the student's code.
    disagreements : dict
        For each test that passed only so and is left to a person, by grade id, what it said otherwise.
    ends : dict
        For each test that ended in a value which is no points, by grade id, what that is.
    asked : dict
        For each test, by grade id, for what it took the word of objects of the student's.
    """

    student: str
    notebook: str
    document: bytes
    scores: dict[str, float | None]
    comments: dict[str, str | None]
    unsure: dict[str, str]
    unreadable: str | None = None
    notes: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    untouched: bool = False
    level: Level | None = None
    seconds: float = 0.0
    log: str = ""
    together: list[str] = field(default_factory=list)
    disagreements: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)


def grade(task: Task, execute: Callable[[bytes], bytes] | None = None) -> Graded:
    """Grade a notebook; whatever it holds, there is a result.

    Parameters
    ----------
    task : Task
        What to grade.
    execute : callable, optional
        The engine, bytes to bytes, where it is not `npfl_grader.engine.run` in this process.
    """
    try:
        rebuilt, unreadable = _take_in(task)
        if unreadable:
            return _finish(task, rebuilt, Result(fault=unreadable), unreadable=unreadable)
        return _judge(task, rebuilt, execute)
    except Exception as error:  # one student's trouble is one student's, and costs no points
        return _give_up(task, error)


def _judge(task: Task, rebuilt: intake.Rebuilt, execute: Callable[[bytes], bytes] | None) -> Graded:
    """Run the notebook, together with the tests too where they are not passed apart, and settle the two."""
    ends: dict[str, str] = {}
    apart = _run(task, rebuilt, execute, Engine(task.engine))
    first = _as_the_solution_ends(task, rebuilt, apart, ends)
    asked = {rebuilt.names[cell.id]: cell.asked for cell in apart.cells if cell.asked}
    # A run that failed as a whole is no opinion: it may be well the next time.
    if apart.fault or task.engine != Engine.TWO_PROCESS:
        return _finish(task, rebuilt, apart)
    if not opinions.in_doubt(task.definition, rebuilt, first):
        graded = _finish(task, rebuilt, replace(apart, cells=list(first.values())))
        graded.ends, graded.asked = ends, asked
        return graded
    shown = opinions.may_be_shown(task.definition, rebuilt, first, task.only_together)
    late = {
        number
        for number, cell in first.items()
        if cell.status == Status.TIMEOUT and not cell.by_clock and rebuilt.roles.get(number) == Role.TEST
    }
    together = _run(task, rebuilt, execute, Engine.TOGETHER, shown, late)
    seconds, log = apart.seconds + together.seconds, apart.log + together.log
    secrets = task.policy.hidden_tests != "all"
    settled = opinions.settle(
        task.definition,
        rebuilt,
        first,
        _as_the_solution_ends(task, rebuilt, together, ends),
        only_together=task.only_together,
        lost=task.lost,
        secret=lambda number: secrets and is_hidden(task.policy, rebuilt, number),
        say=lambda number, result: say(task.policy, rebuilt, number, result),
    )
    cells = [replace(result, id=number) for number, result in settled.results.items()]
    graded = _finish(task, rebuilt, Result(cells, level=apart.level, seconds=seconds, log=log))
    graded.together, graded.disagreements = settled.together, settled.disagreements
    graded.ends, graded.asked = ends, asked
    return graded


def _as_the_solution_ends(
    task: Task, rebuilt: intake.Rebuilt, result: Result, ends: dict[str, str]
) -> dict[str, Outcome]:
    """Take last values that are no points for nothing where the instructor's solution has such, too.

    nbgrader gives full points for whatever is no number. Where the solution makes a test end in a number or
    in nothing, anything else is of the student's making, and stays unclear. So does what rests on an
    attribute of an object of the student's, where the solution gives a value.
    """
    found = {}
    for cell in result.cells:
        name = rebuilt.names.get(cell.id, "")
        test = rebuilt.roles.get(cell.id) == Role.TEST
        if test and cell.unclear and (task.ends is None or task.ends.get(name) == cell.unclear):
            ends.setdefault(name, cell.unclear)
            cell = replace(cell, value=None, unclear="")
        words = [said for said in cell.asked if said not in task.asked.get(name, ())]
        if test and words and cell.status == Status.OK and task.ends is not None:
            cell = opinions.fault(cell, f"{WORD} {', '.join(words)}")
        found[cell.id] = cell
    return found


def without_running(task: Task, fault: str) -> Graded:
    """Leave a notebook to a person because it could not be run.

    It is not read here: reading it may be what has ended those who tried.
    """
    return _leave(task, fault, "")


def _give_up(task: Task, error: Exception) -> Graded:
    reason = f"the grader failed: {type(error).__name__}"
    with contextlib.suppress(Exception):
        reason += f": {clean(error)}"
    return _leave(task, reason, "".join(traceback.format_exception(error)))


def _leave(task: Task, reason: str, log: str) -> Graded:
    """Leave a notebook to a person because the grader itself has failed; it shows the instructor's cells."""
    points = [cell for cell in task.definition.cells if cell.grade]
    sentence = f"This submission could not be graded: {reason}."
    try:
        rebuilt = intake.rebuild(task.definition, [])
        rebuilt.cells.insert(0, _said(sentence))
        written = document(task.definition, rebuilt)
    except Exception:  # then without the help of anything that may be broken; four spaces make it plain text
        cell = {"cell_type": "markdown", "id": "npfl-grader", "metadata": {}, "source": f"    {sentence}"}
        notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        written = json.dumps(notebook).encode()
    return Graded(
        student=task.student,
        notebook=task.notebook,
        document=written,
        scores={cell.name: None for cell in points},
        comments={},
        unsure={cell.name: reason for cell in points if not cell.by_hand},
        log=log,
    )


def _said(sentence: str) -> intake.Node:
    return {"cell_type": "raw", "id": "npfl-grader", "metadata": {}, "source": sentence}


def _take_in(task: Task) -> tuple[intake.Rebuilt, str | None]:
    unreadable = task.refused
    try:
        if not unreadable:
            found = recognition.recognise(task.definition, intake.read(task.data))
            if why := recognition.why_not(task.definition, found):
                raise intake.IntakeError(why)
            rebuilt = intake.rebuild(task.definition, found.cells)
            rebuilt.notes = [
                *found.notes,
                *rebuilt.notes,
                *pictures.attach(rebuilt.cells, task.student_files, task.files),
            ]
            return rebuilt, None
    except intake.IntakeError as error:
        unreadable = str(error)
    rebuilt = intake.rebuild(task.definition, [])
    # The reason can quote the file, so it is shown as text that no browser runs.
    sentence = f"This submission could not be read: {unreadable}."
    rebuilt.cells.insert(0, _said(sentence))
    return rebuilt, unreadable


def _finish(task: Task, rebuilt: intake.Rebuilt, result: Result, unreadable: str | None = None) -> Graded:
    results = {cell.id: cell for cell in result.cells}
    judged = verdict.judge(task.definition, rebuilt, results, result.fault)
    failed = show(task.policy, rebuilt, results)
    return Graded(
        student=task.student,
        notebook=task.notebook,
        document=document(task.definition, rebuilt),
        scores=judged.scores,
        comments=judged.comments,
        unsure=judged.unsure,
        unreadable=unreadable,
        notes=rebuilt.notes,
        told=rebuilt.told,
        failed=failed,
        untouched=judged.untouched and not unreadable,
        level=result.level,
        seconds=result.seconds,
        log=result.log,
    )


def _run(
    task: Task,
    rebuilt: intake.Rebuilt,
    execute: Callable[[bytes], bytes] | None,
    way: Engine,
    shown: Collection[str] | None = None,
    late: Collection[str] = (),
) -> Result:
    """Run the notebook; tracebacks take long, so `shown` names the cells whose are wanted.

    Of the tests in `late`, which were late before, not all are waited for.
    """
    cells = []
    for cell in rebuilt.cells:
        number = cell["id"]
        brief = task.policy.hidden_tests != "all" and is_hidden(task.policy, rebuilt, number)
        brief |= shown is not None and number not in shown
        assigned = tuple(task.written.assigned.get(rebuilt.names.get(number, ""), ()))
        cells.append(Cell(number, rebuilt.roles[number], cell["source"], brief, assigned, number in late))
    job = Job(
        tuple(cells),
        task.limits,
        task.files,
        task.student_files,
        task.require,
        way,
        tuple(task.written.followed),
        task.written.modules,
    )
    if execute is None:
        from npfl_grader import engine

        return engine.run(job)
    return persist(lambda alone: _from_bytes(execute, job))


def _from_bytes(execute: Callable[[bytes], bytes], job: Job) -> Result:
    try:
        return Result.decode(execute(job.encode()))
    except Exception as error:
        log = "".join(traceback.format_exception(error))
        return Result(fault=f"the grader failed: {type(error).__name__}: {clean(error)}", log=log)
