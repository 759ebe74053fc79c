"""The cross-entropy of gold classes that are given by their indices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._checks import flag, index_pair, text
from npfl._objects import setting
from npfl.activations import softmax
from npfl.losses._probabilities import check_distribution, gradient_by_probabilities, log_probabilities
from npfl.losses.base import Loss


def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, *, from_logits: bool = False
) -> NDArray:
    r"""Compute the cross-entropy :math:`-\log o_c` for gold classes given by their indices c.

    Parameters
    ----------
    y_true : array_like of integers, shape (...)
        The gold classes, from 0 to K - 1.
    y_pred : array_like, shape (..., K)
        The predicted probabilities, not negative (they are divided by their sum), or the logits.
    from_logits : bool
        Whether `y_pred` holds logits.

    Returns
    -------
    ndarray, shape (...)
        The loss of each example.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1, 0], [[0.75, 0.25], [0.5, 0.5]]) / np.log(2)
    array([2., 1.])
    """
    labels, y_pred = _pair(y_true, y_pred, from_logits)
    log_o = log_probabilities(y_pred, from_logits)
    return -np.take_along_axis(log_o, labels[..., None], axis=-1)[..., 0].astype(y_pred.dtype, copy=False)


@dataclass(kw_only=True, eq=False)
class SparseCategoricalCrossentropy(Loss):
    r"""Compute cross-entropies for indices of classes; gradient :math:`o_j - [j = c]` by logits.

    Labels cannot be smoothed here, an index is always one-hot. `from_logits` is that of
    `sparse_categorical_crossentropy`.

    Examples
    --------
    >>> SparseCategoricalCrossentropy(from_logits=True).gradient([1], [[0.0, np.log(3)]])
    array([[ 0.25, -0.25]])
    """

    _takes_vector = True

    from_logits: bool = setting(flag, False)
    name: str = setting(text, "sparse_categorical_crossentropy")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return sparse_categorical_crossentropy(y_true, y_pred, from_logits=self.from_logits)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        labels, y_pred = _pair(y_true, y_pred, self.from_logits)
        one_hot = (labels[..., None] == np.arange(y_pred.shape[-1])).astype(y_pred.dtype)
        return softmax(y_pred) - one_hot if self.from_logits else gradient_by_probabilities(one_hot, y_pred)


def _pair(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool) -> tuple[NDArray, NDArray]:
    labels, y_pred = index_pair(y_true, y_pred)
    if not flag("from_logits", from_logits):
        check_distribution(y_pred)
    return labels, y_pred
