"""Grading where nothing can be confined: only when asked for, with a warning, and every result says so."""

import contextlib
import json
import tempfile
import time
from pathlib import Path

import pytest

from grading import cgroups, intake, sandbox
from grading.cli import main
from grading.executor import Local, grade_class
from grading.rehearsal import with_answers
from grading.sandbox import Limits
from grading.student import StudentProcess

from .conftest import marks, require_isolation, write_submission

WARNING = "warning: without isolation"
FORGED = """import course_lib.checks
course_lib.checks.Checks.score = lambda self: self.points
course_lib.checks.Checks.close = lambda *_, **__: None
def double(x):
    return x"""


@pytest.fixture(autouse=True)
def no_bubblewrap(monkeypatch):
    """Hide it."""

    def missing():
        raise sandbox.NoIsolation("bubblewrap was not found")

    monkeypatch.setattr(sandbox, "bubblewrap", missing)


@pytest.fixture
def course(tiny, tmp_path):
    """A course with a right submission, a wrong one, and one that changes the checks where it runs: the command."""
    for student, answer in {
        "right": "def double(x):\n    return 2 * x",
        "wrong": "double = abs",
        "forger": FORGED,
    }.items():
        write_submission(tmp_path / "submitted", student, with_answers(tiny.notebook, {"double": answer}))
    solutions = str(tiny.folder.parent)
    return ["grade", "tiny", "--solutions", solutions, "--submitted", str(tmp_path / "submitted"), "--workers", "1"]


@pytest.mark.parametrize("command", ["grade", "check"])
def test_without_the_option_nothing_runs(command, course, tiny, tmp_path, capsys):
    words = course if command == "grade" else ["check", "tiny", "--solutions", str(tiny.folder.parent)]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "bubblewrap was not found" in said
    assert WARNING not in said
    assert not (tmp_path / "results").exists()


def test_with_it_marks_are_right_and_everything_says_so(course, tiny, tmp_path, capsys):
    for _ in range(2):
        assert main([*course, "--no-isolation"]) == 0
        said = capsys.readouterr()
        assert said.err.count(WARNING) == 1
        assert "3 were graded without isolation" in " ".join(said.out.split())
    results = {p.parent.name: json.loads(p.read_text()) for p in (tmp_path / "results" / "tiny").rglob("*.json")}
    points = {student: sum(m["points"] for m in result["marks"]) for student, result in results.items()}
    assert points["right"] == 6
    assert points["forger"] < 6
    assert points["wrong"] < 6
    assert {result["isolated"] for result in results.values()} == {False}
    for student in results:
        notebook = json.loads((tmp_path / "autograded" / student / "tiny" / "tiny.ipynb").read_text())
        assert notebook["metadata"]["grading"] == {"isolated": False}
    report = ["report", "tiny", "--solutions", str(tiny.folder.parent), "--course", str(tmp_path)]
    assert main([*report, "--out", str(tmp_path / "report")]) == 0
    assert "3 submissions were graded without isolation" in (tmp_path / "report" / "report.html").read_text()


def test_a_run_with_isolation_takes_no_result_made_without(course, tiny, tmp_path, monkeypatch):
    paths = intake.find(tmp_path / "submitted", "tiny")

    def graded(isolated):
        with contextlib.closing(Local(1, tiny.imports, isolated=isolated)) as pool:
            return {r.student: r for r in grade_class(tiny, paths, tmp_path / "results", pool)}

    without = graded(isolated=False)
    monkeypatch.undo()
    require_isolation()
    confined = graded(isolated=True)
    assert not any(r.isolated for r in without.values())
    assert all(r.isolated for r in confined.values())
    assert {s: marks(r) for s, r in without.items()} == {s: marks(r) for s, r in confined.items()}
    assert graded(isolated=False) == confined  # what is better will do


def test_it_is_not_for_a_schedulers_workers_nor_for_other_systems(course, capsys, monkeypatch):
    index = course.index("--workers")
    assert main([*course[:index], "--scheduler", "tcp://127.0.0.1:9", "--no-isolation"]) == 2
    assert "leave out --scheduler" in capsys.readouterr().err
    monkeypatch.setattr(sandbox.platform, "system", lambda: "Darwin")
    assert main([*course, "--no-isolation"]) == 2
    assert "Linux only" in capsys.readouterr().err


