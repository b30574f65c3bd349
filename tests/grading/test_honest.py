"""Right answers that look odd, and keep their marks: a limit or a wall must not cost an honest learner anything."""

from dataclasses import replace

import pytest

from grading.grade import grade
from grading.rehearsal import submission, with_answers

from .conftest import marks, require_isolation

FULL = {"test_double": 4, "test_counter": 2}


@pytest.fixture(scope="module", autouse=True)
def isolation():
    require_isolation()


HONEST = {
    "warns at its own calls": """import warnings
warnings.warn("a warning of the cell")
np.log(np.array([0.0, -1.0]))
np.float64(1) / 0
def double(x):
    return 2 * x
double(np.array([1e308]))""",
    "writes to stderr and logs": """import logging, sys
logging.basicConfig(level=logging.DEBUG)
logging.warning("from the cell")
def double(x):
    logging.info("called with something")
    print("working", file=sys.stderr)
    return 2 * x""",
    "prints a lot": """print("é" * 100_000)
for i in range(5000):
    print(i)
def double(x):
    for i in range(2000):
        print("still working", i)
    return 2 * x""",
    "prints as a program does": """import os
os.system("echo printed by a program")
os.write(1, b"printed past Python\\n")
def double(x):
    os.write(2, b"printed past Python\\n")
    return 2 * x""",
    "shows much": """from IPython.display import HTML, display
for i in range(300):
    display(HTML(f"<b>{i}</b>"))
def double(x):
    display(x)
    return 2 * x
double(np.zeros((1000, 1000)))""",
    "uses threads": """from concurrent.futures import ThreadPoolExecutor
from threading import Thread
pool = ThreadPoolExecutor(2)
print(list(pool.map(abs, [-1, -2])))
def double(x):
    found = []
    thread = Thread(target=lambda: found.append(2 * x))
    thread.start()
    thread.join()
    return found[0]""",
    "leaves a thread running": """import threading, time
def tick():
    while True:
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
threading.Timer(60, print).start()
def double(x):
    threading.Thread(target=tick, daemon=True).start()
    return 2 * x""",
    "uses processes": """import subprocess, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
print(subprocess.run([sys.executable, "-c", "print(6)"], capture_output=True, text=True).stdout)
def double(x):
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        return pool.submit(np.multiply, 2, x).result()""",
    "leaves generators and files open": """import tempfile
def numbers():
    try:
        while True:
            yield 1
    finally:
        print("closed")
left = numbers()
next(left)
file = open("notes.txt", "w")
file.write("never closed")
scratch = tempfile.NamedTemporaryFile()
def double(x):
    g = numbers()
    return (next(g) + next(g)) * x""",
    "keeps what it computed": """import functools
cache = {}
@functools.lru_cache
def two():
    return 2
def double(x):
    key = np.asarray(x).tobytes()
    if key not in cache:
        cache[key] = two() * x
    return cache[key]""",
    "has an error in a cell of its own": """def double(x):
    return 2 * x
double("a") / 0""",
    "sets what NumPy prints and when it raises": """np.set_printoptions(precision=2, suppress=True)
np.seterr(all="raise", over="ignore")
import warnings
warnings.simplefilter("error")
def double(x):
    return 2 * x""",
    "uses IPython's commands": """%matplotlib inline
%load_ext autoreload
%autoreload 2
names = !ls
%timeit -n 1 -r 1 1 + 1
def double(x):
    return 2 * x
double?""",
    "asks with asyncio": """import asyncio
await asyncio.sleep(0.01)
async def later(x):
    await asyncio.sleep(0.01)
    return 2 * x
def double(x):
    return asyncio.new_event_loop().run_until_complete(later(x))""",
    "takes memory and gives it back": """big = np.ones(20_000_000)
del big
def double(x):
    np.ones(10_000_000)
    return 2 * x""",
    "binds names to themselves": """x = np.eye(2)
x = x.T
x = x.real
x = x.imag
def double(y):
    return 2 * y + 0 * x[0, 0]""",
    "takes a while": """import time
time.sleep(1)
def double(x):
    time.sleep(0.3)
    return 2 * x""",
    "is a class, a partial or a method": """import functools
class Doubler:
    def __init__(self, factor):
        self.factor = factor
    def __call__(self, x):
        return self.factor * x
double = functools.partial(Doubler(2).__call__)""",
    "calls C that calls back": """import ctypes
@ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
def twice(x):
    return 2 * x
def double(x):
    return np.vectorize(twice)(x) if np.ndim(x) else twice(x)""",
    "is deleted after it was bound elsewhere": """def _double(x):
    return 2 * x
double = _double
del _double""",
}


@pytest.fixture(scope="module")
def patient(tiny):
    """The tiny problem set with time for what has to be imported."""
    return replace(tiny, settings={"limits": {"cell_seconds": 20}})


def graded(assignment, source):
    return grade(assignment, submission(with_answers(assignment.notebook, {"double": source}), "student"))


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST)
def test_a_right_answer_keeps_its_marks(patient, source):
    assert marks(graded(patient, source)) == FULL


def test_a_cell_that_is_stopped_after_it_defined_the_answer_keeps_its_marks(tiny):
    result = graded(tiny, "def double(x):\n    return 2 * x\nwhile True:\n    pass")
    assert marks(result) == FULL
    assert result.needs_person == ["cell double was stopped after 3 s"]


def test_fifty_open_figures_cost_nothing(patient):
    """Matplotlib warns from the 21st figure on, and the notebook shows each at the end of the cell."""
    figures = """import matplotlib.pyplot as plt
for i in range(50):
    plt.figure(figsize=(0.3, 0.3))
    plt.gca().set_axis_off()
def double(x):
    plt.plot([1, 2])
    return 2 * x"""
    result = graded(patient, figures)
    assert marks(result) == FULL
    shown = next(c for c in result.notebook["cells"] if c["id"] == "double")["outputs"]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 50
