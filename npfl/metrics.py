r"""Metrics: what evaluation reports, collected over any number of batches.

``update_state`` takes a batch into account, ``result`` returns the value for everything seen so far,
``reset_state`` forgets it, and calling a metric is an update followed by the *running* result.

Conventions, those of Keras where libraries differ:

- A mean is over all *examples*, not over the means of batches, and is divided by the sum of the weights:
  values [1, 1] of weights [1, 0] have the mean 1, while a loss divides by their number and gives 0.5.
- The options `from_logits` and `label_smoothing` are those of the losses of the same name.
- F-score and BLEU add up counts; they are not means of anything.
- Before the first batch, and where a fraction is 0/0, the result is 0.
- An example of weight 0 does not take part, even where its value is infinite. A batch that is refused,
  because shapes do not fit or values are out of range (ValueError) or no numbers (TypeError), is not counted.
- A tie of the largest predictions goes to the class with the lowest index, and a prediction equal to the
  threshold counts as negative.

References: lecture slides "Loss and Metric", "Metrics".
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npfl import losses
from npfl._checks import (
    as_float,
    count,
    expand_weight,
    flag,
    index_pair,
    one_of,
    optional,
    positive,
    prediction_pair,
    same_shape,
    share,
    show,
    text,
)
from npfl._objects import Independent, setting
from npfl._sums import product


@dataclass(kw_only=True, eq=False)
class Metric(Independent, ABC):
    """Collect a value over batches.

    Parameters
    ----------
    name : str
        A name for reports.

    Examples
    --------
    >>> metric = Accuracy()
    >>> metric([1, 0], [1, 1])
    0.5
    >>> metric([1, 0], [1, 0])
    0.75
    """

    name: str = setting(text, "metric")

    def __post_init__(self) -> None:
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


@dataclass(kw_only=True, eq=False)
class _WeightedMean(Metric):
    """Hold a sum and the sum of its weights."""

    def _add(self, values: NDArray, sample_weight: ArrayLike | None) -> None:
        values = values.astype(np.float64)
        weight = np.broadcast_to(
            expand_weight(1 if sample_weight is None else sample_weight, values), values.shape
        )
        total, weights = float(product(weight, values).sum()), float(weight.sum())
        self._total += total
        self._weight += weights

    def result(self) -> float:
        """Return the mean."""
        return self._total / self._weight if self._weight else 0.0

    def reset_state(self) -> None:
        """Forget all batches."""
        self._total = self._weight = 0.0


@dataclass(kw_only=True, eq=False)
class Mean(_WeightedMean):
    r"""Average numbers, :math:`\sum_b w^{(b)} x^{(b)} / \sum_b w^{(b)}`.

    Examples
    --------
    >>> mean = Mean()
    >>> mean([1.0, 2.0, 3.0])
    2.0
    >>> mean([7.0], sample_weight=[3.0])  # (1 + 2 + 3 + 3 · 7) / (3 + 3)
    4.5
    """

    name: str = setting(text, "mean")

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add values of any shape; that of `sample_weight` is the same or its beginning: (B,) for (B, T)."""
        self._add(as_float("values", values), sample_weight)


