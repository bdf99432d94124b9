"""Medians, quantiles and percentiles: order statistics, and straight lines between neighbouring ones.

Order statistics are elements of the array, so their slopes are 0 and 1; the order itself has no derivative. Methods:
R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996), 361-365.
"""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import shape_of
from ..primitives import reduce as reduce_
from ..primitives.gather import gather
from ..primitives.shape import kept, reduced, reshape
from ..primitives.sort import argpartition, argsort, searchsorted
from .accumulations import cumsum
from .dispatch import implements, normalize_axis
from .parts import array, expand, floating, item, merged_last, move_axis, shaped, spread_to
from .reductions import NO
from .statistics import is_true_of_any, weights_for
from .ufuncs import deliver, kind_of, select, to_dtype

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

INDEX = np.dtype(np.intp)
FEW = 16  # order statistics that are found by partitions sooner than by sorting
DOUBLE = np.dtype(np.float64)

Place = tuple[Any, Any]  # the index below a quantile among the sorted elements, and the way to the next: 0 to 1


def _place(virtual: Any) -> Place:
    below = np.floor(virtual)
    return below, virtual - below


def _between(alpha: float, beta: float) -> Callable[[Any, Any], Place]:
    """The methods 4 to 9 of Hyndman and Fan: continuous in q."""
    return lambda n, q: _place(n * q + (alpha + q * (1 - alpha - beta)) - 1)


def _inverted_cdf(n: Any, q: Any) -> Place:
    below, g = _place(n * q - 1)
    return select(np.equal(g, 0), below, below + 1), 0.0


def _averaged_inverted_cdf(n: Any, q: Any) -> Place:
    below, g = _place(n * q - 1)
    return below, select(np.equal(g, 0), 0.5, 1.0)


def _closest_observation(n: Any, q: Any) -> Place:
    below, g = _place(n * q - 1.5)
    even = np.logical_and(np.equal(g, 0), np.equal(below % 2, 1))
    return select(even, below, below + 1), 0.0


def _midpoint(n: Any, q: Any) -> Place:
    below, g = _place((n - 1) * q)
    return below, select(np.equal(g, 0), 0.0, 0.5)


METHODS: dict[str, Callable[[Any, Any], Place]] = {
    "inverted_cdf": _inverted_cdf,
    "averaged_inverted_cdf": _averaged_inverted_cdf,
    "closest_observation": _closest_observation,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "linear": lambda n, q: _place((n - 1) * q),
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
    "lower": lambda n, q: (np.floor((n - 1) * q), 0.0),
    "higher": lambda n, q: (np.ceil((n - 1) * q), 0.0),
    "midpoint": _midpoint,
    "nearest": lambda n, q: (np.rint((n - 1) * q), 0.0),
}


class Rows:
    """An array as rows along which to find order statistics, with what NaN does to them.

    keep_nan: a NaN makes the quantiles of its row NaN; otherwise it does not count.
    """

    def __init__(self, a: Any, axis: Any, keep_nan: bool) -> None:
        self.whole = floating(a)
        if self.whole.dtype.kind == "c":
            raise TypeError("a must be an array of real numbers")
        shape = shape_of(self.whole)
        self.axes = normalize_axis(axis, len(shape))
        self.n = math.prod(shape[i] for i in self.axes)
        self.rest = reduced(shape, self.axes)
        self.x = self.as_rows(self.whole)
        self.nan = np.isnan(self.x)
        self.present = self.n - expand(reduce_.count(self.nan, axis=(1,)), (1,))
        self.count = self.n if keep_nan else self.present

    def as_rows(self, x: Any) -> Any:
        """(rows, n): the axes that are reduced over merged into the last."""
        return reshape(merged_last(x, self.axes), shape=(math.prod(self.rest), self.n))

    def pick(self, x: Any, i: Any) -> Any:
        """x[r, i[r, k]]."""
        return gather(x, np.arange(shape_of(x)[0])[:, None], i, axis=0)

    @functools.cached_property
    def order(self) -> Any:
        """The places of the elements in order; NaN comes last."""
        return argsort(self.x, axis=1, kind=None)

    def at(self, *places: Any) -> list[Any]:
        """The elements that are the i-th in order, i being (1, k) or (rows, k); beyond the ends the first or last."""
        at = [to_dtype(np.clip(i, 0, np.maximum(self.count - 1, 0)), INDEX) for i in places]
        wanted = sorted({int(k) for i in at if not isinstance(i, Tracer) for k in i.flat})
        few = 0 < len(wanted) <= FEW and self.x.shape[0] and self.n and not any(isinstance(i, Tracer) for i in at)
        order = argpartition(self.x, axis=1, kth=tuple(wanted)) if few else self.order
        return [self.pick(self.x, self.pick(order, i)) for i in at]

    def finish(self, y: Any, q_shape: tuple[int, ...], out: Any, keepdims: Any) -> Any:
        """(rows, quantiles) to the shape of the result, with NaN where it must be."""
        bad = np.not_equal(self.present, self.n) if self.count is self.n else np.equal(self.present, 0)
        if isinstance(bad, Tracer) or bad.any():
            y = select(bad, np.nan, y)
        last = kept(shape_of(self.whole), self.axes) if keepdims and keepdims is not NO else self.rest
        return deliver(shaped(move_axis(y, 1, 0), (*q_shape, *last)), True, out)


