import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from npfl import losses
from npfl.activations import sigmoid, softmax
from npfl.losses import Reduction
from npfl.testing import check_gradient

# How each loss is made, and which gold values and predictions it takes.
CASES = {
    "mse": (losses.MeanSquaredError, {}, "real", "real"),
    "mae": (losses.MeanAbsoluteError, {}, "real", "real"),
    "huber": (losses.Huber, {"delta": 0.5}, "real", "real"),
    "hinge": (losses.Hinge, {}, "sign", "real"),
    "hinge of bits": (losses.Hinge, {}, "bit", "real"),
    "binary": (losses.BinaryCrossentropy, {}, "probability", "probability"),
    "binary smoothed": (losses.BinaryCrossentropy, {"label_smoothing": 0.2}, "bit", "probability"),
    "binary logits": (losses.BinaryCrossentropy, {"from_logits": True}, "probability", "real"),
    "categorical": (losses.CategoricalCrossentropy, {}, "probability", "probability"),
    "categorical smoothed": (losses.CategoricalCrossentropy, {"label_smoothing": 0.2}, "bit", "probability"),
    "categorical logits": (losses.CategoricalCrossentropy, {"from_logits": True}, "probability", "real"),
    "sparse": (losses.SparseCategoricalCrossentropy, {}, "index", "probability"),
    "sparse logits": (losses.SparseCategoricalCrossentropy, {"from_logits": True}, "index", "real"),
    "kl": (losses.KLDivergence, {}, "probability", "probability"),
}
ELEMENTWISE = ["mse", "mae", "huber", "hinge", "binary"]
REDUCED = [Reduction.AUTO, Reduction.SUM_OVER_BATCH_SIZE, Reduction.MEAN, Reduction.SUM]
every_loss = pytest.mark.parametrize("case", CASES)


def make(case, reduction=Reduction.AUTO):
    loss, options, _, _ = CASES[case]
    return loss(**options, reduction=reduction)


def draw(case, shape, rng, dtype=np.float64):
    def values(kind):
        match kind:
            case "real":
                return rng.normal(size=shape).astype(dtype)
            case "sign":
                return rng.choice([-1, 1], shape).astype(dtype)
            case "bit":
                return rng.integers(0, 2, shape).astype(dtype)
            case "probability":
                return rng.uniform(0.1, 0.9, shape).astype(dtype)
            case "index":
                return rng.integers(0, shape[-1], shape[:-1])

    return values(CASES[case][2]), values(CASES[case][3])


@pytest.mark.parametrize(
    ("function", "y_true", "y_pred", "value"),
    [
        (losses.mean_squared_error, [[1, 2], [3, 4]], [[1.5, 4], [3, 1]], [(0.25 + 4) / 2, 9 / 2]),
        (losses.mean_absolute_error, [[1, 2], [3, 4]], [[1.5, 4], [3, 1]], [(0.5 + 2) / 2, 3 / 2]),
        (losses.huber, [[1, 2], [3, 4]], [[1.5, 4], [3, 1]], [(0.125 + 1.5) / 2, 2.5 / 2]),
        (losses.hinge, [[1, -1, 1]], [[0.25, 0.25, 3]], [(0.75 + 1.25) / 3]),
        (losses.hinge, [[1, 0, 1]], [[0.25, 0.25, 3]], [(0.75 + 1.25) / 3]),
        (losses.binary_crossentropy, [[1, 0]], [[0.25, 0.5]], [(math.log(4) + math.log(2)) / 2]),
        (losses.binary_crossentropy, [[0.5]], [[0.25]], [(math.log(4) + math.log(4 / 3)) / 2]),
        (losses.categorical_crossentropy, [[1, 0, 0]], [[0.25, 0.5, 0.25]], [math.log(4)]),
        (losses.categorical_crossentropy, [[0.5, 0.5, 0]], [[0.25, 0.5, 0.25]], [1.5 * math.log(2)]),
        # Predictions are divided by their sum first.
        (losses.categorical_crossentropy, [[0, 1]], [[0.2, 0.6]], [-math.log(0.75)]),
        (losses.sparse_categorical_crossentropy, [1], [[0.2, 0.6]], [-math.log(0.75)]),
        (losses.sparse_categorical_crossentropy, [2, 0], [[0.5, 0.25, 0.25]] * 2, [math.log(4), math.log(2)]),
        (losses.kl_divergence, [[0.5, 0.5]], [[0.25, 0.75]], [math.log(2) / 2 + math.log(2 / 3) / 2]),
    ],
)
def test_by_hand(function, y_true, y_pred, value):
    np.testing.assert_allclose(function(y_true, y_pred), value, rtol=1e-15)


