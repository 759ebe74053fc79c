"""The learning management systems: whose work and whose grade is whose, over made-up classes."""

import csv
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from datetime import datetime
from pathlib import Path, PurePosixPath

import pytest
from babel import Locale
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from npfl_grader.course.gradebook import Person
from npfl_grader.errors import CourseError
from npfl_grader.lms import attempts, contents, dates, ledger, publish, roster, spreadsheet
from npfl_grader.lms.attempts import Matcher
from npfl_grader.lms.grades import Choice, Grade, Outcome
from npfl_grader.lms.people import People, full_name, plain_name
from npfl_grader.lms.publish import Publisher
from npfl_grader.lms.system import Published
from npfl_grader.lms.system import known as systems

CASES = Path(__file__).parent / "desk"
UTC = dates.UTC
PACKS = json.loads((CASES / "moodle-titles.json").read_text(encoding="utf-8"))["titles"]

# Names of many scripts, equal ones, prefixes of one another, and such that are ids of others.
FIRST = [
    "Jan",
    "Jana",
    "Li",
    "Kim",
    "राहुल",
    "रोहित",
    "สมชาย",
    "İpek",
    "Işık",
    "محمد",
    "Ольга",
    "王",
    "Đorđe",
    "José",
    "Jose",
]
LAST = [
    "Smith",
    "Li",
    "Kim",
    "Novák",
    "Novak",
    "शर्मा",
    "ใจดี",
    "Şahin",
    "الأحمد",
    "Иванова",
    "伟",
    "O'Neill",
    "de la Cruz",
]
IDS = [
    "smith",
    "li",
    "kim",
    "novak",
    "jan",
    "jsmith",
    "kimlee",
    "attempt",
    "hw",
    "1",
    "12",
    "0012",
    "u_1",
    "x1",
    "x12",
    "a.b",
]


