"""The networks against PyTorch, and the figures of the literature that they have to reproduce."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from course_lib.activations import ACTIVATIONS
from course_lib.networks import (
    INITIALISERS,
    LOSSES,
    DeepNetwork,
    clip_by_norm,
    gradient_norms,
    jacobian_singular_values,
)
from course_lib.optim import SGD, Adam

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("error")

searched = settings(deadline=None, max_examples=40)

F = torch.nn.functional
IN_TORCH: dict[str, Callable[[Any], Any]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # F.hardsigmoid's gradient is 1/6 in float32, 5e-9 off
    "softplus": lambda x: F.softplus(x, threshold=80),
    "log_sigmoid": F.logsigmoid,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "identity": lambda x: x,
}


class Reference:
    """The same network, with leaves in PyTorch."""

    def __init__(self, network: DeepNetwork) -> None:
        self.parameters = {k: torch.tensor(v, requires_grad=True) for k, v in network.parameters.items()}
        self.function = IN_TORCH[network.activation]
        self.layers = len(network.widths) - 1

    def __call__(self, x: Any) -> Any:
        for i in range(self.layers):
            x = F.linear(x, self.parameters[f"weight_{i}"], self.parameters[f"bias_{i}"])
            x = self.function(x) if i < self.layers - 1 else x
        return x


def assert_equal_to(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    """Compare relative to the largest element, because PyTorch's slopes have absolute errors of an eps."""
    expected = theirs.detach().numpy()
    assert ours.shape == expected.shape
    assert_allclose(ours, expected, rtol=0, atol=tolerance * np.abs(expected).max(initial=0.0))


def with_random_biases(network: DeepNetwork, seed: int) -> DeepNetwork:
    rng = np.random.default_rng(seed)
    for key, value in network.parameters.items():
        if key.startswith("bias"):
            value[...] = rng.standard_normal(value.shape)
    return network


def test_every_activation_has_its_pytorch_counterpart() -> None:
    assert set(IN_TORCH) == {*ACTIVATIONS, "identity"}


@pytest.mark.parametrize("activation", IN_TORCH)
def test_forward_and_backward_equal_pytorch_at_every_depth(activation: str) -> None:
    for depth in range(1, 21):
        rng = np.random.default_rng(depth)
        widths = (5, *rng.integers(6, 10, depth - 1).tolist(), 3)
        network = with_random_biases(DeepNetwork(widths, activation, "he-normal", seed=depth), depth)
        reference = Reference(network)
        x, dlogits = rng.standard_normal((7, 5)), rng.standard_normal((7, 3))
        leaf = torch.tensor(x, requires_grad=True)
        expected = reference(leaf)
        expected.backward(torch.tensor(dlogits))

        assert_equal_to(network.forward(x), expected)
        assert_equal_to(network.backward(dlogits), leaf.grad)
        assert network.gradients().keys() == network.parameters.keys()
        for key, gradient in network.gradients().items():
            assert_equal_to(gradient, reference.parameters[key].grad)


@pytest.mark.parametrize("activation", IN_TORCH)
def test_signals_are_the_derivatives_by_the_pre_activations(activation: str) -> None:
    network = with_random_biases(DeepNetwork((4, 6, 5, 3), activation, seed=0), 0)
    rng = np.random.default_rng(1)
    x, dlogits = rng.standard_normal((8, 4)), rng.standard_normal((8, 3))
    logits = network.forward(x)
    network.backward(dlogits)
    kept, a = [], torch.tensor(x)
    for i in range(3):
        z = F.linear(a, torch.tensor(network.parameters[f"weight_{i}"]), torch.tensor(network.parameters[f"bias_{i}"]))
        kept.append(z.requires_grad_())
        a = IN_TORCH[activation](z)
        if i < 2:
            assert_equal_to(network.pre_activations[i], z)
            assert_equal_to(network.activations[i], a)
    assert_equal_to(logits, z)
    for ours, theirs in zip(
        network.signals, torch.autograd.grad(z, kept, grad_outputs=torch.tensor(dlogits)), strict=True
    ):
        assert_equal_to(ours, theirs)
    assert_array_equal(network.signals[-1], dlogits)


@searched
@given(
    widths=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    activation=st.sampled_from(sorted(IN_TORCH)),
    init=st.sampled_from(sorted(INITIALISERS)),
    samples=st.integers(0, 4),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32),
)
def test_any_shape_in_both_precisions(
    widths: list[int], activation: str, init: str, samples: int, dtype: Any, seed: int
) -> None:
    network = DeepNetwork(widths, activation, init, dtype=dtype, seed=seed)
    x = np.random.default_rng(seed).standard_normal((samples, widths[0])).astype(dtype)
    leaf = torch.tensor(x, requires_grad=True)
    reference = Reference(network)
    expected = reference(leaf)
    expected.backward(torch.ones_like(expected))
    tolerance = 1e-4 if dtype is np.float32 else 1e-12
    logits, dx = network.forward(x), network.backward(np.ones((samples, widths[-1])))
    assert logits.dtype == dx.dtype == dtype
    assert_equal_to(logits, expected, tolerance)
    assert_equal_to(dx, leaf.grad, tolerance)
    for key, gradient in network.gradients().items():
        assert gradient.dtype == network.parameters[key].dtype == dtype
        assert network.parameters[key].flags.c_contiguous
        assert_equal_to(gradient, reference.parameters[key].grad, tolerance)
    assert network.predict(x).shape == (samples,)


