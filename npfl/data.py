r"""Data sets: digits, MNIST and toys.

Inputs are float arrays with one row an example; classes are arrays of indices, of which `one_hot` makes rows.
The three parts of a data set have three roles: parameters are fitted on `train`, hyperparameters chosen on
`validation`, and `test` is used once, to estimate the error on new data. No example is in two of them.
"""

import hashlib
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

MNIST_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


class Part(NamedTuple):
    """Inputs and gold outputs of some examples.

    Examples
    --------
    >>> Part(np.zeros((2, 3)), np.array([0, 1])).x.shape
    (2, 3)

    References
    ----------
    Lecture slide "Putting It All Together": training, validation and test sets.
    """

    x: NDArray
    y: NDArray


class Parts(NamedTuple):
    """The three disjoint parts of a data set.

    Examples
    --------
    >>> digits(np.random.default_rng(1)).test.x.shape
    (360, 64)

    References
    ----------
    Lecture slide "Putting It All Together": training, validation and test sets.
    """

    train: Part
    validation: Part
    test: Part


def split(x: ArrayLike, y: ArrayLike, rng: Generator, validation: int, test: int) -> Parts:
    r"""Divide examples at random into three disjoint parts.

    Parameters
    ----------
    x, y : array_like, shape (N, ...)
        Inputs and gold outputs.
    rng : numpy.random.Generator
        The source of randomness.
    validation, test : int
        The sizes of two parts; the rest is for training, at least one example.

    Returns
    -------
    Parts
        ``parts.train.x``, ``parts.train.y``, ``parts.validation.x`` and so on.

    Raises
    ------
    ValueError
        If `x` and `y` differ in number, or the sizes do not fit.

    Examples
    --------
    >>> parts = split(np.arange(10.0), np.arange(10), np.random.default_rng(1), validation=2, test=3)
    >>> len(parts.train.x), len(parts.validation.x), len(parts.test.x)
    (5, 2, 3)

    References
    ----------
    Lecture slide "Putting It All Together".
    """
    x, y = np.asarray(x), np.asarray(y)
    if len(x) != len(y):
        raise ValueError(f"x and y must hold the same number of examples, got {len(x)} and {len(y)}")
    if not (validation >= 0 and test >= 0 and validation + test < len(x)):
        raise ValueError(
            "validation and test must not be negative and leave an example for training, "
            f"got {validation} and {test} of {len(x)}"
        )
    order = rng.permutation(len(x))
    parts = np.split(order, [len(x) - validation - test, len(x) - test])
    return Parts(*(Part(x[part], y[part]) for part in parts))


def one_hot(labels: ArrayLike, classes: int, dtype: DTypeLike = np.float64) -> NDArray:
    r"""Turn indices of classes into rows :math:`\mathbf 1_{gold}`, 1 at the index and 0 elsewhere.

    Parameters
    ----------
    labels : array_like of int, shape (...)
        Indices from 0 to `classes` - 1.
    classes : int
        The number K of classes.
    dtype : dtype
        The type of the result.

    Returns
    -------
    ndarray, shape (..., classes)
        The rows.

    Raises
    ------
    TypeError
        If `labels` are not integers.
    ValueError
        If an index is out of range.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])

    References
    ----------
    Lecture slide "Derivative of Softmax MLE Loss".
    """
    labels = np.asarray(labels)
    if labels.size and labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {labels.dtype}")
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels must be from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return (labels[..., None] == np.arange(classes)).astype(dtype)


def digits(rng: Generator, validation: int = 180, test: int = 360) -> Parts:
    r"""Load the 1,797 digits of scikit-learn, 8 x 8 pixels, divided at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness for the division.
    validation, test : int
        The sizes of two parts; the rest is for training.

    Returns
    -------
    Parts
        `x` has the shape (N, 64), 0 (paper) to 1 (ink); `y` the shape (N,), the digits.

    Raises
    ------
    ValueError
        As `split`.

    Examples
    --------
    >>> train, validation, test = digits(np.random.default_rng(1))
    >>> train.x.shape, validation.x.shape, test.x.shape
    ((1257, 64), (180, 64), (360, 64))

    References
    ----------
    E. Alpaydin, C. Kaynak: Optical recognition of handwritten digits, 1998, UCI machine learning repository.
    """
    # In the browser, where scikit-learn is too large to load, its file lies beside this one.
    file = Path(__file__).with_name("digits.csv.gz")
    if file.exists():
        rows = np.loadtxt(file, delimiter=",")
        x, y = rows[:, :-1], rows[:, -1].astype(int)
    else:
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
    return split(x / 16, y, rng, validation, test)


