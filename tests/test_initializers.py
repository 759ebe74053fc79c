import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npfl import initializers
from npfl.initializers import (
    fan_in_limit,
    fan_in_uniform,
    glorot_limit,
    glorot_normal,
    glorot_uniform,
    he_limit,
    he_normal,
    he_uniform,
    uniform_variance,
)

ALL = [fan_in_uniform, glorot_uniform, glorot_normal, he_uniform, he_normal]
VARIANCE = {  # of layers with 300 inputs and 500 outputs, from the papers
    fan_in_uniform: 1 / 900,
    glorot_uniform: 2 / 800,
    glorot_normal: 2 / 800,
    he_uniform: 2 / 300,
    he_normal: 2 / 300,
}
LIMIT = {
    fan_in_uniform: math.sqrt(1 / 300),
    glorot_uniform: math.sqrt(6 / 800),
    he_uniform: math.sqrt(6 / 300),
}
fans = st.integers(1, 10**6)


@given(fans, fans)
def test_limits_and_variances(fan_in, fan_out):
    assert fan_in_limit(fan_in) == pytest.approx(fan_in**-0.5, rel=1e-14)
    assert glorot_limit(fan_in, fan_out) == pytest.approx((6 / (fan_in + fan_out)) ** 0.5, rel=1e-14)
    assert he_limit(fan_in) == pytest.approx((6 / fan_in) ** 0.5, rel=1e-14)
    assert uniform_variance(fan_in_limit(fan_in)) == pytest.approx(1 / (3 * fan_in), rel=1e-14)
    assert uniform_variance(glorot_limit(fan_in, fan_out)) == pytest.approx(2 / (fan_in + fan_out), rel=1e-14)
    assert uniform_variance(he_limit(fan_in)) == pytest.approx(2 / fan_in, rel=1e-14)


@pytest.mark.parametrize("initializer", ALL)
def test_shape_mean_and_variance(initializer):
    weights = initializer(300, 500, np.random.default_rng(1))
    assert weights.shape == (300, 500)
    # 150,000 draws: the standard error of the variance is below 0.4 %, that of the mean sd / 387.
    assert weights.var() == pytest.approx(VARIANCE[initializer], rel=0.015)
    assert abs(weights.mean()) < 4 * math.sqrt(VARIANCE[initializer] / weights.size)


@pytest.mark.parametrize("initializer", LIMIT)
def test_uniform_fills_its_interval(initializer):
    weights = initializer(300, 500, np.random.default_rng(1))
    limit = LIMIT[initializer]
    assert 0.999 * limit < weights.max() <= limit
    assert -limit <= weights.min() < -0.999 * limit
    counts, _ = np.histogram(weights, bins=10, range=(-limit, limit))
    np.testing.assert_allclose(counts, 15000, rtol=0.05)


@pytest.mark.parametrize("initializer", [glorot_normal, he_normal])
def test_normal_is_normal(initializer):
    z = initializer(300, 500, np.random.default_rng(1)) / math.sqrt(VARIANCE[initializer])
    # Shares within one, two and three standard deviations; a truncated normal has no values beyond two.
    for width, share in [(1, 0.6827), (2, 0.9545), (3, 0.9973)]:
        assert (np.abs(z) < width).mean() == pytest.approx(share, abs=0.004)


@pytest.mark.parametrize("initializer", ALL)
def test_reproducible_and_without_global_state(initializer):
    np.random.seed(1)  # noqa: NPY002 - the global state must play no part
    first = initializer(4, 3, np.random.default_rng(7))
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(first, initializer(4, 3, np.random.default_rng(7)))
    assert (first != initializer(4, 3, np.random.default_rng(8))).all()
    assert len(np.unique(first)) == first.size  # no two units start equal: symmetry is broken


@pytest.mark.parametrize("initializer", ALL)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "float32"])
def test_dtype(initializer, dtype):
    assert initializer(3, 2, np.random.default_rng(1), dtype).dtype == np.dtype(dtype)
    assert initializer(3, 2, np.random.default_rng(1)).dtype == np.float64


@pytest.mark.parametrize("initializer", ALL)
def test_errors(initializer):
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="fan_in must be at least 1, got 0"):
        initializer(0, 3, rng)
    with pytest.raises(ValueError, match="fan_out must be at least 1, got -1"):
        initializer(3, -1, rng)
    with pytest.raises(TypeError, match=r"fan_in must be an integer, got 2\.5"):
        initializer(2.5, 3, rng)
    with pytest.raises(TypeError, match=r"fan_out must be an integer, got \(3,\)"):
        initializer(2, (3,), rng)
    with pytest.raises(TypeError, match="dtype must be a floating-point type, got int64"):
        initializer(2, 3, rng, np.int64)


def test_limit_errors():
    for limit in (initializers.fan_in_limit, initializers.he_limit):
        with pytest.raises(ValueError, match="fan_in must be at least 1, got 0"):
            limit(0)
    with pytest.raises(ValueError, match="fan_out must be at least 1, got 0"):
        glorot_limit(1, 0)


def test_variance_of_activations_through_layers():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 400))
    linear, rectified, shrinking = x, x, x
    for _ in range(6):
        linear = linear @ glorot_uniform(400, 400, rng)
        rectified = np.maximum(rectified, 0) @ he_normal(400, 400, rng)
        shrinking = shrinking @ fan_in_uniform(400, 400, rng)
    assert linear.var() == pytest.approx(1, rel=0.25)
    assert rectified.var() == pytest.approx(1, rel=0.25)
    assert shrinking.var() == pytest.approx(3**-6, rel=0.25)
