"""From what a test did to points, as nbgrader gives them, without its accidents.

A zero needs evidence: the test ran and failed, or the student's code was called and died or did not answer.
All else is a fault of the grader's, and a person decides. What is printed or warned costs nothing.
"""

import math
from dataclasses import dataclass, field

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.engine.job import Outcome, Status
from npfl_grader.grading.intake import Node, Rebuilt
from npfl_grader.text import clean

NO_RESPONSE = "No response."  # nbgrader's own words


@dataclass
class Verdict:
    """Points and comments of one notebook.

    Attributes
    ----------
    scores : dict
        For each cell with points, by grade id, the points, or None where a person must give them. Tasks are
        not in it: nbgrader's autograder leaves them alone.
    comments : dict
        For each cell that can have a comment, by grade id, the autograder's comment or None.
    unsure : dict
        For each test that could not be judged, by grade id, why.
    untouched : bool
        Whether all solutions are as they were handed out.
    """

    scores: dict[str, float | None] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)
    untouched: bool = True


def judge(
    definition: Definition, rebuilt: Rebuilt, results: dict[str, Outcome], fault: str | None
) -> Verdict:
    """Give points.

    Parameters
    ----------
    definition : Definition
        The instructor's cells.
    rebuilt : Rebuilt
        The submission.
    results : dict of Outcome
        What became of each cell, by id.
    fault : str or None
        Why there are no results, if there are none.
    """
    verdict = Verdict()
    cells = {rebuilt.names[cell["id"]]: cell for cell in rebuilt.cells if cell["id"] in rebuilt.names}
    for known in definition.cells:
        cell = cells[known.name]
        untouched = cell["source"] == known.source
        if (
            untouched
            and known.solution
            and known.cell_type == "markdown"
            and _written_beside(definition, rebuilt, cell)
        ):
            untouched = False
        if known.grade and known.by_hand:
            # What was put back says nothing about an answer that may stand elsewhere.
            sure = untouched and not fault and known.name not in rebuilt.unfound
            verdict.scores[known.name] = 0.0 if sure else None
        elif known.grade:
            score, why = points(known, results.get(cell["id"]), fault)
            if score == 0 and known.points and rebuilt.unfound and why is None:
                score, why = None, next(iter(rebuilt.unfound.values()))
            verdict.scores[known.name] = score
            if why:
                verdict.unsure[known.name] = why
        if known.solution and (not untouched or known.name in rebuilt.unfound):
            verdict.untouched = False
        if known.solution or known.task:
            answered = known.task or not untouched or fault or known.name in rebuilt.unfound
            verdict.comments[known.name] = None if answered else NO_RESPONSE
    _explain(definition, verdict)
    return verdict


def _written_beside(definition: Definition, rebuilt: Rebuilt, cell: Node) -> bool:
    """Whether a text of the student's own stands right before or after a cell: it may be the answer."""
    place = rebuilt.cells.index(cell)
    before, after = reversed(rebuilt.cells[:place]), rebuilt.cells[place + 1 :]
    for others in (before, after):
        for other in others:
            if other["id"] in rebuilt.names:
                break
            if other["cell_type"] != "code" and definition.is_own_text(other["source"]):
                return True
    return False


def points(known: Cell, result: Outcome | None, fault: str | None) -> tuple[float | None, str | None]:
    """Give the points of one test, or None and the reason why a person must give them."""
    most = known.points or 0.0
    if most == 0:
        # Set-up, or a test for the student alone: whatever came of it, it is worth nothing.
        return 0.0, None
    if fault:
        return None, fault
    if result is None:
        return None, "the grader lost the result of this test"
    value = result.value
    if result.status.failed:
        return 0.0, None
    if result.status != Status.OK:
        return None, _reason(result) or f"the test did not run ({result.status})"
    if result.unclear:
        return None, f"the test gave {result.unclear} for its points"
    if value is None:
        return most, None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return None, f"the test gave {str(value)[:40]} for its points"
    return min(max(float(value), 0.0), most), None


def _reason(result: Outcome) -> str:
    """Find what the engine says of a test that it could not run."""
    errors = [output for output in result.outputs if output.get("output_type") == "error"]
    return clean(errors[-1].get("evalue"), 300) if errors else ""


def _explain(definition: Definition, verdict: Verdict) -> None:
    """Put the reasons where a person sees them: nbgrader shows comments at solutions and tasks only."""
    names: dict[str, list[str]] = {}
    for name, reason in verdict.unsure.items():
        names.setdefault(reason, []).append(name)
    for reason, tests in names.items():
        if place := _before(definition, verdict, tests[0]):
            said = [verdict.comments[place], f"Not graded automatically ({', '.join(tests)}): {reason}"]
            verdict.comments[place] = "\n".join(line for line in said if line)


def _before(definition: Definition, verdict: Verdict, name: str) -> str | None:
    """Find the solution that a test belongs to: the last one before it, or else the first."""
    place = next((cell.name for cell in definition.cells if cell.name in verdict.comments), None)
    for cell in definition.cells:
        if cell.name == name:
            break
        if cell.name in verdict.comments:
            place = cell.name
    return place
