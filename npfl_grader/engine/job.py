"""What the engine is given and what it returns: the one place where both are specified.

All are values: they compare, they can be sent to another process or machine, and `Job.encode` and
`Result.encode` are the one way in which they are written as bytes.
"""

import base64
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self, TypedDict

MOST_WAITING = 5  # times a limit by which waiting for a processor may extend it


class Role(StrEnum):
    """Where a cell runs."""

    LOCKED = "locked"  # the instructor's, on both sides
    STUDENT = "student"
    TEST = "test"
    TEXT = "text"


class Status(StrEnum):
    """What became of a cell."""

    OK = "ok"
    ERROR = "error"  # it has raised an exception
    TIMEOUT = "timeout"  # the student's code took too long
    CRASH = "crash"  # the student's code ended its process
    FAULT = "fault"  # the grader failed, or the test asks for what cannot be done: no evidence of anything
    SKIPPED = "skipped"

    @property
    def failed(self) -> bool:
        """Whether it is evidence against the student's code."""
        return self in (Status.ERROR, Status.TIMEOUT, Status.CRASH)


class Side(StrEnum):
    """Whose code has raised the exception that ended a test."""

    TEST = "test"
    STUDENT = "student"


class Level(StrEnum):
    """How well a machine can confine what students wrote; see `npfl_grader.engine.host.sandbox`."""

    NONE = "none"
    LANDLOCK = "landlock"
    FULL = "full"

    def allows(self, required: "Level") -> bool:
        """Whether it is at least as strong as another one."""
        order = list(Level)
        return order.index(self) >= order.index(required)


class Probe(TypedDict):
    """What a machine allows: a level, for each stronger one why it does not, and how memory is counted."""

    level: Level
    reasons: dict[str, str]
    memory: str


class Engine(StrEnum):
    """How the cells run."""

    TWO_PROCESS = "two-process"  # the tests in a process of their own
    TOGETHER = "together"  # all in one process, inside the sandbox
    KERNEL = "kernel"  # all in one kernel of Jupyter's, inside the sandbox


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    cell, call, notebook : float
        Seconds for a cell, for one answer of the student's code, and for all cells.
    memory : int
        Bytes for each process, and for all together.
    processes : int
        Processes and threads.
    output : int
        Bytes of output of all cells.
    file : int
        Bytes of a file, and half of what all files may have.
    """

    cell: float = 30
    call: float = 10
    notebook: float = 180
    memory: int = 2_000_000_000
    processes: int = 64
    output: int = 1_000_000
    file: int = 50_000_000


@dataclass(frozen=True)
class Cell:
    """A cell to run.

    Attributes
    ----------
    id : str
        Its name in the result.
    role : Role
        Where it runs.
    source : str
        What is run.
    brief : bool
        Whether exceptions are shown without their tracebacks, which take most of a failed test's time.
    assigned : tuple of str
        Variables of the instructor's cells before it that it assigns anew; they are the student's then.
    late : bool
        Whether it is a test that the student's code did not answer in time in a process of its own.
    """

    id: str
    role: Role
    source: str
    brief: bool = False
    assigned: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True)
class Job:
    """One submission to run.

    Attributes
    ----------
    cells : tuple of Cell
        In the notebook's order.
    limits : Limits
        What it may use.
    files, student_files : dict of bytes
        By relative path, for both sides, and for the student's alone.
    require : Level
        The weakest protection allowed.
    engine : Engine
        How it runs.
    followed : tuple of str
        Names that functions of the solution read whenever they are called: what a test makes of them, the
        student's code is to find.
    modules : dict of str
        Modules that the instructor's notebook imports in cells of the student's, by the names it gives them.
    """

    cells: tuple[Cell, ...]
    limits: Limits = field(default_factory=Limits)
    files: dict[str, bytes] = field(default_factory=dict)
    student_files: dict[str, bytes] = field(default_factory=dict)
    require: Level = Level.FULL
    engine: Engine = Engine.TWO_PROCESS
    followed: tuple[str, ...] = ()
    modules: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> list[int]:
        """The indices of the cells that hold code."""
        return [index for index, cell in enumerate(self.cells) if cell.role != Role.TEXT]

    def encode(self) -> bytes:
        """Write it as UTF-8 JSON, files in base64."""
        written = asdict(self)
        for name in ("files", "student_files"):
            written[name] = {
                path: base64.b64encode(data).decode() for path, data in getattr(self, name).items()
            }
        return json.dumps(written).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` has written."""
        read: dict[str, Any] = json.loads(data)
        files, student_files = (
            {path: base64.b64decode(text) for path, text in read.get(name, {}).items()}
            for name in ("files", "student_files")
        )
        cells = tuple(
            Cell(
                cell["id"],
                Role(cell["role"]),
                cell["source"],
                bool(cell.get("brief")),
                tuple(cell.get("assigned", ())),
                bool(cell.get("late")),
            )
            for cell in read["cells"]
        )
        limits, require = Limits(**read["limits"]), Level(read["require"])
        followed, modules = tuple(read.get("followed", ())), read.get("modules", {})
        return cls(cells, limits, files, student_files, require, Engine(read["engine"]), followed, modules)


