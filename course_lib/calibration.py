r"""Whether scores can be read as probabilities, how to make them so, and how to decide with them.

A forecaster is *calibrated* when, of the samples that it gives the probability 0.8, eight in ten turn out positive.
:func:`reliability_curve`, :func:`expected_calibration_error` and :func:`brier_score` measure that.
:class:`PlattScaling` and :class:`TemperatureScaling` put a sigmoid behind the scores of a model that is trained
already. :func:`best_threshold` turns probabilities into decisions.

Fit a calibrator on samples that the model was not trained on: a flexible model is more often right on its own
training data than it will be later, and the calibrator would learn that it may be sure.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, check_X_y

from course_lib.activations import sigmoid, sigmoid_derivative, softplus

__all__ = [
    "BrierDecomposition",
    "PlattScaling",
    "ReliabilityCurve",
    "TemperatureScaling",
    "bayes_threshold",
    "best_threshold",
    "brier_decomposition",
    "brier_score",
    "expected_calibration_error",
    "expected_cost",
    "reliability_curve",
]

Float64s: TypeAlias = NDArray[np.float64]
Strategy: TypeAlias = Literal["uniform", "quantile"]


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """What was predicted and what happened, bin by bin: the points of a reliability diagram.

    The arrays have one element a bin that holds samples, in rising order of the prediction.

    Attributes
    ----------
    predicted : array of float64
        Mean of the predicted probabilities in the bin.
    observed : array of float64
        Share of positives in the bin.
    count : array of int
        Samples in the bin, never 0.
    low, high : array of float64
        Ends of the interval for the probability of a positive in the bin.
    """

    predicted: Float64s
    observed: Float64s
    count: NDArray[np.intp]
    low: Float64s
    high: Float64s


@dataclass(frozen=True)
class BrierDecomposition:
    """The parts of a Brier score: ``reliability - resolution + uncertainty + within_bins`` is the score.

    Attributes
    ----------
    reliability : float
        Mean squared distance of the bins from the diagonal: 0 when calibrated.
    resolution : float
        Variance of the observed frequency between bins: how well the forecasts sort the samples.
    uncertainty : float
        Variance of the labels, which no forecaster changes.
    within_bins : float
        What putting different forecasts into one bin hides; may be negative.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


def reliability_curve(
    y: ArrayLike, p: ArrayLike, bins: int = 15, strategy: Strategy = "uniform", confidence: float = 0.95
) -> ReliabilityCurve:
    r"""Compare predicted probabilities with observed frequencies, bin by bin.

    Parameters
    ----------
    y : array_like of 0 and 1 or of booleans, shape (n,)
        What happened.
    p : array_like, shape (n,)
        Predicted probability of a 1.
    bins : int, at least 1
        Number of bins.
    strategy : {"uniform", "quantile"}
        "uniform" cuts [0, 1] into bins of equal width, "quantile" at the quantiles of `p`, so that about as many
        samples lie in each. A bin holds its upper end and not its lower one; the first holds both.
    confidence : float in (0, 1)
        Level of the intervals.

    Returns
    -------
    ReliabilityCurve
        Bins without samples are left out: they have no frequency, and 0 would be an invention. So there may be fewer
        points than `bins`. With "quantile" that happens when many predictions are equal.

    Raises
    ------
    TypeError
        `p` is not real, or `bins` is not an integer.
    ValueError
        `p` lies outside [0, 1], `y` holds something else than 0 and 1, one is empty or not one-dimensional, their
        lengths differ, or `bins`, `strategy` or `confidence` is none of the above.

    Notes
    -----
    The edges are those of :func:`sklearn.calibration.calibration_curve`.

    The interval is Wilson's [1]_, the set of frequencies that a score test does not reject. It stays inside [0, 1] and
    has a width in bins where nobody or everybody is positive, where the textbook's
    :math:`\hat f \pm 1.96 \sqrt{\hat f (1 - \hat f) / n}` has none. Its coverage is near the level on average, where
    Clopper and Pearson's is above it throughout, and so its intervals are wider than need be [2]_. When the forecasts
    inside a bin differ, the number of positives varies a little less than a binomial with their mean:
    :math:`\sum p_i (1 - p_i) = n \bar p (1 - \bar p) - \sum (p_i - \bar p)^2`.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
       American Statistical Association 22, 209-212, 1927.
    .. [2] L. D. Brown, T. T. Cai and A. DasGupta, "Interval estimation for a binomial proportion", Statistical
       Science 16, 101-133, 2001.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 0, 1, 1]
    >>> p = [0.1, 0.1, 0.2, 0.2, 0.9, 0.9, 0.9, 1.0]
    >>> curve = reliability_curve(y, p, bins=4)
    >>> curve.predicted, curve.observed, curve.count
    (array([0.15 , 0.925]), array([0.25, 0.75]), array([4, 4]))
    >>> curve.low.round(2), curve.high.round(2)
    (array([0.05, 0.3 ]), array([0.7 , 0.95]))
    """
    y, p = _labels_and_probabilities("reliability_curve", y, p)
    index = _bin_of("reliability_curve", p, bins, strategy)
    if not 0 < confidence < 1:
        raise ValueError(f"reliability_curve: confidence is {confidence!r}, but must lie between 0 and 1, as 0.95 does")
    count, predicted, observed, positives = _bin_means(y, p, index)
    low, high = _wilson(positives, count, confidence)
    return ReliabilityCurve(predicted, observed, count, low, high)


