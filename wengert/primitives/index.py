"""Indexing by a static index, all linear: slice, its transpose place, set_slice (a part replaced), clear_slice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.primitive import Linear, Primitive, Sample
from ..core.types import ArrayType, dtype_of, shape_of
from .shape import broadcast_to


class Index(tuple[Any, ...]):
    """A static index, one entry an axis from the first on: an int, or `(start, count, step)` for a slice.

    None is a new axis. A last entry `...` means what it does in NumPy: a result without axes is an array, not a scalar.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"[{', '.join(map(_entry_text, self))}]"


def _entry_text(entry: Any) -> str:
    if type(entry) is not tuple:
        return "..." if entry is ... else str(entry)
    start, count, step = entry
    stop = start + count * step
    return f"{start}:{stop if stop >= 0 else ''}" + (f":{step}" if step != 1 else "")


@lru_cache(maxsize=4096)
def numpy_index(index: Index) -> tuple[Any, ...]:
    """The index as NumPy takes it."""
    return tuple(_slice_object(*e) if type(e) is tuple else e for e in index)


def _slice_object(start: int, count: int, step: int) -> slice:
    stop = start + count * step
    return slice(start, stop if stop >= 0 else None, step) if count else slice(0, 0)


def selected(shape: tuple[int, ...], index: Index) -> tuple[int, ...]:
    """The shape that an index selects."""
    out = []
    axis = 0
    for entry in index:
        if entry is None:
            out.append(1)
        elif entry is not ...:
            if type(entry) is tuple:
                out.append(entry[1])
            axis += 1
    return (*out, *shape[axis:])


def along(axis: int, shape: tuple[int, ...], entry: Any) -> Index:
    """The index with this entry at one axis, and all of the axes before it."""
    return Index((*((0, n, 1) for n in shape[:axis]), entry))


def behind_lanes(size: int, index: Index) -> Index:
    """The same index behind a batch axis."""
    return Index(((0, size, 1), *index))


def lanes(size: int, batched: bool, x: Any) -> Any:
    """An argument with the batch axis, repeated along it where it has none."""
    return x if batched else broadcast_to(x, shape=(size, *shape_of(x)))


class _Donated(threading.local):
    """Arrays that belong to nobody but the assignment in progress, which may therefore overwrite them."""

    arrays: tuple[Any, ...] = ()


donated = _Donated()


def own(x: Any) -> Any:
    """An array to write into that has the values (and the memory order) of x: x itself where it was donated."""
    for array in donated.arrays:
        if array is x:
            return x
    return np.array(x)


_CASES: list[tuple[tuple[int, ...], Index]] = [
    ((3,), Index((1,))),
    ((5,), Index(((3, 2, -2),))),
    ((2, 3), Index((1,))),
    ((2, 3), Index(((0, 2, 1), None, 2))),
    ((4, 3), Index(((3, 4, -1), (0, 2, 2)))),
    ((3,), Index(((0, 0, 1),))),
    ((), Index((None,))),
    ((2,), Index((1, ...))),
]


# slice -----------------------------------------------------------------------------------------------------------
def _slice(x: Any, *, index: Index) -> Any:
    return (x if type(x) is np.ndarray else np.asarray(x))[numpy_index(index)]


def _slice_accumulate(total: Any, y_bar: Any, x: Any, *, index: Index) -> None:
    total[numpy_index(index)] += y_bar


def _slice_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, index in _CASES:
        yield Sample((np.asarray(rng.normal(size=shape)),), {"index": index})


slice_: Primitive = Primitive(
    "slice",
    _slice,
    Linear(lambda y_bar, x, index: place(y_bar, index=index, shape=tuple(x.shape))),
    type_rule=lambda x, index: ArrayType(selected(x.shape, index), x.dtype),
    batch=lambda size, batched, x, index: (slice_(x, index=behind_lanes(size, index)), True),
    samples=_slice_samples,
    accumulate=_slice_accumulate,
)


# place -----------------------------------------------------------------------------------------------------------
def _place(x: Any, *, index: Index, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape, dtype_of(x))
    y[numpy_index(index)] = x
    return y


def _place_into(total: Any, x: Any, *, index: Index, shape: tuple[int, ...]) -> None:
    total[numpy_index(index)] += x


def _place_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, index in _CASES:
        yield Sample((np.asarray(rng.normal(size=selected(shape, index))),), {"index": index, "shape": shape})


place: Primitive = Primitive(
    "place",
    _place,
    Linear(lambda y_bar, x, index, shape: slice_(y_bar, index=index)),
    type_rule=lambda x, index, shape: ArrayType(shape, x.dtype),
    batch=lambda size, batched, x, index, shape: (
        place(x, index=behind_lanes(size, index), shape=(size, *shape)),
        True,
    ),
    samples=_place_samples,
    into=_place_into,
)


# set_slice -------------------------------------------------------------------------------------------------------
def _set_slice(x: Any, v: Any, *, index: Index) -> Any:
    y = own(x)
    y[numpy_index(index)] = v
    return y


def _set_slice_overwrite(y_bar: Any, x: Any, v: Any, *, index: Index) -> tuple[Any, Any]:
    """The adjoint of v is taken out of y_bar, which then is that of x."""
    key = numpy_index(index)
    v_bar = y_bar[key].copy()
    y_bar[key] = 0
    return y_bar, v_bar


def _set_slice_batch(size: int, batched: list[bool], x: Any, v: Any, *, index: Index) -> tuple[Any, bool]:
    x, v = (lanes(size, on, a) for on, a in zip(batched, (x, v), strict=True))
    return set_slice(x, v, index=behind_lanes(size, index)), True


def _set_slice_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, index in _CASES:
        v = np.asarray(rng.normal(size=selected(shape, index)))
        yield Sample((np.asarray(rng.normal(size=shape)), v), {"index": index})


set_slice: Primitive = Primitive(
    "set_slice",
    _set_slice,
    Linear(
        lambda y_bar, x, v, index: clear_slice(y_bar, index=index),
        lambda y_bar, x, v, index: slice_(y_bar, index=index),
    ),
    type_rule=lambda x, v, index: ArrayType(x.shape, x.dtype),
    batch=_set_slice_batch,
    samples=_set_slice_samples,
    overwrite=_set_slice_overwrite,
)


# clear_slice -----------------------------------------------------------------------------------------------------
def _clear_slice(x: Any, *, index: Index) -> Any:
    y = np.array(x)
    y[numpy_index(index)] = 0
    return y


clear_slice: Primitive = Primitive(
    "clear_slice",
    _clear_slice,
    Linear(lambda y_bar, x, index: clear_slice(y_bar, index=index)),
    type_rule=lambda x, index: ArrayType(x.shape, x.dtype),
    batch=lambda size, batched, x, index: (clear_slice(x, index=behind_lanes(size, index)), True),
    samples=_slice_samples,
)
