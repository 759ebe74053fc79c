"""One style sheet and one script for the whole site, with nothing in them that no page uses.

The theme and the extensions bring thirteen style sheets and as many scripts, each a request that holds up
the first view of a page. Here they become ``site.css`` and ``site.js``.
"""

import base64
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from npfl_book import node
from npfl_book.site import apart, fonts

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
# What the theme's own template loads, outside Sphinx's lists.
THEME_STYLES = ["styles/theme.css", "styles/pydata-sphinx-theme.css"]
THEME_SCRIPTS = ["scripts/bootstrap.js", "scripts/pydata-sphinx-theme.js"]
# What the theme says on each page anew: for switches between versions, and the search's own settings.
NOT_NEEDED = re.compile(r"DOCUMENTATION_OPTIONS\.(pagename|search_as_you_type)")
IMPORT = re.compile(r"""@import (?:url\()?["']([^"']+)["']\)?;""")
REFERENCE = re.compile(r"""url\((?!["']?(?:data:|#))["']?([^"')?#]+)[^)]*\)""")


class Packer:
    """Notes what the pages load, and packs it when they are written."""

    def __init__(self) -> None:
        self.styles: list[str] = []
        self.scripts: list[str | Path] = []

    def one_of_each(self, app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
        """Note what the page asks for, and let it ask for the packed files instead."""
        self.styles = THEME_STYLES + [_name(style) for style in context["css_files"]]
        context["css_files"] = ["_static/site.css"]
        self.scripts = []
        for script in context["script_files"]:
            body = script.attributes.get("body", "")
            if body:
                self.scripts += [] if NOT_NEEDED.search(body) else [body]
            else:
                self.scripts.append(Path(_name(script)))
        self.scripts += [Path(name) for name in THEME_SCRIPTS]
        context["script_files"] = []
        start = (TEMPLATES / "start.js").read_text("utf-8").removesuffix("\n")  # as Jinja includes it
        context["start_hash"] = base64.b64encode(hashlib.sha256(start.encode()).digest()).decode()

    def pack(self, app: Sphinx, exception: Exception | None) -> None:
        """Write the packed files when a page was written."""
        if exception or app.builder.format != "html" or not self.styles:
            return
        static = Path(app.outdir, "_static")
        # JupyterLite has its own styles.
        pages = [path for path in static.parent.rglob("*.html") if "lite" not in path.parts]
        own = {static / script for script in self.scripts if isinstance(script, Path)}
        scripts = sorted(own.union(static.glob("*.js"), (static / apart.FRAMES).rglob("*.js")))
        css = "\n".join(_moved(static, name) for name in dict.fromkeys(self.styles))
        content = {"css": css, "content": [str(path) for path in [*pages, *scripts]]}
        used = node.run(HERE / "purge.mjs", json.dumps(content))
        used = fonts.write(static, used, "".join(path.read_text("utf-8") for path in pages))
        (static / "site.css").write_text(used, encoding="utf-8")
        # The empty statement in front keeps "use strict" of one script from holding for all.
        named = dict.fromkeys(self.scripts)  # what is named twice is there once
        parts = [p if isinstance(p, str) else (static / p).read_text("utf-8") for p in named]
        (static / "site.js").write_text(";\n" + "\n;\n".join(parts), encoding="utf-8")


def _name(asset: Any) -> str:
    return str(asset.filename or "").removeprefix("_static/")


def _moved(static: Path, name: str) -> str:
    """Read a style sheet; what it refers to is then found from ``_static``."""
    folder = (static / name).parent
    css = (static / name).read_text("utf-8").replace('@charset "UTF-8";', "")

    def place(reference: str) -> str:
        return Path(os.path.relpath(folder / reference, static)).as_posix()

    css = IMPORT.sub(lambda match: _moved(static, place(match[1])), css)
    return REFERENCE.sub(lambda match: match[0].replace(match[1], place(match[1])), css)


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    packer = Packer()
    app.config.templates_path.append(str(TEMPLATES))
    app.connect("html-page-context", packer.one_of_each, priority=990)  # after all that add files
    app.connect("build-finished", packer.pack, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
