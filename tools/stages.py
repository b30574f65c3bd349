"""Runs the stages of `make test` and prints how long each took; all run, and one that fails fails the whole."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
NEEDS_FRAMEWORKS = {"10_frameworks.ipynb"}


def stages(frameworks: bool) -> list[tuple[str, list[str]]]:
    """Return the stages: name and command."""
    python = sys.executable
    pytest = [python, "-m", "pytest", "--quiet", "-n", os.environ.get("TEST_WORKERS", "2"), "--dist", "loadfile"]
    paths = sorted((ROOT / "book").glob("[0-9][0-9]_*.ipynb"))
    chapters = [str(p.relative_to(ROOT)) for p in paths if frameworks or p.name not in NEEDS_FRAMEWORKS]
    checks = [
        ("lint", [python, "-m", "ruff", "check", "."]),
        ("format", [python, "-m", "ruff", "format", "--check", "."]),
        ("types", [python, "-m", "mypy"]),
    ]
    # Installed after the checks, which have to pass without the extras, too. By pip and not uv: a PyTorch for the CPU
    # may be at hand only as a file that pip is told of.
    pip = [python, "-m", "pip", "install", "--quiet", "-c", "requirements.txt"]
    extras = [
        ("install PyTorch", [*pip, TORCH]),
        ("install the other extras", [*pip, "-r", "requirements-extras.txt"]),
    ]
    tests = [
        ("tests and doctests", [*pytest, "--doctest-modules"]),
        ("chapters re-executed (nbval)", [*pytest, *NBVAL, *chapters]),
    ]
    return [*checks, *(extras if frameworks else []), *tests]


NBVAL = ["--nbval", "--nbval-sanitize-with", "tests/book/nbval_sanitize.cfg", "-p", "no:cacheprovider"]


def main() -> int:
    """Run all stages; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--frameworks", action="store_true", help="install PyTorch, Keras and CuPy first, and test with them"
    )
    # IPython warns where another environment than its own is said to be active, and warnings are errors.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    outcomes = []
    for name, command in stages(parser.parse_args().frameworks):
        print(f"\n== {name}", flush=True)
        start = time.monotonic()
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        outcomes.append((name, status, time.monotonic() - start))
    print("\nStage                             seconds")
    for name, status, seconds in outcomes:
        print(f"{name:<32}  {seconds:7.1f}  {'ok' if status == 0 else 'FAILED'}")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        print("\nSkipped: every test that looks at the book in a browser. There is no chromium on the PATH.")
    return int(any(status for _, status, _ in outcomes))


if __name__ == "__main__":
    sys.exit(main())
