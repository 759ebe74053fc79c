"""What was graded is known again by another process."""

import os
import subprocess
import sys
from pathlib import Path

from npfl_grader.cli.autograde import something_is_new

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


def test_what_may_have_to_be_graded_is_guessed_from_the_times_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook, receipt = Path("submitted/ada/hw[1]/hw.ipynb"), Path("grading/hw[1]/ada.json")
    for file in (notebook, receipt):
        file.parent.mkdir(parents=True)
        file.touch()
    os.utime(notebook, (1, 1))
    assert not something_is_new(["hw[1]"])
    assert not something_is_new(["hw1"])
    os.utime(notebook)
    os.utime(receipt, (2, 2))
    assert something_is_new(["hw1", "hw[1]"])
    receipt.unlink()
    os.utime(notebook, (1, 1))
    assert something_is_new(["hw[1]"])
