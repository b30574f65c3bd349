"""What isolation this machine offers, and which limits are in force, found out by trying from inside a sandbox."""

from __future__ import annotations

import json
import os
import platform
import socket
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from grading import cgroups, sandbox
from grading.student import GRACE_SECONDS, StudentProcess


@dataclass(frozen=True)
class Finding:
    """One property of the isolation: whether it holds here, how that was seen, and what it rests on if it does."""

    what: str
    holds: bool
    detail: str
    means: str = ""
    required: bool = True


SMALL = sandbox.Limits(seconds=60, cell_seconds=10, memory_mb=128, scratch_mb=2, output_mb=1, processes=24)
SHORT = sandbox.Limits(seconds=2, cell_seconds=0.5)
TOGETHER_MB, TOGETHER = 96, 4  # each is allowed, all of them are not

# Runs where student code runs, and tries what student code must not be able to do.
_WALLS = """
import json, os, socket
def attempt(action):
    try:
        action()
    except OSError as error:
        return error.strerror or str(error)
    return None
def connect(address):
    with socket.create_connection(address, timeout=1):
        pass
print(json.dumps({{
    "network": attempt(lambda: connect(("127.0.0.1", {port}))),
    "secret": attempt(lambda: open({secret!r}).read()),
    "write": attempt(lambda: open("/usr/probe", "w").close()),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "processes": sum(attempt(lambda: os.kill(pid, 0)) is None for pid in range(1, 100_000)),
    "environment": sorted(os.environ),
}}))
"""

# Each of these takes more and more until it is refused, prints how much that was, and gives it back.
_PROCESSES = f"""
import os, signal
children = []
try:
    while len(children) < {4 * SMALL.processes}:
        if (pid := os.fork()) == 0:
            signal.pause()
        children.append(pid)
except OSError:
    pass
print(len(children))
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""
_MEMORY = f"""
held = []
try:
    while len(held) < {4 * SMALL.memory_mb}:
        held.append(bytearray(2**20))
except MemoryError:
    pass
count = len(held)
del held
print(count)
"""
_TOGETHER = f"""
import os, signal
children = []
for _ in range({TOGETHER}):
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        held = b"x" * ({TOGETHER_MB} * 2**20)
        os.write(writer, b".")
        signal.pause()
    os.close(writer)
    os.read(reader, 1)  # it holds what it wanted, or has ended
    children.append(pid)
for pid in children:
    os.kill(pid, signal.SIGTERM)
print(sum(os.waitpid(pid, 0)[1] != signal.SIGTERM for pid in children))
"""
_SCRATCH = f"""
import os
written = []
for folder in ("/home/student", "/tmp", "/dev/shm"):
    count = 0
    try:
        while count < {4 * SMALL.scratch_mb * 2**20}:
            with open(f"{{folder}}/probe", "ab", buffering=0) as file:
                count += file.write(bytes(2**16))
    except OSError:
        pass
    os.unlink(f"{{folder}}/probe")
    written.append(count)
print(max(written))
"""
_INODES = """
import os
made = 0
try:
    while made < 50_000:
        os.mknod(f"/tmp/probe-{made}")
        made += 1
except OSError:
    pass
for number in range(made):
    os.unlink(f"/tmp/probe-{number}")
print(made)
"""
_FILES = """
import os
held = []
try:
    while len(held) < 50_000:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for number in held:
    os.close(number)
print(len(held))
"""
_REFUSED = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = {"memfd_create": (b"", 0), "shmget": (0, 4096, 0o1600), "semget": (0, 1, 0o1600), "msgget": (0, 0o1600),
         "inotify_init1": (0,), "process_vm_readv": (1, 0, 0, 0, 0, 0)}
print(sum(getattr(libc, name)(*given) < 0 and ctypes.get_errno() == errno.ENOSYS for name, given in calls.items()))
"""
_PROMPT = "while True: pass"
_DEAF = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"


def examine() -> list[Finding]:
    """Try the sandbox and report each property."""
    try:
        program = sandbox.bubblewrap()
    except sandbox.NoIsolation as error:
        return [Finding("bubblewrap", False, str(error))]
    found = Finding("bubblewrap", True, f"Linux {platform.release()}", program)
    try:
        walls = _walls()
        with ThreadPoolExecutor(1) as beside:  # which mostly waits
            times = beside.submit(_times)
            return [found, *walls, *_amounts(), *times.result()]
    except sandbox.NoIsolation as error:
        return [found, Finding("sandbox starts", False, str(error))]


