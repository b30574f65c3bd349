"""AdaptiveSigmoid against mpmath, PyTorch's numerical gradients, and scikit-learn's logistic regression."""

import copy
import warnings
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.testing import assert_allclose

from course_lib.logistic import LogisticRegression

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.autograd import grad, gradcheck, gradgradcheck  # noqa: E402
from torch.func import functional_call, hessian, jvp, vmap  # noqa: E402
from torch.func import grad as func_grad  # noqa: E402

from course_lib.frameworks.torch import AdaptiveSigmoid, sigmoid  # noqa: E402

# PyTorch's forward mode and its compiler load parts of PyTorch that PyTorch itself has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.*deprecated:DeprecationWarning")

FAR = [-700.0, -300.0, -37.0, -3.0, -1e-3, 0.0, 0.5, 2.0, 17.0, 40.0, 300.0, 700.0]


@pytest.fixture(autouse=True)
def _single_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _derivative(x: float, order: int) -> float:
    """By 300 digits."""
    with mp.workdps(700):
        s = 1 / (1 + mp.exp(-mpf(x)))
        p = s * (1 - s)
        return float([s, p, p * (1 - 2 * s), p * (1 - 6 * s + 6 * s**2)][order])


def _values(function: Any, x: Any, order: int) -> Any:
    y = function(x)
    for _ in range(order):
        (y,) = grad(y.sum(), x, create_graph=True)
    return y.detach().numpy()


# The gradient


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_derivatives_keep_their_tails(order: int) -> None:
    x = torch.tensor(FAR, dtype=torch.float64, requires_grad=True)
    # The second derivative is 0 at 0, and the third at +-1.3: near there terms cancel.
    assert_allclose(
        _values(sigmoid, x, order), [_derivative(v, order) for v in FAR], rtol=1e-14 if order < 2 else 1e-13
    )
    if order == 1:  # what this is for
        assert (_values(torch.sigmoid, x, order)[-3:] == 0).all()


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-6), (torch.bfloat16, 0.02), (torch.float16, 2e-3)])
def test_tails_in_narrow_floats(dtype: Any, rtol: float) -> None:
    # Where the slope is neither subnormal nor 0.
    far = [
        v for v in (-87.0, -40.0, -9.0, -1.0, 0.0, 1.0, 9.0, 17.0, 40.0, 87.0) if dtype != torch.float16 or abs(v) < 9.5
    ]
    x = torch.tensor(far, dtype=dtype, requires_grad=True)
    (slope,) = grad(sigmoid(x).sum(), x)
    assert slope.dtype == dtype
    assert_allclose(slope.double().numpy(), [_derivative(v, 1) for v in far], rtol=rtol)


def test_ends_and_nan() -> None:
    x = torch.tensor([-torch.inf, torch.inf, torch.nan], requires_grad=True)
    y = sigmoid(x)
    assert y[:2].tolist() == [0, 1]
    (slope,) = grad(y.sum(), x)
    assert slope[:2].tolist() == [0, 0]
    assert slope.isnan().tolist() == y.isnan().tolist() == [False, False, True]


