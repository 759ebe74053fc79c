"""Write files so that nothing is ever half written: beside, then renamed."""

import errno
import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

PART = ".part"  # the ending of a file that is being written
# What ends a run, as it would befall everybody.
HOPELESS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


def part(path: Path) -> Path:
    """Name the file beside `path` into which one process at a time writes."""
    return path.with_name(f".{path.name}{PART}")


def stage(path: Path, data: bytes, mode: int | None = None, beside: Path | None = None) -> Path:
    """Write the new content of a file beside it, to be renamed later.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        Its content.
    mode : int, optional
        Its mode.
    beside : Path, optional
        Where it is written; by default `part`.
    """
    beside = beside or part(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    beside.write_bytes(data)
    if mode is not None:
        beside.chmod(mode)
    return beside


def write(path: Path, content: str | bytes, mode: int | None = None) -> bool:
    """Write a file whole, whoever else writes it; leave it alone where it has the content already.

    Returns
    -------
    bool
        Whether the file has changed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    stage(path, data, mode, path.with_name(f".{path.name}.{os.getpid()}{PART}")).replace(path)
    return True


def write_notebook(path: Path, notebook: NotebookNode) -> bool:
    """Write a notebook as `write` does, in Jupyter's form."""
    return write(path, nbformat.writes(notebook) + "\n")


def swap(new: Path, folder: Path) -> None:
    """Put a folder that was written elsewhere on this disk into its place; what was there before is removed.

    After a kill in between there is the old one, the new one, or none, but never a mixture.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = new.with_name(f".{new.name}.old")
    if folder.is_dir() and not folder.is_symlink():
        folder.rename(old)
    elif os.path.lexists(folder):
        folder.unlink()
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


_LENGTH = struct.Struct("=Q")


def bundle(said: dict[str, Any], files: dict[str, bytes]) -> bytes:
    """Write what JSON can say, and files by their names, as one piece."""
    header = json.dumps([said, {name: len(data) for name, data in files.items()}]).encode()
    return b"".join([_LENGTH.pack(len(header)), header, *files.values()])


def unbundle(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `bundle` has written."""
    at = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    said, sizes = json.loads(data[_LENGTH.size : at])
    files = {}
    for name, size in sizes.items():
        files[name] = data[at : at + size]
        at += size
    return said, files
