r"""Metrics: what evaluation reports, collected over any number of batches.

``update_state`` takes a batch into account, ``result`` returns the value for everything seen so far,
``reset_state`` forgets it, and calling a metric is an update followed by the *running* result.

Conventions, those of Keras where libraries differ:

- A mean is over all *examples*, not over the means of batches, and is divided by the sum of the weights:
  values [1, 1] of weights [1, 0] have the mean 1, while a loss divides by their number and gives 0.5.
- F-score and BLEU add up counts; they are not means of anything.
- Before the first batch, and where a fraction is 0/0, the result is 0.
- A tie of the largest predictions goes to the class with the lowest index, and a prediction equal to the
  threshold counts as negative.

References: lecture slides "Loss and Metric", "Metrics".
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl import losses
from npfl._arrays import as_float, expand_weight, index_pair, prediction_pair, same_shape
from npfl.losses import Reduction


class Metric(ABC):
    """Collect a value over batches.

    Parameters
    ----------
    name : str
        A name for reports.

    References
    ----------
    Lecture slide "Metrics".

    Examples
    --------
    >>> metric = Accuracy()
    >>> metric([1, 0], [1, 1])
    0.5
    >>> metric([1, 0], [1, 0])
    0.75
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.reset_state()

    @abstractmethod
    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take one batch into account."""

    @abstractmethod
    def result(self) -> Any:
        """Return the value for all batches since the last reset."""

    @abstractmethod
    def reset_state(self) -> None:
        """Forget all batches."""

    def reset_states(self) -> None:
        """Forget all batches; the name of `reset_state` before TensorFlow 2.5."""
        self.reset_state()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take one batch into account and return the value for all batches so far."""
        self.update_state(*args, **kwargs)
        return self.result()


class Mean(Metric):
    r"""Average numbers, :math:`\sum_b w^{(b)} x^{(b)} / \sum_b w^{(b)}`.

    Examples
    --------
    >>> mean = Mean()
    >>> mean([1.0, 2.0, 3.0])
    2.0
    >>> mean([7.0], sample_weight=[3.0])  # (1 + 2 + 3 + 3 · 7) / (3 + 3)
    4.5

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "mean") -> None:
        super().__init__(name)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add values of any shape; that of `sample_weight` is the same or its beginning: (B,) for (B, T)."""
        values = as_float("values", values).astype(np.float64)
        weight = expand_weight(1 if sample_weight is None else sample_weight, values)
        weight = np.broadcast_to(weight, values.shape)
        self._total += float((weight * values).sum())
        self._weight += float(weight.sum())

    def result(self) -> float:
        """Return the mean."""
        return self._total / self._weight if self._weight else 0.0

    def reset_state(self) -> None:
        """Forget all values."""
        self._total = self._weight = 0.0


class ExampleMean(Metric):
    """Average a value of each example over batches; the metrics below pass their own.

    Parameters
    ----------
    values : callable
        Takes `y_true` and `y_pred` and returns an array with a value, or several, for each example.
    name : str
        A name for reports.

    Raises
    ------
    ValueError
        From `update_state`, if shapes do not fit or values are out of range.
    TypeError
        From `update_state`, if an argument does not hold numbers, or not integers for indices.

    Examples
    --------
    >>> import npfl.losses
    >>> metric = ExampleMean(npfl.losses.mean_absolute_error, "mean_absolute_error")
    >>> metric([[1.0], [2.0]], [[1.0], [4.0]])
    1.0

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, values: Callable[[ArrayLike, ArrayLike], NDArray], name: str) -> None:
        self._values = values
        self._mean = Mean()
        super().__init__(name)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch; the shape of `sample_weight` is that of the values or its beginning."""
        self._mean.update_state(self._values(y_true, y_pred), sample_weight)

    def result(self) -> float:
        """Return the mean."""
        return self._mean.result()

    def reset_state(self) -> None:
        """Forget all batches."""
        self._mean.reset_state()


