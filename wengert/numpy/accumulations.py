"""Running sums and products along an axis, and their opposite: differences of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.types import shape_of
from ..primitives import reduce as p
from .dispatch import implements
from .parts import AxisIndex, array, flat, joined, part, spread_to
from .reductions import NO, sum_dtype
from .ufuncs import deliver, select, to_dtype

__all__ = ["cumprod", "cumsum", "diff", "ediff1d", "nancumprod", "nancumsum"]


def _sums(x: Any, axis: int) -> Any:
    return p.cumsum(x, axis=axis, reverse=False)


def _products(x: Any, axis: int) -> Any:
    """y_i = (x_0 ... x_(i-1)) x_i."""
    return p.products_before(x, axis=axis, reverse=False) * x


def accumulation(x: Any, axis: Any, dtype: Any, out: Any, run: Callable[[Any, int], Any]) -> Any:
    """A running reduction with NumPy's arguments; without an axis, of all elements in order."""
    x = array(x)
    x = to_dtype(x, sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
    if axis is None:
        x, axis = flat(x), 0
    elif not shape_of(x):  # NumPy takes a scalar for an array of one element
        x, axis = flat(x), AxisIndex(axis, 1)
    return deliver(run(x, AxisIndex(axis, len(shape_of(x)))), True, out)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """y_i = x_0 + ... + x_i."""
    return accumulation(a, axis, dtype, out, _sums)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """y_i = x_0 ... x_i; the slopes are right also behind zeros."""
    return accumulation(a, axis, dtype, out, _products)


def _without_nan(a: Any, instead: float) -> Any:
    a = array(a)
    return select(np.isnan(a), instead, a) if a.dtype.kind in "fc" else a


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sums in which NaN counts as 0."""
    return accumulation(_without_nan(a, 0.0), axis, dtype, out, _sums)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running products in which NaN counts as 1."""
    return accumulation(_without_nan(a, 1.0), axis, dtype, out, _products)


def _cumulative(run: Callable[[Any, int], Any], first: int) -> Callable[..., Any]:
    """The array API's names for cumsum and cumprod: of one axis; include_initial puts the neutral element in front."""

    def function(
        x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
    ) -> Any:
        """y_i = x_0 o ... o x_i."""
        x = array(x)
        n = len(shape_of(x))
        if n == 0:
            raise ValueError("the input must have at least one axis")
        if axis is None and n > 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        axis = AxisIndex(axis or 0, n)
        if not include_initial:
            return accumulation(x, axis, dtype, out, run)
        y = accumulation(x, axis, dtype, None, run)
        edge = list(shape_of(y))
        edge[axis] = 1
        return deliver(joined([np.full(edge, first, y.dtype), y], axis), True, out)

    return function


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    cumulative_sum = implements(np.cumulative_sum)(_cumulative(_sums, 0))
    cumulative_prod = implements(np.cumulative_prod)(_cumulative(_products, 1))
    __all__ += ["cumulative_prod", "cumulative_sum"]


# differences ---------------------------------------------------------------------------------------------------------
@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = NO, append: Any = NO) -> Any:
    """y_i = x_(i+1) - x_i, n times."""
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    x = array(a)
    if not shape_of(x):
        raise ValueError("diff requires input that is at least one dimensional")
    axis = AxisIndex(axis, len(shape_of(x)))
    before, after = (_edge(e, x, axis) for e in (prepend, append))
    if before or after:
        x = joined([*before, x, *after], axis)
    for _ in range(n):
        later, earlier = part(x, axis, 1, shape_of(x)[axis]), part(x, axis, 0, max(shape_of(x)[axis] - 1, 0))
        x = np.not_equal(later, earlier) if x.dtype.kind == "b" else later - earlier
    return x


def _edge(values: Any, x: Any, axis: int) -> list[Any]:
    """What stands before or behind x: a number stands for a slice of them."""
    if values is NO:
        return []
    values = array(values)
    if shape_of(values):
        return [values]
    shape = list(shape_of(x))
    shape[axis] = 1
    return [spread_to(values, tuple(shape))]


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of all elements in order, between two given ends."""
    x = flat(array(ary))
    dtype = x.dtype
    pieces = [diff(x)]
    for name, values, place in (("to_begin", to_begin, 0), ("to_end", to_end, len(pieces) + 1)):
        if values is not None:
            values = flat(array(values))
            if not np.can_cast(values.dtype, dtype, "same_kind"):
                raise TypeError(f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule.")
            pieces.insert(place, to_dtype(values, dtype))
    return joined(pieces, 0) if len(pieces) > 1 else pieces[0]
