"""Put what was handed in to a learning management system into nbgrader's folder ``submitted``.

Read are the archives that Moodle, Canvas and Brightspace make of an assignment, and any archive or folder
with a folder for each student. A second run does only what has changed, and what a killed run has left.
"""

import csv
import hashlib
import io
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from rich.table import Table

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.late import LatePenalty
from npfl_grader.lms import archives, roster
from npfl_grader.lms.archives import Bounds, Member, Refused

# Name_4711_assignsubmission_file/… since Moodle 3.1, …_file_name.ipynb before and by choice.
MOODLE = re.compile(r"(?P<name>[^_]+)(?:_(?P<id>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?")
# name_LATE_4711_815_name.ipynb: the user, the attachment.
CANVAS = re.compile(r"(?P<name>\w*?)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)")
CANVAS_TEXT = re.compile(r"(?P<name>\w*?)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?:text|link)\.html")
# 4711-815 - Name - Mar 10, 2026 1159 PM
BRIGHTSPACE = re.compile(
    r"\d+-(?P<id>\d+)\s*-\s*(?P<name>.+?)\s*-\s*(?P<time>[^-]*\d{4},?\s+\d{3,4}\s*(?:[AP]M)?)"
)
COUNTER = re.compile(r"(?:[ _]?\(\d+\)|-\d+|_\d+| copy| Kopie| - Copy)+$", re.I)
IN_TIME = "a later attempt came after the deadline; the one in time stays, --late takes the last"


@dataclass
class Attempt:
    """What somebody handed in at one time.

    Attributes
    ----------
    archive : str
        Where it was found.
    system : str
        "moodle", "canvas", "brightspace", or "folders", one for each student.
    owner : str
        The name that the system gives; whose it is remains to be found.
    number : str or None
        The system's number for the owner.
    members : list
        Its files, with the path below the attempt and the path in the archive.
    time : datetime or None
        When it was handed in, if that is known.
    late : bool
        Whether the system calls it late.
    """

    archive: str
    system: str
    owner: str
    number: str | None = None
    members: list[tuple[PurePosixPath, Member]] = field(default_factory=list)
    time: datetime | None = None
    late: bool = False


@dataclass
class Taken:
    """What was put into a student's folder; ``earlier`` are the digests of what stood there before."""

    student: str
    archive: str
    system: str
    owner: str
    time: str | None
    late: bool
    notebooks: dict[str, str]
    files: list[str]
    digest: str
    attempts: int
    state: str = "unchanged"
    notes: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)


@dataclass
class Collection:
    """What a collection has found, for people and for programs."""

    assignment: str
    students: dict[str, Taken] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unmatched: list[dict[str, str]] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing needs a look; that somebody has handed in nothing does not."""
        return not (self.unmatched or self.unusable or self.kept)

    def table(self) -> Table:
        """Draw the summary."""
        found = Table(title=f"{self.assignment}: {len(self.students)} submissions", title_justify="left")
        for name in ("", "", "why"):
            found.add_column(name, overflow="fold")
        states = defaultdict(list)
        for taken in self.students.values():
            states[taken.state].append(taken)
        for state in ("new", "updated", "unchanged", "earlier"):
            late = sum(taken.late for taken in states[state])
            name = "from earlier archives" if state == "earlier" else state
            found.add_row(name, str(len(states[state])), f"{late} late" if late else "")
        found.add_row("missing", str(len(self.missing)), ", ".join(self.missing), end_section=True)
        for row in self.unmatched:
            found.add_row("not matched", row["owner"], row["reason"])
        for student, reason in self.unusable.items():
            found.add_row("not usable", student, reason)
        for student, reason in self.kept.items():
            found.add_row("kept", student, reason)
        for student, taken in self.students.items():
            if taken.notes:
                found.add_row("note", student, "\n".join(taken.notes))
        for name, reason in self.refused.items():
            found.add_row("not read", name, reason)
        return found


def ledger_path(course: Course, assignment: str) -> Path:
    """Name the file that says whose work was taken from where."""
    return course.root / "collected" / f"{assignment}.json"


def ledger(course: Course, assignment: str) -> dict[str, Any]:
    """Read what the last collection said; empty if there was none."""
    try:
        found = json.loads(ledger_path(course, assignment).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def attempts(path: Path, known: dict[str, str], zone: Any) -> tuple[list[Attempt], dict[str, str]]:
    """Sort the files of an archive by who handed them in, and when.

    Parameters
    ----------
    path : Path
        An archive or a folder.
    known : dict
        The students' ids and addresses in lower case, each with the id.
    zone : tzinfo
        Of the times in folders' names.

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
    found: dict[tuple[str, ...], Attempt] = {}
    stray = []
    for member in members:
        sorted_in = _owner(member.path, known)
        if sorted_in is None:
            if not (member.path.name == "index.html" or member.path.suffix == ".csv"):
                stray.append(member)
            continue
        system, owner, number, rest, when, late = sorted_in
        attempt = found.setdefault(
            (system, owner, number or "", when),
            Attempt(path.name, system, owner, number, time=_time(when, zone)),
        )
        attempt.late |= late
        if rest is not None:
            attempt.members.append((rest, member))
    if not found:
        raise CourseError(
            f"{path}: nothing in it says whose it is: expected is what Moodle, Canvas or Brightspace gives "
            "as 'download all submissions', or a folder for each student, named by id or address"
        )
    refused |= {str(member.path): "nothing says whose it is" for member in stray}
    return list(found.values()), refused


