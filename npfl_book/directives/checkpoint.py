r"""A question that the reader answers in the page: native controls, feedback for every answer, no server.

In a chapter::

    ```{checkpoint} What does the derivative of the loss by the logits add up to?
    - [x] 0 :: Yes: the probabilities and the gold distribution both add up to 1.
    - [ ] 1 :: The probabilities do, but the gold distribution is subtracted from them.
    ```

One ``[x]`` makes radio buttons, several make checkboxes. Without JavaScript the answer can be unfolded.
The order of the answers is drawn, the same in every build: authors like to put the right one second.
"""

import hashlib
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from npfl_book.directives.elements import element

# Another one draws all orders anew: where the tests say that a page gives its answers away by their place.
SEED = 97
OPTION = re.compile(r"-\s*\[(?P<right>[ x])\]\s*(?P<text>.+?)\s+::\s+(?P<why>.+)")


class Checkpoint(SphinxDirective):
    """The directive ``checkpoint``."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Turn the list of answers into a fieldset."""
        options = []
        for item in self.items():
            option = OPTION.fullmatch(" ".join(item.split()))
            if option is None:
                raise self.error(
                    "every answer of a checkpoint reads '- [ ] text :: feedback' or '- [x] text :: feedback'"
                )
            options.append(option)
        options.sort(key=lambda option: draw(self.arguments[0], option["text"]))
        right = [option["right"] == "x" for option in options]
        if len(options) < 2 or not any(right) or all(right):
            raise self.error("a checkpoint needs at least one right answer [x] and one wrong answer [ ]")
        kind = "checkbox" if sum(right) > 1 else "radio"
        name = f"{self.env.docname}-{self.env.new_serialno('checkpoint')}".replace("/", "-")
        rows = [
            element(
                "div",
                element(
                    "label",
                    element(
                        "input", type=kind, name=name, value="right" if option["right"] == "x" else "wrong"
                    ),
                    element("span", nodes.Text(f"{letter}. "), *self.inline(option["text"])),
                ),
                element("div", *self.inline(option["why"]), class_="why", hidden="hidden"),
                class_="answer",
            )
            for letter, option in zip("ABCDEFGH", options, strict=False)
        ]
        answers = [
            element(
                "p", nodes.Text(f"{letter}. "), *self.inline(f"{option['text'].rstrip('.')}: {option['why']}")
            )
            for letter, option in zip("ABCDEFGH", options, strict=False)
            if option["right"] == "x"
        ]
        return [
            element(
                "fieldset",
                element("legend", *self.inline(self.arguments[0])),
                *rows,
                element("button", nodes.Text("Check"), type="button", hidden="hidden"),
                element("div", role="status", class_="feedback"),
                element("details", element("summary", nodes.Text("Answer")), *answers),
                class_="npfl-checkpoint",
            )
        ]

    def items(self) -> list[str]:
        """Split the content into list items; a further line of an item is indented."""
        return re.split(r"\n(?=-)", "\n".join(self.content).strip())

    def inline(self, text: str) -> list[nodes.Node]:
        """Parse text with emphasis, code, mathematics and references."""
        children, messages = self.parse_inline(text)
        return [nodes.inline("", "", *children), *messages]


def draw(question: str, answer: str) -> bytes:
    """Return what an answer is sorted by."""
    return hashlib.sha256(" ".join(f"{SEED} {question} {answer}".split()).encode()).digest()


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_directive("checkpoint", Checkpoint)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
