"""Streaming against the function on the whole array, numpy.save and the csv module; killed, starved and misused."""

import csv
import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import streaming
from course_lib.activations import sigmoid
from course_lib.streaming import apply_blocked, apply_to_csv, apply_to_dask, apply_to_file

searched = settings(deadline=None, max_examples=60)
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and locks")


def affine(x: np.ndarray) -> np.ndarray:
    """Exact in every dtype for small numbers, so that any order of evaluation gives the same bits."""
    return 2 * x + 1


class Counting:
    """A function that counts the elements it is given, and can stop after some."""

    def __init__(
        self, function: Callable[[Any], Any] = affine, *, stop: float = float("inf"), error: Any = None
    ) -> None:
        self.function, self.stop, self.error, self.elements, self.calls = function, stop, error, 0, 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.elements + x.size > self.stop:
            raise self.error
        self.elements += x.size
        self.calls += 1
        return self.function(x)


def leftovers(folder: Path, *known: str) -> set[str]:
    return {path.name for path in folder.iterdir()} - set(known)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """1,000 float64; blocks of 800 bytes make ten of them."""
    np.save(tmp_path / "x.npy", np.linspace(-9, 9, 1000))
    return tmp_path / "x.npy"


# In memory


@searched
@given(data=st.data(), block=st.integers(1, 40))
def test_blocked_is_the_function_on_any_layout(data: st.DataObject, block: int) -> None:
    dtype = data.draw(st.sampled_from(["f2", "f4", "f8", ">f8", "i4", "?"]))
    x = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7)))
    if x.ndim:
        x = x.transpose(data.draw(st.permutations(range(x.ndim))))
        x = x[tuple(slice(None, None, data.draw(st.sampled_from([1, 2, -1, -3]))) for _ in range(x.ndim))]
    before = x.copy()
    with np.errstate(all="ignore"):
        expected = sigmoid(x)
        got = apply_blocked(sigmoid, x, block=block)
        out = np.full(x.shape, np.nan, expected.dtype, order=data.draw(st.sampled_from("CF")))
        assert apply_blocked(sigmoid, x, out=out, block=block) is out or x.flags.fnc
    np.testing.assert_array_equal(got, expected, strict=True)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(x, before)


@searched
@given(data=st.data(), block=st.integers(1, 40))
def test_blocked_in_place(data: st.DataObject, block: int) -> None:
    whole = np.arange(840.0).reshape(4, 5, 6, 7)
    index = tuple(slice(None, None, data.draw(st.sampled_from([1, 2, -1]))) for _ in range(4))
    x = whole[index].transpose(data.draw(st.permutations(range(4))))
    expected = affine(x)
    untouched = whole.copy()
    untouched[index] = affine(untouched[index])
    apply_blocked(affine, x, out=x, block=block)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(whole, untouched)  # nor anything beside it


@pytest.mark.parametrize(("size", "calls"), [(0, 1), (1, 1), (99, 10), (100, 10), (101, 11)])
def test_each_block_is_computed_once(size: int, calls: int) -> None:
    counting = Counting()
    apply_blocked(counting, np.zeros(size), block=10)
    assert (counting.calls, counting.elements) == (calls, size)


def test_the_result_has_the_dtype_of_the_function() -> None:
    assert apply_blocked(lambda x: x > 0, np.arange(5.0), block=2).dtype == bool
    assert apply_blocked(sigmoid, np.zeros(0, np.float32)).dtype == np.float32
    assert apply_blocked(sigmoid, 3).shape == ()
    assert type(apply_blocked(sigmoid, np.float64(3))) is np.ndarray


def test_out_may_be_the_memory_of_x_but_not_a_part_of_it() -> None:
    x = np.arange(10)
    floats = x.view(np.float64)  # the same places, in another dtype
    apply_blocked(lambda block: block.astype(np.float64), x, out=floats, block=3)
    assert floats.tolist() == list(range(10))
    y = np.arange(10.0)
    with pytest.raises(streaming.OverlapError, match="shares memory with x"):
        apply_blocked(affine, y[:-1], out=y[1:])
    with pytest.raises(streaming.OverlapError):
        apply_blocked(affine, y, out=y[::-1])
    apply_blocked(affine, y[::2], out=y[1::2])  # between each other, but apart
    assert y.tolist() == [0, 1, 2, 5, 4, 9, 6, 13, 8, 17]


