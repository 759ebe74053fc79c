"""Train convolutional networks with an L2 penalty, for chapter 13, into ``convolution.json``.

Run as ``python chapters/_data/convolution.py``; it takes some minutes. The digits are those of ``mnist.py``
beside it. ``tests/chapters/test_data.py`` checks the layers' derivatives and trains a network anew.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from npfl.data import Part, Parts
from npfl.initializers import he_uniform
from npfl.layers import Activation, Dense, Layer
from npfl.losses import SparseCategoricalCrossentropy
from npfl.models import Sequential
from npfl.optimizers import SGD
from npfl.regularizers import L2

STORED = Path(__file__).with_suffix(".json")
STRENGTHS = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
STEPS, SHORT, BATCH, RATE, MOMENTUM = 1500, 60, 50, 0.02, 0.9
loss = SparseCategoricalCrossentropy(from_logits=True)


class Convolution(Layer):
    """Slide a window over pictures and multiply what it shows by the same kernel everywhere.

    A picture is a row: `side` times `side` places, each with its channels. The kernel has a row for each
    channel of each place of the window, and a column for each channel of the result.
    """

    def __init__(self, side: int, channels: int, window: int, units: int, rng: Generator) -> None:
        inside = window * window * channels
        super().__init__([he_uniform(inside, units, rng, np.float32), np.zeros(units, np.float32)])
        self.side, self.channels, self.window, self.units = side, channels, window, units

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the results at all places where the window fits, as rows again."""
        kernel, bias = self.parameters
        pictures = np.reshape(x, (-1, self.side, self.side, self.channels)).astype(np.float32, copy=False)
        windows = np.lib.stride_tricks.sliding_window_view(pictures, (self.window, self.window), axis=(1, 2))
        # They come as (B, down, right, channel, y, x).
        self._windows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, len(kernel))
        y = (self._windows @ kernel + bias).reshape(len(pictures), -1)
        self._output_shape = y.shape
        return y

    def backward(self, dy: ArrayLike) -> NDArray:
        dy = self._derivative(dy).reshape(-1, self.units)
        self.gradients[0][...] = self._windows.T @ dy
        self.gradients[1][...] = dy.sum(axis=0)
        window, places = self.window, self.side - self.window + 1
        back = (dy @ self.parameters[0].T).reshape(-1, places, places, window, window, self.channels)
        dx = np.zeros((len(back), self.side, self.side, self.channels), np.float32)
        for down in range(window):  # a pixel lies in several windows
            for right in range(window):
                dx[:, down : down + places, right : right + places] += back[:, :, :, down, right]
        return dx.reshape(len(back), -1)


class MaxPooling(Layer):
    """Keep the largest of each square of two times two places, for each channel."""

    def __init__(self, side: int, channels: int) -> None:
        super().__init__()
        self.shape = (-1, side // 2, 2, side // 2, 2, channels)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the largest values, as rows again."""
        squares = np.reshape(x, self.shape)
        largest = squares.max(axis=(2, 4), keepdims=True)
        self._chosen = squares == largest
        y = largest.reshape(len(squares), -1)
        self._output_shape = y.shape
        return y

    def backward(self, dy: ArrayLike) -> NDArray:
        n, half, _, _, _, channels = self._chosen.shape
        dx = self._chosen * self._derivative(dy).reshape(n, half, 1, half, 1, channels)
        return dx.reshape(n, -1)


def build(rng: Generator) -> Sequential:
    """Return two convolutions, each with a ReLU and pooling, and a dense layer of 256 values."""
    return Sequential(
        [
            Convolution(28, 1, 5, 8, rng),
            Activation("relu"),
            MaxPooling(24, 8),
            Convolution(12, 8, 5, 16, rng),
            Activation("relu"),
            MaxPooling(8, 16),
            Dense(256, 10, rng, dtype=np.float32),
        ]
    )


def train(part: Part, seed: int, strength: float, steps: int = STEPS) -> Sequential:
    """Train one network with an L2 penalty on its three kernels."""
    rng = np.random.default_rng(seed)
    model, optimizer, penalty = build(rng), SGD(RATE, momentum=MOMENTUM), L2(strength)
    batches = len(part.x) // BATCH
    for step in range(steps):
        if step % batches == 0:
            order = rng.permutation(len(part.x))
        chosen = order[step % batches * BATCH :][:BATCH]
        model.backward(loss.gradient(part.y[chosen], model.forward(part.x[chosen], training=True)))
        for parameter, gradient in zip(model.parameters, model.gradients, strict=True):
            if parameter.ndim == 2:
                gradient += penalty.gradient(parameter)
        optimizer.update([model.vector], [model.gradient_vector])
    return model


def try_out(three: Parts, seed: int, strength: float, steps: int = STEPS) -> dict[str, Any]:
    """Train on the first part; return accuracy and NLL on all three, and the length of the kernels."""
    model = train(three.train, seed, strength, steps)
    found: dict[str, Any] = {}
    for name, (x, y) in zip(("training", "validation", "test"), three, strict=True):
        z = model.forward(x)
        found[name] = [round(float(value), 4) for value in (np.mean(z.argmax(axis=1) == y), loss(y, z))]
    kernels = [parameter for parameter in model.parameters if parameter.ndim == 2]
    found["length"] = round(float(np.sqrt(sum(np.sum(kernel**2) for kernel in kernels))), 2)
    return found


def load() -> Any:
    """Return what is stored."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def main() -> None:
    """Train all networks."""
    from mnist import SPLITS, parts

    stored: dict[str, Any] = {"short": try_out(parts(1), 100, 1e-3, steps=SHORT)}
    for strength in STRENGTHS:
        stored[f"{strength:g}"] = [try_out(parts(number), 100 * number, strength) for number in range(SPLITS)]
        print(strength, stored[f"{strength:g}"], flush=True)
    beside = STORED.with_suffix(".part")
    beside.write_text(json.dumps(stored) + "\n", encoding="utf-8")
    beside.replace(STORED)


if __name__ == "__main__":
    main()
