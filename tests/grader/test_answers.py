"""What students do with an exercise of the book, graded as submissions are."""

from pathlib import Path

import nbformat
import pytest

from npfl_grader.authoring import exercises
from npfl_grader.course import definition
from npfl_grader.engine.job import Level
from npfl_grader.grading import grade

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exercise():
    """The source of an exercise with a question that a person reads."""
    return exercises.read(ROOT / "chapters" / "exercises" / "map_update.md")


def submitted(exercise, solution=None):
    """The release as a student would hand it in, with a solution."""
    notebook = exercises.release(exercise)
    if solution:
        next(cell for cell in notebook.cells if cell.id == "solution").source = solution
    return notebook


def graded(exercise, notebook):
    found = definition.from_source(exercise, "map_update")
    data = nbformat.writes(notebook).encode()
    return grade.grade(grade.Task("", "map_update", found, data, require=Level.NONE))


RIGHT = """\
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + theta / (examples * prior_std**2))
"""


def test_a_syntax_error_is_the_first_that_every_check_says(exercise):
    done = graded(exercise, submitted(exercise, RIGHT.replace("return", "lambda = 1\n    return")))
    assert len(done.failed) == 6
    for message in done.failed.values():
        assert message.startswith(
            "AssertionError: SyntaxError: invalid syntax (line 2): lambda = 1\nmap_update is not"
        )


def test_an_exception_in_a_hidden_test_has_its_text_and_the_students_line(exercise):
    wrong = RIGHT.replace("theta / (", "theta[:1] * theta[[7]] / (")
    done = graded(exercise, submitted(exercise, wrong))
    assert "IndexError: index 7 is out of bounds" in done.failed["many-examples"]
    assert "in your code, line 2, in map_update: return theta - learning_rate" in done.failed["many-examples"]


def test_a_line_for_another_program_costs_nothing(exercise):
    done = graded(exercise, submitted(exercise, f"!ls\nfiles = !ls\n{RIGHT}"))
    assert not done.failed
    assert b"not run: no other programs run while a notebook is graded" in done.document


def test_an_answer_in_a_cell_of_its_own_waits_for_a_person(exercise):
    notebook = submitted(exercise, RIGHT)
    assert graded(exercise, notebook).scores["derivation"] == 0
    place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "derivation")
    notebook.cells.insert(place + 1, nbformat.v4.new_markdown_cell("$\\lambda = 1 / (2 N s^2)$"))
    assert graded(exercise, notebook).scores["derivation"] is None