@st.composite
def classes(draw):
    """Some students with the numbers that a system gives them."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=2, max_size=8, unique=True))
    people = []
    for number, student in enumerate(ids):
        first, last = draw(st.sampled_from(FIRST)), draw(st.sampled_from(LAST))
        lms_id = str(4000 + number) if draw(st.booleans()) else None
        email = f"{student}@u.edu" if draw(st.booleans()) else None
        people.append(Person(student, first, last, email, lms_id))
    return people


def archive(system, people, draw):
    """What each has handed in, in the archive of a system: the file's content is the student's id."""
    files = {}
    signed = draw.random() < 0.5
    for number, person in enumerate(people):
        numbers = 4000 + number
        name = full_name(person)
        match system:
            case "moodle":
                path = f"{name}_{numbers}_assignsubmission_file/hw.ipynb"
            case "canvas":
                letters = (person.last_name + person.first_name).lower().replace(" ", "")
                path = f"{letters}_{numbers}_7{number}_hw.ipynb"
            case "brightspace":
                path = f"{numbers}-99 - {name} - Mar 1, 2026 {900 + draw.randrange(2)} AM/hw.ipynb"
            case "blackboard":
                path = f"my_hw_{person.id}_attempt_2026-03-01-09-00-00_hw.ipynb"
                if signed:
                    files[path.replace("_hw.ipynb", ".txt")] = f"Name: {name} ({person.id})\n".encode()
            case "folders":
                path = draw.choice(
                    [
                        f"{person.id}/hw.ipynb",
                        f"{person.id}_{person.last_name}/hw.ipynb",
                        f"{name} ({person.id})/hw.ipynb",
                        f"all/hw_{person.id}.ipynb",
                        f"{person.id}-hw.ipynb",
                        f"{person.last_name}_{person.id}_hw_final.ipynb",
                        f"hw_{person.id}_late/notebooks/hw.ipynb",
                        f"{person.id}_{draw.choice(IDS)}/hw.ipynb",
                        f"{person.id}/{draw.choice(LAST)}/{draw.choice(IDS)}/hw.ipynb",
                    ]
                )
        files[path] = person.id.encode()
    order = list(files)
    draw.shuffle(order)
    return {path: files[path] for path in order}


def pack(path, files):
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(classes(), st.sampled_from([*systems(), "folders"]), st.integers(), st.integers(0, 3))
def test_no_work_reaches_somebody_else_and_all_that_is_not_matched_is_listed(
    tmp_path, people, system, seed, strangers
):
    draw = random.Random(seed)
    # Some of those who hand in are not in the course's list; of two of one name nobody could tell.
    names = [
        {plain_name(one.first_name + one.last_name), plain_name(one.last_name + one.first_name)}
        for one in people
    ]
    enrolled = [
        person
        for place, person in enumerate(people)
        if place >= strangers
        or sum(bool(names[place] & other) for other in names) > 1
        or place == len(people) - 1
    ]
    files = archive(system, people, draw)
    pack(tmp_path / "all.zip", files)
    everybody = People.of(enrolled)
    try:
        found, refused = attempts.read(tmp_path / "all.zip", everybody, UTC, ["hw"])
    except CourseError:  # nothing in it says whose it is, and the instructor is told
        assume(False)
    assert not refused
    matched = 0
    for attempt, (students, why) in zip(found, Matcher(everybody).all(found), strict=True):
        assert len(students) == 1 or why
        for _, member in attempt.files:
            for student in students:
                assert member.read().decode() == student, (attempt.owner, attempt.number, students)
            matched += 1
    assert matched == sum(path.endswith(".ipynb") for path in files)


def rows(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def _is_unicode(path):
    data = path.read_bytes()
    try:
        return data[:2] == b"\xff\xfe" or bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(classes(), st.sampled_from([*systems()]), st.randoms())
def test_no_grade_reaches_somebody_else(tmp_path, people, system, draw):
    """The lists of the systems, with names that are others' ids, in any order."""
    source = systems()[system]
    headers = {
        "moodle": ["Identifier", "Full name", "ID number", "Email address", "Grade", "Feedback comments"],
        "canvas": ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw (12)"],
        "brightspace": [
            "OrgDefinedId",
            "Username",
            "Last Name",
            "First Name",
            "hw Points Grade",
            "End-of-Line Indicator",
        ],
        "blackboard": ["Last Name", "First Name", "Username", "Student ID", "hw [Total Pts: 10 Score] |77"],
    }
    lines = []
    for number, person in enumerate(people):
        lines.append(
            {
                "Identifier": f"Participant {9000 + number}",
                "Full name": full_name(person),
                "ID number": person.id,
                "Email address": person.email or "",
                "Student": f"{person.last_name}, {person.first_name}",
                "ID": person.lms_id or f"{5000 + number}",
                "SIS User ID": f"S{number}",
                "SIS Login ID": person.id,
                "Section": draw.choice(IDS),
                "OrgDefinedId": f"#{number + 70000}",
                "Username": ("#" if system == "brightspace" else "") + person.id,
                "Last Name": person.last_name,
                "First Name": person.first_name,
                "Student ID": f"{number + 80000}",
                "Feedback comments": draw.choice(["-", "=1", "+1 good", "@x", "- a\n- b", ""]),
                "End-of-Line Indicator": "#",
            }
        )
    draw.shuffle(lines)
    head = headers[system]
    if system == "moodle":  # in the teacher's language
        says = PACKS[draw.choice([*PACKS])]
        for line, number in zip(lines, draw.sample(range(9000, 9999), len(lines)), strict=True):
            line["Identifier"] = f"{says['participant'][0]}{number}"
        fields = {
            "Identifier": "number",
            "Full name": "full_name",
            "Email address": "email",
            "Grade": "grade",
        }
        titles = {english: says[name][0] for english, name in fields.items()} | {"ID number": says["id"][1]}
        lines = [{titles.get(name, name): line[name] for name in head if name in line} for line in lines]
        head = [titles.get(name, name) for name in head]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, head, extrasaction="ignore", restval="", delimiter=draw.choice(",;\t"))
    writer.writeheader()
    writer.writerows(lines)
    path = tmp_path / "list.csv"
    path.write_bytes(text.getvalue().encode(draw.choice(["utf-8", "utf-8-sig", "utf-16", "gb18030"])))
    sheet = spreadsheet.read(path, "gb18030" if not _is_unicode(path) else "")
    assert roster.kind(sheet) is source
    grades = {person.id: Grade(person, points=None, submitted=True) for person in people}
    publisher = publisher_of(tmp_path, source, sheet, grades)
    for number, person in enumerate(people):
        grades[person.id].points = publish.Decimal(number)
    made = Outcome()
    filled = rows(publisher._filled(made, sheet), sheet.delimiter)
    title = head[source.grade_column(sheet, "hw")]
    key = {"moodle": head[2], "canvas": "SIS Login ID"}.get(system, "Username")
    for before, after in zip(rows(text.getvalue(), sheet.delimiter), filled, strict=True):
        student = after[key].lstrip("#")
        assert after[title] in (str(grades[student].points), ""), after
        # Nothing else in the list changes.
        assert {**before, title: ""} == {**after, title: ""}
        assert after[title] or made.doubts


