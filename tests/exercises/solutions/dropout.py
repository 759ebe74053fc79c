# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% as on the slide, with the mask in the dtype of the inputs
def dropout(inputs, rate, training, rng):
    def do_inference():
        return inputs

    def do_train():
        mask = (rng.uniform(size=np.shape(inputs)) >= rate).astype(inputs.dtype)
        return inputs * mask / (1 - rate)

    return do_train() if training else do_inference()


# %% loops over all elements, with type hints and print
def dropout(inputs: np.ndarray, rate: float, training: bool, rng: np.random.Generator | None) -> np.ndarray:
    result = np.zeros_like(inputs)
    for index in np.ndindex(inputs.shape):
        if not training:
            result[index] = inputs[index]
        elif rng.random() > rate:
            result[index] = inputs[index] / (1 - rate)
    print("dropped", (result == 0).sum())
    return result


# %% a choice between two factors
def dropout(inputs, rate, training, rng):
    if training:
        keep = 1 - rate
        factors = rng.choice([1 / keep, 0], p=[keep, rate], size=inputs.shape)
        return inputs * factors.astype(inputs.dtype)
    return inputs.copy()


# %% zeros written into a copy, and warns
def dropout(inputs, rate, training, rng):
    import sys
    import warnings

    warnings.warn("still slow")
    print("slow", file=sys.stderr)
    outputs = np.array(inputs)
    if training == True:
        outputs[rng.random(outputs.shape) < rate] = 0
        outputs /= 1 - rate
    return outputs


# %% binomial draws, rows one after the other
def dropout(inputs, rate, training, rng):
    if not training or rate == 0:
        return inputs
    kept = rng.binomial(1, 1 - rate, size=inputs.size).reshape(inputs.shape)
    return np.einsum("...,...->...", inputs, kept.astype(inputs.dtype)) * (1 / (1 - rate))


# %% draws in float32, with a helper
def dropout(inputs, rate, training, rng):
    def mask(shape):
        return rng.random(shape, dtype=np.float32) < 1 - rate

    return np.where(mask(inputs.shape), inputs / (1 - rate), 0.0).astype(inputs.dtype) if training else inputs


# %% takes the rate for the probability to keep {"loses": ["smaller-case"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    kept = rng.random(inputs.shape) < rate
    return np.where(kept, inputs / rate, 0).astype(inputs.dtype)


# %% keeps what it should drop {"loses": ["share-dropped"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random(inputs.shape) < rate
    return inputs * mask / (1 - rate)


# %% always drops half {"loses": ["share-dropped"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.integers(0, 2, size=inputs.shape).astype(inputs.dtype)
    return inputs * mask / (1 - rate)


# %% compares normal draws with the rate {"loses": ["share-dropped"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.normal(size=inputs.shape) >= rate
    return inputs * mask / (1 - rate)


# %% does not scale {"loses": ["smaller-case"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    return inputs * (rng.random(inputs.shape) >= rate)


# %% scales at inference instead {"loses": ["smaller-case", "inference"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs * (1 - rate)
    return inputs * (rng.random(inputs.shape) >= rate)


# %% scales at inference as well {"loses": ["inference"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs * (1 - rate)
    return inputs * (rng.random(inputs.shape) >= rate) / (1 - rate)


# %% scales down {"loses": ["smaller-case"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    return inputs * (rng.random(inputs.shape) >= rate) * (1 - rate)


# %% scales by the share that was really kept {"loses": ["smaller-case", "kept-values"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random(inputs.shape) >= rate
    return (inputs * mask / mask.mean()).astype(inputs.dtype)


# %% pays no heed to training {"loses": ["inference"]}
def dropout(inputs, rate, training, rng):
    rng = rng or np.random.default_rng()
    mask = rng.random(inputs.shape) >= rate
    return inputs * mask / (1 - rate)


# %% training the wrong way round {"loses": ["smaller-case", "share-dropped", "own-draws", "inference", "kept-values", "generator"]}
def dropout(inputs, rate, training, rng):
    if training:
        return inputs
    mask = rng.random(inputs.shape) >= rate
    return inputs * mask / (1 - rate)


# %% draws before it looks at training {"loses": ["inference"]}
def dropout(inputs, rate, training, rng):
    mask = rng.random(inputs.shape) >= rate
    return inputs * mask / (1 - rate) if training else inputs


