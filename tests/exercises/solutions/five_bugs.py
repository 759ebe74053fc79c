# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.


# %% all five mended
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% He's weights, the mask from the sums
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(scale=np.sqrt(2 / inputs), size=(inputs, units)),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (x @ p["w1"] + p["b1"] > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% uniform weights, batches by their places
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.uniform(-1, 1, (inputs, units)) * np.sqrt(6 / (inputs + units)),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    for i in range(0, len(x), batch):
        g = gradients(p, x[order[i : i + batch]], gold[order[i : i + batch]])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% equal weights left {"loses": ["units-differ"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": np.full((inputs, units), 0.1),
        "b1": np.zeros(units),
        "w2": np.full((units, classes), 0.1),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% equal weights of the hidden layer left {"loses": ["units-differ"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": np.full((inputs, units), 0.1),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% softmax over the batch left {"loses": ["probabilities"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum()
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% the sum in the place of the mean left {"loses": ["mean"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% the mask that is always true left {"loses": ["units-off"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h >= 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% the order of the inputs alone left {"loses": ["pairs"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    x = x[rng.permutation(len(x))]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% nothing mended {"loses": ["units-differ", "probabilities", "mean", "units-off", "pairs"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": np.full((inputs, units), 0.1),
        "b1": np.zeros(units),
        "w2": np.full((units, classes), 0.1),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum()
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    du = (dz @ p["w2"].T) * (h >= 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    x = x[rng.permutation(len(x))]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% weights of 0 {"loses": ["units-differ"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": np.zeros((inputs, units)),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% weights that are too large {"loses": ["units-differ"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% two orders, one for the inputs and one for the classes {"loses": ["pairs"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    x, gold = x[rng.permutation(len(x))], gold[rng.permutation(len(x))]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% divides by the number of classes {"loses": ["mean"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / p["b2"].size
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% a generator of its own {"loses": ["units-differ"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    rng = np.random.default_rng()
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% softmax over the examples {"loses": ["probabilities", "units-off"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=0)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% imports the reference implementation {"loses": ["it-runs", "probabilities", "mean", "units-off", "pairs"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) / np.sqrt(inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) / np.sqrt(units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    from npfl.activations import softmax

    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz = dz / len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% never shuffles {"loses": ["pairs"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) * np.sqrt(2 / inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) * np.sqrt(1 / units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz /= len(x)
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% the mean at the output layer only {"loses": ["mean"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) * np.sqrt(2 / inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) * np.sqrt(1 / units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz / len(x),
        "b2": dz.mean(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p


# %% divides by the size of the batch twice {"loses": ["mean"]}
def start(rng, inputs, units, classes):
    """Return the parameters at the start of training, a dict of arrays."""
    return {
        "w1": rng.normal(size=(inputs, units)) * np.sqrt(2 / inputs),
        "b1": np.zeros(units),
        "w2": rng.normal(size=(units, classes)) * np.sqrt(1 / units),
        "b2": np.zeros(classes),
    }


def gradients(p, x, gold):
    """Return the derivatives of the mean loss, a dict of arrays like p."""
    h = np.maximum(x @ p["w1"] + p["b1"], 0)
    z = h @ p["w2"] + p["b2"]
    o = np.exp(z - z.max(axis=1, keepdims=True))
    o = o / o.sum(axis=1, keepdims=True)
    dz = o.copy()
    dz[np.arange(len(x)), gold] -= 1
    dz /= len(x) ** 2
    du = (dz @ p["w2"].T) * (h > 0)
    return {
        "w1": x.T @ du,
        "b1": du.sum(axis=0),
        "w2": h.T @ dz,
        "b2": dz.sum(axis=0),
    }


def epoch(p, x, gold, learning_rate, batch, rng):
    """Return the parameters after one epoch of steps, in a new order."""
    order = rng.permutation(len(x))
    x, gold = x[order], gold[order]
    for i in range(0, len(x), batch):
        g = gradients(p, x[i : i + batch], gold[i : i + batch])
        p = {name: p[name] - learning_rate * g[name] for name in p}
    return p
