"""Brightspace (D2L): a folder for each attempt with number, name and time, and grades by ``OrgDefinedId``.

The form of the folders, ``4711-815 - Name - Mar 10, 2026 1159 PM``, is what public scripts that sort these
archives read; the first number is the student's, the second the assignment's.
"""

import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Columns, Origin, Published, System, number_in

FOLDER = re.compile(r"(?P<id>\d+)-\d+\s*-\s*(?P<name>.+?)\s*-\s*(?P<time>[^-]*\d[^-]*)")
MOST = r"MaxPoints:\s*([\d.,]+)"


class Brightspace(System):
    """See the module."""

    name, title = "brightspace", "Brightspace"
    columns: ClassVar[Columns] = {
        "id": ("Username", "OrgDefinedId"),
        "first_name": ("First Name",),
        "last_name": ("Last Name",),
        "full_name": ("Name",),
        "email": ("Email",),
        "number": (),
        "time": (),
        "grade": (),
        "most": (),
    }
    # The archive's number is in none of its lists: a name says who it is, the number who it is not.
    number_is_person = False
    prefix = "#"

    def origin(self, path: PurePosixPath) -> Origin | None:
        for depth, part in enumerate(path.parts[:-1], start=1):
            if match := FOLDER.fullmatch(part):
                rest = PurePosixPath(*path.parts[depth:])
                place = PurePosixPath(*path.parts[:depth])
                return Origin(match["name"], match["id"], place, rest, match["time"])
        return None

    def owns(self, sheet: Sheet) -> bool:
        return any(name == "orgdefinedid" or name.startswith("end-of-line") for name in sheet.keys)

    def grade_titles(self, sheet: Sheet) -> list[str]:
        return [name.split(" points grade")[0] for name in sheet.keys]

    def most(self, sheet: Sheet, column: int) -> Decimal | None:
        return number_in(MOST, sheet.header[column])

    def table(self, title: str, most: Decimal, grades: list[Published]) -> list[list[str]]:
        rows = [["Username", f"{title} Points Grade", "End-of-Line Indicator"]]
        return rows + [[grade.person.id, grade.points, "#"] for grade in grades]

    def feedback(self, origin: Origin, page: str) -> str:
        return f"{origin.place.name}/{page}"


SYSTEM = Brightspace()
