"""Calibration against scikit-learn, scipy, mpmath and the definitions written as loops."""

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError, SkipTestWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from course_lib import calibration
from course_lib.activations import sigmoid
from course_lib.calibration import (
    PlattScaling,
    TemperatureScaling,
    bayes_threshold,
    best_threshold,
    brier_decomposition,
    brier_score,
    expected_calibration_error,
    expected_cost,
    reliability_curve,
)

searched = settings(deadline=None, max_examples=60)

# Any probability, the ends of bins, and few values so that many are equal.
probabilities = st.one_of(st.floats(0, 1), st.integers(0, 20).map(lambda k: k / 20), st.sampled_from([0.0, 0.3, 1.0]))
samples = st.lists(st.tuples(st.integers(0, 1), probabilities), min_size=1, max_size=40)
bin_numbers = st.integers(1, 20)
strategies = st.sampled_from(["uniform", "quantile"])
costs = st.floats(0.001, 1000)


def _arrays(pairs: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    y, p = zip(*pairs, strict=True)
    return np.array(y), np.array(p)


# Reliability curve, ECE, Brier score


@searched
@given(samples, bin_numbers, strategies)
def test_curve_is_scikit_learns(pairs: Any, bins: int, strategy: Any) -> None:
    y, p = _arrays(pairs)
    curve = reliability_curve(y, p, bins=bins, strategy=strategy)
    observed, predicted = calibration_curve(y, p, n_bins=bins, strategy=strategy)
    assert_allclose(curve.observed, observed, rtol=1e-13)
    assert_allclose(curve.predicted, predicted, rtol=1e-13)
    assert curve.count.sum() == y.size
    assert curve.count.min() > 0


@searched
@given(samples, bin_numbers, st.floats(0.5, 0.999))
def test_intervals_are_scipys(pairs: Any, bins: int, confidence: float) -> None:
    y, p = _arrays(pairs)
    curve = reliability_curve(y, p, bins=bins, confidence=confidence)
    for k, n, low, high in zip(curve.observed * curve.count, curve.count, curve.low, curve.high, strict=True):
        exact = binomtest(round(k), int(n)).proportion_ci(confidence, method="wilson")
        assert_allclose((low, high), exact, rtol=1e-12, atol=1e-15)
        assert 0 <= low <= k / n <= high <= 1


@searched
@given(samples, bin_numbers)
def test_ece_by_its_definition(pairs: Any, bins: int) -> None:
    y, p = _arrays(pairs)
    edges, total = np.linspace(0, 1, bins + 1), 0.0
    for k in range(bins):
        inside = [(a, b) for a, b in pairs if (edges[k] < b or k == 0) and b <= edges[k + 1]]
        if inside:
            frequency, confidence = np.mean(inside, axis=0)
            total += len(inside) / len(pairs) * abs(frequency - confidence)
    assert_allclose(expected_calibration_error(y, p, bins=bins), total, rtol=1e-12, atol=1e-15)


def test_quantile_bins_hold_as_many_samples() -> None:
    p = np.random.default_rng(1).beta(0.5, 4, 1000)
    curve = reliability_curve(p > 0.1, p, bins=10, strategy="quantile")
    assert_array_equal(curve.count, np.full(10, 100))
    uniform = reliability_curve(p > 0.1, p, bins=10)
    assert uniform.count.max() > 5 * uniform.count.min()
    assert expected_calibration_error(p > 0.1, p, 10, "quantile") == pytest.approx(
        np.mean(np.abs(curve.observed - curve.predicted))
    )


def test_bins_hold_their_upper_ends() -> None:
    assert reliability_curve([0, 1, 1], [0.0, 0.5, 0.6], bins=2).count.tolist() == [2, 1]
    assert reliability_curve([0, 1, 1], [0.5, 0.75, 1.0], bins=4).predicted.tolist() == [0.5, 0.75, 1.0]


def test_empty_bins_are_left_out() -> None:
    curve = reliability_curve([0, 1, 1], [0.05, 0.95, 1.0], bins=10)
    assert_allclose(curve.predicted, [0.05, 0.975])
    assert_array_equal(curve.count, [1, 2])
    assert expected_calibration_error([0, 1, 1], [0.05, 0.95, 1.0], bins=10) == pytest.approx((0.05 + 2 * 0.025) / 3)
    # Equal predictions leave quantile bins empty.
    assert reliability_curve([0, 1, 1], [0.5, 0.5, 0.5], bins=10, strategy="quantile").count.tolist() == [3]


@searched
@given(samples)
def test_brier_score_is_scikit_learns(pairs: Any) -> None:
    y, p = _arrays(pairs)
    assert_allclose(brier_score(y, p), brier_score_loss(y, p, labels=[0, 1]), rtol=1e-13, atol=1e-16)


@searched
@given(samples, bin_numbers, strategies)
def test_brier_parts_add_up(pairs: Any, bins: int, strategy: Any) -> None:
    y, p = _arrays(pairs)
    d = brier_decomposition(y, p, bins, strategy)
    assert_allclose(d.reliability - d.resolution + d.uncertainty + d.within_bins, brier_score(y, p), atol=1e-14)


@searched
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=30))
def test_brier_parts_are_murphys(pairs: Any) -> None:
    """One forecast a bin: Murphy's vector partition, in exact fractions."""
    n, base = len(pairs), Fraction(sum(y for y, _ in pairs), len(pairs))
    groups = {f: [y for y, g in pairs if g == f] for _, f in pairs}
    frequency = {f: Fraction(sum(ys), len(ys)) for f, ys in groups.items()}
    reliability = sum(len(ys) * (Fraction(2 * f + 1, 10) - frequency[f]) ** 2 for f, ys in groups.items()) / n
    resolution = sum(len(ys) * (frequency[f] - base) ** 2 for f, ys in groups.items()) / n
    y, p = [y for y, _ in pairs], [(2 * f + 1) / 10 for _, f in pairs]
    d = brier_decomposition(y, p, bins=5)
    exact = [float(v) for v in (reliability, resolution, base * (1 - base), 0)]
    assert_allclose([d.reliability, d.resolution, d.uncertainty, d.within_bins], exact, rtol=1e-12, atol=1e-15)


