"""The keeper of one submission's sandbox: it starts student processes, watches over them and ends them all.

It is forked for each submission from a warm process, runs none of the student's code, and has no secrets. At
level ``full`` it is the first process of its process namespace, so that the kernel ends the others with it;
at the other levels it adopts all their orphans and kills until none is left.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from npfl_grader.engine.both.shell import processor_time, waited_for_processor
from npfl_grader.engine.both.wire import Channel, Closed, Message
from npfl_grader.engine.both.work import import_from, put_files, remove
from npfl_grader.engine.host import groups, linux, sandbox
from npfl_grader.engine.job import Engine, Level, Limits
from npfl_grader.engine.students_side import student, together

_INTERVAL = 0.1  # seconds between two looks at the processes
_MOMENT = 0.002  # seconds in which a killed process is gone
_PAGE = os.sysconf("SC_PAGE_SIZE")
_OPERATIONS = ("open", "start", "tasks", "end", "times")


Answer = dict[str, int | float | str]


class Keeper:
    """What one submission's processes may do, and which there are.

    Parameters
    ----------
    level : Level
    channel : Channel
        To the tests' process, which is trusted.
    base : str
        A folder for work directories, where they are not in memory.
    entrance : int or None
        Of the control group in which the student's processes are, if there is one.
    """

    def __init__(self, level: Level, channel: Channel, base: str, entrance: int | None = None) -> None:
        self.level = level
        self.entrance = entrance
        self.channel = channel
        self.base = base
        self.limits = Limits()
        # What each of the student's processes begins with; /proc still knows this one by its number outside.
        self.own = resident("self")
        self.work: list[str] = []
        self.program = Engine.TWO_PROCESS

    def serve(self) -> None:
        """Do what the tests' process asks, until it goes away; then leave nothing behind."""
        looked = time.monotonic()
        try:
            while True:
                ready = select.select([self.channel.socket], [], [], _INTERVAL)[0]
                self._reap()
                if self.work and time.monotonic() - looked > _INTERVAL:
                    self._watch()
                    looked = time.monotonic()
                if ready:
                    request, buffers = self.channel.receive()
                    operation = request.pop("op")
                    if operation not in _OPERATIONS:
                        raise ValueError(f"the keeper does not know {operation!r}")
                    if operation == "open":
                        request["files"] = dict(zip(request["files"], buffers, strict=True))
                    self.channel.send(getattr(self, f"_{operation}")(**request))
        except Closed:
            pass
        finally:
            if self.level == Level.FULL and os.getpid() == 1:
                # All at once. They would end with this process anyway, but nobody would know their times.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(-1, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    while True:
                        os.wait()
            else:
                self._end(keep=[])
                for path in self.work:
                    remove(path)

    def _open(self, limits: Message, files: Message, program: str) -> Answer:
        """Make the work directory."""
        self.limits, self.program = Limits(**limits), Engine(program)
        if self.level == Level.FULL:
            sandbox.new_root(2 * self.limits.file, 10_000)
            self.work = [sandbox.HOME, sandbox.TEMPORARY]
        else:
            self.work = [tempfile.mkdtemp(dir=self.base)]
            linux.adopt_orphans()
        linux.set_dumpable(False)
        put_files(self.work[0], {name: bytes(data) for name, data in files.items()})
        return {}

    def _start(self) -> Answer:
        """Start a student's process on the connection and the pipe that come along."""
        descriptors = self.channel.receive_descriptors(2)
        try:
            child = os.fork()
        except OSError as error:
            return {"error": str(error)}
        else:
            if not child:
                try:
                    self._become_student(*descriptors)
                except BaseException:  # before any of the student's code: the tests' process must hear of it
                    with contextlib.suppress(Exception):
                        Channel(socket.socket(fileno=descriptors[0])).send({"error": traceback.format_exc()})
                finally:
                    os._exit(0)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return {"process": child}

    def _tasks(self) -> Answer:
        """Count what takes a place: threads, and processes, also those that have ended and are not gone."""
        table = _table()
        if self.level == Level.FULL:
            there = [process for process in table if process != 1]
        else:
            there = _below(os.getpid(), {process: parent for process, (_, parent) in table.items()})
        count = 0
        for process in there:
            try:
                count += len(os.listdir(f"/proc/{process}/task"))
            except OSError:
                count += 1
        return {"tasks": count}

    def _times(self, process: int) -> Answer:
        """Say how long a submission has had processors, and how long a process waited for one others had.

        It has not waited while further processes of its own submission had them, or many would be rewarded.
        """
        further = sum(processor_time(other) for other in self._processes() if other != process)
        return {
            "used": processor_time(process) + further,
            "waited": max(waited_for_processor(process) - further, 0.0),
        }

    def _become_student(self, connection: int, progress: int) -> None:
        if self.entrance is not None:
            groups.enter(self.entrance)
        keep_descriptors(connection, progress)
        sock, progress = socket.socket(fileno=3), 4
        linux.set_dumpable(True)
        os.setsid()
        os.chdir(self.work[0])
        import_from(self.work[0])
        os.environ["HOME"], os.environ["TMPDIR"] = self.work[0], self.work[-1]
        os.environ["IPYTHONDIR"] = f"{self.work[0]}/.ipython"
        os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin", "/bin"])
        limits = self.limits
        processes = limits.processes + (0 if self.level == Level.FULL else tasks_of_user())
        sandbox.limit_resources(
            memory=limits.memory,
            processes=processes,
            file_size=limits.file,
            seconds=2 * int(limits.notebook) + 10,
        )
        sandbox.confine(self.level, self.work, self.program == Engine.KERNEL, sandbox.hidden())
        if self.program == Engine.KERNEL:
            together.in_kernel(sock, limits.memory, limits.output)
        elif self.program == Engine.TOGETHER:
            together.in_shell(sock, limits.memory, limits.output)
        else:
            student.main(sock, progress, limits.memory, limits.output)

    def _end(self, keep: list[int]) -> Answer:
        """Kill all processes but those named, until no other is left."""
        for _ in range(1000):
            others = [process for process in self._processes() if process not in keep]
            if not others:
                break
            # First all are stopped, so that none can fork while others are being killed.
            for sign in (signal.SIGSTOP, signal.SIGKILL):
                for process in others:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(process, sign)
            self._reap()
            time.sleep(_MOMENT)
        return {}

    def _processes(self) -> list[int]:
        """List all living processes of the sandbox."""
        if self.level == Level.FULL:
            return [process for process, (state, _) in _table().items() if process != 1 and state != "Z"]
        return below(os.getpid())

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _watch(self) -> None:
        """Kill everything if it takes more than the limits that the kernel does not know as one sum."""
        processes = self._processes()
        # On top of what each begins with, as the kernel's own limit, which allows one of them all of it.
        memory = self.limits.memory + len(processes) * self.own
        if len(processes) > self.limits.processes + 2 or all(
            sum(map(size, processes)) > memory for size in (resident, _proportional)
        ):
            self._end(keep=[])
        if self.level != Level.FULL and _size(self.work[0]) > 2 * self.limits.file:
            self._end(keep=[])


