"""An installed Chromium or Chrome, for the tests and for printing the book."""

import os
import shutil

# Debian's Chromium runs as root in a container only without its own sandbox; the others keep it from asking
# its maker's hosts.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The shell without windows first: the same engine takes a third of the processor's time.
NAMES = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
]
PLACES = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
MISSING = (
    "no browser: install Chromium (apt install chromium-headless-shell), or name Chrome in NPFL_CHROME, "
    "or run '.venv/bin/playwright install chromium'"
)


def find() -> str | None:
    """Find an installed Chrome or Chromium; None lets Playwright use the one that it downloaded itself."""
    found = [os.environ.get("NPFL_CHROME"), *map(shutil.which, NAMES), *filter(os.path.exists, PLACES)]
    return next(filter(None, found), None)
