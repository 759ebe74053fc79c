"""Write results into the gradebook and the ``autograded`` folder, as ``nbgrader autograde`` leaves them.

One process writes, a batch of submissions in one transaction. The order makes a kill at any point harmless:
the receipt of an earlier grading is taken away first, then the new files are written beside the old ones, the
database commits, the files are renamed, and the new receipts are written last. A submission with a receipt is
recorded whole; one without is graded again by the next run, and each step can be done twice.
"""

import fcntl
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from nbgrader import api
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from npfl_grader.course.settings import Course
from npfl_grader.course.submissions import Submission
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading.grade import Graded

BATCH = 50
SECONDS = 5.0  # between two commits while results come slowly
PATIENCE = 60.0  # seconds that a database may be busy or away
REFUSED = re.compile("authentication failed|does not exist|no password supplied")  # waiting does not help
Value = TypeVar("Value")
PART = ".part"  # the ending of a file that is being written


@dataclass
class Result:
    """A graded submission.

    Attributes
    ----------
    submission : Submission
        What was handed in.
    graded : dict
        For each notebook that was graded, by name.
    missing : list of str
        The notebooks that were not handed in.
    receipt : dict
        What is kept to know it again: a digest for each notebook, and what the report says of it.
    whole : bool
        Whether these are all notebooks of the assignment.
    """

    submission: Submission
    graded: dict[str, Graded]
    missing: list[str] = field(default_factory=list)
    receipt: dict[str, Any] = field(default_factory=dict)
    whole: bool = True


def desk(course: Course, assignment: str) -> Path:
    """Name the folder of an assignment's receipts, logs and report."""
    return course.root / "grading" / assignment


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
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CourseError(
                f"{course.root}: another grader is at work here: wait until it has ended"
            ) from None
        yield


def patiently(work: Callable[[], Value], settle: Callable[[], None] = lambda: None) -> Value:
    """Do something with a database that may be busy, or start anew, for a minute.

    Parameters
    ----------
    work : callable
        What to do; it can be done again.
    settle : callable
        Called after each failure, to let go of what is dead.

    Raises
    ------
    CourseError
        If the database is not there for it in the end.
    """
    end = time.monotonic() + PATIENCE
    pause = 0.1
    while True:
        try:
            return work()
        except DBAPIError as error:
            settle()
            reason = (str(error.orig).strip() or type(error).__name__).splitlines()[0]
            lasting = not isinstance(error, OperationalError | InterfaceError) or REFUSED.search(reason)
            if lasting or time.monotonic() > end:
                raise CourseError(
                    f"the gradebook cannot be used: {reason}: see that its database runs and that "
                    "c.CourseDirectory.db_url in nbgrader_config.py is right, then run this again"
                ) from None
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def read(course: Course, work: Callable[[Gradebook], Value]) -> Value:
    """Open the course's gradebook, read something, and close it."""

    def attempt() -> Value:
        gradebook = _open(course)
        try:
            return work(gradebook)
        finally:
            gradebook.close()

    return patiently(attempt)


@contextmanager
def gradebook(course: Course) -> Iterator[Gradebook]:
    """Open the course's gradebook to change something in it."""
    opened = patiently(lambda: _open(course))
    try:
        yield opened
    finally:
        opened.close()


def _open(course: Course) -> Gradebook:
    # nbgrader calls alembic by its bare name.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return Gradebook(course.directory.db_url, course.directory.course_id)


