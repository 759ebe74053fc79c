# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% shrinks the parameters, then steps
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    shrinkage = learning_rate / (examples * prior_std**2)
    return (1 - shrinkage) * theta - learning_rate * nll_gradient


# %% a loop over all elements, with type hints and print
def map_update(
    theta: np.ndarray, nll_gradient: np.ndarray, learning_rate: float, prior_std: float, examples: int
) -> np.ndarray:
    result = np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        print("parameter", index)
        slope = nll_gradient[index] + theta[index] / prior_std / prior_std / examples
        result[index] = theta[index] - learning_rate * slope
    return result


# %% in float32, and warns
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    import warnings

    warnings.warn("still slow")
    theta, nll_gradient = theta.astype(np.float32), nll_gradient.astype(np.float32)
    variance = np.float32(prior_std) ** 2
    return theta - np.float32(learning_rate) * (nll_gradient + theta / (np.float32(examples) * variance))


# %% the step for the sum, with a learning rate divided by N, returns lists
def penalty_gradient(theta, prior_std):
    return theta / prior_std**2


def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    gradient_of_sum = examples * nll_gradient + penalty_gradient(theta, prior_std)
    return (theta - learning_rate / examples * gradient_of_sum).tolist()


# %% works on its own copy
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    import sys

    print("one step", file=sys.stderr)
    new = np.array(theta, copy=True)
    new -= learning_rate * nll_gradient
    new -= 2 * learning_rate * 0.5 * np.power(prior_std, -2.0) * theta / examples
    return new


# %% forgets the number of examples {"loses": ["many-examples", "posterior-maximum"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    l2 = 1 / (2 * prior_std**2)
    return theta - learning_rate * (nll_gradient + 2 * l2 * theta)


# %% the prior inside the sum, then forgets to divide it by N {"loses": ["many-examples", "posterior-maximum"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + examples * theta / prior_std**2)


# %% the step for the sum of the NLLs {"loses": ["many-examples"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (examples * nll_gradient + theta / prior_std**2)


# %% divides the gradient of the NLL once more {"loses": ["many-examples", "posterior-maximum"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + theta / prior_std**2) / examples


# %% divides the prior by N twice {"loses": ["many-examples", "posterior-maximum"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + theta / (prior_std * examples) ** 2)


# %% takes the number of parameters for N {"loses": ["prior-std", "many-examples", "posterior-maximum", "any-shape"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + theta / (len(theta) * prior_std**2))


# %% pulls by the sum of the parameters {"loses": ["prior-std", "posterior-maximum", "any-shape"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + theta.sum() / (examples * prior_std**2))


# %% pulls by the norm of the parameters {"loses": ["prior-std", "posterior-maximum", "any-shape"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + np.linalg.norm(theta) / (examples * prior_std**2))


# %% works for vectors only {"loses": ["any-shape"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    result = np.zeros(len(theta))
    for j in range(len(theta)):
        result[j] = theta[j] - learning_rate * (nll_gradient[j] + theta[j] / (examples * prior_std**2))
    return result


# %% changes the parameters in place {"loses": ["arguments-unchanged"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    theta -= learning_rate * (nll_gradient + theta / (examples * prior_std**2))
    return theta


# %% changes the gradient in place {"loses": ["arguments-unchanged"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    nll_gradient += theta / (examples * prior_std**2)
    return theta - learning_rate * nll_gradient


# %% does not square the standard deviation {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient + theta / (examples * prior_std))


# %% the derivative of the square without its 2 {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    l2 = 1 / (2 * examples * prior_std**2)
    return theta - learning_rate * (nll_gradient + l2 * theta)


# %% lambda without the half {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    l2 = 1 / (examples * prior_std**2)
    return theta - learning_rate * (nll_gradient + 2 * l2 * theta)


# %% the sign of the lecture's last formula {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * (nll_gradient - theta / (examples * prior_std**2))


# %% the prior's part without the learning rate {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * nll_gradient - theta / (examples * prior_std**2)


# %% shrinks the parameters after the step {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    theta = theta - learning_rate * nll_gradient
    return theta * (1 - learning_rate / (examples * prior_std**2))


# %% climbs along the gradient {"loses": ["smaller-case"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta + learning_rate * (nll_gradient + theta / (examples * prior_std**2))


# %% leaves the prior out {"loses": ["smaller-case", "prior-std", "many-examples", "posterior-maximum"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    return theta - learning_rate * nll_gradient


# %% returns the parameters as they are {"loses": ["smaller-case", "prior-std", "many-examples", "posterior-maximum", "any-shape", "arguments-unchanged"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    theta - learning_rate * (nll_gradient + theta / (examples * prior_std**2))
    return theta


# %% imports the reference implementation {"loses": ["smaller-case", "prior-std", "many-examples", "posterior-maximum", "any-shape", "arguments-unchanged"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    from npfl.regularizers import l2_sgd_update

    return l2_sgd_update(theta, nll_gradient, learning_rate, 1 / (2 * examples * prior_std**2))


# %% a syntax error {"loses": ["solution", "smaller-case", "prior-std", "many-examples", "posterior-maximum", "any-shape", "arguments-unchanged"]}
def map_update(theta, nll_gradient, learning_rate, prior_std, examples):
    lambda = 1 / (examples * prior_std**2)
    return theta - learning_rate * (nll_gradient + lambda * theta)
