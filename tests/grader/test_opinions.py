"""Two opinions in a course: what the instructor's solution passes only together, and what is said of it."""

import json
import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from idioms import notebook

NAME = "points"
SOLUTION = (
    "class P:\n    def __init__(self, x):\n        self.x = x\n"
    "    def __eq__(self, other):\n        return self.x == other.x"
)


@pytest.fixture(scope="module")
def made(template, tmp_path_factory):
    """A course with an assignment whose test compares objects of the student's."""
    course = template.copy(tmp_path_factory.mktemp("opinions") / "course")
    folder = course.root / "source" / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook("class_eq", SOLUTION), folder / f"{NAME}.ipynb")
    course.run("generate_assignment", NAME, program="nbgrader")
    for student, answer in {"right": SOLUTION, "wrong": SOLUTION.replace("==", "!=")}.items():
        path = course.root / "submitted" / student / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook("class_eq", answer), path)
    return course


@pytest.fixture
def course(made, tmp_path):
    return made.copy(tmp_path / "course")


def grade(course, code=0):
    """Grade, and return what was printed, the report's rows and the points."""
    done = course.run("autograde", NAME, code=code)
    report = json.loads((course.root / "grading" / f"{NAME}.json").read_text())
    points = course.query(
        """select s.student_id, g.auto_score from grade g join submitted_notebook n on n.id = g.notebook_id
        join submitted_assignment s on s.id = n.assignment_id join assignment a on a.id = s.assignment_id
        where a.name = ?""",
        NAME,
    )
    return " ".join(done.stdout.split()), {row["student"]: row for row in report["rows"]}, dict(points)


def test_a_test_that_the_solution_passes_only_together_counts_so_and_says_so(course):
    said, rows, points = grade(course)
    assert points == {"right": 1.0, "wrong": 0.0}
    assert "judged in one process with the student's code, unprotected" in said
    assert "compare their attributes" in said
    assert rows["right"]["together"] == [f"{NAME}: c1"]
    assert "unprotected" in (course.root / "grading" / NAME / "right.log").read_text()
    # A traceback is written where it is seen.
    wrong = nbformat.read(course.root / "autograded" / "wrong" / NAME / f"{NAME}.ipynb", as_version=4)
    [failure] = [out for cell in wrong.cells for out in cell.get("outputs", []) if out.output_type == "error"]
    assert "Traceback" in "".join(failure.traceback)
    # What was found out is kept, and nothing is run again.
    kept = (course.root / "grading" / f"{NAME}.solution.json").stat().st_mtime_ns
    _, rows, _ = grade(course)
    assert all(row["skipped"] for row in rows.values())
    assert (course.root / "grading" / f"{NAME}.solution.json").stat().st_mtime_ns == kept


def test_an_instructor_may_forbid_it(course):
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.NpflGrader.together = False\n")
    _, rows, points = grade(course, code=3)
    assert points == {"right": None, "wrong": 0.0}
    assert "in one process with it, it gives 1 of 1 points" in str(rows["right"]["reasons"])


def test_without_the_solution_a_person_settles_a_disagreement(course):
    (course.root / "source" / NAME / f"{NAME}.ipynb").unlink()
    said, _, points = grade(course, code=3)
    assert points == {"right": None, "wrong": 0.0}
    assert "your solution is not in the source folder" in said


def test_a_solution_that_fails_here_makes_no_zeros(course):
    broken = notebook("class_eq", SOLUTION.replace("self.x == other.x", "nosuch"))
    nbformat.write(broken, course.root / "source" / NAME / f"{NAME}.ipynb")
    said, rows, points = grade(course, code=3)
    assert points == {"right": None, "wrong": None}
    assert "your own solution gets 0 of 1 points" in said
    assert "your own solution does not pass this check" in str(rows["wrong"]["reasons"])


def test_solutions_are_checked_before_students_hand_in(course):
    done = course.run("check")
    assert "points" in done.stdout
    assert "compare their attributes" in " ".join(done.stdout.split())
    stub_passes = notebook("wrong_star_import")
    folder = course.root / "source" / "stars"
    folder.mkdir()
    nbformat.write(stub_passes, folder / "stars.ipynb")
    done = course.run("check", "stars", code=3)
    assert "the untouched stub gets 1 points" in " ".join(done.stdout.split())
    (folder / "stars.ipynb").write_text("{}")
    done = course.run("check", "stars", code=3)
    assert "nbgrader does not release it" in done.stdout
    course.run("check", "nosuch", code=1)
