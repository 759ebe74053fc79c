"""Grade all submissions of an assignment: find, skip what has not changed, run, record, report."""

import hashlib
import itertools
import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.gradebook import Assignment, Entry
from npfl_grader.course.settings import Course
from npfl_grader.course.submissions import Submission
from npfl_grader.engine.host import apart
from npfl_grader.engine.job import Engine, Level, Probe
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading import pool, receipts, record, search, solution
from npfl_grader.grading.grade import Graded, Task
from npfl_grader.grading.receipts import Receipt
from npfl_grader.grading.record import Result
from npfl_grader.grading.report import Report, Row, State, log
from npfl_grader.grading.solution import Solutions
from npfl_grader.text import clean

SEEN_BY_PEOPLE = (".png", ".jpg", ".jpeg", ".gif", ".heic", ".webp", ".svg", ".pdf", ".docx", ".odt")

AT_ONCE = 32  # submissions that are read by one process


@dataclass(frozen=True)
class Choice:
    """What of an assignment is graded, and how.

    Attributes
    ----------
    students, notebooks
        Which, with the wildcards of a shell.
    regrade : bool
        Whether submissions that have not changed are graded again.
    unprotected : bool
        Whether to go on where this machine cannot confine what students wrote.
    engine : str
        "two-process" or "kernel".
    """

    students: tuple[str, ...] = ("*",)
    notebooks: str = "*"
    regrade: bool = False
    unprotected: bool = False
    engine: Engine | str = Engine.TWO_PROCESS


