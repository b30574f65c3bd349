"""What several folders of tests share: the built book, a warm process for the graders, and the order of files."""

import gc
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import forkserver as one_for_all
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock
from hypothesis import settings

# Workers share the processors: threads of one would only wait for another's. Before anything loads NumPy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No example fails because the machine had other things to do.
settings.register_profile("course", settings(), deadline=None)
settings.load_profile("course")

ROOT = Path(__file__).resolve().parents[1]

# Each file runs on one worker, so what takes longest begins: whatever comes last may keep one worker while the others
# have nothing left. The first does not read the book, which another worker builds meanwhile.
FIRST = [
    *("exercises/test_check.py", "browser/test_pages.py", "browser/test_phone.py", "grading/test_gradebook.py"),
    *("book/test_pdf.py", "browser/test_explore.py", "grading/test_executor.py", "grading/test_late.py"),
    *("grading/test_attacks.py", "book/test_book.py", "grading/test_student.py", "course_lib/test_frameworks_keras.py"),
]


def pytest_configure(config):
    config.option.loadscopereorder = False  # pytest-xdist's own order, by the number of tests


def pytest_collection_modifyitems(items):
    places = {ROOT / "tests" / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(FIRST)))


def pytest_collection_finish():
    _keep()


def _keep():
    """Let no search for garbage look at what is there by now: all of it stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def forkserver():
    """Start the process from which those of all pools are forked, with what the tests of all problem sets import."""
    from grading import assignment, executor

    sets = [assignment.load(name, ROOT / "solutions") for name in assignment.names(ROOT / "solutions")]
    imports = {name for each in sets for name in each.trusted_imports if name.partition(".")[0] in executor.FORKABLE}
    one_for_all.set_forkserver_preload(["grading.grade", *sorted(imports)])
    one_for_all.ensure_running()


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The book, built from clean with warnings as errors: path of its html folder. All workers share one."""
    alone = worker_id == "master"
    folder = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    out = folder / "book"
    html = out / "_build" / "html"
    built = folder / "book-is-built"
    with FileLock(folder / "book.lock"):
        if not built.exists():
            out.mkdir(exist_ok=True)
            command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(ROOT)]
            done = subprocess.run(
                [*command, "-W", "--keep-going", "--path-output", str(out)],
                capture_output=True,
                text=True,
                check=False,
                cwd=out,
                timeout=300,
            )
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
            # Jupyter Book 1 has been seen to return 0 after a failure: what counts is what was written.
            assert (html / "index.html").is_file()
            built.touch()
    return html


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address(site):
    """Where the built book is served, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def pages(site):
    """Every page of the built book, parsed: {name: soup}."""
    gc.disable()  # to look for garbage among ever more tags takes as long as to parse them
    found = {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    gc.enable()
    _keep()
    return found
