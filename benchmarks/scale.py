"""Measure what chapter 8 shows: noise, passes over memory, blocks, caches of results, files, dask, matrix products.

    .venv/bin/python benchmarks/scale.py [--quick] [--write]

Processor and memory are measured twice on one thread, with AVX-512 and without, each in a process of its own because
NumPy chooses its instructions when it loads. Contestants are timed in turn, and a ratio is the median over the rounds
of the ratio within a round. The rest is measured once:

- noise: one call, timed again and again, while other processes work now and then. The series is stored as it is, so
  that the chapter can try ways to evaluate it;
- files: largest resident memory, and time, of a process that transforms a .npy file, in three ways (on Linux);
- dask: the time for an array that fits into memory, against the number of chunks.

With --write the book's file book/_static/benchmarks/scale.json is written.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import OUT, describe, machine, show, write
from numpy.typing import NDArray
from recurrent import SHAPES, products
from rich.progress import track
from speed import avx512, environment, number, thread_count

from course_lib.activations import sigmoid
from course_lib.measure import SpeedComparison, compare_speed
from course_lib.recurrent import LSTM
from course_lib.variants import cached_sigmoid, lookup_sigmoid, naive_sigmoid

SETTINGS = {"one-thread": "one thread", "without-avx512": "one thread, without AVX-512"}
COPY = "np.copyto"
SMALL, LARGE = 2**14, 2**24  # float64 of 128 KiB, for the second-level cache, and of 128 MiB, for none
BLOCKS = tuple(2**k for k in range(7, 25))
CHUNKS = tuple(2**k for k in range(0, 13, 2))
#: What an exponential is counted as. A polynomial, the reduction before it and the scaling after it take NumPy's
#: versions between 15 and 30 multiplications and additions.
EXP_OPERATIONS = 20

Array = NDArray[Any]


# Passes and blocks


def in_place(x: Array, out: Array) -> None:
    """Compute the naive sigmoid in four passes, without a temporary."""
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(1, out, out=out)


def in_blocks(x: Array, out: Array, block: int) -> None:
    """Do the same, a block at a time."""
    for start in range(0, x.size, block):
        in_place(x[start : start + block], out[start : start + block])


def stable_in_blocks(x: Array, out: Array, block: int, small: Array, positive: Array) -> None:
    """Compute the form that never overflows, in seven passes with two temporaries, a block at a time."""
    for start in range(0, x.size, block):
        part, result = x[start : start + block], out[start : start + block]
        e, sign = small[: part.size], positive[: part.size]
        np.abs(part, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)
        np.greater_equal(part, 0, out=sign)
        np.maximum(e, sign, out=result)
        np.add(e, 1, out=e)
        np.divide(result, e, out=result)


def inputs(size: int, dtype: str = "float64") -> tuple[Array, Array]:
    """Numbers of both signs, and a place for results that has been written to before."""
    x = np.random.default_rng(0).normal(0, 4, size).astype(dtype)
    return x, np.ones_like(x)


def passes(size: int, rounds: int) -> dict[str, Any]:
    """Time each step of the naive formula by itself, and the formula in four ways, in multiples of a copy."""
    x, out = inputs(size)
    calls = {
        COPY: lambda: np.copyto(out, x),
        "negative": lambda: np.negative(x, out=out),
        "exp": lambda: np.exp(x, out=out),
        "add": lambda: np.add(x, 1, out=out),
        "add, in place": lambda: np.add(out, 1, out=out),
        "divide": lambda: np.divide(1, x, out=out),
        "negative, new array": lambda: np.negative(x),
        "new arrays": lambda: naive_sigmoid(x),
        "in place": lambda: in_place(x, out),
        "in blocks": lambda: in_blocks(x, out, SMALL),
        "course_lib, out=": lambda: sigmoid(x, out=out),
    }
    with np.errstate(divide="ignore"):
        speed = compare_speed(calls, rounds=rounds)
    return {"copies": speed.ratios, "seconds": speed.seconds}


def blocks(size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Sweep the size of a block, in multiples of a copy of the whole array."""
    found = {}
    for name, dtype in (("naive", "float64"), ("stable", "float64"), ("naive", "float32")):
        x, out = inputs(size, dtype)
        form: Callable[[Array, Array, int], None] = in_blocks
        if name == "stable":
            form = partial(stable_in_blocks, small=np.ones_like(x), positive=np.ones(size, bool))
        calls: dict[str, Callable[[], object]] = {COPY: partial(np.copyto, out, x)}
        calls |= {str(block): partial(form, x, out, block) for block in BLOCKS if block <= size}
        ratios = compare_speed(calls, rounds=rounds).ratios
        found[f"{name}, {dtype}"] = {block: ratio for block, ratio in ratios.items() if block != COPY}
    return found