class FakeCourse:
    """A course of which the grades are known."""

    root = Path("nowhere")

    def worth(self, assignment):
        return None


def publisher_of(tmp_path, source, sheet, grades):
    return Publisher(
        FakeCourse(), "hw", Choice(source.name), 10.0, grades, source, sheet, ledger.Collection("hw")
    )


def test_one_known_id_in_a_path_says_whose_it_is():
    people = People.of([Person("x12", "Jan", "Li"), Person("li", "Kim", "Novak"), Person("7", "A", "B")])
    for path, whose in {
        "x12": "x12",
        "X12": "x12",
        "li": "li",
        "hw1_x12_late": "x12",
        "Jan Li (x12)": None,  # the name of one holds the id of another
        "Jan (x12)": "x12",
        "kim_novak_li": "li",
        "jan_li": None,
        "x12_novak_hw": None,  # Novak is somebody else
        "x12_li": None,
        "2026_7_hw": None,  # a number may be a date
        "nobody": None,
    }.items():
        assert attempts.known_id(path, people, beside=True) == whose, path


def as_in(language, form):
    """Write 10 March 2026, 20:00 as a language pack says."""
    locale, moment = Locale.parse(language.split("_")[0]), datetime(2026, 3, 10, 20, 0)
    for sign, text in {
        "%A": locale.days["format"]["wide"][moment.weekday()],
        "%B": locale.months["format"]["wide"][moment.month],
        "%b": locale.months["format"]["abbreviated"][moment.month],
        "%p": locale.day_periods["format"]["abbreviated"]["pm"],
    }.items():
        form = form.replace(sign, text)
    return moment.strftime(form)


@pytest.mark.parametrize("language", PACKS)
def test_moodles_worksheets_are_read_in_its_languages(tmp_path, language):
    """Titles, words and dates as they stand in its language packs."""
    says = PACKS[language]
    head = [says[name][0] for name in ("number", "full_name")] + [says["id"][1]]
    head += [says[name][0] for name in ("email", "grade", "most", "time")] + ["x"]
    word, time = says["participant"][0], as_in(language, says["date"])
    rows = [
        [f"{word}{number}", f"Ada {letter}", f"00{number}", f"{letter}@b.cz", "", "10,00", time, "- x"]
        for number, letter in ((501, "B"), (502, "C"))
    ]
    path = tmp_path / "worksheet.csv"
    path.write_text(spreadsheet.dump([head, *rows]), encoding="utf-8")
    sheet = spreadsheet.read(path)
    source = roster.kind(sheet)
    assert source is systems()["moodle"]
    found = roster.students(sheet).students
    assert [(one.id, full_name(one), one.email, one.lms_id) for one in found] == [
        ("00501", "Ada B", "B@b.cz", "501"),
        ("00502", "Ada C", "C@b.cz", "502"),
    ]
    assert {one.time.isoformat() for one in found} == {"2026-03-10T20:00:00+00:00"}
    place = source.grade_column(sheet, "hw")
    assert (head[place], source.most(sheet, place)) == (says["grade"][0], 10)
    assert source.origin(PurePosixPath(f"{word}_501_assignsubmission_file/hw.ipynb")).number == "501"
    # A list of the instructor's own with such titles: "id" is no number of Moodle's there.
    own = tmp_path / "own.csv"
    own.write_text(f"id,{says['last_name'][0]},{says['email'][0]}\nst07,B,b@b.cz\nst08,C,c@b.cz\n")
    assert [one.id for one in roster.read(own).students] == ["st07", "st08"]
    assert [one.last_name for one in roster.read(own).students] == ["B", "C"]


