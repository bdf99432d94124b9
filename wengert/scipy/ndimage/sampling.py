"""An array at places between its elements: map_coordinates, shifts, affine maps, zoom; by lines or cubic splines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.ndimage

from ...core.types import shape_of
from ...numpy.dispatch import implements, unsupported_argument
from ...numpy.parts import array, floating
from ...numpy.ufuncs import to_dtype
from ...primitives.gather import gather
from ...primitives.linalg_banded import solve_banded
from ...primitives.shape import reshape
from .common import for_each, no_output

__all__ = ["affine_transform", "map_coordinates", "shift", "spline_filter", "spline_filter1d", "zoom"]

SPLINES = {0: 0, 1: 1, 3: 3}
EDGE = 12  # elements that stand for all that are beyond the edge, where a spline goes on with the nearest one


# what lies beyond ----------------------------------------------------------------------------------------------------
def _inside(i: Any, n: int, mode: str) -> Any:
    """Whole places as indices of an axis of n elements."""
    if mode in ("reflect", "grid-mirror"):
        i = np.remainder(i, 2 * n)
        return np.minimum(i, 2 * n - 1 - i)
    if mode in ("mirror", "constant") and n > 1:
        i = np.remainder(i, 2 * n - 2)
        return np.minimum(i, 2 * n - 2 - i)
    if mode == "grid-wrap":
        return np.remainder(i, n)
    return np.clip(i, 0, n - 1)


def _weights(s: Any, order: int) -> list[Any]:
    """Weights of the elements around a place, s beyond the one before it."""
    if order == 1:
        return [1 - s, s]
    r = 1 - s
    return [r**3 / 6, (4 - 6 * s**2 + 3 * s**3) / 6, (4 - 6 * r**2 + 3 * r**3) / 6, s**3 / 6]


def _neighbours(x: Any, n: int, order: int, mode: str) -> list[tuple[Any, Any]]:
    """Indices and weights along one axis."""
    if mode == "wrap":  # the period is one less than the length: the ends count as one
        x, mode = np.remainder(x, max(n - 1, 1)), "nearest"
    if order == 0:
        return [(_inside(np.floor(x + 0.5).astype(int), n, mode), None)]
    first = np.floor(x)
    places = first.astype(int) - (order == 3)
    return [(_inside(places + k, n, mode), w) for k, w in enumerate(_weights(x - first, order))]


@implements(scipy.ndimage.map_coordinates)
def map_coordinates(
    input: Any,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """The array at places (d, ...) between its elements, differentiated in the array and in the places.

    order: 0 (the nearest element), 1 (between the 2^d around it), 3 (cubic B-splines, whose coefficients a tridiagonal
    system gives). mode: what lies beyond the edges, with SciPy's names. At a whole place the slope is that on its
    right.

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = lambda p: wg.scipy.ndimage.map_coordinates(np.array([0.0, 10.0, 40.0]), p, order=1)[0]
    >>> wg.grad(f)(np.array([[1.25]]))
    array([[30.]])
    """
    no_output("map_coordinates", output)
    x, at = floating(input), floating(coordinates)
    n = len(shape_of(x))
    if shape_of(at)[0] != n:
        raise RuntimeError("invalid shape for coordinate array")
    return _sampled(x, [at[i] for i in range(n)], order, mode, cval, prefilter)


def _sampled(x: Any, at: list[Any], order: int, mode: str, cval: Any, prefilter: bool) -> Any:
    """The array at coordinates of one shape."""
    if order not in SPLINES or (order == 3 and "wrap" in mode):
        raise unsupported_argument(
            "scipy.ndimage.map_coordinates", "order", order, "order=1, or order=3 without wrapping"
        )
    spline = order == 3 and prefilter
    if mode == "grid-constant" or (mode == "nearest" and spline):
        width = EDGE if spline else 2
        extra: Any = {"constant_values": cval} if mode == "grid-constant" else {}
        x = np.pad(x, width, "edge" if mode == "nearest" else "constant", **extra)
        at, mode = [a + width for a in at], "nearest"
    if spline:
        x = spline_filter(x, 3, mode="reflect" if mode in ("reflect", "grid-mirror") else "mirror")
    extent = shape_of(x)
    axes = [_neighbours(a, n, order, mode) for a, n in zip(at, extent, strict=True)]
    total: Any = None
    for corner in itertools.product(*axes):
        term = gather(x, *(i for i, _ in corner), axis=0)
        for _, weight in corner:
            term = term if weight is None else term * weight
        total = term if total is None else total + term
    if mode == "constant":
        beyond = [np.logical_or(a < 0, a > n - 1) for a, n in zip(at, extent, strict=True)]
        total = np.where(_any(beyond), cval, total)
    return to_dtype(total, x.dtype)


def _any(conditions: list[Any]) -> Any:
    found = conditions[0]
    for other in conditions[1:]:
        found = np.logical_or(found, other)
    return found


# spline coefficients -----------------------------------------------------------------------------------------------
@implements(scipy.ndimage.spline_filter1d)
def spline_filter1d(input: Any, order: int = 3, axis: int = -1, output: Any = np.float64, mode: str = "mirror") -> Any:
    """The coefficients c of the cubic B-splines through the elements: c_(i-1) + 4 c_i + c_(i+1) = 6 x_i."""
    x = floating(input)
    if order in (0, 1) or shape_of(x)[axis] == 1:
        return x
    if order != 3 or mode not in ("mirror", "reflect"):
        raise unsupported_argument(
            "scipy.ndimage.spline_filter1d", "order", order, "order=3, mode='mirror' or 'reflect'"
        )
    rows = np.moveaxis(x, axis, 0)
    n = shape_of(rows)[0]
    diagonals = np.array([np.ones(n), np.full(n, 4.0), np.ones(n)], x.dtype)
    if mode == "mirror":
        diagonals[0, 1] = diagonals[2, n - 2] = 2
    else:
        diagonals[1, [0, -1]] = 5
    flat = reshape(6.0 * rows, shape=(n, int(np.prod(shape_of(rows)[1:]))))
    c = solve_banded(diagonals, flat, lower=1, upper=1, positive=False)
    return np.moveaxis(reshape(c, shape=shape_of(rows)), 0, axis)


@implements(scipy.ndimage.spline_filter)
def spline_filter(input: Any, order: int = 3, output: Any = np.float64, mode: str = "mirror") -> Any:
    """The coefficients of the products of B-splines through the elements."""
    x = floating(input)
    for axis in range(len(shape_of(x))):
        x = spline_filter1d(x, order, axis, mode=mode)
    return x


# maps of coordinates -----------------------------------------------------------------------------------------------
def _grid(shape: tuple[int, ...]) -> list[Any]:
    return [np.broadcast_to(i, shape).astype(float) for i in np.indices(shape, sparse=True)]


@implements(scipy.ndimage.shift)
def shift(
    input: Any,
    shift: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """y(i) = x(i - shift), differentiated in the shift too."""
    no_output("shift", output)
    x = floating(input)
    n = len(shape_of(x))
    shifts = [shift] * n if not np.ndim(shift) else [array(shift)[i] for i in range(n)]
    at = [i - s for i, s in zip(_grid(shape_of(x)), shifts, strict=True)]
    return _sampled(x, at, order, mode, cval, prefilter)


@implements(scipy.ndimage.affine_transform)
def affine_transform(
    input: Any,
    matrix: Any,
    offset: Any = 0.0,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """y(i) = x(A i + b), differentiated in A and b too. matrix: (d, d), a diagonal (d,), or with b as a last column."""
    no_output("affine_transform", output)
    x, a, b = floating(input), floating(matrix), floating(offset)
    n = len(shape_of(x))
    if shape_of(a)[-1] == n + 1 and len(shape_of(a)) == 2:
        a, b = a[:n, :n], a[:n, n]
    b = b + np.zeros(n)
    grid = np.stack(_grid(shape_of(x) if output_shape is None else tuple(output_shape)))
    if len(shape_of(a)) == 1:
        at = [a[k] * grid[k] + b[k] for k in range(n)]
    else:
        moved = np.einsum("ij,j...->i...", a, grid)
        at = [moved[k] + b[k] for k in range(n)]
    return _sampled(x, at, order, mode, cval, prefilter)


@implements(scipy.ndimage.zoom)
def zoom(
    input: Any,
    zoom: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
) -> Any:
    """The array with another number of elements: corners stay corners (with grid_mode, edges stay edges)."""
    no_output("zoom", output)
    x = floating(input)
    extent = shape_of(x)
    factors = [float(z) for z in for_each(zoom, len(extent), "zoom")]
    shape = tuple(round(n * z) for n, z in zip(extent, factors, strict=True))
    at = []
    for i, n, m in zip(_grid(shape), extent, shape, strict=True):
        at.append((i + 0.5) * (n / m) - 0.5 if grid_mode else i * ((n - 1) / (m - 1) if m > 1 else 1.0))
    return _sampled(x, at, order, mode, cval, prefilter)
