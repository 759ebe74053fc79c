"""Answer the cases of `cases.py` with other libraries, and store the answers in `answers.json`.

Needs mpmath, nltk, torch, scikit-learn, SciPy and Keras 3 on torch; npfl takes no part. Everything is
computed in float64, from inputs that have been rounded to the dtype of the case:

    KERAS_BACKEND=torch python make_outside.py
"""

import json
import math
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LIBRARIES = "keras", "mpmath", "nltk", "numpy", "scikit-learn", "scipy", "torch"
DIGITS = 14


def tensor(array, grad=False):
    import torch

    return torch.tensor(np.array(array, np.float64), requires_grad=grad)


def activation_of_torch(name, x, options):
    import torch
    from torch.nn import functional

    if name == "leaky_relu":
        return functional.leaky_relu(x, options.get("slope", 0.01))
    if name == "elu":
        return functional.elu(x, options.get("alpha", 1.0))
    if name == "gelu":
        return functional.gelu(x, approximate="tanh" if options.get("approximate") else "none")
    if name == "softplus":
        return functional.softplus(x, threshold=1000)
    return getattr(torch if name in ("sigmoid", "tanh") else functional, name)(x)


def with_gradient(function, *inputs):
    """Return a value and the derivatives of its sum."""
    import torch

    y = function(*inputs)
    return [y.detach(), *torch.autograd.grad(y.sum(), inputs)]


def activation(case):
    x = tensor(cases.activation_input(case), grad=True)
    return with_gradient(lambda x: activation_of_torch(case["name"], x, case["options"]), x)


def far(case):
    """Use 700 digits where the formulas of torch round to 0."""
    import mpmath
    from mpmath import mp

    def exactly(x):
        name, options = case["name"], case["options"]
        sigma = 1 / (1 + mp.exp(-x))
        if name == "sigmoid":
            return sigma
        if name == "tanh":
            return mp.tanh(x)
        if name == "relu":
            return max(x, mp.zero)
        if name == "leaky_relu":
            return x if x > 0 else x * mp.mpf(options.get("slope", 0.01))
        if name == "elu":
            return x if x > 0 else mp.mpf(options.get("alpha", 1.0)) * mp.expm1(x)
        if name == "gelu" and options.get("approximate"):
            return x * 1 / (1 + mp.exp(-2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3)))
        if name == "gelu":
            return x * mp.erfc(-x / mp.sqrt(2)) / 2
        if name == "silu":
            return x * sigma
        if name == "softplus":
            return mp.log1p(mp.exp(x))
        return x * mp.tanh(mp.log1p(mp.exp(x)))

    with mpmath.workdps(700):
        values, slopes = [], []
        for number in case["values"]:
            x = mp.mpf(number)
            step = min(mp.mpf(10) ** -25, abs(x) / 10**25)  # stay on this side of a kink
            values.append(float(exactly(x)))
            slopes.append(float((exactly(x + step) - exactly(x - step)) / (2 * step)))
    return [values, slopes]


def softmax(case):
    import torch

    x = tensor(cases.softmax_input(case))
    result = [torch.softmax(x, case["axis"]), torch.log_softmax(x, case["axis"])]
    if x.ndim == 1:
        result.append(torch.autograd.functional.jacobian(lambda x: torch.softmax(x, 0), x))
    return result


def softmax_masked(case):
    import torch

    x = tensor(cases.softmax_input(case))
    return [torch.softmax(x, -1), torch.log_softmax(x, -1)]


def loss(case):
    import keras
    import torch

    gold, predicted, weights = cases.loss_inputs(case)
    criterion = getattr(keras.losses, case["name"])(**case["options"], reduction=None, dtype="float64")
    x = tensor(predicted, grad=True)
    truth = torch.tensor(gold.astype("int64" if case["name"].startswith("Sparse") else "float64"))
    value = criterion(truth, x)
    count = value.numel()
    if weights is not None:  # written out, so that no rule of broadcasting is relied on
        missing = (1,) * (value.ndim - weights.ndim)
        value = value * tensor(np.broadcast_to(weights.reshape(weights.shape + missing), value.shape))
    if case["reduction"] != "none":  # Keras would reduce in float32
        value = value.sum() / (1 if case["reduction"] == "sum" else count)
    return [value.detach(), torch.autograd.grad(value.sum(), x)[0]]


