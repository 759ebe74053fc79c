"""What tests of public courses do: right work loses no point in silence, and wrong work wins none."""

import functools
import sys
from pathlib import Path

import nbformat
import pytest

from npfl_grader.authoring import exercises
from npfl_grader.course import definition
from npfl_grader.engine.job import Limits
from npfl_grader.grading import grade, intake, solution

sys.path.insert(0, str(Path(__file__).parent))
from idioms import IDIOMS, notebook

HELPERS = {
    "helper.py": b"def check_double(f):\n    assert f(4) == 8 and f(0) == 0\n",
    "pypdf.py": b"def check_answer(f):\n    assert f() == 42\n",
    "seeded.py": b"import random\n\n\ndef check(roll):\n    random.seed(1)\n"
    b"    expected = [random.randint(1, 6) for _ in range(5)]\n    random.seed(1)\n"
    b"    assert [roll() for _ in range(5)] == expected\n",
}
# What the machine of a course has and a sandbox has not: even the instructor's solution cannot pass.
NOT_HERE = {
    "environment_variable": "KeyError",
    "home_data": "FileNotFoundError",
    "output_of_a_program": "no other programs run while a notebook is graded",
}
# Here the test passes without the student's work; nbgrader gives the stub its point too.
STUB_PASSES = {
    "input_history",
    "wrong_dataframe_of_locked_cell",
    "wrong_shadowed_reference",
    "wrong_star_import",
}
WRONG = {
    "wrong_dataframe_of_locked_cell": "data = data[:2]",
    "wrong_nbgrader_execution": "def double(x):\n    return 3 * x",
    "wrong_shadowed_reference": "def mean(values):\n    return sum(values)",
    "wrong_star_import": "def factorial(n):\n    return n",
    "wrong_stale_file": "open('result.txt', 'w').write('wrong')",
    "cleaned_data_of_locked_cell": "data = None",
    "test_deletes_function": "def squares(n):\n    return [i * i for i in range(1, n + 1)]\n\n\n"
    "def total(n):\n    return sum(i * i for i in range(1, n + 1))",
    "test_replaces_function": "def area(r):\n    return 3 * r * r\n\n\n"
    "def volume(r, h):\n    return 3 * r * r * h",
    "mock_print": "def greet():\n    return 'hello'",
    "mock_input": "def ask():\n    return 5 if input('n? ') == '5' else 0",
    "test_forbids_builtin": "def total(values):\n    return sum(values)",
    "pandas_argument_kept": "def double(table):\n    table['a'] = 2 * table['a']\n    return table",
    "pandas_groups": "def totals(table):\n    return table.groupby('who')['sum'].max()",
    "class_eq": "class P:\n    def __init__(self, x):\n        self.x = x",
    "dict_keys": "def letters(word):\n    return {}.keys()",
}


def run(name, handed_in, **known):
    source = notebook(name)
    instructors = definition.from_source(source, name)
    data = nbformat.writes(handed_in).encode()
    written = solution.written(instructors, intake.read(nbformat.writes(source).encode()))
    limits = Limits(cell=20, call=5)  # some call their answers 20,000 times
    known |= {"files": HELPERS, "limits": limits, "require": "none", "written": written}
    task = grade.Task("", name, instructors, data, **known)
    return instructors, grade.grade(task)


@functools.cache
def tried(name):
    return solution.read(*run(name, notebook(name), ends=None))


def informed(found):
    """What a student's task is told of the solution."""
    known = {"only_together": frozenset(found.together), "lost": found.lost}
    return known | {"ends": found.ends, "asked": found.asked}


@pytest.mark.parametrize("name", IDIOMS)
def test_the_solution_passes_apart_or_together(name):
    found = tried(name)
    if name in NOT_HERE:
        assert NOT_HERE[name] in str(found.lost)
        return
    assert not found.lost
    _, graded = run(name, notebook(name), **informed(found))
    assert not graded.unsure
    assert sum(graded.scores.values()) == found.tests
    assert set(graded.together) == set(found.together)
    # The mend is said for each.
    assert len(found.warnings()) == len(found.together)


