"""Filters by rank: extrema, medians and percentiles of neighbourhoods, and the grey morphology made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage

from ... import numpy as wnp
from ...convolution import windows
from ...core.types import shape_of
from ...numpy.dispatch import implements
from ...numpy.parts import array, floating
from .common import around, chosen, extended, for_each, no_output

__all__ = [
    "grey_closing", "grey_dilation", "grey_erosion", "grey_opening", "maximum_filter", "maximum_filter1d",
    "median_filter", "minimum_filter", "minimum_filter1d", "percentile_filter", "rank_filter",
]  # fmt: skip


def _neighbours(
    x: Any, size: Any, footprint: Any, mode: Any, cval: Any, origin: Any, axes: Any
) -> tuple[Any, Any, list[int]]:
    """The neighbours of each element along a last axis, which of the window they are, and the axes of windows."""
    along = chosen(x, axes)
    n = len(along)
    if footprint is None and size is None:
        raise RuntimeError("no footprint or filter size provided")
    mask = (
        np.ones([int(k) for k in for_each(size, n, "size")], bool) if footprint is None else np.asarray(footprint, bool)
    )
    if mask.ndim != n:
        raise RuntimeError("footprint array has incorrect shape.")
    widths = {a: around(k, o) for a, k, o in zip(along, mask.shape, for_each(origin, n, "origin"), strict=True)}
    x = extended(x, widths, for_each(mode, n, "mode"), cval)
    y = windows(np.moveaxis(x, along, range(-n, 0)), mask.shape)
    y = np.moveaxis(y, range(-2 * n, -n), range(len(shape_of(x)) - n, len(shape_of(x))))
    flat = wnp.reshape(y, (*shape_of(y)[: len(shape_of(x))], mask.size))
    if not mask.all():
        flat = wnp.take(flat, np.flatnonzero(mask), axis=-1)
    return flat, mask, along


def _extremum(name: str, reduce: Any) -> Any:
    def f(
        input: Any,
        size: Any = None,
        footprint: Any = None,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
        *,
        axes: Any = None,
    ) -> Any:
        no_output(name, output)
        if 0 in shape_of(array(input)):
            return input
        flat, _, along = _neighbours(array(input), size, footprint, mode, cval, origin, axes)
        return np.moveaxis(reduce(flat, axis=-1), range(-len(along), 0), along)

    f.__name__, f.__doc__ = name, f"The {name[:7]} of each element's neighbours; equal ones share the derivative."
    return implements(getattr(scipy.ndimage, name))(f)


maximum_filter = _extremum("maximum_filter", wnp.max)
minimum_filter = _extremum("minimum_filter", wnp.min)


@implements(scipy.ndimage.maximum_filter1d)
def maximum_filter1d(
    input: Any, size: int, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: int = 0
) -> Any:
    """The maximum of neighbours along an axis."""
    return maximum_filter(input, size, None, output, mode, cval, origin, axes=axis)


@implements(scipy.ndimage.minimum_filter1d)
def minimum_filter1d(
    input: Any, size: int, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: int = 0
) -> Any:
    """The minimum of neighbours along an axis."""
    return minimum_filter(input, size, None, output, mode, cval, origin, axes=axis)


def _ranked(name: str, rank_of: Any, args: tuple[Any, ...], output: Any) -> Any:
    """The neighbour of a rank."""
    no_output(name, output)
    if 0 in shape_of(args[0]):
        return args[0]
    flat, mask, along = _neighbours(*args)
    count = int(mask.sum())
    rank = rank_of(count)
    if not 0 <= rank < count:
        raise RuntimeError("rank not within filter footprint size")
    return np.moveaxis(np.sort(flat, axis=-1)[..., rank], range(-len(along), 0), along)


@implements(scipy.ndimage.rank_filter)
def rank_filter(
    input: Any,
    rank: int,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """The neighbour of a rank among those of each element, counted from the end where negative."""
    args = (array(input), size, footprint, mode, cval, origin, axes)
    return _ranked("rank_filter", lambda n: int(rank) + n * (rank < 0), args, output)


@implements(scipy.ndimage.median_filter)
def median_filter(
    input: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """The neighbour of rank n // 2."""
    args = (array(input), size, footprint, mode, cval, origin, axes)
    return _ranked("median_filter", lambda n: n // 2, args, output)


@implements(scipy.ndimage.percentile_filter)
def percentile_filter(
    input: Any,
    percentile: float,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """The neighbour of rank n percentile / 100."""
    percent = percentile + 100.0 * (percentile < 0)
    if not 0 <= percent <= 100:
        raise RuntimeError("invalid percentile")
    args = (array(input), size, footprint, mode, cval, origin, axes)
    return _ranked("percentile_filter", lambda n: n - 1 if percent == 100 else int(n * percent / 100), args, output)


# morphology --------------------------------------------------------------------------------------------------------
def _turned(origin: Any, size: Any, footprint: Any, n: int) -> list[int]:
    """The origin of the window turned round."""
    sizes = for_each(size, n, "size") if footprint is None else np.shape(footprint)
    return [-o - (1 - k % 2) for o, k in zip(for_each(origin, n, "origin"), sizes, strict=True)]


@implements(scipy.ndimage.grey_erosion)
def grey_erosion(
    input: Any, size: Any = None, footprint: Any = None, structure: Any = None, output: Any = None,
    mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *, axes: Any = None,
) -> Any:  # fmt: skip
    """The least of the neighbours, less the structure: min_k (x_(i+k) - s_k)."""
    no_output("grey_erosion", output)
    if structure is None:
        return minimum_filter(input, size, footprint, None, mode, cval, origin, axes=axes)
    mask = np.ones(np.shape(structure), bool) if footprint is None else np.asarray(footprint, bool)
    flat, _, along = _neighbours(floating(input), None, mask, mode, cval, origin, axes)
    heights = wnp.take(wnp.reshape(floating(structure), (mask.size,)), np.flatnonzero(mask))
    return np.moveaxis(wnp.min(flat - heights, axis=-1), range(-len(along), 0), along)


@implements(scipy.ndimage.grey_dilation)
def grey_dilation(
    input: Any, size: Any = None, footprint: Any = None, structure: Any = None, output: Any = None,
    mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *, axes: Any = None,
) -> Any:  # fmt: skip
    """The largest of the neighbours, and the structure: max_k (x_(i-k) + s_k)."""
    no_output("grey_dilation", output)
    n = len(chosen(array(input), axes))
    given = footprint if footprint is not None else structure
    origin = _turned(origin, size, given, n)
    turn = (slice(None, None, -1),) * n
    if footprint is not None:
        footprint = np.asarray(footprint, bool)[turn]
    if structure is None:
        return maximum_filter(input, size, footprint, None, mode, cval, origin, axes=axes)
    mask = np.ones(np.shape(structure), bool) if footprint is None else footprint
    flat, _, along = _neighbours(floating(input), None, mask, mode, cval, origin, axes)
    heights = wnp.take(wnp.reshape(floating(structure)[turn], (mask.size,)), np.flatnonzero(mask))
    return np.moveaxis(wnp.max(flat + heights, axis=-1), range(-len(along), 0), along)


@implements(scipy.ndimage.grey_opening)
def grey_opening(input: Any, size: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Erosion, then dilation."""
    return grey_dilation(grey_erosion(input, size, *args, **kwargs), size, *args, **kwargs)


@implements(scipy.ndimage.grey_closing)
def grey_closing(input: Any, size: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Dilation, then erosion."""
    return grey_erosion(grey_dilation(input, size, *args, **kwargs), size, *args, **kwargs)
