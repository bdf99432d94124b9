"""Repeating, turning, shifting, padding, inserting and deleting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.trace import Tracer, concrete
from ..core.types import ArrayType, shape_of
from ..primitives.gather import gather
from ..primitives.index import Index, along, slice_
from ..primitives.shape import broadcast_to, reshape
from .alias import view
from .creation import zeros_like
from .dispatch import implements
from .indexing import nonzero_of
from .joining import concatenate
from .ufuncs import to_dtype
from .universal import array as as_array
from .views import ravel, swapaxes

__all__ = [
    "delete", "flip", "fliplr", "flipud", "insert", "repeat", "resize", "roll", "rot90", "tile", "trim_zeros",
]  # fmt: skip


def flattened(a: Any, axis: Any) -> tuple[Any, int]:
    """The array and an axis of it; all its elements in one row where the axis is None."""
    x = as_array(a)
    if axis is None:
        return ravel(x), 0
    return x, normalize_axis_index(int(axis.__index__()), len(x.shape))


# repeating ---------------------------------------------------------------------------------------------------------
@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element (each slice along an axis) as often as `repeats` says."""
    x, axis = flattened(a, axis)
    shape = x.shape
    counts = np.asarray(repeats)
    if counts.size == 1:
        n = int(counts.reshape(()))
        y = reshape(x, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
        y = broadcast_to(y, shape=(*shape[: axis + 1], n, *shape[axis + 1 :]))
        return reshape(y, shape=(*shape[:axis], shape[axis] * n, *shape[axis + 1 :]))
    return gather(x, np.repeat(np.arange(shape[axis]), counts), axis=axis)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """The array laid down `reps` times along each axis."""
    x = as_array(A)
    times = tuple(int(n) for n in reps) if np.ndim(reps) else (int(reps),)
    ndim = max(len(times), len(x.shape))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - len(x.shape)) + tuple(x.shape)
    y = reshape(x, shape=tuple(n for d in shape for n in (1, d)))
    y = broadcast_to(y, shape=tuple(n for t, d in zip(times, shape, strict=True) for n in (t, d)))
    return reshape(y, shape=tuple(t * d for t, d in zip(times, shape, strict=True)))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """The elements in order in another shape, again from the first where there are too few."""
    x = ravel(a)
    shape = (int(new_shape),) if np.ndim(new_shape) == 0 else tuple(int(n) for n in new_shape)
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    n, size = x.shape[0], math.prod(shape)
    if not n or not size:
        return zeros_like(x, shape=shape)
    return reshape(gather(x, np.arange(size) % n, axis=0), shape=shape)


