"""Confine what students wrote, and what reads it: what the host allows, and how it is done.

Level ``full``: namespaces for user, processes, mounts, System V IPC, host name and network, with a new root
that holds the Python installation, read-only, and a small work directory in memory; Landlock; seccomp;
resource limits. Level ``landlock``: without namespaces, where the host forbids them; files and network are
closed, but processes share the host's process table, so the keeper hunts them down itself. Level ``none``:
resource limits alone.

The tests' process is confined the same way, in a sandbox of its own: it is trusted, but it reads what the
student's process sends. Only the reference implementations are not hidden from it.
"""

import contextlib
import functools
import os
import platform
import resource
import site
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from npfl_grader.engine.both.work import limit, limit_memory
from npfl_grader.engine.host import linux
from npfl_grader.engine.job import Level

NOBODY = 65534
_STRANGERS = 2_000_000_000  # above all ids that people, services and containers are given
STUDENT = 1000  # the user inside
# A file system of the student's own, at a place where no environment of Python's lies; people have theirs
# below /home, and some below /tmp.
OWN = "/student"
HOME, TEMPORARY = f"{OWN}/home", f"{OWN}/tmp"
DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
# Reference implementations must not be there to copy from.
HIDDEN_PACKAGES = ("npfl",)
# Where they are beside this package: among the others, or in a clone that is installed for development. Of a
# clone nothing else is shown, as it may hold an instructor's exercises and whole courses.
_REFERENCES = [str(Path(__file__).parents[3] / name) for name in HIDDEN_PACKAGES]
_SYSTEM = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/sys/devices/system/cpu",
]


@functools.cache
def readable() -> list[str]:
    """List what may be read in a sandbox: the system's programs and libraries, Python and its packages."""
    paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *_REFERENCES]
    if site.ENABLE_USER_SITE:
        paths.append(site.getusersitepackages())
    kept: list[str] = []
    for path in sorted({*_SYSTEM, *map(os.path.abspath, paths)}, key=lambda path: path.count("/")):
        inside = any(Path(path).is_relative_to(other) for other in kept)
        if os.path.exists(path) and not inside and path not in ("/", "/home", "/root", "/tmp"):
            kept.append(path)
    return kept


@functools.cache
def hidden() -> list[str]:
    """List the folders among them that student code may not read."""
    folders = [path for key, path in sysconfig.get_paths().items() if key in ("purelib", "platlib")]
    among = [os.path.join(folder, name) for folder in folders for name in HIDDEN_PACKAGES]
    return sorted(filter(os.path.isdir, {*among, *_REFERENCES}))


def stranger() -> int:
    """Return a user that no other process of the machine has, or nobody, where a container has too few.

    The kernel counts the processes of each user: of one that two submissions share, each takes the other's.
    """
    if sys.platform != "linux":
        return NOBODY
    user = _STRANGERS + os.getpid()
    for which in ("uid", "gid"):
        ranges = [map(int, line.split()) for line in Path(f"/proc/self/{which}_map").read_text().splitlines()]
        if not any(first <= user < first + count for first, _, count in ranges):
            return NOBODY
    return user


