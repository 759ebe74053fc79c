"""One visit of a page serves all tests that ask what holds on every page.

Opening a page and laying it out takes longer than most questions that are asked of it. So a page is opened
once in a test run, asked everything, and what was found is noted; the tests read the notes.
"""

import contextlib
import gzip
import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from npfl.explore import page

# Each width with each theme; from one to the next only one of the two changes.
SETTINGS = [(1280, "light"), (1280, "dark"), (390, "dark"), (390, "light")]
# The sliders of a page are moved in both of these. Where they lie and whether the page moves depends on the
# width, and so they are dragged and touched in both; keys, which lead through a script that asks for no
# width, and the change to the other theme are tried in the first.
SLIDER_SETTINGS = [(1280, "light"), (390, "dark")]
OTHER_THEME = {"light": "dark", "dark": "light"}
# A screen of 1280 pixels at four times the size shows this many.
NARROWEST = 320
# One page of each kind is looked at in all settings, with all its parts. All others have the same style,
# and each is looked at in two settings, which take turns from page to page: at both widths, in both themes.
KINDS = ["index", "chapters/07-l2", "exercises/mse_loss", "chapters/glossary", "chapters/reference/losses"]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The rules whose verdict the colours decide; all others see nothing of the theme.
COLOURS = ["color-contrast", "link-in-text-block"]
# Those whose verdict depends on where a page's own text stands. What else differs between the widths, menus
# and their buttons, belongs to the theme: it is the same on all pages, and asked for on one of each kind.
ROOM = ["target-size", "scrollable-region-focusable"]
# Without preload axe does not fetch style sheets on its own, from addresses that it resolves wrongly.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}
# Most elements of a page are those of formulas and pictures, which keep their room, and repeated words of
# programs, which keep their text: each colour remains once. Of the sidebar, which is the same on all pages,
# nothing remains to be looked at. The elements around them do, which scroll, or name a picture.
WITHOUT_PARTS = """() => {
    for (const formula of document.querySelectorAll(".katex")) {
        const room = document.createElement("span"), {width, height} = formula.getBoundingClientRect();
        room.style = `display: inline-block; width: ${width}px; height: ${height}px`;
        formula.replaceChildren(room);
    }
    for (const picture of document.querySelectorAll(".npfl-picture > svg")) picture.replaceChildren();
    const seen = new Set();
    for (const word of document.querySelectorAll(".highlight span:not(:has(*))")) {
        const around = [word.closest(".highlight").parentElement, word.parentElement];
        const kind = [...around, word].map(element => element.className).join();
        if (seen.has(kind)) word.replaceWith(...word.childNodes);
        else seen.add(kind);
    }
}"""
EXCLUDED = {"exclude": [[".katex"], [".npfl-picture > svg"], [".bd-sidebar-primary"]]}

# What came, by address: pages share most of it.
WEIGHTS: dict[str, int] = {}

# What a figure shows: its pictures without the marks of changing elements, its sentence, and its values in
# three places.
SHOWN = """figure => {
    const write = svg => {
        const copy = svg.cloneNode(true);
        for (const marked of [copy, ...copy.querySelectorAll("[data-c]")]) marked.removeAttribute("data-c");
        const text = new XMLSerializer().serializeToString(copy);
        return text.replaceAll(' xmlns="http://www.w3.org/2000/svg"', "");
    };
    const controls = [...figure.querySelectorAll(".npfl-controls > [data-texts]")];
    const place = control => control.matches("input") ? control.value
        : [...control.querySelectorAll("input")].findIndex(input => input.checked);
    return {
        svgs: [...figure.querySelectorAll(".npfl-picture > svg")].map(write),
        says: figure.querySelector(".npfl-says").textContent,
        values: controls.map(control => JSON.parse(control.dataset.texts)[place(control)]),
        spoken: controls.map(control => control.getAttribute("aria-valuetext")
            ?? control.querySelector("label:has(:checked)").textContent),
        written: controls.map(control => control.nextElementSibling.textContent),
        height: figure.getBoundingClientRect().height,
    };
}"""