def masked_loss(case):
    """Leave the masked classes out, then give them the gradient 0."""
    import torch
    from torch.nn import functional

    gold, logits = cases.masked_inputs(case)
    kept = [column for column in range(5) if column not in case["masked"]]
    x = tensor(logits[:, kept], grad=True)
    value = functional.cross_entropy(x, tensor(gold[:, kept]))
    gradient = np.zeros(logits.shape)
    gradient[:, kept] = torch.autograd.grad(value, x)[0]
    return [value.detach(), gradient]


def far_loss(case):
    import torch
    from torch.nn import functional

    gold, logits = cases.far_inputs(case)
    x = tensor(logits, grad=True)
    if case["name"] == "BinaryCrossentropy":
        value = functional.binary_cross_entropy_with_logits(x, tensor(gold))
    else:
        value = functional.cross_entropy(
            x, torch.tensor(gold) if case["name"].startswith("Sparse") else tensor(gold)
        )
    return [value.detach(), torch.autograd.grad(value, x)[0]]


def metric(case):
    import keras
    import torch

    object_ = getattr(keras.metrics, case["name"])(**case["options"], dtype="float64")
    results = []
    for gold, predicted, weights in cases.metric_batches(case):
        predicted = torch.tensor(predicted.copy())
        if weights is not None:
            weights = np.broadcast_to(
                weights.reshape(weights.shape + (1,) * (gold.ndim - weights.ndim)), gold.shape
            )
            if case["name"] not in ("Mean", "Accuracy") and not case["name"].startswith("Sparse"):
                weights = weights[..., 0]
            weights = tensor(weights)
        if case["name"] == "Mean":
            object_.update_state(predicted, sample_weight=weights)
        else:
            whole = case["name"].startswith("Sparse") or case["name"] == "Accuracy"
            gold = torch.tensor(gold.astype("int64" if whole else "float64"))
            object_.update_state(gold, predicted, sample_weight=weights)
        # the result itself would be divided in float32
        results.append(float(object_.total) / (float(object_.count) or 1.0))
    return [results]


def f_score(case):
    from sklearn.metrics import fbeta_score

    options, results, seen = case["options"], [], []
    for gold, predicted, weights in cases.metric_batches(case):
        chosen = (
            cases.one_hot(predicted.argmax(axis=-1), 3) if options["threshold"] is None else predicted > 0.6
        )
        weights = np.ones(gold.shape[0]) if weights is None else weights
        weights = np.broadcast_to(
            weights.reshape(weights.shape + (1,) * (gold.ndim - 1 - weights.ndim)), gold.shape[:-1]
        )
        seen.append((gold.reshape(-1, 3), chosen.reshape(-1, 3).astype(int), weights.ravel()))
        whole = [np.concatenate(parts) for parts in zip(*seen, strict=True)]
        results.append(
            fbeta_score(
                whole[0],
                whole[1],
                beta=options["beta"],
                average=options["average"],
                sample_weight=whole[2],
                zero_division=0,
            )
        )
    return [results]


def bleu(case):
    from nltk.translate.bleu_score import corpus_bleu

    references, hypotheses, results = [], [], []
    for more_references, more_hypotheses in cases.bleu_batches(case):
        references += more_references
        hypotheses += more_hypotheses
        weights = [1 / case["order"]] * case["order"]
        value = corpus_bleu(references, hypotheses, weights)
        results.append(value if value > 1e-50 else 0.0)  # where nothing matches, nltk has a tiny number
    return [results]


def keras_optimizer(name, options):
    import keras

    if name == "AdamW" and options.get("weight_decay", 0.0) is None:
        options = {**options, "weight_decay": 0.0}  # Keras refuses None
    return getattr(keras.optimizers, {"RMSProp": "RMSprop"}.get(name, name))(**options)


def clipped(gradients, options):
    """Clip by torch: Keras finds the factor in float32, and `clip_grad_norm_` adds 1e-6 to the norm."""
    import torch

    if "clipvalue" in options:
        return [torch.clamp(g, -options["clipvalue"], options["clipvalue"]) for g in gradients]
    norms = [torch.linalg.vector_norm(g) for g in gradients]
    if "global_clipnorm" in options:
        norms = [torch.linalg.vector_norm(torch.stack(norms))] * len(gradients)
    limit = options.get("clipnorm", options.get("global_clipnorm", math.inf))
    return [g * (limit / norm) if norm > limit else g for g, norm in zip(gradients, norms, strict=True)]


