r"""Losses of a binary classifier and their gradients, averaged over all elements.

Each takes predictions and labels of one shape and returns one number in the floating dtype of the
predictions; each ``_gradient`` is the derivative of that number with respect to every prediction.
Arrays of PyTorch, CuPy and other libraries of the array API standard stay with their library and device.

Two of them are the same loss from different ends: `binary_cross_entropy` from probabilities and
`binary_cross_entropy_with_logits` from the logits before the sigmoid. Where there are logits, use those:
a probability that was rounded to 0 or 1 has forgotten how wrong it is.
"""

import math
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import ArrayLike

from course_lib._elementwise import is_foreign, magnitude, result_dtype
from course_lib.activations import sigmoid

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_gradient",
    "mean_squared_error",
    "mean_squared_error_gradient",
]


def binary_cross_entropy_with_logits(z: ArrayLike, y: ArrayLike, /) -> Any:
    r"""Mean cross-entropy of labels under :math:`\sigma(z)`: :math:`-y\ln\sigma(z) - (1-y)\ln\sigma(-z)`.

    Parameters
    ----------
    z : array_like, any shape
        Logits.
    y : array_like, same shape
        Labels, 0 or 1, or probabilities in between (soft labels).

    Returns
    -------
    scalar, floating dtype of `z`
        In nats; finite for every finite logit.

    Raises
    ------
    TypeError
        An argument is complex, extended precision or not numeric.
    ValueError
        The shapes differ, there are no elements, or a label is outside [0, 1].

    See Also
    --------
    binary_cross_entropy : The same from probabilities.

    Notes
    -----
    Computed as :math:`|z|\,w + \mathrm{log1p}(e^{-|z|})`, where :math:`w` is the weight of the label that
    the sign of `z` speaks against: :math:`1-y` for positive `z`, :math:`y` for negative. Both terms
    are at least 0, so nothing cancels.

    Examples
    --------
    >>> binary_cross_entropy_with_logits([0.0, 0.0], [0, 1])
    np.float64(0.6931471805599453)
    >>> binary_cross_entropy_with_logits([-1000.0], [1])
    np.float64(1000.0)
    >>> binary_cross_entropy_with_logits([40.0], [1]) > 0
    np.True_
    """
    name = "binary_cross_entropy_with_logits"
    xp, logits, labels, dtype = _pair(name, "z", z, y)
    _check_labels(xp, name, labels)
    with np.errstate(all="ignore"):
        a = magnitude(xp, logits)
        against = xp.where(logits >= 0, 1 - labels, labels)
        wrong = xp.where(against == 0, 0.0, a * against)  # inf times 0 would be nan
        return _mean(xp, wrong + xp.log1p(xp.exp(-a)), dtype)


def binary_cross_entropy_with_logits_gradient(z: ArrayLike, y: ArrayLike, /) -> Any:
    r"""Gradient of `binary_cross_entropy_with_logits`: :math:`(\sigma(z) - y)/n`.

    Parameters
    ----------
    z : array_like, any shape
        Logits.
    y : array_like, same shape
        Labels, 0 or 1, or probabilities in between (soft labels).

    Returns
    -------
    array, shape and floating dtype of `z`
        Alive wherever the answer is wrong, however far out the logit is.

    Raises
    ------
    TypeError
        An argument is complex, extended precision or not numeric.
    ValueError
        The shapes differ, there are no elements, or a label is outside [0, 1].

    Notes
    -----
    Computed as :math:`((1-y)\,\sigma(z) - y\,\sigma(-z))/n`, so that a right answer keeps its small
    gradient: ``sigmoid(40) - 1`` is 0, and ``-sigmoid(-40)`` is not.

    Examples
    --------
    >>> binary_cross_entropy_with_logits_gradient([0.0, 1000.0], [1, 0])
    array([-0.25,  0.5 ])
    >>> binary_cross_entropy_with_logits_gradient([40.0], [1]) < 0
    array([ True])
    """
    name = "binary_cross_entropy_with_logits_gradient"
    xp, logits, labels, dtype = _pair(name, "z", z, y)
    _check_labels(xp, name, labels)
    return xp.astype(((1 - labels) * sigmoid(logits) - labels * sigmoid(-logits)) / _size(logits), dtype, copy=False)


def binary_cross_entropy(p: ArrayLike, y: ArrayLike, /) -> Any:
    r"""Mean cross-entropy of labels under probabilities: :math:`-y\ln p - (1-y)\ln(1-p)`.

    Parameters
    ----------
    p : array_like, any shape
        Probabilities.
    y : array_like, same shape
        Labels, 0 or 1, or probabilities in between (soft labels).

    Returns
    -------
    scalar, floating dtype of `p`
        In nats; infinite where a probability of 0 or 1 is wrong. It is not clipped: the loss of such an
        answer is infinite, and a bound on it would be a number that was made up.

    Raises
    ------
    TypeError
        An argument is complex, extended precision or not numeric.
    ValueError
        The shapes differ, there are no elements, or a label or a probability is outside [0, 1].

    See Also
    --------
    binary_cross_entropy_with_logits : The same from logits, where it stays finite.

    Examples
    --------
    >>> binary_cross_entropy([0.5, 0.5], [0, 1])
    np.float64(0.6931471805599453)
    >>> binary_cross_entropy([0.0, 1.0], [0, 1])
    np.float64(0.0)
    >>> binary_cross_entropy([0.0], [1])
    np.float64(inf)
    """
    name = "binary_cross_entropy"
    xp, probabilities, labels, dtype = _pair(name, "p", p, y)
    _check_labels(xp, name, labels)
    _check_probabilities(xp, name, probabilities)
    with np.errstate(all="ignore"):
        # 0 times -inf would be nan; nan probabilities stay nan through the other term.
        heads = xp.where(labels == 0, 0.0, labels * xp.log(probabilities))
        tails = xp.where(labels == 1, 0.0, (1 - labels) * xp.log1p(-probabilities))
        return _mean(xp, -(heads + tails), dtype)


