"""Time logistic regression to the same cost, against every solver of scikit-learn.

    .venv/bin/python benchmarks/logistic.py [--quick] [--write]

How long a solver takes says nothing without how far it got. So each one is first given the fewest iterations after
which its cost is within 1e-8, relatively, of the minimum; they are found by doubling and bisection, with the solver's
own tolerance out of the way. That is the most favourable setting it can have, and what is timed. A solver that stops
improving before, or whose single fit would take longer than the limit, "did not reach" it, and the table says how far
it got. liblinear penalises the intercept, so it may choose among three values of intercept_scaling.

All fits run on one thread and are timed in turn; a ratio is the median over the rounds of the ratio within a round.
"plain Newton" is the textbook's: a Hessian of all rows for every step, from zero.

With --write the table that the book shows is written to book/_static/benchmarks/, as JSON and as Markdown.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg
from accuracy import OURS, OUT, describe, machine, markdown, show, write
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from scipy.linalg.blas import dsyrk
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression as Peer
from threadpoolctl import threadpool_limits

from course_lib.logistic import LogisticRegression
from course_lib.measure import SpeedComparison, compare_speed

GAP = 1e-8
PLAIN = "plain Newton"
SOLVERS = ("newton-cholesky", "lbfgs", "newton-cg", "liblinear", "sag", "saga")
INTERCEPT_SCALINGS = (1.0, 100.0, 1e4)
#: A contestant this many times slower than ours is timed in fewer rounds.
SLOW = 20

Floats = NDArray[np.float64]
Coefficients = tuple[Floats, float]
Fit = Callable[[int], Coefficients]


@dataclass
class Data:
    """A data set and the penalty it is fitted with."""

    name: str
    X: Floats
    y: NDArray[np.bool_]
    C: float

    def cost(self, coefficients: Coefficients) -> float:
        """scikit-learn's objective divided by C and the number of rows."""
        w, b = coefficients
        signs = np.where(self.y, 1.0, -1.0)
        losses = np.logaddexp(0, -signs * (self.X @ w + b))
        return float(losses.mean() + w @ w / (2 * self.C * len(signs)))


