r"""Questions that the reader answers before moving a figure, and the explanation that then unfolds.

In a chapter, before the figure::

    ```{predict}
    1. Can the border ever bend if there is only one hidden unit?
       - yes
       - [x] no
    2. How many weights does the convolution have?
       = 3
    3. Why does it become steadier with time?
    ```

and behind it the explanation, in ``:::{explained}``. A question has answers to choose from, one of them with
``[x]``, or a number, or is only to be thought about. The script hides the explanation (``predict.js``):
without JavaScript it stands open.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from npfl_book.directives.elements import element

QUESTION = re.compile(r"^\d+\. ", re.M)
ANSWER = re.compile(r"(?P<kind>-|=) +(?P<right>\[x\] )?(?P<text>.+)")


class Predict(SphinxDirective):
    """The directive ``predict``."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Turn the numbered questions into a list of small forms."""
        text = "\n".join(self.content).strip()
        before, *questions = QUESTION.split(text)
        if before or not questions:
            raise self.error("a prediction has numbered questions, '1. ...'")
        items = [element("li", *self.form(question)) for question in questions]
        return [element("ol", *items, class_="npfl-predict")]

    def form(self, source: str) -> list[nodes.Node]:
        """Make the form of one question."""
        question, *lines = (line.strip() for line in source.strip().splitlines())
        asked = self.inline(question)
        if not lines:
            return asked
        found = [ANSWER.fullmatch(line) for line in lines]
        answers = [match for match in found if match]
        right = [i for i, match in enumerate(answers) if match["right"]]
        number = len(found) == 1 and answers and answers[0]["kind"] == "="
        chosen = len(answers) == len(found) > 1 and len(right) == 1 and {a["kind"] for a in answers} == {"-"}
        if not number and not chosen:
            raise self.error(
                f"the answers to '{question}' are lines '- text', one of them '- [x] text', or "
                "one line '= number'"
            )
        name = f"{self.env.docname}-predict-{self.env.new_serialno('predict')}".replace("/", "-")
        if number:
            try:
                float(answers[0]["text"])
            except ValueError:
                raise self.error(f"the answer to '{question}' is no number: {answers[0]['text']}") from None
            field = element("input", type="number", step="any", autocomplete="off")
            field["ids"].append(name)
            label = element("label", *asked, for_=name)
            return [element("div", label, field, class_="number", data_right=answers[0]["text"]), said()]
        rows = [
            element(
                "label",
                element("input", type="radio", name=name, value=str(i), autocomplete="off"),
                element("span", *self.parse_inline(answer["text"])[0]),
            )
            for i, answer in enumerate(answers)
        ]
        group = element("div", *rows, class_="npfl-choice", role="radiogroup", aria_labelledby=name)
        title = element("div", *asked)
        title["ids"].append(name)
        return [title, element("div", group, data_right=str(right[0])), said()]

    def inline(self, text: str) -> list[nodes.Node]:
        """Parse text with emphasis, code, mathematics and references."""
        children, messages = self.parse_inline(text)
        return [nodes.inline("", "", *children), *messages]


def said() -> nodes.Node:
    """Make the place for what the reader has said, and what it is."""
    return element("p", class_="said", role="status")


class Explained(SphinxDirective):
    """The directive ``explained``."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Put the text into a container."""
        box = nodes.container(classes=["npfl-explained"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


def setup(app: Sphinx) -> dict:
    """Register the directives; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_directive("predict", Predict)
    app.add_directive("explained", Explained)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