def test_input_may_be_a_list_of_integers() -> None:
    network = DeepNetwork((2, 3, 1), seed=0)
    assert_array_equal(network.forward([[1, 2]]), network.forward(np.array([[1.0, 2.0]])))
    assert DeepNetwork((2, 3, 1), dtype=np.float32, seed=0).forward(np.array([[1.0, 2.0]])).dtype == np.float32


def test_predict_takes_the_largest_logit_and_with_one_output_its_sign() -> None:
    x = np.random.default_rng(0).standard_normal((50, 4))
    many, one = DeepNetwork((4, 6, 3), seed=1), DeepNetwork((4, 6, 1), "tanh", seed=1)
    assert_array_equal(many.predict(x), torch.tensor(many.forward(x)).argmax(dim=1).numpy())
    assert_array_equal(one.predict(x), (one.forward(x) > 0).ravel())
    assert set(one.predict(x).tolist()) == {0, 1}


def test_gradients_of_one_backward_outlive_the_next() -> None:
    network = DeepNetwork((2, 3, 2), seed=0)
    network.forward([[1.0, 2.0]])
    network.backward([[1.0, 0.0]])
    first = network.gradients()
    copies = {key: value.copy() for key, value in first.items()}
    network.backward([[0.0, 5.0]])
    assert all(np.array_equal(first[key], copies[key]) for key in copies)
    assert not np.array_equal(network.gradients()["bias_1"], copies["bias_1"])


# ---- parameters and initialisers


