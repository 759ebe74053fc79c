"""Batch and layer normalization, which differ in the axes of mean and variance."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl._checks import fraction, positive
from npfl._objects import setting
from npfl._sums import wide
from npfl.layers.base import Layer, full, rows


class _Normalization(Layer):
    """Share between batch and layer normalization all but the axes of mean and variance."""

    epsilon: float = setting(positive)

    def _standardize(
        self, x: NDArray, mean: NDArray, variance: NDArray, axes: tuple[int, ...] | None
    ) -> NDArray:
        """Return the outputs; `axes` are those of mean and variance, None if these do not depend on x."""
        self._output_shape, self._axes = x.shape, axes
        self._scale = 1 / np.sqrt(variance + self.epsilon)
        self._z = (x - mean) * self._scale
        gamma, beta = self.parameters
        return (gamma * self._z + beta).astype(x.dtype, copy=False)

    def backward(self, dy: ArrayLike) -> NDArray:
        dy = self._derivative(dy)
        rows(dy * self._z).sum(axis=0, dtype=wide(dy), out=self.gradients[0])
        rows(dy).sum(axis=0, dtype=wide(dy), out=self.gradients[1])
        dz = dy * self.parameters[0]
        dx = (
            dz * self._scale
            if self._axes is None
            else standardize_backward(dz, self._z, self._scale, self._axes)
        )
        return dx.astype(dy.dtype, copy=False)


class BatchNormalization(_Normalization):
    r"""Standardize each feature over the batch, then scale and shift it.

    .. math:: \mathbf y = \gamma \hat{\mathbf x} + b, \qquad
        \hat{\mathbf x} = \frac{\mathbf x - \operatorname{mean} \mathbf x}
        {\sqrt{\operatorname{var} \mathbf x + \epsilon}}

    Mean and variance (the biased one, divided by the number of examples) are taken over all axes but the
    last. In inference moving averages take their place; training moves them by
    ``moving = momentum * moving + (1 - momentum) * batch``. As in Keras, `momentum` is the part that is kept
    (PyTorch: the new part), the moving variance is biased (PyTorch: unbiased), and ε is 1e-3 (PyTorch: 1e-5).

    Its parameters are γ (at first 1) and b (0; Keras: beta), its state the moving mean (0) and variance (1),
    all of the shape (features,). An empty batch has no mean: training with one raises a ValueError.

    Parameters
    ----------
    features : int
        The number of features.
    momentum : float
        The part of the moving averages that is kept, at least 0 and below 1.
    epsilon : float
        The ε that keeps the root from 0, positive.
    dtype : floating-point dtype
        The precision of the parameters.

    Examples
    --------
    >>> layer = BatchNormalization(1, momentum=0.5)
    >>> layer.forward([[1.0], [3.0]], training=True).round(3)
    array([[-1.],
           [ 1.]])
    >>> layer.state
    [array([1.]), array([1.])]

    References
    ----------
    S. Ioffe, C. Szegedy: Batch normalization, 2015, arXiv 1502.03167.
    """

    momentum: float = setting(fraction)

    def __init__(
        self, features: int, *, momentum: float = 0.99, epsilon: float = 1e-3, dtype: DTypeLike = np.float64
    ) -> None:
        self.momentum, self.epsilon = momentum, epsilon
        gamma, beta = full(features, 1, dtype), full(features, 0, dtype)
        # The state is of the precision that mean and variance are computed in.
        super().__init__([gamma, beta], [beta.astype(wide(beta)), gamma.astype(wide(gamma))])

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., features) to outputs of the same shape."""
        x = self._inputs(x, training)
        if not training:
            mean, variance = self.state
            return self._standardize(x, mean, variance, axes=None)
        if x.size == 0:
            raise ValueError(f"x must hold at least one example in training, got shape {x.shape}")
        axes = tuple(range(x.ndim - 1))
        batch_moments = moments(x, axes)
        for moving, batch in zip(self.state, batch_moments, strict=True):
            moving += (1 - self.momentum) * (batch.reshape(-1) - moving)
        return self._standardize(x, *batch_moments, axes=axes)


class LayerNormalization(_Normalization):
    r"""Standardize each example over its features, then scale and shift every feature.

    The formula is that of `BatchNormalization`, but mean and variance are taken over the last axis, in
    training and in inference alike. ε is 1e-3, as in Keras (PyTorch: 1e-5).

    Its parameters are γ (at first 1) and b (at first 0; Keras: beta), shape (features,).

    Parameters
    ----------
    features : int
        The number of features.
    epsilon : float
        The ε that keeps the root from 0, positive.
    dtype : floating-point dtype
        The precision of the parameters.

    Examples
    --------
    >>> LayerNormalization(2).forward([[1.0, 3.0], [20.0, 10.0]]).round(3)
    array([[-1.,  1.],
           [ 1., -1.]])

    References
    ----------
    J. Ba et al.: Layer normalization, 2016, arXiv 1607.06450.
    """

    def __init__(self, features: int, *, epsilon: float = 1e-3, dtype: DTypeLike = np.float64) -> None:
        self.epsilon = epsilon
        super().__init__([full(features, 1, dtype), full(features, 0, dtype)])

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Map inputs (..., features) to outputs of the same shape."""
        x = self._inputs(x, training)
        return self._standardize(x, *moments(x, (-1,)), axes=(-1,))


def moments(x: NDArray, axes: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """Return mean and variance, in float32 at least, because squares of float16 overflow."""
    return x.mean(axes, wide(x), keepdims=True), x.var(axes, wide(x), keepdims=True)


def standardize_backward(dz: NDArray, z: NDArray, scale: NDArray, axes: tuple[int, ...]) -> NDArray:
    """Return the derivative with respect to x, given that with respect to ``(x - mean) * scale``."""
    # Each z depends on its own x, and on all x of the axes through the mean and through the variance.
    return scale * (dz - dz.mean(axes, keepdims=True) - z * (dz * z).mean(axes, keepdims=True))
