"""Elementwise functions on data too large to hold: arrays in blocks, files larger than memory, tables, dask.

An elementwise function needs one element at a time, so nothing forces the whole of its input into memory. What differs
is where the data lie:

- :func:`apply_blocked`, in memory: no temporaries larger than a block;
- :func:`apply_to_file`, in a .npy file: a few blocks of memory whatever the size, and a run that was killed goes on;
- :func:`apply_to_csv`, in the columns of a table: rows come and go;
- :func:`apply_to_dask`, in a dask array: on as many cores or machines as dask has.

Files are read and written block by block, not mapped: a mapped page that was touched counts as resident memory until
the system takes it back, and a full disk under a mapping is a signal (SIGBUS) and no error.

A target appears under its final name only when it is whole, and a run that fails changes neither the source nor what
was there before. What goes wrong raises a :class:`StreamingError`, which is also the built-in error that one expects.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import errno
import hashlib
import io
import json
import math
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

try:
    import fcntl
except ImportError:  # Windows: two processes that write one target there are not kept apart
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import dask.array

__all__ = [
    "BusyError",
    "CsvError",
    "DaskMissingError",
    "DiskFullError",
    "DtypeError",
    "FortranOrderError",
    "NotNpyError",
    "OverlapError",
    "ResultError",
    "ResumeError",
    "SameFileError",
    "SourceChangedError",
    "SourceMissingError",
    "StreamingError",
    "TargetExistsError",
    "TargetFolderError",
    "TargetNotWritableError",
    "TruncatedError",
    "apply_blocked",
    "apply_to_csv",
    "apply_to_dask",
    "apply_to_file",
]

Function: TypeAlias = Callable[[Any], Any]
StrPath: TypeAlias = str | os.PathLike[str]


class StreamingError(Exception):
    """Something that this module refuses, or that stopped it; the message says what to do."""


class SourceMissingError(StreamingError, FileNotFoundError):
    """The source does not exist."""


class NotNpyError(StreamingError, ValueError):
    """The source is not a .npy file, or its header is damaged."""


class TruncatedError(StreamingError, ValueError):
    """The source is shorter than its header says."""


class DtypeError(StreamingError, TypeError):
    """The source holds something other than real numbers of at most 64 bits."""


class FortranOrderError(StreamingError, ValueError):
    """The source is stored column by column."""


class SameFileError(StreamingError, ValueError):
    """Source and target are one file, perhaps through a link."""


class SourceChangedError(StreamingError, RuntimeError):
    """The source is not what it was when the run began."""


class TargetExistsError(StreamingError, FileExistsError):
    """There is a file under the target's name."""


class TargetFolderError(StreamingError, FileNotFoundError):
    """The folder that the target is to be written into does not exist."""


class TargetNotWritableError(StreamingError, PermissionError):
    """The target is a folder, or lies in one that cannot be written into."""


class DiskFullError(StreamingError, OSError):
    """No space is left for the target, or the quota is used up."""


class BusyError(StreamingError, BlockingIOError):
    """Another process is writing the same target."""


class ResumeError(StreamingError, ValueError):
    """What an earlier run left behind does not belong to this call."""


class ResultError(StreamingError, ValueError):
    """The function's result does not have the shape of its argument, or not the dtype of its earlier results."""


class OverlapError(StreamingError, ValueError):
    """`out` lies in the memory of `x` without being `x`."""


class CsvError(StreamingError, ValueError):
    """The source is not a table of the form expected, or a cell is no number; says the line."""


class DaskMissingError(StreamingError, ModuleNotFoundError):
    """Dask is not installed."""


