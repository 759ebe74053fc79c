r"""Dataset augmentation: examples that are slightly changed, with labels that fit them.

Images have the shape (..., H, W), rows downwards, with pixels from 0 to 1; what comes in from outside is 0.
Sounds have the shape (..., T).

References: lecture slide "Regularization – Dataset Augmentation".
"""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_array, as_float, finite, generator, positive, real, show, size
from npfl._sums import product

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
    """
    x, y, alpha = as_float("x", x), as_array("y", y), positive("alpha", alpha)
    if y.dtype.kind != "f":
        raise TypeError(
            f"y must hold fractions, such as one-hot rows of floats, got dtype {y.dtype}: {show(y)}"
        )
    y = as_float("y", y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(f"x and y must hold the same number of examples, got shapes {x.shape} and {y.shape}")
    # Beyond 1e300, where q is 1/2 to the last bit, the two numbers that it is made of would be infinite.
    share = generator("rng", rng).beta(min(alpha, 1e300), min(alpha, 1e300))
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

    Examples
    --------
    >>> translate([[1.0, 2.0], [3.0, 4.0]], down=0, right=1)
    array([[0., 1.],
           [0., 3.]])
    """
    down, right = finite("down", down), finite("right", right)
    return _transform(images, np.eye(2), np.array([down, right]))


