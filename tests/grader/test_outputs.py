"""What is shown: nothing active, nothing endless, no hidden test."""

import base64
import json

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.engine.job import Job, Outcome, Result, Role, Side, Status
from npfl_grader.grading import grade, outputs
from npfl_grader.grading.outputs import Policy

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
ACTIVE = {
    "text/html": "<script>alert(1)</script>",
    "image/svg+xml": "<svg onload=alert(1)>",
    "application/javascript": "alert(1)",
    "application/vnd.jupyter.widget-view+json": {},
    "text/markdown": "<script>",
    "text/latex": r"\href{javascript:alert(1)}{x}",
    "image/jpeg": "PHN2Zz4=",
}


def test_only_text_and_real_pictures_stay():
    shown = [
        {
            "output_type": "display_data",
            "data": ACTIVE | {"text/plain": "x", "image/png": PNG},
            "metadata": {},
        }
    ]
    assert outputs.clean(shown, Policy()) == [
        {"output_type": "display_data", "data": {"text/plain": "x", "image/png": PNG}, "metadata": {}}
    ]
    assert outputs.clean([{"output_type": "display_data", "data": ACTIVE}], Policy()) == []


@pytest.mark.parametrize("odd", [{}, {"output_type": "update"}, {"output_type": "display_data", "data": [1]}])
def test_odd_outputs_are_dropped(odd):
    assert outputs.clean([odd], Policy()) == []


def test_endless_output_is_cut():
    long = {"output_type": "stream", "name": "stdout", "text": "x\n" * 5000}
    (cut,) = outputs.clean([long, long], Policy())
    assert cut["text"].count("\n") == 999
    assert cut["text"].endswith("... Output truncated ...")
    (wide,) = outputs.clean([long | {"text": "x" * 10**6}], Policy())
    assert len(wide["text"]) < outputs.CHARACTERS + 100
    trace = {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["x"] * 500}
    assert len(outputs.clean([trace], Policy())[0]["traceback"]) == 100


SECRET = "hidden_input = 8715.25"
TEST = f"# Checks.\n### BEGIN HIDDEN TESTS\n{SECRET}\nassert f(hidden_input)\n### END HIDDEN TESTS"
FLAGS = {"grade": False, "solution": False, "task": False, "points": None, "checksum": None}
DEFINITION = Definition(
    "n",
    {},
    (
        Cell("f", "code", "", locked=False, **(FLAGS | {"solution": True})),
        Cell("t", "code", TEST, locked=True, **(FLAGS | {"grade": True, "points": 1.0})),
    ),
)


def test_a_message_that_quotes_an_answer_writes_nothing_to_a_terminal():
    said = "got \x1b[2J\x1b]0;title\x07\u202e4\nwanted 3"
    error = {"output_type": "error", "ename": "A\x1b[2JE", "evalue": said, "traceback": ["\x1b[31mE\x1b[0m"]}
    [kept] = outputs.clean([error], outputs.Policy())
    assert (kept["ename"], kept["evalue"]) == ("AE", "got 4\nwanted 3")
    assert kept["traceback"] == error["traceback"]  # its colours are for the page


def shown(policy, raised="test"):
    trace = [f"Cell In[2]\n----> 3 {SECRET}", "\x1b[31mCell\x1b[0m f\n----> 1 boom"]
    error = {"output_type": "error", "ename": "AssertionError", "evalue": "too small", "traceback": trace}
    printed = {"output_type": "stream", "name": "stdout", "text": "8715.25"}

    def execute(job):
        results = [
            {"id": "f", "status": "error", "outputs": [error], "execution_count": 1},
            {
                "id": "t",
                "status": "error",
                "raised": raised,
                "outputs": [printed, error],
                "execution_count": 2,
            },
        ]
        return json.dumps({"level": "full", "cells": results, "fault": None}).encode()

    notebook = {
        "nbformat": 4,
        "cells": [{"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": "f"}}}],
    }
    task = grade.Task("s", "n", DEFINITION, json.dumps(notebook).encode(), policy=policy)
    return grade.grade(task, execute).document.decode()


