"""The sliders of all built pages, moved as readers move them, and what each kind of figure can do.

The build leaves a digest of each frame that Python drew in its cache: what a page shows is compared with it,
and no chapter is executed again.
"""

import functools
import re
from pathlib import Path

import numpy as np
import pytest
from visits import SHOWN, SLIDER_SETTINGS, check, is_open, move, move_elsewhere, width_of

from npfl.explore import Choice, Slider, explore, page
from npfl.figures import panels

ROOT = Path(__file__).parents[2]
# Known before the book is built, so that each chapter is a test of its own.
CHAPTERS = sorted(
    path.stem
    for path in (ROOT / "chapters").glob("*.md")
    if re.search(r"^explore\(", path.read_text("utf-8"), re.M)
)


def wait_for_hash(opened, pattern):
    opened.wait_for_function("pattern => new RegExp(pattern).test(location.hash)", arg=pattern)


def test_there_are_figures_with_sliders():
    assert "05-softmax-derivative" in CHAPTERS


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_slider_moves_its_picture(visit, digests, chapter):
    """At both widths and in both themes."""
    assert digests(f"chapters/{chapter}")
    found = visit(f"chapters/{chapter}")["sliders"]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_address_holds_the_state_of_the_page(two_pages, address, digests, chapter):
    opened, again = two_pages
    expected = digests(f"chapters/{chapter}")
    figures = {name: opened.locator(f"#{name}") for name in expected}
    held = []
    opened.route("**/explore.js*", lambda route: held.append(route))
    with opened.expect_request("**/explore.js*"):  # after the first paint
        opened.goto(f"{address}/chapters/{chapter}.html", wait_until="domcontentloaded")
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
    opened.unroute("**/explore.js*")
    figures[next(iter(expected))].locator("input").first.wait_for(state="attached")
    is_open(opened)
    shift = opened.evaluate("() => new Promise(done => setTimeout(() => done(shift), 200))")
    assert shift <= 0.02, "the page moves when the script starts"
    first = {name: figure.evaluate(SHOWN)["values"] for name, figure in figures.items()}
    for figure in figures.values():
        for control in figure.locator(".npfl-controls > [data-texts]").all():
            wait_for_hash(opened, re.escape(move_elsewhere(control)) + "=")
    moved = {name: figure.evaluate(SHOWN)["values"] for name, figure in figures.items()}
    assert all(moved[name] != first[name] for name in moved)
    again.goto(opened.url)
    is_open(again)
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
def test_without_javascript_the_first_picture_its_values_and_a_note_remain(plain, address, digests, chapter):
    plain.goto(f"{address}/chapters/{chapter}.html")
    for name, expected in digests(f"chapters/{chapter}").items():
        figure = plain.locator(f"#{name}")
        assert figure.locator("svg").first.is_visible()
        assert figure.locator("noscript p").is_visible()
        assert not figure.locator("input, button").locator("visible=true").count()
        outputs = figure.locator("output").all()
        assert all(output.is_visible() for output in outputs)
        assert ", ".join(output.inner_text().strip() for output in outputs) in expected


def test_what_is_moved_before_the_frames_have_come_is_shown_then(new_page, address, digests):
    opened, held = new_page(), []
    opened.route("**/frames/**", lambda route: held.append(route))
    with opened.expect_request("**/frames/**"):
        opened.goto(f"{address}/chapters/05-softmax-derivative.html")
    figure = opened.locator("#softmax-derivative")
    move_elsewhere(figure.locator("[data-texts]").first)
    shown = figure.evaluate(SHOWN)
    assert shown["spoken"] != shown["values"]
    held[0].continue_()
    is_open(opened)
    assert (
        check(figure, digests("chapters/05-softmax-derivative")["softmax-derivative"])["values"]
        == shown["values"]
    )


def test_address_of_nonsense_shows_the_first_position(open_page, digests):
    opened = open_page("chapters/05-softmax-derivative.html#softmax-derivative.score=99&other=1")
    figure = opened.locator("#softmax-derivative")
    assert check(figure, digests("chapters/05-softmax-derivative")["softmax-derivative"])["values"] == [
        "0.0",
        "1.0",
    ]


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


def chosen(function, scale):
    figure, axis = panels()
    axis.plot({"line": [0, 1, 2], "square": [0, 1, 4], "root": [0, 1, 1.4]}[function])
    axis.set_ylim(0, scale)
    return figure, f"The {function}, up to {scale}."


CHOSEN = {
    "alt": "A curve",
    "function": Choice(["line", "square", "root"], start="square", printed=["root", "line"]),
    "scale": Slider([2, 4]),
}


@functools.cache
def drawn(draw=descent):
    shown, metadata = page.bundle(explore(draw, **(DESCENT if draw is descent else CHOSEN)))
    return shown["text/html"], metadata["npfl"]["digests"]


@pytest.fixture
def put(open_page):
    """Return a function that opens a page with figures of these names in it."""

    def put(*names, draw=descent, **options):
        opened = open_page("chapters/01-putting-it-together.html", **options)
        html, digests = drawn(draw)
        for name in names:
            opened.locator("article").evaluate(
                "(article, html) => article.insertAdjacentHTML('beforeend', html)",
                re.sub(f'="{draw.__name__}', f'="{name}', html),
            )
        return opened, dict.fromkeys(names, digests)

    return put


