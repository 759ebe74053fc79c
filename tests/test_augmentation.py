import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from npfl.augmentation import (
    add_noise,
    brightness,
    change_pitch,
    change_speed,
    flip,
    mixup,
    rotate,
    scale,
    translate,
)
from npfl.data import tone
from npfl.losses import CategoricalCrossentropy

pixels = st.floats(0, 1)
images = arrays(np.float64, array_shapes(min_dims=2, max_dims=4, max_side=5), elements=pixels)
EVERY = {  # image functions with arguments that change an image
    translate: (1, -2),
    rotate: (30,),
    scale: (1.3,),
    flip: (),
    brightness: (0.2,),
}


@given(st.integers(1, 8), st.floats(0.05, 5), st.integers(0, 1000))
def test_mixup_mixes_with_partners(n, alpha, seed):
    x, y = np.arange(n, dtype=float)[:, None] ** 2, np.eye(n)
    x_before, y_before = x.copy(), y.copy()
    mixed_x, mixed_y = mixup(x, y, alpha, np.random.default_rng(seed))
    # With one-hot rows for every example, y tells who was mixed with whom, and how.
    np.testing.assert_allclose(mixed_x, mixed_y @ x, atol=1e-12)
    np.testing.assert_allclose(mixed_y.sum(axis=1), 1)
    np.testing.assert_allclose(mixed_y.sum(axis=0), 1)  # partners are a permutation
    shares = {round(value, 9) for value in np.diag(mixed_y)} - {1.0}
    assert len(shares) <= 1  # one share for the batch
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(y, y_before)


def share(alpha, seed):
    # With 100 examples some have another one as their partner: their diagonal entry is the share.
    _, y = mixup(np.zeros(100), np.eye(100), alpha, np.random.default_rng(seed))
    return np.diag(y).min()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixup_draws_from_beta(alpha):
    shares = np.array([share(alpha, seed) for seed in range(1500)])
    assert shares.mean() == pytest.approx(0.5, abs=0.04)
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_mixup_loss_is_linear_in_the_labels():
    rng = np.random.default_rng(1)
    logits, (_, y) = rng.normal(size=(1, 3)), mixup(np.zeros(2), np.eye(3)[:2], 1.0, np.random.default_rng(2))
    loss = CategoricalCrossentropy(from_logits=True)
    first, second = (loss(np.eye(3)[[i]], logits) for i in (0, 1))
    assert loss(y[:1], logits) == pytest.approx(y[0, 0] * first + y[0, 1] * second)


def test_mixup_dtype_empty_and_errors():
    rng = np.random.default_rng(1)
    x, y = mixup(np.ones((4, 2, 2), np.float32), np.ones((4, 3), np.float16), 1.0, rng)
    assert (x.dtype, y.dtype, x.shape, y.shape) == (np.float32, np.float16, (4, 2, 2), (4, 3))
    x, y = mixup(np.zeros((0, 2)), np.zeros((0, 3)), 1.0, rng)
    assert (x.shape, y.shape) == ((0, 2), (0, 3))
    with pytest.raises(
        ValueError, match=r"x and y must hold the same number of examples, got shapes \(2,\) and \(3,\)"
    ):
        mixup(np.zeros(2), np.zeros(3), 1.0, rng)
    with pytest.raises(ValueError, match="x and y must hold the same number of examples"):
        mixup(1.0, np.float64(1), 1.0, rng)
    with pytest.raises(
        TypeError, match="y must hold fractions, such as one-hot rows of floats, got dtype int64"
    ):
        mixup(np.zeros(2), np.array([0, 1]), 1.0, rng)
    for alpha in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="alpha must be positive and finite, got"):
            mixup(np.zeros(2), np.zeros(2), alpha, rng)


@given(images, st.integers(-3, 3), st.integers(-3, 3))
def test_translate_by_whole_pixels(image, down, right):
    height, width = image.shape[-2:]
    expected = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                expected[..., row, column] = image[..., row - down, column - right]
    np.testing.assert_allclose(translate(image, down, right), expected, atol=1e-12)


