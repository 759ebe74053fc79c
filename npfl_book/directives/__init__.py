"""What authors write in the text of a page: a module for each directive."""

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """Register the directives; called by Sphinx."""
    names = "by_hand checkpoint practice solve chapter_map symbols cards learning predict"
    for name in names.split():
        app.setup_extension(f"npfl_book.directives.{name}")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
