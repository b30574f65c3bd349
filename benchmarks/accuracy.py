"""Measure the error of the course's functions, of their peers and of each form in `course_lib.variants`.

    .venv/bin/python benchmarks/accuracy.py [--quick] [--write]

Errors are in units in the last place (ulp) of the exact value, and what is printed is the largest one found, judged by
mpmath at 200 bits. Candidates come from a million random points a region, in 80-bit arithmetic where the machine has
it; every neighbour of a point where some formula changes or ends goes to mpmath directly. float32 is strided over all
bit patterns, float16 takes every one, and the sigmoid in float32 takes every one of magnitude 2^-4 to 104.5.

With --write the tables that the book shows are written to book/_static/benchmarks/, as JSON and as Markdown.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import json
import math
import platform
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from course_lib import activations
from course_lib.measure import EXACT, cpu_features, ulp_error
from course_lib.variants import VARIANTS

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "benchmarks"
OURS = "course_lib"

Function = Callable[[NDArray[Any]], Any]

#: Where float64 is measured. Below -709.78 exp(-x) overflows and the sigmoid is subnormal, from 36.74 on it is 1.
LINE = {
    "-746 to -709.5": (-746.0, -709.5),
    "-709.5 to -37": (-709.5, -37.0),
    "-37 to -1": (-37.0, -1.0),
    "-1 to 1": (-1.0, 1.0),
    "1 to 37": (1.0, 37.0),
    "37 to 746": (37.0, 746.0),
}
UNIT = {"0 to 1/4": (0.0, 0.25), "1/4 to 3/4": (0.25, 0.75), "3/4 to 1": (0.75, 1.0)}

#: Near these, formulas change, overflow, round to a constant, or have a root (that of silu's and of gelu's slope).
TURNS = (
    *(math.log(2), 0.25, 0.5, 0.75, 1.0, 3.0, 7.63, 16.64, 18.7, 20.0, 36.74, 37.0, 38.6, 87.34, 88.72, 103.97),
    *(354.9, 372.6, 709.78, 745.13, 1.2784645427610738, 0.7517915246935645),
    *(0.2, 0.2784645427610738, 2.278464542761074, 1.5217915246935645),  # where ours go over to another formula
    4.15652921700889,  # the worst of log1p(exp(x)) known: exp(x) just above 2^-6, the result just below
)

#: Functions that never fall; the share of falls over floats in a row is measured.
RISING = (
    *("sigmoid", "log_sigmoid", "softplus", "softplus_derivative", "logit", "tanh", "relu", "leaky_relu", "elu"),
    "hard_sigmoid",
)

#: A Python call for each number: they get a fiftieth of the points.
SLOW = ("math_sigmoid", "cached_sigmoid")


# What is compared


def names() -> list[str]:
    """Every function that the course has, each followed by its derivative."""
    return [name for name in EXACT if hasattr(activations, name)]


def implementations(name: str) -> dict[str, Function]:
    """Everything installed that computes `name`, ours first."""
    found: dict[str, Function] = {OURS: getattr(activations, name)}
    if name in SCIPY:
        found["scipy"] = SCIPY[name]
    if importlib.util.find_spec("torch"):
        found["torch"] = functools.partial(torch_value, name)
    if importlib.util.find_spec("jax"):
        found["jax"] = functools.partial(jax_value, name)
    found |= {form: variant.function for form, variant in VARIANTS.items() if variant.computes == name}
    return found


SCIPY: dict[str, Function] = {
    "sigmoid": scipy.special.expit,
    "log_sigmoid": scipy.special.log_expit,
    "logit": scipy.special.logit,
    "softplus": scipy.special.softplus,
}


@functools.cache
def torch_functions() -> dict[str, Callable[[Any], Any]]:
    """Return PyTorch's name for each function."""
    torch = importlib.import_module("torch")
    f = torch.nn.functional
    return {
        "sigmoid": torch.sigmoid,
        "log_sigmoid": f.logsigmoid,
        "softplus": f.softplus,
        "logit": torch.logit,
        "tanh": torch.tanh,
        "relu": f.relu,
        "leaky_relu": f.leaky_relu,
        "elu": f.elu,
        "gelu": f.gelu,
        "silu": f.silu,
        "hard_sigmoid": f.hardsigmoid,
    }