def apply_blocked(
    function: Function, x: ArrayLike, *, out: NDArray[Any] | None = None, block: int = 65_536
) -> NDArray[Any]:
    """Apply an elementwise function block by block, so that its temporaries stay small.

    A formula such as ``1 / (1 + np.exp(-x))`` makes arrays of the size of `x` on its way. In blocks they fit into the
    processor's cache, and the only array that grows with `x` is the result.

    Parameters
    ----------
    function : callable
        Elementwise: array in, array of the same shape out. It is given one-dimensional arrays of at most `block`
        elements and of the dtype of `x`; they may be parts of `x`, so it must not write into them.
    x : array_like, any shape, strides and order
        The input. A masked array loses its mask.
    out : numpy.ndarray, same shape as `x`, dtype of the result, optional
        Written and returned instead of a new array. May be `x` itself.
    block : int
        Elements a block.

    Returns
    -------
    numpy.ndarray, shape of `x`
        Of the dtype of the function's result on the first block.

    Raises
    ------
    ResultError
        The function returned something of another shape, or of another dtype than before. Earlier blocks of `out` have
        been written by then.
    OverlapError
        `out` shares memory with `x`, but not element by element.
    TypeError
        `out` is not a NumPy array.
    ValueError
        `out` has another shape or dtype or is read-only, or `block` is below 1.

    Examples
    --------
    >>> from course_lib.measure import peak_memory
    >>> x = np.linspace(-8, 8, 1_000_000)
    >>> def sigmoid(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> bool((apply_blocked(sigmoid, x) == sigmoid(x)).all())
    True
    >>> round(peak_memory(lambda: sigmoid(x)) / x.nbytes, 1)
    2.0
    >>> round(peak_memory(lambda: apply_blocked(sigmoid, x, out=x)) / x.nbytes, 1)  # in place
    0.1
    """
    if block < 1:
        raise ValueError(f"block must be at least 1 element, not {block}")
    array = np.asarray(x)
    if out is not None:
        _check_out(out, array)
    if array.flags.fnc and (out is None or out.flags.fnc):
        return apply_blocked(function, array.T, out=None if out is None else out.T, block=block).T
    flat = array.flags.c_contiguous and (out is None or out.flags.c_contiguous)
    result = out
    for part in _parts((array.size,) if flat else array.shape, block):
        piece = (array.reshape(-1) if flat else array)[part]
        values = _evaluate(function, piece.reshape(-1), None if result is None else result.dtype)
        if result is None:
            result = np.empty_like(array, values.dtype, subok=False)
        (result.reshape(-1) if flat else result)[part] = values.reshape(piece.shape)
        del values  # or it would still be there while the next block is computed
    assert result is not None  # there is at least one part
    return result