class MeanSquaredError(ExampleMean):
    """Average `npfl.losses.mean_squared_error` over examples: (B, ..., K) and (B, ..., K).

    Examples
    --------
    >>> MeanSquaredError()([[1.0], [2.0]], [[1.0], [4.0]])
    2.0

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(losses.MeanSquaredError(Reduction.NONE), name)


class BinaryCrossentropy(ExampleMean):
    """Average `npfl.losses.binary_crossentropy` over examples: (B, ..., K) and (B, ..., K).

    Examples
    --------
    >>> round(BinaryCrossentropy()([[1], [0]], [[0.25], [0.5]]) / math.log(2), 9)
    1.5

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(
        self, name: str = "binary_crossentropy", *, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(losses.BinaryCrossentropy(from_logits, label_smoothing, Reduction.NONE), name)


class CategoricalCrossentropy(ExampleMean):
    """Average `npfl.losses.categorical_crossentropy` over examples: (..., K) and (..., K).

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0, 1], [1, 0]], [[0.75, 0.25], [0.5, 0.5]]) / math.log(2), 9)
    1.5

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(losses.CategoricalCrossentropy(from_logits, label_smoothing, Reduction.NONE), name)


class SparseCategoricalCrossentropy(ExampleMean):
    """Average `npfl.losses.sparse_categorical_crossentropy` over examples: (...) and (..., K).

    Examples
    --------
    >>> round(SparseCategoricalCrossentropy()([1, 0], [[0.75, 0.25], [0.5, 0.5]]) / math.log(2), 9)
    1.5

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "sparse_categorical_crossentropy", *, from_logits: bool = False) -> None:
        super().__init__(losses.SparseCategoricalCrossentropy(from_logits, Reduction.NONE), name)


