"""Pyodide with the packages that the book's code imports, written where it has changed.

It is Pyodide's core from npm, pure packages from PyPI, npfl itself, and those of Pyodide's own compiled
packages that were found; a list with their hashes goes with it, and Pyodide loads nothing whose hash is
another.
"""

import gzip
import json
import os
import shutil
import sys
import tempfile
import zipfile
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path
from typing import NamedTuple

from npfl_book import ROOT, node
from npfl_book.browser import pypi, release
from npfl_book.browser.cache import BrowserError, sha256

HERE = Path(__file__).parent
CORE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"]
# What JupyterLite's kernel starts with, and what the book's code imports.
WANTED = ["micropip", "ipython", "jedi", "numpy", "matplotlib"]
# Where it is missing (up to Pyodide 0.29 it is a compiled package), IPython only keeps no history.
OPTIONAL = {"sqlite3"}
# Not part of Pyodide: the versions of this environment.
ADDED = {
    "comm": [],
    "ipywidgets": ["comm", "ipython", "traitlets"],
}
# Those that come with JupyterLite's kernel, beside its script.
KERNEL = ["ipykernel", "piplite", "pyodide-kernel"]
PYPI = Path(sys.prefix, "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi")
# What every notebook begins with.
FIRST = ["comm", "ipython", "jedi", "micropip", *KERNEL]


class Distribution(NamedTuple):
    """What is in it.

    ``sizes`` holds what the core (``core``), each package, core and packages that every notebook loads
    (``notebook``), and those that a figure needs (``figures``), if they are there, weigh when a server sends
    them compressed, in bytes; ``modules`` what code can import.
    """

    sizes: dict[str, int]
    modules: set[str]


