"""Render Markdown of a submission so that nothing of it runs or is fetched in who reads it.

nbgrader's templates of feedback and of the formgrader render the Markdown of students as it stands, scripts
and ``javascript:`` links too, even where ``HTMLExporter.sanitize_html`` is set. This filter takes the place
of the one that they use::

    c.HTMLExporter.filters = {"markdown2html": "npfl_grader.safe_html.markdown2html"}
"""

import functools
import re
from html import escape
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook

TAGS = {
    *bleach.ALLOWED_TAGS,
    *("p", "br", "hr", "div", "span", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "img", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "del", "s", "sub", "sup", "kbd", "u"),
}
# Mathematics that reaches out of itself: links, foreign styles, further parts of MathJax.
ACTIVE_MATH = re.compile(
    r"(?<!\\)\\++(?=(?:href|url|require|style|class|cssId|unicode|csname|includegraphics|mmlToken|html\w*|data)\b)",
    re.IGNORECASE,
)
LINK = re.compile(r"https?://|mailto:|#", re.IGNORECASE)
# What a renderer looks at more than once: some of it takes time that grows with its square. A page has more
# than its longest text, and data of pictures has none of it.
MARKUP = "<>[]()!*_`#~=|\\-$&:{\"'\n"
NO_WORDS = re.compile(r"<img(?![^>]*\salt=)")
MOST_IN_A_TEXT, MOST_IN_A_PAGE = 20_000, 60_000
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*\Z")


def _attribute(tag: str, name: str, value: str) -> bool:
    if tag == "img":
        # A picture from elsewhere would tell its server who reads what, and when.
        return name in ("alt", "title", "width", "height") or (name == "src" and bool(PICTURE.match(value)))
    if tag == "a":
        anchor = name == "class" and value == "anchor-link"
        return anchor or name == "title" or (name == "href" and bool(LINK.match(value)))
    if tag in ("th", "td"):
        return name == "align"
    if tag == "ol":  # a list that goes on after a formula
        return name == "start" and value.isdecimal()
    return name == "class" and tag in ("div", "span", "pre", "code")


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Render Markdown and keep only plain text markup, web links and pictures that are in the notebook.

    Text with more markup than anybody writes is shown as it stands.

    Parameters
    ----------
    context : jinja2.runtime.Context
        The template's; the cell's attachments are in it.
    source : str
        The Markdown, as a student wrote it.
    """
    source = ACTIVE_MATH.sub("", source)
    marks = sum(map(source.count, MARKUP))
    page = context.get("resources", {})
    page["markup"] = page.get("markup", 0) + marks
    if marks > MOST_IN_A_TEXT or page["markup"] > MOST_IN_A_PAGE:
        return f"<pre>{escape(source)}</pre>"
    attachments = context.get("cell", {}).get("attachments")
    return _rendered(context, source) if attachments else _without_attachments(source)


@functools.lru_cache(300)
def _without_attachments(source: str) -> str:
    """Render what says everything by itself; most of it is the instructor's, and on each page the same."""
    return _rendered({}, source)


def _rendered(context: Any, source: str) -> str:
    try:
        html = _exporter().markdown2html(context, source)
    except InvalidNotebook:
        # A picture that was never attached: show its place as text.
        try:
            html = _exporter().markdown2html(context, source.replace("attachment:", "attachment "))
        except InvalidNotebook:  # there are many ways to write a colon
            html = f"<pre>{escape(source)}</pre>"
    html = bleach.clean(html, tags=TAGS, attributes=_attribute, protocols={"http", "https", "mailto", "data"})
    return NO_WORDS.sub('<img alt="A picture without a description"', html)


_made: list[HTMLExporter] = []


def _exporter() -> HTMLExporter:
    if not _made:
        _made.append(HTMLExporter())
    return _made[0]
