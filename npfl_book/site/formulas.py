"""Formulas: rendered by KaTeX while the book is built, checked, and kept on a line with their full stop."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import sphinxcontrib.katex
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from npfl_book import node

logger = logging.getLogger(__name__)


def use_own_katex(app: Sphinx, config: Config) -> None:
    """Render with KaTeX and Node of this environment, also on a busy machine."""
    if not node.KATEX.is_dir():
        raise ExtensionError("KaTeX is not installed: run 'make install' (or 'npm ci' in npfl_book)")
    config.katex_js_path = str(node.KATEX / "katex.min.js")
    config.katex_css_path = "katex/katex.min.css"
    katex = sphinxcontrib.katex
    katex.NODEJS_BINARY = node.BINARY
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
    katex.KaTeXServer.start_server_process = start_node


def start_node(folder: Path, timeout: float) -> tuple[subprocess.Popen, socket.socket]:
    """Start Node and connect to it, in place of sphinxcontrib-katex's own way (its private name).

    That connects as soon as the socket's file exists; a moment later only does Node listen there, and on a
    busy machine the connection is refused. Its way over a port waits, but takes 40 ms for each formula.
    """
    server = sphinxcontrib.katex.KaTeXServer
    path = folder / "katex.sock"
    command = server.build_command(socket=path)
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.connect(str(path))
            return process, connection
        except (FileNotFoundError, ConnectionRefusedError):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise server.timeout_error(timeout) from None
            time.sleep(0.01)


def copy_style(app: Sphinx, exception: Exception | None) -> None:
    """Copy KaTeX's style; its script runs at build time only, and `npfl_book.site.fonts` cuts the fonts."""
    if exception is None and app.builder.format == "html":
        target = Path(app.outdir, "_static", "katex")
        target.mkdir(exist_ok=True)
        shutil.copy(node.KATEX / "katex.min.css", target)


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
    app.setup_extension("sphinxcontrib.katex")
    app.connect("config-inited", use_own_katex)
    app.connect("build-finished", copy_style)
    app.add_post_transform(CheckFormulas)
    app.add_post_transform(KeepPunctuation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
