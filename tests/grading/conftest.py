"""A small problem set for the grader's own tests: a function, a class and an explanation."""

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grading import assignment as assignments
from grading import sandbox
from grading.cli import main
from grading.grade import grade
from grading.rehearsal import submission, with_answers
from grading.results import Result
from grading.student import StudentProcess

SETUP = "import numpy as np\n\nfrom course_lib.checks import Checks"

DOUBLE = '''def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION'''

TEST_DOUBLE = """check = Checks(points=4)
check.close(double, args=[3.0], expected=6.0)
check.close(double, args=[np.array([1.0, -2.0])], expected=np.array([2.0, -4.0]))
### BEGIN HIDDEN TESTS
secret_of_the_hidden_tests = 0.125
with check.hidden():
    check.close(double, args=[secret_of_the_hidden_tests], expected=0.25)
    check.no_warnings(double, args=[np.array([1e300])])
### END HIDDEN TESTS
check.score()"""

COUNTER = '''class Counter:
    """Counts calls of `add`."""

    ### BEGIN SOLUTION
    def __init__(self, start):
        self.count = start

    def add(self, n=1):
        self.count += n
        return self
    ### END SOLUTION'''

TEST_COUNTER = """check = Checks(points=2)
counter = Counter(3)
counter.add(4)
check.value("counter.count", counter.count, expected=7)
### BEGIN HIDDEN TESTS
with check.hidden():
    check.value("counter.count", counter.add().count, expected=8)
### END HIDDEN TESTS
check.score()"""


def marked(cell, grade_id, *, points=None, solution=False, locked=False):
    """Give a cell nbgrader's metadata."""
    cell.id = grade_id.replace("_", "-")
    marks = {"schema_version": 3, "grade_id": grade_id, "grade": points is not None, "solution": solution}
    marks |= {"locked": locked, "task": False, "cell_type": cell.cell_type}
    if points is not None:
        marks["points"] = points
    cell.metadata["nbgrader"] = marks
    return cell


def tiny_notebook():
    """Return the instructor's notebook."""
    cells = [
        new_markdown_cell("# Tiny", id="title"),
        marked(new_code_cell(SETUP), "setup", locked=True),
        marked(new_code_cell(DOUBLE), "double", solution=True),
        marked(new_code_cell(TEST_DOUBLE), "test_double", points=4, locked=True),
        new_code_cell("picture = double(np.arange(3.0))\npicture", id="picture"),
        marked(new_code_cell(COUNTER), "counter", solution=True),
        marked(new_code_cell(TEST_COUNTER), "test_counter", points=2, locked=True),
        marked(new_markdown_cell("Because it adds."), "explain", points=3, solution=True),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=cells, metadata=kernel)


@pytest.fixture(scope="session", autouse=True)
def _warm(forkserver):
    """Let no class wait for what graders load."""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> assignments.Assignment:
    """The small problem set, on disk as a course would have it."""
    solutions: Path = tmp_path_factory.mktemp("course") / "solutions"
    (solutions / "tiny").mkdir(parents=True)
    nbformat.write(tiny_notebook(), solutions / "tiny" / "tiny.ipynb")
    limits = "[limits]\nseconds = 30\ncell_seconds = 3\nmemory_mb = 1024\n"
    (solutions / "tiny" / "assignment.toml").write_text(limits)
    return assignments.load("tiny", solutions)


@pytest.fixture(scope="session")
def graded(tiny):
    """Grade the solution with some answers replaced."""

    def run(**answers: str) -> Result:
        return grade(tiny, submission(with_answers(tiny.notebook, answers), "student"))

    return run