def apply_to_file(
    function: Function,
    source: StrPath,
    target: StrPath,
    *,
    block_bytes: int = 8 << 20,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Apply an elementwise function to an array in a .npy file, in little memory, and resume where a run was killed.

    The result is written to ``<target>.partial``, and how much of it is safely on the disk is noted in
    ``<target>.partial.json``, the journal. When all is there the file gets its final name. If the run is interrupted,
    the same call goes on after the last block in the journal. After an exception or Ctrl-C that is the last block
    finished; after a kill -9 or a power cut, the work of the last quarter of a second or so is done again.

    Parameters
    ----------
    function : callable
        Elementwise: array in, array of the same shape out. It is given one-dimensional arrays: first up to 64 elements
        from all over the source, which show the dtype of the result and, on resuming, whether it is still the same
        function; then the blocks, in pieces of at most 32,768 elements.
    source : path
        A .npy file of float16, float32 or float64, in either byte order, or of integers or booleans, which the
        function gets as float64.
    target : path
        Where the result goes, in C order, in the shape of the source. A link is followed.
    block_bytes : int
        Size of a block of the source, in bytes. After each one it is looked whether it is time to record what is done.
    overwrite : bool
        Replace a target that exists. It stays as it is until the new one is whole.
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    pathlib.Path
        The target.

    Raises
    ------
    SourceMissingError, NotNpyError, TruncatedError, DtypeError, FortranOrderError
        What the source may be wrong with.
    TargetExistsError, TargetFolderError, TargetNotWritableError, SameFileError
        What the target may be wrong with.
    DiskFullError
        Blocks that are finished are kept: make room, and call again.
    SourceChangedError, ResumeError
        The source, or the function, is not what the run began with, so that the result would be of two kinds.
    BusyError
        Another process is writing this target.
    ResultError
        The function changes the shape, or its results change their dtype.
    KeyboardInterrupt
        Ctrl-C. The message says how far the run came.
    ValueError
        `block_bytes` is below 1.

    Notes
    -----
    A block is recorded only after the system has said that its data are on the disk (fdatasync), and the new journal is
    forced to the disk before it replaces the earlier one. Both happen in a second thread while the next blocks are
    computed. Room for the whole result is reserved first where the file system can do that, so a disk that is too full
    shows at the beginning.

    The size and the time of modification tell whether the source has changed. A function is taken for the same if its
    name is the same and so are its results on the 64 elements, to the byte.

    What follows the array in the source, such as a second array saved into the same file, is ignored, as `numpy.load`
    does.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from course_lib.activations import sigmoid
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/logits.npy", np.linspace(-4, 4, 5))
    ...     path = apply_to_file(sigmoid, f"{folder}/logits.npy", f"{folder}/p.npy", progress=False)
    ...     np.load(path).round(3)
    array([0.018, 0.119, 0.5  , 0.881, 0.982])
    """
    if block_bytes < 1:
        raise ValueError(f"block_bytes must be at least 1, not {block_bytes}")
    source, asked = Path(source), Path(target)
    with _open_source(source) as file:
        array = _NpySource(file, source)
        final = _resolve_target(source, asked)
        run = _Run(function, array, final)
        if run.ended_but_for_its_journal():
            run.journal.unlink()
            return asked
        _refuse_existing(final, overwrite)
        with _naming_disk_troubles(final), run.claimed() as partial:
            run.transform(partial, max(1, block_bytes // array.dtype.itemsize), progress)
            array.check_unchanged()
            _refuse_existing(final, overwrite)  # it may have appeared meanwhile
            run.publish(partial)
    return asked


def apply_to_csv(
    function: Function,
    source: StrPath,
    target: StrPath,
    *,
    columns: Sequence[str] | None = None,
    rows: int = 10_000,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    r"""Apply an elementwise function to columns of a CSV file, some rows at a time.

    Parameters
    ----------
    function : callable
        Elementwise: array in, array of the same shape out. It is given one-dimensional arrays of float64, the chosen
        cells of up to `rows` rows.
    source : path
        A comma-separated file in UTF-8 whose first line names the columns. Quotes, commas and line breaks in quoted
        cells are as in RFC 4180.
    target : path
        Where the table goes, with the same header. Cells of the other columns are the same text. A number is written
        with as few digits as give exactly the same number when read again.
    columns : sequence of str, optional
        The columns to compute; by default all of them.
    rows : int
        Rows in memory at a time.
    overwrite : bool
        Replace a target that exists. It stays as it is until the new one is whole.
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    pathlib.Path
        The target.

    Raises
    ------
    CsvError
        The file is empty or not UTF-8, a column is missing or occurs twice, a row has another number of cells than the
        header, or a cell in a chosen column is no number. Write a missing value as ``nan``.
    SourceMissingError, SourceChangedError, SameFileError, ResultError, DiskFullError
        As in :func:`apply_to_file`.
    TargetExistsError, TargetFolderError, TargetNotWritableError
        As in :func:`apply_to_file`.
    ValueError
        `rows` is below 1.
    TypeError
        `columns` is a single name instead of a list.

    Notes
    -----
    The rows go into a file beside the target whose name ends in ``.partial``. It is deleted when anything goes wrong,
    except for a kill -9, after which it stays. Tables are not resumed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from course_lib.activations import sigmoid
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "logits.csv").write_text("name,logit\nfirst,0\nsecond,1000\n")
    ...     path = apply_to_csv(sigmoid, f"{folder}/logits.csv", f"{folder}/p.csv", columns=["logit"], progress=False)
    ...     print(path.read_text())
    name,logit
    first,0.5
    second,1.0
    <BLANKLINE>
    """
    if rows < 1:
        raise ValueError(f"rows must be at least 1, not {rows}")
    source, asked = Path(source), Path(target)
    if isinstance(columns, str):
        raise TypeError(f"columns must be a list of names: [{columns!r}]")
    source, asked = Path(source), Path(target)
    with _open_source(source) as file:
        began = os.fstat(file.fileno())
        final = _resolve_target(source, asked)
        _refuse_existing(final, overwrite)
        partial = final.with_name(f"{final.name}.{secrets.token_hex(4)}.partial")
        with _naming_disk_troubles(final):
            try:
                with partial.open("xb") as written, _bar(asked.name, began.st_size, 0, progress) as advance:
                    _transform_table(function, file, source, written, columns, rows, advance)
                    os.fsync(written.fileno())
                _check_unchanged(file, source, began)
                _refuse_existing(final, overwrite)
                os.replace(partial, final)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            _sync_folder(final.parent)
    return asked


def apply_to_dask(function: Function, x: dask.array.Array) -> dask.array.Array:
    """Apply an elementwise function to every chunk of a dask array, lazily.

    Nothing is computed until the result is asked for. Chunks are then computed on as many cores, or with
    dask.distributed on as many machines, as there are.

    Parameters
    ----------
    function : callable
        Elementwise: array in, array of the same shape out. It is given the chunks, in their shape; and once, at once,
        an array without elements that shows the dtype of the result.
    x : dask.array.Array, any shape and chunks
        The input.

    Returns
    -------
    dask.array.Array, shape and chunks of `x`
        The result to be.

    Raises
    ------
    DaskMissingError
        dask is not installed.
    TypeError
        `x` is not a dask array.
    ResultError
        The function changes the shape: at once, or, where only larger chunks show it, when the result is computed.

    Examples
    --------
    >>> import dask.array
    >>> from course_lib.activations import sigmoid
    >>> x = dask.array.linspace(-4, 4, 5, chunks=2)
    >>> p = apply_to_dask(sigmoid, x)
    >>> p
    dask.array<apply_to_chunk, shape=(5,), dtype=float64, chunksize=(2,), chunktype=numpy.ndarray>
    >>> p.compute().round(3)
    array([0.018, 0.119, 0.5  , 0.881, 0.982])
    """
    try:
        import dask.array
        from dask.array.utils import meta_from_array
    except ModuleNotFoundError as error:
        raise DaskMissingError(
            f"apply_to_dask needs dask, and {error.name} is not installed: pip install 'dask[array]' (or this course "
            "with its extra: pip install 'sigmoid-course[scale]')"
        ) from error
    if not isinstance(x, dask.array.Array):
        raise TypeError(
            f"x must be a dask array, not {type(x).__name__}: wrap it with dask.array.from_array, or use apply_blocked"
        )

    def apply_to_chunk(chunk: Any) -> Any:
        values = function(chunk)
        if getattr(values, "shape", None) != chunk.shape:
            raise ResultError(_wrong_shape(function, values, chunk.shape))
        return values

    meta = apply_to_chunk(meta_from_array(x))
    return x.map_blocks(apply_to_chunk, dtype=meta.dtype, meta=meta)


# Arrays in memory


def _parts(shape: tuple[int, ...], block: int) -> Iterator[tuple[Any, ...]]:
    """Cover an array with indices of at most `block` elements each, in C order; with one if it has no elements."""
    inner = math.prod(shape[1:])
    if not shape or math.prod(shape) <= block:
        yield (...,)
    elif inner <= block:
        rows = block // inner
        for start in range(0, shape[0], rows):
            yield (slice(start, start + rows),)
    else:
        for index in range(shape[0]):
            for rest in _parts(shape[1:], block):
                yield (slice(index, index + 1), *rest)


def _check_out(out: Any, x: NDArray[Any]) -> None:
    """Refuse an `out` that cannot take the result, or that would be overwritten before it is read."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, not {type(out).__name__}")
    if out.shape != x.shape:
        raise ValueError(f"out has shape {out.shape}, but x has shape {x.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")

    def place(a: NDArray[Any]) -> tuple[Any, ...]:
        return a.__array_interface__["data"][0], a.strides, a.itemsize

    if place(out) != place(x):
        try:
            overlap = np.shares_memory(out, x, max_work=10_000)  # type: ignore[arg-type]  # any int, says its text
        except np.exceptions.TooHardError:
            overlap = True
        if overlap:
            raise OverlapError("out shares memory with x, but is not x: pass out=x, or an array of its own")


