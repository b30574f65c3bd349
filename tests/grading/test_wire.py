"""Values cross by value, bit for bit; what the other side makes up does no harm."""

import json
import math
import socket
import struct
import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.checks import is_plain
from grading import wire

# --- values -----------------------------------------------------------------------------------------------------------

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY_CHARACTER = st.characters(codec=None, exclude_categories=())  # halves of surrogate pairs too
NUMBERS = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers(-(2**wire.MAX_BITS) + 1, 2**wire.MAX_BITS - 1),
    st.floats(),
    st.complex_numbers(),
)
DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.integer_dtypes(endianness=">"),
    hnp.unsigned_integer_dtypes(endianness="="),
    hnp.floating_dtypes(endianness="="),
    hnp.floating_dtypes(endianness=">"),
    hnp.complex_number_dtypes(endianness="="),
    hnp.unicode_string_dtypes(endianness="<", max_len=5),
    hnp.unicode_string_dtypes(endianness=">", max_len=5),
    st.sampled_from([np.dtype(np.longdouble), np.dtype(np.clongdouble)]),
)


@st.composite
def arrays(draw) -> np.ndarray:
    """Arrays of every dtype that may cross, in every layout, of any bits."""
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    count = math.prod(shape)
    if dtype.kind in "bU":
        flat = draw(hnp.arrays(dtype, count))
    else:
        flat = np.frombuffer(draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize)), dtype)
    array = flat.reshape(shape).copy()
    match draw(st.sampled_from(["C", "F", "transposed", "strided", "reversed", "read-only"])):
        case "F":
            array = np.asfortranarray(array)
        case "transposed":
            array = array.T
        case "strided" if array.ndim:
            array = np.repeat(array, 2, axis=0)[::2]
        case "reversed" if array.ndim:
            array = array[::-1]
        case "read-only":
            array.flags.writeable = False
    return array


def scalars() -> st.SearchStrategy:
    """NumPy's own numbers and strings."""
    return DTYPES.flatmap(
        lambda d: st.binary(min_size=d.itemsize, max_size=d.itemsize).map(
            lambda raw: np.str_(raw.hex()) if d.kind == "U" else np.frombuffer(raw, d.newbyteorder("="))[0]
        )
    )


LEAVES = st.one_of(st.none(), NUMBERS, st.text(ANY_CHARACTER), st.binary(), st.just(np.str_("")), scalars(), arrays())
KEYS = st.one_of(st.none(), NUMBERS, st.text(ANY_CHARACTER), st.binary(), st.tuples(NUMBERS, st.text()))
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=12,
)


class Refused(Exception):
    """Something was not plain data."""


def refuse(value):
    raise Refused(type(value).__name__)


def crossed(value):
    """Return what arrives of a value on the other side of a real connection."""
    here, there = socket.socketpair()
    with here, there:
        buffers: list[bytes] = []
        body = wire.encode(value, buffers, refuse)
        sender = threading.Thread(target=wire.send, args=(here, body, buffers, time.monotonic() + 5))
        sender.start()
        body, buffers = wire.receive(there, time.monotonic() + 5)
        sender.join()
        return wire.decode(body, buffers, refuse)