def mnist(folder: str | Path, validation: int = 5000, download: bool = False) -> Parts:
    r"""Load MNIST, 28 x 28 pixels, from its four files.

    Parameters
    ----------
    folder : str or Path
        Where the files are, with their usual names (see `MNIST_SHA256`).
    validation : int
        So many of the 60,000 training images, the last ones, are for validation.
    download : bool
        Whether to fetch missing files (11.6 MB) from `MNIST_URL` into the folder.

    Returns
    -------
    Parts
        `x` has the shape (N, 784) and dtype float32, 0 (paper) to 1 (ink); `y` the shape (N,), the digits.

    Raises
    ------
    FileNotFoundError
        If a file is missing and is not to be downloaded.
    ValueError
        If a file has another SHA-256 checksum than it should, or `validation` does not fit.

    Examples
    --------
    >>> mnist("no/such/folder")
    Traceback (most recent call last):
    FileNotFoundError: no/such/folder/train-images-idx3-ubyte.gz is missing; download=True would fetch it

    References
    ----------
    Y. LeCun et al.: Gradient-based learning applied to document recognition, 1998.
    """
    images, labels, test_images, test_labels = (
        read_idx(_mnist_file(Path(folder), name, download)) for name in MNIST_SHA256
    )
    count = len(images) - validation
    if not 0 < count <= len(images):
        raise ValueError(f"validation must be from 0 to {len(images) - 1}, got {validation}")
    x, test_x = (i.reshape(len(i), -1).astype(np.float32) / 255 for i in (images, test_images))
    y, test_y = labels.astype(int), test_labels.astype(int)
    return Parts(Part(x[:count], y[:count]), Part(x[count:], y[count:]), Part(test_x, test_y))


