import gzip
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npfl import data
from npfl.data import blobs, digits, mnist, noisy_line, one_hot, read_idx, split, tone, two_moons
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
    with pytest.raises(ValueError, match="x and y must hold the same number of examples, got 3 and 2"):
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
        with pytest.raises(ValueError, match=f"labels must be from 0 to 2, got {labels[0]} to {labels[0]}"):
            one_hot(labels, 3)
    for labels in ([1.0], [True], ["1"]):
        with pytest.raises(TypeError, match="labels must be integers, got dtype"):
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


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def files(monkeypatch):
    """Stand in for MNIST: the files of 7 and 4 images, with their checksums."""
    rng = np.random.default_rng(1)
    arrays = [rng.integers(0, 256, (7, 28, 28)), rng.integers(0, 10, 7)]
    arrays += [rng.integers(0, 256, (4, 28, 28)), rng.integers(0, 10, 4)]
    contents = dict(zip(data.MNIST_SHA256, map(idx, arrays), strict=True))
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(data, "MNIST_SHA256", sums)
    return contents, arrays


def write(folder, contents):
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def test_mnist(files, tmp_path):
    contents, (images, labels, test_images, test_labels) = files
    write(tmp_path, contents)
    train, validation, test = mnist(tmp_path, validation=2)
    pixels = images.reshape(7, 784) / 255
    np.testing.assert_allclose(train.x, pixels[:5], rtol=1e-6)
    np.testing.assert_allclose(validation.x, pixels[5:], rtol=1e-6)
    np.testing.assert_allclose(test.x, test_images.reshape(4, 784) / 255, rtol=1e-6)
    np.testing.assert_array_equal(np.concatenate([train.y, validation.y]), labels)
    np.testing.assert_array_equal(test.y, test_labels)
    assert (train.x.dtype, train.y.dtype) == (np.float32, int)
    assert len(mnist(str(tmp_path), validation=0).train.x) == 7
    for wrong in (-1, 7):
        with pytest.raises(ValueError, match=f"validation must be from 0 to 6, got {wrong}"):
            mnist(tmp_path, validation=wrong)


def test_mnist_needs_its_files(files, tmp_path):
    contents, _ = files
    write(tmp_path, contents)
    name = list(contents)[2]
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing; download=True would fetch it"):
        mnist(tmp_path, validation=2)


def test_mnist_checks_its_files(files, tmp_path):
    contents, _ = files
    name = next(iter(contents))
    write(tmp_path, contents | {name: contents[name] + b"\0"})
    with pytest.raises(ValueError, match=f"{name} must have the SHA-256 checksum .*, got "):
        mnist(tmp_path, validation=2)


def test_mnist_downloads_only_when_asked_and_only_what_is_right(files, tmp_path, monkeypatch):
    contents, _ = files
    mirror, folder = tmp_path / "mirror", tmp_path / "new" / "folder"
    mirror.mkdir()
    write(mirror, contents)
    monkeypatch.setattr(data, "MNIST_URL", mirror.as_uri() + "/")
    with pytest.raises(FileNotFoundError):
        mnist(folder, validation=2)
    assert not folder.exists()
    assert len(mnist(folder, validation=2, download=True).train.x) == 5
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    for path in mirror.iterdir():
        path.write_bytes(b"something else")
    assert len(mnist(folder, validation=2, download=True).train.x) == 5  # nothing is fetched twice
    other = tmp_path / "other"
    with pytest.raises(ValueError, match="must have the SHA-256 checksum"):
        mnist(other, validation=2, download=True)
    assert not other.exists()


def test_mnist_files_are_those_of_the_authors():
    # Sums on which many public loaders of MNIST agree.
    assert {name: sum_[:8] for name, sum_ in data.MNIST_SHA256.items()} == {
        "train-images-idx3-ubyte.gz": "440fcabf",
        "train-labels-idx1-ubyte.gz": "3552534a",
        "t10k-images-idx3-ubyte.gz": "8d422c7b",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f9",
    }
    assert all(len(sum_) == 64 for sum_ in data.MNIST_SHA256.values())


def test_read_idx():
    array = np.arange(24).reshape(2, 3, 4)
    result = read_idx(idx(array))
    np.testing.assert_array_equal(result, array)
    assert result.dtype == np.uint8
    assert read_idx(idx(np.zeros((0, 5)))).shape == (0, 5)
    assert read_idx(idx(np.array(7))) == 7
    big = np.arange(300) % 256
    np.testing.assert_array_equal(read_idx(idx(big)), big)  # a length of two bytes


def test_read_idx_errors():
    good = gzip.decompress(idx(np.arange(6).reshape(2, 3)))
    for content in (b"", b"\0\0\x08", b"\0\0\x0d" + good[3:], b"\1" + good[1:]):
        with pytest.raises(
            ValueError, match="content must begin with the bytes 0, 0, 8 of the IDX format, got"
        ):
            read_idx(gzip.compress(content))
    for content in (good[:-1], good + b"\0"):
        with pytest.raises(ValueError, match=r"content must hold 6 values for \[2, 3\], got"):
            read_idx(gzip.compress(content))


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
