"""The student's process from outside: proxies behave as the objects would, snapshots stand alone, limits hold."""

import contextlib
import io
import linecache
import os
import re
import select
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grading import sandbox
from grading.sandbox import Limits
from grading.student import Proxy, StudentProcess, StudentProcessError

from .conftest import require_isolation
from .test_wire import same


@pytest.fixture(scope="module", autouse=True)
def isolation():
    require_isolation()


QUICK = Limits(seconds=20, cell_seconds=1, memory_mb=1024)

# --- parity -----------------------------------------------------------------------------------------------------------

SOURCE = '''
import enum
import sys
import warnings
import numpy as np

def identity(x): return x
def nothing(): pass
def add(a, b=2, *rest, scale=1, **named): return (a + b + sum(rest)) * scale + sum(named.values())
def half(x): return np.exp(x) / 2
def doubled_in_place(x):
    x *= 2
def into(x, out=None):
    out = np.empty_like(x) if out is None else out
    np.multiply(x, 3, out=out)
    return out
def aliased(x, out):
    out[:] = 0
    return float(x.sum())
def chosen(a, b): return b
def step(parameters, gradients):
    for name in parameters:
        parameters[name] -= gradients[name]
    parameters["bias"] = np.array([9.0])
    return parameters
def appended(items, item):
    items.append(item)
    items[0] = "first"
    return items
def emptied(table): table.clear()
def nested(rows):
    rows[0].append(4)
    rows[1] = [5]
    return rows[0]
def in_a_tuple(pair): pair[0][0] = 7
def renamed(table): table["b"] = table.pop("a")
def of_another_sign(items): items[0] = -0.0
def written(x): x[0] = 1
def failed_halfway(x):
    x[0] = 5
    raise RuntimeError("halfway")
def holding_itself(items):
    items.append(items)
def talks(x):
    print("x is", x)
    print("no newline", end="")
    return x
def warns(x):
    warnings.warn("mind the step")
    warnings.warn("old", DeprecationWarning)
    return np.log(x)

class Strange(Warning): pass
class Stranger(Strange, RuntimeWarning): pass
def warns_strangely(): warnings.warn(Stranger("very"))
def many_warnings():
    for i in range(5): warnings.warn(f"number {i}")

class Wrong(ValueError): pass
class Apart(Exception): pass
class Told(KeyError):
    def __str__(self): return "told"
def divides(x): return 1 / x
def raises(x): raise Wrong(f"no {x}")
def raises_apart(): raise Apart("apart", 3)
def raises_key(): return {}["missing"]
def raises_told(): raise Told(1)
def raises_decoding(): return b"\\xff".decode()
def raises_group(): raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
def raises_stop(): raise StopIteration
def raises_os(): open("/missing")
def raises_empty(): raise ValueError
def raises_not_written(): raise NotImplementedError()
def raises_assertion(): assert False, "not so"
def inner(x): return x[10]
def outer(x):
    # a comment
    return inner(
        x)
def recursion(n): return recursion(n + 1)

class Counter:
    kind = "counter"
    def __init__(self, start=0):
        self.count = start
        self.history = []
    def add(self, n=1):
        """Add."""
        self.count += n
        self.history.append(self.count)
        return self
    def fresh(self): return Counter(self.count)
    def __len__(self): return self.count
    def __getitem__(self, key): return ("item", key)
    @property
    def half(self): return self.count / 2
    @property
    def broken(self): raise Wrong("broken")
    @staticmethod
    def version(): return (1, 2)
    @classmethod
    def make(cls, n): return cls(n)

class NoNames:
    def __getattr__(self, name): raise KeyError(name)
class Looping:
    def __getattr__(self, name): return getattr(self, name + "x")

def total(counters): return sum(c.count for c in counters)
def apply(f, x): return f(x)
def make_adder(n): return lambda x: x + n
def generator(n): yield from range(n)
def odd(kind):
    return {
        "set": {1}, "range": range(3), "complex": 1j, "long": 10**5000, "object array": np.array([None]),
        "date": np.datetime64("2026-01-01"), "subclass": type("Sub", (float,), {})(1.0), "type": int,
        "no names": NoNames(), "looping": Looping(), "enum": enum.Enum("Color", "RED").RED,
        "mixed": [1, Counter(2), {"a": Counter(3)}], "ellipsis": ..., "module": np, "masked": np.ma.array([1.0]),
    }[kind]

numbers = [1, 2.5, (3, "four"), None]
array = np.arange(6, dtype=np.float32).reshape(2, 3)
numpy_number = np.float16(0.5)
text = "σ(x)"
'''

