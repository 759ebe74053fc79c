"""Attacks on the grader: each gets what it deserves, learns nothing, leaves nothing, and harms nobody.

Each is run like any submission, with short limits.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from npfl_grader.engine.host import worker

sys.path.insert(0, str(Path(__file__).parent))
from attacks import ALIKE, ATTACKS, BY_LEVEL, FORBIDDEN, HONEST, LIMITS, LOCKED, TESTS


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


@pytest.mark.parametrize("attack", BY_LEVEL, ids=lambda attack: attack.name)
def test_attack(attack, pair, host, left_over):
    attempt(attack, pair, host)


@pytest.mark.parametrize("pair", ["full"], indirect=True)
@pytest.mark.parametrize("attack", ALIKE, ids=lambda attack: attack.name)
def test_attack_that_is_the_same_at_every_level(attack, pair, host, left_over):
    attempt(attack, pair, host)


def attempt(attack, pair, host):
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
    innocent = hand_in(HONEST)
    assert scores(innocent) == (1, 1, 1), innocent


def test_enough_attacks():
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