def expected_calibration_error(y: ArrayLike, p: ArrayLike, bins: int = 15, strategy: Strategy = "uniform") -> float:
    r"""Mean distance of the reliability curve from the diagonal, bins weighted by their samples.

    Parameters
    ----------
    y : array_like of 0 and 1 or of booleans, shape (n,)
        What happened.
    p : array_like, shape (n,)
        Predicted probability of a 1.
    bins : int, at least 1
        Number of bins; 15 is that of [2]_.
    strategy : {"uniform", "quantile"}
        As for :func:`reliability_curve`.

    Returns
    -------
    float
        Between 0 and 1. Empty bins add nothing.

    Raises
    ------
    TypeError, ValueError
        As :func:`reliability_curve`.

    Notes
    -----
    :math:`\mathrm{ECE} = \sum_k \frac{n_k}{n} |\bar y_k - \bar p_k|` over bins :math:`k` [1]_. It depends on the bins,
    and chance alone keeps it above 0: compare values from the same bins and as many samples. A forecaster that always
    predicts the overall frequency has an ECE of 0, so the ECE alone says nothing about the use of a forecast; the
    Brier score does.

    For a classifier with more than two classes, [2]_ asks the question of the class that the model chose:
    ``expected_calibration_error(chosen == y, probability_of_the_chosen)``.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
       binning", AAAI Conference on Artificial Intelligence, 2015.
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", International
       Conference on Machine Learning, 2017.

    Examples
    --------
    Sure, and wrong once in four times:

    >>> round(expected_calibration_error([1, 1, 1, 0], [0.95, 0.95, 0.95, 0.95]), 3)
    0.2
    """
    y, p = _labels_and_probabilities("expected_calibration_error", y, p)
    count, predicted, observed, _ = _bin_means(y, p, _bin_of("expected_calibration_error", p, bins, strategy))
    return float(count @ np.abs(observed - predicted) / count.sum())


def brier_score(y: ArrayLike, p: ArrayLike) -> float:
    r"""Mean squared distance of the predicted probabilities from what happened.

    Parameters
    ----------
    y : array_like of 0 and 1 or of booleans, shape (n,)
        What happened.
    p : array_like, shape (n,)
        Predicted probability of a 1.

    Returns
    -------
    float
        Between 0 and 1, lower is better; predicting 1/2 throughout gives 1/4.

    Raises
    ------
    TypeError
        `p` is not real.
    ValueError
        `p` lies outside [0, 1], `y` holds something else than 0 and 1, one is empty or not one-dimensional, or their
        lengths differ.

    Notes
    -----
    :math:`\frac1n \sum_i (p_i - y_i)^2`. G. W. Brier, "Verification of forecasts expressed in terms of probability",
    Monthly Weather Review 78, 1-3, 1950, adds both classes, which doubles it.

    Examples
    --------
    >>> round(brier_score([1, 0, 1], [0.9, 0.2, 0.6]), 3)
    0.07
    """
    y, p = _labels_and_probabilities("brier_score", y, p)
    return float(np.mean((p - y) ** 2))