def whose(people, *paths, tmp_path, groups=None, numbers=None):
    """Say whose each file of an archive is, or why it is nobody's."""
    pack(tmp_path / "a.zip", {path: path.encode() for path in paths})
    everybody = People.of(people)
    found, refused = attempts.read(tmp_path / "a.zip", everybody, UTC, ["hw"])
    matcher = Matcher(everybody, groups=groups or {}, numbers=numbers or {})
    told = {}
    for attempt, (students, why) in zip(found, matcher.all(found), strict=True):
        for _, member in attempt.files:
            told[str(member.path)] = students or why
    assert not refused
    return [told[path] for path in paths]


def test_an_anonymous_number_of_canvas_is_nobodys(tmp_path):
    """lib/content_zipper.rb: anon_, and five letters or digits, which may look like a student's number."""
    people = [Person("u1", "Anon", None, None, "12345"), Person("u2", "A", "B", None, "777")]
    names = ["anon_12345_815_hw.ipynb", "LATE_anon_aB3xZ_816_hw.ipynb", "ba_777_817_hw.ipynb"]
    first, second, third = whose(people, *names, tmp_path=tmp_path)
    assert "the marking is anonymous" in first
    assert "the marking is anonymous" in second
    assert third == ["u2"]
    origin = systems()["canvas"].origin(PurePosixPath(names[1]))
    assert (origin.number, origin.late) == ("anon_aB3xZ", True)
    assert systems()["canvas"].feedback(origin, "hw.html") == "LATE_anon_aB3xZ_816_hw.html"


def test_a_number_does_not_overrule_somebody_elses_name(tmp_path):
    people = [Person("u1", "Ada", "Li", None, "71"), Person("u2", "Bob", "Ray", None, "72")]
    wrong, nickname = whose(people, "raybob_71_9_hw.ipynb", "lifinn_71_8_hw.ipynb", tmp_path=tmp_path)
    assert "the number 71 is that of u1" in wrong
    assert nickname == ["u1"]


def test_a_groups_name_before_a_students_needs_a_number_or_a_list(tmp_path):
    """Moodle before 4.1 writes it in front, with a hyphen; names have hyphens too."""
    people = [Person("u1", "Anh", "X"), Person("u2", "Mai-Anh", "Y"), Person("u3", "Jan", "Z")]
    path = "Blue-Anh X_501_assignsubmission_file/hw.ipynb"
    (alone,) = whose(people, path, tmp_path=tmp_path)
    assert "nobody in the course has this name, but u1 what stands behind a hyphen" in alone
    assert whose(people, path, tmp_path=tmp_path, groups={"blue": ["u1", "u3"]}) == [["u1", "u3"]]
    assert whose(people, path, tmp_path=tmp_path, numbers={("moodle", "501"): "u1"}) == [["u1"]]
    # Mai-Anh X is not in the course, and is not Anh X.
    (stranger,) = whose(people, "Mai-Anh X_502_assignsubmission_file/hw.ipynb", tmp_path=tmp_path)
    assert "nobody in the course" in stranger


