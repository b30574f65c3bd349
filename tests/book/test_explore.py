"""The explorables compute the numbers of course_lib: their maths modules run in a JavaScript engine and are compared.

In node where it is there, else in chromium, which CI has. Both are V8. Settings are drawn here, from seeds.
"""

import functools
import http.server
import json
import math
import os
import shutil
import subprocess
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp
from numpy.testing import assert_allclose

from course_lib.activations import log_sigmoid, logit, sigmoid, sigmoid_derivative, softplus
from course_lib.calibration import (
    bayes_threshold,
    best_threshold,
    brier_score,
    expected_calibration_error,
    expected_cost,
    reliability_curve,
)
from course_lib.logistic import LogisticRegression, SeparationWarning
from course_lib.losses import binary_cross_entropy_with_logits
from course_lib.measure import EXACT, ulp_error
from course_lib.networks import DeepNetwork, gradient_norms
from course_lib.recurrent import LSTM, LSTMCell
from course_lib.variants import clipped_sigmoid, naive_sigmoid

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


# --- Chapter 2: floating point ----------------------------------------------------------------------------------------

FORMATS = {"float16": (np.float16, 20), "float32": (np.float32, 110), "float64": (np.float64, 760)}
EACH_FORMAT = pytest.mark.parametrize("name", FORMATS)


def points(rng, name):
    """Numbers of the format all over the explorable's slider."""
    dtype, reach = FORMATS[name]
    return np.concatenate([rng.uniform(-reach, reach, SETTINGS), [0.0, -reach, reach]]).astype(dtype)


def rounded_step_by_step(x, dtype):
    """The naive form, each step rounded once; exp from mpmath."""
    with mp.workprec(200), np.errstate(over="ignore"):
        e = [dtype(float(mp.exp(-mp.mpf(float(v))))) for v in x]
        return dtype(1) / (dtype(1) + np.array(e, dtype))


@EACH_FORMAT
def test_rounding_to_a_format_is_numpys(javascript, rng, name):
    dtype, _ = FORMATS[name]
    info = np.finfo(dtype)
    with np.errstate(over="ignore"):
        x = np.exp(rng.uniform(np.log(float(info.smallest_subnormal)) - 2, np.log(float(info.max)), 2000))
        x *= rng.choice([-1, 1], x.size)
        near = x.astype(dtype).astype(np.float64)
        halves = (near + np.nextafter(near.astype(dtype), dtype(np.inf)).astype(np.float64)) / 2
        x = np.concatenate([x, halves, [0.0, np.inf, -np.inf, float(info.max), float(info.max) * (1 + 2.0**-12)]])
        assert javascript("floats.js", [("round", [v, name]) for v in x]) == x.astype(dtype).astype(float).tolist()


@EACH_FORMAT
def test_naive_and_clipped_round_after_each_step_and_are_the_variants_of_the_course(javascript, rng, name):
    dtype, _ = FORMATS[name]
    x = points(rng, name)
    found = javascript("floats.js", [("forms", [v, name]) for v in x.astype(float)])
    clip = np.clip(x, dtype(-500), dtype(500))
    for form, inside, variant in (("naive", x, naive_sigmoid), ("clipped", clip, clipped_sigmoid)):
        values = np.array([row[form]["value"] for row in found])
        # The two steps after exp are exact to the last bit. exp is, too, in the narrow formats; in float64 the
        # engine's may be one ulp off.
        wanted = rounded_step_by_step(inside, dtype)
        steps = 0 if name != "float64" else 2
        assert np.max(abs(values - wanted.astype(float)) / np.spacing(wanted.astype(dtype)).astype(float)) <= steps
        with np.errstate(over="ignore"):
            theirs = variant(x)
            overflows = np.isinf(np.exp(-inside))
        # NumPy's exp differs by a few ulp between processors.
        assert np.max(abs(values - theirs.astype(float)) / np.spacing(theirs).astype(float)) <= 4
        if name == "float64":
            assert_allclose(values[theirs > 1e-300], theirs[theirs > 1e-300], **CLOSE)
        assert [row[form]["overflow"] for row in found] == overflows.tolist()


