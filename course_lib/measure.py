"""How the course measures: speed, peak memory, and error in units in the last place.

A claim such as "faster" or "more accurate" is worth what its measurement is worth. Three mistakes are common, and each
function here is built to avoid one:

- one run on a busy machine is noise, and two runs at different times saw two different machines, so
  :func:`compare_speed` takes the contestants in turn, many times over;
- memory read after a call is not the peak during it, so :func:`peak_memory` asks the allocators themselves;
- the difference of two float64 results says little about either, so :func:`ulp_error` compares with mpmath, which
  computes with as many digits as are asked for.

Figures depend on the processor, and more on which of its instructions NumPy uses: print :func:`cpu_features` with them.
"""

from __future__ import annotations

import functools
import gc
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from mpmath import mp, mpf
from numpy.typing import ArrayLike, NDArray

__all__ = ["EXACT", "SpeedComparison", "compare_speed", "cpu_features", "peak_memory", "ulp_error"]

Exact: TypeAlias = Callable[[Any], Any]

_UNITS = ((1, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns"))


@dataclass(frozen=True)
class SpeedComparison:
    """What :func:`compare_speed` measured. It prints as a table.

    Attributes
    ----------
    samples : dict of str to tuple of float
        Seconds that one call took, one number a round; the rounds of all contestants belong together.
    baseline : str
        The contestant that the ratios are to.

    Examples
    --------
    >>> comparison = SpeedComparison({"exp": (2e-6, 2e-6, 3e-6), "sigmoid": (6e-6, 8e-6, 9e-6)}, "exp")
    >>> comparison.ratios
    {'exp': 1.0, 'sigmoid': 3.0}
    >>> comparison
             median       spread  time / exp
    exp        2 µs  2 to 2.5 µs        1.00
    sigmoid    8 µs  7 to 8.5 µs        3.00
    """

    samples: dict[str, tuple[float, ...]]
    baseline: str

    @property
    def seconds(self) -> dict[str, float]:
        """Median time of one call, in seconds."""
        return {name: statistics.median(times) for name, times in self.samples.items()}

    @property
    def spread(self) -> dict[str, tuple[float, float]]:
        """First and third quartile of the time of one call, in seconds: half of the rounds lie between."""
        quartiles = {name: np.percentile(times, [25, 75]) for name, times in self.samples.items()}
        return {name: (float(low), float(high)) for name, (low, high) in quartiles.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """Median over the rounds of the time divided by the baseline's time in the same round.

        A machine that slows down for a while slows down both, so this is steadier than the quotient of two medians.
        """
        base = self.samples[self.baseline]
        return {
            name: statistics.median(t / b for t, b in zip(times, base, strict=True))
            for name, times in self.samples.items()
        }

    def __repr__(self) -> str:
        rows = [("", "median", "spread", f"time / {self.baseline}")]
        for name, ratio in self.ratios.items():
            median, (low, high) = self.seconds[name], self.spread[name]
            scale, unit = next((s, u) for s, u in _UNITS if median * s >= 1 or u == "ns")
            spread = f"{low * scale:.3g} to {high * scale:.3g} {unit}"
            rows.append((name, f"{median * scale:.3g} {unit}", spread, f"{ratio:.2f}"))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3))]).rstrip() for row in rows
        )


