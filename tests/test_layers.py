import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from npfl import activations
from npfl.initializers import he_normal
from npfl.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    PReLU,
    WeightStandardizedDense,
    standardize_weights,
)
from npfl.testing import check_gradient

NAMES = [name.removesuffix("_grad") for name in vars(activations) if name.endswith("_grad")]
# Every layer maps 3 features, so that one test serves them all.
LAYERS = {
    "Dense": lambda dtype=np.float64: Dense(3, 4, np.random.default_rng(1), dtype=dtype),
    "WeightStandardizedDense": lambda dtype=np.float64: WeightStandardizedDense(
        3, 4, np.random.default_rng(1), dtype=dtype
    ),
    "PReLU": lambda dtype=np.float64: PReLU(3, dtype=dtype),
    "BatchNormalization": lambda dtype=np.float64: BatchNormalization(3, dtype=dtype),
    "LayerNormalization": lambda dtype=np.float64: LayerNormalization(3, dtype=dtype),
    "Dropout": lambda dtype=np.float64: Dropout(0.5, np.random.default_rng(1)),
    **{name: lambda dtype=np.float64, name=name: Activation(name) for name in NAMES},
}
each_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@each_layer
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3)])
def test_gradients(make, training, shape):
    rng = np.random.default_rng(2)
    x, layer = rng.normal(size=shape), make()
    for array in layer.parameters:
        array[...] = rng.normal(size=array.shape)
    for array in layer.state:
        array[...] = rng.uniform(0.5, 2, size=array.shape)
    state = [array.copy() for array in layer.state]

    def output(x, parameters):
        fresh = make()  # Dropout draws the same mask again, and moving averages start where they did
        fresh.parameters, fresh.state = parameters, [array.copy() for array in state]
        return fresh.forward(x, training)

    dy = rng.normal(size=layer.forward(x, training).shape)
    x_before, dy_before = x.copy(), dy.copy()
    dx = layer.backward(dy)
    check_gradient(lambda x: (dy * output(x, layer.parameters)).sum(), x, dx)
    for i, (parameter, gradient) in enumerate(zip(layer.parameters, layer.gradients, strict=True)):

        def loss(value, i=i):
            parameters = [value if j == i else p for j, p in enumerate(layer.parameters)]
            return (dy * output(x, parameters)).sum()

        check_gradient(loss, parameter, gradient)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)


@each_layer
def test_gradients_are_replaced_in_place(make):
    rng = np.random.default_rng(1)
    layer, x = make(), rng.normal(size=(5, 3))
    gradients = list(layer.gradients)
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    first = [gradient.copy() for gradient in gradients]
    layer.backward(dy)
    for array, held, copy in zip(layer.gradients, gradients, first, strict=True):
        assert array is held
        np.testing.assert_array_equal(array, copy)
        assert array.any()


@each_layer
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_extremes_and_empty(make, dtype):
    layer = make(dtype)
    with np.errstate(all="raise", under="ignore"):
        for scale in (0, 1, 1e4 if dtype != np.float16 or not isinstance(layer, Dense) else 1e3):
            for training in (False, True):
                x = np.array([[scale, -scale, scale], [scale, scale, -scale]], dtype)
                y = layer.forward(x, training)
                dx = layer.backward(np.ones_like(y))
                assert (y.dtype, dx.dtype) == (dtype, dtype)
                assert np.isfinite(y).all()
                assert np.isfinite(dx).all()
        y = layer.forward(np.zeros((0, 3), dtype))
        assert y.shape[0] == 0
        assert layer.backward(y).shape == (0, 3)
    for array in layer.parameters + layer.gradients:
        assert array.dtype == dtype
    for array in layer.state:
        assert array.dtype == np.result_type(dtype, np.float32)
    assert not any(gradient.any() for gradient in layer.gradients)


@each_layer
def test_leading_axes_are_examples(make):
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    y = make().forward(x, training=True)
    np.testing.assert_array_equal(y.reshape(8, -1), make().forward(x.reshape(8, 3), training=True))
    np.testing.assert_allclose(make().forward(x[1, 2]), make().forward(x)[1, 2], rtol=1e-14)


@each_layer
def test_errors(make):
    layer = make()
    with pytest.raises(RuntimeError, match="backward needs a forward pass before it"):
        layer.backward(np.ones((2, 3)))
    with pytest.raises(TypeError, match="x must be an array of real numbers"):
        layer.forward(["a"])
    y = layer.forward(np.ones((2, 3)))
    for wrong in (y[:1], y[0], np.float64(1)):
        with pytest.raises(ValueError, match="dy must have the shape of the last output"):
            layer.backward(wrong)
    if layer.parameters:
        for shape in [(2, 4), (2, 1), ()]:
            with pytest.raises(ValueError, match=r"x must have the shape \(..., 3\), got"):
                layer.forward(np.ones(shape))


