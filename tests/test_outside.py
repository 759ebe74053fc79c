"""npfl gives the answers of other libraries, in `golden/outside/`, and keeps its word about copies.

The cases were written from the documentation alone, apart from the other tests: arrays of all layouts and
dtypes, numbers near the ends of what floats can hold, long runs of optimizers, and the lives of objects.
"""

import copy
import importlib.util
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from npfl import activations, augmentation, ensembles, initializers, losses, metrics, optimizers, regularizers
from npfl.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    PReLU,
    WeightStandardizedDense,
)
from npfl.models import EarlyStopping, Sequential, fit, mlp

OUTSIDE = Path(__file__).parent / "golden" / "outside"


def load_cases():
    spec = importlib.util.spec_from_file_location("outside_cases", OUTSIDE / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cases = load_cases()
ANSWERS = json.loads((OUTSIDE / "answers.json").read_text(encoding="utf-8"))
# Half a unit in the last place of float16 is 5e-4 of a number; a second rounding is allowed, a third is not.
TOLERANCE = {"float16": 1.1e-3, "float32": 2e-6, "float64": 1e-11}


def rng():
    return np.random.default_rng(5)


def activation(case):
    x = cases.activation_input(case)
    name, options = case["name"], case["options"]
    results = [getattr(activations, name + end)(x, **options) for end in ("", "_grad")]
    for result in results:
        assert result.dtype == ("float64" if case["dtype"] == "int64" else case["dtype"])
    return results


def far(case):
    return [
        getattr(activations, case["name"] + end)(case["values"], **case["options"]) for end in ("", "_grad")
    ]


def softmax(case):
    x = cases.softmax_input(case)
    results = [activations.softmax(x, case["axis"]), activations.log_softmax(x, case["axis"])]
    if x.ndim == 1:
        results.append(activations.softmax_jacobian(x))
    for result in results:
        assert result.dtype == case["dtype"]
    return results


def softmax_masked(case):
    x = cases.softmax_input(case)
    return [activations.softmax(x), activations.log_softmax(x)]


def loss(case):
    gold, predicted, weights = cases.loss_inputs(case)
    gold, predicted = cases.lay(gold, case["layout"]), cases.lay(predicted, case["layout"])
    criterion = getattr(losses, case["name"])(**case["options"], reduction=case["reduction"])
    results = [criterion(gold, predicted, weights), criterion.gradient(gold, predicted, weights)]
    for result in results:
        assert np.asarray(result).dtype == case["dtype"]
    return results


def masked_loss(case):
    gold, logits = cases.masked_inputs(case)
    criterion = losses.CategoricalCrossentropy(from_logits=True)
    return [criterion(gold, logits), criterion.gradient(gold, logits)]


def far_loss(case):
    gold, logits = cases.far_inputs(case)
    criterion = getattr(losses, case["name"])(from_logits=True)
    return [criterion(gold, logits), criterion.gradient(gold, logits)]


def metric(case):
    collected = getattr(metrics, case["name"])(**case["options"])
    results = []
    for gold, predicted, weights in cases.metric_batches(case):
        pair = (predicted,) if case["name"] == "Mean" else (gold, predicted)
        results.append(collected(*pair, sample_weight=weights))
    return [results]


def f_score(case):
    collected = metrics.FBetaScore(**case["options"])
    return [[collected(*batch) for batch in cases.metric_batches(case)]]


def bleu(case):
    collected = metrics.CorpusBLEU(max_order=case["order"])
    return [[collected(*batch) for batch in cases.bleu_batches(case)]]


def optimizer(case):
    stepper = getattr(optimizers, case["name"])(**case["options"])
    layout = case.get("layout", "C").replace("read-only", "C")  # what is changed in place can be written to
    parameters = [cases.lay(start, layout) for start in cases.optimizer_start(case)]
    results = []
    for step in range(1, case["steps"] + 1):
        stepper.learning_rate = case.get("rates", {}).get(step, stepper.learning_rate)
        gradients = [cases.lay(g, case.get("layout", "C")) for g in cases.optimizer_gradients(case, step)]
        before = copy.deepcopy(gradients)
        stepper.update(parameters, gradients)
        assert all(map(np.array_equal, before, gradients))
        if step in (1, 7, case["steps"]):
            results.append(np.concatenate([parameter.ravel() for parameter in parameters]))
    assert {str(parameter.dtype) for parameter in parameters} == {case.get("dtype", "float64")}
    return [results]


def layer(case):
    x, dy, parameters = cases.layer_inputs(case)
    options = {**case["options"], "dtype": case["dtype"]}
    made = {
        "Dense": lambda: Dense(3, 2, rng(), **options),
        "WeightStandardizedDense": lambda: WeightStandardizedDense(3, 2, rng(), **options),
        "PReLU": lambda: PReLU(3, **options),
        "LayerNormalization": lambda: LayerNormalization(3, **options),
    }[case["name"]]()
    fill(made.parameters, parameters)
    results = [made(x, training=True), made.backward(dy), *made.gradients]
    for result in results:
        assert result.dtype == case["dtype"]
    return results


def fill(arrays, values):
    for array, value in zip(arrays, values, strict=True):
        array[...] = value


def batch_normalization(case):
    made = BatchNormalization(3, momentum=case["momentum"], epsilon=case["epsilon"], dtype=case["dtype"])
    fill(made.parameters, cases.scale_and_shift())
    results = []
    for step in range(4):
        x, dy = cases.batch_inputs(case, step)
        y = made(x, training=step < 3)
        dx = made.backward(dy)
        results += [y, dx, *(gradient.copy() for gradient in made.gradients)]
    return [*results, *made.state]


def network(case):
    x, gold, parameters = cases.network_inputs(case)
    model = Sequential(
        [
            Dense(3, 4, rng()),
            BatchNormalization(4),
            Activation(case["activation"]),
            PReLU(4),
            LayerNormalization(4),
            WeightStandardizedDense(4, 2, rng()),
        ]
    )
    fill(model.parameters, parameters)
    criterion = losses.SparseCategoricalCrossentropy(from_logits=True)
    logits = model(x, training=True)
    dx = model.backward(criterion.gradient(gold, logits))
    return [logits, criterion(gold, logits), dx, *model.gradients]


def training(case):
    x, gold, weights = cases.training_inputs()
    model = mlp([3, 4, 2], rng(), "tanh")
    model.set_weights(weights)
    criterion = losses.SparseCategoricalCrossentropy(from_logits=True)
    penalty = case["penalty"] and getattr(regularizers, case["penalty"][0])(case["penalty"][1])
    history = fit(
        model,
        cases.lay(x, "strided"),
        gold,
        criterion,
        getattr(optimizers, case["optimizer"])(**case["options"]),
        rng(),
        case["epochs"],
        batch_size=8,
        kernel_regularizer=penalty,
        monitor={"loss": lambda model: criterion(gold, model(x))},
    )
    return [history["loss"][:: case["epochs"] - 1], *model.get_weights()]


def early_stopping(case):
    model = mlp([1, 1], rng())
    stopping = EarlyStopping(monitor="value", patience=case["patience"], mode=case["mode"])
    for epoch, value in enumerate(cases.monitored_values(case)):
        model.vector[:] = epoch
        if stopping.should_stop(epoch, float(value), model):
            break
    stopping.restore(model)
    return [[epoch, model.vector[0], stopping.best_epoch]]


def penalty(case):
    x = cases.activation_input({"name": "penalty", **case})
    regularizer = getattr(regularizers, case["name"])(case["strength"])
    return [regularizer(x), regularizer.gradient(x)]


def proximal(case):
    return [regularizers.l1_proximal_update(*cases.step_inputs(case), case["rate"], case["strength"])]


def l2_step(case):
    return [regularizers.l2_sgd_update(*cases.step_inputs(case), case["rate"], cases.small_strength(case))]


def ensemble(case):
    logits, probabilities = cases.ensemble_inputs(case)
    (weights,) = ensembles.average_weights([[model] for model in logits])
    return [ensembles.average_probabilities(probabilities), ensembles.average_logits(logits), weights]


def variance(case):
    return [ensembles.variance_of_average(1.7, case["correlation"], case["models"])]


def limits(case):
    n, m = case["fan_in"], case["fan_out"]
    bounds = [initializers.glorot_limit(n, m), initializers.he_limit(n)]
    return [bounds, list(map(initializers.uniform_variance, bounds)), [initializers.fan_in_limit(n)]]


def translate(case):
    return [augmentation.translate(cases.image_inputs(case), case["down"], case["right"])]


def rotate(case):
    return [augmentation.rotate(cases.image_inputs(case), case["degrees"])]


def scale(case):
    return [augmentation.scale(cases.image_inputs(case), case["factor"])]


def change_speed(case):
    return [augmentation.change_speed(cases.image_inputs(case), case["factor"])]


OURS = {
    function.__name__: function
    for function in (
        activation,
        far,
        softmax,
        softmax_masked,
        loss,
        masked_loss,
        far_loss,
        metric,
        f_score,
        bleu,
        optimizer,
        layer,
        batch_normalization,
        network,
        training,
        early_stopping,
        penalty,
        proximal,
        l2_step,
        ensemble,
        variance,
        limits,
        translate,
        rotate,
        scale,
        change_speed,
    )
} | {"torch_optimizer": optimizer}


def tolerance(case):
    """Say how far numbers may be apart, relative to themselves and to the largest."""
    number = TOLERANCE[case.get("dtype", "float64").replace("int64", "float64")]
    if case["kind"] in ("layer", "batch_normalization", "optimizer", "proximal", "loss"):
        return number, number * {"proximal": 1e4}.get(case["kind"], 4)
    if case["kind"] == "training":
        return 1e-9, 0.0  # 50 steps, each of which takes the errors of those before
    if case["kind"] == "activation" and case["dtype"] == "float16":
        return number, 2.5e-4  # where the slopes of SiLU and Mish cross 0, they are differences
    return number, 1e-15 if case["kind"] != "far" else 0.0


@pytest.mark.parametrize("case", cases.CASES, ids=cases.title)
def test_answer_is_that_of_another_library(case):
    answer = ANSWERS[cases.title(case)]
    ours = OURS[case["kind"]](case)
    assert len(ours) == len(answer)
    relative, absolute = tolerance(case)
    for (shape, expected), got in zip(answer, ours, strict=True):
        got = np.asarray(got, np.float64)
        assert got.shape == tuple(shape)
        expected = np.reshape(expected, shape)
        finite = np.abs(expected[np.isfinite(expected)])
        largest = finite.max() if finite.size else 0.0
        np.testing.assert_allclose(got, expected, relative, absolute * max(1.0, largest))


# What has no stored answer: the lives of objects, and refusals.


def make_layers():
    return [
        Dense(2, 2, rng()),
        WeightStandardizedDense(2, 2, rng()),
        PReLU(2),
        BatchNormalization(2),
        LayerNormalization(2),
        Activation("mish"),
        Dropout(0.5, rng()),
    ]


def make_model():
    layers = make_layers()
    return Sequential([layers[place] for place in (0, 3, 5, 6, 2, 4, 1)])


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}
copies = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
X, DY = np.array([[1.0, -2.0], [3.0, 4.5]]), np.array([[1.0, 0.5], [-2.0, 2.0]])


