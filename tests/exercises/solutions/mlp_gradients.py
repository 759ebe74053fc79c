# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% functions of its own with common names
def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def relu(u):
    return u * (u > 0)


def loss(z, gold):
    top = z.max(axis=1)
    return (top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(gold)), gold]).mean()


def slope(u):
    return (u > 0).astype(float)


def forward(x, w, b):
    return np.dot(x, w) + b


def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = forward(x, w1, b1)
    v = relu(u)
    z = forward(v, w2, b2)
    dz = (softmax(z) - np.eye(len(b2))[gold]) / len(x)
    du = slope(u) * np.dot(dz, w2.T)
    return loss(z, gold), np.dot(x.T, du), du.sum(0), np.dot(v.T, dz), dz.sum(0)


# %% one example after the other, with type hints and print
from typing import Tuple


def mlp_gradients(
    x: np.ndarray, gold: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray
) -> Tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    import math

    B = len(x)
    loss = 0.0
    dw1, db1, dw2, db2 = np.zeros(w1.shape), np.zeros(b1.shape), np.zeros(w2.shape), np.zeros(b2.shape)
    for b in range(B):
        u = [sum(x[b, d] * w1[d, h] for d in range(len(w1))) + b1[h] for h in range(len(b1))]
        v = [max(value, 0.0) for value in u]
        z = [sum(v[h] * w2[h, k] for h in range(len(b1))) + b2[k] for k in range(len(b2))]
        top = max(z)
        log_sum = top + math.log(sum(math.exp(value - top) for value in z))
        print("example", b, "loss", log_sum - z[gold[b]])
        loss += (log_sum - z[gold[b]]) / B
        for k in range(len(b2)):
            dz = (math.exp(z[k] - log_sum) - (k == gold[b])) / B
            db2[k] += dz
            for h in range(len(b1)):
                dw2[h, k] += v[h] * dz
                if u[h] > 0:
                    db1[h] += w2[h, k] * dz
                    for d in range(len(w1)):
                        dw1[d, h] += x[b, d] * w2[h, k] * dz
    return loss, dw1, db1, dw2, db2


# %% einsum, the mean at the very end
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = np.einsum("bd,dh->bh", x, w1) + b1
    v = np.where(u > 0, u, 0)
    z = np.einsum("bh,hk->bk", v, w2) + b2
    z = z - z.max(axis=1)[:, None]
    log_o = z - np.log(np.sum(np.exp(z), axis=1))[:, None]
    one_hot = gold[:, None] == np.arange(z.shape[1])
    dz = np.exp(log_o) - one_hot
    du = np.einsum("bk,hk->bh", dz, w2) * (v > 0)
    mean = 1 / x.shape[0]
    return (
        -mean * np.sum(log_o[one_hot]),
        mean * np.einsum("bd,bh->dh", x, du),
        mean * np.einsum("bh->h", du),
        mean * np.einsum("bh,bk->hk", v, dz),
        mean * np.einsum("bk->k", dz),
    )


# %% in float32, returns a list of lists, and warns
def mlp_gradients(x, gold, w1, b1, w2, b2):
    import sys
    import warnings

    warnings.warn("only single precision")
    print("slow", file=sys.stderr)
    x, w1, b1, w2, b2 = (a.astype(np.float32) for a in (x, w1, b1, w2, b2))
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    log_o = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    dz = np.exp(log_o)
    dz[np.arange(len(x)), gold] -= 1
    dv = dz @ w2.T
    dv[u <= 0] = 0
    loss = -np.take_along_axis(log_o, gold[:, None], axis=1).mean()
    gradients = [x.T @ dv, dv.sum(axis=0), v.T @ dz, dz.sum(axis=0)]
    return [loss] + [(g / len(x)).tolist() for g in gradients]


# %% the biases as one more row of the weights
def mlp_gradients(x, gold, w1, b1, w2, b2):
    B = len(gold)
    x1 = np.hstack([x, np.ones((B, 1))])
    u = x1 @ np.vstack([w1, b1])
    v1 = np.hstack([np.clip(u, 0, None), np.ones((B, 1))])
    z = v1 @ np.vstack([w2, b2])
    z -= np.max(z, axis=1, keepdims=True)
    total = np.exp(z).sum(axis=1, keepdims=True)
    target = np.zeros_like(z)
    target[range(B), gold] = 1
    delta2 = (np.exp(z) / total - target) / B
    delta1 = delta2.dot(w2.T) * np.heaviside(u, 0)
    g2, g1 = v1.T.dot(delta2), x1.T.dot(delta1)
    return (target * (np.log(total) - z)).sum() / B, g1[:-1], g1[-1], g2[:-1], g2[-1]


