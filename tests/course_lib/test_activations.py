"""The activations against mpmath and scipy: accuracy, shapes, dtypes, edges, `out` and errors."""

import datetime
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mpmath import mp, mpf
from numpy.testing import assert_allclose, assert_array_equal

from course_lib import _elementwise, activations
from course_lib.activations import (
    ACTIVATIONS,
    elu,
    elu_derivative,
    gelu,
    gelu_derivative,
    hard_sigmoid,
    hard_sigmoid_derivative,
    leaky_relu,
    leaky_relu_derivative,
    log_sigmoid,
    log_sigmoid_derivative,
    logit,
    logit_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    silu,
    silu_derivative,
    softplus,
    softplus_derivative,
    tanh,
    tanh_derivative,
)
from course_lib.measure import cpu_features

pytestmark = pytest.mark.filterwarnings("error")

# No deadline: the first example of a test may be slow, because NumPy and mpmath warm up.
searched = settings(deadline=None, max_examples=60)

FLOATS = (np.float16, np.float32, np.float64)
EPS = 2.0**-52
TINIEST = 5e-324  # the smallest subnormal


# The oracle: each function as one writes it on paper, at 200 bits. log1p, and no 1 - sigmoid, where
# even 200 bits would not be enough: exp(-745) is 2**-1075.


def _sigmoid(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def _sigmoid_slope(x: mpf) -> mpf:
    return _sigmoid(x) * _sigmoid(-x)


def _softplus(x: mpf) -> mpf:
    return mp.log1p(mp.exp(x))


def _logit(p: mpf) -> mpf:
    return mp.log(p) - mp.log1p(-p)


def _normal_cdf(x: mpf) -> mpf:
    return mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 1000 else mpf(x > 0)  # mpmath fails far out


def _normal_pdf(x: mpf) -> mpf:
    return mp.npdf(x) if abs(x) < 1000 else mpf(0)


SLOPE = mpf(0.01)  # the float64, as leaky_relu has it


@dataclass(frozen=True)
class Case:
    """A function, its value on paper, and the largest error its docstring admits."""

    function: Callable[..., Any]
    exact: Callable[[mpf], mpf]
    ulps: float
    unit: bool = False  # defined on [0, 1] only

    def points(self, dtype: type) -> np.ndarray:
        with np.errstate(all="ignore"):
            points = np.unique((_unit_points() if self.unit else _line_points()).astype(dtype))
        return points[(points > 0) & (points < 1) if self.unit else np.isfinite(points)]

    def __str__(self) -> str:
        return self.function.__name__


# Bounds for x86-64 with AVX-512, with AVX2 only and with neither: their exp, log1p, tanh and arctanh
# are different. The most found by comparing over 10 million points per function with 80-bit arithmetic:
# sigmoid 1.73, its derivative 2.52, log_sigmoid and softplus 1.12, logit 1.28 (1.63 without
# AVX-512), its derivative 1.62, tanh 1.20 (2.18 without AVX2), its derivative 2.48. For the others,
# over 200,000 points with mpmath: silu 2.6, its derivative 3.8, gelu 3.6 and its derivative 3.5.
CASES = [
    Case(sigmoid, _sigmoid, 1.8),
    Case(sigmoid_derivative, _sigmoid_slope, 2.7),
    Case(log_sigmoid, lambda x: -_softplus(-x), 1.3),
    Case(log_sigmoid_derivative, lambda x: _sigmoid(-x), 1.8),
    Case(softplus, _softplus, 1.3),
    Case(softplus_derivative, _sigmoid, 1.8),
    Case(logit, _logit, 1.3 if cpu_features()["arctanh"] == "AVX-512" else 1.7, unit=True),
    Case(logit_derivative, lambda p: 1 / (p * (1 - p)), 1.7, unit=True),
    Case(tanh, mp.tanh, 2.3),
    Case(tanh_derivative, lambda x: mp.sech(x) ** 2, 2.7),
    Case(relu, lambda x: max(x, mpf(0)), 0),
    Case(relu_derivative, lambda x: mpf(x > 0), 0),
    Case(leaky_relu, lambda x: x if x > 0 else SLOPE * x, 0.5),
    Case(leaky_relu_derivative, lambda x: mpf(1) if x > 0 else SLOPE, 0),
    Case(elu, lambda x: x if x > 0 else mp.expm1(x), 2.5),
    Case(elu_derivative, lambda x: mpf(1) if x > 0 else mp.exp(x), 1.5),
    Case(gelu, lambda x: x * _normal_cdf(x), 4),
    Case(gelu_derivative, lambda x: _normal_cdf(x) + x * _normal_pdf(x), 4),
    Case(silu, lambda x: x * _sigmoid(x), 3.5),
    Case(silu_derivative, lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x)), 4),
    Case(hard_sigmoid, lambda x: min(max((x + 3) / 6, mpf(0)), mpf(1)), 1.5),
    Case(hard_sigmoid_derivative, lambda x: mpf(abs(x) < 3) / 6, 0.5),
]
PAIRS = list(zip(CASES[::2], CASES[1::2], strict=True))