@pytest.mark.parametrize("made", make_layers(), ids=lambda layer: type(layer).__name__)
@copies
def test_copy_of_layer_goes_on_where_the_layer_stood_and_shares_nothing(made, duplicate):
    made(X, training=True)
    expected = copy.deepcopy(made).backward(DY)
    twin = duplicate(made)
    np.testing.assert_array_equal(twin.backward(DY), expected)
    arrays = [[*layer.parameters, *layer.state, *layer.gradients] for layer in (made, twin)]
    assert not any(np.shares_memory(*pair) for pair in itertools.product(*arrays))
    np.testing.assert_array_equal(twin(X, training=True), made(X, training=True))


@pytest.mark.parametrize("made", make_layers(), ids=lambda layer: type(layer).__name__)
def test_refused_batch_leaves_layer_ready_for_backward(made):
    outputs = made(X, training=True)
    state = pickle.dumps((made.parameters, made.state))
    expected = copy.deepcopy(made).backward(DY)
    for wrong in ([["a", "b"]], [[1j, 2]], np.ma.array(X, mask=X > 0)):
        with pytest.raises((TypeError, ValueError)):
            made(wrong, training=True)
    for wrong in ([[1.0, 2.0]], 1.0, [["a", "b"]] * 2):
        with pytest.raises((TypeError, ValueError)):
            made.backward(wrong)
    assert pickle.dumps((made.parameters, made.state)) == state
    np.testing.assert_array_equal(made.backward(DY), expected)
    assert not np.shares_memory(outputs, X)


