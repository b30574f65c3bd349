"""What isolation this machine offers, found out by trying from inside a sandbox."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grading import sandbox
from grading.student import StudentProcess


@dataclass(frozen=True)
class Finding:
    """One property of the isolation: whether it holds here, and how that was seen."""

    what: str
    holds: bool
    detail: str
    required: bool = True


# Runs where student code runs, and tries what student code must not be able to do.
_PROBE = """
import json, os, resource, socket
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
    "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
    "tasks": resource.getrlimit(resource.RLIMIT_NPROC)[0],
    "scratch": os.statvfs(".").f_blocks * os.statvfs(".").f_frsize,
}}))
"""


def examine() -> list[Finding]:
    """Try the sandbox and report each property."""
    try:
        program = sandbox.bubblewrap()
    except sandbox.NoIsolation as error:
        return [Finding("bubblewrap", False, str(error))]
    findings = [Finding("bubblewrap", True, f"{program}, Linux {platform.release()}")]
    import socket

    with tempfile.NamedTemporaryFile("w", suffix=".secret") as secret, socket.create_server(("127.0.0.1", 0)) as server:
        secret.write("secret")
        secret.flush()
        probe = _PROBE.format(port=server.getsockname()[1], secret=str(Path(secret.name)))
        try:
            with StudentProcess(sandbox.Limits()) as student:
                outputs = student.run_cell(probe, "probe")
        except sandbox.NoIsolation as error:
            return [*findings, Finding("sandbox starts", False, str(error))]
    seen = json.loads(outputs[0]["text"])
    limits, root = sandbox.Limits(), os.getuid() == 0
    return [
        *findings,
        Finding(
            "no network",
            seen["network"] is not None,
            f"a connection to this machine: {seen['network']}; interfaces: {', '.join(seen['interfaces'])}",
        ),
        Finding("no files of this machine", seen["secret"] is not None, f"a file of the grader: {seen['secret']}"),
        Finding("read-only system", seen["write"] is not None, f"writing below /usr: {seen['write']}"),
        Finding("own processes only", seen["processes"] == 1, f"{seen['processes']} processes seen"),
        Finding("empty environment", set(seen["environment"]) <= ALLOWED, ", ".join(seen["environment"])),
        Finding(
            "memory limit",
            0 < seen["memory"] - limits.memory_mb * 2**20 < MOST_LOADED,
            f"{limits.memory_mb} MiB a process beyond the libraries, {seen['memory'] / 2**20:.0f} MiB in all",
        ),
        Finding("scratch limit", seen["scratch"] <= limits.scratch_mb * 2**20, f"{seen['scratch'] / 2**20:g} MiB"),
        Finding(
            "process limit",
            not root,
            f"{seen['tasks']} processes"
            + (", but it does not bind root: run the grader as another user" if root else ""),
            required=False,
        ),
    ]


MOST_LOADED = 4 * 2**30  # bytes of address space that Python and the libraries take together, at most
ALLOWED = {
    *("HOME", "KERAS_BACKEND", "LANG", "MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH"),
    *("PWD", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"),
    *("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"),  # scikit-learn sets them
}
