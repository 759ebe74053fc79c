"""Packages without compiled parts, from PyPI by pip, with the user's own settings for it."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from npfl_book.browser.cache import CACHE, BrowserError


def key(name: str) -> str:
    """Return the name of a package as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find(python: str, wanted: dict[str, str]) -> dict[str, Path]:
    """Find packages, by name and version, and download those that are not in the cache yet.

    Parameters
    ----------
    python : str
        The version of Python that is to import them, such as "3.14".
    wanted : dict
        The version of each package.

    Returns
    -------
    dict
        The wheel of each package.
    """
    folder = CACHE / "wheels" / python

    def here() -> dict[str, Path]:
        found = {tuple(path.name.split("-")[:2]): path for path in folder.glob("*.whl")}
        return {key(name): path for (name, at), path in found.items() if wanted.get(key(name)) == at}

    folder.mkdir(parents=True, exist_ok=True)
    if missing := [f"{name}=={wanted[name]}" for name in wanted if name not in here()]:
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", beside]
            command += ["--disable-pip-version-check", "--only-binary=:all:", "--platform=any"]
            command += [f"--python-version={python}", *missing]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            for wheel in Path(beside).glob("*.whl"):
                wheel.replace(folder / wheel.name)
        if lacking := [name for name in wanted if name not in here()]:
            why = (done.stderr.strip().splitlines() or ["pip did not say why"])[-1]
            raise BrowserError(f"PyPI did not give {', '.join(lacking)} for the browser: {why}")
    return here()