def without_clipping(options):
    return {name: value for name, value in options.items() if "clip" not in name}


def optimizer(case):
    import keras
    import torch

    steps = keras_optimizer(case["name"], without_clipping(case["options"]))
    variables = [keras.Variable(start, dtype="float64") for start in cases.optimizer_start(case)]
    results = []
    for step in range(1, case["steps"] + 1):
        steps.learning_rate = case["rates"].get(step, float(steps.learning_rate))
        with torch.no_grad():
            gradients = [tensor(gradient) for gradient in cases.optimizer_gradients(case, step)]
            steps.apply(clipped(gradients, case["options"]), variables)
        if step in (1, 7, case["steps"]):
            results.append(np.concatenate([np.ravel(variable.numpy()) for variable in variables]))
    return [results]


def torch_optimizer(case):
    import torch

    options = dict(case["options"])
    options["lr"] = options.pop("learning_rate")
    if "epsilon" in options:
        options["eps"] = options.pop("epsilon")
    if "rho" in options:
        options["alpha"] = options.pop("rho")
    if "beta_1" in options:
        options["betas"] = options.pop("beta_1"), options.pop("beta_2")
    variables = [tensor(start, grad=True) for start in cases.optimizer_start(case)]
    steps = getattr(torch.optim, {"RMSProp": "RMSprop"}.get(case["name"], case["name"]))(variables, **options)
    results = []
    for step in range(1, case["steps"] + 1):
        for variable, gradient in zip(variables, cases.optimizer_gradients(case, step), strict=True):
            variable.grad = tensor(gradient)
        steps.step()
        if step in (1, 7, case["steps"]):
            results.append(np.concatenate([np.ravel(variable.detach()) for variable in variables]))
    return [results]


def standardized(weights, epsilon=1e-5):
    variance, mean = torch_var_mean(weights, 0)
    return (weights - mean) / (variance + epsilon) ** 0.5


def torch_var_mean(x, axes):
    import torch

    return torch.var_mean(x, dim=axes, correction=0)


def layer(case):
    import torch
    from torch.nn import functional

    inputs, dy, parameters = cases.layer_inputs(case)
    x = tensor(inputs, grad=True)
    parameters = [tensor(parameter, grad=True) for parameter in parameters]
    first = parameters[0]
    if case["name"] == "Dense":
        y = functional.linear(x, first.T, parameters[1])
    elif case["name"] == "WeightStandardizedDense":
        y = functional.linear(x, standardized(first).T, parameters[1])
    elif case["name"] == "PReLU":
        y = functional.prelu(x.reshape(-1, 3), first).reshape(x.shape)
    else:
        y = functional.layer_norm(x, (3,), first, parameters[1], case["options"].get("epsilon", 1e-3))
    return [y.detach(), *torch.autograd.grad(y, [x, *parameters], tensor(dy))]


def batch_normalization(case):
    """Train on three batches, then infer; torch would keep the unbiased variance."""
    import torch
    from torch.nn import functional

    gamma, beta = (tensor(array, grad=True) for array in cases.scale_and_shift())
    mean, variance = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    results = []
    for step in range(4):
        inputs, dy = cases.batch_inputs(case, step)
        x = tensor(inputs, grad=True)
        matrix = x.reshape(-1, 3)
        if step < 3 and len(matrix) > 1:
            y = functional.batch_norm(matrix, None, None, gamma, beta, True, 0.0, case["epsilon"])
        elif step < 3:  # torch refuses a batch of one; it is standardized to 0
            y = (matrix - matrix.mean(0)) * gamma / case["epsilon"] ** 0.5 + beta
        else:
            y = functional.batch_norm(matrix, mean, variance, gamma, beta, False, 0.0, case["epsilon"])
        y = y.reshape(x.shape)
        results += [y.detach(), *torch.autograd.grad(y, [x, gamma, beta], tensor(dy))]
        if step < 3:
            part = case["momentum"]
            mean = part * mean + (1 - part) * matrix.detach().mean(0)
            variance = part * variance + (1 - part) * matrix.detach().var(0, correction=0)
    return [*results, mean, variance]


