# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.
# Each also answers the question on exact zeros, rightly unless its title says otherwise.

# %% the penalty's part is theta itself, limited
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    limit = learning_rate * l1
    return theta - learning_rate * gradient - np.clip(theta, -limit, limit)


# %% a loop over all elements, with type hints and print
exact_zeros: str = "Proximal "


def l1_update(theta: np.ndarray, gradient: np.ndarray, learning_rate: float, l1: float) -> np.ndarray:
    result = np.zeros(theta.shape)
    for index, t in np.ndenumerate(theta):
        print(index, t)
        sign = 1 if t > 0 else -1 if t < 0 else 0
        result[index] = t - learning_rate * gradient[index] - min(learning_rate * l1, abs(t)) * sign
    return result


# %% in float32, with helper functions, and warns
import warnings

exact_zeros = "proximal"


def sign(x):
    return (x > 0).astype(np.float32) - (x < 0).astype(np.float32)


def pull(theta, most):
    warnings.warn("still slow")
    return np.where(np.abs(theta) < most, np.abs(theta), most) * sign(theta)


def l1_update(theta, gradient, learning_rate, l1):
    theta, gradient = np.float32(theta), np.float32(gradient)
    return theta - np.float32(learning_rate) * gradient - pull(theta, np.float32(learning_rate * l1))


# %% three cases, returns lists
exact_zeros = "PROXIMAL"


def l1_update(theta, gradient, learning_rate, l1):
    most = learning_rate * l1
    penalized = np.zeros_like(theta)
    penalized[theta > most] = theta[theta > most] - most
    penalized[theta < -most] = theta[theta < -most] + most
    return (penalized - learning_rate * gradient).tolist()


# %% a sign that is never 0, where the minimum is 0 anyway
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    new = theta.copy()
    new -= learning_rate * gradient
    new -= np.where(theta >= 0, 1, -1) * np.minimum(abs(theta), learning_rate * l1)
    return new


# %% answers that the lecture's update gives exact zeros {"loses": ["exact-zeros"]}
exact_zeros = "lecture"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% answers that both updates give exact zeros {"loses": ["exact-zeros"]}
exact_zeros = "both"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% does not answer the question {"loses": ["exact-zeros"]}
def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% forgets the minimum {"loses": ["near-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - learning_rate * l1 * np.sign(theta)


# %% sign and magnitude after the gradient's part, the proximal update {"loses": ["near-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    theta = theta - learning_rate * gradient
    return theta - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% the old sign, but the new magnitude {"loses": ["near-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    new = theta - learning_rate * gradient
    return new - np.minimum(learning_rate * l1, np.abs(new)) * np.sign(theta)


# %% the new sign, but the old magnitude {"loses": ["near-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    new = theta - learning_rate * gradient
    return new - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(new)


# %% stops at 0 whatever would cross it {"loses": ["near-zero", "crossing-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    new = theta - learning_rate * gradient - learning_rate * l1 * np.sign(theta)
    return np.where(new * theta < 0, 0, new)


# %% sets small parameters to 0 {"loses": ["near-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    new = theta - learning_rate * gradient - learning_rate * l1 * np.sign(theta)
    return np.where(np.abs(theta) <= learning_rate * l1, 0, new)


# %% multiplies the magnitude by the learning rate {"loses": ["near-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * (gradient + np.minimum(l1, np.abs(theta)) * np.sign(theta))


# %% one minimum for all parameters {"loses": ["near-zero", "any-shape"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - min(learning_rate * l1, np.min(np.abs(theta))) * np.sign(theta)


# %% works for vectors only {"loses": ["any-shape"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    result = []
    for t, g in zip(theta, gradient):
        result.append(t - learning_rate * g - min(learning_rate * l1, abs(t)) * np.sign(t))
    return np.array(result)


# %% works in the arguments {"loses": ["arguments-unchanged"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    pull = np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)
    theta -= learning_rate * gradient
    theta -= pull
    return theta


# %% scales the gradient in place {"loses": ["arguments-unchanged"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    gradient *= learning_rate
    return theta - gradient - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% forgets the learning rate in the penalty {"loses": ["smaller-case"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - np.minimum(l1, np.abs(theta)) * np.sign(theta)


# %% forgets the sign {"loses": ["smaller-case"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - np.minimum(learning_rate * l1, np.abs(theta))


# %% pushes away from 0 {"loses": ["smaller-case"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient + np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% takes the maximum {"loses": ["smaller-case", "far-from-zero", "near-zero", "crossing-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - np.maximum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% the L2 penalty {"loses": ["smaller-case", "far-from-zero", "near-zero", "crossing-zero"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta * (1 - 2 * learning_rate * l1) - learning_rate * gradient


# %% returns nothing {"loses": ["smaller-case", "far-from-zero", "near-zero", "crossing-zero", "any-shape", "arguments-unchanged"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    theta -= learning_rate * gradient + np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)


# %% Python's min on arrays {"loses": ["smaller-case", "far-from-zero", "near-zero", "crossing-zero", "any-shape", "arguments-unchanged"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    return theta - learning_rate * gradient - min(learning_rate * l1, abs(theta)) * np.sign(theta)


# %% returns the parameters as they are {"loses": ["smaller-case", "far-from-zero", "near-zero", "crossing-zero", "any-shape", "arguments-unchanged"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    theta - learning_rate * gradient - np.minimum(learning_rate * l1, np.abs(theta)) * np.sign(theta)
    return theta


# %% imports the reference implementation {"loses": ["smaller-case", "far-from-zero", "near-zero", "crossing-zero", "any-shape", "arguments-unchanged"]}
exact_zeros = "proximal"


def l1_update(theta, gradient, learning_rate, l1):
    from npfl.regularizers import l1_sgd_update

    return l1_sgd_update(theta, gradient, learning_rate, l1)
