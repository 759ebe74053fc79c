import copy
import pickle
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npfl.initializers import he_normal
from npfl.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    WeightStandardizedDense,
)
from npfl.losses import CategoricalCrossentropy, MeanSquaredError
from npfl.models import EarlyStopping, Sequential, fit, mlp
from npfl.optimizers import SGD, Adam
from npfl.regularizers import L1, L2
from npfl.testing import check_gradient

MSE = MeanSquaredError()


def deep_model(rng):
    return Sequential(
        [
            WeightStandardizedDense(3, 5, rng),
            BatchNormalization(5),
            Activation("tanh"),
            Dense(5, 4, rng),
            LayerNormalization(4),
            Activation("gelu"),
            Dense(4, 2, rng),
        ]
    )


def line(n=40):
    x = np.linspace(-1, 1, n)[:, None]
    return x, 2 * x + 1


def test_forward_by_hand():
    model = mlp([2, 2, 1], np.random.default_rng(1))
    model.set_weights([[[1.0, -1.0], [2.0, -2.0]], [0.5, 0.0], [[3.0], [4.0]], [-1.0]])
    # Hidden units: relu(1 + 20 + .5) = 21.5 and relu(-21) = 0; then 3 · 21.5 - 1.
    np.testing.assert_array_equal(model.forward([[1.0, 10.0]]), [[63.5]])
    np.testing.assert_array_equal(model.backward([[2.0]]), [[6.0, 12.0]])
    expected = [[[6, 0], [60, 0]], [6, 0], [[43], [0]], [2]]
    for gradient, value in zip(model.gradients, expected, strict=True):
        np.testing.assert_array_equal(gradient, value)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("make", [deep_model, lambda rng: mlp([3, 4, 4, 2], rng, "silu")])
def test_gradients(make, training):
    rng = np.random.default_rng(1)
    model, x, y = make(rng), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    model.vector += 0.1 * rng.normal(size=model.vector.shape)
    start = copy.deepcopy(model)

    def loss(x, vector):
        fresh = copy.deepcopy(start)
        fresh.vector[:] = vector
        return MSE(y, fresh.forward(x, training))

    dy = MSE.gradient(y, model.forward(x, training))
    dx = model.backward(dy)
    check_gradient(lambda x: loss(x, model.vector), x, dx)
    check_gradient(lambda vector: loss(x, vector), model.vector, model.gradient_vector)
    by_backward = model.gradient_vector.copy()
    model.gradient_vector[:] = 0
    model._set_gradients(dy)  # as fit does
    np.testing.assert_array_equal(model.gradient_vector, by_backward)


def test_parameters_are_views_of_the_vector():
    model = mlp([3, 4, 2], np.random.default_rng(1))
    assert [p.shape for p in model.parameters] == [(3, 4), (4,), (4, 2), (2,)]
    assert [g.shape for g in model.gradients] == [(3, 4), (4,), (4, 2), (2,)]
    for array in model.parameters:
        assert np.shares_memory(array, model.vector)
    for array in model.gradients:
        assert np.shares_memory(array, model.gradient_vector)
    np.testing.assert_array_equal(np.concatenate([p.ravel() for p in model.parameters]), model.vector)
    assert model.layers[2].kernel is model.parameters[2]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_are_independent_and_whole(duplicate):
    rng = np.random.default_rng(1)
    model, x = deep_model(rng), rng.normal(size=(6, 3))
    model.forward(x, training=True)
    other = duplicate(model)
    np.testing.assert_array_equal(other.forward(x), model.forward(x))
    before = model.vector.copy()
    other.vector += 1
    np.testing.assert_array_equal(model.vector, before)
    for array in other.parameters:
        assert np.shares_memory(array, other.vector)
    assert (other.forward(x) != model.forward(x)).all()


