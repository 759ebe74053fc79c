"""Write the feedback where ``nbgrader generate_feedback`` does, in parallel and with nothing active in it.

What a page shows of hidden tests was decided when the notebook was graded; what of a submission could run in
a browser is taken out here once more.
"""

import functools
import hashlib
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbformat import NotebookNode
from nbgrader.converters import GenerateFeedback
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from npfl_grader import files
from npfl_grader.course import gradebook, submissions
from npfl_grader.course.gradebook import Marks
from npfl_grader.course.policy import SHOWN
from npfl_grader.course.settings import Course
from npfl_grader.engine.host import apart
from npfl_grader.errors import CourseError
from npfl_grader.files import stage, write
from npfl_grader.grading import receipts
from npfl_grader.grading.pool import cores
from npfl_grader.text import clean

LONGEST_INTRODUCTION = 20_000  # characters in which its links are looked for; a student may have written it
MOST_SHOWN, MOST_IN_A_CELL = 300_000, 5_000  # characters of a page that could not be drawn whole
KNOWN = 300  # pieces of code that are kept in colours
AT_ONCE = 16  # students whose pages are drawn by one process
SECONDS = 30  # of the processor for one student's pages; a long one takes a second
# What a browser would run: the only pages that a student gets are those that are written here.
ACTIVE = {".html", ".htm", ".xhtml", ".xht", ".shtml", ".mhtml", ".mht", ".svg", ".svgz", ".xml", ".ipynb"}
SAFE = {"markdown2html": "npfl_grader.grading.formulas.markdown2html"}
TEMPLATES = Path(__file__).parents[1] / "templates"
STYLE = TEMPLATES / "npfl_feedback" / "page.css"


@dataclass
class Page:
    """One page: whose, what the gradebook says, and where it comes from.

    Attributes
    ----------
    source : str
        The autograded notebook; `data` is its content.
    marks : Marks
        Points, comments and penalty.
    short : bool
        Whether only the beginning of what is long is shown.
    """

    student: str
    assignment: str
    notebook: str
    source: str
    marks: Marks
    data: bytes = b""
    short: bool = False


@dataclass
class Folder:
    """The feedback of one student, as it is about to be written.

    Attributes
    ----------
    pages : list of Page
        None if all is up to date.
    files : dict
        What lies beside the notebook and is copied, by relative path.
    digest : str
        What all of it depends on.
    """

    student: str
    pages: list[Page] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    digest: str = ""


@dataclass
class Written:
    """What has been written.

    Attributes
    ----------
    students : int
        For how many students pages were written anew.
    trouble : dict
        For each student without, why.
    shortened : dict
        For each student whose pages show only the beginning of what is long, why.
    """

    students: int = 0
    shortened: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)


class PageExporter(HTMLExporter):
    """An exporter that leaves a page as its template has made it.

    nbconvert's own takes each page apart again, which takes twice as long as making it, to add what our
    template and filter have already.
    """

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **named: Any
    ) -> tuple[str, dict[str, Any]]:
        about = nb.metadata.get("language_info", {})
        lexer = about.get("pygments_lexer", about.get("name"))
        self.register_filter("highlight_code", self._highlighter(lexer))
        return TemplateExporter.from_notebook_node(self, nb, resources, **named)

    @functools.lru_cache(10)  # noqa: B019 (there is one exporter for a course)
    def _highlighter(self, lexer: str | None) -> Callable[..., str]:
        """Give the filter for code; most of it is the instructor's, and on each page the same."""
        filtered = Highlight2HTML(pygments_lexer=lexer, parent=self)

        @functools.lru_cache(KNOWN)
        def colour(source: str, magics: str | None) -> str:
            return str(filtered(source, metadata={"magics_language": magics} if magics else {}))

        return lambda source, metadata: colour(source, metadata.get("magics_language"))


@functools.cache
def exporter(course: Course) -> HTMLExporter:
    """Make nbgrader's exporter of feedback, with its template and settings, and with the safe filter."""
    config = Config(course.config)
    config.HTMLExporter.sanitize_html = True
    config.HTMLExporter.filters = {**config.HTMLExporter.get("filters", {}), **SAFE}
    config.HTMLExporter.template_name = "npfl_feedback"
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    converter = GenerateFeedback(coursedir=course.directory, config=config)
    # A course may name an exporter of its own.
    kind = PageExporter if converter.exporter_class is HTMLExporter else converter.exporter_class
    made = kind(parent=converter, config=converter.config)
    render(_SAMPLE, made)
    return made


