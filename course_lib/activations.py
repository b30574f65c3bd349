r"""Activation functions and their derivatives, accurate over the whole range of their dtype.

All of them are elementwise: array in, array out, with the shape and floating dtype of the input.
Integers and booleans become float64, a Python number or a 0-d array gives a NumPy scalar, nan gives
nan, and no input makes them warn. Any array_like is accepted; what comes back is a plain array (a
masked array loses its mask). Arrays of PyTorch, CuPy and other libraries that follow the array API
standard stay with their library and on their device.

The formulas run in float64. For float16 and float32 the result is then rounded once, which leaves
at most 0.51 units in the last place (ulp) of error. Extended precision (`numpy.longdouble`) is
refused: it is a different type on every platform, and rounding it to float64 unasked would lose
what it was chosen for.

The ulp figures in the docstrings are for float64 results, subnormal ones included. They are what
tests/course_lib/test_activations.py measures against mpmath, on x86-64 with and without AVX-512 and
AVX2: NumPy's `exp`, `log1p` and `tanh` differ between these.

Each formula is written once, in the array API standard (`_sigmoid`, `_softplus`, ...). The five that
are called most also exist for NumPy without temporaries (`_sigmoid_in_place`, ...): the same
operations in the same order, so the results are the same bits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import array_api_compat
import numpy as np
from mpmath import mp
from numpy.typing import ArrayLike, NDArray

from course_lib._elementwise import BLOCK, apply, magnitude

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "elu",
    "elu_derivative",
    "gelu",
    "gelu_derivative",
    "hard_sigmoid",
    "hard_sigmoid_derivative",
    "leaky_relu",
    "leaky_relu_derivative",
    "log_sigmoid",
    "log_sigmoid_derivative",
    "logit",
    "logit_derivative",
    "relu",
    "relu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "silu",
    "silu_derivative",
    "softplus",
    "softplus_derivative",
    "tanh",
    "tanh_derivative",
]


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
    return apply("sigmoid", _sigmoid, x, out, in_place=_sigmoid_in_place, narrow=_short_sigmoid_in_place)


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
    return apply("sigmoid_derivative", _sigmoid_derivative, x, out, in_place=_sigmoid_derivative_in_place)


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
        Log-probabilities, at most 1.3 ulp from the exact value.

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
    It is :math:`\min(x, 0)` less the bend :math:`\ln(1 + e^{-|x|})`; for the bend see `softplus`.

    Examples
    --------
    >>> log_sigmoid(-1000.0)
    np.float64(-1000.0)
    >>> log_sigmoid(40.0) < 0
    np.True_
    """
    return apply(
        "log_sigmoid", _log_sigmoid, x, out, in_place=_log_sigmoid_in_place, narrow=_short_log_sigmoid_in_place
    )


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
    return apply("log_sigmoid_derivative", _log_sigmoid_derivative, x, out)


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
        At most 1.3 ulp from the exact value.

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
    It is :math:`\max(x, 0)` plus the bend :math:`\ln(1 + e^{-|x|})`. The usual
    :math:`\mathrm{log1p}(e^{-|x|})` (M. Mächler, "Accurately Computing log(1 - exp(-\|a\|))", vignette of
    the R package Rmpfr, 2012) is up to 1.7 ulp off: where the exponential lies just above a power of
    two and the result just below it, half an ulp of the former is a whole one of the latter. So the
    exponential is not rounded here. With :math:`c` the multiple of 1/4 nearest to :math:`|x|`, and
    :math:`m = e^{c - |x|} - 1` from `expm1`,

    .. math:: \ln(1 + e^{-|x|}) = \ln(1 + e^{-c}) + \mathrm{log1p}\Bigl(\frac{m}{1 + e^{c}}\Bigr),

    where the first term comes from a table, in two parts, and the second is small. It takes about twice
    as long. float16 and float32 go the usual way, which has digits to spare for them.

    Examples
    --------
    >>> softplus([-1000.0, 1000.0])
    array([   0., 1000.])
    >>> softplus(-40.0) > 0
    np.True_
    """
    return apply("softplus", _softplus, x, out, in_place=_softplus_in_place, narrow=_short_softplus_in_place)


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
    return apply("softplus_derivative", _sigmoid, x, out, in_place=_sigmoid_in_place, narrow=_short_sigmoid_in_place)


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
        At most 1.3 ulp from the exact value, 1.7 where NumPy does not use AVX-512 for `arctanh`;
        -inf at 0, inf at 1, nan outside [0, 1].

    Raises
    ------
    TypeError
        `p` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    From :math:`p = 1/5` on the value is :math:`2\,\mathrm{artanh}(2p - 1)` (NIST Digital Library of
    Mathematical Functions, section 4.37(iv), with :math:`z = 2p - 1`). From 1/4 on ``2p - 1`` is exact,
    by Sterbenz's lemma, so that only `arctanh` rounds, and near one half no digit is lost. Below 1/5
    the quotient is far from 1, and its logarithm hardly feels the rounding.

    Examples
    --------
    >>> logit([0.0, 0.5, 1.0, 2.0])
    array([-inf,   0.,  inf,  nan])
    >>> logit(sigmoid(-700.0))
    np.float64(-700.0)
    """
    return apply("logit", _logit, p, out, in_place=_logit_in_place)


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
    return apply("logit_derivative", _logit_derivative, p, out)


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
    return apply("tanh", _tanh, x, out)


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
    return apply("tanh_derivative", _tanh_derivative, x, out)


