"""The life of objects: used twice, copied, pickled, put into one another, changed later, and refused."""

import copy
import pickle

import numpy as np
import pytest

from npfl import layers, losses, metrics, models, optimizers
from npfl.models import EarlyStopping, Sequential, fit, mlp
from npfl.testing import check_gradient

COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}
every_copy = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
OPTIMIZERS = {
    "SGD": lambda **o: optimizers.SGD(0.1, **o),
    "momentum": lambda **o: optimizers.SGD(0.1, momentum=0.9, **o),
    "Nesterov": lambda **o: optimizers.SGD(0.1, momentum=0.9, nesterov=True, **o),
    "RMSProp": lambda **o: optimizers.RMSProp(0.1, **o),
    "Adam": lambda **o: optimizers.Adam(0.1, **o),
    "AdamW": lambda **o: optimizers.AdamW(0.1, **o),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
GOLD, PREDICTED = np.eye(3)[[0, 1, 2, 1]], np.array([[6, 3, 1], [1, 2, 7], [2, 2, 6], [3, 4, 3]]) / 10
TEXTS = [[list("abcde"), list("acd")]], [list("abcdd")]
METRICS = {
    "Mean": (metrics.Mean, ([1.0, 2.0, 4.0],), ([8.0],)),
    "MeanSquaredError": (metrics.MeanSquaredError, (GOLD, PREDICTED), (GOLD[:1], PREDICTED[:1])),
    "BinaryCrossentropy": (metrics.BinaryCrossentropy, (GOLD, PREDICTED), (GOLD[:1], PREDICTED[:1])),
    "CategoricalAccuracy": (metrics.CategoricalAccuracy, (GOLD, PREDICTED), (GOLD[:1], PREDICTED[:1])),
    "FBetaScore": (lambda: metrics.FBetaScore(average="macro"), (GOLD, PREDICTED), (GOLD[:2], PREDICTED[:2])),
    "F1Score": (lambda: metrics.F1Score(average="micro"), (GOLD, PREDICTED), (GOLD[1:2], PREDICTED[1:2])),
    "CorpusBLEU": (lambda: metrics.CorpusBLEU(max_order=2), TEXTS, ([[list("ab")]], [list("abc")])),
}
every_metric = pytest.mark.parametrize("case", METRICS.values(), ids=METRICS)


def rng(seed=1):
    return np.random.default_rng(seed)


def line():
    x = np.linspace(-1, 1, 20)[:, None]
    return x, 2 * x + 1


# One object in two places


def test_a_layer_stands_in_one_place_of_a_model():
    act, dense = layers.Activation("tanh"), layers.Dense(4, 4, rng())
    with pytest.raises(ValueError, match=r"layers\[3\] must be a layer of its own, got layers\[1\] again"):
        Sequential([layers.Dense(3, 4, rng()), act, layers.Dense(4, 4, rng()), act])
    with pytest.raises(ValueError, match=r"layers\[1\] must be a layer of its own, got layers\[0\] again"):
        Sequential([dense, dense])
    # The same layer written twice is right as two objects, or as copies.
    for second in (layers.Activation("tanh"), copy.copy(act), copy.deepcopy(act)):
        model = Sequential([layers.Dense(3, 4, rng(1)), copy.copy(act), layers.Dense(4, 2, rng(2)), second])
        x, dy = rng(3).normal(size=(5, 3)), rng(4).normal(size=(5, 2))
        model.forward(x)
        model.backward(dy)

        def loss(vector, model=model, x=x, dy=dy):
            other = copy.deepcopy(model)
            other.vector[:] = vector
            return (dy * other.forward(x)).sum()

        check_gradient(loss, model.vector, model.gradient_vector)


def test_a_layer_belongs_to_one_model():
    model = mlp([2, 3, 1], rng())
    with pytest.raises(
        ValueError, match=r"layers\[1\] must not belong to another model, got Activation of one"
    ):
        Sequential([layers.Dense(2, 3, rng()), model.layers[1]])
    with pytest.raises(ValueError, match=r"layers\[0\] must not belong to another model, got Dense of one"):
        Sequential(model.layers)
    # The model that was refused nothing has lost nothing.
    before = model.forward([[1.0, 2.0]])
    model.vector += 1
    assert (model.forward([[1.0, 2.0]]) != before).all()
    # A copy of a layer, and a layer whose model is gone, are free.
    Sequential([copy.deepcopy(model.layers[0]), layers.Activation("relu")])
    kept = model.layers
    del model
    other = Sequential(kept)
    other.vector[:] = 0
    assert not other.forward([[1.0, 2.0]]).any()


def test_what_is_no_layer_is_named_with_its_place():
    inner = mlp([3, 3], rng())
    first = layers.Dense(3, 3, rng())
    with pytest.raises(
        TypeError, match=r"layers\[1\] must be a layer, got a Sequential: write \*inner\.layers"
    ):
        Sequential([first, inner])
    for wrong, seen in [
        ("relu", "Layer such as Activation\\('relu'\\), got 'relu'"),
        (np.tanh, "Layer such as .*, got <ufunc 'tanh'>"),
        (layers.Dense, "Layer such as .*, got the class Dense"),
        (None, "Layer such as .*, got None"),
    ]:
        with pytest.raises(TypeError, match=rf"layers\[1\] must be an object of {seen}"):
            Sequential([first, wrong])
    for wrong in (first, None, 3, {first}):
        with pytest.raises(TypeError, match="layers must be a sequence of layers, got"):
            Sequential(wrong)


def test_an_initializer_that_returns_one_array_again_is_copied():
    weights = np.ones((2, 2))
    one, two = (layers.Dense(2, 2, rng(), initializer=lambda *_: weights) for _ in range(2))
    one.kernel[:] = 7
    assert (two.kernel == 1).all()
    assert (weights == 1).all()
    with pytest.raises(ValueError, match=r"initializer must return an array of shape \(2, 3\), got \(2, 2\)"):
        layers.Dense(2, 3, rng(), initializer=lambda *_: weights)


def test_parameters_of_an_optimizer_are_different_arrays():
    theta = np.zeros(3)
    with pytest.raises(ValueError, match="parameters must not share memory"):
        optimizers.Adam().update([theta, theta], [np.ones(3), np.ones(3)])
    assert not theta.any()
    # Parts of an array are different ones.
    optimizers.SGD(1.0).update([theta[::2], theta[1::2]], [np.ones(2), np.ones(1)])
    np.testing.assert_array_equal(theta, -1)


@every_optimizer
def test_the_gradient_may_be_the_parameter_itself(make):
    # The gradient of θ²/2 is θ.
    one, two = np.array([3.0, -2.0]), np.array([3.0, -2.0])
    first, second = make(weight_decay=0.5), make(weight_decay=0.5)
    for _ in range(3):
        first.update([one], [one])
        second.update([two], [two.copy()])
    np.testing.assert_array_equal(one, two)


# State that outlives


def test_every_fit_with_early_stopping_starts_from_nothing():
    x, y = line()
    mse, stopping = losses.MeanSquaredError(), EarlyStopping(patience=3)

    def train(target, stopping, seed):
        model = mlp([1, 1], rng(seed))
        monitor = {"validation_loss": lambda model: mse(target, model(x))}
        history = fit(
            model, x, target, mse, optimizers.SGD(0.05), rng(1), 6, monitor=monitor, early_stopping=stopping
        )
        return model, history["validation_loss"]

    train(y, stopping, 1)
    second, history = train(100 * y, stopping, 2)  # whose best loss is far above that of the first
    alone, _ = train(100 * y, EarlyStopping(patience=3), 2)
    np.testing.assert_array_equal(second.vector, alone.vector)
    assert mse(100 * y, second(x)) == min(history)
    assert stopping.best_value == min(history)


def test_an_optimizer_belongs_to_the_parameters_of_its_first_step():
    for make in OPTIMIZERS.values():
        theta, other, optimizer = np.zeros(2), np.zeros(2), make()
        optimizer.update([theta], [np.ones(2)])
        stepped = theta.copy()
        with pytest.raises(ValueError, match=r"parameters must be the arrays of the first step, got another"):
            optimizer.update([other], [np.ones(2)])
        assert not other.any()
        assert optimizer.iterations == 1
        # A new view of the same numbers is the same array.
        optimizer.update([theta[:]], [np.ones(2)])
        assert (theta < stepped).all()
        with pytest.raises(ValueError, match=r"parameters must be the arrays of the first step"):
            optimizer.update([theta[::-1]], [np.ones(2)])


def test_fit_refuses_the_optimizer_of_another_model():
    x, y = line()
    optimizer = optimizers.Adam()
    fit(mlp([1, 1], rng()), x, y, losses.MeanSquaredError(), optimizer, rng(), 1)
    with pytest.raises(ValueError, match="other parameters need an optimizer of their own"):
        fit(mlp([1, 1], rng()), x, y, losses.MeanSquaredError(), optimizer, rng(), 1)


def test_fit_goes_on_with_its_optimizer():
    x, y = line()
    one, two = mlp([1, 3, 1], rng()), mlp([1, 3, 1], rng())
    first, second, both = optimizers.Adam(0.01), rng(7), rng(7)
    fit(one, x, y, losses.MeanSquaredError(), optimizers.Adam(0.01), both, 4)
    for _ in range(4):
        fit(two, x, y, losses.MeanSquaredError(), first, second, 1)
    np.testing.assert_array_equal(one.vector, two.vector)


# Copies


@every_copy
def test_a_copy_of_a_model_leaves_the_original_whole(duplicate):
    model, x = mlp([2, 3, 1], rng()), [[1.0, -2.0]]
    model.forward(x)
    other = duplicate(model)
    before, vector = model(x), model.vector.copy()
    np.testing.assert_array_equal(other(x), before)
    other.vector += 1
    np.testing.assert_array_equal(model.vector, vector)
    model.vector += 1
    assert (model(x) != before).all()
    np.testing.assert_array_equal(other(x), model(x))
    for mine in (model, other):
        mine.backward(np.ones((1, 1)))
        assert all(np.shares_memory(p, mine.vector) for p in mine.parameters)
        assert all(
            np.shares_memory(g, mine.gradient_vector) for layer in mine.layers for g in layer.gradients
        )


@every_copy
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(3, 3, rng()),
        lambda: layers.PReLU(3),
        lambda: layers.BatchNormalization(3),
        lambda: layers.LayerNormalization(3),
        lambda: layers.WeightStandardizedDense(3, 3, rng()),
    ],
)
def test_a_copy_of_a_layer_shares_nothing(duplicate, make):
    layer, x = make(), rng().normal(size=(4, 3))
    layer.forward(x, training=True)
    other = duplicate(layer)
    np.testing.assert_array_equal(other.backward(x), layer.backward(x))
    arrays = [layer.parameters, layer.gradients, layer.state]
    before = [array.copy() for group in arrays for array in group]
    for group in (other.parameters, other.gradients, other.state):
        for array in group:
            array += 1
    Sequential([other])
    other.forward(2 * x, training=True)
    for array, value in zip((a for group in arrays for a in group), before, strict=True):
        np.testing.assert_array_equal(array, value)


