"""Printed tables on a phone: smaller letters, so that their columns stay columns.

Where a line does not fit, outputs wrap; a sentence is read as well so, but no table. The style sheet makes
the letters of those smaller that say how many columns they have.
"""

import re
from html import unescape

from sphinx.application import Sphinx

# What a phone of 390 pixels shows at the usual size, and at 8 pixels, below which nobody reads.
FITS = 43
MOST = 69
OUTPUT = re.compile(
    r'(<div class="output (?:stream|text_plain)[^"]*")(><div class="highlight"><pre>(.*?)</pre>)', re.S
)


def say_columns(body: str) -> str:
    r"""Let each printed table say how many columns it has, if a phone can show them.

    Examples
    --------
    >>> output = '<div class="output stream"><div class="highlight"><pre>{}</pre>'
    >>> say_columns(output.format("\n".join(["loss" + 40 * " " + "&lt;"] * 2)))[:52]
    '<div class="output stream" style="--npfl-columns:45"'
    >>> say_columns(output.format(45 * "a")) == output.format(45 * "a")  # one line is no table
    True
    """

    def say(match: re.Match) -> str:
        lines = unescape(re.sub(r"<[^>]+>", "", match[3])).split("\n")
        long = [len(line) for line in lines if len(line) > FITS]
        if len(long) < 2 or max(long) > MOST:
            return match[0]
        return f'{match[1]} style="--npfl-columns:{max(long)}"{match[2]}'

    return OUTPUT.sub(say, body)


def narrow(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Look through the page's outputs."""
    if app.builder.format == "html" and "body" in context:
        context["body"] = say_columns(context["body"])


def setup(app: Sphinx) -> dict:
    """Connect the step; called by Sphinx."""
    app.connect("html-page-context", narrow)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
