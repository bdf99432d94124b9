"""NumPy's functions that give views: new shapes and orders of axes of the same elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.trace import Tracer
from ..core.types import Shape
from ..errors import ShapeError
from ..primitives import shape as prim
from ..primitives.index import Index, slice_
from .alias import READ_ONLY, copied, is_reshape_view, layout, view
from .dispatch import implements
from .ufuncs import broadcast_shapes
from .universal import array as as_array

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "diagonal", "expand_dims",
    "matrix_transpose", "moveaxis", "permute_dims", "ravel", "reshape", "rollaxis", "squeeze", "swapaxes", "transpose",
]  # fmt: skip


# shapes ------------------------------------------------------------------------------------------------------------
def reshaped(a: Any, shape: Shape) -> Any:
    """The elements in another shape: a view where NumPy makes one."""
    if a.shape == shape:
        return a
    y = view(a, prim.reshape, shape=shape)
    if isinstance(y, Tracer) and not is_reshape_view(a, y):
        y.alias = None
    return y


def full_shape(shape: Any, size: int, old: Shape) -> Shape:
    """A shape with its -1 filled in; ShapeError where the sizes differ."""
    wanted = (shape,) if isinstance(shape, int | np.integer) or not isinstance(shape, Sequence) else shape
    found = [int(n.__index__()) for n in wanted]
    known = math.prod(n for n in found if n != -1)
    if found.count(-1) > 1:
        raise ValueError("can only specify one unknown dimension")
    if -1 in found and known and size % known == 0:
        found[found.index(-1)] = size // known
    if -1 in found or math.prod(found) != size:
        raise ShapeError(
            f"cannot reshape array of size {size} into shape {tuple(found)}",
            why=f"the array has shape {old}; a reshape keeps the number of elements",
            write="a shape with as many elements, or -1 for one length that follows from the others",
        )
    return tuple(found)


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Any:
    """The same elements, read and put in the order of the indices, in another shape."""
    a = as_array(a)
    new = full_shape(shape, math.prod(a.shape), a.shape)
    if order == "F" or (order == "A" and layout(a).flags.fnc):
        y = transpose(reshaped(transpose(a), new[::-1]))
    else:
        y = reshaped(a, new)
    if copy is False and y is not a and y.alias is None:
        raise ValueError("Unable to avoid creating a copy while reshaping.")
    return y.snapshot() if copy else y


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    """All elements along one axis."""
    a = as_array(a)
    if order == "K":
        strides = layout(a).strides
        a = transpose(a, sorted(range(len(strides)), key=lambda k: -abs(strides[k])))
        order = "C"
    y = reshape(a, -1, order=order)
    return y if layout(y).flags.c_contiguous else copied(y)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Without axes of length one."""
    a = as_array(a)
    shape = a.shape
    axes = [k for k, n in enumerate(shape) if n == 1] if axis is None else normalize_axis_tuple(axis, len(shape))
    if any(shape[k] != 1 for k in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshaped(a, prim.reduced(shape, tuple(axes)))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """With axes of length one at these places of the result."""
    a = as_array(a)
    wanted = axis if isinstance(axis, tuple | list) else (axis,)
    places = normalize_axis_tuple(wanted, len(a.shape) + len(wanted))
    rest = iter(a.shape)
    return reshaped(a, tuple(1 if k in places else next(rest) for k in range(len(a.shape) + len(wanted))))


def _at_least(n: int, a: Any) -> Any:
    a = as_array(a)
    shape = a.shape
    if len(shape) >= n:
        return a
    if n == 3 and len(shape) == 2:
        return reshaped(a, (*shape, 1))
    if n == 3 and len(shape) == 1:
        return reshaped(a, (1, *shape, 1))
    return reshaped(a, (1,) * (n - len(shape)) + shape)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis."""
    found = tuple(_at_least(1, a) for a in arys)
    return found[0] if len(found) == 1 else found


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes: new ones in front."""
    found = tuple(_at_least(2, a) for a in arys)
    return found[0] if len(found) == 1 else found


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    found = tuple(_at_least(3, a) for a in arys)
    return found[0] if len(found) == 1 else found


# orders of axes ----------------------------------------------------------------------------------------------------
def permuted(a: Any, axes: tuple[int, ...]) -> Any:
    """The axes in another order."""
    return a if axes == tuple(range(len(axes))) else view(a, prim.transpose, axes=axes)


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    """y[i_axes] = x[i]; all axes in reverse unless given."""
    a = as_array(a)
    n = len(a.shape)
    if axes is None:
        return permuted(a, tuple(range(n))[::-1])
    if len(axes) != n:
        raise ValueError("axes don't match array")
    return permuted(a, normalize_axis_tuple(axes, n))


permute_dims = transpose


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    x = as_array(x)
    if len(x.shape) < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {len(x.shape)}")
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    a = as_array(a)
    n = len(a.shape)
    i, j = normalize_axis_index(axis1, n), normalize_axis_index(axis2, n)
    axes = list(range(n))
    axes[i], axes[j] = j, i
    return permuted(a, tuple(axes))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places, the others in their order."""
    a = as_array(a)
    n = len(a.shape)
    source, destination = normalize_axis_tuple(source, n, "source"), normalize_axis_tuple(destination, n, "destination")
    if len(source) != len(destination):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    axes = [k for k in range(n) if k not in source]
    for d, s in sorted(zip(destination, source, strict=True)):
        axes.insert(d, s)
    return permuted(a, tuple(axes))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """One axis moved in front of another."""
    a = as_array(a)
    n = len(a.shape)
    axis = normalize_axis_index(axis, n)
    start += n if start < 0 else 0
    if not 0 <= start <= n:
        raise np.exceptions.AxisError(start, n + 1)
    axes = [k for k in range(n) if k != axis]
    axes.insert(start - (axis < start), axis)
    return permuted(a, tuple(axes))


# broadcasting ------------------------------------------------------------------------------------------------------
@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """The array repeated along new axes and those of length one, as a read-only view."""
    array = as_array(array)
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    if broadcast_shapes("broadcast_to", array.shape, shape) != shape:
        raise ShapeError(
            f"an array of shape {array.shape} does not broadcast to the shape {shape}",
            why="from the last axis backwards, lengths must be equal or one",
            write="insert axes of length one with x[:, None], or np.tile",
        )
    return view(array, prim.broadcast_to, READ_ONLY, shape=shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """The arrays, broadcast to one shape."""
    arrays = [as_array(a) for a in args]
    shape = broadcast_shapes("broadcast_arrays", *(a.shape for a in arrays))
    return tuple(
        a if a.shape == shape else (broadcast_to(a, shape) if isinstance(a, Tracer) else np.broadcast_to(a, shape))
        for a in arrays
    )


# diagonals ---------------------------------------------------------------------------------------------------------
def diagonal_of(m: int, n: int, offset: int) -> tuple[int, int, int]:
    """Where a diagonal lies among the elements of an m by n matrix: (start, count, step)."""
    count = max(min(m + min(offset, 0), n - max(offset, 0)), 0)
    start = offset if offset >= 0 else -offset * n
    return (start, count, n + 1) if count else (0, 0, 1)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """y[..., i] = x[..., i, i + offset]: a read-only view."""
    a = as_array(a)
    ndim = len(a.shape)
    if ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    i, j = normalize_axis_index(axis1, ndim), normalize_axis_index(axis2, ndim)
    if i == j:
        raise ValueError("axis1 and axis2 cannot be the same")
    rest = [k for k in range(ndim) if k not in (i, j)]
    x = permuted(a, (*rest, i, j))
    *lead, m, n = x.shape
    flat = view(x, prim.reshape, shape=(*lead, m * n))
    index = Index((*((0, k, 1) for k in lead), diagonal_of(m, n, offset)))
    return view(flat, slice_, READ_ONLY, index=index)
