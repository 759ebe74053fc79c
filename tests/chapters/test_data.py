"""The stored results of trainings are what their programs compute: a few are computed anew."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "chapters" / "_data"


def program(name):
    spec = importlib.util.spec_from_file_location(f"stored_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


depth = program("depth")


def test_all_networks_are_stored():
    assert set(depth.load()) == {", ".join(map(str, choices)) for choices in depth.all_networks()}


@pytest.mark.parametrize("choices", list(depth.all_networks()), ids=str)
def test_layers_before_training(choices):
    stored = depth.load()[", ".join(map(str, choices))]
    differences, gradients = depth.look_inside(depth.build(*choices, seed=0))
    assert np.allclose(differences, stored["differences"], rtol=0.006)
    assert np.allclose(gradients, stored["gradients"], rtol=0.006)


@pytest.mark.parametrize("optimizer", depth.OPTIMIZERS)
@pytest.mark.parametrize("layers", depth.STRUCTURES)
def test_trainings(layers, optimizer, monkeypatch):
    monkeypatch.setattr(depth, "STEPS", 80)
    losses, _ = depth.run("sigmoid", "Glorot, He", 4, layers, optimizer, seed=1)
    stored = depth.load()[f"sigmoid, Glorot, He, 4, {layers}"][optimizer][1]
    # Sums in another order end elsewhere, but not far away.
    assert np.allclose(losses, stored[: len(losses)], rtol=0.02)


@pytest.mark.parametrize("layers", depth.STRUCTURES)
def test_gradients_of_a_block(layers):
    model = depth.build("tanh", "Glorot, He", 4, layers, seed=2)
    x, y = depth.X[:20], depth.Y[:20]

    def loss(vector):
        model.vector[:] = vector
        return depth.mean_loss(y, model.forward(x, training=True))

    start = model.vector.copy()
    model.backward(depth.mean_loss.gradient(y, model.forward(x, training=True)))
    computed = model.gradient_vector.copy()
    for i in np.random.default_rng(3).choice(start.size, 12, replace=False):
        step = np.zeros_like(start)
        step[i] = 1e-6
        difference = (loss(start + step) - loss(start - step)) / 2e-6
        assert computed[i] == pytest.approx(difference, rel=1e-4, abs=1e-8)
