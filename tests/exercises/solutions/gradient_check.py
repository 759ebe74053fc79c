# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% over the flat array
def numerical_gradient(function, x, h=1e-5):
    x = np.array(x, float)
    flat = x.reshape(-1)
    gradient = np.zeros(flat.size)
    for i in range(flat.size):
        old = flat[i]
        flat[i] = old + h
        ahead = function(x)
        flat[i] = old - h
        behind = function(x)
        flat[i] = old
        gradient[i] = (ahead - behind) / (2 * h)
    return gradient.reshape(x.shape)


def gradient_error(analytic, numeric):
    both = np.stack([np.asarray(analytic, float), np.asarray(numeric, float)])
    scale = np.abs(both).max()
    return np.abs(both[0] - both[1]).max() / scale if scale > 0 else 0.0


wrong_derivative = "db"


# %% unit arrays, returns a list, with type hints
def numerical_gradient(function, x: np.ndarray, h: float = 1e-5):
    units = np.eye(x.size).reshape(-1, *x.shape)
    slopes = [(function(x + h * unit) - function(x - h * unit)) / 2 / h for unit in units]
    return np.array(slopes).reshape(x.shape).tolist()


def gradient_error(analytic, numeric):
    top = float(np.max(np.abs(np.subtract(analytic, numeric))))
    return top / max(np.abs(analytic).max(), np.abs(numeric).max()) if top else 0.0


wrong_derivative = "db"


# %% restores in place
def numerical_gradient(function, x, h=1e-5):
    gradient = np.zeros_like(x)
    for index, old in np.ndenumerate(x):
        values = []
        for sign in (1, -1):
            x[index] = old + sign * h
            values.append(function(x))
        x[index] = old
        gradient[index] = (values[0] - values[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    difference = np.max(np.abs(analytic - numeric))
    if difference == 0:
        return 0.0
    return difference / np.max(np.abs([analytic, numeric]))


wrong_derivative = "db"


# %% forward differences {"loses": ["central"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, 0):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / h
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% divides by h {"loses": ["smaller-case"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / h
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% forgets the division {"loses": ["smaller-case"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1])
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% behind minus ahead {"loses": ["smaller-case"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[1] - both[0]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% a step of its own {"loses": ["central"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (1e-6, -1e-6):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / 2e-6
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% moves all components {"loses": ["smaller-case", "any-shape", "central", "arguments-unchanged"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% never moves back {"loses": ["smaller-case", "any-shape", "central", "arguments-unchanged"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            x[index] += step
            both.append(function(x))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% for vectors only {"loses": ["any-shape", "arguments-unchanged"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(len(x))
    for index in range(len(x)):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% the absolute difference as the error {"loses": ["smaller-case", "gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric))) if largest else 0.0


wrong_derivative = "db"


# %% divides by the analytic gradient only {"loses": ["gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = np.max(np.abs(analytic))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% forgets the absolute value {"loses": ["smaller-case", "gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(analytic - numeric) / largest) if largest else 0.0


wrong_derivative = "db"


# %% 0 divided by 0 {"loses": ["gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest)


wrong_derivative = "db"


# %% a small number added to the divisor {"loses": ["gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / (largest + 1e-6))


wrong_derivative = "db"


# %% blames the weights {"loses": ["wrong-derivative"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "dw"


# %% imports the reference implementation {"loses": ["smaller-case", "any-shape", "central", "arguments-unchanged"]}
def numerical_gradient(function, x, h=1e-5):
    from npfl.testing import numerical_gradient as reference

    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% forgets the return {"loses": ["smaller-case", "any-shape", "central"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% divides by the numeric gradient only {"loses": ["gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = np.max(np.abs(numeric))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% steps of twice the size {"loses": ["central"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (2 * h, -2 * h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (4 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% blames the inputs {"loses": ["wrong-derivative"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "dx"


# %% returns a flat vector {"loses": ["any-shape"]}
def numerical_gradient(function, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        both = []
        for step in (h, -h):
            moved = x.copy()
            moved[index] += step
            both.append(function(moved))
        gradient[index] = (both[0] - both[1]) / (2 * h)
    return gradient.ravel()


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    return float(np.max(np.abs(analytic - numeric)) / largest) if largest else 0.0


wrong_derivative = "db"


# %% forgets the brackets {"loses": ["smaller-case"]}
def numerical_gradient(function, x, h=1e-5):
    g = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        g[index] = (function(up) - function(down)) / 2 * h
    return g


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    if largest == 0:
        return 0.0
    return np.max(np.abs(analytic - numeric)) / largest

wrong_derivative = "db"


# %% divides by the sum of the two largest values {"loses": ["smaller-case", "gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    g = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        g[index] = (function(up) - function(down)) / (2 * h)
    return g


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    if largest == 0:
        return 0.0
    return np.max(np.abs(analytic - numeric)) / (np.max(np.abs(analytic)) + np.max(np.abs(numeric)))

wrong_derivative = "db"


# %% an error of each component {"loses": ["smaller-case", "gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    g = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        g[index] = (function(up) - function(down)) / (2 * h)
    return g


def gradient_error(analytic, numeric):
    largest = max(np.max(np.abs(analytic)), np.max(np.abs(numeric)))
    if largest == 0:
        return 0.0
    return np.max(np.abs(analytic - numeric) / np.maximum(np.abs(analytic), np.abs(numeric)))

wrong_derivative = "db"


# %% the largest value without its sign {"loses": ["gradient-error"]}
def numerical_gradient(function, x, h=1e-5):
    g = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        g[index] = (function(up) - function(down)) / (2 * h)
    return g


def gradient_error(analytic, numeric):
    largest = max(np.max(analytic), np.max(numeric))
    if largest == 0:
        return 0.0
    return np.max(np.abs(analytic - numeric)) / largest

wrong_derivative = "db"