@pytest.mark.parametrize("delta", [0.25, 1.0, 3.0])
def test_huber_is_quadratic_then_linear_and_smooth(delta):
    y = np.zeros((1, 1))
    for error, value in [
        (delta / 2, delta**2 / 8),
        (delta, delta**2 / 2),
        (-2 * delta, 1.5 * delta**2),
        (1e4, delta * 1e4 - delta**2 / 2),
    ]:
        assert losses.huber(y, [[error]], delta)[0] == pytest.approx(value, rel=1e-12)
        assert losses.Huber(delta=delta).gradient(y, [[error]])[0, 0] == np.clip(error, -delta, delta)


@pytest.mark.parametrize("z", [-40.0, -3.0, 0.0, 2.0, 40.0])
@pytest.mark.parametrize("g", [0.0, 0.3, 1.0])
def test_binary_logits_equal_the_definition(z, g):
    # log(1 + e^z) without overflow for these z, in its textbook form.
    value = g * math.log1p(math.exp(-z)) + (1 - g) * math.log1p(math.exp(z))
    assert losses.binary_crossentropy([[g]], [[z]], from_logits=True)[0] == pytest.approx(value, rel=1e-14)


@given(
    arrays(np.float64, (3, 4), elements=st.floats(-5, 5)),
    arrays(np.float64, (3, 4), elements=st.floats(0, 1)),
)
def test_logits_and_probabilities_agree(z, g):
    np.testing.assert_allclose(
        losses.binary_crossentropy(g, z, from_logits=True),
        losses.binary_crossentropy(g, sigmoid(z)),
        rtol=1e-9,
    )
    np.testing.assert_allclose(
        losses.categorical_crossentropy(g, z, from_logits=True),
        losses.categorical_crossentropy(g, 0.5 * softmax(z)),
        rtol=1e-9,
        atol=1e-12,
    )


@given(
    arrays(np.float64, (5, 3), elements=st.floats(-10, 10)), arrays(np.int64, 5, elements=st.integers(0, 2))
)
def test_sparse_equals_one_hot(z, labels):
    one_hot = np.eye(3)[labels]
    for from_logits, y_pred in [(True, z), (False, softmax(z))]:
        dense = losses.CategoricalCrossentropy(from_logits=from_logits, reduction="none")
        sparse = losses.SparseCategoricalCrossentropy(from_logits=from_logits, reduction="none")
        np.testing.assert_allclose(sparse(labels, y_pred), dense(one_hot, y_pred), rtol=1e-15)
        np.testing.assert_allclose(
            sparse.gradient(labels, y_pred), dense.gradient(one_hot, y_pred), rtol=1e-14
        )


@given(
    arrays(np.float64, (5, 3), elements=st.floats(0.01, 1)),
    arrays(np.float64, (5, 3), elements=st.floats(0.01, 1)),
)
def test_cross_entropy_is_entropy_plus_divergence(g, o):
    g, o = (a / a.sum(axis=-1, keepdims=True) for a in (g, o))
    np.testing.assert_allclose(
        losses.categorical_crossentropy(g, o),
        losses.categorical_crossentropy(g, g) + losses.kl_divergence(g, o),
        atol=1e-12,
    )
    assert (losses.kl_divergence(g, o) >= -1e-15).all()


