"""Sliding windows: `windows` shows an array through windows of its last axes, `overlap_add` adds them up; transposes.

    windows:     y[..., i, k] = x[..., stride i + dilation k]          (..., n) -> (..., count, size)
    overlap_add: x[..., m] = sum of y[..., i, k], stride i + dilation k = m

for each of the last axes; `size`, `stride` and `dilation` have a number for each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Linear, Primitive, Sample
from ..core.types import ArrayType

Ints = tuple[int, ...]


def counts(extent: Ints, size: Ints, stride: Ints, dilation: Ints) -> Ints:
    """How many windows there are along each axis."""
    return tuple((n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(extent, size, stride, dilation, strict=True))


def offsets(count: Ints, stride: Ints, dilation: Ints, size: Ints) -> Iterator[tuple[Ints, tuple[slice, ...]]]:
    """For each place in the window, the elements of all windows at this place."""
    for place in itertools.product(*map(range, size)):
        starts = [k * d for k, d in zip(place, dilation, strict=True)]
        yield place, tuple(slice(a, a + (c - 1) * s + 1, s) for a, c, s in zip(starts, count, stride, strict=True))


# windows ---------------------------------------------------------------------------------------------------------
def _windows(x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    lead = x.ndim - len(size)
    spans = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    y = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(lead, x.ndim)))
    steps = (*(slice(None, None, s) for s in stride), *(slice(None, None, d) for d in dilation))
    return y[(slice(None),) * lead + steps]


def _windows_T(y_bar: Any, x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    return overlap_add(y_bar, extent=tuple(x.shape[len(x.shape) - len(size) :]), stride=stride, dilation=dilation)


def _windows_type(x: ArrayType, size: Ints, stride: Ints, dilation: Ints) -> ArrayType:
    lead = len(x.shape) - len(size)
    return ArrayType((*x.shape[:lead], *counts(x.shape[lead:], size, stride, dilation), *size), x.dtype)


_SHAPES: list[tuple[Ints, Ints, Ints, Ints]] = [
    ((5,), (2,), (1,), (1,)),
    ((2, 7), (3,), (2,), (2,)),
    ((4, 5), (2, 3), (2, 1), (1, 2)),
    ((0, 3), (2,), (1,), (1,)),
]


def _windows_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, size, stride, dilation in _SHAPES:
        yield Sample((rng.normal(size=shape),), {"size": size, "stride": stride, "dilation": dilation})


windows: Primitive = Primitive(
    "windows",
    _windows,
    Linear(_windows_T),
    type_rule=_windows_type,
    batch=lambda size_, batched, x, **params: (windows(x, **params), True),
    samples=_windows_samples,
)


# overlap_add -----------------------------------------------------------------------------------------------------
def _overlap_add(y: Any, *, extent: Ints, stride: Ints, dilation: Ints) -> Any:
    n = len(extent)
    lead, count, size = y.shape[: y.ndim - 2 * n], y.shape[y.ndim - 2 * n : y.ndim - n], y.shape[y.ndim - n :]
    x: Any = np.zeros((*lead, *extent), y.dtype)
    for place, where in offsets(count, stride, dilation, size):
        x[(..., *where)] += y[(..., *place)]
    return x


def _overlap_add_T(x_bar: Any, y: Any, *, extent: Ints, stride: Ints, dilation: Ints) -> Any:
    return windows(x_bar, size=tuple(y.shape[len(y.shape) - len(extent) :]), stride=stride, dilation=dilation)


def _overlap_add_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, size, stride, dilation in _SHAPES:
        lead = len(shape) - len(size)
        y = rng.normal(size=(*shape[:lead], *counts(shape[lead:], size, stride, dilation), *size))
        yield Sample((y,), {"extent": shape[lead:], "stride": stride, "dilation": dilation})


overlap_add: Primitive = Primitive(
    "overlap_add",
    _overlap_add,
    Linear(_overlap_add_T),
    type_rule=lambda y, extent, stride, dilation: ArrayType(
        (*y.shape[: len(y.shape) - 2 * len(extent)], *extent), y.dtype
    ),
    batch=lambda size_, batched, y, **params: (overlap_add(y, **params), True),
    samples=_overlap_add_samples,
)
