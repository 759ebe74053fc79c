"""The text of a built page as Markdown, which JupyterLab shows without extensions.

Taken from the page and not from its source: there the references, numbers and citations stand already.
"""

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

CELL = "here-stands-a-cell"
LINE = re.compile(rf"^[>\s]*{CELL}\s*$", re.M)
# What the page adds, and what needs its scripts.
WITHOUT = (
    "a.headerlink, script, noscript, svg, button, input, .npfl-card, .feedback, .why, "
    ".sd-summary-state-marker, .npfl-practice details, .npfl-offer"
)


class Converter(MarkdownConverter):
    """HTML to Markdown, except for what Markdown has no words for."""

    def convert_details(self, element: Tag, text: str, parent_tags: set[str]) -> str:
        """Keep what unfolds folded."""
        summary = element.find("summary")
        title = summary.get_text().strip() if summary else ""
        return f"\n\n<details>\n<summary>{title}</summary>\n\n{text.strip()}\n\n</details>\n\n"

    def convert_summary(self, element: Tag, text: str, parent_tags: set[str]) -> str:
        """Leave out what `convert_details` has written."""
        return ""


def texts(page: str) -> list[str]:
    """Return the Markdown before the first cell of a page, between its cells, and after the last one."""
    found = re.search(r"<article.*?</article>", page, re.S)
    # The pictures are most of a page, and only slow the parser down.
    soup = BeautifulSoup(re.sub(r"<svg.*?</svg>", "", found[0] if found else "", flags=re.S), "html.parser")
    for cell in soup.select("div.cell"):
        caption = cell.find("figcaption")
        mark = soup.new_tag("p")
        mark.string = CELL
        cell.replace_with(mark)
        if caption:
            caption.name = "p"
            mark.insert_after(caption)
    for element in soup.select(WITHOUT):
        element.decompose()
    for formula in soup.select(".katex"):
        _formula(formula)
    for link in soup.select("a.internal"):
        link.unwrap()
    for boxed in soup.select(".admonition, fieldset, .npfl-practice"):
        boxed.name = "blockquote"
    for title in soup.select(".admonition-title, legend"):
        title.name = "p"
        title.wrap(soup.new_tag("p"))
        title.name = "strong"
    for folded in soup.select("details"):
        summary = folded.find("summary")
        if summary and folded.find(string=CELL):  # a cell cannot be folded with the text around it
            folded.name = "div"
            summary.name = "strong"
    options: dict[str, Any] = dict.fromkeys(("escape_asterisks", "escape_underscores"), False)
    text = Converter(heading_style=ATX, bullets="-", **options).convert_soup(soup)
    return [re.sub(r"\n{3,}", "\n\n", part).strip() for part in LINE.split(text)]


def _formula(formula: Tag) -> None:
    """Put the TeX in place of a formula, with its number."""
    (annotation,) = formula.find_all("annotation")
    tex = annotation.get_text().strip()
    display = formula.find_parent(class_="katex-display")
    if not display:
        formula.replace_with(f"${tex}$")
        return
    number = (display.parent or display).find(class_="eqno")
    if number:
        tex += rf" \tag{{{number.get_text().strip('()# ')}}}"
        number.decompose()
    display.name = "p"
    display.string = f"$${tex}$$"
