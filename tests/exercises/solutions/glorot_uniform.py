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


# %% the older heuristic {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = 1 / np.sqrt(fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% He's limit {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% fan_out only {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% root of the numerator only {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6) / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% no root {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = 6 / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% brackets forgotten {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% integer division {"loses": ["smaller-case", "limits", "evenly-spread", "own-draws", "generator"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 // (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% product of the fans {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in * fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% the standard deviation as limit {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(2 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% the variance as limit {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = 2 / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% an interval of half the width {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return limit * (rng.random((fan_in, fan_out)) - 0.5)


# %% from 0 to the limit {"loses": ["evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(0, limit, size=(fan_in, fan_out))


# %% a normal distribution {"loses": ["smaller-case", "limits", "evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), size=(fan_in, fan_out))


# %% a normal distribution, cut off {"loses": ["evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.clip(rng.normal(0, limit / np.sqrt(3), size=(fan_in, fan_out)), -limit, limit)


# %% minus or plus the limit {"loses": ["evenly-spread"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.choice([-limit, limit], size=(fan_in, fan_out))


# %% rows and columns swapped {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_out, fan_in))


# %% a row for the biases {"loses": ["smaller-case", "limits"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in + 1, fan_out))


# %% one weight for each input {"loses": ["evenly-spread", "own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.ones((fan_in, fan_out)) * rng.uniform(-limit, limit, size=(fan_in, 1))


# %% one number for all weights {"loses": ["evenly-spread", "own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / (fan_in + fan_out))
    return np.full((fan_in, fan_out), rng.uniform(-limit, limit))


# %% forgets the size {"loses": ["smaller-case", "limits", "evenly-spread", "own-draws"]}
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


# %% imports the reference implementation {"loses": ["smaller-case", "limits", "evenly-spread", "own-draws", "generator", "arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    from npfl import initializers

    return initializers.glorot_uniform(fan_in, fan_out, rng)


# %% sorts each row {"loses": ["own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    return np.sort(rng.uniform(-r, r, (fan_in, fan_out)), axis=1)


# %% equal steps, shuffled {"loses": ["own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    return rng.permutation(np.linspace(-r, r, fan_in * fan_out)).reshape(fan_in, fan_out)


# %% one draw in each of equal parts, shuffled {"loses": ["own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    n = fan_in * fan_out
    return rng.permutation((np.arange(n) + rng.random(n)) / n * 2 * r - r).reshape(fan_in, fan_out)


# %% half of them with the sign turned round {"loses": ["own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    n = fan_in * fan_out
    half = rng.uniform(-r, r, (n + 1) // 2)
    return rng.permutation(np.concatenate([half, -half])[:n]).reshape(fan_in, fan_out)


# %% one row, in another order for each input {"loses": ["evenly-spread", "own-draws"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    row = rng.uniform(-r, r, fan_out)
    return np.array([rng.permutation(row) for _ in range(fan_in)])


# %% a generator seeded with the fans {"loses": ["generator"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    own = np.random.default_rng([fan_in, fan_out])
    return own.uniform(-r, r, (fan_in, fan_out)).astype(float)


# %% the legacy generator of NumPy, seeded from the new one {"loses": ["arguments-unchanged"]}
def glorot_uniform(fan_in, fan_out, rng):
    r = np.sqrt(6 / (fan_in + fan_out))
    np.random.seed(rng.integers(2**31))
    return np.random.uniform(-r, r, (fan_in, fan_out))