@copies
def test_copy_of_model_trains_like_the_model(duplicate):
    model = make_model()
    twin = duplicate(model)
    for trained in (model, twin):
        fit(trained, X, DY, losses.Huber(), optimizers.Adam(0.05), rng(), 5, batch_size=2)
        assert all(np.shares_memory(parameter, trained.vector) for parameter in trained.parameters)
    np.testing.assert_array_equal(model.vector, twin.vector)
    assert not np.shares_memory(model.vector, twin.vector)


def stepped(name, options, steps=3):
    """Return an optimizer and its parameters after some steps."""
    case = {"name": name, "options": options}
    made, parameters = getattr(optimizers, name)(**options), cases.optimizer_start(case)
    for step in range(1, steps + 1):
        made.update(parameters, cases.optimizer_gradients(case, step))
    return made, parameters


@pytest.mark.parametrize(("name", "options"), cases.OPTIMIZERS, ids=str)
@copies
def test_copy_of_optimizer_goes_on_with_copies_of_the_parameters(name, options, duplicate):
    made, parameters = stepped(name, options)
    twin, others = duplicate(made), [parameter.copy() for parameter in parameters]
    for step in range(4, 9):
        made.update(parameters, cases.optimizer_gradients({}, step))
    for step in range(4, 9):
        twin.update(others, cases.optimizer_gradients({}, step))
    assert all(map(np.array_equal, parameters, others))


