r"""Recurrent layers with gates: LSTM and GRU, forward and backward through time.

Twice each. :class:`LSTMCell` and :class:`GRUCell` take one step, an equation a line, and are there to be read.
:class:`LSTM` and :class:`GRU` take whole batches of sequences and are there to be used. All of them have the
parameters of `torch.nn.LSTM` and `torch.nn.GRU` with one layer and one direction: names, shapes, gate order (i, f, g, o
and r, z, n), both biases, and the initial distribution.

How the layers are fast. Everything is kept with the batch as the last axis, so that the part of a gate is one
contiguous block. Since :math:`\sigma(z) = \tfrac12 + \tfrac12 \tanh(z/2)`, one call of tanh serves all gates of the
LSTM, with the halves put into the weights beforehand. Inputs, a row of ones for the bias, and the hidden state lie
below one another, so that a step is one matrix product. Backwards, whatever does not depend on the step after is
computed for many steps at a time, and a weight's gradient is one product over all steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from course_lib._elementwise import BLOCK
from course_lib.activations import sigmoid, tanh

__all__ = ["GRU", "LSTM", "GRUCell", "LSTMCell", "sequence_mask"]

Array: TypeAlias = NDArray[Any]
State: TypeAlias = tuple[Array, Array]
Init: TypeAlias = Literal["default", "forget-bias", "chrono"]

INITS = ("default", "forget-bias", "chrono")


def sequence_mask(lengths: ArrayLike, steps: int) -> NDArray[np.bool_]:
    """Mask of a batch of sequences that start together and end at different steps.

    Parameters
    ----------
    lengths : array_like of int, shape (B,)
        Steps of each sequence, 0 to `steps`.
    steps : int
        Steps of the padded batch, T.

    Returns
    -------
    array of bool, shape (T, B)
        True where a sequence has a step.

    Raises
    ------
    TypeError
        `lengths` are not integers.
    ValueError
        `lengths` is not one-dimensional, or one of them is negative or above `steps`.

    Examples
    --------
    >>> sequence_mask([3, 1], steps=3).astype(int)
    array([[1, 1],
           [1, 0],
           [1, 0]])
    """
    counts = np.asarray(lengths)
    if counts.dtype.kind not in "iu" and counts.size:
        raise TypeError(f"lengths must be integers, one a sequence, not {counts.dtype}")
    if counts.ndim != 1:
        raise ValueError(f"lengths has shape {counts.shape}, expected (B,): one number a sequence")
    wrong = np.flatnonzero((counts < 0) | (counts > steps))
    if len(wrong):
        raise ValueError(f"lengths[{wrong[0]}] is {counts[wrong[0]]}, expected 0 to {steps}, the steps of the batch")
    return np.arange(steps)[:, np.newaxis] < counts


class _Gated:
    """Parameters of a gated layer, and the checks of what it is given."""

    GATES: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        dtype: DTypeLike = np.float64,
        init: Init = "default",
        seed: int | np.random.Generator | None = None,
        *,
        time_span: float | None = None,
    ) -> None:
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more, not {size!r}")
        self.input_size, self.hidden_size = int(input_size), int(hidden_size)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype must be float32 or float64, not {self.dtype}")
        if init not in INITS:
            raise ValueError(f"init must be one of {', '.join(map(repr, INITS))}, not {init!r}")
        if (init == "chrono") != (time_span is not None):
            raise ValueError('time_span, the longest dependency in steps, belongs to init="chrono", and only to it')
        if time_span is not None and not 2 < time_span < np.inf:
            raise ValueError(f"time_span must be above 2 steps and finite, not {time_span}")
        rows, bound = len(self.GATES) * self.hidden_size, 1 / np.sqrt(self.hidden_size)
        rng = np.random.default_rng(seed)
        shapes = {
            "weight_ih_l0": (rows, self.input_size),
            "weight_hh_l0": (rows, self.hidden_size),
            "bias_ih_l0": (rows,),
            "bias_hh_l0": (rows,),
        }
        #: The live arrays by name: change them in place, as an optimiser does.
        self.parameters: dict[str, Array] = {
            name: rng.uniform(-bound, bound, shape).astype(self.dtype) for name, shape in shapes.items()
        }
        if init == "forget-bias":
            self._start_gates_at(np.ones(self.hidden_size))
        elif time_span is not None:
            self._start_gates_at(np.log(rng.uniform(1, time_span - 1, self.hidden_size)), opposite=True)
        self._gradients: dict[str, Array] | None = None

    def _start_gates_at(self, bias: Array, *, opposite: bool = False) -> None:
        """Let the gate that keeps the state start at `bias`, and one that lets in what is new at its opposite."""
        starts = {"forget": bias, "update": bias} | ({"input": -bias} if opposite else {})
        for name, start in starts.items():
            if name in self.GATES:
                part = self._rows(name)
                self.parameters["bias_ih_l0"][part] = start
                self.parameters["bias_hh_l0"][part] = 0

    def _rows(self, gate: str) -> slice:
        first = self.GATES.index(gate) * self.hidden_size
        return slice(first, first + self.hidden_size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size}, dtype={self.dtype})"

    def state_dict(self) -> dict[str, Array]:
        """Return copies of the parameters by name.

        Returns
        -------
        dict of str to array
            ``weight_ih_l0`` (G H, I), ``weight_hh_l0`` (G H, H), ``bias_ih_l0`` and ``bias_hh_l0`` (G H,), where G is 4
            for the LSTM and 3 for the GRU.
        """
        return {name: array.copy() for name, array in self.parameters.items()}

    def load_state_dict(self, state_dict: Mapping[str, ArrayLike]) -> None:
        """Copy parameters in, all or none.

        Parameters
        ----------
        state_dict : mapping of str to array_like
            The four parameters, as :meth:`state_dict` or PyTorch's gives them. They are converted to the layer's dtype.

        Raises
        ------
        ValueError
            A name is missing or unknown, or a shape differs.
        TypeError
            An array is not of real numbers.
        """
        missing = [name for name in self.parameters if name not in state_dict]
        unknown = [name for name in state_dict if name not in self.parameters]
        if missing or unknown:
            raise ValueError(
                f"state_dict has the wrong names: missing {', '.join(missing) or 'none'}, unknown "
                f"{', '.join(unknown) or 'none'}. Expected {', '.join(self.parameters)}: one layer, one direction"
            )
        arrays = {name: np.asarray(state_dict[name]) for name in self.parameters}
        for name, array in arrays.items():
            expected = self.parameters[name].shape
            if array.shape != expected:
                raise ValueError(f"state_dict[{name!r}] has shape {array.shape}, expected {expected} for {self!r}")
            if array.dtype.kind not in "fiu":
                raise TypeError(f"state_dict[{name!r}] has dtype {array.dtype}, expected real numbers")
        for name, array in arrays.items():
            self.parameters[name][...] = array

    def gradients(self) -> dict[str, Array]:
        """Return the parameters' gradients from the last `backward`.

        Returns
        -------
        dict of str to array
            Keys and shapes of :meth:`state_dict`.

        Raises
        ------
        RuntimeError
            `backward` has not been called.
        """
        if self._gradients is None:
            raise RuntimeError("there are no gradients yet: call forward, then backward")
        return self._gradients

    def _set_gradients(self, ih: Array, hh: Array, bias_ih: Array, bias_hh: Array) -> None:
        self._gradients = dict(zip(self.parameters, (ih, hh, bias_ih, bias_hh), strict=True))

    def _array(self, name: str, value: ArrayLike, expected: tuple[int | str, ...]) -> Array:
        """Return `value` as an array of the layer's dtype; a letter in `expected` stands for any size."""
        array = np.asarray(value)
        sizes = tuple(e if isinstance(e, int) else s for e, s in zip(expected, array.shape, strict=False))
        if sizes != array.shape or len(expected) != array.ndim:
            wanted = ", ".join(map(str, expected))
            raise ValueError(f"{name} has shape {array.shape}, expected ({wanted}) for {self!r}")
        if not np.can_cast(array.dtype, self.dtype, "safe"):
            raise TypeError(
                f"{name} has dtype {array.dtype}, which does not fit into the {self.dtype} of {self!r}: convert it "
                f"with {name}.astype(np.{self.dtype}), or make the layer with another dtype"
            )
        return array.astype(self.dtype, copy=False)

    def _pair(self, name: str, value: Any, batch: int) -> State:
        """Return the LSTM's pair of hidden state and cell state, zeros for None."""
        if value is None:
            zeros = np.zeros((batch, self.hidden_size), self.dtype)
            return zeros, zeros.copy()
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise TypeError(f"{name} must be the pair (h, c), hidden state and cell state, not {type(value).__name__}")
        shape = (batch, self.hidden_size)
        return self._array(f"{name}[0]", value[0], shape), self._array(f"{name}[1]", value[1], shape)

    def _single(self, name: str, value: Any, batch: int) -> Array:
        """Return the GRU's hidden state, zeros for None."""
        if value is None:
            return np.zeros((batch, self.hidden_size), self.dtype)
        return self._array(name, value, (batch, self.hidden_size))


