"""The one writer: what it leaves after kills, full disks and databases that come and go."""

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

PROGRAM = [sys.executable, "-m", "npfl_grader.cli"]
RIGHT = "def double(x):\n    return x + x"
WRONG = "def double(x):\n    return 3 * x"
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))

# Grades without running anything, at once; the points are in the file that was handed in. What is tried here
# is the writer.
FAKE_ENGINE = """
import json, sys
from npfl_grader.cli import app as cli
from npfl_grader.grading import grade, pool

def run(crew, tasks):
    for task in tasks:
        yield grade.grade(task, execute)

def execute(job):
    cells = json.loads(job)["cells"]
    answers = [cell["source"] for cell in cells if cell["role"] == "student"]
    right = any("x + x" in answer or "return 2 * x" in answer for answer in answers)  # or the instructor's
    fine = {"outputs": [], "execution_count": 1, "value": None, "status": "ok"}
    failed = {} if right else {"status": "error"}
    results = [fine | {"id": cell["id"]} | (failed if cell["role"] == "test" else {}) for cell in cells]
    return json.dumps({"level": "full", "seconds": 0.0, "fault": None, "cells": results}).encode()

pool.run = run
pool.Local.probe = lambda self: {"level": "full"}
pool.Local.warm = lambda self, libraries: None
cli.app(sys.argv[1:])
"""


# Graders are forked from a process that has all imported: they are many, and nbgrader takes seconds.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["npfl_grader.grading.batch", "npfl_grader.cli.app", "rich.progress"])


class write_only:
    """Start a grader that runs nothing, in a session of its own; `first` is code that it runs before."""

    def __init__(self, room, *arguments, first=""):
        handle, said = tempfile.mkstemp(prefix="npfl-grader-said-")
        os.close(handle)
        self.said = Path(said)
        prepare = f"""
import os, sys
os.setsid()
said = os.open({said!r}, os.O_WRONLY)
os.dup2(said, 1), os.dup2(said, 2)
os.chdir({str(room.root)!r})
sys.argv = ["npfl-grader", *{arguments!r}]
"""
        code = prepare + first + FAKE_ENGINE
        self.process = FORKS.Process(target=exec, args=(code, {"__name__": "grader"}))
        self.process.start()
        self.pid = self.process.pid

    def poll(self):
        return self.process.exitcode

    def wait(self, seconds=120):
        self.process.join(seconds)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("npfl-grader", seconds)
        return self.process.exitcode

    def begin(self, room):
        """Wait until it has begun to grade."""
        while not (room.root / "grading" / ".lock").exists():
            assert self.poll() is None, self.communicate()
            time.sleep(0.05)

    def communicate(self):
        self.wait()
        said = self.said.read_text() if self.said.exists() else ""
        self.said.unlink(missing_ok=True)
        return said

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.communicate()


def consistent(room, wanted):
    """Whether gradebook, folder and receipts say the same, once and for all."""
    room.run("autograde", room.name, "--dry-run")
    rows = room.tables()
    for name in ("student", "submission", "notebook"):
        assert len(rows[name]) == len({row[0] for row in rows[name]}) == len(wanted)
    assert len(rows["grade"]) == 4 * len(wanted)
    assert len(rows["comment"]) == 2 * len(wanted)
    assert room.scores() == {
        student: (2.0, 3.0, 0.0) if right else (0.0, 0.0, 0.0) for student, right in wanted.items()
    }
    for student, right in wanted.items():
        text = (room.root / "autograded" / student / room.name / f"{room.name}.ipynb").read_text()
        assert ("x + x" in text) == right
    assert not list((room.root / "autograded").rglob("*.part"))


