"""Read who takes the course, from the lists that learning management systems export.

A list that is no system's is read as nbgrader's, ``id,first_name,last_name,email``, or with the titles that
such columns have in other languages.
"""

import difflib
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from npfl_grader.course.gradebook import Person
from npfl_grader.errors import CourseError
from npfl_grader.lms import dates, moodle_titles, spreadsheet, system
from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Columns, System, digits
from npfl_grader.text import clean

PLAIN: Columns = {
    "id": ("id", "student_id", "student id", "username", "id number"),
    "first_name": ("first_name", "first name", "given name", "firstname"),
    "last_name": ("last_name", "last name", "surname", "lastname"),
    "full_name": ("full name", "student", "name"),
    "email": ("email", "email address", "e-mail", "e-mail address"),
    "number": ("lms_user_id",),
    "time": ("submitted_at", "timestamp", "last modified (submission)"),
}
SAYS_WHO = ("first_name", "last_name", "full_name", "email")
ROUNDED = re.compile(r"\d([.,]\d+)?E\+?\d+|\d+[.,]0+", re.IGNORECASE)  # 1,23457E+12 and 4711.0
PLAIN |= {name: PLAIN[name] + moodle_titles.everywhere(name) for name in PLAIN if name != "number"}
NOT_A_FOLDER = re.compile(r"[/\\\x00-\x1f+]|^\.|^$")


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
class Roster:
    """Who is in a list, and what is to be said of it.

    Attributes
    ----------
    students : list of Student
        In the order of the list.
    notes : list of str
        What was guessed, one line each.
    dropped : list of str
        What of the list was not taken, one line each.
    """

    students: list[Student] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def kind(sheet: Sheet) -> System | None:
    """Tell by its header which system a list comes from; None for nbgrader's own form."""
    return next((found for found in system.known().values() if found.owns(sheet)), None)


def read(path: Path, id_column: str = "", zone: ZoneInfo | None = None, encoding: str = "") -> Roster:
    """Read a roster, and check its header and every line.

    Parameters
    ----------
    path : Path
        The CSV file.
    id_column : str
        The column whose value names the student's folder, where it shall not be the usual one.
    zone : ZoneInfo
        Of the times in the file.
    encoding : str
        Of the file; by default it is found out.

    Raises
    ------
    CourseError
        If the file is no roster, a student has no usable id, or two have the same.
    """
    return students(spreadsheet.read(path, encoding), id_column, zone)


def students(sheet: Sheet, id_column: str = "", zone: ZoneInfo | None = None) -> Roster:
    """Take the students out of a list; see `read`."""
    path, source = sheet.path, kind(sheet)
    language = source.language(sheet) if source else ""
    place = {
        name: source.column(sheet, name) if source else sheet.column(titles) for name, titles in PLAIN.items()
    }
    if place["first_name"] == place["full_name"] and place["last_name"] is None:
        place["first_name"] = None  # Moodle calls both "Nome" in Italian
    if place["id"] is None:
        place["id"] = place["email"]
    if id_column:
        place["id"] = sheet.column((id_column,))
        if place["id"] is None:
            near = difflib.get_close_matches(id_column, sheet.header, 1, 0.5)
            hint = f", did you mean {near[0]!r}?" if near else f": it has {sheet.titles}"
            raise CourseError(f"{path}: there is no column {id_column!r}{hint}")
    if place["id"] is None:
        raise CourseError(
            f"{path}: no column says who the students are: it has {sheet.titles}; "
            "expected is one of id, Username, SIS Login ID, ID number, Email address, OrgDefinedId, "
            "or name it with --id-column"
        )
    roster = Roster(notes=[note] if (note := sheet.note()) else [])
    if len(sheet.header) > 1 and not any(place[name] is not None for name in SAYS_WHO):
        roster.dropped.append(
            f"{path.name}: no column is known for a name or an address, so only ids were taken: it has "
            f"{sheet.titles}; set the system to English, and export the list again"
        )
    seen: dict[str, int] = {}
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        if source and not source.is_student(sheet, row):
            continue
        values = {name: sheet.cell(row, column) for name, column in place.items()}
        identity = values["id"].removeprefix(source.prefix if source else "")
        # From here on they are shown, and stand in the gradebook.
        for field_name in SAYS_WHO:
            values[field_name] = clean(values[field_name])
        number = digits(values["number"])
        name = values["full_name"] or " ".join(filter(None, [values["first_name"], values["last_name"]]))
        if not identity and not id_column and source and source.number_is_person:
            identity = number
        if not identity:
            roster.dropped.append(f"{path.name}: line {line} has no id, and is left out: {name or 'no name'}")
            continue
        if ROUNDED.fullmatch(identity):
            raise CourseError(
                f"{path}: line {line}: {identity!r} is what a spreadsheet has made of an id: export the list "
                "again, and do not save it there, or format the column as text"
            )
        if NOT_A_FOLDER.search(identity) or identity != clean(identity):
            raise CourseError(
                f"{path}: line {line}: {identity!r} cannot name a student's folder: mend the line, or name "
                "another column with --id-column"
            )
        if (before := seen.setdefault(identity.casefold(), line)) != line:
            raise CourseError(
                f"{path}: line {line}: the student {identity} stands in line {before} already: "
                "remove one of them"
            )
        first, last = values["first_name"], values["last_name"]
        if not (first or last):
            first, last = split(values["full_name"])
        time = dates.moment(values["time"], zone or ZoneInfo("UTC"), language)
        email = values["email"] or None
        roster.students.append(Student(identity, first or None, last or None, email, number or None, time))
    if not roster.students:
        raise CourseError(f"{path}: there is no student in it: export the list again")
    return roster


def split(name: str) -> tuple[str, str]:
    """Part a full name: "Last, First" or "First Last"."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.strip().rpartition(" ")
    return first, last
