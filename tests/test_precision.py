"""Half precision, the layout of arrays in memory, and numbers at the edges."""

import math

import numpy as np
import pytest

from npfl import activations, augmentation, ensembles, layers, losses, metrics, optimizers, regularizers
from npfl.models import mlp
from npfl.testing import check_gradient

MANY = 4096  # more than 2048, where a sum of ones in float16 stands still
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "transposed": lambda a: np.ascontiguousarray(np.moveaxis(a, -1, 0)).transpose(*range(1, a.ndim), 0),
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
DTYPES = [np.float16, np.float32, np.float64]


def rng():
    return np.random.default_rng(1)


@every_layout
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_many_classes_sums_to_one(layout, axis):
    logits = np.zeros((MANY, 2) if axis == 0 else (2, MANY), np.float16)
    o = activations.softmax(layout(logits), axis=axis)
    assert o.dtype == np.float16
    np.testing.assert_array_equal(o, 1 / MANY)
    np.testing.assert_allclose(activations.log_softmax(layout(logits), axis=axis), -math.log(MANY), rtol=1e-3)


def test_half_precision_is_rounded_once():
    # What float64 gives, rounded, but for a few ties: nothing in between is rounded to float16.
    logits = rng().normal(0, 3, (500, 3)).astype(np.float16)
    for f in (activations.softmax, activations.log_softmax):
        assert (f(logits) == f(logits.astype(np.float64)).astype(np.float16)).mean() > 0.99


def test_a_mean_may_be_small_where_the_sum_is_too_large():
    zeros, tens = np.zeros((MANY, 1), np.float16), np.full((MANY, 1), 10, np.float16)
    with np.errstate(over="raise"):
        assert losses.MeanSquaredError()(zeros, tens) == 100
        assert losses.MeanSquaredError()(zeros, tens, np.ones(MANY)) == 100


@every_layout
@pytest.mark.parametrize("from_logits", [False, True])
def test_cross_entropies_of_many_classes(layout, from_logits):
    classes = 14749
    labels, z = np.array([3, 14000, 77]), rng().normal(size=(3, classes))
    y_pred = z if from_logits else np.round(np.exp(z) * 8 + 1)  # not divided by their sum, above 65504
    gold = np.eye(classes)[labels]
    options = {"from_logits": from_logits, "reduction": "none"}
    for make, y_true in (
        (losses.CategoricalCrossentropy, gold),
        (losses.SparseCategoricalCrossentropy, labels),
    ):
        loss, half = make(**options), layout(y_pred.astype(np.float16))
        exact = half.astype(np.float64)
        np.testing.assert_allclose(loss(y_true, half), loss(y_true, exact), rtol=1e-3)
        gradient = loss.gradient(y_true, half)
        assert gradient.dtype == np.float16
        np.testing.assert_allclose(gradient, loss.gradient(y_true, exact), rtol=2e-3, atol=1e-6)
    smooth = losses.CategoricalCrossentropy(**options, label_smoothing=0.5)
    np.testing.assert_allclose(smooth(gold, half), smooth(gold, exact), rtol=2e-3)


@every_layout
def test_divergence_of_many_classes(layout):
    g, o = rng().uniform(0.01, 1, (2, 3, MANY))
    exact = losses.kl_divergence(g.astype(np.float16).astype(float), o.astype(np.float16).astype(float))
    half = losses.kl_divergence(layout(g.astype(np.float16)), layout(o.astype(np.float16)))
    np.testing.assert_allclose(half, exact, rtol=5e-3)


@every_layout
@pytest.mark.parametrize(
    "make", [losses.MeanSquaredError, losses.MeanAbsoluteError, losses.Huber, losses.Hinge]
)
def test_means_over_many_examples_and_outputs(layout, make):
    zeros, ones = np.zeros((MANY, 2), np.float16), np.full((MANY, 2), 0.5, np.float16)
    one = make()(zeros[:1], ones[:1])
    assert one > 0
    assert make()(layout(zeros), layout(ones)) == one
    assert make()(layout(zeros.T), layout(ones.T)) == one
    assert make(reduction="sum")(layout(zeros), layout(ones)) == MANY * one


