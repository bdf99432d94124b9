"""Pieces of arrays along an axis, by primitives: what compositions of several steps are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..core.types import dtype_of, shape_of
from ..primitives.index import along, slice_
from ..primitives.join import concatenate
from ..primitives.shape import broadcast_to, reshape, transpose
from .ufuncs import operand, to_dtype

AxisIndex = np.lib.array_utils.normalize_axis_index


def array(x: Any) -> Any:
    """An operand as an array or a tracer."""
    x = operand(x)
    return x if isinstance(x, (Tracer, np.ndarray)) else np.asarray(x)


def floating(x: Any) -> Any:
    """An operand as floating point: integers and booleans become float64."""
    x = array(x)
    return to_dtype(x, np.dtype(np.float64)) if dtype_of(x).kind in "biu" else x


def common(*xs: Any) -> list[Any]:
    """Operands converted to the dtype that NumPy gives them together."""
    arrays = [array(x) for x in xs]
    dtype = np.result_type(*(x.dtype for x in arrays))
    return [to_dtype(x, dtype) for x in arrays]


def part(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    """x[start:stop:step] along one axis; a negative stop counts from the end."""
    n = shape_of(x)[axis]
    count = len(range(n)[start:stop:step])
    return slice_(x, index=along(axis, shape_of(x), (start if start >= 0 else n + start, count, step)))


def item(x: Any, axis: int, i: int) -> Any:
    """x[i] along one axis."""
    n = shape_of(x)[axis]
    return slice_(x, index=along(axis, shape_of(x), i if i >= 0 else n + i))


def backwards(x: Any, axis: int) -> Any:
    """x[::-1] along one axis."""
    n = shape_of(x)[axis]
    return slice_(x, index=along(axis, shape_of(x), (max(n - 1, 0), n, -1)))


def joined(xs: Sequence[Any], axis: int) -> Any:
    """Arrays one behind the other, in their common dtype."""
    return concatenate(*common(*xs), axis=axis)


def flat(x: Any) -> Any:
    """All elements in one axis."""
    return reshape(x, shape=(math.prod(shape_of(x)),))


def shaped(x: Any, shape: tuple[int, ...]) -> Any:
    """The elements in another shape; a result without axes is a scalar, as NumPy's reductions give it."""
    return reshape(x, shape=shape) if shape else item(flat(x), 0, 0)


def expand(x: Any, axes: tuple[int, ...]) -> Any:
    """x with axes of length one at these places of the result."""
    shape = list(shape_of(x))
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return reshape(x, shape=tuple(shape))


def spread_to(x: Any, shape: tuple[int, ...]) -> Any:
    """x broadcast to a shape."""
    return x if shape_of(x) == shape else broadcast_to(x, shape=shape)


def move_axis(x: Any, source: int, destination: int) -> Any:
    """The axes with one of them at another place."""
    n = len(shape_of(x))
    source, destination = source % n, destination % n
    if source == destination:
        return x
    order = [a for a in range(n) if a != source]
    order.insert(destination, source)
    return transpose(x, axes=tuple(order))


def merged_last(x: Any, axes: tuple[int, ...]) -> Any:
    """These axes merged into one, the last: (..., n)."""
    shape = shape_of(x)
    rest = tuple(a for a in range(len(shape)) if a not in axes)
    moved = transpose(x, axes=rest + axes) if rest + axes != tuple(range(len(shape))) else x
    return reshape(moved, shape=(*(shape[a] for a in rest), math.prod(shape[a] for a in axes)))
