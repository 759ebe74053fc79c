"""Points from what the engine says: a zero only on evidence, and nothing that nbgrader would not give."""

import json

import nbformat
import pytest
from nbgrader.utils import determine_grade

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.grading import grade

FLAGS = {"locked": True, "grade": False, "solution": False, "task": False, "points": None, "checksum": None}


def known(name, kind="code", **more):
    return Cell(name, kind, f"# {name}", **(FLAGS | more))


DEFINITION = Definition(
    "n",
    {},
    (
        known("first", locked=False, solution=True),
        known("a", grade=True, points=4.0),
        known("second", locked=False, solution=True),
        known("b", grade=True, points=1.5),
        known("words", "markdown", locked=False, solution=True, grade=True, points=3.0),
        known("task", "markdown", task=True, points=2.0),
    ),
)


def cells(**sources):
    return json.dumps(
        {
            "nbformat": 4,
            "cells": [
                {
                    "cell_type": c.cell_type,
                    "source": sources.get(c.name, c.source),
                    "metadata": {"nbgrader": {"grade_id": c.name}},
                }
                for c in DEFINITION.cells
            ],
        }
    ).encode()


def engine(calls=None, **results):
    """Make an engine that gives each cell the result named, and else says that it ran."""

    def execute(job):
        if calls is not None:
            calls.append(json.loads(job))
        fine = {"status": "ok", "outputs": [], "execution_count": 1, "value": None}
        return json.dumps(
            {
                "level": "full",
                "seconds": 0.1,
                "fault": results.get("fault"),
                "cells": [
                    fine | {"id": cell["id"]} | results.get(cell["id"], {})
                    for cell in json.loads(job)["cells"]
                ],
            }
        ).encode()

    return execute


def graded(data=None, **results):
    return grade.grade(grade.Task("s", "n", DEFINITION, data or cells(first="x")), engine(**results))


@pytest.mark.parametrize(
    ("result", "points"),
    [
        ({}, 4.0),
        ({"value": 2.5}, 2.5),
        ({"value": 0}, 0.0),
        ({"value": 400.0}, 4.0),
        ({"value": -1.0}, 0.0),
        ({"value": 3.0, "status": "error"}, 0.0),
        ({"status": "timeout"}, 0.0),
        ({"status": "crash"}, 0.0),
        ({"outputs": [{"output_type": "stream", "name": "stderr", "text": "a warning"}]}, 4.0),
        ({"status": "fault"}, None),
        ({"status": "skipped"}, None),
        ({"status": "unheard of"}, None),
        ({"value": float("nan")}, None),
        ({"value": "4"}, None),
        ({"value": True}, None),
    ],
)
def test_points_of_a_test(result, points):
    found = graded(a=result)
    assert found.scores["a"] == points
    assert found.scores["b"] == 1.5
    assert ("a" in found.unsure) == (points is None)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [{"output_type": "stream", "name": "stdout", "text": "x"}],
        [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "2.5"},
                "metadata": {},
                "execution_count": 1,
            }
        ],
        [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "'ok'"},
                "metadata": {},
                "execution_count": 1,
            }
        ],
        [{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}],
    ],
)
def test_points_are_those_of_nbgrader(outputs):
    cell = nbformat.from_dict(
        {
            "cell_type": "code",
            "source": "",
            "metadata": {"nbgrader": {"grade": True, "solution": False, "points": 4.0, "grade_id": "a"}},
            "outputs": outputs,
        }
    )
    value = next((float(o["data"]["text/plain"]) for o in outputs if o.get("data") and "2" in str(o)), None)
    failed = any(output["output_type"] == "error" for output in outputs)
    found = graded(a={"outputs": outputs, "value": value, "status": "error" if failed else "ok"})
    assert found.scores["a"] == determine_grade(cell)[0]


def test_a_fault_is_tried_again_and_then_left_to_a_person():
    calls = []
    found = grade.grade(grade.Task("s", "n", DEFINITION, cells()), engine(calls, fault="no process"))
    assert len(calls) == grade.TRIES
    assert found.scores == {"a": None, "b": None, "words": None}
    assert found.comments["first"] == "Not graded automatically (a, b): no process"


def test_an_engine_that_fails_costs_nobody_a_point():
    def broken(job):
        raise OSError("disk full")

    found = grade.grade(grade.Task("s", "n", DEFINITION, cells()), broken)
    assert found.scores["a"] is None
    assert "disk full" in found.unsure["a"]


def test_the_reason_stands_at_the_solution_before_the_test():
    said = {"output_type": "error", "ename": "Fault", "evalue": "out\nof memory", "traceback": []}
    found = graded(b={"status": "fault", "outputs": [said]})
    assert found.scores == {"a": 4.0, "b": None, "words": 0.0}
    assert found.comments == {
        "first": None,
        "second": "No response.\nNot graded automatically (b): out of memory",
        "words": "No response.",
        "task": None,
    }


def test_untouched_answers_get_nbgraders_comment_and_others_wait():
    found = graded(cells(words="because"))
    assert found.scores["words"] is None
    assert found.comments == {"first": "No response.", "second": "No response.", "words": None, "task": None}
    assert "task" not in found.scores


def test_an_unreadable_file_is_left_to_a_person_with_a_notebook_to_look_at():
    found = grade.grade(grade.Task("s", "n", DEFINITION, b"<html><script>"), engine())
    assert set(found.scores.values()) == {None}
    assert found.unreadable
    notebook = nbformat.reads(found.document.decode(), as_version=4)
    nbformat.validate(notebook)
    assert "could not be read" in notebook.cells[0].source
    assert [c.metadata.nbgrader.grade_id for c in notebook.cells[1:]] == [c.name for c in DEFINITION.cells]
