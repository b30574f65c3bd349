"""Time LSTM and GRU, forward and backward, against `torch.nn`.

    .venv/bin/python benchmarks/recurrent.py [--quick] [--threads N]

Both compute the gradients of everything, parameters, inputs and initial state, from the same numbers on the same number
of threads, in turn. A ratio is the median over the rounds of the ratio within a round; below 1 ours is faster. Before a
line is timed, both results are compared, and the largest difference, relative to the largest number of its array, is
printed with it.

"products" is the share of our time that the matrix products take alone, of the same shapes in the same order: what is
left is all that better code could win. They are OpenBLAS's, and depend on which of its kernels it picks for the
processor, which the head of the table names. (OPENBLAS_CORETYPE=Haswell, say, forces others.)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from accuracy import OURS, describe, machine, show
from numpy.typing import NDArray
from rich.progress import track
from threadpoolctl import threadpool_info, threadpool_limits

from course_lib.measure import compare_speed
from course_lib.recurrent import GRU, LSTM

#: T, B, I, H
SHAPES = ((50, 32, 32, 64), (100, 64, 64, 256))
CASES = [(layer, dtype, shape) for layer in (LSTM, GRU) for dtype in (np.float64, np.float32) for shape in SHAPES]
PRODUCTS = "products"

Array = NDArray[Any]
Calls = dict[str, Callable[[], Any]]


def products(layer: LSTM | GRU, steps: int, batch: int) -> Callable[[], None]:
    """Do the matrix products of one forward and one backward pass, and nothing else."""
    rng = np.random.default_rng(0)
    rows, inputs, hidden = len(layer.GATES) * layer.hidden_size, layer.input_size + 1, layer.hidden_size
    widths = [inputs + hidden] if isinstance(layer, LSTM) else [inputs, hidden + 1]

    def random(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(layer.dtype)

    pairs = [(random(rows, width), random(steps, width, batch)) for width in widths]
    dz = random(steps, rows, batch)
    backward = [np.ascontiguousarray(weights.T) for weights, _ in pairs]
    outs = [(np.empty((rows, batch), layer.dtype), np.empty((width, batch), layer.dtype)) for width in widths]
    across = [(random(rows, steps * batch), random(steps * batch, width)) for width in widths]

    def run() -> None:
        for t in range(steps):
            for (weights, tape), (out, _) in zip(pairs, outs, strict=True):
                np.matmul(weights, tape[t], out=out)
        for t in range(steps):
            for transposed, (_, out) in zip(backward, outs, strict=True):
                np.matmul(transposed, dz[t], out=out)
        for left, right in across:
            left @ right

    return run


def contestants(kind: type[LSTM | GRU], dtype: Any, shape: tuple[int, ...]) -> tuple[Calls, float]:
    """Return what is timed, by name, and the largest relative difference between the two results."""
    import torch

    steps, batch, inputs, hidden = shape
    rng = np.random.default_rng(1)
    ours = kind(inputs, hidden, dtype=dtype, seed=0)
    peer = getattr(torch.nn, kind.__name__)(inputs, hidden).to(getattr(torch, np.dtype(dtype).name))
    peer.load_state_dict({name: torch.from_numpy(array) for name, array in ours.state_dict().items()})
    x, dy = (rng.standard_normal((steps, batch, n)).astype(dtype) for n in (inputs, hidden))
    starts = [rng.standard_normal((batch, hidden)).astype(dtype) for _ in range(2 if kind is LSTM else 1)]
    start = tuple(starts) if kind is LSTM else starts[0]
    x_torch, dy_torch = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)
    starts_torch = [torch.from_numpy(part[None].copy()).requires_grad_() for part in starts]
    start_torch = tuple(starts_torch) if kind is LSTM else starts_torch[0]
    leaves = [x_torch, *starts_torch, *peer.parameters()]

    def torch_both() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y, _ = peer(x_torch, start_torch)
        y.backward(dy_torch)
        return y

    def our_both() -> tuple[Array, Array]:
        y, _ = ours.forward(x, start)
        return y, ours.backward(dy)

    y_torch, (y, dx) = torch_both(), our_both()
    initial = ours.initial_state_gradient
    got = [y, dx, *(initial if isinstance(initial, tuple) else (initial,)), *ours.gradients().values()]
    expected = [y_torch.detach(), *(leaf.grad for leaf in leaves)]
    pairs = [(a, b.numpy().reshape(a.shape)) for a, b in zip(got, expected, strict=True)]
    difference = max(abs(a - b).max() / abs(b).max() for a, b in pairs)
    return {
        "torch": torch_both,
        OURS: our_both,
        "torch forward": lambda: peer(x_torch, start_torch),
        "our forward": lambda: ours.forward(x, start),
        PRODUCTS: products(ours, steps, batch),
    }, float(difference)


def main() -> None:
    """Measure and print, where there is a PyTorch to compare with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--threads", type=int, default=1, help="threads of both (default: 1)")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed, so there is nothing to compare with: .venv/bin/pip install torch==2.13.0")
        return
    torch.set_num_threads(arguments.threads)
    rows = [
        ["forward and backward", "dtype", "T, B, I, H", "torch", "ours / torch", "forward", "products", "difference"]
    ]
    with threadpool_limits(arguments.threads):
        kernels = {info["architecture"] for info in threadpool_info() if info["internal_api"] == "openblas"}
        for kind, dtype, shape in track(CASES, "timing", transient=True):
            calls, difference = contestants(kind, dtype, shape)
            speed = compare_speed(calls, baseline="torch", rounds=5 if arguments.quick else 31)
            within = {
                pair: float(np.median(np.divide(speed.samples[pair[0]], speed.samples[pair[1]])))
                for pair in ((OURS, "torch"), ("our forward", "torch forward"), (PRODUCTS, OURS))
            }
            rows.append([kind.__name__, np.dtype(dtype).name, ", ".join(map(str, shape))])
            rows[-1] += [f"{speed.seconds['torch'] * 1e3:.1f} ms", *(f"{ratio:.2f}" for ratio in within.values())]
            rows[-1][-1] = f"{within[PRODUCTS, OURS]:.0%}"
            rows[-1].append(f"{difference:.0e}")
    show(rows)
    print(f"{describe(machine())} OpenBLAS kernels: {', '.join(sorted(kernels))}. Threads: {arguments.threads}.")


if __name__ == "__main__":
    main()
