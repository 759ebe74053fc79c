r"""Data sets: digits and toys.

Inputs are float arrays with one row an example; classes are arrays of indices, of which `one_hot` makes rows.
The three parts of a data set have three roles: parameters are fitted on `train`, hyperparameters chosen on
`validation`, and `test` is used once, to estimate the error on new data. No example is in two of them.
"""

import math
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl._checks import (
    as_array,
    as_float,
    as_indices,
    count,
    finite,
    float_dtype,
    generator,
    integer,
    not_negative,
    positive,
    real,
    size,
)


class Part(NamedTuple):
    """Inputs `x` and gold outputs `y` of some examples.

    Examples
    --------
    >>> Part(np.zeros((2, 3)), np.array([0, 1])).x.shape
    (2, 3)
    """

    x: NDArray
    y: NDArray


class Parts(NamedTuple):
    """The three disjoint parts of a data set.

    Examples
    --------
    >>> digits(np.random.default_rng(1)).test.x.shape
    (360, 64)
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

    Examples
    --------
    >>> parts = split(np.arange(10.0), np.arange(10), np.random.default_rng(1), validation=2, test=3)
    >>> len(parts.train.x), len(parts.validation.x), len(parts.test.x)
    (5, 2, 3)
    """
    x, y = as_array("x", x), as_array("y", y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(f"x and y must hold the same number of examples, got shapes {x.shape} and {y.shape}")
    validation, test = integer("validation", validation), integer("test", test)
    if not (validation >= 0 and test >= 0 and validation + test < len(x)):
        raise ValueError(
            "validation and test must not be negative and leave an example for training, "
            f"got {validation} and {test} of {len(x)}"
        )
    order = generator("rng", rng).permutation(len(x))
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
    dtype : floating-point dtype
        The precision of the result.

    Returns
    -------
    ndarray, shape (..., classes)
        The rows.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    classes = count("classes", classes)
    dtype = float_dtype("dtype", dtype)
    return (as_indices("labels", labels, classes)[..., None] == np.arange(classes)).astype(dtype)


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
    if not file.exists():
        # scikit-learn need not be imported for it, which takes much longer than reading its file.
        file = Path(str(distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")))
    rows = np.loadtxt(file, delimiter=",")
    return split(rows[:, :-1] / 16, rows[:, -1].astype(int), rng, validation, test)


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

    Examples
    --------
    >>> x, y = two_moons(4, np.random.default_rng(1), noise=0)
    >>> y
    array([0, 1, 0, 1])
    >>> np.hypot(*x[y == 0].T).round(6)  # the first moon is half of the unit circle
    array([1., 1.])
    """
    n, noise = _number("n", n), not_negative("noise", noise)
    y = np.arange(n) % 2
    angle = generator("rng", rng).uniform(0, np.pi, n)
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

    Examples
    --------
    >>> blobs(3, np.random.default_rng(1), [[0.0, 0.0], [5.0, 5.0]], spread=0)
    Part(x=array([[0., 0.],
           [5., 5.],
           [0., 0.]]), y=array([0, 1, 0]))
    """
    n, spread = _number("n", n), not_negative("spread", spread)
    generator("rng", rng)
    centers = as_float("centers", centers).astype(np.float64)
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

    Examples
    --------
    >>> x, y = noisy_line(3, np.random.default_rng(1), noise=0)
    >>> bool(np.allclose(y, 2 * x + 1))
    True
    """
    n, noise = _number("n", n), not_negative("noise", noise)
    slope, intercept = finite("slope", slope), finite("intercept", intercept)
    x = generator("rng", rng).uniform(-1, 1, (n, 1))
    return Part(x, slope * x + intercept + rng.normal(0, noise, (n, 1)))


def tone(frequency: float, duration: float = 0.5, sample_rate: float = 8000) -> NDArray:
    r"""Synthesize a plucked string: four harmonics that fade, the higher ones sooner.

    .. math:: \sum_{k=1}^4 \frac1k e^{-2 k t / d} \sin(2 \pi k f t), \quad \text{scaled to a maximum of 1}

    Parameters
    ----------
    frequency : float
        The frequency f in hertz; the highest harmonic 4f must be below half of the sample rate.
    duration : float
        The length d in seconds.
    sample_rate : float
        The number of samples a second.

    Returns
    -------
    ndarray, shape (round(duration * sample_rate),)
        The sound.

    Examples
    --------
    >>> tone(440).shape
    (4000,)
    """
    frequency, duration = real("frequency", frequency), real("duration", duration)
    sample_rate = positive("sample_rate", sample_rate)
    if not 0 < 8 * frequency < sample_rate:
        raise ValueError(
            f"frequency must be positive and below sample_rate / 8 = {sample_rate / 8}, got {frequency}"
        )
    if not 1 / frequency <= duration < math.inf:
        raise ValueError(f"duration must be at least 1 / frequency = {1 / frequency}, got {duration}")
    samples = duration * sample_rate
    t = np.arange(size("duration * sample_rate", samples, samples)) / sample_rate
    k = np.arange(1, 5)[:, None]
    sound = (np.exp(-2 * k * t / duration) * np.sin(2 * np.pi * k * frequency * t) / k).sum(axis=0)
    return sound / np.abs(sound).max()


def _number(name: str, value: int) -> int:
    if (number := integer(name, value)) < 0:
        raise ValueError(f"{name} must not be negative, got {number}")
    return number
