"""The checks that exercises call: what passes, what fails, and the words that learners read."""

import linecache
import sys
import tomllib
import traceback
import warnings
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbgrader.utils import determine_grade

from course_lib import checks
from course_lib.checks import SEED_VARIABLE, SLIPS, CheckFailed, Checks, Failure, is_plain, misconceptions, names_used


def returns(value):
    def f(*args, **kwargs):
        return value

    return f


def fails(error):
    def f(*args, **kwargs):
        raise error

    return f


def one_failure(check):
    """The only failure there is."""
    assert (check.passed, len(check.failures)) == (0, 1)
    return check.failures[0]


@pytest.fixture
def check():
    return Checks(points=4)


@pytest.fixture
def learner():
    """Compile learner's code as a notebook does: its lines are known, under a name that is not a file's."""
    labels = []

    def define(source, name):
        label = f"<cell {len(labels)}>"
        labels.append(label)
        linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
        namespace = {"np": np}
        exec(compile(source, label, "exec"), namespace)
        return namespace[name]

    yield define
    for label in labels:
        del linecache.cache[label]


class Equal:
    """Equal to everything, close to everything."""

    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    __hash__ = None


class MyFloat(float):
    def __eq__(self, other):
        return True

    def __rsub__(self, other):
        return 0.0

    __hash__ = float.__hash__


class MyArray(np.ndarray):
    pass


# --- close and value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (np.float64(0.5), 0.5),
        (np.array(0.5), 0.5),
        (1, 1.0),
        (0.5 + 1e-10, 0.5),
        (float("nan"), np.nan),
        (float("inf"), np.inf),
        (-0.0, 0.0),
        (1 + 2j, 1 + 2j),
        (np.array([1.0, np.nan, -np.inf]), np.array([1.0, np.nan, -np.inf])),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (True, True),
        (np.True_, True),
        (np.array(False), False),
        (np.array([True, False]), np.array([True, False])),
        (np.array([1, 0]), np.array([True, False])),
        ("yes", "yes"),
        (np.str_("yes"), "yes"),
        (np.array(["a", "b"]), np.array(["a", "b"])),
        (None, None),
        ((1.0, 2.0), (1.0, 2.0)),
        ([1.0, [2.0, "a"]], [1, [2, "a"]]),
        ({"a": np.array([1.0])}, {"a": np.array([1.0])}),
    ],
)
def test_close_takes(check, value, expected):
    check.close(returns(value), expected=expected)
    check.value("x", value, expected=expected)
    assert (check.passed, check.failures) == (2, [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5 + 1e-8, 0.5),
        (float("nan"), 0.5),
        (0.5, float("nan")),
        (float("inf"), 1e308),
        (1e308, float("inf")),
        (float("-inf"), float("inf")),
        (0.5, np.array([0.5])),
        (np.array([0.5]), 0.5),
        ([0.5], 0.5),
        ([0.5], np.array([0.5])),
        ((0.5,), np.array([0.5])),
        ([1, [2, 3]], np.array([1.0, 2.0])),
        (True, 1.0),
        (np.array([True]), np.array([1.0])),
        (1 + 0j, 1.0),
        ("0.5", 0.5),
        (b"0.5", 0.5),
        (np.array(["0.5"]), np.array([0.5])),
        (10**400, 1.0),
        (None, 0.5),
        (2, True),
        ("yes", True),
        (False, None),
        ("Yes", "yes"),
        ([1.0, 2.0], (1.0, 2.0)),
        ((1.0,), (1.0, 2.0)),
        ({"a": 1}, {"b": 1}),
        (Equal(), 0.5),
        ([Equal()], [0.5]),
        ({"a": Equal()}, {"a": 0.5}),
        (np.array([Equal()], dtype=object), np.array([0.5])),
        (MyFloat(3), 0.5),
        (np.zeros(2).view(MyArray), np.zeros(2)),
        (np.ma.masked_all(2), np.zeros(2)),
    ],
)
def test_close_refuses(check, value, expected):
    check.close(returns(value), expected=expected)
    check.value("x", value, expected=expected)
    assert (check.passed, len(check.failures)) == (0, 2)


@given(st.floats(), st.floats(), st.floats(0, 1e-3), st.floats(0, 10))
def test_close_is_numpys_isclose(value, expected, rtol, atol):
    check = Checks(points=1)
    check.close(returns(value), expected=expected, rtol=rtol, atol=atol)
    with np.errstate(all="ignore"):
        assert check.passed == np.isclose(value, expected, rtol=rtol, atol=atol, equal_nan=True)


def test_close_says_what_was_called_returned_and_expected(check):
    def sigmoid(x, slope=1.0):
        return -x

    check.close(sigmoid, args=[np.float64(0.25)], kwargs={"slope": 2.0}, expected=0.5)
    assert one_failure(check) == Failure("sigmoid(0.25, slope=2.0) returned -0.25, expected 0.5", None, False)


