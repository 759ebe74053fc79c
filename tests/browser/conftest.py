"""A built book, a server for it, and pages that can reach nothing else."""

import functools
import os
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def html(tmp_path_factory):
    """Build the book, once for all processes of the test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
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


@pytest.fixture
def open_page(browser, address):
    """Open pages; afterwards none may have asked another host for anything, failed or complained."""
    contexts, complaints = [], []

    def answer(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            complaints.append(f"asked for {route.request.url}")
            route.abort()

    def open_(path, width=1280, theme="light", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
        page.on(
            "console",
            lambda m: m.type in ("error", "warning") and complaints.append(f"{path}: {m.text} {m.location}"),
        )
        page.goto(f"{address}/{path}")
        if options.get("java_script_enabled", True) and page.locator("script[data-later]").count():
            page.locator(".bd-sidebar-primary[role]").wait_for(state="attached")  # the late scripts have run
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints


def pytest_collection_modifyitems(items):
    """A browser that no longer answers says nothing about the page: a test that hangs runs once more."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun="Timeout"))
