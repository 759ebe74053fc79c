import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from npfl.activations import softmax
from npfl.ensembles import (
    average_logits,
    average_probabilities,
    average_weights,
    bootstrap,
    variance_of_average,
)
from npfl.losses import CategoricalCrossentropy
from npfl.models import mlp

logits = arrays(np.float64, array_shapes(min_dims=2, max_dims=4, max_side=5), elements=st.floats(-50, 50))


def test_bootstrap():
    sample = bootstrap(20_000, np.random.default_rng(1))
    assert sample.shape == (20_000,)
    assert (sample.min(), sample.max()) == (0, 19_999)
    assert len(np.unique(sample)) / 20_000 == pytest.approx(1 - np.exp(-1), abs=0.01)
    np.testing.assert_array_equal(sample, bootstrap(20_000, np.random.default_rng(1)))
    assert (sample != bootstrap(20_000, np.random.default_rng(2))).any()
    np.testing.assert_array_equal(bootstrap(1, np.random.default_rng(1)), [0])
    counts = np.bincount(np.concatenate([bootstrap(5, np.random.default_rng(s)) for s in range(2000)]))
    np.testing.assert_allclose(counts, 2000, rtol=0.1)
    for n in (0, -1):
        with pytest.raises(ValueError, match=f"n must be at least 1, got {n}"):
            bootstrap(n, np.random.default_rng(1))


@given(logits)
def test_averages(z):
    before = z.copy()
    arithmetic, geometric = average_probabilities(softmax(z)), average_logits(z)
    assert arithmetic.shape == geometric.shape == z.shape[1:]
    np.testing.assert_allclose(arithmetic, sum(softmax(model) for model in z) / len(z), rtol=1e-12)
    product = np.prod(softmax(z) ** (1 / len(z)), axis=0)
    np.testing.assert_allclose(geometric, product / product.sum(-1, keepdims=True), rtol=1e-9)
    np.testing.assert_array_equal(z, before)


@given(logits)
def test_average_is_at_least_as_good_as_the_models_on_average(z):
    gold = np.zeros(z.shape[1:])
    gold[..., 0] = 1
    models = softmax(z)
    assert ((average_probabilities(models) - gold) ** 2).mean() <= ((models - gold) ** 2).mean() + 1e-12
    loss = CategoricalCrossentropy()
    assert loss(gold, average_probabilities(models)) <= np.mean([loss(gold, m) for m in models]) + 1e-9


def test_averages_by_hand():
    np.testing.assert_allclose(average_probabilities([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), [0.5, 0.5])
    # Geometric mean of 1/2, 1/2 and 1/10, 9/10: sqrt 5 to sqrt 45 is 1 to 3.
    np.testing.assert_allclose(average_logits(np.log([[0.5, 0.5], [0.1, 0.9]])), [0.25, 0.75])
    np.testing.assert_array_equal(average_logits([[1e4, -1e4], [1e4, -1e4]]), [1, 0])


def test_average_errors_and_dtype():
    for average in (average_probabilities, average_logits):
        assert average(np.full((2, 3), 0.5, np.float32)).dtype == np.float32
        assert average(np.zeros((2, 0, 3))).shape == (0, 3)
        for shape in [(3,), (0, 3), ()]:
            with pytest.raises(ValueError, match=r"must have the shape \(M, ..., K\) with M at least 1, got"):
                average(np.zeros(shape))
        with pytest.raises(TypeError, match="must be an array of real numbers"):
            average([["a"]])
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"probabilities must lie in \[0, 1\], got"):
            average_probabilities([[0.5, value]])


def test_average_weights():
    rng = np.random.default_rng(1)
    models = [mlp([2, 3, 1], rng, dtype=np.float32) for _ in range(4)]
    weights = [model.get_weights() for model in models]
    average = average_weights(weights)
    for i, array in enumerate(average):
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, sum(model[i] for model in weights) / 4, rtol=1e-6)
    np.testing.assert_array_equal(weights[0][0], models[0].parameters[0])
    models[0].set_weights(average)
    np.testing.assert_array_equal(models[0].parameters[2], average[2])


def test_average_weights_errors():
    for weights in ([], [[[1.0]], [[1.0, 2.0]]], [[1.0], [1.0, 2.0]]):
        with pytest.raises(
            ValueError, match="weights must be those of models of equal shapes, at least one, got"
        ):
            average_weights(weights)


def test_variance_of_average_by_hand():
    assert variance_of_average(3.0, 0.0, 3) == 1
    assert variance_of_average(3.0, 1.0, 3) == 3
    assert variance_of_average(0.0, 0.5, 3) == 0
    assert variance_of_average(4.0, -1.0, 2) == 0
    np.testing.assert_allclose(
        variance_of_average(2.0, 0.25, [1, 2, 4, 1e9]), [2, 1.25, 0.875, 0.5], rtol=1e-8
    )
    assert variance_of_average(np.float32(1), np.ones(2, np.float32), np.float32(2)).dtype == np.float32


def test_variance_of_average_is_that_of_draws():
    rng = np.random.default_rng(1)
    n, rho = 5, 0.4
    covariance = 2.0 * (rho + (1 - rho) * np.eye(n))
    errors = rng.multivariate_normal(np.zeros(n), covariance, 200_000)
    assert errors.mean(axis=1).var() == pytest.approx(float(variance_of_average(2.0, rho, n)), rel=0.01)


def test_variance_of_average_errors():
    with pytest.raises(ValueError, match="variance must not be negative, got -1"):
        variance_of_average(-1.0, 0.0, 2)
    with pytest.raises(ValueError, match="models must be at least 1 and finite, got 0"):
        variance_of_average(1.0, 0.0, 0)
    for correlation in (1.1, -0.6, float("nan")):
        with pytest.raises(ValueError, match=r"correlation must be from -1 / \(models - 1\) to 1, got"):
            variance_of_average(1.0, correlation, 3)
