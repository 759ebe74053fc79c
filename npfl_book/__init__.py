"""What builds the book: its Sphinx extension, with scripts and styles, and its files to keep.

``directives`` is what authors write in a page, ``site`` what holds for all pages, ``browser`` the Python that
runs in the reader's browser, and ``export`` writes the PDF, the ePub and the packed site.
"""

import gc
from pathlib import Path

from sphinx.application import Sphinx

# Of the repository: what is built goes to its folder _build.
ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"


def setup(app: Sphinx) -> dict:
    """Set all parts up; called by Sphinx."""
    # Pages are trees of a hundred thousand objects that stay: to look among them for garbage each time that
    # 700 more have been made is a fifth of a build.
    gc.set_threshold(100_000, 50, 50)
    for part in ("site", "directives", "browser"):
        app.setup_extension(f"npfl_book.{part}")
    return {"parallel_read_safe": True, "parallel_write_safe": False}
