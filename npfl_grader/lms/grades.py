"""What is published, and what there is to say about it."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from npfl_grader.course.gradebook import Person

SHOWN = 5


@dataclass(frozen=True)
class Choice:
    """What is published, and how.

    Attributes
    ----------
    system : str
        One of `systems.names`.
    template : Path or None
        The list of grades that the system exports, into which the grades are filled.
    column : str
        The title of the grade's column; by default found by the assignment's name.
    absent : str
        What those have who handed in nothing: "zero" or "blank".
    encoding : str
        Of the template; by default it is found out.
    """

    system: str
    template: Path | None = None
    column: str = ""
    absent: str = "zero"
    encoding: str = ""


@dataclass
class Grade:
    """A student's grade for an assignment.

    Attributes
    ----------
    score, penalty : Decimal
        nbgrader's points, and what is taken off for being late.
    points : Decimal
        What is published.
    submitted : bool
        Whether something was graded.
    waiting : bool
        Whether an answer waits for a person.
    """

    person: Person
    score: Decimal = Decimal(0)
    penalty: Decimal = Decimal(0)
    points: Decimal = Decimal(0)
    submitted: bool = False
    waiting: bool = False


@dataclass
class Outcome:
    """What was made.

    Attributes
    ----------
    notes : list of str
        What there is to know.
    doubts : list of str
        What needs a look before the grades are imported.
    """

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def some(names: list[str]) -> str:
    """Name the first of many."""
    return f"{', '.join(names[:SHOWN])}{' …' if len(names) > SHOWN else ''}"
