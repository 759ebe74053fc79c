r"""A figure that readers can also move by hand: ``{by-hand}``, behind the figure with the sliders.

In a chapter::

    ```{by-hand} outlier
    :figure: outlier
    :text: Drag the measurements
    {"values": [0.8, 1.0, 1.1, 1.3, 2.0], "delta": 0.5}
    ```

The argument names one of the drawings of ``drawings.js``, ``figure`` the figure whose place it takes when the
reader presses the button with the ``text``, and the content says what it starts from. Without JavaScript, on
paper and before the button is pressed there are the figure's frames.
"""

import json
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from npfl_book.directives.elements import element


class ByHand(SphinxDirective):
    """The directive ``by-hand``."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict] = {
        "figure": directives.unchanged_required,
        "text": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Put the button into the page, with what the drawing starts from."""
        if lacking := {"figure", "text"} - set(self.options):
            raise self.error(f"a figure moved by hand says its {' and '.join(sorted(lacking))}")
        try:
            given = json.loads("\n".join(self.content))
        except ValueError as error:
            raise self.error(f"what the drawing starts from is no JSON: {error}") from None
        button = element("button", nodes.Text(self.options["text"]), type="button", disabled="")
        return [
            element(
                "div",
                button,
                class_="npfl-hands pst-js-only d-print-none",
                data_figure=self.options["figure"],
                data_drawing=self.arguments[0],
                data_given=json.dumps(given, separators=(",", ":")),
            )
        ]


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_directive("by-hand", ByHand)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
