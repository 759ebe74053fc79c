"""What others show of a page: search engines its description, and those who share it a card.

Cards and the sitemap need the address of the site, ``html: baseurl`` in ``_config.yml``.
"""

import re
import textwrap
from html import escape, unescape

import numpy as np
from docutils import nodes
from matplotlib.figure import Figure
from sphinx.application import Sphinx

from npfl.figures import COLORS
from npfl_book import BUILD


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


def draw_sign() -> str:
    """Draw the sign of the book for its cards, and return its path; otherwise they bear Sphinx's."""
    path = BUILD / "sign.png"
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
    app.connect("html-page-context", describe, priority=400)  # before the cards
    if app.config.html_baseurl:
        app.setup_extension("sphinx_sitemap")
        app.setup_extension("sphinxext.opengraph")
        app.config.sitemap_url_scheme = "{link}"
        app.config.ogp_site_url = app.config.html_baseurl
        app.config.ogp_site_name = app.config.html_title
        app.config.ogp_social_cards = {"image_mini": draw_sign(), "line_color": COLORS["model"]}
    return {"parallel_read_safe": True, "parallel_write_safe": True}
