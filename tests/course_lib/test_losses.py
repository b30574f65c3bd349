"""Losses and gradients against mpmath, scikit-learn and finite differences in high precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import mp, mpf
from numpy.testing import assert_allclose
from sklearn.metrics import brier_score_loss, log_loss

from course_lib.activations import sigmoid
from course_lib.losses import (
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_gradient,
    mean_squared_error,
    mean_squared_error_gradient,
)

pytestmark = pytest.mark.filterwarnings("error")
searched = settings(deadline=None, max_examples=60)

LABELS = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


def exact_with_logits(z: Any, y: Any) -> mpf:
    return mp.fsum(y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z)) for z, y in zip(z, y, strict=True)) / len(z)


def exact_cross_entropy(p: Any, y: Any) -> mpf:
    terms = ((y * mp.log(p) if y else 0) + ((1 - y) * mp.log1p(-p) if y != 1 else 0) for p, y in zip(p, y, strict=True))
    return -mp.fsum(terms) / len(p)


def exact_squared_error(p: Any, y: Any) -> mpf:
    return mp.fsum((p - y) ** 2 for p, y in zip(p, y, strict=True)) / len(p)


def as_mp(x: np.ndarray) -> list[mpf]:
    return [mpf(v) for v in x.tolist()]


@searched
@given(arrays(np.float64, 5, elements=st.floats(-740, 740)), arrays(np.float64, 5, elements=LABELS))
def test_cross_entropy_from_logits_keeps_its_digits(z: np.ndarray, y: np.ndarray) -> None:
    with mp.workprec(2400), np.errstate(all="raise"):
        exact = exact_with_logits(as_mp(z), as_mp(y))
        error = abs(mpf(float(binary_cross_entropy_with_logits(z, y))) - exact)
    assert error <= 6 * 2.0**-53 * abs(exact) + mpf(2) ** -1072


@searched
@given(arrays(np.float64, 5, elements=st.floats(1e-300, 1 - 2**-53)), arrays(np.float64, 5, elements=LABELS))
def test_cross_entropy_from_probabilities_keeps_its_digits(p: np.ndarray, y: np.ndarray) -> None:
    with mp.workprec(400), np.errstate(all="raise"):
        exact = exact_cross_entropy(as_mp(p), as_mp(y))
        error = abs(mpf(float(binary_cross_entropy(p, y))) - exact)
    assert error <= 6 * 2.0**-53 * abs(exact) + mpf(2) ** -1072


CASES = [
    (binary_cross_entropy_with_logits, binary_cross_entropy_with_logits_gradient, exact_with_logits, (-600, 600)),
    (binary_cross_entropy, binary_cross_entropy_gradient, exact_cross_entropy, (1e-6, 1 - 1e-6)),
    (mean_squared_error, mean_squared_error_gradient, exact_squared_error, (-50, 50)),
]
each_case = pytest.mark.parametrize(
    ("loss", "gradient", "exact", "span"), CASES, ids=lambda v: getattr(v, "__name__", "")
)


@each_case
def test_gradient_is_the_derivative_of_the_mean(
    loss: Callable[..., Any], gradient: Callable[..., Any], exact: Callable[..., Any], span: tuple[float, float]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(*span, 12)
    y = np.array([0, 1, 0.25] * 4)
    got = gradient(x, y)
    assert got.shape == x.shape
    with mp.workprec(3000):
        for i in range(x.size):
            start = as_mp(x)
            numeric = mp.diff(lambda v, i=i, start=start: exact([*start[:i], v, *start[i + 1 :]], as_mp(y)), start[i])
            assert_allclose(got[i], float(numeric), rtol=4e-14 if y[i] == 0.25 else 2e-15)


def test_losses_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    z, y = rng.normal(0, 3, 500), rng.integers(0, 2, 500)
    p = sigmoid(z)
    assert_allclose(binary_cross_entropy(p, y), log_loss(y, p), rtol=1e-13)
    assert_allclose(binary_cross_entropy_with_logits(z, y), log_loss(y, p), rtol=1e-13)
    assert_allclose(mean_squared_error(p, y), brier_score_loss(y, p), rtol=1e-13)


def test_a_wrong_answer_costs_its_logit_and_keeps_its_gradient() -> None:
    z = np.array([1e4, -1e4])
    assert binary_cross_entropy_with_logits(z, [0, 1]) == 1e4
    assert binary_cross_entropy_with_logits_gradient(z, [0, 1]).tolist() == [0.5, -0.5]
    assert binary_cross_entropy_with_logits([np.inf, -np.inf], [1, 0]) == 0
    assert binary_cross_entropy_with_logits([np.inf], [0]) == np.inf
    # From probabilities the same answer is infinitely wrong, and where it is right it costs nothing.
    assert binary_cross_entropy(sigmoid(z), [0, 1]) == np.inf
    assert binary_cross_entropy(sigmoid(z), [1, 0]) == 0
    assert binary_cross_entropy_gradient([0.0, 1.0], [1, 0]).tolist() == [-np.inf, np.inf]
    assert binary_cross_entropy_gradient([0.0, -0.0, 1.0], [0, 0, 1]).tolist() == [1 / 3, 1 / 3, -1 / 3]


def test_a_right_answer_keeps_its_small_gradient() -> None:
    gradient = binary_cross_entropy_with_logits_gradient([40.0, -40.0], [1, 0])
    assert_allclose(gradient, [-sigmoid(-40.0) / 2, sigmoid(-40.0) / 2], rtol=1e-15)
    assert binary_cross_entropy_with_logits([40.0], [1]) > 0


@each_case
def test_dtype_is_that_of_the_predictions(
    loss: Callable[..., Any], gradient: Callable[..., Any], exact: Callable[..., Any], span: tuple[float, float]
) -> None:
    for dtype in (np.float16, np.float32, np.float64):
        x = np.array([0.25, 0.75], dtype)
        for y in ([0, 1], np.array([False, True]), np.array([0, 1], np.int8), np.array([0.0, 1.0])):
            assert type(loss(x, y)) is dtype
            assert gradient(x, y).dtype == dtype
    assert type(loss([0, 1], [0, 1])) is np.float64
    assert type(loss(np.float32(0.5), 1)) is np.float32


@each_case
def test_nan_gives_nan_without_a_warning(
    loss: Callable[..., Any], gradient: Callable[..., Any], exact: Callable[..., Any], span: tuple[float, float]
) -> None:
    with np.errstate(all="raise"):
        for y in ([0, 1, 1], [1, 0, 0.5]):
            assert np.isnan(loss([np.nan, 0.5, 0.5], y))
            assert np.isnan(gradient([np.nan, 0.5, 0.5], y)).tolist() == [True, False, False]


@pytest.mark.parametrize("p", [-0.1, 1.5, np.inf, 37.0])
def test_what_is_not_a_probability_is_refused(p: float) -> None:
    for function in (binary_cross_entropy, binary_cross_entropy_gradient):
        with pytest.raises(ValueError, match=rf"{function.__name__}: probabilities .* found {p:g}; for logits"):
            function([0.5, p], [0, 1])


@pytest.mark.parametrize("label", [-1.0, 2.0, np.nan, np.inf])
def test_what_is_not_a_label_is_refused(label: float) -> None:
    for function, *_ in CASES[:2]:
        with pytest.raises(ValueError, match=f"labels must lie between 0 and 1, found {label:g}"):
            function([0.5, 0.5], [0, label])


def test_arrays_of_two_libraries_are_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="y is a torch array and p is not"):
        mean_squared_error(np.zeros(2), torch.zeros(2))


def test_a_column_against_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match=r"z has shape \(3, 1\), y has shape \(3,\); they must be equal"):
        binary_cross_entropy_with_logits(np.zeros((3, 1)), np.zeros(3))