@every_copy
@every_optimizer
def test_a_copy_of_an_optimizer_goes_on_alone(duplicate, make):
    theta, optimizer = np.array([1.0, -1.0]), make()
    optimizer.update([theta], [np.array([0.5, 2.0])])
    other, elsewhere = duplicate(optimizer), theta.copy()
    for _ in range(2):
        optimizer.update([theta], [np.array([0.25, -1.0])])
        other.update([elsewhere], [np.array([0.25, -1.0])])
        np.testing.assert_array_equal(elsewhere, theta)
    assert other.iterations == optimizer.iterations == 3
    with pytest.raises(ValueError, match=r"parameters must have the shapes \[\(2,\)\], got \[\(3,\)\]"):
        duplicate(optimizer).update([np.zeros(3)], [np.zeros(3)])


@every_copy
@every_metric
def test_a_copy_of_a_metric_counts_alone(duplicate, case):
    make, first, second = case
    metric = make()
    value = metric(*first)
    other = duplicate(metric)
    assert other.result() == value
    changed = other(*second)
    assert changed != value
    assert metric.result() == value
    assert metric(*second) == changed
    other.reset_state()
    assert metric.result() == changed


@every_copy
def test_copies_of_the_rest(duplicate):
    loss = duplicate(losses.Huber(delta=0.5, reduction="sum", name="mine"))
    assert (loss.delta, loss.reduction, loss.name) == (0.5, losses.Reduction.SUM, "mine")
    model, stopping = mlp([1, 1], rng()), EarlyStopping("loss", patience=2)
    stopping.should_stop(0, 1.0, model)
    other = duplicate(stopping)
    other.should_stop(1, 0.5, model)
    assert (stopping.best_epoch, other.best_epoch) == (0, 1)
    dropout = layers.Dropout(0.5, rng())
    other = duplicate(dropout)
    np.testing.assert_array_equal(dropout(np.ones(50), True), other(np.ones(50), True))


