"""The built book, which several files of tests read."""

import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]


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


@pytest.fixture(scope="session")
def pages(site):
    """Every page of the built book, parsed: {name: soup}."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
