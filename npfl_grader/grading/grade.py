"""Grade one notebook: intake, execution, verdict, and the notebook that shows them.

`grade` is a pure function of what it is given, so that it runs in any worker; it needs no file of the course
and no gradebook.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from npfl_grader.course.definition import Definition
from npfl_grader.grading import intake, opinions, outputs, pictures, recognition, verdict
from npfl_grader.grading.outputs import Policy

# Seconds, bytes and numbers that a submission may use, where the course does not say otherwise.
LIMITS = {
    "cell": 30,
    "call": 10,
    "notebook": 180,
    "memory": 2_000_000_000,
    "processes": 64,
    "output": 1_000_000,
    "file": 50_000_000,
}
TRIES = 2  # the engine itself tries twice, on fresh processes


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
    limits : dict
        The engine's limits.
    require, engine : str
        The weakest protection allowed, and the kind of engine.
    policy : Policy
        What is shown of hidden tests.
    only_together : frozenset of str
        The tests, by grade id, that the instructor's own solution passes only in one process with it, where
        such a pass counts.
    lost : dict
        The tests, by grade id, that the instructor's own solution does not pass here, and why.
    assigned : dict
        For each solution cell, by grade id, the variables that the instructor's solution assigns.
    """

    student: str
    notebook: str
    definition: Definition
    data: bytes
    refused: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    student_files: dict[str, bytes] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=LIMITS.copy)
    require: str = "full"
    engine: str = "two-process"
    policy: Policy = field(default_factory=Policy)
    only_together: frozenset[str] = frozenset()
    lost: dict[str, str] = field(default_factory=dict)
    assigned: dict[str, list[str]] = field(default_factory=dict)


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
    notes : list of str
        What was mended at intake.
    failed : dict
        For each failed test, by grade id, the message.
    untouched : bool
        Whether the answers are as they were handed out.
    level : str or None
        The protection under which it ran.
    seconds : float
        How long it ran.
    together : list of str
        The tests whose points were given in one process with the student's code.
    disagreements : dict
        For each test that passed only so and is left to a person, by grade id, what it said otherwise.
    """

    student: str
    notebook: str
    document: bytes
    scores: dict[str, float | None]
    comments: dict[str, str | None]
    unsure: dict[str, str]
    unreadable: str | None = None
    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    untouched: bool = False
    level: str | None = None
    seconds: float = 0.0
    together: list[str] = field(default_factory=list)
    disagreements: dict[str, str] = field(default_factory=dict)


def grade(task: Task, execute: Callable[[bytes], bytes] | None = None) -> Graded:
    """Grade a notebook; whatever it holds, there is a result.

    Parameters
    ----------
    task : Task
        What to grade.
    execute : callable, optional
        The engine, bytes to bytes; by default `npfl_grader.engine.execute`.
    """
    rebuilt, unreadable = _take_in(task)
    if unreadable:
        return _finish(task, rebuilt, {}, unreadable, unreadable=unreadable)
    results, fault, level, seconds = _run(task, rebuilt, execute, task.engine)
    if task.engine != "two-process" or not opinions.in_doubt(task.definition, rebuilt, results):
        return _finish(task, rebuilt, results, fault, level=level, seconds=seconds)
    second, no_second, _, more = _run(task, rebuilt, execute, "together")
    if fault and no_second:
        return _finish(task, rebuilt, results, fault, level=level, seconds=seconds + more)
    settled = opinions.settle(
        task.definition,
        rebuilt,
        results,
        second,
        only_together=task.only_together,
        lost=task.lost,
        secret=lambda number: task.policy.hidden_tests != "all" and _hidden(task, rebuilt, number),
        say=lambda number, result: _say(task, rebuilt, number, result, fault),
    )
    graded = _finish(task, rebuilt, settled.results, None, level=level, seconds=seconds + more)
    graded.together, graded.disagreements = settled.together, settled.disagreements
    if settled.together:
        graded.notes.append(
            f"{', '.join(settled.together)}: judged in one process with the student's code, unprotected"
        )
    return graded


def _say(
    task: Task, rebuilt: intake.Rebuilt, number: str, result: dict[str, Any] | None, fault: str | None
) -> str:
    """Tell in one line how a test failed, as far as students may know."""
    hidden = _hidden(task, rebuilt, number)
    errors = [o for o in (result or {}).get("outputs", ()) if o.get("output_type") == "error"]
    if not errors:
        return fault or (f"it ended with {result['status']}" if result else "it gave no result")
    raised = (result or {}).get("raised") or _guess(errors)
    shown = outputs.conceal(
        outputs.clean(errors[-1:], task.policy), task.policy, hidden=hidden, raised=raised, lines=set()
    )
    return " ".join(f"{shown[0]['ename']}: {shown[0]['evalue']}".split())[:300]


def without_running(task: Task, fault: str) -> Graded:
    """Leave a notebook to a person because it could not be run."""
    rebuilt, unreadable = _take_in(task)
    return _finish(task, rebuilt, {}, unreadable or fault, unreadable=unreadable)


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
                *pictures.attach(rebuilt.cells, task.student_files),
            ]
            return rebuilt, None
    except intake.IntakeError as error:
        unreadable = str(error)
    rebuilt = intake.rebuild(task.definition, [])
    # The reason can quote the file, so it is shown as text that no browser runs.
    sentence = f"This submission could not be read: {unreadable}."
    rebuilt.cells.insert(0, {"cell_type": "raw", "id": "npfl-grader", "metadata": {}, "source": sentence})
    return rebuilt, unreadable


def _finish(
    task: Task,
    rebuilt: intake.Rebuilt,
    results: dict[str, dict[str, Any]],
    fault: str | None,
    unreadable: str | None = None,
    level: str | None = None,
    seconds: float = 0.0,
) -> Graded:
    judged = verdict.judge(task.definition, rebuilt, results, fault)
    failed = _show(task, rebuilt, results)
    return Graded(
        student=task.student,
        notebook=task.notebook,
        document=document(task.definition, rebuilt),
        scores=judged.scores,
        comments=judged.comments,
        unsure=judged.unsure,
        unreadable=unreadable,
        notes=rebuilt.notes,
        failed=failed,
        untouched=judged.untouched and not unreadable,
        level=level,
        seconds=seconds,
    )


def _run(
    task: Task, rebuilt: intake.Rebuilt, execute: Callable[[bytes], bytes] | None, way: str
) -> tuple[dict[str, dict[str, Any]], str | None, str | None, float]:
    """Run the notebook, again if the grader failed; give results by cell, the last fault, level and time."""
    if execute is None:
        from npfl_grader import engine

        execute = engine.execute
    cells = [
        {
            "id": cell["id"],
            "role": rebuilt.roles[cell["id"]],
            "source": cell["source"],
            "brief": task.policy.hidden_tests != "all" and _hidden(task, rebuilt, cell["id"]),
            "assigned": task.assigned.get(rebuilt.names.get(cell["id"], ""), []),
        }
        for cell in rebuilt.cells
    ]
    job = json.dumps(
        {
            "cells": cells,
            "limits": task.limits,
            "files": _encode(task.files),
            "student_files": _encode(task.student_files),
            "require": task.require,
            "engine": way,
        }
    ).encode()
    seconds = 0.0
    for _ in range(TRIES):
        try:
            result = json.loads(execute(job))
            fault = result.get("fault")
            results = {cell["id"]: cell for cell in result.get("cells", [])}
            level = result.get("level")
            seconds += result.get("seconds", 0.0)
        except Exception as error:  # a fault of the engine's must not cost a student anything
            results, fault, level = {}, f"the grader failed: {type(error).__name__}: {str(error)[:200]}", None
        if not fault and not any(cell.get("status") == "fault" for cell in results.values()):
            break
    return results, fault, level, seconds


def _encode(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def _show(task: Task, rebuilt: intake.Rebuilt, results: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Put outputs into the cells and take out what is hidden; name the failed tests and their messages."""
    policy = task.policy
    instructors = [cell for cell in rebuilt.cells if cell["id"] in rebuilt.names]
    lines = outputs.hidden_lines([cell["source"] for cell in instructors], policy)
    failed = {}
    for cell in rebuilt.cells:
        known = cell["id"] in rebuilt.names and rebuilt.roles[cell["id"]] != "student"
        hidden = _hidden(task, rebuilt, cell["id"])
        if cell["cell_type"] == "code" and (result := results.get(cell["id"])):
            cleaned = outputs.clean(result.get("outputs", []), policy)
            errors = [output for output in cleaned if output["output_type"] == "error"]
            raised = result.get("raised") or _guess(errors)
            cell["outputs"] = outputs.conceal(cleaned, policy, hidden=hidden, raised=raised, lines=lines)
            count = result.get("execution_count")
            cell["execution_count"] = count if isinstance(count, int) else None
            if rebuilt.roles[cell["id"]] == "test" and result.get("status") in verdict.FAILED:
                message = f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else result["status"]
                failed[rebuilt.names[cell["id"]]] = message
        if known:
            cell["source"] = policy.show_source(cell["source"])
    return failed