@pytest.mark.parametrize("name", IDIOMS)
def test_the_stub_wins_nothing(name):
    found = tried(name)
    stub = exercises.release(notebook(name))
    _, graded = run(name, stub, **informed(found))
    won = {test for test, points in graded.scores.items() if points}
    assert bool(won) == (name in STUB_PASSES)
    if name in NOT_HERE:
        assert "your own solution does not pass" in str(graded.unsure)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_work_wins_nothing(name):
    found = tried(name)
    _, graded = run(name, notebook(name, WRONG[name]), **informed(found))
    assert not graded.unsure
    assert not any(graded.scores.values())


@pytest.mark.parametrize(
    ("name", "answer"),
    {
        "ends_in_true": "def even(n):\n    return False",
        "ends_in_students_object": "class Other:\n    balance = 0\n\n\nAccount = Other",
        "points_of_students": "def score():\n    return 'all of them'",
        "points_of_students_together": "class P:\n    def __init__(self, x):\n        self.x = 'all'\n"
        "    def __eq__(self, other):\n        return True",
    }.items(),
)
def test_a_last_value_that_the_solution_does_not_give_is_left_to_a_person(name, answer):
    found = tried(name)
    _, graded = run(name, notebook(name, answer), **informed(found))
    assert graded.unsure
    assert not any(graded.scores.values())


LIAR = (
    "class Drawn:\n    shape, dtype = (400,), float\n    def mean(self): return 0.0\n"
    "    def std(self): return 1.0\n    def __str__(self): return '[0.1]'\n"
)
TENSOR = (
    "class Tensor:\n    def __init__(self, values): self.data = tuple(values)\n    @property\n"
    "    def shape(self): return (len(self.data),)\n"
    "    def mean(self): return sum(self.data) / len(self.data)\n"
    "    def __mul__(self, other): return Tensor(v * other for v in self.data)\n"
)


@pytest.mark.parametrize(
    ("name", "answer", "points"),
    {
        "liar": ("array_described", f"{LIAR}def draw(n): return Drawn()", None),
        "liar that is an array": (
            "array_described",
            "import numpy as np\nclass Drawn(np.ndarray):\n    shape = (400,)\n"
            "    def mean(self): return 0.0\n    def std(self): return 1.0\n"
            "def draw(n): return np.zeros(3).view(Drawn)",
            0,
        ),
        "another array": (
            "array_described",
            "import numpy as np\ndef draw(n):\n    np.random.seed(3)\n    return np.random.randn(n)",
            1,
        ),
        "another class": ("tensor_of_students", TENSOR, 1),
        "no class": (
            "tensor_of_students",
            "import numpy as np\ndef Tensor(values): return np.array(values)",
            1,
        ),
    }.values(),
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_the_word_of_an_object_counts_only_where_the_solution_has_one(name, answer, points):
    _, graded = run(name, notebook(name, answer), **informed(tried(name)))
    assert [*graded.scores.values()] == [points]
    assert bool(graded.unsure) == (points is None)


def test_unusual_work_that_two_processes_cannot_judge_is_left_to_a_person():
    # The solution gives a number, the student an object that compares as one.
    number = "class Number:\n    def __eq__(self, other):\n        return other == 8\n"
    honest = f"{number}def double(x):\n    return Number()"
    name = "wrong_nbgrader_execution"
    _, graded = run(name, notebook(name, honest))
    assert list(graded.unsure) == list(graded.disagreements)
    said = next(iter(graded.unsure.values()))
    assert "apart from the student's code" in said
    assert "it gives 1 of 1 points" in said


@pytest.mark.parametrize(
    ("name", "spying"),
    {
        "tests_variable_that_is_nobodys": "def total(n):\n    return globals().get('expected', 0)",
        "test_names_a_variable_like_a_builtin": "def total(values):\n    return max",
    }.items(),
)
def test_no_value_of_a_test_reaches_the_students_code_but_what_the_solution_reads(name, spying):
    _, graded = run(name, notebook(name, spying))
    assert not any(graded.scores.values())
