"""A course made of the exercises, graded by nbgrader itself."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import is_solution

from npfl_grader import course, exercises

ROOT = Path(__file__).parents[2]
EXERCISE = ROOT / "chapters" / "exercises" / "softmax_nll_gradient.md"
NAME = EXERCISE.stem
# nbgrader calls alembic and the kernels by their bare names.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    assert course.create(folder, [EXERCISE]) == [f"{NAME}: created"]
    return folder


def nbgrader(folder, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def hand_in(folder, student, solution):
    """Put a solution into the release notebook, as a student does."""
    notebook = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    if solution is not None:
        next(cell for cell in notebook.cells if is_solution(cell)).source = solution
    path = folder / "submitted" / student / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def test_release_is_what_nbgrader_makes(folder):
    made = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    ours = exercises.release(exercises.read(EXERCISE))
    assert [cell.source for cell in made.cells] == [cell.source for cell in ours.cells]
    assert [cell.metadata for cell in made.cells] == [cell.metadata for cell in ours.cells]
    assert [cell.id for cell in made.cells] == [cell.id for cell in ours.cells]


def test_nbgrader_grades_and_gives_feedback(folder):
    written = jupytext.read(ROOT / "tests" / "exercises" / "solutions" / f"{NAME}.py").cells
    solutions = {cell.metadata.title: cell.source for cell in written if "title" in cell.metadata}
    reference = next(cell.source for cell in exercises.read(EXERCISE).cells if is_solution(cell))
    wanted = {
        "reference": (reference, 10),
        "warns": (solutions["returns lists, and warns"], 10),
        "partly": (solutions["forgets the mean over the batch"], 3),
        "wrong": (solutions["returns the loss"], 0),
        "importing": (solutions["imports the reference implementation"], 0),
        "untouched": (None, 0),
    }
    for student, (solution, _) in wanted.items():
        hand_in(folder, student, solution)
    nbgrader(folder, "autograde", NAME)
    nbgrader(folder, "generate_feedback", NAME)

    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        got = {s.student.id: (s.score, s.max_score) for s in gradebook.assignment_submissions(NAME)}
    assert got == {student: (points, 12) for student, (_, points) in wanted.items()}
    feedback = (folder / "feedback" / "partly" / NAME / f"{NAME}.html").read_text()
    assert "2 times too large, the loss of a batch is the mean over its examples" in feedback


def test_second_run_changes_nothing_of_the_instructor(folder):
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text() + "# mine\n")
    release = folder / "release" / NAME / f"{NAME}.ipynb"
    before = release.stat().st_mtime_ns
    assert course.create(folder, [EXERCISE]) == [f"{NAME}: unchanged"]
    assert config.read_text().endswith("# mine\n")
    assert release.stat().st_mtime_ns == before


def test_changed_exercise_updates_its_assignment(tmp_path):
    copy = tmp_path / EXERCISE.name
    copy.write_text(EXERCISE.read_text())
    course.create(tmp_path / "course", [copy])
    copy.write_text(EXERCISE.read_text().replace("Estimated time: 30 minutes", "Estimated time: 25 minutes"))
    assert course.create(tmp_path / "course", [copy]) == [f"{NAME}: updated"]
    release = tmp_path / "course" / "release" / NAME / f"{NAME}.ipynb"
    assert "25 minutes" in release.read_text()


def test_course_without_exercises_says_so(tmp_path):
    (tmp_path / "empty").mkdir()
    command = [
        sys.executable,
        "-m",
        "npfl_grader.cli",
        "course",
        tmp_path / "c",
        "--exercises",
        tmp_path / "empty",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"npfl-grader: {tmp_path / 'empty'}: there is no exercise (*.md): name the folder with --exercises"
    )
