"""Canvas: flat archives with the student's number in each file's name, and a gradebook by SIS ids.

The names are made by ``lib/content_zipper.rb``, the gradebook by ``lib/gradebook_exporter.rb``; it is read by
``lib/gradebook_importer.rb``, which looks for the ID, the SIS User ID, the SIS Login ID and, where it finds
none of them, for the name.
"""

import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.lms.people import full_name
from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Columns, Origin, Published, System, number

# name_LATE_4711_815_name.ipynb: the user, the attachment; what is typed in has no attachment. Where a name
# holds an underscore, nothing parts it from the numbers for certain: such a file is left to a person.
REST = r"(?:(?P<attachment>\d+)_(?P<file>.+)|(?:text|link)\.html)"
FILE = re.compile(rf"(?P<name>[^_/]*)_(?:(?P<late>LATE)_)?(?P<id>\d+)_{REST}")
# Where the marking is anonymous, the number is drawn, of letters and digits, and is nobody's.
ANONYMOUS = re.compile(rf"(?:(?P<late>LATE)_)?(?P<name>anon)_(?P<id>[^_\W]+)_{REST}")
POINTS = "points possible"


class Canvas(System):
    """See the module."""

    name, title = "canvas", "Canvas"
    columns: ClassVar[Columns] = {
        "id": ("SIS Login ID", "SIS User ID", "ID"),
        "first_name": ("FirstName",),
        "last_name": ("LastName",),
        "full_name": ("Student",),
        "email": (),
        "number": ("ID",),
        "time": (),
        "grade": (),
        "most": (),
    }
    says_late = True
    anonymous = ("anon",)
    mark = False  # it would take the mark for a part of the first column's name

    def origin(self, path: PurePosixPath) -> Origin | None:
        if match := ANONYMOUS.fullmatch(path.name):
            whose = f"{match['name']}_{match['id']}"
        elif match := FILE.fullmatch(path.name):
            whose = match["id"]
        else:
            return None
        rest = PurePosixPath(match["file"]) if match["file"] else None
        return Origin(match["name"], whose, path, rest, late=bool(match["late"]))

    def owns(self, sheet: Sheet) -> bool:
        keys = {*sheet.keys}
        return keys >= {"id", "section"} and ("student" in keys or keys >= {"lastname", "firstname"})

    def is_student(self, sheet: Sheet, row: list[str]) -> bool:
        name = sheet.cell(row, 0).casefold()
        last, first = (sheet.column((title,)) for title in ("LastName", "FirstName"))
        if last is not None:
            name = f"{sheet.cell(row, last)}, {sheet.cell(row, first)}".casefold()
        # Its own student for trying things out has no login of the school's.
        return bool(any(row[:3])) and not name.startswith((POINTS, "student, test"))

    def is_trial(self, owner: str) -> bool:
        return owner.casefold() == "studenttest"

    def keeps(self, cell: str) -> str:
        return {"ex": "excused", "n/a": "not assigned to"}.get(cell.casefold(), "")

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
            # Without its own number, Canvas could take the grade for a namesake's.
            name = name if person.lms_id else person.id
            rows.append([name or person.id, person.lms_id or "", "", person.id, "", grade.points])
        return rows

    def feedback(self, origin: Origin, page: str) -> str:
        file = str(origin.rest or "")
        return f"{origin.place.name.removesuffix(file)}{page}"


SYSTEM = Canvas()
