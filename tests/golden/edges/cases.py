"""Compare npfl with other libraries at edges: precisions, layouts of memory, extremes, long runs.

Each case computes one value twice: `ours` with npfl, `theirs` with another library, or with numbers of fifty
digits. ``python cases.py``, where PyTorch, Keras, SciPy, scikit-learn, mpmath and sacrebleu are installed,
stores `theirs` in ``answers.json``; the tests compare `ours` with it. Inputs come from Python's own
generator, whose stream is the same in every version.
"""

import json
import math
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

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

ANSWERS = Path(__file__).with_name("answers.json")


class Case(NamedTuple):
    """Hold the two computations, and how many units in the last place they may differ, of what scale."""

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    dtype: str = "float64"
    units: float = 8
    relative: bool = False  # to each number, rather than to the largest


CASES: dict[str, Case] = {}


def add(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], **options: Any) -> None:
    if name in CASES:
        raise ValueError(f"two cases are called {name!r}")
    CASES[name] = Case(ours, theirs, **options)


def draw(name: str, *shape: int, dtype: str = "float64", scale: float = 1.0) -> np.ndarray:
    """Draw numbers from -2 to 2, times `scale`; the name is the seed."""
    source = random.Random(name)
    numbers = [source.uniform(-2, 2) for _ in range(math.prod(shape))]
    return (scale * np.array(numbers).reshape(shape)).astype(dtype)


def pick(name: str, high: int, *shape: int) -> np.ndarray:
    source = random.Random(name)
    return np.array([source.randrange(high) for _ in range(math.prod(shape))], int).reshape(shape)


def rows(name: str, *shape: int, dtype: str = "float64") -> np.ndarray:
    """Draw distributions."""
    e = np.exp(draw(name, *shape))
    return (e / e.sum(axis=-1, keepdims=True)).astype(dtype)


def unaligned(array: np.ndarray) -> np.ndarray:
    raw = np.zeros(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def locked(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "Fortran": lambda a: np.asfortranarray(a),
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "unaligned": unaligned,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "read-only": locked,
    "list": lambda a: a.tolist(),
    "matrix": lambda a: np.asmatrix(a),
    "transposed": lambda a: np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0),
}


# Element by element, in fifty digits.

POINTS = [0.0, 1e-300, -1e-300, 3e-8, -3e-8, 0.01, -0.013, 0.3, -0.4, 1.0, -1.0, 2.5, -3.1, 6.0, -7.7, 12.25]
POINTS += [-11.5, -16.9, 20.0, -25.0, 37.0, -39.5, 88.0, -87.0, 300.0, -301.0, 740.0, -720.0, 6e4, -6e4]


def exact(formula: Callable[[Any, Any], Any], points: np.ndarray) -> list[float]:
    import mpmath

    mpmath.mp.dps = 60
    return [float(formula(mpmath, mpmath.mpf(float(p)))) for p in points]


def erfc(m: Any, x: Any) -> Any:
    return m.erfc(-x / m.sqrt(2)) / 2


def tanh_u(m: Any, x: Any) -> Any:
    return x / 2 * (1 + m.tanh(m.sqrt(2 / m.pi) * (x + m.mpf(0.044715) * x**3)))


