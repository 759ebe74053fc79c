"""Python for the reader's browser, served by the book's own site: Pyodide, its packages, and JupyterLite.

Two parts, both kept from build to build. *JupyterLite* is the notebook, for exercises and the code of whole
chapters; it depends on the installed versions only. The *distribution* is Pyodide's core from npm, pure
packages from PyPI, npfl itself, and those of Pyodide's own compiled packages that were found; a list with
their hashes goes with it, and Pyodide loads nothing whose hash is another.

The compiled packages, NumPy among them, are on no package registry. ``NPFL_PYODIDE_WHEELS`` names a folder
with their files, or is ``release``: then they are fetched from Pyodide's release of the installed version.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path

BOOK = Path(__file__).parents[1]
ROOT = BOOK.parent
PYODIDE = BOOK / "node_modules" / "pyodide"
RELEASE = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file}"
# What is downloaded outlives 'make clean'.
WHEELS = Path(sys.prefix, "share", "npfl-wheels")
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
# What every notebook begins with.
FIRST = ["comm", "ipython", "jedi", "micropip", *KERNEL]
EXTENSIONS = Path(sys.prefix, "share", "jupyter", "labextensions")
PYPI = EXTENSIONS / "@jupyterlite" / "pyodide-kernel-extension" / "static" / "pypi"
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'"
)
# Until a theme has come, JupyterLite is white for seconds, in the dark too.
DARK = """<style>@media (prefers-color-scheme: dark) {
      html, body, #jupyterlite-loading-indicator { background-color: #111; color: #fff; }
    }</style>
  """
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "Training neural networks",
        "contentsAllJsonFile": "all.json",
        "exposeAppInBrowser": True,
        "disabledExtensions": [
            # It would give the age of a file by the date that all of them have.
            "@jupyter-notebook/notebook-extension:checkpoints",
            # They draw what no notebook of the book holds, with two fifths of its scripts: see LAZY.
            "@jupyterlab/mermaid-extension",
            "@jupyterlab/vega5-extension",
        ],
        "litePluginSettings": {
            "@jupyterlite/pyodide-kernel-extension:kernel": {
                "pyodideUrl": "./kernel.js",
                "disablePyPIFallback": True,
                # Loaded while Pyodide itself starts; otherwise one after the other.
                "loadPyodideOptions": {"packages": FIRST},
            }
        },
    },
}
OVERRIDES = {
    # Work is kept every few seconds; JupyterLab's own two minutes are much to lose with a tab.
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 5},
    # Light or dark as the reader's system, like the frame around it.
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}

# Packages of JupyterLab that load the most when they are first used, and of which the notebook uses nothing:
# diagrams and charts are switched off above, and a terminal needs a server.
LAZY = ["@jupyterlab/mermaid", "@jupyterlab/vega5-extension", "@jupyterlab/terminal"]
# What they share among each other.
SHARED = ["vega", "vega-embed", "vega-lite"]


class LiteError(Exception):
    """The browser's Python cannot be put together; the message is one line with the mend."""


