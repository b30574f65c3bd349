"""The graders are tested: on every problem set of the course, and on one with each fault that `check` must find."""

import copy
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from grading import assignment as assignments
from grading import rehearsal
from grading.cli import main
from grading.executor import Local
from grading.rehearsal import WrongAnswer

ROOT = Path(__file__).resolve().parents[2]
NAMES = assignments.names(ROOT / "solutions")

pytestmark = pytest.mark.usefixtures("forkserver")


def checked(assignment, corpus: list[WrongAnswer], **options) -> list[str]:
    with closing(Local(1, assignment.imports)) as pool:  # each process more would load what the tests need once more
        return rehearsal.check(assignment, corpus, pool, progress=lambda **_: None, **options)


@pytest.mark.parametrize("name", NAMES)
def test_solution_is_full_stub_is_none_and_every_wrong_answer_is_caught_with_its_hint(name):
    corpus = rehearsal.wrong_answers(ROOT / "tests/exercises/wrong_answers" / name)
    assignment = assignments.load(name, ROOT / "solutions")
    try:
        assignment.check_requirements()
    except assignments.MissingPackages as error:
        pytest.skip(str(error))
    assert checked(assignment, corpus) == []


@pytest.fixture(scope="module")
def sigmoid_task():
    """The first task of ps1 alone, with a wrong answer of its corpus: quick to grade."""
    whole = assignments.load("ps1_curve", ROOT / "solutions")
    keep = {"setup", "sigmoid", "test_sigmoid"}
    notebook = copy.deepcopy(whole.notebook)
    notebook.cells = [c for c in notebook.cells if assignments.grade_id(c) in keep]
    corpus = rehearsal.wrong_answers(ROOT / "tests/exercises/wrong_answers/ps1_curve")
    wrong = next(w for w in corpus if w.answers == "sigmoid" and w.hint == "sign-of-exponent")
    return replace(whole, notebook=notebook), replace(wrong, fails=["test_sigmoid"])


def findings(assignment, *corpus: WrongAnswer) -> str:
    quiet = checked(assignment, list(corpus), least=0)
    return "\n".join(line for line in quiet if "which no test recognises" not in line)


def test_nothing_is_found_where_nothing_is_wrong(sigmoid_task):
    assignment, wrong = sigmoid_task
    assert findings(assignment, wrong) == ""


def test_a_wrong_answer_that_is_right_is_found(sigmoid_task):
    assignment, wrong = sigmoid_task
    right = replace(wrong, code="def sigmoid(x):\n    return 1 / (1 + np.exp(-x))")
    assert "not caught by test_sigmoid" in findings(assignment, right)


def test_a_hint_that_is_not_named_is_found(sigmoid_task):
    assignment, wrong = sigmoid_task
    assert "the hint precedence is not named; named: sign-of-exponent" in findings(
        assignment, replace(wrong, hint="precedence")
    )


def test_a_solution_that_fails_and_a_stub_that_earns_are_found(sigmoid_task):
    assignment, _ = sigmoid_task
    notebook = copy.deepcopy(assignment.notebook)
    notebook.cells[1].source = "def sigmoid(x):\n    return x"  # not between solution marks: the stub has it too
    found = findings(replace(assignment, notebook=notebook))
    assert "solution: test_sigmoid gives" in found


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("points=2", "points=3", "Checks(points=...) and the cell's points differ"),
        ("with check.hidden():", "if True:", "its hidden region has no `with check.hidden():`"),
        ('hint="library-function"', 'hint="no-such-thing"', "the hint no-such-thing is not in"),
        ("\ncheck.score()", "\nprint(check.score())", "its last line must be check.score()"),
    ],
)
def test_lint_finds_what_breaks_the_rules(sigmoid_task, old, new, finding):
    assignment, _ = sigmoid_task
    notebook = copy.deepcopy(assignment.notebook)
    assert old in notebook.cells[2].source
    notebook.cells[2].source = notebook.cells[2].source.replace(old, new)
    assert finding in "\n".join(rehearsal.lint(replace(assignment, notebook=notebook), [], least=0))


def test_a_problem_set_whose_packages_are_missing_is_skipped_in_words_and_refused_by_name(tmp_path, capsys):
    folder = tmp_path / "solutions" / "ps_x"
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "solutions/ps1_curve/ps1_curve.ipynb", folder / "ps_x.ipynb")
    (folder / "assignment.toml").write_text('requires = ["numpy", "no_such_module"]\n')
    check = ["check", "--solutions", str(tmp_path / "solutions"), "--wrong-answers", str(tmp_path)]
    (tmp_path / "ps_x").mkdir()
    assert main(check) == 0
    assert "skipped: ps_x needs no_such_module, which is not installed" in " ".join(capsys.readouterr().out.split())
    assert main([*check, "ps_x"]) == 2
    assert "error: ps_x needs no_such_module" in capsys.readouterr().err
    grade = ["grade", "ps_x", "--solutions", str(tmp_path / "solutions"), "--submitted", str(tmp_path)]
    assert main(grade) == 2
    assert "error: ps_x needs no_such_module" in capsys.readouterr().err


def test_a_wrong_answer_without_its_docstring_is_named(tmp_path):
    (tmp_path / "odd.py").write_text('"""Says nothing.\n\nanswers: sigmoid\nhint: x\n"""\n')
    with pytest.raises(rehearsal.BadWrongAnswer, match=r"odd\.py: its docstring has no line 'fails'"):
        rehearsal.wrong_answers(tmp_path)
