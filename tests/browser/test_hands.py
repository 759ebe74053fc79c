"""The figures that are moved by hand: their formulas against npfl, the mouse, the keyboard, less motion."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect
from visits import SETTINGS, WCAG, show, width_of

from npfl.losses import Huber, MeanAbsoluteError, MeanSquaredError
from npfl.optimizers import SGD, Adam, AdamW, RMSProp
from npfl.regularizers import dropout, l2_sgd_update

ROOT = Path(__file__).parents[2]
FOUND = {
    drawing: (page.stem, figure, text, json.loads(given))
    for page in sorted((ROOT / "chapters").glob("*.md"))
    for drawing, figure, text, given in re.findall(
        r"^```\{by-hand\} (\w+)\n:figure: (.+)\n:text: (.+)\n(.+)\n```$", page.read_text("utf-8"), re.M
    )
}
OPTIMIZERS = {
    "SGD": SGD,
    "momentum": lambda rate: SGD(rate, momentum=0.9),
    "SGDW": lambda rate: SGD(rate, momentum=0.9, weight_decay=0.5),
    "RMSProp": RMSProp,
    "Adam": Adam,
    "AdamW": lambda rate: AdamW(rate, weight_decay=0.5),
}
TOLERANCE = {"rtol": 1e-8, "atol": 1e-10}


class Drawn(np.random.Generator):
    """Numbers that were drawn elsewhere."""

    def __init__(self, values):
        super().__init__(np.random.PCG64(0))
        self.values = values

    def random(self, shape=None):
        return np.reshape(self.values, shape)


@pytest.fixture(scope="module")
def formulas(browser, address):
    """Return a function that calls one of live.js."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/chapters/glossary.html")
    load = "const live = await import(new URL('../_static/live.js', location.href).href);"
    yield lambda code, *values: page.evaluate(f"async (values) => {{ {load} return {code}; }}", list(values))
    context.close()