def compare_speed(
    calls: Mapping[str, Callable[[], object]],
    *,
    baseline: str | None = None,
    rounds: int = 15,
    sample_seconds: float = 0.005,
) -> SpeedComparison:
    """Time several calls against each other, in turn.

    Each round times every call once, in an order shuffled anew so that none always runs after the same neighbour. One
    timing repeats a short call until it lasts `sample_seconds`, with Python's garbage collector off. Results are
    medians over the rounds, so a few disturbed rounds change nothing.

    Parameters
    ----------
    calls : mapping of str to callable
        What to time, by name. The callables take no argument; their results are discarded.
    baseline : str, optional
        The name that ratios are to; by default the first.
    rounds : int
        How often each is timed.
    sample_seconds : float
        The least time that one timing lasts, in seconds. A call that takes longer is timed once a round.

    Returns
    -------
    SpeedComparison
        Medians, ratios, quartiles and every sample.

    Raises
    ------
    ValueError
        `calls` is empty, `baseline` is not one of its names, or `rounds` is below 1.

    Examples
    --------
    >>> x = np.linspace(-8, 8, 10_000)
    >>> speed = compare_speed({"exp": lambda: np.exp(x), "tanh": lambda: np.tanh(x)}, rounds=3, sample_seconds=1e-4)
    >>> speed.ratios["exp"]
    1.0
    >>> speed.seconds["tanh"] > 0
    True
    """
    if not calls:
        raise ValueError("there is nothing to time: calls is empty")
    if baseline is None:
        baseline = next(iter(calls))
    elif baseline not in calls:
        raise ValueError(f"the baseline {baseline!r} is none of the calls: {', '.join(calls)}")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        repeats = {name: _repeats(call, sample_seconds) for name, call in calls.items()}
        samples: dict[str, list[float]] = {name: [] for name in calls}
        order = list(calls)
        shuffle = random.Random(0).shuffle
        for _ in range(rounds):
            shuffle(order)
            for name in order:
                samples[name].append(_time(calls[name], repeats[name]) / repeats[name])
    finally:
        if collecting:
            gc.enable()
    return SpeedComparison({name: tuple(times) for name, times in samples.items()}, baseline)


def _repeats(call: Callable[[], object], sample_seconds: float) -> int:
    """How many calls in a row last `sample_seconds`; warms caches up on the way."""
    if _time(call, 1) > 100 * sample_seconds:
        return 1  # a cold start costs less than that, so that once has said it
    repeats = 1
    while (seconds := _time(call, repeats)) < sample_seconds:
        # Straight to the aim once a timing is long enough to be believed, in doublings until then.
        aim = 1.2 * repeats * sample_seconds / seconds if seconds > sample_seconds / 20 else 0
        repeats = max(2 * repeats, int(aim))
    return repeats


