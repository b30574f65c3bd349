"""The student's notebook as tests see it: cells to run, names to look up, and proxies for what lives on the other side.

A proxy behaves as the object would in the learner's own kernel: arguments that the student changes are changed,
warnings and printed text appear where the call is made, and an exception arrives as its nearest built-in class with
the student's own frames. What does not cross is code: a proxy equals nothing but itself, and nothing of the student's
runs here.
"""

from __future__ import annotations

import ast
import base64
import builtins
import contextlib
import io
import itertools
import linecache
import re
import socket
import sys
import time
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from grading import sandbox, wire
from grading.shell import OUTPUT_COST

GRACE_SECONDS = 3.0  # for a runner that was told to stop the student's code and has to say so
MAX_TEXT = 10_000
MAX_PRINTED = 500_000  # by all calls of one test cell; half of what a cell shows, whose end has the marks
MAX_REASON = 200
MAX_NAME = 100
MAX_WARNINGS = 20
MAX_FRAMES = 50
OUTPUT_NOTES = 5000  # characters that a cell may show of an error or of what was cut, when nothing is left to show
SHOWN = ("text/plain", "text/html", "text/latex", "image/png", "image/svg+xml")


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
    modules : sequence of str
        What the notebook imports; the process starts with it loaded, though not bound to names.
    """

    def __init__(self, limits: sandbox.Limits, places: Sequence[str] = (), modules: Sequence[str] = ("numpy",)) -> None:
        self.limits = limits
        self._modules = tuple(modules)
        self.problems: list[str] = []
        self._most_copies = 2 * len(places)  # at each place one that is kept, and one that is called
        self._left = limits.seconds
        self._output_left = limits.output_mb * 2**20
        self._labels: set[str] = set()
        self._sources: list[str] = []
        self._seen: dict[str, list[str]] = {}
        self._due: list[str] = []  # snapshots that can wait, and the words that what comes meanwhile must not bind
        self._words: set[str] = set()
        self._done: list[dict[str, Any]] = []
        self._process: Any = None
        self._connection: Any = None
        self._open: list[Any] = []  # all connections
        self._kept: dict[str, Any] = {}  # by place, the process as it was there; after the last cell, it is that one
        self._at_end: list[str] = []

    def __enter__(self) -> StudentProcess:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        for label in self._labels:
            linecache.cache.pop(label, None)

    def run_cell(self, source: str, name: str) -> list[dict[str, Any]]:
        """Run one cell and return its outputs in nbformat's shape, an error output where it could not be run."""
        if not _only_adds_names(source, self._words):
            self._keep()
        self._words |= _words(source)
        label = f"<cell {name}>"
        # Where lines are numbered, IPython has left out the empty ones at the top.
        lines = list(itertools.dropwhile(str.isspace, source.splitlines(keepends=True)))
        self._labels.add(label)
        linecache.cache[label] = (len(source), None, lines, label)
        self._sources.append(source)
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
        size = sum(map(_size, outputs))
        if size > max(self._output_left, 0) + OUTPUT_NOTES:
            outputs = [_error_output(StudentProcessError("the output was too large and was left out"))]
        if self._output_left > 0 >= self._output_left - size:
            self.problems.append(
                f"cell {name}: the notebook shows more than {self.limits.output_mb} MB; the rest was cut"
            )
        self._output_left -= size
        return outputs

    def take_snapshot(self, place: str, reads: Iterable[str] = ()) -> None:
        """Keep the process as it is now under the name `place`.

        A copy costs the process what it shares with it. So none is made before a cell runs that could make a
        difference, to the notebook so far or to `reads`, the names that will be looked up; and then one for all places
        since the last.
        """
        self._due.append(place)
        self._words |= set(reads)
        self._seen[place] = list(self._sources)

    def snapshot(self, place: str, *, shared: bool = False) -> Snapshot:
        """Return the snapshot `place`, once all cells have run.

        Parameters
        ----------
        shared : bool
            Make no copy. What a call changes is then seen at all places between which no cell made a difference, until
            all starts anew.
        """
        self._end_cells()
        connection = self._connection if place in self._at_end else self._kept.get(place)
        if not shared:
            try:
                connection = self._copy(connection)
            except StudentProcessError:
                connection = None
        return Snapshot(connection, self.limits.cell_seconds, self._seen.get(place, []), shared=shared)

    def start_anew(self) -> None:
        """Run all cells again in a new process, which knows nothing of what was called in this one."""
        self._stop()
        self._revive()

    def _keep(self) -> None:
        if not self._due:
            return
        request = {"do": "copy", "places": self._due}
        try:
            self._ask(request)
        except StudentProcessError as error:
            self.problems.append(f"before {self._due[0]}: {error}")
        else:
            self._done.append(request)
        self._due = []

    def _end_cells(self) -> None:
        """Let the process itself, which will run no cell any more, be what is kept for the last places."""
        if self._due:
            try:
                self._check_time()
                if self._process is None:
                    self._restart()
            except StudentProcessError as error:
                self.problems.append(f"before {self._due[0]}: {error}")
            else:
                self._at_end = self._due
            self._due = []
        if self._process is None:  # the last cells ended it, and the snapshots with it
            self._revive()

    def _revive(self) -> None:
        if not self._done:
            return
        try:
            self._restart()
        except StudentProcessError as error:
            self.problems.append(f"before the tests: {error}")
            self._done, self._at_end = [], []

    def _ask(self, request: dict[str, Any]) -> Any:
        self._check_time()
        if self._process is None:
            self._restart()
        return self._exchange(request, min(self.limits.cell_seconds, self._left))

    def _check_time(self) -> None:
        if self._left <= 0:
            raise StudentProcessError(f"the notebook's time, {self.limits.seconds:g} s, was used up")

    def _exchange(self, request: dict[str, Any], seconds: float) -> Any:
        start = time.monotonic()
        try:
            if request["do"] == "copy":
                copy = self._copy(self._connection, seconds)
                self._kept |= dict.fromkeys(request["places"], copy)
                return None
            more = {"seconds": seconds, "output": max(self._output_left, 0)}
            return _exchange(self._connection, more | request, [], seconds)[0]
        except StudentProcessError:
            self._stop()
            raise
        finally:
            self._left -= time.monotonic() - start

    def _copy(self, kept: Any, seconds: float = 0.0) -> Any:
        """Return the connection of a new copy of a process."""
        if kept is None:
            raise StudentProcessError("the notebook's process ended before this test")
        self._process.make_room(len(self._open))
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            with theirs, _in_a_sentence(seconds):
                deadline = time.monotonic() + seconds + GRACE_SECONDS
                wire.send(kept, {"do": "copy"}, [], deadline)
                socket.send_fds(kept, [b"+"], [theirs.fileno()])
                wire.receive(kept, deadline)
                theirs.close()  # so that it is seen if nobody else has it
                wire.receive(ours, deadline)  # "ready"
            undo.pop_all()
        self._open.append(ours)
        return ours

    def _start(self) -> None:
        self._process, self._connection = sandbox.start(self.limits, self._most_copies, self._modules)
        self._open = [self._connection]

    def _restart(self) -> None:
        """Start anew and do again what went well before.

        That is not refused, even if the time is used up by now, but may take no longer than a notebook: cells that were
        fast may be slow when they run again.
        """
        start = time.monotonic()
        self._start()
        self._left -= time.monotonic() - start
        for request in self._done:
            left = start + self.limits.seconds - time.monotonic()
            if left <= 0:
                self._stop()
                raise StudentProcessError("what ran before could not be run again in the notebook's time")
            self._exchange(request, min(self.limits.cell_seconds, left))

    def _stop(self) -> None:
        if self._process is not None:
            for connection in self._open:
                connection.close()
            self._process.end()
            self._process = self._connection = None
            self._open, self._kept = [], {}


