"""The explorables compute the numbers of course_lib: their maths modules run in a JavaScript engine and are compared.

In node where it is there, else in chromium, which CI has. Both are V8. Settings are drawn here, from seeds.
"""

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib.activations import log_sigmoid, logit, sigmoid, sigmoid_derivative, softplus

ROOT = Path(__file__).resolve().parents[2]
EXPLORE = ROOT / "book" / "_static" / "explore"
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SETTINGS = 200
CLOSE = {"rtol": 1e-12, "atol": 0}

if NODE is None and CHROMIUM is None and os.environ.get("CI"):
    raise RuntimeError("the explorables' tests need node or chromium, and CI has to have one")
pytestmark = pytest.mark.skipif(
    NODE is None and CHROMIUM is None,
    reason="neither node nor chromium on the PATH: nothing can run the explorables' JavaScript, so these are skipped",
)

# Calls functions of a module one after another. JSON has no infinities and no nan, so they travel as strings.
CALLER = """
const call = async (module, text) => {
  const names = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  const here = await import(module);
  const calls = JSON.parse(text, (_, v) => (Object.hasOwn(names, v) ? names[v] : v));
  const out = calls.map(([name, args]) => here[name](...args));
  const there = (_, v) => (typeof v !== "number" || Number.isFinite(v) ? v : v !== v ? "nan" : v > 0 ? "inf" : "-inf");
  return JSON.stringify(out, there);
};
"""


def _outward(value):
    if isinstance(value, np.ndarray):
        return _outward(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_outward(item) for item in value]
    if isinstance(value, dict):
        return {key: _outward(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)) and not np.isfinite(value):
        return str(float(value))
    return value.item() if isinstance(value, np.generic) else value


def received(text):
    """What JavaScript returned, with floats for all its numbers."""

    def numbers(value):
        if isinstance(value, list):
            return [numbers(item) for item in value]
        if isinstance(value, dict):
            return {key: numbers(item) for key, item in value.items()}
        return float(value) if value in ("inf", "-inf", "nan") else value

    return numbers(json.loads(text, parse_int=float))


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """A function: ("maths.js", [("sigmoid", [1.0]), ...]) to the list of what the calls return."""
    if NODE is not None:
        folder = tmp_path_factory.mktemp("javascript")
        shutil.copytree(EXPLORE, folder, dirs_exist_ok=True)
        (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        main = 'import { readFileSync } from "node:fs";\n' + CALLER
        main += "process.stdout.write(await call(process.argv[2], readFileSync(0, 'utf8')));\n"
        (folder / "call.js").write_text(main, encoding="utf-8")

        def run(module, text):
            command = [NODE, str(folder / "call.js"), f"./{module}"]
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120)
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield lambda module, calls: received(run(module, json.dumps(_outward(calls))))
        return

    from playwright.sync_api import sync_playwright

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(EXPLORE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/README.md")
        script = f"async ([module, text]) => {{ {CALLER} return call(`/${{module}}`, text); }}"

        def run(module, text):
            return page.evaluate(script, [module, text])

        yield lambda module, calls: received(run(module, json.dumps(_outward(calls))))
        browser.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def rng(request):
    return np.random.default_rng(list(request.node.originalname.encode()))


# --- Chapter 1: the curve ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [sigmoid, sigmoid_derivative, softplus, log_sigmoid], ids=lambda f: f.__name__)
def test_functions_of_a_logit(javascript, rng, function):
    x = np.concatenate([rng.uniform(-700, 700, SETTINGS), rng.normal(0, 3, SETTINGS), [0.0, -0.0, np.inf, -np.inf]])
    name = {"sigmoid_derivative": "sigmoidDerivative", "log_sigmoid": "logSigmoid"}.get(
        function.__name__, function.__name__
    )
    assert_allclose(javascript("maths.js", [(name, [v]) for v in x]), function(x), **CLOSE)
    assert np.isnan(javascript("maths.js", [(name, [np.nan])])).all()


def test_logit_keeps_its_digits_near_one_half(javascript, rng):
    p = np.concatenate([rng.uniform(0, 1, SETTINGS), 0.5 + rng.normal(0, 1e-9, SETTINGS), [0.0, 0.5, 1.0, 1e-300]])
    assert_allclose(javascript("maths.js", [("logit", [v]) for v in p]), logit(p), **CLOSE)


def test_the_curve_explorable(javascript, rng):
    x, midpoint = rng.uniform(-8, 8, SETTINGS), rng.uniform(-4, 4, SETTINGS)
    slope, temperature = rng.uniform(0.25, 4, (2, SETTINGS))
    found = javascript("maths.js", [("placed", list(row)) for row in zip(x, slope, midpoint, temperature, strict=True)])
    z = slope / temperature * (x - midpoint)
    expected = {
        "z": z,
        "p": sigmoid(z),
        "rise": slope / temperature * sigmoid_derivative(z),
        "odds": sigmoid(z) / sigmoid(-z),
        "steepest": slope / temperature * sigmoid_derivative(0.0),
    }
    for name, values in expected.items():
        assert_allclose([row[name] for row in found], values, err_msg=name, **CLOSE)
