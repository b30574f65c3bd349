"""What learners get is what the instructor's notebooks generate."""

import subprocess
from pathlib import Path

import pytest

from grading import assignment as assignments
from grading import gradebook

ROOT = Path(__file__).resolve().parents[2]
NAMES = assignments.names(ROOT / "solutions")


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout


@pytest.fixture(scope="module", params=NAMES)
def released(request, tmp_path_factory):
    """A problem set as solutions/ generates it: (name, {file: text})."""
    folder = tmp_path_factory.mktemp("released")
    gradebook.release(assignments.load(request.param, ROOT / "solutions"), folder)
    return request.param, {p.name: p.read_text(encoding="utf-8") for p in (folder / request.param).iterdir()}


def test_every_problem_set_is_released_and_nothing_else():
    assert NAMES
    committed = [path.split("/") for path in git("ls-files", "exercises").splitlines()]
    assert sorted({name for _, name, _ in committed}) == NAMES


def test_exercises_are_what_solutions_generate(released):
    """In the folder, or where somebody has answered there, in what is committed."""
    name, made = released
    files = git("ls-files", f"exercises/{name}").splitlines()
    assert sorted(files) == sorted(f"exercises/{name}/{file}" for file in made), "run: make exercises"
    for path in files:
        text = made[Path(path).name]
        same = (ROOT / path).read_text(encoding="utf-8") == text or git("show", f"HEAD:{path}") == text
        assert same, f"{path} differs from what solutions/ generates; run: make exercises"


def test_an_exercise_shows_no_solution_and_no_hidden_test(released):
    name, made = released
    text = made[f"{name}.ipynb"]
    assert "BEGIN SOLUTION" not in text
    assert "HIDDEN TESTS" not in text
    assert text.count("raise NotImplementedError()") >= 6


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_set_has_twenty_points_and_six_to_ten_tasks(name):
    assignment = assignments.load(name, ROOT / "solutions")
    graded = [c for c in assignment.notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert sum(c.metadata.nbgrader.points for c in graded) == 20
    assert 6 <= len(assignment.tests()) <= 10
    assert 1 <= len(graded) - len(assignment.tests()) <= 2
