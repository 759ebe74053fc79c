"""Sort the files of an archive by who handed them in, and when; whose they are is found here too."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path, PurePosixPath

from npfl_grader.errors import CourseError
from npfl_grader.lms import archives, ledger, system
from npfl_grader.lms.archives import Member, Refused
from npfl_grader.lms.people import WORD, People, plain_name
from npfl_grader.lms.system import System
from npfl_grader.text import clean

FOLDERS = "folders"  # the "system" of an archive with a folder for each student


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
    known : str
        Whose it is, where an id in the path says so.
    typed : list
        What the system has written itself, such as a text that was typed into it.
    """

    archive: str
    system: str
    owner: str
    number: str = ""
    files: list[tuple[PurePosixPath, Member]] = field(default_factory=list)
    time: datetime | None = None
    unread: str = ""
    late: bool = False
    known: str = ""
    typed: list[Member] = field(default_factory=list)


def read(
    path: Path, people: People, zone: tzinfo, notebooks: list[str]
) -> tuple[list[Attempt], dict[str, str]]:
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
        if made_from_path(made, path.name, member, people, notebooks):
            continue
        if str(member.path) != "index.html":  # Brightspace's own
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
    made: dict[tuple[str, ...], Attempt], archive: str, member: Member, zone: tzinfo
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
        else:
            made[key].typed.append(member)
        return True
    return False


def made_from_path(
    made: dict[tuple[str, ...], Attempt], archive: str, member: Member, people: People, notebooks: list[str]
) -> bool:
    """Put a file where the only known id in its path says that it belongs; say whether there is one."""
    parts = member.path.parts
    owners = {
        depth: student
        for depth, part in enumerate(parts[:-1])
        if (student := known_id(without_notebook(part, notebooks) or part, people, beside=True))
    }
    if not owners:
        stem = without_notebook(member.path.name, notebooks)
        student = known_id(stem, people, beside=True)
        if not student:
            return False
        attempt = made.setdefault((FOLDERS, student), Attempt(archive, FOLDERS, student, known=student))
        ending = (
            "".join(member.path.suffixes[-2:])
            if ".ipynb" in member.path.suffixes[:-1]
            else member.path.suffix
        )
        name = next((name for name in notebooks if name.casefold() in member.path.name.casefold()), stem)
        attempt.files.append((PurePosixPath(f"{name}{ending}"), member))
        return True
    depth = min(owners)
    one = len({*owners.values()}) == 1
    # More than one id in a path is no answer: it is nobody's until a person says whose.
    owner = parts[depth] if one else "/".join(parts[: max(owners) + 1])
    attempt = made.setdefault(
        (FOLDERS, owner), Attempt(archive, FOLDERS, owner, known=owners[depth] if one else "")
    )
    attempt.files.append((PurePosixPath(*parts[depth + 1 :]), member))
    return True


def without_notebook(name: str, notebooks: list[str]) -> str:
    """Leave the notebook's own name out of a file's name, so that no part of it is taken for an id."""
    stem = name.split(".")[0]
    for notebook in notebooks:
        stem = re.sub(re.escape(notebook), " ", stem, flags=re.IGNORECASE)
    return stem.strip(" _-")


