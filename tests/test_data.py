import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npfl import data
from npfl.data import blobs, digits, noisy_line, one_hot, split, tone, two_moons
from npfl.losses import CategoricalCrossentropy
from npfl.models import fit, mlp
from npfl.optimizers import Adam


@given(st.integers(1, 60), st.data())
def test_split_is_disjoint_and_complete(n, draw):
    test = draw.draw(st.integers(0, n - 1))
    validation = draw.draw(st.integers(0, n - 1 - test))
    x = np.arange(n)[:, None] + [0.0, 0.5]
    parts = split(x, np.arange(n), np.random.default_rng(1), validation, test)
    assert [len(part.x) for part in parts] == [n - validation - test, validation, test]
    assert sorted(np.concatenate([part.y for part in parts])) == list(range(n))
    for part in parts:
        np.testing.assert_array_equal(part.x[:, 0], part.y)


def test_split_shuffles_by_its_generator():
    def order(seed):
        return split(np.arange(50), np.arange(50), np.random.default_rng(seed), 10, 10).train.y.tolist()

    assert order(1) == order(1) != order(2)
    assert order(1) != sorted(order(1))


def test_split_errors():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match=r"x and y must hold the same number of examples, got shapes .* and"):
        split(np.zeros(3), np.zeros(2), rng, 0, 0)
    for sizes in ((2, 1), (-1, 0), (0, -1), (3, 0)):
        with pytest.raises(ValueError, match="validation and test must not be negative and leave an example"):
            split(np.zeros(3), np.zeros(3), rng, *sizes)


def test_one_hot():
    np.testing.assert_array_equal(
        one_hot([[0, 2], [1, 1]], 3), [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]
    )
    assert one_hot([0], 2).dtype == np.float64
    assert one_hot(np.array([0], np.uint8), 2, np.float32).dtype == np.float32
    assert one_hot([], 4).shape == (0, 4)
    np.testing.assert_array_equal(one_hot(1, 2), [0, 1])
    for labels in ([3], [-1]):
        with pytest.raises(ValueError, match=rf"labels must lie in \[0, 2\], got {labels[0]} to {labels[0]}"):
            one_hot(labels, 3)
    for labels in ([1.0], [True], ["1"]):
        with pytest.raises(TypeError, match="labels must hold integers, the indices of classes, got dtype"):
            one_hot(labels, 3)


def test_digits():
    from sklearn.datasets import load_digits

    parts = digits(np.random.default_rng(1))
    assert [part.x.shape for part in parts] == [(1257, 64), (180, 64), (360, 64)]
    assert [part.y.shape for part in parts] == [(1257,), (180,), (360,)]
    x, y = load_digits(return_X_y=True)
    original = sorted((label, *row) for row, label in zip(x, y, strict=True))
    loaded = sorted((label, *(16 * row)) for part in parts for row, label in zip(part.x, part.y, strict=True))
    assert loaded == original
    assert (parts.train.x.min(), parts.train.x.max()) == (0, 1)
    assert len(digits(np.random.default_rng(1), validation=0).train.x) == 1437
    np.testing.assert_array_equal(parts.test.y, digits(np.random.default_rng(1)).test.y)
    assert (parts.test.y != digits(np.random.default_rng(2)).test.y).any()
    # The classes are shared out about evenly.
    assert np.bincount(parts.test.y).min() > 20


def test_digits_beside_the_module(monkeypatch, tmp_path):
    # So they are in the browser, where scikit-learn is too large.
    monkeypatch.setattr(data, "__file__", str(tmp_path / "data.py"))
    np.savetxt(tmp_path / "digits.csv.gz", [[16.0, 0.0, 8.0, 7], [0.0, 4.0, 16.0, 3]], delimiter=",")
    parts = data.digits(np.random.default_rng(1), validation=0, test=1)
    rows = {int(y): x.tolist() for part in (parts.train, parts.test) for x, y in zip(*part, strict=True)}
    assert rows == {7: [1.0, 0.0, 0.5], 3: [0.0, 0.25, 1.0]}


def test_a_network_learns_the_digits():
    # One test set of 360 has a binomial standard deviation of 0.8 %, hence the mean of three.
    accuracies = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        train, _, test = digits(rng, validation=0)
        model = mlp([64, 128, 10], rng)
        fit(
            model,
            train.x,
            one_hot(train.y, 10),
            CategoricalCrossentropy(from_logits=True),
            Adam(),
            rng,
            epochs=60,
        )
        accuracies.append((model.forward(test.x).argmax(axis=-1) == test.y).mean())
    assert np.mean(accuracies) > 0.965