def _time(call: Callable[[], object], repeats: int) -> float:
    """Seconds that `repeats` calls take together."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return time.perf_counter() - start


def peak_memory(call: Callable[[], object]) -> int:
    """Extra memory in use at the worst moment of a call.

    Counts what Python and NumPy allocate, the result and the temporaries that are gone when the call returns. Memory
    that other libraries take from the system themselves, such as PyTorch's tensors, is not seen. The call runs once and
    slower than usual.

    Parameters
    ----------
    call : callable
        What to measure; takes no argument.

    Returns
    -------
    int
        Bytes above what was in use before.

    Examples
    --------
    >>> x = np.linspace(-8, 8, 1_000_000)
    >>> round(peak_memory(lambda: np.exp(x)) / x.nbytes, 2)
    1.0
    >>> round(peak_memory(lambda: 1 / (1 + np.exp(-x))) / x.nbytes, 2)
    2.0
    """
    gc.collect()
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not tracing:
            tracemalloc.stop()
    return peak - before


def ulp_error(values: ArrayLike, exact: Exact, x: ArrayLike, *, bits: int = 200) -> NDArray[np.float64]:
    r"""Error of computed values, in units in the last place (ulp) of the exact ones.

    One ulp is the distance between neighbouring numbers of the dtype of `values` at the exact value. A correctly
    rounded result has at most half an ulp of error, whatever its size, subnormal numbers included.

    Parameters
    ----------
    values : array_like of float16, float32 or float64, any shape
        What a function under test made of `x`.
    exact : callable
        The same function on mpmath numbers, one at a time: one of `EXACT`, or your own.
    x : array_like of numbers, same shape
        The points. Each is taken as exactly the number it is stored as.
    bits : int
        Precision that mpmath works in. 200 is plenty for formulas that subtract no nearly equal numbers. One that does
        needs more: ``1 - sigmoid(x)`` on paper takes 1200 to be right at ``x = 745``.

    Returns
    -------
    array of float64, same shape
        Errors, never negative, never nan. Where no number of ulps would make sense they are 0 or inf: nan is right
        where the exact value is undefined (nan or complex), or `x` is nan, and only there; an infinity is right where
        rounding the exact value gives it, and only there. Zeros are equal, whatever their sign.

    Raises
    ------
    TypeError
        `values` is not float16, float32 or float64, or `x` is not real.
    ValueError
        The shapes differ.

    Notes
    -----
    This is the measure of W. Kahan as J.-M. Muller describes it ("On the definition of ulp(x)", INRIA research report
    5504, 2005), with the exact value in the place of :math:`x`: :math:`2^{\max(e, e_{\min}) - p + 1}` for a value
    in :math:`[2^e, 2^{e+1})` and a precision of :math:`p` bits.

    mpmath needs 10 to 100 microseconds a point. What it found for the last few combinations of `exact` and `x` is kept,
    so that comparing several functions at the same points costs one evaluation, provided that `exact` is the same
    object each time.

    Examples
    --------
    >>> x = np.array([-740.0, 0.0, 40.0])
    >>> e = np.exp(-np.abs(x))
    >>> good = np.where(x >= 0, 1, e) / (1 + e)
    >>> bool(ulp_error(good, EXACT["sigmoid"], x).max() < 1)
    True
    >>> clipped = 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    >>> print(f"{ulp_error(clipped, EXACT['sigmoid'], x).max():.0e}")
    1e+106
    """
    computed, points = np.asarray(values), np.asarray(x)
    if computed.dtype.type not in (np.float16, np.float32, np.float64):
        raise TypeError(f"ulp_error measures float16, float32 or float64 values, not {computed.dtype}")
    if points.dtype.kind not in "biuf" or points.dtype.itemsize > 8:
        raise TypeError(f"x must be real numbers of at most 64 bits, not {points.dtype}")
    if computed.shape != points.shape:
        raise ValueError(f"values has shape {computed.shape}, but x has shape {points.shape}: pass the same points")
    near, rest, last = _exact_values(
        exact, np.ascontiguousarray(points).tobytes(), points.dtype.str, computed.dtype.name, bits
    )
    got = computed.astype(np.float64).ravel()
    with np.errstate(all="ignore"):
        # `near` is the exact value up to `rest`, so the difference, where it is small, has no rounding error.
        errors = np.abs(np.ldexp(got - near, -last) - rest)
    unmeasurable = ~np.isfinite(near) | ~np.isfinite(got)
    right = (got == near) | (np.isnan(got) & np.isnan(near))
    return np.where(unmeasurable, np.where(right, 0.0, np.inf), errors).reshape(points.shape)


@functools.lru_cache(maxsize=16)
def _exact_values(
    exact: Exact, points: bytes, points_dtype: str, dtype: str, bits: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Evaluate `exact` and return each value as near + rest * 2**last.

    `near` is a float64 next to it, `last` the exponent of the last place it has in `dtype`, `rest` what is missing.
    A value that rounds to an infinity in `dtype` is that infinity; an undefined one is nan.
    """
    xs = np.frombuffer(points, dtype=points_dtype).tolist()
    info = np.finfo(dtype)
    too_large = mpf(2) ** int(info.maxexp) - mpf(2) ** (int(info.maxexp) - int(info.nmant) - 2)
    near, rest, last = np.zeros(len(xs)), np.zeros(len(xs)), np.zeros(len(xs), dtype=np.int64)
    with mp.workprec(bits):
        for i, x in enumerate(xs):
            value = exact(mpf(x)) if x == x else mp.nan
            if not isinstance(value, mpf):
                value = mp.mpmathify(value)
            if not isinstance(value, mpf) or mp.isnan(value):  # complex, or nan
                near[i] = np.nan
            elif abs(value) >= too_large:
                near[i] = np.copysign(np.inf, float(mp.sign(value)))
            else:
                exponent = mp.frexp(value)[1] - 1 if value else int(info.minexp)
                last[i] = max(exponent, int(info.minexp)) - int(info.nmant)
                near[i] = float(value)
                rest[i] = float(mp.ldexp(value - mpf(near[i]), -int(last[i])))
    for array in (near, rest, last):
        array.flags.writeable = False  # they are shared by every later call
    return near, rest, last


def cpu_features() -> dict[str, str]:
    """Which of the processor's instructions NumPy uses for the functions that activations are made of.

    NumPy's `exp` and its kin come in several versions, and the choice is made when NumPy is imported: it is what the
    processor has, less what the environment variable ``NPY_DISABLE_CPU_FEATURES`` takes away. Both speed and last
    digits depend on it.

    Returns
    -------
    dict of str to str
        For each function its version for float64. "AVX-512" and "AVX2" are NumPy's targets X86_V4 (formerly AVX512_SKX)
        and X86_V3; "baseline" is what every processor that NumPy supports can run; other names are NumPy's own.

    Examples
    --------
    >>> sorted(cpu_features())
    ['arctanh', 'exp', 'log', 'log1p', 'tanh']
    """
    familiar = {"X86_V4": "AVX-512", "AVX512_SKX": "AVX-512", "X86_V3": "AVX2", "AVX2": "AVX2", "FMA3 AVX2": "AVX2"}
    features = {}
    for name in ("exp", "log", "log1p", "tanh", "arctanh"):
        loops = np.lib.introspect.opt_func_info(func_name=f"^{name}$", signature="float64").get(name, {})
        target = next((loop["current"] for loop in loops.values()), "baseline").split("(")[0]
        features[name] = familiar.get(target, target)
    return features


