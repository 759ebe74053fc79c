"""Control groups: where they are made, what is written into them, and that a submission is in one."""

import os
import shutil
from pathlib import Path

import pytest

from npfl_grader.engine.host import groups, worker
from npfl_grader.engine.job import Cell, Job, Level, Limits, Role, Status

UNIFIED = [
    path for path in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if Path(path, "cgroup.procs").exists()
]
CELLS = (
    Cell("s", Role.STUDENT, "def f(): return open('/proc/self/cgroup').read()"),
    Cell("t", Role.TEST, "assert 'npfl-grader-' in f(), f()"),
)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Lay a hierarchy: a session, this program's group in it, and what each of them may count."""

    def tree(own, counted_in_parent="", controllers="cpu memory pids", uid=1000):
        for folder in [
            tmp_path,
            *(tmp_path / own.strip("/")).relative_to(tmp_path).parents,
            Path(own.strip("/")),
        ]:
            folder = tmp_path / folder
            folder.mkdir(exist_ok=True)
            (folder / "cgroup.procs").write_text("")
            (folder / "cgroup.type").write_text("domain")
            (folder / "cgroup.controllers").write_text(controllers)
            (folder / "cgroup.subtree_control").write_text(counted_in_parent)
        here = tmp_path / own.strip("/")
        (here / "cgroup.procs").write_text("7\n8\n")
        (here / "cgroup.subtree_control").write_text("")
        monkeypatch.setattr(groups, "_mounted", lambda: tmp_path)
        monkeypatch.setattr(groups, "_own", lambda: own)
        monkeypatch.setattr(os, "getuid", lambda: uid)
        return here

    return tree


def test_beside_the_own_group_of_a_session(tree):
    here = tree("/session/own", "memory pids")
    assert groups._place(groups.CONTROLLERS) == here.parent
    assert [path.name for path in here.iterdir() if path.is_dir()] == []


def test_below_the_own_group_of_a_container(tree):
    here = tree("/")
    assert groups._place(groups.CONTROLLERS) == here
    assert (here / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert (here / "npfl-grader-rest" / "cgroup.procs").read_text() == "8"  # after 7, each by itself


@pytest.mark.parametrize(
    "known",
    [{"controllers": "cpu"}, {"uid": 0, "counted_in_parent": "memory pids"}],
    ids=["no memory", "root"],
)
def test_nowhere(tree, known):
    here = tree("/session/own", **known)
    assert groups._place(groups.CONTROLLERS) is None
    assert (here / "cgroup.subtree_control").read_text() == ""


def test_nothing_is_found_where_entering_changes_nothing(tree, monkeypatch):
    monkeypatch.setattr(groups, "_remove", shutil.rmtree)
    tree("/session/own", "memory pids", uid=os.getuid() or 1000)
    assert groups.find() is None


def test_what_the_kernel_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "_remove", shutil.rmtree)

    def made(prefix, dir):
        folder = Path(dir, prefix)
        folder.mkdir()
        (folder / "cgroup.procs").touch()
        return folder

    monkeypatch.setattr(groups.tempfile, "mkdtemp", made)
    limits = groups.limits(Job(CELLS, limits=Limits(memory=1000, file=10, processes=5)), own=100)
    with groups.group(tmp_path, limits):
        (folder,) = tmp_path.iterdir()
        told = {path.name: path.read_text() for path in folder.iterdir()}
    assert told == {"memory.max": "1320", "memory.oom.group": "1", "pids.max": "8", "cgroup.procs": ""}
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(os.getuid() != 0 or not UNIFIED, reason="needs a hierarchy of version 2 and root")
@pytest.mark.parametrize("level", ["full", "landlock"])
def test_the_students_processes_are_in_a_group_that_goes_with_them(level, monkeypatch):
    place = Path(UNIFIED[0])
    before = {*place.glob("npfl-grader-*")}
    # Which controllers this machine has here does not matter: none is asked for.
    monkeypatch.setattr(groups, "find", lambda: place)
    monkeypatch.setattr(groups, "limits", lambda job, own: {})
    pair = worker.Pair(level)
    try:
        result = pair.run(Job(CELLS, limits=Limits(cell=9, call=9, notebook=60), require=Level.NONE))
    finally:
        pair.close()
    assert result.cells[-1].status == Status.OK, result.cells[-1].outputs
    assert {*place.glob("npfl-grader-*")} <= before
