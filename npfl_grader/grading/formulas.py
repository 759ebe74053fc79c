"""Formulas of a page of feedback as MathML, which a browser draws without asking another host."""

import functools
import re
from html import escape, unescape
from typing import Any

import bleach
from jinja2 import pass_context
from latex2mathml.converter import convert

from npfl_grader import safe_html

# A formula between dollars; and code, which has none, and tags, which are passed over whole: a formula that
# began in one, or went beyond it, would break its quotes.
FORMULA = re.compile(
    r"(?P<code><(?P<tag>pre|code)\b.*?</(?P=tag)>|<(?:[^\"'<>]|\"[^\"]*\"|'[^']*')*>)"
    r"|\$\$(?P<block>[^<]+?)\$\$|(?<![\\$])\$(?P<line>[^$<\s](?:[^$<]*[^$<\s\\])?)\$",
    re.DOTALL,
)
TAGS = {
    *(
        "math",
        "mi",
        "mn",
        "mo",
        "ms",
        "mtext",
        "mspace",
        "mrow",
        "mfrac",
        "msqrt",
        "mroot",
        "mstyle",
        "merror",
    ),
    *(
        "mpadded",
        "mphantom",
        "msub",
        "msup",
        "msubsup",
        "munder",
        "mover",
        "munderover",
        "mtable",
        "mtr",
        "mtd",
    ),
}
ATTRIBUTES = [
    "display",
    "mathvariant",
    "accent",
    "stretchy",
    "fence",
    "width",
    "linethickness",
    "columnalign",
]


# How long the formulas of a page may be, and one of them, so that drawing them takes not all of its time.
MOST, EACH = 60_000, 30  # characters, and as many that each counts for besides
LONGEST = 2000


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Render Markdown as `safe_html.markdown2html` does, with its formulas drawn.

    Parameters
    ----------
    context : jinja2.runtime.Context
        The template's; the cell's attachments are in it.
    source : str
        The Markdown, as a student wrote it.
    """
    page = context.get("resources", {})

    def draw(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        page["formulas"] = page.get("formulas", 0) + len(match[0]) + EACH
        return _drawn(match["block"], match["line"]) if page["formulas"] <= MOST else match[0]

    return FORMULA.sub(draw, safe_html.markdown2html(context, source))


@functools.lru_cache(1000)
def _drawn(block: str | None, line: str | None) -> str:
    text = unescape(block or line or "")
    # Rows that are lined up at a sign are a matrix of columns.
    lined = re.sub(r"\\(begin|end)\{(?:aligned|align\*?|gathered)\}", r"\\\1{matrix}", text)
    if len(text) > LONGEST:
        return f"<code>{escape(text)}</code>"
    try:
        math = convert(lined, display="block" if block else "inline")
    except Exception:  # its errors have no common class, and what a student writes need be no formula
        return f"<code>{escape(text)}</code>"
    # It puts text into the formula as it stands.
    math = bleach.clean(math, tags=TAGS, attributes=ATTRIBUTES)
    # On a narrow screen it is moved sideways, by keyboard too.
    return (
        f'<span class="formula" role="group" aria-label="formula" tabindex="0">{math}</span>'
        if block
        else math
    )
