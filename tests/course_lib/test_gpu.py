"""The GPU module, as far as a machine without a card can show it, and further where there is one.

Without a card: the kernels' arithmetic, compiled for the host, against SciPy and mpmath; NVIDIA's compiler on the
kernels; and what Python does around a launch, on a stand-in for CuPy whose streams do nothing until they are waited for
and whose launches see raw memory.
"""

import ctypes
import importlib
import importlib.util
import itertools
import math
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from course_lib import activations, gpu
from course_lib.gpu import KERNELS, GpuMemoryError, GpuUnavailableError, Roofline
from course_lib.measure import EXACT, ulp_error

NAMES = sorted(KERNELS)
DTYPES = ("float16", "float32", "float64")
ROOT = Path(__file__).parents[2]

each_name = pytest.mark.parametrize("name", NAMES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
on_a_card = pytest.mark.skipif(not gpu.is_available(), reason=f"needs a GPU. {gpu.why_unavailable()}")


# The roofline


def test_the_roof_is_the_lower_of_two_lines() -> None:
    card = Roofline(bandwidth=2e12, operations_per_second=10e12, launch_seconds=3e-6, link_bandwidth=25e9)
    assert card.ridge == 5
    assert [card.attainable(i) for i in (1, 5, 50)] == [2e12, 10e12, 10e12]
    # 1 GB takes 0.5 ms through the memory; 1e9 operations take 0.1 ms, 20e9 take 2 ms.
    assert card.seconds(1e9, 1e9) == pytest.approx(503e-6)
    assert card.seconds(1e9, 20e9) == pytest.approx(2003e-6)
    assert card.seconds(0, 0) == 3e-6
    assert card.transfer_seconds(50e9) == 2


def test_a_roofline_of_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="bandwidth must be a positive number, not 0"):
        Roofline(0, 1)
    with pytest.raises(ValueError, match="operations_per_second must be a positive number, not inf"):
        Roofline(1, math.inf)
    with pytest.raises(ValueError, match="link_bandwidth must be a positive number, not -1"):
        Roofline(1, 1, link_bandwidth=-1)
    with pytest.raises(ValueError, match="launch_seconds must be a number from 0 on, not nan"):
        Roofline(1, 1, launch_seconds=math.nan)
    with pytest.raises(ValueError, match="no link_bandwidth"):
        Roofline(1, 1).transfer_seconds(1)


@each_name
def test_bytes_an_element(name: str) -> None:
    assert [KERNELS[name].bytes_per_element(dtype) for dtype in DTYPES] == [4, 8, 16]
    with pytest.raises(ValueError, match=f"{name} has no kernel for 'int8': there are float16, float32, float64"):
        KERNELS[name].bytes_per_element("int8")


@each_name
@each_dtype
def test_an_h100_would_be_bound_by_its_memory(name: str, dtype: str) -> None:
    # 132 processors at 1.7 GHz with 128 lanes for float32 (float16 is computed in it) and 64 for float64; a measured
    # copy moves 3.0 TB a second. A tenth is left for what is no arithmetic.
    card = Roofline(3.0e12, 132 * (64 if dtype == "float64" else 128) * 1.7e9)
    assert KERNELS[name].intensity(dtype) < 0.9 * card.ridge


# The arithmetic, on the host


@pytest.fixture(scope="module")
def host() -> Callable[[str, str], Callable[[Any], np.ndarray]]:
    try:
        gpu.compiled_for_host("sigmoid", "float32")
    except RuntimeError as error:
        if "there is no C++ compiler" not in str(error) or os.environ.get("CI"):  # where there has to be one
            raise
        pytest.skip(f"the kernels can't be run on the host: {error}")
    return gpu.compiled_for_host


#: In float64, SciPy's are good to some 1e-9 ulp of float32, which is plenty to judge float32 and float16 by.
IN_FLOAT64 = {
    "sigmoid": scipy.special.expit,
    "sigmoid_derivative": lambda x: scipy.special.expit(x) * scipy.special.expit(-x),
    "log_sigmoid": scipy.special.log_expit,
    "silu": lambda x: np.where(x == -np.inf, 0, x * scipy.special.expit(x)),
}

