"""Compare npfl with values that the real libraries computed: one test a stored case.

``golden/torch.json`` and its like hold inputs and outputs, made by `golden/make_golden.py`, which also
compares them with installed libraries (``--check``). Numbers must agree within 1e-12, relative to 1 or the
stored value if that is larger. Where a library has another convention than npfl, or less precision,
`DIFFERENCES` tells why and by how much; a difference that is not there fails too.
"""

import fnmatch
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from npfl import activations, initializers, layers, losses, metrics, optimizers, regularizers
from npfl.layers import weight_standardization

TOLERANCE = 1e-12
LIBRARIES = {"torch": 200, "keras": 200, "tensorflow": 200, "sacrebleu": 50}  # and at least so many cases
GOLDEN = {
    library: json.loads((Path(__file__).parent / "golden" / f"{library}.json").read_text())
    for library in LIBRARIES
}

INFINITE = float("inf")
CUT = "torch replaces softplus by x above 20, and its derivative by 1"
KINK = "at the kink npfl takes 0; torch and TensorFlow the slope of one side, Keras on torch the mean of both"
LOGARITHM = "the logarithm of 0: npfl and Keras clip probabilities to [1e-7, 1 - 1e-7]"
BOUNDED = "torch bounds logarithms at -100; npfl and Keras clip probabilities to [1e-7, 1 - 1e-7]"
UNBIASED = "torch keeps the unbiased variance for inference, npfl and Keras the biased one"
NORM = "torch divides by the norm + 1e-6"
OUTSIDE = "torch adds epsilon to the root, npfl and Keras under the root"
ROUNDED = "TensorFlow rounds the constants of GELU to float32"
PRELU = "PReLU is relu(x) - a relu(-x) in Keras, so its derivative at 0 is 0; npfl and torch take the slope a"
NOT_ONE = "TensorFlow takes o - g for the gradient, which holds only where the gold distribution sums to 1"
TIES = "without a threshold Keras counts every class that shares the maximum, npfl the first of them"
SPARSE = "TensorFlow normalizes clipped probabilities again, and does not stop their gradient"

# (library, case, output): the largest difference that is explained, and the reason. `*` stands for anything.
DIFFERENCES: dict[tuple[str, str, str], tuple[float, str]] = {
    ("torch", "activation/softplus/saturated", "value"): (1e-10, CUT),
    ("torch", "activation/softplus/saturated", "gradient"): (2e-9, CUT),
    ("torch", "loss/Hinge/extreme at the margin", "gradient"): (0.34, KINK),
    ("torch", "loss/KLDivergence/extreme *", "*"): (INFINITE, LOGARITHM),
    ("torch", "loss/BinaryCrossentropy/extreme certain and right", "value"): (2e-7, BOUNDED),
    ("torch", "loss/BinaryCrossentropy/extreme certain and wrong", "*"): (1, BOUNDED),
    ("torch", "loss/BinaryCrossentropy/extreme certain smoothed", "*"): (1, BOUNDED),
    ("torch", "loss/CategoricalCrossentropy/extreme certain*", "*"): (INFINITE, LOGARITHM),
    ("torch", "loss/SparseCategoricalCrossentropy/extreme certain*", "*"): (INFINITE, LOGARITHM),
    ("torch", "layer/BatchNormalization/*", "moving_variance"): (0.3, UNBIASED),
    ("torch", "layer/BatchNormalization/*", "inference*"): (0.4, UNBIASED),
    ("torch", "optimizer/SGD/*clipnorm=0.5", "*"): (2e-6, NORM),
    ("torch", "optimizer/Adam*clipnorm=0.5", "*"): (1e-6, NORM),
    ("torch", "optimizer/RMSProp/*epsilon=9.54e-07*", "*"): (4e-3, OUTSIDE),
    ("torch", "optimizer/RMSProp/*epsilon=0.0156", "*"): (0.07, OUTSIDE),
    ("torch", "clip/clip_by_*norm/plain 0.25", "*"): (1e-6, NORM),
    ("torch", "clip/clip_by_*norm/plain 1.25", "*"): (1e-6, NORM),
    ("torch", "clip/clip_by_*norm/exactly the limit 0.25", "*"): (1e-6, NORM),
    ("torch", "clip/clip_by_global_norm/exactly the limit 1.25", "*"): (1e-6, NORM),
    ("keras", "activation/softplus/saturated", "value"): (1e-10, CUT),
    ("keras", "activation/softplus/saturated", "gradient"): (2e-9, CUT),
    ("keras", "loss/Hinge/extreme at the margin", "gradient"): (0.17, KINK),
    ("keras", "layer/PReLU/zeros", "dx"): (6, PRELU),
    ("keras", "metric/FBetaScore/ties", "*"): (1, TIES),
    ("tensorflow", "metric/FBetaScore/ties", "*"): (1, TIES),
    ("tensorflow", "activation/gelu/*moderate", "*"): (6e-9, ROUNDED),
    ("tensorflow", "activation/gelu/*near zero", "*"): (6e-9, ROUNDED),
    ("tensorflow", "activation/gelu/approximate=False saturated", "gradient"): (1e-11, ROUNDED),
    ("tensorflow", "network/gelu/*", "*"): (6e-9, ROUNDED),
    ("tensorflow", "loss/CategoricalCrossentropy/logits gold not normalized *", "gradient"): (2, NOT_ONE),
    ("tensorflow", "loss/Hinge/extreme at the margin", "gradient"): (0.34, KINK),
    ("tensorflow", "loss/SparseCategoricalCrossentropy/extreme certain*", "value"): (2e-7, SPARSE),
    ("tensorflow", "loss/SparseCategoricalCrossentropy/extreme certain*", "gradient"): (1, SPARSE),
    ("tensorflow", "layer/PReLU/zeros", "dx"): (6, PRELU),
}


