r"""Deep fully connected networks in NumPy, and what to measure in them when they do not learn.

A :class:`DeepNetwork` is a stack of layers :math:`z_l = W_l a_{l-1} + b_l,\ a_l = f(z_l)`, with :math:`a_{-1} = x` and
no activation after the last layer, which gives logits. Samples are rows. Backpropagation carries the signal
:math:`\delta_l = \partial L / \partial z_l` from layer to layer,

.. math:: \delta_{l-1} = f'(z_{l-1}) \odot W_l^\top \delta_l, \qquad \partial L / \partial W_l = \delta_l a_{l-1}^\top,

so its size is multiplied by :math:`W` and :math:`f'` at every layer, not by :math:`f'` alone. :func:`gradient_norms`,
:func:`jacobian_singular_values` and :meth:`DeepNetwork.statistics` show what becomes of it; :data:`INITIALISERS`, the
gain and the bias decide it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from course_lib.activations import ACTIVATIONS, Activation, sigmoid, sigmoid_derivative
from course_lib.losses import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_gradient,
    mean_squared_error,
    mean_squared_error_gradient,
)
from course_lib.optim import SGD, Adam

__all__ = [
    "INITIALISERS",
    "LOSSES",
    "DeepNetwork",
    "History",
    "LayerStatistics",
    "clip_by_norm",
    "gradient_norms",
    "jacobian_singular_values",
]

Array: TypeAlias = NDArray[Any]
Initialiser: TypeAlias = Callable[[np.random.Generator, int, int, float], NDArray[np.float64]]
Loss: TypeAlias = Callable[[Array, Array], tuple[float, Array]]

# A value counts as saturated where the slope is below this part of the activation's largest.
_SATURATED = 0.01

_HIDDEN = ACTIVATIONS | {
    "identity": Activation(
        lambda z: z, np.ones_like, (-math.inf, math.inf), True, "nowhere", "linear networks, to study depth by itself"
    )
}


@dataclass(frozen=True)
class LayerStatistics:
    """What one hidden layer does with a batch.

    Attributes
    ----------
    mean, std : float
        Of all its activations.
    signal : float
        What still depends on the input: the standard deviation of each unit over the samples, root mean square over
        the units. In a layer that has died it is near 0 even if `std` is not, since every unit says always the same.
    slope : float
        Root mean square of the activation's derivative: the factor by which the layer shrinks a gradient, apart from
        its weights.
    saturated : float
        Share of the activations, in [0, 1], at which the slope is less than 1% of the activation function's largest.
    """

    mean: float
    std: float
    signal: float
    slope: float
    saturated: float


@dataclass
class History:
    """How a fit went; each list has one item per complete epoch.

    Attributes
    ----------
    loss, accuracy : list of float
        Mean over the epoch's batches, each taken before the step that it led to.
    validation_loss, validation_accuracy : list of float
        After the epoch; empty without validation data.
    gradient_norms : list of array, shape (layers,)
        Norm of each layer's weight gradient before clipping, mean over the epoch's batches.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    gradient_norms: list[NDArray[np.float64]] = field(default_factory=list)