class LSTMCell(_Gated):
    r"""One step of long short-term memory, to be read.

    .. math::

        \begin{aligned}
        i &= \sigma(W_{ii} x + b_{ii} + W_{hi} h + b_{hi}) \\
        f &= \sigma(W_{if} x + b_{if} + W_{hf} h + b_{hf}) \\
        g &= \tanh(W_{ig} x + b_{ig} + W_{hg} h + b_{hg}) \\
        o &= \sigma(W_{io} x + b_{io} + W_{ho} h + b_{ho}) \\
        c' &= f \odot c + i \odot g \\
        h' &= o \odot \tanh(c')
        \end{aligned}

    The cell of S. Hochreiter and J. Schmidhuber ("Long short-term memory", Neural Computation 9, 1997) with the forget
    gate of F. Gers, J. Schmidhuber and F. Cummins ("Learning to forget", Neural Computation 12, 2000).

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers a step reads, I, and remembers, H.
    dtype : {float64, float32}
        What it computes in.
    init : {"default", "forget-bias", "chrono"}
        As in :class:`LSTM`.
    seed : int or numpy.random.Generator, optional
        Where the initial parameters are drawn from.
    time_span : float, optional
        As in :class:`LSTM`.

    Examples
    --------
    >>> cell = LSTMCell(3, 2, seed=0)
    >>> h, c = cell.forward(np.ones((5, 3)))
    >>> h.shape, c.shape
    ((5, 2), (5, 2))
    >>> dx, (dh, dc) = cell.backward((np.ones((5, 2)), np.zeros((5, 2))))
    >>> dx.shape, cell.gradients()["weight_hh_l0"].shape
    ((5, 3), (8, 2))
    """

    GATES = ("input", "forget", "candidate", "output")

    def forward(self, x: ArrayLike, state: State | None = None) -> State:
        """Take one step.

        Parameters
        ----------
        x : array_like, shape (B, I)
            Inputs.
        state : pair of array_like, shape (B, H), optional
            Hidden state h and cell state c; zeros by default.

        Returns
        -------
        tuple of array, shape (B, H)
            The new h and c. What the gates were is in `gates` afterwards.

        Raises
        ------
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        x = self._array("x", x, ("B", self.input_size))
        h, c = self._pair("state", state, len(x))
        W_ih, W_hh, b_ih, b_hh = self.parameters.values()

        z = x @ W_ih.T + b_ih + h @ W_hh.T + b_hh
        z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
        i = sigmoid(z_i)
        f = sigmoid(z_f)
        g = tanh(z_g)
        o = sigmoid(z_o)
        c_new = f * c + i * g
        h_new = o * tanh(c_new)

        self._step = (x, h, c, i, f, g, o, c_new)
        #: What each gate was in the last step, by name; shape (B, H).
        self.gates = {"input": i, "forget": f, "candidate": g, "output": o}
        return h_new, c_new

    def backward(self, dstate: State) -> tuple[Array, State]:
        """Send gradients back through the last step.

        Parameters
        ----------
        dstate : pair of array_like, shape (B, H)
            Gradients of the loss with respect to the new h and c.

        Returns
        -------
        dx : array, shape (B, I)
            Gradient with respect to the inputs.
        dstate : tuple of array, shape (B, H)
            Gradients with respect to the old h and c. Those of the parameters are in `gradients()`.

        Raises
        ------
        RuntimeError
            `forward` has not been called.
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        if not hasattr(self, "_step"):
            raise RuntimeError("backward goes back through the last step: call forward first")
        x, h, c, i, f, g, o, c_new = self._step
        dh_new, dc_new = self._pair("dstate", dstate, len(x))
        W_ih, W_hh, _, _ = self.parameters.values()

        do = dh_new * tanh(c_new)
        dc = dc_new + dh_new * o * (1 - tanh(c_new) ** 2)
        di = dc * g
        df = dc * c
        dg = dc * i
        dz = np.hstack([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)])

        self._set_gradients(dz.T @ x, dz.T @ h, dz.sum(axis=0), dz.sum(axis=0))
        return dz @ W_ih, (dz @ W_hh, dc * f)


