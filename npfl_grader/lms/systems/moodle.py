"""Moodle: folders by name and number, a grading worksheet in the teacher's language.

The names of folders are those of ``mod/assign/classes/downloader.php`` (``mod/assign/locallib.php`` before
Moodle 4.1): the name, for teams that of the group, and the number. Where a course has groups, older ones
write the group's name and a hyphen before the student's. The worksheet is that of
``mod/assign/feedback/offline`` with the columns of ``mod/assign/gradingtable.php``;
`npfl_grader.lms.moodle_titles` knows what they are called.
"""

import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.lms.moodle_titles import FIELDS, PACKS, PARTICIPANTS, everywhere, titles
from npfl_grader.lms.people import plain_name
from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Columns, Origin, Published, System, number

# Name_4711_assignsubmission_file/… since Moodle 3.1, …_file_name.ipynb before and by choice.
FOLDER = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?")
CELL = re.compile(r"(\D*)\d+")


class Moodle(System):
    """See the module."""

    name, title = "moodle", "Moodle"
    columns: ClassVar[Columns] = {name: everywhere(name) for name in FIELDS}
    # The folder of a team carries the group's number, which may be that of a student.
    number_is_person = False
    anonymous = PARTICIPANTS
    leaves_out_above = True  # mod/assign/feedback/offline/locallib.php: "Out of range"

    def origin(self, path: PurePosixPath) -> Origin | None:
        for depth, part in enumerate(path.parts, start=1):
            match = FOLDER.fullmatch(part)
            last = depth == len(path.parts)
            if not match or (last and not match["file"]):
                continue
            inner = PurePosixPath(match["file"]) if last else PurePosixPath(*path.parts[depth:])
            return Origin(
                match["name"],
                match["id"] or "",
                PurePosixPath(*path.parts[:depth]),
                inner if match["plugin"] == "file" else None,
            )
        return None

    def parted(self, owner: str) -> list[tuple[str, str]]:
        """Of "Group A-Mai-Anh X" either hyphen may be the one between the group and the student."""
        return [(owner[: place.start()], owner[place.end() :]) for place in re.finditer("-", owner)]

    def language(self, sheet: Sheet) -> str:
        keys = set(sheet.keys)
        hits = {code: sum(bool(keys & {*titles(code, name)}) for name in FIELDS) for code in PACKS}
        best = max(hits, key=lambda code: hits[code])
        return best if hits[best] >= 2 else ""

    def owns(self, sheet: Sheet) -> bool:
        keys = set(sheet.keys)
        # A list of somebody's own may have the same titles; its column of ids is no number of Moodle's.
        if "id" in keys and not self._holds_numbers(sheet, sheet.keys.index("id")):
            return False
        return bool(keys & {"identifier", "email address", "id number"}) or self.language(sheet) not in (
            "",
            "en",
        )

    def column(self, sheet: Sheet, name: str) -> int | None:
        """Find a column by its title in the list's own language, or else in English."""
        code = self.language(sheet)
        for called in (titles(code, name) if code else (), titles("en", name)):
            if (place := sheet.column(called)) is not None:
                return place
        return sheet.column(self.columns[name]) if not code else None

    @staticmethod
    def _holds_numbers(sheet: Sheet, column: int) -> bool:
        """Whether a column's cells are those of the worksheet, a word for participants and a number."""
        words = {plain_name(word) for word in PARTICIPANTS}
        cells = [match for row in sheet.rows if (match := CELL.fullmatch(sheet.cell(row, column)))]
        return len(cells) == len(sheet.rows) and {plain_name(cell[1]) for cell in cells} <= words

    def grade_column(self, sheet: Sheet, title: str) -> int | None:
        place = super().grade_column(sheet, title)
        return self.column(sheet, "grade") if place is None else place

    def grade_titles(self, sheet: Sheet) -> list[str]:
        """Take the words off around a title in the gradebook's export, "Assignment: hw (Real)"."""
        return [re.sub(r"^[^:]+: *|  *\([^()]*\)$", "", title) for title in sheet.keys]

    def doubt(self, sheet: Sheet) -> str:
        if self.column(sheet, "number") is None or self.column(sheet, "most") is not None:
            return ""
        return (
            "no column says the maximum, as where Moodle grades by a scale: it would import no number, and "
            "not say so"
        )

    def most(self, sheet: Sheet, column: int) -> Decimal | None:
        place = self.column(sheet, "most")
        values = {number(sheet.cell(row, place)) for row in sheet.rows} - {None}
        return values.pop() if len(values) == 1 else None

    def table(self, title: str, most: Decimal, grades: list[Published]) -> list[list[str]]:
        rows = [["ID number", "Email address", title]]
        return rows + [[grade.person.id, grade.person.email or "", grade.points] for grade in grades]

    def feedback(self, origin: Origin, page: str) -> str:
        number = f"_{origin.number}" if origin.number else ""
        return f"{origin.owner}{number}_assignsubmission_file/{page}"


SYSTEM = Moodle()
