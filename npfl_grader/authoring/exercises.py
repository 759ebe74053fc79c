"""From the text of an exercise to the notebooks made of it.

An exercise is one MyST notebook that holds everything: the task, the solution, the tests that students see
and those that they do not see, marked as nbgrader marks them. The cells carry nbgrader's own metadata, so the
file can also be edited in Jupyter with nbgrader's "Create Assignment". Out of it come

- the *source* notebook, for nbgrader;
- the *release* notebook, for students: without solution and hidden tests;
- the *page* of the book, made from the release, so that it cannot show more.
"""

import base64
import hashlib
import re
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator, SchemaTooNewError, SchemaTooOldError, ValidationError
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from nbgrader.utils import determine_grade, is_grade, is_solution

MARKER = re.compile(r"^\s*#+\s*(BEGIN|END)\b\s*(.*?)\s*$")
HIDDEN = {"SOLUTION", "HIDDEN TESTS"}
# A link of a page that leads into the book: [text](../05-chapter.md#section).
BOOK_LINK = re.compile(r"\[([^\]]+)\]\(\.\./(?P<page>[\w-]+)\.md(?P<anchor>#[\w-]+)?\)")


class ExerciseError(Exception):
    """An exercise cannot be used as it stands; the message is one line that names the file and the cell."""


def read(path: Path) -> NotebookNode:
    """Read an exercise and check all that can be seen without running it.

    Returns
    -------
    NotebookNode
        nbgrader's source notebook, with cell ids that stay the same from build to build.

    Raises
    ------
    ExerciseError
        If a solution or a hidden test is not closed, nbgrader's metadata are missing or contradictory, or a
        file that a cell carries cannot be read.
    """
    try:
        notebook = jupytext.read(path)
    except Exception as error:  # jupytext has no error class of its own
        raise ExerciseError(f"{path}: cannot be read as a MyST notebook: {_line(error)}") from error
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, start=1):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        where = f"{path}: cell {number}" + (f" ({grade_id})" if grade_id else "")
        if packed := cell.metadata.pop("packs", None):
            _pack(cell, path.parent / packed, where)
        carried = cell.metadata.pop("carries", [])
        for file in reversed([carried] if isinstance(carried, str) else carried):
            _carry(cell, path.parent / file, where)
        _check_markers(cell, where)
        _check_metadata(cell, where)
        if grade_id and grade_id in seen:
            raise ExerciseError(f"{where}: the grade id '{grade_id}' is used twice: give each cell its own")
        seen.add(grade_id)
        # jupytext draws new ids at every conversion, which would make every build look like a new release.
        content = hashlib.sha256(f"{number} {cell.source}".encode()).hexdigest()
        cell.id = grade_id if re.fullmatch(r"[\w-]{1,64}", grade_id) else content[:12]
    if not any(map(is_solution, notebook.cells)):
        raise ExerciseError(f"{path}: no cell is marked as solution in nbgrader's metadata")
    if total_points(notebook) <= 0:
        raise ExerciseError(f"{path}: no cell has points: mark at least one test cell with 'grade: true'")
    notebook.metadata.pop("jupytext", None)
    return notebook


def _carry(cell: NotebookNode, file: Path, where: str) -> None:
    """Let a cell begin with a file beside the exercise: a notebook is handed out alone."""
    cell.source = f"{_beside(file, where).rstrip()}\n\n\n{cell.source}".rstrip()


def _pack(cell: NotebookNode, file: Path, where: str) -> None:
    """Let a cell begin with ``PACKED``, a file beside the exercise that nobody reads by accident."""
    lines = base64.encodebytes(_beside(file, where).encode()).decode()
    cell.source = f'PACKED = """\n{lines}"""\n\n{cell.source}'