CASES = {
    "identity of a float": ("identity", lambda: [1.5]),
    "identity of nothing": ("identity", lambda: [None]),
    "identity of an array": ("identity", lambda: [np.arange(3.0)]),
    "identity of a list": ("identity", lambda: [[1, [2]]]),
    "identity of a dict": ("identity", lambda: [{"a": (1, np.float32(2))}]),
    "identity of a big-endian array": ("identity", lambda: [np.arange(3, dtype=">i2")]),
    "identity of bytes": ("identity", lambda: [b"\0\xff"]),
    "identity of a bool": ("identity", lambda: [np.True_]),
    "no return": ("nothing", list),
    "a default": ("add", lambda: [1]),
    "keywords": ("add", lambda: [1], lambda: {"scale": 3, "more": 4}),
    "many arguments": ("add", lambda: [1, 2, 3, 4]),
    "a missing argument": ("add", list),
    "float32": ("half", lambda: [np.float32(1)]),
    "float16 arrays": ("half", lambda: [np.array([1, 2], np.float16)]),
    "overflow": ("half", lambda: [np.array([1000.0])]),
    "in place": ("doubled_in_place", lambda: [np.arange(3.0)]),
    "in place, Fortran order": ("doubled_in_place", lambda: [np.asfortranarray(np.ones((2, 3)))]),
    "in place, strided": ("doubled_in_place", lambda: [np.arange(6.0)[::2]]),
    "a list is doubled": ("doubled_in_place", lambda: [[1, 2]]),
    "out": ("into", lambda: [np.arange(3.0)], lambda: {"out": np.zeros(3)}),
    "no out": ("into", lambda: [np.arange(3.0)]),
    "the second argument": ("chosen", lambda: [[1], [1]]),
    "equal arrays, the second one": ("chosen", lambda: [np.zeros(2), np.zeros(2)]),
    "parameters": ("step", lambda: [{"weight": np.ones(2)}, {"weight": np.array([0.5, 1.0])}]),
    "append": ("appended", lambda: [[1, 2], {"a": 3}]),
    "clear": ("emptied", lambda: [{"a": 3}]),
    "an inner list": ("nested", lambda: [[[1, 2], [3]]]),
    "an array in a tuple": ("in_a_tuple", lambda: [(np.zeros(2), 1)]),
    "a key is renamed": ("renamed", lambda: [{"a": 1}]),
    "the sign of zero": ("of_another_sign", lambda: [[0.0]]),
    "0-d": ("doubled_in_place", lambda: [np.array(4.0)]),
    "changed, then raised": ("failed_halfway", lambda: [[1]]),
    "printed": ("talks", lambda: ["σ"]),
    "warned": ("warns", lambda: [np.array([0.0, -1.0])]),
    "warnings of one's own": ("warns_strangely", list),
    "many warnings": ("many_warnings", list),
    "division by zero": ("divides", lambda: [0]),
    "numpy's division by zero": ("divides", lambda: [np.float64(0)]),
    "an exception of one's own": ("raises", lambda: [3]),
    "an exception with arguments": ("raises_apart", list),
    "a key error": ("raises_key", list),
    "a key error with words": ("raises_told", list),
    "a decoding error": ("raises_decoding", list),
    "stop iteration": ("raises_stop", list),
    "a missing file": ("raises_os", list),
    "an exception without text": ("raises_empty", list),
    "not written yet": ("raises_not_written", list),
    "an assertion": ("raises_assertion", list),
    "frames": ("outer", lambda: [[1]]),
    "a wrong type": ("half", lambda: ["a"]),
    "indexing a float": ("inner", lambda: [2.0]),
    "a complex number": ("odd", lambda: ["complex"]),
    "a missing kind": ("odd", lambda: ["nonsense"]),
}


def observe(function, arguments, keywords=dict) -> dict:
    """Call a function and return all that a test could see of it."""
    args, kwargs = arguments(), keywords()
    given = [*args, *kwargs.values()]
    seen: dict = {"value": None, "error": None}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            frames = getattr(error, "student_frames", None)
            if frames is None:
                frames = traceback.extract_tb(error.__traceback__)
            bases = [
                c for c in type(error).__mro__ if c.__module__ == "builtins" and c.__name__ != type(error).__name__
            ]
            seen["error"] = {
                "name": type(error).__name__,
                "text": str(error),
                "is a": [b.__name__ for b in bases],
                "lines": [f.lineno for f in frames if f.filename == "<cell answer>"],
                "line": next((f.line for f in reversed(frames) if f.filename == "<cell answer>"), None),
            }
        else:
            seen["value"] = value
            seen["is"] = [
                argument is value for argument in given if not isinstance(argument, float | int | bytes | str)
            ]
    seen["printed"] = printed.getvalue()
    seen["warnings"] = [
        (
            next(c.__name__ for c in w.category.__mro__ if c.__module__ == "builtins"),
            str(w.message),
            w.lineno if w.filename == "<cell answer>" else None,
        )
        for w in caught
    ]
    seen["arguments"] = given
    return seen


@pytest.fixture(scope="module")
def here():
    """The student's names, in this process."""
    namespace: dict = {"__name__": "__main__"}
    label = "<cell answer>"
    linecache.cache[label] = (len(SOURCE), None, SOURCE.lstrip().splitlines(keepends=True), label)
    exec(compile(SOURCE.lstrip(), label, "exec"), namespace)
    return namespace


