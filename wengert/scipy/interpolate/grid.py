"""Interpolation on a grid of any number of dimensions: between the corners of the cell in which a point lies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.types import shape_of
from ...numpy.dispatch import unsupported_argument
from ...numpy.parts import array
from ...numpy.statistics import is_true_of_any
from ...primitives.gather import gather
from .common import behind, in_double, interval, knots, outside

__all__ = ["RegularGridInterpolator", "interpn"]


class RegularGridInterpolator:
    """Values on a rectangular grid, at points between them. method: linear, nearest.

    points: a vector for each of the first axes of `values`; call with points of (..., d) or a tuple of d arrays.
    Linear: the products of one-dimensional weights over the 2^d corners of a cell; differentiated in points, grid and
    values; on a grid line the cell on its right counts. Outside: ValueError where that is known (NaN in compiled
    programs), or with bounds_error=False `fill_value`, None to extrapolate.

    >>> import numpy as np
    >>> import wengert as wg
    >>> grid = np.arange(3.0), np.arange(4.0)
    >>> f = wg.scipy.interpolate.RegularGridInterpolator(grid, np.add.outer(10 * grid[0], grid[1]))
    >>> wg.grad(lambda p: f(p)[0])(np.array([0.5, 1.25]))
    array([10.,  1.])
    """

    def __init__(
        self,
        points: Sequence[Any],
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = np.nan,
        **solver: Any,
    ) -> None:
        self.method = _known(method)
        self.grid, self.values = tuple(knots(p) for p in points), in_double(values)
        self.bounds_error, self.fill_value = bounds_error, fill_value
        if tuple(shape_of(p)[0] for p in self.grid) != shape_of(self.values)[: len(self.grid)]:
            raise ValueError(f"There are grid points {[shape_of(p)[0] for p in self.grid]} for {shape_of(self.values)}")

    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """Values at points."""
        method = self.method if method is None else _known(method)
        d = len(self.grid)
        at = _coordinates(xi, d)
        beyond: Any = np.zeros((), bool)
        for x, g in zip(at, self.grid, strict=True):
            beyond = np.logical_or(beyond, outside(x, g[0], g[-1]))
        if self.bounds_error and is_true_of_any(beyond):
            raise ValueError("One of the requested xi is out of bounds")
        y = (self._linear if method == "linear" else self._nearest)(at)
        if self.bounds_error or self.fill_value is not None:
            n = len(shape_of(self.values)) - d
            y = np.where(behind(beyond, n), np.nan if self.bounds_error else self.fill_value, y)
        return y

    def _cells(self, at: Sequence[Any]) -> list[tuple[Any, Any]]:
        """For each axis the interval, and how far into it the point is: from 0 to 1."""
        found = []
        for x, g in zip(at, self.grid, strict=True):
            j = interval(g, x, 0, shape_of(g)[0] - 2)
            found.append((j, (x - wnp.take(g, j)) / wnp.take(np.diff(g), j)))
        return found

    def _linear(self, at: Sequence[Any]) -> Any:
        cells = self._cells(at)
        n = len(shape_of(self.values)) - len(self.grid)
        total: Any = 0.0
        for corner in itertools.product((0, 1), repeat=len(cells)):
            weight: Any = 1.0
            for side, (_, s) in zip(corner, cells, strict=True):
                weight = weight * (s if side else 1 - s)
            picked = gather(self.values, *(j + side for side, (j, _) in zip(corner, cells, strict=True)), axis=0)
            total = total + behind(array(weight), n) * picked
        return total

    def _nearest(self, at: Sequence[Any]) -> Any:
        return gather(self.values, *(np.where(s <= 0.5, j, j + 1) for j, s in self._cells(at)), axis=0)


def _known(method: str) -> str:
    if method not in ("linear", "nearest"):
        raise unsupported_argument(
            "RegularGridInterpolator",
            "method",
            method,
            "method='linear', or CubicSpline along one axis after the other",
        )
    return method


def _coordinates(xi: Any, d: int) -> list[Any]:
    """The points' coordinates, each of the points' shape."""
    if isinstance(xi, tuple):
        return list(np.broadcast_arrays(*(in_double(x) for x in xi)))
    xi = in_double(xi)
    if len(shape_of(xi)) < 2:
        xi = xi[None] if d == shape_of(xi)[-1] and (d > 1 or len(shape_of(xi)) == 1) else xi[..., None]
    if shape_of(xi)[-1] != d:
        raise ValueError(f"The requested sample points xi have dimension {shape_of(xi)[-1]}, the grid has {d}")
    return [xi[..., i] for i in range(d)]


def interpn(
    points: Sequence[Any],
    values: Any,
    xi: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:
    """Values of a RegularGridInterpolator at points xi."""
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)
