"""The distinct elements of an array: how many there are, and where. No derivatives; NumPy's `unique` finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Primitive, Sample
from ..core.types import ArrayType
from .index import Index, slice_
from .join import stack


def _found(x: Any, axis: int | None, equal_nan: bool) -> tuple[Any, ...]:
    found = np.unique(x, return_index=True, return_inverse=True, return_counts=True, axis=axis, equal_nan=equal_nan)
    return found[1:]


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((np.array([2.0, 1.0, 2.0, 3.0]),), {"axis": None, "equal_nan": True})
    yield Sample((np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0]]),), {"axis": 0, "equal_nan": True})


def _count_batch(size: int, batched: list[bool], x: Any, **params: Any) -> tuple[Any, bool]:
    return stack(*(count_distinct(slice_(x, index=Index((k,))), **params) for k in range(size)), axis=0), True


count_distinct = Primitive(
    "count_distinct",
    lambda x, axis, equal_nan: np.intp(len(_found(x, axis, equal_nan)[0])),
    Constant(),
    type_rule=lambda x, axis, equal_nan: ArrayType((), np.intp),
    batch=_count_batch,
    samples=_samples,
)


def _distinct_type(x: ArrayType, *, count: int, axis: int | None, equal_nan: bool) -> list[ArrayType]:
    """NumPy 2.0 gives the inverse another shape where an axis is given: it is what NumPy says it is."""
    inverse = np.unique(np.empty(x.shape, bool), return_inverse=True, axis=axis)[1].shape
    return [ArrayType(shape, np.intp) for shape in ((count,), inverse, (count,))]


def _distinct_batch(size: int, batched: list[bool], x: Any, **params: Any) -> Any:
    """Every lane has as many."""
    found = [distinct(slice_(x, index=Index((k,))), **params) for k in range(size)]
    return [stack(*parts, axis=0) for parts in zip(*found, strict=True)], [True] * 3


def _distinct_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample, count in zip(_samples(rng), (3, 2), strict=True):
        yield Sample(sample.args, {**sample.params, "count": count})


distinct = Primitive(
    "distinct",  # where each comes first, where each element went, how often each occurs
    lambda x, count, axis, equal_nan: list(_found(x, axis, equal_nan)),
    Constant(),
    type_rule=_distinct_type,
    batch=_distinct_batch,
    samples=_distinct_samples,
    multiple=True,
)
