"""The cases that `make_outside.py` answers with other libraries, and `tests/test_outside.py` with npfl.

A case is a dictionary: its `kind` names the function that answers it on either side, the rest is what that
function needs. Numbers come from Python's own generator, whose stream is the same in every version, so that
inputs need not be stored.
"""

import random

import numpy as np

SEED = "outside, first edition"
INFINITY = float("inf")
LAYOUTS = "C", "F", "strided", "reversed", "read-only"


def numbers(key, shape, low=-3.0, high=3.0, dtype="float64"):
    """Draw numbers that depend on the key only; four decimals, so that they can be read."""
    source = random.Random(f"{SEED} {key}")
    count = int(np.prod(shape))
    return np.array([round(source.uniform(low, high), 4) for _ in range(count)]).reshape(shape).astype(dtype)


def integers(key, shape, stop, dtype="int64"):
    """Draw integers from 0 to stop - 1."""
    source = random.Random(f"{SEED} {key}")
    return np.array([source.randrange(stop) for _ in range(int(np.prod(shape)))], dtype).reshape(shape)


def one_hot(labels, classes, dtype="float64"):
    """Make rows with one 1."""
    return (np.asarray(labels)[..., None] == np.arange(classes)).astype(dtype)


def distributions(key, shape, dtype="float64"):
    """Draw rows that are positive and sum to 1."""
    draws = numbers(key, shape, 0.05, 1.0)
    return (draws / draws.sum(axis=-1, keepdims=True)).astype(dtype)


def lay(array, layout):
    """Return the same numbers, laid out otherwise in memory."""
    array = np.asarray(array)
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "strided":
        wide = np.full([2 * size for size in array.shape], 77, array.dtype)
        view = wide[(..., *(slice(None, None, 2),) * array.ndim)]
        view[...] = array
        return view
    if layout == "reversed":
        backwards = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[backwards])[backwards]
    array = np.ascontiguousarray(array) if array.ndim else array.copy()
    array.flags.writeable = layout != "read-only"
    return array


ACTIVATIONS = [
    ("sigmoid", {}),
    ("tanh", {}),
    ("relu", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"slope": 0.3}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("silu", {}),
    ("softplus", {}),
    ("mish", {}),
]
FAR = [1e4, 300.0, 40.0, 20.5, 9.0, 5.5, 1e-8, 1e-300]
FORMS = [
    ((2, 3), "float64", "F"),
    ((3, 2, 2), "float32", "strided"),
    ((7,), "float16", "reversed"),
    ((0, 3), "float32", "C"),
    ((2, 2), "int64", "strided"),
    ((), "float64", "C"),
]


def activation_cases():
    for name, options in ACTIVATIONS:
        for shape, dtype, layout in FORMS:
            yield {
                "kind": "activation",
                "name": name,
                "options": options,
                "shape": shape,
                "dtype": dtype,
                "layout": layout,
            }
        yield {"kind": "far", "name": name, "options": options, "values": [*FAR, *(-x for x in FAR)]}
    for number, (shape, axis, dtype, layout) in enumerate(
        [
            ((4,), -1, "float64", "reversed"),
            ((3, 4), 0, "float64", "F"),
            ((2, 3, 4), 1, "float32", "strided"),
            ((2, 3, 2), -3, "float64", "strided"),
            ((3, 5), -1, "float16", "reversed"),
            ((0, 3), -1, "float64", "C"),
            ((3, 1), 1, "float64", "C"),
        ]
    ):
        for spread in (3.0, 1e4):
            yield {
                "kind": "softmax",
                "number": number,
                "shape": shape,
                "axis": axis,
                "dtype": dtype,
                "layout": layout,
                "spread": spread,
            }
    for masked in ([1], [0, 3], [0, 1, 2]):
        yield {"kind": "softmax_masked", "masked": masked}


LOSSES = [
    ("MeanSquaredError", {}),
    ("MeanAbsoluteError", {}),
    ("Huber", {"delta": 0.7}),
    ("Hinge", {}),
    ("KLDivergence", {}),
    ("BinaryCrossentropy", {}),
    ("BinaryCrossentropy", {"from_logits": True}),
    ("BinaryCrossentropy", {"label_smoothing": 0.3}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {}),
    ("CategoricalCrossentropy", {"from_logits": True}),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.4}),
    ("SparseCategoricalCrossentropy", {}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
]
LOSS_FORMS = [
    ((4, 3), "float64", "F", "sum_over_batch_size", None),
    ((3, 2, 4), "float64", "strided", "sum", (3,)),
    ((3, 2, 4), "float32", "reversed", "none", (3, 2)),
    ((2, 3), "float64", "C", "mean", ()),
    ((5, 2), "float16", "strided", "sum_over_batch_size", (5,)),
    ((4, 1, 3), "float32", "F", "sum_over_batch_size", (4, 1)),
]


