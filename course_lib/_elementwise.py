"""Runs a formula written for float64 on whatever array the caller has.

A formula takes an array namespace and a float64 array and returns a new float64 array. It uses only
what the Python array API standard has (https://data-apis.org/array-api/2024.12/), so the same text
runs on NumPy, PyTorch, CuPy and every other library that array-api-compat knows, on the caller's device.

On NumPy the formula sees one block at a time. Its temporaries then stay in the processor's cache,
and beyond the result nothing is allocated that grows with the input.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
from numpy.typing import ArrayLike, NDArray

Formula: TypeAlias = Callable[[Any, Any], Any]
InPlace: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64]], None]

# Elements a block. Some arrays of 128 KiB fit into the second-level cache of a current processor;
# much smaller blocks pay for the calls, larger ones for the memory.
BLOCK = 16_384


def apply(
    name: str,
    formula: Formula,
    x: ArrayLike,
    out: NDArray[Any] | None,
    *,
    in_place: InPlace | None = None,
    narrow: InPlace | None = None,
) -> Any:
    """Evaluate `formula` elementwise in float64 and return the result in the floating dtype of `x`.

    Parameters
    ----------
    name : str
        The public function, for error messages.
    formula : callable
        ``formula(xp, x)``, the reference.
    x : array_like
        Booleans and integers are taken as float64.
    out : array or None
        Written and returned instead of a new array; for NumPy only, the standard has no ``out``, and for the functions
        that :mod:`course_lib.gpu` has for CuPy.
    in_place : callable, optional
        ``in_place(x, out)``: the same operations on NumPy blocks, without the temporaries.
    narrow : callable, optional
        The same for NumPy's float16 and float32: a shorter way, because most digits are rounded away.

    Returns
    -------
    array
        Of the library, device and shape of `x`.

    Raises
    ------
    TypeError
        `x` has no real dtype of at most 64 bits, or `out` is not an array of the same library.
    ValueError
        `out` has another shape or dtype, or is read-only.
    """
    # Underflow, division by zero and nan are part of the formulas; none of it is the caller's concern.
    with np.errstate(all="ignore"):
        if is_foreign(x):
            if array_api_compat.is_cupy_array(x):
                from course_lib import gpu  # not at the top: it imports this module

                if name in gpu.KERNELS:
                    return gpu.apply_kernel(name, x, out)
            if out is not None:
                raise TypeError(f"{name}: out is for NumPy arrays, and x is a {type(x).__module__} array; leave it out")
            xp = array_api_compat.array_namespace(x)
            dtype = result_dtype(name, x)
            return xp.astype(formula(xp, xp.astype(x, xp.float64, copy=False)), dtype, copy=False)
        array = np.asarray(x)
        dtype = result_dtype(name, array)
        if out is not None:
            _check_out(name, out, array.shape, dtype)
        if narrow is not None and dtype != np.float64:
            in_place = narrow
        result = np.empty_like(array, dtype, subok=False) if out is None else out
        if array.size <= BLOCK:
            _fill(formula, in_place, array, result)
        else:
            _fill_by_block(formula, in_place, array, result)
    if out is None and not result.ndim:
        return result[()]  # 0-d: a NumPy scalar, as ufuncs return
    return result


def is_foreign(x: Any) -> bool:
    """Tell whether `x` is an array of a library other than NumPy."""
    return not isinstance(x, np.ndarray | np.generic) and array_api_compat.is_array_api_obj(x)


def magnitude(xp: Any, x: Any) -> Any:
    """Return |x|, with the derivative 1 at 0.

    That of `abs` is 0 there in PyTorch and JAX, since it has a corner. In a formula such as ``exp(-abs(x))`` it would
    make the slope of a smooth function 0 at 0, where every logit of a model is that starts with zero weights.
    """
    return np.abs(x) if isinstance(x, np.ndarray) else xp.where(x < 0, -x, x)


def result_dtype(name: str, x: Any) -> Any:
    """Return the dtype of the result for an array `x`: its own, native, or float64 for booleans and integers."""
    if is_foreign(x):
        xp = array_api_compat.array_namespace(x)
        if xp.isdtype(x.dtype, ("bool", "integral")):
            return xp.float64
        if xp.isdtype(x.dtype, "real floating"):
            return x.dtype
        raise TypeError(f"{name} takes booleans, integers or real floating-point numbers, not {x.dtype}")
    if x.dtype.kind in "biu":
        return np.dtype(np.float64)
    if x.dtype.type in (np.float16, np.float32, np.float64):
        return x.dtype.newbyteorder("=")  # in the machine's byte order, as NumPy's own functions have it
    if x.dtype.kind == "c":
        remedy = "take x.real, or whichever part is meant, first"
    elif x.dtype.kind == "f":
        remedy = "extended precision is not supported, so round first, with x.astype(numpy.float64)"
    else:
        remedy = "convert first, with numpy.asarray(x, dtype=numpy.float64)"
    raise TypeError(f"{name} takes booleans, integers, float16, float32 or float64, not {x.dtype}: {remedy}")


def _fill(formula: Formula, in_place: InPlace | None, x: NDArray[Any], result: NDArray[Any]) -> None:
    """Evaluate one block, of any shape and dtype, into `result`, which may be `x` itself."""
    flat = x.astype(np.float64, copy=False).reshape(-1)
    if in_place is None:
        values = formula(np, flat)
    else:
        values = np.empty(flat.shape)
        in_place(flat, values)
    np.copyto(result, values.reshape(x.shape), casting="same_kind")


def _fill_by_block(formula: Formula, in_place: InPlace | None, x: NDArray[Any], result: NDArray[Any]) -> None:
    """Evaluate block by block; nditer casts, walks strides and copies where `result` overlaps `x`."""
    blocks = np.nditer(
        [x, result],
        flags=["external_loop", "buffered", "copy_if_overlap"],
        op_flags=[["readonly", "overlap_assume_elementwise"], ["writeonly", "overlap_assume_elementwise"]],
        op_dtypes=[np.float64, np.float64],
        casting="same_kind",
        buffersize=BLOCK,
    )
    with blocks:
        for block, target in blocks:
            if in_place is None:
                target[...] = formula(np, block)
            else:
                in_place(block, target)


def _check_out(name: str, out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse an `out` that cannot take the result."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name}: out must be a NumPy array, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{name}: out has shape {out.shape}, but x has shape {shape}")
    if out.dtype.newbyteorder("=") != dtype:
        raise ValueError(f"{name}: out has dtype {out.dtype}, but the result is {dtype}")
    if not out.flags.writeable:
        raise ValueError(f"{name}: out is read-only")
