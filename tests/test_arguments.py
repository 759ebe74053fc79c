"""Every argument of every public name, given wrongly: one line says which, what it must be, what came.

`CALLS` holds a right call of each name, `METHODS` of methods. What is wrong follows from the annotation in
the signature. A name that is missing here fails.
"""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import npfl
from npfl import (
    activations,
    augmentation,
    data,
    ensembles,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    testing,
)

MODULES = [
    importlib.import_module(m.name)
    for m in pkgutil.iter_modules(npfl.__path__, "npfl.")
    if not m.name.startswith("npfl._") and m.name not in ("npfl.explore", "npfl.figures")
]


def rng():
    return np.random.default_rng(1)


X, LABELS = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]), np.array([0, 2])
GOLD, IMAGE, SOUND = np.eye(3)[LABELS], np.ones((4, 4)), np.ones(600)
PAIR = {"y_true": GOLD, "y_pred": X}
WEIGHTED = {**PAIR, "sample_weight": [1.0, 2.0]}
SPARSE = {"y_true": LABELS, "y_pred": X}
FANS = {"fan_in": 3, "fan_out": 3, "rng": rng()}
STEP = {"weights": [1.0, 2.0], "gradient": [1.0, 1.0], "learning_rate": 0.1, "strength": 0.1}
TEXTS = {"references": [[["a", "b"]]], "hypotheses": [["a", "b"]]}
MODEL = models.mlp([3, 3], rng())
FIT = {
    "model": MODEL,
    "x": X,
    "y": GOLD,
    "loss": losses.MeanSquaredError(),
    "optimizer": optimizers.SGD(),
    "rng": rng(),
    "epochs": 1,
    "batch_size": 2,
    "kernel_regularizer": regularizers.L2(0.1),
    "monitor": {"loss": lambda model: 0.0},
    "early_stopping": models.EarlyStopping("loss"),
}


def forwarded(layer):
    layer.forward(X)
    return layer


def scored(metric):
    metric.update_state(**PAIR)
    return metric


