"""What was graded is known again by another process."""

import subprocess
import sys

DIGEST = """\
from dataclasses import asdict
from npfl_grader.course.definition import Cell, Definition
from npfl_grader.grading import receipts
cell = Cell("a", "code", "x = 1", True, False, False, False, None, None)
found = Definition("n", {"name": "python3"}, (cell,), frozenset(map(str, range(50))))
print(receipts.digest(asdict(found)), receipts.environment())
"""


def test_a_digest_is_the_same_in_every_process():
    """Python orders sets by hashes that it draws anew for each process."""
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
