"""What interpolants share: samples along an axis, the interval in which a point lies, points outside, periods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.types import shape_of
from ...errors import ShapeError
from ...numpy.parts import AxisIndex, array, expand
from ...numpy.statistics import is_true_of_any
from ...numpy.ufuncs import to_dtype

DOUBLE = np.dtype(np.float64)


def in_double(x: Any) -> Any:
    """In double precision, as SciPy interpolates."""
    x = array(x)
    return to_dtype(x, np.dtype(np.complex128) if x.dtype.kind == "c" else DOUBLE)


def knots(x: Any, least: int = 2) -> Any:
    """Increasing places of samples; whether they increase is checked where they are known."""
    x = in_double(x)
    if len(shape_of(x)) != 1 or x.dtype.kind == "c":
        raise ValueError("`x` must be 1-dimensional and real.")
    if shape_of(x)[0] < least:
        raise ValueError(f"`x` must contain at least {least} elements.")
    if is_true_of_any(np.less_equal(np.diff(x), 0)):
        raise ValueError("`x` must be strictly increasing sequence.")
    return x


def samples(x: Any, y: Any, axis: int) -> tuple[Any, int]:
    """The samples with their axis in front, and which axis that was."""
    y = in_double(y)
    if not shape_of(y):
        raise ShapeError("samples without an axis", why="there is one for each place", write="an array of samples")
    axis = AxisIndex(axis, len(shape_of(y)))
    if shape_of(y)[axis] != shape_of(x)[0]:
        raise ValueError(f"The length of `y` along `axis`={axis} doesn't match the length of `x`")
    return np.moveaxis(y, axis, 0), axis


def beside(x: Any, y: Any) -> Any:
    """A vector with axes of length one behind it, so that it meets the first axis of y."""
    return expand(x, tuple(range(1, len(shape_of(y)))))


def behind(x: Any, n: int) -> Any:
    """x with n axes of length one behind its own."""
    m = len(shape_of(x))
    return expand(x, tuple(range(m, m + n))) if n else x


def interval(x: Any, at: Any, first: int, last: int) -> Any:
    """The j with x_j <= at < x_(j+1), among first, ..., last: a knot belongs to the interval on its right."""
    return np.clip(wnp.searchsorted(x, at, side="right") - 1, first, last)


def within(at: Any, start: Any, end: Any) -> Any:
    """Points moved into a period."""
    return start + np.remainder(at - start, end - start)


def outside(at: Any, start: Any, end: Any) -> Any:
    """Which points are not between start and end?"""
    return np.logical_or(np.less(at, start), np.greater(at, end))


def placed(y: Any, points: int, axis: int) -> Any:
    """Results whose first axes are those of the points, moved to where the axis of samples was."""
    n = len(shape_of(y))
    order = [*range(points, points + axis), *range(points), *range(points + axis, n)]
    return np.transpose(y, order) if order != list(range(n)) else y