def test_weights_round_trip():
    rng = np.random.default_rng(1)
    model, x = deep_model(rng), rng.normal(size=(6, 3))
    weights, y = model.get_weights(), model.forward(x)
    assert len(weights) == 10 + 2  # the moving mean and variance are part of them
    model.forward(5 + x, training=True)
    model.vector += 1
    assert (model.forward(x) != y).all()
    model.set_weights(weights)
    np.testing.assert_array_equal(model.forward(x), y)
    weights[0][:] = 7  # a copy: the model keeps its own
    np.testing.assert_array_equal(model.forward(x), y)
    with pytest.raises(
        ValueError, match=r"weights must have the shapes \[\(2, 1\), \(1,\)\], got \[\(2, 1\), \(2,\)\]"
    ):
        mlp([2, 1], rng).set_weights([np.zeros((2, 1)), np.zeros(2)])
    with pytest.raises(ValueError, match="weights must have the shapes"):
        model.set_weights(weights[:-1])


def test_mlp():
    model = mlp([3, 5, 4, 2], np.random.default_rng(1), "tanh", dropout=0.25)
    kinds = [type(layer) for layer in model.layers]
    assert kinds == [Dense, Activation, Dropout, Dense, Activation, Dropout, Dense]
    assert model.layers[1].name == "tanh"
    assert model.layers[2].rate == 0.25
    assert [type(layer) for layer in mlp([3, 2], np.random.default_rng(1)).layers] == [Dense]
    single = mlp([3, 2], np.random.default_rng(5), initializer=he_normal, dtype=np.float32)
    np.testing.assert_array_equal(single.parameters[0], he_normal(3, 2, np.random.default_rng(5), np.float32))
    x = np.ones((100, 3))
    assert (model.forward(x) == model.forward(x)).all()
    assert (model.forward(x, training=True) != model.forward(x, training=True)).any()
    for sizes in ([], [3]):
        with pytest.raises(
            ValueError, match="sizes must hold at least the numbers of inputs and outputs, got"
        ):
            mlp(sizes, np.random.default_rng(1))


