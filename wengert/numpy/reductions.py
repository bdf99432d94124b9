"""Sums, products, extrema and logical reductions, with all of NumPy's arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import shape_of
from ..errors import UnsupportedFunctionError
from ..primitives import reduce as p
from ..primitives.shape import kept, reduced, reshape, sum_
from .dispatch import implements, normalize_axis
from .parts import array
from .ufuncs import deliver, operand, select, to_dtype

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "max", "min", "prod", "ptp", "sum",
]  # fmt: skip

NO: Any = np._NoValue  # NumPy's own mark of an argument that was not given


@lru_cache
def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a sum or product: small integers are added as large ones."""
    return np.add.reduce(np.zeros(1, dtype)).dtype


def keep(y: Any, x: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    """A reduced value with the reduced axes as axes of length one, if that is asked for."""
    return reshape(y, shape=kept(shape_of(x), axes)) if keepdims and keepdims is not NO else y


def reduction(
    x: Any,
    axis: Any,
    primitive: Callable[..., Any],
    neutral: Any,
    combine: np.ufunc,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    """A reduction with NumPy's arguments: what `where` leaves out counts as neutral, `initial` is one more element."""
    if where is not NO and where is not True:
        x = select(where, x, neutral)
    axes = normalize_axis(axis, len(x.shape))
    y = primitive(x, axis=axes)
    if initial is not NO and initial is not None:
        y = combine(to_dtype(operand(initial), y.dtype), y)
    return deliver(keep(y, x, axes, keepdims), True, out)


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO,
    initial: Any = NO,
    where: Any = NO,
) -> Any:
    """sum_i x_i over the axes."""
    if dtype is None and isinstance(a, Tracer) and a.dtype.kind in "fc":
        if out is None and keepdims is initial is where is NO:
            return sum_(a, axis=normalize_axis(axis, len(a.shape)))
        x = a
    else:
        x = array(a)
        x = to_dtype(x, sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
    return reduction(x, axis, sum_, 0, np.add, out, keepdims, initial, where)


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO,
    initial: Any = NO,
    where: Any = NO,
) -> Any:
    """prod_i x_i over the axes; each slope is the product of the others, right also at zeros."""
    x = array(a)
    x = to_dtype(x, sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
    return reduction(x, axis, p.prod, 1, np.multiply, out, keepdims, initial, where)


# extrema -----------------------------------------------------------------------------------------------------------
def ordered(name: str, a: Any) -> Any:
    """An array of real numbers."""
    x = array(a)
    if x.dtype.kind == "c":
        raise UnsupportedFunctionError(
            f"numpy.{name} of complex numbers is not differentiated",
            why="NumPy orders them by real, then imaginary part, which jumps",
            write="reduce np.abs(z), or z.real and z.imag",
        )
    return x


def _extremum(name: str, primitive: Any, ufunc: np.ufunc) -> Callable[..., Any]:
    def extremum(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO, initial: Any = NO, where: Any = NO
    ) -> Any:
        """max_i x_i or min_i x_i over the axes; elements that tie share the slope equally."""
        x = ordered(name, a)
        if where is not NO and where is not True and initial is NO:
            raise ValueError(
                f"reduction operation '{ufunc.__name__}' does not have an identity, so to use a where mask one has to "
                "specify 'initial'"
            )
        worst = worst_of(ufunc, x.dtype)
        if initial is not NO and 0 in x.shape:  # nothing to reduce: there is only the initial value
            axes = normalize_axis(axis, len(x.shape))
            y = np.broadcast_to(worst, reduced(x.shape, axes))
            return deliver(keep(ufunc(initial, y), x, axes, keepdims), True, out)
        return reduction(x, axis, primitive, worst, ufunc, out, keepdims, initial, where)

    extremum.__name__ = name
    return extremum


def worst_of(ufunc: np.ufunc, dtype: np.dtype[Any]) -> Any:
    """The number that no other loses against in a maximum or minimum."""
    low = ufunc is np.maximum
    if dtype.kind == "f":
        return dtype.type(-np.inf if low else np.inf)
    if dtype.kind == "b":
        return dtype.type(not low)
    limits = np.iinfo(dtype)
    return dtype.type(limits.min if low else limits.max)


max = implements(np.max, np.amax)(_extremum("max", p.max_, np.maximum))
min = implements(np.min, np.amin)(_extremum("min", p.min_, np.minimum))
amax, amin = max, min


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO) -> Any:
    """max - min."""
    return deliver(max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims), True, out)


def _argument(name: str, primitive: Any) -> Callable[..., Any]:
    def argument(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO) -> Any:
        """Where the extremum stands: no derivative."""
        x = array(a)
        flat = reshape(x, shape=(math.prod(x.shape),)) if axis is None else x
        if 0 in flat.shape and flat.shape[axis or 0] == 0:
            raise ValueError(f"attempt to get {name} of an empty sequence")
        axes = normalize_axis(axis, len(x.shape))
        y = primitive(flat, axis=0 if axis is None else axes[0])
        return deliver(keep(y, x, axes, keepdims), True, out)

    argument.__name__ = name
    return argument


argmax = implements(np.argmax)(_argument("argmax", p.argmax))
argmin = implements(np.argmin)(_argument("argmin", p.argmin))


# logic -------------------------------------------------------------------------------------------------------------
def _logical(name: str, primitive: Any, neutral: bool, combine: np.ufunc) -> Callable[..., Any]:
    def logical(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO, *, where: Any = NO) -> Any:
        """Are all, or any, of the elements not 0?"""
        return reduction(array(a), axis, primitive, neutral, combine, out, keepdims, NO, where)

    logical.__name__ = name
    return logical


all = implements(np.all)(_logical("all", p.all_, True, np.logical_and))
any = implements(np.any)(_logical("any", p.any_, False, np.logical_or))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """How many x_i are not 0."""
    x = array(a)
    return reduction(x, axis, p.count, 0, np.add, None, keepdims, NO, NO)