def loss_inputs(case):
    """Return gold values, predictions and weights."""
    name, shape, dtype = case["name"], case["shape"], case["dtype"]
    key = name, sorted(case["options"].items()), shape
    logits = case["options"].get("from_logits", False)
    if name == "SparseCategoricalCrossentropy":
        gold = integers((key, "gold"), shape[:-1], shape[-1], "int32")
    elif name == "CategoricalCrossentropy":
        gold = one_hot(integers((key, "gold"), shape[:-1], shape[-1]), shape[-1], "bool")
    elif name in ("Hinge", "BinaryCrossentropy"):
        gold = integers((key, "gold"), shape, 2, "bool" if name == "BinaryCrossentropy" else "int8")
    elif name == "KLDivergence":
        gold = distributions((key, "gold"), shape)
    else:
        gold = numbers((key, "gold"), shape)
    if name == "KLDivergence" or (name.endswith("CategoricalCrossentropy") and not logits):
        predicted = distributions((key, "predicted"), shape, dtype)
    elif name == "BinaryCrossentropy" and not logits:
        predicted = numbers((key, "predicted"), shape, 0.05, 0.95, dtype)
    else:
        predicted = numbers((key, "predicted"), shape, dtype=dtype)
    weights = None if case["weights"] is None else numbers((key, "weights"), case["weights"], 0.0, 2.0)
    if weights is not None and weights.size > 2:
        weights.flat[1] = 0.0
    return gold, predicted, weights


def loss_cases():
    for name, options in LOSSES:
        for shape, dtype, layout, reduction, weights in LOSS_FORMS:
            yield {
                "kind": "loss",
                "name": name,
                "options": options,
                "shape": shape,
                "dtype": dtype,
                "layout": layout,
                "reduction": reduction,
                "weights": weights,
            }
    for masked in ([2], [0, 4], [1, 2, 3]):
        for smoothing in (False, True):
            yield {"kind": "masked_loss", "masked": masked, "soft": smoothing}
    for far in (50.0, 1e4):
        for name in ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
            yield {"kind": "far_loss", "name": name, "far": far}


METRICS = [
    ("Mean", {}),
    ("MeanSquaredError", {}),
    ("BinaryCrossentropy", {}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}),
    ("CategoricalCrossentropy", {}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("Accuracy", {}),
    ("BinaryAccuracy", {"threshold": 0.3}),
    ("CategoricalAccuracy", {}),
    ("SparseCategoricalAccuracy", {}),
]
BATCHES = 4, 1, 3
SCORES = [
    {"beta": beta, "average": average, "threshold": threshold}
    for beta in (0.5, 2.0)
    for average in (None, "micro", "macro", "weighted")
    for threshold in (None, 0.6)
]


def metric_batches(case):
    """Return gold values, predictions and weights of three batches."""
    batches = []
    for index, size in enumerate(BATCHES):
        name = case["name"]
        shape = (size, *case["inner"], 3)
        key = name, str(case["options"]), shape, index
        logits = case["options"].get("from_logits", False)
        if name.startswith("Sparse"):
            gold = integers((key, "gold"), shape[:-1], 3, "uint8")
        elif name.startswith("Categorical"):
            gold = one_hot(integers((key, "gold"), shape[:-1], 3), 3)
        elif name == "Accuracy":
            gold = integers((key, "gold"), shape, 2)
        elif name in ("BinaryCrossentropy", "BinaryAccuracy", "FBetaScore"):
            gold = integers((key, "gold"), shape, 2, "int64" if name == "FBetaScore" else "bool")
        else:
            gold = numbers((key, "gold"), shape)
        if name == "Accuracy":
            predicted = integers((key, "predicted"), shape, 2, "int32")
        elif name in ("BinaryAccuracy", "FBetaScore") or (name == "BinaryCrossentropy" and not logits):
            predicted = numbers((key, "predicted"), shape, 0.05, 0.95)
        elif name == "CategoricalCrossentropy" and not logits:
            predicted = distributions((key, "predicted"), shape)
        else:
            predicted = numbers((key, "predicted"), shape)
        weights = None
        if case["weights"] == "all" or (case["weights"] == "some" and index > 0):
            weights = numbers((key, "weights"), (size,), 0.0, 2.0)
            weights[0] = 0.0 if index < 2 else weights[0]
        elif case["weights"] == "inner":
            weights = numbers((key, "weights"), shape[:-1], 0.0, 2.0)
        batches.append((lay(gold, "F"), lay(predicted, "strided"), weights))
    return batches


