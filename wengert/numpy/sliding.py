"""numpy.lib.stride_tricks.sliding_window_view on traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.types import shape_of
from ..primitives.shape import transpose
from ..primitives.sliding import windows
from .dispatch import implements
from .parts import AxisIndex, array

__all__ = ["sliding_window_view"]


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """y[..., i, ..., k] = x[..., i + k, ...]: the windows' own axes come last. Assignments to it do not change x."""
    x = array(x)
    n = len(shape_of(x))
    size = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    if axis is None:
        axes = tuple(range(n))
        if len(size) != n:
            raise ValueError(
                f"Since axis is None, must provide window_shape for all dimensions of `x`; got {len(size)} "
                f"window_shape elements and `x.ndim` is {n}."
            )
    else:
        axes = tuple(AxisIndex(a, n) for a in (axis if np.iterable(axis) else (axis,)))
    if any(k < 0 for k in size):
        raise ValueError("`window_shape` cannot contain negative values")
    if len(size) != len(axes):
        raise ValueError(f"Must provide matching length window_shape and axis; got {len(size)} and {len(axes)}.")
    for k, a in zip(size, axes, strict=True):
        x = _one_axis(x, int(k), a, n)
    return x


def _one_axis(x: Any, k: int, axis: int, n: int) -> Any:
    """Windows of one axis among the first n; their own axis becomes the last."""
    m = len(shape_of(x))
    if k > shape_of(x)[axis]:
        raise ValueError("window shape cannot be larger than input array shape")
    last = transpose(x, axes=(*(i for i in range(m) if i != axis), axis))
    y = windows(last, size=(k,), stride=(1,), dilation=(1,))
    return transpose(y, axes=(*range(axis), m - 1, *range(axis, m - 1), m))
