"""What an instructor wants to see of an assignment: scores, checks, typical mistakes, who needs a look.

Everything comes from the gradebook, the grader's own report and the submissions; nothing is run. Students are
numbered, not named, unless names are asked for.
"""

import hmac
import json
import re
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from npfl_grader.course import gradebook
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading.receipts import report_path
from npfl_grader.grading.report import Row, State, rows
from npfl_grader.insights import resemblance, statistics
from npfl_grader.insights.resemblance import Pair
from npfl_grader.insights.statistics import Check, Mistake
from npfl_grader.lms import ledger


@dataclass
class Insights:
    """All that the report shows."""

    assignment: str
    students: int
    handed_in: int
    judged: int
    most: float
    scores: list[float]
    checks: list[Check]
    mistakes: list[Mistake]
    times: list[datetime]
    due: datetime | None
    looks: list[tuple[str, str]]
    pairs: list[Pair]
    compared: int
    notes: list[str] = field(default_factory=list)
    complete: bool = True  # whether all that was handed in could be read

    def json(self) -> str:
        """Write everything for programs."""
        return json.dumps(self, default=_plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    def summary(self) -> str:
        """Say in one sentence how the class did."""
        if not self.scores:
            return f"{self.handed_in} of {self.students} students handed something in"
        scores = np.array(self.scores)
        return (
            f"{self.handed_in} of {self.students} students handed something in; mean {scores.mean():.2f}, "
            f"median {np.median(scores):g} of {self.most:g} points, standard deviation {scores.std():.2f}"
        )

    def reasons(self) -> dict[str, list[str]]:
        """Say for each reason to look who is meant."""
        by_reason: dict[str, list[str]] = defaultdict(list)
        for who, why in self.looks:
            by_reason[why].append(who)
        return dict(by_reason)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else vars(value)


def gather(course: Course, assignment: str, names: bool = False) -> Insights:
    """Work out what there is to see of an assignment.

    Parameters
    ----------
    course : Course
        The course.
    assignment : str
        The assignment's name.
    names : bool
        Whether students are named; otherwise they are numbered, in no order that means anything.

    Raises
    ------
    CourseError
        If there is no such assignment, or nothing of it was graded.
    """

    row = gradebook.assignment(course, assignment)
    marks = gradebook.marks(course, assignment)
    definitions = row.definitions
    everybody = sorted(row.people)
    grades = {
        student: {
            (notebook, cell): score
            for notebook, mark in notebooks.items()
            for cell, (score, _) in mark.scores.items()
        }
        for student, notebooks in marks.items()
    }
    waiting = {
        student: cells
        for student, notebooks in marks.items()
        if (cells := [cell for mark in notebooks.values() for cell in mark.waiting])
    }
    times = {student: entry.time for student, entry in row.entries.items() if entry.time}
    graded = [student for student in everybody if student in grades]
    if not graded:
        raise CourseError(
            f"nothing of {assignment} was graded: run 'npfl-grader autograde {assignment}' first"
        )
    report = rows(report_path(course, assignment))
    # What nobody handed in says nothing about a check.
    present = [student for student in graded if student not in report or report[student].handed_in]
    shown = names_of(everybody, course.root, names)
    zone = course.timezone()
    # And neither does a file on which none was run.
    judged = [
        student for student in present if student not in report or report[student].state is not State.LOOK
    ]
    checks, table = statistics.checks(definitions, grades, judged)
    mistakes = statistics.mistakes(checks, table, judged, report)
    written_by, trouble = resemblance.answers(course, assignment, definitions, present)
    alike_pairs, compared = resemblance.resemblance(written_by)
    failing = {student: tuple(table[number] < 1) for number, student in enumerate(judged)}
    pairs = [
        Pair(shown[a], shown[b], alike, usual, any(failing.get(a, ())) and failing[a] == failing.get(b))
        for a, b, alike, usual in alike_pairs
    ]
    looks = _looks(course, assignment, report, waiting)
    looks += [(student, f"could not be compared: {why}") for student, why in trouble.items()]
    return Insights(
        assignment,
        len(everybody),
        len(present),
        len(judged),
        row.most,
        [sum(grades[student].values()) for student in present],
        checks,
        mistakes,
        sorted(moment.astimezone(zone) for moment in times.values()),
        row.due.astimezone(zone) if row.due else None,
        sorted(((shown.get(student, "a folder of no student"), why) for student, why in looks), key=_natural),
        pairs,
        compared,
        complete=not trouble,
    )


def names_of(everybody: list[str], root: Path, names: bool) -> dict[str, str]:
    """Give each student the name under which the report speaks of them.

    The numbers stay the same from run to run, and only who has the course's folder can find whose they are.
    """
    if names:
        return {student: student for student in everybody}
    path = root / "insights" / ".key"
    if not path.exists():
        write(path, secrets.token_hex())
        path.chmod(0o600)
    key = path.read_bytes()
    order = sorted(everybody, key=lambda student: hmac.digest(key, student.encode(), "sha256"))
    return {student: f"Student {number}" for number, student in enumerate(order, start=1)}


def _natural(look: tuple[str, str]) -> list[tuple[int, str]]:
    """Sort "Student 2" before "Student 10"."""
    parts = re.split(r"(\d+)", look[0])
    return [(int(part) if part.isdecimal() else 0, part) for part in [*parts, look[1]]]


def _looks(
    course: Course, assignment: str, report: dict[str, Row], waiting: dict[str, list[str]]
) -> list[tuple[str, str]]:
    """Say who needs a look, and why."""
    looks = []
    for student, row in report.items():
        if row.state is not State.GRADED:
            looks.append((student, f"{row.state}: {'; '.join(row.reasons) or 'see the log'}"))
    looks += [
        (student, f"waits for grading by hand: {', '.join(sorted(cells))}")
        for student, cells in waiting.items()
        if student not in report or report[student].state is State.GRADED
    ]
    unusable = ledger.load(course, assignment).unusable
    looks += [(student, f"could not be collected: {why}") for student, why in unusable.items()]
    return looks
