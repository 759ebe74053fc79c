# ruff: noqa: E501 (cells stand as in a table)
"""What a job's result says, also when cells end, hang or kill; and that the machinery survives."""

import base64
import concurrent.futures
import functools
import json
import os
import pickle
import signal
import site
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import pytest
from nbgrader.utils import is_grade, is_solution

from npfl_grader.authoring import exercises, trial
from npfl_grader.engine import execute, level, probe
from npfl_grader.engine.host import keeper, worker
from npfl_grader.engine.job import Cell, Job, Level, Result, Role

ROOT = Path(__file__).parents[3]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
LIMITS = {
    "cell": 20,
    "call": 10,
    "notebook": 120,
    "memory": 1 << 30,
    "processes": 32,
    "output": 1 << 20,
    "file": 8 << 20,
}
IMPORT, DOUBLE = ("locked", "import numpy as np"), ("student", "def f(x): return 2 * x")


def statuses(results):
    return [cell["status"] for cell in results]


def text(cell):
    return "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream")


@functools.cache
def cells_of(path):
    """Read an exercise once for all of its solutions."""
    return exercises.read(path).cells


def of_exercise(path, source, draws):
    """Make a job of an exercise with a solution in its place, with or without the cells that draw."""
    cells = []
    for cell in cells_of(path):
        if not (draws or "nbgrader" in cell.metadata):
            continue
        graded = is_grade(cell) and not is_solution(cell) and cell.metadata.nbgrader.points > 0
        role = "student" if is_solution(cell) else "test" if graded else "locked"
        role = role if cell.cell_type == "code" else "text"
        cells.append({"id": cell.id, "role": role, "source": source if role == "student" else cell.source})
    return {"cells": cells, "limits": LIMITS, "files": {}, "require": "none", "engine": "two-process"}


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_solutions_lose_just_what_they_should(path):
    tried = trial.solutions(ROOT / "tests" / "exercises" / "solutions" / f"{path.stem}.py")
    reference: dict[str, set[str]] = {}
    for solution in tried:
        if "shared by all objects" in solution.title:
            continue  # loses a check only by what earlier checks have left in its process
        draws = solution is tried[0]  # which takes longer than all checks
        job = of_exercise(path, solution.source, draws)
        result = json.loads(execute(json.dumps(job).encode()))
        assert result["fault"] is None
        pictures = sum(
            "image/png" in output.get("data", {}) for c in result["cells"] for output in c["outputs"]
        )
        assert "No picture yet" not in json.dumps(result)
        assert pictures == (draws and "plt." in json.dumps(job))
        found = {cell["id"]: cell["status"] for cell in result["cells"]}
        # The student's own cell counts as one that is lost where it stops with an error.
        cells = [cell["id"] for cell in job["cells"] if cell["role"] in ("student", "test")]
        lost = {name for name in cells if found[name] != "ok"}
        assert lost == solution.loses, (solution.title, found)
        assert {found[name] for name in lost} <= {"error"}, (solution.title, found)
        # What rests on an object of the student's where the first solution gives a value is left to a person.
        asked = {cell["id"]: set(cell["asked"]) for cell in result["cells"] if cell["status"] == "ok"}
        reference = asked if draws else reference
        if not solution.loses:
            assert {name for name in asked if asked[name] - reference[name]} == set(), solution.title


@pytest.mark.parametrize(
    ("test", "asked"),
    {
        "getattr(made(), '__name__', '')": [],  # which it lacks
        "repr(undo.__name__) + repr(undo.__doc__)": [],
        "assert not hasattr(made(), 'shape')": [],
        "made().loss": ["loss"],
        "hasattr(made(), 'loss')": ["loss"],
        "1.0 + made()": ["radd"],
        "try: made().broken\nexcept ValueError: pass": ["broken"],
    }.items(),
)
def test_what_an_object_of_the_students_is_asked_is_noted_where_it_answers(check, test, asked):
    student = """class Made:
    loss = 0.0
    def __radd__(self, other): return other
    @property
    def broken(self): raise ValueError
def made(): return Made()
def undo(): pass"""
    found = check(student, test)
    assert (found["status"], found["asked"]) == ("ok", asked)


