r"""Layers with a forward and a backward pass.

``forward(x, training=False)``, or the layer called like a function, computes the outputs and keeps what
``backward(dy)`` needs: do not change x in between. ``backward`` takes the derivative of the loss with
respect to the last outputs, writes those with respect to the layer's own parameters into ``gradients``
(replacing what was there) and returns that with respect to the inputs. It never builds a Jacobian: that of a
dense layer has the shape (B, fan_out, B, fan_in), and nearly all of it is 0.

Examples are rows: inputs have the shape (..., D), with the D features on the last axis. A layer with
parameters computes in their dtype and converts its inputs to it, as Keras does; others keep that of inputs.
A layer keeps what *its* last inputs need, so it can stand in one place of one model only.

References: lecture slide "Putting It All Together".
"""

from npfl.layers.activation import Activation, PReLU
from npfl.layers.base import Layer
from npfl.layers.dense import Dense
from npfl.layers.dropout import Dropout
from npfl.layers.normalization import BatchNormalization, LayerNormalization
from npfl.layers.weight_standardization import WeightStandardizedDense, standardize_weights

__all__ = [
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNormalization",
    "PReLU",
    "WeightStandardizedDense",
    "standardize_weights",
]