def filled(tmp_path, system, text, grades, column="", **choices):
    """Fill a template with points; give its rows and what is said of them."""
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    sheet = spreadsheet.read(path)
    assert roster.kind(sheet) is systems()[system]
    people = {
        person.id: Grade(person, submitted=points is not None, points=publish.Decimal(0))
        for person, points in grades.items()
    }
    publisher = publisher_of(tmp_path, systems()[system], sheet, people)
    publisher.choice = Choice(system, column=column, **choices)
    for person, points in grades.items():
        people[person.id].points = publish.Decimal(points or 0)
    made = Outcome()
    return rows(publisher._filled(made, sheet)), made


def test_what_canvas_writes_for_a_grade_is_kept(tmp_path):
    """lib/gradebook_exporter.rb: EX for who is excused, N/A for who need not; two columns for a name."""
    ann, bob, cyd = (Person(f"u{n}", name, "L", None, str(n)) for n, name in enumerate(["Ann", "Bob", "Cyd"]))
    text = (
        "LastName,FirstName,ID,SIS Login ID,Section,hw (7),Final Score\n"
        ",,,,,Manual Posting,\n"
        "    Points Possible,,,,,10.00,(read only)\n"
        "L,Ann,0,u0,A,EX,\nL,Bob,1,u1,A,N/A,\nL,Cyd,2,u2,A,3.00,\nStudent,Test,9,1a2b,A,,\n"
    )
    lines, made = filled(tmp_path, "canvas", text, {ann: None, bob: "4", cyd: "5"})
    assert [line["hw (7)"] for line in lines] == ["Manual Posting", "10.00", "EX", "N/A", "5", ""]
    assert made.notes == ["list.csv: line 4: u0 is excused, and keeps what stood there"]
    assert made.doubts == ["list.csv: line 5: u1 is not assigned to, and keeps what stood there"]
    listed = roster.read(tmp_path / "list.csv").students
    assert [(one.id, one.first_name, one.last_name, one.lms_id) for one in listed] == [
        ("u0", "Ann", "L", "0"),
        ("u1", "Bob", "L", "1"),
        ("u2", "Cyd", "L", "2"),
    ]


def test_canvas_gets_no_name_where_it_could_take_a_namesake(tmp_path):
    """lib/gradebook_importer.rb falls back to the name where it finds no id."""
    people = [Person("u1", "Kim", "Li", None, "7"), Person("u2", "Kim", "Li")]
    table = systems()["canvas"].table("hw", 10, [Published(person, "1") for person in people])
    assert [row[:2] for row in table[2:]] == [["Li, Kim", "7"], ["u2", ""]]


def test_numbers_are_those_that_stand_there(tmp_path):
    """A spreadsheet writes 4711.0; it is not the number 47110."""
    ann, bob = Person("u1", "Ann", "A", None, "4711"), Person("u2", "Bob", "B", None, "47110")
    text = 'Student,ID,Section,hw (7)\n    Points Possible,,,10\n"A, Ann",4711.0,A,\n"B, Bob",47110,A,\n'
    lines, made = filled(tmp_path, "canvas", text, {ann: "1", bob: "2"})
    assert [line["hw (7)"] for line in lines] == ["10", "1", "2"]
    assert not made.doubts
    for text in ("1,23457E+12", "1.2E+7", "4711.0"):
        (tmp_path / "r.csv").write_text(f'id;first_name\n"{text}";Ann\n')
        with pytest.raises(CourseError, match="what a spreadsheet has made of an id"):
            roster.read(tmp_path / "r.csv")