def test_outputs_are_those_of_a_notebook(run_cells):
    first, second, third, nothing = run_cells(
        ("student", "print('a')\nprint('b')\n'last'"),
        ("student", "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))"),
        ("student", "1 / 0"),
        ("text", "# Title"),
    )
    assert first["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "a\nb\n"},
        {
            "output_type": "execute_result",
            "execution_count": 1,
            "data": {"text/plain": "'last'"},
            "metadata": {},
        },
    ]
    assert second["outputs"][0]["data"]["text/html"] == "<b>x</b>"
    error = third["outputs"][0]
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert "In[3]" in "".join(error["traceback"])
    assert (third["status"], third["execution_count"]) == ("error", 3)
    assert (nothing["status"], nothing["execution_count"], nothing["outputs"]) == ("skipped", None, [])


def test_what_the_instructors_cells_display_is_rendered_once(run_cells):
    shows = "rendered = []\nclass A:\n    def _repr_html_(self):\n        rendered.append(1)\n        return '<b>x</b>'\n"
    displayed, *_, test = run_cells(
        ("locked", f"{shows}display(A())\nA()"), DOUBLE, ("test", "assert rendered == []\ndisplay(A())")
    )
    assert [output["data"]["text/html"] for output in displayed["outputs"]] == ["<b>x</b>"] * 2
    assert [output["data"]["text/html"] for output in test["outputs"]] == ["<b>x</b>"]


@pytest.mark.parametrize(
    ("last", "value"),
    [
        ("2.5", 2.5),
        ("3", 3),
        ("np.float64(0.5)", 0.5),
        ("f(1)", 2),
        ("True", None),
        ("'3'", None),
        ("f", None),
        ("x = 1", None),
    ],
)
def test_the_last_expression_is_the_partial_credit(run_cells, last, value):
    *_, result = run_cells(IMPORT, DOUBLE, ("test", f"assert f(1) == 2\n{last}"))
    assert result["status"] == "ok"
    assert result["value"] == value


def test_a_failed_check_shows_where_and_nothing_of_the_engine(check):
    result = check("def f(x):\n    y = x / 0\n    return y", "result = f(1)\nassert result")
    trace = "\n".join(result["outputs"][-1]["traceback"])
    assert result["status"] == "error"
    assert "npfl_grader" not in trace
    assert "remote.py" not in trace


def test_a_crash_costs_one_check(run_cells):
    student = "import os\ndef f(x):\n    if x == 3: os._exit(1)\n    return x"
    test = "assert f({0}) == {0}"
    results = run_cells(("student", student), *(("test", test.format(i)) for i in (1, 3, 5)))
    assert statuses(results[1:]) == ["ok", "crash", "ok"]


def test_a_crash_counts_even_if_the_test_expects_an_exception(check):
    result = check(
        "import os\ndef f(x): os._exit(1)", "try: f(1)\nexcept Exception: pass\nelse: raise AssertionError"
    )
    assert result["status"] == "crash"


def test_a_cell_that_kills_the_process_is_left_out_of_the_next(run_cells):
    results = run_cells(
        ("student", "a = 1"),
        ("student", "import os; os._exit(1)"),
        ("student", "b = a + 1"),
        ("test", "assert b == 2"),
    )
    assert statuses(results) == ["ok", "crash", "ok", "ok"]


@pytest.mark.parametrize(
    "end",
    [
        "import os; os._exit(1)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "for _ in range(99): get_ipython().run_cell('c = 3'); d = 1\nimport os; os._exit(1)",
    ],
)
def test_what_stands_before_the_end_of_the_process_counts(run_cells, end):
    results = run_cells(
        ("student", f"a = 1\ndef f(): return a\n{end}\na = 2"),
        ("student", "b = f()"),
        ("test", "assert f() == a == b == 1"),
        cell=1,
    )
    assert statuses(results)[0] in ("crash", "timeout")
    assert statuses(results)[1:] == ["ok", "ok"]