LARGEST = {  # ulp, as the module's docstring has it
    "sigmoid": {"float16": 0.5001, "float32": 0.62, "float64": 0.70},
    "sigmoid_derivative": {"float16": 0.5001, "float32": 0.62, "float64": 0.70},
    "log_sigmoid": {"float16": 0.5002, "float32": 0.65, "float64": 0.70},
    "silu": {"float16": 0.5001, "float32": 0.65, "float64": 0.75},
}


def short_error(name: str, values: np.ndarray, x: np.ndarray) -> float:
    """Largest error in ulp of float16 or float32 values; nan must be where it is due."""
    with np.errstate(all="ignore"):
        exact = IN_FLOAT64[name](x.astype(np.float64))
        assert_array_equal(np.isnan(values), np.isnan(x))
        finite = np.isfinite(exact.astype(values.dtype))
        assert_array_equal(values[~finite & ~np.isnan(x)], exact[~finite & ~np.isnan(x)].astype(values.dtype))
        info = np.finfo(values.dtype)
        last = np.maximum(np.frexp(exact[finite])[1] - 1, int(info.minexp)) - int(info.nmant)
        return float(np.abs(np.ldexp(values[finite].astype(np.float64) - exact[finite], -last)).max())


@each_name
def test_every_float16(name: str, host: Any) -> None:
    x = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    assert short_error(name, host(name, "float16")(x), x) <= LARGEST[name]["float16"]


def around(points: Any, dtype: str) -> np.ndarray:
    """Each point and its negative with their 200 neighbours."""
    points = np.asarray(points, dtype)
    near = points[:, None] + np.spacing(points)[:, None] * np.arange(-100, 101)
    return np.concatenate([near.ravel(), -near.ravel()]).astype(dtype)


#: Where a formula ends, a multiple of ln(2)/2 changes the reduction, the result is subnormal or becomes constant.
REDUCTION = [math.log(2) * (k + 0.5) for k in range(12)]
TURNS = {
    "float32": (
        *(1e-40, 2.0**-126, 1e-30, 1e-8, *REDUCTION, 16.64, 25.0, 60.0, 86.6, 87.34, 88.72, 92.0, 95.0),
        *(103.28, 103.97, 108.66, 120.0, 1e10),
    ),
    "float64": (
        *(1e-310, 2.0**-1022, 1e-30, *REDUCTION, 36.74, 45.0, 500.0, 707.7, 708.4, 709.78, 715.0, 740.0),
        *(744.44, 745.13, 751.7, 770.0, 1e10),
    ),
}


@each_name
def test_float32_at_a_stride_and_where_it_is_delicate(name: str, host: Any) -> None:
    strided = np.arange(0, 1 << 32, 2003).astype(np.uint32).view(np.float32)
    x = np.concatenate([strided, around(TURNS["float32"], "float32")])
    assert short_error(name, host(name, "float32")(x), x) <= LARGEST[name]["float32"]


@each_name
def test_float64_against_mpmath(name: str, host: Any) -> None:
    rng = np.random.default_rng(11)
    edges = (-746, -709.5, -37, -1, 1, 37, 746)
    x = np.concatenate(
        [
            *(rng.uniform(low, high, 250) for low, high in itertools.pairwise(edges)),
            np.ldexp(rng.uniform(-1, 1, 250), rng.integers(-1070, 0, 250)),
            around(TURNS["float64"], "float64")[::17],
            [0.0, 5e-324, -5e-324, 1e300, -1e300, np.inf, -np.inf, np.nan],
        ]
    )
    assert ulp_error(host(name, "float64")(x), EXACT[name], x).max() <= LARGEST[name]["float64"]


@each_dtype
def test_the_sigmoid_never_falls(dtype: str, host: Any) -> None:
    if dtype == "float16":
        x = np.arange(1 << 16).astype(np.uint16).view(np.float16)
        x = np.sort(x[~np.isnan(x)])
    else:
        points = [*TURNS[dtype], *np.random.default_rng(5).uniform(0, 40, 300), *np.geomspace(1e-9, 1, 300)]
        runs = around(points, dtype).reshape(-1, 201)
        x = np.sort(runs, axis=1)
    assert (np.diff(host("sigmoid", dtype)(x)) >= 0).all()


