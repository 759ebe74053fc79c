"""The link that opens an exercise in the browser: ``{solve-in-browser}`` with its name."""

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from npfl_book.browser import needs, notebooks


class SolveRole(SphinxRole):
    """The role ``solve-in-browser``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link for the pages; a printed book has nothing behind it."""
        there = self.config.npfl_practice
        release = nbformat.read(notebooks.RELEASES / f"{self.text}.ipynb", 4)
        code = [cell.source for cell in release.cells if cell.cell_type == "code"]
        lacks = next(filter(None, needs.lacking(code, set(there.get("modules", ())))), "")
        if lacks:
            name = needs.NAMES.get(lacks, lacks)
            text = f"It needs {name}, which this copy of the book does not have for the browser."
            return [nodes.inline("", text, classes=["d-print-none"])], []
        address = f"{'../' * self.env.docname.count('/')}_static/lite/notebook.html?open={self.text}"
        link = nodes.reference("", "Solve it in the browser", refuri=address, internal=True)
        size = nodes.Text(f" (loads {there['notebook']} MB once).")
        question = nodes.Text("Nothing installed? ")
        return [nodes.inline("", "", question, link, size, classes=["d-print-none"])], []


def setup(app: Sphinx) -> dict:
    """Register the role; called by Sphinx."""
    app.add_role("solve-in-browser", SolveRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
