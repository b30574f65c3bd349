r"""Temperature scaling as a Keras 3 layer, the same on every backend.

The temperature is what calibration divides logits by (C. Guo et al., "On Calibration of Modern Neural Networks", ICML
2017); `course_lib.calibration.TemperatureScaling` finds it by Newton's method, this layer by whatever optimiser trains
the model, or holds what was found.

Everything is written in operations that differentiate well, because backends' own sigmoids don't: PyTorch, JAX and
TensorFlow compute its slope as ``s * (1 - s)``, which in float32 is 0 from 16.6 on.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

try:
    import keras
except ModuleNotFoundError as error:
    if error.name == "keras":
        message = 'course_lib.frameworks.keras needs Keras 3: pip install "sigmoid-course[frameworks]"'
    elif error.name in ("tensorflow", "jax", "torch"):
        message = (
            f"Keras is to run on {error.name}, which is not installed. Install it, or name a backend that is, before "
            "Keras is imported: KERAS_BACKEND=torch, jax or tensorflow in the environment"
        )
    else:
        raise
    raise ModuleNotFoundError(message, name=error.name) from error

from keras import ops

__all__ = ["TemperatureSigmoid"]

# T is kept between exp(-40) and exp(40), 4e-18 and 2e17: neither T nor 1/T then comes near the ends of float32, also in
# a product with a logit, and no temperature that means anything lies outside.
_LOG_LIMIT = 40.0


@keras.saving.register_keras_serializable(package="sigmoid_course")
class TemperatureSigmoid(keras.layers.Layer):  # type: ignore[misc]  # read without Keras's types, it may not be there
    r"""Sigmoid of logits that are divided by a temperature: :math:`\sigma(x / T)`.

    Parameters
    ----------
    temperature : float, default=1.0
        T at first, between 1e-17 and 1e17. Above 1 it makes a model less sure, below 1 more.
    trainable : bool, default=True
        Whether training changes T.
    **kwargs
        Of `keras.layers.Layer`: `name`, `dtype`.

    Attributes
    ----------
    log_temperature : keras.Variable, shape ()
        What is trained: with its logarithm, T is positive whatever the optimiser does. Kept within 40 of 0.

    Raises
    ------
    TypeError
        `temperature` is not a number.
    ValueError
        `temperature` is out of that range.

    Notes
    -----
    Any shape of input; the output has the same, and the layer's compute dtype. Under a mixed policy the computation
    runs in the dtype of the variables, float32, and is rounded once at the end. Give this layer ``dtype="float32"`` if
    it is the last: a float16 is 1 from a logit of 7.6 on.

    A loss that is given probabilities, as ``"binary_crossentropy"``, clips them to 1e-7 of 0 and 1, so that samples
    with :math:`|x|/T > 16.1` have no gradient. Start with a temperature high enough that few are.

    Below -87.3 the values in float32 are subnormal numbers, and backends are free to make them 0; so JAX and TensorFlow
    do.

    Examples
    --------
    >>> import numpy as np
    >>> layer = TemperatureSigmoid(temperature=4.0)
    >>> p = layer(np.array([-1000.0, 0.0, 8.0, 1000.0], dtype="float32"))
    >>> np.asarray(keras.ops.stop_gradient(p)).round(3)
    array([0.   , 0.5  , 0.881, 1.   ], dtype=float32)
    >>> round(layer.temperature, 6)
    4.0
    """

    def __init__(self, temperature: float = 1.0, trainable: bool = True, **kwargs: Any) -> None:
        super().__init__(trainable=trainable, **kwargs)
        message = f"TemperatureSigmoid: temperature must be a number between 1e-17 and 1e17, not {temperature!r}"
        given: Any = temperature
        if not isinstance(given, Real):
            raise TypeError(message)
        if not 1e-17 <= temperature <= 1e17:  # nan fails too
            raise ValueError(message)
        self._initial = float(temperature)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the variable; Keras calls this with the first input."""
        self.log_temperature = self.add_weight(
            name="log_temperature",
            shape=(),
            initializer=keras.initializers.Constant(math.log(self._initial)),
            constraint=_within_limits,
            autocast=False,
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the calibrated probabilities.

        Parameters
        ----------
        inputs : tensor, any shape
            Logits.

        Returns
        -------
        tensor, shape of `inputs`
            In [0, 1].
        """
        z = ops.cast(inputs, self.variable_dtype) * ops.exp(-self.log_temperature)
        return ops.cast(_sigmoid(z), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input, which is that of the output."""
        return input_shape

    @property
    def temperature(self) -> float:
        """T as it is now."""
        if not self.built:
            return self._initial
        return math.exp(float(ops.stop_gradient(self.log_temperature.value)))

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with, as Keras saves it; the weights hold what T has become."""
        return {**super().get_config(), "temperature": self._initial}


def _within_limits(log_temperature: Any) -> Any:
    return ops.clip(log_temperature, -_LOG_LIMIT, _LOG_LIMIT)


def _sigmoid(z: Any) -> Any:
    """Sigmoid in operations whose derivatives, of every order, keep their digits in both tails."""
    # Not -abs(z), whose derivative at 0 is 0 and not -1: then the slope at 0 would be 0, too.
    e = ops.exp(ops.where(z >= 0, -z, z))
    return ops.where(z >= 0, ops.ones_like(e), e) / (1 + e)