def data_sets() -> Iterator[Data]:
    """Yield what is fitted."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 50))
    logits = X @ rng.standard_normal(50) * (2 / np.sqrt(50)) + 0.3
    yield Data("1e5 x 50", X, rng.random(len(X)) < 1 / (1 + np.exp(-logits)), 1.0)
    # Fifty features that are five, and one per cent of noise.
    factors = rng.standard_normal((100_000, 5))
    X = factors @ rng.standard_normal((5, 50)) + 0.01 * rng.standard_normal((100_000, 50))
    yield Data("collinear, C=1e4", X, rng.random(len(X)) < 1 / (1 + np.exp(-factors.sum(axis=1))), 1e4)
    X, y = load_breast_cancer(return_X_y=True)
    yield Data("breast cancer, raw", X, y == 1, 1.0)
    yield Data("breast cancer, scaled", (X - X.mean(axis=0)) / X.std(axis=0), y == 1, 1.0)
    # Two half spaces, 0.2 apart.
    X, w = rng.standard_normal((20_000, 20)), rng.standard_normal(20)
    y = X @ w > 0
    X += np.where(y, 0.1, -0.1)[:, np.newaxis] * w / np.linalg.norm(w)
    yield Data("separable, C=1", X, y, 1.0)
    yield Data("separable, C=1e6", X, y, 1e6)


def plain_newton(data: Data, max_iter: int) -> Coefficients:
    """Newton's method with Armijo's rule, blocked as ours is."""
    n, d = data.X.shape
    signs, penalty = np.where(data.y, 1.0, -1.0), 1 / (data.C * n)
    penalties = np.append(np.full(d, penalty), 0.0)

    def cost_of(theta: Floats, margins: Floats) -> float:
        losses = np.log1p(np.exp(-np.abs(margins))) - np.minimum(margins, 0)
        return float(losses.mean() + 0.5 * theta @ (penalties * theta))

    theta, margins = np.zeros(d + 1), np.zeros(n)
    cost = cost_of(theta, margins)
    scaled = np.empty((min(4096, n), d + 1))
    for _ in range(max_iter):
        e = np.exp(-np.abs(margins))
        residuals = signs * np.maximum(e, margins < 0) / (1 + e) / n
        roots = np.sqrt(e / n) / (1 + e)
        gradient = penalties * theta - np.append(residuals @ data.X, residuals.sum())
        hessian = np.diag(penalties).copy(order="F")
        for first in range(0, n, 4096):
            rows = slice(first, first + 4096)
            block = scaled[: len(roots[rows])]
            np.multiply(data.X[rows], roots[rows, np.newaxis], out=block[:, :d])
            block[:, d] = roots[rows]
            hessian = dsyrk(1.0, block.T, beta=1.0, c=hessian, overwrite_c=1, lower=1)
        step = -scipy.linalg.cho_solve(scipy.linalg.cho_factor(hessian, lower=True), gradient)
        decrement = -float(gradient @ step)
        along = signs * (data.X @ step[:d] + step[d])
        size = 1.0
        while size > 1e-10:
            trial = cost_of(theta + size * step, margins + size * along)
            if trial <= cost * (1 + 1e-14) - 1e-4 * size * decrement:
                break
            size /= 2
        theta, margins, cost = theta + size * step, margins + size * along, trial
    return theta[:d], float(theta[d])


def contestants(data: Data) -> dict[str, list[Fit]]:
    """Give the ways to fit, each a function of the most iterations; of several of one name the fastest counts."""

    def ours(max_iter: int) -> Coefficients:
        model = LogisticRegression(C=data.C, tol=0.0, max_iter=max_iter).fit(data.X, data.y)
        return model.coef_[0], float(model.intercept_[0])

    def peer(solver: str, scaling: float) -> Fit:
        def fit(max_iter: int) -> Coefficients:
            model = Peer(
                C=data.C, solver=solver, tol=1e-30, max_iter=max_iter, intercept_scaling=scaling, random_state=0
            ).fit(data.X, data.y)
            return model.coef_[0], float(model.intercept_[0])

        return fit

    fits = {OURS: [ours], PLAIN: [lambda max_iter: plain_newton(data, max_iter)]}
    for solver in SOLVERS:
        scalings = INTERCEPT_SCALINGS if solver == "liblinear" else (1.0,)
        fits[solver] = [peer(solver, scaling) for scaling in scalings]
    return fits


@dataclass
class Reached:
    """What the search for the fewest iterations found."""

    gap: float  # the smallest seen
    iterations: int | None = None  # None: did not reach
    seconds: float = field(default=np.inf)
    fit: Fit | None = None


def fewest_iterations(fit: Fit, data: Data, best: float, limit: float) -> Reached:
    """Find how few iterations bring the cost within `GAP` of `best`."""
    found = Reached(gap=np.inf)

    def reaches(iterations: int) -> bool:
        start = time.perf_counter()
        coefficients = fit(iterations)
        seconds = time.perf_counter() - start
        gap = data.cost(coefficients) / best - 1
        found.gap = min(found.gap, gap)
        if gap > GAP:
            return False
        found.iterations, found.seconds, found.fit = iterations, seconds, fit
        return True

    low, high, earlier = 0, 1, np.inf
    while True:
        start = time.perf_counter()
        if reaches(high):
            break
        if time.perf_counter() - start > limit / 2 or (high > 256 and found.gap > 0.999 * earlier):
            return found
        low, high, earlier = high, 2 * high, found.gap
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return found


def measure(data: Data, progress: Callable[[str], None], *, quick: bool) -> dict[str, Any]:
    """Search and time all contestants on one data set."""
    fits = contestants(data)
    best = min(data.cost(fits[OURS][0](200)), data.cost(fits[PLAIN][0](100)))
    reached = {}
    for name, ways in fits.items():
        progress(f"{data.name}: {name}")
        found = [fewest_iterations(way, data, best, limit=4 if quick else 15) for way in ways]
        reached[name] = min(found, key=lambda each: (each.seconds, each.gap))

    progress(f"{data.name}: timing")
    calls = {name: call for name, each in reached.items() if (call := timed(each)) is not None}
    slow = {name for name in calls if reached[name].seconds > SLOW * reached[OURS].seconds}
    rounds = 7 if quick else 31
    timings = [compare_speed({name: calls[name] for name in calls if name not in slow}, rounds=rounds)]
    timings += [compare_speed({OURS: calls[OURS], name: calls[name]}, rounds=3) for name in slow]
    return {name: result(name, each, timings) for name, each in reached.items()}


def timed(each: Reached) -> Callable[[], object] | None:
    """Give the call that is timed."""
    fit, iterations = each.fit, each.iterations
    if fit is None or iterations is None:
        return None
    return lambda: fit(iterations)


def result(name: str, each: Reached, timings: list[SpeedComparison]) -> dict[str, Any]:
    """Collect the figures of one contestant."""
    timing = next((timing for timing in timings if name in timing.ratios), None)
    return {
        "gap": each.gap,
        "iterations": each.iterations,
        "seconds": timing.seconds[name] if timing else None,
        "ratio": timing.ratios[name] if timing else None,
    }


def rows_of(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Make one row a data set, one column a contestant."""
    names = [PLAIN, *SOLVERS]
    rows = [["time / ours", "ours, ms", *names, "ours / best of scikit-learn"]]
    for data, by_name in results.items():
        cells = [
            f"gap {each['gap']:.0e}" if each["ratio"] is None else f"{each['ratio']:.2f}"
            for each in (by_name[name] for name in names)
        ]
        ratios = [by_name[name]["ratio"] for name in SOLVERS if by_name[name]["ratio"] is not None]
        lead = f"{1 / min(ratios):.2f}" if ratios else "none reached"
        rows.append([data, f"{1e3 * by_name[OURS]['seconds']:.3g}", *cells, lead])
    return rows


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and less patience: rough figures")
    parser.add_argument("--write", action="store_true", help=f"write the book's table to {OUT.name}/")
    arguments = parser.parse_args()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    results: dict[str, dict[str, Any]] = {}
    with progress, threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a solver stopped early warns that it was
        task = progress.add_task("", total=6 * (2 + len(SOLVERS) + 1))

        def step(description: str) -> None:
            progress.update(task, description=description, advance=1)

        for data in data_sets():
            results[data.name] = measure(data, step, quick=arguments.quick)

    there = machine()
    note = (
        f"Time to a cost within {GAP:.0e} of the minimum, as a multiple of ours, on one thread; "
        '"gap" is how near a solver came that did not reach it. ' + describe(there)
    )
    rows = rows_of(results)
    show(rows)
    print(note)
    if arguments.write:
        write(
            "logistic",
            {"quick": arguments.quick, "machine": there, "results": results},
            [("time", markdown(rows, note))],
        )
        print(f"Written to {OUT.relative_to(OUT.parents[2])}/.")


if __name__ == "__main__":
    main()
