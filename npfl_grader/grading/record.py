"""Write results into the gradebook and the ``autograded`` folder, as ``nbgrader autograde`` leaves them.

One process writes, a batch of submissions in one transaction. The order makes a kill at any point harmless:
the receipt of an earlier grading is taken away first, then the new files are written beside the old ones, the
database commits, the files are renamed, and the new receipts are written last. A submission with a receipt is
recorded whole; one without is graded again by the next run, and each step can be done twice.
"""

import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.gradebook_rows import Rows, Work, late_rule
from npfl_grader.course.settings import Course
from npfl_grader.course.submissions import Submission
from npfl_grader.errors import CourseError
from npfl_grader.files import part, stage, write
from npfl_grader.grading import receipts
from npfl_grader.grading.grade import Graded
from npfl_grader.grading.receipts import Receipt

BATCH = 50
SECONDS = 5.0  # between two commits while results come slowly


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
    receipt : Receipt
        What is kept to know it again.
    whole : bool
        Whether these are all notebooks of the assignment.
    """

    submission: Submission
    graded: dict[str, Graded]
    missing: list[str] = field(default_factory=list)
    receipt: Receipt = field(default_factory=Receipt)
    whole: bool = True

    def work(self) -> Work:
        """Give what goes into the gradebook."""
        return Work(
            self.submission.student,
            handed_in_at(self.submission),
            dict.fromkeys(self.missing) | self.graded,
        )


def handed_in_at(submission: Submission) -> datetime | None:
    """Read the submission's timestamp, and note it where it is none."""
    try:
        return submissions.read_time(submission.timestamp)
    except ValueError:
        submission.undated = True
        note = f"timestamp.txt says no time: {submission.timestamp!r:.60}"
        if note not in submission.notes:
            submission.notes.append(note)
        return None


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
        self.late = late_rule(course)
        self.gradebook = gradebook.connect(course)

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

    def _stage(self, result: Result) -> list[str]:
        """Take the old receipt away and write the new files beside the old ones; name them."""
        student = result.submission.student
        receipts.path(self.course, self.assignment, student).unlink(missing_ok=True)
        folder = self.course.folder("autograded", student, self.assignment)
        files = {f"{name}.ipynb": graded.document for name, graded in result.graded.items()}
        files |= result.submission.files | self.files
        for name, data in files.items():
            stage(folder / name, data, self.course.permissions)
        return list(files)

    def _publish(self, result: Result, names: list[str]) -> None:
        student = result.submission.student
        folder = self.course.folder("autograded", student, self.assignment)
        for name in names:
            part(folder / name).replace(folder / name)
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
        write(receipts.path(self.course, self.assignment, student), receipts.dump(result.receipt))

    # --- database ---

    def _commit(self) -> None:
        """Record the batch in one transaction."""

        def work() -> None:
            session: Session = self.gradebook.db()
            Rows(session, self.assignment, self.late).record([result.work() for result in self.waiting])
            session.commit()
            self.gradebook.db.remove()

        def settle() -> None:
            self.gradebook.db.remove()
            # Connections of a server that has been restarted are dead.
            self.gradebook.engine.dispose()

        gradebook.patiently(work, settle)
