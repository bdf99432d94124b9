"""slice_places: the indices of a slice of static length, whose start is checked when the program runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Primitive, Sample
from ..core.types import ArrayType
from ..errors import ShapeError, Source


def reach(length: int, step: int) -> int:
    """How much of an axis so many elements take."""
    return (length - 1) * step + 1 if length else 0


def beyond(start: int, length: int, step: int, extent: int, where: Source | None = None) -> ShapeError:
    """The error for a slice that does not lie in its axis: NumPy's would have another length."""
    last = extent - reach(length, step)
    return ShapeError(
        f"a slice of {length} elements begins at {start} of an axis of length {extent}, and does not lie in it",
        why="NumPy would cut it off (or count a negative start from the end), so its length would depend on data",
        write=f"a start between 0 and {last}, such as np.clip(i, 0, {last}), or a padded array"
        if last >= 0
        else "a shorter slice",
        where=where,
    )


def _slice_places(i: Any, *, length: int, step: int, extent: int) -> Any:
    i = np.asarray(i)
    outside = (i < 0) | (i > extent - reach(length, step))
    if np.any(outside):
        raise beyond(int(i[outside].flat[0]), length, step, extent)
    return i[..., None] + np.arange(0, length * step, step, dtype=np.intp)


def _places_type(i: ArrayType, length: int, step: int, extent: int) -> ArrayType:
    return ArrayType((*i.shape, length), np.intp)


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for i, length, step in [(np.array(3), 2, 1), (np.array([0, 3]), 2, 1), (np.array(1), 2, 3), (np.array(2), 0, 1)]:
        yield Sample((i,), {"length": length, "step": step, "extent": 5})


slice_places: Primitive = Primitive(
    "slice_places",  # i, i + step, ..., of a slice that lies in an axis of length `extent`; ShapeError elsewhere
    _slice_places,
    Constant(),
    type_rule=_places_type,
    batch=lambda size, batched, i, **params: (slice_places(i, **params), True),
    samples=_samples,
)
