"""x[index] = v, x += v, and NumPy's functions that write into an array, on traced arrays."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.record import abstract_value
from ..core.trace import CONSTANT, Tracer, concrete
from ..core.types import Shape, dtype_of, shape_of
from ..errors import ConcretizationError, ShapeError
from ..primitives import elementwise as ew
from ..primitives.gather import flat_index, gather, scatter_add, scatter_set
from ..primitives.index import donated, set_slice, slice_
from ..primitives.shape import broadcast_to, reshape, transpose
from .alias import _WRITERS, View, is_number, is_part, store
from .dispatch import implements
from .indexing import Selection, mask_over, nonzero_of, picked, select, taken_apart
from .ufuncs import METHODS, ON_TRACERS, deliver, operand, to_dtype
from .windows import has_windows, is_window, taken_out, view_of

__all__ = ["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"]


def setitem(x: Tracer, index: Any, v: Any) -> None:
    """x[index] = v: x becomes the array that has v there."""
    if x.shape == () and isinstance(concrete(x), np.generic | float | complex | int):
        raise TypeError(f"{type(concrete(x)).__name__!r} object does not support item assignment")
    v = operand(v)
    if isinstance(index, np.ndarray | Tracer) and index.dtype.kind == "b" and index.shape and shape_of(v) == ():
        store(x, _masked(x, index, v))
        return
    if has_windows(index):
        windows, index = taken_out(index, x.shape)
        if not is_window(v, x, windows, index):
            setitem(view_of(x, windows), index, v)
        return
    s = select(index, x.shape)
    if is_part(v, x, s.basic) or _is_picked(v, x, s):
        return
    v = assigned(v, s.shape(x.shape), x.dtype)
    if not s.indices and s.basic == tuple((0, n, 1) for n in x.shape):
        store(x, v.snapshot() if isinstance(v, Tracer) else Tracer(CONSTANT, np.array(v)))
    else:
        donated.arrays = _unshared(x)
        try:
            new = _replaced(x, s, v)
        finally:
            donated.arrays = ()
        store(x, new)


def _replaced(x: Tracer, s: Selection, v: Any) -> Any:
    """x with v in place of the selected part."""
    if not s.indices:
        return set_slice(x, v, index=s.basic)
    steps = taken_apart(x, s)
    return _put_back(x, s, scatter_set(steps[-1], v, *s.indices, axis=s.axis))


def _is_picked(v: Any, x: Any, s: Selection) -> bool:
    """The same as `is_part` for rows at traced indices."""
    alias = v.alias if isinstance(v, Tracer) else None
    if type(alias) is not View or alias.parent is not x or alias.primitive is not picked:
        return False
    other: Selection = alias.params["selection"]
    same = len(s.indices) == len(other.indices) and all(map(operator.is_, s.indices, other.indices))
    return same and s[:2] == other[:2] and s.axis == other.axis


_WRITERS[picked] = lambda parent, new, selection: _replaced(parent, selection, new)


def _put_back(x: Any, s: Selection, part: Any) -> Any:
    """x with another array in place of what `taken_apart` takes of it."""
    if s.axes is not None:
        part = transpose(part, axes=tuple(int(a) for a in np.argsort(s.axes)))
    return part if s.basic is None else set_slice(x, part, index=s.basic)


def _masked(x: Tracer, mask: Any, v: Any) -> Any:
    """x with the number v where the mask holds."""
    if len(mask.shape) > len(x.shape) or mask.shape != x.shape[: len(mask.shape)]:
        select(np.zeros(mask.shape, bool), x.shape)  # raises NumPy's error
    return ew.where(mask_over(mask, x.shape), assigned(v, x.shape, x.dtype), x)


def assigned(v: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """A value to be assigned: converted to the dtype and broadcast to the shape of its place."""
    if dtype.kind != "c" and dtype_of(v).kind == "c":
        raise ShapeError(
            f"a complex value is assigned into an array of {dtype}",
            why="the imaginary part would be lost, and its derivative with it",
            write="assign v.real, or make the array with dtype=complex",
        )
    v = to_dtype(v, dtype)
    found = shape_of(v)
    if found == shape:
        return v
    lead = len(found) - len(shape)
    if lead > 0 and found[:lead] == (1,) * lead:
        v, found = reshape(v, shape=found[lead:]), found[lead:]
    try:
        fits = np.broadcast_shapes(found, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"could not broadcast input array from shape {found} into shape {shape}",
            why="what is assigned must broadcast to the shape of the place that it is assigned to",
            write=f"a value of shape {shape}: reshape it, or insert axes of length one with v[:, None]",
        )
    return broadcast_to(v, shape=shape)


def _unshared(x: Tracer) -> tuple[Any, ...]:
    """The plain arrays of a handle that nothing else refers to: they may be overwritten, which spares a copy.

    A view of an array, a tape that will need it, and a variable of the user's all count as references.
    """
    found = []
    if type(x.value) is np.ndarray and sys.getrefcount(x.value) == _ALONE:
        found.append(x.value)
    if type(x.data) is np.ndarray and sys.getrefcount(x.data) == _ALONE:
        found.append(x.data)
    return tuple(a for a in found if a.base is None and a.flags.writeable)


def _references_of_one() -> int:
    """What sys.getrefcount says of an array that only its handle refers to."""
    x = Tracer(CONSTANT, np.zeros(1))
    return sys.getrefcount(x.value)


# Without a global lock the counts mean something else: there nothing is overwritten.
_ALONE = _references_of_one() if getattr(sys, "_is_gil_enabled", lambda: True)() else -1


# in-place operators --------------------------------------------------------------------------------------------------
_IN_PLACE = {
    "iadd": np.add, "isub": np.subtract, "imul": np.multiply, "itruediv": np.true_divide, "ipow": np.power,
    "ifloordiv": np.floor_divide, "imod": np.remainder, "iand": np.bitwise_and, "ior": np.bitwise_or,
    "ixor": np.bitwise_xor, "ilshift": np.left_shift, "irshift": np.right_shift, "imatmul": np.matmul,
}  # fmt: skip


def in_place(ufunc: np.ufunc) -> Callable[[Tracer, Any], Any]:
    """`x += v`: a number is a new number, an array is changed for all who refer to it or view it."""

    def operator(self: Tracer, other: Any) -> Any:
        y = ON_TRACERS[ufunc](self, other)
        return y if y is NotImplemented or is_number(self) else update(self, y)

    return operator


def update(x: Tracer, y: Any) -> Tracer:
    """x[...] = y, by NumPy's rules for the output of a function."""
    if shape_of(y) != x.shape:
        raise ShapeError(
            f"non-broadcastable output operand with shape {x.shape} doesn't match the broadcast shape {shape_of(y)}",
            why="an in-place operator cannot change the shape of its array",
            write="x = x + y",
        )
    if isinstance(y, Tracer) and y.dtype == x.dtype and x.shape:  # without axes y is a number, x is not
        store(x, y)
        return x
    return deliver(y, True, x)


