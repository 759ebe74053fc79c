import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from npfl import losses, metrics

# Metrics of examples: how each is made and which gold values and predictions it takes.
PROBABILITIES = {
    "mse": (metrics.MeanSquaredError, {}, "bit"),
    "binary": (metrics.BinaryCrossentropy, {}, "bit"),
    "binary smoothed": (metrics.BinaryCrossentropy, {"label_smoothing": 0.1}, "bit"),
    "binary logits": (metrics.BinaryCrossentropy, {"from_logits": True}, "bit"),
    "categorical": (metrics.CategoricalCrossentropy, {}, "bit"),
    "categorical smoothed": (metrics.CategoricalCrossentropy, {"label_smoothing": 0.1}, "bit"),
    "categorical logits": (metrics.CategoricalCrossentropy, {"from_logits": True}, "bit"),
    "sparse": (metrics.SparseCategoricalCrossentropy, {}, "index"),
    "sparse logits": (metrics.SparseCategoricalCrossentropy, {"from_logits": True}, "index"),
    "accuracy": (metrics.Accuracy, {}, "bit"),
    "binary accuracy": (metrics.BinaryAccuracy, {"threshold": 0.3}, "bit"),
    "categorical accuracy": (metrics.CategoricalAccuracy, {}, "bit"),
    "sparse accuracy": (metrics.SparseCategoricalAccuracy, {}, "index"),
}
every_metric = pytest.mark.parametrize("case", PROBABILITIES)


def make(case):
    metric, options, _ = PROBABILITIES[case]
    return metric(**options)


def draw(case, batch, rng):
    y_pred = rng.uniform(0.05, 0.95, (batch, 3))
    if case == "accuracy":
        y_pred = y_pred.round()
    if PROBABILITIES[case][2] == "index":
        return rng.integers(0, 3, batch), y_pred
    return rng.integers(0, 2, (batch, 3)), y_pred


def test_mean_by_hand():
    mean = metrics.Mean()
    assert mean([1, 2, 3]) == 2
    assert mean([[4.0, 6.0]]) == 16 / 5
    mean.reset_state()
    assert mean([1.0, 5.0], sample_weight=[3, 1]) == 2
    assert mean([[1.0, 3.0], [5.0, 7.0]], sample_weight=[1, 0]) == (8 + 4) / (4 + 2)
    mean.reset_state()
    assert mean(5.0) == 5
    assert mean([1.0, 3.0], sample_weight=0.5) == (5 + 2) / 2
    assert isinstance(mean.result(), float)


def test_a_mean_is_over_examples_not_over_batches():
    mean = metrics.Mean()
    mean.update_state([1.0, 1.0, 1.0])
    mean.update_state([5.0])
    assert mean.result() == 2


