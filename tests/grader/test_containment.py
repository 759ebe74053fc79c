"""One student's trouble is one student's: at every step an exception and a kill strike one of thirty."""

import json
import os
import signal
import zipfile
from concurrent.futures import Future

import pytest
from nbgrader.api import Gradebook

from npfl_grader.engine.job import Job, Outcome, Result, Status
from npfl_grader.grading import batch, feedback, grade, pool, record, search
from npfl_grader.insights import resemblance
from npfl_grader.lms import contents, publish
from npfl_grader.lms import feedback as lms_feedback

RIGHT = "def double(x):\n    return x + x"
STUDENTS = [f"s{number:02}" for number in range(30)]
STRUCK = "s13"


def raise_it():
    raise KeyError("in\x1b[2Jjected")


def kill_it():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(params=[raise_it, kill_it], ids=["exception", "kill"])
def strike(request, monkeypatch):
    """Let a function strike where what it is given is the one student's."""

    def strike(owner, name, whose):
        real = getattr(owner, name)

        def struck(*arguments, **named):
            if whose(*arguments, **named) == STRUCK:
                request.param()
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, struck)

    strike.kills = request.param is kill_it
    return strike


def all_right(job):
    """Take the engine's place: everything is passed."""
    return Result([Outcome(Status.OK, id=cell.id) for cell in Job.decode(job).cells], level="full").encode()


class Quick:
    """Workers that run nothing."""

    size = 2

    def submit(self, task):
        future = Future()
        future.set_result(grade.grade(task, all_right))
        return future

    def probe(self):
        return {"level": "full"}

    def done(self, future):
        pass

    def warm(self, libraries):
        pass

    def close(self):
        pass


@pytest.fixture(scope="module")
def handed_in(template, tmp_path_factory):
    room = template.copy(tmp_path_factory.mktemp("handed-in") / "course")
    for student in STUDENTS:
        room.hand_in(student, RIGHT)
    return room


@pytest.fixture
def class_of_thirty(handed_in, tmp_path):
    room = handed_in.copy(tmp_path / "course")
    room.crew = Quick()
    return room


@pytest.fixture(scope="module")
def graded(handed_in, tmp_path_factory):
    room = handed_in.copy(tmp_path_factory.mktemp("graded") / "course")
    room.crew = Quick()
    room.run("autograde", room.name)
    return room


@pytest.fixture
def graded_class(graded, tmp_path):
    return graded.copy(tmp_path / "graded")


def rest_is_graded(room, said):
    report = room.report()
    rows = {row["student"]: row for row in report["rows"]}
    assert {student: row["points"] for student, row in rows.items() if student != STRUCK} == dict.fromkeys(
        [student for student in STUDENTS if student != STRUCK], 5.0
    )
    assert rows[STRUCK]["state"] == "needs a look"
    why = rows[STRUCK]["reasons"][0]
    assert any(name in why for name in ("KeyError", "SIGKILL", "BrokenProcessPool"))
    assert "\x1b" not in why
    assert STRUCK in said
    assert "needs a look" in said
    scores = room.scores()
    assert all(scores[student] == (2.0, 3.0, 0.0) for student in STUDENTS if student != STRUCK)
    assert STRUCK not in scores or scores[STRUCK][1] is None


def test_reading(class_of_thirty, strike):
    strike(search, "read", lambda course, assignment, student, definitions: student)
    rest_is_graded(class_of_thirty, class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout)


def raise_while_grading(task):
    return raise_it() if task.student == STRUCK else grade.grade(task, all_right)


def kill_while_grading(task):
    return kill_it() if task.student == STRUCK else grade.grade(task, all_right)


def test_grading(class_of_thirty, strike, monkeypatch, crew):
    work = kill_while_grading if strike.kills else raise_while_grading
    monkeypatch.setattr(pool, "grade_within_limits", work)  # which the workers import from here
    class_of_thirty.crew = crew
    rest_is_graded(class_of_thirty, class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout)


def test_staging(class_of_thirty, strike):
    strike(record.Recorder, "_stage", lambda self, result: result.submission.student)
    rest_is_graded(class_of_thirty, class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout)
    assert not (class_of_thirty.root / "autograded" / STRUCK).exists()


@pytest.mark.parametrize("step", ["_write", "_publish"])
def test_recording(class_of_thirty, strike, step):
    def whose(self, results):
        found = results if isinstance(results, list) else [results]
        return STRUCK if STRUCK in {result.submission.student for result in found} else None

    strike(record.Recorder, step, whose)
    said = class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout
    rows = {row["student"]: row for row in class_of_thirty.report()["rows"]}
    assert [name for name, row in rows.items() if row["state"] != "graded"] == [STRUCK]
    why = rows[STRUCK]["reasons"][0]
    assert why.startswith("it could not be recorded")
    assert ("SIGKILL" if strike.kills else "KeyError") in why
    assert "needs a look" in said
    assert [name for name in STUDENTS if (class_of_thirty.root / "autograded" / name).exists()] == [
        name for name in STUDENTS if name != STRUCK
    ]
    assert class_of_thirty.scores().keys() - {STRUCK} == {*STUDENTS} - {STRUCK}


