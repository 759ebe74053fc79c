"""Finding the way: terms with a preview, the map of the chapters, the way back to the source.

The first time that a page uses a term of the glossary, the word leads there, and shows what it means.
``{chapter-map}`` draws which chapter builds on which, from the links of the sentence that begins with
"You need". Where ``repository: url`` is set in ``_config.yml``, each page leads to its source; where
``html: baseurl`` is set, the site gets a sitemap and cards for those who share its pages.
"""

import re
import textwrap
from html import escape, unescape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

import numpy as np
from docutils import nodes
from matplotlib.figure import Figure
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.search import js_index
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from npfl.figures import COLORS
from npfl_book.directives.checkpoint import element, html_element

GLOSSARY = "chapters/glossary"
# Words of the glossary that texts also use in their everyday sense.
EVERYDAY = {"reduction", "split", "variable"}
# What is no running text, and what already leads somewhere.
NOT_TEXT = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.caption,
    nodes.strong,
    nodes.pending,
    nodes.footnote,
    nodes.citation,
    nodes.thead,
    addnodes.pending_xref,
    addnodes.download_reference,
    addnodes.desc,
    html_element,
)


def definitions(env: BuildEnvironment) -> dict[str, tuple[str, nodes.paragraph]]:
    """Return each term of the glossary with the name of its place and its definition."""
    if not hasattr(env, "npfl_terms"):
        env.npfl_terms = {}  # type: ignore[attr-defined]
        for item in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
            for term in item.findall(nodes.term):
                paragraph = next(item.findall(nodes.paragraph))
                env.npfl_terms[term.astext()] = (term["ids"][0], paragraph)  # type: ignore[attr-defined]
    return env.npfl_terms  # type: ignore[attr-defined]


def forget_terms(app: Sphinx, env: BuildEnvironment, *args: object) -> list[str]:
    """Read the glossary anew in each build."""
    if hasattr(env, "npfl_terms"):
        del env.npfl_terms
    return []


class LinkTerms(SphinxPostTransform):
    """Let the first use of a term in a page's text lead to the glossary, with its definition at hand."""

    default_priority = 5  # before references are resolved and formulas are checked
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Look for each term once."""
        page = self.env.docname
        if not page.startswith(("chapters/0", "chapters/1", "exercises/")):
            return
        terms = definitions(self.env)
        names = {name.lower(): name for name in terms if name not in EVERYDAY}
        longest_first = sorted(map(re.escape, terms), key=len, reverse=True)
        pattern = re.compile(rf"(?<![\w-])({'|'.join(longest_first)})s?(?![\w-])", re.I)
        cards = []
        for text in list(self.document.findall(nodes.Text)):
            if not self.is_running(text):
                continue
            parts: list[nodes.Node] = []
            end = 0
            for match in pattern.finditer(text):
                name = names.get(match[1].lower())
                # A name with capitals, such as Adam, is meant only where it is written so.
                if name is None or (not name.islower() and match[1] != name):
                    continue
                del names[match[1].lower()]
                place, definition = terms[name]
                link = addnodes.pending_xref(
                    "",
                    nodes.inline("", match[0], classes=["npfl-term"]),
                    refdomain="std",
                    reftype="term",
                    reftarget=name,
                    refdoc=page,
                    refexplicit=True,
                    refwarn=True,
                )
                parts += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
                meaning: list[nodes.Node] = []
                for child in definition.children:
                    text_before, arrow, _ = child.astext().partition("→")  # to the chapter
                    meaning.append(nodes.Text(text_before.rstrip()) if arrow else child.deepcopy())
                    if arrow:
                        break
                cards.append(element("div", *meaning, class_="npfl-card", popover="manual"))
                cards[-1]["ids"].append(f"npfl-{place}")
            if parts:
                parent = text.parent
                where = next(i for i, child in enumerate(parent) if child is text)
                parent[where : where + 1] = [*parts, nodes.Text(text[end:])]
        self.document.extend(cards)

    @staticmethod
    def is_running(text: nodes.Text) -> bool:
        """Say whether a text stands in a paragraph and leads nowhere yet."""
        node, paragraph = text.parent, False
        while node is not None:
            if isinstance(node, NOT_TEXT):
                return False
            paragraph |= isinstance(node, nodes.paragraph)
            node = node.parent
        return paragraph


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
            if paragraph.astext().startswith("You need ") and page.startswith(("chapters/0", "chapters/1")):
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


def lead_to_source(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Let a page lead to its source, to the form for errors, and an exercise to services that run it."""
    repository = str(app.config.html_theme_options.get("repository_url", "")).rstrip("/")
    if not repository or doctree is None:
        return
    branch = app.config.html_theme_options.get("repository_branch") or "main"
    source = f"{page}.md"
    query = urlencode({"title": f"Error on the page {page}", "body": "Where on the page, and what is wrong?"})
    links = []
    if page.startswith("exercises/"):
        name = page.partition("/")[2]
        source = f"chapters/{source}"
        path = repository.partition("//")[2].partition("/")[2]
        links = [
            ("Open in Colab", f"https://colab.research.google.com/github/{path}/blob/notebooks/{name}.ipynb"),
            ("Open in Binder", f"https://mybinder.org/v2/gh/{path}/notebooks?labpath={name}.ipynb"),
        ]
    links += [
        ("Edit this page", f"{repository}/edit/{branch}/{source}"),
        ("Report an error", f"{repository}/issues/new?{query}"),
    ]
    context["source_links"] = links