def network(case):
    import torch
    from torch.nn import functional

    inputs, gold, parameters = cases.network_inputs(case)
    x = tensor(inputs, grad=True)
    parameters = [tensor(parameter, grad=True) for parameter in parameters]
    kernel_1, bias_1, gamma, beta, slopes, gamma_2, beta_2, kernel_2, bias_2 = parameters
    hidden = functional.linear(x, kernel_1.T, bias_1)
    flat = hidden.reshape(-1, 4)
    hidden = functional.batch_norm(flat, None, None, gamma, beta, True, 0.0, 1e-3).reshape(hidden.shape)
    hidden = activation_of_torch(case["activation"], hidden, {})
    hidden = torch.where(hidden > 0, hidden, slopes * hidden)
    hidden = functional.layer_norm(hidden, (4,), gamma_2, beta_2, 1e-3)
    logits = functional.linear(hidden, standardized(kernel_2).T, bias_2)
    value = functional.cross_entropy(logits.reshape(-1, 2), torch.tensor(gold.ravel()))
    return [logits.detach(), value.detach(), *torch.autograd.grad(value, [x, *parameters])]


def training(case):
    import keras
    import torch
    from torch.nn import functional

    inputs, gold, weights = cases.training_inputs()
    x, truth = tensor(inputs), torch.tensor(gold)
    steps = keras_optimizer(case["optimizer"], without_clipping(case["options"]))
    variables = [keras.Variable(weight, dtype="float64") for weight in weights]
    history = []

    def mean_loss(kernel_1, bias_1, kernel_2, bias_2):
        return functional.cross_entropy(torch.tanh(x @ kernel_1 + bias_1) @ kernel_2 + bias_2, truth)

    for _ in range(case["epochs"]):
        parameters = [tensor(variable.numpy(), grad=True) for variable in variables]
        value = mean_loss(*parameters)
        if case["penalty"]:
            name, strength = case["penalty"]
            for kernel in parameters[::2]:
                value = value + strength * (kernel**2 if name == "L2" else kernel.abs()).sum()
        gradients = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            steps.apply(clipped(gradients, case["options"]), variables)
        history.append(float(mean_loss(*(tensor(variable.numpy()) for variable in variables))))
    return [history[:: case["epochs"] - 1], *(variable.numpy() for variable in variables)]


def early_stopping(case):
    """Play the values to the callback of Keras; return the epoch of the last value and that of the best."""
    import keras

    class Model:
        stop_training = False

        def get_weights(self):
            return self.weights

        def set_weights(self, weights):
            self.weights = weights

    model = Model()
    callback = keras.callbacks.EarlyStopping(
        "value", patience=case["patience"], mode=case["mode"], restore_best_weights=True
    )
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(cases.monitored_values(case)):
        model.weights = [epoch]
        callback.on_epoch_end(epoch, {"value": float(value)})
        if model.stop_training:
            break
    callback.on_train_end()
    return [[epoch, model.weights[0], callback.best_epoch]]


def penalty(case):
    import keras

    x = tensor(cases.activation_input({"name": "penalty", **case}), grad=True)
    regularizer = getattr(keras.regularizers, case["name"])(case["strength"])
    return with_gradient(lambda x: regularizer(x).reshape(()), x)


def proximal(case):
    """Minimize by SciPy what the step minimizes: η λ |θ| + (θ - u)² / 2."""
    from scipy.optimize import minimize_scalar

    weights, gradient = cases.step_inputs(case)
    result = []
    for u in (weights - case["rate"] * gradient).ravel():
        found = minimize_scalar(
            lambda theta, u=u: case["rate"] * case["strength"] * abs(theta) + (theta - u) ** 2 / 2,
            bounds=(-9, 9),
            method="bounded",
            options={"xatol": 1e-12},
        )
        result.append(found.x)
    return [np.reshape(result, weights.shape)]


def l2_step(case):
    import torch

    weights, gradient = cases.step_inputs(case)
    theta = tensor(weights, grad=True)
    theta.grad = tensor(gradient)
    torch.optim.SGD([theta], lr=case["rate"], weight_decay=2 * cases.small_strength(case)).step()
    return [theta.detach()]