def test_moodles_gradebook_and_scales(tmp_path):
    """Titles such as "Assignment: hw (Real)"; a worksheet without a maximum belongs to a scale."""
    ann = Person("u1", "Ann", "A", "a@x.cz")
    text = "First name,Last name,ID number,Email address,Assignment: hw (Real),Course total (Real)\n"
    text += "Ann,A,u1,a@x.cz,-,-\n"
    lines, made = filled(tmp_path, "moodle", text, {ann: "3"})
    assert lines[0]["Assignment: hw (Real)"] == "3"
    assert lines[0]["Course total (Real)"] == "-"
    assert not made.doubts
    both = text.replace("Course total (Real)", "Assignment: hw (Percentage)")
    with pytest.raises(CourseError, match="there is no column for hw, or several"):
        filled(tmp_path, "moodle", both, {ann: "3"})
    lines, _ = filled(tmp_path, "moodle", both, {ann: "3"}, column="Assignment: hw (Real)")
    assert (lines[0]["Assignment: hw (Real)"], lines[0]["Assignment: hw (Percentage)"]) == ("3", "-")
    scale = "Identifier,Full name,Email address,Status,Grade,Scale\nParticipant 5,Ann A,a@x.cz,Submitted,,\n"
    _, made = filled(tmp_path, "moodle", scale, {ann: "3"})
    assert "where Moodle grades by a scale" in made.doubts[0]


def told(tmp_path, *files):
    """Collect what lies in one attempt; give the names of its files, and what is said of them."""
    pack(tmp_path / "a.zip", dict(files))
    found, _ = attempts.read(tmp_path / "a.zip", People.of([Person("u1", "Ann", "A")]), UTC, ["hw"])
    taken, _, notes = contents.read(found[0], ["hw"])
    return sorted(taken), notes


def test_what_was_typed_into_a_system_is_named(tmp_path):
    nothing = "There is no student submission text data for this assignment."
    plain = f"Name: Ann A (u1)\n\nSubmission Field:\n{nothing}\n\nComments:\n"
    plain += "There are no student comments for this assignment.\n\nFiles:\n\tOriginal filename: hw.ipynb\n"
    name = "hw_u1_attempt_2026-03-10-20-00-00"
    files, notes = told(tmp_path, (f"{name}_hw.ipynb", b"1"), (f"{name}.txt", plain.encode()))
    assert (files, notes) == (["hw.ipynb"], [])
    said = plain.replace("There are no student comments for this assignment.", "See the file.")
    _, notes = told(tmp_path, (f"{name}_hw.ipynb", b"1"), (f"{name}.txt", said.encode()))
    assert notes == [f"{name}.txt is left out: it was typed into the system, and is no file"]
    moodle = "Ann A_5_assignsubmission"
    _, notes = told(
        tmp_path, (f"{moodle}_file/hw.ipynb", b"1"), (f"{moodle}_onlinetext/onlinetext.html", b"x")
    )
    assert notes == [
        f"{moodle}_onlinetext/onlinetext.html is left out: it was typed into the system, and is no file"
    ]


def test_no_file_of_an_attempt_is_lost_in_silence(tmp_path):
    place = "Ann A_5_assignsubmission_file"
    files, notes = told(
        tmp_path,
        (f"{place}/a/hw.ipynb", b"1"),
        (f"{place}/a/data.csv", b"1"),
        (f"{place}/data.csv", b"2"),
        (f"{place}/a/hw (1).ipynb", b"2"),
        (f"{place}/timestamp.txt", b"2020-01-01"),
    )
    assert files == ["data.csv", "hw.ipynb"]
    assert [note.split(" is left out")[0] for note in notes if "left out" in note] == [
        "data.csv",
        "timestamp.txt",
    ]
    assert any("several files for hw.ipynb" in note for note in notes)
    many = [(f"{place}/{number}.txt", b"x") for number in range(205)]
    files, notes = told(tmp_path, (f"{place}/hw.ipynb", b"1"), *many)
    assert len(files) == 200
    assert "left out are 6:" in notes[0]


UNREADABLE = {
    b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00": "no CSV file",  # a workbook of Excel's
    b"<html><body><table><tr><td>id</td></tr></table>": "no column says who the students are",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40): "no CSV file",  # an old one
    "id,first_name\nu1,Ann".encode("utf-32"): "no CSV file",
    b"id\n\n\n": "no student",
    b"sep=;\n": "empty",
    b'id,name\n"u1,Ann\nu2,Bob\n': "quotation mark",  # it would hide u2
}


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_is_no_list_is_refused_in_one_line(tmp_path, data):
    (tmp_path / "r.csv").write_bytes(data)
    with pytest.raises(CourseError, match=UNREADABLE[data]) as error:
        roster.read(tmp_path / "r.csv")
    assert "\n" not in str(error.value)