def brier_decomposition(
    y: ArrayLike, p: ArrayLike, bins: int = 15, strategy: Strategy = "uniform"
) -> BrierDecomposition:
    r"""Split the Brier score into calibration, the ability to tell samples apart, and what is left to chance.

    Parameters
    ----------
    y : array_like of 0 and 1 or of booleans, shape (n,)
        What happened.
    p : array_like, shape (n,)
        Predicted probability of a 1.
    bins : int, at least 1
        Number of bins.
    strategy : {"uniform", "quantile"}
        As for :func:`reliability_curve`.

    Returns
    -------
    BrierDecomposition

    Raises
    ------
    TypeError, ValueError
        As :func:`reliability_curve`.

    Notes
    -----
    With means :math:`\bar p_k` and :math:`\bar y_k` in bin :math:`k` and :math:`\bar y` overall, Murphy's three parts
    [1]_ are :math:`\sum \frac{n_k}{n} (\bar p_k - \bar y_k)^2`, :math:`\sum \frac{n_k}{n} (\bar y_k - \bar y)^2` and
    :math:`\bar y (1 - \bar y)`. They add up to the score when all forecasts in a bin are equal. When they are not, two
    more are needed [2]_: the variance of the forecasts inside the bins, less twice their covariance with the labels;
    ``within_bins`` is their sum.

    References
    ----------
    .. [1] A. H. Murphy, "A new vector partition of the probability score", Journal of Applied Meteorology 12,
       595-600, 1973.
    .. [2] D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe, "Two extra components in the Brier score
       decomposition", Weather and Forecasting 23, 752-757, 2008.

    Examples
    --------
    >>> parts = brier_decomposition([0, 0, 1, 0, 1, 1], [0.25, 0.25, 0.25, 0.75, 0.75, 0.75], bins=2)
    >>> round(parts.reliability, 4), round(parts.resolution, 4), parts.uncertainty, parts.within_bins
    (0.0069, 0.0278, 0.25, 0.0)
    """
    y, p = _labels_and_probabilities("brier_decomposition", y, p)
    index = _bin_of("brier_decomposition", p, bins, strategy)
    count, predicted, observed, _ = _bin_means(y, p, index)
    share, base = count / count.sum(), np.mean(y)
    _, place = np.unique(index, return_inverse=True)
    dp, dy = p - predicted[place], y - observed[place]
    return BrierDecomposition(
        reliability=float(share @ (predicted - observed) ** 2),
        resolution=float(share @ (observed - base) ** 2),
        uncertainty=float(base * (1 - base)),
        within_bins=float(np.mean(dp**2) - 2 * np.mean(dp * dy)),
    )


def bayes_threshold(cost_false_alarm: float, cost_miss: float) -> float:
    r"""Probability above which acting is cheaper than waiting: :math:`a / (a + m)`.

    Parameters
    ----------
    cost_false_alarm : float
        :math:`a`, the cost of acting on a 0; not negative.
    cost_miss : float
        :math:`m`, the cost of not acting on a 1; not negative, and not 0 together with the other.

    Returns
    -------
    float
        Between 0 and 1. It is the best threshold for calibrated probabilities, whatever the share of positives.

    Raises
    ------
    ValueError
        A cost is negative, infinite or nan, or both are 0.

    Notes
    -----
    Acting costs :math:`(1 - p)\,a` on average, waiting :math:`p\,m`. C. Elkan, "The foundations of cost-sensitive
    learning", International Joint Conference on Artificial Intelligence, 2001, section 2, where right decisions may
    cost something too. On logits the threshold is :math:`\ln(a / m)`.

    Examples
    --------
    A missed fire costs nine times as much as a false alarm:

    >>> bayes_threshold(1, 9)
    0.1
    """
    a, m = _costs("bayes_threshold", cost_false_alarm, cost_miss)
    return float(a / (a + m))


def expected_cost(
    y: ArrayLike, p: ArrayLike, threshold: ArrayLike, cost_false_alarm: float, cost_miss: float
) -> np.float64 | Float64s:
    """Mean cost a sample of acting when ``p > threshold``.

    Parameters
    ----------
    y : array_like of 0 and 1 or of booleans, shape (n,)
        What happened.
    p : array_like, shape (n,)
        Predicted probability of a 1.
    threshold : array_like, any shape
        Probabilities to cut at; -inf acts always.
    cost_false_alarm, cost_miss : float
        As for :func:`bayes_threshold`.

    Returns
    -------
    float64, or array of float64 with the shape of `threshold`
        In the unit of the costs.

    Raises
    ------
    TypeError
        `p` is not real.
    ValueError
        As :func:`brier_score` and :func:`bayes_threshold`; or `threshold` holds nan.

    Examples
    --------
    >>> y, p = [0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8]
    >>> expected_cost(y, p, 0.5, cost_false_alarm=1, cost_miss=9)
    np.float64(2.5)
    >>> expected_cost(y, p, [0.0, 0.3, 0.9], cost_false_alarm=1, cost_miss=9)
    array([0.5 , 0.25, 4.5 ])
    """
    y, p = _labels_and_probabilities("expected_cost", y, p)
    a, m = _costs("expected_cost", cost_false_alarm, cost_miss)
    cuts = np.asarray(threshold, dtype=np.float64)
    if np.isnan(cuts).any():
        raise ValueError("expected_cost: threshold holds nan")
    false_alarms, misses = _mistakes(y, p, cuts)
    cost: np.float64 | Float64s = (a / y.size) * false_alarms + (m / y.size) * misses
    return cost


