"""What the report says: figures worked out apart from it, and what must not be in it."""

import io
import json
import re

import numpy as np
import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from npfl_grader.course import settings
from npfl_grader.insights import gather, page, resemblance, terminal
from npfl_grader.insights.statistics import Check

COPIED = """def double(x):
    # I came to this by thinking of a number line
    start_of_line = np.asarray(x)
    end_of_line = start_of_line + start_of_line
    checked = end_of_line - start_of_line
    assert np.all(checked == start_of_line)
    return end_of_line if end_of_line.shape else end_of_line.item()"""
OWN = [
    "def double(x):\n    values = [x]\n    for _ in range(1):\n        values.append(values[-1] * 2)\n"
    "    last = values.pop()\n    return last",
    "def double(x):\n    scale = np.float64(2)\n    if np.ndim(x) == 0:\n        return type(x)(x * scale)\n"
    "    return np.multiply(x, scale, dtype=float)",
    "def double(x):\n    def add(a, b):\n        return a + b\n    total = add(x, 0)\n"
    "    total = add(total, x)\n    print('sum', total)\n    return total",
    "def double(number):\n    try:\n        return number << 1\n    except TypeError:\n        pass\n"
    "    return np.array([n + n for n in np.ravel(number)]).reshape(np.shape(number))",
    "def double(x):\n    return 3 * x",
    "def double(x):\n    return 2 if isinstance(x, int) else 7 * x",
]


@pytest.fixture(scope="module")
def room(tmp_path_factory, template):
    room = template.copy(tmp_path_factory.mktemp("insights") / "course")
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        gradebook.update_or_create_assignment(room.name, duedate="2026-03-10 00:00:00 UTC")
        gradebook.add_student("absent")
    for number, solution in enumerate([*OWN, COPIED, COPIED.replace("return end", "return  end")]):
        path = room.hand_in(f"secret_name_{number}", solution)
        (path.parent / "timestamp.txt").write_text(f"2026-03-{7 + number:02} 10:00:00 UTC\n")
    room.hand_in("broken_name").write_text("{")
    room.run("autograde", room.name, code=3)
    done = room.run("insights", room.name)
    room.said = done.stdout
    return room


def read(room):
    return json.loads((room.root / "insights" / f"{room.name}.json").read_text())


def test_the_figures_are_those_of_a_calculation_by_hand(room):
    found = read(room)
    seen = np.array([1, 1, 1, 1, 0, 1, 1, 1])
    unseen = np.array([1, 1, 1, 1, 0, 0, 1, 1])
    total = 2 * seen + 3 * unseen
    # The broken one has its score, and says nothing about the checks, none of which ran.
    assert sorted(found["scores"]) == sorted([*total.tolist(), 0])
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["seen"]["passed"] == pytest.approx(seen.mean())
    assert checks["unseen"]["difficulty"] == pytest.approx(unseen.mean())
    # The textbook's formula of the point-biserial correlation.
    p = seen.mean()
    gap = total[seen == 1].mean() - total[seen == 0].mean()
    assert checks["seen"]["point_biserial"] == pytest.approx(gap * np.sqrt(p * (1 - p)) / total.std())
    assert checks["seen"]["item_rest"] == pytest.approx(np.corrcoef(2 * seen, 3 * unseen)[0, 1])
    assert [(g["count"], g["checks"]) for g in found["mistakes"]] == [
        (1, ["seen", "unseen"]),
        (1, ["unseen"]),
    ]
    assert found["mistakes"][1]["message"].endswith("arrays are not doubled")
    assert (found["students"], found["handed_in"], found["judged"]) == (10, 9, 8)


def test_copies_are_found_and_no_others(room):
    found = read(room)
    assert len(found["pairs"]) == 1
    assert found["pairs"][0]["alike"] > 0.95
    shown = gather.names_of(
        ["absent", "broken_name", *(f"secret_name_{n}" for n in range(8))], room.root, False
    )
    assert {found["pairs"][0]["first"], found["pairs"][0]["second"]} == {
        shown["secret_name_6"],
        shown["secret_name_7"],
    }
    alike = {f"s{number}": OWN[0].split() * 4 for number in range(30)}
    assert resemblance.resemblance(alike)[0] == []  # where all are alike, no two stand out


def test_no_name_is_in_it_unless_asked_for(room):
    shown = (room.root / "insights" / f"{room.name}.html").read_text()
    for text in (shown, room.said, json.dumps(read(room))):
        assert "secret_name" not in text
        assert "broken_name" not in text
    assert "needs a look" in shown
    named = page.page(gather.gather(settings.load(room.root), room.name, True), True)
    assert "secret_name_6" in named


def test_the_page_is_whole_and_the_same_each_time(room):
    path = room.root / "insights" / f"{room.name}.html"
    text = path.read_text()
    assert not re.search(r"(?:src|href)=", text)
    assert " style=" not in text
    assert text.count('<table class="bars">') == 3
    # A bar is as long as the number beside it says.
    bars = re.findall(r'<rect width="([\d.]+)"[^>]*/></svg></td><td class="number">(\d+)%', text)
    assert bars
    assert all(float(width) == pytest.approx(float(share), abs=0.5) for width, share in bars)
    room.run("insights", room.name)
    assert path.read_text() == text


def test_a_terminal_of_80_columns_shows_names_whole_and_reasons_once():
    names = ["arguments-unchanged", "weights-that-are-zero"]
    checks = [Check("a", name, 2, 0.5, 0.5, 0.9, -0.1, "look at the check") for name in names]
    looks = [(f"Student {number}", "waits for grading by hand: why") for number in range(1, 301)]
    found = gather.Insights("a", 300, 300, 300, 4.0, [2.0] * 300, checks, [], [], None, looks, [], 300)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal.terminal(found))
    said = console.export_text()
    assert max(map(len, said.splitlines())) <= 80
    assert all(f"│ {name}" in said for name in names)
    assert f"{', '.join(names)}: look at the check" in said
    assert len(re.findall("waits for", said)) == 1
    assert "300" in said
    assert "Student 5 …" in re.sub(r"\s*│\n│[ │]*", " ", said)
    assert gather._natural(("Student 2", "")) < gather._natural(("Student 10", ""))