READ = {
    "\n\n  \nid,first_name,last_name\nu1,Ann,A\n": ("utf-8", "Ann A"),  # lines without anything in front
    'id,first_name,last_name\nu1,"An\nn",A\n': ("utf-8", "An n A"),
    "id\tfirst_name\tlast_name\nu1\tАнна\tА\n": ("utf-16-le", "Анна А"),
    "ID,NAME\nu1,A Ann\n": ("utf-8", "A Ann"),
    "Matrikelnummer;Vorname;Nachname\nu1;Ann;Äß\n": ("cp1252", "Ann Äß"),
    "Логин;Имя;Фамилия\nu1;Анна;Иванова\n": ("cp1251", "Анна Иванова"),
    "Username,Given name,Surname,,\nu1,Ann,A,,\n": ("utf-8-sig", "Ann A"),
}


@pytest.mark.parametrize("text", READ)
def test_lists_of_all_kinds_are_read(tmp_path, text):
    encoding, name = READ[text]
    (tmp_path / "r.csv").write_bytes(text.encode(encoding))
    (found,) = roster.read(tmp_path / "r.csv").students
    assert (found.id, full_name(found)) == ("u1", name)


def decided(folder):
    """Say for made-up classes whose work and whose grade is whose, as one text."""
    told = []
    for seed in range(6):
        draw = random.Random(seed)
        people = [
            Person(student, draw.choice(FIRST), draw.choice(LAST), f"{student}@u.edu", str(4000 + place))
            for place, student in enumerate(draw.sample(IDS, 8))
        ]
        for system in [*systems(), "folders"]:
            pack(folder / "all.zip", archive(system, people, draw))
            everybody = People.of(people)
            found, _ = attempts.read(folder / "all.zip", everybody, UTC, ["hw"])
            told.append(
                [(one.owner, *whose) for one, whose in zip(found, Matcher(everybody).all(found), strict=True)]
            )
        text = "Student,ID,SIS User ID,SIS Login ID,Section,hw (1)\n    Points Possible,,,,,9\n"
        for place, person in enumerate(people):  # some lines contradict themselves
            other = draw.choice([person, people[-1]])
            text += f"{person.last_name},{4000 + place},{other.id},{person.id},{draw.choice(IDS)},\n"
        lines, made = filled(folder, "canvas", text, dict.fromkeys(people, "1"))
        told.append([lines, made.doubts, made.notes])
    return json.dumps(told, default=str)


