"""Make what goes back to a learning management system: feedback for bulk upload, grades as CSV."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from npfl_grader.course import gradebook, gradebook_rows
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.late import LatePenalty
from npfl_grader.lms import archives, collect, roster

SYSTEMS = ("moodle", "canvas", "brightspace")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
CENT = Decimal("0.01")
# The same date in every archive: one that holds the same is the same.
DATE = (2000, 1, 1, 0, 0, 0)


@dataclass
class Grade:
    """A student's grade for an assignment.

    Attributes
    ----------
    score, penalty, most : float
        nbgrader's points, what is taken off for being late, and what could be had.
    points : Decimal
        What is published.
    waiting : bool
        Whether an answer waits for a person.
    """

    student: Any
    score: float = 0.0
    penalty: float = 0.0
    most: float = 0.0
    points: Decimal = Decimal(0)
    submitted: bool = False
    waiting: bool = False


@dataclass
class Published:
    """What was made."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula; numbers and a dash alone are none."""
    if text == "-" or NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def hand_out(course: Course, assignments: list[str]) -> Iterator[Path]:
    """Pack the release folders of assignments, all of them by default, for upload.

    Raises
    ------
    CourseError
        If one was not released, or holds what students must not see.
    """
    root = Path(course.directory.format_path(course.directory.release_directory, ".", "."))
    names = assignments or sorted(path.name for path in root.glob("*") if path.is_dir())
    if not names:
        raise CourseError(f"{root}: nothing was released: run 'npfl-grader course' first")
    for name in names:
        folder = root / name
        if not folder.is_dir():
            raise CourseError(
                f"{folder} does not exist: check the name, or run 'nbgrader generate_assignment {name}'"
            )
        content = {}
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.name.startswith("."):
                continue
            data = path.read_bytes()
            if path.suffix == ".ipynb" and (b"BEGIN HIDDEN TESTS" in data or b"BEGIN SOLUTION" in data):
                raise CourseError(
                    f"{path} holds a solution or hidden tests: "
                    f"run 'nbgrader generate_assignment {name} --force'"
                )
            content[f"{name}/{path.relative_to(folder).as_posix()}"] = data
        target = course.root / "handout" / f"{name}.zip"
        pack(target, content)
        yield target


