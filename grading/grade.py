"""Grades one submission: a pure function of the submission, the tests and the environment to a result."""

from __future__ import annotations

import ast
import atexit
import builtins
import contextlib
import functools
import json
import re
import signal
import threading
import time
import unicodedata
import warnings
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any, ClassVar

import nbformat

from course_lib.checks import CheckFailed, Checks, names_used
from grading import GradingError, intake, sandbox
from grading.assignment import Assignment, shown_and_hidden, without_hidden_tests
from grading.results import Mark, Result, key
from grading.runner import time_limit
from grading.shell import RecordingShell
from grading.student import Snapshot, StudentProcess, StudentProcessError

_DEFINED = re.compile(r"^[ \t]*(?:def|class)(?:[ \t]|\\\n)+(\w+)", re.MULTILINE)


class BrokenProblemSet(GradingError):
    """It is not the submission that is at fault; the message says which cell is."""


class TestBench:
    """The trusted side: runs setup and test cells, with the student's names bound to proxies; a context manager."""

    __test__ = False  # not a test for pytest to collect

    _idle: ClassVar[list[RecordingShell]] = []  # a shell takes longer to make than to test with

    def __init__(self, seconds: float) -> None:
        self._shell = self._idle.pop() if self._idle else _new_shell()
        self._seconds = seconds

    def __enter__(self) -> TestBench:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.reset()
        self._idle.append(self._shell)

    def setup(self, source: str, name: str) -> None:
        """Run one of the instructor's own cells.

        Raises
        ------
        BrokenProblemSet
            It failed.
        """
        for output in self._shell.run(source, f"<setup {name}>"):
            if output["output_type"] == "error":
                raise BrokenProblemSet(f"the setup cell {name} failed: {output['ename']}: {output['evalue']}")

    def begin(self, source: str, name: str, student: Snapshot) -> TestRun:
        """Prepare a test cell."""
        return TestRun(self._shell, self._seconds, source, name, student)


class TestRun:
    """One test cell on the trusted side: what learners have of it, then its hidden tests.

    Of all cells the first part runs before the second part of any: what is shown of a student's process is then shown
    before that process can know what hidden tests call it with.

    Raises
    ------
    BrokenProblemSet
        The cell's hidden tests cannot be run apart.
    """

    __test__ = False

    def __init__(self, shell: RecordingShell, seconds: float, source: str, name: str, student: Snapshot) -> None:
        self.student = student
        self.outputs: list[dict[str, Any]] = []
        self._shell = shell
        self._left = seconds
        self._label = f"<test {name}>"
        try:
            self._shown, self._hidden = shown_and_hidden(source)
        except ValueError as error:
            raise BrokenProblemSet(f"the test cell {name}: {error}") from error
        self._wanted = sorted(free_names(source) - shell.namespace.keys() - set(dir(builtins)))
        self._names: dict[str, Any] = {}

    def run_shown(self) -> None:
        """Run what learners have, too."""
        namespace = self._shell.namespace
        namespace.pop("check", None)
        source = f"{self._shown}\nNone"  # a cell shows its last value, and this is not the end of it
        try:
            names = self.student.lookup(self._wanted)
        except StudentProcessError as error:
            names, source = {}, f"raise RuntimeError({str(error)!r})"
        namespace.update(names)
        self.outputs = self._run(source)
        self._names = dict(namespace)
        for bound in names:
            namespace.pop(bound, None)

    def run_hidden(self) -> None:
        """Run the rest, unless an error has ended the cell."""
        namespace = self._shell.namespace
        before = dict(namespace)
        namespace.update(self._names)
        self.student.shows = False
        if self._hidden and not _errors(self.outputs):
            outputs = self._run(self._hidden)
            for output in _errors(outputs):
                if output["ename"] != CheckFailed.__name__:  # what it says may be the student's
                    output |= {"ename": "RuntimeError", "evalue": "a hidden test stopped with an error"}
            self.outputs = _joined(self.outputs + outputs)
        self._check = namespace.get("check")
        namespace.clear()
        namespace.update(before)
        if type(self._check) is Checks and not self._check.ended and not _errors(self.outputs):
            # nbgrader gives full marks to a cell that shows nothing.
            error = {"ename": "RuntimeError", "evalue": "the test did not come to its end"}
            self.outputs.append({"output_type": "error", **error})
        for output in _errors(self.outputs):
            if output["ename"] != CheckFailed.__name__:
                # A traceback quotes the lines around the error, and those may be hidden ones.
                output["traceback"] = [f"{output['ename']}: {output['evalue']}"]

    @property
    def hints(self) -> list[str]:
        """The misconceptions that failing checks name."""
        failures = self._check.barred + self._check.failures if type(self._check) is Checks else []
        return sorted({f.hint for f in failures if f.hint is not None})

    def _run(self, source: str) -> list[dict[str, Any]]:
        start = time.monotonic()
        with _alarm(max(self._left, 0.001)), warnings.catch_warnings():
            # Outside a check a warning would go to stderr, for which nbgrader gives no marks.
            warnings.simplefilter("ignore")
            outputs = self._shell.run(source, self._label)
        self._left -= time.monotonic() - start
        return outputs


