"""A standard nbgrader course directory with the book's exercises as assignments."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from npfl_grader.authoring import exercises
from npfl_grader.course import definition, gradebook, gradebook_rows, settings, submissions
from npfl_grader.course.definition import Definition
from npfl_grader.course.gradebook import Person
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write, write_notebook
from npfl_grader.lms import roster

CONFIG = """\
# The course's settings for nbgrader; yours to change, this file is never written again.
c = get_config()

c.CourseDirectory.course_id = "npfl"
# A loop without end is stopped after so many seconds for each cell.
c.ExecutePreprocessor.timeout = 30
# What is shown of hidden tests: "message", which check failed and what it says; "name", only which; "all".
c.NpflGrader.hidden_tests = "message"

# When each assignment is due, in this time zone, and how many points it counts; both may be left out. After a
# change run "npfl-grader course" again.
c.NpflGrader.timezone = "UTC"
c.NpflGrader.assignments = {
    # "EXAMPLE": {"due": "2026-03-10 23:59", "points": 10},
}
# What being late costs: percent of the points for each day begun, and after how many days all.
c.AssignLatePenalties.plugin_class = "npfl_grader.late.LatePenalty"
c.LatePenalty.grace_minutes = 0
c.LatePenalty.percent_per_day = 0
c.LatePenalty.accept_days = 0

