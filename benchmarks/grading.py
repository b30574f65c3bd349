"""Time grading a class against nbgrader's own autograde, on the same submissions.

    .venv/bin/python benchmarks/grading.py [PS...] [--students N] [--workers N]
    .venv/bin/python benchmarks/grading.py --large 1000 [--kills 20]

Both get the same simulated class of honest students (solutions, half and wrong answers, stubs; nobody who loops or
crashes, for whom nbgrader waits or marks differently), both write nbgrader's gradebook and `autograded/`, and their
marks must be equal. nbgrader's autograde has one process; grading has `--workers`. A name that ends in ``+plots`` is
the problem set with a setup cell that also imports Matplotlib and scikit-learn. Then some submissions are graded in
this process, to see where the time goes.

With `--large`, one class is graded by grading alone: time, and the most memory that all its processes had at once
(proportional set sizes, sampled). With `--kills`, it is graded again by a run that is killed at random moments and
started anew, and the two gradebooks must agree row for row.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import functools
import os
import random
import shutil
import sqlite3
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

import nbformat

from course_lib.measure import cpu_features
from grading import assignment as assignments
from grading import grade as grades
from grading import gradebook, intake, rehearsal, student
from grading.results import Result

ROOT = Path(__file__).resolve().parent.parent
HONEST = ("right", "partly right", "wrong", "stub")
PLOTS = "+plots"
PLOTTING = "import matplotlib.pyplot as plt\nimport sklearn.linear_model\n"
SAMPLED = 0.25  # seconds between looks at the memory


def main() -> None:
    """Run the comparison for each problem set and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PS", default=["ps1_curve", f"ps3_logistic_regression{PLOTS}"])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--large", type=int, metavar="N", help="grade a class of N, without nbgrader")
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="and again, killed N times")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; {', '.join(f'{k} {v}' for k, v in cpu_features().items())}", flush=True)
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            assignment = prepared(name, Path(folder, "solutions"))
            if options.large:
                grade_large(assignment, options.large, options.workers, options.kills, Path(folder))
            else:
                compare(assignment, name, options.students, options.workers, Path(folder))
                where_the_time_goes(assignment, Path(folder))


def prepared(name: str, solutions: Path) -> assignments.Assignment:
    """Copy a problem set, and let its setup cell import more if its name says so."""
    plain = name.removesuffix(PLOTS)
    shutil.copytree(ROOT / "solutions" / plain, solutions / plain)
    if name != plain:
        notebook = copy.deepcopy(assignments.load(plain, solutions).notebook)
        setup = next(c for c in notebook.cells if c.cell_type == "code" and assignments.role(c) == "locked")
        setup.source = PLOTTING + setup.source
        nbformat.write(notebook, solutions / plain / f"{plain}.ipynb")
    return assignments.load(plain, solutions)


def compare(assignment: assignments.Assignment, label: str, students: int, workers: int, folder: Path) -> None:
    """Grade one class both ways and print times and their ratio."""
    ours, theirs = folder / "ours", folder / "theirs"
    simulate(assignment, students, ours)
    shutil.copytree(ours / "submitted", theirs / "submitted")
    with gradebook.Writer(assignment, theirs):
        pass  # makes the problem set known to their gradebook
    here = timed(command(assignment, ours, workers), ROOT)
    there = timed([sys.executable, "-m", "nbgrader", "autograde", assignment.name], theirs)
    found, expected = (
        gradebook.scores(assignment.name, gradebook.default_database(course)) for course in (ours, theirs)
    )
    if found != expected:
        raise SystemExit(f"the marks differ: {[s for s in expected if found.get(s) != expected[s]]}")
    print(f"\n{label}: {students} submissions, marks equal for all")
    for who, seconds in (("nbgrader autograde", there), (f"grading grade, {workers} workers", here)):
        print(f"  {who:28} {seconds:7.1f} s, {seconds / students * 1000:7.0f} ms a submission")
    print(f"  ratio {there / here:.1f}", flush=True)