def test_of_a_hidden_test_its_name_and_message_are_shown():
    text = shown(Policy())
    assert "too small" in text
    assert "8715.25" not in text
    assert "boom" in text  # the student's own traceback, without the frame of the test
    assert outputs.SHOWN in text
    assert "BEGIN HIDDEN" not in text


def test_a_message_of_the_students_own_is_not_shown_by_a_hidden_test():
    text = shown(Policy(), raised="student").split('"id": "t"')[1]
    assert "too small" not in text
    assert "your code raised this error in a hidden test" in text


def test_the_instructor_chooses():
    assert "too small" not in shown(Policy("name")).split('"id": "t"')[1]
    everything = shown(Policy("all"))
    assert "hidden_input" in everything
    assert "BEGIN HIDDEN TESTS" in everything


MARKDOWN = """\
[a](javascript:alert(1)) <a href="javascript:alert(2)">b</a> <script>alert(3)</script>
![c](javascript:alert(4))
<img src=x onerror=alert(5)> [d](data:text/html,<script>alert(6)</script>)
<iframe src="//evil.example"></iframe>
![e](https://evil.example/e.png) ![f](attachment:missing.svg) <svg onload=alert(7)> <style>*{}</style>
<p style="position:fixed" onclick="alert(8)">g</p>

$$\\href{javascript:alert(9)}{x} \\Require{html}$$

> quoted, $a < b$

| h | i |
|---|---|
| [j](https://example.org/j) | `k` |
"""


@pytest.mark.parametrize("template", ["classic", "lab"])
def test_markdown_is_rendered_without_anything_that_runs_or_calls_home(template):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(MARKDOWN)])
    exporter = HTMLExporter(
        template_name=template, filters={"markdown2html": "npfl_grader.safe_html.markdown2html"}
    )
    html = exporter.from_notebook_node(notebook)[0]
    body = html[html.index("<body") :]
    for live in (
        "<script",
        'href="javascript',
        "<img src",
        "<iframe",
        "<svg",
        "<style",
        "<p style",
        "\\href",
        "\\Req",
    ):
        assert live not in body, live
    assert "<img" not in body or "evil.example" not in body.split("<img")[1].split(">")[0]
    for kept in (
        "<blockquote>",
        '<a href="https://example.org/j">j</a>',
        "<code>k</code>",
        "<table>",
        "$a &lt; b$",
    ):
        assert kept in body, kept


@pytest.mark.parametrize(("policy", "shows"), [("name", False), ("message", True)])
def test_an_input_kept_in_a_file_for_a_later_test_is_not_shown(policy, shows):
    cells = [
        {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": name}}}
        for name in ("f", "before", "t", "after")
    ]
    visible = FLAGS | {"grade": True, "points": 1.0}
    known = (
        DEFINITION.cells[0],
        Cell("before", "code", "assert f(1)", locked=True, **visible),
        DEFINITION.cells[1],
        Cell("after", "code", "assert f(2)", locked=True, **visible),
    )

    def execute(job):
        told = [
            {"output_type": "stream", "name": "stdout", "text": "8715.25"},
            {
                "output_type": "error",
                "ename": "AssertionError",
                "evalue": "8715.25",
                "traceback": ["8715.25"],
            },
        ]
        found = [
            Outcome(Status.ERROR, told, id=cell.id, execution_count=1, raised=Side.TEST)
            if cell.role == Role.TEST
            else Outcome(Status.OK, id=cell.id)
            for cell in Job.decode(job).cells
        ]
        return Result(found, level="full").encode()

    task = grade.Task(
        "s",
        "n",
        Definition("n", None, known),
        json.dumps({"nbformat": 4, "cells": cells}).encode(),
        policy=Policy(hidden_tests=policy),
    )
    graded = grade.grade(task, execute)
    written = {
        cell["metadata"]["nbgrader"]["grade_id"]: json.dumps(cell["outputs"])
        for cell in json.loads(graded.document)["cells"]
    }
    assert "8715.25" in written["before"]
    assert ("8715.25" in written["after"]) == shows
    assert "error" in written["after"]
