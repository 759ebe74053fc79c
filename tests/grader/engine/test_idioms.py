# ruff: noqa: E501 (cells stand as in a table)
"""What tests are used to do with a student's functions and objects works across two processes too."""

import pytest

# Each: a name, the student's cell, the test; the test passes.
IDIOMS = [
    ("a number", "def f(x): return x + 1", "assert f(1) == 2 and f(1.5) == 2.5 and f(2**100) == 2**100 + 1"),
    ("text and bytes", "def f(x): return x + x", "assert f('ab') == 'abab' and f(b'a') == b'aa' and f('\\ud800')"),
    ("arrays", "def f(a): return a * 2", "np.testing.assert_allclose(f(np.ones((2, 3))), 2 * np.ones((2, 3)))"),
    ("kinds of arrays", "def f(a): return a",
     "for a in [np.zeros(0), np.array(3.0), np.array(['a', 'bcd']), np.float32([1, 2]), np.array([True, False]),\n"
     "          np.array([1 + 2j]), np.asfortranarray(np.ones((2, 3))), np.array(['2020-01-01'], 'M8[D]'),\n"
     "          np.array([(1, 2.0)], [('a', 'i4'), ('b', 'f8')]), np.array([None, [1], 'a'], object)]:\n"
     "    b = f(a.copy())\n    assert b.dtype == a.dtype and b.shape == a.shape and (b == a).all()"),
    ("containers", "def f(x): return x",
     "for x in [[], [1, [2, (3, None)]], {'a': {1, 2}}, frozenset([1]), range(3), slice(1, None), ..., 1j, bytearray(b'a')]:\n"
     "    assert f(x) == x and type(f(x)) is type(x)"),
    ("counters and named tuples",
     "from collections import *\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2), Counter('aab'), OrderedDict(a=1), deque([1], 3)",
     "p, c, o, d = f()\nassert p.x == 1 and p == (1, 2) and c['a'] == 2 and list(o) == ['a'] and d.maxlen == 3"),
    ("exact numbers and dates",
     "from fractions import Fraction\nfrom decimal import Decimal\nfrom datetime import *\n"
     "def f(): return Fraction(1, 3), Decimal('0.1'), date(2020, 1, 2), datetime(2020, 1, 2, 3), timedelta(1.5)",
     "a, b, c, d, e = f()\nassert a * 3 == 1 and str(b) == '0.1' and c.year == 2020 and d.hour == 3 and e.days == 1"),
    ("keyword arguments and defaults", "def f(a, *, b=2, **k): return a + b + k.get('c', 0)", "assert f(1) == 3 and f(1, b=1, c=4) == 6"),
    ("expected exceptions", "def f(x):\n    if x < 0: raise ValueError(f'negative: {x}')\n    return x",
     "try:\n    f(-1)\nexcept ValueError as e:\n    assert str(e) == 'negative: -1' and type(e) is ValueError\nelse:\n    raise AssertionError"),
    ("exceptions of their own",
     "class Base(Exception): pass\nclass Mine(Base, KeyError):\n    def __init__(s, code): super().__init__('told'); s.code = code\ndef f(): raise Mine(7)",
     "try:\n    f()\nexcept Base as e:\n    assert e.code == 7 and isinstance(e, KeyError) and isinstance(e, Mine)\nelse:\n    raise AssertionError"),
    ("unittest", "def f(x): return 1 / x",
     "import unittest\nclass T(unittest.TestCase):\n    def runTest(self):\n        self.assertEqual(f(2), 0.5)\n"
     "        with self.assertRaises(ZeroDivisionError): f(0)\n"
     "r = unittest.TextTestRunner(stream=open('/dev/null', 'w')).run(T())\nassert r.wasSuccessful()"),
    ("what is printed", "def f(): print('hello'); print('there', end='')",
     "import io, contextlib\ns = io.StringIO()\nwith contextlib.redirect_stdout(s): f()\nassert s.getvalue() == 'hello\\nthere'"),
    ("what is written to stderr", "import sys\ndef f(): print('oh', file=sys.stderr)",
     "import io, contextlib\ns = io.StringIO()\nwith contextlib.redirect_stderr(s): f()\nassert s.getvalue() == 'oh\\n'"),
    ("an object", "class A:\n    k = 3\n    def __init__(s, x): s.x = x\n    def up(s, by=1): s.x += by; return s\n    def __len__(s): return s.x\n    def __repr__(s): return f'A({s.x})'",
     "a = A(1)\nassert isinstance(a, A) and not isinstance(3, A) and a.x == 1 and A.k == 3\na.up().up(by=2)\nassert a.x == 4 and len(a) == 4\n"
     "a.x = 9\nassert str(a) == repr(a) == f'{a}' == 'A(9)' and hasattr(a, 'x') and not hasattr(a, 'y')\nassert a.up() is a and type(a).__name__ == 'A' and A.__name__ == 'A'"),
    ("subclasses", "class A: pass\nclass B(A): pass", "assert issubclass(B, A) and not issubclass(A, B) and isinstance(B(), A)"),
    ("operators", "class V:\n    def __init__(s, x): s.x = x\n    def __add__(s, o): return V(s.x + (o.x if isinstance(o, V) else o))\n    __radd__ = __add__\n    def __neg__(s): return V(-s.x)\n    def __matmul__(s, o): return s.x * o.x",
     "assert (V(1) + V(2)).x == 3 and (1 + V(2)).x == 3 and (-V(1)).x == -1 and V(2) @ V(3) == 6"),
    ("items", "class C(dict): pass\ndef f(): return C(a=1)", "c = f()\nassert c['a'] == 1 and len(c) == 1 and list(c) == ['a']\nc['b'] = 2\nassert list(c.items()) == [('a', 1), ('b', 2)]"),
    ("generators", "def f(n):\n    for i in range(n): yield i * i", "assert list(f(4)) == [0, 1, 4, 9]\ng = f(1)\nnext(g)\ntry: next(g)\nexcept StopIteration: pass\nelse: raise AssertionError"),
    ("a context manager", "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 5", "with f() as x: assert x == 5"),
    ("closures", "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n        return n\n    return g", "g = f()\nassert [g(), g(), f()()] == [1, 2, 1]"),
    ("functions as arguments", "def f(g, x): return g(g(x))", "calls = []\ndef g(x):\n    calls.append(x)\n    return x + 1\nassert f(g, 1) == 3 and calls == [1, 2] and f(np.exp, 0) == np.exp(1) and f(lambda s: s, 'a') == 'a'"),
    ("errors of functions as arguments", "def f(g):\n    try: return g()\n    except ValueError as e: return str(e)",
     "def g(): raise ValueError('inner')\nassert f(g) == 'inner'\nclass E(Exception): pass\ndef h(): raise E('mine')\n"
     "try: f(h)\nexcept E as e: assert e.args == ('mine',)\nelse: raise AssertionError"),
    ("functions in turns", "def f(n, g): return 0 if n == 0 else 1 + g(n - 1)", "def g(n): return f(n, g)\nassert f(6, g) == 6"),
    ("their own functions as arguments", "def f(g, x): return g(x)\ndef h(x): return x * 2", "assert f(h, 4) == 8"),
    ("iterators as arguments", "def f(it): return sum(it)", "assert f(iter([1, 2])) == 3 and f(i * i for i in range(4)) == 14"),
    ("objects of the tests as arguments", "def f(m): return m.predict(2) + m.bias", "class M:\n    bias = 1\n    def predict(self, x): return x * 10\nassert f(M()) == 21"),
    ("generators of random numbers", "def f(rng): return rng.normal(size=3)",
     "a, b = np.random.default_rng(1), np.random.default_rng(1)\nassert (f(a) == b.normal(size=3)).all() and a.random() == b.random()\n"
     "r = np.random.RandomState(3)\nassert (f(r) == np.random.RandomState(3).normal(size=3)).all()"),
    ("the global random numbers", "import random\ndef f(): return np.random.rand(), random.random()",
     "import random\nnp.random.seed(1); random.seed(1)\nx = f()\ny = np.random.rand(), random.random()\n"
     "np.random.seed(1); random.seed(1)\nassert x == (np.random.rand(), random.random()) and y == (np.random.rand(), random.random())"),
    ("an array changed in place", "def f(a): a += 1", "a = np.zeros(3)\nf(a)\nassert (a == 1).all()\nb = np.zeros((4, 4))\nf(b[1:3, ::2])\nassert b.sum() == 4"),
    ("containers changed in place", "def f(l, d, s): l.append(d); d['k'] = l[0]; s.add(9); l[0][0] = 5",
     "inner = [1]\nl, d, s = [inner], {}, {1}\nf(l, d, s)\nassert l[1] is d and d['k'] is inner and inner == [5] and s == {1, 9}"),
    ("parameters of a network changed in place", "def step(params, lr=0.5):\n    for p, g in params.values(): p -= lr * g",
     "p = np.ones(2)\nparams = {'w': (p, np.ones(2))}\nstep(params)\nassert (p == 0.5).all() and params['w'][0] is p"),
    ("an object's array changed by the test", "class A:\n    def __init__(s): s.W = np.zeros((2, 2)); s.b = [np.zeros(2)]\n    def sum(s): return s.W.sum() + s.b[0].sum()",
     "a = A()\na.W[0, 0] = 5\na.b[0][1] += 2\nassert a.sum() == 7 and a.W[0, 0] == 5 and a.W is a.W\nw = a.W[1]\nw += 1\nassert a.sum() == 9"),
    ("an object's array changed by both", "class A:\n    def __init__(s): s._all = np.zeros(4); s.d = {}\n    @property\n    def W(s): return s._all[:2]\n    def step(s): s._all += 1; s.d['n'] = s.d.get('n', 0) + 1",
     "a = A()\nW, d = a.W, a.d\nW[0] = 5\na.step()\nassert W.tolist() == [6, 1] and d == {'n': 1}\nd['n'] = 9\na.step()\nassert a._all[0] == 7 and d == {'n': 10} and a.d is d"),
    ("parameters changed for a difference quotient", "class A:\n    def __init__(s): s.p = np.arange(3.0)\n    def parameters(s): return [s.p]\n    def loss(s): return (s.p ** 2).sum()",
     "a = A()\nfor p in a.parameters():\n    for i in range(3):\n        p[i] += 1e-6\n        high = a.loss()\n        p[i] -= 2e-6\n        low = a.loss()\n        p[i] += 1e-6\n        assert abs((high - low) / 2e-6 - 2 * i) < 1e-5"),
    ("a variable changed by the test", "table = [1, 2]\ndef f(): return sum(table)", "table.append(3)\nassert f() == 6"),
    ("an argument that is kept", "class A:\n    def __init__(s, w): s.w = w\n    def get(s): return s.w[0]", "w = np.zeros(2)\na = A(w)\nw[0] = 4\nassert a.get() == 4 and a.w is w"),
    ("an argument changed before an error", "def f(l): l.append(1); raise ValueError", "l = []\ntry: f(l)\nexcept ValueError: assert l == [1]\nelse: raise AssertionError"),
    ("shared values in functions in turns", "def f(a, g):\n    g(a)\n    g(a)\n    a += 1\n    return a\nclass A: W = np.zeros(2)",
     "a, seen = np.zeros(2), []\ndef g(x): A.W[0] += 1; seen.append(A.W[0])\nassert f(a, g) is a and a[0] == 1 and seen == [1, 2] and A.W[0] == 2"),
    ("the argument itself given back", "def f(a): a[0] = 7; return a", "a = np.zeros(2)\nassert f(a) is a and a[0] == 7"),
    ("a new array given back", "def f(a): return a + 0", "a = np.zeros(2)\nassert f(a) is not a and not np.shares_memory(f(a), a)"),
    ("arguments left alone", "def f(a): b = a.copy(); b += 1; return b", "a = np.zeros(2)\nf(a)\nassert (a == 0).all()"),
    ("an argument that may not be written", "def f(a):\n    try: a[0] = 1\n    except ValueError: return 'refused'", "a = np.zeros(2); a.flags.writeable = False\nassert f(a) == 'refused'"),
    ("variables", "answer = 42\ntable = np.arange(3)\nwords = ['a']", "assert answer == 42 and (table == [0, 1, 2]).all() and words == ['a']"),
    ("variables by their names", "answer = 42", "assert 'answer' in globals() and globals().get('answer') == 42 and 'other' not in globals()"),
    ("the signature", "def f(a, b=2, *c, d=None): 'Doc.'", "import inspect\ns = inspect.signature(f)\nassert list(s.parameters) == ['a', 'b', 'c', 'd'] and s.parameters['b'].default == 2\nassert f.__doc__ == 'Doc.' and f.__name__ == 'f' and callable(f)"),
    ("the source", "def f(x):\n    return sum(x)", "import inspect\nassert 'sum(' in inspect.getsource(f)"),
    ("the code object", "def f(a): b = a; return b", "assert f.__code__.co_varnames == ('a', 'b')"),
    ("NumPy's warnings switched off", "def f(x): return x / 0", "import warnings\nwith np.errstate(all='ignore'): assert np.isinf(f(np.array(1.0)))\nwith np.errstate(all='raise'):\n    try: f(np.array(1.0))\n    except FloatingPointError: pass\n    else: raise AssertionError"),
    ("modules that the student has imported", "import math", "assert math.pi > 3"),
    ("a test with its own helper", "def f(x): return x", "def helper(x): return [f(i) for i in x]\nassert helper([1, 2]) == [1, 2]"),
    ("magics", "def f(x): return x", "%precision 3\nassert f(1) == 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("student", "test"), [idiom[1:] for idiom in IDIOMS], ids=[idiom[0] for idiom in IDIOMS]
)
def test_idiom(check, student, test):
    result = check(student, test)
    assert result["status"] == "ok", result["outputs"]
    wrong = check(student, f"{test}\nassert False, 'the end'")
    assert wrong["status"] == "error"
    assert wrong["outputs"][-1]["evalue"] == "the end"


# Each: a name, the student's cell, the test; it is no evidence against the student.
LIMITS = [
    ("a class derived from a student's", "class A: pass", "class B(A): pass"),
    ("a value of a type that cannot be sent", "def f(x): return 1", "import threading\nf(threading.Lock())"),
    ("an object passed to another copy", "class A: pass", "f = None"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("student", "test"), [case[1:] for case in LIMITS[:2]], ids=[case[0] for case in LIMITS[:2]]
)
def test_what_cannot_be_done_is_no_mistake_of_the_students(check, student, test):
    assert check(student, test)["status"] == "fault"


@pytest.mark.parametrize(
    ("module", "seed"),
    [
        ("np.random", "n"),
        ("np.random", "np.int64(n)"),
        ("np.random", "np.random.default_rng(n).integers(9)"),
        ("np.random", "[n, 1]"),
        ("np.random", ""),
        ("random", "n"),
        ("random", "'text'"),
        ("random", ""),
    ],
)
def test_code_that_seeds_itself_in_every_call_is_not_late(check, module, seed):
    """Looking for the way to a state takes a twentieth of a second where there is none."""
    student = f"import random\ndef draw(n):\n    {module}.seed({seed})\n    return {module}.random()"
    test = "import random\nnp.random.seed(3); random.seed(3)\nkept = [draw(n) for n in range(300)]"
    assert check(student, f"{test}\nassert len(kept) == 300", cell=5)["status"] == "ok"