def test_a_grader_that_is_killed_again_and_again_loses_and_doubles_nothing(room):
    draw = random.Random(1)
    wanted = {f"s{number:03}": number % 3 > 0 for number in range(120)}
    for student, right in wanted.items():
        room.hand_in(student, RIGHT if right else WRONG)
    kills = 0
    for round_ in range(40):
        process = write_only(room, "autograde", room.name)
        # Measured from the moment at which it works, so that it dies while it writes.
        end = time.monotonic() + 60
        while (
            process.poll() is None
            and not (room.root / "grading" / ".lock").exists()
            and time.monotonic() < end
        ):
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0.1, 2.5) * (1 + round_ / 4))
        if process.poll() is not None:
            break
        process.kill()
        kills += 1
    assert process.wait() == 0, process.communicate()
    assert kills
    consistent(room, wanted)
    # And a grading of what has changed since, killed the same way.
    wanted = {student: not right for student, right in wanted.items()}
    for student, right in wanted.items():
        room.hand_in(student, RIGHT if right else WRONG)
    process = write_only(room, "autograde", room.name)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(draw.uniform(2, 4))
    process.kill()
    process = write_only(room, "autograde", room.name)
    assert process.wait() == 0, process.communicate()
    consistent(room, wanted)


@pytest.mark.parametrize("point", ["_staged", "_commit", "_publish", "write"])
def test_killed_at_each_step_of_a_batch(room, point):
    wanted = {"a": True, "b": False, "c": True}
    for student, right in wanted.items():
        room.hand_in(student, RIGHT if right else WRONG)
    after = "os.kill(os.getpid(), signal.SIGKILL)" if point == "_commit" else ""
    kill = "import os, signal; from npfl_grader.grading import record\n"
    owner = "record" if point == "write" else "record.Recorder"
    kill += f"real = {owner}.{point}; calls = []\n"
    at = 1 if point == "_staged" else 2
    kill += (
        f"def die(*arguments):\n    calls.append(1)\n    len(calls) == {at} and os.kill(0, signal.SIGKILL)\n"
    )
    kill += f"    result = real(*arguments)\n    {after}\n    return result\n{owner}.{point} = die\n"
    killed = write_only(room, "autograde", room.name, first=kill)
    assert killed.wait() == -signal.SIGKILL
    process = write_only(room, "autograde", room.name)
    assert process.wait() == 0, process.communicate()
    consistent(room, wanted)