def check(figure, digests):
    """Compare what a figure shows with what Python drew for the values where its sliders stand."""
    shown = figure.evaluate(SHOWN)
    values = shown["values"]
    assert shown["spoken"] == shown["written"] == values
    assert page.digest(shown["svgs"], shown["says"]) == digests[", ".join(values)], (
        f"another picture at {values}"
    )
    return shown


def move(opened, figure, digests, *, type_too=True):
    """Drag, touch and type each slider of a figure, and check the picture each time."""
    first = check(figure, digests)
    for choice in figure.get_by_role("radiogroup").all():
        choose(choice, figure, digests, first["height"])
    for slider in figure.locator("input[type=range]").all():
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
        if not type_too:
            continue
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


def choose(choice, figure, digests, height):
    """Press and type each button of a row, and check the picture each time."""
    buttons = choice.get_by_role("radio").all()
    for button in buttons:
        button.click()
        assert button.is_checked()
        assert check(figure, digests)["height"] == pytest.approx(height, abs=1), "the page moves"
    buttons[-1].press("ArrowRight")
    assert buttons[0].is_checked(), "the arrows go round"
    check(figure, digests)


def move_elsewhere(control):
    """Put a slider or a row of buttons somewhere else, and return its name in the address."""
    if control.get_attribute("role") == "radiogroup":
        control.locator("input:not(:checked)").first.click()
    else:
        # Wherever the slider starts, one of the two is another position.
        at_end = control.input_value() == control.get_attribute("max")
        control.press("Home" if at_end else "End")
    return control.get_attribute("id")


def move_all(opened, expected, *, type_too):
    """Move the sliders of all figures."""
    figures = opened.locator(".npfl-explore").all()
    assert sorted(figure.get_attribute("id") for figure in figures) == sorted(expected)
    for figure in figures:
        for picture in figure.locator(".npfl-picture").all():
            assert picture.get_attribute("aria-label").strip()
        move(opened, figure, expected[figure.get_attribute("id")], type_too=type_too)


def change_theme(opened, expected, theme):
    """Look at the figures in the other theme, which changes colours only."""
    figures = opened.locator(".npfl-explore").all()
    paper = "getComputedStyle(document.querySelector('.npfl-picture path')).fill"
    light_or_dark = opened.evaluate(paper)
    opened.emulate_media(color_scheme=OTHER_THEME[theme])
    opened.wait_for_function(f"before => {paper} !== before", arg=light_or_dark)
    for figure in figures:
        for control in figure.locator(".npfl-controls > [data-texts]").all():
            move_elsewhere(control)
            check(figure, expected[figure.get_attribute("id")])
        figure.get_by_role("button", name="Reset").click()


def is_open(opened):
    """Wait for the scripts that come after the first view."""
    if opened.locator("script[data-later]").count():
        opened.locator(".bd-sidebar-primary[role]").wait_for(state="attached")


def show(opened, width, theme):
    """Show a page in another width and theme, and let it be laid out."""
    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(color_scheme=theme, reduced_motion="reduce")
    opened.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    opened.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def width_of(opened):
    return opened.evaluate("document.documentElement.scrollWidth")


# What the formulas of a page say, by the family, weight and style that it is set in.
LETTERS = """() => {
    const said = {};
    for (const formula of document.querySelectorAll(".katex-html")) {
        const texts = document.createTreeWalker(formula, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const { fontFamily, fontWeight, fontStyle } = getComputedStyle(texts.currentNode.parentElement);
            const font = [fontFamily.split(",")[0], fontWeight, fontStyle].join(" ");
            said[font] = (said[font] ?? "") + texts.currentNode.textContent;
        }
    }
    return said;
}"""