each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_function = pytest.mark.parametrize("function", [c.function for c in CASES])
each_dtype = pytest.mark.parametrize("dtype", FLOATS)


@functools.cache
def _line_points() -> np.ndarray:
    """Real numbers: where the curves bend, where they end, the tiny, and the worst cases known."""
    rng = np.random.default_rng(1)
    positive = np.concatenate(
        [
            rng.uniform(0, 1, 150),
            rng.uniform(0.6, 1.3, 150),  # around ln 2, where sigmoid changes formula
            rng.uniform(1, 8, 300),
            rng.uniform(8, 40, 100),
            rng.uniform(40, 708, 100),
            rng.uniform(85, 105, 40),  # float32 results turn subnormal, then 0
            rng.uniform(37, 39, 60),  # the same for gelu in float64
            1.2784645427610738 + np.concatenate([1.1 * rng.uniform(-1, 1, 60), np.geomspace(1e-16, 0.1, 30)]),
            0.7517915246935645 + np.concatenate([1.4 * rng.uniform(-1, 1, 60), np.geomspace(1e-16, 0.1, 30)]),
            rng.uniform(340, 374, 60),  # the same for the derivative of tanh
            rng.uniform(700, 746, 100),  # the same for the others
            np.ldexp(rng.uniform(0.5, 1, 60), rng.integers(-1074, 0, 60)),
            [5e-324, 2.2250738585072014e-308, np.log(2), 36.7, 37, 88.73, 709.78, 745.13, 745.14],
            [1e3, 1e10, 6e4, 3e38, 1e308, np.finfo(np.float64).max],
            # The worst that the searches found, see CASES.
            [1.2784645427610738, 0.7517915246935645],  # roots of the slopes of silu and gelu
            [4.15652921700889, 4.156630336067463, 2.7412588732006005, 1.2705503754962146],
            [1.1528133333524646, 1.1800055434605823, 4.1568864703525765, 4.15740857516942],
            [2.418384136508516, 4.142841096669994, 6.929828157222595],
            [0.23185715345526603, 0.5004505048688772],
        ]
    )
    return np.unique(np.concatenate([-positive, [0.0], positive]))


@functools.cache
def _unit_points() -> np.ndarray:
    """Numbers strictly between 0 and 1, dense near 0, 1/4, 1/2, 3/4 and 1."""
    rng = np.random.default_rng(2)
    distances = np.ldexp(rng.uniform(0.5, 1, 200), rng.integers(-53, -2, 200))
    points = [
        rng.uniform(0, 1, 500),
        rng.uniform(0.1, 0.3, 200),
        rng.uniform(0.19, 0.21, 200),  # around 1/5, where logit changes formula
        *(centre + sign * distances for centre in (0.25, 0.5, 0.75) for sign in (-1, 1)),
        1 - distances,
        np.ldexp(rng.uniform(0.5, 1, 100), rng.integers(-1074, 0, 100)),
        [5e-324, 2.2250738585072014e-308, 1e-5, 0.25, 0.5, 0.75, 1 - 2.0**-53],
        [0.20356728148777653, 0.43867211021138264, 0.14690195638482528],  # the worst found
    ]
    return np.concatenate(points)


