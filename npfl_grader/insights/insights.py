"""What an instructor wants to see of an assignment: scores, checks, typical mistakes, who needs a look.

Everything comes from the gradebook, the grader's own report and the submissions; nothing is run. Students are
numbered, not named, unless names are asked for.
"""

import base64
import hashlib
import hmac
import html
import io
import json
import re
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from npfl_grader.course import gradebook, submissions
from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write
from npfl_grader.grading import intake
from npfl_grader.grading.receipts import report_path
from npfl_grader.grading.report import Row, State, rows
from npfl_grader.lms import collect

ALIKE = 0.85  # how much two answers must share before they are shown at all
TOKENS = 30  # an answer shorter than this says nothing
BEYOND = 3.0  # and how many spreads above what each shares with the others
PAIRS = 20
GROUPS = 12
LINE = 160  # letters of a message
SHOWN = 5  # students that the terminal names for one reason
EASY, HARD, FLAT = 0.95, 0.25, 0.15


@dataclass
class Check:
    """A test over all submissions.

    Attributes
    ----------
    passed : float
        The share of submissions that won all of its points.
    difficulty : float
        The mean share of its points, nbgrader's partial credit included: 1 is easy.
    point_biserial : float or None
        The correlation of passing it with the score; None where all did the same.
    item_rest : float or None
        The correlation of its points with the score of all other checks.
    """

    notebook: str
    name: str
    points: float
    passed: float
    difficulty: float
    point_biserial: float | None
    item_rest: float | None
    remark: str = ""


@dataclass
class Pair:
    """Two submissions that resemble each other."""

    first: str
    second: str
    alike: float
    usual: float
    same_mistakes: bool


