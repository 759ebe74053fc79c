"""What the book uses of other projects beyond what they document; each says what an upgrade took away."""

import inspect
from pathlib import Path

import myst_nb.core.render
import pytest
import sphinx.search
import sphinxcontrib.katex
from sphinx.environment import BuildEnvironment
from sphinxext import opengraph

from npfl_book.browser import distribution, jupyterlite
from npfl_book.site import fonts, pack

SPHINX = Path(sphinx.search.__file__).parents[1]
KATEX = sphinxcontrib.katex.KaTeXServer


def theme(name):
    return (fonts.THEME / name).is_file()


USED = {
    "formulas: Node can no longer be waited for, and on a busy machine the build may be refused": lambda: (
        list(inspect.signature(KATEX.start_network_socket).parameters) == ["rundir", "timeout"]
        and "cls.start_server_process(rundir, STARTUP_TIMEOUT)" in inspect.getsource(KATEX.start)
        and "socket" in inspect.signature(KATEX.build_command).parameters
    ),
    "search: terms of the glossary are lost in a build that does not write it anew": lambda: (
        "_search_index_index_entries" in inspect.getsource(BuildEnvironment.__init__)
        or "_search_index_index_entries" in inspect.getsource(sphinx.search)
    ),
    "search: results no longer name the terms of the glossary, and show formulas twice": lambda: all(
        name in (SPHINX / "themes" / "basic" / "static" / "searchtools.js").read_text(encoding="utf-8")
        for name in ("htmlToText: (", "_performSearch: (", "_index")
    ),
    "pack: a style sheet or a script of the theme has another name": lambda: all(
        map(theme, pack.THEME_STYLES[1:] + pack.THEME_SCRIPTS)
    ),
    "fonts: the theme's icons come from another file": lambda: theme(f"{fonts.ICONS}.woff2"),
    "cover: the cards for sharing have another font": lambda: (
        Path(opengraph.__file__).parent / "_static" / "Roboto-Flex.ttf"
    ).is_file(),
    "browser: JupyterLite's kernel keeps its packages in another place": lambda: all(
        list(distribution.PYPI.glob(f"{name.replace('-', '_')}-*.whl")) for name in distribution.KERNEL
    ),
    "browser: an extension of JupyterLite is in another place": lambda: all(
        (jupyterlite.EXTENSIONS / name).is_dir()
        for name in ("@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension")
    ),
    "browser: the cells of a page can no longer be told from its other parts": lambda: (
        'nb_element="cell_code"' in inspect.getsource(myst_nb.core.render)
    ),
}


@pytest.mark.parametrize("lost", USED)
def test_name_is_there(lost):
    assert USED[lost](), f"an upgrade took it away: {lost}"
