"""What others wrote is harmless wherever it goes, and stays readable."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.engine.job import Result
from npfl_grader.grading import grade
from npfl_grader.safe_html import markdown2html
from npfl_grader.text import clean

FLAGS = {"locked": True, "task": False, "checksum": None}
DEFINITION = Definition(
    "n",
    {},
    (
        Cell(
            "answer", "code", "# stub", **(FLAGS | {"locked": False}), grade=False, solution=True, points=None
        ),
        Cell("check", "code", "assert 1", **FLAGS, grade=True, solution=False, points=2.0),
    ),
)


@given(
    st.text() | st.text(st.characters(categories=["Cc", "Cs", "Cf", "Co", "Cn", "Zl", "Lu"])),
    st.integers(3, 50),
)
def test_nothing_active_is_left(text, most):
    for lines in (False, True):
        kept = clean(text, most, lines=lines)
        kept.encode()
        assert len(kept) <= most
        bad = {c for c in kept if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")}
        assert bad <= ({"\n", "\t"} if lines else set())
        assert clean(kept, most, lines=lines) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Jiří Dvořák", "Jiří Dvořák"),
        ("\x1b[2J\x1b]0;title\x07red\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\r\nb\x00c", "a b c"),
        ("\ud800", "\ufffd"),
        (3, "3"),
    ],
)
def test_text_stays_readable(text, kept):
    assert clean(text) == kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": json_values | st.sampled_from(["code", "markdown", "raw"]),
        "source": json_values,
        "id": json_values,
        "metadata": json_values
        | st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": json_values})}),
        "attachments": json_values,
    },
)
notebooks = st.fixed_dictionaries(
    {"nbformat": st.just(4) | json_values, "cells": st.lists(cells, max_size=4) | json_values},
    optional={"metadata": json_values},
)


@given(st.binary(max_size=50) | notebooks.map(lambda value: json.dumps(value).encode()))
def test_any_notebook_is_graded_or_left_to_a_person(data):
    def execute(job):
        return Result(fault="nothing runs here", final=True).encode()

    graded = grade.grade(grade.Task("s", "n", DEFINITION, data), execute)
    graded.document.decode()
    assert not graded.log
    for text in (graded.unreadable or "", *graded.notes, *graded.unsure.values()):
        assert text.isprintable(), text
        text.encode()


@pytest.mark.parametrize("version", ["\ud800", "\x1b[2J", "[/b]", True, 10**400, [], None])
def test_a_version_that_is_none_is_said_harmlessly(version):
    data = json.dumps({"nbformat": version, "cells": []}).encode()
    graded = grade.grade(grade.Task("s", "n", DEFINITION, data))
    assert "known format" in graded.unreadable or "no JSON" in graded.unreadable
    assert graded.unreadable.isprintable()
    json.loads(graded.document)


@pytest.mark.parametrize("command", ["href", "unicode", "class", "mmlToken", "htmlData"])
@pytest.mark.parametrize("slashes", [1, 2, 3, 4])
def test_no_command_that_reaches_out_of_mathematics_is_left_or_made(command, slashes):
    text = "\\" * slashes + command
    assert f"\\{command}" not in markdown2html({"cell": {}}, f"${text}{{javascript:steal()}}{{x}}$")