@pytest.mark.parametrize(
    ("value", "expected", "message"),
    [
        (
            np.array([0.0, 0.25]),
            np.array([0.0, 0.5]),
            "f(array([1., 2.])) returned array([0., 0.25]), expected array([0., 0.5])\n"
            "  First difference at [1], for the input 2.0: 0.25 instead of 0.5.",
        ),
        (
            np.array([[0.0, 1.0]]),
            np.array([[0.0, 2.0]]),
            "f(array([1., 2.])) returned array([[0., 1.]]), expected array([[0., 2.]])\n"
            "  First difference at [(0, 1)]: 1.0 instead of 2.0.",
        ),
        (
            np.array([0.0]),
            np.array([0.0, 0.5]),
            "f(array([1., 2.])) returned array([0.]), expected array([0., 0.5])\n  Its shape is (1,), not (2,).",
        ),
        (
            np.arange(20.0),
            np.arange(20.0) + 1e-7,
            "f(array([1., 2.])) returned an array of shape (20,): [0., 1., 2., ..., 17., 18., 19.], "
            "expected an array of shape (20,): [1.00000000e-07, 1.00000010e+00, 2.00000010e+00, ..., 1.70000001e+01, "
            "1.80000001e+01, 1.90000001e+01]\n  First difference at [0]: 0.0 instead of 1e-07.",
        ),
        (
            np.float32(0.1),
            0.1,
            "f(array([1., 2.])) returned np.float32(0.1), expected 0.1\n"
            "  Its dtype is float32: fewer digits than float64.",
        ),
        (
            [1.0, 2.0],
            np.array([1.0, 2.0]),
            "f(array([1., 2.])) returned [1.0, 2.0], expected array([1., 2.])\n  That is a list, not an array.",
        ),
        (
            (np.float64(1), 2.0),
            (1.0, 3.0),
            "f(array([1., 2.])) returned (1.0, 2.0), expected (1.0, 3.0)\n  At [1]: 2.0 instead of 3.0.",
        ),
        (
            {"a": 1},
            {"b": 1},
            "f(array([1., 2.])) returned {'a': 1}, expected {'b': 1}\n  Its keys are ['a'], not ['b'].",
        ),
        (
            Equal(),
            0.5,
            "f(array([1., 2.])) returned an object of type Equal, expected numbers, arrays or strings",
        ),
    ],
    ids=lambda v: type(v).__name__,
)
def test_close_says_where_it_differs(check, value, expected, message):
    check.close(returns(value), args=[np.array([1.0, 2.0])], expected=expected)
    assert one_failure(check).message == message


def test_messages_do_not_depend_on_print_options(check):
    with np.printoptions(precision=2, sign="+", nanstr="?"):
        check.close(returns(np.array([0.123456, np.nan])), expected=np.array([0.0, 0.0]))
    assert "returned array([0.123456, nan])" in one_failure(check).message


def test_value_names_the_variable(check):
    check.value("share", 0.2, expected=0.3)
    check.value("share", ..., expected=0.3)
    assert [f.message for f in check.failures] == [
        "share is 0.2, expected 0.3",
        "share is an object of type ellipsis, expected numbers, arrays or strings",
    ]


def test_a_mistake_that_came_back_is_named(check):
    mistakes = {"precedence": 2.0, "range-of-tanh": 0.0}
    check.close(returns(0.0), expected=0.5, mistakes=mistakes, hint="dead-tail")
    check.close(returns(0.1), expected=0.5, mistakes=mistakes, hint="dead-tail")
    check.close(returns(0.1), expected=0.5, mistakes=mistakes)
    check.close(fails(ValueError()), expected=0.5, mistakes=mistakes)
    check.close(returns(Equal()), expected=0.5, mistakes=mistakes)
    check.value("x", 2.0, expected=0.5, mistakes=mistakes)
    assert [f.hint for f in check.failures] == ["range-of-tanh", "dead-tail", None, None, None, "precedence"]


@pytest.mark.parametrize("words", [{"hint": "no-such-thing"}, {"mistakes": {"no-such-thing": 1.0}}])
def test_an_unknown_misconception_is_the_authors_mistake(check, words):
    with pytest.raises(ValueError, match=r"misconceptions.toml does not explain 'no-such-thing'"):
        check.close(returns(0.5), expected=0.5, **words)


def test_arguments_are_copies(check):
    def greedy(x, parts):
        x[:] = 0
        parts.clear()
        return 0.0

    x, parts = np.ones(2), [1]
    check.close(greedy, args=[x], kwargs={"parts": parts}, expected=0.0)
    assert (check.passed, x.tolist(), parts) == (1, [1.0, 1.0], [1])
    check.close(returns(1.0), args=[x], expected=0.0)
    assert check.failures[0].message.startswith("f(array([1., 1.]))")


# --- slips that show by themselves


def printing(x):
    print(0.5)


def on_numbers_only(x):
    return 1.0 if x > 0 else 0.0


def with_math(x):
    return float(np.asarray(x))


def on_arrays_only(x):
    return np.empty(x.shape)


def with_items(x):
    return x[0]


SLIPPING = [
    (printing, 1.0, 0.5, "print-not-return", "printing(1.0) returned None, expected 0.5\n  It printed '0.5'."),
    (returns(None), 1.0, 0.5, "no-return", "f(1.0) returned None, expected 0.5"),
    (
        on_numbers_only,
        np.array([1.0, 2.0]),
        np.array([1.0, 1.0]),
        "scalar-only",
        "on_numbers_only(array([1., 2.])) raised ValueError: The truth value of an array with more than one element is "
        "ambiguous. Use a.any() or a.all()",
    ),
    (
        with_math,
        np.array([1.0, 2.0]),
        np.array([1.0, 2.0]),
        "scalar-only",
        "with_math(array([1., 2.])) raised TypeError: only 0-dimensional arrays can be converted to Python scalars",
    ),
    (
        on_arrays_only,
        1.0,
        0.5,
        "array-only",
        "on_arrays_only(1.0) raised AttributeError: 'float' object has no attribute 'shape'",
    ),
    (
        with_items,
        1.0,
        0.5,
        "array-only",
        "with_items(1.0) raised TypeError: 'float' object is not subscriptable",
    ),
    (
        returns([0.5, 0.5]),
        np.array([1.0, 2.0]),
        np.array([0.5, 0.5]),
        "list-not-array",
        "f(array([1., 2.])) returned [0.5, 0.5], expected array([0.5, 0.5])\n  That is a list, not an array.",
    ),
    (
        returns(np.array([0, 0])),
        np.array([1, 2]),
        np.array([0.5, 0.75]),
        "integer-result",
        "f(array([1, 2])) returned array([0, 0]), expected array([0.5, 0.75])\n"
        "  First difference at [0], for the input 1: 0 instead of 0.5.",
    ),
]


@pytest.mark.parametrize(
    ("function", "argument", "expected", "slip", "message"), SLIPPING, ids=[s[3] for s in SLIPPING]
)
def test_a_slip_is_recognised_before_any_other_hint(check, function, argument, expected, slip, message):
    check.close(function, args=[argument], expected=expected, hint="dead-tail")
    assert one_failure(check) == Failure(message, slip, False)


