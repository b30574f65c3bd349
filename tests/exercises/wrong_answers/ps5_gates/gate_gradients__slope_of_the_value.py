"""Takes the slope at the gate's value, as if the value were the pre-activation.

answers: gate_gradients
fails: test_gate_gradients
hint: slope-of-the-value
"""
def gate_gradients(dh, dc, x, h, c, parameters):
    def slope(v):
        return sigmoid(v) * (1 - sigmoid(v))

    z = x @ parameters["weight_ih_l0"].T + h @ parameters["weight_hh_l0"].T
    z = z + parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    i, f, g, o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    squashed = np.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - squashed**2)
    dz = [dc * g * slope(i), dc * c * slope(f), dc * i * (1 - g**2), dh * squashed * slope(o)]
    return np.concatenate(dz, axis=1), dc * f
