"""A built book, a server for it, and pages that can reach nothing else."""

import contextlib
import functools
import json
import os
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock
from jupyter_cache import get_cache

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("visits")
import visits  # noqa: E402

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Return a folder that all processes of the test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def html(shared):
    """Build the book, once for all processes of the test run."""
    done = shared / "book-is-built"
    with FileLock(shared / "book.lock"):
        if not done.exists():
            # Into a file: a pipe would wait for everything that the build leaves running.
            with (shared / "book.log").open("w+") as log:
                built = subprocess.run(
                    ["make", "build"], cwd=ROOT, stdout=log, stderr=log, check=False, timeout=1200
                )
                log.seek(0)
                assert built.returncode == 0, log.read()
            done.touch()
    return HTML


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def address(html):
    """Serve the book on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(html)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextlib.contextmanager
def contexts(browser, address):
    """Make contexts, in which no page may ask another host for anything, fail or complain."""
    made, complaints = [], []

    def refuse(route):
        complaints.append(f"asked for {route.request.url}")
        route.abort()

    def make(width=1280, theme="light", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        made.append(context)
        context.route(re.compile(f"^(?!{re.escape(address)}|data:|blob:)"), refuse)
        context.on("weberror", lambda error: complaints.append(f"{error.page.url}: {error.error}"))
        context.on(
            "console",
            lambda m: m.type in ("error", "warning") and complaints.append(f"{m.text} {m.location}"),
        )
        return context

    yield make
    for context in made:
        context.close()
    assert not complaints


@pytest.fixture
def new_page(browser, address):
    """Make pages, each in a context of its own."""
    with contexts(browser, address) as make:
        yield lambda *where, **options: make(*where, **options).new_page()


@pytest.fixture(scope="module")
def two_pages(browser, address):
    """Return two pages of one context, for tests that open in them what has nothing to do with each other."""
    with contexts(browser, address) as make:
        context = make()
        yield context.new_page(), context.new_page()


@pytest.fixture
def open_page(new_page, address):
    """Open pages, ready for the reader."""

    def open_page(path, *where, **options):
        page = new_page(*where, **options)
        page.goto(f"{address}/{path}")
        if options.get("java_script_enabled", True):
            visits.is_open(page)
        return page

    return open_page


@pytest.fixture(scope="session")
def plain(browser):
    """Return a page without JavaScript, for tests that only read."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def digests(html):
    """Return the digests of a page's figures by name, from the cache of the build."""
    cache = get_cache(ROOT / "_build" / ".jupyter_cache")

    def read(name):
        path = ROOT / f"{name}.md"
        if not re.search(r"^explore\(", path.read_text(encoding="utf-8") if path.exists() else "", re.M):
            return {}
        notebook = cache.get_project_notebook(cache.get_project_record(str(path)).pk).nb
        executed = cache.get_cache_bundle(cache.match_cache_notebook(notebook).pk).nb
        outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
        made = [output.metadata["npfl"] for output in outputs if "npfl" in output.get("metadata", {})]
        return {figure["name"]: figure["digests"] for figure in made}

    return read


@pytest.fixture(scope="session")
def visit(browser, address, digests, shared):
    """Return what was found on a page, which is visited once in the whole test run."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)

    @functools.cache
    def visit(name):
        noted = shared / "visits" / f"{name.replace('/', '.')}.json"
        noted.parent.mkdir(exist_ok=True)
        with FileLock(f"{noted}.lock"):
            if not noted.exists():
                noted.write_text(json.dumps(visits.Visit(context, address, name, digests(name)).all()))
        return json.loads(noted.read_text())

    yield visit
    context.close()


def pytest_collection_modifyitems(items):
    """Order the tests, and let one that hangs run once more: a browser that does not answer says nothing."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun="Timeout"))
    # What is asked of one page comes together, so that no process waits while another visits that page.
    items.sort(key=visited)


def visited(item):
    """Return the page that a test asks for a visit of; "" where it asks for none."""
    if "visit" not in getattr(item, "fixturenames", []):
        return ""
    asked = item.callspec.params
    return asked["page_name"] if "page_name" in asked else f"chapters/{asked['chapter']}"
