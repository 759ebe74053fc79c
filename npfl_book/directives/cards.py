"""The chapters of a part as cards, ``{chapter-cards}`` with its caption; a line below each chapter's title.

A card has the chapter's number and title, its question, which ``question`` in its front matter asks, and what
awaits the reader: minutes, figures, exercises. The line below the title has the number and the minutes.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from npfl_book.directives.elements import element, html_element

WORDS_A_MINUTE = 180
# What takes a reader longer than the words in it, in seconds.
FORMULA, LINE_OF_CODE, FIGURE, QUESTION = 20, 4, 60, 60


class chapter_cards(nodes.General, nodes.Element):
    """The place of the cards."""


class ChapterCards(SphinxDirective):
    """The directive ``chapter-cards``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Leave a place for the cards, which need all pages."""
        return [chapter_cards(part=self.arguments[0])]


def is_chapter(page: str) -> bool:
    """Say whether a page is a chapter, which has a number and a question."""
    return page.startswith(("chapters/0", "chapters/1"))


def parts(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return the pages of each part by its caption, in reading order."""
    trees = env.get_doctree(env.config.root_doc).findall(addnodes.toctree)
    return {tree["caption"]: [page for _, page in tree["entries"]] for tree in trees if tree["caption"]}


def numbers(env: BuildEnvironment) -> dict[str, int]:
    """Return the number of each chapter."""
    pages = [page for part in parts(env).values() for page in part if is_chapter(page)]
    return {page: number for number, page in enumerate(pages, 1)}


def code_is_shown(cell: nodes.Element) -> bool:
    """Say whether a cell shows its code."""
    return not {"tag_hide-cell", "tag_hide-input"} & set(cell.get("classes", ()))


def minutes(doctree: nodes.document) -> int:
    """Return the minutes that a chapter takes, in fives."""
    words = sum(len(paragraph.astext().split()) for paragraph in doctree.findall(nodes.paragraph))
    cells = [cell for cell in doctree.findall(nodes.container) if cell.get("nb_element") == "cell_code"]
    code = [next(cell.findall(nodes.literal_block), None) for cell in cells if code_is_shown(cell)]
    lines = sum(len(block.astext().splitlines()) for block in code if block is not None)
    formulas = sum(1 for _ in doctree.findall(nodes.math_block))
    questions = sum(
        1 for box in doctree.findall(html_element) if box["html"].get("class") == "npfl-checkpoint"
    )
    seconds = words * 60 / WORDS_A_MINUTE + formulas * FORMULA + lines * LINE_OF_CODE
    seconds += figures(doctree) * FIGURE + questions * QUESTION
    return max(5, 5 * round(seconds / 300))


def figures(doctree: nodes.document) -> int:
    """Count the figures of a chapter."""
    return sum(1 for _ in doctree.findall(nodes.figure))


def several(count: int, word: str) -> list[str]:
    """Count something, unless there is none of it."""
    return [f"{count} {word}{'s' if count > 1 else ''}"] if count else []


def card(app: Sphinx, page: str, chapter: str, number: int) -> nodes.Element:
    """Make the card of a chapter."""
    env = app.env
    question = env.metadata[chapter].get("question")
    if not question:
        raise ExtensionError(f"{chapter}.md: a chapter needs its question in the front matter, question: ...")
    exercises = [below for below in env.toctree_includes.get(chapter, []) if below.startswith("exercises/")]
    facts = [
        f"{env.metadata[chapter]['minutes']} min",
        *several(env.metadata[chapter]["figures"], "figure"),
        *several(len(exercises), "exercise"),
    ]
    link = nodes.reference("", env.titles[chapter].astext(), internal=True)
    link["refuri"] = app.builder.get_relative_uri(page, chapter)
    return element(
        "li",
        element("p", nodes.inline("", "", nodes.Text(f"{number} "), link), class_="title"),
        element("p", nodes.Text(question)),
        element("p", nodes.Text(" · ".join(facts)), class_="facts"),
    )


def note(app: Sphinx, doctree: nodes.document) -> None:
    """Note what awaits the reader of a chapter, so that its card needs no reading of it again."""
    page = app.env.docname
    if is_chapter(page):
        app.env.metadata[page] |= {"minutes": minutes(doctree), "figures": figures(doctree)}


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the cards into their place, and the line below the title of a chapter."""
    for place in list(doctree.findall(chapter_cards)):
        all_parts, order = parts(app.env), numbers(app.env)
        chapters = [chapter for chapter in all_parts.get(place["part"], []) if chapter in order]
        if not chapters:
            raise ExtensionError(
                f"{page}.md: chapter-cards names {place['part']!r}, which is no part with chapters; "
                f"the parts are {', '.join(all_parts)}"
            )
        cards = [card(app, page, chapter, order[chapter]) for chapter in chapters]
        place.replace_self(element("ol", *cards, class_="npfl-cards"))
    if is_chapter(page):
        order = numbers(app.env)
        line = f"Chapter {order[page]} of {len(order)} · about {app.env.metadata[page]['minutes']} minutes"
        title = next(doctree.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, nodes.paragraph("", line, classes=["npfl-about"]))


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_node(chapter_cards)
    app.add_directive("chapter-cards", ChapterCards)
    app.connect("doctree-read", note)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
