"""Try an exercise on solutions that students are likely to write, right ones and wrong ones.

The solutions of an exercise stand in one file, a notebook in the percent format: each cell is one solution
and its title says what is special about it. A cell without ``loses`` is right and must win every check; the
others name just the checks that they must lose. The code runs in this process: it is the author's own.
"""

import contextlib
import functools
import io
import linecache
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import jupytext
import numpy  # noqa: F401 (each exercise imports it anew, and NumPy can be loaded only once)
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from npfl_grader.authoring import exercises


@dataclass(frozen=True)
class Solution:
    """One solution: what is special about it, its code, and the checks that it must lose."""

    title: str
    source: str
    loses: frozenset[str]


@functools.cache
def _cells(path: Path) -> list[NotebookNode]:
    """Read an exercise once for all of its solutions."""
    return list(exercises.read(path).cells)


@functools.cache
def solutions(path: Path) -> list[Solution]:
    """Read a file of solutions."""
    return [
        Solution(cell.metadata.title, cell.source, frozenset(cell.metadata.get("loses", [])))
        for cell in jupytext.read(path).cells
        if "title" in cell.metadata
    ]


def visible_checks(path: Path) -> set[str]:
    """Name the checks of an exercise whose code students see."""
    return {
        cell.metadata.nbgrader.grade_id
        for cell in _cells(path)
        if is_grade(cell)
        and not is_solution(cell)
        and cell.metadata.nbgrader.points
        and "BEGIN HIDDEN TESTS" not in cell.source
    }


def checks(path: Path) -> set[str]:
    """Name the checks of an exercise that are worth points."""
    return {
        cell.metadata.nbgrader.grade_id
        for cell in _cells(path)
        if is_grade(cell) and not is_solution(cell) and cell.metadata.nbgrader.points
    }


def lost_checks(path: Path, source: str) -> dict[str, str]:
    """Run an exercise with a solution in its place.

    Cells that nbgrader does not know, which draw what the solution gives, are left out.

    Returns
    -------
    dict
        For each cell that fails, by grade id, the message.
    """
    lost: dict[str, str] = {}
    names: dict[str, object] = {"__name__": "__main__"}
    output = io.StringIO()
    with patch.dict(sys.modules), contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        for cell in _cells(path):
            if cell.cell_type != "code" or "nbgrader" not in cell.metadata:
                continue
            code, file = (source if is_solution(cell) else cell.source), f"<{cell.id}>"
            # A message can quote the line of an exception.
            linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
            try:
                exec(compile(code, file, "exec"), names)
            except Exception as error:
                lost[cell.id] = f"{type(error).__name__}: {error}"
    return lost


def table(path: Path, solutions_path: Path) -> str:
    """Write as a Markdown table which check catches which solution."""
    graded = [cell.metadata.nbgrader for cell in _cells(path) if is_grade(cell)]
    checks = [cell for cell in graded if cell.points and not cell.solution]
    rows = [
        ["Solution", *(f"{cell.grade_id} ({cell.points:g})" for cell in checks), "Points"],
        ["---"] * (len(checks) + 2),
    ]
    for solution in solutions(solutions_path):
        lost = lost_checks(path, solution.source)
        points = sum(cell.points for cell in checks if cell.grade_id not in lost)
        marks = ["lost" if cell.grade_id in lost else "" for cell in checks]
        rows.append([solution.title, *marks, f"{points:g}"])
    return f"## {path.stem}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
