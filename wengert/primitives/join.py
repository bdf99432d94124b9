"""Joining arrays, linear in all of them together: concatenate along an axis, stack along a new one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Linear, Primitive, Sample
from ..core.types import ArrayType
from .index import along, lanes, slice_


# concatenate -----------------------------------------------------------------------------------------------------
def _concatenate_T(y_bar: Any, *xs: Any, axis: int) -> tuple[Any, ...]:
    """Each array's part of the adjoint."""
    parts, start = [], 0
    for x in xs:
        n = x.shape[axis]
        parts.append(slice_(y_bar, index=along(axis, x.shape, (start, n, 1))))
        start += n
    return tuple(parts)


def _concatenate_type(*xs: ArrayType, axis: int) -> ArrayType:
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return ArrayType(tuple(shape), xs[0].dtype)


def _concatenate_batch(size: int, batched: list[bool], *xs: Any, axis: int) -> tuple[Any, bool]:
    return concatenate(*(lanes(size, on, x) for on, x in zip(batched, xs, strict=True)), axis=axis + 1), True


def _concatenate_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shapes, axis in [(((2,), (3,)), 0), (((2, 1), (2, 3), (2, 2)), 1), (((2, 3),), 0), (((0, 2), (1, 2)), 0)]:
        yield Sample(tuple(rng.normal(size=s) for s in shapes), {"axis": axis})


concatenate = Primitive(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis),
    Linear(together=_concatenate_T),
    type_rule=_concatenate_type,
    batch=_concatenate_batch,
    samples=_concatenate_samples,
)


# stack -----------------------------------------------------------------------------------------------------------
def _stack(*xs: Any, axis: int) -> Any:
    return np.array(xs) if axis == 0 else np.stack(xs, axis)


def _stack_T(y_bar: Any, *xs: Any, axis: int) -> tuple[Any, ...]:
    """Each array's slice of the adjoint."""
    return tuple(slice_(y_bar, index=along(axis, xs[0].shape, i)) for i in range(len(xs)))


def _stack_type(*xs: ArrayType, axis: int) -> ArrayType:
    shape = xs[0].shape
    return ArrayType((*shape[:axis], len(xs), *shape[axis:]), xs[0].dtype)


def _stack_batch(size: int, batched: list[bool], *xs: Any, axis: int) -> tuple[Any, bool]:
    return stack(*(lanes(size, on, x) for on, x in zip(batched, xs, strict=True)), axis=axis + 1), True


def _stack_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((), 0), ((3,), 1), ((2, 3), 0), ((2, 3), 1), ((0,), 0)]:
        yield Sample(tuple(np.asarray(rng.normal(size=shape)) for _ in range(3)), {"axis": axis})


stack = Primitive(
    "stack",
    _stack,
    Linear(together=_stack_T),
    type_rule=_stack_type,
    batch=_stack_batch,
    samples=_stack_samples,
)