def test_a_copy_that_another_test_has_ended_is_made_again(run_cells):
    student = "import os\ndef kill(): os.kill(-1, 9)\ndef f(): return 1"
    results = run_cells(("student", student), ("test", "kill()"), ("test", "assert f() == 1"))
    assert statuses(results) == ["ok"] * 3


def test_more_tests_than_processes(run_cells):
    results = run_cells(DOUBLE, *[("test", "assert f(1) == 2")] * 12, processes=8)
    assert statuses(results) == ["ok"] * 13


def test_time_limits(run_cells):
    results = run_cells(
        ("student", "while True: pass"),
        ("student", "def f():\n    while True: pass\ndef g(): return 1"),
        ("test", "f()"),
        ("test", "assert g() == 1"),
        ("test", "while True: pass"),
        cell=1,
        call=0.5,
    )
    assert statuses(results) == ["timeout", "ok", "timeout", "ok", "fault"]


def test_many_slow_calls_are_the_students_time(check):
    result = check("import time\ndef f(): time.sleep(0.2)", "while True: f()", cell=1, call=0.5)
    assert result["status"] == "timeout"


def test_a_test_that_hangs_in_c_code_costs_nobody_else(run_cells):
    results = run_cells(
        DOUBLE,
        ("test", "assert f(1) == 2"),
        ("test", "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nf(1)\nwhile True: pass"),
        ("test", "assert f(2) == 4"),
        cell=1,
    )
    assert statuses(results) == ["ok", "ok", "timeout", "ok"]


def test_each_test_has_a_copy_of_its_own(run_cells):
    student = "calls = []\ndef f():\n    calls.append(1)\n    return len(calls)"
    results = run_cells(
        ("student", student), ("test", "assert f() == 1"), ("test", "assert f() == 1 and f() == 2")
    )
    assert statuses(results) == ["ok"] * 3


def test_a_test_sees_what_stood_before_it(run_cells):
    results = run_cells(
        ("student", "a = 1"), ("test", "assert a == 1"), ("student", "a = 2"), ("test", "assert a == 2")
    )
    assert statuses(results) == ["ok"] * 4


def test_instructors_cells_may_use_the_students_names(run_cells):
    results = run_cells(
        IMPORT,
        DOUBLE,
        ("locked", "def twice(x): return f(f(x))\nfour = f(2)"),
        ("test", "assert twice(1) == 4 and four == 4"),
    )
    assert statuses(results) == ["ok"] * 4


def test_names_of_the_instructor_stay_the_instructors(run_cells):
    results = run_cells(
        ("locked", "def helper(): return 1"),
        ("student", "def helper(): return 2\nwanted = 5\nfirst = 6\nlen = None"),
        (
            "test",
            "wanted = 1\nassert helper() == wanted and len([]) == 0\nif wanted: raise ValueError\nfirst = 1",
        ),
        (
            "test",
            "assert wanted == 1 and helper() == 1\ntry: first\nexcept NameError: pass\nelse: raise AssertionError",
        ),
    )
    assert statuses(results[2:]) == ["error", "ok"]


def test_an_instructors_cell_that_fails_only_here_is_a_fault(run_cells):
    results = run_cells(
        # The tests' process may have more descriptors open than the student's.
        ("locked", "import resource\nassert resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 128 or 1 / 0"),
        DOUBLE,
        ("test", "f"),
    )
    assert results[0]["status"] == "ok"
    assert results[2]["status"] == "fault"


