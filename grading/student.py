"""The student's notebook as tests see it: cells to run, names to look up, and proxies for what lives on the other side.

A proxy behaves as the object would in the learner's own kernel: arguments that the student changes are changed,
warnings and printed text appear where the call is made, and an exception arrives as its nearest built-in class with
the student's own frames. What does not cross is code: a proxy equals nothing but itself, and nothing of the student's
runs here.
"""

from __future__ import annotations

import builtins
import linecache
import time
import traceback
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from grading import sandbox, wire

GRACE_SECONDS = 3.0  # for a runner that was told to stop the student's code and has to say so
MAX_RESTARTS = 3


class StudentProcessError(Exception):
    """The student's process cannot answer: it ended, ran out of time, or broke the protocol."""


class StudentProcess:
    """A confined process that runs the student's notebook and leaves snapshots of itself; a context manager.

    Cells run in order. A snapshot is a copy of the process as it was at one place of the notebook, in which a test can
    call functions without touching what comes later, be it by changing a variable, by crashing, or by looping. When
    the process itself hangs or ends in a cell, a new one runs the other cells again, so that one endless loop does not
    take the marks of the tasks beside it.

    Parameters
    ----------
    limits : sandbox.Limits
        `seconds` is shared by all cells, restarts included; every snapshot has `cell_seconds` of its own.
    places : sequence of str
        Names of the snapshots that will be asked for.
    """

    def __init__(self, limits: sandbox.Limits, places: Sequence[str] = ()) -> None:
        self.limits = limits
        self.problems: list[str] = []
        self._places = list(places)
        self._left = limits.seconds
        self._done: list[dict[str, Any]] = []
        self._restarts = 0
        self._process: Any = None
        self._connections: list[Any] = []

    def __enter__(self) -> StudentProcess:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        for label in [name for name in linecache.cache if name.startswith("<cell ")]:
            del linecache.cache[label]

    def run_cell(self, source: str, name: str) -> list[dict[str, Any]]:
        """Run one cell and return its outputs in nbformat's shape, an error output where it could not be run."""
        label = f"<cell {name}>"
        linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
        request = {"do": "cell", "source": source, "label": label}
        try:
            outputs = _outputs(self._ask(request))
        except StudentProcessError as error:
            self.problems.append(f"cell {name}: {error}")
            return [_error_output(error)]
        if any(output.get("ename") == "TimeLimit" for output in outputs):
            self.problems.append(f"cell {name} was stopped after {self.limits.cell_seconds:g} s")
        else:
            self._done.append(request)  # what took too long is not run again after a restart
        return outputs

    def take_snapshot(self, place: str) -> None:
        """Keep the process as it is now under the name `place`."""
        request = {"do": "snapshot", "place": self._places.index(place)}
        try:
            self._ask(request)
        except StudentProcessError as error:
            self.problems.append(f"before {place}: {error}")
        else:
            self._done.append(request)

    def snapshot(self, place: str) -> Snapshot:
        """Return the snapshot `place`."""
        sources = [request["source"] for request in self._done if request["do"] == "cell"]
        connection = self._connections[1 + self._places.index(place)] if self._connections else None
        return Snapshot(connection, self.limits.cell_seconds, sources)

    def _ask(self, request: dict[str, Any]) -> Any:
        if self._process is None:
            self._restart()
        if self._left <= 0:
            raise StudentProcessError(f"the notebook's time, {self.limits.seconds:g} s, was used up")
        seconds = min(self.limits.cell_seconds, self._left)
        start = time.monotonic()
        try:
            return _exchange(self._connections[0], {"seconds": seconds, **request}, [], seconds)[0]
        except StudentProcessError:
            self._stop()
            raise
        finally:
            self._left -= time.monotonic() - start

    def _start(self) -> None:
        self._process, self._connections = sandbox.start(self.limits, len(self._places))

    def _restart(self) -> None:
        if self._restarts == MAX_RESTARTS:
            raise StudentProcessError("the notebook's process ended too often; it was not started again")
        self._restarts += 1
        self._start()
        for request in self._done:
            self._ask(request)

    def _stop(self) -> None:
        if self._process is not None:
            sandbox.stop(self._process, self._connections)
            self._process, self._connections = None, []


