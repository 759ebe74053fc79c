"""The cross-entropy of distributions, and the labels that smoothing makes."""

from dataclasses import dataclass

from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, check_outputs, flag, prediction_pair, share, text
from npfl._objects import setting
from npfl._sums import product, total, wide
from npfl.activations import softmax
from npfl.losses._probabilities import check_distribution, gradient_by_probabilities, log_probabilities
from npfl.losses.base import Loss


def categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, *, from_logits: bool = False, label_smoothing: float = 0.0
) -> NDArray:
    r"""Compute the cross-entropy of a predicted distribution o relative to a gold one g.

    .. math:: -\sum_i g_i \log o_i

    For one-hot g it is the negative log-likelihood of the gold class. It is larger than the KL divergence by
    the entropy of g, which does not depend on o.

    Parameters
    ----------
    y_true : array_like, shape (..., K)
        The gold distribution, not negative; its sum is not checked.
    y_pred : array_like, shape (..., K)
        The predicted probabilities, not negative (they are divided by their sum), or the logits.
    from_logits : bool
        Whether `y_pred` holds logits: exact where a probability would be rounded to 0 or 1.
    label_smoothing : float
        The share α of the uniform distribution that is mixed into the gold one, see `smooth_labels`.

    Returns
    -------
    ndarray, shape (...)
        The loss of each example.

    Examples
    --------
    >>> import math
    >>> categorical_crossentropy([[0, 1], [1, 0]], [[0.75, 0.25], [0.5, 0.5]]) / math.log(2)
    array([2., 1.])
    >>> categorical_crossentropy([[0, 1]], [[1e4, 0.0]], from_logits=True)
    array([10000.])
    """
    g, y_pred = _pair(y_true, y_pred, from_logits, label_smoothing)
    losses = -total(product(g, log_probabilities(y_pred, from_logits)), -1)
    return losses.astype(y_pred.dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class CategoricalCrossentropy(Loss):
    r"""Compute cross-entropies of distributions; gradient :math:`o_j \sum_i g_i - g_j` by logits.

    It is o - g if the gold distribution sums to 1. By probabilities p with sum s, where o = p/s, it is
    :math:`\frac1s (\sum_i g_i - g_j / o_j)`. The options are those of `categorical_crossentropy`.

    Examples
    --------
    >>> import math
    >>> CategoricalCrossentropy(from_logits=True).gradient([[0, 1]], [[0.0, math.log(3)]])
    array([[ 0.25, -0.25]])
    """

    _takes_vector = True

    from_logits: bool = setting(flag, False)
    label_smoothing: float = setting(share, 0.0)
    name: str = setting(text, "categorical_crossentropy")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return categorical_crossentropy(
            y_true, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        g, y_pred = _pair(y_true, y_pred, self.from_logits, self.label_smoothing)
        if self.from_logits:
            gradients = total(g, -1, keepdims=True) * softmax(y_pred) - g
            return gradients.astype(y_pred.dtype, copy=False)
        return gradient_by_probabilities(g, y_pred)


def smooth_labels(y_true: ArrayLike, alpha: float) -> NDArray:
    r"""Mix a gold distribution with the uniform one, :math:`(1 - \alpha)\,\mathbf g + \alpha / K`.

    The gold class of a one-hot g gets 1 - α + α/K, every other class α/K. (Some code, as fairseq's, divides α
    among the K - 1 other classes only.)

    Parameters
    ----------
    y_true : array_like, shape (..., K)
        The gold distributions, one-hot or general.
    alpha : float
        The share of the uniform distribution, in [0, 1].

    Returns
    -------
    ndarray, shape of `y_true`
        The smoothed distributions.

    Examples
    --------
    >>> smooth_labels([0, 0, 1, 0], alpha=0.2)
    array([0.05, 0.05, 0.85, 0.05])

    References
    ----------
    C. Szegedy et al.: Rethinking the inception architecture for computer vision, 2015.
    """
    y_true, alpha = as_float("y_true", y_true), share("alpha", alpha)
    check_outputs("y_true", y_true)
    return (1 - alpha) * y_true + alpha / y_true.shape[-1]


def _pair(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, label_smoothing: float
) -> tuple[NDArray, NDArray]:
    """Return the smoothed gold distributions and the predictions."""
    alpha = share("label_smoothing", label_smoothing)
    y_true, y_pred = prediction_pair(y_true, y_pred)
    if not (y_true >= 0).all():
        raise ValueError(f"y_true must not be negative, got {y_true.min()}")
    if not flag("from_logits", from_logits):
        check_distribution(y_pred)
    # In float32 at least: α / K may be hardly a number of float16.
    return smooth_labels(y_true.astype(wide(y_true), copy=False), alpha) if alpha else y_true, y_pred
