"""What the grader knows of a learning management system: one file a system, in ``systems/``.

A new system is a new file there with a subclass of `System` and one instance of it called ``SYSTEM``; nothing
else names it.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.course.gradebook import Person
from npfl_grader.lms import dates, systems
from npfl_grader.lms.spreadsheet import Sheet, key

Columns = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Origin:
    """Where a file of an archive comes from, as its path says.

    Attributes
    ----------
    owner : str
        The name that the system gives; whose it is remains to be found.
    number : str
        The system's number for the owner, or "".
    place : PurePosixPath
        The path of what the system has named, a folder or the file itself.
    rest : PurePosixPath or None
        The path below it, as it was handed in; None where the file is the system's own.
    time : str
        When it was handed in, as text, or "".
    late : bool
        Whether the system calls it late.
    """

    owner: str
    number: str
    place: PurePosixPath
    rest: PurePosixPath | None
    time: str = ""
    late: bool = False


@dataclass(frozen=True)
class Published:
    """A line of the grades: whose, and the points as text, "" for none."""

    person: Person
    points: str


class System(ABC):
    """A learning management system.

    Attributes
    ----------
    name, title : str
        Its name on the command line, and in sentences.
    columns : dict
        For each field of a list of students, the titles of the columns that can hold it, the better ones
        first. The fields are id, first_name, last_name, full_name, email, number (the system's own number
        for a student), time (when the assignment was handed in), grade, most.
    number_is_person : bool
        Whether the number alone says who it is; otherwise the name has to agree.
    says_late : bool
        Whether its archives say what was late.
    mark : bool
        Whether its import takes a file with UTF-8's mark, by which spreadsheets know the encoding.
    anonymous : tuple of str
        What stands for a name where the marking is anonymous.
    prefix : str
        What its lists write before an identifier, lest a spreadsheet takes it for a number.
    feedback_sorts : bool
        Whether it hands out the feedback's archive by itself.
    leaves_out_above : bool
        Whether its import passes over grades above the maximum without a word.
    """

    name: str
    title: str
    columns: ClassVar[Columns]
    number_is_person = True
    says_late = False
    mark = True
    anonymous: tuple[str, ...] = ()
    prefix = ""
    feedback_sorts = True
    leaves_out_above = False

    @abstractmethod
    def origin(self, path: PurePosixPath) -> Origin | None:
        """Read out of a path in the archive of all submissions whose file it is; None if it does not say."""

    @abstractmethod
    def owns(self, sheet: Sheet) -> bool:
        """Tell by its header whether a list of students or grades is this system's."""

    def user(self, typed: bytes) -> str:
        """Read the user's name out of a file of the system's own; "" where none stands there."""
        return ""

    def says_something(self, typed: bytes) -> str:
        """Say what a file of the system's own holds that the student has written; "" for nothing."""
        return "it was typed into the system, and is no file"

    def ids(self, owner: str) -> list[str]:
        """List the ends of an owner's name that may be an id, where the system writes ids."""
        return []

    def parted(self, owner: str) -> list[tuple[str, str]]:
        """List the ways to part an owner into a group's name and a student's, if the system writes both."""
        return []

    def column(self, sheet: Sheet, name: str) -> int | None:
        """Find the column of a field."""
        return sheet.column(self.columns[name])

    def language(self, sheet: Sheet) -> str:
        """Say in which language a list is, where that is known; "" otherwise."""
        return ""

    def time(self, text: str, zone: tzinfo) -> datetime | None:
        """Read a time of an archive."""
        return dates.moment(text, zone)

    def identifiers(self, sheet: Sheet) -> list[tuple[str, int]]:
        """List the columns that say who somebody is, in the order in which they count.

        Returns
        -------
        list
            For each column its field, "id", "email" or "number", and its place.
        """
        keys = sheet.keys
        columns = [
            (name, keys.index(key(title)))
            for name in ("id", "email", "number")
            for title in self.columns[name]
            if key(title) in keys
        ]
        # A column that is in the list twice, such as Canvas' ID, counts as the system's own number.
        numbers = {place for name, place in columns if name == "number"}
        return [(name, place) for name, place in columns if name == "number" or place not in numbers]

    def is_trial(self, owner: str) -> bool:
        """Tell the system's own student, with whom teachers try things out, by the name in an archive."""
        return False

    def is_student(self, sheet: Sheet, row: list[str]) -> bool:
        """Tell a student's row from the system's own, such as that of the maximum."""
        return True

    def grade_column(self, sheet: Sheet, title: str) -> int | None:
        """Find the column of an assignment's grades.

        Parameters
        ----------
        sheet : Sheet
            The list.
        title : str
            The assignment's name, or what the instructor has called the column.
        """
        keys = self.grade_titles(sheet)
        matching = [place for place, name in enumerate(keys) if key(title) in (name, sheet.keys[place])]
        return matching[0] if len(matching) == 1 else None

    def grade_titles(self, sheet: Sheet) -> list[str]:
        """Give the titles of the columns without what the system adds to them."""
        return sheet.keys

    def keeps(self, cell: str) -> str:
        """Say what a grade's cell of a template means that must not be replaced; "" for any other."""
        return ""

    def doubt(self, sheet: Sheet) -> str:
        """Say why a template may not be what the grades go into; "" by default."""
        return ""

    def most(self, sheet: Sheet, column: int) -> Decimal | None:
        """Find the points that the system expects for a column."""
        return None

    @abstractmethod
    def table(self, title: str, most: Decimal, grades: list[Published]) -> list[list[str]]:
        """Write the columns that the system imports, without a list of its own to fill."""

    def feedback(self, origin: Origin, page: str) -> str:
        """Name the file under which the system finds the student of a page of feedback again."""
        return f"{origin.place}/{page}"


def number(text: str) -> Decimal | None:
    """Read a number with a point or a comma; None if it is none."""
    try:
        return Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None


def digits(text: str) -> str:
    """Read a system's number for somebody, as in "Participant 4711" or, from a spreadsheet, "4711.0"."""
    match = re.fullmatch(r"\D*(\d+)(?:[.,]0+)?", text)
    return match[1] if match else ""


def number_in(pattern: str, text: str) -> Decimal | None:
    """Read the number that a pattern finds in a text."""
    match = re.search(pattern, text, re.IGNORECASE)
    return number(match[1]) if match else None


@cache
def known() -> dict[str, System]:
    """Give all systems, by name."""
    return {name: import_module(f"{systems.__name__}.{name}").SYSTEM for name in systems.names()}