# Refusals change nothing


@every_optimizer
@pytest.mark.parametrize("gradient", [np.array([np.nan, 1.0]), np.array([1.0]), [[1.0, 1.0]], None, "ab"])
def test_a_step_that_is_refused_is_none(make, gradient):
    def walk(refused):
        theta, optimizer = np.array([1.0, -1.0]), make(global_clipnorm=1.0)
        if refused:
            with pytest.raises((ValueError, TypeError)):
                optimizer.update([theta], [gradient])
            np.testing.assert_array_equal(theta, [1.0, -1.0])
        assert optimizer.iterations == 0
        for value in (0.5, -2.0):
            optimizer.update([theta], [np.full(2, value)])
            if refused:
                with pytest.raises((ValueError, TypeError)):
                    optimizer.update([theta], [gradient])
        return theta

    np.testing.assert_array_equal(walk(True), walk(False))


def test_a_step_after_a_refused_one_by_hand():
    theta, adam = np.array([1.0]), optimizers.Adam(1e-3, global_clipnorm=1)
    with pytest.raises(ValueError, match="gradients must be finite"):
        adam.update([theta], [np.array([np.nan])])
    adam.update([theta], [np.array([0.5])])
    assert theta[0] == pytest.approx(1 - 1e-3, abs=1e-8)  # not 7.4e-4


