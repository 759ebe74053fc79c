"""Every exercise against the solutions that students write, right ones and wrong ones.

The solutions stand in the folder beside this file, as notebooks in the percent format: a cell without
``loses`` is right and wins every check, the others lose just the checks that they name.
"""

import contextlib
import io
import sys
from pathlib import Path
from unittest.mock import patch

import jupytext
import numpy  # noqa: F401 (each exercise imports it anew, and NumPy can be loaded once only)
import pytest
from nbgrader.utils import is_grade, is_solution

from npfl_grader import exercises

ROOT = Path(__file__).parents[2]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
SOLUTIONS = Path(__file__).parent / "solutions"


def solutions(exercise):
    """Read the solutions of an exercise as (title, source, checks lost)."""
    notebook = jupytext.read(SOLUTIONS / f"{exercise.stem}.py")
    return [
        (cell.metadata.title, cell.source, set(cell.metadata.get("loses", [])))
        for cell in notebook.cells
        if "title" in cell.metadata
    ]


ALL = [(path, *solution) for path in EXERCISES for solution in solutions(path)]


def lost_checks(path, solution):
    """Run the exercise with a solution in its place; return the checks that fail, with their messages."""
    lost = {}
    names = {"__name__": "__main__"}
    output = io.StringIO()
    with (
        patch.dict(sys.modules),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        for cell in exercises.read(path).cells:
            if cell.cell_type != "code" or (is_solution(cell) and is_grade(cell)):
                continue
            source = solution if is_solution(cell) else cell.source
            try:
                exec(compile(source, f"<{cell.id}>", "exec"), names)
            except Exception as error:
                lost[cell.id] = f"{type(error).__name__}: {error}"
    return lost


@pytest.mark.parametrize(
    ("path", "title", "solution", "loses"), ALL, ids=[f"{a[0].stem}: {a[1]}" for a in ALL]
)
def test_solution_loses_just_what_it_should(path, title, solution, loses):
    lost = lost_checks(path, solution)
    assert set(lost) == loses, "\n".join(f"{check}: {message}" for check, message in lost.items())


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_enough_solutions_are_tried(path):
    all_of_it = solutions(path)
    wrong = [loses for _, _, loses in all_of_it if loses]
    assert len(all_of_it) - len(wrong) >= 3
    assert len(wrong) >= 10
    visible = {
        cell.id for cell in exercises.read(path).cells if is_grade(cell) and "HIDDEN TESTS" not in cell.source
    }
    assert sum(not loses & visible for loses in wrong) >= len(wrong) / 2, (
        "the visible checks give too much away"
    )


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_messages_help(path):
    """A failed check says what is wrong, not only that something is."""
    for title, source, loses in solutions(path):
        for check, message in lost_checks(path, source).items():
            assert message not in ("AssertionError: ", "AssertionError"), f"{title}: {check} says nothing"
            assert check in loses
