"""Calls of the kernel that Python's library lacks: namespaces, mounts, Landlock and seccomp, by ctypes.

Nothing here needs root. Each function confines the calling process and what it will fork, and cannot be
undone.

References
----------
The manual pages user_namespaces(7), landlock(7), seccomp(2), capabilities(7), pivot_root(2).
"""

import ctypes
import errno
import functools
import os
import platform
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from npfl_grader.engine.host import calls

NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = (
    0x20000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
_DETACH = 2
_LARGE, _COLLAPSE = 1 << 21, 25
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _SET_SUBREAPER, _NO_NEW_PRIVILEGES = 1, 4, 22, 36, 38

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Numbers on x86_64 and on aarch64 of what this module itself calls.
_NUMBERS = {
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "capset": (126, 91),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}
# Calls up to this number are refused as forbidden; of later ones a C library may take any other error for a
# failure, where it takes a missing call for an older kernel.
_OLD = 434
_NEW_ANYTHING = 0x2000000 | NEW_MOUNT | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET
_AF_UNIX = 1
# What may be asked of a descriptor: no queue that grows, no signal to whom it belongs.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)
# Whether it is a terminal and how large, how much can be read, and two flags.
_IOCTL = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Names of threads and of memory, the death signal, what is dumped, no new privileges, capabilities.
_PRCTL = (1, 2, 3, 4, 15, 16, 21, 23, 38, 39, 42, 0x53564D41)
_SOL_SOCKET = 1
_BUFFER_SIZES = (7, 8, 32, 33)  # of sockets, which no limit on memory counts

_ACCESS = {
    "execute": 1 << 0,
    "write": 1 << 1,
    "read": 1 << 2,
    "list": 1 << 3,
    "truncate": 1 << 14,
    "ioctl": 1 << 15,
}
_REFER = 1 << 13

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _number(pair: tuple[int | None, int | None]) -> int:
    number = pair[platform.machine() == "aarch64"]
    assert number is not None
    return number


def _syscall(name: str, *arguments: object) -> int:
    return _check(_libc.syscall(_number(_NUMBERS[name]), *arguments), name)


def _prctl(option: int, value: int, what: str) -> None:
    if sys.platform != "linux":  # nothing else has it, nor what it protects
        return
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), what)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that forked it ends."""
    _prctl(_SET_DEATH_SIGNAL, 9, "parent death signal")


def set_dumpable(dumpable: bool) -> None:
    """Say whether others of the same user may look into this process."""
    _prctl(_SET_DUMPABLE, dumpable, "dumpable")


def use_large_pages() -> None:
    """Put what this process has in memory now into large pages, as far as the kernel does that.

    A fork copies an entry for each page, and its end takes each away again, so both cost less then. What one
    of the processes writes to is copied in small pages all the same.
    """
    if sys.platform != "linux":
        return
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, rights, _, _, file, *name = line.split()
        if rights != "rw-p" or file != "0" or name not in ([], ["[heap]"]):
            continue
        first, last = (int(bound, 16) for bound in bounds.split("-"))
        for place in range(-(-first // _LARGE) * _LARGE, last - _LARGE + 1, _LARGE):
            _libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(_LARGE), _COLLAPSE)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parents end, instead of init."""
    _prctl(_SET_SUBREAPER, 1, "child subreaper")


def no_new_privileges() -> None:
    """Let no program that is executed from here on gain anything by its owner or its capabilities."""
    _prctl(_NO_NEW_PRIVILEGES, 1, "no new privileges")


def unshare(flags: int) -> None:
    """Move this process (for `NEW_PID`: its next child) into new namespaces."""
    _check(_libc.unshare(flags), "unshare")


def join(descriptor: int, flag: int) -> None:
    """Enter the namespace that a descriptor of ``/proc/*/ns`` stands for."""
    _syscall("setns", descriptor, flag)


