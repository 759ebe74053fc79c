"""The report for the terminal."""

from collections import defaultdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from npfl_grader.insights.gather import Insights
from npfl_grader.insights.page import GROUPS, number
from npfl_grader.insights.statistics import histogram

SHOWN = 5  # students that are named for one reason


def terminal(found: Insights) -> Group:
    """Draw the report for the terminal."""
    parts: list[RenderableType] = [Text(f"{found.assignment}: {found.summary()}")]
    parts.append(_bars(found))
    table = Table(title="Checks", title_justify="left")
    table.add_column("check", overflow="fold")
    for name in ("points", "passed", "diffi-\nculty", "point-\nbiserial", "item-\nrest"):
        table.add_column(name, justify="right", no_wrap=True)
    remarks: dict[str, list[str]] = defaultdict(list)
    for check in found.checks:
        table.add_row(
            check.name,
            f"{check.points:g}",
            f"{check.passed:.0%}",
            f"{check.difficulty:.2f}",
            number(check.point_biserial),
            number(check.item_rest),
        )
        if check.remark:
            remarks[check.remark].append(check.name)
    parts.append(table)
    parts += [Text(f"{', '.join(names)}: {remark}") for remark, names in remarks.items()]
    table = Table("submissions", "fail", "and say", title="Typical wrong results", title_justify="left")
    for group in found.mistakes[:GROUPS]:
        what = "all checks" if group.all else ", ".join(group.checks)
        table.add_row(str(group.count), what, Text(group.message))
    parts.append(table)
    if found.looks:
        table = Table("why", "how many", "who", title="Needs a look", title_justify="left")
        for why, who in found.reasons().items():
            more = " …" if len(who) > SHOWN else ""
            table.add_row(Text(why), str(len(who)), Text(", ".join(who[:SHOWN]) + more))
        parts.append(table)
    if found.pairs:
        table = Table(
            "pair", "share", "share with others", title="Alike: a hint, no verdict", title_justify="left"
        )
        for pair in found.pairs:
            table.add_row(Text(f"{pair.first}, {pair.second}"), f"{pair.alike:.0%}", f"{pair.usual:.0%}")
        parts.append(table)
    return Group(*parts)


def _bars(found: Insights) -> Table:
    table = Table("points", "", "submissions", title="Scores", title_justify="left", box=None)
    counts, edges = histogram(found.scores, found.most)
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        last = high == edges[-1]
        label = f"{low:g} to {high:g}" if last else f"{low:g} to under {high:g}"
        table.add_row(label, "█" * round(40 * count / max(counts.max(), 1)), str(count))
    return table