def pack(target: Path, content: dict[str, bytes]) -> bool:
    """Write a zip archive beside, then rename; the same content gives the same bytes."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, data)
    return write(target, memory.getvalue())


class Publisher:
    """The grades and the feedback of an assignment, for one system.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    system : str
        One of `SYSTEMS`.
    template : Path, optional
        The list of grades that the system exports, into which the grades are filled.
    column : str
        The title of the grade's column in the system; by default found by the assignment's name.

    Raises
    ------
    CourseError
        If there is no such assignment, or a list cannot be used.
    """

    def __init__(
        self, course: Course, assignment: str, system: str, template: Path | None = None, column: str = ""
    ) -> None:
        self.course, self.assignment, self.system, self.column = course, assignment, system, column
        self.template = roster.table(template) if template else None
        if self.template and (found := roster.kind(self.template)) != system:
            raise CourseError(
                f"{self.template.path}: this is a list of {found}, not of {system}: its header is "
                f"{', '.join(self.template.header[:6])}; export {system}'s, or name the other system"
            )
        self.worth = course.worth(assignment)
        self.refreshed = gradebook_rows.refresh_penalties(course, assignment)
        self.grades = self._grades()
        if not any(grade.submitted for grade in self.grades.values()):
            raise CourseError(
                f"nothing of {assignment} was graded: run 'npfl-grader autograde {assignment}' first"
            )

    def _grades(self) -> dict[str, Grade]:
        found = gradebook.assignment(self.course, self.assignment)
        grades = {name: Grade(person, most=found.most) for name, person in found.people.items()}
        for student, notebooks in gradebook.marks(self.course, self.assignment).items():
            grade = grades[student]
            grade.submitted = True
            for mark in notebooks.values():
                grade.score += float(mark.score)
                grade.penalty += mark.penalty
                grade.waiting |= bool(mark.waiting)
        for grade in grades.values():
            grade.points = self.publish(grade.score, grade.penalty, grade.most)
        return grades

    def publish(self, score: float, penalty: float, most: float) -> Decimal:
        """Turn nbgrader's points into those that are published: penalty off, scaled, rounded half up."""
        exact = max(Decimal(0), Decimal(repr(score)) - Decimal(repr(penalty)))
        if self.worth and most:
            exact = exact * Decimal(repr(self.worth)) / Decimal(repr(most))
        return exact.quantize(CENT, ROUND_HALF_UP)

    @property
    def most(self) -> Decimal:
        """The points that can be had, as published."""
        most = next(iter(self.grades.values())).most
        return Decimal(repr(self.worth if self.worth else most)).quantize(CENT, ROUND_HALF_UP)

    def run(self) -> Published:
        """Write the grades and the feedback into the folder ``published``."""
        made = Published()
        folder = self.course.root / "published" / self.assignment
        grades = folder / f"grades-{self.system}.csv"
        table = self._filled(made) if self.template else self._table()
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.template.delimiter if self.template else ",")
        writer.writerows([[safe(cell) if cell else "" for cell in row] for row in table])
        # Spreadsheets read UTF-8 by its mark; Canvas would take it for a part of the first column's name.
        write(grades, ("" if self.system == "canvas" else "\ufeff") + text.getvalue())
        made.files.append(grades)
        made.files += self._feedback(folder, made)
        waiting = sorted(name for name, grade in self.grades.items() if grade.waiting)
        if waiting:
            made.notes.append(
                f"answers that wait for a person count 0 so far: of {len(waiting)}, "
                f"{', '.join(waiting[:5])}{' …' if len(waiting) > 5 else ''}"
            )
        late = [grade for grade in self.grades.values() if grade.penalty]
        rule = LatePenalty(config=self.course.config).rule()
        if self.course.config.AssignLatePenalties.get("plugin_class") != "npfl_grader.late.LatePenalty":
            rule = "by the course's own rule"
        made.notes.append(f"late: {rule}; who lost points by it: {len(late)}")
        if self.refreshed:
            made.notes.append(
                f"penalties worked out anew, for points given by hand since: {len(self.refreshed)}"
            )
        scaled = f" scaled from {next(iter(self.grades.values())).most:g}" if self.worth else ""
        made.notes.append(
            f"points: of {self.most.normalize():f}{scaled}, rounded half up to two decimal places"
        )
        absent = sum(not grade.submitted for grade in self.grades.values())
        made.notes.append(f"who handed in nothing and has 0 points: {absent}")
        summary = {
            "assignment": self.assignment,
            "system": self.system,
            "notes": made.notes,
            "grades": {
                name: {
                    "score": grade.score,
                    "penalty": grade.penalty,
                    "points": str(grade.points),
                    "submitted": grade.submitted,
                    "waiting": grade.waiting,
                }
                for name, grade in self.grades.items()
            },
        }
        write(
            folder / f"published-{self.system}.json",
            json.dumps(summary, ensure_ascii=False, indent=1, sort_keys=True) + "\n",
        )
        return made

    # --- grades ---

    def _table(self) -> list[list[str]]:
        """Write the columns that the system imports, without a list of its own to fill."""
        title = self.column or self.assignment
        everybody = sorted(self.grades.values(), key=lambda grade: grade.student.id)
        if self.system == "moodle":
            rows = [["ID number", "Email address", title]]
            return rows + [[g.student.id, g.student.email or "", str(g.points)] for g in everybody]
        if self.system == "canvas":
            rows = [
                ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
                ["Points Possible", "", "", "", "", str(self.most)],
            ]
            for g in everybody:
                name = ", ".join(filter(None, [g.student.last_name, g.student.first_name])) or g.student.id
                rows.append([name, g.student.lms_id or "", "", g.student.id, "", str(g.points)])
            return rows
        rows = [["Username", f"{title} Points Grade", "End-of-Line Indicator"]]
        return rows + [[g.student.id, str(g.points), "#"] for g in everybody]

    def _filled(self, made: Published) -> list[list[str]]:
        """Fill the system's own list; everything else in it stays as it was."""
        table = self.template
        assert table is not None
        place = self._grade_column(table)
        people = {
            person.id.lower(): name for name, person in ((n, g.student) for n, g in self.grades.items())
        }
        people |= {
            grade.student.email.lower(): name for name, grade in self.grades.items() if grade.student.email
        }
        listed = {person.id.lower(): person for person in roster.students(table)}
        columns = [
            table.column([key]) for names in roster.COLUMNS.values() for key in names if key in table.keys
        ]
        numbers = {g.student.lms_id: name for name, g in self.grades.items() if g.student.lms_id}
        rows, met = [table.header], set()
        for row in table.rows:
            row = list(row)
            keys = {row[where].strip().lstrip("#").lower() for where in columns if where is not None}
            found = next((people[key] for key in keys if key in people), None)
            if found is None and self.system == "canvas":
                found = numbers.get(row[table.keys.index("id")].strip())
            if found is not None:
                row[place] = str(self.grades[found].points)
                met.add(found)
            elif keys & {*listed}:
                made.notes.append(
                    f"{table.path.name}: {row[0]} is not in the course, and keeps what stood there"
                )
            rows.append(row)
        if left := sorted({*self.grades} - met):
            made.notes.append(
                f"not in {table.path.name}: {', '.join(left[:5])}{' …' if len(left) > 5 else ''}; "
                "their grades are in nothing that can be imported"
            )
        return rows

    def _grade_column(self, table: roster.Table) -> int:
        wanted = (self.column or self.assignment).lower()
        if self.system == "moodle" and not self.column:
            place = table.column(["grade"])
            if place is not None:
                return place
        plain = [key.split(" (")[0] if self.system == "canvas" else key for key in table.keys]
        if self.system == "brightspace":
            plain = [key.split(" points grade")[0] for key in table.keys]
        for keys in (table.keys, plain):
            if wanted in keys:
                return keys.index(wanted)
        raise CourseError(
            f"{table.path}: there is no column for {self.column or self.assignment}: name it with --column; "
            f"it has {', '.join(table.header)}"
        )

    # --- feedback ---

    def _feedback(self, folder: Path, made: Published) -> list[Path]:
        """Pack the feedback of each student under the name by which the system finds the student again."""
        taken = collect.ledger(self.course, self.assignment).get("students", {})
        content: dict[str, bytes] = {}
        without, unknown = [], []
        for name, grade in self.grades.items():
            if not grade.submitted:
                continue
            pages = sorted(self.course.folder("feedback", name, self.assignment).glob("*.html"))
            if not pages:
                without.append(name)
                continue
            origin = taken.get(name)
            if origin is None or origin["system"] != self.system:
                unknown.append(name)
                origin = None
            for page in pages:
                content[self._place(name, page, origin)] = page.read_bytes()
        if without:
            made.notes.append(
                f"without feedback so far: {len(without)}; run 'npfl-grader feedback {self.assignment}'"
            )
        if unknown:
            made.notes.append(
                f"whose work did not come from {self.system}: {len(unknown)}; feedback on it is packed in "
                "folders by student, which the system does not sort by itself"
            )
        if not content:
            return []
        target = folder / f"feedback-{self.system}.zip"
        pack(target, content)
        return [target]

    def _place(self, student: str, page: Path, origin: dict[str, Any] | None) -> str:
        if origin is None:
            return f"{student}/{page.name}"
        source = PurePosixPath(origin["notebooks"].get(page.stem) or next(iter(origin["notebooks"].values())))
        for place, part in enumerate(source.parts):
            if self.system == "moodle" and (match := collect.MOODLE.fullmatch(part)):
                number = f"_{match['id']}" if match["id"] else ""
                return f"{match['name']}{number}_assignsubmission_file/{page.name}"
            if self.system == "brightspace" and collect.BRIGHTSPACE.fullmatch(part):
                return "/".join([*source.parts[place : place + 1], page.name])
            if self.system == "canvas" and (match := collect.CANVAS.fullmatch(part)):
                late = "LATE_" if match["late"] else ""
                return f"{match['name']}_{late}{match['id']}_{match['attachment']}_{page.name}"
        return f"{archives.shorten(student)}/{page.name}"
