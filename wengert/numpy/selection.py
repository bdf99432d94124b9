"""Choosing elements: by indices, by conditions, by what is distinct."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.trace import Tracer
from ..core.types import shape_of
from ..errors import AbstractValueError
from ..primitives.distinct import count_distinct, distinct
from ..primitives.gather import gather
from ..primitives.join import stack
from ..primitives.shape import broadcast_to
from . import ufuncs
from .assignment import along_axis, wrapped
from .creation import zeros_like
from .dispatch import implements
from .indexing import nonzero_of
from .manipulation import flattened
from .ufuncs import deliver, operand, to_dtype
from .universal import array as as_array
from .views import diagonal, ravel

__all__ = [
    "argwhere", "choose", "compress", "extract", "flatnonzero", "nonzero", "piecewise", "ravel_multi_index", "select",
    "take", "take_along_axis", "trace", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values",
    "unravel_index", "where",
]  # fmt: skip


# by indices --------------------------------------------------------------------------------------------------------
@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """The slices along an axis at these indices."""
    x, axis = flattened(a, axis)
    i = operand(indices)
    if not isinstance(i, Tracer):
        i = np.asarray(i)
        i = i.astype(np.intp) if not i.size else i
    if i.dtype.kind not in "iub":
        raise TypeError(f"Cannot cast array data from {i.dtype!r} to dtype('int64') according to the rule 'safe'")
    i = wrapped(to_dtype(i, np.dtype(np.intp)) if i.dtype.kind == "b" else i, x.shape[axis], mode)
    return deliver(gather(x, i, axis=axis), True, out)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """y[..., j, ...] = x[..., indices[..., j, ...], ...]."""
    if axis is None:
        return ravel(arr)[operand(indices)]
    return as_array(arr)[along_axis(operand(indices), tuple(as_array(arr).shape), axis)]


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    """Places in the flattened array as indices of each axis."""
    i, found = operand(indices), []
    lengths = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    for n in lengths[::-1] if order == "C" else lengths:
        found.append(np.remainder(i, n))
        i = np.floor_divide(i, n)
    return tuple(found[::-1] if order == "C" else found)


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Indices of each axis as places in the flattened array; those out of bounds are found where they are used."""
    modes = (mode,) * len(dims) if isinstance(mode, str) else mode
    indices = [wrapped(operand(i), n, m) for i, n, m in zip(multi_index, dims, modes, strict=True)]
    i: Any = 0
    for k, n in list(zip(indices, dims, strict=True))[:: 1 if order == "C" else -1]:
        i = i * n + k
    return i


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """y_i = choices[a_i]_i."""
    items = [operand(c) for c in choices]
    i = wrapped(operand(a), len(items), mode)
    if not isinstance(i, Tracer) and i.size and (i.min() < 0 or i.max() >= len(items)):
        raise ValueError("invalid entry in choice array")
    shape = np.broadcast_shapes(shape_of(i), *map(shape_of, items))
    dtype = np.result_type(*(c.dtype if hasattr(c, "dtype") else type(c) for c in items))
    table = stack(*(broadcast_to(to_dtype(c, dtype), shape=shape) for c in items), axis=0)
    i = broadcast_to(i, shape=shape)
    places = [np.arange(n).reshape(-1, *(1,) * (len(shape) - 1 - k)) for k, n in enumerate(shape)]
    return deliver(gather(table, i, *places, axis=0), True, out)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """sum_i x_(i, i + offset)."""
    d = diagonal(a, offset, axis1, axis2)
    return np.sum(d, axis=-1, dtype=dtype, out=out)