def test_half_throughout_scores_a_quarter() -> None:
    assert brier_score([0, 1, 1, 0, 1], np.full(5, 0.5)) == 0.25


def test_labels_and_probabilities_of_other_dtypes() -> None:
    y, p = np.array([True, False, True]), np.array([0.5, 0.25, 1], dtype=np.float32)
    assert brier_score(y, p) == brier_score([1.0, 0.0, 1.0], p.tolist())
    assert reliability_curve(y, p).predicted.dtype == np.float64
    assert brier_score([1, 0], [1, 0]) == 0


# Thresholds


@searched
@given(samples, st.floats(-0.1, 1.1), costs, costs)
def test_expected_cost_by_counting(pairs: Any, threshold: float, a: float, m: float) -> None:
    y, p = _arrays(pairs)
    paid = [(a if not label else 0) if q > threshold else (m if label else 0) for label, q in pairs]
    cost = expected_cost(y, p, threshold, a, m)
    assert isinstance(cost, np.float64)
    assert_allclose(cost, np.mean(paid), rtol=1e-12)
    assert_array_equal(expected_cost(y, p, np.full((2, 3), threshold), a, m), np.full((2, 3), cost))


@searched
@given(samples, costs, costs)
def test_no_threshold_costs_less_than_the_best(pairs: Any, a: float, m: float) -> None:
    y, p = _arrays(pairs)
    best = best_threshold(y, p, a, m)
    assert 0 <= best <= 1 or (best == -np.inf and p.min() == 0)
    others = np.concatenate([p, np.nextafter(p, -1), np.nextafter(p, 2), [-np.inf, 0, 1, bayes_threshold(a, m)]])
    assert expected_cost(y, p, best, a, m) <= expected_cost(y, p, others, a, m).min() * (1 + 1e-11)


def test_best_threshold_between_neighbouring_floats() -> None:
    for start in (0.5, 0.3, 5e-324, 1 - 2**-52):
        p = [start, np.nextafter(start, 1)]
        assert expected_cost([0, 1], p, best_threshold([0, 1], p, 1, 1), 1, 1) == 0


def test_best_threshold_acts_always_or_never() -> None:
    assert best_threshold([1, 1], [0.0, 0.4], 1, 1) == -np.inf
    assert best_threshold([1, 1], [0.2, 0.4], 1, 1) == pytest.approx(0.1)
    assert best_threshold([0, 0], [0.2, 0.4], 1, 1) == pytest.approx(0.7)
    assert best_threshold([0, 0], [0.2, 1.0], 1, 1) == 1
    assert best_threshold([0, 1], [0.5, 0.5], 1, 3) == pytest.approx(0.25)