def test_slips_are_explained():
    assert {s[3] for s in SLIPPING} | {"changes-its-input", "out-ignored", "out-not-returned"} == SLIPS
    assert set(misconceptions()) >= SLIPS


def test_a_crash_before_the_mathematics_gets_no_hint(check):
    def misspelt(x):
        return sigmod(x)  # noqa: F821

    check.close(misspelt, args=[1.0], expected=0.5, hint="dead-tail")
    assert one_failure(check) == Failure("misspelt(1.0) raised NameError: name 'sigmod' is not defined", None, False)


@pytest.mark.parametrize("error", [OverflowError("math range error"), ValueError("math domain error"), TypeError("no")])
def test_other_errors_keep_the_hint(check, error):
    check.close(fails(error), args=[1.0], expected=0.5, hint="dead-tail")
    assert one_failure(check).hint == "dead-tail"


# --- errors and the learner's lines


def test_an_error_quotes_the_learners_line(check, learner):
    f = learner("def helper(x):\n    return 1 / x\n\ndef f(x):\n    return helper(x)\n", "f")
    check.close(f, args=[0], expected=1.0)
    assert one_failure(check).message == (
        "f(0) raised ZeroDivisionError: division by zero (line 2 of your cell: return 1 / x)"
    )


def test_an_error_inside_a_library_quotes_the_learners_line(check, learner):
    f = learner("def f(x):\n    return np.linalg.inv(x)\n", "f")
    check.close(f, args=[np.zeros((2, 2))], expected=1.0)
    assert one_failure(check).message == (
        "f(array([[0., 0.], [0., 0.]])) raised LinAlgError: Singular matrix "
        "(line 2 of your cell: return np.linalg.inv(x))"
    )


def test_an_error_of_another_process_brings_its_frames(check):
    error = ValueError("far away")
    error.student_frames = [
        traceback.FrameSummary("<cell 3>", 1, "f", line="def f(): return g()"),
        traceback.FrameSummary("<cell 2>", 7, "g", line="    raise ValueError('far away')"),
    ]
    check.close(fails(error), args=[], expected=1.0)
    assert one_failure(check).message == (
        "f() raised ValueError: far away (line 7 of your cell: raise ValueError('far away'))"
    )


def test_an_error_without_words(check):
    check.close(fails(ValueError()), expected=1.0)
    assert one_failure(check).message == "f() raised ValueError"


@pytest.mark.parametrize("leave", [SystemExit(), SystemExit(1)])
def test_exit_is_a_wrong_answer(check, leave):
    check.close(fails(leave), expected=1.0)
    assert one_failure(check).message.startswith("f() raised SystemExit")


def test_the_learners_interrupt_is_theirs(check):
    with pytest.raises(KeyboardInterrupt):
        check.close(fails(KeyboardInterrupt()), expected=1.0)


def test_long_values_and_messages_are_cut(check):
    check.close(fails(ValueError("x" * 10_000)), args=["y" * 10_000, list(range(1000))], expected=1.0)
    assert len(one_failure(check).message) < 500
    assert "[0, 1, 2, 3, 4, 5, …]" in check.failures[0].message