def test_sequential_errors():
    rng = np.random.default_rng(1)
    for layers in ([], [Activation("relu")]):
        with pytest.raises(ValueError, match=r"layers must have parameters of one dtype, got \[\]"):
            Sequential(layers)
    with pytest.raises(
        ValueError, match=r"layers must have parameters of one dtype, got \['float64', .*'float32'\]"
    ):
        Sequential([Dense(2, 2, rng), Dense(2, 2, rng, dtype=np.float32)])
    with pytest.raises(ValueError, match=r"x must have the shape \(..., 2\), got \(1, 3\)"):
        mlp([2, 1], rng).forward(np.ones((1, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_empty_batch(dtype):
    model = mlp([3, 4, 2], np.random.default_rng(1), dtype=dtype)
    y = model.forward(np.ones((5, 3)))
    assert (y.dtype, model.backward(y).dtype, model.vector.dtype) == (dtype, dtype, dtype)
    assert model.forward(np.ones((0, 3))).shape == (0, 2)
    model.backward(np.ones((0, 2)))
    assert not model.gradient_vector.any()
    x = np.ones((8, 3), dtype)
    fit(model, x, x[:, :2], MSE, Adam(), np.random.default_rng(1), epochs=2)
    assert model.vector.dtype == dtype


def test_fit_does_the_steps_of_sgd():
    # With one batch of all examples the order does not matter, and the steps can be done by hand.
    x, y = line()
    model = mlp([1, 1], np.random.default_rng(1))
    weight, bias = model.vector
    x_before, y_before = x.copy(), y.copy()
    fit(model, x, y, MSE, SGD(0.25), np.random.default_rng(1), epochs=3, batch_size=100)
    for _ in range(3):
        error = weight * x + bias - y
        weight, bias = weight - 0.25 * (2 * error * x).mean(), bias - 0.25 * (2 * error).mean()
    np.testing.assert_allclose(model.vector, [weight, bias], rtol=1e-12)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(y, y_before)


class Recorder(MeanSquaredError):
    """Record the gold outputs of every batch."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def gradient(self, y_true, y_pred, sample_weight=None):
        self.batches.append(y_true[:, 0].tolist())
        return super().gradient(y_true, y_pred, sample_weight)


@given(st.integers(1, 20), st.integers(1, 25))
def test_fit_uses_every_example_once_an_epoch(n, batch_size):
    loss, x = Recorder(), np.arange(n, dtype=float)[:, None]
    fit(
        mlp([1, 1], np.random.default_rng(1)),
        0 * x,
        x,
        loss,
        SGD(),
        np.random.default_rng(1),
        3,
        batch_size=batch_size,
    )
    per_epoch = -(-n // batch_size)
    assert len(loss.batches) == 3 * per_epoch
    assert all(len(batch) == batch_size for batch in loss.batches[: per_epoch - 1])
    for epoch in range(3):
        batches = loss.batches[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(chain.from_iterable(batches)) == list(range(n))


def test_fit_shuffles_anew_by_its_generator():
    def order(seed):
        loss, x = Recorder(), np.arange(30.0)[:, None]
        fit(
            mlp([1, 1], np.random.default_rng(1)),
            x,
            x,
            loss,
            SGD(1e-6),
            np.random.default_rng(seed),
            2,
            batch_size=30,
        )
        return loss.batches

    first = order(1)
    assert first[0] != first[1]
    assert first[0] != list(range(30))
    assert first == order(1)
    assert first != order(2)


def test_fit_pairs_inputs_with_their_outputs():
    x, y = line()
    model = mlp([1, 1], np.random.default_rng(1))
    fit(model, x, y, MSE, SGD(0.1), np.random.default_rng(1), epochs=60, batch_size=7)
    np.testing.assert_allclose(model.vector, [2, 1], atol=1e-5)


def test_fit_trains_in_training_mode_and_measures_in_inference():
    rng = np.random.default_rng(1)
    model = mlp([1, 50, 1], rng, dropout=0.5)
    x, y = line()
    outputs = []
    monitor = {"spread": lambda model: outputs.append(model.forward(x)) or 0.0}
    fit(model, x, y, MSE, SGD(1e-3), rng, epochs=1, monitor=monitor)
    assert model.layers[2]._mask is None  # the last forward pass was that of the monitor
    np.testing.assert_array_equal(outputs[0], model.forward(x))
    fit(model, x, y, MSE, SGD(1e-3), rng, epochs=1)
    assert set(np.unique(model.layers[2]._mask)) == {0.0, 2.0}


def test_history():
    x, y = line()
    model = mlp([1, 1], np.random.default_rng(1))
    monitor = {"loss": lambda m: MSE(y, m.forward(x)), "weight": lambda m: m.vector[0]}
    history = fit(model, x, y, MSE, SGD(0.1), np.random.default_rng(1), epochs=5, monitor=monitor)
    assert list(history) == ["loss", "weight"]
    assert len(history["loss"]) == 5
    assert history["loss"] == sorted(history["loss"], reverse=True)
    assert history["weight"][-1] == model.vector[0]
    assert all(isinstance(value, float) for value in history["loss"])
    assert fit(model, x, y, MSE, SGD(0.1), np.random.default_rng(1), epochs=1) == {}


@pytest.mark.parametrize("regularizer", [L1(0.25), L2(0.25)])
def test_fit_regularizes_kernels_only(regularizer):
    x = np.zeros((4, 3))
    model = mlp([3, 4, 2], np.random.default_rng(1))
    for array in model.parameters:
        array += 0.5
    start = model.get_weights()
    y = model.forward(x)  # the gradient of the loss is 0: only the penalty moves anything
    fit(model, x, y, MSE, SGD(0.5), np.random.default_rng(1), 1, kernel_regularizer=regularizer)
    for array, before in zip(model.parameters, start, strict=True):
        expected = before - 0.5 * regularizer.gradient(before) if before.ndim == 2 else before
        np.testing.assert_allclose(array, expected, rtol=1e-12)


@pytest.mark.parametrize("clipping", [{"clipvalue": 0.01}, {"clipnorm": 0.01}, {"global_clipnorm": 0.01}])
def test_fit_clips_each_array_or_all(clipping):
    x, y = line()
    model = mlp([1, 3, 1], np.random.default_rng(1))
    expected = [array.copy() for array in model.parameters]
    model.backward(MSE.gradient(y, model.forward(x)))
    gradients = [gradient.copy() for gradient in model.gradients]
    SGD(1.0, **clipping).update(expected, gradients)
    fit(model, x, y, MSE, SGD(1.0, **clipping), np.random.default_rng(1), epochs=1, batch_size=40)
    for array, value in zip(model.parameters, expected, strict=True):
        np.testing.assert_allclose(array, value, rtol=1e-12)


def test_early_stopping_counts_its_patience():
    model = mlp([1, 1], np.random.default_rng(1))
    stopping = EarlyStopping(patience=3)
    values = [5.0, 4.0, 4.0, 6.0, 3.0, float("nan"), 3.0, 3.5]
    stops = []
    for epoch, value in enumerate(values):
        model.vector[:] = epoch
        stops.append(stopping.should_stop(epoch, value, model))
    assert stops == [False] * 7 + [True]
    assert stopping.best_epoch == 4
    stopping.restore(model)
    np.testing.assert_array_equal(model.vector, 4)


def test_early_stopping_without_patience():
    model, stopping = mlp([1, 1], np.random.default_rng(1)), EarlyStopping(patience=1)
    assert [stopping.should_stop(i, value, model) for i, value in enumerate([2.0, 1.0, 1.0])] == [
        False,
        False,
        True,
    ]


def test_defaults():
    assert (EarlyStopping().monitor, EarlyStopping().patience) == ("validation_loss", 10)
    loss, x = Recorder(), np.zeros((50, 1))
    fit(mlp([1, 1], np.random.default_rng(1)), x, x, loss, SGD(), np.random.default_rng(1), epochs=1)
    assert [len(batch) for batch in loss.batches] == [32, 18]


def test_early_stopping_after_nan():
    model, stopping = mlp([1, 1], np.random.default_rng(1)), EarlyStopping(patience=2)
    assert not stopping.should_stop(0, float("nan"), model)
    assert not stopping.should_stop(1, 5.0, model)
    assert stopping.best_epoch == 1


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0, 2.0, 0.0], [3.0, 1.0, 2.0]])
def test_fit_ends_with_the_best_weights(values):
    # In the first case patience ends the training, in the second the epochs do.
    x, y = line()
    model, seen, left = mlp([1, 1], np.random.default_rng(1)), [], iter(values)

    def measure(model):
        seen.append(model.get_weights())
        return next(left)

    stopping = EarlyStopping("measure", patience=2, mode="min")
    history = fit(
        model,
        x,
        y,
        MSE,
        SGD(),
        np.random.default_rng(1),
        epochs=len(values),
        monitor={"measure": measure},
        early_stopping=stopping,
    )
    assert history["measure"] == values[:4]
    assert stopping.best_epoch == 1
    for array, best in zip(model.get_weights(), seen[1], strict=True):
        np.testing.assert_array_equal(array, best)


def test_errors():
    x, y = line()
    model, rng = mlp([1, 1], np.random.default_rng(1)), np.random.default_rng(1)
    with pytest.raises(
        ValueError, match=r"x and y must hold the same number of examples, at least 1, got shapes .* and"
    ):
        fit(model, x, y[:-1], MSE, SGD(), rng, epochs=1)
    with pytest.raises(
        ValueError, match=r"x and y must hold the same number of examples, at least 1, got shapes .* and"
    ):
        fit(model, x[:0], y[:0], MSE, SGD(), rng, epochs=1)
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        fit(model, x, y, MSE, SGD(), rng, epochs=0)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        fit(model, x, y, MSE, SGD(), rng, epochs=1, batch_size=0)
    with pytest.raises(
        ValueError, match=r"monitor must hold 'validation_loss' for early_stopping, got \['loss'\]"
    ):
        fit(model, x, y, MSE, SGD(), rng, 1, monitor={"loss": lambda m: 0.0}, early_stopping=EarlyStopping())
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        EarlyStopping(patience=0)


def test_learns_exclusive_or():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.eye(2)[[0, 1, 1, 0]]
    model = mlp([2, 8, 2], np.random.default_rng(1), "tanh")
    loss = CategoricalCrossentropy(from_logits=True)
    fit(model, x, y, loss, Adam(0.05), np.random.default_rng(1), epochs=200, batch_size=4)
    assert loss(y, model.forward(x)) < 0.01
