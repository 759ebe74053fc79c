import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from npfl.regularizers import L1, L2, _dropout_mask, dropout, l1_proximal_update, l1_sgd_update, l2_sgd_update
from npfl.testing import check_gradient

values = arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.floats(-1e4, 1e4))
UPDATES = [l2_sgd_update, l1_sgd_update, l1_proximal_update]


@given(values, st.floats(0, 0.99), st.integers(0, 2**32))
def test_dropout_scales_or_drops(x, rate, seed):
    before = x.copy()
    with np.errstate(all="raise", under="ignore"):
        y = dropout(x, rate, training=True, rng=np.random.default_rng(seed))
    assert y.shape == x.shape
    assert np.logical_or(y == 0, np.isclose(y, x / (1 - rate), rtol=1e-15)).all()
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_rate_is_the_share_dropped_and_keeps_the_mean(rate):
    y = dropout(np.ones((200, 500)), rate, training=True, rng=np.random.default_rng(1))
    assert (y == 0).mean() == pytest.approx(rate, abs=0.005)
    assert y.mean() == pytest.approx(1, abs=0.04)


def test_dropout_draws_for_every_element():
    y = dropout(np.ones((100, 100)), 0.5, training=True, rng=np.random.default_rng(1))
    assert len(np.unique(y, axis=0)) == 100
    assert len(np.unique(y, axis=1).T) == 100


def test_dropout_without_training_is_the_identity():
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(dropout(x, 0.9), x)
    np.testing.assert_array_equal(dropout(x, 0.9, training=False, rng=np.random.default_rng(1)), x)
    np.testing.assert_array_equal(dropout(x, 0.0, training=True, rng=np.random.default_rng(1)), x)


def test_dropout_defaults_to_half():
    y = dropout(np.ones(1000), training=True, rng=np.random.default_rng(1))
    assert set(np.unique(y)) == {0.0, 2.0}


def test_dropout_follows_its_generator():
    np.random.seed(1)  # noqa: NPY002 - the global state must play no part
    first = dropout(np.ones(50), 0.5, True, np.random.default_rng(3))
    np.testing.assert_array_equal(first, dropout(np.ones(50), 0.5, True, np.random.default_rng(3)))
    assert (first != dropout(np.ones(50), 0.5, True, np.random.default_rng(4))).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dropout_keeps_dtype(dtype):
    for shape in [(), (3,), (0, 2)]:
        y = dropout(np.ones(shape, dtype), 0.3, True, np.random.default_rng(1))
        assert y.dtype == dtype
        mask = _dropout_mask(np.ones(shape, dtype), 0.3, np.random.default_rng(1))
        assert mask.dtype == (np.float32 if dtype == np.float16 else dtype)
    assert dropout([1, 2], 0.3, True, np.random.default_rng(1)).dtype == np.float64


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_dropout_refuses_rates(rate):
    for training in (False, True):
        with pytest.raises(ValueError, match="rate must be at least 0 and below 1, got"):
            dropout([1.0], rate, training, np.random.default_rng(1))


def test_dropout_errors():
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator such as"):
        dropout([1.0], training=True)
    with pytest.raises(TypeError, match="inputs must be an array of real numbers, got dtype"):
        dropout(["a"])


@pytest.mark.parametrize(
    ("penalty", "value", "gradient"),
    [(L2(0.5), 15.0, [1.0, -2.0, 5.0, 0.0]), (L1(0.5), 4.0, [0.5, -0.5, 0.5, 0.0])],
)
def test_penalty_by_hand(penalty, value, gradient):
    weights = np.array([1.0, -2.0, 5.0, 0.0])  # squares 1 + 4 + 25 = 30, magnitudes 1 + 2 + 5 = 8
    assert penalty(weights) == value
    np.testing.assert_array_equal(penalty.gradient(weights), gradient)


@pytest.mark.parametrize("penalty", [L2(0.3), L1(0.3)])
def test_penalty_gradient(penalty):
    weights = np.random.default_rng(1).normal(size=(2, 3, 4))
    before = weights.copy()
    check_gradient(penalty, weights, penalty.gradient(weights))
    np.testing.assert_array_equal(weights, before)


@pytest.mark.parametrize("kind", [L1, L2])
def test_penalty_types_extremes_and_errors(kind):
    penalty = kind(0.5)
    for dtype in (np.float16, np.float32, np.float64):
        for shape in [(), (3,), (0, 2)]:
            assert penalty.gradient(np.ones(shape, dtype)).dtype == dtype
    assert isinstance(penalty(np.ones(3, np.float32)), float)
    assert penalty(np.zeros((0, 2))) == 0
    with np.errstate(all="raise"):
        assert penalty(np.full(4, -1e4, np.float16)) == {L1: 2e4, L2: 2e8}[kind]
    assert kind(0)([5.0]) == 0
    for strength in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="strength must be finite and not negative, got"):
            kind(strength)
    with pytest.raises(TypeError, match="weights must be an array of real numbers"):
        penalty(["a"])


