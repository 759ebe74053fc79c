"""The instructor's desk: from the roster over the systems' archives to the grades that they import."""

import csv
import gzip
import io
import json
import re
import shutil
import sys
import tarfile
import tracemalloc
import zipfile
from decimal import Decimal
from pathlib import Path, PurePosixPath

import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config

from npfl_grader import late
from npfl_grader.authoring import creation as course
from npfl_grader.errors import CourseError
from npfl_grader.lms import archives, collect, roster, spreadsheet
from npfl_grader.lms.system import known as systems

sys.path.insert(0, str(Path(__file__).parents[1] / "simulation"))
import simulation

NAMES = {"first": "moodle", "second": "canvas", "third": "brightspace"}
SETTINGS = """
c.NpflGrader.timezone = "UTC"
c.NpflGrader.assignments = {name: {"due": "2026-03-10 22:59", "points": 10} for name in NAMES}
c.LatePenalty.percent_per_day = 10
c.LatePenalty.accept_days = 5
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory, template, crew):
    """A course with three assignments and everybody's work in the archives of three systems."""
    folder = tmp_path_factory.mktemp("desk")
    everybody = simulation.people(len(simulation.KINDS))
    sources = []
    for name in NAMES:
        (folder / f"{name}.md").write_text(simulation.exercise(name))
        sources.append(folder / f"{name}.md")
    room = type(template)(folder / "course", crew)
    simulation.canvas_gradebook(folder / "canvas.csv", everybody, NAMES)
    simulation.brightspace_grades(folder / "brightspace.csv", everybody, NAMES)
    course.create(room.root, sources)
    config = room.root / "nbgrader_config.py"
    config.write_text(config.read_text() + SETTINGS.replace("NAMES", repr(list(NAMES))))
    said = course.create(room.root, sources, folder / "canvas.csv").lines
    assert "first: due 2026-03-10 22:59 UTC" in said
    assert said[-1] == f"roster: {len(everybody)} students, {len(everybody)} new, 0 changed"
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        for person in everybody:
            gradebook.update_or_create_student(person.id, email=person.email)
    handed = {}
    for name, system in NAMES.items():
        release = (room.root / "release" / name / f"{name}.ipynb").read_text()
        handed[name] = [one for person in everybody for one in simulation.hand_in(person, name, release)]
        simulation.ARCHIVES[system](folder / f"{system}.zip", handed[name])
    simulation.moodle_worksheet(folder / "moodle.csv", everybody, handed["first"])
    room.folder, room.everybody, room.handed = folder, everybody, handed
    room.extra = {"first": ["--worksheet", folder / "moodle.csv"], "second": [], "third": []}
    return room


@pytest.fixture(scope="module")
def graded(desk):
    """Everything collected and graded, and the feedback written."""
    for name, system in NAMES.items():
        done = desk.run("collect", name, desk.folder / f"{system}.zip", *desk.extra[name], code=3)
        assert "not usable" in done.stdout
    desk.run("autograde", *NAMES, code=0)
    for name in NAMES:
        desk.run("feedback", name)
    return desk


def ledger(room, name):
    return json.loads((room.root / "collected" / f"{name}.json").read_text())


@pytest.mark.parametrize(("name", "system"), NAMES.items())
def test_every_submission_is_taken_or_named(graded, name, system):
    found = ledger(graded, name)
    kinds = {person.id: person.kind for person in graded.everybody}
    wanted = {student for student, kind in kinds.items() if kind not in {"missing", *simulation.UNUSABLE}}
    assert {*found["students"]} == wanted
    assert {kinds[student] for student in found["missing"]} == {"missing"}
    assert {kinds[student] for student in found["unusable"]} == simulation.UNUSABLE
    assert not found["unmatched"]
    reasons = {kinds[student]: reason for student, reason in found["unusable"].items()}
    assert "times as large" in reasons["bomb"]
    assert "it is a link" in reasons["link"]
    assert "locked with a password" in reasons["locked"]
    assert "leads out of the archive" in reasons["escape"]
    late = {kinds[student] for student, taken in found["students"].items() if taken["late"]}
    # Moodle and Canvas keep the last attempt only; of Brightspace's the one in time is taken.
    assert late == {"late", "very late"} | (set() if system == "brightspace" else {"again late"})
    for person in graded.everybody:
        folder = graded.root / "submitted" / person.id / name
        assert (folder / f"{name}.ipynb").exists() == (person.id in wanted)
        if person.kind == "nested":
            assert (folder / "data" / "my numbers.csv").read_bytes() == b"1,2\n"
    assert not (graded.root / "submitted" / f"{name}.ipynb").exists()