@each_dtype
def test_the_slope_is_even(dtype: str, host: Any) -> None:
    x = np.random.default_rng(6).normal(0, 9, 10_000).astype(dtype)
    slope = host("sigmoid_derivative", dtype)
    assert_array_equal(slope(x), slope(-x))
    assert slope([0.0]) == [0.25]


def test_a_kernel_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="there is no kernel 'tanh' for 'float32'"):
        gpu.compiled_for_host("tanh", "float32")


# NVIDIA's compiler


@pytest.fixture(scope="module")
def nvrtc() -> Any:
    try:
        library = importlib.import_module("cupy_backends.cuda.libs.nvrtc")
        library.getVersion()
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"NVIDIA's run-time compiler is not installed: {type(error).__name__}")
    return library


def compiled(nvrtc: Any, source: str, architecture: int) -> str:
    """Compile for real machine code, so that the whole compiler runs, and return the assembly text on the way."""
    program = nvrtc.createProgram(source, "gpu.cu", (), ())
    added = ("--device-as-default-execution-space",)  # by CuPy
    try:
        nvrtc.compileProgram(program, (*gpu._OPTIONS, *added, f"--gpu-architecture=sm_{architecture}"))
    except nvrtc.NVRTCError as error:
        raise AssertionError(nvrtc.getProgramLog(program)) from error
    return bytes(nvrtc.getPTX(program)).decode()


@pytest.mark.parametrize("architecture", [70, 80, 90, 100])
def test_kernels_compile(architecture: int, nvrtc: Any) -> None:
    if architecture not in nvrtc.getSupportedArchs():
        pytest.skip(f"the installed compiler knows no sm_{architecture}")
    ptx = compiled(nvrtc, KERNELS["sigmoid"].source, architecture)
    assert ".ftz" not in ptx  # subnormal numbers are kept
    entries = re.findall(r"\.entry (\w+)\(", ptx)
    assert sorted(entries) == sorted(f"{name}_{dtype}" for name in NAMES for dtype in DTYPES)


def test_operations_are_what_the_compiler_emits(nvrtc: Any) -> None:
    formats = {"float16": ("Short", "float", "f32"), "float32": ("", "float", "f32"), "float64": ("", "double", "f64")}
    source = KERNELS["sigmoid"].source
    for name in NAMES:
        for dtype, (prefix, number, _) in formats.items():
            function = prefix + name.title().replace("_", "")
            source += (
                f'\nextern "C" __global__ void one_{name}_{dtype}({number}* x) '
                f"{{ *x = {function}<{number}>::near(*x); }}"
            )
    ptx = compiled(nvrtc, source, 90)
    for name in NAMES:
        for dtype, (_, _, suffix) in formats.items():
            body = ptx.split(f".entry one_{name}_{dtype}(")[1].split("ret;")[0]
            assert "bra" not in body
            found = re.findall(rf"\b(?:add|sub|mul|fma)\.(?:rn\.)?{suffix}\b", body)
            assert len(found) == KERNELS[name].operations[dtype], (name, dtype)


# Why there is no GPU


class RuntimeFailure(RuntimeError):
    def __init__(self, status: int) -> None:
        super().__init__(f"code {status}")
        self.status = status


def runtime(*, driver: int = 13000, count: int | Exception = 1) -> Any:
    def devices() -> int:
        if isinstance(count, Exception):
            raise count
        return count

    return types.SimpleNamespace(
        CUDARuntimeError=RuntimeFailure,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: 13020,
        getDeviceCount=devices,
    )


def pretend(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "cupy", module)


def without_memory(error: Exception) -> Any:
    def empty(*_: Any) -> Any:
        raise error

    return types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime(), Device=Device), empty=empty)


class Device:
    def __init__(self, number: int = 0) -> None:
        self.id = number

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<device {self.id}>"


def test_cupy_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "cupy" else find_spec(name))
    assert not gpu.is_available()
    for call in (gpu.sigmoid, gpu.to_device, lambda x: gpu.apply_from_host(gpu.sigmoid, x)):
        with pytest.raises(GpuUnavailableError, match=r"^CuPy is not installed: .*pip install"):
            call([1.0])


def test_cupy_that_does_not_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cupy.py").write_text("raise ImportError('libnvrtc.so is\\nmissing')")
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert "can't be imported (libnvrtc.so is missing): install it anew" in str(gpu.why_unavailable())