class Visit:
    """What was found on a page: notes by kind, each a list, and the bytes that came for its first view."""

    def __init__(self, context, address, name, digests):
        self.opened, self.address, self.name, self.digests = context.new_page(), address, name, digests
        self.notes = {"rules": [], "wide": [], "sliders": [], "complaints": []}
        self.letters = {}
        self.sizes = {}

    def all(self):
        try:
            self.load()
            if self.digests:
                for width, theme in SLIDER_SETTINGS:
                    self.sliders(width, theme)
            self.rules()
            show(self.opened, NARROWEST, "light")
            self.wide(NARROWEST)
            self.opened.evaluate("localStorage.clear()")
        finally:
            self.opened.close()
        return self.notes | {"sizes": self.sizes, "letters": self.letters}

    def load(self):
        complain, address = self.notes["complaints"].append, self.address
        self.opened.on("pageerror", lambda error: complain(str(error)))
        self.opened.on(
            "console", lambda m: m.type in ("error", "warning") and complain(f"{m.text} {m.location}")
        )
        self.opened.on(
            "request",
            lambda asked: (
                asked.url.startswith((address, "data:", "blob:")) or complain(f"asked for {asked.url}")
            ),
        )
        self.opened.on("response", self.weigh)
        self.opened.goto(f"{address}/{self.name}.html")
        self.opened.wait_for_load_state("networkidle")
        is_open(self.opened)
        self.opened.remove_listener("response", self.weigh)
        self.letters = self.opened.evaluate(LETTERS)

    def weigh(self, response):
        url = response.url
        if url not in WEIGHTS:
            body = response.body()
            plain = re.search(r"\.(woff2|png|ico)\b", url)
            WEIGHTS[url] = len(body) if plain else len(gzip.compress(body))
        self.sizes[url] = WEIGHTS[url]

    @contextlib.contextmanager
    def noting(self, kind, where):
        try:
            yield
        except AssertionError as error:
            self.notes[kind].append(f"{where}: {error}")

    def wide(self, width):
        """Only what scrolls in itself may be wider than the screen."""
        if (found := width_of(self.opened)) > width:
            self.notes["wide"].append(f"{found} pixels on a screen of {width}")

    def sliders(self, width, theme):
        with self.noting("sliders", f"{width} {theme}"):
            show(self.opened, width, theme)
            first = (width, theme) == SLIDER_SETTINGS[0]
            move_all(self.opened, self.digests, type_too=first)
            self.wide(width)
            if first:
                change_theme(self.opened, self.digests, theme)

    def rules(self):
        """Look for breaches of the rules of accessibility, as far as a program finds them."""
        self.opened.mouse.move(0, 0)  # nothing is pointed at
        self.opened.evaluate("scrollTo(0, 0)")  # and the button that leads to the top covers nothing
        settings = SETTINGS
        if self.name not in KINDS:
            number = sum(self.name.encode())
            settings = SETTINGS[number % 2 :: 2][:: 1 if number % 4 < 2 else -1]
            show(self.opened, *settings[0])
            self.opened.evaluate(WITHOUT_PARTS)
        self.opened.evaluate(AXE_SCRIPT)
        widths = set()
        for width, theme in settings:
            show(self.opened, width, theme)
            self.wide(width)
            rules = WCAG
            if width in widths:
                rules = COLOURS
            elif widths and self.name not in KINDS:
                rules = COLOURS + ROOM
            options = {"runOnly": rules, **OPTIONS}
            parts = EXCLUDED if widths or self.name not in KINDS else {"exclude": []}
            widths.add(width)
            found = self.opened.evaluate(
                "([parts, options]) => axe.run(parts.exclude.length ? parts : document, options)",
                [parts, options],
            )
            self.notes["rules"] += [
                f"{width} {theme} {rule['id']}: {rule['help']}: {node['html'][:200]}"
                for rule in found["violations"]
                for node in rule["nodes"]
            ]