def points(table, column, key):
    rows = list(csv.reader(io.StringIO(table)))
    head = rows[0]
    return {row[head.index(key)].lstrip("#"): row[head.index(column)] for row in rows[1:] if row[0].strip()}


@pytest.mark.parametrize(("name", "system"), NAMES.items())
def test_published_grades_are_those_of_an_independent_calculation(graded, name, system):
    done = graded.run("publish", name, "--system", system, "--template", graded.folder / f"{system}.csv")
    assert "10% of the points are taken off for each day begun" in done.stdout
    text = (graded.root / "published" / name / f"grades-{system}.csv").read_text("utf-8-sig")
    column, key = {
        "moodle": ("Grade", "Email address"),
        "canvas": ("second (701)", "SIS Login ID"),
        "brightspace": ("third Points Grade <Numeric MaxPoints:10>", "Username"),
    }[system]
    got = points(text, column, key)
    want = {}
    for person in graded.everybody:
        exact = simulation.expected(person, known_times=system != "canvas")
        if person.kind == "again late":  # the last attempt is wrong, and all that two systems keep
            exact = Decimal("10.00") if system == "brightspace" else Decimal("0.00")
        # What nobody could read is no 0: it is left blank, and named.
        shown = "" if person.kind in simulation.UNUSABLE else str(exact)
        want[person.email if system == "moodle" else person.id] = shown
    got.pop("", None)
    assert got == want
    # All else in the system's list is as it was.
    before = list(csv.reader(io.StringIO((graded.folder / f"{system}.csv").read_text("utf-8-sig"))))
    after = list(csv.reader(io.StringIO(text)))
    where = after[0].index(column)
    assert [row[:where] + row[where + 1 :] for row in before] == [r[:where] + r[where + 1 :] for r in after]


PLACES = {
    "moodle": r"[^_/]+_(\d+)_assignsubmission_file/first\.html",
    "canvas": r"\w+_(?:LATE_)?(\d+)_9\d+_second\.html",
    "brightspace": r"(\d+)-640693 - .+ - Mar \d+, 2026 \d+ [AP]M/third\.html",
}


@pytest.mark.parametrize(("name", "system"), NAMES.items())
def test_feedback_lies_where_the_system_looks_for_it(graded, name, system):
    graded.run("publish", name, "--system", system)
    numbers = {str(person.number): person.id for person in graded.everybody}
    with zipfile.ZipFile(graded.root / "published" / name / f"feedback-{system}.zip") as archive:
        seen = {}
        for path in archive.namelist():
            match = re.fullmatch(PLACES[system], path)
            assert match, path
            seen[numbers[match[1]]] = archive.read(path).decode()
    assert {*seen} == {*ledger(graded, name)["students"]}
    for student, page in seen.items():
        own = graded.root / "feedback" / student / name / f"{name}.html"
        assert page == own.read_text()


def test_nothing_is_done_twice_and_work_changed_by_hand_is_kept(graded):
    name, archive = "third", graded.folder / "brightspace.zip"
    before = {p: p.stat().st_mtime_ns for p in (graded.root / "submitted").rglob("*") if p.is_file()}
    graded.run("collect", name, archive, code=3)
    assert before == {p: p.stat().st_mtime_ns for p in (graded.root / "submitted").rglob("*") if p.is_file()}
    one = graded.root / "submitted" / graded.everybody[0].id / name / f"{name}.ipynb"
    saved = one.read_bytes()
    one.write_bytes(saved + b"\n")
    done = graded.run("collect", name, archive, code=3)
    assert "was changed by hand" in done.stdout.replace("\n", " ")
    assert one.read_bytes() == saved + b"\n"
    graded.run("collect", name, archive, "--replace", code=3)
    assert one.read_bytes() == saved


