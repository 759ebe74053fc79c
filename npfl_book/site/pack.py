"""One style sheet and one script for the whole site, with nothing in them that no page uses.

The theme and the extensions bring thirteen style sheets and as many scripts, each a request that holds up
the first view of a page. Here they become ``site.css`` and ``site.js``.
"""

import base64
import hashlib
import json
import logging
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
from fontTools import subset
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from npfl_book.site.book import KATEX, NODE_BINARY

HERE = Path(__file__).parent
ICONS = "vendor/fontawesome/webfonts/fa-solid-900.woff2"
BOLD = re.compile(r'class="[^"]*\bmathbf\b[^"]*"[^>]*>([^<]+)<')
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
# What the theme's own template loads, outside Sphinx's lists.
THEME_STYLES = ["styles/theme.css", "styles/pydata-sphinx-theme.css"]
THEME_SCRIPTS = ["scripts/bootstrap.js", "scripts/pydata-sphinx-theme.js"]
# The figures are to answer before the rest of the scripts has come.
APART = {"explore.js"}
# Page titles and the like, which the theme's scripts need for switches between versions only.
NOT_NEEDED = re.compile(r"DOCUMENTATION_OPTIONS\.(pagename|search_as_you_type)")
# The theme measures all blocks of code at the start and after every change; theme.js is told their sizes.
MEASURES = "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
IMPORT = re.compile(r"""@import (?:url\()?["']([^"']+)["']\)?;""")
REFERENCE = re.compile(r"""url\((?!["']?(?:data:|#))["']?([^"')?#]+)[^)]*\)""")


def one_of_each(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Note what the page asks for, and let it ask for the packed files instead."""
    app.pack_styles = THEME_STYLES + [_name(style) for style in context["css_files"]]  # type: ignore[attr-defined]
    context["css_files"] = ["_static/site.css"]
    parts, apart = [], []
    for script in context["script_files"]:
        body = script.attributes.get("body", "")
        if body:
            parts += [] if NOT_NEEDED.search(body) else [body]
        elif _name(script) in APART:
            apart.append(script)
        else:
            parts.append(Path(_name(script)))
    app.pack_scripts = parts + [Path(name) for name in THEME_SCRIPTS]  # type: ignore[attr-defined]
    context["script_files"] = apart
    start = (HERE / "templates" / "start.js").read_text("utf-8").removesuffix("\n")  # as Jinja includes it
    context["start_hash"] = base64.b64encode(hashlib.sha256(start.encode()).digest()).decode()


def _name(asset: Any) -> str:
    return str(asset.filename or "").removeprefix("_static/")


def pack(app: Sphinx, exception: Exception | None) -> None:
    """Write the packed files when a page was written."""
    if exception or app.builder.format != "html" or not hasattr(app, "pack_styles"):
        return
    static = Path(app.outdir, "_static")
    css = "\n".join(_moved(static, name) for name in dict.fromkeys(app.pack_styles))
    used = _purge(css, Path(app.outdir))
    (static / "site.css").write_text(used, encoding="utf-8")
    _write_icons(static, used)
    _write_letters(static, used)
    # The empty statement in front keeps "use strict" of one script from holding for all.
    parts = [p if isinstance(p, str) else (static / p).read_text("utf-8") for p in app.pack_scripts]
    script = ";\n" + "\n;\n".join(parts)
    if script.count(MEASURES) != 1:
        raise ExtensionError("pack.py: the theme measures what scrolls in another way; mend MEASURES")
    (static / "site.js").write_text(script.replace(MEASURES, ""), encoding="utf-8")


def _moved(static: Path, name: str) -> str:
    """Read a style sheet; what it refers to is then found from ``_static``."""
    folder = (static / name).parent
    css = (static / name).read_text("utf-8").replace('@charset "UTF-8";', "")

    def place(reference: str) -> str:
        return Path(os.path.relpath(folder / reference, static)).as_posix()

    css = IMPORT.sub(lambda match: _moved(static, place(match[1])), css)
    return REFERENCE.sub(lambda match: match[0].replace(match[1], place(match[1])), css)


def _purge(css: str, folder: Path) -> str:
    """Keep the rules that some page or script of a folder uses."""
    content = [
        str(path)
        for path in [*folder.rglob("*.html"), *folder.rglob("*.js")]
        if "lite" not in path.parts  # JupyterLite has its own styles
    ]
    done = subprocess.run(
        [NODE_BINARY, str(HERE / "purge.mjs")],
        input=json.dumps({"css": css, "content": content}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise ExtensionError(f"the style sheets cannot be packed: {done.stderr.strip()}")
    return done.stdout


def _write_icons(static: Path, css: str) -> None:
    """Write the icon font with the icons that the style sheet names: 4 kB instead of 156."""
    named = re.findall(r"\\([ef][0-9a-f]{3})\b|([\ue000-\uf8ff])", css)
    used = {int(code, 16) if code else ord(character) for code, character in named}
    _cut(THEME / ICONS, static / ICONS, used)


def _write_letters(static: Path, css: str) -> None:
    """Write the fonts of formulas with the characters of the pages: the first three 29 kB instead of 68.

    The sooner they come, the fewer lines break anew after a formula whose width changes with its font.
    """
    pages = "".join(
        page.read_text("utf-8") for page in static.parent.rglob("*.html") if "lite" not in page.parts
    )
    text = {"KaTeX_Main-Bold": "".join(BOLD.findall(pages))}
    for font in re.findall(r"katex/fonts/([\w-]+)\.woff2", css):
        target = static / "katex" / "fonts" / f"{font}.woff2"
        target.parent.mkdir(exist_ok=True)
        _cut(KATEX / "fonts" / target.name, target, set(map(ord, text.get(font, pages))))


def _cut(font: Path, target: Path, used: set[int]) -> None:
    """Write a font with some of its characters only."""
    options = subset.Options(flavor="woff2", layout_features=[], hinting=False)
    opened = subset.load_font(str(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=used)
    subsetter.subset(opened)
    subset.save_font(opened, str(target), options)


def setup(app: Sphinx) -> dict:
    """Connect the steps; called by Sphinx."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.config.templates_path.append(str(HERE / "templates"))
    app.connect("html-page-context", one_of_each, priority=990)  # after all that add files
    app.connect("build-finished", pack, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
