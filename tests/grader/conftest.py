"""A small course, made once and copied for each test."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from npfl_grader.authoring import creation as course
from npfl_grader.cli import app as cli
from npfl_grader.grading import batch, feedback, pool  # noqa: F401 (some must be there before a test changes one)

NAME = "double"


def _cell(grade_id, source, **flags):
    known = {"schema_version": 3, "cell_type": "code", "grade_id": grade_id, "grade": False, "locked": False}
    known |= {"solution": False, "task": False} | flags
    return f"```{{code-cell}} python\n---\nnbgrader: {json.dumps(known)}\n---\n{source}\n```\n\n"


_TEST = {"grade": True, "locked": True}
_WORDS = {"schema_version": 3, "cell_type": "markdown", "grade_id": "why", "grade": True, "locked": False}
_WORDS |= {"solution": True, "task": False, "points": 4}
_SOLUTION = "### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
_UNSEEN = """\
# Arrays.
### BEGIN HIDDEN TESTS
secret_input = np.array([37.5, 41.25])
assert np.allclose(double(secret_input), 2 * secret_input), "arrays are not doubled"
### END HIDDEN TESTS"""
MYST = "".join(
    [
        "---\nkernelspec: {display_name: Python 3, language: python, name: python3}\n---\n\n# Doubling\n\n",
        _cell("imports", "import numpy as np", points=0, **_TEST),
        _cell("answer", f"def double(x):\n    {_SOLUTION}", solution=True),
        _cell("seen", 'assert double(1) == 2, f"double(1) should be 2, got {double(1)}"', points=2, **_TEST),
        _cell("unseen", _UNSEEN, points=3, **_TEST),
        f"+++ {json.dumps(_WORDS)}\n\nWhy?\n".replace("+++ {", '+++ {"nbgrader": {').replace(
            "}\n", "}}\n", 1
        ),
    ]
)
# nbgrader calls alembic and the kernels by their bare names.
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "COLUMNS": "160",
    "OPENBLAS_NUM_THREADS": "1",
}
# Rows by what people call them; the ids in the tables are drawn.
TABLES = {
    "student": "select id, first_name, last_name, email, lms_user_id from student",
    "submission": """select s.student_id, a.name, s.timestamp, s.extension from submitted_assignment s
        join assignment a on a.id = s.assignment_id""",
    "notebook": """select s.student_id, n.name, x.flagged, x.late_submission_penalty from submitted_notebook x
        join submitted_assignment s on s.id = x.assignment_id join notebook n on n.id = x.notebook_id""",
    "grade": """select s.student_id, n.name, b.name, b.type, g.auto_score, g.manual_score, g.extra_credit,
        g.needs_manual_grade from grade g join submitted_notebook x on x.id = g.notebook_id
        join submitted_assignment s on s.id = x.assignment_id join notebook n on n.id = x.notebook_id
        join base_cell b on b.id = g.cell_id""",
    "comment": """select s.student_id, n.name, b.name, b.type, c.auto_comment, c.manual_comment from comment c
        join submitted_notebook x on x.id = c.notebook_id
        join submitted_assignment s on s.id = x.assignment_id join notebook n on n.id = x.notebook_id
        join base_cell b on b.id = c.cell_id""",
    "cells": "select n.name, b.name, b.type from base_cell b join notebook n on n.id = b.notebook_id",
    "sources": """select n.name, c.name, c.source, c.checksum from source_cell c
        join notebook n on n.id = c.notebook_id""",
}


class Classroom:
    """A course directory with one assignment, and what one does in it."""

    name = NAME

    def __init__(self, root, crew=None):
        self.root = root
        self.crew = crew

    def hand_in(self, student, solution=None, *, change=None, name=NAME, assignment=NAME):
        """Put a solution into the release notebook, as a student does; `change` may edit it further."""
        notebook = json.loads((self.root / "release" / assignment / f"{assignment}.ipynb").read_text())
        for cell in notebook["cells"]:
            known = cell["metadata"].get("nbgrader", {})
            if known.get("solution") and cell["cell_type"] == "code" and solution is not None:
                cell["source"] = solution
        if change:
            change(notebook)
        path = self.root / "submitted" / student / assignment / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook))
        return path

    def run(self, *arguments, code=0, program=None):
        """Run the grader in this process and on workers that all tests share, or another program."""
        if program:
            command = [sys.executable, "-m", program, *map(str, arguments)]
            done = subprocess.run(
                command, cwd=self.root, env=ENVIRONMENT, capture_output=True, text=True, check=False
            )
            found = done.returncode
        else:
            shared = patch.object(pool, "Local", lambda workers: self.crew) if self.crew else nullcontext()
            with contextlib.chdir(self.root), shared:
                done = CliRunner(env={"COLUMNS": "160"}).invoke(cli.app, list(map(str, arguments)))
            found = done.exit_code
            assert isinstance(done.exception, SystemExit | None), done.exc_info
        assert found == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def query(self, sql, *values):
        with sqlite3.connect(self.root / "gradebook.db") as database:
            return sorted(database.execute(sql, values), key=repr)

    def tables(self):
        return {name: self.query(sql) for name, sql in TABLES.items()}

    def scores(self):
        """The autograder's points: by student, of the tests seen and unseen and the answer in words."""
        found = {}
        for student, cell, score in self.query(
            """select s.student_id, b.name, g.auto_score from grade g
            join submitted_notebook x on x.id = g.notebook_id
            join submitted_assignment s on s.id = x.assignment_id join base_cell b on b.id = g.cell_id"""
        ):
            found.setdefault(student, {})[cell] = score
        return {
            student: tuple(row[name] for name in ("seen", "unseen", "why")) for student, row in found.items()
        }

    def report(self):
        return json.loads((self.root / "grading" / f"{NAME}.json").read_text())

    def tree(self, step):
        """All files and folders of a step with their modes."""
        folder = self.root / step
        return {str(path.relative_to(folder)): oct(path.stat().st_mode) for path in folder.rglob("*")}

    def plain(self):
        """Take the grader's settings away, so that nbgrader runs as it comes."""
        config = self.root / "nbgrader_config.py"
        lines = config.read_text().splitlines(keepends=True)
        config.write_text("".join(line for line in lines if "npfl_grader" not in line))
        return self

    def copy(self, root):
        shutil.copytree(self.root, root, symlinks=True)
        return Classroom(root, self.crew)


@pytest.fixture(scope="session")
def crew():
    """Workers that stay for all tests: starting them takes longer than most of what they do."""
    made = pool.Local(2)
    close = made.close
    made.close = lambda: None
    yield made
    close()


@pytest.fixture(scope="session")
def template(tmp_path_factory, crew):
    folder = tmp_path_factory.mktemp("template")
    (folder / f"{NAME}.md").write_text(MYST)
    course.create(folder / "course", [folder / f"{NAME}.md"])
    return Classroom(folder / "course", crew)


@pytest.fixture
def room(template, tmp_path):
    return template.copy(tmp_path / "course")


def pytest_collection_modifyitems(items):
    """Let the tests of one idiom follow each other: its solution is tried once in a process."""

    def idiom(item):
        of_idioms = item.path == Path(__file__).with_name("test_idioms.py") and hasattr(item, "callspec")
        return item.callspec.params.get("name", "") if of_idioms else ""

    items.sort(key=idiom)
