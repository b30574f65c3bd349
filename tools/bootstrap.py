"""Makes `.venv` with exactly what requirements.txt pins; needs nothing but Python 3.11 or later.

uv is used where it is found, pip otherwise. An unfinished run leaves no stamp, so the next one goes on from it.
"""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "ready"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def main() -> int:
    """Make or update the environment; return the exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036  (this script is run by whatever Python there is)
        print(f"error: Python 3.11 or later is needed, this is {sys.version.split()[0]}.", file=sys.stderr)
        print("Name another one: make setup PYTHON=python3.12", file=sys.stderr)
        return 2
    wanted = hashlib.sha256(
        (ROOT / "requirements.txt").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    ).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        STAMP.touch()
        return 0
    start = time.monotonic()
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists() and not make_environment():
        return 2
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", str(PYTHON)] if uv else [str(PYTHON), "-m", "pip", "install"]
    print(f"Installing the pinned packages with {'uv' if uv else 'pip'}; the first time this takes a minute or two.")
    try:
        subprocess.run([*install, "--quiet", "-r", str(ROOT / "requirements.txt")], check=True)
        subprocess.run([*install, "--quiet", "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)
    except subprocess.CalledProcessError:
        print(
            "error: the packages could not be installed (see above). Is the network there? Run the same",
            file=sys.stderr,
        )
        print("command again: what was fetched is kept.", file=sys.stderr)
        return 2
    STAMP.write_text(wanted)
    print(f"Environment ready in {time.monotonic() - start:.0f} s: {VENV.name}")
    return 0


def make_environment() -> bool:
    """Make an empty virtual environment; say what to do where that fails."""
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode == 0:
        return True
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if (
        uv
        and subprocess.run([uv, "venv", "--seed", "--python", sys.executable, str(VENV)], check=False).returncode == 0
    ):
        return True
    print(
        "error: no virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv",
        file=sys.stderr,
    )
    return False


if __name__ == "__main__":
    sys.exit(main())
