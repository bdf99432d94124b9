"""Counting: histograms and bincount. Counts have no derivative; sums of weights are linear in the weights.

Edges that are laid between the least and the greatest element move with these.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.trace import Tracer, concrete
from ..core.types import ArrayType, shape_of
from ..errors import AbstractValueError
from ..primitives.gather import scatter_add
from ..primitives.shape import reshape
from ..primitives.sort import searchsorted
from .accumulations import diff
from .dispatch import implements, unsupported_argument
from .parts import array, expand, flat, floating, item, joined, part
from .reductions import max, min, sum
from .statistics import is_true_of_any
from .ufuncs import select, to_dtype

__all__ = ["bincount", "histogram", "histogram2d", "histogram_bin_edges", "histogramdd"]

DOUBLE = np.dtype(np.float64)


def sums_by_place(places: Any, n: int, weights: Any) -> Any:
    """y_k = sum of w_i over the i whose place is k; the number of them without weights."""
    if weights is None:
        weights = np.ones(shape_of(places), np.intp)
    return scatter_add(weights, places, axis=0, shape=(n,))


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    """y_k = sum of w_i over the i with x_i = k.

    Where only the type of x is known (under jit) the length is minlength, and elements from there on are an IndexError.
    """
    x = array(x)
    if weights is not None:
        weights = to_dtype(array(weights), DOUBLE)
        if shape_of(weights) != shape_of(x):
            raise ValueError("The weights and list don't have the same length.")
    if x.dtype.kind not in "biu":
        raise TypeError(f"Cannot cast array data from {x.dtype!r} to dtype('int64') according to the rule 'safe'")
    if len(shape_of(x)) != 1:
        raise ValueError("object too deep for desired array" if shape_of(x) else "object of too small depth")
    n = operator.index(minlength)
    if shape_of(x)[0] and isinstance(concrete(x), ArrayType):
        return sums_by_place(places_below(n, to_dtype(x, np.dtype(np.intp))), n, weights)
    if shape_of(x)[0]:
        if is_true_of_any(np.less(x, 0)):
            raise ValueError("'list' argument must have no negative elements")
        most = operator.index(max(x)) + 1
        n = most if most > n else n
    return sums_by_place(to_dtype(x, np.dtype(np.intp)), n, weights)


def places_below(n: int, x: Any) -> Any:
    """Numbers known only by their type, as places of an array of n elements: IndexError where one is not."""
    if not n:
        raise AbstractValueError(
            "the length of np.bincount(x) is needed, which is the largest element plus one",
            why="only the type of x is known here (under jit, vmap or in a loop), and shapes may not depend on data",
            write="np.bincount(x, minlength=n), with a plain number n above all elements",
        )
    return select(np.less(x, 0), n, x)  # n is no place


# edges -------------------------------------------------------------------------------------------------------------
def edges_of(a: Any, bins: Any, limits: Any) -> Any:
    """The edges of bins: as given, or n equal ones between limits, or between the extrema of a."""
    if isinstance(bins, str):
        return _edges_by_rule(a, bins, limits)
    bins = array(bins)
    if len(shape_of(bins)) > 1:
        raise ValueError("`bins` must be 1d, when an array")
    if shape_of(bins):
        n = shape_of(bins)[0]
        if is_true_of_any(np.greater(part(bins, 0, 0, n - 1), part(bins, 0, 1, n))):
            raise ValueError("`bins` must increase monotonically, when an array")
        return bins
    n = operator.index(bins[()])
    if n < 1:
        raise ValueError("`bins` must be positive, when an integer")
    return _equal_bins(*_limits(a, limits), n)


def _edges_by_rule(a: Any, rule: str, limits: Any) -> Any:
    """The number of bins by NumPy's rules from the values as they are now."""
    known = concrete(a)
    if isinstance(known, ArrayType) or (limits is not None and any(isinstance(x, Tracer) for x in limits)):
        raise unsupported_argument("numpy.histogram", "bins", rule, "the number of bins")
    n = len(np.histogram_bin_edges(known, rule, limits)) - 1
    return _equal_bins(*_limits(a, limits), n)