def best_threshold(y: ArrayLike, p: ArrayLike, cost_false_alarm: float, cost_miss: float) -> float:
    """Threshold that would have cost least on given data, when acting means ``p > threshold``.

    Parameters
    ----------
    y : array_like of 0 and 1 or of booleans, shape (n,)
        What happened.
    p : array_like, shape (n,)
        Predicted probability of a 1.
    cost_false_alarm, cost_miss : float
        As for :func:`bayes_threshold`.

    Returns
    -------
    float
        In [0, 1], half-way between two neighbouring predictions, or between one and 0 or 1; -inf where it is best to
        act always and a prediction of 0 leaves no other way to say so.

    Raises
    ------
    TypeError
        `p` is not real.
    ValueError
        As :func:`brier_score` and :func:`bayes_threshold`.

    See Also
    --------
    bayes_threshold : The same for calibrated probabilities, without data.

    Notes
    -----
    Only the order of the predictions against the threshold counts, so one candidate between each two neighbours is
    enough. Of candidates that cost the same, the one nearest to :func:`bayes_threshold` is taken. The minimum follows
    the luck of the sample: on new data it costs more, on average.

    Examples
    --------
    >>> y, p = [0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8]
    >>> best_threshold(y, p, cost_false_alarm=1, cost_miss=9)
    0.25
    >>> round(best_threshold(y, p, cost_false_alarm=9, cost_miss=1), 2)
    0.7
    """
    y, p = _labels_and_probabilities("best_threshold", y, p)
    a, m = _costs("best_threshold", cost_false_alarm, cost_miss)
    values = np.unique(p)
    below, above = np.append(0, values), np.append(values, 1)
    cuts = below + (above - below) / 2
    # Half-way between neighbouring floats is one of them, and must not be the upper: p > cut would leave it out.
    cuts = np.where(cuts < above, cuts, below)
    if values[0] == 0:
        cuts[0] = -np.inf
    false_alarms, misses = _mistakes(y, p, cuts)
    # Divided by the larger cost, so that no cost can overflow.
    cost = a / max(a, m) * false_alarms + m / max(a, m) * misses
    # Sums that are equal on paper may differ in the last digits.
    lowest = cuts[cost <= cost.min() * (1 + 1e-12)]
    return float(lowest[np.argmin(np.abs(lowest - a / (a + m)))])


# Both calibrators take one score a sample, so their tags are those of scikit-learn's own (IsotonicRegression and what
# CalibratedClassifierCV uses inside). scikit-learn's check_estimator runs hardly anything on such an estimator, and
# would demand that one-dimensional input is refused; the tests run its checks on a subclass that takes a matrix.


