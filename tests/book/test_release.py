"""Pyodide's compiled packages: a server on this machine plays the release, in good and in bad health."""

import functools
import hashlib
import json
import shutil
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from npfl_book import node
from npfl_book.browser import distribution, release
from npfl_book.browser.cache import BrowserError

# A NumPy of Python alone; that the release's own one is compiled makes no difference to who fetches it.
NUMPY = "def arange(n):\n    return list(range(n))\n"


class Release(BaseHTTPRequestHandler):
    """Serves the files of the server that it belongs to, as its health says."""

    def do_GET(self):
        self.server.asked.append(self.path)
        health, content = self.server.health, self.server.files.get(self.path.rpartition("/")[2])
        if health == "no answer":
            self.server.over.wait(20)
        if health == "gone" or content is None:
            return self.send_error(404)
        if health == "wrong":
            content = content[:-1] + b"?"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if health in ("cut", "stalls"):
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.server.over.wait(20 if health == "stalls" else 0)
        elif health == "drips":
            for byte in content[:40]:
                if self.server.over.wait(0.05):
                    break
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        else:
            self.wfile.write(content)
        return None

    def log_message(self, *args):
        pass


@pytest.fixture
def packages(tmp_path):
    """Two packages with their files."""
    folder = tmp_path / "files"
    folder.mkdir()
    found = {}
    for name, code in (("numpy", NUMPY), ("pillow", "")):
        path = folder / f"{name}-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name}/__init__.py", code)
            archive.writestr(
                f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            )
            archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
        found[name] = {"file_name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return found


@pytest.fixture
def server(tmp_path, packages, monkeypatch):
    """Play the release, with a cache of its own and little patience."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Release)
    server.health, server.asked, server.over = "good", [], threading.Event()
    server.files = {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()}
    server.address = f"http://127.0.0.1:{server.server_port}/v{{version}}/full"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(release, "ADDRESS", server.address)
    monkeypatch.setattr(release, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(release, "FAILED", tmp_path / "failed.txt")
    monkeypatch.setattr(release, "PATIENCE", 1.0)
    monkeypatch.delenv(release.VARIABLE, raising=False)
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def test_whole_release_is_fetched_once_and_kept(server, packages):
    found = release.find(packages, "1.0")
    assert list(found) == ["numpy", "pillow"]
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in found.values()} == {
        package["sha256"] for package in packages.values()
    }
    assert server.asked == [f"/v1.0/full/{package['file_name']}" for package in packages.values()]
    assert release.find(packages, "1.0") == found
    assert len(server.asked) == 2, "what is kept is asked for again"
    # Of another version of Pyodide it is not the same file, whatever its name.
    release.find(packages, "2.0")
    assert len(server.asked) == 4


def test_damaged_file_of_the_cache_is_fetched_again(server, packages):
    path = release.find(packages, "1.0")["numpy"]
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert release.find(packages, "1.0")["numpy"].read_bytes() == whole


BAD = {
    "gone": "the server says 404",
    "cut": "the connection was cut after",
    "wrong": "its SHA-256 is",
    "stalls": "timed out",
    "drips": "only 0 kB came in",
    "no answer": "no answer within 1 seconds|timed out",
}


@pytest.mark.parametrize("health", BAD)
def test_build_goes_on_without_what_cannot_be_had_and_says_so(server, packages, tmp_path, capsys, health):
    server.health = health
    assert release.find(packages, "1.0") == {}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("the browser's Python goes without numpy, pillow: ")
    assert any(words in line for words in BAD[health].split("|"))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()], "half a file was kept"
    # The next build does not wait again, and says it again.
    asked = len(server.asked)
    assert release.find(packages, "1.0") == {}
    assert len(server.asked) == asked
    assert capsys.readouterr().err.splitlines() == [line]


def test_address_that_failed_is_asked_again_after_an_hour(server, packages, monkeypatch):
    server.health = "gone"
    release.find(packages, "1.0")
    server.health = "good"
    later = time.time() + release.AGAIN + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert list(release.find(packages, "1.0")) == ["numpy", "pillow"]
    assert not release.FAILED.exists()


def test_what_came_before_the_failure_is_used(server, packages, capsys):
    del server.files[packages["pillow"]["file_name"]]
    assert list(release.find(packages, "1.0")) == ["numpy"]
    assert "goes without pillow: " in capsys.readouterr().err


@pytest.mark.parametrize("where", ["release", "mirror"])
@pytest.mark.parametrize("health", BAD)
def test_build_stops_where_the_packages_are_required(server, packages, monkeypatch, where, health):
    server.health = health
    monkeypatch.setenv(release.VARIABLE, server.address.format(version="1.0") if where == "mirror" else where)
    with pytest.raises(BrowserError) as caught:
        release.find(packages, "1.0")
    assert packages["numpy"]["file_name"] in str(caught.value)
    assert "\n" not in str(caught.value)
    server.health = "good"
    assert list(release.find(packages, "1.0")) == ["numpy", "pillow"]


def test_refused_connection(server, packages, monkeypatch):
    server.shutdown()
    server.server_close()
    assert release.find(packages, "1.0") == {}
    monkeypatch.setenv(release.VARIABLE, "release")
    with pytest.raises(BrowserError, match=r"cannot be fetched: .*refused"):
        release.find(packages, "1.0")


def test_name_that_nobody_resolves_is_given_up(server, packages, monkeypatch):
    """A resolver that does not answer has no time limit that Python could set."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *asked: server.over.wait(20))
    start = time.monotonic()
    assert release.find(packages, "1.0") == {}
    assert time.monotonic() - start < 15


def test_folder_and_none(server, packages, tmp_path, monkeypatch):
    folder = tmp_path / "files"
    monkeypatch.setenv(release.VARIABLE, str(folder))
    assert set(release.find(packages, "1.0")) == set(packages)
    (folder / packages["pillow"]["file_name"]).unlink()
    assert list(release.find(packages, "1.0")) == ["numpy"]
    (folder / packages["numpy"]["file_name"]).write_bytes(b"another")
    with pytest.raises(BrowserError, match="take the file of that release"):
        release.find(packages, "1.0")
    (folder / packages["numpy"]["file_name"]).unlink()
    with pytest.raises(BrowserError, match="holds none of the files"):
        release.find(packages, "1.0")
    monkeypatch.setenv(release.VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(BrowserError, match="there is no folder"):
        release.find(packages, "1.0")
    monkeypatch.setenv(release.VARIABLE, "none")
    assert release.find(packages, "1.0") == {}
    assert not server.asked


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_fetched_package_is_imported_in_the_browser(server, packages, tmp_path, monkeypatch, browser):
    """From the release to Pyodide: its list, with the hash of this NumPy, is the only thing made up."""
    pyodide = tmp_path / "pyodide"
    shutil.copytree(node.PYODIDE, pyodide)
    listed = json.loads((pyodide / "pyodide-lock.json").read_text())
    for name, package in packages.items():
        listed["packages"][name] |= package
    (pyodide / "pyodide-lock.json").write_text(json.dumps(listed))
    monkeypatch.setattr(node, "PYODIDE", pyodide)
    site = tmp_path / "site"
    # The others of the compiled packages are gone, and what depends on them goes with them.
    sizes, modules = distribution.update(site / "pyodide")
    assert "numpy" in sizes
    assert "matplotlib" not in sizes
    assert {"numpy", "npfl", "micropip"} <= modules
    (site / "index.html").write_text("<!doctype html>")
    pages = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=pages.serve_forever, args=(0.02,), daemon=True).start()
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{pages.server_port}/")
        shown = page.evaluate(
            """async () => {
                const { loadPyodide } = await import("./pyodide/pyodide.mjs");
                const python = await loadPyodide({ indexURL: "./pyodide/", packages: ["npfl"] });
                return python.runPython("import numpy; sum(numpy.arange(4))");
            }"""
        )
    finally:
        page.close()
        pages.shutdown()
        pages.server_close()
    assert shown == 6
