"""Measure the kernels of `course_lib.gpu`: their speed on a card, and their error, for which no card is needed.

    .venv/bin/python benchmarks/gpu.py [--quick] [--write]
    .venv/bin/python benchmarks/gpu.py --host [--quick]

On a card each function is timed against copying the same array on the device, against `cupyx.scipy.special` where it
has the function, and against the form written with CuPy's operators, which is a kernel for each. The contestants of a
line take turns; CUDA events time them; a number is the median over the rounds of a ratio within a round. Arrays of 256
MB and more don't fit into any cache. With --write the figures go to book/_static/benchmarks/gpu.json. Without a card
this says what is missing and writes nothing.

With --host the kernels' arithmetic is compiled for this machine, which gives the bits that a card gives, and judged by
mpmath: every float16, every float32 of magnitude 2^-30 to 2^7 (of the others each 97th), and float64 at random points
of each region and around every turning point.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib
import itertools
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from accuracy import LINE, OUT, SIEVE, _rough_errors, ends, falls, plain, region_points, show, turning_points, worst
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from course_lib import gpu
from course_lib.measure import EXACT, ulp_error

DTYPES = ("float16", "float32", "float64")
FILE = OUT / "gpu.json"

Function = Callable[[NDArray[Any]], NDArray[Any]]


# Error


#: Magnitudes of float32 within which every number is tried. Outside the functions are straight lines, or 0.
DENSE = (2.0**-30, 2.0**7)


def pieces(dtype: str, step: int) -> list[range]:
    """Bit patterns of float16 or float32 in pieces of at most 2^20, each of one sign: every `step`-th of them.

    Far fewer of float32 outside `DENSE`.
    """
    bits = 8 * np.dtype(dtype).itemsize
    cuts = [0, 1 << (bits - 1)]
    if dtype == "float32":
        low, high = (int(np.float32(magnitude).view(np.uint32)) for magnitude in DENSE)
        cuts = [0, low, high, 1 << 31]
    found = []
    for sign in (0, 1 << (bits - 1)):
        for part, (first, last) in enumerate(itertools.pairwise(cuts)):
            stride = step if len(cuts) == 2 or part == 1 else max(step, 97)
            length = stride << 20
            found += [
                range(sign + start, sign + min(start + length, last), stride) for start in range(first, last, length)
            ]
    return found


def error_of_all(name: str, function: Function, dtype: str, step: int, advance: Callable[[], None]) -> dict[str, Any]:
    """Largest error over a short dtype, nan being right only for nan, and how often the values fall."""
    largest, count, fallen = 0.0, 0, 0
    before = math.nan
    for piece in pieces(dtype, step):
        x = np.arange(piece.start, piece.stop, piece.step).astype(f"uint{8 * np.dtype(dtype).itemsize}").view(dtype)
        values = function(x)
        numbers = ~np.isnan(x)
        if not np.array_equal(np.isnan(values), ~numbers):
            largest = math.inf
        x, values = x[numbers], values[numbers]
        count += x.size
        advance()
        if not x.size:
            continue
        with np.errstate(all="ignore"):
            errors = _rough_errors(values, SIEVE[name](x.astype(np.float64)))
        # The sieve computes in float64; mpmath is asked only where it could be worse than what is known.
        if not errors.max() <= largest - 1e-6:
            doubtful = np.argpartition(errors, -8)[-8:] if x.size > 8 else slice(None)
            largest = max(largest, float(ulp_error(values[doubtful], EXACT[name], x[doubtful]).max()))
        # Bit patterns lead away from zero: up for positive numbers, down for negative ones.
        if x[0] == 0:
            before = math.nan
        steps = np.diff(values.astype(np.float64), prepend=before)
        fallen += int(((steps > 0) if np.signbit(x[0]) else (steps < 0)).sum())
        before = float(values[-1])
    return {"max_ulp": largest, "inputs": count, "falls": fallen}


def error_in_float64(name: str, function: Function, points: int) -> dict[str, Any]:
    """Largest error in each region, and how often the values fall on runs of neighbouring numbers."""
    regions = {}
    for region, (low, high) in LINE.items():
        near = turning_points(low, high)
        regions[region] = max(
            worst(name, function, region_points(low, high, points)), worst(name, function, near, kept=10_000)
        )
    regions["0, ∞, nan"] = worst(name, function, ends(name))
    counted = falls(name, function, points)
    inputs = len(LINE) * points
    return {"max_ulp": max(regions.values()), "inputs": inputs, "regions": regions, "falls": counted["falls"]}


def errors(function_for: Callable[[str, str], Function], *, quick: bool, every_float32: bool) -> list[dict[str, Any]]:
    """Measure every kernel; `function_for` gives it as a function of NumPy arrays."""
    step = 997 if quick or not every_float32 else 1
    results = []
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        for name in gpu.KERNELS:
            for dtype in DTYPES:
                function = function_for(name, dtype)
                if dtype == "float64":
                    result = error_in_float64(name, function, 50_000 if quick else 1_000_000)
                else:
                    stride = step if dtype == "float32" else 1
                    task = progress.add_task(f"{name}, {dtype}", total=len(pieces(dtype, stride)))
                    advance = functools.partial(progress.advance, task)
                    result = error_of_all(name, function, dtype, stride, advance)
                    progress.remove_task(task)
                results.append({"function": name, "dtype": dtype, **result})
    return results


def show_errors(results: list[dict[str, Any]]) -> None:
    """Print the largest errors in ulp, and float64's by region."""
    rows = [["largest error, ulp", "dtype", "error", "inputs", "falls"]]
    for r in results:
        fallen = f"{r['falls']:,}" if r["function"] in ("sigmoid", "log_sigmoid") else ""
        rows.append([r["function"], r["dtype"], f"{r['max_ulp']:.4f}", f"{r['inputs']:,}", fallen])
    show(rows)
    in_float64 = [r for r in results if r["dtype"] == "float64"]
    rows = [["float64", *in_float64[0]["regions"]]]
    rows += [[r["function"], *(f"{error:.3f}" for error in r["regions"].values())] for r in in_float64]
    show(rows)


