"""HTML elements with children that docutils writes, which the directives put together."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


class html_element(nodes.General, nodes.Element):
    """An HTML element with children."""


def element(tag: str, *children: nodes.Node, **attributes: str) -> html_element:
    """Make an element; ``class_`` stands for Python's reserved word, ``aria_label`` for ``aria-label``."""
    html = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    return html_element("", *children, tag=tag, html=html)


def visit(translator: HTML5Translator, node: nodes.Element) -> None:
    """Open the element."""
    translator.body.append(translator.starttag(node, node["tag"], "", **node["html"]))


def depart(translator: HTML5Translator, node: nodes.Element) -> None:
    """Close the element, where HTML has an end for it."""
    if node["tag"] != "input":
        translator.body.append(f"</{node['tag']}>")


def setup(app: Sphinx) -> dict:
    """Register the element; called by Sphinx."""
    app.add_node(html_element, html=(visit, depart))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
