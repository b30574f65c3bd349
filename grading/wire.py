"""What crosses between the student's process and the trusted one: plain data in frames, never pickle.

A frame is a length, a JSON header of that length, and the raw bytes of the arrays it mentions. Decoding builds values
of exactly Python's and NumPy's own types, so that nothing a student wrote runs where the tests are. Whatever is not
plain data crosses as a reference, which only the process that holds the object can follow. What is plain is the same
as for `course_lib.checks.is_plain`, up to the sizes below.
"""

from __future__ import annotations

import json
import math
import re
import socket
import struct
import time
from collections.abc import Callable, Container
from typing import Any

import numpy as np

MAX_HEADER = 16 * 2**20
MAX_BUFFERS = 128 * 2**20
MAX_DEPTH = 40
MAX_BITS = 12_000  # of an integer; Python shows no more than 4,300 digits, which are 14,284 bits
MAX_LENGTH = 10**6  # of the axes of an array without items, all together: they cost nothing to announce
MAX_COLLISIONS = 100  # of the hashes in a dict: a thousand long keys with one hash take 20 s to put in

_LENGTH = struct.Struct(">I")
_FLOAT = struct.Struct(">d")
_COMPLEX = struct.Struct(">dd")
_DTYPE = re.compile(r"[<>|=](?:b1|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32)|U[0-9]{1,6})")
_NUMPY_SCALARS = frozenset(np.sctypeDict.values())

References = Callable[[Any], dict[str, Any]]


class WireError(Exception):
    """A frame that is not what the protocol says: too large, too deep, or malformed."""


class Disconnected(Exception):
    """The other side closed the connection."""


def encode(
    value: Any, buffers: list[bytes], reference: References, shared: dict[int, int] | None = None, depth: int = 0
) -> Any:
    """Return `value` as JSON data, appending the bytes of its arrays to `buffers`.

    Parameters
    ----------
    value : object
        Numbers, strings, None, lists, tuples, dicts, NumPy arrays and scalars are encoded by value.
    buffers : list of bytes
        Grows by one entry an array, NumPy scalar or bytes object.
    reference : callable
        Called with anything else; returns the fields that let the holder find the object again.
    shared : dict, optional
        Numbers, by `id`, of objects that the other side has too. Each is taken out where it is used: an object that
        could be named any number of times would let a few bytes stand for a structure without end.

    Examples
    --------
    >>> buffers = []
    >>> encode((1, float("inf")), buffers, reference=lambda o: {})
    {'t': 'tuple', 'v': [1, {'t': 'float', 'v': '7ff0000000000000'}]}
    """
    if shared and id(value) in shared:
        return {"t": "shared", "n": shared.pop(id(value))}
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str and _is_unicode(value):
        return value
    if kind is str or kind is bytes:
        buffers.append(value if kind is bytes else value.encode("utf-8", "surrogatepass"))
        return {"t": kind.__name__, "b": len(buffers) - 1}
    if kind is int and value.bit_length() <= MAX_BITS:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"t": "float", "v": _FLOAT.pack(value).hex()}
    if kind is complex:
        return {"t": "complex", "v": _COMPLEX.pack(value.real, value.imag).hex()}
    if _is_array(value):
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        buffers.append(value.tobytes(order=order))
        more = {"s": list(value.shape), "o": order, "w": value.flags.writeable, "b": len(buffers) - 1}
        return {"t": "array", "d": value.dtype.str, **more}
    if kind in _NUMPY_SCALARS and _DTYPE.fullmatch(value.dtype.str):
        buffers.append(value.tobytes()[: value.dtype.itemsize])  # of an empty string NumPy gives four bytes
        return {"t": "scalar", "d": value.dtype.str, "b": len(buffers) - 1}
    if kind in (list, tuple, dict) and depth < MAX_DEPTH:

        def inner(items: Any) -> list[Any]:
            return [encode(item, buffers, reference, shared, depth + 1) for item in items]

        if kind is list:
            return inner(value)
        return {"t": kind.__name__, "v": inner(value) if kind is tuple else [inner(pair) for pair in value.items()]}
    return {"t": "ref", **reference(value)}


def decode(data: Any, buffers: list[bytes], resolve: Callable[[dict[str, Any]], Any], depth: int = 0) -> Any:
    """Rebuild what `encode` wrote; `resolve` turns the fields of a reference or a shared object into the object.

    Every buffer is used once, and emptied.

    Raises
    ------
    WireError
        The data is not what `encode` writes.
    """
    if depth > MAX_DEPTH:
        raise WireError("a value is nested too deeply")
    if type(data) is int and data.bit_length() > MAX_BITS:
        raise WireError("a number has too many digits")
    if data is None or isinstance(data, bool | int | float | str):
        return data
    try:
        tag = "list" if isinstance(data, list) else data["t"]
        if tag == "float":
            return _FLOAT.unpack(bytes.fromhex(data["v"]))[0]
        if tag == "complex":
            return complex(*_COMPLEX.unpack(bytes.fromhex(data["v"])))
        if tag in ("list", "tuple", "dict"):

            def inner(items: Any) -> list[Any]:
                return [decode(item, buffers, resolve, depth + 1) for item in items]

            if tag == "dict":
                return _decode_dict([inner(pair) for pair in data["v"]])
            return inner(data) if tag == "list" else tuple(inner(data["v"]))
        if tag == "bytes":
            return _take(buffers, data["b"])
        if tag == "str":
            return _take(buffers, data["b"]).decode("utf-8", "surrogatepass")
        if tag in ("array", "scalar"):
            return _decode_array(data, buffers)
        if tag in ("ref", "shared"):
            return resolve(data)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, struct.error) as error:
        raise WireError(f"a value is malformed: {error}") from error
    raise WireError("a value has an unknown tag")