def _limits(a: Any, limits: Any) -> tuple[Any, Any]:
    """Where the first bin begins and the last ends."""
    if limits is not None:
        lo, hi = limits
        if is_true_of_any(np.greater(lo, hi)):
            raise ValueError("max must be larger than min in range parameter.")
    elif shape_of(a)[0] == 0:
        lo, hi = 0.0, 1.0
    else:
        lo, hi = min(a), max(a)
        if is_true_of_any(np.logical_not(np.isfinite(hi - lo))):
            raise ValueError(f"autodetected range of [{lo}, {hi}] is not finite")
    same = np.equal(lo, hi)
    if isinstance(same, Tracer) or same:
        lo, hi = select(same, lo - 0.5, lo), select(same, hi + 0.5, hi)
    return floating(lo), floating(hi)


def _equal_bins(lo: Any, hi: Any, n: int) -> Any:
    """lo + k (hi - lo) / n, the last edge exactly hi: numpy.linspace."""
    steps = np.arange(n, dtype=np.result_type(lo.dtype, hi.dtype))
    inner = steps * ((hi - lo) / n) + lo
    return joined([inner, reshape(hi, shape=(1,))], 0)


# histograms --------------------------------------------------------------------------------------------------------
def places_in(edges: Any, x: Any) -> Any:
    """The bin of each element, from 1 on: 0 below the first, n + 1 above the last, whose end belongs to it."""
    found = searchsorted(edges, x, side="right")
    return found - to_dtype(np.equal(x, item(edges, 0, -1)), np.dtype(np.intp))


def counted(edges: Sequence[Any], columns: Sequence[Any], weights: Any) -> Any:
    """The sums of weights in each cell of a grid."""
    sizes = [shape_of(e)[0] + 1 for e in edges]
    place: Any = 0
    for e, x, n in zip(edges, columns, sizes, strict=True):
        place = place * n + places_in(e, x)
    h = reshape(sums_by_place(place, int(np.prod(sizes)), weights), shape=tuple(sizes))
    for axis, n in enumerate(sizes):
        h = part(h, axis, 1, n - 1)
    return h


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges that histogram uses."""
    a = array(a)
    edges = edges_of(flat(a), bins, range)
    equal = isinstance(bins, str) or not shape_of(array(bins))
    return to_dtype(edges, a.dtype) if equal and a.dtype.kind == "f" else edges


@implements(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """The counts (or sums of weights) in the bins, and the edges of these."""
    a = array(a)
    if weights is not None:
        weights = array(weights)
        if shape_of(weights) != shape_of(a):
            raise ValueError("weights should have the same shape as a.")
        if isinstance(bins, str):
            raise TypeError("Automated estimation of the number of bins is not supported for weighted data")
        weights = flat(weights)
    x = flat(a)
    edges = histogram_bin_edges(a, bins, range)
    h = counted([edges], [x], weights)
    return (h / diff(edges) / sum(h) if density else h), edges


@implements(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """Counts in the cells of a grid; sample: (points, dimensions), or a list with the coordinates of each dimension."""
    if isinstance(sample, (list, tuple)):
        columns = [array(x) for x in sample]
    else:
        points = array(sample)
        points = points if len(shape_of(points)) == 2 else expand(points, (1,))
        columns = [item(points, 1, i) for i in builtins.range(shape_of(points)[1])]
    d = len(columns)
    scalar = isinstance(bins, (int, np.integer))
    if not scalar and len(bins) != d:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    if range is not None and len(range) != d:
        raise ValueError("range argument must have one entry per dimension")
    each = [bins] * d if scalar else list(bins)
    limits = [None] * d if range is None else list(range)
    edges = [edges_of(x, b, r) for x, b, r in zip(columns, each, limits, strict=True)]
    w = None if weights is None else to_dtype(array(weights), DOUBLE)
    h = to_dtype(counted(edges, columns, w), DOUBLE)
    if density:
        total = sum(h)
        for axis, e in enumerate(edges):
            h = h / expand(diff(e), tuple(i for i in builtins.range(d) if i != axis))
        h = h / total
    return h, tuple(edges)


@implements(np.histogram2d)
def histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """Counts in the cells of a grid in the plane."""
    x, y = array(x), array(y)
    if shape_of(x) != shape_of(y):
        raise ValueError("x and y must have the same length.")
    if not isinstance(bins, (int, np.integer)) and len(bins) not in (1, 2):
        bins = [bins, bins]
    elif not isinstance(bins, (int, np.integer)) and len(bins) == 1:
        bins = [bins[0], bins[0]]
    h, edges = histogramdd([x, y], bins, range, density, weights)
    return h, *edges
