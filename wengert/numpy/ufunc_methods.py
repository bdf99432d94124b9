"""The methods of universal functions on tracers: reduce, accumulate, outer, reduceat (at: see `ufuncs.AT`).

Those that are functions of their own (add.reduce is sum) are these; those that are associative are applied to halves;
any other one is applied element after element.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.types import shape_of
from ..primitives.gather import gather
from ..primitives.join import stack
from ..primitives.reduce import leaders
from ..primitives.shape import reshape
from . import reductions as r
from .accumulations import cumprod, cumsum
from .dispatch import normalize_axis
from .parts import AxisIndex, array, expand, item, joined, move_axis, part
from .ufuncs import METHODS, deliver, operand, select, to_dtype

NO = r.NO

_REDUCE = {  # with the signature (a, axis, dtype, out, keepdims, initial, where)
    np.add: r.sum,
    np.multiply: r.prod,
    np.maximum: lambda a, axis, dtype, *rest: r.max(_in(a, dtype), axis, *rest),
    np.minimum: lambda a, axis, dtype, *rest: r.min(_in(a, dtype), axis, *rest),
    np.logical_and: lambda a, axis, dtype, out, keepdims, initial, where: r.all(a, axis, out, keepdims, where=where),
    np.logical_or: lambda a, axis, dtype, out, keepdims, initial, where: r.any(a, axis, out, keepdims, where=where),
}


# (a o b) o c = a o (b o c), to rounding: then log2 n applications to whole arrays do, in place of n to elements.
_ASSOCIATIVE = (np.logaddexp, np.logaddexp2, np.maximum, np.minimum, np.fmax, np.fmin, np.hypot)


def _in(a: Any, dtype: Any) -> Any:
    return array(a) if dtype is None else to_dtype(array(a), np.dtype(dtype))


def reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO,
    where: Any = NO,
) -> Any:
    """x_0 o x_1 o ... along the axes."""
    out = out[0] if isinstance(out, tuple) else out
    where = NO if where is True else where
    if ufunc in _REDUCE:
        return _REDUCE[ufunc](array, axis, dtype, out, keepdims, initial, where)
    x = _in(array, dtype)
    axes = normalize_axis(axis, len(shape_of(x)))
    if initial is NO or initial is None:
        initial = ufunc.identity if where is not NO else None
        if initial is None and where is not NO:
            raise ValueError(
                f"reduction operation '{ufunc.__name__}' does not have an identity, so to use a where mask one has to "
                "specify 'initial'"
            )
    y = _fold(ufunc, x, axes, initial, where)
    return deliver(r.keep(y, x, axes, keepdims), True, out)


def _fold(ufunc: np.ufunc, x: Any, axes: tuple[int, ...], initial: Any, where: Any) -> Any:
    """One element after the other; what `where` leaves out changes nothing."""
    mask = None if where is NO else np.broadcast_to(where, shape_of(x))
    for axis in reversed(axes):
        if ufunc in _ASSOCIATIVE and mask is None and shape_of(x)[axis]:
            x = _halved(ufunc, x, axis)
            x, initial = x if initial is None else ufunc(initial, x), None
            continue
        rows = [item(x, axis, i) for i in range(shape_of(x)[axis])]
        masks = [None if mask is None else item(mask, axis, i) for i in range(len(rows))]
        if initial is not None:
            rows, masks = [initial, *rows], [None, *masks]
        if not rows:
            if ufunc.identity is None:
                raise ValueError(f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
            rows, masks = [np.full(r.reduced(shape_of(x), (axis,)), ufunc.identity, x.dtype)], [None]
        y = rows[0]
        for row, m in zip(rows[1:], masks[1:], strict=True):
            y = ufunc(y, row) if m is None else select(m, ufunc(y, row), y)
        x, initial, mask = y, None, None
    return x


def _halved(ufunc: np.ufunc, x: Any, axis: int) -> Any:
    """x_0 o x_1 o ...: neighbours together, until one is left."""
    if ufunc is np.hypot and shape_of(x)[axis] == 1:  # its neutral element takes part: |x|
        x = np.absolute(x)
    while (n := shape_of(x)[axis]) > 1:
        y = ufunc(part(x, axis, 0, n - 1, 2), part(x, axis, 1, n, 2))
        x = y if n % 2 == 0 else joined([y, part(x, axis, n - 1, n)], axis)
    return item(x, axis, 0)


def _doubled(ufunc: np.ufunc, x: Any, axis: int) -> Any:
    """y_i = x_0 o ... o x_i, of 2, 4, 8 ... neighbours. W. D. Hillis, G. L. Steele, Data parallel algorithms (1986)."""
    n, reach = shape_of(x)[axis], 1
    while reach < n:
        later = ufunc(part(x, axis, 0, n - reach), part(x, axis, reach, n))
        x = joined([part(x, axis, 0, reach), later], axis)
        reach *= 2
    return x


def accumulate(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """y_i = x_0 o ... o x_i."""
    out = out[0] if isinstance(out, tuple) else out
    if ufunc is np.add:
        return cumsum(array, axis, dtype, out)
    if ufunc is np.multiply:
        return cumprod(array, axis, dtype, out)
    x = _in(array, dtype)
    axis = AxisIndex(axis, len(shape_of(x)))
    if ufunc in (np.maximum, np.minimum) and x.dtype.kind in "fiub":
        return deliver(_running_extremum(x, axis, ufunc is np.maximum), True, out)
    if ufunc in _ASSOCIATIVE:
        return deliver(_doubled(ufunc, x, axis), True, out)
    rows = [item(x, axis, i) for i in range(shape_of(x)[axis])]
    for i in range(1, len(rows)):
        rows[i] = ufunc(rows[i - 1], rows[i])
    return deliver(stack(*rows, axis=axis) if rows else x, True, out)


def _running_extremum(x: Any, axis: int, largest: bool) -> Any:
    """The element that leads so far, the first where several are equal."""
    x = move_axis(x, axis, -1)
    *rest, n = shape_of(x)
    rows = reshape(x, shape=(math.prod(rest), n))
    i = leaders(rows, axis=1, largest=largest)
    y = gather(rows, np.arange(shape_of(rows)[0])[:, None], i, axis=0)
    return move_axis(reshape(y, shape=(*rest, n)), -1, axis)


def outer(ufunc: np.ufunc, A: Any, B: Any, /, **kwargs: Any) -> Any:
    """y_ij = a_i o b_j."""
    a, b = operand(A), operand(B)
    n, m = len(shape_of(a)), len(shape_of(b))
    return ufunc(expand(array(a), tuple(range(n, n + m))) if m else a, b, **kwargs)


def reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """y_k = x_(i_k) o ... o x_(i_(k+1) - 1), and x_(i_k) where that is nothing."""
    out = out[0] if isinstance(out, tuple) else out
    x = _in(array, dtype)
    axis = AxisIndex(axis, len(shape_of(x)))
    starts = [int(i) for i in np.asarray(indices)]
    n = shape_of(x)[axis]
    if any(not 0 <= i < n for i in starts):
        raise IndexError(f"index out of bounds in {ufunc.__name__}.reduceat [0, {n})")
    pieces = [
        reduce(ufunc, part(x, axis, i, stop if stop > i else i + 1), axis)
        for i, stop in zip(starts, [*starts[1:], n], strict=True)
    ]
    return deliver(stack(*pieces, axis=axis), True, out)


METHODS.update(reduce=reduce, accumulate=accumulate, outer=outer, reduceat=reduceat)