def _walls() -> list[Finding]:
    with tempfile.NamedTemporaryFile("w", suffix=".secret") as secret, socket.create_server(("127.0.0.1", 0)) as server:
        secret.write("secret")
        secret.flush()
        probe = _WALLS.format(port=server.getsockname()[1], secret=str(Path(secret.name)))
        with StudentProcess(sandbox.Limits()) as student:
            seen = json.loads(student.run_cell(probe, "walls")[0]["text"])
    return [
        Finding(
            "no network",
            seen["network"] is not None,
            f"a connection to this machine: {seen['network']}; interfaces: {', '.join(seen['interfaces'])}",
            "network namespace",
        ),
        Finding(
            "no files of this machine",
            seen["secret"] is not None,
            f"a file of the grader: {seen['secret']}",
            "mount namespace",
        ),
        Finding(
            "read-only system", seen["write"] is not None, f"writing below /usr: {seen['write']}", "read-only mounts"
        ),
        Finding("own processes only", seen["processes"] == 1, f"{seen['processes']} processes seen", "pid namespace"),
        Finding("empty environment", set(seen["environment"]) <= ALLOWED, ", ".join(seen["environment"]), "cleared"),
    ]


def _amounts() -> list[Finding]:
    """Take as much as there is of what is limited by its amount."""
    limits = SMALL
    groups = {name: f"cgroup v{used.version}, controller {name}" for name, used in cgroups.hierarchies().items()}
    tasks = [groups["pids"]] if "pids" in groups else []
    if os.getuid() != 0:  # whom Linux does not hold to it
        tasks.append("RLIMIT_NPROC")
    found: list[Finding] = []

    def attempt(
        what: str, source: str, holds: Callable[[int], bool], detail: str, means: str, required: bool = True
    ) -> None:
        with StudentProcess(limits) as student:
            [shown, *_] = student.run_cell(source, what)
        try:
            count = int(shown["text"])
        except (KeyError, ValueError):
            said = shown.get("text") or f"{shown.get('ename')}: {shown.get('evalue')}"
            found.append(Finding(what, False, f"could not be tried: {said.strip()}", required=required))
        else:
            found.append(Finding(what, holds(count), detail.format(count), means, required))

    most = limits.memory_mb
    attempt(
        "memory of a process", _MEMORY, lambda n: n <= most, f"{{}} MiB to be had where {most} are allowed", "RLIMIT_AS"
    )
    attempt(
        "memory of all processes",
        _TOGETHER,
        lambda n: n > 0,
        f"of {TOGETHER} processes with {TOGETHER_MB} MiB each, {{}} were ended, "
        f"where all have {limits.memory_of_all(0) // 2**20} MiB",
        groups.get("memory", ""),
        required=False,
    )
    attempt(
        "number of processes",
        _PROCESSES,
        lambda n: n <= limits.processes,
        f"{{}} could be started where {limits.processes} are allowed",
        ", ".join(tasks),
        required=False,
    )
    size = limits.scratch_mb * 2**20
    attempt("scratch folders", _SCRATCH, lambda n: n <= size, f"{{}} bytes fit where {size} are allowed", "tmpfs size")
    attempt("files in scratch", _INODES, lambda n: n <= 10_000, "{} could be made", "tmpfs inodes")
    attempt("open files", _FILES, lambda n: n <= 1024, "{} could be opened", "RLIMIT_NOFILE")
    attempt("refused calls", _REFUSED, lambda n: n == 6, "{} of 6 calls were refused", "seccomp", required=False)
    with StudentProcess(limits) as student:
        shown = student.run_cell(f"print(('x' * 99 + '\\n') * {limits.output_mb * 30_000})", "output")
    size = sum(len(output.get("text", "")) for output in shown)
    holds = 0 < size < 1.1 * limits.output_mb * 2**20
    found.append(Finding("output", holds, f"{size} characters came through", "cut in the sandbox, and again outside"))
    return found


def _times() -> list[Finding]:
    """Loop without end, three times."""
    found: list[Finding] = []
    allowed = SHORT.cell_seconds
    with StudentProcess(SHORT) as student:

        def attempt(what: str, source: str, name: str, within: float, means: str) -> None:
            start = time.monotonic()
            [shown, *_] = student.run_cell(source, what)
            said = f"ended after {time.monotonic() - start:.1f} s where {within:g} are allowed"
            found.append(Finding(what, shown.get("ename") == name, said, means))

        attempt("time of a cell", _PROMPT, "TimeLimit", allowed, "timer in the sandbox")
        attempt(
            "time of a deaf cell", _DEAF, "StudentProcessError", allowed + GRACE_SECONDS, "timer outside, and a kill"
        )
        [shown, *_] = student.run_cell("1", "late")
        said = str(shown.get("evalue"))
        found.append(Finding("time of a notebook", "was used up" in said, f"one cell more: {said}", "clock outside"))
    return found


ALLOWED = {
    *("HOME", "KERAS_BACKEND", "LANG", "MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH"),
    *("PWD", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"),
    *("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"),  # scikit-learn sets them
}
