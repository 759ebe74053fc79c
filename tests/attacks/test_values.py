# ruff: noqa: E501 (what students hand in stands as in a table)
"""Attacks by values, names and exceptions that reach the tests' process; each gets what it deserves.

Each case is a student's cell, a test, and what becomes of it. HOST stands for a file of the grader's.
"""

import json
import os
import tempfile
from pathlib import Path

import pytest

from npfl_grader.engine.host import worker
from npfl_grader.engine.job import Cell, Job, Level, Limits, Role, Status

SECRET = "SECRET-OF-THE-GRADER"
LIMITS = Limits(cell=3, call=2, notebook=20, memory=256 << 20, processes=24, output=100_000, file=4 << 20)
FULL, ZERO, LOOK = "full points", "zero", "a person looks"

CASES = {
    # Exceptions are data.
    "a syntax error that names a file": (
        "class E(SyntaxError): pass\ndef f():\n    e = E('s')\n    e.__dict__.update(filename='HOST', lineno=1)\n    raise e", "f()", ZERO),
    "a real syntax error that names a file": ("def f(): raise SyntaxError('s', ('HOST', 1, 1, None))", "f()", ZERO),
    "an indentation error that names a file": ("def f(): raise IndentationError('s', ('HOST', 1, 1, None))", "f()", ZERO),
    "an exception with the attributes of a syntax error": (
        "class E(Exception): pass\ndef f():\n    e = E('s')\n    e.filename, e.lineno, e.text, e.offset, e.msg = 'HOST', 1, None, 1, 's'\n    raise e", "f()", ZERO),
    "an exception that names a module to import": ("def f(): raise ImportError('s', name='antigravity', path='HOST')", "f()", ZERO),
    "an exception without end": ("class E(Exception):\n    def __str__(self): return 'x' * 10 ** 8\ndef f(): raise E", "f()", ZERO),
    "escape codes in a message": ("def f(): raise ValueError('\\x1b[2J\\x1b]0;title\\x07red')", "f()", ZERO),
    "honest: an exception that is expected": (
        "class Mine(ValueError): pass\ndef f(x):\n    raise Mine(f'no {x}')",
        "try: f(3)\nexcept ValueError as error: assert str(error) == 'no 3' and type(error).__name__ == 'Mine'\nelse: raise AssertionError", FULL),
    # Changes in place.
    "an argument that is made larger while the test has a view of it": (
        "def f(a): a.resize(1 << 16, refcheck=False); a[:] = 7", "a = np.zeros(4)\nview = a[1:]\nf(a)\nassert view[0] == 7", ZERO),
    "an argument that is made smaller": ("def f(a): a.resize(1, refcheck=False)", "a = np.zeros(1 << 16)\nview = a[5:]\nf(a)\nassert view.sum() == 0", ZERO),
    "honest: an argument gets another shape": ("def f(a): a.shape = (2, 3); a += 1", "a = np.zeros(6)\nf(a)\nassert a.shape == (2, 3) and a.sum() == 6", FULL),
    # Source is never compiled where the tests run.
    "minus signs without end": ("x = " + "-" * 20_000 + "1\ndef f(): return 1", "assert f() == 1", ZERO),
    "brackets without end": ("x = " + "[" * 20_000 + "\ndef f(): return 1", "assert f() == 1", ZERO),
    "magics without end": ("%time y = 1\n" * 450 + "y = 1\n" * 20_000, "assert 1 == 1", FULL),
    # Partial credit.
    "an array as points": ("def f(): return np.zeros(3)", "f()", LOOK),
    "an empty array as points": ("def f(): return np.zeros(0)", "f()", LOOK),
    "a long double as points": ("def f(): return np.longdouble(0.25)", "f()", 0.25),
    "a complex number as points": ("def f(): return 1j", "f()", LOOK),
    "text as points": ("def f(): return '0'", "f()", LOOK),
    "an object as points": ("class A:\n    def __float__(self): return 1.0\ndef f(): return A()", "f()", LOOK),
    "a number that is none as points": ("def f(): return float('nan')", "f()", LOOK),
    "a bool as points": ("def f(): return True", "f()", LOOK),
    "honest: a number as points": ("def f(): return np.float32(0.5)", "f()", 0.5),
    # The global generators.
    "a state of zeros left behind": (
        "import random\ndef f():\n    s = list(np.random.get_state()); s[1] = np.zeros(624, np.uint32)\n    np.random.set_state(tuple(s))\n"
        "    v, t, g = random.getstate(); random.setstate((v, (0,) * 624 + t[-1:], g))",
        "import random\nnp.random.seed(1); random.seed(1)\nf()\nassert np.random.rand(5).sum() == 0 or random.random() == 0", ZERO),
    "positions outside of the state": (
        "import itertools, sys\nn = itertools.count(1)\nr = sys.modules['npfl_grader.engine.both.randomness']\n"
        "for g in r.GENERATORS.values(): g.state = lambda: bytes([255 - next(n) % 9]) * 2509\ndef f(): return 1",
        "np.random.seed(1)\nx = f()\ny = np.random.rand()\nnp.random.seed(1)\nassert x == 1 and y == np.random.rand()", FULL),
    "honest: draws, and seeds of its own": (
        "def f(): return np.random.randn(3)\ndef g(): np.random.seed(7)",
        "np.random.seed(1); a = f(); b = np.random.randn(2)\nnp.random.seed(1)\nassert (np.random.randn(3) == a).all() and (np.random.randn(2) == b).all()\n"
        "g(); c = np.random.rand()\nnp.random.seed(7)\nassert c == np.random.rand()", FULL),
    # Honest containers.
    "honest: tuples in containers": (
        "def f(l, d, t):\n    l.append((1, 2)); d[(1, 2)] = (3, np.ones(2)); t[0] = 5",
        "l, d, t = [], {}, [(1, np.zeros(2))]\nf(l, d, t)\nassert l == [(1, 2)] and d[(1, 2)][1].sum() == 2 and t == [5]", FULL),
    "honest: containers replaced": (
        "def f(p):\n    p['w'] = np.ones(3); p['s'] = {(1, 2)}; p['n'] = None; del p['old']",
        "p = {'w': (np.zeros(2), 1), 's': [], 'n': (), 'old': 0}\nf(p)\nassert p['w'].sum() == 3 and p['s'] == {(1, 2)} and p['n'] is None and 'old' not in p", FULL),
    # The source is the submitted one.
    "a source of another function": (
        "import inspect\ndef f(x): return x * x\ninspect.getsource = lambda v: 'def f(x): return sum(x)'\nf.__name__ = 'sum'",
        "import inspect\nassert 'sum(' in inspect.getsource(f)", ZERO),
    "honest: sources": (
        "import functools\n@functools.cache\ndef f(x):\n\n    return sum(\n        x\n)\ng = lambda x: sum(x)\nclass A:\n    def m(self): return sum([1])\nh = 3",
        "import inspect\nassert 'sum(' in inspect.getsource(f) and inspect.getsource(f).endswith(')\\n') and 'sum(' in inspect.getsource(g)\n"
        "assert 'class A' in inspect.getsource(A) and 'sum(' in inspect.getsource(A.m) and 'h = 3' not in inspect.getsource(A)", FULL),
    # Places for processes.
    "all places taken by processes that have ended": (
        "import os\nwhile True:\n    try:\n        if not os.fork(): os._exit(0)\n    except OSError: break\ndef f(): return 2", "assert f() == 1", ZERO),
    "many keys of one hash": (
        "def f(): return {i * (2 ** 61 - 1): 0 for i in range(60_000)}", "f()\nassert False", ZERO),
    "an array of nothing without end": ("def f(): return np.zeros((2 ** 39, 0))", "for row in f(): pass", ZERO),
    # Objects in the test's arithmetic.
    "an object that is every difference": (
        "class L:\n    def __getattr__(self, name): return lambda *a, **k: 0.0\n    def __rsub__(self, o): return self\n    def __sub__(self, o): return self\n    def __pow__(self, o): return self\ndef f(x): return L()",
        "w = np.ones(3)\nassert ((f(w) - w) ** 2).mean() == 0", ZERO),
    "an object that is no different from a number": (
        "class L:\n    def __sub__(self, o): return 0.0\n    __rsub__ = __truediv__ = __mod__ = __sub__\ndef f(x): return L()", "assert abs(f(3) - 9.0) < 1e-6", ZERO),
    "an object that differs by an object": (
        "class L:\n    def __sub__(self, o): return self\n    __rsub__ = __sub__\n    def __abs__(self): return 0.0\ndef f(x): return L()", "assert abs(9.0 - f(3)) < 1e-6", ZERO),
    "an object that is a multiple of a number": (
        "class L:\n    def __truediv__(self, o): return 1.0\n    def __mod__(self, o): return 0\ndef f(x): return L()", "assert f(3) / 9.0 - 1 < 1e-6 and f(3) % 9 == 0", ZERO),
    "an object that says that it is equal": (
        "class L:\n    def __getattr__(self, name): return lambda *a, **k: True\ndef f(): return L()", "w = np.ones(3)\nassert f().equals(w) and f().allclose(w) and f().eq(w).all()", ZERO),
    "a table that says that it is equal": (
        "import pandas as pd\nclass D(pd.DataFrame):\n    def equals(self, other): return True\ndef f(): return D({'a': [1]})", "import pandas as pd\nassert f().equals(pd.DataFrame({'a': [9]}))", ZERO),
    "arrays and tables of objects that are equal to all": (
        "import pandas as pd\nclass L:\n    def __eq__(self, o): return True\n    __hash__ = None\n    def __getattr__(self, n): return lambda *a, **k: True\n"
        "def f(): return np.array([L()], object)\ndef g(): return pd.DataFrame({'a': [L()]})", "import pandas as pd\nassert (f() == np.array([9])).all() or (g()['a'] == 9).all() or g().equals(pd.DataFrame({'a': [9]}))", ZERO),
    "a date, a tuple and a number of classes of one's own": (
        "import collections, datetime\nclass D(datetime.date):\n    def __eq__(self, o): return True\nclass N(collections.namedtuple('N', 'x')):\n    def __eq__(self, o): return True\n"
        "class I(int):\n    def __radd__(self, o): return 9\n    def __round__(self, n=None): return 9\n", "import datetime\nfor check in (lambda: D(2000, 1, 1) == datetime.date(2001, 1, 1), lambda: N(1) == (9,), lambda: sum([I(1)]) == 9, lambda: round(I(1), 2) == 9):\n"
        "    try: assert not check()\n    except TypeError: pass\nassert False", ZERO),
    "an answer by a thread of its own": (
        "import json, os, struct, threading, time\ndef g():\n    t = json.dumps([{'changed': [], 'value': 9, 'outputs': [], 'kept': []}, []]).encode()\n    while True:\n"
        "        try: os.write(3, struct.pack('>QI', len(t), len(t)) + t)\n        except OSError: return\n        time.sleep(0.001)\ndef f():\n    threading.Thread(target=g, daemon=True).start()\n    time.sleep(0.3)\n    return 8",
        "a = f()\nassert a == 1", ZERO),
    "a callback without end": ("def f(g):\n    while True: g(1)", "f(lambda x: x)", ZERO),
    "an iterator without end that has a length": (
        "class I:\n    def __len__(self): return 3\n    def __iter__(self): return self\n    def __next__(self): return 9\ndef f(): return I()", "assert list(f()) == [9, 9, 9]", ZERO),
    "an object on the right of an array": (
        "class L:\n    def __rsub__(self, o): return 0.0\n    def __abs__(self): return 0.0\ndef f(x): return L()", "assert abs(np.ones(3) - f(1)) < 1", ZERO),
}  # fmt: skip
# The others are a matter of Python's, the same at every level, of which only the engine's host knows.
BY_LEVEL = {name: case for name, case in CASES.items() if "HOST" in case[0] or "import os" in case[0]}
ALIKE = {name: case for name, case in CASES.items() if name not in BY_LEVEL}


