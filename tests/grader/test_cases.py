"""Inputs with real trouble, one by one: what was handed in, and what has to come of it."""

import csv
import io
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from npfl_grader.authoring import creation

CASES = Path(__file__).parent / "desk"
ROOT = Path(__file__).parents[2]
NAME = "l1_update"

# The exercise as it was when the inputs were handed in: its last cell, for "Validate", is newer.
_FOLDER = tempfile.TemporaryDirectory(prefix="npfl-cases-")
EXERCISES = Path(_FOLDER.name)
shutil.copy(ROOT / "chapters" / "exercises" / "checks.py", EXERCISES)
_older, _, _ = (ROOT / "chapters" / "exercises" / f"{NAME}.md").read_text().rpartition("```{code-cell}")
(EXERCISES / f"{NAME}.md").write_text(_older)


@pytest.fixture(scope="module")
def exercise(tmp_path_factory, template, crew):
    """A course with the exercise of the inputs."""
    room = type(template)(tmp_path_factory.mktemp("cases") / "course", crew)
    creation.create(room.root, [EXERCISES / f"{NAME}.md"])
    return room


@pytest.fixture
def course(exercise, tmp_path):
    return exercise.copy(tmp_path / "course")


def enrol(course, roster):
    listed = creation.create(course.root, [EXERCISES / f"{NAME}.md"], CASES / roster).lines
    assert listed[-1].startswith("roster: ")
    return listed


def hand_in(course, student, files):
    for name, data in files.items():
        path = course.root / "submitted" / student / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else (CASES / data).read_bytes())


def ledger(course):
    return json.loads((course.root / "collected" / f"{NAME}.json").read_text())


def taken(course):
    return {student: row["number"] for student, row in ledger(course)["students"].items()}


def points(course, student):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "npfl") as gradebook:
        grades = gradebook.find_submission_notebook(NAME, NAME, student).grades
        return {grade.name: grade.auto_score for grade in grades}


def report(course):
    rows = json.loads((course.root / "grading" / f"{NAME}.json").read_text())["rows"]
    return {row["student"]: row for row in rows}