def relu(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Rectified linear unit, :math:`\max(x, 0)`.

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
        Exact.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    return apply("relu", _relu, x, out)


def relu_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the rectifier: 0 for negative, 1 for positive `x`.

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
        Exact. At 0, where there is no slope, 0: the choice of PyTorch.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> relu_derivative([-2.0, 0.0, 3.0])
    array([0., 0., 1.])
    """
    return apply("relu_derivative", _relu_derivative, x, out)


def leaky_relu(x: ArrayLike, /, out: NDArray[Any] | None = None, *, negative_slope: float = 0.01) -> Any:
    r"""Rectifier that leaks: `x` where it is positive, ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.
    negative_slope : float, default 0.01
        Slope for negative `x`.

    Returns
    -------
    array, shape of `x`
        At most half an ulp from the exact value, `negative_slope` taken as the float64 it is.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic
    Models", ICML 2013 workshop. A unit whose input is always negative still learns.

    Examples
    --------
    >>> leaky_relu([-2.0, 0.0, 3.0])
    array([-0.02,  0.  ,  3.  ])
    """
    return apply("leaky_relu", partial(_leaky_relu, slope=negative_slope), x, out)


def leaky_relu_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None, *, negative_slope: float = 0.01) -> Any:
    r"""Slope of the leaky rectifier: 1 for positive `x`, `negative_slope` elsewhere.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.
    negative_slope : float, default 0.01
        Slope for negative `x`.

    Returns
    -------
    array, shape of `x`
        Exact. At 0, where there is no slope, `negative_slope`: the choice of PyTorch.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> leaky_relu_derivative([-2.0, 0.0, 3.0])
    array([0.01, 0.01, 1.  ])
    """
    return apply("leaky_relu_derivative", partial(_leaky_relu_derivative, slope=negative_slope), x, out)


def elu(x: ArrayLike, /, out: NDArray[Any] | None = None, *, alpha: float = 1.0) -> Any:
    r"""Exponential linear unit: `x` where it is positive, :math:`\alpha(e^x - 1)` elsewhere.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.
    alpha : float, default 1.0
        The curve levels off at ``-alpha``.

    Returns
    -------
    array, shape of `x`
        At most 2.5 ulp from the exact value.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units (ELUs)", ICLR 2016. ``exp(x) - 1`` would lose the digits near 0;
    `expm1` keeps them.

    Examples
    --------
    >>> elu([-1000.0, 0.0, 3.0])
    array([-1.,  0.,  3.])
    >>> elu(-1e-20)
    np.float64(-1e-20)
    """
    return apply("elu", partial(_elu, alpha=alpha), x, out)


def elu_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None, *, alpha: float = 1.0) -> Any:
    r"""Slope of the exponential linear unit: 1 for positive `x`, :math:`\alpha e^x` elsewhere.

    Parameters
    ----------
    x : array_like, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are
        kept.
    out : array, same shape and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.
    alpha : float, default 1.0
        The curve levels off at ``-alpha``.

    Returns
    -------
    array, shape of `x`
        At most 1.5 ulp from the exact value. At 0, `alpha`.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> elu_derivative([-1000.0, 0.0, 3.0])
    array([0., 1., 1.])
    """
    return apply("elu_derivative", partial(_elu_derivative, alpha=alpha), x, out)


def gelu(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Gaussian error linear unit, :math:`x\,\Phi(x)`, with the normal distribution function :math:`\Phi`.

    This is the exact function, not the approximation by tanh or by :math:`x\,\sigma(1.702x)`.

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
        At most 4 ulp from the exact value.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016 (arXiv:1606.08415). The
    lower tail of :math:`\Phi` is :math:`e^{-x^2/2}\,R(|x|)`, where :math:`x^2` is split in two so that
    its rounding error does not reach the exponent, and :math:`(|x| + 1)\,R` is a polynomial in
    :math:`(|x| - 4)/(|x| + 4)`, much as M. M. Shepherd and J. G. Laframboise have it for erfc
    ("Chebyshev Approximation of (1 + 2x)exp(x²)erfc x in 0 ≤ x < ∞", Mathematics of Computation 36, 1981).

    Examples
    --------
    >>> gelu([-3.0, 0.0, 3.0]).round(4)
    array([-0.004,  0.   ,  2.996])
    """
    return apply("gelu", _gelu, x, out)


def gelu_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the Gaussian error linear unit, :math:`\Phi(x) + x\,\varphi(x)`.

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
        At most 4 ulp from the exact value, also around the root at -0.7518.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> gelu_derivative([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    return apply("gelu_derivative", _gelu_derivative, x, out)


def silu(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Sigmoid linear unit, also called swish: :math:`x\,\sigma(x)`.

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
        At most 3.5 ulp from the exact value; -0.0 far left.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Notes
    -----
    Named in D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016
    (arXiv:1606.08415); found again as swish by P. Ramachandran, B. Zoph and Q. V. Le, "Searching for
    Activation Functions", 2017 (arXiv:1710.05941).

    Examples
    --------
    >>> silu([-3.0, 0.0, 3.0]).round(4)
    array([-0.1423,  0.    ,  2.8577])
    """
    return apply("silu", _silu, x, out)


def silu_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the sigmoid linear unit, :math:`\sigma(x)\,(1 + x\,\sigma(-x))`.

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
        At most 4 ulp from the exact value, also around the root at -1.2785.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> silu_derivative([-1000.0, 0.0, 1000.0])
    array([-0. ,  0.5,  1. ])
    """
    return apply("silu_derivative", _silu_derivative, x, out)


def hard_sigmoid(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Straight-line stand-in for the sigmoid: :math:`(x + 3)/6`, cut off at 0 and 1.

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
        At most 1.5 ulp from the exact value. The slope is that of PyTorch and Keras 3, not the 0.2 of Keras 2.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> hard_sigmoid([-1000.0, 0.0, 1.5, 3.0])
    array([0.  , 0.5 , 0.75, 1.  ])
    """
    return apply("hard_sigmoid", _hard_sigmoid, x, out)


def hard_sigmoid_derivative(x: ArrayLike, /, out: NDArray[Any] | None = None) -> Any:
    r"""Slope of the hard sigmoid: 1/6 between -3 and 3, 0 outside.

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
        At most half an ulp from the exact value. At -3 and 3, where there is no slope, 0.

    Raises
    ------
    TypeError
        `x` is complex, extended precision or not numeric, or `out` is not an array.
    ValueError
        `out` has another shape or dtype, or is read-only.

    Examples
    --------
    >>> hard_sigmoid_derivative([-3.0, 0.0, 3.0]).round(4)
    array([0.    , 0.1667, 0.    ])
    """
    return apply("hard_sigmoid_derivative", _hard_sigmoid_derivative, x, out)


@dataclass(frozen=True)
class Activation:
    """What there is to know about an activation function when one is to be chosen.

    Attributes
    ----------
    function, derivative : callable
        Of this module.
    range : tuple of two floats
        Infimum and supremum of the values.
    monotonic : bool
        Never decreasing.
    saturates : {"both sides", "left", "right", "nowhere"}
        Where the slope goes to 0.
    use : str
        What it is chosen for today.
    """

    function: Callable[..., Any]
    derivative: Callable[..., Any]
    range: tuple[float, float]
    monotonic: bool
    saturates: str
    use: str


_INF = float("inf")
# The lowest values of silu and gelu, at x = -1.2785 and x = -0.7518, where their slopes are 0.
_LOWEST_SILU, _LOWEST_GELU = -0.2784645427610738, -0.16997120747990369

#: Every activation by its name, with its derivative, its range and what it is chosen for.
ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(
        sigmoid, sigmoid_derivative, (0.0, 1.0), True, "both sides", "gates; probability of one class at the output"
    ),
    "tanh": Activation(
        tanh, tanh_derivative, (-1.0, 1.0), True, "both sides", "cell and hidden states of recurrent networks"
    ),
    "hard_sigmoid": Activation(
        hard_sigmoid, hard_sigmoid_derivative, (0.0, 1.0), True, "both sides", "gates in integer or mobile hardware"
    ),
    "softplus": Activation(
        softplus, softplus_derivative, (0.0, _INF), True, "left", "outputs that must be positive, such as a scale"
    ),
    "log_sigmoid": Activation(
        log_sigmoid, log_sigmoid_derivative, (-_INF, 0.0), True, "right", "log-likelihoods; never inside a network"
    ),
    "relu": Activation(relu, relu_derivative, (0.0, _INF), True, "left", "hidden layers: the cheapest that works"),
    "leaky_relu": Activation(
        leaky_relu, leaky_relu_derivative, (-_INF, _INF), True, "nowhere", "hidden layers in which rectified units die"
    ),
    "elu": Activation(
        elu, elu_derivative, (-1.0, _INF), True, "left", "hidden layers without normalisation: means closer to 0"
    ),
    "gelu": Activation(gelu, gelu_derivative, (_LOWEST_GELU, _INF), False, "left", "hidden layers of transformers"),
    "silu": Activation(
        silu, silu_derivative, (_LOWEST_SILU, _INF), False, "left", "hidden layers of convolutional and gated networks"
    ),
}


# The formulas, in the array API standard. They see float64 only, and may underflow, divide by zero or
# meet nan: `apply` keeps that quiet.


def _lower_half(xp: Any, a: Any) -> tuple[Any, Any]:
    """Return sigma(-a), and e^-a, for a >= 0."""
    e = xp.exp(-a)  # never above 1, so it cannot overflow
    t = e / (1 + e)
    # Where e < 1/2, rounding 1 + e drops bits of e, and the quotient is neither monotone nor as
    # accurate as the same thing written as a small correction to e.
    return xp.where(e < 0.5, e - e * t, t), e


def _sigmoid(xp: Any, x: Any) -> Any:
    t, _ = _lower_half(xp, magnitude(xp, x))
    return xp.where(x >= 0, 1 - t, t)


def _sigmoid_derivative(xp: Any, x: Any) -> Any:
    t, _ = _lower_half(xp, magnitude(xp, x))
    return t - t * t


def _bend(xp: Any, x: Any) -> Any:
    """Return log(1 + e^-|x|): by how much softplus lies above its hinge max(x, 0)."""
    a = xp.minimum(xp.abs(x), _BEND_END)
    nearest = xp.round(4 * a)
    m = xp.expm1(nearest / 4 - a)  # the difference is exact, and at most 1/8
    index = xp.reshape(xp.astype(xp.where(xp.isnan(nearest), 0.0, nearest), xp.int64), (-1,))
    weight, high, low = (
        xp.reshape(xp.take(table, index, axis=0), a.shape) for table in _bend_tables(xp, array_api_compat.device(a))
    )
    return xp.log1p(m * weight) + low + high


_BEND_END = 748.0  # e^-748 rounds to 0


@cache
def _bend_tables(xp: Any, device: Any) -> tuple[Any, ...]:
    return tuple(xp.asarray(table, dtype=xp.float64, device=device) for table in _bend_values())


@cache
def _bend_values() -> tuple[list[float], list[float], list[float]]:
    """Return 1/(1 + e^c), and log(1 + e^-c) in two parts, for c = 0, 1/4, 1/2, ..., 748."""
    weight, high, low = [], [], []
    with mp.workprec(200):
        e, step = mp.mpf(1), mp.exp(mp.mpf(-1) / 4)
        for k in range(4 * int(_BEND_END) + 1):
            exact = mp.log1p(e) if k < 200 else e - e * e / 2 + e**3 / 3  # the same to 200 bits, and faster
            weight.append(float(e / (1 + e)))
            high.append(float(exact))
            low.append(float(exact - mp.mpf(high[-1])))
            e *= step
    return weight, high, low


def _log_sigmoid(xp: Any, x: Any) -> Any:
    return xp.minimum(x, 0.0) - _bend(xp, x)


def _log_sigmoid_derivative(xp: Any, x: Any) -> Any:
    return _sigmoid(xp, -x)


def _softplus(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0.0) + _bend(xp, x)


def _logit(xp: Any, p: Any) -> Any:
    return xp.where(p < 0.2, xp.log(p / (1 - p)), 2 * xp.atanh(2 * (p - 0.5)))


def _logit_derivative(xp: Any, p: Any) -> Any:
    r = xp.minimum(p, 1 - p)  # exact above 1/2; r - r * r rounds less than p * (1 - p)
    return xp.where(r < 0, xp.nan, 1 / xp.abs(r - r * r))  # abs for -0.0, whose inverse is -inf


def _tanh(xp: Any, x: Any) -> Any:
    return xp.tanh(x)


def _tanh_derivative(xp: Any, x: Any) -> Any:
    return 4 * _sigmoid_derivative(xp, 2 * x)


def _relu(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0.0)


def _step(xp: Any, x: Any, positive: Any, low: float, high: float) -> Any:
    """Return `high` where `positive`, nan where `x` is nan, and `low` elsewhere."""
    return xp.where(positive, high, xp.where(xp.isnan(x), x, low))


def _relu_derivative(xp: Any, x: Any) -> Any:
    return _step(xp, x, x > 0, 0.0, 1.0)


def _leaky_relu(xp: Any, x: Any, slope: float) -> Any:
    return xp.where(x > 0, x, slope * x)


def _leaky_relu_derivative(xp: Any, x: Any, slope: float) -> Any:
    return _step(xp, x, x > 0, slope, 1.0)


def _elu(xp: Any, x: Any, alpha: float) -> Any:
    return xp.where(x > 0, x, alpha * xp.expm1(xp.where(x > 0, 0.0, x)))


def _elu_derivative(xp: Any, x: Any, alpha: float) -> Any:
    return xp.where(x > 0, 1.0, alpha * xp.exp(xp.minimum(x, 0.0)))


# Far out a derivative is e^-a times a factor of some hundreds. There e^-a is subnormal before the
# product is, and has lost digits; so the product is formed e^64 higher up and scaled down at the end.
_LIFT, _FAR = 64.0, 600.0


def _silu(xp: Any, x: Any) -> Any:
    x_low = xp.maximum(x, -1000.0)  # -inf times 0 would be nan
    tail = (x_low * xp.exp(xp.minimum(x, 0.0) + _LIFT)) * math.exp(-_LIFT)
    return xp.where(x_low < -_FAR, tail, x_low * _sigmoid(xp, x))


def _silu_derivative(xp: Any, x: Any) -> Any:
    a = xp.minimum(magnitude(xp, x), 1000.0)
    t, e = _lower_half(xp, a)
    # The slope at -a. The slope at a is 1 minus that, because silu(x) - x/2 is even.
    near = t * ((1 - a) + e) / (1 + e)
    tail = ((1 - a) * xp.exp(_LIFT - a)) * math.exp(-_LIFT)
    slope = xp.where(a > _FAR, tail, near)
    w, around_root = _root_expansion(x, _SILU_ROOT)
    return xp.where(x >= 0, 1 - slope, xp.where(xp.abs(w) < 1, around_root, slope))


def _root_expansion(x: Any, root: tuple[float, float, tuple[float, ...]]) -> tuple[Any, Any]:
    """Return w, the distance of `x` from a root of a slope, and the slope as w times a polynomial in w.

    At its root a slope is a difference of equal numbers, and no digit of it is left. The root itself is
    known to twice the precision, so the distance from it is not wrong, and neither is a multiple of that.
    """
    high, low, coefficients = root
    w = (x - high) - low
    return w, w * _polynomial(coefficients, w)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Evaluate a polynomial, lowest power first, by Horner's rule."""
    value = 0.0 * x + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


# Roots of the slopes of silu and gelu (high and low part), and the polynomials that interpolate slope / w at
# Chebyshev's points of |w| < 1 and |w| < 0.77, computed with 200 bits; their relative error is below 2^-61.
_SILU_ROOT = (
    -1.2784645427610737,
    -1.0946994183093437e-16,
    (
        0.2178117057198001,
        0.1466487969969469,
        0.018874814223782312,
        -0.015222655223188032,
        -0.006606589138356691,
        0.00012662741008113,
        0.0007985218818396898,
        0.0001857072436116884,
        -4.0905342373043025e-05,
        -2.973354221124151e-05,
        -2.942631897152128e-06,
        2.346029668668044e-06,
        8.599695382100475e-07,
        -3.051238703993568e-08,
        -9.266656291241822e-08,
        -1.8877800681912263e-08,
        4.619569009888675e-09,
        2.9181187479871493e-09,
        2.36244919743945e-10,
        -2.2563430162713264e-10,
        -7.48460962055188e-11,
        4.467534305574455e-12,
        7.96547677292706e-12,
        1.1962552556740388e-12,
        -4.1508513719588215e-13,
        -1.295294550281227e-13,
    ),
)
_GELU_ROOT = (
    -0.7517915246935645,
    1.4956759177009883e-17,
    (
        0.4314939923140469,
        0.388284982990552,
        -0.01819967639867109,
        -0.1140082332972217,
        -0.0147715221482442,
        0.019421679838189085,
        0.00453922837912178,
        -0.002239538068074015,
        -0.0007448268386255571,
        0.00018633974623933396,
        8.615947822374061e-05,
        -1.1214380243654307e-05,
        -7.748459400589128e-06,
        4.328453345534129e-07,
        5.70270465392666e-07,
        -1.6052882108603802e-09,
        -3.544757540682136e-08,
        -1.3951832185523374e-09,
        1.887575817783021e-09,
        1.4282148079559672e-10,
        -7.81480862770951e-11,
        -8.310241579808184e-12,
    ),
)


# Coefficients of (a + 1) exp(a^2/2) Q(a) as a polynomial in y = (a - 4)/(a + 4), where Q is the upper tail of the
# normal distribution: its Chebyshev series, cut off below 2^-57 and sorted by powers, with 160 bits.
_TAIL = (
    0.47205320650984467,
    -0.09670347732652577,
    0.013999634724424333,
    0.02860036405354698,
    -0.03219783742802203,
    0.017936097479808313,
    -0.005002378592511494,
    -0.0002856231002340135,
    0.0006948971219073166,
    -9.443023204456728e-05,
    -8.785330394797745e-05,
    2.1249915729449347e-05,
    1.3627395285352675e-05,
    -3.4316562688625695e-06,
    -2.6144101706596152e-06,
    4.029912427574402e-07,
    5.548340462207789e-07,
    4.242344418455244e-09,
    -1.1446850712758079e-07,
    -2.3315488161994288e-08,
    2.0257667136861587e-08,
    8.858538843412724e-09,
    -2.6180348731255444e-09,
    -1.9068104342795306e-09,
    1.7873545221852657e-10,
    1.968773941157256e-10,
)


def _normal_tail(xp: Any, a: Any) -> tuple[Any, Any, Callable[[Any, Any], Any]]:
    """Return R = exp(a^2/2) Q(a) for a >= 0, a small correction to add to it, and a function that damps.

    ``damp(factor, correction)`` is ``(factor + correction) * exp(-a^2/2)``.
    """
    above = a + 1
    ratio = _polynomial(_TAIL, (a - 4) / (a + 4)) / above
    correction = ratio * (((above - 1) - a) / above)  # for the rounding of a + 1
    head = 134217729.0 * a  # 2^27 + 1: the upper 26 bits of a (Dekker 1971), whose square is exact
    head = head - (head - a)
    rest = xp.expm1((a - head) * (a + head) * -0.5)
    far = a * a > 2 * _FAR
    exponential = xp.exp(xp.astype(far, a.dtype) * _LIFT - head * head / 2)

    def damp(factor: Any, correction: Any) -> Any:
        product = exponential * factor
        product = product + (product * rest + exponential * correction)
        return xp.where(far, product * math.exp(-_LIFT), product)

    return ratio, correction, damp


def _gelu(xp: Any, x: Any) -> Any:
    x_near = xp.minimum(xp.maximum(x, -60.0), 60.0)  # farther out, squares overflow and nothing changes
    ratio, correction, damp = _normal_tail(xp, xp.abs(x_near))
    product = damp(x_near * ratio, x_near * correction)  # x Q(|x|)
    return xp.where(x > 0, x - product, product)


def _gelu_derivative(xp: Any, x: Any) -> Any:
    a = xp.minimum(magnitude(xp, x), 60.0)
    ratio, correction, damp = _normal_tail(xp, a)
    # The slope at -a. The slope at a is 1 minus that, because gelu(x) - x/2 is even.
    slope = damp(ratio - a * _PEAK, correction - a * _PEAK_REST)
    w, around_root = _root_expansion(x, _GELU_ROOT)
    return xp.where(x >= 0, 1 - slope, xp.where(xp.abs(w) < 0.77, around_root, slope))


# The peak of the normal density, 1/sqrt(2 pi), in two parts.
_PEAK, _PEAK_REST = 0.3989422804014327, -2.49232720227773e-17


def _hard_sigmoid(xp: Any, x: Any) -> Any:
    return xp.minimum(xp.maximum(x + 3, 0.0), 6.0) / 6


def _hard_sigmoid_derivative(xp: Any, x: Any) -> Any:
    return _step(xp, x, xp.abs(x) < 3, 0.0, 1 / 6)


# The same formulas for NumPy, block by block: `x` and `out` are float64 arrays of at most BLOCK elements,
# `out` may be `x`, so once it is written `x` is not read. They use `out=` and masks as numbers, because numpy.where
# takes several times as long as arithmetic when the mask is random.

_ZEROS = np.zeros(BLOCK)  # numpy.minimum and maximum are slower against a scalar


def _lower_half_of_block(x: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.abs(x)
    np.exp(np.negative(e, out=e), out=e)
    t = 1 + e
    np.divide(e, t, out=t)
    correction = e * t
    np.subtract(e, correction, out=correction)
    correction -= t  # exact, so that t + correction below is e - e * t
    correction *= e < 0.5
    t += correction
    return t


def _sigmoid_in_place(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    t = _lower_half_of_block(x)
    np.subtract(x >= 0, t, out=t)  # 1 - t or -t
    np.abs(t, out=out)


def _sigmoid_derivative_in_place(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    t = _lower_half_of_block(x)
    np.multiply(t, t, out=out)
    np.subtract(t, out, out=out)


def _short_sigmoid_in_place(x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)  # where it overflows, the result is 0, and so it is in float32 and float16
    out += 1
    np.divide(1, out, out=out)


def _bend_of_block(x: NDArray[np.float64]) -> NDArray[np.float64]:
    weight, high, low = _bend_tables(np, "cpu")
    a = np.abs(x)
    np.minimum(a, _BEND_END, out=a)
    m = 4 * a
    np.rint(m, out=m)
    index = m.astype(np.intp)
    m /= 4
    m -= a
    np.expm1(m, out=m)
    m *= weight.take(index, out=a, mode="clip")  # clip, because nan is no index
    np.log1p(m, out=m)
    m += low.take(index, out=a, mode="clip")
    m += high.take(index, out=a, mode="clip")
    return m


def _short_bend_of_block(x: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.negative(x)
    np.minimum(x, e, out=e)
    np.exp(e, out=e)
    return np.log1p(e, out=e)


def _hinge_minus_bend(bend: Callable[..., Any], x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    bent = bend(x)
    np.minimum(x, _ZEROS[: x.size], out=out)
    np.subtract(out, bent, out=out)


def _hinge_plus_bend(bend: Callable[..., Any], x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    bent = bend(x)
    np.maximum(x, _ZEROS[: x.size], out=out)
    np.add(out, bent, out=out)


_log_sigmoid_in_place = partial(_hinge_minus_bend, _bend_of_block)
_short_log_sigmoid_in_place = partial(_hinge_minus_bend, _short_bend_of_block)
_softplus_in_place = partial(_hinge_plus_bend, _bend_of_block)
_short_softplus_in_place = partial(_hinge_plus_bend, _short_bend_of_block)


def _logit_in_place(p: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    low = np.flatnonzero(p < 0.2)
    odds = p[low]
    odds /= 1 - odds
    np.subtract(p, 0.5, out=out)
    out += out
    np.arctanh(out, out=out)
    out += out
    out[low] = np.log(odds, out=odds)