def sha256(path: Path) -> str:
    """Return the hash of a file, as Pyodide's list has it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pyodide_list() -> dict:
    """Read the list of Pyodide's packages that comes with its core."""
    try:
        found: dict = json.loads((PYODIDE / "pyodide-lock.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LiteError("Pyodide is not installed: run 'make install' (or 'npm ci' in npfl_book)") from None
    for package in found["packages"].values():  # "prompt_toolkit" stands for "prompt-toolkit"
        package["depends"] = list(map(_key, package["depends"]))
    return found


def pyodide_version() -> str:
    """Return the version of the installed Pyodide; ``npfl_book/package.json`` sets it."""
    return str(json.loads((PYODIDE / "package.json").read_text(encoding="utf-8"))["version"])


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


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pure_wheels(python: str, wanted: dict[str, str]) -> dict[str, Path]:
    """Find pure packages, by name and version, and download those that are not here yet."""
    folder = WHEELS / python

    def here() -> dict[str, Path]:
        found = {tuple(path.name.split("-")[:2]): path for path in folder.glob("*.whl")}
        return {_key(name): path for (name, at), path in found.items() if wanted.get(_key(name)) == at}

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
            raise LiteError(f"PyPI did not give {', '.join(lacking)} for the browser: {why}")
    return here()


def compiled_wheels(packages: dict) -> dict[str, Path]:
    """Find the compiled packages where ``NPFL_PYODIDE_WHEELS`` says."""
    where = os.environ.get("NPFL_PYODIDE_WHEELS", "")
    if not where:
        return {}
    if where == "release":
        return {name: fetch(package) for name, package in packages.items()}
    if not Path(where).is_dir():
        raise LiteError(f"NPFL_PYODIDE_WHEELS: there is no folder {where}")
    found = {}
    for name, package in packages.items():
        path = Path(where, package["file_name"])
        if path.exists():
            check(path, package)
            found[name] = path
    if not found:
        names = ", ".join(package["file_name"] for package in packages.values())
        raise LiteError(f"NPFL_PYODIDE_WHEELS: {where} holds none of the files {names}")
    return found


def check(path: Path, package: dict) -> None:
    """Refuse a file that is not the one that Pyodide was released with."""
    if (found := sha256(path)) != package["sha256"]:
        raise LiteError(
            f"{path}: its SHA-256 is {found[:12]}…, that of Pyodide {pyodide_version()} is "
            f"{package['sha256'][:12]}…: take the file of that release"
        )


def fetch(package: dict) -> Path:
    """Fetch a file of Pyodide's release once."""
    target = WHEELS / pyodide_version() / package["file_name"]
    if not target.exists():
        address = RELEASE.format(version=pyodide_version(), file=package["file_name"])
        print(f"fetching {package['file_name']}", flush=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as beside:
            path = Path(beside, target.name)
            try:
                with urllib.request.urlopen(address, timeout=60) as answer, path.open("wb") as file:
                    shutil.copyfileobj(answer, file)
            except (OSError, urllib.error.URLError) as error:
                raise LiteError(f"{address} cannot be fetched: {error}") from None
            check(path, package)
            path.replace(target)
    return target


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


def write_distribution(folder: Path) -> dict:
    """Write Pyodide with the book's packages into a new folder.

    Returns
    -------
    dict
        Pyodide's list, with the packages that are there.
    """
    listed = pyodide_list()
    known = needed(listed["packages"], WANTED)
    pure = {name: package for name, package in known.items() if is_pure(package)}
    python = ".".join(listed["info"]["python"].split(".")[:2])
    wanted = {_key(name): package["version"] for name, package in pure.items()}
    wanted |= {name: version(name) for name in ADDED}
    wheels = pure_wheels(python, wanted)
    compiled = compiled_wheels({name: package for name, package in known.items() if name not in pure})
    # A package without one of its parts is of no use, and neither are its other parts.
    absent = known.keys() - pure.keys() - compiled.keys()
    while more := {n for n in known.keys() - absent if (absent - OPTIONAL) & set(known[n]["depends"])}:
        absent |= more
    known = needed({name: package for name, package in known.items() if name not in absent}, WANTED)
    folder.mkdir(parents=True)
    packages = {}
    for name in known:
        path = compiled.get(name) or wheels[_key(name)]
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
    listed["packages"] = packages
    (folder / "pyodide-lock.json").write_text(json.dumps(listed), encoding="utf-8")
    for name in CORE:
        if (PYODIDE / name).exists():
            link(PYODIDE / name, folder / name)
    return listed


def update_distribution(folder: Path) -> dict[str, int]:
    """Write the distribution where it has changed since the last time.

    Returns
    -------
    dict
        What the core (``core``), each package, and core and packages that every notebook loads
        (``notebook``) weigh when a server sends them compressed, in bytes.
    """
    where = os.environ.get("NPFL_PYODIDE_WHEELS", "")
    names = sorted(path.name for path in Path(where).glob("*")) if where else []
    code = {path.as_posix(): sha256(path) for path in sorted((ROOT / "npfl").rglob("*.*")) if path.is_file()}
    versions = [pyodide_version(), *map(version, [*ADDED, "jupyterlite-pyodide-kernel"])]
    stamp = json.dumps([where, names, code, versions, sha256(Path(__file__))])
    notes = folder.with_suffix(".json")
    if notes.exists() and (noted := json.loads(notes.read_text()))["stamp"] == stamp:
        return dict(noted["sizes"])
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        new = Path(beside, "pyodide")
        packages = write_distribution(new)["packages"]
        sizes = {name: (new / package["file_name"]).stat().st_size for name, package in packages.items()}
        core = [new / name for name in CORE if (new / name).exists()]
        sizes["core"] = sum(len(gzip.compress(path.read_bytes(), 6)) for path in core)
        sizes["notebook"] = sum(sizes[name] for name in ["core", *needed(packages, FIRST)])
        notes.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    notes.write_text(json.dumps({"stamp": stamp, "sizes": sizes}))
    return sizes


def prune(build: Path) -> None:
    """Delete the scripts and fonts of JupyterLite that no notebook can ask for.

    The map of its scripts says which is loaded by which. A script goes only where nothing leads to it but the
    ``LAZY`` packages; where a later JupyterLite writes its map in another way, all of them stay.
    """
    for font in build.glob("*.woff2"):  # every browser with WebAssembly takes this format
        for other in {*build.glob(f"{font.stem}.*")} - {font}:
            other.unlink()
    scripts = {path: path.read_text(encoding="utf-8") for path in build.glob("*.js")}
    found = {path: re.search(r"\.push\(\[\[(\d+)\],", text) for path, text in scripts.items()}
    bundle = (build / "notebooks" / "bundle.js").read_text(encoding="utf-8")
    for name in LAZY:
        if place := re.search(rf'name:"{name}",version:"[^"]*",factory:.*?require__\((\d+)\)', bundle):
            # A module of this number, up to the next.
            module = re.compile(rf"[{{,]{place[1]}\([\w,]*\)\{{.*?\}},\d+[(:]", re.S)
            scripts = {path: module.sub("", text, count=1) for path, text in scripts.items()}
    for name in SHARED:
        bundle = re.sub(rf'(name|shareKey):"{name}",.*?treeShakingMode', "", bundle)
    loads = {number[1]: scripts[path] for path, number in found.items() if number}
    todo = [bundle, *(scripts[path] for path, number in found.items() if not number)]
    reached: set[str] = set()
    while todo:
        for number in set(re.findall(r"\.e\((\d+)\)", todo.pop())) - reached:
            reached.add(number)
            todo.append(loads.get(number, ""))
    for path, number in found.items():
        if number and number[1] not in reached:
            path.unlink()


def write_jupyterlite(folder: Path) -> None:
    """Build JupyterLite without contents and without Pyodide, unless it is there already."""
    parts = {name: version(name) for name in ("jupyterlite-core", "jupyterlite-pyodide-kernel", "ipywidgets")}
    stamp = json.dumps([parts, sha256(Path(__file__))])
    done = folder / "npfl-stamp.json"
    if done.exists() and done.read_text() == stamp:
        return
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "lite")
        source.mkdir()
        (source / "jupyter-lite.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        config = {
            "LiteBuildConfig": {
                "apps": ["notebooks"],
                "ignore_sys_prefix": ["federated_extensions"],
                "federated_extensions": [
                    str(EXTENSIONS / "@jupyter-widgets" / "jupyterlab-manager"),
                    str(EXTENSIONS / "@jupyterlite" / "pyodide-kernel-extension"),
                ],
                "no_sourcemaps": True,
                "no_unused_shared_packages": True,
            }
        }
        (source / "overrides.json").write_text(json.dumps(OVERRIDES), encoding="utf-8")
        (source / "jupyter_lite_config.json").write_text(json.dumps(config), encoding="utf-8")
        built = Path(place, "built")
        command = [sys.executable, "-m", "jupyterlite_core", "build", "--output-dir", str(built)]
        ran = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        if ran.returncode:
            why = (ran.stderr.strip().splitlines() or ["it did not say why"])[-1]
            raise LiteError(f"JupyterLite cannot be built: {why}")
        for page in built.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            text = text.replace("<head>", f"<head>\n    {meta}", 1)
            page.write_text(text.replace("</head>", f"  {DARK}</head>", 1), encoding="utf-8")
        prune(built / "build")
        (built / done.name).write_text(stamp)
        shutil.copytree(built, folder)


def main() -> None:
    """Download what the browser's Python needs from PyPI; called by ``make install``."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            write_distribution(Path(folder, "pyodide"))
    except LiteError as error:
        sys.exit(f"lite.py: {error}")


if __name__ == "__main__":
    main()