def test_translate_by_parts_of_a_pixel():
    np.testing.assert_allclose(
        translate([[0, 0, 0], [0, 1, 0], [0, 0, 0]], 0.25, 0), [[0, 0, 0], [0, 0.75, 0], [0, 0.25, 0]]
    )


@given(arrays(np.float64, st.integers(1, 6).map(lambda n: (2, n, n)), elements=pixels), st.integers(-5, 5))
def test_rotate_by_right_angles(image, turns):
    np.testing.assert_allclose(rotate(image, 90 * turns), np.rot90(image, turns, axes=(-2, -1)), atol=1e-9)


def test_rotate_by_any_angle_as_scipy():
    images = np.random.default_rng(1).normal(size=(2, 9, 6))
    for degrees in (-200, -15, 1, 30, 77):
        expected = ndimage.rotate(images, degrees, (2, 1), reshape=False, order=1, mode="grid-constant")
        assert np.allclose(rotate(images, degrees), expected, rtol=0, atol=1e-12)


def test_rotate_by_half_a_right_angle_is_counterclockwise():
    image = np.zeros((9, 9))
    image[4, 8] = 1  # to the right of the centre, at distance 4
    rotated = rotate(image, 45)
    row, column = np.unravel_index(rotated.argmax(), rotated.shape)
    assert (row, column) == (1, 7)  # up and right, at distance 4.2


@given(images)
def test_scale(image):
    np.testing.assert_allclose(scale(image, 1), image, atol=1e-12)


def test_scale_about_the_centre():
    image = np.zeros((7, 7))
    image[2:5, 2:5] = 1
    doubled = scale(image, 2)
    assert (doubled[1:6, 1:6] == 1).all()
    assert doubled.sum() == pytest.approx(4 * 9, rel=0.05)
    halved = scale(image, 0.5)
    assert halved[3, 3] == 1
    assert halved.sum() == pytest.approx(
        1, abs=1e-9
    )  # every other pixel is taken: of ones that at the centre
    np.testing.assert_allclose(doubled, doubled[::-1, ::-1])


@given(images, st.floats(-1, 1))
def test_flip_and_brightness(image, change):
    np.testing.assert_array_equal(flip(image), np.flip(image, axis=-1))
    np.testing.assert_array_equal(flip(flip(image)), image)
    np.testing.assert_array_equal(brightness(image, change), np.minimum(np.maximum(image + change, 0), 1))


@pytest.mark.parametrize("function", EVERY)
def test_images_share_their_rules(function):
    arguments = EVERY[function]
    rng = np.random.default_rng(1)
    image = rng.uniform(size=(2, 3, 6, 5))
    before = image.copy()
    changed = function(image, *arguments)
    assert changed.shape == image.shape
    assert (changed != image).any()
    assert not np.shares_memory(changed, image)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(changed[1, 2], function(image[1, 2], *arguments))
    for dtype in (np.float16, np.float32):
        assert function(image.astype(dtype), *arguments).dtype == dtype
    assert function(np.zeros((0, 4, 4)), *arguments).shape == (0, 4, 4)
    for wrong in (np.zeros(3), 1.0):
        with pytest.raises(ValueError, match=r"images must have the shape \(..., H, W\), got"):
            function(wrong, *arguments)


def test_image_errors():
    image = np.zeros((3, 3))
    for wrong in (float("nan"), float("inf")):
        for call in (
            lambda wrong=wrong: translate(image, wrong, 0),
            lambda wrong=wrong: translate(image, 0, wrong),
        ):
            with pytest.raises(ValueError, match=r"(down|right) must be finite, got"):
                call()
        with pytest.raises(ValueError, match="degrees must be finite, got"):
            rotate(image, wrong)
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="factor must be positive and finite, got"):
            scale(image, wrong)
    for wrong in (-1.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"change must lie in \[-1, 1\], got"):
            brightness(image, wrong)


