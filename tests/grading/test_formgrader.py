"""nbgrader's formgrader on a graded class: a real server, and a person's clicks in a browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import nbformat
import pytest

from grading import gradebook, rehearsal
from grading.cli import main

from .conftest import HOSTILE_CODE, HOSTILE_TEXT, watch, write_submission

pytest.importorskip("jupyter_server", reason="no Jupyter server is installed: formgrader is not tested")

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
ESCAPED = f"escaped-{uuid.uuid4()}.txt"

# In nbgrader's own executor the tests would run beside this code, which replaces what gives the marks; and it could
# write beside the notebook, into the course's folder.
FORGER = """def double(x):
    return x

import os
import course_lib.checks
course_lib.checks.Checks.score = lambda self: None
for folder in ({course!r}, os.path.expanduser("~"), "/tmp"):
    try:
        with open(os.path.join(folder, {escaped!r}), "w") as file:
            file.write("out")
        print("wrote to", folder, os.getcwd())
    except OSError as error:
        print(error)"""


@pytest.fixture(scope="module")
def course(tiny, tmp_path_factory):
    """A course's folder as the guide has it, graded."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(tiny.folder.parent, folder / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    hostile = {"double": tiny.notebook.cells[2].source + HOSTILE_CODE, "explain": HOSTILE_TEXT}
    for student, answers in {"ada": {"explain": "It adds, as $x + x$ does."}, "eve": hostile}.items():
        write_submission(folder / "submitted", student, rehearsal.with_answers(tiny.notebook, answers))
    assert grade(folder) == 0
    return folder


def grade(course: Path) -> int:
    """Run the command that an instructor types."""
    solutions = ["--solutions", str(course / "solutions")]
    return main(["grade", "tiny", "--submitted", str(course / "submitted"), "--workers", "1", *solutions])


@pytest.fixture(scope="module")
def address(course, chromium, tmp_path_factory):
    """The address of a Jupyter server in the course's folder, open to this machine only, without a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = tmp_path_factory.mktemp("jupyter")
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
        **{f"JUPYTER_{name}_DIR": str(own / name) for name in ("CONFIG", "DATA", "RUNTIME")},
    }
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.root_dir={course}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=", "--ServerApp.log_level=ERROR"]
    command += ["--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=True"]
    # Those that JupyterLab would add take seconds to load.
    others = ("jupyterlab", "jupyter_lsp", "notebook", "notebook_shim", "jupyterlab_jupytext", "jupyterlab_myst")
    command += [f"--ServerApp.jpserver_extensions={name}=False" for name in others]
    with (own / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=course, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5):
                    break
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                said = (own / "log").read_text()
                assert server.poll() is None, said
                assert time.monotonic() < end, said
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/formgrader"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def page(chromium):
    """A new page, and what it does that it should not."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.trouble = watch(page)
    page.set_default_timeout(60_000)
    yield page
    context.close()


def submission(course: Path, student: str) -> str:
    """Return the end of a submission's address."""
    with gradebook.Gradebook(gradebook.default_database(course)) as book:
        return f"submissions/{book.find_submission_notebook('tiny', 'tiny', student).id}/"


def scores(course: Path) -> dict[str, dict[str, float | None]]:
    return gradebook.scores("tiny", gradebook.default_database(course))


def test_a_mark_and_a_comment_given_by_hand_stay_when_the_class_is_graded_again(course, tiny, address, page):
    page.goto(f"{address}/gradebook/tiny/tiny")
    page.locator("td a", has_text="Submission #1").wait_for()
    page.goto(f"{address}/{submission(course, 'ada')}")
    page.wait_for_load_state("networkidle")  # the marks come after the page
    assert page.locator("math").count() == 1
    assert page.evaluate("document.activeElement.classList.contains('tabbable')")  # its script has run to the end
    for field, text, kind in (("#explain", "2.5", "grade"), ("#explain-comment", "Say *why*, too.", "comment")):
        page.locator(field).fill(text)
        with page.expect_response(lambda r, kind=kind: r.request.method == "PUT" and f"/{kind}/" in r.url) as saved:
            page.locator(field).press("Tab")
        assert saved.value.ok
    assert page.trouble == []

    write_submission(course / "submitted", "ada", rehearsal.with_answers(tiny.notebook, {"counter": "Counter = 1"}))
    assert grade(course) == 0
    with gradebook.Gradebook(gradebook.default_database(course)) as book:
        mark = book.find_grade("explain", "tiny", "tiny", "ada")
        assert (mark.manual_score, mark.score) == (2.5, 2.5)
        assert book.find_comment("explain", "tiny", "tiny", "ada").manual_comment == "Say *why*, too."
        assert book.find_grade("test_counter", "tiny", "tiny", "ada").score == 0
    page.goto(f"{address}/{submission(course, 'ada')}")
    page.wait_for_load_state("networkidle")
    assert page.locator("#explain").input_value() == "2.5"
    assert page.locator("#explain-comment").input_value() == "Say *why*, too."


def test_the_autograde_button_runs_a_submission_in_the_sandbox(course, tiny, address, page):
    forger = rehearsal.with_answers(tiny.notebook, {"double": FORGER.format(course=str(course), escaped=ESCAPED)})
    write_submission(course / "submitted", "mal", forger)
    page.goto(f"{address}/manage_submissions/tiny")
    page.locator("tr", has_text="mal").locator(".autograde a").click()
    page.locator("#success-modal", has_text="Successfully autograded").wait_for()
    assert scores(course)["mal"] == {"test_double": 1, "test_counter": 2, "explain": None}
    graded = nbformat.read(course / "autograded" / "mal" / "tiny" / "tiny.ipynb", as_version=4)
    assert graded.metadata[gradebook.NEEDS_PERSON] == []  # feedback pages read it
    for folder in (course, Path.home(), Path("/tmp")):
        assert not (folder / ESCAPED).exists()
    page.goto(f"{address}/{submission(course, 'mal')}")
    assert "1 of 4 checks passed" in page.inner_text("#notebook")
    assert "secret_of_the_hidden_tests" not in page.content()
    assert page.trouble == []


def test_what_a_student_wrote_does_nothing_at_the_instructors_address(course, address, page):
    page.goto(f"{address}/{submission(course, 'eve')}")
    page.wait_for_load_state("networkidle")
    assert page.locator("text=over all").count() == 1
    page.locator("text=over all").click()
    for name in ("first", "second", "third"):
        for link in page.locator("#notebook a", has_text=name).all():
            assert not link.get_attribute("href")
    assert page.evaluate("window.ran") is None
    assert page.trouble == []
    assert "/submissions/" in page.url


def test_the_feedback_button_writes_our_page(course, address, page):
    page.goto(f"{address}/manage_submissions/tiny")
    page.locator("tr", has_text="eve").locator(".generate-feedback a").click()
    page.locator("#success-modal", has_text="feedback").wait_for()
    text = (course / "feedback" / "eve" / "tiny" / "tiny.html").read_text()
    assert "Content-Security-Policy" in text
    assert "<script" not in text