def render(page: Page, made: HTMLExporter) -> str:
    """Write one page; the notebook gets from `page` what nbgrader would read from its database."""
    notebook = nbformat.reads(page.data.decode(), as_version=4)
    if page.short:
        _shorten(notebook)
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    sections = _sections(first[:LONGEST_INTRODUCTION])
    checks = []
    for cell in notebook.cells:
        known = cell.metadata.get("nbgrader", {})
        name = known.get("grade_id")
        if known.get("solution") or known.get("task"):
            known["comment"] = page.marks.comments.get(name)
        if not (known.get("grade") or known.get("task")):
            continue
        score, points = page.marks.scores.get(name, (0.0, known.get("points", 0.0)))
        if points or score:
            check = _check(cell, str(name), score, points, waiting=name in page.marks.waiting)
            check["sections"] = sections if check["state"] == "wrong" else ""
            known["check"] = check
            checks.append(check)
    title = re.match(r"#\s+(.+)", first)
    resources = {
        "unique_key": page.notebook,
        "output_files_dir": f"{page.notebook}_files",
        "metadata": {"name": page.notebook, "path": str(Path(page.source).parent)},
        "feedback": {
            "title": title[1].strip() if title else page.notebook,
            "total": _total(page.marks),
            "checks": checks,
            "style": _style(),
        },
    }
    html, _ = made.from_notebook_node(notebook, resources=resources)
    return str(html)


def _shorten(notebook: nbformat.NotebookNode) -> None:
    """Cut what a student can make so long that no page of it can be drawn in time."""
    left = MOST_SHOWN

    def cut(text: str, most: int = MOST_IN_A_CELL) -> str:
        nonlocal left
        most = min(most, left)
        left -= min(len(text), most)
        return text if len(text) <= most else f"{text[:most]}\n[... too long to be shown here]"

    for cell in notebook.cells:
        cell.source = cut(cell.source)
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = cut(output.text)
            if "traceback" in output:
                output.traceback = [cut("\n".join(output.traceback))]
            if "data" in output:
                output.data = {"text/plain": cut(str(output.data.get("text/plain", "")))}


def _check(cell: NotebookNode, name: str, score: float, points: float, *, waiting: bool) -> dict[str, str]:
    """Say what a part is called, and what it has brought; colours say nothing that words do not."""
    written = cell.metadata.nbgrader.get("solution") or cell.metadata.nbgrader.get("task")
    # A check of hidden tests begins with a line that says what it is about, and perhaps that it is locked.
    first = cell.source.partition("\n")[0].replace("# [locked] ", "# ", 1)
    line = re.match(r"#\s*(.+?)\s*(?:\([\d.]+ points?\))?\.?\s*$", first)
    called = line[1] if line and not written and first != SHOWN else name.replace("-", " ").replace("_", " ")
    if written and cell.cell_type == "markdown":
        called = f"answer in words: {called}"
    state = "open" if waiting else "right" if score >= points else "wrong"
    said = f"{_number(score)} of {_number(points)}"
    if waiting:
        said = f"waiting for a person, {_number(points)} points at most"
    return {"name": called[:1].upper() + called[1:], "state": state, "said": said, "anchor": name}


def _number(points: float) -> str:
    return f"{round(points, 2):g}"


def _total(marks: Marks) -> str:
    """Say what all of it brings, and what is still open."""
    most = sum(points for _, points in marks.scores.values())
    text = f"{_number(float(marks.score) - marks.penalty)} of {_number(most)} points"
    if marks.penalty:
        text += f", after {_number(marks.penalty)} points off for being late"
    open_points = sum(marks.scores[name][1] for name in marks.waiting if name in marks.scores)
    if open_points:
        text += f" so far; parts with up to {_number(open_points)} points wait for a person"
    return f"{text}."


def _sections(text: str) -> str:
    """Name the sections of the book that an exercise's introduction leads to, but for its list of symbols."""
    found = [
        f'<a href="{escape(address)}">{escape(title)}</a>'
        for title, address in re.findall(r"\[([^\]]+)\]\((https?://[^\s)]+)\)", text)
        if not re.search(r"/notation\.html$", address)
    ]
    # Where the book has no address, the notebooks name its chapters.
    found += [escape(match) for match in re.findall(r"“[^”]+” \(in the chapter “[^”]+”\)", text)]
    return ", ".join(found)


@functools.cache
def _style() -> str:
    """Give the style sheet, with the colours of code for light and for dark screens."""
    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark")
    )
    plain = ".highlight, .highlight pre { background: var(--back); }"
    own = STYLE.read_text(encoding="utf-8")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{plain}\n{own}"


