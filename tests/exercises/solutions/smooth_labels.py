# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% fills with the share, then adds at the gold classes
def smooth_labels(gold, classes, alpha):
    result = np.full((len(gold), classes), alpha / classes)
    result[np.arange(len(gold)), gold] += 1 - alpha
    return result


# %% loops, with type hints and print, returns lists
def smooth_labels(gold: np.ndarray, classes: int, alpha: float) -> list[list[float]]:
    rows = []
    for c in gold:
        print("class", c)
        row = [alpha / classes] * classes
        row[c] = 1 - alpha + alpha / classes
        rows.append(row)
    return rows


# %% compares with all classes, and warns
def smooth_labels(gold, classes, alpha):
    import warnings

    warnings.warn("still slow")
    is_gold = gold[:, None] == np.arange(classes)
    return np.where(is_gold, 1 - alpha + alpha / classes, alpha / classes)


# %% in float32, with a helper function
def one_hot(gold, classes):
    result = np.zeros((gold.size, classes), np.float32)
    np.put_along_axis(result, gold[:, None], 1, axis=1)
    return result


def smooth_labels(gold, classes, alpha):
    return np.float32(1 - alpha) * one_hot(gold, classes) + np.float32(alpha / classes)


# %% an outer product with einsum, the uniform distribution written out
def smooth_labels(gold, classes, alpha):
    rows = np.identity(classes).take(gold, axis=0)
    uniform = np.ones(classes) / classes
    return np.einsum("bk,->bk", rows, 1 - alpha) + alpha * np.einsum("b,k->bk", np.ones(len(gold)), uniform)


# %% counts the classes in the batch {"loses": ["absent-classes"]}
def smooth_labels(gold, classes, alpha):
    classes = gold.max() + 1
    return (1 - alpha) * np.eye(classes)[gold] + alpha / classes


# %% shares alpha out among the classes up to the largest in the batch {"loses": ["absent-classes"]}
def smooth_labels(gold, classes, alpha):
    return (1 - alpha) * np.eye(classes)[gold] + alpha / (max(gold) + 1)


# %% sets the gold columns of all rows {"loses": ["batches"]}
def smooth_labels(gold, classes, alpha):
    result = np.full((len(gold), classes), alpha / classes)
    result[:, gold] += 1 - alpha
    return result


# %% one list for all rows {"loses": ["batches", "absent-classes"]}
def smooth_labels(gold, classes, alpha):
    rows = [[alpha / classes] * classes] * len(gold)
    for b, c in enumerate(gold):
        rows[b][c] += 1 - alpha
    return np.array(rows)


# %% smooths the first example only and repeats it {"loses": ["batches"]}
def smooth_labels(gold, classes, alpha):
    row = np.full(classes, alpha / classes)
    row[gold[0]] += 1 - alpha
    return np.tile(row, (len(gold), 1))


# %% takes the frequencies of the classes in the batch {"loses": ["batches"]}
def smooth_labels(gold, classes, alpha):
    frequencies = np.bincount(gold, minlength=classes) / len(gold)
    return np.tile((1 - alpha) * frequencies + alpha / classes, (len(gold), 1))


# %% sorts the examples {"loses": ["batches"]}
def smooth_labels(gold, classes, alpha):
    return (1 - alpha) * np.eye(classes)[sorted(gold)] + alpha / classes


# %% turns the classes into flat positions, in place {"loses": ["arguments-unchanged"]}
def smooth_labels(gold, classes, alpha):
    result = np.full((len(gold), classes), alpha / classes)
    gold += classes * np.arange(len(gold))
    result.flat[gold] += 1 - alpha
    return result


# %% takes no smoothing for a missing argument {"loses": ["alpha-range"]}
def smooth_labels(gold, classes, alpha=None):
    alpha = alpha or 0.1
    return (1 - alpha) * np.eye(classes)[gold] + alpha / classes


# %% rounds {"loses": ["batches", "absent-classes", "alpha-range"]}
def smooth_labels(gold, classes, alpha):
    return np.round((1 - alpha) * np.eye(classes)[gold] + alpha / classes, 2)


# %% takes class 0 for padding {"loses": ["batches"]}
def smooth_labels(gold, classes, alpha):
    result = np.zeros((len(gold), classes))
    for b in range(len(gold)):
        if gold[b]:
            result[b] = alpha / classes
            result[b, gold[b]] += 1 - alpha
    return result


# %% shares alpha out among the wrong classes {"loses": ["smaller-case"]}
def smooth_labels(gold, classes, alpha):
    result = np.full((len(gold), classes), alpha / (classes - 1))
    result[np.arange(len(gold)), gold] = 1 - alpha
    return result


# %% sets the gold class to 1 - alpha {"loses": ["smaller-case"]}
def smooth_labels(gold, classes, alpha):
    result = np.full((len(gold), classes), alpha / classes)
    result[np.arange(len(gold)), gold] = 1 - alpha
    return result


# %% adds the whole alpha {"loses": ["smaller-case"]}
def smooth_labels(gold, classes, alpha):
    return (1 - alpha) * np.eye(classes)[gold] + alpha


# %% divides by the number of examples {"loses": ["smaller-case"]}
def smooth_labels(gold, classes, alpha):
    return (1 - alpha) * np.eye(classes)[gold] + alpha / len(gold)


# %% alpha and 1 - alpha have changed places {"loses": ["smaller-case"]}
def smooth_labels(gold, classes, alpha):
    return alpha * np.eye(classes)[gold] + (1 - alpha) / classes


# %% counts classes from 1 {"loses": ["smaller-case"]}
def smooth_labels(gold, classes, alpha):
    return (1 - alpha) * np.eye(classes)[gold - 1] + alpha / classes


# %% classes are rows {"loses": ["smaller-case", "batches", "absent-classes", "alpha-range"]}
def smooth_labels(gold, classes, alpha):
    return ((1 - alpha) * np.eye(classes)[gold] + alpha / classes).T


# %% an array of integers {"loses": ["smaller-case", "batches", "absent-classes", "alpha-range"]}
def smooth_labels(gold, classes, alpha):
    result = np.zeros((len(gold), classes), dtype=int)
    for b, c in enumerate(gold):
        result[b] = alpha / classes
        result[b, c] += 1
    return result


# %% leaves the labels one-hot {"loses": ["smaller-case", "batches", "absent-classes", "alpha-range"]}
def smooth_labels(gold, classes, alpha):
    return np.eye(classes)[gold]


# %% imports the reference implementation {"loses": ["smaller-case", "batches", "absent-classes", "alpha-range", "arguments-unchanged"]}
def smooth_labels(gold, classes, alpha):
    from npfl.losses import smooth_labels as reference

    return reference(np.eye(classes)[gold], alpha)