def metric_cases():
    for name, options in METRICS:
        for inner, weights in (((), None), ((), "all"), ((2,), "some"), ((2,), "inner")):
            yield {"kind": "metric", "name": name, "options": options, "inner": inner, "weights": weights}
    for number, options in enumerate(SCORES):
        inner, weights = [((), None), ((), "all"), ((2,), "some"), ((2,), "inner")][number % 4]
        yield {
            "kind": "f_score",
            "name": "FBetaScore",
            "options": options,
            "inner": inner,
            "weights": weights,
        }
    for order in (1, 2, 3, 4):
        for words in (4, 9):
            yield {"kind": "bleu", "order": order, "words": words}


def bleu_batches(case):
    """Return references and hypotheses of two batches, of words that are integers."""
    source = random.Random(f"{SEED} bleu {case['order']} {case['words']}")

    def text(length):
        return [source.randrange(case["words"]) for _ in range(length)]

    batches = []
    for size in (3, 2):
        references, hypotheses = [], []
        for _ in range(size):
            length = source.randrange(9, 16)
            references.append([text(length), text(length + 3), text(length - 2)])
            hypotheses.append(
                [*references[-1][1][:6], *text(source.randrange(2, 8)), *references[-1][0][-5:]]
            )
        batches.append((references, hypotheses))
    return batches


CLIPS = [{}, {"clipvalue": 0.8}, {"clipnorm": 1.1}, {"global_clipnorm": 1.7}]
OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("RMSProp", {"rho": 0.85}),
    ("Adam", {"beta_1": 0.8, "beta_2": 0.97}),
    ("AdamW", {"epsilon": 1e-3}),
]
PARAMETER_SHAPES = (3, 2), (4,), ()


def optimizer_start(case):
    """Return the parameters before the first step."""
    dtype = case.get("dtype", "float64")
    return [numbers(("parameter", index), shape, dtype=dtype) for index, shape in enumerate(PARAMETER_SHAPES)]


def optimizer_gradients(case, step):
    """Return the gradients of a step, some of them 0, some large."""
    scale = (0.0, 5.0, 0.1, 1.0, 1.0)[step % 5]
    dtype = case.get("dtype", "float64")
    return [
        (scale * numbers(("gradient", step, index), shape)).astype(dtype)
        for index, shape in enumerate(PARAMETER_SHAPES)
    ]


def optimizer_cases():
    for name, options in OPTIMIZERS:
        for number, clip in enumerate(CLIPS):
            for decay in (None, 0.3):
                yield {
                    "kind": "optimizer",
                    "name": name,
                    "options": {"learning_rate": 0.02, **options, **clip, "weight_decay": decay},
                    "steps": 200 if decay and clip else 60,
                    "layout": LAYOUTS[number],
                    "rates": {31: 0.05} if decay else {},
                }
        yield {
            "kind": "optimizer",
            "name": name,
            "options": {"learning_rate": 0.02, **options},
            "steps": 60,
            "layout": "C",
            "rates": {},
            "dtype": "float32",
        }
    for name, options in (
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.6, "nesterov": True}),
        ("RMSProp", {"rho": 0.7, "epsilon": 1e-40}),
        ("Adam", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-40}),
        ("AdamW", {"epsilon": 1e-40, "weight_decay": 0.2}),
    ):
        yield {
            "kind": "torch_optimizer",
            "name": name,
            "options": {"learning_rate": 0.01, **options},
            "steps": 150,
        }


