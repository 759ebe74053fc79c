"""The engine starts where a system lacks what only Linux has; macOS has none of it."""

import subprocess
import sys

HIDE = """
import os, select, socket, sys
sys.modules["fcntl"] = None
for module, names in ((os, ("sched_getaffinity", "pidfd_open")), (socket, ("SOCK_SEQPACKET",))):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
exists = os.path.exists
os.path.exists = lambda path: not str(path).startswith("/proc") and exists(path)
"""
WARM = """
import ctypes, sysconfig
sysconfig.get_paths()  # it reads a file of the system's own name
from npfl_grader.engine.both import work
from npfl_grader.engine.host import linux, sandbox, warm

class Without:
    def __getattr__(self, name):
        raise AttributeError(f"this system has no {name}")

linux._libc = Without()
sandbox.platform.system = lambda: "Darwin"
work.limit_memory = sandbox.limit_memory = lambda size: None
sys.platform = "darwin"
warm.main(int(sys.argv[1]), *sys.argv[2:5])
"""
WHOLE = """
from npfl_grader.engine.host import worker
from npfl_grader.engine.job import Cell, Job, Level, Role
from npfl_grader.grading.pool import cores
worker.PROGRAM = ("-c", {hide!r} + {warm!r})
tests = [Cell(f"t{{n}}", Role.TEST, f"assert f({{n}}) == {{2 * n}}") for n in (1, 3)]
student = "import os\\ndef f(x): return os._exit(1) if x == 3 else 2 * x"
job = Job((Cell("a", Role.STUDENT, student), *tests), require=Level.NONE)
result = worker.run(job)
print(result.level, result.fault, *[cell.status for cell in result.cells], cores() > 0)
"""


def test_two_processes_run_without_what_only_linux_has():
    code = HIDE + WHOLE.format(hide=HIDE, warm=WARM)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.stdout.split() == ["none", "None", "ok", "ok", "crash", "True"], ran.stdout + ran.stderr