@pytest.mark.parametrize(("name", "options"), cases.OPTIMIZERS, ids=str)
def test_refused_step_changes_neither_parameters_nor_optimizer(name, options):
    made, parameters = stepped(name, {**options, "global_clipnorm": 1.0})
    gradients = cases.optimizer_gradients({}, 3)
    infinite = [*gradients[:-1], np.array(np.inf)]
    state = pickle.dumps((made, parameters))
    for wrong in (
        (parameters, gradients[:-1]),
        (parameters, gradients[::-1]),
        (parameters, infinite),
        (parameters, [np.ma.array(gradient, mask=True) for gradient in gradients]),
        (parameters[::-1], gradients[::-1]),
        ([parameter.copy() for parameter in parameters], gradients),
        ([parameter.tolist() for parameter in parameters], gradients),
    ):
        with pytest.raises((TypeError, ValueError)):
            made.update(*wrong)
        assert pickle.dumps((made, parameters)) == state


@pytest.mark.parametrize(("name", "options"), cases.OPTIMIZERS, ids=str)
def test_clipnorm_may_be_set_and_unset_between_trainings(name, options):
    x, gold, weights = cases.training_inputs()
    criterion = losses.SparseCategoricalCrossentropy(from_logits=True)
    models = []
    for clips in ((None, 1e9, None), (None, None, None)):
        model, made = mlp([3, 4, 2], rng()), getattr(optimizers, name)(**options)
        model.set_weights(weights)
        for clip in clips:  # a limit that nothing reaches changes nothing
            made.clipnorm = clip
            fit(model, x, gold, criterion, made, rng(), 2, batch_size=3)
            made = copy.deepcopy(made) if clip else made
        models.append(model)
    np.testing.assert_allclose(models[0].vector, models[1].vector, 1e-12)


def used_optimizer():
    made = optimizers.Adam()
    fit(mlp([2, 3, 2], rng()), X, DY, losses.MeanSquaredError(), made, rng(), 1)
    return made


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": np.ones((2, 3))},
        {"y": DY[:, :1]},
        {"y": [0, 1]},
        {"y": [0, 2], "loss": losses.SparseCategoricalCrossentropy(from_logits=True)},
        {"y": DY, "loss": losses.Hinge()},
        {"optimizer": used_optimizer()},
        {"optimizer": "clips"},
    ],
    ids=lambda wrong: " ".join(wrong),
)
def test_refused_training_changes_nothing(wrong):
    model, generator = make_model(), rng()
    stopping = EarlyStopping(monitor="loss")
    stopping.should_stop(3, 1.0, model)
    if wrong.get("optimizer") == "clips":
        wrong = {"optimizer": optimizers.SGD(0.1, clipvalue=1.0)}
        wrong["optimizer"].clipnorm = 1.0
    arguments = {"x": X, "y": DY, "loss": losses.MeanSquaredError(), "optimizer": optimizers.Adam(), **wrong}
    before = pickle.dumps((model.get_weights(), generator.bit_generator.state, arguments["optimizer"]))
    with pytest.raises((TypeError, ValueError)):
        fit(
            model,
            **arguments,
            rng=generator,
            epochs=2,
            batch_size=1,
            monitor={"loss": lambda model: 0.0},
            early_stopping=stopping,
        )
    assert (
        pickle.dumps((model.get_weights(), generator.bit_generator.state, arguments["optimizer"])) == before
    )
    assert stopping.best_epoch == 3


METRIC_BATCHES = {
    "Mean": ([1.0, 4.0],),
    "MeanSquaredError": ([[1.0], [2.0]], [[2.0], [0.5]]),
    "BinaryCrossentropy": ([[1, 0]], [[0.2, 0.9]]),
    "CategoricalCrossentropy": ([[1, 0]], [[0.2, 0.8]]),
    "SparseCategoricalCrossentropy": ([1, 0], [[0.2, 0.8], [0.5, 0.5]]),
    "Accuracy": ([1, 2, 3], [1, 2, 2]),
    "BinaryAccuracy": ([[1], [0]], [[0.2], [0.1]]),
    "CategoricalAccuracy": ([[1, 0], [0, 1]], [[0.2, 0.8], [0.4, 0.6]]),
    "SparseCategoricalAccuracy": ([1, 1], [[0.2, 0.8], [0.6, 0.4]]),
    "F1Score": ([[1, 0], [0, 1]], [[0.2, 0.8], [0.4, 0.6]]),
    "CorpusBLEU": ([[["a", "b", "c", "d", "e"]]], [["a", "b", "c", "d", "f"]]),
}


