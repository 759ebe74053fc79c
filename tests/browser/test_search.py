"""The search: what a reader asks in words leads to the right section."""

import json
import re

import pytest
from playwright.sync_api import expect

# What readers ask, and the beginnings of the addresses that answer it: one must be among the first three.
RIGHT = {
    "what is F1": ["03c-f-score-and-bleu.html#precision-recall-f-score", "glossary.html#term-F-score"],
    "Xavier initialization": ["glossary.html#term-Glorot-initialization", "15-initialization.html"],
    "dying ReLU": ["glossary.html#term-dead-unit", "14-convergence.html"],
    "weight decay": ["glossary.html#term-weight-decay"],
    "weight decay vs L2": ["07-l2.html#weight-decay-is-not-always-an-l2-penalty"],
    "what is a logit": ["glossary.html#term-logit"],
    "what is batch size": ["01c-steps.html#the-batch-size"],
    "cross entropy": ["glossary.html#term-cross-entropy", "03-losses-and-metrics.html#losses-for-classes"],
    "why divide by 1-p in dropout": ["11-dropout.html#training-inference"],
    "overfitting": ["glossary.html#term-overfitting"],
    "learning rate too high": ["01c-steps.html#the-learning-rate"],
    "vanishing gradient": ["glossary.html#term-vanishing-gradient"],
    "clipnorm": ["16-gradient-clipping.html#by-value-by-norm"],
    "exploding gradients": ["glossary.html#term-exploding-gradient", "16a-exploding-gradients.html"],
    "softmax overflow": [
        "05-softmax-derivative.html#a-batch-and-large-scores",
        "03a-losses-in-a-program.html#logits-or-probabilities",
    ],
    "derivative of softmax": ["05-softmax-derivative.html"],
    "how does Adam work": ["glossary.html#term-Adam", "02b-optimizers.html#rmsprop-and-adam"],
    "difference between Adam and AdamW": ["02b-optimizers.html#weight-decay-sgdw-and-adamw"],
    "momentum": ["glossary.html#term-momentum", "02b-optimizers.html#sgd-and-momentum"],
    "how do I check my gradient": [
        "glossary.html#term-gradient-check",
        "05-softmax-derivative.html#check-it-with-numbers",
    ],
    "batch norm at inference time": ["02c-normalization.html#training-and-inference"],
    "layer norm vs batch norm": ["02c-normalization.html#three-normalizations"],
    "why not initialize all weights to zero": ["15-initialization.html#"],
    "he initialization for relu": [
        "glossary.html#term-He-initialization",
        "15b-healthy-networks.html#relu-needs-twice-the-variance",
    ],
    "when to stop training": ["06b-early-stopping.html"],
    "patience": ["06b-early-stopping.html#"],
    "lasso": ["08-l1.html", "08b-l1-path.html"],
    "ridge regression": ["07-l2.html", "07b-l2-contours.html"],
    "temperature scaling": ["12b-calibration.html#a-single-number-repairs-it"],
    "expected calibration error": ["glossary.html#term-expected-calibration-error"],
    "why use log likelihood": [
        "07c-map.html#from-maximum-likelihood",
        "glossary.html#term-maximum-likelihood-estimation",
    ],
    "mean squared error gaussian": ["04-mse-derivative.html#where-the-square-comes-from"],
    "precision and recall": ["03c-f-score-and-bleu.html#precision-recall-f-score"],
    "BLEU brevity penalty": ["03c-f-score-and-bleu.html#bleu"],
    "inverted dropout": ["11-dropout.html#training-inference"],
    "mixup lambda beta distribution": ["09b-mixup.html#"],
    "double descent": ["06-regularization.html#more-parameters-than-examples"],
    "backprop through a dense layer": ["01c-steps.html#backward-through-a-layer"],
    "how many parameters does a network have": ["01-putting-it-together.html#a-whole-network"],
    "soft labels": ["12-label-smoothing.html"],
    "perceptron": ["glossary.html#term-unit", "01-putting-it-together.html#"],
    "imbalanced classes": ["03c-f-score-and-bleu.html#precision-recall-f-score"],
    "train/validation/test split": ["01-putting-it-together.html#three-parts-of-the-data"],
    "sparse weights": ["08-l1.html"],
    "sample weights": ["03b-metrics.html#weights"],
    "regression output layer": ["02-from-the-1990s.html#outputs-and-losses"],
}
ASK = """async (questions) => {
    const static_ = new URL("_static/", location.href);
    const {open, excerpt} = await import(new URL("find.js", static_).href);
    const entries = await fetch(new URL("search-index.json", static_)).then((found) => found.json());
    const find = await open(entries);
    return questions.map((question) => find(question, 100).map((hit, place) => ({
        address: hit.address.replace("chapters/", ""), kind: hit.kind, said: place < 3 ? excerpt(hit) : [],
    })));
}"""


