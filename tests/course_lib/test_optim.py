"""The optimisers against torch.optim."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.optim import SGD, Adam

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("error")

# ours, and the same of PyTorch
PAIRS = {
    "sgd": (lambda: SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (lambda: SGD(0.01, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
    "adam": (Adam, torch.optim.Adam),
    "adam, all given": (
        lambda: Adam(0.05, betas=(0.5, 0.9), eps=1e-3),
        lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.5, 0.9), eps=1e-3),
    ),
    "adam, no memory": (
        lambda: Adam(0.01, betas=(0.0, 0.0)),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.0, 0.0)),
    ),
}
each_rule = pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
both = pytest.mark.parametrize("rule", [SGD, Adam])

SHAPES = {"weight": (4, 3), "bias": (4,), "scale": (), "nothing": (0, 2)}


def start(dtype: Any, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {key: np.array(rng.standard_normal(shape), dtype) for key, shape in SHAPES.items()}


@each_rule
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)], ids=["f64", "f32"])
def test_a_thousand_steps_end_where_those_of_pytorch_do(ours: Any, theirs: Any, dtype: Any, tolerance: float) -> None:
    parameters = start(dtype)
    leaves = {key: torch.tensor(value.copy(), requires_grad=True) for key, value in parameters.items()}
    optimiser, reference = ours(), theirs(list(leaves.values()))
    rng = np.random.default_rng(1)
    for step in range(1000):
        # sizes as different as those of a deep network's layers
        gradients = {
            key: np.array(10.0 ** rng.uniform(-12, 2) * rng.standard_normal(shape), dtype)
            for key, shape in SHAPES.items()
        }
        if step == 500:  # a schedule
            optimiser.learning_rate *= 0.1
            reference.param_groups[0]["lr"] *= 0.1
        optimiser.step(parameters, gradients)
        for key, leaf in leaves.items():
            leaf.grad = torch.tensor(gradients[key])
        reference.step()
    for key, leaf in leaves.items():
        assert parameters[key].dtype == dtype
        assert_allclose(parameters[key], leaf.detach().numpy(), rtol=tolerance, atol=tolerance)


NUMBERS = st.floats(-1e100, 1e100) | st.sampled_from([0.0, 1e-300, 5e-324])


@each_rule
@settings(deadline=None, max_examples=40)
@given(
    data=st.data(),
    shape=array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    steps=st.integers(1, 4),
)
def test_any_shape_and_size_of_gradient(ours: Any, theirs: Any, data: Any, shape: Any, steps: int) -> None:
    value = data.draw(arrays(np.float64, shape, elements=st.floats(-10, 10)))
    leaf = torch.tensor(value.copy(), requires_grad=True)
    optimiser, reference = ours(), theirs([leaf])
    for _ in range(steps):
        gradient = data.draw(arrays(np.float64, shape, elements=NUMBERS))
        optimiser.step({"w": value}, {"w": gradient})
        leaf.grad = torch.tensor(gradient)
        reference.step()
    assert_allclose(value, leaf.detach().numpy(), rtol=1e-12, atol=1e-12)


@both
def test_a_step_is_in_place_and_leaves_the_gradient(rule: Any) -> None:
    parameters = {"here": np.ones((2, 2)), "there": np.ones(3)}
    arrays_before, gradients = dict(parameters), {"here": np.full((2, 2), 0.5), "there": np.zeros(3)}
    rule(0.1).step(parameters, gradients)
    assert all(parameters[key] is arrays_before[key] for key in parameters)
    assert_array_equal(gradients["here"], np.full((2, 2), 0.5))
    assert (parameters["here"] < 1).all()
    assert_array_equal(parameters["there"], np.ones(3))


@both
def test_views_and_other_orders_are_written_through(rule: Any) -> None:
    table = np.zeros((3, 4))
    gradient = np.arange(12.0).reshape(4, 3) + 1
    rule(0.1).step({"w": table.T}, {"w": gradient})
    plain = np.zeros((4, 3))
    rule(0.1).step({"w": plain}, {"w": gradient})
    assert_array_equal(table.T, plain)
    assert (table < 0).all()


def test_memory_belongs_to_the_key_not_to_the_place() -> None:
    together, apart = SGD(0.1, momentum=0.5), SGD(0.1, momentum=0.5)
    one, two = {"a": np.zeros(1), "b": np.zeros(1)}, {"b": np.zeros(1), "a": np.zeros(1)}
    for key in ("a", "b", "a"):
        gradients = {"a": np.zeros(1), "b": np.zeros(1)} | {key: np.ones(1)}
        together.step(one, gradients)
        apart.step({k: two[k] for k in ("b", "a")}, gradients)
    assert one == two
    # 0.1, then half of its velocity goes on, then 1 + 1/4
    assert_allclose(one["a"], -0.1 * (1 + 0.5 + 1.25))
    assert_allclose(one["b"], -0.1 * (1 + 0.5))


def test_a_learning_rate_of_nothing_moves_nothing() -> None:
    for optimiser in (SGD(0.0), Adam(0.0)):
        w = np.ones(2)
        optimiser.step({"w": w}, {"w": np.ones(2)})
        assert_array_equal(w, np.ones(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "SGD: learning_rate must be finite and at least 0, not -0.1"),
        (lambda: SGD(np.nan), "SGD: learning_rate must be finite"),
        (lambda: SGD(0.1, momentum=1.0), "SGD: momentum must be at least 0 and below 1, not 1.0"),
        (lambda: SGD(0.1, momentum=-0.5), "SGD: momentum must be at least 0"),
        (lambda: Adam(np.inf), "Adam: learning_rate must be finite"),
        (lambda: Adam(betas=(0.9, 1.0)), "Adam: each of betas must be at least 0 and below 1, not 1.0"),
        (lambda: Adam(betas=(0.9,)), "Adam: betas must be two numbers, not 1"),  # type: ignore[arg-type]
        (lambda: Adam(eps=-1e-8), "Adam: eps must be finite and at least 0, not -1e-08"),
    ],
)
def test_numbers_out_of_range_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@both
@pytest.mark.parametrize(
    ("parameter", "gradients", "error", "message"),
    [
        (np.ones(2), {}, ValueError, "no gradient for 'w'; parameters and gradients must have the same keys"),
        (np.ones(2), {"w": np.ones(2), "v": np.ones(2)}, ValueError, "a gradient for 'v', which is no parameter"),
        (np.ones(2), {"v": np.ones(2)}, ValueError, "no gradient for 'w' and a gradient for 'v', which"),
        (np.ones((2, 2)), {"w": np.ones(2)}, ValueError, r"gradient 'w' has shape \(2,\), its parameter \(2, 2\)"),
        (np.ones(2), {"w": [1.0, 1.0]}, TypeError, "gradient 'w' must be a NumPy array of floating.*, not list"),
        (np.ones(2), {"w": np.ones(2, int)}, TypeError, "gradient 'w' must be .*, not int64"),
        (np.ones(2, int), {"w": np.ones(2)}, TypeError, "parameter 'w' must be .*, not int64"),
        (read_only(np.ones(2)), {"w": np.ones(2)}, ValueError, "parameter 'w' is read-only; give a copy"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_moves(
    rule: Any, parameter: Any, gradients: Any, error: Any, message: str
) -> None:
    optimiser = rule(0.1)
    first = np.ones(3)
    before = parameter.copy()
    with pytest.raises(error, match=message):
        optimiser.step({"first": first, "w": parameter}, {"first": np.ones(3), **gradients})
    assert_array_equal(first, np.ones(3))
    assert_array_equal(parameter, before)


@both
def test_one_optimiser_does_not_serve_two_models(rule: Any) -> None:
    optimiser = rule(0.1)
    optimiser.step({"w": np.ones(2)}, {"w": np.ones(2)})
    for other in (np.ones(3), np.ones(2, np.float32)):
        with pytest.raises(ValueError, match=r"parameter 'w' is .* but was float64 of shape .2,. before; make one"):
            optimiser.step({"w": other}, {"w": np.ones_like(other)})


@both
def test_a_rate_changed_to_nonsense_is_refused(rule: Any) -> None:
    optimiser = rule(0.1)
    optimiser.learning_rate = -1.0
    with pytest.raises(ValueError, match=r"learning_rate must be finite and at least 0, not -1\.0"):
        optimiser.step({"w": np.ones(2)}, {"w": np.ones(2)})