def leave_root(user: int = NOBODY) -> None:
    """Become a user without any rights, if this process is root's."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        linux.set_dumpable(True)  # or /proc/self would stay root's


def enter_namespaces(hide: list[str], user: int) -> None:
    """Move this process into namespaces for all but processes, and its next child into one for these too.

    In the mount namespace, the root that each submission will get is made ready, except for what is its own.
    The network has nothing in it, and needs none of its own for each submission: nobody may open a socket
    that outlives its process.

    Parameters
    ----------
    hide : list of str
        Folders that shall be empty there.
    user : int
        Whom root becomes on the way.
    """
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        # Root mounts what lies in folders that the user without rights, whom it becomes now, cannot enter.
        linux.unshare(linux.NEW_MOUNT)
        _build_root(hide)
        leave_root(user)
        uid = gid = user
        linux.unshare(linux.NEW_USER | linux.NEW_PID)
        linux.map_user(STUDENT, uid, gid)
    else:
        linux.unshare(linux.NEW_USER | linux.NEW_PID | linux.NEW_MOUNT)
        linux.map_user(STUDENT, uid, gid)
        _build_root(hide)
    linux.unshare(linux.NEW_IPC | linux.NEW_UTS | linux.NEW_NET)


@functools.cache
def _root() -> str:
    """Choose a folder to mount the root on that hides nothing that is needed."""
    candidates = ("/mnt", "/media", "/srv", "/opt", "/tmp")
    needed = [*readable(), *map(os.path.realpath, readable())]
    return next(
        path
        for path in candidates
        if os.path.isdir(path) and not any(Path(other).is_relative_to(path) for other in needed)
    )


def _build_root(hide: list[str]) -> None:
    """Mount what may be read in a sandbox, and nothing else, below one folder."""
    root = _root()
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for path in [*readable(), *filter(os.path.exists, DEVICES)]:
        if path in hide:
            continue
        target = root + path
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        if os.path.islink(path) and path.count("/") == 1:  # /lib and the like lead into /usr
            os.symlink(os.readlink(path), target)
            continue
        if os.path.isdir(path):
            os.mkdir(target)
        else:
            Path(target).touch()
        linux.mount(os.path.realpath(path), target, None, linux.MS_BIND | linux.MS_REC)
    for path in hide:
        if os.path.isdir(root + path):
            linux.mount("tmpfs", root + path, "tmpfs", linux.MS_RDONLY, "size=4k")
    for folder in ("/proc", OWN):
        os.mkdir(root + folder)
    os.symlink(TEMPORARY, f"{root}/dev/shm")  # where the semaphores of multiprocessing are
    if not os.path.exists(f"{root}/tmp"):
        os.symlink(TEMPORARY[1:], f"{root}/tmp")


def new_root(size: int, files: int) -> None:
    """Give this process, the first of a process namespace, file systems of its own."""
    linux.unshare(linux.NEW_MOUNT)
    root = _root()
    # A mount that comes from another user's namespace is locked, its copy is not.
    linux.mount(root, root, None, linux.MS_BIND | linux.MS_REC)
    options = f"size={size},nr_inodes={files},mode=755"
    linux.mount("tmpfs", root + OWN, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", f"{root}/proc", "proc", flags)
    for folder in (HOME, TEMPORARY):
        os.mkdir(root + folder, mode=0o700)
    linux.change_root(root)


def limit_resources(
    *, memory: int, processes: int, file_size: int, seconds: int, descriptors: int = 128
) -> None:
    """Set what the kernel limits for each process; memory and processes come on top of what there is now."""
    limit_memory(memory)
    limits = {
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_NOFILE: descriptors,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 1 << 16,
    }
    if sys.platform == "linux":
        limits |= {resource.RLIMIT_MSGQUEUE: 0, resource.RLIMIT_SIGPENDING: 256}
    for which, value in limits.items():
        limit(which, value)
    # Where memory runs out all the same, the kernel shall end these processes and no others.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def confine(level: Level, work: list[str], unix_sockets: bool, hide: list[str]) -> None:
    """Take from this process, and from what it will fork, all that its level forbids.

    Parameters
    ----------
    level : Level
    work : list of str
        The folders that it may write to.
    unix_sockets : bool
        Whether it may open sockets by names, which only a Jupyter kernel needs.
    hide : list of str
        The folders that it may not read, though they lie in others that it may.
    """
    if level == Level.NONE:
        return
    devices = [path for path in DEVICES if os.path.exists(path)]
    linux.drop_capabilities()
    if level == Level.FULL:
        linux.landlock(["/"], [*work, *devices])
    else:
        folders = [part for path in readable() for part in _without(path, hide)]
        linux.landlock([*folders, "/proc"], [*work, *devices])
    linux.seccomp(unix_sockets=unix_sockets, signals=level == Level.FULL or linux.landlock_version() >= 6)


def _without(path: str, hide: list[str]) -> list[str]:
    """Split a folder into its parts as far as it takes to leave out what is hidden."""
    if path in hide:
        return []
    if not any(Path(folder).is_relative_to(path) for folder in hide):
        return [path]
    return [part for entry in os.scandir(path) for part in _without(entry.path, hide) if os.path.exists(part)]


def probe(ceiling: Level = Level.FULL) -> tuple[Level, dict[str, str]]:
    """Try out the levels, each in a process of its own.

    Returns
    -------
    level : Level
        The strongest that works, not above the ceiling.
    reasons : dict
        For each stronger one, why it does not.
    """
    reasons: dict[str, str] = {}
    for level in reversed([level for level in Level if ceiling.allows(level) and level != Level.NONE]):
        reason = _in_child(functools.partial(_attempt, level))
        if not reason:
            return level, reasons
        reasons[level] = reason
    return Level.NONE, reasons


def _attempt(level: Level) -> None:
    if platform.system() != "Linux":
        raise OSError(f"{platform.system()} has neither Landlock nor namespaces")
    if level == Level.FULL:
        enter_namespaces(hidden(), stranger())
        reason = _in_child(_attempt_inside)
        if reason:
            raise OSError(reason)
    else:
        confine(level, [], unix_sockets=False, hide=hidden())


def _attempt_inside() -> None:
    new_root(1 << 20, 1000)
    confine(Level.FULL, [HOME], unix_sockets=False, hide=[])


def _in_child(action: Callable[[], None]) -> str:
    """Do something in a forked process; say how it failed, or nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            action()
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}"[:500].encode() or b"?")
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        reason = pipe.read().decode()
    status = os.waitpid(child, 0)[1]
    return reason or (f"the attempt ended with status {status}" if status else "")
