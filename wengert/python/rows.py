"""What a `for` goes through, when it becomes a loop of the program: ranges, rows of arrays, and pairs of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core.trace import CONSTANT, Tracer
from ..core.types import dtype_of, shape_of
from ..errors import ControlFlowError, ShapeError
from .values import is_numeric, undecided


class Rows:
    """A sequence whose items are computed of their index and of rows of arrays. length: a number, traced or not."""

    length: Any
    arrays: Sequence[Any] = ()

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """The item at index i, given row i of each array."""
        raise NotImplementedError

    def at(self, i: Any) -> Any:
        """The item at index i."""
        return self.item(i, [row(x, i) for x in self.arrays])

    @property
    def static(self) -> bool:
        """Is the number of items known?"""
        return not undecided(self.length)

    def __len__(self) -> int:
        return int(self.length)

    def __iter__(self) -> Iterator[Any]:
        if not self.static:
            raise shape_of_data()
        return (self.at(k) for k in range(int(self.length)))


class Range(Rows):
    """range(start, stop, step), with traced bounds."""

    def __init__(self, start: Any, stop: Any, step: Any = 1) -> None:
        for x in (start, stop, step):
            if shape_of(x) != () or dtype_of(x).kind not in "iub":
                raise ShapeError(
                    f"range got {dtype_of(x)} of shape {shape_of(x)}; its bounds are integers",
                    why="it counts",
                    write="int(x), which is a step of x and has derivative zero",
                )
        self.start, self.stop, self.step = start, stop, step
        self.length = self.count()

    def count(self) -> Any:
        """How many numbers there are."""
        start, stop = self.start, self.stop
        step: Any = self.step
        if not any(isinstance(x, Tracer) for x in (start, stop, self.step)):
            return len(range(start, stop, step))
        up, down = stop - start, start - stop
        if type(step) is int and step == 1:
            return np.maximum(up, 0)
        if not isinstance(self.step, Tracer):
            n = (up + (step - 1)) // step if step > 0 else (down + (-step - 1)) // -step
        else:
            n = np.where(step > 0, (up + (step - 1)) // step, (down + (-step - 1)) // -step)
        return np.maximum(n, 0)

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """start + i step."""
        scaled = i if type(self.step) is int and self.step == 1 else i * self.step
        return scaled if type(self.start) is int and self.start == 0 else self.start + scaled


class Array(Rows):
    """The rows of an array."""

    def __init__(self, x: Any) -> None:
        self.arrays, self.length = [x], shape_of(x)[0]

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """The row."""
        return rows[0]


class Zip(Rows):
    """zip: as long as the shortest."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        self.parts = parts
        lengths = [p.length for p in parts]
        known = min((n for n in lengths if not isinstance(n, Tracer)), default=None)
        traced: list[Any] = [n for n in lengths if isinstance(n, Tracer)]
        self.length = known
        for n in traced:
            self.length = n if self.length is None else np.minimum(n, self.length)
        arrays = [x for p in parts for x in p.arrays]
        self.arrays = arrays if traced else [x[:known] if shape_of(x)[0] != known else x for x in arrays]

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """One item of each."""
        rest = iter(rows)
        return tuple(p.item(i, [next(rest) for _ in p.arrays]) for p in self.parts)


class Enumerated(Rows):
    """enumerate(rows, start)."""

    def __init__(self, rows: Rows, start: Any = 0) -> None:
        self.rows, self.start, self.length, self.arrays = rows, start, rows.length, rows.arrays

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """(i, item)."""
        return self.start + i, self.rows.item(i, rows)


class Rest(Rows):
    """All rows but the first."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.length = rows, rows.length - 1
        self.arrays = [x[1:] for x in rows.arrays]

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """The next item."""
        return self.rows.item(i + 1, rows)


class Reversed(Rows):
    """reversed(rows)."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.length = rows, rows.length
        self.arrays = [x[::-1] for x in rows.arrays]

    def item(self, i: Any, rows: Sequence[Any]) -> Any:
        """The item as far from the end."""
        return self.rows.item(self.length - 1 - i, rows)


def rows_of(iterable: Any) -> Rows | None:
    """The iterable as rows; None where only Python knows how to go through it."""
    if isinstance(iterable, Rows):
        return iterable
    if type(iterable) is range:
        return Range(iterable.start, iterable.stop, iterable.step)
    if isinstance(iterable, Tracer | np.ndarray) and is_numeric(iterable) and shape_of(iterable):
        return Array(iterable)
    return None


def row(x: Any, i: Any) -> Any:
    """x[i], for a traced index as well."""
    if isinstance(i, Tracer) and isinstance(x, np.ndarray):
        x = traced_array(x)
    return x[i]


def traced_array(x: Any) -> Any:
    """A plain array as one that can be indexed by traced values."""
    return Tracer(CONSTANT, x)


def shape_of_data() -> ControlFlowError:
    """The error for a list or an array as long as a traced value says."""
    return ControlFlowError(
        "a list, a comprehension or an array is as long as a traced value says",
        why="the shapes of arrays are fixed when the program is recorded",
        write="a `for` loop over range(n), which carries what it computes; or an array of the greatest length, "
        "of which the loop fills a part",
    )
