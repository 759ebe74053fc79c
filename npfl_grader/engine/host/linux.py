"""Calls of the kernel that Python's library lacks: namespaces, mounts, Landlock and seccomp, by ctypes.

Nothing here needs root. Each function confines the calling process and what it will fork, and cannot be
undone.

References
----------
The manual pages user_namespaces(7), landlock(7), seccomp(2), capabilities(7), pivot_root(2).
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path

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
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _SET_SUBREAPER, _NO_NEW_PRIVILEGES = 1, 4, 22, 36, 38

# The calls' numbers on x86_64 and on aarch64; calls from 424 on have the same number everywhere.
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "capset": (126, 91),
    "clone": (56, 220),
    "clone3": (435, 435),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    "socket": (41, 198),
}
# What no exercise needs, and what widens the attack surface or escapes a limit: memory that RLIMIT_AS
# does not count (memfd, System V memory), other namespaces, other processes' memory, keys, BPF, io_uring.
_DENIED = {
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "personality": (135, 92),
    "vmsplice": (278, 75),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
}
_DENIED_X86 = {"iopl": 172, "ioperm": 173, "modify_ldt": 154}
# Where neither a pid namespace nor Landlock keeps signals inside, no process may send any.
_SIGNALS = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "pidfd_send_signal": (424, 424)}

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


def _number(pair: tuple[int, int]) -> int:
    return pair[platform.machine() == "aarch64"]


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
    """Let the kernel refuse the calls of the list above with EPERM.

    Parameters
    ----------
    unix_sockets : bool
        Whether sockets of the family AF_UNIX may be made (no other may).
    signals : bool
        Whether signals may be sent.
    """
    machine = platform.machine()
    program: list[bytes] = []

    def add(code: int, if_true: int, if_false: int, value: int) -> None:
        program.append(struct.pack("HBBI", code, if_true, if_false, value))

    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000
    add(load, 0, 0, 4)  # the architecture
    add(equal, 1, 0, _MACHINES[machine])
    add(answer, 0, 0, kill)
    add(load, 0, 0, 0)  # the number of the call
    if machine == "x86_64":  # the x32 calls have numbers of their own
        add(at_least, 0, 1, 0x40000000)
        add(answer, 0, 0, refuse | errno.EPERM)
    # clone3 hides its flags from the filter; the C library falls back to clone when there is none.
    add(equal, 0, 1, _number(_NUMBERS["clone3"]))
    add(answer, 0, 0, refuse | errno.ENOSYS)
    add(equal, 0, 4, _number(_NUMBERS["clone"]))
    add(load, 0, 0, 16)  # the flags
    add(any_bit, 0, 1, NEW_MOUNT | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET | 0x2000000)
    add(answer, 0, 0, refuse | errno.EPERM)
    add(answer, 0, 0, allow)
    denied = [_number(pair) for name, pair in _DENIED.items() if not (unix_sockets and name in _UNIX)]
    denied += _DENIED_X86.values() if machine == "x86_64" else []
    denied += [] if signals else [_number(pair) for pair in _SIGNALS.values()]
    for number in denied:
        add(equal, 0, 1, number)
        add(answer, 0, 0, refuse | errno.EPERM)
    add(equal, 0, 4, _number(_NUMBERS["socket"]))
    add(load, 0, 0, 16)  # the family
    add(equal, 0, 1, 1 if unix_sockets else 0xFFFFFFFF)
    add(answer, 0, 0, allow)
    # ZeroMQ takes this error for a host without network; at any other it ends the kernel.
    add(answer, 0, 0, refuse | errno.EOPNOTSUPP)
    add(answer, 0, 0, allow)
    code = ctypes.create_string_buffer(b"".join(program))
    no_new_privileges()
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    _check(_libc.prctl(_SET_SECCOMP, 2, filter_, 0, 0), "seccomp")


_UNIX = {"connect", "bind", "listen", "accept", "accept4"}
