r"""Losses: what training minimizes, each with its gradient with respect to the predictions.

A loss has two forms, as in Keras. The *function* takes `y_true` and `y_pred` of shape (..., K) and returns
the unreduced losses of shape (...): the last axis is averaged, or summed where it holds one distribution.
The *class* takes the function's options, multiplies the losses by `sample_weight`, reduces them, and knows
the gradient of the result; see `Loss`. Labels are converted to the dtype of the predictions, and the result
has it too. Shapes that do not fit, and values that a loss does not admit, raise ValueError; what does not
hold numbers raises TypeError.

Conventions, those of Keras 3 where libraries differ:

- Probabilities are clipped to [1e-7, 1 - 1e-7], so no loss exceeds 16.12, and where they are clipped the
  gradient is 0. (Those of float16 are clipped in float32.) PyTorch bounds the logarithm at -100.
- Categorical probabilities are first divided by their sum. PyTorch's ``nll_loss`` takes logarithms as is.
- Label smoothing mixes in 1/K for *every* class, the gold one too, and 1/2 for binary labels.
- At a kink the gradient is 0: for the absolute error at 0, for the hinge loss where the margin is just 1.
- What has the weight 0 does not take part, whatever its value: a gold probability of 0 at a logit of -∞,
  which masks a class, or an example of weight 0 with an infinite loss. (PyTorch and Keras return NaN.)

References: lecture slides "Loss and Metric", "Losses", "Derivative of MSE Loss" and those after it.
"""

from npfl.losses.base import Loss, Reduction
from npfl.losses.binary import BinaryCrossentropy, binary_crossentropy
from npfl.losses.categorical import CategoricalCrossentropy, categorical_crossentropy, smooth_labels
from npfl.losses.divergence import KLDivergence, kl_divergence
from npfl.losses.margin import Hinge, hinge
from npfl.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    huber,
    mean_absolute_error,
    mean_squared_error,
)
from npfl.losses.sparse import SparseCategoricalCrossentropy, sparse_categorical_crossentropy

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Hinge",
    "Huber",
    "KLDivergence",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Reduction",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "hinge",
    "huber",
    "kl_divergence",
    "mean_absolute_error",
    "mean_squared_error",
    "smooth_labels",
    "sparse_categorical_crossentropy",
]