def destination(a: Any, function: str) -> Tracer:
    """The traced array that a function writes into; ConcretizationError where it is a plain one."""
    if not isinstance(a, Tracer):
        raise ConcretizationError(
            f"numpy.{function} was to write traced values into a plain array",
            why="a plain array cannot hold a derivative",
            write="make the array with wnp.zeros or np.zeros_like(t), to which traced values can be assigned",
        )
    return a


# ufunc.at ----------------------------------------------------------------------------------------------------------
def at(ufunc: np.ufunc, a: Any, indices: Any, *b: Any) -> None:
    """a[indices] = f(a[indices], b), one after another where an index is repeated."""
    x = destination(a, f"{ufunc.__name__}.at")
    s = select(indices, x.shape)
    bs = [assigned(operand(v), s.shape(x.shape), np.result_type(x.dtype, dtype_of(v))) for v in b]
    if not s.indices:
        part = slice_(x, index=s.basic)
        store(x, set_slice(x, to_dtype(ufunc(part, *bs), x.dtype), index=s.basic))
        return
    part = taken_apart(x, s)[-1]
    if ufunc is np.add or ufunc is np.subtract:
        total = scatter_add(to_dtype(bs[0], x.dtype), *s.indices, axis=s.axis, shape=part.shape)
        part = ufunc(part, total)
    else:
        part = _one_by_one(ufunc, part, s, bs)
    store(x, _put_back(x, s, part))


def _one_by_one(ufunc: np.ufunc, part: Any, s: Selection, bs: list[Any]) -> Any:
    """Every index once, then those that come a second time, and so on."""
    n = len(s.indices)
    indices = np.broadcast_arrays(*(_known(i) for i in s.indices))
    i = flat_index(tuple(indices), part.shape[s.axis : s.axis + n]).reshape(-1)
    after = part.shape[s.axis + n :]
    bs = [reshape(b, shape=(*part.shape[: s.axis], i.size, *after)) for b in bs]
    for turn in occurrences(i):
        chosen = [k.reshape(-1)[turn] for k in indices]
        old = gather(part, *chosen, axis=s.axis)
        new = ufunc(old, *(gather(b, turn, axis=s.axis) for b in bs))
        part = scatter_set(part, to_dtype(new, part.dtype), *chosen, axis=s.axis)
    return part


def occurrences(i: Any) -> list[Any]:
    """The places of first occurrences in i, of second occurrences, and so on."""
    order = np.argsort(i, kind="stable")
    first = np.searchsorted(i[order], i[order])
    rank = np.empty(i.size, np.intp)
    rank[order] = np.arange(i.size) - first
    return [np.flatnonzero(rank == k) for k in range(rank.max(initial=-1) + 1)]