# Speed


def unfused(cupy: Any, name: str) -> Callable[[Any], Any]:
    """Write a function with CuPy's operators, as one would who has no kernel: each operator is one."""
    return {
        "sigmoid": lambda x: 1 / (1 + cupy.exp(-x)),
        "sigmoid_derivative": lambda x: (s := 1 / (1 + cupy.exp(-x))) * (1 - s),
        "log_sigmoid": lambda x: cupy.minimum(x, 0) - cupy.log1p(cupy.exp(-cupy.abs(x))),
        "silu": lambda x: x / (1 + cupy.exp(-x)),
    }[name]


def event_seconds(cupy: Any, call: Callable[[], object], repeats: int) -> float:
    """Seconds that one call takes on the device, by events around `repeats` of them."""
    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    for _ in range(repeats):
        call()
    stop.record()
    stop.synchronize()
    return float(cupy.cuda.get_elapsed_time(start, stop)) / 1e3 / repeats


def in_turn(cupy: Any, calls: Mapping[str, Callable[[], object]], rounds: int, repeats: int) -> dict[str, list[float]]:
    """Time the calls in turn, once warm."""
    for call in calls.values():
        call()
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    shuffle = np.random.default_rng(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            seconds[name].append(event_seconds(cupy, calls[name], repeats))
    return seconds


def ratio(above: list[float], below: list[float]) -> float:
    """Median over the rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def speeds(cupy: Any, sizes: Iterable[int], rounds: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Time every kernel at arrays of so many bytes; also the bandwidth of the copy at the largest."""
    special = importlib.import_module("cupyx.scipy.special")
    peers = {"sigmoid": special.expit, "log_sigmoid": special.log_expit}
    rows, bandwidth = [], {}
    logits = np.random.default_rng(0).normal(0, 4, 1 << 20)
    for dtype in DTYPES:
        for size in sizes:
            elements = size // np.dtype(dtype).itemsize
            x = gpu.to_device(np.resize(logits.astype(dtype), elements))
            out = cupy.empty_like(x)
            repeats = max(1, min(100, (1 << 30) // size))
            for name in gpu.KERNELS:
                form = unfused(cupy, name)
                calls: dict[str, Callable[[], object]] = {
                    "copy": lambda x=x, out=out: out.data.copy_from_device_async(x.data, x.nbytes),
                    "ours": lambda name=name, x=x, out=out: getattr(gpu, name)(x, out=out),
                    "unfused": lambda form=form, x=x: form(x),
                }
                if name in peers:
                    calls["expit"] = lambda peer=peers[name], x=x: peer(x)
                seconds = in_turn(cupy, calls, rounds, repeats)
                rows.append(
                    {
                        "function": name,
                        "dtype": dtype,
                        "elements": elements,
                        "seconds": statistics.median(seconds["ours"]),
                        "bandwidth_share": ratio(seconds["copy"], seconds["ours"]),
                        "over_expit": ratio(seconds["expit"], seconds["ours"]) if name in peers else None,
                        "over_unfused": ratio(seconds["unfused"], seconds["ours"]),
                    }
                )
                if name == "sigmoid" and size == max(sizes):
                    bandwidth[dtype] = 2 * size / statistics.median(seconds["copy"])
            del x, out, calls
            cupy.get_default_memory_pool().free_all_blocks()
    return rows, bandwidth


def wall_seconds(cupy: Any, call: Callable[[], object], rounds: int) -> float:
    """Median of the seconds until a call and everything it started is done."""
    call()
    seconds = []
    for _ in range(rounds):
        cupy.cuda.runtime.deviceSynchronize()
        start = time.perf_counter()
        call()
        cupy.cuda.runtime.deviceSynchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def transfers(cupy: Any, size: int, rounds: int) -> dict[str, float]:
    """Bytes a second between host and device; of `overlapped`, bytes of the input, there, computed and back."""
    pinned = importlib.import_module("cupyx").empty_pinned(size // 4, np.float32)
    pinned[:] = 1
    pageable = np.ones(size // 4, np.float32)
    back = np.empty_like(pageable)
    x = cupy.empty(size // 4, cupy.float32)
    calls: dict[str, Callable[[], object]] = {
        "to_device_pageable": lambda: x.set(pageable),
        "to_device_pinned": lambda: x.data.copy_from_host_async(pinned.ctypes.data, size),
        "to_host_pinned": lambda: x.data.copy_to_host_async(pinned.ctypes.data, size),
        "overlapped": lambda: gpu.apply_from_host(gpu.sigmoid, pageable, out=back),
    }
    return {name: size / wall_seconds(cupy, call, rounds) for name, call in calls.items()}


def launch_seconds(cupy: Any) -> float:
    """Seconds a kernel on one element takes in a long row of them: what starting one costs."""
    x = cupy.ones(1, cupy.float32)

    def row() -> None:
        for _ in range(1000):
            gpu.sigmoid(x, out=x)

    return wall_seconds(cupy, row, 5) / 1000


def driver_version(cupy: Any) -> str:
    """Return the driver's own number, or the CUDA it knows where nvidia-smi is not at hand."""
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        said = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
        if said:
            return said[0]
    return f"CUDA {cuda_version(cupy.cuda.runtime.driverGetVersion())}"


def cuda_version(number: int) -> str:
    """Write CUDA's way of numbering with a point."""
    return f"{number // 1000}.{number % 1000 // 10}"


def on_card(*, quick: bool) -> dict[str, Any]:
    """Everything that gpu.json says."""
    cupy: Any = importlib.import_module("cupy")
    free = cupy.cuda.runtime.memGetInfo()[0]
    sizes = [s for s in (1 << 16, 1 << 20, 1 << 24, 1 << 28, 1 << 30) if 12 * s < free and (not quick or s <= 1 << 28)]
    rounds = 5 if quick else 21
    rows, bandwidth = speeds(cupy, sizes, rounds)

    def function_for(name: str, dtype: str) -> Function:
        return lambda x: gpu.to_host(getattr(gpu, name)(gpu.to_device(x)))

    measured = errors(function_for, quick=quick, every_float32=False)
    show_errors(measured)
    return {
        "device": cupy.cuda.runtime.getDeviceProperties(0)["name"].decode(),
        "driver": driver_version(cupy),
        "cupy": cupy.__version__,
        "cuda": cuda_version(cupy.cuda.runtime.runtimeGetVersion()),
        "numpy": np.__version__,
        "date": datetime.date.today().isoformat(),
        "copy_bandwidth": bandwidth,
        "functions": rows,
        "transfers": transfers(cupy, sizes[-1], rounds),
        "launch_seconds": launch_seconds(cupy),
        "ulp": [{key: r[key] for key in ("function", "dtype", "max_ulp", "inputs")} for r in measured],
    }


def show_card(data: Mapping[str, Any]) -> None:
    """Print the tables of a card."""
    rows = [["", "dtype", "MB", "ms", "of copy", "x cupyx", "x unfused"]]
    for r in data["functions"]:
        size = r["elements"] * np.dtype(r["dtype"]).itemsize
        peer = "" if r["over_expit"] is None else f"{r['over_expit']:.2f}"
        times = (f"{size / 1e6:.3g}", f"{r['seconds'] * 1e3:.4g}", f"{r['bandwidth_share']:.0%}")
        rows.append([r["function"], r["dtype"], *times, peer, f"{r['over_unfused']:.2f}"])
    show(rows)
    show([["copy", "GB/s"], *([dtype, f"{b / 1e9:,.0f}"] for dtype, b in data["copy_bandwidth"].items())])
    show([["transfer", "GB/s"], *([name, f"{b / 1e9:.1f}"] for name, b in data["transfers"].items())])
    print(
        f"A launch takes {data['launch_seconds'] * 1e6:.1f} µs. {data['device']}, driver {data['driver']}, CUDA "
        f"{data['cuda']}, CuPy {data['cupy']}, NumPy {data['numpy']}, {data['date']}."
    )


def main() -> int:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", action="store_true", help="measure the error of every kernel, without a card")
    parser.add_argument("--quick", action="store_true", help="fewer points and rounds")
    parser.add_argument("--write", action="store_true", help=f"write what a card showed to {FILE.name}")
    arguments = parser.parse_args()
    if arguments.host:
        if arguments.write:
            parser.error("--write is for what was measured on a card, and --host measures without one")
        try:
            gpu.compiled_for_host("sigmoid", "float32")
        except RuntimeError as error:
            print(f"Nothing was measured: {error}.")
            return 2
        show_errors(errors(gpu.compiled_for_host, quick=arguments.quick, every_float32=True))
        return 0
    reason = gpu.why_unavailable()
    if reason is not None:
        print(f"Nothing was measured{' or written' if arguments.write else ''}. {reason}")
        return 2 if arguments.write else 0
    data = on_card(quick=arguments.quick)
    show_card(data)
    if arguments.write:
        FILE.write_text(json.dumps(plain(data), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"Written to {FILE.relative_to(OUT.parents[2])}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
