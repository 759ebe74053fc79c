"""Put what was handed in to a learning management system into nbgrader's folder ``submitted``.

The archives of the systems in ``systems/`` are read, and any with a folder for each student.
A second run does only what has changed, and what a killed run has left undone.
"""

import errno
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.gradebook import Assignment
from npfl_grader.course.settings import Course
from npfl_grader.engine.host import apart
from npfl_grader.errors import CourseError
from npfl_grader.files import HOPELESS, bundle, unbundle
from npfl_grader.late import LatePenalty
from npfl_grader.lms import attempts, contents, dates, ledger, roster, spreadsheet, system
from npfl_grader.lms.archives import Refused
from npfl_grader.lms.attempts import Attempt, Matcher
from npfl_grader.lms.ledger import Collection, Question, Taken
from npfl_grader.lms.people import People, full_name, plain_name
from npfl_grader.text import clean

AT_ONCE = 32  # students whose work is unpacked by one process
IN_TIME = "a later attempt came after the deadline; the one in time stays, --late takes the last"


@dataclass(frozen=True)
class Choice:
    """What is collected, and how.

    Attributes
    ----------
    worksheet : Path or None
        A list of this assignment's participants with their numbers and times, such as Moodle's grading
        worksheet.
    groups : Path or None
        A CSV file with the columns ``group`` and ``student``.
    late : bool
        Whether the last attempt counts even if one before was in time.
    replace : bool
        Whether what was changed by hand in the folder ``submitted`` is replaced.
    encoding : str
        Of the lists; by default it is found out.
    """

    worksheet: Path | None = None
    groups: Path | None = None
    late: bool = False
    replace: bool = False
    encoding: str = ""