@pytest.fixture(scope="module")
def warm():
    """A warm process without walls."""
    with contextlib.closing(sandbox.Nursery(("numpy",), isolated=False)) as nursery:
        yield nursery.connection()


@pytest.fixture
def tried(warm, monkeypatch):
    """Run one cell without isolation; return its outputs."""
    monkeypatch.setattr(sandbox, "_without_walls", set())
    monkeypatch.setattr(sandbox, "_connections", {})
    sandbox.adopt(("numpy",), warm, isolated=False)

    def run(source: str) -> list[dict]:
        with StudentProcess(Limits(memory_mb=300, scratch_mb=1, processes=20, cell_seconds=5)) as student:
            return student.run_cell(source, "a")

    return run


def test_what_can_be_limited_still_is(tried):
    [output] = tried(
        "import ctypes, json, os, resource, stat, tempfile\n"
        "def attempt(action):\n"
        "    try: action()\n"
        "    except (OSError, MemoryError) as error: return type(error).__name__\n"
        "libc = ctypes.CDLL(None)\n"
        "open('left', 'w').close()\n"
        "os.makedirs('locked/inner'); os.chmod('locked', 0)\n"
        "print(json.dumps({'folders': [os.getcwd(), os.environ['HOME'], tempfile.gettempdir()],\n"
        "    'mode': stat.S_IMODE(os.stat('.').st_mode), 'variables': len(os.environ),\n"
        "    'memory': attempt(lambda: bytearray(400 * 2**20)), 'privileges': libc.prctl(39, 0, 0, 0, 0),\n"
        "    'refused': libc.memfd_create(b'x', 0), 'file': resource.getrlimit(resource.RLIMIT_FSIZE)[0],\n"
        "    'leader': os.getpgrp() == os.getpid()}))"
    )
    seen = json.loads(output["text"])
    [folder] = set(seen.pop("folders"))
    assert not Path(folder).exists()
    assert 5 < seen.pop("variables") < 15  # not this process's
    expected = {"mode": 0o700, "memory": "MemoryError", "privileges": 1, "refused": -1}
    assert seen == {**expected, "file": 2**20, "leader": True}


@pytest.mark.parametrize("detached", [False, True])
def test_what_a_submission_starts_ends_with_it(tried, detached):
    if detached and "pids" not in cgroups.hierarchies():
        pytest.skip("no control groups may be made here")
    outputs = tried(
        "import os, time\n"
        "reader, writer = os.pipe()\n"
        "if os.fork() == 0:\n"
        f"    if {detached}: os.setsid()\n"
        "    if (pid := os.fork()) == 0: time.sleep(600)\n"
        "    os.write(writer, str(pid).encode())\n"
        "    os._exit(0)\n"
        "print(os.read(reader, 100).decode())"
    )
    started = Path("/proc", outputs[0]["text"].strip(), "cmdline")
    deadline = time.monotonic() + 5
    while started.exists() and "grading.runner" in started.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not started.exists() or "grading.runner" not in started.read_text()


def test_a_storm_is_stopped_at_the_limit(tried):
    if "pids" not in cgroups.hierarchies():
        pytest.skip("no control groups may be made here")
    storm = "import os, time\ncount = 0\ntry:\n    while count < 200:\n        if os.fork() == 0: time.sleep(60)\n"
    assert int(tried(storm + "        count += 1\nexcept OSError: print(count)")[0]["text"]) == 20


def test_no_folder_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with contextlib.closing(sandbox.Nursery(("numpy",), isolated=False)) as nursery:
        monkeypatch.setattr(sandbox, "_connections", {})
        monkeypatch.setattr(sandbox, "_without_walls", set())
        sandbox.adopt(("numpy",), nursery.connection(), isolated=False)
        runner, connection = sandbox.start(Limits(), 0, ("numpy",))
        with connection:
            assert len(list(tmp_path.iterdir())) == 2
            runner.end()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
