"""Shape primitives, all linear: broadcast_to and sum (each the other's transpose), reshape, transpose."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Linear, Primitive, Sample
from ..core.trace import Tracer
from ..core.types import ArrayType, dtype_of, shape_of


def reduced(shape: tuple[int, ...], axis: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without these axes."""
    return tuple(n for i, n in enumerate(shape) if i not in axis)


def kept(shape: tuple[int, ...], axis: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with length one at these axes."""
    return tuple(1 if i in axis else n for i, n in enumerate(shape))


def spread(y: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """A reduced array, repeated over the axes of x that it was reduced over."""
    shape = tuple(x.shape)
    if len(axis) != len(shape):
        y = reshape(y, shape=kept(shape, axis))
    return broadcast_to(y, shape=shape) if isinstance(y, Tracer) else _broadcast_to(y, shape=shape)


def shifted(axis: tuple[int, ...]) -> tuple[int, ...]:
    """The same axes behind a batch axis."""
    return tuple(a + 1 for a in axis)


# sum -------------------------------------------------------------------------------------------------------------
def _sum_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((3,), (0,)), ((2, 3), (1,)), ((2, 3, 2), (0, 2)), ((2, 3), ()), ((0, 2), (0,)), ((), ())]:
        yield Sample((np.asarray(rng.normal(size=shape)),), {"axis": axis})


sum_ = Primitive(
    "sum",
    lambda x, axis: np.add.reduce(x, axis),
    Linear(lambda y_bar, x, axis: spread(y_bar, x, axis)),
    type_rule=lambda x, axis: ArrayType(reduced(x.shape, axis), x.dtype),
    batch=lambda size, batched, x, axis: (sum_(x, axis=shifted(axis)), True),
    samples=_sum_samples,
)


# broadcast_to ----------------------------------------------------------------------------------------------------
def _broadcast_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    if type(x) is np.ndarray and x.ndim:
        return np.broadcast_to(x, shape)
    if math.prod(shape) <= 1024:  # cheaper to fill than to make a view
        y = np.empty(shape, dtype_of(x))
        y.fill(x)
        return y
    x = np.asarray(x)
    return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))


def _broadcast_T(y_bar: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that were added or stretched."""
    lead = len(shape) - len(x.shape)
    stretched = tuple(i for i in range(lead, len(shape)) if x.shape[i - lead] != shape[i])
    axes = tuple(range(lead)) + stretched
    if not stretched:
        return sum_(y_bar, axis=axes) if axes else y_bar
    return reshape(sum_(y_bar, axis=axes), shape=tuple(x.shape))


def _broadcast_batch(size: int, batched: list[bool], x: Any, *, shape: tuple[int, ...]) -> tuple[Any, bool]:
    lead = len(shape) - (len(shape_of(x)) - 1)
    x = reshape(x, shape=(size, *(1,) * lead, *shape_of(x)[1:]))
    return broadcast_to(x, shape=(size, *shape)), True


def _broadcast_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for before, after in [((), (3,)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3, 1), (4, 2, 3, 2)), ((0,), (2, 0))]:
        yield Sample((np.asarray(rng.normal(size=before)),), {"shape": after})


broadcast_to = Primitive(
    "broadcast_to",
    _broadcast_to,
    Linear(_broadcast_T),
    type_rule=lambda x, shape: ArrayType(shape, x.dtype),
    batch=_broadcast_batch,
    samples=_broadcast_samples,
)


# reshape ---------------------------------------------------------------------------------------------------------
def _reshape_batch(size: int, batched: list[bool], x: Any, *, shape: tuple[int, ...]) -> tuple[Any, bool]:
    return reshape(x, shape=(size, *shape)), True


def _reshape_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for before, after in [((6,), (2, 3)), ((2, 3), (3, 2)), ((), (1,)), ((0, 2), (0,))]:
        yield Sample((np.asarray(rng.normal(size=before)),), {"shape": after})


reshape = Primitive(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    Linear(lambda y_bar, x, shape: reshape(y_bar, shape=tuple(x.shape))),
    type_rule=lambda x, shape: ArrayType(shape, x.dtype),
    batch=_reshape_batch,
    samples=_reshape_samples,
)


# transpose -------------------------------------------------------------------------------------------------------
def _transpose_batch(size: int, batched: list[bool], x: Any, *, axes: tuple[int, ...]) -> tuple[Any, bool]:
    return transpose(x, axes=(0, *(a + 1 for a in axes))), True


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def _transpose_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axes in [((2, 3), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((0, 2), (1, 0))]:
        yield Sample((rng.normal(size=shape),), {"axes": axes})


transpose = Primitive(
    "transpose",
    lambda x, axes: np.asarray(x).transpose(axes),
    Linear(lambda y_bar, x, axes: transpose(y_bar, axes=_inverse(axes))),
    type_rule=lambda x, axes: ArrayType(tuple(x.shape[a] for a in axes), x.dtype),
    batch=_transpose_batch,
    samples=_transpose_samples,
)
