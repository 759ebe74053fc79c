"""The list of mistakes that the suite must notice fits the package; `make mutation` tries them all."""

import subprocess
import sys
from pathlib import Path


def test_every_mistake_can_be_made():
    script = Path(__file__).parent / "mutation" / "run.py"
    done = subprocess.run([sys.executable, script, "--list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 problems" in done.stdout