def same(a, b) -> bool:
    """Whether two values have the same types and the same bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and np.asarray(a).tobytes() == np.asarray(b).tobytes()
    if isinstance(a, float):
        return struct.pack(">d", a) == struct.pack(">d", b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    return a == b


@UNHURRIED
@given(PLAIN)
@example([-0.0, math.nan, -math.nan, math.inf, -math.inf, 5e-324, complex(-0.0, math.nan)])
@example("\ud83d\ude00")  # two halves that JSON would join
@example({math.nan: 1, -0.0: {(): b"\0"}})
@example(2**wire.MAX_BITS - 1)
@example(np.array("text"))
def test_plain_values_keep_their_types_and_bits(value):
    arrived = crossed(value)
    assert same(arrived, value)
    assert is_plain(arrived)


@UNHURRIED
@given(arrays())
def test_arrays_keep_their_layout(array):
    arrived = crossed(array)
    assert arrived.flags.writeable == array.flags.writeable
    assert arrived.flags.owndata or arrived.base is not None
    if array.flags.f_contiguous:
        assert arrived.flags.f_contiguous


def test_two_mentions_of_one_array_arrive_as_two():
    array = np.zeros(3)
    first, second = crossed([array, array])
    first[0] = 1
    assert second[0] == 0


def nested(depth: int, inner):
    """Return `inner` in so many lists."""
    for _ in range(depth):
        inner = [inner]
    return inner


class Float(float):
    pass


class Array(np.ndarray):
    pass


ITSELF: list = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        range(3),
        {1, 2},
        bytearray(b"1"),
        Float(1),
        np.zeros(2).view(Array),
        np.ma.array([1.0]),
        np.array([None]),
        np.array([b"x"]),
        np.bytes_(b"x"),
        np.void(b"x"),
        np.datetime64("2026-01-01"),
        np.timedelta64(1),
        np.zeros(2, dtype=[("a", "f8")]),
        np.float64,
        np.dtype("f8"),
        [1, [object()]],
        {1: object()},
        {object(): 1},
        (1, Float(2)),
        nested(wire.MAX_DEPTH - 1, []),
        nested(wire.MAX_DEPTH, []),
        nested(wire.MAX_DEPTH, 1),
        nested(wire.MAX_DEPTH + 1, 1),
        nested(wire.MAX_DEPTH - 1, ()),
        nested(wire.MAX_DEPTH, ()),
        nested(wire.MAX_DEPTH, {}),
        nested(wire.MAX_DEPTH, np.zeros(2)),
        nested(wire.MAX_DEPTH + 1, np.zeros(2)),
        nested(300, 1),
        ITSELF,
        np.longlong(1),
        np.zeros((1,) * 64),
    ],
)
def test_a_value_crosses_by_value_exactly_if_checks_call_it_plain(value):
    try:
        arrived = crossed(value)
    except Refused:
        assert not is_plain(value)
    else:
        assert is_plain(value)
        assert is_plain(arrived)


@UNHURRIED
@given(PLAIN)
def test_every_plain_value_is_plain_to_checks_too(value):
    assert is_plain(value)


def test_what_is_not_plain_crosses_as_a_reference():
    thing = object()
    data = wire.encode([1, thing], [], lambda o: {"id": 7} if o is thing else {})
    assert wire.decode(data, [], lambda fields: fields["id"]) == [1, 7]


def test_an_object_of_the_other_side_is_named_once_and_copied_then():
    array = np.arange(2.0)
    buffers: list[bytes] = []
    data = wire.encode([array, array], buffers, refuse, {id(array): 5})
    assert data[0] == {"t": "shared", "n": 5}
    assert data[1]["t"] == "array"


@UNHURRIED
@given(PLAIN)
def test_both_sides_list_the_same_mutable_objects(value):
    ours, theirs = wire.mutables(value), wire.mutables(crossed(value))
    assert len(ours) == len(theirs)
    assert all(map(same, ours, theirs))


# --- what a hostile process may send ----------------------------------------------------------------------------------

HARMLESS = (wire.WireError, wire.Disconnected, TimeoutError)


def received(raw: bytes, seconds: float = 0.5, close: bool = True):
    """Return what comes out of raw bytes on the connection: a value, or one of the errors that are expected."""
    here, there = socket.socketpair()
    with here, there:

        def write() -> None:
            try:
                here.sendall(raw)
            except OSError:
                return  # refused before it was read to the end
            if close:
                here.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=write)
        sender.start()
        try:
            body, buffers = wire.receive(there, time.monotonic() + seconds)
            return wire.decode(body, buffers, lambda fields: fields["id"])
        except HARMLESS as error:
            return error
        finally:
            there.close()
            sender.join()


def frame(header: bytes, *buffers: bytes) -> bytes:
    return struct.pack(">I", len(header)) + header + b"".join(buffers)


def of(body: object, *buffers: bytes) -> bytes:
    return frame(json.dumps({"body": body, "buffers": [len(b) for b in buffers]}).encode(), *buffers)


def array_of(dtype, shape, raw: bytes, **changes) -> bytes:
    data = {"t": "array", "d": dtype, "s": shape, "o": "C", "w": True, "b": 0, **changes}
    return of(data, raw)


def deep(tag: str, depth: int) -> bytes:
    return b'{"t":"%s","v":[' % tag.encode() * depth + b"]}" * depth


EIGHT = bytes(8)
MALFORMED = {
    "nothing": b"",
    "half a length": b"\0\0",
    "a header of 4 GiB is announced": b"\xff\xff\xff\xff",
    "a header is cut": struct.pack(">I", 100) + b'{"body"',
    "no JSON": frame(b"\x80\x02}q\x00."),
    "not UTF-8": frame(b'{"body": "\xff", "buffers": []}'),
    "no fields": frame(b"{}"),
    "a list for a header": frame(b"[]"),
    "a number for a header": frame(b"3"),
    "null for a header": frame(b"null"),
    "nan": frame(b'{"body": NaN, "buffers": []}'),
    "infinity": frame(b'{"body": -Infinity, "buffers": []}'),
    "a bomb of digits": frame(b'{"body": 1%s, "buffers": []}' % (b"0" * 100_000)),
    "an integer that cannot be shown": frame(b'{"body": 1%s, "buffers": []}' % (b"0" * 4200)),
    "nested lists": frame(b'{"body": %s, "buffers": []}' % (b"[" * 100_000 + b"]" * 100_000)),
    "lists nested a bit": frame(b'{"body": %s, "buffers": []}' % (b"[" * 400 + b"]" * 400)),
    "nested tuples": frame(b'{"body": %s, "buffers": []}' % deep("tuple", 300)),
    "nested complex": frame(b'{"body": %s, "buffers": []}' % deep("complex", 300)),
    "a negative size": frame(b'{"body": 1, "buffers": [-1]}'),
    "a size that is a float": frame(b'{"body": 1, "buffers": [1.0]}', b"1"),
    "a size that is a bool": frame(b'{"body": 1, "buffers": [true]}', b"1"),
    "a size that is a text": frame(b'{"body": 1, "buffers": ["1"]}', b"1"),
    "a huge size": frame(b'{"body": 1, "buffers": [%d]}' % 10**18),
    "many sizes": frame(b'{"body": 1, "buffers": [%s]}' % b",".join([b"10000000"] * 100)),
    "a buffer is cut": frame(b'{"body": 1, "buffers": [100000000]}', b"1"),
    "sizes in an object": frame(b'{"body": 1, "buffers": {"a": 1}}'),
    "an unknown tag": of({"t": "pickle", "v": "cos\nsystem"}),
    "no tag": of({"v": 1}),
    "a tag that is a list": of({"t": ["tuple"], "v": []}),
    "a tag that is null": of({"t": None}),
    "a tuple without items": of({"t": "tuple"}),
    "a tuple of a number": of({"t": "tuple", "v": 3}),
    "a float that is a text": of({"t": "float", "v": "inf"}),
    "a float of too few bits": of({"t": "float", "v": "7ff0"}),
    "a float that is a list": of({"t": "float", "v": [1]}),
    "a complex of one part": of({"t": "complex", "v": "7ff0000000000000"}),
    "a complex of floats": of({"t": "complex", "v": [1.0, 2.0]}),
    "a dict that is a dict": of({"t": "dict", "v": {"a": 1}}),
    "a dict of triples": of({"t": "dict", "v": [[1, 2, 3]]}),
    "a dict of singles": of({"t": "dict", "v": [[1]]}),
    "a key that is a list": of({"t": "dict", "v": [[[1], 2]]}),
    "a key that is an array": of(
        {"t": "dict", "v": [[{"t": "array", "d": "<f8", "s": [1], "o": "C", "w": 1, "b": 0}, 2]]}, EIGHT
    ),
    "a key that is there twice": of({"t": "dict", "v": [["a", 1], ["a", 2]]}),
    "one key in two types": of({"t": "dict", "v": [[1, 1], [True, 2]]}),
    "a text of wrong bytes": of({"t": "str", "b": 0}, b"\xff\xff"),
    "bytes without a buffer": of({"t": "bytes", "b": 0}),
    "a negative buffer": of({"t": "bytes", "b": -1}, b"12"),
    "a buffer that is a bool": of({"t": "bytes", "b": False}, b"12"),
    "a buffer that is a float": of({"t": "bytes", "b": 0.0}, b"12"),
    "a reference without a number": of({"t": "ref"}),
    "an array of objects": array_of("|O", [1], EIGHT),
    "an array of bytes": array_of("|S8", [1], EIGHT),
    "an array of void": array_of("|V8", [1], EIGHT),
    "an array of dates": array_of("<M8[s]", [1], EIGHT),
    "an array with fields": array_of("f8,i4", [1], EIGHT),
    "a dtype in other digits": array_of("<U\u0662", [1], EIGHT),
    "a dtype with a newline": array_of("<f8\n", [1], EIGHT),
    "a dtype that is a list": array_of([["a", "<f8"]], [1], EIGHT),
    "a dtype that does not exist": array_of("<i16", [1], bytes(16)),
    "a dtype that is missing": of({"t": "array", "s": [1], "o": "C", "b": 0}, EIGHT),
    "a negative axis": array_of("<f8", [-1], EIGHT),
    "two negative axes": array_of("<f8", [-1, -1], EIGHT),
    "an axis that is a float": array_of("<f8", [1.0], EIGHT),
    "an axis that is a bool": array_of("<f8", [True], EIGHT),
    "a shape that is a number": array_of("<f8", 1, EIGHT),
    "a shape that is a text": array_of("<f8", "1", EIGHT),
    "too few bytes": array_of("<f8", [2], EIGHT),
    "too many bytes": array_of("<f8", [1], bytes(9)),
    "too many axes": array_of("<f8", [1] * 65, EIGHT),
    "a huge axis": array_of("<f8", [10**30], EIGHT),
    "no items, and long axes": array_of("<f8", [2**40, 0], b""),
    "items of no bytes": array_of("<U0", [10**9], b""),
    "axes that overflow": array_of("<f8", [0, 2**62, 2**62], b""),
    "a character that does not exist": array_of("<U1", [1], b"\xff\xff\xff\xff"),
    "a scalar of such a character": of({"t": "scalar", "d": ">U1", "b": 0}, b"\x00\x11\x00\x00"),
    "a scalar of too many bytes": of({"t": "scalar", "d": "<f8", "b": 0}, bytes(16)),
    "one buffer for two arrays": of([{"t": "scalar", "d": "<f8", "b": 0}, {"t": "scalar", "d": "<f8", "b": 0}], EIGHT),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_refused(raw):
    tracemalloc.start()
    try:
        start = time.monotonic()
        assert isinstance(received(raw, seconds=10), (wire.WireError, wire.Disconnected))
        assert time.monotonic() - start < 5
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20  # nothing is allocated that is only announced
    finally:
        tracemalloc.stop()


def test_a_silent_or_slow_sender_is_not_waited_for():
    assert isinstance(received(b"", seconds=0.2, close=False), TimeoutError)
    assert isinstance(received(struct.pack(">I", 50) + b"{", seconds=0.2, close=False), TimeoutError)
    assert isinstance(received(frame(b'{"body": 1, "buffers": [9]}', b"1"), seconds=0.2, close=False), TimeoutError)


def test_a_sender_of_single_bytes_has_the_same_deadline():
    here, there = socket.socketpair()
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.02):
            here.send(b"\0")

    with here, there:
        sender = threading.Thread(target=trickle)
        sender.start()
        start = time.monotonic()
        here.send(struct.pack(">I", 10_000))
        try:
            with pytest.raises(TimeoutError):
                wire.receive(there, start + 0.3)
            assert time.monotonic() - start < 1
        finally:
            stop.set()
            sender.join()


def test_a_receiver_that_does_not_read_is_not_waited_for():
    here, there = socket.socketpair()
    with here, there:
        with pytest.raises(TimeoutError):
            wire.send(here, 1, [bytes(2**24)], time.monotonic() + 0.2)
        there.close()
        with pytest.raises(wire.Disconnected):
            wire.send(here, 1, [bytes(2**24)], time.monotonic() + 5)


def test_what_is_too_large_is_not_sent(monkeypatch):
    monkeypatch.setattr(wire, "MAX_BUFFERS", 100)
    monkeypatch.setattr(wire, "MAX_HEADER", 100)
    here, there = socket.socketpair()
    with here, there:
        for body, buffers in ((1, [bytes(101)]), ("x" * 100, [])):
            with pytest.raises(wire.WireError):
                wire.send(here, body, buffers)


def test_one_large_buffer_does_not_become_many_arrays():
    data = {"t": "array", "d": "|u1", "s": [2**20], "o": "C", "w": True, "b": 0}
    assert isinstance(received(of([data] * 500, bytes(2**20))), wire.WireError)


def test_keys_of_one_hash_do_not_hold_the_grader_up():
    prime = 2**61 - 1  # Python's hash of an integer is its remainder
    pairs = [[i * prime, 0] for i in range(50_000)]
    start = time.monotonic()
    assert isinstance(received(of({"t": "dict", "v": pairs}), seconds=10), wire.WireError)
    assert time.monotonic() - start < 5
    honest = dict.fromkeys(range(5000), 0) | {i * prime: 0 for i in range(2, 50)}
    assert crossed(honest) == honest


def test_an_array_of_odd_bytes_is_true_or_false():
    value = received(array_of("|b1", [2], b"\x02\x00"))
    assert value.view(np.uint8).tolist() == [1, 0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
TAGGED = st.recursive(
    JSON,
    lambda inner: (
        st.fixed_dictionaries(
            {
                "t": st.sampled_from(
                    ["float", "complex", "tuple", "dict", "bytes", "str", "array", "scalar", "ref", "shared"]
                )
            },
            optional={
                "v": inner
                | st.lists(inner, max_size=3)
                | st.lists(st.lists(inner, min_size=2, max_size=2), max_size=3),
                "b": st.integers(-1, 3) | inner,
                "d": st.sampled_from(["<f8", "|b1", "<U1", ">U2", "<f16", "<U0", "|O", "<c8", "|V8"]) | inner,
                "s": st.lists(st.integers(-1, 5) | st.integers(), max_size=3) | inner,
                "o": st.sampled_from(["C", "F"]) | inner,
                "w": inner,
                "id": inner,
            },
        )
        | st.lists(inner, max_size=3)
    ),
    max_leaves=10,
)


@UNHURRIED
@given(TAGGED, st.lists(st.binary(max_size=24), max_size=3))
def test_any_json_is_decoded_or_refused(data, buffers):
    try:
        value = wire.decode(data, list(buffers), lambda fields: fields["id"])
    except wire.WireError:
        return
    repr(value)


@UNHURRIED
@given(PLAIN, st.data())
def test_a_frame_with_changed_bytes_is_decoded_or_refused(value, data):
    buffers: list[bytes] = []
    body = wire.encode(value, buffers, refuse)
    raw = bytearray(of(body, *buffers))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["change", "remove", "insert", "cut"])):
            case "change":
                raw[place] = data.draw(st.integers(0, 255))
            case "remove":
                del raw[place : place + data.draw(st.integers(1, 8))]
            case "insert":
                raw[place:place] = data.draw(st.binary(max_size=8))
            case "cut":
                del raw[place:]
        if not raw:
            break
    repr(received(bytes(raw), seconds=0.3))


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(raw):
    assert isinstance(received(raw, seconds=0.3), HARMLESS)
