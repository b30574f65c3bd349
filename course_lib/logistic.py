r"""Binary logistic regression: the model of the course, as a scikit-learn estimator.

The probability of the second class is :math:`\sigma(x^\top w + b)`. The fit minimises the mean cross-entropy plus a
penalty on the weights,

.. math:: J(w, b) = \frac{1}{S} \sum_i s_i \ln\!\left(1 + e^{-t_i (x_i^\top w + b)}\right) + \frac{\|w\|^2}{2 C S},

where :math:`t_i = \pm 1` is the label, :math:`s_i` the weight of row i and :math:`S = \sum_i s_i`. That is
scikit-learn's objective divided by :math:`C S`, so the minimum is the same. Everything is computed from the margins
:math:`t_i (x_i^\top w + b)`, never from probabilities: the cost is finite, and the residuals keep their digits, however
sure the model is.

Two things are unusual. Newton's method starts on random subsamples and keeps a Hessian for as long as it serves, which
leaves a few passes over the data (see :class:`LogisticRegression`, Notes). And without a penalty the question whether a
minimum exists at all is decided, with a proof either way (:class:`Separation`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import blas, lapack
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from course_lib.activations import log_sigmoid, sigmoid

__all__ = ["LogisticRegression", "Separation", "SeparationWarning"]

Float64s: TypeAlias = NDArray[np.float64]

# Rows that are worked on at once. What they need then stays in the processor's second-level cache; from 2,048 to
# 16,384 the time hardly changes.
_BLOCK = 4096
# A subsample is used from this many rows a feature, and each is this many times the one before.
_ROWS_PER_FEATURE = 30
_GROWTH = 4
# A Hessian is kept while each of its steps lowers the squared Newton decrement at least to this part. Building one
# costs as much as several passes for the gradient, each of which gains a factor of ten or more by this rule.
_STALE = 0.1
_ARMIJO = 1e-4  # Nocedal and Wright, Numerical Optimization, 2006, section 3.1
_EPS = float(np.finfo(np.float64).eps)


class SeparationWarning(ConvergenceWarning):  # type: ignore[misc]
    """The classes are separated and nothing is penalised, so no coefficients are best."""


@dataclass(frozen=True)
class Separation:
    r"""How the classes are separated: a direction along which no row loses and some row gains, for ever.

    Moving `coef` and `intercept` along it raises the likelihood without end, so there is no maximum (A. Albert and J.
    A. Anderson, "On the existence of maximum likelihood estimates in logistic regression models", Biometrika 71, 1984).

    Attributes
    ----------
    kind : {"complete", "quasi-complete"}
        Whether every row gains, ``t * (X @ coef + intercept) > 0``, or some rows stay where they are, at 0.
    coef : array, shape (n_features,)
        The direction; its length means nothing.
    intercept : float
        The direction's part for the intercept; 0 where none is fitted.
    features : tuple of str
        The features that take part, those that move the logits most first.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0], [2.0], [2.0], [3.0]])
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", SeparationWarning)
    ...     model = LogisticRegression(C=np.inf).fit(X, [0, 0, 1, 1])
    >>> model.separation_.kind, model.separation_.features
    ('quasi-complete', ('x0',))
    """

    kind: Literal["complete", "quasi-complete"]
    coef: Float64s
    intercept: float
    features: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.features[:5]) or "the intercept alone"
        more = f" and {len(self.features) - 5} more" if len(self.features) > 5 else ""
        return f"{self.kind.capitalize()} separation by {shown}{more}"


class LogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Logistic regression for two classes, with the penalty of scikit-learn's class of the same name.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty: the sum of the losses times `C`, plus :math:`\tfrac12 \|w\|^2`, is minimised.
        ``numpy.inf`` means no penalty. The intercept is never penalised.
    solver : {"newton", "gradient-descent"}, default="newton"
        "gradient-descent" is there to be looked at: full batch, constant step.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    class_weight : dict or "balanced", optional
        Weight of each class, multiplied with `sample_weight`; "balanced" makes both classes weigh the same.
    tol : float, default=1e-10
        The solver stops when the next step is predicted to lower the cost by less than this part of it. For "newton"
        this is also how far, relatively, the cost is from its minimum; gradient descent may crawl, far from it.
    max_iter : int, default=1000
        Most steps to take, each on all rows.
    learning_rate : float, optional
        Step of gradient descent on J, the mean cost. By default 1/L, where L is the largest curvature that J has
        anywhere, with which the cost never rises. Not used by "newton".
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit.
    random_state : int, RandomState or None, default=0
        Which rows "newton" draws for its start. The minimum does not depend on it; its last digits do.

    Attributes
    ----------
    classes_ : array, shape (2,)
        The labels, sorted.
    coef_ : array, shape (1, n_features)
        Weights: what one unit of a feature adds to the log-odds of ``classes_[1]``.
    intercept_ : array, shape (1,)
        Log-odds where all features are 0.
    n_iter_ : int
        Steps taken on all rows.
    cost_trace_ : array, shape (`n_iter_` + 1,)
        The cost J before the first step and after each one. "newton" starts where its subsamples led.
    separation_ : Separation or None
        Why no minimum exists; None if one does, as always with a finite `C`.
    n_features_in_, feature_names_in_
        As in every scikit-learn estimator.

    Raises
    ------
    ValueError
        A parameter is out of range, `y` has not two classes, or weights are negative or leave one class only.
    TypeError
        `X` is sparse.

    Warns
    -----
    SeparationWarning
        ``C=numpy.inf`` and the classes are separated: no minimum exists, the coefficients are where the solver stopped.
    ConvergenceWarning
        `max_iter` steps were not enough, or gradient descent diverged.

    Notes
    -----
    *Newton.* The first Newton steps only have to find the neighbourhood of the minimum, and a random subsample of the
    rows shows where that is. So the fit runs on nested subsamples, each four times the one before, and on all rows
    last; only as precisely as each can tell. A Hessian is kept until a step no longer lowers the squared Newton
    decrement tenfold (V. E. Shamanskii's modification), and the last subsample's is good enough to start with on all
    rows: often none has to be built from all of them. Steps are halved until they meet Armijo's condition; a singular
    Hessian is replaced by its pseudo-inverse. Where there are more features than rows, the rows span all that can be
    learnt, and the fit works in their span. Newton's method is for hundreds of features rather than for tens of
    thousands.

    *Separation.* With a finite `C` a minimum exists and is found, so there is nothing to warn of, however large the
    coefficients: they are what that `C` asks for. With ``C=numpy.inf`` there is a minimum exactly if no direction
    separates the classes. Newton's steps lead to such a direction if there is one, and it is only reported after all
    rows have been checked against it. The opposite is proven by the sufficient condition of F. Bach, "Self-concordant
    analysis for logistic regression", Electronic Journal of Statistics 4, 2010, proposition 2. If coefficients are not
    determined because features are collinear, those with the smallest norm are returned, the limit for growing `C`.

    References
    ----------
    On damped Newton steps and the decrement: S. Boyd and L. Vandenberghe, Convex Optimization, 2004,
    section 9.5.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> round(model.score(X, y), 3), model.n_iter_ < 20
    (0.958, True)
    """

    coef_: Float64s
    intercept_: Float64s

    def __init__(
        self,
        C: float = 1.0,
        *,
        solver: str = "newton",
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        tol: float = 1e-10,
        max_iter: int = 1000,
        learning_rate: float | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.C = C
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Find the weights and the intercept.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Features.
        y : array_like, shape (n_samples,)
            Labels, of two classes, of any type that can be sorted.
        sample_weight : array_like, shape (n_samples,), optional
            Weight of each row, at least 0; a row with weight 2 counts as if it were there twice.

        Returns
        -------
        LogisticRegression
            The estimator itself.
        """
        self._check_parameters()
        data: Float64s
        labels: NDArray[Any]
        data, labels = validate_data(self, X, y, dtype=np.float64)
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        if "continuous" in kind:
            raise ValueError(f"Unknown label type: {kind}. y must hold classes; for numbers, use a regressor.")
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}; two classes are needed")
        weights = self._row_weights(data, labels, codes, sample_weight)
        signs: Float64s = np.where(codes == 1, 1.0, -1.0)
        if weights is not None and not weights.all():
            used = weights > 0
            data, signs, weights = data[used], signs[used], weights[used]

        d = data.shape[1]
        total = float(len(signs) if weights is None else weights.sum())
        problem = _Problem(data, signs, weights, 1 / (self.C * total), bool(self.fit_intercept))
        start = None
        if self.warm_start and hasattr(self, "coef_") and self.coef_.shape[1] == d:
            start = np.append(self.coef_[0], self.intercept_ if self.fit_intercept else [])
        outcome = _solve(self, problem, start)

        self.coef_ = outcome.theta[np.newaxis, :d].copy()
        self.intercept_ = outcome.theta[d:].copy() if self.fit_intercept else np.zeros(1)
        self.cost_trace_ = np.array(outcome.costs)
        self.n_iter_ = len(outcome.costs) - 1
        self.separation_ = None
        if outcome.separation is not None:
            self.separation_ = self._name(problem, outcome.separation)
            warnings.warn(
                f"{self.separation_}: without a penalty the cost falls for ever along the direction "
                "in separation_, so no coefficients are best and those returned are where the solver stopped. Use a "
                "finite C, or leave out or merge what separates.",
                SeparationWarning,
                stacklevel=2,
            )
        elif not outcome.converged:
            warnings.warn(outcome.problem, ConvergenceWarning, stacklevel=2)
        return self

    def decision_function(self, X: ArrayLike) -> Float64s:
        """Logits: log-odds of ``classes_[1]``.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Features.

        Returns
        -------
        array, shape (n_samples,)
            Positive where ``classes_[1]`` is the likelier class.
        """
        check_is_fitted(self)
        data: Float64s = validate_data(self, X, dtype=np.float64, reset=False)
        logits: Float64s = data @ self.coef_[0] + self.intercept_[0]
        return logits

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Likelier class of each row.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Features.

        Returns
        -------
        array, shape (n_samples,)
            Labels.
        """
        positive = self.decision_function(X) > 0
        labels: NDArray[Any] = self.classes_[positive.astype(np.intp)]
        return labels

    def predict_proba(self, X: ArrayLike) -> Float64s:
        """Probability of each class. Neither column is 1 minus the other, so small ones keep their digits.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Features.

        Returns
        -------
        array, shape (n_samples, 2)
            One column a class, in the order of `classes_`.
        """
        logits = self.decision_function(X)
        return np.column_stack([sigmoid(-logits), sigmoid(logits)])

    def predict_log_proba(self, X: ArrayLike) -> Float64s:
        """Logarithm of each class's probability, from the logits: finite even where the probability is 0.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Features.

        Returns
        -------
        array, shape (n_samples, 2)
            One column a class, in the order of `classes_`.
        """
        logits = self.decision_function(X)
        return np.column_stack([log_sigmoid(-logits), log_sigmoid(logits)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _check_parameters(self) -> None:
        if not self.C > 0:
            raise ValueError(f"C must be positive (numpy.inf for no penalty), not {self.C!r}")
        if self.solver not in ("newton", "gradient-descent"):
            raise ValueError(f"solver must be 'newton' or 'gradient-descent', not {self.solver!r}")
        if not self.tol >= 0:
            raise ValueError(f"tol must be at least 0, not {self.tol!r}")
        if not self.max_iter >= 1:
            raise ValueError(f"max_iter must be at least 1, not {self.max_iter!r}")
        if self.learning_rate is not None and not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate must be positive, or None for 1/L, not {self.learning_rate!r}")

    def _row_weights(
        self, X: Float64s, y: NDArray[Any], codes: NDArray[np.intp], sample_weight: ArrayLike | None
    ) -> Float64s | None:
        """Give the product of sample and class weights, or None where all rows count the same."""
        if sample_weight is None and self.class_weight is None:
            return None
        weights: Float64s = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not np.all(np.bincount(codes, weights=weights) > 0):
            raise ValueError("sample_weight leaves y with one class only: the other one's weights are all zero")
        if self.class_weight is not None:
            by_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y, sample_weight=weights)
            if not np.all(by_class > 0):
                raise ValueError(f"class_weight must be positive for both classes, not {self.class_weight!r}")
            weights = weights * by_class[codes]
        return weights

    def _name(self, problem: _Problem, certificate: _Certificate) -> Separation:
        """Describe a separation, with the names of the features that take part."""
        coef, intercept = problem.split(certificate.direction)
        moves = np.abs(coef) * problem.X.std(axis=0)
        features = [j for j in np.argsort(-moves, kind="stable") if moves[j] > 1e-6 * moves.max()]
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(len(coef))])
        return Separation(
            kind="complete" if certificate.gains.all() else "quasi-complete",
            coef=coef.copy(),
            intercept=intercept,
            features=tuple(str(names[j]) for j in features),
        )