def test_the_state_goes_out_and_in_as_copies() -> None:
    network, other = DeepNetwork((3, 4, 2), seed=0), DeepNetwork((3, 4, 2), seed=1)
    state = network.state_dict()
    state["weight_0"][0, 0] = 7.0
    assert network.parameters["weight_0"][0, 0] != 7.0
    own = dict(other.parameters)
    other.load_state_dict(state)
    state["weight_0"][0, 0] = -7.0
    assert other.parameters["weight_0"][0, 0] == 7.0
    assert all(other.parameters[key] is own[key] for key in own)
    x = np.ones((1, 3))
    network.parameters["weight_0"][0, 0] = 7.0
    assert_array_equal(network.forward(x), other.forward(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_0": None}, r"keys must be weight_0, bias_0, .*missing \['weight_0'\], unknown \[\]"),
        ({"weight_9": np.ones(1)}, r"missing \[\], unknown \['weight_9'\]"),
        ({"bias_0": np.ones((4, 1))}, r"bias_0 has shape \(4, 1\), here it is \(4,\)"),
        ({"weight_0": np.ones((3, 4))}, r"weight_0 has shape \(3, 4\), here it is \(4, 3\)"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_whole(change: Mapping[str, Any], message: str) -> None:
    network = DeepNetwork((3, 4, 2), seed=0)
    before = network.state_dict()
    state = {k: v for k, v in ({k: v + 1 for k, v in before.items()} | change).items() if v is not None}
    with pytest.raises(ValueError, match=message):
        network.load_state_dict(state)
    assert all(np.array_equal(network.parameters[key], before[key]) for key in before)


def drawn_by_torch(init: str, fan_out: int, fan_in: int) -> np.ndarray:
    weight = torch.empty(fan_out, fan_in, dtype=torch.float64)
    nn = torch.nn.init
    torch.manual_seed(0)
    {
        "lecun-normal": lambda w: nn.kaiming_normal_(w, nonlinearity="linear"),
        "lecun-uniform": lambda w: nn.kaiming_uniform_(w, nonlinearity="linear"),
        "glorot-normal": nn.xavier_normal_,
        "glorot-uniform": nn.xavier_uniform_,
        "he-normal": lambda w: nn.kaiming_normal_(w, nonlinearity="relu"),
        "he-uniform": lambda w: nn.kaiming_uniform_(w, nonlinearity="relu"),
        "orthogonal": nn.orthogonal_,
        "torch": lambda w: w.copy_(torch.nn.Linear(fan_in, fan_out, dtype=torch.float64).weight.detach()),
    }[init](weight)
    return weight.numpy()


@pytest.mark.parametrize("init", INITIALISERS)
def test_weights_are_drawn_from_the_distribution_that_pytorch_draws_from(init: str) -> None:
    shape = (300, 200)
    ours = INITIALISERS[init](np.random.default_rng(0), *shape, 1.0)
    theirs = drawn_by_torch(init, *shape)
    assert ours.shape == theirs.shape
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 0.01
    assert_allclose(ours.std(), theirs.std(), rtol=0.02)  # 60,000 draws: seven standard errors of a normal's
    if "uniform" in init or init == "torch":
        assert_allclose([ours.min(), ours.max()], [theirs.min(), theirs.max()], rtol=1e-3)
    assert_allclose(INITIALISERS[init](np.random.default_rng(0), *shape, 2.5), 2.5 * ours, rtol=1e-14)


@pytest.mark.parametrize(
    ("init", "variance"),
    [("lecun", 1 / 200), ("glorot", 2 / 500), ("he", 2 / 200), ("torch", 1 / 600)],
)
def test_variances_are_those_of_the_papers(init: str, variance: float) -> None:
    for name in [key for key in INITIALISERS if key.split("-")[0] == init]:
        weight = INITIALISERS[name](np.random.default_rng(1), 300, 200, 1.0)
        assert_allclose(weight.var(), variance, rtol=0.03)
        assert abs(weight.mean()) < 4 * math.sqrt(variance / weight.size)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (1, 1)])
def test_orthogonal_weights_are(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    weight = INITIALISERS["orthogonal"](rng, *shape, 3.0)
    assert weight.shape == shape
    product = weight @ weight.T if shape[0] <= shape[1] else weight.T @ weight
    assert_allclose(product, 9 * np.eye(min(shape)), atol=1e-13)


def test_orthogonal_weights_favour_no_direction() -> None:
    # The trace of a uniformly random rotation has mean 0 and variance 1; left with the signs of QR, it is far from it.
    rng = np.random.default_rng(0)
    traces = [np.trace(INITIALISERS["orthogonal"](rng, 6, 6, 1.0)) for _ in range(2000)]
    assert abs(np.mean(traces)) < 4 / math.sqrt(2000)
    assert_allclose(np.var(traces), 1, rtol=0.15)


def test_the_gain_is_the_hidden_layers_and_the_seed_the_same() -> None:
    one, four = (DeepNetwork((5, 6, 7, 3), gain=gain, seed=3).parameters for gain in (1.0, 4.0))
    assert_array_equal(four["weight_0"], 4 * one["weight_0"])
    assert_array_equal(four["weight_1"], 4 * one["weight_1"])
    assert_array_equal(four["weight_2"], one["weight_2"])
    single = DeepNetwork((5, 6, 7, 3), seed=3, dtype=np.float32).parameters
    assert all(np.array_equal(single[key], one[key].astype(np.float32)) for key in one)
    other = DeepNetwork((5, 6, 7, 3), seed=4).parameters
    assert not np.array_equal(other["weight_0"], one["weight_0"])


def test_pytorchs_default_has_biases_too() -> None:
    network = DeepNetwork((50, 4000, 2), init="torch", seed=0)
    bound = 1 / math.sqrt(50)
    bias = network.parameters["bias_0"]
    assert stats.kstest(bias, stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01
    assert np.abs(bias).max() <= bound
    assert 0 < np.abs(network.parameters["bias_1"]).max() <= 1 / math.sqrt(4000)
    theirs = torch.nn.Linear(50, 4000).bias.detach().numpy()
    assert_allclose(bias.std(), theirs.std(), rtol=0.05)


def test_a_number_for_the_bias_is_that_of_hidden_units() -> None:
    parameters = DeepNetwork((3, 4, 5, 2), bias=1.5, seed=0).parameters
    assert parameters["bias_0"].tolist() == [1.5] * 4
    assert parameters["bias_1"].tolist() == [1.5] * 5
    assert parameters["bias_2"].tolist() == [0.0] * 2


@pytest.mark.parametrize("activation", IN_TORCH)
def test_a_centred_network_takes_nothing_to_nothing(activation: str) -> None:
    nothing = np.zeros((1, 8))
    network = DeepNetwork((8, 9, 10, 4), activation, gain=3.0, bias="centred", seed=0)
    assert_allclose(network.forward(nothing), 0, atol=1e-14)
    for z in network.pre_activations:
        assert_allclose(z, 0, atol=1e-14)
    plain = DeepNetwork((8, 9, 10, 4), activation, gain=3.0, seed=0)
    at_zero = ACTIVATIONS[activation].function(0.0) if activation != "identity" else 0.0
    assert np.allclose(plain.forward(nothing), 0) == (at_zero == 0)


# ---- the figures


def signal_ratio(network: DeepNetwork, seed: int, samples: int = 100) -> tuple[float, int]:
    """Norm of the back-propagated signal in the first hidden layer, as a part of that in the last, and the steps."""
    rng = np.random.default_rng(seed)
    network.forward(rng.standard_normal((samples, network.widths[0])))
    network.backward(rng.standard_normal((samples, network.widths[-1])))
    hidden = gradient_norms(network, "signals")[:-1]
    return float(hidden[0] / hidden[-1]), len(hidden) - 1


@pytest.mark.parametrize(("layers", "expected"), [(5, 2.7e-3), (10, 2.1e-6), (20, 1.1e-12)])
def test_glorots_weights_let_the_signal_of_sigmoids_vanish(layers: int, expected: float) -> None:
    # Equal widths, standard normal input, a random signal at the logits. A layer multiplies it by 0.234: the slope,
    # at most 1/4, times weights that on average keep the length of what passes through them.
    ratios = [signal_ratio(DeepNetwork((128,) * (layers + 1) + (10,), seed=seed), seed)[0] for seed in range(4)]
    assert_allclose(ratios, expected, rtol=0.25)
    assert_allclose(np.exp(np.mean(np.log(ratios))), expected, rtol=0.1)


@pytest.mark.parametrize(
    ("activation", "gain", "expected"), [("sigmoid", 1.0, 0.234), ("sigmoid", 4.0, 0.626), ("tanh", 4.0, 1.53)]
)
def test_factor_per_layer(activation: str, gain: float, expected: float) -> None:
    factors = []
    for seed in range(4):
        ratio, steps = signal_ratio(DeepNetwork((128,) * 21 + (10,), activation, gain=gain, seed=seed), seed)
        factors.append(ratio ** (1 / steps))
    assert_allclose(factors, expected, rtol=0.05)
    assert_allclose(np.mean(factors), expected, rtol=0.015)


@pytest.mark.parametrize(
    ("init", "per_layer", "singular_value"), [("torch", 0.537, 0.48), ("glorot-uniform", 0.801, 0.72)]
)
def test_glorot_and_bengio_2010(init: str, per_layer: float, singular_value: float) -> None:
    # Five hidden tanh layers of 1000. "torch" without its biases is their standard initialisation.
    network = DeepNetwork((1000,) * 6 + (10,), "tanh", init, seed=0)
    for key, value in network.parameters.items():
        if key.startswith("bias"):
            value[...] = 0
    ratio, steps = signal_ratio(network, 0, samples=30)
    assert_allclose(ratio ** (1 / steps), per_layer, rtol=0.01)
    weights = gradient_norms(network)[1:-1]
    assert_allclose(weights / weights[0], 1, rtol=0.12)  # their figure 8: those do not shrink

    # The singular values from one hidden layer to the next hardly depend on the width; 1000 take seconds.
    narrow = DeepNetwork((300,) * 6 + (10,), "tanh", init, seed=0)
    x = np.random.default_rng(0).standard_normal((4, 300))
    means = [jacobian_singular_values(narrow, x, layer).mean() for layer in (1, 2, 3, 4)]
    assert_allclose(np.mean(means), singular_value, atol=0.012)


def test_gradient_norms_are_the_norms_of_the_weight_gradients() -> None:
    network = DeepNetwork((6, 7, 8, 3), seed=0)
    rng = np.random.default_rng(0)
    network.forward(rng.standard_normal((5, 6)))
    dlogits = rng.standard_normal((5, 3))
    network.backward(dlogits)
    norms = gradient_norms(network)
    expected = [np.linalg.norm(network.gradients()[f"weight_{i}"]) for i in range(3)]
    assert_allclose(norms, expected, rtol=1e-14)
    assert_allclose(gradient_norms(network, "signals")[-1], np.linalg.norm(dlogits), rtol=1e-14)
    # Backpropagation is linear, also where squares underflow or overflow.
    for scale in (1e-290, 1e-200, 1e200, 1e290):
        network.backward(scale * dlogits)
        assert_allclose(gradient_norms(network) / scale, norms, rtol=1e-12)
    single = DeepNetwork((6, 7, 8, 3), seed=0, dtype=np.float32)
    single.forward(rng.standard_normal((5, 6)))
    single.backward(dlogits)
    norms = gradient_norms(single)
    for scale in (1e-30, 1e30):
        single.backward(scale * dlogits)
        assert_allclose(gradient_norms(single) / scale, norms, rtol=1e-4)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu", "identity"])
def test_singular_values_are_those_of_the_jacobian(activation: str) -> None:
    network = with_random_biases(DeepNetwork((4, 6, 5, 3), activation, seed=0), 0)
    x = np.random.default_rng(1).standard_normal((3, 4))
    logits = network.forward(x)
    inputs = [torch.tensor(x), *map(torch.tensor, network.activations)]
    for layer in range(3):
        weight = torch.tensor(network.parameters[f"weight_{layer}"])
        bias = torch.tensor(network.parameters[f"bias_{layer}"])
        follow = IN_TORCH[activation] if layer < 2 else IN_TORCH["identity"]
        jacobians = torch.stack(
            [
                torch.autograd.functional.jacobian(lambda a, w=weight, b=bias, f=follow: f(F.linear(a, w, b)), a)
                for a in inputs[layer]
            ]
        )
        values = jacobian_singular_values(network, x, layer)
        assert_equal_to(values, torch.linalg.svdvals(jacobians))
        jacobian_singular_values(network, -x[:1], layer)
        assert_array_equal(network.forward(x), logits)
    network.forward(x)
    before = network.backward(np.ones((3, 3)))
    jacobian_singular_values(network, np.ones((7, 4)), 1)
    assert_array_equal(network.backward(np.ones((3, 3))), before)


def test_statistics_of_a_layer_made_by_hand() -> None:
    # Two units: z = x, and z = 20 whatever x is. The sigmoid's slope is 1% of its largest at 5.98.
    network = DeepNetwork((1, 2, 1), seed=0)
    network.load_state_dict(
        {"weight_0": [[1.0], [0.0]], "bias_0": [0.0, 20.0], "weight_1": [[1.0, 1.0]], "bias_1": [0.0]}
    )
    x = np.array([[-5.9], [0.0], [6.1]])
    network.forward(x)
    (layer,) = network.statistics()
    moving, stuck = torch.sigmoid(torch.tensor(x[:, 0])), torch.sigmoid(torch.tensor(20.0, dtype=torch.float64))
    values = torch.cat([moving, stuck.repeat(3)])
    assert_allclose(layer.mean, values.mean().item())
    assert_allclose(layer.std, values.std(correction=0).item())
    assert_allclose(layer.signal, math.sqrt(moving.var(correction=0).item() / 2))
    assert_allclose(layer.slope, (values * (1 - values)).square().mean().sqrt().item())
    assert layer.saturated == 4 / 6


def test_statistics_tell_a_dying_network_from_a_healthy_one() -> None:
    x = np.random.default_rng(0).standard_normal((200, 64))
    dying, healthy, saturated = (
        DeepNetwork((64,) * 7 + (10,), gain=gain, bias=bias, seed=0)
        for gain, bias in ((1.0, 0.0), (4.0, "centred"), (400.0, "centred"))
    )
    for network in (dying, healthy, saturated):
        network.forward(x)
    assert dying.statistics()[-1].signal < 1e-3
    assert dying.statistics()[-1].std > 0.05
    assert dying.statistics()[-1].saturated == 0
    assert 0.1 < healthy.statistics()[-1].signal < 0.3
    assert all(layer.saturated > 0.9 for layer in saturated.statistics())
    assert len(healthy.statistics()) == 6


@pytest.mark.parametrize(
    ("activation", "z", "is_saturated"),
    [
        ("relu", -0.1, 1.0),
        ("relu", 0.1, 0.0),
        ("tanh", 2.9, 0.0),
        ("tanh", 3.1, 1.0),
        ("softplus", -4.5, 0.0),
        ("softplus", -4.7, 1.0),
        ("hard_sigmoid", 2.9, 0.0),
        ("hard_sigmoid", 3.1, 1.0),
        ("leaky_relu", -9.0, 0.0),
        ("silu", -2.0, 0.0),  # its slope is negative there
        ("silu", -8.0, 1.0),
        ("identity", 50.0, 0.0),
    ],
)
def test_saturation_is_judged_by_the_activations_own_slope(activation: str, z: float, is_saturated: float) -> None:
    network = DeepNetwork((1, 1, 1), activation, seed=0)
    network.load_state_dict({"weight_0": [[1.0]], "bias_0": [0.0], "weight_1": [[1.0]], "bias_1": [0.0]})
    network.forward([[z]])
    assert network.statistics()[0].saturated == is_saturated


# ---- clipping


@searched
@given(
    gradients=st.lists(
        arrays(np.float64, array_shapes(max_dims=2, max_side=4), elements=st.floats(-1e3, 1e3)), min_size=1, max_size=4
    ),
    max_norm=st.floats(1e-2, 1e4),
)
def test_clipping_equals_pytorchs(gradients: list[np.ndarray], max_norm: float) -> None:
    leaves = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for leaf, gradient in zip(leaves, gradients, strict=True):
        leaf.grad = torch.tensor(gradient)
    theirs = torch.nn.utils.clip_grad_norm_(leaves, max_norm).item()
    norm = clip_by_norm({str(key): gradient for key, gradient in enumerate(gradients)}, max_norm)
    assert_allclose(norm, theirs, rtol=1e-14, atol=1e-150)  # below, their squares underflow
    for leaf, gradient in zip(leaves, gradients, strict=True):  # theirs divides by the norm plus 1e-6
        assert_allclose(gradient, leaf.grad.numpy(), rtol=1.1e-6 / min(max(norm, 1e-2), 1), atol=1e-300)


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1.0, 1e200, 1e308])
@pytest.mark.parametrize("max_norm", [1e-3, 1.0])
def test_clipping_is_exact_at_every_size(size: float, max_norm: float) -> None:
    gradients = {"w": np.full((3, 4), size), "b": np.full(4, -size)}
    norm = clip_by_norm(gradients, max_norm)
    assert_allclose(norm, 4 * size if size < 1e308 else math.inf, rtol=1e-14)
    if size < max_norm:
        assert gradients["w"][0, 0] == size
    else:
        assert_allclose(gradients["w"], max_norm / 4, rtol=1e-14)
        assert_allclose(gradients["b"], -max_norm / 4, rtol=1e-14)


def test_clipping_in_single_precision() -> None:
    gradients = {"w": np.full(4, 1e38, np.float32), "b": np.zeros(2, np.float32)}
    assert_allclose(clip_by_norm(gradients, 2.0), 2e38, rtol=1e-6)
    assert gradients["w"].dtype == np.float32
    assert_allclose(gradients["w"], 1.0, rtol=1e-6)


def test_a_short_gradient_is_left_alone() -> None:
    gradients = {"w": np.array([0.3, 0.4]), "nothing": np.zeros((0, 3))}
    assert clip_by_norm(gradients, 0.5) == 0.5
    assert gradients["w"].tolist() == [0.3, 0.4]
    assert clip_by_norm({}, 1.0) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_without_direction_is_refused(bad: float) -> None:
    gradients = {"fine": np.full(2, 9.0), "broken": np.array([1.0, bad])}
    with pytest.raises(FloatingPointError, match="gradient 'broken' has 1 values that are nan or infinite"):
        clip_by_norm(gradients, 1.0)
    assert gradients["fine"].tolist() == [9.0, 9.0]


@pytest.mark.parametrize("max_norm", [0.0, -1.0, np.nan, np.inf])
def test_a_norm_that_bounds_nothing_is_refused(max_norm: float) -> None:
    with pytest.raises(ValueError, match="max_norm must be finite and above 0"):
        clip_by_norm({"w": np.ones(1)}, max_norm)


# ---- losses


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_losses_equal_pytorchs(loss: str, outputs: int) -> None:
    rng = np.random.default_rng(0)
    logits, y = 3 * rng.standard_normal((20, outputs)), rng.integers(0, max(outputs, 2), 20)
    leaf = torch.tensor(logits, requires_grad=True)
    labels = torch.tensor(y)
    target = labels[:, None].double() if outputs == 1 else F.one_hot(labels, outputs).double()
    if loss == "squared-error":
        expected = F.mse_loss(torch.sigmoid(leaf), target)
    elif outputs == 1:
        expected = F.binary_cross_entropy_with_logits(leaf, target)
    else:
        expected = F.cross_entropy(leaf, labels)
    expected.backward()
    before = logits.copy()
    value, gradient = LOSSES[loss](logits, y)
    assert_allclose(value, expected.item(), rtol=1e-14)
    assert_equal_to(gradient, leaf.grad, 1e-14)
    assert_array_equal(logits, before)
    assert LOSSES[loss](logits.astype(np.float32), y)[1].dtype == np.float32


def test_a_sure_network_keeps_its_small_gradient() -> None:
    # p - 1 would be 0 here: the other class has exp(-50).
    loss, gradient = LOSSES["cross-entropy"](np.array([[50.0, 0.0]]), np.array([0]))
    assert_allclose(gradient, [[-math.exp(-50), math.exp(-50)]], rtol=1e-14)
    loss, gradient = LOSSES["cross-entropy"](np.array([[1e4, -1e4]]), np.array([1]))
    assert loss == 2e4
    assert gradient.tolist() == [[1.0, -1.0]]


def test_squared_error_goes_silent_where_cross_entropy_does_not() -> None:
    logits, y = np.array([[-30.0]]), np.array([1])
    assert abs(LOSSES["squared-error"](logits, y)[1][0, 0]) < 1e-12
    assert_allclose(LOSSES["cross-entropy"](logits, y)[1], -1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("widths", [(3, 5, 4, 1), (3, 5, 4, 3)], ids=["one", "three"])
def test_finite_differences_of_the_loss(loss: str, widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    network = with_random_biases(DeepNetwork(widths, "tanh", seed=0), 0)
    x, y = rng.standard_normal((6, 3)), rng.integers(0, max(widths[-1], 2), 6)
    network.backward(LOSSES[loss](network.forward(x), y)[1])
    for key, gradient in network.gradients().items():
        value = network.parameters[key]
        for index in np.ndindex(value.shape):
            kept, ends = value[index], []
            for step in (1e-5, -1e-5):
                value[index] = kept + step
                ends.append(LOSSES[loss](network.forward(x), y)[0])
            value[index] = kept
            assert_allclose(gradient[index], (ends[0] - ends[1]) / 2e-5, atol=1e-9)


# ---- training


def two_classes(samples: int = 150) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, samples)
    return rng.standard_normal((samples, 3)) + 1.5 * y[:, None], y


@pytest.mark.parametrize("max_norm", [None, 0.05], ids=["free", "clipped"])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_full_batch_training_is_pytorchs(rule: str, max_norm: float | None) -> None:
    x, y = two_classes()
    network = DeepNetwork((3, 8, 8, 2), "tanh", seed=0)
    reference = Reference(network)
    leaves = list(reference.parameters.values())
    ours, theirs = {
        "sgd": (SGD(0.3, momentum=0.9), torch.optim.SGD(leaves, lr=0.3, momentum=0.9)),
        "adam": (Adam(0.01), torch.optim.Adam(leaves, lr=0.01)),
    }[rule]
    losses, accuracies, norms = [], [], []
    for _ in range(25):
        theirs.zero_grad()
        logits = reference(torch.tensor(x))
        loss = F.cross_entropy(logits, torch.tensor(y))
        loss.backward()
        losses.append(loss.item())
        accuracies.append((logits.argmax(1).numpy() == y).mean())
        norms.append([reference.parameters[f"weight_{i}"].grad.norm().item() for i in range(3)])
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(leaves, max_norm)
        theirs.step()
    history = network.fit(
        x, y, optimiser=ours, epochs=25, batch_size=len(x), max_norm=max_norm, validation=(x, y), progress=False
    )
    tolerance = 1e-9 if max_norm is None else 1e-3  # PyTorch's clipping is 1e-6 short of the norm
    assert_allclose(history.loss, losses, rtol=tolerance)
    assert_allclose(history.accuracy, accuracies, atol=0 if max_norm is None else 0.01)
    assert_allclose(history.gradient_norms, norms, rtol=100 * tolerance)
    assert_allclose(history.validation_loss[:-1], losses[1:], rtol=tolerance)
    assert_allclose(history.validation_accuracy[-1], (network.predict(x) == y).mean())


def test_every_epoch_sees_every_sample_once_in_another_order() -> None:
    seen: list[np.ndarray] = []

    class Watched(DeepNetwork):
        def forward(self, x: Any) -> Any:
            seen.append(np.array(x)[:, 0])
            return super().forward(x)

    x = np.arange(10.0)[:, None] / 10
    Watched((1, 2, 2), seed=0).fit(
        x, np.arange(10) % 2, optimiser=SGD(0.1), epochs=3, batch_size=4, seed=0, progress=False
    )
    assert [len(batch) for batch in seen] == [4, 4, 2] * 3
    orders = [np.concatenate(seen[start : start + 3]) for start in (0, 3, 6)]
    for order in orders:
        assert_array_equal(np.sort(order), x[:, 0])
    assert not np.array_equal(orders[0], orders[1])


def test_history_has_means_over_the_batches() -> None:
    # With one sample many times over and no steps, every batch says the same.
    network = DeepNetwork((3, 4, 2), seed=0)
    x, y = np.ones((10, 3)), np.zeros(10, int)
    loss, dlogits = LOSSES["cross-entropy"](network.forward(x), y)
    network.backward(dlogits)
    expected = gradient_norms(network)
    history = network.fit(x, y, optimiser=SGD(0.0), epochs=2, batch_size=4, progress=False)
    assert_allclose(history.loss, loss, rtol=1e-14)
    assert_allclose(history.gradient_norms, [expected, expected], rtol=1e-14)
    assert history.accuracy == [float(network.predict(x)[0] == 0)] * 2


def test_seeds_decide_everything() -> None:
    x, y = two_classes()

    def run(seed: int) -> tuple[Any, Any]:
        network = DeepNetwork((3, 8, 2), seed=1)
        history = network.fit(x, y, optimiser=Adam(0.01), epochs=3, batch_size=32, seed=seed, progress=False)
        return history.loss, network.parameters["weight_0"]

    assert run(0)[0] == run(0)[0]
    assert_array_equal(run(0)[1], run(0)[1])
    assert run(0)[0] != run(1)[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_classes_are_learnt(loss: str, outputs: int, dtype: Any) -> None:
    x, y = two_classes()
    network = DeepNetwork((3, 8, outputs), dtype=dtype, seed=0)
    history = network.fit(x, y, loss=loss, optimiser=Adam(0.05), epochs=40, seed=0, progress=False)
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert (network.predict(x) == y).mean() > 0.9
    assert network.parameters["weight_0"].dtype == dtype
    assert history.validation_loss == history.validation_accuracy == []
    assert len(history.loss) == len(history.accuracy) == len(history.gradient_norms) == 40


class Interrupting(SGD):
    """Interrupts in the step after so many."""

    def __init__(self, after: int) -> None:
        super().__init__(0.1)
        self.left = after

    def step(self, parameters: Any, gradients: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        super().step(parameters, gradients)


def test_an_interrupted_fit_keeps_what_it_has_and_may_go_on() -> None:
    x, y = two_classes(128)
    data = {"batch_size": 32, "seed": 0, "progress": False, "validation": (x, y)}
    network, whole = DeepNetwork((3, 8, 2), seed=0), DeepNetwork((3, 8, 2), seed=0)
    with pytest.raises(KeyboardInterrupt):
        network.fit(x, y, optimiser=Interrupting(after=10), epochs=9, **data)  # type: ignore[arg-type]
    full = whole.fit(x, y, optimiser=SGD(0.1), epochs=9, **data)  # type: ignore[arg-type]
    history = network.history
    assert history is not None
    assert history.loss == full.loss[:2]
    assert history.validation_accuracy == full.validation_accuracy[:2]
    assert len(history.gradient_norms) == 2
    assert set(network.predict(x).tolist()) <= {0, 1}
    again = network.fit(x, y, optimiser=SGD(0.1), epochs=30, **data)  # type: ignore[arg-type]
    assert again.loss[-1] < history.loss[-1]
    assert network.history is again


def test_divergence_stops_with_finite_parameters() -> None:
    x, y = two_classes()
    network = DeepNetwork((3, 8, 8, 2), "relu", seed=0)
    with pytest.raises(FloatingPointError, match=r"training has diverged: in step \d+ of epoch \d+ .* below 1e\+200"):
        network.fit(x, y, optimiser=SGD(1e200), epochs=50, batch_size=32, seed=0, progress=False)
    assert all(np.isfinite(value).all() for value in network.parameters.values())
    assert network.history is not None
    assert np.isfinite(network.history.loss).all()


def test_a_gradient_beyond_all_numbers_stops_although_the_loss_is_one() -> None:
    network = DeepNetwork((1, 1, 1, 2), "identity", seed=0)
    start = {key: np.zeros_like(value) for key, value in network.parameters.items()}
    start |= {"weight_0": [[1e-300]], "weight_1": [[1e200]], "weight_2": [[1e200], [0.0]]}
    network.load_state_dict(start)
    with pytest.raises(FloatingPointError, match=r"the loss is 1e\+100 and the largest norm of a weight gradient inf"):
        network.fit([[1.0]], [1], optimiser=SGD(0.1), epochs=1, progress=False)
    assert network.parameters["weight_0"] == 1e-300


def test_progress_goes_to_standard_error_or_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = two_classes()
    fit = {"epochs": 3, "seed": 0}
    DeepNetwork((3, 4, 2), seed=0).fit(x, y, optimiser=SGD(0.1), progress=False, **fit)  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "")
    DeepNetwork((3, 4, 2), seed=0).fit(x, y, optimiser=SGD(0.1), validation=(x, y), **fit)  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "loss 0." in err
    assert "validation 0." in " ".join(err.split())


@pytest.fixture(scope="module")
def digits() -> Any:
    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
    scaler = StandardScaler().fit(x)
    return scaler.transform(x), y, scaler.transform(x_test), y_test


def test_six_sigmoid_layers_learn_or_do_not(digits: Any) -> None:
    x, y, x_test, y_test = digits

    def accuracy(seed: int, **start: Any) -> float:
        network = DeepNetwork((64,) * 7 + (10,), seed=seed, **start)
        with threadpool_limits(1):  # small products only wait for each other's threads
            network.fit(x, y, optimiser=SGD(1.0), epochs=30, seed=seed, progress=False)
        return float((network.predict(x_test) == y_test).mean())

    assert np.mean([accuracy(seed, gain=4.0, bias="centred") for seed in (0, 1)]) >= 0.95
    assert accuracy(0) < 0.12
    assert accuracy(0, init="torch") < 0.12


# ---- what is refused

X, Y = np.ones((4, 3)), np.array([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": (3,)}, "widths must be two or more whole numbers of at least 1"),
        ({"widths": (3, 0, 2)}, "widths must be .* not "),
        ({"widths": (3, 2.5)}, "widths must be .* not "),
        ({"activation": "logit"}, "there is no activation 'logit'; choose one of sigmoid, tanh, .* identity"),
        ({"init": "xavier"}, "there is no init 'xavier'; choose one of lecun-normal"),
        ({"gain": -1.0}, r"gain must be finite and at least 0, not -1\.0"),
        ({"gain": np.inf}, "gain must be finite"),
        ({"bias": "centered"}, "bias must be a finite number or \"centred\", not 'centered'"),
        ({"bias": np.nan}, "bias must be a finite number"),
        ({"dtype": np.float16}, "dtype must be float32 or float64, not float16"),
        ({"dtype": int}, "dtype must be float32 or float64, not int64"),
    ],
)
def test_networks_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeepNetwork(**{"widths": (3, 4, 2), **arguments})


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, r"forward: x must have shape \(N, 3\), .* not \(3,\)", lambda n: n.forward([1.0, 2.0, 3.0])),
        (ValueError, r"predict: x must have shape \(N, 3\), .* not \(1, 2\)", lambda n: n.predict([[1.0, 2.0]])),
        (TypeError, "forward: x must hold real numbers, not complex", lambda n: n.forward(X * 1j)),
        (TypeError, "forward: x must hold real numbers, not <U1", lambda n: n.forward([["a", "b", "c"]])),
        (RuntimeError, "backward: call forward first", lambda n: n.backward(np.ones((4, 2)))),
        (RuntimeError, "statistics: call forward first", lambda n: n.statistics()),
        (RuntimeError, "gradients: call forward and backward first", lambda n: n.gradients()),
        (RuntimeError, "gradients: call forward and backward first", lambda n: gradient_norms(n)),
        (ValueError, 'of must be "weights" or "signals", not "?\'bias', lambda n: gradient_norms(n, "bias")),
        (
            ValueError,
            r"dlogits has shape \(4,\), the logits \(4, 2\)",
            lambda n: (n.forward(X), n.backward(np.ones(4))),
        ),
        (ValueError, "the last forward had no samples", lambda n: (n.forward(np.ones((0, 3))), n.statistics())),
        (ValueError, "layer must be a whole number from 0 to 1, not 2", lambda n: jacobian_singular_values(n, X, 2)),
        (ValueError, "layer must be .* not -1", lambda n: jacobian_singular_values(n, X, -1)),
        (ValueError, r"cross-entropy: y has shape \(1,\); for 4", lambda n: LOSSES["cross-entropy"](X, Y[:1])),
        (ValueError, "squared-error: y has no samples", lambda n: LOSSES["squared-error"](X[:0], Y[:0])),
    ],
)
def test_calls_that_cannot_be_are_refused(error: Any, message: str, call: Callable[[DeepNetwork], Any]) -> None:
    with pytest.raises(error, match=message):
        call(DeepNetwork((3, 4, 2), seed=0))


