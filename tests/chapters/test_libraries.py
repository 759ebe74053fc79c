"""What the book says about Keras and PyTorch is what real models answered, in `golden/models.json`."""

import json
from pathlib import Path

import numpy as np
import pytest

from npfl.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError

ROOT = Path(__file__).parents[2]
MODELS = json.loads((ROOT / "tests" / "golden" / "models.json").read_text("utf-8"))
TENSORFLOW, ON_TORCH, TORCH = MODELS["Keras on TensorFlow"], MODELS["Keras on PyTorch"], MODELS["PyTorch"]
TABLE = [
    ("Keras 3.15 on TensorFlow, `Dense(1, ", TENSORFLOW["sigmoid, last layer"]),
    ("the same, with any operation after the sigmoid", TENSORFLOW["sigmoid, then more"]),
    ("the same model on the PyTorch backend", ON_TORCH["sigmoid, last layer"]),
    ("PyTorch, `BCELoss` after `torch.sigmoid`", TORCH["BCELoss of sigmoid(-20)"]),
]


@pytest.mark.parametrize(("row", "answer"), TABLE)
def test_the_table_of_models_that_end_in_a_sigmoid(row, answer):
    page = (ROOT / "chapters" / "03a-losses-in-a-program.md").read_text("utf-8")
    [found] = [line for line in page.splitlines() if line.startswith(f"| {row}")]
    loss, gradient = (float(cell.replace("−", "-")) for cell in found.strip("| ").split(" | ")[1:])
    assert loss == pytest.approx(answer["loss"], abs=0.005)
    assert gradient == pytest.approx(answer["gradient"][0])


def test_npfl_answers_as_keras_does_for_an_array():
    probability = np.array([[1 / (1 + np.exp(20.0))]])
    loss = BinaryCrossentropy()(np.ones((1, 1)), probability)
    for answers in (TENSORFLOW, ON_TORCH):
        assert loss == pytest.approx(answers["sigmoid, array"]["loss"], abs=1e-3)  # in float32 there


def test_a_softmax_too_many_is_noticed_by_keras_on_tensorflow_alone():
    name = "softmax, from_logits=True"
    once, twice = TENSORFLOW["softmax, from_logits=False"]["loss"], ON_TORCH[name]["loss"]
    assert TENSORFLOW[name]["warned"]
    assert TENSORFLOW[name]["loss"] == once
    assert not ON_TORCH[name]["warned"]
    assert twice > 30 * once
    assert TORCH["CrossEntropyLoss of softmax"]["loss"] == pytest.approx(twice)
    logits = np.exp([[5.0, 0.5, 0.0]])
    loss = CategoricalCrossentropy(from_logits=True)([[1.0, 0.0, 0.0]], logits / logits.sum())
    assert loss == pytest.approx(twice, abs=1e-6)


@pytest.mark.parametrize("answers", [TENSORFLOW, ON_TORCH])
def test_the_reductions_of_keras_on_the_opening_question(answers):
    found = {name[10:]: answer["loss"] for name, answer in answers.items() if name.startswith("reduction ")}
    expected = {"sum_over_batch_size": 0.75, "mean": 0.75, "mean_with_sample_weight": 1.5}
    assert found == pytest.approx(expected)
    roots = np.sqrt([[1.0], [2.0], [1.0], [4.0]])
    loss = MeanSquaredError()(np.zeros((4, 1)), roots, sample_weight=np.array([1.0, 1.0, 0.0, 0.0]))
    assert loss == pytest.approx(expected["sum_over_batch_size"])
