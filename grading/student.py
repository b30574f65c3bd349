"""The student's notebook as the tests see it: cells to run, names to look up, and proxies for what lives on the other side.

A proxy behaves as the object would in the learner's own kernel: arguments that the student changes are changed, warnings
and printed text appear where the call is made, and an exception arrives as its nearest built-in class with the
student's own frames. What does not cross is code: a proxy never equals anything, and nothing of the student's runs here.
"""

from __future__ import annotations

import builtins
import linecache
import time
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from grading import sandbox, wire

GRACE_SECONDS = 3.0  # for a runner that was told to stop the student's code and has to say so
MAX_RESTARTS = 3


class StudentProcessError(Exception):
    """The student's process cannot answer: it ended, ran out of time, or broke the protocol."""


class StudentProcess:
    """A confined process that holds the student's names; a context manager.

    When it ends or hangs, the next request starts a new one and runs again the cells that had run, so that one endless
    loop does not take the marks of the tasks beside it.

    Parameters
    ----------
    limits : sandbox.Limits
        `seconds` is shared by everything that the student's code does, restarts included.
    """

    def __init__(self, limits: sandbox.Limits) -> None:
        self.limits = limits
        self.sources: list[str] = []
        self.problems: list[str] = []
        self._left = limits.seconds
        self._ran: list[tuple[str, str]] = []
        self._restarts = 0
        self._generation = 0
        self._running: tuple[Any, Any] | None = None

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
        self.sources.append(source)
        lines = source.splitlines(keepends=True)
        linecache.cache[label] = (len(source), None, lines, label)
        try:
            outputs = self._ask({"do": "cell", "source": source, "label": label})[0]
            checked = _outputs(outputs)
        except (StudentProcessError, wire.WireError) as error:
            return [_error_output(error)]
        self._ran.append((source, label))
        if any(output.get("ename") == "TimeLimit" for output in checked):
            self.problems.append(f"cell {name} was stopped after {self.limits.cell_seconds:g} s")
            self._ran.pop()  # not again after a restart
        return checked

    def lookup(self, names: Sequence[str]) -> dict[str, Any]:
        """Return those of `names` that the student's notebook defines: plain data by value, the rest as proxies."""
        reply, buffers = self._ask({"do": "names", "names": list(names)})
        if not isinstance(reply, dict):
            raise wire.WireError("a reply is malformed")
        return {n: wire.decode(reply[n], buffers, lambda f, n=n: self._proxy(f, n)) for n in names if n in reply}

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
            if "unsendable" in reply or "late" in reply:
                raise StudentProcessError(_string(reply.get("unsendable") or reply.get("late")))
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
        """Send one request and wait for its reply; a process that fails to answer is replaced."""
        if self._running is None:
            self._restart()
        if self._left <= 0:
            raise StudentProcessError(f"the notebook's time, {self.limits.seconds:g} s, was used up")
        assert self._running is not None
        seconds = min(self.limits.cell_seconds, self._left)
        connection = self._running[1]
        start = time.monotonic()
        deadline = start + seconds + GRACE_SECONDS
        try:
            wire.send(connection, {"seconds": seconds, **request}, list(buffers), deadline)
            return wire.receive(connection, deadline)
        except TimeoutError:
            self._fail(f"it did not answer within {seconds:g} s")
        except wire.Disconnected:
            self._fail("it ended (memory limit, exit or crash)")
        except wire.WireError as error:
            self._fail(str(error))
        finally:
            self._left -= time.monotonic() - start
        raise AssertionError("unreachable")

    def _fail(self, reason: str) -> None:
        self._stop()
        self.problems.append(f"the student's process was stopped: {reason}")
        raise StudentProcessError(f"the notebook's process was stopped: {reason}")

    def _start(self) -> None:
        self._running = sandbox.start(self.limits)
        self._generation += 1

    def _restart(self) -> None:
        if self._restarts == MAX_RESTARTS:
            raise StudentProcessError(f"the notebook's process was stopped {MAX_RESTARTS + 1} times; it is not started again")
        self._restarts += 1
        self._start()
        for source, label in self._ran:
            self._ask({"do": "cell", "source": source, "label": label})

    def _stop(self) -> None:
        if self._running is not None:
            sandbox.stop(*self._running)
            self._running = None

    def _proxy(self, fields: dict[str, Any], name: str | None = None) -> Proxy:
        return Proxy(self, fields, self._generation, name)

    def _reference(self, value: Any) -> dict[str, Any]:
        """Return the id under which the student's process holds an object, asking again after a restart."""
        if not isinstance(value, Proxy):
            raise TypeError(f"a {type(value).__name__} cannot be passed to student code; pass plain data")
        fields = object.__getattribute__(value, "_fields")
        if object.__getattribute__(value, "_generation") != self._generation or self._running is None:
            name = object.__getattribute__(value, "_name")
            again = self.lookup([name]).get(name) if name is not None else None
            if not isinstance(again, Proxy):
                raise StudentProcessError("the notebook's process was replaced, and this object went with it")
            fields = object.__getattribute__(again, "_fields")
            object.__setattr__(value, "_fields", fields)
            object.__setattr__(value, "_generation", self._generation)
        return {"id": fields["id"]}


class Proxy:
    """Stands for a function, class or object of the student's. Calls, items, length and attributes cross; code does not."""

    def __init__(self, owner: StudentProcess, fields: dict[str, Any], generation: int, name: str | None) -> None:
        if type(fields.get("id")) is not int:
            raise wire.WireError("a reference has no number")
        set_here = object.__setattr__
        set_here(self, "_owner", owner)
        set_here(self, "_fields", fields)
        set_here(self, "_generation", generation)
        set_here(self, "_name", name)
        set_here(self, "__name__", name or _string(fields.get("name")))
        set_here(self, "__qualname__", name or _string(fields.get("qualname")))
        set_here(self, "student_cells", owner.sources)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
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

    __iter__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{_string(self._fields.get('type'))} of the student's notebook>"


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
    if isinstance(outputs, dict) and ("late" in outputs or "unsendable" in outputs):
        raise StudentProcessError(_string(outputs.get("late") or outputs.get("unsendable")))
    if not isinstance(outputs, list):
        raise wire.WireError("a cell's outputs are malformed")
    kept: list[dict[str, Any]] = []
    for output in outputs:
        match output:
            case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
                kept.append({"output_type": "stream", "name": name, "text": text})
            case {"output_type": "error", "ename": str(name), "evalue": str(text), "traceback": list(lines)}:
                lines = [_string(line) for line in lines]
                kept.append({"output_type": "error", "ename": name, "evalue": text, "traceback": lines})
            case {"output_type": "execute_result" | "display_data" as kind, "data": dict(data)}:
                shown = {m: data[m] for m in ("text/plain", "text/html", "text/latex", "image/png", "image/svg+xml") if isinstance(data.get(m), str)}
                more = {"execution_count": None} if kind == "execute_result" else {}
                kept.append({"output_type": kind, "data": shown, "metadata": {}, **more})
            case _:
                raise wire.WireError("a cell's output is malformed")
    return kept


def _error_output(error: Exception) -> dict[str, Any]:
    line = f"{type(error).__name__}: {error}"
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": [line]}


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise wire.WireError("a text is not a text")
    return value