@every_layout
@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: layers.Dense(2, 2, rng(), dtype=np.float16), 2),
        (lambda: layers.WeightStandardizedDense(2, 2, rng(), dtype=np.float16), 2),
        (lambda: layers.PReLU(2, dtype=np.float16), 1),
        (lambda: layers.BatchNormalization(2, dtype=np.float16), 2),
        (lambda: layers.LayerNormalization(2, dtype=np.float16), 2),
    ],
)
def test_gradients_over_many_rows(layout, make, count):
    layer = make()
    x = layout(np.tile(np.array([[-1.0, -2.0], [-2.0, -1.0]], np.float16), (MANY // 2, 1)))
    layer.forward(x, training=True)
    layer.backward(layout(np.ones((MANY, 2), np.float16)))
    last = layer.gradients[-1]
    assert last.dtype == np.float16
    if isinstance(layer, layers.PReLU):
        np.testing.assert_array_equal(last, -1.5 * MANY)
    else:
        np.testing.assert_array_equal(last, MANY)
    assert len(layer.gradients) == count


def test_statistics_of_many_values():
    ones = np.ones((MANY, 3), np.float16)
    for array in (ones, np.asfortranarray(ones)):
        layer = layers.BatchNormalization(3, momentum=0.0, dtype=np.float16)
        layer.forward(array, training=True)
        np.testing.assert_array_equal(layer.state[0], 1)
        np.testing.assert_array_equal(ensembles.average_logits(array[:, None]), 1 / np.float16(3))
        np.testing.assert_array_equal(ensembles.average_probabilities(array[:, None]), 1)
        np.testing.assert_array_equal(ensembles.average_weights([[row] for row in array])[0], 1)
        assert regularizers.L2(1.0)(array) == regularizers.L1(1.0)(array) == 3 * MANY
        assert metrics.Mean()(array) == 1
        assert np.abs(optimizers.clip_by_norm(array, 1.0)).max() == pytest.approx(
            (3 * MANY) ** -0.5, rel=1e-3
        )
        noisy = augmentation.add_noise(array.T, 0, rng())
        assert noisy.std() == pytest.approx(1, rel=0.05)


PAIRS = {
    **{
        name: ("real", getattr(losses, name)(**options))
        for name, options in {
            "MeanSquaredError": {},
            "MeanAbsoluteError": {},
            "Huber": {"delta": 0.5},
        }.items()
    },
    "Hinge": ("bit", losses.Hinge()),
    "binary": ("probability", losses.BinaryCrossentropy()),
    "binary logits": ("bit", losses.BinaryCrossentropy(from_logits=True)),
    "categorical": ("probability", losses.CategoricalCrossentropy()),
    "categorical logits": ("bit", losses.CategoricalCrossentropy(from_logits=True)),
    "divergence": ("probability", losses.KLDivergence()),
}


@every_layout
@pytest.mark.parametrize(("kind", "loss"), PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_do_not_depend_on_the_layout(kind, loss, layout, dtype):
    shape = (3, 5, 4)
    draws = {
        "real": lambda: rng().normal(size=shape),
        "bit": lambda: rng().integers(0, 2, shape),
        "probability": lambda: rng().uniform(0.1, 0.9, shape),
    }
    y_true, y_pred = draws[kind]().astype(dtype), rng().uniform(0.1, 0.9, shape).astype(dtype)
    weight, eps = rng().random((3, 5)), 8 * np.finfo(dtype).eps
    for a, b in (
        (loss.call(y_true, y_pred), loss.call(layout(y_true), layout(y_pred))),
        (loss(y_true, y_pred, weight), loss(layout(y_true), layout(y_pred), layout(weight))),
        (loss.gradient(y_true, y_pred, weight), loss.gradient(layout(y_true), layout(y_pred), weight)),
    ):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=eps, atol=eps / 8)


@every_layout
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", [False, True])
def test_layers_do_not_depend_on_the_layout(layout, dtype, training):
    x, dy = (rng().normal(size=(4, 3, 6)).astype(dtype) for _ in range(2))
    for make in (
        lambda: layers.Dense(6, 6, rng(), dtype=dtype),
        lambda: layers.WeightStandardizedDense(6, 6, rng(), dtype=dtype),
        lambda: layers.Activation("gelu"),
        lambda: layers.PReLU(6, dtype=dtype),
        lambda: layers.Dropout(0.5, rng()),
        lambda: layers.BatchNormalization(6, dtype=dtype),
        lambda: layers.LayerNormalization(6, dtype=dtype),
    ):
        one, two = make(), make()
        eps = 64 * np.finfo(dtype).eps
        np.testing.assert_allclose(one(x, training), two(layout(x), training), rtol=eps, atol=eps)
        np.testing.assert_allclose(one.backward(dy), two.backward(layout(dy)), rtol=eps, atol=eps)
        for a, b in zip(one.gradients + one.state, two.gradients + two.state, strict=True):
            np.testing.assert_allclose(a, b, rtol=eps, atol=4 * eps)


@every_layout
@pytest.mark.parametrize("make", [optimizers.SGD, optimizers.RMSProp, optimizers.Adam, optimizers.AdamW])
def test_optimizers_do_not_depend_on_the_layout(layout, make):
    theta, gradient = rng().normal(size=(3, 4)), rng().normal(size=(3, 4))
    if not layout(theta).flags.writeable:
        with pytest.raises(
            ValueError, match="parameters must be arrays to change in place, got a read-only one"
        ):
            make().update([layout(theta)], [gradient])
        return
    one, two = theta.copy(), layout(theta.copy())
    first, second = make(clipnorm=1.0), make(clipnorm=1.0)
    for _ in range(3):
        first.update([one], [gradient])
        second.update([two], [layout(gradient)])
    np.testing.assert_allclose(one, two, rtol=1e-14)


@every_layout
def test_metrics_do_not_depend_on_the_layout(layout):
    gold, predicted = np.eye(4)[rng().integers(0, 4, (3, 5))], rng().random((3, 5, 4)).astype(np.float32)
    for make in (
        metrics.MeanSquaredError,
        metrics.BinaryCrossentropy,
        metrics.CategoricalCrossentropy,
        metrics.Accuracy,
        metrics.CategoricalAccuracy,
        metrics.BinaryAccuracy,
        metrics.FBetaScore,
    ):
        np.testing.assert_allclose(
            make()(gold, predicted), make()(layout(gold), layout(predicted)), rtol=1e-6
        )


def test_byte_order_and_other_numbers():
    x = rng().normal(size=(2, 3))
    for other in (x.astype(">f8"), x.astype(np.longdouble), x.tolist(), tuple(map(tuple, x))):
        np.testing.assert_allclose(activations.softmax(other), activations.softmax(x), rtol=1e-15)
        np.testing.assert_allclose(losses.mean_squared_error(other, other), 0)
    for integers in (np.uint8, np.int8, np.int64, bool):
        np.testing.assert_array_equal(
            losses.mean_squared_error(np.array([[1, 0]], integers), [[0, 0]]), [0.5]
        )


# 0 · ∞


def test_a_masked_class_does_not_count():
    masked = np.array([[0, -np.inf, 1], [0, -np.inf, -np.inf]])
    gold, labels = np.array([[1, 0, 0], [1, 0, 0]]), [0, 0]
    expected = [math.log(1 + math.e), 0.0]
    with np.errstate(invalid="raise", over="raise"):
        for loss, y in (
            (losses.CategoricalCrossentropy(from_logits=True, reduction="none"), gold),
            (losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none"), labels),
        ):
            np.testing.assert_allclose(loss(y, masked), expected, rtol=1e-14, atol=1e-300)
            p = activations.softmax(masked)
            np.testing.assert_allclose(loss.gradient(y, masked), p - gold, rtol=1e-14)
            # A gold class that is masked is impossible.
            assert loss([[0, 1, 0]] if y is gold else [1], masked[:1]) == np.inf
        smooth = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
        assert smooth(gold[:1], masked[:1]) == np.inf


@pytest.mark.parametrize(
    ("z", "g", "value"),
    [(np.inf, 1, 0), (-np.inf, 0, 0), (np.inf, 0, np.inf), (-np.inf, 1, np.inf), (np.inf, 0.5, np.inf)],
)
def test_binary_cross_entropy_of_infinite_logits(z, g, value):
    loss = losses.BinaryCrossentropy(from_logits=True)
    with np.errstate(invalid="raise"):
        assert loss([[g]], [[z]]) == value
        assert loss.gradient([[g]], [[z]]) == (z > 0) - g


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_an_example_of_weight_zero_does_not_count(reduction):
    y_true, y_pred, weight = [[1.0], [1.0]], [[-np.inf], [0.0]], [0.0, 1.0]
    loss = losses.BinaryCrossentropy(from_logits=True, reduction=reduction)
    assert np.sum(loss(y_true, y_pred, weight)) == pytest.approx(
        math.log(2) / (2 if reduction == "mean" else 1)
    )
    padded = losses.CategoricalCrossentropy(from_logits=True, reduction=reduction)
    all_masked = np.array([[-np.inf, -np.inf], [0.0, 0.0]])
    with np.errstate(invalid="ignore"):
        assert np.isfinite(padded(np.eye(2), all_masked, weight)).all()
        gradient = padded.gradient(np.eye(2), all_masked, weight)
    assert not gradient[0].any()
    assert np.isfinite(gradient).all()


def test_metrics_leave_out_what_has_the_weight_zero():
    assert metrics.Mean()([np.inf, 2.0], [0, 1]) == 2
    assert metrics.MeanSquaredError()([[0.0], [0.0]], [[np.nan], [3.0]], [0, 1]) == 9


def test_slope_zero_of_infinity():
    np.testing.assert_array_equal(activations.leaky_relu([-np.inf, np.inf], 0.0), [0, np.inf])
    layer = layers.PReLU(1, slope=0.0)
    layer.forward([[-np.inf], [1.0]])
    layer.backward([[0.0], [1.0]])
    assert layer.gradients[0] == 0


# Numbers at the edges


@pytest.mark.parametrize("x", [1e4, 1e50, 1e103, 1e154, 1e160, 1e300])
def test_activations_of_huge_numbers(x):
    with np.errstate(all="raise", under="ignore"):
        for name in ("gelu", "silu", "mish", "elu", "softplus", "sigmoid", "tanh", "relu", "leaky_relu"):
            for options in ({}, {"approximate": True}) if name == "gelu" else ({},):
                value, slope = (
                    getattr(activations, name + suffix)([-x, x], **options) for suffix in ("", "_grad")
                )
                left, right = {
                    "sigmoid": (0, 1),
                    "tanh": (-1, 1),
                    "elu": (-1, x),
                    "leaky_relu": (-0.01 * x, x),
                }.get(name, (0, x))
                np.testing.assert_array_equal(value, [left, right])
                ends = {"sigmoid": (0, 0), "tanh": (0, 0), "leaky_relu": (0.01, 1)}.get(name, (0, 1))
                np.testing.assert_array_equal(slope, ends)


@pytest.mark.parametrize("beta", [1e-300, 1e-160, 1e-3, 1.0, 1e3, 1e160, 1e200, 1e308])
def test_f_score_of_any_beta(beta):
    # Class 0 has the precision 1/2 and the recall 1, class 1 has 1 and 1/2.
    score = metrics.FBetaScore(beta=beta, threshold=0.5)([[1, 0], [0, 1], [0, 1]], [[1, 0], [1, 1], [0, 0]])
    ratio = beta**2 if 1e-100 < beta < 1e100 else (0 if beta < 1 else math.inf)
    expected = [1.0, 0.5] if ratio == math.inf else [(1 + ratio) / (2 + ratio), (1 + ratio) / (1 + 2 * ratio)]
    np.testing.assert_allclose(score, expected, rtol=1e-12)


def test_numbers_of_numpy_leave_the_dtype_alone():
    for number in (np.float64(0.5), np.array(0.5), np.float32(0.5)):
        theta = np.ones(2, np.float32)
        optimizers.SGD(number, momentum=number).update([theta], [theta.copy()])
        np.testing.assert_array_equal(theta, np.float32(0.5))
        assert activations.elu(theta, number).dtype == np.float32
        assert losses.huber(theta, theta, number).dtype == np.float32
        assert losses.smooth_labels(theta, number).dtype == np.float32
        assert regularizers.dropout(theta, number, True, rng()).dtype == np.float32
        assert regularizers.l2_sgd_update(theta, theta, number, number).dtype == np.float32
        assert augmentation.change_speed(theta, number).dtype == np.float32


def test_a_network_of_half_precision_has_the_gradient_of_the_exact_one():
    x, y = rng().normal(size=(MANY, 3)), rng().integers(0, 4, MANY)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    half, exact = (mlp([3, 8, 4], rng(), "tanh", dtype=dtype) for dtype in (np.float16, np.float64))
    for model in (half, exact):
        model.vector[:] = half.vector
        model.backward(loss.gradient(y, model(x)))
    scale = np.abs(exact.gradient_vector).max()
    np.testing.assert_allclose(half.gradient_vector / scale, exact.gradient_vector / scale, atol=2e-3)


# Sounds


@pytest.mark.parametrize("factor", [0.25, 0.5, 0.67, 0.8, 1.25, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("frequency", [220.0, 447.3])
def test_a_tone_keeps_its_loudness_at_any_pitch(factor, frequency):
    t = np.arange(8000) / 8000
    loudness = np.sqrt(
        np.square(augmentation.change_pitch(np.sin(2 * np.pi * frequency * t), factor))
        .reshape(20, -1)
        .mean(1)
    )
    np.testing.assert_allclose(loudness[:-1], 0.5**0.5, rtol=0.03)
    # Where it ends in the middle of a period, its mirror image does not quite go on.
    assert loudness[-1] == pytest.approx(0.5**0.5, rel=0.15)


@pytest.mark.parametrize("factor", [0.5, 0.67, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("start", [0.5, 0.513])
def test_a_tone_after_silence_keeps_its_loudness(factor, start):
    t = np.arange(8000) / 8000
    sound = np.where(t < start, 0, np.sin(2 * np.pi * 440 * t))
    loudness = np.sqrt(np.square(augmentation.change_pitch(sound, factor)).reshape(20, -1).mean(1))
    np.testing.assert_allclose(loudness[12:], 0.5**0.5, rtol=0.03)
    assert loudness[:8].max() < 0.01


@pytest.mark.parametrize("factor", [0.67, 0.8, 1.25, 1.5])
def test_the_second_of_two_tones_is_as_loud_as_the_first(factor):
    from npfl.data import tone

    melody = np.concatenate([tone(220, 0.25), tone(330, 0.25)])
    parts = [np.square(half).sum() ** 0.5 for half in np.split(augmentation.change_pitch(melody, factor), 2)]
    before = [np.square(half).sum() ** 0.5 for half in np.split(melody, 2)]
    np.testing.assert_allclose(parts, before, rtol=0.15)


def test_a_chord_keeps_each_of_its_tones():
    t = np.arange(8000) / 8000
    chord = sum(np.sin(2 * np.pi * f * t) for f in (440, 554, 659))
    spectrum = np.abs(np.fft.rfft(augmentation.change_pitch(chord, 1.25))) / 4000
    for f in (550, 692, 824):
        assert np.square(spectrum[f - 6 : f + 7]).sum() ** 0.5 == pytest.approx(1, rel=0.1)


def test_short_and_silent_sounds():
    for length in (1, 2, 100, 513):
        for factor in (0.5, 2.0):
            assert np.isfinite(augmentation.change_pitch(np.ones(length), factor)).all()
    assert not augmentation.change_pitch(np.zeros((2, 3000)), 1.5).any()
    assert augmentation.change_pitch(np.zeros((0, 100)), 0.5).shape == (0, 100)


def test_a_check_of_a_gradient_of_float16_is_in_float64():
    assert check_gradient(lambda x: (x**2).sum(), np.ones(3, np.float16), np.full(3, 2, np.float16)) < 1e-6
