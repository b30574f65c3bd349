"""Checks that exercise tests call, and the messages that learners read.

A test cell makes one :class:`Checks`, calls its methods, and ends with :meth:`Checks.score`::

    check = Checks(points=3)
    check.close(sigmoid, args=[0.0], expected=0.5)
    check.close(sigmoid, args=[1.0], expected=0.7310585786300049, mistakes={"sign-of-exponent": 0.2689414213699951})
    with check.hidden():
        check.no_warnings(sigmoid, args=[np.array([-1e3, 1e3])], hint="overflow")
    check.score()

Every method takes the learner's function and its arguments, never a value that was computed before, so that a message
can say what was called, what came back, what was expected, and which misconception explains the difference. The same
cell holds in the learner's kernel, in nbgrader's Validate, and when graded, where the function is a proxy for one that
lives in another process: it looks only at plain data.

A hint is the id of a misconception, whose text ``misconceptions.toml`` holds. A failed check names the first of these
that fits:

1. a slip of Python or NumPy that shows by itself, one of `SLIPS`;
2. the one of its `mistakes` whose value came back;
3. its `hint`, except where the code broke off before it got that far (a name that does not exist, a failed import).
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import functools
import inspect
import io
import os
import re
import reprlib
import sys
import textwrap
import tomllib
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

#: The environment variable that carries a cohort's seed; without it, `Checks.rng` gives what a learner practises on.
SEED_VARIABLE = "SIGMOID_COURSE_SEED"

#: Misconceptions that every check recognises by itself, whether the test names them or not.
SLIPS = frozenset(
    {
        "array-only",
        "changes-its-input",
        "integer-result",
        "list-not-array",
        "no-return",
        "out-ignored",
        "out-not-returned",
        "print-not-return",
        "scalar-only",
    }
)

_SHOWN_FAILURES = 3
_SHOWN_ITEMS = 6
_MAX_DEPTH = 40
_MAX_CODE = 100_000  # characters that are read for names; a problem set's solution has some 15,000
_MAX_STEPS = 100_000
_MAX_STARRED = 20
_MAX_PARTS = 8  # of a dotted name
_MAX_BITS = 12_000  # of an integer; Python refuses to show one of more than 4,300 digits
_PLAIN_SCALARS = (bool, int, float, complex, str, bytes, type(None))
_NUMPY_SCALARS = frozenset(np.sctypeDict.values())

# NumPy's and Python's own words, by the slip that they give away.
_SCALAR_ONLY = re.compile(r"truth value of an array|only (length-1|size-1|0-dimensional) arrays can be converted")
_ARRAY_ONLY = re.compile(
    r"'(float|int|numpy\.float64)' object (is not (subscriptable|iterable)|has no attribute|does not support item)"
    r"|object of type '(float|int|numpy\.float64)' has no len|len\(\) of unsized object"
)
# Lines with IPython's commands: %magic, !command, help?, name = %magic, each with the lines that continue it.
_ESCAPES = re.compile(
    r"^([ \t]*(?:[^#'\"\n=]*=[ \t]*(?=[%!]))?)(?:[%!?](?:.*\\\n)*.*|[^#'\"\n]*\?[ \t]*)$", re.MULTILINE
)
_BROKE_OFF = (NameError, ImportError, SyntaxError, RecursionError)
_WARNING_SAYS = {
    "overflow encountered in exp": "exp of so large a number does not fit in its dtype.",
    "overflow encountered in cosh": "cosh of so large a number does not fit in its dtype.",
    "divide by zero encountered in log": "log(0) is -inf.",
    "divide by zero encountered in arctanh": "arctanh(1) is inf, arctanh(-1) is -inf.",
    "invalid value encountered in log": "log of a negative number is nan.",
    "invalid value encountered in divide": "0 / 0 and inf / inf are nan.",
    "invalid value encountered in scalar divide": "0 / 0 and inf / inf are nan.",
    "invalid value encountered in multiply": "0 * inf is nan.",
    "invalid value encountered in scalar multiply": "0 * inf is nan.",
    "Mean of empty slice.": "There is nothing to take the mean of.",
}


class CheckFailed(AssertionError):
    """Raised by `Checks.score` when a cell earns nothing; shown as its message alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


@dataclass(frozen=True)
class Failure:
    """One check that did not hold: what was seen, the misconception that explains it, and whether it stays hidden."""

    message: str
    hint: str | None
    hidden: bool


