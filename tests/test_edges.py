"""npfl agrees with other libraries at the edges: `golden/edges/cases.py` says with which, and how nearly."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from npfl import losses, metrics
from npfl.augmentation import add_noise, change_pitch, change_speed, mixup, rotate, scale, translate
from npfl.data import tone
from npfl.ensembles import bootstrap, variance_of_average
from npfl.initializers import uniform_variance
from npfl.layers import Activation, Dense
from npfl.models import mlp
from npfl.optimizers import clip_by_global_norm, clip_by_norm, clip_by_value

_spec = importlib.util.spec_from_file_location(
    "edges", Path(__file__).parent / "golden" / "edges" / "cases.py"
)
edges = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(edges)
ANSWERS = json.loads(edges.ANSWERS.read_text())


def test_every_case_has_its_answer():
    assert list(ANSWERS) == list(edges.CASES)


@pytest.mark.filterwarnings("error", "ignore:the matrix subclass")
@pytest.mark.parametrize("name", edges.CASES)
def test_the_answers_agree(name):
    case = edges.CASES[name]
    ours, theirs = np.asarray(case.ours()), np.asarray(ANSWERS[name], "float64")
    assert (ours.dtype, ours.shape) == (case.dtype, theirs.shape)
    numbers = np.finfo(case.dtype)
    theirs = np.where(abs(theirs) > numbers.max, np.copysign(np.inf, theirs), theirs)
    ours = ours.astype("float64")
    finite = np.isfinite(theirs)
    assert np.array_equal(ours[~finite], theirs[~finite])
    scale = abs(theirs) if case.relative else abs(theirs).max(where=finite, initial=0)
    allowed = case.units * (float(numbers.eps) * scale + float(numbers.smallest_subnormal))
    wrong = abs(ours[finite] - theirs[finite]) > np.broadcast_to(allowed, theirs.shape)[finite]
    assert not (wrong | np.isnan(ours[finite])).any(), (ours[finite][wrong][:5], theirs[finite][wrong][:5])


@pytest.mark.filterwarnings("error")
def test_noise_of_any_ratio_that_can_be_held():
    sound = np.array([1e200, -1e200, 0.0])
    assert np.isfinite(add_noise(sound, 20, rng(1))).all()
    assert np.allclose(add_noise(sound, 20, rng(1)) / 1e200, add_noise(sound / 1e200, 20, rng(1)), rtol=1e-12)
    assert np.array_equal(add_noise([0.0, 0.0], -300, rng(1)), [0, 0])
    assert np.array_equal(add_noise(sound, 1e5, rng(1)), sound)
    for signal, snr in ((sound, -1e4), (sound, -2500), ([1.0, 0.0], -1e300), (np.ones(3, "float16"), -200)):
        source = rng(2)
        with pytest.raises(ValueError, match=r"snr must leave noise that float(64|16) can hold, got -"):
            add_noise(signal, snr, source)
        assert source.bit_generator.state == rng(2).bit_generator.state


@pytest.mark.parametrize("change", [change_speed, change_pitch, lambda sound, _: add_noise(sound, 0, rng())])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_sounds_must_be_finite(change, wrong):
    with pytest.raises(ValueError, match="signal must be finite, got inf or NaN"):
        change([0.0, wrong, 1.0], 2.0)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        (change_speed, 1e-320),
        (change_speed, 1e-18),
        (change_pitch, 5e-324),
        (change_pitch, 1e-17),
        (change_pitch, 1e17),
        (change_pitch, 1e308),
    ],
)
def test_a_sound_must_fit_into_memory(change, factor):
    with pytest.raises(ValueError, match="factor must ask for a sound that memory can hold"):
        change(np.ones(100), factor)
    with pytest.raises(ValueError, match=r"duration . sample_rate must ask for"):
        tone(440, 1e300)


@pytest.mark.filterwarnings("error")
def test_loud_sounds_change_as_quiet_ones():
    sound = np.sin(np.arange(1500) / 5)
    assert np.allclose(change_pitch(sound * 1e307, 1.5) / 1e307, change_pitch(sound, 1.5), rtol=0, atol=1e-12)
    assert not change_pitch(np.zeros(700), 2.0).any()


@pytest.mark.filterwarnings("error")
def test_pixels_stay_where_nothing_moves_them():
    image = np.array([[1.0, np.inf], [np.nan, 3.0]])
    for change in (lambda i: translate(i, 0, 0), lambda i: rotate(i, 0), lambda i: scale(i, 1)):
        assert np.array_equal(change(image), image, equal_nan=True)
    assert np.array_equal(translate(image, 1, 0), [[0, 0], [1, np.inf]])
    for factor in (5e-324, 1e-310, 1e-300):
        assert np.array_equal(scale(np.ones((3, 3)), factor), [[0, 0, 0], [0, 1, 0], [0, 0, 0]])


def test_examples_that_are_mixed_by_a_huge_parameter_are_mixed_in_halves():
    for alpha in (1e200, 1e300, 1e308):
        x, _ = mixup([[0.0], [1.0]], [[0.0], [1.0]], alpha, np.random.default_rng(3))
        assert set(x.ravel()) in ({0.5}, {0.0, 1.0})
    mixed = [
        mixup([[0.0], [1.0]], [[0.0], [1.0]], 1e308, np.random.default_rng(i))[0][0, 0] for i in range(20)
    ]
    assert 0.5 in mixed


def rng(seed=0):
    return np.random.default_rng(seed)


class Mute:
    """Be an object that cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Dense(Mute(), 2, rng()), "fan_in must be an integer, got an object of Mute"),
        (lambda: Dense(2, 2, rng(), dtype=Mute()), "dtype must be a floating-point type, got"),
        (lambda: Dense(2, 2, rng(), dtype="f,("), "dtype must be a floating-point type, got 'f,"),
        (lambda: bootstrap(10**400, rng()), "n must be an integer of at most 64 bits, got 1000"),
        (lambda: bootstrap(10**5000, rng()), "n must be an integer of at most 64 bits, got an ob"),
        (lambda: losses.MeanSquaredError(reduction=10**5000), "reduction must be one of 'auto', "),
        (lambda: losses.MeanSquaredError(reduction=Mute()), "reduction must be one of 'auto', "),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction must be one of 'auto', "),
        (lambda: mlp([2, 1], rng(), "swish"), "activation must be one of sigmoid, tanh"),
        (lambda: Activation("swish"), "name must be one of sigmoid, tanh, relu"),
        (lambda: clip_by_global_norm([[np.inf]], 1), "gradients must be finite to be clipped by its norm"),
        (lambda: variance_of_average(1.0, 0.0, np.inf), "models must be at least 1 and finite, got inf"),
        (lambda: variance_of_average(-np.ones((3, 3)), 0.0, 2), "variance must not be negative, got an"),
        (lambda: variance_of_average(1.0, np.full((2, 2), 2), 2), "correlation must be from -1"),
    ],
)  # fmt: skip
def test_one_line_says_what_was_wrong(call, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_limits_that_are_infinite():
    assert uniform_variance(1e308) == np.inf
    assert np.array_equal(
        clip_by_value(np.array([3, np.inf, -np.inf], "float16"), 1e6), np.array([3, 65504, -65504])
    )


def test_gold_values_are_compared_before_they_are_rounded():
    assert metrics.CategoricalAccuracy()([[0.5, 0.5 + 1e-9]], np.array([[0.1, 0.9]], "float16")) == 1
    assert metrics.CategoricalAccuracy()([[0.5 + 1e-9, 0.5]], np.array([[0.1, 0.9]], "float32")) == 0


@pytest.mark.parametrize("gradient", [[0.0, 0.0], [0.3, 0.4], [30.0, 40.0]])
def test_what_is_not_clipped_is_a_copy(gradient):
    given = np.array(gradient)
    for clipped in (clip_by_value(given, 100), clip_by_norm(given, 100), *clip_by_global_norm([given], 100)):
        assert np.array_equal(clipped, given)
        assert not np.shares_memory(clipped, given)


def test_mixed_labels_are_of_this_machines_byte_order():
    x, y = (a.astype(a.dtype.newbyteorder(">")) for a in (np.ones((2, 3)), np.eye(2, dtype="float32")))
    assert [a.dtype for a in mixup(x, y, 1.0, rng())] == ["float64", "float32"]