@pytest.mark.parametrize("above", ["/tmp", "/home", "/srv"])
def test_protection_does_not_depend_on_where_python_lies(above):
    """An environment in somebody's home or below /tmp is confined like any other."""
    if not os.access(above, os.W_OK):
        pytest.skip(f"{above} cannot be written")
    with tempfile.TemporaryDirectory(dir=above) as folder:
        os.chmod(folder, 0o755)
        venv.create(folder, symlinks=True)
        [packages] = Path(folder).glob("lib/python*/site-packages")
        (packages / "here.pth").write_text("\n".join([str(ROOT), *site.getsitepackages()]))
        code = "import sys; from npfl_grader.engine.host import worker; print(sys.prefix, worker.level())"
        ran = subprocess.run([f"{folder}/bin/python", "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout.split() == [folder, worker.level()]


def test_data_files_are_there_on_both_sides(run_cells):
    files = {
        name: base64.b64encode(data).decode()
        for name, data in {"a.txt": b"data", "sub/b.bin": b"\0\1", "extra.py": b"x = 3"}.items()
    }
    files["numpy.py"] = base64.b64encode(b"raise SystemExit").decode()
    read = (
        "a = open('a.txt').read() + str(open('sub/b.bin', 'rb').read())\nimport extra, numpy\nnumpy.zeros(2)"
    )
    results = run_cells(
        ("student", f"{read}\nb = a"), ("test", f"{read}\nassert a == b and extra.x == 3"), files=files
    )
    assert statuses(results) == ["ok", "ok"], results


def test_a_file_outside_the_work_directory_is_refused():
    job = {"cells": [], "limits": LIMITS, "files": {"../x": ""}, "require": "none", "engine": "two-process"}
    assert json.loads(execute(json.dumps(job).encode()))["fault"]
    assert json.loads(execute(json.dumps(job | {"files": {}}).encode()))["fault"] is None


def test_prints_and_warnings_cost_nothing(check):
    result = check(
        "import sys, warnings\ndef f():\n    print('out'); print('err', file=sys.stderr); warnings.warn('careful')\n    return np.log(np.array(0.0))",
        "assert f() == -np.inf",
    )
    assert result["status"] == "ok"
    assert {output["name"] for output in result["outputs"]} == {"stdout"}
    assert "out\nerr\n" in text(result)
    assert "careful" in text(result)


def test_output_is_limited(run_cells):
    result, after = run_cells(
        ("student", "while True: print('x' * 1000)"), ("student", "print('y')"), cell=1, output=10_000
    )
    assert len(text(result)) < 11_000
    assert "not kept" in text(result)
    assert after["status"] == "ok"


def test_after_two_that_are_late_again_others_that_were_late_are_not_waited_for(run_cells):
    hangs = ("test", "f()")
    results = run_cells(
        ("student", "def f():\n    while True: pass"), hangs, hangs, hangs, ("test", "2"), ("test", "f()"),
        engine="together", cell=0.3, late={1, 2, 3},
    )  # fmt: skip
    assert statuses(results) == ["ok", "timeout", "timeout", "timeout", "ok", "timeout"]
    said = [str(result["outputs"]) for result in results]
    assert [index for index, outputs in enumerate(said) if "not tried again" in outputs] == [3]


def test_the_kernel_engine(run_cells):
    results = run_cells(
        IMPORT, DOUBLE, ("test", "assert f(1) == 2\n0.5"), ("test", "assert f(1) == 3"), ("student", "import os; os._exit(1)"), ("test", "assert f(1) == 2"),
        engine="kernel", cell=10, notebook=60,
    )  # fmt: skip
    assert statuses(results) == ["ok", "ok", "ok", "error", "crash", "ok"]
    assert results[2]["value"] == 0.5
    assert results[3]["execution_count"] == 4


def test_the_kernel_engine_is_confined_and_keeps_time(run_cells):
    results = run_cells(
        DOUBLE,
        ("student", "while True: pass"),
        ("student", "print(open('data.txt').read())"),
        ("test", "assert f(1) == 2\nimport socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass\nelse: raise AssertionError"),
        ("test", "try: open('/usr/new', 'w')\nexcept OSError: pass\nelse: raise AssertionError"),
        ("test", "print('x' * 10)\n'3'"),
        engine="kernel", cell=3, notebook=60, files={"data.txt": base64.b64encode(b"seven").decode()},
    )  # fmt: skip
    assert statuses(results) == ["ok", "timeout", "ok", "ok", "ok", "ok"]
    assert "seven" in text(results[2])
    assert results[5]["value"] is None


@pytest.mark.parametrize("whose", ["student", "tests"])
def test_a_killed_warm_process_is_replaced(run_cells, whose):
    run_cells(DOUBLE)
    warm = getattr(worker._idle[-1], whose)
    os.kill(warm.process.pid, signal.SIGKILL)
    warm.process.wait()
    assert statuses(run_cells(DOUBLE, ("test", "assert f(1) == 2"))) == ["ok", "ok"]
    assert not os.path.exists(warm.base)


def test_the_function_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(execute)) is execute
    cells = [{"id": "a", "role": "student", "source": "x = 1"}]
    job = json.dumps(
        {"cells": cells, "limits": LIMITS, "files": {}, "require": "none", "engine": "two-process"}
    ).encode()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = [json.loads(result) for result in pool.map(execute, [job] * 4)]
    assert [result["cells"][0]["status"] for result in results] == ["ok"] * 4


def test_of_a_clone_tests_see_the_references_and_students_nothing():
    references, others = ROOT / "npfl", [ROOT / "chapters" / "exercises", ROOT / "tests", ROOT / "README.md"]
    look = (
        "import importlib, os\ndef FIND():\n    found = []\n"
        f"    for path in {[*map(str, [references, references / 'data.py', *others])]}:\n"
        "        try: os.listdir(path) if os.path.isdir(path) else open(path).close(); found.append(path)\n"
        "        except OSError: pass\n"
        "    try: importlib.import_module('npfl.losses'); found.append('npfl.losses')\n"
        "    except (ImportError, PermissionError): pass\n    return found\n"
    )
    cells = [Cell("a", Role.STUDENT, look.replace("FIND", "students"))]
    cells += [Cell("b", Role.TEST, look.replace("FIND", "own") + "print(own(), students())")]
    for ceiling in (Level.FULL, Level.LANDLOCK):
        pair = worker.Pair(ceiling)
        try:
            result = worker.attempt(Job(tuple(cells), require=Level.NONE), pair)
        finally:
            worker._idle.remove(pair)
            pair.close()
        assert result.fault is None
        seen = [str(references), str(references / "data.py"), "npfl.losses"]
        assert pair.level == Level.NONE or text(vars(result.cells[1])) == f"{seen} []\n"


def test_a_stronger_level_than_there_is_is_refused():
    weak = worker.Pair("none")
    try:
        assert weak.level == "none"
        result = worker.attempt(Job((), require=Level.FULL), weak)
        assert "only the level 'none'" in result.fault
    finally:
        worker._idle.remove(weak)
        weak.close()


def test_the_level_is_told():
    assert probe()["level"] == level()
    assert level() in ("full", "landlock", "none")


def test_a_killed_worker_leaves_no_process_and_no_folder():
    script = (
        "import json, sys\nfrom npfl_grader.engine.host import worker\n"
        "from npfl_grader.engine.job import Cell, Job, Role\npair = worker._take()\n"
        "print(json.dumps([pair.student.base, pair.tests.base, pair.student.process.pid, pair.tests.process.pid]), flush=True)\n"
        "pair.run(Job((Cell('a', Role.STUDENT, 'while True: pass'),)))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    student, tests, *pids = json.loads(process.stdout.readline())
    time.sleep(1)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while os.path.exists(student) or os.path.exists(tests) or any(map(keeper.alive, pids)):
        assert time.monotonic() < deadline, (os.path.exists(student), os.path.exists(tests), pids)
        time.sleep(0.1)


def test_warm_processes_that_have_failed_are_not_used_again(monkeypatch):
    pair = worker.Pair()
    monkeypatch.setattr(worker.Pair, "run", lambda self, job: Result(fault="no keeper"))
    assert worker.attempt(Job(()), pair).fault == "no keeper"
    assert pair not in worker._idle
    assert pair.student.process.poll() is not None
