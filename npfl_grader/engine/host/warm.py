"""A warm process: started by exec, it loads everything once and then forks a process for each submission.

It must be started anew and not forked from the grader, whose memory holds hidden tests and other students'
work, and it never reads a submission itself: the forked process reads its own connection.
"""

import contextlib
import functools
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback

from npfl_grader.engine.both import shell
from npfl_grader.engine.both.wire import UNLIMITED, Channel
from npfl_grader.engine.both.work import remove, unlimit
from npfl_grader.engine.host import keeper, linux, sandbox
from npfl_grader.engine.host.orders import DONE, JOB
from npfl_grader.engine.job import Level, Limits
from npfl_grader.engine.tests_side import checker

_DESCRIPTORS = 4096  # of the tests' process, which has a connection to each copy of the student's


def main(descriptor: int, role: str, base: str, ceiling: str, *libraries: str) -> None:
    """Serve the grader's worker process until it goes away.

    Parameters
    ----------
    descriptor : int
        The connection to the worker.
    role : str
        ``student`` or ``tests``.
    base : str
        An empty folder that this process may write to, and removes at its end.
    ceiling : str
        The strongest level of protection to try.
    *libraries : str
        What to import beside NumPy, so that no submission needs to.
    """
    unlimit()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's to handle
    os.environ["HOME"] = base
    os.chdir("/")
    # A notebook's imports must not find files of the grader's, nor one beside the notebook before Python's.
    sys.path[:] = [path for path in sys.path if path]
    shell.prepare(libraries)
    linux.prepare()
    gc.freeze()
    linux.use_large_pages()
    for name in os.listdir(
        base
    ):  # what IPython and libraries have left for the next time, which there is not
        remove(f"{base}/{name}")
    control = socket.socket(fileno=descriptor)
    guarded = os.getuid() == 0
    if guarded:
        _keep_root_outside(base)
    level, reasons = sandbox.probe(Level(ceiling))
    user = sandbox.stranger() if guarded else os.getuid()
    # Without namespaces, the tests' process keeps its user: so it is another one than the student's code has.
    if guarded and (level == Level.FULL or (role == "student" and readable_by_nobody())):
        os.chown(base, user, user)
        if level != Level.FULL:
            sandbox.leave_root(user)
    if level == Level.FULL:
        sandbox.enter_namespaces(sandbox.hidden() if role == "student" else [], user)
    if guarded:  # the change of the user has undone it
        linux.die_with_parent()
    if level == Level.FULL:
        inner = os.fork()
        if inner:
            os.waitpid(inner, 0)
            os._exit(0)
        linux.die_with_parent()
    elif sys.platform == "linux":
        linux.adopt_orphans()
    ready = {"level": level, "reasons": reasons, "own": keeper.resident("self")}
    control.sendall(json.dumps(ready).encode() + b"\n")
    try:
        _serve(control, role, level, base)
    finally:
        remove(base)


def _keep_root_outside(base: str) -> None:
    """Go on in a child, which may give up root's rights; the parent has what it takes to clean up."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        remove(base)
        os._exit(0)
    linux.die_with_parent()


def readable_by_nobody() -> bool:
    """Say whether a user without rights could go on importing from this Python installation."""
    child = os.fork()
    if not child:
        sandbox.leave_root()
        os._exit(
            not all(os.access(path, os.R_OK | os.X_OK) for path in (os.path.dirname(os.__file__), sys.prefix))
        )
    return os.waitpid(child, 0)[1] == 0


def _serve(control: socket.socket, role: str, level: Level, base: str) -> None:
    own = os.open("/proc/self/ns/pid", os.O_RDONLY) if level == Level.FULL else -1
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not message:
            return
        if message != JOB:  # an order to end that came too late
            continue
        if level == Level.FULL:
            linux.unshare(linux.NEW_PID)
        ended, lives = os.pipe()
        job = os.fork()
        if not job:
            try:
                os.close(ended)
                control.close()
                _job(role, level, base, descriptors, lives)
            except Exception:
                traceback.print_exc(file=sys.__stderr__)
            finally:
                os._exit(0)
        if level == Level.FULL:
            linux.join(own, linux.NEW_PID)
        for descriptor in (lives, *descriptors):
            os.close(descriptor)
        alive = _wait(control, job, ended)
        if level != Level.FULL:  # there the kernel has ended them
            _end_orphans()
        for name in os.listdir(base):  # of a job that was killed
            remove(f"{base}/{name}")
        if not alive:
            return
        control.send(DONE)


def _wait(control: socket.socket, job: int, ended: int) -> bool:
    """Wait for a job's end, and end it when the worker says so or goes away; say whether to go on.

    Parameters
    ----------
    control : socket
        To the worker.
    job : int
        The job's process.
    ended : int
        The end of a pipe whose other end that process alone has.
    """
    alive = True
    ready = select.select([ended, control.fileno()], [], [])[0]
    if ended not in ready:
        alive = bool(control.recv(1))
        os.kill(job, signal.SIGKILL)
    os.close(ended)
    os.waitpid(job, 0)
    return alive


def _end_orphans() -> None:
    """End what a killed keeper has left behind."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for process in keeper.below(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            os.waitpid(-1, 0)


def _job(role: str, level: Level, base: str, descriptors: list[int], lives: int) -> None:
    linux.die_with_parent()
    os.setsid()
    if role == "student":
        channel = Channel(socket.socket(fileno=descriptors[0]), UNLIMITED)
        keeper.Keeper(level, channel, base, descriptors[1] if len(descriptors) > 1 else None).serve()
    else:
        keeper.keep_descriptors(*descriptors, lives)  # nothing that it writes reaches a terminal
        worker, for_keeper = (socket.socket(fileno=descriptor) for descriptor in (3, 4))
        checker.main(worker, for_keeper, functools.partial(_confine_tests, level, base))


def _confine_tests(level: Level, base: str, limits: Limits) -> str:
    """Confine this process, which runs the tests and reads what the student's sends; return its folder."""
    if level == Level.FULL:
        sandbox.new_root(2 * limits.file, 10_000)
        work = [sandbox.HOME, sandbox.TEMPORARY]
    else:
        work = [tempfile.mkdtemp(dir=base)]
    os.environ["HOME"], os.environ["TMPDIR"] = work[0], work[-1]
    sandbox.limit_resources(
        memory=limits.memory,
        processes=limits.processes + (0 if level == Level.FULL else keeper.tasks_of_user()),
        file_size=limits.file,
        seconds=2 * int(limits.notebook) + 10,
        descriptors=_DESCRIPTORS,
    )
    sandbox.confine(level, work, unix_sockets=False, hide=[])
    return work[0]


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
    os._exit(0)  # to take everything apart that was loaded takes as long as a submission
