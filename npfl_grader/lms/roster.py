"""Read who takes the course, from the lists that learning management systems export.

Known are the lists of nbgrader (``id,first_name,last_name,email``), Moodle (participants, grades and the
grading worksheet of an assignment), Canvas (gradebook) and Brightspace (grades, classlist).
"""

import csv
import difflib
import io
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dateutil import parser as dates

from npfl_grader.course.gradebook import Person
from npfl_grader.errors import CourseError

# For each field, the columns that may hold it, the better ones first.
COLUMNS = {
    "id": ["id", "student_id", "username", "sis login id", "id number", "orgdefinedid"],
    "first_name": ["first_name", "first name", "given name", "firstname"],
    "last_name": ["last_name", "last name", "surname", "lastname"],
    "full_name": ["full name", "student", "name"],
    "email": ["email", "email address", "e-mail", "e-mail address"],
    "time": ["submitted_at", "timestamp", "last modified (submission)"],
}
CANVAS = {"student", "id", "section"}
TEXTS = ["utf-8-sig", "utf-16", "cp1252"]
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
BAD = re.compile(r"[/\\\x00-\x1f+]|^\.|^$")


@dataclass(frozen=True)
class Student(Person):
    """One line of a roster.

    Attributes
    ----------
    time : datetime or None
        When the assignment of this worksheet was handed in, with its time zone.
    """

    time: datetime | None = None


@dataclass
class Table:
    """A CSV file as it was read, so that it can be written back in the same form."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    delimiter: str = ","
    keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = [name.strip().lower() for name in self.header]

    def column(self, names: list[str]) -> int | None:
        """Find the first of some columns that the file has."""
        return next((self.keys.index(name) for name in names if name in self.keys), None)


def table(path: Path) -> Table:
    """Read a CSV file in whatever encoding and with whatever separator spreadsheets write it.

    Raises
    ------
    CourseError
        If it cannot be read, or has no rows.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror}: check its name") from None
    if not data.strip():
        raise CourseError(f"{path}: the file is empty: export the list again")
    text = ""
    for encoding in TEXTS:
        if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if not text or "\0" in text:
        raise CourseError(f"{path}: this is no CSV file: export the list as CSV (UTF-8)")
    text = text.lstrip("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        lines = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise CourseError(f"{path}: this is no CSV file: {error}: export the list as CSV (UTF-8)") from None
    if not lines:
        raise CourseError(f"{path}: the file is empty: export the list again")
    width = len(lines[0])
    for number, row in enumerate(lines[1:], start=2):
        if len(row) > width and any(row[width:]):
            raise CourseError(
                f"{path}: line {number} has {len(row)} fields, the header {width}: "
                "a field with a separator in it needs quotation marks"
            )
    return Table(path, lines[0], [(row + [""] * width)[:width] for row in lines[1:]], delimiter)


def kind(found: Table) -> str:
    """Tell by its header which system a list comes from: nbgrader, moodle, canvas or brightspace."""
    keys = set(found.keys)
    if keys >= CANVAS:
        return "canvas"
    if "orgdefinedid" in keys or any(name.startswith("end-of-line") for name in keys):
        return "brightspace"
    if "identifier" in keys or keys & {"email address", "id number"}:
        return "moodle"
    return "nbgrader"


def read(path: Path, id_column: str = "", timezone: ZoneInfo | None = None) -> list[Student]:
    """Read a roster, and check its header and every line.

    Parameters
    ----------
    path : Path
        The CSV file.
    id_column : str
        The column whose value names the student's folder, where it shall not be the usual one.
    timezone : ZoneInfo
        Of the times in the file.

    Raises
    ------
    CourseError
        If the file is no roster, a student has no usable id, or two have the same.
    """
    found = table(path)
    return students(found, id_column, timezone)


def students(found: Table, id_column: str = "", timezone: ZoneInfo | None = None) -> list[Student]:
    """Take the students out of a table; see `read`."""
    path, source = found.path, kind(found)
    place = {name: found.column(columns) for name, columns in COLUMNS.items()}
    lms: int | None = None
    if source == "canvas":
        place["id"], lms = found.column(["sis login id", "sis user id", "id"]), found.column(["id"])
    elif source == "moodle":
        place["id"], lms = (
            found.column(["username", "id number", "email address"]),
            found.column(["identifier"]),
        )
    if id_column:
        place["id"] = found.column([id_column.lower()])
        if place["id"] is None:
            near = difflib.get_close_matches(id_column, found.header, 1, 0.5)
            hint = f", did you mean {near[0]!r}?" if near else f": it has {', '.join(found.header)}"
            raise CourseError(f"{path}: there is no column {id_column!r}{hint}")
    if place["id"] is None:
        raise CourseError(
            f"{path}: no column says who the students are: it has {', '.join(found.header)}; "
            "expected is one of id, Username, SIS Login ID, ID number, Email address, OrgDefinedId, "
            "or name it with --id-column"
        )
    known: dict[str, int] = {}
    result = []
    for number, row in enumerate(found.rows, start=2):
        if source == "canvas" and (row[0].strip() == "Points Possible" or not any(row[:3])):
            continue

        def get(name: str, row: list[str] = row) -> str:
            where = place[name]
            return "" if where is None else unicodedata.normalize("NFC", row[where].strip().lstrip("#"))

        identity = get("id")
        if source == "canvas" and row[0].strip().startswith("Student, Test"):
            continue
        if not identity and source == "canvas" and lms is not None:
            identity = row[lms].strip()
        if BAD.search(identity):
            raise CourseError(
                f"{path}: line {number}: {identity!r} cannot name a student's folder: mend the line, or name "
                "another column with --id-column"
            )
        key = identity.casefold()
        if key in known:
            raise CourseError(
                f"{path}: line {number}: the student {identity} stands in line {known[key]} already: "
                "remove one of them"
            )
        known[key] = number
        first, last = get("first_name"), get("last_name")
        if not (first or last):
            first, last = split(get("full_name"))
        number_in_lms = re.sub(r"\D", "", row[lms]) if lms is not None else ""
        result.append(
            Student(
                identity,
                first or None,
                last or None,
                get("email") or None,
                number_in_lms or None,
                moment(get("time"), timezone),
            )
        )
    if not result:
        raise CourseError(f"{path}: there is no student in it: export the list again")
    return result


def split(name: str) -> tuple[str, str]:
    """Part a full name: "Last, First" or "First Last"."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.strip().rpartition(" ")
    return first, last


def moment(text: str, timezone: ZoneInfo | None) -> datetime | None:
    """Read a time as people and systems write it; nothing if it is none."""
    if not text or text == "-":
        return None
    try:
        found = dates.parse(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone or ZoneInfo("UTC"))


def plain(name: str) -> str:
    """Reduce a name to its letters, without case, accents and order of marks: to compare names."""
    text = unicodedata.normalize("NFKD", name.casefold().translate(LETTERS))
    return "".join(letter for letter in text if letter.isalnum())