def test_of_equal_thresholds_the_nearest_to_theory() -> None:
    # Swapped pairs: cutting at 0.1, 0.35 or 0.75 makes one mistake, whichever.
    y, p = [1, 0], [0.2, 0.5]
    assert {round(float(expected_cost(y, p, t, 1, 1)), 6) for t in (0.1, 0.75)} == {0.5}
    assert best_threshold(y, p, 1, 1) == 0.75
    # Three such costs are more than the largest float.
    assert best_threshold([1, 0, 0, 0], [0.9, 0.1, 0.2, 0.3], 8e307, 8e307) == pytest.approx(0.6)
    # Seven false alarms cost as much as a miss, though 7 * (0.1 / 0.7) is more than 1 in floats.
    assert best_threshold([1] + 7 * [0], [0.2] + 7 * [0.3], 0.1, 0.7) == pytest.approx(0.1)


@pytest.mark.parametrize(("a", "m"), [(1, 9), (1, 1), (9, 1)])
def test_theory_is_right_for_calibrated_probabilities(a: float, m: float) -> None:
    p = (np.arange(1000) + 0.5) / 1000
    # Each probability a thousand times, with exactly its share of positives.
    y = (np.arange(1000) + 0.5) / 1000 < p[:, np.newaxis]
    best = best_threshold(y.ravel(), np.repeat(p, 1000), a, m)
    assert best == pytest.approx(bayes_threshold(a, m), abs=1e-3)
    assert bayes_threshold(a, m) == float(Fraction(a, a + m))


def test_theory_fails_for_overconfident_probabilities() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(0, 1, 20_000)
    y, sure = rng.random(z.size) < sigmoid(z), sigmoid(4 * z)
    at = {t: expected_cost(y, sure, t, 1, 9) for t in (bayes_threshold(1, 9), best_threshold(y, sure, 1, 9))}
    assert at[best_threshold(y, sure, 1, 9)] < 0.9 * at[bayes_threshold(1, 9)]
    # A calibrator mends it.
    mended = TemperatureScaling().fit(4 * z, y)
    assert mended.temperature_ == pytest.approx(4, rel=0.05)
    p = mended.predict_proba(4 * z)[:, 1]
    assert expected_cost(y, p, bayes_threshold(1, 9), 1, 9) < 1.02 * at[best_threshold(y, sure, 1, 9)]


def test_one_kind_of_mistake_may_be_free() -> None:
    assert bayes_threshold(0, 2) == 0
    assert bayes_threshold(2, 0) == 1
    assert expected_cost([0, 1], [0.3, 0.2], best_threshold([0, 1], [0.3, 0.2], 0, 2), 0, 2) == 0


# Platt scaling


def _platt_gradient(slope: float, intercept: float, scores: Any, positive: Any, weight: Any) -> float:
    """Largest component of the gradient of Platt's objective, by 200 bits, relative to the terms it is a sum of."""
    with mp.workprec(200):
        n1 = mp.fsum(w for w, y in zip(weight, positive, strict=True) if y)
        n0 = mp.fsum(w for w, y in zip(weight, positive, strict=True) if not y)
        sums, sizes = [mpf(0), mpf(0)], [mpf(0), mpf(0)]
        for s, y, w in zip(scores, positive, weight, strict=True):
            target = (n1 + 1) / (n1 + 2) if y else 1 / (n0 + 2)
            p = 1 / (1 + mp.exp(-mpf(slope) * mpf(s) - mpf(intercept)))
            for i, x in enumerate((mpf(s), mpf(1))):
                sums[i] += w * (p - target) * x
                sizes[i] += w * (p + target) * abs(x)
        return float(max(abs(a) / (b or 1) for a, b in zip(sums, sizes, strict=True)))


@searched
@given(
    st.lists(st.tuples(st.integers(-50, 50), st.booleans(), st.integers(1, 5)), min_size=2, max_size=25),
    st.sampled_from([1e-200, 1e-3, 0.1, 1.0, 37.0, 1e200]),
)
def test_platt_is_at_the_minimum(rows: Any, unit: float) -> None:
    """Separable, constant, tiny and huge scores included: on paper the gradient is 0."""
    scores, positive, weight = (np.array(c) for c in zip(*rows, strict=True))
    if positive.all() or not positive.any():
        positive[0] = not positive[0]
    model = PlattScaling().fit(scores * unit, positive, weight)
    if np.ptp(scores) == 0:
        assert model.slope_ == 0
    gradient = _platt_gradient(model.slope_, model.intercept_, scores * unit, positive, [float(w) for w in weight])
    assert gradient < 1e-13


def test_platt_survives_outliers_and_offsets() -> None:
    rng = np.random.default_rng(3)
    z = rng.normal(size=60)
    y = rng.random(60) < sigmoid(2 * z)
    for scores in (np.append(z, 1e8), z + 1e6, np.append(z, -1e8)):
        labels = np.append(y, True)[: scores.size]
        model = PlattScaling().fit(scores, labels)
        gradient = _platt_gradient(model.slope_, model.intercept_, scores, labels, np.ones(scores.size))
        assert gradient < 1e-9


