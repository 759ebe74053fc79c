"""Settings of all tests: hypothesis draws the same examples in every run, and never fails for being slow."""

import functools
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent

settings.register_profile("npfl", derandomize=True, deadline=None)
settings.load_profile("npfl")

# Scripts, run by hand: they hold no doctests, and some import modules that only lie beside them.
collect_ignore = ["fuzz", "golden", "mutation"]

# Most tests in these folders need a browser, a course or processes: `make check` leaves them out.
SLOW = {"attacks", "book", "browser", "grader"}


@functools.cache
def folder(path):
    """Return the folder of the tests that a file lies in, by name; "" where it lies outside."""
    return path.relative_to(HERE).parts[0] if path.is_relative_to(HERE) else ""


def pytest_collection_modifyitems(items):
    for item in items:
        if folder(item.path) in SLOW:
            item.add_marker(pytest.mark.slow)
    # The first tests in a browser wait for the book to be built. At the head of the first worker's share they
    # keep that one alone, while the others have work; anywhere else, all come to wait. The longest tests are
    # the last, where the share of the last worker, quick tests, leaves time for them.
    items.sort(key=lambda item: item.path.stem == "test_users")
    items.sort(key=lambda item: folder(item.path) != "browser")


@pytest.fixture(scope="session")
def browser():
    """Start the browser, once for each process: Playwright lets no second one start beside it."""
    # Here, for environments that have NumPy and little else.
    from playwright.sync_api import Error, sync_playwright

    from npfl_book import chromium

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        except Error as error:
            pytest.fail(f"{chromium.MISSING} ({str(error).splitlines()[0]})", pytrace=False)
        yield browser
        browser.close()


def pytest_terminal_summary(terminalreporter, config):
    """Say what a quick selection leaves out; its processes do not add up the tests that they deselect."""
    if config.option.markexpr == "not slow":
        folders = ", ".join(f"tests/{name}" for name in sorted(SLOW))
        terminalreporter.write_line(f"left out, as they take minutes: {folders}; 'make test' runs them")