@pytest.mark.parametrize(("name", "batch"), METRIC_BATCHES.items(), ids=list(METRIC_BATCHES))
@copies
def test_copy_of_metric_collects_for_itself(name, batch, duplicate):
    collected = getattr(metrics, name)()
    collected(*batch)
    value = collected.result()
    twin = duplicate(collected)
    np.testing.assert_allclose(twin(*batch), value, 1e-15)
    twin.reset_state()
    np.testing.assert_array_equal(collected.result(), value)
    collected.reset_state()
    np.testing.assert_array_equal(collected(*batch), value)


@pytest.mark.parametrize(("name", "batch"), METRIC_BATCHES.items(), ids=list(METRIC_BATCHES))
def test_refused_batch_is_not_counted(name, batch):
    collected = getattr(metrics, name)()
    collected(*batch)
    state = copy.deepcopy(vars(collected))
    for wrong in (
        ([1j], [1j]),
        (None, None),
        (np.ma.array([[1.0]], mask=True), [[0.5]]),
        ([[0.5]], [[0.2]], [1, 2, 3]),
        (*batch, "w"),
    ):
        with pytest.raises((TypeError, ValueError)):
            collected.update_state(*wrong)
        np.testing.assert_equal(vars(collected), state)


@pytest.mark.parametrize(
    ("references", "hypotheses"),
    [
        ([[["a"]], [["a", ["b"]]]], [["a"], ["a", "b"]]),
        ([[["a"]], [["a", "b"]]], [["a"], ["a", ["b"]]]),
        ([[["a"]], [np.eye(2)]], [["a"], ["a", "b"]]),
        ([[["a"]], [np.array(5)]], [["a"], ["a", "b"]]),
    ],
)
def test_batch_with_what_is_no_token_is_not_counted(references, hypotheses):
    bleu = metrics.CorpusBLEU(max_order=1)
    bleu([[["a"]]], [["a"]])
    with pytest.raises(TypeError, match=r"^(references\[1\](\[0\])?|hypotheses\[1\]) must"):
        bleu.update_state(references, hypotheses)
    assert bleu([[["a"]]], [["a"]]) == 1.0
    assert bleu([[["b"]]], [["a"]]) == pytest.approx(2 / 3)


def test_accuracy_tells_large_integers_apart():
    for dtype in (np.int64, np.uint64):
        labels = np.array([2**53, 2**60, 2**62], dtype)
        assert metrics.Accuracy()(labels, labels + np.array([1, 1, 0], dtype)) == pytest.approx(1 / 3)


def test_what_is_dropped_is_0_even_if_it_was_infinite():
    x = np.array([[np.inf, -np.inf, np.nan] * 20])
    dropped = regularizers.dropout(x, 0.5, training=True, rng=rng())
    zeros = dropped == 0
    assert 10 < zeros.sum() < 50
    np.testing.assert_array_equal(dropped[~zeros], x[~zeros])
    layer = Dropout(0.5, rng())
    np.testing.assert_array_equal(layer(x, training=True), dropped)
    np.testing.assert_array_equal(layer.backward(x), dropped)


def test_mean_of_float16_squares_that_are_too_large_for_float16():
    gold, predicted = np.zeros((1, 2), np.float16), np.array([[300, 0]], np.float16)
    assert losses.MeanSquaredError()(gold, predicted) == np.float16(45000)
    far = np.array([[4e4, 0]], np.float16)
    np.testing.assert_array_equal(losses.MeanSquaredError().gradient(gold, far), far)
    steep = losses.Huber(delta=1000.0)
    assert steep(gold, np.array([[400, 0]], np.float16)) == np.float16(40000)


@pytest.mark.parametrize("name", ["silu", "mish"])
@pytest.mark.parametrize("end", ["", "_grad"])
def test_tail_in_float16_is_the_rounded_number(name, end):
    x = np.array([-18.5, -17.0, -12.0, -1.25, -1.1875, 2.0], np.float16)
    function = getattr(activations, name + end)
    exact = function(x.astype(np.float64))
    assert (function(x) != 0).all()
    np.testing.assert_allclose(function(x).astype(float), exact, 5e-4, 3e-8)
