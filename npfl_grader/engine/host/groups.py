"""Control groups: the kernel counts a submission's memory, what it takes itself for it, and its processes.

Version 2, and only where a group has been delegated: in a session of systemd's, by its ``Delegate=yes``, or
in a container that may write its own. Elsewhere the keeper looks at the sums from time to time.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from npfl_grader.engine.host import sandbox
from npfl_grader.engine.job import Job, Role

CONTROLLERS = ("memory", "pids")
_PREFIX = "npfl-grader-"
_REST = f"{_PREFIX}rest"


def limits(job: Job, own: int) -> dict[str, int]:
    """Say what a submission may take in all, by the kernel's names.

    Parameters
    ----------
    job : Job
    own : int
        The bytes that each of its processes begins with, of which it may come to have copies.
    """
    tests = sum(cell.role == Role.TEST for cell in job.cells)
    return {
        "memory.max": job.limits.memory + 2 * job.limits.file + (tests + 2) * own,
        "memory.swap.max": 0,
        "memory.oom.group": 1,
        "pids.max": job.limits.processes + tests + 2,
    }


def find(controllers: tuple[str, ...] = CONTROLLERS) -> Path | None:
    """Find the group below which this process may make groups with these controllers, if there is one.

    It is tried out: a process without rights must be able to enter by a descriptor that this one has opened.
    """
    try:
        place = _place(controllers)
        if place is None:
            return None
        with group(place, {}) as entrance:
            child = os.fork()
            if not child:
                try:
                    sandbox.leave_root()
                    enter(entrance)
                    os._exit(0 if _PREFIX in Path("/proc/self/cgroup").read_text() else 1)
                finally:
                    os._exit(1)
            return place if os.waitpid(child, 0)[1] == 0 else None
    except OSError:
        return None


def _place(controllers: tuple[str, ...]) -> Path | None:
    mount, own = _mounted(), _own()
    if mount is None or own is None:
        return None
    here = mount / own.lstrip("/")
    # Beside this process's group nobody has to move; in a container there is nothing beside it.
    for folder in [here.parent, here] if here != mount else [here]:
        if _delegated(folder, mount) and _enabled(folder, controllers):
            return folder
    return here if _delegated(here, mount) and _enable(here, controllers) else None


def _mounted() -> Path | None:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    return None


def _own() -> str | None:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)


def _delegated(folder: Path, mount: Path) -> bool:
    """Whether a group is ours to divide: root may write to each, but those of systemd's are its own."""
    if not all(os.access(path, os.W_OK) for path in (folder, folder / "cgroup.procs")):
        return False
    if os.getuid() or folder == mount:
        return True
    for path in [folder, *folder.parents]:
        with contextlib.suppress(OSError):
            if os.getxattr(path, "trusted.delegate") == b"1":
                return True
    return False


def _enabled(folder: Path, controllers: tuple[str, ...]) -> bool:
    return {*controllers} <= {*(folder / "cgroup.subtree_control").read_text().split()}


def _enable(folder: Path, controllers: tuple[str, ...]) -> bool:
    """Have a group count for each of those below it; then no process may be in itself, so all move below."""
    if not {*controllers} <= {*(folder / "cgroup.controllers").read_text().split()}:
        return False
    if (folder / "cgroup.type").exists():  # the first of all groups has none, and may keep its processes
        (folder / _REST).mkdir(exist_ok=True)
        for process in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (folder / _REST / "cgroup.procs").write_text(process)
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    return True


@contextlib.contextmanager
def group(place: Path, limits: dict[str, int]) -> Iterator[int]:
    """Make a group, and remove it with all that is in it.

    Yields
    ------
    int
        A descriptor, for `enter`.

    Raises
    ------
    OSError
        If the kernel does not take it.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    try:
        for name, value in limits.items():
            # Where nothing is swapped there is no limit on it.
            if name != "memory.swap.max" or (folder / name).exists():
                (folder / name).write_text(str(value))
        entrance = os.open(folder / "cgroup.procs", os.O_WRONLY)
        try:
            yield entrance
        finally:
            os.close(entrance)
    finally:
        _remove(folder)


def enter(entrance: int) -> None:
    """Move this process into a group; what it forks from then on is in it, too."""
    os.write(entrance, b"0")


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "cgroup.kill").write_text("1")
    for _ in range(400):  # a process that has just ended is still counted for a moment
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.005)
        else:
            return
