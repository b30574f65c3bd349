"""Time grading a class against nbgrader's own autograde, on the same submissions.

    .venv/bin/python benchmarks/grading.py [PS...] [--students N] [--workers N]

Both get the same simulated class of honest students (solutions, half and wrong answers, stubs; nobody who loops or
crashes, for whom nbgrader waits or marks differently), both write nbgrader's gradebook and `autograded/`, and their
marks must be equal. nbgrader's autograde has one process; grading has `--workers`. Then some submissions are graded in
this process, to see where the time goes.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder, in which the name "grading" is this file

from course_lib.measure import cpu_features
from grading import assignment as assignments
from grading import grade as grades
from grading import gradebook, intake, rehearsal, student

ROOT = Path(__file__).resolve().parent.parent
HONEST = ("right", "partly right", "wrong", "stub")


def main() -> None:
    """Run the comparison for each problem set and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PS", default=["ps1_curve", "ps3_logistic_regression"])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; {', '.join(f'{k} {v}' for k, v in cpu_features().items())}")
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            compare(name, options.students, options.workers, Path(folder))
            where_the_time_goes(name, Path(folder))


def compare(name: str, students: int, workers: int, folder: Path) -> None:
    """Grade one class both ways and print times and their ratio."""
    assignment = assignments.load(name, ROOT / "solutions")
    ours, theirs = folder / "ours", folder / "theirs"
    simulate(assignment, students, ours)
    shutil.copytree(ours / "submitted", theirs / "submitted")
    with gradebook.Writer(assignment, theirs):
        pass  # makes the problem set known to their gradebook
    grade = [sys.executable, "-m", "grading", "grade", name, "--submitted", str(ours / "submitted")]
    grade += ["--solutions", str(ROOT / "solutions"), "--workers", str(workers)]
    here = timed(grade, ROOT)
    there = timed([sys.executable, "-m", "nbgrader", "autograde", name], theirs)
    found, expected = (gradebook.scores(name, gradebook.default_database(course)) for course in (ours, theirs))
    if found != expected:
        raise SystemExit(f"the marks differ: {[s for s in expected if found.get(s) != expected[s]]}")
    print(f"\n{name}: {students} submissions, marks equal for all")
    for who, seconds in (("nbgrader autograde", there), (f"grading grade, {workers} workers", here)):
        print(f"  {who:28} {seconds:7.1f} s, {seconds / students * 1000:7.0f} ms a submission")
    print(f"  ratio {there / here:.1f}")


def simulate(assignment: assignments.Assignment, students: int, folder: Path) -> None:
    """Write a class of honest students."""
    corpus = rehearsal.wrong_answers(ROOT / "tests/exercises/wrong_answers" / assignment.name)
    made: list[Path] = []
    seed = 0
    while len(made) < students:
        kinds = rehearsal.simulate(assignment, corpus, 2 * students, seed, folder / f"drawn-{seed}")
        drawn = folder / f"drawn-{seed}" / "submitted"
        for who in (s for s, kind in kinds.items() if kind in HONEST and len(made) < students):
            target = folder / "submitted" / f"s{len(made):04d}"
            target.parent.mkdir(parents=True, exist_ok=True)
            made.append(Path(shutil.move(drawn / who, target)))
        seed += 1


def timed(command: list[str], cwd: Path) -> float:
    """Run a command; return the seconds it took."""
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def where_the_time_goes(name: str, folder: Path, submissions: int = 20) -> None:
    """Grade some submissions in this process and print the steps' shares, waiting for the student's side included."""
    assignment = assignments.load(name, ROOT / "solutions")
    paths = list((folder / "ours/submitted").glob(f"*/{name}/{name}.ipynb"))[: submissions + 1]
    spent: defaultdict[str, float] = defaultdict(float)
    steps: list[tuple[str, Any, str]] = [
        ("read, and lay into the instructor's notebook", intake, "read"),
        ("read, and lay into the instructor's notebook", intake, "lay_in"),
        ("start a confined process", student.StudentProcess, "_start"),
        ("the student's cells", student.StudentProcess, "run_cell"),
        ("snapshots", student.StudentProcess, "take_snapshot"),
        ("setup cells, trusted side", grades.TestBench, "setup"),
        ("tests, with their calls", grades.TestBench, "test"),
        ("end the process", student.StudentProcess, "_stop"),
        ("look for barred names", grades, "_forbidden"),
        ("gradebook and autograded/", gradebook.Writer, "write"),
        ("gradebook and autograded/", gradebook.Writer, "flush"),
    ]
    (folder / "again").mkdir()
    originals = [(place, attribute, getattr(place, attribute)) for _, place, attribute in steps]
    with gradebook.Writer(assignment, folder / "again") as writer:
        writer.write(one(assignment, paths[0]))  # the warm process starts
        for label, place, attribute in steps:
            setattr(place, attribute, adding(spent, label, getattr(place, attribute)))
        try:
            totals = []
            for path in paths[1:]:
                start = time.perf_counter()
                writer.write(one(assignment, path))
                totals.append(time.perf_counter() - start)
            writer.flush()
        finally:
            for place, attribute, original in originals:
                setattr(place, attribute, original)
    total = sum(totals)
    print(f"  one worker, {len(totals)} submissions, median {1000 * statistics.median(totals):.0f} ms; means of steps:")
    for label in dict.fromkeys(label for label, _, _ in steps):
        print(f"    {label:46} {1000 * spent[label] / len(totals):6.1f}")
    print(f"    {'everything else':46} {1000 * (total - sum(spent.values())) / len(totals):6.1f}")


def one(assignment: assignments.Assignment, path: Path) -> grades.Result:
    """Grade one file."""
    return grades.grade(assignment, intake.read(path.parent.parent.name, path))


def adding(spent: defaultdict[str, float], label: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, with its time added to a sum; what it calls of the others is not counted twice."""

    @functools.wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        before, start = sum(spent.values()), time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            inner = sum(spent.values()) - before
            spent[label] += time.perf_counter() - start - inner

    return measured


if __name__ == "__main__":
    main()