@pytest.mark.parametrize(("width", "theme"), SLIDER_SETTINGS)
def test_linked_figures_move_together(put, width, theme):
    opened, expected = put("descent", width=width, theme=theme, has_touch=True)
    figure = opened.locator("#descent")
    assert figure.get_by_role("img").evaluate_all("all => all.map(img => img.ariaLabel)") == DESCENT["alt"]
    left, right = (picture.bounding_box() for picture in figure.locator(".npfl-picture").all())
    assert (left["y"] == right["y"]) == (width == 1280), "side by side where there is room, else stacked"
    move(opened, figure, expected["descent"])
    assert width_of(opened) <= width


@pytest.mark.parametrize(("width", "theme"), SLIDER_SETTINGS)
def test_a_choice_is_pressed_typed_and_linked_to(put, width, theme):
    opened, expected = put("chosen", draw=chosen, width=width, theme=theme, has_touch=True)
    figure = opened.locator("#chosen")
    group = figure.get_by_role("radiogroup", name="function")
    assert (
        group.get_by_role("radio", checked=True).evaluate("radio => radio.parentElement.textContent")
        == "square"
    )
    assert not group.locator("+ output").is_visible(), "the button says it already"
    move(opened, figure, expected["chosen"])
    group.get_by_role("radio", name="root").tap()
    assert check(figure, expected["chosen"])["values"][0] == "root"
    wait_for_hash(opened, "chosen.function=root")
    other = group.get_by_text("line").evaluate("span => getComputedStyle(span).backgroundColor")
    pressed = group.get_by_text("root").evaluate("span => getComputedStyle(span).backgroundColor")
    assert other != pressed
    opened.evaluate("location.hash = 'chosen.function=line'")
    assert check(figure, expected["chosen"])["values"][0] == "line"
    figure.get_by_role("button", name="Reset").click()
    assert check(figure, expected["chosen"])["values"] == ["square", "4"]
    assert opened.evaluate("location.hash") == ""
    opened.emulate_media(media="print")
    row = figure.locator(".npfl-choice")
    assert not row.is_visible()
    assert row.locator("+ output").is_visible()
    assert width_of(opened) <= width


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


def test_link_copies_what_the_figure_shows_and_nothing_of_others(put):
    opened, expected = put("one", "two", permissions=["clipboard-read", "clipboard-write"])
    one = opened.locator("#one")
    opened.locator("#two").get_by_label("step", exact=True).press("End")
    wait_for_hash(opened, "two.step=7")
    one.get_by_label("rate", exact=True).press("End")
    one.get_by_role("button", name="Link").click()
    one.get_by_role("button", name="Copied").wait_for()
    link = opened.evaluate("navigator.clipboard.readText()")
    assert link == opened.url.split("#")[0] + "#one.step=0&one.rate=1.5"
    opened.evaluate("link => { location.hash = link.split('#')[1]; }", link)
    assert check(one, expected["one"])["values"] == ["0", "1.5"]
    assert check(opened.locator("#two"), expected["two"])["values"] == ["0", "0.5"]


def test_lines_are_drawn_on_their_way_and_the_frame_is_there_at_once(put):
    opened, expected = put("descent")
    figure = opened.locator("#descent")
    figure.get_by_label("rate", exact=True).press("Home")
    figure.get_by_label("step", exact=True).press("End")
    check(figure, expected["descent"])
    durations = "() => [...new Set(document.getAnimations().map((a) => a.effect.getTiming().duration))]"
    figure.get_by_label("rate", exact=True).press("ArrowRight")
    assert opened.evaluate(durations) in ([120], [])
    eased = "figure => getComputedStyle(figure.querySelector('.npfl-picture path')).transitionDuration"
    assert "0.12s" in figure.evaluate(eased)
    opened.emulate_media(reduced_motion="reduce")
    assert "0.12s" not in figure.evaluate(eased)


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


def test_print_shows_the_chosen_states_beside_each_other(put):
    opened, expected = put("chosen", draw=chosen)
    figure = opened.locator("#chosen")
    figure.get_by_label("scale").press("Home")
    figure.evaluate("figure => addEventListener('beforeprint', () => { printed = figure.outerHTML; })")
    opened.pdf()
    paper = "new DOMParser().parseFromString(printed, 'text/html')"
    states = opened.evaluate(
        f"""() => [...{paper}.querySelectorAll(".npfl-strip > div")].map(
            state => ({{title: state.firstChild.textContent, ...({SHOWN})(state)}}))"""
    )
    assert [state["title"] for state in states] == ["function = root", "function = line"]
    for state, value in zip(states, ["root", "line"], strict=True):
        assert page.digest(state["svgs"], state["says"]) == expected["chosen"][f"{value}, 4"]
    assert not figure.locator(".npfl-strip").count()
    assert check(figure, expected["chosen"])["values"] == ["square", "2"], "afterwards all is as before"
    opened.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    opened.emulate_media(media="print")
    root, line = (state.bounding_box() for state in figure.locator(".npfl-strip > div").all())
    assert root["y"] == line["y"]
    assert root["x"] + root["width"] < line["x"]
    shown = figure.locator("svg, label, .npfl-label, output").locator("visible=true")
    assert shown.count() == 4, "two pictures, and the other parameter with its value"
