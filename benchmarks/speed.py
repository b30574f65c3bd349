"""Time the course's functions against their peers, and against copying the data.

    .venv/bin/python benchmarks/speed.py [--quick] [--write]

Everything is measured three times, each in a process of its own because libraries choose threads and instructions when
they load: on one thread, on all of them, and on one without AVX-512. The contestants of a line are timed in turn, and a
number is the median over the rounds of a ratio within a round. NumPy's functions, and so ours and scipy's, always run
on one thread; PyTorch and numexpr use what they are given.

Inputs are normal with standard deviation 4 (probabilities: uniform), so signs are mixed at random. Results go into an
array that exists (`out=`) where the function can do that; "allocates" marks those that cannot.

With --write the tables that the book shows are written to book/_static/benchmarks/, as JSON and as Markdown.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import scipy.special
from accuracy import OURS, OUT, describe, machine, markdown, names, show, torch_functions, write
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from course_lib import activations
from course_lib.measure import SpeedComparison, compare_speed, peak_memory
from course_lib.variants import VARIANTS

SIZES = (1_000, 100_000, 10_000_000)
DTYPES = ("float64", "float32")
COPY = "np.copyto"

#: Timed at every size, against everything; the other functions only at 100,000, against PyTorch.
MAIN = ("sigmoid", "sigmoid_derivative", "log_sigmoid", "softplus", "logit")

#: The forms of `course_lib.variants` worth timing at ten million elements.
FORMS = (
    *("naive_sigmoid", "where_sigmoid", "two_branch_sigmoid", "branch_free_sigmoid", "tanh_sigmoid"),
    *("naive_derivative", "naive_log_sigmoid", "naive_softplus", "naive_logit"),
)

SCIPY = {
    "sigmoid": scipy.special.expit,
    "log_sigmoid": scipy.special.log_expit,
    "logit": scipy.special.logit,
    "softplus": scipy.special.softplus,
}
NUMEXPR = {
    "sigmoid": "1 / (1 + exp(-x))",
    "sigmoid_derivative": "1 / (1 + exp(-x)) * (1 - 1 / (1 + exp(-x)))",
    "log_sigmoid": "where(x < 0, x, 0) - log1p(exp(-abs(x)))",
    "softplus": "where(x > 0, x, 0) + log1p(exp(-abs(x)))",
    "logit": "log(x / (1 - x))",
}
#: PyTorch's functions that write into an existing tensor; the others are found by `torch_functions`.
TORCH_OUT = ("sigmoid", "logit", "tanh")

SETTINGS = {
    "one-thread": "one thread",
    "all-threads": "all threads",
    "without-avx512": "one thread, without AVX-512",
}


def contestants(name: str, x: NDArray[Any], out: NDArray[Any], threads: int) -> dict[str, Callable[[], object]]:
    """Everything that computes `name`, as calls without arguments; first the copy, then ours.

    Where threads are many the forms of `course_lib.variants` are left out: NumPy gives them one anyway.
    """
    ours = getattr(activations, name)
    calls: dict[str, Callable[[], object]] = {COPY: lambda: np.copyto(out, x), OURS: lambda: ours(x, out=out)}
    if name in MAIN:
        calls[f"{OURS}, allocates"] = lambda: ours(x)
        if name in SCIPY:
            peer = SCIPY[name]
            calls["scipy"] = lambda: peer(x, out=out)
        if name == "softplus":
            calls["np.logaddexp"] = lambda: np.logaddexp(0, x, out=out)
        if name in NUMEXPR and importlib.util.find_spec("numexpr"):
            numexpr = importlib.import_module("numexpr")
            numexpr.set_num_threads(threads)
            expression = NUMEXPR[name]
            calls["numexpr"] = lambda: numexpr.evaluate(expression, {"x": x}, out=out, casting="same_kind")
    if importlib.util.find_spec("torch"):
        calls |= torch_contestant(name, x, out)
    for form in FORMS if threads == 1 else ():
        if VARIANTS[form].computes == name:
            function = VARIANTS[form].function
            calls[f"{form}, allocates"] = lambda function=function: function(x)
    return calls


def torch_contestant(name: str, x: NDArray[Any], out: NDArray[Any]) -> dict[str, Callable[[], object]]:
    """PyTorch's own function; of a derivative, the backward pass that automatic differentiation makes."""
    torch = importlib.import_module("torch")
    base = name.removesuffix("_derivative")
    function = torch_functions()[base]
    source, target = torch.from_numpy(x), torch.from_numpy(out)
    if base != name:
        leaf = source.clone().requires_grad_()
        value, ones = function(leaf), torch.ones_like(leaf)
        return {"torch, backward, allocates": lambda: torch.autograd.grad(value, leaf, ones, retain_graph=True)}
    if name in TORCH_OUT:
        return {"torch": lambda: function(source, out=target)}
    return {"torch, allocates": lambda: function(source)}