def test_two_moons():
    x, y = two_moons(2000, np.random.default_rng(1), noise=0)
    assert (x.shape, y.shape) == ((2000, 2), (2000,))
    assert np.bincount(y).tolist() == [1000, 1000]
    np.testing.assert_allclose(np.hypot(*x[y == 0].T), 1)
    np.testing.assert_allclose(np.hypot(*(x[y == 1] - [1, 0.5]).T), 1)
    assert x[y == 0, 1].min() >= 0
    assert x[y == 1, 1].max() <= 0.5
    noisy, _ = two_moons(2000, np.random.default_rng(1), noise=0.2)
    assert (noisy - x).std() == pytest.approx(0.2, rel=0.05)


def test_blobs():
    centers = [[0.0, 0.0, 9.0], [5.0, -5.0, 0.0]]
    x, y = blobs(4001, np.random.default_rng(1), centers, spread=0.5)
    assert np.bincount(y).tolist() == [2001, 2000]
    for label, center in enumerate(centers):
        np.testing.assert_allclose(x[y == label].mean(axis=0), center, atol=0.05)
        np.testing.assert_allclose(x[y == label].std(axis=0), 0.5, rtol=0.05)


def test_noisy_line():
    x, y = noisy_line(5000, np.random.default_rng(1), slope=3.0, intercept=-1.0, noise=0.25)
    assert x.shape == y.shape == (5000, 1)
    assert -1 <= x.min() < -0.99
    assert 0.99 < x.max() <= 1
    slope, intercept = np.polyfit(x[:, 0], y[:, 0], 1)
    assert (slope, intercept) == (pytest.approx(3, abs=0.03), pytest.approx(-1, abs=0.03))
    assert (y - 3 * x + 1).std() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda n, rng, noise: two_moons(n, rng, noise), "noise"),
        (lambda n, rng, noise: blobs(n, rng, [[0.0], [1.0]], noise), "spread"),
        (lambda n, rng, noise: noisy_line(n, rng, noise=noise), "noise"),
    ],
)
def test_toys_share_their_rules(make, name):
    first, same, other = (make(20, np.random.default_rng(seed), 0.1) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, same.x)
    np.testing.assert_array_equal(first.y, same.y)
    assert (first.x != other.x).all()
    assert len(make(0, np.random.default_rng(1), 0.1).x) == 0
    with pytest.raises(ValueError, match="n must not be negative, got -1"):
        make(-1, np.random.default_rng(1), 0.1)
    for noise in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"{name} must be finite and not negative, got"):
            make(5, np.random.default_rng(1), noise)


def test_blobs_errors():
    for centers in ([], [1.0, 2.0], np.zeros((0, 2))):
        with pytest.raises(ValueError, match=r"centers must have the shape \(K, D\) with K at least 1, got"):
            blobs(5, np.random.default_rng(1), centers)


def test_tone():
    sound = tone(500, duration=1.0, sample_rate=8000)
    assert sound.shape == (8000,)
    assert np.abs(sound).max() == 1
    spectrum = np.abs(np.fft.rfft(sound))
    peaks = spectrum[[500, 1000, 1500, 2000]]
    assert (np.diff(peaks) < 0).all()  # harmonics get weaker
    assert peaks[-1] > 10 * spectrum[2200:].max()
    halves = [np.sqrt((half**2).mean()) for half in np.split(sound, 2)]
    assert halves[1] < 0.5 * halves[0]  # and the sound fades
    t = np.arange(1000) / 4000
    formula = sum(np.exp(-8 * k * t) * np.sin(600 * np.pi * k * t) / k for k in (1, 2, 3, 4))
    np.testing.assert_allclose(tone(300, 0.25, 4000), formula / np.abs(formula).max(), atol=1e-12)
    assert tone(999.5).shape == (4000,)
    assert tone(500, duration=0.002).shape == (16,)  # one period
    for frequency in (0, -1, 1000, float("nan")):
        with pytest.raises(ValueError, match="frequency must be positive and below sample_rate / 8"):
            tone(frequency)
    for duration in (0, 0.0019, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="duration must be at least 1 / frequency"):
            tone(500, duration)