def test_smooth_labels():
    np.testing.assert_allclose(losses.smooth_labels(np.eye(10)[3], 0.1)[2:5], [0.01, 0.91, 0.01], rtol=1e-14)
    np.testing.assert_allclose(losses.smooth_labels([[0.5, 0.5], [1, 0]], 0.5), [[0.5, 0.5], [0.75, 0.25]])
    np.testing.assert_array_equal(losses.smooth_labels([[0, 1]], 0), [[0, 1]])
    np.testing.assert_array_equal(losses.smooth_labels([[0, 1]], 1), [[0.5, 0.5]])
    assert losses.smooth_labels(np.eye(2, dtype=np.float32), 0.1).dtype == np.float32
    assert losses.smooth_labels(np.zeros((0, 2)), 0.1).shape == (0, 2)
    with pytest.raises(ValueError, match=r"alpha must lie in \[0, 1\], got 1.5"):
        losses.smooth_labels([[0, 1]], 1.5)
    with pytest.raises(ValueError, match="y_true must hold at least one value on its last axis"):
        losses.smooth_labels([], 0.1)


def test_label_smoothing_of_the_losses():
    p = np.array([[0.25, 0.5, 0.25]])
    np.testing.assert_allclose(
        losses.categorical_crossentropy([[1, 0, 0]], p, label_smoothing=0.3),
        losses.categorical_crossentropy([[0.8, 0.1, 0.1]], p),
    )
    np.testing.assert_allclose(
        losses.binary_crossentropy([[1, 0, 1]], p, label_smoothing=0.3),
        losses.binary_crossentropy([[0.85, 0.15, 0.85]], p),
    )


def test_smoothed_loss_has_its_minimum_at_a_finite_gap_of_the_logits():
    alpha, classes = 0.1, 10
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=alpha)
    gold = np.eye(classes)[:1]
    gap = math.log(1 + classes * (1 - alpha) / alpha)
    np.testing.assert_allclose(loss.gradient(gold, gap * gold), 0, atol=1e-15)
    assert loss(gold, gap * gold) > 0


def test_gradients_by_hand():
    K, B = 2, 3
    y, y_hat = np.zeros((B, K)), np.arange(6.0).reshape(B, K)
    np.testing.assert_allclose(losses.MeanSquaredError().gradient(y, y_hat), 2 * y_hat / (K * B))
    np.testing.assert_allclose(losses.MeanSquaredError(reduction="sum").gradient(y, y_hat), 2 * y_hat / K)
    z, g = np.log([[1.0, 2.0, 5.0]]), np.array([[0.5, 0.25, 0.75]])
    o = np.array([[1, 2, 5]]) / 8
    loss = losses.CategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(loss.gradient(g, z), 1.5 * o - g, rtol=1e-14)
    np.testing.assert_allclose(loss.gradient([0, 1, 0], z[0]), o[0] - [0, 1, 0], rtol=1e-14)
    binary = losses.BinaryCrossentropy(from_logits=True)
    np.testing.assert_allclose(binary.gradient(g, z), (sigmoid(z) - g) / 3, rtol=1e-14)


def test_gradients_at_kinks_are_zero():
    assert losses.MeanAbsoluteError().gradient([[1.0]], [[1.0]]) == 0
    assert losses.Hinge().gradient([[1.0]], [[1.0]]) == 0
    assert losses.Hinge().gradient([[-1.0]], [[-1.0]]) == 0


@every_loss
@pytest.mark.parametrize("reduction", Reduction)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4), (3, 1)])
@pytest.mark.parametrize("weighted", [0, 1, 2])
def test_gradient(case, reduction, shape, weighted):
    rng = np.random.default_rng(sum(shape))
    y_true, y_pred = draw(case, shape, rng)
    weight = rng.random(shape[:-1][:weighted]) if weighted else None
    loss = make(case, reduction)
    gradient = loss.gradient(y_true, y_pred, weight)
    check_gradient(lambda p: loss(y_true, p, weight).sum(), y_pred, gradient, tolerance=1e-7)


