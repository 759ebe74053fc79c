"""Cells that check the page's numbers: they run in every build, and the page says how many checks there were.

They are the cells with the tag ``hide-cell`` that hold an ``assert``. A reader has no use for them; in the
chapter's notebook they stand where the author has put them.
"""

import ast

from docutils import nodes
from sphinx.application import Sphinx


def count(code: str) -> int:
    """Count the assertions of a cell.

    Examples
    --------
    >>> count("assert a == 1\\nnp.testing.assert_allclose(a, b)")
    2
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:  # such as IPython's own commands
        return 0
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = [getattr(call, "attr", getattr(call, "id", "")) for call in calls]
    plain = sum(isinstance(node, ast.Assert) for node in ast.walk(tree))
    return plain + sum(name.startswith(("assert_", "check_gradient")) for name in names)


def take_away(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Empty the cells that only check; each keeps its place, which the chapter's notebook is made by."""
    total = 0
    for cell in list(doctree.findall(nodes.container)):
        code = next(cell.findall(nodes.literal_block), None)
        if cell.get("nb_element") != "cell_code" or code is None:
            continue
        found = count(code.astext())
        total += found
        if found and "tag_hide-cell" in cell["classes"]:
            cell.children = []
            cell["classes"].append("npfl-check")
    doctree["npfl_checks"] = total


def say(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Let the page say how many checks there were."""
    context["checks"] = doctree.get("npfl_checks", 0) if doctree is not None else 0


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.connect("doctree-resolved", take_away, priority=600)  # after the cells were marked
    app.connect("html-page-context", say)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