def read_idx(content: bytes) -> NDArray:
    r"""Read an array of bytes in the IDX format of MNIST, compressed by gzip.

    It begins with two bytes 0, the type 8 (unsigned bytes), the number of axes, and their lengths as
    big-endian 32-bit integers.

    Parameters
    ----------
    content : bytes
        What is in the file.

    Returns
    -------
    ndarray of uint8
        The array.

    Raises
    ------
    ValueError
        If the format is another one, or there are too many or too few bytes.

    Examples
    --------
    >>> import gzip
    >>> read_idx(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9])))
    array([[7, 8, 9]], dtype=uint8)

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits (the IDX format).
    """
    import gzip

    content = gzip.decompress(content)
    if content[:3] != b"\0\0\x08" or len(content) < 4:
        raise ValueError(
            f"content must begin with the bytes 0, 0, 8 of the IDX format, got {list(content[:3])}"
        )
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise ValueError(
            f"content must hold {math.prod(shape)} values for {shape}, got {len(content) - start}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _mnist_file(folder: Path, name: str, download: bool) -> bytes:
    path = folder / name
    if path.exists():
        content = path.read_bytes()
    elif download:
        from urllib.request import urlopen

        with urlopen(MNIST_URL + name, timeout=60) as response:
            content = response.read()
    else:
        raise FileNotFoundError(f"{path} is missing; download=True would fetch it")
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != MNIST_SHA256[name]:
        raise ValueError(f"{path} must have the SHA-256 checksum {MNIST_SHA256[name]}, got {checksum}")
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return content


def two_moons(n: int, rng: Generator, noise: float = 0.1) -> Part:
    r"""Draw points on two half circles that reach into each other, one for each class.

    Parameters
    ----------
    n : int
        The number of points, half of each class.
    rng : numpy.random.Generator
        The source of randomness.
    noise : float
        The standard deviation of the noise that is added to each coordinate.

    Returns
    -------
    Part
        `x` has the shape (n, 2), `y` the shape (n,).

    Raises
    ------
    ValueError
        If `n` or `noise` is negative.

    Examples
    --------
    >>> x, y = two_moons(4, np.random.default_rng(1), noise=0)
    >>> y
    array([0, 1, 0, 1])
    >>> np.hypot(*x[y == 0].T).round(6)  # the first moon is half of the unit circle
    array([1., 1.])

    References
    ----------
    Toy data of this book.
    """
    _check_toy(n, "noise", noise)
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    x = np.where(y[:, None] == 0, upper, [1.0, 0.5] - upper)
    return Part(x + rng.normal(0, noise, (n, 2)), y)


def blobs(n: int, rng: Generator, centers: ArrayLike, spread: float = 1.0) -> Part:
    r"""Draw points of normal distributions around K centres, one for each class.

    Parameters
    ----------
    n : int
        The number of points, equally many of each class (or one more).
    rng : numpy.random.Generator
        The source of randomness.
    centers : array_like, shape (K, D)
        The centres.
    spread : float
        The standard deviation of each coordinate.

    Returns
    -------
    Part
        `x` has the shape (n, D), `y` the shape (n,).

    Raises
    ------
    ValueError
        If `n` or `spread` is negative, or `centers` is not a matrix.

    Examples
    --------
    >>> blobs(3, np.random.default_rng(1), [[0.0, 0.0], [5.0, 5.0]], spread=0)
    Part(x=array([[0., 0.],
           [5., 5.],
           [0., 0.]]), y=array([0, 1, 0]))

    References
    ----------
    Toy data of this book.
    """
    _check_toy(n, "spread", spread)
    centers = np.asarray(centers, dtype=np.float64)
    if centers.ndim != 2 or len(centers) == 0:
        raise ValueError(f"centers must have the shape (K, D) with K at least 1, got {centers.shape}")
    y = np.arange(n) % len(centers)
    return Part(centers[y] + rng.normal(0, spread, (n, centers.shape[1])), y)


def noisy_line(
    n: int, rng: Generator, slope: float = 2.0, intercept: float = 1.0, noise: float = 0.1
) -> Part:
    r"""Draw points around a line, :math:`y = w x + b + \varepsilon` with :math:`x \sim U[-1, 1]`.

    Parameters
    ----------
    n : int
        The number of points.
    rng : numpy.random.Generator
        The source of randomness.
    slope, intercept : float
        The weight w and the bias b.
    noise : float
        The standard deviation of the normal ε.

    Returns
    -------
    Part
        `x` and `y` have the shape (n, 1).

    Raises
    ------
    ValueError
        If `n` or `noise` is negative.

    Examples
    --------
    >>> x, y = noisy_line(3, np.random.default_rng(1), noise=0)
    >>> bool(np.allclose(y, 2 * x + 1))
    True

    References
    ----------
    Toy data of this book.
    """
    _check_toy(n, "noise", noise)
    x = rng.uniform(-1, 1, (n, 1))
    return Part(x, slope * x + intercept + rng.normal(0, noise, (n, 1)))


def tone(frequency: float, duration: float = 0.5, sample_rate: int = 8000) -> NDArray:
    r"""Synthesize a plucked string: four harmonics that fade, the higher ones sooner.

    .. math:: \sum_{k=1}^4 \frac1k e^{-2 k t / d} \sin(2 \pi k f t), \quad \text{scaled to a maximum of 1}

    Parameters
    ----------
    frequency : float
        The frequency f in hertz; the highest harmonic 4f must be below half of the sample rate.
    duration : float
        The length d in seconds.
    sample_rate : int
        The number of samples a second.

    Returns
    -------
    ndarray, shape (round(duration * sample_rate),)
        The sound.

    Raises
    ------
    ValueError
        If `frequency` is out of range, or `duration` shorter than a period.

    Examples
    --------
    >>> tone(440).shape
    (4000,)

    References
    ----------
    Toy data of this book.
    """
    if not 0 < 8 * frequency < sample_rate:
        raise ValueError(
            f"frequency must be positive and below sample_rate / 8 = {sample_rate / 8}, got {frequency}"
        )
    if not 1 / frequency <= duration < math.inf:
        raise ValueError(f"duration must be at least 1 / frequency = {1 / frequency}, got {duration}")
    t = np.arange(round(duration * sample_rate)) / sample_rate
    k = np.arange(1, 5)[:, None]
    sound = (np.exp(-2 * k * t / duration) * np.sin(2 * np.pi * k * frequency * t) / k).sum(axis=0)
    return sound / np.abs(sound).max()


def _check_toy(n: int, name: str, deviation: float) -> None:
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    if not 0 <= deviation < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {deviation}")