def _hidden(task: Task, rebuilt: intake.Rebuilt, number: str) -> bool:
    """Say whether a cell is one of the instructor's with hidden parts."""
    if number not in rebuilt.names or rebuilt.roles[number] == "student":
        return False
    source = next(cell["source"] for cell in rebuilt.cells if cell["id"] == number)
    return bool(task.policy.split(source)[1])


def _guess(errors: list[dict[str, Any]]) -> str:
    return "test" if errors and errors[-1]["ename"] == "AssertionError" else "student"


def _quote(cell: dict[str, Any]) -> None:
    """Turn a raw cell, which nbgrader's pages would show as the HTML that it may hold, into quoted text."""
    fence = "~" * 3
    while fence in cell["source"]:
        fence += "~"
    cell |= {"cell_type": "markdown", "source": f"{fence}\n{cell['source']}\n{fence}"}


def document(definition: Definition, rebuilt: intake.Rebuilt) -> bytes:
    """Write a rebuilt notebook as a file of nbformat 4.5."""
    metadata: dict[str, Any] = {"language_info": {"name": "python"}}
    if definition.kernelspec:
        metadata["kernelspec"] = definition.kernelspec
    notebook = {"cells": rebuilt.cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    # As Jupyter writes it; the sources are lists of lines, so that a difference can be read.
    for cell in rebuilt.cells:
        if cell["cell_type"] == "raw":
            _quote(cell)
        cell["source"] = cell["source"].splitlines(keepends=True)
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