def test_a_last_name_that_is_an_id_gives_nobody_anothers_grade(course):
    enrol(course, "01-names.csv")
    course.run("collect", NAME, CASES / "01-names.zip")
    course.run("autograde", NAME)
    course.run("publish", NAME, "--system", "brightspace", "--template", CASES / "01-names.csv")
    text = (course.root / "published" / NAME / "grades-brightspace.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    grades = {row["Username"].lstrip("#"): row[f"{NAME} Points Grade <Numeric MaxPoints:12>"] for row in rows}
    solved = {"smith", "novak", "kim", "li"}
    assert {student for student, grade in grades.items() if float(grade) > 0} == solved
    # And who has changed nothing is named as such.
    assert all("nothing was changed" in str(report(course)[name]["reasons"]) for name in {*grades} - solved)


@pytest.mark.parametrize("roster", ["03-roster.csv", "03-roster-one.csv"])
def test_two_numbers_under_one_name_are_two_people(course, roster):
    enrol(course, roster)
    course.run("collect", NAME, CASES / "03-moodle-same-name.zip", code=3)
    assert taken(course) == {}
    path = course.root / "collected" / f"{NAME}.unmatched.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    assert {row["number"] for row in rows} == {"4711", "4712"}
    path.write_text(path.read_text().replace(",4711,", ",4711,x,u1\n#").split("#")[0])
    course.run("collect", NAME, CASES / "03-moodle-same-name.zip", code=3)
    assert taken(course) == {"u1": "4711"}


def test_names_of_all_scripts_are_read_from_canvas(course):
    enrol(course, "04-canvas-roster.csv")
    course.run("collect", NAME, CASES / "04-canvas-marks.zip")
    assert taken(course) == {"u1": "88071", "u2": "88078", "u3": "88211"}


def test_a_teams_number_is_not_a_students(course):
    enrol(course, "05-roster.csv")
    sheet = ["--worksheet", CASES / "05-worksheet.csv"]
    done = course.run("collect", NAME, CASES / "05-team.zip", *sheet, code=3)
    assert "the name is not" in " ".join(done.stdout.split())
    assert taken(course) == {}
    course.run("collect", NAME, CASES / "05-team.zip", *sheet, "--groups", CASES / "05-groups.csv")
    assert {*taken(course)} == {"u1", "u2"}


def test_pictures_reach_who_grades_by_hand(course):
    hand_in(course, "u1", {f"{NAME}.ipynb": "06-attachments.ipynb"})
    course.run("autograde", NAME)
    text = (course.root / "autograded" / "u1" / NAME / f"{NAME}.ipynb").read_text()
    cells = {cell["id"]: cell for cell in json.loads(text)["cells"]}
    assert {*cells["exact-zeros-why"]["attachments"]} == {"image.png", "image%20%281%29.png"}
    course.run("feedback", NAME)
    page = (course.root / "feedback" / "u1" / NAME / f"{NAME}.html").read_text()
    assert page.count("data:image/png;base64,") >= 2


def test_lists_are_read_in_any_encoding(course):
    listed = enrol(course, "07-roster-windows-1250.csv")
    assert "read as Windows-1250, for example Jiří, Dvořák" in listed[-2]
    enrol(course, "07-roster-excel-text-ids.csv")
    enrol(course, "07-roster-moodle-german.csv")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "npfl") as gradebook:
        names = {student.id: f"{student.first_name} {student.last_name}" for student in gradebook.students}
    assert names["00200016"] == "Šárka Čížková"
    assert names["00123456"] == "Jürgen Müller"
    assert names["00200009"] == "राहुल शर्मा"
    with zipfile.ZipFile(course.root / "m.zip", "w") as archive:
        for number in (1204500, 1204503):  # two of one name
            folder = f"Jürgen Müller_{number}_assignsubmission_file"
            archive.write(CASES / "06-attachments.ipynb", f"{folder}/{NAME}.ipynb")
    sheet = CASES / "07-worksheet-moodle-german.csv"
    course.run("collect", NAME, course.root / "m.zip", "--worksheet", sheet)
    assert taken(course) == {"00123456": "1204500", "00123457": "1204503"}
    assert ledger(course)["students"]["00123456"]["time"] == "2026-03-10T20:00:00+00:00"


def test_french_dates_say_what_was_in_time(course):
    config = course.root / "nbgrader_config.py"
    config.write_text(
        config.read_text() + f'c.NpflGrader.assignments = {{"{NAME}": {{"due": "2026-03-12 23:59"}}}}\n'
    )
    roster = course.root / "r.csv"
    roster.write_text(
        "id,first_name,last_name\nu1,Ömer,Çelik\nu2,Mary,Smith\nu3,Robert,van der Berg\n", encoding="utf-8"
    )
    creation.create(course.root, [EXERCISES / f"{NAME}.md"], roster)
    course.run("collect", NAME, CASES / "08-brightspace-french-dates.zip")
    students = ledger(course)["students"]
    assert {name: (row["time"][:10], row["late"]) for name, row in students.items()} == {
        "u1": ("2026-03-09", False),
        "u2": ("2026-03-20", True),
        "u3": ("2026-03-10", False),
    }
    # In a language that nobody knows, nothing is in time, and no attempt is the last.
    french = CASES / "08-brightspace-french-dates.zip"
    with zipfile.ZipFile(french) as old, zipfile.ZipFile(course.root / "x.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name.replace("mars", "smarch"), old.read(name) + b" ")
    shutil.rmtree(course.root / "submitted")
    (course.root / "collected" / f"{NAME}.json").unlink()
    course.run("collect", NAME, course.root / "x.zip", code=3)
    assert {*ledger(course)["students"]} == {"u2"}
    assert ledger(course)["students"]["u2"]["undated"] is True
    assert {*ledger(course)["unusable"]} == {"u1", "u3"}
    course.run("autograde", NAME, code=3)
    assert "timestamp.txt says no time" in str(report(course)["u2"]["reasons"])
    assert report(course)["u2"]["state"] == "needs a look"
    done = course.run("publish", NAME, "--system", "brightspace", code=3)
    assert "at a time that cannot be read, so without any penalty: u2" in " ".join(done.stdout.split())


def test_nothing_in_a_template_changes_but_the_grade(course):
    sheet = CASES / "09-worksheet-with-comments.csv"
    enrol(course, "07-roster-moodle-german.csv")
    hand_in(course, "00123456", {f"{NAME}.ipynb": "06-attachments.ipynb"})
    course.run("autograde", NAME)
    done = course.run("publish", NAME, "--system", "moodle", "--template", sheet, code=3)
    assert "the column counts 10 points, these are of 12" in " ".join(done.stdout.split())
    text = (course.root / "published" / NAME / "grades-moodle.csv").read_text("utf-8-sig")
    before = list(csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline="")))
    after = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row | {"Grade": ""} for row in after] == [row | {"Grade": ""} for row in before]
    assert float(after[0]["Grade"]) > 0
    assert {row["Grade"] for row in after[1:]} == {"0.00"}
    course.run("publish", NAME, "--system", "moodle", "--template", sheet, "--absent", "blank", code=3)
    text = (course.root / "published" / NAME / "grades-moodle.csv").read_text("utf-8-sig")
    assert {row["Grade"] for row in csv.DictReader(io.StringIO(text, newline=""))} == {"", after[0]["Grade"]}