def test_no_driver_on_this_machine() -> None:
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if cupy.cuda.runtime.driverGetVersion():
        pytest.skip("this machine has a driver")
    assert str(gpu.why_unavailable()).startswith("There is no NVIDIA driver on this machine: install one")
    with pytest.raises(GpuUnavailableError, match="no NVIDIA driver"):
        gpu.to_device([1.0])
    with pytest.raises(GpuUnavailableError, match="no NVIDIA driver"):
        gpu.silu(np.ones(3))


@pytest.mark.parametrize(
    ("state", "start", "remedy"),
    [
        (runtime(driver=0), "There is no NVIDIA driver", "install one"),
        (runtime(driver=12040, count=RuntimeFailure(35)), "The NVIDIA driver is too old: it knows CUDA 12.4", "update"),
        (runtime(count=RuntimeFailure(100)), "The NVIDIA driver is there, but it sees no device", "nvidia-smi"),
        (runtime(count=0), "The NVIDIA driver is there, but it sees no device", "CUDA_VISIBLE_DEVICES"),
        (runtime(count=RuntimeFailure(2)), "The memory of the GPU is full", "apply_from_host"),
        (runtime(count=RuntimeFailure(46)), "The GPU doesn't answer (code 46)", "nvidia-smi"),
    ],
)
def test_each_state_has_a_message(monkeypatch: pytest.MonkeyPatch, state: Any, start: str, remedy: str) -> None:
    pretend(monkeypatch, types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=state)))
    reason = gpu.why_unavailable()
    assert reason is not None
    assert reason.startswith(start)
    assert remedy in reason
    assert "\n" not in reason
    with pytest.raises(GpuMemoryError if "memory" in start else GpuUnavailableError):
        gpu.to_device([1.0])


