"""Make what goes back to a learning management system: feedback for bulk upload, grades as CSV."""

import json
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from npfl_grader.course import gradebook, gradebook_rows, submissions
from npfl_grader.course.gradebook import Marks
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading import feedback
from npfl_grader.late import LatePenalty
from npfl_grader.lms import ledger, questions, roster, spreadsheet, system
from npfl_grader.lms.feedback import pack_feedback
from npfl_grader.lms.grades import Choice, Grade, Outcome, some
from npfl_grader.lms.ledger import Collection
from npfl_grader.lms.people import People
from npfl_grader.lms.spreadsheet import Sheet
from npfl_grader.lms.system import Published, System, digits
from npfl_grader.text import clean

CENT = Decimal("0.01")


@dataclass
class Publisher:
    """The grades and the feedback of an assignment, for one system; `prepare` makes it.

    Attributes
    ----------
    course, assignment
        What is published.
    most : float
        nbgrader's points that can be had.
    grades : dict
        By student.
    source : System
        The system.
    template : Sheet or None
        The system's own list.
    collection : Collection
        What was collected.
    marks : dict
        What the gradebook says, by student and notebook.
    bonus : list of str
        The questions whose points come on top of `most`.
    """

    course: Course
    assignment: str
    choice: Choice
    most: float
    grades: dict[str, Grade]
    source: System
    template: Sheet | None
    collection: Collection
    marks: dict[str, dict[str, Marks]] = field(default_factory=dict)
    bonus: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.worth = self.course.worth(self.assignment)
        self.people = People.of(grade.person for grade in self.grades.values())
        for grade in self.grades.values():
            grade.points = self.scale(grade.score, grade.penalty)

    def scale(self, score: Decimal, penalty: Decimal) -> Decimal:
        """Turn nbgrader's points into those that are published: penalty off, scaled, rounded half up."""
        exact = max(Decimal(0), score - penalty)
        if self.worth and self.most:
            exact = exact * Decimal(repr(self.worth)) / Decimal(repr(self.most))
        return exact.quantize(CENT, ROUND_HALF_UP)

    @property
    def published_most(self) -> Decimal:
        """The points that can be had, as published."""
        return Decimal(repr(self.worth or self.most)).quantize(CENT, ROUND_HALF_UP)

    def shown(self, student: str) -> str:
        """Give what stands in the list: nothing for work that nobody could read or grade."""
        grade = self.grades[student]
        if grade.submitted:
            return str(grade.points)
        if student in self.collection.unusable or self.choice.absent == "blank":
            return ""
        return str(grade.points)

    def run(self, refreshed: list[str]) -> Outcome:
        """Write the grades and the feedback into the folder ``published``.

        Parameters
        ----------
        refreshed : list of str
            The students whose penalty has changed just now.
        """
        made = Outcome()
        folder = self.course.root / "published" / self.assignment
        path = folder / f"grades-{self.source.name}.csv"
        text = self._filled(made, self.template) if self.template else self._own()
        # Spreadsheets read UTF-8 by its mark.
        write(path, ("\ufeff" if self.source.mark else "") + text)
        made.files.append(path)
        graded = [name for name, grade in self.grades.items() if grade.submitted]
        made.files += pack_feedback(
            self.course, self.assignment, self.source, graded, self.collection, self.marks, made
        )
        write(folder / "questions.csv", questions.table(self.grades, self.marks))
        made.files.append(folder / "questions.csv")
        self._say(made, refreshed)
        grades = {
            name: {
                "score": float(grade.score),
                "penalty": float(grade.penalty),
                "points": str(grade.points),
                "published": self.shown(name),
                "submitted": grade.submitted,
                "waiting": grade.waiting,
            }
            for name, grade in self.grades.items()
        }
        summary = {
            "assignment": self.assignment,
            "system": self.source.name,
            "notes": [*made.doubts, *made.notes],
            "grades": grades,
        }
        text = json.dumps(summary, ensure_ascii=False, indent=1, sort_keys=True)
        write(folder / f"published-{self.source.name}.json", text + "\n")
        return made

    def _say(self, made: Outcome, refreshed: list[str]) -> None:
        """Say what there is to know about the grades as a whole."""
        waiting = sorted(name for name, grade in self.grades.items() if grade.waiting)
        if waiting:
            made.notes.append(
                f"answers that wait for a person count 0 so far: of {len(waiting)}, {some(waiting)}"
            )
        rule = LatePenalty(config=self.course.config).rule()
        if self.course.config.AssignLatePenalties.get("plugin_class") != "npfl_grader.late.LatePenalty":
            rule = "by the course's own rule"
        late = sum(bool(grade.penalty) for grade in self.grades.values())
        made.notes.append(f"late: {rule}; who lost points by it: {late}")
        if refreshed:
            made.notes.append(
                f"penalties worked out anew, for points or a rule changed since: {len(refreshed)}"
            )
        scaled = f" scaled from {self.most:g}" if self.worth else ""
        made.notes.append(
            f"points: of {self.published_most.normalize():f}{scaled}, rounded half up to two decimal places"
        )
        unusable = sorted(name for name in self.collection.unusable if not self._submitted(name))
        if unusable:
            made.notes.append(
                f"handed in what cannot be used, and left blank: {some(unusable)}; see collected/"
                f"{self.assignment}.json"
            )
        absent = sum(not grade.submitted for grade in self.grades.values()) - len(unusable)
        has = "has no grade" if self.choice.absent == "blank" else "has 0 points"
        made.notes.append(f"who handed in nothing and {has}: {absent}")
        undated = sorted(
            name
            for name, grade in self.grades.items()
            if grade.submitted and submissions.says_no_time(self.course, self.assignment, name)
        )
        if undated:
            made.doubts.append(
                f"handed in at a time that cannot be read, so without any penalty: {some(undated)}"
            )
        if self.bonus:
            made.notes.append(f"on top of that, as bonus: {', '.join(self.bonus)}")
        if self.collection.unmatched:
            owners = [question.owner for question in self.collection.unmatched]
            made.notes.append(
                f"not matched to anybody, and in no grade: {some(owners)}; fill in collected/"
                f"{self.assignment}.unmatched.csv"
            )

    def _submitted(self, student: str) -> bool:
        return student not in self.grades or self.grades[student].submitted

    # --- grades ---

    def _own(self) -> str:
        """Write the columns that the system imports, without a list of its own to fill."""
        lines = [Published(self.grades[name].person, self.shown(name)) for name in sorted(self.grades)]
        rows = self.source.table(self.choice.column or self.assignment, self.published_most, lines)
        return spreadsheet.dump([[spreadsheet.defuse(cell) for cell in row] for row in rows])

    def _filled(self, made: Outcome, sheet: Sheet) -> str:
        """Fill the system's own list; everything else in it stays as it was."""
        if note := sheet.note():
            made.notes.append(note)
        title = self.choice.column or self.assignment
        place = self.source.grade_column(sheet, title)
        if place is None:
            raise CourseError(
                f"{sheet.path}: there is no column for {title}, or several: name it with --column; "
                f"it has {sheet.titles}"
            )
        expected = self.source.most(sheet, place)
        if expected is not None and expected != self.published_most:
            made.doubts.append(
                f"{sheet.path.name}: the column counts {expected.normalize():f} points, these are of "
                f'{self.published_most.normalize():f}: say "points" in c.NpflGrader.assignments, or change '
                f"the column in {self.source.title}"
            )
        if expected is not None and (above := [n for n, g in self.grades.items() if g.points > expected]):
            said = f"above the column's {expected.normalize():f} points: {some(sorted(above))}"
            if self.source.leaves_out_above:
                made.doubts.append(f"{said}; {self.source.title} imports no such grade, and does not say so")
            else:
                made.notes.append(said)
        if doubt := self.source.doubt(sheet):
            made.doubts.append(f"{sheet.path.name}: {doubt}")
        met: dict[str, int] = {}
        rows = []
        for line, cells in zip(sheet.lines, sheet.rows, strict=True):
            row = list(cells)
            rows.append(row)
            if not self.source.is_student(sheet, row):
                continue
            meant = self._meant(sheet, row)
            where = f"{sheet.path.name}: line {line}"
            if not meant:
                ids = [sheet.cell(row, column) for _, column in self.source.identifiers(sheet)]
                who = clean(", ".join(filter(None, ids))) or "without an id"
                made.notes.append(f"{where} ({who}) is nobody in the course, and keeps what stood there")
            elif len(meant) > 1:
                made.doubts.append(
                    f"{where} names two students ({'; '.join(meant.values())}), and keeps what stood there"
                )
            elif (student := next(iter(meant))) in met:
                made.doubts.append(f"{where} is a second one for {student}, after line {met[student]}")
            else:
                met[student] = line
                if kept := self.source.keeps(sheet.cell(row, place)):
                    said = f"{where}: {student} is {kept}, and keeps what stood there"
                    (made.doubts if self.grades[student].submitted else made.notes).append(said)
                else:
                    row[place] = self.shown(student)
        if left := sorted({*self.grades} - {*met}):
            made.doubts.append(
                f"not in {sheet.path.name}: {some(left)}; their grades are in nothing that can be imported"
            )
        return spreadsheet.dump([sheet.header, *rows], sheet.delimiter)

    def _meant(self, sheet: Sheet, row: list[str]) -> dict[str, str]:
        """Say whom the columns of ids mean, and why; more than one student is a contradiction."""
        meant: dict[str, str] = {}
        for kind, column in self.source.identifiers(sheet):
            text = sheet.cell(row, column).removeprefix(self.source.prefix)
            if text and (student := self._identified(kind, text)):
                meant.setdefault(student, f"{clean(sheet.header[column])} is that of {student}")
        return meant

    def _identified(self, kind: str, text: str) -> str | None:
        if kind == "id":
            return self.people.by_id.get(text.casefold())
        if kind == "email":
            return self.people.find(text)
        number = digits(text)
        for taken in self.collection.students.values():
            if (taken.system, taken.number) == (self.source.name, number) and taken.student in self.grades:
                return taken.student
        return self.people.by_number.get(number) if self.source.number_is_person else None