def cases() -> Iterator[tuple[str, str, int]]:
    """Each line of the tables, as name, dtype and size."""
    for name in names():
        for dtype in DTYPES:
            for size in SIZES if name in MAIN else SIZES[1:2]:
                yield name, dtype, size


def sample(name: str, dtype: str, size: int) -> NDArray[Any]:
    """Input to time with."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, size) if name.startswith("logit") else rng.normal(0, 4, size)
    return values.astype(dtype)


def measure(threads: int, *, quick: bool) -> None:
    """Measure in this process, and print each result as a line of JSON."""
    if importlib.util.find_spec("torch"):
        importlib.import_module("torch").set_num_threads(threads)
    for name, dtype, size in cases():
        if quick and size > 1_000_000:
            continue
        x = sample(name, dtype, size)
        out = np.empty_like(x)
        with np.errstate(all="ignore"):
            calls = contestants(name, x, out, threads)
            rounds = 5 if quick or size > 1_000_000 else 15
            speed = compare_speed(calls, rounds=rounds, sample_seconds=0.001 if quick else 0.005)
            line: dict[str, Any] = {
                "seconds": speed.seconds,
                "copies": speed.ratios,
                "of_ours": SpeedComparison(speed.samples, OURS).ratios,
                "spread": {form: (high - low) / speed.seconds[form] for form, (low, high) in speed.spread.items()},
            }
            if size == SIZES[-1]:
                # What tracemalloc sees: NumPy's memory, not PyTorch's or numexpr's own.
                line["extra_memory"] = {
                    form: round(peak_memory(call) / x.nbytes, 4)
                    for form, call in calls.items()
                    if not form.startswith(("torch", "numexpr", COPY))
                }
        print(json.dumps({"case": [name, dtype, size], "result": line}), flush=True)
    print(json.dumps({"machine": machine() | {"threads": threads}}), flush=True)


def environment(setting: str) -> dict[str, str]:
    """Set the variables that libraries read when they load."""
    count = str(thread_count(setting))
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), count)
    variables |= {"NUMEXPR_NUM_THREADS": count, "NUMEXPR_MAX_THREADS": count}
    if setting == "without-avx512":
        variables |= {"NPY_DISABLE_CPU_FEATURES": " ".join(avx512()), "ATEN_CPU_CAPABILITY": "avx2"}
    return os.environ | variables


def thread_count(setting: str) -> int:
    """How many threads a setting has."""
    if setting != "all-threads":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def avx512() -> list[str]:
    """NumPy's targets with AVX-512 that this machine has, and that can be switched off."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [name for name in __cpu_dispatch__ if __cpu_features__[name] and ("AVX512" in name or name == "X86_V4")]