@pytest.mark.parametrize("error", [MemoryError("out of memory"), RuntimeFailure(2)])
def test_a_card_without_memory(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    pretend(monkeypatch, without_memory(error))
    assert str(gpu.why_unavailable()).startswith("The memory of the GPU is full")
    with pytest.raises(MemoryError):
        gpu.to_device([1.0])


def test_what_is_on_the_host_stays_there() -> None:
    x = np.arange(3.0)
    assert gpu.to_host(x) is x
    assert_array_equal(gpu.to_host([1, 2]), [1, 2])


@pytest.mark.skipif(gpu.is_available(), reason="this machine has a GPU")
def test_the_benchmark_says_why_and_writes_nothing() -> None:
    script, file = ROOT / "benchmarks" / "gpu.py", ROOT / "book" / "_static" / "benchmarks" / "gpu.json"
    before = file.read_bytes() if file.exists() else None
    reason = gpu.why_unavailable()
    done = subprocess.run([sys.executable, script, "--write"], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout == f"Nothing was measured or written. {reason}\n"
    assert (file.read_bytes() if file.exists() else None) == before


# A stand-in for CuPy. Arrays are NumPy's behind the interface; launches are handed addresses and see raw memory; what
# is started on a stream happens when somebody waits for it, and not before.


class FakeStream:
    current: "FakeStream | None" = None

    def __init__(self, non_blocking: bool = False) -> None:
        self.queue: list[Callable[[], object]] = []
        self.outer: FakeStream | None = None

    def __enter__(self) -> "FakeStream":
        self.outer, FakeStream.current = FakeStream.current, self
        return self

    def __exit__(self, *_: object) -> None:
        FakeStream.current = self.outer

    def synchronize(self) -> None:
        while self.queue:
            self.queue.pop(0)()


def start(work: Callable[[], object]) -> None:
    """Do it, or line it up on the current stream."""
    if FakeStream.current is None:
        work()
    else:
        FakeStream.current.queue.append(work)


class FakeMemory:
    def __init__(self, array: np.ndarray) -> None:
        self.array, self.ptr = array, array.ctypes.data

    def copy_from_host_async(self, address: int, size: int, stream: FakeStream) -> None:
        stream.queue.append(lambda: ctypes.memmove(self.ptr, address, size))

    def copy_to_host_async(self, address: int, size: int, stream: FakeStream) -> None:
        stream.queue.append(lambda: ctypes.memmove(address, self.ptr, size))


class FakeArray:
    def __init__(self, array: np.ndarray, device: int = 0) -> None:
        self.array, self.device, self.data = array, Device(device), FakeMemory(array)

    def __getattr__(self, name: str) -> Any:
        if name in ("dtype", "shape", "strides", "size", "itemsize", "nbytes", "flags"):
            return getattr(self.array, name)
        raise AttributeError(name)

    def filled_later(self, dtype: Any, order: Any) -> "FakeArray":
        later = FakeArray(np.full_like(self.array, 113, dtype=dtype, order=order))
        start(lambda: np.copyto(later.array, self.array, casting="unsafe"))
        return later

    def astype(self, dtype: Any, copy: bool = True) -> "FakeArray":
        return self if not copy and dtype == self.dtype else self.filled_later(dtype, "K")

    def copy(self, order: Any = "C") -> "FakeArray":
        return self.filled_later(self.dtype, order)

    def __getitem__(self, key: Any) -> "FakeArray":
        return FakeArray(self.array[key])

    def __setitem__(self, key: Any, value: "FakeArray") -> None:
        start(lambda: self.array.__setitem__(key, value.array))


class FakeModule:
    """A compiled module. A launch covers as many elements as its blocks do, in raw memory, in no order."""

    launches = 0

    def load(self, options: tuple[str, ...]) -> None:
        assert "--fmad=false" in options
        assert not any("ftz" in option for option in options)
        defined = dict(o.removeprefix("--define-macro=").split("=") for o in options if "define" in o)
        self.threads, self.packs = int(defined["THREADS"]), int(defined["PACKS"])

    def get_function(self, function: str) -> Callable[..., None]:
        name, dtype = function.rsplit("_", 1)
        on_host = gpu.compiled_for_host(name, dtype)

        def launch(grid: tuple[int], block: tuple[int], arguments: tuple[FakeArray, FakeArray, np.uint64]) -> None:
            x, out, n = arguments
            assert block == (self.threads,)
            a_block = self.threads * self.packs * 16
            whole = int(n) * np.dtype(dtype).itemsize
            assert (grid[0] - 1) * a_block < whole  # no block for nothing
            FakeModule.launches += 1

            def run() -> None:
                for number in np.random.default_rng(1).permutation(grid[0]):
                    first = int(number) * a_block
                    size = min(a_block, whole - first)
                    result = on_host(np.frombuffer(ctypes.string_at(x.data.ptr + first, size), dtype))
                    ctypes.memmove(out.data.ptr + first, result.tobytes(), size)

            start(run)

        return launch


def fake_cupy() -> Any:
    module: Any = types.ModuleType("cupy")
    module.ndarray = FakeArray
    module.cuda = types.SimpleNamespace(
        runtime=runtime(),
        Device=Device,
        Stream=FakeStream,
        compiler=types.SimpleNamespace(compile_using_nvrtc=lambda source, options: (options, None)),
        function=types.SimpleNamespace(Module=FakeModule),
    )
    module.empty = lambda shape, dtype=float: FakeArray(np.full(shape, 113).astype(dtype))
    module.empty_like = lambda x: FakeArray(np.empty_like(x.array))
    module.ascontiguousarray = lambda x: x if x.flags.c_contiguous else x.copy()
    module.asnumpy = lambda x: x.array.copy()
    module.asarray = lambda x: FakeArray(np.array(x))
    module.may_share_memory = lambda x, y: np.may_share_memory(x.array, y.array)
    return module


@pytest.fixture(scope="class")  # for each test; Hypothesis refuses fixtures of scope "function"
def cupy(host: Any) -> Iterator[Any]:
    module = fake_cupy()
    pinned = types.SimpleNamespace(empty_pinned=lambda shape, dtype: np.full(shape, 113).astype(dtype))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", module)
        patch.setitem(sys.modules, "cupyx", pinned)
        yield module


@each_name
@pytest.mark.parametrize("dtype", [*DTYPES, "int8", "bool"])
def test_activations_run_the_kernel_on_cupy_arrays(name: str, dtype: str, cupy: Any, host: Any) -> None:
    x = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    launches = FakeModule.launches
    y = getattr(activations, name)(FakeArray(x))
    assert FakeModule.launches == launches + 1
    assert isinstance(y, FakeArray)
    result = dtype if dtype in DTYPES else "float64"
    assert y.dtype == result
    assert_array_equal(y.array, host(name, result)(x))
    out = FakeArray(np.empty((2, 3), result))
    assert getattr(activations, name)(FakeArray(x), out=out) is out
    assert_array_equal(out.array, y.array)


slices = st.tuples(st.integers(0, 3), st.sampled_from([1, 1, 2, -1, -2]))


def cut(array: np.ndarray, parts: list[tuple[int, int]], transposed: bool) -> np.ndarray:
    view = array[tuple(slice(None, None, step) if step < 0 else slice(first, None, step) for first, step in parts)]
    return view.T if transposed else view


@given(
    shape=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    parts=st.lists(slices, min_size=3, max_size=3),
    out_step=st.sampled_from([None, 1, 2, -1]),
    transposed=st.booleans(),
    fortran=st.booleans(),
    dtype=st.sampled_from(DTYPES),
)
@settings(deadline=None, max_examples=150)
def test_any_layout(
    cupy: Any,
    host: Any,
    shape: list[int],
    parts: list[tuple[int, int]],
    out_step: int | None,
    transposed: bool,
    fortran: bool,
    dtype: str,
) -> None:
    whole = np.random.default_rng(3).normal(0, 4, shape).astype(dtype)
    whole = np.asfortranarray(whole) if fortran else whole
    x = cut(whole, parts[: len(shape)], transposed)
    expected, before = host("silu", dtype)(x), whole.copy()
    if out_step is None:
        y = gpu.silu(FakeArray(x))
        assert y.shape == x.shape
    else:
        room = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), dtype)
        view = room[..., ::out_step][..., : x.shape[-1]]
        y = gpu.silu(FakeArray(x), out=FakeArray(view))
        assert np.count_nonzero(room) == np.count_nonzero(view)  # nothing beside it was written
    assert_array_equal(y.array, expected)
    assert_array_equal(whole, before)