def test_gradcheck_of_the_function() -> None:
    x = torch.tensor([-20.0, -3.0, -0.5, 0.0, 0.7, 5.0], dtype=torch.float64, requires_grad=True)
    assert gradcheck(sigmoid, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    assert gradgradcheck(sigmoid, x, check_fwd_over_rev=True, check_rev_over_rev=True)


@pytest.mark.parametrize("num_features", [None, 3])
def test_gradcheck_of_the_module(num_features: int | None) -> None:
    layer = AdaptiveSigmoid(num_features, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    x, slope, shift = (
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((4, 3), layer.slope.shape, layer.shift.shape)
    )

    def call(x: Any, slope: Any, shift: Any) -> Any:
        return functional_call(layer, {"slope": slope, "shift": shift}, (x,))

    assert gradcheck(call, (x, slope, shift), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(call, (x, slope, shift), check_fwd_over_rev=True)


def test_functional_transforms() -> None:
    x = torch.tensor(FAR[1:-1], dtype=torch.float64)
    assert_allclose(vmap(func_grad(sigmoid))(x).numpy(), [_derivative(v, 1) for v in x.tolist()], rtol=1e-14)
    twice = vmap(func_grad(func_grad(sigmoid)))(x)
    second = [_derivative(v, 2) for v in x.tolist()]
    assert_allclose(twice.numpy(), second, rtol=1e-12)
    assert_allclose(hessian(lambda t: sigmoid(t).sum())(x).diagonal().numpy(), second, rtol=1e-12)
    assert_allclose(
        jvp(sigmoid, (x,), (2 * torch.ones_like(x),))[1].numpy(), [2 * _derivative(v, 1) for v in x.tolist()]
    )
    layer = AdaptiveSigmoid(3)
    x = torch.linspace(-2, 2, 12).reshape(4, 3)
    # Gradients of every sample apart.
    apart = vmap(func_grad(lambda p, row: functional_call(layer, p, (row,)).sum()), (None, 0))(
        {name: p.detach() for name, p in layer.named_parameters()}, x
    )
    layer(x).sum().backward()
    assert_allclose(apart["slope"].sum(0).numpy(), layer.slope.grad.numpy(), rtol=1e-6)
    assert apart["shift"].shape == (4, 3)


# The module


def test_slope_and_shift() -> None:
    x = torch.tensor([[-1.0, 0.0, 3.0], [2.0, 5.0, -40.0]], dtype=torch.float64)
    layer = AdaptiveSigmoid(3, dtype=torch.float64)
    layer.load_state_dict({"slope": torch.tensor([2.0, -1.0, 0.5]), "shift": torch.tensor([0.0, 1.0, 3.0])})
    z = [[-2.0, 1.0, 0.0], [4.0, -4.0, -21.5]]
    assert_allclose(layer(x).detach().numpy(), [[_derivative(v, 0) for v in row] for row in z], rtol=1e-15)
    assert_allclose(layer(x[0]).detach().numpy(), layer(x)[0].detach().numpy(), rtol=0)
    one = AdaptiveSigmoid(slope=2.0, shift=1.0)
    for shape in ((), (0,), (5,), (2, 3, 4)):
        y = one(torch.full(shape, 1.0))
        assert y.shape == shape
        assert (y == 0.5).all()
    assert AdaptiveSigmoid(3)(torch.zeros(2, 0, 3)).shape == (2, 0, 3)


def test_learns_what_a_logistic_regression_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(1, 2, 400)
    y = rng.random(400) < 1 / (1 + np.exp(-1.5 * (x - 0.7)))
    model = LogisticRegression(C=np.inf).fit(x[:, np.newaxis], y)
    layer = AdaptiveSigmoid(dtype=torch.float64)
    optimiser = torch.optim.LBFGS(
        layer.parameters(), max_iter=100, tolerance_grad=1e-10, tolerance_change=0, line_search_fn="strong_wolfe"
    )
    inputs, target = torch.tensor(x), torch.tensor(y, dtype=torch.float64)

    def loss() -> Any:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy(layer(inputs), target)
        value.backward()
        return value

    optimiser.step(loss)
    assert_allclose(layer.slope.item(), model.coef_[0, 0], rtol=1e-4)
    assert_allclose(layer.shift.item(), -model.intercept_[0] / model.coef_[0, 0], rtol=1e-4)


def test_learns_from_a_saturated_start() -> None:
    """At 20 and more the gradient of torch.sigmoid is exactly 0, so that nothing would move."""
    layer = AdaptiveSigmoid(slope=2.0)
    layer(torch.tensor([10.0, 20.0])).sum().backward()
    assert layer.shift.grad.item() < 0 < layer.slope.grad.item()


@pytest.mark.parametrize("num_features", [None, 4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_output_has_the_dtype_of_the_input(dtype: Any, num_features: int | None) -> None:
    generator = torch.Generator().manual_seed(1)
    x = 4 * torch.randn(50, 4, generator=generator).to(dtype)
    layer = AdaptiveSigmoid(num_features, slope=1.3, shift=0.2)
    y = layer(x)
    assert y.dtype == dtype
    exact = torch.sigmoid(layer.slope.double() * (x.double() - layer.shift.double()))
    # Half precision is rounded once.
    ulps, limits = 0.501 if dtype != torch.float32 else 8, torch.finfo(dtype)
    tolerance = {"rtol": ulps * limits.eps, "atol": ulps * limits.eps * limits.smallest_normal}
    assert_allclose(y.detach().double().numpy(), exact.detach().numpy(), **tolerance)
    y.sum().backward()
    assert layer.slope.grad.dtype == torch.float32
    half = AdaptiveSigmoid(num_features, slope=1.25, shift=0.25, dtype=dtype)
    assert half(x).dtype == half.slope.dtype == dtype
    assert half(x.double()).dtype == torch.float64
    assert half(torch.tensor([[0, 1, 2, 3]])).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast(dtype: Any) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), AdaptiveSigmoid(2))
    x = torch.linspace(-3, 3, 12).reshape(4, 3)
    with torch.autocast("cpu", dtype=dtype):
        y = net(x)
        (2 * y).sum().backward()
    assert y.dtype == dtype
    assert_allclose(y.detach().float().numpy(), net(x).detach().numpy(), rtol=10 * torch.finfo(dtype).eps)
    assert {p.grad.dtype for p in net.parameters()} == {torch.float32}
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_state_repr_and_reset() -> None:
    layer = AdaptiveSigmoid(2, slope=3.0, shift=-1.0)
    assert list(layer.state_dict()) == ["slope", "shift"]
    assert repr(layer) == "AdaptiveSigmoid(num_features=2, slope=3.0, shift=-1.0)"
    assert repr(AdaptiveSigmoid()) == "AdaptiveSigmoid(slope=1.0, shift=0.0)"
    with torch.no_grad():
        layer.slope.add_(1.0)
    other = AdaptiveSigmoid(2)
    assert other.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2)
    assert torch.equal(other(x), layer(x))
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))
    layer.reset_parameters()
    assert layer.slope.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="size mismatch"):
        AdaptiveSigmoid(3).load_state_dict(layer.state_dict())