# Remembered results


def remembered(rounds: int) -> dict[str, Any]:
    """Time a cache of rounded inputs, at its best, and a table, against computing. Seconds are for one number."""
    x, _ = inputs(10_000)
    calls = {
        "naive": lambda: naive_sigmoid(x),
        "table": lambda: lookup_sigmoid(x),
        "cache": lambda: cached_sigmoid(x),  # compare_speed calls once before it times, so every number is there
    }
    speed = compare_speed(calls, rounds=rounds)
    return {"ratios": speed.ratios, "seconds": {name: time / x.size for name, time in speed.seconds.items()}}


# Operations and bytes


def intensities(size: int, rounds: int) -> list[dict[str, Any]]:
    """Time work of different intensity: what is done with each byte that has to be moved."""
    rng = np.random.default_rng(0)
    x, out = inputs(size)
    rows, columns = 2**16, 128
    features, weights = rng.normal(size=(rows, columns)), rng.normal(size=columns)
    cases: list[tuple[str, float, float, Callable[[], object]]] = [
        ("add 1", size, 16 * size, lambda: np.add(x, 1, out=out)),
        ("sigmoid", (EXP_OPERATIONS + 3) * size, 16 * size, lambda: in_blocks(x, out, SMALL)),
        ("matrix × vector", 2 * rows * columns, 8 * rows * columns, lambda: features @ weights),
        ("Hessian", 2 * rows * columns**2, 8 * rows * columns, lambda: features.T @ features),
    ]
    for n in (16, 64, 256, 1024):
        a, b, c = (rng.normal(size=(n, n)) for _ in range(3))
        cases.append((f"matrix × matrix, {n}", 2 * n**3, 3 * 8 * n**2, partial(np.matmul, a, b, out=c)))
    speed = compare_speed({name: call for name, _, _, call in cases}, rounds=rounds)
    return [
        {"work": name, "operations": operations, "bytes": moved, "seconds": speed.seconds[name]}
        for name, operations, moved, _ in cases
    ]


def newton_shares(rounds: int) -> dict[str, float]:
    """Find what each part of one Newton step of a logistic regression takes, as a share of their sum."""
    rng = np.random.default_rng(0)
    rows, columns, block = 100_000, 50, 4096
    features = rng.normal(size=(rows, columns))
    weights, labels = rng.normal(size=columns), rng.integers(0, 2, rows).astype(float)
    score, p, scaled = np.empty(rows), np.empty(rows), np.empty((block, columns))
    sigmoid(features @ weights, out=p)

    def curvature() -> Array:
        total = np.zeros((columns, columns))
        for start in range(0, rows, block):
            part, s = features[start : start + block], p[start : start + block]
            np.multiply(part, (s * (1 - s))[:, None], out=scaled[: len(part)])
            total += scaled[: len(part)].T @ part
        return total

    total = curvature()
    calls = {
        "scores": lambda: np.matmul(features, weights, out=score),
        "sigmoid": lambda: sigmoid(score, out=p),
        "gradient": lambda: features.T @ (p - labels),
        "Hessian": curvature,
        "solve": lambda: np.linalg.solve(total, weights),
    }
    np.matmul(features, weights, out=score)
    return shares(compare_speed(calls, rounds=rounds))