@given(
    n=st.integers(0, 20_000) | st.sampled_from([2048, 4096, 6144]),  # whole blocks
    shift=st.integers(-3, 3),
    step=st.sampled_from([1, 2, -1]),
)
@settings(deadline=None, max_examples=60)
def test_out_may_be_x_and_may_overlap_it(cupy: Any, host: Any, n: int, shift: int, step: int) -> None:
    memory = np.random.default_rng(4).normal(0, 4, 2 * n + 8).astype(np.float32)
    x = memory[4 : 4 + n]
    out = memory[4 + shift :][:n][::step] if step != 2 else memory[4 + shift :][: 2 * n : 2]
    expected = host("sigmoid", "float32")(x)
    gpu.sigmoid(FakeArray(x), out=FakeArray(out))
    assert_array_equal(out, expected)


def test_zero_dimensions_and_none_at_all(cupy: Any, host: Any) -> None:
    y = gpu.sigmoid(FakeArray(np.array(-1.0)))
    assert y.shape == ()
    assert y.array == host("sigmoid", "float64")([-1.0])
    launches = FakeModule.launches
    assert gpu.sigmoid(FakeArray(np.empty((2, 0)))).shape == (2, 0)
    assert FakeModule.launches == launches  # an empty grid is an error in CUDA


def test_out_that_does_not_fit(cupy: Any) -> None:
    x = FakeArray(np.zeros(3, np.float32))
    with pytest.raises(TypeError, match=r"^sigmoid: x is a CuPy array, so out must be one too, not ndarray"):
        activations.sigmoid(x, out=np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=r"^sigmoid: out has shape \(4,\), but x has shape \(3,\)"):
        gpu.sigmoid(x, out=FakeArray(np.zeros(4, np.float32)))
    with pytest.raises(ValueError, match=r"^sigmoid: out has dtype float64, but the result is float32"):
        gpu.sigmoid(x, out=FakeArray(np.zeros(3)))
    with pytest.raises(ValueError, match=r"^sigmoid: out is on <device 1>, but x is on <device 0>"):
        gpu.sigmoid(x, out=FakeArray(np.zeros(3, np.float32), device=1))


