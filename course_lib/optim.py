r"""Optimisers: rules that turn gradients into steps, for parameters kept in a dict of NumPy arrays.

A model has `parameters` and `gradients()`, dicts with the same keys; ``optimiser.step(parameters, gradients)`` changes
the parameters in place. What an optimiser remembers, it keeps by the parameter's key, so one optimiser serves one
model. Both rules are those of ``torch.optim``, to the last few digits.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["SGD", "Adam"]

Array: TypeAlias = NDArray[Any]


class SGD:
    r"""Stochastic gradient descent, with or without momentum.

    Parameters
    ----------
    learning_rate : float
        Size of a step per unit of gradient, at least 0. An attribute: it may be changed between steps.
    momentum : float, default 0.0
        Part of the last step's velocity that is kept, in [0, 1).

    Raises
    ------
    ValueError
        A number is outside its range or not finite.

    Notes
    -----
    The velocity is :math:`v \leftarrow \mu v + g`, the step :math:`-\eta v`. Under a constant gradient the steps grow
    to :math:`1/(1 - \mu)` times those without momentum (B. T. Polyak, "Some methods of speeding up the convergence of
    iteration methods", USSR Computational Mathematics and Mathematical Physics 4, 1964). The learning rate is outside
    the velocity, as in PyTorch, so that a change acts at once.

    Examples
    --------
    >>> parameters = {"w": np.array([1.0, -2.0])}
    >>> optimiser = SGD(0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     optimiser.step(parameters, {"w": np.array([1.0, 0.0])})
    >>> parameters["w"]
    array([ 0.75, -2.  ])
    """

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        _check_rate("SGD", learning_rate)
        _check_below_one("SGD", "momentum", momentum)
        self.learning_rate = learning_rate
        self.momentum = momentum
        self._memory: dict[str, tuple[Array, Array]] = {}  # the velocity, and room to work in

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move every parameter against its gradient, in place.

        Parameters
        ----------
        parameters : mapping of str to array
            Floating-point arrays; they keep their dtype.
        gradients : mapping of str to array
            One of the same shape for each key of `parameters`; not changed.

        Raises
        ------
        TypeError
            A parameter or gradient is not a NumPy array of floating-point numbers.
        ValueError
            Keys or shapes do not fit, or the learning rate is negative. No parameter has been changed then.
        """
        _check_rate("SGD", self.learning_rate)
        for key, parameter, gradient in _pairs("SGD", parameters, gradients, self._memory):
            if key not in self._memory:
                self._memory[key] = (np.zeros_like(parameter), np.empty_like(parameter))
            velocity, change = self._memory[key]
            if self.momentum:
                velocity *= self.momentum
                velocity += gradient
                gradient = velocity
            np.multiply(gradient, self.learning_rate, out=change)
            parameter -= change


class Adam:
    r"""Adam: momentum, and a step size for each parameter from the size of its recent gradients.

    Parameters
    ----------
    learning_rate : float, default 0.001
        About the largest change of a parameter in one step, at least 0. An attribute: it may be changed between steps.
    betas : tuple of two floats, default (0.9, 0.999)
        What the averages of the gradient and of its square keep at each step, in [0, 1).
    eps : float, default 1e-8
        Added to the root of the average square, at least 0.

    Raises
    ------
    ValueError
        A number is outside its range or not finite.

    Notes
    -----
    D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. The step
    :math:`-\eta\,\hat m / (\sqrt{\hat v} + \epsilon)` does not change when a gradient is multiplied by a constant, as
    long as it stays well above :math:`\epsilon`: the first layer of a deep network moves although its gradient has
    vanished. Chapter 6 shows what that hides.

    Examples
    --------
    >>> parameters = {"w": np.array([1.0, 1.0])}
    >>> optimiser = Adam(0.1)
    >>> optimiser.step(parameters, {"w": np.array([1000.0, 0.001])})
    >>> parameters["w"].round(3)
    array([0.9, 0.9])
    """

    def __init__(
        self, learning_rate: float = 0.001, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        _check_rate("Adam", learning_rate)
        if len(betas) != 2:
            raise ValueError(f"Adam: betas must be two numbers, not {len(betas)}")
        for beta in betas:
            _check_below_one("Adam", "each of betas", beta)
        if not 0 <= eps < math.inf:
            raise ValueError(f"Adam: eps must be finite and at least 0, not {eps}")
        self.learning_rate = learning_rate
        self.betas = betas
        self.eps = eps
        self._steps: dict[str, int] = {}
        self._memory: dict[str, tuple[Array, Array, Array]] = {}  # two averages, and room to work in

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move every parameter, in place.

        Parameters
        ----------
        parameters : mapping of str to array
            Floating-point arrays; they keep their dtype.
        gradients : mapping of str to array
            One of the same shape for each key of `parameters`; not changed.

        Raises
        ------
        TypeError
            A parameter or gradient is not a NumPy array of floating-point numbers.
        ValueError
            Keys or shapes do not fit, or the learning rate is negative. No parameter has been changed then.
        """
        _check_rate("Adam", self.learning_rate)
        keep_mean, keep_square = self.betas
        for key, parameter, gradient in _pairs("Adam", parameters, gradients, self._memory):
            if key not in self._memory:
                self._memory[key] = (np.zeros_like(parameter), np.zeros_like(parameter), np.empty_like(parameter))
            mean, square, change = self._memory[key]
            steps = self._steps[key] = self._steps.get(key, 0) + 1

            np.multiply(gradient, 1 - keep_mean, out=change)
            mean *= keep_mean
            mean += change
            np.multiply(gradient, gradient, out=change)
            change *= 1 - keep_square
            square *= keep_square
            square += change

            # Both averages start at 0, so they are too small by 1 - beta^t (Kingma and Ba, section 3). Numbers are
            # cheaper to correct than arrays, so eps and the rate are (the last lines of their section 2).
            mean_shortfall = 1 - keep_mean**steps
            root_shortfall = math.sqrt(1 - keep_square**steps)
            np.sqrt(square, out=change)
            change += self.eps * root_shortfall
            np.divide(mean, change, out=change)
            change *= self.learning_rate * root_shortfall / mean_shortfall
            parameter -= change


def _check_rate(name: str, learning_rate: float) -> None:
    if not 0 <= learning_rate < math.inf:
        raise ValueError(f"{name}: learning_rate must be finite and at least 0, not {learning_rate}")


def _check_below_one(name: str, what: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name}: {what} must be at least 0 and below 1, not {value}")


def _pairs(
    name: str, parameters: Mapping[str, Array], gradients: Mapping[str, Array], memory: Mapping[str, tuple[Array, ...]]
) -> Iterator[tuple[str, Array, Array]]:
    """Check everything, so that a refused step changes nothing; then yield key, parameter and gradient."""
    if parameters.keys() != gradients.keys():
        missing, unknown = sorted(parameters.keys() - gradients.keys()), sorted(gradients.keys() - parameters.keys())
        problems = [f"no gradient for {', '.join(map(repr, missing))}"] if missing else []
        problems += [f"a gradient for {', '.join(map(repr, unknown))}, which is no parameter"] if unknown else []
        raise ValueError(f"{name}: {' and '.join(problems)}; parameters and gradients must have the same keys")
    for key, parameter in parameters.items():
        gradient = gradients[key]
        for what, array in (("parameter", parameter), ("gradient", gradient)):
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                found = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
                raise TypeError(f"{name}: {what} {key!r} must be a NumPy array of floating-point numbers, not {found}")
        if gradient.shape != parameter.shape:
            raise ValueError(
                f"{name}: gradient {key!r} has shape {gradient.shape}, its parameter {parameter.shape}; "
                "they must be equal"
            )
        if not parameter.flags.writeable:
            raise ValueError(f"{name}: parameter {key!r} is read-only; give a copy to train")
        if key in memory and (memory[key][0].shape != parameter.shape or memory[key][0].dtype != parameter.dtype):
            raise ValueError(
                f"{name}: parameter {key!r} is {parameter.dtype} of shape {parameter.shape}, but was "
                f"{memory[key][0].dtype} of shape {memory[key][0].shape} before; make one optimiser for each model"
            )
    for key, parameter in parameters.items():
        yield key, parameter, gradients[key]
