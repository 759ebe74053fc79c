"""The map of the chapters: which builds on which.

``{chapter-map}`` draws it from the links of the sentence of each chapter that begins with "You need".
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from npfl_book.directives.cards import is_chapter
from npfl_book.directives.elements import element


class ChapterMap(SphinxDirective):
    """The directive ``chapter-map``."""

    def run(self) -> list[nodes.Node]:
        """Leave a place for the map, which needs all pages."""
        self.env.npfl_maps = {*getattr(self.env, "npfl_maps", set()), self.env.docname}  # type: ignore[attr-defined]
        return [chapter_map()]


class chapter_map(nodes.General, nodes.Element):
    """The place of the map."""


def needs(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return the chapters in reading order, each with the chapters that it says it needs."""
    order = list(env.toctree_includes.get(env.config.root_doc, []))
    found = {}
    for page in order:
        for paragraph in env.get_doctree(page).findall(nodes.paragraph):
            if paragraph.astext().startswith("You need ") and is_chapter(page):
                links = [link["reftarget"] for link in paragraph.findall(addnodes.pending_xref)]
                found[page] = [link.partition("#")[0].removesuffix(".md").lstrip("/") for link in links]
                break
    return {
        page: sorted(
            {name for name in found if name.rpartition("/")[2] in {t.rpartition("/")[2] for t in targets}}
            - {page},
            key=order.index,
        )
        for page, targets in found.items()
    }


def draw_map(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Draw the map: the chapters as a list, and an arc from each to those that build on it."""
    for place in list(doctree.findall(chapter_map)):
        chapters = needs(app.env)
        order = list(chapters)
        titles = {name: app.env.titles[name].astext() for name in order}
        rows, arcs = [], []
        for row, name in enumerate(order):
            link = nodes.reference("", titles[name], internal=True)
            link["refuri"] = app.builder.get_relative_uri(page, name)
            before = chapters[name]
            words = (
                f"builds on: {'; '.join(titles[b] for b in before)}"
                if before
                else "builds on no other chapter"
            )
            hidden = nodes.inline("", f" ({words})", classes=["visually-hidden"])
            rows.append(element("li", nodes.inline("", "", link, hidden)))
            for start in map(order.index, before):
                x = 100 - 96 * (row - start) / len(order) - 4
                arcs.append(f"M100 {start + 0.5}C{x:.1f} {start + 0.5} {x:.1f} {row + 0.5} 100 {row + 0.5}")
        dots = "".join(f"M100 {row + 0.5}h0" for row in range(len(order)))
        svg = (
            f'<svg viewBox="0 0 100 {len(order)}" preserveAspectRatio="none" role="img" '
            'aria-label="Arcs from each chapter to the later ones that build on it, as the list says.">'
            f'<path d="{" ".join(arcs)}"/><path class="dots" d="{dots}"/></svg>'
        )
        picture = nodes.raw("", svg, format="html")
        place.replace_self(element("div", picture, element("ol", *rows), class_="npfl-map"))


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_node(chapter_map)
    app.add_directive("chapter-map", ChapterMap)
    app.connect("doctree-resolved", draw_map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