def test_device_and_dtype_of_the_parameters() -> None:
    layer = AdaptiveSigmoid(2, device="meta", dtype=torch.float64)
    assert layer.slope.device.type == "meta"
    assert layer.slope.dtype == torch.float64
    assert layer(torch.zeros(7, 2, device="meta")).shape == (7, 2)
    made = layer.to_empty(device="cpu")
    made.reset_parameters()
    assert made(torch.zeros(1, 2)).tolist() == [[0.5, 0.5]]


# Compiled


@pytest.fixture
def _fresh_compiler() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch about itself, while the compiler loads
        import torch._dynamo.testing
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.parametrize("num_features", [None, 3])
def test_compiles_whole_and_once(num_features: int | None) -> None:
    """Traced, differentiated and run as graphs; only the generation of machine code is left out."""
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    layer = AdaptiveSigmoid(num_features, slope=2.0)
    compiled = torch.compile(layer, backend=counter, fullgraph=True, dynamic=True)
    for rows in (4, 4, 9, 30):
        x = torch.linspace(-43, 43, 3 * rows).reshape(rows, 3).requires_grad_()
        with torch.no_grad():
            x[0] = torch.tensor([0.0, 20.0, 43.0])
        y = compiled(x)
        gradients = grad(y.sum(), [x, *layer.parameters()])
        expected = layer(x)
        assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-6)
        for found, wanted in zip(gradients, grad(expected.sum(), [x, *layer.parameters()]), strict=True):
            assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)  # sums in which terms cancel
        # exp(-86), and at 0 the slope times 1/4, exactly.
        assert_allclose(gradients[0][0, [0, 2]].numpy(), [0.5, 2 * _derivative(86, 1)], rtol=1e-5)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("_fresh_compiler")
def test_compiles_under_autocast() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), AdaptiveSigmoid(2))
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    x = torch.linspace(-3, 3, 12).reshape(4, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(compiled(x), net(x))


# What is refused


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_features": 0}, ValueError, "num_features is 0, but must be at least 1"),
        ({"num_features": 2.0}, TypeError, "num_features must be an integer or None, not 2.0"),
        ({"num_features": True}, TypeError, "num_features must be an integer or None, not True"),
        ({"slope": float("nan")}, ValueError, "slope must be finite, not nan"),
        ({"shift": float("inf")}, ValueError, "shift must be finite, not inf"),
        ({"dtype": torch.int64}, TypeError, r"dtype must be a real floating type, not torch\.int64"),
        ({"dtype": torch.complex64}, TypeError, r"dtype must be a real floating type, not torch\.complex64"),
    ],
)
def test_arguments_that_mean_nothing(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"AdaptiveSigmoid: {message}"):
        AdaptiveSigmoid(**arguments)


def test_input_of_another_kind() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 4\), but its last dimension must be num_features = 3.*movedim"):
        AdaptiveSigmoid(3)(torch.zeros(3, 4))
    with pytest.raises(ValueError, match=r"shape \(\)"):
        AdaptiveSigmoid(1)(torch.tensor(0.0))
    with pytest.raises(TypeError, match=r"must be real, not torch\.complex64"):
        AdaptiveSigmoid()(torch.zeros(2, dtype=torch.complex64))
