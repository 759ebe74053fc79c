"""Let the real libraries answer the parity cases, and store what they say: ``torch.json`` and its like.

This script never imports npfl. Each library needs an environment of its own, with the pinned versions:

- ``torch==2.13.0 keras==3.15.1 scipy`` for ``make_golden.py torch`` and ``make_golden.py keras``;
- ``tensorflow-cpu==2.21.0`` for ``make_golden.py tensorflow``;
- ``sacrebleu==2.6.0`` for ``make_golden.py sacrebleu``.

With ``--check`` nothing is written: the stored answers are compared with what the library says now.
An oracle has no method, or returns None, where its library has no such function. Where a library has other
conventions than npfl, the call is written in its own terms if it can be (comments say where). Elsewhere the
plain answer is stored, and `test_parity.py` lists the case with the reason.
"""

import argparse
import contextlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from cases import Case, all_cases

PINNED = {"torch": "2.13.0", "keras": "3.15.1", "tensorflow": "2.21.0", "sacrebleu": "2.6.0"}
TOLERANCE = 1e-12
CALLS = {1, 2, 5, 10, 20}  # the steps of an optimizer that are stored
CLIPPING = {
    "clip_by_value": "clipvalue",
    "clip_by_norm": "clipnorm",
    "clip_by_global_norm": "global_clipnorm",
}

Answers = dict[str, Any]


