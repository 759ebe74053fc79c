r"""Models of several layers, and the loop that trains them.

Models return logits or plain numbers: softmax and sigmoid belong to the loss (``from_logits=True``), where
their derivative cancels. All parameters of a model are views of one vector, so that the optimizer changes
them in a few long operations rather than in many short ones.

References: lecture slides "Putting It All Together" and "Regularization – Early Stopping".
"""

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npfl._checks import (
    as_array,
    as_float,
    as_sequence,
    count,
    flag,
    fraction,
    function,
    generator,
    instance,
    integer,
    one_of,
    real,
    show,
    text,
)
from npfl._objects import Arrays, Gradients, Independent, fill, held, setting
from npfl.initializers import glorot_uniform
from npfl.layers import Activation, Dense, Dropout, Layer
from npfl.layers.activation import element_wise
from npfl.losses import Loss
from npfl.optimizers import Optimizer
from npfl.regularizers import L1, L2


class Sequential(Independent):
    r"""Apply layers one after another, :math:`f = f_n \circ \dots \circ f_1`.

    The layers become part of this model: their arrays are replaced by views of `vector` and
    `gradient_vector`. So a layer can stand in one place of one model only; another one, or a copy of it,
    serves elsewhere. A model is no layer: to put two together, write ``Sequential([*first.layers, ...])``
    when the first is no longer used.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, the first one first; some must have parameters, all of one dtype.

    Attributes
    ----------
    vector, gradient_vector : ndarray, shape (number of parameters,)
        All parameters, and the derivatives of the loss with respect to them.
    parameters, gradients : list of ndarray
        The same numbers as arrays of the layers: views of the vectors. To set any of these four, or an array
        of a list, copies the numbers in.

    Raises
    ------
    TypeError
        If something in `layers` is no layer.
    ValueError
        If a layer is there twice or belongs to another model, or there are no parameters of one dtype.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> model = Sequential([Dense(2, 3, rng), Activation("tanh"), Dense(3, 1, rng)])
    >>> model([[0.0, 0.0]])
    array([[0.]])
    >>> model.vector.size  # 2 · 3 + 3 + 3 · 1 + 1
    13
    """

    vector: NDArray = held("vector", np.asarray)
    gradient_vector: NDArray = held("gradient_vector", np.asarray)
    parameters: list[NDArray] = held("parameters", Arrays)
    gradients: list[NDArray] = held("gradients", Gradients)

    def __init__(self, layers: Sequence[Layer]) -> None:
        layers = as_sequence("layers", layers, "layers")
        for i, layer in enumerate(layers):
            if isinstance(layer, Sequential):
                raise TypeError(f"layers[{i}] must be a layer, got a Sequential: write *inner.layers instead")
            example = f"Activation({layer!r})" if isinstance(layer, str) else 'Activation("relu")'
            instance(f"layers[{i}]", layer, Layer, example)
            if any(layer is other for other in layers[:i]):
                first = next(j for j, other in enumerate(layers) if other is layer)
                raise ValueError(f"layers[{i}] must be a layer of its own, got layers[{first}] again")
            if layer._is_held():
                raise ValueError(
                    f"layers[{i}] must not belong to another model, got {type(layer).__name__} of one: "
                    "make a new layer, or copy.deepcopy that one"
                )
        self._take(tuple(layers))

    def _is_held(self) -> bool:
        return True

    def _take(self, layers: tuple[Layer, ...]) -> None:
        """Make the arrays of the layers views of two vectors."""
        arrays = [parameter for layer in layers for parameter in layer.parameters]
        if len({array.dtype for array in arrays}) != 1:
            raise ValueError(
                f"layers must have parameters of one dtype, got {[a.dtype.name for a in arrays]}"
            )
        self._layers = layers
        self.vector = np.concatenate([array.ravel() for array in arrays])
        self.gradient_vector = np.zeros_like(self.vector)
        parts = np.cumsum([array.size for array in arrays])[:-1]
        self.parameters, self.gradients = (
            [part.reshape(array.shape) for part, array in zip(np.split(vector, parts), arrays, strict=True)]
            for vector in (self.vector, self.gradient_vector)
        )
        start = 0
        for layer in layers:
            own = slice(start, start + len(layer.parameters))
            layer.parameters, layer.gradients = self.parameters[own], self.gradients[own]
            layer._model = weakref.ref(self)
            start = own.stop

    def __getstate__(self) -> dict[str, Any]:
        # A copy or pickle leaves out the views, which NumPy would not keep; new ones are made of the layers.
        views = ("_vector", "_gradient_vector", "_parameters", "_gradients")
        return {name: value for name, value in self.__dict__.items() if name not in views}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._take(self._layers)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, which stay the same ones."""
        return self._layers

    def __call__(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the outputs of the last layer for inputs x, shape (..., features)."""
        return self.forward(x, training)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray:
        """Return the outputs of the last layer for inputs x, shape (..., features)."""
        y = as_float("x", x)
        flag("training", training)
        states = [array for layer in self._layers for array in layer.state]
        before = [array.copy() for array in states]
        try:
            for layer in self._layers:
                y = layer.forward(y, training)
        except Exception:
            fill("state", states, before)
            if layer is not self._layers[0]:
                # The layers before this one have moved on: there is no pass to go back through.
                for each in self._layers:
                    each._output_shape = None
            raise
        return y

    def backward(self, dy: ArrayLike) -> NDArray:
        """Set `gradients` and return the derivative with respect to x, given that for the last outputs."""
        dx = as_float("dy", dy)
        for layer in reversed(self._layers):
            dx = layer.backward(dx)
        return dx

    def _set_gradients(self, dy: NDArray) -> None:
        """Do what training needs of `backward`: nobody uses the derivative with respect to x there."""
        for layer in self._layers[:0:-1]:
            dy = layer.backward(dy)
        self._layers[0]._set_gradients(dy)

    def get_weights(self) -> list[NDArray]:
        """Return copies of all parameters, and of the state of the layers (such as moving averages)."""
        return [array.copy() for array in self._weights()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Copy what `get_weights` returned back in; raise ValueError if the shapes are not the same."""
        fill("weights", self._weights(), weights)

    def _weights(self) -> list[NDArray]:
        return self.parameters + [array for layer in self._layers for array in layer.state]


def mlp(
    sizes: Sequence[int],
    rng: Generator,
    activation: str = "relu",
    *,
    dropout: float = 0.0,
    initializer: Callable[..., NDArray] = glorot_uniform,
    dtype: DTypeLike = np.float64,
) -> Sequential:
    r"""Make a multilayer perceptron: dense layers with an activation between them.

    .. math:: \mathbf O = f(\mathbf X \mathbf W_1 + \mathbf b_1) \mathbf W_2 + \mathbf b_2

    Parameters
    ----------
    sizes : sequence of int
        The numbers of inputs, of units in each hidden layer, and of outputs, such as [D, H, O].
    rng : numpy.random.Generator
        The source of randomness for the weights and for dropout.
    activation : str
        The name of the activation function of the hidden layers.
    dropout : float
        The rate of dropout after each hidden layer; none at 0.
    initializer : callable
        A function of `npfl.initializers`.
    dtype : floating-point dtype
        The precision of the parameters.

    Returns
    -------
    Sequential
        The model; its outputs are logits.

    Examples
    --------
    >>> model = mlp([64, 128, 10], np.random.default_rng(1))
    >>> model.vector.size  # 64 · 128 + 128 + 128 · 10 + 10
    9610
    """
    sizes = as_sequence("sizes", sizes, "numbers such as [64, 128, 10]")
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold at least the numbers of inputs and outputs, got {sizes}")
    sizes = [count(f"sizes[{i}]", size) for i, size in enumerate(sizes)]
    generator("rng", rng)
    element_wise("activation", activation)
    dropout = fraction("dropout", dropout)
    layers: list[Layer] = []
    *hidden, last = pairwise(sizes)
    for fan_in, fan_out in hidden:
        layers += [Dense(fan_in, fan_out, rng, initializer=initializer, dtype=dtype), Activation(activation)]
        if dropout:
            layers.append(Dropout(dropout, rng))
    layers.append(Dense(*last, rng, initializer=initializer, dtype=dtype))
    return Sequential(layers)


_FALLING = {"loss", "error", "crossentropy", "divergence"}
_RISING = {"accuracy", "acc", "auc", "bleu", "f1", "precision", "recall", "score"}


@dataclass(eq=False)
class EarlyStopping(Independent):
    """Stop training when a measure no longer improves, and go back to the best weights.

    Parameters
    ----------
    monitor : str
        The name of the measure in the history of `fit`.
    patience : int
        After so many epochs in a row without a new best value training stops, positive.
    mode : "min", "max" or None
        Whether a small value is good or a large one. With None the name tells: what has the word "loss",
        "error", "crossentropy" or "divergence" falls, what has "accuracy", "score" or "bleu" rises.

    Attributes
    ----------
    best_epoch : int
        The epoch of the best value, from 0; None before the first.

    Raises
    ------
    ValueError
        If `patience` is not positive, or the name does not tell the mode.

    Examples
    --------
    >>> model, stopping = mlp([1, 1], np.random.default_rng(1)), EarlyStopping(patience=2)
    >>> [stopping.should_stop(epoch, value, model) for epoch, value in enumerate([0.5, 0.4, 0.6, 0.5])]
    [False, False, False, True]
    >>> stopping.best_epoch
    1
    """

    monitor: str = setting(text, "validation_loss")
    _: KW_ONLY
    patience: int = setting(count, 10)
    mode: Literal["min", "max"] | None = setting(one_of("min", "max", None), None)

    def __post_init__(self) -> None:
        self._rises()
        self.reset()

    def _rises(self) -> bool:
        """Return whether a large value is good."""
        words = set(self.monitor.lower().replace("_", " ").split())
        if self.mode is not None or words & (_FALLING | _RISING):
            return self.mode == "max" or (self.mode is None and not words & _FALLING)
        raise ValueError(
            f"mode must be 'min' or 'max' for a monitor whose name does not tell, got {self.monitor!r}"
        )

    def reset(self) -> None:
        """Forget everything, as `fit` does before the first epoch."""
        self.best_epoch: int | None = None
        self.best_value = math.nan
        self.best_weights: list[NDArray] | None = None

    def should_stop(self, epoch: int, value: float, model: Sequential) -> bool:
        """Note the value of an epoch (NaN is worst), and the best weights; tell whether to stop."""
        epoch, value = integer("epoch", epoch), real("value", value)
        instance("model", model, Sequential, "mlp([64, 128, 10], rng)")
        better = value > self.best_value if self._rises() else value < self.best_value
        if self.best_epoch is None or better or (math.isnan(self.best_value) and not math.isnan(value)):
            self.best_epoch, self.best_value, self.best_weights = epoch, value, model.get_weights()
        return epoch - self.best_epoch >= self.patience

    def restore(self, model: Sequential) -> None:
        """Give the model the best weights."""
        instance("model", model, Sequential, "mlp([64, 128, 10], rng)")
        if self.best_weights is None:
            raise RuntimeError("restore needs an epoch before it: should_stop notes the best weights")
        model.set_weights(self.best_weights)


def fit(
    model: Sequential,
    x: ArrayLike,
    y: ArrayLike,
    loss: Loss,
    optimizer: Optimizer,
    rng: Generator,
    epochs: int,
    *,
    batch_size: int = 32,
    kernel_regularizer: L1 | L2 | None = None,
    monitor: Mapping[str, Callable[[Sequential], float]] | None = None,
    early_stopping: EarlyStopping | None = None,
) -> dict[str, list[float]]:
    r"""Train a model by one step of the optimizer for each batch of shuffled examples.

    Only gradients are computed in training; what is to be seen of its progress is asked for in `monitor`.

    Parameters
    ----------
    model : Sequential
        The model, which is changed.
    x : array_like, shape (N, ...)
        The inputs of the N examples.
    y : array_like, shape (N, ...)
        The gold outputs, as the loss takes them.
    loss : Loss
        The loss to minimize; for a model that returns logits one with ``from_logits=True``.
    optimizer : Optimizer
        The optimizer, a new one for every model.
    rng : numpy.random.Generator
        The source of randomness for the order of the examples, a new one in every epoch.
    epochs : int
        How often every example is used, at least once.
    batch_size : int
        The number of examples of a batch, positive. The last batch of an epoch may be smaller.
    kernel_regularizer : L1 or L2, optional
        A penalty on the kernels, which are the parameters of two or more axes; not on biases.
    monitor : mapping from names to functions, optional
        Each function takes the model after every epoch and returns a number for the history.
    early_stopping : EarlyStopping, optional
        It may end the training, and the model ends with its best weights in any case.

    Returns
    -------
    dict
        The history: for each name of `monitor` the numbers, one an epoch.

    Raises
    ------
    ValueError
        If there are no examples, `x` and `y` differ in number, a number is out of range, or `early_stopping`
        needs a measure that `monitor` does not have.

    Examples
    --------
    >>> from npfl.losses import MeanSquaredError
    >>> from npfl.optimizers import SGD
    >>> rng, mse = np.random.default_rng(1), MeanSquaredError()
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> model = mlp([1, 1], rng)
    >>> history = fit(model, x, 2 * x + 1, mse, SGD(0.1), rng, epochs=50, batch_size=5,
    ...               monitor={"loss": lambda model: mse(2 * x + 1, model.forward(x))})
    >>> len(history["loss"]), history["loss"][-1] < 1e-6
    (50, True)
    >>> [parameter.round(2) for parameter in model.parameters]
    [array([[2.]]), array([1.])]
    """
    instance("model", model, Sequential, "mlp([64, 128, 10], rng)")
    x, y = as_float("x", x), as_array("y", y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"x and y must hold the same number of examples, at least 1, got shapes {x.shape} and {y.shape}"
        )
    instance("loss", loss, Loss, "MeanSquaredError()")
    instance("optimizer", optimizer, Optimizer, "SGD(learning_rate=0.1)")
    generator("rng", rng)
    epochs, batch_size = count("epochs", epochs), count("batch_size", batch_size)
    if kernel_regularizer is not None:
        instance("kernel_regularizer", kernel_regularizer, (L1, L2), "L2(0.01)")
    measures = _measures(monitor)
    if early_stopping is not None:
        instance("early_stopping", early_stopping, EarlyStopping, "EarlyStopping(patience=10)")
        if early_stopping.monitor not in measures:
            raise ValueError(
                f"monitor must hold {early_stopping.monitor!r} for early_stopping, got {list(measures)}"
            )

    # Clipping by the norm of each array needs to tell them apart; all else may see them as one long vector.
    parameters, gradients = [model.vector], [model.gradient_vector]
    if optimizer.clipnorm is not None:
        parameters, gradients = model.parameters, model.gradients
    # What a batch would be refused for is refused before the first one has changed anything.
    outputs = model.forward(x[:1])
    loss.call(y, np.broadcast_to(outputs, (len(y), *outputs.shape[1:])))
    optimizer._check_settings()
    optimizer._regroup(parameters)
    optimizer._checked(parameters)
    if early_stopping is not None:
        early_stopping.reset()
    history: dict[str, list[float]] = {name: [] for name in measures}
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            outputs = model.forward(x.take(batch, axis=0), training=True)
            model._set_gradients(loss.gradient(y.take(batch, axis=0), outputs))
            if kernel_regularizer is not None:
                for parameter, gradient in zip(model.parameters, model.gradients, strict=True):
                    if parameter.ndim >= 2:
                        gradient += kernel_regularizer.gradient(parameter)
            optimizer.update(parameters, gradients)
        for name, measure in measures.items():
            history[name].append(real(f"monitor[{name!r}] of the model", measure(model)))
        if early_stopping is not None and early_stopping.should_stop(
            epoch, history[early_stopping.monitor][-1], model
        ):
            break
    if early_stopping is not None:
        early_stopping.restore(model)
    return history


def _measures(monitor: Any) -> Mapping[str, Callable[[Sequential], float]]:
    if monitor is not None and not isinstance(monitor, Mapping):
        raise TypeError(f"monitor must be a dict from names to functions, got {show(monitor)}")
    return {text("monitor's names", n): function(f"monitor[{n!r}]", f) for n, f in (monitor or {}).items()}
