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

from npfl_grader.authoring import creation as course
from npfl_grader.authoring import exercises
from npfl_grader.course import settings
from npfl_grader.errors import CourseError

ROOT = Path(__file__).parents[2]
EXERCISE = ROOT / "chapters" / "exercises" / "softmax_nll_gradient.md"
HELPERS = EXERCISE.with_name("checks.py")
NAME = EXERCISE.stem
# nbgrader calls alembic and the kernels by their bare names.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    assert course.create(folder, [EXERCISE]).lines == [f"{NAME}: created"]
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
    source = exercises.linked(exercises.read(EXERCISE), "", EXERCISE.parent.parent)
    ours = exercises.release(source)
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
        "partly": (solutions["forgets the mean over the batch"], 8),
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
    assert "2 times too large: the loss of a batch is the mean over its examples" in feedback


def test_second_run_changes_nothing_of_the_instructor(folder):
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text() + "# mine\n")
    release = folder / "release" / NAME / f"{NAME}.ipynb"
    before = release.stat().st_mtime_ns
    assert course.create(folder, [EXERCISE]).lines == [f"{NAME}: unchanged"]
    assert config.read_text().endswith("# mine\n")
    assert release.stat().st_mtime_ns == before


def test_changed_exercise_updates_its_assignment(tmp_path):
    copy = tmp_path / EXERCISE.name
    copy.write_text(EXERCISE.read_text())
    copy.with_name("checks.py").write_text(HELPERS.read_text())
    course.create(tmp_path / "course", [copy])
    copy.write_text(EXERCISE.read_text().replace("Estimated time: 30 minutes", "Estimated time: 25 minutes"))
    assert course.create(tmp_path / "course", [copy]).lines == [f"{NAME}: updated"]
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
        f"npfl-grader: {tmp_path / 'empty'}: there is no exercise (*.md): "
        "run it in the repository, or name the folder with --exercises"
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("c.NpflGrader.memory = GB", "nbgrader_config.py, line {}: .* name 'GB' is not defined"),
        ("c.NpflGrader.assignments = {", "nbgrader_config.py, line {}: .*'{{' was never closed"),
        ("c.LatePenalty.percent_per_day = 'ten'", "c.LatePenalty.percent_per_day expected a float, not"),
        ("c.LatePenalty.percent_per_day = -1", "c.LatePenalty.percent_per_day should not be less than 0"),
        (
            "c.LatePenalty.percent_per_days = 10",
            "no setting .*percent_per_days, did you mean percent_per_day?",
        ),
        ("c.NpflGraders.memory = 10", "c.NpflGraders is unknown, did you mean c.NpflGrader?"),
        (
            "c.AssignLatePenalties.plugin_class = 'npfl_grader.late.None'",
            "plugin_class .*could not be imported",
        ),
        (
            "c.CourseDirectory.db_url = 'postgres:/x'",
            "c.CourseDirectory.db_url cannot be used: .*: write it as",
        ),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_done(tmp_path, line, says):
    config = tmp_path / "nbgrader_config.py"
    config.write_text(f"{course.CONFIG}{line}\n")
    with pytest.raises(CourseError, match=says.format(course.CONFIG.count("\n") + 1)) as error:
        settings.load(tmp_path)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("due", ["soon", "23:59", "2026-03-10", "10/3/2026 23:59", "2026-02-30 23:59"])
def test_a_due_date_is_read_in_one_form_alone(tmp_path, due):
    config = tmp_path / "nbgrader_config.py"
    config.write_text(f"{course.CONFIG}c.NpflGrader.assignments = {{'a': {{'due': {due!r}}}}}\n")
    with pytest.raises(CourseError, match=f"a: '{due}' is no time: write it as '2026-03-10 23:59'"):
        settings.due_dates(settings.load(tmp_path))


def test_a_command_that_cannot_write_says_where(tmp_path):
    """In a process of its own: no handler of the tests stands between."""
    (tmp_path / "file").touch()
    (tmp_path / "exercises").mkdir()
    for path in (EXERCISE, HELPERS):
        (tmp_path / "exercises" / path.name).write_text(path.read_text())
    command = [sys.executable, "-m", "npfl_grader.cli", "course", "file", "--exercises", "exercises"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == "npfl-grader: file: File exists: name another folder, and run it again to go on"
    )
