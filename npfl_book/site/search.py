"""What the search finds: the sections of the pages, the terms of the glossary and the names of the reference.

They stand in ``search-index.json``, each with its address, title and text; ``find.js`` looks for them with
MiniSearch, and knows what else things are called. Code, answers to questions and displayed formulas are left
out.
"""

import json
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from npfl_book import node
from npfl_book.directives.cards import is_chapter
from npfl_book.directives.elements import html_element
from npfl_book.site.terms import GLOSSARY

INDEX = "search-index.json"
# The files of libraries that find.js imports, by their names beside it.
LIBRARIES = {"minisearch.js": "minisearch/dist/es/index.js", "stemmer.js": "stemmer/index.js"}
LEFT_OUT = (
    nodes.raw,
    nodes.comment,
    nodes.literal_block,
    nodes.math_block,
    nodes.target,
    nodes.Invisible,
    nodes.system_message,
    html_element,
    addnodes.index,
    addnodes.toctree,
)
APART = (nodes.section, nodes.title, addnodes.desc, addnodes.glossary)
# TeX's names of signs, each with its sign.
_SIGNS = re.findall(
    r"\S+",
    """
alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ kappa κ lambda λ mu μ nu ν xi
ξ pi π rho ρ sigma σ tau τ phi φ varphi φ chi χ psi ψ omega ω Delta Δ Sigma Σ Phi Φ Gamma Γ ell ℓ
partial ∂ nabla ∇ sum Σ prod Π cdot · times × le ≤ ge ≥ ne ≠ approx ≈ in ∈ to → leftarrow ← pm ± infty ∞
lVert ‖ rVert ‖ Vert ‖ lvert | rvert | mid | ldots … dots … sim ~ odot ⊙ ll ≪ gg ≫
""",
)
SIGNS: dict[str, str] = dict(zip(_SIGNS[::2], _SIGNS[1::2], strict=True))
# What a reference by number is called where it cannot be followed.
NUMBERED = {"numref": "the figure", "eq": "the formula"}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}


class Entry(NamedTuple):
    """What can be found: where it is, what it is called, on which page, and what stands there."""

    address: str
    title: str
    page: str
    kind: str
    text: str


def readable(tex: str) -> str:
    r"""Write a short formula as plain text; what does not fit on a line becomes "…".

    Examples
    --------
    >>> readable(r"\hat y = \tfrac12 \lambda \lVert\boldsymbol\theta\rVert_2^2")
    'ŷ = 1/2 λ ‖θ‖₂²'
    >>> readable(r"\begin{pmatrix} 1 & 2 \end{pmatrix}")
    '…'
    """
    text = re.sub(
        r"\\(?:mathbf|boldsymbol|operatorname|mathrm|mathsf|mathbb|mathcal|text|big|Big|left|right)\b\*?",
        "",
        tex,
    )
    text = re.sub(r"\\(?:[,;:! ]|quad)|~", " ", text)
    text = re.sub(r"\\[td]?frac\s*(\d)\s*(\d)", r"\1/\2", text)
    text = re.sub(r"\\[td]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2", text)
    text = re.sub(r"\\sqrt\s*\{?(\\?\w+)\}?", r"√\1", text)
    text = re.sub(r"\\(hat|bar|tilde|dot)\s*\{?(\\?\w)(\w*)\}?", _accent, text)
    text = re.sub(
        r"\\([A-Za-z]+)", lambda match: SIGNS.get(match[1], match[1] if match[1] in _WORDS else "\\"), text
    )
    text = re.sub(r"([_^])\s*(?:\{([^{}]*)\}|(.))", _script, text).replace("{", "").replace("}", "")
    return "…" if "\\" in text or "&" in text else " ".join(text.split())


_WORDS = {"log", "exp", "max", "min", "tanh", "arg", "lim"}
_LOW = str.maketrans("0123456789+-=()aeijknoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₒₚᵣₛₜᵤᵥₓ")
_HIGH = str.maketrans("0123456789+-=()biknT*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵇⁱᵏⁿᵀ*")


def _accent(match: re.Match[str]) -> str:
    letter, rest = match[2], match[3]
    if letter.startswith("\\"):
        letter, rest = SIGNS.get(letter[1:] + rest, "\\"), ""
    return unicodedata.normalize("NFC", f"{letter}{ACCENTS[match[1]]}{rest}")


def _script(match: re.Match[str]) -> str:
    text, table = (match[2] or match[3] or "").strip(), _LOW if match[1] == "_" else _HIGH
    small = text.translate(table)
    return small if all(ord(letter) in table for letter in text) else f"{match[1]}{text}"


