"""Canvas: flat archives with the student's number in each file's name, and a gradebook by SIS ids.

The names are made by ``lib/content_zipper.rb``, the gradebook by ``lib/gradebook_exporter.rb``.
"""

import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.lms.people import full_name
from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Columns, Origin, Published, System, number

# name_LATE_4711_815_name.ipynb: the user, the attachment. Names hold no underscore, whatever their script.
FILE = re.compile(r"(?P<name>[^_/]*)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)")
TEXT = re.compile(r"(?P<name>[^_/]*)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?:text|link)\.html")
POINTS = "points possible"


class Canvas(System):
    """See the module."""

    name, title = "canvas", "Canvas"
    columns: ClassVar[Columns] = {
        "id": ("SIS Login ID", "SIS User ID", "ID"),
        "first_name": (),
        "last_name": (),
        "full_name": ("Student",),
        "email": (),
        "number": ("ID",),
        "time": (),
        "grade": (),
        "most": (),
    }
    says_late = True
    mark = False  # it would take the mark for a part of the first column's name

    def origin(self, path: PurePosixPath) -> Origin | None:
        if match := FILE.fullmatch(path.name):
            rest: PurePosixPath | None = PurePosixPath(match["file"])
        elif match := TEXT.fullmatch(path.name):
            rest = None
        else:
            return None
        return Origin(match["name"], match["id"], path, rest, late=bool(match["late"]))

    def owns(self, sheet: Sheet) -> bool:
        return {*sheet.keys} >= {"student", "id", "section"}

    def is_student(self, sheet: Sheet, row: list[str]) -> bool:
        name = sheet.cell(row, 0).casefold()
        # Its own student for trying things out has no login of the school's.
        return bool(any(row[:3])) and name != POINTS and not name.startswith("student, test")

    def is_trial(self, owner: str) -> bool:
        return owner.casefold() == "studenttest"

    def grade_titles(self, sheet: Sheet) -> list[str]:
        return [re.sub(r" \(\d+\)$", "", name) for name in sheet.keys]

    def most(self, sheet: Sheet, column: int) -> Decimal | None:
        rows = (row for row in sheet.rows if sheet.cell(row, 0).casefold() == POINTS)
        return next((number(row[column]) for row in rows), None)

    def table(self, title: str, most: Decimal, grades: list[Published]) -> list[list[str]]:
        rows = [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
            ["Points Possible", "", "", "", "", str(most)],
        ]
        for grade in grades:
            person = grade.person
            name = ", ".join(filter(None, [person.last_name, person.first_name])) or full_name(person)
            rows.append([name or person.id, person.lms_id or "", "", person.id, "", grade.points])
        return rows

    def feedback(self, origin: Origin, page: str) -> str:
        match = FILE.fullmatch(origin.place.name)
        attachment = match["attachment"] if match else "0"
        late = "LATE_" if origin.late else ""
        return f"{origin.owner}_{late}{origin.number}_{attachment}_{page}"


SYSTEM = Canvas()
