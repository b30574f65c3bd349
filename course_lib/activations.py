r"""Activation functions and their derivatives, accurate over the whole range of their dtype.

All of them are elementwise: array in, array out, with the shape and floating dtype of the input.
Integers and booleans become float64, a Python number or a 0-d array gives a NumPy scalar, nan gives
nan, and no input makes them warn. Any array_like is accepted; what comes back is a plain array (a
masked array loses its mask).

The formulas run in float64. For float16 and float32 the result is then rounded once, which leaves
at most 0.51 units in the last place (ulp) of error. Extended precision (`numpy.longdouble`) is
refused: it is a different type on every platform, and rounding it to float64 unasked would lose
what it was chosen for.

The ulp figures in the docstrings are for float64 results, subnormal ones included. They are what
tests/course_lib/test_activations.py measures against mpmath, on x86-64 with and without AVX-512 and
AVX2: NumPy's `exp`, `log1p` and `tanh` differ between these.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "log_sigmoid",
    "log_sigmoid_derivative",
    "logit",
    "logit_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "softplus",
    "softplus_derivative",
    "tanh",
    "tanh_derivative",
]

Float64s: TypeAlias = NDArray[np.float64]


def sigmoid(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Squash real numbers into (0, 1): the logistic function, :math:`1 / (1 + e^{-x})`.

    The textbook form overflows below ``x = -709.78`` and returns 0 there, where the true value is
    still representable down to ``x = -745.13``.

    Parameters
    ----------
    x : array_like, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        Probabilities, at most 1.8 ulp from the exact value, and never decreasing when `x`
        increases.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    With :math:`e = e^{-|x|}`, which cannot overflow, the value is :math:`1 / (1 + e)` for positive
    and :math:`e / (1 + e)` for negative `x`. Below :math:`x = -\ln 2` that quotient is written
    :math:`e - e \cdot e/(1 + e)`, so that its rounding errors only reach the smaller of two terms.
    Each of the three is a monotone function of the floating-point number :math:`e`, so the result
    is as monotone as `numpy.exp`. (The identity :math:`\tfrac12 + \tfrac12\tanh(x/2)` has smaller
    errors on [-1, 1], but NumPy's vectorised `tanh` is not monotone.)

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    >>> sigmoid(-740.0) > 0
    np.True_
    """
    return _apply("sigmoid", _sigmoid, x, out)


def sigmoid_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the sigmoid, :math:`\sigma(x)\,\sigma(-x)`.

    The textbook form ``s * (1 - s)`` is 0 for ``x >= 37`` because ``1 - s`` has lost every digit;
    this one keeps its tail down to the smallest subnormal.

    Parameters
    ----------
    x : array_like, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        At most 2.7 ulp from the exact value; exactly symmetric, 1/4 at 0.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    The slope is even, so :math:`s = \sigma(-|x|) \le 1/2` may stand for :math:`\sigma(x)`; then in
    :math:`s - s^2` nothing cancels.

    Examples
    --------
    >>> sigmoid_derivative(0.0)
    np.float64(0.25)
    >>> sigmoid_derivative(40.0) > 0
    np.True_
    """
    return _apply("sigmoid_derivative", _sigmoid_derivative, x, out)


def log_sigmoid(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Logarithm of the sigmoid, :math:`\ln\sigma(x) = -\ln(1 + e^{-x})`.

    ``log(sigmoid(x))`` is -inf once the sigmoid has underflowed, and 0 from ``x = 37`` on; here the
    result is finite for every finite `x`, and negative as long as a float64 can say so (up to
    ``x = 745.13``).

    Parameters
    ----------
    x : array_like, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        Log-probabilities, at most 1.7 ulp from the exact value.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    See Also
    --------
    softplus : The same curve turned by half a turn, ``-log_sigmoid(-x)``.

    Notes
    -----
    Computed as :math:`\min(x, 0) - \mathrm{log1p}(e^{-|x|})`, where the exponential cannot
    overflow. For `log1p` in place of the logarithm of a rounded ``1 + e``, see M. Mächler,
    "Accurately Computing log(1 - exp(-|a|))", vignette of the R package Rmpfr, 2012.

    Examples
    --------
    >>> log_sigmoid(-1000.0)
    np.float64(-1000.0)
    >>> log_sigmoid(40.0) < 0
    np.True_
    """
    return _apply("log_sigmoid", _log_sigmoid, x, out)


