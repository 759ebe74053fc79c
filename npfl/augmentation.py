r"""Dataset augmentation: examples that are slightly changed, with labels that fit them.

Images have the shape (..., H, W), rows downwards, with pixels from 0 to 1; what comes in from outside is 0.
Sounds have the shape (..., T).
"""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from npfl._arrays import as_float

_WINDOW = 512  # samples of a frame of the phase vocoder
_HOP = _WINDOW // 4


def mixup(x: ArrayLike, y: ArrayLike, alpha: float, rng: Generator) -> tuple[NDArray, NDArray]:
    r"""Mix every example of a batch with another one.

    .. math::

        \tilde{\mathbf x}_i = q \mathbf x_i + (1 - q) \mathbf x_j, \qquad
        \tilde{\mathbf y}_i = q \mathbf y_i + (1 - q) \mathbf y_j, \qquad
        q \sim \mathrm{Beta}(\kappa, \kappa)

    The partners j are a permutation of the batch. As in the authors' code there is one q for the batch;
    Keras' ``MixUp`` layer draws one for each example.

    Parameters
    ----------
    x : array_like, shape (B, ...)
        The inputs.
    y : array_like, shape (B, ...)
        The gold outputs: distributions such as one-hot rows, or real numbers. Indices of classes do not mix.
    alpha : float
        The parameter κ (the authors' α), positive: small values hardly mix, 1 draws q uniformly.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    tuple of two ndarrays, shaped like `x` and `y`
        The mixed inputs and outputs.

    Raises
    ------
    ValueError
        If `x` and `y` differ in number or `alpha` is not positive.
    TypeError
        If `y` is not of a floating-point dtype.

    Examples
    --------
    >>> x, y = mixup([[1.0], [2.0], [3.0]], np.eye(3), alpha=1.0, rng=np.random.default_rng(1))
    >>> y.sum(axis=-1)
    array([1., 1., 1.])
    >>> bool(np.allclose(x, y @ [[1.0], [2.0], [3.0]]))
    True

    References
    ----------
    H. Zhang et al.: mixup: beyond empirical risk minimization, 2017, arXiv 1710.09412.
    Lecture slide "Regularization – Dataset Augmentation".
    """
    x = as_float("x", x)
    if np.asarray(y).dtype.kind != "f":
        raise TypeError(
            f"y must hold fractions, such as one-hot rows of floats, got dtype {np.asarray(y).dtype}"
        )
    y = np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(f"x and y must hold the same number of examples, got shapes {x.shape} and {y.shape}")
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha must be positive and finite, got {alpha}")
    share = rng.beta(alpha, alpha)
    partner = rng.permutation(len(x))
    mixed = [share * array + (1 - share) * array[partner] for array in (x, y)]
    return mixed[0].astype(x.dtype, copy=False), mixed[1].astype(y.dtype, copy=False)


def translate(images: ArrayLike, down: float, right: float) -> NDArray:
    r"""Shift images; parts of pixels are interpolated.

    Parameters
    ----------
    images : array_like, shape (..., H, W)
        The images.
    down, right : float
        By how many pixels, negative for up and left.

    Returns
    -------
    ndarray, shape of `images`
        The shifted images.

    Raises
    ------
    ValueError
        If `images` has less than two axes, or a number is not finite.

    Examples
    --------
    >>> translate([[1.0, 2.0], [3.0, 4.0]], down=0, right=1)
    array([[0., 1.],
           [0., 3.]])

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (images).
    """
    if not (math.isfinite(down) and math.isfinite(right)):
        raise ValueError(f"down and right must be finite, got {down} and {right}")
    return _transform(images, np.eye(2), np.array([down, right]))


def rotate(images: ArrayLike, degrees: float) -> NDArray:
    r"""Rotate images around their centre, counterclockwise.

    Parameters, result and errors are as in `translate`, with the angle `degrees`.

    Examples
    --------
    >>> rotate([[1.0, 2.0], [3.0, 4.0]], 90).round(6)
    array([[2., 4.],
           [1., 3.]])

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (images).
    """
    if not math.isfinite(degrees):
        raise ValueError(f"degrees must be finite, got {degrees}")
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return _transform(images, np.array([[cosine, -sine], [sine, cosine]]), np.zeros(2))