def test_l2_update_by_hand():
    # 1 - 2 · 0.5 · 0.1 = 0.9
    np.testing.assert_allclose(l2_sgd_update([10.0, -2.0], [1.0, 4.0], 0.5, 0.1), [8.5, -3.8], rtol=1e-15)


def test_l1_update_by_hand():
    # α λ = 0.2; the signs and magnitudes are those before the step; the second is smaller than α λ.
    weights, gradient = [1.0, 0.1, -1.0, -0.1, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(
        l1_sgd_update(weights, gradient, 0.5, 0.4), [0.3, -0.5, -1.3, -0.5, -0.5], rtol=1e-15
    )


def test_l1_proximal_update_by_hand():
    weights, gradient = [1.0, 0.6, -1.0, 0.4, 0.0], [1.0, 1.0, 1.0, 1.0, 0.0]
    # After the gradient step: 0.5, 0.1, -1.5, -0.1, 0; then 0.2 towards 0.
    updated = l1_proximal_update(weights, gradient, 0.5, 0.4)
    np.testing.assert_allclose(updated, [0.3, 0.0, -1.3, 0.0, 0.0], rtol=1e-15)
    assert not np.signbit(updated[[1, 3, 4]]).any()


@given(values, st.floats(0.001, 0.7), st.floats(0, 0.7))
def test_updates_are_gradient_steps_on_the_penalized_loss(weights, learning_rate, strength):
    gradient = np.cos(weights)
    expected = weights - learning_rate * (gradient + L2(strength).gradient(weights))
    np.testing.assert_allclose(
        l2_sgd_update(weights, gradient, learning_rate, strength), expected, rtol=1e-12, atol=1e-9
    )
    far = np.abs(weights) > learning_rate * (strength + 1)  # too far from 0 for any minimum to matter
    expected = weights - learning_rate * (gradient + L1(strength).gradient(weights))
    for update in (l1_sgd_update, l1_proximal_update):
        updated = update(weights, gradient, learning_rate, strength)
        np.testing.assert_allclose(updated[far], expected[far], rtol=1e-12, atol=1e-9)


@given(values, st.floats(0.001, 1), st.floats(0, 1))
def test_l1_updates_without_gradient_stop_at_zero(weights, learning_rate, strength):
    expected = np.sign(weights) * np.maximum(np.abs(weights) - learning_rate * strength, 0)
    for update in (l1_sgd_update, l1_proximal_update):
        updated = update(weights, np.zeros_like(weights), learning_rate, strength)
        np.testing.assert_allclose(updated, expected, rtol=1e-12, atol=1e-12)


def test_only_the_proximal_update_gives_sparse_weights():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 20))
    y = x[:, :3] @ np.array([2.0, -3.0, 1.0]) + 0.1 * rng.normal(size=60)
    zeros = {}
    for update in (l1_sgd_update, l1_proximal_update):
        weights = rng.normal(size=20)
        for _ in range(2000):
            weights = update(weights, 2 * x.T @ (x @ weights - y) / 60, 0.05, 0.2)
        zeros[update] = int((weights == 0).sum())
    assert zeros == {l1_sgd_update: 0, l1_proximal_update: 17}


@pytest.mark.parametrize("update", UPDATES)
def test_update_types_and_errors(update):
    weights, gradient = np.ones(3, np.float32), np.ones(3)
    assert update(weights, gradient, 0.1, 0.1).dtype == np.float32
    assert update(np.float16(1), np.float16(1), 0.1, 0.1).dtype == np.float16
    assert update(np.zeros((0, 2)), np.zeros((0, 2)), 0.1, 0.1).shape == (0, 2)
    np.testing.assert_array_equal(weights, 1)
    np.testing.assert_array_equal(gradient, 1)
    with pytest.raises(ValueError, match="weights and gradient must have the same shape"):
        update([1.0, 2.0], [1.0], 0.1, 0.1)
    for learning_rate in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="learning_rate must be positive and finite, got"):
            update([1.0], [1.0], learning_rate, 0.1)
    with pytest.raises(ValueError, match="strength must be finite and not negative, got -1"):
        update([1.0], [1.0], 0.1, -1)


def test_l2_update_refuses_to_change_the_sign():
    with pytest.raises(ValueError, match=r"2 \* learning_rate \* strength must be below 1, got 1\.5"):
        l2_sgd_update([1.0], [1.0], 0.5, 1.5)
    with pytest.raises(ValueError, match=r"2 \* learning_rate \* strength must be below 1, got 1\.0"):
        l2_sgd_update([1.0], [1.0], 0.5, 1.0)
    np.testing.assert_allclose(l2_sgd_update([1.0], [0.0], 0.5, 0.9), 0.1)