def test_a_mean_divides_by_the_weights_and_a_loss_by_the_number():
    y_true, y_pred, weight = np.zeros((4, 1)), np.ones((4, 1)), [1, 1, 0, 0]
    assert metrics.MeanSquaredError()(y_true, y_pred, weight) == 1
    assert losses.MeanSquaredError()(y_true, y_pred, weight) == 0.5


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred", "value"),
    [
        (metrics.MeanSquaredError(), [[1, 2], [3, 4]], [[1, 4], [3, 1]], (4 + 9) / 4),
        (metrics.BinaryCrossentropy(), [[1], [0]], [[0.25], [0.5]], 1.5 * math.log(2)),
        (metrics.BinaryCrossentropy(from_logits=True), [[1], [0]], [[0], [0]], math.log(2)),
        (metrics.BinaryCrossentropy(label_smoothing=0.5), [[1]], [[0.25]], 2 * math.log(2) - math.log(3) / 4),
        (metrics.CategoricalCrossentropy(), [[1, 0]], [[0.25, 0.75]], math.log(4)),
        (metrics.CategoricalCrossentropy(from_logits=True), [[1, 0]], [[0, 0]], math.log(2)),
        (
            metrics.CategoricalCrossentropy(label_smoothing=0.5),
            [[1, 0]],
            [[0.25, 0.75]],
            2 * math.log(2) - math.log(3) / 4,
        ),
        (metrics.SparseCategoricalCrossentropy(), [0], [[0.25, 0.75]], math.log(4)),
        (metrics.SparseCategoricalCrossentropy(from_logits=True), [0], [[0, 0]], math.log(2)),
        (metrics.Accuracy(), [1, 2, 3, 4], [1, 2, 3, 0], 0.75),
        (metrics.Accuracy(), [[1, 2], [3, 4]], [[1, 2], [3, 0]], 0.75),
        (metrics.BinaryAccuracy(), [[1], [1], [0], [0]], [[0.5], [0.6], [0.5], [0.6]], 0.5),
        (metrics.BinaryAccuracy(threshold=0.7), [0, 1, 0, 1], [0.6, 0.8, 0.6, 0.8], 1),
        (metrics.BinaryAccuracy(threshold=0), [1, 0, 0], [3.0, -2.0, 0.0], 1),
        (metrics.CategoricalAccuracy(), [[0, 1, 0], [1, 0, 0]], [[0.1, 0.5, 0.4], [0.1, 0.5, 0.4]], 0.5),
        (metrics.SparseCategoricalAccuracy(), [1, 0], [[0.1, 0.5, 0.4], [0.1, 0.5, 0.4]], 0.5),
        # A tie goes to the lowest index.
        (metrics.CategoricalAccuracy(), [[0, 1, 0], [0, 0, 1]], [[0.2, 0.4, 0.4]] * 2, 0.5),
        (metrics.SparseCategoricalAccuracy(), [1, 2, 2], [[0.2, 0.4, 0.4]] * 3, 1 / 3),
    ],
)
def test_by_hand(metric, y_true, y_pred, value):
    metric.reset_state()
    assert metric(y_true, y_pred) == pytest.approx(value, rel=1e-14)
    assert isinstance(metric.result(), float)


@every_metric
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    weighted=st.booleans(),
)
def test_batches_of_any_size_give_the_value_of_all_examples(case, seed, sizes, weighted):
    rng = np.random.default_rng(seed)
    streamed, whole = make(case), make(case)
    batches = []
    for size in sizes:
        y_true, y_pred = draw(case, size, rng)
        weight = rng.random(size) if weighted else np.ones(size)
        batches.append((y_true, y_pred, weight))
        before = [a.copy() for a in batches[-1]]
        running = streamed(y_true, y_pred, weight if weighted else None)
        for array, original in zip(batches[-1], before, strict=True):
            np.testing.assert_array_equal(array, original)
        whole.reset_state()
        whole.update_state(*map(np.concatenate, zip(*batches, strict=True)))
        # The call returns the running value, not that of the batch.
        assert running == streamed.result() == pytest.approx(whole.result(), rel=1e-12)


@every_metric
def test_reset_and_empty(case):
    y_true, y_pred = draw(case, 4, np.random.default_rng(1))
    metric = make(case)
    assert metric.result() == 0
    first = metric(y_true, y_pred)
    metric.update_state(y_true[:0], y_pred[:0])
    assert metric.result() == first
    for reset in (metric.reset_state, metric.reset_states):
        reset()
        assert metric.result() == 0
        assert metric(y_true, y_pred) == first
    metric.reset_state()
    assert metric(y_true, y_pred, np.zeros(4)) == 0


@every_metric
def test_float32_is_summed_in_double_precision(case):
    y_true, y_pred = draw(case, 1, np.random.default_rng(1))
    metric = make(case)
    value = metric(y_true, y_pred.astype(np.float32))
    for _ in range(1000):
        metric.update_state(y_true, y_pred.astype(np.float32))
    assert metric.result() == pytest.approx(value, rel=1e-12)


@every_metric
def test_extremes(case):
    metric = make(case)
    y_true = [0] if PROBABILITIES[case][2] == "index" else [[1, 0, 0]]
    if case in ("mse", "accuracy", "binary accuracy") or "logits" in case or "accuracy" in case:
        y_pred = [[-1e4, 1e4, 0.0]]
    else:
        y_pred = [[0.0, 1.0, 0.0]]
    with np.errstate(all="raise", under="ignore"):
        assert math.isfinite(metric(y_true, y_pred))


@every_metric
def test_shapes_are_not_broadcast(case):
    metric = make(case)
    shape = () if PROBABILITIES[case][2] == "index" else (3,)
    for batches in [(3, 1), (1, 3)]:
        y_true, y_pred = np.zeros((batches[0], *shape), int), np.full((batches[1], 3), 0.5)
        with pytest.raises(ValueError, match=r"must have (the same )?shape"):
            metric(y_true, y_pred)
    assert metric.result() == 0