def test_a_busy_database_is_waited_for(room):
    import sqlite3

    room.hand_in("a", RIGHT)
    with contextlib.closing(sqlite3.connect(room.root / "gradebook.db")) as other:
        process = write_only(room, "autograde", room.name)
        process.begin(room)
        other.execute("begin exclusive")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(7)  # longer than SQLite itself waits
        other.rollback()
    assert process.wait(60) == 0, process.communicate()
    consistent(room, {"a": True})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_stops_it_with_one_line_and_loses_nothing(template, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1600k", "tmpfs", disk], check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        room = template.copy(disk / "course")
        wanted = {f"s{number:02}": True for number in range(20)}
        for student in wanted:
            room.hand_in(student, RIGHT)
        filler = disk / "filler"
        with contextlib.suppress(OSError):
            filler.write_bytes(bytes(shutil.disk_usage(disk).free - 60_000))
        process = write_only(room, "autograde", room.name)
        said = process.communicate()
        assert process.poll() == 1, said
        assert len(said.strip().splitlines()) == 1, said
        assert "npfl-grader: " in said
        filler.unlink()
        process = write_only(room, "autograde", room.name)
        assert process.wait() == 0, process.communicate()
        consistent(room, wanted)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_workers_and_warm_processes_that_are_killed_cost_nobody_a_point(room):
    draw = random.Random(2)
    wanted = {f"s{number:02}": number % 2 > 0 for number in range(16)}
    for student, right in wanted.items():
        room.hand_in(student, RIGHT if right else WRONG)
    process = subprocess.Popen(
        [*PROGRAM, "autograde", room.name, "--workers", "2"],
        cwd=room.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    kills = 0
    while process.poll() is None:
        time.sleep(draw.uniform(0.05, 0.3))
        # Not while it still finds out what protection this machine has.
        working = list((room.root / "grading").glob("*/*.log"))
        below = descendants(process.pid) if working else []
        if kills < 4 and below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(draw.choice(below), signal.SIGKILL)
                kills += 1
    said = process.communicate()
    assert process.returncode in (0, 3), said[1][-2000:]
    assert kills
    for student, scores in room.scores().items():
        right = (2.0, 3.0, 0.0) if wanted[student] else (0.0, 0.0, 0.0)
        # What a kill has spoilt may be left to a person, but never be a wrong grade.
        assert all(score in (None, want) for score, want in zip(scores, right, strict=True)), student
    room.run("autograde", room.name)
    consistent(room, wanted)


def test_a_grader_that_is_killed_leaves_no_process(room):
    for number in range(8):
        room.hand_in(f"s{number}", RIGHT)
    process = subprocess.Popen([*PROGRAM, "autograde", room.name, "--workers", "2"], cwd=room.root)
    while not list((room.root / "grading").glob("*/*.log")) and process.poll() is None:
        time.sleep(0.05)
    below = descendants(process.pid)
    process.kill()
    process.wait()
    assert below
    end = time.monotonic() + 30
    while [pid for pid in below if alive(pid)] and time.monotonic() < end:
        time.sleep(0.1)
    assert not [pid for pid in below if alive(pid)]


def alive(pid):
    try:
        return b"npfl_grader" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def descendants(pid):
    """List the workers below a grader, with their warm processes and what these have started."""
    below = []
    with contextlib.suppress(OSError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
                below += [child, *descendants(child)]
    return below


class Server:
    """A PostgreSQL server of Debian's package, in a folder, as a user without rights."""

    def __init__(self, folder):
        self.bin, self.data, self.sockets = POSTGRES[-1].parent, folder / "data", folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.user = "nobody" if os.getuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self.call("initdb", "-D", self.data, "-U", "grader", "--auth=trust", "--no-sync")
        self.start()
        self.url = f"postgresql+psycopg://grader@127.0.0.1:{self.port}/postgres"

    def call(self, program, *arguments):
        done = subprocess.run(
            [self.bin / program, *arguments],
            user=self.user,
            cwd=self.sockets,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        options = f"-p {self.port} -k {self.sockets} -c listen_addresses=127.0.0.1"
        end = time.monotonic() + 60
        while True:
            try:
                return self.call(
                    "pg_ctl", "-D", self.data, "-o", options, "-l", self.sockets / "log", "start"
                )
            except AssertionError:
                # Processes of a server that was killed may still hold its memory.
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def stop(self, how="fast"):
        self.call("pg_ctl", "-D", self.data, "-m", how, "-w", "stop")

    def kill(self):
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.1)


@pytest.fixture
def server():
    if not POSTGRES:
        pytest.skip("Debian's package postgresql is not installed")
    # Not below pytest's folders, which are closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="npfl-postgres-"))
    made = Server(folder)
    yield made
    with contextlib.suppress(AssertionError):
        made.stop("immediate")
    shutil.rmtree(folder)


def test_postgresql_takes_the_same_and_may_be_killed(template, tmp_path, server):
    from npfl_grader.authoring import creation as course

    folder = template.root.parent
    room = type(template)(tmp_path / "course")
    room.root.mkdir()
    (room.root / "nbgrader_config.py").write_text(
        course.CONFIG + f"c.CourseDirectory.db_url = {server.url!r}\n"
    )
    course.create(room.root, [folder / f"{room.name}.md"])
    wanted = {f"s{number:02}": number % 2 > 0 for number in range(60)}
    for student, right in wanted.items():
        room.hand_in(student, RIGHT if right else WRONG)
    process = write_only(room, "autograde", room.name)
    process.begin(room)
    time.sleep(0.5)
    server.kill()
    time.sleep(1)
    server.start()
    if process.wait(120):
        assert len(process.communicate().strip().splitlines()) == 1
        process = write_only(room, "autograde", room.name)
    assert process.wait(120) == 0, process.communicate()
    with contextlib.closing(create_engine(server.url).connect()) as database:
        rows = database.execute(
            text(
                """select s.student_id, sum(g.auto_score), count(*) from grade g
                join submitted_notebook x on x.id = g.notebook_id
                join submitted_assignment s on s.id = x.assignment_id group by 1"""
            )
        ).all()
    assert {student: (points, count) for student, points, count in rows} == {
        student: (5.0 if right else 0.0, 4) for student, right in wanted.items()
    }
    assert write_only(room, "autograde", room.name, "--dry-run").communicate().count("unchanged") == 60
    room.run("feedback", room.name, "--student", "s00")
    assert json.loads((room.root / "grading" / f"{room.name}.json").read_text())["complete"]