def ulp_errors(got: np.ndarray, exact: list[mpf]) -> np.ndarray:
    """Distance of each value from the exact one, in units of the last place of the exact one."""
    info = np.finfo(got.dtype)
    errors = []
    for value, truth in zip(got.tolist(), exact, strict=True):
        last_bit = max(mp.frexp(truth)[1] - 1, int(info.minexp)) - int(info.nmant)
        if abs(truth) >= mpf(float(info.max)) + mpf(2) ** (int(info.maxexp) - int(info.nmant) - 2):
            errors.append(0.0 if value == mp.sign(truth) * mp.inf else np.inf)  # rounds to inf
        else:
            errors.append(float(abs(mpf(value) - truth) / mpf(2) ** last_bit))
    return np.array(errors)


def measure(case: Case, x: np.ndarray) -> tuple[float, float]:
    """Return the largest ulp error over `x`, and where it is."""
    with mp.workprec(200):
        errors = ulp_errors(case.function(x), [case.exact(mpf(v)) for v in x.tolist()])
    return float(errors.max()), float(x[errors.argmax()])


# Accuracy


@each_case
def test_float64_error_is_as_small_as_the_docstring_says(case: Case) -> None:
    error, where = measure(case, case.points(np.float64))
    assert error <= case.ulps, f"{error} ulp at {where!r}"
    promise = {0: "exact", 0.5: "at most half an ulp"}.get(case.ulps, rf"\b{case.ulps}( ulp| where)")
    assert re.search(promise, " ".join(case.function.__doc__.lower().split()))


@each_case
def test_float32_is_computed_in_float64_and_rounded_once(case: Case) -> None:
    error, where = measure(case, case.points(np.float32))
    assert error <= 0.51, f"{error} ulp at {where!r}"


@each_case
def test_float16_is_computed_in_float64_and_rounded_once(case: Case) -> None:
    every_13th = np.arange(1, 2**16, 13, dtype=np.uint16).view(np.float16)
    x = every_13th[(every_13th > 0) & (every_13th < 1) if case.unit else np.isfinite(every_13th)]
    error, where = measure(case, x)
    assert error <= 0.51, f"{error} ulp at {where!r}"


@pytest.mark.parametrize(("case", "slope"), PAIRS, ids=str)
def test_each_derivative_on_paper_is_the_derivative_of_its_function(case: Case, slope: Case) -> None:
    # Of the oracle, by numerical differentiation: a wrong derivative would have a wrong oracle.
    with mp.workprec(200):
        for point in [0.1, 0.3, 0.5, 0.9] if case.unit else [-30.0, -2.0, -0.1, 0.7, 5.0]:
            numeric = mp.diff(case.exact, mpf(point))
            assert mp.almosteq(numeric, slope.exact(mpf(point)), rel_eps=mpf(10) ** -25)


def test_functions_agree_with_scipy_where_scipy_is_right() -> None:
    # Below -709.78 expit returns 0 too early; near 1/2 its logit is right, PyTorch's is not.
    x = np.linspace(-700, 700, 20_001)
    assert_allclose(sigmoid(x), scipy.special.expit(x), rtol=4 * EPS)
    assert_allclose(log_sigmoid(x), scipy.special.log_expit(x), rtol=4 * EPS)
    p = np.concatenate([np.linspace(0, 1, 20_001), 0.5 + np.logspace(-16, -1, 1000)])
    assert_allclose(logit(p), scipy.special.logit(p), rtol=4 * EPS)


@pytest.mark.parametrize("root", [1.2784645427610738, 0.7517915246935645])
def test_slopes_are_finite_from_float_to_float_around_a_root_and_its_mirror_image(root: float) -> None:
    # gelu_derivative once divided by a difference that is 0 near +0.7518.
    x = _neighbours(root, 20_000)
    for slope in (silu_derivative, gelu_derivative):
        assert_allclose(slope(x) + slope(-x), 1, rtol=2**-51)


