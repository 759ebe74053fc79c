# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% counts the epochs without a new value
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% train uses replay, with type hints
def replay(losses: list, patience: int) -> tuple:
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if replay(losses, patience)[0] < len(losses) or waited >= patience:
            break
    return best, losses


# %% returns lists
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return [i + 1, best]
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return [best.tolist(), np.array(losses)]


# %% a tie is a new value {"loses": ["smaller-case"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss <= lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% one epoch more {"loses": ["smaller-case"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited > patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% never starts the count anew {"loses": ["smaller-case"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest = i, loss
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% returns the last epoch {"loses": ["smaller-case"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, i
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% the best of all losses {"loses": ["smaller-case"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, int(np.argmin(losses))
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% the index of the last epoch {"loses": ["smaller-case"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% a number that is none counts as new {"loses": ["not-a-number"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if not loss >= lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% returns the last parameters {"loses": ["best-parameters"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return parameters, losses


# %% forgets to store in train {"loses": ["best-parameters"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy() if best is None else best
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% train never stops {"loses": ["epochs-run"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
    return best, losses


# %% train stops an epoch late {"loses": ["epochs-run"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited > patience:
            break
    return best, losses


# %% computes the loss twice {"loses": ["epochs-run"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(validation_loss(parameters))
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% ignores the largest number of epochs {"loses": ["epochs-run"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    while True:
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% the losses up to the best only {"loses": ["epochs-run"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses[: losses.index(lowest) + 1]


# %% stores before the epoch {"loses": ["best-parameters"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        before = parameters
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = before.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% returns the lowest loss as well {"loses": ["best-parameters", "epochs-run", "arguments-unchanged"]}
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses, lowest


# %% changes the parameters of the start
def replay(losses, patience):
    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    start, losses, best, lowest, waited = parameters, [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        start[:] = parameters
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% imports the reference implementation {"loses": ["smaller-case", "curves", "not-a-number", "best-parameters", "epochs-run", "arguments-unchanged"]}
def replay(losses, patience):
    from npfl.models import EarlyStopping

    best, lowest, waited = 0, float("inf"), 0
    for i, loss in enumerate(losses):
        if loss < lowest:
            best, lowest, waited = i, loss, 0
        else:
            waited += 1
        if waited >= patience:
            return i + 1, best
    return len(losses), best


def train(parameters, epoch, validation_loss, patience, most):
    from npfl.models import EarlyStopping

    losses, best, lowest, waited = [], None, float("inf"), 0
    for _ in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if loss < lowest or best is None:
            best = parameters.copy()
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, losses


# %% compares with the loss before {"loses": ["smaller-case"]}
def replay(losses, patience):
    lowest, best, wait, run = np.inf, 0, 0, 0
    for i, loss in enumerate(losses):
        run += 1
        if i == 0 or loss < losses[i - 1]:
            lowest, best, wait = loss, i, 0
        else:
            wait += 1
            if wait == patience:
                break
    return run, best


def train(parameters, epoch, validation_loss, patience, most):
    losses, lowest, wait, kept = [], np.inf, 0, None
    for i in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if kept is None:
            kept = np.copy(parameters)
        if loss < lowest:
            lowest, wait, kept = loss, 0, np.copy(parameters)
        else:
            wait += 1
            if wait == patience:
                break
    return kept, losses


# %% never stops in replay {"loses": ["smaller-case"]}
def replay(losses, patience):
    lowest, best, wait, run = np.inf, 0, 0, 0
    for i, loss in enumerate(losses):
        run += 1
        if loss < lowest:
            lowest, best, wait = loss, i, 0
        else:
            wait += 1
    return run, best


def train(parameters, epoch, validation_loss, patience, most):
    losses, lowest, wait, kept = [], np.inf, 0, None
    for i in range(most):
        parameters = epoch(parameters)
        loss = validation_loss(parameters)
        losses.append(loss)
        if kept is None:
            kept = np.copy(parameters)
        if loss < lowest:
            lowest, wait, kept = loss, 0, np.copy(parameters)
        else:
            wait += 1
            if wait == patience:
                break
    return kept, losses
