"""What a run has found, for people and for programs."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from rich.table import Table
from rich.text import Text

from npfl_grader.grading.tried import Tried


class State(StrEnum):
    """How far a submission was graded."""

    GRADED = "graded"
    PARTLY = "partly graded"
    LOOK = "needs a look"


@dataclass
class Row:
    """One student's line.

    Attributes
    ----------
    student : str
        The student.
    state : State
        "graded"; "partly graded": some tests could not be judged; "needs a look": none could be, or nobody
        knows whether it came in time.
    points, most : float
        What the tests gave, and could have given; answers that a person grades are not in it.
    by_hand : int
        How many answers wait for a person, as the instructor planned.
    reasons : list of str
        Why it is not graded, or what was mended.
    missing : list of str
        The notebooks that were not handed in.
    handed_in : bool
        Whether any was.
    together : list of str
        The tests whose points were given in one process with the student's code.
    mended : bool
        Whether something was put back, dropped or guessed, as the reasons say.
    failed : dict
        For each notebook, the failed tests and their messages.
    level : str or None
        The protection under which it ran.
    skipped : bool
        Whether it was graded before and has not changed.
    seconds : float
        How long it ran.
    """

    student: str
    state: State = State.GRADED
    points: float = 0.0
    most: float = 0.0
    by_hand: int = 0
    reasons: list[str] = field(default_factory=list)
    together: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    handed_in: bool = True
    mended: bool = False
    failed: dict[str, dict[str, str]] = field(default_factory=dict)
    level: str | None = None
    skipped: bool = False
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.state = State(self.state)


@dataclass
class Report:
    """A run over an assignment.

    Attributes
    ----------
    level : str
        The protection under which it ran.
    weaker : str
        Why that is not the strongest.
    memory : str
        By what a submission's memory is kept within the limit, as a sum.
    solutions : dict
        How the instructor's own solution did, for each notebook, by name.
    unknown : list of str
        The notebooks whose solution is not there to be tried.
    """

    assignment: str
    level: str
    engine: str
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    weaker: str = ""
    memory: str = ""
    solutions: dict[str, Tried] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def complete(self) -> bool:
        """Whether every submission was graded whole, as it was handed in."""
        return all(row.state is State.GRADED and not row.mended for row in self.rows)

    def counts(self) -> dict[str, int]:
        """Count the submissions by state."""
        counts = Counter(row.state for row in self.rows)
        return {state.value: counts[state] for state in State}

    def json(self) -> str:
        """Write the report for programs."""
        return json.dumps(
            {"complete": self.complete, "counts": self.counts()} | asdict(self),
            ensure_ascii=False,
            indent=1,
            sort_keys=True,
        )

    def warnings(self) -> list[str]:
        """Say what the instructor should know of the assignment itself, one line each."""
        unknown = (
            "your solution is not in the source folder, so a check that a student passes only in one process "
            "with the tests is left to you"
        )
        return [
            *(f"{name}, {line}" for name, tried in self.solutions.items() for line in tried.warnings()),
            *(f"{name}: {unknown}" for name in self.unknown),
        ]

    def table(self) -> Table:
        """Draw the summary: how many of each kind, and all of which there is something to say."""
        table = Table(title=f"{self.assignment}: {len(self.rows)} submissions", title_justify="left")
        for name in ("", "submissions", "points", "why"):
            table.add_column(name, overflow="fold")
        counts = self.counts()
        whole = [row for row in self.rows if row.state is State.GRADED]
        mean = (
            f"mean {sum(row.points for row in whole) / len(whole):.2f} of {whole[0].most:g}" if whole else ""
        )
        skipped = sum(row.skipped for row in self.rows)
        table.add_row(
            State.GRADED,
            str(counts[State.GRADED]),
            mean,
            f"{skipped} of all unchanged since the last run" if skipped else "",
        )
        for state in (State.PARTLY, State.LOOK):
            table.add_row(state, str(counts[state]), "", "", end_section=state is State.LOOK)
        for row in sorted(self.rows, key=lambda row: row.student):
            if row.state is not State.GRADED or row.reasons:
                points = f"{row.points:g} of {row.most:g}"
                table.add_row(row.state, Text(row.student), points, Text("\n".join(row.reasons)))
        return table


def rows(path: Path) -> dict[str, Row]:
    """Read the rows of a report that `Report.json` has written; none where there is no such file."""
    try:
        return {fields["student"]: Row(**fields) for fields in json.loads(path.read_bytes())["rows"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def log(row: Row, report: Report) -> str:
    """Write what there is to say about one submission, for people."""
    lines = [
        f"{report.started} {report.assignment}: {row.student}",
        f"{row.state}: {row.points:g} of {row.most:g} points from tests"
        + (f"; {row.by_hand} answers wait for a person" if row.by_hand else ""),
        f"protection: {row.level or 'nothing was run'}; engine: {report.engine}; {row.seconds:.2f} s",
        *row.reasons,
        *(f"{test}: judged in one process with the student's code, unprotected" for test in row.together),
    ]
    for notebook, failed in row.failed.items():
        lines += [f"{notebook}: {name} failed: {message}" for name, message in failed.items()]
    return "\n".join(lines) + "\n"
