# Solutions that students write. A cell without `loses` is right; the others lose just the checks listed.

# %% one factor, never above 1, and a division that cannot be by 0
def clip_by_global_norm(gradients, max_norm):
    norm = np.linalg.norm([np.linalg.norm(g) for g in gradients])
    return [g * max_norm / max(norm, max_norm) for g in gradients]


# %% loops over all components, with type hints and print
def clip_by_global_norm(gradients: list[np.ndarray], max_norm: float) -> list[np.ndarray]:
    import math

    total = 0.0
    for gradient in gradients:
        for value in gradient.flat:
            total += float(value) ** 2
    print("norm", math.sqrt(total))
    if math.sqrt(total) <= max_norm:
        return [gradient.copy() for gradient in gradients]
    clipped = []
    for gradient in gradients:
        clipped.append(gradient / math.sqrt(total) * max_norm)
    return clipped


# %% with einsum
def clip_by_global_norm(gradients, max_norm):
    squares = [np.einsum("i,i->", g.ravel(), g.ravel()) for g in gradients]
    factor = 1.0
    if sum(squares) > max_norm**2:
        factor = max_norm / sum(squares) ** 0.5
    return [factor * g for g in gradients]


# %% one long vector, cut into arrays again
def clip_by_global_norm(gradients, max_norm):
    flat = np.concatenate([g.ravel() for g in gradients]).astype(float)
    length = np.sqrt(flat @ flat)
    if length > max_norm:
        flat = flat / length * max_norm
    pieces = np.split(flat, np.cumsum([g.size for g in gradients])[:-1])
    return [piece.reshape(g.shape) for piece, g in zip(pieces, gradients)]


# %% returns lists of numbers in a tuple, and warns
def clip_by_global_norm(gradients, max_norm):
    import sys
    import warnings

    warnings.warn("still slow")
    print("slow", file=sys.stderr)
    norm = float(np.sqrt(sum((np.asarray(g, float) ** 2).sum() for g in gradients)))
    return tuple((g * (max_norm / norm if norm > max_norm else 1)).tolist() for g in gradients)


# %% divides by 0 as NumPy does, and takes the smaller factor
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(np.sum([np.sum(np.abs(g) ** 2) for g in gradients]))
    scale = np.minimum(1, max_norm / norm)
    return list(map(lambda g: scale * g, gradients))


# %% each array by its own norm {"loses": ["smaller-case"]}
def clip_by_global_norm(gradients, max_norm):
    clipped = []
    for g in gradients:
        norm = np.linalg.norm(g)
        clipped.append(g * max_norm / norm if norm > max_norm else g)
    return clipped


# %% each component by its size {"loses": ["smaller-case"]}
def clip_by_global_norm(gradients, max_norm):
    return [np.clip(g, -max_norm, max_norm) for g in gradients]


# %% adds up the norms {"loses": ["smaller-case"]}
def clip_by_global_norm(gradients, max_norm):
    norm = sum(np.linalg.norm(g) for g in gradients)
    return [g * min(1, max_norm / norm) if norm else g for g in gradients]


# %% forgets the root {"loses": ["smaller-case"]}
def clip_by_global_norm(gradients, max_norm):
    norm = sum(np.sum(g**2) for g in gradients)
    if norm <= max_norm:
        return list(gradients)
    return [g * max_norm / norm for g in gradients]


# %% scales to norm 1 {"loses": ["smaller-case"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g / norm if norm > max_norm else g for g in gradients]


# %% the condition the wrong way round {"loses": ["smaller-case", "long-gradients", "short-gradients", "many-shapes", "norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if norm > max_norm:
        return list(gradients)
    return [g * max_norm / norm for g in gradients]


# %% one long vector, left in one piece {"loses": ["smaller-case", "long-gradients", "short-gradients", "many-shapes", "norm-zero", "arguments-unchanged"]}
def clip_by_global_norm(gradients, max_norm):
    flat = np.concatenate([np.ravel(g) for g in gradients])
    return flat * min(1, max_norm / max(np.linalg.norm(flat), 1e-300))


# %% a generator instead of a list {"loses": ["smaller-case"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return (g * max_norm / max(norm, max_norm) for g in gradients)


# %% always scales {"loses": ["short-gradients", "norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * max_norm / norm for g in gradients]


# %% compares the square with the limit {"loses": ["short-gradients", "norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    total = sum(np.sum(g**2) for g in gradients)
    if total <= max_norm:
        return list(gradients)
    return [g * max_norm / np.sqrt(total) for g in gradients]


# %% clips if one component is too large {"loses": ["long-gradients", "many-shapes"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if any(np.any(np.abs(g) > max_norm) for g in gradients):
        return [g * max_norm / norm for g in gradients]
    return list(gradients)


# %% clips if one array is too long {"loses": ["long-gradients"]}
def clip_by_global_norm(gradients, max_norm):
    norms = [np.linalg.norm(g) for g in gradients]
    if max(norms) > max_norm:
        return [g * max_norm / np.linalg.norm(norms) for g in gradients]
    return list(gradients)


# %% the spectral norm of matrices {"loses": ["long-gradients", "many-shapes"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.linalg.norm(g, ord=2) ** 2 for g in gradients))
    if norm <= max_norm:
        return list(gradients)
    return [g * max_norm / norm for g in gradients]


# %% a kernel and a bias only {"loses": ["many-shapes"]}
def clip_by_global_norm(gradients, max_norm):
    kernel, bias = gradients
    norm = np.sqrt((kernel**2).sum() + (bias**2).sum())
    if norm <= max_norm:
        return [kernel, bias]
    return [kernel * max_norm / norm, bias * max_norm / norm]


# %% vectors and matrices only {"loses": ["many-shapes"]}
def clip_by_global_norm(gradients, max_norm):
    total = 0
    for g in gradients:
        rows = [g] if g.ndim == 1 else g
        for row in rows:
            for value in row:
                total += float(value) ** 2
    norm = total**0.5
    return [g * max_norm / norm if norm > max_norm else g for g in gradients]


# %% divides before it compares {"loses": ["norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    import math

    factor = max_norm / math.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * factor if factor < 1 else g for g in gradients]


# %% a zero divided by zero {"loses": ["norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g / norm * min(norm, max_norm) for g in gradients]


# %% a small number added to the norm {"loses": ["norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    scale = min(1, max_norm / (norm + 1e-6))
    return [g * scale for g in gradients]


# %% works in the arrays {"loses": ["arguments-unchanged"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    clipped = []
    for g in gradients:
        if norm > max_norm:
            g *= max_norm / norm
        clipped.append(g)
    return clipped


# %% works in the list {"loses": ["arguments-unchanged"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    for k in range(len(gradients)):
        if norm > max_norm:
            gradients[k] = gradients[k] * max_norm / norm
    return gradients


# %% returns the list itself if nothing is to do {"loses": ["arguments-unchanged"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if norm <= max_norm:
        return gradients
    return [g * max_norm / norm for g in gradients]


# %% imports the reference implementation {"loses": ["smaller-case", "long-gradients", "short-gradients", "many-shapes", "norm-zero", "arguments-unchanged"]}
def clip_by_global_norm(gradients, max_norm):
    from npfl import optimizers

    return optimizers.clip_by_global_norm(gradients, max_norm)


# %% returns nothing for short gradients {"loses": ["short-gradients", "norm-zero"]}
def clip_by_global_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if norm > max_norm:
        return [g * max_norm / norm for g in gradients]
