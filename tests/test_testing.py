import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from npfl import _checks
from npfl.testing import check_gradient, numerical_gradient


@given(arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.floats(-3, 3)))
def test_numerical_gradient_of_a_cubic(x):
    before = x.copy()
    gradient = numerical_gradient(lambda v: (v**3).sum(), x)
    assert gradient.shape == x.shape
    np.testing.assert_allclose(gradient, 3 * x**2, atol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_the_error_of_the_formula_falls_with_the_square_of_the_step():
    # For x³ central differences are off by h² exactly.
    for step in (0.5, 0.25):
        np.testing.assert_allclose(numerical_gradient(lambda v: (v**3).sum(), [2.0], step), 12 + step**2)


@pytest.mark.parametrize("x", [[1, 2], np.array([1, 2], np.float32), np.array([True, False])])
def test_numerical_gradient_computes_in_double_precision(x):
    gradient = numerical_gradient(lambda v: (v**2).sum(), x)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, 2 * np.asarray(x, float), atol=1e-9)


def test_numerical_gradient_takes_functions_of_any_number_shape():
    for f in (
        lambda v: v.sum(),
        lambda v: v.sum(keepdims=True),
        lambda v: float(v.sum()),
        lambda v: [v.sum()],
    ):
        np.testing.assert_allclose(numerical_gradient(f, np.zeros((2, 3))), np.ones((2, 3)))


def test_a_function_that_changes_its_argument_does_no_harm():
    def f(v):
        v *= 2
        return v.sum()

    x = np.ones(3)
    np.testing.assert_allclose(numerical_gradient(f, x), [2, 2, 2])
    np.testing.assert_array_equal(x, [1, 1, 1])


@pytest.mark.parametrize("step", [0, -1e-5, float("nan")])
def test_refuses_steps(step):
    with pytest.raises(ValueError, match="step must be positive and finite, got"):
        numerical_gradient(lambda v: v.sum(), [1.0], step)


def test_refuses_what_is_no_number():
    with pytest.raises(ValueError, match=r"f must return one number, got shape \(2,\)"):
        numerical_gradient(lambda v: v, [1.0, 2.0])
    with pytest.raises(TypeError, match="x must be an array of real numbers, got dtype"):
        numerical_gradient(lambda v: v.sum(), ["a"])


@given(arrays(np.float64, (2, 3), elements=st.floats(-3, 3)))
def test_check_gradient_returns_the_largest_difference(x):
    assert 0 <= check_gradient(lambda v: (v**2).sum(), x, 2 * x) < 1e-8


def test_check_gradient_measures_relative_to_the_larger_of_one_and_the_value():
    assert check_gradient(lambda v: v.sum(), [0.0], [1.25], tolerance=1) == pytest.approx(0.25)
    assert check_gradient(lambda v: 100 * v.sum(), [0.0], [125.0], tolerance=1) == pytest.approx(0.25)
    assert check_gradient(lambda v: 0 * v.sum(), [0.0], [0.25], tolerance=1) == pytest.approx(0.25)
    assert check_gradient(lambda v: v.sum(), np.zeros((0, 2)), np.zeros((0, 2))) == 0


def test_check_gradient_says_where_and_what_differs():
    with pytest.raises(AssertionError) as error:
        check_gradient(lambda v: (v**2).sum(), [[1.0, 2.0], [3.0, 4.0]], [[2.0, 4.0], [5.0, 80.0]])
    assert str(error.value).splitlines() == [
        "2 of 4 gradient components are wrong:",
        "  at [1, 0]: analytic 5, numeric 6",
        "  at [1, 1]: analytic 80, numeric 8",
    ]


def test_check_gradient_lists_ten_differences():
    with pytest.raises(AssertionError) as error:
        check_gradient(lambda v: v.sum(), np.zeros(13), np.zeros(13))
    lines = str(error.value).splitlines()
    assert len(lines) == 12
    assert lines[-2:] == ["  at [9]: analytic 0, numeric 1", "  and 3 more"]
    with pytest.raises(AssertionError) as error:
        check_gradient(lambda v: v.sum(), np.zeros(10), np.zeros(10))
    assert str(error.value).splitlines()[-1] == "  at [9]: analytic 0, numeric 1"


