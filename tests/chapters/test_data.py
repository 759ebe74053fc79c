"""The stored results of trainings are what their programs compute: a few are computed anew."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate2d

FOLDER = Path(__file__).parents[2] / "chapters" / "_data"


def program(name):
    spec = importlib.util.spec_from_file_location(f"stored_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


convolution, depth, mnist, normalization, recipe = map(
    program, ("convolution", "depth", "mnist", "normalization", "recipe")
)


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


def test_all_trainings_on_mnist_are_stored():
    stored = mnist.load()
    assert list(stored["features"]) == list(stored["early"]) == [f"{rate:g}" for rate in mnist.RATES]
    assert list(stored["methods"]) == ["+".join(items) for items in mnist.combinations()]
    assert all(len(runs) == mnist.SPLITS for runs in [*stored["methods"].values(), *stored["ensembles"]])
    assert len(stored["ensembles"]) == mnist.MOST


def test_the_parts_of_mnist():
    x, y = mnist.all_digits()
    assert (np.bincount(y) == 500).all()
    assert x.min() == 0
    assert x.max() == 1
    assert [len(part.x) for part in mnist.parts(3)] == [1000, 1000, 3000]


def test_an_autoencoder_of_mnist():
    found, stored = mnist.autoencoder(0.5, epochs=mnist.EARLY), mnist.load()["early"]["0.5"]
    assert np.allclose(found["losses"], stored, rtol=0.01)
    assert len(found["pictures"]) == mnist.SHOWN
    assert {len(unit) for unit in found["pictures"]} == {24 * 24}
    # Scaled by its largest weight, each picture reaches an end of the scale.
    assert all(set(unit) & {"0", "a"} for unit in found["pictures"])
    assert len(found["active"]) == mnist.UNITS


@pytest.mark.parametrize(("items", "number"), [(("dropout",), 1), (("mixup 1", "smoothing"), 2)])
def test_a_short_training_on_mnist(items, number, monkeypatch):
    monkeypatch.setattr(mnist, "METHODS", {name: mnist.METHODS[name] | {"steps": 150} for name in items})
    mnist.member.cache_clear()
    found = mnist.try_out(items, number)
    assert 0.8 < found["test"][0] < found["training"]
    assert found["rescaled"][0] == found["test"][0]
    assert found["rescaled"][1] < found["test"][1]


def test_a_training_on_mnist_as_stored():
    assert np.allclose(mnist.short(), mnist.load()["short"], atol=0.01)


@pytest.mark.parametrize("warp", mnist.WARPS)
def test_digits_of_mnist_are_moved(warp):
    rng, x = np.random.default_rng(4), mnist.all_digits().x[::250]
    assert np.allclose(mnist.warped(x, rng), x, atol=1e-6)
    moved = mnist.warped(x, rng, **mnist.WARPS[warp])
    places = np.indices((28, 28)).reshape(2, -1).T
    before, after = (images @ places / images.sum(axis=1, keepdims=True) for images in (x, moved))
    assert np.mean(np.abs(moved - x).max(axis=1) > 0.1) > 0.7  # some are hardly turned
    if warp != "elastic":  # which also makes parts of a digit larger or smaller
        assert np.allclose(moved.sum(axis=1), x.sum(axis=1), rtol=0.05)
    # The elastic moves have a standard deviation of 34 * (1/3)**0.5 / (8 * pi**0.5) = 1.4 pixels.
    most = {"shifts": 2.1, "turns": 0.6, "elastic": 3 * 1.4}[warp]
    assert 0.1 < np.abs(after - before).max() < most


def test_measures():
    z = np.log([[0.7, 0.3], [0.7, 0.3], [0.35, 0.65], [0.1, 0.9]])
    accuracy, nll, ece = mnist.measures(z, np.array([0, 1, 1, 1]))
    assert accuracy == 0.75
    assert nll == pytest.approx(-np.log([0.7, 0.3, 0.65, 0.9]).mean(), abs=1e-4)
    # Bins 0.6, 0.7 and 0.9: |1 - 0.65|, |1 - 1.4| and |1 - 0.9|, over 4.
    assert ece == pytest.approx((0.35 + 0.4 + 0.1) / 4, abs=1e-4)


def test_a_convolution_slides_its_kernel():
    rng = np.random.default_rng(5)
    layer = convolution.Convolution(7, 2, 3, 4, rng)
    x = rng.normal(size=(2, 7 * 7 * 2))
    layer.parameters[1][...] = rng.normal(size=4)
    kernel, found = layer.parameters[0].reshape(3, 3, 2, 4), layer.forward(x).reshape(2, 5, 5, 4)
    for example, unit in np.ndindex(2, 4):
        channels = [
            correlate2d(x[example].reshape(7, 7, 2)[..., c], kernel[..., c, unit], "valid") for c in (0, 1)
        ]
        assert np.allclose(found[example, ..., unit], sum(channels) + layer.parameters[1][unit], atol=1e-5)
    # It is linear in the inputs and in the kernel, so that its derivative is the same everywhere.
    back, move = rng.normal(size=(2, 100)).astype(np.float32), rng.normal(size=x.shape)
    dx = layer.backward(back)
    assert np.sum(back * (layer.forward(x + move) - layer.forward(x))) == pytest.approx(
        np.sum(dx * move), rel=1e-4
    )
    layer.backward(back)
    before, turn = layer.forward(x), rng.normal(size=(18, 4)).astype(np.float32)
    layer.parameters[0][...] += turn
    assert np.sum(back * (layer.forward(x) - before)) == pytest.approx(
        np.sum(layer.gradients[0] * turn), rel=1e-4
    )


def test_pooling_keeps_the_largest():
    x = np.random.default_rng(6).permutation(2 * 4 * 4 * 3).reshape(2, -1).astype(float)
    layer = convolution.MaxPooling(4, 3)
    squares = x.reshape(2, 4, 4, 3)
    found = layer.forward(x).reshape(2, 2, 2, 3)
    for example, down, right, channel in np.ndindex(found.shape):
        square = squares[example, 2 * down : 2 * down + 2, 2 * right : 2 * right + 2, channel]
        assert found[example, down, right, channel] == square.max()
    dx = layer.backward(found.reshape(2, -1))
    assert np.array_equal(dx[dx > 0], x[dx > 0])
    assert np.count_nonzero(dx) == np.count_nonzero(found)


def test_a_convolutional_network_as_stored():
    found = convolution.try_out(mnist.parts(1), 100, 1e-3, steps=convolution.SHORT)
    stored = convolution.load()
    assert set(stored) == {"short", *(f"{strength:g}" for strength in convolution.STRENGTHS)}
    for name in ("training", "validation", "test"):
        assert np.allclose(found[name], stored["short"][name], atol=0.01)
    assert found["length"] == pytest.approx(stored["short"]["length"], abs=0.05)
