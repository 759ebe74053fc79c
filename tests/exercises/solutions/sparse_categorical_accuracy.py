# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% average with the weights, the state made in __init__
class SparseCategoricalAccuracy:
    def __init__(self):
        self.numerator = 0
        self.denominator = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        correct = (np.asarray(y_pred).argmax(-1) == np.asarray(y_true)).astype(float)
        if sample_weight is None:
            sample_weight = np.ones_like(correct)
        self.numerator += np.dot(sample_weight, correct)
        self.denominator += np.sum(sample_weight)

    def result(self):
        if self.denominator == 0:
            return 0.0
        return self.numerator / self.denominator

    def reset_state(self):
        self.__init__()


# %% loops, with type hints and print
from typing import Optional


class SparseCategoricalAccuracy:
    correct: float
    total: float

    def __init__(self) -> None:
        self.reset_state()

    def update_state(
        self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Optional[np.ndarray] = None
    ) -> None:
        for b in range(len(y_true)):
            best = 0
            for k in range(1, y_pred.shape[1]):
                if y_pred[b, k] > y_pred[b, best]:
                    best = k
            weight = 1.0 if sample_weight is None else sample_weight[b]
            print("example", b, "predicted", best)
            self.total += weight
            if best == y_true[b]:
                self.correct += weight

    def result(self) -> float:
        return self.correct / max(self.total, 1e-12)

    def reset_state(self) -> None:
        self.correct = self.total = 0.0


# %% keeps all examples, and warns
class SparseCategoricalAccuracy:
    def __init__(self):
        self.hits, self.weights = [], []

    def update_state(self, y_true, y_pred, sample_weight=None):
        import warnings

        warnings.warn("keeps everything")
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.hits.extend((np.argmax(y_pred, axis=1) == y_true).tolist())
        self.weights.extend(float(w) for w in weights)
        return self.result()

    def result(self):
        if sum(self.weights) == 0:
            return 0
        return np.average(self.hits, weights=self.weights)

    def reset_state(self):
        self.hits.clear()
        self.weights.clear()


# %% a running mean, in float32, with helpers of common names
def correct(y_true, y_pred):
    return np.float32(y_pred.argmax(axis=1) == y_true)


def total(weights):
    return np.float32(weights.sum())


class SparseCategoricalAccuracy:
    mean, weight = np.float32(0), np.float32(0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        hits = correct(y_true, y_pred)
        weights = np.ones_like(hits) if sample_weight is None else np.float32(sample_weight)
        if total(weights) == 0:
            return
        batch_mean = total(weights * hits) / total(weights)
        self.weight = self.weight + total(weights)
        self.mean = self.mean + (batch_mean - self.mean) * total(weights) / self.weight

    def result(self):
        return self.mean

    def reset_state(self):
        self.mean, self.weight = np.float32(0), np.float32(0)


# %% a base class, the state in one array, the result as an array without axes
class Metric:
    def __init__(self, name="metric"):
        self.name = name
        self.state = np.zeros(2)

    def reset_state(self):
        self.state = np.zeros(2)


class SparseCategoricalAccuracy(Metric):
    def __init__(self, name="accuracy"):
        super().__init__(name)

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is None:
            sample_weight = [1.0] * len(y_true)
        right = np.equal(y_true, np.argmax(y_pred, axis=-1))
        self.state += np.einsum("b,bj->j", sample_weight, np.stack([right, np.ones(len(right))], axis=1))

    def result(self):
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nan_to_num(self.state[0] / self.state[1]))


# %% mean of the batches' accuracies {"loses": ["unequal-batches", "weights", "empty-and-reset"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.accuracies.append(np.average(y_pred.argmax(axis=1) == y_true, weights=sample_weight))

    def result(self):
        return np.mean(self.accuracies) if self.accuracies else 0.0

    def reset_state(self):
        self.accuracies = []