@dataclass
class Insights:
    """All that the report shows."""

    assignment: str
    students: int
    handed_in: int
    judged: int
    most: float
    scores: list[float]
    checks: list[Check]
    mistakes: list[dict[str, Any]]
    times: list[datetime]
    due: datetime | None
    looks: list[tuple[str, str]]
    pairs: list[Pair]
    compared: int
    notes: list[str] = field(default_factory=list)

    def json(self) -> str:
        """Write everything for programs."""
        return json.dumps(self, default=_plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else vars(value)


def gather(course_: Course, assignment: str, names: bool = False) -> Insights:
    """Work out what there is to see of an assignment.

    Parameters
    ----------
    course_ : Course
        The course.
    assignment : str
        The assignment's name.
    names : bool
        Whether students are named; otherwise they are numbered, in no order that means anything.

    Raises
    ------
    CourseError
        If there is no such assignment, or nothing of it was graded.
    """

    found = gradebook.assignment(course_, assignment)
    marks = gradebook.marks(course_, assignment)
    definitions = found.definitions
    everybody = sorted(found.people)
    grades = {
        student: {
            (notebook, cell): score
            for notebook, mark in notebooks.items()
            for cell, (score, _) in mark.scores.items()
        }
        for student, notebooks in marks.items()
    }
    waiting = {
        student: cells
        for student, notebooks in marks.items()
        if (cells := [cell for mark in notebooks.values() for cell in mark.waiting])
    }
    times = {student: entry.time for student, entry in found.entries.items() if entry.time}
    graded = [student for student in everybody if student in grades]
    if not graded:
        raise CourseError(
            f"nothing of {assignment} was graded: run 'npfl-grader autograde {assignment}' first"
        )
    report = rows(report_path(course_, assignment))
    # What nobody handed in says nothing about a check.
    present = [student for student in graded if student not in report or report[student].handed_in]
    shown = names_of(everybody, course_.root, names)
    zone = course_.timezone()
    # And neither does a file on which none was run.
    judged = [
        student for student in present if student not in report or report[student].state is not State.LOOK
    ]
    checks, table = _checks(definitions, grades, judged)
    mistakes = _mistakes(checks, table, judged, report)
    found_pairs, compared = resemblance(_answers(course_, assignment, definitions, present))
    failing = {student: tuple(table[row] < 1) for row, student in enumerate(judged)}
    pairs = [
        Pair(shown[a], shown[b], alike, usual, any(failing.get(a, ())) and failing[a] == failing.get(b))
        for a, b, alike, usual in found_pairs
    ]
    looks = _looks(course_, assignment, report, waiting)
    return Insights(
        assignment,
        len(everybody),
        len(present),
        len(judged),
        found.most,
        [sum(grades[student].values()) for student in present],
        checks,
        mistakes,
        sorted(moment.astimezone(zone) for moment in times.values()),
        found.due.astimezone(zone) if found.due else None,
        sorted(((shown.get(student, "a folder of no student"), why) for student, why in looks), key=_natural),
        pairs,
        compared,
    )


def names_of(everybody: list[str], root: Path, names: bool) -> dict[str, str]:
    """Give each student the name under which the report speaks of them.

    The numbers stay the same from run to run, and only who has the course's folder can find whose they are.
    """
    if names:
        return {student: student for student in everybody}
    path = root / "insights" / ".key"
    if not path.exists():
        write(path, secrets.token_hex())
        path.chmod(0o600)
    key = path.read_bytes()
    order = sorted(everybody, key=lambda student: hmac.digest(key, student.encode(), "sha256"))
    return {student: f"Student {number}" for number, student in enumerate(order, start=1)}


def _natural(look: tuple[str, str]) -> list[tuple[int, str]]:
    """Sort "Student 2" before "Student 10"."""
    parts = re.split(r"(\d+)", look[0])
    return [(int(part) if part.isdecimal() else 0, part) for part in [*parts, look[1]]]


def _checks(
    definitions: dict[str, Any], grades: dict[str, dict[tuple[str, str], float]], present: list[str]
) -> tuple[list[Check], np.ndarray]:
    """Describe each check; give also the share of its points that each submission won."""
    tests = [
        (notebook, cell)
        for notebook, found in definitions.items()
        for cell in found.cells
        if cell.grade and not cell.by_hand and cell.points
    ]
    points = np.array([cell.points for _, cell in tests], dtype=float)
    won = np.array(
        [[grades[student].get((notebook, cell.name), 0.0) for notebook, cell in tests] for student in present]
    ).reshape(len(present), len(tests))
    share = won / points if len(tests) else won
    total = won.sum(axis=1)
    checks = []
    for place, (notebook, cell) in enumerate(tests):
        passed = share[:, place] >= 1
        check = Check(
            notebook,
            cell.name,
            cell.points,
            float(passed.mean()) if len(present) else 0.0,
            float(share[:, place].mean()) if len(present) else 0.0,
            correlation(passed.astype(float), total),
            correlation(won[:, place], total - won[:, place]),
        )
        check.remark = _remark(check)
        checks.append(check)
    return checks, share


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson's correlation; of a variable with two values and another one this is the point-biserial one."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _remark(check: Check) -> str:
    if check.passed >= EASY:
        return "nearly all pass it"
    if check.passed <= HARD:
        return "few pass it: is the task clear?"
    if check.item_rest is not None and check.item_rest < 0:
        return "who is good elsewhere fails it: look at the check"
    if check.item_rest is not None and check.item_rest < FLAT:
        return "tells little about the rest"
    return ""


def _mistakes(
    checks: list[Check], share: np.ndarray, present: list[str], report: dict[str, Row]
) -> list[dict[str, Any]]:
    """Group submissions by the checks that they fail, the largest first, with the commonest message."""
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for row, student in enumerate(present):
        failed = tuple(int(place) for place in np.flatnonzero(share[row] < 1))
        if failed:
            groups[failed].append(student)
    found = []
    for failed, students in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        messages: dict[str, int] = defaultdict(int)
        for student in students:
            said = report[student].failed if student in report else {}
            for place in failed:
                if message := said.get(checks[place].notebook, {}).get(checks[place].name):
                    line = message.splitlines()[0]
                    messages[line if len(line) <= LINE else f"{line[: LINE - 1]}…"] += 1
                    break
        common = max(messages.items(), key=lambda item: item[1], default=("", 0))[0]
        found.append(
            {
                "checks": [checks[place].name for place in failed],
                "all": len(failed) == len(checks),
                "count": len(students),
                "message": common,
            }
        )
    return found


def _looks(
    course_: Course, assignment: str, report: dict[str, Row], waiting: dict[str, list[str]]
) -> list[tuple[str, str]]:
    """Say who needs a look, and why."""
    found = []
    for student, row in report.items():
        if row.state is not State.GRADED:
            found.append((student, f"{row.state}: {'; '.join(row.reasons) or 'see the log'}"))
    found += [
        (student, f"waits for grading by hand: {', '.join(sorted(cells))}")
        for student, cells in waiting.items()
        if student not in report or report[student].state is State.GRADED
    ]
    unusable = collect.ledger(course_, assignment).get("unusable", {})
    found += [(student, f"could not be collected: {why}") for student, why in unusable.items()]
    return found


# --- submissions that resemble each other ---


def _answers(
    course_: Course, assignment: str, definitions: dict[str, Any], students: list[str]
) -> dict[str, list[str]]:
    """Read what each student wrote, as a list of tokens, without what the template had."""
    from pygments.lexers import PythonLexer

    lexer = PythonLexer()

    def tokens(source: str) -> list[str]:
        return [text.strip() for _, text in lexer.get_tokens(source) if text.strip()]

    stubs = {
        (notebook, cell.name): {line.strip() for line in cell.source.splitlines()}
        for notebook, found in definitions.items()
        for cell in found.cells
        if cell.solution and cell.cell_type == "code"
    }
    found = {}
    for student in students:
        written: list[str] = []
        for notebook in definitions:
            path = course_.folder("submitted", student, assignment) / f"{notebook}.ipynb"
            try:
                cells = intake.read(submissions.read_plain(path))
            except (intake.IntakeError, ValueError):
                continue
            for cell in cells:
                stub = stubs.get((notebook, cell["name"]))
                if stub is not None:
                    lines = [line for line in cell["source"].splitlines() if line.strip() not in stub]
                    written += tokens("\n".join(lines))
        found[student] = written
    return found


def resemblance(answers: dict[str, list[str]]) -> tuple[list[tuple[str, str, float, float]], int]:
    """Find pairs that share more than each shares with the others of the class.

    Two answers are compared token by token, names and comments included (the normalised insertion and
    deletion distance of rapidfuzz). A short task has few right answers, so that much is shared by chance: a
    pair is shown only if it shares much, and lies far above what both share with everybody else.

    Returns
    -------
    pairs : list
        Two students, what they share, and what they share with others in the middle.
    compared : int
        How many answers were long enough to be compared.
    """
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    codes: dict[str, str] = {}
    students = sorted(student for student, tokens in answers.items() if len(tokens) >= TOKENS)
    if len(students) < 4:
        return [], len(students)
    texts = [
        "".join(codes.setdefault(token, chr(0x100 + len(codes))) for token in answers[student][:5000])
        for student in students
    ]
    alike = cdist(texts, texts, scorer=Indel.normalized_similarity, dtype=np.float32)
    np.fill_diagonal(alike, np.nan)
    middle = np.nanmedian(alike, axis=1)
    spread = 1.4826 * np.nanmedian(np.abs(alike - middle[:, None]), axis=1)
    limit = middle + BEYOND * np.maximum(spread, 0.02)
    found = []
    for first, second in zip(*np.triu_indices(len(students), 1), strict=True):
        value = alike[first, second]
        if value >= max(ALIKE, limit[first], limit[second]):
            usual = float(max(middle[first], middle[second]))
            found.append((students[first], students[second], float(value), usual))
    found.sort(key=lambda pair: (pair[3] - pair[2], pair[0], pair[1]))
    return found[:PAIRS], len(students)


# --- the terminal ---


def terminal(found: Insights) -> Group:
    """Draw the report for the terminal."""
    parts: list[Any] = [Text(f"{found.assignment}: {_summary(found)}")]
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
            _number(check.point_biserial),
            _number(check.item_rest),
        )
        if check.remark:
            remarks[check.remark].append(check.name)
    parts.append(table)
    parts += [Text(f"{', '.join(names)}: {remark}") for remark, names in remarks.items()]
    table = Table("submissions", "fail", "and say", title="Typical wrong results", title_justify="left")
    for group in found.mistakes[:GROUPS]:
        what = "all checks" if group["all"] else ", ".join(group["checks"])
        table.add_row(str(group["count"]), what, Text(group["message"]))
    parts.append(table)
    if found.looks:
        table = Table("why", "how many", "who", title="Needs a look", title_justify="left")
        for why, who in _reasons(found).items():
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


