"""Write the feedback as ``nbgrader generate_feedback`` does, in parallel and with nothing active in it.

What a page shows of hidden tests was decided when the notebook was graded; what of a submission could run in
a browser is taken out here once more.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from nbgrader.converters import GenerateFeedback
from traitlets.config import Config

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.gradebook import Marks
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import stage, write
from npfl_grader.grading import receipts
from npfl_grader.grading.pool import cores

SAFE = {"markdown2html": "npfl_grader.safe_html.markdown2html"}


@dataclass
class Page:
    """One page: whose, what the gradebook says, and where it comes from and goes.

    Attributes
    ----------
    source, target : str
        The autograded notebook and the page.
    marks : Marks
        Points, comments and penalty.
    """

    student: str
    assignment: str
    notebook: str
    source: str
    target: str
    marks: Marks


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
            known["comment"] = page.marks.comments.get(name)
        if known.get("grade") or known.get("task"):
            known["score"], known["points"] = page.marks.scores.get(name, (0.0, known.get("points", 0.0)))
    summary = {
        "student": page.student,
        "assignment": page.assignment,
        "notebook": page.notebook,
        "score": sum(score for score, _ in page.marks.scores.values()) - page.marks.penalty,
        "max_score": sum(most for _, most in page.marks.scores.values()),
        "late_penalty": page.marks.penalty,
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
    stage(path, render(page, _worker[-1]).encode("utf-8"), permissions).replace(path)


@dataclass
class Feedback:
    """The feedback of an assignment; `prepare` makes it.

    Attributes
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    students : list of str
        Who gets it.
    marks : dict
        What the gradebook says, by student and notebook.
    permissions : int
        The mode of the pages.
    """

    course: Course
    assignment: str
    students: list[str]
    marks: dict[str, dict[str, Marks]]
    permissions: int

    @cached_property
    def _common(self) -> list[str]:
        """What all pages depend on."""
        return [receipts.environment(), str(self.course.config)]

    def pages(self) -> Iterator[tuple[str, list[Page], str]]:
        """Go through the students: the pages that are out of date, and the digest of what they show."""
        for student in self.students:
            folder = self.course.folder("autograded", student, self.assignment)
            pages = []
            digest = hashlib.sha256(json.dumps(self._common).encode())
            for path in sorted(folder.glob("*.ipynb")):
                if marks := self.marks[student].get(path.stem):
                    target = self._folder(student) / f"{path.stem}.html"
                    page = Page(student, self.assignment, path.stem, str(path), str(target), marks)
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
        return receipts.folder(self.course, self.assignment) / f"{student}.feedback"

    def run(self, workers: int | None, progress: Callable[[], None]) -> int:
        """Write the pages that are out of date.

        Returns
        -------
        int
            For how many students.
        """
        size = workers or cores()
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


def prepare(course: Course, assignment: str, students: tuple[str, ...] = ("*",)) -> Feedback:
    """Read what the feedback is made of.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    students : tuple of str
        Which students, with wildcards.

    Raises
    ------
    CourseError
        If nothing of it was graded.
    """
    converter = GenerateFeedback(coursedir=course.directory, config=course.config)
    marks = gradebook.marks(course, assignment)
    names = submissions.students(course, assignment, students, step="autograded")
    graded = [name for name in names if name in marks]
    if not marks or (not graded and students == ("*",)):
        raise CourseError(
            f"nothing of {assignment} was graded: run 'npfl-grader autograde {assignment}' first"
        )
    for pattern in students:
        if not any(fnmatch(name, pattern) for name in graded):
            raise CourseError(f"nothing of {assignment} by {pattern} was graded: check the name")
    return Feedback(course, assignment, graded, marks, int(str(converter.permissions), 8))
