"""The browser's Python in the book: what the pages say of it, and its files in the site."""

import json
import shutil
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from npfl_book import BUILD
from npfl_book.browser import distribution, jupyterlite, needs, notebooks
from npfl_book.browser.cache import BrowserError
from npfl_book.directives.elements import element

HERE = Path(__file__).parent
KEPT = BUILD / "lite"
# What JupyterLite's own scripts weigh beside Python, compressed, as far as a notebook loads them.
NOTEBOOK = 2.2


def prepare(app: Sphinx) -> None:
    """Put together what the browser's Python consists of, as far as it is not there from the last build."""
    if app.builder.name != "html":
        app.config.npfl_practice = {"notebook": 0}
        return
    try:
        jupyterlite.write(KEPT / "jupyterlite")
        sizes, modules = distribution.update(KEPT / "pyodide")
    except BrowserError as error:
        raise ExtensionError(str(error)) from None
    told = {
        "numpy": "numpy" in sizes,
        "notebook": round(sizes["notebook"] / 1e6 + NOTEBOOK),
        "page": round(sum(sizes.get(name, 0) for name in ("core", "numpy", "npfl")) / 1e6),
        "figures": round(sizes.get("figures", 0) / 1e6),
    }
    app.config.npfl_practice = told | {"modules": sorted(modules)}
    app.add_js_file(None, body=f"window.npflPractice = {json.dumps(told)}")
    app.add_js_file("practice.js", loading_method="defer")


def follow(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Read all pages again when other packages are there, or weigh more: the pages tell the reader."""
    if app.builder.name != "html" or getattr(env, "npfl_practice", None) == app.config.npfl_practice:
        return []
    env.npfl_practice = app.config.npfl_practice  # type: ignore[attr-defined]
    return sorted(env.found_docs)


def mark(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Mark the cells that cannot run in the browser, with what they lack, for the page's script."""
    cells = [node for node in doctree.findall(nodes.container) if node.get("nb_element") == "cell_code"]
    if app.builder.name != "html" or not cells:
        return
    codes = notebooks.codes(Path(app.env.doc2path(page)))
    lacks = iter(zip(codes, needs.lacking(codes, set(app.config.npfl_practice["modules"])), strict=True))
    for cell in cells:
        shown = next(cell.findall(nodes.literal_block), None)
        if shown is None:
            continue
        # In order: of a cell that the page hides nothing is there.
        name = next((name for code, name in lacks if code.strip() == shown.astext().strip()), "")
        if name:
            marked = element("div", data_lacks=needs.NAMES.get(name, name))
            cell.replace_self(marked)
            marked.append(cell)


def write_site(app: Sphinx, exception: Exception | None) -> None:
    """Put Python, JupyterLite and the notebooks into the site."""
    if exception or app.builder.name != "html":
        return
    target = Path(app.outdir, "_static", "lite")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(KEPT / "jupyterlite", target, copy_function=distribution.link)
    shutil.copytree(KEPT / "pyodide", target / "pyodide", copy_function=distribution.link)
    for path in (HERE / "static").iterdir():
        shutil.copy(path, target)
    (target / "practice.json").write_text(json.dumps(app.config.npfl_practice), encoding="utf-8")
    found = {path.stem: (nbformat.read(path, 4), "exercises") for path in notebooks.RELEASES.glob("*.ipynb")}
    for docname in app.env.found_docs:
        path = Path(app.env.doc2path(docname))
        if docname.startswith("chapters/") and "{code-cell}" in path.read_text(encoding="utf-8"):
            page = Path(app.outdir, f"{docname}.html")
            found[path.stem] = (notebooks.kept_notebook(KEPT / "chapters", path, page), "chapters")
    (target / "files").mkdir()
    listed = []
    for name, (notebook, folder) in sorted(found.items()):
        text = nbformat.writes(notebooks.for_browser(notebook, f"{folder}/{name}.html"))
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
    """Connect the steps; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_config_value("npfl_practice", {}, "")
    app.connect("builder-inited", prepare)
    app.connect("env-get-outdated", follow)
    app.connect("doctree-resolved", mark)
    app.connect("build-finished", write_site, priority=995)  # after the pages' own files were packed
    app.add_css_file("practice.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