def map_user(inside: int, uid: int, gid: int) -> None:
    """Say which user and group of the host stand behind the only one in this user namespace."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{inside} {gid} 1")


def drop_capabilities() -> None:
    """Give up what owning a user namespace allows."""
    _syscall("capset", struct.pack("Ii", 0x20080522, 0), struct.pack("6I", 0, 0, 0, 0, 0, 0))


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount, see mount(2)."""
    result = _libc.mount(
        source and source.encode(),
        target.encode(),
        kind and kind.encode(),
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(result, f"mount {target}")


def change_root(root: str) -> None:
    """Make a mount point the root of everything; what was the root is gone."""
    os.chdir(root)
    _syscall("pivot_root", b".", b".")
    _check(_libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")


def landlock_version() -> int:
    """Return the kernel's version of Landlock, 0 where there is none."""
    if platform.machine() not in _MACHINES:
        return 0
    return max(0, int(_libc.syscall(_number(_NUMBERS["landlock_create_ruleset"]), None, 0, 1)))


def landlock(readable: list[str], writable: list[str]) -> None:
    """Allow this process only the named files and folders, no TCP, and no signals to outside.

    Raises
    ------
    OSError
        If the kernel has no Landlock.
    """
    version = landlock_version()
    everything = (1 << 13) - 1
    for since, access in ((2, _REFER), (3, _ACCESS["truncate"]), (5, _ACCESS["ioctl"])):
        everything |= access if version >= since else 0
    network = 3 if version >= 4 else 0  # bind and connect
    scopes = 3 if version >= 6 else 0  # abstract sockets and signals
    attributes = struct.pack("QQQ", everything, network, scopes)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _syscall("landlock_create_ruleset", attributes[:size], size, 0)
    of_files = everything & (sum(_ACCESS.values()) & ~_ACCESS["list"])
    reading = _ACCESS["execute"] | _ACCESS["read"] | _ACCESS["list"]
    for paths, access in ((readable, reading), (writable, everything)):
        for path in paths:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = access if os.path.isdir(path) else access & of_files
            _syscall("landlock_add_rule", ruleset, 1, struct.pack("=Qi", allowed, descriptor), 0)
            os.close(descriptor)
    no_new_privileges()
    _syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def seccomp(*, unix_sockets: bool, signals: bool) -> None:
    """Let the kernel refuse all calls but those of `calls`, and of some of these the arguments.

    Parameters
    ----------
    unix_sockets : bool
        Whether sockets of the family AF_UNIX may be made (no other may).
    signals : bool
        Whether signals may be sent.
    """
    program = _filter(unix_sockets, signals)
    code = ctypes.create_string_buffer(program)
    no_new_privileges()
    filter_ = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _check(_libc.prctl(_SET_SECCOMP, 2, filter_, 0, 0), "seccomp")


def prepare() -> None:
    """Work out now what `seccomp` will need in each process that is forked from this one."""
    if platform.machine() in _MACHINES:
        for signals in (False, True):
            _filter(False, signals)


@functools.cache
def _filter(unix_sockets: bool, signals: bool) -> bytes:
    machine = platform.machine()
    program: list[bytes] = []

    def add(code: int, if_true: int, if_false: int, value: int) -> None:
        program.append(struct.pack("HBBI", code, if_true, if_false, value))

    load, equal, more, any_bit, answer = 0x20, 0x15, 0x25, 0x45, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000

    def argument(number: int) -> None:
        add(load, 0, 0, 16 + 8 * number)  # its lower half, which is all that the kernel looks at in these

    def one_of(values: Sequence[int], otherwise: int = errno.EPERM) -> None:
        for value in values:
            add(equal, 0, 1, value)
            add(answer, 0, 0, allow)
        add(answer, 0, 0, refuse | otherwise)

    def case(name: str, rule: Callable[[], None]) -> None:
        """Judge one call; the rule must end in an answer."""
        number = _number(calls.CHECKED[name])
        here = len(program)
        add(equal, 0, 0, number)
        rule()
        program[here] = struct.pack("HBBI", equal, 0, len(program) - here - 1, number)

    add(load, 0, 0, 4)  # the architecture
    add(equal, 1, 0, _MACHINES[machine])
    add(answer, 0, 0, kill)
    add(load, 0, 0, 0)  # the number of the call
    if machine == "x86_64":  # the x32 calls have numbers of their own
        add(more, 0, 1, 0x3FFFFFFF)
        add(answer, 0, 0, refuse | errno.EPERM)
    allowed = (
        calls.ALLOWED | (calls.SIGNALS if signals else {}) | (calls.NAMED_SOCKETS if unix_sockets else {})
    )
    for pair in allowed.values():
        if (number := pair[machine == "aarch64"]) is not None:
            add(equal, 0, 1, number)
            add(answer, 0, 0, allow)

    def new_process() -> None:
        argument(0)
        add(any_bit, 0, 1, _NEW_ANYTHING)
        add(answer, 0, 0, refuse | errno.EPERM)
        add(answer, 0, 0, allow)

    def only_oneself(*arguments: int) -> None:
        for place in arguments:
            argument(place)
            add(equal, 1, 0, 0)
            add(answer, 0, 0, refuse | errno.EPERM)
        add(answer, 0, 0, allow)

    def among(place: int, values: Sequence[int], otherwise: int = errno.EPERM) -> None:
        argument(place)
        one_of(values, otherwise)

    def option() -> None:
        argument(1)
        add(equal, 1, 0, _SOL_SOCKET)
        add(answer, 0, 0, allow)
        argument(2)
        for size in _BUFFER_SIZES:
            add(equal, 0, 1, size)
            add(answer, 0, 0, refuse | errno.EPERM)
        add(answer, 0, 0, allow)

    case("clone", new_process)
    # clone3 hides its flags from the filter; the C library falls back to clone when there is none.
    case("clone3", lambda: add(answer, 0, 0, refuse | errno.ENOSYS))
    # ZeroMQ takes this error for a host without network; at any other it ends the kernel.
    case("socket", lambda: among(0, [_AF_UNIX] if unix_sockets else [], errno.EOPNOTSUPP))
    case("socketpair", lambda: among(0, [_AF_UNIX]))
    case("setsockopt", option)
    case("prctl", lambda: among(0, _PRCTL))
    case("ioctl", lambda: among(1, _IOCTL, errno.ENOTTY))
    case("fcntl", lambda: among(1, _FCNTL))
    case("prlimit64", lambda: only_oneself(0))
    case("sched_setaffinity", lambda: only_oneself(0))
    case("setpriority", lambda: only_oneself(0, 1))
    case("sched_setscheduler", lambda: among(1, [0]))  # the usual policy, which ZeroMQ sets for its threads
    add(more, 0, 1, _OLD)
    add(answer, 0, 0, refuse | errno.ENOSYS)
    add(answer, 0, 0, refuse | errno.EPERM)
    return b"".join(program)