def prepare(course: Course, name: str, choice: Choice) -> Publisher:
    """Read what is published.

    Raises
    ------
    CourseError
        If there is no such assignment, or a list cannot be used.
    """
    source = system.known()[choice.system]
    template = spreadsheet.read(choice.template, choice.encoding) if choice.template else None
    if template and (kind := roster.kind(template)) is not source:
        what = f"a list of {kind.title}" if kind else "no list of a system that is known"
        raise CourseError(
            f"{template.path}: this is {what}, not of {source.title}: its header is {template.titles:.200}; "
            f"export {source.title}'s, in English if it was another language, or name the other system"
        )
    assignment = gradebook.assignment(course, name)
    worth = {
        cell.name: cell.points
        for definition in assignment.definitions.values()
        for cell in definition.cells
        if cell.points
    }
    bonus = course.bonus(name)
    if strange := sorted({*bonus} - {*worth}):
        raise CourseError(
            f'{course.root / "nbgrader_config.py"}: c.NpflGrader.assignments: {name}: "bonus" names '
            f"{', '.join(strange)}: there are {', '.join(worth)}"
        )
    most = assignment.most - sum(worth[cell] for cell in bonus)
    grades = {student: Grade(person) for student, person in assignment.people.items()}
    marks = gradebook.marks(course, name)
    for student, notebooks in marks.items():
        grade = grades[student]
        grade.submitted = True
        for given in notebooks.values():
            grade.score += given.score
            grade.penalty += Decimal(repr(float(given.penalty)))
            grade.waiting |= bool(given.waiting)
    if not any(grade.submitted for grade in grades.values()):
        raise CourseError(f"nothing of {name} was graded: run 'npfl-grader autograde {name}' first")
    collection = ledger.load(course, name)
    return Publisher(course, name, choice, most, grades, source, template, collection, marks, bonus)


def publish(course: Course, name: str, choice: Choice) -> Outcome:
    """Bring penalties and feedback up to date with the grades, and write what goes to the system."""
    refreshed = gradebook_rows.refresh_penalties(course, name)
    publisher = prepare(course, name, choice)
    renewed = _renew_feedback(course, name)
    made = publisher.run(refreshed)
    if renewed.students:
        made.notes.append(f"feedback written anew, for grades that have changed since: {renewed.students}")
    made.notes += [
        f"feedback for {student} is shortened: {why}" for student, why in renewed.shortened.items()
    ]
    made.doubts += [f"no feedback for {student}: {why}" for student, why in renewed.trouble.items()]
    return made


def _renew_feedback(course: Course, name: str) -> feedback.Written:
    """Write the pages of feedback anew whose grades have changed since; students without any get none."""
    there = [
        student
        for student in submissions.students(course, name, step="autograded")
        if any(course.folder("feedback", student, name).glob("*.html"))
    ]
    if not there:
        return feedback.Written()
    pages = feedback.prepare(course, name)
    pages.students = [student for student in pages.students if student in there]
    return pages.run(None, lambda: None)