def test_what_a_function_writes_does_not_show(check, capfd):
    def noisy(x):
        print("out")
        print("err", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return x

    check.close(noisy, args=[1.0], expected=1.0)
    assert check.passed == 1
    assert capfd.readouterr() == ("", "")


# --- the other checks


def negates(x, out=None):
    """Negate an array, in the way that `out=` asks for."""
    return np.negative(x, out=out)


def test_fills(check):
    x, out = np.array([1.0, 2.0]), np.full(2, np.nan)
    check.fills(negates, args=[x], out=out, expected=-x)
    check.fills(negates, args=[x], out=x, expected=-x)
    check.fills(lambda *, x, out: negates(x, out), kwargs={"x": x}, out=x, expected=-x)
    check.fills(negates, args=[np.zeros(0)], out=np.zeros(0), expected=np.zeros(0))
    check.fills(negates, args=[x], out=np.full((2, 2), 7.0), expected=np.array([-x, -x]))
    assert (check.passed, check.failures) == (5, [])
    assert (x.tolist(), np.isnan(out).tolist()) == ([1.0, 2.0], [True, True])


def overwrites(x, out):
    out[:] = abs(x)
    out[:] = x + 1
    return out


@pytest.mark.parametrize(
    ("function", "out", "hint", "message"),
    [
        (
            lambda x, out: -x,
            np.full(2, np.nan),
            "out-ignored",
            "f(array([1., -2.]), out=array([nan, nan])) left in out array([nan, nan]), expected array([-1., 2.])\n"
            "  First difference at [0], for the input 1.0: nan instead of -1.0.",
        ),
        (
            lambda x, out: negates(x, out).copy(),
            np.full(2, np.nan),
            "out-not-returned",
            "f(array([1., -2.]), out=array([nan, nan])) returned another array, expected out itself",
        ),
        (
            lambda x, out: negates(x, out)[:],
            np.full(2, np.nan),
            "out-not-returned",
            "f(array([1., -2.]), out=array([nan, nan])) returned another array, expected out itself",
        ),
        (
            lambda x, out: negates(x, out) is None,
            np.full(2, np.nan),
            "out-not-returned",
            "f(array([1., -2.]), out=array([nan, nan])) returned False, expected out itself",
        ),
        (
            lambda x, out: print(negates(x, out).size),
            np.full(2, np.nan),
            "print-not-return",
            "f(array([1., -2.]), out=array([nan, nan])) returned None, expected out itself\n  It printed '2'.",
        ),
        (
            lambda x, out: out,
            np.full(2, np.nan),
            "dead-tail",
            "f(array([1., -2.]), out=array([nan, nan])) left in out array([nan, nan]), expected array([-1., 2.])\n"
            "  First difference at [0], for the input 1.0: nan instead of -1.0.",
        ),
        (
            overwrites,
            "x",
            "precedence",
            "f(array([1., -2.]), out=the same array) left in out array([2., 3.]), expected array([-1., 2.])\n"
            "  First difference at [0], for the input 1.0: 2.0 instead of -1.0.",
        ),
        (
            fails(ValueError("no")),
            np.full(2, np.nan),
            "dead-tail",
            "f(array([1., -2.]), out=array([nan, nan])) raised ValueError: no",
        ),
    ],
)
def test_fills_refuses(check, function, out, hint, message):
    def f(x, out):
        return function(x, out)

    x = np.array([1.0, -2.0])
    mistakes = {"precedence": np.array([2.0, 3.0])}
    check.fills(f, args=[x], out=x if isinstance(out, str) else out, expected=-x, mistakes=mistakes, hint="dead-tail")
    assert one_failure(check) == Failure(message, hint, False)


def test_shape(check):
    check.shape(returns(np.zeros((2, 3))), expected=(2, 3))
    check.shape(returns(1.5), expected=())
    check.shape(returns(np.zeros(3)), expected=(2, 3), hint="dead-tail")
    check.shape(returns([0.0, 0.0]), expected=(2,))
    check.shape(returns([1, [2]]), expected=(2,))
    check.shape(returns("ab"), expected=())
    check.shape(fails(ValueError("no")), expected=())
    assert check.passed == 2
    assert [(f.message, f.hint) for f in check.failures] == [
        ("f() returned shape (3,), expected (2, 3)", "dead-tail"),
        ("f() returned [0.0, 0.0], expected a number or an array", "list-not-array"),
        ("f() returned [1, [2]], expected a number or an array", "list-not-array"),
        ("f() returned 'ab', expected a number or an array", None),
        ("f() raised ValueError: no", None),
    ]


def test_dtype(check):
    check.dtype(returns(1.5), expected=np.float64)
    check.dtype(returns(np.float32(1.5)), expected=np.float32)
    check.dtype(returns(np.zeros(2)), args=[np.float32(3)], expected="float32", hint="dead-tail")
    check.dtype(returns(None), expected=float)
    assert check.passed == 2
    assert [(f.message, f.hint) for f in check.failures] == [
        ("f(np.float32(3.0)) returned dtype float64, expected float32", "dead-tail"),
        ("f() returned None, expected a number or an array", "no-return"),
    ]


def test_no_warnings(check, learner):
    f = learner("def f(x):\n    return 1 / (1 + np.exp(-x))\n", "f")
    check.no_warnings(f, args=[3.0])
    check.no_warnings(f, args=[np.array([-1000.0])], hint="overflow")
    check.no_warnings(fails(ValueError("no")), hint="overflow")
    assert check.passed == 1
    assert check.failures[0] == Failure(
        "f(array([-1000.])) warned: overflow encountered in exp (line 2 of your cell: return 1 / (1 + np.exp(-x)))\n"
        "  exp of so large a number does not fit in its dtype.",
        "overflow",
        False,
    )
    assert check.failures[1].message == "f() raised ValueError: no"


def test_no_warnings_tells_mistakes_apart_by_what_came_back(check):
    def f(x):
        return np.exp(x) / (1 + np.exp(x))

    check.no_warnings(f, args=[np.array([1e3])], mistakes={"inf-over-inf": np.array([np.nan])}, hint="overflow")
    check.no_warnings(f, args=[np.array([1e3])], mistakes={"inf-over-inf": np.array([1.0])}, hint="overflow")
    assert [f.hint for f in check.failures] == ["inf-over-inf", "overflow"]


def test_warnings_that_are_errors_elsewhere_are_still_warnings(check):
    def f(x):
        return np.log(x)

    check.close(f, args=[np.array([0.0])], expected=np.array([-np.inf]))
    assert check.passed == 1


def test_raises(check):
    check.raises(fails(ValueError("must be positive")), expected=ValueError)
    check.raises(fails(ValueError("must be positive")), expected=ValueError, match="posit")
    check.raises(fails(ZeroDivisionError("zero")), expected=ArithmeticError)
    check.raises(returns(0.5), args=[-1.0], expected=ValueError, hint="dead-tail")
    check.raises(fails(TypeError("no")), expected=ValueError)
    check.raises(fails(ValueError("no")), expected=ValueError, match="posit")
    assert check.passed == 3
    assert [f.message for f in check.failures] == [
        "f(-1.0) returned 0.5, expected it to raise ValueError",
        "f() raised TypeError: no; expected ValueError",
        "f() raised ValueError: no; expected a message that mentions 'posit'",
    ]


def test_a_stub_raises_nothing_that_counts(check):
    for expected in (Exception, RuntimeError, NotImplementedError):
        check.raises(fails(NotImplementedError()), expected=expected)
    assert (check.passed, check.earned) == (0, 0)


def test_gradient(check):
    x = np.linspace(-3, 3, 7)
    check.gradient(np.cos, of=np.sin, at=x)
    check.gradient(lambda x: 2 * x, of=lambda x: x**2, at=3.0)
    check.gradient(lambda x, a: a * np.exp(a * x), of=lambda x, a: np.exp(a * x), at=x, kwargs={"a": 2.0})
    check.gradient(lambda x: 1 / x**2, of=lambda x: 1 / x, at=np.array([1e-2, 1e3]), rtol=1e-3)
    assert (check.passed, len(check.failures)) == (3, 1)  # a step of 1e-3 is too long at 0.01


def test_gradient_names_the_function_that_fails(check, learner):
    f = learner("def f(x):\n    return undefined\n", "f")
    check.gradient(np.cos, of=f, at=0.0)
    check.gradient(np.cos, of=returns(np.zeros(3)), at=0.0)
    check.gradient(np.sin, of=np.sin, at=np.array([0.5]), hint="dead-tail")
    assert check.failures[0].message.startswith("f(-0.002) raised NameError: name 'undefined' is not defined (line 2")
    assert check.failures[1].message == "f(-0.002) returned shape (3,), expected ()"
    assert check.failures[2].message.startswith(
        "sin(array([0.5])) returned array([0.47942554]), expected array([0.87758"
    )
    assert check.failures[2].hint == "dead-tail"


def test_property(check):
    def between(p):
        return np.all((p > 0) & (p < 1))

    check.property(returns(np.array([0.2, 0.8])), holds=between, says="lies between 0 and 1")
    check.property(returns(1.5), args=[3.0], holds=between, says="lies between 0 and 1", hint="range-of-tanh")
    check.property(returns("a"), holds=between, says="lies between 0 and 1")
    check.property(returns(0), holds=lambda v: 1 / v > 0, says="is positive")
    check.property(returns(Equal()), holds=lambda v: v == 3, says="is 3")
    assert check.passed == 1
    assert [(f.message, f.hint) for f in check.failures] == [
        ("f(3.0) returned 1.5, expected a result that lies between 0 and 1", "range-of-tanh"),
        ("f() returned 'a', expected a result that lies between 0 and 1", None),
        ("f() returned 0, expected a result that is positive", None),
        ("f() returned an object of type Equal, expected numbers, arrays or strings", None),
    ]


@pytest.mark.parametrize(
    ("argument", "spoil"),
    [
        (np.array([1.0, 2.0]), lambda x: x.sort(reverse=True) if isinstance(x, list) else x.__setitem__(0, 7.0)),
        ([1.0, 2.0], lambda x: x.__setitem__(0, 7.0)),
        ([1.0], lambda x: x.append(2.0)),
        ([[1.0]], lambda x: x[0].__setitem__(0, 7.0)),
        ({"a": 1}, lambda x: x.update(a=2)),
        ({"a": 1}, lambda x: x.update(b=2)),
        ((np.zeros(1),), lambda x: x[0].__setitem__(0, 7.0)),
    ],
    ids=lambda v: "" if callable(v) else repr(v),
)
def test_unchanged(check, argument, spoil):
    check.unchanged(returns(None), args=[argument])
    check.unchanged(lambda *, a: None, kwargs={"a": argument})
    check.unchanged(spoil, args=[argument])
    assert check.passed == 2
    assert check.failures[0].hint == "changes-its-input"


def test_unchanged_says_what_became_of_the_argument(check):
    def negate(x):
        x *= -1
        return x

    check.unchanged(negate, args=[np.array([1.0, 2.0])])
    assert one_failure(check).message == (
        "negate(array([1., 2.])) changed its argument to array([-1., -2.]), expected it to be left alone"
    )


def test_unchanged_knows_nan(check):
    check.unchanged(returns(None), args=[[float("nan")], np.array([np.nan]), len])
    assert check.passed == 1


# --- plain data


@pytest.mark.parametrize(
    "value",
    [
        0,
        1.5,
        True,
        2j,
        "a",
        b"a",
        None,
        [1, (2.0, {"a": None})],
        np.zeros((2, 2)),
        np.float16(1),
        np.bool_(0),
        np.str_(""),
    ],
    ids=lambda v: type(v).__name__,
)
def test_plain(value):
    assert is_plain(value)


class Disguised(np.float64):
    __module__ = "numpy"


def endless():
    items = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    "value",
    [
        Equal(),
        MyFloat(1),
        Disguised(1),
        [Equal()],
        {1: Equal()},
        {MyFloat(1): 1},
        np.array([None]),
        np.zeros(1).view(MyArray),
        np.zeros(1, dtype=[("a", float)]),
        np.datetime64("2020-01-01"),
        range(3),
        {1, 2},
        len,
        ...,
        endless(),
    ],
    ids=lambda v: type(v).__name__,
)
def test_not_plain(value):
    assert not is_plain(value)


