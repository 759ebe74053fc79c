"""Every exercise against the solutions that students write, right ones and wrong ones."""

import functools
import importlib.util
import linecache
import re
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution

from npfl_grader.authoring import exercises, trial

ROOT = Path(__file__).parents[2]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
SOLUTIONS = Path(__file__).parent / "solutions"
ALL = [(path, s) for path in EXERCISES for s in trial.solutions(SOLUTIONS / f"{path.stem}.py")]

_spec = importlib.util.spec_from_file_location("variations", Path(__file__).with_name("variations.py"))
assert _spec
assert _spec.loader
variations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(variations)


@pytest.mark.parametrize(("path", "solution"), ALL, ids=[f"{path.stem}: {s.title}" for path, s in ALL])
def test_solution_loses_just_what_it_should(path, solution):
    lost = trial.lost_checks(path, solution.source)
    assert set(lost) == solution.loses, "\n".join(f"{check}: {message}" for check, message in lost.items())
    silent = [check for check, message in lost.items() if message in ("AssertionError: ", "AssertionError")]
    assert not silent, f"these checks do not say what is wrong: {silent}"
    # Whatever keeps the code from answering is said by one helper; nothing else may end a check.
    others = [
        f"{c}: {m}" for c, m in lost.items() if c != "solution" and not m.startswith("AssertionError: ")
    ]
    assert not others, others


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_enough_solutions_are_tried(path):
    tried = trial.solutions(SOLUTIONS / f"{path.stem}.py")
    wrong = [solution for solution in tried if solution.loses]
    assert len(tried) - len(wrong) >= 3
    assert len(wrong) >= 10
    passing = [solution for solution in wrong if not solution.loses & trial.visible_checks(path)]
    assert len(passing) >= len(wrong) / 2, "the visible checks give too much away"


@functools.cache
def reference(path):
    """Take the solution out of an exercise."""
    cells = exercises.read(path).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code" and is_solution(cell))


WAYS = [(path, way) for path in EXERCISES for way in variations.ways(path.stem)]


@pytest.mark.parametrize(("path", "way"), WAYS, ids=[f"{path.stem}, {way}" for path, way in WAYS])
def test_right_work_of_another_kind_keeps_its_points(path, way):
    assert not trial.lost_checks(path, variations.vary(reference(path), way))


NOISE = """
_without_noise, _noise = NAME, np.random.default_rng(99)


def NAME(*args, **kwargs):
    def spoil(value):
        if isinstance(value, (tuple, list)):
            return type(value)(map(spoil, value))
        value = np.asarray(value)
        return value * _noise.uniform(0.3, 3, size=value.shape)

    return spoil(_without_noise(*args, **kwargs))
"""


@pytest.mark.parametrize(
    "path", [p for p in EXERCISES if p.stem in variations.FUNCTIONS], ids=lambda p: p.stem
)
def test_a_result_that_fits_no_known_mistake_gets_none_named(path):
    source = reference(path)
    name = re.search(r"^def (\w+)\(", source, re.MULTILINE)[1]
    lost = trial.lost_checks(path, source + NOISE.replace("NAME", name))
    assert lost
    for check, message in lost.items():
        assert "\n" not in message, f"{check} names a mistake for noise: {message}"


@pytest.mark.parametrize(
    "path", [p for p in EXERCISES if p.stem in variations.FUNCTIONS], ids=lambda path: path.stem
)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("pass", r"returns nothing \(None\)"),
        ("raise NotImplementedError()", "is not written yet"),
        (
            "return undefined_name",
            r"NameError: name 'undefined_name' .*\n  in your code, line 2, .*: return undefined_name",
        ),
        ("return 'words'", "xpected|returns one str"),
    ],
    ids=["no return", "stub", "exception", "a text"],
)
def test_what_keeps_code_from_answering_is_said_first(path, body, says):
    source = reference(path)
    head = re.search(r"^def (\w+)\(.*?\):$", source, re.MULTILINE | re.DOTALL)
    assert head
    lost = trial.lost_checks(path, f"{head[0].replace(chr(10), ' ')}\n    {body}")
    visible = trial.visible_checks(path)
    assert lost.keys() >= visible
    for check in visible:
        assert re.search(says, lost[check])


def test_a_syntax_error_is_said_before_an_older_version_is_checked():
    helper = compile(
        (ROOT / "chapters" / "exercises" / "checks.py").read_text(encoding="utf-8"), "checks", "exec"
    )
    names = {"In": ["def f(x):\n    return x", "def f(x):\n    lambda = 1"], "f": lambda x: x}
    exec(helper, names)
    with pytest.raises(
        AssertionError, match=r"SyntaxError: .*, in line 2 of the cell that defines f: lambda = 1"
    ):
        names["checks"].yours("f")(1)


def test_only_a_line_of_the_students_own_is_called_theirs(capsys):
    def cell(source, names, file):
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), names)

    names: dict = {}
    cell((ROOT / "chapters" / "exercises" / "checks.py").read_text(encoding="utf-8"), names, "<imports>")
    cell("def f(x, then=abs):\n    return then(1 / x)", names, "<mine>")
    drawn = "def picture():\n    LINE\n\nchecks.draw(picture)"
    cell(drawn.replace("LINE", "import no_such_package"), names, "<picture>")
    cell(drawn.replace("LINE", "f(0)"), names, "<picture>")
    assert capsys.readouterr().out.splitlines() == [
        "No picture yet: ModuleNotFoundError: No module named 'no_such_package'",
        "  The picture needs it; your points do not.",
        "No picture yet: ZeroDivisionError: division by zero",
        "  in your code, line 2, in f: return then(1 / x)",
    ]
    # What a check hands in to be called is not theirs, either; the line that calls it is.
    with pytest.raises(AssertionError, match=r"\n  in your code, line 2, in f: return then"):
        cell("def fails(x):\n    raise KeyError(x)\n\nchecks.yours('f')(1, fails)", names, "<check>")


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_what_is_said_of_points_is_true_and_what_is_locked_is_marked(path):
    cells = exercises.read(path).cells
    visible = trial.visible_checks(path)
    passed = [
        cell.source.splitlines()[-1] for cell in cells if cell.id in visible and "passed(" in cell.source
    ]
    whole = exercises.total_points(NotebookNode(cells=cells))
    first = next(cell.metadata.nbgrader.points for cell in cells if cell.id in visible)
    assert passed == [f"checks.passed({first}, {whole:g})"]
    assert cells[-1].source.splitlines()[-1] == f"checks.tell_validate({whole:g})"
    locked = [cell for cell in cells if cell.cell_type == "code" and is_locked(cell)]
    assert [cell.id for cell in locked if not cell.source.startswith("# [locked] ")] == []


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
    graded = {path.stem: trial.checks(path) for path in EXERCISES}
    assert shown == {(path.stem, s.title, s.loses & graded[path.stem]) for path, s in ALL}, "run 'make table'"