def shares(speed: SpeedComparison) -> dict[str, float]:
    """Turn median times into shares of their sum."""
    total = sum(speed.seconds.values())
    return {name: seconds / total for name, seconds in speed.seconds.items()}


def lstm_shares(rounds: int) -> list[dict[str, Any]]:
    """Find the share of matrix products, and of activations, in an LSTM's way forward and back."""
    found = []
    for dtype in (np.float64, np.float32):
        for steps, batch, size, hidden in SHAPES:
            rng = np.random.default_rng(0)
            layer = LSTM(size, hidden, dtype=dtype, seed=0)
            x = rng.standard_normal((steps, batch, size)).astype(dtype)
            dy = rng.standard_normal((steps, batch, hidden)).astype(dtype)
            sums = rng.standard_normal((batch, 5 * hidden)).astype(dtype)  # four gates and the cell
            out = np.empty_like(sums)

            def whole(layer: LSTM = layer, x: Array = x, dy: Array = dy) -> None:
                layer.forward(x)
                layer.backward(dy)

            def activations(steps: int = steps, sums: Array = sums, out: Array = out) -> None:
                for _ in range(steps):
                    np.tanh(sums, out=out)

            calls = {"whole": whole, "products": products(layer, steps, batch), "activations": activations}
            ratios = compare_speed(calls, baseline="whole", rounds=rounds).ratios
            shape = {"steps": steps, "batch": batch, "inputs": size, "hidden": hidden}
            found.append({"dtype": np.dtype(dtype).name} | shape | ratios)
    return found


# Noise


def neighbour(seed: int) -> None:
    """Copy memory for a while, rest for a while, and so on until ended."""
    rng = random.Random(seed)
    data = np.ones(2**22)
    target = np.empty_like(data)
    while True:
        end = time.perf_counter() + rng.expovariate(1 / 0.15)
        while time.perf_counter() < end:
            np.copyto(target, data)
        time.sleep(rng.expovariate(1 / 0.3))


def noise(count: int) -> dict[str, list[float]]:
    """Time one call again and again, first alone, then with one neighbour for each processor. In seconds."""
    x, _ = inputs(1_500_000)
    out = np.ones_like(x)

    def series(length: int) -> list[float]:
        found = []
        for _ in range(length):
            start = time.perf_counter()
            in_place(x, out)
            found.append(time.perf_counter() - start)
        return found

    series(20)
    alone = series(count // 3)
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=neighbour, args=(seed,), daemon=True) for seed in range(cores())]
    for other in others:
        other.start()
    time.sleep(2)  # they have to load NumPy
    try:
        disturbed = series(count)
    finally:
        for other in others:
            other.terminate()
            other.join()
    return {"alone": alone, "disturbed": disturbed}


def cores() -> int:
    """How many processors this process may use."""
    return thread_count("all-threads")


def first_calls(size: int = 2**22, calls: int = 8) -> list[float]:
    """Time the same call from the first on, into memory that is new to the process."""
    x = np.random.default_rng(0).normal(0, 4, size)
    out = np.empty_like(x)
    found = []
    for _ in range(calls):
        start = time.perf_counter()
        np.exp(x, out=out)
        found.append(time.perf_counter() - start)
    return found


# Files

WAYS = {
    "all in memory": "np.save(target, sigmoid(np.load(source)))",
    "input mapped": 'np.save(target, sigmoid(np.load(source, mmap_mode="r")))',
    "apply_to_file": "apply_to_file(sigmoid, source, target, progress=False)",
    "nothing": "",
}