def test_answers_survive_a_spreadsheet(course):
    enrol(course, "11-roster.csv")
    (course.root / "collected").mkdir()
    shutil.copy(CASES / "11-l1_update.unmatched.csv", course.root / "collected" / f"{NAME}.unmatched.csv")
    course.run("collect", NAME, CASES / "11-moodle.zip")
    assert taken(course) == {"u1": "4711", "u3": "4712"}
    path = course.root / "collected" / f"{NAME}.unmatched.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "Jörg Muster" in path.read_text("utf-8-sig")


def stripped(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell["id"] = f"n{hash(str(cell['source'])) % 10**9}"


def last_year(notebook):
    for cell in notebook["cells"]:
        if known := cell["metadata"].get("nbgrader"):
            known["grade_id"] += "-2025"
        cell["id"] += "-2025"


def changed(change):
    notebook = json.loads((CASES / "02-solution-cell-without-metadata.ipynb").read_text())
    change(notebook)
    return json.dumps(notebook).encode()


def inside(name):
    with zipfile.ZipFile(CASES / "02-stub-and-copy-of.zip") as archive:
        return archive.read(f"u1/{name}.ipynb")


ANSWER = inside(f"Copy of {NAME}")
RECOGNISED = {
    "solution": {f"{NAME}.ipynb": "02-solution-cell-without-metadata.ipynb"},
    "copy": {f"{NAME}.ipynb": inside(NAME), f"Copy of {NAME}.ipynb": ANSWER},
    "stripped": {f"{NAME}.ipynb": changed(stripped)},
    "last_year": {f"{NAME}.ipynb": changed(last_year)},
    "capitals": {f"{NAME}.IPYNB": ANSWER},
    "folder": {f"work/{NAME}.ipynb": ANSWER},
    "text": {f"{NAME}.ipynb.txt": ANSWER},
    "renamed": {"homework.ipynb": ANSWER},
    "old": {f"{NAME}.ipynb": "10-nbformat3.ipynb"},
}
LOOKED_AT = {
    "other": ({f"{NAME}.ipynb": "02-another-exercise/l1_update.ipynb"}, "notebook of another exercise"),
    "script": ({f"{NAME}.py": b"def l1_update(): pass"}, f"but {NAME}.py"),
    "nothing": ({"timestamp.txt": b"2026-03-10 20:00:00 UTC\n"}, "the folder is empty"),
    "zero": (
        {f"{NAME}.ipynb": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'},
        "no cells",
    ),
    "several": ({"a.ipynb": ANSWER, "b.ipynb": ANSWER.replace(b"np.sign", b"1 * np.sign")}, "several files"),
}


def test_notebooks_and_cells_are_found_by_their_content(course):
    """Never worse than nbgrader, which runs what stands in the file."""
    hand_in(course, "right", {f"{NAME}.ipynb": ANSWER})
    for student, files in RECOGNISED.items():
        hand_in(course, student, files)
    for student, (files, _) in LOOKED_AT.items():
        hand_in(course, student, files)
    course.run("autograde", NAME, code=3)
    want = points(course, "right")
    assert sum(score or 0 for score in want.values()) == 10
    rows = report(course)
    assert rows["right"]["reasons"] == []
    for student in RECOGNISED:
        assert points(course, student) == want, student
        assert rows[student]["state"] == "graded"
        assert rows[student]["reasons"] or student == "old", student
    for student, (_, why) in LOOKED_AT.items():
        assert {*points(course, student).values()} - {None, 0.0} == set(), student
        assert rows[student]["state"] == "needs a look", student
        assert why in str(rows[student]["reasons"]), rows[student]["reasons"]


def test_an_archive_of_another_assignment_is_noticed(course):
    enrol(course, "07-roster-moodle-german.csv")
    done = course.run("collect", NAME, CASES / "02-archive-of-another-assignment.zip", code=3)
    assert "submissions of another assignment" in " ".join(done.stdout.split())
    course.run("autograde", NAME, code=3)
    rows = report(course)
    assert len(rows) == 10
    assert {row["state"] for row in rows.values()} == {"needs a look"}


def test_feedback_and_grades_agree(course):
    hand_in(course, "u1", {f"{NAME}.ipynb": ANSWER, "timestamp.txt": b"2026-03-10 20:00:00 UTC\n"})
    hand_in(course, "u2", {f"{NAME}.ipynb": ANSWER})
    course.run("autograde", NAME)
    course.run("feedback", NAME)
    page = course.root / "feedback" / "u1" / NAME / f"{NAME}.html"
    assert "10 of 12" in page.read_text()
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "npfl") as gradebook:
        gradebook.find_grade("exact-zeros-why", NAME, NAME, "u1").manual_score = 2.0
        gradebook.update_or_create_assignment(NAME, duedate="2026-03-10 12:00:00 UTC")
        gradebook.db.commit()
    config = course.root / "nbgrader_config.py"
    config.write_text(
        config.read_text()
        + "c.LatePenalty.percent_per_day = 10\n"
        + f'c.NpflGrader.assignments = {{"{NAME}": {{"points": 20, "bonus": ["exact-zeros-why"]}}}}\n'
    )
    done = course.run("publish", NAME, "--system", "blackboard")
    said = " ".join(done.stdout.split())
    assert "feedback written anew, for grades that have changed since: 2" in said
    assert "10.8 of 12" in page.read_text()
    assert "on top of that, as bonus: exact-zeros-why" in said
    text = (course.root / "published" / NAME / "grades-blackboard.csv").read_text("utf-8-sig")
    # 12 of the 10 points that count, a tenth off for the day, of 20.
    assert dict(csv.reader(io.StringIO(text))) == {"Username": NAME, "u1": "21.60", "u2": "20.00"}
    text = (course.root / "published" / NAME / "questions.csv").read_text("utf-8-sig")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["u1"][f"{NAME}: exact-zeros-why (of 2)"] == "2"
    assert rows["u2"][f"{NAME}: exact-zeros-why (of 2)"] == ""
    assert rows["u1"]["penalty"] == "1.2"
    # Moodle's import would leave a bonus out above the maximum, in silence.
    sheet = course.root / "sheet.csv"
    sheet.write_text(
        "Identifier,ID number,Grade,Maximum grade\nParticipant 1,u1,,20.00\nParticipant 2,u2,,20.00\n"
    )
    done = course.run("publish", NAME, "--system", "moodle", "--template", sheet, code=3)
    assert "above the column's 20 points: u1; Moodle imports no such grade" in " ".join(done.stdout.split())
    # More time takes the penalty away.
    course.run("extend", NAME, "u1", "--days", "1")
    course.run("publish", NAME, "--system", "blackboard")
    text = (course.root / "published" / NAME / "grades-blackboard.csv").read_text("utf-8-sig")
    assert dict(csv.reader(io.StringIO(text)))["u1"] == "24.00"
    assert "12 of 12" in page.read_text()
    assert "there is no student nobody" in course.run("extend", NAME, "nobody", "--days", "1", code=1).stderr


def test_blackboard_goes_all_the_way(course):
    """A system that was added as one file: its archive is read, its grades are written."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "npfl") as gradebook:
        for student in ("li", "update_li", "x_1"):
            gradebook.add_student(student, first_name="Li", last_name="Li")
    with zipfile.ZipFile(course.root / "b.zip", "w") as archive:
        for owner, day in (("x_1", 9), ("x_1", 8), ("li", 9), ("update_li", 9)):
            name = f"l1_{owner}_attempt_2026-03-0{day}-10-00-00"
            archive.writestr(f"{name}_{NAME}.ipynb", ANSWER if day == 9 else b"{}")
            archive.writestr(f"{name}.txt", b"Name: Li Li")
    # All names begin with l1_: what ends in _update_li is update_li's.
    course.run("collect", NAME, course.root / "b.zip")
    assert {*ledger(course)["students"]} == {"li", "x_1", "update_li"}
    course.run("autograde", NAME)
    sheet = course.root / "gc.csv"
    title = f"{NAME} [Total Pts: 12 Score] |664617"
    rows = [["Last Name", "First Name", "Username", "Student ID", title]]
    rows += [
        ["Li", "Li", student, number, ""]
        for student, number in (("x_1", "1"), ("li", "2"), ("update_li", "3"))
    ]
    with sheet.open("w", encoding="utf-16", newline="") as file:  # as Blackboard writes it
        csv.writer(file, delimiter="\t").writerows(rows)
    course.run("publish", NAME, "--system", "blackboard", "--template", sheet)
    text = (course.root / "published" / NAME / "grades-blackboard.csv").read_text("utf-8-sig")
    grades = {row["Username"]: row[title] for row in csv.DictReader(io.StringIO(text), delimiter="\t")}
    assert grades == {"x_1": "10.00", "li": "10.00", "update_li": "10.00"}


def test_an_older_gradebook_is_told_what_to_run(course):
    import sqlite3

    with sqlite3.connect(course.root / "gradebook.db") as database:
        database.execute("alter table student rename column lms_user_id to old")
    done = course.run("publish", NAME, "--system", "canvas", code=1)
    assert "run 'nbgrader db upgrade'" in done.stderr


def test_several_students_are_chosen(course):
    for student in ("a1", "a2", "b"):
        hand_in(course, student, {f"{NAME}.ipynb": ANSWER})
    course.run("autograde", NAME, "--student", "a2", "--student", "b")
    assert {*report(course)} == {"a2", "b"}
    assert (
        "nothing was handed in"
        in course.run("autograde", NAME, "--student", "b", "--student", "c", code=1).stderr
    )


def test_feedback_says_what_quit_does(course):
    notebook = json.loads(ANSWER)
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "solution")
    cell["source"] = "def l1_update(theta, gradient, learning_rate, l1):\n    quit()"
    hand_in(course, "u1", {f"{NAME}.ipynb": json.dumps(notebook).encode()})
    course.run("autograde", NAME)
    course.run("feedback", NAME)
    page = (course.root / "feedback" / "u1" / NAME / f"{NAME}.html").read_text()
    assert "end the whole program, also a notebook: leave them out" in page


def test_the_pictures_of_a_solution_are_not_handed_out(course):
    path = course.root / "release" / NAME / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text())
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "exact-zeros-why")
    cell["attachments"] = {"solution.png": {"image/png": "iVBORw0KGgo="}}
    path.write_text(json.dumps(notebook))
    assert "has a picture, and students would see it" in course.run("release", "--zip", NAME, code=1).stderr


TIMES = {
    "2026-03-10 20:00:00 UTC": "graded",
    "2026-03-10 20:00:00 Europe/Prague": "graded",
    "10.3.2026 20:00": "graded",
    "10/3/2026 20:00": "needs a look",  # of March, or of October
    "2026-03-10 20:00:00 XYZ": "needs a look",  # nbgrader takes it for UTC
    "20:00": "needs a look",  # nbgrader takes it for today's
    "yesterday": "needs a look",
}


def test_a_time_that_is_not_certain_needs_a_look(course):
    for number, text in enumerate(TIMES):
        hand_in(course, f"u{number}", {f"{NAME}.ipynb": ANSWER, "timestamp.txt": text.encode()})
    course.run("autograde", NAME, code=3)
    rows = report(course)
    assert {text: rows[f"u{number}"]["state"] for number, text in enumerate(TIMES)} == TIMES
    times = dict(
        course.query("select s.student_id, s.timestamp from submitted_assignment s where timestamp not null")
    )
    assert times == {
        "u0": "2026-03-10 20:00:00.000000",
        "u1": "2026-03-10 19:00:00.000000",
        "u2": "2026-03-10 20:00:00.000000",
    }
    # The points are kept, and whoever publishes them is told.
    assert sum(score or 0 for score in points(course, "u6").values()) == 10
    done = course.run("publish", NAME, "--system", "moodle", code=3)
    assert "so without any penalty: u3, u4, u5, u6" in " ".join(done.stdout.split())


def test_who_is_left_out_of_the_list_makes_the_exit_code(course, tmp_path):
    roster = tmp_path / "r.csv"
    roster.write_text("id,first_name,last_name\nu1,Ann,A\n,Bob,B\n", encoding="utf-8")
    where = ["--exercises", EXERCISES, "--roster", roster]
    done = course.run("course", course.root, *where, code=3)
    assert "needs a look: r.csv: line 3 has no id, and is left out: Bob B" in done.stdout


ESCAPES = "\x1b]0;title\x07\x1b[31m"
TURNED = "\u202egpj"


def test_names_of_others_are_clean_wherever_they_go(course, tmp_path):
    """In a terminal, a report, a file's name, a list; whose they are is found by what was written."""
    roster = tmp_path / "r.csv"
    roster.write_text(f"id,first_name,last_name\nu1,An{ESCAPES}n,A{TURNED}\nu2,Bob,B\nu3,C\x85,C\n")
    creation.create(course.root, [EXERCISES / f"{NAME}.md"], roster)
    people = dict(course.query("select id, first_name || last_name from student"))
    assert people == {"u1": "AnnAgpj", "u2": "BobB", "u3": "CC"}
    with zipfile.ZipFile(course.root / "b.zip", "w") as archive:
        archive.writestr(f"1-2 - Bob B - Mar 9, 2026 905 AM/{NAME}.ipynb", ANSWER)
        archive.writestr(f"1-2 - Bob B - Mar 9, 2026 905 AM/da{TURNED}ta.csv", b"1")
        archive.writestr("1-2 - Bob B - Mar 9, 2026 905 AM/timestamp.txt", b"2020-01-01 00:00:00 UTC")
        archive.writestr(f"3-2 - No{TURNED}body - Mar 9, 2026 905 AM/{NAME}.ipynb", ANSWER)
        archive.writestr(f"5-2 - No\x9b31mbody - Mar 9, 2026 905 AM/{NAME}.ipynb", ANSWER)
        archive.writestr(f"4-2 - {ESCAPES}x - Mar 9, 2026 905 AM/{NAME}.ipynb", ANSWER)
        archive.writestr(f"stray{TURNED}.pdf", b"x")
    done = course.run("collect", NAME, course.root / "b.zip", code=3)
    written = [done.stdout, (course.root / "collected" / f"{NAME}.unmatched.csv").read_text("utf-8-sig")]
    found = {path.name for path in (course.root / "submitted").rglob("*") if path.is_file()}
    assert found == {f"{NAME}.ipynb", "dagpjta.csv", "timestamp.txt"}
    for text in [*written, *found]:
        assert not {letter for letter in text if letter in "\x1b\x07\x9b\x85\u202e"}, text
    said = " ".join(done.stdout.split())
    assert "timestamp.txt is left out" in said
    assert {question["owner"] for question in ledger(course)["unmatched"]} == {"Nogpjbody", "straygpj.pdf"}
    # And an answer is found again under the name that was shown.
    path = course.root / "collected" / f"{NAME}.unmatched.csv"
    path.write_text(
        path.read_text("utf-8-sig").replace("has this name,", "has this name,u3"), encoding="utf-8"
    )
    course.run("collect", NAME, course.root / "b.zip", code=3)
    assert {*ledger(course)["students"]} == {"u2", "u3"}