@EACH_FORMAT
def test_the_stable_form_is_the_sigmoid_of_the_course(javascript, rng, name):
    x = points(rng, name)
    found = [row["stable"]["value"] for row in javascript("floats.js", [("forms", [v, name]) for v in x.astype(float)])]
    # A subnormal float64 has fewer digits than the tolerance asks for: one step of those is allowed.
    assert_allclose(found, sigmoid(x).astype(float), rtol=1e-12, atol=5e-324)


@EACH_FORMAT
def test_errors_in_ulp_are_those_of_course_lib(javascript, rng, name):
    dtype, _ = FORMATS[name]
    x = points(rng, name)
    with np.errstate(over="ignore"):
        for values in (naive_sigmoid(x), clipped_sigmoid(x), sigmoid(x), rng.uniform(0, 1, x.size).astype(dtype)):
            rows = zip(values.astype(float), x.astype(float), strict=True)
            found = javascript("floats.js", [("ulpError", [v, at, name]) for v, at in rows])
            # With 1200 bits sigmoid(760) is below 1, on whose other side an ulp is twice as large.
            assert_allclose(found, ulp_error(values, EXACT["sigmoid"], x, bits=1200), rtol=1e-12, atol=1e-15)
    assert javascript("floats.js", [("ulpError", [np.nan, 1.0, name])]) == [np.inf]


def test_the_exact_value_is_shown_in_decimals(javascript, rng):
    x = np.concatenate([rng.uniform(-800, 800, SETTINGS), rng.normal(0, 5, 20), [0.0, 1e-300, 2.0**-60]])
    for at, found in zip(x, javascript("floats.js", [("exactDecimal", [v]) for v in x]), strict=True):
        with mp.workprec(1500):
            shown = mp.mpf(found["significand"]) * mp.mpf(10) ** int(found["power"])
            exact = EXACT["sigmoid"](mp.mpf(float(at)))
            assert abs(shown / exact - 1) < 5.01e-7
        assert 1 <= float(found["significand"]) < 10
        assert len(found["significand"]) == 8


# --- Chapter 3: logistic regression -----------------------------------------------------------------------------------


def labelled_points(rng, reach):
    """Whole numbers in the plane, with labels from a noisy line, both of them present."""
    points = rng.integers(-reach, reach + 1, (rng.integers(6, 25), 2))
    noise = rng.logistic(size=len(points)) * reach * rng.uniform(0, 1.5)
    labels = (points @ rng.normal(size=2) + noise > 0).astype(int)
    labels[:2] = 0, 1
    return points, labels


def test_logistic_regression_finds_the_minimum_of_course_lib(javascript, rng):
    settings = []
    while len(settings) < SETTINGS:
        points, labels = labelled_points(rng, 40)
        C = rng.choice([np.inf, 100.0, 1.0, 0.01])
        rows = points / 10
        with warnings.catch_warnings():
            warnings.simplefilter("error", SeparationWarning)
            try:
                model = LogisticRegression(C, tol=1e-30).fit(rows, labels)
            except SeparationWarning:
                continue
        theta = np.append(model.coef_, model.intercept_)
        slope = sigmoid_derivative(model.decision_function(rows))
        A = np.column_stack([rows, np.ones(len(rows))])
        hessian = (A * slope[:, np.newaxis]).T @ A + np.diag([1 / C, 1 / C, 0])
        if np.linalg.cond(hessian) < 1e4:  # beyond, the last digits of the optimum are rounding
            settings.append((rows, labels, C, theta, model.cost_trace_[-1]))
    found = javascript("logistic.js", [("fit", [rows, labels, C]) for rows, labels, C, _, _ in settings])
    for here, (rows, labels, C, theta, cost) in zip(found, settings, strict=True):
        assert_allclose(here["theta"], theta, rtol=0, atol=1e-12 * abs(theta).max())
        assert_allclose(here["cost"], cost, **CLOSE)
        loss = binary_cross_entropy_with_logits(rows @ here["theta"][:2] + here["theta"][2], labels)
        assert_allclose(here["cost"], loss + np.sum(np.square(here["theta"][:2])) / (2 * C * len(rows)), **CLOSE)


