"""Leaves the temperature out of the configuration.

answers: tempered
fails: test_tempered_saved
hint: config-forgets-the-temperature
"""
@keras.saving.register_keras_serializable(package="problem_set_8")
class Tempered(keras.layers.Layer):
    """Sigmoid of x / T; what is trained is the logarithm of T."""

    def __init__(self, temperature=1.0, **kwargs):
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, not {temperature!r}")
        self.temperature = float(temperature)

    def build(self, input_shape):
        """Make the weight; Keras calls this before the first call."""
        start = keras.initializers.Constant(np.log(self.temperature))
        self.log_temperature = self.add_weight(shape=(), initializer=start, name="log_temperature")

    def call(self, x):
        """Return a tensor of the shape of x."""
        return keras.ops.sigmoid(x / keras.ops.exp(self.log_temperature))

    def get_config(self):
        """Return what __init__ has to be called with to make this layer again: a dict of plain data."""
        return super().get_config()
