"""Write results into the gradebook and the ``autograded`` folder, as ``nbgrader autograde`` leaves them.

One process writes, a batch of submissions in one transaction. The order makes a kill at any point harmless:
the receipt of an earlier grading is taken away first, then each student's new folder is written elsewhere,
the database commits, the folders are put in their places, and the new receipts are written last. A
submission with a receipt is recorded whole; one without is graded again by the next run, and each step can
be done twice. Each step runs in a process of its own: what cannot be written or recorded for one student, or
ends that process, is that student's trouble alone.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.gradebook_rows import Rows, Work, late_rule
from npfl_grader.course.settings import Course
from npfl_grader.course.submissions import Submission
from npfl_grader.engine.host import apart
from npfl_grader.errors import CourseError
from npfl_grader.files import HOPELESS, swap, write
from npfl_grader.grading import receipts
from npfl_grader.grading.grade import Graded
from npfl_grader.grading.receipts import Receipt

BATCH = 50
SECONDS = 5.0  # between two commits while results come slowly
Item = TypeVar("Item")
WRITING = apart.Bounds(seconds=300, trusted=True)


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
        self.trouble: dict[str, str] = {}  # for each student of whom nothing could be recorded, why
        self.logs: dict[str, str] = {}  # and the traceback
        self.last = time.monotonic()
        self.late = late_rule(course)
        self.parts = receipts.folder(course, assignment) / ".parts"

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
                recorded = self._commit(list(self._staged()))
                for _ in self._each(self._publish, recorded, WRITING):
                    pass
            except OSError as error:
                raise CourseError(f"cannot write the results: {error}") from None
            finally:
                shutil.rmtree(self.parts, ignore_errors=True)
        self.waiting.clear()
        self.last = time.monotonic()

    # --- files ---

    def _staged(self) -> Iterator[Result]:
        """Write the new folders elsewhere; give the results of which that could be done."""
        shutil.rmtree(self.parts, ignore_errors=True)
        self.parts.mkdir(parents=True)
        for result in self.waiting:
            receipts.path(self.course, self.assignment, result.submission.student).unlink(missing_ok=True)
        read = {str(self.course.folder("autograded", one.submission.student, ".")) for one in self.waiting}
        bounds = apart.Bounds(seconds=60, read=(os.path.commonpath(read),), write=(str(self.parts),))
        yield from self._each(self._stage, self.waiting, bounds)

    def _each(
        self, work: Callable[[Result], None], results: list[Result], bounds: apart.Bounds
    ) -> Iterator[Result]:
        """Do something for each student, apart; give those for whom it went well."""
        for result, trouble in self._apart(work, results, bounds):
            if trouble:
                self.trouble[result.submission.student] = trouble.why
                self.logs[result.submission.student] = trouble.log
            else:
                yield result

    def _apart(
        self, work: Callable[[Item], None], items: list[Item], bounds: apart.Bounds
    ) -> Iterator[tuple[Item, apart.Trouble | None]]:
        """Do something for each item in another process, and say for each how it went.

        Raises
        ------
        CourseError, OSError
            What would befall everybody.
        """

        def once(item: Item) -> bytes:
            try:
                work(item)
            except CourseError as error:
                return str(error).encode()
            return b""

        for item, found in apart.each(once, items, bounds, together=BATCH):
            if isinstance(found, apart.Trouble):
                if found.number in HOPELESS:
                    raise OSError(found.number, found.why)
                yield item, found
            elif found:
                raise CourseError(found.decode())
            else:
                yield item, None

    def _stage(self, result: Result) -> None:
        """Write the new folder of one student, with what of the old one stays."""
        student = result.submission.student
        place = self.parts / student
        files = {f"{name}.ipynb": graded.document for name, graded in result.graded.items()}
        files |= result.submission.files | self.files
        if not result.whole:
            folder = self.course.folder("autograded", student, self.assignment)
            old = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
            files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in old} | files
        for name, data in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(self.course.permissions)

    def _publish(self, result: Result) -> None:
        student = result.submission.student
        place, folder = self.parts / student, self.course.folder("autograded", student, self.assignment)
        if place.exists():
            swap(place, folder)
        elif folder.exists():  # nothing was handed in any more
            shutil.rmtree(folder)
        if self.course.directory.groupshared and folder.exists():
            self.course.converter.set_permissions(self.assignment, student)
        write(receipts.path(self.course, self.assignment, student), receipts.dump(result.receipt))

    # --- database ---

    def _commit(self, results: list[Result]) -> list[Result]:
        """Record the batch in one transaction, or, if one of them cannot be recorded, each in its own."""
        for _, trouble in self._apart(self._write, [results] if results else [], WRITING):
            if trouble:
                return list(self._each(lambda one: self._write([one]), results, WRITING))
        return results

    def _write(self, results: list[Result]) -> None:
        with gradebook.writing(self.course) as book:

            def work() -> None:
                session: Session = book.db()
                Rows(session, self.assignment, self.late).record([result.work() for result in results])
                session.commit()
                book.db.remove()

            def settle() -> None:
                book.db.remove()
                # Connections of a server that has been restarted are dead.
                book.engine.dispose()

            gradebook.patiently(work, settle)
