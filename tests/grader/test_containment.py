"""One student's trouble is one student's: at every step an exception and a kill strike one of thirty."""

import json
import os
import signal
import zipfile

import pytest

from npfl_grader.grading import feedback, record, search
from npfl_grader.insights import resemblance
from npfl_grader.lms import contents

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


@pytest.fixture
def class_of_thirty(room):
    for student in STUDENTS:
        room.hand_in(student, RIGHT)
    return room


def rest_is_graded(room, said):
    report = room.report()
    rows = {row["student"]: row for row in report["rows"]}
    assert {student: row["points"] for student, row in rows.items() if student != STRUCK} == dict.fromkeys(
        [student for student in STUDENTS if student != STRUCK], 5.0
    )
    assert rows[STRUCK]["state"] == "needs a look"
    why = rows[STRUCK]["reasons"][0]
    assert "KeyError" in why or "SIGKILL" in why
    assert "\x1b" not in why
    assert STRUCK in said
    assert "needs a look" in said
    scores = room.scores()
    assert all(scores[student] == (2.0, 3.0, 0.0) for student in STUDENTS if student != STRUCK)
    assert STRUCK not in scores or scores[STRUCK][1] is None


def test_reading(class_of_thirty, strike):
    strike(search, "read", lambda course, assignment, student, definitions: student)
    rest_is_graded(class_of_thirty, class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout)


def test_staging(class_of_thirty, strike):
    strike(record.Recorder, "_stage", lambda self, result: result.submission.student)
    rest_is_graded(class_of_thirty, class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout)
    assert not (class_of_thirty.root / "autograded" / STRUCK).exists()


@pytest.mark.parametrize("step", ["_write", "_publish"])
def test_recording(class_of_thirty, strike, step):
    if strike.kills:
        return  # it ends the run, which goes on the next time: see test_record

    def whose(self, results):
        found = results if isinstance(results, list) else [results]
        return STRUCK if STRUCK in {result.submission.student for result in found} else None

    strike(record.Recorder, step, whose)
    said = class_of_thirty.run("autograde", class_of_thirty.name, code=3).stdout
    rows = {row["student"]: row for row in class_of_thirty.report()["rows"]}
    assert [name for name, row in rows.items() if row["state"] != "graded"] == [STRUCK]
    assert "KeyError" in rows[STRUCK]["reasons"][0]
    assert "needs a look" in said
    assert [name for name in STUDENTS if (class_of_thirty.root / "autograded" / name).exists()] == [
        name for name in STUDENTS if name != STRUCK
    ]


def test_drawing_of_feedback(class_of_thirty, strike):
    class_of_thirty.run("autograde", class_of_thirty.name)
    strike(feedback, "render", lambda page, made: page.student)
    said = class_of_thirty.run("feedback", class_of_thirty.name, code=3).stdout
    assert "29 of them written anew" in said
    assert f"needs a look: {STRUCK}" in said
    pages = class_of_thirty.root / "feedback"
    assert [name for name in STUDENTS if (pages / name / class_of_thirty.name).exists()] == [
        name for name in STUDENTS if name != STRUCK
    ]


def test_collecting(room, strike):
    notebook = (room.root / "release" / room.name / f"{room.name}.ipynb").read_bytes()
    archive = room.root / "all.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for student in STUDENTS:
            packed.writestr(f"{student}/{room.name}.ipynb", notebook)
    roster = room.root / "roster.csv"
    roster.write_text("id,first_name,last_name,email\n" + "".join(f"{name},,,\n" for name in STUDENTS))
    room.run("db", "student", "import", roster, program="nbgrader")
    strike(contents, "read", lambda attempt, notebooks: attempt.owner)
    room.run("collect", room.name, archive, code=3)
    ledger = json.loads((room.root / "collected" / f"{room.name}.json").read_text())
    assert sorted(ledger["students"]) == [name for name in STUDENTS if name != STRUCK]
    assert list(ledger["unusable"]) == [STRUCK]
    assert "KeyError" in ledger["unusable"][STRUCK] or "SIGKILL" in ledger["unusable"][STRUCK]


def test_insights(class_of_thirty, strike):
    class_of_thirty.run("autograde", class_of_thirty.name)
    strike(resemblance, "written", lambda course, assignment, student, stubs: student)
    said = class_of_thirty.run("insights", class_of_thirty.name, "--names", code=3).stdout
    assert "30 of 30 students" in said
    assert STRUCK in said


def test_publishing(class_of_thirty):
    class_of_thirty.run("autograde", class_of_thirty.name)
    class_of_thirty.run("feedback", class_of_thirty.name)
    page = class_of_thirty.root / "feedback" / STRUCK / class_of_thirty.name / f"{class_of_thirty.name}.html"
    page.unlink()
    page.mkdir()
    (page.parent / "own.html").write_text("<script>steal()</script>")
    class_of_thirty.run("publish", class_of_thirty.name, "--system", "moodle")
    packed = class_of_thirty.root / "published" / class_of_thirty.name / "feedback-moodle.zip"
    with zipfile.ZipFile(packed) as archive:
        assert len(archive.namelist()) == len(STUDENTS)
        assert not any("own" in name for name in archive.namelist())
