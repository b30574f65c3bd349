"""Grades one submission: a pure function of the submission, the tests and the environment to a result."""

from __future__ import annotations

import ast
import atexit
import builtins
import functools
import hashlib
import json
import os
import platform
import re
import signal
import threading
import time
import unicodedata
import warnings
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import nbformat
from nbgrader.utils import determine_grade

import course_lib
from course_lib.checks import SEED_VARIABLE, CheckFailed, Checks, names_used
from grading import intake
from grading.assignment import Assignment, without_hidden_tests
from grading.runner import time_limit
from grading.shell import RecordingShell
from grading.student import Snapshot, StudentProcess, StudentProcessError

FORMAT = 1
_DEFINED = re.compile(r"^[ \t]*(?:def|class)(?:[ \t]|\\\n)+(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Mark:
    """What one test cell gave: points, and the misconceptions that its failing checks name."""

    grade_id: str
    points: float
    max_points: float
    hints: list[str]
    report: str


@dataclass(frozen=True)
class Result:
    """The outcome for one submission.

    Parameters
    ----------
    key : str
        Hash of all that the outcome depends on.
    marks : list of Mark
        One a test cell, in the notebook's order.
    needs_person : list of str
        Why somebody should look at it; empty for most.
    notebook : dict or None
        The graded notebook; None where the submission could not be read.
    """

    key: str
    student: str
    assignment: str
    marks: list[Mark]
    needs_person: list[str] = field(default_factory=list)
    notebook: dict[str, Any] | None = None
    seconds: float = 0.0

    @property
    def points(self) -> float:
        """Points of all test cells together."""
        return sum(mark.points for mark in self.marks)

    def to_json(self) -> str:
        """Return the result as text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("a result of another format")
        data["marks"] = [Mark(**mark) for mark in data["marks"]]
        return cls(**data)


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
        RuntimeError
            It failed: the problem set is broken, not the submission.
        """
        for output in self._shell.run(source, f"<setup {name}>"):
            if output["output_type"] == "error":
                raise RuntimeError(f"the setup cell {name} failed: {output['ename']}: {output['evalue']}")

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
    start = time.monotonic()
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
                student.take_snapshot(step.name)
            elif step.action != "show":
                step.cell.outputs = nbformat.from_dict(student.run_cell(step.cell.source, step.name))
            if step.action == "setup":
                bench.setup(step.cell.source, step.name)
        for step in tests:
            outputs, hints = bench.test(step.cell.source, step.name, student.snapshot(step.name))
            step.cell.outputs = nbformat.from_dict(outputs)
            # No student code can write to these outputs, so nbgrader's own reading of them is safe.
            points, most = determine_grade(step.cell)
            marks.append(Mark(step.name, min(float(points), most), most, hints, _text(outputs)))
            step.cell.source = without_hidden_tests(step.cell.source)
        problems = student.problems
    return Result(
        key(assignment, submission.digest),
        submission.student,
        assignment.name,
        marks,
        plan.notes + problems + _forbidden(assignment, plan),
        _notebook(assignment, plan),
        time.monotonic() - start,
    )


def unreadable(assignment: Assignment, student: str, reason: str) -> Result:
    """Return the result of a submission that could not be read: no points, and a person to look at it."""
    marks = [Mark(name, 0.0, points, [], "") for name, points in assignment.tests().items()]
    return Result(key(assignment, f"unreadable: {reason}"), student, assignment.name, marks, [reason])


def key(assignment: Assignment, digest: str) -> str:
    """Hash what a result depends on: submission, tests, the code of grader and course, versions, cohort's seed."""
    parts = [digest, assignment.digest, _environment(), os.environ.get(SEED_VARIABLE, "0")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def grade_class(
    assignment: Assignment, paths: Mapping[str, Path], results: Path, workers: int
) -> Generator[Result, None, None]:
    """Grade many submissions in parallel, yielding each result when it is there.

    Results are kept in the folder `results`, one file each; one that is there already, for the same submission, tests
    and environment, is not made again, so that a run that was stopped goes on where it was.
    """
    folder = results / assignment.name
    pool = workers_pool(workers)
    try:
        waiting = [pool.submit(_grade_path, assignment, student, path, folder) for student, path in paths.items()]
        for done in as_completed(waiting):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)  # leaving a `with` would wait for all that is queued


def kept_results(assignment: Assignment, paths: Mapping[str, Path], results: Path) -> dict[str, Result]:
    """Return those results that are there already for what students handed in, as it is now."""
    found = {}
    for student, path in paths.items():
        try:
            digest = key(assignment, intake.read(student, path).digest)
        except intake.IntakeError as error:
            digest = unreadable(assignment, student, str(error)).key
        kept = results / assignment.name / student / f"{digest}.json"
        if kept.exists():
            found[student] = Result.from_json(kept.read_text(encoding="utf-8"))
    return found


def workers_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of processes that leave Ctrl-C to this one.

    What they import takes seconds. So it is imported once, by a process from which they are forked.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(dict(os.environ),))


def _begin(environment: dict[str, str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()  # it may have changed since that process began
    os.environ.update(environment)


def _grade_path(assignment: Assignment, student: str, path: Path, folder: Path) -> Result:
    try:
        submission = intake.read(student, path)
    except intake.IntakeError as error:
        return _keep(unreadable(assignment, student, str(error)), folder)
    kept = folder / student / f"{key(assignment, submission.digest)}.json"
    if kept.exists():
        return Result.from_json(kept.read_text(encoding="utf-8"))
    return _keep(grade(assignment, submission), folder)


def _keep(result: Result, folder: Path) -> Result:
    path = folder / result.student / f"{result.key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_text(result.to_json(), encoding="utf-8")
    unfinished.replace(path)
    return result


def _notebook(assignment: Assignment, plan: intake.Plan) -> dict[str, Any]:
    """Return the graded notebook, its cells numbered as if run from top to bottom."""
    code = [step.cell for step in plan.steps if step.cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    notebook = nbformat.v4.new_notebook(cells=[s.cell for s in plan.steps], metadata=assignment.notebook.metadata)
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
    # Read from the text: to parse it may take more memory than there is. What is no definition is followed in vain.
    defined = {unicodedata.normalize("NFKC", name) for source in sources for name in _DEFINED.findall(source)}
    try:
        used = names_used(defined, sources)
    except ValueError as error:
        return [f"names that may not be used were not looked for: {error}"]
    barred = [f for f in assignment.forbidden if any(name == f or name.startswith(f + ".") for name in used)]
    return [f"the student's code uses {name}" for name in barred]


@functools.cache
def _environment() -> str:
    folders = [Path(__file__).parent, Path(course_lib.__file__).parent]
    files = sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".toml", ".cu"))
    digest = hashlib.sha256(b"\0".join(p.read_bytes() for p in files))
    versions = [platform.python_version(), *(__import__(n).__version__ for n in ("numpy", "scipy", "IPython"))]
    return " ".join([digest.hexdigest(), *versions])


def _alarm(seconds: float) -> AbstractContextManager[None]:
    """Bound a test cell whose own loop depends on what a student returned; only a main thread can."""
    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    return time_limit(seconds) if main else nullcontext()