def test_one_wrong_array_of_several_stops_the_whole_step():
    first, second = np.zeros(2), np.zeros(3)
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    for parameters, gradients in [
        ([first, second], [np.ones(2), np.ones(2)]),
        ([first, second], [np.ones(2), ["a", "b", "c"]]),
        ([first, [0.0, 0.0, 0.0]], [np.ones(2), np.ones(3)]),
        ([first, frozen], [np.ones(2), np.ones(3)]),
        ([first, np.ma.zeros(3)], [np.ones(2), np.ones(3)]),
        ([first, second], [np.ones(2), np.ma.ones(3)]),
    ]:
        optimizer = optimizers.SGD(1.0)
        with pytest.raises((ValueError, TypeError), match=r"(parameters|gradients) must"):
            optimizer.update(parameters, gradients)
        assert not first.any()
        assert optimizer.iterations == 0


def test_gradients_before_parameters_are_noticed():
    model = mlp([2, 1], rng())
    with pytest.raises(TypeError, match="parameters must come first and gradients second"):
        optimizers.SGD().update(model.gradients, model.parameters)
    with pytest.raises(TypeError, match="parameters must come first and gradients second"):
        optimizers.SGD().update(model.layers[0].gradients, model.layers[0].parameters)
    theta, optimizer = np.zeros(2), optimizers.SGD()
    optimizer.update([theta], [np.ones(2)])
    with pytest.raises(ValueError, match="parameters must be the arrays of the first step"):
        optimizer.update([np.ones(2)], [theta])


