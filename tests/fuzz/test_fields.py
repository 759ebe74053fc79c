# ruff: noqa: E501 (pieces stand as in a table)
"""Whatever stands in any field of a notebook, of an archive or of a roster: nothing raises, nothing acts.

Each field is drawn by itself, beside others that are as they should be, so that what reads it is reached.
"""

import copy
import csv
import io
import json
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npfl_grader.course import settings as courses
from npfl_grader.course.gradebook import Marks
from npfl_grader.engine.job import Job, Outcome, Result, Status
from npfl_grader.errors import CourseError
from npfl_grader.grading import feedback, grade
from npfl_grader.lms import archives, contents, roster, spreadsheet
from npfl_grader.lms.attempts import Attempt
from npfl_grader.text import TURNING, harmless

sys.path.insert(0, str(Path(__file__).parent))
from targets import DEFINITION

PIECES = [
    "<script>act()</script>", "<img src=x onerror=act()>", "[a](javascript:act())", "$\\href{javascript:act()}{x}$",
    "</title><script>act()</script>", "</style><script>act()</script>", "</pre><script>act()</script>", '" onmouseover="act()" x="',
    "<svg onload=act()>", "![x](http://act.example/x.png)", "{{ act() }}", "{% raw %}", "&lt;script&gt;act()", "javascript:act()",
    "\x1b[2J", "\x9b2J", "\x07", "\u202e", "\ud800", "\x00", "\r", "\u2028", "=1+1", "@act", "+act", "\t=act", "[/b]", "[red]",
    "../../act", "/etc/act", "C:\\act", "a" * 300, "é" * 150, ".", "..", "", " ", "con", "~~~", "```", "%s{0}", "\\", "'", '"', ";", ",",
]  # fmt: skip
TEXT = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=4).map("".join)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
OUTPUTS = [
    {"output_type": "stream", "name": "stdout", "text": "said"},
    {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["E: e"]},
    {
        "output_type": "display_data",
        "data": {"text/plain": "1", "text/html": "<b>1</b>", "image/png": PNG},
        "metadata": {},
    },
]
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "source": "x", "outputs": OUTPUTS, "execution_count": 1,
         "metadata": {"tags": ["t"], "nbgrader": {"grade_id": "answer", "solution": True, "grade": False, "locked": False, "schema_version": 3}}},
        {"cell_type": "code", "id": "s", "source": "assert double(1) == 2", "outputs": [], "execution_count": 1,
         "metadata": {"nbgrader": {"grade_id": "seen", "solution": False, "grade": True, "locked": True, "points": 1, "schema_version": 3}}},
        {"cell_type": "markdown", "id": "m", "source": "text ![x](attachment:f.png)", "metadata": {}, "attachments": {"f.png": {"image/png": PNG}}},
        {"cell_type": "raw", "id": "r", "source": "raw", "metadata": {"format": "text/html"}},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python"}, "language_info": {"name": "python"}, "title": "t", "authors": [{"name": "n"}]},
    "nbformat": 4,
    "nbformat_minor": 5,
}  # fmt: skip


def places(value, path=()):
    """List the ways to all that can be replaced."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


PLACES = sorted(filter(None, places(NOTEBOOK)), key=repr)


def replaced(path, value, key=None):
    notebook = copy.deepcopy(NOTEBOOK)
    inner = notebook
    for step in path[:-1]:
        inner = inner[step]
    if key is not None and isinstance(inner, dict):
        inner[key] = inner.pop(path[-1])
    else:
        inner[path[-1]] = value
    return json.dumps(notebook).encode()


def run(outputs):
    """Take the engine's place: the answer fails and shows what it likes."""

    def execute(job):
        cells = [Outcome(Status.ERROR, copy.deepcopy(outputs), id=cell.id) for cell in Job.decode(job).cells]
        return Result(cells, level="full").encode()

    return execute


def graded(data, outputs=()):
    return grade.grade(grade.Task("s", "double", DEFINITION, data), run(list(outputs)))


def sound(found):
    nbformat.validate(nbformat.reads(found.document.decode(), as_version=4))
    said = [*found.notes, *found.failed.values(), *found.unsure.values(), found.unreadable or ""]
    for text in [*said, *filter(None, found.comments.values())]:
        assert harmless(text.replace("\n", "").replace("\t", "")), text
    assert set(found.scores) == {"seen"}
    assert not found.log  # the grader has not failed


