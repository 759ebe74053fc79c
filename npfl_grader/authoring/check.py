"""Try the assignments of a course before students do: how do the solution and the untouched stub do?"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.table import Table

from npfl_grader.authoring import exercises
from npfl_grader.course import submissions
from npfl_grader.course.definition import Definition, from_source
from npfl_grader.course.settings import Course
from npfl_grader.engine.job import Level
from npfl_grader.errors import CourseError
from npfl_grader.grading import grade, solution
from npfl_grader.grading.tried import Tried


@dataclass(frozen=True)
class Checked:
    """What was found out about one notebook.

    Attributes
    ----------
    assignment, notebook : str
        Which.
    tried : Tried
        How the solution did.
    stub : dict
        The tests, by grade id, that give points without any work, and how many.
    problem : str
        Why it could not be tried, if it could not.
    """

    assignment: str
    notebook: str
    tried: Tried = field(default_factory=lambda: Tried(0))
    stub: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def fine(self) -> bool:
        """Whether the solution wins every test, and the stub none."""
        return not (self.problem or self.tried.lost or self.stub)

    def lines(self) -> list[str]:
        """Say what is not as it should be, one line each."""
        given = [f"{test}: the untouched stub gets {points:g} points" for test, points in self.stub.items()]
        return [*([self.problem] if self.problem else []), *self.tried.warnings(), *given]


def assignments(course: Course) -> list[str]:
    """List the folders of the source directory that hold notebooks."""
    marker = "\0"
    pattern = course.source(marker)
    base = Path(str(pattern).partition(marker)[0])
    names = sorted(path.name for path in base.glob("*") if path.is_dir() and any(path.glob("*.ipynb")))
    if not names:
        raise CourseError(f"{base}: there is no assignment: put its notebooks into {base / 'NAME'}")
    return names


def check(course: Course, assignment: str, progress: Callable[[], None]) -> list[Checked]:
    """Try all notebooks of an assignment.

    Parameters
    ----------
    course : Course
        The course; it needs no gradebook yet.
    assignment : str
        The name of a folder of the source directory.
    progress : callable
        Called after each notebook.

    Raises
    ------
    CourseError
        If there is no such folder, or no notebook in it.
    """
    paths = sorted(course.source(assignment).glob("*.ipynb"))
    if not paths:
        raise CourseError(f"{course.source(assignment)}: there is no notebook: check the assignment's name")
    stubs: dict[str, NotebookNode] = {}
    definitions: dict[str, Definition] = {}
    found = []
    for path in paths:
        try:
            source = nbformat.read(path, as_version=4)
            stubs[path.stem] = exercises.release(source)
            definitions[path.stem] = from_source(source, path.stem)
        except Exception as error:  # whatever the file made nbgrader stumble over
            problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            found.append(Checked(assignment, path.stem, problem=f"nbgrader does not release it: {problem}"))
            progress()
    files = submissions.instructor_files(course, assignment)
    solutions = solution.load(course, assignment, definitions, files)
    for task in solutions.tasks():
        solutions.keep(grade.grade(task))
    for name, instructors in definitions.items():
        if name in solutions.tried:
            stub = _stub(solutions, instructors, stubs[name])
            found.append(Checked(assignment, name, solutions.tried[name], stub))
        elif name in solutions.unknown:
            found.append(Checked(assignment, name, problem="its source holds no solution to try"))
        progress()
    return sorted(found, key=lambda checked: checked.notebook)


def _stub(solutions: solution.Solutions, instructors: Definition, stub: NotebookNode) -> dict[str, float]:
    data, limits = nbformat.writes(stub).encode(), solutions.course.limits()
    task = grade.Task("", instructors.name, instructors, data, None, solutions.files, limits=limits)
    graded = grade.grade(solutions.inform(replace(task, require=Level.NONE)))
    return {test: points for test, points in graded.scores.items() if points}


def table(checked: list[Checked]) -> Table:
    """Draw what was found: a row a notebook."""
    drawn = Table(title="How your own solutions do", title_justify="left")
    for name in ("assignment", "notebook", "tests", "apart", "only together", "lost", "stub wins"):
        drawn.add_column(name, justify="left" if name in ("assignment", "notebook") else "right")
    for entry in checked:
        tried = entry.tried
        apart = tried.tests - len(tried.together) - len(tried.lost)
        counts = (tried.tests, apart, len(tried.together), len(tried.lost), len(entry.stub))
        drawn.add_row(entry.assignment, entry.notebook, *map(str, counts))
    return drawn