@every_metric
def test_a_batch_that_is_refused_is_not_counted(case):
    make, first, second = case
    metric = make()
    metric.update_state(*first)
    value = metric.result()
    for wrong in ((None,) * len(first), ("ab",) * len(first), (*first[:-1], object())):
        with pytest.raises((ValueError, TypeError)):
            metric.update_state(*wrong)
    if isinstance(metric, metrics.CorpusBLEU):
        with pytest.raises(TypeError):  # the first pair is right, the second is not
            metric.update_state([*second[0], ["ab"]], [*second[1], list("ab")])
    else:
        with pytest.raises(ValueError, match="sample_weight must have shape"):
            metric.update_state(*first, sample_weight=np.ones(9))
    assert metric.result() == value


def test_a_layer_keeps_its_last_forward_pass_when_the_next_is_refused():
    x, dy = rng(1).normal(size=(4, 3)), rng(2).normal(size=(4, 3))
    for make in (
        lambda: layers.Dense(3, 3, rng()),
        lambda: layers.BatchNormalization(3),
        lambda: layers.PReLU(3),
    ):
        layer, other = make(), make()
        layer.forward(x, training=True)
        other.forward(x, training=True)
        for wrong in (np.ones((2, 4)), "a", None):
            with pytest.raises((ValueError, TypeError)):
                layer.forward(wrong, training=True)
        with pytest.raises(TypeError, match="training must be True or False, got 'no'"):
            layer.forward(x, training="no")
        for a, b in zip(layer.state, other.state, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(layer.backward(dy), other.backward(dy))
        before = [g.copy() for g in layer.gradients]
        for wrong in (dy[:2], None):
            with pytest.raises((ValueError, TypeError)):
                layer.backward(wrong)
        for gradient, value in zip(layer.gradients, before, strict=True):
            np.testing.assert_array_equal(gradient, value)


def test_set_weights_is_all_or_nothing():
    model = mlp([2, 1], rng())
    before = model.vector.copy()
    for wrong in ([np.ones((2, 1)), np.ones(2)], [np.ones((2, 1)), ["a"]], [np.ones((2, 1))], 3, None):
        with pytest.raises((ValueError, TypeError), match="weights must"):
            model.set_weights(wrong)
        np.testing.assert_array_equal(model.vector, before)


def test_a_fit_that_is_refused_changes_nothing():
    x, y = line()
    model, mse, stopping = mlp([1, 1], rng()), losses.MeanSquaredError(), EarlyStopping()
    before, generator = model.vector.copy(), rng(3)
    state = generator.bit_generator.state
    good = {
        "model": model,
        "x": x,
        "y": y,
        "loss": mse,
        "optimizer": optimizers.SGD(),
        "rng": generator,
        "epochs": 1,
    }
    for wrong in (
        {"loss": "mse"},
        {"optimizer": "adam"},
        {"optimizer": optimizers.SGD},
        {"rng": 42},
        {"epochs": 0},
        {"batch_size": 0},
        {"monitor": len},
        {"monitor": {"loss": 3}},
        {"early_stopping": stopping},
        {"kernel_regularizer": 0.1},
        {"model": None},
    ):
        with pytest.raises((ValueError, TypeError)):
            fit(**good | wrong)
    np.testing.assert_array_equal(model.vector, before)
    assert generator.bit_generator.state == state


# Settings that are changed later


def test_settings_are_checked_when_they_are_set_later_too():
    for thing, name, wrong in [
        (optimizers.SGD(), "learning_rate", 0),
        (optimizers.SGD(), "momentum", 1),
        (optimizers.Adam(), "beta_1", "0.9"),
        (optimizers.RMSProp(), "rho", None),
        (optimizers.AdamW(), "weight_decay", -1),
        (optimizers.SGD(), "clipnorm", 0),
        (optimizers.SGD(), "nesterov", 1),
        (losses.Huber(), "delta", 0),
        (losses.BinaryCrossentropy(), "from_logits", "no"),
        (losses.CategoricalCrossentropy(), "label_smoothing", 2),
        (losses.Hinge(), "reduction", "average"),
        (metrics.BinaryAccuracy(), "threshold", 2),
        (metrics.FBetaScore(), "average", "mean"),
        (metrics.Mean(), "name", 3),
        (metrics.CorpusBLEU(), "max_order", 0),
        (layers.Dropout(0.5, rng()), "rate", 1),
        (layers.Dropout(0.5, rng()), "rng", 1),
        (layers.BatchNormalization(1), "momentum", 2),
        (layers.LayerNormalization(1), "epsilon", 0),
        (EarlyStopping(), "patience", 0),
        (EarlyStopping(), "mode", "auto"),
    ]:
        before = getattr(thing, name)
        with pytest.raises((ValueError, TypeError), match=rf"{name} must"):
            setattr(thing, name, wrong)
        assert getattr(thing, name) == before


def test_momentum_may_be_set_later():
    theta, expected = np.array([1.0]), 1.0
    optimizer, velocity = optimizers.SGD(0.1), 0.0
    for step, momentum in enumerate((0.0, 0.0, 0.5, 0.9, 0.0)):
        optimizer.momentum = momentum
        optimizer.update([theta], [np.array([step + 1.0])])
        velocity = momentum * velocity - 0.1 * (step + 1) if momentum else velocity
        expected += velocity if momentum else -0.1 * (step + 1)
    assert theta[0] == pytest.approx(expected, rel=1e-12)
    optimizer.nesterov = True
    with pytest.raises(ValueError, match="momentum must be positive for nesterov=True, got 0"):
        optimizer.update([theta], [np.ones(1)])


def test_clipping_may_be_set_later():
    theta, optimizer = np.zeros(1), optimizers.SGD(1.0)
    optimizer.clipvalue = 0.5
    optimizer.update([theta], [np.array([3.0])])
    assert theta == -0.5
    optimizer.clipnorm = 0.5
    with pytest.raises(ValueError, match="only one of clipvalue, clipnorm, global_clipnorm may be set"):
        optimizer.update([theta], [np.array([3.0])])
    assert theta == -0.5


def test_the_order_of_a_bleu_score_is_that_of_its_counts():
    bleu = metrics.CorpusBLEU(max_order=2)
    bleu.update_state(*TEXTS)
    bleu.max_order = 3
    for call in (bleu.result, lambda: bleu.update_state(*TEXTS)):
        with pytest.raises(ValueError, match="max_order must stay as it was at the last reset, 2, got 3"):
            call()
    bleu.reset_state()
    assert bleu(*TEXTS) == metrics.corpus_bleu(*TEXTS, max_order=3)


# Early stopping


@pytest.mark.parametrize(
    ("monitor", "mode", "best"),
    [
        ("validation_loss", None, 1),
        ("error", None, 1),
        ("categorical_crossentropy", None, 1),
        ("kl divergence", None, 1),
        ("validation_accuracy", None, 2),
        ("f1_score", None, 2),
        ("BLEU", None, 2),
        ("val_acc", None, 2),
        ("measure", "min", 1),
        ("measure", "max", 2),
        ("loss", "max", 2),
        ("accuracy", "min", 1),
    ],
)
def test_early_stopping_knows_what_is_good(monitor, mode, best):
    model, stopping = mlp([1, 1], rng()), EarlyStopping(monitor, patience=2, mode=mode)
    for epoch, value in enumerate([0.5, 0.1, 0.9, float("nan"), 0.5]):
        model.vector[:] = epoch
        if stopping.should_stop(epoch, value, model):
            break
    assert (stopping.best_epoch, stopping.best_value) == (best, [0.5, 0.1, 0.9][best])
    assert epoch == best + 2
    stopping.restore(model)
    assert (model.vector == best).all()


def test_early_stopping_refuses_to_guess():
    with pytest.raises(
        ValueError, match="mode must be 'min' or 'max' for a monitor whose name does not tell, got 'x'"
    ):
        EarlyStopping("x")
    with pytest.raises(RuntimeError, match="restore needs an epoch before it"):
        EarlyStopping().restore(mlp([1, 1], rng()))
    with pytest.raises(TypeError, match="positional argument"):
        EarlyStopping("loss", 3)


# What users of Keras and PyTorch type


def test_names_and_calls_of_other_libraries():
    assert optimizers.RMSprop is optimizers.RMSProp
    x = rng().normal(size=(3, 2))
    for thing in (mlp([2, 3, 1], rng()), layers.Dense(2, 3, rng()), layers.BatchNormalization(2)):
        for training in (False, True):
            np.testing.assert_array_equal(thing(x, training=training), thing.forward(x, training=training))
    assert losses.MeanSquaredError(reduction="mean")(np.zeros((4, 1)), np.ones((4, 1)), [1, 1, 0, 0]) == 0.5
    assert losses.MeanSquaredError(reduction=None)(np.zeros((4, 1)), np.ones((4, 1))).shape == (4,)
    f1 = metrics.F1Score(average="macro")
    assert f1(GOLD, PREDICTED) == metrics.FBetaScore(beta=1.0, average="macro")(GOLD, PREDICTED)
    assert (f1.name, metrics.F1Score(name="mine").name) == ("f1_score", "mine")
    with pytest.raises(TypeError, match="unexpected keyword argument 'beta'"):
        metrics.F1Score(beta=2.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: optimizers.AdamW(1e-3, 0.01),
        lambda: optimizers.SGD(0.1, 0.9),
        lambda: optimizers.RMSProp(0.1, 0.9),
        lambda: metrics.CategoricalCrossentropy(True),
        lambda: metrics.BinaryAccuracy(0.3),
        lambda: metrics.Mean("mine"),
        lambda: metrics.CorpusBLEU(2),
        lambda: losses.BinaryCrossentropy(True),
        lambda: losses.Huber(0.5),
        lambda: losses.MeanSquaredError("sum"),
        lambda: layers.PReLU(3, 0.1),
        lambda: layers.BatchNormalization(3, 0.9),
        lambda: layers.LayerNormalization(3, 1e-5),
        lambda: models.mlp([2, 1], rng(), "relu", 0.5),
    ],
)
def test_options_are_given_by_keyword(call):
    with pytest.raises(TypeError, match="positional argument"):
        call()


def test_sizes_may_be_any_sequence():
    assert [p.shape for p in mlp(range(2, 5), rng()).parameters] == [(2, 3), (3,), (3, 4), (4,)]


def test_a_model_may_begin_with_any_layer():
    x, y = line()
    models_ = [Sequential([first, layers.Dense(1, 1, rng())]) for first in (layers.PReLU(1), layers.PReLU(1))]
    mse = losses.MeanSquaredError()
    fit(models_[0], x, y, mse, optimizers.SGD(0.1), rng(), 1, batch_size=20)
    models_[1].backward(mse.gradient(y, models_[1](x)))
    optimizers.SGD(0.1).update(models_[1].parameters, models_[1].gradients)
    np.testing.assert_allclose(models_[0].vector, models_[1].vector, rtol=1e-12)