@every_loss
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), batch=st.integers(0, 4), outputs=st.integers(1, 4))
def test_reductions(case, seed, batch, outputs):
    rng = np.random.default_rng(seed)
    y_true, y_pred = draw(case, (batch, 2, outputs), rng)
    weight = rng.random((batch, 2))
    before = [a.copy() for a in (y_true, y_pred, weight)]
    separate = make(case, Reduction.NONE)(y_true, y_pred)
    assert separate.shape == (batch, 2)
    np.testing.assert_array_equal(separate, make(case).call(y_true, y_pred))
    for reduction in REDUCED:
        loss = make(case, reduction)
        divisor = 1 if reduction is Reduction.SUM else max(1, 2 * batch)
        np.testing.assert_allclose(loss(y_true, y_pred), separate.sum() / divisor, rtol=1e-13)
        np.testing.assert_allclose(
            loss(y_true, y_pred, weight), (weight * separate).sum() / divisor, rtol=1e-13
        )
        # A weight for each example serves all its losses, and one number all examples.
        np.testing.assert_allclose(
            loss(y_true, y_pred, weight[:, 0]), (weight[:, :1] * separate).sum() / divisor, rtol=1e-13
        )
        np.testing.assert_allclose(loss(y_true, y_pred, 2), 2 * separate.sum() / divisor, rtol=1e-13)
        assert loss.gradient(y_true, y_pred, weight).shape == y_pred.shape
    for array, original in zip((y_true, y_pred, weight), before, strict=True):
        np.testing.assert_array_equal(array, original)


def test_the_mean_divides_by_the_number_of_losses_not_by_the_weights():
    y_true, y_pred = np.zeros((4, 1)), np.ones((4, 1))
    assert losses.MeanSquaredError()(y_true, y_pred, sample_weight=[1, 1, 0, 0]) == 0.5
    assert losses.MeanSquaredError(reduction="sum")(y_true, y_pred, sample_weight=[1, 1, 0, 0]) == 2
    np.testing.assert_array_equal(
        losses.MeanSquaredError(reduction="none")(y_true, y_pred, sample_weight=[1, 1, 0, 0]), [1, 1, 0, 0]
    )


@every_loss
def test_an_empty_batch_has_the_loss_zero(case):
    y_true, y_pred = draw(case, (0, 3), np.random.default_rng(1))
    for reduction in REDUCED:
        assert make(case, reduction)(y_true, y_pred) == 0
        assert make(case, reduction)(y_true, y_pred, sample_weight=[]) == 0
        assert make(case, reduction).gradient(y_true, y_pred).shape == (0, 3)
    assert make(case, Reduction.NONE)(y_true, y_pred).shape == (0,)


