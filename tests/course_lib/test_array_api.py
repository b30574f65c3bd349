"""Activations and losses on every array library at hand: NumPy, array-api-strict on two devices, PyTorch, CuPy.

array-api-strict has the functions of the standard and nothing else, and refuses arrays of two devices in one
call, so it finds what only NumPy would let pass.
"""

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import array_api_compat
import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib import activations, gpu, losses
from course_lib.measure import EXACT, ulp_error

pytestmark = pytest.mark.filterwarnings("error")


class Library:
    """An array library and a device, with the way there and back."""

    def __init__(self, name: str, xp: Any, device: Any, to_numpy: Callable[[Any], np.ndarray]) -> None:
        self.name, self.xp, self.device, self.to_numpy = name, xp, device, to_numpy

    def array(self, values: Any, dtype: str = "float64") -> Any:
        return self.xp.asarray(np.asarray(values, dtype).tolist(), dtype=getattr(self.xp, dtype), device=self.device)

    def __repr__(self) -> str:
        return self.name


def _numpy() -> Library:
    return Library("numpy", np, "cpu", np.asarray)


def _strict(device: str) -> Library:
    def to_numpy(array: Any) -> np.ndarray:
        return np.asarray(array.to_device(array_api_strict.Device("CPU_DEVICE")))

    return Library("array_api_strict", array_api_strict, array_api_strict.Device(device), to_numpy)


def _torch() -> Library:
    torch = pytest.importorskip("torch")
    xp = array_api_compat.array_namespace(torch.zeros(1))
    return Library("torch", xp, "cpu", lambda array: array.numpy())


def _cupy() -> Library:
    import cupy

    return Library("cupy", array_api_compat.array_namespace(cupy.zeros(1)), None, cupy.asnumpy)


def _has_gpu() -> bool:
    # CuPy imports without a GPU, and fails later.
    return importlib.util.find_spec("cupy") is not None and bool(importlib.import_module("cupy").is_available())


LIBRARIES = {
    "numpy": _numpy,
    "array_api_strict": lambda: _strict("CPU_DEVICE"),
    "array_api_strict, second device": lambda: _strict("device1"),
    "torch": _torch,
}
if _has_gpu():
    LIBRARIES["cupy"] = _cupy
FUNCTIONS = sorted(set(activations.__all__) - {"ACTIVATIONS", "Activation"})
LOSSES = sorted(losses.__all__)


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    return LIBRARIES[request.param]()


def test_cupy_is_among_the_libraries() -> None:
    if "cupy" not in LIBRARIES:
        pytest.skip("no GPU that CuPy can use: these tests ran on the other libraries")


each_function = pytest.mark.parametrize("name", FUNCTIONS)
each_loss = pytest.mark.parametrize("name", LOSSES)


def _points(name: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    if name.startswith("logit"):
        return np.concatenate(
            [rng.uniform(0, 1, 300), 0.5 + rng.uniform(-1e-8, 1e-8, 50), np.geomspace(1e-300, 0.1, 50)]
        )
    return np.concatenate([rng.uniform(-40, 40, 300), rng.uniform(-2, 2, 300), rng.uniform(-745, -700, 50)])


@each_function
def test_value_against_mpmath(name: str, library: Library) -> None:
    x = _points(name)
    with np.errstate(all="raise"):
        y = getattr(activations, name)(library.array(x))
    # One more ulp than with NumPy: exp and its kin of other libraries have errors of up to one ulp.
    assert ulp_error(library.to_numpy(y), EXACT[name], x).max() <= 5


@each_function
def test_the_generic_formula_and_the_blocks_of_numpy_agree(name: str) -> None:
    # array-api-strict computes with NumPy, so nothing but the way through the code is different.
    x = _points(name)
    generic = getattr(activations, name)(array_api_strict.asarray(x))
    assert_array_equal(np.asarray(generic), getattr(activations, name)(x))


@each_function
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3, 4)])
def test_shape_dtype_and_device_are_kept(name: str, dtype: str, shape: tuple[int, ...], library: Library) -> None:
    x = library.xp.reshape(library.array(np.linspace(0.1, 0.9, math.prod(shape)), dtype), shape)
    y = getattr(activations, name)(x)
    assert tuple(y.shape) == shape
    assert y.dtype == getattr(library.xp, dtype)
    assert array_api_compat.device(y) == array_api_compat.device(x)
    if shape or library.name != "numpy":
        assert type(y) is type(x)


@each_function
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_integers_and_booleans_become_float64(name: str, dtype: str, library: Library) -> None:
    y = getattr(activations, name)(library.array([0, 1, 1, 0], dtype))
    assert y.dtype == library.xp.float64
    assert_allclose(library.to_numpy(y), getattr(activations, name)([0.0, 1.0, 1.0, 0.0]), rtol=1e-15)


@each_function
def test_nan_infinities_and_zeros(name: str, library: Library) -> None:
    x = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, 1e300, -1e300]
    with np.errstate(all="raise"):
        y = getattr(activations, name)(library.array(x))
    assert_allclose(library.to_numpy(y), getattr(activations, name)(np.array(x)), rtol=1e-15)


