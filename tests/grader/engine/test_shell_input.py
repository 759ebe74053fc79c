"""Cells are read as IPython reads them, in less time."""

import contextlib
import io

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from npfl_grader.engine.both import shell

CELLS = [
    "x = 1\nx",
    "",
    "\n\n  \nx = 1",
    "    x = 1\n    y = 2",
    ">>> x = 1\n>>> y = 2",
    "In [1]: x = 1",
    "%matplotlib inline\nimport numpy as np",
    "%%time\nx = 1",
    "if True:\n    %time x = 1",
    "!ls -l\nx = 1",
    "files = !ls",
    "y = %time 3",
    "x?",
    "?x",
    "x = (7\n     % 2)",
    "x = 7 \\\n% 2",
    's = """\n%time\n!ls\n>>> x\n"""',
    "# %time\nx = 1",
    "def f(:",
    "x = 'unfinished",
    "/f 1 2",
    ", f a b",
    "; f a b",
    "await x",
    "async def f():\n    await g()",
    'x = "\\d"',
    "x = 1\x00",
    "from __future__ import annotations\nx: y = 1",
]


@pytest.fixture(scope="module")
def transformers():
    made = shell._Transformers()
    made.compiler = shell._Compiler()
    return made


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_becomes_what_ipython_makes_of_it(transformers, cell):
    assert transformers.transform_cell(cell) == TransformerManager().transform_cell(cell)


def test_a_students_own_transformer_is_asked(transformers):
    found = []

    class Own:
        @classmethod
        def find(cls, lines):
            found.append(lines)

    transformers.token_transformers.append(Own)
    try:
        transformers.transform_cell("x = 1")
    finally:
        transformers.token_transformers.remove(Own)
    assert found


def test_what_is_warned_of_names_the_cell():
    compiler = shell._Compiler()
    source = 'x = "\\d"\n'
    assert compiler.is_python(source)
    with pytest.warns(DeprecationWarning, match="invalid escape") as warned:
        compiler.ast_parse(source, "the cell")
    assert [one.filename for one in warned] == ["the cell"]


def test_each_run_of_a_cell_has_a_tree_of_its_own():
    compiler = shell._Compiler()
    assert compiler.is_python("x = 1\n")
    first, second = (compiler.ast_parse("x = 1\n", "the cell") for _ in range(2))
    assert first is not second
    with contextlib.redirect_stderr(io.StringIO()):
        assert not compiler.is_python("x =\n")
