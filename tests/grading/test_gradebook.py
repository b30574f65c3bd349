"""Marks, gradebook and feedback, with nbgrader itself as the oracle."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import compute_checksum

from grading import assignment as assignments
from grading import feedback, gradebook, intake, rehearsal
from grading.cli import main
from grading.executor import Local, grade_class

from .conftest import with_answers, write_submission

ROOT = Path(__file__).resolve().parents[2]
STUDENTS = 30


def nbgrader(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one of nbgrader's own commands."""
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, **variables, "PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def ps1(tmp_path_factory):
    """Problem set 1, with less time for those who loop."""
    folder = tmp_path_factory.mktemp("course") / "solutions"
    shutil.copytree(ROOT / "solutions" / "ps1_curve", folder / "ps1_curve")
    settings = folder / "ps1_curve" / "assignment.toml"
    text = settings.read_text()
    assert "cell_seconds = 10\n" in text
    settings.write_text(text.replace("cell_seconds = 10\n", "cell_seconds = 4\n"))
    return assignments.load("ps1_curve", folder)


@pytest.fixture(scope="module")
def simulated(ps1, tmp_path_factory):
    """A class of 30, graded by the command that an instructor types: (folder, kinds, exit status)."""
    folder = tmp_path_factory.mktemp("class")
    corpus = rehearsal.wrong_answers(ROOT / "tests/exercises/wrong_answers/ps1_curve")
    kinds = rehearsal.simulate(ps1, corpus, STUDENTS, seed=0, out=folder)
    common = ["--solutions", str(ps1.folder.parent)]
    status = main(["grade", "ps1_curve", "--submitted", str(folder / "submitted"), "--workers", "2", *common])
    return folder, kinds, status