def layer_cases():
    forms = [
        ((5, 3), "float64", "F"),
        ((2, 4, 3), "float64", "strided"),
        ((2, 2, 2, 3), "float32", "reversed"),
        ((3, 3), "float16", "C"),
        ((0, 3), "float64", "C"),
        ((1, 3), "float64", "read-only"),
    ]
    for name, options in (
        ("Dense", {}),
        ("WeightStandardizedDense", {}),
        ("PReLU", {}),
        ("LayerNormalization", {}),
        ("LayerNormalization", {"epsilon": 0.5}),
    ):
        for shape, dtype, layout in forms:
            yield {
                "kind": "layer",
                "name": name,
                "options": options,
                "shape": shape,
                "dtype": dtype,
                "layout": layout,
            }
        yield {
            "kind": "layer",
            "name": name,
            "options": options,
            "shape": (3,),
            "dtype": "float64",
            "layout": "reversed",
        }
    for momentum, epsilon in ((0.99, 1e-3), (0.5, 1e-5), (0.0, 0.3)):
        for shape, dtype, layout in forms:
            if 0 in shape:
                continue
            yield {
                "kind": "batch_normalization",
                "momentum": momentum,
                "epsilon": epsilon,
                "shape": shape,
                "dtype": dtype,
                "layout": layout,
            }
    for activation in ("tanh", "gelu", "mish"):
        for shape in ((6, 3), (2, 3, 3)):
            yield {"kind": "network", "activation": activation, "shape": shape}


def training_cases():
    for name, options in OPTIMIZERS:
        for penalty in (None, ("L2", 0.05), ("L1", 0.02)):
            yield {
                "kind": "training",
                "optimizer": name,
                "options": {"learning_rate": 0.03, **options},
                "penalty": penalty,
                "epochs": 50,
            }
    for clip in CLIPS[1:]:
        yield {
            "kind": "training",
            "optimizer": "SGD",
            "options": {
                "learning_rate": 0.5,
                "momentum": 0.5,
                **{name: value / 10 for name, value in clip.items()},
            },
            "penalty": None,
            "epochs": 30,
        }
    for number in range(6):
        patience, mode = 1 + number // 2, ("min", "max")[number % 2]
        yield {"kind": "early_stopping", "number": number, "patience": patience, "mode": mode}


def small_cases():
    for name, strength in (("L1", 0.3), ("L2", 0.7)):
        for shape, dtype, layout in FORMS:
            yield {
                "kind": "penalty",
                "name": name,
                "strength": strength,
                "shape": shape,
                "dtype": dtype,
                "layout": layout,
            }
    for rate, strength in ((0.5, 0.5), (0.1, 2.0)):
        yield {"kind": "proximal", "rate": rate, "strength": strength}
        yield {"kind": "l2_step", "rate": rate, "strength": strength}
    for shape in ((3, 4), (2, 3, 4), (4, 1, 2)):
        for dtype, layout in (("float64", "F"), ("float32", "reversed")):
            yield {"kind": "ensemble", "shape": shape, "dtype": dtype, "layout": layout}
    for models, correlation in ((1, 0.4), (2, -1.0), (5, -0.2), (7, 1.0)):
        yield {"kind": "variance", "models": models, "correlation": correlation}
    for fan_in, fan_out in ((1, 1), (7, 3), (64, 128)):
        yield {"kind": "limits", "fan_in": fan_in, "fan_out": fan_out}
    for shape, layout in (((5, 7), "F"), ((2, 4, 4), "strided"), ((6, 1), "reversed")):
        for down, right in ((1, -2), (0.25, 0.5), (-1.3, 0.7), (50, 0)):
            yield {"kind": "translate", "shape": shape, "layout": layout, "down": down, "right": right}
        for degrees in (30, -75.5, 180, 270):
            yield {"kind": "rotate", "shape": shape, "layout": layout, "degrees": degrees}
        for factor in (0.5, 1.7, 3):
            yield {"kind": "scale", "shape": shape, "layout": layout, "factor": factor}
    for factor in (0.3, 0.75, 1.5, 2.0):
        for shape in ((20,), (2, 11)):
            yield {"kind": "change_speed", "factor": factor, "shape": shape}


def activation_input(case):
    """Return one array of the shape and dtype of the case, with a 0 if there is room."""
    if case["dtype"] == "int64":
        return lay(integers(case["shape"], case["shape"], 7) - 3, case["layout"])
    array = numbers((case["name"], case["shape"]), case["shape"], dtype=case["dtype"])
    if array.size > 3:
        array.flat[2] = 0.0
    return lay(array, case["layout"])


def softmax_input(case):
    """Return logits, some of them masked if the case says so."""
    if case["kind"] == "softmax_masked":
        logits = numbers("masked softmax", (3, 4))
        logits[..., case["masked"]] = -INFINITY
        return logits
    spread = case["spread"] if case["dtype"] != "float16" else min(case["spread"], 1e3)
    logits = numbers((case["shape"], spread), case["shape"], -spread, spread, case["dtype"])
    return lay(logits, case["layout"])