def log_sigmoid_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the log-sigmoid, :math:`\sigma(-x)`.

    Written ``1 - sigmoid(x)`` it would be 0 from ``x = 37`` on.

    Parameters
    ----------
    x : array_like, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        Between 1 (far left) and 0 (far right), at most 1.8 ulp from the exact value.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> log_sigmoid_derivative([-1000.0, 0.0])
    array([1. , 0.5])
    >>> log_sigmoid_derivative(40.0) > 0
    np.True_
    """
    return _apply("log_sigmoid_derivative", _log_sigmoid_derivative, x, out)


def softplus(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Smooth version of ``max(x, 0)``: :math:`\ln(1 + e^{x})`.

    The textbook form overflows above ``x = 709.78`` and is 0 below ``x = -37``; here the result is
    finite for every finite `x`, and positive as long as a float64 can say so (down to
    ``x = -745.13``).

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        At most 1.7 ulp from the exact value.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    See Also
    --------
    log_sigmoid : The same curve turned by half a turn, ``-softplus(-x)``.

    Notes
    -----
    Computed as :math:`\max(x, 0) + \mathrm{log1p}(e^{-|x|})`, one formula where M. Mächler,
    "Accurately Computing log(1 - exp(-|a|))", vignette of the R package Rmpfr, 2012, switches
    between several. There is no threshold above which `x` itself is returned.

    Examples
    --------
    >>> softplus([-1000.0, 1000.0])
    array([   0., 1000.])
    >>> softplus(-40.0) > 0
    np.True_
    """
    return _apply("softplus", _softplus, x, out)


