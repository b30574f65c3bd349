"""Train six sigmoid layers on scikit-learn's digits: three optimisers, seven learning rates each, five initialisations.

    .venv/bin/python benchmarks/gradient_flow.py [--quick] [--write] [--workers N]

A network has 64 inputs, six hidden layers of 64 sigmoids and 10 logits, and is trained for 60 epochs in batches of 64
on three quarters of the digits, standardised. What is printed is its accuracy on the last quarter, mean over five
seeds; a seed draws the split, the weights and the order of the samples. Nothing is tuned and nothing is left out:
where training diverged, the accuracy is that of the network as the last finite step left it.

Two initialisations, the gain alone and the centred bias alone, run under SGD only. Chapter 6 trains one row of the
table again and shows the rest.

Each run is kept in _build/gradient_flow.jsonl as soon as it is done, so a run that was broken off goes on where it
stopped. With --write all accuracies go to book/_static/benchmarks/gradient_flow.json, which the chapter reads, and the
other file is deleted. Delete it by hand if the code has changed in between.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import numpy as np
from accuracy import OUT, describe, machine, show, write
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from course_lib.networks import DeepNetwork
from course_lib.optim import SGD, Adam

KEPT = OUT.parents[2] / "_build" / "gradient_flow.jsonl"
WIDTHS = (64,) * 7 + (10,)
SEEDS = range(5)
EPOCHS = 60

OPTIMISERS: dict[str, Callable[[float], SGD | Adam]] = {
    "SGD": SGD,
    "momentum 0.9": lambda rate: SGD(rate, momentum=0.9),
    "Adam": Adam,
}
RATES = {
    "SGD": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "momentum 0.9": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "Adam": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
}
STARTS: dict[str, dict[str, Any]] = {
    "PyTorch's default": {"init": "torch"},
    "Glorot": {"init": "glorot-uniform"},
    "gain 4, centred": {"init": "glorot-uniform", "gain": 4.0, "bias": "centred"},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "gain 4 alone": {"init": "glorot-uniform", "gain": 4.0},
    "centred alone": {"init": "glorot-uniform", "bias": "centred"},
}

Run = tuple[str, float, str, int, int]  # optimiser, learning rate, initialisation, seed, epochs


def runs(quick: bool) -> Iterator[Run]:
    """List what is trained."""
    for optimiser, rates in RATES.items():
        for start in STARTS | (ABLATIONS if optimiser == "SGD" else {}):
            for rate in rates[::2] if quick else rates:
                for seed in SEEDS[:1] if quick else SEEDS:
                    yield optimiser, rate, start, seed, 10 if quick else EPOCHS


def train(run: Run) -> tuple[Run, float, float]:
    """Train one network; return its accuracy on the digits that it has not seen, and on those that it has."""
    optimiser, rate, start, seed, epochs = run
    pixels, digit = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(pixels, digit, test_size=0.25, random_state=seed, stratify=digit)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1  # pixels that are blank in every image
    x, x_test = (x - mean) / spread, (x_test - mean) / spread
    network = DeepNetwork(WIDTHS, "sigmoid", seed=seed, **(STARTS | ABLATIONS)[start])
    with threadpool_limits(limits=1):
        with contextlib.suppress(FloatingPointError):  # the network is still there, and is tested as it is
            network.fit(x, y, optimiser=OPTIMISERS[optimiser](rate), epochs=epochs, seed=seed, progress=False)
        return run, float(np.mean(network.predict(x_test) == y_test)), float(np.mean(network.predict(x) == y))


def measure(todo: list[Run], workers: int) -> dict[Run, tuple[float, float]]:
    """Train what has not been trained before, and keep each result at once."""
    done: dict[Run, tuple[float, float]] = {}
    if KEPT.exists():
        for line in KEPT.read_text(encoding="utf-8").splitlines():
            run, test, train_accuracy = json.loads(line)
            done[tuple(run)] = test, train_accuracy
    left = [run for run in todo if run not in done]
    KEPT.parent.mkdir(exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as progress,
        ProcessPoolExecutor(workers, mp_context=context) as pool,
        KEPT.open("a", encoding="utf-8") as file,
    ):
        task = progress.add_task("networks", total=len(todo), completed=len(todo) - len(left))
        try:
            for future in as_completed([pool.submit(train, run) for run in left]):
                run, test, train_accuracy = future.result()
                done[run] = test, train_accuracy
                file.write(json.dumps([run, test, train_accuracy]) + "\n")
                file.flush()
                progress.advance(task)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {run: done[run] for run in todo}


def nested(results: dict[Run, tuple[float, float]], which: int) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Arrange accuracies by optimiser, initialisation and learning rate; one for each seed."""
    out: dict[str, dict[str, dict[str, list[float]]]] = {}
    for (optimiser, rate, start, _, _), accuracies in results.items():
        out.setdefault(optimiser, {}).setdefault(start, {}).setdefault(f"{rate:g}", []).append(accuracies[which])
    return out


def rows_of(by_start: dict[str, dict[str, list[float]]]) -> list[list[str]]:
    """Make one row a learning rate, one column an initialisation."""
    rates = list(next(iter(by_start.values())))
    return [
        ["learning rate", *by_start],
        *([rate, *(f"{np.mean(by_rate[rate]):.3f}" for by_rate in by_start.values())] for rate in rates),
    ]


def main() -> None:
    """Train, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, every other rate, ten epochs: a rough picture")
    parser.add_argument("--write", action="store_true", help=f"write the book's file to {OUT.name}/")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2), one thread each")
    arguments = parser.parse_args()

    results = measure(list(runs(arguments.quick)), arguments.workers)
    tested, trained = nested(results, 0), nested(results, 1)
    seeds, epochs = len({run[3] for run in results}), max(run[4] for run in results)
    there = machine()
    note = f"Accuracy on unseen digits after {epochs} epochs, mean of {seeds} seeds. {describe(there)}"
    for optimiser, by_start in tested.items():
        print(optimiser)
        show(rows_of(by_start))
    print(note)
    if arguments.write:
        settings = {"widths": WIDTHS, "epochs": epochs, "seeds": seeds, "batch_size": 64}
        data = {"quick": arguments.quick, "machine": there, "settings": settings, "test": tested, "train": trained}
        write("gradient_flow", data, [])
        print(f"Written to {OUT.relative_to(OUT.parents[2])}/gradient_flow.json.")
        KEPT.unlink()


if __name__ == "__main__":
    main()
