"""Indexing by integer arrays, all linear: gather, its transpose scatter_add, scatter_set and scatter_clear.

The index arrays are arguments. They broadcast to one shape, and index the axes axis, axis + 1, ... of x together:
y[a, i, b] = x[a, indices(i), b]. What else NumPy's indexing can say is composed of this, slices and transpositions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Linear, Primitive, Sample
from ..core.types import ArrayType, Shape, dtype_of, shape_of
from .elementwise import where
from .index import lanes, own
from .shape import broadcast_to, reshape, transpose

MOST_AXES = 64  # of NumPy's arrays, and so the most index arrays
_INDICES = (None,) * MOST_AXES  # no transposes in these


def _key(indices: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    return (slice(None),) * axis + indices


def _picked(shape: Shape, indices: tuple[Any, ...], axis: int) -> Shape:
    """The shape of x[a, indices(i), b]."""
    return shape[:axis] + np.broadcast_shapes(*map(shape_of, indices)) + shape[axis + len(indices) :]


def flat_index(indices: tuple[Any, ...], dims: Shape) -> Any:
    """Index arrays of several axes as one into these axes together, from 0 on."""
    found = [from_front(i, n) for i, n in zip(indices, dims, strict=True)]
    if len(found) == 1:
        return found[0]
    together = np.broadcast_arrays(*found)
    return np.ravel_multi_index(together, dims) if together[0].size else together[0]


def from_front(i: Any, n: int) -> Any:
    """Indices into an axis of length n, counted from the front; IndexError as NumPy's."""
    i = np.asarray(i)
    if not i.size:
        return i
    low, high = i.min(), i.max()
    if low < -n or high >= n:
        raise IndexError(f"index {high if high >= n else low} is out of bounds for an axis of size {n}")
    return np.where(i < 0, i + n, i) if low < 0 else i


def add_at(total: Any, y: Any, indices: tuple[Any, ...], axis: int) -> None:
    """total[a, indices(i), b] += y[a, i, b], where a repeated index counts as often as it occurs."""
    shape = total.shape
    if len(shape) == 1:
        np.add.at(total, indices[0], y)
        return
    dims = shape[axis : axis + len(indices)]
    i = flat_index(indices, dims)
    if i.ndim == 0:
        total[_key(indices, axis)] += y
        return
    before, n, after = (int(np.prod(d)) for d in (shape[:axis], dims, shape[axis + len(indices) :]))
    if not total.size or not i.size:
        return
    i = i.reshape(-1)
    if not total.flags.c_contiguous:
        np.add.at(total, _key(indices, axis), y)
    elif before == after == 1:
        np.add.at(total.reshape(-1), i, np.reshape(y, -1))
    elif i.size <= n and np.bincount(i).max() == 1:
        total.reshape(before, n, after)[:, i] += np.reshape(y, (before, i.size, after))
    else:  # NumPy's add.at is fast in one dimension
        rows = np.arange(before)[:, None, None] * n + i[:, None]
        np.add.at(total.reshape(-1), (rows * after + np.arange(after)).reshape(-1), np.reshape(y, -1))


class _Lanes:
    """Batched arguments of an indexing, brought to a form in which the lanes are one more indexed axis in front."""

    def __init__(self, size: int, batched: list[bool], indices: tuple[Any, ...], axis: int) -> None:
        self.size, self.axis, self.n = size, axis, len(indices)
        self.rank = max(len(shape_of(i)) - on for i, on in zip(indices, batched, strict=True))
        aligned = [self.align(i) if on else i for i, on in zip(indices, batched, strict=True)]
        self.indices = aligned
        self.with_lanes = [np.arange(size).reshape(size, *(1,) * self.rank), *aligned]

    def align(self, i: Any) -> Any:
        """A batched index array, so that its lane axis stands before all axes of the others."""
        shape = shape_of(i)
        return reshape(i, shape=(self.size, *(1,) * (self.rank - len(shape) + 1), *shape[1:]))

    def moved(self, x: Any, rank: int) -> Any:
        """(lanes, a, i, b) to (lanes, i, a, b), where i stands for `rank` axes."""
        a, i = range(1, self.axis + 1), range(self.axis + 1, self.axis + 1 + rank)
        return transpose(x, axes=(0, *i, *a, *range(self.axis + 1 + rank, len(shape_of(x)))))

    def back(self, x: Any, rank: int) -> Any:
        """(lanes, i, a, b) to (lanes, a, i, b)."""
        i, a = range(1, rank + 1), range(rank + 1, rank + 1 + self.axis)
        return transpose(x, axes=(0, *a, *i, *range(rank + 1 + self.axis, len(shape_of(x)))))