def _owner(
    path: PurePosixPath, known: dict[str, str]
) -> tuple[str, str, str | None, PurePosixPath | None, str, bool] | None:
    """Read out of a path: system, owner, number, the rest of the path, time, and whether it is late."""
    for place, part in enumerate(path.parts):
        rest = PurePosixPath(*path.parts[place + 1 :])
        last = place == len(path.parts) - 1
        if match := MOODLE.fullmatch(part):
            if last and not match["file"]:
                continue
            inner = rest if not last else PurePosixPath(match["file"])
            usable = inner if match["plugin"] == "file" else None
            return "moodle", match["name"], match["id"], usable, "", False
        if (match := BRIGHTSPACE.fullmatch(part)) and not last:
            return "brightspace", match["name"], match["id"], rest, match["time"], False
        if last and (match := CANVAS.fullmatch(part)):
            inner = PurePosixPath(match["file"])
            return "canvas", match["name"], match["id"], inner, "", bool(match["late"])
        if last and (match := CANVAS_TEXT.fullmatch(part)):
            return "canvas", match["name"], match["id"], None, "", bool(match["late"])
        if part.lower() in known and not last:
            return "folders", part, None, rest, "", False
    return None


def _time(text: str, zone: Any) -> datetime | None:
    """Read Brightspace's time: "Mar 10, 2026 1159 PM", "10 March, 2026 2359"."""
    return (
        roster.moment(re.sub(r"(\d{1,2})(\d\d)(\s*[AP]M)?$", r"\1:\2\3", text.strip()), zone)
        if text
        else None
    )


