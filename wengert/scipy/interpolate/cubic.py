"""Piecewise cubic interpolants: Hermite, cubic splines, PCHIP and Akima. They differ in the slopes at the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.types import shape_of
from ...numpy.parts import array
from ...primitives.linalg_banded import solve_banded
from ...primitives.shape import reshape
from .common import beside, in_double, knots, samples
from .piecewise import PPoly

__all__ = ["Akima1DInterpolator", "CubicHermiteSpline", "CubicSpline", "PchipInterpolator", "pchip_interpolate"]


def _coefficients(x: Any, y: Any, slopes: Any) -> Any:
    """The cubics with these values and slopes at both ends of each interval."""
    h = beside(np.diff(x), y)
    secant = np.diff(y, axis=0) / h
    t = (slopes[:-1] + slopes[1:] - 2 * secant) / h
    return np.stack([t / h, (secant - slopes[:-1]) / h - t, slopes[:-1], y[:-1]])


class CubicHermiteSpline(PPoly):
    """The piecewise cubic with values y and slopes dydx at x; differentiated in all of them and in the points."""

    def __init__(self, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x = knots(x)
        y, axis = samples(x, y, axis)
        slopes, _ = samples(x, dydx, axis)
        super().__init__(_coefficients(x, y, slopes), x, extrapolate, axis)


# slopes that depend on neighbours ------------------------------------------------------------------------------------
def _end_slope(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The one-sided difference of second order, made to keep the shape of the data."""
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    turns = np.sign(d) != np.sign(m0)
    steep = np.logical_and(np.sign(m0) != np.sign(m1), np.abs(d) > 3 * np.abs(m0))
    return np.where(turns, 0.0, np.where(steep, 3 * m0, d))


class PchipInterpolator(PPoly):
    """The piecewise cubic that is monotone where the samples are.

    The slope at a sample is the weighted harmonic mean of those of the intervals beside it, 0 where they differ in
    sign: F. N. Fritsch and J. Butland, A method for constructing local monotone piecewise cubic interpolants (1984).
    Differentiated in x, y and the points. Where a slope changes its formula (an interval that is level), the derivative
    is that of the side on which it is 0.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x = knots(x)
        y, axis = samples(x, y, axis)
        h = beside(np.diff(x), y)
        m = np.diff(y, axis=0) / h
        if shape_of(m)[0] == 1:
            slopes = np.concatenate([m, m])
        else:
            level = np.logical_or(np.sign(m[1:]) != np.sign(m[:-1]), np.logical_or(m[1:] == 0, m[:-1] == 0))
            before, after = (np.where(level, 1.0, s) for s in (m[:-1], m[1:]))
            w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
            inside = np.where(level, 0.0, (w1 + w2) / (w1 / before + w2 / after))
            ends = [_end_slope(*(v[i] for v in (h, m) for i in places)) for places in ((0, 1), (-1, -2))]
            slopes = np.concatenate([ends[0][None], inside, ends[1][None]])
        super().__init__(_coefficients(x, y, slopes), x, extrapolate, axis)


def pchip_interpolate(xi: Any, yi: Any, x: Any, der: Any = 0, axis: int = 0) -> Any:
    """Values, or derivatives of order der, of the PchipInterpolator through (xi, yi)."""
    p = PchipInterpolator(xi, yi, axis)
    return [p(x, n) for n in der] if np.iterable(der) else p(x, der)


class Akima1DInterpolator(PPoly):
    """The piecewise cubic whose slopes follow the flatter side: m_2, m_3 weighted by `|m_4 - m_3|, |m_2 - m_1|`.

    H. Akima, A new method of interpolation and smooth curve fitting based on local procedures (1970); method="makima"
    adds the half of sums to the differences. Where both weights vanish the mean of m_1 and m_4 counts. By
    default NaN outside of the samples. Differentiated in x, y and the points.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, *, method: str = "akima", extrapolate: Any = None) -> None:
        if method not in ("akima", "makima"):
            raise NotImplementedError(f"`method`={method} is unsupported.")
        x = knots(x)
        y, axis = samples(x, y, axis)
        m = np.diff(y, axis=0) / beside(np.diff(x), y)
        slopes = np.concatenate([m, m]) if shape_of(m)[0] == 1 else _akima_slopes(m, method)
        super().__init__(_coefficients(x, y, slopes), x, False if extrapolate is None else extrapolate, axis)