def slope(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Differentiate a formula of mpmath."""
    return lambda m, x: m.diff(lambda t: function(m, t), x, h=m.mpf(10) ** -25) if abs(x) < 100 else far(m, x)


def far(m: Any, x: Any) -> Any:
    return m.mpf(1) if x > 0 else m.mpf(0)


FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "sigmoid": lambda m, x: 1 / (1 + m.exp(-x)),
    "sigmoid_grad": lambda m, x: m.exp(-x) / (1 + m.exp(-x)) ** 2,
    "tanh": lambda m, x: m.tanh(x),
    "tanh_grad": lambda m, x: m.sech(x) ** 2,
    "relu": lambda m, x: max(x, 0),
    "relu_grad": lambda m, x: int(x > 0),
    "leaky_relu": lambda m, x: max(x, 0) + m.mpf(0.01) * min(x, 0),
    "leaky_relu_grad": lambda m, x: 1 if x > 0 else m.mpf(0.01),
    "elu": lambda m, x: x if x > 0 else m.expm1(x),
    "elu_grad": lambda m, x: 1 if x > 0 else m.exp(x),
    "gelu": lambda m, x: x * erfc(m, x),
    "gelu_grad": lambda m, x: erfc(m, x) + x * m.exp(-(x**2) / 2) / m.sqrt(2 * m.pi),
    "silu": lambda m, x: x / (1 + m.exp(-x)),
    "silu_grad": lambda m, x: (1 + x / (1 + m.exp(x))) / (1 + m.exp(-x)),
    "softplus": lambda m, x: max(x, 0) + m.log1p(m.exp(-abs(x))),
    "softplus_grad": lambda m, x: 1 / (1 + m.exp(-x)),
    "mish": lambda m, x: x * m.tanh(max(x, 0) + m.log1p(m.exp(-abs(x)))),
    "mish_grad": slope(lambda m, x: x * m.tanh(m.log1p(m.exp(x)))),
}
# The derivatives that cross 0 are compared with the largest number.
CROSSING = {"gelu_grad", "silu_grad", "mish_grad"}


def points(dtype: str) -> np.ndarray:
    return np.array(POINTS).astype(dtype)


for name, formula in FORMULAS.items():
    for dtype in ("float16", "float32", "float64"):
        add(
            f"{name} {dtype}",
            lambda name=name, dtype=dtype: getattr(activations, name)(points(dtype)),
            lambda formula=formula, dtype=dtype: exact(formula, points(dtype)),
            dtype=dtype,
            units=600 if dtype == "float64" else 8,  # of the tail, where the exponent is rounded
            relative=name not in CROSSING,
        )
for alpha, dtype in (
    (1e5, "float16"),
    (1e-5, "float16"),
    (1e30, "float32"),
    (0.0, "float64"),
    (-2.0, "float32"),
):
    inputs = np.array([0.0, -1e-4, -0.01, -3.0, 2.5]).astype(dtype)
    if alpha == 1e5:
        inputs = np.array([0.0, -1e-4, -0.01, 1.0]).astype(dtype)
    for name, rule in (
        ("elu", lambda m, x, alpha: x if x > 0 else m.mpf(alpha) * m.expm1(x)),
        ("elu_grad", lambda m, x, alpha: 1 if x > 0 else m.mpf(alpha) * m.exp(x)),
        ("leaky_relu", lambda m, x, alpha: x if x > 0 else m.mpf(alpha) * x),
    ):
        if name == "elu_grad" and alpha == 1e5:
            continue  # no number of float16
        add(
            f"{name} {dtype} with {alpha}",
            lambda name=name, x=inputs, alpha=alpha: getattr(activations, name)(x, alpha),
            lambda rule=rule, x=inputs, alpha=alpha: exact(lambda m, t: rule(m, t, alpha), x),
            dtype=dtype,
            relative=True,
        )
for layout, change in LAYOUTS.items():
    for name in ("sigmoid", "gelu", "mish_grad", "elu"):
        add(
            f"{name}, {layout}",
            lambda name=name, change=change: getattr(activations, name)(change(draw(name, 3, 4, scale=3))),
            lambda name=name: [exact(FORMULAS[name], row) for row in draw(name, 3, 4, scale=3)],
            units=20,
        )

# Softmax, with an axis, masks and layouts.


def torch_softmax(x: np.ndarray, axis: int, log: bool) -> Any:
    import torch

    function = torch.log_softmax if log else torch.softmax
    return function(torch.tensor(x.astype("float64")), axis).numpy()


for dtype in ("float16", "float32", "float64"):
    for axis in (0, 1, -1):
        for name in ("softmax", "log_softmax"):
            x = draw(f"{name}{axis}", 5, 3, 7, dtype=dtype, scale=9)
            add(
                f"{name} {dtype} along {axis}",
                lambda name=name, x=x, axis=axis: getattr(activations, name)(x, axis),
                lambda name=name, x=x, axis=axis: torch_softmax(x, axis, name == "log_softmax"),
                dtype=dtype,
            )
    long = draw("long", 20_000, 2, dtype=dtype)
    add(
        f"softmax {dtype} of 20,000 classes",
        lambda long=long: activations.softmax(long, 0)[::500],
        lambda long=long: torch_softmax(long, 0, log=False)[::500],
        dtype=dtype,
        units=40,
    )
    masked = np.where(pick("mask", 2, 4, 6) == 0, -np.inf, draw("masked", 4, 6)).astype(dtype)
    masked[:, 0] = 0
    for name in ("softmax", "log_softmax"):
        add(
            f"{name} {dtype} with masked classes",
            lambda name=name, x=masked: getattr(activations, name)(x),
            lambda name=name, x=masked: torch_softmax(x, -1, name == "log_softmax"),
            dtype=dtype,
        )
for layout, change in LAYOUTS.items():
    for axis in (0, 1):
        add(
            f"softmax along {axis}, {layout}",
            lambda axis=axis, change=change: activations.softmax(change(draw("layout", 6, 4)), axis),
            lambda axis=axis: torch_softmax(draw("layout", 6, 4), axis, log=False),
        )


def torch_jacobian(x: np.ndarray) -> Any:
    import torch

    rule = torch.func.jacrev(lambda z: torch.softmax(z, -1))
    for _ in range(x.ndim - 1):
        rule = torch.func.vmap(rule)
    return rule(torch.tensor(x)).numpy()


for shape in ((4,), (3, 5), (2, 3, 4)):
    x = draw("jacobian", *shape, scale=4)
    add(
        f"softmax_jacobian {shape}",
        lambda x=x: activations.softmax_jacobian(x),
        lambda x=x: torch_jacobian(x),
    )

# Losses: values, gradients, weights and reductions, against PyTorch's autograd in float64.


def torch_losses(kind: str, y: np.ndarray, p: Any, options: dict[str, Any]) -> Any:
    """Write each loss as its docstring defines it."""
    import torch
    from torch.nn import functional

    t = torch.tensor(np.asarray(y, "int64" if kind == "SparseCategoricalCrossentropy" else "float64"))
    alpha = options.get("label_smoothing", 0)
    logits = options.get("from_logits", False)
    if kind == "MeanSquaredError":
        return functional.mse_loss(p, t, reduction="none").mean(-1)
    if kind == "MeanAbsoluteError":
        return functional.l1_loss(p, t, reduction="none").mean(-1)
    if kind == "Huber":
        return functional.huber_loss(p, t, reduction="none", delta=options["delta"]).mean(-1)
    if kind == "Hinge":
        return torch.relu(1 - (2 * t - 1) * p).mean(-1)
    if kind == "KLDivergence":
        return functional.kl_div(p.clamp(1e-7, 1).log(), t.clamp(1e-7, 1), reduction="none").sum(-1)
    if kind == "BinaryCrossentropy":
        t = t * (1 - alpha) + alpha / 2
        rule = functional.binary_cross_entropy_with_logits if logits else functional.binary_cross_entropy
        return rule(p, t, reduction="none").mean(-1)
    if kind == "CategoricalCrossentropy":
        t = t * (1 - alpha) + alpha / t.shape[-1]
        log = torch.log_softmax(p, -1) if logits else (p / p.sum(-1, keepdim=True)).log()
        return -(t * log).sum(-1)
    log = torch.log_softmax(p, -1) if logits else (p / p.sum(-1, keepdim=True)).log()
    return -log.gather(-1, t[..., None])[..., 0]


def torch_loss(
    kind: str, y: Any, p: np.ndarray, options: dict[str, Any], reduction: str, weight: Any, gradient: bool
) -> Any:
    import torch

    p = torch.tensor(p.astype("float64"), requires_grad=True)
    values = torch_losses(kind, y, p, options)
    if weight is not None:
        weight = torch.tensor(np.asarray(weight, "float64"))
        values = values * weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    reduced = {"none": values, "sum": values.sum(), "mean": values.mean()}[reduction]
    if not gradient:
        return reduced.detach().numpy()
    reduced.sum().backward()
    return p.grad.numpy()


KINDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("MeanSquaredError", {}, "real", "real"),
    ("MeanAbsoluteError", {}, "real", "real"),
    ("Huber", {"delta": 0.7}, "real", "real"),
    ("Hinge", {}, "bits", "real"),
    ("KLDivergence", {}, "rows", "rows"),
    ("BinaryCrossentropy", {}, "bits", "rows"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.15}, "bits", "real"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.25}, "rows", "rows"),
    ("CategoricalCrossentropy", {"from_logits": True}, "rows", "real"),
    ("SparseCategoricalCrossentropy", {}, "labels", "rows"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels", "real"),
]


def argument(kind: str, name: str, *shape: int, dtype: str = "float64") -> np.ndarray:
    if kind == "labels":
        return pick(name, shape[-1], *shape[:-1])
    if kind == "bits":
        return pick(name, 2, *shape)
    return rows(name, *shape, dtype=dtype) if kind == "rows" else draw(name, *shape, dtype=dtype, scale=3)


VARIANTS: list[tuple[tuple[int, ...], str, str, Any]] = [
    ((4, 5), "float16", "none", None),
    ((4, 5), "float32", "mean", [0.5, 0.0, 2.0, 1.0]),
    ((3, 2, 6), "float64", "sum", [[1.0, 2.0], [0.0, 0.5], [3.0, 1.0]]),
    ((2, 3, 2, 4), "float32", "mean", [0.25, 4.0]),
    ((7, 9), "float64", "none", 0.5),
]
for kind, options, gold, predicted in KINDS:
    for shape, dtype, reduction, weight in VARIANTS:
        label = f"{kind} {options} {shape} {dtype} {reduction}"
        y = argument(gold, "y" + label, *shape, dtype=dtype)
        p = argument(predicted, "p" + label, *shape, dtype=dtype)
        for gradient in (False, True):

            def ours(
                kind=kind, options=options, y=y, p=p, reduction=reduction, weight=weight, gradient=gradient
            ):
                loss = getattr(losses, kind)(reduction=reduction, **options)
                return (loss.gradient if gradient else loss)(y, p, sample_weight=weight)

            def theirs(
                kind=kind, options=options, y=y, p=p, reduction=reduction, weight=weight, gradient=gradient
            ):
                return torch_loss(kind, y, p, options, reduction, weight, gradient)

            add(label + " gradient" * gradient, ours, theirs, dtype=dtype, units=16)
for layout, change in LAYOUTS.items():
    for kind, options, gold, predicted in KINDS[5::2]:
        y, p = argument(gold, "layout y", 6, 4), argument(predicted, "layout p", 6, 4)
        add(
            f"{kind} {layout} gradient",
            lambda k=kind, o=options, y=y, p=p, c=change: getattr(losses, k)(**o).gradient(
                y if y.ndim == 1 else c(y), c(p)
            ),
            lambda k=kind, o=options, y=y, p=p: torch_loss(k, y, p, o, "mean", None, gradient=True),
        )
many = draw("many classes", 2, 30_000, dtype="float16", scale=2)
for kind, options, gold in (
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.01}, np.eye(2, 30_000)),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.3}, np.eye(2, 30_000)),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, np.array([17, 29_999])),
    ("MeanSquaredError", {}, np.zeros((2, 30_000))),
    ("MeanAbsoluteError", {}, np.zeros((2, 30_000))),
    ("Huber", {"delta": 1e6}, np.zeros((2, 30_000))),
    ("Hinge", {}, np.ones((2, 30_000))),
):
    add(
        f"{kind} {options} float16 of 30,000",
        lambda k=kind, o=options, y=gold: getattr(losses, k)(reduction="none", **o)(y, many),
        lambda k=kind, o=options, y=gold: torch_loss(k, y, many, o, "none", None, gradient=False),
        dtype="float16",
    )
far_off = np.array([[-6e4, 0.0, 5.0, 0.0], [5e4, 100.0, 0.0, -3.0]], "float16")
for kind, options in (("MeanAbsoluteError", {}), ("Huber", {"delta": 0.5}), ("Huber", {"delta": 1.5})):
    add(
        f"{kind} {options} float16 far off",
        lambda k=kind, o=options: getattr(losses, k)(reduction="none", **o)(-far_off / 2, far_off),
        lambda k=kind, o=options: torch_loss(
            k, (-far_off / 2).astype("float64"), far_off, o, "none", None, gradient=False
        ),
        dtype="float16",
    )
add(
    "BinaryCrossentropy float16 with little smoothing",
    lambda: (
        losses.binary_crossentropy(
            [[1, 0]], np.array([[-6e4, 6e4]], "float16"), from_logits=True, label_smoothing=1e-5
        )
        - losses.binary_crossentropy([[0, 1]], np.array([[-6e4, 6e4]], "float16"), from_logits=True)
    ),
    lambda: [6e4 * (1 - 0.5e-5)],
    dtype="float16",
)
add(
    "BinaryCrossentropy float16 with hardly any loss but of smoothing",
    lambda: losses.binary_crossentropy(
        [[0, 1]], np.array([[-6e4, 6e4]], "float16"), from_logits=True, label_smoothing=1e-5
    ),
    lambda: [float(np.float16(6e4)) * 0.5e-5],
    dtype="float16",
)

# Metrics over several batches with weights.


def batches(name: str, gold: str, predicted: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    out = []
    for i, n in enumerate((5, 1, 8)):
        y, p = argument(gold, f"{name}y{i}", n, 4), argument(predicted, f"{name}p{i}", n, 4)
        out.append((y, p, np.abs(draw(f"{name}w{i}", n)).round(2)))
    return out


def streamed(metric: Any, given: list[tuple[np.ndarray, ...]], weighted: bool) -> Any:
    for y, p, w in given:
        metric.update_state(y, p, sample_weight=w if weighted else None)
    return metric.result()


METRICS: list[tuple[str, dict[str, Any], str, str]] = [
    ("MeanSquaredError", {}, "real", "real"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "bits", "rows"),
    ("BinaryCrossentropy", {"from_logits": True}, "bits", "real"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "rows", "rows"),
    ("CategoricalCrossentropy", {"from_logits": True}, "rows", "real"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels", "real"),
    ("SparseCategoricalCrossentropy", {}, "labels", "rows"),
    ("Accuracy", {}, "bits", "bits"),
    ("BinaryAccuracy", {"threshold": 0.2}, "bits", "rows"),
    ("CategoricalAccuracy", {}, "rows", "rows"),
    ("SparseCategoricalAccuracy", {}, "labels", "real"),
]


def keras_metric(
    name: str, options: dict[str, Any], given: list[tuple[np.ndarray, ...]], weighted: bool
) -> float:
    import keras

    keras.config.set_floatx("float64")
    return float(streamed(getattr(keras.metrics, name)(dtype="float64", **options), given, weighted))


for name, options, gold, predicted in METRICS:
    for weighted in (False, True):
        given = batches(name, gold, predicted)
        add(
            f"metric {name} {options} weighted: {weighted}",
            lambda n=name, o=options, g=given, w=weighted: streamed(getattr(metrics, n)(**o), g, w),
            lambda n=name, o=options, g=given, w=weighted: keras_metric(n, o, g, w),
            units=3e9,  # Keras adds up in float32
        )


def sklearn_score(beta: float, average: Any, threshold: Any, weighted: bool, given: Any) -> Any:
    from sklearn.metrics import fbeta_score

    y, p, w = (np.concatenate(parts) for parts in zip(*given, strict=True))
    chosen = p > threshold if threshold is not None else np.eye(4)[p.argmax(-1)] == 1
    options = {"sample_weight": w} if weighted else {}
    return fbeta_score(y, chosen, beta=beta, average=average, zero_division=0, **options)


for beta in (0.3, 1.0, 2.5):
    for average in (None, "micro", "macro", "weighted"):
        for threshold in (None, 0.3):
            weighted = beta != 1.0
            given = batches(f"F{beta}{average}", "bits", "rows")
            add(
                f"FBetaScore {beta} {average} {threshold}",
                lambda b=beta, a=average, t=threshold, w=weighted, g=given: streamed(
                    metrics.FBetaScore(beta=b, average=a, threshold=t), g, w
                ),
                lambda b=beta, a=average, t=threshold, w=weighted, g=given: sklearn_score(b, a, t, w, g),
                units=40,
            )


def texts(seed: str, number: int, length: int) -> list[list[str]]:
    words = ["a", "the", "cat", "dog", "sat", "ran", "on", "mat", ".", ","]
    return [
        [words[i] for i in pick(f"{seed}{n}", len(words), length + pick(f"{seed}l{n}", 5, 1)[0])]
        for n in range(number)
    ]


def sacrebleu_score(references: list[list[list[str]]], hypotheses: list[list[str]], order: int) -> float:
    from sacrebleu.metrics import BLEU

    bleu = BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, force=True)
    streams = [[" ".join(r[i]) for r in references] for i in range(len(references[0]))]
    return bleu.corpus_score([" ".join(h) for h in hypotheses], streams).score / 100


for order in (1, 2, 3, 4):
    for number in (1, 3):
        hypotheses = texts(f"h{order}", 12, 6 + number)
        references = [[h[:4] + t for t in texts(f"r{order}{i}", number, 4)] for i, h in enumerate(hypotheses)]
        add(
            f"corpus_bleu of order {order}, {number} references",
            lambda r=references, h=hypotheses, o=order: metrics.corpus_bleu(r, h, max_order=o),
            lambda r=references, h=hypotheses, o=order: sacrebleu_score(r, h, o),
            units=100,
        )

# Layers: outputs, derivatives by inputs and by parameters, after two passes.


def torch_layer(
    kind: str, parameters: list[np.ndarray], x: Any, training: bool, state: list[np.ndarray]
) -> Any:
    import torch
    from torch.nn import functional

    p = [torch.tensor(a.astype("float64"), requires_grad=True) for a in parameters]
    axes = tuple(range(x.ndim - 1))
    if kind == "Dense":
        return x @ p[0] + p[1], p
    if kind == "WeightStandardizedDense":
        mean, var = p[0].mean(0), p[0].var(0, unbiased=False)
        return x @ ((p[0] - mean) / torch.sqrt(var + 1e-5)) + p[1], p
    if kind == "PReLU":
        return torch.where(x > 0, x, p[0] * x), p
    if kind == "LayerNormalization":
        return functional.layer_norm(x, x.shape[-1:], p[0], p[1], 1e-3), p
    if training:
        mean, var = x.mean(axes), x.var(axes, unbiased=False)
    else:
        mean, var = (torch.tensor(s.astype("float64")) for s in state)
    return (x - mean) / torch.sqrt(var + 1e-3) * p[0] + p[1], p


def npfl_layer(kind: str, name: str, dtype: str) -> layers.Layer:
    rng = np.random.default_rng(1)
    if "Dense" in kind:
        layer = getattr(layers, kind)(5, 3, rng, dtype=dtype)
    else:
        layer = getattr(layers, kind)(5, dtype=dtype)
    for i, array in enumerate(layer.parameters):
        array[...] = draw(f"{name}{i}", *array.shape)
    for i, array in enumerate(layer.state):
        array[...] = np.abs(draw(f"{name}state{i}", *array.shape)) + 0.1
    return layer


def flat(arrays: list[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])


for kind, training in (
    ("Dense", True),
    ("WeightStandardizedDense", False),
    ("PReLU", True),
    ("LayerNormalization", False),
    ("BatchNormalization", False),
    ("BatchNormalization", True),
):
    for dtype, shape in (
        ("float32", (6, 5)),
        ("float64", (2, 3, 5)),
        ("float64", (3, 1, 2, 5)),
        ("float16", (8, 5)),
    ):
        name = f"{kind} {training} {dtype} {shape}"
        x = draw("x" + name, *shape, dtype=dtype)
        dy = draw("dy" + name, *shape[:-1], 3 if "Dense" in kind else 5, dtype=dtype)

        def ours(kind=kind, name=name, dtype=dtype, x=x, dy=dy, training=training):
            layer = npfl_layer(kind, name, dtype)
            layer.forward(np.ones((9, 5)), training=False)  # leaves nothing behind
            y = layer.forward(x, training=training)
            dx = layer.backward(dy)
            return flat([y, dx, *layer.gradients])

        def theirs(kind=kind, name=name, dtype=dtype, x=x, dy=dy, training=training):
            import torch

            layer = npfl_layer(kind, name, dtype)
            inputs = torch.tensor(x.astype("float64"), requires_grad=True)
            y, p = torch_layer(kind, layer.parameters, inputs, training, layer.state)
            y.backward(torch.tensor(dy.astype("float64")))
            return flat([y.detach().numpy(), inputs.grad.numpy(), *(a.grad.numpy() for a in p)])

        add(f"layer {name}", ours, theirs, dtype=dtype, units=60)
for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "mish"):

    def ours(name=name):
        layer = layers.Activation(name)
        y = layer(draw("activation" + name, 2, 3, 4, dtype="float32", scale=3))
        return flat([y, layer.backward(draw("dy" + name, 2, 3, 4, dtype="float32"))])

    def theirs(name=name):
        import torch

        x = torch.tensor(draw("activation" + name, 2, 3, 4, dtype="float32", scale=3).astype("float64"))
        x.requires_grad_()
        y = getattr(torch.nn.functional, name)(x)
        y.backward(torch.tensor(draw("dy" + name, 2, 3, 4, dtype="float32").astype("float64")))
        return flat([y.detach().numpy(), x.grad.numpy()])

    add(f"layer Activation {name}", ours, theirs, dtype="float32", units=16)

STACKS = [
    ["Dense", "tanh", "Dense"],
    ["LayerNormalization", "Dense", "gelu", "Dense"],
    ["Dense", "BatchNormalization", "relu", "Dense"],
    ["PReLU", "WeightStandardizedDense", "silu", "Dense", "LayerNormalization"],
]


def npfl_stack(kinds: list[str], name: str) -> models.Sequential:
    rng = np.random.default_rng(5)
    width, made = 5, []
    for kind in kinds:
        if "Dense" in kind:
            made.append(getattr(layers, kind)(width, width + 1, rng))
            width += 1
        elif kind[0].islower():
            made.append(layers.Activation(kind))
        else:
            made.append(getattr(layers, kind)(width))
    model = models.Sequential(made)
    model.vector[:] = draw(name, model.vector.size)
    return model


for kinds in STACKS:
    name = "-".join(kinds)

    def ours(kinds=kinds, name=name):
        model = npfl_stack(kinds, name)
        y = model(draw("x" + name, 7, 5), training=True)
        dx = model.backward(draw("dy" + name, *y.shape))
        return flat([y, dx, model.gradient_vector])

    def theirs(kinds=kinds, name=name):
        import torch

        model = npfl_stack(kinds, name)
        x = torch.tensor(draw("x" + name, 7, 5), requires_grad=True)
        y, p = x, []
        for kind, layer in zip(kinds, model.layers, strict=True):
            if kind[0].islower():
                y = getattr(torch.nn.functional, kind)(y)
            else:
                y, own = torch_layer(kind, layer.parameters, y, True, [])
                p += own
        y.backward(torch.tensor(draw("dy" + name, *y.shape)))
        return flat([y.detach().numpy(), x.grad.numpy(), *(a.grad.numpy() for a in p)])

    add(f"stack {name}", ours, theirs, units=100)

# Optimizers: forty steps of two arrays, with settings that change on the way.

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.8}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("RMSprop", {"rho": 0.8, "epsilon": 1e-3}),
    ("Adam", {"beta_1": 0.5, "beta_2": 0.9}),
    ("AdamW", {"weight_decay": 0.02}),
]
EXTRAS: list[dict[str, Any]] = [
    {},
    {"clipvalue": 0.4},
    {"clipnorm": 0.9, "weight_decay": 0.1},
    {"global_clipnorm": 0.5},
]


def forty_steps(optimizer: Any, variables: list[Any], step: Callable[..., None]) -> list[Any]:
    for i in range(40):
        if i == 25:
            optimizer.learning_rate = 0.003
        step(variables, [draw(f"ga{i}", 3, 2), draw(f"gb{i}", 4)])
    return variables


def keras_steps(name: str, options: dict[str, Any]) -> np.ndarray:
    import keras

    keras.config.set_floatx("float64")
    optimizer = getattr(keras.optimizers, name)(**options)

    def step(variables: list[Any], gradients: list[np.ndarray]) -> None:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)

    variables = [keras.Variable(draw("a", 3, 2)), keras.Variable(draw("b", 4))]
    return flat([v.numpy() for v in forty_steps(optimizer, variables, step)])


def npfl_steps(name: str, options: dict[str, Any]) -> np.ndarray:
    optimizer = getattr(optimizers, name)(**options)
    return flat(forty_steps(optimizer, [draw("a", 3, 2), draw("b", 4)], optimizer.update))


for name, options in OPTIMIZERS:
    for extra in EXTRAS:
        chosen = {"learning_rate": 0.02, **options, **extra}
        add(
            f"{name} {chosen}",
            lambda n=name, c=chosen: npfl_steps(n, c),
            lambda n=name, c=chosen: keras_steps(n, c),
            units=3e9,  # Keras holds the learning rate, and Adam's powers, in float32
        )

# Penalties, and steps with them.

for strength, dtype in ((0.3, "float64"), (1e-4, "float16"), (7.0, "float32"), (0.0, "float64")):
    weights = draw("weights", 4, 3, dtype=dtype, scale=20)
    add(
        f"L2({strength}) {dtype}",
        lambda s=strength, w=weights: flat([[regularizers.L2(s)(w)], regularizers.L2(s).gradient(w)]),
        lambda s=strength, w=weights: flat(
            [[s * float((w.astype("f8") ** 2).sum())], 2 * s * w.astype("f8")]
        ),
        units=8 if dtype == "float64" else 1e13 if dtype == "float16" else 1e10,
    )
    add(
        f"L1({strength}) {dtype}",
        lambda s=strength, w=weights: flat([[regularizers.L1(s)(w)], regularizers.L1(s).gradient(w)]),
        lambda s=strength, w=weights: flat(
            [[s * float(abs(w.astype("f8")).sum())], s * np.sign(w.astype("f8"))]
        ),
        units=8 if dtype == "float64" else 1e13 if dtype == "float16" else 1e10,
    )


def soft_threshold(name: str, w: float, g: float, rate: float, strength: float) -> float:
    from fractions import Fraction

    w, g, rate, strength = map(Fraction, (float(w), float(g), rate, strength))
    limit = rate * strength
    if name == "l2_sgd_update":
        return float(w - 2 * limit * w - rate * g)
    if name == "l1_sgd_update":
        return float(w - rate * g - max(-limit, min(limit, w)))
    stepped = w - rate * g
    return float(0 if abs(stepped) <= limit else stepped - limit if stepped > 0 else stepped + limit)


for name in ("l2_sgd_update", "l1_sgd_update", "l1_proximal_update"):
    for dtype, rate, strength in (
        ("float64", 0.1, 0.7),
        ("float32", 0.03, 1.5),
        ("float16", 1e-7, 0.25),
        ("float16", 1e-3, 400.0),
    ):
        w = draw("w", 6, dtype=dtype)
        g = draw("g", 6, dtype=dtype) * w.dtype.type(2e4 if rate == 1e-7 else 1)
        add(
            f"{name} {dtype} {rate} {strength}",
            lambda n=name, w=w, g=g, r=rate, s=strength: getattr(regularizers, n)(w, g, r, s),
            lambda n=name, w=w, g=g, r=rate, s=strength: [
                soft_threshold(n, a, b, r, s) for a, b in zip(w, g, strict=True)
            ],
            dtype=dtype,
            units=4,
        )

# Images and sounds, against SciPy.


def scipy_image(image: np.ndarray, matrix: Any, shift: Any) -> np.ndarray:
    from scipy.ndimage import affine_transform

    inverse = np.linalg.inv(matrix)
    centre = (np.array(image.shape) - 1) / 2
    offset = centre - inverse @ (centre + np.asarray(shift))
    return affine_transform(image, inverse, offset, order=1, mode="grid-constant")


def turn(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


for shape in ((5, 8), (7, 3), (1, 6)):
    image = np.abs(draw("image", *shape))
    for degrees in (17.0, -100.0, 400.0):
        add(
            f"rotate {shape} {degrees}",
            lambda i=image, d=degrees: augmentation.rotate(i, d),
            lambda i=image, d=degrees: scipy_image(i, turn(d), [0, 0]),
            units=60,
        )
    for factor in (0.45, 1.7, 30.0):
        add(
            f"scale {shape} {factor}",
            lambda i=image, f=factor: augmentation.scale(i, f),
            lambda i=image, f=factor: scipy_image(i, f * np.eye(2), [0, 0]),
            units=60,
        )
    for shift in ((0.5, -1.25), (-3.0, 2.0), (100.0, 0.1)):
        add(
            f"translate {shape} {shift}",
            lambda i=image, s=shift: augmentation.translate(i, *s),
            lambda i=image, s=shift: scipy_image(i, np.eye(2), s),
            units=60,
        )
for length, factor in ((10, 0.3), (11, 1.0), (50, 2.75), (7, 6.5), (1, 0.25)):
    sound = draw("sound", 2, length)

    def theirs(sound=sound, factor=factor):
        from scipy.interpolate import make_interp_spline

        n = sound.shape[-1]
        at = np.minimum(np.arange(round(n / factor)) * factor, n - 1)
        if n == 1:
            return np.repeat(sound, len(at), axis=-1)
        return make_interp_spline(np.arange(n), sound.T, k=1)(at).T

    add(f"change_speed {length} {factor}", lambda s=sound, f=factor: augmentation.change_speed(s, f), theirs)

# Averages, variances of initial weights, rows, and numeric gradients.

add(
    "average_logits",
    lambda: ensembles.average_logits(draw("ensemble", 3, 4, 5, scale=30)),
    lambda: torch_softmax(draw("ensemble", 3, 4, 5, scale=30).mean(0), -1, log=False),
)
add(
    "average_probabilities float16",
    lambda: ensembles.average_probabilities(np.full((3000, 2), 0.5, "float16")),
    lambda: [0.5, 0.5],
    dtype="float16",
)
add(
    "average_weights",
    lambda: flat(ensembles.average_weights([[draw(f"m{i}", 2, 3), draw(f"n{i}", 3)] for i in range(4)])),
    lambda: flat(
        [sum(draw(f"m{i}", 2, 3) for i in range(4)) / 4, sum(draw(f"n{i}", 3) for i in range(4)) / 4]
    ),
)


def averaged_variance(m: int, v: float, rho: float) -> float:
    covariance = v * (rho * np.ones((m, m)) + (1 - rho) * np.eye(m))
    return float(covariance.sum() / m**2)


for m, v, rho in ((1, 2.0, 0.5), (2, 1.0, -1.0), (10, 3.0, 0.2), (5, 1.0, -0.25), (4, 0.0, 1.0)):
    add(
        f"variance_of_average {m} {v} {rho}",
        lambda m=m, v=v, r=rho: ensembles.variance_of_average(v, r, m),
        lambda m=m, v=v, r=rho: averaged_variance(m, v, r),
    )
for name, variance in (
    ("fan_in_uniform", lambda n, m: 1 / (3 * n)),
    ("glorot_uniform", lambda n, m: 2 / (n + m)),
    ("glorot_normal", lambda n, m: 2 / (n + m)),
    ("he_uniform", lambda n, m: 2 / n),
    ("he_normal", lambda n, m: 2 / n),
):
    for n, m in ((400, 600), (900, 200)):
        add(
            f"variance of {name} {n} {m}",
            lambda name=name, n=n, m=m: getattr(initializers, name)(n, m, np.random.default_rng(3)).var(),
            lambda v=variance, n=n, m=m: v(n, m),
            units=0.02 / np.finfo("float64").eps,
        )
for shape, classes in (((6,), 9), ((2, 3), 4), ((), 3)):
    add(
        f"one_hot {shape} {classes}",
        lambda s=shape, c=classes: data.one_hot(pick("hot", c, *s), c, "float32"),
        lambda s=shape, c=classes: np.eye(c)[pick("hot", c, *s)],
        dtype="float32",
    )


def torch_gradient(name: str, x: np.ndarray) -> Any:
    import torch

    t = torch.tensor(x, requires_grad=True)
    {"exp": lambda: t.exp().sum(), "norm": lambda: t.norm(), "product": lambda: (t[0] * t[1].sin()).sum()}[
        name
    ]().backward()
    return t.grad.numpy()


for name, rule in (
    ("exp", lambda t: np.exp(t).sum()),
    ("norm", lambda t: np.linalg.norm(t)),
    ("product", lambda t: (t[0] * np.sin(t[1])).sum()),
):
    x = draw("gradient" + name, 2, 3)
    add(
        f"numerical_gradient {name}",
        lambda r=rule, x=x: testing.numerical_gradient(r, x),
        lambda n=name, x=x: torch_gradient(n, x),
        units=1e7,
    )


# Optimizers whose parameters are of less precision: PyTorch's formulas in float64, rounded at every step.


def rounded_steps(name: str, options: dict[str, Any], dtype: str) -> np.ndarray:
    """Take steps in float64, and round the parameter, and nothing else, to its dtype after each."""
    rate, theta = options["learning_rate"], draw("theta", 7, dtype=dtype).astype("float64")
    v, r = np.zeros(7), np.zeros(7)
    for t in range(1, 16):
        g = draw(f"low {t}", 7, dtype=dtype).astype("float64")
        if decay := options.get("weight_decay", 0.0):
            theta = (theta * (1 - rate * decay)).astype(dtype).astype("float64")
        if name == "SGD":
            beta = options.get("momentum", 0.0)
            v = beta * v - rate * g
            step = beta * v - rate * g if options.get("nesterov") else v
        elif name == "RMSprop":
            r = 0.9 * r + 0.1 * g * g
            step = -rate * g / np.sqrt(r + 1e-7)
        else:
            v, r = 0.9 * v + 0.1 * g, 0.999 * r + 0.001 * g * g
            step = -rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * v / (np.sqrt(r) + 1e-7)
        theta = (theta + step).astype(dtype).astype("float64")
    return theta


def low_steps(name: str, options: dict[str, Any], dtype: str) -> np.ndarray:
    optimizer, theta = getattr(optimizers, name)(**options), draw("theta", 7, dtype=dtype)
    for t in range(1, 16):
        optimizer.update([theta], [draw(f"low {t}", 7, dtype=dtype)])
    return theta


for dtype in ("float16", "float32", "float64"):
    for name, options in (
        ("SGD", {"learning_rate": 0.1}),
        ("SGD", {"learning_rate": 0.05, "momentum": 0.7}),
        ("SGD", {"learning_rate": 0.05, "momentum": 0.7, "nesterov": True}),
        ("RMSprop", {"learning_rate": 0.02}),
        ("Adam", {"learning_rate": 0.02}),
        ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.5}),
        ("SGD", {"learning_rate": 0.02, "weight_decay": 0.5}),
    ):
        add(
            f"{name} {options} of {dtype}",
            lambda n=name, o=options, d=dtype: low_steps(n, o, d),
            lambda n=name, o=options, d=dtype: rounded_steps(n, o, d),
            dtype=dtype,
            units=30,
        )

# Moving averages over several batches, of several shapes, against Keras.


def moved(layer: Any, name: str) -> None:
    for i, shape in enumerate(((6, 3), (1, 3), (4, 2, 3), (2, 2, 2, 3))):
        layer(draw(f"{name}{i}", *shape, scale=i + 1), training=True)


def keras_averages(name: str, momentum: float) -> np.ndarray:
    import keras

    keras.config.set_floatx("float64")
    layer = keras.layers.BatchNormalization(momentum=momentum, dtype="float64")
    layer.build((None, 3))
    for i, shape in enumerate(((6, 3), (1, 3), (4, 2, 3), (2, 2, 2, 3))):
        x = draw(f"{name}{i}", *shape, scale=i + 1)
        layer(x.reshape(-1, 3), training=True)
    return flat([layer.moving_mean.numpy(), layer.moving_variance.numpy()])


def npfl_averages(name: str, momentum: float) -> np.ndarray:
    layer = layers.BatchNormalization(3, momentum=momentum)
    moved(layer, name)
    return flat(layer.state)


for momentum in (0.0, 0.3, 0.9, 0.99):
    name = f"averages {momentum}"
    add(
        name,
        lambda n=name, m=momentum: npfl_averages(n, m),
        lambda n=name, m=momentum: keras_averages(n, m),
        units=1e10,  # Keras computes them in float32
    )

# Early stopping, against Keras' callback: where it stops, and which weights are left.

CURVES = [
    [5, 4, 3, 2, 1],
    [1, 2, 3, 4, 5],
    [3, 1, 2, 2, 0.5, 4, 4, 4, 4],
    [2, 2, 2, 2, 2],
    [3, 1, 1, 1, 0.9, 1, 1, 1],
    [float("inf"), 4, 3, 5, 6, 7, 2],
    [-1, -5, -2, -5, -6, 0, 0, 0, 0],
    [0.3, 0.2, 0.2000001, 0.1999999, 0.2, 0.2, 0.2],
]


def keras_stop(curve: list[float], patience: int, mode: str) -> list[float]:
    import keras

    class Model:
        stop_training = False
        weights: float = -1

        def get_weights(self) -> float:
            return self.weights

        def set_weights(self, weights: float) -> None:
            self.weights = weights

    model = Model()
    callback = keras.callbacks.EarlyStopping("x", patience=patience, mode=mode, restore_best_weights=True)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        model.weights = epoch
        callback.on_epoch_end(epoch, {"x": value})
        if model.stop_training:
            break
    callback.on_train_end()
    return [
        float(epoch),
        float(callback.best_epoch),
        float(model.weights if model.stop_training else callback.best_epoch),
    ]


def npfl_stop(curve: list[float], patience: int, mode: str) -> list[float]:
    model = models.mlp([1, 1], np.random.default_rng(1))
    stopping = models.EarlyStopping("x", patience=patience, mode=mode)
    for epoch, value in enumerate(curve):
        model.vector[:] = epoch
        if stopping.should_stop(epoch, value, model):
            break
    stopping.restore(model)
    return [float(epoch), float(stopping.best_epoch), float(model.vector[0])]


for i, curve in enumerate(CURVES):
    for patience, mode in ((1, "min"), (2, "max"), (3, "min")):
        add(
            f"early stopping {i} {patience} {mode}",
            lambda c=curve, p=patience, m=mode: npfl_stop(c, p, m),
            lambda c=curve, p=patience, m=mode: keras_stop(c, p, m),
        )

# Integers, truth values and long numbers are taken for what they are.

WHOLE = np.array([[0, 1, 3], [2, 0, 1]])
for kind in ("int8", "uint8", "int64", "uint64", "bool", ">i4", "longdouble"):
    given = (WHOLE > 0) if kind == "bool" else WHOLE.astype(kind)
    for name in ("sigmoid", "gelu", "softplus"):
        add(
            f"{name} of {kind}",
            lambda n=name, x=given: np.asarray(getattr(activations, n)(x), "float64"),
            lambda n=name, x=given: [exact(FORMULAS[n], row) for row in x],
            units=20,
        )
    add(
        f"mean squared error of {kind}",
        lambda x=given: np.asarray(losses.mean_squared_error(x[::-1], x), "float64"),
        lambda x=given: ((x.astype("float64") - x[::-1].astype("float64")) ** 2).mean(-1),
    )
    add(
        f"Mean of {kind}",
        lambda x=given: metrics.Mean()(x, sample_weight=[2, 1]),
        lambda x=given: (2 * x[0].astype("float64").sum() + x[1].astype("float64").sum()) / 9,
    )

# Many numbers of half precision.

half = draw("half", 40_000, dtype="float16")
for name, ours, theirs in (
    ("Mean", lambda: metrics.Mean()(half), lambda: half.astype("float64").mean()),
    (
        "BinaryAccuracy",
        lambda: metrics.BinaryAccuracy()(half[:, None] > 0, np.abs(half[:, None]) / 2),
        lambda: ((half > 0) == (np.abs(half) / 2 > 0.5)).mean(),
    ),
    (
        "MeanSquaredError",
        lambda: metrics.MeanSquaredError()(half[:, None] * 0, half[:, None]),
        lambda: (half.astype("float64") ** 2).astype("float16").astype("float64").mean(),
    ),
    (
        "loss, summed",
        lambda: float(losses.MeanAbsoluteError(reduction="mean")(half[:, None] * 0, half[:, None])),
        lambda: float(np.float16(np.abs(half.astype("float64")).mean())),
    ),
    ("L2", lambda: regularizers.L2(0.1)(half), lambda: 0.1 * (half.astype("float64") ** 2).sum()),
    (
        "clip_by_norm",
        lambda: flat([optimizers.clip_by_norm(half, 1.0)[:50].astype("float64")]),
        lambda: (half.astype("float64") / np.linalg.norm(half.astype("float64")))[:50].astype("float16"),
    ),
):
    add(f"{name} of 40,000 in float16", ours, theirs, units=50)


def main() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    answers = {name: np.asarray(case.theirs(), "float64").tolist() for name, case in CASES.items()}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items())
    ANSWERS.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
