"""The place of a right answer says nothing: the pages' questions, as they are built."""

import re
from collections import Counter
from pathlib import Path

import pytest
from docutils import nodes

from npfl_book.directives.checkpoint import Checkpoint

CHAPTERS = Path(__file__).parents[2] / "chapters"
QUESTION = re.compile(r"^(`{3,})\{checkpoint\} (.+?)\n(.*?)^\1", re.M | re.S)
PAGES = {page.stem: QUESTION.findall(page.read_text("utf-8")) for page in sorted(CHAPTERS.glob("*.md"))}


class Built(Checkpoint):
    """A question outside of Sphinx: its text stays as it is written."""

    def __init__(self, question, content):
        self.arguments, self.content = [question], content.strip().split("\n")

    class env:
        docname = "page"

        @staticmethod
        def new_serialno(kind):
            return 0

    def inline(self, text):
        return [nodes.Text(text)]


def build(question, content):
    """Return the answers in the order of the page: text, feedback and whether it is right."""
    [fieldset] = Built(question, content).run()
    rows = [child for child in fieldset.children if child["html"].get("class") == "answer"]
    return [(row[0][1][1].astext(), row[1].astext(), row[0][0]["html"]["value"] == "right") for row in rows]


@pytest.mark.parametrize(("question", "content"), [found[1:] for page in PAGES.values() for found in page])
def test_each_answer_keeps_its_feedback(question, content):
    written = set()
    for item in re.split(r"\n(?=-)", content.strip()):
        mark, text, why = re.fullmatch(r"- \[([ x])\]\s+(.+?)\s+::\s+(.+)", " ".join(item.split())).groups()
        written.add((text, why, mark == "x"))
    assert set(build(question, content)) == written


def places(page):
    """Return the letters of the right answers to each question of a page."""
    return [
        "".join(letter for letter, answer in zip("ABCDEFGH", build(*found[1:]), strict=False) if answer[2])
        for found in PAGES[page]
    ]


@pytest.mark.parametrize("page", [page for page, found in PAGES.items() if len(found) > 2])
def test_no_page_gives_its_answers_away(page):
    found = places(page)
    assert Counter(found).most_common(1)[0][1] <= 0.8 * len(found), found


def test_all_places_are_about_as_frequent():
    keys = [found for page in PAGES for found in places(page) if len(found) == 1]
    shares = [keys.count(letter) / len(keys) for letter in "ABC"]
    assert min(shares) > 0.27
    assert max(shares) < 0.39


def test_the_order_is_the_same_in_every_build():
    question, content = PAGES["03a-losses-in-a-program"][0][1:]
    reverse = "\n".join(reversed(content.strip().split("\n")))
    assert build(question, reverse) == build(question, content)
