"""Let real models answer what the book says about libraries, and store it in ``models.json``.

Functions on bare arrays do not tell what a library does in a model: Keras on TensorFlow finds the logits
behind a last layer with a sigmoid. Each environment answers for itself and leaves the other answers alone:

- ``tensorflow-cpu==2.21.0``, with Keras 3.15.1, for ``make_models.py tensorflow``;
- ``torch==2.13.0 keras==3.15.1`` for ``make_models.py torch``.

`tests/chapters/test_libraries.py` holds what the pages say against these answers.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

STORED = Path(__file__).with_name("models.json")
INPUT = np.zeros((1, 1), "float32")


def keras_model(keras: Any, bias: list[float], *activation: Any) -> Any:
    """Return a model whose logits are the bias."""
    dense = keras.layers.Dense(len(bias), activation=activation[0] if activation else None)
    model = keras.Sequential([keras.Input((1,)), dense])
    dense.bias.assign(bias)
    return model


def ask_keras(backend: str) -> dict[str, Any]:
    """Ask Keras with this backend."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    losses, found = keras.losses, {"version": keras.__version__}

    def fit(bias: list[float], gold: list[float], activation: Any, loss: Any) -> dict[str, Any]:
        model = keras_model(keras, bias, activation)
        model.compile(optimizer=keras.optimizers.SGD(1.0), loss=loss)
        target = np.array([gold], "float32")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            history = model.fit(INPUT, target, verbose=0).history["loss"]
        moved = keras.ops.convert_to_numpy(model.layers[0].bias) - np.array(bias)
        return {
            "loss": history[0],
            "gradient": (-moved).tolist(),
            "warned": any("does not represent logits" in str(warning.message) for warning in said),
        }

    binary, categorical = losses.BinaryCrossentropy, losses.CategoricalCrossentropy
    one = keras_model(keras, [-20.0], "sigmoid")
    probability = keras.ops.convert_to_numpy(one(INPUT))
    found["sigmoid, last layer"] = fit([-20.0], [1.0], "sigmoid", binary())
    found["sigmoid, array"] = {"loss": float(binary()(np.ones((1, 1), "float32"), probability))}
    found["sigmoid, then more"] = fit([-20.0], [1.0], lambda z: keras.ops.sigmoid(z) * 1.0, binary())
    logits, gold = [5.0, 0.5, 0.0], [1.0, 0.0, 0.0]
    for from_logits in (False, True):
        name = f"softmax, from_logits={from_logits}"
        found[name] = fit(logits, gold, "softmax", categorical(from_logits=from_logits))
    mistake = keras_model(keras, logits, "softmax")(INPUT)
    array = keras.ops.convert_to_numpy(mistake)
    loss = categorical(from_logits=True)(np.array([gold], "float32"), array)
    found["softmax, from_logits=True, array"] = {"loss": float(loss)}
    four, weights = np.array([[1.0], [2.0**0.5], [1.0], [2.0]]), np.array([1.0, 1.0, 0.0, 0.0])
    for reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
        loss = losses.MeanSquaredError(reduction=reduction)
        found[f"reduction {reduction}"] = {
            "loss": float(loss(np.zeros((4, 1)), four, sample_weight=weights)),
        }
    return found


def ask_torch() -> dict[str, Any]:
    """Ask PyTorch."""
    import torch

    found: dict[str, Any] = {"version": torch.__version__.split("+")[0]}
    for logit in (-20.0, -120.0):
        z = torch.tensor([[logit]], requires_grad=True)
        loss = torch.nn.BCELoss()(torch.sigmoid(z), torch.ones(1, 1))
        loss.backward()
        assert z.grad is not None
        found[f"BCELoss of sigmoid({logit:.0f})"] = {"loss": loss.item(), "gradient": z.grad[0].tolist()}
    twice = torch.softmax(torch.tensor([[5.0, 0.5, 0.0]]), -1)
    found["CrossEntropyLoss of softmax"] = {
        "loss": torch.nn.CrossEntropyLoss()(twice, torch.tensor([0])).item()
    }
    return found


def main() -> None:
    """Ask the libraries of this environment."""
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    if sys.argv[1] == "tensorflow":
        stored["Keras on TensorFlow"] = ask_keras("tensorflow")
    else:
        stored["Keras on PyTorch"] = ask_keras("torch")
        stored["PyTorch"] = ask_torch()
    STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