@every_loss
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_result_has_the_dtype_of_the_predictions(case, dtype):
    y_true, y_pred = draw(case, (4, 3), np.random.default_rng(1))
    exact, gradient = make(case)(y_true, y_pred), make(case).gradient(y_true, y_pred)
    y_pred = y_pred.astype(dtype)
    for reduction in Reduction:
        for weight in (None, [0.5, 1.0, 1.0, 1.0], 2):
            loss = make(case, reduction)
            assert loss(y_true, y_pred, weight).dtype == dtype
            assert loss.gradient(y_true, y_pred, weight).dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(make(case)(y_true, y_pred), exact, rtol=20 * eps)
    np.testing.assert_allclose(make(case).gradient(y_true, y_pred), gradient, rtol=40 * eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@every_loss
def test_extremes(case, dtype):
    kinds = CASES[case][2:]
    # The square of 1e4 is beyond float16.
    high = 100 if dtype is np.float16 and case == "mse" else 1e4
    extremes = {"real": [high, -high], "sign": [1, -1], "bit": [1, 0], "probability": [1, 0], "index": 0}
    y_true, y_pred = (np.array([extremes[kind]]) for kind in kinds)
    y_pred = y_pred.astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        for y in (y_pred, y_pred[:, ::-1].copy()):
            for reduction in Reduction:
                loss = make(case, reduction)
                assert np.isfinite(loss(y_true, y)).all()
                assert np.isfinite(loss.gradient(y_true, y)).all()


def test_extreme_values():
    binary = losses.BinaryCrossentropy(from_logits=True)
    np.testing.assert_array_equal(binary([[1.0, 0.0]], [[-1e4, 1e4]]), 1e4)
    np.testing.assert_array_equal(binary([[1.0, 0.0]], [[1e4, -1e4]]), 0)
    categorical = losses.CategoricalCrossentropy(from_logits=True)
    np.testing.assert_array_equal(categorical([[1, 0]], [[-1e4, 1e4]]), 2e4)
    np.testing.assert_array_equal(categorical.gradient([[1, 0]], [[-1e4, 1e4]]), [[-1, 1]])


def test_probabilities_are_clipped_and_have_no_gradient_there():
    limit = -math.log(1e-7)
    for p in (0.0, 1e-9, 1e-300):
        assert losses.BinaryCrossentropy()([[1]], [[p]]) == pytest.approx(limit, rel=1e-14)
        assert losses.BinaryCrossentropy().gradient([[1]], [[p]]) == 0
        assert losses.BinaryCrossentropy()([[0]], [[1 - p]]) == pytest.approx(limit, rel=1e-8)
        assert losses.BinaryCrossentropy().gradient([[0]], [[1 - p]]) == 0
        for loss, gold in [
            (losses.CategoricalCrossentropy(), [[1, 0]]),
            (losses.SparseCategoricalCrossentropy(), [0]),
        ]:
            assert loss(gold, [[p, 1 - p]]) == pytest.approx(limit, rel=1e-14)
            np.testing.assert_array_equal(loss.gradient(gold, [[p, 1 - p]]), [[0, 0]])
        assert losses.KLDivergence()([[1, 1e-7]], [[p, 1e-7]]) == pytest.approx(limit, rel=1e-14)
        assert losses.KLDivergence().gradient([[1, 0]], [[p, 1e-7]])[0, 0] == 0
    # Just inside, the gradient is that of the logarithm.
    assert losses.BinaryCrossentropy().gradient([[1]], [[1e-7]]) == pytest.approx(-1e7, rel=1e-6)
    assert losses.KLDivergence().gradient([[1.0]], [[1.0]]) == -1
    # Half precision has no number between 1 - 5e-4 and 1, but has the same bound.
    half = losses.binary_crossentropy([[0]], np.ones((1, 1), np.float16))
    assert (half, half.dtype) == (pytest.approx(limit, rel=0.02), np.float16)


def test_categorical_gradient_leaves_out_the_clipped_class_only():
    loss = losses.CategoricalCrossentropy()
    y_true, y_pred = np.array([[0.5, 0.25, 0.25]]), np.array([[1e-10, 0.5, 0.3]])
    # Far below the clip, central differences must stay in the clipped region: the step is smaller than 1e-7.
    check_gradient(
        lambda p: loss(y_true, p), y_pred, loss.gradient(y_true, y_pred), step=5e-11, tolerance=1e-4
    )


def test_rounding_above_one_is_allowed():
    p = np.full((1, 1), np.nextafter(1, 2))
    assert losses.binary_crossentropy([[1]], p) == pytest.approx(1e-7, rel=1e-6)
    assert losses.kl_divergence(p, p) == 0


@pytest.mark.parametrize("case", ELEMENTWISE)
def test_a_vector_of_predictions_is_refused_by_the_classes(case):
    y_true, y_pred = draw(case, (3,), np.random.default_rng(1))
    for f in (make(case), make(case).gradient):
        with pytest.raises(
            ValueError, match=r"y_pred must have shape \(B, \.\.\., K\), got \(3,\): use \(B, 1\)"
        ):
            f(y_true, y_pred)


@pytest.mark.parametrize("case", ["categorical", "categorical logits", "sparse", "sparse logits", "kl"])
def test_one_distribution_needs_no_batch(case):
    y_true, y_pred = draw(case, (3,), np.random.default_rng(1))
    batch = make(case)(np.asarray(y_true)[None], y_pred[None])
    for reduction in Reduction:
        assert make(case, reduction)(y_true, y_pred) == batch
        check_gradient(
            lambda p, reduction=reduction: make(case, reduction)(y_true, p),
            y_pred,
            make(case, reduction).gradient(y_true, y_pred),
        )


@every_loss
@pytest.mark.parametrize(
    "shapes", [((1, 3), (3, 3)), ((3, 2), (1, 2)), ((2,), (3, 2)), ((4, 3, 1), (4, 1, 3))]
)
def test_shapes_are_not_broadcast(case, shapes):
    rng = np.random.default_rng(1)
    y_true = draw(case, shapes[0], rng)[0]
    y_pred = draw(case, shapes[1], rng)[1]
    for f in (make(case), make(case).gradient, make(case).call):
        with pytest.raises(ValueError, match=r"y_true (and y_pred )?must have (the same )?shape.* got \("):
            f(y_true, y_pred)


@every_loss
def test_refuses_no_outputs(case):
    y_true, y_pred = np.zeros((2, 0)), np.zeros((2, 0))
    with pytest.raises(
        ValueError, match=r"y_pred must hold at least one value on its last axis, got shape \(2, 0\)"
    ):
        make(case)(y_true, y_pred)
    with pytest.raises(ValueError, match="y_pred must"):
        make(case)(0, 0.5)


@every_loss
def test_refuses_weights_of_other_shapes(case):
    y_true, y_pred = draw(case, (2, 3, 4), np.random.default_rng(1))
    for shape in [(3,), (2, 1), (1, 3), (2, 3, 4), (2, 3, 1), (0,)]:
        for f in (make(case), make(case).gradient):
            with pytest.raises(
                ValueError, match=r"sample_weight must have shape \(2, 3\) or its beginning, got \("
            ):
                f(y_true, y_pred, np.ones(shape))
    with pytest.raises(TypeError, match="sample_weight must be an array of real numbers"):
        make(case)(y_true, y_pred, ["a", "b"])


@every_loss
def test_refuses_what_is_not_real(case):
    y_true, y_pred = draw(case, (2, 3), np.random.default_rng(1))
    with pytest.raises(TypeError, match="y_pred must be an array of real numbers, got dtype"):
        make(case)(y_true, y_pred.astype(complex))
    with pytest.raises(
        TypeError, match=r"y_true must (be an array of real numbers|hold integers).* got dtype"
    ):
        make(case)(y_true.astype(str), y_pred)


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "message"),
    [
        (
            losses.BinaryCrossentropy(),
            [[1]],
            [[1.5]],
            r"y_pred must hold probabilities in \[0, 1\], not logits, got 1.5",
        ),
        (losses.BinaryCrossentropy(), [[1]], [[-0.5]], r"y_pred must hold probabilities in \[0, 1\]"),
        (losses.BinaryCrossentropy(), [[1]], [[math.nan]], r"y_pred must hold probabilities in \[0, 1\]"),
        (
            losses.BinaryCrossentropy(from_logits=True),
            [[2]],
            [[1.5]],
            r"y_true must hold probabilities in \[0, 1\]",
        ),
        (losses.BinaryCrossentropy(), [[-1]], [[0.5]], r"y_true must hold probabilities in \[0, 1\]"),
        (
            losses.CategoricalCrossentropy(),
            [[1, 0]],
            [[1.5, -0.5]],
            "y_pred must hold probabilities, not negative",
        ),
        (
            losses.CategoricalCrossentropy(),
            [[1, 0]],
            [[0, 0]],
            "y_pred must hold probabilities, .* not all 0",
        ),
        (losses.CategoricalCrossentropy(), [[1, 0]], [[math.inf, 0]], "y_pred must hold probabilities"),
        (losses.CategoricalCrossentropy(), [[1, 0]], [[math.nan, 0]], "y_pred must hold probabilities"),
        (
            losses.CategoricalCrossentropy(from_logits=True),
            [[1, -1]],
            [[0.5, 0.5]],
            "y_true must not be negative, got -1",
        ),
        (losses.SparseCategoricalCrossentropy(), [0], [[1.5, -0.5]], "y_pred must hold probabilities"),
        (
            losses.SparseCategoricalCrossentropy(),
            [2],
            [[0.5, 0.5]],
            r"y_true must lie in \[0, 1\], got 2 to 2",
        ),
        (
            losses.SparseCategoricalCrossentropy(),
            [-1],
            [[0.5, 0.5]],
            r"y_true must lie in \[0, 1\], got -1 to -1",
        ),
        (losses.SparseCategoricalCrossentropy(), [[0]], [[0.5, 0.5]], r"y_true must have shape \(1,\)"),
        (losses.KLDivergence(), [[1, 0]], [[1.5, 0]], r"y_pred must hold probabilities in \[0, 1\]"),
        (losses.KLDivergence(), [[2, 0]], [[0.5, 0.5]], r"y_true must hold probabilities in \[0, 1\]"),
        (losses.Hinge(), [[0.5]], [[1.0]], "y_true must hold only -1 and 1, or only 0 and 1"),
        (losses.Hinge(), [[-1, 0, 1]], [[1.0, 1.0, 1.0]], "y_true must hold only -1 and 1, or only 0 and 1"),
    ],
)
def test_refuses_values_out_of_range(loss, y_true, y_pred, message):
    for f in (loss, loss.gradient):
        with pytest.raises(ValueError, match=message):
            f(y_true, y_pred)