@pytest.mark.parametrize("reach", [3, 40])
def test_separation_is_found_where_course_lib_finds_it(javascript, rng, reach):
    """On a grid of 7 by 7 many points lie on a boundary, and some sets on one line."""
    settings = [labelled_points(rng, reach) for _ in range(SETTINGS)]
    for points, _ in settings[:20]:
        points[:, 1] = 2 * points[:, 0] - 1
    found = javascript("logistic.js", [("separation", [points, labels]) for points, labels in settings])
    kinds = []
    for here, (points, labels) in zip(found, settings, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SeparationWarning)
            there = LogisticRegression(np.inf).fit(points.astype(float), labels).separation_
        kinds.append(None if there is None else there.kind)
        assert (here and here["kind"]) == kinds[-1]
        if here:
            margins = np.where(labels, 1, -1) * (points @ here["direction"][:2] + here["direction"][2])
            scale = np.abs(here["direction"]).max() * reach
            assert margins.min() > (0 if here["kind"] == "complete" else -1e-12 * scale)
            assert margins.max() > 1e-6 * scale
    assert {kinds.count(kind) >= 5 for kind in (None, "complete")} == {True}
    assert kinds.count("quasi-complete") >= 5 or reach > 3


def test_without_a_single_minimum_the_fit_says_so(javascript):
    line = [[-1, -1], [0, 0], [1, 1], [2, 2]]
    assert javascript("logistic.js", [("fit", [line, [0, 1, 0, 1], np.inf])]) == [None]
    assert javascript("logistic.js", [("fit", [line, [0, 1, 0, 1], 1.0])])[0]["cost"] > 0


# --- Chapter 4: calibration -------------------------------------------------------------------------------------------


def forecast_and_labels(rng):
    """Forecasts, some of them equal, on bin edges, or 0 and 1, and labels."""
    p = rng.beta(*rng.uniform(0.2, 2, 2), rng.integers(5, 300))
    if rng.random() < 0.5:
        p = p.round(rng.integers(1, 3))
    return (rng.random(p.size) < p).astype(int), p


def test_reliability_and_its_measures_are_those_of_course_lib(javascript, rng):
    settings = [(*forecast_and_labels(rng), int(rng.integers(1, 25))) for _ in range(SETTINGS)]
    curves = javascript("forecasts.js", [("reliabilityCurve", [y, p, bins]) for y, p, bins in settings])
    errors = javascript("forecasts.js", [("expectedCalibrationError", [y, p, bins]) for y, p, bins in settings])
    briers = javascript("forecasts.js", [("brierScore", [y, p]) for y, p, _ in settings])
    for curve, error, brier, (y, p, bins) in zip(curves, errors, briers, settings, strict=True):
        there = reliability_curve(y, p, bins)
        for name in ("predicted", "observed", "count", "low", "high"):
            assert_allclose([b[name] for b in curve], getattr(there, name), rtol=1e-12, atol=1e-16, err_msg=name)
        assert_allclose(error, expected_calibration_error(y, p, bins), rtol=1e-12, atol=1e-16)
        assert_allclose(brier, brier_score(y, p), **CLOSE)


def test_thresholds_and_costs_are_those_of_course_lib(javascript, rng):
    settings = []
    for _ in range(SETTINGS):
        y, p = forecast_and_labels(rng)
        a, m = rng.integers(1, 21, 2).tolist() if rng.random() < 0.5 else rng.uniform(0, 20, 2)
        settings.append((y, p, rng.choice([rng.random(), rng.choice(p)]), a, m))
    costs = javascript("forecasts.js", [("expectedCost", list(row)) for row in settings])
    best = javascript("forecasts.js", [("bestThreshold", [y, p, a, m]) for y, p, _, a, m in settings])
    bayes = javascript("forecasts.js", [("bayesThreshold", [a, m]) for *_, a, m in settings])
    for cost, lowest, tau, (y, p, cut, a, m) in zip(costs, best, bayes, settings, strict=True):
        assert_allclose(cost, expected_cost(y, p, cut, a, m), **CLOSE)
        assert_allclose(lowest, best_threshold(y, p, a, m), **CLOSE)
        assert_allclose(tau, bayes_threshold(a, m), **CLOSE)


