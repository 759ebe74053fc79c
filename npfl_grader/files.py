"""Write files so that nothing is ever half written: beside, then renamed."""

import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

PART = ".part"  # the ending of a file that is being written


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
