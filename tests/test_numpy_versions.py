"""The package needs NumPy alone, and passes its tests on the oldest supported NumPy and on the newest."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ["hypothesis", "matplotlib", "pytest", "pytest-timeout", "scikit-learn"]

OTHERS = (Path(__file__).name, "test_install.py", "test_mutations.py")  # which are not about npfl's code


def oldest():
    """Read the lower bound in pyproject.toml, such as "numpy==1.26.*"."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, project["dependencies"]):
        if requirement.name == "numpy" and (requirement.marker is None or requirement.marker.evaluate()):
            return f"{requirement.specifier}".replace(">=", "numpy==") + ".*"
    raise AssertionError("pyproject.toml names no NumPy for this Python")


def test_numpy_is_all_that_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {Requirement(text).name for text in project["dependencies"]} == {"numpy"}
    modules = sorted((ROOT / "npfl").rglob("*.py"))
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in modules
    ]
    code = (
        "import importlib, importlib.metadata, sys\n"
        "for name in importlib.metadata.packages_distributions():\n"
        "    if name not in ('numpy', 'npfl'):\n"
        "        sys.modules[name] = None\n"
        f"for name in {names}:\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("numpy", [oldest(), "numpy"])
def test_package_on(numpy, tmp_path):
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    for step in (
        [uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"],
        [uv, "pip", "install", "--quiet", "--python", tmp_path / "venv", numpy, *TOOLS],
    ):
        made = subprocess.run(step, capture_output=True, text=True, check=False)
        assert made.returncode == 0, f"{numpy} cannot be installed from the package index: {made.stderr}"
    python = tmp_path / "venv" / "bin" / "python"
    version = subprocess.check_output(
        [python, "-c", "import numpy; print(numpy.__version__)"], text=True
    ).strip()
    if version == np.__version__:
        pytest.skip(f"all tests run on the newest NumPy, {version}, already")
    tests = [path for path in sorted((ROOT / "tests").glob("test_*.py")) if path.name not in OTHERS]
    modules = [path for path in sorted((ROOT / "npfl").rglob("*.py")) if "explore" not in path.parts]
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *modules],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