@dataclass
class _Outcome:
    """Where a solver stopped, and why."""

    theta: Float64s
    costs: list[float]
    converged: bool = False
    problem: str = ""  # if it did not converge
    curvature: _Curvature | None = None
    separation: _Certificate | None = None


@dataclass
class _Certificate:
    """A direction of separation; the margins of the rows in `gains` rise along it, and the others stay."""

    direction: Float64s
    gains: NDArray[np.bool_]


class _Problem:
    """The cost of one data set as a function of theta = (w, b), or w alone without an intercept."""

    def __init__(self, X: Float64s, signs: Float64s, weights: Float64s | None, penalty: float, intercept: bool) -> None:
        self.X = X
        self.signs = signs
        self.weights = None if weights is None else weights / weights.sum()
        self.penalty = penalty
        self.intercept = intercept
        self.size = X.shape[1] + intercept

    def subset(self, rows: NDArray[Any] | slice) -> _Problem:
        """Give the problem of some rows, with the same penalty on the weights."""
        weights = None if self.weights is None else self.weights[rows]
        return _Problem(self.X[rows], self.signs[rows], weights, self.penalty, self.intercept)

    def split(self, theta: Float64s) -> tuple[Float64s, float]:
        return theta[: self.X.shape[1]], float(theta[-1]) if self.intercept else 0.0

    def margins(self, theta: Float64s) -> Float64s:
        w, b = self.split(theta)
        margins: Float64s = self.signs * (self.X @ w + b)
        return margins

    def rounding(self, theta: Float64s) -> Float64s:
        """Bound what rounding can add to each margin."""
        w, b = self.split(np.abs(theta))
        bound: Float64s = 4 * self.size * _EPS * (np.abs(self.X) @ w + b)
        return bound

    def blocks(self) -> Iterator[slice]:
        for first in range(0, len(self.signs), _BLOCK):
            yield slice(first, first + _BLOCK)

    def cost_and_gradient(self, theta: Float64s) -> tuple[float, Float64s]:
        """Evaluate J and its gradient in one pass over X."""
        w, b = self.split(theta)
        gradient = np.zeros(self.size)
        cost = 0.0
        for rows in self.blocks():
            X, signs = self.X[rows], self.signs[rows]
            margins = X @ w
            margins += b
            margins *= signs
            e = np.exp(-np.abs(margins))
            # sigmoid(-margin): a residual with all its digits, which sigmoid(margin) - 1 would lose.
            residuals = np.maximum(e, margins < 0)
            residuals /= 1 + e
            losses = np.log1p(e)
            losses -= np.minimum(margins, 0)
            residuals *= signs
            if self.weights is None:
                cost += float(losses.sum())
            else:
                cost += float(losses @ self.weights[rows])
                residuals *= self.weights[rows]
            gradient[: X.shape[1]] -= residuals @ X
            if self.intercept:
                gradient[-1] -= residuals.sum()
        if self.weights is None:
            cost /= len(self.signs)
            gradient /= len(self.signs)
        if self.penalty:
            gradient[: len(w)] += self.penalty * w
            cost += 0.5 * self.penalty * float(w @ w)
        return cost, gradient

    def hessian(self, theta: Float64s) -> Float64s:
        """Second derivatives of J; only the lower triangle is filled."""
        w, b = self.split(theta)
        d = self.X.shape[1]
        hessian = np.zeros((self.size, self.size), order="F")
        scaled = np.empty((min(_BLOCK, len(self.signs)), self.size))
        for rows in self.blocks():
            e = np.exp(-np.abs(self.X[rows] @ w + b))
            roots = np.sqrt(e) / (1 + e)
            if self.weights is None:
                roots /= np.sqrt(len(self.signs))
            else:
                roots *= np.sqrt(self.weights[rows])
            block = scaled[: len(roots)]
            np.multiply(self.X[rows], roots[:, np.newaxis], out=block[:, :d])
            if self.intercept:
                block[:, d] = roots
            hessian = blas.dsyrk(1.0, block.T, beta=1.0, c=hessian, overwrite_c=1, lower=1)
        hessian[np.arange(d), np.arange(d)] += self.penalty
        return hessian

    def largest_curvature(self) -> float:
        """Bound the second derivatives of J: no row's loss is curved more than at a logit of 0, by 1/4."""
        if self.size <= len(self.signs):
            values = scipy.linalg.eigvalsh(self.hessian(np.zeros(self.size)), lower=True)
            return float(values[-1]) or 1.0
        # The rows' inner products have the same eigenvalues, and there are fewer of them.
        roots = np.sqrt((1 / len(self.signs) if self.weights is None else self.weights) / 4)
        products = (self.X @ self.X.T + self.intercept) * roots * np.reshape(roots, (-1, 1))
        return float(scipy.linalg.eigvalsh(products)[-1]) + self.penalty or 1.0


