"""The inputs of the parity cases; `make_golden.py` adds what the real libraries answer.

A case is a dict: ``id``, ``kind`` (which function of the generator and of the test runs it), ``name`` (of
the function or class in npfl), ``options`` (keywords) and ``inputs`` (arrays). Inputs and hyperparameters are
dyadic rationals: exact in float32, to which TensorFlow rounds Python numbers, and short to store.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Case = dict[str, Any]

REDUCTIONS = ("sum_over_batch_size", "sum", "none")
WEIGHTS = np.array([0.5, 0.0, 2.0, 1.0, 1.25])
STEPS = 20


def all_cases() -> Iterator[Case]:
    """Yield every case, in a fixed order."""
    for cases in (
        activations,
        losses,
        metrics,
        bleu,
        layers,
        optimizers,
        clipping,
        initializers,
        regularizers,
        networks,
    ):
        yield from cases()


def case(kind: str, name: str, label: str, options: dict[str, Any], **inputs: Any) -> Case:
    return {"id": f"{kind}/{name}/{label}", "kind": kind, "name": name, "options": options, "inputs": inputs}


def dyadic(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> NDArray:
    """Draw from a normal distribution, rounded to multiples of 1/64."""
    return np.round(rng.normal(0, scale, shape) * 64) / 64


def probabilities(rng: np.random.Generator, *shape: int) -> NDArray:
    """Draw numbers in (0, 1), multiples of 1/64."""
    return rng.integers(1, 64, shape) / 64


def distributions(rng: np.random.Generator, *shape: int) -> NDArray:
    """Draw positive numbers, multiples of 1/64, that sum to 1 along the last axis."""
    *batch, k = shape
    return (rng.multinomial(64 - k, np.full(k, 1 / k), size=tuple(batch)) + 1) / 64


def one_hot(labels: NDArray, k: int) -> NDArray:
    return np.eye(k)[labels]


def activations() -> Iterator[Case]:
    rng = np.random.default_rng(1)
    points = {
        "moderate": dyadic(rng, 3, 5, scale=2.0),
        "near zero": np.array([0.0, 2.0**-30, -(2.0**-30), 2.0**-10, -(2.0**-10), 1.0, -1.0]),
        "saturated": np.array([5.0, -5.0, 10.0, -10.0, 19.5, -19.5, 20.5, -20.5, 40.0, -40.0]),
        "extreme": np.array([100.0, -100.0, 700.0, -700.0, 800.0, -800.0, 1e4, -1e4]),
        "infinite": np.array([np.inf, -np.inf]),
    }
    elementwise: list[tuple[str, dict[str, Any]]] = [
        ("sigmoid", {}),
        ("tanh", {}),
        ("relu", {}),
        ("leaky_relu", {"slope": 0.25}),
        ("leaky_relu", {"slope": 2.0**-7}),
        ("elu", {"alpha": 1.0}),
        ("elu", {"alpha": 0.5}),
        ("gelu", {"approximate": False}),
        ("gelu", {"approximate": True}),
        ("silu", {}),
        ("mish", {}),
        ("softplus", {}),
    ]
    for name, options in elementwise:
        for label, x in points.items():
            given = ",".join(f"{key}={value}" for key, value in options.items())
            yield case("activation", name, f"{given} {label}".strip(), options, x=x)
    slopes = np.array([0.25, -0.5, 0.0, 1.0, 2.0])
    yield case("activation", "leaky_relu", "slope a channel", {"slope": slopes}, x=points["moderate"])
    vectors = {
        "moderate": dyadic(rng, 3, 4, scale=2.0),
        "one class": np.array([[3.0], [-1e4]]),
        "ties": np.array([[1.0, 1.0, 1.0], [0.0, 0.0, -5.0]]),
        "rank 3": dyadic(rng, 2, 2, 3),
        "extreme": np.array(
            [[1e4, -1e4, 0.0], [1e4, 1e4, -1e4], [-1e4, -1e4, -9999.0], [0.0, 750.0, -750.0]]
        ),
        "minus infinity": np.array([[0.0, -np.inf, 1.0]]),
    }
    for name in ("softmax", "log_softmax"):
        for label, x in vectors.items():
            yield case("vector activation", name, label, {}, x=x)


def losses() -> Iterator[Case]:
    rng = np.random.default_rng(2)
    b, t, k = 5, 2, 4
    real, signs = dyadic(rng, b, k), rng.choice([-1.0, 1.0], (b, k))
    bits, soft_bits = rng.choice([0.0, 1.0], (b, k)), probabilities(rng, b, k)
    labels = rng.integers(0, k, b)
    gold, soft = one_hot(labels, k), distributions(rng, b, k)
    logits, p, o = dyadic(rng, b, k, scale=3.0), probabilities(rng, b, k), distributions(rng, b, k)
    from_logits = {"from_logits": True}
    table: list[tuple[str, str, dict[str, Any], NDArray, NDArray]] = [
        ("MeanSquaredError", "plain", {}, real, logits),
        ("MeanAbsoluteError", "plain", {}, real, logits),
        ("Huber", "delta 1", {"delta": 1.0}, real, logits),
        ("Huber", "delta 1/4", {"delta": 0.25}, real, logits),
        ("Hinge", "signs", {}, signs, logits),
        ("Hinge", "bits", {}, bits, logits),
        ("KLDivergence", "plain", {}, soft, o),
        ("BinaryCrossentropy", "bits", {}, bits, p),
        ("BinaryCrossentropy", "soft", {}, soft_bits, p),
        ("BinaryCrossentropy", "bits smoothed", {"label_smoothing": 0.125}, bits, p),
        ("BinaryCrossentropy", "logits bits", from_logits, bits, logits),
        ("BinaryCrossentropy", "logits soft", from_logits, soft_bits, logits),
        ("BinaryCrossentropy", "logits smoothed", {**from_logits, "label_smoothing": 0.125}, bits, logits),
        ("BinaryCrossentropy", "logits one output", from_logits, bits[:, :1], logits[:, :1]),
        ("CategoricalCrossentropy", "one-hot", {}, gold, o),
        ("CategoricalCrossentropy", "soft", {}, soft, o),
        ("CategoricalCrossentropy", "smoothed", {"label_smoothing": 0.125}, gold, o),
        ("CategoricalCrossentropy", "not normalized", {}, gold, p),
        ("CategoricalCrossentropy", "logits one-hot", from_logits, gold, logits),
        ("CategoricalCrossentropy", "logits soft", from_logits, soft, logits),
        (
            "CategoricalCrossentropy",
            "logits smoothed",
            {**from_logits, "label_smoothing": 0.25},
            gold,
            logits,
        ),
        ("CategoricalCrossentropy", "logits gold not normalized", from_logits, soft_bits, logits),
        ("SparseCategoricalCrossentropy", "plain", {}, labels, o),
        ("SparseCategoricalCrossentropy", "not normalized", {}, labels, p),
        ("SparseCategoricalCrossentropy", "logits", from_logits, labels, logits),
    ]
    for name, label, options, y_true, y_pred in table:
        for reduction in REDUCTIONS:
            for weighted, weights in (("", {}), (" weighted", {"sample_weight": WEIGHTS})):
                yield case(
                    "loss", name, f"{label} {reduction}{weighted}", {**options, "reduction": reduction},
                    y_true=y_true, y_pred=y_pred, **weights,
                )  # fmt: skip

    labels3 = rng.integers(0, k, (b, t))
    gold3, logits3, o3 = one_hot(labels3, k), dyadic(rng, b, t, k, scale=3.0), distributions(rng, b, t, k)
    weights3 = rng.integers(0, 5, (b, t)) / 4
    rank3: list[tuple[str, str, dict[str, Any], NDArray, NDArray]] = [
        ("MeanSquaredError", "plain", {}, gold3, logits3),
        ("MeanAbsoluteError", "plain", {}, gold3, logits3),
        ("Huber", "delta 1", {"delta": 1.0}, gold3, logits3),
        ("Hinge", "bits", {}, gold3, logits3),
        ("KLDivergence", "plain", {}, distributions(rng, b, t, k), o3),
        ("BinaryCrossentropy", "logits", from_logits, gold3, logits3),
        ("CategoricalCrossentropy", "probabilities", {}, gold3, o3),
        ("CategoricalCrossentropy", "logits", from_logits, gold3, logits3),
        ("SparseCategoricalCrossentropy", "probabilities", {}, labels3, o3),
        ("SparseCategoricalCrossentropy", "logits", from_logits, labels3, logits3),
    ]
    for name, label, options, y_true, y_pred in rank3:
        for reduction in REDUCTIONS[:2]:
            for weighted, weights in (("", {}), (" weighted", {"sample_weight": weights3})):
                yield case(
                    "loss", name, f"rank 3 {label} {reduction}{weighted}",
                    {**options, "reduction": reduction}, y_true=y_true, y_pred=y_pred, **weights,
                )  # fmt: skip

    huge = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 50.0], [1e4, 1e4, -1e4], [800.0, -800.0, 1.0]])
    certain = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    first, last = one_hot(np.array([0, 0, 0, 0]), 3), one_hot(np.array([2, 2, 2, 1]), 3)
    extremes: list[tuple[str, str, dict[str, Any], NDArray, NDArray]] = [
        ("MeanSquaredError", "huge", {}, first, huge),
        ("MeanAbsoluteError", "huge", {}, first, huge),
        ("MeanAbsoluteError", "equal", {}, first, first),
        ("Huber", "huge", {"delta": 1.0}, first, huge),
        ("Huber", "at delta", {"delta": 1.0}, first, first + np.array([1.0, -1.0, 0.0])),
        ("Hinge", "huge", {}, 2 * first - 1, huge),
        ("Hinge", "at the margin", {}, 2 * first - 1, 2 * first - 1),
        ("KLDivergence", "certain", {}, certain, last),
        ("KLDivergence", "equal", {}, certain, certain),
        ("BinaryCrossentropy", "logits huge", from_logits, first, huge),
        ("BinaryCrossentropy", "logits huge wrong", from_logits, last, huge),
        ("BinaryCrossentropy", "certain and right", {}, first, first),
        ("BinaryCrossentropy", "certain and wrong", {}, 1 - first, first),
        ("BinaryCrossentropy", "certain smoothed", {"label_smoothing": 0.25}, first, first),
        ("CategoricalCrossentropy", "logits huge", from_logits, first, huge),
        ("CategoricalCrossentropy", "logits huge wrong", from_logits, last, huge),
        ("CategoricalCrossentropy", "certain", {}, first, certain),
        ("CategoricalCrossentropy", "certain and wrong", {}, last, certain),
        ("SparseCategoricalCrossentropy", "logits huge", from_logits, np.array([0, 0, 0, 0]), huge),
        ("SparseCategoricalCrossentropy", "logits huge wrong", from_logits, np.array([2, 2, 2, 1]), huge),
        ("SparseCategoricalCrossentropy", "certain", {}, np.array([0, 1, 1, 0]), certain),
        ("SparseCategoricalCrossentropy", "certain and wrong", {}, np.array([2, 2, 2, 1]), certain),
    ]
    for name, label, options, y_true, y_pred in extremes:
        yield case(
            "loss", name, f"extreme {label}", {**options, "reduction": "none"}, y_true=y_true, y_pred=y_pred
        )


def metrics() -> Iterator[Case]:
    rng = np.random.default_rng(3)
    k, sizes = 4, (3, 1, 4)
    n = sum(sizes)
    labels, guesses = rng.integers(0, k, n), rng.integers(0, k, n)
    gold, logits, p, o = (
        one_hot(labels, k), dyadic(rng, n, k, scale=2.0), probabilities(rng, n, k), distributions(rng, n, k),
    )  # fmt: skip
    bits, halves = rng.choice([0.0, 1.0], (n, k)), rng.integers(0, 5, (n, k)) / 4
    weights = rng.integers(0, 5, n) / 4
    ties = np.repeat([[0.25, 0.375, 0.375, 0.0], [0.25, 0.25, 0.25, 0.25]], n // 2, axis=0)

    def batches(*columns: NDArray) -> list[list[NDArray]]:
        return [
            [column[end - size : end] for column in columns]
            for size, end in zip(sizes, np.cumsum(sizes), strict=True)
        ]

    table: list[tuple[str, str, dict[str, Any], NDArray, NDArray]] = [
        ("MeanSquaredError", "plain", {}, p, logits),
        ("BinaryCrossentropy", "probabilities", {}, bits, p),
        ("BinaryCrossentropy", "logits", {"from_logits": True}, bits, logits),
        ("BinaryCrossentropy", "smoothed", {"label_smoothing": 0.125}, bits, p),
        ("CategoricalCrossentropy", "probabilities", {}, gold, o),
        ("CategoricalCrossentropy", "logits", {"from_logits": True}, gold, logits),
        (
            "CategoricalCrossentropy",
            "smoothed",
            {"from_logits": True, "label_smoothing": 0.125},
            gold,
            logits,
        ),
        ("SparseCategoricalCrossentropy", "probabilities", {}, labels, o),
        ("SparseCategoricalCrossentropy", "logits", {"from_logits": True}, labels, logits),
        ("Accuracy", "labels", {}, labels[:, None], guesses[:, None]),
        ("Accuracy", "bits", {}, bits, (p > 0.5) * 1.0),
        ("BinaryAccuracy", "plain", {}, bits, p),
        ("BinaryAccuracy", "at the threshold", {}, bits, halves),
        ("BinaryAccuracy", "threshold 3/4", {"threshold": 0.75}, bits, halves),
        ("CategoricalAccuracy", "plain", {}, gold, o),
        ("CategoricalAccuracy", "ties", {}, gold, ties),
        ("SparseCategoricalAccuracy", "plain", {}, labels, o),
        ("SparseCategoricalAccuracy", "ties", {}, labels, ties),
    ]
    for name, label, options, y_true, y_pred in table:
        yield case("metric", name, label, options, batches=batches(y_true, y_pred))
        yield case("metric", name, f"{label} weighted", options, batches=batches(y_true, y_pred, weights))
    yield case("metric", "Mean", "plain", {}, batches=batches(logits))
    yield case("metric", "Mean", "weighted", {}, batches=batches(logits[:, 0], weights))
    untied = o + np.arange(k) / 1024
    for average in (None, "micro", "macro", "weighted"):
        for beta in (1.0, 0.5, 2.0):
            options = {"average": average, "beta": beta}
            yield case(
                "metric", "FBetaScore", f"{average} {beta} argmax", options, batches=batches(gold, untied)
            )
            options = {**options, "threshold": 0.5}
            yield case(
                "metric", "FBetaScore", f"{average} {beta} threshold", options, batches=batches(bits, p)
            )
    rare = one_hot(np.zeros(n, dtype=int), k)
    yield case(
        "metric", "FBetaScore", "classes without examples", {"average": None}, batches=batches(rare, untied)
    )
    yield case(
        "metric", "FBetaScore", "weighted", {"average": "macro"}, batches=batches(gold, untied, weights)
    )
    yield case("metric", "FBetaScore", "ties", {"average": None}, batches=batches(gold, ties))


def bleu() -> Iterator[Case]:
    rng = np.random.default_rng(9)
    for words, label in ((4, "small vocabulary"), (12, "large vocabulary")):
        for references in (1, 2, 3):
            for order in (1, 2, 4):
                for seed in range(3):
                    batches = []
                    for size in (1, 3, 2):
                        texts = [
                            [
                                rng.integers(words, size=rng.integers(1, 14)).tolist()
                                for _ in range(references + 1)
                            ]
                            for _ in range(size)
                        ]
                        # A hypothesis begins like a reference, or there would hardly be an n-gram in common.
                        hypotheses = [text[1][: rng.integers(1, 14)] + text[0][:2] for text in texts]
                        batches.append({"references": [text[1:] for text in texts], "hypotheses": hypotheses})
                    yield case(
                        "bleu", "CorpusBLEU", f"{label}, {references} references, order {order}, {seed}",
                        {"max_order": order}, batches=batches,
                    )  # fmt: skip


def layers() -> Iterator[Case]:
    rng = np.random.default_rng(4)
    for label, batch in (("rank 2", (5,)), ("one example", (1,)), ("rank 3", (2, 3))):
        x, kernel, bias = dyadic(rng, *batch, 4), dyadic(rng, 4, 3), dyadic(rng, 3)
        yield case("layer", "Dense", label, {}, x=x, dy=dyadic(rng, *batch, 3), kernel=kernel, bias=bias)
    yield case(
        "layer", "PReLU", "rank 2", {}, x=dyadic(rng, 6, 4) + 2.0**-7, dy=dyadic(rng, 6, 4),
        alpha=np.array([0.25, -0.5, 0.0, 2.0]),
    )  # fmt: skip
    yield case(
        "layer",
        "PReLU",
        "zeros",
        {},
        x=np.zeros((2, 4)),
        dy=dyadic(rng, 2, 4),
        alpha=np.array([0.25, -0.5, 0.0, 2.0]),
    )
    for epsilon in (2.0**-10, 0.25):
        for label, scale in (("", 1.0), (" large", 1024.0)):
            x, dy = dyadic(rng, 6, 4, scale=scale) + scale, dyadic(rng, 6, 4)
            affine = {"gamma": dyadic(rng, 4), "beta": dyadic(rng, 4)}
            name = f"epsilon {epsilon}{label}"
            yield case("layer", "LayerNormalization", name, {"epsilon": epsilon}, x=x, dy=dy, **affine)
            options = {"epsilon": epsilon, "momentum": 0.875}
            more = dyadic(rng, 3, 4, scale=scale)
            yield case("layer", "BatchNormalization", name, options, x=x, dy=dy, more=more, **affine)
    x, dy = dyadic(rng, 2, 3, 4), dyadic(rng, 2, 3, 4)
    affine = {"gamma": dyadic(rng, 4), "beta": dyadic(rng, 4)}
    yield case("layer", "LayerNormalization", "rank 3", {"epsilon": 2.0**-10}, x=x, dy=dy, **affine)
    for label, shape in (("wide", (3, 5)), ("tall", (7, 2))):
        yield case(
            "layer", "standardize_weights", label, {"epsilon": 2.0**-16}, weights=dyadic(rng, *shape),
            dy=dyadic(rng, *shape),
        )  # fmt: skip


def optimizers() -> Iterator[Case]:
    adam = {"learning_rate": 0.125, "beta_1": 0.875, "beta_2": 1 - 2.0**-7, "epsilon": 2.0**-20}
    rms = {"learning_rate": 2.0**-5, "rho": 0.875, "epsilon": 2.0**-20}
    momentum = {"learning_rate": 0.125, "momentum": 0.875}
    clips = [{"clipvalue": 0.25}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"global_clipnorm": 1e4}]
    decay = {"weight_decay": 2.0**-6}
    table: list[tuple[str, dict[str, Any]]] = [
        ("SGD", {"learning_rate": 0.125}),
        ("SGD", {"learning_rate": 0.5}),
        ("SGD", momentum),
        ("SGD", {**momentum, "momentum": 0.5}),
        ("SGD", {**momentum, "nesterov": True}),
        ("SGD", {"learning_rate": 0.125, **decay}),
        ("SGD", {**momentum, **decay}),
        ("SGD", {**momentum, "nesterov": True, **decay}),
        *[("SGD", {"learning_rate": 0.125, **clip}) for clip in clips],
        *[("SGD", {**momentum, **clip}) for clip in clips],
        ("RMSProp", rms),
        ("RMSProp", {**rms, "epsilon": 2.0**-6}),
        ("RMSProp", {**rms, "epsilon": 2.0**-100}),
        ("RMSProp", {**rms, "epsilon": 2.0**-100, "rho": 0.5}),
        ("RMSProp", {**rms, "epsilon": 2.0**-100, "clipvalue": 0.25}),
        ("RMSProp", {**rms, "rho": 0.5}),
        ("RMSProp", {**rms, **decay}),
        *[("RMSProp", {**rms, **clip}) for clip in clips],
        ("Adam", adam),
        ("Adam", {**adam, "epsilon": 2.0**-6}),
        ("Adam", {**adam, "beta_1": 0.0}),
        ("Adam", {**adam, "beta_1": 0.5, "beta_2": 0.75}),
        ("Adam", {**adam, **decay}),
        *[("Adam", {**adam, **clip}) for clip in clips],
        ("AdamW", {**adam, **decay}),
        ("AdamW", {**adam, "weight_decay": 0.25}),
        ("AdamW", {**adam, **decay, "epsilon": 2.0**-6}),
        *[("AdamW", {**adam, **decay, **clip}) for clip in clips[:3]],
    ]
    rng = np.random.default_rng(5)
    # The gradient of step t is factors[t] * curvature * (theta - target): it follows theta, not too smoothly.
    problem = {
        "start": [dyadic(rng, 2, 3), dyadic(rng, 3)],
        "curvature": [rng.integers(1, 65, (2, 3)) / 32, rng.integers(1, 65, 3) / 32],
        "target": [dyadic(rng, 2, 3), dyadic(rng, 3)],
        "factors": rng.integers(-4, 13, STEPS) / 8,
    }
    for name, options in table:
        label = ",".join(f"{key}={value:.3g}" for key, value in options.items())
        yield case("optimizer", name, label, options, **problem)


def clipping() -> Iterator[Case]:
    rng = np.random.default_rng(6)
    gradients = [dyadic(rng, 3, 2), dyadic(rng, 4)]
    kinds: dict[str, list[NDArray]] = {
        "plain": gradients,
        "zero": [np.zeros((2, 2)), np.zeros(3)],
        "huge": [gradient * 2.0**60 for gradient in gradients],
        "tiny": [gradient * 2.0**-60 for gradient in gradients],
        "exactly the limit": [np.array([0.75, 0.0]), np.array([1.0])],
    }
    for label, values in kinds.items():
        for limit in (0.25, 1.25, 64.0):
            for name in ("clip_by_value", "clip_by_norm", "clip_by_global_norm"):
                yield case("clip", name, f"{label} {limit}", {"limit": limit}, gradients=values)


def initializers() -> Iterator[Case]:
    for name in ("fan_in_uniform", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"):
        for fan_in, fan_out in ((4, 2), (64, 128), (784, 10), (1, 1)):
            yield case("initializer", name, f"{fan_in} x {fan_out}", {"fan_in": fan_in, "fan_out": fan_out})


def regularizers() -> Iterator[Case]:
    rng = np.random.default_rng(7)
    for name in ("L1", "L2"):
        for strength in (2.0**-5, 1.0):
            weights = np.concatenate([dyadic(rng, 2, 3), np.zeros((1, 3))])
            yield case("regularizer", name, f"strength {strength}", {"strength": strength}, weights=weights)


def networks() -> Iterator[Case]:
    rng = np.random.default_rng(8)
    for activation in ("tanh", "relu", "sigmoid", "gelu"):
        for output, y in (
            ("softmax", one_hot(rng.integers(0, 3, 6), 3)),
            ("sigmoid", rng.choice([0.0, 1.0], (6, 3))),
        ):
            yield case(
                "network", activation, output, {}, x=dyadic(rng, 6, 4), y=y,
                W1=dyadic(rng, 4, 5), b1=dyadic(rng, 5), W2=dyadic(rng, 5, 3), b2=dyadic(rng, 3),
            )  # fmt: skip