def test_no_hash_seed_decides_anything(tmp_path):
    """Sets of texts come in another order in each process."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import pathlib, test_systems; "
    code += f"print(test_systems.decided(pathlib.Path({str(tmp_path)!r})))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(said) == 1
    assert said == {f"{decided(tmp_path)}\n"}


CLASSES = {
    "cp1250": ["Jiří Dvořák", "Šárka Čížková", "Łukasz Żak", "Ödön Szűcs"],
    "cp1251": ["Ольга Иванова", "Пётр Щукин", "Юлія Їжак"],
    "cp1252": ["José Peña", "Zoë Weiß", "François Lefèvre", "Åse Ødegård"],
    "cp1253": ["Γιώργος Παπαδόπουλος", "Ελένη Νικολάου"],
    "cp1254": ["Işık Şahin", "Çağrı Yıldız", "Gülşen Öz"],
    "cp1256": ["محمد الأحمد", "فاطمة الزهراء"],
    "gb18030": ["王小明", "李伟", "张丽"],
    "mac_roman": ["José Peña", "Zoë Weiß", "François Lefèvre"],
    "utf-16": ["राहुल शर्मा", "สมชาย ใจดี", "Đorđe Ž"],
    "utf-16-le": ["Jiří Dvořák", "Ольга Иванова"],
    "utf-16-be": ["Jiří Dvořák", "Ольга Иванова"],
    "utf-8-sig": ["राहुल शर्मा", "王小明", "İpek Ç"],
}


@pytest.mark.parametrize("encoding", CLASSES)
@pytest.mark.parametrize("separator", [",", ";", "\t", "sep=;"])
def test_names_in_any_encoding_are_read_or_the_guess_is_shown(tmp_path, encoding, separator):
    mark = separator[-1]
    first = f"{separator}\r\n" if separator.startswith("sep") else ""
    text = f"{first}id{mark}full name{mark}email\r\n"
    for number, name in enumerate(CLASSES[encoding]):
        text += (
            f'="00{number}"{mark}\u200e{name}{mark}u{number}@x.cz\r\n'
            if "utf" in encoding
            else (f'="00{number}"{mark}{name}{mark}u{number}@x.cz\r\n')
        )
    path = tmp_path / "r.csv"
    path.write_bytes(text.encode(encoding))
    found = roster.read(path)
    assert [full_name(one) for one in found.students] == CLASSES[encoding]
    assert [one.id for one in found.students] == [f"00{number}" for number in range(len(found.students))]
    guessed = encoding not in ("utf-8-sig", "utf-16")
    assert bool(found.notes) == guessed
    if guessed:
        assert "if that is wrong, say --encoding" in found.notes[0]
    assert [full_name(one) for one in roster.read(path, encoding=encoding).students] == CLASSES[encoding]


def test_another_kind_of_archive_is_told_what_to_do(tmp_path):
    with tarfile.open(tmp_path / "all.tgz", "w:gz") as archive:
        archive.add(CASES / "01-names.csv", "u1/hw.csv")
    with pytest.raises(CourseError, match="unpack it, and name the folder"):
        attempts.read(tmp_path / "all.tgz", People.of([Person("u1")]), UTC, ["hw"])


def test_a_list_in_a_language_that_is_not_known_says_what_is_missing(tmp_path):
    """As Moodle writes it in Danish, of which no pack was looked into."""
    text = "ID,Fulde navn,E-mailadresse,Karakter,Senest ændret (aflevering)\nDeltager5,Ann A,a@x.cz,,-\n"
    (tmp_path / "da.csv").write_text(text, encoding="utf-8")
    found = roster.read(tmp_path / "da.csv")
    assert (
        "no column is known for a name or an address, so only ids were taken: it has ID, Fulde"
        in found.dropped[0]
    )
    sheet = spreadsheet.read(tmp_path / "da.csv")
    assert roster.kind(sheet) is None


def test_where_blackboards_title_ends_is_known_from_all_or_from_its_own_file(tmp_path):
    people = [Person("1", "Ann", "A"), Person("li", "Bob", "B"), Person("u_2", "Cyd", "C")]
    time = "attempt_2026-03-10-20-00-00"
    paths = [f"my_hw_{user}_{time}_hw.ipynb" for user in ("u_1", "li", "u_2")]
    # u_1 is not in the course, and is not 1.
    assert whose(people, *paths, tmp_path=tmp_path)[1:] == [["li"], ["u_2"]]
    assert "nobody" in whose(people, *paths, tmp_path=tmp_path)[0]
    assert "nobody" in whose(people, paths[0], tmp_path=tmp_path)[0]
    signed = {paths[0]: b"1", f"my_hw_u_1_{time}.txt": b"Name: Ann A (u_1)\r\nAssignment: my_hw\r\n"}
    pack(tmp_path / "b.zip", signed)
    for known, wanted in ((people, ([], "u_1 is not in the course")), ([Person("u_1")], (["u_1"], ""))):
        everybody = People.of(known)
        found, _ = attempts.read(tmp_path / "b.zip", everybody, UTC, ["hw"])
        assert Matcher(everybody).all(found) == [wanted]
