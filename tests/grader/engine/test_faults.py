# ruff: noqa: E501 (cells stand as in a table)
"""A fault of the grader's is never the student's: whatever trusted code raises, a right solution gets no zero."""

import inspect
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from npfl_grader.engine.host import worker
from npfl_grader.engine.job import Cell, Job, Limits, Result, Role, Status

# Run in place of a warm process: of the function that a file names, the n-th call raises what the file says.
PROGRAM = """
import builtins, importlib, inspect, json, os, sys, types
from pathlib import Path
from npfl_grader.engine.host import keeper, warm
from npfl_grader.engine.tests_side import checker

left, kind, original, process = 0, None, None, 0

def injected(args, kwargs):
    global left
    left -= os.getpid() == process  # what is forked from it is the student's
    if left == 0 and os.getpid() == process:
        raise kind("injected")
    return original(*args, **kwargs)

builtins._injected = types.FunctionType(injected.__code__.replace(co_filename=keeper.__file__), globals())
swapped = compile("def f(*args, **kwargs): return _injected(args, kwargs)", keeper.__file__, "exec")

def inject(side):
    global left, kind, original, process
    process = os.getpid()
    order = json.loads(Path({file!r}).read_text())
    if order is None or order["side"] != side:
        return
    function = importlib.import_module(order["module"])
    for part in order["name"].split("."):
        function = function.__dict__[part] if isinstance(function, type) else getattr(function, part)
    function = inspect.unwrap(getattr(function, "__func__", function))
    left, kind = order["call"], getattr(builtins, order["raises"])
    original = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    original.__kwdefaults__ = function.__kwdefaults__
    names = {{}}
    exec(swapped, names)
    function.__code__ = names["f"].__code__

def wrap(owner, name, side):
    inner = getattr(owner, name)
    def outer(*args):
        inject(side)
        inner(*args)
    setattr(owner, name, outer)

wrap(checker, "main", "tests")
wrap(keeper.Keeper, "serve", "keeper")
warm.main(int(sys.argv[1]), *sys.argv[2:5])
"""
STUDENT = """\
import random
class Mean:
    def __init__(self, values): self.values = list(values)
    def __len__(self): return len(self.values)
    def value(self): return sum(self.values) / len(self)
def double(x): return [2 * part for part in x] if isinstance(x, list) else 2 * x
def scale(x, by): x *= by
def apply(f, x): return f(f(x))
def draw(): return np.random.rand(), random.random()
def refuse(x): raise ValueError(f'no {x}')
def many(n):
    print('said')
    for i in range(n): yield i
nothing = None
"""
TESTS = [
    "assert double(3) == 6 and double([1.5, 2.5] * 10) == [3.0, 5.0] * 10\nassert (double(np.arange(3.0)) == [0, 2, 4]).all() and nothing is None",
    "a = np.ones(3); d = {'k': [1, (2, {3})]}\nscale(a, 2.0)\nassert a.sum() == 6 and double(1 + 2j) == 2 + 4j and apply(lambda x: x + 1, 1) == 3\nassert double('a') == 'aa' and double(2 ** 70) == 2 ** 71 and (double(np.float32(2)) == 4)",
    "import random\nnp.random.seed(1); random.seed(2)\na = draw(); b = np.random.rand(), random.random()\nnp.random.seed(1); random.seed(2)\nassert a == (np.random.rand(), random.random()) and b == (np.random.rand(), random.random())",
    "try: refuse(3)\nexcept ValueError as error: assert str(error) == 'no 3'\nelse: raise AssertionError\nm = Mean([1, 2, 3])\nassert len(m) == 3 and m.value() == 2 and list(many(3)) == [0, 1, 2] and isinstance(m, Mean) and 'Mean' in repr(m)",
    "print('here')\nassert double(1) == 2\n0.5 * double(1)",
]
CELLS = [("locked", "import numpy as np\nimport random\nnp.random.seed(0)"), ("student", STUDENT), *(("test", test) for test in TESTS)]  # fmt: skip


JOB = Job(
    tuple(Cell(f"c{i}", Role(role), source) for i, (role, source) in enumerate(CELLS)),
    limits=Limits(cell=5, call=3, notebook=30, memory=1 << 30, processes=32),
)


@pytest.fixture(scope="module")
def run():
    """Run the job with an injection, or None, once; return the results and the log."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # the keeper may be a user without rights
        file = Path(folder, "order.json")

        def start():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(worker, "PROGRAM", ("-c", PROGRAM.format(file=str(file))))
                return worker.Pair()

        pairs = [start()]

        def run(order):
            file.write_text(json.dumps(order))
            try:
                return pairs[0].run(JOB)
            except worker.Broken as error:
                pairs[0].close()
                pairs[0] = start()
                return Result(fault=str(error))

        yield run
        pairs[0].close()


def functions(*packages):
    """All functions and methods of trusted modules, by the name of their module."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        if not name.startswith(packages):
            continue
        for owner in [module, *(kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == name)]:  # fmt: skip
            for value in vars(owner).values():
                value = inspect.unwrap(getattr(value, "__func__", value))
                if inspect.isfunction(value) and value.__module__ == name and not value.__code__.co_freevars:
                    found.setdefault(name, []).append(value.__qualname__)
    return found


TRUSTED = functions("npfl_grader.engine.both", "npfl_grader.engine.tests_side", "npfl_grader.private")
KEEPERS = functions("npfl_grader.engine.host.keeper", "npfl_grader.engine.both.wire")
KINDS = ("TypeError", "OSError", "AssertionError", "EOFError", "KeyError", "MemoryError", "ValueError", "TimeoutError", "AttributeError", "RuntimeError")  # fmt: skip


def test_the_solution_is_right(run):
    result = run(None)
    assert [(cell.status, cell.outputs) for cell in result.cells if cell.status != Status.OK] == []
    assert result.cells[-1].value == 1.0


@pytest.mark.parametrize(
    ("side", "module", "name"),
    [("tests", module, name) for module, names in TRUSTED.items() for name in sorted(set(names))]
    + [("keeper", module, name) for module, names in KEEPERS.items() for name in sorted(set(names))],
)
def test_no_exception_of_the_graders_is_a_zero(run, side, module, name):
    start = sum(map(ord, name))
    for step, call in enumerate((1, 3)):
        kind = KINDS[(start + step) % len(KINDS)]
        result = run({"side": side, "module": module, "name": name, "call": call, "raises": kind})
        if result.fault:
            continue
        for cell in result.cells[2:]:
            assert cell.status in (Status.OK, Status.FAULT), (kind, call, cell)
            if cell.status == Status.OK:
                assert cell.value in (None, 1.0), (kind, call, cell)
        if all(cell.status == Status.OK for cell in result.cells):
            break  # it is not called so often


def test_the_traceback_of_the_engine_is_kept(run):
    order = {"side": "tests", "module": "npfl_grader.engine.both.codec.encode", "name": "Encoder._mutable"}
    result = run(order | {"call": 1, "raises": "TypeError"})
    assert "injected" in result.log
    assert "in _do" in result.log


def test_a_large_list_is_no_mistake_of_the_students(check):
    test = "values = [0.5] * 950_000\nassert f(values) == 475_000 and g(values) == [1.0] * 950_000"
    assert (
        check("def f(x): return sum(x)\ndef g(x): return [2 * v for v in x]", test, notebook=60)["status"]
        == "ok"
    )


def test_what_is_too_large_to_be_sent_is_no_mistake_of_the_students(check):
    result = check("def f(x): return 1", "f(np.zeros(20_000_000))", memory=512 << 20)
    assert result["status"] == "fault"