class GRUCell(_Gated):
    r"""One step of a gated recurrent unit, to be read.

    .. math::

        \begin{aligned}
        r &= \sigma(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= \sigma(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= \tanh(W_{in} x + b_{in} + r \odot (W_{hn} h + b_{hn})) \\
        h' &= (1 - z) \odot n + z \odot h
        \end{aligned}

    These are PyTorch's and cuDNN's conventions. K. Cho et al. ("Learning phrase representations using RNN
    encoder-decoder for statistical machine translation", EMNLP 2014) reset before the product,
    :math:`W_{hn} (r \odot h)`; J. Chung et al. ("Empirical evaluation of gated recurrent neural networks on sequence
    modeling", 2014) let z be the share of the new.

    Parameters
    ----------
    input_size, hidden_size, dtype, init, seed, time_span
        As in :class:`GRU`.

    Examples
    --------
    >>> cell = GRUCell(3, 2, seed=0)
    >>> h = cell.forward(np.ones((5, 3)))
    >>> dx, dh = cell.backward(np.ones((5, 2)))
    >>> h.shape, dx.shape, dh.shape
    ((5, 2), (5, 3), (5, 2))
    """

    GATES = ("reset", "update", "candidate")

    def forward(self, x: ArrayLike, state: ArrayLike | None = None) -> Array:
        """Take one step.

        Parameters
        ----------
        x : array_like, shape (B, I)
            Inputs.
        state : array_like, shape (B, H), optional
            Hidden state; zeros by default.

        Returns
        -------
        array, shape (B, H)
            The new hidden state. What the gates were is in `gates` afterwards.

        Raises
        ------
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        x = self._array("x", x, ("B", self.input_size))
        h = self._single("state", state, len(x))
        W_ih, W_hh, b_ih, b_hh = self.parameters.values()

        x_r, x_z, x_n = np.split(x @ W_ih.T + b_ih, 3, axis=1)
        h_r, h_z, h_n = np.split(h @ W_hh.T + b_hh, 3, axis=1)
        r = sigmoid(x_r + h_r)
        z = sigmoid(x_z + h_z)
        n = tanh(x_n + r * h_n)
        h_new: Array = (1 - z) * n + z * h

        self._step = (x, h, r, z, n, h_n)
        #: What each gate was in the last step, by name; shape (B, H).
        self.gates = {"reset": r, "update": z, "candidate": n}
        return h_new

    def backward(self, dstate: ArrayLike) -> tuple[Array, Array]:
        """Send a gradient back through the last step.

        Parameters
        ----------
        dstate : array_like, shape (B, H)
            Gradient of the loss with respect to the new hidden state.

        Returns
        -------
        dx : array, shape (B, I)
            Gradient with respect to the inputs.
        dstate : array, shape (B, H)
            Gradient with respect to the old hidden state. Those of the parameters are in `gradients()`.

        Raises
        ------
        RuntimeError
            `forward` has not been called.
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        if not hasattr(self, "_step"):
            raise RuntimeError("backward goes back through the last step: call forward first")
        x, h, r, z, n, h_n = self._step
        dh_new = self._single("dstate", dstate, len(x))
        W_ih, W_hh, _, _ = self.parameters.values()

        dn = dh_new * (1 - z) * (1 - n**2)
        dz = dh_new * (h - n) * z * (1 - z)
        dr = dn * h_n * r * (1 - r)
        dx_parts = np.hstack([dr, dz, dn])
        dh_parts = np.hstack([dr, dz, dn * r])

        self._set_gradients(dx_parts.T @ x, dh_parts.T @ h, dx_parts.sum(axis=0), dh_parts.sum(axis=0))
        return dx_parts @ W_ih, dh_parts @ W_hh + dh_new * z


