"""TemperatureSigmoid on every backend that is installed, against mpmath, course_lib.calibration and the other backends.

A process has one backend, so each backend has a process, which does everything at once: loading TensorFlow takes longer
than all tests. It reports plain numbers, and the tests look at them. The module's examples run there, too.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.testing import assert_allclose

from course_lib.calibration import TemperatureScaling

if not find_spec("keras"):
    pytest.skip("Keras is not installed", allow_module_level=True)
BACKENDS = [name for name in ("torch", "jax", "tensorflow") if find_spec(name)]
if not BACKENDS:
    pytest.skip("Keras has no backend: neither PyTorch, JAX nor TensorFlow is installed", allow_module_level=True)

# In float32 the slope is a normal number between -87.3 and 87.3.
FAR = [-87.0, -40.0, -17.0, -3.0, -0.5, 0.0, 0.25, 2.0, 17.0, 40.0, 87.0]
HALF = [-16.0, -9.0, -1.0, 0.0, 0.5, 3.0, 9.0, 20.0]
INPUT = np.linspace(-30, 30, 12).reshape(4, 3)

PROGRAM = r"""
import doctest, json, sys, warnings
# Of PyTorch's tensors about themselves, whenever Keras turns them into arrays.
warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
import numpy as np
import course_lib.frameworks.keras as module
from course_lib.frameworks.keras import TemperatureSigmoid
import keras
from keras import ops

given = json.loads(sys.stdin.readline())
backend, report = keras.backend.backend(), {}


def array(x):
    return np.asarray(ops.stop_gradient(x), dtype=np.float64).tolist()


def padded(x):
    # JAX compiles every operation for every shape, so there is one shape.
    return np.array([*x, *[0.0] * (12 - len(x))], dtype="float32")


def values(layer, x):
    return array(layer(of(padded(x))))[: len(x)]


def slopes(function, x):
    return all_slopes(function, padded(x))[: len(x)]


def all_slopes(function, x):
    if backend == "torch":
        import torch
        x = torch.tensor(x, requires_grad=True)
        return torch.autograd.grad(function(x).sum(), x)[0].tolist()
    if backend == "jax":
        import jax
        return np.asarray(jax.grad(lambda x: function(x).sum())(x), dtype=np.float64).tolist()
    import tensorflow
    x = tensorflow.constant(x)
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy().tolist()


def of(x, dtype="float32"):
    return ops.convert_to_tensor(np.array(x), dtype=dtype)


report["backend"] = backend
printed = []
examples = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
for test in doctest.DocTestFinder().find(module):
    examples.run(test, out=printed.append)
report["examples"] = [examples.tries, "".join(printed)]
one = TemperatureSigmoid()
one.build((None,))
report["values"] = values(one, given["far"])
report["slopes"] = slopes(one, given["far"])
report["slopes of Keras's own"] = slopes(ops.sigmoid, given["far"])
report["ends"] = values(one, [-np.inf, np.inf, np.nan])
report["slopes at the ends"] = slopes(one, [-np.inf, np.inf])
report["warmer"] = values(TemperatureSigmoid(4.0), given["far"])
report["wild"] = [values(TemperatureSigmoid(t), [-1.0, 0.0, 1.0]) for t in (1e-17, 1e17)]

half = TemperatureSigmoid(0.5, dtype="mixed_float16")
y = half(of(given["half"], "float16"))
report["half"] = [array(y), str(keras.backend.standardize_dtype(y.dtype)), str(half.log_temperature.dtype)]

fixed = TemperatureSigmoid(2.5, trainable=False, name="scale")
fixed.build((None, 3))
copy = TemperatureSigmoid.from_config(fixed.get_config())
copy.build((None, 3))
other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(fixed))
report["fixed"] = [len(fixed.trainable_weights), len(fixed.weights), fixed.count_params()]
report["copies"] = [[c.temperature, c.trainable, c.name, type(c).__name__] for c in (fixed, copy, other)]

symbol = one(keras.Input((None, 3)))
report["shapes"] = [list(symbol.shape), list(one.compute_output_shape((None, 7))), str(symbol.dtype)]

report["refused"] = []
for temperature in (0, -1.0, float("nan"), float("inf"), 1e30, "hot", None):
    try:
        TemperatureSigmoid(temperature)
    except (TypeError, ValueError) as error:
        report["refused"].append(f"{type(error).__name__}: {error}")

# Calibration
z, labels = np.array(given["logits"], dtype="float32")[:, None], np.array(given["labels"], dtype="float32")[:, None]
model = keras.Sequential([keras.Input((1,)), TemperatureSigmoid(10.0)])
model.compile(keras.optimizers.Adam(0.1), loss="binary_crossentropy")
history = model.fit(z, labels, batch_size=len(z), epochs=160, verbose=0).history["loss"]
report["fitted"] = model.layers[0].temperature
report["losses"] = [history[0], history[-1]]
# Every sample right, and steps as long as from one end of the floating-point numbers to the other.
model.optimizer.learning_rate = 500.0
temperatures = []
for _ in range(4):
    model.fit(z, (z > 0).astype("float32"), batch_size=len(z), epochs=1, verbose=0)
    temperatures.append(model.layers[0].temperature)
report["after wild steps"] = [temperatures, array(model(z[:5]))]

# Saved
layers = [keras.layers.Dense(2), TemperatureSigmoid(3.0), TemperatureSigmoid(trainable=False)]
net = keras.Sequential([keras.Input((3,)), *layers])
net.layers[1].log_temperature.assign(0.7)
net.save(given["folder"] + "/" + backend + ".keras")
report["predictions"] = array(net(of(given["input"])))
print(json.dumps(report), flush=True)

