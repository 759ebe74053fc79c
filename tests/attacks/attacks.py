# ruff: noqa: E501 (what students hand in stands as in a table)
"""The attacks, and what each deserves.

The assignment asks for `double` and `total`. Its checks are `double`, `total` and `part`, the last of which gives
half a point for each of two things. HOST in a source stands for a folder on the grader's machine that holds
another student's work.
"""

from dataclasses import dataclass

LIMITS = {
    "cell": 1.0,
    "call": 0.7,
    "notebook": 12,
    "memory": 256 << 20,
    "processes": 24,
    "output": 100_000,
    "file": 4 << 20,
}

HONEST_DOUBLE = "def double(x):\n    return 2 * x\n"
HONEST_TOTAL = "def total(values):\n    return sum(values)\n"
HONEST = HONEST_DOUBLE + HONEST_TOTAL
WRONG = "def double(x):\n    return 3\ndef total(values):\n    return -1\n"

LOCKED = "import numpy as np\ndef close(a, b):\n    return bool(np.allclose(a, b))"
TESTS = {
    "double": """\
# SECRET-OF-THE-TESTS
assert double(4) == 8
assert close(double(np.array([1.5, 2.0])), [3.0, 4.0])
assert isinstance(double(4), int)
""",
    "total": """\
# SECRET-OF-THE-TESTS
wanted = 4400 + 4446
assert total([4400, 4446]) == wanted
assert total([]) == 0
""",
    "part": """\
# SECRET-OF-THE-TESTS
points = 0.0
if double(7) == 14:
    points += 0.5
if total((1, 2)) == 3:
    points += 0.5
points
""",
}
FORBIDDEN = ("SECRET-OF-THE-TESTS", "SECRET-OF-ANOTHER-STUDENT", "SECRET-OF-THE-GRADER")


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes
    ----------
    name : str
    source : str
        The student's cell.
    deserved : tuple of float
        The scores of double, total and part. A statement that ends the process counts as not written.
    more : str
        Another cell of the student's, after the tests.
    harms_itself : bool
        Whether the attacker loses more where there are no namespaces.
    """

    name: str
    source: str
    deserved: tuple[float, ...] = (0, 0, 0)
    more: str = ""
    harms_itself: bool = False


ALL, NONE, TOTAL_ONLY, DOUBLE_ONLY = (1, 1, 1), (0, 0, 0), (0, 1, 0.5), (1, 0, 0.5)

OF_PYTHON = [
    Attack("honest", HONEST, ALL),
    Attack("wrong answers", WRONG, NONE),
    Attack("nothing defined", "", NONE),
    Attack("syntax error", "def double(x:\n", NONE),
    # Lying about equality, truth and type.
    Attack(
        "objects that are equal to everything",
        "class Equal:\n    def __eq__(self, other): return True\n    def __bool__(self): return True\n"
        "    def __array__(self, *a, **k): return np.zeros(2)\n"
        "def double(x): return Equal()\ndef total(v): return Equal()",
        NONE,
    ),
    Attack(
        "an int that is equal to everything",
        "class Any(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        "def double(x): return Any(1)\ndef total(v): return Any(1)",
        NONE,
    ),
    Attack(
        "an array class that overrides NumPy",
        "class Liar(np.ndarray):\n    def __array_ufunc__(self, *a, **k): return True\n"
        "    def __array_function__(self, *a, **k): return True\n"
        "def double(x): return np.zeros(2).view(Liar) if np.ndim(x) else 8\ndef total(v): return 0",
        NONE,
    ),
    Attack("a metaclass that claims all instances", "class M(type):\n    def __instancecheck__(c, o): return True\n"
           "class int(metaclass=M): pass\n" + WRONG, NONE),
    Attack("shadowed builtins", "sum = len = isinstance = bool = lambda *a: True\n" + WRONG, NONE),
    Attack("builtins replaced", "import builtins\nbuiltins.isinstance = lambda *a: True\n"
           "builtins.AssertionError = type('A', (BaseException,), {})\n" + WRONG, NONE),
    Attack("numpy replaced", "np.allclose = np.testing.assert_allclose = lambda *a, **k: True\n" + WRONG, NONE),
    Attack("the code of numpy's functions replaced",
           "f = lambda *a, **k: True\nnp.testing.assert_allclose.__code__ = f.__code__\n" + WRONG, NONE),
    Attack("the instructor's helper redefined", "def close(a, b): return True\n" + WRONG, NONE),
    Attack("the test's own names defined", "wanted = -1\npoints = 1.0\n" + WRONG, NONE),
    Attack("an old test name as object", "class V:\n    def __radd__(s, o): return 1\nwanted = V()\n" + WRONG, NONE),
    # The machinery of the notebook.
    Attack("exceptions silenced", "get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)\n" + WRONG, NONE),
    Attack("asserts removed from the syntax tree",
           "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(s, n): return ast.Pass()\n"
           "get_ipython().ast_transformers.append(T())\n" + WRONG, NONE),
    Attack("cells replaced by pass",
           "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])\n" + WRONG, NONE),
    Attack("run_cell replaced", "type(get_ipython()).run_cell = lambda s, *a, **k: None\n" + WRONG, NONE),
    Attack("hooks that print", "get_ipython().events.register('pre_run_cell', lambda i: print(i.raw_cell))\n" + WRONG,
           NONE, "print(In)"),
    Attack("points by the display hook",
           "import sys\ndef double(x):\n    sys.displayhook(1.0)\n    raise ValueError\n"
           "def total(v):\n    sys.displayhook(1.0)\n    raise ValueError", NONE),
    Attack("points printed", "def double(x):\n    print(1.0)\n    raise SystemExit(0)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("the caller's frames",
           "import sys\ndef steal(name):\n    f = sys._getframe()\n    while f:\n"
           "        if name in f.f_globals: return f.f_globals[name]\n"
           "        if name in f.f_locals: return f.f_locals[name]\n        f = f.f_back\n"
           "def total(v): return steal('wanted')\ndef double(x): return steal('x')", NONE),
    Attack("frames and objects of the whole process",
           "import gc\ntotal = lambda v: print([o for o in gc.get_objects() if isinstance(o, str) and 'SECRET' in o])\n"
           "def double(x): return [s for s in gc.get_objects() if isinstance(s, dict) and 'wanted' in s]", NONE),
    # Exceptions.
    Attack("StopIteration to end the test's loop", "def double(x): raise StopIteration\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("SystemExit", "def double(x): raise SystemExit(0)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("KeyboardInterrupt", "def double(x): raise KeyboardInterrupt\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("GeneratorExit", "def double(x): raise GeneratorExit\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("an exception whose message runs code",
           "class E(Exception):\n    def __str__(s): raise SystemExit\n    __repr__ = __str__\n"
           "def double(x): raise E\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("an exception named like the engine's",
           "class CellTimeout(BaseException): pass\nclass Fault(Exception): pass\nclass NoAnswer(Exception): pass\n"
           "def double(x): raise Fault\ndef total(x): raise CellTimeout", NONE),
    Attack("unittest's skip", "import unittest\ndef double(x): raise unittest.SkipTest\n" + HONEST_TOTAL, (0, 1, 0)),
]  # fmt: skip
OF_THE_MACHINE = [
    # Ending, hanging, flooding.
    Attack("the process ends in a function", "import os\ndef double(x): os._exit(0)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("the process ends in a cell", HONEST, ALL, "import os; os._exit(0)"),
    Attack("the process ends before the tests", HONEST + "import os\nos._exit(0)", ALL),
    Attack("a segmentation fault", "import ctypes\ndef double(x): ctypes.string_at(0)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("a loop without end in a function", "def double(x):\n    while True: pass\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("a loop without end in a cell", HONEST + "while True: pass", ALL),
    Attack("a loop that takes no interrupt",
           "import signal\n" + HONEST + "signal.setitimer(signal.ITIMER_REAL, 0)\n"
           "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass", ALL),
    Attack("a sleeping stop", "import os, signal\ndef double(x): os.kill(os.getpid(), signal.SIGSTOP)\n" + HONEST_TOTAL,
           (0, 1, 0)),
    Attack("deep recursion", "def double(x): return double(x)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("an iterator without end", "import itertools\ndef double(x): return itertools.count()\n" + HONEST_TOTAL,
           (0, 1, 0)),
    Attack("a range without end", "def double(x): return range(10**18)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("output without end in a cell", HONEST + "for _ in range(100000): print('x' * 1000)", ALL),
    Attack("output without end in a function",
           "def double(x):\n    for _ in range(20000): print('x' * 1000)\n    return 2 * x\n" + HONEST_TOTAL, ALL),
    Attack("all memory", "def double(x): return len(bytearray(8 << 30))\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("all memory, in pieces", HONEST + "l = []\nwhile True: l.append(bytearray(1 << 24))", ALL),
    Attack("all memory, while the keeper looks",
           "import time\ndef double(x):\n    time.sleep(0.3)\n    return 2 * x\n" + HONEST_TOTAL
           + "\nl = []\nwhile True: l.append(bytearray(1 << 24))", ALL),
    Attack("memory by many processes",
           HONEST + "import os, time\nfor _ in range(15):\n    if not os.fork():\n        b = bytearray(100 << 20)\n"
           "        for i in range(0, len(b), 4096): b[i] = 1\n        time.sleep(30)\ntime.sleep(1)", ALL),
    Attack("memory by a process in the background",
           HONEST + "import os, time\nif not os.fork():\n    time.sleep(0.3)\n    for _ in range(20):\n        if not os.fork(): break\n"
           "    b = bytearray(100 << 20)\n    for i in range(0, len(b), 4096): b[i] = 1\n    time.sleep(30)\n", ALL),
    Attack("memory that no limit counts",
           HONEST + "import os\nfds = []\ntry:\n    while True:\n        fds.append(os.memfd_create('x'))\n"
           "        os.write(fds[-1], bytes(1 << 20))\nexcept OSError as e: print(e)", ALL),
    Attack("a full disk",
           HONEST + "try:\n    for i in range(100):\n        open(f'f{i}', 'wb').write(bytes(1 << 20))\n"
           "except OSError as e: print(e)", ALL,
        harms_itself=True),
    Attack("a huge file", HONEST + "try: open('f', 'wb').truncate(1 << 40)\nexcept OSError as e: print(e)", ALL),
    Attack("very many files",
           HONEST + "try:\n    for i in range(30000): open(f'f{i}', 'w').close()\nexcept OSError as e: print(e)", ALL,
        harms_itself=True),
    Attack("very deep folders",
           HONEST + "import os\ntry:\n    for i in range(2000): os.mkdir('d'); os.chdir('d')\n"
           "except OSError as e: print(e)", ALL),
    Attack("folders without permission", HONEST + "import os\nos.mkdir('d', 0)\nos.chmod('.', 0)", ALL),
    Attack("a fork bomb", HONEST + "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", ALL),
    Attack("processes that go on as the student's",
           HONEST + "import os\nfor _ in range(4):\n    try: os.fork()\n    except OSError: pass", ALL),
    Attack("a fork bomb in a function",
           "import os\ndef double(x):\n    while True:\n        try: os.fork()\n        except OSError: pass\n"
           + HONEST_TOTAL, (0, 1, 0)),
    Attack("threads without end",
           HONEST + "import threading, time\ntry:\n    while True: threading.Thread(target=time.sleep, args=(60,)).start()\n"
           "except RuntimeError as e: print(e)", ALL),
    Attack("threads in all places",
           HONEST + "import threading, time\nthreading.stack_size(1 << 16)\n"
           "try:\n    while True: threading.Thread(target=time.sleep, args=(60,)).start()\n"
           "except RuntimeError as e: print(e)", NONE),
    Attack("a process that outlives its parent",
           HONEST + "import os, time\nif not os.fork():\n    os.setsid()\n    if not os.fork():\n"
           "        time.sleep(600)\n    os._exit(0)", ALL),
    Attack("signals to all processes", HONEST + "import os\ntry: os.kill(-1, 9)\nexcept OSError as e: print(e)", ALL),
    Attack("signals to all processes in a function", "import os\ndef double(x):\n    try: os.kill(-1, 9)\n    except OSError: pass\n    return 2 * x\n" + HONEST_TOTAL, ALL),
    Attack("processes that use up all time",
           "import os\ndef double(x):\n    for _ in range(3):\n        try: os.fork()\n        except OSError: pass\n    return 2 * x\n"
           + HONEST_TOTAL, ALL),
    Attack("signals to the parent", HONEST + "import os\ntry: os.kill(os.getppid(), 9)\nexcept OSError as e: print(e)",
           ALL),
    Attack("signals to the first process", HONEST + "import os\ntry: os.kill(1, 9)\nexcept OSError as e: print(e)", ALL),
]  # fmt: skip
OF_THE_PROTOCOL = [
    Attack("a forged answer in a function",
           "import os, struct, json\ndef forge(v):\n    t = json.dumps([{'changed': [], 'value': v, 'outputs': []}, []]).encode()\n"
           "    os.write(3, struct.pack('>QI', len(t), len(t)) + t)\n"
           "def double(x): forge(8); return 1\ndef total(v): forge(8846); return 1", NONE),
    Attack("forged answers in advance",
           "import os, struct, json\nt = json.dumps([{'changed': [], 'value': True, 'success': True, 'outputs': []}, []]).encode()\n"
           "for _ in range(50): os.write(3, struct.pack('>QI', len(t), len(t)) + t)\n" + WRONG, NONE),
    Attack("garbage in a function", "import os\ndef double(x): os.write(3, os.urandom(4096))\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("garbage in a cell", HONEST + "import os\nos.write(3, os.urandom(4096))", ALL),
    Attack("a message without end",
           "import os, struct, time\ndef double(x):\n    os.write(3, struct.pack('>QI', 1 << 20, 100))\n"
           "    while True: os.write(3, b'[')\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("a byte now and then",
           "import os, struct, time\ndef double(x):\n    os.write(3, struct.pack('>QI', 1 << 20, 100))\n"
           "    while True: os.write(3, b' '); time.sleep(0.05)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("a message of petabytes",
           "import os, struct\ndef double(x): os.write(3, struct.pack('>QI', 1 << 60, 100))\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("nesting without end",
           "import os, struct\ndef double(x):\n    t = b'[' * 100000\n    os.write(3, struct.pack('>QI', len(t), len(t)) + t)\n"
           + HONEST_TOTAL, (0, 1, 0)),
    Attack("the connection closed", "import os\ndef double(x): os.close(3)\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("all descriptors closed", HONEST + "import os\nos.closerange(0, 256)", ALL),
    Attack("requests for copies that nobody wants",
           "import os, struct, json\nt = json.dumps([{'op': 'ask', 'action': 'call', 'number': 0, 'args': [], 'kwargs': {}}, []]).encode()\n"
           "def double(x): os.write(3, struct.pack('>QI', len(t), len(t)) + t); return 8\n" + HONEST_TOTAL, (0, 1, 0)),
    Attack("the engine's own functions replaced",
           "import sys\ns = sys.modules['npfl_grader.engine.students_side.student']\ns.Student._do = lambda *a: ({'value': True, 'changed': []}, s.Encoder())\n"
           + WRONG, NONE),
    Attack("values that no type has",
           "import sys\nc = sys.modules['npfl_grader.engine.both.codec']\nc.Encoder.encode = lambda s, v: ['a', '|O8', [1 << 40], 'C', True, 0]\n"
           + WRONG, NONE),
    Attack("a generator that reads other memory",
           "def double(x):\n    g = np.random.Generator(np.random.MT19937(1))\n    return g\n"
           "import sys\nc = sys.modules['npfl_grader.engine.both.codec']\n"
           "c.Encoder._mutable = lambda s, v, d: ['rng', 'MT19937', ['d', ['bit_generator', 'MT19937'], ['state', ['d', ['key', 0], ['pos', 99999]]]]]\n"
           + HONEST_TOTAL, (0, 1, 0)),
]  # fmt: skip
OF_OTHERS = [
    # Looking for what is not theirs.
    Attack("another student's work",
           "import os\ndef look():\n    for d in ('HOST', '..', '/', '/home', '/tmp', '/root'):\n        try:\n"
           "            for p, _, fs in os.walk(d):\n                if p.startswith(('/proc', '/sys', '/usr')): continue\n"
           "                for f in fs:\n                    if f.endswith('.ipynb'): print(open(os.path.join(p, f)).read())\n"
           "        except OSError as e: print(e)\nlook()\nprint(open('HOST/other.ipynb').read())\n", NONE),
    Attack("a link to another student's work",
           HONEST + "import os\nos.symlink('HOST/other.ipynb', 'mine')\nprint(open('mine').read())", ALL),
    Attack("a hard link to another student's work",
           HONEST + "import os\nos.link('HOST/other.ipynb', 'mine')\nprint(open('mine').read())", ALL),
    Attack("other processes in /proc",
           HONEST + "import glob\nfor p in glob.glob('/proc/[0-9]*/'):\n    for f in ('cmdline', 'environ', 'maps', 'mem'):\n"
           "        try: print(open(p + f, 'rb').read(100000))\n        except OSError: pass\n"
           "    for f in glob.glob(p + 'fd/*') + [p + 'root/HOST/other.ipynb', p + 'cwd']:\n"
           "        try: print(open(f).read())\n        except OSError: pass", ALL),
    Attack("the grader's environment", HONEST + "import os\nprint(os.environ)", ALL),
    Attack("the network",
           HONEST + "import socket\nfor a in (('127.0.0.1', 22), ('1.1.1.1', 80)):\n"
           "    try: socket.create_connection(a, 1); print('SECRET-OF-THE-GRADER')\n    except OSError as e: print(e)", ALL),
    Attack("sockets of the machine",
           HONEST + "import socket\nfor p in ('/run/docker.sock', '/var/run/dbus/system_bus_socket', '\\0x'):\n"
           "    try: s = socket.socket(socket.AF_UNIX); s.connect(p); print('SECRET-OF-THE-GRADER')\n"
           "    except OSError as e: print(e)", ALL),
    Attack("the reference implementation", HONEST + "import sys\nsys.modules.pop('npfl', None)\ntry:\n    import npfl.losses\n"
           "    print('SECRET-OF-THE-GRADER')\nexcept Exception as e: print(e)", ALL),
    Attack("new namespaces", HONEST + "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) == 0: print('SECRET-OF-THE-GRADER')", ALL),
    Attack("a mount", HONEST + "import ctypes\nif ctypes.CDLL(None).mount(b'none', b'/home', b'tmpfs', 0, 0) == 0: print('SECRET-OF-THE-GRADER')", ALL),
    Attack("another process's memory", HONEST + "import ctypes, os\nif ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0: print('SECRET-OF-THE-GRADER')", ALL),
    Attack("files outside the work directory",
           HONEST + "import os\nfor p in ('HOST/new', '/new', '/usr/new', '/etc/new', '/home/new', os.path.join('/', 'root', '.ipython', 'startup.py')):\n"
           "    try: open(p, 'w').write('x'); print('SECRET-OF-THE-GRADER')\n    except OSError as e: print(e)", ALL),
    Attack("the Python installation", HONEST + "import os\ntry: open(os.__file__, 'a').write('x'); print('SECRET-OF-THE-GRADER')\n"
           "except OSError as e: print(e)", ALL),
    Attack("a program with more rights", HONEST + "import subprocess\nfor c in (['su'], ['sudo', '-n', 'true'], ['mount']):\n"
           "    try:\n        if subprocess.run(c, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0 and c != ['mount']: print('SECRET' + '-OF-THE-GRADER')\n"
           "    except OSError as e: print(e)", ALL),
    # Leaving something for later.
    Attack("modules beside the notebook",
           HONEST + "for n in ('numpy', 'random', 'json', 'codec', 'student', 'IPython'): open(n + '.py', 'w').write('raise SystemExit')", ALL),
    Attack("inputs stashed for a later cell",
           "seen = []\ndef double(x):\n    seen.append(repr(x)); open('seen', 'a').write(repr(x)); return 2 * x\n"
           "def total(v):\n    seen.append('SECRET-OF-THE-TESTS' if 4400 in v else ''); return sum(v)\n", ALL,
           "print(seen)\nimport os\nprint(os.path.exists('seen') and open('seen').read())"),
    Attack("state left by one test for another",
           "calls = []\ndef total(v):\n    calls.append(1)\n    return sum(v) if len(calls) < 3 else -1\n" + HONEST_DOUBLE, ALL),
    Attack("arguments changed", "def total(v):\n    s = sum(v)\n    if isinstance(v, list): v.clear(); v.append('SECRET')\n    return s\n" + HONEST_DOUBLE, ALL),
]  # fmt: skip
ATTACKS = [*OF_PYTHON, *OF_THE_MACHINE, *OF_THE_PROTOCOL, *OF_OTHERS]
# What Python and the protocol decide is the same at every level, of which only the engine's host knows.
ALIKE = [*OF_PYTHON[1:], *OF_THE_PROTOCOL]
BY_LEVEL = [OF_PYTHON[0], *OF_THE_MACHINE, *OF_OTHERS]
