"""The sliders of all built pages, moved as readers move them, and what each kind of figure can do.

The build leaves a digest of each frame that Python drew in its cache: what a page shows is compared with it,
and no chapter is executed again.
"""

import functools
import re
from pathlib import Path

import numpy as np
import pytest
from jupyter_cache import get_cache

from npfl.explore import Slider, explore, page
from npfl.figures import panels

ROOT = Path(__file__).parents[2]
# Known before the book is built, so that each chapter is a test of its own.
CHAPTERS = sorted(
    path.stem
    for path in (ROOT / "chapters").glob("*.md")
    if re.search(r"^explore\(", path.read_text("utf-8"), re.M)
)
SETTINGS = [(1280, "light"), (390, "dark")]
OTHER_THEME = {"light": "dark", "dark": "light"}

# What a figure shows: its pictures without the marks of changing elements, its sentence, and its values in
# three places.
SHOWN = """figure => {
    const write = svg => {
        const copy = svg.cloneNode(true);
        for (const marked of [copy, ...copy.querySelectorAll("[data-c]")]) marked.removeAttribute("data-c");
        const text = new XMLSerializer().serializeToString(copy);
        return text.replaceAll(' xmlns="http://www.w3.org/2000/svg"', "");
    };
    const inputs = [...figure.querySelectorAll("input")];
    return {
        svgs: [...figure.querySelectorAll(".npfl-picture > svg")].map(write),
        says: figure.querySelector(".npfl-says").textContent,
        values: inputs.map(input => JSON.parse(input.dataset.texts)[input.value]),
        spoken: inputs.map(input => input.getAttribute("aria-valuetext")),
        written: inputs.map(input => input.nextElementSibling.textContent),
        height: figure.getBoundingClientRect().height,
    };
}"""


@pytest.fixture(scope="session")
def digests(html):
    """Return the digests of a chapter's figures by name, from the cache of the build."""
    cache = get_cache(ROOT / "_build" / ".jupyter_cache")

    def read(chapter):
        record = cache.get_project_record(str(ROOT / "chapters" / f"{chapter}.md"))
        notebook = cache.get_project_notebook(record.pk).nb
        executed = cache.get_cache_bundle(cache.match_cache_notebook(notebook).pk).nb
        outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
        made = [output.metadata["npfl"] for output in outputs if "npfl" in output.get("metadata", {})]
        return {figure["name"]: figure["digests"] for figure in made}

    return read


def check(figure, digests):
    """Compare what a figure shows with what Python drew for the values where its sliders stand."""
    shown = figure.evaluate(SHOWN)
    values = shown["values"]
    assert shown["spoken"] == shown["written"] == values
    assert page.digest(shown["svgs"], shown["says"]) == digests[", ".join(values)], (
        f"another picture at {values}"
    )
    return shown


def move(opened, figure, digests):
    """Drag, touch and type each slider of a figure, and check the picture each time."""
    first = check(figure, digests)
    for slider in figure.locator("input").all():
        last = int(slider.get_attribute("max"))
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        middle = box["y"] + box["height"] / 2
        opened.mouse.move(box["x"] + box["width"] / 3, middle)
        opened.mouse.down()
        check(figure, digests)
        opened.mouse.move(box["x"] + box["width"] - 1, middle, steps=3)
        assert slider.input_value() == str(last)
        assert check(figure, digests)["height"] == pytest.approx(first["height"], abs=1), "the page moves"
        opened.mouse.up()
        opened.touchscreen.tap(box["x"] + 3, middle)
        assert slider.input_value() == "0"
        check(figure, digests)
        keys = [("End", last), ("ArrowLeft", max(last - 1, 0)), ("Home", 0), ("ArrowRight", min(1, last))]
        for key, position in keys:
            opened.keyboard.press(key)
            assert slider.input_value() == str(position)
            check(figure, digests)
        before = int(slider.input_value())
        opened.keyboard.press("PageUp")
        assert int(slider.input_value()) > before or before == last
        check(figure, digests)
        opened.keyboard.press("PageDown")
        check(figure, digests)
        slider.evaluate(
            "(input, i) => { input.value = i; input.dispatchEvent(new Event('input')); }", last // 2
        )
        check(figure, digests)


def wait_for_hash(opened, pattern):
    opened.wait_for_function("pattern => new RegExp(pattern).test(location.hash)", arg=pattern)


def test_there_are_figures_with_sliders():
    assert "05-softmax-derivative" in CHAPTERS