def _errors(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [output for output in outputs if output["output_type"] == "error"]


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return outputs with neighbouring text of one stream in one, as a notebook has it."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        if joined and output.get("name") is not None and output["name"] == joined[-1].get("name"):
            joined[-1] = {**joined[-1], "text": joined[-1]["text"] + output["text"]}
        else:
            joined.append(output)
    return joined


def _new_shell() -> RecordingShell:
    shell = RecordingShell(keep_compiled=True)
    atexit.register(shell.__exit__)
    return shell


@functools.cache
def free_names(source: str) -> frozenset[str]:
    """Return the names that a test cell reads."""
    names = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return frozenset(n.id for n in names)


def grade(assignment: Assignment, submission: intake.Submission) -> Result:
    """Grade one submission.

    The student's notebook runs first, from start to end; the tests follow, on snapshots of the student's process at the
    places where they stand. So nothing that a test reveals can reach a later cell of the student's.
    """
    plan = intake.lay_in(assignment, submission)
    tests = [step for step in plan.steps if step.action == "test"]
    limits = assignment.limits
    marks: list[Mark] = []
    with (
        TestBench(limits.seconds) as bench,
        StudentProcess(limits, [step.name for step in tests], assignment.imports) as student,
    ):
        for step in plan.steps:
            if step.action == "test":
                student.take_snapshot(step.name, free_names(step.cell.source))
            elif step.action != "show":
                step.cell.outputs = nbformat.from_dict(student.run_cell(step.cell.source, step.name))
            if step.action == "setup":
                bench.setup(assignment.setups[step.name], step.name)
        runs = _run_tests(tests, bench, student)
        for step in tests:
            run = runs[step.name]
            step.cell.outputs = nbformat.from_dict(run.outputs)
            most = float(step.cell.metadata.nbgrader.points)
            marks.append(Mark(step.name, points_of(run.outputs, most), most, run.hints, _text(run.outputs)))
            step.cell.source = without_hidden_tests(step.cell.source)
        problems = student.problems
    isolated = sandbox.isolated()
    return Result(
        key(assignment, submission.digest, isolated),
        submission.student,
        assignment.name,
        marks,
        plan.notes + problems + _forbidden(assignment, plan),
        _notebook(assignment, plan, isolated),
        isolated,
    )


def _run_tests(tests: list[intake.Step], bench: TestBench, student: StudentProcess) -> dict[str, TestRun]:
    """Run the test cells.

    As in a notebook, tests share the student's process, since copies of it are what grading would spend its time on.
    Where a test's calls end the process or use up the time, the tests that have not come to their end run again, each
    with a copy of its own of a process that has not been called: they lose nothing by it, and learn nothing.
    """
    finished: dict[str, TestRun] = {}
    with contextlib.ExitStack() as stack:

        def begin(step: intake.Step, *, shared: bool) -> TestRun:
            snapshot = stack.enter_context(closing(student.snapshot(step.name, shared=shared)))
            run = bench.begin(step.cell.source, step.name, snapshot)
            run.run_shown()
            return run

        def together() -> None:
            runs: dict[str, TestRun] = {}
            for step in tests:
                run = runs[step.name] = begin(step, shared=True)
                if run.student.troubled:
                    if run.student.out_of_time:
                        run.run_hidden()
                        finished[step.name] = run
                    return
            for name, run in runs.items():
                run.run_hidden()
                if run.student.out_of_time or not run.student.troubled:
                    finished[name] = run
                if run.student.troubled:
                    return

        together()
        left = [step for step in tests if step.name not in finished]
        if left:
            student.start_anew()
        apart = {step.name: begin(step, shared=False) for step in left}
        for run in apart.values():
            run.run_hidden()
    return finished | apart


def points_of(outputs: list[dict[str, Any]], most: float) -> float:
    """Return what a test cell gives, as nbgrader reads its outputs; no student code can write to these."""
    for output in outputs:
        if output["output_type"] == "error" or output.get("name") == "stderr":
            return 0.0
        if output["output_type"] == "execute_result":
            try:
                points = float(output["data"]["text/plain"])
            except ValueError:
                return most
            return min(points, most) if points >= 0 else most
    return most


def _notebook(assignment: Assignment, plan: intake.Plan, isolated: bool) -> dict[str, Any]:
    """Return the graded notebook, its cells numbered as if run from top to bottom."""
    code = [step.cell for step in plan.steps if step.cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    cells = [step.cell for step in plan.steps]
    metadata = {**assignment.notebook.metadata, "grading": {"isolated": isolated}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    graded: dict[str, Any] = json.loads(json.dumps(notebook))
    return graded


def _text(outputs: list[dict[str, Any]]) -> str:
    """Return the text that a test cell shows."""
    lines: list[str] = []
    for output in outputs:
        lines += output.get("traceback", []) if output["output_type"] == "error" else [output.get("text", "").rstrip()]
    return "\n".join(line for line in lines if line)


def _forbidden(assignment: Assignment, plan: intake.Plan) -> list[str]:
    sources = [s.cell.source for s in plan.steps if s.action == "run"]
    text = unicodedata.normalize("NFKC", "\n".join(sources))  # as Python reads names
    if not any(name.partition(".")[0] in text for name in assignment.forbidden):
        return []
    # Read from the text: to parse it may take more memory than there is. What is no definition is followed in vain.
    try:
        used = names_used(_DEFINED.findall(text), sources)
    except ValueError as error:
        return [f"names that may not be used were not looked for: {error}"]
    barred = [f for f in assignment.forbidden if any(name == f or name.startswith(f + ".") for name in used)]
    return [f"the student's code uses {name}" for name in barred]


def _alarm(seconds: float) -> AbstractContextManager[None]:
    """Bound a test cell whose own loop depends on what a student returned; only a main thread can."""
    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    return time_limit(seconds) if main else nullcontext()