class Recorder:
    """The one writer.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    files : dict
        The instructor's data files, which go into every autograded folder.
    """

    def __init__(self, course: Course, assignment: str, files: dict[str, bytes]) -> None:
        self.course, self.assignment = course, assignment
        exempt = set(course.converter.exclude_overwriting.get(assignment, []))
        self.files = {name: data for name, data in files.items() if name not in exempt}
        self.waiting: list[Result] = []
        self.last = time.monotonic()
        self.late = AssignLatePenalties(config=course.config)
        self.late.log.setLevel(logging.ERROR)
        self.late.init_plugin()
        self.gradebook = patiently(lambda: _open(course))

    def add(self, result: Result) -> None:
        """Record a result, with others, at the next commit."""
        self.waiting.append(result)
        if len(self.waiting) >= BATCH or time.monotonic() - self.last > SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit what waits.

        Raises
        ------
        CourseError
            If the database or the disk does not take it; nothing of it counts as recorded then.
        """
        if self.waiting:
            try:
                staged = [self._stage(result) for result in self.waiting]
                self._commit()
                for result, names in zip(self.waiting, staged, strict=True):
                    self._publish(result, names)
            except OSError as error:
                raise CourseError(f"cannot write the results: {error}") from None
        self.waiting.clear()
        self.last = time.monotonic()

    def close(self) -> None:
        """Let go of the database."""
        self.gradebook.close()

    # --- files ---

    def _receipt(self, student: str) -> Path:
        return desk(self.course, self.assignment) / f"{student}.json"

    def _stage(self, result: Result) -> list[str]:
        """Take the old receipt away and write the new files beside the old ones; name them."""
        student = result.submission.student
        self._receipt(student).unlink(missing_ok=True)
        folder = self.course.folder("autograded", student, self.assignment)
        files = {f"{name}.ipynb": graded.document for name, graded in result.graded.items()}
        files |= result.submission.files | self.files
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}{PART}")
            part.unlink(missing_ok=True)
            part.write_bytes(data)
            part.chmod(self.course.permissions)
        return list(files)

    def _publish(self, result: Result, names: list[str]) -> None:
        student = result.submission.student
        folder = self.course.folder("autograded", student, self.assignment)
        for name in names:
            path = folder / name
            path.with_name(f".{path.name}{PART}").replace(path)
        if result.whole:
            keep = {folder / name for name in names}
            for parent, _, files in os.walk(folder, topdown=False):
                for name in files:
                    if Path(parent, name) not in keep:
                        Path(parent, name).unlink()
                if not os.listdir(parent):
                    os.rmdir(parent)
        if self.course.directory.groupshared:
            self.course.converter.set_permissions(self.assignment, student)
        write(self._receipt(student), json.dumps(result.receipt, indent=1, sort_keys=True))

    # --- database ---

    def _commit(self) -> None:
        """Record the batch in one transaction."""

        def work() -> None:
            session: Session = self.gradebook.db()
            Rows(session, self.assignment, self.late).record(self.waiting)
            session.commit()
            self.gradebook.db.remove()

        def settle() -> None:
            self.gradebook.db.remove()
            # Connections of a server that has been restarted are dead.
            self.gradebook.engine.dispose()

        patiently(work, settle)


class Rows:
    """The rows of a batch: read in a few queries, changed in memory.

    Parameters
    ----------
    session : Session
        The database's.
    assignment : str
        The assignment's name.
    late : AssignLatePenalties
        nbgrader's step that knows the course's rule for late submissions.
    """

    def __init__(self, session: Session, assignment: str, late: AssignLatePenalties) -> None:
        self.session, self.late = session, late
        self.assignment = session.query(api.Assignment).filter_by(name=assignment).one()
        self.notebooks = {notebook.name: notebook for notebook in self.assignment.notebooks}
        self.cells = {
            notebook.id: {cell.id: cell for cell in notebook._base_cells}
            for notebook in self.notebooks.values()
        }

    def record(self, results: list[Result]) -> None:
        """Write results into the session, which the caller commits."""
        students = [result.submission.student for result in results]
        known = {row[0] for row in self.session.query(api.Student.id).filter(api.Student.id.in_(students))}
        self.session.add_all(api.Student(id=name) for name in dict.fromkeys(students) if name not in known)
        self.session.flush()
        submissions = {
            row.student_id: row
            for row in self.session.query(api.SubmittedAssignment).filter(
                api.SubmittedAssignment.assignment_id == self.assignment.id,
                api.SubmittedAssignment.student_id.in_(students),
            )
        }
        for name in dict.fromkeys(students):
            if name not in submissions:
                submissions[name] = api.SubmittedAssignment(assignment_id=self.assignment.id, student_id=name)
                self.session.add(submissions[name])
        self.session.flush()
        submitted = self._submitted(submissions)
        grades, comments = self._rows(api.Grade, submitted), self._rows(api.Comment, submitted)
        self.session.flush()
        for result in results:
            submission = submissions[result.submission.student]
            if timestamp := _time(result.submission):
                submission.timestamp = timestamp
            for name in [*result.missing, *result.graded]:
                notebook = submitted[submission.id, self.notebooks[name].id]
                self._write(notebook, result.graded.get(name), grades[notebook.id], comments[notebook.id])
                self._late(submission, notebook, result.submission.student, name in result.graded)

    def _submitted(self, submissions: dict[str, Any]) -> dict[tuple[str, str], Any]:
        ids = [row.id for row in submissions.values()]
        query = self.session.query(api.SubmittedNotebook).filter(api.SubmittedNotebook.assignment_id.in_(ids))
        found = {(row.assignment_id, row.notebook_id): row for row in query}
        for number in ids:
            for notebook in self.notebooks.values():
                if (number, notebook.id) not in found:
                    row = api.SubmittedNotebook(notebook_id=notebook.id, assignment_id=number)
                    found[number, notebook.id] = row
                    self.session.add(row)
        self.session.flush()
        return found

    def _rows(self, kind: Any, submitted: dict[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
        """Find the grades or comments of the notebooks, by notebook and cell; make those that are missing."""
        wanted = (api.GradeCell, api.TaskCell) if kind is api.Grade else (api.SolutionCell, api.TaskCell)
        found: dict[str, dict[str, Any]] = {row.id: {} for row in submitted.values()}
        for row in self.session.query(kind).filter(kind.notebook_id.in_(list(found))):
            found[row.notebook_id][row.cell_id] = row
        for notebook in submitted.values():
            for number, cell in self.cells[notebook.notebook_id].items():
                if isinstance(cell, wanted) and number not in found[notebook.id]:
                    row = kind(cell_id=number, notebook_id=notebook.id)
                    found[notebook.id][number] = row
                    self.session.add(row)
        return found

    def _write(
        self, notebook: Any, graded: Graded | None, grades: dict[str, Any], comments: dict[str, Any]
    ) -> None:
        cells = self.cells[notebook.notebook_id]
        for number, grade in grades.items():
            if graded is None:
                # nbgrader's rule: what was not handed in is worth nothing, and nobody need look.
                grade.auto_score, grade.needs_manual_grade = 0.0, False
            elif isinstance(cells[number], api.GradeCell):
                score = graded.scores.get(cells[number].name)
                grade.auto_score = score
                # A person's grade stays, and the person looks again whether it still fits.
                grade.needs_manual_grade = grade.manual_score is not None or score is None
        for number, comment in comments.items():
            comment.auto_comment = graded.comments.get(cells[number].name) if graded else None

    def _late(self, submission: Any, notebook: Any, student: str, handed_in: bool) -> None:
        notebook.late_submission_penalty = None
        seconds = submission.total_seconds_late
        if not handed_in or seconds <= 0:
            return
        self.session.flush()
        self.session.expire(notebook, ["score"])
        penalty = self.late.plugin_inst.late_submission_penalty(student, notebook.score, seconds)
        if penalty is not None:
            notebook.late_submission_penalty = self.late._check_late_penalty(notebook, penalty)


def _time(submission: Submission) -> Any:
    try:
        return parse_utc(submission.timestamp) if submission.timestamp else None
    except (ValueError, OverflowError):
        note = f"timestamp.txt says no time: {submission.timestamp!r:.60}"
        if note not in submission.notes:
            submission.notes.append(note)
        return None