@every_metric
def test_refuses_weights_of_other_shapes(case):
    y_true, y_pred = draw(case, 4, np.random.default_rng(1))
    for weight in ([1, 2, 3], np.ones((4, 1)), np.ones((1, 4))):
        with pytest.raises(ValueError, match=r"sample_weight must have shape \(4.* or its beginning, got \("):
            make(case)(y_true, y_pred, weight)


@every_metric
def test_names(case):
    metric = make(case)
    assert type(metric).__name__.lower() == metric.name.replace("_", "")
    assert PROBABILITIES[case][0](name="mine").name == "mine"


def test_names_of_the_others():
    assert [m.name for m in (metrics.Mean(), metrics.FBetaScore(), metrics.CorpusBLEU())] == [
        "mean",
        "fbeta_score",
        "corpus_bleu",
    ]
    assert metrics.Mean(name="mine").name == metrics.FBetaScore(name="mine").name == "mine"


@pytest.mark.parametrize("metric", [metrics.MeanSquaredError(), metrics.BinaryCrossentropy()])
def test_a_vector_of_predictions_is_refused_where_its_axis_would_be_averaged(metric):
    with pytest.raises(ValueError, match=r"y_pred must have shape \(B, \.\.\., K\), got \(2,\)"):
        metric([0, 1], [0.5, 0.5])


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_refuses_thresholds(threshold):
    for metric in (metrics.BinaryAccuracy, metrics.FBetaScore):
        with pytest.raises(ValueError, match=r"threshold must lie in \[0, 1\], got"):
            metric(threshold=threshold)


