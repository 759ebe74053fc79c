"""Sort the files of an archive by who handed them in, and when; whose they are is found here too."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from npfl_grader.errors import CourseError
from npfl_grader.lms import archives, ledger, system
from npfl_grader.lms.archives import Member, Refused
from npfl_grader.lms.people import People, plain_name
from npfl_grader.lms.system import System

FOLDERS = "folders"  # the "system" of an archive with a folder for each student
TOKEN = re.compile(r"[^\s_,;()\[\]+-]+")


@dataclass
class Attempt:
    """What somebody handed in at one time.

    Attributes
    ----------
    archive : str
        The name of the archive.
    system : str
        The system's name, or "folders" for an archive with a folder for each student.
    owner, number : str
        The name and the number that the system gives.
    files : list
        Its files, with the path below the attempt.
    time : datetime or None
        When it was handed in, if that is known.
    unread : str
        The time as the archive says it, where it could not be read.
    late : bool
        Whether the system calls it late.
    """

    archive: str
    system: str
    owner: str
    number: str = ""
    files: list[tuple[PurePosixPath, Member]] = field(default_factory=list)
    time: datetime | None = None
    unread: str = ""
    late: bool = False

    @property
    def who(self) -> str:
        """The owner, as people would say."""
        return f"{self.owner} ({self.number})" if self.number else self.owner


def read(path: Path, people: People, zone: ZoneInfo) -> tuple[list[Attempt], dict[str, str]]:
    """Read an archive.

    Returns
    -------
    attempts : list of Attempt
        In the order of the archive.
    refused : dict
        For each file that is nobody's or cannot be read, by its name, why.

    Raises
    ------
    CourseError
        If it cannot be read, or nothing in it says whose it is.
    """
    if not path.exists():
        raise CourseError(f"{path}: there is no such archive: check its name")
    try:
        members, refused = archives.members(path)
    except Refused as error:
        raise CourseError(f"{path}: {error}") from None
    made: dict[tuple[str, ...], Attempt] = {}
    stray = []
    for member in members:
        if made_from_system(made, path.name, member, zone):
            continue
        if made_from_folder(made, path.name, member, people):
            continue
        if not (member.path.name == "index.html" or member.path.suffix == ".csv"):
            stray.append(member)
    if not made:
        raise CourseError(
            f"{path}: nothing in it says whose it is: expected is what "
            f"{', '.join(known.title for known in system.known().values())} give as 'download all "
            "submissions', or a folder for each student, named by id or address"
        )
    for member in stray:
        parent = member.path.parent
        owner = str(parent if parent.parts else member.path)
        attempt = made.setdefault((FOLDERS, owner), Attempt(path.name, FOLDERS, owner))
        attempt.files.append((PurePosixPath(member.path.name), member))
    return list(made.values()), refused


def made_from_system(
    made: dict[tuple[str, ...], Attempt], archive: str, member: Member, zone: ZoneInfo
) -> bool:
    """Put a file where a system's own names say that it belongs; say whether any does."""
    for found in system.known().values():
        origin = found.origin(member.path)
        if origin is None:
            continue
        # Two numbers are two people, whatever their names.
        key = (found.name, origin.owner, origin.number, origin.time)
        if key not in made:
            time = found.time(origin.time, zone) if origin.time else None
            unread = origin.time if origin.time and time is None else ""
            made[key] = Attempt(archive, found.name, origin.owner, origin.number, time=time, unread=unread)
        made[key].late |= origin.late
        if origin.rest is not None:
            made[key].files.append((origin.rest, member))
        return True
    return False


def made_from_folder(
    made: dict[tuple[str, ...], Attempt], archive: str, member: Member, people: People
) -> bool:
    """Put a file where the only known id in its path says that it belongs; say whether there is one."""
    folders = member.path.parts[:-1]
    owners = {student: depth for depth, part in enumerate(folders) if (student := known_id(part, people))}
    if not owners:
        return False
    depth = min(owners.values())
    # More than one id in a path is no answer: it is nobody's until a person says whose.
    owner = folders[depth] if len(owners) == 1 else "/".join(folders[: max(owners.values()) + 1])
    attempt = made.setdefault((FOLDERS, owner), Attempt(archive, FOLDERS, owner))
    attempt.files.append((PurePosixPath(*member.path.parts[depth + 1 :]), member))
    return True


def known_id(part: str, people: People) -> str | None:
    """Find whose id a folder's name is, or holds beside the name of the same person.

    What stands beside it must be that person's name, and the whole name where the id is a word: it may be
    somebody else's name.
    """
    if student := people.find(part):
        return student
    tokens = TOKEN.findall(part)
    ids = {student for token in tokens if (student := people.by_id.get(token.casefold()))}
    if len(ids) != 1:
        return None
    student = ids.pop()
    person = people.persons[student]
    names = TOKEN.findall(f"{person.first_name or ''} {person.last_name or ''}")
    own = {plain_name(word) for word in names}
    others = {plain_name(token) for token in tokens if token.casefold() != student.casefold()}
    if any(letter.isdigit() for letter in student):
        return student if others <= own and len(tokens) > 1 else None
    return student if others == own and others else None


