"""What a collection has found: the ledger, and the questions that only a person can answer."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from rich.table import Table
from rich.text import Text

from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.lms import spreadsheet
from npfl_grader.lms.people import People
from npfl_grader.text import clean

Key = tuple[str, str, str]  # archive, owner, number
QUESTIONS = ["archive", "owner", "number", "reason", "student"]


@dataclass
class Taken:
    """What was put into a student's folder.

    Attributes
    ----------
    archive, system, owner, number : str
        Where it came from, as in `attempts.Attempt`.
    time : str or None
        When it was handed in.
    notebooks : dict
        For each notebook, by name, its path in the archive.
    digest : str
        Of the folder's content; ``earlier`` are those of what stood there before.
    undated : bool
        Whether the archive says a time that cannot be read.
    doubtful : bool
        Whether something was left out or guessed, as the notes say.
    """

    student: str
    archive: str
    system: str
    owner: str
    time: str | None
    late: bool
    notebooks: dict[str, str]
    files: list[str]
    digest: str
    attempts: int
    state: str = "unchanged"
    notes: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    number: str = ""
    undated: bool = False
    doubtful: bool = False


@dataclass
class Question:
    """An attempt that is nobody's so far."""

    archive: str
    owner: str
    number: str
    reason: str


@dataclass
class Collection:
    """A collection, for people and for programs.

    Attributes
    ----------
    students : dict
        What was taken, by student.
    missing : list of str
        Who has handed in nothing.
    unmatched : list of Question
        What could not be matched.
    unusable : dict
        For each student whose work cannot be used, why.
    refused : dict
        For each file that is nobody's or cannot be read, why.
    kept : dict
        For each student whose folder was changed by hand, what was done.
    notes : list of str
        What else was guessed or left out.
    doubts : list of str
        What needs a look before the submissions are graded.
    """

    assignment: str
    students: dict[str, Taken] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unmatched: list[Question] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing needs a look; that somebody has handed in nothing does not."""
        unsure = any(taken.undated or taken.doubtful for taken in self.students.values())
        return not (self.unmatched or self.unusable or self.kept or self.refused or self.doubts or unsure)

    def table(self) -> Table:
        """Draw the summary."""
        table = Table(title=f"{self.assignment}: {len(self.students)} submissions", title_justify="left")
        for name in ("", "", "why"):
            table.add_column(name, overflow="fold")
        states = defaultdict(list)
        for taken in self.students.values():
            states[taken.state].append(taken)
        for state in ("new", "updated", "unchanged", "earlier"):
            late = sum(taken.late for taken in states[state])
            name = "from earlier archives" if state == "earlier" else state
            table.add_row(name, str(len(states[state])), f"{late} late" if late else "")
        table.add_row("missing", str(len(self.missing)), Text(", ".join(self.missing)), end_section=True)
        rows = [
            ("not matched", f"{question.owner} {question.number}".strip(), question.reason)
            for question in self.unmatched
        ]
        rows += [("not usable", student, reason) for student, reason in self.unusable.items()]
        rows += [("kept", student, reason) for student, reason in self.kept.items()]
        rows += [
            ("note", student, "\n".join(taken.notes))
            for student, taken in self.students.items()
            if taken.notes
        ]
        rows += [("not read", name, reason) for name, reason in self.refused.items()]
        rows += [("note", "", note) for note in self.notes]
        rows += [("needs a look", "", doubt) for doubt in self.doubts]
        for row in rows:
            table.add_row(*map(Text, row))
        return table


def path(course: Course, assignment: str) -> Path:
    """Name the file that says whose work was taken from where."""
    return course.root / "collected" / f"{assignment}.json"


def questions_path(course: Course, assignment: str) -> Path:
    """Name the file in which the instructor says whose an attempt is."""
    return course.root / "collected" / f"{assignment}.unmatched.csv"


def load(course: Course, assignment: str) -> Collection:
    """Read what the last collection said; an empty one if there was none."""
    try:
        stored = json.loads(path(course, assignment).read_text(encoding="utf-8"))
        known = {item.name for item in fields(Taken)}
        students = {
            student: Taken(**{name: value for name, value in row.items() if name in known})
            for student, row in stored["students"].items()
        }
        return Collection(assignment, students, unusable=dict(stored.get("unusable", {})))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Collection(assignment)


def save(course: Course, collection: Collection) -> None:
    """Write a collection."""
    content = asdict(collection) | {"complete": collection.complete}
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    write(path(course, collection.assignment), text + "\n")


def key(archive: str, owner: str, number: str) -> Key:
    """Bring archive, owner and number to the form in which a spreadsheet gives them back."""
    return spreadsheet.plain(archive), spreadsheet.plain(clean(owner)), number


def read_answers(
    course: Course, assignment: str, people: People, encoding: str = ""
) -> tuple[dict[Key, str], list[str]]:
    """Read what the instructor has filled in for what could not be matched; and what is to be said of it.

    Raises
    ------
    CourseError
        If a student is not in the course, or one line contradicts another.
    """
    file = questions_path(course, assignment)
    if not file.exists():
        return {}, []
    sheet = spreadsheet.read(file, encoding)
    columns = {name: sheet.column((name,)) for name in QUESTIONS}
    answers: dict[Key, str] = {}
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        values = {name: spreadsheet.undefuse(sheet.cell(row, column)) for name, column in columns.items()}
        if not values["student"]:
            continue
        student = people.find(values["student"])
        if student is None:
            raise CourseError(
                f"{file}: line {line}: there is no student {values['student']!r} in the course: mend the line"
            )
        if answers.setdefault((values["archive"], values["owner"], values["number"]), student) != student:
            raise CourseError(f"{file}: line {line} contradicts an earlier one: remove one of them")
    return answers, [note] if (note := sheet.note()) else []


def write_questions(
    course: Course, assignment: str, unmatched: list[Question], answers: dict[Key, str]
) -> None:
    """Write what could not be matched, below what was answered; by the mark Excel knows the encoding."""
    file = questions_path(course, assignment)
    rows = [[*key, "filled in by hand", student] for key, student in answers.items()]
    rows += [[item.archive, item.owner, item.number, item.reason, ""] for item in unmatched]
    if not rows:
        file.unlink(missing_ok=True)
        return
    cells = [[spreadsheet.defuse(cell) for cell in row] for row in rows]
    write(file, "\ufeff" + spreadsheet.dump([QUESTIONS, *cells]))
