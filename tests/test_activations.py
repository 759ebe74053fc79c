import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from npfl import activations
from npfl.testing import check_gradient

ELEMENTWISE = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "mish"]
FUNCTIONS = [getattr(activations, name + suffix) for name in ELEMENTWISE for suffix in ("", "_grad")]
VECTOR = [
    activations.softmax,
    activations.log_softmax,
    activations.softmax_jacobian,
]
EXTREMES = [-1e4, -30.0, -1.0, 0.0, 1.0, 30.0, 1e4]

reals = arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.floats(-1e4, 1e4))
logit_arrays = arrays(np.float64, array_shapes(min_dims=1, max_dims=3), elements=st.floats(-1e4, 1e4))

# Values at these points, computed by mpmath with 120 digits from the textbook formulas; derivatives by
# its numerical differentiation.
POINTS = [-30.0, -2.0, 0.5, 2.0]
VALUES = {
    "sigmoid": [9.3576229688393e-14, 0.119202922022118, 0.622459331201855, 0.880797077977882],
    "sigmoid_grad": [9.35762296883842e-14, 0.104993585403507, 0.235003712201594, 0.104993585403507],
    "tanh": [-1, -0.964027580075817, 0.46211715726001, 0.964027580075817],
    "tanh_grad": [3.50260430507861e-26, 0.0706508248531645, 0.786447732965927, 0.0706508248531645],
    "elu": [-0.999999999999906, -0.864664716763387, 0.5, 2],
    "elu_grad": [9.35762296884017e-14, 0.135335283236613, 1, 1],
    "gelu": [-1.47201417814446e-196, -0.0455002638963584, 0.345731230637007, 1.95449973610364],
    "gelu_grad": [-4.41603169070849e-195, -0.0852318010781969, 0.867495124656163, 1.0852318010782],
    "gelu_tanh": [0, -0.045402305912225, 0.345714009825144, 1.95459769408777],
    "gelu_tanh_grad": [0, -0.0860992566236184, 0.867369903534642, 1.08609925662362],
    "silu": [-2.80728689065179e-12, -0.238405844044235, 0.311229665600927, 1.76159415595576],
    "silu_grad": [-2.71371066096313e-12, -0.0907842487848955, 0.739961187302652, 1.0907842487849],
    "softplus": [9.35762296883974e-14, 0.126928011042972, 0.974076984180107, 2.12692801104297],
    "softplus_grad": [9.3576229688393e-14, 0.119202922022118, 0.622459331201855, 0.880797077977882],
    "mish": [-2.80728689065192e-12, -0.252501482695709, 0.375245211304895, 1.94395895953399],
    "mish_grad": [-2.71371066096339e-12, -0.108355092420394, 0.886424375357727, 1.06931793427949],
}


@pytest.mark.parametrize("name", VALUES)
def test_equals_values_of_many_digits(name):
    if name.startswith("gelu_tanh"):
        values = getattr(activations, name.replace("_tanh", ""))(POINTS, approximate=True)
    else:
        values = getattr(activations, name)(POINTS)
    # A relative tolerance alone: the small values of the negative tail must be right as well.
    np.testing.assert_allclose(values, VALUES[name], rtol=1e-13, atol=0)


@given(reals)
def test_relu_and_leaky_relu_are_their_definitions(x):
    np.testing.assert_array_equal(activations.relu(x), np.where(x > 0, x, 0))
    np.testing.assert_array_equal(activations.relu_grad(x), np.where(x > 0, 1, 0))
    np.testing.assert_array_equal(activations.leaky_relu(x, 0.25), np.where(x > 0, x, 0.25 * x))
    np.testing.assert_array_equal(activations.leaky_relu_grad(x, 0.25), np.where(x > 0, 1, 0.25))
    np.testing.assert_array_equal(activations.leaky_relu(x), activations.leaky_relu(x, 0.01))