def activation(case: dict[str, Any]) -> dict[str, Any]:
    x, options = np.array(case["inputs"]["x"]), case["options"]
    with np.errstate(all="ignore" if np.isinf(x).any() else "raise", under="ignore"):
        value = getattr(activations, case["name"])(x, **options)
        gradient = getattr(activations, f"{case['name']}_grad")(x, **options)
    return {"value": value, "gradient": gradient}


def vector_activation(case: dict[str, Any]) -> dict[str, Any]:
    x = np.array(case["inputs"]["x"])
    answers = {"value": getattr(activations, case["name"])(x)}
    return {**answers, "jacobian": activations.softmax_jacobian(x)} if case["name"] == "softmax" else answers


def loss(case: dict[str, Any]) -> dict[str, Any]:
    inputs = {name: np.array(array) for name, array in case["inputs"].items()}
    function = getattr(losses, case["name"])(**case["options"])
    with np.errstate(all="raise", under="ignore"):
        return {"value": function(**inputs), "gradient": function.gradient(**inputs)}


def metric(case: dict[str, Any]) -> dict[str, Any]:
    meter = getattr(metrics, case["name"])(**case["options"])
    batches = [[np.array(array) for array in batch] for batch in case["inputs"]["batches"]]
    arguments = 1 if case["name"] == "Mean" else 2

    def update(batch: list[Any]) -> Any:
        meter.update_state(
            *batch[:arguments], **dict(zip(["sample_weight"], batch[arguments:], strict=False))
        )
        return meter.result()

    results = [update(batch) for batch in batches]
    meter.reset_state()
    return {"results": results, "after reset": update(batches[-1])}


def bleu(case: dict[str, Any]) -> dict[str, Any]:
    meter = metrics.CorpusBLEU(**case["options"])
    return {"results": [meter(**batch) for batch in case["inputs"]["batches"]]}


def layer(case: dict[str, Any]) -> dict[str, Any]:
    inputs = {name: np.array(array) for name, array in case["inputs"].items()}
    options, dy = case["options"], inputs["dy"]
    if case["name"] == "standardize_weights":
        weights = inputs["weights"]
        return {
            "y": layers.standardize_weights(weights, **options),
            "dweights": weight_standardization._standardize_weights_backward(weights, dy, **options),
        }
    x = inputs["x"]
    sizes = (
        (x.shape[-1], dy.shape[-1], np.random.default_rng(1)) if case["name"] == "Dense" else (x.shape[-1],)
    )
    tested = getattr(layers, case["name"])(*sizes, **options)
    names = {"Dense": ["kernel", "bias"], "PReLU": ["alpha"]}.get(case["name"], ["gamma", "beta"])
    for parameter, name in zip(tested.parameters, names, strict=True):
        parameter[:] = inputs[name]
    answers = {"y": tested.forward(x, training=True), "dx": tested.backward(dy)}
    answers |= {f"d{name}": g.copy() for name, g in zip(names, tested.gradients, strict=True)}
    if case["name"] == "BatchNormalization":
        tested.forward(inputs["more"], training=True)
        answers["moving_mean"], answers["moving_variance"] = tested.state
        answers |= {"inference": tested.forward(x), "inference_dx": tested.backward(dy)}
    return answers


def optimizer(case: dict[str, Any]) -> dict[str, Any]:
    inputs = {name: [np.array(array) for array in arrays] for name, arrays in case["inputs"].items()}
    theta, tested = inputs["start"], getattr(optimizers, case["name"])(**case["options"])
    answers = {}
    for t, factor in enumerate(inputs["factors"], start=1):
        pairs = zip(inputs["curvature"], theta, inputs["target"], strict=True)
        tested.update(theta, [factor * curvature * (p - target) for curvature, p, target in pairs])
        answers[f"after step {t}"] = [p.copy() for p in theta]
    return answers


