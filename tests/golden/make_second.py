"""Let libraries answer a second set of cases, and store all in ``second/torch.json`` and its like.

The first set (`cases.py`) follows npfl's functions one by one. This one follows the public documentation
of PyTorch, Keras, SciPy and scikit-learn instead: the examples there, other dtypes and memory layouts,
numbers at the edges, whole trainings, objects that are saved, copied and reused in the middle, and calls
that are refused.

This script never imports npfl. Its argument names the library; an environment with these versions is needed:
``torch==2.13.0 scipy==1.17.1 scikit-learn==1.9.1``, or ``tensorflow-cpu==2.21.0 keras==3.15.1`` for Keras.

A case says what npfl is to do (``kind``, ``name``, ``options``), with which numbers (``inputs``, each with a
dtype and a layout), what the library answered (``outputs``, computed in float64), or what it raised
(``refused``). Where both are right by their own documentation, ``explained`` says why and by how much.
"""

import itertools
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "second"
PINNED = {"torch": "2.13.0", "keras": "3.15.1", "scipy": "1.17.1", "scikit-learn": "1.9.1"}
LAYOUTS = ("C", "F", "strided", "reversed")
DTYPES = ("float64", "float32", "float16")

Case = dict[str, Any]


def array(values: Any, dtype: str = "float64", layout: str = "C") -> dict[str, Any]:
    return {"values": np.asarray(values).tolist(), "dtype": dtype, "layout": layout}


def case(kind: str, name: str, label: str, options: dict[str, Any] | None = None, **rest: Any) -> Case:
    return {"id": f"{kind}/{name}/{label}", "kind": kind, "name": name, "options": options or {}, **rest}


def rounded(values: Any, dtype: str) -> np.ndarray:
    """Return in float64 the numbers that a dtype can hold, so that both sides start from the same ones."""
    return np.asarray(values).astype(dtype).astype(np.float64)