def test_derivatives_at_the_kink_are_those_of_the_left_side():
    assert activations.relu_grad(0.0) == 0
    assert activations.leaky_relu_grad(0.0, 0.25) == 0.25
    assert activations.elu_grad(0.0, 0.5) == 0.5


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
class TestElementwise:
    @given(x=reals)
    def test_is_finite_and_changes_nothing(self, f, x):
        before = x.copy()
        with np.errstate(all="raise", under="ignore"):
            y = f(x)
        assert y.shape == x.shape
        assert np.isfinite(y).all()
        np.testing.assert_array_equal(x, before)

    @settings(max_examples=30)
    @given(x=reals)
    def test_treats_each_element_alone(self, f, x):
        np.testing.assert_array_equal(f(x).ravel(), [f([v])[0] for v in x.ravel()])

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_keeps_the_dtype_and_precision(self, f, dtype):
        x = np.array(EXTREMES, dtype)
        with np.errstate(all="raise", under="ignore"):
            y = f(x)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, f(x.astype(np.float64)), rtol=8 * np.finfo(dtype).eps, atol=1e-6)

    def test_accepts_integers_and_booleans(self, f):
        assert f([-1, 2]).dtype == np.float64
        np.testing.assert_array_equal(f([-1, 2]), f([-1.0, 2.0]))
        np.testing.assert_array_equal(f([False, True]), f([0.0, 1.0]))

    def test_accepts_nothing(self, f):
        assert f(np.zeros((0, 3), np.float32)).shape == (0, 3)
        assert f(np.zeros((0, 3), np.float32)).dtype == np.float32

    @pytest.mark.parametrize("x", ["a", [1j], None])
    def test_refuses_what_is_not_real(self, f, x):
        with pytest.raises(TypeError, match="x must be an array of real numbers, got dtype"):
            f(x)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(x=arrays(np.float64, 5, elements=st.floats(-20, 20).filter(lambda v: abs(v) > 1e-4)))
def test_derivative(name, x):
    f, f_grad = getattr(activations, name), getattr(activations, name + "_grad")
    check_gradient(lambda v: f(v).sum(), x, f_grad(x), tolerance=1e-8)


@given(x=arrays(np.float64, 5, elements=st.floats(-20, 20).filter(lambda v: abs(v) > 1e-4)))
def test_derivative_with_options(x):
    check_gradient(lambda v: activations.elu(v, 0.3).sum(), x, activations.elu_grad(x, 0.3), tolerance=1e-8)
    check_gradient(
        lambda v: activations.gelu(v, approximate=True).sum(), x, activations.gelu_grad(x, approximate=True)
    )
    slope = np.array([0.1, -0.3, 0.0, 2.0, 1.0])
    check_gradient(lambda v: activations.leaky_relu(v, slope).sum(), x, activations.leaky_relu_grad(x, slope))


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("sigmoid", 0, 1),
        ("sigmoid_grad", 0, 0),
        ("tanh", -1, 1),
        ("tanh_grad", 0, 0),
        ("relu", 0, math.inf),
        ("relu_grad", 0, 1),
        ("leaky_relu", -math.inf, math.inf),
        ("leaky_relu_grad", 0.01, 1),
        ("elu", -1, math.inf),
        ("elu_grad", 0, 1),
        ("gelu", math.nan, math.inf),
        ("gelu_grad", 0, 1),
        ("silu", math.nan, math.inf),
        ("silu_grad", 0, 1),
        ("softplus", 0, math.inf),
        ("softplus_grad", 0, 1),
        ("mish", math.nan, math.inf),
        ("mish_grad", 0, 1),
    ],
)
def test_infinity(name, left, right):
    """∞ times 0 has no value, on which PyTorch, TensorFlow and Keras agree; derivatives have their limits."""
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(getattr(activations, name)([-math.inf, math.inf]), [left, right])


def test_nan_stays():
    for f in FUNCTIONS:
        if f not in (activations.relu_grad, activations.leaky_relu_grad, activations.elu_grad):
            assert np.isnan(f(math.nan)), f.__name__


@pytest.mark.parametrize(
    ("name", "slope"), [("tanh", 1), ("elu", 1), ("gelu", 0.5), ("silu", 0.5), ("mish", 0.6)]
)
def test_nothing_cancels_near_zero(name, slope):
    np.testing.assert_allclose(
        getattr(activations, name)([-1e-12, 1e-12]), [-slope * 1e-12, slope * 1e-12], rtol=1e-11
    )


@given(x=reals)
def test_symmetries(x):
    np.testing.assert_allclose(activations.sigmoid(x) + activations.sigmoid(-x), 1, rtol=1e-15)
    np.testing.assert_allclose(activations.sigmoid_grad(x), activations.sigmoid_grad(-x), rtol=1e-15)
    np.testing.assert_allclose(activations.tanh(x), 2 * activations.sigmoid(2 * x) - 1, atol=1e-15)
    for name in ("relu", "gelu", "silu", "softplus"):
        f = getattr(activations, name)
        np.testing.assert_allclose(f(x) - f(-x), x, rtol=1e-14, atol=1e-14, err_msg=name)


@given(x=arrays(np.float64, 7, elements=st.floats(-8, 8)))
def test_gelu_and_its_approximation_are_near_but_not_equal(x):
    difference = np.abs(activations.gelu(x) - activations.gelu(x, approximate=True))
    assert (difference <= 5e-4).all()
    assert not np.array_equal(activations.gelu([1.0]), activations.gelu([1.0], approximate=True))