# nbgrader's own autograde, and the button in the formgrader, run submissions isolated too.
c.Autograde.sanitize_preprocessors = ["npfl_grader.dropin.Rebuild"]
c.Autograde.autograde_preprocessors = ["npfl_grader.dropin.Isolated"]
# Scripts in a submission do not reach the browser of who reads it, in the formgrader or as feedback.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"markdown2html": "npfl_grader.safe_html.markdown2html"}
"""


@dataclass
class Created:
    """What was done to a course, one line each.

    Attributes
    ----------
    lines : list of str
        For each assignment, what was done, and then what was done about due dates and students.
    doubts : list of str
        What of the list of students was not taken, and why.
    """

    lines: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def create(
    folder: Path,
    paths: list[Path],
    students: Path | None = None,
    id_column: str = "",
    encoding: str = "",
    address: str = "",
) -> Created:
    """Create the course, or bring its assignments, due dates and students up to date.

    Each exercise becomes an assignment of its own name. What the instructor has changed elsewhere in the
    folder, submissions and grades among it, is left alone, and so is a source that was changed there.

    Parameters
    ----------
    folder : Path
        The course directory.
    paths : list of Path
        The exercises.
    students : Path, optional
        A roster, as `roster.read` reads it.
    id_column : str
        Which of its columns names the students.
    encoding : str
        Of the roster; by default it is found out.
    address : str
        Where the book is published, so that notebooks link to it; without it they name its chapters.

    Returns
    -------
    Created
        What was done, and what needs a look.

    Raises
    ------
    ExerciseError
        If an exercise cannot be used; nothing has been written then.
    CourseError
        If the roster or a setting cannot be used, or a change does not fit grades that were given.
    RuntimeError
        If nbgrader could not make the release of an assignment.
    """
    sources = {
        path.stem: exercises.linked(exercises.read(path), address, path.parent.parent) for path in paths
    }
    listed = roster.read(students, id_column, encoding=encoding) if students else None
    config = folder / "nbgrader_config.py"
    if not config.exists():
        write(config, CONFIG.replace("EXAMPLE", next(iter(sources))))
    course = settings.load(folder)
    dues = settings.due_dates(course)
    gradebook.find_programs()
    done = [_update(course, name, source) for name, source in sources.items()]
    known = {*sources, *(path.name for path in course.source(".").iterdir() if path.is_dir())}
    if strange := sorted({*course.settings.assignments} - known):
        raise CourseError(
            f"{config}: c.NpflGrader.assignments names {', '.join(strange)}, which is no assignment: "
            "mend the name"
        )
    done += _set_due_dates(course, dues)
    if not listed:
        return Created(done)
    return Created([*done, *listed.notes, _enrol(course, listed.students)], listed.dropped)


def _record(course: Course) -> Path:
    return course.root / "grading" / "sources.json"


def _update(course: Course, name: str, source: NotebookNode) -> str:
    """Bring one assignment up to date; say what was done, and what it means for collected work."""
    path = course.source(name) / f"{name}.ipynb"
    text = nbformat.writes(source) + "\n"
    try:
        written: dict[str, str] = json.loads(_record(course).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        written = {}
    old = path.read_text(encoding="utf-8") if path.exists() else None
    release = course.folder("release", ".", name) / f"{name}.ipynb"
    if old == text and release.exists():
        return f"{name}: unchanged"
    if old is not None and old != text and written.get(name) != hashlib.sha256(old.encode()).hexdigest():
        return f"{name}: kept, {path} was changed here; delete it to take the book's"
    meaning = ""
    if old is not None and old != text:
        before = definition.from_source(nbformat.reads(old, as_version=4), name)
        meaning = consequences(course, name, before, definition.from_source(source, name))
    write_notebook(path, source)
    try:
        _generate(course, name)
    except RuntimeError:
        # The next run shall see that this one has not been done.
        if old is None:
            path.unlink()
        else:
            write(path, old)
        raise
    written[name] = hashlib.sha256(text.encode()).hexdigest()
    write(_record(course), json.dumps(written, indent=1, sort_keys=True) + "\n")
    return f"{name}: {'created' if old is None else 'updated'}{meaning}"


def consequences(course: Course, name: str, old: Definition, new: Definition) -> str:
    """Say what a changed exercise means for what was handed in, in a few words; nothing if nothing was.

    Raises
    ------
    CourseError
        If cells came or went after submissions were graded; nbgrader cannot keep the grades then.
    """
    before, after = ({cell.name: cell for cell in found.cells} for found in (old, new))
    came, went = sorted({*after} - {*before}), sorted({*before} - {*after})
    with_submissions = submissions.students(course, name)
    graded = submissions.students(course, name, step="autograded")
    if (came or went) and graded:
        changes = [f"{cell} is new" for cell in came] + [f"{cell} is gone" for cell in went]
        raise CourseError(
            f"{name}: {', '.join(changes)}, but {len(graded)} submissions were graded already, and nbgrader "
            "keeps their grades by cell: give the changed exercise another name, or take the grades away "
            f"with 'nbgrader db assignment remove {name} --force'"
        )
    if not with_submissions:
        return ""
    many = f"{len(with_submissions)} submissions were collected"
    tests = [
        cell
        for cell in after
        if cell in before
        and after[cell].grade
        and (after[cell].source, after[cell].points) != (before[cell].source, before[cell].points)
    ]
    stubs = [
        cell
        for cell in after
        if cell in before and after[cell].solution and after[cell].source != before[cell].source
    ]
    says = []
    if came or went or tests:
        says.append(
            f"{', '.join([*came, *went, *tests])} changed, and {many}: run 'npfl-grader autograde {name}', "
            "it grades them with the new tests"
        )
    if stubs:
        says.append(
            f"the task {', '.join(stubs)} changed, and {many} that answer the old one: tell the students"
        )
    return (
        f"; {'; '.join(says)}"
        if says
        else f"; only text changed, the {many.split(' were')[0]} keep their grades"
    )


def _set_due_dates(course: Course, dues: dict[str, datetime]) -> list[str]:
    done = []
    for name, before in gradebook_rows.set_due_dates(course, dues).items():
        shown = dues[name].astimezone(course.timezone()).strftime("%Y-%m-%d %H:%M %Z")
        was = "" if before is None else f", it was {before:%Y-%m-%d %H:%M} UTC"
        graded = submissions.students(course, name, step="autograded")
        again = f"; run 'npfl-grader autograde {name}' for the penalties" if graded else ""
        done.append(f"{name}: due {shown}{was}{again}")
    return done


def _enrol(course: Course, people: Sequence[Person]) -> str:
    new, changed, others = gradebook_rows.enrol(course, people)
    kept = (
        f"; not in the list, and kept: {', '.join(others[:5])}{' …' if len(others) > 5 else ''}"
        if others
        else ""
    )
    return f"roster: {len(people)} students, {len(new)} new, {len(changed)} changed{kept}"


def _generate(course: Course, name: str) -> None:
    """Let nbgrader make the release and record the assignment in its gradebook."""
    from nbgrader.apps.api import NbGraderAPI

    api = NbGraderAPI(course.directory, config=course.config)
    result = api.generate_assignment(name, force=True, create=True)
    if not result["success"]:
        raise RuntimeError(
            f"nbgrader could not release {name}: {result.get('error', '').strip() or result['log']}"
        )
