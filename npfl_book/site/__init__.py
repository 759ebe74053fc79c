"""What holds for all pages: formulas, the execution of their code, links, search, and what a page loads.

Each module does one thing, and is an extension of its own; ``_config.yml`` names this one.
"""

from sphinx.application import Sphinx

PARTS = [
    "apart",
    "assets",
    "execution",
    "checks",
    "formulas",
    "outputs",
    "pack",
    "terms",
    "source",
    "sharing",
    "search",
    "moved",
    "cover",
]


def setup(app: Sphinx) -> dict:
    """Set all parts up; called by Sphinx."""
    for part in PARTS:
        app.setup_extension(f"npfl_book.site.{part}")
    return {"parallel_read_safe": True, "parallel_write_safe": False}