Output = dict[str, Any]  # of a cell, in nbformat's shape


@dataclass
class Outcome:
    """What became of one cell.

    Attributes
    ----------
    status : Status
        How it ended.
    outputs : list of Output
        What it has shown; an exception is always among them.
    value : object
        The number that its last expression gave, or None where that gave none.
    unclear : str
        What else the last expression gave, which is neither None nor a number.
    raised : Side or None
        Whose code raised the exception.
    id : str
        The cell's.
    execution_count : int or None
        The number that its prompt shows.
    by_clock : bool
        Whether it was late by the clock alone, and had not used the processor for half as long.
    asked : list of str
        For which attributes, and by which operators, a test has taken the word of an object of the student's.
    """

    status: Status
    outputs: list[Output] = field(default_factory=list)
    value: object = None
    unclear: str = ""
    raised: Side | None = None
    id: str = ""
    execution_count: int | None = None
    by_clock: bool = False
    asked: list[str] = field(default_factory=list)


@dataclass
class Result:
    """What became of a job.

    Attributes
    ----------
    cells : list of Outcome
        In the job's order; empty if there was a fault.
    fault : str or None
        Why it could not be run.
    level : Level or None
        The protection under which it ran.
    seconds : float
        How long it took.
    log : str
        The tracebacks of what the engine itself failed with.
    final : bool
        Whether trying again is of no use.
    """

    cells: list[Outcome] = field(default_factory=list)
    fault: str | None = None
    level: Level | None = None
    seconds: float = 0.0
    log: str = ""
    final: bool = False

    def encode(self) -> bytes:
        """Write it as UTF-8 JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` has written, or any other engine; a status that nobody knows is a fault.

        Raises
        ------
        ValueError
            If it is no result.
        """
        read = _a(dict, json.loads(data))
        cells = []
        for cell in _a(list, read.get("cells", [])):
            _a(dict, cell)
            outputs = [_a(dict, output) for output in _a(list, cell.get("outputs"))]
            status, raised = cell.get("status"), cell.get("raised")
            cells.append(
                Outcome(
                    status=Status(status) if status in list(Status) else Status.FAULT,
                    outputs=outputs,
                    value=cell.get("value"),
                    unclear=_a(str, cell.get("unclear", "")),
                    raised=Side(raised) if raised else None,
                    id=_a(str, cell.get("id")),
                    execution_count=_a(int | None, cell.get("execution_count")),
                    by_clock=bool(cell.get("by_clock")),
                    asked=[_a(str, name) for name in _a(list, cell.get("asked", []))],
                )
            )
        return cls(
            cells,
            _a(str | None, read.get("fault")),
            Level(read["level"]) if read.get("level") else None,
            _a(float | int, read.get("seconds", 0.0)),
            _a(str, read.get("log", "")),
            bool(read.get("final")),
        )


def _a(kind: Any, value: Any) -> Any:
    """Return a value if it is of the kind that it must be."""
    if not isinstance(value, kind):
        raise ValueError(f"{kind} is needed")
    return value
