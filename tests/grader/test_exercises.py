"""Reading exercises, refusing bad ones, and making notebooks and pages of them."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from npfl_grader.authoring import exercises
from npfl_grader.authoring.exercises import ExerciseError

ROOT = Path(__file__).parents[2]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))


def cell(source, **nbgrader):
    """Write a code cell as it stands in an exercise."""
    metadata = {"schema_version": 3, "cell_type": "code", "task": False}
    metadata |= {"grade": False, "locked": False, "solution": False} | nbgrader
    return f"```{{code-cell}} python\n---\nnbgrader: {metadata}\n---\n{source}\n```\n"


TESTS = {"grade": True, "locked": True, "points": 2}
SOLUTION = cell(
    "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
    solution=True,
    grade_id="answer",
)
VISIBLE = cell("assert double(2) == 4, 'twice 2 is 4'", grade_id="seen", **TESTS)
UNSEEN = cell(
    "### BEGIN HIDDEN TESTS\nassert double(3) == 6\n### END HIDDEN TESTS",
    grade_id="unseen",
    **TESTS,
)


def write(folder, *cells):
    kernel = "{display_name: Python 3, language: python, name: python3}"
    header = f"---\nkernelspec: {kernel}\n---\n# Exercise: double\n\n"
    path = folder / "double.md"
    path.write_text(header + "\n".join(cells))
    return path


def test_release_has_neither_solution_nor_hidden_tests(tmp_path):
    released = exercises.release(exercises.read(write(tmp_path, SOLUTION, VISIBLE, UNSEEN)))
    text = nbformat.writes(released)
    assert "2 * x" not in text
    assert "double(3)" not in text
    assert "double(2) == 4" in text
    assert "raise NotImplementedError" in text


def test_check_runs_solution_and_stub(tmp_path):
    assert exercises.check(write(tmp_path, SOLUTION, VISIBLE, UNSEEN)) == (
        "double: the solution gets 4 points in 2 checks, the stub 0"
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            [SOLUTION.replace("### END SOLUTION", ""), VISIBLE],
            "cell 2 (answer): BEGIN SOLUTION without END SOLUTION",
        ),
        (
            [SOLUTION.replace("### BEGIN SOLUTION", "#"), VISIBLE],
            "cell 2 (answer): END SOLUTION without BEGIN SOLUTION",
        ),
        (
            [SOLUTION, UNSEEN.replace("### END HIDDEN TESTS", "")],
            "cell 3 (unseen): BEGIN HIDDEN TESTS without END",
        ),
        (
            [SOLUTION, UNSEEN.replace("### BEGIN HIDDEN TESTS", "")],
            "cell 3 (unseen): END HIDDEN TESTS without BEGIN",
        ),
        (
            [SOLUTION, UNSEEN.replace("TESTS", "TEST")],
            "cell 3 (unseen): '### BEGIN HIDDEN TEST' is no marker",
        ),
        (
            [SOLUTION, UNSEEN.replace("assert", "### BEGIN SOLUTION\nassert")],
            "BEGIN SOLUTION inside HIDDEN TESTS",
        ),
        ([SOLUTION, VISIBLE, VISIBLE], "cell 4 (seen): the grade id 'seen' is used twice"),
        ([SOLUTION, VISIBLE.replace(", 'points': 2", "")], "cell 3 (seen): points are missing"),
        ([SOLUTION, VISIBLE.replace("'points': 2", "'points': 'two'")], "cell 3 (seen): nbgrader refuses"),
        (
            [SOLUTION, VISIBLE.replace("'schema_version': 3", "'schema_version': 1")],
            "cell 3 (seen): nbgrader refuses",
        ),
        (
            [SOLUTION, cell("### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS")],
            "cell 3: hidden tests in a cell whose",
        ),
        (
            [SOLUTION.replace("'solution': True", "'solution': False")],
            "cell 2 (answer): a solution in a cell whose",
        ),
        ([VISIBLE], "no cell is marked as solution"),
        ([SOLUTION], "no cell has points"),
    ],
)
def test_bad_source_is_refused(tmp_path, cells, message):
    path = write(tmp_path, *cells)
    with pytest.raises(ExerciseError) as error:
        exercises.read(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            [SOLUTION, VISIBLE, cell("assert True", grade_id="always", **TESTS)],
            "cell always: the stub, without any",
        ),
        ([SOLUTION.replace("2 * x", "3 * x"), VISIBLE], "cell seen: the solution gets 0 of 2 points"),
    ],
)
def test_check_that_proves_nothing_is_refused(tmp_path, cells, message):
    with pytest.raises(ExerciseError, match=message):
        exercises.check(write(tmp_path, *cells))


def test_bad_source_stops_the_build_with_one_line(tmp_path):
    (tmp_path / "in").mkdir()
    path = write(tmp_path / "in", SOLUTION, VISIBLE, VISIBLE)
    command = [
        sys.executable,
        "-m",
        "npfl_grader.cli",
        "release",
        "--exercises",
        path.parent,
        "--output",
        tmp_path / "out",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"npfl-grader: {path}: cell 4 (seen): the grade id 'seen' is used twice: give each cell its own"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_notebook_is_the_same_at_every_build(path):
    first, second = (nbformat.writes(exercises.release(exercises.read(path))) for _ in range(2))
    assert first == second
    ids = [cell.id for cell in exercises.read(path).cells]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_links_into_the_book(path):
    released = exercises.release(exercises.read(path))
    chapters = path.parent.parent
    text = nbformat.writes(exercises.notebook_links(released, "https://book.example/npfl/", chapters))
    assert "](../" not in text
    assert "](https://book.example/npfl/chapters/" in text
    plain = exercises.notebook_links(released, "", chapters)
    assert "](../" not in nbformat.writes(plain)
    # Every chapter that a link leads to is named.
    linked = re.findall(r"\]\(\.\./([\w-]+\.md)", "".join(cell.source for cell in released.cells))
    assert linked
    for file in linked:
        heading = next(line for line in (chapters / file).read_text().splitlines() if line.startswith("# "))
        assert f"“{heading[2:]}”" in "".join(cell.source for cell in plain.cells)
    assert "](../chapters/" in exercises.page(released, path.stem)