# --- marks and reports


def test_every_check_is_worth_the_same():
    check = Checks(points=3)
    assert check.earned == 0
    for value in (1.0, 1.0, 2.0):
        check.close(returns(value), expected=1.0)
    assert check.earned == 2
    for _ in range(4):
        check.close(returns(1.0), expected=1.0)
    assert check.earned == 2.57


def test_full_marks_print(check, capsys):
    check.close(returns(1.0), expected=1.0)
    check.score()
    assert capsys.readouterr() == ("1 of 1 checks passed (4 of 4 points)\n", "")


def test_partial_marks_say_so_on_stderr(check, capsys):
    check.close(returns(1.0), args=[1.0], expected=1.0)
    check.close(returns(1.0), args=[2.0], expected=2.0)
    check.score()
    assert capsys.readouterr() == ("", "1 of 2 checks passed (2 of 4 points)\nf(2.0) returned 1.0, expected 2.0\n")


def test_no_marks_raise(check):
    check.close(returns(1.0), args=[2.0], expected=2.0, hint="dead-tail")
    with pytest.raises(CheckFailed) as caught:
        check.score()
    entry = misconceptions()["dead-tail"]
    assert caught.value._render_traceback_() == [
        "0 of 1 checks passed (0 of 4 points)",
        "f(2.0) returned 1.0, expected 2.0",
        f"  Hint (dead-tail): {entry['hint']}",
        f"  Read again: {entry['read']}.",
    ]


def test_a_cell_without_checks_earns_nothing(check):
    with pytest.raises(CheckFailed):
        check.score()


def test_a_stub_is_told_once_and_earns_nothing(check):
    def sigmoid(x, out=None):
        raise NotImplementedError

    def every_check():
        check.close(sigmoid, args=[1.0], expected=1.0, hint="dead-tail")
        check.shape(sigmoid, args=[1.0], expected=())
        check.dtype(sigmoid, args=[1.0], expected=float)
        check.no_warnings(sigmoid, args=[1.0], hint="overflow")
        check.unchanged(sigmoid, args=[np.ones(2)])
        check.fills(sigmoid, args=[np.ones(2)], out=np.ones(2), expected=np.ones(2))
        check.property(sigmoid, args=[1.0], holds=lambda v: True, says="is anything")
        check.raises(sigmoid, args=[1.0], expected=Exception)
        check.gradient(sigmoid, of=np.sin, at=0.0)
        check.gradient(np.sin, of=sigmoid, at=0.0)

    every_check()
    with check.hidden():
        every_check()
    assert check.earned == 0
    assert check.report() == (
        "0 of 20 checks passed (0 of 4 points)\nsigmoid is not written yet (it raised NotImplementedError)"
    )