# CalibratedClassifierCV passes weights to a frozen classifier too, which ignores them, and says so.
frozen = pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept sample_weight")


@pytest.fixture(scope="module")
def cancer() -> tuple[np.ndarray, ...]:
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(4).permutation(y.size)
    # Five noisy features, so that scores overlap.
    x = x[order][:, [4, 8, 9, 14, 18]]
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), y[order]
    return x[:150], y[:150], x[150:400], y[150:400], x[400:]


@frozen
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [None, ("malignant", "a benign one")])
@pytest.mark.parametrize(
    "classifier", [LinearSVC(), GaussianNB(), LogisticRegression()], ids=lambda c: type(c).__name__
)
def test_platt_is_scikit_learns(cancer: Any, classifier: Any, names: Any, weighted: bool) -> None:
    x_train, y_train, x_fit, y_fit, x_new = cancer
    if names:
        y_train, y_fit = np.array(names)[y_train], np.array(names)[y_fit]
    weight = np.random.default_rng(5).uniform(0, 3, y_fit.size) if weighted else None
    classifier = classifier.fit(x_train, y_train)
    theirs = CalibratedClassifierCV(FrozenEstimator(classifier), method="sigmoid").fit(x_fit, y_fit, weight)

    def score(x: np.ndarray) -> np.ndarray:
        if isinstance(classifier, GaussianNB):
            return classifier.predict_proba(x)[:, 1]
        return classifier.decision_function(x)

    ours = PlattScaling().fit(score(x_fit), y_fit, weight)
    assert_array_equal(ours.classes_, theirs.classes_)
    # What is left is where L-BFGS stops: Newton goes on to the last digits.
    assert_allclose(ours.predict_proba(score(x_new)), theirs.predict_proba(x_new), rtol=0, atol=1e-8)
    data = score(x_fit), y_fit == ours.classes_[1], np.ones(y_fit.size) if weight is None else weight
    assert _platt_gradient(ours.slope_, ours.intercept_, *data) < 1e-14
    assert_array_equal(ours.predict(score(x_new)), theirs.predict(x_new))


def test_platt_shortens_steps_that_go_too_far() -> None:
    # From a flat sigmoid a full Newton step lands where every curvature is 0.
    scores, y = [1000.0, -2, 2, 2, 0, 1, 0, -3, -1, -1, 3, 3, 1], [1] + 12 * [0]
    model = PlattScaling().fit(scores, y)
    assert _platt_gradient(model.slope_, model.intercept_, scores, y, np.ones(13)) < 1e-14


def test_platt_keeps_the_slope_finite_on_separable_scores() -> None:
    model = PlattScaling().fit([-2, -1, 1, 2], [0, 0, 1, 1])
    # (N + 1) / (N + 2) with N = 2.
    assert_allclose(model.predict_proba([-1.5, 1.5])[:, 1], [0.25, 0.75], atol=0.06)


def test_probabilities_keep_their_tails() -> None:
    z = [-2.0, -1.0, 1.0, 2.0, 0.5]
    for model in (PlattScaling().fit(z, [0, 0, 1, 1, 0]), TemperatureScaling().fit(z, [0, 0, 1, 1, 0])):
        p = model.predict_proba([100.0, -100.0])
        with mp.workprec(200):
            exact = [float(1 / (1 + mp.exp(mpf(t)))) for t in np.abs(model.decision_function([100.0, -100.0]))]
        assert max(exact) < 1e-20
        assert_allclose([p[0, 0], p[1, 1]], exact, rtol=1e-12)
        assert_array_equal(model.predict_proba([1e308, -1e308]), [[0, 1], [1, 0]])


def test_platt_warns_when_newton_does_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_MAX_STEPS", 1)
    with pytest.warns(ConvergenceWarning, match="did not converge") as caught:
        PlattScaling().fit([0.0, 1.0, 2.0], [0, 1, 1])
    assert caught[0].filename == __file__


# Temperature scaling


def _temperature_gradient(temperature: float, logits: Any, y: Any, weight: Any) -> mpf:
    """Derivative of the loss with respect to 1/T at 200 bits, relative to the sum of its terms' sizes."""
    with mp.workprec(200):
        terms = []
        for row, label, w in zip(logits, y, weight, strict=True):
            powers = [mp.exp(mpf(float(z)) / mpf(temperature)) for z in row]
            mean = mp.fsum(e * mpf(float(z)) for e, z in zip(powers, row, strict=True)) / mp.fsum(powers)
            terms.append(mpf(float(w)) * (mean - mpf(float(row[label]))))
        return mp.fsum(terms) / mp.fsum(map(abs, terms))