def command(assignment: assignments.Assignment, course: Path, workers: int) -> list[str]:
    """Return the command that an instructor types."""
    words = [sys.executable, "-m", "grading", "grade", assignment.name, "--workers", str(workers)]
    return [*words, "--submitted", str(course / "submitted"), "--solutions", str(assignment.folder.parent)]


def grade_large(assignment: assignments.Assignment, students: int, workers: int, kills: int, folder: Path) -> None:
    """Grade a large class, undisturbed and killed, and print what it took."""
    course = folder / "class"
    simulate(assignment, students, course)
    seconds, memory = watched(command(assignment, course, workers))
    print(f"\n{assignment.name}: {students} submissions in {seconds:.1f} s, {seconds / students * 1000:.0f} ms each")
    print(f"  all processes together had at most {memory / 2**20:.0f} MiB", flush=True)
    if not kills:
        return
    undisturbed = rows(course / "gradebook.db")
    for made in ("results", "autograded"):
        shutil.rmtree(course / made)
    (course / "gradebook.db").unlink()
    draw = random.Random(0)
    moments = []
    for _ in range(kills):
        with subprocess.Popen(command(assignment, course, workers), cwd=ROOT, stdout=subprocess.DEVNULL) as run:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(draw.uniform(0.5, 2 * seconds / kills + 5))
            run.kill()
        moments.append(sum(1 for _ in (course / "results").rglob("*.json")))
    timed(command(assignment, course, workers), ROOT)
    print(f"  results there after each of {kills} kills: {', '.join(map(str, moments))}")
    if rows(course / "gradebook.db") != undisturbed:
        raise SystemExit("the gradebook of the killed run differs")
    print(f"  gradebook of the killed and resumed run: the same {len(undisturbed)} rows")


def rows(database: Path) -> list[str]:
    """Return what a gradebook says, less the keys that are drawn anew for each row."""
    where = """
        FROM {table} JOIN submitted_notebook ON {table}.notebook_id = submitted_notebook.id
        JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
        JOIN base_cell ON {table}.cell_id = base_cell.id ORDER BY 1, 2
    """
    asked = {
        "grade": "auto_score, manual_score, extra_credit, needs_manual_grade",
        "comment": "auto_comment, manual_comment",
    }
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [
            repr((table, *row))
            for table, columns in asked.items()
            for row in connection.execute(f"SELECT student_id, base_cell.name, {columns} {where.format(table=table)}")
        ]


def watched(words: list[str]) -> tuple[float, int]:
    """Run a command; return the seconds it took, and the most bytes that it and all it started had at once."""
    start, most = time.perf_counter(), 0
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            most = max(most, sum(map(proportional_size, descendants(run.pid))))
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(SAMPLED)
    if run.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(words)} failed")
    return time.perf_counter() - start, most


def descendants(root: int) -> list[int]:
    """Return the processes that a process started, itself included."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children[int(stat.read_text().rpartition(")")[2].split()[1])].append(int(stat.parent.name))
    found = [root]
    for process in found:
        found += children[process]
    return found


def proportional_size(process: int) -> int:
    """Return a process's bytes; of a page that several share, its part."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


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


def where_the_time_goes(assignment: assignments.Assignment, folder: Path, submissions: int = 20) -> None:
    """Grade some submissions in this process and print the steps' shares, waiting for the student's side included."""
    paths = list(intake.find(folder / "ours/submitted", assignment.name).values())[: submissions + 1]
    spent: defaultdict[str, float] = defaultdict(float)
    steps: list[tuple[str, Any, str]] = [
        ("read, and lay into the instructor's notebook", intake, "read"),
        ("read, and lay into the instructor's notebook", intake, "lay_in"),
        ("start a confined process", student.StudentProcess, "_start"),
        ("the student's cells", student.StudentProcess, "run_cell"),
        ("copies of the process", student.StudentProcess, "_copy"),
        ("setup cells, trusted side", grades.TestBench, "setup"),
        ("tests, with their calls", grades, "_run_tests"),
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


def one(assignment: assignments.Assignment, path: Path) -> Result:
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
