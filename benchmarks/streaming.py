"""Transform a file larger than the memory allowed: speed against cp, resident memory, kills and resumes.

    .venv/bin/python benchmarks/streaming.py [--quick] [--directory DIR] [--write]

A .npy file of float64 logits (normal, standard deviation 4), by default of 4 GB, is written into a new folder in DIR,
by default the system's folder for temporary files, and `course_lib.streaming.apply_to_file` makes its sigmoid. The
folder is deleted at the end, also after Ctrl-C. It needs room for four times the file.

Speed. In each round, in changing order: cp; cp and then fsync, because our result is on the disk when the call returns;
the kernel; and ours, in a process of its own, timed without the start of Python. Before each of them what the others
wrote is deleted and the disk is idle (sync). "Cached" means that the source was in the page cache; for "cold" it has
been dropped from it, by posix_fadvise, which the system may follow or not. The kernel is `sigmoid(x, out=out)` on
256 MB in memory, on one thread like everything here. A speed is a median over the rounds, a ratio the median of those
within a round.

Memory. The highest resident size of the process (VmHWM), Python, NumPy and the course's library included.

Kills. A process that does the same is killed by SIGKILL after a random time, and started again, so many times; the run
after the last kill is left alone. The result is compared with an undisturbed one, byte by byte.

With --write the figures go to book/_static/benchmarks/streaming.json.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from accuracy import describe, machine, show, write
from rich.console import Console
from rich.progress import track

from course_lib.activations import sigmoid

#: What a process of its own runs. It says when Python is up, counts the elements it computes (one byte in a file is one
#: piece of a block, the last of which may be shorter), and reports its time and memory.
CHILD = """
import json, os, resource, sys, time
from course_lib.activations import sigmoid
from course_lib.streaming import apply_to_file

def counted(x):
    os.write(count, b".")
    return sigmoid(x)

source, target, count = sys.argv[1], sys.argv[2], os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
print("ready", flush=True)
start = time.perf_counter()
apply_to_file(counted, source, target, progress=False)
seconds = time.perf_counter() - start
try:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    peak = int(peak.split()[1]) * 1024
except OSError:  # not Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"seconds": seconds, "peak": peak}))
"""

OURS = "apply_to_file"


def make_source(path: Path, size: int) -> int:
    """Write a file of about so many bytes; return how many bytes of numbers it has."""
    rng = np.random.default_rng(0)
    elements = size // 8
    chunk = 1 << 22
    header = {"descr": "<f8", "fortran_order": False, "shape": (elements,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in track(range(0, elements, chunk), "writing the source", console=Console(stderr=True)):
            file.write(rng.normal(0, 4, min(chunk, elements - start)).data)
        file.flush()
        os.fsync(file.fileno())
    return elements * 8


def drop_from_cache(path: Path) -> None:
    """Ask the system to forget what it holds of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def fill_cache(path: Path) -> None:
    """Read a file once."""
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(1 << 24)
        while file.readinto(buffer):
            pass


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def copy(source: Path, target: Path) -> None:
    """Run the system's cp."""
    subprocess.run(["cp", "--reflink=never" if sys.platform == "linux" else "-X", source, target], check=True)


