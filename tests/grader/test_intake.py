"""What is taken of a submitted notebook, and what never is."""

import contextlib
import json
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npfl_grader.course import settings, submissions
from npfl_grader.course.definition import Cell, Definition
from npfl_grader.grading import intake
from npfl_grader.grading.intake import IntakeError, read, rebuild
from npfl_grader.grading.recognition import recognise, why_not
from npfl_grader.lms import archives, contents
from npfl_grader.lms.attempts import Attempt

PNG = "iVBORw0KGgo="


def known(name, kind="code", **more):
    flags = {
        "locked": True,
        "grade": False,
        "solution": False,
        "task": False,
        "points": None,
        "checksum": "c",
    }
    return Cell(name, kind, f"# {name}", **(flags | more))


DEFINITION = Definition(
    "double",
    {"name": "python3"},
    (
        known("imports", grade=True, points=0.0),
        known("answer", locked=False, solution=True),
        known("seen", grade=True, points=2.0),
        known("later", grade=True, points=0.0),
        known("why", "markdown", locked=False, solution=True, grade=True, points=4.0),
    ),
)


def submitted(*cells):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()


def cell(source, name=None, kind="code", **more):
    metadata = {"nbgrader": {"grade_id": name}} if name else {}
    return {"cell_type": kind, "source": source, "metadata": metadata, "id": name or "own", **more}


HONEST = [
    cell("np = 0", "imports"),
    cell("mine = 1"),
    cell("def double", "answer"),
    cell("pass", "seen"),
    cell("later", "later"),
    cell("because", "why", "markdown"),
]


def sources(rebuilt):
    return [cell["source"] for cell in rebuilt.cells]


def test_locked_cells_are_the_instructors_and_answers_the_students():
    rebuilt = rebuild(DEFINITION, read(submitted(*HONEST)))
    assert sources(rebuilt) == ["# imports", "mine = 1", "def double", "# seen", "# later", "because"]
    assert list(rebuilt.roles.values()) == ["locked", "student", "student", "test", "test", "text"]
    assert rebuilt.notes == []
    seen = rebuilt.cells[3]
    assert seen["metadata"]["nbgrader"]["points"] == 2
    assert seen["metadata"]["editable"] is False
    assert seen["outputs"] == []
    assert "editable" not in rebuilt.cells[2]["metadata"]


def change_points(cells):
    cells[3]["metadata"]["nbgrader"] |= {"points": 100, "grade": False, "locked": False, "solution": True}


def to_markdown(cells):
    cells[3]["cell_type"] = "markdown"