def files(mebibytes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Transform files of several sizes, each in a process of its own; report its resident memory and its time."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "x.npy", Path(name) / "y.npy"
        for size in mebibytes:
            data = np.lib.format.open_memmap(source, mode="w+", dtype=np.float64, shape=(size * 2**17,))
            rng = np.random.default_rng(0)
            for start in range(0, data.size, 2**20):
                data[start : start + 2**20] = rng.normal(0, 4, data[start : start + 2**20].size)
            data.flush()
            del data
            for way, line in WAYS.items():
                program = (
                    "import re, sys, time, numpy as np\n"
                    "from course_lib.activations import sigmoid\n"
                    "from course_lib.streaming import apply_to_file\n"
                    "source, target = sys.argv[1:]\n"
                    f"start = time.perf_counter()\n{line}\n"
                    "seconds = time.perf_counter() - start\n"
                    # Not getrusage: its ru_maxrss begins with what the parent process had.
                    "status = open('/proc/self/status').read()\n"
                    "print(int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) * 1024, seconds)"
                )
                command = [sys.executable, "-c", program, str(source), str(target)]
                done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=OUT.parents[2])
                resident, seconds = done.stdout.split()
                found.append({"mebibytes": size, "way": way, "resident": int(resident), "seconds": float(seconds)})
                target.unlink(missing_ok=True)
            source.unlink()
    return found


def text(count: int, rounds: int) -> dict[str, float]:
    """Time one column of text, a .npy file and an array, of the same numbers; seconds a number."""
    from course_lib.streaming import apply_to_csv, apply_to_file

    x, out = inputs(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "x.npy", x)
        (folder / "x.csv").write_text("\n".join(["x", *map(repr, x.tolist()), ""]))
        options: dict[str, Any] = {"progress": False, "overwrite": True}
        calls = {
            "in memory": lambda: sigmoid(x, out=out),
            "binary file": lambda: apply_to_file(sigmoid, folder / "x.npy", folder / "y.npy", **options),
            "text": lambda: apply_to_csv(sigmoid, folder / "x.csv", folder / "y.csv", **options),
        }
        seconds = compare_speed(calls, rounds=rounds).seconds
        size = {kind: (folder / f"x.{kind}").stat().st_size / count for kind in ("npy", "csv")}
    return {name: time / count for name, time in seconds.items()} | {f"{kind} bytes": n for kind, n in size.items()}


# dask


