"""Two opinions of a test: apart from the student's code, and together with it in one process.

Apart, nothing that the student's code does can change the test, but only values cross from one process to the
other: a pass can be trusted, a failure may come from what could not cross. Together, as nbgrader runs it,
nothing has to cross, but the student's code can reach the test: a failure can be trusted, a pass cannot. So a
test that is passed apart is passed, and one that fails both ways is failed. Where only the second opinion is
a pass, what the instructor's own solution does decides: if it passes only together as well, the test is such
that it must be run together; if it passes apart, a person looks at the two outcomes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from npfl_grader.course.definition import Definition
from npfl_grader.engine.job import Outcome, Side, Status
from npfl_grader.grading import verdict
from npfl_grader.grading.intake import Rebuilt

_TELLING = {"AssertionError", "NoAnswer"}  # what a test says of values that crossed, and of code that hung


@dataclass
class Settled:
    """What the two opinions come to.

    Attributes
    ----------
    results : dict
        For each cell, by id, the result that counts; without evidence a ``fault`` that gives the reason.
    together : list of str
        The tests, by grade id, whose points come from the second opinion alone.
    disagreements : dict
        For each test that a person must settle, by grade id, what it said apart.
    """

    results: dict[str, Outcome]
    together: list[str] = field(default_factory=list)
    disagreements: dict[str, str] = field(default_factory=dict)


def in_doubt(definition: Definition, rebuilt: Rebuilt, results: dict[str, Outcome]) -> list[str]:
    """List the tests, by cell id, that were not passed with full points apart from the student's code."""
    tests = {cell.name: cell for cell in definition.cells if cell.grade and cell.points and not cell.by_hand}
    return [
        cell["id"]
        for cell in rebuilt.cells
        if (known := tests.get(rebuilt.names.get(cell["id"], "")))
        and verdict.points(known, results.get(cell["id"]), None)[0] != known.points
    ]


def may_be_shown(
    definition: Definition,
    rebuilt: Rebuilt,
    apart: dict[str, Outcome],
    only_together: frozenset[str],
) -> set[str]:
    """Name the tests, by cell id, of which `settle` may show what they said together."""
    known = {cell.name: cell for cell in definition.cells}
    return {
        number
        for number in in_doubt(definition, rebuilt, apart)
        if (name := rebuilt.names[number]) in only_together
        or verdict.points(known[name], apart.get(number), None)[0] is None
        or not _tells(apart.get(number))
    }


def settle(
    definition: Definition,
    rebuilt: Rebuilt,
    apart: dict[str, Outcome],
    together: dict[str, Outcome],
    *,
    only_together: frozenset[str],
    lost: dict[str, str],
    secret: Callable[[str], bool],
    say: Callable[[str, Outcome | None], str],
) -> Settled:
    """Bring the two opinions together.

    Parameters
    ----------
    definition : Definition
        The instructor's cells.
    rebuilt : Rebuilt
        The submission.
    apart, together : dict
        The engine's results for each cell, by id.
    only_together : frozenset of str
        The tests, by grade id, that the instructor's solution passes only together, if such a pass counts.
    lost : dict
        The tests, by grade id, that the instructor's solution does not pass, and why.
    secret : callable
        Whether the cell with this id has parts that students must not see.
    say : callable
        What may be told of a cell's result, in one line.
    """
    settled = Settled(dict(apart))
    known = {cell.name: cell for cell in definition.cells}
    doubtful = set(in_doubt(definition, rebuilt, apart))
    seen_secret = False
    for cell in rebuilt.cells:
        number = cell["id"]
        seen_secret = seen_secret or secret(number)
        if number not in doubtful:
            continue
        name = rebuilt.names[number]
        first, second = apart.get(number), together.get(number)
        before, _ = verdict.points(known[name], first, None)
        after, why = verdict.points(known[name], second, None)
        if second is None or after is None:
            if before is None:
                continue  # the first reason is as good as the second
            # A failure apart from the student's code is no evidence by itself.
            settled.results[number] = fault(first, f"{say(number, first)}; tried again: {why}")
        elif after > (before or 0.0):
            if name in only_together:
                settled.together.append(name)
                settled.results[number] = _without_secrets(second) if seen_secret else second
                continue
            settled.disagreements[name] = say(number, first)
            settled.results[number] = fault(
                first,
                f"apart from the student's code this check fails ({settled.disagreements[name]}), in one "
                f"process with it, it gives {after:g} of {known[name].points:g} points",
            )
        elif name in lost:
            settled.disagreements[name] = say(number, first)
            settled.results[number] = fault(
                first,
                f"your own solution does not pass this check here ({lost[name]}), so a failure says nothing: "
                f"{settled.disagreements[name]}",
            )
        elif before is None or not _tells(first):
            settled.results[number] = _without_secrets(second) if seen_secret else second
            if before:  # partial points, which a failure together does not take away
                settled.results[number] = replace(
                    settled.results[number], status=Status.OK, value=before, unclear=""
                )
    return settled


def _tells(result: Outcome | None) -> bool:
    """Say whether a failure speaks of the answer itself, not of an object that could not cross."""
    if result is None or result.status != Status.ERROR or result.raised == Side.STUDENT:
        return True
    errors = [output for output in result.outputs if output["output_type"] == "error"]
    return not errors or errors[-1]["ename"] in _TELLING


def fault(first: Outcome | None, reason: str) -> Outcome:
    """Make of an outcome one that a person must settle, for a reason."""
    first = first or Outcome(Status.FAULT)
    said = {"output_type": "error", "ename": "NotGraded", "evalue": reason, "traceback": []}
    return replace(first, status=Status.FAULT, outputs=[*first.outputs, said], value=None, raised=Side.TEST)


def _without_secrets(result: Outcome) -> Outcome:
    """Keep only how a test ended: a hidden one was in the process, and its text may be in any output."""
    if not result.status.failed:
        return replace(result, outputs=[])
    error = {
        "output_type": "error",
        "ename": "CheckFailed",
        "evalue": "this check failed",
        "traceback": ["CheckFailed: this check failed"],
    }
    return replace(result, outputs=[error], raised=Side.TEST)
