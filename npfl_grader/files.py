"""Write files so that nothing is ever half written."""

import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode


def write(path: Path, text: str) -> bool:
    """Write beside, then rename; leave a file alone that has the text already.

    Returns
    -------
    bool
        Whether the file has changed.
    """
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return True


def write_notebook(path: Path, notebook: NotebookNode) -> bool:
    """Write a notebook as `write` does, in Jupyter's form."""
    return write(path, nbformat.writes(notebook) + "\n")