# Once all have been saved, loaded.
loaded = {}
for name in json.loads(sys.stdin.readline()):
    net = keras.saving.load_model(given["folder"] + "/" + name + ".keras")
    temperatures = [layer.temperature for layer in net.layers[1:]]
    loaded[name] = [array(net(of(given["input"]))), temperatures, len(net.trainable_weights)]
print(json.dumps(loaded), flush=True)
"""


def _logits() -> tuple[np.ndarray, np.ndarray]:
    """Sure by a factor of 3, and some in their tails."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, 2000)
    return 3 * z, rng.random(z.size) < 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("models")
    z, labels = _logits()
    given = {"far": FAR, "half": HALF, "input": INPUT.tolist(), "folder": str(folder)}
    given |= {"logits": z.tolist(), "labels": labels.astype(int).tolist()}
    quiet = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
    }
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for name in BACKENDS:
            environment = {
                **os.environ,
                **quiet,
                "OMP_NUM_THREADS": "1",
                "KERAS_HOME": str(folder),
                "KERAS_BACKEND": name,
            }
            with Path(folder, f"{name}.txt").open("w") as errors:
                running[name] = subprocess.Popen(
                    [sys.executable, "-W", "error", "-c", PROGRAM],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                )
        first = _exchange(running, folder, given)
        second = _exchange(running, folder, BACKENDS)
        assert [process.wait() for process in running.values()] == [0] * len(running)
    finally:
        for process in running.values():
            process.kill()
            process.communicate()
    return {name: {**first[name], "loaded": second[name]} for name in BACKENDS}


def _exchange(running: dict[str, subprocess.Popen[str]], folder: Path, message: Any) -> dict[str, Any]:
    for process in running.values():
        assert process.stdin is not None
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
    answers = {}
    for name, process in running.items():
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{name} ended early:\n{Path(folder, name + '.txt').read_text()[-5000:]}"
        answers[name] = json.loads(line)
    return answers


@pytest.fixture(params=BACKENDS)
def report(request: pytest.FixtureRequest, reports: Any) -> Any:
    found = reports[request.param]
    assert found["backend"] == request.param
    return found


def _sigmoid(z: float, order: int = 0) -> float:
    with mp.workdps(60):
        s = 1 / (1 + mp.exp(-mpf(z)))
        return float(s if order == 0 else s / (1 + mp.exp(mpf(z))))


def test_examples_show_what_happens(report: Any) -> None:
    tried, printed = report["examples"]
    assert printed == ""
    assert tried >= 5


def test_values(report: Any) -> None:
    assert_allclose(report["values"], [_sigmoid(v) for v in FAR], rtol=1e-6)
    assert_allclose(report["warmer"], [_sigmoid(v / 4) for v in FAR], rtol=1e-5)
    assert report["ends"][:2] == [0, 1]
    assert np.isnan(report["ends"][2])
    assert report["wild"] == [[0, 0.5, 1], [0.5, 0.5, 0.5]]


def test_slopes_keep_their_tails(report: Any) -> None:
    assert_allclose(report["slopes"], [_sigmoid(v, 1) for v in FAR], rtol=1e-6)
    assert report["slopes at the ends"] == [0, 0]
    # What this is for.
    assert report["slopes of Keras's own"][-3:] == [0, 0, 0]


def test_mixed_precision(report: Any) -> None:
    y, output, variable = report["half"]
    assert (output, variable) == ("float16", "float32")
    # 2**-24 is the smallest float16.
    assert_allclose(y, [_sigmoid(v / 0.5) for v in HALF], rtol=0.501 * 2**-10, atol=0.501 * 2**-24)


def test_configuration(report: Any) -> None:
    assert report["fixed"] == [0, 1, 1]
    for temperature, trainable, name, kind in report["copies"]:
        assert temperature == pytest.approx(2.5, rel=1e-6)
        assert (trainable, name, kind) == (False, "scale", "TemperatureSigmoid")


def test_symbolic_shapes(report: Any) -> None:
    assert report["shapes"] == [[None, None, 3], [None, 7], "float32"]


def test_temperatures_that_are_none(report: Any) -> None:
    expected = ["0", "-1.0", "nan", "inf", "1e+30", "'hot'", "None"]
    kinds = ["ValueError"] * 5 + ["TypeError"] * 2
    start = "TemperatureSigmoid: temperature must be a number between 1e-17 and 1e17, not "
    assert report["refused"] == [f"{kind}: {start}{value}" for kind, value in zip(kinds, expected, strict=True)]


def test_finds_the_temperature_that_newton_finds(report: Any) -> None:
    best = TemperatureScaling().fit(*_logits()).temperature_
    assert 2.5 < best < 3.5
    assert report["fitted"] == pytest.approx(best, rel=1e-3)
    assert report["losses"][1] < report["losses"][0]


def test_temperature_stays_positive(report: Any) -> None:
    temperatures, predictions = report["after wild steps"]
    assert min(temperatures) > 0
    assert max(temperatures) < np.inf
    assert min(temperatures) < 1e-16 or max(temperatures) > 1e16  # the steps did reach the limits
    assert np.isfinite(predictions).all()


def test_saved_and_loaded_on_every_backend(report: Any, reports: Any) -> None:
    for name in BACKENDS:
        predictions, temperatures, trainable = report["loaded"][name]
        assert_allclose(predictions, reports[name]["predictions"], rtol=1e-5)
        assert_allclose(temperatures, [np.exp(0.7), 1], rtol=1e-6)
        assert trainable == 3