def ensemble(case):
    from scipy import special, stats

    logits, probabilities = cases.ensemble_inputs(case)
    logits, probabilities = logits.astype(float), probabilities.astype(float)
    geometric = stats.gmean(special.softmax(logits, axis=-1), axis=0)
    return [
        probabilities.mean(axis=0),
        geometric / geometric.sum(axis=-1, keepdims=True),
        logits.mean(axis=0),
    ]


def variance(case):
    models, correlation = case["models"], case["correlation"]
    covariance = 1.7 * (np.full((models, models), correlation) + (1 - correlation) * np.eye(models))
    part = np.full(models, 1 / models)
    return [part @ covariance @ part]


def limits(case):
    import keras
    from scipy import stats

    n, m = case["fan_in"], case["fan_out"]
    bounds = []
    for initializer in ("GlorotUniform", "HeUniform", "LecunUniform"):
        options = getattr(keras.initializers, initializer)()
        fan = n if options.mode == "fan_in" else (n + m) / 2
        bounds.append(math.sqrt(3 * options.scale / fan))
    return [
        bounds[:2],
        [stats.uniform(-bound, 2 * bound).var() for bound in bounds[:2]],
        [bounds[2] / math.sqrt(3)],
    ]


def images(case):
    """Move pixels whose centres are whole numbers; what comes from outside is 0, also within half a pixel."""
    from scipy import ndimage

    array = cases.image_inputs(case)
    rows, columns = array.shape[-2:]
    centre = np.array([(rows - 1) / 2, (columns - 1) / 2])
    shift = np.zeros(2)
    if case["kind"] == "translate":
        matrix, shift = np.eye(2), np.array([case["down"], case["right"]])
    elif case["kind"] == "scale":
        matrix = np.eye(2) / case["factor"]
    else:
        angle = math.radians(case["degrees"])
        # rows go downwards: a pixel at (down, right) comes from where a clockwise turn leads
        matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    offset = centre - matrix @ (centre + shift)
    flat = [
        ndimage.affine_transform(image, matrix, offset, order=1, mode="grid-constant", cval=0.0)
        for image in array.reshape(-1, rows, columns)
    ]
    return [np.reshape(flat, array.shape)]


def change_speed(case):
    from scipy.interpolate import interp1d

    signal = cases.image_inputs(case)
    length = signal.shape[-1]
    at = np.minimum(np.arange(round(length / case["factor"])) * case["factor"], length - 1)
    return [interp1d(np.arange(length), signal)(at)]


ANSWERS = {
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
        torch_optimizer,
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
        change_speed,
    )
} | dict.fromkeys(("translate", "rotate", "scale"), images)


def stored(value):
    """Return an array as its shape and its numbers, with fewer digits than would fill the file."""
    array = np.asarray(value, np.float64)
    return [list(array.shape), [float(f"{number:.{DIGITS}g}") for number in array.ravel()]]


def prepare_keras():
    """Let Keras compute in float64: on torch it would take means, and maxima with a number, in float32."""
    import keras
    import torch
    from keras.src.backend.torch import numpy as operations

    def mean(x, axis=None, keepdims=False):
        x = torch.as_tensor(x).double()
        axes = tuple(range(x.ndim)) if axis is None else axis
        return torch.mean(x, axes, keepdims) if axes != () else x

    def maximum(x, y):
        return torch.clamp(y, min=x) if isinstance(x, (int, float)) else torch.clamp(x, min=y)

    keras.config.set_floatx("float64")
    operations.mean = mean
    operations.maximum = maximum


def main():
    prepare_keras()
    warnings.simplefilter("ignore", UserWarning)
    answers = {}
    for case in cases.CASES:
        answers[cases.title(case)] = [stored(value) for value in ANSWERS[case["kind"]](case)]
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in answers.items()
    ]
    made = json.dumps({library: version(library) for library in LIBRARIES})
    text = f'{{"made with": {made},\n' + ",\n".join(lines) + "}\n"
    (HERE / "answers.json").write_text(text, encoding="utf-8")
    print(f"{len(answers)} answers, {len(text) // 1000} kB")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    import cases

    main()
