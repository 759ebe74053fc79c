r"""A short question that the reader answers in code, which runs in the page with checks.

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

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from npfl_book.browser import needs
from npfl_book.directives.elements import element

# Between the answer that the reader starts from and the checks.
LINE = re.compile(r"\n---+\n")


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
        (lacks,) = needs.lacking(["\n".join(parts)], set(self.config.npfl_practice.get("modules", ())))
        start, checks = (nodes.literal_block(part, part, language="python") for part in parts)
        question, messages = self.parse_inline(self.arguments[0])
        return [
            element(
                "section",
                element("p", nodes.strong("", "Write it yourself. "), *question, class_="question"),
                element("div", start, class_="start"),
                element("details", element("summary", nodes.Text("What is checked")), checks),
                class_="npfl-practice",
                data_lacks=needs.NAMES.get(lacks, lacks),
                aria_label=f"Practice question {self.env.new_serialno('practice') + 1}",
            ),
            *messages,
        ]


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_directive("practice", Practice)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
