"""What students may try: each file of attacks/ is one attempt, with what it must earn.

A file's docstring says what is tried, what happens where tests and student code share a process, and the verdict: the
points of each test. Its code takes the place of the answer `double` of the tiny problem set; what follows a line
``# %% grade_id`` takes the place of another answer. The files are named .txt so that nothing imports them: outside a
sandbox, they do what they say.
"""

import contextlib
import json
import os
import re
import time
from pathlib import Path

import nbformat
import pytest

from grading import sandbox
from grading.rehearsal import submission, with_answers

from .conftest import marks, require_isolation

FOLDER = Path(__file__).parent / "attacks"
ATTACKS = sorted(FOLDER.glob("*.py.txt"))
SECRET = "secret_of_the_hidden_tests"
MARK = "owned_by_a_student"


@pytest.fixture(scope="module", autouse=True)
def isolation():
    require_isolation()


def said(text: str) -> dict[str, str]:
    """Return the fields of an attack's docstring."""
    return dict(re.findall(r"^(in one process|verdict|then|known gap): (.*)$", text.split('"""')[1], re.MULTILINE))


def answers(text: str) -> dict[str, str]:
    """Return the code of an attack, which need not be Python: grade_id -> source."""
    code = text.split('"""', 2)[2].strip()
    first, *others = re.split(r"^# %% (\w+)$", code, flags=re.MULTILINE)
    return {"double": first, **dict(zip(others[::2], others[1::2], strict=True))}


def machine(tiny) -> dict[str, object]:
    """Return what of this machine an attack may want to change."""
    here = Path(__file__)
    files = [*tiny.folder.rglob("*"), *FOLDER.iterdir(), *Path(sandbox.__file__).parent.glob("*.py")]
    files += [Path.home() / name for name in (".bashrc", ".profile", ".python_history")]
    folders = [Path.cwd(), Path.home(), Path("/tmp"), Path("/etc/profile.d"), Path(json.__file__).parent, here.parent]
    settings = [Path("/proc/sys/kernel/core_pattern"), Path("/proc/sys/kernel/hostname")]
    return {
        "files": {p: p.stat().st_mtime_ns for p in files if p.is_file()},
        "settings": [p.read_text() for p in settings if p.exists()],
        "left": [p for folder in folders if folder.is_dir() for p in folder.glob(f"*{MARK}*")],
        "environment": dict(os.environ),
    }


def running() -> list[str]:
    """Return the command lines of processes that an attack left."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if MARK in (line := path.read_bytes().decode(errors="replace")):
                found.append(line)
    return found


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.name.partition(".")[0])
def test_an_attack_earns_nothing_and_leaves_nothing(tiny, graded, path, request):
    text = path.read_text(encoding="utf-8")
    about = said(text)
    if "known gap" in about:
        request.applymarker(pytest.mark.xfail(reason=about["known gap"], raises=AssertionError))
    before = machine(tiny)
    start = time.monotonic()
    result = graded(**answers(text))
    seconds = time.monotonic() - start

    expected = {name: float(points) for name, points in re.findall(r"(\w+) ([\d.]+)", about["verdict"])}
    assert marks(result) == expected
    assert seconds < 25
    shown = json.dumps(result.notebook) + result.to_json()
    assert SECRET not in shown.replace(json.dumps(text)[1:-1], "")
    tests = [
        c for c in result.notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade") and "test" in c["id"]
    ]
    assert "0.125" not in json.dumps([c["outputs"] for c in tests])  # an input of a hidden check
    assert "Traceback" not in json.dumps([c["outputs"] for c in tests])
    assert "root:" not in shown
    assert len(shown) < 5 * tiny.limits.output_mb * 2**20
    assert all(reason.isprintable() and len(reason) < 400 for reason in result.needs_person)  # a terminal shows them
    nbformat.validate(nbformat.from_dict(result.notebook))
    nbformat.writes(nbformat.from_dict(result.notebook)).encode()
    deadline = time.monotonic() + 3
    while running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running() == []
    assert machine(tiny) == before
    if "then" in about:
        assert marks(graded()) == {"test_double": 4, "test_counter": 2}


def test_every_attack_says_what_it_is():
    assert len(ATTACKS) >= 100
    for path in ATTACKS:
        text = path.read_text(encoding="utf-8")
        assert {"in one process", "verdict"} <= set(said(text)), path.name
        assert set(re.findall(r"(\w+) [\d.]+", said(text)["verdict"])) == {"test_double", "test_counter"}, path.name


def test_the_tests_can_tell(tiny, graded):
    """The oracle of this file: an honest wrong answer, which every attack is measured by."""
    assert marks(graded(double="def double(x):\n    return x")) == {"test_double": 1, "test_counter": 2}
    assert SECRET in "".join(c.source for c in tiny.notebook.cells)
    assert submission(with_answers(tiny.notebook, {"double": "x"}), "s").cells[2].source == "x"
