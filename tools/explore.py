"""Make what the book's explorables are shipped with: the data that they show, and their still images.

    python tools/explore.py data                 write the data: forecasts of tumours, a trained LSTM
    python tools/explore.py stills [NAME ...]    photograph them (all, or those named) in chromium

The stills stand in the book where scripts are off, in JupyterLab and on paper. They are what the explorable itself
shows when it has just been opened, without its controls: dark ink on a transparent ground, as the course's figures
(course_lib/plotting.py), which a dark page turns over.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import io
import json
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
EXPLORE = ROOT / "book" / "_static" / "explore"
STILLS = EXPLORE / "stills"
# Not explorables: what they share.
SHARED = {"explore", "kit", "d3"}

# A page with one explorable on it, and of the theme's variables those that explore.css uses.
PAGE = """<!doctype html>
<html lang="en" data-theme="light">
<link rel="stylesheet" href="explore.css" />
<style>
  :root {{ --pst-color-text-base: #1f2328; --pst-color-text-muted: #5f6773; --pst-color-background: #fff;
          --pst-color-surface: #f5f5f5; --pst-color-border: #c9c9c9; --pst-color-primary: #0a7d91; }}
  body {{ color: #1f2328; font: 16px/1.5 "DejaVu Sans", sans-serif; margin: 0; width: 640px; }}
  figure {{ margin: 0; }}
</style>
<figure class="explorable" id="explore-{name}"><figcaption></figcaption></figure>
<script type="module" src="explore.js"></script>
</html>"""


def names() -> list[str]:
    """List the explorables: modules with a default export."""
    return sorted(
        path.stem
        for path in EXPLORE.glob("*.js")
        if path.stem not in SHARED and "export default" in path.read_text(encoding="utf-8")
    )


def tumours() -> dict[str, Any]:
    """Scores that naive Bayes gives to tumours, what they were, and Platt's repair, as in chapter 4.

    Returns
    -------
    dict
        ``score``, log-odds of the 219 tumours that neither model has seen; ``malignant``, 0 or 1 for each; ``platt``,
        slope and intercept.
    """
    from sklearn.datasets import load_breast_cancer
    from sklearn.naive_bayes import GaussianNB

    from course_lib.calibration import PlattScaling

    cells, benign = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(benign))
    cells, malignant = cells[order], 1 - benign[order]
    learn, adjust, decide = slice(0, 200), slice(200, 350), slice(350, None)
    joint = GaussianNB().fit(cells[learn], malignant[learn]).predict_joint_log_proba(cells)
    score = joint[:, 1] - joint[:, 0]
    platt = PlattScaling().fit(score[adjust], malignant[adjust])
    return {
        "platt": {"slope": platt.slope_, "intercept": platt.intercept_},
        "score": score[decide].round(6).tolist(),
        "malignant": malignant[decide].tolist(),
    }


def adding() -> dict[str, Any]:
    """Train chapter 5's small LSTM on the adding problem with 20 steps, and pick sequences that it has not seen.

    Returns
    -------
    dict
        ``weights``, the layer's arrays; ``read``, weight and bias of the answer; ``sequences``, each with the ``value``
        of each step, the two steps in ``mark``, and the ``target``. All are rounded to six digits after the point.
    """
    from course_lib.networks import clip_by_norm
    from course_lib.optim import Adam
    from course_lib.recurrent import LSTM

    def adding_problem(rng: np.random.Generator, batch: int, T: int) -> tuple[Any, ...]:
        lengths = rng.integers(T, T + T // 10 + 1, batch)
        x = np.zeros((lengths.max(), batch, 2))
        x[:, :, 0] = rng.uniform(-1, 1, x.shape[:2])
        every, last = np.arange(batch), lengths - 1
        first = rng.integers(0, 10, batch)
        second = rng.integers(0, T // 2 - 1, batch)
        second += second >= first
        x[0, :, 1] = x[last, every, 1] = -1
        x[first, every, 1] = x[second, every, 1] = 1
        x[0, x[0, :, 1] == 1, 0] = 0
        return x, last, 0.5 + (x[first, every, 0] + x[second, every, 0]) / 4

    layer = LSTM(2, 4, init="chrono", time_span=20, seed=0)
    rng, optimiser, budget, batch = np.random.default_rng(0), Adam(), 40_000, 32
    read = {"weight": rng.uniform(-1, 1, (4, 1)) / np.sqrt(4), "bias": np.zeros(1)}
    for n in range(0, budget, batch):
        optimiser.learning_rate = 0.02 * (1 - n / budget)
        x, last, target = adding_problem(rng, batch, 20)
        y, _ = layer.forward(x)
        at = last, np.arange(batch)
        dout = 2 * (y[at] @ read["weight"] + read["bias"] - target[:, np.newaxis]) / batch
        dy = np.zeros_like(y)
        dy[at] = dout @ read["weight"].T
        layer.backward(dy)
        gradients = {"weight": y[at].T @ dout, "bias": dout.sum(axis=0), **layer.gradients()}
        clip_by_norm(gradients, 1.0)
        optimiser.step(layer.parameters | read, gradients)

    x, last, target = adding_problem(np.random.default_rng(9), 500, 20)
    marks = [np.flatnonzero(x[:, k, 1] == 1) for k in range(500)]
    apart = [k for k in range(500) if marks[k][0] > 0 and np.ptp(marks[k]) >= 4]
    return {
        "weights": {name: array.round(6).tolist() for name, array in layer.parameters.items()},
        "read": {"weight": read["weight"][:, 0].round(6).tolist(), "bias": round(float(read["bias"][0]), 6)},
        "sequences": [
            {
                "value": x[: last[k] + 1, k, 0].round(6).tolist(),
                "mark": marks[k].tolist(),
                "target": round(float(target[k]), 6),
            }
            for k in (442, *apart[:4])  # the first is the one that the chapter draws
        ],
    }


#: The files of data, by name, and what computes them.
DATA: dict[str, Callable[[], dict[str, Any]]] = {"tumours.json": tumours, "adding.json": adding}


def data() -> None:
    """Compute the data anew and write what changed."""
    for name, compute in DATA.items():
        text = json.dumps(compute(), separators=(",", ":")) + "\n"
        path = EXPLORE / name
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'written' if changed else 'unchanged'}, {len(text) / 1000:.0f} kB")


def stills(chosen: Sequence[str]) -> None:
    """Photograph explorables as they are when opened, at twice the size, into `STILLS`.

    Raises
    ------
    SystemExit
        There is no chromium on the PATH.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("error: the stills are photographed in chromium, and there is none on the PATH")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Pages, directory=str(EXPLORE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    STILLS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(device_scale_factor=2, viewport={"width": 700, "height": 900})
        for name in chosen:
            page.goto(f"http://127.0.0.1:{server.server_port}/{name}.html")
            page.locator(f"#explore-{name}[data-explorable] .explorable-summary:not(:empty)").wait_for()
            picture = page.locator(".explorable-stage").screenshot(omit_background=True)
            path = STILLS / f"{name}.png"
            with Image.open(io.BytesIO(picture)) as image:
                image.quantize(128, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()
    server.shutdown()


class _Pages(http.server.SimpleHTTPRequestHandler):
    """Serves the folder of the explorables, and for NAME.html a page with that one."""

    def do_GET(self) -> None:
        name = self.path.strip("/").removesuffix(".html")
        if name not in names():
            return super().do_GET()
        body = PAGE.format(name=name).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="tools/explore.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("data", help="compute the data anew")
    photograph = commands.add_parser("stills", help="photograph the explorables")
    photograph.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())} (default: all)")
    options = parser.parse_args(argv)
    if options.command == "data":
        data()
        return 0
    unknown = set(options.names) - set(names())
    if unknown:
        parser.error(f"no such explorable: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    stills(options.names or names())
    return 0


if __name__ == "__main__":
    sys.exit(main())
