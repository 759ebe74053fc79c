"""Jobs for the engine, and the worker that runs them."""

import json

import pytest

from npfl_grader.engine.host import worker

LIMITS = {
    "cell": 5,
    "call": 3,
    "notebook": 30,
    "memory": 1 << 30,
    "processes": 32,
    "output": 1 << 20,
    "file": 8 << 20,
}


@pytest.fixture(scope="session", autouse=True)
def _warm():
    yield
    worker.close()


@pytest.fixture(scope="session")
def run_cells():
    """Run cells, pairs of role and source, of which some may have been late, and return their results."""

    def run_cells(*cells, engine="two-process", files=None, require="none", late=(), **limits):
        listed = [
            {"id": f"c{i}", "role": role, "source": source, "late": i in late}
            for i, (role, source) in enumerate(cells)
        ]
        job = {"cells": listed, "limits": LIMITS | limits, "files": files or {}, "require": require}
        result = json.loads(worker.execute(json.dumps(job | {"engine": engine}).encode()))
        assert result["fault"] is None, result
        return result["cells"]

    return run_cells


@pytest.fixture(scope="session")
def check(run_cells):
    """Run a test cell against a student's cell and return its result; both sides have NumPy as np."""

    def check(student, test, **options):
        return run_cells(("locked", "import numpy as np"), ("student", student), ("test", test), **options)[
            -1
        ]

    return check
