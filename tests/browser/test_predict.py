"""Predictions: what the reader said and what it is, and the explanation that unfolds then."""

import re

from playwright.sync_api import expect

PAGE = "chapters/02-from-the-1990s.html"


def test_explanation_unfolds_after_an_answer_or_a_move(open_page):
    page = open_page(PAGE)
    first, second = (page.locator(".npfl-explained").nth(i) for i in (0, 1))
    assert not first.is_visible()
    assert not second.is_visible()
    # A number; the sentence says what was said and what it is.
    form = page.locator(".npfl-predict").first
    field = form.get_by_role("spinbutton")
    field.fill("24")
    field.press("Enter")
    expect(form.get_by_role("status").first).to_have_text("You said “24”, it is “3”.")
    assert first.is_visible()
    field.fill("3")
    field.press("Enter")
    expect(form.get_by_role("status").first).to_have_text("You said “3”, and so it is.")
    # A choice; the other figure has not been moved.
    form.get_by_role("radio", name="convolution").check()
    expect(form.get_by_role("status").nth(1)).to_have_text("You said “convolution”, it is “transformer”.")
    assert not second.is_visible()
    page.locator("#function-and-slope input").first.press("ArrowRight")
    expect(second).to_be_visible()
    # Whoever cannot decide may look; and a link to a state of the figure finds the explanation open.
    page.reload()
    page.locator(".npfl-waits").first.get_by_role("button", name="Show it").click()
    expect(first).to_be_visible()


def test_explanation_stands_open_without_javascript(html, plain):
    plain.goto(f"file://{html}/{PAGE}")
    for explained in plain.locator(".npfl-explained").all():
        assert explained.is_visible()
    assert not plain.locator(".npfl-predict input").first.is_visible()


def test_every_explanation_follows_its_prediction(html):
    found = 0
    for path in sorted((html / "chapters").glob("[01]*.html")):
        text = path.read_text(encoding="utf-8").partition("<article")[2]
        kinds = re.findall(
            r'class="(?:docutils container )?(npfl-(?:predict|explained))\b|id="(fig-[\w-]+)"', text
        )
        order = [kind or "figure" for kind, _ in kinds]
        places = [i for i, kind in enumerate(order) if kind == "npfl-predict"]
        found += len(places)
        for i in places:
            after = [kind for kind in order[i + 1 :] if kind != "figure"]
            assert after[:1] == ["npfl-explained"], path
            assert "figure" in order[i : order.index("npfl-explained", i)], path
        assert order.count("npfl-explained") == len(places), path
        for right, options in re.findall(
            r'data-right="(\d+)"><div class="npfl-choice"(.*?)</div>', text, re.S
        ):
            assert int(right) < options.count("<label"), path
    assert found > 30
