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


depth, normalization, recipe = map(program, ("depth", "normalization", "recipe"))


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
    model.backward(depth.mean_loss.gradient(y, model.forward(x)))
    rng = np.random.default_rng(3)
    for parameter, gradient in zip(model.parameters, [g.copy() for g in model.gradients], strict=True):
        place = tuple(rng.integers(parameter.shape))
        kept, found = parameter[place], []
        for step in (1e-6, -1e-6):
            parameter[place] = kept + step
            found.append(depth.mean_loss(y, model.forward(x)))
        parameter[place] = kept
        assert gradient[place] == pytest.approx((found[0] - found[1]) / 2e-6, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("kind", normalization.LAYERS)
def test_trainings_with_normalization(kind):
    losses = normalization.run(kind, 0.1, 32, seed=1, steps=60)["losses"]
    stored = normalization.load()[f"{kind}, 0.1, 32"][1]["losses"]
    assert np.allclose(losses, stored[: len(losses)], rtol=0.02)


def test_all_trainings_with_normalization_are_stored():
    assert len(normalization.load()) == len(normalization.LAYERS) * 10
    assert all(len(runs) == len(normalization.SEEDS) for runs in normalization.load().values())


@pytest.mark.parametrize(("items", "split"), [((), 1), (("dropout",), 2), (("smoothing",), 3)])
def test_items_of_the_default_strategy(items, split):
    found, stored = recipe.try_out(split, items), recipe.load()["recipe"]["+".join(items)][split]
    assert {name: round(abs(found[name] - stored[name]), 4) <= 0.01 for name in stored} == dict.fromkeys(
        stored, True
    )


def test_digits_are_shifted():
    model = recipe.train(recipe.SPLITS[0].train, 0, shifts=True, steps=20)
    plain = recipe.train(recipe.SPLITS[0].train, 0, steps=20)
    assert not np.allclose(model.vector, plain.vector)
    assert 0.5 < recipe.accuracy(model.forward(recipe.SPLITS[0].test.x), recipe.SPLITS[0].test.y) < 0.95


def test_all_combinations_are_stored():
    stored = recipe.load()
    assert set(stored["recipe"]) == {"+".join(items) for items in recipe.combinations()}
    assert set(stored["dropout"]) == {
        f"{hidden}, {rate:g}" for hidden in recipe.SIZES for rate in recipe.RATES
    }