@dataclass
class _Call:
    """What one call of a learner's function did."""

    name: str
    args: Sequence[Any] | None = None  # None: nothing was called, `name` names a value
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    given_by_name: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    error: BaseException | None = None
    warnings: list[warnings.WarningMessage] = field(default_factory=list)
    printed: str = ""
    changed_argument: str | None = None

    @property
    def text(self) -> str:
        """The call as it would be typed."""
        if self.args is None:
            return self.name
        shown = [_show(a) for a in self.args]
        for name, value in self.kwargs.items():
            again = isinstance(value, np.ndarray) and any(value is a for a in self.args)
            shown.append(f"{name}={'the same array' if again else _show(value)}")
        return f"{self.name}({', '.join(shown)})"


class Checks:
    """The checks of one test cell.

    Parameters
    ----------
    points : float
        What the cell is worth. Each check is worth the same share of it.

    Examples
    --------
    >>> check = Checks(points=2)
    >>> check.close(abs, args=[-3.0], expected=3.0)
    >>> check.score()
    1 of 1 checks passed (2 of 2 points)
    """

    def __init__(self, points: float) -> None:
        self.points = points
        self.passed = 0
        self.failures: list[Failure] = []
        self.barred: list[Failure] = []
        self.ended = False
        self._hidden = False

    @builtins.property
    def earned(self) -> float:
        """Points for the checks so far, in hundredths."""
        total = self.passed + len(self.failures)
        if self.barred or total == 0:
            return 0.0
        return round(self.points * self.passed / total, 2)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Within this block a failure shows its hint, and neither the input nor the expected value.

        An exception ends the block and counts as one failure: its traceback would show the test. What is printed is
        swallowed: a learner's function may print what it was called with.
        """
        before, self._hidden = self._hidden, True
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                yield
        except Exception as error:
            self.failures.append(Failure(f"a hidden check stopped with {type(error).__name__}", None, True))
        finally:
            self._hidden = before

    def rng(self) -> np.random.Generator:
        """Return a generator seeded by the cohort's seed, so that a published answer does not give the inputs away."""
        return np.random.default_rng(int(os.environ.get(SEED_VARIABLE, "0")))

    def close(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        expected: Any,
        rtol: float = 1e-9,
        atol: float = 0.0,
        mistakes: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        """Check that the function returns `expected`, to within ``atol + rtol * abs(expected)``; nan equals nan.

        `mistakes` maps misconceptions to the values they lead to; if one of those came back, it is named as the hint.
        """
        call = _call(function, args, kwargs)
        problem = _raised(call) or _difference(call, expected, rtol, atol)
        self._record(call, problem, _mistake(call, problem, mistakes, rtol, atol) or hint, expected)

    def value(
        self,
        name: str,
        value: Any,
        *,
        expected: Any,
        rtol: float = 1e-9,
        atol: float = 0.0,
        mistakes: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        """Check a value that the learner's cell assigned to `name`."""
        call = _Call(name, value=value)
        problem = _difference(call, expected, rtol, atol, verb="is")
        self._record(call, problem, _mistake(call, problem, mistakes, rtol, atol) or hint, expected)

    def shape(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        expected: tuple[int, ...],
        hint: str | None = None,
    ) -> None:
        """Check the shape of what the function returns; a number has shape ``()``."""
        call = _call(function, args, kwargs)
        problem = _raised(call) or _not_numeric(call)
        if problem is None and np.shape(call.value) != tuple(expected):
            problem = f"{call.text} returned shape {np.shape(call.value)}, expected {tuple(expected)}"
        self._record(call, problem, hint, expected=np.empty(0))

    def dtype(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        expected: Any,
        hint: str | None = None,
    ) -> None:
        """Check the dtype of what the function returns; Python's float counts as float64."""
        call = _call(function, args, kwargs)
        problem = _raised(call) or _not_numeric(call)
        if problem is None and np.asarray(call.value).dtype != np.dtype(expected):
            problem = f"{call.text} returned dtype {np.asarray(call.value).dtype}, expected {np.dtype(expected)}"
        self._record(call, problem, hint, expected=np.empty(0))

    def fills(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        out: np.ndarray,
        expected: np.ndarray,
        rtol: float = 1e-9,
        atol: float = 0.0,
        mistakes: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        """Check that a call with ``out=out`` leaves `expected` in that array and returns the array itself.

        If `out` is one of `args` as well, the function reads and writes the same array. `mistakes` are values of `out`.
        """
        call = _call(function, args, {**(kwargs or {}), "out": out})
        filled = replace(call, value=call.given_by_name["out"])
        returned_out = call.value is filled.value
        problem = _raised(call) or _difference(filled, expected, rtol, atol, verb="left in out")
        if problem is not None:
            ignored = call.error is None and not returned_out and _same(filled.value, out)
            hint = _mistake(filled, problem, mistakes, rtol, atol) or ("out-ignored" if ignored else hint)
        elif not returned_out:
            what = "another array" if isinstance(call.value, np.ndarray) else _show(call.value)
            problem, hint = f"{call.text} returned {what}, expected out itself", "out-not-returned"
        self._record(call, problem, hint, expected)

    def no_warnings(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        mistakes: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        """Check that the call warns of nothing.

        `mistakes` maps misconceptions to values, for warnings that only what came back can tell apart.
        """
        call = _call(function, args, kwargs)
        problem = _raised(call)
        if problem is None and call.warnings:
            first = call.warnings[0]
            frame = traceback.FrameSummary(first.filename, first.lineno, call.name, line=first.line)
            problem = f"{call.text} warned: {first.message}{_cell_line(frame)}"
            if said := _WARNING_SAYS.get(str(first.message)):
                problem += f"\n  {said}"
        self._record(call, problem, _mistake(call, problem, mistakes, rtol=1e-9, atol=0.0) or hint)

    def raises(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        expected: type[Exception],
        match: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Check that the call raises `expected`, with a message in which the pattern `match` is found."""
        call = _call(function, args, kwargs)
        problem = None
        if call.error is None:
            came = _show(call.value)
            problem = f"{call.text} returned {came}, expected it to raise {expected.__name__}"
        elif not isinstance(call.error, expected) or isinstance(call.error, NotImplementedError):
            problem = f"{_raised(call)}; expected {expected.__name__}"
        elif match is not None and not re.search(match, str(call.error)):
            problem = f"{_raised(call)}; expected a message that mentions {match!r}"
        self._record(call, problem, hint)

    def gradient(
        self,
        derivative: Callable[..., Any],
        *,
        of: Callable[..., Any],
        at: Any,
        kwargs: Mapping[str, Any] | None = None,
        rtol: float = 1e-6,
        atol: float = 1e-9,
        mistakes: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        """Check ``derivative(at)`` against finite differences of the elementwise function `of`.

        The five-point central difference (Abramowitz and Stegun, 25.3.6), whose error is of order step^4.
        """
        x = np.asarray(at, dtype=np.float64)
        step = 1e-3 * np.maximum(1.0, np.abs(x))
        samples = []
        for k in (-2, -1, 1, 2):
            call = _call(of, [_scalar_or_array(x + k * step)], kwargs)
            problem = _raised(call) or _not_numeric(call)
            if problem is None and np.shape(call.value) != x.shape:
                problem = f"{call.text} returned shape {np.shape(call.value)}, expected {x.shape}"
            if problem is not None:
                self._record(call, problem, hint, expected=x)
                return
            samples.append(np.asarray(call.value, dtype=np.float64))
        with np.errstate(all="ignore"):
            expected = (samples[0] - 8 * samples[1] + 8 * samples[2] - samples[3]) / (12 * step)
        self.close(
            derivative,
            [_scalar_or_array(x)],
            kwargs,
            expected=_scalar_or_array(expected),
            rtol=rtol,
            atol=atol,
            mistakes=mistakes,
            hint=hint,
        )

    def property(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        holds: Callable[[Any], Any],
        says: str,
        hint: str | None = None,
    ) -> None:
        """Check that ``holds(returned value)`` is true; `says` words the property: "lies between 0 and 1"."""
        call = _call(function, args, kwargs)
        problem = _raised(call) or _not_plain(call)
        if problem is None:
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    held = bool(holds(call.value))
            except Exception:  # the value is of another kind than the property is about: None, a list, too few items
                held = False
            if not held:
                problem = f"{call.text} returned {_show(call.value)}, expected a result that {says}"
        self._record(call, problem, hint)

    def unchanged(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        hint: str | None = "changes-its-input",
    ) -> None:
        """Check that the call leaves its arguments as they were."""
        call = _call(function, args, kwargs)
        problem = _raised(call)
        if problem is None and call.changed_argument is not None:
            problem = f"{call.text} changed its argument to {call.changed_argument}, expected it to be left alone"
        self._record(call, problem, hint)

    def uses_not(self, function: Callable[..., Any], names: Sequence[str], *, hint: str | None = None) -> None:
        """Bar dotted names: ``"scipy.special.expit"``, or ``"scipy"`` with all that it holds.

        A cell whose function uses one earns nothing. The learner's code is read, not run: imports and assignments that
        rename are followed, and so are calls of other functions of the notebook.
        """
        for name in sorted(names_used(_names(function), _learner_cells(function))):
            if any(name == barred or name.startswith(barred + ".") for barred in names):
                message = f"{_names(function)[0]} uses {name}. This task asks you to write that yourself."
                self.barred.append(Failure(message, _known(hint), self._hidden))

    def score(self) -> None:
        """End the cell: print what was found and give the marks as nbgrader reads them.

        All checks passed: a line of text, full marks. Some: the marks as the cell's result, then the messages. None, or
        a barred name: an error.

        Raises
        ------
        CheckFailed
            Nothing was earned.
        """
        self.ended = True
        report = self.report()
        if self.earned == 0:
            raise CheckFailed(report)
        if not self.failures:
            print(report)
            return
        # nbgrader takes the first result of a cell as partial credit, and its Validate shows what stderr says.
        shell = _shell()
        if shell is not None:
            shell.displayhook(self.earned)
        print(report, file=sys.stderr)

    def report(self) -> str:
        """Return what the learner reads."""
        total = self.passed + len(self.failures)
        lines = [f"{self.passed} of {total} checks passed ({self.earned:g} of {self.points:g} points)"]
        failures = self.barred + self.failures
        visible = list(dict.fromkeys(f for f in failures if not f.hidden))
        # A hidden check can fail in the words of a visible one: the function is not written yet, or uses a barred name.
        told_messages = {f.message for f in visible}
        hidden = [f for f in failures if f.hidden and f.message not in told_messages]
        shown = _worth_showing(visible)
        told: set[str] = set()
        for failure in shown:
            lines.append(failure.message)
            lines += _hint_lines(failure.hint, told)
        if left_out := len(visible) - len(shown):
            lines.append(f"{_count(left_out, 'more check')} did not pass.")
        if hidden:
            lines.append(f"{_count(len(hidden), 'hidden check')} did not pass, on inputs that are not shown.")
            for failure in hidden:
                lines += _hint_lines(failure.hint, told)
        return "\n".join(lines)

    def _record(self, call: _Call, problem: str | None, hint: str | None, expected: Any = None) -> None:
        _known(hint)
        if problem is None:
            self.passed += 1
            return
        if isinstance(call.error, NotImplementedError):
            problem, hint = _not_written(call), None
        elif isinstance(call.error, _BROKE_OFF):
            hint = None
        else:
            hint = _slip(call, expected) or hint
        if call.value is None and call.printed.strip():
            problem += f"\n  It printed {_shorten(call.printed.strip())!r}."
        self.failures.append(Failure(problem, hint, self._hidden))


def names_used(functions: str | Iterable[str], cells: Sequence[str]) -> set[str]:
    r"""Return the dotted names that functions of the notebook use, themselves or through other names of the notebook.

    Parameters
    ----------
    functions : str or iterable of str
        Bound in some of `cells`; the last cell that binds a name counts.
    cells : sequence of str
        The sources of the notebook's code cells. Cells that are not Python are passed over.

    Returns
    -------
    set of str
        Full names of what is imported, and names that the notebook does not bind. Local variables are left out, and of
        a long chain of attributes all but its first parts.

    Raises
    ------
    ValueError
        The notebook has more code, or refers to more names, than can be read in a second or two.

    Examples
    --------
    >>> sorted(names_used("f", ["import scipy.special as sp", "def f(x):\n    return sp.expit(abs(x))"]))
    ['abs', 'scipy.special.expit']
    """
    if (size := sum(map(len, cells))) > _MAX_CODE:
        raise ValueError(f"the notebook has {size} characters of code, too many to be read; {_MAX_CODE} are allowed")
    bound, starred = _bound(tuple(cells))
    used: set[str] = set()
    waiting = [functions] if isinstance(functions, str) else list(functions)
    followed: set[str] = set()
    read: set[ast.AST] = set()
    steps = 0
    while waiting:
        dotted = ".".join(waiting.pop().split(".")[:_MAX_PARTS])  # x = x.T refers to itself, ever longer
        if dotted in followed:
            continue
        followed.add(dotted)
        head, _, rest = dotted.partition(".")
        bindings = bound.get(head, [])
        steps += 1 + len(bindings)
        if steps > _MAX_STEPS:
            raise ValueError("the notebook refers to more names than can be followed")
        if head not in bound:
            used |= {dotted, *(f"{module}.{dotted}" for module in starred)}
        for binding in bindings:
            target = binding if isinstance(binding, str) else _dotted(binding)
            if isinstance(binding, str):
                used.add(f"{binding}.{rest}" if rest else binding)
            elif target is not None:
                waiting.append(f"{target}.{rest}" if rest else target)
            elif binding not in read:
                read.add(binding)
                imported, free = _free_names(binding)
                used |= imported
                waiting += sorted(free)
    return used


@functools.lru_cache(maxsize=4)  # asked for one function of a notebook after the other
def _bound(cells: tuple[str, ...]) -> tuple[dict[str, list[ast.AST | str]], set[str]]:
    """Return what a notebook binds, name by name, and the modules that it imports everything from."""
    bound: dict[str, list[ast.AST | str]] = {}
    starred: set[str] = set()
    for tree in filter(None, map(_parse, cells)):
        here: dict[str, list[ast.AST | str]] = {}
        for node in _module_level(tree):
            for name, binding in _bindings(node):
                here.setdefault(name, []).append(binding)
            starred |= _star_imports(node)
        bound.update(here)
    return bound, _few(starred)


@functools.lru_cache(maxsize=256)
def _free_names(node: ast.AST) -> tuple[set[str], set[str]]:
    """Return the full names that a definition imports for itself, and the dotted names that it takes from outside."""
    outside: list[ast.AST] = []
    local: set[str] = set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        # Defaults and decorators are evaluated outside, where a parameter's name means something else.
        outside += [*node.args.defaults, *filter(None, node.args.kw_defaults), *getattr(node, "decorator_list", [])]
    imports: dict[str, str] = {}
    starred: set[str] = set()
    for inner in ast.walk(node):
        starred |= _star_imports(inner)
        if isinstance(inner, ast.arg):
            local.add(inner.arg)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            local.add(inner.id)
        elif isinstance(inner, ast.FunctionDef | ast.ClassDef) and inner is not node:
            local.add(inner.name)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            imports.update((name, b) for name, b in _bindings(inner) if isinstance(b, str))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Global):
            local -= set(inner.names)
    starred = _few(starred)
    imported: set[str] = set()
    free: set[str] = set()
    for dotted in _dotted_names([node]):
        head, _, rest = dotted.partition(".")
        if head in imports:
            imported.add(f"{imports[head]}.{rest}" if rest else imports[head])
        elif head not in local:
            free.add(dotted)
            imported |= {f"{module}.{dotted}" for module in starred}
    return imported, free | set(_dotted_names(outside))


def _module_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run when the cell does: everything but the bodies of functions and classes."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.AST | str]]:
    """Yield the names that a statement binds, each with its definition or, for an import, its full name."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, node
    elif isinstance(node, ast.Import):
        for item in node.names:
            head = item.name.partition(".")[0]
            yield (item.asname, item.name) if item.asname else (head, head)
    elif isinstance(node, ast.ImportFrom):
        for item in node.names:
            if item.name != "*":
                yield item.asname or item.name, f"{node.module}.{item.name}"
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
        yield from _assigned(node.target, node.value)
    elif isinstance(node, ast.For | ast.comprehension):
        yield from _assigned(node.target, node.iter)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.AST | str]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        pairwise = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for i, part in enumerate(target.elts):
            yield from _assigned(part, value.elts[i] if pairwise else value)  # type: ignore[attr-defined]


def _star_imports(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ImportFrom) and any(item.name == "*" for item in node.names):
        return {node.module or ""}
    return set()


def _few(modules: set[str]) -> set[str]:
    """Refuse too many modules that are imported whole: each name may be of any of them."""
    if len(modules) > _MAX_STARRED:
        raise ValueError(f"the notebook imports everything of {len(modules)} modules; {_MAX_STARRED} are allowed")
    return modules


def _dotted_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the dotted names in some code, each chain of attributes as a whole."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        dotted = _dotted(node)
        if dotted is not None:
            yield dotted
            continue
        while isinstance(node, ast.Attribute):  # the same chain, from its next link on, is no name either
            node = node.value
        waiting += ast.iter_child_nodes(node)


def _dotted(node: ast.AST) -> str | None:
    """Return ``a.b.c`` for a name, a chain of attributes, or its spelling with getattr and import_module."""
    parts: list[str] = []
    while True:
        match node:
            case (
                ast.Attribute(value=inner, attr=name)
                | ast.Call(func=ast.Name(id="getattr"), args=[inner, ast.Constant(value=str(name)), *_])
            ):
                parts.append(name)
                node = inner
                continue
            case ast.Name(id=name):
                parts.append(name)
            case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str(name)), *_]):
                parts.append(name.partition(".")[0])
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                parts.append(name)
            case _:
                return None
        return ".".join(reversed(parts))


def _parse(cell: str) -> ast.Module | None:
    """Parse a cell; lines that are IPython's and not Python's are left out."""
    if cell.lstrip().startswith("%%"):
        cell = cell.lstrip().partition("\n")[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # IPython's own translation reads the cell anew for each such line, and gives up after 500.
        for source in (cell, _ESCAPES.sub(r"\1None", textwrap.dedent(cell))):
            with contextlib.suppress(SyntaxError, ValueError, MemoryError, RecursionError):
                return ast.parse(source)
    return None


def _call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> _Call:
    """Call a learner's function on copies of the arguments and keep all that it did."""
    memo: dict[int, Any] = {}  # an array that is given twice stays one array
    given = [_copy(a, memo) for a in args]
    given_by_name = {k: _copy(v, memo) for k, v in (kwargs or {}).items()}
    call = _Call(_names(function)[0], args, kwargs or {}, given_by_name)
    printed = io.StringIO()
    # What a function writes to stderr is caught too: nbgrader gives no marks to a test cell that shows any.
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            call.value = function(*given, **given_by_name)
        except (Exception, SystemExit) as error:  # a learner's exit() is a wrong answer, not the end of the notebook
            call.error = error
    call.warnings = list(caught)
    call.printed = printed.getvalue()
    for before, after in zip([*args, *(kwargs or {}).values()], [*given, *given_by_name.values()], strict=True):
        if not _same(before, after):
            call.changed_argument = _show(after)
    return call


def _copy(value: Any, memo: dict[int, Any]) -> Any:
    """Copy plain data; functions and objects of the learner's classes are passed as they are."""
    return copy.deepcopy(value, memo) if isinstance(value, np.ndarray | list | tuple | dict) else value


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return bool(a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(a[k], b[k]) for k in a)
    return not is_plain(a) or bool(a == b) or bool(a != a and b != b)


def is_plain(value: Any) -> bool:
    """Whether a value is plain data, which is all that checks compare.

    Exactly Python's numbers, strings, bytes, None, lists, tuples and dicts of those, and NumPy's arrays and scalars of
    numbers and strings. Subclasses are not: they can redefine equality.

    Examples
    --------
    >>> is_plain([1, 2.0]), is_plain(object())
    (True, False)
    """
    return _is_plain(value, 0)


def _is_plain(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind is int:
        return int(value).bit_length() <= _MAX_BITS
    if kind in _PLAIN_SCALARS:
        return True
    if kind is np.ndarray or kind in _NUMPY_SCALARS:
        return bool(value.dtype.kind in "biufcU" and value.dtype.names is None)
    if depth == _MAX_DEPTH:  # also the end of a list that holds itself
        return False
    if kind is list or kind is tuple:
        return all(_is_plain(item, depth + 1) for item in value)
    if kind is dict:
        return all(_is_plain(part, depth + 1) for item in value.items() for part in item)
    return False


def _mistake(
    call: _Call, problem: str | None, mistakes: Mapping[str, Any] | None, rtol: float, atol: float
) -> str | None:
    """Return the misconception whose value came back in place of the right one."""
    for name in mistakes or ():
        _known(name)
    if problem is None or call.error is not None or not is_plain(call.value):
        return None
    found = (n for n, value in (mistakes or {}).items() if _first_difference(call.value, value, rtol, atol) is None)
    return next(found, None)


def _slip(call: _Call, expected: Any) -> str | None:
    """Return the slip of Python or NumPy that a failed call shows."""
    if isinstance(call.error, TypeError | ValueError | AttributeError):
        if _SCALAR_ONLY.search(str(call.error)):
            return "scalar-only"
        return "array-only" if _ARRAY_ONLY.search(str(call.error)) else None
    if call.error is not None or expected is None:
        return None
    if call.value is None:
        return "print-not-return" if call.printed.strip() else "no-return"
    if isinstance(expected, np.ndarray) and type(call.value) in (list, tuple):
        return "list-not-array"
    if isinstance(expected, np.ndarray | float) and type(call.value) in (np.ndarray, int, *_NUMPY_SCALARS):
        got, exact = np.asarray(call.value), np.asarray(expected)
        integers = got.dtype.kind in "iu" and exact.dtype.kind == "f" and got.shape == exact.shape
        if integers and bool(np.all(np.abs(got - exact) < 1)):
            return "integer-result"
    return None


def _not_written(call: _Call) -> str:
    frames = [frame.name for frame in _frames(call.error) if _cell_line(frame)] if call.error is not None else []
    last = frames[-1] if frames else call.name
    if last.isidentifier() and last != call.name.rpartition(".")[2]:
        return f"{call.name} needs {last}, which is not written yet (it raised NotImplementedError)"
    return f"{call.name} is not written yet (it raised NotImplementedError)"


def _raised(call: _Call) -> str | None:
    if call.error is None:
        return None
    lines = filter(None, map(_cell_line, reversed(_frames(call.error))))
    said = f"{type(call.error).__name__}: {_shorten(str(call.error))}".rstrip(": ")
    return f"{call.text} raised {said}{next(lines, '')}"


def _frames(error: BaseException) -> Sequence[traceback.FrameSummary]:
    """Frames of the traceback; an error that crossed a process boundary brings its own."""
    frames: Sequence[traceback.FrameSummary] | None = getattr(error, "student_frames", None)
    return frames if frames is not None else traceback.extract_tb(error.__traceback__)


def _cell_line(frame: traceback.FrameSummary) -> str:
    """Quote a line of the learner's notebook; nothing for lines of libraries, which exist as files."""
    line = (frame.line or "").strip()
    if not line or frame.filename.startswith("<frozen") or os.path.exists(frame.filename):
        return ""
    return f" (line {frame.lineno} of your cell: {line})"


def _not_plain(call: _Call, verb: str = "returned") -> str | None:
    if is_plain(call.value):
        return None
    return f"{call.text} {verb} an object of type {type(call.value).__name__}, expected numbers, arrays or strings"


def _not_numeric(call: _Call) -> str | None:
    if type(call.value) in (int, float, complex, bool):
        return None
    if is_plain(call.value) and isinstance(call.value, np.ndarray | np.generic) and call.value.dtype.kind != "U":
        return None
    return f"{call.text} returned {_show(call.value)}, expected a number or an array"


def _difference(call: _Call, expected: Any, rtol: float, atol: float, verb: str = "returned") -> str | None:
    """Say how the value differs from what was expected; None if it does not."""
    if (problem := _not_plain(call, verb)) is not None:
        return problem
    where = _first_difference(call.value, expected, rtol, atol, call.args or ())
    if where is None:
        return None
    problem = f"{call.text} {verb} {_show(call.value)}, expected {_show(expected)}"
    return f"{problem}\n  {where}" if where else problem


def _first_difference(value: Any, expected: Any, rtol: float, atol: float, args: Sequence[Any] = ()) -> str | None:
    """Locate the first difference: None where equal, "" where the two are too short or too unlike to need a place."""
    if isinstance(expected, np.ndarray | np.generic | int | float | complex):
        return _first_array_difference(value, np.asarray(expected), rtol, atol, args)
    if isinstance(expected, list | tuple):
        if type(value) is not type(expected):
            return f"That is {_a(type(value).__name__)}, not {_a(type(expected).__name__)}."
        if len(value) != len(expected):
            return f"It has {_count(len(value), 'item')}, not {len(expected)}."
        items: Any = enumerate(zip(value, expected, strict=True))
    elif isinstance(expected, dict):
        if type(value) is not dict:
            return f"That is {_a(type(value).__name__)}, not a dict."
        if set(value) != set(expected):
            return f"Its keys are {_show(list(value))}, not {_show(list(expected))}."
        items = ((k, (value[k], expected[k])) for k in expected)
    else:
        value = value.item() if isinstance(value, np.generic) else value
        return None if type(value) is type(expected) and value == expected else ""
    for place, (v, e) in items:
        inner = _first_difference(v, e, rtol, atol)
        if inner is not None:
            return f"At [{place!r}]: " + (inner or f"{_show(v)} instead of {_show(e)}.")
    return None


def _first_array_difference(
    value: Any, expected: np.ndarray, rtol: float, atol: float, args: Sequence[Any]
) -> str | None:
    if type(value) in (list, tuple, dict, type(None)):
        return f"That is {_a(type(value).__name__)}, not an array." if expected.ndim and value is not None else ""
    got = np.asarray(value)
    if got.shape != expected.shape and got.dtype.kind in "biufc":
        return f"Its shape is {got.shape}, not {expected.shape}."
    if not _comparable(got.dtype.kind, expected.dtype.kind):
        return f"Its dtype is {got.dtype}, not {expected.dtype}." if expected.ndim else ""
    equal = np.atleast_1d(_equal(got, expected, rtol, atol))
    if np.all(equal):
        return None
    said = []
    if expected.ndim:
        place = tuple(int(i) for i in np.argwhere(~equal)[0])
        inputs = [a for a in args if isinstance(a, np.ndarray) and a.shape == expected.shape]
        of_input = f", for the input {_show(inputs[0][place])}" if inputs else ""
        index = place[0] if len(place) == 1 else place
        said.append(
            f"First difference at [{index}]{of_input}: {got[place].item()!r} instead of {expected[place].item()!r}."
        )
    if got.dtype in (np.float16, np.float32) and expected.dtype == np.float64:
        said.append(f"Its dtype is {got.dtype}: fewer digits than float64.")
    return " ".join(said)


def _comparable(got: str, expected: str) -> bool:
    """Whether values of two kinds of dtype can be equal: numbers with numbers, texts with texts."""
    numbers = "biuf" if expected == "b" else "iufc" if expected == "c" else "iuf"
    return got in numbers if expected in "biufc" else got == expected


def _equal(got: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> Any:
    if expected.dtype.kind in "bU":
        return got == expected
    with np.errstate(all="ignore"):
        # In float64, for a difference of integers may wrap round: -2**63 - 0 has itself for its magnitude.
        wide = np.float64 if got.dtype.kind in "iu" and expected.dtype.kind in "iu" else None
        near = np.abs(np.subtract(got, expected, dtype=wide)) <= atol + rtol * np.abs(expected)
        return (near & np.isfinite(expected)) | (got == expected) | (np.isnan(got) & np.isnan(expected))


def _show(value: Any) -> str:
    """Show a value shortly and as it would be typed, floats with all their digits."""
    kind = type(value)
    if kind in (np.float64, np.int64, np.bool_, np.str_):
        return repr(value.item())
    if isinstance(value, np.ndarray):
        # Independent of the learner's np.set_printoptions.
        with np.printoptions(precision=8, threshold=1000, suppress=False, floatmode="maxprec", sign="-", nanstr="nan"):
            text = np.array_repr(value) if value.size <= 8 else np.array2string(value, threshold=6, separator=", ")
        text = re.sub(r" (?=[,\]])|(?<=\[) ", "", _one_line(text))
        return text if value.size <= 8 else f"an array of shape {value.shape}: {_shorten(text)}"
    if isinstance(value, np.generic):
        return repr(value)
    if callable(value):
        return _names(value)[0]
    if not is_plain(value):
        return f"an object of type {kind.__name__}"
    if kind in (list, tuple):
        items = [_show(item) for item in value[:_SHOWN_ITEMS]] + ["…"] * (len(value) > _SHOWN_ITEMS)
        inside = ", ".join(items) + ("," if kind is tuple and len(value) == 1 else "")
        return _shorten(f"[{inside}]" if kind is list else f"({inside})")
    if kind is dict:
        pairs = [f"{_show(k)}: {_show(v)}" for k, v in list(value.items())[:_SHOWN_ITEMS]]
        return _shorten("{" + ", ".join(pairs + ["…"] * (len(value) > _SHOWN_ITEMS)) + "}")
    return _shorten(reprlib.repr(value))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shorten(text: str, limit: int = 200) -> str:
    text = _one_line(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _scalar_or_array(x: np.ndarray | np.generic) -> Any:
    return x.item() if x.ndim == 0 else x


def _worth_showing(failures: list[Failure]) -> list[Failure]:
    """Return the first failure of each misconception, then some that no hint explains, the same error once."""
    hinted: dict[str, Failure] = {}
    others: dict[str, Failure] = {}
    for failure in failures:
        if failure.hint is not None:
            hinted.setdefault(failure.hint, failure)
        else:
            others.setdefault(failure.message.partition(" raised ")[2] or failure.message, failure)
    if not hinted:
        return list(others.values())[:_SHOWN_FAILURES]
    return list(hinted.values())[: _SHOWN_FAILURES - 1] + list(others.values())[:1]


def _hint_lines(hint: str | None, told: set[str]) -> list[str]:
    if hint is None or hint in told:
        return []
    told.add(hint)
    entry = misconceptions()[hint]
    lines = [f"  Hint ({hint}): {entry['hint']}"]
    if "read" in entry:
        lines.append(f"  Read again: {entry['read']}.")
    return lines


@functools.cache
def misconceptions() -> dict[str, dict[str, str]]:
    """Return what hints can name: id -> ``hint`` (what to think about) and ``read`` (where in the book)."""
    return tomllib.loads(Path(__file__).with_name("misconceptions.toml").read_text(encoding="utf-8"))


def _known(hint: str | None) -> str | None:
    """Refuse a hint that nothing explains: the mistake is the test author's, and shows at the first run."""
    if hint is not None and hint not in misconceptions():
        raise ValueError(f"misconceptions.toml does not explain {hint!r}")
    return hint


def _names(function: Any) -> list[str]:
    """Names of a function: as the learner's notebook binds it, and as it was defined."""
    attributes = [getattr(function, a, None) for a in ("__qualname__", "__name__")]
    own = [name for name in attributes if type(name) is str and "<" not in name]
    shell = _shell()
    bound: list[str] = []
    if shell is not None and not hasattr(function, "student_cells"):
        bound = [name for name, value in list(shell.user_ns.items()) if value is function and not name.startswith("_")]
    return list(dict.fromkeys([*(name for name in own if name in bound), *bound, *own])) or [type(function).__name__]


def _learner_cells(function: Callable[..., Any]) -> Sequence[str]:
    """Return the sources of the code cells of the notebook that a function comes from."""
    cells: Sequence[str] | None = getattr(function, "student_cells", None)
    if cells is not None:
        return cells
    shell = _shell()
    if shell is not None:
        return list(shell.history_manager.input_hist_raw)
    return [inspect.getsource(sys.modules[function.__module__])]


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
