import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from npfl.optimizers import SGD, Adam, AdamW, RMSProp, clip_by_global_norm, clip_by_norm, clip_by_value

values = arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.floats(-1e4, 1e4))
limits = st.floats(0.01, 1e3)
GRADIENTS = [0.5, -2.0, 0.25, 1.0, 0.0, -0.125]
ALL = [SGD, RMSProp, Adam, AdamW]


def sgd(theta, gradients, lr=0.01):
    for g in gradients:
        theta = theta - lr * g
    return theta


def momentum(theta, gradients, lr, mu, nesterov=False):
    v = 0.0
    for g in gradients:
        v = mu * v - lr * g
        theta = theta + mu * v - lr * g if nesterov else theta + v
    return theta


def rmsprop(theta, gradients, lr=0.001, rho=0.9, eps=1e-7):
    r = 0.0
    for g in gradients:
        r = rho * r + (1 - rho) * g**2
        theta = theta - lr * g / math.sqrt(r + eps)
    return theta


def adam(theta, gradients, lr=0.001, b1=0.9, b2=0.999, eps=1e-7, decay=0.0):
    s = r = 0.0
    for t, g in enumerate(gradients, start=1):
        theta = theta * (1 - lr * decay)
        s = b1 * s + (1 - b1) * g
        r = b2 * r + (1 - b2) * g**2
        theta = theta - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * s / (math.sqrt(r) + eps)
    return theta


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(), sgd(3.0, GRADIENTS)),
        (SGD(0.5), sgd(3.0, GRADIENTS, 0.5)),
        (SGD(0.5, momentum=0.75), momentum(3.0, GRADIENTS, 0.5, 0.75)),
        (SGD(0.5, momentum=0.75, nesterov=True), momentum(3.0, GRADIENTS, 0.5, 0.75, nesterov=True)),
        (RMSProp(), rmsprop(3.0, GRADIENTS)),
        (RMSProp(0.1, rho=0.75, epsilon=0.5), rmsprop(3.0, GRADIENTS, 0.1, 0.75, 0.5)),
        (Adam(), adam(3.0, GRADIENTS)),
        (Adam(0.1, beta_1=0.75, beta_2=0.875, epsilon=0.5), adam(3.0, GRADIENTS, 0.1, 0.75, 0.875, 0.5)),
        (AdamW(), adam(3.0, GRADIENTS, decay=0.004)),
        (
            AdamW(0.1, beta_1=0.75, beta_2=0.875, epsilon=0.5, weight_decay=0.5),
            adam(3.0, GRADIENTS, 0.1, 0.75, 0.875, 0.5, 0.5),
        ),
    ],
)
def test_steps_by_scalar_calculation(optimizer, expected):
    theta = np.array([[3.0]])
    for gradient in GRADIENTS:
        optimizer.update([theta], [np.array([[gradient]])])
    np.testing.assert_allclose(theta, [[expected]], rtol=1e-14)


def test_first_steps_by_hand():
    def stepped(optimizer, steps=1):
        theta = np.array([1.0])
        for _ in range(steps):
            optimizer.update([theta], [np.array([2.0])])
        return theta[0]

    assert stepped(SGD(0.25)) == 0.5
    assert stepped(SGD(0.25, momentum=0.5), 2) == -0.25  # velocities -.5, -.75
    assert stepped(SGD(0.25, momentum=0.5, nesterov=True)) == 0.25  # .5 · -.5 - .5
    assert stepped(RMSProp(0.25, rho=0.0, epsilon=5.0)) == pytest.approx(1 - 0.5 / 3)  # sqrt(4 + 5)
    # s = 1, r = 3; 0.25 · sqrt(3/4) / (1/2) · 1 / (sqrt 3 + sqrt 3) = 0.125
    assert stepped(Adam(0.25, beta_1=0.5, beta_2=0.25, epsilon=math.sqrt(3))) == pytest.approx(0.875)
    assert stepped(SGD(0.25, weight_decay=0.5)) == 0.375  # 1 · (1 - .125) - .5


@pytest.mark.parametrize("make", ALL)
def test_weight_decay_is_decoupled(make):
    # With a gradient of 0 nothing but the decay is left, and it leaves no trace in the averages.
    optimizer, theta = make(learning_rate=0.125, weight_decay=0.5), np.array([2.0])
    for _ in range(3):
        optimizer.update([theta], [np.zeros(1)])
    np.testing.assert_allclose(theta, 2 * (1 - 0.0625) ** 3, rtol=1e-15)


def test_sgdw_is_not_l2_with_momentum():
    decoupled, coupled = np.array([1.0]), np.array([1.0])
    first, second = SGD(0.1, momentum=0.9, weight_decay=0.5), SGD(0.1, momentum=0.9)
    for gradient in GRADIENTS:
        first.update([decoupled], [np.array([gradient])])
        second.update([coupled], [gradient + 0.5 * coupled])
    assert abs(decoupled - coupled) > 0.05
    # Without momentum they are the same.
    first, second = SGD(0.1, weight_decay=0.5), SGD(0.1)
    decoupled, coupled = np.array([1.0]), np.array([1.0])
    for gradient in GRADIENTS:
        first.update([decoupled], [np.array([gradient])])
        second.update([coupled], [gradient + 0.5 * coupled])
    np.testing.assert_allclose(decoupled, coupled, rtol=1e-14)


