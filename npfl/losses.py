r"""Losses: what training minimizes, each with its gradient by the predictions.

A loss has two forms, as in Keras. The *function* takes `y_true` and `y_pred` of shape (..., K) and returns
the unreduced losses of shape (...): the last axis is averaged, or summed where it holds one distribution.
The *class* also multiplies them by `sample_weight`, reduces them, and knows the gradient of the result; see
`Loss`. Labels are converted to the dtype of the predictions, and the result has it too.

Conventions, those of Keras 3 where libraries differ:

- Probabilities are clipped to [1e-7, 1 - 1e-7], so no loss exceeds 16.12, and where they are clipped the
  gradient is 0. (In float16, where 1 - 1e-7 is 1, the bound is 5e-4.) PyTorch bounds the logarithm at -100.
- Categorical probabilities are first divided by their sum. PyTorch's ``nll_loss`` takes logarithms as is.
- Label smoothing mixes in 1/K for *every* class, the gold one too, and 1/2 for binary labels.
- At a kink the gradient is 0: for the absolute error at 0, for the hinge loss where the margin is just 1.

References: lecture slides "Loss and Metric", "Losses", "Derivative of MSE Loss" and those after it.
"""

import enum
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl._arrays import as_float, check_outputs, expand_weight, index_pair, prediction_pair
from npfl.activations import log_softmax, sigmoid, softmax


class Reduction(enum.StrEnum):
    """Say how the losses of the examples become one number; the strings themselves serve as well.

    `SUM_OVER_BATCH_SIZE` divides the sum by the *number* of losses, never by the sum of the weights.
    `AUTO` is the same, and gone in Keras 3. `SUM` adds the losses and `NONE` keeps them.
    The mean of no losses is 0.

    Examples
    --------
    >>> Reduction("sum") is Reduction.SUM
    True

    References
    ----------
    Lecture slide "Losses" (``tf.losses.Reduction``).
    """

    AUTO = "auto"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    SUM = "sum"
    NONE = "none"


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Average the squared errors, :math:`\frac1K \sum_i (\hat y_i - y_i)^2`.

    But for a factor and a constant it is the negative log-likelihood of a Normal with a fixed variance.

    Parameters
    ----------
    y_true : array_like, shape (..., K)
        The gold values y.
    y_pred : array_like, shape (..., K)
        The predictions ŷ.

    Returns
    -------
    ndarray, shape (...)
        The loss of each example.

    Raises
    ------
    ValueError
        If the shapes differ or the last axis is missing or empty.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> mean_squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [3.0, 4.0]])
    array([2., 0.])

    References
    ----------
    Lecture slide "Derivative of MSE Loss".
    """
    y_true, y_pred = prediction_pair(y_true, y_pred)
    return np.square(y_pred - y_true).mean(axis=-1)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Average the absolute errors, :math:`\frac1K \sum_i |\hat y_i - y_i|`.

    Parameters, result and errors are those of `mean_squared_error`.

    Examples
    --------
    >>> mean_absolute_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [3.0, 4.0]])
    array([1., 0.])

    References
    ----------
    Lecture slide "Losses".
    """
    y_true, y_pred = prediction_pair(y_true, y_pred)
    return np.abs(y_pred - y_true).mean(axis=-1)