class Snapshot:
    """A copy of the student's process, to look names up in and to call; what a test does in it stays in it."""

    def __init__(self, connection: Any, seconds: float, sources: list[str], *, shared: bool = False) -> None:
        self.sources = sources
        self.shows = True  # what the student's code prints, and not only to a check that catches it
        self._connection = connection
        self._shared = shared
        self._seconds = seconds
        self._left = seconds
        self._printable = MAX_PRINTED
        self._proxies: dict[int, Proxy] = {}
        self._ended: str | None = None if connection is not None else "the notebook's process ended before this test"

    @property
    def out_of_time(self) -> bool:
        """Whether the time for the calls of a test was used up."""
        return self._left <= 0

    @property
    def troubled(self) -> bool:
        """Whether it ended or is out of time, so that other tests should not go on with the same process."""
        return self._ended is not None or self.out_of_time

    def close(self) -> None:
        """End it, so that what it holds is there for the next test."""
        if self._connection is not None and not self._shared:
            self._connection.close()
        self._ended = "the test is over"

    def lookup(self, names: Sequence[str]) -> dict[str, Any]:
        """Return those of `names` that the student's notebook defines: plain data by value, the rest as proxies."""
        reply, buffers = self._ask({"do": "names", "names": list(names)})
        try:
            if "failed" in reply:
                raise StudentProcessError(_reason(reply["failed"]))
            found = reply["names"]
            with self._timed():
                return {n: wire.decode(found[n], buffers, partial(self._proxy, name=n)) for n in names if n in found}
        except (wire.WireError, TypeError, KeyError) as error:
            raise StudentProcessError(f"a value cannot be read: {_reason(str(error))}") from error

    def _call(self, proxy: Proxy, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        buffers: list[bytes] = []
        given = [*args, *kwargs.values()]
        request = {
            "do": "call",
            "ref": self._reference(proxy)["id"],
            "args": wire.encode(list(args), buffers, self._reference),
            "kwargs": wire.encode(kwargs, buffers, self._reference),
            "same": [next(i for i, other in enumerate(given) if other is argument) for argument in given],
        }
        reply, out = self._ask(request, buffers)
        return self._answer(reply, out, wire.mutables(given)[1:])

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
                raise StudentProcessError(_reason(reply["failed"]))
            value, changed, error = None, [], None
            with self._timed():
                if reply["error"] is None:
                    value = wire.decode(reply["value"], buffers, self._resolver(given))
                else:
                    error = _rebuilt(reply["error"])
                resolve = self._resolver(given)
                for number, after in reply.get("changed", []):
                    changed.append((given[number], wire.decode(after, buffers, resolve)))
            warned = [
                (_string(text), _nearest(lineage, Warning, UserWarning), *_place(filename, lineno))
                for lineage, text, filename, lineno in reply["warnings"][:MAX_WARNINGS]
            ]
            printed = _string(reply["printed"])[: self._printable]
        except (LookupError, TypeError, ValueError, AttributeError, wire.WireError) as fault:
            said = _reason(str(fault))
            raise StudentProcessError(f"the student's process sent a malformed answer: {said}") from fault
        self._printable -= len(printed)
        if self.shows or isinstance(sys.stdout, io.StringIO):
            print(printed, end="")
        for target, after in changed:
            _assign(target, after)
        for text, category, filename, lineno in warned:
            warnings.warn_explicit(text, category, filename, lineno)
        if error is not None:
            raise error
        return value

    def _ask(self, request: dict[str, Any], buffers: Sequence[bytes] = ()) -> tuple[Any, list[bytes]]:
        if self._ended is not None:
            raise StudentProcessError(self._ended)
        if self._left <= 0:
            raise StudentProcessError(f"the {self._seconds:g} s for the calls of one test cell were used up")
        with self._timed():
            try:
                return _exchange(self._connection, {"seconds": self._left, **request}, list(buffers), self._left)
            except StudentProcessError as error:
                self._ended = str(error)
                self._connection.close()
                raise

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Count what is done in this block to the time of the calls: an answer may be made to take long to read."""
        start = time.monotonic()
        try:
            yield
        finally:
            self._left -= time.monotonic() - start

    def _proxy(self, fields: dict[str, Any], name: str | None = None) -> Proxy:
        """Return the proxy of an object, the same one for the same object."""
        number = fields.get("id")
        if type(number) is not int:
            raise wire.WireError("a reference has no number")
        if name is not None or number not in self._proxies:
            self._proxies[number] = Proxy(self, fields, name)
        return self._proxies[number]

    def _resolver(self, given: Sequence[Any]) -> Callable[[dict[str, Any]], Any]:
        """Return what finds proxies, and, once each, the objects that were given to a call."""
        left = dict(enumerate(given))
        return lambda fields: left.pop(fields["n"]) if fields["t"] == "shared" else self._proxy(fields)

    def _reference(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Proxy) or object.__getattribute__(value, "_owner") is not self:
            raise TypeError(f"a {type(value).__name__} cannot be passed to student code; pass plain data")
        return {"id": object.__getattribute__(value, "_id")}


class Proxy:
    """Stands for a function, class or object of the student's; calls, items, length and attributes cross."""

    def __new__(cls, owner: Snapshot, fields: dict[str, Any], name: str | None) -> Proxy:
        """Make it of a class with the name of the student's, which messages show."""
        made: Proxy = object.__new__(type(_string(fields.get("type"))[:MAX_NAME], (Proxy,), {}))
        return made

    def __init__(self, owner: Snapshot, fields: dict[str, Any], name: str | None) -> None:
        here = {
            "_owner": owner,
            "_id": fields["id"],
            "__name__": name or _string(fields.get("name"))[:MAX_NAME],
            "__qualname__": name or _string(fields.get("qualname"))[:MAX_NAME],
            "student_cells": owner.sources,
        }
        for attribute, value in here.items():
            object.__setattr__(self, attribute, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the student's object with plain data or proxies."""
        return self._owner._call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_repr_", "_ipython_")):  # what Python and IPython look for, and NumPy in arguments
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

    def __deepcopy__(self, memo: Any) -> Proxy:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of the student's notebook>"


def _only_adds_names(source: str, words: set[str]) -> bool:
    """Return whether a cell does no more than bind names that are not among `words`: functions, imports, constants."""
    if len(source) > MAX_TEXT:  # to parse it may take more memory than there is
        return False
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    added: set[str] = set()
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name, decorator_list=[], args=arguments) if _is_constant(
                *arguments.defaults, *filter(None, arguments.kw_defaults)
            ):
                added.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                added |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_constant(value):
                added.add(name)
            case ast.Expr(value=ast.Constant()):  # shown, but bound to what IPython calls it
                if statement is statements[-1]:
                    return False
            case _:
                return False
    return "*" not in added and added.isdisjoint(words)


def _is_constant(*expressions: ast.expr) -> bool:
    allowed = (ast.Constant, ast.UnaryOp, ast.unaryop, ast.Tuple, ast.expr_context)
    return all(isinstance(node, allowed) for expression in expressions for node in ast.walk(expression))


def _words(source: str) -> set[str]:
    """Return all that may be a name in a text, read as Python reads names."""
    return set(re.findall(r"\w+", unicodedata.normalize("NFKC", source)))


def _rebuilt(error: Any) -> BaseException:
    """Return an exception of the nearest built-in class, under the student's class name, with the student's frames."""
    lineage = [_string(name)[:MAX_NAME] for name in error["lineage"]]
    text = _string(error["text"])
    name = lineage[0] if lineage else "Exception"
    # Some built-in classes want more than a text, and KeyError quotes the one it gets.
    here = {
        "__init__": lambda self, *_: None,
        "__str__": lambda self: text,
        # A notebook shows it as it stands here: a traceback would quote the test cell, hidden lines included.
        "_render_traceback_": lambda self: f"{name}: {text}".splitlines(),
    }
    base = _nearest(lineage, Exception, Exception)
    if issubclass(base, BaseExceptionGroup):  # cannot be made without exceptions to hold
        base = Exception
    rebuilt: BaseException = type(name, (base,), here)()
    rebuilt.student_frames = [  # type: ignore[attr-defined]
        traceback.FrameSummary(*_place(filename, lineno), _string(function)[:MAX_NAME])
        for filename, lineno, function in error["frames"][:MAX_FRAMES]
    ]
    return rebuilt


def _place(filename: Any, lineno: Any) -> tuple[str, int]:
    """Return a line of the student's notebook, and no other: whoever shows it looks the file up, on this side."""
    if type(lineno) is not int or lineno not in range(10**6):
        raise wire.WireError("a line has no number")
    filename = _string(filename)
    return (filename if filename.startswith("<cell ") and filename in linecache.cache else "<library>"), lineno


def _nearest(lineage: Sequence[Any], root: type, default: type) -> Any:
    """Return the first class of a lineage of names that is built in and below `root`."""
    for name in lineage:
        found = getattr(builtins, _string(name), None)
        if isinstance(found, type) and issubclass(found, root):
            return found
    return default


def _assign(target: Any, after: Any) -> None:
    """Change an argument, or an array, list or dict inside one, as the student's code changed its copy."""
    if isinstance(target, np.ndarray) and isinstance(after, np.ndarray):
        if target.shape == after.shape and target.dtype == after.dtype and target.flags.writeable:
            target[...] = after
    elif isinstance(target, list) and isinstance(after, list):
        target[:] = after
    elif isinstance(target, dict) and isinstance(after, dict):
        target.clear()
        target.update(after)


def _outputs(outputs: Any) -> list[dict[str, Any]]:
    """Keep of a cell's outputs what nbformat knows, with the types that it wants."""
    if isinstance(outputs, dict) and isinstance(outputs.get("failed"), str):
        raise StudentProcessError(_reason(outputs["failed"]))
    try:
        return [_output(output) for output in outputs]
    except (TypeError, wire.WireError) as error:
        raise StudentProcessError("a cell's outputs are malformed") from error


def _output(output: Any) -> dict[str, Any]:
    match output:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": text}:
            return {"output_type": "stream", "name": name, "text": _unicode(text)}
        case {"output_type": "error", "ename": name, "evalue": text, "traceback": lines}:
            shown = {"ename": _string(name), "evalue": _string(text), "traceback": [_unicode(line) for line in lines]}
            return {"output_type": "error", **shown}
        case {"output_type": "execute_result" | "display_data" as kind, "data": dict(data)}:
            kept = {mime: _unicode(data[mime]) for mime in SHOWN if isinstance(data.get(mime), str)}
            if not _is_base64(kept.get("image/png", "")):  # a page would hold whatever stands there
                del kept["image/png"]
            more = {"execution_count": None} if kind == "execute_result" else {}
            return {"output_type": kind, "data": kept, "metadata": {}, **more}
        case _:
            raise wire.WireError("a cell's output is malformed")


def _size(output: dict[str, Any]) -> int:
    """Return how many characters an output shows, and some for itself and each of its lines: a million empty ones."""
    texts = [*output.get("data", {}).values(), *output.get("traceback", [])]
    shown = sum(len(output.get(field, "")) for field in ("text", "ename", "evalue"))
    return OUTPUT_COST + shown + sum(len(text) + 1 for text in texts)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("\n", ""), validate=True)
    except ValueError:
        return False
    return True