def _akima_slopes(m: Any, method: str) -> Any:
    """The slopes at samples from those of intervals, of which two more are made at each end."""
    left = 2 * m[0] - m[1]
    right = 2 * m[-1] - m[-2]
    outer = 2 * left - m[0], 2 * right - m[-1]
    m = np.concatenate([outer[0][None], left[None], m, right[None], outer[1][None]])
    change = np.abs(np.diff(m, axis=0))
    if method == "makima":
        change = change + 0.5 * np.abs(m[1:] + m[:-1])
    after, before = change[2:], change[:-2]
    total = before + after
    defined = total > 1e-9 * np.max(total)
    weight = before / np.where(defined, total, 1.0)
    return np.where(defined, m[1:-2] + weight * (m[2:-1] - m[1:-2]), 0.5 * (m[3:] + m[:-3]))


# cubic splines -----------------------------------------------------------------------------------------------------
class CubicSpline(PPoly):
    """The piecewise cubic with two continuous derivatives through (x, y).

    bc_type: "not-a-knot" (the first and the last two intervals share a cubic), "natural" (second derivative 0),
    "clamped" (slope 0), "periodic", a pair of these for both ends, or pairs (order, value) of given derivatives. The
    slopes solve a tridiagonal system: O(n), in both modes. Differentiated in x, y, given values and the points; at a
    sample the cubic on its right counts (its third derivative jumps). C. de Boor, A practical guide to splines (1978),
    chapter IV.

    >>> import numpy as np
    >>> import wengert as wg
    >>> x = np.linspace(0.0, 1.0, 5)
    >>> f = lambda y: wg.scipy.interpolate.CubicSpline(x, y, bc_type="natural")(0.3)
    >>> wg.grad(f)(x**2)
    array([-0.0634,  0.8926,  0.2137, -0.0514,  0.0086])
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None) -> None:
        x = knots(x)
        y, axis = samples(x, y, axis)
        n = shape_of(x)[0]
        periodic = isinstance(bc_type, str) and bc_type == "periodic"
        if extrapolate is None:
            extrapolate = "periodic" if periodic else True
        if periodic:
            slopes = _periodic_slopes(x, y)
        else:
            ends = [_condition(bc, y) for bc in (bc_type if isinstance(bc_type, tuple | list) else (bc_type, bc_type))]
            if n == 2:
                secant = (y[1] - y[0]) / (x[1] - x[0])
                ends = [(1, secant) if end == "not-a-knot" else end for end in ends]
            slopes = _parabola(x, y) if n == 3 and ends == ["not-a-knot"] * 2 else _slopes(x, y, ends)
        super().__init__(_coefficients(x, y, slopes), x, extrapolate, axis)


def _condition(bc: Any, y: Any) -> Any:
    """What holds at an end: not-a-knot, or the order of a derivative and its value."""
    zero = np.zeros(shape_of(y)[1:])
    if isinstance(bc, str):
        found = {"not-a-knot": "not-a-knot", "natural": (2, zero), "clamped": (1, zero)}.get(bc)
        if found is None:
            raise ValueError(f"bc_type={bc} is not allowed.")
        return found
    order, value = bc
    if order not in (1, 2):
        raise ValueError("The specified derivative order must be 1 or 2.")
    value = in_double(value)
    if shape_of(value) != shape_of(y)[1:]:
        raise ValueError(f"`deriv_value` shape {shape_of(value)} is not the expected one {shape_of(y)[1:]}.")
    return order, value


def _system(ab: list[Any], b: Any) -> Any:
    """X of a tridiagonal system whose rows are given by what stands left of, on, and right of the diagonal."""
    left, main, right = ab
    n = shape_of(main)[0]
    zero = np.zeros(1)
    diagonals = np.stack([np.concatenate([zero, right]), main, np.concatenate([left, zero])])
    flat = reshape(b, shape=(n, int(np.prod(shape_of(b)[1:]))))
    if flat.dtype.kind == "c":
        diagonals = diagonals.astype(flat.dtype)
    return reshape(solve_banded(diagonals, flat, lower=1, upper=1, positive=False), shape=shape_of(b))


def _slopes(x: Any, y: Any, ends: list[Any]) -> Any:
    """h_i s_(i-1) + 2 (h_(i-1) + h_i) s_i + h_(i-1) s_(i+1) = 3 (h_i m_(i-1) + h_(i-1) m_i), and a row for each end."""
    h = np.diff(x)
    hb = beside(h, y)
    m = np.diff(y, axis=0) / hb
    inner = 3 * (hb[1:] * m[:-1] + hb[:-1] * m[1:])
    first = _end_row(ends[0], h, m)
    last = _end_row(ends[1], -h[::-1], m[::-1])
    main = np.concatenate([first[0], 2 * (h[:-1] + h[1:]), last[0]])
    right = np.concatenate([first[1], h[:-1]])
    left = np.concatenate([h[1:], last[1]])
    return _system([left, main, right], np.concatenate([first[2], inner, last[2]]))


def _end_row(end: Any, h: Any, m: Any) -> tuple[Any, Any, Any]:
    """On the diagonal, beside it, and the right side, of the first row; the last is that of the mirror image."""
    if end == "not-a-knot":
        d = h[0] + h[1]
        return h[1:2], d[None], (((h[0] + 2 * d) * h[1] * m[0] + h[0] ** 2 * m[1]) / d)[None]
    order, value = end
    value = array(value)
    if order == 1:
        return np.ones(1), np.zeros(1), value[None]
    return 2 * h[:1], h[:1], (-0.5 * value * h[0] ** 2 + 3 * h[0] * m[0])[None]


def _parabola(x: Any, y: Any) -> Any:
    """The slopes of the parabola through three samples."""
    h = beside(np.diff(x), y)
    m = np.diff(y, axis=0) / h
    middle = (h[1] * m[0] + h[0] * m[1]) / (h[0] + h[1])
    return np.stack([2 * m[0] - middle, middle, 2 * m[1] - middle])


def _periodic_slopes(x: Any, y: Any) -> Any:
    """The same rows with indices modulo n - 1: a tridiagonal system and a last unknown apart from it."""
    n = shape_of(x)[0]
    h = np.diff(x)
    hb = beside(h, y)
    m = np.diff(y, axis=0) / hb
    if n < 4:
        if n == 2:
            return 0 * y
        t = np.sum(m / hb, axis=0) / np.sum(1 / hb, axis=0)
        return np.stack([t, t, t])
    before, mb, hp = np.roll(h, 1), np.roll(m, 1, axis=0), np.roll(hb, 1, axis=0)
    main, right = 2 * (before + h), 3 * (hb * mb + hp * m)
    inner = [h[1 : n - 2], main[: n - 2], before[: n - 3]]
    column = np.concatenate([-h[:1], np.zeros(n - 4), -before[n - 3 : n - 2]]) if n > 4 else None
    if column is None:
        column = np.stack([-h[0], -before[1]])
    s1 = _system(inner, right[: n - 2])
    s2 = beside(_system(inner, column[:, None])[:, 0], y)
    a, b = before[n - 2], h[n - 2]
    last = (right[n - 2] - _corner(a, b, s1)) / (main[n - 2] + _corner(a, b, s2))
    s = s1 + last * s2
    return np.concatenate([s, last[None], s[:1]])


def _corner(a: Any, b: Any, s: Any) -> Any:
    """What the last row of the periodic system has beside its diagonal, times s."""
    return b * s[-1] + a * s[0]
