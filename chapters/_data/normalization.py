"""Train networks with and without normalization for the chapter on it, into ``normalization.json``.

Run as ``python chapters/_data/normalization.py``; it takes about a minute. ``tests/chapters/test_data.py``
trains some of them anew and compares.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from npfl.data import digits
from npfl.initializers import he_uniform
from npfl.layers import Activation, BatchNormalization, Dense, Layer, LayerNormalization
from npfl.losses import SparseCategoricalCrossentropy
from npfl.models import Sequential
from npfl.optimizers import SGD

STORED = Path(__file__).with_suffix(".json")
SIZES = [64, 64, 64, 64, 10]
STEPS, NOTED = 300, 10
LAYERS: dict[str, Any] = {
    "none": None,
    "batch": lambda width: BatchNormalization(width, momentum=0.9),
    "layer": LayerNormalization,
}
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
BATCHES = (2, 4, 8, 32, 128)
SEEDS = range(5)

parts = digits(np.random.default_rng(23), validation=180, test=1417)
center, scale = parts.train.x.mean(), parts.train.x.std()
X, Y = (parts.train.x - center) / scale, parts.train.y
X_TEST, Y_TEST = (parts.test.x - center) / scale, parts.test.y
loss = SparseCategoricalCrossentropy(from_logits=True)


def build(kind: str, seed: int) -> Sequential:
    """Make a network of three hidden layers, each dense, normalized or not, and ReLU."""
    rng, layers = np.random.default_rng(seed), list[Layer]()
    for inputs, outputs in pairwise(SIZES):
        layers.append(Dense(inputs, outputs, rng, initializer=he_uniform))
        if outputs != SIZES[-1]:
            layers += [LAYERS[kind](outputs)] if LAYERS[kind] else []
            layers.append(Activation("relu"))
    return Sequential(layers)


def run(kind: str, rate: float, batch: int, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """Train one network; return its losses on the training set and its accuracy on the test set."""
    model, optimizer, losses = build(kind, seed), SGD(rate), []
    rng = np.random.default_rng(100 + seed)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            if step % NOTED == 0:
                losses.append(float(loss(Y, model.forward(X))))
            chosen = rng.choice(len(X), batch, replace=False)
            model.backward(loss.gradient(Y[chosen], model.forward(X[chosen], training=True)))
            optimizer.update([model.vector], [model.gradient_vector])
        right = np.argmax(model.forward(X_TEST), axis=1) == Y_TEST
    return {"losses": [float(f"{value:.3g}") for value in losses], "accuracy": round(float(right.mean()), 4)}


def load() -> Any:
    """Return what is stored: a list of five runs, one for each seed, by kind, rate and batch size."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def main() -> None:
    """Train all networks."""
    choices = [(kind, rate, 32) for kind in LAYERS for rate in RATES]
    choices += [(kind, 0.1, batch) for kind in LAYERS for batch in BATCHES if batch != 32]
    found = {}
    for kind, rate, batch in choices:
        runs = [run(kind, rate, batch, seed) for seed in SEEDS]
        found[f"{kind}, {rate:g}, {batch}"] = runs
        print(kind, rate, batch, [r["losses"][-1] for r in runs], [r["accuracy"] for r in runs], flush=True)
    beside = STORED.with_suffix(".part")
    beside.write_text(json.dumps(found, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(STORED)


if __name__ == "__main__":
    main()