def text_of(element: nodes.Node, top: bool = True) -> str:
    """Return what is read in an element, without what is found apart from it."""
    if isinstance(element, nodes.Text):
        return element.astext()
    if isinstance(element, nodes.math):
        return readable(element.astext())
    if isinstance(element, addnodes.pending_xref) and element["reftype"] in NUMBERED:
        return NUMBERED[element["reftype"]]
    if isinstance(element, LEFT_OUT) or (not top and isinstance(element, APART)):
        return ""
    parts = [text_of(child, False) for child in element.children]
    return ("" if isinstance(element, nodes.TextElement) else " ").join(parts)


def line_of(element: nodes.Node) -> str:
    """Return the text of an element on one line."""
    return " ".join(text_of(element).split())


def name_links(env: BuildEnvironment, doctree: nodes.document) -> None:
    """Let links that are to show the title of a page or section hold it, as the built page does."""
    titles = {name.rpartition("/")[2]: line_of(title) for name, title in env.titles.items()}
    for section in doctree.findall(nodes.section):
        titles |= dict.fromkeys(section["ids"], line_of(next(section.findall(nodes.title))))
    for link in doctree.findall(addnodes.pending_xref):
        page, _, anchor = link["reftarget"].partition("#")
        if not link.astext():
            name = page.rpartition("/")[2].removesuffix(".md") or anchor
            link += nodes.inline("", titles.get(name, ""))


def entries(env: BuildEnvironment, page: str) -> Iterator[Entry]:
    """Return what can be found on a page."""
    doctree = env.get_doctree(page)
    name_links(env, doctree)
    about = line_of(env.titles[page])
    kind = "chapter" if is_chapter(page) else "exercise" if page.startswith("exercises/") else "other"
    for number, section in enumerate(doctree.findall(nodes.section)):
        title = line_of(next(section.findall(nodes.title)))
        end = re.match(r"Summary|Notes and references|A worked example|Sources", title)
        question = "" if number else env.metadata[page].get("question", "")
        yield Entry(
            f"{page}.html" + f"#{section['ids'][0]}" * bool(number),
            title,
            about,
            "end" if end and number else kind,
            f"{question} {line_of(section)}".strip(),
        )
    if page == GLOSSARY:
        for item in doctree.findall(nodes.definition_list_item):
            definition = line_of(next(item.findall(nodes.definition)))
            term = next(item.findall(nodes.term))
            place = f"{page}.html#{term['ids'][0]}"
            yield Entry(place, line_of(term), about, "term", definition.partition(" →")[0])
    for described in doctree.findall(addnodes.desc):
        for signature in described.findall(addnodes.desc_signature):
            if signature.parent is described and signature["ids"]:
                name = signature["ids"][0]
                content = next(described.findall(addnodes.desc_content))
                yield Entry(
                    f"{page}.html#{name}",
                    name.removeprefix("npfl."),
                    about,
                    "reference",
                    line_of(content)[:400],
                )


def forget(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """Forget what can be found on a page that is read anew, or removed."""
    getattr(env, "npfl_found", {}).pop(page, None)


def collect(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Keep with the pages what can be found on them: reading all of them again takes seconds.

    Links show the titles of other pages, so a changed title changes them all.
    """
    titles = {page: line_of(title) for page, title in env.titles.items()}
    if getattr(env, "npfl_titles", None) != titles:
        env.npfl_titles, env.npfl_found = titles, {}  # type: ignore[attr-defined]
    for page in titles:
        if page not in env.npfl_found:  # type: ignore[attr-defined]
            env.npfl_found[page] = list(map(list, entries(env, page)))  # type: ignore[attr-defined]
    return []


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write what can be found, and put the libraries beside it."""
    if exception or app.builder.name != "html":
        return
    kept = app.env.npfl_found  # type: ignore[attr-defined]
    found = [entry for page in sorted(kept) if page in app.env.found_docs for entry in kept[page]]
    static = Path(app.outdir, "_static")
    (static / INDEX).write_text(
        json.dumps(found, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    for name, place in LIBRARIES.items():
        shutil.copy(node.MODULES / place, static / name)


def replace_sphinx(app: Sphinx) -> None:
    """Keep the page of the search, and leave out Sphinx's own index of words."""
    if app.builder.name == "html":
        app.builder.search = False  # type: ignore[attr-defined]
        app.config.html_additional_pages["search"] = "search.html"


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    app.add_js_file("search.js", loading_method="defer")
    app.connect("builder-inited", replace_sphinx)
    app.connect("env-purge-doc", forget)
    app.connect("env-updated", collect)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