def test_a_stub_below_is_the_one_named(check, learner):
    f = learner("def logit(p):\n    raise NotImplementedError()\n\ndef soften(p):\n    return logit(p) / 2\n", "soften")
    check.close(f, args=[0.5], expected=0.5)
    assert one_failure(check).message == "soften needs logit, which is not written yet (it raised NotImplementedError)"


def test_hidden_failures_keep_their_secret(check):
    secret = np.array([0.123456789, 3.25])
    with check.hidden():
        check.close(returns(0.75), args=[secret], expected=0.987654321, hint="dead-tail")
        check.close(returns(0.75), args=[secret], expected=0.987654321)
        check.raises(returns(0.75), args=[secret], expected=KeyError)
        check.close(fails(ValueError(f"{secret}")), args=[secret], expected=0.987654321)
        check.close(lambda x: print(x), args=[secret], expected=0.987654321)
    check.close(returns(1.0), expected=1.0)
    assert check.report().splitlines() == [
        "1 of 6 checks passed (0.67 of 4 points)",
        "5 hidden checks did not pass, on inputs that are not shown.",
        f"  Hint (dead-tail): {misconceptions()['dead-tail']['hint']}",
        f"  Read again: {misconceptions()['dead-tail']['read']}.",
        f"  Hint (print-not-return): {misconceptions()['print-not-return']['hint']}",
    ]
    assert [f.hidden for f in check.failures] == [True] * 5


def test_hidden_ends_with_its_block(check):
    with check.hidden(), check.hidden():
        pass
    check.close(returns(1.0), expected=2.0)
    assert not one_failure(check).hidden


def test_an_exception_in_a_hidden_block_is_one_failure_without_a_traceback(check):
    with check.hidden():
        check.close(returns(1.0), expected=1.0)
        raise KeyError("the secret input")
    check.close(returns(1.0), expected=2.0)
    assert [f.hidden for f in check.failures] == [True, False]
    assert "secret" not in check.report()
    with pytest.raises(KeyboardInterrupt), check.hidden():
        raise KeyboardInterrupt


def test_a_report_shows_each_misconception_once(check):
    for x in (1.0, 2.0, 3.0):
        check.close(returns(0.0), args=[x], expected=x)
    for x in (4.0, 5.0):
        check.close(returns(0.0), args=[x], expected=x, hint="precedence")
    check.close(returns(0.0), args=[6.0], expected=6.0, hint="dead-tail")
    with check.hidden():
        check.close(returns(0.0), args=[7.0], expected=7.0, hint="dead-tail")
    told = misconceptions()
    assert check.report().splitlines() == [
        "0 of 7 checks passed (0 of 4 points)",
        "f(4.0) returned 0.0, expected 4.0",
        f"  Hint (precedence): {told['precedence']['hint']}",
        "f(6.0) returned 0.0, expected 6.0",
        f"  Hint (dead-tail): {told['dead-tail']['hint']}",
        f"  Read again: {told['dead-tail']['read']}.",
        "f(1.0) returned 0.0, expected 1.0",
        "3 more checks did not pass.",
        "1 hidden check did not pass, on inputs that are not shown.",
    ]


def test_a_report_shows_the_same_error_once(check):
    for x in (1.0, 2.0):
        check.close(fails(NameError("name 'sigmod' is not defined")), args=[x], expected=x)
    assert check.report().splitlines()[1:] == [
        "f(1.0) raised NameError: name 'sigmod' is not defined",
        "1 more check did not pass.",
    ]


def test_rng_follows_the_cohorts_seed(check, monkeypatch):
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    practice = check.rng().uniform(size=3)
    assert np.array_equal(practice, check.rng().uniform(size=3))
    monkeypatch.setenv(SEED_VARIABLE, "2027")
    assert not np.array_equal(practice, check.rng().uniform(size=3))
    assert np.array_equal(check.rng().uniform(size=3), np.random.default_rng(2027).uniform(size=3))


def test_misconceptions_ask_and_do_not_answer():
    path = Path(checks.__file__).with_name("misconceptions.toml")
    assert misconceptions() == tomllib.loads(path.read_text(encoding="utf-8"))
    for name, entry in misconceptions().items():
        assert set(entry) <= {"hint", "read"}, name
        assert "?" in entry["hint"], name
        assert len(entry["hint"]) <= 180, name
        assert entry.get("read", "chapter 1").startswith("chapter "), name


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-(2**63), 0), (np.int8([-128, 0]), np.int8([0, 0])), (2**63 - 1, -(2**63)), (np.uint8([0]), np.uint8([255]))],
)
def test_an_integer_that_wraps_round_is_not_close(value, expected):
    check = Checks(points=1)
    check.value("n", value, expected=expected, rtol=1e-9)
    check.value("n", expected, expected=expected, rtol=1e-9)
    assert check.earned == 0.5


# --- names that are not allowed


BARRED = "scipy.special.expit"


