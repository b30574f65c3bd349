"""A class on several processes, or machines: the same results, whoever ends in the middle."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_lib.checks import SEED_VARIABLE
from grading import intake
from grading.cli import main
from grading.executor import Local, Scheduled, WorkerError, grade_class, kept_results
from grading.rehearsal import with_answers

from .conftest import marks, require_isolation, write_submission

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = [f"def double(x):\n    return {n} * x" for n in (2, 3, 0)]


@pytest.fixture(scope="module", autouse=True)
def isolation():
    require_isolation()


@pytest.fixture
def submitted(tiny, tmp_path):
    """Twelve submissions, every third right."""
    folder = tmp_path / "submitted"
    for number in range(12):
        write_submission(folder, f"s{number:02d}", with_answers(tiny.notebook, {"double": ANSWERS[number % 3]}))
    return folder


def graded_by(pool, tiny, submitted, results):
    """Return the results of a class as text, by student."""
    with contextlib.closing(pool):
        return {r.student: r.to_json() for r in grade_class(tiny, intake.find(submitted, "tiny"), results, pool)}


def test_workers_see_the_environment_as_it_is_when_they_begin(monkeypatch):
    for seed in ("1", "2"):
        monkeypatch.setenv(SEED_VARIABLE, seed)
        with contextlib.closing(Local(1)) as pool:
            assert pool.submit(os.getenv, SEED_VARIABLE).result() == seed


def test_a_run_that_is_stopped_stops_and_goes_on_from_there(tiny, submitted, tmp_path):
    paths = intake.find(submitted, "tiny")
    with contextlib.closing(Local(1)) as pool:
        run = grade_class(tiny, paths, tmp_path / "results", pool)
        next(run)
        run.close()
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "results").rglob("*.json")}
    assert 1 <= len(kept) < 12
    assert len(graded_by(Local(1), tiny, submitted, tmp_path / "results")) == 12
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in (tmp_path / "results").rglob("*.json")}.items()
    assert sorted(kept_results(tiny, paths, tmp_path / "results")) == sorted(paths)


def test_a_worker_that_is_killed_costs_nobody_a_mark(tiny, submitted, tmp_path):
    pool = Local(2, tiny.imports)
    found = {}
    with contextlib.closing(pool):
        for result in grade_class(tiny, intake.find(submitted, "tiny"), tmp_path / "results", pool):
            found[result.student] = result.to_json()
            if len(found) == 1:
                os.kill(next(iter(pool._executor._processes)), signal.SIGKILL)
    assert found == graded_by(Local(1, tiny.imports), tiny, submitted, tmp_path / "again")


def test_a_submission_that_ends_its_worker_needs_a_person_and_costs_no_other(tiny, submitted, tmp_path, monkeypatch):
    class Fragile(Local):
        """A pool in which one student's submission is the end of the process that has it."""

        def submit(self, function, *arguments):
            if "s04" in arguments:
                return super().submit(signal.raise_signal, signal.SIGKILL)
            return super().submit(function, *arguments)

    results = {}
    with contextlib.closing(Fragile(2)) as pool:
        for result in grade_class(tiny, intake.find(submitted, "tiny"), tmp_path / "results", pool):
            results[result.student] = result
    assert len(results) == 12
    assert results["s04"].needs_person == ["the grader's own process ended while it graded this"]
    assert [s for s, r in results.items() if r.needs_person] == ["s04"]
    assert not list((tmp_path / "results").rglob("s04/*.json"))  # it is tried again the next time


def test_a_submission_that_the_grader_fails_on_needs_a_person_and_costs_no_other(tiny, submitted, tmp_path):
    class Buggy(Local):
        """A pool in which the grader itself fails on one student's submission."""

        def submit(self, function, *arguments):
            return super().submit(*((int, "x") if "s04" in arguments else (function, *arguments)))

    with contextlib.closing(Buggy(2)) as pool:
        results = list(grade_class(tiny, intake.find(submitted, "tiny"), tmp_path / "results", pool))
    assert len(results) == 12
    assert [(r.student, r.needs_person) for r in results if r.needs_person] == [
        ("s04", ["the grader failed on it: ValueError: invalid literal for int() with base 10: 'x'"])
    ]
    assert not list((tmp_path / "results").rglob("s04/*.json"))