def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> NDArray:
    r"""Average a loss that is quadratic for small and linear for large errors.

    .. math::

        \frac1K \sum_i \begin{cases}
        u_i^2 / 2 & |u_i| \le \delta \\
        \delta |u_i| - \delta^2 / 2 & |u_i| > \delta
        \end{cases}, \qquad u_i = \hat y_i - y_i

    `delta` is positive; other parameters, result and errors are those of `mean_squared_error`.
    PyTorch's ``HuberLoss`` is the same, its ``SmoothL1Loss(beta=delta)`` is smaller by the factor 1/delta.

    Examples
    --------
    >>> huber([[0.0], [0.0]], [[0.5], [3.0]])
    array([0.125, 2.5  ])

    References
    ----------
    P. J. Huber: Robust estimation of a location parameter, 1964. Lecture slide "Loss and Metric".
    """
    y_true, y_pred = prediction_pair(y_true, y_pred)
    error = np.abs(y_pred - y_true)
    # With c = min(|e|, δ), both cases are c (|e| - c/2).
    inner = np.minimum(error, _checked_delta(delta))
    return (inner * (error - inner / 2)).mean(axis=-1)


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Average the hinge losses, :math:`\frac1K \sum_i \max(0, 1 - y_i \hat y_i)`.

    All labels are -1 or 1, or all are 0 or 1; then 0 means -1. Other labels raise a ValueError.
    Parameters, result and errors are otherwise those of `mean_squared_error`.

    Examples
    --------
    >>> hinge([[1], [-1], [-1]], [[0.25], [0.25], [-2.0]])
    array([0.75, 1.25, 0.  ])

    References
    ----------
    Lecture slide "Loss and Metric".
    """
    y_true, y_pred = prediction_pair(y_true, y_pred)
    return np.maximum(0, 1 - _signs(y_true) * y_pred).mean(axis=-1)


def binary_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0
) -> NDArray:
    r"""Average the negative log-likelihoods of K yes-or-no outcomes.

    .. math::

        \frac1K \sum_i -g_i \log o_i - (1 - g_i) \log (1 - o_i)
        \quad\text{or, by the logits,}\quad \frac1K \sum_i \max(z_i, 0) - z_i g_i + \log(1 + e^{-|z_i|})

    Parameters
    ----------
    y_true : array_like, shape (..., K)
        The gold probabilities g, in [0, 1], most often 0 or 1.
    y_pred : array_like, shape (..., K)
        The predicted probabilities o, in [0, 1], or the logits z.
    from_logits : bool
        Whether `y_pred` holds logits: exact where a probability would be rounded to 0 or 1.
    label_smoothing : float
        The share α of 1/2 that is mixed into the gold probabilities.

    Returns
    -------
    ndarray, shape (...)
        The loss of each example.

    Raises
    ------
    ValueError
        If the shapes differ, the last axis is missing or empty, or a value is out of range.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> binary_crossentropy([[1], [0]], [[0.25], [0.5]]) / np.log(2)
    array([2., 1.])
    >>> binary_crossentropy([[0], [1]], [[1e4], [1e4]], from_logits=True)
    array([10000.,     0.])

    References
    ----------
    Lecture slides "Losses", "Derivative of Softmax and Sigmoid MLE Losses".
    """
    y_true, y_pred = _binary_pair(y_true, y_pred, from_logits, label_smoothing)
    if from_logits:
        losses = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
    else:
        o = _clip(y_pred)
        losses = -y_true * np.log(o) - (1 - y_true) * np.log1p(-o)
    return losses.mean(axis=-1)


def categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0
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

    Raises
    ------
    ValueError
        If the shapes differ, the last axis is missing or empty, or a value is out of range.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> categorical_crossentropy([[0, 1], [1, 0]], [[0.75, 0.25], [0.5, 0.5]]) / np.log(2)
    array([2., 1.])
    >>> categorical_crossentropy([[0, 1]], [[1e4, 0.0]], from_logits=True)
    array([10000.])

    References
    ----------
    Lecture slides "Losses", "Derivative of Softmax MLE Loss".
    """
    y_true, y_pred = _categorical_pair(y_true, y_pred, from_logits, label_smoothing)
    return -(y_true * _log_probabilities(y_pred, from_logits)).sum(axis=-1)


def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False
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

    Raises
    ------
    ValueError
        If `y_true` does not have the shape of `y_pred` without its last axis, or a value is out of range.
    TypeError
        If `y_true` does not hold integers or `y_pred` real numbers.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1, 0], [[0.75, 0.25], [0.5, 0.5]]) / np.log(2)
    array([2., 1.])

    References
    ----------
    Lecture slide "Losses".
    """
    labels, y_pred = _sparse_pair(y_true, y_pred, from_logits)
    log_o = _log_probabilities(y_pred, from_logits)
    return -np.take_along_axis(log_o, labels[..., None], axis=-1)[..., 0]


def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
    r"""Compute the Kullback-Leibler divergence, :math:`\sum_i g_i \log (g_i / o_i)`.

    Both distributions are clipped to [1e-7, 1], not divided by their sums. PyTorch's ``kl_div`` takes log o.
    Parameters, result and errors are those of `binary_crossentropy`, without its options.

    Examples
    --------
    >>> kl_divergence([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]).round(5)
    array([0.     , 0.69315])

    References
    ----------
    Lecture slides "Putting It All Together", "Losses".
    """
    g, o = (np.clip(array, _epsilon(array), 1) for array in _probability_pair(y_true, y_pred))
    return (g * np.log(g / o)).sum(axis=-1)


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

    Raises
    ------
    ValueError
        If `alpha` is out of range, or the last axis is missing or empty.

    Examples
    --------
    >>> smooth_labels([0, 0, 1, 0], alpha=0.2)
    array([0.05, 0.05, 0.85, 0.05])

    References
    ----------
    C. Szegedy et al.: Rethinking the inception architecture for computer vision, 2015.
    Lecture slide "Regularization – Label Smoothing".
    """
    y_true = as_float("y_true", y_true)
    check_outputs("y_true", y_true)
    return (1 - _checked_share("alpha", alpha)) * y_true + alpha / y_true.shape[-1]


