"""Inside the sandbox: runs the student's cells in order and answers calls, one request at a time.

Started as ``python -P -m grading.runner FD ...`` with a connected socket. Nothing here is trusted by the other side: a
student who takes this process over can answer calls wrongly, and that is what a wrong function does too.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from grading import wire
from grading.shell import RecordingShell

MAX_PRINTED = 10_000
MAX_WARNINGS = 20


class TimeLimit(BaseException):
    """Raised in the student's code when its time is over; not an Exception, so that ``except Exception`` misses it."""


class Runner:
    """Answers requests about the student's cells; each method that a request names is ``do_<name>``."""

    def __init__(self, max_output: int, connection: socket.socket, snapshots: list[socket.socket]) -> None:
        self.connection = connection
        self.shell = RecordingShell(max_output)
        self.labels: list[str] = []
        self.held: list[Any] = []
        self.snapshots = snapshots

    def serve(self, connection: socket.socket) -> None:
        """Answer requests until the other side closes the connection."""
        wire.send(connection, "ready", [])
        while True:
            try:
                request, buffers = wire.receive(connection)
            except wire.Disconnected:
                return
            try:
                reply, out = getattr(self, "do_" + request["do"])(request, buffers)
            except TimeLimit as error:  # heard only while the reply was being made
                reply, out = {"failed": str(error)}, []
            try:
                wire.send(connection, reply, out)
            except wire.WireError as error:
                wire.send(connection, {"failed": str(error)}, [])

    def do_cell(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Run one cell and return its outputs."""
        self.labels.append(request["label"])
        with time_limit(request["seconds"]):
            outputs = self.shell.run(request["source"], request["label"])
        return outputs, []

    def do_snapshot(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Leave a copy of this process, as it is now, to answer on a connection of its own."""
        place = request["place"]
        if os.fork() == 0:
            # Whoever else holds a connection keeps the other side from seeing that it ended.
            for connection in {self.connection, *self.snapshots} - {self.snapshots[place]}:
                connection.close()
            try:
                self.serve(self.snapshots[place])
            finally:
                os._exit(0)
        self.snapshots[place].close()
        return "taken", []

    def do_names(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Return the values of those names that are defined."""
        out: list[bytes] = []
        namespace = self.shell.namespace
        return {n: self._encode(namespace[n], out) for n in request["names"] if n in namespace}, out

    def do_call(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Call an object that is held here."""
        function = self.held[request["ref"]]
        args = self._decode(request["args"], buffers)
        kwargs = self._decode(request["kwargs"], buffers)
        given = [*args, *kwargs.values()]
        before = [_image(argument) for argument in given]
        reply, out = self._guarded(lambda: function(*args, **kwargs), request["seconds"], identify=given)
        reply["changed"] = [
            [i, self._encode(argument, out)]
            for i, argument in enumerate(given)
            if before[i] is not None and _image(argument) != before[i]
        ]
        return reply, out

    def do_get(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Return an attribute of an object that is held here."""
        return self._guarded(lambda: getattr(self.held[request["ref"]], request["name"]), request["seconds"])

    def do_set(self, request: dict[str, Any], buffers: list[bytes]) -> tuple[Any, list[bytes]]:
        """Set an attribute of an object that is held here."""
        value = self._decode(request["value"], buffers)
        return self._guarded(lambda: setattr(self.held[request["ref"]], request["name"], value), request["seconds"])

    def _guarded(self, action: Any, seconds: float, identify: Any = ()) -> tuple[dict[str, Any], list[bytes]]:
        """Run `action` and describe what it returned, raised, printed and warned of.

        A result that is one of the objects in `identify` is named by its place, so that the caller gets its own back.
        """
        out: list[bytes] = []
        printed = io.StringIO()
        reply: dict[str, Any] = {"error": None}
        caught: list[warnings.WarningMessage] = []
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), self.shell.current():
            try:
                with warnings.catch_warnings(record=True) as caught, time_limit(seconds):
                    warnings.simplefilter("always")
                    value = action()
                same = [i for i, argument in enumerate(identify) if argument is value and _image(argument) is not None]
                reply |= {"same": same[0]} if same else {"value": self._encode(value, out)}
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

    def _encode(self, value: Any, out: list[bytes]) -> Any:
        return wire.encode(value, out, self._reference)

    def _decode(self, data: Any, buffers: list[bytes]) -> Any:
        return wire.decode(data, buffers, lambda fields: self.held[fields["id"]])

    def _reference(self, value: Any) -> dict[str, Any]:
        self.held.append(value)
        kind = type(value)
        name = getattr(value, "__name__", None)
        qualname = getattr(value, "__qualname__", None)
        return {
            "id": len(self.held) - 1,
            "type": kind.__name__,
            "callable": callable(value),
            "name": name if type(name) is str else kind.__name__,
            "qualname": qualname if type(qualname) is str else kind.__name__,
        }


def _image(value: Any) -> Any:
    """Return something that changes when a mutable argument does; None for what cannot change."""
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, list | dict):
        return (len(value), [_image(v) or repr(v) for v in (value.items() if isinstance(value, dict) else value)])
    return None


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


def main(arguments: list[str]) -> None:
    """Serve: bytes of output and processes allowed, then the descriptors of the connection and of the snapshots'."""
    max_output, processes, descriptor, *snapshots = map(int, arguments)
    # Set here and not before: outside this user namespace the limit would count all the processes of the grader's user.
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
    connection = socket.socket(fileno=descriptor)
    Runner(max_output, connection, [socket.socket(fileno=n) for n in snapshots]).serve(connection)


if __name__ == "__main__":
    main(sys.argv[1:])
