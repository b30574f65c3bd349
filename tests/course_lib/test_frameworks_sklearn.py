"""SigmoidTransformer against scikit-learn's own checks and scalers, and mpmath; and what is said of what is missing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.frameworks.sklearn import SigmoidTransformer

searched = settings(deadline=None, max_examples=60)

# Centre 0 and scale 1, so that x is the argument of the sigmoid.
UNIT = [[-1.0], [1.0]]

ranges = st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-1.0, 0.0), (0.1, 0.7), (2.0, 5.0), (-3e-200, 1e200)])
columns = st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 3)), min_size=2, max_size=30)


@parametrize_with_checks(
    [SigmoidTransformer(), SigmoidTransformer(robust=True), SigmoidTransformer(feature_range=(-1, 1))]
)
def test_scikit_learn_accepts_the_transformer(estimator, check):
    check(estimator)


def test_no_check_is_left_out():
    """One check runs only where SciPy was imported with support for the array API."""
    program = (
        "from sklearn.utils.estimator_checks import check_estimator as check\n"
        "from course_lib.frameworks.sklearn import SigmoidTransformer\n"
        "for result in check(SigmoidTransformer(), on_skip=None):\n"
        "    print(result['check_name'], result['status'], result['exception'])"
    )
    lines = _python(program, SCIPY_ARRAY_API="1").splitlines()
    assert len(lines) > 40
    assert [line for line in lines if " passed " not in line] == []


# Values


@searched
@given(columns, ranges, st.booleans())
def test_standardised_and_squashed(column: list[float], ends: Any, robust: bool) -> None:
    x = np.array(column)[:, np.newaxis]
    ours = SigmoidTransformer(feature_range=ends, robust=robust).fit(x)
    theirs = (RobustScaler(unit_variance=True) if robust else StandardScaler()).fit(x)
    if np.ptp(x) == 0:
        assert ours.scale_ == 1
    elif robust and np.ptp(np.percentile(x, [25, 75])) == 0:
        assert_allclose(ours.scale_, x.std(), rtol=1e-9)
    else:
        assert_allclose(ours.scale_, theirs.scale_, rtol=1e-9)
    assert_allclose(ours.center_, theirs.center_ if robust else theirs.mean_, rtol=1e-12, atol=1e-9)
    low, high = ends
    y = ours.transform(x)
    assert_allclose(
        y, low + (high - low) * expit((x - ours.center_) / ours.scale_), rtol=1e-9, atol=1e-12 * (high - low)
    )
    assert y.min() >= low
    assert y.max() <= high


@searched
@given(st.lists(st.floats(-800, 800), min_size=2, max_size=20), ranges)
def test_never_decreases(z: list[float], ends: Any) -> None:
    x = np.sort(np.concatenate([z, [-1e-17, 0.0, 1e-17]]))[:, np.newaxis]
    assert (np.diff(SigmoidTransformer(feature_range=ends).fit(UNIT).transform(x), axis=0) >= 0).all()


@searched
@given(st.floats(-700, 700), ranges)
def test_keeps_the_distance_from_the_nearer_end(z: float, ends: Any) -> None:
    low, high = ends
    y = float(SigmoidTransformer(feature_range=ends).fit(UNIT).transform([[z]])[0, 0])
    with mp.workprec(2000):
        exact = mpf(low) + (mpf(high) - mpf(low)) / (1 + mp.exp(-mpf(z)))
        # Two roundings: of the distance, and of its sum with the end.
        distance = min(abs(exact - mpf(low)), abs(mpf(high) - exact))
        assert abs(mpf(y) - exact) <= 4 * max(mpf(np.spacing(abs(y))), mpf(np.finfo(float).eps) * distance)


def test_half_of_the_normal_distribution_counts_as_its_deviation() -> None:
    x = 5 + 3 * np.random.default_rng(0).standard_normal((20_000, 1))
    spoilt = np.concatenate([x, np.full((200, 1), 1e9)])
    assert_allclose(SigmoidTransformer(robust=True).fit(spoilt).scale_, 3, rtol=0.05)
    assert SigmoidTransformer().fit(spoilt).scale_[0] > 1e7


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("exponent", [-1060, -600, 600, 1019])
def test_units_do_not_matter(exponent: int, robust: bool) -> None:
    x = np.array([[1.0, -2.0], [2.0, 3.0], [4.0, 3.5], [0.0, 8.0]])
    scaled = np.ldexp(x, exponent)
    expected = SigmoidTransformer(robust=robust).fit(x)
    found = SigmoidTransformer(robust=robust).fit(scaled)
    # Down at 2**-1060 there are 14 bits left.
    assert_allclose(found.transform(scaled), expected.transform(x), rtol=1e-4 if exponent == -1060 else 1e-15)
    back = np.ldexp(found.inverse_transform(found.transform(scaled)), -exponent)
    assert_allclose(back, x, rtol=0, atol=1e-3 if exponent == -1060 else 1e-14)


def test_the_largest_numbers() -> None:
    x = np.array([[-1.7e308], [1.7e308], [0.0]])
    assert_allclose(SigmoidTransformer().fit(x).transform(x), expit([[-np.sqrt(1.5)], [np.sqrt(1.5)], [0]]), rtol=1e-14)
    assert_array_equal(SigmoidTransformer().fit(UNIT).transform(x), [[0], [1], [0.5]])


def test_an_outlier_costs_the_others_no_digits() -> None:
    x = np.array([[1e-3], [2e-3], [3e-3], [4e-3], [-1e15], [5e-3], [6e-3]])
    assert_allclose(SigmoidTransformer(robust=True).fit(x).scale_, 3e-3 / 1.3489795003921634, rtol=1e-14)


def test_varies_little_far_from_zero() -> None:
    x = np.array([[1e8], [1e8 + 2**-20], [1e8 - 2**-20]])
    assert_allclose(SigmoidTransformer().fit(x).scale_, 2**-20 * np.sqrt(2 / 3), rtol=1e-15)


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e308, 5e-324])
def test_constant_feature(value: float, robust: bool) -> None:
    x = np.column_stack([np.full(7, value), np.arange(7.0)])
    squash = SigmoidTransformer(feature_range=(-1, 3), robust=robust).fit(x)
    y = squash.transform(x)
    assert squash.scale_[0] == 1
    assert_array_equal(y[:, 0], 1)
    assert_array_equal(squash.inverse_transform(y)[:, 0], value)


def test_one_sample_is_constant() -> None:
    assert_array_equal(SigmoidTransformer().fit_transform([[3.0, -2.0]]), [[0.5, 0.5]])


# There and back


@searched
@given(st.floats(-700, 36.5), ranges)
def test_round_trip(z: float, ends: Any) -> None:
    """The error is what half an ulp in y makes of it."""
    squash = SigmoidTransformer(feature_range=ends).fit(UNIT)
    y = squash.transform([[z]])
    back = float(squash.inverse_transform(y)[0, 0])
    low, high = ends
    with mp.workprec(2000):
        # What y itself says, which is all that can be asked.
        below, above = mpf(float(y[0, 0])) - mpf(low), mpf(high) - mpf(float(y[0, 0]))
        if below == 0 or above == 0:
            assert back == (-np.inf if below == 0 else np.inf)
            return
        exact = mp.log(below / above)
        # Near the middle, y - low is rounded.
        slack = 4 * np.finfo(float).eps * max(1, abs(float(exact)), max(abs(low), abs(high)) / (high - low))
        assert abs(back - exact) <= slack
    if ends == (0.0, 1.0):
        half_ulp = np.spacing(y[0, 0]) / 2
        slope = float(expit(z)) * float(expit(-z))
        assert abs(back - z) <= 3 * half_ulp / slope + 1e-15 * abs(z)


@pytest.mark.parametrize(
    ("dtype", "top", "bottom"), [(np.float64, 37.4, -745.1), (np.float32, 17.3, -103.9), (np.float16, 8.3, -17.3)]
)
def test_how_far_the_way_back_reaches(dtype: Any, top: float, bottom: float) -> None:
    """The figures of the docstring."""
    squash = SigmoidTransformer().fit(UNIT)
    z = np.array([[bottom - 0.2], [bottom + 0.1], [top - 0.1], [top + 0.2]], dtype=dtype)
    y = squash.transform(z)
    assert y.dtype == dtype
    assert_array_equal(np.isfinite(squash.inverse_transform(y)).ravel(), [False, True, True, False])
    assert_array_equal(squash.inverse_transform(np.array([[0], [1]], dtype=dtype)), [[-np.inf], [np.inf]])
    # No loss towards 0, down to where numbers turn subnormal.
    z = np.array([[np.log(float(np.finfo(dtype).tiny)) + 0.1]], dtype=dtype)
    assert_allclose(squash.inverse_transform(squash.transform(z)), z, rtol=2 * float(np.finfo(dtype).eps))


# dtypes, nan, names


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_are_rounded_once(dtype: Any) -> None:
    x = np.random.default_rng(1).normal(3, 2, (200, 3)).astype(dtype)
    squash = SigmoidTransformer(feature_range=(0.1, 0.7)).fit(x)
    y = squash.transform(x)
    assert y.dtype == dtype
    assert_array_equal(y, squash.transform(x.astype(np.float64)).astype(dtype))
    assert squash.center_.dtype == squash.scale_.dtype == np.float64
    back = squash.inverse_transform(y)
    assert back.dtype == dtype
    assert_allclose(back, x, rtol=0, atol=400 * float(np.finfo(dtype).eps))


def test_ends_in_the_dtype_are_inside() -> None:
    """0.1 is more in float32 than in float64."""
    squash = SigmoidTransformer(feature_range=(-0.7, 0.1)).fit(UNIT)
    y = squash.transform(np.array([[-200.0], [200.0]], dtype=np.float32))
    assert_array_equal(y.ravel(), np.array([-0.7, 0.1], dtype=np.float32))
    assert_array_equal(squash.inverse_transform(y).ravel(), [-np.inf, np.inf])


@pytest.mark.parametrize("robust", [False, True])
def test_missing_values_do_not_count(robust: bool) -> None:
    x = np.random.default_rng(2).normal(size=(50, 2))
    holes = np.concatenate([x, np.full((3, 2), np.nan)])
    holes[50, 1] = 9.0
    squash = SigmoidTransformer(robust=robust).fit(holes)
    full = SigmoidTransformer(robust=robust).fit(x)
    assert_allclose((squash.center_[0], squash.scale_[0]), (full.center_[0], full.scale_[0]), rtol=1e-14)
    y = squash.transform(holes)
    assert_array_equal(np.isnan(y), np.isnan(holes))
    assert_array_equal(np.isnan(squash.inverse_transform(y)), np.isnan(holes))


def test_input_is_left_alone() -> None:
    x = np.array([[1.0, 2.0], [3.0, -5.0]])
    before = x.copy()
    squash = SigmoidTransformer().fit(x)
    squash.inverse_transform(squash.transform(x))
    assert_array_equal(x, before)


def test_names() -> None:
    squash = SigmoidTransformer().fit(np.eye(2))
    assert squash.get_feature_names_out().tolist() == ["x0", "x1"]
    assert squash.get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"length": [1.0, 2.0, 4.0], "width": [3.0, 1.0, 2.0]}, index=[7, 8, 9])
    squash = SigmoidTransformer().set_output(transform="pandas").fit(frame)
    y = squash.transform(frame)
    assert list(y.columns) == ["length", "width"]
    assert list(y.index) == [7, 8, 9]
    assert_allclose(squash.inverse_transform(y), frame.to_numpy(), rtol=1e-14)
    with pytest.raises(ValueError, match="feature 'width'"):
        squash.fit(frame.assign(width=np.nan))


def test_in_a_pipeline() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 2))
    y = x[:, 0] > 0
    x[::20] *= 1e6  # outliers on the right side
    assert make_pipeline(SigmoidTransformer(robust=True), LogisticRegression()).fit(x, y).score(x, y) > 0.95


# What is refused


@pytest.mark.parametrize("ends", [(1, 0), (0, 0), (0, np.inf), (np.nan, 1), (-1e308, 1e308), (0,), (0, 1, 2), 1, "ab"])
def test_ranges_that_are_none(ends: Any) -> None:
    with pytest.raises(ValueError, match=r"SigmoidTransformer: feature_range must .*, not "):
        SigmoidTransformer(feature_range=ends).fit(UNIT)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_sparse_is_refused(kind: Any) -> None:
    squash = SigmoidTransformer()
    for method in (squash.fit, squash.fit(np.eye(3)).transform, squash.inverse_transform):
        with pytest.raises(TypeError, match=r"sparse, but the sigmoid .* pass X.toarray\(\)"):
            method(kind(np.eye(3)))


def test_nothing_but_nan() -> None:
    x = np.array([[1.0, np.nan, np.nan], [2.0, np.nan, np.nan]])
    with pytest.raises(ValueError, match=r"nothing but nan in features 'x1', 'x2', .* 2 samples"):
        SigmoidTransformer().fit(x)


def test_outside_the_range() -> None:
    squash = SigmoidTransformer(feature_range=(-1, 1)).fit(np.eye(3))
    x = np.zeros((4, 3))
    x[2, 1], x[3, 0] = 1.5, -7
    with pytest.raises(
        ValueError, match=r"2 of 12 values .* first is 1.5 in row 2 of feature 'x1'.*numpy.clip\(X, -1.0"
    ):
        squash.inverse_transform(x)
    with pytest.raises(ValueError, match="X has 2 features, but it was fitted on 3"):
        squash.inverse_transform(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="infinity"):
        squash.transform(np.full((4, 3), np.inf))


def test_not_fitted() -> None:
    for method in (SigmoidTransformer().transform, SigmoidTransformer().inverse_transform):
        with pytest.raises(NotFittedError):
            method(UNIT)


# The package


def _python(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_loads_no_framework() -> None:
    loaded = _python("import sys, course_lib.frameworks; print(*sys.modules)").split()
    assert "course_lib.frameworks" in loaded
    assert not {"torch", "keras", "sklearn", "jax", "tensorflow"} & set(loaded)


@pytest.mark.parametrize(("module", "framework"), [("torch", "PyTorch"), ("keras", "Keras 3")])
def test_a_missing_framework_is_named(module: str, framework: str) -> None:
    program = (
        f"import sys; sys.modules['{module}'] = None\n"
        f"try:\n    import course_lib.frameworks.{module}\n"
        "except ImportError as error:\n    print(error.name, '|', error)"
    )
    expected = f'{module} | course_lib.frameworks.{module} needs {framework}: pip install "sigmoid-course[frameworks]"'
    assert _python(program).strip() == expected


def test_a_missing_backend_is_named(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("import sys\nsys.modules['tensorflow'] = None\nimport tensorflow\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "try:\n    import course_lib.frameworks.keras\nexcept ImportError as error:\n    print(error)"
    )
    assert "Keras is to run on tensorflow, which is not installed" in _python(program)
    assert "KERAS_BACKEND=torch" in _python(program)