@pytest.mark.parametrize(
    "cells",
    [
        ["import scipy.special\ndef f(x): return scipy.special.expit(x)"],
        ["import scipy.special as sp\ndef f(x): return sp.expit(x)"],
        ["from scipy import special\ndef f(x): return special.expit(x)"],
        ["from scipy.special import expit", "def f(x): return expit(x)"],
        ["from scipy.special import expit as e", "def f(x): return e(x)"],
        ["from scipy.special import *", "def f(x): return expit(x)"],
        ["def f(x):\n    from scipy.special import expit\n    return expit(x)"],
        ["def f(x):\n    from scipy.special import *\n    return expit(x)"],
        ["def f(x):\n    import scipy.special as s\n    return s.expit(x)"],
        ["from scipy.special import expit\ndef g(x): return expit(x)", "def f(x): return g(x)"],
        [
            "def f(x):\n    def inner(y):\n        return expit(y)\n    return inner(x)",
            "from scipy.special import expit",
        ],
        ["import scipy\ng = scipy.special.expit", "f = g"],
        ["import scipy\na, b = scipy.special.expit, 1\ndef f(x): return a(x)"],
        ["import scipy\ns = scipy.special\ndef f(x): return s.expit(x)"],
        ["from scipy.special import expit\nf = lambda x: expit(x)"],
        ["from functools import partial\nfrom scipy.special import expit\nf = partial(expit)"],
        ["from scipy.special import expit\ntable = {'s': expit}\ndef f(x): return table['s'](x)"],
        ["from scipy.special import expit\ndef f(x, _expit=expit): return _expit(x)"],
        ["from scipy.special import expit\ndef f(x, *, expit=expit): return expit(x)"],
        ["from scipy.special import expit\n@expit\ndef f(x): return x"],
        ["from scipy.special import expit\nclass F:\n    def __call__(self, x): return expit(x)\nf = F()"],
        ["import scipy.special\ndef f(x): return getattr(scipy.special, 'expit')(x)"],
        ["import importlib\ndef f(x): return importlib.import_module('scipy.special').expit(x)"],
        ["def f(x): return __import__('scipy.special').special.expit(x)"],
        ["%matplotlib inline\nfrom scipy.special import expit\ndef f(x): return expit(x)"],
        ["%%time\nfrom scipy.special import expit\ndef f(x): return expit(x)"],
        ["  here = %pwd\n  from scipy.special import expit\n  def f(x): return expit(x)"],
        ["if True:\n    from scipy.special import expit\nfor g in [expit]:\n    pass\ndef f(x): return g(x)"],
        ["from scipy.special import expit\ndef f(x):\n    return expit(x)\nif False:\n    def f(x): return x"],
        ["def f(x):\n    global g\n    g = 1\n    return g(x)", "from scipy.special import expit as g"],
    ],
)
def test_names_used_finds(cells):
    assert BARRED in names_used("f", cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["import numpy as np\ndef f(x): return 1 / (1 + np.exp(-x))"],
        ["from scipy.special import expit\nprint(expit(0.0))", "def f(x): return x"],
        ["from scipy.special import expit\ndef g(x): return expit(x)", "def f(x): return x"],
        ["from scipy.special import expit as p", "def f(p): return p"],
        ["from scipy.special import expit as p", "def f(x):\n    p = x\n    return p"],
        ["from scipy.special import expit as f", "def f(x): return x"],
        ["from scipy.special import expit\ndef f(x): return expit(x)", "def f(x): return x"],
        ["def f(x): return x.expit"],
        ["def f(x): return 'scipy.special.expit'"],
        ["def f(x: return", "def f(x): return x"],
        [],
    ],
)
def test_names_used_does_not_find(cells):
    assert BARRED not in names_used("f", cells)


def test_names_used_gives_full_names():
    cells = [
        "import numpy as np",
        "def g(y):\n    return abs(y)",
        "def f(x):\n    z = np.linalg.norm(x)\n    return g(z)",
    ]
    assert names_used("f", cells) == {"numpy.linalg.norm", "abs"}
    assert names_used("missing", cells) == {"missing"}


def test_names_used_ends():
    assert names_used("f", ["def f(x): return g(x)", "def g(x): return f(x)", "a = b", "b = a"]) == set()
    assert names_used("a", ["a = b", "b = a"]) == set()
    assert names_used("x", ["import numpy as np", "x = np.eye(2)", "x = x.T", "def f(): return x"]) == set()
    assert names_used("f", ["x = x.T\nx = x.real\nx = x.imag", "def f(): return x"]) == set()


@pytest.mark.parametrize(
    "cell",
    [
        "\n".join(["listing = !true"] * 600),
        "\n".join(["abs?"] * 600),
        "%time 1 \\\n  + 1\n%matplotlib inline",
        "a" + ".a" * 1500,
        "f()" + ".a" * 1500,
        "def g(x): return " + "getattr(" * 150 + "x" + ", 'a')" * 150,
    ],
)
def test_names_used_reads_any_cell_that_runs(cell):
    """IPython's own translation of a cell gives up after 500 of its commands, and Python's recursion after 1,000."""
    assert names_used("f", [f"{cell}\nfrom scipy.special import expit", "def f(x): return expit(x)"]) == {BARRED}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("a;" * 10**6, "characters of code, too many to be read"),
        ("".join(f"from m{i} import *\n" for i in range(30)), "everything of 30 modules"),
        (
            "def f(x):\n" + "".join(f" from m{i} import *\n" for i in range(30)) + " return g",
            "everything of 30 modules",
        ),
        ("".join(f"f = g{i}\n" for i in range(2000)) + ";".join(f"f.a{i}" for i in range(2000)), "can be followed"),
    ],
)
def test_names_used_refuses_what_would_take_too_long(cell, message):
    functions = ["f", *(f"f.a{i}" for i in range(2000))]
    with pytest.raises(ValueError, match=message):
        names_used(functions, [cell, *(f"def h{i}(x): return h{i + 1}(x)" for i in range(1000))])


def test_names_used_takes_no_longer_for_many_functions_than_for_their_code():
    """A thousand functions, each of which calls the next: every one was followed to the end."""
    cells = ["from scipy.special import expit as h2000\n" + "".join(f"def h{i}(x): h{i + 1}(x)\n" for i in range(2000))]
    assert names_used([f"h{i}" for i in range(2000)], cells) == {BARRED}


class Student:
    """A function as a grader hands it over: the sources come with it."""

    __name__ = __qualname__ = "sigmoid"

    def __init__(self, *cells):
        self.student_cells = list(cells)

    def __call__(self, x):
        return 0.5