def write_submission(folder: Path, student: str, notebook, name: str = "tiny") -> Path:
    """Write a notebook where nbgrader expects a submission."""
    path = folder / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def grade_class(tiny, folder: Path, answers: dict[str, dict[str, str]], unreadable: str, workers: int) -> list[str]:
    """Hand in and grade a class by the command, one of it with a file that is no notebook; return its `--solutions`."""
    for student, given in answers.items():
        write_submission(folder / "submitted", student, with_answers(tiny.notebook, given))
    broken = folder / "submitted" / unreadable / "tiny" / "tiny.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    solutions = ["--solutions", str(tiny.folder.parent)]
    submitted = ["--submitted", str(folder / "submitted")]
    assert main(["grade", "tiny", *submitted, "--workers", str(workers), *solutions]) == 1
    return solutions


def marks(result: Result) -> dict[str, float]:
    """Return the points of each test cell."""
    return {mark.grade_id: mark.points for mark in result.marks}


def require_isolation() -> None:
    """Skip where student code cannot be confined; fail where it has to be, on the Linux machines of the CI."""
    try:
        with StudentProcess(sandbox.Limits()):
            pass
    except sandbox.NoIsolation as error:
        if sys.platform == "linux" and os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def chromium():
    """A browser, where there is one."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("the browser tests need chromium, and CI has to have it")
        pytest.skip("no chromium on the PATH: what the pages look like to a browser is not tested")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def watch(page) -> list[str]:
    """Return a list that fills with what a harmless page does not do: dialogs, errors, requests to other places."""
    trouble: list[str] = []
    page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda m: trouble.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:", "http://127.0.0.1")) else trouble.append(r.url),
    )
    return trouble


# What a student may write to make a page do something. Whatever runs says so in `window.ran`.
HOSTILE_TEXT = r"""**Mine.** <script>window.ran = 1; alert(1)</script> <img src=x onerror="window.ran = 2">
<a href="javascript:window.ran = 3">first</a> [second](javascript:window.ran=4) <a href="data:text/html,x">third</a>
<iframe src="http://evil.invalid/" srcdoc="<script>parent.ran = 5</script>"></iframe>
<form action="http://evil.invalid/"><input name=q autofocus onfocus="window.ran = 6"><button>go</button></form>
<meta http-equiv="refresh" content="0; url=http://evil.invalid/"> <base href="http://evil.invalid/">
<style>body { display: none } @import "http://evil.invalid/a.css";</style>
<div style="position: fixed; inset: 0; background: red; z-index: 99" onmouseover="window.ran = 7">over all</div>
<svg onload="window.ran = 8"><script>window.ran = 9</script><use href="http://evil.invalid/b.svg"/></svg>
<math><mtext><table><mglyph><style><img src=x onerror="window.ran = 10"></style></mglyph></table></mtext></math>

![far](http://evil.invalid/c.png) ![missing](attachment:d.png) ![odd](data:text/html;base64,PHA+)

$\text{<img src=x onerror="window.ran = 11">} \href{javascript:window.ran=12}{x} \style{position:fixed}{y}$

$$\text{</math><script>window.ran = 13</script>}$$

<ol start="

$$1$$

" onclick="window.ran = 14"><li>an item</li></ol>
"""

HOSTILE_CODE = r"""
from IPython.display import HTML, SVG, Javascript, Markdown, display

display(HTML("<script>window.ran = 15</script><img src=x onerror='window.ran = 16'><b>bold</b>"))
display(HTML("<link rel=stylesheet href=http://evil.invalid/e.css><table><tr><th>a<td onclick='x()'>1</table>"))
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="window.ran = 17">'
display(SVG(svg + '<script>window.ran = 18</script><image href="http://evil.invalid/f.png"/></svg>'))
display(Javascript("window.ran = 19"))
display(Markdown("<script>window.ran = 20</script>"))
display({"text/html": "<svg/onload=window.ran=21>", "image/png": "x\" onerror=\"window.ran=22"}, raw=True)
display({"text/latex": "$<img src=x onerror=window.ran=23>$"}, raw=True)
print("</pre><script>window.ran = 24</script>", "\x1b[31m<img src=x onerror=window.ran=25>")
"""