# What is called, and with which arguments; those that are left out have their defaults.
CALLS = {
    **{
        f: {"x": X}
        for f in vars(activations).values()
        if inspect.isfunction(f) and f.__module__ == "npfl.activations" and f.__name__[0] != "_"
    },
    **{
        f: {"logits": X} for f in (activations.softmax, activations.log_softmax, activations.softmax_jacobian)
    },
    augmentation.mixup: {"x": X, "y": GOLD, "alpha": 0.5, "rng": rng()},
    augmentation.translate: {"images": IMAGE, "down": 1, "right": 0},
    augmentation.rotate: {"images": IMAGE, "degrees": 30},
    augmentation.scale: {"images": IMAGE, "factor": 2},
    augmentation.flip: {"images": IMAGE},
    augmentation.brightness: {"images": IMAGE, "change": 0.1},
    augmentation.add_noise: {"signal": SOUND, "snr": 10, "rng": rng()},
    augmentation.change_speed: {"signal": SOUND, "factor": 2},
    augmentation.change_pitch: {"signal": SOUND, "factor": 2},
    data.Part: None,  # named tuples, which `split` and its like fill
    data.Parts: None,
    data.split: {"x": X, "y": LABELS, "rng": rng(), "validation": 0, "test": 1},
    data.one_hot: {"labels": LABELS, "classes": 3},
    data.digits: {"rng": rng()},
    data.two_moons: {"n": 4, "rng": rng()},
    data.blobs: {"n": 4, "rng": rng(), "centers": X},
    data.noisy_line: {"n": 4, "rng": rng()},
    data.tone: {"frequency": 440},
    ensembles.bootstrap: {"n": 5, "rng": rng()},
    ensembles.average_probabilities: {"probabilities": X},
    ensembles.average_logits: {"logits": X},
    ensembles.average_weights: {"weights": [[X, X], [X, X]]},
    ensembles.variance_of_average: {"variance": 1.0, "correlation": 0.5, "models": 3},
    **{
        getattr(initializers, name): {k: FANS[k] for k in names}
        for name, names in {
            "fan_in_limit": ["fan_in"],
            "glorot_limit": ["fan_in", "fan_out"],
            "he_limit": ["fan_in"],
            "fan_in_uniform": FANS,
            "glorot_uniform": FANS,
            "glorot_normal": FANS,
            "he_uniform": FANS,
            "he_normal": FANS,
        }.items()
    },
    initializers.uniform_variance: {"limit": 1.0},
    layers.Layer: None,  # abstract, as Loss, Metric and Optimizer
    layers.Activation: {"name": "relu"},
    layers.Dense: FANS,
    layers.WeightStandardizedDense: FANS,
    layers.Dropout: {"rate": 0.5, "rng": rng()},
    layers.PReLU: {"features": 3},
    layers.BatchNormalization: {"features": 3},
    layers.LayerNormalization: {"features": 3},
    layers.standardize_weights: {"weights": X},
    losses.Loss: None,
    losses.Reduction: {"value": "sum"},
    **{
        getattr(losses, name): {}
        for name in losses.__all__
        if inspect.isclass(getattr(losses, name)) and name not in ("Loss", "Reduction")
    },
    **{
        getattr(losses, name): SPARSE if name.startswith("sparse") else PAIR
        for name in losses.__all__
        if inspect.isfunction(getattr(losses, name))
    },
    losses.smooth_labels: {"y_true": GOLD, "alpha": 0.1},
    **{
        thing: {}
        for thing in vars(metrics).values()
        if inspect.isclass(thing)
        and thing.__module__ == "npfl.metrics"
        and not thing.__name__.startswith("_")
    },
    metrics.Metric: None,
    metrics.corpus_bleu: TEXTS,
    models.Sequential: {"layers": [layers.Dense(3, 3, rng())]},
    models.mlp: {"sizes": [3, 3], "rng": rng()},
    models.EarlyStopping: {},
    models.fit: FIT,
    optimizers.Optimizer: None,
    **{
        optimizer: {} for optimizer in (optimizers.SGD, optimizers.RMSProp, optimizers.Adam, optimizers.AdamW)
    },
    optimizers.clip_by_value: {"gradient": X, "clipvalue": 1.0},
    optimizers.clip_by_norm: {"gradient": X, "clipnorm": 1.0},
    optimizers.clip_by_global_norm: {"gradients": [X, X], "global_clipnorm": 1.0},
    regularizers.L1: {"strength": 0.1},
    regularizers.L2: {"strength": 0.1},
    regularizers.dropout: {"inputs": X, "training": True, "rng": rng()},
    regularizers.l1_sgd_update: STEP,
    regularizers.l2_sgd_update: STEP,
    regularizers.l1_proximal_update: STEP,
    testing.numerical_gradient: {"f": np.sum, "x": X},
    testing.check_gradient: {"f": np.sum, "x": X, "gradient": np.ones((2, 3))},
}
LAYERS = [
    layers.Activation("relu"),
    layers.Dense(3, 3, rng()),
    layers.WeightStandardizedDense(3, 3, rng()),
    layers.PReLU(3),
    layers.Dropout(0.5, rng()),
    layers.BatchNormalization(3),
    layers.LayerNormalization(3),
]
METHODS = {
    **{layer.forward: {"x": X} for layer in [*LAYERS, MODEL]},
    **{forwarded(layer).backward: {"dy": X} for layer in [*LAYERS, MODEL]},
    MODEL.set_weights: {"weights": MODEL.get_weights()},
    models.EarlyStopping().should_stop: {"epoch": 0, "value": 1.0, "model": MODEL},
    models.EarlyStopping().restore: {"model": MODEL},
    regularizers.L1(0.1).__call__: {"weights": X},
    regularizers.L2(0.1).gradient: {"weights": X},
    **{
        call: {**(SPARSE if "Sparse" in type(loss).__name__ else PAIR), "sample_weight": [1.0, 2.0]}
        for loss in (
            thing()
            for thing in CALLS
            if inspect.isclass(thing) and issubclass(thing, losses.Loss) and CALLS[thing] == {}
        )
        for call in (loss.__call__, loss.gradient)
    },
    **{
        metric().update_state: {
            **(SPARSE if "Sparse" in metric.__name__ else PAIR),
            "sample_weight": [1.0, 2.0],
        }
        for metric in CALLS
        if inspect.isclass(metric)
        and issubclass(metric, metrics.Metric)
        and CALLS[metric] == {}
        and metric not in (metrics.Mean, metrics.CorpusBLEU)
    },
    metrics.Mean().update_state: {"values": X, "sample_weight": [1.0, 2.0]},
    metrics.CorpusBLEU().update_state: TEXTS,
    **{
        optimizer().update: {"parameters": [X.copy()], "gradients": [X]}
        for optimizer in (optimizers.SGD, optimizers.RMSProp, optimizers.Adam, optimizers.AdamW)
    },
}