def test_layers_with_parameters_compute_in_their_own_dtype():
    assert LAYERS["Dense"](np.float32).forward(np.ones((2, 3))).dtype == np.float32
    assert LAYERS["Dense"]().forward(np.ones((2, 3), np.float32)).dtype == np.float64
    assert LAYERS["relu"]().forward([[1, 2]]).dtype == np.float64


def test_dense_by_hand():
    layer = Dense(2, 3, np.random.default_rng(1))
    np.testing.assert_array_equal(layer.bias, [0, 0, 0])
    layer.kernel[:], layer.bias[:] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0.5, 0.0, -0.5]
    np.testing.assert_array_equal(layer.forward([[1, 10], [2, 0]]), [[41.5, 52, 62.5], [2.5, 4, 5.5]])
    np.testing.assert_array_equal(layer.backward([[1, 0, 0], [0, 1, 2]]), [[1, 4], [8, 17]])
    np.testing.assert_array_equal(layer.gradients[0], [[1, 2, 4], [10, 0, 0]])
    np.testing.assert_array_equal(layer.gradients[1], [1, 1, 2])


def test_dense_initializers():
    limit = (6 / 7) ** 0.5
    assert (np.abs(Dense(3, 4, np.random.default_rng(1)).kernel) <= limit).all()
    expected = he_normal(3, 4, np.random.default_rng(5), np.float32)
    layer = Dense(3, 4, np.random.default_rng(5), initializer=he_normal, dtype=np.float32)
    np.testing.assert_array_equal(layer.kernel, expected)
    assert layer.bias.dtype == np.float32
    with pytest.raises(ValueError, match="fan_in must be at least 1, got 0"):
        Dense(0, 1, np.random.default_rng(1))


def test_equal_columns_stay_equal():
    # Why weights are drawn at random: units that start equal get equal gradients for ever.
    rng = np.random.default_rng(1)
    hidden, output = Dense(3, 2, rng), Dense(2, 1, rng)
    hidden.kernel[:, 1], output.kernel[1] = hidden.kernel[:, 0], output.kernel[0]
    x = rng.normal(size=(5, 3))
    output.forward(hidden.forward(x))
    hidden.backward(output.backward(rng.normal(size=(5, 1))))
    np.testing.assert_array_equal(hidden.gradients[0][:, 0], hidden.gradients[0][:, 1])


@pytest.mark.parametrize("name", NAMES)
def test_activation_calls_its_function(name):
    x = np.random.default_rng(1).normal(size=(4, 3))
    layer = Activation(name)
    np.testing.assert_array_equal(layer.forward(x), getattr(activations, name)(x))
    np.testing.assert_array_equal(
        layer.backward(np.full((4, 3), 2.0)), 2 * getattr(activations, name + "_grad")(x)
    )


@pytest.mark.parametrize("name", ["softmax", "no_such", "Relu", "_grad"])
def test_activation_errors(name):
    with pytest.raises(ValueError, match=f"name must be one of sigmoid, .*relu.*, got '{name}'"):
        Activation(name)


def test_prelu_by_hand():
    layer = PReLU(2, slope=0.5)
    np.testing.assert_array_equal(layer.forward([[-4.0, -4.0], [2.0, -1.0]]), [[-2, -2], [2, -0.5]])
    layer.parameters[0][:] = [0.5, 0.0]
    np.testing.assert_array_equal(layer.forward([[-4.0, -4.0], [2.0, -1.0]]), [[-2, 0], [2, 0]])
    np.testing.assert_array_equal(layer.backward([[1.0, 2.0], [3.0, 4.0]]), [[0.5, 0], [3, 0]])
    np.testing.assert_array_equal(layer.gradients[0], [-4, -12])
    np.testing.assert_array_equal(PReLU(2).parameters[0], [0.25, 0.25])


def test_dropout_layer():
    layer, x = Dropout(0.25, np.random.default_rng(1)), np.full((100, 100), 3.0)
    y = layer.forward(x, training=True)
    assert set(np.unique(y)) == {0.0, 4.0}
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(layer.backward(x), y)
    assert (layer.forward(x, training=True) != y).any()
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(y), y)
    for rate in (-0.1, 1.0):
        with pytest.raises(ValueError, match="rate must be at least 0 and below 1, got"):
            Dropout(rate, np.random.default_rng(1))


batches = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(-1e4, 1e4))


@given(batches, st.sampled_from([1e-5, 1e-3]))
def test_batch_normalization_standardizes_each_feature(x, epsilon):
    y = BatchNormalization(x.shape[-1], epsilon=epsilon).forward(x, training=True)
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-6)
    variance = x.var(axes)
    np.testing.assert_allclose(y.var(axes), variance / (variance + epsilon), rtol=1e-6, atol=1e-9)


@given(batches)
def test_layer_normalization_standardizes_each_example(x):
    y = LayerNormalization(x.shape[-1]).forward(x)
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-6)
    variance = x.var(-1)
    np.testing.assert_allclose(y.var(-1), variance / (variance + 1e-3), rtol=1e-6, atol=1e-9)


