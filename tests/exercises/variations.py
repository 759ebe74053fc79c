"""Right solutions written in other ways: what a student may hand in without being wrong."""

import re

# What differs from the solution as it stands: the text before it and after it; NAME is the function's.
PREFIXES = {"star import": "from numpy import *\nfrom math import sqrt as root"}
WRAPPED = """
_as_it_was = NAME


def NAME(*args, **kwargs):
    def given(value):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and DTYPE:
            return value.astype(DTYPE)
        return [given(part) for part in value] if isinstance(value, list) else value

    def back(value):
        if isinstance(value, tuple):
            return tuple(back(part) for part in value)
        if isinstance(value, list):
            return [back(part) for part in value]
        value = np.asarray(value)
        if DTYPE and value.dtype.kind == "f":
            value = value.astype(DTYPE)
        return value.tolist() if LISTS else value

    result = _as_it_was(*map(given, args), **{name: given(value) for name, value in kwargs.items()})
    return None if result is None else back(result)
"""
KINDS = {
    "float32": {"DTYPE": "np.float32", "LISTS": "False"},
    "lists": {"DTYPE": "None", "LISTS": "True"},
    "float64": {"DTYPE": "np.float64", "LISTS": "False"},
}


FUNCTIONS = {
    "clip_by_global_norm",
    "dropout",
    "glorot_uniform",
    "l1_update",
    "map_update",
    "mlp_gradients",
    "mse_loss",
    "smooth_labels",
    "softmax_nll_gradient",
}
# The dtype is part of dropout's task; the other solution adds up a generator, which NumPy's sum refuses.
LEFT_OUT = {
    ("dropout", "float32"),
    ("dropout", "float64"),
    ("dropout", "lists"),
    ("clip_by_global_norm", "star import"),
}


def ways(name: str) -> list[str]:
    """List in how many ways an exercise's solution can be written."""
    kinds = [*PREFIXES, *KINDS] if name in FUNCTIONS else [*PREFIXES]
    return [way for way in kinds if (name, way) not in LEFT_OUT]


def vary(source: str, way: str) -> str:
    """Write a solution in another way."""
    if way in PREFIXES:
        return f"{PREFIXES[way]}\n\n{source}"
    name = re.search(r"^def (\w+)\(", source, re.MULTILINE)
    assert name, "no function"
    code = WRAPPED.replace("NAME", name[1])
    for mark, value in KINDS[way].items():
        code = code.replace(mark, value)
    return f"{source}\n{code}"