@dataclass(kw_only=True, eq=False)
class _ExampleMean(_WeightedMean):
    """Average a value of each example, or several, over batches."""

    @abstractmethod
    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        """Return the values of the examples."""

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Add a batch; the shape of `sample_weight` is that of the values or its beginning."""
        self._add(self._values(y_true, y_pred), sample_weight)


@dataclass(kw_only=True, eq=False)
class MeanSquaredError(_ExampleMean):
    """Average `npfl.losses.mean_squared_error` over examples: (B, ..., K) and (B, ..., K).

    Examples
    --------
    >>> MeanSquaredError()([[1.0], [2.0]], [[1.0], [4.0]])
    2.0
    """

    name: str = setting(text, "mean_squared_error")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return losses.MeanSquaredError(reduction="none")(y_true, y_pred)


@dataclass(kw_only=True, eq=False)
class BinaryCrossentropy(_ExampleMean):
    """Average `npfl.losses.binary_crossentropy` over examples: (B, ..., K) and (B, ..., K).

    Examples
    --------
    >>> round(BinaryCrossentropy()([[1], [0]], [[0.25], [0.5]]) / math.log(2), 9)
    1.5
    """

    from_logits: bool = setting(flag, False)
    label_smoothing: float = setting(share, 0.0)
    name: str = setting(text, "binary_crossentropy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return losses.BinaryCrossentropy(
            from_logits=self.from_logits, label_smoothing=self.label_smoothing, reduction="none"
        )(y_true, y_pred)


@dataclass(kw_only=True, eq=False)
class CategoricalCrossentropy(_ExampleMean):
    """Average `npfl.losses.categorical_crossentropy` over examples: (..., K) and (..., K).

    Examples
    --------
    >>> round(CategoricalCrossentropy()([[0, 1], [1, 0]], [[0.75, 0.25], [0.5, 0.5]]) / math.log(2), 9)
    1.5
    """

    from_logits: bool = setting(flag, False)
    label_smoothing: float = setting(share, 0.0)
    name: str = setting(text, "categorical_crossentropy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return losses.categorical_crossentropy(
            y_true, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )


@dataclass(kw_only=True, eq=False)
class SparseCategoricalCrossentropy(_ExampleMean):
    """Average `npfl.losses.sparse_categorical_crossentropy` over examples: (...) and (..., K).

    Examples
    --------
    >>> round(SparseCategoricalCrossentropy()([1, 0], [[0.75, 0.25], [0.5, 0.5]]) / math.log(2), 9)
    1.5
    """

    from_logits: bool = setting(flag, False)
    name: str = setting(text, "sparse_categorical_crossentropy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        return losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=self.from_logits)


@dataclass(kw_only=True, eq=False)
class Accuracy(_ExampleMean):
    """Compute the fraction of elements that are equal: any two arrays of one shape.

    Examples
    --------
    >>> Accuracy()([[1, 2], [3, 4]], [[1, 2], [3, 0]])
    0.75
    """

    name: str = setting(text, "accuracy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        for name, value in (("y_true", y_true), ("y_pred", y_pred)):
            as_float(name, value)
        # Compared as they are: as float64, integers from 2**53 on would equal their neighbours.
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        same_shape("y_true", y_true, "y_pred", y_pred)
        return y_true == y_pred


@dataclass(kw_only=True, eq=False)
class BinaryAccuracy(_ExampleMean):
    """Compute the fraction of elements on the right side of a threshold: labels 0 or 1, predictions.

    A prediction means 1 if it is larger than `threshold`, which lies in [0, 1]; for logits 0 is right.

    Examples
    --------
    >>> BinaryAccuracy()([[1], [0], [1], [0]], [[0.7], [0.5], [0.5], [0.1]])
    0.75
    """

    threshold: float = setting(share, 0.5)
    name: str = setting(text, "binary_accuracy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        y_true, y_pred = _label_pair(y_true, y_pred)
        return y_true == (y_pred > self.threshold)


@dataclass(kw_only=True, eq=False)
class CategoricalAccuracy(_ExampleMean):
    """Compute the fraction of examples whose largest prediction is at the gold class: (..., K) and (..., K).

    Examples
    --------
    >>> CategoricalAccuracy()([[0, 1], [1, 0]], [[0.7, 0.3], [0.6, 0.4]])
    0.5
    """

    name: str = setting(text, "categorical_accuracy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        gold = as_float("y_true", y_true)
        _, y_pred = prediction_pair(gold, y_pred)
        # In the dtype of the predictions, two gold values may become equal.
        return gold.argmax(axis=-1) == y_pred.argmax(axis=-1)


@dataclass(kw_only=True, eq=False)
class SparseCategoricalAccuracy(_ExampleMean):
    """Compute the fraction of examples whose largest prediction is at the gold index: (...) and (..., K).

    Examples
    --------
    >>> SparseCategoricalAccuracy()([1, 0], [[0.7, 0.3], [0.6, 0.4]])
    0.5
    """

    name: str = setting(text, "sparse_categorical_accuracy")

    def _values(self, y_true: ArrayLike, y_pred: ArrayLike) -> NDArray:
        labels, y_pred = index_pair(y_true, y_pred)
        return labels == y_pred.argmax(axis=-1)


@dataclass(kw_only=True, eq=False)
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

    Examples
    --------
    >>> score = FBetaScore(beta=1.0)
    >>> score([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]).round(3)
    array([0.667, 0.667])
    """

    beta: float = setting(positive, 1.0)
    average: Literal["micro", "macro", "weighted"] | None = setting(
        one_of(None, "micro", "macro", "weighted"), None
    )
    threshold: float | None = setting(optional(share), None)
    name: str = setting(text, "fbeta_score")
    # Rows: true positives, false negatives, false positives; columns: classes.
    _counts: NDArray = field(init=False, repr=False)

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
            chosen = y_pred.argmax(axis=-1)[..., None] == np.arange(classes)
        else:
            chosen = y_pred > self.threshold
        gold = y_true == 1
        outcomes = np.stack([gold & chosen, gold & ~chosen, ~gold & chosen]).astype(np.float64)
        if sample_weight is not None:
            outcomes *= expand_weight(sample_weight, outcomes[0, ..., 0])[..., None]
        counts = outcomes.sum(axis=tuple(range(1, outcomes.ndim - 1)))
        self._counts = counts + (self._counts if self._counts.size else 0)

    def result(self) -> NDArray | float:
        """Return the score, for average=None those of the K classes, which are not known before a batch."""
        if not self._counts.size:
            return 0.0
        counts = self._counts.sum(axis=1, keepdims=True) if self.average == "micro" else self._counts
        true_positive, false_negative, false_positive = counts
        # The formula, divided by 1 + β², whose square would overflow.
        part = self.beta / (self.beta + 1 / self.beta)
        missed_or_wrong = part * false_negative + (1 - part) * false_positive
        scores = _ratio(true_positive, true_positive + missed_or_wrong)
        if self.average is None:
            return scores
        support = true_positive + false_negative if self.average == "weighted" else np.ones_like(scores)
        return float(_ratio((scores * support).sum(), support.sum()))

    def reset_state(self) -> None:
        """Forget all counts, and the number of classes."""
        self._counts = np.zeros((3, 0))