def test_a_collection_that_is_killed_goes_on(desk, tmp_path, monkeypatch):
    room = desk.copy(tmp_path / "course")
    for name in ("submitted", "collected"):
        shutil.rmtree(room.root / name, ignore_errors=True)
    archive = desk.folder / "brightspace.zip"
    real = collect.Collector._write
    for stop in (0, 1, 5, 11, 99):
        calls = []

        def write(self, *arguments, calls=calls, stop=stop):
            calls.append(arguments[0])
            if len(calls) > stop:
                raise KeyboardInterrupt
            return real(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(collect.Collector, "_write", write)
            room.run("collect", "third", archive, code=130 if stop < 15 else 3)
    found = ledger(room, "third")
    assert not found["kept"]
    assert len(found["students"]) == len(desk.everybody) - 1 - len(simulation.UNUSABLE)
    assert not list((room.root / "collected" / ".parts").iterdir())


def test_what_cannot_be_matched_is_filled_in_by_hand(graded, tmp_path):
    room = graded.copy(tmp_path / "course")
    notebook = simulation.solved(
        (room.root / "release" / "third" / "third.ipynb").read_text(), simulation.RIGHT
    )
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for owner in ("Nobody Known", "The Team"):
            archive.writestr(f"1-2 - {owner} - Mar 1, 2026 905 AM/third.ipynb", notebook)
    (tmp_path / "groups.csv").write_text("group;student\nthe team;st001\nThe Team;st002@uni.example\n")
    groups = ["--groups", tmp_path / "groups.csv"]
    done = room.run("collect", "third", tmp_path / "b.zip", *groups, code=3)
    assert "nobody in the course has this name" in done.stdout
    taken = ledger(room, "third")["students"]
    assert {taken[name]["archive"] for name in ("st001", "st002")} == {"b.zip"}
    others = {student for student, one in taken.items() if one["archive"] == "brightspace.zip"}
    assert others == {*ledger(graded, "third")["students"]} - {"st001", "st002"}
    path = room.root / "collected" / "third.unmatched.csv"
    path.write_text(path.read_text().replace("has this name,", "has this name,st007"))
    room.run("collect", "third", tmp_path / "b.zip", *groups)
    assert ledger(room, "third")["students"]["st007"]["archive"] == "b.zip"
    assert (room.root / "submitted" / "st007" / "third" / "timestamp.txt").read_text() == (
        "2026-03-01 09:05:00 UTC\n"
    )
    # The answer stays for the next archive of the same name.
    room.run("collect", "third", tmp_path / "b.zip", *groups)


def test_a_late_attempt_does_not_take_the_place_of_one_in_time(graded, tmp_path):
    room = graded.copy(tmp_path / "course")
    person = graded.everybody[0]
    release = (room.root / "release" / "third" / "third.ipynb").read_text()
    wrong = {"third.ipynb": simulation.solved(release, simulation.SOLUTIONS["wrong"][0])}
    late = simulation.Handed(person, simulation.DUE.replace(day=12), wrong)
    simulation.brightspace(tmp_path / "late.zip", [late])
    folder = room.root / "submitted" / person.id / "third"
    done = room.run("collect", "third", tmp_path / "late.zip")
    assert "the one in time stays" in done.stdout
    assert "3 * x" not in (folder / "third.ipynb").read_text()
    room.run("collect", "third", tmp_path / "late.zip", "--late")
    assert "3 * x" in (folder / "third.ipynb").read_text()


def test_times_that_come_later_say_who_was_late(desk, tmp_path):
    """Moodle's archive first without its worksheet, then with it: the same attempts, now with their times."""
    room = desk.copy(tmp_path / "course")
    room.run("collect", "first", desk.folder / "moodle.zip", code=3)
    assert not any(taken["late"] for taken in ledger(room, "first")["students"].values())
    room.run("collect", "first", desk.folder / "moodle.zip", *desk.extra["first"], code=3)
    kinds = {person.id: person.kind for person in desk.everybody}
    late = {kinds[name] for name, taken in ledger(room, "first")["students"].items() if taken["late"]}
    assert late == {"late", "very late", "again late"}


def test_times_that_cannot_be_read_stop_the_collection(desk, tmp_path):
    """In another language they would count as none, and everybody as in time."""
    sheet = tmp_path / "worksheet.csv"
    text = (desk.folder / "moodle.csv").read_text("utf-8-sig")
    sheet.write_text(text.replace("Monday, 09 March", "any day, 9 Smarch"))
    done = desk.run("collect", "first", desk.folder / "moodle.zip", "--worksheet", sheet, code=1)
    assert re.search(r"worksheet.csv: line \d+: 'any day, .*' is no time that can be read", done.stderr)


def test_a_changed_exercise_says_what_it_means(graded, tmp_path):
    room = graded.copy(tmp_path / "course")
    text = (graded.folder / "first.md").read_text()
    path = tmp_path / "first.md"
    path.write_text(text.replace("# first", "# First"))
    assert (
        course.create(room.root, [path]).lines[0].startswith("first: updated; only text changed, the 15 subm")
    )
    path.write_text(text.replace("double(1) == 2", "double(2) == 4"))
    assert "seen changed, and 15 submissions were collected" in course.create(room.root, [path]).lines[0]
    path.write_text(text.replace('"grade_id": "unseen"', '"grade_id": "other"'))
    with pytest.raises(CourseError, match="other is new, unseen is gone, but 15 submissions were graded"):
        course.create(room.root, [path])
    # The refusal has changed nothing: it comes again, and the old exercise is still there.
    with pytest.raises(CourseError, match="other is new"):
        course.create(room.root, [path])
    source = room.root / "source" / "first" / "first.ipynb"
    source.write_text(source.read_text().replace("double(2)", "double(3)"))
    assert "was changed here" in course.create(room.root, [path]).lines[0]


def test_the_hand_out_has_what_students_get(desk):
    desk.run("release", "--zip", "first", "second")
    with zipfile.ZipFile(desk.root / "handout" / "first.zip") as archive:
        assert archive.namelist() == ["first/first.ipynb"]
        text = archive.read("first/first.ipynb").decode()
    assert "37.5" not in text
    assert "SOLUTION" not in text
    assert "does not exist: check the name" in desk.run("release", "--zip", "nothing", code=1).stderr


ROSTERS = {
    "id,first_name,last_name,email\na1,Ada,B,a@b.cz\n": ("nbgrader", "a1", "Ada", "B", None),
    "\ufeffIdentifier;Full name;Email address\nParticipant 77;Ada Šíp;a@b.cz\n": (
        "moodle",
        "a@b.cz",
        "Ada",
        "Šíp",
        "77",
    ),
    'Student,ID,SIS User ID,SIS Login ID,Section,x (9)\n"  Points Possible",,,,,5\n"Šíp, Ada",7,U7,ada,A,\n'
    '"Student, Test",8,,1a2b,A,\n': ("canvas", "ada", "Ada", "Šíp", "7"),
    "OrgDefinedId,Username,Last Name,First Name,End-of-Line Indicator\n#5,#ada,Šíp,Ada,#\n": (
        "brightspace",
        "ada",
        "Ada",
        "Šíp",
        None,
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", ROSTERS)
def test_rosters_of_all_systems_are_read(tmp_path, text, encoding):
    (tmp_path / "r.csv").write_text(text, encoding=encoding)
    found = roster.read(tmp_path / "r.csv").students
    kind = roster.kind(spreadsheet.read(tmp_path / "r.csv"))
    assert (kind.name if kind else "nbgrader") == ROSTERS[text][0]
    assert [(s.id, s.first_name, s.last_name, s.lms_id) for s in found] == [ROSTERS[text][1:]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Vorname,Nachname\nA,B\n", "no column says who the students are: it has Vorname, Nachname"),
        ("id\na\nA\n", "line 3: the student A stands in line 2 already"),
        ("id\n../x\n", "line 2: '../x' cannot name a student's folder"),
        ("id\n", "there is no student in it"),
        ("", "the file is empty"),
        ("id,name\nx,A,B\n", "line 2 has 3 fields, the header 2"),
    ],
)
def test_a_bad_roster_is_refused_in_one_line(tmp_path, text, says):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(CourseError) as error:
        roster.read(tmp_path / "r.csv")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "owner", "rest"),
    [
        ("Zoë Weiß_12_assignsubmission_file/a/b.ipynb", ("moodle", "Zoë Weiß", "12"), "a/b.ipynb"),
        ("Zoë Weiß_12_assignsubmission_file_/b.ipynb", ("moodle", "Zoë Weiß", "12"), "b.ipynb"),
        ("Zoë Weiß_12_assignsubmission_file_my_b.ipynb", ("moodle", "Zoë Weiß", "12"), "my_b.ipynb"),
        ("Group 1_assignsubmission_file/b.ipynb", ("moodle", "Group 1", ""), "b.ipynb"),
        ("Zoë_12_assignsubmission_onlinetext/t.html", ("moodle", "Zoë", "12"), None),
        ("weißzoë_12_99_my_b-1.ipynb", ("canvas", "weißzoë", "12"), "my_b-1.ipynb"),
        ("weißzoë_LATE_12_99_b.ipynb", ("canvas", "weißzoë", "12"), "b.ipynb"),
        ("weißzoë_12_text.html", ("canvas", "weißzoë", "12"), None),
        ("1-2 - Mai-Anh X - Mar 1, 2026 905 AM/b.ipynb", ("brightspace", "Mai-Anh X", "1"), "b.ipynb"),
        ("All/1-2 - A B - 1 March, 2026 2105/b.ipynb", ("brightspace", "A B", "1"), "b.ipynb"),
        ("hw_1_st_1_attempt_2026-03-10-20-00-00_b.ipynb", ("blackboard", "hw_1_st_1", ""), "b.ipynb"),
        ("hw_1_st_1_attempt_2026-03-10-20-00-00.txt", ("blackboard", "hw_1_st_1", ""), None),
    ],
)
def test_the_systems_names_are_taken_apart(path, owner, rest):
    origins = {name: one.origin(PurePosixPath(path)) for name, one in systems().items()}
    ((name, found),) = [(name, origin) for name, origin in origins.items() if origin]
    assert (name, found.owner, found.number) == owner
    assert found.rest == (PurePosixPath(rest) if rest else None)