# One cell of each kind, so that all templates are read before processes are forked that cannot read them.
_SAMPLE = Page(
    "student",
    "assignment",
    "notebook",
    "notebook.ipynb",
    Marks({"sample": (0.0, 1.0)}, {"sample": "comment"}),
    nbformat.writes(
        nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_markdown_cell("*text* $x$"),
                nbformat.v4.new_raw_cell("raw"),
                nbformat.v4.new_code_cell(
                    "x = 1",
                    execution_count=1,
                    metadata={
                        "nbgrader": {"grade_id": "sample", "grade": True, "solution": True, "points": 1}
                    },
                    outputs=[
                        nbformat.v4.new_output("stream", text="said"),
                        nbformat.v4.new_output("error", ename="E", evalue="e", traceback=["E: e"]),
                        nbformat.v4.new_output(
                            "execute_result",
                            {"text/plain": "1", "image/png": "iVBORw0KGgo="},
                            execution_count=1,
                        ),
                    ],
                ),
            ]
        )
    ).encode(),
)


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

    def folders(self, trouble: dict[str, str]) -> Iterator[Folder]:
        """Go through the students, and read what their pages are made of."""
        for student in self.students:
            try:
                yield self._read(student)
            except Exception as error:
                trouble[student] = f"{type(error).__name__}: {clean(error)}"

    def _read(self, student: str) -> Folder:
        source = self.course.folder("autograded", student, self.assignment)
        made = Folder(student)
        digest = hashlib.sha256(json.dumps(self._common).encode())
        for path in sorted(source.glob("*.ipynb")):
            if marks := self.marks[student].get(path.stem):
                page = Page(student, self.assignment, path.stem, str(path), marks, path.read_bytes())
                known = [student, self.assignment, page.notebook, page.source, asdict(marks)]
                digest.update(json.dumps(known, sort_keys=True).encode() + page.data)
                made.pages.append(page)
        made.digest = digest.hexdigest()
        target, stamp = self._folder(student), self._stamp(student)
        there = all((target / f"{page.notebook}.html").is_file() for page in made.pages)
        if there and stamp.exists() and stamp.read_text() == made.digest:
            made.pages = []
        if made.pages:
            made.files = {
                path.relative_to(source).as_posix(): path.read_bytes()
                for path in sorted(source.rglob("*"))
                if path.is_file()
                and not path.is_symlink()
                and not any(Path(part).suffix.lower() in ACTIVE for part in path.relative_to(source).parts)
            }
        return made

    def _folder(self, student: str) -> Path:
        return self.course.folder("feedback", student, self.assignment)

    def _stamp(self, student: str) -> Path:
        return receipts.folder(self.course, self.assignment) / f"{student}.feedback"

    def run(self, workers: int | None, progress: Callable[[], None]) -> Written:
        """Write the pages that are out of date, each student's in a process of its own.

        Raises
        ------
        CourseError
            If nothing can be written at all.
        """
        written = Written()
        parts = receipts.folder(self.course, self.assignment) / ".feedback"

        def outdated() -> Iterator[Folder]:
            for folder in self.folders(written.trouble):
                if not folder.pages:
                    progress()
                    continue
                exporter(self.course)  # before the processes are forked, so that each has it at once
                self._stamp(folder.student).unlink(missing_ok=True)
                yield folder

        def write_part(folder: Folder) -> bytes:
            place = parts / folder.student
            made = exporter(self.course)
            pages = {f"{page.notebook}.html": render(page, made).encode() for page in folder.pages}
            for name, content in {**folder.files, **pages}.items():
                stage(place / name, content, self.permissions).replace(place / name)
            return b""

        try:
            shutil.rmtree(parts, ignore_errors=True)
            parts.mkdir(parents=True)
            bounds = apart.Bounds(seconds=SECONDS, write=(str(parts),))
            again: list[Folder] = []  # filled while the others are drawn
            tries = (
                apart.each(write_part, todo, bounds, processes=workers or cores(), together=AT_ONCE)
                for todo in (outdated(), again)
            )
            for folder, result in itertools.chain.from_iterable(tries):
                if isinstance(result, apart.Trouble) and result.number in files.HOPELESS:
                    raise OSError(result.number, result.why)
                if isinstance(result, apart.Trouble) and folder.student not in written.shortened:
                    written.shortened[folder.student] = result.why
                    folder.pages = [replace(page, short=True) for page in folder.pages]
                    again.append(folder)
                    continue
                if isinstance(result, apart.Trouble):
                    del written.shortened[folder.student]
                    # A page of an earlier grading would say what is not so any more.
                    shutil.rmtree(self._folder(folder.student), ignore_errors=True)
                    written.trouble[folder.student] = f"the page could not be drawn: {result.why}"
                else:
                    try:
                        self._finish(folder, parts / folder.student)
                        written.students += 1
                    except Exception as error:
                        if isinstance(error, OSError) and error.errno in files.HOPELESS:
                            raise
                        why = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
                        why = f"the page could not be put into its place: {why}{clean(error)}"
                        written.trouble[folder.student] = why
                progress()
        except OSError as error:
            raise CourseError(f"cannot write the feedback: {error}") from None
        finally:
            shutil.rmtree(parts, ignore_errors=True)
        return written

    def _finish(self, folder: Folder, part: Path) -> None:
        """Put what was written into its place, and remember what it shows."""
        files.swap(part, self._folder(folder.student))
        if self.course.directory.groupshared:
            GenerateFeedback(coursedir=self.course.directory, config=self.course.config).set_permissions(
                self.assignment, folder.student
            )
        write(self._stamp(folder.student), folder.digest)


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
