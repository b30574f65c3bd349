"""Control groups: what all processes of a submission may use together, where this process may make such groups.

Limits of a process (`confine.limit`) leave open how many there are, and Linux holds root to no number of them. A group
counts them all, whoever they belong to. Both versions are spoken: version 1 has a tree of groups for each controller,
version 2 one for all (Linux's documentation, admin-guide/cgroup-v1 and admin-guide/cgroup-v2).
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import itertools
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PREFIX = "sigmoid-grader-"
CONTROLLERS = ("memory", "pids")
LEAF = "itself"  # in version 2, what this process is moved into; what else it has started may outlive it
END_SECONDS = 5.0  # for killed processes to be gone

_SELF = Path("/proc/self")
_numbers = itertools.count()
_idle: dict[int, list[Group]] = {}  # by process: one that was forked has none of those that the other made


@dataclass(frozen=True)
class Hierarchy:
    """Where groups for a controller are made, and in which of the two versions' words they are told their limits."""

    version: int
    parent: Path


class Group:
    """A group, by its folder for each controller; the processes of one submission are in it at a time."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders

    def limit_memory(self, amount: int) -> None:
        """Set how many bytes all processes in it may use together."""
        if (folder := self._folders.get("memory")) is not None:
            old = folder / "memory.limit_in_bytes"
            _write(old if old.exists() else folder / "memory.max", str(amount))

    def limit_tasks(self, number: int) -> None:
        """Set how many processes may be in it, each thread counted."""
        if (folder := self._folders.get("pids")) is not None:
            _write(folder / "pids.max", str(number))

    def add(self, pid: int) -> None:
        """Put a process into it, and with it all that it starts from now on."""
        for folder in {*self._folders.values()}:
            _write(folder / "cgroup.procs", str(pid))

    def release(self) -> None:
        """Keep it, now that it is empty, for the next submission."""
        _idle.setdefault(os.getpid(), []).append(self)

    def remove(self) -> None:
        """End what is in it, and remove it."""
        for folder in {*self._folders.values()}:
            _remove(folder)


def acquire(memory_bytes: int, tasks: int) -> Group | None:
    """Return an empty group with these limits; None where groups may not be made."""
    mine = _idle.setdefault(os.getpid(), [])
    try:
        group = mine.pop() if mine else _make()
        if group is not None:
            group.limit_memory(memory_bytes)
            group.limit_tasks(tasks)
    except OSError:  # the folders look as if they could be written, and cannot; or somebody removed one
        return None
    return group


@functools.cache
def hierarchies() -> dict[str, Hierarchy]:
    """Return where groups may be made, by controller; none is missing but those that may not be used here.

    In version 2 a group has either processes or groups below it. So where this process's group has it alone, it is
    moved into one of its own first; do so before others are started.
    """
    found = {}
    for name, (version, folder) in _own_folders().items():
        parent = folder.parent if folder.name.startswith(PREFIX) else folder
        if os.access(parent, os.W_OK) and (version == 1 or _enabled(name, parent)):
            found[name] = Hierarchy(version, parent)
    return found


def remove_stale() -> None:
    """Remove the groups of processes that have ended."""
    _remove_those_of(lambda owner: not Path("/proc", owner).exists())


def _remove_own() -> None:
    _remove_those_of(str(os.getpid()).__eq__)


def _remove_those_of(chosen: Callable[[str], bool]) -> None:
    for hierarchy in set(hierarchies().values()):
        for folder in hierarchy.parent.glob(f"{_prefix()}*"):
            owner, _, what = folder.name.removeprefix(_prefix()).partition("-")
            if chosen(owner):
                _remove(folder, and_processes=what != LEAF)


def _prefix() -> str:
    # A process number means something in its own pid namespace only, and a group may be seen from several.
    return f"{PREFIX}{os.stat('/proc/self/ns/pid').st_ino}-"


def _make() -> Group | None:
    if not hierarchies():
        return None
    remove_stale()
    name = f"{_prefix()}{os.getpid()}-{next(_numbers)}"
    group = Group({controller: hierarchy.parent / name for controller, hierarchy in hierarchies().items()})
    atexit.unregister(_remove_own)
    atexit.register(_remove_own)
    for controller, hierarchy in hierarchies().items():
        folder = hierarchy.parent / name
        folder.mkdir(exist_ok=True)  # in version 2 it is the same one for both
        # What goes to disk is not counted. Where there is too much, Linux ends the largest process; to have it end all
        # of them (memory.oom.group) would take the marks of the tasks beside that one, too.
        for setting in ("memory.swap.max", "memory.swappiness") if controller == "memory" else ():
            with contextlib.suppress(FileNotFoundError):
                _write(folder / setting, "0")
    return group


def _own_folders() -> dict[str, tuple[int, Path]]:
    """Return, by controller, the version that has it, and the folder of the group that this process is in."""
    mounts: dict[str, tuple[str, str]] = {}
    groups: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in (_SELF / "mountinfo").read_text().splitlines():
            where, _, what = line.partition(" - ")
            kind, _, options = what.split(" ", 2)
            root, point = where.split()[3:5]
            for name in options.split(",") if kind == "cgroup" else [""] if kind == "cgroup2" else []:
                mounts[name] = root, point
        for line in (_SELF / "cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            groups |= dict.fromkeys(names.split(","), path)
    found = {}
    for controller in CONTROLLERS:
        for version, name in ((1, controller), (2, "")):
            if name in mounts and name in groups and Path(groups[name]).is_relative_to(mounts[name][0]):
                root, point = mounts[name]
                folder = Path(point) / Path(groups[name]).relative_to(root)
                if version == 1 or controller in _words(folder / "cgroup.controllers"):
                    found[controller] = version, folder
                    break
    return found


def _enabled(controller: str, parent: Path) -> bool:
    """Let groups below this one have a controller of version 2, if that is permitted."""
    switch = parent / "cgroup.subtree_control"
    if controller in _words(switch):
        return True
    try:
        _write(switch, f"+{controller}")
    except OSError as error:
        if error.errno != errno.EBUSY:
            return False
    else:
        return True
    leaf = parent / f"{_prefix()}{os.getpid()}-{LEAF}"
    try:
        leaf.mkdir()
        _write(leaf / "cgroup.procs", str(os.getpid()))
        _write(switch, f"+{controller}")
    except OSError:  # others are in there, too
        with contextlib.suppress(OSError):
            _write(parent / "cgroup.procs", str(os.getpid()))
            leaf.rmdir()
        return False
    return True


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _remove(folder: Path, and_processes: bool = True) -> None:
    deadline = time.monotonic() + END_SECONDS
    while and_processes and (left := _words(folder / "cgroup.procs")) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.001)
    with contextlib.suppress(OSError):  # somebody else has, or what is in there does not end
        folder.rmdir()


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
