"""The gradebook: the one module that reads nbgrader's tables, waits for its database, and keeps the lock.

What is written into the tables stands in `gradebook_rows`.
"""

import functools
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from nbgrader import api
from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from npfl_grader.course import definition
from npfl_grader.course.definition import Definition
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError

PATIENCE = 60.0  # seconds that a database may be busy or away
REFUSED = re.compile("authentication failed|does not exist|no password supplied")  # waiting does not help
Value = TypeVar("Value")


@dataclass(frozen=True)
class Person:
    """A student, as the gradebook has them.

    Attributes
    ----------
    id : str
        The name of the student's folder.
    lms_id : str or None
        The number under which a learning management system knows the student.
    """

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    lms_id: str | None = None


@dataclass(frozen=True)
class Entry:
    """A student's row for one assignment.

    Attributes
    ----------
    time : datetime or None
        When it was handed in, in UTC.
    extension : timedelta
        How much later than the others the student may hand it in.
    """

    time: datetime | None = None
    extension: timedelta = timedelta()


@dataclass(frozen=True)
class Assignment:
    """An assignment, and who takes the course.

    Attributes
    ----------
    due : datetime or None
        In UTC.
    most : float
        The points that can be had.
    definitions : dict
        For each notebook, by name, the instructor's cells.
    people : dict
        Everybody in the course, by id.
    entries : dict
        For each student with a row, by id.
    """

    name: str
    due: datetime | None
    most: float
    definitions: dict[str, Definition]
    people: dict[str, Person]
    entries: dict[str, Entry]


@dataclass
class Marks:
    """What the gradebook says of one notebook of one student.

    Attributes
    ----------
    scores : dict
        For each cell with points, by name, the points given and the most possible.
    comments : dict
        For each cell that can have a comment, by name.
    waiting : list of str
        The cells that wait for a person.
    penalty : float
        What is taken off for being late.
    """

    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    penalty: float = 0.0

    @property
    def score(self) -> Decimal:
        """The points, before the penalty, added without rounding."""
        return sum((Decimal(repr(float(score))) for score, _ in self.scores.values()), Decimal(0))


@contextmanager
def only_writer(course: Course) -> Iterator[None]:
    """Keep other graders out of the course; a lock that a killed grader held is free again.

    Raises
    ------
    CourseError
        If another one is at work.
    """
    path = course.root / "grading" / ".lock"
    path.parent.mkdir(exist_ok=True)
    try:
        with FileLock(path, blocking=False):
            yield
    except Timeout:
        raise CourseError(f"{course.root}: another grader is at work here: wait until it has ended") from None


def patiently(work: Callable[[], Value], settle: Callable[[], None] = lambda: None) -> Value:
    """Do something with a database that may be busy, or restarting, for a minute.

    Parameters
    ----------
    work : callable
        What to do; it can be done again.
    settle : callable
        Called after each failure, to let go of dead connections.

    Raises
    ------
    CourseError
        If the database has not answered in the end.
    """
    end = time.monotonic() + PATIENCE
    pause = 0.1
    while True:
        try:
            return work()
        except (DataError, IntegrityError):
            raise  # it is what was to be written
        except DBAPIError as error:
            settle()
            reason = (str(error.orig).strip() or type(error).__name__).splitlines()[0]
            if "no such column" in reason or "no such table" in reason:
                raise CourseError(
                    f"the gradebook is of an older nbgrader ({reason}): run 'nbgrader db upgrade', which "
                    "keeps a copy of it, then run this again"
                ) from None
            lasting = not isinstance(error, OperationalError | InterfaceError) or REFUSED.search(reason)
            if lasting or time.monotonic() > end:
                raise CourseError(
                    f"the gradebook cannot be used: {reason}: see that its database runs and that "
                    "c.CourseDirectory.db_url in nbgrader_config.py is right, then run this again"
                ) from None
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def find_programs() -> None:
    """Let nbgrader find alembic, which it calls by its bare name."""
    folder = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if folder not in paths:
        os.environ["PATH"] = os.pathsep.join([folder, *paths])