@pytest.fixture(scope="module")
def there():
    """The student's names, as proxies."""
    with StudentProcess(Limits(seconds=60, cell_seconds=60), ["test"]) as student:
        assert student.run_cell(SOURCE, "answer") == []
        student.take_snapshot("test")
        names = [line.split()[0] for line in SOURCE.splitlines() if " = " in line and not line.startswith(" ")]
        names += [
            line.split()[1].split("(")[0].rstrip(":") for line in SOURCE.splitlines() if line[:4] in ("def ", "clas")
        ]
        yield student.snapshot("test").lookup(sorted(names))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_call_is_the_same_as_in_the_learners_own_kernel(here, there, case):
    name, *arguments = case
    expected, got = observe(here[name], *arguments), observe(there[name], *arguments)
    for what in expected:
        assert same(got[what], expected[what]), f"{what}: {got[what]!r} instead of {expected[what]!r}"


def test_an_array_that_is_given_twice_is_one_array(here, there):
    def twice(namespace):
        x = np.arange(1.0, 4.0)
        result = namespace["into"](x, out=x)
        return result is x, x, namespace["aliased"](x, x), x

    assert same(twice(there), twice(here))


def test_what_is_inside_an_argument_stays_the_same_object(here, there):
    for names in (here, there):
        weight, rows = np.ones(2), [[1], [2]]
        parameters, first = {"weight": weight}, rows[0]
        assert names["step"](parameters, {"weight": np.ones(2)}) is parameters
        assert parameters["weight"] is weight
        assert weight.tolist() == [0, 0]
        assert names["nested"](rows) is first
        assert rows == [[1, 4], [5]]
        assert rows[0] is first


def test_a_list_may_be_made_to_hold_itself(there):
    items = [1]
    there["holding_itself"](items)
    assert items[1] is items


def test_a_list_of_itself_twice_does_not_come_back():
    with StudentProcess(QUICK, ["a"]) as student:
        student.run_cell("def f(x): x[:] = [x, x]", "c")
        student.take_snapshot("a")
        f = student.snapshot("a").lookup(["f"])["f"]
        start = time.monotonic()
        with pytest.raises(StudentProcessError):
            f([1])
        assert time.monotonic() - start < 10


def test_the_end_of_another_notebook_changes_nothing(here, there):
    with StudentProcess(QUICK) as student:
        student.run_cell("x = 1", "another")
    case = CASES["an exception of one's own"]
    assert observe(there["raises"], case[1]) == observe(here["raises"], case[1])


def test_an_array_that_may_not_be_written_stays_so(there, here):
    fixed = np.zeros(2)
    fixed.flags.writeable = False
    expected, got = observe(here["written"], lambda: [fixed]), observe(there["written"], lambda: [fixed])
    assert got["error"] == expected["error"]
    assert "read-only" in got["error"]["text"]


def test_an_exception_group_arrives_by_its_name_and_text(there):
    with pytest.raises(Exception, match=r"several \(2 sub-exceptions\)") as caught:
        there["raises_group"]()
    assert type(caught.value).__name__ == "ExceptionGroup"


def test_what_would_end_the_test_arrives_as_an_exception():
    with StudentProcess(QUICK, ["test"]) as student:
        student.run_cell("import sys\ndef leave(): sys.exit(3)\ndef stop(): raise KeyboardInterrupt", "answer")
        student.take_snapshot("test")
        names = student.snapshot("test").lookup(["leave", "stop"])
        for name, kind in (("leave", "SystemExit"), ("stop", "KeyboardInterrupt")):
            with pytest.raises(Exception) as caught:
                names[name]()
            assert type(caught.value).__name__ == kind


def test_recursion_without_end_is_an_error_like_others(there):
    with pytest.raises(RecursionError):
        there["recursion"](0)


def test_plain_names_are_looked_up_by_value(here, there):
    for name in ("numbers", "array", "numpy_number", "text"):
        assert same(there[name], here[name])
    assert "missing" not in there


def use_counter(names):
    counter = names["Counter"](3)
    counter.add(4).add(n=1)
    counter.label = "mine"
    counter.count += 1
    made = names["Counter"].make(2)
    plain = [
        counter.count,
        counter.half,
        list(counter.history),
        counter.label,
        counter.kind,
        counter.version(),
        len(counter),
        counter["key"],
        counter[1],
        bool(counter),
        counter.add() is counter,
        counter.fresh() is counter,
        made.count,
        names["total"]([counter, made]),
        names["apply"](names["divides"], 4),
        names["apply"](names["make_adder"](3), 4),
        names["add"].__name__,
        names["Counter"].__name__,
        hasattr(counter, "count"),
        hasattr(counter, "missing"),
        [type(c).__name__ for c in (counter, made)],
        len(names["Counter"](5)),
    ]
    with pytest.raises(ValueError, match="broken"):
        counter.broken  # noqa: B018
    with pytest.raises(AttributeError, match="'Counter' object has no attribute 'missing'"):
        counter.missing  # noqa: B018
    with pytest.raises(AttributeError):
        counter.half = 3
    return plain


def test_classes_methods_and_attributes(here, there):
    assert same(use_counter(there), use_counter(here))


