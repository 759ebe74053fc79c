"""The learning management systems: whose work and whose grade is whose, over made-up classes."""

import csv
import io
import json
import random
import zipfile
from datetime import datetime
from pathlib import Path, PurePosixPath

import pytest
from babel import Locale
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from npfl_grader.course.gradebook import Person
from npfl_grader.errors import CourseError
from npfl_grader.lms import attempts, dates, ledger, publish, roster, spreadsheet
from npfl_grader.lms.attempts import Matcher
from npfl_grader.lms.grades import Choice, Grade, Outcome
from npfl_grader.lms.people import People, full_name, plain_name
from npfl_grader.lms.publish import Publisher
from npfl_grader.lms.system import known as systems

CASES = Path(__file__).parent / "desk"
UTC = dates.UTC

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
            case "folders":
                path = draw.choice(
                    [
                        f"{person.id}/hw.ipynb",
                        f"{person.id}_{person.last_name}/hw.ipynb",
                        f"{name} ({person.id})/hw.ipynb",
                        f"all/hw_{person.id}.ipynb",
                        f"{person.id}-hw.ipynb",
                        f"{person.last_name}_{person.id}_hw_final.ipynb",
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
    assert matched == len(files)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


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
    path = tmp_path / "list.csv"
    head = headers[system]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, head, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(lines)
    sheet = spreadsheet.read(path)
    assert roster.kind(sheet) is source
    grades = {person.id: Grade(person, points=None, submitted=True) for person in people}
    publisher = publisher_of(tmp_path, source, sheet, grades)
    for number, person in enumerate(people):
        grades[person.id].points = publish.Decimal(number)
    made = Outcome()
    filled = rows(publisher._filled(made, sheet))
    title = next(name for name in head if name.startswith(("hw", "Grade")))
    key = {"moodle": "ID number", "canvas": "SIS Login ID"}.get(system, "Username")
    for before, after in zip(rows(path.read_text("utf-8-sig")), filled, strict=True):
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


PACKS = json.loads((CASES / "moodle-titles.json").read_text(encoding="utf-8"))["titles"]


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
