"""Terms of the glossary: the first use on a page leads to the glossary, and shows what the word means.

The glossary itself begins with its letters, each of which leads to its first term.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

from npfl_book.directives.elements import element, html_element

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


class LinkLetters(SphinxPostTransform):
    """Put a row of letters above the glossary."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Let each letter lead to the first term that begins with it."""
        if self.env.docname != GLOSSARY:
            return
        for glossary in list(self.document.findall(addnodes.glossary)):
            first: dict[str, str] = {}
            for term in glossary.findall(nodes.term):
                first.setdefault(term.astext()[0].upper(), term["ids"][0])
            row = nodes.paragraph(classes=["npfl-letters"])
            for letter, place in first.items():
                row += nodes.reference("", letter, internal=True, refid=place)
            glossary.parent.insert(glossary.parent.index(glossary), row)


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_post_transform(LinkTerms)
    app.add_post_transform(LinkLetters)
    app.connect("env-updated", forget_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