# %% the batches' accuracies weighted by their sizes {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        accuracy = (weights * (y_pred.argmax(axis=1) == y_true)).sum() / max(weights.sum(), 1e-12)
        self.correct += accuracy * len(y_true)
        self.total += len(y_true)

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% divides by the number of examples {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += (weights * (y_pred.argmax(axis=1) == y_true)).sum()
        self.total += len(y_true)

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% ignores the weights {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.correct += (y_pred.argmax(axis=1) == y_true).sum()
        self.total += len(y_true)

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% weights count only if they are above 0 {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = y_pred.argmax(axis=1) == y_true
        if sample_weight is not None:
            right = right[sample_weight > 0]
        self.correct += right.sum()
        self.total += len(right)

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% whole numbers of weight {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        weights = weights.astype(int)
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% batches without weights do not count in the sum {"loses": ["smaller-case", "unequal-batches", "weights", "ties-and-logits", "empty-and-reset", "two-objects"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = y_pred.argmax(axis=1) == y_true
        if sample_weight is not None:
            self.correct += (right * sample_weight).sum()
            self.total += sample_weight.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% a batch without weights weighs as much as the one before {"loses": ["weights", "empty-and-reset"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.weights = 1.0
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is None:
            sample_weight = np.full(len(y_true), np.mean(self.weights))
        self.weights = sample_weight
        self.correct += self.weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += self.weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% right if the gold class has a largest score {"loses": ["ties-and-logits"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        right = y_pred[np.arange(len(y_true)), y_true] == y_pred.max(axis=1)
        self.correct += weights[right].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% the last of several largest scores {"loses": ["ties-and-logits"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        right = np.argsort(y_pred, axis=1, kind="stable")[:, -1] == y_true
        self.correct += weights[right].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% rounds the scores {"loses": ["smaller-case", "unequal-batches", "weights", "ties-and-logits", "empty-and-reset", "two-objects"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        right = y_pred.round()[np.arange(len(y_true)), y_true] == 1
        self.correct += weights[right].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% divides by 0 before the first batch {"loses": ["empty-and-reset"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total

    def reset_state(self):
        self.correct = self.total = 0


# %% asks for the number of batches before it divides by the weights {"loses": ["empty-and-reset"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.batches += 1
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.batches else 0.0

    def reset_state(self):
        self.batches = self.correct = self.total = 0


# %% the reset forgets the right predictions only {"loses": ["empty-and-reset"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.correct = self.total = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = 0


# %% the reset does nothing, its names are those of local variables {"loses": ["empty-and-reset"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.correct = self.total = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        correct = total = 0


# %% a list shared by all objects, emptied by each reset {"loses": ["two-objects"]}
class SparseCategoricalAccuracy:
    state = [0.0, 0.0]

    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.state[0] += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.state[1] += weights.sum()

    def result(self):
        return self.state[0] / self.state[1] if self.state[1] else 0.0

    def reset_state(self):
        self.state[:] = [0.0, 0.0]


# %% lists shared by all objects, emptied by a reset only {"loses": ["unequal-batches", "weights", "ties-and-logits", "empty-and-reset", "two-objects"]}
class SparseCategoricalAccuracy:
    right = []
    weights = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.right.extend(y_pred.argmax(axis=1) == y_true)
        self.weights.extend(np.ones(len(y_true)) if sample_weight is None else sample_weight)

    def result(self):
        return np.dot(self.right, self.weights) / sum(self.weights) if sum(self.weights) else 0.0

    def reset_state(self):
        self.right.clear()
        self.weights.clear()


# %% global variables {"loses": ["two-objects"]}
correct_so_far = total_so_far = 0


class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        global correct_so_far, total_so_far
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        correct_so_far += weights[y_pred.argmax(axis=1) == y_true].sum()
        total_so_far += weights.sum()

    def result(self):
        return correct_so_far / total_so_far if total_so_far else 0.0

    def reset_state(self):
        global correct_so_far, total_so_far
        correct_so_far = total_so_far = 0


# %% resets in result {"loses": ["smaller-case", "unequal-batches"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        value = self.correct / self.total if self.total else 0.0
        self.reset_state()
        return value

    def reset_state(self):
        self.correct = self.total = 0


# %% divides the state itself in result {"loses": ["smaller-case", "unequal-batches"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        if self.total:
            self.correct /= self.total
        return self.correct

    def reset_state(self):
        self.correct = self.total = 0


# %% keeps the last batch only {"loses": ["smaller-case", "unequal-batches", "weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct = weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total = weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% works in the weights {"loses": ["arguments-unchanged"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.total += weights.sum()
        weights *= y_pred.argmax(axis=1) == y_true
        self.correct += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% the largest score of each class, not of each example {"loses": ["smaller-case", "unequal-batches", "weights", "ties-and-logits", "empty-and-reset", "two-objects", "arguments-unchanged"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=0) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% percents {"loses": ["smaller-case"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.correct += weights[y_pred.argmax(axis=1) == y_true].sum()
        self.total += weights.sum()

    def result(self):
        return 100 * self.correct / self.total if self.total else 0.0

    def reset_state(self):
        self.correct = self.total = 0


# %% imports the reference implementation {"loses": ["smaller-case", "unequal-batches", "weights", "ties-and-logits", "empty-and-reset", "two-objects", "arguments-unchanged"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        from npfl.metrics import SparseCategoricalAccuracy as Reference

        self.metric = Reference()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.metric.update_state(y_true, y_pred, sample_weight)

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()


# %% never divides by less than 1 {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.right = 0.0
        self.total = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        w = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.right += np.sum(w * (np.argmax(y_pred, axis=1) == y_true))
        self.total += np.sum(w)

    def result(self):
        return self.right / max(self.total, 1)

    def reset_state(self):
        self.right = 0.0
        self.total = 0.0


# %% 0 where the weights add up to less than 1 {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        w = np.ones(len(y_true)) if sample_weight is None else sample_weight
        self.right += np.sum(w * (np.argmax(y_pred, axis=1) == y_true))
        self.total += np.sum(w)

    def result(self):
        if self.total < 1:
            return 0.0
        return self.right / self.total

    def reset_state(self):
        self.right = self.total = 0.0


# %% counts a batch of zero weights as ones {"loses": ["weights"]}
class SparseCategoricalAccuracy:
    def __init__(self):
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        w = np.ones(len(y_true)) if sample_weight is None or not np.any(sample_weight) else sample_weight
        right = np.argmax(y_pred, axis=1) == y_true
        self.right += np.sum(w * right)
        self.total += np.sum(w)

    def result(self):
        return self.right / self.total if self.total else 0.0

    def reset_state(self):
        self.right = self.total = 0.0