class Snapshot:
    """A copy of the student's process, to look names up in and to call; what a test does in it stays in it."""

    def __init__(self, connection: Any, seconds: float, sources: list[str]) -> None:
        self.sources = sources
        self._connection = connection
        self._seconds = seconds
        self._left = seconds
        self._ended: str | None = None if connection is not None else "the notebook's process ended before this test"
        if connection is not None:
            try:
                wire.receive(connection, time.monotonic() + GRACE_SECONDS)  # "ready"
            except (wire.Disconnected, wire.WireError, TimeoutError):
                self._ended = "the notebook's process ended before this test"

    def lookup(self, names: Sequence[str]) -> dict[str, Any]:
        """Return those of `names` that the student's notebook defines: plain data by value, the rest as proxies."""
        reply, buffers = self._ask({"do": "names", "names": list(names)})
        try:
            return {n: wire.decode(reply[n], buffers, partial(self._proxy, name=n)) for n in names if n in reply}
        except (wire.WireError, TypeError) as error:
            raise StudentProcessError(f"a value cannot be read: {error}") from error

    def _call(self, proxy: Proxy, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        buffers: list[bytes] = []
        given = [*args, *kwargs.values()]
        request = {
            "do": "call",
            "ref": self._reference(proxy)["id"],
            "args": wire.encode(list(args), buffers, self._reference),
            "kwargs": wire.encode(kwargs, buffers, self._reference),
        }
        reply, out = self._ask(request, buffers)
        return self._answer(reply, out, given)

    def _get(self, proxy: Proxy, name: str) -> Any:
        return self._answer(*self._ask({"do": "get", "ref": self._reference(proxy)["id"], "name": name}))

    def _set(self, proxy: Proxy, name: str, value: Any) -> None:
        buffers: list[bytes] = []
        encoded = wire.encode(value, buffers, self._reference)
        request = {"do": "set", "ref": self._reference(proxy)["id"], "name": name, "value": encoded}
        self._answer(*self._ask(request, buffers))

    def _answer(self, reply: Any, buffers: list[bytes], given: Sequence[Any] = ()) -> Any:
        """Do here what the call did there: print, warn, change arguments, raise or return."""
        try:
            if "failed" in reply:
                raise StudentProcessError(_string(reply["failed"]))
            if printed := _string(reply["printed"]):
                print(printed, end="")
            for lineage, text, filename, lineno in reply["warnings"]:
                category = _nearest(lineage, Warning, UserWarning)
                warnings.warn_explicit(_string(text), category, _string(filename), int(lineno))
            for place, after in reply.get("changed", []):
                _assign(given[place], wire.decode(after, buffers, self._proxy))
            if reply["error"] is not None:
                raise _rebuilt(reply["error"])
            if "same" in reply:
                return given[reply["same"]]
            return wire.decode(reply["value"], buffers, self._proxy)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            if hasattr(error, "student_frames"):
                raise
            raise StudentProcessError(f"the student's process sent a malformed answer: {error}") from error
        except wire.WireError as error:
            raise StudentProcessError(f"the student's process sent a malformed answer: {error}") from error

    def _ask(self, request: dict[str, Any], buffers: Sequence[bytes] = ()) -> tuple[Any, list[bytes]]:
        if self._ended is not None:
            raise StudentProcessError(self._ended)
        if self._left <= 0:
            raise StudentProcessError(f"the {self._seconds:g} s for the calls of one test cell were used up")
        start = time.monotonic()
        try:
            return _exchange(self._connection, {"seconds": self._left, **request}, list(buffers), self._left)
        except StudentProcessError as error:
            self._ended = str(error)
            self._connection.close()
            raise
        finally:
            self._left -= time.monotonic() - start

    def _proxy(self, fields: dict[str, Any], name: str | None = None) -> Proxy:
        return Proxy(self, fields, name)

    def _reference(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Proxy) or object.__getattribute__(value, "_owner") is not self:
            raise TypeError(f"a {type(value).__name__} cannot be passed to student code; pass plain data")
        return {"id": object.__getattribute__(value, "_id")}


class Proxy:
    """Stands for a function, class or object of the student's; calls, items, length and attributes cross."""

    def __init__(self, owner: Snapshot, fields: dict[str, Any], name: str | None) -> None:
        if type(fields.get("id")) is not int:
            raise wire.WireError("a reference has no number")
        here = {
            "_owner": owner,
            "_id": fields["id"],
            "_type": _string(fields.get("type")),
            "__name__": name or _string(fields.get("name")),
            "__qualname__": name or _string(fields.get("qualname")),
            "student_cells": owner.sources,
        }
        for attribute, value in here.items():
            object.__setattr__(self, attribute, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the student's object with plain data or proxies."""
        return self._owner._call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._owner._get(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._owner._set(self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._owner._get(self, "__getitem__")(key)

    def __len__(self) -> int:
        return int(self._owner._get(self, "__len__")())

    def __bool__(self) -> bool:
        return True

    __iter__ = None

    def __repr__(self) -> str:
        return f"<{self._type} of the student's notebook>"


def _rebuilt(error: Any) -> BaseException:
    """Return an exception of the nearest built-in class, under the student's class name, with the student's frames."""
    lineage = [_string(name) for name in error["lineage"]]
    text = _string(error["text"])
    base = _nearest(lineage, Exception, Exception)
    # Some built-in classes want more than a text, and KeyError quotes the one it gets.
    here = {"__init__": lambda self, *_: None, "__str__": lambda self: text}
    rebuilt: BaseException = type(lineage[0] if lineage else "Exception", (base,), here)()
    rebuilt.student_frames = [  # type: ignore[attr-defined]
        traceback.FrameSummary(_string(filename), int(lineno), _string(function))
        for filename, lineno, function in error["frames"]
    ]
    return rebuilt


def _nearest(lineage: Sequence[Any], root: type, default: type) -> Any:
    """Return the first class of a lineage of names that is built in and below `root`."""
    for name in lineage:
        found = getattr(builtins, name, None) if isinstance(name, str) else None
        if isinstance(found, type) and issubclass(found, root):
            return found
    return default


def _assign(target: Any, after: Any) -> None:
    """Change an argument as the student's code changed its copy."""
    if isinstance(target, np.ndarray) and isinstance(after, np.ndarray):
        if target.shape == after.shape and target.dtype == after.dtype:
            target[...] = after
    elif isinstance(target, list) and isinstance(after, list):
        target[:] = after
    elif isinstance(target, dict) and isinstance(after, dict):
        target.clear()
        target.update(after)


def _outputs(outputs: Any) -> list[dict[str, Any]]:
    """Keep of a cell's outputs what nbformat knows, with the types that it wants."""
    if isinstance(outputs, dict) and isinstance(outputs.get("failed"), str):
        raise StudentProcessError(outputs["failed"])
    if not isinstance(outputs, list):
        raise StudentProcessError("a cell's outputs are malformed")
    kept: list[dict[str, Any]] = []
    for output in outputs:
        match output:
            case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
                kept.append({"output_type": "stream", "name": name, "text": text})
            case {"output_type": "error", "ename": str(name), "evalue": str(text), "traceback": list(lines)}:
                lines = [line for line in lines if isinstance(line, str)]
                kept.append({"output_type": "error", "ename": name, "evalue": text, "traceback": lines})
            case {"output_type": "execute_result" | "display_data" as kind, "data": dict(data)}:
                shown = {
                    m: data[m]
                    for m in ("text/plain", "text/html", "text/latex", "image/png", "image/svg+xml")
                    if isinstance(data.get(m), str)
                }
                more = {"execution_count": None} if kind == "execute_result" else {}
                kept.append({"output_type": kind, "data": shown, "metadata": {}, **more})
            case _:
                raise StudentProcessError("a cell's output is malformed")
    return kept


def _exchange(connection: Any, request: Any, buffers: list[bytes], seconds: float) -> tuple[Any, list[bytes]]:
    """Send a request, wait for its reply, and put in one sentence what may go wrong."""
    deadline = time.monotonic() + seconds + GRACE_SECONDS
    try:
        wire.send(connection, request, buffers, deadline)
        return wire.receive(connection, deadline)
    except TimeoutError as error:
        raise StudentProcessError(f"no answer within {seconds:.3g} s") from error
    except wire.Disconnected as error:
        raise StudentProcessError("the notebook's process ended (exit, crash or memory limit)") from error
    except wire.WireError as error:
        raise StudentProcessError(f"the notebook's process cannot be understood: {error}") from error


def _error_output(error: Exception) -> dict[str, Any]:
    line = f"{type(error).__name__}: {error}"
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": [line]}


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise wire.WireError("a text is not a text")
    return value
