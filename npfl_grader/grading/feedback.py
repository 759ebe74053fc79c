"""Write the feedback as ``nbgrader generate_feedback`` does, in parallel and with nothing active in it.

What a page shows of hidden tests was decided when the notebook was graded; what of a submission could run in
a browser is taken out here once more.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from nbgrader import api
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateFeedback
from traitlets.config import Config

from npfl_grader.course import submissions
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading import batch, record

SAFE = {"markdown2html": "npfl_grader.safe_html.markdown2html"}


@dataclass
class Page:
    """What the gradebook says of one notebook, and where the page comes from and goes.

    Attributes
    ----------
    source, target : str
        The autograded notebook and the page.
    scores : dict
        For each graded cell, by name, the points and the most possible.
    comments : dict
        For each cell with a comment, by name.
    penalty : float
        What is taken off for being late.
    """

    student: str
    assignment: str
    notebook: str
    source: str
    target: str
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    penalty: float = 0.0


def exporter(course: Course) -> HTMLExporter:
    """Make nbgrader's exporter of feedback, with its template and settings, and with the safe filter."""
    config = Config(course.config)
    config.HTMLExporter.sanitize_html = True
    config.HTMLExporter.filters = {**config.HTMLExporter.get("filters", {}), **SAFE}
    config.HTMLExporter.template_name = "feedback"
    converter = GenerateFeedback(coursedir=course.directory, config=config)
    return converter.exporter_class(parent=converter, config=converter.config)


def render(page: Page, made: HTMLExporter) -> str:
    """Write one page; the notebook gets from `page` what nbgrader would read from its database."""
    notebook = nbformat.read(page.source, as_version=4)
    for cell in notebook.cells:
        known = cell.metadata.get("nbgrader", {})
        name = known.get("grade_id")
        if known.get("solution") or known.get("task"):
            known["comment"] = page.comments.get(name)
        if known.get("grade") or known.get("task"):
            known["score"], known["points"] = page.scores.get(name, (0.0, known.get("points", 0.0)))
    summary = {
        "student": page.student,
        "assignment": page.assignment,
        "notebook": page.notebook,
        "score": sum(score for score, _ in page.scores.values()) - page.penalty,
        "max_score": sum(most for _, most in page.scores.values()),
        "late_penalty": page.penalty,
    }
    resources = {
        "unique_key": page.notebook,
        "output_files_dir": f"{page.notebook}_files",
        "metadata": {"name": page.notebook, "path": str(Path(page.source).parent)},
        "nbgrader": summary,
    }
    html, _ = made.from_notebook_node(notebook, resources=resources)
    return str(html)


# Made before the workers are forked, so that each has it at once; no student's code runs in them.
_worker: list[HTMLExporter] = []


