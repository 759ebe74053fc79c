# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% one expression for each line of the derivation
def softmax_nll_gradient(logits, gold):
    logits, gold = np.asarray(logits, float), np.asarray(gold, float)
    e = np.exp(logits - np.max(logits, axis=-1)[:, None])
    o = e / np.sum(e, axis=-1)[:, None]
    return (np.sum(gold, axis=-1)[:, None] * o - gold) / gold.shape[0]


# %% loops over examples and classes, with type hints and print
def softmax_nll_gradient(logits: np.ndarray, gold: np.ndarray) -> np.ndarray:
    import math

    result = np.zeros(np.shape(logits))
    for b in range(len(logits)):
        print("example", b)
        top = max(logits[b])
        exponentials = [math.exp(z - top) for z in logits[b]]
        for i in range(len(exponentials)):
            o = exponentials[i] / sum(exponentials)
            result[b, i] = (sum(gold[b]) * o - gold[b][i]) / len(logits)
    return result


# %% through the Jacobian, with einsum
def softmax_nll_gradient(logits, gold):
    z = logits - logits.max(1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(1, keepdims=True))
    o = np.exp(log_o)
    g_times_jacobian_over_o = np.einsum("bi,ij->bij", gold, np.eye(gold.shape[1])) - gold[:, :, None] * o[:, None, :]
    return -g_times_jacobian_over_o.sum(1) / len(z)


# %% returns lists, and warns
def softmax_nll_gradient(logits, gold):
    import sys
    import warnings

    warnings.warn("still slow")
    print("slow", file=sys.stderr)
    rows = []
    for z, g in zip(np.array(logits), np.array(gold)):
        e = np.exp(z - z.max())
        rows.append(list((g.sum() * e / e.sum() - g) / len(logits)))
    return rows


# %% forgets the mean over the batch {"loses": ["batch-mean"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True) - gold


# %% does not subtract the largest logit {"loses": ["large-logits"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits)
    return (gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True) - gold) / len(logits)


# %% subtracts the largest logit of the whole batch {"loses": ["large-logits"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max())
    return (gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True) - gold) / len(logits)


# %% clips the logits {"loses": ["large-logits"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(np.clip(logits, -500, 500))
    return (gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True) - gold) / len(logits)


# %% takes the gold weights for a distribution {"loses": ["gold-weights"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True) - gold) / len(logits)


# %% takes the largest gold weight for the gold class {"loses": ["gold-distributions", "gold-weights"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    one_hot = np.eye(logits.shape[1])[gold.argmax(axis=1)]
    return (e / e.sum(axis=1, keepdims=True) - one_hot) / len(logits)


# %% works in the arguments {"loses": ["arguments-unchanged"]}
def softmax_nll_gradient(logits, gold):
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    logits *= gold.sum(axis=1, keepdims=True)
    logits -= gold
    logits /= len(logits)
    return logits


# %% softmax over the examples {"loses": ["smaller-case", "batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=0))
    return (gold.sum(axis=1, keepdims=True) * e / e.sum(axis=0) - gold) / len(logits)


# %% softmax over the whole batch {"loses": ["batch-mean", "gold-distributions", "large-logits", "gold-weights"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max())
    return (gold.sum(axis=1, keepdims=True) * e / e.sum() - gold) / len(logits)


# %% divides by the number of classes {"loses": ["smaller-case", "batch-mean"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True) - gold) / logits.shape[1]


# %% gold minus model {"loses": ["smaller-case"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (gold - gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True)) / len(logits)


# %% returns the probabilities {"loses": ["smaller-case", "batch-mean", "gold-distributions", "large-logits", "gold-weights"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# %% returns the loss {"loses": ["smaller-case", "batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights", "arguments-unchanged"]}
def softmax_nll_gradient(logits, gold):
    z = logits - logits.max(axis=1, keepdims=True)
    return -(gold * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum() / len(logits)


# %% adds up over the batch {"loses": ["batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights", "arguments-unchanged"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    o = e / e.sum(axis=1, keepdims=True)
    return ((gold.sum(axis=1, keepdims=True) * o - gold) / len(logits)).sum(axis=0, keepdims=True)


# %% imports the reference implementation {"loses": ["smaller-case", "batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights", "arguments-unchanged"]}
def softmax_nll_gradient(logits, gold):
    from npfl.activations import softmax

    return (gold.sum(axis=1, keepdims=True) * softmax(logits) - gold) / len(logits)


# %% in float32
def softmax_nll_gradient(logits, gold):
    logits = logits.astype(np.float32)
    gold = gold.astype(np.float32)
    e = np.exp(logits - logits.max(1, keepdims=True))
    o = e / e.sum(1, keepdims=True)
    return (gold.sum(1, keepdims=True) * o - gold) / logits.shape[0]


# %% central differences of the loss {"loses": ["exact-derivative"]}
def softmax_nll_gradient(logits, gold):
    def loss(z):
        top = z.max(axis=1, keepdims=True)
        return -(gold * (z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True)))).sum() / len(z)

    result = np.zeros_like(logits)
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = 1e-5
        result[index] = (loss(logits + step) - loss(logits - step)) / 2e-5
    return result


# %% returns in the first round of the loop {"loses": ["batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights"]}
def softmax_nll_gradient(logits, gold):
    result = np.zeros_like(logits)
    for b in range(len(logits)):
        e = np.exp(logits[b] - logits[b].max())
        o = e / e.sum()
        result[b] = (gold[b].sum() * o - gold[b]) / len(logits)
        return result


# %% forgets the return {"loses": ["smaller-case", "batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights", "arguments-unchanged"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    result = (gold.sum(axis=1, keepdims=True) * e / e.sum(axis=1, keepdims=True) - gold) / len(logits)


# %% adds a little to the probabilities {"loses": ["exact-derivative"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    o = e / e.sum(axis=1, keepdims=True) + 1e-10
    return (gold.sum(axis=1, keepdims=True) * o - gold) / len(logits)


# %% sums over an axis without keeping it {"loses": ["batch-mean", "gold-distributions", "large-logits", "exact-derivative", "gold-weights", "arguments-unchanged"]}
def softmax_nll_gradient(logits, gold):
    e = np.exp(logits - logits.max(axis=1))
    return (gold.sum(axis=1) * e / e.sum(axis=1) - gold) / len(logits)