def test_names_of_zips_in_any_coding_are_the_same(tmp_path):
    want = "Jürgen Weiß.ipynb"
    for number, (raw, flag, extra) in enumerate(
        [
            (want.encode(), 0x800, b""),
            ("Ju\u0308rgen Weiß.ipynb".encode(), 0, b""),
            (want.encode("cp437"), 0, b""),
            (
                b"J?rgen.ipynb",
                0,
                b"up" + (5 + len(want.encode())).to_bytes(2, "little") + bytes(5) + want.encode(),
            ),
        ]
    ):
        info = zipfile.ZipInfo()
        info.orig_filename = raw.decode("utf-8" if flag else "cp437")
        info.flag_bits, info.extra = flag, extra
        assert archives.name_of(info) == want, number


def test_long_names_are_cut_and_keep_their_ending():
    name = archives.shorten("ž" * 300 + ".ipynb")
    assert name.endswith("ž.ipynb")
    assert len(name.encode()) <= archives.NAME_BYTES


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "  =1"])
def test_no_spreadsheet_takes_a_name_for_a_formula(text):
    assert spreadsheet.defuse(text).startswith("'")
    assert spreadsheet.defuse("-1.5") == "-1.5"
    assert spreadsheet.defuse("-") == "-"


@pytest.mark.parametrize(
    ("hours", "penalty"),
    [(0, None), (0.4, None), (0.6, 1.0), (24, 1.0), (24.1, 2.0), (72, 3.0), (72.1, 10.0), (9999, 10.0)],
)
def test_each_day_begun_costs_and_grace_is_forgiven(hours, penalty):
    config = Config()
    config.LatePenalty.grace_minutes = 30
    config.LatePenalty.percent_per_day = 10
    config.LatePenalty.accept_days = 3
    assert late.LatePenalty(config=config).late_submission_penalty("a", 10.0, 3600 * hours) == penalty


