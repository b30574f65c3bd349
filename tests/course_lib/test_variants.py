"""What is wrong with each form, and what is right, against mpmath: the chapter on stability is built on these."""

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.special

from course_lib import variants
from course_lib.measure import EXACT, ulp_error
from course_lib.variants import (
    VARIANTS,
    branch_free_sigmoid,
    cached_sigmoid,
    capped_sigmoid,
    clipped_cross_entropy,
    clipped_sigmoid,
    compensated_sigmoid,
    exp_over_one_plus_exp,
    lookup_sigmoid,
    math_sigmoid,
    mixed_sigmoid,
    naive_derivative,
    naive_log_sigmoid,
    naive_logit,
    naive_sigmoid,
    naive_softplus,
    one_minus_sigmoid,
    tanh_sigmoid,
    threshold_softplus,
    two_branch_sigmoid,
    where_sigmoid,
    zeros_like_sigmoid,
)

#: Right wherever they return at all, down to the last subnormal, for floats.
STABLE = (
    capped_sigmoid,
    where_sigmoid,
    two_branch_sigmoid,
    zeros_like_sigmoid,
    branch_free_sigmoid,
    compensated_sigmoid,
    mixed_sigmoid,
)
SIGMOIDS = [v for v in VARIANTS.values() if v.computes == "sigmoid"]

rng = np.random.default_rng(0)
MIDDLE = np.concatenate([rng.uniform(-30, 30, 400), [0.0]])
LEFT = rng.uniform(-700, -37, 200)
RIGHT = rng.uniform(37, 709, 200)
SUBNORMAL = rng.uniform(-745.1, -709.8, 200)


def worst(function, x, name=None):
    """Return the largest error in ulp, warnings aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return ulp_error(function(x), EXACT[name or VARIANTS[function.__name__].computes], x).max()


@contextlib.contextmanager
def warns_of(*kinds: str) -> Iterator[None]:
    """Expect exactly these kinds of floating-point warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert {str(w.message).split(" encountered")[0] for w in caught} == set(kinds)


def test_the_table_lists_every_form() -> None:
    of_two_arguments = {"clipped_cross_entropy"}
    functions = {name for name in variants.__all__ if name.islower()}
    assert set(VARIANTS) == functions - of_two_arguments
    for name, variant in VARIANTS.items():
        assert variant.function is getattr(variants, name)
        assert variant.computes in EXACT
        assert variant.formula
        assert variant.note


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_form_is_about_right_in_the_middle(variant: variants.Variant) -> None:
    # They are what people use: plain inputs show nothing.
    x = np.linspace(0.05, 0.95, 19) if variant.computes == "logit" else np.linspace(-4, 4, 33)
    got = variant.function(x)
    assert got.shape == x.shape
    assert np.all(ulp_error(got, EXACT[variant.computes], x) * np.spacing(np.abs(got)) < 5e-5)


# Right everywhere


@pytest.mark.parametrize("function", STABLE)
def test_stable_forms_are_within_3_ulp_everywhere(function) -> None:
    for x in (MIDDLE, LEFT, RIGHT, SUBNORMAL, np.array([-1e308, -np.inf, np.inf, 1e308, np.nan])):
        if function is where_sigmoid and not np.isfinite(x).all():
            x = x[np.isfinite(x)]
        assert worst(function, x) <= 3
        assert worst(function, np.clip(x, -3e38, 3e38).astype(np.float32)) <= 3.5


@pytest.mark.parametrize("function", [f for f in STABLE if f is not where_sigmoid])
def test_stable_forms_do_not_warn(function) -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        function(np.array([-1e308, -800.0, -0.0, 800.0, 1e308]))
        function(np.array([-3e38, -100.0, 0.0, 100.0, 3e38], dtype=np.float32))


def test_np_where_warns_though_it_is_right() -> None:
    with warns_of("overflow", "invalid value"):
        got = where_sigmoid(np.array([-800.0, -740.0, 800.0]))
    assert got.tolist() == [0, np.exp(-740.0), 1]


@pytest.mark.parametrize("function", [branch_free_sigmoid, two_branch_sigmoid, compensated_sigmoid, capped_sigmoid])
def test_quotients_are_not_monotone(function) -> None:
    # A hundred thousand floats in a row; the true curve rises by a quarter of the last place with each. Forms of one
    # exponential and no quotient by 1 + e do not do this.
    x = -1 + np.spacing(-1.0) * np.arange(100_000)[::-1]
    assert (np.diff(x) > 0).all()
    assert (np.diff(function(x)) < 0).sum() > 100
    assert (np.diff(naive_sigmoid(x)) >= 0).all()


