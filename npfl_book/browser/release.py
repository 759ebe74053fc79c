"""Pyodide's compiled packages, NumPy among them: they are on no package registry, but in Pyodide's release.

The environment variable ``NPFL_PYODIDE_WHEELS`` says where from:

- not set: from the release of the installed version; where that cannot be had, the book does without;
- ``release``: from the same place, and the build fails where that cannot be had;
- an address, ``https://...``: from a mirror of the release, and the build fails likewise;
- a folder: the files in it, as far as they are there;
- ``none``: the book does without, and nothing is asked for.

Each file must have the hash of Pyodide's own list, and is kept in the user's cache.
"""

import os
import queue
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from npfl_book import BUILD
from npfl_book.browser.cache import CACHE, BrowserError, sha256

VARIABLE = "NPFL_PYODIDE_WHEELS"
ADDRESS = "https://cdn.jsdelivr.net/pyodide/v{version}/full"
# Seconds until a server has to answer, and to go on; then kilobytes a second that it has to send.
PATIENCE = 10.0
SLOWEST = 20
# An address that did not answer is asked again after so many seconds.
AGAIN = 3600.0
FAILED = BUILD / "lite" / "release-failed.txt"


def find(packages: dict[str, dict], version: str) -> dict[str, Path]:
    """Find compiled packages where the environment variable says.

    Parameters
    ----------
    packages : dict
        Entries of Pyodide's list, by name, in the order in which they are wanted.
    version : str
        The version of Pyodide.

    Returns
    -------
    dict
        The files of those that are there, by name.

    Raises
    ------
    BrowserError
        A package that must be there is not, or a file is not the one of the release.
    """
    where = os.environ.get(VARIABLE, "")
    if where == "none":
        return {}
    if where.startswith(("http://", "https://")):
        return fetch(packages, where, version)
    if where not in ("", "release"):
        return from_folder(packages, Path(where), version)
    address = ADDRESS.format(version=version)
    if where:
        return fetch(packages, address, version)
    found = kept(packages, version)
    if len(found) == len(packages):
        return found
    if FAILED.exists() and time.time() - FAILED.stat().st_mtime < AGAIN:
        why = FAILED.read_text(encoding="utf-8")
    else:
        try:
            return fetch(packages, address, version)
        except BrowserError as error:
            why = str(error)
            FAILED.parent.mkdir(parents=True, exist_ok=True)
            FAILED.write_text(why, encoding="utf-8")
    found = kept(packages, version)
    without = ", ".join(name for name in packages if name not in found)
    print(f"the browser's Python goes without {without}: {why}", file=sys.stderr, flush=True)
    return found


def from_folder(packages: dict[str, dict], folder: Path, version: str) -> dict[str, Path]:
    """Find packages in a folder."""
    if not folder.is_dir():
        raise BrowserError(f"{VARIABLE}: there is no folder {folder}")
    found = {
        name: path for name, package in packages.items() if (path := folder / package["file_name"]).exists()
    }
    if not found:
        names = ", ".join(package["file_name"] for package in packages.values())
        raise BrowserError(f"{VARIABLE}: {folder} holds none of the files {names}")
    for name, path in found.items():
        check(path, packages[name], version)
    return found


def kept(packages: dict[str, dict], version: str) -> dict[str, Path]:
    """Find packages in the cache; a file that was damaged since counts as none."""
    folder = CACHE / "pyodide" / version
    return {
        name: path
        for name, package in packages.items()
        if (path := folder / package["file_name"]).exists() and sha256(path) == package["sha256"]
    }


def check(path: Path, package: dict, version: str) -> None:
    """Refuse a file that is not the one that Pyodide was released with."""
    if (found := sha256(path)) != package["sha256"]:
        raise BrowserError(
            f"{path.name}: its SHA-256 is {found[:12]}…, that of Pyodide {version} is "
            f"{package['sha256'][:12]}…: take the file of that release"
        )


def fetch(packages: dict[str, dict], address: str, version: str) -> dict[str, Path]:
    """Fetch the packages that are not in the cache, each written beside it and renamed when it is whole."""
    found = kept(packages, version)
    folder = CACHE / "pyodide" / version
    folder.mkdir(parents=True, exist_ok=True)
    for name, package in packages.items():
        if name in found:
            continue
        file = package["file_name"]
        print(f"fetching {file}", flush=True)
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            path = Path(beside, file)
            try:
                download(f"{address.rstrip('/')}/{file}", path)
            except (OSError, HTTPException, ValueError) as error:
                raise BrowserError(f"{address.rstrip('/')}/{file} cannot be fetched: {error}") from None
            check(path, package, version)
            path.replace(folder / file)
        found[name] = folder / file
    FAILED.unlink(missing_ok=True)
    return found


def download(address: str, path: Path) -> None:
    """Write what an address sends; a server that stalls, or cuts the connection, is an OSError."""
    size, start = 0, time.monotonic()
    with ask(address) as answer, path.open("wb") as file:
        while block := answer.read1(1 << 16):
            file.write(block)
            size += len(block)
            seconds = time.monotonic() - start
            if seconds > PATIENCE and size < SLOWEST * 1000 * seconds:
                raise TimeoutError(f"only {size / 1000:.0f} kB came in {seconds:.0f} seconds")
        length = answer.headers.get("Content-Length")
    if length and size != int(length):
        raise ConnectionError(f"the connection was cut after {size} of {length} bytes")


def ask(address: str) -> HTTPResponse:
    """Open an address. Looking up a name has no time limit of its own, so a thread is left waiting for it."""
    answers: queue.Queue[HTTPResponse | Exception] = queue.Queue()

    def wait() -> None:
        try:
            answers.put(urllib.request.urlopen(address, timeout=PATIENCE))
        except urllib.error.HTTPError as error:
            answers.put(OSError(f"the server says {error.code} {error.reason}"))
        except urllib.error.URLError as error:
            answers.put(OSError(str(error.reason)))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=wait, daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE)
    except queue.Empty:
        raise TimeoutError(f"no answer within {PATIENCE:.0f} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
