# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% numbers from 0 to 1, stretched and shifted
def glorot_uniform(fan_in, fan_out, rng):
    a = (6 / (fan_in + fan_out)) ** 0.5
    return 2 * a * rng.random((fan_in, fan_out)) - a


# %% loops, with type hints and print
def glorot_uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    import math

    limit = math.sqrt(6) / math.sqrt(fan_in + fan_out)
    print("limit", limit)
    weights = np.zeros((fan_in, fan_out))
    for i in range(fan_in):
        for j in range(fan_out):
            weights[i, j] = rng.uniform(-limit, limit)
    return weights


# %% from the wanted variance, and column by column
def glorot_uniform(fan_in, fan_out, rng):
    variance = 2 / (fan_in + fan_out)
    return np.sqrt(3 * variance) * rng.uniform(-1, 1, size=(fan_out, fan_in)).T


# %% in float32
def glorot_uniform(fan_in, fan_out, rng):
    a = np.float32(np.sqrt(6 / (fan_in + fan_out)))
    return (2 * rng.random((fan_in, fan_out), dtype=np.float32) - 1) * a


# %% returns lists, and warns
def glorot_uniform(fan_in, fan_out, rng):
    import sys
    import warnings

    def draw(limit):
        return float(rng.uniform(-limit, limit))

    warnings.warn("still slow")
    print("slow", file=sys.stderr)
    return [[draw(np.sqrt(6 / (fan_in + fan_out))) for _ in range(fan_out)] for _ in range(fan_in)]


# %% hands the generator on
def glorot_uniform(fan_in, fan_out, rng):
    generator = np.random.default_rng(rng)
    weights = np.empty(fan_in * fan_out)
    weights[:] = generator.uniform(size=weights.size)
    weights -= 0.5
    weights *= np.sqrt(24 / (fan_in + fan_out))
    return weights.reshape(fan_in, fan_out)


# %% the older heuristic {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = 1 / np.sqrt(fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% He's limit {"loses": ["smaller-case", "limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% fan_out only {"loses": ["smaller-case", "limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% root of the numerator only {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6) / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% no root {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = 6 / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% brackets forgotten {"loses": ["smaller-case", "limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% integer division {"loses": ["limits", "variance", "evenly-spread", "own-draws", "generator"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 // (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% product of the fans {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in * fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% the standard deviation as limit {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(2 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% the variance as limit {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = 2 / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% an interval of half the width {"loses": ["limits", "variance"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return limit * (rng.random((fan_in, fan_out)) - 0.5)


# %% from 0 to the limit {"loses": ["variance", "evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(0, limit, size=(fan_in, fan_out))


# %% a normal distribution {"loses": ["smaller-case", "limits", "evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), size=(fan_in, fan_out))


# %% a normal distribution, cut off {"loses": ["variance", "evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.clip(rng.normal(0, limit / np.sqrt(3), size=(fan_in, fan_out)), -limit, limit)


# %% minus or plus the limit {"loses": ["variance", "evenly-spread", "own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.choice([-limit, limit], size=(fan_in, fan_out))


# %% rows and columns swapped {"loses": ["smaller-case", "limits", "arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_out, fan_in))


# %% a row for the biases {"loses": ["smaller-case", "limits", "arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in + 1, fan_out))


# %% one weight for each input {"loses": ["limits", "variance", "evenly-spread", "own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.ones((fan_in, fan_out)) * rng.uniform(-limit, limit, size=(fan_in, 1))


# %% one number for all weights {"loses": ["smaller-case", "limits", "variance", "evenly-spread", "own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.full((fan_in, fan_out), rng.uniform(-limit, limit))


# %% forgets the size {"loses": ["smaller-case", "limits", "variance", "evenly-spread", "own-draws", "arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit)


# %% draws from NumPy's global generator {"loses": ["generator", "arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.random.uniform(-limit, limit, size=(fan_in, fan_out))


# %% a generator of its own {"loses": ["generator"]}
def glorot_uniform(fan_in, fan_out, rng):
    rng = np.random.default_rng(42)
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% a new generator without a seed {"loses": ["generator"]}
def glorot_uniform(fan_in, fan_out, rng):
    rng = np.random.default_rng()
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% draws from a copy of the generator {"loses": ["generator"]}
def glorot_uniform(fan_in, fan_out, rng):
    import copy

    limit = np.sqrt(6 / (fan_in + fan_out))
    return copy.deepcopy(rng).uniform(-limit, limit, size=(fan_in, fan_out))


# %% seeds the global generator {"loses": ["arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    np.random.seed(42)
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% imports the reference implementation {"loses": ["smaller-case", "limits", "variance", "evenly-spread", "own-draws", "generator", "arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    from npfl import initializers

    return initializers.glorot_uniform(fan_in, fan_out, rng)