@pytest.mark.parametrize(
    "kind",
    [
        *("set", "range", "long", "object array", "date", "subclass", "type", "no names", "looping", "enum"),
        *("ellipsis", "module", "masked"),
    ],
)
def test_what_is_not_plain_is_a_proxy_that_equals_nothing(here, there, kind):
    value = there["odd"](kind)
    assert isinstance(value, Proxy)
    assert type(value).__name__ == type(here["odd"](kind)).__name__
    assert value != kind
    assert not value == 1  # noqa: SIM201
    with pytest.raises(TypeError):
        iter(value)
    with pytest.raises(TypeError):
        value + 1


def test_a_generator_is_a_proxy_that_can_be_driven(there):
    numbers = there["generator"](2)
    assert isinstance(numbers, Proxy)
    assert there["apply"](numbers.send, None) == 0


def test_objects_inside_plain_data_are_proxies(there):
    number, counter, table = there["odd"]("mixed")
    assert (number, counter.count, table["a"].count) == (1, 2, 3)


def test_only_plain_data_and_proxies_of_the_same_snapshot_can_be_passed(there):
    with pytest.raises(TypeError, match="cannot be passed to student code"):
        there["identity"](object())
    with pytest.raises(TypeError, match="cannot be passed to student code"):
        there["identity"]([len])


# --- snapshots --------------------------------------------------------------------------------------------------------

ENDS = {
    "os._exit": "import os\ndef f(): os._exit(0)",
    "a crash": "import ctypes\ndef f(): ctypes.string_at(0)",
    "SIGKILL": "import os\ndef f(): os.kill(os.getpid(), 9)",
    "abort": "import os\ndef f(): os.abort()",
    "the connection is closed": "import os\ndef f(): os.closerange(3, 50); return 1",
}


@pytest.mark.parametrize("source", ENDS.values(), ids=ENDS)
def test_a_snapshot_that_ends_is_seen_at_once_and_harms_no_other(source):
    with StudentProcess(QUICK, ["first", "second", "third"]) as student:
        student.run_cell("state = [1]\ndef g(): state.append(2); return len(state)", "g")
        student.take_snapshot("first")
        student.run_cell(source, "f")
        student.take_snapshot("second")
        student.run_cell("state = [1, 2, 3]", "later")
        student.take_snapshot("third")
        second = student.snapshot("second")
        names = second.lookup(["f", "g"])
        start = time.monotonic()
        with pytest.raises(StudentProcessError, match="ended"):
            names["f"]()
        with pytest.raises(StudentProcessError, match="ended"):
            names["g"]()
        assert time.monotonic() - start < 3  # not the 4 s that a silent process is waited for
        assert student.snapshot("third").lookup(["g"])["g"]() == 4
        assert student.snapshot("first").lookup(["g", "f"])["g"]() == 2
        assert student.problems == []


def test_snapshots_do_not_see_each_other_or_later_cells():
    with StudentProcess(QUICK, ["a", "b"]) as student:
        student.run_cell("x = [1]\ndef push(v): x.append(v); return list(x)", "one")
        student.take_snapshot("a")
        student.take_snapshot("b")
        student.run_cell("x = None\ndel push", "two")
        a, b = (student.snapshot(place).lookup(["push", "x"]) for place in "ab")
        assert a["push"](2) == [1, 2]
        assert b["push"](3) == [1, 3]
        assert a["push"](4) == [1, 2, 4]
        assert b["x"] == [1]
        with pytest.raises(TypeError, match="cannot be passed"):
            a["push"](b["push"])


HONEST = "def f():\n    while True:\n        pass"
DEAF = """def f():
    while True:
        try:
            while True:
                pass
        except:
            pass"""
IGNORES = "import signal\ndef f():\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True:\n        pass"


@pytest.mark.parametrize(
    ("source", "within"), [(HONEST, 3.5), (DEAF, 8), (IGNORES, 8)], ids=["honest", "deaf", "ignores the alarm"]
)
def test_an_endless_call_is_stopped_and_harms_no_other(source, within):
    with StudentProcess(QUICK, ["a", "b"]) as student:
        student.run_cell(source + "\ndef g(): return 1", "f")
        student.take_snapshot("a")
        student.take_snapshot("b")
        names = student.snapshot("a").lookup(["f", "g"])
        start = time.monotonic()
        with pytest.raises(Exception, match=r"stopped after|no answer within"):
            names["f"]()
        with pytest.raises(StudentProcessError):
            names["g"]()  # the test cell's time is used up
        assert time.monotonic() - start < within
        assert student.snapshot("b").lookup(["g"])["g"]() == 1


def test_checks_read_the_cells_up_to_the_snapshot_and_those_that_were_stopped():
    with StudentProcess(QUICK, ["a", "b"]) as student:
        student.run_cell("x = 1", "one")
        student.run_cell("def f(): pass\nwhile True: pass", "two")
        student.take_snapshot("a")
        student.run_cell("def f(): return 1", "three")
        student.take_snapshot("b")
        f = student.snapshot("a").lookup(["f"])["f"]
        assert f.student_cells == ["x = 1", "def f(): pass\nwhile True: pass"]
        assert len(student.snapshot("b").sources) == 3