def test_without_a_rule_of_ours_nbgraders_own_holds():
    config = Config()
    assert late.LatePenalty(config=config).late_submission_penalty("a", 10.0, 99.0) is None
    config.LateSubmissionPlugin.penalty_method = "zero"
    assert late.LatePenalty(config=config).late_submission_penalty("a", 10.0, 99.0) == 10.0


def packed(form, name="p1.ipynb", comment=""):
    info = tarfile.TarInfo(name)
    info.size, info.pax_headers = 3, {"comment": comment} if comment else {}
    return gzip.compress(info.tobuf(form) + b"abc".ljust(512, b"\0") + bytes(1024), 1)


@pytest.mark.parametrize(
    "data",
    [
        packed(tarfile.PAX_FORMAT, comment="x" * 20_000_000),
        packed(tarfile.GNU_FORMAT, "x" * 20_000_000),
        # Python's own reader looks at each of these digits as often as there are others.
        packed(tarfile.PAX_FORMAT, comment="9" * 400_000),
    ],
    ids=["comment", "name", "digits"],
)
def test_headers_of_an_archive_take_no_memory(data):
    tracemalloc.start()
    try:
        [(_, said, _)] = archives.unpack(PurePosixPath("a.tgz"), data, None, archives.Bounds())
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert "one of its headers has" in said


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_comments_of_an_archive_are_read(form):
    name = f"{'d' * 150}/{'e' * 150}.ipynb"
    data = packed(form, name, "c" * 10_000 if form == tarfile.PAX_FORMAT else "")
    [(path, content, _)] = archives.unpack(PurePosixPath("a.tgz"), data, None, archives.Bounds())
    assert (str(path), content) == (f"a/{name}", b"abc")