def test_there_are_five_drawings():
    assert sorted(FOUND) == ["contours", "map", "masks", "outlier", "ravine"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_the_steps_of_npfl(formulas, name):
    given = FOUND["ravine"][3]
    curvature, minimum = np.array(given["curvature"]), np.array(given["minimum"])
    for rate, start in [(0.003, given["start"]), (0.018, [4.0, 0.3]), (0.3, [-1.0, 1.9])]:
        path = formulas("live.walk(...values)", name, rate, {**given, "start": start}, 60)
        optimizer, theta, wanted = OPTIMIZERS[name](rate), np.array(start), []
        for _ in range(61):
            wanted.append(theta.copy())
            optimizer.update([theta], [curvature * (theta - minimum)])
            np.clip(theta, -1e6, 1e6, out=theta)
        assert np.allclose(path, wanted, **TOLERANCE), (rate, start)
        heights = 0.5 * (curvature * (np.array(wanted) - minimum) ** 2).sum(axis=1)
        first = np.flatnonzero(heights < 0.01)
        found = formulas("live.needed(...values)", path, given)
        assert found == (first[0] if first.size else np.inf)


def test_losses_and_their_best_constants_are_those_of_npfl(formulas):
    rng = np.random.default_rng(3)
    for delta in (0.05, 0.5, 5.0):
        values = rng.uniform(0.5, 5, 5)
        for name, loss in [
            ("squared", MeanSquaredError()),
            ("absolute", MeanAbsoluteError()),
            ("Huber", Huber(delta=delta)),
        ]:

            def mean(constants, values=values, loss=loss):
                return [loss(values[:, None], np.full((5, 1), constant)) for constant in constants]

            grid = rng.uniform(0.5, 5, 20)
            found = formulas(
                "values[2].map((constant) => live.meanLoss(values[0], values[1], constant, values[3]))",
                name,
                values.tolist(),
                grid.tolist(),
                delta,
            )
            assert np.allclose(found, mean(grid), **TOLERANCE), name
            best = formulas("live.best[values[0]](values[1], values[2])", name, values.tolist(), delta)
            around = mean([best, *(best + np.array([-1e-3, -1e-5, 1e-5, 1e-3])), *grid])
            assert around[0] <= min(around) + 1e-12, name


def test_shrunk_weights_are_where_training_ends(formulas):
    for angle, flat, strength in [(0.6, 0.4, 0.1), (-1.0, 1.5, 1.0), (2.0, 0.3, 0.0)]:
        minimum = np.array([0.5, 1.9])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = turn.T @ np.diag([flat, 4.0]) @ turn
        assert np.allclose(formulas("live.quadratic(...values)", angle, flat, 4.0), matrix, **TOLERANCE)
        theta = np.zeros(2)
        for _ in range(2000):
            theta = l2_sgd_update(theta, matrix @ (theta - minimum), 0.1, strength)
        found = formulas("live.shrunk(...values)", matrix.tolist(), minimum.tolist(), strength)
        assert np.allclose(found, theta, **TOLERANCE)


def test_posterior_is_where_training_ends_and_as_wide_as_its_density(formulas):
    for prior, deviation, average, count in [(0.0, 1.0, 1.5, 1), (-0.7, 0.4, 1.2, 6), (1.0, 2.0, -1.0, 30)]:
        mean, width = formulas("live.posterior(...values)", prior, deviation, average, count)
        # An L2 penalty of strength 1 / (2 N s²) on the distance from the prior's mean, beside the mean loss.
        theta = np.zeros(1)
        strength = 1 / (2 * count * deviation**2)
        rate = 0.4 / (1 + 2 * strength)
        for _ in range(400):
            theta = l2_sgd_update(theta, theta + prior - average, rate, strength)
        assert np.isclose(mean, theta[0] + prior, **TOLERANCE)
        grid = np.linspace(mean - 10 * width, mean + 10 * width, 20_001)
        bells = [
            ("prior", prior, deviation),
            ("likelihood", average, count**-0.5),
            ("posterior", mean, width),
        ]
        curves = {
            name: np.array(
                formulas("values[0].map((x) => live.bell(x, values[1], values[2]))", grid.tolist(), at, wide)
            )
            for name, at, wide in bells
        }
        product = curves["prior"] * curves["likelihood"]
        assert np.allclose(product / product.max(), curves["posterior"], atol=1e-6)


def test_masks_are_those_of_npfl(formulas):
    rng = np.random.default_rng(5)
    for rate in (0.0, 0.2, 0.5, 0.85):
        drawn = np.append(rng.random(40), [rate, 0.0])
        wanted = dropout(np.ones(42), rate, training=True, rng=Drawn(drawn))
        assert np.allclose(formulas("live.factors(...values)", drawn.tolist(), rate), wanted, **TOLERANCE)
        ways = np.array([bin(mask).count("1") for mask in range(2**10)])
        chances = (1 - rate) ** ways * rate ** (10 - ways)
        wanted = [chances[ways == k].sum() for k in range(11)]
        found = formulas("[...Array(11).keys()].map((k) => live.remain(k, 10, values[0]))", rate)
        assert np.allclose(found, wanted, **TOLERANCE)


@pytest.fixture
def by_hand(open_page):
    """Open a drawing in the place of its figure."""

    def by_hand(drawing, **options):
        chapter, figure, text, _ = FOUND[drawing]
        page = open_page(f"chapters/{chapter}.html", **options)
        page.get_by_role("button", name=text).click()
        moved = page.locator(".npfl-by-hand")
        moved.locator("svg").wait_for()
        assert not page.locator(f"#{figure}").is_visible()
        return page, moved, moved.get_by_role("status")

    return by_hand


def drag(page, handle, across, up):
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across, y + up, steps=4)
    page.mouse.up()


# Which handle, how far it is dragged, and a key.
HANDLES = {
    "outlier": ("measurement 5", 60, 0, "ArrowRight"),
    "ravine": ("start", 80, 10, "ArrowUp"),
    "contours": ("minimum of the loss", 40, 30, "ArrowLeft"),
    "map": ("average of the examples", -60, 0, "ArrowRight"),
}