def test_tails_last_down_to_the_smallest_subnormal() -> None:
    # exp(-745.1) is 0.51 times the smallest subnormal, and rounds to it.
    assert sigmoid(-745.1) == TINIEST
    assert sigmoid_derivative(-745.1) == sigmoid_derivative(745.1) == TINIEST
    assert log_sigmoid(745.1) == -TINIEST
    assert softplus(-745.1) == TINIEST
    assert sigmoid(np.float32(-103.9)) == np.float32(1e-45)
    assert sigmoid(np.float16(-17.0)) == np.float16(6e-8)


# Properties


def _neighbours(centre: float, count: int) -> np.ndarray:
    """Floats around a centre, none left out, in increasing order."""
    bits = np.abs(np.float64(centre)).view(np.int64) + np.arange(-count, count)
    return np.copysign(np.sort(np.copysign(bits.view(np.float64), centre)), centre)


@pytest.mark.parametrize("centre", [-745, -709.78, -16, -3, -1.5, -1, -np.log(2), -0.25, 0.25, 16])
def test_sigmoid_never_decreases_from_one_float_to_the_next(centre: float) -> None:
    # 200,000: NumPy's vectorised tanh steps back 116,593 floats before -0.125, and with it the
    # tanh form of the sigmoid at -0.25.
    s = sigmoid(_neighbours(centre, 200_000))
    assert np.all(s[1:] >= s[:-1])


@each_dtype
def test_sigmoid_never_decreases_on_a_dense_grid(dtype: type) -> None:
    grid = [np.linspace(lo, hi, 500_001) for lo, hi in [(-3, 3), (-40, 40), (-746, 1)]]
    for x in [*grid, np.array([-np.inf, -TINIEST, -0.0, TINIEST, np.inf])]:
        with np.errstate(all="ignore"):
            s = sigmoid(x.astype(dtype))
        assert np.all(s[1:] >= s[:-1])
        assert s[0] < s[-1]


@searched
@given(arrays(np.float64, st.integers(0, 50), elements=st.floats(allow_nan=False)))
def test_sigmoid_and_its_mirror_sum_to_one(x: np.ndarray) -> None:
    assert_allclose(sigmoid(x) + sigmoid(-x), 1, rtol=2**-52)


@searched
@given(arrays(np.float64, 20, elements=st.floats(-750, 750)))
def test_derivatives_of_odd_curves_are_even_and_tanh_is_odd(x: np.ndarray) -> None:
    assert_array_equal(sigmoid_derivative(x), sigmoid_derivative(-x))
    assert_array_equal(tanh_derivative(x), tanh_derivative(-x))
    assert_array_equal(tanh(x), -tanh(-x))
    assert_array_equal(np.signbit(tanh(x)), np.signbit(x))


@searched
@given(arrays(np.float64, 20, elements=st.floats(-700, 35)))
def test_logit_undoes_sigmoid(x: np.ndarray) -> None:
    s = sigmoid(x)
    # What remains is the rounding of s, 1.8 ulp, seen through the slope of the logit.
    rounding = 1.8 * np.spacing(s) * logit_derivative(s)
    assert np.all(np.abs(logit(s) - x) <= rounding + 4 * EPS * np.abs(x))


