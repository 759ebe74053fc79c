"""The first page: a network that learns while it is seen, cards of the chapters, the progress of readers."""

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from npfl_book.directives import learning

ROOT = Path(__file__).parents[2]
CHAPTERS = re.findall(r"file: (chapters/\d.*)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
# Takes steps by the page's own script from the weights of the page, and returns the parameters and the loss.
STEPS = """async ([given, activation, rate, steps]) => {
    const address = new URL("_static/network.js", location.href).href;
    const {activations, forward, crossEntropy, step} = await import(address);
    const X = given.points.map(([x, y]) => [x, y]), Y = given.points.map((point) => point[2]);
    const p = Object.fromEntries(Object.entries(given.start).map(([n, v]) => [n, Float64Array.from(v)]));
    for (let i = 0; i < steps; i++) step(p, X, Y, activations[activation], rate);
    const {loss} = crossEntropy(forward(p, X, activations[activation]).Z, Y);
    return [[p.W1, p.b1, p.W2, p.b2].map((array) => [...array]), loss];
}"""


@pytest.fixture
def home(open_page):
    """Open the first page where it stands still."""
    return open_page("index.html", reduced_motion="reduce")


def test_network_takes_the_steps_of_npfl(home):
    given = json.loads(home.locator(".npfl-learning script").text_content())
    assert len(given["points"]) == learning.POINTS
    assert len(given["start"]["b1"]) == learning.HIDDEN
    for activation in ("tanh", "ReLU", "sigmoid"):
        for rate, steps in [(1.0, 0), (1.0, 1), (0.3, 2), (1.0, 30), (3.0, 200)]:
            weights, loss = home.evaluate(STEPS, [given, activation, rate, steps])
            model = learning.train(given, steps, activation.lower(), rate)
            for mine, theirs in zip(weights, model.get_weights(), strict=True):
                assert np.allclose(mine, np.ravel(theirs), rtol=1e-7, atol=1e-9), (activation, rate, steps)
            points = np.array(given["points"])
            wanted = learning.BinaryCrossentropy(from_logits=True)(points[:, 2:], model(points[:, :2]))
            assert loss == pytest.approx(wanted, rel=1e-7), (activation, rate, steps)


def test_network_answers_and_rests(home):
    figure = home.locator(".npfl-learning")
    says, canvas = figure.locator(".says"), figure.locator("canvas")
    # With less motion it shows a network that has learned, and moves when it is told to.
    expect(says).to_have_text(re.compile(r"^Step 400: mean loss 0\.0\d\d, \d+ of 100 points right\.$"))
    figure.get_by_role("button", name="Train 100 steps").click()
    expect(says).to_have_text(re.compile("^Step 500:"))
    assert len(figure.locator("polyline").get_attribute("points").split()) == 3
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    figure.get_by_role("radio", name="a cross").click()
    canvas.click(position={"x": 40, "y": 40})
    expect(says).to_have_text(re.compile("of 101 points"))
    assert canvas.evaluate("canvas => canvas.toDataURL()") != before
    canvas.press("ArrowLeft")
    canvas.press("Enter")
    expect(says).to_have_text(re.compile("of 102 points"))
    for name, value in [("hidden units", "2"), ("activation", "ReLU")]:
        figure.get_by_role("radiogroup", name=name).get_by_role("radio", name=value, exact=True).click()
        expect(says).to_have_text(re.compile("^Step 0:"))
        figure.get_by_role("button", name="Train 100 steps").click()
        expect(says).to_have_text(re.compile("^Step 100:"))
    # The rate changes the steps from here on, and not the network.
    figure.get_by_role("radiogroup", name="learning rate").get_by_role("radio", name="0.1").click()
    expect(says).to_have_text(re.compile("^Step 100:"))
    figure.get_by_role("button", name="Clear the points").click()
    expect(says).to_have_text(re.compile("^No points"))
    # Where motion is welcome it runs by itself, but not where nobody sees it.
    home.emulate_media(reduced_motion="no-preference")
    figure.get_by_role("button", name="Start anew").click()
    canvas.click(position={"x": 60, "y": 60})

    def step():
        return int(re.search(r"Step ([\d,]+):", says.text_content())[1].replace(",", ""))

    home.wait_for_function("() => !document.querySelector('.says').textContent.startsWith('Step 0:')")
    home.evaluate("scrollTo(0, document.body.scrollHeight)")
    home.wait_for_timeout(200)
    there = step()
    home.wait_for_timeout(200)
    assert step() == there, "it learns where nobody sees it"
    home.evaluate("scrollTo(0, 0)")
    home.wait_for_function(
        "step => !document.querySelector('.says').textContent.includes(step)", arg=f"{there:,}"
    )
    figure.get_by_role("button", name="Pause").click()
    expect(figure.get_by_role("button", name="Run")).to_be_visible()
    there = step()
    home.wait_for_timeout(200)
    assert step() == there


def test_network_without_javascript_is_a_picture(html, plain):
    plain.goto(f"file://{html}/index.html")
    figure = plain.locator(".npfl-learning")
    assert figure.locator(".picture svg").bounding_box()["height"] > 200
    assert figure.locator(".picture svg image").count() == 2  # a tint for each class
    assert not figure.locator("fieldset").is_visible()
    assert not figure.locator(".says").is_visible()


def test_every_chapter_has_a_card(html):
    text = (html / "index.html").read_text(encoding="utf-8")
    cards = re.findall(r"<li>\s*<p class=\"title\">.*?</li>", text, re.S)
    links = [re.search(r'href="([^"]+)\.html"', card)[1] for card in cards]
    assert links == CHAPTERS
    for number, (card, chapter) in enumerate(zip(cards, CHAPTERS, strict=True), 1):
        plain = " ".join(unescape(re.sub("<[^>]*>", " ", card)).split())
        source = (ROOT / f"{chapter}.md").read_text(encoding="utf-8")
        question = re.search(r'^question: "(.*)"$', source, re.M)[1]
        assert plain.startswith(f"{number} ")
        assert question in plain
        figures = source.count("    name: fig-")
        assert (f" {figures} figure" in plain) == (figures > 0), (chapter, figures, plain)
        minutes = re.search(r" (\d+) min\b", plain)[1]
        page = (html / f"{chapter}.html").read_text(encoding="utf-8")
        assert f"Chapter {number} of {len(CHAPTERS)} · about {minutes} minutes" in page


def test_first_page_tells_how_far_the_reader_has_come(home):
    assert home.locator(".npfl-count").count() == 0
    home.evaluate(
        "pages => localStorage.setItem('npfl-read', JSON.stringify(pages))",
        [f"{CHAPTERS[0]}.html", f"{CHAPTERS[2]}.html", "exercises/adamw.html"],
    )
    home.reload()
    line = home.locator(".npfl-count")
    expect(line).to_have_text(re.compile(rf"2 of {len(CHAPTERS)} chapters; next comes 2 "))
    assert line.get_by_role("link").evaluate("link => link.href").endswith(f"{CHAPTERS[1]}.html")
    expect(home.locator(".npfl-cards .npfl-read")).to_have_count(2)
