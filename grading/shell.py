"""Runs notebook cells as IPython would and records what a notebook would show."""

from __future__ import annotations

import ast
import atexit
import base64
import functools
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Instance
from traitlets.config import Config

Output = dict[str, Any]
OUTPUT_COST = 100  # characters that an output counts for beside what it shows
MAX_MESSAGE = 1000  # of an error whose traceback is left out


class RecordingShell:
    r"""An IPython shell whose cells return their outputs in nbformat's shape; a context manager.

    Parameters
    ----------
    max_output : int
        Bytes of text that one cell may show; what is beyond is cut, and a line says so.
    keep_compiled : bool
        The same cells will be run for many submissions, and need none of what IPython does around a cell of Python:
        their code is kept for as long as the process lives, and run as it is.

    Examples
    --------
    >>> with RecordingShell() as shell:
    ...     shell.run("print('seen')\n1 + 1", label="<cell example>")
    [{'output_type': 'stream', 'name': 'stdout', 'text': 'seen\n'},
     {'output_type': 'execute_result', 'execution_count': 1, 'metadata': {}, 'data': {'text/plain': '2'}}]
    """

    def __init__(self, max_output: int = 10**6, *, keep_compiled: bool = False) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self._home = tempfile.TemporaryDirectory(prefix="ipython-")
        with _not_the_current_shell():
            self._shell = _Shell(config=config, ipython_dir=self._home.name)
        self._keep_compiled = keep_compiled
        self._first_namespaces = [(names, dict(names)) for names in (self._shell.user_ns, self._shell.user_ns_hidden)]
        self.max_output = max_output

    def __enter__(self) -> RecordingShell:
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self._shell.atexit_operations)  # it would keep the shell for as long as the process lives
        self._home.cleanup()

    @property
    def namespace(self) -> dict[str, Any]:
        """The names that cells see."""
        names: dict[str, Any] = self._shell.user_ns
        return names

    def reset(self) -> None:
        """Forget all names that cells have bound, and what they returned."""
        for names, first in self._first_namespaces:
            names.clear()
            names.update(first)
        self.namespace["_oh"].clear()
        del self.namespace["_ih"][1:]
        self._shell.execution_count = 1
        hook = self._shell.displayhook
        hook._ = hook.__ = hook.___ = ""

    def run(self, source: str, label: str) -> list[Output]:
        """Run one cell; `label` is the file name that its tracebacks and warnings carry."""
        recorder = _Recorder(self.max_output)
        self._shell.begin(recorder, label)
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(recorder, "stdout"), _Stream(recorder, "stderr")
        try:
            with self.current():
                if self._keep_compiled and (code := _compiled(source, label)):
                    self._execute(code)
                else:
                    self._shell.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = streams
        recorder.end_stream()
        return recorder.outputs

    def _execute(self, code: tuple[types.CodeType, ...]) -> None:
        shell = self._shell
        with shell.builtin_trap, shell.display_trap:
            try:
                for part in code:
                    exec(part, self.namespace)
            except BaseException:  # as IPython does
                shell.showtraceback(running_compiled_code=True)
            shell.events.trigger("post_execute")  # figures are shown, and closed

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make this the shell that `get_ipython` and `display` find."""
        with _not_the_current_shell():
            InteractiveShell._instance = self._shell
            yield


@contextmanager
def _not_the_current_shell() -> Iterator[None]:
    """Put back whatever shell was current: grading may be called from a notebook."""
    before = InteractiveShell._instance
    try:
        yield
    finally:
        InteractiveShell._instance = before


class _Recorder:
    """Collects outputs in order, joining neighbouring text of one stream as notebooks do."""

    def __init__(self, max_output: int) -> None:
        self.outputs: list[Output] = []
        self.left = max_output
        self._parts: list[str] = []  # of the stream that is last; added one by one, a flood would take quadratic time

    def text(self, name: str, text: str) -> None:
        if self.left <= 0 or not text:
            return
        if len(text) > self.left:
            text = text[: self.left] + "\n(the rest of the output was cut)\n"
            self.left = 0
        self.left -= len(text)
        if not self._parts or self.outputs[-1]["name"] != name:
            self.end_stream()
            self.left -= OUTPUT_COST
            self.outputs.append({"output_type": "stream", "name": name, "text": ""})
        self._parts.append(text)

    def end_stream(self) -> None:
        if self._parts:
            self.outputs[-1]["text"] = "".join(self._parts)
            self._parts = []

    def clear(self) -> None:
        self.outputs.clear()
        self._parts = []

    def data(self, output_type: str, data: dict[str, Any], metadata: dict[str, Any], **more: Any) -> None:
        data = {mime: _text(content) for mime, content in data.items()}
        size = OUTPUT_COST + sum(len(str(content)) for content in data.values())
        if size > self.left:
            self.text("stderr", "(an output was too large and was left out)\n")
            return
        self.left -= size
        self.end_stream()
        self.outputs.append({"output_type": output_type, **more, "metadata": metadata, "data": data})

    def error(self, name: str, text: str, lines: list[str]) -> None:
        if len(text) + sum(map(len, lines)) > self.left:
            text, lines = text[:MAX_MESSAGE], [f"{name}: {text[:MAX_MESSAGE]}"]
        self.left -= len(text) + sum(map(len, lines))
        self.end_stream()
        self.outputs.append({"output_type": "error", "ename": name, "evalue": text, "traceback": lines})


def _text(content: Any) -> Any:
    return base64.b64encode(content).decode("ascii") if isinstance(content, bytes) else content


class _Stream:
    encoding = "utf-8"
    errors = "strict"

    def __init__(self, recorder: _Recorder, name: str) -> None:
        self._recorder = recorder
        self.name = name

    def write(self, text: str) -> int:
        self._recorder.text(self.name, str(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        """Do nothing: what logs may close what it was given."""

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False


class _DisplayHook(DisplayHook):  # type: ignore[misc]
    @staticmethod
    def semicolon_at_end_of_expression(expression: str) -> bool:
        """Return whether a cell ends with a semicolon; IPython takes the whole of it apart to learn that."""
        return ";" in expression and bool(DisplayHook.semicolon_at_end_of_expression(expression))

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self.shell.recorder.data("execute_result", format_dict, md_dict or {}, execution_count=self.prompt_count)

    def log_output(self, format_dict: dict[str, Any]) -> None:
        pass


class _DisplayPublisher(DisplayPublisher):  # type: ignore[misc]
    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **_: Any) -> None:
        self.shell.recorder.data("display_data", data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:
        self.shell.recorder.clear()


class _Compiler(CachingCompiler):  # type: ignore[misc]
    label = "<cell>"

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return self.label


class _Transformer(TransformerManager):  # type: ignore[misc]
    """Leaves what is Python already as it is; IPython takes a cell apart to find that there is nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self._usual = list(self.token_transformers)

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        if self.token_transformers == self._usual:
            with suppress(SyntaxError, ValueError, MemoryError, RecursionError), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they come again when the cell is compiled
                ast.parse("".join(lines))
                return lines
        transformed: list[str] = super().do_token_transforms(lines)
        return transformed


class _Shell(InteractiveShell):  # type: ignore[misc]
    compiler_class = _Compiler
    recorder = _Recorder(0)
    input_transformer_manager = Instance(_Transformer, ())

    def init_display_pub(self) -> None:
        self.display_pub = _DisplayPublisher(parent=self, shell=self)

    def init_displayhook(self) -> None:
        self.displayhook_class = _DisplayHook
        super().init_displayhook()

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: `%matplotlib inline` asks for it, and there is no screen."""

    def begin(self, recorder: _Recorder, label: str) -> None:
        self.recorder = recorder
        self.compile.label = label

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        try:
            text = str(evalue)
        except Exception:
            text = "(its message could not be shown)"
        self.recorder.error(etype.__name__, text, list(stb))


@functools.lru_cache(maxsize=1024)
def _compiled(source: str, label: str) -> tuple[types.CodeType, ...] | None:
    """Return the code of a cell, its last expression, to be shown, by itself; None where it is not plain Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    shown = tree.body[-1:] if tree.body and isinstance(tree.body[-1], ast.Expr) else []
    tree.body = tree.body[: len(tree.body) - len(shown)]
    return compile(tree, label, "exec"), compile(ast.Interactive(shown), label, "single")