class _Sequence(_Gated):
    """What :class:`LSTM` and :class:`GRU` share: the batch's layout, and its mask."""

    _steps: tuple[int, int]  # T and B of the last batch
    _held: NDArray[np.bool_] | None  # where a sequence has no step; shape (T, B)

    def _lay_out(self, x: ArrayLike, mask: ArrayLike | None) -> Array:
        """Return the tape, shape (T + 1, I + 1 + H, B), with inputs and ones; the hidden states are to come."""
        x = self._array("x", x, ("T", "B", self.input_size))
        steps, batch, width = x.shape
        held = None
        if mask is not None:
            mask = np.asarray(mask)
            if mask.shape != (steps, batch):
                raise ValueError(f"mask has shape {mask.shape}, expected {(steps, batch)}, steps and sequences of x")
            if mask.dtype != np.bool_:
                raise TypeError(f"mask has dtype {mask.dtype}, expected bool: True where a sequence has a step")
            held = None if mask.all() else ~mask
        tape = np.empty((steps + 1, width + 1 + self.hidden_size, batch), self.dtype)
        tape[:steps, :width] = x.transpose(0, 2, 1)
        tape[:, width] = 1
        self._steps, self._held = (steps, batch), held
        return tape

    def _outputs(self, hidden: Array) -> Array:
        """Return the hidden states after each step as (T, B, H), 0 where a sequence has no step."""
        y = hidden[1:].transpose(0, 2, 1).copy()  # never a view, whatever the shape
        if self._held is not None:
            y[self._held] = 0
        return y

    def _output_gradients(self, dy: ArrayLike) -> Array:
        """Return the gradient of the outputs as (T, H, B), 0 where a sequence has no step."""
        if not hasattr(self, "_steps"):
            raise RuntimeError("backward goes back through the last batch: call forward first")
        dhidden = self._array("dy", dy, (*self._steps, self.hidden_size)).transpose(0, 2, 1).copy()
        if self._held is not None:
            np.copyto(dhidden, 0, where=self._held[:, np.newaxis])
        return dhidden

    def _stretches(self) -> list[slice]:
        """Cut time into stretches, last one first, whose gates (four numbers a unit) stay in the processor's cache."""
        steps, batch = self._steps
        length = max(1, BLOCK // max(1, 4 * self.hidden_size * batch))
        return [slice(first, min(first + length, steps)) for first in reversed(range(0, steps, length))]


class LSTM(_Sequence):
    r"""Long short-term memory over batches of sequences, with full backpropagation through time.

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers a step reads, I, and remembers, H.
    dtype : {float64, float32}
        What it computes in.
    init : {"default", "forget-bias", "chrono"}
        "default" draws everything from :math:`U(-1/\sqrt H, 1/\sqrt H)`, as PyTorch does. "forget-bias" then lets the
        forget gates start at a bias of 1 (R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of
        recurrent network architectures", ICML 2015). "chrono" draws it from :math:`\ln U(1, T - 1)` and gives the input
        gate the opposite, so that the units' memories cover T steps (C. Tallec and Y. Ollivier, "Can recurrent neural
        networks warp time?", ICLR 2018, equation 16). Both biases of a gate count together, so the second is set to 0.
    seed : int or numpy.random.Generator, optional
        Where the initial parameters are drawn from.
    time_span : float, optional
        T of "chrono", in steps.

    Attributes
    ----------
    parameters : dict of str to array
        The live arrays, for an optimiser to change in place.
    gates : dict of str to array, shape (T, B, H)
        After `forward`: "input", "forget", "candidate" and "output" as they were, and "cell", the state they made.
    initial_state_gradient : tuple of array, shape (B, H)
        After `backward`: gradients with respect to the initial h and c.

    Raises
    ------
    ValueError, TypeError
        A size, dtype, `init` or `time_span` makes no sense.

    Notes
    -----
    The formulas are those of :class:`LSTMCell`. The gates are computed as :math:`\tfrac12 + \tfrac12 \tanh(z/2)`, which
    is as good as the exact sigmoid, within 1e-16, for numbers that are multiplied with others of order 1 and added up.

    Examples
    --------
    >>> lstm = LSTM(2, 4, seed=0)
    >>> x = np.random.default_rng(0).normal(size=(7, 3, 2))
    >>> y, (h, c) = lstm.forward(x)
    >>> y.shape, bool((y[-1] == h).all())
    ((7, 3, 4), True)
    >>> dx = lstm.backward(np.ones_like(y))
    >>> dx.shape, lstm.gradients()["weight_ih_l0"].shape
    ((7, 3, 2), (16, 2))
    """

    GATES = ("input", "forget", "candidate", "output")

    def forward(self, x: ArrayLike, state: State | None = None, mask: ArrayLike | None = None) -> tuple[Array, State]:
        """Run over a batch of sequences.

        Parameters
        ----------
        x : array_like, shape (T, B, I)
            Inputs: steps, sequences, numbers a step.
        state : pair of array_like, shape (B, H), optional
            Initial hidden state h and cell state c; zeros by default.
        mask : array_like of bool, shape (T, B), optional
            Where a sequence has a step (:func:`sequence_mask` makes one from lengths). Elsewhere its state is held and
            its output is 0.

        Returns
        -------
        y : array, shape (T, B, H)
            The hidden state after each step.
        state : tuple of array, shape (B, H)
            h and c after the last step of each sequence.

        Raises
        ------
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        tape = self._lay_out(x, mask)
        (steps, batch), H, held = self._steps, self.hidden_size, self._held
        h, c = self._pair("state", state, batch)
        hidden = tape[:, self.input_size + 1 :]
        hidden[0] = h.T
        cell = np.empty((steps + 1, H, batch), self.dtype)
        cell[0] = c.T
        squashed = np.empty((steps, H, batch), self.dtype)  # tanh of the cell
        gates = np.empty((steps, 4, H, batch), self.dtype)
        new = np.empty((H, batch), self.dtype)
        weights = self._stacked_weights()
        weights[: 3 * H] *= 0.5  # the sigmoids of o, i and f are one half plus half the tanh of half the argument

        for t in range(steps):
            np.matmul(weights, tape[t], out=gates[t].reshape(4 * H, batch))
            np.tanh(gates[t], out=gates[t])
            gates[t, :3] *= 0.5
            gates[t, :3] += 0.5
            o, i, f, g = gates[t]
            np.multiply(f, cell[t], out=cell[t + 1])
            np.multiply(i, g, out=new)
            cell[t + 1] += new
            np.tanh(cell[t + 1], out=squashed[t])
            np.multiply(o, squashed[t], out=hidden[t + 1])
            if held is not None:
                np.copyto(cell[t + 1], cell[t], where=held[t])
                np.copyto(hidden[t + 1], hidden[t], where=held[t])

        self._tape, self._cell, self._squashed, self._gates = tape, cell, squashed, gates
        return self._outputs(hidden), (hidden[steps].T.copy(), cell[steps].T.copy())

    def backward(self, dy: ArrayLike, dstate: State | None = None) -> Array:
        """Send gradients back through the whole of the last batch.

        Parameters
        ----------
        dy : array_like, shape (T, B, H)
            Gradient of the loss with respect to the outputs.
        dstate : pair of array_like, shape (B, H), optional
            Gradients with respect to the final h and c; zeros by default.

        Returns
        -------
        array, shape (T, B, I)
            Gradient with respect to the inputs. Those of the parameters are in `gradients()`, those of the initial
            state in `initial_state_gradient`.

        Raises
        ------
        RuntimeError
            `forward` has not been called.
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        dhidden = self._output_gradients(dy)
        (steps, batch), H, held = self._steps, self.hidden_size, self._held
        dh, dc = (d.T.copy() for d in self._pair("dstate", dstate, batch))
        weights = np.ascontiguousarray(self._stacked_weights().T)
        dz = np.empty_like(self._gates)
        dtape = np.empty_like(self._tape[:-1])
        to_cell = np.empty_like(self._squashed)
        kept = self._gates[:, 2]
        if held is not None:
            kept = np.where(held[:, np.newaxis], self.dtype.type(1), kept)
        new = np.empty_like(dc)

        for stretch in self._stretches():
            self._slopes(stretch, dz[stretch], to_cell[stretch])
            for t in reversed(range(stretch.start, stretch.stop)):
                dh += dhidden[t]
                np.multiply(dh, to_cell[t], out=new)
                dc += new
                dz[t, 0] *= dh
                dz[t, 1:] *= dc
                dc *= kept[t]
                np.matmul(weights, dz[t].reshape(4 * H, batch), out=dtape[t])
                if held is not None:
                    np.copyto(dtape[t, self.input_size + 1 :], dh, where=held[t])
                dh = dtape[t, self.input_size + 1 :]

        self.initial_state_gradient = dh.T.copy(), dc.T.copy()
        stacked = np.tensordot(dz.reshape(steps, 4 * H, batch), self._tape[:-1], axes=((0, 2), (0, 2)))
        ih, bias, hh = np.split(_reorder(stacked, "oifg", "ifgo"), [self.input_size, self.input_size + 1], axis=1)
        self._set_gradients(ih.copy(), hh.copy(), bias[:, 0].copy(), bias[:, 0].copy())
        return np.ascontiguousarray(dtape[:, : self.input_size].transpose(0, 2, 1))

    def _stacked_weights(self) -> Array:
        """Return (W_ih, b, W_hh) side by side, rows in the order o, i, f, g.

        So the three sigmoids lie together, and so do the three gates that act on the cell.
        """
        W_ih, W_hh, b_ih, b_hh = self.parameters.values()
        return _reorder(np.column_stack([W_ih, b_ih + b_hh, W_hh]), "ifgo", "oifg")

    def _slopes(self, stretch: slice, slopes: Array, to_cell: Array) -> None:
        """Write what the gradients at each step have to be multiplied with.

        `slopes` leads to the arguments of o (from dh) and of i, f, g (from dc), `to_cell` from dh to dc.
        """
        o, i, _, g = self._gates[stretch].swapaxes(0, 1)
        sigmoids, squashed = self._gates[stretch, :3], self._squashed[stretch]
        np.multiply(sigmoids, sigmoids, out=slopes[:, :3])
        np.subtract(sigmoids, slopes[:, :3], out=slopes[:, :3])
        slopes[:, 0] *= squashed
        slopes[:, 1] *= g
        slopes[:, 2] *= self._cell[stretch]
        np.multiply(g, g, out=slopes[:, 3])
        np.subtract(1, slopes[:, 3], out=slopes[:, 3])
        slopes[:, 3] *= i
        np.multiply(squashed, squashed, out=to_cell)
        np.subtract(1, to_cell, out=to_cell)
        to_cell *= o
        if self._held is not None:
            held = self._held[stretch, np.newaxis]
            np.copyto(slopes, 0, where=held[:, np.newaxis])
            np.copyto(to_cell, 0, where=held)

    @property
    def gates(self) -> dict[str, Array]:
        """What each gate was at each step of the last batch, and the cell state; shape (T, B, H)."""
        if not hasattr(self, "_steps"):
            raise RuntimeError("gates are those of the last batch: call forward first")
        parts = dict(zip(("output", "input", "forget", "candidate"), self._gates.swapaxes(0, 1), strict=True))
        parts["cell"] = self._cell[1:]
        return {name: parts[name].transpose(0, 2, 1) for name in (*self.GATES, "cell")}


class GRU(_Sequence):
    r"""Gated recurrent units over batches of sequences, with full backpropagation through time.

    Parameters
    ----------
    input_size, hidden_size : int
        Numbers a step reads, I, and remembers, H.
    dtype : {float64, float32}
        What it computes in.
    init : {"default", "forget-bias", "chrono"}
        As in :class:`LSTM`. The update gate, which here keeps the old state, takes the place of the forget gate, and
        what is new comes in by its complement.
    seed : int or numpy.random.Generator, optional
        Where the initial parameters are drawn from.
    time_span : float, optional
        As in :class:`LSTM`.

    Attributes
    ----------
    parameters : dict of str to array
        The live arrays, for an optimiser to change in place.
    gates : dict of str to array, shape (T, B, H)
        After `forward`: "reset", "update" and "candidate" as they were.
    initial_state_gradient : array, shape (B, H)
        After `backward`: gradient with respect to the initial hidden state.

    Raises
    ------
    ValueError, TypeError
        A size, dtype, `init` or `time_span` makes no sense.

    Notes
    -----
    The formulas and conventions are those of :class:`GRUCell`.

    Examples
    --------
    >>> gru = GRU(2, 4, seed=0)
    >>> x = np.random.default_rng(0).normal(size=(7, 3, 2))
    >>> y, h = gru.forward(x, mask=sequence_mask([7, 5, 1], steps=7))
    >>> y.shape, bool((y[4, 1] == h[1]).all()), float(abs(y[5, 1]).max())
    ((7, 3, 4), True, 0.0)
    >>> gru.backward(np.ones_like(y)).shape
    (7, 3, 2)
    """

    GATES = ("reset", "update", "candidate")

    def forward(
        self, x: ArrayLike, state: ArrayLike | None = None, mask: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """Run over a batch of sequences.

        Parameters
        ----------
        x : array_like, shape (T, B, I)
            Inputs: steps, sequences, numbers a step.
        state : array_like, shape (B, H), optional
            Initial hidden state; zeros by default.
        mask : array_like of bool, shape (T, B), optional
            Where a sequence has a step (:func:`sequence_mask` makes one from lengths). Elsewhere its state is held and
            its output is 0.

        Returns
        -------
        y : array, shape (T, B, H)
            The hidden state after each step.
        state : array, shape (B, H)
            The hidden state after the last step of each sequence.

        Raises
        ------
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        tape = self._lay_out(x, mask)
        (steps, batch), inputs, H, held = self._steps, self.input_size, self.hidden_size, self._held
        hidden = tape[:, inputs + 1 :]
        hidden[0] = self._single("state", state, batch).T
        gates = np.empty((steps, 4, H, batch), self.dtype)
        from_x = np.empty((3, H, batch), self.dtype)
        new = np.empty((H, batch), self.dtype)
        W_x, W_h = self._stacked_weights()
        W_x[H:] *= 0.5  # the sigmoids of r and z are one half plus half the tanh of half the argument
        W_h[: 2 * H] *= 0.5

        for t in range(steps):
            np.matmul(W_x, tape[t, : inputs + 1], out=from_x.reshape(3 * H, batch))
            np.matmul(W_h, tape[t, inputs:], out=gates[t, 1:].reshape(3 * H, batch))
            gates[t, 1:3] += from_x[1:]
            np.tanh(gates[t, 1:3], out=gates[t, 1:3])
            gates[t, 1:3] *= 0.5
            gates[t, 1:3] += 0.5
            n, r, z, h_n = gates[t]
            np.multiply(r, h_n, out=n)
            n += from_x[0]
            np.tanh(n, out=n)
            np.subtract(hidden[t], n, out=new)
            new *= z
            np.add(n, new, out=hidden[t + 1])
            if held is not None:
                np.copyto(hidden[t + 1], hidden[t], where=held[t])

        self._tape, self._gates = tape, gates
        return self._outputs(hidden), hidden[steps].T.copy()

    def backward(self, dy: ArrayLike, dstate: ArrayLike | None = None) -> Array:
        """Send gradients back through the whole of the last batch.

        Parameters
        ----------
        dy : array_like, shape (T, B, H)
            Gradient of the loss with respect to the outputs.
        dstate : array_like, shape (B, H), optional
            Gradient with respect to the final hidden state; zeros by default.

        Returns
        -------
        array, shape (T, B, I)
            Gradient with respect to the inputs. Those of the parameters are in `gradients()`, that of the initial
            state in `initial_state_gradient`.

        Raises
        ------
        RuntimeError
            `forward` has not been called.
        ValueError, TypeError
            A shape or dtype does not fit; the message names the argument.
        """
        dhidden = self._output_gradients(dy)
        (steps, batch), inputs, H, held = self._steps, self.input_size, self.hidden_size, self._held
        dh = self._single("dstate", dstate, batch).T.copy()
        W_x, W_h = self._stacked_weights()
        recurrent = np.ascontiguousarray(W_h[:, 1:].T)
        dz = np.empty_like(self._gates)
        kept = self._gates[:, 2]
        if held is not None:
            kept = np.where(held[:, np.newaxis], self.dtype.type(1), kept)
        new = np.empty_like(dh)

        for stretch in self._stretches():
            self._slopes(stretch, dz[stretch])
            for t in reversed(range(stretch.start, stretch.stop)):
                dh += dhidden[t]
                dz[t] *= dh
                np.matmul(recurrent, dz[t, 1:].reshape(3 * H, batch), out=new)
                dh *= kept[t]
                dh += new

        self.initial_state_gradient = dh.T.copy()
        dz_x, dz_h = (part.reshape(steps, 3 * H, batch) for part in (dz[:, :3], dz[:, 1:]))
        dW_x = _reorder(np.tensordot(dz_x, self._tape[:-1, : inputs + 1], axes=((0, 2), (0, 2))), "nrz", "rzn")
        dW_h = np.tensordot(dz_h, self._tape[:-1, inputs:], axes=((0, 2), (0, 2)))
        self._set_gradients(dW_x[:, :inputs].copy(), dW_h[:, 1:].copy(), dW_x[:, inputs].copy(), dW_h[:, 0].copy())
        dx = np.matmul(W_x[:, :inputs].T, dz_x)
        return np.ascontiguousarray(dx.transpose(0, 2, 1))

    def _stacked_weights(self) -> State:
        """Return (W_ih, b_ih) with rows in the order n, r, z, and (b_hh, W_hh) in the order r, z, n.

        One after the other they make the four blocks n, r, z, and the part of n that r resets.
        """
        W_ih, W_hh, b_ih, b_hh = self.parameters.values()
        return _reorder(np.column_stack([W_ih, b_ih]), "rzn", "nrz"), np.column_stack([b_hh, W_hh])

    def _slopes(self, stretch: slice, slopes: Array) -> None:
        """Write what dh has to be multiplied with to give the gradients of the four blocks' arguments."""
        n, r, z, h_n = self._gates[stretch].swapaxes(0, 1)
        to_n, to_r, to_z, to_h_n = slopes.swapaxes(0, 1)
        fresh = 1 - z
        np.multiply(n, n, out=to_n)
        np.subtract(1, to_n, out=to_n)
        to_n *= fresh
        np.multiply(to_n, r, out=to_h_n)
        np.subtract(1, r, out=to_r)
        to_r *= h_n
        to_r *= to_h_n
        np.subtract(self._tape[stretch, self.input_size + 1 :], n, out=to_z)
        to_z *= z
        to_z *= fresh
        if self._held is not None:
            np.copyto(slopes, 0, where=self._held[stretch, np.newaxis, np.newaxis])

    @property
    def gates(self) -> dict[str, Array]:
        """What each gate was at each step of the last batch; shape (T, B, H)."""
        if not hasattr(self, "_steps"):
            raise RuntimeError("gates are those of the last batch: call forward first")
        n, r, z, _ = self._gates.transpose(1, 0, 3, 2)
        return {"reset": r, "update": z, "candidate": n}


def _reorder(rows: Array, old: str, new: str) -> Array:
    """Return a copy whose blocks of rows, one a letter, are in another order."""
    blocks = dict(zip(old, np.split(rows, len(old)), strict=True))
    return np.concatenate([blocks[letter] for letter in new])
