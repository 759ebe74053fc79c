"""The report as one page that needs nothing else, and lets nothing else in."""

import base64
import hashlib
from datetime import datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from npfl_grader.course.settings import Course
from npfl_grader.files import write
from npfl_grader.insights.gather import Insights
from npfl_grader.insights.resemblance import ALIKE
from npfl_grader.insights.statistics import histogram

GROUPS = 12  # ways to fail that are shown
BARS = 24
HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 720)
FOLDER = Path(__file__).parent

Bars = list[tuple[str, float, str]]  # a label, a value, and the value as text


def page(found: Insights, names: bool = False) -> str:
    """Write the report.

    Parameters
    ----------
    found : Insights
        What there is to see.
    names : bool
        Whether students are named in it.
    """
    style = (FOLDER / "page.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    shown = found.mistakes[:GROUPS]
    full = sum(score >= found.most for score in found.scores)
    zero = sum(score <= 0 for score in found.scores)
    several = len({check.notebook for check in found.checks}) > 1
    return environment.get_template("page.html.jinja").render(
        found=found,
        names=names,
        style=Markup(style),
        # The only style that the page's own policy lets in.
        digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        alike=f"{ALIKE:.0%}",
        scores=_scores(found),
        score_caption=f"Scores: of {len(found.scores)} submissions {full} have all {found.most:g} points and "
        f"{zero} have none",
        checks=[
            [
                f"{check.notebook}: {check.name}" if several else check.name,
                f"{check.points:g}",
                f"{check.passed:.0%}",
                f"{check.difficulty:.2f}",
                number(check.point_biserial),
                number(check.item_rest),
                check.remark,
            ]
            for check in found.checks
        ],
        check_caption=f"Each check over the {found.judged} submissions that could be tested",
        passed=[(check.name, check.passed, f"{check.passed:.0%}") for check in found.checks],
        mistakes=[
            [group.count, "all checks" if group.all else ", ".join(group.checks), group.message]
            for group in shown
        ],
        rest=sum(group.count for group in found.mistakes[GROUPS:]),
        times=_times(found.times, found.due),
        time_caption=_time_caption(found.times, found.due),
        looks=[[why, len(who), ", ".join(who)] for why, who in found.reasons().items()],
        pairs=[
            [
                f"{pair.first}, {pair.second}",
                f"{pair.alike:.0%}",
                f"{pair.usual:.0%}",
                "yes" if pair.same_mistakes else "no",
            ]
            for pair in found.pairs
        ],
    )


def number(value: float | None) -> str:
    """Write a correlation; a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


def _scores(found: Insights) -> Bars:
    counts, edges = histogram(found.scores, found.most)
    return [
        (
            f"{low:g} to {high:g}" if high == edges[-1] else f"{low:g} to under {high:g}",
            int(count),
            str(count),
        )
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]


def _times(times: list[datetime], due: datetime | None) -> Bars:
    """Count the submissions in spans of some hours, at most `BARS` of them."""
    if not times:
        return []
    first, last = min(times), max(times)
    span = (last - first).total_seconds() / 3600
    hours = next((hours for hours in HOURS if span / hours < BARS - 1), HOURS[-1])
    start = first.replace(minute=0, second=0, microsecond=0)
    if hours >= 24:
        start = start.replace(hour=0)
    bars: Bars = []
    while start <= last:
        end = start + timedelta(hours=hours)
        count = sum(start <= time < end for time in times)
        label = f"{start:%d %B}" if hours >= 24 else f"{start:%d %B %H:%M}"
        if due and start <= due < end:
            label += f" (due {due:%d %B %H:%M})"
        bars.append((label, count, str(count)))
        start = end
    return bars


def _time_caption(times: list[datetime], due: datetime | None) -> str:
    if not times:
        return ""
    words = f"Time line: {len(times)} submissions came between {min(times):%d %B %H:%M} and "
    words += f"{max(times):%d %B %H:%M}"
    if due:
        late = sum(time > due for time in times)
        day = sum(0 <= (due - time).total_seconds() <= 86400 for time in times)
        words += f"; {day} on the last day before the due date, {late} after it"
    return words


def save(course: Course, found: Insights, names: bool) -> Path:
    """Write the page and the same for programs; give the page."""
    target = course.root / "insights" / f"{found.assignment}.html"
    write(target, page(found, names))
    write(target.with_suffix(".json"), found.json())
    return target