@pytest.fixture(scope="session")
def answers(browser, address):
    """Return what is found for each question, and for some more."""
    page = browser.new_page()
    page.goto(f"{address}/search.html")
    questions = [*RIGHT, "categorical cross-entropy", "zebra", "the of", "loss"]
    found = dict(zip(questions, page.evaluate(ASK, questions), strict=True))
    page.close()
    return found


@pytest.mark.parametrize("question", RIGHT)
def test_right_section_is_among_the_first_three(answers, question):
    first = [hit["address"] for hit in answers[question][:3]]
    assert any(place.startswith(tuple(RIGHT[question])) for place in first), first


def test_results_are_in_order(answers):
    # The reference of the package comes last, and where nothing fits, nothing is shown.
    kinds = [hit["kind"] for hit in answers["categorical cross-entropy"]]
    assert "reference" in kinds
    assert "reference" not in kinds[:3]
    assert answers["zebra"] == []
    assert answers["loss"][0]["address"] == "glossary.html#term-loss"


def test_excerpts_are_clean(answers):
    """Whole words, the sought ones marked, and no formula as it is written in TeX."""
    for question in RIGHT:
        for hit in answers[question][:3]:
            text = "".join(part for part, _ in hit["said"])
            assert not re.search(r"\\[a-z]|\$|\{|\[ \]|\bfig-|\beq-", text), (question, text)
    assert any(sought for _, sought in answers["patience"][0]["said"])


def test_index_leads_only_to_places_that_exist(html):
    entries = json.loads((html / "_static" / "search-index.json").read_text(encoding="utf-8"))
    assert len(entries) > 500
    assert len({entry[0] for entry in entries}) == len(entries)
    pages = {}
    for place, *_ in entries:
        name, _, anchor = place.partition("#")
        text = pages.setdefault(name, (html / name).read_text(encoding="utf-8"))
        assert not anchor or f'id="{anchor}"' in text, place
    # Neither the answers to questions nor code is found; that no solution is, test_pages asks of all files.
    texts = " ".join(entry[4] for entry in entries)
    assert "it is the softmax of the scores" not in texts
    assert "np.tanh(X @" not in texts
    assert "interlocking half moons" not in texts


def test_results_come_while_the_reader_types(open_page):
    page = open_page("chapters/07-l2.html")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").press_sequentially("what is a logi")
    first = dialog.locator(".npfl-found a").first
    expect(first).to_have_text("logit")
    expect(dialog.locator(".npfl-found mark").first).to_be_visible()
    first.click()
    page.wait_for_url(re.compile(r"/chapters/glossary\.html#term-logit$"))


def test_search_page_answers_and_says_when_nothing_fits(open_page):
    page = open_page("search.html?q=dropout")
    expect(page.locator("main .npfl-found a").first).to_have_text("dropout")
    page.locator("main input").fill("zebra")
    expect(page.locator("main").get_by_role("status")).to_have_text(re.compile("^Nothing found"))
    page.locator("main input").fill("xavier")
    page.keyboard.press("Enter")
    expect(page.locator("main .npfl-found a").first).to_have_text("Glorot initialization")
    assert page.url.endswith("?q=xavier")