def test_refuses_labels_that_are_not_binary():
    for metric in (metrics.BinaryAccuracy(), metrics.FBetaScore()):
        with pytest.raises(ValueError, match="y_true must hold only 0 and 1, got"):
            metric([[0.5, 1]], [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("average", "beta", "value"),
    [
        # Class 0: TP 2, FP 1, FN 0; class 1: TP 1, FP 0, FN 2; class 2: TP 1, FP 1, FN 0.
        (None, 1, [4 / 5, 2 / 4, 2 / 3]),
        ("macro", 1, (4 / 5 + 2 / 4 + 2 / 3) / 3),
        ("micro", 1, 4 / 6),
        ("weighted", 1, (2 * 4 / 5 + 3 * 2 / 4 + 1 * 2 / 3) / 6),
        (None, 2, [10 / 11, 5 / 13, 5 / 6]),
        (None, 0.5, [2.5 / 3.5, 1.25 / 1.75, 1.25 / 2.25]),
    ],
)
def test_f_score_by_hand(average, beta, value):
    gold, predicted = np.eye(3)[[0, 0, 1, 1, 1, 2]], np.eye(3)[[0, 0, 0, 1, 2, 2]]
    score = metrics.FBetaScore(beta=beta, average=average)
    score.update_state(gold[:4], predicted[:4])
    np.testing.assert_allclose(score(gold[4:], predicted[4:]), value, rtol=1e-14)
    with_threshold = metrics.FBetaScore(beta=beta, average=average, threshold=0.5)
    np.testing.assert_allclose(with_threshold(gold, 0.2 + 0.6 * predicted), value, rtol=1e-14)


@given(
    arrays(np.int64, (2, 6, 3), elements=st.integers(0, 1)),
    arrays(np.float64, 6, elements=st.floats(0.1, 2)),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_f_score_is_the_weighted_harmonic_mean(labels, weight, beta):
    gold, predicted = labels
    score = metrics.FBetaScore(beta=beta, threshold=0.5)(gold, predicted, weight)
    for k in range(3):
        true_positive = (weight * gold[:, k] * predicted[:, k]).sum()
        if true_positive == 0:
            assert score[k] == 0
        else:
            precision = true_positive / (weight * predicted[:, k]).sum()
            recall = true_positive / (weight * gold[:, k]).sum()
            mean = (1 + beta**2) / (1 / precision + beta**2 / recall)
            assert score[k] == pytest.approx(mean, rel=1e-12)


def test_f_score_needs_no_gold_or_predicted_examples():
    score = metrics.FBetaScore(average="macro")
    assert score.result() == 0
    assert metrics.FBetaScore().result() == 0
    assert (
        metrics.FBetaScore(average="micro").result() == metrics.FBetaScore(average="weighted").result() == 0
    )
    assert score([[1, 0, 0]], [[1.0, 0.0, 0.0]]) == pytest.approx(1 / 3)
    score.reset_states()
    assert score.result() == 0
    assert score(np.zeros((0, 2)), np.zeros((0, 2))) == 0
    with np.errstate(all="raise", under="ignore"):
        assert metrics.FBetaScore(average="weighted", threshold=0.5)([[0, 0]], [[1e4, -1e4]]) == 0


def test_f_score_returns_an_array_of_its_own():
    score = metrics.FBetaScore()
    score([[1, 0], [0, 1]], [[0.9, 0.1], [0.1, 0.9]])[:] = 7
    np.testing.assert_array_equal(score.result(), [1, 1])


def test_f_score_takes_one_class_of_a_tie_and_a_strict_threshold():
    np.testing.assert_array_equal(metrics.FBetaScore()([[1, 0]], [[0.5, 0.5]]), [1, 0])
    np.testing.assert_array_equal(metrics.FBetaScore(threshold=0.5)([[1]], [[0.5]]), [0])


def test_f_score_takes_leading_axes_and_weights_of_examples():
    gold, predicted = np.eye(2)[[[0, 1], [1, 1]]], np.eye(2)[[[0, 0], [1, 0]]]
    flat = metrics.FBetaScore()(gold.reshape(4, 2), predicted.reshape(4, 2), [1, 1, 3, 3])
    np.testing.assert_array_equal(metrics.FBetaScore()(gold, predicted, [1, 3]), flat)


def test_f_score_errors():
    with pytest.raises(ValueError, match="beta must be positive and finite, got 0"):
        metrics.FBetaScore(beta=0)
    with pytest.raises(ValueError, match="average must be None, 'micro', 'macro' or 'weighted', got 'mean'"):
        metrics.FBetaScore(average="mean")
    with pytest.raises(ValueError, match=r"y_pred must have shape \(B, \.\.\., K\), .* got \(2,\)"):
        metrics.FBetaScore()([1, 0], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"K > 1 without a threshold, got \(2, 1\)"):
        metrics.FBetaScore()([[1], [0]], [[0.5], [0.5]])
    with pytest.raises(ValueError, match="same shape"):
        metrics.FBetaScore()([[1, 0]], [[0.5, 0.5], [0.5, 0.5]])
    score = metrics.FBetaScore()
    score([[1, 0]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="y_pred must have 2 classes as before, got 3"):
        score([[1, 0, 0]], [[0.5, 0.5, 0.5]])
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(1,\)"):
        score([[1, 0]], [[0.5, 0.5]], [1, 2])


def brute_force_bleu(references, hypotheses, max_order):
    """Compute BLEU by its definition, without counters."""
    log_precisions, c, r = [], 0, 0
    for candidates, hypothesis in zip(references, hypotheses, strict=True):
        c += len(hypothesis)
        nearest = sorted(len(candidate) for candidate in candidates)
        r += min(nearest, key=lambda length: abs(length - len(hypothesis)))
    for n in range(1, max_order + 1):
        matched = total = 0
        for candidates, hypothesis in zip(references, hypotheses, strict=True):
            grams, *in_candidates = (
                [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
                for text in (hypothesis, *candidates)
            )
            total += len(grams)
            matched += sum(min(grams.count(g), max(c.count(g) for c in in_candidates)) for g in set(grams))
        if matched == 0:
            return 0.0
        log_precisions.append(math.log(matched / total))
    return math.exp(min(0, 1 - r / c)) * math.exp(sum(log_precisions) / max_order)


texts = st.lists(st.sampled_from("abc"), max_size=8)
corpora = st.lists(st.tuples(st.lists(texts, min_size=1, max_size=3), texts), max_size=4)


@given(corpora, st.integers(1, 4))
def test_bleu_is_its_definition_however_the_corpus_is_cut(corpus, max_order):
    references, hypotheses = [pair[0] for pair in corpus], [pair[1] for pair in corpus]
    whole = metrics.corpus_bleu(references, hypotheses, max_order=max_order)
    assert whole == pytest.approx(brute_force_bleu(references, hypotheses, max_order), rel=1e-12)
    assert 0 <= whole <= 1 + 1e-15
    bleu = metrics.CorpusBLEU(max_order=max_order)
    for candidates, hypothesis in corpus:
        bleu.update_state([candidates], [hypothesis])
    assert bleu.result() == whole
    bleu.reset_state()
    assert bleu(references, hypotheses) == whole


PAPINENI_1 = """\
it is a guide to action which ensures that the military always obeys the commands of the party
it is to insure the troops forever hearing the activity guidebook that party direct
it is a guide to action that ensures that the military will forever heed party commands
it is the guiding principle which guarantees the military forces always being under the command of the party
it is the practical guide for the army always to heed the directions of the party"""
PAPINENI_2 = """\
the the the the the the the
the cat is on the mat
there is a cat on the mat"""


def test_bleu_of_papineni():
    """Examples 1 and 2 of the paper, with its modified precisions."""
    hypothesis, *references = map(str.split, PAPINENI_2.splitlines())
    assert metrics.corpus_bleu([references], [hypothesis], max_order=1) == 2 / 7
    first, second, *references = map(str.split, PAPINENI_1.splitlines())
    assert metrics.corpus_bleu([references], [first], max_order=1) == pytest.approx(17 / 18)
    assert metrics.corpus_bleu([references], [first], max_order=2) == pytest.approx(
        math.sqrt(17 / 18 * 10 / 17)
    )
    # 14 tokens against the nearest reference of 16.
    penalty = math.exp(1 - 16 / 14)
    assert metrics.corpus_bleu([references], [second], max_order=1) == pytest.approx(penalty * 8 / 14)
    assert metrics.corpus_bleu([references], [second], max_order=2) == pytest.approx(
        penalty * math.sqrt(8 / 14 * 1 / 13)
    )
    assert metrics.corpus_bleu([references], [second]) == 0


def test_bleu_penalizes_brevity_by_the_nearest_reference():
    text = list("abcdefgh")
    assert metrics.corpus_bleu([[text]], [text]) == 1
    assert metrics.corpus_bleu([[text]], [text[:6]]) == pytest.approx(math.exp(1 - 8 / 6))
    assert metrics.corpus_bleu([[text, text[:6]]], [text[:6]]) == 1
    # Of the lengths 5 and 7, equally near to 6, the shorter counts.
    assert metrics.corpus_bleu([[text[:7], text[:5]]], [text[:6]]) == 1
    assert metrics.corpus_bleu([[text]], [[*text, "x", "x", "x"]]) < 1


def test_bleu_of_little():
    assert metrics.CorpusBLEU().result() == 0
    assert metrics.corpus_bleu([], []) == 0
    assert metrics.corpus_bleu([[[]]], [[]]) == 0
    assert metrics.corpus_bleu([[list("abc")]], [list("abc")]) == 0
    assert metrics.corpus_bleu([[list("abc")]], [list("abc")], max_order=3) == 1
    assert metrics.corpus_bleu([[[1, 2, 3, 4]]], [(1, 2, 3, 4)]) == 1


def test_bleu_errors_change_nothing():
    bleu = metrics.CorpusBLEU()
    with pytest.raises(ValueError, match="references must have 2 entries, got 1"):
        bleu([[["a"]]], [["a"], ["b"]])
    with pytest.raises(
        ValueError, match=r"references\[1\] must hold at least one text for its hypothesis, got none"
    ):
        bleu([[["a"]], []], [["a"], ["b"]])
    for references, hypotheses in [([["a b"]], [["a"]]), ([[["a"]]], ["a b"]), (["a b"], [["a"]])]:
        with pytest.raises(
            TypeError, match=r"(references\[0\]|hypotheses) must be a list of texts, each a list of tokens"
        ):
            bleu(references, hypotheses)
    assert bleu([[list("abcd")]], [list("abcd")]) == 1
    with pytest.raises(ValueError, match="max_order must be at least 1, got 0"):
        metrics.CorpusBLEU(max_order=0)


def test_bleu_changes_no_argument():
    references, hypotheses = [[list("abcd")]], [list("abcd")]
    metrics.corpus_bleu(references, hypotheses)
    assert references == [[list("abcd")]]
    assert hypotheses == [list("abcd")]
