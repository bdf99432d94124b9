"""Sorting and searching. A sorted array is a rearrangement of its elements; an order has no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import shape_of
from ..primitives import sort as p
from ..primitives.gather import gather
from .dispatch import implements, unsupported_argument
from .parts import AxisIndex, array, backwards, flat, item, part
from .ufuncs import deliver, to_dtype

__all__ = [
    "argpartition", "argsort", "digitize", "lexsort", "partition", "searchsorted", "sort", "sort_complex",
]  # fmt: skip


def _along(a: Any, axis: Any) -> tuple[Any, int]:
    """An array and the axis to sort along; all elements in order if there is none."""
    x = array(a)
    if axis is None:
        return flat(x), 0
    return x, AxisIndex(axis, len(shape_of(x)))


def _kind(name: str, kind: Any, order: Any, stable: Any) -> Any:
    """The sorting algorithm, by either of NumPy's two ways to ask for one."""
    if order is not None:
        raise unsupported_argument(f"numpy.{name}", "order", order, "sort by one array with x[np.argsort(key)]")
    if stable is None:
        return kind
    if kind is not None:
        raise ValueError("`kind` and `stable` parameters can't be provided at the same time. Use only one of them.")
    return "stable" if stable else None


@implements(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """The order i for which x[i] is sorted."""
    x, axis = _along(a, axis)
    return p.argsort(x, axis=axis, kind=_kind("argsort", kind, order, stable))


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """y_k = x[i_k] where i = argsort(x): dy_k = dx[i_k]."""
    x, axis = _along(a, axis)
    i = p.argsort(x, axis=axis, kind=_kind("sort", kind, order, stable))
    return p.rearrange(x, i, axis=axis, inverse=False)


def _positions(kth: Any, n: int) -> tuple[int, ...]:
    """The places of a partition, counted from the front."""
    return tuple(AxisIndex(int(k), n) for k in np.atleast_1d(kth))


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """An order that brings the kth elements to their place, with smaller ones before and larger ones behind."""
    x, axis = _along(a, axis)
    _kind("argpartition", None, order, None)
    return p.argpartition(x, axis=axis, kth=_positions(kth, shape_of(x)[axis]))


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """x in the order of argpartition."""
    x, axis = _along(a, axis)
    _kind("partition", None, order, None)
    i = p.argpartition(x, axis=axis, kth=_positions(kth, shape_of(x)[axis]))
    return p.rearrange(x, i, axis=axis, inverse=False)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Sorted by real, then imaginary part, as complex numbers."""
    x = sort(array(a))
    if x.dtype.kind == "c":
        return x
    return to_dtype(x, np.dtype("F" if x.dtype.char in "bhBH" else "G" if x.dtype.char == "g" else "D"))


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """The order by the last key, at ties by the one before it, and so on."""
    rows = [array(k) for k in keys] if isinstance(keys, (list, tuple)) else None
    if rows is None:
        keys = array(keys)
        rows = [item(keys, 0, i) for i in range(shape_of(keys)[0])]
    return p.lexsort(*rows, axis=AxisIndex(axis, len(shape_of(rows[0]))))


# searching ---------------------------------------------------------------------------------------------------------
@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Where v would be inserted into the sorted a: no derivative."""
    a, v = array(a), array(v)
    if len(shape_of(a)) != 1:
        raise ValueError("object too deep for desired array")
    if sorter is not None:
        a = gather(a, sorter if isinstance(sorter, Tracer) else np.asarray(sorter), axis=0)
    return p.searchsorted(a, v, side=str(side))


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The bin of each element: no derivative."""
    x, bins = array(x), array(bins)
    if x.dtype.kind == "c":
        raise TypeError("x may not be complex")
    n = shape_of(bins)[0]
    side = "left" if right else "right"
    if n > 1 and bool(np.greater(item(bins, 0, 0), item(bins, 0, -1))):
        return n - p.searchsorted(backwards(bins, 0), x, side=side)
    if n > 1 and bool(np.any(np.greater(part(bins, 0, 0, n - 1), part(bins, 0, 1, n)))):
        raise ValueError("bins must be monotonically increasing or decreasing")
    return p.searchsorted(bins, x, side=side)


def sorted_in_place(function: Any) -> Any:
    """ndarray.sort, ndarray.partition: the elements rearranged in the array itself."""

    def method(self: Tracer, *args: Any, **kwargs: Any) -> None:
        deliver(function(self, *args, **kwargs), True, self)

    return method
