"""Compare npfl with a second set of answers of the real libraries, made from their documentation.

The questions and answers are in ``golden/second/``, made by ``golden/make_second.py``: other dtypes and
layouts than in `test_parity.py`, numbers at the edges, whole trainings, objects that are copied, pickled, fed
and reset in the middle, and calls that the libraries refuse. The answers were computed in float64; a narrower
dtype may differ by its own rounding, everything else by 1e-11, relative to the largest number of a case.
"""

import copy
import json
import operator
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npfl.activations
import npfl.layers
import npfl.losses
import npfl.metrics
import npfl.models
import npfl.optimizers
import npfl.regularizers
from npfl.models import Sequential

CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['id']}")
    for path in sorted((Path(__file__).parent / "golden" / "second").glob("*.json"))
    for case in json.loads(path.read_text())["cases"]
]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
}
LIVES = {
    "alone": lambda thing: thing,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
# By how many roundings of the dtype an answer may differ.
ROUNDINGS = {"float64": 5e4, "float32": 64, "float16": 24}


def inputs(case: dict[str, Any]) -> dict[str, Any]:
    return {
        name: LAYOUTS[a["layout"]](np.array(a["values"], a["dtype"])) for name, a in case["inputs"].items()
    }


def make(case: dict[str, Any]) -> Any:
    thing = operator.attrgetter(case["name"])(npfl)
    return thing(**case["options"])


def activation(case: dict[str, Any]) -> dict[str, Any]:
    x = inputs(case)["x"]
    return {
        name: getattr(npfl.activations, case["name"] + suffix)(x)
        for name, suffix in (("value", ""), ("gradient", "_grad"))
    }


def function(case: dict[str, Any]) -> dict[str, Any]:
    if case["name"].startswith("regularizers"):
        return {"value": make(case)(**inputs(case))}
    with np.errstate(over="ignore"):
        return {"value": operator.attrgetter(case["name"])(npfl)(**inputs(case), **case["options"])}


def loss(case: dict[str, Any]) -> dict[str, Any]:
    tested = getattr(npfl.losses, case["name"])(**case["options"])
    return {"value": tested(**inputs(case)), "gradient": tested.gradient(**inputs(case))}


def metric(case: dict[str, Any]) -> dict[str, Any]:
    return {"result": getattr(npfl.metrics, case["name"])(**case["options"])(**inputs(case))}


def fed_metric(case: dict[str, Any]) -> dict[str, Any]:
    tested, data, results = getattr(npfl.metrics, case["name"])(**case["options"]), inputs(case), []
    for rows, weight in (([0, 1], None), ([1], None), ([0, 1], [2.0, 0.5]), (None, None), ([0], [0.25])):
        tested = LIVES[case["life"]](tested)
        if rows is None:
            tested.reset_state()
        else:
            results.append(tested(data["y_true"][rows], data["y_pred"][rows], sample_weight=weight))
    return {"results": results}


def layer(case: dict[str, Any]) -> dict[str, Any]:
    data = inputs(case)
    x, dtype, name = data["x"], data["x"].dtype, case["name"]
    sizes = (x.shape[-1], 3, np.random.default_rng(1)) if name == "Dense" else (x.shape[-1],)
    tested = getattr(npfl.layers, name)(*sizes, dtype=dtype)
    for parameter, values in zip(tested.parameters, case["parameters"], strict=True):
        parameter[...] = values
    return {
        "y": tested(x, training=True),
        "dx": tested.backward(data["dy"]),
        "gradients": tested.gradients,
    }


def optimizer(case: dict[str, Any]) -> dict[str, Any]:
    problem = {name: [np.array(a) for a in arrays] for name, arrays in case["problem"].items()}
    theta = [np.asfortranarray(start) for start in problem["start"]]
    tested = getattr(npfl.optimizers, case["name"])(**case["options"])
    for step in range(case["steps"]):
        if step == case["steps"] // 2:
            tested = LIVES[case["life"]](tested)
        factor = 1 + 0.5 * np.sin(step)
        parts = zip(problem["curvature"], theta, problem["target"], strict=True)
        tested.update(theta, [2 * factor * c * (p - t) for c, p, t in parts])
    return {"end": theta}


def clip(case: dict[str, Any]) -> dict[str, Any]:
    gradients, f = [np.array(g) for g in case["gradients"]], getattr(npfl.optimizers, case["name"])
    if case["name"] == "clip_by_global_norm":
        return {"clipped": f(gradients, case["limit"])}
    return {"clipped": [f(gradient, case["limit"]) for gradient in gradients]}


def training(case: dict[str, Any]) -> dict[str, Any]:
    data, sizes = inputs(case), iter([(4, 6), (6, 5), (5, 3)])
    parts = [
        npfl.layers.Dense(*next(sizes), np.random.default_rng(1))
        if name == "Dense"
        else npfl.layers.Activation(name)
        for name in case["layers"]
    ]
    if "nested" in case["id"]:
        # What torch puts into one another stands in a row here; the inner model is of no use afterwards.
        inner = Sequential(parts[:4])
        parts = [*copy.deepcopy(inner).layers, parts[4]]
    model = Sequential(parts)
    model.set_weights(case["start"])
    tested, entropy = (
        getattr(npfl.optimizers, case["name"])(**case["options"]),
        npfl.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    losses = []
    for _ in range(case["steps"]):
        z = model(data["x"], training=True)
        losses.append(entropy(data["y"], z))
        model.backward(entropy.gradient(data["y"], z))
        tested.update(model.parameters, model.gradients)
    return {"losses": losses, "end": model.get_weights()}


def defaults(case: dict[str, Any]) -> dict[str, Any]:
    made = make(case)
    return {name: getattr(made, name) for name in case["outputs"]}


RUN = {
    f.__name__.replace("_", " "): f
    for f in (activation, function, loss, metric, fed_metric, layer, optimizer, clip, training, defaults)
}


def flat(answer: Any) -> np.ndarray:
    """Return all numbers of an answer; what is None is NaN, a flag 0 or 1."""
    if isinstance(answer, list | tuple):
        return np.concatenate([flat(a) for a in answer]) if len(answer) else np.zeros(0)
    return np.asarray(answer, dtype=np.float64).ravel()


@pytest.mark.parametrize(("library", "case"), [c for c in CASES if c.values[1]["kind"] != "refusal"])
def test_agrees_with_the_documented_library(library: str, case: dict[str, Any]) -> None:
    answers = RUN[case["kind"]](case)
    used = (
        ["float32"]
        if case["kind"] == "defaults"
        else [a["dtype"] for a in case.get("inputs", {}).values() if a["dtype"].startswith("float")]
    )
    narrow = min(used, key=lambda name: np.finfo(name).bits, default="float64")
    tolerance = ROUNDINGS[narrow] * np.finfo(narrow).eps
    everything = flat(list(case["outputs"].values()))
    largest = np.abs(everything[np.isfinite(everything)]).max(initial=0)
    # Narrow numbers were made of larger ones; there the size of the answer says too little.
    scale = largest if narrow == "float64" else max(largest, 1)
    explained = case.get("explained")
    for output, stored in case["outputs"].items():
        actual, expected = flat(answers[output]), flat(stored)
        assert isinstance(answers[output], list) or np.shape(answers[output]) == np.shape(stored)
        if explained:
            np.testing.assert_allclose(
                actual, expected, rtol=0, atol=explained["bound"], err_msg=explained["reason"]
            )
        else:
            np.testing.assert_allclose(
                actual, expected, rtol=tolerance, atol=tolerance * scale, err_msg=output
            )


@pytest.mark.parametrize(("library", "case"), [c for c in CASES if c.values[1]["kind"] == "refusal"])
def test_refuses_what_the_library_refuses(library: str, case: dict[str, Any]) -> None:
    made = make(case) if "called" in case else None
    with pytest.raises((ValueError, TypeError), match=r"\b(must|may)\b"):
        made(*case["called"]) if "called" in case else make(case)


def test_there_are_enough_cases() -> None:
    assert len({c.id for c in CASES}) == len(CASES) >= 700
