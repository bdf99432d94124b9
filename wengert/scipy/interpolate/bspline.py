"""B-splines: values and derivatives by de Boor's recurrence, and the spline through samples by a banded system."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.types import shape_of
from ...numpy.dispatch import unsupported_argument
from ...numpy.parts import AxisIndex
from ...primitives.gather import scatter_add
from ...primitives.linalg_banded import solve_banded
from ...primitives.shape import reshape
from .common import behind, beside, in_double, interval, knots, outside, placed, samples, within

__all__ = ["BSpline", "make_interp_spline"]


def local_spline(t: Any, j: Any, x: Any, d: list[Any], nu: int = 0) -> Any:
    """The nu-th derivative at x in [t_j, t_(j+1)) of the spline with coefficients d = c_(j-k), ..., c_j.

    Each derivative is a spline of one degree less, c'_i = k (c_i - c_(i-1)) / (t_(i+k) - t_i); then de Boor's convex
    combinations. C. de Boor, On calculating with B-splines (1972), (4) and (10).
    """
    k = len(d) - 1
    if nu > k:
        return 0 * d[0] * behind(x, len(shape_of(d[0])) - len(shape_of(x)))
    extra = len(shape_of(d[0])) - len(shape_of(x))
    t_at = {o: behind(wnp.take(t, j + o), extra) for o in range(1 - k, k + 1)}
    x = behind(x, extra)
    for degree in range(k, k - nu, -1):  # d[m] belongs to c_(j-degree+m)
        below = range(1 - degree, 1)
        d = [degree * (d[m + 1] - d[m]) / (t_at[o + degree] - t_at[o]) for m, o in enumerate(below)]
    p = k - nu
    for r in range(1, p + 1):
        for m in range(p, r - 1, -1):
            o = m - p
            weight = (x - t_at[o]) / (t_at[o + p - r + 1] - t_at[o])
            d[m] = (1 - weight) * d[m - 1] + weight * d[m]
    return d[p] * np.ones(()) if p or nu else d[0]


def span(t: Any, x: Any, k: int) -> Any:
    """The j with t_j <= x < t_(j+1) among k, ..., n - 1; beyond the last knot, the last interval that is not empty."""
    n = shape_of(t)[0] - k - 1
    j = interval(t, x, k, n - 1)
    return np.minimum(j, wnp.searchsorted(t, t[n], side="left") - 1) if k else j


class BSpline:
    """`s(x) = sum_i c_i B_(i,k)(x)` over knots t, B_(i,k) the B-spline of degree k on t_i, ..., t_(i+k+1).

    t: (n + k + 1,), c: (n, ...). extrapolate: True, False (NaN outside of t_k ... t_n) or "periodic". Differentiated in
    t, c and the points; at a knot the polynomial on its right counts.

    >>> import numpy as np
    >>> import wengert as wg
    >>> s = wg.scipy.interpolate.BSpline(np.arange(8.0), np.array([1.0, 2.0, 0.0, 1.0]), 3)
    >>> wg.grad(s)(3.5), s.derivative()(3.5)
    (np.float64(-1.25), np.float64(-1.25))
    """

    def __init__(self, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
        self.t, self.k, self.extrapolate = in_double(t), int(k), extrapolate
        c = in_double(c)
        self.axis = AxisIndex(axis, len(shape_of(c)))
        self.c = np.moveaxis(c, self.axis, 0) if self.axis else c
        n = shape_of(self.t)[0] - self.k - 1
        if self.k < 0:
            raise ValueError("Spline order cannot be negative.")
        if n < self.k + 1:
            raise ValueError(f"Need at least {2 * self.k + 2} knots for degree {self.k}")
        if shape_of(self.c)[0] < n:
            raise ValueError("Knots, coefficients and degree are inconsistent.")

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Values, or nu-th derivatives, at points of any shape."""
        x, k = in_double(x), self.k
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        first, last = self.t[k], self.t[-k - 1]
        if extrapolate == "periodic":
            x = within(x, first, last)
        j = span(self.t, x, k)
        y = local_spline(self.t, j, x, [wnp.take(self.c, j - k + m, axis=0) for m in range(k + 1)], nu)
        if not extrapolate:
            y = np.where(behind(outside(x, first, last), len(shape_of(y)) - len(shape_of(x))), np.nan, y)
        return placed(y, len(shape_of(x)), self.axis)

    def _with(self, t: Any, c: Any, k: int) -> BSpline:
        return BSpline(t, np.moveaxis(c, 0, self.axis), k, self.extrapolate, self.axis)

    def derivative(self, nu: int = 1) -> BSpline:
        """The spline that is the nu-th derivative."""
        s = self
        for _ in range(nu):
            k, n = s.k, shape_of(s.t)[0] - s.k - 1
            if k < 1:
                raise ValueError(f"Order of derivative (n = {nu}) must be <= order of spline (k = {self.k})")
            c = s.c[:n]
            gaps = s.t[k + 1 : n + k] - s.t[1:n]
            steps = k * np.diff(c, axis=0) / beside(np.where(gaps == 0, 1.0, gaps), c)
            s = s._with(s.t[1:-1], np.where(beside(gaps == 0, c), 0.0, steps), k - 1)
        return s

    def antiderivative(self, nu: int = 1) -> BSpline:
        """The spline whose nu-th derivative this is, zero at the first knot."""
        s = self
        for _ in range(nu):
            k, n = s.k, shape_of(s.t)[0] - s.k - 1
            sums = np.cumsum(s.c[:n] * beside(s.t[k + 1 :] - s.t[:n], s.c), axis=0) / (k + 1)
            c = np.concatenate([np.zeros((1, *shape_of(sums)[1:])), sums])
            s = s._with(np.concatenate([s.t[:1], s.t, s.t[-1:]]), c, k + 1)
        return s

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from a to b, differentiated in both; not for periodic splines."""
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if extrapolate == "periodic":
            raise unsupported_argument(
                "BSpline.integrate", "extrapolate", "periodic", "integrals over parts of a period"
            )
        whole = self.antiderivative()
        if not extrapolate:
            first, last = self.t[self.k], self.t[-self.k - 1]
            a, b = np.clip(a, first, last), np.clip(b, first, last)
        return whole(b, extrapolate=True) - whole(a, extrapolate=True)


# the spline through samples ------------------------------------------------------------------------------------------
def _knots_of(x: Any, k: int, conditions: bool) -> Any:
    """Knots at the samples; without conditions at the ends some are left out there (between them, for even k)."""
    if conditions:
        inner = x[1:-1]
    elif k % 2:
        inner = x[(k + 1) // 2 : -((k + 1) // 2)]
    else:
        inner = ((x[1:] + x[:-1]) / 2)[k // 2 : -(k // 2)]
    return np.concatenate([np.repeat(x[:1], k + 1), inner, np.repeat(x[-1:], k + 1)])


def _conditions(given: Any, y: Any) -> list[tuple[int, Any]]:
    """Orders and values of the derivatives at an end."""
    zero = np.zeros(shape_of(y)[1:])
    if given is None:
        return []
    if isinstance(given, str):
        if given not in ("clamped", "natural"):
            raise ValueError(f"Unknown boundary condition : {given}")
        return [(1 if given == "clamped" else 2, zero)]
    return [(int(order), in_double(value)) for order, value in given]


def _rows(t: Any, x: Any, k: int, nu: int = 0) -> tuple[Any, Any]:
    """The B-splines that are not zero at points, or their derivatives: (points, k + 1); and the first one's number."""
    j = span(t, x, k)
    unit = [np.broadcast_to(row, (*shape_of(x), k + 1)) for row in np.eye(k + 1)]
    return local_spline(t, j, x, unit, nu), j - k


