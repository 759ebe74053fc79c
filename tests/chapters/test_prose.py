"""The check of the prose finds what it should, and leaves code and formulas alone."""

import re
from pathlib import Path

import pytest

from npfl_book import prose

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text",
    [
        "This is simply wrong.",
        "the the loss",
        "It doesn't fall.",
        "We’ll see.",
        "the color gold",
        "a  gap",
        "a mark , misplaced",
        "see E35",
        "It is 0 exactly if both are.",
        "the derivative by the logits",
        "It stands in the place of the other.",
        ":::{dropdown} Simply\n:::",
        "```{checkpoint} Obviously?\n- [x] yes :: yes\n```",
    ],
)
def test_complains(text):
    assert [line for line, *_ in prose.complaints(f"first line\n\n{text}\n")] == [3]


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.md")), ids=lambda path: path.stem)
def test_no_fence_is_lost(path):
    # A backtick in its first line makes a fence plain text, without a warning, up to the next fence.
    lost = re.findall(r"^```+\{.*\}.*`.*$", path.read_text(encoding="utf-8"), re.M)
    assert not lost


@pytest.mark.parametrize(
    "text",
    [
        "A plain sentence: the gold one, and the other one.",
        "```{code-cell} python\ncolor = 'simply'  # doesn't\n```",
        "`color` and $E35  x$ and [text](simply.md)",
        "$$\nx  simply , y\n$$ (eq-simply)",
        "---\ntitle: simply\n---\n\ntext",
        "1. It is.\n2. So.",
        "The derivative, found by the chain rule, is divided by the weights.",
    ],
)
def test_leaves_alone(text):
    assert prose.complaints(text) == []