@searched
@given(st.integers(0, 2**32 - 1), st.integers(3, 6), st.sampled_from([1e-200, 1e-3, 1.0, 40.0, 1e200]))
def test_temperature_is_at_the_minimum(seed: int, k: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    logits, weight = rng.normal(size=(30, k)), rng.integers(1, 4, 30)
    y = np.append(np.arange(k), (logits[k:] + rng.gumbel(size=(30 - k, k))).argmax(axis=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # now and then chance leaves no minimum
        model = TemperatureScaling().fit(logits * unit, y, weight)
    if model.temperature_ < np.inf:
        assert abs(_temperature_gradient(model.temperature_, logits * unit, y, weight)) < 1e-12
    else:
        assert np.sum(weight * (logits.mean(axis=1) - logits[np.arange(30), y])) >= 0


@frozen
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [None, ("malignant", "a benign one")])
def test_binary_temperature_is_scikit_learns(cancer: Any, names: Any, weighted: bool) -> None:
    x_train, y_train, x_fit, y_fit, x_new = cancer
    if names:
        y_train, y_fit = np.array(names)[y_train], np.array(names)[y_fit]
    weight = np.random.default_rng(5).uniform(0, 3, y_fit.size) if weighted else None
    svm = LinearSVC().fit(x_train, y_train)
    theirs = CalibratedClassifierCV(FrozenEstimator(svm), method="temperature").fit(x_fit, y_fit, weight)
    z = svm.decision_function(x_fit)
    ours = TemperatureScaling().fit(z, y_fit, weight)
    # They search for a minimum by values of the loss, which can find it to 1e-8 or so.
    assert_allclose(ours.predict_proba(svm.decision_function(x_new)), theirs.predict_proba(x_new), rtol=0, atol=1e-7)
    beta = theirs.calibrated_classifiers_[0].calibrators[0].beta_
    assert ours.temperature_ == pytest.approx(1 / (2 * beta), rel=1e-6)
    y = np.unique(y_fit, return_inverse=True)[1]
    two = np.column_stack([np.zeros_like(z), z])
    assert abs(_temperature_gradient(ours.temperature_, two, y, np.ones(y.size) if weight is None else weight)) < 1e-12


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, ...]:
    """Digits under so much noise that a network can only remember them."""
    rng = np.random.default_rng(0)
    x, y = load_digits(return_X_y=True)
    order = rng.permutation(y.size)
    x, y = (x[order] + rng.normal(0, 8, x.shape)) / 16, y[order]
    return x[:720], y[:720], x[720:1260], y[720:1260], x[1260:], y[1260:]


@frozen
@pytest.mark.parametrize("weighted", [False, True])
def test_temperature_of_many_classes_is_scikit_learns(digits: Any, weighted: bool) -> None:
    x_train, y_train, x_fit, y_fit, x_new, _ = digits
    weight = np.random.default_rng(5).uniform(0, 3, y_fit.size) if weighted else None
    for model, logits in (
        (LogisticRegression(C=100, max_iter=2000), lambda m, x: m.decision_function(x)),
        (GaussianNB(var_smoothing=1e-3), lambda m, x: np.log(m.predict_proba(x) + 1e-12)),  # what they make of them
    ):
        model = model.fit(x_train, y_train)
        theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(x_fit, y_fit, weight)
        ours = TemperatureScaling().fit(logits(model, x_fit), y_fit, weight)
        p = ours.predict_proba(logits(model, x_new))
        assert_allclose(p, theirs.predict_proba(x_new), rtol=0, atol=1e-7)
        assert ours.temperature_ == pytest.approx(1 / theirs.calibrated_classifiers_[0].calibrators[0].beta_, rel=1e-6)
        assert ours.temperature_ > 1.3
        assert_array_equal(ours.predict(logits(model, x_new)), model.predict(x_new))
        assert_array_equal(ours.decision_function(logits(model, x_new)).argmax(axis=1), p.argmax(axis=1))


def test_forms_of_binary_logits() -> None:
    rng = np.random.default_rng(6)
    z = rng.normal(0, 5, 100)
    y, other = rng.random(100) < sigmoid(z / 3), rng.normal(0, 9, 100)
    forms = [z, z[:, np.newaxis], np.column_stack([other, other + z])]
    fits = [TemperatureScaling().fit(form, y) for form in forms]
    assert_allclose([f.temperature_ for f in fits], fits[0].temperature_, rtol=1e-13)
    for form in forms:
        assert_allclose(fits[0].predict_proba(form), fits[0].predict_proba(z), rtol=1e-12)
        assert_allclose(fits[0].decision_function(form), z / fits[0].temperature_, rtol=1e-9)


@searched
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-150, 1e-6, 1e9, 1e150]))
def test_temperature_has_the_unit_of_the_logits(seed: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 3, 40)
    y = np.append([True, False], rng.random(38) < sigmoid(z[2:]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # now and then chance leaves no minimum
        once, scaled = TemperatureScaling().fit(z, y), TemperatureScaling().fit(z * unit, y)
    assert scaled.temperature_ == pytest.approx(once.temperature_ * unit, rel=1e-9)


def test_logits_that_point_away_from_the_labels() -> None:
    with pytest.warns(ConvergenceWarning, match="less than nothing") as caught:
        model = TemperatureScaling().fit([3.0, 2.0, -1.0], [0, 0, 1])
    assert caught[0].filename == __file__
    assert model.temperature_ == np.inf
    assert_array_equal(model.predict_proba([5.0, -5.0]), np.full((2, 2), 0.5))
    assert_array_equal(model.predict([5.0, -5.0]), [1, 0])
    with pytest.warns(ConvergenceWarning, match="less than nothing"):
        TemperatureScaling().fit(np.zeros(4), [0, 0, 1, 1])


def test_logits_that_are_never_wrong() -> None:
    with pytest.warns(ConvergenceWarning, match="every sample is predicted right") as caught:
        model = TemperatureScaling().fit([3.0, 2.0, -1.0], ["on", "on", "off"])
    assert caught[0].filename == __file__
    assert model.temperature_ == pytest.approx(3 * np.exp(-10))
    assert_array_equal(model.predict_proba([1.0, -1.0]), [[0, 1], [1, 0]])


def test_huge_logits() -> None:
    huge = np.finfo(float).max / 10
    z = huge * np.array([[1, 0, -1], [-1, 1, 0], [0, -1, 1], [1, 0, -1], [-1, 1, 0], [1, 0, -1]])
    model = TemperatureScaling().fit(z, [0, 1, 2, 0, 1, 2])
    assert np.isfinite(model.temperature_)
    assert_allclose(model.predict_proba(z).sum(axis=1), 1)
    model.temperature_ = 0.01  # the quotients are infinite
    assert_array_equal(model.predict_proba(z[:2]), [[1, 0, 0], [0, 1, 0]])


# Known results


def test_calibration_of_naive_bayes_and_a_support_vector_machine() -> None:
    """Platt's result: sigmoid of the raw score is off by a tenth or more, after the fit by less than a hundredth."""
    x, y = make_classification(100_000, 20, n_informative=2, n_redundant=10, random_state=42)
    x_train, x_fit, x_test = np.split(x, [10_000, 20_000])
    y_train, y_fit, y_test = np.split(y, [10_000, 20_000])
    bayes, svm = GaussianNB().fit(x_train, y_train), LinearSVC().fit(x_train, y_train)

    def log_odds(x: np.ndarray) -> np.ndarray:
        return np.diff(bayes.predict_joint_log_proba(x), axis=1)[:, 0]

    for score, before, after in ((log_odds, 10.4, 0.7), (svm.decision_function, 17.1, 0.55)):
        raw = sigmoid(score(x_test))
        fitted = PlattScaling().fit(score(x_fit), y_fit).predict_proba(score(x_test))[:, 1]
        assert 100 * expected_calibration_error(y_test, raw) == pytest.approx(before, abs=0.5)
        assert 100 * expected_calibration_error(y_test, fitted) == pytest.approx(after, abs=0.3)
        assert brier_score(y_test, fitted) < brier_score(y_test, raw)
        raw_parts, fitted_parts = brier_decomposition(y_test, raw), brier_decomposition(y_test, fitted)
        assert fitted_parts.reliability < raw_parts.reliability / 10


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_temperature_of_an_overconfident_network(digits: Any) -> None:
    """Guo et al.'s result: one number takes most of the error away, and no prediction changes."""
    x_train, y_train, x_fit, y_fit, x_test, y_test = digits
    network = MLPClassifier((128,), alpha=0, max_iter=300, random_state=0).fit(x_train, y_train)

    def logits(x: np.ndarray) -> np.ndarray:
        (w, v), (b, c) = network.coefs_, network.intercepts_
        return np.maximum(x @ w + b, 0) @ v + c

    model = TemperatureScaling().fit(logits(x_fit), y_fit)
    before, after = network.predict_proba(x_test), model.predict_proba(logits(x_test))
    right = network.predict(x_test) == y_test
    assert_array_equal(model.predict(logits(x_test)), network.predict(x_test))
    assert model.temperature_ > 2
    assert expected_calibration_error(right, before.max(axis=1)) > 0.2
    assert expected_calibration_error(right, after.max(axis=1)) < 0.07


# scikit-learn's conventions


class _OfMatrices:
    """What check_estimator can test: it passes matrices, and the calibrator sees their last column."""

    calibrator: Callable[[], Any]

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
        column = -validate_data(self, x, y, dtype=np.float64)[0][:, -1]
        return super().fit(column, y, sample_weight)  # type: ignore[misc]

    def _call(self, method: str, x: Any) -> Any:
        check_is_fitted(self)
        plain = self.calibrator()
        vars(plain).update(vars(self))
        return getattr(plain, method)(-validate_data(self, x, dtype=np.float64, reset=False)[:, -1])

    def decision_function(self, x: Any) -> Any:
        return self._call("decision_function", x)

    def predict_proba(self, x: Any) -> Any:
        return self._call("predict_proba", x)

    def predict(self, x: Any) -> Any:
        return self._call("predict", x)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, True
        tags.classifier_tags.multi_class = False  # a column is the log-odds of two classes
        return tags


class _PlattOfMatrices(_OfMatrices, PlattScaling):
    calibrator = PlattScaling


class _TemperatureOfMatrices(_OfMatrices, TemperatureScaling):
    calibrator = TemperatureScaling


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # some checks use random labels
@pytest.mark.parametrize("estimator", [_PlattOfMatrices(), _TemperatureOfMatrices()], ids=lambda e: type(e).__name__)
def test_checks_of_scikit_learn(estimator: Any) -> None:
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert not [(r["check_name"], r["exception"]) for r in results if r["status"] not in ("passed", "skipped")]
    reasons = " ".join(str(r["exception"]) for r in results if r["status"] == "skipped")
    assert len(results) > 55
    assert reasons.count("pandas") + reasons.count("SCIPY_ARRAY_API is not set") >= sum(
        r["status"] == "skipped" for r in results
    )


@pytest.mark.parametrize("estimator", [PlattScaling(), TemperatureScaling()], ids=lambda e: type(e).__name__)
def test_estimators_of_one_dimensional_scores(estimator: Any) -> None:
    with pytest.warns(SkipTestWarning, match="one_d_array=True"):
        assert {r["status"] for r in check_estimator(estimator)} == {"passed"}
    with pytest.raises(NotFittedError):
        estimator.predict_proba([0.0])
    column = np.array([[-1.0], [2.0], [1.0], [-2.0]])
    y = ["no", "yes", "no", "no"]
    flat = estimator.fit(column.ravel(), y).predict_proba(column)
    assert_array_equal(estimator.fit(column, y).predict_proba(column.ravel()), flat)
    assert estimator.decision_function(column).shape == (4,)
    assert set(estimator.predict(column)) <= {"no", "yes"}
    assert 0 <= estimator.score(column, y) <= 1


def test_samples_without_weight_do_not_count() -> None:
    z, y = np.array([-2.0, 1.0, 3.0, -1.0, 0.5]), np.array([0, 1, 1, 1, 0])
    for cls in (PlattScaling, TemperatureScaling):
        padded = cls().fit(np.append(z, 1e300), np.append(y, 2), np.append(np.ones(5), 0))
        assert vars(padded).keys() == vars(cls().fit(z, y)).keys()
        assert_array_equal(padded.predict_proba(z), cls().fit(z, y).predict_proba(z))


# Errors

measures = pytest.mark.parametrize(
    "function",
    [
        reliability_curve,
        expected_calibration_error,
        brier_score,
        brier_decomposition,
        lambda y, p: best_threshold(y, p, 1, 2),
        lambda y, p: expected_cost(y, p, 0.5, 1, 2),
    ],
)


@measures
@pytest.mark.parametrize(
    ("y", "p", "error", "message"),
    [
        ([0, 1], [-2.5, 3.0], ValueError, r"from -2\.5 to 3\.0.*look like logits: pass sigmoid\(z\)"),
        ([0, 1], [0.5, np.inf], ValueError, "look like logits"),
        ([0, 1], [0.5, np.nan], ValueError, r"p holds nan, first at \[1\]"),
        ([0, 1, 1], [0.5, 0.2], ValueError, r"y has \(3,\) and p \(2,\)"),
        ([], [], ValueError, "empty"),
        ([0, 1], [[0.5, 0.5], [0.1, 0.9]], ValueError, r"column of class 1, p\[:, -1\]"),
        (0, 0.5, ValueError, r"shape \(n,\), not \(\)"),
        ([-1, 1], [0.5, 0.2], ValueError, r"it holds -1, 1\. Compare"),
        ([0, 1, 2], [0.5, 0.2, 0.1], ValueError, "it holds 0, 1, 2"),
        ([0, np.nan], [0.5, 0.2], ValueError, "it holds 0.0, nan"),
        (["a", "b"], [0.5, 0.2], ValueError, r"it holds 'a', 'b'\. Compare.*y == label"),
        (list(range(9)), np.zeros(9), ValueError, "0, 1, 2, 3, 4, …"),
        (np.array([0, "b"], dtype=object), [0.5, 0.2], ValueError, "it holds 0, 'b'"),
        ([0, 1], ["0.5", "0.2"], TypeError, "p must be real numbers"),
        ([0, 1], [0.5 + 0j, 0.2], TypeError, "p must be real numbers"),
    ],
)
def test_measures_refuse(function: Any, y: Any, p: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        function(y, p)


@pytest.mark.parametrize("function", [reliability_curve, expected_calibration_error, brier_decomposition])
def test_bins_are_checked(function: Any) -> None:
    with pytest.raises(ValueError, match=f"{function.__name__}: bins is 0"):
        function([0, 1], [0.1, 0.2], bins=0)
    for bins in (2.5, True, "ten"):
        with pytest.raises(TypeError, match=f"{function.__name__}: bins must be an integer"):
            function([0, 1], [0.1, 0.2], bins=bins)
    with pytest.raises(ValueError, match='strategy is \'width\', but must be "uniform" or "quantile"'):
        function([0, 1], [0.1, 0.2], strategy="width")


def test_confidence_and_thresholds_are_checked() -> None:
    for confidence in (0, 1, 95, np.nan):
        with pytest.raises(ValueError, match="confidence is"):
            reliability_curve([0, 1], [0.1, 0.2], confidence=confidence)
    with pytest.raises(ValueError, match="threshold holds nan"):
        expected_cost([0, 1], [0.1, 0.2], [0.5, np.nan], 1, 1)


def test_costs_are_checked() -> None:
    for a, m in ((-1, 1), (1, -1), (np.nan, 1), (1, np.inf), (1e308, 1e308)):
        for function in (
            bayes_threshold,
            lambda a, m: best_threshold([0, 1], [0.1, 0.2], a, m),
            lambda a, m: expected_cost([0, 1], [0.1, 0.2], 0.5, a, m),
        ):
            with pytest.raises(ValueError, match="costs must be finite and not negative"):
                function(a, m)
    with pytest.raises(ValueError, match="both costs are 0"):
        bayes_threshold(0, 0)


@pytest.mark.parametrize("cls", [PlattScaling, TemperatureScaling])
@pytest.mark.parametrize(
    ("scores", "y", "message"),
    [
        ([0.0, 1.0], [1, 1], "only one class, 1;"),
        ([0.0, 1.0, 2.0], ["a", "b", "c"], "Only binary classification is supported.*3 classes"),
        ([0.0, np.nan], [0, 1], "NaN"),
        ([0.0, np.inf], [0, 1], "inf"),
        ([0.0, 1.0, 2.0], [0, 1], "inconsistent numbers of samples"),
        ([0.0, 1.0], [0, np.nan], "NaN"),
        ([0.0, 1.0], [0.3, 1.7], "Unknown label type: continuous"),
        ([], [], "0 sample"),
        ([[[0.0]], [[1.0]]], [0, 1], "dim 3"),
    ],
)
def test_calibrators_refuse(cls: Any, scores: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls().fit(scores, y)


def test_calibrators_refuse_columns() -> None:
    with pytest.raises(ValueError, match=r"one score a sample.*not \(2, 2\).*p\[:, 1\]"):
        PlattScaling().fit([[0.2, 0.8], [0.6, 0.4]], [0, 1])
    with pytest.raises(ValueError, match="look like probabilities: pass their logarithms"):
        TemperatureScaling().fit([[0.2, 0.8], [0.6, 0.4]], [0, 1])
    with pytest.raises(ValueError, match="3 columns, but y has 2 classes"):
        TemperatureScaling().fit(np.eye(3) * 4, [0, 1, 1])
    with pytest.raises(ValueError, match="pass a column of logits for each class"):
        TemperatureScaling().fit([0.0, 1.0, 2.0], [0, 1, 2])
    fitted = TemperatureScaling().fit([1.0, -2.0, 3.0], [0, 0, 1])
    with pytest.raises(ValueError, match="for 3 classes, but it was fitted on 2"):
        fitted.predict_proba(np.eye(3) * 4)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        PlattScaling().fit([0.0, 1.0], [0, 1], [1, -1])