# The functions of the course as on paper, for `ulp_error`. They hold at 200 bits: nothing is subtracted that cancels
# beyond that. (A sum such as gelu's derivative does cancel at its root, but no float64 lies nearer to the root than
# about 2**-53, so more than 100 good bits are left.)

_FAR = 10_000  # exp(-10_000) is 2**-14427, which no dtype can hold: beyond, a function has met its asymptote


def _with_asymptotes(formula: Exact, left: Exact, right: Exact) -> Exact:
    """Let `formula` give way to its asymptotes far out.

    There mpmath is slow, or stops with an OverflowError, and at an infinity a product may be 0 times inf.
    """

    @functools.wraps(formula)
    def exact(x: Any) -> Any:
        if x > _FAR:
            return right(x)
        return left(x) if x < -_FAR else formula(x)

    return exact


def _zero(x: Any) -> Any:
    return mpf(0)


def _one(x: Any) -> Any:
    return mpf(1)


def _itself(x: Any) -> Any:
    return x


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x))


def _logit(p: Any) -> Any:
    return mp.log(p) - mp.log1p(-p)


def _logit_derivative(p: Any) -> Any:
    if p in (0, 1):
        return mp.inf
    return 1 / (p * (1 - p)) if 0 < p < 1 else mp.nan


def _normal_cdf(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _normal_pdf(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


#: Name of each function of :mod:`course_lib.activations`, and of its derivative, to the same on mpmath numbers. Where a
#: derivative jumps, its value is the one from the left, or the flat side's: 0 for `relu` at 0 and for `hard_sigmoid`
#: at -3 and 3. Constants are the decimal ones of the definition: a slope of 1/100 for `leaky_relu`.
EXACT: dict[str, Exact] = {
    "sigmoid": _with_asymptotes(_sigmoid, _zero, _one),
    "sigmoid_derivative": _with_asymptotes(lambda x: _sigmoid(x) * _sigmoid(-x), _zero, _zero),
    "log_sigmoid": _with_asymptotes(lambda x: -_softplus(-x), _itself, _zero),
    "log_sigmoid_derivative": _with_asymptotes(lambda x: _sigmoid(-x), _one, _zero),
    "softplus": _with_asymptotes(_softplus, _zero, _itself),
    "softplus_derivative": _with_asymptotes(_sigmoid, _zero, _one),
    "logit": _logit,
    "logit_derivative": _logit_derivative,
    "tanh": _with_asymptotes(mp.tanh, lambda x: mpf(-1), _one),
    "tanh_derivative": _with_asymptotes(lambda x: mp.sech(x) ** 2, _zero, _zero),
    "relu": lambda x: x if x > 0 else mpf(0),
    "relu_derivative": lambda x: mpf(1 if x > 0 else 0),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "leaky_relu_derivative": lambda x: mpf(1) if x > 0 else mpf(1) / 100,
    "elu": lambda x: x if x > 0 else mp.expm1(max(x, -_FAR)),
    "elu_derivative": lambda x: mpf(1) if x > 0 else mp.exp(max(x, -_FAR)),
    "gelu": _with_asymptotes(lambda x: x * _normal_cdf(x), _zero, _itself),
    "gelu_derivative": _with_asymptotes(lambda x: _normal_cdf(x) + x * _normal_pdf(x), _zero, _one),
    "silu": _with_asymptotes(lambda x: x * _sigmoid(x), _zero, _itself),
    "silu_derivative": _with_asymptotes(lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x)), _zero, _one),
    "hard_sigmoid": lambda x: min(max((x + 3) / 6, mpf(0)), mpf(1)),
    "hard_sigmoid_derivative": lambda x: mpf(1) / 6 if -3 < x < 3 else mpf(0),
}
