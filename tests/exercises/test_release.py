"""What learners get is what the instructor's notebooks generate."""

from pathlib import Path

import pytest

from grading import assignment as assignments
from grading import gradebook

ROOT = Path(__file__).resolve().parents[2]
NAMES = assignments.names(ROOT / "solutions")


def test_every_problem_set_is_released():
    assert NAMES
    assert sorted(p.name for p in (ROOT / "exercises").iterdir() if p.is_dir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_exercises_are_what_solutions_generate(name, tmp_path):
    gradebook.release(assignments.load(name, ROOT / "solutions"), tmp_path)
    made = {p.name: p.read_text(encoding="utf-8") for p in (tmp_path / name).iterdir()}
    folder = ROOT / "exercises" / name
    there = {p.name: p.read_text(encoding="utf-8") for p in folder.iterdir() if p.is_file()}
    assert there.keys() == made.keys(), "run: make exercises"
    for file in made:
        assert there[file] == made[file], f"{file} differs from what solutions/ generates; run: make exercises"


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_shows_no_solution_and_no_hidden_test(name):
    text = (ROOT / "exercises" / name / f"{name}.ipynb").read_text(encoding="utf-8")
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
