"""Every page of the built book: complete, readable, accessible, and without what must stay hidden."""

import functools
import json
import re
from pathlib import Path

import nbformat
import pytest
from fontTools.ttLib import TTFont
from nbgrader.utils import is_solution

from npfl_book import node
from npfl_grader.authoring import exercises

ROOT = Path(__file__).parents[2]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
# Known before the book is built, so that each page is a test of its own.
CHAPTERS = [f"chapters/{path.stem}" for path in sorted((ROOT / "chapters").glob("*.md"))]
REFERENCE = [
    f"chapters/reference/{path.stem}" for path in sorted((ROOT / "chapters" / "reference").glob("*.md"))
]
PAGES = ["index", *CHAPTERS, *(f"exercises/{path.stem}" for path in EXERCISES), "search", "genindex"]
VISITED = [*PAGES, *REFERENCE, "_modules/npfl/optimizers"]


def test_every_page_is_tested(html):
    built = {path.relative_to(html).with_suffix("").as_posix() for path in html.rglob("*.html")}
    listings = {name for name in built if name.startswith(("_modules/", "_static/"))}
    moved = {"chapters/index", "exercises/index"}
    assert built - listings - moved == {*PAGES, *REFERENCE}


@pytest.mark.parametrize("page_name", VISITED)
def test_accessible(visit, page_name):
    """All rules hold at both widths, and those about colours in both themes."""
    found = visit(page_name)["rules"]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page_name", VISITED)
def test_page_fits_the_screen(visit, page_name):
    """At two widths, and at 320 pixels, which a screen of 1280 shows at 400 percent."""
    assert not visit(page_name)["wide"]


@pytest.mark.parametrize("page_name", VISITED)
def test_page_asks_no_other_host_and_does_not_complain(visit, page_name):
    assert not visit(page_name)["complaints"]


@functools.cache
def characters(font):
    return set(TTFont(font).getBestCmap())


@pytest.mark.parametrize("page_name", VISITED)
def test_fonts_have_what_the_formulas_say(visit, html, page_name):
    """A character that was cut from its font would come from another one, in another shape and width."""
    for font, text in visit(page_name)["letters"].items():
        family, weight, style = font.split()
        cut = ("Bold" if int(weight) > 500 else "") + ("Italic" if style == "italic" else "")
        name = f"{family}-{cut or 'Regular'}.woff2"
        said = set(map(ord, text)) & characters(node.KATEX / "fonts" / name)
        assert said, font
        assert said <= characters(html / "_static" / "katex" / "fonts" / name), font


def test_sounds_can_be_played(open_page):
    page = open_page("chapters/09-augmentation.html")
    page.evaluate(
        "document.querySelectorAll('audio').forEach(sound => { sound.preload = 'auto'; sound.load(); })"
    )
    page.wait_for_function(
        "() => [...document.querySelectorAll('audio')].every(sound => sound.readyState > 0)"
    )
    lengths = page.evaluate("[...document.querySelectorAll('audio')].map(sound => sound.duration)")
    assert lengths == pytest.approx([0.5, 1 / 3, 0.5, 0.5, 0.5], abs=1e-3)


def test_formulas_are_rendered(open_page, html):
    page = open_page("chapters/05-softmax-derivative.html")
    assert page.locator(".katex").count() > 100
    assert page.locator(".katex-error").count() == 0
    # The text that is seen holds no TeX; the copy for screen readers does, as an annotation of the MathML.
    page.evaluate("document.querySelectorAll('.katex-mathml').forEach(copy => copy.remove())")
    seen = page.locator("article").inner_text()
    assert not re.search(r"\\[a-z]+\b|\$", re.sub(r"print\(.*", "", seen))
    # The fonts came from the site: a formula is as wide as KaTeX's own metrics make it.
    assert page.evaluate("document.fonts.check('16px KaTeX_Main')")


def test_numbers_and_links_resolve(open_page):
    page = open_page("chapters/05-softmax-derivative.html")
    article = page.locator("article")
    targets = article.locator("a.reference.internal[href^='#']").evaluate_all(
        "l => l.map(a => a.hash.slice(1))"
    )
    assert targets
    assert [t for t in targets if not page.evaluate("id => !!document.getElementById(id)", t)] == []