def test_leaky_relu_takes_a_slope_for_each_unit():
    x = np.full((2, 3), -2.0, np.float32)
    y = activations.leaky_relu(x, [0.5, 0.25, 1.0])
    np.testing.assert_array_equal(y, [[-1, -0.5, -2]] * 2)
    assert y.dtype == activations.leaky_relu_grad(x, np.float64(0.1)).dtype == np.float32
    np.testing.assert_array_equal(activations.leaky_relu_grad(x, [0.5, 0.25, 1.0]), [[0.5, 0.25, 1]] * 2)
    np.testing.assert_array_equal(activations.leaky_relu([-2.0], 2.0), [-4])


@pytest.mark.parametrize("slope", [[0.1, 0.2], [[0.1, 0.2, 0.3]], [[0.1], [0.2]]])
def test_leaky_relu_refuses_a_slope_that_would_stretch_x(slope):
    for f in (activations.leaky_relu, activations.leaky_relu_grad):
        with pytest.raises(ValueError, match=r"slope must have the shape of the last axes of x, \(3,\), got"):
            f(np.zeros(3), slope)
    with pytest.raises(TypeError, match="slope must be an array of real numbers"):
        activations.leaky_relu([1.0], "a")


def test_softmax_by_hand():
    np.testing.assert_allclose(
        activations.softmax(np.log([1.0, 2.0, 5.0])), [1 / 8, 2 / 8, 5 / 8], rtol=1e-15
    )
    np.testing.assert_allclose(
        activations.log_softmax(np.log([1.0, 2.0, 5.0])), np.log([1 / 8, 2 / 8, 5 / 8]), rtol=1e-15
    )
    np.testing.assert_allclose(
        activations.softmax_jacobian(np.log([1.0, 3.0])), [[3 / 16, -3 / 16], [-3 / 16, 3 / 16]], rtol=1e-15
    )


@given(logit_arrays, st.floats(-1e4, 1e4))
def test_softmax_is_a_distribution_that_ignores_shifts(logits, shift):
    before = logits.copy()
    with np.errstate(all="raise", under="ignore"):
        o, log_o = activations.softmax(logits), activations.log_softmax(logits)
    assert (o >= 0).all()
    assert np.isfinite(log_o).all()
    np.testing.assert_allclose(o.sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.exp(log_o), o, rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(activations.softmax(logits + shift), o, rtol=1e-10, atol=1e-300)
    np.testing.assert_array_equal(logits, before)


@given(arrays(np.float64, (2, 3), elements=st.floats(-20, 20)))
def test_softmax_takes_any_axis(logits):
    for f in (activations.softmax, activations.log_softmax):
        np.testing.assert_array_equal(f(logits, axis=0), f(logits.T).T)
        np.testing.assert_array_equal(f(logits)[1], f(logits[1]))


@given(arrays(np.float64, (2, 3), elements=st.floats(-20, 20)))
def test_jacobians(logits):
    assert activations.softmax_jacobian(logits).shape == (2, 3, 3)
    for example, rows in zip(logits, activations.softmax_jacobian(logits), strict=True):
        np.testing.assert_allclose(rows.sum(axis=-1), 0, atol=1e-14)
        for i, row in enumerate(rows):
            check_gradient(lambda z, i=i: activations.softmax(z)[i], example, row, tolerance=1e-8)


@given(st.floats(-700, 700))
def test_sigmoid_is_softmax_of_two_logits(z):
    np.testing.assert_allclose(activations.softmax([0, z])[1], activations.sigmoid(z), rtol=1e-13)


@pytest.mark.parametrize("f", VECTOR, ids=lambda f: f.__name__)
class TestVector:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_extremes_keep_the_dtype(self, f, dtype):
        with np.errstate(all="raise", under="ignore"):
            y = f(np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4]], dtype))
        assert y.dtype == dtype
        assert np.isfinite(y).all()

    def test_accepts_an_empty_batch(self, f):
        for shape in ((0, 3), (2, 0, 3)):
            assert f(np.zeros(shape)).shape == shape[:-1] + f(np.zeros(3)).shape

    @pytest.mark.parametrize("logits", [0.0, [], np.zeros((2, 0))])
    def test_refuses_no_classes(self, f, logits):
        with pytest.raises(ValueError, match="logits must hold at least one class on axis -1, got shape"):
            f(logits)

    def test_refuses_what_is_not_real(self, f):
        with pytest.raises(TypeError, match="logits must be an array of real numbers, got dtype"):
            f(["a"])
