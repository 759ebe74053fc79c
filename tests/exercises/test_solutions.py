"""Every exercise against the solutions that students write, right ones and wrong ones."""

from pathlib import Path

import pytest

from npfl_grader.authoring import trial

ROOT = Path(__file__).parents[2]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
SOLUTIONS = Path(__file__).parent / "solutions"
ALL = [(path, s) for path in EXERCISES for s in trial.solutions(SOLUTIONS / f"{path.stem}.py")]


@pytest.mark.parametrize(("path", "solution"), ALL, ids=[f"{path.stem}: {s.title}" for path, s in ALL])
def test_solution_loses_just_what_it_should(path, solution):
    lost = trial.lost_checks(path, solution.source)
    assert set(lost) == solution.loses, "\n".join(f"{check}: {message}" for check, message in lost.items())
    silent = [check for check, message in lost.items() if message in ("AssertionError: ", "AssertionError")]
    assert not silent, f"these checks do not say what is wrong: {silent}"


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_enough_solutions_are_tried(path):
    tried = trial.solutions(SOLUTIONS / f"{path.stem}.py")
    wrong = [solution for solution in tried if solution.loses]
    assert len(tried) - len(wrong) >= 3
    assert len(wrong) >= 10
    passing = [solution for solution in wrong if not solution.loses & trial.visible_checks(path)]
    assert len(passing) >= len(wrong) / 2, "the visible checks give too much away"


@pytest.mark.parametrize("path", EXERCISES[:1], ids=lambda path: path.stem)
def test_table_says_what_catches_what(path):
    lines = trial.table(path, SOLUTIONS / f"{path.stem}.py").splitlines()
    assert lines[0] == f"## {path.stem}"
    assert len(lines) == 4 + len(trial.solutions(SOLUTIONS / f"{path.stem}.py"))


def test_instructors_page_shows_the_table():
    page = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    shown = set()
    for section in page.split("\n## ")[1:]:
        name, _, *rows = section.strip().splitlines()
        head, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)
        checks = [check.rsplit(" ", 1)[0] for check in head]
        for title, *marks in rows:
            lost = frozenset(check for check, mark in zip(checks[1:], marks, strict=True) if mark == "lost")
            shown.add((name, title, lost))
    assert shown == {(path.stem, s.title, s.loses) for path, s in ALL}, "run 'make table'"