@pytest.mark.parametrize("make", ALL)
def test_arrays_are_independent_and_in_place(make):
    rng = np.random.default_rng(1)
    start = [rng.normal(size=(2, 3)), rng.normal(size=4), np.array(5.0)]
    together, alone = [p.copy() for p in start], [p.copy() for p in start]
    gradients = [[rng.normal(size=p.shape) for p in start] for _ in range(4)]
    before = [[g.copy() for g in step] for step in gradients]
    optimizer, singles = make(), [make() for _ in start]
    for step in gradients:
        optimizer.update(together, step)
        for single, parameter, gradient in zip(singles, alone, step, strict=True):
            single.update([parameter], [gradient])
    for a, b, c in zip(together, alone, start, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).all()
    for step, copies in zip(gradients, before, strict=True):
        for gradient, copy in zip(step, copies, strict=True):
            np.testing.assert_array_equal(gradient, copy)
    assert optimizer.iterations == 4


@pytest.mark.parametrize("make", ALL)
def test_reaches_the_minimum_of_a_quadratic(make):
    theta, optimizer = np.array([1.0, -2.0]), make(learning_rate=0.02)
    for _ in range(2000):
        optimizer.update([theta], [2 * theta])
    np.testing.assert_allclose(theta, 0, atol=0.02)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_extremes_and_empty(make, dtype):
    theta, empty, scalar = np.zeros(3, dtype), np.zeros((0, 2), dtype), np.zeros((), dtype)
    optimizer = make()
    with np.errstate(all="raise", under="ignore"):
        for _ in range(3):
            gradient = np.array([1e4, -1e4, 0], dtype)
            optimizer.update([theta, empty, scalar], [gradient, empty.copy(), np.ones((), dtype)])
    assert theta.dtype == dtype
    assert theta[0] < 0 < theta[1]
    assert theta[2] == 0
    assert scalar < 0


def test_weight_decay_may_be_zero():
    theta = np.array([1.0])
    SGD(0.5, weight_decay=0.0).update([theta], [np.array([1.0])])
    assert theta == 0.5


def test_learning_rate_may_change():
    theta, optimizer = np.array([1.0]), SGD(0.5)
    optimizer.update([theta], [np.array([1.0])])
    optimizer.learning_rate = 0.25
    optimizer.update([theta], [np.array([1.0])])
    assert theta == 0.25


@given(values, limits)
def test_clip_by_value(gradient, limit):
    before = gradient.copy()
    clipped = clip_by_value(gradient, limit)
    np.testing.assert_array_equal(clipped, np.minimum(np.maximum(gradient, -limit), limit))
    np.testing.assert_array_equal(gradient, before)


@given(values, limits)
def test_clip_by_norm(gradient, limit):
    before, norm = gradient.copy(), math.sqrt(np.sum(gradient**2))
    clipped = clip_by_norm(gradient, limit)
    assert clipped.shape == gradient.shape
    expected = gradient if norm <= limit else gradient * limit / norm
    np.testing.assert_allclose(clipped, expected, rtol=1e-12, atol=1e-300)
    np.testing.assert_array_equal(gradient, before)


@given(st.lists(values, max_size=4), limits)
def test_clip_by_global_norm(gradients, limit):
    norm = math.sqrt(sum(np.sum(g**2) for g in gradients))
    clipped = clip_by_global_norm(gradients, limit)
    assert len(clipped) == len(gradients)
    for gradient, result in zip(gradients, clipped, strict=True):
        expected = gradient if norm <= limit else gradient * limit / norm
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-300)


def test_clipping_by_hand():
    gradients = [np.array([3.0, 0.0]), np.array([[-4.0], [12.0]])]  # norms 3 and sqrt 160, together 13
    np.testing.assert_array_equal(clip_by_value(gradients[1], 5.0), [[-4.0], [5.0]])
    np.testing.assert_allclose(clip_by_norm(gradients[0], 1.5), [1.5, 0.0], rtol=1e-15)
    clipped = clip_by_global_norm(gradients, 6.5)
    np.testing.assert_allclose(clipped[0], [1.5, 0.0], rtol=1e-15)
    np.testing.assert_allclose(clipped[1], [[-2.0], [6.0]], rtol=1e-15)
    np.testing.assert_array_equal(clip_by_norm(gradients[0], 3.0), gradients[0])


