"""Grades one submission: a pure function of the submission, the tests and the environment to a result."""

from __future__ import annotations

import ast
import atexit
import builtins
import functools
import json
import re
import signal
import threading
import unicodedata
import warnings
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any, ClassVar

import nbformat

from course_lib.checks import CheckFailed, Checks, names_used
from grading import GradingError, intake, sandbox
from grading.assignment import Assignment, without_hidden_tests
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

    def test(self, source: str, name: str, student: Snapshot) -> tuple[list[dict[str, Any]], list[str]]:
        """Run a test cell; return its outputs and the misconceptions that its failing checks name."""
        namespace = self._shell.namespace
        namespace.pop("check", None)
        wanted = sorted(free_names(source) - namespace.keys() - set(dir(builtins)))
        try:
            names = student.lookup(wanted)
        except StudentProcessError as error:
            names = {}
            source = f"raise RuntimeError({str(error)!r})"
        namespace.update(names)
        try:
            with _alarm(self._seconds), warnings.catch_warnings():
                # Outside a check a warning would go to stderr, for which nbgrader gives no marks.
                warnings.simplefilter("ignore")
                outputs = self._shell.run(source, f"<test {name}>")
        finally:
            for bound in names:
                namespace.pop(bound, None)
        check = namespace.get("check")
        failures = check.barred + check.failures if type(check) is Checks else []
        if type(check) is Checks and not check.ended and not any(o["output_type"] == "error" for o in outputs):
            # nbgrader gives full marks to a cell that shows nothing.
            text = "the test did not come to its end"
            outputs.append({"output_type": "error", "ename": "RuntimeError", "evalue": text, "traceback": []})
        for output in outputs:
            if output["output_type"] == "error" and output["ename"] != CheckFailed.__name__:
                # A traceback quotes the lines around the error, and those may be hidden ones.
                output["traceback"] = [f"{output['ename']}: {output['evalue']}"]
        return outputs, sorted({f.hint for f in failures if f.hint is not None})


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

    The student's notebook runs first, from start to end; the tests follow, each on a snapshot of the student's process
    at the place where the test stands. So nothing that a test reveals can reach a later cell of the student's.
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
                bench.setup(step.cell.source, step.name)
        for step in tests:
            with closing(student.snapshot(step.name)) as snapshot:
                outputs, hints = bench.test(step.cell.source, step.name, snapshot)
            step.cell.outputs = nbformat.from_dict(outputs)
            most = float(step.cell.metadata.nbgrader.points)
            marks.append(Mark(step.name, points_of(outputs, most), most, hints, _text(outputs)))
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