class PlattScaling(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Turn scores into probabilities by a sigmoid, :math:`p = \sigma(\text{slope} \cdot s + \text{intercept})`.

    A classifier whose one feature is the score of another, trained on samples that the other has not seen.

    Attributes
    ----------
    slope_ : float
        Slope on the score; Platt's :math:`A` with the sign changed.
    intercept_ : float
        Logit at a score of 0; Platt's :math:`B` with the sign changed.
    classes_ : array, shape (2,)
        The labels in order; the second is the positive one.

    Notes
    -----
    The fit minimises cross-entropy, with targets :math:`(N_+ + 1)/(N_+ + 2)` for the :math:`N_+` positives and
    :math:`1/(N_- + 2)` for the :math:`N_-` negatives instead of 1 and 0 [1]_. They are what a uniform prior makes of
    the counts, and they keep the slope finite when the scores separate the classes. With weights, :math:`N_\pm` are
    sums of weights.

    Newton's method with backtracking, started from a flat sigmoid, as in [2]_; the scores are centred and scaled
    first, so that their unit does not matter. :class:`sklearn.calibration.CalibratedClassifierCV` with
    ``method="sigmoid"`` minimises the same function by L-BFGS.

    References
    ----------
    .. [1] J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood
       methods", Advances in Large Margin Classifiers, MIT Press, 61-74, 1999.
    .. [2] H.-T. Lin, C.-J. Lin and R. C. Weng, "A note on Platt's probabilistic outputs for support vector machines",
       Machine Learning 68, 267-276, 2007.

    Examples
    --------
    >>> scores = [-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0]
    >>> platt = PlattScaling().fit(scores, [0, 0, 0, 1, 0, 1, 1, 1])
    >>> platt.predict_proba([-3.0, 0.0, 3.0])[:, 1].round(3)
    array([0.135, 0.5  , 0.865])
    """

    def fit(self, scores: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> PlattScaling:
        """Fit slope and intercept.

        Parameters
        ----------
        scores : array_like, shape (n,) or (n, 1)
            Any real scores that rise with the probability of the second class: logits, distances from a hyperplane,
            uncalibrated probabilities.
        y : array_like, shape (n,)
            Labels of two classes.
        sample_weight : array_like, shape (n,), optional
            Not negative; a weight of 2 counts as two samples.

        Returns
        -------
        PlattScaling
            The estimator itself.

        Raises
        ------
        ValueError
            `scores` has several columns, nan or infinity; `y` has not two classes; lengths differ.
        """
        x, y, weight = _samples(self, scores, y, sample_weight)
        x = _one_column(self, x)
        self.classes_, positive = _two_classes(self, y)
        n = weight[positive == 1].sum(), weight[positive == 0].sum()
        target = np.where(positive == 1, (n[0] + 1) / (n[0] + 2), 1 / (n[1] + 2))

        # In units of the largest score first: the squares of huge ones would overflow.
        unit = np.max(np.abs(x)) or 1.0
        x = x / unit
        centre = np.average(x, weights=weight)
        spread = np.sqrt(np.average((x - centre) ** 2, weights=weight)) or 1.0
        slope, intercept = _newton((x - centre) / spread, target, weight, start=np.log((n[0] + 1) / (n[1] + 1)))
        self.slope_ = float(slope / spread / unit)
        self.intercept_ = float(intercept - slope * (centre / spread))
        return self

    def decision_function(self, scores: ArrayLike) -> Float64s:
        """Return calibrated logits.

        Parameters
        ----------
        scores : array_like, shape (n,) or (n, 1)

        Returns
        -------
        array of float64, shape (n,)
            Log-odds of the second class.
        """
        check_is_fitted(self)
        x = _one_column(self, _finite(self, scores))
        with np.errstate(over="ignore"):
            return self.slope_ * x + self.intercept_

    def predict_proba(self, scores: ArrayLike) -> Float64s:
        """Return calibrated probabilities.

        Parameters
        ----------
        scores : array_like, shape (n,) or (n, 1)

        Returns
        -------
        array of float64, shape (n, 2)
            Probabilities of both classes, in the order of ``classes_``.
        """
        z = self.decision_function(scores)
        return np.column_stack([sigmoid(-z), sigmoid(z)])

    def predict(self, scores: ArrayLike) -> NDArray[Any]:
        """Return the likelier class of each sample.

        Parameters
        ----------
        scores : array_like, shape (n,) or (n, 1)

        Returns
        -------
        array, shape (n,)
            Labels.
        """
        positive = self.decision_function(scores) > 0
        labels: NDArray[Any] = self.classes_[positive.astype(int)]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, False
        tags.classifier_tags.multi_class = False
        return tags


class TemperatureScaling(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Divide logits by one number, the temperature: :math:`p = \sigma(z / T)` or :math:`\mathrm{softmax}(z / T)`.

    A temperature above 1 makes a network less sure of itself, one below 1 surer. The predicted classes stay the same.

    Attributes
    ----------
    temperature_ : float
        :math:`T`. It is inf, with a warning, when the logits point away from the labels.
    classes_ : array, shape (k,)
        The labels in order: that of the columns.

    Notes
    -----
    :math:`T` minimises cross-entropy on the samples of the fit [1]_. In :math:`\beta = 1/T` that is a convex function;
    the zero of its derivative, :math:`\sum_i (\mathrm{E}_\beta[z_i] - z_{i, y_i})`, is found by Brent's method.

    :class:`sklearn.calibration.CalibratedClassifierCV` with ``method="temperature"`` (1.9) gives the same
    probabilities. For the one-column scores of a binary problem it takes the softmax of :math:`(-z, z)`, so its
    :math:`\beta` is half of :math:`1/T` here.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", International
       Conference on Machine Learning, 2017, section 4.2.

    Examples
    --------
    Sure to one in a thousand, and wrong once in four times:

    >>> logits = [7.0, 7.0, 7.0, 7.0]
    >>> scaling = TemperatureScaling().fit(logits + [-z for z in logits], [1, 1, 1, 0, 0, 0, 0, 1])
    >>> round(scaling.temperature_, 2)
    6.37
    >>> scaling.predict_proba([7.0, 14.0])[:, 1].round(2)
    array([0.75, 0.9 ])
    """

    def fit(self, logits: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> TemperatureScaling:
        """Fit the temperature.

        Parameters
        ----------
        logits : array_like, shape (n,), (n, 1) or (n, k)
            Log-odds of the second class, or a column for each class, as before a softmax.
        y : array_like, shape (n,)
            Labels; column j belongs to the j-th of the sorted labels.
        sample_weight : array_like, shape (n,), optional
            Not negative; a weight of 2 counts as two samples.

        Returns
        -------
        TemperatureScaling
            The estimator itself.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            No finite temperature is best: every sample is predicted right, so that none is too low; or the logits
            point away from the labels, so that none is too high.

        Raises
        ------
        ValueError
            `logits` are probabilities, or hold nan or infinity; columns and classes do not match; lengths differ.
        """
        z, y, weight = _samples(self, logits, y, sample_weight)
        z = _log_odds(self, z)
        if z.ndim == 1:
            self.classes_, labels = _two_classes(self, y, "; pass a column of logits for each class")
            z = np.column_stack([np.zeros_like(z), z])
        else:
            self.classes_, labels = np.unique(y, return_inverse=True)
            if len(self.classes_) != z.shape[1]:
                raise ValueError(
                    f"TemperatureScaling: logits have {z.shape[1]} columns, but y has {len(self.classes_)} classes "
                    f"({_listed(self.classes_)}); there must be a column for each class, and a sample of each"
                )
        # In units of the largest: differences of huge logits would overflow. Then 1/T is sought in that unit.
        unit = float(np.max(np.abs(z))) or 1.0
        excess = z / unit - np.take_along_axis(z / unit, labels[:, np.newaxis], axis=1)
        beta = _inverse_temperature(excess, weight)
        self.temperature_ = unit / beta if beta > 0 else np.inf
        return self

    def decision_function(self, logits: ArrayLike) -> Float64s:
        """Return calibrated logits.

        Parameters
        ----------
        logits : array_like, shape (n,), (n, 1) or (n, k)

        Returns
        -------
        array of float64, shape (n,) for two classes, else (n, k)
            Logits divided by the temperature.
        """
        z = self._checked(logits)
        with np.errstate(over="ignore"):
            return z / self.temperature_

    def predict_proba(self, logits: ArrayLike) -> Float64s:
        """Return calibrated probabilities.

        Parameters
        ----------
        logits : array_like, shape (n,), (n, 1) or (n, k)

        Returns
        -------
        array of float64, shape (n, k)
            Probabilities of the classes, in the order of ``classes_``.
        """
        z = self._checked(logits)
        with np.errstate(over="ignore"):
            if z.ndim == 1:
                return np.column_stack([sigmoid(-z / self.temperature_), sigmoid(z / self.temperature_)])
            # Before dividing: the quotient of a large logit may be infinite, and so may several in a row.
            below_best = z - z.max(axis=1, keepdims=True)
            p: Float64s = scipy.special.softmax(below_best / self.temperature_, axis=1)
            return p

    def predict(self, logits: ArrayLike) -> NDArray[Any]:
        """Return the likeliest class of each sample, which does not depend on the temperature.

        Parameters
        ----------
        logits : array_like, shape (n,), (n, 1) or (n, k)

        Returns
        -------
        array, shape (n,)
            Labels.
        """
        z = self._checked(logits)
        labels: NDArray[Any] = self.classes_[(z > 0).astype(int) if z.ndim == 1 else z.argmax(axis=1)]
        return labels

    def _checked(self, logits: ArrayLike) -> Float64s:
        check_is_fitted(self)
        z = _log_odds(self, _finite(self, logits))
        columns = 2 if z.ndim == 1 else z.shape[1]
        if columns != len(self.classes_):
            raise ValueError(
                f"TemperatureScaling: logits are for {columns} classes, but it was fitted on {len(self.classes_)}"
            )
        return z

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, False
        return tags


# Bins


def _bin_of(name: str, p: Float64s, bins: int, strategy: Strategy) -> NDArray[np.intp]:
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer):
        raise TypeError(f"{name}: bins must be an integer, not {bins!r}")
    if bins < 1:
        raise ValueError(f"{name}: bins is {bins}, but there must be at least 1")
    if strategy == "uniform":
        edges = np.linspace(0, 1, bins + 1)
    elif strategy == "quantile":
        # In per cent, as scikit-learn has it: the edges come out the same to the last digit.
        edges = np.percentile(p, np.linspace(0, 1, bins + 1) * 100)
    else:
        raise ValueError(f'{name}: strategy is {strategy!r}, but must be "uniform" or "quantile"')
    return np.searchsorted(edges[1:-1], p)


def _bin_means(
    y: Float64s, p: Float64s, index: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Float64s, Float64s, Float64s]:
    """Return count, mean of p, mean of y and sum of y for each bin that holds samples."""
    count = np.bincount(index)
    full = count > 0
    count = count[full]
    positives: Float64s = np.bincount(index, weights=y)[full].astype(np.float64, copy=False)
    return count, np.bincount(index, weights=p)[full] / count, positives / count, positives


def _wilson(positives: Float64s, count: NDArray[np.intp], confidence: float) -> tuple[Float64s, Float64s]:
    z = scipy.special.ndtri((1 + confidence) / 2)
    centre = (positives + z**2 / 2) / (count + z**2)
    half = z / (count + z**2) * np.sqrt(positives * (count - positives) / count + z**2 / 4)
    # At no positives the lower end is 0 on paper, and a rounding error in floating point; likewise at the other end.
    low = np.where(positives == 0, 0, centre - half)
    high = np.where(positives == count, 1, centre + half)
    return low, high


# Decisions


def _mistakes(y: Float64s, p: Float64s, cuts: Float64s) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Count for each cut the 0s above it and the 1s at or below it."""
    zeros, ones = np.sort(p[y == 0]), np.sort(p[y == 1])
    return zeros.size - np.searchsorted(zeros, cuts, side="right"), np.searchsorted(ones, cuts, side="right")


def _costs(name: str, cost_false_alarm: float, cost_miss: float) -> tuple[float, float]:
    a, m = float(cost_false_alarm), float(cost_miss)
    if not (a >= 0 and m >= 0 and a + m < np.inf):  # nan fails too
        raise ValueError(
            f"{name}: costs must be finite and not negative, but cost_false_alarm is {a!r} and cost_miss {m!r}"
        )
    if a == m == 0:
        raise ValueError(f"{name}: both costs are 0, so every threshold is as good as any other")
    return a, m


# Fits

_MAX_STEPS = 100  # far more than any fit has been seen to need


def _newton(x: Float64s, target: Float64s, weight: Float64s, start: float) -> Float64s:
    """Minimise the weighted cross-entropy of sigmoid(slope * x + intercept); x is standardised."""

    def loss(theta: Float64s) -> Float64s:
        z = theta[0] * x + theta[1]
        # Two terms that are never negative: nothing cancels, however large z is.
        return np.asarray(weight @ (target * softplus(-z) + (1 - target) * softplus(z)))

    theta = np.array([0.0, start])
    value = loss(theta)
    for _ in range(_MAX_STEPS):
        z = theta[0] * x + theta[1]
        residual = weight * (sigmoid(z) - target)
        curvature = weight * sigmoid_derivative(z)
        gradient = np.array([residual @ x, residual.sum()])
        cross = curvature @ x
        hessian = np.array([[curvature @ x**2, cross], [cross, curvature.sum()]])
        # Constant scores leave the slope undetermined; the ridge of Lin et al. keeps it where it is, at 0.
        hessian += 1e-12 * np.trace(hessian) * np.eye(2)
        direction = -np.linalg.solve(hessian, gradient)
        decrease = -(gradient @ direction)
        # The square of the distance to the minimum, in the metric of the Hessian and for one sample. The step still
        # taken squares it again.
        if decrease <= 1e-20 * weight.sum():
            return theta + direction
        step = 1.0
        # Near the minimum the true decrease is less than the rounding of the sum, which must not shorten the step.
        slack = 1e-14 * value
        while (new := loss(theta + step * direction)) > value - 1e-4 * step * decrease + slack:
            step /= 2
        theta, value = theta + step * direction, new
    warnings.warn(
        "PlattScaling: Newton's method did not converge; the slope is not to be trusted", ConvergenceWarning, 3
    )
    return theta


def _inverse_temperature(excess: Float64s, weight: Float64s) -> float:
    """Minimise the weighted cross-entropy of softmax(beta * excess), where the true class has an excess of 0."""

    def slope(beta: float) -> float:
        return float(weight @ (scipy.special.softmax(beta * excess, axis=1) * excess).sum(axis=1))

    if slope(0) >= 0:
        warnings.warn(
            "TemperatureScaling: on these samples the logits say less than nothing about the labels, so no "
            "temperature is high enough; it is set to inf, which makes all classes equally likely. Are the columns "
            "in the order of the sorted labels?",
            ConvergenceWarning,
            3,
        )
        return 0.0
    if np.all(excess <= 0):
        warnings.warn(
            "TemperatureScaling: every sample is predicted right, so no temperature is low enough; it is set to "
            "exp(-10) times the largest logit. Fit it on samples that the model was not trained on, or on more",
            ConvergenceWarning,
            3,
        )
        return float(np.exp(10))
    high = 1.0
    while slope(high) <= 0:
        high *= 2
    # The absolute tolerance is no limit: the relative one decides, also for a zero close to 0.
    return float(scipy.optimize.brentq(slope, 0, high, xtol=1e-300, rtol=4 * np.finfo(float).eps, maxiter=5000))


# Input


def _labels_and_probabilities(name: str, y: ArrayLike, p: ArrayLike) -> tuple[Float64s, Float64s]:
    labels, probabilities = np.asarray(y), np.asarray(p)
    if probabilities.dtype.kind not in "biuf":
        raise TypeError(f"{name}: p must be real numbers, not {probabilities.dtype}")
    if probabilities.ndim != 1:
        advice = ": pass the column of class 1, p[:, -1]" if probabilities.ndim == 2 else ""
        raise ValueError(f"{name}: p must have shape (n,), not {probabilities.shape}{advice}")
    if labels.shape != probabilities.shape:
        raise ValueError(
            f"{name}: y and p must have the same shape, but y has {labels.shape} and p {probabilities.shape}"
        )
    if labels.size == 0:
        raise ValueError(f"{name}: y and p are empty")
    probabilities = probabilities.astype(np.float64)
    if np.isnan(probabilities).any():
        raise ValueError(f"{name}: p holds nan, first at [{np.isnan(probabilities).argmax()}]")
    low, high = probabilities.min(), probabilities.max()
    if low < 0 or high > 1:
        raise ValueError(
            f"{name}: p reaches from {float(low)!r} to {float(high)!r}, but probabilities lie between 0 and 1. "
            "These look like logits: pass sigmoid(z)"
        )
    if labels.dtype.kind not in "biuf" or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"{name}: y must hold 0 and 1, or False and True, but it holds {_listed(labels)}. Compare it "
            "with the label of the positive class, as in y == label"
        )
    return labels.astype(np.float64), probabilities


def _listed(labels: NDArray[Any]) -> str:
    different = list(dict.fromkeys(map(repr, labels.tolist())))  # not sorted: labels may be of several types
    return ", ".join(different[:5] + ["…"] * (len(different) > 5))


def _finite(estimator: Any, x: ArrayLike) -> Float64s:
    checked: Float64s = check_array(x, ensure_2d=False, dtype=np.float64, estimator=estimator)
    return checked


def _samples(
    estimator: Any, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Float64s, NDArray[Any], Float64s]:
    """Return the samples that weigh anything, as arrays: scores or logits, labels, weights."""
    checked, labels = check_X_y(x, y, ensure_2d=False, dtype=np.float64, estimator=estimator)
    check_classification_targets(labels)
    weight = _check_sample_weight(sample_weight, checked, dtype=np.float64, ensure_non_negative=True)
    return checked[weight > 0], labels[weight > 0], weight[weight > 0]


def _one_column(estimator: Any, x: Float64s) -> Float64s:
    if x.ndim == 2 and x.shape[1] == 1:
        return x[:, 0]
    if x.ndim != 1:
        raise ValueError(
            f"{type(estimator).__name__} takes one score a sample, shape (n,) or (n, 1), not {x.shape}. Of the two "
            "columns of predict_proba, pass the second, p[:, 1]"
        )
    return x


def _log_odds(estimator: Any, z: Float64s) -> Float64s:
    """Return logits of two classes as log-odds, shape (n,), and of more classes as they are."""
    if z.ndim == 1 or z.shape[1] == 1:
        return _one_column(estimator, z)
    if np.all((z >= 0) & (z <= 1)) and np.allclose(z.sum(axis=1), 1):
        raise ValueError(
            f"{type(estimator).__name__}: logits lie between 0 and 1, and each row adds up to 1. These look like "
            "probabilities: pass their logarithms"
        )
    return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z


def _two_classes(estimator: Any, y: NDArray[Any], remedy: str = "") -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the two labels, and for each sample which of them it has."""
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) > 2:
        raise ValueError(
            f"{type(estimator).__name__}: Only binary classification is supported. The type of the target is "
            f"{type_of_target(y)}, with {len(classes)} classes ({_listed(classes)}){remedy}"
        )
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__}: y has only one class, {_listed(classes)}; a calibrator needs samples of two"
        )
    return classes, index