class _Curvature:
    """A Hessian, factorised: gives Newton steps."""

    def __init__(self, hessian: Float64s) -> None:
        diagonal: Float64s = hessian.diagonal()
        if not np.isfinite(diagonal).all():
            raise ValueError("the squares of some features overflow: scale the features of X first")
        # With a unit diagonal, whether the factorisation works does not depend on the features' units.
        self.scale: Float64s = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
        scaled = hessian * self.scale * self.scale[:, np.newaxis]
        self.factor, failed = lapack.dpotrf(scaled, lower=1)
        reciprocal_condition = 0.0 if failed else float(lapack.dpocon(self.factor, 1.0, uplo="L")[0])
        self.singular = reciprocal_condition < len(diagonal) * _EPS
        self.ill_conditioned = reciprocal_condition < 1e-10
        if self.singular:
            values, vectors = scipy.linalg.eigh(scaled, lower=True)
            kept = values > len(values) * _EPS * values[-1]
            self.half: Float64s = vectors[:, kept] / np.sqrt(values[kept])

    def step(self, gradient: Float64s) -> Float64s:
        right = -self.scale * gradient
        if self.singular:
            return self.scale * (self.half @ (self.half.T @ right))
        step: Float64s = self.scale * lapack.dpotrs(self.factor, right, lower=1)[0]
        return step

    def longest_row(self, problem: _Problem) -> float:
        """Give the largest of the rows' lengths, measured by the inverse of the Hessian."""
        longest = 0.0
        for rows in problem.blocks():
            X = problem.X[rows]
            full = np.column_stack([X, np.ones(len(X))]) if problem.intercept else X
            lengths = scipy.linalg.solve_triangular(self.factor, (full * self.scale).T, lower=True)
            longest = max(longest, float(np.sqrt((lengths**2).sum(axis=0).max())))
        return longest


