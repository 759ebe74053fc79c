"""Weight standardization, which normalizes weights rather than activations."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, positive
from npfl.layers.dense import Dense
from npfl.layers.normalization import moments, standardize_backward


class WeightStandardizedDense(Dense):
    r"""Be a dense layer whose kernel is standardized by `standardize_weights` in every forward pass.

    Parameters and errors are those of `Dense`. The trained kernel is the one before standardization.

    Examples
    --------
    >>> layer = WeightStandardizedDense(2, 1, np.random.default_rng(1))
    >>> layer.kernel[:] = [[5.0], [25.0]]
    >>> layer.forward([[1.0, 10.0]]).round(6)
    array([[9.]])

    References
    ----------
    S. Qiao et al.: Weight standardization, 2019, arXiv 1903.10520.
    """

    @property
    def weights(self) -> NDArray:
        """The matrix that multiplies the inputs: the standardized kernel."""
        return standardize_weights(self.kernel)

    def _set_gradients(self, dy: NDArray) -> None:
        super()._set_gradients(dy)
        self.gradients[0][:] = _standardize_weights_backward(self.kernel, self.gradients[0])


def standardize_weights(weights: ArrayLike, epsilon: float = 1e-5) -> NDArray:
    r"""Standardize the weights of each output.

    .. math::

        \hat{\mathbf w} = \frac{\mathbf w - \operatorname{mean} \mathbf w}
        {\sqrt{\operatorname{var} \mathbf w + \epsilon}}

    The variance is biased and ε inside the root. The paper's code has the unbiased one, and ε outside.

    Parameters
    ----------
    weights : array_like, shape (..., fan_out)
        The weights; the last axis tells the outputs apart.
    epsilon : float
        The ε that keeps the root from 0, positive.

    Returns
    -------
    ndarray, shape of `weights`
        The standardized weights.

    Examples
    --------
    >>> standardize_weights([[1.0, 5.0], [3.0, 1.0]]).round(4)
    array([[-1.,  1.],
           [ 1., -1.]])

    References
    ----------
    S. Qiao et al.: Weight standardization, 2019, arXiv 1903.10520.
    """
    weights = as_float("weights", weights)
    z, _, _ = _standardized(weights, epsilon)
    return z.astype(weights.dtype, copy=False)


def _standardize_weights_backward(weights: NDArray, dy: NDArray, epsilon: float = 1e-5) -> NDArray:
    r"""Turn the derivative d by the standardized weights into that by the weights.

    .. math::

        \frac{\partial L}{\partial \mathbf w}
        = \frac{1}{\sqrt{\operatorname{var} \mathbf w + \epsilon}}
        \left( \mathbf d - \operatorname{mean} \mathbf d
        - \hat{\mathbf w} \operatorname{mean}(\mathbf d \hat{\mathbf w}) \right)
    """
    z, scale, axes = _standardized(weights, epsilon)
    return standardize_backward(dy, z, scale, axes).astype(weights.dtype, copy=False)


def _standardized(weights: NDArray, epsilon: float) -> tuple[NDArray, NDArray, tuple[int, ...]]:
    epsilon = positive("epsilon", epsilon)
    if weights.ndim < 2 or weights.size == 0:
        raise ValueError(f"weights must have the shape (..., fan_out) with inputs, got {weights.shape}")
    axes = tuple(range(weights.ndim - 1))
    mean, variance = moments(weights, axes)
    scale = 1 / np.sqrt(variance + epsilon)
    return (weights - mean) * scale, scale, axes