def known_id(part: str, people: People, beside: bool = False) -> str | None:
    """Find whose id a name is, or holds beside the name of the same person.

    What stands beside it must be that person's name, and the whole name where the id is a word: it may be
    somebody else's name. With `beside` other words may stand there too, such as those of an assignment, if
    the id is no word and they are nobody's name.
    """
    if student := people.find(part):
        return student
    tokens = WORD.findall(part)
    ids = {student for token in tokens if (student := people.by_id.get(token.casefold()))}
    if len(ids) != 1:
        return None
    student = ids.pop()
    person = people.persons[student]
    own = {plain_name(word) for word in WORD.findall(f"{person.first_name or ''} {person.last_name or ''}")}
    others = {plain_name(token) for token in tokens if token.casefold() != student.casefold()}
    if len(others) == len(own) and others == own and others:
        return student
    # A number alone may be a date or a counter.
    if student.isdecimal() or not any(letter.isdigit() for letter in student) or len(tokens) < 2:
        return None
    strangers = {word for word in others - own if people.by_word.get(word)}
    return student if others <= own or (beside and not strangers) else None


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
    owners : dict
        The names as the archives write them, by how the instructor sees them.
    titles : dict
        For each archive and system, what stands before the users' names.
    """

    people: People
    numbers: dict[tuple[str, str], str] = field(default_factory=dict)
    listed: dict[tuple[str, str], str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[ledger.Key, str] = field(default_factory=dict)
    owners: dict[ledger.Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    titles: dict[tuple[str, str], str] = field(default_factory=dict)

    def all(self, attempts: list[Attempt]) -> list[tuple[list[str], str]]:
        """Say for each attempt whose it is, or why it is nobody's."""
        numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.owners = defaultdict(set)
        together: dict[tuple[str, str], set[str]] = defaultdict(set)
        for attempt in attempts:
            together[attempt.archive, attempt.system].add(attempt.owner)
        known = system.known()
        self.titles = {
            place: self._title(known[place[1]], owners)
            for place, owners in together.items()
            if place[1] in known
        }
        for attempt in attempts:
            self.owners[ledger.key(attempt.archive, attempt.owner, attempt.number)].add(attempt.owner)
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
            return attempt.known, "" if attempt.known else "no one id in its path says whose it is"
        source = system.known()[attempt.system]
        if (signed := self._signed(attempt, source)) is not None:
            return signed
        if student := self._numbered(attempt):
            if self._agrees(attempt, source, student):
                return student, ""
            return "", f"the number {attempt.number} is that of {self.people.show(student)}, the name is not"
        if plain_name(attempt.owner) in map(plain_name, source.anonymous):
            return "", "the marking is anonymous, and nothing says whose this number is"
        named = self.people.named(attempt.owner) or self._named_in_group(attempt, source)
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

    def _named_in_group(self, attempt: Attempt, source: System) -> set[str]:
        """Name all who have the name behind that of a group which the instructor has listed."""
        parts = source.parted(attempt.owner)
        return {
            student
            for group, name in parts
            if plain_name(group) in self.groups
            for student in self.people.named(name)
        }

    def _by_id(self, attempt: Attempt, source: System) -> tuple[str, str]:
        """Find a person whose id the owner's name holds."""
        title = self.titles.get((attempt.archive, attempt.system))
        own = self.people.by_id.get(attempt.owner.removeprefix(title).casefold()) if title else None
        ids = {own} if own else set()
        if not ids and (student := known_id(attempt.owner, self.people)):
            # A word alone may be the name of a group, or of somebody who is not in the course.
            alone = plain_name(attempt.owner) == plain_name(student)
            ids = {student} if not alone or any(letter.isdigit() for letter in student) else set()
        if len(ids) == 1:
            return ids.pop(), ""
        if ids:
            return "", f"it may be {' or '.join(sorted(ids))}"
        behind = {student for _, name in source.parted(attempt.owner) for student in self.people.named(name)}
        hint = f", but {' and '.join(sorted(behind))} what stands behind a hyphen" if behind else ""
        return "", f"nobody in the course has this name{hint}"

    def _title(self, source: System, owners: set[str]) -> str:
        """Find what stands before the user's name in all of an archive; "" where it could be several.

        Of one file alone, or where two titles fit as many users, nobody could say where the title ends.
        """
        fits: Counter[str] = Counter()
        for owner in owners if len(owners) > 1 else ():
            for text in source.ids(owner):
                title = owner.removesuffix(text)
                if text.casefold() in self.people.by_id and all(other.startswith(title) for other in owners):
                    fits[title] += 1
        most = fits.most_common(2)
        return most[0][0] if most and (len(most) == 1 or most[0][1] > most[1][1]) else ""

    def _signed(self, attempt: Attempt, source: System) -> tuple[str, str] | None:
        """Look up the user whom the system names in a file of its own; None where it names nobody."""
        for member in attempt.typed:
            try:
                user = source.user(member.read())
            except Refused:
                continue
            if user and not attempt.owner.casefold().endswith(user.casefold()):
                return "", f"its file names {clean(user)}, its name does not"
            if user:
                student = self.people.by_id.get(user.casefold(), "")
                return student, "" if student else f"{clean(user)} is not in the course"
        return None

    def _answer(self, attempt: Attempt, numbers: set[str]) -> str | None:
        """Look up what the instructor has filled in; without a number it must be clear who is meant."""
        archive, owner, number = ledger.key(attempt.archive, attempt.owner, attempt.number)
        if number:
            # A spreadsheet may have lost the letters of the name, never the digits.
            for key, student in self.answers.items():
                if (key[0], key[2]) == (archive, number):
                    return student
        # Names that differ in what nobody sees look the same in the file.
        alike = len(self.owners[archive, owner, number]) > 1
        return self.answers.get((archive, owner, "")) if len(numbers) <= 1 and not alike else None

    def _numbered(self, attempt: Attempt) -> str | None:
        if not attempt.number:
            return None
        return self.numbers.get((attempt.system, attempt.number)) or self.people.by_number.get(attempt.number)

    def _agrees(self, attempt: Attempt, source: System, student: str) -> bool:
        """Whether the name says the same as the number, or says nothing."""
        names = [attempt.owner, *(name for _, name in source.parted(attempt.owner))]
        if any(student in self.people.named(name) for name in names):
            return True
        if source.number_is_person:
            return not self.people.named(attempt.owner)  # it is the name of somebody else
        listed = self.listed.get((attempt.system, attempt.number), "")
        person = self.people.persons[student]
        if {*map(plain_name, names)} & {plain_name(listed), *map(plain_name, source.anonymous)}:
            return True
        return not (person.first_name or person.last_name or listed)