def rotate(images: ArrayLike, degrees: float) -> NDArray:
    r"""Rotate images around their centre, counterclockwise.

    Parameters, result and errors are as in `translate`, with the angle `degrees`.

    Examples
    --------
    >>> rotate([[1.0, 2.0], [3.0, 4.0]], 90).round(6)
    array([[2., 4.],
           [1., 3.]])
    """
    degrees = finite("degrees", degrees)
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
    """
    # Below the smallest normal number, 1/factor is infinite; nothing but the centre is left long before.
    factor = max(positive("factor", factor), np.finfo(np.float64).tiny)
    return _transform(images, factor * np.eye(2), np.zeros(2))


def flip(images: ArrayLike) -> NDArray:
    r"""Mirror images left to right. It suits photographs; a mirrored 2 is no 2.

    Parameters, result and errors are as in `translate`.

    Examples
    --------
    >>> flip([[1.0, 2.0], [3.0, 4.0]])
    array([[2., 1.],
           [4., 3.]])
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
    """
    if not -1 <= (change := real("change", change)) <= 1:
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

    Examples
    --------
    >>> noisy = add_noise(np.ones(10_000), snr=20, rng=np.random.default_rng(1))
    >>> float(noisy.std().round(2))
    0.1
    """
    signal, snr = _signal(signal), finite("snr", snr)
    generator("rng", rng)
    largest = _largest(signal)
    power = np.square(signal / largest).mean(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        deviation = largest * np.sqrt(power) * np.power(10.0, -snr / 20)
    if not (deviation <= np.finfo(signal.dtype).max).all():
        raise ValueError(f"snr must leave noise that {signal.dtype} can hold, got {snr}")
    return (signal + rng.normal(size=signal.shape) * deviation).astype(signal.dtype)


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

    Examples
    --------
    >>> change_speed([0.0, 1.0, 2.0, 3.0], 0.5)
    array([0. , 0.5, 1. , 1.5, 2. , 2.5, 3. , 3. ])
    """
    signal, factor = _signal(signal), positive("factor", factor)
    last = signal.shape[-1] - 1
    samples = size("factor", factor, signal.shape[-1] / factor)
    position = np.minimum(np.arange(samples) * factor, last)
    before = position.astype(int)
    share = position - before
    after = np.minimum(before + 1, last)
    return ((1 - share) * signal[..., before] + share * signal[..., after]).astype(signal.dtype)


def change_pitch(signal: ArrayLike, factor: float) -> NDArray:
    r"""Raise or lower the pitch of sounds, which keep their length.

    A phase vocoder makes the sounds longer by `factor` at the same pitch: it takes spectra of short frames,
    lays the frames out at larger (or smaller) distances, and turns the phase of each peak of a spectrum so
    that it goes on where the frame before has left it. The frequencies around a peak turn with it; turned
    each for itself, they would soon cancel. `change_speed` then restores the length. Tones keep their
    loudness; hiss loses some, and what begins within a sound is smeared over about the length of a frame.

    Parameters
    ----------
    signal : array_like, shape (..., T)
        The sounds, longer than a frame of 512 samples to be of use. Beyond its ends a sound is taken to go
        on as its mirror image, upside down.
    factor : float
        The ratio of the new frequencies to the old ones, positive: 2 is an octave up.

    Returns
    -------
    ndarray, shape of `signal`
        The changed sounds.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 400 * np.arange(4000) / 8000)  # 400 periods a second
    >>> spectrum = np.abs(np.fft.rfft(change_pitch(tone, 1.5)))
    >>> int(spectrum.argmax()) * 8000 // 4000
    600

    References
    ----------
    J. Flanagan, R. Golden: Phase vocoder, 1966.
    J. Laroche, M. Dolson: Improved phase vocoder time-scale modification of audio, 1999 (the peaks).
    """
    signal, factor = _signal(signal), positive("factor", factor)
    *leading, length = signal.shape
    for ratio in (factor, 1 / factor):
        size("factor", factor, ratio * (length + 4 * _HOP))
    largest = _largest(signal)
    sounds = [_stretch(sound, factor) for sound in (signal / largest).reshape(-1, length)]
    changed = change_speed(np.reshape(sounds, (*leading, -1)) if sounds else signal, factor)
    # Rounding twice may leave a sample too many or too few.
    changed = np.pad(changed, [(0, 0)] * len(leading) + [(0, max(0, length - changed.shape[-1]))])
    return (largest * changed[..., :length]).astype(signal.dtype)


def _stretch(sound: NDArray, factor: float) -> NDArray:
    """Make one sound (T,) longer by `factor`, at the same pitch."""
    length = max(1, round(len(sound) * factor))
    # Frames are laid at distances of _HOP; three begin before the sound, so that each sample is in four.
    frames = np.arange(-3, math.ceil(length / _HOP))
    starts = np.round(frames * _HOP / factor).astype(int)
    front = -starts[0]
    back = max(0, starts[-1] + _HOP + _WINDOW - len(sound))
    padded = -np.pad(sound, (front, back), "reflect")
    padded[front : front + len(sound)] = sound
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    samples = (starts + front)[:, None] + np.arange(_WINDOW)
    here, later = (np.fft.rfft(padded[s] * window) for s in (samples, samples + _HOP))
    # As much as a frequency turns in one hop of the input, it has to turn in one hop of the output.
    phases, turns = np.angle(here), np.angle(later) - np.angle(here)
    for i in range(1, len(frames)):
        peak = _nearest_peak(np.abs(here[i]))
        phases[i] += (phases[i - 1] + turns[i - 1] - phases[i])[peak]
    pieces = np.fft.irfft(np.abs(here) * np.exp(1j * phases)) * window
    stretched = np.zeros(len(frames) * _HOP + _WINDOW)
    for i, piece in enumerate(pieces):
        stretched[i * _HOP : i * _HOP + _WINDOW] += piece
    # The squares of four overlapping windows sum to 3/2.
    return stretched[3 * _HOP : 3 * _HOP + length] / 1.5


def _nearest_peak(spectrum: NDArray) -> NDArray:
    """Return for each frequency that of the nearest peak, as high as two neighbours on either side."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(spectrum, 2), 5)
    peaks = np.flatnonzero(spectrum >= around.max(axis=-1))
    return peaks[np.searchsorted((peaks[1:] + peaks[:-1]) / 2, np.arange(len(spectrum)))]


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
    flat = images.reshape(math.prod(images.shape[:-2]), *size)
    framed = np.zeros((len(flat), *(size + 2)))
    framed[:, 1:-1, 1:-1] = flat
    moved = np.zeros(flat.shape)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        moved += product(weights[i][0] * weights[j][1], framed[:, places[i][0], places[j][1]])
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
    if not np.isfinite(signal).all():
        raise ValueError("signal must be finite, got inf or NaN")
    return signal


def _largest(signal: NDArray) -> NDArray:
    """Return the largest magnitude of each sound, by which it is divided so that no square overflows."""
    largest = np.abs(signal).max(axis=-1, keepdims=True).astype(np.float64)
    return np.where(largest > 0, largest, 1)
