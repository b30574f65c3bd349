"""The layers against the cells, finite differences, closed forms, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.recurrent import GRU, LSTM, GRUCell, LSTMCell, sequence_mask

LAYERS = [(LSTM, LSTMCell), (GRU, GRUCell)]
IDS = ["LSTM", "GRU"]
shapes = st.tuples(*[st.integers(1, 5)] * 4)  # steps, sequences, inputs, hidden units


def make(layer, inputs, hidden, seed=0, **options):
    """A layer with larger weights than the initial ones, so that gates open and shut."""
    made = layer(inputs, hidden, seed=seed, **options)
    for array in made.parameters.values():
        array *= 2 * np.sqrt(hidden)
    return made


def random_state(layer, rng, batch, hidden):
    h, c = rng.normal(size=(2, batch, hidden))
    return (h, c) if layer in (LSTM, LSTMCell) else h


def flat(state):
    return np.concatenate([np.ravel(part) for part in (state if isinstance(state, tuple) else (state,))])


def like(vector, state):
    """`vector` in the form of `state`."""
    if isinstance(state, tuple):
        return tuple(part.reshape(state[0].shape) for part in np.split(vector, 2))
    return vector.reshape(state.shape)


def numeric_gradient(f, x, step=1e-6):
    x = np.array(x, dtype=np.float64)
    slopes = np.empty(x.size)
    for k in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[k] += step
        down.flat[k] -= step
        slopes[k] = (f(up) - f(down)) / (2 * step)
    return slopes.reshape(x.shape)


# Layers against cells: outputs and gradients of a sequence, one step at a time.


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
@settings(deadline=None, max_examples=30)
@given(shape=shapes, seed=st.integers(0, 2**32 - 1), masked=st.booleans())
def test_a_layer_is_its_cell_step_by_step(layer, cell, shape, seed, masked):
    T, B, inputs, H = shape
    rng = np.random.default_rng(seed)
    whole, step = make(layer, inputs, H, seed), cell(inputs, H)
    step.load_state_dict(whole.state_dict())
    x, dy = rng.normal(size=(T, B, inputs)), rng.normal(size=(T, B, H))
    start, dend = random_state(layer, rng, B, H), random_state(layer, rng, B, H)
    mask = rng.random((T, B)) < 0.6 if masked else np.ones((T, B), dtype=bool)

    y, end = whole.forward(x, start, mask=mask if masked else None)
    states, gates = [start], []
    for t in range(T):
        new = step.forward(x[t], states[-1])
        gates.append(step.gates)
        pairs = zip(flat(new), flat(states[-1]), np.tile(np.repeat(mask[t], H), len(flat(new)) // (B * H)), strict=True)
        states.append(like(np.array([n if live else o for n, o, live in pairs]), start))
        hidden = states[-1][0] if layer is LSTM else states[-1]
        assert_allclose(y[t], np.where(mask[t][:, None], hidden, 0), rtol=0, atol=1e-14)
    assert_allclose(flat(end), flat(states[-1]), rtol=0, atol=1e-14)
    if not masked:
        for name in step.gates:
            assert_allclose(whole.gates[name], [g[name] for g in gates], rtol=0, atol=1e-14)

    dx = whole.backward(dy, dend)
    dstate, expected = dend, dict.fromkeys(whole.parameters, 0.0)
    for t in reversed(range(T)):
        live = mask[t][:, None]
        arriving = (dstate[0] + dy[t] * live, dstate[1]) if layer is LSTM else dstate + dy[t] * live
        parts = arriving if layer is LSTM else (arriving,)
        step.forward(x[t], states[t])
        through = tuple(part * live for part in parts)
        dx_t, before = step.backward(through if layer is LSTM else through[0])
        assert_allclose(dx[t], dx_t, rtol=1e-12, atol=1e-12)
        around = np.concatenate([np.ravel(part * ~live) for part in parts])
        dstate = like(flat(before) + around, start)
        expected = {name: expected[name] + gradient for name, gradient in step.gradients().items()}
    assert_allclose(flat(whole.initial_state_gradient), flat(dstate), rtol=1e-12, atol=1e-12)
    for name, gradient in whole.gradients().items():
        assert_allclose(gradient, expected[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (4, 3, 2, 5), (6, 1, 3, 1)])
def test_every_gradient_of_a_layer_against_finite_differences(layer, cell, shape):
    T, B, inputs, H = shape
    rng = np.random.default_rng(1)
    net = make(layer, inputs, H)
    x, dy, start, dend = (
        rng.normal(size=(T, B, inputs)),
        rng.normal(size=(T, B, H)),
        random_state(layer, rng, B, H),
        random_state(layer, rng, B, H),
    )
    mask = sequence_mask(rng.integers(0, T + 1, B), T)

    def loss(x=x, start=start):
        y, end = net.forward(x, start, mask=mask)
        return float((y * dy).sum() + flat(end) @ flat(dend))

    loss()
    dx = net.backward(dy, dend)
    gradients, initial = net.gradients(), net.initial_state_gradient
    assert_allclose(dx, numeric_gradient(lambda v: loss(x=v), x), rtol=0, atol=1e-6)
    numeric = numeric_gradient(lambda v: loss(start=like(v, start)), flat(start))
    assert_allclose(flat(initial), numeric, rtol=0, atol=1e-6)
    for name, gradient in gradients.items():

        def of_parameter(value, name=name):
            kept = net.parameters[name].copy()
            net.parameters[name][...] = value
            result = loss()
            net.parameters[name][...] = kept
            return result

        numeric = numeric_gradient(of_parameter, net.parameters[name])
        assert_allclose(gradient, numeric, rtol=0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
def test_gradients_of_a_cell_against_finite_differences(layer, cell):
    rng = np.random.default_rng(2)
    step = make(cell, 3, 2)
    x, start, dend = rng.normal(size=(4, 3)), random_state(cell, rng, 4, 2), random_state(cell, rng, 4, 2)

    def loss(x=x, start=start):
        return float(flat(step.forward(x, start)) @ flat(dend))

    loss()
    dx, dstart = step.backward(dend)
    gradients = step.gradients()
    assert_allclose(dx, numeric_gradient(lambda v: loss(x=v), x), rtol=0, atol=1e-7)
    assert_allclose(
        flat(dstart), numeric_gradient(lambda v: loss(start=like(v, start)), flat(start)), rtol=0, atol=1e-7
    )
    for name, gradient in gradients.items():

        def of_parameter(value, name=name):
            kept = step.parameters[name].copy()
            step.parameters[name][...] = value
            result = loss()
            step.parameters[name][...] = kept
            return result

        assert_allclose(gradient, numeric_gradient(of_parameter, step.parameters[name]), rtol=0, atol=1e-7)


# Closed forms.


def test_forget_gates_alone_multiply_the_cell():
    lstm = LSTM(1, 1)
    for array in lstm.parameters.values():
        array[...] = 0
    lstm.parameters["bias_ih_l0"][0] = -1e4  # the input gate is shut
    y, (_, c) = lstm.forward(np.ones((100, 1, 1)), (np.zeros((1, 1)), np.ones((1, 1))))
    assert c.item() == 0.5**100
    lstm.backward(np.zeros_like(y), (np.zeros((1, 1)), np.ones((1, 1))))
    assert lstm.initial_state_gradient[1].item() == 0.5**100


def test_an_open_update_gate_of_a_gru_keeps_the_state():
    gru = GRU(1, 2)
    gru.parameters["bias_ih_l0"][2:4] = 50
    h = np.array([[0.3, -0.7]])
    _, end = gru.forward(np.ones((20, 1, 1)), h)
    assert_allclose(end, h, rtol=1e-15)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
def test_saturated_gates_warn_of_nothing_and_stay_finite(layer, cell):
    with np.errstate(all="raise", under="ignore"):
        net = layer(2, 3)
        y, _ = net.forward(np.array([[[1e6, -1e6]], [[-1e300, 1e300]]]))
        assert np.isfinite(net.backward(np.ones_like(y))).all()
        step = cell(2, 3)
        step.forward(np.array([[1e6, -1e300]]))


# Masks, states and layout.


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_padding_changes_nothing(layer, cell, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 7, 4)
    net, x, dy = make(layer, 2, 3), rng.normal(size=(6, 4, 2)), rng.normal(size=(6, 4, 3))
    y, end = net.forward(x, mask=sequence_mask(lengths, 6))
    dx = net.backward(dy)
    together = net.gradients()
    apart = dict.fromkeys(together, 0.0)
    for b, length in enumerate(lengths):
        alone, end_alone = net.forward(x[:length, b : b + 1])
        assert_allclose(y[:length, b : b + 1], alone, rtol=0, atol=1e-14)
        assert not y[length:, b].any()
        last = np.stack(end)[:, b] if layer is LSTM else end[None, b]
        assert_allclose(last.ravel(), flat(end_alone), rtol=0, atol=1e-14)
        assert_allclose(net.backward(dy[:length, b : b + 1]), dx[:length, b : b + 1], rtol=1e-11, atol=1e-13)
        assert not dx[length:, b].any()
        apart = {name: apart[name] + gradient for name, gradient in net.gradients().items()}
    for name, gradient in together.items():
        assert_allclose(gradient, apart[name], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
def test_a_sequence_can_be_cut_and_its_state_passed_on(layer, cell):
    rng = np.random.default_rng(3)
    net, x, dy = make(layer, 2, 3), rng.normal(size=(9, 2, 2)), rng.normal(size=(9, 2, 3))
    whole, end = net.forward(x)
    dx = net.backward(dy)
    first, middle = net.forward(x[:4])
    second, end_cut = net.forward(x[4:], middle)
    assert_array_equal(np.concatenate([first, second]), whole)
    assert_array_equal(flat(end_cut), flat(end))
    dx_second = net.backward(dy[4:])
    passed_back = net.initial_state_gradient
    net.forward(x[:4])
    assert_allclose(np.concatenate([net.backward(dy[:4], passed_back), dx_second]), dx, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
@pytest.mark.parametrize(("T", "B"), [(0, 3), (4, 0), (0, 0)])
def test_no_steps_or_no_sequences(layer, cell, T, B):
    net = layer(2, 3)
    start = random_state(layer, np.random.default_rng(0), B, 3)
    y, end = net.forward(np.empty((T, B, 2)), start)
    assert y.shape == (T, B, 3)
    assert net.backward(y, start).shape == (T, B, 2)
    if T == 0:
        assert_array_equal(flat(end), flat(start))
        assert_array_equal(flat(net.initial_state_gradient), flat(start))
    assert not any(gradient.any() for gradient in net.gradients().values())


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
def test_long_batches_are_cut_into_stretches_without_a_seam(layer, cell):
    """One unit over a thousand steps fits into one stretch, a hundred units need many."""
    rng = np.random.default_rng(4)
    small, large = make(layer, 1, 2), layer(1, 100)
    for array in large.parameters.values():
        array[...] = 0
    gates = len(small.GATES)
    for name, array in small.parameters.items():  # the small layer, and 98 units that it does not hear
        block = large.parameters[name].reshape(gates, 100, -1)
        block[:, :2, : array[0].size] = array.reshape(gates, 2, -1)
    x, dy = rng.normal(size=(300, 3, 1)), np.zeros((300, 3, 100))
    dy[:, :, :2] = rng.normal(size=(300, 3, 2))
    assert_allclose(large.forward(x)[0][:, :, :2], small.forward(x)[0], rtol=0, atol=1e-13)
    assert_allclose(large.backward(dy), small.backward(dy[:, :, :2]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_everything_has_the_layers_dtype_and_inputs_stay_as_they_were(layer, cell, dtype):
    net = layer(2, 3, dtype=dtype, seed=5)
    x, dy = np.arange(24).reshape(4, 3, 2), np.ones((4, 3, 3), dtype)
    x_safe = x.astype(dtype)
    y, end = net.forward(x_safe, mask=sequence_mask([4, 2, 0], 4))
    dx = net.backward(dy)
    arrays = [y, dx, *end, *np.atleast_1d(net.initial_state_gradient), *net.gates.values(), *net.gradients().values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert_array_equal(x_safe, x)
    assert_array_equal(dy, 1)
    step = cell(2, 3, dtype=dtype)
    assert flat(step.forward(x_safe[0])).dtype == dtype
    assert step.backward(end)[0].dtype == dtype
    for array in net.gates.values():
        assert array.shape == (4, 3, 3)


def test_lists_and_narrower_numbers_are_taken():
    lstm = LSTM(1, 2, seed=0)
    expected, _ = lstm.forward(np.array([[[1.0]], [[2.0]]]))
    assert_array_equal(lstm.forward([[[1]], [[2]]])[0], expected)
    assert_array_equal(lstm.forward(np.array([[[1]], [[2]]], np.float32))[0], expected)


# Parameters.


@pytest.mark.parametrize("layer", [LSTM, LSTMCell, GRU, GRUCell])
def test_default_initialisation_is_uniform_within_its_bound(layer):
    net = layer(30, 100, seed=6)
    assert {name: array.shape[1:] for name, array in net.parameters.items()} == {
        "weight_ih_l0": (30,), "weight_hh_l0": (100,), "bias_ih_l0": (), "bias_hh_l0": ()
    }  # fmt: skip
    for array in net.parameters.values():
        assert len(array) == len(net.GATES) * 100
        assert 0.98 * 0.1 < abs(array).max() <= 0.1
        assert_allclose(array.std(), 0.1 / np.sqrt(3), rtol=0.12)
    again, other = layer(30, 100, seed=6), layer(30, 100, seed=7)
    assert all((again.parameters[k] == v).all() for k, v in net.parameters.items())
    assert all((other.parameters[k] != v).any() for k, v in net.parameters.items())


@pytest.mark.parametrize(("layer", "gate"), [(LSTM, "forget"), (LSTMCell, "forget"), (GRU, "update")])
def test_forget_bias_starts_the_keeping_gate_at_one_in_total(layer, gate):
    plain, biased = layer(3, 4, seed=8), layer(3, 4, seed=8, init="forget-bias")
    part = slice(layer.GATES.index(gate) * 4, (layer.GATES.index(gate) + 1) * 4)
    total = biased.parameters["bias_ih_l0"] + biased.parameters["bias_hh_l0"]
    assert_array_equal(total[part], 1)
    rest = np.delete(np.arange(len(total)), part)
    for name in ("bias_ih_l0", "bias_hh_l0"):
        assert_array_equal(biased.parameters[name][rest], plain.parameters[name][rest])
    assert_array_equal(biased.parameters["weight_hh_l0"], plain.parameters["weight_hh_l0"])


@pytest.mark.parametrize(("layer", "gate"), [(LSTM, "forget"), (GRU, "update")])
def test_chrono_memories_are_spread_evenly_over_the_time_span(layer, gate):
    H, span = 1000, 50
    net = layer(1, H, init="chrono", time_span=span, seed=9)
    total = net.parameters["bias_ih_l0"] + net.parameters["bias_hh_l0"]
    biases = dict(zip(layer.GATES, np.split(total, len(layer.GATES)), strict=True))
    # sigmoid(b) = 1 - 1 / (1 + e^b): a memory of 1 + e^b steps, uniform on (2, span).
    steps = 1 + np.exp(biases[gate])
    counts, _ = np.histogram(steps, bins=8, range=(2, span))
    assert counts.sum() == H
    assert abs(counts - H / 8).max() < 5 * np.sqrt(H / 8)
    if layer is LSTM:
        assert_array_equal(biases["input"], -biases["forget"])


@pytest.mark.parametrize("layer", [LSTM, GRU, LSTMCell, GRUCell])
def test_state_dict_is_a_copy_and_loads_all_or_nothing(layer):
    net, other = layer(2, 3, seed=0), layer(2, 3, seed=1)
    saved = net.state_dict()
    other.load_state_dict(saved)
    saved["bias_ih_l0"][:] = 7
    assert (net.parameters["bias_ih_l0"] != 7).all()
    assert (other.parameters["bias_ih_l0"] != 7).all()
    before = other.state_dict()
    bad = {**{name: array + 1 for name, array in before.items()}, "bias_hh_l0": np.zeros(5)}
    with pytest.raises(ValueError, match=r"state_dict\['bias_hh_l0'\] has shape \(5,\), expected \(\d+,\) for"):
        other.load_state_dict(bad)
    for name, array in other.parameters.items():
        assert_array_equal(array, before[name])
    live = other.parameters["weight_hh_l0"]
    other.load_state_dict(net.state_dict())
    assert other.parameters["weight_hh_l0"] is live


def test_load_state_dict_names_what_is_wrong():
    lstm = LSTM(2, 3)
    good = lstm.state_dict()
    with pytest.raises(ValueError, match="missing bias_hh_l0, unknown weight_ih_l1"):
        lstm.load_state_dict(
            {**{k: v for k, v in good.items() if k != "bias_hh_l0"}, "weight_ih_l1": good["weight_ih_l0"]}
        )
    with pytest.raises(TypeError, match=r"state_dict\['bias_ih_l0'\] has dtype complex128"):
        lstm.load_state_dict({**good, "bias_ih_l0": good["bias_ih_l0"] * 1j})
    with pytest.raises(ValueError, match=r"expected \(12, 2\) for LSTM\(2, 3, dtype=float64\)"):
        lstm.load_state_dict(GRU(2, 3).state_dict())


# What is refused.


@pytest.mark.parametrize("layer", [LSTM, GRU, LSTMCell, GRUCell])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"input_size": 0}, ValueError, "input_size must be a whole number, 1 or more, not 0"),
        ({"hidden_size": 2.5}, ValueError, "hidden_size must be a whole number, 1 or more, not 2.5"),
        ({"hidden_size": True}, ValueError, "hidden_size must be a whole number"),
        ({"dtype": np.float16}, TypeError, "dtype must be float32 or float64, not float16"),
        ({"dtype": int}, TypeError, "dtype must be float32 or float64, not int64"),
        ({"init": "xavier"}, ValueError, "init must be one of 'default', 'forget-bias', 'chrono', not 'xavier'"),
        ({"init": "chrono"}, ValueError, "time_span, the longest dependency in steps, belongs to"),
        ({"time_span": 10}, ValueError, "time_span, the longest dependency in steps, belongs to"),
        ({"init": "chrono", "time_span": 2}, ValueError, "time_span must be above 2 steps and finite, not 2"),
        ({"init": "chrono", "time_span": np.nan}, ValueError, "time_span must be above 2 steps and finite, not nan"),
    ],
)
def test_impossible_layers_are_refused(layer, arguments, error, message):
    with pytest.raises(error, match=message):
        layer(**{"input_size": 2, "hidden_size": 3, **arguments})


@pytest.mark.parametrize("layer", [LSTM, GRU])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": np.zeros((5, 2))}, ValueError, r"x has shape \(5, 2\), expected \(T, B, 2\) for"),
        ({"x": np.zeros((5, 4, 3))}, ValueError, r"x has shape \(5, 4, 3\), expected \(T, B, 2\) for"),
        ({"x": np.zeros((5, 4, 2), complex)}, TypeError, "x has dtype complex128"),
        ({"x": [[["a", "b"]] * 4] * 5}, TypeError, "x has dtype <U1"),
        ({"mask": np.ones((4, 5), bool)}, ValueError, r"mask has shape \(4, 5\), expected \(5, 4\), steps and"),
        ({"mask": np.ones((5, 4))}, TypeError, "mask has dtype float64, expected bool: True where"),
    ],
)
def test_impossible_batches_are_refused(layer, arguments, error, message):
    with pytest.raises(error, match=message):
        layer(2, 3).forward(**{"x": np.zeros((5, 4, 2)), **arguments})


@pytest.mark.parametrize("layer", [LSTM, GRU, LSTMCell, GRUCell])
def test_float64_is_not_narrowed_in_silence(layer):
    net = layer(2, 3, dtype=np.float32)
    x = np.zeros((4, 2) if "Cell" in layer.__name__ else (5, 4, 2))
    with pytest.raises(TypeError, match=r"x has dtype float64, .* convert it with x\.astype\(np\.float32\), or make"):
        net.forward(x)


@pytest.mark.parametrize(("layer", "cell"), LAYERS, ids=IDS)
def test_wrong_states_are_refused_by_name(layer, cell):
    wrong, right = np.zeros((4, 2)), np.zeros((4, 3))
    pairs = layer is LSTM
    for net, x, dy in ((layer(2, 3), np.zeros((5, 4, 2)), np.zeros((5, 4, 3))), (cell(2, 3), np.zeros((4, 2)), None)):
        name = r"state\[0\]" if pairs else "state"
        with pytest.raises(ValueError, match=rf"^{name} has shape \(4, 2\), expected \(4, 3\) for"):
            net.forward(x, (wrong, right) if pairs else wrong)
        net.forward(x)
        back = (lambda d, net=net: net.backward(d)) if dy is None else (lambda d, net=net, dy=dy: net.backward(dy, d))
        with pytest.raises(ValueError, match=rf"^d{name} has shape \(4, 2\), expected \(4, 3\) for"):
            back((wrong, right) if pairs else wrong)
        if pairs:
            with pytest.raises(ValueError, match=r"^state\[1\] has shape \(4, 2\)"):
                net.forward(x, (right, wrong))
            with pytest.raises(TypeError, match=r"state must be the pair \(h, c\), .* not ndarray"):
                net.forward(x, right)
            with pytest.raises(TypeError, match=r"dstate must be the pair \(h, c\), .* not ndarray"):
                back(right)


@pytest.mark.parametrize("layer", [LSTM, GRU, LSTMCell, GRUCell])
def test_the_order_of_calls_is_forward_then_backward(layer):
    net = layer(2, 3)
    with pytest.raises(RuntimeError, match="call forward, then backward"):
        net.gradients()
    with pytest.raises(RuntimeError, match="call forward first"):
        net.backward(np.zeros((5, 4, 3)))
    if "Cell" not in layer.__name__:
        with pytest.raises(RuntimeError, match="call forward first"):
            _ = net.gates


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_output_gradients_must_have_the_outputs_shape(layer):
    net = layer(2, 3)
    net.forward(np.zeros((5, 4, 2)))
    with pytest.raises(ValueError, match=r"dy has shape \(4, 5, 3\), expected \(5, 4, 3\) for"):
        net.backward(np.zeros((4, 5, 3)))


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([3, 6], ValueError, r"lengths\[1\] is 6, expected 0 to 5, the steps of the batch"),
        ([-1, 2], ValueError, r"lengths\[0\] is -1, expected 0 to 5"),
        ([[1, 2]], ValueError, r"lengths has shape \(1, 2\), expected \(B,\)"),
        ([1.0, 2.0], TypeError, "lengths must be integers, one a sequence, not float64"),
    ],
)
def test_impossible_lengths_are_refused(lengths, error, message):
    with pytest.raises(error, match=message):
        sequence_mask(lengths, 5)


def test_masks_of_no_sequences_and_of_no_steps():
    assert sequence_mask([], 3).shape == (3, 0)
    assert sequence_mask([0, 0], 0).shape == (0, 2)
