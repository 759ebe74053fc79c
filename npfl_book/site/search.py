"""The search keeps the terms of the glossary from build to build."""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.search import js_index


def keep_index_entries(app: Sphinx, env: BuildEnvironment) -> None:
    """Give the search those index entries back that are on pages which are not written anew.

    Sphinx forgets them (sphinx-doc/sphinx#12599), and a search for a term then misses the glossary.
    """
    path = Path(app.outdir, "searchindex.js")
    if app.builder.name != "html" or not path.is_file():
        return
    old = js_index.loads(path.read_text(encoding="utf-8"))
    for entry, places in old["indexentries"].items():
        for number, target, main in places:
            if (page := old["docnames"][number]) in env.found_docs:
                kept = env._search_index_index_entries.setdefault(page, [])
                kept.append((entry, target, "main" if main else ""))


def setup(app: Sphinx) -> dict:
    """Connect the step; called by Sphinx."""
    app.connect("env-check-consistency", keep_index_entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
