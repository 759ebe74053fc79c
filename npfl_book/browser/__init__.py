"""Python in the reader's browser, served by the book's own site.

``python -m npfl_book.browser`` downloads what it consists of; ``make install`` calls it. `release` and `pypi`
find the packages, `distribution` puts them together with Pyodide, `jupyterlite` builds the notebook,
`notebooks` writes what it opens, `needs` tells which code runs, and `pages` joins it all to the book.
"""

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """Join the browser's Python to the book; called by Sphinx."""
    app.setup_extension("npfl_book.browser.pages")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
