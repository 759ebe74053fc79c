# ruff: noqa: E501 (what students hand in stands as in a table)
"""Attacks on what the kernel counts and on what others have: limits, calls, sockets, neighbours."""

import contextlib
import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from npfl_grader.engine.host import worker
from npfl_grader.engine.job import Cell, Job, Level, Limits, Role, Status

LIMITS = Limits(cell=3, call=2, notebook=20, memory=256 << 20, processes=24, output=100_000, file=4 << 20)
# What the kernel must refuse: numbers on x86_64 from 0 on, or names of the C library.
CALLS = {
    "pidfd_open": 434, "pidfd_getfd": 438, "inotify_init1": 294, "mincore": 27, "cachestat": 451, "mbind": 237,
    "landlock_create_ruleset": 444, "pkey_alloc": 330, "mseal": 462, "file_getattr": 468, "statmount": 457,
    "listmount": 458, "kexec_file_load": 320, "quotactl_fd": 443, "memfd_create": 319, "memfd_secret": 447,
    "io_uring_setup": 425, "userfaultfd": 323, "bpf": 321, "perf_event_open": 298, "add_key": 248, "keyctl": 250,
    "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240, "unshare": 272, "setns": 308, "mount": 165, "ptrace": 101,
    "process_vm_readv": 310, "seccomp": 317, "fanotify_init": 300, "vmsplice": 278, "splice": 275, "tee": 276,
    "io_setup": 206, "mlockall": 151, "mlock2": 325, "swapon": 167, "personality": 135, "ioprio_set": 251,
    "sched_setattr": 314, "migrate_pages": 256, "name_to_handle_at": 303, "open_by_handle_at": 304, "sethostname": 170,
    "setuid": 105, "setgroups": 116, "settimeofday": 164, "syslog": 103, "acct": 163, "chroot": 161, "a call of the future": 999,
}  # fmt: skip
REFUSED = {
    "calls": f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\ndef f():\n    return [n for n, k in {CALLS!r}.items()\n"
    f"            if libc.syscall(k, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in ({errno.EPERM}, {errno.ENOSYS})]",
    "limits of others": "import os, resource\ndef f():\n    found = []\n    for p in [os.getppid(), 1, *range(2, 400)]:\n        if p == os.getpid(): continue\n"
    "        for r in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NOFILE):\n            try: resource.prlimit(p, r, (1, 1)); found.append(p)\n"
    "            except (OSError, ValueError): pass\n    return found",
    "processors and priorities of others": "import os\ndef f():\n    found = []\n    for p in [os.getppid(), 1]:\n"
    "        for name, act in {'affinity': lambda: os.sched_setaffinity(p, {0}), 'priority': lambda: os.setpriority(os.PRIO_PROCESS, p, 19),\n"
    "                          'user': lambda: os.setpriority(os.PRIO_USER, 0, 19), 'scheduler': lambda: os.sched_setscheduler(p, os.SCHED_IDLE, os.sched_param(0))}.items():\n"
    "            try: act(); found.append((name, p))\n            except OSError: pass\n    return found",
    "pairs of sockets of other families": "import socket\ndef f():\n    found = []\n    for n in range(2, 46):\n        for kind in (1, 2, 3):\n"
    "            try: socket.socketpair(n, kind); found.append(n)\n            except OSError: pass\n    return found",
    "larger buffers of sockets": "import socket\ndef f():\n    a, b = socket.socketpair(); found = []\n    for o in (7, 8, 32, 33):\n"
    "        try: a.setsockopt(1, o, 4 << 20); found.append(o)\n        except OSError: pass\n    return found",
    "signals from descriptors, larger pipes, leases": "import fcntl, os\ndef f():\n    found = []\n    r, w = os.pipe()\n    for c, v in ((8, os.getppid()), (10, 9), (1031, 1 << 20), (1024, 0), (1026, 1)):\n"
    "        try: fcntl.fcntl(r, c, v); found.append(c)\n        except OSError: pass\n    return found",
    "keys pressed on a terminal": "import fcntl, os\ndef f():\n    found = []\n    for d in range(3):\n        for c in (0x5412, 0x541c, 0x541d):\n"
    "            try: fcntl.ioctl(d, c, b'x'); found.append(c)\n            except OSError: pass\n    return found",
}  # fmt: skip
# Each deserves a zero, and no work of a person's, in two runs at most.
HARMFUL = {
    "a directed graph of lists": "def f():\n    x = []\n    for _ in range(60): x = [x, x]\n    return x",
    "arrays of nothing": "def f(): return [np.zeros((2 ** 39, 0)) for _ in range(1000)]",
    "colliding keys": "def f(): return {i * (2 ** 61 - 1): 0 for i in range(60_000)}",
    "zombies": "import os\nwhile True:\n    try:\n        if not os.fork(): os._exit(0)\n    except OSError: break\ndef f(): return 2",
    "much output": "def f():\n    print('x' * (16 << 20))\n    return 2",
    "output that is displayed": "from IPython.display import display, HTML\ndef f():\n    for _ in range(1000): display(HTML('x' * 100_000))\n    return 2",
    "limits of the keeper": "import os, resource\ndef f():\n    for p in range(1, 400):\n        try: resource.prlimit(p, resource.RLIMIT_NOFILE, (3, 3))\n        except (OSError, ValueError): pass\n    os._exit(1)",
    "its own descriptors": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\ndef f(): return 2",
    "its own memory": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))\ndef f(): return 2",
    "its own time": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\ndef f():\n    while True: pass",
    "a sleep without end": "import time\ndef f(): time.sleep(1000)",
    "sockets filled": "import os, socket\ndef fill():\n    kept = []\n    try:\n        while True:\n            a, b = socket.socketpair(); kept += [a, b]\n            for s in (a, b):\n                s.setblocking(False)\n"
    "                try:\n                    while True: s.send(bytes(4096))\n                except BlockingIOError: pass\n    except OSError: return kept\nkept = fill()\ndef f(): return len(kept)",
    "descriptors in flight": "import array, os, socket\na, b = socket.socketpair()\ndef f():\n    a.setblocking(False)\n    try:\n        while True: socket.send_fds(a, [b'x'], [a.fileno()] * 200)\n    except OSError: return 2",
    "locks on a file": "import fcntl\nh = open('l', 'wb')\ndef f():\n    for i in range(75_000): fcntl.lockf(h, fcntl.LOCK_EX, 1, 2 * i)\n    return 2",
    "timers and events": "import ctypes, os\nl = ctypes.CDLL(None)\ndef f():\n    t = ctypes.c_void_p()\n    for _ in range(100_000): l.timer_create(0, None, ctypes.byref(t))\n    return 2",
}  # fmt: skip
SPIN = "while True: pass"
WORK = "import time\ndef f(x):\n    end = time.process_time() + 0.4\n    while time.process_time() < end: pass\n    return 2 * x\n"