def _known(i: Any) -> Any:
    """The values of an index array."""
    if isinstance(i, Tracer):
        raise abstract_value(i)
    return i


METHODS["at"] = at


# functions that write ------------------------------------------------------------------------------------------------
def _cycled(v: Any, n: int) -> Any:
    """The first n of the elements of v, repeated again and again."""
    v = operand(v)
    size = math.prod(shape_of(v))
    flat = reshape(v, shape=(size,))
    return flat if size == n else gather(flat, np.arange(n) % max(size, 1), axis=0)


def _set_flat(x: Tracer, i: Any, v: Any) -> None:
    """x.flat[i] = v, for an array of integers i."""
    flat = reshape(x, shape=(math.prod(x.shape),))
    v = assigned(v, shape_of(i), x.dtype)
    store(x, reshape(scatter_set(flat, v, i, axis=0), shape=x.shape))


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """a.flat[ind] = v, v repeated as needed."""
    x = destination(a, "put")
    i = wrapped(operand(ind), math.prod(x.shape), mode)
    i = reshape(i, shape=(math.prod(shape_of(i)),))
    if shape_of(i) != (0,):
        _set_flat(x, i, _cycled(v, shape_of(i)[0]))


def wrapped(i: Any, n: int, mode: str) -> Any:
    """Indices made valid: mode "wrap" takes them modulo n, "clip" takes the nearest, "raise" leaves them."""
    i = i if isinstance(i, Tracer) else np.asarray(i)
    if mode == "wrap":
        return np.remainder(i, n)
    return np.clip(i, 0, n - 1) if mode == "clip" else i


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """arr[mask] = vals, vals repeated as needed."""
    x = destination(arr, "place")
    mask = to_dtype(operand(mask), np.dtype(bool))
    vals = operand(vals)
    if math.prod(shape_of(vals)) == 1 and shape_of(mask) == x.shape:
        store(x, _masked(x, mask, reshape(vals, shape=())))
        return
    size = math.prod(shape_of(mask))
    (i,) = nonzero_of(reshape(mask, shape=(size,)))
    if shape_of(i) == (0,):
        return
    if shape_of(vals) == (0,):
        raise ValueError("Cannot insert from an empty array!")
    _set_flat(x, i, _cycled(vals, shape_of(i)[0]))


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """a.flat[n] = values[n] for each n where the mask holds, values repeated to the size of a."""
    x = destination(a, "putmask")
    mask = to_dtype(operand(mask), np.dtype(bool))
    new = reshape(_cycled(values, math.prod(x.shape)), shape=x.shape)
    if shape_of(mask) != x.shape:
        raise ValueError("putmask: mask and data must be the same size")
    store(x, ew.where(mask, assigned(new, x.shape, x.dtype), x))


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """dst[where] = src."""
    x = destination(dst, "copyto")
    src = operand(src)
    if not np.can_cast(src if isinstance(src, int | float | complex) else src.dtype, x.dtype, casting):
        raise TypeError(
            f"Cannot cast array data from {dtype_of(src)!r} to {x.dtype!r} according to the rule {casting!r}"
        )
    src = assigned(src, x.shape, x.dtype)
    if where is True:
        setitem(x, ..., src)
    else:
        mask = to_dtype(operand(where), np.dtype(bool))
        store(x, ew.where(broadcast_to(mask, shape=x.shape), src, x))


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """a[i, i, ...] = val, repeated as needed."""
    x = destination(a, "fill_diagonal")
    shape = x.shape
    if len(shape) < 2:
        raise ValueError("array must be at least 2-d")
    end = None
    if len(shape) == 2:
        step = shape[1] + 1
        end = shape[1] * shape[1] if not wrap else None
    elif len(set(shape)) == 1:
        step = 1 + int(np.cumprod(shape[:-1]).sum())
    else:
        raise ValueError("All dimensions of input must be of equal length")
    i = np.arange(math.prod(shape))[:end:step]
    _set_flat(x, i, _cycled(val, i.size))


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    """arr[..., indices[..., j, ...], ...] = values[..., j, ...]."""
    x = destination(arr, "put_along_axis")
    if axis is None:
        indices = operand(indices)
        _set_flat(x, indices, operand(values))
    else:
        setitem(x, along_axis(operand(indices), x.shape, axis), values)


def along_axis(indices: Any, shape: Shape, axis: int) -> tuple[Any, ...]:
    """The index expression in which `indices` index one axis, and every other axis is indexed by its own place."""
    ndim = len(shape)
    axis = np.lib.array_utils.normalize_axis_index(axis, ndim)
    if len(shape_of(indices)) != ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    places = [np.arange(n).reshape(-1, *(1,) * (ndim - 1 - k)) for k, n in enumerate(shape)]
    return tuple(indices if k == axis else i for k, i in enumerate(places))