class Dyadic:
    """Draw multiples of 1/64, which every dtype can hold, and which are short to store."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        draw = getattr(self.rng, name)
        return lambda *arguments, **options: np.round(draw(*arguments, **options) * 64) / 64

    def integers(self, *arguments: Any) -> Any:
        return self.rng.integers(*arguments)

    def choice(self, *arguments: Any, **options: Any) -> Any:
        return self.rng.choice(*arguments, **options)

    def dirichlet(self, alpha: Any, shape: Any) -> Any:
        """Draw distributions that sum to 1 without rounding."""
        k = len(alpha)
        return (self.rng.multinomial(128 - k, alpha / alpha.sum(), shape) + 1) / 128


def refusal(f: Any) -> str:
    """Return the name of the exception that a library raises."""
    try:
        f()
    except Exception as error:
        return type(error).__name__
    raise AssertionError("nothing was raised")


def torch_cases() -> Iterator[Case]:
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    rng = Dyadic(20)
    points = np.array(
        [-1000.0, -88.5, -20.5, -8.0, -3.0, -1.0, -0.1, -6e-5, 0.1, 0.75, 1.0, 2.5, 11.0, 20.5, 88.5, 1000.0]
    )
    for (name, f), dtype in itertools.product(
        {
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "relu": F.relu,
            "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
            "elu": F.elu,
            "gelu": F.gelu,
            "silu": F.silu,
            "mish": F.mish,
            "softplus": lambda x: -F.logsigmoid(-x),
        }.items(),
        DTYPES,
    ):
        x = torch.tensor(rounded(points.reshape(4, 4), dtype), requires_grad=True)
        y = f(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        layout = LAYOUTS[len(name) % 4]
        yield case(
            "activation",
            name,
            dtype,
            inputs={"x": array(points.reshape(4, 4), dtype, layout)},
            outputs={"value": y.tolist(), "gradient": gradient.tolist()},
        )
    for shape, axis, dtype, layout in [
        ((3, 4), 0, "float64", "F"),
        ((3, 4), 1, "float32", "strided"),
        ((2, 3, 4), 1, "float64", "reversed"),
        ((2, 3, 4), -2, "float32", "F"),
        ((2, 3, 4), 0, "float16", "C"),
        ((5,), 0, "float16", "strided"),
        ((1, 1), 1, "float64", "C"),
        ((2, 50), 1, "float16", "F"),
        ((50, 2), 0, "float16", "F"),
        ((4, 1, 3), 2, "float32", "C"),
    ]:
        x = rng.normal(0, 5, shape)
        for name, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
            y = f(torch.tensor(rounded(x, dtype)), dim=axis)
            yield case(
                "function",
                f"activations.{name}",
                f"{shape} axis {axis} {dtype} {layout}",
                {"axis": axis},
                inputs={"logits": array(x, dtype, layout)},
                outputs={"value": y.tolist()},
            )

    # Losses: the shapes of the documentation, (N, C) and (N, d1, C), with label smoothing and weights.
    def classification(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z = rng.normal(0, 4, shape)
        labels = rng.integers(0, shape[-1], shape[:-1])
        soft = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        return z, labels, soft

    for shape, dtype, smoothing, reduction in itertools.product(
        [(3, 5), (4, 6, 5), (1, 2), (7, 1), (2, 40)],
        ("float64", "float32", "float16"),
        (0.0, 0.3),
        ("mean", "sum", "none"),
    ):
        if (dtype == "float16") != (reduction == "none" and smoothing == 0.3) and dtype == "float16":
            continue
        z, labels, soft = classification(shape)
        layout = LAYOUTS[(len(shape) + len(dtype)) % 4]
        for name, y in (("SparseCategoricalCrossentropy", labels), ("CategoricalCrossentropy", soft)):
            if name.startswith("Sparse") and smoothing:
                continue
            p = torch.tensor(rounded(z, dtype), requires_grad=True)
            target = (
                torch.tensor(y)
                if name.startswith("Sparse")
                else torch.tensor(rounded(soft, dtype)).movedim(-1, 1)
            )
            value = F.cross_entropy(p.movedim(-1, 1), target, reduction=reduction, label_smoothing=smoothing)
            (gradient,) = torch.autograd.grad(value.sum(), p)
            options = {
                "from_logits": True,
                "reduction": reduction,
                **({"label_smoothing": smoothing} if smoothing else {}),
            }
            gold = array(y, "int64") if name.startswith("Sparse") else array(y, dtype, layout)
            yield case(
                "loss",
                name,
                f"{shape} {dtype} {smoothing} {reduction}",
                options,
                inputs={"y_true": gold, "y_pred": array(z, dtype, layout)},
                outputs={"value": value.tolist(), "gradient": gradient.tolist()},
            )
    for name, dtype, reduction in itertools.product(
        ("MeanSquaredError", "MeanAbsoluteError", "Huber", "BinaryCrossentropy", "Hinge"),
        DTYPES,
        ("mean", "sum"),
    ):
        y, p = rng.normal(0, 2, (2, 3, 4)), rng.normal(0, 2, (2, 3, 4))
        options: dict[str, Any] = {"reduction": reduction}
        if name == "BinaryCrossentropy":
            y, options = rng.random((2, 3, 4)), {**options, "from_logits": True}
        if name == "Hinge":
            y = rng.choice([-1.0, 1.0], (2, 3, 4))
        if name == "Huber":
            options["delta"] = 0.75
        a, b = torch.tensor(rounded(y, dtype)), torch.tensor(rounded(p, dtype), requires_grad=True)
        each = {
            "MeanSquaredError": lambda a, b: F.mse_loss(b, a, reduction="none"),
            "MeanAbsoluteError": lambda a, b: F.l1_loss(b, a, reduction="none"),
            "Huber": lambda a, b: F.huber_loss(b, a, reduction="none", delta=0.75),
            "BinaryCrossentropy": lambda a, b: F.binary_cross_entropy_with_logits(b, a, reduction="none"),
            "Hinge": lambda a, b: torch.clamp(1 - a * b, min=0),
        }[name](a, b).mean(-1)
        value = each.mean() if reduction == "mean" else each.sum()
        (gradient,) = torch.autograd.grad(value, b)
        yield case(
            "loss",
            name,
            f"rank 3 {dtype} {reduction}",
            options,
            inputs={"y_true": array(y, dtype, "F"), "y_pred": array(p, dtype, "strided")},
            outputs={"value": value.tolist(), "gradient": gradient.tolist()},
        )
    # Masked classes: a logit of -inf, as attention and vocabularies use it.
    for rows, labels in [
        ([[0, -np.inf, 1]], [0]),
        ([[-np.inf, 3, -np.inf]], [1]),
        ([[5, -np.inf, 5, 0], [-np.inf, 1, 1, 1]], [2, 3]),
    ]:
        p = torch.tensor(rows, requires_grad=True)
        value = F.cross_entropy(p, torch.tensor(labels))
        (gradient,) = torch.autograd.grad(value, p)
        outputs = {"value": value.tolist(), "gradient": gradient.tolist()}
        one_hot = np.eye(len(rows[0]))[labels]
        for name, y in (
            ("SparseCategoricalCrossentropy", array(labels, "int64")),
            ("CategoricalCrossentropy", array(one_hot)),
        ):
            yield case(
                "loss",
                name,
                f"masked {rows}",
                {"from_logits": True},
                inputs={"y_true": y, "y_pred": array(rows)},
                outputs=outputs,
            )

    # Layers, in the layouts and dtypes that other code hands over.
    makers = {
        "Dense": (lambda n, dtype: nn.Linear(n, 3), ["weight", "bias"]),
        "BatchNormalization": (
            lambda n, dtype: nn.BatchNorm1d(n, eps=1e-3, momentum=0.01),
            ["weight", "bias"],
        ),
        "LayerNormalization": (lambda n, dtype: nn.LayerNorm(n, eps=1e-3), ["weight", "bias"]),
        "PReLU": (lambda n, dtype: nn.PReLU(n), ["weight"]),
    }
    for (name, (make, parameters)), (shape, dtype), layout in itertools.product(
        makers.items(),
        [((4, 3), "float64"), ((6, 2), "float32"), ((5, 4), "float16"), ((3, 1), "float64")],
        ("F", "reversed"),
    ):
        layer = make(shape[-1], dtype)
        for parameter in parameters:
            tensor = getattr(layer, parameter)
            tensor.data = torch.tensor(rounded(rng.normal(0, 1, tensor.shape), dtype))
        scale = 1.0 if dtype == "float16" else 100.0
        x, dy = (
            rng.normal(scale, scale, shape),
            rng.normal(size=(*shape[:-1], 3 if name == "Dense" else shape[-1])),
        )
        t = torch.tensor(rounded(x, dtype), requires_grad=True)
        y = layer(t)
        gradients = torch.autograd.grad(
            (y * torch.tensor(rounded(dy, dtype))).sum(), [t, *layer.parameters()]
        )
        weights = [getattr(layer, parameter).detach().numpy() for parameter in parameters]
        answers = [g.numpy() for g in gradients]
        if name == "Dense":
            weights[0], answers[1] = weights[0].T, answers[1].T
        yield case(
            "layer",
            name,
            f"{shape} {dtype} {layout}",
            parameters=[w.tolist() for w in weights],
            inputs={"x": array(x, dtype, layout), "dy": array(dy, dtype, layout)},
            outputs={
                "y": y.tolist(),
                "dx": answers[0].tolist(),
                "gradients": [g.tolist() for g in answers[1:]],
            },
        )

    # Optimizers: long runs, saved and loaded in the middle as torch saves its own, arrays of several layouts.
    def walk(make: Any, steps: int) -> list[list[float]]:
        theta = [torch.tensor(s, requires_grad=True) for s in start]
        optimizer, kept = make(theta), []
        for step in range(steps):
            if step == steps // 2:
                state, optimizer = optimizer.state_dict(), make(theta)
                optimizer.load_state_dict(state)
            optimizer.zero_grad()
            factor = float(1 + 0.5 * np.sin(step))
            parts = zip(map(torch.tensor, curvature), theta, map(torch.tensor, target), strict=True)
            sum(factor * (c * (p - t) ** 2).sum() for c, p, t in parts).backward()
            optimizer.step()
            kept = [p.tolist() for p in theta]
        return kept

    start, target = (
        [rng.normal(size=(2, 3)), rng.normal(size=4)],
        [rng.normal(size=(2, 3)), rng.normal(size=4)],
    )
    curvature = [rng.uniform(0.1, 2, (2, 3)), rng.uniform(0.1, 2, 4)]
    # npfl adds epsilon before Adam's correction, so it is as good as 0 here; AdamW alone decays as npfl does.
    table: list[tuple[str, dict[str, Any], Any]] = [
        ("SGD", {"learning_rate": 0.05}, lambda p: torch.optim.SGD(p, lr=0.05)),
        (
            "SGD",
            {"learning_rate": 0.05, "momentum": 0.9},
            lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
        ),
        (
            "SGD",
            {"learning_rate": 0.01, "momentum": 0.5, "nesterov": True},
            lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.5, nesterov=True),
        ),
        (
            "Adam",
            {"learning_rate": 0.02, "epsilon": 1e-30},
            lambda p: torch.optim.Adam(p, lr=0.02, eps=1e-30),
        ),
        (
            "Adam",
            {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-30},
            lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9), eps=1e-30),
        ),
        (
            "AdamW",
            {"learning_rate": 0.02, "weight_decay": 0.1, "epsilon": 1e-30},
            lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1, eps=1e-30),
        ),
        (
            "RMSprop",
            {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-30},
            lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.99, eps=1e-30),
        ),
    ]
    problem = {
        "start": [s.tolist() for s in start],
        "target": [s.tolist() for s in target],
        "curvature": [s.tolist() for s in curvature],
    }
    for (name, options, make), steps in itertools.product(table, (1, 50, 200)):
        end = walk(make, steps)
        for life in ("alone", "copy", "deepcopy", "pickle"):
            label = ",".join(f"{k}={v:g}" for k, v in options.items())
            yield case(
                "optimizer",
                name,
                f"{label} {steps} steps {life}",
                options,
                problem=problem,
                steps=steps,
                life=life,
                outputs={"end": end},
            )
    for limit, label, arrays in [
        (1.0, "plain", [rng.normal(size=(3, 2)), rng.normal(size=5)]),
        (1e-3, "strict", [rng.normal(size=(3, 2))]),
        (50.0, "far", [rng.normal(size=(3, 2)), rng.normal(size=5)]),
        (1.0, "tiny", [1e-200 * rng.normal(size=4)]),
    ]:
        tensors = [torch.nn.Parameter(torch.zeros(a.shape)) for a in arrays]
        for name, f in (
            ("clip_by_value", nn.utils.clip_grad_value_),
            ("clip_by_global_norm", nn.utils.clip_grad_norm_),
        ):
            for t, a in zip(tensors, arrays, strict=True):
                t.grad = torch.tensor(a)
            f(tensors, limit)
            explained = (
                {"bound": 2e-6 * limit, "reason": "torch divides by the norm + 1e-6"}
                if "norm" in name
                else None
            )
            yield case(
                "clip",
                name,
                f"{label} {limit}",
                limit=limit,
                explained=explained,
                gradients=[a.tolist() for a in arrays],
                outputs={"clipped": [t.grad.tolist() for t in tensors]},
            )

    # Whole networks, also one inside another, and trainings of several steps.
    def network(inner: bool) -> Any:
        torch.manual_seed(3)
        body = [nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.GELU()]
        head = [nn.Linear(5, 3)]
        return nn.Sequential(nn.Sequential(*body), *head) if inner else nn.Sequential(*body, *head)

    x, labels = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)
    for inner, (name, options, make), steps in itertools.product((False, True), table[:6], (1, 30)):
        model = network(inner)
        first = [p.detach().numpy().T.tolist() for p in model.parameters()]
        optimizer, losses = make(model.parameters()), []
        for _ in range(steps):
            loss = F.cross_entropy(model(torch.tensor(x)), torch.tensor(labels))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        yield case(
            "training",
            name,
            f"{'nested' if inner else 'flat'} {','.join(options)} {steps}",
            options,
            start=first,
            layers=["Dense", "tanh", "Dense", "gelu", "Dense"],
            steps=steps,
            inputs={"x": array(x, "float64", "F"), "y": array(labels, "int64")},
            outputs={"losses": losses, "end": [p.detach().numpy().T.tolist() for p in model.parameters()]},
        )

    one, two = torch.ones(2, 3), torch.ones(2, 2)
    for name, arguments, f in [
        (
            "losses.SparseCategoricalCrossentropy",
            [[3], [[0.0, 1.0, 2.0]]],
            lambda: F.cross_entropy(one[:1], torch.tensor([3])),
        ),
        (
            "losses.SparseCategoricalCrossentropy",
            [[-1], [[0.0, 1.0, 2.0]]],
            lambda: F.cross_entropy(one[:1], torch.tensor([-1])),
        ),
        (
            "losses.SparseCategoricalCrossentropy",
            [[0, 1, 1], [[0.0, 1.0, 2.0]]],
            lambda: F.cross_entropy(one[:1], torch.tensor([0, 1, 1])),
        ),
        (
            "losses.BinaryCrossentropy",
            [[[1.0]], [[1.5]]],
            lambda: F.binary_cross_entropy(torch.tensor([[1.5]]), torch.tensor([[1.0]])),
        ),
        (
            "losses.BinaryCrossentropy",
            [[[1.0, 0.0]], [[0.5]]],
            lambda: F.binary_cross_entropy(torch.tensor([[0.5]]), torch.tensor([[1.0, 0.0]])),
        ),
        (
            "losses.CategoricalCrossentropy",
            [[[1.0, 0.0]] * 2, [[0.1, 0.2, 0.7]] * 2],
            lambda: F.cross_entropy(one, two),
        ),
    ]:
        yield case("refusal", name, f"called with {arguments}", refused=refusal(f), called=arguments)
    p = [torch.nn.Parameter(torch.ones(1))]
    for name, options, f in [
        ("optimizers.SGD", {"learning_rate": -1.0}, lambda: torch.optim.SGD(p, lr=-1.0)),
        (
            "optimizers.SGD",
            {"learning_rate": 0.1, "momentum": -0.5},
            lambda: torch.optim.SGD(p, lr=0.1, momentum=-0.5),
        ),
        (
            "optimizers.SGD",
            {"learning_rate": 0.1, "nesterov": True},
            lambda: torch.optim.SGD(p, lr=0.1, nesterov=True),
        ),
        (
            "optimizers.SGD",
            {"learning_rate": 0.1, "weight_decay": -1.0},
            lambda: torch.optim.SGD(p, lr=0.1, weight_decay=-1.0),
        ),
        ("optimizers.Adam", {"beta_1": 1.0}, lambda: torch.optim.Adam(p, betas=(1.0, 0.9))),
        ("optimizers.Adam", {"beta_2": -0.1}, lambda: torch.optim.Adam(p, betas=(0.9, -0.1))),
        ("optimizers.Adam", {"epsilon": -1e-8}, lambda: torch.optim.Adam(p, eps=-1e-8)),
        ("optimizers.AdamW", {"weight_decay": -0.1}, lambda: torch.optim.AdamW(p, weight_decay=-0.1)),
        ("optimizers.RMSprop", {"learning_rate": -0.1}, lambda: torch.optim.RMSprop(p, lr=-0.1)),
        ("losses.Huber", {"delta": 0.0}, lambda: F.huber_loss(one, one, delta=0.0)),
        (
            "losses.MeanSquaredError",
            {"reduction": "average"},
            lambda: F.mse_loss(one, one, reduction="average"),
        ),
        ("regularizers.dropout", {"inputs": [1.0], "rate": 1.5}, lambda: nn.Dropout(1.5)),
        ("regularizers.dropout", {"inputs": [1.0], "rate": -0.5}, lambda: nn.Dropout(-0.5)),
        ("activations.softmax", {"logits": [[1.0, 2.0]], "axis": 5}, lambda: F.softmax(one, dim=5)),
        ("activations.softmax", {"logits": [[1.0, 2.0]], "axis": -3}, lambda: F.softmax(one, dim=-3)),
        (
            "optimizers.clip_by_norm",
            {"gradient": [float("nan"), 1.0], "clipnorm": 1.0},
            lambda: nn.utils.clip_grad_norm_(
                _with_gradient(torch, float("nan")), 1.0, error_if_nonfinite=True
            ),
        ),
        (
            "optimizers.clip_by_norm",
            {"gradient": [float("inf"), 1.0], "clipnorm": 1.0},
            lambda: nn.utils.clip_grad_norm_(
                _with_gradient(torch, float("inf")), 1.0, error_if_nonfinite=True
            ),
        ),
    ]:
        yield case("refusal", name, f"{options}", options, refused=refusal(f))


def _with_gradient(torch: Any, value: float) -> list[Any]:
    p = torch.nn.Parameter(torch.ones(1))
    p.grad = torch.tensor([value])
    return [p]


def scipy_cases() -> Iterator[Case]:
    from scipy import special, stats

    rng = Dyadic(21)
    # Examples of the documentation of scipy.special.
    for label, x in {
        "expit": [-np.inf, -1.5, 0.0, 1.5, np.inf],
        "log_expit": [-3.0, -1.0, 0.0, 0.25, 2.5, 5.0, -50.0, -100.0, -1000.0],
        "near 0": [1e-300, -1e-300, 1e-17, -1e-17, 0.0],
        "far": [-745.0, -700.0, 36.0, 37.0, 700.0, 745.0],
    }.items():
        yield case(
            "function",
            "activations.sigmoid",
            label,
            inputs={"x": array(x)},
            outputs={"value": special.expit(x).tolist()},
        )
        if label != "expit":
            yield case(
                "function",
                "activations.softplus",
                label,
                inputs={"x": array(x)},
                outputs={"value": (-special.log_expit(-np.array(x))).tolist()},
            )
            yield case(
                "function",
                "activations.gelu",
                label,
                inputs={"x": array(x)},
                outputs={"value": (np.array(x) * special.ndtr(x)).tolist()},
            )
    table = np.array([[1, 0.5, 0.2, 3], [1, -1, 7, 3], [2, 12, 13, 3]])
    for layout, axis in itertools.product(LAYOUTS, (0, 1, -1)):
        for name in ("softmax", "log_softmax"):
            yield case(
                "function",
                f"activations.{name}",
                f"documented {layout} {axis}",
                {"axis": axis},
                inputs={"logits": array(table, layout=layout)},
                outputs={"value": getattr(special, name)(table, axis=axis).tolist()},
            )
    for x in (
        [1000.0, 1.0],
        [1000.0, 0.0],
        [-1000.0, -1000.0, -1001.0],
        [0.0, -np.inf, 5.0],
        [1e308, -1e308],
    ):
        for name in ("softmax", "log_softmax"):
            with np.errstate(all="ignore"):
                yield case(
                    "function",
                    f"activations.{name}",
                    f"{x}",
                    inputs={"logits": array(x)},
                    outputs={"value": getattr(special, name)(x).tolist()},
                )
    for delta in (0.1, 1.0, 10.0):
        u = np.concatenate([rng.normal(0, delta, 6), [0.0, delta, -delta, 1e6]])
        yield case(
            "function",
            "losses.huber",
            f"delta {delta}",
            {"delta": delta},
            inputs={"y_true": array(np.zeros((10, 1))), "y_pred": array(u[:, None])},
            outputs={"value": special.huber(delta, u).tolist()},
        )
    for k, dtype in itertools.product((2, 5, 40), ("float64", "float32")):
        g, o = (rounded(rng.dirichlet(np.full(k, 2.0), 3), dtype) for _ in range(2))
        yield case(
            "function",
            "losses.kl_divergence",
            f"{k} classes {dtype}",
            inputs={"y_true": array(g, dtype, "F"), "y_pred": array(o, dtype, "F")},
            outputs={"value": special.rel_entr(g, o).sum(-1).tolist()},
        )
        cross = stats.entropy(g, axis=-1) + stats.entropy(g, o, axis=-1)
        if dtype == "float64":
            yield case(
                "function",
                "losses.categorical_crossentropy",
                f"{k} classes {dtype}",
                inputs={"y_true": array(g, dtype), "y_pred": array(o, dtype, "strided")},
                outputs={"value": cross.tolist()},
            )
    for scale in (1e-160, 1.0, 1e150):
        a = scale * rng.normal(size=(3, 4))
        norm = np.linalg.norm(a / scale) * scale
        yield case(
            "clip",
            "clip_by_norm",
            f"scale {scale}",
            limit=scale,
            gradients=[a.tolist()],
            outputs={"clipped": [(a / norm * scale).tolist()]},
        )
        yield case(
            "function",
            "regularizers.L1",
            f"scale {scale}",
            {"strength": 0.5},
            inputs={"weights": array(a)},
            outputs={"value": 0.5 * np.abs(a).sum()},
        )


def sklearn_cases() -> Iterator[Case]:
    from sklearn import metrics

    rng = Dyadic(22)
    documented = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 2, 1, 0, 0, 1])
    sets = {
        "documented": (*documented, None),
        "weighted": (*documented, rng.random(6)),
        "perfect": (documented[0], documented[0], None),
        "never right": (documented[0], (documented[0] + 1) % 3, None),
        "one class only": (np.zeros(4, int), np.array([0, 1, 2, 0]), None),
        "large": (rng.integers(0, 6, 60), rng.integers(0, 6, 60), rng.integers(0, 5, 60).astype(float)),
        "rare": (
            rng.choice(4, 50, p=[0.8, 0.1, 0.07, 0.03]),
            rng.choice(4, 50, p=[0.8, 0.1, 0.07, 0.03]),
            None,
        ),
    }
    for (label, (y, guess, weight)), beta, average in itertools.product(
        sets.items(), (0.5, 1.0, 2.0), (None, "micro", "macro", "weighted")
    ):
        k = max(y.max(), guess.max()) + 1
        expected = metrics.fbeta_score(
            y, guess, beta=beta, average=average, labels=range(k), sample_weight=weight, zero_division=0
        )
        options = {"average": average} if beta == 1 else {"beta": beta, "average": average}
        yield case(
            "metric",
            "F1Score" if beta == 1 else "FBetaScore",
            f"{label} {beta} {average}",
            options,
            inputs={
                "y_true": array(np.eye(k)[y]),
                "y_pred": array(np.eye(k)[guess], "float32", "F"),
                **_weights(weight),
            },
            outputs={"result": np.asarray(expected).tolist()},
        )
    for label, (y, guess, weight) in sets.items():
        accuracy = metrics.accuracy_score(y, guess, sample_weight=weight)
        yield case(
            "metric",
            "Accuracy",
            label,
            inputs={"y_true": array(y, "int64"), "y_pred": array(guess, "int64"), **_weights(weight)},
            outputs={"result": accuracy},
        )
        k = max(y.max(), guess.max()) + 1
        yield case(
            "metric",
            "SparseCategoricalAccuracy",
            label,
            inputs={
                "y_true": array(y, "int64"),
                "y_pred": array(np.eye(k)[guess], "float16", "strided"),
                **_weights(weight),
            },
            outputs={"result": accuracy},
        )
    truth = np.array([[3, -0.5, 2, 7], [0.5, 1, -1, 1]]).T.copy()
    guess = np.array([[2.5, 0.0, 2, 8], [0, 2, -1, 2]]).T.copy()
    for weight in (None, np.array([1.0, 0.0, 2.0, 0.5])):
        for name, f in (
            ("MeanSquaredError", metrics.mean_squared_error),
            ("Mean", metrics.mean_absolute_error),
        ):
            inputs = {"y_true": array(truth, layout="F"), "y_pred": array(guess, layout="reversed")}
            if name == "Mean":
                inputs = {"values": array(np.abs(truth - guess).mean(-1))}
            yield case(
                "metric",
                name,
                f"documented {weight is not None}",
                inputs={**inputs, **_weights(weight)},
                outputs={"result": f(truth, guess, sample_weight=weight)},
            )
    for label, n, k in (("documented", 4, 2), ("many", 60, 7)):
        p = (
            np.array([[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]])
            if label == "documented"
            else rng.dirichlet(np.ones(k), n)
        )
        y = np.array([1, 0, 0, 1]) if label == "documented" else rng.integers(0, k, n)
        for weight in (None, rng.random(n)):
            expected = metrics.log_loss(y, p, labels=range(k), sample_weight=weight)
            for name, gold in (
                ("SparseCategoricalCrossentropy", array(y, "int64")),
                ("CategoricalCrossentropy", array(np.eye(k)[y])),
            ):
                yield case(
                    "metric",
                    name,
                    f"{label} {weight is not None}",
                    inputs={"y_true": gold, "y_pred": array(p, layout="F"), **_weights(weight)},
                    outputs={"result": expected},
                )
    decision = np.array([-2.18, 2.36, 0.09])
    yield case(
        "loss",
        "Hinge",
        "documented",
        inputs={"y_true": array([[-1.0], [1.0], [1.0]]), "y_pred": array(decision[:, None])},
        outputs={"value": metrics.hinge_loss([-1, 1, 1], decision)},
    )
    for name, options, f in [
        ("metrics.FBetaScore", {"beta": -1.0}, lambda: metrics.fbeta_score([0, 1], [0, 1], beta=-1.0)),
        (
            "metrics.FBetaScore",
            {"average": "mean"},
            lambda: metrics.fbeta_score([0, 1], [0, 1], beta=1.0, average="mean"),
        ),
    ]:
        yield case("refusal", name, f"{options}", options, refused=refusal(f))
    for name, arguments, f in [
        ("metrics.Accuracy", [[0, 1], [0, 1, 1]], lambda: metrics.accuracy_score([0, 1], [0, 1, 1])),
        (
            "metrics.MeanSquaredError",
            [[[0.0], [1.0]], [[0.0]]],
            lambda: metrics.mean_squared_error([[0.0], [1.0]], [[0.0]]),
        ),
        (
            "metrics.CategoricalCrossentropy",
            [[[1, 0]], [[1.5, -0.5]]],
            lambda: metrics.log_loss([0], [[1.5, -0.5]], labels=[0, 1]),
        ),
        (
            "metrics.SparseCategoricalCrossentropy",
            [[2], [[0.5, 0.5]]],
            lambda: metrics.log_loss([2], [[0.5, 0.5]], labels=[0, 1]),
        ),
    ]:
        yield case("refusal", name, f"called with {arguments}", refused=refusal(f), called=arguments)


def _weights(weight: Any) -> dict[str, Any]:
    return {} if weight is None else {"sample_weight": array(weight)}


def keras_cases() -> Iterator[Case]:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    keras.config.set_floatx("float64")
    # The examples of keras.io/api/losses, and each with the weights of the documentation.
    documented: list[tuple[str, dict[str, Any], Any, Any]] = [
        ("MeanSquaredError", {}, [[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]),
        ("MeanAbsoluteError", {}, [[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]),
        ("Huber", {}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        ("Huber", {"delta": 0.25}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        ("Hinge", {}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        ("KLDivergence", {}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        ("BinaryCrossentropy", {}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        (
            "BinaryCrossentropy",
            {"from_logits": True},
            [[0.0, 1.0], [0.0, 0.0]],
            [[-18.6, 0.51], [2.94, -12.8]],
        ),
        ("BinaryCrossentropy", {"label_smoothing": 0.2}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        (
            "CategoricalCrossentropy",
            {},
            [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]],
        ),
        (
            "CategoricalCrossentropy",
            {"label_smoothing": 0.5},
            [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]],
        ),
        (
            "CategoricalCrossentropy",
            {"from_logits": True},
            [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]],
        ),
        ("SparseCategoricalCrossentropy", {}, [1, 2], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]]),
        (
            "SparseCategoricalCrossentropy",
            {"from_logits": True},
            [1, 2],
            [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]],
        ),
    ]
    for name, options, y, p in documented:
        for reduction, weight in itertools.product(
            ("sum_over_batch_size", "sum", None), (None, [0.8, 0.2], [0.3, 0.0])
        ):
            f = getattr(keras.losses, name)(**options, reduction=reduction)
            variable = tf.Variable(np.array(p))
            with tf.GradientTape() as tape:
                value = f(np.array(y), variable, sample_weight=None if weight is None else np.array(weight))
                summed = tf.reduce_sum(value)
            gradient = tape.gradient(summed, variable)
            gold = array(y, "int64") if name.startswith("Sparse") else array(y, layout="F")
            outputs = {"value": value.numpy().tolist()}
            if name != "Hinge" and not (name == "CategoricalCrossentropy" and not options):
                outputs["gradient"] = gradient.numpy().tolist()
            label = ",".join(f"{k}={v}" for k, v in options.items())
            yield case(
                "loss",
                name,
                f"documented {label} {reduction} {weight}",
                {**options, "reduction": reduction},
                inputs={"y_true": gold, "y_pred": array(p, layout="reversed"), **_weights(weight)},
                outputs=outputs,
            )

    # Metrics that are fed, read, reset and fed again.
    fed: list[tuple[str, dict[str, Any], Any, Any]] = [
        ("MeanSquaredError", {}, [[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]),
        ("BinaryCrossentropy", {}, [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]),
        (
            "CategoricalCrossentropy",
            {},
            [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]],
        ),
        ("SparseCategoricalCrossentropy", {}, [1, 2], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]]),
        ("Accuracy", {}, [[1.0], [2.0]], [[1.0], [0.0]]),
        ("BinaryAccuracy", {}, [[1.0], [0.0]], [[0.98], [0.6]]),
        ("BinaryAccuracy", {"threshold": 0.25}, [[1.0], [0.0]], [[0.3], [0.2]]),
        ("CategoricalAccuracy", {}, [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]]),
        ("SparseCategoricalAccuracy", {}, [2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]]),
        (
            "F1Score",
            {"threshold": 0.5},
            [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]],
            [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6]],
        ),
        (
            "FBetaScore",
            {"beta": 2.0, "threshold": 0.5},
            [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]],
            [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6]],
        ),
        (
            "FBetaScore",
            {"beta": 0.5, "threshold": 0.5, "average": "macro"},
            [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]],
            [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6]],
        ),
    ]
    for name, options, y, p in fed:
        metric = getattr(keras.metrics, name)(**options)
        results = []
        for rows, weight in (
            ([0, 1], None),
            ([1], None),
            ([0, 1], [2.0, 0.5]),
            ("reset", None),
            ([0], [0.25]),
        ):
            if rows == "reset":
                metric.reset_state()
                continue
            metric.update_state(
                np.array(y)[rows],
                np.array(p)[rows],
                sample_weight=None if weight is None else np.array(weight),
            )
            results.append(np.asarray(metric.result()).tolist())
        gold = array(y, "int64") if name.startswith("Sparse") else array(y)
        for life in ("alone", "copy", "deepcopy", "pickle"):
            explained = (
                {"bound": 1e-6, "reason": "Keras adds 1e-7 to denominators"} if "Score" in name else None
            )
            yield case(
                "fed metric",
                name,
                f"{','.join(options)} {options.get('beta', '')} {life}",
                options,
                life=life,
                explained=explained,
                inputs={"y_true": gold, "y_pred": array(p)},
                outputs={"results": results},
            )

    for name in ("SGD", "RMSprop", "Adam", "AdamW"):
        known = (
            "learning_rate",
            "momentum",
            "nesterov",
            "rho",
            "beta_1",
            "beta_2",
            "epsilon",
            "weight_decay",
            "clipnorm",
            "clipvalue",
            "global_clipnorm",
        )
        config = getattr(keras.optimizers, name)().get_config()
        if name == "RMSprop":
            del config["momentum"]  # which npfl's has not
        if name == "Adam":
            del config["weight_decay"]
        defaults = {
            key: float(np.float32(v)) if isinstance(v, float) else v
            for key, v in config.items()
            if key in known
        }
        yield case("defaults", f"optimizers.{name}", "", outputs=defaults)
    for name in ("BatchNormalization", "LayerNormalization"):
        config = getattr(keras.layers, name)().get_config()
        yield case(
            "defaults",
            f"layers.{name}",
            "",
            {"features": 3},
            outputs={key: config[key] for key in ("momentum", "epsilon") if key in config},
        )
    for name, options, f in [
        (
            "losses.MeanSquaredError",
            {"reduction": "average"},
            lambda: keras.losses.MeanSquaredError(reduction="average"),
        ),
        ("optimizers.SGD", {"momentum": 1.5}, lambda: keras.optimizers.SGD(momentum=1.5)),
        (
            "optimizers.Adam",
            {"clipnorm": 1.0, "clipvalue": 1.0},
            lambda: keras.optimizers.Adam(clipnorm=1.0, clipvalue=1.0),
        ),
        ("metrics.FBetaScore", {"beta": -2.0}, lambda: keras.metrics.FBetaScore(beta=-2.0)),
        ("metrics.FBetaScore", {"average": "mean"}, lambda: keras.metrics.FBetaScore(average="mean")),
        ("metrics.FBetaScore", {"threshold": -1.0}, lambda: keras.metrics.FBetaScore(threshold=-1.0)),
        ("layers.Activation", {"name": "reluu"}, lambda: keras.layers.Activation("reluu")),
        ("regularizers.L2", {"strength": float("nan")}, lambda: keras.regularizers.L2(float("nan"))),
        ("models.EarlyStopping", {"monitor": "x"}, lambda: _monitored(keras)),
    ]:
        yield case("refusal", name, f"{options}", options, refused=refusal(f))


def _monitored(keras: Any) -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    stopping = keras.callbacks.EarlyStopping(monitor="x")
    stopping.set_model(model)
    stopping._set_monitor_op()


LIBRARIES = {"torch": torch_cases, "scipy": scipy_cases, "scikit-learn": sklearn_cases, "keras": keras_cases}


def main() -> int:
    from importlib.metadata import version

    name = sys.argv[1]
    found = version(name).split("+")[0]
    if found != PINNED[name]:
        print(f"{name} must be {PINNED[name]}, got {found}", file=sys.stderr)
        return 1
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in LIBRARIES[name]())
    FOLDER.mkdir(exist_ok=True)
    versions = {name: found, "numpy": np.__version__, "python": platform.python_version()}
    (FOLDER / f"{name}.json").write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    print(f"{name} {found}: {lines.count(chr(10)) + 1} cases")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
