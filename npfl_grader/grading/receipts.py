"""Receipts: what is kept of a graded submission, to know it again and to skip what has not changed.

Beside them, in ``grading/ASSIGNMENT``, lie the logs for people.
"""

import functools
import hashlib
import json
import platform
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npfl_grader.grading.report import Row

if TYPE_CHECKING:
    from npfl_grader.course.settings import Course


@dataclass
class Receipt:
    """What is kept of one student's submission.

    Attributes
    ----------
    digests : dict
        For each notebook that was graded for certain, what its grade depends on.
    row : Row
        What the report said.
    """

    digests: dict[str, str] = field(default_factory=dict)
    row: Row | None = None


def folder(course: "Course", assignment: str) -> Path:
    """Name the folder of an assignment's receipts and logs."""
    return course.root / "grading" / assignment


def report_path(course: "Course", assignment: str) -> Path:
    """Name the file of the last run's report."""
    # A name such as "hw1.2" has a point of its own.
    return folder(course, assignment).with_name(f"{assignment}.json")


def solutions_path(course: "Course", assignment: str) -> Path:
    """Name the file of what is known of the instructor's own solutions."""
    return folder(course, assignment).with_name(f"{assignment}.solution.json")


def path(course: "Course", assignment: str, student: str) -> Path:
    """Name the file of a student's receipt."""
    return folder(course, assignment) / f"{student}.json"


def load(course: "Course", assignment: str, student: str) -> Receipt:
    """Read a receipt; an empty one where there is none that can be read."""
    try:
        fields = json.loads(path(course, assignment, student).read_bytes())
        return Receipt(dict(fields["digests"]), Row(**fields["row"]))
    except (OSError, ValueError, LookupError, TypeError):
        return Receipt()


def dump(receipt: Receipt) -> str:
    """Write a receipt as text."""
    return json.dumps(asdict(receipt), indent=1, sort_keys=True)


def digest(*parts: Any) -> str:
    """Know again what is made of parts that JSON can write, in this process or another.

    Examples
    --------
    >>> digest({"texts": frozenset({"a", "b"})}) == digest({"texts": ["a", "b"]})
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    # The order of a set is another one in each process.
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


@functools.cache
def environment() -> str:
    """Name what results depend on beside the submission: Python, the packages, the grader's own code."""
    # These folders are called by package and version; to read what is in them takes a hundred times longer.
    packages = sorted({path.name for folder in sys.path for path in Path(folder).glob("*-*.*-info")})
    code = hashlib.sha256()
    for module in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(module.read_bytes())
    return digest(platform.python_version(), platform.machine(), packages, code.hexdigest())