class Torch:
    """PyTorch's functions; its autograd also serves Keras with the torch backend."""

    def __init__(self) -> None:
        import torch

        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)
        self.torch, self.F = torch, torch.nn.functional
        self.versions = {"torch": torch.__version__.split("+")[0]}

    def tensor(self, array: Any) -> Any:
        return self.torch.tensor(np.asarray(array))

    def vjp(self, f: Callable[..., Any], *arrays: Any, dy: Any = None) -> tuple[Any, list[Any]]:
        """Return f(arrays) and the gradients of the sum of f(arrays) * dy by each array."""
        tensors = [self.tensor(array).requires_grad_() for array in arrays]
        y = f(*tensors)
        total = (y if dy is None else y * self.tensor(dy)).sum()
        gradients = self.torch.autograd.grad(total, tensors, allow_unused=True)
        return number(y), [
            np.zeros(t.shape) if g is None else number(g) for g, t in zip(gradients, tensors, strict=True)
        ]

    def jacobian(self, f: Callable[..., Any], x: Any) -> Any:
        return number(self.torch.autograd.functional.jacobian(f, self.tensor(x)))

    def function(self, name: str, options: dict[str, Any]) -> Callable[..., Any] | None:
        F = self.F
        if name == "leaky_relu":
            slope = options["slope"]
            if np.ndim(slope):
                return lambda x: F.prelu(x, self.tensor(slope))
            return lambda x: F.leaky_relu(x, slope)
        if name == "gelu":
            return lambda x: F.gelu(x, approximate="tanh" if options["approximate"] else "none")
        if name in ("softmax", "log_softmax"):
            return lambda x: getattr(F, name)(x, dim=-1)
        return lambda x: getattr(F, name)(x, **options)

    def activation(self, case: Case) -> Answers | None:
        return activation_answers(self, self.function(case["name"], case["options"]), case)

    def vector_activation(self, case: Case) -> Answers | None:
        return vector_answers(self, self.function(case["name"], {}), case)

    def loss(self, case: Case) -> Answers | None:
        each = self.losses_of_examples(case)
        if each is None:
            return None
        weights = self.tensor(case["inputs"].get("sample_weight", 1.0))
        reduction = {
            "none": lambda losses: losses,
            "sum": self.torch.sum,
            "sum_over_batch_size": self.torch.mean,
        }
        reduce = reduction[case["options"]["reduction"]]
        value, (gradient,) = self.vjp(lambda p: reduce(each(p) * weights), case["inputs"]["y_pred"])
        return {"value": value, "gradient": gradient}

    def losses_of_examples(self, case: Case) -> Callable[..., Any] | None:
        F, name, options, labels = self.F, case["name"], case["options"], case["inputs"]["y_true"]
        y, smoothing = self.tensor(labels), options.get("label_smoothing", 0.0)
        if name == "MeanSquaredError":
            return lambda p: F.mse_loss(p, y, reduction="none").mean(-1)
        if name == "MeanAbsoluteError":
            return lambda p: F.l1_loss(p, y, reduction="none").mean(-1)
        if name == "Huber":
            return lambda p: F.huber_loss(p, y, reduction="none", delta=options["delta"]).mean(-1)
        if name == "KLDivergence":
            return lambda p: F.kl_div(p.log(), y, reduction="none").sum(-1)
        if name == "Hinge":
            # The embedding loss of label -1 and distance y p is the hinge loss of y and p.
            signs, minus = y if (labels < 0).any() else 2 * y - 1, -self.torch.ones_like(y)
            return lambda p: F.hinge_embedding_loss(signs * p, minus, reduction="none").mean(-1)
        if name == "BinaryCrossentropy":
            smoothed = y * (1 - smoothing) + smoothing / 2  # torch leaves that to the caller
            with_logits = options.get("from_logits", False)
            f = F.binary_cross_entropy_with_logits if with_logits else F.binary_cross_entropy
            return lambda p: f(p, smoothed, reduction="none").mean(-1)

        # torch wants the classes on axis 1: [B, T, K] becomes [B, K, T].
        sparse = name == "SparseCategoricalCrossentropy"
        target = y if sparse else y.movedim(-1, 1)
        if options.get("from_logits", False):
            return lambda p: F.cross_entropy(
                p.movedim(-1, 1), target, reduction="none", label_smoothing=smoothing
            )
        if not sparse:
            if smoothing or not np.isin(labels, (0, 1)).all():
                return None  # of probabilities torch has only the loss of a gold class
            target = target.argmax(1)
        # torch takes logarithms, and does not normalize.
        return lambda p: F.nll_loss(
            F.normalize(p, p=1, dim=-1).log().movedim(-1, 1), target, reduction="none"
        )

    def layer(self, case: Case) -> Answers | None:
        F, inputs, options = self.F, case["inputs"], case["options"]
        if case["name"] == "Dense":
            y, (dx, dkernel, dbias) = self.vjp(
                lambda x, w, b: F.linear(x, w.T, b),
                inputs["x"],
                inputs["kernel"],
                inputs["bias"],
                dy=inputs["dy"],
            )
            return {"y": y, "dx": dx, "dkernel": dkernel, "dbias": dbias}
        if case["name"] == "PReLU":
            y, (dx, dalpha) = self.vjp(F.prelu, inputs["x"], inputs["alpha"], dy=inputs["dy"])
            return {"y": y, "dx": dx, "dalpha": dalpha}
        if case["name"] == "standardize_weights":
            # Layer normalization of the transposed weights: biased variance over the inputs of each unit.
            y, (dweights,) = self.vjp(
                lambda w: F.layer_norm(w.T, (w.shape[0],), eps=options["epsilon"]).T,
                inputs["weights"],
                dy=inputs["dy"],
            )
            return {"y": y, "dweights": dweights}
        affine = inputs["gamma"], inputs["beta"]
        if case["name"] == "LayerNormalization":
            y, (dx, dgamma, dbeta) = self.vjp(
                lambda x, g, b: F.layer_norm(x, (4,), g, b, eps=options["epsilon"]),
                inputs["x"],
                *affine,
                dy=inputs["dy"],
            )
            return {"y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta}
        mean, variance = self.torch.zeros(4), self.torch.ones(4)
        new, eps = 1 - options["momentum"], options["epsilon"]
        y, (dx, dgamma, dbeta) = self.vjp(
            lambda x, g, b: F.batch_norm(x, mean, variance, g, b, True, new, eps),
            inputs["x"],
            *affine,
            dy=inputs["dy"],
        )
        F.batch_norm(self.tensor(inputs["more"]), mean, variance, None, None, True, new, eps)
        inference, (inference_dx, *_) = self.vjp(
            lambda x, g, b: F.batch_norm(x, mean, variance, g, b, False, new, eps),
            inputs["x"],
            *affine,
            dy=inputs["dy"],
        )
        return {
            "y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta, "moving_mean": number(mean),
            "moving_variance": number(variance), "inference": inference, "inference_dx": inference_dx,
        }  # fmt: skip

    def optimizer(self, case: Case) -> Answers | None:
        optim, options = self.torch.optim, dict(case["options"])
        clip = {key: options.pop(key) for key in list(options) if "clip" in key}
        rate = {"lr": options.pop("learning_rate")}
        if case["name"] != "AdamW" and "weight_decay" in options:
            return None  # torch's weight_decay is an L2 penalty, decoupled only in AdamW
        if "beta_1" in options:
            rate["betas"] = (options.pop("beta_1"), options.pop("beta_2"))
            rate["eps"] = options.pop("epsilon")
        if "rho" in options:
            rate["alpha"], rate["eps"] = options.pop("rho"), options.pop("epsilon")
        parameters = [self.torch.nn.Parameter(self.tensor(start)) for start in case["inputs"]["start"]]
        kind = {"SGD": optim.SGD, "RMSProp": optim.RMSprop, "Adam": optim.Adam, "AdamW": optim.AdamW}[
            case["name"]
        ]
        optimizer = kind(parameters, **rate, **options)
        steps: list[int] = []

        def step(gradients: list[Any]) -> list[Any]:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = self.tensor(gradient)
            self.clip_in_place(parameters, **clip)
            if "betas" in rate:
                # torch adds its epsilon to sqrt(r / (1 - beta_2^t)), Keras adds it to sqrt(r).
                steps.append(1)
                optimizer.param_groups[0]["eps"] = rate["eps"] / (1 - rate["betas"][1] ** len(steps)) ** 0.5
            optimizer.step()
            return [number(parameter) for parameter in parameters]

        return trajectory(case, step)

    def clip_in_place(self, parameters: list[Any], **clip: float) -> None:
        utils = self.torch.nn.utils
        for name, limit in clip.items():
            if name == "clipvalue":
                utils.clip_grad_value_(parameters, limit)
            elif name == "global_clipnorm":
                utils.clip_grad_norm_(parameters, limit)
            else:
                for parameter in parameters:
                    utils.clip_grad_norm_([parameter], limit)

    def clip(self, case: Case) -> Answers | None:
        parameters = []
        for gradient in case["inputs"]["gradients"]:
            parameter = self.torch.nn.Parameter(self.tensor(np.zeros_like(gradient)))
            parameter.grad = self.tensor(gradient)
            parameters.append(parameter)
        self.clip_in_place(parameters, **{CLIPPING[case["name"]]: case["options"]["limit"]})
        return {"clipped": [number(parameter.grad) for parameter in parameters]}

    def initializer(self, case: Case) -> Answers | None:
        init, torch = self.torch.nn.init, self.torch
        fan_in, fan_out = case["options"]["fan_in"], case["options"]["fan_out"]
        weights = torch.empty(fan_out, fan_in)
        asked: list[tuple[float, float]] = []
        capture = lambda tensor, a, b, *_, **__: asked.append((a, b))  # noqa: E731
        # What the initializer asks the random generator for is exact, what it draws is not.
        with (
            mock.patch.object(torch.Tensor, "uniform_", capture),
            mock.patch.object(torch.Tensor, "normal_", capture),
        ):
            if case["name"] == "fan_in_uniform":
                torch.nn.Linear(fan_in, fan_out, bias=False)
            elif case["name"].startswith("glorot"):
                getattr(init, case["name"].replace("glorot", "xavier") + "_")(weights)
            else:
                getattr(init, case["name"].replace("he", "kaiming") + "_")(weights, nonlinearity="relu")
        ((_, high),) = asked
        return {"standard_deviation" if "normal" in case["name"] else "limit": high}

    def regularizer(self, case: Case) -> Answers | None:
        if case["name"] == "L1":
            penalty = lambda w: self.F.l1_loss(w, self.torch.zeros_like(w), reduction="sum")  # noqa: E731
        else:
            penalty = lambda w: self.F.mse_loss(w, self.torch.zeros_like(w), reduction="sum")  # noqa: E731
        return penalty_answers(self, lambda w: case["options"]["strength"] * penalty(w), case)

    def network(self, case: Case) -> Answers | None:
        F, y = self.F, self.tensor(case["inputs"]["y"])
        hidden = self.function(case["name"], {"approximate": False} if case["name"] == "gelu" else {})
        assert hidden
        loss = F.cross_entropy if case["id"].endswith("softmax") else F.binary_cross_entropy_with_logits
        return network_answers(
            self, lambda x, w1, b1, w2, b2: loss(F.linear(hidden(F.linear(x, w1.T, b1)), w2.T, b2), y), case
        )


class Keras:
    """Keras 3 with the torch backend; `TensorFlow` below uses the same code with TensorFlow's."""

    def __init__(self) -> None:
        os.environ["KERAS_BACKEND"] = "torch"
        self.autograd: Any = Torch()
        import keras
        from keras.src.backend.common import dtypes

        # Keras computes in float32 on all backends but TensorFlow's, whatever floatx is (its issue 23223):
        # this private table says so. Only for pinned versions, and never in a test.
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        for value in vars(dtypes).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
        self.versions = {"keras": keras.__version__, "backend": f"torch {self.autograd.versions['torch']}"}
        self.start(keras)

    def start(self, keras: Any) -> None:
        keras.config.set_floatx("float64")
        self.keras = keras
        self.vjp, self.tensor, self.jacobian = self.autograd.vjp, self.autograd.tensor, self.autograd.jacobian

    def function(self, name: str, options: dict[str, Any]) -> Callable[..., Any] | None:
        activations = self.keras.activations
        if name == "leaky_relu":
            slope = options["slope"]
            return None if np.ndim(slope) else lambda x: activations.leaky_relu(x, negative_slope=slope)
        return lambda x: getattr(activations, name)(x, **options)

    def activation(self, case: Case) -> Answers | None:
        return activation_answers(self, self.function(case["name"], case["options"]), case)

    def vector_activation(self, case: Case) -> Answers | None:
        return vector_answers(self, self.function(case["name"], {}), case)

    def loss(self, case: Case) -> Answers | None:
        inputs = case["inputs"]
        loss = getattr(self.keras.losses, case["name"])(**case["options"])
        weights = inputs.get("sample_weight")
        value, (gradient,) = self.vjp(
            lambda p: loss(inputs["y_true"], p, sample_weight=weights), inputs["y_pred"]
        )
        return {"value": value, "gradient": gradient}

    def metric(self, case: Case) -> Answers | None:
        metric = getattr(self.keras.metrics, case["name"])(**case["options"])
        arguments = 1 if case["name"] == "Mean" else 2

        def update(batch: list[Any]) -> Any:
            weights = batch[arguments] if len(batch) > arguments else None
            metric.update_state(*batch[:arguments], sample_weight=weights)
            # The F-score adds 1e-7 to each denominator; the clipping of probabilities must keep it.
            with self.epsilon(2.0**-100) if case["name"] == "FBetaScore" else contextlib.nullcontext():
                return number(metric.result())

        results = [update(batch) for batch in case["inputs"]["batches"]]
        metric.reset_state()
        return {"results": results, "after reset": update(case["inputs"]["batches"][-1])}

    @contextlib.contextmanager
    def epsilon(self, value: float) -> Iterator[None]:
        before = self.keras.config.epsilon()
        self.keras.config.set_epsilon(value)
        yield
        self.keras.config.set_epsilon(before)

    def layer(self, case: Case) -> Answers | None:
        layers, inputs, options = self.keras.layers, case["inputs"], case["options"]
        if case["name"] == "standardize_weights":
            layer = layers.LayerNormalization(center=False, scale=False, **options)
            layer.build(inputs["weights"].T.shape)
            transpose = self.keras.ops.transpose
            y, (dweights,) = self.vjp(
                lambda w: transpose(layer(transpose(w))), inputs["weights"], dy=inputs["dy"]
            )
            return {"y": y, "dweights": dweights}
        names = {"Dense": ("kernel", "bias"), "PReLU": ("alpha",)}.get(case["name"], ("gamma", "beta"))
        size = {"units": inputs["dy"].shape[-1]} if case["name"] == "Dense" else {}
        layer = getattr(layers, case["name"])(**size, **options)
        layer.build(inputs["x"].shape)
        assert [variable.name for variable in layer.trainable_variables] == list(names)
        state = [variable.value for variable in layer.non_trainable_variables]

        def call(training: bool, x: Any, *variables: Any) -> Any:
            mode = {"training": training} if case["name"] == "BatchNormalization" else {}
            y, state[:] = layer.stateless_call(variables, state, x, **mode)
            return y

        values = [inputs[name] for name in names]
        y, (dx, *gradients) = self.vjp(lambda *a: call(True, *a), inputs["x"], *values, dy=inputs["dy"])
        answers = {"y": y, "dx": dx, **{f"d{name}": g for name, g in zip(names, gradients, strict=True)}}
        if case["name"] == "BatchNormalization":
            call(True, self.tensor(inputs["more"]), *map(self.tensor, values))
            answers["moving_mean"], answers["moving_variance"] = map(number, state)
            answers["inference"], (answers["inference_dx"], *_) = self.vjp(
                lambda *a: call(False, *a), inputs["x"], *values, dy=inputs["dy"]
            )
        return answers

    def optimizer(self, case: Case) -> Answers | None:
        name = {"RMSProp": "RMSprop"}.get(case["name"], case["name"])
        optimizer = getattr(self.keras.optimizers, name)(**case["options"])
        variables = [self.keras.Variable(start) for start in case["inputs"]["start"]]

        def step(gradients: list[Any]) -> list[Any]:
            optimizer.apply([self.tensor(gradient) for gradient in gradients], variables)
            return [number(variable.value) for variable in variables]

        return trajectory(case, step)

    def clip(self, case: Case) -> Answers | None:
        # Keras clips only inside its optimizers: one step of length 1 from 0 ends at minus the gradient.
        limit = {CLIPPING[case["name"]]: case["options"]["limit"]}
        optimizer = self.keras.optimizers.SGD(learning_rate=1.0, **limit)
        variables = [self.keras.Variable(np.zeros_like(gradient)) for gradient in case["inputs"]["gradients"]]
        optimizer.apply([self.tensor(gradient) for gradient in case["inputs"]["gradients"]], variables)
        return {"clipped": [-number(variable.value) for variable in variables]}

    def initializer(self, case: Case) -> Answers | None:
        from keras.src.initializers import random_initializers

        asked: list[float] = []

        def uniform(shape: Any, minval: float, maxval: float, **_: Any) -> None:
            asked.append(maxval)

        def normal(shape: Any, mean: float, stddev: float, **_: Any) -> None:
            asked.append(stddev)

        options = {
            "fan_in_uniform": {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"},
            "glorot_uniform": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
            "glorot_normal": {"scale": 1.0, "mode": "fan_avg", "distribution": "untruncated_normal"},
            "he_uniform": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"},
            "he_normal": {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"},
        }[case["name"]]
        named = {"glorot_uniform": "GlorotUniform", "he_uniform": "HeUniform"}.get(case["name"])
        initializer = (
            getattr(self.keras.initializers, named)()
            if named
            else self.keras.initializers.VarianceScaling(**options)
        )
        random = random_initializers.random
        # What the initializer asks the random generator for is exact, what it draws is not.
        with mock.patch.object(random, "uniform", uniform), mock.patch.object(random, "normal", normal):
            initializer((case["options"]["fan_in"], case["options"]["fan_out"]))
        (asked_for,) = asked
        return {"standard_deviation" if "normal" in case["name"] else "limit": asked_for}

    def regularizer(self, case: Case) -> Answers | None:
        return penalty_answers(
            self, getattr(self.keras.regularizers, case["name"])(case["options"]["strength"]), case
        )

    def network(self, case: Case) -> Answers | None:
        ops, losses = self.keras.ops, self.keras.losses
        hidden = self.function(case["name"], {})
        assert hidden
        name = "CategoricalCrossentropy" if case["id"].endswith("softmax") else "BinaryCrossentropy"
        loss = getattr(losses, name)(from_logits=True)
        return network_answers(
            self,
            lambda x, w1, b1, w2, b2: loss(
                case["inputs"]["y"], ops.matmul(hidden(ops.matmul(x, w1) + b1), w2) + b2
            ),
            case,
        )  # fmt: skip


class TensorFlow(Keras):
    """``tf.nn`` where it has the function, ``tf.keras`` elsewhere; float64 needs no patch here."""

    def __init__(self) -> None:
        os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="")
        import tensorflow

        self.tf, self.autograd = tensorflow, self
        self.versions = {"tensorflow": tensorflow.__version__, "keras": tensorflow.keras.__version__}
        self.start(tensorflow.keras)

    def tensor(self, array: Any) -> Any:
        return self.tf.constant(np.asarray(array))

    def vjp(self, f: Callable[..., Any], *arrays: Any, dy: Any = None) -> tuple[Any, list[Any]]:
        tensors = [self.tensor(array) for array in arrays]
        with self.tf.GradientTape(persistent=True) as tape:
            tape.watch(tensors)
            y = f(*tensors)
            total = self.tf.reduce_sum(y if dy is None else y * self.tensor(dy))
        return number(y), [number(g) for g in tape.gradient(total, tensors, unconnected_gradients="zero")]

    def jacobian(self, f: Callable[..., Any], x: Any) -> Any:
        point = self.tensor(x)
        with self.tf.GradientTape(persistent=True) as tape:
            tape.watch(point)
            y = f(point)
        return number(tape.jacobian(y, point, experimental_use_pfor=False))

    def function(self, name: str, options: dict[str, Any]) -> Callable[..., Any] | None:
        if name == "leaky_relu" and not np.ndim(options["slope"]):
            return lambda x: self.tf.nn.leaky_relu(x, alpha=options["slope"])
        if hasattr(self.tf.nn, name) and options.keys() <= {"approximate"}:
            return lambda x: getattr(self.tf.nn, name)(x, **options)
        return super().function(name, options)

    def clip(self, case: Case) -> Answers | None:
        gradients, limit = [self.tensor(g) for g in case["inputs"]["gradients"]], case["options"]["limit"]
        if case["name"] == "clip_by_value":
            clipped = [self.tf.clip_by_value(g, -limit, limit) for g in gradients]
        elif case["name"] == "clip_by_norm":
            clipped = [self.tf.clip_by_norm(g, limit) for g in gradients]
        else:
            clipped, _ = self.tf.clip_by_global_norm(gradients, limit)
        return {"clipped": [number(g) for g in clipped]}


class SacreBLEU:
    """The BLEU score of whole corpora, without its own tokenization and smoothing."""

    def __init__(self) -> None:
        import sacrebleu

        self.sacrebleu = sacrebleu
        self.versions = {"sacrebleu": sacrebleu.__version__}

    def bleu(self, case: Case) -> Answers:
        score = self.sacrebleu.metrics.BLEU(
            tokenize="none", smooth_method="none", force=True, max_ngram_order=case["options"]["max_order"]
        )

        def text(tokens: list[int]) -> str:
            return " ".join(f"w{token}" for token in tokens)

        hypotheses: list[str] = []
        references: list[list[str]] = []
        results = []
        for batch in case["inputs"]["batches"]:
            hypotheses += map(text, batch["hypotheses"])
            references += [list(map(text, several)) for several in batch["references"]]
            # It takes the first references of all hypotheses, then the second ones, and returns a percentage.
            streams = [list(stream) for stream in zip(*references, strict=True)]
            results.append(score.corpus_score(hypotheses, streams).score / 100)
        return {"results": results}


def number(tensor: Any) -> Any:
    """Return a tensor of either library as an array."""
    return tensor.detach().numpy().copy() if hasattr(tensor, "detach") else np.asarray(tensor)


def activation_answers(oracle: Any, f: Callable[..., Any] | None, case: Case) -> Answers | None:
    if f is None:
        return None
    value, (gradient,) = oracle.vjp(f, case["inputs"]["x"])
    # At infinity the libraries' derivatives are 0 · inf, by accident of how each computes them.
    return {"value": value} if case["id"].endswith("infinite") else {"value": value, "gradient": gradient}


def vector_answers(oracle: Any, f: Callable[..., Any] | None, case: Case) -> Answers | None:
    assert f
    x = case["inputs"]["x"]
    value, _ = oracle.vjp(f, x)
    if case["name"] != "softmax":
        return {"value": value}
    vectors = x.reshape(-1, x.shape[-1])
    jacobians = np.stack([oracle.jacobian(f, vector) for vector in vectors])
    return {"value": value, "jacobian": jacobians.reshape(*x.shape, x.shape[-1])}


def penalty_answers(oracle: Any, f: Callable[..., Any], case: Case) -> Answers:
    value, (gradient,) = oracle.vjp(f, case["inputs"]["weights"])
    return {"value": value, "gradient": gradient}


def network_answers(oracle: Any, f: Callable[..., Any], case: Case) -> Answers:
    names = ("x", "W1", "b1", "W2", "b2")
    loss, gradients = oracle.vjp(f, *[case["inputs"][name] for name in names])
    return {"loss": loss, **{f"d{name}": gradient for name, gradient in zip(names, gradients, strict=True)}}


def trajectory(case: Case, step: Callable[[list[Any]], list[Any]]) -> Answers:
    """Run an optimizer on the problem of the case; `step` takes gradients and returns the new parameters."""
    inputs = case["inputs"]
    theta, answers = inputs["start"], {}
    for t, factor in enumerate(inputs["factors"], start=1):
        pairs = zip(inputs["curvature"], theta, inputs["target"], strict=True)
        theta = step([factor * curvature * (p - target) for curvature, p, target in pairs])
        if t in CALLS:
            answers[f"after step {t}"] = theta
    return answers


def plain(value: Any) -> Any:
    """Turn arrays into nested lists, which JSON stores exactly."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return np.asarray(value).tolist() if isinstance(value, np.ndarray | np.generic) else value


def answered(oracle: Any) -> Iterator[Case]:
    for case in all_cases():
        with np.errstate(all="ignore"):
            method = getattr(oracle, case["kind"].replace(" ", "_"), None)
            answers = method(case) if method else None
        if answers is not None:
            yield plain({**case, "outputs": answers})


def worst(a: Any, b: Any) -> float:
    """Return the largest difference of two answers, relative to the larger of 1 and the stored one."""
    if isinstance(a, dict):
        return max((worst(a[key], b[key]) for key in a.keys() | b.keys()), default=0.0)
    if isinstance(a, list) and len(a) == len(b):
        return max((worst(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    return float(0 if a == b or (a != a and b != b) else abs(a - b) / max(1, abs(a)))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", choices=PINNED)
    parser.add_argument("--check", action="store_true", help="compare with the stored answers, write nothing")
    arguments = parser.parse_args()
    oracle = {"torch": Torch, "keras": Keras, "tensorflow": TensorFlow, "sacrebleu": SacreBLEU}[
        arguments.library
    ]()
    found = oracle.versions[arguments.library]
    if found != PINNED[arguments.library]:
        print(f"{arguments.library} must be {PINNED[arguments.library]}, got {found}", file=sys.stderr)
        return 2
    cases = list(answered(oracle))
    path = Path(__file__).with_name(f"{arguments.library}.json")
    if arguments.check:
        stored = {case["id"]: case for case in json.loads(path.read_text())["cases"]}
        wrong = sorted(stored.keys() ^ {case["id"] for case in cases})
        with contextlib.suppress(KeyError):
            wrong += [
                case["id"] for case in cases
                if worst(stored[case["id"]]["inputs"], case["inputs"]) > 0
                or not worst(stored[case["id"]]["outputs"], case["outputs"]) <= TOLERANCE
            ]  # fmt: skip
        print(
            f"{arguments.library} {found}: {len(cases)} cases, {len(wrong)} differ from {path.name}",
            *wrong,
            sep="\n",
        )
        return 1 if wrong else 0
    versions = {**oracle.versions, "numpy": np.__version__, "python": platform.python_version()}
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    print(f"{arguments.library} {found}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
