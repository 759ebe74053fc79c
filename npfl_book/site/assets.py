"""The book's own styles and scripts, and those of the sliders."""

import os
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

import npfl.explore

HERE = Path(__file__).parent


def add_folders(app: Sphinx, config: Config) -> None:
    """Serve these files from the site.

    Not from a folder named _static beside _config.yml: Jupyter Book loads every script there on every page.
    """
    config.html_static_path += [str(HERE / "static"), str(Path(npfl.explore.__file__).parent / "static")]


def setup(app: Sphinx) -> dict:
    """Name what the pages load; called by Sphinx."""
    os.environ["NPFL_BOOK"] = "1"  # the kernels inherit it: sliders are then built into the page
    app.connect("config-inited", add_folders)
    app.add_css_file("book.css")
    app.add_css_file("explore.css")
    for name in ("checkpoint.js", "theme.js", "terms.js", "progress.js", "predict.js", "hands.js"):
        app.add_js_file(name, loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
