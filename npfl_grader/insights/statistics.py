"""What the points of a class say about each check, and which mistakes are typical."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from npfl_grader.course.definition import Definition
from npfl_grader.grading.report import Row

LINE = 160  # letters of a message
EASY, HARD, FLAT = 0.95, 0.25, 0.15


@dataclass
class Check:
    """A test over all submissions.

    Attributes
    ----------
    passed : float
        The share of submissions that won all of its points.
    difficulty : float
        The mean share of its points, nbgrader's partial credit included: 1 is easy.
    point_biserial : float or None
        The correlation of passing it with the score; None where all did the same.
    item_rest : float or None
        The correlation of its points with the score of all other checks.
    """

    notebook: str
    name: str
    points: float
    passed: float
    difficulty: float
    point_biserial: float | None
    item_rest: float | None
    remark: str = ""


@dataclass
class Mistake:
    """Submissions that fail the same checks.

    Attributes
    ----------
    checks : list of str
        The checks that they fail.
    all : bool
        Whether these are all checks.
    count : int
        How many submissions.
    message : str
        What the first of these checks says most often.
    """

    checks: list[str]
    all: bool
    count: int
    message: str


def checks(
    definitions: dict[str, Definition], grades: dict[str, dict[tuple[str, str], float]], present: list[str]
) -> tuple[list[Check], np.ndarray]:
    """Describe each check; give also the share of its points that each submission won."""
    tests = [
        (notebook, cell)
        for notebook, definition in definitions.items()
        for cell in definition.cells
        if cell.grade and not cell.by_hand and cell.points
    ]
    points = np.array([cell.points for _, cell in tests], dtype=float)
    won = np.array(
        [[grades[student].get((notebook, cell.name), 0.0) for notebook, cell in tests] for student in present]
    ).reshape(len(present), len(tests))
    share = won / points if len(tests) else won
    total = won.sum(axis=1)
    described = []
    for place, (notebook, cell) in enumerate(tests):
        passed = share[:, place] >= 1
        check = Check(
            notebook,
            cell.name,
            float(cell.points or 0),
            float(passed.mean()) if len(present) else 0.0,
            float(share[:, place].mean()) if len(present) else 0.0,
            correlation(passed.astype(float), total),
            correlation(won[:, place], total - won[:, place]),
        )
        check.remark = _remark(check)
        described.append(check)
    return described, share


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson's correlation; of a variable with two values and another one this is the point-biserial one."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _remark(check: Check) -> str:
    if check.passed >= EASY:
        return "nearly all pass it"
    if check.passed <= HARD:
        return "few pass it: is the task clear?"
    if check.item_rest is not None and check.item_rest < 0:
        return "who is good elsewhere fails it: look at the check"
    if check.item_rest is not None and check.item_rest < FLAT:
        return "tells little about the rest"
    return ""


def mistakes(
    checks: list[Check], share: np.ndarray, present: list[str], report: dict[str, Row]
) -> list[Mistake]:
    """Group submissions by the checks that they fail, the largest first, with the commonest message."""
    by_failed: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for row, student in enumerate(present):
        failed = tuple(int(place) for place in np.flatnonzero(share[row] < 1))
        if failed:
            by_failed[failed].append(student)
    groups = []
    for failed, students in sorted(by_failed.items(), key=lambda item: (-len(item[1]), item[0])):
        messages: dict[str, int] = defaultdict(int)
        for student in students:
            said = report[student].failed if student in report else {}
            for place in failed:
                if message := said.get(checks[place].notebook, {}).get(checks[place].name):
                    line = message.splitlines()[0]
                    messages[line if len(line) <= LINE else f"{line[: LINE - 1]}…"] += 1
                    break
        common = max(messages.items(), key=lambda item: item[1], default=("", 0))[0]
        groups.append(
            Mistake(
                [checks[place].name for place in failed], len(failed) == len(checks), len(students), common
            )
        )
    return groups


def histogram(scores: list[float], most: float) -> tuple[np.ndarray, np.ndarray]:
    """Count the scores in at most 20 bins; give the counts and the edges."""
    bins = int(min(max(most, 1), 20))
    return np.histogram(scores, bins=bins, range=(0, max(most, 1e-9)))