def test_batch_normalization_by_hand():
    layer = BatchNormalization(2, momentum=0.75, epsilon=1.0)
    layer.parameters[0][:], layer.parameters[1][:] = [2.0, 1.0], [10.0, 0.0]
    x = np.array([[0.0, 5.0], [2 * 3**0.5, 5.0]])  # variances 3 and 0: roots 2 and 1
    y = layer.forward(x, training=True)
    np.testing.assert_allclose(y, [[10 - 3**0.5, 0], [10 + 3**0.5, 0]], atol=1e-15)
    np.testing.assert_allclose(layer.state[0], [0.25 * 3**0.5, 1.25])
    np.testing.assert_allclose(layer.state[1], [0.75 + 0.75, 0.75])  # the biased variance, started at 1
    layer.state[0][:], layer.state[1][:] = [1.0, 2.0], [3.0, 8.0]
    np.testing.assert_allclose(layer.forward([[5.0, 5.0]]), [[14.0, 1.0]])
    np.testing.assert_array_equal(layer.state[0], [1.0, 2.0])  # inference does not move it
    np.testing.assert_allclose(layer.backward([[1.0, 1.0]]), [[1.0, 1 / 3]])


def test_normalization_defaults_are_those_of_keras():
    layer = BatchNormalization(1)
    assert (layer.momentum, layer.epsilon) == (0.99, 1e-3)
    assert LayerNormalization(1).epsilon == 1e-3
    np.testing.assert_allclose(layer.forward([[1.0]]), 1 / 1.001**0.5)
    for array, value in zip(layer.parameters + layer.state, (1, 0, 0, 1), strict=True):
        np.testing.assert_array_equal(array, value)


def test_layer_normalization_by_hand():
    layer = LayerNormalization(3, epsilon=1 / 3)
    layer.parameters[0][:], layer.parameters[1][:] = [1.0, 2.0, 3.0], [0.0, 0.0, 10.0]
    # Mean 2, variance 2/3, root 1.
    np.testing.assert_allclose(layer.forward([[1.0, 3.0, 2.0]]), [[-1, 2, 10]], rtol=1e-15)


def test_normalization_errors():
    for make in (BatchNormalization, LayerNormalization):
        for epsilon in (0, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="epsilon must be positive and finite, got"):
                make(3, epsilon=epsilon)
    for momentum in (-0.1, 1.0):
        with pytest.raises(ValueError, match="momentum must be at least 0 and below 1, got"):
            BatchNormalization(3, momentum=momentum)
    with pytest.raises(ValueError, match=r"x must hold at least one example in training, got shape \(0, 3\)"):
        BatchNormalization(3).forward(np.zeros((0, 3)), training=True)


@pytest.mark.parametrize("make", [PReLU, BatchNormalization, LayerNormalization])
def test_features_and_dtype_errors(make):
    for features in (0, -1):
        with pytest.raises(ValueError, match=f"features must be at least 1, got {features}"):
            make(features)
    with pytest.raises(TypeError, match="dtype must be a floating-point type, got int64"):
        make(3, dtype=np.int64)


@given(batches)
def test_standardize_weights(weights):
    before = weights.copy()
    axes = tuple(range(weights.ndim - 1))
    standardized = standardize_weights(weights)
    np.testing.assert_allclose(standardized.mean(axes), 0, atol=1e-6)
    variance = weights.var(axes)
    np.testing.assert_allclose(standardized.var(axes), variance / (variance + 1e-5), rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(weights, before)


def test_standardize_weights_by_hand():
    weights = [[1.0, 7.0], [3.0, 7.0]]  # variances 1 and 0; with ε = 3 roots 2 and sqrt 3
    np.testing.assert_allclose(standardize_weights(weights, 3.0), [[-0.5, 0], [0.5, 0]], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_standardize_weights_dtype(dtype):
    weights = np.array([[1e4], [-1e4]], dtype)
    with np.errstate(all="raise", under="ignore"):
        assert standardize_weights(weights).dtype == dtype
    np.testing.assert_allclose(standardize_weights(weights), [[1], [-1]], rtol=1e-6)


def test_standardize_weights_errors():
    for shape in [(3,), (), (0, 3), (3, 0)]:
        with pytest.raises(
            ValueError, match=r"weights must have the shape \(..., fan_out\) with inputs, got"
        ):
            standardize_weights(np.zeros(shape))
    with pytest.raises(ValueError, match="epsilon must be positive and finite, got 0"):
        standardize_weights(np.ones((2, 3)), 0)


def test_weight_standardized_dense_is_dense_with_other_weights():
    rng = np.random.default_rng(1)
    layer, plain, x = WeightStandardizedDense(3, 4, rng), Dense(3, 4, rng), rng.normal(size=(5, 3))
    plain.kernel[:] = standardize_weights(layer.kernel)
    np.testing.assert_array_equal(layer.forward(x), plain.forward(x))
    # The outputs do not change when the trained kernel is shifted; nor, but for ε, when it is scaled.
    layer.kernel[:] = layer.kernel * 1e3 + 7
    np.testing.assert_allclose(layer.forward(x), plain.forward(x), rtol=1e-3)
