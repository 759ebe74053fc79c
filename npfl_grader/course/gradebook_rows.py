"""Write into nbgrader's tables: points, comments and penalties, as ``nbgrader autograde`` leaves them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from nbgrader import api
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.orm import Session

from npfl_grader.course import gradebook
from npfl_grader.course.gradebook import Person
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.private.nbgrader import base_cells, penalty_within_score


class Judged(Protocol):
    """What was found of one notebook: by grade id, the points, or None for a person to give, and comments."""

    @property
    def scores(self) -> Mapping[str, float | None]: ...

    @property
    def comments(self) -> Mapping[str, str | None]: ...


@dataclass
class Work:
    """A student's work on an assignment, as it goes into the tables.

    Attributes
    ----------
    time : datetime or None
        When it was handed in, in UTC without a time zone as nbgrader keeps it; None leaves what is there.
    judged : dict
        For each notebook, by name, what was found; None for one that was not handed in.
    """

    student: str
    time: datetime | None = None
    judged: Mapping[str, Judged | None] = field(default_factory=dict)


def late_rule(course: Course) -> AssignLatePenalties:
    """Make nbgrader's step that knows the course's rule for late submissions."""
    log = logging.getLogger(__name__)  # of its own: the default is shared with all of nbgrader
    log.setLevel(logging.ERROR)
    step = AssignLatePenalties(config=course.config, log=log)
    step.init_plugin()
    return step


class Rows:
    """The rows of a batch: read in a few queries, changed in memory.

    Parameters
    ----------
    session : Session
        The database's.
    assignment : str
        The assignment's name.
    late : AssignLatePenalties
        As `late_rule` makes it.
    """

    def __init__(self, session: Session, assignment: str, late: AssignLatePenalties) -> None:
        self.session, self.late = session, late
        self.assignment = session.query(api.Assignment).filter_by(name=assignment).one()
        self.notebooks = {notebook.name: notebook for notebook in self.assignment.notebooks}
        self.cells = {
            notebook.id: {cell.id: cell for cell in base_cells(notebook)}
            for notebook in self.notebooks.values()
        }

    def record(self, works: list[Work]) -> None:
        """Write into the session, which the caller commits."""
        students = list(dict.fromkeys(work.student for work in works))
        known = {row[0] for row in self.session.query(api.Student.id).filter(api.Student.id.in_(students))}
        self.session.add_all(api.Student(id=name) for name in students if name not in known)
        self.session.flush()
        submissions = {
            row.student_id: row
            for row in self.session.query(api.SubmittedAssignment).filter(
                api.SubmittedAssignment.assignment_id == self.assignment.id,
                api.SubmittedAssignment.student_id.in_(students),
            )
        }
        for name in students:
            if name not in submissions:
                submissions[name] = api.SubmittedAssignment(assignment_id=self.assignment.id, student_id=name)
                self.session.add(submissions[name])
        self.session.flush()
        submitted = self._submitted(submissions)
        grades, comments = self._rows(api.Grade, submitted), self._rows(api.Comment, submitted)
        self.session.flush()
        for work in works:
            submission = submissions[work.student]
            if work.time:
                submission.timestamp = work.time
            for name, judged in work.judged.items():
                notebook = submitted[submission.id, self.notebooks[name].id]
                self._write(notebook, judged, grades[notebook.id], comments[notebook.id])
                self.session.flush()
                set_penalty(self.late, submission, notebook, judged is not None)

    def _submitted(
        self, submissions: dict[str, api.SubmittedAssignment]
    ) -> dict[tuple[str, str], api.SubmittedNotebook]:
        ids = [row.id for row in submissions.values()]
        query = self.session.query(api.SubmittedNotebook).filter(api.SubmittedNotebook.assignment_id.in_(ids))
        rows = {(row.assignment_id, row.notebook_id): row for row in query}
        for number in ids:
            for notebook in self.notebooks.values():
                if (number, notebook.id) not in rows:
                    row = api.SubmittedNotebook(notebook_id=notebook.id, assignment_id=number)
                    rows[number, notebook.id] = row
                    self.session.add(row)
        self.session.flush()
        return rows

    def _rows(
        self, kind: Any, submitted: dict[tuple[str, str], api.SubmittedNotebook]
    ) -> dict[str, dict[str, Any]]:
        """Find the grades or comments of the notebooks, by notebook and cell; make those that are missing."""
        wanted = (api.GradeCell, api.TaskCell) if kind is api.Grade else (api.SolutionCell, api.TaskCell)
        rows: dict[str, dict[str, Any]] = {row.id: {} for row in submitted.values()}
        for row in self.session.query(kind).filter(kind.notebook_id.in_(list(rows))):
            rows[row.notebook_id][row.cell_id] = row
        for notebook in submitted.values():
            for number, cell in self.cells[notebook.notebook_id].items():
                if isinstance(cell, wanted) and number not in rows[notebook.id]:
                    row = kind(cell_id=number, notebook_id=notebook.id)
                    rows[notebook.id][number] = row
                    self.session.add(row)
        return rows

    def _write(
        self,
        notebook: api.SubmittedNotebook,
        judged: Judged | None,
        grades: dict[str, api.Grade],
        comments: dict[str, api.Comment],
    ) -> None:
        cells = self.cells[notebook.notebook_id]
        for number, grade in grades.items():
            if judged is None:
                # nbgrader's rule: what was not handed in is worth nothing, and nobody need look.
                grade.auto_score, grade.needs_manual_grade = 0.0, False
            elif isinstance(cells[number], api.GradeCell):
                score = judged.scores.get(cells[number].name)
                grade.auto_score = score
                # A person's grade stays, and the person looks again whether it still fits.
                grade.needs_manual_grade = grade.manual_score is not None or score is None
        for number, comment in comments.items():
            comment.auto_comment = judged.comments.get(cells[number].name) if judged else None


def set_penalty(
    late: AssignLatePenalties,
    submission: api.SubmittedAssignment,
    notebook: api.SubmittedNotebook,
    handed_in: bool,
) -> bool:
    """Work out the penalty of one notebook by the course's rule; say whether it has changed."""
    penalty: float | None = None
    seconds = submission.total_seconds_late
    if handed_in and seconds > 0:
        session = Session.object_session(notebook)
        if session is not None:
            session.expire(notebook, ["score"])
        penalty = late.plugin_inst.late_submission_penalty(submission.student_id, notebook.score, seconds)
        if penalty is not None:
            penalty = penalty_within_score(late, notebook, penalty)
    before: float | None = notebook.late_submission_penalty
    if penalty is None:
        notebook.late_submission_penalty = None
        return bool(before)
    if before is not None and abs(penalty - before) <= 1e-9:
        return False
    notebook.late_submission_penalty = penalty
    return True