def lerp(a: Any, b: Any, t: Any) -> Any:
    """a + t (b - a), exact at both ends."""
    d = b - a
    return select(np.greater_equal(t, 0.5), b - d * (1 - t), a + d * t)


# quantiles ---------------------------------------------------------------------------------------------------------
def quantiles(
    a: Any, q: Any, axis: Any, out: Any, method: str, keepdims: Any, weights: Any, scale: float, keep_nan: bool
) -> Any:
    """Quantiles of the elements along the axes; a q that is traced moves along the lines between them."""
    if method not in METHODS:
        raise ValueError(f"{method!r} is not a valid method. Use one of: {METHODS.keys()}")
    weak = kind_of(q) in (int, float) if isinstance(q, (Tracer, int, float)) else False
    q = to_dtype(array(q), DOUBLE) if array(q).dtype.kind in "biu" or weak else array(q)
    q = q / scale if scale != 1 else q
    if is_true_of_any(np.logical_not(np.logical_and(np.greater_equal(q, 0), np.less_equal(q, 1)))):
        raise ValueError(
            "Quantiles must be in the range [0, 1]" if scale == 1 else "Percentiles must be in the range [0, 100]"
        )
    if len(shape_of(q)) > 2:
        raise ValueError("q must be a scalar or 1d")
    q_shape = shape_of(q)
    q = reshape(q, shape=(1, math.prod(q_shape)))
    rows = Rows(a, axis, keep_nan)
    if weights is not None:
        y = _weighted(rows, q, weights, axis, method)
    else:
        y = _unweighted(rows, q, method)
    return rows.finish(to_dtype(y, rows.x.dtype) if weak else y, q_shape, out, keepdims)


def _unweighted(rows: Rows, q: Any, method: str) -> Any:
    n = rows.count if isinstance(rows.count, int) else to_dtype(rows.count, q.dtype)
    below, t = METHODS[method](n, q)
    if isinstance(t, float):
        return rows.at(below)[0]
    low, high = rows.at(below, below + 1)
    return lerp(low, high, to_dtype(select(np.less(below, 0), 0.0, t), q.dtype))


def _weighted(rows: Rows, q: Any, weights: Any, axis: Any, method: str) -> Any:
    """The first element at which the weights so far reach q of their sum: constant in the weights."""
    if method != "inverted_cdf":
        raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
    axes = None if axis is None else rows.axes
    w = spread_to(weights_for(weights, rows.whole, axes), shape_of(rows.whole))
    if is_true_of_any(np.less(w, 0)):
        raise ValueError("Weights must be non-negative.")
    w = select(rows.nan, 0.0, to_dtype(rows.as_rows(w), DOUBLE))
    sums = cumsum(rows.pick(w, rows.pick(rows.order, np.arange(rows.n)[None])), 1)
    cdf = sums / expand(item(sums, 1, -1), (1,))
    if is_true_of_any(np.isnan(cdf)):
        raise ValueError("Weights included NaN, inf or were all zero.")
    cdf = select(np.equal(cdf, 0), -1.0, to_dtype(cdf, q.dtype))
    found = searchsorted(cdf, spread_to(q, (shape_of(cdf)[0], shape_of(q)[1])), side="left")
    return rows.at(found)[0]


def _declare(numpy_function: Any, scale: float, keep_nan: bool) -> Callable[..., Any]:
    def function(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        """The value below which a part q of the elements lies."""
        return quantiles(a, q, axis, out, method, keepdims, weights, scale, keep_nan)

    return implements(numpy_function)(function)


quantile = _declare(np.quantile, 1, True)
percentile = _declare(np.percentile, 100, True)
nanquantile = _declare(np.nanquantile, 1, False)
nanpercentile = _declare(np.nanpercentile, 100, False)


# medians -----------------------------------------------------------------------------------------------------------
def _median(a: Any, axis: Any, out: Any, keepdims: Any, keep_nan: bool) -> Any:
    rows = Rows(a, axis, keep_nan)
    if rows.n == 0:
        return deliver(np.full(rows.rest, np.nan, rows.x.dtype), True, out)
    n = expand_number(rows.count)
    if not isinstance(n, Tracer) and not builtins.any((n % 2 == 0).flat):
        return rows.finish(rows.at(n // 2)[0], (), out, keepdims)
    below, y = rows.at((n - 1) // 2, n // 2)
    return rows.finish(select(np.equal(n % 2, 1), y, (below + y) / 2), (), out, keepdims)


def expand_number(n: Any) -> Any:
    """A number of elements as a matrix."""
    return np.array([[n]]) if isinstance(n, int) else n


@implements(np.median)
def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    """The middle element, or the mean of the two in the middle."""
    return _median(a, axis, out, keepdims, True)


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = NO) -> Any:
    """The median of what is not NaN."""
    return _median(a, axis, out, keepdims, False)
