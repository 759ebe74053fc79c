"""The report of an assignment in the browser: accessible, nothing forbidden, both themes, a telephone."""

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from npfl_grader.insights.gather import Insights
from npfl_grader.insights.page import page
from npfl_grader.insights.resemblance import Pair
from npfl_grader.insights.statistics import Check, Mistake


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    due = datetime(2026, 3, 10, 23, 59, tzinfo=UTC)
    names = ["smaller-case", "<script>alert(1)</script>", "arguments-unchanged"]
    found = Insights(
        "mse_loss",
        12,
        10,
        10,
        10.0,
        [0, 2, 5, 5, 7, 8, 10, 10, 10, 10],
        [Check("mse_loss", name, 2, 0.7, 0.75, 0.5, -0.1, "look at the check") for name in names],
        [Mistake(names, True, 3, "<img src=x onerror=alert(1)>")],
        [due - timedelta(hours=hours) for hours in range(40, -6, -5)],
        due,
        [("Student 4", "needs a look: the file is no JSON")],
        [Pair("Student 1", "Student 2", 0.97, 0.4, True)],
        10,
    )
    path = tmp_path_factory.mktemp("report") / "mse_loss.html"
    path.write_text(page(found))
    return path.as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_report_is_accessible_and_lets_nothing_in(browser, report, theme):
    context = browser.new_context(color_scheme=theme, viewport={"width": 360, "height": 800})
    said = []
    shown = context.new_page()
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: request.url == report or said.append(request.url))
    shown.goto(report)
    assert shown.evaluate("document.documentElement.scrollWidth") == 360
    assert shown.locator("table.bars").count() == 3
    assert shown.locator("main img, main script").count() == 0
    assert said == []  # the page's own policy has refused nothing of it
    # The checker is a script, which the policy would keep out.
    open_ = browser.new_context(color_scheme=theme, bypass_csp=True)
    shown = open_.new_page()
    shown.goto(report)
    results = Axe().run(shown)
    assert results.violations_count == 0, results.generate_report()
    open_.close()
    context.close()