def _evaluate(function: Function, x: NDArray[Any], dtype: np.dtype[Any] | None) -> NDArray[Any]:
    """Call the function on a block and check what comes back; `dtype` is what it has to be, if that is known."""
    values = np.asarray(function(x))
    if values.shape != x.shape:
        raise ResultError(_wrong_shape(function, values, x.shape))
    if dtype is not None and values.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise ResultError(
            f"{_name(function)} returned {values.dtype}, but the result is to be {dtype}: the dtype of a result must "
            "not depend on the values, and that of out must be the same"
        )
    return values


def _wrong_shape(function: Function, values: Any, shape: tuple[int, ...]) -> str:
    got = f"shape {values.shape}" if hasattr(values, "shape") else type(values).__name__
    return (
        f"{_name(function)} made {got} of a block of shape {shape}: it must be elementwise, "
        "an array of the same shape out"
    )


def _name(function: Function) -> str:
    """Name a function as people do; a partial or an object by its class."""
    return str(getattr(function, "__qualname__", None) or getattr(function, "__name__", type(function).__name__))


# Files, read

# Elements that are read, computed and written at a time: 256 KiB of float64 stay in the second-level cache from the one
# to the other. With 8 MiB the whole took twice the processor's time, most of it in the write.
_PIECE = 32_768

