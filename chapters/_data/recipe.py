"""Try the default strategy of chapter 13, item by item, into ``recipe.json``.

Run as ``python chapters/_data/recipe.py``; it takes some minutes. ``tests/chapters/test_data.py`` trains some
of the networks anew and compares.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npfl.activations import softmax
from npfl.augmentation import translate
from npfl.data import Part, digits, one_hot
from npfl.ensembles import average_probabilities
from npfl.losses import CategoricalCrossentropy
from npfl.models import Sequential, mlp
from npfl.optimizers import Adam

STORED = Path(__file__).with_suffix(".json")
SPLITS = [digits(np.random.default_rng(seed), validation=180, test=1417) for seed in range(4)]
STEPS, BATCH = 1000, 50
ITEMS: dict[str, dict[str, Any]] = {
    "shifts": {"shifts": True},
    "dropout": {"dropout": 0.3},
    "smoothing": {"smoothing": 0.1},
    "ensemble": {"members": 3},
}
RATES, SIZES = (0.0, 0.3, 0.5, 0.7), (8, 32, 128)


def train(
    part: Part,
    seed: int,
    hidden: int = 128,
    dropout: float = 0.0,
    smoothing: float = 0.0,
    shifts: bool = False,
    steps: int = STEPS,
) -> Sequential:
    """Train one network; with shifts, each digit of each batch is moved by up to one pixel each way."""
    rng = np.random.default_rng(seed)
    model = mlp([64, hidden, 10], rng, dropout=dropout, dtype=np.float32)
    loss = CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    optimizer, gold = Adam(0.002), one_hot(part.y, 10)
    for step in range(steps):
        if step % (len(part.x) // BATCH) == 0:
            order = rng.permutation(len(part.x))
        chosen = order[step % (len(part.x) // BATCH) * BATCH :][:BATCH]
        x = part.x[chosen]
        if shifts:
            moved = [translate(image, *rng.uniform(-1, 1, 2)) for image in x.reshape(-1, 8, 8)]
            x = np.reshape(moved, (-1, 64))
        outputs = model.forward(x.astype(np.float32), training=True)
        model.backward(loss.gradient(gold[chosen], outputs))
        optimizer.update([model.vector], [model.gradient_vector])
    return model


def accuracy(o: NDArray, y: NDArray) -> float:
    """Return the share of right predictions."""
    return round(float(np.mean(o.argmax(axis=-1) == y)), 4)


def try_out(split: int, items: tuple[str, ...]) -> dict[str, float]:
    """Train with some items of the list on a split; return the accuracy on its three parts."""
    options: dict[str, Any] = {}
    for item in items:
        options |= ITEMS[item]
    members = options.pop("members", 1)
    models = [train(SPLITS[split].train, 10 * split + i, **options) for i in range(members)]
    found = {}
    for name, part in zip(("training", "validation", "test"), SPLITS[split], strict=True):
        outputs = average_probabilities([softmax(model.forward(part.x)) for model in models])
        found[name] = accuracy(outputs, part.y)
    return found


def combinations() -> list[tuple[str, ...]]:
    """Return what is tried: nothing, each item alone, one after the other, and all but one."""
    items = tuple(ITEMS)
    found = [(), *((item,) for item in items)]
    found += [items[:count] for count in range(2, len(items) + 1)]
    found += [tuple(item for item in items if item != left_out) for left_out in items]
    return list(dict.fromkeys(found))


def load() -> Any:
    """Return what is stored."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def main() -> None:
    """Train all networks."""
    recipe = {}
    for items in combinations():
        recipe["+".join(items)] = [try_out(split, items) for split in range(len(SPLITS))]
        print(items, [found["test"] for found in recipe["+".join(items)]], flush=True)
    sizes = {}
    for hidden in SIZES:
        for rate in RATES:
            models = [train(split.train, 10 * s, hidden, rate) for s, split in enumerate(SPLITS)]
            sizes[f"{hidden}, {rate:g}"] = [
                [accuracy(m.forward(part.x), part.y) for m, part in zip(models, parts, strict=True)]
                for parts in ([split.train for split in SPLITS], [split.test for split in SPLITS])
            ]
            print(hidden, rate, sizes[f"{hidden}, {rate:g}"], flush=True)
    beside = STORED.with_suffix(".part")
    beside.write_text(json.dumps({"recipe": recipe, "dropout": sizes}) + "\n", encoding="utf-8")
    beside.replace(STORED)


if __name__ == "__main__":
    main()