def _solve(model: LogisticRegression, problem: _Problem, start: Float64s | None) -> _Outcome:
    """Minimise the cost with the solver that the model asks for."""
    n, d = problem.X.shape
    unpenalised = problem.penalty == 0
    if model.solver == "gradient-descent":
        outcome = _gradient_descent(problem, start, model)
        if unpenalised:
            # Whether a minimum exists is a question about the data, and Newton's method answers it.
            outcome.separation = _find_separation(problem)
    elif n < d or (unpenalised and _is_nearly_collinear(problem)):
        coordinates = _Coordinates(problem, whiten=unpenalised)
        inner_start = None if start is None else coordinates.inward(start)
        outcome = _newton_from_subsamples(coordinates.transform(problem), inner_start, model)
        outcome.theta = coordinates.outward(outcome.theta)
        if outcome.separation is not None:
            outcome.separation.direction = coordinates.outward(outcome.separation.direction)
    else:
        outcome = _newton_from_subsamples(problem, start, model)
    if outcome.separation is not None:
        _widen(problem, outcome.separation)
    return outcome


def _newton_from_subsamples(problem: _Problem, start: Float64s | None, model: LogisticRegression) -> _Outcome:
    """Run Newton's method on growing random subsamples, then on all rows."""
    n = len(problem.signs)
    theta, curvature = start, None
    if theta is None:
        theta = np.zeros(problem.size)
        sizes: list[int] = []
        while n // _GROWTH ** (len(sizes) + 1) >= max(_ROWS_PER_FEATURE * problem.size, 1000):
            sizes.append(n // _GROWTH ** (len(sizes) + 1))
        if sizes:
            drawn = check_random_state(model.random_state).permutation(n)[: sizes[0]]
            sample = problem.subset(drawn)
        for size in reversed(sizes):
            part = sample.subset(slice(size))
            # The minimum over this many rows is itself about (features / 2 rows) off the one over all of them.
            outcome = _newton(part, theta, None, 0.1 * problem.size / size, 30)
            theta, curvature = outcome.theta, outcome.curvature
    return _newton(problem, theta, curvature, model.tol, model.max_iter, existence=problem.penalty == 0)


def _newton(
    problem: _Problem,
    theta: Float64s,
    curvature: _Curvature | None,
    tol: float,
    max_iter: int,
    *,
    existence: bool = False,
) -> _Outcome:
    """Damped Newton steps, each Hessian kept while it serves; with `existence`, settle whether a minimum exists."""
    cost, gradient = problem.cost_and_gradient(theta)
    if cost > np.log(2):  # worse than no start at all
        theta, curvature = np.zeros(problem.size), None
        cost, gradient = problem.cost_and_gradient(theta)
    if curvature is not None and curvature.singular:
        curvature = None
    out = _Outcome(theta, [cost])
    last = np.inf  # squared Newton decrement before the latest step
    tried = fresh = False
    while True:
        if curvature is not None:
            step = curvature.step(gradient)
            decrement = -float(gradient @ step)
            near = decrement <= 2 * tol * cost
        if curvature is None or (not fresh and (decrement > _STALE * last or (near and (existence or not tried)))):
            curvature, fresh = _Curvature(problem.hessian(theta)), True
            step = curvature.step(gradient)
            decrement = -float(gradient @ step)
            near = decrement <= 2 * tol * cost
        # Where rounding keeps the decrement from falling, there is nothing left to gain.
        floor = fresh and decrement > 0.25 * last and decrement <= 1e-12 * cost
        if (near or floor) and (not existence or _minimum_exists(problem, gradient, decrement, curvature)):
            out.converged = True
            break
        if existence and len(out.costs) > 1 and (certificate := _separation(problem, theta, step)) is not None:
            out.separation = certificate
            break
        if len(out.costs) > max_iter:
            out.problem = f"Newton's method did not converge in max_iter={max_iter} steps; raise max_iter, or tol={tol}"
            break
        size = 1.0
        while True:
            trial = theta + size * step
            trial_cost, trial_gradient = problem.cost_and_gradient(trial)
            if trial_cost <= cost * (1 + 64 * _EPS) - _ARMIJO * size * decrement:
                break
            size /= 2
            if size < _EPS:
                out.problem = "Newton's method found no step that lowers the cost: X is too badly scaled; scale it"
                return out
        theta, cost, gradient = trial, trial_cost, trial_gradient
        out.theta = theta
        out.costs.append(cost)
        # A step that had to be cut says that the Hessian is no longer the right one.
        last, tried, fresh = (decrement if size == 1 else 0.0), True, False
    out.curvature = curvature
    return out


def _gradient_descent(problem: _Problem, start: Float64s | None, model: LogisticRegression) -> _Outcome:
    """Full-batch gradient descent with a constant step."""
    theta = np.zeros(problem.size) if start is None else start
    rate = model.learning_rate
    if rate is None:
        rate = 1 / problem.largest_curvature()
    cost, gradient = problem.cost_and_gradient(theta)
    out = _Outcome(theta, [cost])
    while True:
        with np.errstate(over="ignore", invalid="ignore"):
            if rate * float(gradient @ gradient) <= 2 * model.tol * cost:
                out.converged = True
                return out
            if len(out.costs) > model.max_iter:
                out.problem = (
                    f"gradient descent did not converge in max_iter={model.max_iter} steps: scale the features, raise "
                    "max_iter or tol, or use solver='newton'"
                )
                return out
            theta = theta - rate * gradient
            cost, gradient = problem.cost_and_gradient(theta)
        if not (np.isfinite(cost) and np.isfinite(gradient).all()):
            out.problem = f"gradient descent diverged: learning_rate={rate} is too large; leave it out, or lower it"
            return out
        out.theta = theta
        out.costs.append(cost)


class _Coordinates:
    """New features that span what the old ones do, without redundancy.

    They are an orthonormal basis of the rows (centred, with an intercept), which keeps the norm of the weights and so
    the penalty; or, to `whiten`, uncorrelated features of unit variance, for when there is no penalty.
    """

    def __init__(self, problem: _Problem, whiten: bool) -> None:
        X = problem.X
        n, d = X.shape
        self.centre = np.zeros(d)
        if problem.intercept:
            self.centre = X.mean(axis=0)
            self.centre += (X - self.centre).mean(axis=0)  # what rounding left
        centred = X - self.centre
        # What varies by less than rounding is constant; so is what varies so little that its weights would overflow.
        noise = np.maximum(16 * _EPS * np.abs(X).max(axis=0), np.finfo(np.float64).tiny / _EPS)
        centred[:, np.abs(centred).max(axis=0) <= noise] = 0
        units = np.sqrt((centred**2).mean(axis=0))
        units[units == 0] = 1
        _, singular, right = scipy.linalg.svd(centred / units, full_matrices=False)
        rank = int(np.sum(singular > max(n, d) * _EPS * singular[0]))
        if not problem.intercept:
            rank = max(rank, 1)
        right = right[:rank].T
        span = scipy.linalg.qr(units[:, np.newaxis] * right, mode="economic")[0]
        self.basis = span
        if whiten and rank and singular[0] > 0:
            self.basis = right / units[:, np.newaxis] / singular[:rank] * np.sqrt(n)
            if rank < d:
                # Projected on the span, the weights are the shortest ones that give these logits.
                self.basis = span @ (span.T @ self.basis)

    def transform(self, problem: _Problem) -> _Problem:
        X = (problem.X - self.centre) @ self.basis
        return _Problem(X, problem.signs, problem.weights, problem.penalty, problem.intercept)

    def inward(self, theta: Float64s) -> Float64s:
        w = theta[: len(self.centre)]
        inner = scipy.linalg.lstsq(self.basis, w)[0]
        return np.append(inner, theta[len(self.centre) :] + self.centre @ w)

    def outward(self, theta: Float64s) -> Float64s:
        w = self.basis @ theta[: self.basis.shape[1]]
        return np.append(w, theta[self.basis.shape[1] :] - self.centre @ w)


def _is_nearly_collinear(problem: _Problem) -> bool:
    return _Curvature(problem.hessian(np.zeros(problem.size))).ill_conditioned


def _minimum_exists(problem: _Problem, gradient: Float64s, decrement: float, curvature: _Curvature) -> bool:
    """Prove that the unpenalised cost has a minimum near, by the sufficient condition of Bach (2010), proposition 2."""
    if not gradient.any():
        return True
    return not curvature.singular and np.sqrt(decrement) * curvature.longest_row(problem) <= 0.5


def _separation(problem: _Problem, theta: Float64s, step: Float64s) -> _Certificate | None:
    """Look for a direction that no row's margin falls along, and some row's rises.

    If there is one, Newton's method goes to infinity along such a direction. There the losses fall like exponentials,
    on which a Newton step has length 1: the margins that go to infinity rise by about 1 a step, while the others come
    to rest.
    """
    margins = problem.margins(theta)
    if margins.min() > 0 and np.all(margins > problem.rounding(theta)):
        return _Certificate(theta, np.ones(len(margins), dtype=bool))
    moves = problem.margins(step)
    gains = moves >= 0.5
    if moves.min() < -0.5 or not gains.any():
        return None
    if gains.all():
        return _Certificate(step, gains)
    # Take from the step what moves the rows that should rest.
    full = np.column_stack([problem.X, np.ones(len(moves))]) if problem.intercept else problem.X
    units = np.sqrt((full**2).mean(axis=0))  # of all rows: a feature that is 0 in these must not become noise
    units[units == 0] = 1
    rows = full[~gains] / units
    # Combinations of features below 1e-9 count as 0 here; if one is not, the check below fails.
    direction = step - np.linalg.lstsq(rows, rows @ (step * units), rcond=1e-9)[0] / units
    margins = problem.margins(direction)
    rounding = 1e-12 * np.abs(rows).sum(axis=1) * np.max(np.abs(step * units))
    if np.all(margins[gains] > 0.1) and np.all(np.abs(margins[~gains]) <= rounding):
        return _Certificate(direction, gains)
    return None


def _find_separation(problem: _Problem) -> _Certificate | None:
    """Look for a separating direction from scratch, whatever the rank of X."""
    coordinates = _Coordinates(problem, whiten=True)
    inner = coordinates.transform(problem)
    found = _newton(inner, np.zeros(inner.size), None, 1e-10, 1000, existence=True).separation
    if found is not None:
        found.direction = coordinates.outward(found.direction)
    return found


def _widen(problem: _Problem, certificate: _Certificate) -> None:
    """Extend a separation to all rows that any direction separates."""
    certificate.direction = certificate.direction / np.abs(certificate.direction).max()
    while not certificate.gains.all():
        resting = ~certificate.gains
        rest = _Problem(problem.X[resting], problem.signs[resting], None, 0.0, problem.intercept)
        found = _find_separation(rest)
        if found is None:
            return
        # The rows that already gain must not lose by more than half of what they gain.
        margins = problem.margins(certificate.direction)[certificate.gains]
        extra = found.direction / np.abs(found.direction).max()
        losses = -problem.margins(extra)[certificate.gains]
        if margins.min() <= 1e-15 * losses.max():
            return  # beyond what float64 can tell apart
        share = 1 / (1 + 2 * np.max(losses / margins, initial=0.0))
        certificate.direction = certificate.direction + share * extra
        certificate.gains[resting] = found.gains