def _cases(rng: np.random.Generator) -> Iterator[tuple[Shape, tuple[Any, ...], int]]:
    yield (4,), (np.array([2, 0, 2, -1, 2]),), 0
    yield (3, 2), (np.array([2, 0, 2]),), 0
    yield (2, 5), (np.array([4, -3]),), 1
    yield (2, 3, 2), (np.array([[1, 0], [1, 1]]),), 1
    yield (3, 4, 2), (np.array([0, -1, 0]), np.array([[2], [-4]])), 0
    yield (2, 3, 3), (np.array([0, 1, 0]), np.array([1, 1, 1])), 1
    yield (3,), (np.array([], int),), 0
    yield (3,), (np.array(1),), 0
    yield (0, 2), (np.array([], int),), 0


# gather ----------------------------------------------------------------------------------------------------------
def _gather(x: Any, *indices: Any, axis: int) -> Any:
    return x[_key(indices, axis)]


def _gather_accumulate(total: Any, y_bar: Any, x: Any, *indices: Any, axis: int) -> None:
    add_at(total, y_bar, indices, axis)


def _gather_batch(size: int, batched: list[bool], x: Any, *indices: Any, axis: int) -> tuple[Any, bool]:
    if not any(batched[1:]):
        return gather(x, *indices, axis=axis + 1), True
    by = _Lanes(size, batched[1:], indices, axis)
    if batched[0]:
        return by.back(gather(by.moved(x, by.n), *by.with_lanes, axis=0), by.rank), True
    y = gather(x, *by.indices, axis=axis)
    a, b = range(axis), range(axis + 1, len(shape_of(y)))
    return transpose(y, axes=(axis, *a, *b)), True


def _gather_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, indices, axis in _cases(rng):
        yield Sample((rng.normal(size=shape), *indices), {"axis": axis})


gather: Primitive = Primitive(
    "gather",
    _gather,
    Linear(
        lambda y_bar, x, *indices, axis: scatter_add(y_bar, *indices, axis=axis, shape=tuple(x.shape)),
        *_INDICES,
    ),
    type_rule=lambda x, *indices, axis: ArrayType(_picked(x.shape, indices, axis), x.dtype),
    batch=_gather_batch,
    samples=_gather_samples,
    accumulate=_gather_accumulate,
)


# scatter_add -----------------------------------------------------------------------------------------------------
def _scatter_add(y: Any, *indices: Any, axis: int, shape: Shape) -> Any:
    total = np.zeros(shape, dtype_of(y))
    add_at(total, y, indices, axis)
    return total


def _scatter_add_batch(size: int, batched: list[bool], y: Any, *indices: Any, axis: int, shape: Shape) -> Any:
    y = lanes(size, batched[0], y)
    if not any(batched[1:]):
        return scatter_add(y, *indices, axis=axis + 1, shape=(size, *shape)), True
    by = _Lanes(size, batched[1:], indices, axis)
    indexed, n = shape[axis : axis + by.n], axis + by.n
    total = scatter_add(by.moved(y, by.rank), *by.with_lanes, axis=0, shape=(size, *indexed, *shape[:axis], *shape[n:]))
    return by.back(total, by.n), True


def _scatter_add_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, indices, axis in _cases(rng):
        y = np.asarray(rng.normal(size=_picked(shape, indices, axis)))
        yield Sample((y, *indices), {"axis": axis, "shape": shape})


scatter_add: Primitive = Primitive(
    "scatter_add",
    _scatter_add,
    Linear(lambda y_bar, y, *indices, axis, shape: gather(y_bar, *indices, axis=axis), *_INDICES),
    type_rule=lambda y, *indices, axis, shape: ArrayType(shape, y.dtype),
    batch=_scatter_add_batch,
    samples=_scatter_add_samples,
    into=lambda total, y, *indices, axis, shape: add_at(total, y, indices, axis),
)


# scatter_set -----------------------------------------------------------------------------------------------------
def _scatter_set(x: Any, v: Any, *indices: Any, axis: int) -> Any:
    y = own(x)
    y[_key(indices, axis)] = v
    return y


def _scatter_set_T(y_bar: Any, x: Any, v: Any, *indices: Any, axis: int) -> Any:
    """Of values that were assigned to one place only the last has an adjoint."""
    if all(shape_of(i) == () for i in indices):
        return gather(y_bar, *indices, axis=axis)
    kept = last_assigned(*indices, dims=tuple(x.shape[axis : axis + len(indices)]))
    v_bar = gather(y_bar, *indices, axis=axis)
    shape = shape_of(kept) + (1,) * (len(v.shape) - axis - len(shape_of(kept)))
    return where(broadcast_to(reshape(kept, shape=shape), shape=tuple(v.shape)), v_bar, 0.0)