def refresh_penalties(course: Course, assignment: str) -> list[str]:
    """Work out the penalties anew where points were given by hand since, or the rule has changed.

    Returns
    -------
    list of str
        The students whose penalty has changed.
    """
    late = late_rule(course)
    changed: set[str] = set()
    with gradebook.writing(course) as book:
        try:
            number = book.find_assignment(assignment).id
        except MissingEntry:
            raise CourseError(
                f"there is no assignment {assignment} in the gradebook: check its name"
            ) from None
        query = (
            book.db.query(api.SubmittedNotebook, api.SubmittedAssignment)
            .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
            .filter(api.SubmittedAssignment.assignment_id == number)
        )
        for notebook, submission in query:
            student = submission.student_id
            path = course.folder("autograded", student, assignment) / f"{notebook.name}.ipynb"
            if set_penalty(late, submission, notebook, path.exists()):
                changed.add(student)
        book.db.commit()
    return sorted(changed)


def set_due_dates(course: Course, dues: Mapping[str, datetime]) -> dict[str, datetime | None]:
    """Set when assignments are due; give for each that changed the date that it had before, in UTC.

    Raises
    ------
    CourseError
        If there is no such assignment.
    """
    changed: dict[str, datetime | None] = {}
    with gradebook.writing(course) as book:
        for name, due in dues.items():
            try:
                before: datetime | None = book.find_assignment(name).duedate
            except MissingEntry:
                raise CourseError(f"there is no assignment {name} in the gradebook: check its name") from None
            plain = due.replace(tzinfo=None)
            if before != plain:
                book.update_or_create_assignment(name, duedate=str(plain))
                changed[name] = before
    return changed


def extend(course: Course, assignment: str, students: Sequence[str], extension: timedelta) -> None:
    """Give students more time for an assignment; no extension takes an earlier one away.

    A row of nbgrader's for the student, without notebooks, keeps it; it is no submission.

    Raises
    ------
    CourseError
        If there is no such assignment or student; nothing has changed then.
    """
    with gradebook.writing(course) as book:
        session: Session = book.db()
        row = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
        if row is None:
            raise CourseError(
                f"there is no assignment {assignment} in the gradebook: check its name"
            ) from None
        known = {student for (student,) in session.query(api.Student.id)}
        if strange := [student for student in students if student not in known]:
            raise CourseError(f"there is no student {', '.join(strange)} in the course: check the id")
        entries = {
            entry.student_id: entry
            for entry in session.query(api.SubmittedAssignment).filter_by(assignment_id=row.id)
        }
        for student in students:
            if student not in entries:
                entries[student] = api.SubmittedAssignment(assignment_id=row.id, student_id=student)
                session.add(entries[student])
            entries[student].extension = extension or None
        session.commit()


def enrol(course: Course, people: Sequence[Person]) -> tuple[list[str], list[str], list[str]]:
    """Bring the gradebook's students up to date; nobody is removed.

    Returns
    -------
    new, changed, others : list of str
        The ids of those who came, whose fields have changed, and who are in the gradebook alone.
    """
    new, changed = [], []
    with gradebook.writing(course) as book:
        known = {student.id: student for student in book.students}
        for person in people:
            fields = {
                "first_name": person.first_name,
                "last_name": person.last_name,
                "email": person.email,
                "lms_user_id": person.lms_id,
            }
            fields = {name: value for name, value in fields.items() if value is not None}
            old = known.get(person.id)
            if old is None:
                book.add_student(person.id, **fields)
                new.append(person.id)
            elif any(getattr(old, name) != value for name, value in fields.items()):
                book.update_or_create_student(person.id, **fields)
                changed.append(person.id)
    return new, changed, sorted({*known} - {person.id for person in people})
