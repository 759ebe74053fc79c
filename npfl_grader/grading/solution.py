"""Try the instructor's own solution first: which tests does it pass apart, and which only together?

What is found decides how the two opinions of a student's test are settled (`npfl_grader.grading.opinions`).
It is kept beside the assignment's logs and worked out again when the notebook or the grader has changed.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from npfl_grader.course.definition import Definition
from npfl_grader.course.settings import Course
from npfl_grader.engine.job import Level
from npfl_grader.engine.tests_side import names
from npfl_grader.files import write
from npfl_grader.grading import intake, receipts
from npfl_grader.grading.grade import Graded, Task
from npfl_grader.grading.outputs import Policy
from npfl_grader.grading.tried import Tried, Written


def read(definition: Definition, graded: Graded) -> Tried:
    """Read from a graded solution which tests it passes, and how."""
    tests = [cell for cell in definition.cells if cell.grade and cell.points and not cell.by_hand]
    lost = {}
    for cell in tests:
        given = graded.scores.get(cell.name)
        if cell.name not in graded.disagreements and given != cell.points:
            why = graded.unsure.get(cell.name) or graded.failed.get(cell.name) or graded.unreadable or ""
            lost[cell.name] = f"{given or 0:g} of {cell.points:g} points{': ' if why else ''}{why}"
    return Tried(len(tests), graded.disagreements, lost, graded.ends, graded.asked)


@dataclass
class Solutions:
    """What is known of the solutions of an assignment's notebooks; `load` makes it.

    Attributes
    ----------
    data : dict
        For each notebook, by name, the bytes of its source, if it holds a solution.
    tried : dict
        How each solution did, as far as it has been tried.
    """

    course: Course
    assignment: str
    definitions: dict[str, Definition]
    files: dict[str, bytes]
    data: dict[str, bytes]
    tried: dict[str, Tried] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._digests = {
            name: receipts.digest(
                asdict(self.definitions[name]),
                hashlib.sha256(data).hexdigest(),
                {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()},
                self.course.limits(),
                receipts.environment(),
            )
            for name, data in self.data.items()
        }
        self._written = {
            name: written(self.definitions[name], intake.read(data)) for name, data in self.data.items()
        }

    @property
    def unknown(self) -> list[str]:
        """Name the notebooks with tests but without a solution, of which nothing can be known."""
        return [
            name
            for name, definition in self.definitions.items()
            if name not in self.data
            and any(cell.grade and cell.points and not cell.by_hand for cell in definition.cells)
        ]

    def tasks(self) -> Iterator[Task]:
        """Make the tasks for what is not known yet; an instructor's own code may run without protection."""
        for name, data in self.data.items():
            if name not in self.tried:
                definition, limits = self.definitions[name], self.course.limits()
                task = Task("", name, definition, data, None, self.files, limits=limits, require=Level.NONE)
                yield replace(task, policy=Policy("all"), written=self._written[name], ends=None)

    def keep(self, graded: Graded) -> None:
        """Remember how a solution did."""
        self.tried[graded.notebook] = read(self.definitions[graded.notebook], graded)
        kept = {
            name: {"digest": self._digests[name], "tried": asdict(tried)}
            for name, tried in self.tried.items()
        }
        path = receipts.solutions_path(self.course, self.assignment)
        write(path, json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True))

    def inform(self, task: Task) -> Task:
        """Give a student's task what is known of the solution."""
        tried = self.tried.get(task.notebook, Tried(0))
        counts = self.course.settings.together
        return replace(
            task,
            only_together=frozenset(tried.together) if counts else frozenset(),
            lost=tried.lost,
            written=self._written.get(task.notebook, Written()),
            ends=tried.ends,
            asked=tried.asked,
        )

    def digest(self, name: str) -> str:
        """Say by a hash what `inform` tells of a notebook."""
        tried = self.tried.get(name, Tried(0))
        together = sorted(tried.together) if self.course.settings.together else []
        written = asdict(self._written.get(name, Written()))
        return receipts.digest(together, tried.lost, written, tried.ends, tried.asked)


def load(
    course: Course, assignment: str, definitions: dict[str, Definition], files: dict[str, bytes]
) -> Solutions:
    """Read the solutions from the source folder, and what has been found out about them before.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    definitions : dict of Definition
        Its notebooks, by name.
    files : dict of bytes
        The instructor's data files, by relative path.
    """
    data = {}
    for name, definition in definitions.items():
        try:
            content = (course.source(assignment) / f"{name}.ipynb").read_bytes()
            cells = {cell.name: cell.source for cell in intake.read(content)}
        except (OSError, intake.IntakeError):
            continue
        stubs = [cell for cell in definition.cells if cell.solution and cell.cell_type == "code"]
        if any(cells.get(stub.name, stub.source).strip() != stub.source.strip() for stub in stubs):
            data[name] = content
    solutions = Solutions(course, assignment, definitions, files, data)
    try:
        kept = json.loads(receipts.solutions_path(course, assignment).read_bytes())
        for name, digest in solutions._digests.items():
            if kept.get(name, {}).get("digest") == digest:
                solutions.tried[name] = Tried(**kept[name]["tried"])
    except (OSError, ValueError, AttributeError, LookupError, TypeError):
        solutions.tried.clear()
    return solutions


def written(definition: Definition, cells: list[intake.Submitted]) -> Written:
    """Read from the instructor's notebook what its solution does with names."""
    known = {cell.name: cell for cell in definition.cells}
    open_to_all = [
        cell
        for cell in cells
        if cell.cell_type == "code" and (cell.name not in known or known[cell.name].solution)
    ]
    modules: dict[str, str] = {}
    for cell in open_to_all:
        modules |= names.modules(cell.source)
    return Written(
        {cell.name: sorted(names.stored(cell.source)) for cell in open_to_all if cell.name in known},
        sorted({name for cell in open_to_all for name in names.followed(cell.source)}),
        modules,
    )