def _exchange(connection: Any, request: Any, buffers: list[bytes], seconds: float) -> tuple[Any, list[bytes]]:
    """Send a request and wait for its reply."""
    deadline = time.monotonic() + seconds + GRACE_SECONDS
    with _in_a_sentence(seconds):
        wire.send(connection, request, buffers, deadline)
        return wire.receive(connection, deadline)


@contextlib.contextmanager
def _in_a_sentence(seconds: float) -> Iterator[None]:
    """Say what may go wrong between two processes."""
    try:
        yield
    except TimeoutError as error:
        raise StudentProcessError(f"no answer within {seconds:.3g} s") from error
    except (wire.Disconnected, OSError) as error:
        raise StudentProcessError("the notebook's process ended (exit, crash or memory limit)") from error
    except wire.WireError as error:
        raise StudentProcessError(f"the notebook's process cannot be understood: {error}") from error


def _error_output(error: Exception) -> dict[str, Any]:
    line = f"{type(error).__name__}: {error}"
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": [line]}


def _string(value: Any) -> str:
    """Return a text of the student's for messages and notebooks."""
    return _unicode(value[:MAX_TEXT] if isinstance(value, str) else value)


def _reason(value: Any) -> str:
    """Return the student's text for an instructor's terminal: one short line without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in _string(value)[:MAX_REASON])


def _unicode(value: Any) -> str:
    """Return a text that a file can hold: half of a surrogate pair cannot be written."""
    if not isinstance(value, str):
        raise wire.WireError("a text is not a text")
    return value.encode("utf-8", "replace").decode()