def masked_inputs(case):
    """Return gold distributions over the classes that are not masked, and logits."""
    kept = [column for column in range(5) if column not in case["masked"]]
    gold = np.zeros((4, 5))
    if case["soft"]:
        gold[:, kept] = distributions(("masked", case["masked"]), (4, len(kept)))
    else:
        gold[np.arange(4), [kept[row % len(kept)] for row in range(4)]] = 1
    logits = numbers(("masked logits", case["masked"]), (4, 5))
    logits[:, case["masked"]] = -INFINITY
    return gold, logits


def far_inputs(case):
    """Return gold values and logits that lie far apart."""
    logits = case["far"] * numbers(("far", case["far"]), (4, 3), -1.0, 1.0)
    labels = integers("far labels", (4,), 3)
    if case["name"].startswith("Sparse"):
        return labels, logits
    return one_hot(labels, 3), logits


def layer_inputs(case):
    """Return inputs, derivatives by the outputs, and parameters."""
    shape, dtype = case["shape"], case["dtype"]
    dense = case["name"].endswith("Dense")
    x = lay(numbers(("x", shape), shape, dtype=dtype), case["layout"])
    dy_shape = (*shape[:-1], 2) if dense else shape
    dy = lay(numbers(("dy", dy_shape), dy_shape, dtype=dtype), case["layout"])
    if dense:
        parameters = [numbers("kernel", (3, 2), dtype=dtype), numbers("bias", (2,), dtype=dtype)]
    elif case["name"] == "PReLU":
        parameters = [numbers("slopes", (3,), dtype=dtype)]
    else:
        parameters = [parameter.astype(dtype) for parameter in scale_and_shift()]
    return x, dy, parameters


def scale_and_shift():
    """Return the parameters of a normalization of three features."""
    return numbers("gamma", (3,)).astype("float16").astype("float64"), numbers("beta", (3,)).astype(
        "float16"
    ).astype("float64")


def batch_inputs(case, step):
    """Return inputs and derivatives by the outputs of one of four batches."""
    x, dy = (
        numbers((name, step, case["shape"]), case["shape"], -2.0, 4.0, case["dtype"]) for name in ("x", "dy")
    )
    return lay(x, case["layout"]), lay(dy, case["layout"])


NETWORK = (3, 4), (4,), (4,), (4,), (4,), (4,), (4,), (4, 2), (2,)


def network_inputs(case):
    """Return inputs, gold classes and the parameters of seven layers."""
    parameters = [numbers(("network", index), shape) for index, shape in enumerate(NETWORK)]
    gold = integers(("network", case["shape"]), case["shape"][:-1], 2)
    return numbers(("network", case["shape"]), case["shape"]), gold, parameters


def training_inputs():
    """Return inputs, gold classes and the weights before training."""
    weights = [
        numbers(("training", index), shape, -1.0, 1.0)
        for index, shape in enumerate([(3, 4), (4,), (4, 2), (2,)])
    ]
    return numbers("training", (8, 3)), integers("training", (8,), 2), weights


def monitored_values(case):
    """Return a value for each of 15 epochs, with ties."""
    return integers(("monitored", case["number"]), (15,), 9) / 8 + 1


def step_inputs(case):
    """Return weights and their gradient."""
    return numbers(("weights", case["rate"]), (3, 4)), numbers(("gradient", case["rate"]), (3, 4))


def small_strength(case):
    """Return a strength that keeps weights from changing sign."""
    return case["strength"] / 4


def ensemble_inputs(case):
    """Return logits and probabilities of several models."""
    shape, dtype, layout = case["shape"], case["dtype"], case["layout"]
    return (
        lay(numbers(("logits", shape), shape, dtype=dtype), layout),
        lay(distributions(("probabilities", shape), shape, dtype), layout),
    )


def image_inputs(case):
    """Return numbers from 0 to 1: images or sounds."""
    return lay(numbers((case["kind"], case["shape"]), case["shape"], 0.0, 1.0), case.get("layout", "strided"))


CASES = [
    case
    for cases in (
        activation_cases,
        loss_cases,
        metric_cases,
        optimizer_cases,
        layer_cases,
        training_cases,
        small_cases,
    )
    for case in cases()
]


def title(case):
    """Name a case in one line."""

    def part(value):
        if isinstance(value, dict):
            return ",".join(f"{key}={part(item)}" for key, item in value.items())
        if isinstance(value, (tuple, list)):
            return "x".join(map(str, value))
        return str(value)

    return " ".join(part(value) for key, value in case.items() if key != "values")