def copy_durably(source: Path, target: Path) -> None:
    """Run cp, and wait until the copy is on the disk."""
    copy(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def transform(source: Path, target: Path, count: Path) -> subprocess.Popen[str]:
    """Start a process that transforms the file, and return when Python is up in it."""
    command = [sys.executable, "-c", CHILD, source, target, count]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit("the transforming process failed")
    return process


def finish(process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for that process; return its report."""
    report, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the transforming process failed")
    return dict(json.loads(report))


def measure_speed(source: Path, folder: Path, size: int, rounds: int, cold: bool) -> dict[str, Any]:
    """Time cp and ours in turn; return bytes a second, ratios and the peak of memory."""
    target, count = folder / "target.npy", folder / "count"
    peaks: list[float] = []

    def ours() -> float:
        report = finish(transform(source, target, count))
        peaks.append(report["peak"])
        return report["seconds"]

    x = np.random.default_rng(1).normal(0, 4, 32_000_000)
    out = np.zeros_like(x)
    contestants = {
        "cp": lambda: timed(lambda: copy(source, target)),
        "cp and fsync": lambda: timed(lambda: copy_durably(source, target)),
        OURS: ours,
        "kernel": lambda: timed(lambda: sigmoid(x, out=out)) * size / x.nbytes,
    }
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    shuffle = random.Random(0).shuffle
    order = list(contestants)
    for _ in track(range(rounds), f"speed, {'cold' if cold else 'cached'}", console=Console(stderr=True)):
        shuffle(order)
        for name in order:
            target.unlink(missing_ok=True)
            os.sync()
            (drop_from_cache if cold else fill_cache)(source)
            samples[name].append(contestants[name]())
    target.unlink(missing_ok=True)

    def ratio(name: str) -> float:
        """Our speed over another's."""
        return statistics.median(other / own for other, own in zip(samples[name], samples[OURS], strict=True))

    return {
        "speeds": {name: size / statistics.median(seconds) for name, seconds in samples.items()},
        "spread": {name: [size / max(seconds), size / min(seconds)] for name, seconds in samples.items()},
        "our_speed_over": {name: ratio(name) for name in samples if name != OURS},
        "our_speed_over_slower_of_cp_and_kernel": statistics.median(
            max(cp, kernel) / own
            for cp, kernel, own in zip(samples["cp"], samples["kernel"], samples[OURS], strict=True)
        ),
        "peak": max(peaks),
    }


def kill_and_resume(source: Path, folder: Path, kills: int) -> dict[str, Any]:
    """Kill a run at random points until it is left alone; compare its result with that of an undisturbed one."""
    whole, whole_count = folder / "whole.npy", folder / "whole_count"
    seconds = finish(transform(source, whole, whole_count))["seconds"]
    pieces = whole_count.stat().st_size - 1  # less the sample
    target, count, journal = (folder / name for name in ("killed.npy", "killed_count", "killed.npy.partial.json"))
    rng, points, starts = random.Random(0), [], 0
    while len(points) < kills:
        process = transform(source, target, count)
        starts += 1
        time.sleep(rng.uniform(0, 1.5 * seconds / kills))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if target.exists():  # the time drawn was too long: this one does not count, and all begins again
            for path in (target, count):
                path.unlink()
            points, starts = [], 0
            continue
        state = json.loads(journal.read_text()) if journal.exists() else {"finished": 0, "shape": [1]}
        points.append(state["finished"] / state["shape"][0])
        print(f"killed with {points[-1]:.1%} recorded", file=sys.stderr)
    finish(transform(source, target, count))
    starts += 1
    computed = count.stat().st_size - starts  # each start computes a sample
    return {
        "kills": kills,
        "recorded_at_kills": points,
        "computed_again": computed / pieces - 1,
        "equal_to_the_byte": filecmp.cmp(whole, target, shallow=False),
    }


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of a gigabyte, fewer rounds and kills")
    parser.add_argument("--gigabytes", type=float, help="size of the file, in 1e9 bytes (default: 4; quick: 0.25)")
    parser.add_argument("--rounds", type=int, help="rounds of timing (default: 3; quick: 2)")
    parser.add_argument("--kills", type=int, help="how often a run is killed (default: 10; quick: 3)")
    parser.add_argument("--directory", type=Path, help="where there is room, on the disk to be measured")
    parser.add_argument("--write", action="store_true", help="write the figures to the book's data")
    arguments = parser.parse_args()
    defaults = (0.25, 2, 3) if arguments.quick else (4.0, 3, 10)
    asked = (arguments.gigabytes, arguments.rounds, arguments.kills)
    gigabytes, rounds, kills = (d if a is None else a for a, d in zip(asked, defaults, strict=True))
    with tempfile.TemporaryDirectory(prefix="streaming-", dir=arguments.directory) as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 4.2e9 * gigabytes:
            raise SystemExit(
                f"{folder.parent} has too little room: four times {gigabytes} GB are needed; see --directory"
            )
        source = folder / "source.npy"
        size = make_source(source, int(gigabytes * 1e9))
        cached, cold = (measure_speed(source, folder, size, rounds, cold=cold) for cold in (False, True))
        killed = kill_and_resume(source, folder, kills)
    this = machine()
    print(f"\n{describe(this)}\n\n{size / 1e9:.2f} GB of float64, {rounds} rounds, one thread\n")
    rows = [
        (
            "GB/s of the source",
            "cached",
            "slowest to fastest",
            "ours over it",
            "cold",
            "slowest to fastest",
            "ours over it",
        )
    ]
    for contestant in cached["speeds"]:
        row = [contestant]
        for result in (cached, cold):
            low, high = (f"{value / 1e9:.2f}" for value in result["spread"][contestant])
            over = result["our_speed_over"].get(contestant)
            row += [f"{result['speeds'][contestant] / 1e9:.2f}", f"{low} to {high}", f"{over:.2f}" if over else ""]
        rows.append(tuple(row))
    show(rows)
    least = [f"{result['our_speed_over_slower_of_cp_and_kernel']:.2f}" for result in (cached, cold)]
    print(f"our speed over that of cp or of the kernel, whichever is lower: {least[0]} cached, {least[1]} cold")
    print(f"peak resident memory: {max(cached['peak'], cold['peak']) / 1e6:.0f} MB")
    points = ", ".join(f"{point:.0%}" for point in killed["recorded_at_kills"])
    print(f"killed {kills} times, with {points} recorded")
    print(f"computed again, all kills together: {killed['computed_again']:.1%} of the file")
    print(f"equal to an undisturbed run, byte by byte: {'yes' if killed['equal_to_the_byte'] else 'NO'}")
    if arguments.write:
        data = {"machine": this, "bytes": size, "rounds": rounds, "cached": cached, "cold": cold, "killed": killed}
        write("streaming", data, [])


if __name__ == "__main__":
    main()