def describe(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Let a page without a description, which the lists of search engines show, give its first sentences."""
    tags = context.get("metatags", "")
    given = re.search(r'<meta content="([^"]*)" name="description"', tags)
    texts = [
        paragraph.astext()
        for paragraph in (doctree.findall(nodes.paragraph) if doctree else [])
        if not any(paragraph.findall(nodes.math)) and len(paragraph.astext()) > 40
    ]
    text = (
        texts[0] if texts else f"{context.get('title', 'Search')}: a page of the book {app.config.html_title}"
    )
    short = given[1] if given else escape(textwrap.shorten(text, 160, placeholder=" …"))
    if not given:
        context["metatags"] = f'{tags}<meta name="description" content="{short}">'
    if context.get("meta") is not None:
        context["meta"]["og:description"] = unescape(short)  # for its card, too


def keep_index_entries(app: Sphinx, env: BuildEnvironment) -> None:
    """Give the search those index entries back that are on pages which are not written anew.

    Sphinx forgets them (sphinx-doc/sphinx#12599), and a search for a term then misses the glossary.
    """
    path = Path(app.outdir, "searchindex.js")
    if app.builder.name != "html" or not path.is_file():
        return
    old = js_index.loads(path.read_text(encoding="utf-8"))
    for entry, places in old["indexentries"].items():
        for number, target, main in places:
            if (page := old["docnames"][number]) in env.found_docs:
                kept = env._search_index_index_entries.setdefault(page, [])
                kept.append((entry, target, "main" if main else ""))


def lead_on(app: Sphinx, exception: Exception | None) -> None:
    """Write a page in the place of each that has moved, which leads to the new one."""
    if exception or app.builder.name != "html":
        return
    template = (Path(__file__).parent / "templates" / "moved.html").read_text(encoding="utf-8")
    for name, target in app.config.redirects.items():
        path = Path(app.outdir, f"{name}.html")
        if not (path.parent / target).is_file():
            raise ExtensionError(f"_config.yml, redirects: {name} leads to {target}, which is no page")
        path.parent.mkdir(parents=True, exist_ok=True)
        words = {"language": app.config.language, "target": target, "top": "../" * name.count("/")}
        path.write_text(Template(template).substitute(words), encoding="utf-8")


def draw_sign() -> str:
    """Draw the sign of the book for its cards, and return its path; otherwise they bear Sphinx's."""
    path = Path(__file__).parents[2] / "_build" / "sign.png"
    path.parent.mkdir(exist_ok=True)
    figure = Figure(figsize=(1, 1), dpi=144, facecolor=COLORS["model"])
    axis = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    time = np.linspace(0, 4, 200)
    axis.plot(time, np.exp(-time) * np.cos(5 * time), color="white", linewidth=5, solid_capstyle="round")
    axis.axis("off")
    figure.savefig(path)
    return str(path)


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.setup_extension("npfl_book.directives.checkpoint")
    app.add_node(chapter_map)
    app.add_directive("chapter-map", ChapterMap)
    app.add_post_transform(LinkTerms)
    app.connect("env-updated", forget_terms)
    app.connect("doctree-resolved", draw_map)
    app.connect("env-check-consistency", keep_index_entries)
    app.connect("html-page-context", lead_to_source)
    app.connect("html-page-context", describe, priority=400)  # before the cards
    app.add_config_value("redirects", {}, "html", dict)
    app.connect("build-finished", lead_on)
    app.add_js_file("way.js", loading_method="defer")
    if app.config.html_baseurl:
        app.setup_extension("sphinx_sitemap")
        app.setup_extension("sphinxext.opengraph")
        app.config.sitemap_url_scheme = "{link}"
        app.config.ogp_site_url = app.config.html_baseurl
        app.config.ogp_site_name = app.config.html_title
        app.config.ogp_social_cards = {"image_mini": draw_sign(), "line_color": COLORS["model"]}
    return {"parallel_read_safe": True, "parallel_write_safe": True}