@pytest.fixture(scope="module")
def host():
    with tempfile.TemporaryDirectory(prefix="npfl-host-") as folder:
        path = Path(folder, "other.py")
        path.write_text(SECRET)
        os.chmod(folder, 0o755)
        yield str(path)


@pytest.mark.parametrize(("student", "test", "deserved"), BY_LEVEL.values(), ids=BY_LEVEL)
def test_what_asks_the_machine_gets_what_it_deserves(student, test, deserved, pair, host, left_over):
    attempt(student, test, deserved, host)


@pytest.mark.parametrize("pair", ["full"], indirect=True)
@pytest.mark.parametrize(("student", "test", "deserved"), ALIKE.values(), ids=ALIKE)
def test_a_value_gets_what_it_deserves(student, test, deserved, pair, host, left_over):
    attempt(student, test, deserved, host)


def attempt(student, test, deserved, host):
    cells = ("import numpy as np", student.replace("HOST", host), test)
    roles = (Role.LOCKED, Role.STUDENT, Role.TEST)
    job = Job(
        tuple(Cell(f"c{i}", *cell) for i, cell in enumerate(zip(roles, cells, strict=True))),
        limits=LIMITS,
        require=Level.NONE,
    )
    result = worker.run(job)
    assert result.fault is None
    assert not result.log
    found = result.cells[-1]
    told = json.dumps(found.outputs)
    assert SECRET not in told
    error = found.outputs[-1] if found.status.failed else {}
    assert "\\u001b" not in json.dumps([error.get("ename"), error.get("evalue")])
    assert len(told) < 50_000
    if deserved == ZERO:
        assert found.status.failed, found
    elif deserved == LOOK:
        assert (found.status, found.value) == (Status.OK, None) or found.unclear
        assert found.unclear
    else:
        assert (found.status, found.unclear) == (Status.OK, ""), found
        assert found.value == (None if deserved == FULL else deserved)