def _write(page: Page, permissions: int) -> None:
    path = Path(page.target)
    part = path.with_name(f".{path.name}{record.PART}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    part.write_text(render(page, _worker[-1]), encoding="utf-8")
    part.chmod(permissions)
    part.replace(path)


class Feedback:
    """The feedback of an assignment.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    students : str
        Which students, with wildcards.

    Raises
    ------
    CourseError
        If nothing of it was graded.
    """

    def __init__(self, course: Course, assignment: str, students: str = "*") -> None:
        self.course, self.assignment = course, assignment
        converter = GenerateFeedback(coursedir=course.directory, config=course.config)
        self.permissions = int(str(converter.permissions), 8)
        try:
            self._grades = record.read(course, lambda gradebook: _grades(gradebook, assignment))
        except MissingEntry:
            raise CourseError(
                f"there is no assignment {assignment} in the gradebook: check its name"
            ) from None
        names = submissions.students(course, assignment, students, step="autograded")
        self.students = [name for name in names if name in self._grades]
        if not self.students:
            if self._grades and students != "*":
                raise CourseError(f"nothing of {assignment} by {students} was graded: check the name")
            raise CourseError(
                f"nothing of {assignment} was graded: run 'npfl-grader autograde {assignment}' first"
            )
        self._common = [batch.environment(), str(course.config)]

    def pages(self) -> Iterator[tuple[str, list[Page], str]]:
        """Go through the students: the pages that are out of date, and the digest of what they show."""
        for student in self.students:
            folder = self.course.folder("autograded", student, self.assignment)
            pages = []
            digest = hashlib.sha256(json.dumps(self._common).encode())
            for path in sorted(folder.glob("*.ipynb")):
                page = self._grades[student].get(path.stem)
                if page:
                    page.source = str(path)
                    page.target = str(self._folder(student) / f"{path.stem}.html")
                    digest.update(json.dumps(asdict(page), sort_keys=True).encode() + path.read_bytes())
                    pages.append(page)
            stamp = self._stamp(student)
            fresh = all(Path(page.target).exists() for page in pages) and stamp.exists()
            if fresh and stamp.read_text() == digest.hexdigest():
                pages = []
            yield student, pages, digest.hexdigest()

    def _folder(self, student: str) -> Path:
        return self.course.folder("feedback", student, self.assignment)

    def _stamp(self, student: str) -> Path:
        return record.desk(self.course, self.assignment) / f"{student}.feedback"

    def run(self, workers: int | None, progress: Callable[[], None]) -> int:
        """Write the pages that are out of date.

        Returns
        -------
        int
            For how many students.
        """
        size = workers or len(os.sched_getaffinity(0))
        pool: ProcessPoolExecutor | None = None
        running: dict[Future[None], str] = {}
        left: dict[str, tuple[int, str]] = {}
        written = 0

        def settle(least: int) -> None:
            while len(running) > least:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    student = running.pop(future)
                    future.result()
                    count, digest = left[student]
                    left[student] = (count - 1, digest)
                    if count == 1:
                        self._finish(student, digest)
                        progress()

        try:
            for student, pages, digest in self.pages():
                if not pages:
                    progress()
                    continue
                written += 1
                self._stamp(student).unlink(missing_ok=True)
                left[student] = (len(pages), digest)
                if pool is None:
                    _worker.append(exporter(self.course))
                    pool = ProcessPoolExecutor(size, get_context("fork"))
                for page in pages:
                    running[pool.submit(_write, page, self.permissions)] = student
                settle(2 * size)
            settle(0)
        except OSError as error:
            raise CourseError(f"cannot write the feedback: {error}") from None
        finally:
            if pool is not None:
                pool.shutdown(cancel_futures=True)
        return written

    def _finish(self, student: str, digest: str) -> None:
        """Copy what lies beside the notebook, as nbgrader does, and remember what was written."""
        source, target = self.course.folder("autograded", student, self.assignment), self._folder(student)
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.unlink(missing_ok=True)
                copy.write_bytes(path.read_bytes())
                copy.chmod(self.permissions)
        if self.course.directory.groupshared:
            GenerateFeedback(coursedir=self.course.directory, config=self.course.config).set_permissions(
                self.assignment, student
            )
        write(self._stamp(student), digest)


def _grades(gradebook: Gradebook, assignment: str) -> dict[str, dict[str, Page]]:
    """Read all that the pages of an assignment show, in three queries: by student and notebook."""
    gradebook.find_assignment(assignment)
    found: dict[str, dict[str, Page]] = defaultdict(dict)
    by_id = {}
    rows = (
        gradebook.db.query(
            api.SubmittedNotebook.id,
            api.SubmittedAssignment.student_id,
            api.Notebook.name,
            api.SubmittedNotebook.late_submission_penalty,
        )
        .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
        .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
        .join(api.Assignment, api.Assignment.id == api.Notebook.assignment_id)
        .filter(api.Assignment.name == assignment)
    )
    for number, student, name, penalty in rows:
        page = Page(student, assignment, name, "", "", penalty=penalty or 0.0)
        found[student][name] = by_id[number] = page
    most: dict[str, float] = {}
    for kind in (api.GradeCell, api.TaskCell):
        most |= {cell.id: cell.max_score for cell in gradebook.db.query(kind)}
    cells = dict(gradebook.db.query(api.BaseCell.id, api.BaseCell.name))
    for number, cell, score in gradebook.db.query(api.Grade.notebook_id, api.Grade.cell_id, api.Grade.score):
        if number in by_id:
            by_id[number].scores[cells[cell]] = (score, most.get(cell, 0.0))
    for number, cell, comment in gradebook.db.query(
        api.Comment.notebook_id, api.Comment.cell_id, api.Comment.comment
    ):
        if number in by_id:
            by_id[number].comments[cells[cell]] = comment
    return found
