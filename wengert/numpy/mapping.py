"""Functions that apply the user's function along axes or to each element."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.types import shape_of
from ..errors import UnsupportedFunctionError
from ..primitives.shape import broadcast_to, reshape
from .creation import array
from .dispatch import any_traced, implements
from .universal import array as as_array
from .views import expand_dims, moveaxis, permuted

__all__ = ["apply_along_axis", "apply_over_axes", "vectorize"]


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """func1d of every vector along an axis; what it returns stands in place of the axis."""
    x = as_array(arr)
    axis = normalize_axis_index(axis, len(x.shape))
    x = moveaxis(x, axis, -1)
    outer = x.shape[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [array(func1d(x[i], *args, **kwargs), copy=None) for i in itertools.product(*(range(n) for n in outer))]
    inner = shape_of(results[0])
    y = reshape(np.stack(results), shape=(*outer, *inner))
    order = list(range(len(outer)))
    order[axis:axis] = range(len(outer), len(outer) + len(inner))
    return permuted(y, tuple(order))


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """func(x, axis) for one axis after another; an axis that it removes stays with length one."""
    y = as_array(a)
    n = len(y.shape)
    for k in (axes,) if np.ndim(axes) == 0 else axes:
        axis = normalize_axis_index(int(k), n)
        z = func(y, axis)
        y = z if len(z.shape) == n else expand_dims(z, axis)
        if len(y.shape) != n:
            raise ValueError("function is not returning an array of the correct shape")
    return y


class vectorize(np.vectorize):
    """numpy.vectorize: the function is called once for each element, traced ones too."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function on the elements of the broadcast arguments."""
        if not any_traced((args, kwargs)):
            return super().__call__(*args, **kwargs)
        if self.signature is not None:
            raise UnsupportedFunctionError(
                "numpy.vectorize with a signature is not differentiated",
                why="it loops over plain arrays",
                write="use wg.vmap, or a Python loop",
            )
        excluded = self.excluded
        names = [*range(len(args)), *kwargs]
        values = dict(zip(names, (*args, *kwargs.values()), strict=True))
        mapped = {k: as_array(v) for k, v in values.items() if k not in excluded}
        shape = np.broadcast_shapes(*(v.shape for v in mapped.values()))
        mapped = {k: broadcast_to(v, shape=shape) if v.shape != shape else v for k, v in mapped.items()}

        def call(i: Any) -> Any:
            found = {k: mapped[k][i] if k in mapped else v for k, v in values.items()}
            return self.pyfunc(*(found[k] for k in range(len(args))), **{k: found[k] for k in kwargs})

        results = [call(i) for i in itertools.product(*(range(n) for n in shape))]
        if not results:
            raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
        if isinstance(results[0], tuple):
            return tuple(self._joined(list(parts), shape) for parts in zip(*results, strict=True))
        return self._joined(results, shape)

    @staticmethod
    def _joined(results: list[Any], shape: Any) -> Any:
        y = array(results) if shape else array(results)[0]
        return reshape(y, shape=shape) if any_traced((y,)) else np.reshape(y, shape)
