"""Inside the sandbox: runs the student's cells in order and answers calls, one request at a time.

Started as ``python -P -m grading.runner FD`` with a connected socket. The process that is started so never runs student
code. It loads what notebooks import, which is what takes time, and forks; each fork confines itself further, and is a
runner for one submission. Nothing that a runner says is trusted by the other side: a student who takes it over can
answer calls wrongly, and that is what a wrong function does too.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

from grading import confine, wire
from grading.shell import RecordingShell

MAX_PRINTED = 10_000
MAX_WARNINGS = 20

# What Python, NumPy and IPython load, or make, only when it is first needed; every fork would pay for it anew.
WARM_UP = (
    "print()\n[1]",
    "1 / 0",
    "import numpy.random",
    r"'\N{DEGREE SIGN}'.encode().decode('unicode_escape')",
)


class TimeLimit(BaseException):
    """Raised in the student's code when its time is over; not an Exception, so that ``except Exception`` misses it."""


class Runner:
    """Answers requests about the student's cells; each method that a request names is ``do_<name>``."""

    def __init__(self, shell: RecordingShell) -> None:
        self.shell = shell
        self.labels: list[str] = []
        self.held: list[Any] = []
        self.places: dict[int, int] = {}  # in `held`, by id: the same object is the same on the other side

    def serve(self, connection: socket.socket) -> None:
        """Answer requests until the other side closes the connection."""
        self.connection = connection
        self.reserve = os.open(os.devnull, os.O_RDONLY)  # the student's code may open all the files that it may
        wire.send(connection, "ready", [])
        while True:
            try:
                request, buffers = wire.receive(connection)
            except wire.Disconnected:
                return
            try:
                reply, out = getattr(self, "do_" + request["do"])(request, buffers)
                wire.send(connection, reply, out)
            except (TimeLimit, wire.WireError) as error:  # the limit was heard only while the reply was being made
                wire.send(connection, {"failed": str(error)}, [])

    def do_cell(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Run one cell and return its outputs."""
        self.labels.append(request["label"])
        self.shell.max_output = request["output"]
        with time_limit(request["seconds"]):
            outputs = self.shell.run(request["source"], request["label"])
        return outputs, []

    def do_copy(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Leave a copy of this process, as it is now, to answer on a connection of its own, which comes next."""
        with contextlib.suppress(OSError):
            os.close(self.reserve)
        _, [descriptor], _, _ = socket.recv_fds(self.connection, 1, 1)
        os.set_inheritable(descriptor, False)  # a program that the student starts would keep the connection open
        with socket.socket(fileno=descriptor) as connection:
            if os.fork() == 0:
                self.connection.close()  # whoever else holds it keeps the other side from seeing that it ended
                try:
                    self.serve(connection)
                finally:
                    os._exit(0)
        self.reserve = os.open(os.devnull, os.O_RDONLY)
        return "taken", []

    def do_names(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Return the values of those names that are defined."""
        out: list[bytes] = []
        namespace = self.shell.namespace
        return {"names": {n: self._encode(namespace[n], out) for n in request["names"] if n in namespace}}, out

    def do_call(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Call an object that is held here.

        What of the arguments came back, as the result or inside it, is named by its number, so that the caller gets
        its own object; so is what was changed.
        """
        function = self.held[request["ref"]]
        resolved: set[int] = set()
        args = self._decode(request["args"], buffers, resolved)
        kwargs = self._decode(request["kwargs"], buffers, resolved)
        given = [*args, *kwargs.values()]
        given = [given[first] for first in request["same"]]  # an array may be given twice: f(x, out=x)
        args, kwargs = given[: len(args)], dict(zip(kwargs, given[len(args) :], strict=True))
        objects = wire.mutables(given, resolved)[1:]
        numbers = {id(o): number for number, o in reversed(list(enumerate(objects)))}
        before = [_image(o, numbers) for o in objects]
        reply, out = self._guarded(lambda: function(*args, **kwargs), request["seconds"], numbers)
        shared = dict(numbers)
        reply["changed"] = [
            [number, self._encode(copy.copy(o), out, shared)]
            for number, o in enumerate(objects)
            if numbers[id(o)] == number and _image(o, numbers) != before[number]
        ]
        return reply, out

    def do_get(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Return an attribute of an object that is held here."""
        return self._guarded(lambda: getattr(self.held[request["ref"]], request["name"]), request["seconds"])

    def do_set(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Set an attribute of an object that is held here."""
        value = self._decode(request["value"], buffers)
        return self._guarded(lambda: setattr(self.held[request["ref"]], request["name"], value), request["seconds"])

    def _guarded(
        self, action: Any, seconds: float, numbers: dict[int, int] | None = None
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Run `action` and describe what it returned, raised, printed and warned of."""
        out: list[bytes] = []
        printed = io.StringIO()
        reply: dict[str, Any] = {"error": None}
        caught: list[warnings.WarningMessage] = []
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), self.shell.current():
            try:
                with warnings.catch_warnings(record=True) as caught, time_limit(seconds):
                    warnings.simplefilter("always")
                    value = action()
                reply["value"] = self._encode(value, out, dict(numbers or {}))
            except BaseException as error:  # whatever a student raises is an answer
                reply["error"] = self._describe(error)
        reply["printed"] = printed.getvalue()[:MAX_PRINTED]
        reply["warnings"] = [
            [_lineage(w.category), _text(w.message), w.filename, w.lineno] for w in caught[:MAX_WARNINGS]
        ]
        return reply, out

    def _describe(self, error: BaseException) -> dict[str, Any]:
        frames = [
            [frame.filename, frame.lineno, frame.name]
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename in self.labels
        ]
        return {"lineage": _lineage(type(error)), "text": _text(error), "frames": frames}

    def _encode(self, value: Any, out: list[bytes], shared: dict[int, int] | None = None) -> Any:
        return wire.encode(value, out, self._reference, shared)

    def _decode(self, data: Any, buffers: list[bytes], resolved: set[int] | None = None) -> Any:
        def resolve(fields: dict[str, Any]) -> Any:
            found = self.held[fields["id"]]
            if resolved is not None:
                resolved.add(id(found))
            return found

        return wire.decode(data, buffers, resolve)

    def _reference(self, value: Any) -> dict[str, Any]:
        place = self.places.setdefault(id(value), len(self.held))
        if place == len(self.held):
            self.held.append(value)
        kind = type(value).__name__
        names = {"type": kind}
        for name in ("name", "qualname"):
            try:
                found = getattr(value, f"__{name}__", None)
            except Exception:  # a class with a __getattr__ of its own
                found = None
            names[name] = found if type(found) is str else kind
        return {"id": place, **names}


def _image(value: Any, numbers: dict[int, int]) -> Any:
    """Return something that changes when an array, list or dict does, but not when only an object inside it does."""
    out: list[bytes] = []
    data = wire.encode(copy.copy(value), out, lambda inner: {"id": id(inner)}, dict(numbers))
    return json.dumps(data), out


def _lineage(kind: type) -> list[str]:
    return [ancestor.__name__ for ancestor in kind.__mro__]


def _text(value: Any) -> str:
    try:
        return str(value)[:MAX_PRINTED]
    except Exception:
        return "(its message could not be shown)"


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimit` in the block after `seconds`, and again every second until it is heard."""

    def stop(*_: Any) -> None:
        raise TimeLimit(f"stopped after {seconds:.3g} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def fork_runners(nursery: socket.socket, shell: RecordingShell) -> None:
    """Fork a confined runner for each request, until the other side closes the connection.

    A request brings limits and two sockets: one for what is to be said of the start, and the runner's own. Where it
    names a folder, there are no namespaces, and this is the scratch folder.
    """
    gc.enable()
    gc.collect()
    gc.freeze()  # what is loaded stays in memory that the forks share
    loaded = confine.address_space()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for runners; one that has ended would count as a task
    while True:
        text, descriptors, _, _ = socket.recv_fds(nursery, 4096, 2)
        if not text:
            return
        request = json.loads(text)
        said, connection = [socket.socket(fileno=number) for number in descriptors]
        with said, connection:
            try:
                child = os.fork() if request["folder"] else confine.fork_into_namespaces()
                if child:
                    _hand_over(said, child)
            except OSError as error:
                _say(said, error)
                continue
            if child == 0:
                nursery.close()
                request["limits"]["memory_bytes"] += loaded
                _run(shell, request["limits"], request["folder"], said, connection)


def _hand_over(said: socket.socket, child: int) -> None:
    handle = os.pidfd_open(child)
    socket.send_fds(said, [b"started"], [handle])
    os.close(handle)


def _say(said: socket.socket, error: BaseException) -> None:
    with contextlib.suppress(OSError):  # the one that asked has ended
        said.send(f"{type(error).__name__}: {error}".encode()[:4000])


def _run(
    shell: RecordingShell, limits: dict[str, int], folder: str | None, said: socket.socket, connection: socket.socket
) -> NoReturn:
    """Confine this fork, and be a runner.

    In namespaces it is process 1: all that it starts ends with it.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        if folder is None:
            confine.furnish_namespaces(limits["file_bytes"])
        else:
            confine.enter_folder(folder)
            del limits["processes"]  # Linux would count all the user's processes, of other containers, too
        confine.limit(**limits)
        confine.give_up_privileges(required=folder is None)
        confine.fresh_randomness()
        connection.set_inheritable(False)  # a program that the student starts would keep it open
    except BaseException as error:
        _say(said, error)
        os._exit(1)
    said.close()
    try:
        Runner(shell).serve(connection)
    finally:
        os._exit(0)


def main(descriptor: int, modules: list[str]) -> None:
    """Load what a notebook imports, say so, and fork runners."""
    gc.disable()  # while hardly anything that is made is garbage
    for name in modules:
        if not name.startswith("matplotlib_inline"):  # which looks for its shell when it loads
            with contextlib.suppress(ImportError):  # not there, or no module: `from numpy import pi`
                importlib.import_module(name)
    if torch := sys.modules.get("torch"):
        torch.ones(1).half()  # for which it looks at /proc/cpuinfo, once, and the forks' /proc is empty
    shell = RecordingShell()
    for source in WARM_UP:
        shell.run(source, "<warm>")
    shell.reset()
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())  # until here, what failed was said where the other side reads it
    nursery = socket.socket(fileno=descriptor)
    nursery.send(b"ready")
    fork_runners(nursery, shell)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
