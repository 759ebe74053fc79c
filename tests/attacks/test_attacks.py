"""Attacks on the grader: each gets what it deserves, learns nothing, leaves nothing, and harms nobody.

Each is run like any submission, with short limits.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from npfl_grader.engine.host import keeper, linux, worker

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))
from attacks import ATTACKS, FORBIDDEN, HONEST, LIMITS, LOCKED, TESTS  # noqa: E402


def cells(source: str, more: str = "") -> list[dict[str, str]]:
    return [
        {"id": "imports", "role": "locked", "source": LOCKED},
        {"id": "answer", "role": "student", "source": source},
        *({"id": name, "role": "test", "source": test} for name, test in TESTS.items()),
        {"id": "more", "role": "student", "source": more},
    ]


def hand_in(source: str, more: str = "") -> dict:
    job = {
        "cells": cells(source, more),
        "limits": LIMITS,
        "files": {},
        "require": "none",
        "engine": "two-process",
    }
    return json.loads(worker.execute(json.dumps(job).encode()))


def scores(result: dict) -> tuple[float, ...]:
    found = {cell["id"]: cell for cell in result["cells"]}
    passed = [found[name]["status"] == "ok" for name in TESTS]
    return (float(passed[0]), float(passed[1]), found["part"]["value"] or 0.0 if passed[2] else 0.0)


def told_to_student(result: dict) -> str:
    """All text in the results, but for the tests' own code in tracebacks, which feedback does not have."""
    for cell in result["cells"]:
        if cell["id"] in TESTS:
            cell["outputs"] = [{**output, "traceback": []} for output in cell["outputs"]]
    return json.dumps(result)


@pytest.fixture(scope="module")
def host():
    with tempfile.TemporaryDirectory(prefix="npfl-host-") as folder:
        Path(folder, "other.ipynb").write_text("SECRET-OF-ANOTHER-STUDENT")
        os.chmod(folder, 0o777)
        os.environ["NPFL_SECRET"] = "SECRET-OF-THE-GRADER"
        yield folder
        del os.environ["NPFL_SECRET"]


@pytest.fixture(scope="module", params=["full", "landlock"])
def pair(request):
    if request.param == "landlock" and os.getuid() == 0:
        pytest.skip("test_as_ordinary_user does this one")
    worker.close()
    pair = worker.Pair(request.param)
    if pair.level != request.param:
        pair.close()
        pytest.skip(f"this machine allows no level '{request.param}': {pair.student.reasons}")
    worker._idle.append(pair)
    yield pair
    worker.close()
    assert not os.path.exists(pair.student.base)
    assert not os.path.exists(pair.tests.base)


def left_over(pair: worker.Pair) -> set[int]:
    return {p for warm in (pair.student, pair.tests) for p in keeper.below(warm.process.pid)}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(attack, pair, host):
    before = left_over(pair)
    result = hand_in(attack.source.replace("HOST", host), attack.more)
    assert result["fault"] is None
    statuses = {cell["id"]: cell["status"] for cell in result["cells"]}
    assert result["level"] == pair.level
    if not (attack.harms_itself and pair.level != "full"):
        assert scores(result) == attack.deserved, (statuses, told_to_student(result)[:3000])
        assert "fault" not in statuses.values(), told_to_student(result)[:3000]
    text = told_to_student(result)
    assert not [secret for secret in FORBIDDEN if secret in text], text[:3000]
    assert len(text) < 2 * LIMITS["output"] + 50_000
    assert os.listdir(host) == ["other.ipynb"]
    assert worker._idle, "the warm processes did not survive"
    if worker._idle[-1] is pair:
        assert left_over(pair) == before
        assert os.listdir(pair.student.base) == os.listdir(pair.tests.base) == []
    innocent = hand_in(HONEST)
    assert scores(innocent) == (1, 1, 1), innocent


def become_ordinary() -> None:
    """Go on as a user without rights, who still finds this Python where only root could find it."""
    linux.unshare(linux.NEW_MOUNT)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755")
    for number, path in enumerate({Path(sys.base_prefix), Path(sys.prefix), ROOT}):
        closed = [folder for folder in path.parents if not folder.stat().st_mode & 1]
        if closed:
            os.mkdir(f"/mnt/{number}")
            linux.mount(str(path), f"/mnt/{number}", None, linux.MS_BIND)
            linux.mount("tmpfs", str(closed[-1]), "tmpfs", 0, "mode=755")
            path.mkdir(parents=True)
            linux.mount(f"/mnt/{number}", str(path), None, linux.MS_BIND)
    os.setgroups([])
    os.setresgid(20001, 20001, 20001)
    os.setresuid(20001, 20001, 20001)


@pytest.mark.skipif(os.getuid() != 0, reason="this is an ordinary user already")
def test_as_ordinary_user(tmp_path):
    some = "honest or bomb or memory or disk or signals or proc or process or forged"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        f"landlock or (full and ({some}))",
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [*command, __file__],
        preexec_fn=become_ordinary,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout


def test_enough_attacks():
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