def mutables(value: Any, opaque: Container[int] = (), depth: int = 0) -> list[Any]:
    """Return the arrays, lists and dicts in plain data, an outer one before its inner ones.

    The process that encoded the data and the one that decoded it list the same objects in the same order.

    Parameters
    ----------
    opaque : container of int
        The `id` of objects to leave out, with what they hold.
    """
    if _is_array(value):
        return [value]
    kind = type(value)
    if kind not in (list, tuple, dict) or depth >= MAX_DEPTH or id(value) in opaque:
        return []
    found = [] if kind is tuple else [value]
    for item in value.values() if kind is dict else value:
        found += mutables(item, opaque, depth + 1)
    return found


def _is_array(value: Any) -> bool:
    return type(value) is np.ndarray and bool(_DTYPE.fullmatch(value.dtype.str) and value.dtype.itemsize)


def _is_unicode(text: str) -> bool:
    """Whether a string survives JSON: halves of surrogate pairs, side by side, would come back as one character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode_dict(pairs: list[list[Any]]) -> dict[Any, Any]:
    if len(pairs) - len({hash(key) for key, _ in pairs}) > MAX_COLLISIONS:
        raise WireError("the keys of a dict have the same hash")
    made = dict(pairs)
    if len(made) < len(pairs):
        raise WireError("a key of a dict is there twice")
    return made


def _decode_array(data: dict[str, Any], buffers: list[bytes]) -> Any:
    if not isinstance(data["d"], str) or not _DTYPE.fullmatch(data["d"]):
        raise WireError("an array has a dtype that may not cross")
    dtype = np.dtype(data["d"])
    raw = _take(buffers, data["b"])
    shape = tuple(_index(n) for n in data["s"]) if data["t"] == "array" else ()
    if math.prod(shape) * dtype.itemsize != len(raw) or math.prod(n for n in shape if n) > max(MAX_LENGTH, len(raw)):
        raise WireError("an array has the wrong number of bytes")
    if not dtype.itemsize:  # only an empty string has none
        if data["t"] == "scalar":
            return np.str_("")
        raise WireError("an array has a dtype that may not cross")
    if dtype.kind == "U" and raw and np.frombuffer(raw, dtype.str[0] + "u4").max() > 0x10FFFF:
        raise WireError("a string has a character that does not exist")
    flat: Any = np.frombuffer(bytearray(raw), dtype) if raw else np.empty(0, dtype)
    if dtype.kind == "b":
        flat = flat.view(np.uint8) != 0  # bytes other than 0 and 1 make an array that equals what it should not
    if data["t"] == "scalar":
        return flat[0]
    made = flat.reshape(shape, order="F" if data["o"] == "F" else "C")
    made.flags.writeable = data["w"] is not False
    return made


def _take(buffers: list[bytes], place: Any) -> bytes:
    """Return a buffer and empty its place: many mentions of one large buffer must not become many arrays."""
    raw = buffers[_index(place)]
    buffers[place] = b""
    return raw


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise WireError("a length or an index is not a natural number")
    return value


def send(connection: socket.socket, body: Any, buffers: list[bytes], deadline: float | None = None) -> None:
    """Send one frame; `deadline` is a time of `time.monotonic`."""
    header = json.dumps({"body": body, "buffers": [len(b) for b in buffers]}, allow_nan=False).encode("ascii")
    if len(header) > MAX_HEADER or sum(map(len, buffers)) > MAX_BUFFERS:
        raise WireError("the data is too large to send")
    _set_timeout(connection, deadline)
    try:
        connection.sendall(b"".join([_LENGTH.pack(len(header)), header, *buffers]))
    except TimeoutError:
        raise
    except OSError as error:
        raise Disconnected from error


def receive(connection: socket.socket, deadline: float | None = None) -> tuple[Any, list[bytes]]:
    """Receive one frame: its body, still encoded, and its buffers.

    Raises
    ------
    TimeoutError
        The frame was not complete at the deadline.
    WireError
        The frame is too large or malformed.
    Disconnected
        The other side is gone.
    """
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size, deadline))
    if length > MAX_HEADER:
        raise WireError("a frame is larger than the protocol allows")
    try:
        header = json.loads(_read(connection, length, deadline), parse_constant=_refuse)
        sizes = [_index(n) for n in header["buffers"]]
        body = header["body"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise WireError("a frame is malformed") from error
    if sum(sizes) > MAX_BUFFERS:
        raise WireError("the arrays of a frame are larger than the protocol allows")
    return body, [_read(connection, size, deadline) for size in sizes]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _read(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    # Grows as bytes arrive: a length that is only announced costs nothing.
    data = bytearray()
    while len(data) < size:
        _set_timeout(connection, deadline)
        try:
            chunk = connection.recv(min(size - len(data), 2**20))
        except TimeoutError:
            raise
        except OSError as error:
            raise Disconnected from error
        if not chunk:
            raise Disconnected
        data += chunk
    return bytes(data)


def _set_timeout(connection: socket.socket, deadline: float | None) -> None:
    if deadline is None:
        connection.settimeout(None)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