def test_checkpoint_answers(open_page):
    page = open_page("chapters/05-softmax-derivative.html")
    question = page.get_by_role("group", name=re.compile("Logits .1, 2, 3. give"))
    feedback = question.get_by_role("status")
    question.get_by_role("button", name="Check").click()
    assert feedback.inner_text() == "Choose an answer first."
    wrong, right = (question.locator(f".answer input[value={kind}]").first for kind in ("wrong", "right"))
    wrong.focus()
    page.keyboard.press("Space")
    question.get_by_role("button", name="Check").focus()
    page.keyboard.press("Enter")
    assert feedback.inner_text().startswith("Not yet.")
    why = question.locator(".answer:has(input[value=wrong]) .why").first.text_content()
    assert why in feedback.inner_text()
    chosen = question.locator(".answer:has(input:checked)")
    assert chosen.get_attribute("data-verdict") == "wrong"
    right.check()
    assert feedback.inner_text() == "", "what was said of one answer stands under another"
    assert question.locator("[data-verdict]").count() == 0
    question.get_by_role("button", name="Check").click()
    assert feedback.inner_text().startswith("Correct.")
    assert chosen.get_attribute("data-verdict") == "right"
    assert "a common shift cancels" in feedback.inner_text()


def test_checkpoint_without_javascript_can_be_unfolded(open_page):
    page = open_page("chapters/05-softmax-derivative.html", java_script_enabled=False)
    question = page.locator(".npfl-checkpoint").first
    assert not question.get_by_role("button", name="Check").is_visible()
    question.get_by_text("Answer", exact=True).click()
    assert question.get_by_text("a common shift cancels").last.is_visible()


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_exercise_page_hands_out_the_release(plain, address, path):
    plain.goto(f"{address}/exercises/{path.stem}.html")
    with plain.expect_download() as waiting:
        plain.get_by_role("link", name="Download the notebook").click()
    assert waiting.value.suggested_filename == f"{path.stem}.ipynb"
    notebook = nbformat.read(waiting.value.path(), as_version=4)
    released = exercises.notebook_links(exercises.release(exercises.read(path)), "", path.parent.parent)
    assert notebook.cells == released.cells


def secrets(path):
    """Every line of code that only the source of an exercise may hold."""
    source = exercises.read(path)
    # What the release, the chapters and the package show is no secret, nor is a part of one of their lines.
    paths = [*(ROOT / "chapters").glob("*.md"), *(ROOT / "npfl").rglob("*.py")]
    shown = [cell.source for cell in exercises.release(source).cells]
    public = "\n".join(shown + [path.read_text(encoding="utf-8") for path in paths])
    lines = {line.strip() for cell in source.cells for line in cell.source.splitlines()}
    return {line for line in lines if len(line) > 12 and line not in public}


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_no_solution_and_no_hidden_test_is_published(html, path):
    hidden = secrets(path)
    assert len(hidden) > 20
    assert any("### BEGIN SOLUTION" in line for line in hidden)
    solution = next(cell for cell in exercises.read(path).cells if is_solution(cell))
    assert hidden & {line.strip() for line in solution.source.splitlines()}
    as_json = {json.dumps(line)[1:-1] for line in hidden}
    as_html = {line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in hidden}
    # JupyterLite and Python are not made of the exercises; the notebooks that they open are.
    lite = html / "_static" / "lite"
    for file in [*html.rglob("*"), *(ROOT / "exercises").rglob("*")]:
        if file.is_file() and (lite not in file.parents or lite / "files" in file.parents):
            text = file.read_text(encoding="utf-8", errors="ignore")
            # Highlighting puts tags between the words of a line.
            plain = re.sub(r"<[^<>]*>", "", text) if file.suffix == ".html" else ""
            found = [line for line in hidden | as_json | as_html if line in text or (plain and line in plain)]
            assert not found, f"{file.relative_to(ROOT)} holds: {found[:3]}"