@dataclass(kw_only=True, eq=False)
class F1Score(FBetaScore):
    r"""Compute the harmonic mean of precision and recall, `FBetaScore` with β = 1.

    Examples
    --------
    >>> F1Score(average="micro")([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    0.6666666666666666
    """

    beta: float = field(default=1.0, init=False)
    name: str = setting(text, "f1_score")


@dataclass(kw_only=True, eq=False)
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

    Examples
    --------
    >>> bleu = CorpusBLEU(max_order=2)
    >>> references = [["the cat sat on the mat".split(), "a cat was on the mat".split()]]
    >>> round(bleu(references, ["the cat is on the mat".split()]), 4)
    0.7071

    References
    ----------
    K. Papineni et al.: BLEU: a method for automatic evaluation of machine translation, 2002.
    """

    max_order: int = setting(count, 4)
    name: str = setting(text, "corpus_bleu")

    def update_state(
        self, references: Sequence[Sequence[Sequence[Hashable]]], hypotheses: Sequence[Sequence[Hashable]]
    ) -> None:
        """Count a batch of B hypotheses, each a list of tokens, and for each a list of references."""
        _check_texts("hypotheses", hypotheses)
        if not _is_list(references):
            raise TypeError(
                "references must be a list that holds a list of reference texts for each hypothesis, "
                f"got {show(references)}"
            )
        if len(references) != len(hypotheses):
            raise ValueError(f"references must have {len(hypotheses)} entries, got {len(references)}")
        for i, candidates in enumerate(references):
            if _is_list(candidates) and len(candidates) == 0:
                raise ValueError(f"references[{i}] must hold at least one text for its hypothesis, got none")
            _check_texts(f"references[{i}]", candidates)
        self._check_order()
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
        self._check_order()
        if not all(self._matches):
            return 0.0
        precisions = [math.log(m / t) for m, t in zip(self._matches, self._totals, strict=True)]
        brevity = min(0.0, 1 - self._reference_length / self._hypothesis_length)
        return math.exp(brevity + sum(precisions) / self.max_order)

    def _check_order(self) -> None:
        if self.max_order != len(self._matches):
            raise ValueError(
                f"max_order must stay as it was at the last reset, {len(self._matches)}, got {self.max_order}"
            )

    def reset_state(self) -> None:
        """Forget all counts."""
        self._matches, self._totals = [0] * self.max_order, [0] * self.max_order
        self._hypothesis_length = self._reference_length = 0


def corpus_bleu(
    references: Sequence[Sequence[Sequence[Hashable]]],
    hypotheses: Sequence[Sequence[Hashable]],
    *,
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
    return CorpusBLEU(max_order=max_order)(references, hypotheses)


def _label_pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    y_true, y_pred = prediction_pair(y_true, y_pred)
    if not np.isin(y_true, (0, 1)).all():
        raise ValueError(f"y_true must hold only 0 and 1, got {np.unique(y_true)[:5]}")
    return y_true, y_pred


def _check_texts(name: str, texts: Any) -> None:
    """Refuse what is not a list of texts, each a list of tokens, and above all a string in either place."""
    if not _is_list(texts) or not all(map(_is_list, texts)):
        raise TypeError(
            f"{name} must be a list of texts, each a list of tokens such as 'a b'.split(), got {show(texts)}"
        )
    for i, tokens in enumerate(texts):
        try:
            hash(tuple(tokens))
        except TypeError:
            raise TypeError(
                f"{name}[{i}] must hold tokens such as words or numbers, got {show(tokens)}"
            ) from None


def _is_list(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0 and not isinstance(value, np.ma.MaskedArray)
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _ratio(numerator: NDArray, denominator: NDArray) -> NDArray:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def _ngrams(tokens: Sequence[Hashable], order: int) -> Counter:
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))