# --- cells that end the process ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    ["import os\nos._exit(1)", "import ctypes\nctypes.string_at(0)", DEAF + "\nf()"],
    ids=["os._exit", "a crash", "deaf"],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_cell_that_ends_the_process_does_not_take_the_others_with_it(hostile, last):
    with StudentProcess(QUICK, ["a", "b"]) as student:
        student.run_cell("def f(): return 1", "f")
        student.take_snapshot("a")
        if not last:
            assert student.run_cell(hostile, "bad")[0]["ename"] == "StudentProcessError"
        student.run_cell("def g(): return f() + 1", "g")
        student.take_snapshot("b")
        if last:
            assert student.run_cell(hostile, "bad")[0]["ename"] == "StudentProcessError"
        assert student.snapshot("a").lookup(["f"])["f"]() == 1
        assert student.snapshot("b").lookup(["g"])["g"]() == 2
        assert len(student.problems) == 1
        assert student.problems[0].startswith("cell bad: ")


def test_a_process_that_ends_again_and_again_keeps_its_marks():
    with StudentProcess(QUICK, ["a"]) as student:
        for i in range(3):
            student.run_cell("import os\nos._exit(1)", f"bad-{i}")
        student.run_cell("def f(): return 1", "f")
        student.take_snapshot("a")
        student.run_cell("import os\nos._exit(1)", "bad-last")
        assert student.snapshot("a").lookup(["f"])["f"]() == 1
        assert len(student.problems) == 4


def test_the_time_of_a_notebook_is_limited_and_what_was_done_still_counts():
    limits = Limits(seconds=2, cell_seconds=1, memory_mb=1024)
    with StudentProcess(limits, ["a", "b"]) as student:
        student.run_cell("def f(): return 1", "f")
        student.take_snapshot("a")
        start = time.monotonic()
        first = student.run_cell("while True: pass", "loop-1")
        assert first[0]["ename"] == "TimeLimit"
        student.run_cell(DEAF + "\nf()", "loop-2")
        late = student.run_cell("late = 1", "late")
        assert "was used up" in late[0]["evalue"]
        student.take_snapshot("b")
        assert student.snapshot("a").lookup(["f"])["f"]() == 1
        with pytest.raises(StudentProcessError, match="ended before this test"):
            student.snapshot("b").lookup(["f"])
        assert time.monotonic() - start < 15
        assert [p.partition(":")[0] for p in student.problems] == [
            "cell loop-1 was stopped after 1 s",
            "cell loop-2",
            "cell late",
            "before b",
        ]


# --- what a notebook shows --------------------------------------------------------------------------------------------

CELLS = [
    "print('one')\nprint('two')\n3",
    "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')",
    "x = 4\nx;",
    "None",
    "_ + 1 if isinstance(_, int) else 'no'",
    "1 / 0",
    "print('before')\nraise KeyError('a')\nprint('after')",
    "def broken(:\n    pass",
    "class Odd(Exception):\n    def __str__(self): return 'told'\nraise Odd",
    "from IPython.display import display, HTML, Markdown\ndisplay(HTML('<b>x</b>'))\ndisplay('a', 'b')\nHTML('<i>')",
    "import numpy as np\nnp.array([1.5, 2])",
    "%matplotlib inline\nimport matplotlib.pyplot as plt",
    "fig, ax = plt.subplots(figsize=(1, 1))\nprint('drawn')\n_ = ax.plot([1, 2])",
    "plt.figure(figsize=(1, 1)); plt.plot([1]); plt.show()\nprint('shown')\nplt.figure(figsize=(1, 1))",
    "fig",
    "exit_code = 3\nimport sys\nsys.exit(3)",
    "%%capture held\nprint('held back')",
    "held.stdout",
    "print('a', end='')\nprint('b')",
    "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
    "!echo from a shell",
    "unknown_name",
    "%unknown_magic",
    "sorted([3, 1, 2])\n'last'",
    "assert False",
    "class Shown:\n    def _repr_html_(self): return '<p>'\n    def __repr__(self): return 'Shown!'\nShown()",
    "get_ipython().__class__.__name__[:0]",
    "[In[-2][:5], Out[1]]",
]


def reduced(outputs) -> list:
    """Return outputs without what may differ: colours and frames of tracebacks, the bytes of pictures, counts.

    A kernel sends its two streams apart, in an order that depends on when it gets round to each.
    """
    kept: list = []
    for output in outputs:
        match output["output_type"]:
            case "stream":
                if not kept or kept[-1][0] != "streams":
                    kept.append(("streams", {"stdout": "", "stderr": ""}))
                kept[-1][1][output["name"]] += output["text"]
            case "error":
                kept.append(("error", output["ename"], re.sub(r"\(.* line", "(line", output["evalue"])))
            case kind:
                data = {m: "…" if m == "image/png" else t for m, t in output["data"].items() if m != "text/markdown"}
                kept.append((kind, data))
    return kept


def test_cells_show_what_a_notebook_shows(tmp_path):
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    client = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(tmp_path))
    with StudentProcess(Limits()) as student:
        for number, cell in enumerate(notebook.cells):
            ours = student.run_cell(cell.source, f"cell-{number}")
            assert reduced(ours) == reduced(cell.outputs), cell.source
            nbformat.validate(
                new_notebook(cells=[new_code_cell(cell.source, id="x", outputs=nbformat.from_dict(ours))])
            )


