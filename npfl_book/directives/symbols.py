r"""The index of symbols: each symbol of the page on notation, with the section that introduces it.

In a page::

    ```{symbols}
    $K$ :: 01-putting-it-together.md#a-whole-network
    ```

Before the ``::`` stands the first cell of a row of the notation, behind it the place, as in a link. A symbol
without a place, and a place without a symbol, stop the build.
"""

from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NOTATION = "chapters/notation"


class Symbols(SphinxDirective):
    """The directive ``symbols``."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make a table of symbol, meaning and place, in the order of the places."""
        path = Path(self.env.doc2path(NOTATION))
        self.env.note_dependency(str(path))
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| $")]
        meanings = {symbol: meaning for symbol, meaning, *_ in rows}
        places = dict(line.split(" :: ") for line in self.content if " :: " in line)
        wrong = [f"{symbol} has no place here" for symbol in sorted(meanings.keys() - places)]
        wrong += [f"{symbol} is not in {path.name}" for symbol in sorted(places.keys() - meanings)]
        if wrong:
            raise self.error(f"symbols and notation differ, mend one of them: {'; '.join(wrong)}")
        table = ["| Symbol | Meaning | Introduced in |", "|---|---|---|"]
        table += [f"| {symbol} | {meanings[symbol]} | []({place}) |" for symbol, place in places.items()]
        parent = nodes.Element()
        self.state.nested_parse(StringList(table), self.content_offset, parent)
        return parent.children


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.add_directive("symbols", Symbols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