@pytest.mark.parametrize("drawing", FOUND)
def test_a_drawing_begins_where_its_figure_does_follows_and_goes_back(open_page, drawing):
    """One visit for all: the chapter's numbers, the mouse and the keys, rules, room, and the way back."""
    chapter, figure, text, _ = FOUND[drawing]
    page = open_page(f"chapters/{chapter}.html")
    frames, button = page.locator(f"#{figure}"), page.get_by_role("button", name=text)
    frame = frames.get_by_role("status").text_content()
    # Two of the figures come without a prediction.
    waiting = 0 if drawing in ("outlier", "map") else page.locator(".npfl-waits").count()
    button.click()
    moved = page.locator(".npfl-by-hand")
    says = moved.get_by_role("status")
    says.wait_for()
    assert not frames.is_visible()
    expect(moved.locator("svg")).to_be_in_viewport()
    if waiting:
        assert page.locator(".npfl-waits").count() == waiting - 1, "the explanation waits for a move"
    numbers = [re.findall(r"\d+\.\d+", sentence) for sentence in (frame, says.text_content())]
    count = min(3, *map(len, numbers))
    if drawing not in ("ravine", "masks"):  # which say something else
        assert count >= 2
        assert np.allclose(*(np.array(each[:count], float) for each in numbers), atol=0.011), numbers
    if drawing in HANDLES:
        follow(page, moved, says, *HANDLES[drawing])
    page.evaluate(AXE_SCRIPT)
    for width, theme in SETTINGS:
        show(page, width, theme)
        assert width_of(page) <= width
        found = page.evaluate(
            "([element, options]) => axe.run(element, options)",
            [moved.element_handle(), {"runOnly": WCAG, "preload": False, "resultTypes": ["violations"]}],
        )
        assert not [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]]
        assert width == 390 or moved.bounding_box()["height"] <= 0.6 * 900
    page.emulate_media(media="print")
    assert frames.is_visible()
    assert not moved.is_visible()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Back to the slider").click()
    assert frames.is_visible()
    assert not moved.count()
    expect(button).to_have_text(text)


def follow(page, moved, says, name, across, up, key):
    """Drag a handle, move it with a key, put it back."""
    handle = moved.get_by_role("slider", name=name)
    first, at_first = says.text_content(), handle.get_attribute("aria-valuetext")
    drag(page, handle, across, up)
    dragged, there = says.text_content(), handle.get_attribute("aria-valuetext")
    assert dragged != first
    assert there != at_first
    handle.press(key)
    assert says.text_content() != dragged
    assert handle.get_attribute("aria-valuetext") != there
    moved.get_by_role("button", name="Reset").click()
    assert (says.text_content(), handle.get_attribute("aria-valuetext")) == (first, at_first)


def test_the_steps_of_the_chapter_are_printed_by_the_race(by_hand):
    page, _, says = by_hand("ravine")
    printed = page.locator(".cell_output pre", has_text="steps with its best rate").text_content()
    wanted = dict(re.findall(r"(\w+) +needs +(\d+) steps", printed))
    assert dict(re.findall(r"(\w+) (\d+)(?=[,.])", says.text_content().split("0.01:")[1])) == wanted


def test_the_race_ends_with_all_steps_and_needs_motion(by_hand):
    page, moved, _ = by_hand("ravine")
    whole = moved.locator("svg").inner_html()
    page.clock.install()
    moved.get_by_role("button", name="Race").press("Enter")
    page.clock.run_for(1000)
    assert moved.locator("svg").inner_html() != whole
    page.clock.run_for(6000)
    assert moved.get_by_role("button", name="Race").is_visible()
    assert moved.locator("svg").inner_html() == whole
    page.emulate_media(reduced_motion="reduce")
    assert not moved.get_by_role("button", name="Race").is_visible()
    moved.get_by_role("radio", name="SGD", exact=True).press("ArrowRight")
    assert moved.locator("svg").inner_html() != whole


def test_masks_are_tossed_and_switched(by_hand):
    _, moved, says = by_hand("masks")
    expect(says).to_have_text(re.compile("^14 of 14 units remain; expected 7.0"))
    unit = moved.get_by_role("switch", name="hidden unit 2 of layer 1")
    unit.click()
    expect(says).to_have_text(re.compile("^13 of 14"))
    assert unit.get_attribute("aria-checked") == "false"
    unit.press("Enter")
    expect(says).to_have_text(re.compile("^14 of 14"))
    moved.get_by_role("button", name="Toss 100 times").click()
    mean = float(re.search(r"Mean of 100 tosses: (\d+\.\d+)", says.text_content())[1])
    assert abs(mean - 7) < 6 * 1.87 / 10, "six standard deviations of a mean of 100"
    moved.get_by_role("slider", name="dropout rate p").press("Home")
    moved.get_by_role("button", name="Toss", exact=True).click()
    expect(says).to_have_text("14 of 14 units remain; expected 14.0. Mean of 1 toss: 14.00.")


def test_without_javascript_the_frames_remain(plain, address):
    chapter, figure, text, _ = FOUND["outlier"]
    plain.goto(f"{address}/chapters/{chapter}.html")
    assert plain.locator(f"#{figure} svg").first.is_visible()
    assert not plain.get_by_role("button", name=text).is_visible()