# Seconds between two records. At most so much work, and what one record takes, is done again after a kill -9; recording
# without a pause took a third more of the processor's time.
_PAUSE = 0.25


def _open_source(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise SourceMissingError(f"there is no file {path}; relative paths start from {Path.cwd()}") from error


def _check_unchanged(file: BinaryIO, path: Path, began: os.stat_result) -> None:
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (began.st_size, began.st_mtime_ns):
        raise SourceChangedError(f"{path} was written to while it was read, so the result would mix two versions")


class _NpySource:
    """The array in a .npy file: its header, checked, and its elements, in any range."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path = file, path
        self.began = os.fstat(file.fileno())
        self.shape, fortran, self.dtype = self._read_header()
        self.offset = file.tell()
        self.size = math.prod(self.shape)
        if self.dtype.kind not in "biuf" or self.dtype.itemsize > 8:
            remedy = {
                "c": "take the real part, or whichever is meant, first",
                "f": "round to float64 first",
                "V": "save one field at a time",
            }.get(self.dtype.kind, "convert to float64 first")
            raise DtypeError(
                f"{path} holds {self.dtype}, and must hold booleans, integers, float16, float32 or float64: {remedy}"
            )
        if fortran and len(self.shape) > 1:
            raise FortranOrderError(
                f"{path} is in Fortran order, column by column; only C order is transformed: save "
                "numpy.ascontiguousarray(x), or save x.T and transpose the result"
            )
        needed = self.offset + self.size * self.dtype.itemsize
        if self.began.st_size < needed:
            raise TruncatedError(
                f"{path} is truncated: {self.size:,} elements of {self.dtype} need {needed:,} bytes, and it has "
                f"{self.began.st_size:,}; copy or write it again"
            )

    def _read_header(self) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        """Read a header of version 1, 2 or 3 of the format."""
        try:
            version = np.lib.format.read_magic(self.file)
            # Version 3 is 2 with any Unicode in the names of fields, and arrays with fields are refused anyway.
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(self.file)
            if min(shape, default=0) < 0:
                raise ValueError(f"the shape is {shape}")
        except (ValueError, SyntaxError, TypeError, EOFError) as error:
            raise NotNpyError(
                f"{self.path} is not a .npy file, or its header is damaged: write it with numpy.save ({error})"
            ) from error
        return shape, fortran, dtype

    def read(self, start: int, values: NDArray[Any]) -> NDArray[Any]:
        """Fill `values`; return them as the function gets them: floating, in the machine's byte order."""
        self.file.seek(self.offset + start * self.dtype.itemsize)
        if self.file.readinto(values.view(np.uint8)) < values.nbytes:  # type: ignore[attr-defined]
            raise SourceChangedError(f"{self.path} has become shorter since it was opened")
        return self.as_floating(values)

    def as_floating(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.astype(np.float64 if self.dtype.kind != "f" else self.dtype.newbyteorder("="), copy=False)

    def check_unchanged(self) -> None:
        """Raise if the file was written to since it was opened."""
        _check_unchanged(self.file, self.path, self.began)


# Files, written


def _resolve_target(source: Path, target: Path) -> Path:
    """Return where the target really is, behind links; refuse one that cannot be written or is the source."""
    final = target.resolve()
    if not final.parent.is_dir():
        raise TargetFolderError(f"there is no folder {final.parent} to write {target.name} into: make it first")
    for path in (final, *_companions(final)):
        if path.exists() and os.path.samefile(source, path):
            raise SameFileError(f"writing {target} would overwrite the source {source}: choose another target")
    if final.exists() and not final.is_file():
        raise TargetNotWritableError(f"{final} is there and not a file: give the target a name of its own")
    return final


def _companions(final: Path) -> tuple[Path, Path, Path]:
    """Where an unfinished result lies, the journal of how far it is, and the journal's next version."""
    names = (f"{final.name}.partial", f"{final.name}.partial.json", f"{final.name}.partial.json.new")
    partial, journal, new_journal = (final.with_name(name) for name in names)
    return partial, journal, new_journal


def _refuse_existing(final: Path, overwrite: bool) -> None:
    if final.exists() and not overwrite:
        raise TargetExistsError(
            f"{final} exists: pass overwrite=True to have it replaced once the new one is whole, or choose another"
        )


@contextlib.contextmanager
def _naming_disk_troubles(final: Path) -> Iterator[None]:
    """Turn the system's error numbers into errors of this module."""
    try:
        yield
    except StreamingError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            full = DiskFullError(
                f"{final.parent} has no room left for {final.name} ({error.strerror}). Nothing was lost: make room, "
                "and call again"
            )
            full.errno = error.errno
            raise full from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise TargetNotWritableError(
                f"{final.parent} cannot be written into ({error.strerror}): choose another folder"
            ) from error
        raise


def _allocate(file: IO[Any], size: int) -> None:
    """Reserve the room for a file, where the system can: a full disk shows at once, and writing takes less time."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # this file system cannot
                raise


def _sync(file: IO[Any]) -> None:
    """Wait until what was written to the file is on the disk."""
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _bar(title: str, total: int, done: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error; yields what to call with the number of bytes that have been done since."""
    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda count: bar.advance(task, count)


class _Run:
    """The transformation of a file: what identifies it, the unfinished result, and the journal of how far that is."""

    def __init__(self, function: Function, source: _NpySource, final: Path) -> None:
        self.function, self.source, self.final = function, source, final
        self.partial, self.journal, self.new_journal = _companions(final)
        places = range(0, source.size, max(1, -(-source.size // 64)))
        sample = np.empty(len(places), source.dtype)
        for i, place in enumerate(places):
            source.read(place, sample[i : i + 1])
        values = _evaluate(function, source.as_floating(sample), None)
        self.dtype = values.dtype
        if self.dtype.kind not in "biufc":
            raise ResultError(f"{_name(function)} returned {self.dtype}, which is not a number that a file could hold")
        header = io.BytesIO()
        descr = np.lib.format.dtype_to_descr(self.dtype)
        np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": source.shape})
        self.header = header.getvalue()
        # What has to be the same for a run to be resumed. The source may have been moved.
        self.identity: dict[str, Any] = {
            "source_bytes": source.began.st_size,
            "source_modified_ns": source.began.st_mtime_ns,
            "shape": list(source.shape),
            "function": _name(function),
            "dtype": self.dtype.str,
            "sample": hashlib.sha256(values.tobytes()).hexdigest(),
        }
        self.finished = self.recorded = 0  # elements
        self.sync_failed = False

    def ended_but_for_its_journal(self) -> bool:
        """Tell whether an earlier run of this call was killed between giving the result its name and tidying up."""
        if self.partial.exists() or not self.final.exists():
            return False
        left, found = self._read_journal(), self.final.stat()
        return left == self._entry(self.source.size, found)

    def _entry(self, finished: int, partial: os.stat_result) -> dict[str, Any]:
        """Return what the journal says once so many elements are on the disk."""
        return self.identity | {"finished": finished, "file": [partial.st_ino, partial.st_size, partial.st_mtime_ns]}

    def _read_journal(self) -> dict[str, Any] | None:
        try:
            left = json.loads(self.journal.read_text(encoding="utf-8"))
            if isinstance(left, dict) and {*self.identity, "finished"} <= left.keys():
                return left
        except FileNotFoundError:
            return None
        except ValueError:
            pass
        raise ResumeError(
            f"{self.journal} is in the way and no journal of an unfinished run: move it away, or delete it"
        )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[BinaryIO]:
        """Open the unfinished result for writing after its last finished element, for this process alone."""
        self.partial.touch()
        with self.partial.open("r+b", buffering=0) as partial:
            if fcntl is not None:
                try:
                    fcntl.flock(partial, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise self._busy() from error
                # Whoever had the lock a moment ago may have given this very file its final name.
                if not (self.partial.exists() and os.path.samefile(self.partial, partial.fileno())):
                    raise self._busy()
            self.finished = self.recorded = self._resumable(os.fstat(partial.fileno()).st_size)
            try:
                if not self.finished:
                    # The journal comes first: a file with contents and without a journal is somebody else's.
                    self._record(partial, 0)
                    _sync_folder(self.final.parent)
                    partial.truncate(0)
                    _write(partial, self.header)
                _allocate(partial, self._position(self.source.size))
                partial.seek(self._position(self.finished))
                yield partial
            except BaseException:
                self.new_journal.unlink(missing_ok=True)
                if not self.recorded:  # nothing to keep
                    self.partial.unlink(missing_ok=True)
                    self.journal.unlink(missing_ok=True)
                raise

    def _busy(self) -> BusyError:
        return BusyError(f"another process is writing {self.final}: wait for it, or choose another target")

    def _resumable(self, size: int) -> int:
        """Return how many elements an earlier run has left, in a file of this size, and refuse what is not ours."""
        left = self._read_journal()
        if left is None and size:
            raise ResumeError(f"{self.partial} is in the way and has no journal: move it away, or delete it")
        if left is None or not size or not left["finished"]:
            return 0
        anew = f"to start anew, delete {self.partial} and {self.journal}"
        changed = [key for key in self.identity if left[key] != self.identity[key]]
        if any(key.startswith("source") or key == "shape" for key in changed):
            raise SourceChangedError(f"{self.source.path} has changed since {self.final.name} was begun: {anew}")
        if "function" in changed:
            raise ResumeError(
                f"{self.final.name} was begun with the function {left['function']}, not {self.identity['function']}: "
                f"call with that one, or {anew}"
            )
        if changed:
            raise ResumeError(
                f"{self.identity['function']} no longer gives the results that {self.final.name} was begun with: {anew}"
            )
        if size < self._position(left["finished"]):
            raise ResumeError(f"{self.partial} is shorter than its journal says: {anew}")
        return int(left["finished"])

    def _position(self, elements: int) -> int:
        return len(self.header) + elements * self.dtype.itemsize

    def transform(self, partial: BinaryIO, block: int, progress: bool) -> None:
        """Compute and write what is missing, and record it on the way."""
        size, itemsize = self.source.size, self.source.dtype.itemsize
        buffer = np.empty(min(block, _PIECE), self.source.dtype)
        recorded: Future[None] | None = None
        due = 0.0
        bar = _bar(self.final.name, size * itemsize, self.finished * itemsize, progress)
        with ThreadPoolExecutor(1) as recorder, bar as advance:
            try:
                while self.finished < size:
                    start, stop = self.finished, min(self.finished + block, size)
                    while self.finished < stop:
                        x = self.source.read(self.finished, buffer[: stop - self.finished])
                        values = _evaluate(self.function, x, self.dtype)
                        _write(partial, np.ascontiguousarray(values, self.dtype).view(np.uint8))
                        self.finished += x.size
                    if recorded is None or (recorded.done() and time.monotonic() > due):
                        if recorded:
                            recorded.result()  # raises what went wrong
                        recorded = recorder.submit(self._record, partial, self.finished)
                        due = time.monotonic() + _PAUSE
                    advance((stop - start) * itemsize)
                if recorded:
                    recorded.result()
                self._record(partial, size)
            except BaseException as error:
                if recorded:
                    recorded.exception()  # waits
                if not self.sync_failed:
                    with contextlib.suppress(OSError):
                        if isinstance(error, OSError):  # perhaps there is no room for the journal: give some back
                            self.finished = max(self.recorded, self.finished - buffer.size)
                            partial.truncate(self._position(self.finished))
                        self._record(partial, self.finished)
                kept = "nothing was finished: the same call begins anew"
                if self.recorded:
                    done = f"{self.recorded:,} of {size:,} elements"
                    kept = f"{done} are kept in {self.partial}: the same call goes on from there"
                if isinstance(error, KeyboardInterrupt):
                    raise KeyboardInterrupt(kept) from None
                error.add_note(kept)
                raise

    def _record(self, partial: BinaryIO, finished: int) -> None:
        """Note that so many elements are finished, once they are on the disk."""
        try:
            _sync(partial)
        except OSError:
            # Nothing may be recorded from here on: Linux reports a failed write to the disk once, and the next
            # fdatasync says that all is well (A. Rebello et al., "Can Applications Recover from fsync Failures?",
            # USENIX ATC 2020).
            self.sync_failed = True
            raise
        with self.new_journal.open("w", encoding="utf-8") as file:
            json.dump(self._entry(finished, os.fstat(partial.fileno())), file, indent=1)
            file.flush()
            _sync(file)
        os.replace(self.new_journal, self.journal)
        self.recorded = finished

    def publish(self, partial: BinaryIO) -> None:
        """Give the whole result its name."""
        if os.name == "nt":
            partial.close()  # which would keep the file from being renamed there; elsewhere it keeps the lock
        os.replace(self.partial, self.final)
        _sync_folder(self.final.parent)
        self.journal.unlink()


def _write(file: BinaryIO, data: Any) -> None:
    """Write all of it to an unbuffered file, which may take several calls (at most 2 GiB each, on Linux)."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


# Tables


def _transform_table(
    function: Function,
    source: BinaryIO,
    path: Path,
    target: BinaryIO,
    columns: Sequence[str] | None,
    rows: int,
    advance: Callable[[int], None],
) -> None:
    """Copy a table from one open file to another, with the function's values in the chosen columns."""
    start = source.readline(1 << 16)
    # What Excel writes, a byte order mark and line ends of its own, is kept.
    encoding = "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
    line_end = "\r\n" if start.endswith(b"\r\n") else "\n"
    os.lseek(source.fileno(), 0, os.SEEK_SET)  # of the file itself: from here on `text` reads it
    with (
        open(source.fileno(), encoding=encoding, newline="", closefd=False) as text,
        open(target.fileno(), "w", encoding=encoding, newline="", closefd=False) as out,
    ):
        # Up to Python 3.12 only the characters of the line end get quotes, so a cell with a carriage return needs both.
        lines = SimpleNamespace(write=lambda line: out.write(line.removesuffix("\r\n") + line_end))
        reader, writer = csv.reader(text, strict=True), csv.writer(lines, lineterminator="\r\n")
        try:
            header = next(reader, None)
            if not header:
                raise CsvError(f"{path} is empty: the first line must name the columns")
            chosen = _column_places(path, header, columns)
            writer.writerow(header)
            dtype, done = None, 0
            while batch := [(reader.line_num, row) for row in islice(reader, rows)]:
                numbers = [
                    _number(path, line, header[place], row[place])
                    for line, row in batch
                    if _is_full(path, line, row, header)
                    for place in chosen
                ]
                values = _evaluate(function, np.array(numbers, np.float64), dtype)
                dtype = values.dtype
                # repr of a Python float, and str of NumPy's narrower ones, is as short as reads back the same.
                cells = map(repr, values.tolist()) if dtype == np.float64 else map(str, values)
                for _, row in batch:
                    for place in chosen if row else ():
                        row[place] = next(cells)
                writer.writerows(row for _, row in batch)
                position = os.lseek(source.fileno(), 0, os.SEEK_CUR)
                advance(position - done)
                done = position
        except csv.Error as error:
            raise CsvError(f"{path}, line {reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise CsvError(
                f"{path} is not UTF-8, after line {reader.line_num}: {error.reason}; convert it first"
            ) from error


def _column_places(path: Path, header: list[str], columns: Sequence[str] | None) -> list[int]:
    """Return where the chosen columns stand."""
    for name in columns or ():
        if header.count(name) != 1:
            count = "no column" if name not in header else f"{header.count(name)} columns"
            raise CsvError(f"{path} has {count} {name!r}; there are {', '.join(map(repr, header))}")
    return list(range(len(header))) if columns is None else [header.index(name) for name in columns]


def _is_full(path: Path, line: int, row: list[str], header: list[str]) -> bool:
    """Tell whether a row has cells; an empty line has none, and is passed on."""
    if row and len(row) != len(header):
        raise CsvError(f"{path}, line {line}: {len(row)} cells, but the header names {len(header)} columns")
    return bool(row)


def _number(path: Path, line: int, column: str, cell: str) -> float:
    try:
        if "_" not in cell:  # Python reads 1_000 as a number; a table means something else by it
            return float(cell)
    except ValueError:
        pass
    raise CsvError(
        f"{path}, line {line}, column {column!r}: {cell!r} is no number; name the columns that are to be computed with "
        "columns=, and write a missing value as nan"
    )
