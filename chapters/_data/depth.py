"""Train the deep networks of "Gradients in deep networks", and store what they did in ``depth.json``.

Run as ``python chapters/_data/depth.py``; it takes some minutes. ``tests/chapters/test_data.py`` trains a few
of them anew and compares.
"""

import json
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npfl.data import digits
from npfl.initializers import fan_in_uniform, glorot_uniform, he_uniform
from npfl.layers import Activation, BatchNormalization, Dense, Layer
from npfl.losses import SparseCategoricalCrossentropy
from npfl.optimizers import SGD, Adam, RMSProp

STORED = Path(__file__).with_suffix(".json")
WIDTH, BATCH, STEPS, NOTED = 32, 64, 240, 8
OPTIMIZERS = {"SGD": lambda: SGD(0.05), "RMSProp": lambda: RMSProp(0.003), "Adam": lambda: Adam(0.003)}
STRUCTURES = ("plain", "normalized", "residual")
INITIALIZERS = {"1/√n": fan_in_uniform, "Glorot, He": None}
ACTIVATIONS = {"sigmoid": glorot_uniform, "tanh": glorot_uniform, "relu": he_uniform}
DEPTHS = (4, 10)
SEEDS = range(3)

train = digits(np.random.default_rng(14)).train
X, Y = (train.x - train.x.mean()) / train.x.std(), train.y
mean_loss = SparseCategoricalCrossentropy(from_logits=True)


class Block:
    """A hidden layer: dense, normalized or not, with an activation, and added to its inputs or not."""

    def __init__(self, dense: Dense, activation: str, structure: str) -> None:
        self.layers: list[Layer] = [dense, Activation(activation)]
        if structure == "normalized":
            self.layers.insert(1, BatchNormalization(dense.kernel.shape[1]))
        self.adds = structure == "residual" and dense.kernel.shape[0] == dense.kernel.shape[1]

    def forward(self, x: NDArray) -> NDArray:
        """Return the values of the layer."""
        self.values = x
        for layer in self.layers:
            self.values = layer.forward(self.values, training=True)
        self.values = self.values + x if self.adds else self.values
        return self.values

    def backward(self, dy: NDArray) -> NDArray:
        """Set the gradients and return the derivative with respect to the inputs."""
        self.slope, dx = dy, dy
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dx + dy if self.adds else dx


class Network:
    """Blocks, and a dense layer for the logits."""

    def __init__(self, blocks: list[Block], last: Dense) -> None:
        self.blocks, self.last = blocks, last
        layers = [layer for block in blocks for layer in block.layers] + [last]
        self.layers = [layer for layer in layers if layer.parameters]

    @property
    def parameters(self) -> list[NDArray]:
        """All parameters."""
        return [array for layer in self.layers for array in layer.parameters]

    @property
    def gradients(self) -> list[NDArray]:
        """The derivatives of the loss with respect to them."""
        return [array for layer in self.layers for array in layer.gradients]

    def forward(self, x: NDArray) -> NDArray:
        """Return the logits, of normalized networks with the statistics of the batch."""
        for block in self.blocks:
            x = block.forward(x)
        return self.last.forward(x)

    def backward(self, dy: NDArray) -> None:
        """Set all gradients."""
        dy = self.last.backward(dy)
        for block in reversed(self.blocks):
            dy = block.backward(dy)


def build(activation: str, initialization: str, depth: int, structure: str, seed: int) -> Network:
    """Make a network whose hidden layers are blocks."""
    rng = np.random.default_rng(seed)
    initializer = INITIALIZERS[initialization] or ACTIVATIONS[activation]
    sizes = [X.shape[1]] + [WIDTH] * depth
    dense = [Dense(n, m, rng, initializer=initializer) for n, m in pairwise(sizes)]
    blocks = [Block(layer, activation, structure) for layer in dense]
    return Network(blocks, Dense(WIDTH, 10, rng, initializer=initializer))


def look_inside(model: Network) -> tuple[list[float], list[float]]:
    """Return by how much the values of each hidden layer differ between examples, and the size of dL/dh."""
    outputs = model.forward(X[:300])
    model.backward(mean_loss.gradient(Y[:300], outputs) * 300)
    spreads = [float(np.sqrt(block.values.var(axis=0).mean())) for block in model.blocks]
    return spreads, [float(np.sqrt(np.mean(block.slope**2))) for block in model.blocks]


def run(activation: str, initialization: str, depth: int, structure: str, optimizer: str, seed: int) -> Any:
    """Train one network; return its losses, and the norms of the gradients of its batches."""
    model, rule = build(activation, initialization, depth, structure, seed), OPTIMIZERS[optimizer]()
    rng, losses, norms = np.random.default_rng(100 + seed), [], []
    for step in range(STEPS + 1):
        if step % NOTED == 0:
            losses.append(mean_loss(Y, model.forward(X)))
        batch = rng.integers(len(X), size=BATCH)
        model.backward(mean_loss.gradient(Y[batch], model.forward(X[batch])))
        norms.append(np.sqrt(sum(np.sum(gradient**2) for gradient in model.gradients)))
        rule.update(model.parameters, model.gradients)
    return losses, norms


def all_networks() -> Any:
    """Return the choices of all networks."""
    return product(ACTIVATIONS, INITIALIZERS, DEPTHS, STRUCTURES)


def summary(activation: str, initialization: str, depth: int, structure: str) -> dict[str, Any]:
    """Return what is stored of one network: its layers before training, and its losses by optimizer."""
    spreads, slopes = look_inside(build(activation, initialization, depth, structure, 0))
    found: dict[str, Any] = {"differences": short(spreads), "gradients": short(slopes)}
    for optimizer in OPTIMIZERS:
        runs = [run(activation, initialization, depth, structure, optimizer, seed) for seed in SEEDS]
        found[optimizer] = [short(losses) for losses, _ in runs]
        # The longest gradient of the second half of the training, in units of the median.
        late = [norms[STEPS // 2 :] for _, norms in runs]
        found[f"{optimizer}, longest"] = short([max(norms) / np.median(norms) for norms in late])
    return found


def short(values: list[float]) -> list[float]:
    """Keep three digits."""
    return [float(f"{value:.3g}") for value in values]


def load() -> dict[str, Any]:
    """Return what is stored, by the choices of a network."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def main() -> None:
    """Train all networks."""
    found = {}
    for choices in all_networks():
        name = ", ".join(map(str, choices))
        found[name] = summary(*choices)
        print(name, {key: [losses[-1] for losses in found[name][key]] for key in OPTIMIZERS}, flush=True)
    beside = STORED.with_suffix(".part")
    beside.write_text(json.dumps(found, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(STORED)


if __name__ == "__main__":
    main()
