"""What the instructor's side of a notebook is: its cells, in order, as nbgrader keeps them.

A submission is rebuilt from this and nothing else; workers get it with each job, so that they need neither
the gradebook nor the course's folders.
"""

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npfl_grader.engine.job import Role

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from nbgrader.api import Gradebook


@dataclass(frozen=True)
class Cell:
    """A cell of the instructor's.

    Attributes
    ----------
    name : str
        nbgrader's grade id.
    cell_type : str
        "code" or "markdown".
    source : str
        Of a locked cell the whole text with hidden tests, of a solution the stub that students get.
    points : float or None
        What it is worth, or None for a cell without points.
    """

    name: str
    cell_type: str
    source: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float | None
    checksum: str | None

    @property
    def by_hand(self) -> bool:
        """Whether a person gives its points: an answer in words, a task, code that no test judges."""
        return self.task or (self.grade and (self.solution or self.cell_type != "code"))

    def metadata(self) -> dict[str, object]:
        """Write nbgrader's metadata of the cell, as a release notebook has them."""
        nbgrader: dict[str, object] = {
            "schema_version": 3,
            "cell_type": self.cell_type,
            "grade": self.grade,
            "grade_id": self.name,
            "locked": self.locked,
            "solution": self.solution,
            "task": self.task,
        }
        if self.points is not None:
            nbgrader["points"] = int(self.points) if self.points.is_integer() else self.points
        if self.checksum:
            nbgrader["checksum"] = self.checksum
        return {"deletable": False, **({} if self.solution else {"editable": False}), "nbgrader": nbgrader}


@dataclass(frozen=True)
class Definition:
    """The instructor's cells of one notebook, in order.

    Attributes
    ----------
    texts : frozenset of str
        Prints of the texts between them, which nbgrader does not keep; none where the source is not there.
    """

    name: str
    kernelspec: dict[str, object]
    cells: tuple[Cell, ...]
    texts: frozenset[str] = frozenset()

    def is_own_text(self, source: str) -> bool:
        """Say whether a text is surely the student's own, not one that was handed out."""
        return bool(self.texts and fingerprint(source)) and fingerprint(source) not in self.texts

    def role(self, cell: Cell) -> Role:
        """Say where a cell runs; a locked one runs on both sides.

        A graded cell of no points before the first solution is set-up, such as imports that students shall
        not change; later ones are tests.
        """
        if cell.cell_type != "code":
            return Role.TEXT
        if cell.solution:
            return Role.STUDENT
        first = next((i for i, other in enumerate(self.cells) if other.solution), len(self.cells))
        if cell.grade and (cell.points or self.cells.index(cell) > first):
            return Role.TEST
        return Role.LOCKED


def from_gradebook(gradebook: "Gradebook", assignment: str, sources: Path) -> dict[str, Definition]:
    """Read all notebooks of an assignment.

    Parameters
    ----------
    gradebook : Gradebook
        Where ``nbgrader generate_assignment`` has left the cells.
    assignment : str
        The assignment's name.
    sources : Path
        The assignment's source folder. Only the order of the cells is read from it, which a database need not
        keep; without it, the database's order is taken.

    Returns
    -------
    dict
        For each notebook, by name, its definition.

    Raises
    ------
    nbgrader.api.MissingEntry
        If there is no such assignment.
    """
    definitions = {}
    for notebook in gradebook.find_assignment(assignment).notebooks:
        points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
        grades, solutions, tasks = (
            {cell.name for cell in cells}
            for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
        )
        order, texts = _names_and_texts(sources / f"{notebook.name}.ipynb")
        cells = [
            Cell(
                name=cell.name,
                cell_type=cell.cell_type,
                source=cell.source or "",
                locked=cell.locked,
                grade=cell.name in grades,
                solution=cell.name in solutions,
                task=cell.name in tasks,
                points=points.get(cell.name),
                checksum=cell.checksum,
            )
            for cell in notebook.source_cells
        ]
        cells.sort(key=lambda cell: order.get(cell.name, len(order)))
        definitions[notebook.name] = Definition(
            notebook.name, json.loads(notebook.kernelspec or "{}"), tuple(cells), texts
        )
    return definitions


def fingerprint(text: str) -> str:
    """Take what a text begins with, whatever becomes of its links on the way to students."""
    return "".join(re.findall(r"\w", re.sub(r"\]\([^)]*\)", "", text).lower()))[:60]


def _names_and_texts(path: Path) -> tuple[dict[str, int], frozenset[str]]:
    """Number the grade ids of a source notebook, and print its other texts; none if it cannot be read."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        names = [cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]]
        texts = [
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] != "code" and "nbgrader" not in cell["metadata"]
        ]
        return {name: number for number, name in enumerate(names)}, frozenset(map(fingerprint, texts))
    except (OSError, ValueError, LookupError, TypeError):
        return {}, frozenset()


def from_source(source: "NotebookNode", name: str) -> Definition:
    """Make the definition of a source notebook that is in no gradebook, as nbgrader would record it."""
    from nbgrader.preprocessors import ClearSolutions, ComputeChecksums
    from nbgrader.utils import is_grade, is_locked, is_solution, is_task

    notebook, resources = deepcopy(source), dict[str, object]()
    for step in (ClearSolutions, ComputeChecksums):
        notebook, resources = step().preprocess(notebook, resources)
    cells, texts = [], []
    for cell in notebook.cells:
        if not (is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell)):
            if cell.cell_type != "code":
                texts.append(fingerprint(cell.source))
            continue
        settings = cell.metadata.nbgrader
        worth = float(settings.points) if is_grade(cell) or is_task(cell) else None
        cells.append(
            Cell(
                name=settings.grade_id,
                cell_type=cell.cell_type,
                source=cell.source,
                locked=is_locked(cell),
                grade=is_grade(cell),
                solution=is_solution(cell),
                task=is_task(cell),
                points=worth,
                checksum=settings.get("checksum"),
            )
        )
    kernelspec = dict(notebook.metadata.get("kernelspec", {}))
    return Definition(name, kernelspec, tuple(cells), frozenset(texts))
