r"""Practise in the page: code that the reader changes and runs, short questions with checks, and notebooks.

In a chapter::

    ```{practice} Write a function *mse* of two arrays that returns the mean squared error.
    import numpy as np

    def mse(y, p):
        return ...
    ---
    assert mse(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == 2, "Expected 2 for the errors 0 and 2."
    ```

Above the line stands what the reader starts from, below it the checks, which the reader may see. They run
with no other names than their own. Python starts in the reader's browser, and only when asked to.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path

import jupytext
import nbformat
from docutils import nodes
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from npfl_book.browser import as_markdown, lite
from npfl_book.directives.checkpoint import element

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / "_build" / "lite"
# What JupyterLite's own scripts weigh beside Python, compressed, as far as a notebook loads them.
NOTEBOOK = 2.2
RELEASES = ROOT / "exercises" / "notebooks"
LIVE = "*Figures come, with their sliders, when the cells are run from the top.*"
# Between the answer that the reader starts from and the checks.
LINE = re.compile(r"\n---+\n")


def notebook_address(docname: str, name: str) -> str:
    """Return the way from a page to a notebook that opens in the browser."""
    return "../" * docname.count("/") + f"_static/lite/notebook.html?open={name}"


class SolveRole(SphinxRole):
    """The role ``solve-in-browser``: a sentence with a link that opens a release notebook."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link for the pages; a printed book has nothing behind it."""
        address = notebook_address(self.env.docname, self.text)
        link = nodes.reference("", "Solve it in the browser", refuri=address, internal=True)
        size = nodes.Text(f" (loads {self.env.app.practice['notebook']} MB once).")
        question = nodes.Text("Nothing installed? ")
        return [nodes.inline("", "", question, link, size, classes=["d-print-none"])], []


class Practice(SphinxDirective):
    """The directive ``practice``."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Show the question, the code to start from, and the checks; the script makes a box of them."""
        parts = LINE.split("\n".join(self.content).strip())
        if len(parts) != 2 or "assert" not in parts[1]:
            raise self.error(
                "a practice question has code to start from, a line '---', and checks with 'assert'"
            )
        for part in parts:
            try:
                compile(part, "practice", "exec")
            except SyntaxError as error:
                raise self.error(f"the code of a practice question cannot be read: {error}") from None
        start, checks = (nodes.literal_block(part, part, language="python") for part in parts)
        question, messages = self.parse_inline(self.arguments[0])
        return [
            element(
                "section",
                element("p", nodes.strong("", "Write it yourself. "), *question, class_="question"),
                element("div", start, class_="start"),
                element("details", element("summary", nodes.Text("What is checked")), checks),
                class_="npfl-practice",
                aria_label=f"Practice question {self.env.new_serialno('practice') + 1}",
            ),
            *messages,
        ]


def prepare(app: Sphinx) -> None:
    """Put together what the browser's Python consists of, as far as it is not there from the last build."""
    if app.builder.name != "html":
        app.practice = {"notebook": 0}
        return
    try:
        lite.write_jupyterlite(KEPT / "jupyterlite")
        sizes = lite.update_distribution(KEPT / "pyodide")
    except lite.LiteError as error:
        raise ExtensionError(str(error)) from None
    app.practice = {
        "numpy": "numpy" in sizes,
        "matplotlib": "matplotlib" in sizes,
        "notebook": round(sizes["notebook"] / 1e6 + NOTEBOOK),
        "page": round(sum(sizes.get(name, 0) for name in ("core", "numpy", "npfl")) / 1e6),
    }
    app.add_js_file(None, body=f"window.npflPractice = {json.dumps(app.practice)}")
    app.add_js_file("practice.js", loading_method="defer")