def test_honest_marks_equal_those_of_nbgraders_own_autograde(ps1, simulated, tmp_path):
    folder, kinds, _ = simulated
    alike: dict[str, list[str]] = {}  # by what they handed in; nbgrader, which takes seconds for each, gets one of them
    for student, kind in kinds.items():
        notebook = (folder / "submitted" / student / "ps1_curve" / "ps1_curve.ipynb").read_text()
        if kind != "looping" and "os._exit" not in notebook:
            alike.setdefault(notebook, []).append(student)
    for first, *_ in alike.values():
        shutil.copytree(folder / "submitted" / first, tmp_path / "submitted" / first)
    assert {kinds[first] for first, *_ in alike.values()} >= {"right", "partly right", "wrong", "stub"}
    theirs = gradebook.default_database(tmp_path)
    with gradebook.Writer(ps1, tmp_path):
        pass  # makes the problem set known to their gradebook
    done = nbgrader("autograde", "ps1_curve", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ours = gradebook.scores("ps1_curve", gradebook.default_database(folder))
    expected = gradebook.scores("ps1_curve", theirs)
    assert sorted(expected) == sorted(first for first, *_ in alike.values())
    for students in alike.values():
        for student in students:
            assert ours[student] == expected[students[0]], student
    assert len({sum(v for v in marks.values() if v) for marks in expected.values()}) > 5  # not all alike


def test_each_kind_of_student_gets_what_it_should(ps1, simulated):
    folder, kinds, status = simulated
    most = sum(ps1.tests().values())
    for student, marks in gradebook.scores("ps1_curve", gradebook.default_database(folder)).items():
        earned = sum(marks[name] for name in ps1.tests())
        match kinds[student]:
            case "right":
                assert earned == most
            case "stub":
                assert earned == 0
            case _:
                assert earned < most
    assert len(kinds) == STUDENTS
    assert status in (0, 1)


def test_a_second_run_takes_the_kept_results_and_changes_nothing(ps1, simulated):
    folder, kinds, _ = simulated
    before = gradebook.scores("ps1_curve", gradebook.default_database(folder))
    kept = {p: p.stat().st_mtime_ns for p in (folder / "results").rglob("*.json")}
    assert len(kept) == len(kinds)
    paths = intake.find(folder / "submitted", "ps1_curve")
    with contextlib.closing(Local(1)) as pool:
        results = list(grade_class(ps1, paths, folder / "results", pool))
    assert {p: p.stat().st_mtime_ns for p in (folder / "results").rglob("*.json")} == kept
    assert {r.student: {m.grade_id: m.points for m in r.marks} for r in results} == {
        student: {name: marks[name] for name in ps1.tests()} for student, marks in before.items()
    }


def test_feedback_shows_messages_and_hints_and_no_hidden_test(simulated, ps1):
    folder, kinds, _ = simulated
    pages = feedback.write(ps1, folder)
    assert len(pages) == len(kinds)
    wrong = next(student for student, kind in kinds.items() if kind == "wrong")
    page = (folder / "feedback" / wrong / "ps1_curve" / "ps1_curve.html").read_text()
    assert "checks passed" in page
    assert "Hint (" in page
    hidden = [
        line.strip()
        for cell in ps1.notebook.cells
        if assignments.role(cell) == "test"
        for line in cell.source.partition(assignments.HIDDEN_BEGIN)[2].splitlines()
        if "_special" in line or "rng" in line
    ]
    assert hidden
    for path in pages:
        text = path.read_text()
        assert assignments.HIDDEN_BEGIN not in text
        assert not [line for line in hidden if line in text]


def test_nbgraders_own_command_runs_nothing_without_the_isolated_executor(tiny, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    with gradebook.Writer(tiny, tmp_path):
        pass
    notebook = rehearsal.with_answers(tiny.notebook, {"double": "open('ran', 'w').close()"})
    write_submission(tmp_path / "submitted", "ada", notebook)
    (tmp_path / "grading.py").write_text("raise ImportError('numpy is broken')\n")  # found before the installed one
    done = nbgrader("autograde", "tiny", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode != 0
    assert "cannot be used (numpy is broken): run nbgrader from the course's environment" in done.stderr
    assert not list(tmp_path.rglob("ran"))
    assert not (tmp_path / "autograded").exists()


def test_nbgraders_own_command_uses_the_isolated_executor(tiny, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(tiny.folder.parent, root / "solutions")
    (root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    with gradebook.Writer(tiny, root):
        pass
    attack = (
        "import os, course_lib.checks\ncourse_lib.checks.Checks.score = lambda self: None\ndef double(x):\n    return x"
    )
    write_submission(root / "submitted", "honest", tiny.notebook)
    write_submission(root / "submitted", "attack", rehearsal.with_answers(tiny.notebook, {"double": attack}))
    done = nbgrader("autograde", "tiny", cwd=root)
    assert done.returncode == 0, done.stderr
    scores = gradebook.scores("tiny", gradebook.default_database(root))
    assert scores["honest"] == {"test_double": 4, "test_counter": 2, "explain": None}
    assert scores["attack"]["test_double"] == 1  # what `return x` honestly earns: no warning at 1e300
    assert "secret_of_the_hidden_tests" not in (root / "autograded/attack/tiny/tiny.ipynb").read_text()


def test_a_worse_resubmission_gets_the_worse_marks_and_an_unreadable_one_none(tiny, tmp_path):
    def marks() -> dict[str, float | None]:
        arguments = ["--submitted", str(tmp_path / "submitted"), "--solutions", str(tiny.folder.parent)]
        statuses.append(main(["grade", "tiny", "--workers", "1", *arguments]))
        return gradebook.scores("tiny", gradebook.default_database(tmp_path))["ada"]

    statuses: list[int] = []
    path = write_submission(tmp_path / "submitted", "ada", tiny.notebook)
    assert marks() == {"test_double": 4, "test_counter": 2, "explain": None}
    half = rehearsal.with_answers(tiny.notebook, {"counter": "Counter = None", "explain": "Another reason."})
    nbformat.write(half, path)
    assert marks() == {"test_double": 4, "test_counter": 0, "explain": None}
    path.write_text("{")
    assert marks() == {"test_double": 0, "test_counter": 0, "explain": 0}
    assert statuses == [0, 0, 1]
    assert not (tmp_path / "autograded/ada/tiny/tiny.ipynb").exists()


def test_manual_marks_survive_a_regrade_and_an_unanswered_question_gets_none(tiny, tmp_path):
    stub = nbformat.read(gradebook.release(tiny, tmp_path / "release"), as_version=4)
    write_submission(tmp_path / "submitted", "answered", tiny.notebook)
    write_submission(tmp_path / "submitted", "unanswered", stub)
    arguments = ["grade", "tiny", "--submitted", str(tmp_path / "submitted"), "--solutions", str(tiny.folder.parent)]
    assert main(arguments) == 0
    database = gradebook.default_database(tmp_path)
    with gradebook.Gradebook(database) as book:
        assert book.find_grade("explain", "tiny", "tiny", "unanswered").auto_score == 0
        by_hand = book.find_grade("explain", "tiny", "tiny", "answered")
        assert by_hand.needs_manual_grade
        by_hand.manual_score = 2.5
        book.db.commit()
    assert main(arguments) == 0
    with gradebook.Gradebook(database) as book:
        assert book.find_grade("explain", "tiny", "tiny", "answered").manual_score == 2.5


@pytest.mark.parametrize("hidden", ["solution", "hidden test"])
def test_a_release_has_neither_solutions_nor_hidden_tests(tiny, tmp_path, hidden):
    text = gradebook.release(tiny, tmp_path).read_text()
    assert {"solution": "return 2 * x", "hidden test": "secret_of_the_hidden_tests"}[hidden] not in text
    assert "raise NotImplementedError()" in text
    assert not (tmp_path / "tiny" / "assignment.toml").exists()


@pytest.mark.parametrize("work", ["an answer", "a cell that was added", "a file that cannot be read"])
def test_a_release_does_not_overwrite_what_somebody_has_done(tiny, tmp_path, work, capsys):
    path = gradebook.release(tiny, tmp_path)
    assert gradebook.release(tiny, tmp_path) == path
    notebook = nbformat.read(path, as_version=4)
    if work == "an answer":
        path.write_text(nbformat.writes(with_answers(notebook, {"double": "def double(x):\n    return x"})))
    elif work == "a cell that was added":
        notebook.cells.append(nbformat.v4.new_code_cell("1 + 1", id="mine"))
        path.write_text(nbformat.writes(notebook))
    else:
        path.write_text("{")
    done = path.read_text()
    assert main(["release", "tiny", "--solutions", str(tiny.folder.parent), "--out", str(tmp_path)]) == 2
    assert path.read_text() == done
    said = " ".join(capsys.readouterr().err.split())
    named = {"an answer": "(double)", "a file that cannot be read": "(it cannot be read)"}.get(work, f"({work})")
    assert f"is not overwritten, for somebody's work is in it {named}: move it" in said


def test_problem_sets_after_one_that_holds_work_are_released(tiny, tmp_path, capsys):
    solutions = tmp_path / "solutions"
    shutil.copytree(tiny.folder, solutions / "tiny")
    shutil.copytree(tiny.folder, solutions / "tiny2")
    (solutions / "tiny2" / "tiny.ipynb").rename(solutions / "tiny2" / "tiny2.ipynb")
    (tmp_path / "out" / "tiny").mkdir(parents=True)
    (tmp_path / "out" / "tiny" / "tiny.ipynb").write_text("{")
    assert main(["release", "--solutions", str(solutions), "--out", str(tmp_path / "out")]) == 2
    assert (tmp_path / "out" / "tiny2" / "tiny2.ipynb").exists()
    assert capsys.readouterr().err.count("is not overwritten") == 1


def test_a_release_replaces_one_of_another_solution_that_was_only_run(tiny, tmp_path):
    path = gradebook.release(tiny, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="ran")]
    (task,) = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "double"]
    task.source = "# other words than today\nraise NotImplementedError()"
    task.metadata.nbgrader.checksum = compute_checksum(task)
    notebook.cells.append(nbformat.v4.new_code_cell("", id="empty"))
    path.write_text(nbformat.writes(notebook))
    assert "other words" not in gradebook.release(tiny, tmp_path).read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grade", "ps9", "--submitted", "nowhere"], "no problem set 'ps9' in"),
        (["grade", "tiny", "--submitted", "nowhere"], "there is no folder nowhere"),
        (["check", "ps9"], "no problem set 'ps9' in"),
    ],
)
def test_errors_say_what_is_wrong_and_exit_with_2(tiny, arguments, message, capsys):
    assert main([*arguments, "--solutions", str(tiny.folder.parent)]) == 2
    assert message in capsys.readouterr().err


def test_simulated_classes_repeat(ps1, tmp_path):
    corpus = rehearsal.wrong_answers(ROOT / "tests/exercises/wrong_answers/ps1_curve")
    first, second = (rehearsal.simulate(ps1, corpus, 8, 5, tmp_path / name) for name in "ab")
    assert first == second
    notebooks = [sorted((tmp_path / name / "submitted").rglob("*.ipynb")) for name in "ab"]
    assert [p.read_bytes() for p in notebooks[0]] == [p.read_bytes() for p in notebooks[1]]
    assert json.loads((tmp_path / "a" / "class.json").read_text()) == first


def test_a_new_gradebook_has_the_version_that_alembic_says(monkeypatch, tmp_path):
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([scripts, os.environ["PATH"]]))
    theirs, ours = (f"sqlite:///{tmp_path / name}" for name in ("theirs.db", "ours.db"))
    Gradebook(theirs).close()
    gradebook._open(ours).close()

    def tables(database):
        with contextlib.closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
            found = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
            versions = connection.execute("SELECT * FROM alembic_version").fetchall()
            return [sql for (sql,) in found if sql and "alembic" not in sql], versions

    assert tables(ours) == tables(theirs)
    assert tables(theirs)[1] == [(gradebook.tables_version(),)]