# --- the sandbox ------------------------------------------------------------------------------------------------------


def said(source: str, limits: Limits = QUICK) -> str:
    """Return what one cell prints."""
    with StudentProcess(limits) as student:
        return "".join(
            o.get("text", "") or f"{o.get('ename')}: {o.get('evalue')}" for o in student.run_cell(source, "c")
        )


def test_the_environment_has_nothing_of_the_graders(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_GRADER", "hunter2")
    text = said(
        "import os, glob\n"
        "for name in ['/proc/self/environ', '/proc/1/environ', *glob.glob('/proc/*/environ')]:\n"
        "    try: print(open(name, 'rb').read())\n"
        "    except OSError as error: print(error)\n"
        "print(dict(os.environ))"
    )
    assert "hunter2" not in text
    assert "HOME" in text
    assert str(Path.home()) not in text.replace(sys.prefix, "").replace(sys.base_prefix, "") or Path.home() == Path("/")


def test_no_network():
    text = said(
        "import socket\n"
        "for address in [('127.0.0.1', 22), ('8.8.8.8', 53), ('::1', 22)]:\n"
        "    try: socket.create_connection(address, timeout=0.2); print('connected')\n"
        "    except OSError as error: print('refused', error)\n"
        "try: print('resolved', socket.getaddrinfo('example.org', 80))\n"
        "except OSError: print('refused')"
    )
    assert [line.split()[0] for line in text.splitlines()] == ["refused"] * 4


def test_no_file_of_the_grader_is_there(tmp_path):
    (tmp_path / "gradebook.db").write_text("marks")
    places = [
        tmp_path / "gradebook.db",
        *(Path(__file__).parents[2] / p for p in ("solutions", "tests", "pyproject.toml")),
    ]
    places += [Path(sandbox.__file__), Path("/etc/passwd"), Path("/etc/hostname"), Path("/var"), Path("/run")]
    assert all(p.exists() for p in places[:5])
    text = said(f"import os\nfor p in {[str(p) for p in places]}:\n    print(os.path.exists(p))")
    assert text.split() == ["False"] * len(places)


def test_only_scratch_can_be_written_and_only_so_much():
    text = said(
        "import os\n"
        "for folder in ['/', '/usr', '/etc', '/dev', '/course', '/course/grading', '/proc', os.__file__[:-6],"
        " '/home', '/home/student', '/tmp', '/dev/shm']:\n"
        "    try:\n"
        "        for i in range(20):\n"
        "            with open(f'{folder}/big{i}', 'wb') as f: f.write(bytes(2**20))\n"
        "        print(folder, 'no limit')\n"
        "    except OSError as error: print(folder, error.strerror)",
        Limits(seconds=20, cell_seconds=10, scratch_mb=4),
    )
    found = dict(line.split(" ", 1) for line in text.splitlines())
    for folder in ("/home/student", "/tmp", "/dev/shm"):
        assert found.pop(folder) == "No space left on device"
    assert set(found.values()) <= {"Read-only file system", "Permission denied", "No such file or directory"}


def test_no_capability_and_no_setting_of_the_machine():
    text = said(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "sets = (ctypes.c_uint32 * 6)()\n"
        "print(libc.capget((ctypes.c_uint32 * 2)(0x20080522, 0), sets), any(sets))\n"
        "bounding, ambient = ([libc.prctl(*call, n, 0, 0) for n in range(40)] for call in ((23,), (47, 1)))\n"
        "print(any(bounding), any(ambient), libc.prctl(39, 0, 0, 0, 0))\n"
        "print(os.listdir('/proc'), os.path.exists('/sys'))"
    )
    assert text.splitlines() == ["0 False", "False False 1", "[] False"]


def test_a_new_namespace_cannot_be_made_and_nothing_mounted():
    text = said(
        "import ctypes\n"
        "libc = ctypes.CDLL(None)\n"
        "print(libc.unshare(0x10000000), libc.unshare(0x00020000), libc.mount(b'x', b'/tmp', b'tmpfs', 0, None))\n"
        "print(libc.umount2(b'/proc/sys', 2), libc.mount(None, b'/', None, 32, None))"
    )
    assert text.split() == ["-1"] * 5


def processes() -> set[str]:
    """Return the command lines of all processes of this test's own sandboxes."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                found |= (
                    {f"{entry.name} {words}"} if "marker-of-this-test" in words or parent == str(os.getpid()) else set()
                )
    return found


def test_nothing_is_left_running():
    before = processes()
    detach = (
        "import os, subprocess, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(9) # marker-of-this-test'])\n"
        "    os._exit(0)\n"
        "import time; time.sleep(0.3)\n"
        "def lives(pid):\n"
        "    try: os.kill(pid, 0)\n"
        "    except ProcessLookupError: return False\n"
        "    return True\n"
        "print(sum(map(lives, range(1, 1000))))"
    )
    with StudentProcess(QUICK, ["a"]) as student:
        assert int(student.run_cell(detach, "c")[0]["text"]) >= 3
        student.take_snapshot("a")
        assert processes() > before
    deadline = time.monotonic() + 5
    while processes() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes() - before == set()


def test_a_program_that_the_student_starts_does_not_keep_the_connection_open():
    with StudentProcess(QUICK, ["a"]) as student:
        student.run_cell("import os\nos.system('sleep 30 &')\ndef f(): os._exit(0)", "c")
        student.take_snapshot("a")
        f = student.snapshot("a").lookup(["f"])["f"]
        start = time.monotonic()
        with pytest.raises(StudentProcessError, match="ended"):
            f()
        assert time.monotonic() - start < 3  # not the 4 s that a silent process is waited for


def test_siblings_and_the_warm_process_are_out_of_reach():
    # A signal to the process group would arrive in every process of it, seen or not.
    attack = "import os\nfor target in (os.getppid(), 1, -1, 0):\n    try: os.kill(target, 9)\n    except OSError: pass"
    with StudentProcess(QUICK) as sibling, StudentProcess(QUICK) as attacker:
        sibling.run_cell("x = 1", "a")
        assert attacker.run_cell(attack, "b") == []  # process 1 hears no signal of its own
        assert attacker.run_cell("print(2)", "c")[0]["text"] == "2\n"
        assert sibling.run_cell("print(x)", "c")[0]["text"] == "1\n"
        assert sibling.problems == []


def test_nothing_of_one_students_process_is_in_the_next():
    change = (
        "import json, os, socket, sys, threading, time, numpy as np\n"
        "np.marked = json.marked = sys.marked = os.marked = True\n"
        "os.environ['MARKED'] = 'yes'\n"
        "os.umask(0o777)\n"
        "sys.path.append('marked')\n"
        "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
        "shared = socket.socket(socket.AF_UNIX)\n"
        "shared.bind('\\0marked')\n"
        "shared.listen()\n"
    )
    look = (
        "import json, os, socket, sys, threading, numpy as np\n"
        "print(any(hasattr(m, 'marked') for m in (np, json, sys, os)), 'MARKED' in os.environ, end=' ')\n"
        "print(os.umask(0) == 0o777, 'marked' in sys.path, threading.active_count(), 'shared' in globals())\n"
        "try: socket.socket(socket.AF_UNIX).connect('\\0marked')\n"
        "except OSError as error: print(error.strerror)"
    )
    with StudentProcess(QUICK) as first, StudentProcess(QUICK) as second:
        assert first.run_cell(change, "change") == []
        assert "True True True True 2 True" in first.run_cell(look, "look")[0]["text"]
        for later in (second, None):
            text = second.run_cell(look, "look")[0]["text"] if later else said(look)
            assert text == "False False False False 1 False\nConnection refused\n"


def test_every_process_draws_random_numbers_of_its_own():
    draw = "import random, numpy as np\nprint(random.random(), np.random.rand(), np.random.default_rng().random())"
    first, second = said(draw).split(), said(draw).split()
    assert all(a != b for a, b in zip(first, second, strict=True))


FONTS = """import sys
from grading import sandbox
found, quick = sandbox._font_lists(), "matplotlib" not in sys.modules
import matplotlib.font_manager
made = matplotlib.font_manager._load_fontmanager(try_read_cache=True)
print(quick, [path.parent.samefile(matplotlib.get_cachedir()) for path in found], [path.is_file() for path in found])
print(any(made._version in path.name for path in found))
"""


def test_the_lists_of_fonts_are_found_where_matplotlib_puts_them(tmp_path):
    said = []
    for _ in range(2):
        words = [sys.executable, "-c", FONTS]
        there = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
        said.append(subprocess.run(words, env=there, check=True, capture_output=True, text=True).stdout.split("\n"))
    assert said == [["False [True] [True]", "True", ""], ["True [True] [True]", "True", ""]]


def test_python_may_have_been_called_by_a_path_through_other_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", os.path.join(tmp_path, os.path.relpath(sys.executable, tmp_path)))
    with contextlib.closing(sandbox.Nursery(())) as nursery:
        nursery.connection()


def test_a_warm_process_that_was_ended_is_replaced():
    nursery = sandbox.Nursery(("numpy",))
    sandbox.adopt(("numpy",), nursery.connection().dup())
    with contextlib.closing(nursery), StudentProcess(QUICK) as student:
        nursery._process.kill()
        nursery._process.wait()
        gone = select.poll()  # what bubblewrap ran ends a moment after it
        gone.register(student._process._handle, select.POLLIN)
        assert gone.poll(10_000)
        assert "ended" in student.run_cell("1", "a")[0]["evalue"]
        assert student.run_cell("print(2)", "b") == [{"output_type": "stream", "name": "stdout", "text": "2\n"}]
    assert said("print(3)") == "3\n"


def test_pytorch_rounds_to_half_precision_in_a_process_without_proc():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with StudentProcess(QUICK, modules=("torch",)) as student:
        [shown] = student.run_cell("import torch\ntorch.tensor([1.0]).half().tolist()", "half")
    assert shown["data"]["text/plain"] == "[1.0]"


def test_scratch_goes_with_the_process():
    write = "import os\nopen('left', 'w').close()\nopen('/tmp/left', 'w').close()\nprint(os.listdir('.'))"
    assert said(write) == "['left']\n"
    assert said("import os\nprint(os.listdir('.'), os.path.exists('/tmp/left'))") == "[] False\n"


@pytest.mark.parametrize(
    "hog",
    [
        "x = bytearray(10**10)",
        "x = []\nwhile True: x.append(bytearray(10**7))",
        "import numpy as np\nx = np.ones(10**9)",
    ],
)
def test_a_hog_meets_the_memory_limit(hog):
    outcome = said(hog, Limits(seconds=60, cell_seconds=30, memory_mb=700))
    # Where nothing is left to report the error with, the process ends.
    assert re.search(r"MemoryError|ended \(exit, crash or memory limit\)", outcome)


def test_a_flood_is_cut():
    limits = Limits(seconds=20, cell_seconds=5, memory_mb=1024, output_mb=1)
    with StudentProcess(limits) as student:
        assert student.run_cell("print('few')", "few")[0]["text"] == "few\n"
        outputs = student.run_cell("for i in range(10**5): print('x' * 50)", "flood")
        assert outputs[-1]["text"].endswith("(the rest of the output was cut)\n")
        assert len(str(outputs)) < 1.1 * 2**20
        assert student.run_cell("print('more')", "more") == []
        error = student.run_cell("raise ValueError('x' * 10**7)", "error")
        assert error[-1]["ename"] == "ValueError"
        assert len(str(error)) < 5000
        assert student.problems == ["cell flood: the notebook shows more than 1 MB; the rest was cut"]


def test_what_is_too_large_to_show_is_left_out():
    with StudentProcess(QUICK) as student:
        error = student.run_cell("raise ValueError('x' * 10**7)", "error")
        assert error[-1]["ename"] == "ValueError"
        assert len(str(error)) < 5000
        shown = student.run_cell("from IPython.display import HTML\nHTML('x' * 10**7)", "html")
        assert "too large" in shown[0]["text"]
        assert student.run_cell("print('more')", "more")[0]["text"] == "more\n"


def test_a_process_that_was_taken_over_cannot_show_more_than_allowed():
    take_over = (
        "import gc\n"
        "[Runner] = {type(o) for o in gc.get_objects() if type(o).__name__ == 'Runner'}\n"
        "many = [{'output_type': 'stream', 'name': 'stdout', 'text': 'x' * 300_000}]\n"
        "Runner.do_cell = lambda self, request, buffers: (many, [])"
    )
    limits = Limits(seconds=20, cell_seconds=5, memory_mb=1024, output_mb=1)
    with StudentProcess(limits) as student:
        student.run_cell(take_over, "take-over")
        shown = [student.run_cell("", f"cell-{i}")[0]["output_type"] for i in range(6)]
        assert shown == ["stream"] * 3 + ["error"] * 3


def test_a_text_that_no_file_can_hold_is_replaced():
    with StudentProcess(QUICK) as student:
        outputs = student.run_cell("print('\\ud800')\nraise ValueError('\\ud800')", "c")
    nbformat.writes(new_notebook(cells=[new_code_cell("", outputs=nbformat.from_dict(outputs))])).encode()
    assert outputs[0]["text"] == "?\n"


def test_a_machine_without_isolation_refuses_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(sandbox, "bubblewrap", lambda: "/bin/false")
    with pytest.raises(sandbox.NoIsolation, match="did not start on this machine"), StudentProcess(QUICK):
        pass


REFUSED = """import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
answers = {}
for name, arguments in {
    "memfd_create": (b"held", 0), "shmget": (0, 4096, 0o1600), "msgget": (0, 0o1600), "inotify_init": (),
    "ptrace": (0, 0, 0, 0), "process_vm_writev": (1, 0, 0, 0, 0, 0),
}.items():
    made = getattr(libc, name)(*arguments)
    answers[name] = os.strerror(ctypes.get_errno()) if made < 0 else "allowed"
ctypes.CFUNCTYPE(None)(lambda: answers.update(callback="called"))()"""


def test_what_no_limit_counts_is_not_to_be_had():
    with StudentProcess(sandbox.Limits(), ["end"]) as process:
        assert process.run_cell(REFUSED, "refused") == []
        process.take_snapshot("end")
        answers = process.snapshot("end").lookup(["answers"])["answers"]
        assert answers.pop("callback") == "called"  # as C libraries of notebooks do
        assert set(answers.values()) == {"Function not implemented"}
        files = (
            "try:\n    for i in range(20_000):\n        open(f'/tmp/{i}', 'w').close()\nexcept OSError:\n    print(i)"
        )
        assert 9_000 < int(process.run_cell(files, "files")[0]["text"]) < 10_000
        sockets = (
            "import socket\ntry:\n    made = [socket.socket() for _ in range(2000)]\nexcept OSError:\n    print('no')"
        )
        assert process.run_cell(sockets, "sockets")[0]["text"] == "no\n"
