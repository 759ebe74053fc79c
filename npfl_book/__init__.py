"""What builds the book: its Sphinx extensions, their scripts and styles, and its files to keep."""

from sphinx.application import Sphinx

PARTS = [
    "npfl_book.site.book",
    "npfl_book.directives.checkpoint",
    "npfl_book.browser.practice",
    "npfl_book.site.pack",
    "npfl_book.site.way",
    "npfl_book.site.cover",
    "npfl_book.directives.symbols",
]


def setup(app: Sphinx) -> dict:
    """Set all parts up; called by Sphinx."""
    for name in PARTS:
        app.setup_extension(name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
