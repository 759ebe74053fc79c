"""nbgrader's exchange around the grader: handed out, fetched, submitted, collected, graded, given back."""

import getpass
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# What students do, each in a process of their own. Everything is imported before: other users may not be able
# to read this interpreter's files.
STUDENTS = """
import json, os, pwd, sys
from pathlib import Path
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import default as exchange
from traitlets.config import Config

def do(step, root, home):
    config = Config()
    config.Exchange.root, config.Exchange.cache, config.Exchange.assignment_dir = root, f"{home}/cache", home
    config.CourseDirectory.root, config.CourseDirectory.course_id = home, "npfl"
    config.CourseDirectory.assignment_id = "double"
    parts = {"coursedir": CourseDirectory(config=config), "authenticator": Authenticator(config=config)}
    getattr(exchange, f"Exchange{step}")(config=config, **parts).start()

def work(steps, root, name, home, solution):
    user = pwd.getpwnam(name)
    others = user.pw_uid != os.getuid()
    if others:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    for step in steps:
        do(step, root, home)
        if step == "FetchAssignment":
            path = Path(home, "double", "double.ipynb")
            notebook = json.loads(path.read_text())
            for cell in notebook["cells"]:
                if cell["metadata"].get("nbgrader", {}).get("grade_id") == "answer":
                    cell["source"] = solution
            path.write_text(json.dumps(notebook))
    for folder in ("inbound", "feedback"):
        # What others have handed in and got back stays closed.
        assert not (others and os.access(Path(root, "npfl", folder), os.R_OK)), f"{name} can list {folder}"

steps, root, people = json.loads(sys.argv[1])
children = []
for person in people:
    children.append(os.fork())
    if not children[-1]:
        work(steps, root, *person)
        sys.exit()
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""
SOLUTIONS = {"def double(x):\n    return x + x": 5.0, "def double(x):\n    return 3 * x": 0.0}


@pytest.fixture
def users():
    """Two users of the machine, made for the test; who is not root stands for a student alone."""
    if os.geteuid() != 0 or not shutil.which("useradd"):
        yield [getpass.getuser()]
        return
    names = [f"npfl{os.getpid()}{letter}" for letter in "ab"]
    try:
        for name in names:
            subprocess.run(["useradd", "--no-create-home", name], check=True)
        yield names
    finally:
        for name in names:
            subprocess.run(["userdel", name], check=False)


def test_the_exchange_carries_work_and_feedback_and_keeps_users_apart(room, users):
    # Others can reach neither the course nor the folder of the tests.
    with tempfile.TemporaryDirectory(prefix="npfl-exchange-") as base:
        root = Path(base, "exchange")
        root.mkdir()
        for path, mode in ((Path(base), 0o755), (root, 0o777)):
            path.chmod(mode)
        config = room.root / "nbgrader_config.py"
        config.write_text(config.read_text() + f"c.Exchange.root = {str(root)!r}\n")
        people = []
        for name, solution in zip(users, SOLUTIONS, strict=False):
            home = Path(base, name)
            home.mkdir(mode=0o700)
            shutil.chown(home, name)
            people.append((name, str(home), solution))

        def students(*steps):
            command = [sys.executable, "-c", STUDENTS, json.dumps((steps, str(root), people))]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

        room.run("release_assignment", room.name, program="nbgrader")
        students("FetchAssignment", "Submit")
        room.run("collect", room.name, program="nbgrader")
        room.run("autograde", room.name)
        room.run("feedback", room.name)
        room.run("release_feedback", room.name, program="nbgrader")
        students("FetchFeedback")
        for name, home, solution in people:
            points = SOLUTIONS[solution]
            assert sum(filter(None, room.scores()[name])) == points
            (page,) = Path(home, room.name, "feedback").rglob("*.html")
            assert f">{points:g} of 9 points" in page.read_text()
            assert page.owner() == name