NUMBERS = ["0.5", [0.5, 0.5], float("nan"), 1j, True, object(), np.ones(3), np.float64, {}, 10**400]
ARRAYS = [
    "ab",
    None,
    [[1.0], [1.0, 2.0]],
    [1j],
    object(),
    np.ma.masked_invalid([[np.nan, 1.0, 2.0]]),
    {},
    [["a", "b", "c"]] * 2,
]
WRONG = {
    "ArrayLike": ARRAYS,
    "float": [None, *NUMBERS],
    "int": [None, *NUMBERS[:-1], 0.5],
    "bool": [None, "yes", 2, 0.5, [True], np.ones(2)],
    "str": [None, 3, b"ab", ["a"], np.str_],
    "Generator": [None, 42, "seed", np.random, np.random.RandomState(1), np.random.default_rng],
    "Callable": [None, 3, "glorot", X],
    "DTypeLike": [None, "float", int, "f99", np.complex128, object(), 3],
    "Sequence": [None, 3, "ab", {"a": 1}, object(), [object()]],
    "Loss": [None, "mse", losses.MeanSquaredError, losses.mean_squared_error, np.sum],
    "Optimizer": [None, "adam", optimizers.SGD, 0.1],
    "Sequential": [None, "model", layers.Dense(2, 2, rng()), models.mlp, [MODEL]],
    "L1": ["l2", 0.1, regularizers.L2],
    "Mapping": ["loss", [np.sum], {"loss": 3}, {3: np.sum}, np.sum],
    "EarlyStopping": ["yes", True, models.EarlyStopping, 10],
    "Literal": [3, "average", ["micro"], True],
    "Reduction": [3, "median", ["sum"], True],
    "object": [3, "median", ["sum"], True],
}
# What an argument admits though others of its kind do not.
ADMITTED = {
    "dtype": ["float"],  # float64 by Python's own name
    ("should_stop", "value"): [float("nan")],  # which is the worst value
    ("split", "x"): [["abc", "abc"], [["a", "b", "c"]] * 2],  # examples of any kind
    ("split", "y"): [["abc", "abc"], [["a", "b", "c"]] * 2],
}


def kind(annotation):
    text = str(annotation)
    for name in (
        "Reduction",
        "Literal",
        "Generator",
        "EarlyStopping",
        "Mapping",
        "Callable",
        "DTypeLike",
        "Sequential",
        "Sequence",
        "Loss",
        "Optimizer",
        "L1",
        "ArrayLike",
        "_SupportsArray",
        "bool",
        "int",
        "float",
        "str",
        "object",
    ):
        if re.search(rf"\b{name}\b", text):
            return {"_SupportsArray": "ArrayLike"}.get(name, name)
    raise AssertionError(f"no wrong values are known for {text}")


# Arguments whose shape has to fit, but for functions that take one array of any shape.
SHAPED = ("y_true", "y_pred", "sample_weight", "dy", "gradient", "weights", "centers")
UNSHAPED = (
    losses.smooth_labels,
    optimizers.clip_by_value,
    optimizers.clip_by_norm,
    ensembles.average_weights,
    *(method for method in METHODS if isinstance(method.__self__, regularizers.L1 | regularizers.L2)),
)


def wrong_values(call, name, parameter):
    annotation = parameter.annotation
    which = "object" if annotation is inspect.Parameter.empty else kind(annotation)
    optional = "None" in str(annotation) or parameter.default is None
    for wrong in WRONG[which]:
        admitted = ADMITTED.get((call.__name__, name), ADMITTED.get(name, []))
        if not (wrong is None and optional) and not any(wrong is a or str(wrong) == str(a) for a in admitted):
            yield wrong
    if name in SHAPED and call not in UNSHAPED:
        yield np.ones((2, 0, 7))


def calls():
    for call, arguments in {**CALLS, **METHODS}.items():
        if arguments is not None:
            owner = getattr(call, "__self__", None)
            named = owner is not None and not inspect.isclass(owner)
            title = f"{type(owner).__name__}.{call.__name__}" if named else call.__name__
            yield pytest.param(call, arguments, id=title)


def test_no_public_name_is_missing():
    listed = set(CALLS)
    for module in MODULES:
        names = getattr(module, "__all__", None) or [
            n
            for n, t in vars(module).items()
            if not n.startswith("_") and callable(t) and getattr(t, "__module__", "") == module.__name__
        ]
        for name in names:
            assert getattr(module, name) in listed, f"{module.__name__}.{name} has no right call in CALLS"


def test_the_right_calls_are_right():
    for call, arguments in CALLS.items():
        if arguments is not None and call is not models.Sequential:
            call(**arguments) if call is not losses.Reduction else call(*arguments.values())
    for call, arguments in METHODS.items():
        if call.__name__ != "restore":
            call(**arguments)


@pytest.mark.parametrize(("call", "arguments"), list(calls()))
def test_a_wrong_argument_is_named(call, arguments):
    """One test for each call: there are thousands of wrong arguments, each tried in a moment."""
    silent = []
    for name, parameter in inspect.signature(call).parameters.items():
        if call is losses.Reduction and name != "value":
            continue  # of Python's enumerations
        for wrong in wrong_values(call, name, parameter):
            said = complaint(call, {**arguments, name: wrong})
            # What `fit` is given for gold outputs is for the loss to judge.
            named = {(losses.Reduction, "value"): "reduction", (models.fit, "y"): "y|y_true"}.get(
                (call, name), name
            )
            one_line = "\n" not in said and len(said) < 250
            if not (
                one_line and re.search(rf"\b({named})\b", said) and re.search(r"\b(must|may)\b.* got ", said)
            ):
                silent.append(f"{name}={wrong!r}: {said}")
    assert not silent, "\n".join(silent)


def complaint(call, arguments):
    """Return what a call says of its arguments; "" if it takes them."""
    try:
        call(**arguments)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""
