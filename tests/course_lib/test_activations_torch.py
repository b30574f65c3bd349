"""The activations and their derivatives against PyTorch and its automatic differentiation.

PyTorch is not the more accurate of the two, so the comparison is made where it is right. It is not
right, with float64 on a CPU and version 2.13, in these places, which the tests leave out or allow
for with an absolute tolerance; mpmath judges them in test_activations.py:

- `torch.sigmoid` is 0 below -709.8 (float32: -88.7), where the value is still a subnormal number.
- Its gradient is s * (1 - s), and that of tanh 1 - t * t: absolutely right, relatively worse and
  worse, and 0 from x = 37 (tanh: 19.1) on.
- `softplus` returns x itself above a threshold, 20 unless told; there its gradient is 1.
- `logsigmoid` above 709.8 and `softplus` below -709.8 are 0 or have lost digits.
- `logit` loses its relative accuracy around one half, where the value is near 0.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib import activations

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("error")

LINE = np.unique(np.concatenate([np.linspace(-700, 700, 4001), np.linspace(-40, 40, 4001)]))
TINY = np.concatenate([-np.logspace(-300, 0, 200), np.logspace(-300, 0, 200)])
UNIT = np.concatenate([np.linspace(0, 1, 4001)[1:-1], np.logspace(-300, -3, 200)])

# name, PyTorch's function, points, and the absolute errors, in eps, that PyTorch's value and
# gradient have where their relative errors are large
COMPARISONS = [
    ("sigmoid", torch.sigmoid, LINE, 0, 1),
    ("log_sigmoid", torch.nn.functional.logsigmoid, LINE, 0, 0),
    ("softplus", lambda x: torch.nn.functional.softplus(x, threshold=80), LINE, 0, 0),
    ("logit", torch.logit, UNIT, 1, 0),
    ("tanh", torch.tanh, LINE, 0, 2),
    ("tanh", torch.tanh, TINY, 0, 2),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "theirs", "points", "value_eps", "slope_eps"),
    COMPARISONS,
    ids=["sigmoid", "log_sigmoid", "softplus", "logit", "tanh", "tanh-tiny"],
)
def test_value_and_derivative_agree_with_pytorch(
    name: str,
    theirs: Callable[..., Any],
    points: np.ndarray,
    value_eps: float,
    slope_eps: float,
    dtype: type,
) -> None:
    # float32 has fewer of these points: 1e-300 is 0, and from 87 on values turn subnormal.
    x = points.astype(dtype)[np.abs(points) < (87 if dtype is np.float32 else 700)]
    x = x[(x > 0) & (x < 1)] if name == "logit" else x
    leaf = torch.tensor(x, requires_grad=True)
    value = theirs(leaf)
    (slope,) = torch.autograd.grad(value.sum(), leaf)
    eps = float(np.finfo(dtype).eps)
    ours, our_slope = getattr(activations, name), getattr(activations, f"{name}_derivative")
    assert_allclose(ours(x), value.detach().numpy(), rtol=8 * eps, atol=value_eps * eps)
    assert_allclose(our_slope(x), slope.numpy(), rtol=8 * eps, atol=slope_eps * eps)


def test_half_precision_agrees_with_pytorch_in_double() -> None:
    x = np.linspace(-20, 20, 801, dtype=np.float16)
    in_double = torch.sigmoid(torch.tensor(x).double()).numpy()
    assert np.array_equal(activations.sigmoid(x), in_double.astype(np.float16))