def scale(images: ArrayLike, factor: float) -> NDArray:
    r"""Enlarge (factor above 1) or shrink images around their centre, in a frame of the same size.

    Parameters, result and errors are as in `translate`, with the positive number `factor`.

    Examples
    --------
    >>> scale([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], 2)
    array([[0.25, 0.5 , 0.25],
           [0.5 , 1.  , 0.5 ],
           [0.25, 0.5 , 0.25]])

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (images).
    """
    _positive("factor", factor)
    return _transform(images, factor * np.eye(2), np.zeros(2))


def flip(images: ArrayLike) -> NDArray:
    r"""Mirror images left to right. It suits photographs; a mirrored 2 is no 2.

    Parameters, result and errors are as in `translate`.

    Examples
    --------
    >>> flip([[1.0, 2.0], [3.0, 4.0]])
    array([[2., 1.],
           [4., 3.]])

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (images).
    """
    return _images(images)[..., ::-1].copy()


def brightness(images: ArrayLike, change: float) -> NDArray:
    r"""Add a number from -1 to 1 to all pixels and limit them to [0, 1].

    Parameters, result and errors are as in `translate`, with the number `change`.

    Examples
    --------
    >>> brightness([[0.0, 0.25], [0.5, 1.0]], 0.25)
    array([[0.25, 0.5 ],
           [0.75, 1.  ]])

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (images).
    """
    if not -1 <= change <= 1:
        raise ValueError(f"change must lie in [-1, 1], got {change}")
    images = _images(images)
    return np.clip(images + change, 0, 1).astype(images.dtype, copy=False)


def add_noise(signal: ArrayLike, snr: float, rng: Generator) -> NDArray:
    r"""Add normal noise of a given signal-to-noise ratio, :math:`10 \log_{10} (P_{signal} / P_{noise})`.

    Parameters
    ----------
    signal : array_like, shape (..., T)
        The sounds; the power P of each is the mean of its squares.
    snr : float
        The ratio in decibels, finite: 20 is slight noise, at 0 it is as strong as the signal.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray, shape of `signal`
        The noisy sounds.

    Raises
    ------
    ValueError
        If `signal` has no samples, or `snr` is not finite.

    Examples
    --------
    >>> noisy = add_noise(np.ones(10_000), snr=20, rng=np.random.default_rng(1))
    >>> float(noisy.std().round(2))
    0.1

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (speech).
    """
    signal = _signal(signal)
    if not math.isfinite(snr):
        raise ValueError(f"snr must be finite, got {snr}")
    power = np.square(signal, dtype=np.result_type(signal, np.float32)).mean(axis=-1, keepdims=True)
    noise = rng.normal(size=signal.shape) * np.sqrt(power) * 10 ** (-snr / 20)
    return (signal + noise).astype(signal.dtype)


def change_speed(signal: ArrayLike, factor: float) -> NDArray:
    r"""Play sounds faster (factor above 1) or slower, which also raises or lowers their pitch.

    Samples between two others are interpolated linearly.

    Parameters
    ----------
    signal : array_like, shape (..., T)
        The sounds.
    factor : float
        The ratio of the new speed, and frequencies, to the old ones, positive.

    Returns
    -------
    ndarray, shape (..., round(T / factor))
        The changed sounds.

    Raises
    ------
    ValueError
        If `signal` has no samples, or `factor` is not positive.

    Examples
    --------
    >>> change_speed([0.0, 1.0, 2.0, 3.0], 0.5)
    array([0. , 0.5, 1. , 1.5, 2. , 2.5, 3. , 3. ])

    References
    ----------
    Lecture slide "Regularization – Dataset Augmentation" (speech).
    """
    signal = _signal(signal)
    _positive("factor", factor)
    last = signal.shape[-1] - 1
    position = np.minimum(np.arange(round(signal.shape[-1] / factor)) * factor, last)
    before = position.astype(int)
    share = position - before
    after = np.minimum(before + 1, last)
    return ((1 - share) * signal[..., before] + share * signal[..., after]).astype(signal.dtype)