def test_the_compensated_form_is_more_accurate_than_the_quotient() -> None:
    x = np.random.default_rng(1).uniform(-4, 4, 3000)
    assert worst(compensated_sigmoid, x) < worst(branch_free_sigmoid, x)
    assert worst(mixed_sigmoid, x) < worst(compensated_sigmoid, x)


# Wrong


def test_the_naive_form_warns_and_is_0_where_the_answer_is_subnormal() -> None:
    with warns_of("overflow"):
        assert naive_sigmoid(np.array([-709.8]))[0] == 0
    assert worst(naive_sigmoid, np.array([-709.8])) > 1e15
    with warns_of("overflow"):
        assert naive_sigmoid(np.array([-88.8], dtype=np.float32))[0] == 0
    assert worst(naive_sigmoid, np.array([-88.8], dtype=np.float32)) > 1e6
    # and that is all that is wrong with it:
    assert max(worst(naive_sigmoid, x) for x in (MIDDLE, LEFT, RIGHT)) < 3
    # Others avoid the warning, not the zero.
    assert scipy.special.expit(-709.8) == 0


def test_clipping_stops_at_7e_218() -> None:
    with warns_of():
        got = clipped_sigmoid(np.array([-499.0, -500.0, -501.0, -800.0]))
    assert got[2] == got[3] == got[1] == pytest.approx(7.12e-218, rel=1e-3)
    assert got[0] != got[1]
    assert worst(clipped_sigmoid, np.array([-745.0])) > 1e105


def test_clipping_at_500_does_not_help_float32() -> None:
    with warns_of("overflow"):
        assert clipped_sigmoid(np.array([-100.0], dtype=np.float32))[0] == 0
    assert worst(clipped_sigmoid, np.array([-100.0], dtype=np.float32)) > 20  # a subnormal was due


def test_exponentials_above_and_below_give_nan() -> None:
    with warns_of("overflow", "invalid value"):
        assert np.isnan(exp_over_one_plus_exp(np.array([710.0]))[0])
    assert exp_over_one_plus_exp(np.array([709.0]))[0] == 1
    assert worst(exp_over_one_plus_exp, np.concatenate([LEFT, MIDDLE, SUBNORMAL])) < 3


def test_the_cap_overflows_in_float16() -> None:
    with warns_of("overflow", "invalid value"):
        got = capped_sigmoid(np.array([11.0, 11.2], dtype=np.float16))
    assert got[0] == 1
    assert np.isnan(got[1])


def test_the_tanh_form_loses_every_digit_on_the_left() -> None:
    assert worst(tanh_sigmoid, MIDDLE[MIDDLE >= 0]) < 1.6
    assert worst(tanh_sigmoid, np.array([-10.0])) > 1e3
    assert tanh_sigmoid(np.array([-38.2]))[0] == 0
    assert tanh_sigmoid(np.array([-37.0]))[0] > 0
    assert tanh_sigmoid(np.array([-20.0], dtype=np.float32))[0] == 0


def test_zeros_like_truncates_integers() -> None:
    x = np.array([-3, 0, 3, 100])
    assert zeros_like_sigmoid(x).tolist() == [0, 0, 0, 1]
    assert zeros_like_sigmoid(x).dtype == x.dtype
    assert two_branch_sigmoid(x).tolist() == two_branch_sigmoid(x.astype(float)).tolist()


def test_boolean_indexing_refuses_a_plain_number() -> None:
    with pytest.raises(AttributeError, match="shape"):
        two_branch_sigmoid(0.5)


def test_math_exp_raises_instead_of_warning() -> None:
    assert math_sigmoid(np.array([-709.0]))[0] > 0
    with pytest.raises(OverflowError):
        math_sigmoid(np.array([0.0, -710.0]))
    with pytest.raises(ValueError, match="size 0"):
        math_sigmoid(np.array([]))
    assert math_sigmoid(np.array([0.5], dtype=np.float32)).dtype == np.float64


def test_the_cache_is_off_in_the_fifth_digit() -> None:
    x = np.random.default_rng(2).uniform(-1, 1, 2000)
    error = np.abs(cached_sigmoid(x) - scipy.special.expit(x))
    assert 1.1e-5 < error.max() < 1.25e-5
    assert cached_sigmoid(x.reshape(2, 1000)).shape == (2, 1000)
    assert cached_sigmoid(x.astype(np.float32)).dtype == np.float64