@dataclass
class Collector:
    """Collects an assignment; `prepare` makes it.

    Attributes
    ----------
    course : Course
        The course.
    assignment : Assignment
        What the gradebook says of the assignment.
    choice : Choice
        How it is collected.
    people : People
        Everybody in the course.
    matcher : Matcher
        Finds whose an attempt is.
    before : Collection
        What the last collection said.
    times : dict
        For each student, when the worksheet says that the assignment was handed in.
    notes, doubts : list of str
        What was guessed when the lists were read, and what of them was not taken.
    """

    course: Course
    assignment: Assignment
    choice: Choice
    people: People
    matcher: Matcher
    before: Collection
    times: dict[str, datetime] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.zone = self.course.timezone()
        self.grace = LatePenalty(config=self.course.config).grace

    @property
    def questions_path(self) -> Path:
        """The file in which the instructor says whose an attempt is."""
        return ledger.questions_path(self.course, self.assignment.name)

    def run(self, paths: list[Path], step: Callable[..., None]) -> Collection:
        """Collect.

        Parameters
        ----------
        paths : list of Path
            The archives.
        step : callable
            Called with the number of students, and then after each.
        """
        result = Collection(self.assignment.name, notes=self.notes, doubts=self.doubts)
        handed_in = self._sort(paths, result)
        step(len(handed_in))
        rows = dict(self.before.students)

        def choose(student: str) -> bytes:
            try:
                taken, files = self._choose(student, handed_in[student])
            except Refused as error:
                return bundle({"refused": str(error)}, {})
            return bundle({"taken": asdict(taken)}, files)

        bounds = apart.Bounds(read=tuple(str(path.resolve()) for path in paths if path.exists()))
        for student, found in apart.each(choose, sorted(handed_in), bounds, together=AT_ONCE):
            if isinstance(found, apart.Trouble):
                result.unusable[student] = f"it could not be read: {found.why}"
                step()
                continue
            said, files = unbundle(found)
            if "refused" in said:
                result.unusable[student] = said["refused"]
                step()
                continue
            taken = Taken(**said["taken"])
            old = self.before.students.get(student)
            ours = {old.digest, *old.earlier} if old else set()
            if old and taken.late and not old.late and not (self.choice.late or _same(old, taken, files)):
                rows[student] = replace(old, state="unchanged", notes=[IN_TIME])
                step()
                continue
            # Noted before it is written, so that the files of a run that is killed are known as ours.
            taken.earlier = sorted(ours)
            if taken.digest not in ours:
                ledger.save(self.course, replace(result, students=rows | {student: taken}))
            try:
                reason = self._write(student, taken, files, ours)
            except CourseError:
                raise
            except Exception as error:  # one student's trouble is one student's
                reason = f"it could not be written: {type(error).__name__}: {clean(error)}"
            if reason:
                result.kept[student] = reason
            else:
                rows[student] = taken
            step()
        # What was taken earlier stays, as it is in nothing of what this run has read.
        result.students = {
            student: row if student in handed_in else replace(row, state="earlier")
            for student, row in sorted(rows.items())
            if student not in result.kept
        }
        new = [result.students[student] for student in handed_in if student in result.students]
        if new and not any({*taken.notebooks} & {*self.assignment.definitions} for taken in new):
            result.doubts.append(
                f"none of the notebooks is called {' or '.join(self.assignment.definitions)}: these may be "
                "submissions of another assignment"
            )
        result.missing = sorted({*self.people.persons} - {*handed_in} - {*rows})
        # The ledger also knows what was taken before a folder was changed by hand.
        stay = {student: rows[student] for student in result.kept if student in self.before.students}
        ledger.save(self.course, replace(result, students=result.students | stay))
        ledger.write_questions(self.course, self.assignment.name, result.unmatched, self.matcher.answers)
        return result

    def _sort(self, paths: list[Path], result: Collection) -> dict[str, list[Attempt]]:
        """Read the archives, and find whose each attempt is."""
        # Archives by age, so that of attempts without a time the one in the newest archive is the last.
        ordered = sorted(paths, key=lambda path: path.stat().st_mtime if path.exists() else 0)
        everything: list[Attempt] = []
        for path in ordered:
            here, refused = attempts.read(path, self.people, self.zone, [*self.assignment.definitions])
            everything += here
            result.refused |= {f"{path.name}: {clean(name)}": reason for name, reason in refused.items()}
        handed_in: dict[str, list[Attempt]] = defaultdict(list)
        for attempt, (students, why) in zip(everything, self.matcher.all(everything), strict=True):
            source = system.known().get(attempt.system)
            if not students and source and source.is_trial(attempt.owner):
                result.notes.append(
                    f"left out: {clean(attempt.owner)} is {source.title}'s own student for trying things"
                )
            elif not students:
                owner = clean(attempt.owner)
                result.unmatched.append(Question(attempt.archive, owner, attempt.number, why))
            for student in students:
                handed_in[student].append(attempt)
        return handed_in

    def deadline(self, student: str) -> datetime | None:
        """Say until when a student may hand in without being late."""
        if self.assignment.due is None:
            return None
        entry = self.assignment.entries.get(student)
        return self.assignment.due + (entry.extension if entry else timedelta()) + self.grace

    def _choose(self, student: str, handed_in: list[Attempt]) -> tuple[Taken, dict[str, bytes]]:
        """Take the last attempt in time that holds a notebook, or else the last late one.

        Raises
        ------
        Refused
            If none holds a notebook that can be read, or nothing says which is the last.
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

        undated = [attempt.unread for attempt in handed_in if attempt.unread and when(attempt) is None]
        if undated and len(handed_in) > 1:
            raise Refused(
                f"there are {len(handed_in)} attempts, and {undated[0]!r} is no time that can be read: "
                "take one of them by hand"
            )
        newest = sorted(
            enumerate(handed_in), key=lambda pair: (when(pair[1]) or least, pair[0]), reverse=True
        )
        ordered = [attempt for _, attempt in newest]
        if not self.choice.late:
            ordered.sort(key=late)
        reasons = []
        for attempt in ordered:
            files, sources, notes = contents.read(attempt, [*self.assignment.definitions])
            doubtful = bool(notes)
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
            if undated:
                # The autograder shall find that it cannot be read, and not that nothing is said.
                files[submissions.TIMESTAMP] = f"{undated[0]}\n".encode()
                notes.append(
                    f"{undated[0]!r} is no time that can be read: nobody knows whether it was in time"
                )
            if reasons:
                notes.append(f"a later attempt was passed over: {reasons[-1]}")
                doubtful = True
            taken = Taken(
                student,
                attempt.archive,
                attempt.system,
                clean(attempt.owner),
                moment.isoformat() if moment else None,
                late(attempt),
                sources,
                sorted(files),
                contents.digest(files),
                len(handed_in),
                notes=notes,
                number=attempt.number,
                undated=bool(undated),
                doubtful=doubtful,
            )
            return taken, files
        raise Refused(reasons[0])

    def _write(self, student: str, taken: Taken, files: dict[str, bytes], old: set[str]) -> str:
        """Put the files into the student's folder, all or none; give the reason if it was left as it is."""
        folder = self.course.folder("submitted", student, self.assignment.name)
        if folder.exists():
            now = contents.digest(dict(_read_folder(folder)))
            if now == taken.digest:
                return ""
            if now not in old and not self.choice.replace:
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
            if error.errno not in {*HOPELESS, errno.EACCES, errno.EPERM}:
                shutil.rmtree(part, ignore_errors=True)
                return f"{folder}: cannot be written: {error.strerror}"
            raise CourseError(
                f"{folder}: cannot be written: {error.strerror}: mend that, and run it again"
            ) from None
        shutil.rmtree(part)
        return ""