def add_outputs(cells):
    cells[3]["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "2"}}]
    cells[2]["metadata"] |= {"tags": ["x"], "widgets": {}}


@pytest.mark.parametrize("change", [change_points, to_markdown, add_outputs])
def test_nothing_else_is_taken_from_the_file(change):
    cells = deepcopy(HONEST)
    change(cells)
    assert rebuild(DEFINITION, read(submitted(*cells))) == rebuild(DEFINITION, read(submitted(*HONEST)))


def test_of_a_doubled_cell_the_last_counts():
    rebuilt = rebuild(DEFINITION, read(submitted(cell("first", "answer"), *HONEST)))
    assert sources(rebuilt)[:4] == ["first", "# imports", "mine = 1", "def double"]
    assert rebuilt.roles[rebuilt.cells[0]["id"]] == "student"
    assert rebuilt.notes == ["the cell answer was there 2 times, the last one counts"]


def test_missing_cells_are_put_back_in_their_place():
    rebuilt = rebuild(DEFINITION, read(submitted(*HONEST[:2], *HONEST[4:])))
    assert sources(rebuilt) == ["# imports", "mine = 1", "# answer", "# seen", "# later", "because"]
    assert rebuilt.notes == [
        "the cell answer was missing and has been put back",
        "the cell seen was missing and has been put back",
    ]
    assert not rebuilt.told


def test_a_missing_cell_without_points_is_no_cause_to_look():
    handed_in = [cell for cell in HONEST if cell["id"] != "later"]  # such as one of a newer release
    rebuilt = rebuild(DEFINITION, read(submitted(*handed_in)))
    assert sources(rebuilt) == sources(rebuild(DEFINITION, read(submitted(*HONEST))))
    assert not rebuilt.notes
    assert rebuilt.told == ["the cell later, which has no points, was missing and has been put back"]


def test_a_stub_that_is_put_back_takes_no_answers_place():
    rebuilt = rebuild(DEFINITION, read(submitted(*HONEST[:2], *HONEST[3:])))
    stub = next(c for c in rebuilt.cells if c["source"] == "# answer")
    assert rebuilt.roles[stub["id"]] == "text"
    assert list(rebuilt.unfound) == ["answer"]  # "mine = 1" may be it
    # Of doubled cells a stub behind an answer does not count.
    rebuilt = rebuild(DEFINITION, read(submitted(*HONEST, cell("# answer", "answer"))))
    assert "def double" in sources(rebuilt)[2]
    assert rebuilt.notes == ["the cell answer was there 2 times, the last one that is no stub counts"]


def test_a_notebook_is_known_by_what_students_see_of_its_tests():
    hidden = "# Every size (2 points).\n### BEGIN HIDDEN TESTS\nassert f(1)\n### END HIDDEN TESTS\nlast = 1"
    checks = tuple(replace(known(name, grade=True, points=2.0), source=hidden) for name in ("t1", "t2", "t3"))
    answer = replace(known("answer", locked=False, solution=True), source="def f(): ...\ndef g(): ...")
    definition = Definition("two", {"name": "python3"}, (answer, *checks))
    # Only one of the two functions was written: nothing else says whose notebook this is.
    seen = [cell("# Every size (2 points).\nlast = 1", name) for name in ("t1", "t2", "t3")]
    found = recognise(definition, read(submitted(cell("def f(): return 1", "answer"), *seen)))
    assert found.known == 3
    assert why_not(definition, found) is None
    others = [cell("# Something else.", name) for name in ("t1", "t2", "t3")]
    found = recognise(definition, read(submitted(cell("def f(): return 1", "answer"), *others)))
    assert "notebook of another exercise" in why_not(definition, found)


def test_the_order_is_the_instructors():
    rebuilt = rebuild(DEFINITION, read(submitted(*reversed(HONEST))))
    assert [rebuilt.names.get(c["id"]) for c in rebuilt.cells if c["id"] in rebuilt.names] == [
        c.name for c in DEFINITION.cells
    ]
    assert "the instructor's cells were in another order" in rebuilt.notes


def test_ids_are_unique_and_legal():
    own = [
        cell("a", id="answer"),
        cell("b", id="../x"),
        cell("c", id="own"),
        cell("d", id="own"),
        cell("e", id=3),
    ]
    rebuilt = rebuild(DEFINITION, read(submitted(*own, *HONEST)))
    ids = [c["id"] for c in rebuilt.cells]
    assert len(set(ids)) == len(ids) == len(rebuilt.roles)
    assert all(intake.ID.fullmatch(number) for number in ids)


def test_pictures_of_written_answers_stay_and_nothing_else_attached():
    attached = {
        "a.png": {"image/png": PNG},
        "b.svg": {"image/svg+xml": "<svg onload='alert(1)'>"},
        "c.png": {"image/png": "PHN2Zz4="},
        "../d.png": {"image/png": PNG},
    }
    cells = deepcopy(HONEST)
    cells[5]["attachments"] = attached
    cells[3]["attachments"] = attached
    rebuilt = rebuild(DEFINITION, read(submitted(*cells)))
    assert rebuilt.cells[5]["attachments"] == {"a.png": {"image/png": PNG}}
    assert "attachments" not in rebuilt.cells[3]
    assert "b.svg (attached to seen)" in rebuilt.notes[-1]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"PK\x03\x04\xff\xfe", "the file is no text in UTF-8"),
        ("{}".encode("utf-16"), "the file is no text in UTF-8"),
        (b"{'cells': []}", "the file is no JSON"),
        (submitted(*HONEST)[:200], "the file is no JSON"),
        (b"[1, 2]", "the file is JSON, but no notebook"),
        (b'{"cells": []}', "no notebook of a known format (nbformat: None)"),
        (b'{"nbformat": 5, "cells": []}', "no notebook of a known format (nbformat: 5)"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 10_000, "the file is no JSON"),
        (submitted(*[cell("x")] * 3000), "3,000 cells, at most 2,000"),
        (b" " * (intake.SIZE + 1), "at most 20,000,000 are read"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_line(data, message):
    with pytest.raises(IntakeError) as error:
        read(data)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_and_lone_surrogates_do_no_harm():
    data = b"\xef\xbb\xbf" + submitted(cell("x = '\ud800'", "answer"))
    rebuilt = rebuild(DEFINITION, read(data))
    assert rebuilt.cells[1]["source"] == "x = '?'"


def test_the_format_of_ipython_2_is_read():
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "input": "def double",
                        "language": "python",
                        "metadata": {"nbgrader": {"grade_id": "answer"}},
                        "outputs": [],
                        "prompt_number": 1,
                        "collapsed": False,
                    }
                ]
            }
        ],
    }
    assert rebuild(DEFINITION, read(json.dumps(old).encode())).cells[1]["source"] == "def double"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
