"""Limits of all processes of a submission together: they hold, harm nobody beside it, and leave nothing."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from grading import cgroups
from grading.executor import Local
from grading.sandbox import COPY_MB, Limits
from grading.student import StudentProcess

from .conftest import require_isolation

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def groups():
    """The folders in which groups are made, where they may be."""
    require_isolation()
    if not {"memory", "pids"} <= cgroups.hierarchies().keys():
        pytest.skip("no control groups for memory and processes may be made here")
    return [hierarchy.parent for hierarchy in cgroups.hierarchies().values()]


def made_by(folders: list[Path], pid: int) -> list[Path]:
    """Return the groups that a process has made."""
    return [path for folder in folders for path in folder.glob(f"{cgroups.PREFIX}*-{pid}-*")]


STORMS = {
    "processes": """import os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
except OSError as error:
    print(count, error.strerror)""",
    "threads": """import threading, time
count = 0
try:
    while count < 500:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        count += 1
except RuntimeError as error:
    print(count, error)""",
}


@pytest.mark.parametrize("storm", STORMS.values(), ids=STORMS)
def test_a_storm_is_stopped_at_the_limit(groups, storm):
    with StudentProcess(Limits(processes=20, cell_seconds=5), ["a"]) as other, StudentProcess(Limits()) as beside:
        count, _, said = other.run_cell(storm, "storm")[0]["text"].partition(" ")
        assert int(count) in range(18, 21)  # beside the runner itself
        other.take_snapshot("a")
        assert other.snapshot("a").lookup(["count"]) == {"count": int(count)}  # for which there still is a place
        assert "temporarily unavailable" in said or "can't start" in said
        assert beside.run_cell(STORMS["processes"], "storm")[0]["text"].split()[0] in {"63", "64"}


def test_processes_that_take_too_much_together_are_ended_and_no_other(groups):
    limits = Limits(memory_mb=250, scratch_mb=4, cell_seconds=20)
    together = """import os, signal
children = []
for _ in range(4):
    reader, writer = os.pipe()
    children.append(os.fork())
    if children[-1] == 0:
        held = b"x" * (230 * 2**20)
        os.write(writer, b".")
        signal.pause()
    os.close(writer)
    os.read(reader, 1)
for pid in children:
    os.kill(pid, signal.SIGTERM)
