"""Find what was handed in, and read it without following a link or opening anything but a plain file."""

import os
import re
import stat
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Self

from dateutil import parser, tz
from nbgrader.utils import parse_utc

from npfl_grader.course.settings import Course
from npfl_grader.files import bundle, unbundle
from npfl_grader.text import clean, harmless

FILES = 200
BYTES = 100_000_000
DEPTH = 20  # folders inside each other
LEFT_OUT = 500  # files of which it is said why they are left out
TIMESTAMP = "timestamp.txt"
MOST_TIME = 200  # bytes of it
YEAR_FIRST = re.compile(r"\d{4}")
DOTS = re.compile(r"\d{1,2}\.\s*\d{1,2}\.")
ZONE = re.compile(r"(\S+ \S*:\S+) ([A-Za-z][\w/+-]*)")  # "2026-03-10 20:00:00 Europe/Prague"
DAY, OTHER = datetime(2000, 1, 1), datetime(2001, 2, 2)  # from which a day that is not said would be taken


@dataclass
class Submission:
    """What one student handed in for one assignment.

    Attributes
    ----------
    student : str
        The name of the student's folder.
    notebooks : dict
        For each notebook of the assignment that was handed in, by its name, the file's content.
    files : dict
        All other files, by relative path.
    refused : dict
        For each notebook that is there but was not read, by its name, why.
    timestamp : str or None
        What ``timestamp.txt`` says.
    left_out : dict
        For each file that was not read, by relative path, why.
    notes : list of str
        What was left out or renamed, one line each.
    undated : bool
        Whether it says a time that cannot be read, so that nobody knows whether it was late.
    log : str
        The traceback of what failed while it was read.
    """

    student: str
    notebooks: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    timestamp: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    undated: bool = False
    log: str = ""

    def helpers(self) -> dict[str, bytes]:
        """Give the files that the student's code may use."""
        return {name: data for name, data in self.files.items() if name != TIMESTAMP}

    def make_room(self, files: Iterable[str]) -> None:
        """Leave out what cannot lie beside given files: a folder called like one, or the reverse."""
        folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
        taken = {*files}
        for name in [*self.files]:
            inside = taken & {str(parent) for parent in PurePosixPath(name).parents}
            if inside or (name in folders and name not in taken):
                del self.files[name]
                other = min(inside) if inside else name
                self.left_out[name] = f"it cannot lie beside {clean(other)}"
                self.notes.append(f"{clean(name)} is left out: {self.left_out[name]}")

    def encode(self) -> bytes:
        """Write it as bytes."""
        files = {f"n{name}": data for name, data in self.notebooks.items()}
        files |= {f"f{name}": data for name, data in self.files.items()}
        return bundle(asdict(replace(self, notebooks={}, files={})), files)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` has written."""
        said, files = unbundle(data)
        made = cls(**said)
        made.notebooks = {name[1:]: data for name, data in files.items() if name[0] == "n"}
        made.files = {name[1:]: data for name, data in files.items() if name[0] == "f"}
        return made


def students(
    course: Course, assignment: str, patterns: tuple[str, ...] = ("*",), step: str = "submitted"
) -> list[str]:
    """List the students who have a folder for an assignment.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    patterns : tuple of str
        Which students, with the wildcards of a shell.
    step : str
        In which of nbgrader's steps, "submitted" or "autograded".
    """
    directory = course.directory
    # The folder's name is wherever the course's folder structure puts the student.
    marker = "\0"
    parts = course.folder(step, marker, assignment).parts
    if marker not in parts:
        return []
    place = parts.index(marker)
    base, rest = Path(*parts[:place]), Path(*parts[place + 1 :]) if parts[place + 1 :] else Path()
    excluded = {name.strip() for name in directory.student_id_exclude.split(",") if name.strip()}
    if not base.is_dir():
        return []
    return sorted(
        entry.name
        for entry in os.scandir(base)
        if entry.is_dir(follow_symlinks=False)
        and entry.name not in excluded
        and any(fnmatch(entry.name, pattern) for pattern in patterns)
        and (base / entry.name / rest).is_dir()
    )


def read(course: Course, assignment: str, student: str, notebooks: Collection[str] = ()) -> Submission:
    """Read all files of a submission; what cannot be used is left out and noted.

    What counts is read first, so that no other files take its place: its time, and the notebooks.
    """
    submission = Submission(student)
    total = 0
    first = {TIMESTAMP, *(f"{name}.ipynb" for name in notebooks)}
    folder = course.folder("submitted", student, assignment)
    for name, data in _files(folder, course.directory.ignore, first):
        if isinstance(data, str):
            if len(submission.left_out) < LEFT_OUT:
                submission.left_out[name] = data
                submission.notes.append(f"{clean(name)} is left out: {data}")
            continue
        total += len(data)
        if len(submission.files) >= FILES or total > BYTES:
            submission.notes.append(
                f"more than {FILES} files or {BYTES:,} bytes were handed in; the rest is left out"
            )
            break
        submission.files[name] = data
    if TIMESTAMP in submission.files:
        said = submission.files[TIMESTAMP][:MOST_TIME].decode("utf-8", "replace")
        submission.timestamp = said.strip() or None
    return submission


def read_time(text: str | None) -> datetime | None:
    """Read what a ``timestamp.txt`` says, as nbgrader does: in UTC, without a time zone; None for nothing.

    nbgrader takes what is missing from today's date, 10/3/2026 for October, 10.3.2026 too, and a time zone
    that it does not know for UTC; nothing of that is done here.

    Raises
    ------
    ValueError
        If it is no time, or could be several.
    """
    if not text:
        return None
    ways = (False,) if YEAR_FIRST.match(text) else (True,) if DOTS.match(text) else (False, True)
    zones = {}
    if match := ZONE.fullmatch(text):
        text, zones = f"{match[1]} TZ", {"TZ": tz.gettz(match[2])}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", parser.UnknownTimezoneWarning)
            read = {
                parse_utc(parser.parse(text, dayfirst=way, default=day, tzinfos=zones or None))
                for way in ways
                for day in (DAY, OTHER)
            }
    except (OverflowError, parser.UnknownTimezoneWarning):
        raise ValueError("it is no time") from None
    if None in zones.values():
        raise ValueError("its time zone is not known")
    if len(read) > 1:
        raise ValueError("it could be several times")
    moment: datetime = read.pop()
    return moment


def says_no_time(course: Course, assignment: str, student: str) -> bool:
    """Whether a submission has a ``timestamp.txt`` that says no time, so that nobody knows if it was late."""
    path = course.folder("submitted", student, assignment) / TIMESTAMP
    if not path.exists():
        return False
    try:
        read_time(read_plain(path)[:MOST_TIME].decode("utf-8", "replace").strip() or None)
    except ValueError:
        return True
    return False


def _files(folder: Path, ignored: list[str], first: set[str]) -> Iterator[tuple[str, bytes | str]]:
    """Go through all files: the relative path, and the content, or why it was not read."""
    if folder.is_symlink():
        yield ".", "the folder is a link"
        return
    for parent, folders, names in os.walk(folder):  # it follows no links
        folders[:] = sorted(
            name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored)
        )
        if len(Path(parent).relative_to(folder).parts) >= DEPTH and folders:
            yield Path(parent).relative_to(folder).as_posix(), f"folders lie more than {DEPTH} deep"
            folders.clear()
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted(
            [*names, *links], key=lambda name: (name not in first, name[-6:] != ".ipynb", name)
        ):
            if any(fnmatch(name, pattern) for pattern in ignored):
                continue
            path = Path(parent, name)
            if not harmless(name):
                yield path.relative_to(folder).as_posix(), "its name holds what no name should"
                continue
            try:
                content: bytes | str = read_plain(path)
            except ValueError as reason:
                content = str(reason)
            yield path.relative_to(folder).as_posix(), content


def read_plain(path: Path) -> bytes:
    """Read a plain file with one name.

    Raises
    ------
    ValueError
        If it is anything else: a link, a device, a pipe, a file that has a second name elsewhere.
    """
    try:
        # Without waiting: a pipe that nobody writes to would block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise ValueError("it is a link") from None
        raise ValueError(error.strerror or "it cannot be opened") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no plain file")
        if status.st_nlink > 1:
            raise ValueError("it is a hard link: the file has another name elsewhere")
        if status.st_size > BYTES:
            raise ValueError(f"it has {status.st_size:,} bytes, at most {BYTES:,} are read")
        return file.read(BYTES + 1)


def instructor_files(course: Course, assignment: str) -> dict[str, bytes]:
    """Read the data files that lie beside the assignment's source notebooks."""
    folder = course.source(assignment)
    if not folder.is_dir():
        return {}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".ipynb"
        and not any(
            fnmatch(part, pattern)
            for part in path.relative_to(folder).parts
            for pattern in course.directory.ignore
        )
    }