class Accuracy(ExampleMean):
    """Compute the fraction of elements that are equal: any two arrays of one shape.

    Examples
    --------
    >>> Accuracy()([[1, 2], [3, 4]], [[1, 2], [3, 0]])
    0.75

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(self._equal, name)

    @staticmethod
    def _equal(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = as_float("y_true", y_true), as_float("y_pred", y_pred)
        same_shape("y_true", y_true, "y_pred", y_pred)
        return y_true == y_pred


class BinaryAccuracy(ExampleMean):
    """Compute the fraction of elements on the right side of a threshold: labels 0 or 1, predictions.

    A prediction means 1 if it is larger than `threshold`, which lies in [0, 1]; for logits 0 is right.

    Examples
    --------
    >>> BinaryAccuracy()([[1], [0], [1], [0]], [[0.7], [0.5], [0.5], [0.1]])
    0.75

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "binary_accuracy", *, threshold: float = 0.5) -> None:
        super().__init__(self._equal, name)
        self.threshold = _checked_threshold(threshold)

    def _equal(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = _label_pair(y_true, y_pred)
        return y_true == (y_pred > self.threshold)


class CategoricalAccuracy(ExampleMean):
    """Compute the fraction of examples whose largest prediction is at the gold class: (..., K) and (..., K).

    Examples
    --------
    >>> CategoricalAccuracy()([[0, 1], [1, 0]], [[0.7, 0.3], [0.6, 0.4]])
    0.5

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(self._equal, name)

    @staticmethod
    def _equal(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = prediction_pair(y_true, y_pred)
        return y_true.argmax(axis=-1) == y_pred.argmax(axis=-1)


class SparseCategoricalAccuracy(ExampleMean):
    """Compute the fraction of examples whose largest prediction is at the gold index: (...) and (..., K).

    Examples
    --------
    >>> SparseCategoricalAccuracy()([1, 0], [[0.7, 0.3], [0.6, 0.4]])
    0.5

    References
    ----------
    Lecture slide "Metrics" (``tf.metrics``).
    """

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(self._equal, name)

    @staticmethod
    def _equal(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        labels, y_pred = index_pair(y_true, y_pred)
        return labels == y_pred.argmax(axis=-1)


class FBetaScore(Metric):
    r"""Compute the weighted harmonic mean of precision P and recall R.

    .. math::

        F_\beta = (1 + \beta^2) \frac{PR}{\beta^2 P + R}
        = \frac{(1 + \beta^2)\,\mathrm{TP}}{(1 + \beta^2)\,\mathrm{TP} + \beta^2\,\mathrm{FN} + \mathrm{FP}}

    True positives, false negatives and false positives are counted for each class over all batches.

    Parameters
    ----------
    beta : float
        How many times as much recall matters as precision, positive.
    average : None, "micro", "macro" or "weighted"
        None returns the score of each class; "micro" adds up the counts of the classes first; "macro"
        averages the scores, "weighted" with the numbers of gold examples as weights.
    threshold : float, optional
        Predictions larger than it, a number in [0, 1], are positive: an example has any number of classes.
        Without it the largest prediction is the one positive. (Keras takes all that share the maximum.)
    name : str
        A name for reports.

    Raises
    ------
    ValueError
        If an option is out of range; from `update_state`, if shapes do not fit or labels are not 0 or 1.

    Examples
    --------
    >>> score = FBetaScore(beta=1.0)
    >>> score([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]).round(3)
    array([0.667, 0.667])

    References
    ----------
    Lecture slide "Loss and Metric".
    """

    _counts: NDArray  # rows: true positives, false negatives, false positives; columns: classes

    def __init__(
        self,
        *,
        beta: float = 1.0,
        average: Literal["micro", "macro", "weighted"] | None = None,
        threshold: float | None = None,
        name: str = "fbeta_score",
    ) -> None:
        super().__init__(name)
        if not 0 < beta < math.inf:
            raise ValueError(f"beta must be positive and finite, got {beta}")
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"average must be None, 'micro', 'macro' or 'weighted', got {average!r}")
        self.beta = beta
        self.average = average
        self.threshold = None if threshold is None else _checked_threshold(threshold)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Count a batch: labels 0 or 1 and predictions (..., K), weights (...) or its beginning."""
        y_true, y_pred = _label_pair(y_true, y_pred)
        classes = y_pred.shape[-1]
        if y_pred.ndim < 2 or (classes == 1 and self.threshold is None):
            raise ValueError(
                f"y_pred must have shape (B, ..., K), and K > 1 without a threshold, got {y_pred.shape}"
            )
        if self._counts.size and self._counts.shape[-1] != classes:
            raise ValueError(f"y_pred must have {self._counts.shape[-1]} classes as before, got {classes}")
        if self.threshold is None:
            positive = y_pred.argmax(axis=-1)[..., None] == np.arange(classes)
        else:
            positive = y_pred > self.threshold
        gold = y_true == 1
        outcomes = np.stack([gold & positive, gold & ~positive, ~gold & positive]).astype(np.float64)
        if sample_weight is not None:
            outcomes *= expand_weight(sample_weight, outcomes[0, ..., 0])[..., None]
        counts = outcomes.sum(axis=tuple(range(1, outcomes.ndim - 1)))
        self._counts = self._counts + counts if self._counts.size else counts

    def result(self) -> NDArray | float:
        """Return the score, for average=None those of the K classes."""
        counts = self._counts.sum(axis=1, keepdims=True) if self.average == "micro" else self._counts
        true_positive, false_negative, false_positive = counts
        weighted = (1 + self.beta**2) * true_positive
        scores = _ratio(weighted, weighted + self.beta**2 * false_negative + false_positive)
        if self.average is None:
            return scores
        support = true_positive + false_negative if self.average == "weighted" else np.ones_like(scores)
        return float(_ratio((scores * support).sum(), support.sum()))

    def reset_state(self) -> None:
        """Forget all counts, and the number of classes."""
        self._counts = np.zeros((3, 0))


class CorpusBLEU(Metric):
    r"""Compare texts with reference translations by their n-grams.

    .. math::

        \mathrm{BLEU} = \min(1, e^{1 - r/c}) \Big(\prod_{n=1}^N p_n\Big)^{1/N}

    The precision :math:`p_n` is the fraction of the n-grams of the hypotheses that occur in a reference; one
    is counted at most as often as in the reference that has it most often. c is the number of tokens of all
    hypotheses, r that of their references; of several the nearest in length counts, in a tie the shorter.
    All numbers are added up over the corpus, so the score is not a mean over sentences. There is no
    smoothing: if the corpus has no N-gram in common with its references, the score is 0.

    Parameters
    ----------
    max_order : int
        The longest n-grams N.
    name : str
        A name for reports.

    Raises
    ------
    ValueError
        If `max_order` is not positive; from `update_state`, if a hypothesis has no references.
    TypeError
        From `update_state`, if a text is a string: its tokens are needed, ``text.split()`` for example.

    Examples
    --------
    >>> bleu = CorpusBLEU(max_order=2)
    >>> references = [["the cat sat on the mat".split(), "a cat was on the mat".split()]]
    >>> round(bleu(references, ["the cat is on the mat".split()]), 4)
    0.7071

    References
    ----------
    K. Papineni et al.: BLEU: a method for automatic evaluation of machine translation, 2002.
    Lecture slide "Loss and Metric".
    """

    def __init__(self, max_order: int = 4, name: str = "corpus_bleu") -> None:
        if max_order < 1:
            raise ValueError(f"max_order must be at least 1, got {max_order}")
        self.max_order = max_order
        super().__init__(name)

    def update_state(
        self, references: Sequence[Sequence[Sequence[Hashable]]], hypotheses: Sequence[Sequence[Hashable]]
    ) -> None:
        """Count a batch of B hypotheses, each a list of tokens, and for each a list of references."""
        if len(references) != len(hypotheses):
            raise ValueError(f"references must have {len(hypotheses)} entries, got {len(references)}")
        for candidates, hypothesis in zip(references, hypotheses, strict=True):
            if not candidates:
                raise ValueError("references must have at least one text for each hypothesis, got none")
            if any(isinstance(text, str) for text in (candidates, hypothesis, *candidates)):
                raise TypeError("references and hypotheses must be lists of tokens, got a string")
        for candidates, hypothesis in zip(references, hypotheses, strict=True):
            length = len(hypothesis)
            self._hypothesis_length += length
            self._reference_length += min((abs(len(c) - length), len(c)) for c in candidates)[1]
            for order in range(1, self.max_order + 1):
                counts = _ngrams(hypothesis, order)
                allowed: Counter = Counter()
                for candidate in candidates:
                    allowed |= _ngrams(candidate, order)
                self._matches[order - 1] += (counts & allowed).total()
                self._totals[order - 1] += counts.total()

    def result(self) -> float:
        """Return the score, between 0 and 1."""
        if not all(self._matches):
            return 0.0
        precisions = [math.log(m / t) for m, t in zip(self._matches, self._totals, strict=True)]
        brevity = min(0.0, 1 - self._reference_length / self._hypothesis_length)
        return math.exp(brevity + sum(precisions) / self.max_order)

    def reset_state(self) -> None:
        """Forget all counts."""
        self._matches, self._totals = [0] * self.max_order, [0] * self.max_order
        self._hypothesis_length = self._reference_length = 0


def corpus_bleu(
    references: Sequence[Sequence[Sequence[Hashable]]],
    hypotheses: Sequence[Sequence[Hashable]],
    max_order: int = 4,
) -> float:
    """Compute the BLEU score of a corpus, see `CorpusBLEU`.

    Parameters
    ----------
    references : sequence of B sequences of texts
        The reference translations of each hypothesis, at least one. A text is a sequence of tokens.
    hypotheses : sequence of B texts
        The texts to judge.
    max_order : int
        The longest n-grams.

    Returns
    -------
    float
        The score, between 0 and 1; other programs print it times 100.

    Examples
    --------
    >>> corpus_bleu([["a b c d e".split()]], ["a b c d e".split()])
    1.0

    References
    ----------
    K. Papineni et al.: BLEU: a method for automatic evaluation of machine translation, 2002.
    """
    return CorpusBLEU(max_order)(references, hypotheses)


def _label_pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    y_true, y_pred = prediction_pair(y_true, y_pred)
    if not np.isin(y_true, (0, 1)).all():
        raise ValueError(f"y_true must hold only 0 and 1, got {np.unique(y_true)[:5]}")
    return y_true, y_pred


def _checked_threshold(threshold: float) -> float:
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold}")
    return threshold


def _ratio(numerator: NDArray, denominator: NDArray) -> NDArray:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def _ngrams(tokens: Sequence[Hashable], order: int) -> Counter:
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))
