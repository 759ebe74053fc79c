# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% through mean and variance step by step, the cache a dict
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    mean = np.mean(x, axis=-1, keepdims=True)
    var = np.var(x, axis=-1, keepdims=True)
    hat = (x - mean) / np.sqrt(var + epsilon)
    return gamma * hat + b, {"x": x, "mean": mean, "var": var + epsilon, "gamma": gamma}


def layer_norm_backward(dy, cache):
    x, mean, var, gamma = cache["x"], cache["mean"], cache["var"], cache["gamma"]
    K = x.shape[-1]
    dhat = dy * gamma
    dvar = np.sum(dhat * (x - mean) * -0.5 * var**-1.5, axis=-1, keepdims=True)
    dmean = np.sum(-dhat / np.sqrt(var), axis=-1, keepdims=True)
    dx = dhat / np.sqrt(var) + dvar * 2 * (x - mean) / K + dmean / K
    dgamma = (dy * (x - mean) / np.sqrt(var)).reshape(-1, K).sum(axis=0)
    return dx, dgamma, dy.reshape(-1, K).sum(axis=0)


# %% with the Jacobian of each row, in loops
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    rows = x.reshape(-1, x.shape[-1])
    hats, deviations = [], []
    for row in rows:
        s = (np.mean((row - row.mean()) ** 2) + epsilon) ** 0.5
        hats.append((row - row.mean()) / s)
        deviations.append(s)
    hat = np.array(hats)
    return (hat * gamma + b).reshape(x.shape), [hat, deviations, gamma]


def layer_norm_backward(dy, cache):
    hat, deviations, gamma = cache
    rows = dy.reshape(hat.shape)
    K = hat.shape[1]
    dx = np.zeros(hat.shape)
    for i in range(len(rows)):
        jacobian = (np.eye(K) - 1 / K - np.outer(hat[i], hat[i]) / K) / deviations[i]
        dx[i] = jacobian @ (rows[i] * gamma)
    return [dx.reshape(dy.shape), (rows * hat).sum(0), rows.sum(0)]


# %% the cache an object of a class
class Cache:
    def __init__(self, hat, s, gamma):
        self.hat, self.s, self.gamma = hat, s, gamma


def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    s = np.sqrt(x.var(-1, keepdims=True) + epsilon)
    hat = (x - x.mean(-1, keepdims=True)) / s
    return gamma * hat + b, Cache(hat, s, gamma)


def layer_norm_backward(dy, cache):
    g = dy * cache.gamma
    K = g.shape[-1]
    dx = (K * g - g.sum(-1, keepdims=True) - cache.hat * (g * cache.hat).sum(-1, keepdims=True)) / (K * cache.s)
    axes = tuple(range(dy.ndim - 1))
    return dx, np.sum(dy * cache.hat, axis=axes), np.sum(dy, axis=axes)


# %% mean and deviation taken for constants {"loses": ["smaller-case", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = back / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% the deviation taken for a constant {"loses": ["smaller-case", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% the mean taken for a constant {"loses": ["smaller-case", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% forgets gamma on the way back {"loses": ["smaller-case", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% forgets the division on the way back {"loses": ["derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True))
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% sums in the place of means {"loses": ["smaller-case", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.sum(axis=-1, keepdims=True) - hat * (back * hat).sum(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% over the examples {"loses": ["smaller-case", "forward", "derivative-by-x", "derivatives-by-parameters", "more-axes"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=0, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=0, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=0, keepdims=True) - hat * (back * hat).mean(axis=0, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% the variance divided by K - 1 {"loses": ["smaller-case", "forward", "derivative-by-x", "derivatives-by-parameters"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% epsilon outside the root {"loses": ["forward", "derivative-by-x", "derivatives-by-parameters"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True)) + epsilon
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% divides by the variance {"loses": ["forward", "derivative-by-x", "derivatives-by-parameters"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = (centred**2).mean(axis=-1, keepdims=True) + epsilon
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% forgets to shift {"loses": ["forward"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% does not add up over the batch {"loses": ["smaller-case", "derivatives-by-parameters", "more-axes"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, dy * hat, dy


# %% means over the batch {"loses": ["derivatives-by-parameters"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).mean(axis=axes), dy.mean(axis=axes)


# %% one axis of examples only {"loses": ["more-axes"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = 0
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% keeps the values in global variables {"loses": ["two-calls"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    global kept
    kept = (hat, s, gamma)
    return gamma * hat + b, None


def layer_norm_backward(dy, cache):
    hat, s, gamma = kept
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% works in its argument {"loses": ["arguments-unchanged"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    x -= x.mean(axis=-1, keepdims=True)
    centred = x
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% forgets the cache {"loses": ["smaller-case", "forward", "derivative-by-x", "derivatives-by-parameters", "more-axes", "two-calls", "arguments-unchanged"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% imports the reference implementation {"loses": ["smaller-case", "forward", "derivative-by-x", "derivatives-by-parameters", "more-axes", "two-calls", "arguments-unchanged"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    from npfl.layers import LayerNormalization

    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% leaves epsilon out {"loses": ["forward", "derivative-by-x", "derivatives-by-parameters"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True))
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% shifts the other way {"loses": ["forward"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hat = centred / s
    return gamma * hat - b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% an epsilon of its own {"loses": ["forward", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-3 * (epsilon > 0))
    hat = centred / s
    return gamma * hat + b, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    back = dy * gamma
    dx = (back - back.mean(axis=-1, keepdims=True) - hat * (back * hat).mean(axis=-1, keepdims=True)) / s
    axes = tuple(range(dy.ndim - 1))
    return dx, (dy * hat).sum(axis=axes), dy.sum(axis=axes)


# %% forgets the normalized values before the last mean {"loses": ["smaller-case", "derivative-by-x"]}
def layer_norm_forward(x, gamma, b, epsilon=1e-3):
    m = x.mean(axis=-1, keepdims=True)
    s = np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    hat = (x - m) / s
    y = gamma * hat + b
    return y, (hat, s, gamma)


def layer_norm_backward(dy, cache):
    hat, s, gamma = cache
    dgamma = np.sum(dy * hat, axis=tuple(range(dy.ndim - 1)))
    db = np.sum(dy, axis=tuple(range(dy.ndim - 1)))
    dhat = dy * gamma
    dx = (dhat - dhat.mean(axis=-1, keepdims=True) - (dhat * hat).mean(axis=-1, keepdims=True)) / s
    return dx, dgamma, db