def test_the_tumours_are_those_of_the_chapter(javascript):
    data = json.loads((EXPLORE / "tumours.json").read_text(encoding="utf-8"))
    y, score, platt = data["malignant"], data["score"], data["platt"]
    calls = [("forecasts", [score, 1, 0]), ("forecasts", [score, platt["slope"], platt["intercept"]])]
    as_it_is, scaled = javascript("forecasts.js", calls)
    assert_allclose(as_it_is, sigmoid(score), **CLOSE)
    assert_allclose(scaled, sigmoid(platt["slope"] * np.array(score) + platt["intercept"]), **CLOSE)
    calls = [("expectedCost", [y, p, cut, 1, 9]) for p in (as_it_is, scaled) for cut in (0.5, 0.1)]
    chapter = (ROOT / "book" / "04_calibration.ipynb").read_text(encoding="utf-8")
    costs = javascript("forecasts.js", calls)
    assert f"as it is: cost {costs[0]:.3f} at 0.5, {costs[1]:.3f} at 0.1" in chapter
    assert f"Platt   : cost {costs[2]:.3f} at 0.5, {costs[3]:.3f} at 0.1" in chapter


# --- Chapter 5: gates -------------------------------------------------------------------------------------------------


def lstm_with_gates_held(weights, sequence, forced):
    """LSTMCell, in which a gate is held by a bias of ±10000: its sigmoid is exactly 0 or 1."""
    cell = LSTMCell(len(weights["weight_ih_l0"][0]), len(weights["weight_hh_l0"][0]))
    state, rows = None, []
    for step, x in enumerate(sequence):
        cell.load_state_dict(weights)
        for hold in reversed(forced):  # the first that fits counts
            if hold["step"] in (step, -1):
                first = cell.GATES.index(hold["gate"]) * cell.hidden_size
                units = range(cell.hidden_size) if hold["unit"] == -1 else [hold["unit"]]
                for unit in units:
                    cell.parameters["bias_ih_l0"][first + unit] = 10_000 if hold["value"] else -10_000
        state = cell.forward(np.array([x]), state)
        rows.append({"hidden": state[0][0], "cell": state[1][0], **{k: v[0] for k, v in cell.gates.items()}})
    return rows


def test_an_lstm_with_gates_held_computes_what_course_lib_does(javascript, rng):
    settings = []
    for _ in range(SETTINGS):
        inputs, units, steps = rng.integers(1, 4), rng.integers(1, 6), rng.integers(1, 15)
        weights = {k: v * rng.uniform(0.5, 4) for k, v in LSTM(inputs, units, seed=rng).state_dict().items()}
        forced = [
            {
                "gate": str(rng.choice(["input", "forget", "output"])),
                "value": int(rng.integers(2)),
                "unit": int(rng.integers(-1, units)),
                "step": int(rng.integers(-1, steps)),
            }
            for _ in range(rng.integers(0, 4))
        ]
        settings.append((weights, rng.uniform(-1, 1, (steps, inputs)), forced))
    found = javascript("lstm.js", [("run", list(row)) for row in settings])
    for here, setting in zip(found, settings, strict=True):
        for step, there in zip(here, lstm_with_gates_held(*setting), strict=True):
            for name, values in there.items():
                # Relative to a state's natural size, 1: a cell that is nearly 0 is a difference of larger numbers.
                assert_allclose(step[name], values, rtol=1e-12, atol=1e-14, err_msg=name)


