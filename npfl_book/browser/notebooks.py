"""The notebooks that JupyterLite opens: the released exercises, and the code and text of each chapter."""

import hashlib
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from sphinx.errors import ExtensionError

from npfl_book import ROOT
from npfl_book.browser import as_markdown

RELEASES = ROOT / "exercises" / "notebooks"
LIVE = "*Figures come, with their sliders, when the cells are run from the top.*"


def codes(source: Path) -> list[str]:
    """Return the code cells of a chapter."""
    return [cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code"]


def for_browser(notebook: NotebookNode, page: str) -> NotebookNode:
    """Prepare a notebook: JupyterLite's kernel has another name; the hand-in gets back what is noted here."""
    notebook.metadata["npfl"] = {
        "page": page,
        "kernelspec": notebook.metadata.get("kernelspec", {}),
        "release": hashlib.sha256(nbformat.writes(notebook).encode()).hexdigest()[:16],
    }
    notebook.metadata["kernelspec"] = {"name": "python", "display_name": "Python", "language": "python"}
    return notebook


def chapter_notebook(source: Path, page: Path) -> NotebookNode:
    """Make a notebook of a chapter's code, and of the text of its page."""
    code = codes(source)
    first, *others = as_markdown.texts(page.read_text(encoding="utf-8"))
    if len(others) != len(code):
        raise ExtensionError(f"{source.name} has {len(code)} code cells, its page {len(others)}")
    start = "import ipywidgets, matplotlib  # loads what npfl.explore needs"
    cells = [nbformat.v4.new_markdown_cell(f"{first}\n\n{LIVE}"), nbformat.v4.new_code_cell(start)]
    for lines, text in zip(code, others, strict=True):
        cells.append(nbformat.v4.new_code_cell(lines))
        cells += [nbformat.v4.new_markdown_cell(text)] if text else []
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def kept_notebook(folder: Path, source: Path, page: Path) -> NotebookNode:
    """Return a chapter's notebook, made anew where its page has changed."""
    parts = (page, source, Path(as_markdown.__file__), Path(__file__))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()[:16]
    kept = folder / f"{source.stem}.{digest}.ipynb"
    if not kept.exists():
        notebook = chapter_notebook(source, page)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{source.stem}.*.ipynb"):
            old.unlink()
        part = kept.with_suffix(".part")
        nbformat.write(notebook, part)
        part.replace(kept)
    return nbformat.read(kept, 4)