def test_what_the_kernels_do_not_take(cupy: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^silu: x is a numpy\.ndarray, .*course_lib\.gpu\.to_device.*activations\.silu"
    ):
        gpu.silu(np.zeros(3))
    with pytest.raises(TypeError, match=r"^silu takes .*, not complex128: take x.real"):
        gpu.silu(FakeArray(np.zeros(3, complex)))
    with pytest.raises(TypeError, match=r"^to_device takes .*, not <U1"):
        gpu.to_device(["a"])


def test_there_and_back(cupy: Any) -> None:
    x = np.arange(6, dtype=">f4").reshape(2, 3)
    on_device = gpu.to_device(x)
    assert isinstance(on_device, FakeArray)
    assert gpu.to_device(on_device) is on_device
    assert_array_equal(gpu.to_host(on_device), x)


def test_a_result_without_room(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise MemoryError

    x = FakeArray(np.zeros(1000))
    monkeypatch.setattr(cupy, "empty_like", full)
    with pytest.raises(GpuMemoryError, match="no room for the 8,000 bytes of the result of sigmoid"):
        gpu.sigmoid(x)
    monkeypatch.setattr(cupy, "asarray", full)
    with pytest.raises(GpuMemoryError, match="no room for the 80 bytes of x"):
        gpu.to_device(np.zeros(10))


def late(x: FakeArray) -> FakeArray:
    """A function whose result is there when its stream has been waited for."""
    y = FakeArray(np.full(x.shape, -1.0))
    start(lambda: np.multiply(x.array, 2.0, out=y.array))
    return y


@given(
    n=st.integers(0, 300),
    chunk=st.integers(1, 400),
    layout=st.sampled_from(["c", "fortran", "strided", "reversed"]),
    given_out=st.sampled_from([None, "c", "strided", "itself"]),
)
@settings(deadline=None, max_examples=200)
def test_chunks_through_two_streams(cupy: Any, n: int, chunk: int, layout: str, given_out: str | None) -> None:
    values = np.random.default_rng(8).normal(size=(n, 2))
    x = {
        "c": lambda: values.copy(),
        "fortran": lambda: np.asfortranarray(values),
        "strided": lambda: np.repeat(values, 2, axis=0)[::2],
        "reversed": lambda: values[::-1].copy()[::-1],
    }[layout]()
    out = {None: None, "c": np.empty((n, 2)), "strided": np.empty((n, 4))[:, ::2], "itself": x}[given_out]
    expected = 2 * values
    y = gpu.apply_from_host(late, x, out, chunk_bytes=8 * chunk)
    assert out is None or y is out
    assert_array_equal(y, expected)


def test_kernels_from_the_host(cupy: Any, host: Any) -> None:
    x = np.random.default_rng(9).normal(0, 5, 5000).astype(np.float16)
    assert_array_equal(gpu.apply_from_host(activations.silu, x, chunk_bytes=1000), host("silu", "float16")(x))
    counts = np.arange(-300, 300)
    y = gpu.apply_from_host(gpu.sigmoid, counts, chunk_bytes=800)
    assert_array_equal(y, host("sigmoid", "float64")(counts))


def test_apply_from_host_refuses(cupy: Any) -> None:
    x = np.arange(8.0)
    with pytest.raises(TypeError, match="function must return a CuPy array, not ndarray"):
        gpu.apply_from_host(lambda chunk: chunk.array, x)
    with pytest.raises(ValueError, match=r"from shape \(4,\) it made \(2,\)"):
        gpu.apply_from_host(lambda chunk: chunk[:2], x, chunk_bytes=32)
    with pytest.raises(ValueError, match="chunk_bytes is 7, but an element of x has 8 bytes"):
        gpu.apply_from_host(late, x, chunk_bytes=7)
    with pytest.raises(ValueError, match="out has shape"):
        gpu.apply_from_host(late, x, np.empty(7))
    with pytest.raises(ValueError, match="out has dtype float32, but the result is float64"):
        gpu.apply_from_host(late, x, np.empty(8, np.float32))
    with pytest.raises(ValueError, match="out overlaps x without being x"):
        gpu.apply_from_host(late, x[:6], x[2:])
    with pytest.raises(TypeError, match="complex"):
        gpu.apply_from_host(late, x.astype(complex))
    assert_array_equal(x, np.arange(8.0))


def test_chunks_without_room(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = cupy.empty

    def small(shape: int, dtype: Any = float) -> Any:
        if shape > 1:
            raise MemoryError
        return empty(shape, dtype)

    monkeypatch.setattr(cupy, "empty", small)
    with pytest.raises(GpuMemoryError, match="two chunks of 32 bytes and their results; a smaller chunk_bytes may do"):
        gpu.apply_from_host(late, np.arange(8.0), chunk_bytes=32)


# On a real card


@on_a_card
@each_name
@each_dtype
def test_a_card_gives_the_bits_of_the_host(name: str, dtype: str, host: Any) -> None:
    rng = np.random.default_rng(12)
    if dtype == "float16":
        x = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    elif dtype == "float32":
        x = np.concatenate([np.arange(0, 1 << 32, 503).astype(np.uint32).view(np.float32), around(TURNS[dtype], dtype)])
    else:
        scale = np.ldexp(1.0, rng.integers(-1070, 11, 1_000_000))
        x = np.concatenate([rng.uniform(-760, 760, 1_000_000), rng.uniform(-1, 1, 1_000_000) * scale])
        x = np.concatenate([x, around(TURNS[dtype], dtype)])
    y = gpu.to_host(getattr(gpu, name)(gpu.to_device(x)))
    assert_array_equal(y, host(name, dtype)(x))


@on_a_card
@each_dtype
@pytest.mark.parametrize("n", [0, 1, 7, 8, 4095, 4096, 4097, 100_003])
def test_sizes_and_alignments_on_a_card(dtype: str, n: int) -> None:
    x = np.random.default_rng(13).normal(0, 4, n + 3).astype(dtype)
    on_card = gpu.to_device(x)
    expected = gpu.to_host(gpu.sigmoid(on_card))
    for first in range(4):
        part = on_card[first : first + n]
        assert_array_equal(gpu.to_host(gpu.sigmoid(part)), expected[first : first + n])
        out = gpu.to_device(np.full(n + 3, 9, dtype))
        gpu.sigmoid(part, out=out[first : first + n])
        assert_array_equal(gpu.to_host(out[first : first + n]), expected[first : first + n])
        assert (gpu.to_host(out)[:first] == 9).all()
        assert (gpu.to_host(out)[first + n :] == 9).all()


@on_a_card
@each_dtype
def test_layouts_on_a_card(dtype: str) -> None:
    cupy: Any = importlib.import_module("cupy")
    x = np.random.default_rng(14).normal(0, 4, (6, 50, 40)).astype(dtype)
    on_card = gpu.to_device(x)
    y = gpu.to_host(gpu.silu(on_card))
    assert_array_equal(gpu.to_host(gpu.silu(on_card[::2, ::-1, 3:])), y[::2, ::-1, 3:])
    assert_array_equal(gpu.to_host(gpu.silu(on_card.T)), y.T)
    assert_array_equal(gpu.to_host(activations.silu(on_card.transpose(1, 0, 2))), y.transpose(1, 0, 2))
    zero = activations.silu(on_card[0, 0, 0])
    assert isinstance(zero, cupy.ndarray)
    assert zero.shape == ()
    flat = on_card.ravel()
    gpu.silu(flat[:-1], out=flat[1:])
    assert_array_equal(gpu.to_host(flat[1:]), y.ravel()[:-1])
    assert activations.silu(on_card, out=on_card) is on_card


@on_a_card
def test_more_than_the_card_may_hold() -> None:
    cupy: Any = importlib.import_module("cupy")
    pool = cupy.get_default_memory_pool()
    x = np.random.default_rng(15).normal(0, 4, 1 << 24).astype(np.float32)
    pool.free_all_blocks()
    before = pool.get_limit()
    pool.set_limit(size=pool.used_bytes() + (24 << 20))
    try:
        with pytest.raises(GpuMemoryError, match="no room for the 67,108,864 bytes of x"):
            gpu.to_device(x)
        y = gpu.apply_from_host(gpu.sigmoid, x, chunk_bytes=4 << 20)
        with pytest.raises(GpuMemoryError, match="a smaller chunk_bytes may do"):
            gpu.apply_from_host(gpu.sigmoid, x, chunk_bytes=32 << 20)
    finally:
        pool.set_limit(size=before)
    assert_array_equal(y, gpu.to_host(gpu.sigmoid(gpu.to_device(x))))