def test_the_trained_lstm_solves_the_adding_problem_of_the_chapter(javascript):
    data = json.loads((EXPLORE / "adding.json").read_text(encoding="utf-8"))
    answers = []
    for sequence in data["sequences"]:
        value, mark = sequence["value"], sequence["mark"]
        marker = [1 if t in mark else -1 if t in (0, len(value) - 1) else 0 for t in range(len(value))]
        x = np.column_stack([value, marker])
        rows = javascript("lstm.js", [("run", [data["weights"], x])])[0]
        answers += javascript("lstm.js", [("answer", [data["read"], rows[-1]["hidden"]])])
        layer = LSTM(2, 4)
        layer.load_state_dict(data["weights"])
        y, _ = layer.forward(x[:, np.newaxis])
        assert_allclose(answers[-1], y[-1, 0] @ data["read"]["weight"] + data["read"]["bias"], **CLOSE)
        assert_allclose(sequence["target"], 0.5 + sum(value[t] for t in mark) / 4, atol=1e-6)
        assert abs(answers[-1] - sequence["target"]) < 0.04
    chapter = (ROOT / "book" / "05_gates.ipynb").read_text(encoding="utf-8")
    assert f"answer {answers[0]:.3f}, target {data['sequences'][0]['target']:.3f}" in chapter


# --- Chapter 6: gradient flow -----------------------------------------------------------------------------------------


def test_random_numbers_are_numpys(javascript, rng):
    seeds = [0, 1, 2**32 - 1, *rng.integers(0, 2**32, 20).tolist()]
    found = javascript("random.js", [("draw", [seed, 200]) for seed in seeds])
    for seed, numbers in zip(seeds, found, strict=True):
        assert numbers == np.random.default_rng(seed).uniform(-1, 1, 200).tolist()


def one_pass(layers, activation, gain, bias, seed, nudge=0.0):
    """The explorable's pass in course_lib; `nudge` is the size of relative changes of the input."""
    network = DeepNetwork((48,) * (layers + 1) + (10,), activation, gain=gain, bias=bias, seed=seed)
    fixed = np.random.default_rng(1)
    x = math.sqrt(3) * fixed.uniform(-1, 1, (48, 48))
    network.forward(x * (1 + nudge * np.random.default_rng(2).normal(size=x.shape)))
    network.backward(math.sqrt(3) * fixed.uniform(-1, 1, (48, 10)))
    return {
        "signals": gradient_norms(network, "signals")[:-1],
        "gradients": gradient_norms(network)[:-1],
        "spreads": np.array([layer.signal for layer in network.statistics()]),
    }


def test_gradients_are_those_of_course_lib(javascript, rng):
    settings = [
        {
            "layers": int(rng.integers(1, 31)),
            "activation": str(rng.choice(["sigmoid", "tanh", "relu", "elu", "silu"])),
            "gain": 2.0 ** rng.uniform(-1, 3),
            "bias": rng.choice(np.array(["centred", -2.0, -1.0, 0.0, 1.0, 2.0], dtype=object)),
            "seed": int(rng.integers(100)),
        }
        for _ in range(SETTINGS)
    ]
    found = javascript("network.js", [("pass", [setting]) for setting in settings])
    plain = 0
    for here, setting in zip(found, settings, strict=True):
        there, nudged = one_pass(**setting), one_pass(**setting, nudge=1e-15)
        tolerances = []
        for name in ("signals", "gradients"):
            alive = there[name] > 0  # a rectified layer may be dead
            moved = np.max(abs(nudged[name][alive] / there[name][alive] - 1), initial=0)
            # In a chaotic network each layer multiplies rounding errors, course_lib's as much as ours.
            tolerances.append(max(1e-12, 20 * moved))
            assert_allclose(here[name], there[name], rtol=tolerances[-1], atol=0, err_msg=f"{name}, {setting}")
        moved = np.max(abs(nudged["spreads"] - there["spreads"]))
        # A spread is a difference of activations, so its rounding errors are of their size.
        assert_allclose(
            here["spreads"], there["spreads"], rtol=1e-12, atol=max(1e-13, 20 * moved), err_msg=str(setting)
        )
        plain += max(tolerances) == 1e-12
    assert plain >= 0.85 * SETTINGS