def run(student, test, limits=LIMITS):
    roles, sources = (Role.LOCKED, Role.STUDENT, Role.TEST), ("import numpy as np", student, test)
    cells = tuple(Cell(f"c{i}", *cell) for i, cell in enumerate(zip(roles, sources, strict=True)))
    return worker.run(Job(cells, limits=limits, require=Level.NONE))


@pytest.fixture
def runs(monkeypatch):
    """How often the job has been run."""
    counted, once = [], worker.Pair.run

    def run(pair, job):
        counted.append(job)
        return once(pair, job)

    monkeypatch.setattr(worker.Pair, "run", run)
    return counted


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize("student", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(student, pair, left_over):
    result = run(student, "assert f() == [], f()")
    assert result.cells[-1].status == Status.OK, result.cells[-1].outputs


@pytest.mark.parametrize("student", HARMFUL.values(), ids=HARMFUL)
def test_harm_is_a_zero_in_two_runs(student, pair, runs, left_over):
    result = run(student, "assert f() == 1")
    assert result.fault is None, result
    assert result.cells[-1].status.failed, result.cells[-1]
    assert len(runs) <= 2
    assert len(json.dumps(result.cells[-1].outputs)) < 3 * LIMITS.output
    innocent = run("def f(): return 1", "assert f() == 1")
    assert innocent.cells[-1].status == Status.OK, innocent


CONFINED = """
import ctypes, os, socket, sys
found = []
for path in (HOST, f"/proc/{os.getppid()}/environ", f"/proc/{os.getppid()}/mem"):
    try: found.append(open(path).read())
    except (OSError, UnicodeDecodeError): pass
for path in (f"{HOST}.new", "/new", "/usr/new", os.__file__):
    try: open(path, "a").close(); found.append(path)
    except OSError: pass
for family in (socket.AF_INET, socket.AF_UNIX, socket.AF_NETLINK):
    try: socket.socket(family); found.append(family)
    except OSError: pass
for process in (1, os.getppid()):
    try: process in (0, os.getpid()) or os.kill(process, 0) or found.append(process)
    except OSError: pass
if ctypes.CDLL(None).unshare(0x10000000) == 0: found.append("a namespace")
assert os.readlink("/proc/self/fd/2") == "/dev/null"
assert found == [], found
try: bytearray(1 << 40)
except MemoryError: assert f() == 1
"""


def test_the_tests_process_is_confined_too(pair, left_over, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "host").write_text("SECRET-OF-THE-GRADER")
    result = run("def f(): return 1", CONFINED.replace("HOST", repr(str(tmp_path / "host"))))
    assert result.fault is None
    assert result.cells[-1].status == Status.OK, result.cells[-1].outputs


def test_a_tests_process_that_is_killed_is_a_fault_and_ends_nothing(pair, runs):
    result = run("def f(): return 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nos._exit(1)")
    assert result.fault
    assert len(runs) <= 3
    assert run("def f(): return 1", "assert f() == 1").cells[-1].status == Status.OK


@pytest.fixture
def spinning():
    """As many processes as the kernel would give a class on each core, and more, that take all there is."""
    started = [
        subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(5 * len(os.sched_getaffinity(0)))
    ]
    yield
    for process in started:
        process.kill()
        process.wait()


def test_honest_work_beside_spinning_neighbours_meets_its_limits(pair, spinning):
    """With 0.4 s of the processor a call, the clock shows more than the second that a call may take."""
    limits = Limits(cell=3, call=1, notebook=20, memory=256 << 20)
    result = run(WORK, "for i in range(4): assert f(i) == 2 * i", limits)
    assert result.fault is None
    assert result.cells[-1].status == Status.OK, result.cells[-1]


FILL = """
import os, time
while True:
    try:
        if not os.fork():
            time.sleep(30)
    except OSError: break
time.sleep(1)
def f(): return 1
"""


def test_a_neighbour_that_takes_all_places_for_processes_costs_no_point(pair):
    cells = (Cell("s", Role.STUDENT, FILL), Cell("t", Role.TEST, "f()"))
    filling = Job(cells, limits=LIMITS, require=Level.NONE)
    honest = replace(filling, cells=(replace(cells[0], source="def f(): return 1"), cells[1]))
    with (
        contextlib.closing(worker.Pair(pair.level)) as one,
        contextlib.closing(worker.Pair(pair.level)) as two,
    ):
        neighbour = threading.Thread(target=one.run, args=(filling,))
        neighbour.start()
        try:
            while neighbour.is_alive():
                result = two.run(honest)
                # What has no place is tried again, and a person's in the end: it is never a zero.
                assert result.fault or result.cells[-1].status in (Status.OK, Status.FAULT), result
                if result.fault:
                    break
        finally:
            neighbour.join()