def clip(case: dict[str, Any]) -> dict[str, Any]:
    gradients, limit = [np.array(g) for g in case["inputs"]["gradients"]], case["options"]["limit"]
    if case["name"] == "clip_by_global_norm":
        return {"clipped": optimizers.clip_by_global_norm(gradients, limit)}
    return {"clipped": [getattr(optimizers, case["name"])(g, limit) for g in gradients]}


def initializer(case: dict[str, Any]) -> dict[str, Any]:
    fans = case["options"]
    if case["name"].startswith("glorot"):
        limit = initializers.glorot_limit(**fans)
    else:
        limit = getattr(initializers, case["name"].rsplit("_", 1)[0] + "_limit")(fans["fan_in"])
    return {"limit": limit, "standard_deviation": np.sqrt(initializers.uniform_variance(limit))}


def regularizer(case: dict[str, Any]) -> dict[str, Any]:
    weights, penalty = (
        np.array(case["inputs"]["weights"]),
        getattr(regularizers, case["name"])(**case["options"]),
    )
    return {"value": penalty(weights), "gradient": penalty.gradient(weights)}


def network(case: dict[str, Any]) -> dict[str, Any]:
    inputs = {name: np.array(array) for name, array in case["inputs"].items()}
    rng = np.random.default_rng(1)
    chain = [layers.Dense(4, 5, rng), layers.Activation(case["name"]), layers.Dense(5, 3, rng)]
    parameters = [parameter for part in chain for parameter in part.parameters]
    for parameter, name in zip(parameters, ("W1", "b1", "W2", "b2"), strict=True):
        parameter[:] = inputs[name]
    kind = losses.CategoricalCrossentropy if case["id"].endswith("softmax") else losses.BinaryCrossentropy
    z = inputs["x"]
    for part in chain:
        z = part.forward(z)
    answers = {"loss": kind(from_logits=True)(inputs["y"], z)}
    d = kind(from_logits=True).gradient(inputs["y"], z)
    for part in reversed(chain):
        d = part.backward(d)
    gradients = [gradient for part in chain for gradient in part.gradients]
    return {**answers, "dx": d, **dict(zip(("dW1", "db1", "dW2", "db2"), gradients, strict=True))}


RUN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "activation": activation,
    "vector activation": vector_activation,
    "loss": loss,
    "metric": metric,
    "bleu": bleu,
    "layer": layer,
    "optimizer": optimizer,
    "clip": clip,
    "initializer": initializer,
    "regularizer": regularizer,
    "network": network,
}


def difference(actual: Any, stored: Any) -> float:
    """Return the largest difference, relative to the larger of 1 and the stored number."""
    if isinstance(actual, list):
        return max(difference(a, b) for a, b in zip(actual, stored, strict=True))
    a, b = np.asarray(actual), np.asarray(stored)
    assert a.shape == b.shape, f"shape {a.shape}, stored {b.shape}"
    with np.errstate(invalid="ignore"):
        error = np.abs(a - b) / np.maximum(1, np.abs(b))
    error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, error)
    return float(np.nan_to_num(error, nan=np.inf).max(initial=0))


def explained(library: str, case: str, output: str) -> tuple[str, str, str] | None:
    matching = [
        key for key in DIFFERENCES
        if key[0] == library and fnmatch.fnmatchcase(case, key[1]) and fnmatch.fnmatchcase(output, key[2])
    ]  # fmt: skip
    assert len(matching) <= 1, f"{case}, {output} has two explanations: {matching}"
    return matching[0] if matching else None


def parameters() -> Iterator[Any]:
    for library in LIBRARIES:
        for case in GOLDEN[library]["cases"]:
            yield pytest.param(library, case, id=f"{library}: {case['id']}")


@pytest.mark.parametrize(("library", "case"), list(parameters()))
def test_equals_the_library(library: str, case: dict[str, Any]) -> None:
    answers = RUN[case["kind"]](case)
    for output, stored in case["outputs"].items():
        error = difference(answers[output], stored)
        key = explained(library, case["id"], output)
        bound, reason = DIFFERENCES[key] if key else (TOLERANCE, "")
        assert error <= bound, f"{output} differs by {error:.2g}, at most {bound:.2g} is allowed {reason}"
        if key:
            assert error > TOLERANCE, f"{output} agrees: the difference explained by {reason!r} is not there"


@pytest.mark.parametrize(("library", "least"), LIBRARIES.items())
def test_there_are_enough_cases(library: str, least: int) -> None:
    assert library in GOLDEN[library]["versions"]
    assert len({case["id"] for case in GOLDEN[library]["cases"]}) == len(GOLDEN[library]["cases"]) >= least


@pytest.mark.parametrize("key", DIFFERENCES, ids=" ".join)
def test_the_explanation_is_needed(key: tuple[str, str, str]) -> None:
    assert any(
        explained(key[0], case["id"], output) == key
        for case in GOLDEN[key[0]]["cases"]
        for output in case["outputs"]
    )