def torch_value(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """Compute in PyTorch; derivatives are those of its automatic differentiation."""
    torch = importlib.import_module("torch")
    function = torch_functions()[name.removesuffix("_derivative")]
    tensor = torch.tensor(x)
    if not name.endswith("_derivative"):
        return np.asarray(function(tensor).numpy())
    tensor.requires_grad_()
    return np.asarray(torch.autograd.grad(function(tensor).sum(), tensor)[0].numpy())


@functools.cache
def jax_function(name: str) -> Callable[[Any], Any]:
    """Return JAX's function of this name, or the one that its automatic differentiation makes."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    base = name.removesuffix("_derivative")
    function = {
        "log_sigmoid": jax.nn.log_sigmoid,
        "logit": importlib.import_module("jax.scipy.special").logit,
        "gelu": functools.partial(jax.nn.gelu, approximate=False),
    }.get(base) or getattr(jax.nn, base)
    return jax.jit(jax.vmap(jax.grad(function)) if name.endswith("_derivative") else function)


def jax_value(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """Compute in JAX, on its default device."""
    return np.asarray(jax_function(name)(x))


# The sieve: formulas good to many more digits than the dtype under test, when evaluated in a longer one. They only find
# the points worth asking mpmath about, so that nothing rests on them.


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _logit(p: Any) -> Any:
    return np.where((p > 0.25) & (p < 0.75), 2 * np.arctanh(2 * p - 1), np.log(p) - np.log1p(-p))


def _normal_cdf(x: Any) -> Any:
    return scipy.special.erfc(-x / math.sqrt(2)) / 2


SIEVE: dict[str, Function] = {
    "sigmoid": _sigmoid,
    "sigmoid_derivative": lambda x: _sigmoid(x) * _sigmoid(-x),
    "log_sigmoid": lambda x: -_softplus(-x),
    "log_sigmoid_derivative": lambda x: _sigmoid(-x),
    "softplus": _softplus,
    "softplus_derivative": _sigmoid,
    "logit": _logit,
    "logit_derivative": lambda p: np.where((p < 0) | (p > 1), np.nan, 1 / np.abs(p * (1 - p))),
    "tanh": np.tanh,
    "tanh_derivative": lambda x: 4 * _sigmoid(2 * x) * _sigmoid(-2 * x),
    "relu": lambda x: np.where(x > 0, x, 0 * np.sign(x)),
    "relu_derivative": lambda x: np.where(np.isnan(x), x, x > 0),
    "leaky_relu": lambda x: np.where(x > 0, x, x / 100),
    "leaky_relu_derivative": lambda x: np.where(x > 0, 1, np.where(np.isnan(x), x, x.dtype.type(1) / 100)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "elu_derivative": lambda x: np.exp(np.minimum(x, 0)),
    "gelu": lambda x: np.where(x == -np.inf, 0, x * _normal_cdf(x)),
    "gelu_derivative": lambda x: (
        _normal_cdf(x) + np.where(np.isinf(x), 0, x * np.exp(-x * x / 2)) / math.sqrt(math.tau)
    ),
    "silu": lambda x: np.where(x == -np.inf, 0, x * _sigmoid(x)),
    "silu_derivative": lambda x: _sigmoid(x) * (1 + np.where(np.isinf(x), 0, x * _sigmoid(-x))),
    "hard_sigmoid": lambda x: np.clip((x + 3) / 6, 0, 1),
    "hard_sigmoid_derivative": lambda x: np.where(np.isnan(x), x, np.where(np.abs(x) < 3, x.dtype.type(1) / 6, 0)),
}

HAS_80_BITS = np.finfo(np.longdouble).nmant >= 63


def worst(name: str, function: Function, x: NDArray[Any], kept: int = 64) -> float:
    """Largest error in ulp over `x`: the sieve names the `kept` worst points, mpmath judges them."""
    values = np.asarray(function(x))
    in_float64 = x.dtype == np.float64
    # scipy's erfc knows no longer dtype, and some machines have none.
    if in_float64 and (not HAS_80_BITS or name.startswith("gelu")):
        candidates = slice(None, None, max(1, x.size // 4000))
    else:
        with np.errstate(all="ignore"):
            near = SIEVE[name](x.astype(np.longdouble if in_float64 else np.float64))
            errors = _rough_errors(values, near)
        candidates = np.argpartition(errors, -kept)[-kept:] if errors.size > kept else slice(None)
    return float(ulp_error(values[candidates], EXACT[name], x[candidates]).max(initial=0.0))


def _rough_errors(values: NDArray[Any], near: NDArray[Any]) -> NDArray[Any]:
    """Error of `values` in their own ulps, if `near` were exact."""
    info = np.finfo(values.dtype)
    exponents = np.maximum(np.frexp(near)[1] - 1, int(info.minexp)) - int(info.nmant)
    errors = np.ldexp(np.abs(values - near), -exponents)
    rounded = near.astype(values.dtype)
    same = (values == rounded) | (np.isnan(values) & np.isnan(rounded))
    measurable = np.isfinite(values) & np.isfinite(rounded)
    return np.where(measurable, errors, np.where(same, 0, np.inf))


# The points


def turning_points(low: float, high: float) -> NDArray[np.float64]:
    """Neighbours of every turning point and power of two between `low` and `high`, in float64."""
    centres = np.array([*TURNS, *(2.0**k for k in range(-60, 10)), 5e-324, 2.0**-1022])
    near = np.concatenate([1 - np.array(TURNS), centres])
    near = np.concatenate([near + steps * np.spacing(np.abs(near)) for steps in (-3, -2, -1, 0, 1, 2, 3)])
    points = np.unique(np.concatenate([near, -near]))
    return points[(points >= low) & (points <= high) & (points != 0)]  # zeros are among the ends


def region_points(low: float, high: float, count: int) -> NDArray[np.float64]:
    """Random points of a region: uniform, and near 0, or near 1/2 of the unit interval, uniform in magnitude too."""
    rng = np.random.default_rng(0)
    points = rng.uniform(low, high, count)
    half = count // 2
    magnitude = np.ldexp(rng.uniform(0.5, 1, half), rng.integers(-60, 0, half))
    if low == 0:  # probabilities, down to the subnormal
        points[:half] = np.ldexp(rng.uniform(0.5, 1, half), rng.integers(-1074, -1, half))
    elif low == -1:
        points[:half] = magnitude * rng.choice([-1, 1], half)
    elif (low, high) == (0.25, 0.75):
        points[:half] = 0.5 + magnitude / 4 * rng.choice([-1, 1], half)
    elif high == 1:
        points[:half] = 1 - magnitude / 4
    return points


def ends(name: str) -> NDArray[np.float64]:
    """Zeros, infinities, nan, and the largest numbers."""
    if name.startswith("logit"):
        return np.array([0.0, -0.0, 5e-324, 1.0, 2.0, -1.0, np.inf, -np.inf, np.nan])
    return np.array([0.0, -0.0, 5e-324, -5e-324, 1e5, -1e5, 1.7e308, -1.7e308, np.inf, -np.inf, np.nan])


def falls(name: str, function: Function, count: int) -> dict[str, int]:
    """Count the neighbours, in runs of about `count` consecutive floats in all, at which the value falls."""
    rng = np.random.default_rng(1)
    centres = rng.uniform(0.01, 0.99, 40) if name == "logit" else np.concatenate([rng.uniform(-40, 40, 37), [-1, 1, 8]])
    fallen = total = 0
    for centre in centres:
        x = centre + np.spacing(abs(centre)) * np.arange(-count // 80, count // 80)
        fallen += int((np.diff(function(x)) < 0).sum())
        total += x.size - 1
    return {"falls": fallen, "of": total}


# The measurement


def measure(name: str, form: str, function: Function, *, quick: bool) -> dict[str, Any]:
    """Everything that the tables say about one implementation."""
    points = 50_000 if quick else 1_000_000
    stride = 49_999 if quick else 997
    if form in SLOW:
        points, stride = points // 50, stride * 50 + 1
    result: dict[str, Any] = {"float64": {}}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        with np.errstate(over="warn", divide="warn", invalid="warn", under="ignore"):
            for region, (low, high) in (UNIT if name.startswith("logit") else LINE).items():
                result["float64"][region] = guarded(
                    lambda low=low, high=high: max(
                        worst(name, function, region_points(low, high, points)),
                        worst(name, function, turning_points(low, high), kept=10_000),
                    )
                )
            result["ends"] = guarded(lambda: worst(name, function, ends(name)))
    result["warns"] = sorted({str(w.message).split(" encountered")[0] for w in caught if w.category is RuntimeWarning})
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        for dtype, step in ((np.float32, stride), (np.float16, 1)):
            bits = np.arange(0, 2 ** (8 * np.dtype(dtype).itemsize), step)
            x = bits.astype(f"uint{8 * np.dtype(dtype).itemsize}").view(dtype)
            x = x[(x >= 0) & (x <= 1) if name.startswith("logit") else np.isfinite(x)]
            result[np.dtype(dtype).name] = guarded(lambda x=x: kept_dtype(name, function, x))
        if name in RISING:
            result["monotone"] = guarded(lambda: falls(name, function, 2 * points))
    return result


def guarded(measurement: Callable[[], Any]) -> Any:
    """Do it, or give the name of the exception that the function under test raised."""
    try:
        return measurement()
    except (OverflowError, TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        return type(error).__name__


def kept_dtype(name: str, function: Function, x: NDArray[Any]) -> float | str:
    """Error over `x`, or the dtype that came back where it is another one."""
    got = np.asarray(function(x[:2])).dtype
    return worst(name, function, x) if got == x.dtype else f"gives {got}"


def every_float32(progress: Callable[[int], None], step: int) -> dict[str, Any]:
    """Measure our sigmoid over every `step`-th float32 of magnitude 2^-4 to 104.5."""
    low, high = (int(np.float32(v).view(np.uint32)) for v in (2.0**-4, 104.5))
    largest, count, chunk = 0.0, 0, step << 20
    for start in range(low, high + 1, chunk):
        bits = np.arange(start, min(start + chunk, high + 1), step, dtype=np.uint32)
        for x in (bits.view(np.float32), (bits | np.uint32(1 << 31)).view(np.float32)):
            largest = max(largest, worst("sigmoid", activations.sigmoid, x, kept=8))
            count += x.size
        progress(min(start + chunk, high + 1) - start)
    return {"points": count, "largest": largest}


# The tables


def machine() -> dict[str, Any]:
    """Describe the machine by what results depend on, and by nothing that says whose it is."""
    packages = [p for p in ("numpy", "scipy", "numexpr", "torch", "jax") if importlib.util.find_spec(p)]
    return {
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy_uses": cpu_features(),
        "packages": {package: version(package) for package in packages},
    }


def describe(machine: Mapping[str, Any]) -> str:
    """Put a machine in a sentence."""
    loops: dict[str, list[str]] = {}
    for function, target in machine["numpy_uses"].items():
        loops.setdefault(target, []).append(function)
    uses = "; ".join(f"{target} for {', '.join(functions)}" for target, functions in loops.items())
    packages = ", ".join(f"{package} {number}" for package, number in machine["packages"].items())
    return f"{machine['architecture']}, {machine['system']}, {packages}. NumPy uses {uses}."


def cell(value: Any) -> str:
    """Write an error for a table."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if value < 9.995 else f"{value:.0f}" if value < 1000 else f"{value:.0e}".replace("e+", "e")


def monotone_cell(value: Any) -> str:
    """Write whether a rising function rises."""
    if isinstance(value, str):
        return value
    count, share = value["falls"], value["falls"] / value["of"]
    if share > 5e-4:
        return f"falls {share:.1%}"
    return {0: "yes", 1: "falls once"}.get(count, f"falls {count} times")


def error_rows(name: str, results: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Make one row an implementation: regions, ends, the shorter dtypes, whether it is monotone, warnings."""
    regions = list(results[OURS]["float64"])
    rising = name in RISING
    rows = [[name, *regions, "0, ∞, nan", "float32", "float16", *(["monotone"] if rising else []), "warns of"]]
    for form, result in results.items():
        row = [form, *(cell(result["float64"][region]) for region in regions)]
        row += [cell(result["ends"]), cell(result["float32"]), cell(result["float16"])]
        row += [monotone_cell(result["monotone"])] if rising else []
        rows.append([*row, ", ".join(result["warns"])])
    return rows


def summary_rows(functions: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[list[str]]:
    """Make one row a function: the largest float64 error of ours and of each library."""
    libraries = [OURS, "scipy", "torch", "jax"]
    libraries = [lib for lib in libraries if any(lib in results for results in functions.values())]
    rows = [["largest error, float64", *libraries]]
    for name, results in functions.items():
        row = [name]
        for library in libraries:
            if library not in results:
                row.append("")
                continue
            values = results[library]["float64"].values()
            broken = next((value for value in values if isinstance(value, str)), None)
            row.append(broken or cell(max(values)))
        rows.append(row)
    return rows


def markdown(rows: Sequence[Sequence[str]], note: str) -> str:
    """Write rows, the first of which is the head, as a Markdown table with a note below."""
    head, *body = ([text.replace("|", "\\|") for text in row] for row in rows)
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}\n"


def show(rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table, in full width whatever the terminal's."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.rjust(width) if i else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    print()


def plain(value: Any) -> Any:
    """Round numbers for JSON, and write infinities as a string, which JSON needs and `float` reads."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else str(value)
    return value


def write(stem: str, data: Mapping[str, Any], tables: Iterable[tuple[str, str]]) -> None:
    """Write `stem`.json and a Markdown fragment a table into the book."""
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(plain(data), indent=1, ensure_ascii=False)
    (OUT / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
    for name, fragment in tables:
        (OUT / f"{stem}-{name}.md").write_text(fragment, encoding="utf-8")


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer points: seconds, and smaller maxima")
    parser.add_argument("--write", action="store_true", help=f"write the book's tables to {OUT.name}/")
    arguments = parser.parse_args()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    functions: dict[str, dict[str, Any]] = {}
    with progress:
        todo = {name: implementations(name) for name in names()}
        task = progress.add_task("", total=sum(map(len, todo.values())))
        for name, forms in todo.items():
            functions[name] = {}
            for form, function in forms.items():
                progress.update(task, description=f"{name}: {form}")
                functions[name][form] = measure(name, form, function, quick=arguments.quick)
                progress.advance(task)
        low, high = (int(np.float32(v).view(np.uint32)) for v in (2.0**-4, 104.5))
        task = progress.add_task("every float32", total=high + 1 - low)
        exhaustive = every_float32(lambda n: progress.advance(task, n), 101 if arguments.quick else 1)

    here = machine()
    tables = []
    for name, results in functions.items():
        rows = error_rows(name, results)
        show(rows)
        if any(variant.computes == name for variant in VARIANTS.values()):
            tables.append((name, markdown(rows, "Largest error found, in ulp.")))
    rows = summary_rows(functions)
    show(rows)
    tables.append(("summary", markdown(rows, f"In ulp. Measured on {describe(here)}")))
    every = "Every" if not arguments.quick else "Each 101st"
    print(
        f"{every} float32 of magnitude 2^-4 to 104.5, {exhaustive['points']:,} of them: "
        f"sigmoid is off by at most {exhaustive['largest']:.4f} ulp."
    )
    print(describe(here))
    if arguments.write:
        data = {"machine": here, "quick": arguments.quick, "functions": functions, "sigmoid_every_float32": exhaustive}
        write("accuracy", data, tables)
        print(f"Written to {OUT.relative_to(OUT.parents[2])}/.")


if __name__ == "__main__":
    main()