def test_sparse_labels_are_integers():
    for labels in ([0.0], [True]):
        with pytest.raises(TypeError, match="y_true must hold integers, the indices of classes, got dtype"):
            losses.sparse_categorical_crossentropy(labels, [[0.5, 0.5]])
    for dtype in (np.int8, np.uint8, np.uint64):
        assert losses.sparse_categorical_crossentropy(np.array([1], dtype), [[0.5, 0.5]]) == math.log(2)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_refuses_label_smoothing_out_of_range(value):
    for make_or_call in (
        lambda: losses.BinaryCrossentropy(label_smoothing=value),
        lambda: losses.CategoricalCrossentropy(label_smoothing=value),
        lambda: losses.binary_crossentropy([[1]], [[0.5]], label_smoothing=value),
        lambda: losses.categorical_crossentropy([[1]], [[0.5]], label_smoothing=value),
    ):
        with pytest.raises(ValueError, match=r"label_smoothing must lie in \[0, 1\], got"):
            make_or_call()


@pytest.mark.parametrize("delta", [0, -1, math.inf, math.nan])
def test_refuses_delta_out_of_range(delta):
    for make_or_call in (lambda: losses.Huber(delta=delta), lambda: losses.huber([[1]], [[1]], delta)):
        with pytest.raises(ValueError, match="delta must be positive and finite, got"):
            make_or_call()


