"""What crosses between the student's process and the trusted one: plain data in frames, never pickle.

A frame is a length, a JSON header of that length, and the raw bytes of the arrays it mentions. Decoding builds values
of exactly Python's and NumPy's own types, so that nothing a student wrote runs where the tests are. Whatever is not
plain data crosses as a reference, which only the process that holds the object can follow.
"""

from __future__ import annotations

import json
import math
import re
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_HEADER = 32 * 2**20
MAX_BUFFERS = 512 * 2**20
MAX_DEPTH = 40
MAX_DIGITS = 4000

_LENGTH = struct.Struct(">I")
_DTYPE = re.compile(r"[<>|=](?:b1|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32)|U\d{1,6})")


class WireError(Exception):
    """A frame that is not what the protocol says: too large, too deep, or malformed."""


class Disconnected(Exception):
    """The other side closed the connection."""


def encode(value: Any, buffers: list[bytes], reference: Callable[[Any], dict[str, Any]], depth: int = 0) -> Any:
    """Return `value` as JSON data, appending the bytes of its arrays to `buffers`.

    Parameters
    ----------
    value : object
        Numbers, strings, None, lists, tuples, dicts, NumPy arrays and scalars are encoded by value.
    buffers : list of bytes
        Grows by one entry an array, NumPy scalar or bytes object.
    reference : callable
        Called with anything else; returns the fields that let the holder find the object again.

    Examples
    --------
    >>> buffers = []
    >>> encode((1, float("inf")), buffers, reference=lambda o: {})
    {'t': 'tuple', 'v': [1, {'t': 'float', 'v': 'inf'}]}
    """
    if depth > MAX_DEPTH:
        return {"t": "ref", **reference(value)}
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if value.bit_length() < 3 * MAX_DIGITS else {"t": "ref", **reference(value)}
    if kind is float:
        return value if math.isfinite(value) else {"t": "float", "v": repr(value)}
    if kind is complex:
        return {"t": "complex", "v": [encode(value.real, buffers, reference), encode(value.imag, buffers, reference)]}
    if kind is list:
        return [encode(item, buffers, reference, depth + 1) for item in value]
    if kind is tuple:
        return {"t": "tuple", "v": [encode(item, buffers, reference, depth + 1) for item in value]}
    if kind is dict:
        pairs = [[encode(part, buffers, reference, depth + 1) for part in item] for item in value.items()]
        return {"t": "dict", "v": pairs}
    if kind is bytes:
        buffers.append(value)
        return {"t": "bytes", "b": len(buffers) - 1}
    if kind is np.ndarray and _DTYPE.fullmatch(value.dtype.str):
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        buffers.append(value.tobytes(order=order))
        return {"t": "array", "d": value.dtype.str, "s": list(value.shape), "o": order, "b": len(buffers) - 1}
    if isinstance(value, np.generic) and kind.__module__ == "numpy" and _DTYPE.fullmatch(value.dtype.str):
        buffers.append(value.tobytes())
        return {"t": "scalar", "d": value.dtype.str, "b": len(buffers) - 1}
    return {"t": "ref", **reference(value)}


def decode(data: Any, buffers: list[bytes], resolve: Callable[[dict[str, Any]], Any], depth: int = 0) -> Any:
    """Rebuild what `encode` wrote; `resolve` turns the fields of a reference into an object.

    Raises
    ------
    WireError
        The data is not what `encode` writes.
    """
    if depth > MAX_DEPTH + 2:
        raise WireError("a value is nested too deeply")
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, list):
        return [decode(item, buffers, resolve, depth + 1) for item in data]
    try:
        tag = data["t"]
        if tag == "float":
            return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[data["v"]]
        if tag == "complex":
            real, imag = (float(decode(part, buffers, resolve)) for part in data["v"])
            return complex(real, imag)
        if tag == "tuple":
            return tuple(decode(item, buffers, resolve, depth + 1) for item in data["v"])
        if tag == "dict":
            return {
                decode(key, buffers, resolve, depth + 1): decode(item, buffers, resolve, depth + 1)
                for key, item in data["v"]
            }
        if tag == "bytes":
            return buffers[_index(data["b"])]
        if tag in ("array", "scalar"):
            return _decode_array(data, buffers)
        if tag == "ref":
            return resolve(data)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"a value is malformed: {error}") from error
    raise WireError("a value has an unknown tag")


def _decode_array(data: dict[str, Any], buffers: list[bytes]) -> Any:
    if not isinstance(data["d"], str) or not _DTYPE.fullmatch(data["d"]):
        raise WireError("an array has a dtype that may not cross")
    dtype = np.dtype(data["d"])
    raw = buffers[_index(data["b"])]
    if data["t"] == "scalar":
        if len(raw) != dtype.itemsize:
            raise WireError("a scalar has the wrong number of bytes")
        return np.frombuffer(raw, dtype=dtype, count=1)[0] if dtype.itemsize else np.str_("")
    shape = tuple(_index(n) for n in data["s"])
    if len(shape) > 32 or math.prod(shape) * dtype.itemsize != len(raw):
        raise WireError("an array has the wrong number of bytes")
    if not raw:
        return np.empty(shape, dtype)
    flat = np.frombuffer(bytearray(raw), dtype=dtype)
    return flat.reshape(shape, order="F") if data["o"] == "F" else flat.reshape(shape)


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
        header = json.loads(_read(connection, length, deadline))
        sizes = [_index(n) for n in header["buffers"]]
        body = header["body"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise WireError("a frame is malformed") from error
    if sum(sizes) > MAX_BUFFERS:
        raise WireError("the arrays of a frame are larger than the protocol allows")
    return body, [_read(connection, size, deadline) for size in sizes]


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
