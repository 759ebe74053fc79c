"""Objects that are used again, copied, stored, nested, set, aliased or refused: no number changes."""

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from npfl import layers, losses, metrics, models, optimizers, regularizers
from npfl.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    LayerNormalization,
    PReLU,
    WeightStandardizedDense,
)

COPIES: dict[str, Callable] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "oldest pickle": lambda value: pickle.loads(pickle.dumps(value, protocol=2)),
    "copy of a copy": lambda value: copy.copy(pickle.loads(pickle.dumps(copy.copy(value)))),
}
copied = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)


def rng(seed=0):
    return np.random.default_rng(seed)


LAYERS = {
    "Activation": lambda: Activation("mish"),
    "Dense": lambda: Dense(3, 3, rng()),
    "WeightStandardizedDense": lambda: WeightStandardizedDense(3, 3, rng()),
    "PReLU": lambda: PReLU(3),
    "BatchNormalization": lambda: BatchNormalization(3, momentum=0.5),
    "LayerNormalization": lambda: LayerNormalization(3),
    "Dropout": lambda: Dropout(0.4, rng(5)),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
X, DY = rng(1).normal(size=(2, 6, 3))


def passed(layer):
    """Return all that a pass through a layer shows of it."""
    y = layer.forward(X, training=True)
    dx = layer.backward(DY)
    return [array.copy() for array in (y, dx, *layer.parameters, *layer.gradients, *layer.state)]


def same(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


@copied
@every_layer
def test_a_copied_layer_goes_on_alike_and_alone(make, duplicate):
    layer = make()
    passed(layer)
    other = duplicate(layer)
    assert same(
        [layer.backward(DY)], [other.backward(DY)]
    )  # it goes back through the pass that it has copied
    before = [array.copy() for array in other.parameters + other.gradients + other.state]
    first = passed(layer)
    for array in layer.parameters:
        array += 1
    assert same(before, other.parameters + other.gradients + other.state)
    assert same(first, passed(other))
    model = models.Sequential([other, Dense(3, 1, rng())])
    with pytest.raises(ValueError, match="another model"):
        models.Sequential([other, Dense(3, 1, rng())])
    models.Sequential([duplicate(model.layers[0]), Dense(3, 1, rng())])  # a copy belongs to no model


@every_layer
@pytest.mark.parametrize(
    "wrong",
    [
        lambda layer: layer.forward([["a"]]),
        lambda layer: layer.forward(X, training="yes"),
        lambda layer: layer.forward(np.ma.masked_array(X, X > 0), training=True),
        lambda layer: layer.forward(X.astype(complex), training=True),
        lambda layer: layer.backward(DY[:2]),
        lambda layer: layer.backward([[None]]),
    ],
)
def test_what_a_layer_refuses_leaves_it(make, wrong):
    layer, untouched = make(), make()
    first = passed(layer)
    assert same(first, passed(untouched))
    with pytest.raises((TypeError, ValueError)):
        wrong(layer)
    assert same([layer.backward(DY)], [untouched.backward(DY)])
    assert same(passed(layer), passed(untouched))


@every_layer
def test_a_layer_needs_a_pass_and_no_other_inputs_shape(make):
    layer = make()
    with pytest.raises(RuntimeError, match="forward"):
        layer.backward(DY)
    passed(layer)
    layer.forward(X[:2])
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        layer.backward(DY)
    assert layer.backward(DY[:2]).shape == (2, 3)


OPTIMIZERS = {
    "SGD": lambda **more: optimizers.SGD(0.1, momentum=0.5, **more),
    "Nesterov": lambda **more: optimizers.SGD(0.1, momentum=0.5, nesterov=True, **more),
    "RMSProp": lambda **more: optimizers.RMSProp(0.1, **more),
    "Adam": lambda **more: optimizers.Adam(0.1, **more),
    "AdamW": lambda **more: optimizers.AdamW(0.1, weight_decay=0.3, **more),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


def arrays(seed=2):
    return [rng(seed).normal(size=(2, 3)), rng(seed + 1).normal(size=3)]


def go(optimizer, theta, steps=3, seed=10):
    for i in range(steps):
        optimizer.update(theta, arrays(seed + 2 * i))
    return theta


@copied
@every_optimizer
def test_a_copied_optimizer_goes_on_alike_and_alone(make, duplicate):
    optimizer, theta = make(global_clipnorm=2.0), arrays()
    go(optimizer, theta)
    other, its = duplicate(optimizer), copy.deepcopy(theta)
    go(optimizer, theta)
    assert not same(theta, its)
    assert same(theta, go(other, its))
    assert optimizer.iterations == other.iterations == 6
    optimizer.learning_rate = 5.0
    assert other.learning_rate == 0.1
    with pytest.raises(ValueError, match="first step"):
        other.update(copy.deepcopy(its), arrays())


@every_optimizer
@pytest.mark.parametrize(
    ("parameters", "gradients"),
    [
        (lambda t: t, lambda: arrays()[:1]),
        (lambda t: t, lambda: arrays()[::-1]),
        (lambda t: t, lambda: [arrays()[0], [1.0, np.nan, 2.0]]),
        (lambda t: t, lambda: [np.full((2, 3), np.inf), arrays()[1]]),
        (lambda t: t, lambda: [np.ma.masked_array(arrays()[0], arrays()[0] > 0), arrays()[1]]),
        (lambda t: t, lambda: [arrays()[0], ["a", "b", "c"]]),
        (lambda t: t[::-1], lambda: arrays()[::-1]),
        (lambda t: t[:1], lambda: arrays()[:1]),
        (lambda t: copy.deepcopy(t), lambda: arrays()),
        (lambda t: [t[0].astype("f4"), t[1]], lambda: arrays()),
        (lambda t: [t[0].tolist(), t[1]], lambda: arrays()),
        (lambda t: t, lambda: None),
        (lambda t: None, lambda: arrays()),
    ],
)
def test_what_an_optimizer_refuses_is_no_step(make, parameters, gradients):
    optimizer, theta, untouched = make(global_clipnorm=9.0), arrays(), arrays()
    go(optimizer, theta)
    other = make(global_clipnorm=9.0)
    go(other, untouched)
    with pytest.raises((TypeError, ValueError)):
        optimizer.update(parameters(theta), gradients())
    assert same(go(optimizer, theta), go(other, untouched))
    assert optimizer.iterations == other.iterations


@every_optimizer
@pytest.mark.parametrize("decay", [None, 0.5])
def test_gradients_that_are_views_of_parameters(make, decay):
    more = {} if make is OPTIMIZERS["AdamW"] else {"weight_decay": decay}
    a, b = rng(3).normal(size=(2, 4))
    theta, apart = [a.copy(), b.copy()], [a.copy(), b.copy()]
    make(**more).update(theta, [theta[1], theta[0][::-1]])
    make(**more).update(apart, [b.copy(), a[::-1].copy()])
    assert same(theta, apart)


@pytest.mark.parametrize(
    "views",
    [
        lambda v: [v[:3], v[2:]],
        lambda v: [v, v],
        lambda v: [v[:4], v[:4].reshape(2, 2)],
        lambda v: [v, v[::-1]],
        lambda v: [v[1:2], v],
        lambda v: [v[::2], v[:1]],
    ],
)
@every_optimizer
def test_parameters_that_share_memory_are_refused(make, views):
    vector = np.arange(6.0)
    theta, optimizer = views(vector), make()
    with pytest.raises(ValueError, match=r"parameters\[0\] and parameters\[1\]"):
        optimizer.update(theta, [np.ones_like(t) for t in theta])
    assert same([vector], [np.arange(6.0)])
    assert optimizer.iterations == 0


@every_optimizer
def test_parameters_that_only_lie_side_by_side_are_not_refused(make):
    matrix = np.arange(12.0).reshape(4, 3)
    apart = [matrix[:, i].copy() for i in range(3)]
    gradients = [np.full(4, i - 1.5) for i in range(3)]
    optimizer = make()
    for _ in range(2):
        optimizer.update([matrix[:, 0], matrix[:, 1], matrix[:, 2]], gradients)
    other = make()
    for _ in range(2):
        other.update(apart, gradients)
    assert same(list(matrix.T), apart)


METRICS = {
    "Mean": (metrics.Mean, ([1.0, 4.0],), ("a",)),
    "Accuracy": (metrics.Accuracy, ([1, 0], [1, 1]), ([1, 0], [1])),
    "BinaryAccuracy": (metrics.BinaryAccuracy, ([[1], [0]], [[0.7], [0.9]]), ([[2], [0]], [[0.7], [0.9]])),
    "CategoricalAccuracy": (metrics.CategoricalAccuracy, ([[0, 1]], [[0.3, 0.7]]), ([[0, 1]], [[1j, 2]])),
    "SparseCategoricalAccuracy": (
        metrics.SparseCategoricalAccuracy,
        ([1], [[0.3, 0.7]]),
        ([2], [[0.3, 0.7]]),
    ),
    "MeanSquaredError": (metrics.MeanSquaredError, ([[1.0]], [[3.0]]), ([[1.0]], [[3.0, 1.0]])),
    "BinaryCrossentropy": (metrics.BinaryCrossentropy, ([[1.0]], [[0.3]]), ([[1.0]], [[1.3]])),
    "CategoricalCrossentropy": (
        metrics.CategoricalCrossentropy,
        ([[0, 1]], [[0.3, 0.7]]),
        ([[0, -1]], [[0.3, 0.7]]),
    ),
    "SparseCategoricalCrossentropy": (
        metrics.SparseCategoricalCrossentropy,
        ([1], [[0.3, 0.7]]),
        ([1.0], [[0.3, 0.7]]),
    ),
    "FBetaScore": (
        metrics.FBetaScore,
        ([[0, 1], [1, 0]], [[0.3, 0.7], [0.1, 0.9]]),
        ([[0, 1]], [[0.3, 0.7, 0.1]]),
    ),
    "F1Score": (metrics.F1Score, ([[0, 1], [1, 0]], [[0.3, 0.7], [0.1, 0.9]]), ([[0, 2]], [[0.3, 0.7]])),
    "CorpusBLEU": (metrics.CorpusBLEU, ([[list("abcdef")]], [list("abcdeg")]), ([["a b"]], [["a"]])),
}
every_metric = pytest.mark.parametrize(("kind", "batch", "wrong"), METRICS.values(), ids=METRICS)


@copied
@every_metric
def test_a_copied_metric_goes_on_alike_and_alone(kind, batch, wrong, duplicate):
    metric = kind(name="mine")
    first = metric(*batch)
    other = duplicate(metric)
    metric.reset_state()
    assert np.array_equal(other.result(), first)
    assert other.name == "mine"
    twice = other(*batch)
    metric(*batch)
    assert np.array_equal(metric(*batch), twice)


@every_metric
def test_what_a_metric_refuses_is_not_counted(kind, batch, wrong):
    metric = kind()
    with pytest.raises((TypeError, ValueError)):
        metric(*wrong)
    assert metric.result() == 0
    value = metric(*batch)
    for bad in (wrong, *([(*batch, "a"), (*batch, [[[[1.0]]]])] if kind is not metrics.CorpusBLEU else [])):
        with pytest.raises((TypeError, ValueError)):
            metric(*bad)
        assert np.array_equal(metric.result(), value)
    metric.reset_state()
    assert metric.result() == 0
    assert np.array_equal(metric(*batch), value)


@copied
@pytest.mark.parametrize(
    "name", [n for n in losses.__all__ if n[0].isupper() and n not in ("Loss", "Reduction")]
)
def test_a_copied_loss_is_the_same_and_alone(name, duplicate):
    loss = getattr(losses, name)(reduction="sum", name="mine")
    other = duplicate(loss)
    y, p = (
        ([1, 0], [[0.2, 0.8], [0.5, 0.5]])
        if "Sparse" in name
        else ([[0, 1], [1, 0]], [[0.2, 0.8], [0.5, 0.5]])
    )
    assert np.array_equal(loss(y, p), other(y, p))
    assert np.array_equal(loss.gradient(y, p), other.gradient(y, p))
    loss.reduction = "none"
    assert (other.reduction, other.name) == ("sum", "mine")
    with pytest.raises((TypeError, ValueError)):
        other.reduction = "average"
    assert other.reduction == "sum"


def network():
    return models.Sequential(
        [
            Dense(3, 4, rng()),
            BatchNormalization(4, momentum=0.5),
            Activation("tanh"),
            Dropout(0.3, rng(7)),
            Dense(4, 2, rng(1)),
        ]
    )


@copied
def test_a_copied_model_is_whole_and_alone(duplicate):
    model = network()
    model.comment = "trained"
    model.forward(X, training=True)
    other = duplicate(model)
    assert other.comment == "trained"
    assert same(model.get_weights(), other.get_weights())
    assert same([model.forward(X, training=True)], [other.forward(X, training=True)])
    assert same([model.backward(DY[:, :2])], [other.backward(DY[:, :2])])
    assert same([model.gradient_vector], [other.gradient_vector])
    assert all(np.shares_memory(array, other.vector) for layer in other.layers for array in layer.parameters)
    before = other(X)
    model.vector += 1
    assert not np.allclose(model(X), before)
    assert np.array_equal(other(X), before)
    other.vector *= 2
    assert not np.allclose(other(X), before)


@pytest.mark.parametrize(
    "put",
    [
        lambda model, new: setattr(model, "vector", new),
        lambda model, new: setattr(model, "vector", new.tolist()),
        lambda model, new: model.vector.__setitem__(slice(None), new),
        lambda model, new: setattr(model, "parameters", np.split(new, [12]) and parts(model, new)),
        lambda model, new: [
            model.parameters.__setitem__(i, part) for i, part in enumerate(parts(model, new))
        ],
        lambda model, new: model.parameters.__setitem__(slice(None), parts(model, new)),
        lambda model, new: model.set_weights(
            parts(model, new) + [s for layer in model.layers for s in layer.state]
        ),
        lambda model, new: put_in_layers(model, new),
    ],
)
def test_parameters_that_are_set_are_those_of_the_model_and_of_its_layers(put):
    model, new = network(), rng(4).normal(size=network().vector.size)
    put(model, new)
    assert np.array_equal(model.vector, new)
    assert same(model.parameters, parts(model, new))
    assert same([array for layer in model.layers for array in layer.parameters], parts(model, new))
    y = model(X)
    model.vector += 0.5
    assert not np.allclose(model(X), y)


def parts(model, vector):
    ends = np.cumsum([p.size for p in model.parameters])[:-1]
    return [part.reshape(p.shape) for part, p in zip(np.split(vector, ends), model.parameters, strict=True)]


def put_in_layers(model, new):
    values = parts(model, new)
    for layer in model.layers:
        layer.parameters = [values.pop(0) for _ in layer.parameters]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda model: setattr(model, "vector", np.zeros(3)),
        lambda model: setattr(model, "vector", None),
        lambda model: setattr(model, "parameters", model.parameters[:-1]),
        lambda model: model.parameters.__setitem__(0, np.zeros((4, 3))),
        lambda model: model.parameters.__setitem__(0, 1.0),
        lambda model: model.parameters.__setitem__(slice(0, 2), [np.zeros((3, 4)), np.zeros(3)]),
        lambda model: setattr(
            model, "parameters", [np.ones_like(p) for p in model.parameters[:-1]] + [["a", "b"]]
        ),
        lambda model: model.set_weights([np.ones_like(w) for w in model.get_weights()[:-1]] + [np.ones(9)]),
        lambda model: setattr(model, "layers", [Dense(3, 2, rng())]),
        lambda model: model.layers.append(Dense(2, 2, rng())),
        lambda model: model.layers.__setitem__(0, Dense(3, 4, rng())),
    ],
)
def test_what_a_model_refuses_to_be_set_leaves_it(wrong):
    model = network()
    before = model.get_weights()
    with pytest.raises((TypeError, ValueError, AttributeError)):
        wrong(model)
    assert same(before, model.get_weights())


def test_weights_may_be_views_of_those_they_replace():
    model = models.Sequential([Dense(2, 2, rng(1)), Dense(2, 2, rng(2))])
    first, bias, second, other = model.get_weights()
    model.set_weights([model.parameters[2].T, model.parameters[3], model.parameters[0], model.parameters[1]])
    assert same(model.get_weights(), [second.T, other, first, bias])
    model.vector = model.vector[::-1]
    assert np.array_equal(model.vector[::-1], np.concatenate([second.T.ravel(), other, first.ravel(), bias]))


class Scale(Layer):
    """Multiply by one number, and write the gradient in one of the ways that are usual."""

    def __init__(self, way):
        super().__init__([np.array([2.0])])
        self.way = way

    def forward(self, x, training=False):
        self._kept = x
        return x * self.parameters[0]

    def backward(self, dy):
        gradient = np.array([(dy * self._kept).sum()])
        if self.way == "in place":
            self.gradients[0][...] = gradient
        elif self.way == "item":
            self.gradients[0] = gradient
        else:
            self.gradients = [gradient]
        return dy * self.parameters[0]


@pytest.mark.parametrize("way", ["in place", "item", "list"])
def test_a_layer_of_ones_own_trains_however_it_writes_its_gradient(way):
    model = models.Sequential([Dense(1, 1, rng()), Scale(way)])
    x = np.linspace(-1, 1, 9)[:, None]
    before = model.vector.copy()
    models.fit(model, x, 3 * x + 1, losses.MeanSquaredError(), optimizers.SGD(0.05), rng(), 200)
    assert (model.vector != before).all()
    assert np.allclose(model(x), 3 * x + 1, atol=1e-3)


class Fails(Layer):
    """Refuse everything in training."""

    def forward(self, x, training=False):
        if training:
            raise ValueError("x must not be trained on")
        self._output_shape = x.shape
        return x

    def backward(self, dy):
        return dy


def test_a_layer_that_refuses_leaves_those_before_it():
    model = models.Sequential([BatchNormalization(3), Dense(3, 3, rng()), Fails(), BatchNormalization(3)])
    model.forward(X)
    before = model.get_weights()
    with pytest.raises(ValueError, match="trained on"):
        model.forward(X + 1, training=True)
    assert same(before, model.get_weights())
    with pytest.raises(RuntimeError, match="forward"):  # not back through half of a pass
        model.backward(DY)
    model.forward(X)
    model.backward(DY)


@pytest.mark.parametrize("x", [X[:, :2], np.ma.masked_array(X, X > 0), "a", [[1, 2, 3], [1]]])
def test_inputs_that_a_model_refuses_leave_its_pass(x):
    model, untouched = network(), network()
    for each in (model, untouched):
        each.forward(X, training=True)
    with pytest.raises((TypeError, ValueError)):
        model.forward(x, training=True)
    assert same([model.backward(DY[:, :2])], [untouched.backward(DY[:, :2])])
    assert same(model.get_weights(), untouched.get_weights())


NESTED = {
    "a model": (lambda: [network()], TypeError),
    "a model in a list": (lambda: [[Dense(3, 3, rng())]], TypeError),
    "a name": (lambda: [Dense(3, 3, rng()), "relu"], TypeError),
    "a class": (lambda: [Dense(3, 3, rng()), layers.Dropout], TypeError),
    "a function": (lambda: [Dense(3, 3, rng()), np.tanh], TypeError),
    "no layer": (list, ValueError),
    "no parameters": (lambda: [Activation("relu")], ValueError),
    "two dtypes": (lambda: [Dense(3, 3, rng()), Dense(3, 3, rng(), dtype="float32")], ValueError),
    "one layer twice": (lambda: [Dense(3, 3, rng())] * 2, ValueError),
    "a layer of another model": (lambda: [KEPT.layers[2]], ValueError),
    "a layer alone": (lambda: Dense(3, 3, rng()), TypeError),
}
KEPT = network()


@pytest.mark.parametrize(("made", "kind"), NESTED.values(), ids=NESTED)
def test_what_is_no_list_of_layers_is_refused_in_one_line(made, kind):
    with pytest.raises(kind, match="layers") as caught:
        models.Sequential(made())
    assert "\n" not in str(caught.value)
    assert same(KEPT.get_weights(), network().get_weights())


def test_the_layers_of_a_model_that_is_gone_serve_again():
    first = network()
    kept = first.layers
    del first
    model = models.Sequential([*kept, Activation("relu")])
    model.vector[:] = 0
    assert not model(X).any()


FIT = {
    "labels out of range": {"y": np.array([0, 1, 2, 0, 1, 5])},
    "a shape of y": {"y": np.zeros((6, 2))},
    "too few examples": {"y": np.zeros(5, int)},
    "features": {"x": X[:, :2]},
    "a mask": {"x": np.ma.masked_array(X, X > 1)},
    "a name of a loss": {"loss": "mse"},
    "a class of an optimizer": {"optimizer": optimizers.SGD},
    "a seed": {"rng": 1},
    "no epoch": {"epochs": 0},
    "half a batch": {"batch_size": 2.5},
    "a number as penalty": {"kernel_regularizer": 0.1},
    "no dict": {"monitor": [len]},
    "what is not monitored": {"early_stopping": models.EarlyStopping("accuracy")},
    "a class of early stopping": {"early_stopping": models.EarlyStopping},
}


@pytest.mark.parametrize("wrong", FIT.values(), ids=FIT)
def test_what_fit_refuses_changes_nothing(wrong):
    model, optimizer, source = network(), optimizers.Adam(0.1), rng(3)
    stopping = models.EarlyStopping("loss", patience=3)
    y = np.array([0, 1, 0, 0, 1, 1])
    right = {
        "x": X,
        "y": y,
        "loss": losses.SparseCategoricalCrossentropy(from_logits=True),
        "optimizer": optimizer,
        "rng": source,
        "epochs": 2,
        "monitor": {"loss": lambda model: float(model.vector[0])},
        "early_stopping": stopping,
    }
    models.fit(model, **right)
    weights, best, steps = model.get_weights(), copy.deepcopy(stopping.__dict__), optimizer.iterations
    draws, mask = source.bit_generator.state, model.layers[3].rng.bit_generator.state
    with pytest.raises((TypeError, ValueError)) as caught:
        models.fit(model, **{**right, **wrong})
    assert "\n" not in str(caught.value)
    assert same(weights, model.get_weights())
    assert optimizer.iterations == steps
    assert source.bit_generator.state == draws
    assert model.layers[3].rng.bit_generator.state == mask
    assert stopping.best_epoch == best["best_epoch"]
    assert same(stopping.best_weights, best["best_weights"])


@copied
def test_early_stopping_starts_from_nothing_and_is_copied_whole(duplicate):
    stopping = models.EarlyStopping("loss", patience=1)
    values = iter([3.0, 1.0, 2.0, 50.0, 40.0, 60.0])
    for best in (1, 1):
        model = network()
        models.fit(
            model, X, np.zeros((6, 2)), losses.MeanSquaredError(), optimizers.SGD(), rng(), 9,
            monitor={"loss": lambda _: next(values)}, early_stopping=stopping,
        )  # fmt: skip
        assert stopping.best_epoch == best
        assert same(model.get_weights(), stopping.best_weights)
    other = duplicate(stopping)
    stopping.reset()
    assert (other.best_epoch, other.best_value) == (1, 40.0)
    other.restore(network())


@pytest.mark.parametrize(
    "optimizer", [optimizers.SGD(0.1, momentum=0.9), optimizers.Adam(0.1)], ids=["SGD", "Adam"]
)
def test_training_in_two_parts_is_training_in_one(optimizer):
    y, loss, ends = rng(8).normal(size=(6, 2)), losses.MeanSquaredError(), []
    for parts_of in ([4], [1, 3], [2, 1, 1]):
        model, own, source = network(), copy.deepcopy(optimizer), rng(9)
        for i, epochs in enumerate(parts_of):
            if i == 1:  # as if stored and read again
                model, own, source = pickle.loads(pickle.dumps((model, own, source)))
            models.fit(model, X, y, loss, own, source, epochs, batch_size=4)
        ends.append(model.get_weights())
    assert same(ends[0], ends[1])
    assert same(ends[0], ends[2])


@pytest.mark.parametrize(
    ("thing", "name", "wrong"),
    [
        (optimizers.SGD(), "learning_rate", 0),
        (optimizers.SGD(), "learning_rate", "0.1"),
        (optimizers.SGD(), "momentum", 1.0),
        (optimizers.SGD(), "nesterov", 1),
        (optimizers.Adam(), "beta_1", -0.1),
        (optimizers.Adam(), "epsilon", 0),
        (optimizers.AdamW(), "weight_decay", float("nan")),
        (optimizers.RMSProp(), "rho", None),
        (optimizers.SGD(), "clipnorm", -1),
        (Dropout(0.5, rng()), "rate", 1),
        (Dropout(0.5, rng()), "rng", 3),
        (BatchNormalization(2), "momentum", 2),
        (LayerNormalization(2), "epsilon", -1),
        (losses.Huber(), "delta", 0),
        (losses.BinaryCrossentropy(), "from_logits", "yes"),
        (losses.CategoricalCrossentropy(), "label_smoothing", 1.5),
        (metrics.FBetaScore(), "beta", 0),
        (metrics.FBetaScore(), "average", "mean"),
        (metrics.BinaryAccuracy(), "threshold", 2),
        (metrics.Mean(), "name", 3),
        (metrics.CorpusBLEU(), "max_order", 0),
        (models.EarlyStopping(), "patience", 0),
        (models.EarlyStopping(), "mode", "up"),
        (regularizers.L2(0.1), "strength", -1),
    ],
)
def test_a_setting_that_is_refused_stays_as_it_was(thing, name, wrong):
    before = getattr(thing, name)
    with pytest.raises((TypeError, ValueError), match=name):
        setattr(thing, name, wrong)
    assert getattr(thing, name) == before


FLOAT16 = {
    "L2": lambda x: regularizers.L2(1e5).gradient(x * 0),
    "L1": lambda x: regularizers.L1(1e5).gradient(x * 0),
    "proximal": lambda x: regularizers.l1_proximal_update(x * 0, x * 0, 1e5, 1e5),
    "step with a penalty": lambda x: regularizers.l1_sgd_update(x * 0, x * 0, 1e5, 1e5),
    "dropout": lambda x: regularizers.dropout(x * 0, 0.99999, training=True, rng=rng()),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FLOAT16)
def test_factors_that_are_no_numbers_of_float16_leave_0_alone(name):
    result = FLOAT16[name](np.ones(200_000, "float16"))
    assert result.dtype == np.float16
    assert not result.any()


@pytest.mark.filterwarnings("error")
def test_dropout_of_float16_scales_by_what_it_could_not_hold():
    for out in (
        regularizers.dropout(np.full(10**6, 0.1, "float16"), 0.99999, training=True, rng=rng()),
        Dropout(0.99999, rng()).forward(np.full(10**6, 0.1, "float16"), training=True),
    ):
        assert set(np.unique(out)) == {np.float16(0), np.float16(1e4)}


@pytest.mark.parametrize("penalty", [regularizers.L1, regularizers.L2])
def test_no_penalty_is_0_even_of_infinity(penalty):
    assert penalty(0)([np.inf, -np.inf]) == 0
    assert not penalty(0).gradient([np.inf, -np.inf]).any()
    assert penalty(1e308).gradient([0.0, -0.0]).tolist() == [0, 0]


def test_an_infinite_derivative_of_prelu_stays_with_its_own_feature():
    layer = PReLU(2)
    layer.forward([[-2.0, 1.0]])
    dx = layer.backward([[1.0, np.inf]])
    assert dx.tolist() == [[0.25, np.inf]]
    assert layer.gradients[0].tolist() == [-2.0, 0.0]


def test_an_object_without_its_constructor_has_no_arrays_yet():
    for kind in (Dense, models.Sequential):
        assert not hasattr(object.__new__(kind), "parameters")


@pytest.mark.parametrize("clipnorm", [None, 1.0])
def test_an_optimizer_of_another_model_of_this_size_is_refused(clipnorm):
    optimizer, y = optimizers.Adam(0.1, clipnorm=clipnorm), np.zeros((6, 2))
    models.fit(network(), X, y, losses.MeanSquaredError(), optimizer, rng(), 1)
    optimizer.clipnorm = None if clipnorm else 1.0  # it would see the same numbers as other arrays
    model = network()
    before = model.get_weights()
    with pytest.raises(ValueError, match="parameters must"):
        models.fit(model, X, y, losses.MeanSquaredError(), optimizer, rng(), 1)
    assert same(before, model.get_weights())