def _scatter_set_overwrite(y_bar: Any, x: Any, v: Any, *indices: Any, axis: int) -> tuple[Any, Any]:
    v_bar = _scatter_set_T(y_bar, x, v, *indices, axis=axis)
    y_bar[_key(indices, axis)] = 0
    return y_bar, v_bar


def _scatter_set_batch(size: int, batched: list[bool], x: Any, v: Any, *indices: Any, axis: int) -> tuple[Any, bool]:
    x, v = lanes(size, batched[0], x), lanes(size, batched[1], v)
    if not any(batched[2:]):
        return scatter_set(x, v, *indices, axis=axis + 1), True
    by = _Lanes(size, batched[2:], indices, axis)
    y = scatter_set(by.moved(x, by.n), by.moved(v, by.rank), *by.with_lanes, axis=0)
    return by.back(y, by.n), True


def _scatter_set_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, indices, axis in _cases(rng):
        v = np.asarray(rng.normal(size=_picked(shape, indices, axis)))
        yield Sample((rng.normal(size=shape), v, *indices), {"axis": axis})


scatter_set: Primitive = Primitive(
    "scatter_set",
    _scatter_set,
    Linear(
        lambda y_bar, x, v, *indices, axis: scatter_clear(y_bar, *indices, axis=axis),
        _scatter_set_T,
        *_INDICES,
    ),
    type_rule=lambda x, v, *indices, axis: ArrayType(x.shape, x.dtype),
    batch=_scatter_set_batch,
    samples=_scatter_set_samples,
    overwrite=_scatter_set_overwrite,
)


# scatter_clear ---------------------------------------------------------------------------------------------------
def _scatter_clear(x: Any, *indices: Any, axis: int) -> Any:
    y = np.array(x)
    y[_key(indices, axis)] = 0
    return y


def _scatter_clear_batch(size: int, batched: list[bool], x: Any, *indices: Any, axis: int) -> tuple[Any, bool]:
    x = lanes(size, batched[0], x)
    if not any(batched[1:]):
        return scatter_clear(x, *indices, axis=axis + 1), True
    by = _Lanes(size, batched[1:], indices, axis)
    return by.back(scatter_clear(by.moved(x, by.n), *by.with_lanes, axis=0), by.n), True


scatter_clear: Primitive = Primitive(
    "scatter_clear",
    _scatter_clear,
    Linear(lambda y_bar, x, *indices, axis: scatter_clear(y_bar, *indices, axis=axis), *_INDICES),
    type_rule=lambda x, *indices, axis: ArrayType(x.shape, x.dtype),
    batch=_scatter_clear_batch,
    samples=_gather_samples,
)


# last_assigned ---------------------------------------------------------------------------------------------------
def _last_assigned(*indices: Any, dims: Shape) -> Any:
    """Where does an index not come again later?"""
    i = flat_index(indices, dims)
    order = np.arange(i.size).reshape(i.shape)
    last = np.empty(int(np.prod(dims)), np.intp)
    last[i] = order
    return last[i] == order


def _last_assigned_batch(size: int, batched: list[bool], *indices: Any, dims: Shape) -> tuple[Any, bool]:
    by = _Lanes(size, batched, indices, 0)
    return last_assigned(*by.with_lanes, dims=(size, *dims)), True


def _last_assigned_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, indices, axis in _cases(rng):
        yield Sample(indices, {"dims": shape[axis : axis + len(indices)]})


last_assigned: Primitive = Primitive(
    "last_assigned",
    _last_assigned,
    Constant(),
    type_rule=lambda *indices, dims: ArrayType(np.broadcast_shapes(*map(shape_of, indices)), bool),
    batch=_last_assigned_batch,
    samples=_last_assigned_samples,
)


# nonzero ---------------------------------------------------------------------------------------------------------
def _nonzero_batch(size: int, batched: list[bool], x: Any, *, count: int) -> Any:
    """Every lane has as many: all are found together, in the order of the lanes."""
    _, *found = nonzero(x, count=size * count)
    return [reshape(i, shape=(size, count)) for i in found], [True] * len(found)


def _nonzero_samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((np.array([True, False, True]),), {"count": 2})
    yield Sample((np.array([[0, 3, 0], [1, 0, 0]]),), {"count": 2})


nonzero: Primitive = Primitive(
    "nonzero",
    lambda x, count: list(np.nonzero(x)),
    Constant(),
    type_rule=lambda x, count: [ArrayType((count,), np.intp) for _ in x.shape],
    batch=_nonzero_batch,
    samples=_nonzero_samples,
    multiple=True,
)