class DeepNetwork:
    r"""A fully connected network for classification: hidden layers with one activation, then logits.

    Parameters
    ----------
    widths : sequence of int
        Sizes from input to output, at least two: ``(64, 32, 10)`` has 64 inputs, one hidden layer and 10 logits.
    activation : str, default "sigmoid"
        Of the hidden layers: a name of `course_lib.activations.ACTIVATIONS`, or "identity" for a linear network.
    init : str, default "glorot-uniform"
        How weights are drawn: a name of `INITIALISERS`. "torch" draws biases too, as ``torch.nn.Linear`` does.
    gain : float, default 1.0
        Multiplies the weights of the hidden layers; those of the last layer stay as `init` draws them.
    bias : float or "centred", default 0.0
        Bias of every hidden unit (the logits' is 0), or "centred": :math:`b = -f(0) \sum_j w_j` in each layer whose
        input is an activation, so that a unit sees its inputs centred (for the sigmoid, :math:`-\frac12 \sum_j w_j`).
        What "torch" draws is added.
    dtype : dtype, default float64
        float32 or float64, of all that is computed. A seed gives the same weights in both, up to rounding.
    seed : int, numpy.random.Generator or None
        Of the weights.

    Attributes
    ----------
    parameters : dict of str to array
        The arrays themselves: ``weight_0`` of shape (widths[1], widths[0]), ``bias_0`` of shape (widths[1],),
        ``weight_1`` ... A layer computes ``x @ weight.T + bias``, as ``torch.nn.Linear`` does.
    pre_activations, activations : list of array, each of shape (N, width)
        Of the hidden layers, after `forward`.
    signals : list of array, each of shape (N, width)
        Derivatives of the loss by the pre-activations, and by the logits last, after `backward`.
    history : History or None
        Of the last `fit`, also of one that was broken off.

    Raises
    ------
    ValueError
        A width is below 1 or there are fewer than two, a name is unknown, or `gain` or `bias` is out of range.

    Examples
    --------
    Six sigmoid layers whose signal survives, and the same six with the usual weights:

    >>> x = np.random.default_rng(0).standard_normal((100, 64))
    >>> for gain, bias in ((4.0, "centred"), (1.0, 0.0)):
    ...     network = DeepNetwork((64, 64, 64, 64, 64, 64, 64, 10), gain=gain, bias=bias, seed=0)
    ...     logits = network.forward(x)
    ...     print(round(network.statistics()[-1].signal, 4))
    0.1483
    0.0001
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str = "sigmoid",
        init: str = "glorot-uniform",
        gain: float = 1.0,
        bias: float | str = 0.0,
        dtype: DTypeLike = np.float64,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self.widths = tuple(int(width) for width in widths)
        if len(self.widths) < 2 or min(self.widths) < 1 or self.widths != tuple(widths):
            raise ValueError(f"DeepNetwork: widths must be two or more whole numbers of at least 1, not {widths}")
        self._activation: Activation = _named("DeepNetwork", "activation", activation, _HIDDEN)
        draw = _named("DeepNetwork", "init", init, INITIALISERS)
        if not 0 <= gain < math.inf:
            raise ValueError(f"DeepNetwork: gain must be finite and at least 0, not {gain}")
        if bias != "centred" and (isinstance(bias, str) or not math.isfinite(bias)):
            raise ValueError(f'DeepNetwork: bias must be a finite number or "centred", not {bias!r}')
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"DeepNetwork: dtype must be float32 or float64, not {self.dtype}")
        self.activation = activation

        rng = np.random.default_rng(seed)
        at_zero = float(self._activation.function(np.zeros(1))[0])
        self.parameters: dict[str, Array] = {}
        for layer, (fan_in, fan_out) in enumerate(zip(self.widths, self.widths[1:], strict=False)):
            hidden = layer < self._last
            weight = draw(rng, fan_out, fan_in, gain if hidden else 1.0)
            offset = np.zeros(fan_out)
            if bias == "centred":
                offset -= at_zero * weight.sum(axis=1) if layer else 0.0
            elif hidden:
                offset += float(bias)
            if init == "torch":
                offset += rng.uniform(-1, 1, fan_out) / math.sqrt(fan_in)
            self.parameters[f"weight_{layer}"] = weight.astype(self.dtype, order="C")
            self.parameters[f"bias_{layer}"] = offset.astype(self.dtype)

        self._input: Array | None = None
        self._gradients: dict[str, Array] = {}
        self.pre_activations: list[Array] = []
        self.activations: list[Array] = []
        self.signals: list[Array] = []
        self.history: History | None = None

    @property
    def _last(self) -> int:
        return len(self.widths) - 2

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters, by name."""
        return {key: value.copy() for key, value in self.parameters.items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy parameters into the network's own arrays.

        Parameters
        ----------
        state : mapping of str to array_like
            One for each key of `parameters`, of its shape.

        Raises
        ------
        ValueError
            Keys or shapes differ. Nothing has been changed then.
        """
        if state.keys() != self.parameters.keys():
            raise ValueError(
                f"load_state_dict: the keys must be {', '.join(self.parameters)}; "
                f"missing {sorted(self.parameters.keys() - state.keys())}, "
                f"unknown {sorted(state.keys() - self.parameters.keys())}"
            )
        for key, value in self.parameters.items():
            if np.shape(state[key]) != value.shape:
                raise ValueError(f"load_state_dict: {key} has shape {np.shape(state[key])}, here it is {value.shape}")
        for key, value in self.parameters.items():
            value[...] = state[key]

    def gradients(self) -> dict[str, Array]:
        """Gradients of the last `backward`, with the keys of `parameters`.

        The arrays themselves, so `clip_by_norm` may scale them in place; the next `backward` makes new ones.

        Raises
        ------
        RuntimeError
            There has been no `backward`.
        """
        if not self._gradients:
            raise RuntimeError("gradients: call forward and backward first")
        return self._gradients

    def forward(self, x: ArrayLike) -> Array:
        """Logits of a batch; keeps what `backward` and `statistics` need.

        Parameters
        ----------
        x : array_like, shape (N, widths[0])
            One sample a row. N may be 0.

        Returns
        -------
        array, shape (N, widths[-1])

        Raises
        ------
        TypeError
            `x` does not hold real numbers.
        ValueError
            `x` has another shape.
        """
        self._input = self._batch("forward", x)
        self.pre_activations, self.activations, logits = self._propagate(self._input)
        return logits

    def backward(self, dlogits: ArrayLike) -> Array:
        """Backpropagate through the last `forward`; sets `gradients` and `signals`.

        Parameters
        ----------
        dlogits : array_like, shape (N, widths[-1])
            Derivatives of the loss by the logits.

        Returns
        -------
        array, shape (N, widths[0])
            Derivatives of the loss by the input.

        Raises
        ------
        RuntimeError
            There has been no `forward`.
        ValueError
            `dlogits` has another shape than the logits.
        """
        if self._input is None:
            raise RuntimeError("backward: call forward first")
        signal: Array = np.asarray(dlogits, self.dtype)
        if signal.shape != (len(self._input), self.widths[-1]):
            raise ValueError(
                f"backward: dlogits has shape {signal.shape}, the logits {(len(self._input), self.widths[-1])}"
            )
        inputs = [self._input, *self.activations]
        self.signals = [signal]
        gradients: dict[str, Array] = {}
        for layer in range(self._last, -1, -1):
            gradients[f"weight_{layer}"] = signal.T @ inputs[layer]
            gradients[f"bias_{layer}"] = signal.sum(axis=0)
            signal = signal @ self.parameters[f"weight_{layer}"]
            if layer:
                signal *= self._activation.derivative(self.pre_activations[layer - 1])
                self.signals.insert(0, signal)
        self._gradients = {key: gradients[key] for key in self.parameters}
        return signal

    def predict(self, x: ArrayLike) -> NDArray[np.intp]:
        """Most likely class of each sample.

        Parameters
        ----------
        x : array_like, shape (N, widths[0])
            One sample a row.

        Returns
        -------
        array of int, shape (N,)
            With one output, 1 where its logit is positive.
        """
        return _classes(self._propagate(self._batch("predict", x))[2])

    def statistics(self) -> list[LayerStatistics]:
        """Statistics of every hidden layer in the last `forward`.

        Raises
        ------
        RuntimeError
            There has been no `forward`.
        ValueError
            It was of no samples.

        Examples
        --------
        Weights ten times too large:

        >>> network = DeepNetwork((64, 64, 10), gain=10.0, seed=0)
        >>> logits = network.forward(np.random.default_rng(0).standard_normal((100, 64)))
        >>> round(network.statistics()[0].saturated, 2)
        0.53
        """
        if self._input is None:
            raise RuntimeError("statistics: call forward first")
        if not len(self._input):
            raise ValueError("statistics: the last forward had no samples")
        rows = []
        for z, a in zip(self.pre_activations, self.activations, strict=True):
            slopes = np.abs(self._activation.derivative(z), dtype=np.float64)
            rows.append(
                LayerStatistics(
                    mean=float(a.mean(dtype=np.float64)),
                    std=float(a.std(dtype=np.float64)),
                    signal=math.sqrt(a.var(axis=0, dtype=np.float64).mean()),
                    slope=math.sqrt((slopes**2).mean()),
                    saturated=float((slopes < _SATURATED * _largest_slope(self.activation)).mean()),
                )
            )
        return rows

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        optimiser: SGD | Adam,
        epochs: int,
        loss: str = "cross-entropy",
        batch_size: int = 64,
        seed: int | np.random.Generator | None = None,
        max_norm: float | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        progress: bool = True,
    ) -> History:
        """Train on minibatches, from the parameters as they are.

        An interrupt (KeyboardInterrupt) is passed on, so that a loop over several fits stops too. The network then is
        as the last step left it, its `history` has the complete epochs, and another `fit` with the same optimiser
        goes on from there.

        Parameters
        ----------
        x : array_like, shape (N, widths[0])
            One sample a row.
        y : array_like of int, shape (N,)
            Classes, counted from 0; 0 or 1 for a network with one output.
        optimiser : SGD or Adam
            One of its own for each network.
        epochs : int
            Passes over the data.
        loss : str, default "cross-entropy"
            A name of `LOSSES`.
        batch_size : int, default 64
            Samples a step. What is left at the end of an epoch makes a smaller batch.
        seed : int, numpy.random.Generator or None
            Of the order of the samples, which is drawn anew for each epoch.
        max_norm : float, optional
            Gradients are clipped to this joint norm.
        validation : tuple of x and y, optional
            Data to evaluate on after each epoch.
        progress : bool, default True
            Whether to show how far it is, on standard error.

        Returns
        -------
        History
            Also kept as the attribute `history`.

        Raises
        ------
        FloatingPointError
            The loss or a gradient is no longer finite. The parameters are those before that step, and `history` has
            the complete epochs.
        TypeError, ValueError
            An argument does not fit; the message says which.
        """
        evaluate = _named("fit", "loss", loss, LOSSES)
        data = self._finite_batch("x", x)
        labels = _labels("fit: y", y, len(data), self.widths[-1])
        if not len(data):
            raise ValueError("fit: x has no samples")
        if epochs < 1 or batch_size < 1:
            raise ValueError(f"fit: epochs and batch_size must be at least 1, not {epochs} and {batch_size}")
        if max_norm is not None:
            _check_max_norm("fit", max_norm)
        if validation is not None:
            held_out = self._finite_batch("validation's x", validation[0])
            held_out_labels = _labels("fit: validation's y", validation[1], len(held_out), self.widths[-1])
        rng = np.random.default_rng(seed)
        history = self.history = History()
        with _progress(progress, epochs) as show:
            for epoch in range(1, epochs + 1):
                batches = np.split(rng.permutation(len(data)), range(batch_size, len(data), batch_size))
                with np.errstate(all="ignore"):  # what overflows ends as a loss or norm that is not finite
                    mean_loss, accuracy, norms = self._train(
                        epoch, data, labels, batches, evaluate, optimiser, max_norm
                    )
                    if validation is not None:
                        logits = self._propagate(held_out)[2]
                        history.validation_loss.append(evaluate(logits, held_out_labels)[0])
                        history.validation_accuracy.append(float(np.mean(_classes(logits) == held_out_labels)))
                history.loss.append(mean_loss)
                history.accuracy.append(accuracy)
                history.gradient_norms.append(norms)
                show(history)
        return history

    def _train(
        self,
        epoch: int,
        data: Array,
        labels: NDArray[np.intp],
        batches: list[Array],
        evaluate: Loss,
        optimiser: SGD | Adam,
        max_norm: float | None,
    ) -> tuple[float, float, NDArray[np.float64]]:
        """Make one step per batch; return mean loss, accuracy and mean gradient norms on the way."""
        total = hits = 0.0
        norms = np.zeros(self._last + 1)
        for step, rows in enumerate(batches, 1):
            logits = self.forward(data[rows])
            loss, dlogits = evaluate(logits, labels[rows])
            self.backward(dlogits)
            norms_now = gradient_norms(self)
            if not (math.isfinite(loss) and np.isfinite(norms_now).all()):
                raise FloatingPointError(
                    f"fit: training has diverged: in step {step} of epoch {epoch} the loss is "
                    f"{loss:g} and the largest norm of a weight gradient {norms_now.max():g}; try a learning rate "
                    f"below {optimiser.learning_rate:g}, max_norm, or a smaller gain"
                )
            if max_norm is not None:
                clip_by_norm(self._gradients, max_norm)
            optimiser.step(self.parameters, self._gradients)
            total += loss * len(rows)
            hits += np.count_nonzero(_classes(logits) == labels[rows])
            norms += norms_now
        return total / len(data), hits / len(data), norms / len(batches)

    def _batch(self, caller: str, x: ArrayLike) -> Array:
        array = np.asarray(x)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{caller}: x must hold real numbers, not {array.dtype}")
        if array.ndim != 2 or array.shape[1] != self.widths[0]:
            raise ValueError(f"{caller}: x must have shape (N, {self.widths[0]}), one sample a row, not {array.shape}")
        return array.astype(self.dtype, copy=False)

    def _finite_batch(self, what: str, x: ArrayLike) -> Array:
        data = self._batch("fit", x)
        if not np.isfinite(data).all():
            raise ValueError(f"fit: {what} has {np.count_nonzero(~np.isfinite(data))} values that are nan or infinite")
        return data

    def _propagate(self, x: Array) -> tuple[list[Array], list[Array], Array]:
        """Return pre-activations and activations of the hidden layers, and the logits."""
        pre_activations: list[Array] = []
        activations: list[Array] = []
        for layer in range(self._last + 1):
            z = x @ self.parameters[f"weight_{layer}"].T
            z += self.parameters[f"bias_{layer}"]
            if layer < self._last:
                x = self._activation.function(z)
                pre_activations.append(z)
                activations.append(x)
        return pre_activations, activations, z


def gradient_norms(network: DeepNetwork, of: str = "weights") -> NDArray[np.float64]:
    r"""Size of the gradient in each layer of a network, after its last `backward`.

    Parameters
    ----------
    network : DeepNetwork
        On which `backward` has been called.
    of : {"weights", "signals"}
        Whether to measure :math:`\partial L/\partial W_l`, which the steps are made of, or the back-propagated signal
        :math:`\partial L/\partial z_l` of the whole batch, which says what depth does by itself: the weight gradient
        is that times the layer's input, and inputs differ in size.

    Returns
    -------
    array, shape (layers,)
        Frobenius norms from the first layer to the last, computed so that neither overflow nor underflow of the
        squares spoils them.

    Raises
    ------
    RuntimeError
        There has been no `backward`.
    ValueError
        `of` is neither.

    Notes
    -----
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
    show that both kinds behave differently: with U(-1/sqrt(n), 1/sqrt(n)) the signal shrinks on its way back while
    the weight gradients stay about equal (figures 7 and 8), because the activations shrink on their way forward.
    With five hidden tanh layers of 1000 and standard normal input, the signal of one hidden layer is 0.537 times that
    of the next with their "standard" weights, and 0.801 times with the "normalised" ones ("glorot-uniform" here). In
    sigmoid networks of equal widths with the latter it is 0.234, and 0.626 at gain 4; with tanh at gain 4 it is 1.53.

    Examples
    --------
    Ten hidden sigmoid layers. By the time it reaches the first, the signal is a millionth of what it was in the tenth:

    >>> rng = np.random.default_rng(0)
    >>> network = DeepNetwork((64,) * 11 + (10,), seed=0)
    >>> dx = network.backward(rng.standard_normal(network.forward(rng.standard_normal((64, 64))).shape))
    >>> signal = gradient_norms(network, "signals")
    >>> bool(1e-6 < signal[0] / signal[9] < 4e-6)
    True
    """
    if of not in ("weights", "signals"):
        raise ValueError(f'gradient_norms: of must be "weights" or "signals", not {of!r}')
    gradients = network.gradients()
    arrays = network.signals if of == "signals" else [gradients[f"weight_{i}"] for i in range(len(network.signals))]
    return np.array([_norm([array]) for array in arrays])


def jacobian_singular_values(network: DeepNetwork, x: ArrayLike, layer: int) -> NDArray[np.float64]:
    r"""Singular values of the Jacobian from one layer's output to the next: by what factors it stretches a change.

    For a hidden layer it is :math:`\partial a_l / \partial a_{l-1} = \mathrm{diag}(f'(z_l)) W_l`, another matrix for
    every sample; for the last layer it is :math:`W_l`.

    Parameters
    ----------
    network : DeepNetwork
        Left as it is; what `backward` needs stays that of the last `forward`.
    x : array_like, shape (N, widths[0])
        Samples.
    layer : int
        From 0, whose input is `x`.

    Returns
    -------
    array, shape (N, min(widths[layer], widths[layer + 1]))
        In descending order for each sample; ``.mean()`` is the figure of Glorot and Bengio (AISTATS 2010, section
        4.2), who would like it near 1.

    Raises
    ------
    ValueError
        There is no such layer, or `x` has another shape.

    Examples
    --------
    >>> network = DeepNetwork((8, 8, 1), "identity", "orthogonal", gain=2.0, seed=0)
    >>> jacobian_singular_values(network, np.zeros((1, 8)), 0).round(12)
    array([[2., 2., 2., 2., 2., 2., 2., 2.]])
    """
    last = len(network.widths) - 2
    if layer not in range(last + 1):
        raise ValueError(f"jacobian_singular_values: layer must be a whole number from 0 to {last}, not {layer}")
    pre_activations, _, logits = network._propagate(network._batch("jacobian_singular_values", x))
    weight = network.parameters[f"weight_{layer}"].astype(np.float64)
    slopes = np.ones_like(logits) if layer == last else network._activation.derivative(pre_activations[layer])
    values = np.empty((len(slopes), min(weight.shape)))
    for sample, slope in enumerate(slopes):  # one at a time: N Jacobians at once would need N times the memory
        values[sample] = np.linalg.svd(slope[:, np.newaxis] * weight, compute_uv=False)
    return values


def clip_by_norm(gradients: Mapping[str, Array], max_norm: float) -> float:
    """Shorten gradients to a given joint norm, in place, keeping their direction.

    Parameters
    ----------
    gradients : mapping of str to array
        All are multiplied by one factor if their joint norm exceeds `max_norm`, and left alone otherwise.
    max_norm : float
        Above 0.

    Returns
    -------
    float
        The norm before clipping; infinite if it is beyond the largest float although every gradient is finite.

    Raises
    ------
    FloatingPointError
        A gradient is nan or infinite: it has no direction to keep. None has been changed.
    ValueError
        `max_norm` is not finite and above 0.

    Notes
    -----
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
    algorithm 1. ``torch.nn.utils.clip_grad_norm_`` adds 1e-6 to the norm that it divides by; here the norm comes out
    as `max_norm` to rounding.

    Examples
    --------
    >>> gradients = {"weight": np.array([[3.0, 0.0]]), "bias": np.array([4.0])}
    >>> clip_by_norm(gradients, 1.0)
    5.0
    >>> gradients["bias"]
    array([0.8])
    """
    _check_max_norm("clip_by_norm", max_norm)
    norm = _norm(gradients.values())
    if norm <= max_norm:
        return norm
    for key, gradient in gradients.items():
        if not np.isfinite(gradient).all():
            raise FloatingPointError(
                f"clip_by_norm: gradient {key!r} has {np.count_nonzero(~np.isfinite(gradient))} values that are nan or "
                "infinite, which no factor repairs; skip this step, or look for what overflows in the forward pass"
            )
    # In two steps, since a norm near the largest float makes their quotient a subnormal number.
    peak = max(float(np.abs(gradient).max(initial=0.0)) for gradient in gradients.values())
    for gradient in gradients.values():
        np.divide(gradient, peak, out=gradient)
    factor = max_norm / _norm(gradients.values())
    for gradient in gradients.values():
        np.multiply(gradient, factor, out=gradient)
    return norm


def _norm(arrays: Any) -> float:
    """Euclidean norm of all elements of all arrays; nan if one is nan."""
    arrays = list(arrays)
    square, smallest = 0.0, 0.0
    with np.errstate(all="ignore"):
        for array in arrays:
            square += float(np.vdot(array, array))
            limits = np.finfo(array.dtype)
            smallest = max(smallest, float(limits.tiny) / float(limits.eps) ** 2)
        if smallest < square < math.inf:
            return math.sqrt(square)
        # A square has overflowed, or underflow may have cost digits.
        peak = max((float(np.abs(array).max(initial=0.0)) for array in arrays), default=0.0)
        if peak == 0 or not math.isfinite(peak):
            return peak
        return peak * math.sqrt(sum(float(np.sum(np.square(array / peak, dtype=np.float64))) for array in arrays))


def _variance_scaling(
    distribution: str,
    scale: Callable[[int, int], float],
    rng: np.random.Generator,
    fan_out: int,
    fan_in: int,
    gain: float,
) -> NDArray[np.float64]:
    """Draw weights with mean 0 and the given variance, times the gain."""
    std = math.sqrt(scale(fan_in, fan_out))
    if distribution == "normal":
        return gain * std * rng.standard_normal((fan_out, fan_in))
    return gain * math.sqrt(3) * std * rng.uniform(-1, 1, (fan_out, fan_in))


def _orthogonal(rng: np.random.Generator, fan_out: int, fan_in: int, gain: float) -> NDArray[np.float64]:
    """Draw rows or columns, whichever are fewer, that are orthonormal, times the gain."""
    q, r = np.linalg.qr(rng.standard_normal((max(fan_out, fan_in), min(fan_out, fan_in))))
    # QR fixes the signs in its own way; with those of R's diagonal taken out, all rotations are equally likely
    # (F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the AMS 54, 2007).
    q *= np.sign(np.diagonal(r))
    return gain * (q if fan_out >= fan_in else q.T)


#: How weights are drawn: ``function(rng, fan_out, fan_in, gain)`` gives an array of shape (fan_out, fan_in). Variances
#: at gain 1 are those of LeCun 1998, "Efficient BackProp": 1 / fan_in; Glorot and Bengio 2010: 2 / (fan_in + fan_out);
#: He 2015, "Delving Deep into Rectifiers": 2 / fan_in; "orthogonal" is Saxe 2014, "Exact solutions to the nonlinear
#: dynamics of learning in deep linear neural networks"; "torch" is uniform in +-1 / sqrt(fan_in), whose variance is
#: 1 / (3 fan_in), and which Glorot and Bengio call the standard initialisation.
INITIALISERS: dict[str, Initialiser] = {
    "lecun-normal": partial(_variance_scaling, "normal", lambda fan_in, fan_out: 1 / fan_in),
    "lecun-uniform": partial(_variance_scaling, "uniform", lambda fan_in, fan_out: 1 / fan_in),
    "glorot-normal": partial(_variance_scaling, "normal", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "glorot-uniform": partial(_variance_scaling, "uniform", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "he-normal": partial(_variance_scaling, "normal", lambda fan_in, fan_out: 2 / fan_in),
    "he-uniform": partial(_variance_scaling, "uniform", lambda fan_in, fan_out: 2 / fan_in),
    "orthogonal": _orthogonal,
    "torch": partial(_variance_scaling, "uniform", lambda fan_in, fan_out: 1 / (3 * fan_in)),
}


def _cross_entropy(logits: Array, y: Array) -> tuple[float, Array]:
    """Mean cross-entropy, of the softmax or with one output of the sigmoid, and its gradient by the logits."""
    labels = _labels("cross-entropy: y", y, *logits.shape)
    if logits.shape[1] == 1:
        column = logits[:, 0]
        gradient = binary_cross_entropy_with_logits_gradient(column, labels)
        return float(binary_cross_entropy_with_logits(column, labels)), gradient[:, np.newaxis]
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    # The right class apart from the rest: its p - 1 would be 0 where the network is sure, -rest / total is not.
    right = powers[rows, labels]
    powers[rows, labels] = 0
    rest = powers.sum(axis=1)
    total = rest + right
    powers[rows, labels] = -rest
    powers /= total[:, np.newaxis] * len(labels)
    return float(np.mean(np.log(total) - shifted[rows, labels])), powers


def _squared_error(logits: Array, y: Array) -> tuple[float, Array]:
    """Mean of (sigmoid(logits) - target)^2, where the target is 1 for the right class, and its gradient."""
    labels = _labels("squared-error: y", y, *logits.shape)
    target = np.zeros_like(logits)
    if logits.shape[1] == 1:
        target[:, 0] = labels
    else:
        target[np.arange(len(labels)), labels] = 1
    p = sigmoid(logits)
    return float(mean_squared_error(p, target)), mean_squared_error_gradient(p, target) * sigmoid_derivative(logits)


#: ``function(logits, y)`` gives the mean loss and its gradient by the logits. Logits (N, outputs), y (N,) classes. With
#: one output, y is 0 or 1 and the logit that of class 1. "squared-error" is taken on the sigmoid of the logits, so its
#: gradient has the factor sigma' and vanishes where a sigmoid saturates on the wrong side.
LOSSES: dict[str, Loss] = {"cross-entropy": _cross_entropy, "squared-error": _squared_error}


def _classes(logits: Array) -> NDArray[np.intp]:
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.intp)
    classes: NDArray[np.intp] = logits.argmax(axis=1)
    return classes


def _labels(what: str, y: ArrayLike, samples: int, outputs: int) -> NDArray[np.intp]:
    labels = np.asarray(y)
    if labels.shape != (samples,):
        raise ValueError(f"{what} has shape {labels.shape}; for {samples} samples it must be ({samples},)")
    if not samples:
        raise ValueError(f"{what} has no samples, and the mean over nothing is undefined")
    if labels.dtype.kind not in "biu":
        raise TypeError(f"{what} must hold classes as integers, not {labels.dtype}; convert with y.astype(int)")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= max(outputs, 2):
        raise ValueError(f"{what} must be from 0 to {max(outputs, 2) - 1}, found {low if low < 0 else high}")
    return labels.astype(np.intp, copy=False)


def _named(caller: str, what: str, name: str, choices: Mapping[str, Any]) -> Any:
    if name not in choices:
        raise ValueError(f"{caller}: there is no {what} {name!r}; choose one of {', '.join(choices)}")
    return choices[name]


def _check_max_norm(caller: str, max_norm: float) -> None:
    if not 0 < max_norm < math.inf:
        raise ValueError(f"{caller}: max_norm must be finite and above 0, not {max_norm}")


@contextmanager
def _progress(shown: bool, epochs: int) -> Iterator[Callable[[History], None]]:
    """Show a bar on standard error; yields what to call after each epoch."""
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task("", total=epochs)

        def advance(history: History) -> None:
            text = f"loss {history.loss[-1]:.4f}, accuracy {history.accuracy[-1]:.1%}"
            if history.validation_accuracy:
                text += f", validation {history.validation_loss[-1]:.4f}, {history.validation_accuracy[-1]:.1%}"
            bar.update(task, advance=1, description=text)

        yield advance


@cache
def _largest_slope(activation: str) -> float:
    """Largest slope of the activation, to a millionth: all of them have it, or come that close, within 20 of 0."""
    return float(np.abs(_HIDDEN[activation].derivative(np.linspace(-20, 20, 40_001))).max())
