"""Whatever fails between bytes and grade, the student gets no zero and the others go on."""

import importlib
import inspect
import json

import nbformat
import pytest

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.engine.job import Job, Outcome, Result, Status
from npfl_grader.grading import grade

FLAGS = {"locked": True, "grade": False, "solution": False, "task": False, "points": None, "checksum": None}


def known(name, kind="code", **more):
    return Cell(name, kind, f"# {name}", **(FLAGS | more))


DEFINITION = Definition(
    "n",
    {},
    (
        known("answer", locked=False, solution=True),
        known("check", grade=True, points=4.0),
        known("words", "markdown", locked=False, solution=True, grade=True, points=3.0),
    ),
)
DATA = json.dumps(
    {
        "nbformat": 4,
        "cells": [
            {"cell_type": c.cell_type, "source": "x", "metadata": {"nbgrader": {"grade_id": c.name}}}
            for c in DEFINITION.cells
        ]
        + [{"cell_type": "raw", "source": "~~~", "metadata": {}}],
    }
).encode()
MODULES = ("course.policy", "grading.intake", "grading.verdict", "grading.outputs", "grading.document")
MODULES += ("grading.recognition", "grading.pictures", "text")
KINDS = (TypeError, KeyError, ValueError, OSError, AssertionError, RecursionError)


def functions():
    for name in MODULES:
        module = importlib.import_module(f"npfl_grader.{name}")
        owners = [module, *(k for _, k in inspect.getmembers(module, inspect.isclass))]
        for owner in owners:
            for value in vars(owner).values():
                function = getattr(value, "__func__", value)
                ours = inspect.isfunction(function) and function.__module__ == module.__name__
                if ours and not function.__code__.co_freevars and not function.__name__.startswith("__"):
                    yield function


def execute(job):
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "said"},
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["t"]},
        {"output_type": "display_data", "data": {"text/plain": "p"}, "metadata": {}},
    ]
    cells = [
        Outcome(Status.OK, outputs[: 1 + 2 * (cell.role == "student")], id=cell.id, execution_count=1)
        for cell in Job.decode(job).cells
    ]
    return Result(cells, level="full").encode()


def test_the_grade_without_a_fault():
    assert grade.grade(grade.Task("s", "n", DEFINITION, DATA), execute).scores == {
        "check": 4.0,
        "words": None,
    }


@pytest.mark.parametrize(
    "function", sorted(set(functions()), key=lambda f: f.__qualname__), ids=lambda f: f.__qualname__
)
def test_no_exception_between_bytes_and_grade_is_a_zero(function, monkeypatch):
    kind = KINDS[len(function.__qualname__) % len(KINDS)]
    names = {}
    exec(f"def f(*args, **kwargs): raise {kind.__name__}('injected')", names)
    monkeypatch.setattr(function, "__code__", names["f"].__code__)
    for graded in (
        grade.grade(grade.Task("s", "n", DEFINITION, DATA), execute),
        grade.without_running(grade.Task("s", "n", DEFINITION, DATA), "its worker ended"),
    ):
        assert graded.scores["check"] in (None, 4.0)
        assert (graded.scores["check"] is None) == ("check" in graded.unsure)
        assert not graded.failed
        notebook = nbformat.reads(graded.document.decode(), as_version=4)
        nbformat.validate(notebook)