@searched
@given(arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_sigmoid_undoes_logit(p: np.ndarray) -> None:
    z = logit(p)
    inner = np.isfinite(z)
    # The rounding of z, 1.7 ulp, is a relative error of that many ulps of z in p / (1 - p).
    relative = 4 * EPS + 2 * EPS * np.abs(z[inner])
    assert np.all(np.abs(sigmoid(z[inner]) - p[inner]) <= relative * p[inner] + TINIEST)
    assert_array_equal(sigmoid(z[~inner]), p[~inner])


# Limits and nan

INF, NAN = np.inf, np.nan


@each_dtype
@pytest.mark.parametrize(
    ("function", "points", "values"),
    [
        (sigmoid, [-INF, -0.0, 0.0, INF], [0, 0.5, 0.5, 1]),
        (sigmoid_derivative, [-INF, -0.0, 0.0, INF], [0, 0.25, 0.25, 0]),
        (log_sigmoid, [-INF, INF], [-INF, 0]),
        (log_sigmoid_derivative, [-INF, -0.0, 0.0, INF], [1, 0.5, 0.5, 0]),
        (softplus, [-INF, INF], [0, INF]),
        (softplus_derivative, [-INF, -0.0, 0.0, INF], [0, 0.5, 0.5, 1]),
        (
            logit,
            [-INF, -0.25, -0.0, 0.0, 0.5, 1, 1.25, INF],
            [NAN, NAN, -INF, -INF, 0, INF, NAN, NAN],
        ),
        (
            logit_derivative,
            [-INF, -0.25, -0.0, 0.0, 0.5, 1, 1.25, INF],
            [NAN, NAN, INF, INF, 4, INF, NAN, NAN],
        ),
        (relu, [-INF, -0.0, 0.0, INF], [0, 0, 0, INF]),
        (relu_derivative, [-INF, -0.0, 0.0, INF], [0, 0, 0, 1]),
        (leaky_relu, [-INF, -0.0, 0.0, INF], [-INF, 0, 0, INF]),
        (leaky_relu_derivative, [-INF, -0.0, 0.0, INF], [0.01, 0.01, 0.01, 1]),
        (elu, [-INF, -0.0, 0.0, INF], [-1, 0, 0, INF]),
        (elu_derivative, [-INF, -0.0, 0.0, INF], [0, 1, 1, 1]),
        (gelu, [-INF, -0.0, 0.0, INF], [0, 0, 0, INF]),
        (gelu_derivative, [-INF, -0.0, 0.0, INF], [0, 0.5, 0.5, 1]),
        (silu, [-INF, -0.0, 0.0, INF], [0, 0, 0, INF]),
        (silu_derivative, [-INF, -0.0, 0.0, INF], [0, 0.5, 0.5, 1]),
        (hard_sigmoid, [-INF, -3, -0.0, 0.0, 3, INF], [0, 0, 0.5, 0.5, 1, 1]),
        (hard_sigmoid_derivative, [-INF, -3, 3, INF], [0, 0, 0, 0]),
        (tanh, [-INF, -0.0, 0.0, INF], [-1, 0, 0, 1]),
        (tanh_derivative, [-INF, -0.0, 0.0, INF], [0, 1, 1, 0]),
    ],
)
def test_limits(function: Callable[..., Any], points: list[float], values: list[float], dtype: type) -> None:
    with np.errstate(all="raise"):
        assert_array_equal(function(np.array(points, dtype)), np.array(values, dtype))


@pytest.mark.parametrize("function", [logit, logit_derivative])
def test_just_outside_the_unit_interval_is_nan(function: Callable[..., Any]) -> None:
    assert_array_equal(function([-TINIEST, 1 + EPS]), [NAN, NAN])


# Shapes, dtypes, layouts


@st.composite
def float_arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of any float dtype and small shape, 0-d and empty too, with any values whatever."""
    dtype = np.dtype(draw(st.sampled_from(FLOATS)))
    shape = draw(array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    elements = st.floats(width=8 * dtype.itemsize) | st.floats(0, 1, width=8 * dtype.itemsize)
    return draw(arrays(dtype, shape, elements=elements))


@each_case
@searched
@given(x=float_arrays())
def test_any_float_array_keeps_shape_dtype_and_nan_without_a_warning(case: Case, x: np.ndarray) -> None:
    before = x.tobytes()
    x.flags.writeable = False
    with np.errstate(all="raise"):
        y = case.function(x)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert type(y) is (np.ndarray if x.ndim else x.dtype.type)
    no_value = np.isnan(x) | (x < 0) | (x > 1) if case.unit else np.isnan(x)
    assert_array_equal(np.isnan(y), no_value)
    assert x.tobytes() == before


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": lambda a: a[:, ::2, 1::3],
    "reversed": lambda a: a[::-1, :, ::-1],
    "transposed": lambda a: a.T,
    "fortran": np.asfortranarray,
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "offset": lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype),
}


@each_function
@each_dtype
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layout_does_not_matter(function: Callable[..., Any], dtype: type, layout: str) -> None:
    a = np.random.default_rng(3).uniform(0.01, 0.99, (4, 5, 6)).astype(dtype)
    view = LAYOUTS[layout](a)
    y = function(view)
    one_by_one = [function(v) for v in view.ravel().tolist()]
    assert y.dtype == dtype
    assert y.dtype.isnative
    assert y.flags.writeable
    # SIMD and scalar code may round differently.
    assert_allclose(y.ravel(), one_by_one, rtol=4 * np.finfo(dtype).eps)


@each_function
def test_scalars_give_numpy_scalars_of_the_same_float(function: Callable[..., Any]) -> None:
    for x, kind in [
        (0.5, np.float64),
        (1, np.float64),
        (True, np.float64),
        (np.int8(1), np.float64),
        (np.float16(0.5), np.float16),
        (np.float32(0.5), np.float32),
        (np.array(0.5, np.float32), np.float32),
        (np.array(1), np.float64),
    ]:
        assert type(function(x)) is kind


@each_function
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_integers_and_booleans_become_float64(function: Callable[..., Any], dtype: str) -> None:
    x = np.array([[0, 1], [1, 0]], dtype)
    assert function(x).dtype == np.float64
    assert_array_equal(function(x), function(x.astype(np.float64)))


def test_the_most_negative_integers_and_unsigned_ones_keep_their_sign() -> None:
    # In their own dtype, abs(-128) is -128 and -1 is 255.
    assert sigmoid(np.int8(-128)) == sigmoid(-128.0) < 1e-50
    assert log_sigmoid_derivative(np.uint8(1)) == sigmoid(-1.0)
    assert softplus(2**63) == 2.0**63


@each_function
def test_lists_tuples_and_subclasses_give_plain_arrays(function: Callable[..., Any]) -> None:
    expected = function(np.array([[0.25, 0.5]]))
    for x in ([[0.25, 0.5]], ((0.25, 0.5),), np.ma.masked_array([[0.25, 0.5]], [[True, False]])):
        assert type(function(x)) is np.ndarray
        assert_array_equal(function(x), expected)


# out=


@each_function
@each_dtype
def test_out_is_written_and_returned(function: Callable[..., Any], dtype: type) -> None:
    x = np.linspace(0.1, 0.9, 24, dtype=dtype).reshape(4, 6)
    expected = function(x)
    for out in (
        np.full((4, 6), 7, dtype),
        np.full((6, 4), 7, dtype).T,
        np.full((8, 12), 7, dtype)[::2, ::-2],
        np.full((4, 6), 7, np.dtype(dtype).newbyteorder(">")),
    ):
        assert function(x, out=out) is out
        assert_array_equal(out, expected)
    out = np.full((4, 6), 7, dtype)
    assert function(x, out) is out
    assert_array_equal(out, expected)


@each_function
@each_dtype
def test_out_may_be_the_input_or_overlap_it(function: Callable[..., Any], dtype: type) -> None:
    x = np.linspace(0.1, 0.9, 50, dtype=dtype)
    expected = function(x)
    in_place = x.copy()
    assert function(in_place, out=in_place) is in_place
    assert_array_equal(in_place, expected)
    for source, target in [
        (slice(0, 40), slice(3, 43)),
        (slice(3, 43), slice(0, 40)),
        (slice(None), slice(None, None, -1)),
    ]:
        buffer = x.copy()
        function(buffer[source], out=buffer[target])
        assert_array_equal(buffer[target], expected[source])


@each_function
def test_out_of_scalars_and_integers_is_a_float64_array(function: Callable[..., Any]) -> None:
    out = np.array(7.0)
    assert function(0.5, out=out) is out
    assert out == function(0.5)
    outs = np.full(2, 7.0)
    assert function(np.array([0, 1]), out=outs) is outs
    assert_array_equal(outs, function([0.0, 1.0]))


@each_function
def test_a_wrong_out_is_refused_and_left_alone(function: Callable[..., Any]) -> None:
    name, x = function.__name__, np.array([0.25, 0.5, 0.75])
    read_only = np.full(3, 7.0)
    read_only.flags.writeable = False
    for out, message in [
        (np.full(4, 7.0), rf"{name}: out has shape \(4,\), but x has shape \(3,\)"),
        (np.full((2, 3), 7.0), rf"{name}: out has shape \(2, 3\), but x has shape \(3,\)"),
        (np.full(3, 7.0, np.float32), f"{name}: out has dtype float32, but the result is float64"),
        (np.full(3, 7), f"{name}: out has dtype int64, but the result is float64"),
        (read_only, f"{name}: out is read-only"),
    ]:
        with pytest.raises(ValueError, match=message):
            function(x, out=out)
        assert np.all(out == 7)
    with pytest.raises(TypeError, match=f"{name}: out must be a NumPy array, not list"):
        function(x, out=[7.0, 7.0, 7.0])


# Errors


@each_function
@pytest.mark.parametrize(
    ("x", "dtype", "remedy"),
    [
        (1j, "complex128", r"take x\.real"),
        (np.zeros(2, np.complex64), "complex64", r"take x\.real"),
        (np.zeros(2, np.longdouble), str(np.dtype(np.longdouble)), r"x\.astype\(numpy\.float64\)"),
        (None, "object", r"numpy\.asarray\(x, dtype=numpy\.float64\)"),
        ([1.0, None], "object", r"numpy\.asarray\(x, dtype=numpy\.float64\)"),
        (10**400, "object", "convert first"),
        ("0.5", "<U3", r"numpy\.asarray\(x, dtype=numpy\.float64\)"),
        (b"0.5", r"\|S3", "convert first"),
        (datetime.timedelta(1), "object", "convert first"),
        (np.array(["2026-01-01"], "datetime64[D]"), r"datetime64\[D\]", "convert first"),
        (np.zeros(1, "f8,f8"), r"\[\('f0', '<f8'\), \('f1', '<f8'\)\]", "convert first"),
    ],
)
def test_input_that_is_not_real_numbers_is_refused(
    function: Callable[..., Any], x: Any, dtype: str, remedy: str
) -> None:
    with pytest.raises(TypeError, match=rf"^{function.__name__} takes .*, not {dtype}: .*{remedy}"):
        function(x)


def test_every_public_function_is_tested_here() -> None:
    names = {str(case) for case in CASES}
    assert names == set(activations.__all__) - {"ACTIVATIONS", "Activation"}
    assert all(str(slope) == f"{case}_derivative" for case, slope in PAIRS)


# Parameters


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0, -0.5])
def test_leaky_relu_takes_a_slope(slope: float) -> None:
    x = np.array([-3.0, -0.5, 0.0, 2.0])
    assert_array_equal(leaky_relu(x, negative_slope=slope), np.where(x > 0, x, slope * x))
    assert_array_equal(leaky_relu_derivative(x, negative_slope=slope), [slope, slope, slope, 1])


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.6732632423543772])
def test_elu_takes_a_scale(alpha: float) -> None:
    x = np.array([-1000.0, -0.5, 0.0, 2.0])
    assert_allclose(elu(x, alpha=alpha), [-alpha, alpha * np.expm1(-0.5), 0, 2], rtol=1e-15)
    assert_allclose(elu_derivative(x, alpha=alpha), [0, alpha * np.exp(-0.5), alpha, 1], rtol=1e-15)


# Blocks

SIZES = [_elementwise.BLOCK - 1, _elementwise.BLOCK, _elementwise.BLOCK + 1, 3 * _elementwise.BLOCK + 5]


@each_function
@each_dtype
def test_blocks_change_nothing(function: Callable[..., Any], dtype: type) -> None:
    x = np.random.default_rng(4).uniform(0, 1, SIZES[-1]).astype(dtype)
    x[1::3] *= -20
    # A few at a time stays below one block. SIMD and scalar code may round differently, hence even pieces.
    pieces = [function(piece) for piece in np.split(x[: 3 * _elementwise.BLOCK], 12)]
    for size in SIZES:
        whole = function(x[:size])
        known = min(size, 3 * _elementwise.BLOCK)
        assert whole.shape == (size,)
        assert whole.dtype == dtype
        assert_array_equal(whole[:known], np.concatenate(pieces)[:known])


@each_function
def test_blocks_of_any_layout_with_out_and_in_place(function: Callable[..., Any]) -> None:
    x = np.random.default_rng(5).uniform(0, 1, (401, 400))
    expected = function(x)
    assert_array_equal(function(np.asfortranarray(x)), expected)
    assert_array_equal(function(x[::-1, ::2]), expected[::-1, ::2])
    assert_array_equal(function(x.astype(">f8")), expected)
    out = np.full((400, 401), 7.0).T
    assert function(x, out=out) is out
    assert_array_equal(out, expected)
    buffer = np.concatenate([x.ravel(), np.zeros(10)])
    function(buffer[:-10], out=buffer[10:])  # overlapping, so that a block would overwrite the next one's input
    assert_array_equal(buffer[10:], expected.ravel())
    assert function(x, out=x) is x
    assert_array_equal(x, expected)


@pytest.mark.parametrize("name", ["sigmoid", "sigmoid_derivative", "log_sigmoid", "softplus", "logit"])
def test_the_versions_without_temporaries_give_the_same_bits(name: str) -> None:
    rng = np.random.default_rng(6)
    points = np.concatenate([_unit_points(), _line_points(), [INF, -INF, NAN, 0.0, -0.0], rng.normal(0, 9, 20_000)])
    for x in np.split(points[: points.size // 8 * 8], 8):  # whole vectors, because the rest is rounded otherwise
        out = np.empty_like(x)
        with np.errstate(all="ignore"):
            generic = getattr(activations, f"_{name}")(np, x)
            getattr(activations, f"_{name}_in_place")(x, out)
        assert_array_equal(out, generic)


# The table


def test_the_table_lists_every_activation() -> None:
    # logit is the one function here that takes probabilities.
    assert set(ACTIVATIONS) == {str(case) for case in CASES[::2]} - {"logit"}
    for name, entry in ACTIVATIONS.items():
        assert entry.function is getattr(activations, name)
        assert entry.derivative is getattr(activations, f"{name}_derivative")
        assert entry.use


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_the_table_says_holds(name: str) -> None:
    entry = ACTIVATIONS[name]
    x = np.unique(np.concatenate([np.linspace(-60, 60, 240_001), np.linspace(-2, 0, 200_001)]))
    y, slope = entry.function(x), entry.derivative(x)
    low, high = entry.range
    ends = entry.function(np.array([-1e300, 1e300]))
    assert np.all((y >= low) & (y <= high))
    assert min(y.min(), ends.min()) <= (low + 1e-9 if np.isfinite(low) else -1e290)
    assert max(y.max(), ends.max()) >= (high - 1e-9 if np.isfinite(high) else 1e290)
    assert entry.monotonic == bool(np.all(np.diff(y) >= 0)) == bool(np.all(slope >= 0))
    left, right = abs(slope[0]) < 1e-9, abs(slope[-1]) < 1e-9
    assert entry.saturates == {(1, 1): "both sides", (1, 0): "left", (0, 1): "right", (0, 0): "nowhere"}[left, right]


# Coefficients


def test_the_coefficients_approximate_what_their_comments_say() -> None:
    with mp.workprec(200):
        for a in np.concatenate([np.linspace(0, 6, 200), np.geomspace(6, 60, 50)]).tolist():
            y = (mpf(a) - 4) / (mpf(a) + 4)
            ratio = mp.polyval([mpf(c) for c in reversed(activations._TAIL)], y) / (mpf(a) + 1)
            assert abs(ratio / (mp.exp(mpf(a) ** 2 / 2) * mp.erfc(mpf(a) / mp.sqrt(2)) / 2) - 1) < mpf(2) ** -53
        for (high, low, coefficients), slope, start, width in [
            (activations._SILU_ROOT, CASES[19].exact, -1.28, 1),
            (activations._GELU_ROOT, CASES[17].exact, -0.75, 0.77),
        ]:
            root = mp.findroot(slope, start)
            assert abs(root - mpf(high) - mpf(low)) < mpf(2) ** -104
            for w in np.linspace(-width, width, 200).tolist():
                value = mpf(w) * mp.polyval([mpf(c) for c in reversed(coefficients)], w)
                assert abs(value / slope(root + mpf(w)) - 1) < mpf(2) ** -52
