"""The measuring tools against what is known without them: exact rational arithmetic, sleeping calls, known sizes."""

import gc
import itertools
import math
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from course_lib import activations, measure
from course_lib.measure import EXACT, SpeedComparison, compare_speed, cpu_features, peak_memory, ulp_error

searched = settings(deadline=None, max_examples=100)
each_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


def identity(x: mpf) -> mpf:
    return x


# Speed


class Clock:
    """A clock that only calls move, so that nothing here depends on how busy the machine is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made: list[str] = []

    def call(self, name: str, *seconds: float) -> Callable[[], None]:
        """Return a call that lasts as long as the next of `seconds` says, over and over."""
        durations = itertools.cycle(seconds)

        def run() -> None:
            self.now += next(durations)
            self.made.append(name)

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock.now)
    return clock


def test_compare_speed_measures_what_calls_take(clock: Clock) -> None:
    speed = compare_speed({"short": clock.call("short", 3e-6), "long": clock.call("long", 0.6)}, rounds=3)
    assert speed.baseline == "short"
    assert speed.seconds == pytest.approx({"short": 3e-6, "long": 0.6})
    assert speed.ratios == pytest.approx({"short": 1, "long": 2e5})
    assert speed.spread["long"] == pytest.approx((0.6, 0.6))
    assert all(len(times) == 3 for times in speed.samples.values())
    # The short one fills 5 ms each time it is measured; the long one fills it at once, so it is not tried twice.
    assert clock.made.count("short") > 3 * 5e-3 / 3e-6
    assert clock.made.count("long") == 4


def test_compare_speed_takes_calls_in_turn(clock: Clock) -> None:
    calls = {name: clock.call(name, 1e-3) for name in "abc"}
    speed = compare_speed(calls, baseline="b", rounds=4, sample_seconds=1e-3)
    assert speed.baseline == "b"
    rounds = [clock.made[-3 * i : len(clock.made) - 3 * (i - 1)] for i in range(4, 0, -1)]
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert len({tuple(names) for names in rounds}) > 1  # in changing order


def test_one_stalled_round_moves_nothing(clock: Clock) -> None:
    # Warmed up, looked at, then five rounds, of which the second stalls.
    stalling = clock.call("stalling", 1, 1, 1, 60, 1, 1, 1)
    speed = compare_speed({"steady": clock.call("steady", 2), "stalling": stalling}, rounds=5, sample_seconds=0.1)
    assert speed.seconds == {"steady": 2, "stalling": 1}
    assert speed.ratios == {"steady": 1, "stalling": 0.5}


def test_compare_speed_runs_without_the_garbage_collector_and_restores_it() -> None:
    seen = []
    assert gc.isenabled()
    compare_speed({"call": lambda: seen.append(gc.isenabled())}, rounds=1, sample_seconds=1e-6)
    assert not any(seen)
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        compare_speed({"call": lambda: 1 // 0})
    assert gc.isenabled()


def test_compare_speed_leaves_a_switched_off_collector_off() -> None:
    gc.disable()
    try:
        compare_speed({"call": lambda: None}, rounds=1, sample_seconds=1e-6)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_compare_speed_says_what_is_wrong_with_its_arguments() -> None:
    with pytest.raises(ValueError, match="calls is empty"):
        compare_speed({})
    with pytest.raises(ValueError, match="baseline 'scipy' is none of the calls: ours"):
        compare_speed({"ours": lambda: None}, baseline="scipy")
    with pytest.raises(ValueError, match="rounds must be at least 1, not 0"):
        compare_speed({"ours": lambda: None}, rounds=0)


def test_a_comparison_reduces_its_samples_by_medians() -> None:
    # In the third round the machine stalled: it moves neither the medians nor the ratio.
    speed = SpeedComparison({"ours": (1.0, 1.0, 50.0, 1.2), "peer": (3.0, 3.0, 150.0, 3.6)}, "ours")
    assert speed.seconds == {"ours": 1.1, "peer": 3.3}
    assert speed.ratios == {"ours": 1.0, "peer": pytest.approx(3.0)}
    assert speed.spread["ours"] == (1.0, pytest.approx(13.4))


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.0, "2 s"), (3e-3, "3 ms"), (4e-6, "4 µs"), (5e-8, "50 ns"), (1e-11, "0.01 ns")]
)
def test_a_comparison_prints_as_a_table(seconds: float, text: str) -> None:
    lines = repr(SpeedComparison({"ours": (seconds,), "peer": (2 * seconds,)}, "ours")).splitlines()
    assert lines[0].split() == ["median", "spread", "time", "/", "ours"]
    assert text in lines[1]
    assert lines[2].split()[0] == "peer"
    assert lines[2].split()[-1] == "2.00"


# Memory


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        (lambda x: np.exp(x), 1),
        (lambda x: np.exp(x, out=x), 0),
        (lambda x: 1 / (1 + np.exp(-x)), 2),  # exp(-x) and 1 + exp(-x) at once
        (lambda x: float(np.exp(x).sum()), 1),  # only a number comes back: the peak is during the call
    ],
)
def test_peak_memory_counts_temporaries(expression: object, times: int) -> None:
    x = np.zeros(1_000_000)
    assert peak_memory(lambda: expression(x)) / x.nbytes == pytest.approx(times, abs=0.01)


def test_peak_memory_ignores_an_earlier_peak_and_what_was_there_before() -> None:
    def earlier() -> None:
        tracemalloc.start()
        np.zeros(10_000_000)

    earlier()
    try:
        kept = np.zeros(1_000_000)
        assert peak_memory(lambda: kept.copy()) == pytest.approx(kept.nbytes, rel=0.01)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_peak_memory_stops_tracing_when_the_call_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        peak_memory(lambda: 1 // 0)
    assert not tracemalloc.is_tracing()


# Error in ulp


@searched
@given(x=st.floats(allow_nan=False, allow_infinity=False), steps=st.integers(-1000, 1000))
def test_ulp_error_counts_steps_between_floats(x: float, steps: int) -> None:
    moved = x
    for _ in range(abs(steps)):
        moved = math.nextafter(moved, math.copysign(math.inf, steps))
    assume(math.isfinite(moved))
    # What the definition says, in rational numbers.
    expected = float(abs(Fraction(moved) - Fraction(x)) / Fraction(math.ulp(x)))
    assert ulp_error(moved, identity, x) == expected


@each_dtype
def test_ulp_error_of_every_kind_of_neighbour(dtype: type) -> None:
    info = np.finfo(dtype)
    x = np.array([1, 1.5, info.tiny, info.smallest_subnormal, 3 * info.smallest_subnormal, 0, info.max, -2], dtype)
    assert (ulp_error(x, identity, x) == 0).all()
    up = np.nextafter(x[:-2], dtype(np.inf))
    assert (ulp_error(up, identity, x[:-2]) == 1).all()
    down = np.nextafter(dtype(1), dtype(0))
    assert ulp_error(down, identity, dtype(1)) == 0.5  # below a power of two the floats are twice as dense


@each_dtype
def test_half_way_between_two_numbers_is_half_an_ulp(dtype: type) -> None:
    step = mpf(float(np.finfo(dtype).smallest_subnormal))
    assert ulp_error(dtype(0), lambda x: step / 2, dtype(0)) == 0.5
    assert ulp_error(dtype(1), lambda x: 1 + mpf(float(np.finfo(dtype).eps)) / 2, dtype(0)) == 0.5


@searched
@given(x=st.floats(-700, 700))
def test_ulp_error_of_exp_is_what_rational_arithmetic_says(x: float) -> None:
    assume(abs(x) > 1e-40)  # closer to 0, the 200 bits of ulp_error round exp(x) to 1, where the size of an ulp jumps
    with mp.workprec(300):
        _, mantissa, exponent, length = mp.exp(mpf(x))._mpf_
    exact = Fraction(mantissa) * Fraction(2) ** exponent
    got = math.exp(x) * (1 + 3e-16)
    ulp = Fraction(2) ** (max(exponent + length - 1, -1022) - 52)
    assert float(ulp_error(got, mp.exp, x)) == pytest.approx(float(abs(Fraction(got) - exact) / ulp), abs=1e-12)


def test_rest_beyond_float64_is_not_lost() -> None:
    # float64 rounds 1/3 by a third of an ulp, and the rounding is the whole error.
    assert ulp_error(1 / 3, lambda x: x / 3, 1.0) == pytest.approx(1 / 3, rel=1e-15)


@each_dtype
def test_infinities_are_right_where_rounding_gives_them(dtype: type) -> None:
    info = np.finfo(dtype)
    inf, most = dtype(np.inf), info.max
    with mp.workprec(200):
        limit = mpf(float(most)) + mpf(2) ** (int(info.maxexp) - int(info.nmant) - 2)  # half way to the next power
        below = limit * (1 - mpf(2) ** -100)
    zero = dtype(0)
    assert ulp_error(inf, lambda x: limit, zero) == 0
    assert ulp_error(inf, lambda x: mp.inf, zero) == 0
    assert ulp_error(-inf, lambda x: -limit, zero) == 0
    assert ulp_error(inf, lambda x: -limit, zero) == np.inf
    assert ulp_error(most, lambda x: limit, zero) == np.inf
    assert ulp_error(inf, lambda x: below, zero) == np.inf
    assert ulp_error(most, lambda x: below, zero) == pytest.approx(0.5)


def test_nan_is_right_where_nothing_is_defined() -> None:
    nan = np.nan
    x = np.array([2.0, nan, 0.5, 2.0, nan])
    got = np.array([nan, nan, nan, 0.0, 0.0])
    assert ulp_error(got, EXACT["logit"], x).tolist() == [0, 0, np.inf, np.inf, np.inf]


def test_zeros_are_equal_and_shapes_are_kept() -> None:
    x = np.array([[0.0, -0.0], [-0.0, 0.0]])
    errors = ulp_error(-x, identity, x)
    assert errors.shape == (2, 2)
    assert errors.dtype == np.float64
    assert not errors.any()
    assert ulp_error(np.zeros((0, 3)), identity, np.zeros((0, 3))).shape == (0, 3)
    assert ulp_error(1.0, identity, 1).shape == ()


def test_ulp_error_takes_points_in_any_layout_and_type() -> None:
    x = np.arange(-6, 6).reshape(3, 4)
    assert not ulp_error(x.T.astype(np.float32), identity, x.T).any()
    assert not ulp_error(x[:, ::2].astype(float), identity, x[:, ::2]).any()
    assert not ulp_error(x.astype(float), identity, x.astype(">i4")).any()


def test_ulp_error_measures_in_the_dtype_of_the_values() -> None:
    x = np.array([1.0])
    third = np.array([1 / 3])
    assert ulp_error(third.astype(np.float32), lambda x: x / 3, x) < 0.5
    assert ulp_error(third.astype(np.float32).astype(float), lambda x: x / 3, x) > 1e8


def test_cancelling_formulas_take_more_bits() -> None:
    def complement(x: mpf) -> mpf:
        return 1 - 1 / (1 + mp.exp(-x))

    right = np.exp(np.array([-740.0]))
    assert ulp_error(right, complement, [740.0]) > 80  # mpmath says 0
    assert ulp_error(right, complement, [740.0], bits=1200) < 1


def test_a_second_comparison_at_the_same_points_is_not_evaluated_again() -> None:
    calls = []

    def exact(x: mpf) -> mpf:
        calls.append(x)
        return x

    x = np.linspace(0, 1, 11)
    ulp_error(x, exact, x)
    ulp_error(x + 1, exact, x)
    assert len(calls) == 11
    ulp_error(x.astype(np.float32), exact, x)  # other ulps
    assert len(calls) == 22


def test_ulp_error_says_what_is_wrong_with_its_arguments() -> None:
    with pytest.raises(TypeError, match="float16, float32 or float64 values, not int64"):
        ulp_error(np.array([1], dtype=np.int64), identity, [1.0])
    with pytest.raises(TypeError, match="real numbers of at most 64 bits, not complex128"):
        ulp_error([1.0], identity, [1j])
    with pytest.raises(ValueError, match=r"values has shape \(2,\), but x has shape \(3,\)"):
        ulp_error([1.0, 2.0], identity, [1.0, 2.0, 3.0])


# The formulas on paper


def numeric_derivative(name: str, point: float) -> mpf:
    return mp.diff(EXACT[name], mpf(point))


@pytest.mark.parametrize("name", [name for name in EXACT if not name.endswith("_derivative")])
def test_each_derivative_is_the_derivative_of_its_function(name: str) -> None:
    points = [0.1, 0.3, 0.9] if name == "logit" else [-30.0, -3.5, -2.0, -0.5, 0.7, 5.0, 40.0]
    with mp.workprec(400):
        for point in points:
            slope = EXACT[f"{name}_derivative"](mpf(point))
            assert mp.almosteq(numeric_derivative(name, point), slope, rel_eps=mpf(10) ** -25, abs_eps=mpf(10) ** -40)


def scipy_gelu(x: np.ndarray) -> np.ndarray:
    return x * scipy.special.ndtr(x)


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("sigmoid", scipy.special.expit),
        ("log_sigmoid", scipy.special.log_expit),
        ("softplus", lambda x: np.logaddexp(0, x)),
        ("tanh", np.tanh),
        ("relu", lambda x: np.maximum(x, 0)),
        ("leaky_relu", lambda x: np.where(x > 0, x, x / 100)),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        ("gelu", scipy_gelu),
        ("silu", lambda x: x * scipy.special.expit(x)),
        ("hard_sigmoid", lambda x: np.clip((x + 3) / 6, 0, 1)),
    ],
)
def test_the_formulas_on_paper_agree_with_other_libraries(name: str, peer: object) -> None:
    x = np.linspace(-30, 30, 201)
    assert ulp_error(peer(x), EXACT[name], x).max() < 2000  # a wrong formula is off by 1e12 and more


def test_the_logit_on_paper_agrees_with_scipy() -> None:
    p = np.concatenate([np.linspace(0, 1, 201), [1e-300, -0.5, 1.5]])
    assert ulp_error(scipy.special.logit(p), EXACT["logit"], p).max() < 3


@pytest.mark.parametrize("name", [name for name in EXACT if not name.startswith("logit")])
def test_the_formulas_hold_at_the_ends_of_the_line(name: str) -> None:
    ends = [-math.inf, -1.7e308, -1e5, -9999.0, 9999.0, 1e5, 1.7e308, math.inf]
    with mp.workprec(200):
        values = [EXACT[name](mpf(x)) for x in ends]
        assert all(isinstance(value, mpf) and not mp.isnan(value) for value in values)
        # Monotone from 9999 outwards, so continuous where the asymptote takes over, and the infinities are the limits.
        left, right = values[3::-1], values[4:]
        for side in (left, right):
            assert side == sorted(side) or side == sorted(side, reverse=True)
            assert float(side[-1]) == (math.copysign(math.inf, side[-2]) if abs(side[-2]) > 1e300 else float(side[-2]))


def test_every_activation_has_a_formula_on_paper() -> None:
    public = [name for name in activations.__all__ if name.islower()]
    assert public
    assert set(public) <= set(EXACT)


# The processor


def test_cpu_features_follow_numpys_switch() -> None:
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    removable = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    if not removable:
        pytest.skip("this processor, or this NumPy, has only the baseline")
    assert set(cpu_features().values()) != {"baseline"}
    asked = "from course_lib.measure import cpu_features; print(*cpu_features().values())"
    environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(removable)}
    done = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) == {"baseline"}
