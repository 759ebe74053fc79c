"""The notebook that shows what became of a submission: the rebuilt cells with their outputs."""

import json
import re

from npfl_grader.course.definition import Definition
from npfl_grader.course.policy import Policy
from npfl_grader.engine.job import Outcome, Output, Role, Side
from npfl_grader.grading import outputs
from npfl_grader.grading.intake import Node, Rebuilt
from npfl_grader.grading.recognition import defines
from npfl_grader.text import clean

MISSING = re.compile(r"name '(\w+)' is not defined|^(\w+) is not defined:")


def show(policy: Policy, rebuilt: Rebuilt, results: dict[str, Outcome]) -> dict[str, str]:
    """Put outputs into the cells and take out what is hidden; name the failed tests and their messages.

    Parameters
    ----------
    policy : Policy
        What is shown.
    rebuilt : Rebuilt
        The submission; its cells are filled in.
    results : dict of Outcome
        What became of each cell, by id.
    """
    instructors = [cell for cell in rebuilt.cells if cell["id"] in rebuilt.names]
    lines = outputs.hidden_lines([cell["source"] for cell in instructors], policy)
    stopped = _stopped(rebuilt, results)
    failed = {}
    after_hidden = False
    for cell in rebuilt.cells:
        number = cell["id"]
        hidden = is_hidden(policy, rebuilt, number)
        if cell["cell_type"] == "code" and (result := results.get(number)):
            cleaned = outputs.clean(result.outputs, policy)
            if rebuilt.roles[number] == Role.TEST:
                _name_cause(cleaned, stopped)
            errors = [output for output in cleaned if output["output_type"] == "error"]
            raised = result.raised or _guess(errors)
            cell["outputs"] = outputs.conceal(cleaned, policy, hidden=hidden, raised=raised, lines=lines)
            if rebuilt.roles[number] == Role.TEST and policy.hidden_tests == "name":
                # Code that a hidden test has called may have left its input in a file for a later test.
                if after_hidden and not hidden:
                    cell["outputs"] = outputs.only_whether(cell["outputs"])
                after_hidden |= hidden
            count = result.execution_count
            cell["execution_count"] = count if isinstance(count, int) else None
            if rebuilt.roles[number] == Role.TEST and result.status.failed:
                message = f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else str(result.status)
                failed[rebuilt.names[number]] = message
        if number in rebuilt.names and rebuilt.roles[number] != Role.STUDENT:
            cell["source"] = policy.show_source(cell["source"])
    return failed


def _stopped(rebuilt: Rebuilt, results: dict[str, Outcome]) -> dict[str, str]:
    """Say for each function and class that a cell was to define what stopped the cell before."""
    stopped: dict[str, str] = {}
    for cell in rebuilt.cells:
        result = results.get(cell["id"])
        if rebuilt.roles.get(cell["id"]) != Role.STUDENT or result is None or not result.status.failed:
            continue
        for output in result.outputs:
            if output.get("output_type") == "error":
                # A syntax error names a file that nobody has, and the line.
                value = re.sub(r"\((?:<[^>]*>|[^\s()]*), (line \d+)\)$", r"(\1)", str(output.get("evalue")))
                at = re.search(r"\(line (\d+)\)$", value)
                lines = cell["source"].split("\n")
                line = lines[int(at[1]) - 1].strip() if at and 0 < int(at[1]) <= len(lines) else ""
                said = clean(f"{output.get('ename')}: {value}{': ' if line else ''}{line}", 300)
                stopped |= dict.fromkeys(defines(cell["source"]), said)
    return stopped


def _name_cause(shown: list[Output], stopped: dict[str, str]) -> None:
    """Let an error of a test that misses a name say first what stopped the cell that was to define it."""
    for output in shown:
        missing = MISSING.search(output.get("evalue", ""))
        if missing and (cause := stopped.get(missing[1] or missing[2])):
            before, output["evalue"] = output["evalue"], f"{cause}\n{output['evalue']}"
            output["traceback"] = [entry.replace(before, output["evalue"]) for entry in output["traceback"]]


def say(policy: Policy, rebuilt: Rebuilt, number: str, result: Outcome | None) -> str:
    """Tell in one line how a test failed, as far as students may know.

    Parameters
    ----------
    policy : Policy
        What is shown.
    rebuilt : Rebuilt
        The submission.
    number : str
        The test's cell, by id.
    result : Outcome or None
        What became of it.
    """
    if result is None:
        return "it gave no result"
    errors = [output for output in result.outputs if output.get("output_type") == "error"]
    if not errors:
        return f"it ended with {result.status}"
    hidden, raised = is_hidden(policy, rebuilt, number), result.raised or _guess(errors)
    cleaned = outputs.clean(errors[-1:], policy)
    [shown] = outputs.conceal(cleaned, policy, hidden=hidden, raised=raised, lines=set())
    return clean(f"{shown['ename']}: {shown['evalue']}", 300)


def is_hidden(policy: Policy, rebuilt: Rebuilt, number: str) -> bool:
    """Say whether a cell is one of the instructor's with hidden parts."""
    if number not in rebuilt.names or rebuilt.roles[number] == Role.STUDENT:
        return False
    source = next(cell["source"] for cell in rebuilt.cells if cell["id"] == number)
    return bool(policy.split(source)[1])


def _guess(errors: list[Output]) -> Side:
    return Side.TEST if errors and errors[-1]["ename"] == "AssertionError" else Side.STUDENT


def _quote(cell: Node) -> None:
    """Turn a raw cell, which nbgrader's pages would show as the HTML that it may hold, into quoted text."""
    fence = "~" * 3
    while fence in cell["source"]:
        fence += "~"
    cell |= {"cell_type": "markdown", "source": f"{fence}\n{cell['source']}\n{fence}"}


def document(definition: Definition, rebuilt: Rebuilt) -> bytes:
    """Write a rebuilt notebook as a file of nbformat 4.5."""
    metadata: Node = {"language_info": {"name": "python"}}
    if definition.kernelspec:
        metadata["kernelspec"] = definition.kernelspec
    notebook = {"cells": rebuilt.cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    # As Jupyter writes it; the sources are lists of lines, so that a difference can be read.
    for cell in rebuilt.cells:
        if cell["cell_type"] == "raw":
            _quote(cell)
        cell["source"] = cell["source"].splitlines(keepends=True)
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