def below(ancestor: int) -> list[int]:
    """List all living processes that descend from one."""
    table = _table().items()
    return _below(ancestor, {process: parent for process, (state, parent) in table if state != "Z"})


def _below(ancestor: int, parents: dict[int, int]) -> list[int]:
    family = [ancestor]
    for process in family:  # grows
        family += [child for child, parent in parents.items() if parent == process]
    return family[1:]


def alive(process: int) -> bool:
    """Say whether there is such a process, and not just the memory of one that has ended."""
    return _table().get(process, ("Z", 0))[0] != "Z"


def _table() -> dict[int, tuple[str, int]]:
    """List all processes with their states and their parents."""
    table = {}
    if os.path.exists("/proc/self/stat"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    stat = Path("/proc", name, "stat").read_text()
                    state, parent = stat.rpartition(")")[2].split()[:2]
                    table[int(name)] = state, int(parent)
        return table
    # macOS has no /proc; the program that lists the processes is no one of interest itself.
    with subprocess.Popen(["ps", "-axo", "pid=,stat=,ppid="], stdout=subprocess.PIPE, text=True) as listing:
        for line in listing.stdout or ():
            process, state, listed_parent = line.split()
            if int(process) != listing.pid:
                table[int(process)] = state[0], int(listed_parent)
    return table


def keep_descriptors(*kept: int) -> None:
    """Close all descriptors but some, which become 3, 4 and so on; 0, 1 and 2 lead nowhere."""
    high = [_above(descriptor, 3 + len(kept)) for descriptor in kept]
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    for place, descriptor in enumerate(high, 3):
        os.dup2(descriptor, place, inheritable=False)
    os.closerange(3 + len(kept), os.sysconf("SC_OPEN_MAX"))


def _above(descriptor: int, floor: int) -> int:
    """Copy a descriptor to a number not below another one; what is copied on the way is closed later."""
    while (copy := os.dup(descriptor)) < floor:
        pass
    return copy


def tasks_of_user() -> int:
    """Count all threads of this process's user, which the limit on processes counts too."""
    count, uid = 0, os.getuid()
    if not os.path.exists("/proc/self/task"):
        return len(_table())
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                count += len(os.listdir(f"{entry.path}/task"))
    return count


def resident(process: int | str) -> int:
    """Say how many bytes a process has in memory."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(process: int) -> int:
    """Return a process's part of the memory that it shares with others, without the pages of files."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    kilobytes = {key: int(rest.split()[0]) for key, _, rest in (line.partition(":") for line in lines[1:])}
    if "Pss_Anon" not in kilobytes:
        return kilobytes.get("Pss", 0) << 10
    return (kilobytes["Pss_Anon"] + kilobytes["Pss_Shmem"]) << 10


def _size(folder: str) -> int:
    """Add up the sizes in a folder; more files than some thousand count as too much."""
    total, count, folders = 0, 0, [folder]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # too deep, forbidden, or gone
            continue
        for entry in entries:
            count += 1
            total += 4096
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
        if count > 20_000:
            return 1 << 60
    return total
