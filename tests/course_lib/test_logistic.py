"""LogisticRegression against scikit-learn, separation against a linear program, and the estimator's own promises."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Peer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.logistic import LogisticRegression, SeparationWarning

searched = settings(deadline=None, max_examples=60)

# Tight enough that what is left is rounding.
TIGHT = 1e-24

CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
SCALED = StandardScaler().fit_transform(CANCER)


def parameters(model: LogisticRegression | Peer) -> np.ndarray:
    return np.append(model.coef_[0], model.intercept_)


def gradient(model: LogisticRegression, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of the sum of losses plus penalty, written with probabilities rather than margins."""
    residuals = expit(X @ model.coef_[0] + model.intercept_[0]) - (y == model.classes_[1])
    return np.append(X.T @ residuals + model.coef_[0] / model.C, residuals.sum())


def cost(theta: np.ndarray, X: np.ndarray, y: np.ndarray, C: float, weights: np.ndarray | None = None) -> float:
    weights = np.ones(len(X)) if weights is None else weights
    losses = np.logaddexp(0, -np.where(y, 1, -1) * (X @ theta[:-1] + theta[-1]))
    return float((weights @ losses + theta[:-1] @ theta[:-1] / (2 * C)) / weights.sum())


def sample(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw overlapping classes."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, rng.random(n) < 1 / (1 + np.exp(-X @ rng.standard_normal(d) - 0.5))


# scikit-learn's own checks.


@parametrize_with_checks([LogisticRegression(), LogisticRegression(class_weight="balanced")])
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:gradient descent did not converge")  # on one data set, as it should
@parametrize_with_checks([LogisticRegression(solver="gradient-descent", tol=1e-4, max_iter=100_000)])
def test_scikit_learn_accepts_gradient_descent(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:.*separation by")
@parametrize_with_checks([LogisticRegression(C=np.inf)])
def test_scikit_learn_accepts_the_estimator_without_a_penalty(estimator, check):
    if "positive_only" in str(check):
        pytest.skip("it counts every warning as a failure, and its data are separable")
    check(estimator)


# The same minimum as scikit-learn's.

WEIGHTS = np.random.default_rng(0).random(len(MALIGNANT)) * (np.arange(len(MALIGNANT)) % 7 > 0)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1.0, 1: 5.0}], ids=["alike", "balanced", "dict"])
@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "origin"])
@pytest.mark.parametrize("C", [1e-3, 1.0, 100.0])
def test_coefficients_are_scikit_learns(C, intercept, class_weight, weights):
    options = {"C": C, "fit_intercept": intercept, "class_weight": class_weight}
    ours = LogisticRegression(tol=TIGHT, **options).fit(SCALED, MALIGNANT, sample_weight=weights)
    peer = Peer(solver="newton-cholesky", tol=1e-14, max_iter=1000, **options)
    assert_allclose(
        parameters(ours), parameters(peer.fit(SCALED, MALIGNANT, sample_weight=weights)), rtol=1e-8, atol=1e-8
    )


