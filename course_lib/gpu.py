"""The course's functions on an NVIDIA card: one pass over memory, and the same bits as on a CPU.

:func:`sigmoid`, :func:`sigmoid_derivative`, :func:`log_sigmoid` and :func:`silu` read an array once and write it once,
in float16 (computed in float32), float32 and float64. The functions of the same names in
:mod:`course_lib.activations` come here by themselves when they are given a CuPy array, so that code written for NumPy
runs on a card as it is. Needs CuPy and a card; importing this module needs neither, and :class:`Roofline` and `KERNELS`
don't either.

The kernels are in gpu.cu beside this file. They use no operation that IEEE 754 leaves open, so the same text compiled
for a CPU gives the same bits (:func:`compiled_for_host`), and that is how their accuracy was measured. float32 is
computed in float32, with corrections where it matters, because many cards do float64 at a 64th of the speed.

Largest errors, in units in the last place (ulp), subnormal results included, as benchmarks/gpu.py finds them: it tries
every float16, every float32 of magnitude 2^-30 to 2^7, and millions of float64.

=====================  =======  =======  =======
function               float16  float32  float64
=====================  =======  =======  =======
`sigmoid`               0.5001     0.62     0.70
`sigmoid_derivative`    0.5001     0.62     0.70
`log_sigmoid`           0.5002     0.65     0.70
`silu`                  0.5001     0.65     0.75
=====================  =======  =======  =======
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import math
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib._elementwise import _check_out, result_dtype

__all__ = [
    "KERNELS",
    "GpuMemoryError",
    "GpuUnavailableError",
    "Kernel",
    "Roofline",
    "apply_from_host",
    "compiled_for_host",
    "is_available",
    "log_sigmoid",
    "sigmoid",
    "sigmoid_derivative",
    "silu",
    "to_device",
    "to_host",
    "why_unavailable",
]


class GpuUnavailableError(RuntimeError):
    """There is no GPU to compute on. The message says why, and what to do."""


class GpuMemoryError(GpuUnavailableError, MemoryError):
    """The memory of the GPU is full. The message says what did not fit, and what to do."""


@dataclass(frozen=True)
class Roofline:
    """The roofline model of a device: a kernel takes as long as the slower of its memory traffic and its arithmetic.

    An operation is one floating-point instruction of one lane. A fused multiply-add is one, because it takes a lane
    one turn, though data sheets count it as two: halve their figure.

    Parameters
    ----------
    bandwidth : float
        Bytes a second between the device's memory and its processors, best as measured by a copy.
    operations_per_second : float
        Operations a second, of all lanes together, in the dtype in question.
    launch_seconds : float
        Seconds that starting a kernel takes, whatever it does.
    link_bandwidth : float, optional
        Bytes a second between the host and the device.

    Raises
    ------
    ValueError
        A bandwidth or a rate is not positive, or `launch_seconds` is negative.

    Notes
    -----
    S. Williams, A. Waterman and D. Patterson, "Roofline: An Insightful Visual Performance Model for Multicore
    Architectures", Communications of the ACM 52(4), 2009.

    Examples
    --------
    A card of 132 processors with 128 float32 lanes each, at 1.7 GHz, whose memory moves 3.0 TB a second:

    >>> card = Roofline(3.0e12, 132 * 128 * 1.7e9)
    >>> print(f"{card.ridge:.1f} operations a byte")
    9.6 operations a byte
    >>> card.attainable(4.0) == 4.0 * card.bandwidth  # below the ridge the memory decides
    True
    >>> print(f"{card.seconds(bytes_moved=8e9, operations=30e9):.4f} s")
    0.0027 s
    """

    bandwidth: float
    operations_per_second: float
    launch_seconds: float = 0.0
    link_bandwidth: float | None = None

    def __post_init__(self) -> None:
        for name in ("bandwidth", "operations_per_second", "link_bandwidth"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a positive number, not {value}")
        if not (self.launch_seconds >= 0 and math.isfinite(self.launch_seconds)):
            raise ValueError(f"launch_seconds must be a number from 0 on, not {self.launch_seconds}")

    @property
    def ridge(self) -> float:
        """Intensity, in operations a byte, from which on arithmetic and not the memory decides."""
        return self.operations_per_second / self.bandwidth

    def attainable(self, intensity: float) -> float:
        """Operations a second at an arithmetic intensity, in operations a byte."""
        return min(self.operations_per_second, intensity * self.bandwidth)

    def seconds(self, bytes_moved: float, operations: float) -> float:
        """Seconds of one kernel that moves so many bytes, reads and writes together, and does so many operations."""
        return self.launch_seconds + max(bytes_moved / self.bandwidth, operations / self.operations_per_second)

    def transfer_seconds(self, bytes_moved: float) -> float:
        """Seconds that copying so many bytes between host and device takes, one way.

        Raises
        ------
        ValueError
            The model was made without a `link_bandwidth`.
        """
        if self.link_bandwidth is None:
            raise ValueError("this Roofline has no link_bandwidth: give it one to ask for transfers")
        return bytes_moved / self.link_bandwidth


@dataclass(frozen=True)
class Kernel:
    """A function as it runs on a card, and what one element of it costs.

    Attributes
    ----------
    name : str
        The function of this module that it belongs to.
    source : str
        CUDA C++, the text of gpu.cu: the four functions share it.
    operations : mapping of str to int
        For each dtype, the additions, multiplications and fused multiply-adds an element takes, in the format that it
        is computed in: float32 for float16, otherwise its own. Elements far out (`|x|` above 25, or 45 in float64)
        go another way.
    """

    name: str
    source: str
    operations: Mapping[str, int]

    def bytes_per_element(self, dtype: str) -> int:
        """Bytes that cross the memory bus for one element: read once, written once.

        Parameters
        ----------
        dtype : str
            "float16", "float32" or "float64".

        Raises
        ------
        ValueError
            There is no kernel for `dtype`.

        Examples
        --------
        >>> KERNELS["sigmoid"].bytes_per_element("float32")
        8
        """
        if dtype not in self.operations:
            raise ValueError(f"{self.name} has no kernel for {dtype!r}: there are {', '.join(self.operations)}")
        return 2 * np.dtype(dtype).itemsize

    def intensity(self, dtype: str) -> float:
        """Operations a byte, to be compared with `Roofline.ridge`.

        Examples
        --------
        >>> KERNELS["sigmoid"].intensity("float32")
        4.75
        """
        return self.operations[dtype] / self.bytes_per_element(dtype)


_SOURCE = (resources.files("course_lib") / "gpu.cu").read_text(encoding="utf-8")

# Threads a block, and sixteen-byte loads a thread.
_THREADS, _PACKS = 256, 2

# Contraction would fuse a * b + c as the compiler sees fit, and differently for a card and a CPU.
_OPTIONS = ("--std=c++17", "--fmad=false", f"--define-macro=THREADS={_THREADS}", f"--define-macro=PACKS={_PACKS}")

#: Name of a function to its kernel.
KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        name: Kernel(name, _SOURCE, MappingProxyType(dict(zip(("float16", "float32", "float64"), counts, strict=True))))
        for name, counts in {
            # Counted in what NVIDIA's compiler makes of the source; a test counts again.
            "sigmoid": (19, 38, 39),
            "sigmoid_derivative": (20, 50, 51),
            "log_sigmoid": (19, 54, 61),
            "silu": (20, 42, 43),
        }.items()
    }
)


def sigmoid(x: Any, /, out: Any = None) -> Any:
    r"""Logistic function :math:`1 / (1 + e^{-x})` of a CuPy array, in one kernel.

    Parameters
    ----------
    x : cupy.ndarray, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : cupy.ndarray, same shape, dtype and device as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    cupy.ndarray, shape of `x`
        On the device of `x`. Never decreasing when `x` increases; errors are in the module's table.

    Raises
    ------
    GpuUnavailableError
        There is no GPU; the message says why.
    GpuMemoryError
        The result does not fit into the memory of the GPU.
    TypeError
        `x` is no CuPy array or has no real dtype, or `out` is no CuPy array.
    ValueError
        `out` has another shape, dtype or device.

    Notes
    -----
    The kernel wants arrays without gaps, in either order, that start at a multiple of 16 bytes. Others are right too:
    what starts elsewhere goes one element at a time, and what has gaps is copied first.

    Examples
    --------
    >>> if is_available():
    ...     x = to_device([-740.0, 0.0, 740.0])
    ...     assert sigmoid(x, out=x) is x
    ...     assert to_host(x)[0] > 0
    """
    return apply_kernel("sigmoid", x, out)


def sigmoid_derivative(x: Any, /, out: Any = None) -> Any:
    r"""Slope of the sigmoid, :math:`\sigma(x)\,\sigma(-x)`, of a CuPy array, in one kernel.

    Parameters
    ----------
    x : cupy.ndarray, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : cupy.ndarray, same shape, dtype and device as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    cupy.ndarray, shape of `x`
        Exactly symmetric, 1/4 at 0, with its tails down to the smallest subnormal.

    Raises
    ------
    GpuUnavailableError, GpuMemoryError, TypeError, ValueError
        As :func:`sigmoid` does.

    Examples
    --------
    >>> if is_available():
    ...     assert float(sigmoid_derivative(to_device(0.0))) == 0.25
    """
    return apply_kernel("sigmoid_derivative", x, out)


def log_sigmoid(x: Any, /, out: Any = None) -> Any:
    r"""Logarithm of the sigmoid, :math:`-\ln(1 + e^{-x})`, of a CuPy array, in one kernel.

    Parameters
    ----------
    x : cupy.ndarray, any shape
        Logits. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : cupy.ndarray, same shape, dtype and device as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    cupy.ndarray, shape of `x`
        Finite for every finite `x`.

    Raises
    ------
    GpuUnavailableError, GpuMemoryError, TypeError, ValueError
        As :func:`sigmoid` does.

    Notes
    -----
    It is :math:`\min(x, 0) - 2\,\mathrm{artanh}(v)` with :math:`v = e^{-|x|} / (2 + e^{-|x|}) \le 1/3` (NIST Digital
    Library of Mathematical Functions, section 4.37(iv)); `course_lib.activations` has another way, with tables.

    Examples
    --------
    >>> if is_available():
    ...     assert float(log_sigmoid(to_device(-1000.0))) == -1000.0
    """
    return apply_kernel("log_sigmoid", x, out)


def silu(x: Any, /, out: Any = None) -> Any:
    r"""Sigmoid linear unit, :math:`x\,\sigma(x)`, of a CuPy array, in one kernel.

    Parameters
    ----------
    x : cupy.ndarray, any shape
        Real numbers. Integers and booleans are taken as float64; float16, float32 and float64 are kept.
    out : cupy.ndarray, same shape, dtype and device as the result, optional
        Written and returned instead of a new array. May be `x` itself.

    Returns
    -------
    cupy.ndarray, shape of `x`
        -0.0 far left.

    Raises
    ------
    GpuUnavailableError, GpuMemoryError, TypeError, ValueError
        As :func:`sigmoid` does.

    Examples
    --------
    >>> if is_available():
    ...     assert float(silu(to_device(0.0))) == 0.0
    """
    return apply_kernel("silu", x, out)


def apply_kernel(name: str, x: Any, out: Any = None) -> Any:
    """Run the kernel of `KERNELS` called `name`: what the functions above and `course_lib.activations` come to."""
    cupy = _cupy()
    if not isinstance(x, cupy.ndarray):
        reason = _unavailable()
        if reason is not None:
            raise reason
        raise TypeError(
            f"{name}: x is a {type(x).__module__}.{type(x).__qualname__}, and the kernels take arrays that are on the "
            f"GPU: pass course_lib.gpu.to_device(x), or call course_lib.activations.{name}, which takes both"
        )
    dtype = result_dtype(name, np.empty(0, x.dtype))  # CuPy's dtypes are NumPy's
    if out is not None:
        _check_device_out(cupy, name, out, x, dtype)
    with x.device:
        try:
            return _run(cupy, name, x.astype(dtype, copy=False), out)
        except MemoryError as error:
            raise _full(f"the {x.size * dtype.itemsize:,} bytes of the result of {name}") from error


def _run(cupy: Any, name: str, x: Any, out: Any) -> Any:
    """Launch the kernel on `x`, copying only where memory has gaps or `out` overlaps `x` askew."""
    if _has_no_gaps(x):
        if out is None:
            return _launch(cupy, name, x, cupy.empty_like(x))
        if x.strides == out.strides and (x.data.ptr == out.data.ptr or not cupy.may_share_memory(x, out)):
            return _launch(cupy, name, x, out)
    values = x.copy(order="C")
    _launch(cupy, name, values, values)
    if out is None:
        return values
    out[...] = values
    return out


def _has_no_gaps(x: Any) -> bool:
    return bool(x.flags.c_contiguous or x.flags.f_contiguous)


def _launch(cupy: Any, name: str, x: Any, out: Any) -> Any:
    if x.size:
        a_block = _THREADS * _PACKS * 16 // x.itemsize
        kernel = _compiled(cupy, x.device.id).get_function(f"{name}_{x.dtype.name}")
        kernel((-(-x.size // a_block),), (_THREADS,), (x, out, np.uint64(x.size)))
    return out


@functools.cache
def _compiled(cupy: Any, device: int) -> Any:
    """Return the kernels for a device, the current one; the first call in a process takes a second or two.

    cupy.RawModule would keep what it compiled, but it adds --ftz=true after every other option, and with that float32
    has no subnormal numbers: the tails would end early.
    """
    cubin, _ = cupy.cuda.compiler.compile_using_nvrtc(_SOURCE, _OPTIONS)
    module = cupy.cuda.function.Module()
    module.load(cubin)
    return module


def _check_device_out(cupy: Any, name: str, out: Any, x: Any, dtype: np.dtype[Any]) -> None:
    """Refuse an `out` that cannot take the result."""
    if not isinstance(out, cupy.ndarray):
        raise TypeError(f"{name}: x is a CuPy array, so out must be one too, not {type(out).__name__}")
    if out.shape != x.shape:
        raise ValueError(f"{name}: out has shape {out.shape}, but x has shape {x.shape}")
    if out.dtype != dtype:
        raise ValueError(f"{name}: out has dtype {out.dtype}, but the result is {dtype}")
    if out.device != x.device:
        raise ValueError(f"{name}: out is on {out.device}, but x is on {x.device}")


def to_device(x: ArrayLike) -> Any:
    """Copy an array to the current GPU.

    Parameters
    ----------
    x : array_like, any shape
        Booleans, integers, float16, float32 or float64. A CuPy array comes back as it is.

    Returns
    -------
    cupy.ndarray, shape and dtype of `x`

    Raises
    ------
    GpuUnavailableError
        There is no GPU; the message says why.
    GpuMemoryError
        `x` does not fit into the memory of the GPU.
    TypeError
        `x` has a dtype that the kernels could not take.

    Examples
    --------
    >>> try:
    ...     on_card = to_device([1.0, 2.0])
    ... except GpuUnavailableError as error:
    ...     on_card = None
    >>> (on_card is None) == (not is_available())
    True
    """
    if array_api_compat.is_cupy_array(x):
        return x
    reason = _unavailable()
    if reason is not None:
        raise reason
    array = np.asarray(x)
    result_dtype("to_device", array)
    try:
        return _cupy().asarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    except MemoryError as error:
        raise _full(f"the {array.nbytes:,} bytes of x") from error


def to_host(x: Any) -> NDArray[Any]:
    """Copy an array back into the host's memory, once what computes it is done.

    Parameters
    ----------
    x : cupy.ndarray or array_like
        What is on the host already stays there, so that code may call this wherever it runs.

    Returns
    -------
    numpy.ndarray, shape and dtype of `x`

    Examples
    --------
    >>> to_host(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    if array_api_compat.is_cupy_array(x):
        return np.asarray(_cupy().asnumpy(x))
    return np.asarray(x)


def apply_from_host(
    function: Callable[[Any], Any], x: ArrayLike, out: NDArray[Any] | None = None, *, chunk_bytes: int = 64 << 20
) -> NDArray[Any]:
    """Apply a function on the GPU to an array in the host's memory, which may be larger than the GPU's.

    The array goes through in chunks, on two streams: while the card computes one chunk and sends it back, the next is
    on its way. The copies go through buffers in pinned memory, which the system never moves; only from there can the
    card copy by itself.

    Parameters
    ----------
    function : callable
        Takes a one-dimensional CuPy array and returns another one of the same size, element for element: one of this
        module or of :mod:`course_lib.activations`, or your own.
    x : array_like, any shape
        Host data. Booleans, integers, float16, float32 or float64.
    out : numpy.ndarray, same shape as `x` and dtype as the result, optional
        Written and returned instead of a new array. May be `x` itself.
    chunk_bytes : int
        Bytes of `x` that go at once. The card holds two chunks, their results, and what `function` makes on its way;
        the host four pinned buffers.

    Returns
    -------
    numpy.ndarray, shape of `x`
        In the dtype that `function` gives.

    Raises
    ------
    GpuUnavailableError
        There is no GPU; the message says why.
    GpuMemoryError
        Not even two chunks fit into the memory of the GPU.
    TypeError
        `x` has no real dtype, `function` returns something else than a CuPy array, or `out` is not a NumPy array.
    ValueError
        `function` changes the size or `out` has another shape or dtype, is read-only, or overlaps `x` askew;
        `chunk_bytes` is below one element.

    Examples
    --------
    >>> x = np.linspace(-8, 8, 1_000_000, dtype=np.float32)
    >>> y = apply_from_host(sigmoid, x, chunk_bytes=1 << 20) if is_available() else None
    """
    reason = _unavailable()
    if reason is not None:
        raise reason
    array = np.asarray(x)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    result_dtype("apply_from_host", array)
    if chunk_bytes < array.itemsize:
        raise ValueError(f"chunk_bytes is {chunk_bytes}, but an element of x has {array.itemsize} bytes")
    if out is not None and np.may_share_memory(array, out) and not _same_view(array, out):
        raise ValueError("apply_from_host: out overlaps x without being x, so chunks would be read after they changed")
    try:
        return _streamed(_cupy(), function, array, out, chunk_bytes // array.itemsize)
    except MemoryError as error:
        if isinstance(error, GpuMemoryError):
            raise
        raise _full(f"two chunks of {chunk_bytes:,} bytes and their results; a smaller chunk_bytes may do") from error


@dataclass
class _Lane:
    """One of the two ways through the card: a stream, and the buffers that only it uses."""

    stream: Any
    sent: NDArray[Any]
    on_device: Any
    received: NDArray[Any] | None = None


def _streamed(
    cupy: Any, function: Callable[[Any], Any], x: NDArray[Any], out: NDArray[Any] | None, chunk: int
) -> NDArray[Any]:
    pinned = importlib.import_module("cupyx").empty_pinned
    chunk = min(chunk, max(x.size, 1))
    lanes = []
    for _ in range(2 if x.size > chunk else 1):
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream:
            lanes.append(_Lane(stream, pinned(chunk, x.dtype), cupy.empty(chunk, x.dtype)))
    under_way: deque[tuple[_Lane, int, int, Any]] = deque()

    def collect() -> None:
        lane, start, stop, _ = under_way.popleft()
        lane.stream.synchronize()
        assert out is not None
        assert lane.received is not None
        _elements(out)[start:stop] = lane.received[: stop - start]

    try:
        # An empty array is one empty chunk, for the dtype of its result.
        for number, start in enumerate(range(0, max(x.size, 1), chunk)):
            lane, stop = lanes[number % len(lanes)], min(start + chunk, x.size)
            if len(under_way) == len(lanes):
                collect()
            lane.sent[: stop - start] = _elements(x)[start:stop]
            with lane.stream:
                values = lane.on_device[: stop - start]
                values.data.copy_from_host_async(lane.sent.ctypes.data, values.nbytes, lane.stream)
                result = _elementwise_result(cupy, function, values)
                if out is None:
                    out = np.empty(x.shape, result.dtype)
                elif number == 0:
                    _check_out("apply_from_host", out, x.shape, np.dtype(result.dtype))
                if lane.received is None:
                    lane.received = pinned(chunk, result.dtype)
                result.data.copy_to_host_async(lane.received.ctypes.data, result.nbytes, lane.stream)
            under_way.append((lane, start, stop, result))  # with the result, whose memory must not be given away yet
        while under_way:
            collect()
    finally:
        for lane in lanes:
            lane.stream.synchronize()  # after an error too, before the buffers go
    assert out is not None
    return out


def _elementwise_result(cupy: Any, function: Callable[[Any], Any], values: Any) -> Any:
    """Call the caller's function on a chunk and refuse what is no chunk of the same size."""
    result = function(values)
    if not isinstance(result, cupy.ndarray):
        raise TypeError(f"apply_from_host: function must return a CuPy array, not {type(result).__name__}")
    if result.shape != values.shape:
        raise ValueError(
            f"apply_from_host: function must work element for element, but from shape {values.shape} it made "
            f"{result.shape}"
        )
    return cupy.ascontiguousarray(result)


def _elements(x: NDArray[Any]) -> Any:
    """Return what slices of `x` in row order can be read from and written to, without a copy of the whole."""
    return x.reshape(-1) if x.flags.c_contiguous else x.flat


def _same_view(x: NDArray[Any], y: NDArray[Any]) -> bool:
    return x.ctypes.data == y.ctypes.data and x.strides == y.strides and x.shape == y.shape and x.dtype == y.dtype


def compiled_for_host(name: str, dtype: str) -> Callable[[ArrayLike], NDArray[Any]]:
    """Compile a kernel's arithmetic for the processor of this machine, to see its values without a card.

    The values have the bits that a card gives (of nan, only that it is nan). Needs a C++ compiler, called g++, clang++
    or c++.

    Parameters
    ----------
    name : str
        A key of `KERNELS`.
    dtype : str
        "float16", "float32" or "float64".

    Returns
    -------
    callable
        Takes an array, and returns one of the same shape, both of `dtype`.

    Raises
    ------
    ValueError
        There is no such kernel.
    RuntimeError
        There is no C++ compiler, or it fails.

    Examples
    --------
    >>> if shutil.which("g++"):
    ...     compiled_for_host("sigmoid", "float32")([-100.0, 0.0, 100.0]).tolist()
    ... else:
    ...     [3.783505853677006e-44, 0.5, 1.0]
    [3.783505853677006e-44, 0.5, 1.0]
    """
    if name not in KERNELS or dtype not in KERNELS[name].operations:
        raise ValueError(f"there is no kernel {name!r} for {dtype!r}: see course_lib.gpu.KERNELS")
    working = np.dtype(np.float64 if dtype == "float64" else np.float32)
    function = getattr(_host_library(), f"{name}_{dtype}")

    def on_host(x: ArrayLike) -> NDArray[Any]:
        given = np.ascontiguousarray(np.asarray(x, dtype=dtype).astype(working, copy=False))
        values = np.empty_like(given)
        function(ctypes.c_void_p(given.ctypes.data), ctypes.c_void_p(values.ctypes.data), ctypes.c_longlong(given.size))
        return values.astype(dtype, copy=False)

    return on_host


@functools.cache
def _host_library() -> ctypes.CDLL:
    compiler = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)
    if compiler is None:
        raise RuntimeError("there is no C++ compiler (g++, clang++ or c++) on this machine: install one, such as g++")
    options = ["-std=c++17", "-O3", "-ffp-contract=off", "-fPIC", "-shared", "-x", "c++"]
    if platform.machine() in ("x86_64", "AMD64") and "fma" in _processor_flags():
        options += ["-mavx2", "-mfma"]  # elsewhere the C library computes fma, exactly too
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "gpu.so"
        done = subprocess.run(
            [compiler, *options, "-", "-o", str(library), "-lm"],
            input=_SOURCE,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{compiler} does not compile the kernels for this machine:\n{done.stderr[-2000:]}")
        return ctypes.CDLL(str(library))


def _processor_flags() -> set[str]:
    try:
        return set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return set()


def is_available() -> bool:
    """Tell whether there is a GPU that CuPy can compute on; :func:`why_unavailable` says what is missing.

    Examples
    --------
    >>> is_available() == (why_unavailable() is None)
    True
    """
    return why_unavailable() is None


def why_unavailable() -> str | None:
    """Say in a sentence why there is no GPU to compute on, and what to do; None where there is one.

    Returns
    -------
    str or None
        Four reasons are told apart: CuPy is not installed, there is no driver (or it is too old), the driver sees no
        device, and the memory of the device is full.

    Examples
    --------
    >>> reason = why_unavailable()
    >>> reason is None or reason.endswith(".")
    True
    """
    reason = _unavailable()
    return None if reason is None else str(reason)


# Codes of the CUDA runtime, as in its cudaError_t.
_OUT_OF_MEMORY, _INSUFFICIENT_DRIVER, _NO_DEVICE = 2, 35, 100


def _cupy() -> Any:
    """Return the module, or raise GpuUnavailableError."""
    if "cupy" not in sys.modules and importlib.util.find_spec("cupy") is None:
        raise GpuUnavailableError(
            "CuPy is not installed: install the extra gpu (CUDA 13) or gpu-cuda12 (CUDA 12) of sigmoid-course, "
            'for example with pip install "sigmoid-course[gpu]".'
        )
    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        raise GpuUnavailableError(
            f"CuPy is installed, but can't be imported ({' '.join(str(error).split())}): install it anew, in the "
            "version for your CUDA (cupy-cuda13x or cupy-cuda12x), and no second one beside it."
        ) from error


def _unavailable() -> GpuUnavailableError | None:
    """Return the error that says why there is no GPU, or None."""
    try:
        cupy = _cupy()
    except GpuUnavailableError as error:
        return error
    runtime = cupy.cuda.runtime
    try:
        driver = runtime.driverGetVersion()
        if not driver:
            return GpuUnavailableError(
                "There is no NVIDIA driver on this machine: install one (nvidia-smi then lists the cards), or stay "
                "with NumPy, for which every function of the course works as it is."
            )
        if not runtime.getDeviceCount():
            return _no_device()
        with cupy.cuda.Device():
            cupy.empty(1)
    except MemoryError:
        return _full("the first bytes")
    except runtime.CUDARuntimeError as error:
        if error.status == _INSUFFICIENT_DRIVER:
            return GpuUnavailableError(
                f"The NVIDIA driver is too old: it knows CUDA {_version(driver)}, and CuPy needs "
                f"{_version(runtime.runtimeGetVersion())}; update the driver, or install cupy-cuda12x instead."
            )
        if error.status == _NO_DEVICE:
            return _no_device()
        if error.status == _OUT_OF_MEMORY:
            return _full("the first bytes")
        return GpuUnavailableError(f"The GPU doesn't answer ({error}): see whether nvidia-smi lists it as healthy.")
    return None


def _no_device() -> GpuUnavailableError:
    return GpuUnavailableError(
        "The NVIDIA driver is there, but it sees no device: see what nvidia-smi lists, whether the environment "
        "variable CUDA_VISIBLE_DEVICES hides the card, and whether a container was started with its GPUs."
    )


def _full(what: str) -> GpuMemoryError:
    return GpuMemoryError(
        f"The memory of the GPU is full, there is no room for {what}: end what else runs on it (nvidia-smi shows it), "
        "drop arrays, or send the data through in pieces with course_lib.gpu.apply_from_host."
    )


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