KEYS = ["cell_type", "source", "metadata", "id", "attachments"]
NAMES = st.sampled_from([c.name for c in DEFINITION.cells])
CELLS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5) | st.builds(
    lambda name, kind, more: cell("x", name, kind) | more,
    NAMES,
    st.sampled_from(["code", "markdown", "raw", "heading"]),
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=2),
)


@given(st.lists(CELLS | JSON, max_size=8))
def test_any_notebook_becomes_one_with_the_instructors_cells(cells):
    rebuilt = rebuild(DEFINITION, read(submitted(*cells)))
    kept = [rebuilt.names[c["id"]] for c in rebuilt.cells if c["id"] in rebuilt.names]
    assert kept == [c.name for c in DEFINITION.cells]
    assert all(
        c["source"] == f"# {rebuilt.names[c['id']]}"
        for c in rebuilt.cells
        if rebuilt.roles[c["id"]] in ("test", "locked")
    )
    json.dumps(rebuilt.cells).encode("utf-8")


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_file_is_read_or_refused(data):
    with contextlib.suppress(IntakeError):
        read(data)


def test_other_files_take_the_place_of_neither_the_notebook_nor_its_time(tmp_path):
    """More files than are read come before both in the alphabet: the time would be lost, and a penalty."""
    folder = tmp_path / "submitted" / "s" / "double"
    folder.mkdir(parents=True)
    for number in range(submissions.FILES + 50):
        (folder / f"a{number}.{'ipynb' if number % 2 else 'txt'}").write_text(str(number))
    (folder / "double.ipynb").write_text("{}")
    (folder / "timestamp.txt").write_text("2026-03-10 20:00:00 UTC" + " " * 10_000_000)
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    found = submissions.read(settings.load(tmp_path), "double", "s", ["double"])
    assert found.timestamp == "2026-03-10 20:00:00 UTC"
    assert {"double.ipynb", "timestamp.txt"} < {*found.files}
    assert len(found.files) == submissions.FILES
    assert "the rest is left out" in found.notes[0]


def test_other_notebooks_of_an_archive_do_not_take_the_place_of_the_assignments():
    files = [(PurePosixPath(f"a{n}.ipynb"), b"{}") for n in range(submissions.FILES + 50)]
    files.append((PurePosixPath("double.ipynb"), b"{}"))
    members = [(path, archives.Member(path, None, partial(bytes, data))) for path, data in files]
    kept, _, notes = contents.read(Attempt("a.zip", "folders", "s", files=members), ["double"])
    assert "double.ipynb" in kept
    assert len(kept) == submissions.FILES
    assert notes