def make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0, check_finite: bool = True
) -> BSpline:
    """The spline of degree k through (x, y), by a banded system: O(n k^2), differentiated in x, y and t.

    bc_type: None (not-a-knot), "natural", "clamped", or for each end a list of (order, value) of derivatives. Periodic
    splines: CubicSpline. Raises LinAlgError where samples and knots do not interlace (Schoenberg and Whitney, 1953).
    """
    if isinstance(bc_type, str) and bc_type == "periodic":
        raise unsupported_argument("make_interp_spline", "bc_type", bc_type, "CubicSpline(x, y, bc_type='periodic')")
    x = knots(x, 1)
    y, axis = samples(x, y, axis)
    bc = None if bc_type == "not-a-knot" else bc_type
    ends = [_conditions(end, y) for end in (bc if isinstance(bc, tuple | list) else (bc, bc))]
    if k == 0:
        return BSpline(np.concatenate([x, x[-1:]]), np.moveaxis(y, 0, axis), 0, axis=axis)
    if t is None:
        t = _knots_of(x, k, any(ends))
    t = in_double(t)
    n = shape_of(t)[0] - k - 1
    count = shape_of(x)[0]
    if n - count != len(ends[0]) + len(ends[1]):
        raise ValueError(
            f"The number of derivatives at boundaries does not match: expected {n - count}, got "
            f"{len(ends[0])}+{len(ends[1])}"
        )
    parts = [_rows(t, x[:1], k, order) for order, _ in ends[0]]
    parts += [_rows(t, x, k), *(_rows(t, x[-1:], k, order) for order, _ in ends[1])]
    values, first = (np.concatenate(some) for some in zip(*parts, strict=True))
    column = first[:, None] + np.arange(k + 1)
    row = np.clip(k + np.arange(n)[:, None] - column, 0, 2 * k)
    ab = scatter_add(values, row, column, axis=0, shape=(2 * k + 1, n))
    right = [*(value[None] for _, value in ends[0]), y, *(value[None] for _, value in ends[1])]
    b = np.concatenate(right)
    flat = reshape(b, shape=(n, int(np.prod(shape_of(b)[1:]))))
    ab = ab.astype(flat.dtype) if flat.dtype.kind == "c" else ab
    c = reshape(solve_banded(ab, flat, lower=k, upper=k, positive=False), shape=shape_of(b))
    return BSpline(t, np.moveaxis(c, 0, axis), k, axis=axis)