# turning and shifting ----------------------------------------------------------------------------------------------
@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """In reverse order along the axes: a view."""
    x = as_array(m)
    ndim = len(x.shape)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    index = Index((n - 1, n, -1) if k in axes and n else (0, n, 1) for k, n in enumerate(x.shape))
    return view(x, slice_, index=index) if ndim else x


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """In reverse order along the second axis."""
    x = as_array(m)
    if len(x.shape) < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(x, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """In reverse order along the first axis."""
    x = as_array(m)
    if not x.shape:
        raise ValueError("Input must be >= 1-d.")
    return flip(x, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by k right angles, from the first axis towards the second."""
    x = as_array(m)
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    a, b = normalize_axis_tuple(axes, len(x.shape), allow_duplicate=True)
    if a == b:
        raise ValueError("Axes must be different.")
    k %= 4
    if k == 0:
        return x[...]
    if k == 2:
        return flip(x, (a, b))
    return swapaxes(flip(x, b), a, b) if k == 1 else flip(swapaxes(x, a, b), b)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Shifted along the axes; what leaves at the end comes in at the front."""
    x = as_array(a)
    if axis is None:
        flat = ravel(x)
        return reshape(_rolled(flat, np.sum(shift), 0), shape=tuple(x.shape))
    axes = normalize_axis_tuple(axis, len(x.shape), allow_duplicate=True)
    shifts, many = list(shift) if isinstance(shift, list | tuple) else [shift], len(axes)
    if len(shifts) == 1 and len(shape_of(shifts[0])) == 1:
        shifts = list(shifts[0])
    if any(shape_of(s) for s in shifts):
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    if len(shifts) != many and 1 not in (len(shifts), many):
        raise ValueError("shape mismatch: 'shift' and 'axis' cannot be broadcast to a single shape")
    y = x
    for k in range(max(len(shifts), many)):
        y = _rolled(y, shifts[k % len(shifts)], axes[k % many])
    return y.copy() if y is x else y


def _rolled(x: Any, shift: Any, axis: int) -> Any:
    n = x.shape[axis]
    if isinstance(concrete(shift), ArrayType):
        return gather(x, (np.arange(n) - shift) % max(n, 1), axis=axis)
    s = int(shift) % n if n else 0
    if not s:
        return x.copy()
    parts = [(n - s, s, 1), (0, n - s, 1)]
    return concatenate([slice_(x, index=along(axis, x.shape, p)) for p in parts], axis)


# inserting and deleting --------------------------------------------------------------------------------------------
@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """Without the slices at these places."""
    x, axis = flattened(arr, axis)
    n = x.shape[axis]
    if not is_traced_place(obj):
        return gather(x, np.delete(np.arange(n), np.asarray(obj) if isinstance(obj, Tracer) else obj), axis=axis)
    kept = np.arange(n - 1)
    return gather(x, kept + (kept >= gather(np.arange(n), obj, axis=0)), axis=axis)


def is_traced_place(obj: Any) -> bool:
    """Is this one traced integer? What is inserted or deleted there has a known length."""
    return isinstance(obj, Tracer) and not obj.shape and obj.dtype.kind in "iu"


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """With values in front of these places."""
    x, axis = flattened(arr, axis)
    n = x.shape[axis]
    v = to_dtype(as_array(values), x.dtype)
    if is_traced_place(obj):
        return _inserted(x, obj, v, axis)
    places = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    if places.dtype.kind == "b":
        places = np.flatnonzero(places)
    if places.size == 1:
        v = reshape(v, shape=(1,) * (len(x.shape) - len(v.shape)) + tuple(v.shape))
        if places.ndim == 0:  # the first axis of the values is the one that is inserted
            v = np.moveaxis(v, 0, axis)
        count = v.shape[axis]
        marks = np.insert(np.arange(n), int(places.reshape(())), np.full(count, -1))
        new = np.flatnonzero(marks < 0)
    else:
        marks = np.insert(np.arange(n), places, np.full(places.size, -1)) if places.size else np.arange(n)
        new = np.flatnonzero(marks < 0)
        new = new[np.argsort(np.argsort(_from_front(places, n), kind="stable"), kind="stable")]
    lead = (slice(None),) * axis
    y = zeros_like(x, shape=(*x.shape[:axis], len(marks), *x.shape[axis + 1 :]))
    y[(*lead, np.flatnonzero(marks >= 0))] = x
    y[(*lead, new)] = v
    return y


def _inserted(x: Any, place: Any, v: Any, axis: int) -> Any:
    """With v in front of a traced place: the slices before it, v, and the others, taken from both in one row."""
    n = x.shape[axis]
    v = np.moveaxis(reshape(v, shape=(1,) * (len(x.shape) - len(v.shape)) + tuple(v.shape)), 0, axis)
    count = v.shape[axis]
    both = concatenate([x, np.broadcast_to(v, (*x.shape[:axis], count, *x.shape[axis + 1 :]))], axis)
    first = gather(np.arange(n + 1), np.where(place < 0, place + n, place), axis=0)
    k = np.arange(n + count)
    return gather(both, np.where(k < first, k, np.where(k < first + count, n + k - first, k - count)), axis=axis)


def _from_front(places: Any, n: int) -> Any:
    return np.where(places < 0, places + n, places)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Without the zeros in front ("f") and at the back ("b")."""
    x = as_array(filt)
    axes = range(len(x.shape)) if axis is None else normalize_axis_tuple(axis, len(x.shape))
    found = nonzero_of(np.not_equal(x, 0))
    index = []
    for k, n in enumerate(x.shape):
        used = found[k]
        start, stop = (int(np.min(used)), int(np.max(used)) + 1) if used.shape[0] else (n, n)
        front, back = k in axes and "f" in trim.lower(), k in axes and "b" in trim.lower()
        index.append(slice(start if front else 0, stop if back else n))
    return x[tuple(index)]