def change_pitch(signal: ArrayLike, factor: float) -> NDArray:
    r"""Raise or lower the pitch of sounds, which keep their length.

    A phase vocoder makes the sounds longer by `factor` at the same pitch: it takes spectra of short frames,
    lays the frames out at larger (or smaller) distances, and turns the phase of each frequency so that it
    goes on where the frame before has left it. `change_speed` then restores the length.

    Parameters
    ----------
    signal : array_like, shape (..., T)
        The sounds, longer than a frame of 512 samples to be of use.
    factor : float
        The ratio of the new frequencies to the old ones, positive: 2 is an octave up.

    Returns
    -------
    ndarray, shape of `signal`
        The changed sounds.

    Raises
    ------
    ValueError
        If `signal` has no samples, or `factor` is not positive.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 400 * np.arange(4000) / 8000)  # 400 periods a second
    >>> spectrum = np.abs(np.fft.rfft(change_pitch(tone, 1.5)))
    >>> int(spectrum.argmax()) * 8000 // 4000
    600

    References
    ----------
    J. Flanagan, R. Golden: Phase vocoder, 1966. Lecture slide "Regularization – Dataset Augmentation".
    """
    signal = _signal(signal)
    _positive("factor", factor)
    changed = change_speed(_stretch(signal.astype(np.float64), factor), factor)
    length = signal.shape[-1]
    # Rounding twice may leave a sample too many or too few.
    changed = np.pad(changed, [(0, 0)] * (signal.ndim - 1) + [(0, max(0, length - changed.shape[-1]))])
    return changed[..., :length].astype(signal.dtype)


def _stretch(signal: NDArray, factor: float) -> NDArray:
    length = round(signal.shape[-1] * factor)
    # Frames are laid at distances of _HOP; three begin before the sound, so that each sample is in four.
    frames = np.arange(-3, math.ceil(length / _HOP))
    starts = np.round(frames * _HOP / factor).astype(int)
    front = -starts[0]
    back = max(0, starts[-1] + _HOP + _WINDOW - signal.shape[-1])
    padded = np.pad(signal, [(0, 0)] * (signal.ndim - 1) + [(front, back)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    samples = (starts + front)[:, None] + np.arange(_WINDOW)
    here = np.fft.rfft(padded[..., samples] * window)
    later = np.fft.rfft(padded[..., samples + _HOP] * window)
    # As much as a frequency turns in one hop of the input, it has to turn in one hop of the output.
    turns = np.angle(later) - np.angle(here)
    phases = np.cumsum(np.concatenate([np.angle(here[..., :1, :]), turns[..., :-1, :]], axis=-2), axis=-2)
    pieces = np.fft.irfft(np.abs(here) * np.exp(1j * phases)) * window
    stretched = np.zeros((*signal.shape[:-1], len(frames) * _HOP + _WINDOW))
    for i in range(len(frames)):
        stretched[..., i * _HOP : i * _HOP + _WINDOW] += pieces[..., i, :]
    # The squares of four overlapping windows sum to 3/2.
    return stretched[..., 3 * _HOP : 3 * _HOP + length] / 1.5


def _transform(images: ArrayLike, matrix: NDArray, shift: NDArray) -> NDArray:
    """Move the pixel at position p, seen from the centre, to ``matrix @ p + shift``."""
    images = _images(images)
    # Where does the value of a pixel come from? From between four pixels of the image.
    inverse = np.linalg.inv(matrix)
    size = np.array(images.shape[-2:])
    centre = (size - 1) / 2
    first = centre - inverse @ (centre + shift)
    down, right = inverse.T[..., None, None]
    source = first[:, None, None] + down * np.arange(size[0])[:, None] + right * np.arange(size[1])
    floor = np.floor(source)
    # Around the image lies a frame of zeros, for all that is outside.
    last = size[:, None, None] + 1
    places = [np.fmin(np.fmax(floor + step, 0), last).astype(int) for step in (1, 2)]
    near = 1 - (source - floor)
    weights = [near, 1 - near]
    flat = images.reshape(-1, *size)
    framed = np.zeros((len(flat), *(size + 2)))
    framed[:, 1:-1, 1:-1] = flat
    moved = np.zeros(flat.shape)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        moved += framed[:, places[i][0], places[j][1]] * weights[i][0] * weights[j][1]
    return moved.reshape(images.shape).astype(images.dtype)


def _images(images: ArrayLike) -> NDArray:
    images = as_float("images", images)
    if images.ndim < 2:
        raise ValueError(f"images must have the shape (..., H, W), got {images.shape}")
    return images


def _signal(signal: ArrayLike) -> NDArray:
    signal = as_float("signal", signal)
    if signal.ndim == 0 or signal.shape[-1] == 0:
        raise ValueError(f"signal must have the shape (..., T) with samples, got {signal.shape}")
    return signal


def _positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")