class Loss(ABC):
    r"""Reduce the losses of the examples to one number, and differentiate it by the predictions.

    .. math:: \frac1B \sum_b w^{(b)} L^{(b)} \quad\text{or, for SUM,}\quad \sum_b w^{(b)} L^{(b)}

    Predictions of shape (B, K) have B losses; those of shape (B, T, K) have B·T, which is then the divisor.
    The weights do not change it: weights [1, 1, 0, 0] on four losses of 1 give 0.5.
    A subclass defines `call` and `call_gradient`. Each class here takes the options of the function it calls.

    Parameters
    ----------
    reduction : Reduction or str
        What becomes of the losses.
    name : str
        A name for reports.

    Raises
    ------
    ValueError
        If `reduction` is not one of `Reduction`.

    Examples
    --------
    >>> loss = MeanSquaredError(Reduction.NONE)
    >>> loss([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[1.0, 0.5])
    array([1. , 4.5])
    >>> float(MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[1.0, 0.5]))
    2.75

    References
    ----------
    Lecture slide "Losses".
    """

    # In a vector, K outputs of one example cannot be told from one output of B examples, so it is refused.
    # Where K values are one distribution there is no doubt, and one example of shape (K,) is allowed.
    _takes_vector = False

    def __init__(self, reduction: Reduction | str, name: str) -> None:
        try:
            self.reduction = Reduction(reduction)
        except ValueError:
            allowed = ", ".join(repr(r.value) for r in Reduction)
            raise ValueError(f"reduction must be one of {allowed}, got {reduction!r}") from None
        self.name = name

    @abstractmethod
    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        """Return the unreduced losses: (..., K) -> (...)."""

    @abstractmethod
    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        """Return the gradient of each unreduced loss by its own predictions: (..., K) -> (..., K)."""

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NDArray:
        """Return the reduced loss: a number, or for NONE an array (...).

        The shape of `sample_weight` is that of the losses or its beginning: (B,) and () serve for (B, T).
        """
        self._check_batch(y_pred)
        losses = self.call(y_true, y_pred)
        if sample_weight is not None:
            losses = losses * expand_weight(sample_weight, losses)
        if self.reduction is Reduction.NONE:
            return losses
        return losses.sum() if self.reduction is Reduction.SUM or losses.size == 0 else losses.mean()

    def gradient(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NDArray:
        """Return the gradient of the reduced loss (for NONE, of the sum) by `y_pred`: an array (..., K)."""
        self._check_batch(y_pred)
        gradients = self.call_gradient(y_true, y_pred)
        if sample_weight is not None:
            gradients = gradients * expand_weight(sample_weight, gradients[..., 0])[..., None]
        if self.reduction in (Reduction.SUM, Reduction.NONE):
            return gradients
        return gradients / max(1, gradients[..., 0].size)

    def _check_batch(self, y_pred: ArrayLike) -> None:
        if not self._takes_vector and np.ndim(y_pred) < 2:
            raise ValueError(
                f"y_pred must have shape (B, ..., K), got {np.shape(y_pred)}: "
                "use (B, 1) for examples with one output, (1, K) for one example"
            )


class MeanSquaredError(Loss):
    r"""Average the squared errors; gradient :math:`2 (\hat y - y) / K` for each loss.

    Examples
    --------
    >>> MeanSquaredError().gradient([[1.0, 2.0]], [[1.0, 4.0]])
    array([[0., 2.]])

    References
    ----------
    Lecture slides "Losses" and "Derivative of MSE Loss".
    """

    def __init__(self, reduction: Reduction | str = Reduction.AUTO, name: str = "mean_squared_error") -> None:
        super().__init__(reduction, name)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return mean_squared_error(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = prediction_pair(y_true, y_pred)
        return 2 * (y_pred - y_true) / y_pred.shape[-1]


class MeanAbsoluteError(Loss):
    r"""Average the absolute errors; gradient :math:`\operatorname{sign}(\hat y - y) / K`, 0 at the kink.

    Examples
    --------
    >>> MeanAbsoluteError().gradient([[1.0, 2.0]], [[1.0, 4.0]])
    array([[0. , 0.5]])

    References
    ----------
    Keras, ``losses.MeanAbsoluteError``; the lecture does not list it.
    """

    def __init__(
        self, reduction: Reduction | str = Reduction.AUTO, name: str = "mean_absolute_error"
    ) -> None:
        super().__init__(reduction, name)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return mean_absolute_error(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = prediction_pair(y_true, y_pred)
        return np.sign(y_pred - y_true) / y_pred.shape[-1]


class Huber(Loss):
    r"""Average Huber's losses; gradient :math:`\min(\max(\hat y - y, -\delta), \delta) / K`.

    Examples
    --------
    >>> Huber(delta=1.0).gradient([[0.0, 0.0]], [[0.5, -3.0]])
    array([[ 0.25, -0.5 ]])

    References
    ----------
    P. Huber: Robust estimation of a location parameter, 1964. Lecture slide "Loss and Metric".
    """

    def __init__(
        self, delta: float = 1.0, reduction: Reduction | str = Reduction.AUTO, name: str = "huber_loss"
    ) -> None:
        super().__init__(reduction, name)
        self.delta = _checked_delta(delta)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return huber(y_true, y_pred, self.delta)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = prediction_pair(y_true, y_pred)
        return np.clip(y_pred - y_true, -self.delta, self.delta) / y_pred.shape[-1]


class Hinge(Loss):
    r"""Average the hinge losses; gradient :math:`-y / K` where :math:`y \hat y < 1`, else 0.

    Examples
    --------
    >>> Hinge().gradient([[1, -1]], [[0.25, -2.0]])
    array([[-0.5,  0. ]])

    References
    ----------
    Lecture slide "Loss and Metric".
    """

    def __init__(self, reduction: Reduction | str = Reduction.AUTO, name: str = "hinge") -> None:
        super().__init__(reduction, name)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return hinge(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = prediction_pair(y_true, y_pred)
        signs = _signs(y_true)
        return np.where(signs * y_pred < 1, -signs, 0) / y_pred.shape[-1]


class BinaryCrossentropy(Loss):
    r"""Average binary cross-entropies; gradient :math:`(o - g) / K` by logits.

    By probabilities it is :math:`\frac{o - g}{o (1 - o) K}`; the derivative o (1 - o) of the sigmoid cancels.

    Examples
    --------
    >>> BinaryCrossentropy(from_logits=True).gradient([[1.0, 0.0]], [[0.0, 0.0]])
    array([[-0.25,  0.25]])

    References
    ----------
    Lecture slides "Losses" and "Derivative of Softmax MLE Loss".
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: Reduction | str = Reduction.AUTO,
        name: str = "binary_crossentropy",
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits
        self.label_smoothing = _checked_share("label_smoothing", label_smoothing)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = _binary_pair(y_true, y_pred, self.from_logits, self.label_smoothing)
        if self.from_logits:
            gradients = sigmoid(y_pred) - y_true
        else:
            o = _clip(y_pred)
            gradients = np.where(o == y_pred, (o - y_true) / (o * (1 - o)), 0)
        return gradients / y_pred.shape[-1]


class CategoricalCrossentropy(Loss):
    r"""Compute cross-entropies of distributions; gradient :math:`o_j \sum_i g_i - g_j` by logits.

    It is o - g if the gold distribution sums to 1. By probabilities p with sum s, where o = p/s, it is
    :math:`\frac1s (\sum_i g_i - g_j / o_j)`.

    Examples
    --------
    >>> CategoricalCrossentropy(from_logits=True).gradient([[0, 1]], [[0.0, np.log(3)]])
    array([[ 0.25, -0.25]])

    References
    ----------
    Lecture slides "Losses" and "Derivative of Softmax MLE Loss".
    """

    _takes_vector = True

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: Reduction | str = Reduction.AUTO,
        name: str = "categorical_crossentropy",
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits
        self.label_smoothing = _checked_share("label_smoothing", label_smoothing)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = _categorical_pair(y_true, y_pred, self.from_logits, self.label_smoothing)
        if self.from_logits:
            return y_true.sum(axis=-1, keepdims=True) * softmax(y_pred) - y_true
        return _gradient_by_probabilities(y_true, y_pred)


class SparseCategoricalCrossentropy(Loss):
    r"""Compute cross-entropies for indices of classes; gradient :math:`o_j - [j = c]` by logits.

    Labels cannot be smoothed here, an index is always one-hot.

    Examples
    --------
    >>> SparseCategoricalCrossentropy(from_logits=True).gradient([1], [[0.0, np.log(3)]])
    array([[ 0.25, -0.25]])

    References
    ----------
    Lecture slides "Losses" and "Derivative of Softmax MLE Loss".
    """

    _takes_vector = True

    def __init__(
        self,
        from_logits: bool = False,
        reduction: Reduction | str = Reduction.AUTO,
        name: str = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        labels, y_pred = _sparse_pair(y_true, y_pred, self.from_logits)
        one_hot = (labels[..., None] == np.arange(y_pred.shape[-1])).astype(y_pred.dtype)
        return softmax(y_pred) - one_hot if self.from_logits else _gradient_by_probabilities(one_hot, y_pred)


class KLDivergence(Loss):
    r"""Compute Kullback-Leibler divergences; gradient :math:`-g / o`, 0 where o is clipped.

    Examples
    --------
    >>> KLDivergence().gradient([[0.5, 0.5]], [[0.25, 0.75]]).round(3)
    array([[-2.   , -0.667]])

    References
    ----------
    Lecture slide of the overview table (NLL, cross-entropy, KL divergence).
    """

    _takes_vector = True

    def __init__(self, reduction: Reduction | str = Reduction.AUTO, name: str = "kl_divergence") -> None:
        super().__init__(reduction, name)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return kl_divergence(y_true, y_pred)

    def call_gradient(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = _probability_pair(y_true, y_pred)
        g, o = (np.clip(array, _epsilon(array), 1) for array in (y_true, y_pred))
        return np.where(o == y_pred, -g / o, 0)


def _probability_pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    y_true, y_pred = prediction_pair(y_true, y_pred)
    _check_probability("y_true", y_true)
    _check_probability("y_pred", y_pred)
    return y_true, y_pred


def _binary_pair(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, label_smoothing: float
) -> tuple[NDArray, NDArray]:
    y_true, y_pred = prediction_pair(y_true, y_pred)
    _check_probability("y_true", y_true)
    if not from_logits:
        _check_probability("y_pred", y_pred)
    return (1 - _checked_share("label_smoothing", label_smoothing)) * y_true + label_smoothing / 2, y_pred


def _categorical_pair(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool, label_smoothing: float
) -> tuple[NDArray, NDArray]:
    y_true, y_pred = prediction_pair(y_true, y_pred)
    if not (y_true >= 0).all():
        raise ValueError(f"y_true must not be negative, got {y_true.min()}")
    _checked_share("label_smoothing", label_smoothing)
    if not from_logits:
        _check_distribution(y_pred)
    return smooth_labels(y_true, label_smoothing) if label_smoothing else y_true, y_pred


def _sparse_pair(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool) -> tuple[NDArray, NDArray]:
    labels, y_pred = index_pair(y_true, y_pred)
    if not from_logits:
        _check_distribution(y_pred)
    return labels, y_pred


def _check_probability(name: str, array: NDArray) -> None:
    # Rounding may leave a mean of probabilities a little above 1.
    top = 1 + np.sqrt(np.finfo(array.dtype).eps)
    if array.size and not 0 <= array.min() <= array.max() <= top:
        raise ValueError(
            f"{name} must hold probabilities in [0, 1], not logits, got {array.min()} to {array.max()}"
        )


def _check_distribution(y_pred: NDArray) -> None:
    total = y_pred.sum(axis=-1)
    if not ((y_pred >= 0).all() and (total > 0).all() and np.isfinite(total).all()):
        raise ValueError(
            f"y_pred must hold probabilities, not negative and not all 0, "
            f"got {y_pred.min()} to {y_pred.max()}; for logits use from_logits=True"
        )


def _checked_share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value}")
    return value


def _checked_delta(delta: float) -> float:
    if not 0 < delta < np.inf:
        raise ValueError(f"delta must be positive and finite, got {delta}")
    return delta


def _signs(y_true: NDArray) -> NDArray:
    if np.isin(y_true, (0, 1)).all():
        return 2 * y_true - 1
    if np.isin(y_true, (-1, 1)).all():
        return y_true
    raise ValueError(f"y_true must hold only -1 and 1, or only 0 and 1, got {np.unique(y_true)[:5]}")


def _epsilon(array: NDArray) -> float:
    return max(1e-7, float(np.finfo(array.dtype).epsneg))


def _clip(probabilities: NDArray) -> NDArray:
    epsilon = _epsilon(probabilities)
    return np.clip(probabilities, epsilon, 1 - epsilon)


def _log_probabilities(y_pred: NDArray, from_logits: bool) -> NDArray:
    return log_softmax(y_pred) if from_logits else np.log(_clip(y_pred / y_pred.sum(axis=-1, keepdims=True)))


def _gradient_by_probabilities(y_true: NDArray, y_pred: NDArray) -> NDArray:
    total = y_pred.sum(axis=-1, keepdims=True)
    o = y_pred / total
    clipped = _clip(o)
    # Clipped probabilities are constants: neither they nor their gold parts take part.
    gold = np.where(o == clipped, y_true, 0)
    return (gold.sum(axis=-1, keepdims=True) - gold / clipped) / total
