# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% weights of 1 where there are none
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    y_true, y_pred = np.asarray(y_true, float), np.asarray(y_pred, float)
    if sample_weight is None:
        sample_weight = np.ones(len(y_true))
    losses = np.square(y_true - y_pred).mean(axis=-1) * sample_weight
    return {"none": losses, "sum": losses.sum(), "sum_over_batch_size": losses.mean()}[reduction]


# %% loops, with type hints and print
from typing import Optional, Union


def mse_loss(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    sample_weight: Optional[np.ndarray] = None,
    reduction: str = "sum_over_batch_size",
) -> Union[float, np.ndarray]:
    B, K = y_true.shape
    losses = np.zeros(B)
    for b in range(B):
        for i in range(K):
            losses[b] += (y_true[b, i] - y_pred[b, i]) ** 2 / K
        if sample_weight is not None:
            losses[b] *= sample_weight[b]
        print("example", b, "loss", losses[b])
    if reduction == "sum":
        return float(sum(losses))
    elif reduction == "sum_over_batch_size":
        return float(sum(losses) / B)
    return losses


# %% einsum on the errors
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    e = y_pred - y_true
    w = np.ones(e.shape[0]) if sample_weight is None else sample_weight
    if reduction == "none":
        return np.einsum("bi,bi,b->b", e, e, w) / e.shape[1]
    total = np.einsum("bi,bi,b->", e, e, w) / e.shape[1]
    return total if reduction == "sum" else total / e.shape[0]


# %% in float32, warns, with helpers of common names
def loss(e):
    return (e * e).mean(axis=1, dtype=np.float32)


def weighted(values, weight):
    return values if weight is None else values * np.float32(weight)


def total(values):
    return values.sum(dtype=np.float32)


def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    import warnings

    warnings.warn("only single precision")
    values = weighted(loss(np.float32(y_pred) - np.float32(y_true)), sample_weight)
    if reduction == "none":
        return values
    if reduction == "sum":
        return total(values)
    return total(values) / np.float32(len(values))


# %% returns lists and Python numbers
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    weights = [1] * len(y_true) if sample_weight is None else list(sample_weight)
    losses = [
        w * sum((p - t) ** 2 for t, p in zip(true, pred)) / len(true)
        for true, pred, w in zip(y_true, y_pred, weights)
    ]
    if reduction == "none":
        return losses
    return sum(losses) if reduction == "sum" else sum(losses) / len(losses)


# %% divides by the sum of the weights {"loses": ["weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    weights = np.ones_like(losses) if sample_weight is None else sample_weight
    if reduction == "none":
        return weights * losses
    if reduction == "sum":
        return (weights * losses).sum()
    return (weights * losses).sum() / weights.sum()


# %% divides by the number of weights above 0 {"loses": ["weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    weights = np.ones_like(losses) if sample_weight is None else sample_weight
    if reduction == "none":
        return weights * losses
    if reduction == "sum":
        return (weights * losses).sum()
    return (weights * losses).sum() / np.count_nonzero(weights)


# %% brings the weights to the mean 1 {"loses": ["weighted-losses", "weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight / sample_weight.mean()
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% ignores the weights {"loses": ["weighted-losses", "weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% returns "none" before the weights come in {"loses": ["weighted-losses"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if reduction == "none":
        return losses
    if sample_weight is not None:
        losses = losses * sample_weight
    return losses.sum() if reduction == "sum" else losses.mean()


# %% weights only the mean {"loses": ["weighted-losses"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if reduction == "sum":
        return losses.sum()
    if sample_weight is not None:
        losses = losses * sample_weight
    return losses if reduction == "none" else losses.mean()


# %% weights the errors before they are squared {"loses": ["weighted-losses", "weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    errors = y_true - y_pred
    if sample_weight is not None:
        errors = sample_weight[:, None] * errors
    losses = (errors**2).mean(axis=1)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% weights spread over the outputs {"loses": ["weighted-losses", "weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    squares = (y_true - y_pred) ** 2
    if sample_weight is not None:
        squares = squares * sample_weight
    losses = squares.mean(axis=1)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% weights as a column {"loses": ["weighted-losses", "weighted-mean", "thin-batches"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight[:, None]
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% weights the reduced loss {"loses": ["weighted-losses", "weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    weights = np.ones(len(losses)) if sample_weight is None else sample_weight
    if reduction == "none":
        return losses * weights
    if reduction == "sum":
        return losses.sum() * weights.sum() / len(losses)
    return losses.mean() * weights.mean()


# %% weights of 0 taken for no weights {"loses": ["weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if np.any(sample_weight):
        losses = losses * sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% asks whether an array is true {"loses": ["weighted-losses", "weighted-mean", "thin-batches", "arguments-unchanged"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1) * (sample_weight or 1)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% compares the weights with None {"loses": ["weighted-losses", "weighted-mean", "thin-batches", "arguments-unchanged"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight == None:
        sample_weight = np.ones(len(losses))
    losses = losses * sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% "sum" adds up the outputs too {"loses": ["without-weights", "weighted-losses"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    squares = (y_true - y_pred) ** 2
    if sample_weight is not None:
        squares = squares * sample_weight[:, None]
    if reduction == "none":
        return squares.mean(axis=1)
    return squares.sum() if reduction == "sum" else squares.mean()


# %% "sum" is not told from the mean {"loses": ["without-weights", "weighted-losses"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight
    return losses if reduction == "none" else losses.mean()


# %% squeezes the losses {"loses": ["thin-batches"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight
    losses = losses.squeeze()
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% works in the arguments {"loses": ["arguments-unchanged"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    y_pred -= y_true
    y_pred **= 2
    losses = y_pred.mean(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% collects the result in the weights {"loses": ["arguments-unchanged"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight is not None:
        sample_weight *= losses
        losses = sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% adds up the squared errors of an example {"loses": ["smaller-case"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).sum(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% averages over the examples first {"loses": ["smaller-case", "without-weights", "weighted-losses", "weighted-mean", "thin-batches"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=0)
    if sample_weight is not None:
        losses = losses * sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% "none" reduces nothing at all {"loses": ["smaller-case", "without-weights", "weighted-losses", "thin-batches"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    squares = (y_true - y_pred) ** 2
    if sample_weight is not None:
        squares = squares * sample_weight[:, None]
    if reduction == "none":
        return squares
    losses = squares.mean(axis=1)
    return losses.sum() if reduction == "sum" else losses.mean()


# %% takes the root {"loses": ["smaller-case"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = np.sqrt(((y_true - y_pred) ** 2).mean(axis=1))
    if sample_weight is not None:
        losses = losses * sample_weight
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


# %% adds up by default {"loses": ["smaller-case", "without-weights", "weighted-mean"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    losses = ((y_true - y_pred) ** 2).mean(axis=1)
    if sample_weight is not None:
        losses = losses * sample_weight
    return losses if reduction == "none" else losses.sum()


# %% imports the reference implementation {"loses": ["smaller-case", "without-weights", "weighted-losses", "weighted-mean", "thin-batches", "arguments-unchanged"]}
def mse_loss(y_true, y_pred, sample_weight=None, reduction="sum_over_batch_size"):
    from npfl.losses import MeanSquaredError

    return MeanSquaredError(reduction=reduction)(y_true, y_pred, sample_weight)
