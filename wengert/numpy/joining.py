"""Joining and splitting arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.trace import Tracer
from ..core.types import dtype_of
from ..errors import ShapeError, UnsupportedFunctionError
from ..primitives import join
from ..primitives.index import along, slice_
from .alias import view
from .dispatch import any_traced, implements
from .ufuncs import deliver, to_dtype
from .universal import array as as_array
from .views import atleast_1d, atleast_2d, atleast_3d, moveaxis, ravel

__all__ = [
    "append", "array_split", "block", "c_", "column_stack", "concat", "concatenate", "dsplit", "dstack", "hsplit",
    "hstack", "r_",
    "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


# joining -----------------------------------------------------------------------------------------------------------
def _together(arrays: Any, dtype: Any, casting: Any) -> list[Any]:
    """The arrays, converted to one dtype."""
    if not isinstance(arrays, Tracer | np.ndarray):
        arrays = list(arrays)
    xs = [as_array(a) for a in arrays]
    if not xs:
        raise ValueError("need at least one array to concatenate")
    if dtype is None and len({x.dtype for x in xs}) == 1:
        return xs
    found = np.result_type(*map(dtype_of, xs)) if dtype is None else np.dtype(dtype)
    for x in xs:
        if not np.can_cast(x.dtype, found, casting):
            raise TypeError(f"Cannot cast array data from {x.dtype!r} to {found!r} according to the rule {casting!r}")
    return [to_dtype(x, found) for x in xs]


@implements(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    """The arrays one after another along an axis; all their elements in one row where the axis is None."""
    xs = _together(arrays, dtype, casting)
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    shape = xs[0].shape
    if not shape:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis_index(axis, len(shape))
    for x in xs:
        if len(x.shape) != len(shape) or x.shape[:axis] + x.shape[axis + 1 :] != shape[:axis] + shape[axis + 1 :]:
            raise ShapeError(
                f"concatenate along axis {axis} got arrays of shapes {' and '.join(str(x.shape) for x in xs)}",
                why="all lengths but those along the axis must be equal",
                write="another axis, or np.stack for a new one; x[:, None] inserts an axis of length one",
            )
    return deliver(join.concatenate(*xs, axis=axis), True, out)


concat = concatenate


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """The arrays along a new axis."""
    xs = _together(arrays, dtype, casting)
    if len({x.shape for x in xs}) > 1:
        raise ShapeError(
            f"all input arrays must have the same shape, stack got {' and '.join(str(x.shape) for x in xs)}",
            why="they become the slices along a new axis",
            write="np.concatenate for arrays of different lengths, or np.broadcast_arrays before",
        )
    axis = normalize_axis_index(axis, len(xs[0].shape) + 1)
    return deliver(join.stack(*xs, axis=axis), True, out)


def _listed(arrays: Any, at_least: Callable[..., Any]) -> list[Any]:
    return [at_least(a) for a in arrays]


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """The arrays as rows, one below another."""
    return concatenate(_listed(tup, atleast_2d), 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """The arrays side by side: along the second axis, vectors along their only one."""
    xs = _listed(tup, atleast_1d)
    return concatenate(xs, 0 if xs and len(xs[0].shape) == 1 else 1, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """The arrays one behind another, along the third axis."""
    return concatenate(_listed(tup, atleast_3d), 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Vectors as the columns of a matrix, matrices side by side."""
    return concatenate([x if len(x.shape) > 1 else atleast_2d(x).T for x in map(as_array, tup)], 1)


@implements(np.block)
def block(arrays: Any) -> Any:
    """Nested lists of blocks: the innermost joined along the last axis, the next along the last but one."""
    depth, ndim = _depth(arrays)
    return _block(arrays, depth, max(depth, ndim), 1)


