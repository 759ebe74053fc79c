"""Work directories: files into them, and away with them; and the memory of a process."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

try:
    import resource
except ImportError:  # only Unix has it
    resource = None  # type: ignore[assignment]


def put_files(folder: str, files: dict[str, bytes]) -> None:
    """Write data files, by their relative paths.

    Raises
    ------
    ValueError
        If a path leads outside the folder.
    """
    root = Path(folder).resolve()
    for name, data in files.items():
        path = Path(folder, name)
        if not path.resolve().is_relative_to(root):
            raise ValueError(f"the file {name} would lie outside the work directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def import_from(folder: str) -> None:
    """Let imports find what lies beside a notebook before packages, but not before what is Python's own.

    A course may have a module of its own, or a version, of a package that is installed, too.
    """
    library = sysconfig.get_paths()["stdlib"]
    pythons = [path.startswith(library) and "-packages" not in path for path in sys.path]
    sys.path.insert(max((n + 1 for n, own in enumerate(pythons) if own), default=0), folder)


def remove(path: str) -> None:
    """Remove a folder, however deep and whatever its permissions."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IRWXU)
        for command in (["chmod", "-R", "u+rwx", path], ["rm", "-rf", path]):
            with contextlib.suppress(OSError):
                subprocess.run(command, check=False, stderr=subprocess.DEVNULL)


def limit_memory(size: int) -> None:
    """Allow this process, and each that it forks, so much address space more than it has now.

    Where the system does not say how much that is, there is no such limit.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    limit(resource.RLIMIT_AS, pages * resource.getpagesize() + size)


def limit_this_process(seconds: int, memory: int) -> None:
    """Allow this process so much more of the processor's time and of memory than it has had until now.

    It may be called again; programs that are started undo it with `unlimit`.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    limits = {resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime) + seconds + 1}
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + memory
    for which, value in limits.items():
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def unlimit() -> None:
    """Undo `limit_this_process`, which whoever started this process may have called."""
    for which in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (hard, hard))


def limit(which: int, value: int) -> None:
    """Lower one of the kernel's limits, as far as it is not lower already."""
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))