@pytest.mark.parametrize(
    ("error", "message", "change"),
    [
        (ValueError, r"fit: y has shape \(2,\); for 4 samples it must be \(4,\)", {"y": Y[:2]}),
        (ValueError, "fit: y must be from 0 to 1, found 2", {"y": [0, 1, 2, 0]}),
        (ValueError, "fit: y must be from 0 to 1, found -1", {"y": [0, 1, -1, 0]}),
        (TypeError, r"fit: y must hold classes as integers, not float64; convert", {"y": [0.0, 1.0, 0.0, 1.0]}),
        (ValueError, "fit: y has no samples", {"x": X[:0], "y": Y[:0]}),
        (ValueError, "fit: x has 1 values that are nan", {"x": np.where(np.arange(12).reshape(4, 3) == 5, np.nan, X)}),
        (ValueError, r"fit: x must have shape \(N, 3\)", {"x": X[:, :2]}),
        (ValueError, "there is no loss 'hinge'; choose one of cross-entropy, squared-error", {"loss": "hinge"}),
        (ValueError, "epochs and batch_size must be at least 1, not 0 and 64", {"epochs": 0}),
        (ValueError, "epochs and batch_size must be at least 1, not 1 and 0", {"batch_size": 0}),
        (ValueError, "fit: max_norm must be finite and above 0, not 0", {"max_norm": 0}),
        (ValueError, r"fit: validation's y has shape \(2,\); for 4", {"validation": (X, Y[:2])}),
        (ValueError, "fit: validation's x has 12 values that are nan or infinite", {"validation": (X * np.inf, Y)}),
    ],
)
def test_fits_that_cannot_be_are_refused_before_a_step(error: Any, message: str, change: dict[str, Any]) -> None:
    network = DeepNetwork((3, 4, 2), seed=0)
    before = network.state_dict()
    with pytest.raises(error, match=message):
        network.fit(**{"x": X, "y": Y, "optimiser": SGD(0.1), "epochs": 1, "progress": False, **change})
    assert all(np.array_equal(network.parameters[key], before[key]) for key in before)
