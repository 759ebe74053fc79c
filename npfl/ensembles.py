r"""Ensembles: several models, averaged.

The averages of *probabilities* (arithmetic), of *logits* (geometric, as in the weight scaling of dropout) and
of *weights* (one model from several checkpoints of a training) are three different things.

References: lecture slide "Regularization – Ensembling".
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from npfl._checks import as_float, as_sequence, count, generator, show
from npfl.activations import softmax


def bootstrap(n: int, rng: Generator) -> NDArray:
    r"""Draw N of N examples with replacement, the training set of one model in bagging.

    About :math:`1 - (1 - 1/N)^N \approx 1 - 1/e = 63.2\,\%` of the examples are in it, some several times.

    Parameters
    ----------
    n : int
        The number N of examples, positive.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    ndarray of int, shape (N,)
        Indices of examples.

    Examples
    --------
    >>> bootstrap(6, np.random.default_rng(1))
    array([2, 3, 4, 5, 0, 0])

    References
    ----------
    L. Breiman: Bagging predictors, 1996. Lecture slide "Regularization – Ensembling".
    """
    n = count("n", n)
    return generator("rng", rng).integers(n, size=n)


def average_probabilities(probabilities: ArrayLike) -> NDArray:
    r"""Average the distributions of M models, :math:`\frac1M \sum_m \mathbf o_m`.

    Its mean squared error and its cross-entropy are at most the averages of those of the models.

    Parameters
    ----------
    probabilities : array_like, shape (M, ..., K)
        What each of the models returned.

    Returns
    -------
    ndarray, shape (..., K)
        The distribution of the ensemble.

    Raises
    ------
    ValueError
        If there is no model, or a value is outside [0, 1].

    Examples
    --------
    >>> average_probabilities([[0.5, 0.5], [0.0, 1.0]])
    array([0.25, 0.75])
    """
    probabilities = _outputs("probabilities", probabilities)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError(
            f"probabilities must lie in [0, 1], got {probabilities.min()} to {probabilities.max()}"
        )
    return probabilities.mean(axis=0)


def average_logits(logits: ArrayLike) -> NDArray:
    r"""Average the logits of M models: :math:`\mathrm{softmax}(\frac1M \sum_m \mathbf z_m)`.

    It is the normalized geometric mean of the distributions of the models.

    Parameters
    ----------
    logits : array_like, shape (M, ..., K)
        What each of the models returned.

    Returns
    -------
    ndarray, shape (..., K)
        The distribution of the ensemble, as probabilities.

    Examples
    --------
    >>> average_logits(np.log([[0.5, 0.5], [0.1, 0.9]]))  # the square roots of .05 and .45, normalized
    array([0.25, 0.75])

    References
    ----------
    I. Goodfellow et al.: Deep learning, 2016, section 7.12.
    """
    return softmax(_outputs("logits", logits).mean(axis=0))


def average_weights(weights: Sequence[Sequence[ArrayLike]]) -> list[NDArray]:
    r"""Average the weights of M models array by array, :math:`\frac1M \sum_m \theta_m`.

    This makes sense for models from one training only, such as its last checkpoints: models that were
    trained from different initializations have nothing in common unit by unit.

    Parameters
    ----------
    weights : sequence of M sequences of array_like
        What ``get_weights()`` returned for each of the models.

    Returns
    -------
    list of ndarray
        Weights for ``set_weights()``.

    Raises
    ------
    ValueError
        If there is no model, or their shapes differ.

    Examples
    --------
    >>> average_weights([[[1.0, 2.0], 5.0], [[3.0, 2.0], 7.0]])
    [array([2., 2.]), array(6.)]

    References
    ----------
    P. Izmailov et al.: Averaging weights leads to wider optima, 2018, arXiv 1803.05407.
    """
    models = [
        [as_float("weights", array) for array in as_sequence("weights", model, "arrays")]
        for model in as_sequence("weights", weights, "models' weights")
    ]
    shapes = [[array.shape for array in model] for model in models]
    if not shapes or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"weights must be those of models of equal shapes, at least one, got {shapes}")
    return [np.asarray(np.stack(arrays).mean(axis=0)) for arrays in zip(*models, strict=True)]


def variance_of_average(variance: ArrayLike, correlation: ArrayLike, models: ArrayLike) -> NDArray:
    r"""Compute the variance of the average error of M models.

    .. math::

        \operatorname{Var}\left( \frac1M \sum_{i=1}^M \varepsilon_i \right)
        = v \left( \frac1M + \left( 1 - \frac1M \right) \rho \right)

    Uncorrelated errors give v/M. More models do not bring correlated ones below ρ v, and never reduce a bias.

    Parameters
    ----------
    variance : array_like
        The variance v of the error of every model, not negative.
    correlation : array_like
        The correlation ρ of the errors of any two models, from -1/(M - 1) to 1.
    models : array_like
        The number M of models, at least 1.

    Returns
    -------
    ndarray
        The variance, of the shape to which the arguments broadcast.

    Examples
    --------
    >>> variance_of_average(2.0, [0.0, 0.5, 1.0], 4)
    array([0.5 , 1.25, 2.  ])
    """
    variance, correlation = as_float("variance", variance), as_float("correlation", correlation)
    models = as_float("models", models)
    if not (variance >= 0).all():
        raise ValueError(f"variance must not be negative, got {show(variance)}")
    if not ((models >= 1) & (models < np.inf)).all():
        raise ValueError(f"models must be at least 1 and finite, got {show(models)}")
    # Smaller correlations of M variables do not exist: the variance of their sum would be negative.
    if not ((correlation <= 1) & (correlation * (models - 1) >= -1)).all():
        raise ValueError(f"correlation must be from -1 / (models - 1) to 1, got {show(correlation)}")
    return variance * (1 / models + (1 - 1 / models) * correlation)


def _outputs(name: str, outputs: ArrayLike) -> NDArray:
    outputs = as_float(name, outputs)
    if outputs.ndim < 2 or len(outputs) == 0:
        raise ValueError(f"{name} must have the shape (M, ..., K) with M at least 1, got {outputs.shape}")
    return outputs