def _reasons(found: Insights) -> dict[str, list[str]]:
    """Say for each reason to look who is meant."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for who, why in found.looks:
        reasons[why].append(who)
    return reasons


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _summary(found: Insights) -> str:
    if not found.scores:
        return f"{found.handed_in} of {found.students} students handed something in"
    scores = np.array(found.scores)
    return (
        f"{found.handed_in} of {found.students} students handed something in; mean {scores.mean():.2f}, "
        f"median {np.median(scores):g} of {found.most:g} points, standard deviation {scores.std():.2f}"
    )


def _histogram(found: Insights) -> tuple[np.ndarray, np.ndarray]:
    bins = int(min(max(found.most, 1), 20))
    return np.histogram(found.scores, bins=bins, range=(0, max(found.most, 1e-9)))


def _bars(found: Insights) -> Table:
    table = Table("points", "", "submissions", title="Scores", title_justify="left", box=None)
    counts, edges = _histogram(found)
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        last = high == edges[-1]
        label = f"{low:g} to {high:g}" if last else f"{low:g} to under {high:g}"
        table.add_row(label, "█" * round(40 * count / max(counts.max(), 1)), str(count))
    return table


# --- the page ---

EXPLAINED = """<p class="note">Difficulty is the mean share of the points, 1 is easy.
The point-biserial correlation compares passing the check with the whole score, item-rest its points with the
score of all other checks: near 0 it tells little about the rest, below 0 look at the check.
A dash stands where all did the same.</p>"""

STYLE = """
:root { color-scheme: light dark;
  --ink: #1d232a; --paper: #fff; --soft: #57606a; --line: #d0d7de; --mark: #1f5fa8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #14181d; --soft: #9aa4af; --line: #3a424c; --mark: #6cb0f5; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.25rem; }
p, li { max-width: 45rem; }
.note { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: break-word; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); }
svg { max-width: 100%; min-width: 34rem; height: auto; }
svg text { fill: var(--ink); }
a { color: var(--mark); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
"""


def page(found: Insights, names: bool = False) -> str:
    """Write the report as one page that needs nothing else, and lets nothing else in."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = html.escape(f"{found.assignment}: what the submissions say")
    who = (
        "Students are named: keep this page to those who may know their results."
        if names
        else "Students are numbered, not named; the numbers stay the same from run to run."
    )
    body = [
        f"<h1>{title}</h1>",
        f"<p>{html.escape(_summary(found))}; penalties for being late are not in these numbers.</p>",
        f'<p class="note">{who}</p>',
        "<h2>Scores</h2>",
        _figure(*_score_picture(found)),
        "<h2>Checks</h2>",
        _check_table(found),
        EXPLAINED,
        _figure(*_check_picture(found)),
        "<h2>Typical wrong results</h2>",
        _mistake_table(found),
        "<h2>When it was handed in</h2>",
        _figure(*_time_picture(found)) if found.times else "<p>No times are known.</p>",
        "<h2>Who needs a look</h2>",
        _rows(
            "Reasons, and the students",
            ["Why", "How many", "Who"],
            [[why, str(len(who)), ", ".join(who)] for why, who in _reasons(found).items()],
            (1,),
        )
        if found.looks
        else "<p>Nobody.</p>",
        "<h2>Submissions that resemble each other</h2>",
        "<p>This is a hint where to read, never a verdict. Two who learned together, or from the same page, "
        "write alike; short tasks have few right answers. The code of the task is left out. A pair is listed "
        f"if it shares at least {ALIKE:.0%} of its tokens, and far more than each of the two shares with the "
        f"rest of the class. {found.compared} submissions were long enough to be compared.</p>",
        _rows(
            "Pairs",
            ["Pair", "Share", "Each with others", "Same failing checks"],
            [
                [
                    f"{pair.first}, {pair.second}",
                    f"{pair.alike:.0%}",
                    f"{pair.usual:.0%}",
                    "yes" if pair.same_mistakes else "no",
                ]
                for pair in found.pairs
            ],
        )
        if found.pairs
        else "<p>None.</p>",
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _rows(caption: str, head: list[str], rows: list[list[str]], numbers: tuple[int, ...] = ()) -> str:
    def cells(row: list[str], tag: str) -> str:
        made = []
        for place, cell in enumerate(row):
            scope = ' scope="col"' if tag == "th" else ""
            kind = ' class="number"' if place in numbers else ""
            made.append(f"<{tag}{scope}{kind}>{html.escape(cell)}</{tag}>")
        return f"<tr>{''.join(made)}</tr>"

    label = html.escape(caption)
    return (
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0"><table>\n'
        f"<caption>{label}</caption>\n"
        f"<thead>{cells(head, 'th')}</thead>\n<tbody>\n"
        + "\n".join(cells(row, "td") for row in rows)
        + "\n</tbody>\n</table></div>"
    )


def _check_table(found: Insights) -> str:
    head = ["Check", "Points", "Passed", "Difficulty", "Point-biserial", "Item-rest", "Remark"]
    many = len({check.notebook for check in found.checks}) > 1
    rows = [
        [
            f"{check.notebook}: {check.name}" if many else check.name,
            f"{check.points:g}",
            f"{check.passed:.0%}",
            f"{check.difficulty:.2f}",
            _number(check.point_biserial),
            _number(check.item_rest),
            check.remark,
        ]
        for check in found.checks
    ]
    caption = f"Each check over the {found.judged} submissions that could be tested"
    return _rows(caption, head, rows, (1, 2, 3, 4, 5))


def _mistake_table(found: Insights) -> str:
    if not found.mistakes:
        return "<p>All submissions win all points of the tests.</p>"
    rows = [
        [
            str(group["count"]),
            "all checks" if group["all"] else ", ".join(group["checks"]),
            group["message"],
        ]
        for group in found.mistakes[:GROUPS]
    ]
    rest = sum(group["count"] for group in found.mistakes[GROUPS:])
    more = (
        f"<p>{rest} more submissions fail in {len(found.mistakes) - GROUPS} other ways.</p>" if rest else ""
    )
    caption = "Submissions that fail the same checks, and what the first of these says most often"
    return _rows(caption, ["Submissions", "Fail", "Message"], rows, (0,)) + more


def _figure(svg: str, words: str) -> str:
    label = html.escape(f"Figure: {words.split(':')[0].split('.')[0]}", quote=True)
    return (
        f'<figure><div class="wide" role="region" aria-label="{label}" tabindex="0">{svg}</div>'
        f"<figcaption>{html.escape(words)}</figcaption></figure>"
    )


def _draw(words: str, height: float, paint: Any) -> tuple[str, str]:
    """Draw with Matplotlib; give the picture, with its description, in the page's colours."""
    import matplotlib
    from matplotlib.figure import Figure

    # Ids that stay the same, text as text: the page is the same for the same grades.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "npfl", "font.family": "sans-serif"}):
        picture = Figure(figsize=(8, height), layout="constrained")
        axes = picture.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        paint(axes)
        memory = io.StringIO()
        picture.savefig(memory, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = memory.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)
    svg = re.sub(r'id="([^"]*)"', lambda found: f'id="{_prefix(words)}{found[1]}"', svg)
    svg = re.sub(r"(url\(#|xlink:href=\"#)", lambda found: f"{found[1]}{_prefix(words)}", svg)
    # A strict policy lets no style attributes in: what they say becomes attributes of SVG.
    svg = re.sub(r'style="([^"]*)"', lambda found: _attributes(found[1]), svg)
    label = html.escape(words, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1), words


def _prefix(words: str) -> str:
    return re.sub(r"\W", "", words.split(":")[0]) + "-"


COLOURS = {"#000000": "currentColor", "#123456": "#3d7dc4", "#654321": "#c4661f"}


def _attributes(style: str) -> str:
    made = []
    for part in html.unescape(style).split(";"):
        name, _, value = part.partition(":")
        name, value = name.strip(), value.strip()
        if name == "font":
            size = re.search(r"([\d.]+)px", value)
            made += [f'font-size="{size[1]}px"' if size else "", 'font-family="sans-serif"']
        elif name:
            made.append(f'{name}="{html.escape(COLOURS.get(value, value), quote=True)}"')
    return " ".join(made)


def _score_picture(found: Insights) -> tuple[str, str]:
    counts, edges = _histogram(found)
    full = sum(score >= found.most for score in found.scores)
    zero = sum(score <= 0 for score in found.scores)
    words = (
        f"Score distribution: of {len(found.scores)} submissions {full} have all {found.most:g} points and "
        f"{zero} have none; {_summary(found).split('; ')[-1]}."
    )

    def paint(axes: Any) -> None:
        axes.bar(edges[:-1], counts, np.diff(edges) * 0.92, align="edge", color="#123456")
        axes.set(xlabel="points", ylabel="submissions", xlim=(0, max(found.most, 1e-9)))
        axes.yaxis.get_major_locator().set_params(integer=True)

    return _draw(words, 3, paint)


def _check_picture(found: Insights) -> tuple[str, str]:
    parts = ", ".join(f"{check.name} {check.passed:.0%}" for check in found.checks)
    words = f"Share that passed each check: {parts}."

    def paint(axes: Any) -> None:
        names = [check.name for check in found.checks]
        axes.barh(range(len(names)), [100 * check.passed for check in found.checks], color="#123456")
        axes.set(xlabel="passed, in percent", xlim=(0, 100), yticks=range(len(names)), yticklabels=names)
        axes.invert_yaxis()

    return _draw(words, 0.9 + 0.35 * max(len(found.checks), 1), paint)


def _time_picture(found: Insights) -> tuple[str, str]:
    count = len(found.times)
    words = f"Time line: {count} submissions came between {found.times[0]:%d %B %H:%M} and "
    words += f"{found.times[-1]:%d %B %H:%M}"
    if found.due:
        late = sum(moment > found.due for moment in found.times)
        day = sum(0 <= (found.due - moment).total_seconds() <= 86400 for moment in found.times)
        words += f"; {day} on the last day before the due date, {late} after it"
    words += "."

    def paint(axes: Any) -> None:
        axes.step(found.times, range(1, count + 1), where="post", color="#123456")
        axes.set(ylabel="submissions so far", ylim=(0, count * 1.05))
        axes.yaxis.get_major_locator().set_params(integer=True)
        if found.due:
            axes.axvline(found.due, color="#654321", linestyle="--")
            axes.text(found.due, count * 0.5, "  due", va="center")
        axes.figure.autofmt_xdate()

    return _draw(words, 3, paint)


def save(course_: Course, found: Insights, names: bool) -> Path:
    """Write the page and the same for programs; give the page."""
    target = course_.root / "insights" / f"{found.assignment}.html"
    write(target, page(found, names))
    write(target.with_suffix(".json"), found.json())
    return target