def chunked(size: int, rounds: int) -> dict[str, Any]:
    """Time dask on an array that fits into memory, by number of chunks, in multiples of one thread in blocks."""
    import dask.array

    from course_lib.streaming import apply_blocked, apply_to_dask

    x, _ = inputs(size)
    calls: dict[str, Callable[[], object]] = {
        "blocks": lambda: apply_blocked(naive_sigmoid, x),
        "plain": lambda: naive_sigmoid(x),
    }
    for count in CHUNKS:
        lazy = apply_to_dask(naive_sigmoid, dask.array.from_array(x, chunks=size // count))
        calls[f"synchronous {count}"] = partial(lazy.compute, scheduler="synchronous")
        calls[f"threads {count}"] = partial(lazy.compute, scheduler="threads", num_workers=cores())
    ratios = compare_speed(calls, rounds=rounds).ratios
    by_scheduler = {
        scheduler: {str(count): ratios[f"{scheduler} {count}"] for count in CHUNKS}
        for scheduler in ("synchronous", "threads")
    }
    return {"plain": ratios["plain"]} | by_scheduler


# The machine


def caches() -> dict[str, int]:
    """Bytes in the caches that one core of this processor uses, by level; empty where the system does not say."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / entry).read_text().strip() for entry in ("level", "type", "size"))
        if kind != "Instruction" and size.endswith("K"):
            found[f"L{level}"] = int(size[:-1]) * 1024
    return found


def measure(*, quick: bool) -> None:
    """Measure processor and memory in this process, and print the results as JSON."""
    rounds = 3 if quick else 9
    large = 2**20 if quick else LARGE
    found = {
        "passes": {"small": passes(SMALL, rounds), "large": passes(large, rounds)},
        "blocks": blocks(large, rounds),
        "remembered": remembered(rounds),
        "intensities": intensities(large, rounds),
        "newton": newton_shares(rounds),
        "lstm": lstm_shares(rounds),
        "machine": machine() | {"threads": 1},
    }
    print(json.dumps(found))


def run(setting: str, *, quick: bool) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", *(["--quick"] if quick else [])]
    done = subprocess.run(command, env=environment(setting), stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def report(found: Mapping[str, Any]) -> None:
    """Print what was measured under one setting."""
    print(f"{describe(found['machine'])}\n")
    sizes = found["passes"]
    rows = [["multiples of np.copyto", *(f"{name} array" for name in sizes)]]
    rows += [[step, *(number(sizes[size]["copies"][step]) for size in sizes)] for step in sizes["small"]["copies"]]
    show(rows)
    both = found["blocks"]
    rows = [["block", *both]]
    show(rows + [[block, *(number(by[block]) for by in both.values())] for block in next(iter(both.values()))])
    rows = [["remembered results", "time / naive", "ns a number"]]
    for name, ratio in found["remembered"]["ratios"].items():
        rows.append([name, number(ratio), number(1e9 * found["remembered"]["seconds"][name])])
    show(rows)
    rows = [["work", "operations a byte", "GB/s", "operations/ns"]]
    for case in found["intensities"]:
        per = case["operations"] / case["bytes"], case["bytes"] / case["seconds"], case["operations"] / case["seconds"]
        rows.append([case["work"], number(per[0]), number(per[1] / 1e9), number(per[2] / 1e9)])
    show(rows)
    show([["Newton step", "share"], *([name, f"{share:.1%}"] for name, share in found["newton"].items())])
    rows = [["LSTM", "T, B, I, H", "products", "activations"]]
    for case in found["lstm"]:
        shape = ", ".join(str(case[name]) for name in ("steps", "batch", "inputs", "hidden"))
        rows.append([case["dtype"], shape, f"{case['products']:.0%}", f"{case['activations']:.0%}"])
    show(rows)


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller arrays and files: rough figures")
    parser.add_argument("--write", action="store_true", help=f"write the book's file to {OUT.name}/")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    quick = arguments.quick
    if arguments.measure:
        measure(quick=quick)
        return
    steps: dict[str, Callable[[], Any]] = {
        setting: partial(run, setting, quick=quick) for setting in SETTINGS if setting != "without-avx512" or avx512()
    }
    steps["noise"] = partial(noise, 300 if quick else 1800)
    steps["first_calls"] = first_calls
    if sys.platform == "linux":
        steps["files"] = partial(files, (16, 32) if quick else (64, 256, 512, 1024))
    steps["text"] = partial(text, 100_000 if quick else 1_000_000, 3 if quick else 5)
    steps["dask"] = partial(chunked, 2**20 if quick else LARGE, 3 if quick else 5)
    found = {name: step() for name, step in track(steps.items(), description="measuring")}

    for setting in (name for name in SETTINGS if name in found):
        report(found[setting])
    show([["call", "ms"], *([str(i + 1), number(1e3 * t)] for i, t in enumerate(found["first_calls"]))])
    if "files" in found:
        rows = [["MiB", "way", "resident, MiB", "seconds"]]
        for case in found["files"]:
            resident = f"{case['resident'] / 2**20:.0f}"
            rows.append([str(case["mebibytes"]), case["way"], resident, f"{case['seconds']:.2f}"])
        show(rows)
    rows = [["one column", "ns a number"]]
    show(rows + [[way, number(1e9 * found["text"][way])] for way in ("in memory", "binary file", "text")])
    dask = found["dask"]
    rows = [["dask, chunks", "synchronous", "threads"]]
    rows += [[str(n), *(number(dask[scheduler][str(n)]) for scheduler in rows[0][1:])] for n in CHUNKS]
    show([*rows, ["no dask, in one piece", number(dask["plain"]), ""]])
    if arguments.write:
        settings = {setting: found.pop(setting) for setting in SETTINGS if setting in found}
        there = {"cores": cores(), "caches": caches()}
        write("scale", {"quick": quick, "settings": settings, **there, **found}, [])
        print(f"Written to {OUT.relative_to(OUT.parents[2])}/scale.json.")


if __name__ == "__main__":
    main()