# %% forgets the mean in the derivatives {"loses": ["batch-mean"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = np.exp(log_o) - np.eye(len(b2))[gold]
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% adds up the losses, means the derivatives {"loses": ["mean-loss"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].sum(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% the mean of the bias derivatives taken twice {"loses": ["batch-mean"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.mean(axis=0), v.T @ dz, dz.mean(axis=0)


# %% the mean taken again at the hidden layer {"loses": ["batch-mean"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0) / len(x)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% the bias derivatives of the last example only {"loses": ["output-layer", "hidden-layer"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du[-1], v.T @ dz, dz[-1]


# %% a derivative of 1 for ReLU at 0 {"loses": ["relu-at-zero"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u >= 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% a derivative of one half for ReLU at 0 {"loses": ["relu-at-zero"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (np.sign(u) + 1) / 2
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% does not subtract the largest logit {"loses": ["large-logits"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    o = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz = (o - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -np.log(o[np.arange(len(x)), gold]).mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% takes the logarithm of a stable softmax {"loses": ["large-logits"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    o = e / e.sum(axis=1, keepdims=True)
    dz = (o - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -np.log(o[np.arange(len(x)), gold]).mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% adds a little to the probability before the logarithm {"loses": ["large-logits"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    o = e / e.sum(axis=1, keepdims=True)
    dz = (o - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -np.log(o[np.arange(len(x)), gold] + 1e-9).mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% subtracts the largest logit of the whole batch {"loses": ["large-logits"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max()
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% clips the logits {"loses": ["large-logits"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = np.clip(v @ w2 + b2, -500, 500)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% subtracts 1 in the columns of all gold classes {"loses": ["output-layer", "hidden-layer"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = -log_o[np.arange(len(x)), gold].mean()
    dz = np.exp(log_o)
    dz[:, gold] -= 1
    dz /= len(x)
    du = dz @ w2.T * (u > 0)
    return loss, x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% the loss of all pairs of rows and gold classes {"loses": ["mean-loss"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[:, gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% forgets the biases of the hidden layer {"loses": ["mean-loss", "output-layer", "hidden-layer", "backpropagation"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% the update of training inside {"loses": ["arguments-unchanged"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    gradients = x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)
    for parameter, gradient in zip((w1, b1, w2, b2), gradients):
        parameter -= 0.1 * gradient
    return -log_o[np.arange(len(x)), gold].mean(), *gradients


# %% the update of w2 before the hidden layer's turn {"loses": ["smaller-case", "hidden-layer", "backpropagation", "arguments-unchanged"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    dw2, db2 = v.T @ dz, dz.sum(axis=0)
    w2 -= 0.1 * dw2
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), dw2, db2


# %% no derivative of ReLU {"loses": ["smaller-case", "hidden-layer", "relu-at-zero"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% ReLU of the derivative {"loses": ["smaller-case", "hidden-layer", "relu-at-zero"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = np.maximum(dz @ w2.T, 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% the bias derivatives of the hidden layer before ReLU {"loses": ["smaller-case", "hidden-layer"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    dv = dz @ w2.T
    du = dv * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, dv.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% w2 not transposed {"loses": ["smaller-case", "mean-loss", "batch-mean", "output-layer", "hidden-layer", "relu-at-zero", "backpropagation", "large-logits", "arguments-unchanged"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2 * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% gold minus model {"loses": ["smaller-case"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.eye(len(b2))[gold] - np.exp(log_o)) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% the bias derivatives of all examples {"loses": ["smaller-case", "output-layer", "hidden-layer"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du, v.T @ dz, dz


# %% two values, the derivatives in a list {"loses": ["smaller-case", "mean-loss", "batch-mean", "output-layer", "hidden-layer", "relu-at-zero", "backpropagation", "large-logits", "arguments-unchanged"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    v = np.maximum(u, 0)
    z = v @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), [x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)]


# %% imports the reference implementation {"loses": ["smaller-case", "mean-loss", "batch-mean", "output-layer", "hidden-layer", "relu-at-zero", "backpropagation", "large-logits", "arguments-unchanged"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    from npfl.activations import log_softmax

    u = x @ w1 + b1
    v = np.maximum(u, 0)
    log_o = log_softmax(v @ w2 + b2)
    dz = (np.exp(log_o) - np.eye(len(b2))[gold]) / len(x)
    du = dz @ w2.T * (u > 0)
    return -log_o[np.arange(len(x)), gold].mean(), x.T @ du, du.sum(axis=0), v.T @ dz, dz.sum(axis=0)


# %% forward differences of the loss {"loses": ["relu-at-zero", "backpropagation"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    def f(w1, b1, w2, b2):
        z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
        m = z.max(axis=1, keepdims=True)
        return np.mean((m[:, 0] + np.log(np.exp(z - m).sum(axis=1))) - z[np.arange(len(x)), gold])

    ps = [np.array(p, float) for p in (w1, b1, w2, b2)]
    out = [f(*ps)]
    for p in ps:
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            old, a = p[i], f(*ps)
            p[i] = old + 1e-6
            g[i] = (f(*ps) - a) / 1e-6
            p[i] = old
        out.append(g)
    return tuple(out)


# %% central differences of the loss {"loses": ["relu-at-zero", "backpropagation"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    def f(w1, b1, w2, b2):
        z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
        m = z.max(axis=1, keepdims=True)
        return np.mean((m[:, 0] + np.log(np.exp(z - m).sum(axis=1))) - z[np.arange(len(x)), gold])

    ps = [np.array(p, float) for p in (w1, b1, w2, b2)]
    out = [f(*ps)]
    for p in ps:
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            old = p[i]
            p[i] = old + 1e-5
            a = f(*ps)
            p[i] = old - 1e-5
            g[i] = (a - f(*ps)) / 2e-5
            p[i] = old
        out.append(g)
    return tuple(out)


# %% another order of the five values {"loses": ["smaller-case"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    h = np.maximum(u, 0)
    z = h @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    dz = np.exp(log_o)
    dz[rows, gold] -= 1
    dz /= len(x)
    du = (dz @ w2.T) * (u > 0)
    return -log_o[rows, gold].mean(), h.T @ dz, dz.sum(axis=0), x.T @ du, du.sum(axis=0)


# %% a dict of the five values {"loses": ["smaller-case"]}
def mlp_gradients(x, gold, w1, b1, w2, b2):
    u = x @ w1 + b1
    h = np.maximum(u, 0)
    z = h @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_o = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    dz = np.exp(log_o)
    dz[rows, gold] -= 1
    dz /= len(x)
    du = (dz @ w2.T) * (u > 0)
    loss = -log_o[rows, gold].mean()
    return {"loss": loss, "dw1": x.T @ du, "db1": du.sum(axis=0), "dw2": h.T @ dz, "db2": dz.sum(axis=0)}