def _beside(file: Path, where: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ExerciseError(f"{where}: cannot carry {file}: {_line(error)}") from None


def _check_markers(cell: NotebookNode, where: str) -> None:
    """Refuse what nbgrader would accept and publish: a marker that is misspelt or stands alone."""
    inside = None
    for line in cell.source.splitlines():
        if not (match := MARKER.match(line)):
            continue
        edge, kind = match.groups()
        if kind not in HIDDEN:
            raise ExerciseError(
                f"{where}: '{line.strip()}' is no marker of nbgrader: write SOLUTION or HIDDEN TESTS"
            )
        if edge == "BEGIN" and inside:
            raise ExerciseError(f"{where}: BEGIN {kind} inside {inside}: write END {inside} first")
        if edge == "END" and inside != kind:
            raise ExerciseError(f"{where}: END {kind} without BEGIN {kind}")
        inside = kind if edge == "BEGIN" else None
        if kind == "SOLUTION" and not is_solution(cell):
            raise ExerciseError(
                f"{where}: a solution in a cell whose nbgrader metadata do not say 'solution: true'"
            )
        if kind == "HIDDEN TESTS" and not is_grade(cell):
            raise ExerciseError(
                f"{where}: hidden tests in a cell whose nbgrader metadata do not say 'grade: true'"
            )
    if inside:
        raise ExerciseError(f"{where}: BEGIN {inside} without END {inside}")


def _check_metadata(cell: NotebookNode, where: str) -> None:
    """Let nbgrader judge its metadata."""
    if "nbgrader" not in cell.metadata:
        return
    if cell.metadata.nbgrader.get("grade") and "points" not in cell.metadata.nbgrader:
        raise ExerciseError(f"{where}: points are missing: a cell with 'grade: true' needs 'points: …'")
    try:
        MetadataValidator().validate_nb(NotebookNode(cells=[cell], metadata={}))
    except (ValidationError, SchemaTooOldError, SchemaTooNewError, KeyError) as error:
        raise ExerciseError(f"{where}: nbgrader refuses the cell's metadata: {_line(error)}") from error


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def total_points(notebook: NotebookNode) -> float:
    """Add up the points of all graded cells."""
    return sum(float(cell.metadata.nbgrader.points) for cell in notebook.cells if is_grade(cell))


def release(source: NotebookNode) -> NotebookNode:
    """Make what students get: the steps of ``nbgrader generate_assignment`` without its database."""
    return _preprocess(
        source, LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ClearHiddenTests, ComputeChecksums
    )


def _preprocess(notebook: NotebookNode, *steps: type) -> NotebookNode:
    notebook, resources = deepcopy(notebook), dict[str, object]()
    for step in steps:
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def score(notebook: NotebookNode) -> dict[str, tuple[float, float]]:
    """Run a notebook in a kernel of its own and grade it as nbgrader does.

    Returns
    -------
    dict
        For each test cell, by grade id, the points given and the points possible.
    """
    ran = deepcopy(notebook)
    with TemporaryDirectory() as folder:
        NotebookClient(
            ran,
            allow_errors=True,
            timeout=60,
            shutdown_kernel="immediate",  # asked to end, a kernel without history often waits 4 s for itself
            resources={"metadata": {"path": folder}},
        ).execute()
    return {
        cell.metadata.nbgrader.grade_id: determine_grade(cell)
        for cell in ran.cells
        if is_grade(cell) and not is_solution(cell)
    }


def check(path: Path) -> str:
    """Run the solution and the untouched stub against all tests.

    Returns
    -------
    str
        What was found, in one line.

    Raises
    ------
    ExerciseError
        If the solution misses a point or the stub wins one.
    """
    source = read(path)
    solved = score(source)
    for grade_id, (given, most) in solved.items():
        if given < most:
            raise ExerciseError(f"{path}: cell {grade_id}: the solution gets {given:g} of {most:g} points")
    for grade_id, (given, _) in score(_preprocess(source, ClearSolutions)).items():
        if given > 0:
            raise ExerciseError(
                f"{path}: cell {grade_id}: the stub, without any solution, gets {given:g} points"
            )
    check_isolated(path, source)
    points = [most for _, most in solved.values() if most]
    by_hand = total_points(source) - sum(points)
    more = f"; {by_hand:g} more are given by hand" if by_hand else ""
    return f"{path.stem}: the solution gets {sum(points):g} points in {len(points)} checks, the stub 0{more}"


def check_isolated(path: Path, source: NotebookNode) -> None:
    """Run the solution and the stub as submissions are run, the tests in a process of their own.

    Raises
    ------
    ExerciseError
        If a test does there what cannot be done across two processes; the message names the mend.
    """
    from npfl_grader.course import definition
    from npfl_grader.engine.job import Level
    from npfl_grader.grading import grade

    found = definition.from_source(source, path.stem)
    tests = [cell for cell in found.cells if cell.grade and cell.points and not cell.by_hand]
    # What the solution is the first to say, the stub is measured by, as students are.
    ends: dict[str, str] | None = None
    asked: dict[str, list[str]] = {}
    for what, notebook in (("solution", source), ("stub", release(source))):
        data = nbformat.writes(notebook).encode()
        # It is the author's own code: it may run where this machine cannot confine it.
        task = grade.Task("", path.stem, found, data, require=Level.NONE, ends=ends, asked=asked)
        graded = grade.grade(task)
        ends, asked = graded.ends, graded.asked
        for cell in tests:
            wanted = cell.points if what == "solution" else 0.0
            if graded.scores[cell.name] != wanted:
                why = graded.unsure.get(cell.name) or graded.failed.get(cell.name) or "no test failed"
                raise ExerciseError(
                    f"{path}: cell {cell.name}: apart from the student's code, the {what} gets "
                    f"{graded.scores[cell.name]} of {cell.points:g} points: {_line(ValueError(why))}; "
                    "docs/grading.md says what tests can do, or grade this assignment with --engine kernel"
                )


def notebook_links(release: NotebookNode, address: str, chapters: Path) -> NotebookNode:
    """Link a release into the book, as `linked` does with any notebook."""
    # The checksums of locked text cells cover their text.
    return _preprocess(linked(release, address, chapters), ComputeChecksums)


def linked(notebook: NotebookNode, address: str, chapters: Path) -> NotebookNode:
    """Let the links into the book lead to its published address, or name their chapters where there is none.

    Parameters
    ----------
    notebook : NotebookNode
        As made by `read` or `release`.
    address : str
        Where the book is published, or nothing.
    chapters : Path
        The folder of the chapters, whose titles are read.
    """

    def link(match: re.Match[str]) -> str:
        if address:
            return f"[{match[1]}]({address.rstrip('/')}/chapters/{match['page']}.html{match['anchor'] or ''})"
        chapter = _title(chapters / f"{match['page']}.md")
        if not chapter or chapter == match[1]:
            return f"“{match[1]}”"
        return f"“{match[1]}” (in the chapter “{chapter}”)"

    changed = deepcopy(notebook)
    for cell in changed.cells:
        if cell.cell_type == "markdown":
            cell.source = BOOK_LINK.sub(link, cell.source)
    return changed


def _title(file: Path) -> str:
    """Read the title of a chapter; nothing where there is none."""
    try:
        found = re.search(r"^# +(.+?)\s*$", file.read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeError):
        return ""
    return found[1] if found else ""


def page(release: NotebookNode, name: str) -> str:
    """Write the exercise's page of the book, in MyST, from the release notebook.

    Parameters
    ----------
    release : NotebookNode
        As made by `release`.
    name : str
        The notebook's name without its ending; the notebook lies in the folder ``notebooks`` beside the page.
    """
    points = total_points(release)
    parts = [
        f"````{{admonition}} {points:g} points\n:class: note\n"
        f"{{download}}`Download the notebook <notebooks/{name}.ipynb>`, solve it in Jupyter, and hand it in "
        f"under its name `{name}.ipynb`.\n\n"
        f"{{solve-in-browser}}`{name}`\n````"
    ]
    for cell in release.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            continue  # folded in the notebook, too
        text = BOOK_LINK.sub(r"[\1](../chapters/\g<page>.md\g<anchor>)", cell.source)
        parts.append(text if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
    title = parts.pop(1)
    heading, _, introduction = title.partition("\n")
    return "\n\n".join([heading, parts[0], introduction.strip(), *parts[1:]]) + "\n"