# %% one mask for all examples {"loses": ["own-draws"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random(inputs.shape[-1]) >= rate
    return inputs * mask / (1 - rate)


# %% drops whole examples {"loses": ["own-draws"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random((len(inputs),) + (1,) * (inputs.ndim - 1)) >= rate
    return inputs * mask / (1 - rate)


# %% one coin for all inputs {"loses": ["share-dropped", "own-draws"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random() >= rate
    return inputs * mask / (1 - rate)


# %% drops an exact number of values {"loses": ["own-draws"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    outputs = (inputs / (1 - rate)).reshape(-1)
    outputs[rng.permutation(outputs.size)[: round(rate * outputs.size)]] = 0
    return outputs.reshape(inputs.shape)


# %% works in its argument {"loses": ["arguments-unchanged"]}
def dropout(inputs, rate, training, rng):
    if training:
        inputs *= rng.random(inputs.shape) >= rate
        inputs /= 1 - rate
    return inputs


# %% a mask of float64 {"loses": ["dtype"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = (rng.random(inputs.shape) >= rate).astype(float)
    return inputs * mask / (1 - rate)


# %% a mask of float32 {"loses": ["dtype"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = (rng.random(inputs.shape) >= rate).astype(np.float32)
    return inputs * mask / (1 - rate)


# %% writes into an array of zeros {"loses": ["dtype"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    outputs = np.zeros(inputs.shape)
    kept = rng.random(inputs.shape) >= rate
    outputs[kept] = inputs[kept] / (1 - rate)
    return outputs


# %% draws from NumPy's global generator {"loses": ["generator"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = np.random.uniform(size=inputs.shape) >= rate
    return inputs * mask / (1 - rate)


# %% a generator of its own {"loses": ["generator"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    rng = np.random.default_rng(42)
    mask = rng.random(inputs.shape) >= rate
    return inputs * mask / (1 - rate)


# %% returns the mask {"loses": ["smaller-case", "kept-values", "inference"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return np.ones_like(inputs)
    return (rng.random(inputs.shape) >= rate).astype(inputs.dtype)


# %% returns the mask as well {"loses": ["smaller-case", "kept-values", "own-draws", "dtype", "arguments-unchanged"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random(inputs.shape) >= rate
    return inputs * mask / (1 - rate), mask


# %% works with one axis only {"loses": ["kept-values", "share-dropped", "own-draws", "dtype", "arguments-unchanged"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    return np.array([x / (1 - rate) if rng.random() >= rate else 0.0 for x in inputs], dtype=inputs.dtype)


# %% imports the reference implementation {"loses": ["smaller-case", "kept-values", "share-dropped", "own-draws", "inference", "dtype", "generator", "arguments-unchanged"]}
def dropout(inputs, rate, training, rng):
    from npfl import regularizers

    return regularizers.dropout(inputs, rate, training, rng)


# %% everything of NumPy imported
from numpy import *


def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    mask = rng.random(inputs.shape) >= rate
    return (inputs * mask / (1 - rate)).astype(inputs.dtype)


# %% draws in inference too {"loses": ["inference"]}
def dropout(inputs, rate, training, rng):
    if rng is not None:
        mask = rng.random(inputs.shape) >= rate
    return (inputs * mask / (1 - rate)).astype(inputs.dtype) if training else inputs


# %% returns zeros {"loses": ["smaller-case", "kept-values", "share-dropped", "own-draws", "generator"]}
def dropout(inputs, rate, training, rng):
    return np.zeros_like(inputs) if training else inputs


# %% the rate cut to tenths {"loses": ["smaller-case", "share-dropped"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    rate = int(rate * 10) / 10
    kept = rng.random(inputs.shape) >= rate
    return np.where(kept, inputs / (1 - rate), 0).astype(inputs.dtype)


# %% returns nothing at inference {"loses": ["inference"]}
def dropout(inputs, rate, training, rng):
    if training:
        kept = rng.random(inputs.shape) >= rate
        return (inputs * kept / (1 - rate)).astype(inputs.dtype)


# %% a draw for each row only {"loses": ["kept-values", "own-draws", "dtype", "arguments-unchanged"]}
def dropout(inputs, rate, training, rng):
    if not training:
        return inputs
    kept = rng.random(len(inputs)) >= rate
    return (inputs * kept / (1 - rate)).astype(inputs.dtype)