@dataclass
class Matcher:
    """Finds whose an attempt is.

    Attributes
    ----------
    people : People
        Everybody in the course.
    numbers : dict
        For this assignment, by system and number, whose the number is.
    listed : dict
        The name that a list or an earlier archive gives to such a number.
    groups : dict
        The members of each group, by its reduced name.
    answers : dict
        What the instructor has filled in, by archive, owner and number.
    """

    people: People
    numbers: dict[tuple[str, str], str] = field(default_factory=dict)
    listed: dict[tuple[str, str], str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def all(self, attempts: list[Attempt]) -> list[tuple[list[str], str]]:
        """Say for each attempt whose it is, or why it is nobody's."""
        numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for attempt in attempts:
            if attempt.number:
                numbers[attempt.system, plain_name(attempt.owner)].add(attempt.number)
        return [
            self._one(attempt, numbers[attempt.system, plain_name(attempt.owner)]) for attempt in attempts
        ]

    def _one(self, attempt: Attempt, numbers: set[str]) -> tuple[list[str], str]:
        student, why = self._person(attempt, numbers)
        if not student and (members := self.groups.get(plain_name(attempt.owner))):
            return members, ""
        if student and self.groups:
            return next((team for team in self.groups.values() if student in team), [student]), ""
        return ([student] if student else []), why

    def _person(self, attempt: Attempt, numbers: set[str]) -> tuple[str, str]:
        """Find a person; `numbers` are all with which this name stands in the archives."""
        if answer := self._answer(attempt, numbers):
            return answer, ""
        if attempt.system == FOLDERS:
            student = known_id(attempt.owner, self.people)
            return (student, "") if student else ("", "no one id in its path says whose it is")
        source = system.known()[attempt.system]
        if student := self._numbered(attempt):
            if self._agrees(attempt, source, student):
                return student, ""
            return "", f"the number {attempt.number} is that of {self.people.show(student)}, the name is not"
        named = self.people.named(attempt.owner)
        if len(named) > 1:
            return "", f"{', '.join(sorted(named))} have this name"
        if not named:
            return self._by_id(attempt, source)
        student = next(iter(named))
        if len(numbers) > 1:
            return "", f"people with the numbers {', '.join(sorted(numbers))} have this name"
        known = {
            number
            for (name, number), whose in self.numbers.items()
            if (name, whose) == (source.name, student)
        }
        if source.number_is_person and (number := self.people.persons[student].lms_id):
            known.add(number)
        if attempt.number and known and attempt.number not in known:
            return "", f"{self.people.show(student)} has the number {', '.join(sorted(known))}"
        return student, ""

    def _by_id(self, attempt: Attempt, source: System) -> tuple[str, str]:
        """Find a person whose id the owner's name holds."""
        ids = {
            student
            for text in source.ids(attempt.owner)
            if (student := self.people.by_id.get(text.casefold()))
        }
        if not ids and (student := known_id(attempt.owner, self.people)):
            # A word alone may be the name of a group, or of somebody who is not in the course.
            alone = plain_name(attempt.owner) == plain_name(student)
            ids = {student} if not alone or any(letter.isdigit() for letter in student) else set()
        if len(ids) == 1:
            return ids.pop(), ""
        return "", f"it may be {' or '.join(sorted(ids))}" if ids else "nobody in the course has this name"

    def _answer(self, attempt: Attempt, numbers: set[str]) -> str | None:
        """Look up what the instructor has filled in; without a number it must be clear who is meant."""
        archive, owner, number = ledger.key(attempt.archive, attempt.owner, attempt.number)
        if number:
            # A spreadsheet may have lost the letters of the name, never the digits.
            for key, student in self.answers.items():
                if (key[0], key[2]) == (archive, number):
                    return student
        return self.answers.get((archive, owner, "")) if len(numbers) <= 1 else None

    def _numbered(self, attempt: Attempt) -> str | None:
        if not attempt.number:
            return None
        return self.numbers.get((attempt.system, attempt.number)) or self.people.by_number.get(attempt.number)

    def _agrees(self, attempt: Attempt, source: System, student: str) -> bool:
        """Whether the name says the same as the number, or says nothing."""
        if source.number_is_person or student in self.people.named(attempt.owner):
            return True
        listed = self.listed.get((attempt.system, attempt.number), "")
        owner, person = plain_name(attempt.owner), self.people.persons[student]
        if owner in {plain_name(listed), *map(plain_name, source.anonymous)}:
            return True
        return not (person.first_name or person.last_name or listed)
