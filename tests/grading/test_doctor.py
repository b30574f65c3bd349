"""The doctor's findings: everything holds where it should, and what is weakened is found."""

import pytest

from grading import cgroups, doctor, sandbox
from grading.cli import main

from .conftest import require_isolation

LIMITS = {
    "memory of a process": "RLIMIT_AS",
    "scratch folders": "tmpfs size",
    "files in scratch": "tmpfs inodes",
    "open files": "RLIMIT_NOFILE",
    "refused calls": "seccomp",
    "output": "cut",
    "time of a cell": "timer",
    "time of a deaf cell": "timer",
    "time of a notebook": "clock",
}


@pytest.fixture
def findings():
    """What the doctor finds, by name."""
    require_isolation()
    return {finding.what: finding for finding in doctor.examine()}


def test_every_limit_is_tried_and_in_force(findings):
    assert [f for f in findings.values() if f.required and not f.holds] == []
    for what, means in LIMITS.items():
        assert findings[what].means.startswith(means)
    for controller, what in (("pids", "number of processes"), ("memory", "memory of all processes")):
        if (used := cgroups.hierarchies().get(controller)) is not None:
            assert findings[what].holds
            assert f"cgroup v{used.version}, controller {controller}" in findings[what].means


def test_what_is_not_limited_is_found(monkeypatch):
    require_isolation()
    monkeypatch.setattr(cgroups, "hierarchies", dict)
    monkeypatch.setattr(cgroups, "_idle", {})
    loose = {"memory_bytes": 2**40, "cpu_seconds": 90, "file_bytes": 2**26, "processes": 10_000}
    monkeypatch.setattr(sandbox.Limits, "of_a_process", lambda self: loose)
    monkeypatch.setattr(doctor, "SHORT", sandbox.Limits(seconds=30, cell_seconds=0.1))
    found = {finding.what: finding for finding in doctor.examine()}
    failing = {what for what, finding in found.items() if not finding.holds}
    missing = {"memory of a process", "scratch folders", "memory of all processes", "number of processes"}
    assert failing == {*missing, "time of a notebook"}
    monkeypatch.setattr(doctor, "examine", lambda: list(found.values()))
    assert main(["doctor"]) == 2
    monkeypatch.setattr(doctor, "examine", lambda: [f for f in found.values() if f.holds or not f.required])
    assert main(["doctor"]) == 0


def test_a_machine_without_bubblewrap_is_told_so(monkeypatch, capsys):
    def missing():
        raise sandbox.NoIsolation("bubblewrap was not found")

    monkeypatch.setattr(sandbox, "bubblewrap", missing)
    assert main(["doctor"]) == 2
    assert "bubblewrap was not found" in " ".join(capsys.readouterr().out.split())