print(sorted(os.waitpid(pid, 0)[1] for pid in children))"""
    assert limits.memory_of_all(0) == (2 * 250 + 3 * 4 + COPY_MB) * 2**20
    with StudentProcess(limits) as hog, StudentProcess(limits) as beside:
        assert beside.run_cell("held = b'x' * (230 * 2**20)", "a") == []
        kill, term = int(signal.SIGKILL), int(signal.SIGTERM)
        assert hog.run_cell(together, "together")[0]["text"] == f"{[kill, kill, term, term]}\n"
        assert beside.run_cell("print(len(held))", "b")[0]["text"] == f"{230 * 2**20}\n"
        assert hog.run_cell("print('goes on')", "c")[0]["text"] == "goes on\n"


def test_scratch_folders_count_and_fit():
    require_isolation()
    fill = (
        "for folder in ('/tmp', '/home/student', '/dev/shm'):\n    open(folder + '/x', 'wb').write(bytes(60 * 2**20))"
    )
    with StudentProcess(Limits(memory_mb=200, scratch_mb=61)) as student:
        assert student.run_cell(fill, "fill") == []
        assert student.run_cell("held = b'x' * (150 * 2**20)", "hold") == []


def test_a_pool_leaves_no_group(groups):
    with contextlib.closing(Local(1, ("numpy",))) as pool:
        worker = pool.submit(_worked).result()
        assert made_by(groups, worker)
    assert made_by(groups, worker) == []


def _worked() -> int:
    """Use a sandbox in the process that this is; return its number."""
    with StudentProcess(Limits()):
        return os.getpid()


def test_a_process_that_ends_leaves_no_group_and_what_a_killed_one_leaves_is_removed(groups):
    program = (
        "import sys\nfrom grading.sandbox import Limits\nfrom grading.student import StudentProcess\n"
        "with StudentProcess(Limits()) as student:\n    student.run_cell('1', 'a')\n"
        "    print('started', flush=True)\n    sys.stdin.read()\n"
    )
    for kill in (False, True):
        with subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout.readline() == "started\n"
            assert made_by(groups, other.pid)
            if kill:
                other.kill()
            else:
                other.stdin.close()
            assert other.wait() == (-signal.SIGKILL if kill else 0)
        assert bool(made_by(groups, other.pid)) == kill
    cgroups.remove_stale()
    assert made_by(groups, other.pid) == []


@pytest.mark.parametrize("how", ["no folder may be written", "no group may be made"])
def test_without_groups_everything_works_by_the_limits_of_a_process(monkeypatch, how):
    require_isolation()
    monkeypatch.setattr(cgroups, "_idle", {})
    if how == "no folder may be written":
        monkeypatch.setattr(cgroups, "hierarchies", cgroups.hierarchies.__wrapped__)
        monkeypatch.setattr(cgroups.os, "access", lambda *_: False)
        assert cgroups.hierarchies() == {}
    else:
        nowhere = cgroups.Hierarchy(1, Path("/proc"))
        monkeypatch.setattr(cgroups, "hierarchies", lambda: {"memory": nowhere, "pids": nowhere})
    with StudentProcess(Limits(memory_mb=300)) as student:
        assert student._process._group is None
        assert student.run_cell("print(1)", "a")[0]["text"] == "1\n"
        assert student.run_cell("held = bytearray(400 * 2**20)", "b")[0]["ename"] == "MemoryError"


# --- version 2, as far as a few files can show it ---------------------------------------------------------------------


class Kernel:
    """A tree of files that obeys the rules of version 2 by which it depends what is possible."""

    def __init__(self, folder: Path, others: list[int], permitted: bool = True) -> None:
        self.root = folder / "unified"
        self.own = self.root / "user" / "session"
        self.own.mkdir(parents=True)
        self.permitted = permitted
        for group in (self.root, self.own.parent, self.own):
            self.furnish(group)
        (self.own / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in [os.getpid(), *others]))
        self.self = folder / "self"
        self.self.mkdir()
        line = f"35 28 0:30 / {self.root} rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
        (self.self / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + line)
        (self.self / "cgroup").write_text("0::/user/session\n")

    def furnish(self, group: Path) -> None:
        """Make the files that the kernel makes in a new group."""
        (group / "cgroup.controllers").write_text("cpu memory pids\n")
        for name in ("cgroup.procs", "cgroup.subtree_control", "memory.max", "memory.swap.max", "pids.max"):
            (group / name).touch()

    def write(self, file: Path, text: str) -> None:
        """Do what the kernel does when this is written."""
        if not file.exists():
            self.furnish(file.parent)
        if not file.exists():
            raise FileNotFoundError(file)
        if file.name == "cgroup.subtree_control":
            if not self.permitted:
                raise OSError(errno.EACCES, "Permission denied")
            if (file.parent / "cgroup.procs").read_text().split():
                raise OSError(errno.EBUSY, "Device or resource busy")
            file.write_text(f"{file.read_text()} {text.lstrip('+')}")
        elif file.name == "cgroup.procs":
            if (file.parent / "cgroup.subtree_control").read_text():
                raise OSError(errno.EBUSY, "Device or resource busy")
            for other in self.root.rglob("cgroup.procs"):
                other.write_text("".join(f"{pid}\n" for pid in other.read_text().split() if pid != text))
            file.write_text(f"{file.read_text()}{text}\n")
            if text == str(os.getpid()):
                (self.self / "cgroup").write_text(f"0::/{file.parent.relative_to(self.root)}\n")
        else:
            file.write_text(text)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Put a tree of version 2 in the place of this machine's."""

    def put(*others: int, permitted: bool = True) -> Kernel:
        made = Kernel(tmp_path, list(others), permitted)
        monkeypatch.setattr(cgroups, "_SELF", made.self)
        monkeypatch.setattr(cgroups, "_write", made.write)
        monkeypatch.setattr(cgroups, "_idle", {})
        monkeypatch.setattr(cgroups, "atexit", MagicMock())
        monkeypatch.setattr(cgroups, "hierarchies", cgroups.hierarchies.__wrapped__)
        return made

    return put


def test_version_2_moves_this_process_where_it_is_alone_and_limits_a_group_beside_it(kernel):
    tree = kernel()
    group = cgroups.acquire(5 * 2**20, 7)
    [made] = [path for path in tree.own.glob(f"{cgroups.PREFIX}*") if not path.name.endswith(cgroups.LEAF)]
    said = {name: (made / name).read_text() for name in ("memory.max", "memory.swap.max", "pids.max")}
    assert said == {"memory.max": str(5 * 2**20), "memory.swap.max": "0", "pids.max": "7"}
    assert (tree.own / "cgroup.subtree_control").read_text().split() == ["memory", "pids"]
    assert (tree.own / "cgroup.procs").read_text() == ""
    group.add(12345)
    assert (made / "cgroup.procs").read_text() == "12345\n"
    # A process that is started from here is in the leaf, and finds the same place for its groups.
    assert {h.parent for h in cgroups.hierarchies().values()} == {tree.own}


def test_version_2_stays_where_it_is_where_others_are(kernel):
    tree = kernel(1)
    assert cgroups.acquire(2**20, 7) is None
    assert set((tree.own / "cgroup.procs").read_text().split()) == {"1", str(os.getpid())}
    assert (tree.self / "cgroup").read_text() == "0::/user/session\n"


def test_version_2_does_without_where_it_is_not_permitted(kernel):
    tree = kernel(permitted=False)
    assert cgroups.acquire(2**20, 7) is None
    assert (tree.own / "cgroup.procs").read_text().split() == [str(os.getpid())]


def test_a_group_outside_what_is_mounted_is_not_taken_for_another(kernel):
    tree = kernel()
    (tree.self / "cgroup").write_text("0::/../elsewhere\n")
    (tree.self / "mountinfo").write_text(f"35 28 0:30 /user {tree.root} rw - cgroup2 cgroup2 rw\n")
    assert cgroups.acquire(2**20, 7) is None