def test_summing_up(class_of_thirty, monkeypatch):
    real = batch.Batch._row

    def row(self, result):
        return raise_it() if result.submission.student == STRUCK else real(self, result)

    monkeypatch.setattr(batch.Batch, "_row", row)
    said = class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout
    rows = {row["student"]: row for row in class_of_thirty.report()["rows"]}
    assert [name for name, row in rows.items() if row["state"] != "graded"] == [STRUCK]
    assert "KeyError" in rows[STRUCK]["reasons"][0]
    assert "needs a look" in said
    assert class_of_thirty.scores().keys() == {*STUDENTS}


@pytest.mark.parametrize("step", ["render", "put into place"])
def test_drawing_of_feedback(graded_class, strike, step, monkeypatch):
    monkeypatch.setattr(feedback, "render", lambda page, made: f"<p>{page.student}</p>")
    if step == "render":
        strike(feedback, "render", lambda page, made: page.student)
    elif not strike.kills:  # a kill there ends the run, which has nothing half done then
        strike(feedback.Feedback, "_finish", lambda self, folder, part: folder.student)
    else:
        return
    said = graded_class.run("feedback", graded_class.name, code=3).stdout
    assert "29 of them written anew" in said
    assert f"needs a look: {STRUCK}" in said
    assert "\x1b" not in said
    pages = graded_class.root / "feedback"
    assert [name for name in STUDENTS if (pages / name / graded_class.name).exists()] == [
        name for name in STUDENTS if name != STRUCK
    ]


def test_collecting(room, strike):
    notebook = (room.root / "release" / room.name / f"{room.name}.ipynb").read_bytes()
    archive = room.root / "all.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for student in STUDENTS:
            packed.writestr(f"{student}/{room.name}.ipynb", notebook)
    with Gradebook(f"sqlite:///{room.root}/gradebook.db") as book:
        for student in STUDENTS:
            book.add_student(student)
    strike(contents, "read", lambda attempt, notebooks: attempt.owner)
    room.run("collect", room.name, archive, code=3)
    ledger = json.loads((room.root / "collected" / f"{room.name}.json").read_text())
    assert sorted(ledger["students"]) == [name for name in STUDENTS if name != STRUCK]
    assert list(ledger["unusable"]) == [STRUCK]
    assert "KeyError" in ledger["unusable"][STRUCK] or "SIGKILL" in ledger["unusable"][STRUCK]


def test_insights(graded_class, strike):
    strike(resemblance, "written", lambda course, assignment, student, stubs: student)
    said = graded_class.run("insights", graded_class.name, "--names", code=3).stdout
    assert "30 of 30 students" in said
    assert STRUCK in said


def pages_of(room):
    """Lay a page of feedback for everybody, as the grader writes them."""
    for student in STUDENTS:
        page = room.root / "feedback" / student / room.name / f"{room.name}.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>{student}</p>")


def packed(room):
    with zipfile.ZipFile(room.root / "published" / room.name / "feedback-moodle.zip") as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_publishing(graded_class, strike, monkeypatch):
    pages_of(graded_class)
    monkeypatch.setattr(publish, "_renew_feedback", lambda course, name: feedback.Written())
    strike(lms_feedback, "_origin", lambda source, collection, student, notebook: student)
    said = graded_class.run("publish", graded_class.name, "--system", "moodle", code=3).stdout
    assert f"needs a look: no feedback for {STRUCK}" in said
    assert ("SIGKILL" if strike.kills else "KeyError") in said
    assert "\x1b" not in said
    assert sorted(packed(graded_class).values()) == [f"<p>{name}</p>" for name in STUDENTS if name != STRUCK]
    table = (graded_class.root / "published" / graded_class.name / "grades-moodle.csv").read_text()
    assert all(student in table for student in STUDENTS)


def test_only_pages_of_the_grader_are_published(graded_class, monkeypatch):
    pages_of(graded_class)
    monkeypatch.setattr(publish, "_renew_feedback", lambda course, name: feedback.Written())
    page = graded_class.root / "feedback" / STRUCK / graded_class.name / f"{graded_class.name}.html"
    page.unlink()
    page.mkdir()
    (page.parent / "own.html").write_text("<script>steal()</script>")
    graded_class.run("publish", graded_class.name, "--system", "moodle")
    assert sorted(packed(graded_class).values()) == [f"<p>{name}</p>" for name in STUDENTS if name != STRUCK]