@pytest.mark.parametrize("snr", [-10, 0, 20])
def test_add_noise_has_the_ratio(snr):
    rng = np.random.default_rng(1)
    signal = np.array([[1.0], [100.0]]) * np.sin(
        np.arange(40_000) / 7
    )  # each sound has noise of its own power
    noise = add_noise(signal, snr, rng) - signal
    ratio = 10 * np.log10((signal**2).mean(-1) / (noise**2).mean(-1))
    np.testing.assert_allclose(ratio, snr, atol=0.15)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.02
    assert abs(noise[0].mean()) < 0.02 * noise[0].std()


@given(arrays(np.float64, array_shapes(max_dims=2, max_side=8), elements=st.floats(-1e4, 1e4)))
def test_change_speed_properties(signal):
    np.testing.assert_allclose(change_speed(signal, 1), signal)
    twice = change_speed(signal, 2)
    assert twice.shape[-1] == round(signal.shape[-1] / 2)
    np.testing.assert_array_equal(twice, signal[..., ::2][..., : twice.shape[-1]])
    half = change_speed(signal, 0.5)
    np.testing.assert_array_equal(half[..., ::2], signal)
    np.testing.assert_allclose(half[..., 1:-1:2], (signal[..., 1:] + signal[..., :-1]) / 2)


def frequency(signal, sample_rate=8000):
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    return spectrum.argmax() * sample_rate / len(signal)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.25, 2.0])
def test_pitch_and_speed_of_a_tone(factor):
    signal = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    faster = change_speed(signal, factor)
    assert len(faster) == round(8000 / factor)
    assert frequency(faster) == pytest.approx(440 * factor, abs=2)
    raised = change_pitch(signal, factor)
    assert len(raised) == 8000
    assert frequency(raised) == pytest.approx(440 * factor, abs=2)
    # As loud as before in each tenth of a second.
    for tenth in np.split(raised, 10):
        assert tenth.std() == pytest.approx(signal.std(), rel=0.02)


def test_change_pitch_by_one_changes_nothing():
    signal = tone(220, 0.5)
    np.testing.assert_allclose(change_pitch(signal, 1.0)[:3500], signal[:3500], atol=1e-9)


def test_change_pitch_keeps_the_fading():
    signal = tone(300, 1.0)
    raised = change_pitch(signal, 1.5)
    before, after = (np.sqrt((s.reshape(8, -1) ** 2).mean(1)) for s in (signal, raised))
    np.testing.assert_allclose(after, before, rtol=0.3)


@pytest.mark.parametrize(
    "function",
    [
        lambda s: add_noise(s, 10, np.random.default_rng(1)),
        lambda s: change_speed(s, 1.3),
        lambda s: change_pitch(s, 1.3),
    ],
)
def test_sounds_share_their_rules(function):
    signal = np.random.default_rng(1).normal(size=(2, 3, 700))
    before = signal.copy()
    changed = function(signal)
    assert changed.shape[:-1] == (2, 3)
    np.testing.assert_array_equal(signal, before)
    for dtype in (np.float16, np.float32):
        assert function(signal.astype(dtype)).dtype == dtype
    assert np.isfinite(function(np.full(5, 1e4, np.float16))).all()
    np.testing.assert_array_equal(function(np.zeros(5)), 0)
    assert function(np.zeros((0, 5))).shape[0] == 0
    for wrong in (np.zeros((2, 0)), 1.0):
        with pytest.raises(ValueError, match=r"signal must have the shape \(..., T\) with samples, got"):
            function(wrong)


def test_sounds_in_a_batch_are_changed_one_by_one():
    signal = np.random.default_rng(1).normal(size=(2, 3, 700))
    for function in (change_speed, change_pitch):
        np.testing.assert_allclose(function(signal, 1.3)[1, 2], function(signal[1, 2], 1.3), atol=1e-12)


def test_sound_errors():
    for function in (change_speed, change_pitch):
        for wrong in (0, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="factor must be positive and finite, got"):
                function(np.ones(5), wrong)
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="snr must be finite, got"):
            add_noise(np.ones(5), wrong, np.random.default_rng(1))