def descendants(root: int) -> list[int]:
    """Return the processes that a process started, and those that these started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found[1:]


def ended(processes: list[int]) -> None:
    """Wait until processes are gone whose parent was killed."""
    deadline = time.monotonic() + 20
    while left := [p for p in processes if Path(f"/proc/{p}").exists()]:
        assert time.monotonic() < deadline, [Path(f"/proc/{p}/cmdline").read_bytes() for p in left]
        time.sleep(0.05)


def rows(database: Path) -> list[tuple]:
    """Return what a gradebook says, without the keys that are drawn anew for each row."""
    query = """
        SELECT student.id, base_cell.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade
        FROM grade JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
        JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
        JOIN student ON submitted_assignment.student_id = student.id JOIN base_cell ON grade.cell_id = base_cell.id
    """
    comments = query.replace("grade.auto_score, grade.manual_score, grade.needs_manual_grade", "comment.auto_comment")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return sorted(
            map(repr, [*connection.execute(query), *connection.execute(comments.replace("grade", "comment"))])
        )


def test_a_run_that_is_killed_at_any_moment_ends_as_an_undisturbed_one(tiny, submitted, tmp_path):
    command = [sys.executable, "-m", "grading", "grade", "tiny", "--solutions", str(tiny.folder.parent)]
    command += ["--workers", "2", "--submitted", str(submitted)]
    draw = random.Random(8)
    for _ in range(5):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(draw.uniform(1, 5))
            started = descendants(run.pid)
            run.kill()
        ended(started)
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    disturbed = tmp_path / "gradebook.db"
    disturbed.rename(tmp_path / "disturbed.db")
    assert main(command[3:]) == 0
    assert rows(tmp_path / "disturbed.db") == rows(disturbed)
    assert len(rows(disturbed)) > 12


@contextlib.contextmanager
def cluster(workers: int):
    """A scheduler and workers, each a process of its own on this machine: (address, workers)."""
    environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__DAEMON": "False", "PYTHONPATH": str(ROOT)}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    with contextlib.ExitStack() as undo:

        def start(*command: str) -> subprocess.Popen:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
            undo.callback(process.wait)
            undo.callback(process.kill)
            return process

        file = undo.enter_context(contextlib.closing(_Scratch())).path
        scheduler = start(*dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", file, "--nthreads", "1"]
        started = [start(*worker, "--no-nanny", "--no-dashboard", "--host", "127.0.0.1") for _ in range(workers)]
        yield json.loads(wait_for(file))["address"], [scheduler, *started]


class _Scratch:
    def __init__(self) -> None:
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self._folder.name, "scheduler.json"))

    def close(self) -> None:
        self._folder.cleanup()


def wait_for(file: str) -> str:
    """Return what a file says that somebody else is about to write."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if text := Path(file).read_text():
                return text
        time.sleep(0.05)
    raise AssertionError(f"{file} was not written")


def wait_for_workers(address: str, number: int) -> None:
    """Wait until a scheduler has so many workers."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_schedulers_workers_give_the_same_results_to_the_byte_though_one_is_killed(tiny, submitted, tmp_path):
    pytest.importorskip("distributed")
    expected = graded_by(Local(1, tiny.imports), tiny, submitted, tmp_path / "here")
    with cluster(2) as (address, (_, victim, _)):
        wait_for_workers(address, 2)
        found = {}
        with contextlib.closing(Scheduled(address, tiny.imports)) as pool:
            assert pool.size == 2
            for result in grade_class(tiny, intake.find(submitted, "tiny"), tmp_path / "there", pool):
                if not found:
                    started = descendants(victim.pid)
                    victim.kill()
                found[result.student] = result.to_json()
        ended(started)
    assert found == expected

    def files(folder):
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.json")}

    assert files(tmp_path / "there") == files(tmp_path / "here")
    kept = kept_results(tiny, intake.find(submitted, "tiny"), tmp_path / "there")
    assert {marks(result)["test_double"] for result in kept.values()} == {4, 1}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scheduler_that_goes_away_is_said_and_what_was_graded_is_kept(tiny, submitted, tmp_path):
    pytest.importorskip("distributed")
    with cluster(1) as (address, (scheduler, _)):
        wait_for_workers(address, 1)
        with contextlib.closing(Scheduled(address, tiny.imports)) as pool:
            run = grade_class(tiny, intake.find(submitted, "tiny"), tmp_path, pool)
            next(run)
            scheduler.kill()
            with pytest.raises(WorkerError, match="went away"):
                list(run)
    assert list(tmp_path.rglob("*.json"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scheduler_that_is_not_there_or_has_no_workers_is_said(capsys, tiny, submitted):
    pytest.importorskip("distributed")
    command = ["grade", "tiny", "--solutions", str(tiny.folder.parent), "--submitted", str(submitted), "--scheduler"]
    assert main([*command, "tcp://127.0.0.1:9"]) == 2
    assert "no scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    with cluster(0) as (address, _), pytest.raises(WorkerError, match="has no workers"):
        Scheduled(address)