def binary_cross_entropy_gradient(p: ArrayLike, y: ArrayLike, /) -> Any:
    r"""Gradient of `binary_cross_entropy`: :math:`\left((1-y)/(1-p) - y/p\right)/n`.

    Parameters
    ----------
    p : array_like, any shape
        Probabilities.
    y : array_like, same shape
        Labels, 0 or 1, or probabilities in between (soft labels).

    Returns
    -------
    array, shape and floating dtype of `p`
        Infinite where a probability of 0 or 1 is wrong.

    Raises
    ------
    TypeError
        An argument is complex, extended precision or not numeric.
    ValueError
        The shapes differ, there are no elements, or a label or a probability is outside [0, 1].

    Examples
    --------
    >>> binary_cross_entropy_gradient([0.5, 0.2], [1, 0])
    array([-1.   ,  0.625])
    """
    name = "binary_cross_entropy_gradient"
    xp, probabilities, labels, dtype = _pair(name, "p", p, y)
    _check_labels(xp, name, labels)
    _check_probabilities(xp, name, probabilities)
    with np.errstate(all="ignore"):
        heads = xp.where(labels == 0, 0.0, labels / xp.abs(probabilities))  # abs for -0.0, whose inverse is -inf
        tails = xp.where(labels == 1, 0.0, (1 - labels) / (1 - probabilities))
        return xp.astype((tails - heads) / _size(probabilities), dtype, copy=False)


def mean_squared_error(p: ArrayLike, y: ArrayLike, /) -> Any:
    r"""Mean squared error, :math:`\frac1n\sum (p - y)^2`; of probabilities, the Brier score.

    Parameters
    ----------
    p : array_like, any shape
        Predictions.
    y : array_like, same shape
        Targets, any real numbers.

    Returns
    -------
    scalar, floating dtype of `p`

    Raises
    ------
    TypeError
        An argument is complex, extended precision or not numeric.
    ValueError
        The shapes differ, there are no elements.

    Notes
    -----
    The score of G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78,
    1950.

    Examples
    --------
    >>> mean_squared_error([0.5, 1.0], [0, 1])
    np.float64(0.125)
    """
    xp, predictions, labels, dtype = _pair("mean_squared_error", "p", p, y)
    with np.errstate(all="ignore"):
        return _mean(xp, (predictions - labels) ** 2, dtype)


def mean_squared_error_gradient(p: ArrayLike, y: ArrayLike, /) -> Any:
    r"""Gradient of `mean_squared_error`: :math:`2(p - y)/n`.

    Parameters
    ----------
    p : array_like, any shape
        Predictions.
    y : array_like, same shape
        Targets, any real numbers.

    Returns
    -------
    array, shape and floating dtype of `p`

    Raises
    ------
    TypeError
        An argument is complex, extended precision or not numeric.
    ValueError
        The shapes differ, there are no elements.

    Examples
    --------
    >>> mean_squared_error_gradient([0.5, 1.0], [0, 1])
    array([0.5, 0. ])
    """
    xp, predictions, labels, dtype = _pair("mean_squared_error_gradient", "p", p, y)
    with np.errstate(all="ignore"):
        return xp.astype(2 * (predictions - labels) / _size(predictions), dtype, copy=False)


def _pair(name: str, first: str, x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    """Return the namespace, predictions and labels as float64 arrays, and the dtype of the result."""
    if is_foreign(x):
        xp = array_api_compat.array_namespace(x)
        if not is_foreign(y):
            y = xp.asarray(y, device=array_api_compat.device(x))
    else:
        if is_foreign(y):
            raise TypeError(f"{name}: y is a {type(y).__module__} array and {first} is not; give both to one library")
        xp, x, y = np, np.asarray(x), np.asarray(y)
    if tuple(x.shape) != tuple(y.shape):
        raise ValueError(
            f"{name}: {first} has shape {tuple(x.shape)}, y has shape {tuple(y.shape)}; "
            "they must be equal, because broadcasting would pair every prediction with every label"
        )
    if _size(x) == 0:
        raise ValueError(f"{name}: there are no elements, shape {tuple(x.shape)}; the mean over nothing is undefined")
    dtype = result_dtype(name, x)
    result_dtype(name, y)  # refuses what is not real
    with np.errstate(all="ignore"):
        return xp, xp.astype(x, xp.float64, copy=False), xp.astype(y, xp.float64, copy=False), dtype


def _size(x: Any) -> int:
    return math.prod(x.shape)


def _mean(xp: Any, losses: Any, dtype: Any) -> Any:
    mean = xp.mean(losses)
    return dtype.type(mean) if xp is np else xp.astype(mean, dtype, copy=False)


def _check_labels(xp: Any, name: str, y: Any) -> None:
    if not bool(xp.all((y >= 0) & (y <= 1))):
        worst = float(xp.min(y)) if bool(xp.any(y < 0)) else float(xp.max(y))
        hint = "; for labels -1 and 1 pass (y + 1) / 2" if worst == -1 else ""
        raise ValueError(f"{name}: labels must lie between 0 and 1, found {worst:g}{hint}")


def _check_probabilities(xp: Any, name: str, p: Any) -> None:
    if bool(xp.any((p < 0) | (p > 1))):
        worst = float(xp.min(xp.where(p < 0, p, 0.0))) or float(xp.max(xp.where(p > 1, p, 0.0)))
        raise ValueError(
            f"{name}: probabilities must lie between 0 and 1, found {worst:g}; "
            "for logits there is binary_cross_entropy_with_logits"
        )
