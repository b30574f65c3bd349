"""One submission to one result: marks, messages, and what reaches the graded notebook."""

import copy
import json
import re
import time
from dataclasses import replace

import nbclient
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.utils import determine_grade

from grading import assignment as assignments
from grading import intake, sandbox
from grading.grade import BrokenProblemSet, free_names, grade, points_of
from grading.rehearsal import submission, with_answers
from grading.results import FORMAT, Kept, Result, key, ungraded

from .conftest import SETUP, TEST_DOUBLE, marked, marks

HALF = "def double(x):\n    return x * x if np.ndim(x) == 0 else 2 * x"
LOOPS = "def double(x):\n    while True:\n        pass"


def graded_cell(result: Result, grade_id: str):
    """Return a cell of the graded notebook."""
    cells = nbformat.from_dict(result.notebook).cells
    return next(c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def text_of(cell) -> list[str]:
    """Return what a cell shows, as lines of text."""
    lines: list[str] = []
    for output in cell.outputs:
        match output.output_type:
            case "stream":
                lines += output.text.splitlines()
            case "error":
                lines += output.traceback
            case _:
                lines.append(output.data["text/plain"])
    return lines


def test_a_solution_gets_full_marks_and_a_stub_none(graded):
    assert marks(graded()) == {"test_double": 4, "test_counter": 2}
    stub = "def double(x):\n    raise NotImplementedError()"
    assert marks(graded(double=stub)) == {"test_double": 0, "test_counter": 2}


@pytest.mark.parametrize(
    "answer",
    [
        HALF,
        "def double(x):\n    return x",
        "def double(x):\n    raise ValueError('no')",
        "def double(x):\n    return 2 * np.exp(x * 1000)",
        "def double(x):\n    print(2 * x)",
        "double = 3",
        "pass",
    ],
    ids=["half", "wrong", "raises", "warns", "prints", "not a function", "missing"],
)
def test_message_and_marks_are_those_of_a_real_kernel(tiny, answer):
    """The same notebook in IPython's own kernel is the oracle, but for where a traceback would quote the test."""
    notebook = with_answers(tiny.notebook, {"double": answer})
    executed = nbclient.NotebookClient(copy.deepcopy(notebook), allow_errors=True, kernel_name="python3").execute()
    there = next(c for c in executed.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "test_double")
    here = graded_cell(grade(tiny, submission(notebook, "student")), "test_double")
    assert determine_grade(here) == determine_grade(there)
    if here.outputs[0].output_type == "error" and here.outputs[0].ename != "CheckFailed":
        assert [o.ename for o in here.outputs] == [o.ename for o in there.outputs]
        assert [o.evalue for o in here.outputs] == [o.evalue for o in there.outputs]
    else:
        assert text_of(here) == text_of(there)
        assert [o.output_type for o in here.outputs] == [o.output_type for o in there.outputs]


def test_other_cells_show_what_a_notebook_shows(graded):
    result = graded(double="def double(x):\n    return 2 * x\nprint('seen')\ndouble(4)")
    assert text_of(graded_cell(result, "double")) == ["seen", "8"]
    picture = next(c for c in result.notebook["cells"] if c["id"] == "picture")
    assert picture["outputs"][0]["data"]["text/plain"] == "array([0., 2., 4.])"
    nbformat.validate(nbformat.from_dict(result.notebook))


def test_the_graded_notebook_names_hidden_tests_and_shows_none(graded):
    for answer in ("def double(x):\n    return x", "double = print", "del Checks"):
        result = graded(double=answer)
        assert "secret_of_the_hidden_tests" not in result.to_json()
        assert "0.125" not in result.to_json()
        assert "# Hidden checks ran here." in graded_cell(result, "test_double").source


def test_a_test_that_does_not_come_to_its_end_gives_nothing(tiny):
    """To nbgrader, a cell that shows nothing has passed."""
    notebook = copy.deepcopy(tiny.notebook)
    cell = next(c for c in notebook.cells if c.get("id") == "test-double")
    cell.source = cell.source.replace("check.score()", "")
    result = grade(replace(tiny, notebook=notebook), submission(notebook, "student"))
    assert marks(result) == {"test_double": 0, "test_counter": 2}
    assert result.marks[0].report == "RuntimeError: the test did not come to its end"
    assert determine_grade(graded_cell(result, "test_double"))[0] == 0


def test_an_endless_loop_costs_its_own_task_and_says_where_it_was(graded):
    start = time.monotonic()
    result = graded(double=LOOPS)
    assert marks(result) == {"test_double": 0, "test_counter": 2}
    assert re.search(r"stopped after \S+ s \(line 2 of your cell: while True:\)", result.marks[0].report)
    assert time.monotonic() - start < 20


def test_a_cell_that_loops_or_ends_the_process_needs_a_person_and_spares_the_other_tasks(graded):
    looping = graded(double="while True:\n    pass")
    assert marks(looping) == {"test_double": 0, "test_counter": 2}
    assert looping.needs_person == ["cell double was stopped after 3 s"]
    ending = graded(double="import os\nos._exit(0)")
    assert marks(ending) == {"test_double": 0, "test_counter": 2}
    assert "the notebook's process ended" in ending.needs_person[0]


def test_a_correct_answer_that_warns_prints_or_leaves_a_figure_open_keeps_its_marks(tiny):
    noisy = """import sys, warnings
import matplotlib.pyplot as plt
plt.plot([1, 2])
warnings.warn("a warning of the cell")
def double(x):
    print("x" * 5000)
    print("to stderr", file=sys.stderr)
    return 2 * x"""
    patient = replace(tiny, settings={"limits": {"cell_seconds": 20}})  # importing Matplotlib takes a while
    result = grade(patient, submission(with_answers(tiny.notebook, {"double": noisy}), "student"))
    assert marks(result) == {"test_double": 4, "test_counter": 2}
    kinds = [o["output_type"] for o in graded_cell(result, "double").outputs]
    assert "display_data" in kinds
    assert "stream" in kinds


def test_a_warning_outside_a_check_costs_nothing(graded):
    """The test of the counter calls it directly, as test cells may."""
    warns = """class Counter:
    def __init__(self, start):
        self.count = start
    def add(self, n=1):
        import warnings
        warnings.warn("added")
        self.count += n
        return self"""
    assert marks(graded(counter=warns)) == {"test_double": 4, "test_counter": 2}


@pytest.mark.parametrize("source", ["-" * 20_000 + "1", "1" + "+1" * 20_000, "a" + ".a" * 20_000])
def test_code_that_is_nested_too_deeply_to_be_read_is_graded(graded, source):
    result = graded(double=f"def double(x):\n    return 2 * x\nif False:\n    {source}")
    assert marks(result)["test_counter"] == 2


def test_what_a_hidden_check_prints_is_not_shown(graded):
    """The hidden test of the counter calls it directly too."""
    tells = """class Counter:
    def __init__(self, start):
        self.count = start
    def add(self, n=1):
        print("called with", n)
        self.count += n
        return self"""
    result = graded(counter=tells)
    assert marks(result)["test_counter"] == 2
    assert text_of(graded_cell(result, "test_counter"))[0] == "called with 4"
    assert "called with 1" not in result.to_json()


def test_own_cells_run_where_the_student_put_them(tiny):
    notebook = copy.deepcopy(tiny.notebook)
    notebook.cells.insert(2, new_code_cell("factor = 2"))
    notebook.cells[3].source = "def double(x):\n    return factor * x"
    notebook.cells.append(new_code_cell("factor = 3"))  # after the tests of `double`: changes nothing for them
    assert marks(grade(tiny, submission(notebook, "student"))) == {"test_double": 4, "test_counter": 2}


def test_forbidden_names_are_flagged(tiny):
    strict = replace(tiny, settings={**tiny.settings, "forbidden": ["scipy.special"]})
    answer = "from scipy.special import expit as e\ndef double(x):\n    return 2 * x + 0 * e(x)"
    result = grade(strict, submission(with_answers(tiny.notebook, {"double": answer}), "student"))
    assert result.needs_person == ["the student's code uses scipy.special"]


def test_a_result_survives_being_written_and_read(graded):
    result = graded(double=HALF)
    again = Result.from_json(result.to_json())
    assert again == result
    with pytest.raises(ValueError, match="another format"):
        Result.from_json(json.dumps({**json.loads(result.to_json()), "format": 0}))


def test_the_key_changes_with_submission_tests_and_seed(tiny, monkeypatch):
    keys = {key(tiny, "a"), key(tiny, "b")}
    changed = copy.deepcopy(tiny.notebook)
    changed.cells[3].source += "\n# changed"
    keys.add(key(replace(tiny, notebook=changed), "a"))
    monkeypatch.setenv("SIGMOID_COURSE_SEED", "7")
    keys.add(key(tiny, "a"))
    assert len(keys) == 4


def test_grading_is_a_pure_function(tiny):
    notebook = with_answers(tiny.notebook, {"double": HALF})
    first, second = (grade(tiny, submission(notebook, "student")) for _ in range(2))
    assert first.notebook == second.notebook
    assert first.marks == second.marks


def test_an_unreadable_submission_gets_no_points_and_the_reason(tiny):
    result = ungraded(tiny, "ada", "no notebook named tiny.ipynb")
    assert result.points == 0
    assert [m.grade_id for m in result.marks] == ["test_double", "test_counter"]
    assert result.needs_person == ["no notebook named tiny.ipynb"]


OUTPUTS = st.one_of(
    st.builds(
        lambda text: new_output("execute_result", {"text/plain": text}),
        st.sampled_from(["0", "1.5", "4", "-1", "no", "nan"]),
    ),
    st.builds(lambda name: new_output("stream", name=name, text="said"), st.sampled_from(["stdout", "stderr"])),
    st.just(new_output("error", ename="E", evalue="e", traceback=[])),
    st.just(new_output("display_data", {"text/plain": "2"})),
)


@given(outputs=st.lists(OUTPUTS, max_size=4))
def test_points_are_those_that_nbgrader_reads_from_the_same_outputs(outputs):
    cell = marked(new_code_cell("check.score()", outputs=outputs), "test", points=4)
    assert points_of(outputs, 4.0) == determine_grade(cell)[0]


def test_a_result_comes_back_from_its_file_and_a_damaged_file_is_none(tiny, graded, tmp_path):
    kept = Kept(tmp_path)
    result = graded()
    kept.add(result.student, result.key, result.to_json())
    assert kept.get(result.student, result.key) == result
    (file,) = tmp_path.rglob("*.json")
    whole = file.read_text()
    ours, older = f'"format": {FORMAT}', f'"format": {FORMAT - 1}'
    for damaged in ("", whole[:-10], "[]", whole.replace(ours, older), f'{{{ours}, "marks": 3}}'):
        file.write_text(damaged)
        assert kept.get(result.student, result.key) is None
    assert kept.get("another", result.key) is None


def test_free_names_of_a_test_cell():
    assert free_names("check.close(double, args=[x])\ny = 1\ny") == {"check", "double", "x", "y"}


def test_intake_errors_reach_the_result(tiny, tmp_path):
    path = tmp_path / "ada" / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    with pytest.raises(intake.IntakeError, match=r"no notebook named tiny\.ipynb"):
        intake.read("ada", path)


@pytest.mark.parametrize(
    "change", ["deleted", "emptied", "duplicated", "markdown", "renamed", "more points", "unlocked"]
)
def test_changing_the_tests_of_a_submission_changes_nothing(tiny, change):
    wrong = {"double": "def double(x):\n    return 0 * x"}
    notebook = copy.deepcopy(with_answers(tiny.notebook, wrong))
    place = next(i for i, c in enumerate(notebook.cells) if c.source == TEST_DOUBLE)
    cell = notebook.cells[place]
    match change:
        case "deleted":
            del notebook.cells[place]
        case "emptied":
            cell.source = "4.0"
        case "duplicated":
            notebook.cells.insert(place + 1, copy.deepcopy(cell))
            notebook.cells[place + 1].update(id="copy", source="4.0")
        case "markdown":
            cell.cell_type = "markdown"
            del cell["outputs"], cell["execution_count"]
        case "renamed":
            cell.metadata.nbgrader.grade_id = "test_nothing"
        case "more points":
            cell.metadata.nbgrader.points = 400
        case "unlocked":
            cell.metadata.nbgrader.update(locked=False, grade=False, solution=True)
    result = grade(tiny, submission(notebook, "student"))
    assert marks(result) == {"test_double": 1, "test_counter": 2}  # 1: no warning, which is honestly so
    assert {m.grade_id: m.max_points for m in result.marks} == {"test_double": 4, "test_counter": 2}


# --- tests that share a process ---------------------------------------------------------------------------------------

TEST_F = """check = Checks(points=2)
check.close({name}, args=[1.0], expected=1.0)
_mine = "{name}"
### BEGIN HIDDEN TESTS
with check.hidden():
    check.close({name}, args=[0.0625], expected=0.0625)
    assert _mine == "{name}"
### END HIDDEN TESTS
check.score()"""


def three(tiny, test: str = TEST_F) -> assignments.Assignment:
    """Return a problem set whose three tasks are graded in one process."""
    cells = [marked(new_code_cell(SETUP), "setup", locked=True)]
    for name in "fgh":
        solution = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
        cells.append(marked(new_code_cell(solution), name, solution=True))
        cells.append(marked(new_code_cell(test.format(name=name)), f"test_{name}", points=2, locked=True))
    return replace(tiny, notebook=new_notebook(cells=cells, metadata=tiny.notebook.metadata))


def graded_three(tiny, **answers: str) -> Result:
    assignment = three(tiny)
    return grade(assignment, submission(with_answers(assignment.notebook, answers), "student"))


@pytest.fixture
def starts(monkeypatch) -> list[int]:
    """What is started: a process, by the number of copies that it may have."""
    seen: list[int] = []
    start = sandbox.start
    monkeypatch.setattr(sandbox, "start", lambda *arguments: seen.append(arguments[1]) or start(*arguments))
    return seen


def test_tests_share_one_process_and_see_what_they_change_as_in_a_notebook(tiny, starts):
    counted = "calls = 0\ndef f(x):\n    global calls\n    calls += 1\n    return x"
    result = graded_three(tiny, f=counted, g="def g(x):\n    return x if calls == 1 else calls")
    assert marks(result) == {"test_f": 2, "test_g": 1, "test_h": 2}  # the hidden part of f has called it again
    assert len(starts) == 1


@pytest.mark.parametrize("task", "fgh")
@pytest.mark.parametrize("when", ["the visible", "the hidden"])
@pytest.mark.parametrize("how", ["import os; os._exit(0)", "while True: pass", "raise MemoryError"])
def test_what_ends_in_one_test_costs_the_others_nothing(tiny, starts, task, when, how):
    wrong = f"def {task}(x):\n    if x {'==' if when == 'the visible' else '<'} 1:\n        {how}\n    return x"
    result = graded_three(tiny, **{task: wrong})
    # A visible test that ends without an answer leaves the hidden one what it is.
    own = 1 if when == "the hidden" or "Error" in how else 0
    assert marks(result) == {"test_f": 2, "test_g": 2, "test_h": 2} | {f"test_{task}": own}
    last_loops = task == "h" and when == "the hidden" and "while" in how  # nothing is left to run
    assert len(starts) == (1 if "Error" in how or last_loops else 2)


@pytest.mark.parametrize(
    "shows",
    ["print(seen)\n    return x", "raise ValueError(seen)", "return np.array(seen)", "return str(seen)"],
    ids=["prints", "raises", "returns", "returns a text"],
)
@pytest.mark.parametrize("ends", [False, True])
def test_what_hidden_tests_call_is_in_no_message(tiny, shows, ends):
    remembers = "seen = []\ndef f(x):\n    seen.append(x)\n    open('/tmp/seen', 'a').write(f'{x}\\n')\n"
    remembers += "    if x < 1: import os; os._exit(0)\n" * ends
    tells = f"import os\ndef g(x):\n    {shows.replace('seen', '[seen, os.path.exists(chr(47) + chr(116))]')}"
    read = "    if os.path.exists('/tmp/seen'): seen[:] = [float(n) for n in open('/tmp/seen')]\n"
    tells = tells.replace("(x):\n", "(x):\n" + read, 1)
    result = graded_three(tiny, f=remembers + "    return x", g=tells, h=tells.replace("def g", "def h"))
    assert "0.0625" not in json.dumps([c["outputs"] for c in result.notebook["cells"] if "outputs" in c])
    assert "0.0625" not in json.dumps([m.report for m in result.marks])
    assert result.marks[0].points == (1 if ends else 2)


@pytest.mark.parametrize(
    "shows", ["print(x)\n    return x", "raise ValueError(x)", "raise type(str(x), (Exception,), {})"]
)
def test_hidden_tests_without_checks_show_nothing_either(tiny, shows):
    assignment = three(
        tiny,
        TEST_F.replace("with check.hidden():", "if True:")
        .replace("check.close({name}, args=[0", "assert 0.0625 == {name}(0")
        .replace("5], expected=0.0625)", "5)"),
    )
    g = f"def g(x):\n    if x == 1: return x\n    {shows}"
    result = grade(assignment, submission(with_answers(assignment.notebook, {"g": g}), "student"))
    full = 2 if "print" in shows else 0
    assert marks(result) == {"test_f": 2, "test_g": full, "test_h": 2}
    assert "0.0625" not in json.dumps([c["outputs"] for c in result.notebook["cells"] if "outputs" in c])


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (
            TEST_F.replace(
                "### BEGIN HIDDEN TESTS\nwith check.hidden():", "with check.hidden():\n    ### BEGIN HIDDEN TESTS"
            ),
            "where no block is open",
        ),
        (
            TEST_F.replace("check.score()", "check.close({name}, args=[2.0], expected=2.0)\ncheck.score()"),
            "put the hidden tests last",
        ),
    ],
    ids=["within a block", "not last"],
)
def test_hidden_tests_that_cannot_run_last_are_refused(tiny, test, says):
    assignment = three(tiny, test)
    with pytest.raises(BrokenProblemSet, match=f"the test cell test_f: .*{says}"):
        grade(assignment, submission(assignment.notebook, "student"))