@dataclass
class Batch:
    """An assignment that is being graded; `prepare` makes it.

    Attributes
    ----------
    course : Course
        The course.
    assignment : Assignment
        What the gradebook says of the assignment.
    choice : Choice
        What of it.
    students : list of str
        Whose submissions.
    files : dict
        The instructor's data files, by relative path.
    solutions : Solutions
        What is known of the instructor's own solutions.
    """

    course: Course
    assignment: Assignment
    choice: Choice
    students: list[str]
    files: dict[str, bytes]
    solutions: Solutions

    def __post_init__(self) -> None:
        self.definitions = self.assignment.definitions
        self.notebooks = [name for name in self.definitions if fnmatch(name, self.choice.notebooks)]
        unprotected = self.choice.unprotected or self.course.settings.unprotected
        self.require = Level.NONE if unprotected else Level.LANDLOCK
        self.limits, self.policy = self.course.limits(), self.course.policy()
        self.report = Report(self.assignment.name, "nothing was run", self.choice.engine)

    def plan(self) -> Iterator[tuple[Submission, list[str]]]:
        """Read the submissions one after the other, and name the notebooks of each that must be graded."""

        def read(student: str) -> bytes:
            submission = search.read(self.course, self.assignment.name, student, self.definitions)
            submission.make_room([*self.files, *(f"{name}.ipynb" for name in self.definitions)])
            return submission.encode()

        folders = {str(self.course.folder("submitted", student, ".")) for student in self.students}
        bounds = apart.Bounds(seconds=60, read=(os.path.commonpath(folders),) if folders else ())
        for student, found in apart.each(read, self.students, bounds, together=AT_ONCE):
            if isinstance(found, apart.Trouble):
                why = f"it could not be read: {found.why}"
                submission = Submission(student, refused=dict.fromkeys(self.definitions, why))
                submission.log = found.log
            else:
                submission = Submission.decode(found)
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
        recorder = record.Recorder(self.course, self.assignment.name, self.files)
        opened: dict[str, Result] = {}
        left: dict[str, int] = {}

        def finish(result: Result) -> None:
            logs = [graded.log for graded in result.graded.values()]
            try:
                row = self._row(result)
                result.receipt = self._receipt(result, row)
            except Exception as error:  # one student's trouble is one student's
                why = f"it could not be summed up: {type(error).__name__}: {clean(error)}"
                row = Row(result.submission.student, State.LOOK, reasons=[why])
                logs.append(traceback.format_exc())
            recorder.add(result)
            self._add(row, result.submission.log + "".join(logs))
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
            if self.choice.engine == Engine.TWO_PROCESS:
                for graded in pool.run(workers, self.solutions.tasks()):
                    self.solutions.keep(graded)
                self.report.solutions, self.report.unknown = self.solutions.tried, self.solutions.unknown
            # Where nothing has changed, no worker is started.
            if first := next(todo, None):
                probe = workers.probe()
                self.report.level, self.report.weaker = self._check(probe)
                self.report.memory = probe.get("memory", "")
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
        for row in self.report.rows:
            if why := recorder.trouble.get(row.student):
                row.state, row.points = State.LOOK, 0.0
                row.reasons.insert(0, f"it could not be recorded: {why}")
                self._log(row, recorder.logs.get(row.student, ""))
        self.report.rows.sort(key=lambda row: row.student)
        self.report.seconds = round(time.monotonic() - started, 2)
        write(self.report_path, self.report.json())
        return self.report

    @property
    def report_path(self) -> Path:
        return receipts.report_path(self.course, self.assignment.name)

    def _check(self, probe: Probe) -> tuple[str, str]:
        level = Level(probe["level"])
        why = "; ".join(f"{name}: {reason}" for name, reason in probe.get("reasons", {}).items())
        if not level.allows(self.require):
            raise CourseError(
                "this machine cannot confine what students wrote, so their code would run with your rights "
                f"({why}): see docs/grading.md, or say --unprotected"
            )
        return level, why

    def _task(self, submission: Submission, name: str) -> Task:
        task = Task(
            student=submission.student,
            notebook=name,
            definition=self.definitions[name],
            data=submission.notebooks.get(name, b""),
            refused=submission.refused.get(name),
            files=self.files,
            student_files=submission.helpers(),
            limits=self.limits,
            require=self.require,
            engine=self.choice.engine,
            policy=self.policy,
        )
        return self.solutions.inform(task)

    # --- what is known of earlier runs ---

    @cached_property
    def _common(self) -> str:
        """What all grades of the batch depend on."""
        return receipts.digest(
            self.require,
            self.choice.engine,
            asdict(self.limits),
            asdict(self.policy),
            {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()},
            receipts.environment(),
        )

    @cached_property
    def _definition(self) -> dict[str, str]:
        return {name: receipts.digest(asdict(cells)) for name, cells in self.definitions.items()}

    def _digests(self, submission: Submission) -> dict[str, str]:
        """Say by a hash for each notebook what its grade depends on."""
        entry = self.assignment.entries.get(submission.student, Entry())
        beside = {name: hashlib.sha256(data).hexdigest() for name, data in submission.files.items()}
        return {
            name: receipts.digest(
                self._common,
                self._definition[name],
                hashlib.sha256(submission.notebooks.get(name, b"-")).hexdigest(),
                submission.refused.get(name),
                beside,
                [str(self.assignment.due), str(entry.extension)],
                self.solutions.digest(name),
            )
            for name in self.definitions
        }

    def _unchanged(self, submission: Submission) -> bool:
        if self.choice.regrade or submission.student not in self.assignment.entries:
            return False
        receipt = receipts.load(self.course, self.assignment.name, submission.student)
        if receipt.row is None:
            return False
        wanted = self._digests(submission)
        folder = self.course.folder("autograded", submission.student, self.assignment.name)
        there = {*submission.notebooks, *submission.refused}
        return all(
            receipt.digests.get(name) == wanted[name]
            and (name not in there or (folder / f"{name}.ipynb").exists())
            for name in self.notebooks
        )

    def _receipt(self, result: Result, row: Row) -> Receipt:
        student = result.submission.student
        old = {} if result.whole else receipts.load(self.course, self.assignment.name, student).digests
        # A fault of the grader's may be gone next time: without a digest, it is tried again.
        sure = {
            name: digest
            for name, digest in self._digests(result.submission).items()
            if name in (self.definitions if result.whole else self.notebooks)
            and not (name in result.graded and _may_pass(result.graded[name]))
        }
        return Receipt(old | sure, row)

    # --- rows ---

    def _old_row(self, student: str) -> Row:
        row = receipts.load(self.course, self.assignment.name, student).row
        assert row is not None  # or it would not count as unchanged
        return replace(row, skipped=True)

    def _row(self, result: Result) -> Row:
        row = Row(
            result.submission.student, reasons=list(result.submission.notes), handed_in=bool(result.graded)
        )
        record.handed_in_at(result.submission)  # it notes a time that is none
        row.reasons = list(result.submission.notes)
        row.mended = bool(result.submission.notes)
        judged = 0
        for name in self.notebooks:
            cells, graded = self.definitions[name].cells, result.graded.get(name)
            tests = [cell for cell in cells if cell.grade and not cell.by_hand and cell.points]
            row.most += sum(cell.points or 0 for cell in tests)
            if graded is None:
                row.reasons.append(f"{name}.ipynb was not handed in")
                row.missing.append(name)
                judged += len(tests)
                continue
            row.points += sum(graded.scores.get(cell.name) or 0 for cell in tests)
            row.by_hand += sum(cell.by_hand and graded.scores.get(cell.name) is None for cell in cells)
            row.level = graded.level or row.level
            row.seconds += round(graded.seconds, 3)
            row.failed |= {name: graded.failed} if graded.failed else {}
            judged += sum(cell.name not in graded.unsure for cell in tests)
            row.reasons += [f"{name}: {reason}" for reason in self._reasons(graded)]
            row.mended |= bool(graded.notes)
            row.together += [f"{name}: {test}" for test in graded.together]
            if graded.untouched:
                row.reasons.append(f"{name}: nothing was changed")
            if graded.unsure or graded.unreadable:
                row.state = State.PARTLY
        if row.by_hand and (unseen := unseen_by_hand(result.submission)):
            row.reasons.append(f"handed in beside the notebook, for whoever grades: {', '.join(unseen[:5])}")
        if (row.state is State.PARTLY and not judged) or result.submission.undated:
            row.state = State.LOOK
        return row

    @staticmethod
    def _reasons(graded: Graded) -> list[str]:
        if graded.unreadable:
            return [f"{graded.unreadable}"]
        tests: dict[str, list[str]] = {}
        for test, reason in graded.unsure.items():
            tests.setdefault(reason, []).append(test)
        return [
            *graded.notes,
            *graded.told,
            *(f"{', '.join(names)}: {reason}" for reason, names in tests.items()),
        ]

    def _add(self, row: Row, traces: str) -> None:
        self.report.rows.append(row)
        self._log(row, traces)

    def _log(self, row: Row, traces: str) -> None:
        folder = receipts.folder(self.course, self.assignment.name)
        write(folder / f"{row.student}.log", log(row, self.report) + traces)