def _depth(x: Any) -> tuple[int, int]:
    """How deep the lists are nested, and the most axes of an array among them."""
    if isinstance(x, tuple):
        raise TypeError("block takes nested lists, found a tuple")
    if not isinstance(x, list):
        return 0, len(as_array(x).shape)
    if not x:
        raise ValueError("block takes no empty lists")
    found = [_depth(item) for item in x]
    if len({d for d, _ in found}) > 1:
        raise ValueError("block takes lists of one depth")
    return found[0][0] + 1, max(n for _, n in found)


def _block(x: Any, depth: int, ndim: int, level: int) -> Any:
    if not isinstance(x, list):
        x = as_array(x)
        y = x.reshape((1,) * (ndim - len(x.shape)) + tuple(x.shape))
        return y.copy() if level == 1 else y
    return concatenate([_block(item, depth, ndim, level + 1) for item in x], -(depth - level + 1))


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """The array, with values behind it along an axis; in one row where the axis is None."""
    return concatenate((as_array(arr), as_array(values)), axis)


class _Rows:
    """np.r_ and np.c_ with traced pieces: slices are ranges, the rest is joined."""

    def __init__(self, plain: Any, join: Callable[..., Any]) -> None:
        self.plain, self.join = plain, join

    def __getitem__(self, key: Any) -> Any:
        if not any_traced((key,)):
            return self.plain[key]
        pieces = key if isinstance(key, tuple) else (key,)
        if any(isinstance(p, str) for p in pieces):
            raise UnsupportedFunctionError(
                "np.r_ and np.c_ with a text and traced pieces are not differentiated",
                why="the text is a small language of axes and shapes for which there are plain functions",
                write="np.concatenate, np.vstack or np.stack",
            )
        return self.join([np.r_[p] if isinstance(p, slice) else p for p in pieces])


def _below(pieces: list[Any]) -> Any:
    """Pieces joined along the first axis, numbers as vectors of one element."""
    return concatenate([atleast_1d(p) for p in pieces], 0)


def _beside(pieces: list[Any]) -> Any:
    """Pieces joined along the last axis, vectors as columns."""
    return concatenate([p if len(p.shape) > 1 else p.reshape((-1, 1)) for p in map(as_array, pieces)], -1)


r_ = _Rows(np.r_, _below)
c_ = _Rows(np.c_, _beside)


# splitting ---------------------------------------------------------------------------------------------------------
def _pieces(x: Any, bounds: list[int], axis: int) -> list[Any]:
    """x between each two successive bounds along an axis, as views."""
    n = x.shape[axis]
    found = []
    for a, b in itertools.pairwise(bounds):
        start, stop, _ = slice(a, b).indices(n)
        index = along(axis, x.shape, (start, max(stop - start, 0), 1))
        found.append(view(x, slice_, index=index))
    return found


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """The array cut at these indices, or into that many parts, the first of them longer by one where need be."""
    x = as_array(ary)
    axis = normalize_axis_index(axis, len(x.shape))
    n = x.shape[axis]
    if np.ndim(indices_or_sections):
        return _pieces(x, [0, *(int(i) for i in indices_or_sections), n], axis)
    count = int(indices_or_sections)
    if count <= 0:
        raise ValueError("number sections must be larger than 0.")
    each, longer = divmod(n, count)
    return _pieces(x, [k * each + min(k, longer) for k in range(count + 1)], axis)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """The array cut at these indices, or into that many equal parts."""
    x = as_array(ary)
    if not np.ndim(indices_or_sections) and x.shape[axis] % int(indices_or_sections):
        raise ValueError("array split does not result in an equal division")
    return array_split(x, indices_or_sections, axis)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Split along the first axis."""
    if len(ary.shape) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Split along the second axis; a vector along its only one."""
    if not ary.shape:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 1 if len(ary.shape) > 1 else 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Split along the third axis."""
    if len(ary.shape) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis."""
    x = as_array(x)
    if not x.shape:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(moveaxis(x, axis, 0))


unstack = implements(np.unstack)(_unstack) if hasattr(np, "unstack") else _unstack  # since NumPy 2.1