@QUICK
@given(place=st.sampled_from(PLACES), value=JSON, key=st.one_of(st.none(), TEXT))
def test_every_field_of_a_notebook(place, value, key):
    sound(graded(replaced(place, value, key)))


@QUICK
@given(
    output=st.sampled_from(OUTPUTS),
    field=st.sampled_from(["output_type", "name", "text", "ename", "evalue", "traceback", "data", "metadata"]),
    value=st.one_of(JSON, TEXT, st.dictionaries(st.sampled_from(["text/plain", "text/html", "image/png", "image/svg+xml"]), TEXT)),
)  # fmt: skip
def test_every_field_of_an_output(output, field, value):
    sound(graded(json.dumps(NOTEBOOK).encode(), [output | {field: value}]))


class Acts(HTMLParser):
    """What of a page would act: tags and attributes that carry a piece of the submission's."""

    found = ""
    script = False

    def handle_starttag(self, tag, attributes):
        self.script = tag in ("script", "style")
        for name, value in attributes:
            where = "".join((value or "").split()).casefold()
            if "act()" in where and (name.startswith("on") or where.startswith("javascript")):
                self.found += f"{tag} {name}={value}"
            if name in ("src", "href") and "act.example" in where and tag != "a":
                self.found += f"{tag} {name}={value}"

    def handle_data(self, data):
        if self.script and "act()" in data:
            self.found += data

    def handle_endtag(self, tag):
        self.script = False


def test_every_piece_in_every_field_of_a_page(tmp_path):
    """All pieces at once in each field, for drawing a page takes longer than all the rest."""
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    made = feedback.exporter(courses.load(tmp_path))
    every = "\n\n".join(PIECES)
    output = [{**one, "text": every} if "text" in one else {**one, "ename": every, "evalue": every, "traceback": [every]} if "ename" in one
              else {**one, "data": {"text/plain": every, "text/html": every, "image/svg+xml": every, "text/markdown": every}} for one in OUTPUTS]  # fmt: skip
    for place in PLACES:
        if (
            place[-1] not in ("cell_type", "nbformat", "cells")
            and len(place) > 1
            and isinstance(place[-1], str)
        ):
            found = graded(replaced(place, every), output)
            marks = Marks({"seen": (0.0, 1.0)}, {"answer": every})
            page = feedback.Page("s", "double", "double", "double.ipynb", marks, found.document)
            acts = Acts()
            acts.feed(feedback.render(page, made))
            assert not acts.found, (place, acts.found)


@QUICK
@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(
    names=st.lists(TEXT.filter(lambda name: name and name[0] != "\0"), min_size=1, max_size=6),
    data=st.binary(max_size=20),
)
def test_every_name_of_an_archive(names, data):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name.encode("utf-8", "replace").decode()), data)
    try:
        members, refused = archives.listing(io.BytesIO(packed.getvalue()), archives.Bounds())
    except archives.Refused:
        return
    attempt = Attempt("all.zip", "folders", "s", files=[(member.path, member) for member in members])
    files, _, notes = contents.read(attempt, ["double"])
    for text in [*files, *refused, *refused.values(), *notes]:
        assert harmless(text), text
        assert "\x1b" not in text
    for name in files:
        assert not PurePosixPath(name).is_absolute()
        assert ".." not in PurePosixPath(name).parts
        assert all(len(part.encode()) <= 255 for part in PurePosixPath(name).parts)


@QUICK
@given(
    fields=st.lists(TEXT, min_size=4, max_size=4),
    header=st.sampled_from(["id,first_name,last_name,email", "Identifier,Full name,ID number,Email address,Status,Grade"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "latin-1"]),
)  # fmt: skip
def test_every_field_of_a_roster(fields, header, encoding, tmp_path_factory):
    text = io.StringIO()
    csv.writer(text).writerows([header.split(","), fields + [""] * (header.count(",") - 3)])
    path = tmp_path_factory.mktemp("roster") / "roster.csv"
    path.write_bytes(text.getvalue().encode(encoding, "replace"))
    try:
        found = roster.read(path)
    except CourseError as error:
        found = roster.Roster([], notes=[str(error).replace("\n", " ")])
    for person in found.students:
        assert harmless(TURNING.sub("", person.id)), person
        assert "/" not in person.id
        assert person.id not in (".", "..")
        for cell in (person.id, person.first_name, person.last_name, person.email):
            assert spreadsheet.defuse(cell or "").lstrip()[:1] not in {"=", "+", "@"}
    assert all(harmless(note) for note in [*found.notes, *found.dropped])