def unseen_by_hand(submission: Submission) -> list[str]:
    """Name the pictures and documents to which no text of the notebooks leads: the formgrader shows none."""
    texts = [unquote(data.decode("utf-8", "replace")) for data in submission.notebooks.values()]
    return [
        clean(name)
        for name in sorted(submission.helpers())
        if name.casefold().endswith(SEEN_BY_PEOPLE) and not any(name in text for text in texts)
    ]


def _may_pass(graded: Graded) -> bool:
    """Say whether a test could not be judged for a reason that may be gone at the next run."""
    return not graded.unreadable and bool(graded.unsure.keys() - graded.disagreements.keys())


def prepare(course: Course, name: str, choice: Choice) -> Batch:
    """Read what there is to grade.

    Parameters
    ----------
    course : Course
        The course.
    name : str
        The assignment's name.
    choice : Choice
        What of it.

    Raises
    ------
    CourseError
        If there is no such assignment, or nothing of it was handed in.
    """
    assignment = gradebook.assignment(course, name)
    files = submissions.instructor_files(course, name)
    batch = Batch(
        course,
        assignment,
        choice,
        submissions.students(course, name, choice.students),
        files,
        solution.load(course, name, assignment.definitions, files),
    )
    if not batch.notebooks:
        raise CourseError(f"{name} has no notebook {choice.notebooks}: {', '.join(batch.definitions)}")
    for pattern in choice.students:
        if submissions.students(course, name, (pattern,)):
            continue
        folder = course.folder("submitted", pattern, name)
        raise CourseError(
            f"nothing was handed in: {folder} does not exist: "
            f"run 'npfl-grader collect {name} ARCHIVE' or 'nbgrader collect {name}' first"
        )
    return batch
