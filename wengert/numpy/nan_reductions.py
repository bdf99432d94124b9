"""Reductions in which NaN does not count: those of the other modules under a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.types import shape_of
from .dispatch import implements, normalize_axis
from .parts import array
from .reductions import NO, all, argmax, argmin, keep, max, min, prod, sum
from .statistics import degrees_lost, is_true_of_any, mean, std, var
from .ufuncs import deliver, select

__all__ = [
    "nanargmax", "nanargmin", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar",
]  # fmt: skip


def counted(a: Any, where: Any = NO) -> tuple[Any, Any]:
    """An array, and the mask of what counts in it: NO where everything does."""
    x = array(a)
    if x.dtype.kind not in "fc":
        return x, where
    mask = np.logical_not(np.isnan(x))
    return x, mask if where is NO or where is True else np.logical_and(mask, array(where))


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO,
    initial: Any = NO,
    where: Any = NO,
) -> Any:
    """The sum of what is not NaN."""
    x, mask = counted(a, where)
    return sum(x, axis, dtype, out, keepdims, initial, mask)


@implements(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO,
    initial: Any = NO,
    where: Any = NO,
) -> Any:
    """The product of what is not NaN."""
    x, mask = counted(a, where)
    return prod(x, axis, dtype, out, keepdims, initial, mask)


@implements(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NO, *, where: Any = NO
) -> Any:
    """The mean of what is not NaN."""
    x, mask = counted(a, where)
    return mean(x, axis, dtype, out, keepdims, where=mask)


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def spread(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = NO,
        *,
        where: Any = NO,
        mean: Any = NO,
        correction: Any = NO,
    ) -> Any:
        """The variance or standard deviation of what is not NaN."""
        x, mask = counted(a, where)
        y = function(
            x,
            axis,
            dtype,
            None,
            degrees_lost(ddof, correction),
            keepdims,
            where=NO if mask is True else mask,
            mean=mean,
        )
        return deliver(y, True, out)

    return spread


nanvar = implements(np.nanvar)(_spread(var))
nanstd = implements(np.nanstd)(_spread(std))


def _extremum(function: Callable[..., Any], worst: float) -> Callable[..., Any]:
    """Where there is nothing but NaN, the result is NaN, and has no derivative."""

    def extremum(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO, initial: Any = NO, where: Any = NO
    ) -> Any:
        """The extremum of what is not NaN."""
        x, mask = counted(a)
        if mask is NO:
            return function(x, axis, out, keepdims, initial, where)
        y = function(select(mask, x, worst), axis, None, keepdims, initial, where)
        if initial is NO:
            y = select(all(np.logical_not(mask), axis, keepdims=keepdims), np.nan, y)
        return deliver(y, True, out)

    return extremum


nanmax = implements(np.nanmax)(_extremum(max, -np.inf))
nanmin = implements(np.nanmin)(_extremum(min, np.inf))


def _argument(function: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def argument(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO) -> Any:
        """Where the extremum of what is not NaN stands."""
        x, mask = counted(a)
        if mask is NO:
            return function(x, axis, out, keepdims=keepdims)
        if is_true_of_any(all(np.logical_not(mask), axis)):
            raise ValueError("All-NaN slice encountered")
        y = function(select(mask, x, worst), axis)
        axes = normalize_axis(axis, len(shape_of(x)))
        return deliver(keep(y, x, axes, keepdims), True, out)

    return argument


nanargmax = implements(np.nanargmax)(_argument(argmax, -np.inf))
nanargmin = implements(np.nanargmin)(_argument(argmin, np.inf))
