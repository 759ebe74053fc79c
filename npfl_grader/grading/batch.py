"""Grade all submissions of an assignment: find, skip what has not changed, run, record, report."""

import hashlib
import itertools
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from nbgrader import api
from nbgrader.api import Gradebook, MissingEntry

from npfl_grader.course import definition, submissions
from npfl_grader.course.settings import Course
from npfl_grader.course.submissions import Submission
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading import pool, record
from npfl_grader.grading.grade import Graded, Task
from npfl_grader.grading.record import Result
from npfl_grader.grading.report import LOOK, PARTLY, Report, Row, log

LEVELS = ["none", "landlock", "full"]


@dataclass(frozen=True)
class Choice:
    """What of an assignment is graded, and how.

    Attributes
    ----------
    students, notebooks : str
        Which, with the wildcards of a shell.
    regrade : bool
        Whether submissions that have not changed are graded again.
    unprotected : bool
        Whether to go on where this machine cannot confine what students wrote.
    engine : str
        "two-process" or "kernel".
    """

    students: str = "*"
    notebooks: str = "*"
    regrade: bool = False
    unprotected: bool = False
    engine: str = "two-process"


class Batch:
    """An assignment that is being graded.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    choice : Choice
        What of it.

    Raises
    ------
    CourseError
        If there is no such assignment, or nothing of it was handed in.
    """

    def __init__(self, course: Course, assignment: str, choice: Choice) -> None:
        self.course, self.assignment, self.choice = course, assignment, choice
        self.files = submissions.instructor_files(course, assignment)
        sources = Path(course.directory.format_path(course.directory.source_directory, ".", assignment))

        def read(gradebook: Gradebook) -> tuple[dict[str, definition.Definition], dict[str | None, Any]]:
            return definition.from_gradebook(gradebook, assignment, sources), _recorded(gradebook, assignment)

        try:
            self.definitions, self._recorded = record.read(course, read)
        except MissingEntry:
            raise CourseError(
                f"there is no assignment {assignment} in the gradebook: "
                f"check its name, or run 'nbgrader generate_assignment {assignment}'"
            ) from None
        self.notebooks = [name for name in self.definitions if fnmatch(name, choice.notebooks)]
        self.students = submissions.students(course, assignment, choice.students)
        if not self.notebooks:
            raise CourseError(
                f"{assignment} has no notebook {choice.notebooks}: {', '.join(self.definitions)}"
            )
        if not self.students:
            place = course.folder("submitted", choice.students, assignment)
            raise CourseError(
                f"nothing was handed in: {place} does not exist: "
                f"run 'npfl-grader collect {assignment} ARCHIVE' or 'nbgrader collect {assignment}' first"
            )
        self.require = "none" if choice.unprotected or course.settings.unprotected else "landlock"
        self._limits, self._policy = course.limits(), course.policy()
        self._common = _digest(
            self.require,
            choice.engine,
            self._limits,
            asdict(self._policy),
            {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()},
            environment(),
        )
        self._definition = {name: _digest(asdict(found)) for name, found in self.definitions.items()}
        self.report = Report(assignment, "nothing was run", choice.engine)

    def plan(self) -> Iterator[tuple[Submission, list[str]]]:
        """Read the submissions one after the other, and name the notebooks of each that must be graded."""
        for student in self.students:
            submission = submissions.read(self.course, self.assignment, student, self.definitions)
            yield submission, [] if self._unchanged(submission) else self.notebooks

    def run(self, workers: pool.Local | pool.Dask, progress: Callable[[], None]) -> Report:
        """Grade and record.

        Parameters
        ----------
        workers : Local or Dask
            Where it runs; closed by the caller.
        progress : callable
            Called after each submission.

        Raises
        ------
        CourseError
            If the protection is weaker than demanded, or the results cannot be written.
        """
        started = time.monotonic()
        recorder = record.Recorder(self.course, self.assignment, self.files)
        opened: dict[str, Result] = {}
        left: dict[str, int] = {}

        def finish(result: Result) -> None:
            row = self._row(result)
            result.receipt = self._receipt(result, row)
            recorder.add(result)
            self._add(row)
            progress()

        def tasks() -> Iterator[Task]:
            for submission, names in self.plan():
                if not names:
                    self.report.rows.append(self._old_row(submission.student))
                    progress()
                    continue
                there = {*submission.notebooks, *submission.refused}
                result = Result(submission, {}, [name for name in self.definitions if name not in there])
                result.whole = self.notebooks == list(self.definitions)
                wanted = [name for name in names if name in there]
                if not wanted:
                    finish(result)
                    continue
                opened[submission.student] = result
                left[submission.student] = len(wanted)
                for name in wanted:
                    yield self._task(submission, name)

        todo: Iterator[Task] = tasks()
        try:
            # Where nothing has changed, no worker is started.
            if first := next(todo, None):
                self.report.level, self.report.weaker = self._check(workers.probe())
                todo = itertools.chain([first], todo)
            for graded in pool.run(workers, todo):
                opened[graded.student].graded[graded.notebook] = graded
                left[graded.student] -= 1
                if not left[graded.student]:
                    del left[graded.student]
                    finish(opened.pop(graded.student))
            recorder.flush()
        except KeyboardInterrupt:
            recorder.flush()
            raise
        except OSError as error:
            raise CourseError(f"cannot write the results: {error}") from None
        finally:
            recorder.close()
        self.report.rows.sort(key=lambda row: row.student)
        self.report.seconds = round(time.monotonic() - started, 2)
        write(self.report_path, self.report.json())
        return self.report

    @property
    def report_path(self) -> Path:
        return record.desk(self.course, self.assignment).with_suffix(".json")

    def _check(self, probe: dict[str, Any]) -> tuple[str, str]:
        level = str(probe["level"])
        why = "; ".join(f"{name}: {reason}" for name, reason in probe.get("reasons", {}).items())
        if LEVELS.index(level) < LEVELS.index(self.require):
            raise CourseError(
                "this machine cannot confine what students wrote, so their code would run with your rights "
                f"({why}): see docs/grading.md, or say --unprotected"
            )
        return level, why

    def _task(self, submission: Submission, name: str) -> Task:
        return Task(
            student=submission.student,
            notebook=name,
            definition=self.definitions[name],
            data=submission.notebooks.get(name, b""),
            refused=submission.refused.get(name),
            files=self.files,
            student_files=submission.helpers(),
            limits=self._limits,
            require=self.require,
            engine=self.choice.engine,
            policy=self._policy,
        )

    # --- what is known of earlier runs ---

    def _digests(self, submission: Submission) -> dict[str, str]:
        """Say by a hash for each notebook what its grade depends on."""
        known = self._recorded.get(submission.student)
        beside = {name: hashlib.sha256(data).hexdigest() for name, data in submission.files.items()}
        when = (self._recorded[None], known[1] if known else None)
        return {
            name: _digest(
                self._common,
                self._definition[name],
                hashlib.sha256(submission.notebooks.get(name, b"-")).hexdigest(),
                submission.refused.get(name),
                beside,
                [str(moment) for moment in when],
            )
            for name in self.definitions
        }

    def _read_receipt(self, student: str) -> dict[str, Any]:
        try:
            receipt = json.loads((record.desk(self.course, self.assignment) / f"{student}.json").read_bytes())
            return receipt if isinstance(receipt, dict) else {}
        except (OSError, ValueError):
            return {}

    def _unchanged(self, submission: Submission) -> bool:
        if self.choice.regrade or submission.student not in self._recorded:
            return False
        receipt = self._read_receipt(submission.student)
        digests, wanted = receipt.get("digests", {}), self._digests(submission)
        folder = self.course.folder("autograded", submission.student, self.assignment)
        there = {*submission.notebooks, *submission.refused}
        return all(
            digests.get(name) == wanted[name] and (name not in there or (folder / f"{name}.ipynb").exists())
            for name in self.notebooks
        )

    def _receipt(self, result: Result, row: Row) -> dict[str, Any]:
        old = {} if result.whole else self._read_receipt(result.submission.student).get("digests", {})
        # A fault of the grader's may be gone next time: without a digest, it is tried again.
        sure = {
            name: digest
            for name, digest in self._digests(result.submission).items()
            if name in (self.definitions if result.whole else self.notebooks)
            and not (
                name in result.graded and result.graded[name].unsure and not result.graded[name].unreadable
            )
        }
        return {"digests": old | sure, "row": asdict(row)}

    # --- rows ---

    def _old_row(self, student: str) -> Row:
        return Row(**(self._read_receipt(student)["row"] | {"skipped": True}))

    def _row(self, result: Result) -> Row:
        row = Row(result.submission.student, reasons=list(result.submission.notes))
        judged = 0
        for name in self.notebooks:
            found, graded = self.definitions[name], result.graded.get(name)
            tests = [cell for cell in found.cells if cell.grade and not cell.by_hand and cell.points]
            row.most += sum(cell.points or 0 for cell in tests)
            if graded is None:
                row.reasons.append(f"{name}.ipynb was not handed in")
                judged += len(tests)
                continue
            row.points += sum(graded.scores.get(cell.name) or 0 for cell in tests)
            row.by_hand += sum(cell.by_hand and graded.scores.get(cell.name) is None for cell in found.cells)
            row.level = graded.level or row.level
            row.seconds += round(graded.seconds, 3)
            row.failed |= {name: graded.failed} if graded.failed else {}
            judged += sum(cell.name not in graded.unsure for cell in tests)
            row.reasons += [f"{name}: {reason}" for reason in self._reasons(graded)]
            if graded.unsure or graded.unreadable:
                row.state = PARTLY
        if row.state == PARTLY and not judged:
            row.state = LOOK
        return row

    @staticmethod
    def _reasons(graded: Graded) -> list[str]:
        if graded.unreadable:
            return [f"{graded.unreadable}"]
        tests: dict[str, list[str]] = {}
        for test, reason in graded.unsure.items():
            tests.setdefault(reason, []).append(test)
        return [*graded.notes, *(f"{', '.join(names)}: {reason}" for reason, names in tests.items())]

    def _add(self, row: Row) -> None:
        self.report.rows.append(row)
        write(record.desk(self.course, self.assignment) / f"{row.student}.log", log(row, self.report))


def _recorded(gradebook: Gradebook, assignment: str) -> dict[str | None, Any]:
    """Read which students are in the gradebook, with what a penalty depends on; under None the due date."""
    found = gradebook.find_assignment(assignment)
    query = gradebook.db.query(
        api.SubmittedAssignment.student_id,
        api.SubmittedAssignment.timestamp,
        api.SubmittedAssignment.extension,
    ).filter_by(assignment_id=found.id)
    return {None: found.duedate} | {row[0]: (row[1], row[2]) for row in query}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def environment() -> str:
    """Name what results depend on beside the submission: Python, the packages, the grader's own code."""
    packages = sorted({f"{found.name}=={found.version}" for found in distributions()})
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(path.read_bytes())
    return _digest(platform.python_version(), platform.machine(), packages, code.hexdigest())