def test_blocked_says_what_is_wrong() -> None:
    x = np.zeros(10)
    with pytest.raises(ValueError, match="block must be at least 1 element, not 0"):
        apply_blocked(affine, x, block=0)
    with pytest.raises(TypeError, match="out must be a NumPy array, not list"):
        apply_blocked(affine, x, out=[0.0] * 10)
    with pytest.raises(ValueError, match=r"out has shape \(9,\), but x has shape \(10,\)"):
        apply_blocked(affine, x, out=np.zeros(9))
    frozen = np.zeros(10)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        apply_blocked(affine, x, out=frozen)
    with pytest.raises(streaming.ResultError, match="returned float64, but the result is to be float32"):
        apply_blocked(affine, x, out=np.zeros(10, np.float32))
    with pytest.raises(streaming.ResultError, match=r"cumulate made shape \(3,\) of a block of shape \(4,\)"):
        apply_blocked(cumulate, x, block=4)
    with pytest.raises(streaming.ResultError, match=r"sum made shape \(\) of a block"):
        apply_blocked(np.sum, x)


def cumulate(x: np.ndarray) -> np.ndarray:
    return np.diff(x)


# Files


@searched
@given(data=st.data(), block_bytes=st.integers(1, 200), version=st.sampled_from([(1, 0), (2, 0), (3, 0)]))
def test_file_is_the_function_and_what_numpy_would_save(
    data: st.DataObject, block_bytes: int, version: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("file")
    dtype = data.draw(st.sampled_from(["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i2", ">i8", "u1", "?"]))
    x = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9)))
    with (folder / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, np.asarray(x, order="C"), version=version)
    assert apply_to_file(sigmoid, folder / "x.npy", str(folder / "y.npy"), block_bytes=block_bytes, progress=False) == (
        folder / "y.npy"
    )
    expected = io.BytesIO()
    np.save(expected, np.asarray(sigmoid(x)).reshape(x.shape))
    assert (folder / "y.npy").read_bytes() == expected.getvalue()
    assert not leftovers(folder, "x.npy", "y.npy")


def test_pieces_of_a_block_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_PIECE", 7)
    x = np.random.default_rng(0).normal(size=(11, 13)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    counting = Counting(lambda x: sigmoid(x)[::-1][::-1])  # results need not be contiguous
    apply_to_file(counting, tmp_path / "x.npy", tmp_path / "y.npy", block_bytes=100, progress=False)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), sigmoid(x), strict=True)
    assert counting.elements == x.size + np.arange(0, x.size, 3).size  # the sample: every third


def test_offsets_beyond_four_gigabytes(tmp_path: Path) -> None:
    # A sparse source of 6 GB takes no room; most of the result is said to be there already, and is sparse as well.
    size, tail = 750_000_000, 2000
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (size,)})
        file.seek(8 * (size - tail), os.SEEK_CUR)
        file.write(np.arange(float(tail)).tobytes())
    # Reserving room would make the result as large as it looks.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "_allocate", lambda *_: None)
        with pytest.raises(RuntimeError, match="enough"):
            apply_to_file(
                Counting(stop=64 + 100, error=RuntimeError("enough")),
                tmp_path / "x.npy",
                tmp_path / "y.npy",
                block_bytes=400,
                progress=False,
            )
        note = tmp_path / "y.npy.partial.json"
        state = json.loads(note.read_text())
        assert state["finished"] == 100
        state["finished"] = size - 1500
        note.write_text(json.dumps(state))
        os.truncate(tmp_path / "y.npy.partial", (tmp_path / "x.npy").stat().st_size - 8 * 1500)
        counting = Counting()
        apply_to_file(counting, tmp_path / "x.npy", tmp_path / "y.npy", progress=False)
    assert counting.elements == 64 + 1500
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    np.testing.assert_array_equal(y[-1500:], affine(np.arange(500.0, 2000)))
    assert y[:101].tolist() == [1.0] * 100 + [0.0]


def test_a_progress_bar_only_when_asked(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply_to_file(affine, source, source.with_name("y.npy"), progress=False)
    apply_to_csv_of_numbers(source.with_name("t.csv"), progress=False)
    assert capsys.readouterr() == ("", "")
    apply_to_file(affine, source, source.with_name("z.npy"))
    shown = capsys.readouterr()
    assert not shown.out
    assert "z.npy" in shown.err


def apply_to_csv_of_numbers(path: Path, **options: Any) -> Path:
    path.write_text("a,b\n1,2\n3,4\n")
    return apply_to_csv(affine, path, path.with_suffix(".out.csv"), **options)


# Interrupted and resumed


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("in the function")])
def test_interrupted_runs_go_on_where_they_stopped(source: Path, error: Any) -> None:
    target = source.with_name("y.npy")
    # The sample, every sixteenth element, has 63; then come blocks of 50.
    for more, kept in ((350, 350), (220, 550), (49, 550)):
        with pytest.raises(type(error)) as caught:
            apply_to_file(Counting(stop=63 + more, error=error), source, target, block_bytes=400, progress=False)
        said = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
        assert f"{kept} of 1,000 elements are kept" in said
        assert "the same call goes on from there" in said
        assert not target.exists()
    last = Counting()
    apply_to_file(last, source, target, block_bytes=400, progress=False)
    assert last.elements == 63 + 450
    np.testing.assert_array_equal(np.load(target), affine(np.load(source)))
    assert not leftovers(source.parent, "x.npy", "y.npy")


