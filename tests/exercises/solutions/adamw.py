# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% one array after the other
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% returns a tuple of lists, with type hints
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters: list, gradients: list) -> tuple:
        parameters = [np.asarray(p, float) for p in parameters]
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros(np.shape(p)) for p in parameters]
            self.r = [np.zeros(np.shape(p)) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return tuple(array.tolist() for array in result)


# %% a learning rate that contains both corrections
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            root = (1 - self.b2**self.t) ** 0.5
            rate = self.rate * root / (1 - self.b1**self.t)
            result.append(p - rate * self.v[i] / (np.sqrt(self.r[i]) + root * self.epsilon))
        return result


# %% does not correct the means {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i]
            r = self.r[i]
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% corrects the first mean only {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i]
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% does not count its steps {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t = 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% forgets the decay {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% the decay as an L2 penalty {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            g = g + self.decay * p
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% the decay without the learning rate {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% the decay after the step {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
            result[-1] = result[-1] * (1 - self.rate * self.decay)
        return result


# %% forgets the root {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (r + self.epsilon))
        return result


# %% epsilon inside the root {"loses": ["several-arrays"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / np.sqrt(r + self.epsilon))
        return result


# %% along the gradient {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p + self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% never clips
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm < 0:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% clips each array by itself
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            gradients = [g * min(1, self.max_norm / max(1e-12, np.sqrt((g**2).sum()))) for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% always scales to the limit {"loses": ["clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% the running means shared by all objects {"loses": ["two-objects"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        global shared
        shared = self if self.t == 0 and "shared" not in globals() else shared
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if shared is not self and shared.v is not None and len(shared.v) == len(parameters) and shared.v[0].shape == parameters[0].shape:
            self.v, self.r = shared.v, shared.r
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% changes the parameters in place {"loses": ["arguments-unchanged"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p *= (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% clips in place {"loses": ["arguments-unchanged"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                for g in gradients:
                    g *= self.max_norm / norm
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% forgets the return {"loses": ["smaller-case", "several-arrays", "decay", "clipping", "two-objects"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))


# %% one array only {"loses": ["several-arrays", "decay", "clipping", "two-objects"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result[0]


# %% imports the reference implementation {"loses": ["smaller-case", "several-arrays", "decay", "clipping", "two-objects", "arguments-unchanged"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        from npfl.optimizers import AdamW as Reference

        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% clips by the square of the norm {"loses": ["clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm**2 > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% clips each component {"loses": ["clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            gradients = [np.clip(g, -self.max_norm, self.max_norm) for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% counts a step for each array {"loses": ["several-arrays", "clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            self.t += 1
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% decays weights but no biases {"loses": ["decay"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay * (p.ndim > 1 or p.size == 1))
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% an epsilon of its own {"loses": ["several-arrays"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + 1e-8))
        return result


# %% running means that begin with the first gradient of the first array {"loses": ["several-arrays", "clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            if norm > self.max_norm:
                gradients = [g * self.max_norm / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            g = g if i == 0 else np.full_like(g, gradients[0].flat[0])
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% divides by 0 where the gradient is 0 {"loses": ["clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.decay, self.max_norm = weight_decay, max_norm
        self.t = 0
        self.v = self.r = None

    def step(self, parameters, gradients):
        if self.max_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            gradients = [g * min(1, self.max_norm / norm) if norm else g / norm for g in gradients]
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            p = p * (1 - self.rate * self.decay)
            self.v[i] = self.b1 * self.v[i] + (1 - self.b1) * g
            self.r[i] = self.b2 * self.r[i] + (1 - self.b2) * g**2
            v = self.v[i] / (1 - self.b1**self.t)
            r = self.r[i] / (1 - self.b2**self.t)
            result.append(p - self.rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% the two betas swapped {"loses": ["smaller-case"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.learning_rate = learning_rate
        self.beta_1, self.beta_2, self.epsilon = beta_2, beta_1, epsilon
        self.weight_decay, self.max_norm = weight_decay, max_norm
        self.v = self.r = None
        self.t = 0

    def step(self, parameters, gradients):
        if self.v is None:
            self.v = [np.zeros_like(p) for p in parameters]
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        if self.max_norm is not None:
            norm = np.sqrt(sum(np.sum(g ** 2) for g in gradients))
            if norm > self.max_norm:
                gradients = [g * (self.max_norm / norm) for g in gradients]
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            self.v[i] = self.beta_1 * self.v[i] + (1 - self.beta_1) * g
            self.r[i] = self.beta_2 * self.r[i] + (1 - self.beta_2) * g ** 2
            v = self.v[i] / (1 - self.beta_1 ** self.t)
            r = self.r[i] / (1 - self.beta_2 ** self.t)
            p = (1 - self.learning_rate * self.weight_decay) * p
            result.append(p - self.learning_rate * v / (np.sqrt(r) + self.epsilon))
        return result


# %% running means of the shape of the first array {"loses": ["several-arrays", "clipping"]}
class AdamW:
    def __init__(self, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, max_norm=None):
        self.learning_rate = learning_rate
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.weight_decay, self.max_norm = weight_decay, max_norm
        self.v = self.r = None
        self.t = 0

    def step(self, parameters, gradients):
        if self.v is None:
            self.v = [np.zeros_like(parameters[0])] * len(parameters)
            self.r = [np.zeros_like(p) for p in parameters]
        self.t += 1
        if self.max_norm is not None:
            norm = np.sqrt(sum(np.sum(g ** 2) for g in gradients))
            if norm > self.max_norm:
                gradients = [g * (self.max_norm / norm) for g in gradients]
        result = []
        for i, (p, g) in enumerate(zip(parameters, gradients)):
            self.v[i] = self.beta_1 * self.v[i] + (1 - self.beta_1) * g
            self.r[i] = self.beta_2 * self.r[i] + (1 - self.beta_2) * g ** 2
            v = self.v[i] / (1 - self.beta_1 ** self.t)
            r = self.r[i] / (1 - self.beta_2 ** self.t)
            p = (1 - self.learning_rate * self.weight_decay) * p
            result.append(p - self.learning_rate * v / (np.sqrt(r) + self.epsilon))
        return result