def connect(course: Course) -> Gradebook:
    """Open the course's gradebook; the caller closes it."""

    def attempt() -> Gradebook:
        find_programs()
        return Gradebook(course.directory.db_url, course.directory.course_id)

    return patiently(attempt)


@contextmanager
def writing(course: Course) -> Iterator[Gradebook]:
    """Open the course's gradebook to change something in it."""
    gradebook = connect(course)
    try:
        yield gradebook
    finally:
        gradebook.close()


@functools.cache
def _known(course: Course) -> Gradebook:
    """Open the course's gradebook for reading; closed, it opens again with the queries that it has made."""
    find_programs()
    return Gradebook(course.directory.db_url, course.directory.course_id)


def _read(course: Course, assignment: str, work: Callable[[Gradebook], Value]) -> Value:
    """Open the gradebook, read something, and close it."""

    def attempt() -> Value:
        gradebook = _known(course)
        try:
            return work(gradebook)
        finally:
            gradebook.close()

    try:
        return patiently(attempt)
    except MissingEntry:
        raise CourseError(
            f"there is no assignment {assignment} in the gradebook: "
            f"check its name, or run 'nbgrader generate_assignment {assignment}'"
        ) from None


def assignment(course: Course, name: str) -> Assignment:
    """Read an assignment and the students.

    Raises
    ------
    CourseError
        If there is no such assignment, or the database does not answer.
    """

    def work(gradebook: Gradebook) -> Assignment:
        row = gradebook.find_assignment(name)
        entries = gradebook.db.query(
            api.SubmittedAssignment.student_id,
            api.SubmittedAssignment.timestamp,
            api.SubmittedAssignment.extension,
        ).filter_by(assignment_id=row.id)
        people = (
            Person(student.id, student.first_name, student.last_name, student.email, student.lms_user_id)
            for student in gradebook.students
        )
        return Assignment(
            name,
            _utc(row.duedate),
            float(row.max_score),
            definition.from_gradebook(gradebook, name, course.source(name)),
            {person.id: person for person in people},
            {
                student: Entry(_utc(timestamp), extension or timedelta())
                for student, timestamp, extension in entries
            },
        )

    return _read(course, name, work)


def _utc(moment: datetime | None) -> datetime | None:
    """Say of a time of nbgrader's that it is in UTC."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def marks(course: Course, name: str) -> dict[str, dict[str, Marks]]:
    """Read what was given for an assignment, in four queries: by student and notebook.

    Raises
    ------
    CourseError
        If there is no such assignment, or the database does not answer.
    """

    def work(gradebook: Gradebook) -> dict[str, dict[str, Marks]]:
        session, number = gradebook.db, gradebook.find_assignment(name).id
        given: dict[str, dict[str, Marks]] = defaultdict(dict)
        by_row: dict[str, Marks] = {}
        submitted = (
            session.query(
                api.SubmittedNotebook.id,
                api.SubmittedAssignment.student_id,
                api.Notebook.name,
                api.SubmittedNotebook.late_submission_penalty,
            )
            .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
            .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
            .filter(api.SubmittedAssignment.assignment_id == number)
        )
        for row, student, notebook, penalty in submitted:
            by_row[row] = given[student][notebook] = Marks(penalty=penalty or 0.0)
        most: dict[str, float] = {}
        for kind in (api.GradeCell, api.TaskCell):
            most |= {cell.id: cell.max_score for cell in session.query(kind)}
        cells = dict(session.query(api.BaseCell.id, api.BaseCell.name).all())
        grades = session.query(
            api.Grade.notebook_id, api.Grade.cell_id, api.Grade.score, api.Grade.needs_manual_grade
        )
        for row, cell, score, waiting in grades:
            if row in by_row:
                by_row[row].scores[cells[cell]] = (score or 0.0, most.get(cell, 0.0))
                if waiting:
                    by_row[row].waiting.append(cells[cell])
        comments = session.query(api.Comment.notebook_id, api.Comment.cell_id, api.Comment.comment)
        for row, cell, comment in comments:
            if row in by_row:
                by_row[row].comments[cells[cell]] = comment
        return dict(given)

    return _read(course, name, work)
