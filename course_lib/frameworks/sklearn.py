r"""The sigmoid as a scikit-learn transformer: features squashed into a range, and back.

Outliers are what it is for. A minimum and a maximum as of :class:`sklearn.preprocessing.MinMaxScaler` follow the
outermost values, and values to come may lie beyond; the sigmoid bounds them all, and stays nearly straight about the
centre. Priddy and Keller call it softmax scaling ("Artificial Neural Networks: An Introduction", SPIE Press, 2005,
section 3.4).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_array, check_is_fitted, validate_data

from course_lib.activations import logit, sigmoid

__all__ = ["SigmoidTransformer"]

# The standard normal distribution has this interquartile range.
_NORMAL_IQR = 1.3489795003921634


class SigmoidTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Standardise each feature and squash it into a range by the sigmoid.

    With centre :math:`c` and spread :math:`s` of the feature, and the range from :math:`a` to :math:`b`,

    .. math:: y = a + (b - a)\,\sigma\!\left(\frac{x - c}{s}\right).

    Parameters
    ----------
    feature_range : tuple of two floats, default=(0.0, 1.0)
        The ends a < b. They are reached only by rounding.
    robust : bool, default=False
        Centre by the median and divide by the interquartile range over 1.349, which is the standard deviation where
        the values are normally distributed. Otherwise centre by the mean and divide by the standard deviation, which a
        few outliers can make so large that all other values end up close to the middle of the range.

    Attributes
    ----------
    center_ : array of float64, shape (n_features,)
        What becomes the middle of the range.
    scale_ : array of float64, shape (n_features,)
        What one unit of the sigmoid's argument is. 1 for a constant feature, whose values become the middle of the
        range. With `robust`, where the quartiles are equal but the values are not, the standard deviation.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    nan means that a value is missing: it does not count in `fit`, and stays nan. Infinity is refused. float16, float32
    and float64 are kept; the computation is in float64 and rounded once.

    **How far the way back reaches.** Of :math:`z = (x - c)/s`, `inverse_transform` gets back what rounding has left in
    :math:`y`: the error is at most about half an ulp of :math:`y`, divided by :math:`(b - a)\,\sigma'(z)`, and so grows
    by a factor of *e* a unit. From some :math:`z` on all values round to the end of the range itself. They come back
    as infinity, since no finite value would be right. For a range from 0 to 1:

    =======  =====================  =====================
    dtype    1 for :math:`z` above  0 for :math:`z` below
    =======  =====================  =====================
    float64  37.4                   -745.1
    float32  17.3                   -103.9
    float16  8.3                    -17.3
    =======  =====================  =====================

    Towards an end of 0 nothing is lost before the numbers are subnormal, in the last 36 (float64), 16 (float32) or 7
    (float16) units: floating-point numbers are dense there. Every other end is like 1. A range from -1 to 1 therefore
    reaches about 37 both ways.

    Examples
    --------
    >>> X = np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    >>> squash = SigmoidTransformer().fit(X)
    >>> squash.center_, squash.scale_
    (array([2., 5.]), array([1.63299316, 1.        ]))
    >>> squash.transform(X).round(3)
    array([[0.227, 0.5  ],
           [0.5  , 0.5  ],
           [0.773, 0.5  ]])
    >>> bool(np.allclose(squash.inverse_transform(squash.transform(X)), X))
    True
    """

    def __init__(self, *, feature_range: tuple[float, float] = (0.0, 1.0), robust: bool = False) -> None:
        self.feature_range = feature_range
        self.robust = robust

    def fit(self, X: ArrayLike, y: Any = None) -> SigmoidTransformer:
        """Learn centre and scale of each feature.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            nan for what is missing.
        y : ignored
            As scikit-learn's pipelines pass it.

        Returns
        -------
        SigmoidTransformer
            The transformer itself.

        Raises
        ------
        ValueError
            `feature_range` is not two finite numbers in rising order; a feature holds nothing but nan; `X` holds
            infinity or is not a matrix.
        TypeError
            `X` is sparse.
        """
        self._ends(np.dtype(np.float64))
        data = self._checked(X, reset=True)
        missing = np.isnan(data).all(axis=0)
        if missing.any():
            raise ValueError(
                f"SigmoidTransformer: there is nothing but nan in {self._named(missing)}, so there is no centre to "
                f"find in the {len(data)} samples. Leave it out, or fill it in first"
            )
        self.center_, self.scale_ = _centre_and_scale(data.astype(np.float64, copy=False), bool(self.robust))
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Squash each feature.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            nan for what is missing.

        Returns
        -------
        array, shape (n_samples, n_features)
            In `feature_range`; a data frame after ``set_output(transform="pandas")``.

        Raises
        ------
        ValueError
            `X` has other features than in `fit`, or holds infinity.
        TypeError
            `X` is sparse.
        sklearn.exceptions.NotFittedError
            There has been no `fit`.
        """
        check_is_fitted(self)
        data = self._checked(X, reset=False)
        low, high = self._ends(np.dtype(np.float64))
        z = _standardised(data.astype(np.float64, copy=False), self.center_, self.scale_)
        # From the nearer end, so that the distance from it has all its digits; and no rounding leads past the middle.
        distance = (high - low) * sigmoid(-np.abs(z))
        middle = low / 2 + high / 2
        y = np.where(z < 0, np.minimum(low + distance, middle), np.maximum(high - distance, middle))
        # Rounding may lead past an end that is not the dtype's own number.
        return np.clip(y.astype(data.dtype, copy=False), *self._ends(data.dtype))

    def inverse_transform(self, X: ArrayLike) -> NDArray[Any]:
        """Stretch squashed features to what they were.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            In `feature_range`; nan for what is missing.

        Returns
        -------
        array, shape (n_samples, n_features)
            -inf and inf at the ends of the range; the class's Notes say how exact it is.

        Raises
        ------
        ValueError
            A value lies outside `feature_range`; the number of features is not that of `fit`.
        TypeError
            `X` is sparse.
        sklearn.exceptions.NotFittedError
            There has been no `fit`.
        """
        check_is_fitted(self)
        _refuse_sparse(X)
        data = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", estimator=self)
        if data.shape[1] != self.n_features_in_:
            raise ValueError(
                f"SigmoidTransformer: X has {data.shape[1]} features, but it was fitted on {self.n_features_in_}"
            )
        low, high = self._ends(data.dtype)
        outside = (data < low) | (data > high)
        if outside.any():
            row, column = (int(i) for i in np.argwhere(outside)[0])
            raise ValueError(
                f"SigmoidTransformer: {int(outside.sum())} of {data.size} values lie outside feature_range, which is "
                f"from {low} to {high}: the first is {data[row, column]} in row {row} of "
                f"{self._named(np.arange(data.shape[1]) == column)}. If they are meant, move them to the ends with "
                f"numpy.clip(X, {low}, {high})"
            )
        bottom, top = self._ends(np.dtype(np.float64))
        y = np.clip(data.astype(np.float64, copy=False), bottom, top)
        # The dtype's own numbers for the ends may lie inside.
        y = np.where(data == low, bottom, np.where(data == high, top, y))
        with np.errstate(all="ignore"):
            x = self.center_ + self.scale_ * _log_odds(y - bottom, top - y)
        with np.errstate(over="ignore"):
            return x.astype(data.dtype, copy=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags

    def _ends(self, dtype: np.dtype[Any]) -> tuple[Any, Any]:
        try:
            low, high = (float(end) for end in self.feature_range)
        except (TypeError, ValueError):
            raise ValueError(
                f"SigmoidTransformer: feature_range must be two numbers, as in (0, 1), not {self.feature_range!r}"
            ) from None
        if not (low < high and math.isfinite(high - low)):
            raise ValueError(
                "SigmoidTransformer: feature_range must rise from one finite number to another, not "
                f"{self.feature_range!r}"
            )
        return dtype.type(low), dtype.type(high)

    def _checked(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        _refuse_sparse(X)
        data: NDArray[Any] = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", reset=reset)
        return data

    def _named(self, chosen: NDArray[np.bool_]) -> str:
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(len(chosen))])
        listed = [repr(str(name)) for name, wanted in zip(names, chosen, strict=True) if wanted]
        more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
        return f"feature{'s' if len(listed) > 1 else ''} {', '.join(listed[:5])}{more}"


def _refuse_sparse(X: Any) -> None:
    if scipy.sparse.issparse(X):
        raise TypeError(
            "SigmoidTransformer: X is sparse, but the sigmoid makes something other than 0 of its zeros, so the result "
            "would be dense. If there is memory for it, pass X.toarray()"
        )


def _centre_and_scale(x: NDArray[np.float64], robust: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # By a power of 2, which is exact, into [-1, 1]: no square then overflows or underflows.
    exponent = np.frexp(np.nanmax(np.abs(x), axis=0))[1]
    unit = np.ldexp(x, -exponent)
    # Counted from the least value, so that a constant has a spread of exactly 0, and what varies little far from 0
    # keeps its digits.
    least = np.nanmin(unit, axis=0)
    scale = np.nanstd(unit - least, axis=0)
    if robust:
        # Not counted from there: an outlier would cost the others their digits.
        first, centre, third = np.nanpercentile(unit, [25, 50, 75], axis=0)
        scale = np.where(third > first, (third - first) / _NORMAL_IQR, scale)
    else:
        centre = least + np.nanmean(unit - least, axis=0)
    center = np.ldexp(centre, exponent)
    scale = np.ldexp(scale, exponent)
    return center, np.where(scale > 0, scale, 1.0)


def _standardised(
    x: NDArray[np.float64], center: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    # As if scale were between 1/2 and 1: the difference of two huge numbers would overflow.
    mantissa, exponent = np.frexp(scale)
    with np.errstate(over="ignore", under="ignore"):
        z: NDArray[np.float64] = (np.ldexp(x, -exponent) - np.ldexp(center, -exponent)) / mantissa
    return z


def _log_odds(below: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the quotient of the distances from both ends, each of them as exact as it can be."""
    share = below / (below + above)
    # About the middle the quotient is close to 1, and its logarithm would lose digits; far from it the share would.
    near_middle = (share > 0.25) & (share < 0.75)
    # The smaller by the larger: the other way it could overflow.
    far = np.copysign(np.log(np.minimum(below, above) / np.maximum(below, above)), below - above)
    return np.where(near_middle, logit(np.where(near_middle, share, 0.5)), far)
