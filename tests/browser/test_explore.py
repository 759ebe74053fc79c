"""The sliders of the built pages, moved as readers move them."""

import contextlib
import io
from pathlib import Path

import jupytext
import pytest

import npfl.explore

ROOT = Path(__file__).parents[2]
PAGE = "chapters/05-softmax-derivative"
FIGURE = "#softmax-derivative"

# Whether the shown picture is the one that Python draws; the marks of changing elements do not count.
SAME = """(figure, svgs) => {
    const shown = figure.querySelector(".npfl-pictures").cloneNode(true);
    for (const marked of shown.querySelectorAll("[data-c]")) marked.removeAttribute("data-c");
    const wanted = document.createElement("div");
    return shown.children.length === svgs.length && svgs.every((svg, i) => {
        wanted.innerHTML = svg;
        return shown.children[i].firstChild.isEqualNode(wanted.firstChild);
    });
}"""


@pytest.fixture(scope="module")
def explorers():
    """Run the chapter's code and collect its figures by name."""
    made = {}
    real = npfl.explore.explore

    def collecting(*arguments, **options):
        explorer = real(*arguments, **options)
        made[explorer.name] = explorer
        return explorer

    npfl.explore.explore = collecting
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            names = {"__name__": "__main__"}
            for cell in jupytext.read(ROOT / f"{PAGE}.md").cells:
                if cell.cell_type == "code":
                    exec(cell.source, names)
    finally:
        npfl.explore.explore = real
    return made


def check(page, explorer, position):
    """Compare picture, sentence and values in the page with what Python says for a position."""
    figure = page.locator(f"#{explorer.name}")
    frame = explorer.frame(position)
    assert figure.evaluate(SAME, frame.texts), f"another picture than Python's at {position}"
    assert figure.locator(".npfl-says").inner_text() == frame.says
    texts = [slider.texts[i] for slider, i in zip(explorer.sliders.values(), position, strict=True)]
    assert figure.locator("output").all_inner_texts() == texts
    assert [i.get_attribute("aria-valuetext") for i in figure.locator("input").all()] == texts


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_keyboard_moves_the_picture(open_page, explorers, theme, width):
    page = open_page(f"{PAGE}.html", width, theme)
    explorer = explorers["softmax-derivative"]
    check(page, explorer, explorer.first)
    score = page.get_by_label("score of C", exact=True)
    score.focus()
    for key, position in [("ArrowRight", 9), ("ArrowLeft", 8), ("Home", 0), ("End", 24), ("PageDown", 22)]:
        page.keyboard.press(key)
        check(page, explorer, (position, 0))


def test_drag_and_touch_move_the_picture(open_page, explorers):
    page = open_page(f"{PAGE}.html", has_touch=True)
    explorer = explorers["softmax-derivative"]
    score = page.get_by_label("score of C", exact=True)
    score.scroll_into_view_if_needed()
    box = score.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, middle, steps=5)
    check(page, explorer, (24, 0))
    page.mouse.up()
    gold = page.get_by_label("gold probability of C", exact=True)
    box = gold.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    check(page, explorer, (24, 4))


def test_address_holds_the_state(open_page, explorers):
    page = open_page(f"{PAGE}.html")
    explorer = explorers["softmax-derivative"]
    page.get_by_label("score of C", exact=True).focus()
    page.keyboard.press("End")
    page.get_by_label("gold probability of C", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#softmax-derivative.score=8.0&softmax-derivative.gold=0.9"
    page.reload()
    check(page, explorer, (24, 1))
    page.go_back()
    check(page, explorer, (24, 0))
    page.go_back()
    check(page, explorer, explorer.first)
    page.go_forward()
    check(page, explorer, (24, 0))
    page.locator(FIGURE).get_by_role("button", name="Reset").click()
    check(page, explorer, explorer.first)
    assert page.evaluate("location.hash") == ""


def test_address_of_nonsense_shows_the_first_position(open_page, explorers):
    page = open_page(f"{PAGE}.html#softmax-derivative.score=99&other=1")
    check(page, explorers["softmax-derivative"], explorers["softmax-derivative"].first)


def test_without_javascript_the_first_picture_and_a_note_remain(open_page, explorers):
    page = open_page(f"{PAGE}.html", java_script_enabled=False)
    figure = page.locator(FIGURE)
    assert figure.locator("svg").is_visible()
    assert figure.locator(".npfl-says").inner_text() == explorers["softmax-derivative"].frame((8, 0)).says
    assert figure.locator("noscript p").is_visible()
    assert not figure.locator("input").first.is_visible()


def test_nothing_moves_when_the_script_starts(open_page):
    page = open_page(f"{PAGE}.html")
    page.wait_for_load_state("networkidle")
    shift = page.evaluate(
        """() => new Promise(done => new PerformanceObserver(list => done(
            list.getEntries().reduce((sum, entry) => sum + entry.value, 0)
        )).observe({type: "layout-shift", buffered: true}) || setTimeout(done, 300, 0))"""
    )
    assert shift <= 0.02


def test_print_shows_the_first_picture_without_controls(open_page):
    page = open_page(f"{PAGE}.html")
    page.emulate_media(media="print")
    assert page.locator(f"{FIGURE} svg").is_visible()
    assert not page.locator(f"{FIGURE} input").first.is_visible()