def _same(old: Taken, taken: Taken, files: dict[str, bytes]) -> bool:
    """Tell whether an attempt is the one that was taken before, perhaps when its time was not known yet."""
    # A system that says what is late has said of what came without a time that it was in time.
    source = system.known().get(old.system)
    if source is None or not source.says_late:
        files = {name: data for name, data in files.items() if name != submissions.TIMESTAMP}
    return old.digest in {taken.digest, contents.digest(files)}


def _read_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            yield path.relative_to(folder).as_posix(), b"link"
        elif path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def prepare(course: Course, name: str, choice: Choice) -> Collector:
    """Read who is in the course, and the lists that say whose numbers and times are whose.

    Parameters
    ----------
    course : Course
        The course.
    name : str
        The assignment's name.
    choice : Choice
        How it is collected.

    Raises
    ------
    CourseError
        If there is no such assignment, or a list cannot be used.
    """
    assignment = gradebook.assignment(course, name)
    if not assignment.people:
        raise CourseError(
            "the course has no students: run 'npfl-grader course' with --roster, "
            "or 'nbgrader db student import'"
        )
    people = People.of(assignment.people.values())
    answers, notes = ledger.read_answers(course, name, people, choice.encoding)
    before = ledger.load(course, name)
    matcher = Matcher(people, answers=answers)
    for taken in before.students.values():
        if taken.number and taken.student in people.persons:
            matcher.numbers[taken.system, taken.number] = taken.student
            matcher.listed[taken.system, taken.number] = taken.owner
    collector = Collector(course, assignment, choice, people, matcher, before, notes=notes)
    if choice.worksheet:
        _read_worksheet(collector, choice.worksheet)
    if choice.groups:
        _read_groups(collector, choice.groups)
    return collector


def _read_worksheet(collector: Collector, path: Path) -> None:
    """Take the numbers and times of this assignment; Moodle gives a participant a new number in each."""
    sheet = spreadsheet.read(path, collector.choice.encoding)
    source = roster.kind(sheet)
    place = source.column(sheet, "time") if source else sheet.column(roster.PLAIN["time"])
    if place is None:
        raise CourseError(
            f"{path}: no column says when the work was handed in: it has {sheet.titles}; set the "
            "system to English, and download the list again"
        )
    language = source.language(sheet) if source else ""
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        text = sheet.cell(row, place)
        if text not in ("", "-", "–") and dates.moment(text, collector.zone, language) is None:
            raise CourseError(
                f"{path}: line {line}: {text!r} is no time that can be read: set the system to "
                "English, and download the list again"
            )
    listed = roster.students(sheet, zone=collector.zone)
    collector.notes += listed.notes
    collector.doubts += listed.dropped
    for person in listed.students:
        found = {collector.people.find(person.id), collector.people.find(person.email or "")} - {None}
        student = found.pop() if len(found) == 1 else None
        if student is None and found:
            collector.doubts.append(f"{path.name}: the id {person.id} and {person.email} are two students'")
            continue
        if student is None:
            collector.notes.append(f"{path.name}: {person.id} ({full_name(person)}) is not in the course")
            continue
        if person.lms_id and source:
            collector.matcher.numbers[source.name, person.lms_id] = student
            collector.matcher.listed[source.name, person.lms_id] = full_name(person)
        if person.time:
            collector.times[student] = person.time


def _read_groups(collector: Collector, path: Path) -> None:
    sheet = spreadsheet.read(path, collector.choice.encoding)
    if note := sheet.note():
        collector.notes.append(note)
    group = sheet.column(("group", "group name"))
    student = sheet.column(("student", "id", "email", "username"))
    if group is None or student is None:
        raise CourseError(f"{path}: it needs the columns group and student, it has {sheet.titles}")
    groups: dict[str, list[str]] = defaultdict(list)
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        person = collector.people.find(sheet.cell(row, student))
        if person is None:
            raise CourseError(
                f"{path}: line {line}: there is no student {sheet.cell(row, student)!r} in the course: "
                "mend the line"
            )
        groups[plain_name(sheet.cell(row, group))].append(person)
    collector.matcher.groups = dict(groups)
