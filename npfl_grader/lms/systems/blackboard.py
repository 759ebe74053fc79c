"""Blackboard Learn: flat archives with the user's name in each file's name, and grades by ``Username``.

The names of files are those that public scripts sort (github.com/kwurst/bb-file-cleanup): the assignment, the
user's name, the time of the attempt, the file; a text file beside them names the user and holds what the
student wrote to it.
The columns of the grades are those of its "Work offline" (github.com/nbeaver/offline-grades-upload): a
column is known by the number behind its title, ``l1_update [Total Pts: 10 Score] |664617``.
"""

import re
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Columns, Origin, Published, System, number_in

FILE = re.compile(r"(?P<name>.+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)")
USER = re.compile(r"^Name:.*\(([^()\s]+)\)[ \t]*\r?$", re.MULTILINE)
SECTION = re.compile(r"^(?:Submission Field|Comments):\s*\n(.*?)(?=^\w[\w ]*:|\Z)", re.MULTILINE | re.DOTALL)
NOTHING = ("there is no student submission text data", "there are no student comments")
TITLE = re.compile(r"\s*\[total pts:.*$")


class Blackboard(System):
    """See the module."""

    name, title = "blackboard", "Blackboard"
    columns: ClassVar[Columns] = {
        "id": ("Username", "Student ID"),
        "first_name": ("First Name",),
        "last_name": ("Last Name",),
        "full_name": (),
        "email": ("Email",),
        "number": (),
        "time": (),
        "grade": (),
        "most": (),
    }
    feedback_sorts = False

    def origin(self, path: PurePosixPath) -> Origin | None:
        if match := FILE.fullmatch(path.name):
            rest = PurePosixPath(match["file"]) if match["file"] else None
            return Origin(match["name"], "", path, rest, match["time"])
        return None

    def user(self, typed: bytes) -> str:
        match = USER.search(typed.decode("utf-8", "replace"))
        return match[1] if match else ""

    def says_something(self, typed: bytes) -> str:
        """Its text file comes with every attempt, and has two sentences where nothing was written."""
        text = typed.decode("utf-8", "replace")
        typed_in = SECTION.findall(text)
        if all(part.strip().casefold().startswith(NOTHING) for part in typed_in):
            return ""
        return super().says_something(typed)

    def ids(self, owner: str) -> list[str]:
        """Both the assignment's title and the user's name may hold underscores: each end may be the name."""
        parts = owner.split("_")
        return ["_".join(parts[start:]) for start in range(1, len(parts))]

    def time(self, text: str, zone: tzinfo) -> datetime | None:
        try:
            return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=zone)
        except ValueError:
            return None

    def owns(self, sheet: Sheet) -> bool:
        return {*sheet.keys} >= {"username", "last name", "first name"} and (
            bool({*sheet.keys} & {"student id", "last access", "availability"})
            or any("[total pts:" in name for name in sheet.keys)
        )

    def grade_titles(self, sheet: Sheet) -> list[str]:
        return [TITLE.sub("", name) for name in sheet.keys]

    def most(self, sheet: Sheet, column: int) -> Decimal | None:
        return number_in(r"\[total pts:\s*(?:up to\s*)?([\d.,]+)", sheet.header[column])

    def table(self, title: str, most: Decimal, grades: list[Published]) -> list[list[str]]:
        return [["Username", title], *([grade.person.id, grade.points] for grade in grades)]


SYSTEM = Blackboard()