def run(setting: str, progress: Progress, *, quick: bool) -> dict[str, Any]:
    """Measure in a process of its own; return every result and the machine as that process saw it."""
    total = sum(1 for _, _, size in cases() if not quick or size <= 1_000_000)
    task = progress.add_task(SETTINGS[setting], total=total)
    command = [sys.executable, __file__, "--measure", str(thread_count(setting)), *(["--quick"] if quick else [])]
    found: dict[str, Any] = {"functions": {}}
    with subprocess.Popen(command, env=environment(setting), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            message = json.loads(line)
            if "machine" in message:
                found["machine"] = message["machine"]
                continue
            name, dtype, size = message["case"]
            found["functions"].setdefault(name, {}).setdefault(dtype, {})[str(size)] = message["result"]
            progress.advance(task)
            progress.update(task, description=f"{SETTINGS[setting]}: {name}")
    if process.returncode or "machine" not in found:
        raise SystemExit(f"error: the measuring process ended with status {process.returncode}; its message is above")
    return found


# The tables


def columns(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every dtype and size that was measured."""
    return [(dtype, size) for dtype in DTYPES for size in results[dtype]]


def number(value: float | None) -> str:
    """Write a ratio with two or three digits."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def rows_of(name: str, results: Mapping[str, Any], quantity: str) -> list[list[str]]:
    """Make one row a contestant, one column a dtype and size."""
    head = [name, *(f"{dtype}, {int(size):.0e}".replace("e+0", "e") for dtype, size in columns(results))]
    forms = list(results["float64"]["100000"]["copies"])
    rows = [head]
    for form in forms:
        rows.append([form, *(number(results[dtype][size][quantity].get(form)) for dtype, size in columns(results))])
    return rows


def family_rows(functions: Mapping[str, Any]) -> list[list[str]]:
    """Make one row a function: multiples of a copy at 100,000 elements, ours and PyTorch's."""
    rows = [["multiples of np.copyto, 1e5", *(f"{who}, {dtype}" for dtype in DTYPES for who in (OURS, "torch"))]]
    for name, results in functions.items():
        row = [name]
        for dtype in DTYPES:
            copies = results[dtype]["100000"]["copies"]
            torch = next((ratio for form, ratio in copies.items() if form.startswith("torch")), None)
            row += [number(copies[OURS]), number(torch)]
        rows.append(row)
    return rows


def memory_rows(functions: Mapping[str, Any]) -> list[list[str]]:
    """Make one row a function and form: extra memory at the largest size, as a multiple of the input."""
    rows = [["extra memory / input, 1e7", *DTYPES]]
    for name in MAIN:
        measured = [functions[name][dtype].get(str(SIZES[-1]), {}).get("extra_memory", {}) for dtype in DTYPES]
        for form in measured[0]:
            rows.append([f"{name}: {form}", *(f"{memory[form]:.3f}" for memory in measured)])
    return rows


def noise(functions: Mapping[str, Any]) -> str:
    """Say how far the rounds of a measurement lay apart, so that a table made on a busy machine shows it."""
    spreads = [
        spread
        for results in functions.values()
        for sizes in results.values()
        for result in sizes.values()
        for spread in result["spread"].values()
    ]
    return f"Half of the rounds lie within {np.median(spreads):.0%} of each other, typically."


def main() -> None:
    """Measure in processes apart, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no arrays of 1e7: rough figures")
    parser.add_argument("--write", action="store_true", help=f"write the book's tables to {OUT.name}/")
    parser.add_argument("--measure", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, quick=arguments.quick)
        return
    settings = [setting for setting in SETTINGS if setting != "without-avx512" or avx512()]
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        found = {setting: run(setting, progress, quick=arguments.quick) for setting in settings}

    tables = []
    for setting, result in found.items():
        there = result["machine"]
        functions = result["functions"]
        note = f"{SETTINGS[setting].capitalize()} ({there['threads']}). {describe(there)} {noise(functions)}"
        print(f"{note}\n")
        for quantity, title in (
            ("copies", "As multiples of copying the array with np.copyto (lower is better):"),
            ("of_ours", f"As multiples of {OURS}'s time (above 1 is slower than ours):"),
        ):
            print(f"{title}\n")
            for name in MAIN:
                show(rows_of(name, functions[name], quantity))
        main = [rows_of(name, functions[name], "copies") for name in MAIN]
        combined = [["multiples of np.copyto", *main[0][0][1:]]]
        combined += [[f"{rows[0][0]}: {row[0]}", *row[1:]] for rows in main for row in rows[1:] if row[0] != COPY]
        tables.append((setting, markdown(combined, note)))
        family = family_rows(functions)
        show(family)
        tables.append((f"{setting}-family", markdown(family, note)))
    if not arguments.quick:
        memory = memory_rows(found["one-thread"]["functions"])
        show(memory)
        tables.append(("memory", markdown(memory, "Counted with tracemalloc, which does not see PyTorch and numexpr.")))
    print("NumPy's functions, and so ours and scipy's, run on one thread whatever is allowed.")
    if arguments.write:
        write("speed", {"quick": arguments.quick, "settings": found}, tables)
        print(f"Written to {OUT.relative_to(OUT.parents[2])}/.")


if __name__ == "__main__":
    main()