class Collector:
    """Collects an assignment.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    worksheet : Path, optional
        A list of this assignment's participants with their numbers and times, such as Moodle's grading
        worksheet.
    groups : Path, optional
        A CSV file with the columns ``group`` and ``student``.
    late : bool
        Whether the last attempt counts even if one before was in time.
    replace : bool
        Whether what was changed by hand in the folder ``submitted`` is replaced.

    Raises
    ------
    CourseError
        If there is no such assignment, or a list cannot be used.
    """

    def __init__(
        self,
        course: Course,
        assignment: str,
        worksheet: Path | None = None,
        groups: Path | None = None,
        late: bool = False,
        replace: bool = False,
    ) -> None:
        self.course, self.assignment, self.take_late, self.replace = course, assignment, late, replace
        self.zone = course.timezone()
        self.grace = LatePenalty(config=course.config).grace

        found = gradebook.assignment(course, assignment)
        people, self.notebooks = list(found.people.values()), list(found.definitions)
        if not people:
            raise CourseError(
                "the course has no students: run 'npfl-grader course' with --roster, "
                "or 'nbgrader db student import'"
            )
        self.due = found.due
        self.extensions = {student: entry.extension for student, entry in found.entries.items()}
        self.ids = [person.id for person in people]
        self.known = {person.id.lower(): person.id for person in people}
        self.known |= {person.email.lower(): person.id for person in people if person.email}
        self.numbers = {person.lms_id: person.id for person in people if person.lms_id}
        self.times: dict[str, datetime] = {}
        if worksheet:
            self._read_worksheet(worksheet)
        self.names: dict[str, set[str]] = defaultdict(set)
        for person in people:
            first, last = person.first_name or "", person.last_name or ""
            for name in (first + last, last + first):
                if name:
                    self.names[roster.plain(name)].add(person.id)
        self.groups = self._read_groups(groups) if groups else {}
        self.by_hand = self._read_answers()

    def _read_worksheet(self, path: Path) -> None:
        """Take the numbers and times of this assignment; Moodle gives a participant a new number in each."""
        table = roster.table(path)
        place = table.column(roster.COLUMNS["time"])
        for number, row in enumerate(table.rows, start=2):
            text = "-" if place is None else row[place].strip()
            if text not in ("", "-") and roster.moment(text, self.zone) is None:
                raise CourseError(
                    f"{path}: line {number}: {text!r} is no time that can be read: set the system to "
                    "English, and download the list again"
                )
        for person in roster.students(table, timezone=self.zone):
            student = self.known.get(person.id.lower()) or self.known.get((person.email or "").lower())
            if student is None:
                continue
            if person.lms_id:
                self.numbers[person.lms_id] = student
            if person.time:
                self.times[student] = person.time

    def _read_groups(self, path: Path) -> dict[str, list[str]]:
        table = roster.table(path)
        group, student = (
            table.column(["group", "group name"]),
            table.column(["student", "id", "email", "username"]),
        )
        if group is None or student is None:
            raise CourseError(
                f"{path}: it needs the columns group and student, it has {', '.join(table.header)}"
            )
        found: dict[str, list[str]] = defaultdict(list)
        for number, row in enumerate(table.rows, start=2):
            person = self.known.get(row[student].strip().lower())
            if person is None:
                raise CourseError(
                    f"{path}: line {number}: there is no student {row[student].strip()!r} in the course: "
                    "mend the line"
                )
            found[roster.plain(row[group])].append(person)
        return dict(found)

    @property
    def answers_path(self) -> Path:
        return self.course.root / "collected" / f"{self.assignment}.unmatched.csv"

    def _read_answers(self) -> dict[tuple[str, str], str]:
        """Read what the instructor has filled in for what could not be matched."""
        if not self.answers_path.exists():
            return {}
        table = roster.table(self.answers_path)
        place = [table.column([name]) for name in ("archive", "owner", "student")]
        found = {}
        for number, row in enumerate(table.rows, start=2):
            archive, owner, student = ("" if where is None else row[where].strip() for where in place)
            if student:
                if student.lower() not in self.known:
                    raise CourseError(
                        f"{self.answers_path}: line {number}: there is no student {student!r} in the course: "
                        "mend the line"
                    )
                found[archive, owner] = self.known[student.lower()]
        return found

    def match(self, attempt: Attempt) -> tuple[list[str], str]:
        """Find the students of an attempt, one or the members of a group; or say why it is nobody's."""
        found, why = self._person(attempt)
        if not found and (members := self.groups.get(roster.plain(attempt.owner))):
            return members, ""
        if found and self.groups:
            return next((members for members in self.groups.values() if found in members), [found]), ""
        return ([found] if found else []), why

    def _person(self, attempt: Attempt) -> tuple[str, str]:
        if answer := self.by_hand.get((attempt.archive, attempt.owner)):
            return answer, ""
        if attempt.system == "folders":
            return self.known[attempt.owner.lower()], ""
        if attempt.system in ("canvas", "moodle") and attempt.number in self.numbers:
            return self.numbers[attempt.number], ""
        same = self.names.get(roster.plain(attempt.owner), set())
        if len(same) == 1:
            return next(iter(same)), ""
        if same:
            return "", f"{', '.join(sorted(same))} have this name"
        words = attempt.owner.lower().split()
        ids = {self.known[word] for word in words if word in self.known}
        if len(ids) == 1:
            return ids.pop(), ""
        return "", "nobody in the course has this name"

    def run(self, paths: list[Path], step: Callable[..., None]) -> Collection:
        """Collect.

        Parameters
        ----------
        paths : list of Path
            The archives.
        step : callable
            Called with the number of students, and then after each.
        """
        result = Collection(self.assignment)
        handed_in: dict[str, list[Attempt]] = defaultdict(list)
        # Archives by age, so that of attempts without a time the one in the newest archive is the last.
        ordered = sorted(paths, key=lambda path: path.stat().st_mtime if path.exists() else 0)
        for path in ordered:
            found, refused = attempts(path, self.known, self.zone)
            result.refused |= {f"{path.name}: {name}": reason for name, reason in refused.items()}
            for attempt in found:
                students, why = self.match(attempt)
                if not students:
                    row = {"archive": attempt.archive, "owner": attempt.owner, "reason": why}
                    result.unmatched.append(row)
                for student in students:
                    handed_in[student].append(attempt)
        before = ledger(self.course, self.assignment).get("students", {})
        step(len(handed_in))
        rows: dict[str, Any] = dict(before)
        for student in sorted(handed_in):
            old = before.get(student)
            ours = {old["digest"], *old["earlier"]} if old else set()
            try:
                taken, files = self._choose(student, handed_in[student])
            except Refused as error:
                result.unusable[student] = str(error)
                step()
                continue
            if old and taken.late and not old["late"] and not (self.take_late or _same(old, taken, files)):
                rows[student] = old | {"state": "unchanged", "notes": [IN_TIME]}
                step()
                continue
            # Noted before it is written, so that the files of a run that is killed are known as ours.
            taken.earlier = sorted(ours)
            if taken.digest not in ours:
                self._note(result, rows | {student: vars(taken)})
            if reason := self._write(student, taken, files, ours):
                result.kept[student] = reason
            else:
                rows[student] = vars(taken)
            step()
        result.students = {
            student: Taken(**(row if student in handed_in else row | {"state": "earlier"}))
            for student, row in sorted(rows.items())
            if student not in result.kept
        }
        result.missing = sorted({*self.ids} - {*handed_in} - {*rows})
        self._note(
            result,
            {student: vars(taken) for student, taken in result.students.items()}
            | {student: rows[student] for student in result.kept if student in before},
        )
        self._write_answers(result.unmatched)
        return result

    def _note(self, result: Collection, students: dict[str, Any]) -> None:
        fields = vars(result) | {"students": students, "complete": result.complete}
        text = json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True)
        write(ledger_path(self.course, self.assignment), text + "\n")

    def _write_answers(self, unmatched: list[dict[str, str]]) -> None:
        answered = [
            {"archive": archive, "owner": owner, "reason": "filled in by hand", "student": student}
            for (archive, owner), student in self.by_hand.items()
        ]
        if not (unmatched or answered):
            self.answers_path.unlink(missing_ok=True)
            return
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["archive", "owner", "reason", "student"], restval="")
        writer.writeheader()
        writer.writerows([*answered, *unmatched])
        write(self.answers_path, text.getvalue())

    def deadline(self, student: str) -> datetime | None:
        """Say until when a student may hand in without being late."""
        if self.due is None:
            return None
        return self.due + (self.extensions.get(student) or timedelta()) + self.grace

    def _choose(self, student: str, found: list[Attempt]) -> tuple[Taken, dict[str, bytes]]:
        """Take the last attempt in time that holds a notebook, or else the last late one.

        Raises
        ------
        Refused
            If none holds a notebook that can be read.
        """
        deadline = self.deadline(student)
        least = datetime.min.replace(tzinfo=UTC)

        def when(attempt: Attempt) -> datetime | None:
            return attempt.time or self.times.get(student)

        def late(attempt: Attempt) -> bool:
            moment = when(attempt)
            if moment is None:
                return attempt.late
            return deadline is not None and moment > deadline

        newest = sorted(enumerate(found), key=lambda pair: (when(pair[1]) or least, pair[0]), reverse=True)
        ordered = [attempt for _, attempt in newest]
        if not self.take_late:
            ordered.sort(key=late)
        reasons = []
        for attempt in ordered:
            files, sources, notes = self._files(attempt)
            if not any(name.endswith(".ipynb") for name in files):
                reasons.append("; ".join(notes) or "there is no notebook in it")
                continue
            moment = when(attempt)
            if moment is None and late(attempt) and deadline:
                moment = deadline + timedelta(seconds=1)
                notes.append("late, but the archive does not say how much: counted as one second")
            if moment is not None:
                stamp = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
                files[submissions.TIMESTAMP] = f"{stamp}\n".encode()
            if reasons:
                notes.append(f"a later attempt was passed over: {reasons[-1]}")
            taken = Taken(
                student,
                attempt.archive,
                attempt.system,
                attempt.owner,
                moment.isoformat() if moment else None,
                late(attempt),
                sources,
                sorted(files),
                digest(files),
                len(found),
                notes=notes,
            )
            return taken, files
        raise Refused(reasons[0])

    def _files(self, attempt: Attempt) -> tuple[dict[str, bytes], dict[str, str], list[str]]:
        """Read an attempt: its files by name, where each notebook came from, and what is to be said."""
        opened: list[tuple[PurePosixPath, bytes, datetime | None, str]] = []
        notes = []
        bounds = Bounds()
        for path, member in attempt.members:
            try:
                for inner, content, modified in archives.unpack(path, member.read(), member.modified, bounds):
                    if isinstance(content, str):
                        notes.append(f"{inner} is left out: {content}")
                    else:
                        opened.append((inner, content, modified, str(member.path)))
            except Refused as error:
                notes.append(f"{path} is left out: {error}")
        files: dict[str, bytes] = {}
        sources: dict[str, str] = {}
        folders: list[PurePosixPath] = []
        # The newest of several files for the same notebook comes last, and stays.
        opened.sort(key=lambda entry: entry[2] or datetime.min)
        for path, content, _, source in opened:
            if path.suffix.lower() != ".ipynb":
                continue
            name = self._notebook(path.stem)
            target = f"{name or archives.shorten(path.stem)}.ipynb"
            if files.get(target, content) != content:
                notes.append(f"there are several files for {target}: the newest, {path}, was taken")
            files[target], sources[target.removesuffix(".ipynb")] = content, source
            if name:
                folders.append(path.parent)
        base = folders[-1] if folders else PurePosixPath()
        for path, content, _, _ in opened:
            if path.suffix.lower() != ".ipynb" and path.name != submissions.TIMESTAMP:
                inside = path.relative_to(base) if path.is_relative_to(base) else path
                files.setdefault(str(inside), content)
        if len(files) > submissions.FILES:
            notes.append(f"more than {submissions.FILES} files were handed in; the rest is left out")
            keep = sorted(files, key=lambda name: not name.endswith(".ipynb"))[: submissions.FILES]
            files = {name: files[name] for name in keep}
        return files, sources, notes

    def _notebook(self, stem: str) -> str | None:
        """Find the notebook of the assignment that a file's name means; systems and browsers add counters."""
        for name in (stem, COUNTER.sub("", stem)):
            for notebook in self.notebooks:
                if name.strip().lower() == notebook.lower():
                    return str(notebook)
        return None

    def _write(self, student: str, taken: Taken, files: dict[str, bytes], old: set[str]) -> str:
        """Put the files into the student's folder, all or none; give the reason if it was left as it is."""
        folder = self.course.folder("submitted", student, self.assignment)
        if folder.exists():
            now = digest(dict(_read_folder(folder)))
            if now == taken.digest:
                return ""
            if now not in old and not self.replace:
                return f"{folder} was changed by hand: nothing was taken over; --replace takes the archive's"
        taken.state = "updated" if folder.exists() else "new"
        part = self.course.root / "collected" / ".parts" / student
        shutil.rmtree(part, ignore_errors=True)
        try:
            for name, content in files.items():
                path = part / "new" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            folder.parent.mkdir(parents=True, exist_ok=True)
            if folder.exists():
                folder.rename(part / "old")
            (part / "new").rename(folder)
        except OSError as error:
            raise CourseError(
                f"{folder}: cannot be written: {error.strerror}: mend that, and run it again"
            ) from None
        shutil.rmtree(part)
        return ""


def _same(old: dict[str, Any], taken: Taken, files: dict[str, bytes]) -> bool:
    """Tell whether an attempt is the one that was taken before, perhaps when its time was not known yet."""
    # Canvas says that something is late, so what came without a time was in time.
    if old["system"] != "canvas":
        files = {name: data for name, data in files.items() if name != submissions.TIMESTAMP}
    return old["digest"] in {taken.digest, digest(files)}


def digest(files: dict[str, bytes]) -> str:
    """Know the content of a folder again."""
    found = hashlib.sha256()
    for name in sorted(files):
        found.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return found.hexdigest()


def _read_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            yield path.relative_to(folder).as_posix(), b"link"
        elif path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()
