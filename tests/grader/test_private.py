# ruff: noqa: NPY002 (the global generators are what is looked at)
"""What the grader uses of other libraries beside their public interface is still there after an upgrade."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbgrader.api import GradeCell, Notebook, SolutionCell
from nbgrader.preprocessors import AssignLatePenalties

from npfl_grader.engine.both.randomness import GENERATORS
from npfl_grader.private import ipython, nbgrader
from npfl_grader.private import numpy as private_numpy
from npfl_grader.private import python as private_python


@pytest.mark.parametrize("name", ipython.NAMES)
def test_ipython_has_what_the_shell_overrides(name):
    assert callable(getattr(InteractiveShell, name, None)), (
        f"IPython's InteractiveShell has no {name} any more: private/ipython.py must find another way to "
        "hand over the exceptions of cells, or students see none"
    )


def test_nbgrader_has_the_cells_and_the_penalty():
    cells = [GradeCell(name="a"), SolutionCell(name="b")]
    assert nbgrader.base_cells(Notebook(name="n", _base_cells=cells)) == cells, (
        "nbgrader keeps a notebook's cells elsewhere: private/nbgrader.py must find them again"
    )
    late = nbgrader.penalty_within_score(AssignLatePenalties(), SimpleNamespace(score=3.0), 5.0)
    assert late == 3, (
        "nbgrader cuts a penalty to the score elsewhere: see private/nbgrader.py, or grades become negative"
    )


def test_numpys_global_generator_is_the_one_that_is_read():
    np.random.seed(5)
    wanted = np.random.get_state()
    found = np.frombuffer(private_numpy.state_in_memory(), np.uint32)
    assert found[:-1].tolist() == wanted[1].tolist(), (
        "NumPy keeps the words of the Mersenne Twister elsewhere: see private/numpy.py; until then tests "
        "that seed the global generator would not see what students draw"
    )
    assert found[-1] == wanted[2]
    private_numpy.skip(3)
    assert np.random.get_state()[2] == 3, (
        "NumPy's random_raw does not draw one word each: see private/numpy.py"
    )


def test_pythons_global_generator_is_the_one_that_is_read():
    random.seed(5)
    found = private_python.state_in_memory()
    assert found is not None, (
        "Python keeps the words of its global generator elsewhere: see private/python.py; each call of a "
        "test that seeds takes some twenty microseconds longer until then"
    )
    assert np.frombuffer(found, np.uint32).tolist() == list(random.getstate()[1])


DRAWS = {
    "numpy": [
        (np.random.seed, lambda: np.random.rand(3)),
        (np.random.seed, np.random.randn),
        (np.random.seed, lambda: np.random.randint(0, 5, 7)),
        (np.random.seed, lambda: (np.random.rand(5), np.random.randn(3))),
        (np.random.seed, lambda: np.random.randn(100_001)),
    ],
    "python": [
        (random.seed, random.random),
        (random.seed, lambda: random.gauss(0, 1)),
        (random.seed, lambda: [random.random() for _ in range(5000)]),
        (random.seed, lambda: random.shuffle(list(range(100)))),
    ],
}


@pytest.mark.parametrize("seeds", [[], [77]], ids=["drawn", "seeded"])
@pytest.mark.parametrize(("name", "draw"), [(n, d) for n, draws in DRAWS.items() for d in draws])
def test_a_generator_follows_another_by_drawing(name, draw, seeds):
    generator, (seed, numbers) = GENERATORS[name], draw
    seed(3)
    numbers()
    before = generator.state()
    if seeds:
        seed(*seeds)
    numbers()
    after = generator.state()
    generator.set_state(before)
    assert generator.follow(after, seeds)
    assert generator.state() == after


def test_a_state_that_no_drawing_leads_to_is_not_taken():
    generator = GENERATORS["numpy"]
    np.random.seed(3)
    before = generator.state()
    forged = bytes(4 * 624) + before[4 * 624 :]  # all words are zero: so would be all numbers
    assert not generator.follow(forged, [5])
    assert generator.state() == before