def test_check_gradient_counts_nan_as_wrong():
    with pytest.raises(AssertionError, match="analytic nan, numeric 1"):
        check_gradient(lambda v: v.sum(), [0.0], [np.nan])
    with pytest.raises(AssertionError, match="analytic 1, numeric nan"):
        check_gradient(lambda v: v.sum() * np.nan, [0.0], [1.0])


def test_check_gradient_refuses_another_shape():
    with pytest.raises(ValueError, match=r"gradient and x must have the same shape, got \(1,\) and \(2,\)"):
        check_gradient(lambda v: v.sum(), [0.0, 0.0], [1.0])


def test_check_gradient_honours_the_tolerance_and_the_step():
    check_gradient(lambda v: v.sum(), [0.0], [1.01], tolerance=0.02)
    with pytest.raises(AssertionError):
        check_gradient(lambda v: v.sum(), [0.0], [1.01], tolerance=0.005)
    with pytest.raises(AssertionError, match=r"numeric 1\.25"):
        check_gradient(lambda v: (v**3).sum() + v.sum(), [0.0], [1.0], step=0.5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_as_float_keeps_floats(dtype):
    x = np.ones(3, dtype)
    assert _checks.as_float("x", x) is x


@pytest.mark.parametrize("value", [True, 1, [1, 2], np.uint8([1, 2])])
def test_as_float_converts_other_numbers(value):
    assert _checks.as_float("x", value).dtype == np.float64
    np.testing.assert_array_equal(_checks.as_float("x", value), value)


@pytest.mark.parametrize("value", ["a", [None], 1j, np.datetime64("2022-02-28")])
def test_as_float_refuses_the_rest(value):
    with pytest.raises(TypeError, match="weights must be an array of real numbers, got dtype"):
        _checks.as_float("weights", value)


def test_same_shape():
    _checks.same_shape("a", np.zeros((2, 3)), "b", np.zeros((2, 3)))
    for shape in [(3,), (2, 1), (), (3, 2)]:
        with pytest.raises(ValueError, match=r"a and b must have the same shape, got \(2, 3\) and \("):
            _checks.same_shape("a", np.zeros((2, 3)), "b", np.zeros(shape))


def test_prediction_pair_takes_the_dtype_of_the_predictions():
    for dtype in (np.float16, np.float32, np.float64):
        y_true, y_pred = _checks.prediction_pair([[1, 0]], np.zeros((1, 2), dtype))
        assert y_true.dtype == y_pred.dtype == dtype
    y_true, y_pred = _checks.prediction_pair(np.zeros(2, np.float32), [1, 0])
    assert y_true.dtype == y_pred.dtype == np.float64


def test_index_pair_returns_indices():
    labels, y_pred = _checks.index_pair(np.uint64([1, 0]), [[1, 2], [3, 4]])
    assert labels.dtype == np.intp
    np.testing.assert_array_equal(np.take_along_axis(y_pred, labels[:, None], -1), [[2], [3]])


@pytest.mark.parametrize("label", [-1, 2])
def test_index_pair_refuses_what_is_no_class(label):
    with pytest.raises(
        ValueError, match=rf"y_true must lie in \[0, 1\], got {min(0, label)} to {max(0, label)}"
    ):
        _checks.index_pair([0, label], np.zeros((2, 2)))


def test_expand_weight_adds_axes_behind():
    values = np.zeros((2, 3), np.float32)
    for shape, expanded in [((), (1, 1)), ((2,), (2, 1)), ((2, 3), (2, 3))]:
        weight = _checks.expand_weight(np.ones(shape), values)
        assert weight.shape == expanded
        assert weight.dtype == np.float32
    with pytest.raises(
        ValueError, match=r"sample_weight must have shape \(2, 3\) or its beginning, got \(3,\)"
    ):
        _checks.expand_weight([1, 1, 1], values)