def follow_sizes(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Read all pages again when other packages are there, or weigh more: the pages tell the reader."""
    if app.builder.name != "html" or getattr(env, "npfl_practice", None) == app.practice:
        return []
    env.npfl_practice = app.practice  # type: ignore[attr-defined]
    return sorted(env.found_docs)


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
    codes = [cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    first, *others = as_markdown.texts(page.read_text(encoding="utf-8"))
    if len(others) != len(codes):
        raise ExtensionError(f"{source.name} has {len(codes)} code cells, its page {len(others)}")
    start = "import ipywidgets, matplotlib  # loads what npfl.explore needs"
    cells = [nbformat.v4.new_markdown_cell(f"{first}\n\n{LIVE}"), nbformat.v4.new_code_cell(start)]
    for code, text in zip(codes, others, strict=True):
        cells.append(nbformat.v4.new_code_cell(code))
        cells += [nbformat.v4.new_markdown_cell(text)] if text else []
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def kept_notebook(source: Path, page: Path) -> NotebookNode:
    """Return a chapter's notebook, made anew where its page has changed."""
    parts = (page, source, Path(as_markdown.__file__), Path(__file__))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()[:16]
    kept = KEPT / "chapters" / f"{source.stem}.{digest}.ipynb"
    if not kept.exists():
        notebook = chapter_notebook(source, page)
        kept.parent.mkdir(exist_ok=True)
        for old in kept.parent.glob(f"{source.stem}.*.ipynb"):
            old.unlink()
        part = kept.with_suffix(".part")
        nbformat.write(notebook, part)
        part.replace(kept)
    return nbformat.read(kept, 4)


def write_site(app: Sphinx, exception: Exception | None) -> None:
    """Put Python, JupyterLite and the notebooks into the site."""
    if exception or app.builder.name != "html":
        return
    target = Path(app.outdir, "_static", "lite")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(KEPT / "jupyterlite", target, copy_function=lite.link)
    shutil.copytree(KEPT / "pyodide", target / "pyodide", copy_function=lite.link)
    for path in (HERE / "static").iterdir():
        shutil.copy(path, target)
    (target / "practice.json").write_text(json.dumps(app.practice), encoding="utf-8")
    notebooks = {path.stem: (path, nbformat.read(path, 4), "exercises") for path in RELEASES.glob("*.ipynb")}
    for docname in app.env.found_docs:
        path = Path(app.env.doc2path(docname))
        if docname.startswith("chapters/") and "{code-cell}" in path.read_text(encoding="utf-8"):
            page = Path(app.outdir, f"{docname}.html")
            notebooks[path.stem] = (path, kept_notebook(path, page), "chapters")
    (target / "files").mkdir()
    listed = []
    for name, (_, notebook, folder) in sorted(notebooks.items()):
        text = nbformat.writes(for_browser(notebook, f"{folder}/{name}.html"))
        (target / "files" / f"{name}.ipynb").write_text(text, encoding="utf-8")
        listed.append(entry(f"{name}.ipynb", "notebook", size=len(text.encode())))
    (target / "api" / "contents").mkdir(parents=True, exist_ok=True)
    (target / "api" / "contents" / "all.json").write_text(
        json.dumps(entry("", "directory", content=listed, format="json")), encoding="utf-8"
    )


def entry(name: str, kind: str, **more: object) -> dict:
    """Describe a file as Jupyter's interface for contents does; the date says nothing and stays the same."""
    dates = dict.fromkeys(("created", "last_modified"), "2026-01-01T00:00:00Z")
    empty = dict.fromkeys(("format", "content", "mimetype", "size"))
    return {"name": name, "path": name, "type": kind, "writable": True, **dates, **empty, **more}


def setup(app: Sphinx) -> dict:
    """Register the directive and the role, and connect the steps; called by Sphinx."""
    app.add_directive("practice", Practice)
    app.add_role("solve-in-browser", SolveRole())
    app.connect("builder-inited", prepare)
    app.connect("env-get-outdated", follow_sizes)
    app.connect("build-finished", write_site, priority=995)  # after the pages' own files were packed
    app.add_css_file("practice.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