@pytest.mark.parametrize(("width", "theme"), SETTINGS)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_slider_moves_its_picture(open_page, digests, chapter, width, theme):
    """Also under the other theme, which changes colours and no size."""
    opened = open_page(f"chapters/{chapter}.html", width, theme, has_touch=True)
    figures, expected = opened.locator(".npfl-explore").all(), digests(chapter)
    assert sorted(figure.get_attribute("id") for figure in figures) == sorted(expected)
    for figure in figures:
        for picture in figure.locator(".npfl-picture").all():
            assert picture.get_attribute("aria-label").strip()
        move(opened, figure, expected[figure.get_attribute("id")])
    paper = "getComputedStyle(document.querySelector('.npfl-picture path')).fill"
    light_or_dark = opened.evaluate(paper)
    opened.emulate_media(color_scheme=OTHER_THEME[theme])
    opened.wait_for_function(f"before => {paper} !== before", arg=light_or_dark)
    for figure in figures:
        slider = figure.locator("input").first
        slider.press("Home")
        check(figure, expected[figure.get_attribute("id")])
        slider.press("End")
        check(figure, expected[figure.get_attribute("id")])
    assert opened.evaluate("document.documentElement.scrollWidth") <= width, (
        "the page is wider than the screen"
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_address_holds_the_state_of_the_page(open_page, digests, chapter):
    opened = open_page("index.html")
    expected = digests(chapter)
    figures = {name: opened.locator(f"#{name}") for name in expected}
    held = []
    opened.route("**/explore.js*", lambda route: held.append(route))
    opened.goto(opened.url.replace("index", f"chapters/{chapter}"), wait_until="domcontentloaded")
    # What moves while the page and its fonts arrive is not the script's doing.
    opened.evaluate("() => document.body.offsetHeight && document.fonts.ready")
    opened.evaluate(
        """() => new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(() => {
            window.shift = 0;
            new PerformanceObserver(list => list.getEntries().forEach(entry => { shift += entry.value; }))
                .observe({type: "layout-shift"});
            painted();
        })))"""
    )
    held[0].continue_()
    figures[next(iter(expected))].locator("input").first.wait_for()
    opened.wait_for_load_state()
    shift = opened.evaluate("() => new Promise(done => setTimeout(() => done(shift), 200))")
    assert shift <= 0.02, "the page moves when the script starts"
    first = {name: figure.evaluate(SHOWN)["values"] for name, figure in figures.items()}
    for figure in figures.values():
        for slider in figure.locator("input").all():
            # Wherever the slider starts, one of the two is another position.
            at_end = slider.input_value() == slider.get_attribute("max")
            slider.press("Home" if at_end else "End")
            wait_for_hash(opened, re.escape(slider.get_attribute("id")) + "=")
    moved = {name: figure.evaluate(SHOWN)["values"] for name, figure in figures.items()}
    assert all(moved[name] != first[name] for name in moved)
    again = open_page(f"chapters/{chapter}.html{opened.evaluate('location.hash')}")
    for name in expected:
        assert check(again.locator(f"#{name}"), expected[name])["values"] == moved[name]
    while opened.evaluate("location.hash"):
        opened.go_back()
    for name, figure in figures.items():
        assert check(figure, expected[name])["values"] == first[name]
    opened.go_forward()
    name = opened.evaluate("location.hash").lstrip("#").partition(".")[0]
    check(figures[name], expected[name])
    figures[name].get_by_role("button", name="Reset").click()
    assert check(figures[name], expected[name])["values"] == first[name]
    assert opened.evaluate("location.hash") == ""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_without_javascript_the_first_picture_its_values_and_a_note_remain(open_page, digests, chapter):
    opened = open_page(f"chapters/{chapter}.html", java_script_enabled=False)
    for name, expected in digests(chapter).items():
        figure = opened.locator(f"#{name}")
        assert figure.locator("svg").first.is_visible()
        assert figure.locator("noscript p").is_visible()
        assert not figure.locator("input, button").locator("visible=true").count()
        outputs = figure.locator("output").all()
        assert all(output.is_visible() for output in outputs)
        assert ", ".join(output.inner_text().strip() for output in outputs) in expected


def test_address_of_nonsense_shows_the_first_position(open_page, digests):
    opened = open_page("chapters/05-softmax-derivative.html#softmax-derivative.score=99&other=1")
    figure = opened.locator("#softmax-derivative")
    assert check(figure, digests("05-softmax-derivative")["softmax-derivative"])["values"] == ["0.0", "1.0"]


# Figures of a kind that no chapter need have, put into a built page.


def descent(step, rate):
    weights = np.cumprod(np.full(step + 1, 1 - rate))
    figure, axis = panels()
    axis.plot(weights, marker="o")
    axis.set_title("Weight")
    other, axis = panels()
    axis.imshow(np.outer(weights, weights), interpolation="none")
    return [figure, other], f"After {step} steps the weight is {weights[-1]:.3f}."


DESCENT = {
    "alt": ["The weight over time", "Its products"],
    "step": Slider(range(8), start=0, play=True),
    "rate": Slider([0.1, 0.5, 1.5]),
}


@functools.cache
def drawn():
    shown, metadata = page.bundle(explore(descent, name="descent", **DESCENT))
    return shown["text/html"], metadata["npfl"]["digests"]


@pytest.fixture
def put(open_page):
    """Return a function that opens a page with figures of these names in it."""

    def put(*names, **options):
        opened = open_page("chapters/01-putting-it-together.html", **options)
        html, digests = drawn()
        for name in names:
            opened.locator("article").evaluate(
                "(article, html) => article.insertAdjacentHTML('beforeend', html)",
                re.sub('="descent', f'="{name}', html),
            )
        return opened, dict.fromkeys(names, digests)

    return put


@pytest.mark.parametrize(("width", "theme"), SETTINGS)
def test_linked_figures_move_together(put, width, theme):
    opened, expected = put("descent", width=width, theme=theme, has_touch=True)
    figure = opened.locator("#descent")
    assert figure.get_by_role("img").evaluate_all("all => all.map(img => img.ariaLabel)") == DESCENT["alt"]
    left, right = (picture.bounding_box() for picture in figure.locator(".npfl-picture").all())
    assert (left["y"] == right["y"]) == (width == 1280), "side by side where there is room, else stacked"
    move(opened, figure, expected["descent"])
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_play_goes_to_the_end_and_writes_the_address_once(put):
    opened, expected = put("descent")
    opened.clock.install()
    figure, history = opened.locator("#descent"), opened.evaluate("history.length")
    step = figure.get_by_label("step", exact=True)
    step.focus()
    opened.keyboard.press("Tab")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    button = figure.get_by_role("button", name="Pause")
    assert button.evaluate("button => button === document.activeElement")
    opened.clock.run_for(6000 * 3 // 7)
    assert check(figure, expected["descent"])["values"] == ["3", "0.5"]
    assert figure.get_by_role("status").get_attribute("aria-live") == "off"
    opened.keyboard.press("Enter")
    opened.clock.run_for(3000)
    assert check(figure, expected["descent"])["values"] == ["3", "0.5"]
    assert opened.evaluate("[location.hash, history.length]") == ["#descent.step=3", history + 1]
    opened.keyboard.press("Enter")
    opened.clock.run_for(20_000)
    assert figure.get_by_role("button", name="Play").is_visible()
    assert check(figure, expected["descent"])["values"] == ["7", "0.5"]
    assert figure.get_by_role("status").get_attribute("aria-live") == "polite"
    assert opened.evaluate("[location.hash, history.length]") == ["#descent.step=7", history + 2]
    opened.keyboard.press("Enter")
    assert check(figure, expected["descent"])["values"] == ["0", "0.5"], "it starts again from the beginning"
    opened.clock.run_for(1000)
    step.press("End")
    opened.clock.run_for(1000)
    assert figure.get_by_role("button", name="Play").is_visible(), "a hand on the slider ends the play"


def test_no_play_button_for_readers_who_want_less_motion(put):
    opened, expected = put("descent", reduced_motion="reduce")
    figure = opened.locator("#descent")
    assert not figure.locator(".npfl-play").is_visible()
    figure.get_by_label("step", exact=True).press("ArrowRight")
    check(figure, expected["descent"])


def test_two_figures_share_the_address(put):
    opened, expected = put("one", "two")
    one, two = opened.locator("#one"), opened.locator("#two")
    opened.evaluate("scrollTo(0, 0)")
    opened.evaluate("location.hash = 'two.step=5&one.rate=1.5&one.step=2'")  # as a link in the page does
    assert check(two, expected["two"])["values"] == ["5", "0.5"]
    assert check(one, expected["one"])["values"] == ["2", "1.5"]
    assert abs(one.bounding_box()["y"]) < 100, "the figure that was moved last is in sight"
    two.get_by_label("rate", exact=True).press("Home")
    wait_for_hash(opened, "^#one.rate=1.5&one.step=2&two.step=5&two.rate=0.1$")
    one.get_by_role("button", name="Reset").click()
    assert opened.evaluate("location.hash") == "#two.step=5&two.rate=0.1"
    opened.go_back()
    assert check(one, expected["one"])["values"] == ["2", "1.5"]
    opened.go_back()
    opened.go_back()
    assert check(two, expected["two"])["values"] == ["0", "0.5"]


def test_held_key_makes_one_entry_in_the_history(put):
    opened, _ = put("descent")
    history = opened.evaluate("history.length")
    opened.get_by_label("step", exact=True).evaluate(
        """input => {
            for (let i = 0; i < 5; i++) {
                input.stepUp();
                for (const type of ["input", "change"]) input.dispatchEvent(new Event(type));
            }
        }"""
    )
    wait_for_hash(opened, "step=5")
    assert opened.evaluate("history.length") == history + 1


def test_print_shows_the_first_position_without_controls(put):
    opened, expected = put("descent")
    figure = opened.locator("#descent")
    figure.get_by_label("step", exact=True).press("End")
    figure.evaluate("figure => addEventListener('beforeprint', () => { printed = figure.outerHTML; })")
    opened.pdf()
    printed = opened.evaluate_handle("() => new DOMParser().parseFromString(printed, 'text/html')")
    shown = printed.evaluate(f"page => ({SHOWN})(page.querySelector('#descent'))")
    assert page.digest(shown["svgs"], shown["says"]) == expected["descent"]["0, 0.5"]
    assert shown["written"] == ["0", "0.5"]
    assert check(figure, expected["descent"])["values"] == ["7", "0.5"], "afterwards all is as before"
    opened.emulate_media(media="print")
    assert figure.locator("svg").first.is_visible()
    assert figure.locator("output").first.is_visible()
    assert not figure.locator("input, button").locator("visible=true").count()