def test_coefficients_are_scikit_learns_on_features_of_very_different_scale():
    peer = Peer(solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(CANCER, MALIGNANT)
    assert_allclose(
        parameters(LogisticRegression(tol=TIGHT).fit(CANCER, MALIGNANT)), parameters(peer), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("order", ["C", "F"])
def test_coefficients_are_scikit_learns_where_subsamples_are_used(order):
    X, y = sample(20_000, 6)
    X = np.asarray(X, order=order)
    peer = Peer(solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(X, y)
    for state in (0, 1, np.random.RandomState(2), None):
        model = LogisticRegression(tol=TIGHT, random_state=state).fit(X, y)
        assert_allclose(parameters(model), parameters(peer), rtol=1e-8)


def test_sorted_rows_and_rare_classes_do_not_mislead_the_subsamples():
    X, y = sample(20_000, 4)
    rare = np.flatnonzero(y)[:12]
    rows = np.append(rare, np.flatnonzero(~y))
    weights = np.where(y[rows], 100.0, 1.0)
    peer = Peer(solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(X[rows], y[rows], sample_weight=weights)
    for weight in (weights, None):
        model = LogisticRegression(tol=TIGHT).fit(X[rows], y[rows], sample_weight=weight)
        peer.fit(X[rows], y[rows], sample_weight=weight)
        assert_allclose(parameters(model), parameters(peer), rtol=1e-8)


@pytest.mark.parametrize("intercept", [True, False])
def test_more_features_than_rows(intercept):
    X, y = sample(30, 200)
    X = 3 * X + 5
    model = LogisticRegression(C=0.1, tol=TIGHT, fit_intercept=intercept).fit(X, y)
    peer = Peer(C=0.1, solver="newton-cholesky", tol=1e-14, max_iter=1000, fit_intercept=intercept).fit(X, y)
    assert_allclose(parameters(model), parameters(peer), rtol=1e-8, atol=1e-10)


def test_huge_penalties_leave_the_base_rate():
    model = LogisticRegression(C=1e-300, tol=TIGHT).fit(SCALED, MALIGNANT)
    assert_allclose(model.coef_, 0, atol=1e-200)
    assert_allclose(model.predict_proba(SCALED[:1])[0, 1], MALIGNANT.mean(), rtol=1e-6)


@searched
@given(st.integers(0, 10_000), st.sampled_from([1e-2, 1.0, 1e4, 1e8]), st.integers(1, 6))
@example(201, 1e8, 6)  # separable: logits beyond 709
def test_the_gradient_vanishes_at_the_minimum(seed, C, d):
    X, y = sample(40, d, seed)
    y[:2] = False, True
    model = LogisticRegression(C=C, tol=1e-20).fit(X, y)
    assert np.abs(gradient(model, X, y)).max() < 1e-6


@searched
@given(arrays(np.int64, 40, elements=st.integers(0, 3)), st.sampled_from(["newton", "gradient-descent"]))
def test_a_row_with_weight_two_counts_as_two_rows(weights, solver):
    X, y = sample(40, 3)
    weights[:2] = 1
    y[:2] = False, True
    options = {"solver": solver, "tol": 1e-20, "max_iter": 100_000}
    weighted = LogisticRegression(**options).fit(X, y, sample_weight=weights)
    repeated = LogisticRegression(**options).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert_allclose(parameters(weighted), parameters(repeated), rtol=1e-7, atol=1e-7)


# The cost.


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("solver", ["newton", "gradient-descent"])
def test_the_cost_trace_ends_at_the_cost_and_never_rises(solver, weights):
    model = LogisticRegression(solver=solver, tol=1e-6, max_iter=10_000).fit(SCALED, MALIGNANT, sample_weight=weights)
    assert model.cost_trace_.shape == (model.n_iter_ + 1,)
    assert model.n_iter_ > 0
    assert_allclose(model.cost_trace_[0], np.log(2), rtol=1e-14)
    assert_allclose(model.cost_trace_[-1], cost(parameters(model), SCALED, MALIGNANT, 1.0, weights), rtol=1e-13)
    assert np.all(np.diff(model.cost_trace_) <= 1e-14)


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("n", [300, 20_000])
def test_tol_bounds_how_far_the_cost_is_from_its_minimum(n, tol):
    X, y = sample(n, 5)
    least = cost(parameters(LogisticRegression(tol=TIGHT).fit(X, y)), X, y, 1.0)
    assert cost(parameters(LogisticRegression(tol=tol).fit(X, y)), X, y, 1.0) <= least * (1 + 2 * tol)


def test_gradient_descent_arrives_where_newton_does():
    X, y = sample(200, 3)
    newton = LogisticRegression(tol=TIGHT).fit(X, y)
    descent = LogisticRegression(solver="gradient-descent", tol=1e-22, max_iter=100_000).fit(X, y)
    assert_allclose(parameters(descent), parameters(newton), rtol=1e-8)
    assert descent.n_iter_ > 3 * newton.n_iter_


def test_gradient_descent_takes_the_steps_of_the_formula():
    X, y = sample(50, 2)
    theta = np.zeros(3)
    for _ in range(3):
        residuals = 1 / (1 + np.exp(-(X @ theta[:2] + theta[2]))) - y
        theta = theta - 0.5 * (np.append(X.T @ residuals, residuals.sum()) + np.append(theta[:2], 0)) / 50
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        model = LogisticRegression(solver="gradient-descent", learning_rate=0.5, max_iter=3).fit(X, y)
    assert_allclose(parameters(model), theta, rtol=1e-12)


@searched
@given(
    arrays(np.float64, (12, 2), elements=st.floats(-1e150, 1e150)),
    st.sampled_from([1e-3, 1.0, np.inf]),
    st.sampled_from([None, 1e-3, 10.0, 1e10]),
)
@example(np.eye(12, 2) * 2.3e-313, np.inf, None)
@example(np.eye(12, 2) * 1e-292, np.inf, None)
@example(np.array([[0, 1e-150], [1e-150, 1e-150], [1e-150, 1e38], [1e-150, 1e38], *[[1e-150] * 2] * 8]), np.inf, None)
def test_the_cost_trace_of_gradient_descent_is_never_nan(X, C, rate):
    y = np.arange(12) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=C, solver="gradient-descent", learning_rate=rate, max_iter=50).fit(X, y)
    assert np.isfinite(model.cost_trace_).all()
    assert np.isfinite(parameters(model)).all()


def test_a_learning_rate_that_diverges_is_named():
    with pytest.warns(ConvergenceWarning, match="learning_rate=100000.0 is too large"):
        LogisticRegression(C=1e-3, solver="gradient-descent", learning_rate=1e5, max_iter=10_000).fit(SCALED, MALIGNANT)


@pytest.mark.parametrize("solver", ["newton", "gradient-descent"])
def test_too_few_steps_are_reported(solver):
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model = LogisticRegression(solver=solver, max_iter=2).fit(SCALED, MALIGNANT)
    assert model.n_iter_ == 2


# No penalty: separation, against a linear program.


def by_linear_program(X: np.ndarray, y: np.ndarray, intercept: bool) -> str:
    """Count the rows that a direction can gain along while no row loses: a cone, so each may be asked to gain 1."""
    n = len(X)
    signed = np.where(y, 1, -1)[:, np.newaxis] * (np.column_stack([X, np.ones(n)]) if intercept else X)
    d = signed.shape[1]
    solution = linprog(
        np.append(np.zeros(d), -np.ones(n)),
        A_ub=np.hstack([-signed, np.eye(n)]),
        b_ub=np.zeros(n),
        bounds=[(None, None)] * d + [(0, 1)] * n,
    )
    assert solution.status == 0
    gaining = round(-solution.fun)
    assert_allclose(gaining, -solution.fun, atol=1e-6)
    return "none" if gaining == 0 else "complete" if gaining == n else "quasi-complete"


def by_newton(X: np.ndarray, y: np.ndarray, intercept: bool) -> str:
    """Say what the estimator found, having checked the direction that it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LogisticRegression(C=np.inf, fit_intercept=intercept).fit(X, y)
    kinds = [warning.category for warning in caught]
    if model.separation_ is None:
        assert kinds == []  # converged, that is
        return "none"
    assert kinds == [SeparationWarning]
    margins = np.where(y, 1, -1) * (X @ model.separation_.coef + model.separation_.intercept)
    size = np.abs(X) @ np.abs(model.separation_.coef) + np.abs(model.separation_.intercept)
    assert np.all(margins >= -1e-9 * size.max())
    assert margins.max() > 1e-6 * size.max()
    return model.separation_.kind


@st.composite
def small_data(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, bool]:
    n, d = draw(st.integers(2, 14)), draw(st.integers(1, 4))
    reach = draw(st.integers(1, 4))
    X = draw(arrays(np.int64, (n, d), elements=st.integers(-reach, reach))).astype(float)
    intercept = draw(st.booleans())
    y = draw(arrays(bool, n))
    if draw(st.booleans()):  # labels at random are seldom separable
        logits = X @ draw(arrays(np.int64, d, elements=st.integers(-2, 2))) + (draw(st.integers(-1, 1)) * intercept)
        y = np.where(logits == 0, y, logits > 0)
    if y.all() or not y.any():
        y[0] = not y[0]
    return X, y, intercept


@settings(deadline=None, max_examples=300)
@given(small_data())
def test_separation_is_decided_as_by_a_linear_program(data):
    assert by_newton(*data) == by_linear_program(*data)


@pytest.mark.parametrize("seed", range(60))
def test_separation_is_decided_rightly_on_real_numbers_of_all_scales(seed):
    rng = np.random.default_rng(seed)
    n, d, intercept = int(rng.integers(4, 40)), int(rng.integers(1, 8)), bool(rng.integers(2))
    scales = 10.0 ** rng.integers(-4, 5, d)
    X = rng.standard_normal((n, d)) + rng.integers(0, 2) * intercept
    logits = X @ rng.standard_normal(d)
    y = logits > np.median(logits) * intercept
    if rng.random() < 0.6:
        y[rng.integers(n)] ^= True
    if y.all() or not y.any():
        y[0] = not y[0]
    # The program sees the features before they are scaled, which separation does not depend on.
    assert by_newton(X * scales, y, intercept) == by_linear_program(X, y, intercept)


KNOWN = {
    "complete": ([[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1], "complete"),
    "shared value": ([[1.0], [2.0], [2.0], [3.0]], [0, 0, 1, 1], "quasi-complete"),
    "overlap": ([[1.0], [3.0], [2.0], [4.0]], [0, 0, 1, 1], "none"),
    "a category with one class": (
        [[0.0, 1], [0, 2], [0, 1.5], [0, 3], [1, 1], [1, 3]],
        [0, 1, 1, 0, 1, 1],
        "quasi-complete",
    ),
    "constant feature": ([[7.0], [7.0], [7.0]], [0, 1, 1], "none"),
    "one row of each class": ([[0.0], [1e-9]], [0, 1], "complete"),
}


@pytest.mark.parametrize("solver", ["newton", "gradient-descent"])
@pytest.mark.parametrize("name", KNOWN)
def test_separation_of_known_examples(name, solver):
    X, y, kind = KNOWN[name]
    model = LogisticRegression(C=np.inf, solver=solver)
    if kind == "none":
        model.fit(X, y)
        assert model.separation_ is None
    else:
        with pytest.warns(SeparationWarning, match=f"{kind.capitalize()} separation"):
            model.fit(X, y)
        assert model.separation_.kind == kind


def test_only_the_features_that_separate_are_named():
    X, y = sample(500, 4)
    X[:, 2] = np.arange(500) < 20
    y[:20] = True
    with pytest.warns(SeparationWarning, match="Quasi-complete separation by x2: "):
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert model.separation_.features == ("x2",)
    assert model.separation_.coef[2] > 0
    assert_allclose(model.separation_.coef[[0, 1, 3]], 0, atol=1e-12)


def test_many_separating_features_are_counted():
    with pytest.warns(SeparationWarning, match=r"Complete separation by (x\d+, ){4}x\d+ and 25 more"):
        LogisticRegression(C=np.inf).fit(CANCER, MALIGNANT)


def test_a_finite_penalty_has_a_minimum_so_nothing_is_reported():
    X, y = np.array([[1.0], [2.0], [3.0], [4.0]]), [0, 0, 1, 1]
    for C in (1.0, 1e6, 1e12):
        model = LogisticRegression(C=C, tol=1e-20).fit(X, y)
        assert model.separation_ is None
        # At the minimum the losses pull as hard as the penalty, coef / C.
        assert np.abs(gradient(model, X, np.array(y))).max() < 1e-8 * model.coef_[0, 0] / C + 1e-15


def test_rows_without_weight_do_not_hide_a_separation():
    X, y = np.array([[1.0], [2.0], [3.0], [4.0], [0.0]]), [0, 0, 1, 1, 1]
    with pytest.warns(SeparationWarning, match="Complete"):
        LogisticRegression(C=np.inf).fit(X, y, sample_weight=[1, 1, 1, 1, 0])
    LogisticRegression(C=np.inf).fit(X, y)


def test_separation_is_found_where_subsamples_are_used():
    X, y = sample(20_000, 5)
    with pytest.warns(SeparationWarning, match="Complete"):
        LogisticRegression(C=np.inf).fit(X, X @ np.ones(5) > 0.3)
    one = np.zeros((20_000, 1))
    one[17] = 1  # a category of one row, which hardly any subsample has
    with pytest.warns(SeparationWarning, match="Quasi-complete separation by x5: "):
        LogisticRegression(C=np.inf).fit(np.hstack([X, one]), y)


# No penalty: the minimum, where there is one.


def test_without_a_penalty_coefficients_are_scikit_learns():
    X, y = sample(3000, 4)
    peer = Peer(C=np.inf, solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(X, y)
    assert_allclose(parameters(LogisticRegression(C=np.inf, tol=TIGHT).fit(X, y)), parameters(peer), rtol=1e-8)


def test_units_do_not_matter_without_a_penalty():
    X, y = sample(200, 4)
    units = np.array([1e-9, 1.0, 1e5, 1e12])
    plain = LogisticRegression(C=np.inf, tol=TIGHT).fit(X, y)
    scaled = LogisticRegression(C=np.inf, tol=TIGHT).fit(X * units, y)
    assert_allclose(scaled.coef_ * units, plain.coef_, rtol=1e-8)


@pytest.mark.parametrize("C", [np.inf, 1e300], ids=["no penalty", "a penalty below rounding"])
def test_duplicated_features_change_no_prediction(C):
    X, y = sample(200, 3)
    plain = LogisticRegression(C=np.inf, tol=TIGHT).fit(X, y)
    model = LogisticRegression(C=C, tol=TIGHT).fit(np.hstack([X, X[:, :1], 3 * X[:, 1:2], np.ones((200, 1))]), y)
    both = np.hstack([X, X[:, :1], 3 * X[:, 1:2], np.ones((200, 1))])
    assert_allclose(model.decision_function(both), plain.decision_function(X), rtol=1e-7, atol=1e-7)


def test_collinear_features_share_the_weight_with_the_smallest_norm():
    X, y = sample(200, 2)
    plain = LogisticRegression(C=np.inf, tol=TIGHT).fit(X, y)
    a, b = plain.coef_[0]
    model = LogisticRegression(C=np.inf, tol=TIGHT).fit(np.column_stack([X, X[:, 0], 3 * X[:, 1], np.ones(200)]), y)
    # Of u + v = a the shortest is (a/2, a/2); of u + 3v = b it is (b/10, 3b/10); the constant belongs to the intercept.
    assert_allclose(model.coef_[0], [a / 2, b / 10, a / 2, 3 * b / 10, 0], rtol=1e-7, atol=1e-9)
    assert_allclose(model.intercept_, plain.intercept_, rtol=1e-7)


def test_a_full_set_of_categories():
    rng = np.random.default_rng(0)
    category = rng.integers(0, 4, 400)
    y = rng.random(400) < np.array([0.2, 0.4, 0.6, 0.8])[category]
    X = np.eye(4)[category]
    model = LogisticRegression(C=np.inf, tol=TIGHT).fit(X, y)
    assert_allclose(model.predict_proba(np.eye(4))[:, 1], [y[category == k].mean() for k in range(4)], rtol=1e-8)
    assert_allclose(model.coef_.sum(), 0, atol=1e-9)


def test_features_that_are_all_zero():
    model = LogisticRegression(C=np.inf, tol=TIGHT).fit(np.zeros((10, 2)), np.arange(10) < 3)
    assert_allclose(model.predict_proba(np.zeros((1, 2)))[0], [0.7, 0.3])
    assert_array_equal(model.coef_, 0)
    model = LogisticRegression(C=np.inf, fit_intercept=False).fit(np.zeros((10, 2)), np.arange(10) < 3)
    assert_array_equal(parameters(model), 0)


# The estimator.


def test_probabilities_keep_their_digits_in_the_tails():
    model = LogisticRegression().fit([[-1.0], [1.0]], ["no", "yes"])
    model.coef_, model.intercept_ = np.array([[1.0]]), np.array([0.0])
    X = np.array([[-800.0], [-40.0], [0.0], [40.0], [800.0]])
    probabilities, logs = model.predict_proba(X), model.predict_log_proba(X)
    assert_allclose(probabilities[:, 1], [0, 4.248354255291589e-18, 0.5, 1, 1], rtol=1e-15)
    assert_allclose(probabilities[:, 0], probabilities[::-1, 1], rtol=1e-15)
    assert_allclose(logs[0], [0, -800])
    assert np.isfinite(logs).all()
    assert_array_equal(model.predict(X), ["no", "no", "no", "yes", "yes"])


@pytest.mark.parametrize("labels", [("a", "b"), (-1, 1), (False, True), (5, 3), (0.0, 1.0), ("b", "a")])
def test_labels_of_any_type(labels):
    X, y = sample(100, 2)
    named = np.array(labels)[y.astype(int)]
    model = LogisticRegression().fit(X, named)
    assert_array_equal(model.classes_, sorted(labels))
    assert model.score(X, named) > 0.6
    flip = 1 if labels[0] < labels[1] else -1
    assert_allclose(parameters(model), flip * parameters(LogisticRegression().fit(X, y)), rtol=1e-6)
    weighted = LogisticRegression(class_weight={labels[1]: 3.0}).fit(X, named)
    by_row = LogisticRegression().fit(X, named, sample_weight=np.where(y, 3.0, 1.0))
    assert_allclose(parameters(weighted), parameters(by_row), rtol=1e-10)


def test_a_warm_start_saves_steps():
    model = LogisticRegression(warm_start=True).fit(SCALED, MALIGNANT)
    cold = model.n_iter_
    model.fit(SCALED, MALIGNANT)
    assert model.n_iter_ == 0
    model.set_params(C=2.0).fit(SCALED, MALIGNANT)
    assert 0 < model.n_iter_ < cold
    assert_allclose(
        parameters(model), parameters(LogisticRegression(C=2.0).fit(SCALED, MALIGNANT)), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(("rows", "C"), [(20, 1.0), (200, np.inf), (20_000, 1.0)])
def test_a_warm_start_from_far_away_does_no_harm(rows, C):
    X, y = sample(rows, 30 if rows == 20 else 3)
    model = LogisticRegression(C=C, tol=TIGHT, warm_start=True).fit(X, y)
    expected = parameters(model)
    model.coef_, model.intercept_ = -1e4 * np.ones_like(model.coef_), np.array([1e6])
    assert_allclose(parameters(model.fit(X, y)), expected, rtol=1e-8, atol=1e-10)


def test_a_warm_start_goes_on_with_gradient_descent():
    X, y = sample(100, 2)
    model = LogisticRegression(solver="gradient-descent", max_iter=5, warm_start=True)
    costs = []
    for _ in range(2):
        with pytest.warns(ConvergenceWarning):
            costs.append(model.fit(X, y).cost_trace_)
    with pytest.warns(ConvergenceWarning):
        once = LogisticRegression(solver="gradient-descent", max_iter=10).fit(X, y)
    assert_allclose(np.append(costs[0], costs[1][1:]), once.cost_trace_, rtol=1e-14)


def test_the_same_seed_gives_the_same_bits():
    X, y = sample(20_000, 5)
    fits = [LogisticRegression(random_state=3).fit(X, y) for _ in range(2)]
    assert_array_equal(parameters(fits[0]), parameters(fits[1]))
    assert_array_equal(parameters(pickle.loads(pickle.dumps(fits[0]))), parameters(fits[0]))


def test_inputs_are_left_alone():
    X, y = sample(20_000, 5)
    weights = np.ones(len(y))
    copies = X.copy(), y.copy(), weights.copy()
    for array in (X, y, weights):
        array.flags.writeable = False
    LogisticRegression(class_weight="balanced").fit(X, y, sample_weight=weights)
    for array, copy in zip((X, y, weights), copies, strict=True):
        assert_array_equal(array, copy)


def test_it_works_in_a_pipeline_and_a_search():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.01, 1.0]}, scoring="roc_auc"
    )
    assert search.fit(CANCER, MALIGNANT).best_score_ > 0.99


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"C": 0}, "C must be positive"),
        ({"C": -1.0}, "C must be positive"),
        ({"C": np.nan}, "C must be positive"),
        ({"solver": "lbfgs"}, "solver must be 'newton' or 'gradient-descent', not 'lbfgs'"),
        ({"tol": -1e-3}, "tol must be at least 0"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"class_weight": {0: 0.0}}, "class_weight must be positive for both classes"),
        ({"class_weight": "equal"}, "class_weight"),
    ],
)
def test_bad_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**options).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize(
    ("X", "y", "weights", "message"),
    [
        ([[0.0], [1.0], [2.0]], [0, 1, 2], None, "Only binary classification is supported"),
        ([[0.0], [1.0], [2.0]], [0.1, 1.5, 2.7], None, "Unknown label type"),
        ([[0.0], [1.0]], ["a", "a"], None, "one class only"),
        ([[0.0], [1.0]], [0, 1], [1, 0], "one class only"),
        ([[0.0], [1.0]], [0, 1], [0, 0], "zero"),
        ([[0.0], [1.0]], [0, 1], [1, -1], "[Nn]egative"),
        ([[0.0], [np.nan]], [0, 1], None, "NaN"),
        ([[1e200], [-1e200]], [0, 1], None, "scale the features"),
    ],
)
def test_bad_data_are_named(X, y, weights, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression().fit(X, y, sample_weight=weights)


def test_sparse_features_are_refused():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        LogisticRegression().fit(scipy.sparse.csr_array(np.eye(4)), [0, 1, 0, 1])
