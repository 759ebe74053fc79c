"""Run the package's tests on the oldest NumPy that it supports, and on the newest.

Each gets a fresh environment made by uv, which keeps downloads in its cache. Where the packages cannot be
had, as without a network, that NumPy is reported as skipped; ``--require`` makes it an error.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("hypothesis", "pytest", "pytest-xdist", "scikit-learn", "scipy")


def oldest() -> str:
    """Return the lower bound in pyproject.toml, such as "numpy==1.26.*"."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (numpy,) = (dependency for dependency in dependencies if dependency.startswith("numpy"))
    return numpy.replace(">=", "==") + ".*"


def uv(*arguments: str) -> subprocess.CompletedProcess:
    beside = Path(sys.executable).with_name("uv")
    command = str(beside) if beside.exists() else shutil.which("uv")
    if command is None:
        raise SystemExit("uv is missing: pip install uv")
    return subprocess.run([command, *arguments], capture_output=True, text=True)


def run(numpy: str, folder: Path) -> bool | None:
    """Test with one NumPy; return whether all passed, or None if it could not be installed."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = uv("venv", "--quiet", "--python", sys.executable, str(folder))
    if made.returncode == 0:
        made = uv("pip", "install", "--quiet", "--python", str(python), numpy, *TOOLS)
    if made.returncode:
        print(f"{numpy}: SKIPPED, it could not be installed. {made.stderr.strip()}", flush=True)
        return None
    version = [str(python), "-c", "import numpy; print(numpy.__version__)"]
    print(f"NumPy {subprocess.run(version, capture_output=True, text=True).stdout.strip()}", flush=True)
    tests = [str(path) for path in sorted((ROOT / "tests").glob("test_*.py"))]
    modules = [str(path) for path in sorted((ROOT / "npfl").glob("*.py"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(python), "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *tests, *modules]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--require", action="store_true", help="fail if a NumPy cannot be installed")
    arguments = parser.parse_args()
    results = {}
    for numpy in (oldest(), "numpy"):
        with tempfile.TemporaryDirectory() as folder:
            results[numpy] = run(numpy, Path(folder) / "environment")
    words = {True: "passed", False: "FAILED", None: "skipped"}
    print("; ".join(f"{numpy}: {words[result]}" for numpy, result in results.items()))
    return int(False in results.values() or (arguments.require and None in results.values()))


if __name__ == "__main__":
    raise SystemExit(main())