def test_the_table_is_off_in_the_sixth_digit_and_ends() -> None:
    x = np.linspace(-8, 8, 5001)
    error = np.abs(lookup_sigmoid(x) - scipy.special.expit(x))
    assert 2.9e-6 < error.max() < 3.1e-6
    assert lookup_sigmoid(np.array([-8.0, -9.0, -800.0])).tolist() == [scipy.special.expit(-8.0)] * 3


@pytest.mark.parametrize(("dtype", "last"), [(np.float32, 16.64), (np.float64, 36.74)])
def test_one_minus_sigmoid_and_the_slope_end_early(dtype: type, last: float) -> None:
    x = np.array([last - 0.05, last], dtype=dtype)
    for function in (one_minus_sigmoid, naive_derivative):
        inside, outside = function(x)
        assert inside > 0
        assert outside == 0
    size = 1 / np.finfo(dtype).eps
    assert worst(one_minus_sigmoid, x[1:]) > size
    assert worst(naive_derivative, x[1:]) > size
    assert worst(naive_derivative, -x) < 3
    assert worst(naive_sigmoid, -x) < 3  # which is 1 - sigmoid(x), right


def test_the_logarithm_of_the_sigmoid_is_wrong_at_both_ends() -> None:
    with warns_of("overflow", "divide by zero"):
        assert naive_log_sigmoid(np.array([-710.0]))[0] == -np.inf
    assert naive_log_sigmoid(np.array([37.0]))[0] == 0
    assert worst(naive_log_sigmoid, np.array([37.0])) > 1e15
    assert worst(naive_log_sigmoid, LEFT) < 1


def test_the_naive_softplus_is_wrong_at_both_ends() -> None:
    with warns_of("overflow"):
        assert naive_softplus(np.array([710.0]))[0] == np.inf
    assert naive_softplus(np.array([-37.0]))[0] == 0
    assert worst(naive_softplus, np.array([-37.0])) > 1e15
    assert worst(naive_softplus, RIGHT) < 1


def test_the_threshold_softplus_drops_a_term() -> None:
    x = np.nextafter(20.0, 21.0)
    assert threshold_softplus(np.array([x]))[0] == x
    assert 5e5 < worst(threshold_softplus, np.array([x])) < 6e5
    assert worst(threshold_softplus, np.array([20.0])) < 1
    assert worst(threshold_softplus, np.linspace(19, 22, 100).astype(np.float32)) < 2
    with warns_of():
        threshold_softplus(np.array([-1e308, 1e308]))


def test_the_naive_logit_loses_every_digit_near_one_half() -> None:
    assert worst(naive_logit, 0.5 - 2.0**-54 * np.arange(1, 100)) > 1e14
    assert worst(naive_logit, 0.5 - 2.0**-30 * rng.uniform(0, 1, 200)) > 1e6
    half_missing = 0.5 - 2.0**-54
    assert naive_logit(np.array([half_missing]))[0] == pytest.approx(scipy.special.logit(half_missing) / 2)
    assert worst(naive_logit, np.concatenate([np.logspace(-300, -1, 300), [0.9, 0.999, 1 - 2.0**-53]])) < 2


def test_clipped_cross_entropy_is_capped() -> None:
    y = np.array([1.0, 1.0, 0.0])
    p = np.array([1e-15, 0.0, 0.5])
    loss = clipped_cross_entropy(p, y)
    assert loss[0] == loss[1] == pytest.approx(-np.log(1e-15))
    assert loss[2] == pytest.approx(np.log(2))
    # the same on the other side, but for the rounding of 1 - 1e-15
    assert clipped_cross_entropy(np.array([1.0]), np.array([0.0]))[0] == pytest.approx(34.5, abs=0.2)


def test_clipped_cross_entropy_is_infinite_or_nan_in_float32() -> None:
    one = np.array([1.0], dtype=np.float32)
    with warns_of("divide by zero"):
        assert clipped_cross_entropy(one, 0 * one)[0] == np.inf
    with warns_of("divide by zero", "invalid value"):
        assert np.isnan(clipped_cross_entropy(one, one)[0])


@pytest.mark.parametrize(
    "function",
    [v.function for v in VARIANTS.values() if v.function not in (math_sigmoid, cached_sigmoid, lookup_sigmoid)],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_array_forms_keep_the_dtype_and_their_input(function, dtype: type) -> None:
    x = np.linspace(0.1, 0.9, 6, dtype=dtype).reshape(2, 3)
    before = x.copy()
    assert function(x).dtype == dtype
    assert (x == before).all()