@every_loss
def test_constructor(case):
    loss, options, _, _ = CASES[case]
    for reduction in Reduction:
        assert loss(**options, reduction=reduction.value).reduction is reduction
    assert loss().reduction is Reduction.AUTO
    assert loss(name="mine").name == "mine"
    assert loss(reduction=None).reduction is Reduction.NONE
    with pytest.raises(TypeError, match="positional argument"):
        loss("sum")
    made = loss()
    made.reduction = "mean"
    assert made.reduction is Reduction.MEAN
    for wrong, kind in (("median", ValueError), (3, TypeError)):
        message = f"reduction must be one of 'auto', .*'none', got {wrong!r}"
        with pytest.raises(kind, match=message):
            loss(reduction=wrong)
        with pytest.raises(kind, match=message):
            made.reduction = wrong
    assert made.reduction is Reduction.MEAN
    with pytest.raises(TypeError, match="name must be a string, got True"):
        loss(name=True)


def test_names():
    for loss in (case[0] for case in CASES.values()):
        function = loss().name.removesuffix("_loss")
        assert callable(getattr(losses, function))


def test_a_loss_of_ones_own():
    class Quartic(losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_pred - y_true) ** 4).mean(axis=-1)

        def call_gradient(self, y_true, y_pred):
            return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]

    y_true, y_pred = np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)
    loss = Quartic()
    check_gradient(lambda p: loss(y_true, p, [1, 2]), y_pred, loss.gradient(y_true, y_pred, [1, 2]))
    with pytest.raises(TypeError, match="abstract"):
        losses.Loss()