@each_function
def test_complex_numbers_are_refused(name: str, library: Library) -> None:
    x = library.xp.asarray([1 + 0j], device=library.device)
    with pytest.raises(TypeError, match=f"^{name} takes .*, not .*complex"):
        getattr(activations, name)(x)


@each_function
def test_out_is_for_numpy_and_the_kernels_on_a_card(name: str, library: Library) -> None:
    x = library.array([0.25, 0.5])
    if library.name == "numpy" or (library.name == "cupy" and name in gpu.KERNELS):
        assert getattr(activations, name)(x, out=x) is x
    else:
        with pytest.raises(TypeError, match=f"^{name}: out is for NumPy arrays"):
            getattr(activations, name)(x, out=x)


def test_half_precision_stays_half_precision_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = torch.linspace(-20, 20, 801, dtype=torch.float16)
    for name in FUNCTIONS:
        y = getattr(activations, name)(x)
        assert y.dtype == torch.float16
        assert_array_equal(y.numpy(), getattr(activations, name)(x.numpy()))
    assert activations.sigmoid(x.bfloat16()).dtype == torch.bfloat16


def test_gradients_flow_through_the_formulas_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for name in set(FUNCTIONS) & {f.removesuffix("_derivative") for f in FUNCTIONS if f.endswith("_derivative")}:
        x = torch.linspace(0.05, 0.95, 19, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(getattr(activations, name)(x).sum(), x)
        expected = getattr(activations, f"{name}_derivative")(x.detach().numpy())
        assert_allclose(slope.numpy(), expected, rtol=1e-13, err_msg=name)


SMOOTH = {"sigmoid", "log_sigmoid", "softplus", "tanh", "elu", "gelu", "silu", "hard_sigmoid"}


def test_a_smooth_functions_gradient_in_pytorch_is_right_at_zero_too() -> None:
    """There abs and minimum have corners, and automatic differentiation follows the formula, not the function."""
    torch = pytest.importorskip("torch")
    second = {"sigmoid_derivative": 0.0, "tanh_derivative": 0.0, "softplus_derivative": 0.25}
    second |= {"log_sigmoid_derivative": -0.25, "silu_derivative": 0.5, "gelu_derivative": 2 / math.sqrt(2 * math.pi)}
    slopes = {name: float(getattr(activations, f"{name}_derivative")(0.0)) for name in SMOOTH} | second
    for name, expected in slopes.items():
        for zero in (0.0, -0.0):
            x = torch.tensor([zero], dtype=torch.float64, requires_grad=True)
            (slope,) = torch.autograd.grad(getattr(activations, name)(x).sum(), x)
            assert slope.item() == pytest.approx(expected, rel=1e-15, abs=0), name


def test_the_loss_of_a_model_that_starts_at_zero_has_a_gradient_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    labels = torch.tensor([0.0, 1.0, 0.25], dtype=torch.float64)
    z = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(losses.binary_cross_entropy_with_logits(z, labels), z)
    expected = losses.binary_cross_entropy_with_logits_gradient(np.zeros(3), labels.numpy())
    assert_allclose(slope.numpy(), expected, rtol=1e-15)


@each_loss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("labels", ["float64", "int64", "bool", "list"])
def test_losses_agree_with_numpy(name: str, dtype: str, labels: str, library: Library) -> None:
    x = np.linspace(0.05, 0.95, 12).reshape(3, 4)
    y = np.arange(12).reshape(3, 4) % 2
    label_array = y.tolist() if labels == "list" else library.array(y, labels)
    got = getattr(losses, name)(library.array(x, dtype), label_array)
    expected = getattr(losses, name)(x.astype(dtype), y)
    assert got.dtype == getattr(library.xp, dtype)
    assert tuple(got.shape) == expected.shape
    if library.name != "numpy":
        assert array_api_compat.device(got) == array_api_compat.device(library.array(x))
    assert_allclose(library.to_numpy(got), expected, rtol=1e-6 if dtype == "float32" else 1e-14)


@each_loss
def test_losses_refuse_what_they_refuse_in_numpy(name: str, library: Library) -> None:
    loss = getattr(losses, name)
    with pytest.raises(ValueError, match=rf"^{name}: . has shape \(2,\), y has shape \(2, 1\)"):
        loss(library.array([0.5, 0.5]), library.array([[0.0], [1.0]]))
    with pytest.raises(ValueError, match=f"^{name}: there are no elements"):
        loss(library.array([]), library.array([]))
    with pytest.raises(TypeError, match=f"^{name} takes .*complex"):
        loss(library.xp.asarray([1 + 0j], device=library.device), library.array([1.0]))
    if not name.startswith("mean"):
        with pytest.raises(ValueError, match=rf"^{name}: labels must lie between 0 and 1, found -1; .*\(y \+ 1\) / 2"):
            loss(library.array([0.5, 0.5]), library.array([-1.0, 1.0]))