def test_the_tests_side_loads_what_tests_name_and_leaves_out_what_learners_plot_with(tiny):
    setup = (
        "import numpy as np, matplotlib.pyplot as plt\n"
        "import this_is_not_installed, tomllib; from math import pi, tau\n"
        "import sklearn.linear_model  # a test names it, in a text\n"
        "from course_lib.checks import Checks\nfrom math import *\nimport json as text\n"
        "SCALE = 2 * tau  # of a plot\n"
    )
    cells = [marked(new_code_cell(setup), "setup", locked=True), new_code_cell("%magic of IPython")]
    cells += [marked(new_code_cell("%matplotlib inline\nimport antigravity"), "magic", locked=True)]
    cells += [
        marked(
            new_code_cell(TEST_F.format(name="f") + "\ncheck.uses_not(f, ['sklearn'])\ntext"),
            "test_f",
            points=2,
            locked=True,
        )
    ]
    assignment = replace(tiny, notebook=new_notebook(cells=cells))
    assert assignment.setups["magic"] == "%matplotlib inline\nimport antigravity"
    assert assignment.setups["setup"].splitlines() == [
        "from math import pi, tau",
        "from course_lib.checks import Checks",
        "from math import *",
        "import json as text",
        "SCALE = 2 * tau",
    ]
    assert assignment.trusted_imports == (
        *("course_lib.checks", "course_lib.checks.Checks", "json", "math", "math.*", "math.pi", "math.tau"),
    )
    assert "matplotlib.pyplot" in assignment.imports