# by conditions -----------------------------------------------------------------------------------------------------
@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """x where the condition holds, y elsewhere; of the condition alone, the indices where it holds."""
    if x is None and y is None:
        return nonzero(condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    return ufuncs.select(condition, x, y)


@implements(np.nonzero)
def nonzero(a: Any) -> Any:
    """The indices of the elements that are not zero, one array an axis."""
    x = as_array(a)
    if not x.shape:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.")
    return tuple(nonzero_of(x if x.dtype.kind == "b" else np.not_equal(x, 0)))


@implements(np.argwhere)
def argwhere(a: Any) -> Any:
    """The indices of the elements that are not zero, one row an element."""
    x = as_array(a)
    if not x.shape:
        return np.argwhere(np.zeros((), bool)) if not np.not_equal(x, 0) else np.argwhere(np.ones((), bool))
    return np.stack(nonzero(x), axis=-1)


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    """The indices of the elements that are not zero, in the flattened array."""
    return nonzero(ravel(a))[0]


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """The slices along an axis for which the condition holds."""
    x, axis = flattened(a, axis)
    condition = as_array(condition)
    if len(condition.shape) != 1:
        raise ValueError("condition must be a 1-d array")
    (i,) = nonzero(condition)
    return deliver(gather(x, i, axis=axis), True, out)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements for which the condition holds."""
    return gather(ravel(arr), flatnonzero(condition), axis=0)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice of the first condition that holds, the default where none does."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not len(condlist):
        raise ValueError("select with an empty condition list is not possible")
    for k, condition in enumerate(condlist):
        if as_array(condition).dtype.kind != "b":
            raise TypeError(f"invalid entry {k} in condlist: should be boolean ndarray")
    y = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        y = ufuncs.select(condition, choice, y)
    return y


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function, on the elements for which its condition holds; a last one for those for which none does."""
    x = as_array(x)
    one = not isinstance(condlist, list | tuple) and not shape_of(condlist)
    if one or (x.shape and not isinstance(condlist[0], list | tuple) and not shape_of(condlist[0])):
        condlist = [condlist]
    conditions = [to_dtype(operand(c), np.dtype(bool)) for c in condlist]
    n = len(conditions)
    if len(funclist) == n + 1:
        conditions.append(np.logical_not(functools.reduce(np.logical_or, conditions)))
    elif len(funclist) != n:
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y = zeros_like(x)
    for condition, f in zip(conditions, funclist, strict=True):
        if not callable(f):
            y[condition] = f
            continue
        try:
            part = x[condition]
        except AbstractValueError:  # of as many elements as nobody knows: f sees all of them
            y = ufuncs.select(condition, f(x, *args, **kw), y)
        else:
            if 0 not in part.shape:
                y[condition] = f(part, *args, **kw)
    return y


# what is distinct --------------------------------------------------------------------------------------------------
@implements(np.unique)
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None,
    *, equal_nan: bool = True, sorted: bool = True,
) -> Any:  # fmt: skip
    """The distinct elements in order, each the first that is equal to it."""
    x = as_array(ar)
    axis = None if axis is None else normalize_axis_index(axis, len(x.shape))
    try:
        count = int(count_distinct(x, axis=axis, equal_nan=equal_nan))
    except AbstractValueError:
        raise AbstractValueError(
            f"the number of distinct elements of an array {x.type} is needed",
            why="only its type is known here (under jit, vmap or in a loop), and shapes may not depend on data",
            write="np.sort(x), in which equal elements are neighbours: y[1:] != y[:-1] says where new ones begin; "
            "np.isin and np.bincount(x, minlength=n) have fixed lengths; or np.unique before the compiled function",
        ) from None
    index, inverse, counts = distinct(x, count=count, axis=axis, equal_nan=equal_nan)
    rows = gather(ravel(x), index, axis=0) if axis is None else gather(x, index, axis=axis)
    found = [rows]
    for wanted, result in ((return_index, index), (return_inverse, inverse), (return_counts, counts)):
        if wanted:
            found.append(result)
    return tuple(found) if len(found) > 1 else rows


class _All(NamedTuple):
    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class _Counts(NamedTuple):
    values: Any
    counts: Any


class _Inverse(NamedTuple):
    values: Any
    inverse_indices: Any


@implements(np.unique_all)
def unique_all(x: Any) -> Any:
    """The distinct elements, where each comes first, where each element went, and how often each occurs."""
    return _All(*unique(x, True, True, True, equal_nan=False))


@implements(np.unique_counts)
def unique_counts(x: Any) -> Any:
    """The distinct elements, and how often each occurs."""
    return _Counts(*unique(x, return_counts=True, equal_nan=False))


@implements(np.unique_inverse)
def unique_inverse(x: Any) -> Any:
    """The distinct elements, and where each element went."""
    return _Inverse(*unique(x, return_inverse=True, equal_nan=False))


@implements(np.unique_values)
def unique_values(x: Any) -> Any:
    """The distinct elements."""
    return unique(x, equal_nan=False)
