r"""The sigmoid and its relatives in the forms people write, wrong where they are wrong.

Each function computes exactly what its formula says, warnings included, so that its errors can be measured and need not
be believed. `VARIANTS` lists them. For work, use :mod:`course_lib.activations`.

All are elementwise and meant for arrays of floats. What becomes of other input is part of what they are: some truncate
integers, some refuse a list, some turn float32 into float64.

Errors in the docstrings are in units in the last place (ulp) of the exact value, for float64 unless it says otherwise;
they were found with mpmath by ``benchmarks/accuracy.py``. A number is *subnormal* below 2.2e-308 (float64) or 1.2e-38
(float32): there digits are lost one by one until none is left.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "VARIANTS",
    "Variant",
    "branch_free_sigmoid",
    "cached_sigmoid",
    "capped_sigmoid",
    "clipped_cross_entropy",
    "clipped_sigmoid",
    "compensated_sigmoid",
    "exp_over_one_plus_exp",
    "lookup_sigmoid",
    "math_sigmoid",
    "mixed_sigmoid",
    "naive_derivative",
    "naive_log_sigmoid",
    "naive_logit",
    "naive_sigmoid",
    "naive_softplus",
    "one_minus_sigmoid",
    "tanh_sigmoid",
    "threshold_softplus",
    "two_branch_sigmoid",
    "where_sigmoid",
    "zeros_like_sigmoid",
]


# The sigmoid


def naive_sigmoid(x: NDArray[Any]) -> Any:
    """Compute the sigmoid as on paper, ``1 / (1 + exp(-x))``.

    Wrong where the result is subnormal: below ``x = -709.78`` (float32: -88.72) ``exp(-x)`` overflows, which NumPy
    warns of, and the result is 0. The true value is up to 1e15 times the smallest number that could have been returned.
    Elsewhere it is within 2.5 ulp: the warning is the most visible thing wrong with it. `scipy.special.expit`,
    PyTorch and CuPy use this formula, without the warning.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> naive_sigmoid(np.array([-2.0, 0.0, 2.0])).round(4)
    array([0.1192, 0.5   , 0.8808])
    """
    return 1 / (1 + np.exp(-x))


def clipped_sigmoid(x: NDArray[Any]) -> Any:
    """Clip `x` to ±500 before the naive form, so that it never warns.

    Wrong below -500: the result stops at 7.1e-218 there, however far `x` goes, and says nothing. In float32 the clip
    does not even do what it is for: ``exp(500)`` overflows, warns and gives 0 as before.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> clipped_sigmoid(np.array([-600.0, -700.0]))
    array([7.12457641e-218, 7.12457641e-218])
    """
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


def exp_over_one_plus_exp(x: NDArray[Any]) -> Any:
    """Compute the sigmoid with the exponential above and below, ``exp(x) / (1 + exp(x))``.

    Wrong above ``x = 709.78`` (float32: 88.72), where it is inf / inf: nan, with two warnings. For negative `x` it is
    the good form, right down to the last subnormal.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> exp_over_one_plus_exp(np.array([-740.0, 0.0, 700.0]))
    array([4.2e-322, 5.0e-001, 1.0e+000])
    """
    return np.exp(x) / (1 + np.exp(x))


def capped_sigmoid(x: NDArray[Any]) -> Any:
    """Cap `x` at 40, where the sigmoid has long been 1, and divide exponentials.

    Accurate (2.3 ulp) and silent in float64 and float32. Two flaws: where `x` rises by one ulp the result may fall
    by one, on about one step in a hundred; and in float16, whose largest number is 65504, ``exp(40)`` overflows all the
    same, so that the result is nan from ``x = 11.1``.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> capped_sigmoid(np.array([-740.0, 0.0, 740.0]))
    array([4.2e-322, 5.0e-001, 1.0e+000])
    """
    e = np.exp(np.minimum(x, 40))
    return e / (1 + e)


def where_sigmoid(x: NDArray[Any]) -> Any:
    """Choose with `np.where` between the form for positive and the one for negative `x`.

    The values are right. But both forms are computed everywhere before `np.where` chooses, so the warnings that the
    choice was meant to prevent come all the same, with twice the work.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> where_sigmoid(np.array([-2.0, 0.0, 2.0])).round(4)
    array([0.1192, 0.5   , 0.8808])
    """
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


def two_branch_sigmoid(x: NDArray[Any]) -> Any:
    """Compute positive and negative `x` apart, through boolean indexing.

    The values are right and nothing warns. Gathering and scattering by a mask makes it the slowest of the array forms,
    most of all when signs are mixed at random, and it refuses a plain number, which has no shape.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> two_branch_sigmoid(np.array([-740.0, 0.0, 740.0]))
    array([4.2e-322, 5.0e-001, 1.0e+000])
    """
    result = np.empty(x.shape, dtype=np.result_type(x, 0.5))
    positive = x >= 0
    result[positive] = 1 / (1 + np.exp(-x[positive]))
    e = np.exp(x[~positive])
    result[~positive] = e / (1 + e)
    return result


def zeros_like_sigmoid(x: NDArray[Any]) -> Any:
    """Compute the two branches into ``np.zeros_like(x)``.

    Wrong for integers: the result has the dtype of `x`, so that every probability is truncated to 0, without a word.
    Floats fare as in `two_branch_sigmoid`.

    Parameters
    ----------
    x : array

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> zeros_like_sigmoid(np.array([-2, 0, 2]))
    array([0, 0, 0])
    """
    result = np.zeros_like(x)
    positive = x >= 0
    result[positive] = 1 / (1 + np.exp(-x[positive]))
    e = np.exp(x[~positive])
    result[~positive] = e / (1 + e)
    return result


def branch_free_sigmoid(x: NDArray[Any]) -> Any:
    """Use ``exp(-abs(x))``, which cannot overflow, and choose only the numerator.

    Right everywhere to 2.3 ulp and silent, at little more than the cost of the naive form. Its one flaw: for negative
    `x`, rounding ``1 + e`` costs the quotient its monotony. Where `x` rises by one ulp the result may fall by one.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> branch_free_sigmoid(np.array([-740.0, 0.0, 740.0]))
    array([4.2e-322, 5.0e-001, 1.0e+000])
    """
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def compensated_sigmoid(x: NDArray[Any]) -> Any:
    """Compute the branch-free form, then put back what rounding ``1 + e`` took away.

    Right everywhere to 1.9 ulp and silent. ``r`` is that rounding error, exactly, because ``e <= 1`` (the Fast2Sum of
    T. J. Dekker, "A floating-point technique for extending the available precision", 1971). It is not monotone either.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> compensated_sigmoid(np.array([-740.0, 0.0, 740.0]))
    array([4.2e-322, 5.0e-001, 1.0e+000])
    """
    e = np.exp(-np.abs(x))
    w = 1 + e
    r = e - (w - 1)
    q = np.where(x >= 0, 1, e) / w
    return q - q * (r / w)


def tanh_sigmoid(x: NDArray[Any]) -> Any:
    """Stretch the hyperbolic tangent, ``0.5 * (1 + tanh(x / 2))``.

    The fastest form and, for positive `x`, the most accurate (1 ulp where NumPy's `tanh` is vectorised, else 1.5).
    Wrong for negative `x`: ``1 + tanh`` cancels, so digits go missing one after the other, and from about ``x = -38``
    (float32: -18) down the result is 0.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> tanh_sigmoid(np.array([-40.0, 0.0, 2.0])).round(4)
    array([0.    , 0.5   , 0.8808])
    """
    return 0.5 * (1 + np.tanh(x / 2))


def mixed_sigmoid(x: NDArray[Any]) -> Any:
    """Use `tanh` from -1 upwards, and ``e - e * sigmoid(x)`` with ``e = exp(x)`` below.

    The most accurate form here, 1.6 ulp, and silent. It computes both an exponential and a hyperbolic tangent
    everywhere, and is monotone only where NumPy's `tanh` is.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> mixed_sigmoid(np.array([-740.0, 0.0, 740.0]))
    array([4.2e-322, 5.0e-001, 1.0e+000])
    """
    e = np.exp(-np.abs(x))
    return np.where(x >= -1, 0.5 + 0.5 * np.tanh(x / 2), e - e * (e / (1 + e)))


def math_sigmoid(x: NDArray[Any]) -> Any:
    """Apply Python's `math.exp` number by number, through `np.vectorize`.

    Wrong below ``x = -709.78``: `math.exp` does not warn, it raises an OverflowError, and one such number costs the
    whole array. It is a Python loop, so slow; an empty array is a ValueError; the result is always float64.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array of float64, same shape

    Examples
    --------
    >>> math_sigmoid(np.array([-2.0, 0.0, 2.0])).round(4)
    array([0.1192, 0.5   , 0.8808])
    """
    return np.vectorize(lambda v: 1 / (1 + math.exp(-v)))(x)


def cached_sigmoid(x: NDArray[Any]) -> Any:
    """Remember the sigmoid of `x` rounded to four decimals, "to save time".

    Wrong everywhere, by up to 1.25e-5, in the fifth digit: the slope, at most 1/4, times a rounding of at most 5e-5. It
    is also hundreds of times slower, because looking up a Python number costs more than computing an exponential.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array of float64, same shape

    Examples
    --------
    >>> cached_sigmoid(np.array([0.00004, 0.00016]))
    array([0.5    , 0.50005])
    >>> naive_sigmoid(np.array([0.00004, 0.00016]))
    array([0.50001, 0.50004])
    """
    values = [_remembered(round(float(v), 4)) for v in x.ravel()]
    return np.array(values, dtype=np.float64).reshape(x.shape)


@functools.lru_cache(maxsize=100_000)
def _remembered(v: float) -> Any:
    return 1 / (1 + np.exp(-v))


def lookup_sigmoid(x: NDArray[Any]) -> Any:
    """Interpolate linearly in a table of 1001 values from -8 to 8.

    Wrong everywhere: by up to 3.1e-6 inside the table, an eighth of the squared step times the largest second
    derivative, 0.0962; outside it stays at 3.4e-4 and 1 - 3.4e-4. Such a table (there of 1000 entries from -6 to 6,
    without interpolation) is in word2vec.c of T. Mikolov et al., 2013; it pays where an exponential is slow.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array of float64, same shape

    Examples
    --------
    >>> lookup_sigmoid(np.array([-100.0, 0.0, 0.008]))
    array([3.35350130e-04, 5.00000000e-01, 5.01999957e-01])
    """
    return np.interp(x, _TABLE_X, _TABLE_Y)


_TABLE_X = np.linspace(-8, 8, 1001)
_TABLE_Y = naive_sigmoid(_TABLE_X)


# What is built on it


def one_minus_sigmoid(x: NDArray[Any]) -> Any:
    """Compute the probability of the other class by subtraction, ``1 - sigmoid(x)``.

    Wrong for large `x`: the digits go with the difference, and it is 0 from ``x = 36.74`` (float32: 16.64) on. The
    same number is ``sigmoid(-x)``, to the last digit.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> one_minus_sigmoid(np.array([0.0, 40.0]))
    array([0.5, 0. ])
    >>> naive_sigmoid(np.array([-40.0]))
    array([4.24835426e-18])
    """
    return 1 - naive_sigmoid(x)


def naive_derivative(x: NDArray[Any]) -> Any:
    """Compute the sigmoid's slope from its value, ``s * (1 - s)``.

    Wrong for large `x`, as `one_minus_sigmoid` is: it is 0 from ``x = 36.74`` on, while the true slope lasts to 745.
    Automatic differentiation in PyTorch and JAX evaluates this very product. On the left it is right.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> naive_derivative(np.array([-40.0, 0.0, 40.0]))
    array([4.24835426e-18, 2.50000000e-01, 0.00000000e+00])
    """
    s = naive_sigmoid(x)
    return s * (1 - s)


def naive_log_sigmoid(x: NDArray[Any]) -> Any:
    """Take the logarithm of the sigmoid.

    Wrong at both ends: -inf below ``x = -709.78``, where the answer is `x`; and for large `x` the digits go, until it
    is 0 from 36.74 on.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> naive_log_sigmoid(np.array([-700.0, 0.0, 40.0]))
    array([-7.00000000e+02, -6.93147181e-01,  0.00000000e+00])
    """
    return np.log(naive_sigmoid(x))


def naive_softplus(x: NDArray[Any]) -> Any:
    """Compute the softplus as on paper, ``log(1 + exp(x))``.

    Wrong at both ends: inf above ``x = 709.78``, where the answer is `x`; and for large negative `x` the digits of
    ``exp(x)`` go when 1 is added, until it is 0 below -36.74.

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> naive_softplus(np.array([-40.0, 0.0, 700.0]))
    array([0.00000000e+00, 6.93147181e-01, 7.00000000e+02])
    """
    return np.log(1 + np.exp(x))


def threshold_softplus(x: NDArray[Any]) -> Any:
    """Return `x` itself above 20, ``log1p(exp(x))`` up to there: the softplus of PyTorch.

    Wrong just above 20 in float64: the term left out, ``exp(-20) = 2e-9``, is 6e5 ulp. In float32 it is too small to
    matter. (``torch.nn.functional.softplus`` has the threshold as a parameter; 20 is the default.)

    Parameters
    ----------
    x : array of floats

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> threshold_softplus(np.array([-40.0, 21.0]))
    array([4.24835426e-18, 2.10000000e+01])
    """
    # PyTorch decides for each number, so the other branch never runs there; the minimum stands for that.
    return np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20))))


def naive_logit(p: NDArray[Any]) -> Any:
    """Compute the logit as on paper, ``log(p / (1 - p))``.

    Wrong near 1/2: the quotient is close to 1, its rounding error is as large as its distance from 1, and the logarithm
    shows nothing else. At the number just below 1/2, as in the example, half of the answer is missing. Close to the
    ends it is right.

    Parameters
    ----------
    p : array of floats
        Probabilities.

    Returns
    -------
    array, same shape and dtype

    Examples
    --------
    >>> naive_logit(np.array([0.25, 0.5 - 2.0**-54]))
    array([-1.09861229e+00, -1.11022302e-16])
    """
    return np.log(p / (1 - p))


def clipped_cross_entropy(p: NDArray[Any], y: NDArray[Any]) -> Any:
    """Compute the cross-entropy from probabilities clipped to [1e-15, 1 - 1e-15].

    Wrong where it matters most: the loss of a confident mistake stops at 34.5, and its gradient there is 0. In float32
    ``1 - 1e-15`` is 1, so that the upper clip does nothing: the loss is inf when the label is 0, and nan, from
    ``0 * inf``, when the label is 1 and the prediction perfect. The loss computed from the logit has none of this.

    Parameters
    ----------
    p : array of floats
        Predicted probabilities of the label 1.
    y : array, same shape
        Labels, 0 or 1.

    Returns
    -------
    array, same shape
        Loss of each prediction.

    Examples
    --------
    >>> clipped_cross_entropy(np.array([1e-15, 1e-100]), np.array([1.0, 1.0]))
    array([34.53877639, 34.53877639])
    """
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


@dataclass(frozen=True)
class Variant:
    """One way to write a function.

    Attributes
    ----------
    function : callable
        Array in, array out.
    computes : str
        What it is meant to compute: a key of :data:`course_lib.measure.EXACT`.
    formula : str
        The form, as text.
    note : str
        What is wrong with it, in a few words.
    """

    function: Callable[[NDArray[Any]], Any]
    computes: str
    formula: str
    note: str


#: Every form of one argument, by the name of its function. (`clipped_cross_entropy` takes two, and is not here.)
VARIANTS: dict[str, Variant] = {
    variant.function.__name__: variant
    for variant in (
        Variant(naive_sigmoid, "sigmoid", "1 / (1 + exp(-x))", "0 where the result is subnormal; overflow warning"),
        Variant(clipped_sigmoid, "sigmoid", "naive, x clipped to ±500", "stops at 7e-218; float32 overflows anyway"),
        Variant(exp_over_one_plus_exp, "sigmoid", "exp(x) / (1 + exp(x))", "nan at large x"),
        Variant(capped_sigmoid, "sigmoid", "e / (1 + e), e = exp(min(x, 40))", "not monotone; nan in float16"),
        Variant(where_sigmoid, "sigmoid", "np.where of two branches", "right, but warns; twice the work"),
        Variant(two_branch_sigmoid, "sigmoid", "two branches by boolean indexing", "right, but slow"),
        Variant(zeros_like_sigmoid, "sigmoid", "two branches into np.zeros_like(x)", "integers in, zeros out"),
        Variant(
            branch_free_sigmoid, "sigmoid", "where(x >= 0, 1, e) / (1 + e), e = exp(-abs(x))", "right; not monotone"
        ),
        Variant(compensated_sigmoid, "sigmoid", "branch-free, rounding of 1 + e put back", "right; not monotone"),
        Variant(tanh_sigmoid, "sigmoid", "0.5 * (1 + tanh(x / 2))", "loses all digits on the left"),
        Variant(mixed_sigmoid, "sigmoid", "tanh form from -1 on, e - e * e / (1 + e) below", "right; two functions"),
        Variant(math_sigmoid, "sigmoid", "naive, math.exp number by number", "OverflowError below -709.78; slow"),
        Variant(cached_sigmoid, "sigmoid", "naive, x rounded to 4 decimals, remembered", "fifth digit wrong; slow"),
        Variant(lookup_sigmoid, "sigmoid", "table of 1001 values, interpolated", "sixth digit wrong; ends at ±8"),
        Variant(one_minus_sigmoid, "log_sigmoid_derivative", "1 - sigmoid(x)", "0 from 36.74 on, not sigmoid(-x)"),
        Variant(naive_derivative, "sigmoid_derivative", "s * (1 - s)", "0 from 36.74 on"),
        Variant(naive_log_sigmoid, "log_sigmoid", "log(sigmoid(x))", "-inf below -709.78; 0 from 36.74 on"),
        Variant(naive_softplus, "softplus", "log(1 + exp(x))", "inf above 709.78; 0 below -36.74"),
        Variant(threshold_softplus, "softplus", "x above 20, else log1p(exp(x))", "drops exp(-x) above 20"),
        Variant(naive_logit, "logit", "log(p / (1 - p))", "loses all digits near 1/2"),
    )
}