def pyodide_list() -> dict:
    """Read the list of Pyodide's packages that comes with its core."""
    try:
        found: dict = json.loads((node.PYODIDE / "pyodide-lock.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BrowserError(
            "Pyodide is not installed: run 'make install' (or 'npm ci' in npfl_book)"
        ) from None
    for package in found["packages"].values():  # "prompt_toolkit" stands for "prompt-toolkit"
        package["depends"] = list(map(pypi.key, package["depends"]))
    return found


def pyodide_version() -> str:
    """Return the version of the installed Pyodide; ``npfl_book/package.json`` sets it."""
    return str(json.loads((node.PYODIDE / "package.json").read_text(encoding="utf-8"))["version"])


def needed(packages: dict, wanted: list[str]) -> dict:
    """Return the packages that are wanted, as far as they are there, with all that they depend on."""
    found, todo = {}, list(wanted)
    while todo:
        name = todo.pop()
        if name in packages and name not in found:
            found[name] = packages[name]
            todo += packages[name]["depends"]
    return found


def is_pure(package: dict) -> bool:
    """Tell whether PyPI has this file; Pyodide packs it anew, so that its hash is another."""
    return str(package["file_name"]).endswith("-none-any.whl")


def compiled(listed: dict) -> dict[str, Path]:
    """Find the compiled packages that the book wants; NumPy, which most code needs, first."""
    known = needed(listed["packages"], WANTED)
    packages = {name: known[name] for name in sorted(known, key=lambda name: (name != "numpy", name))}
    return release.find({n: p for n, p in packages.items() if not is_pure(p)}, pyodide_version())


def write_npfl(folder: Path) -> Path:
    """Write the package npfl as a wheel, the same for the same files, with the digits out of scikit-learn."""
    wheel = folder / f"npfl-{version('npfl')}-py3-none-any.whl"
    info = f"npfl-{version('npfl')}.dist-info"
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in sorted((ROOT / "npfl").rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files["npfl/digits.csv.gz"] = resources("sklearn.datasets.data").joinpath("digits.csv.gz").read_bytes()
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: npfl\nVersion: {version('npfl')}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = b""
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return wheel


def link(source: str | Path, target: str | Path) -> None:
    """Place a file; where the file system can, without a second copy of it."""
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def write(folder: Path, listed: dict, compiled: dict[str, Path]) -> dict:
    """Write Pyodide with the book's packages into a new folder.

    Parameters
    ----------
    folder : Path
        The new folder.
    listed : dict
        Pyodide's own list.
    compiled : dict
        The files of the compiled packages that are there.

    Returns
    -------
    dict
        The packages of the new list.
    """
    known = needed(listed["packages"], WANTED)
    pure = {name: package for name, package in known.items() if is_pure(package)}
    python = ".".join(listed["info"]["python"].split(".")[:2])
    wanted = {pypi.key(name): package["version"] for name, package in pure.items()}
    wanted |= {name: version(name) for name in ADDED}
    wheels = pypi.find(python, wanted)
    # A package without one of its parts is of no use, and neither are its other parts.
    absent = known.keys() - pure.keys() - compiled.keys()
    while more := {n for n in known.keys() - absent if (absent - OPTIONAL) & set(known[n]["depends"])}:
        absent |= more
    known = needed({name: package for name, package in known.items() if name not in absent}, WANTED)
    folder.mkdir(parents=True)
    packages = {}
    for name in known:
        path = compiled.get(name) or wheels[pypi.key(name)]
        packages[name] = known[name] | {"file_name": path.name, "sha256": sha256(path)}
        link(path, folder / path.name)
    others = {name: (wheels[name], depends) for name, depends in ADDED.items()}
    for name in KERNEL:  # "numpy": every exercise begins with it
        others[name] = (next(PYPI.glob(f"{name.replace('-', '_')}-*.whl")), ["numpy"])
    for path, _ in others.values():
        link(path, folder / path.name)
    others["npfl"] = (write_npfl(folder), ["numpy"])
    for name, (path, depends) in others.items():
        packages[name] = {
            "depends": depends,
            "file_name": path.name,
            "imports": [name.replace("-", "_")],
            "install_dir": "site",
            "name": name,
            "package_type": "package",
            "sha256": sha256(path),
            "unvendored_tests": False,
            "version": path.name.split("-")[1],
        }
    for package in packages.values():
        # What is not in this copy cannot be asked for.
        package["depends"] = [name for name in package["depends"] if name in packages]
    (folder / "pyodide-lock.json").write_text(json.dumps(listed | {"packages": packages}), encoding="utf-8")
    for name in CORE:
        if (node.PYODIDE / name).exists():
            link(node.PYODIDE / name, folder / name)
    return packages


def update(folder: Path) -> Distribution:
    """Write the distribution where it has changed since the last time."""
    listed = pyodide_list()
    found = compiled(listed)
    files = (path for path in sorted((ROOT / "npfl").rglob("*.*")) if path.parent.name != "__pycache__")
    code = {path.as_posix(): sha256(path) for path in files if path.is_file()}
    versions = [pyodide_version(), *map(version, [*ADDED, "jupyterlite-pyodide-kernel"])]
    stamp = json.dumps([sorted(path.name for path in found.values()), code, versions, sha256(Path(__file__))])
    notes = folder.with_suffix(".json")
    if notes.exists() and (noted := json.loads(notes.read_text()))["stamp"] == stamp:
        return Distribution(noted["sizes"], set(noted["modules"]))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        new = Path(beside, "pyodide")
        packages = write(new, listed, found)
        sizes = {name: (new / package["file_name"]).stat().st_size for name, package in packages.items()}
        core = [new / name for name in CORE if (new / name).exists()]
        sizes["core"] = sum(len(gzip.compress(path.read_bytes(), 6)) for path in core)
        sizes["notebook"] = sum(sizes[name] for name in ["core", *needed(packages, FIRST)])
        if "matplotlib" in packages:
            sizes["figures"] = sum(
                sizes[name] for name in ["core", *needed(packages, ["npfl", "matplotlib"])]
            )
        modules = sorted({module for package in packages.values() for module in package["imports"]})
        notes.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    notes.write_text(json.dumps({"stamp": stamp, "sizes": sizes, "modules": modules}))
    return Distribution(sizes, set(modules))
