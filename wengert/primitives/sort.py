"""Sorting: the orders (argsort, argpartition, lexsort, searchsorted), and `rearrange`, which applies one along an axis.

A sorted array is its elements in another order, so its derivative is the same rearrangement of the tangents.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Linear, Primitive, Sample
from ..core.types import ArrayType, shape_of
from .index import lanes


def _order(name: str, impl: Any, **extra: Any) -> Primitive:
    """An order of the elements along an axis."""

    def batch(size: int, batched: list[bool], x: Any, *, axis: int, **params: Any) -> tuple[Any, bool]:
        return p(x, axis=axis + 1, **params), True

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape, axis in [((4,), 0), ((2, 3), 1), ((3, 2), 0)]:
            yield Sample((rng.normal(size=shape),), {"axis": axis, **extra})

    p = Primitive(
        name,
        impl,
        Constant(),
        type_rule=lambda x, **params: ArrayType(x.shape, np.intp),
        batch=batch,
        samples=samples,
    )
    return p


argsort = _order("argsort", lambda x, axis, kind: np.argsort(x, axis, kind), kind=None)
argpartition = _order("argpartition", lambda x, axis, kth: np.argpartition(x, kth, axis), kth=(1,))


# rearrange -------------------------------------------------------------------------------------------------------
def _rearrange(x: Any, order: Any, *, axis: int, inverse: bool) -> Any:
    """y[i] = x[order[i]] along the axis; inverse: y[order[i]] = x[i]."""
    if not inverse:
        return x[order] if x.ndim == 1 else np.take_along_axis(x, order, axis)
    y = np.empty(order.shape, x.dtype)
    np.put_along_axis(y, order, x, axis)
    return y


def _rearrange_T(y_bar: Any, x: Any, order: Any, *, axis: int, inverse: bool) -> Any:
    return rearrange(y_bar, order, axis=axis, inverse=not inverse)


def _rearrange_batch(size: int, batched: list[bool], x: Any, order: Any, *, axis: int, inverse: bool) -> Any:
    x, order = lanes(size, batched[0], x), lanes(size, batched[1], order)
    return rearrange(x, order, axis=axis + 1, inverse=inverse), True


def _rearrange_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((4,), 0), ((2, 3), 1), ((3, 2), 0), ((0,), 0)]:
        for inverse in (False, True):
            x = rng.normal(size=shape)
            yield Sample((x, np.argsort(rng.normal(size=shape), axis)), {"axis": axis, "inverse": inverse})


rearrange = Primitive(
    "rearrange",
    _rearrange,
    Linear(_rearrange_T, None),
    type_rule=lambda x, order, axis, inverse: ArrayType(x.shape, x.dtype),
    batch=_rearrange_batch,
    samples=_rearrange_samples,
)


# lexsort ---------------------------------------------------------------------------------------------------------
def _lexsort_batch(size: int, batched: list[bool], *keys: Any, axis: int) -> tuple[Any, bool]:
    return lexsort(*(lanes(size, on, k) for on, k in zip(batched, keys, strict=True)), axis=axis + 1), True


def _lexsort_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((4,), 0), ((2, 3), 1)]:
        yield Sample((rng.normal(size=shape), rng.normal(size=shape)), {"axis": axis})


lexsort = Primitive(
    "lexsort",
    lambda *keys, axis: np.lexsort(keys, axis),
    Constant(),
    type_rule=lambda *keys, axis: ArrayType(keys[0].shape, np.intp),
    batch=_lexsort_batch,
    samples=_lexsort_samples,
)


# searchsorted ----------------------------------------------------------------------------------------------------
def _searchsorted(a: Any, v: Any, *, side: Any) -> Any:
    """Of each row of a, all but the last axis of which v has in front."""
    if np.ndim(a) == 1:
        return np.searchsorted(a, v, side)
    found = np.empty(np.shape(v), np.intp)
    for row in np.ndindex(a.shape[:-1]):
        found[row] = np.searchsorted(a[row], v[row], side)
    return found


def _searchsorted_batch(size: int, batched: list[bool], a: Any, v: Any, *, side: str) -> tuple[Any, bool]:
    if batched[0] or len(shape_of(a)) > 1:
        a, v = lanes(size, batched[0], a), lanes(size, batched[1], v)
    return searchsorted(a, v, side=side), True


def _searchsorted_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(), (3,), (2, 3), (0,)]:
        for side in ("left", "right"):
            yield Sample((np.sort(rng.normal(size=4)), np.asarray(rng.normal(size=shape))), {"side": side})


searchsorted = Primitive(
    "searchsorted",
    _searchsorted,
    Constant(),
    type_rule=lambda a, v, side: ArrayType(v.shape, np.intp),
    batch=_searchsorted_batch,
    samples=_searchsorted_samples,
)