def softplus_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the softplus, which is the sigmoid: :math:`\sigma(x)`.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        Between 0 (far left) and 1 (far right), at most 1.8 ulp from the exact value.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> softplus_derivative([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    return _apply("softplus_derivative", _sigmoid, x, out)


def logit(p: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Log-odds, the inverse of the sigmoid: :math:`\ln(p / (1 - p))`.

    The textbook form loses its digits near one half, where the quotient is close to 1.

    Parameters
    ----------
    p : array_like, any shape
        Probabilities. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `p` itself.

    Returns
    -------
    array, shape of `p`
        At most 1.7 ulp from the exact value; -inf at 0, inf at 1,
        nan outside [0, 1].

    Raises
    ------
    TypeError
        `p` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    Between 1/4 and 3/4 the value is :math:`2\,\mathrm{artanh}(2p - 1)` (NIST Digital Library of
    Mathematical Functions, section 4.37(iv), with :math:`z = 2p - 1`): there
    ``2p - 1`` is exact, by Sterbenz's lemma, so that only `arctanh` rounds.

    Examples
    --------
    >>> logit([0.0, 0.5, 1.0, 2.0])
    array([-inf,   0.,  inf,  nan])
    >>> logit(sigmoid(-700.0))
    np.float64(-700.0)
    """
    return _apply("logit", _logit, p, out)


def logit_derivative(p: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the logit, :math:`1 / (p\,(1 - p))`.

    Parameters
    ----------
    p : array_like, any shape
        Probabilities. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `p` itself.

    Returns
    -------
    array, shape of `p`
        At least 4, at most 1.7 ulp from the exact value; inf at 0 and 1 and where the exact value
        is too large for the dtype, nan outside [0, 1].

    Raises
    ------
    TypeError
        `p` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> logit_derivative([0.0, 0.5, 1.0, 2.0])
    array([inf,  4., inf, nan])
    """
    return _apply("logit_derivative", _logit_derivative, p, out)


def tanh(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Hyperbolic tangent, :math:`2\,\sigma(2x) - 1`: the sigmoid stretched to (-1, 1).

    NumPy's own, with the rules of this module on dtypes. The difference ``2 * sigmoid(2 * x) - 1``
    would lose its digits near 0.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        At most 2.3 ulp from the exact value; odd, and -0.0
        at -0.0.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    return _apply("tanh", np.tanh, x, out)


def tanh_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the hyperbolic tangent, :math:`\mathrm{sech}^2 x = 4\,\sigma'(2x)`.

    The textbook form ``1 - tanh(x)**2`` is 0 from ``x = 19.1`` on because the square has been
    rounded to 1; this one keeps its tail.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    array, shape of `x`
        At most 2.7 ulp from the exact value; exactly symmetric, 1 at 0.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> tanh_derivative(0.0)
    np.float64(1.0)
    >>> tanh_derivative(20.0) > 0
    np.True_
    """
    return _apply("tanh_derivative", _tanh_derivative, x, out)


# The formulas. They see float64 only, and may underflow, divide by zero or meet nan: _apply keeps
# that quiet.


def _sigmoid(x: Float64s) -> Float64s:
    e = np.exp(-np.abs(x))  # never above 1, so it cannot overflow
    s: Float64s = np.where(x >= 0, 1, e) / (1 + e)
    # Where e < 1/2, rounding 1 + e drops bits of e, and the quotient is neither monotone nor as
    # accurate as the same thing written as a small correction to e.
    return np.where((x < 0) & (e < 0.5), e - e * s, s)


def _sigmoid_derivative(x: Float64s) -> Float64s:
    s = _sigmoid(-np.abs(x))
    return s - s * s


def _log_sigmoid(x: Float64s) -> Float64s:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def _log_sigmoid_derivative(x: Float64s) -> Float64s:
    return _sigmoid(-x)


def _softplus(x: Float64s) -> Float64s:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _logit(p: Float64s) -> Float64s:
    return np.where((p >= 0.25) & (p <= 0.75), 2 * np.arctanh(2 * p - 1), np.log(p / (1 - p)))


def _logit_derivative(p: Float64s) -> Float64s:
    r = np.minimum(p, 1 - p)  # exact above 1/2; r - r * r rounds less than p * (1 - p)
    return np.where(r < 0, np.nan, 1 / np.abs(r - r * r))  # abs for -0.0, whose inverse is -inf


def _tanh_derivative(x: Float64s) -> Float64s:
    return 4 * _sigmoid_derivative(2 * x)


def _apply(name: str, formula: Callable[[Float64s], Float64s], x: ArrayLike, out: NDArray[Any] | None) -> Any:
    """Run a float64 formula on any array_like, and return its result in the dtype of the input."""
    array = np.asarray(x)
    if array.dtype.kind in "biu":
        dtype = np.dtype(np.float64)
    elif array.dtype.type in (np.float16, np.float32, np.float64):
        dtype = array.dtype.newbyteorder("=")  # results are in the machine's byte order, as NumPy's
    else:
        raise TypeError(
            f"{name} takes booleans, integers, float16, float32 or float64, not {array.dtype}: " + _remedy(array.dtype)
        )
    if out is not None:
        if not isinstance(out, np.ndarray):
            raise TypeError(f"{name}: out must be a NumPy array, not {type(out).__name__}")
        if out.shape != array.shape:
            raise ValueError(f"{name}: out has shape {out.shape}, but x has shape {array.shape}")
        if out.dtype.newbyteorder("=") != dtype:
            raise ValueError(f"{name}: out has dtype {out.dtype}, but the result is {dtype}")
        if not out.flags.writeable:
            raise ValueError(f"{name}: out is read-only")
    # Rounding to float16 or float32 may underflow too, so it is done with the formula, in silence.
    with np.errstate(all="ignore"):
        result = np.asarray(formula(array.astype(np.float64, copy=False))).astype(dtype, copy=False)
    if out is None:
        return result if result.ndim else result[()]  # 0-d: a NumPy scalar, as ufuncs return
    # `result` shares no memory with x, so it does not matter whether out does.
    np.copyto(out, result)
    return out


def _remedy(dtype: np.dtype[Any]) -> str:
    """Say what to do with an array that has a dtype no function here takes."""
    if dtype.kind == "c":
        return "take x.real, or whichever part is meant, first"
    if dtype.kind == "f":
        return "extended precision is not supported, so round first, with x.astype(numpy.float64)"
    return "convert first, with numpy.asarray(x, dtype=numpy.float64)"
