"""Where downloads are kept from build to build, and how the browser's Python fails."""

import hashlib
from pathlib import Path

import platformdirs

# It outlives 'make clean' and the environment.
CACHE = platformdirs.user_cache_path("npfl", appauthor=False)


class BrowserError(Exception):
    """The browser's Python cannot be put together; the message is one line with the mend."""


def sha256(path: Path) -> str:
    """Return the hash of a file, as Pyodide's list has it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