def test_clipping_in_an_update():
    gradients = [np.array([3.0]), np.array([-4.0])]

    def step(**clipping):
        parameters = [np.zeros(1), np.zeros(1)]
        SGD(1.0, **clipping).update(parameters, gradients)
        return [-float(p[0]) for p in parameters]

    assert step(clipvalue=3.5) == [3.0, -3.5]
    assert step(clipnorm=3.5) == [3.0, -3.5]
    assert step(global_clipnorm=2.5) == pytest.approx([1.5, -2.0])
    assert step(global_clipnorm=5.0) == [3.0, -4.0]
    # The decay is not part of the gradient that is clipped.
    theta = np.array([1.0])
    SGD(0.5, weight_decay=0.5, clipvalue=0.5).update([theta], [np.array([8.0])])
    assert theta == 0.5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_clipping_dtype_and_extremes(dtype):
    with np.errstate(all="raise", under="ignore"):
        for shape in [(), (3,), (0, 2), (100,)]:
            gradient = np.full(shape, 1e4, dtype)
            norm = 1e4 * math.sqrt(gradient.size)
            for clipped in (clip_by_norm(gradient, 0.5), clip_by_global_norm([gradient], 0.5)[0]):
                assert clipped.dtype == dtype
                np.testing.assert_allclose(clipped, 0.5 * gradient.astype(float) / (norm or 1), rtol=1e-3)
            assert clip_by_value(gradient, 0.5).dtype == dtype
        largest = np.finfo(dtype).max
        np.testing.assert_allclose(
            clip_by_norm(np.array([largest, -largest]), 1.0), [0.5**0.5, -(0.5**0.5)], 1e-3
        )
    np.testing.assert_array_equal(clip_by_norm(np.zeros(2, dtype), 1.0), 0)


def test_clipping_gradients_that_are_not_finite():
    np.testing.assert_array_equal(clip_by_value([np.inf, -np.inf, np.nan], 2.0), [2.0, -2.0, np.nan])
    for bad in (np.inf, -np.inf, np.nan):
        with pytest.raises(ValueError, match="gradient must be finite to be clipped by its norm"):
            clip_by_norm([1.0, bad], 1.0)
        with pytest.raises(ValueError, match="gradients must be finite to be clipped by its norm"):
            clip_by_global_norm([[1.0], [bad], [2.0]], 1.0)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_clipping_refuses_limits(limit):
    with pytest.raises(ValueError, match="clipvalue must be positive and finite, got"):
        clip_by_value([1.0], limit)
    with pytest.raises(ValueError, match="clipnorm must be positive and finite, got"):
        clip_by_norm([1.0], limit)
    with pytest.raises(ValueError, match="global_clipnorm must be positive and finite, got"):
        clip_by_global_norm([[1.0]], limit)


@pytest.mark.parametrize("make", ALL)
def test_constructor_errors(make):
    with pytest.raises(ValueError, match="only one of clipvalue, clipnorm, global_clipnorm may be set, got"):
        make(clipvalue=1.0, clipnorm=1.0)
    with pytest.raises(ValueError, match="clipnorm must be positive and finite, got 0"):
        make(clipnorm=0)
    for rate in (0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="learning_rate must be positive and finite, got"):
            make(learning_rate=rate)
    with pytest.raises(ValueError, match="weight_decay must be finite and not negative, got -1"):
        make(weight_decay=-1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'decay'"):
        make(decay=0.1)


@pytest.mark.parametrize(
    ("make", "name"), [(SGD, "momentum"), (RMSProp, "rho"), (Adam, "beta_1"), (AdamW, "beta_2")]
)
def test_fraction_errors(make, name):
    for value in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=f"{name} must be at least 0 and below 1, got"):
            make(**{name: value})


def test_other_constructor_errors():
    with pytest.raises(ValueError, match="momentum must be positive for nesterov=True, got 0"):
        SGD(nesterov=True)
    for make in (RMSProp, Adam):
        with pytest.raises(ValueError, match="epsilon must be positive and finite, got 0"):
            make(epsilon=0)


def test_update_errors():
    optimizer = Adam()
    with pytest.raises(TypeError, match="parameters must be floating-point arrays to change in place, got"):
        optimizer.update([np.array([1, 2])], [np.array([1.0, 2.0])])
    with pytest.raises(TypeError, match="parameters must be floating-point arrays to change in place, got"):
        optimizer.update([1.0], [1.0])
    with pytest.raises(ValueError, match=r"gradients must have the shapes \[\(2,\)\], got \[\(1,\)\]"):
        optimizer.update([np.zeros(2)], [np.zeros(1)])
    with pytest.raises(ValueError, match=r"gradients must have the shapes \[\(2,\)\], got \[\]"):
        optimizer.update([np.zeros(2)], [])
    with pytest.raises(TypeError, match="gradients must be an array of real numbers"):
        optimizer.update([np.zeros(1)], [np.array(["a"])])
    optimizer.update([np.zeros(2)], [np.zeros(2)])
    with pytest.raises(ValueError, match=r"parameters must have the shapes \[\(2,\)\], got \[\(3,\)\]"):
        optimizer.update([np.zeros(3)], [np.zeros(3)])
    assert optimizer.iterations == 1