def test_a_run_that_finished_nothing_leaves_nothing(source: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="nothing was finished"):
        apply_to_file(
            Counting(stop=64, error=KeyboardInterrupt),
            source,
            source.with_name("y.npy"),
            progress=False,
            block_bytes=80,
        )
    assert not leftovers(source.parent, "x.npy")


CHILD = """
import sys, time
import numpy as np
from course_lib.activations import sigmoid
from course_lib import streaming

streaming._PAUSE = 0.0

def slow(x):
    time.sleep(float(sys.argv[3]))
    return sigmoid(x)

print("ready", flush=True)
streaming.apply_to_file(slow, sys.argv[1], sys.argv[2], block_bytes=8192, progress=False)
"""


@contextmanager
def child(source: Path, target: Path, pause: float) -> Iterator[subprocess.Popen[str]]:
    """A process that transforms the file, some time a block."""
    command = [sys.executable, "-c", CHILD, str(source), str(target), str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@posix_only
def test_killed_at_random_points_and_resumed(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(0, 4, 1024 * 100)
    np.save(tmp_path / "x.npy", x)
    target, journal = tmp_path / "y.npy", tmp_path / "y.npy.partial.json"
    rng = random.Random()
    finished = [0]
    for _ in range(4):
        with child(tmp_path / "x.npy", target, 0.005) as process:
            time.sleep(rng.uniform(0, 0.1))  # of 0.5 s
            process.send_signal(signal.SIGKILL)
        assert not target.exists() or np.load(target).shape == x.shape
        if journal.exists():
            finished.append(json.loads(journal.read_text())["finished"])
            done = np.fromfile(tmp_path / "y.npy.partial", offset=128, count=finished[-1]) if finished[-1] else x[:0]
            np.testing.assert_array_equal(done, sigmoid(x[: finished[-1]]))  # what is recorded is there
    assert finished == sorted(finished)

    counting = Counting(sigmoid)
    counting.__qualname__ = "slow"  # as the function is called there
    if not target.exists():
        apply_to_file(counting, tmp_path / "x.npy", target, progress=False)
        assert counting.elements == x.size - finished[-1] + 64
    expected = io.BytesIO()
    np.save(expected, sigmoid(x))
    assert target.read_bytes() == expected.getvalue()


@posix_only
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # the fork of Python 3.12
def test_killed_between_any_two_system_calls(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the process dead before each operation on the disk in turn; every state that leaves can be resumed."""
    target = source.with_name("y.npy")
    expected = affine(np.load(source))
    operations = ("replace", "fsync", "fdatasync", "posix_fallocate")
    for when in range(200):
        code = os.fork()
        if code == 0:  # the child, which dies without any cleaning up
            left = when

            def dying(real: Callable[..., Any]) -> Callable[..., Any]:
                def call(*arguments: Any) -> Any:
                    nonlocal left
                    left -= 1
                    if left < 0:
                        os._exit(9)
                    return real(*arguments)

                return call

            try:
                for name in operations:
                    monkeypatch.setattr(os, name, dying(getattr(os, name)))
                monkeypatch.setattr(Path, "unlink", dying(Path.unlink))
                monkeypatch.setattr(streaming, "_write", dying(streaming._write))
                apply_to_file(affine, source, target, block_bytes=800, progress=False)
            except BaseException:
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(code, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 9)
        if target.exists():
            np.testing.assert_array_equal(np.load(target), expected)
        if os.waitstatus_to_exitcode(status) == 0:
            break
        assert apply_to_file(affine, source, target, block_bytes=800, progress=False) == target
        np.testing.assert_array_equal(np.load(target), expected)
        assert leftovers(source.parent, "x.npy", "y.npy") <= {"y.npy.partial.json.new"}
        target.unlink()
    assert when > 20


@posix_only
def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(1024 * 1000))
    with child(tmp_path / "x.npy", tmp_path / "y.npy", 0.1) as process:
        while not (tmp_path / "y.npy.partial.json").exists():
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    state = json.loads((tmp_path / "y.npy.partial.json").read_text())
    assert state["finished"] > 0
    assert f"KeyboardInterrupt: {state['finished']:,} of 1,024,000 elements are kept in {tmp_path}" in said


def begin(source: Path, target: Path, function: Callable[[Any], Any] = affine) -> None:
    """Leave a run behind that did half."""
    counting = Counting(function, stop=63 + 500, error=ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        apply_to_file(counting, source, target, block_bytes=800, progress=False)


def test_a_changed_source_is_noticed(source: Path) -> None:
    target = source.with_name("y.npy")
    begin(source, target)
    times = source.stat()
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    partial = source.with_name("y.npy.partial").read_bytes()
    with pytest.raises(streaming.SourceChangedError, match=r"x\.npy has changed since y\.npy was begun: .* delete"):
        apply_to_file(Counting(), source, target, progress=False)
    assert source.with_name("y.npy.partial").read_bytes() == partial  # nothing lost
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    apply_to_file(Counting(), source, target, progress=False)


def test_a_source_that_changes_during_the_run_is_noticed(source: Path) -> None:
    def meddle(x: np.ndarray) -> np.ndarray:
        times = source.stat()
        os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
        return x

    with pytest.raises(streaming.SourceChangedError, match="was written to while it was read"):
        apply_to_file(meddle, source, source.with_name("y.npy"), progress=False)

    def shorten(x: np.ndarray) -> np.ndarray:
        os.truncate(source, 4000)
        return x

    with pytest.raises(streaming.SourceChangedError, match="has become shorter"):
        apply_to_file(shorten, source, source.with_name("z.npy"), block_bytes=800, progress=False)
    assert not source.with_name("y.npy").exists()
    assert not source.with_name("z.npy").exists()


def test_another_function_does_not_go_on_with_the_work(source: Path) -> None:
    target = source.with_name("y.npy")
    begin(source, target, function=affine)
    with pytest.raises(streaming.ResumeError, match="begun with the function Counting, not affine"):
        apply_to_file(affine, source, target, progress=False)
    with pytest.raises(streaming.ResumeError, match="Counting no longer gives the results"):
        apply_to_file(Counting(np.negative), source, target, progress=False)
    with pytest.raises(streaming.ResumeError, match="no longer gives"):
        apply_to_file(Counting(lambda x: affine(x).astype(np.float32)), source, target, progress=False)
    apply_to_file(Counting(), source, target, progress=False)


def test_a_resumed_run_may_have_other_blocks_and_a_moved_source(source: Path) -> None:
    target = source.with_name("y.npy")
    begin(source, target)
    counting = Counting()
    apply_to_file(counting, source.rename(source.with_name("moved.npy")), target, block_bytes=24, progress=False)
    assert counting.elements == 63 + 500
    np.testing.assert_array_equal(np.load(target), affine(np.linspace(-9, 9, 1000)))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"finished": 3}'])
def test_a_strange_file_in_the_way_is_left_alone(source: Path, text: str) -> None:
    target, partial, journal = (source.with_name(f"y.npy{suffix}") for suffix in ("", ".partial", ".partial.json"))
    partial.write_text("somebody's")
    with pytest.raises(streaming.ResumeError, match=r"partial is in the way and has no journal"):
        apply_to_file(affine, source, target, progress=False)
    journal.write_text(text)
    with pytest.raises(streaming.ResumeError, match=r"partial.json is in the way and no journal"):
        apply_to_file(affine, source, target, progress=False)
    assert (partial.read_text(), journal.read_text()) == ("somebody's", text)


def test_a_shortened_result_is_not_gone_on_with(source: Path) -> None:
    begin(source, source.with_name("y.npy"))
    os.truncate(source.with_name("y.npy.partial"), 1000)
    with pytest.raises(streaming.ResumeError, match="shorter than its journal says"):
        apply_to_file(Counting(), source, source.with_name("y.npy"), progress=False)


@posix_only
def test_two_at_once_are_kept_apart(source: Path) -> None:
    target = source.with_name("y.npy")
    inside, go_on = threading.Event(), threading.Event()

    def waiting(x: np.ndarray) -> np.ndarray:
        if x.size > 63:
            inside.set()
            assert go_on.wait(60)
        return affine(x)

    thread = threading.Thread(target=lambda: apply_to_file(waiting, source, target, block_bytes=800, progress=False))
    thread.start()
    try:
        assert inside.wait(60)
        with pytest.raises(streaming.BusyError, match="another process is writing"):
            apply_to_file(affine, source, target, progress=False)
    finally:
        go_on.set()
        thread.join()
    np.testing.assert_array_equal(np.load(target), affine(np.load(source)))


# Bad input


def test_sources_that_are_refused(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(3, 4)
    whole = io.BytesIO()
    np.save(whole, x)
    (tmp_path / "text.npy").write_text("no numbers at all, but some text")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "cut.npy").write_bytes(whole.getvalue()[:-1])
    (tmp_path / "header.npy").write_bytes(whole.getvalue()[:50])
    (tmp_path / "negative.npy").write_bytes(whole.getvalue().replace(b"(3, 4)", b"(-3,4)"))
    (tmp_path / "version.npy").write_bytes(whole.getvalue().replace(b"NUMPY\x01", b"NUMPY\x09"))
    np.savez(tmp_path / "several.npy.npz", x=x)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(x))
    np.save(tmp_path / "complex.npy", x + 1j)
    np.save(tmp_path / "text-array.npy", np.array(["a"]))
    np.save(tmp_path / "fields.npy", np.zeros(2, [("ü", float)]))
    np.save(tmp_path / "dates.npy", np.zeros(2, "M8[s]"))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    cases = {
        "missing.npy": (streaming.SourceMissingError, FileNotFoundError, "there is no file"),
        "text.npy": (streaming.NotNpyError, ValueError, "not a .npy file"),
        "empty.npy": (streaming.NotNpyError, ValueError, "not a .npy file"),
        "header.npy": (streaming.NotNpyError, ValueError, "damaged"),
        "negative.npy": (streaming.NotNpyError, ValueError, "damaged"),
        "version.npy": (streaming.NotNpyError, ValueError, "not a .npy file"),
        "several.npy.npz": (streaming.NotNpyError, ValueError, "not a .npy file"),
        "cut.npy": (streaming.TruncatedError, ValueError, "truncated: 12 elements of float64 need 224 bytes"),
        "fortran.npy": (streaming.FortranOrderError, ValueError, "numpy.ascontiguousarray"),
        "complex.npy": (streaming.DtypeError, TypeError, "holds complex128"),
        "text-array.npy": (streaming.DtypeError, TypeError, "holds <U1"),
        "fields.npy": (streaming.DtypeError, TypeError, "one field at a time"),
        "dates.npy": (streaming.DtypeError, TypeError, "datetime64"),
        "objects.npy": (streaming.DtypeError, TypeError, "holds object"),
    }
    there = leftovers(tmp_path)
    for name, (named, builtin, message) in cases.items():
        with pytest.raises(named, match=message) as caught:
            apply_to_file(sigmoid, tmp_path / name, tmp_path / "y.npy", progress=False)
        assert isinstance(caught.value, builtin)
        assert isinstance(caught.value, streaming.StreamingError)
        assert name in str(caught.value)
    assert leftovers(tmp_path) == there
    if np.dtype(np.longdouble).itemsize > 8:
        np.save(tmp_path / "long.npy", np.zeros(2, np.longdouble))
        with pytest.raises(streaming.DtypeError, match="round to float64 first"):
            apply_to_file(sigmoid, tmp_path / "long.npy", tmp_path / "y.npy", progress=False)


def test_the_source_is_never_the_target(source: Path) -> None:
    folder, before = source.parent, source.read_bytes()
    (folder / "soft.npy").symlink_to(source)
    (folder / "hard.npy").hardlink_to(source)
    (folder / "y.npy.partial").hardlink_to(source)
    for target in ("x.npy", "soft.npy", "hard.npy", "y.npy", "../" + folder.name + "/x.npy"):
        for overwrite in (False, True):
            with pytest.raises(streaming.SameFileError, match="would overwrite the source"):
                apply_to_file(affine, source, folder / target, overwrite=overwrite, progress=False)
            with pytest.raises(streaming.SameFileError):
                apply_to_csv(affine, source, folder / target, overwrite=overwrite, progress=False)
    assert source.read_bytes() == before


def test_targets_that_are_refused(source: Path) -> None:
    target = source.with_name("y.npy")
    target.write_text("precious")
    with pytest.raises(streaming.TargetExistsError, match="pass overwrite=True") as caught:
        apply_to_file(affine, source, target, progress=False)
    assert isinstance(caught.value, FileExistsError)
    with pytest.raises(streaming.TargetFolderError, match="there is no folder") as missing:
        apply_to_file(affine, source, source.parent / "nowhere" / "y.npy", progress=False)
    assert isinstance(missing.value, FileNotFoundError)
    (source.parent / "folder").mkdir()
    with pytest.raises(streaming.TargetNotWritableError, match="is there and not a file"):
        apply_to_file(affine, source, source.parent / "folder", overwrite=True, progress=False)
    with pytest.raises(ValueError, match="block_bytes must be at least 1, not 0"):
        apply_to_file(affine, source, source.with_name("z.npy"), block_bytes=0)
    assert target.read_text() == "precious"
    assert not leftovers(source.parent, "x.npy", "y.npy", "folder")


def test_overwriting_waits_until_the_new_one_is_whole(source: Path) -> None:
    target = source.with_name("y.npy")
    target.write_text("old")
    counting = Counting(stop=63 + 500, error=ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        apply_to_file(counting, source, target, block_bytes=800, overwrite=True, progress=False)
    assert target.read_text() == "old"
    apply_to_file(Counting(), source, target, overwrite=True, progress=False)
    np.testing.assert_array_equal(np.load(target), affine(np.load(source)))


def test_a_target_that_appears_meanwhile_is_kept(source: Path) -> None:
    target = source.with_name("y.npy")

    def appear(x: np.ndarray) -> np.ndarray:
        target.write_text("somebody's")
        return x

    with pytest.raises(streaming.TargetExistsError):
        apply_to_file(appear, source, target, progress=False)
    assert target.read_text() == "somebody's"


def test_a_link_as_target_is_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "y.npy"
    link.symlink_to(tmp_path / "elsewhere" / "real.npy")
    assert apply_to_file(affine, source, link, progress=False) == link
    assert link.is_symlink()
    np.testing.assert_array_equal(np.load(tmp_path / "elsewhere" / "real.npy"), affine(np.load(source)))


def test_functions_that_are_refused(source: Path) -> None:
    target = source.with_name("y.npy")
    changing = iter([np.float64, np.float32])
    cases = {
        r"of a block of shape \(63,\)": lambda x: x[:-1],
        "returned object": lambda x: x.astype(object),
        "returned float32, but the result is to be float64": lambda x: x.astype(next(changing)),
    }
    for message, function in cases.items():
        with pytest.raises(streaming.ResultError, match=message):
            apply_to_file(function, source, target, progress=False)
    assert not leftovers(source.parent, "x.npy")


FULL = """
import sys
import numpy as np
from pathlib import Path
from course_lib import streaming
from course_lib.activations import sigmoid

source, small, allocates = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "allocates"
if not allocates:
    streaming._allocate = lambda *_: None
calls = 0
def counted(x):
    global calls
    calls += x.size
    return sigmoid(x)

target = small / "y.npy"
ballast = small / "ballast"
ballast.write_bytes(bytes(700_000))
before = source.read_bytes()
try:
    streaming.apply_to_file(counted, source, target, block_bytes=8192, progress=False)
    raise SystemExit("the disk was not full")
except streaming.DiskFullError as error:
    assert isinstance(error, OSError) and error.errno, error
    assert "make room" in str(error), error
assert not target.exists() and source.read_bytes() == before
first, calls = calls, 0
assert (first > 64) != allocates, first
ballast.unlink()
streaming.apply_to_file(counted, source, target, block_bytes=8192, progress=False)
x = np.load(source)
assert np.array_equal(np.load(target), sigmoid(x))
# What was finished was kept. The last records may have found no room for themselves.
assert calls < x.size - 10_000 or allocates, (first, calls)

ballast.write_bytes(bytes(400_000))
table = source.with_suffix(".csv")
table.write_text("x\\n" + "1\\n" * 60_000)
try:
    streaming.apply_to_csv(counted, table, small / "t.csv", progress=False)
    raise SystemExit("the disk was not full")
except streaming.DiskFullError:
    pass
print(sorted(path.name for path in small.iterdir()))
"""


@posix_only
@pytest.mark.parametrize("way", ["allocates", "writes"])
def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path, way: str) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 4, 100_000))  # 800 kB
    (tmp_path / "small").mkdir()
    run = [sys.executable, "-c", FULL, str(tmp_path / "x.npy"), str(tmp_path / "small"), way]
    mount = f'mount -t tmpfs -o size=1280k tmpfs {tmp_path / "small"} && exec "$@"'
    try:
        subprocess.run(["unshare", "-rm", "true"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here; the next test starves the run in another way")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, "sh", *run], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['ballast', 'y.npy']"


def test_no_room_for_a_block_is_named_and_loses_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = source.with_name("y.npy")
    write, left = streaming._write, 4000

    def starving(file: Any, data: Any) -> None:
        nonlocal left
        left -= len(data)
        if left < 0:
            write(file, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, data)

    monkeypatch.setattr(streaming, "_write", starving)
    counting = Counting()
    with pytest.raises(streaming.DiskFullError, match="Nothing was lost: make room") as caught:
        apply_to_file(counting, source, target, block_bytes=800, progress=False)
    assert caught.value.errno == errno.ENOSPC
    assert not target.exists()
    left = 10**6
    again = Counting()
    apply_to_file(again, source, target, block_bytes=800, progress=False)
    assert counting.elements == 63 + 500
    assert again.elements in (63 + 600, 63 + 700)  # a block was given up to make room for the journal, if need be
    np.testing.assert_array_equal(np.load(target), affine(np.load(source)))


@pytest.mark.parametrize("pause", [0.0, 1e9], ids=["meanwhile", "at the end"])
def test_after_a_failed_sync_nothing_more_is_recorded(
    source: Path, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    # Linux reports a failed write to the disk once; a second fdatasync says that all is well, and it is not.
    monkeypatch.setattr(streaming, "_PAUSE", pause)
    target, syncs = source.with_name("y.npy"), 0

    def failing(file: Any) -> None:
        nonlocal syncs
        if file.name == str(source.with_name("y.npy.partial")):
            syncs += 1
            if syncs == 3:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            assert syncs < 3

    monkeypatch.setattr(streaming, "_sync", failing)

    def patient(x: np.ndarray) -> np.ndarray:
        time.sleep(0.01)
        return affine(x)

    with pytest.raises(OSError, match=os.strerror(errno.EIO)) as caught:
        apply_to_file(patient, source, target, block_bytes=800, progress=False)
    assert json.loads(source.with_name("y.npy.partial.json").read_text())["finished"] == 100
    assert "100 of 1,000 elements are kept" in caught.value.__notes__[0]
    monkeypatch.undo()
    apply_to_file(patient, source, target, progress=False)
    np.testing.assert_array_equal(np.load(target), affine(np.load(source)))


@posix_only
def test_data_reach_the_disk_before_the_journal_and_the_journal_before_the_name(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, Any]] = []
    sync, replace, folder, write = streaming._sync, os.replace, streaming._sync_folder, streaming._write
    written = 0

    def watch_sync(file: Any) -> None:
        seen = written  # a block written during the sync may not be on the disk
        sync(file)
        events.append(("sync " + Path(file.name).name, seen))

    def watch_replace(old: Path, new: Path) -> None:
        recorded = json.loads(Path(old).read_text())["finished"] if Path(new).suffix == ".json" else None
        replace(old, new)
        events.append((Path(new).name, recorded))

    def watch_write(file: Any, data: Any) -> None:
        nonlocal written
        write(file, data)
        written += len(data)

    monkeypatch.setattr(streaming, "_PAUSE", 0.0)
    monkeypatch.setattr(streaming, "_sync", watch_sync)
    monkeypatch.setattr(streaming, "_sync_folder", lambda path: (folder(path), events.append(("folder", None))))
    monkeypatch.setattr(streaming, "_write", watch_write)
    monkeypatch.setattr(os, "replace", watch_replace)
    apply_to_file(affine, source, source.with_name("y.npy"), block_bytes=800, progress=False)
    names = [name for name, _ in events]
    record = ["sync y.npy.partial", "sync y.npy.partial.json.new", "y.npy.partial.json"]
    assert names[:4] == [*record, "folder"]
    assert names[-5:] == [*record, "y.npy", "folder"]
    on_disk = 0
    for name, value in events:
        if name == "sync y.npy.partial":
            on_disk = value
        if name == "y.npy.partial.json":
            assert value == 0 or 128 + 8 * value <= on_disk
    assert value is None


@posix_only
def test_a_folder_that_cannot_be_written_into(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = source.parent / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # root may write everywhere
        real = Path.touch

        def refuse(path: Path, *arguments: Any, **options: Any) -> None:
            if path.parent == folder:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            real(path, *arguments, **options)

        monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(streaming.TargetNotWritableError, match="cannot be written into") as caught:
        apply_to_file(affine, source, folder / "y.npy", progress=False)
    assert isinstance(caught.value, PermissionError)
    folder.chmod(0o700)
    assert not leftovers(folder)


def test_resident_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the highest resident size is read from Linux's /proc")
    code = """
import sys
from course_lib.activations import sigmoid
from course_lib.streaming import apply_to_file
apply_to_file(sigmoid, sys.argv[1], sys.argv[2], progress=False)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
    peaks = []
    for size in (1_000, 8_000_000):
        np.save(tmp_path / "x.npy", np.zeros(size))
        run = [sys.executable, "-c", code, str(tmp_path / "x.npy"), str(tmp_path / f"{size}.npy")]
        peaks.append(int(subprocess.run(run, capture_output=True, text=True, check=True, timeout=120).stdout) * 1024)
    assert peaks[1] < 200e6
    assert peaks[1] - peaks[0] < 16e6  # of 64 MB


# Tables


@searched
@given(
    rows=st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.floats(width=64), st.integers()),
        max_size=12,
    ),
    batch=st.integers(1, 5),
    ends=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_csv_changes_the_chosen_column_and_nothing_else(
    rows: list[tuple[str, float, int]], batch: int, ends: str, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    header = ["a name", "x", 'quoted "n", and more']
    with (folder / "x.csv").open("w", newline="", encoding=encoding) as file:
        csv.writer(file, lineterminator=ends, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    apply_to_csv(scipy.special.expit, folder / "x.csv", folder / "y.csv", columns=["x"], rows=batch, progress=False)
    with (folder / "y.csv").open(newline="", encoding=encoding) as file:
        got = list(csv.reader(file))
    assert got[0] == header
    assert [(row[0], row[2]) for row in got[1:]] == [(name, str(count)) for name, _, count in rows]
    expected = scipy.special.expit(np.array([x for _, x, _ in rows], np.float64))
    np.testing.assert_array_equal(np.array([row[1] for row in got[1:]], np.float64), expected)
    first = (folder / "y.csv").read_bytes()
    assert first.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    assert first.splitlines(keepends=True)[0].endswith(b"\r\n") == (ends == "\r\n")
    assert not leftovers(folder, "x.csv", "y.csv")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, bool])
def test_csv_of_all_columns_against_numpy(tmp_path: Path, dtype: type) -> None:
    x = np.random.default_rng(0).normal(0, 4, (23, 3))
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c", comments="", fmt="%.17g")

    def function(block: np.ndarray) -> np.ndarray:
        return affine(block).astype(dtype)

    path = apply_to_csv(function, tmp_path / "x.csv", tmp_path / "y.csv", rows=5, progress=False)
    got = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=bool if dtype is bool else np.float64)
    np.testing.assert_array_equal(got.astype(dtype), function(x))


def test_csv_keeps_empty_lines(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x\n\n1\n\n2\n\n")
    apply_to_csv(affine, tmp_path / "x.csv", tmp_path / "y.csv", rows=2, progress=False)
    assert (tmp_path / "y.csv").read_text() == "x\n\n3.0\n\n5.0\n\n"
    (tmp_path / "header.csv").write_text("x\n")
    apply_to_csv(affine, tmp_path / "header.csv", tmp_path / "z.csv", progress=False)
    assert (tmp_path / "z.csv").read_text() == "x\n"


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (b"", None, "is empty"),
        (b"a,b\n1,2\n3,zero\n", None, "line 3, column 'b': 'zero' is no number"),
        (b"a,b\n1,2\n,3\n", ["a"], "line 3, column 'a': '' is no number"),
        (b"a,b\n1,2\n1_000,3\n", ["a"], "line 3, column 'a': '1_000' is no number"),
        (b'a,b\n"x\ny",2\n"u\nv",w\n', ["b"], "line 5, column 'b': 'w' is no number"),
        (b"a,b\n1,2\n3\n", None, "line 3: 1 cells, but the header names 2 columns"),
        (b"a,b\n1,2,3\n", None, "line 2: 3 cells"),
        (b"a;b\n1;2\n", ["b"], "no column 'b'; there are 'a;b'"),
        (b"a,a\n1,2\n", ["a"], "2 columns 'a'"),
        (b"a,b\n1,2\n\xff,3\n", None, "not UTF-8"),
        (b'a,b\n1,"2"3\n', None, "line 2:"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: bytes, columns: Any, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(text)
    with pytest.raises(streaming.CsvError, match=message) as caught:
        apply_to_csv(affine, tmp_path / "x.csv", tmp_path / "y.csv", columns=columns, rows=1, progress=False)
    assert isinstance(caught.value, ValueError)
    assert not leftovers(tmp_path, "x.csv")


def test_csv_says_what_is_wrong_with_its_arguments(tmp_path: Path) -> None:
    path = apply_to_csv_of_numbers(tmp_path / "x.csv", progress=False)
    source = tmp_path / "x.csv"
    with pytest.raises(streaming.TargetExistsError):
        apply_to_csv(affine, source, path, progress=False)
    apply_to_csv(np.negative, source, path, overwrite=True, progress=False)
    assert path.read_text() == "a,b\n-1.0,-2.0\n-3.0,-4.0\n"
    with pytest.raises(streaming.SourceMissingError):
        apply_to_csv(affine, tmp_path / "missing.csv", tmp_path / "y.csv")
    with pytest.raises(TypeError, match="columns must be a list of names"):
        apply_to_csv(affine, source, tmp_path / "y.csv", columns="a")
    with pytest.raises(ValueError, match="rows must be at least 1, not 0"):
        apply_to_csv(affine, source, tmp_path / "y.csv", rows=0)
    with pytest.raises(streaming.ResultError, match="elementwise"):
        apply_to_csv(np.sum, source, tmp_path / "y.csv", progress=False)
    assert not leftovers(tmp_path, "x.csv", path.name)


# Dask


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_dask_is_lazy_and_right(dtype: type) -> None:
    dask_array = pytest.importorskip("dask.array", reason="dask is not installed")
    x = np.arange(-60, 60).reshape(4, 5, 6).astype(dtype)
    counting = Counting(sigmoid)
    y = apply_to_dask(counting, dask_array.from_array(x, chunks=(3, 2, 6)))
    assert counting.elements == 0
    assert (y.dtype, y.shape, y.chunks) == (sigmoid(x).dtype, x.shape, ((3, 1), (2, 2, 1), (6,)))
    np.testing.assert_array_equal(y.compute(scheduler="synchronous"), sigmoid(x), strict=True)
    assert counting.elements == x.size


def test_dask_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    dask_array = pytest.importorskip("dask.array", reason="dask is not installed")
    with pytest.raises(TypeError, match="must be a dask array, not ndarray: wrap it"):
        apply_to_dask(affine, np.zeros(3))
    shorter = apply_to_dask(lambda x: x[:2], dask_array.zeros(6, chunks=3))
    with pytest.raises(streaming.ResultError, match=r"made shape \(2,\) of a block of shape \(3,\)"):
        shorter.compute(scheduler="synchronous")


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(streaming.DaskMissingError, match=r"pip install 'dask\[array\]'"):
        apply_to_dask(affine, None)  # type: ignore[arg-type]