def test_uses_not(check):
    allowed = Student("import numpy as np", "def sigmoid(x): return 0.5 + 0.5 * np.tanh(x / 2)")
    barred = Student("from scipy.special import expit", "def sigmoid(x): return expit(x)")
    check.close(barred, args=[0.0], expected=0.5)
    check.uses_not(allowed, [BARRED, "course_lib"])
    check.uses_not(barred, ["scipy.special.expi", "scipy.speci"])
    assert check.barred == []
    check.uses_not(barred, ["scipy"], hint="library-function")
    with check.hidden():
        check.uses_not(barred, [BARRED], hint="library-function")
    assert (check.passed, check.earned) == (1, 0)
    with pytest.raises(CheckFailed) as caught:
        check.score()
    assert str(caught.value).splitlines() == [
        "1 of 1 checks passed (0 of 4 points)",
        "sigmoid uses scipy.special.expit. This task asks you to write that yourself.",
        f"  Hint (library-function): {misconceptions()['library-function']['hint']}",
    ]


def plain(x):
    return np.tanh(x)


def test_uses_not_reads_a_module_too(check):
    check.uses_not(plain, ["scipy"])
    assert check.barred == []
    check.uses_not(plain, ["numpy.tanh"])
    assert check.barred[0].message == "plain uses numpy.tanh. This task asks you to write that yourself."


# --- in a kernel, as nbgrader sees it

LEARNER = """\
import numpy as np
import math, sys
from scipy.special import expit
from course_lib.checks import Checks

right = lambda x: 1 / (1 + np.exp(-x))

def half(x):
    return 1 / (1 + math.exp(-x))

def stub(x):
    raise NotImplementedError()

def leaves(x):
    sys.exit()

def noisy(x):
    print("to stderr", file=sys.stderr)
    return right(x)

hidden_expit = np.vectorize(expit)
"""

TESTS = """\
check = Checks(points=3)
check.close({name}, args=[0.0], expected=0.5)
check.close({name}, args=[np.array([0.0, 0.0])], expected=np.array([0.5, 0.5]))
check.close({name}, args=[-1000.0], expected=0.0)
check.score()
"""

IN_KERNEL = {
    "right": (TESTS, 3),
    "half": (TESTS, 1),
    "stub": (TESTS, 0),
    "leaves": (TESTS, 0),
    "noisy": (TESTS, 3),
    "hidden_expit": ("check = Checks(3)\ncheck.uses_not({name}, ['scipy'])\n" + TESTS.partition("\n")[2], 0),
    "warned": (
        "warned = right\ncheck = Checks(3)\ncheck.no_warnings(warned, [np.array([-1e3])])\n"
        "check.close(warned, [0.0], expected=0.5)\ncheck.score()",
        1.5,
    ),
    "not_there": (TESTS, 0),
}


@pytest.fixture(scope="module")
def executed():
    """A notebook that a real kernel ran: the test cells by name."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LEARNER)])
    for name, (source, _) in IN_KERNEL.items():
        cell = nbformat.v4.new_code_cell(source.format(name=name))
        cell.metadata["nbgrader"] = {
            "grade": True,
            "solution": False,
            "locked": True,
            "grade_id": name,
            "points": 3,
            "schema_version": 3,
        }
        notebook.cells.append(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NotebookClient(notebook, allow_errors=True, kernel_name="python3", timeout=60).execute()
    return dict(zip(IN_KERNEL, notebook.cells[1:], strict=True))


def shown(cell):
    """What a learner reads: text, results and tracebacks, in order."""
    words = []
    for output in cell.outputs:
        if output.output_type == "error":
            words.append("\n".join(output.traceback))
        else:
            words.append(output.get("text") or output.data["text/plain"])
    return "\n".join(w.strip() for w in words).strip()


@pytest.mark.parametrize(("name", "points"), [(name, points) for name, (_, points) in IN_KERNEL.items()])
def test_nbgrader_reads_the_marks(executed, name, points):
    assert determine_grade(executed[name]) == (points, 3)


def test_a_learner_reads_exact_messages(executed):
    hint = f"  Hint (scalar-only): {misconceptions()['scalar-only']['hint']}"
    assert shown(executed["right"]) == "3 of 3 checks passed (3 of 3 points)"
    assert shown(executed["noisy"]) == "3 of 3 checks passed (3 of 3 points)"
    assert shown(executed["half"]).splitlines() == [
        "1.0",
        "1 of 3 checks passed (1 of 3 points)",
        "half(array([0., 0.])) raised TypeError: only 0-dimensional arrays can be converted to Python scalars "
        "(line 9 of your cell: return 1 / (1 + math.exp(-x)))",
        hint,
        "half(-1000.0) raised OverflowError: math range error (line 9 of your cell: return 1 / (1 + math.exp(-x)))",
    ]
    assert shown(executed["stub"]) == (
        "0 of 3 checks passed (0 of 3 points)\nstub is not written yet (it raised NotImplementedError)"
    )
    assert "leaves(0.0) raised SystemExit (line 15 of your cell: sys.exit())" in shown(executed["leaves"])
    assert shown(executed["hidden_expit"]) == (
        "3 of 3 checks passed (0 of 3 points)\n"
        "hidden_expit uses scipy.special.expit. This task asks you to write that yourself."
    )
    assert shown(executed["warned"]).splitlines()[:3] == [
        "1.5",
        "1 of 2 checks passed (1.5 of 3 points)",
        "right(array([-1000.])) warned: overflow encountered in exp "
        "(line 6 of your cell: right = lambda x: 1 / (1 + np.exp(-x)))",
    ]


def test_partial_credit_comes_before_the_messages(executed):
    kinds = [(o.output_type, o.get("name")) for o in executed["half"].outputs]
    assert kinds == [("execute_result", None), ("stream", "stderr")]


def test_an_integer_too_long_to_be_shown_is_refused(check):
    check.close(returns(10**5000), expected=1.0)
    check.property(returns(10**5000), holds=lambda y: y > 0, says="is positive")
    assert check.passed == 0
    assert "returned an object of type int" in check.failures[0].message


def test_what_is_nested_too_deeply_is_passed_over():
    assert names_used("f", ["-" * 20_000 + "1", "def f(x):\n    return abs(x)"]) == {"abs"}
