"""The network of the first page, which learns while it is looked at: ``{learning-network}``.

The page holds the points, the weights at the start, and a picture of the network that gradient descent makes
of them in some steps, drawn with npfl. The script of the page takes the same steps (``learning.js``).
"""

import json

import numpy as np
from docutils import nodes
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from npfl.activations import sigmoid
from npfl.data import two_moons
from npfl.explore.svg import pack, serialize, tree
from npfl.figures import COLORS, shade
from npfl.losses import BinaryCrossentropy
from npfl.models import Sequential, mlp
from npfl.optimizers import SGD
from npfl_book.directives.elements import element

POINTS = 100
HIDDEN = 8
RATE = 1.0
STEPS = 400  # of the picture, and where less motion is asked for
VIEW = {"left": -1.7, "right": 2.7, "bottom": -1.0, "top": 1.5}
NAMES = {0: "derivative", 1: "model"}
ALT = (
    "Two interlocking half moons of points, and the regions that a network gives to each class; their border "
    "is straight at first and winds between the moons as the network learns."
)
# The rows of buttons: name, label, values, the first one chosen.
CHOICES = [
    ("class", "a click adds", {"1": "a disc", "0": "a cross"}, "1"),
    ("units", "hidden units", {n: n for n in ("1", "2", "4", "8")}, str(HIDDEN)),
    ("activation", "activation", {name: name for name in ("tanh", "ReLU", "sigmoid")}, "tanh"),
    ("rate", "learning rate", {rate: rate for rate in ("0.1", "0.3", "1", "3", "10")}, f"{RATE:g}"),
]


def given() -> dict:
    """Return what the script starts from: points, weights, the part of the plane that is seen."""
    x, y = two_moons(POINTS, np.random.default_rng(1), noise=0.12)
    rng = np.random.default_rng(2)
    w1 = rng.normal(0, 2**-0.5, (2, HIDDEN))
    w2 = rng.normal(0, HIDDEN**-0.5, (HIDDEN, 1))
    start = {"W1": w1.ravel(), "b1": np.zeros(HIDDEN), "W2": w2.ravel(), "b2": np.zeros(1)}
    return {
        "points": [[*point, int(label)] for point, label in zip(x.round(2).tolist(), y, strict=True)],
        "start": {name: array.round(3).tolist() for name, array in start.items()},
        "view": VIEW,
        "steps": STEPS,
    }


def train(given: dict, steps: int, activation: str = "tanh", rate: float = RATE) -> Sequential:
    """Train a network from the given weights on all the given points, and return it."""
    points = np.array(given["points"])
    x, y = points[:, :2], points[:, 2:]
    start, loss = given["start"], BinaryCrossentropy(from_logits=True)
    hidden = len(start["b1"])
    model = mlp([2, hidden, 1], np.random.default_rng(0), activation)
    model.set_weights(
        [np.reshape(start["W1"], (2, hidden)), start["b1"], np.reshape(start["W2"], (-1, 1)), start["b2"]]
    )
    optimizer = SGD(learning_rate=rate)
    for _ in range(steps):
        model.backward(loss.gradient(y, model.forward(x)))
        optimizer.update([model.vector], [model.gradient_vector])
    return model


def draw(given: dict) -> str:
    """Draw what the network says of the plane when the picture begins, as SVG."""
    model = train(given, given["steps"])
    left, right, bottom, top = VIEW.values()
    across, up = np.linspace(left, right, 140), np.linspace(bottom, top, 80)
    share = 2 * sigmoid(model(np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2))).reshape(80, 140) - 1
    figure = Figure(figsize=(4.4, 2.5), facecolor="none")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    for which, name in NAMES.items():
        opacity = 0.47 * np.clip(share if which else -share, 0, 1)
        shade(axis, name, opacity, extent=(left, right, bottom, top), origin="lower", aspect="auto")
    x, y, label = np.array(given["points"]).T
    axis.scatter(x[label == 1], y[label == 1], s=12, marker="o", color=COLORS[NAMES[1]], linewidth=0)
    axis.scatter(x[label == 0], y[label == 0], s=11, marker="x", linewidth=0.9, color=COLORS[NAMES[0]])
    axis.set(xlim=(left, right), ylim=(bottom, top))
    svg = tree(figure)
    pack(svg)
    return serialize(svg)


def row(name: str, label: str, values: dict[str, str], first: str) -> str:
    """Write a row of buttons."""
    buttons = "".join(
        f'<label><input type="radio" name="learning-{name}" value="{value}" autocomplete="off"'
        f"{' checked' if value == first else ''}><span>{text}</span></label>"
        for value, text in values.items()
    )
    return (
        f'<span class="npfl-label" id="learning-{name}">{label}</span>'
        f'<div class="npfl-choice" role="radiogroup" aria-labelledby="learning-{name}">{buttons}</div>'
    )


class LearningNetwork(SphinxDirective):
    """The directive ``learning-network``."""

    def run(self) -> list[nodes.Node]:
        """Put the picture, the controls and what the script starts from into the page."""
        start = given()
        controls = "".join(row(*choice) for choice in CHOICES)
        names = {"run": "Pause", "anew": "Start anew", "clear": "Clear the points"}
        buttons = "".join(
            f'<button type="button" name="{name}">{text}</button>' for name, text in names.items()
        )
        parts = [
            f'<div class="picture npfl-picture" role="img" aria-label="{ALT}">{draw(start)}</div>',
            '<div class="line pst-js-only d-print-none"><p class="says">Step 0</p>',
            '<svg class="loss" viewBox="0 0 120 32" role="img" aria-label="The loss so far, step by step.">'
            '<path d="M0 31.5H120"/><polyline/></svg></div>',
            '<fieldset class="npfl-controls pst-js-only d-print-none" disabled '
            'aria-label="Controls of the network">'
            f'{controls}<div class="npfl-buttons">{buttons}</div></fieldset>',
            f'<script type="application/json">{json.dumps(start, separators=(",", ":"))}</script>',
        ]
        return [element("div", nodes.raw("", "".join(parts), format="html"), class_="npfl-learning")]


def setup(app: Sphinx) -> dict:
    """Register the directive; called by Sphinx."""
    app.setup_extension("npfl_book.directives.elements")
    app.add_directive("learning-network", LearningNetwork)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
