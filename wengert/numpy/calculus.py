"""Sampled functions: interpolation, differences, integrals, convolutions; and the cross product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.types import shape_of
from ..primitives import convolve as c
from ..primitives.gather import gather
from ..primitives.join import stack
from ..primitives.sort import argsort, rearrange, searchsorted
from .accumulations import cumsum, diff
from .dispatch import implements, normalize_axis
from .parts import AxisIndex, array, backwards, common, expand, flat, floating, item, joined, move_axis, part, spread_to
from .reductions import sum
from .statistics import is_true_of_any
from .ufuncs import broadcast_shapes, select, to_dtype

__all__ = ["convolve", "correlate", "cross", "gradient", "interp", "trapezoid", "unwrap"]

DOUBLE = np.dtype(np.float64)


# interpolation -----------------------------------------------------------------------------------------------------
@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """f_j + (x - x_j) (f_(j+1) - f_j) / (x_(j+1) - x_j); the slope at a knot is the one to its right."""
    fp = array(fp)
    x, xp = to_dtype(array(x), DOUBLE), to_dtype(array(xp), DOUBLE)
    fp = to_dtype(fp, np.dtype(np.complex128) if fp.dtype.kind == "c" else DOUBLE)
    if len(shape_of(xp)) != 1 or len(shape_of(fp)) != 1:
        raise ValueError("Data points must be 1-D sequences")
    if shape_of(xp) != shape_of(fp):
        raise ValueError("fp and xp are not of the same length")
    if shape_of(xp)[0] == 0:
        raise ValueError("array of sample points is empty")
    if period is not None:
        left = right = None
        x, xp, fp = _one_period(x, xp, fp, period)
    left = item(fp, 0, 0) if left is None else left
    right = item(fp, 0, -1) if right is None else right
    y = _between_knots(x, xp, fp) if shape_of(xp)[0] > 1 else item(fp, 0, 0) + (x - x)
    return select(np.less(x, item(xp, 0, 0)), left, select(np.greater(x, item(xp, 0, -1)), right, y))


def _between_knots(x: Any, xp: Any, fp: Any) -> Any:
    n = shape_of(xp)[0]
    slopes = diff(fp) / diff(xp)
    j = np.clip(searchsorted(xp, x, side="right") - 1, 0, n - 2)
    return gather(slopes, j, axis=0) * (x - gather(xp, j, axis=0)) + gather(fp, j, axis=0)


def _one_period(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """The samples in one period, in order, with one more at each end."""
    if is_true_of_any(np.equal(period, 0)):
        raise ValueError("period must be a non-zero value")
    period = np.absolute(period)
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = argsort(xp, axis=0, kind=None)
    xp, fp = (rearrange(v, order, axis=0, inverse=False) for v in (xp, fp))
    n = shape_of(xp)[0]
    xp = joined([part(xp, 0, n - 1, n) - period, xp, part(xp, 0, 0, 1) + period], 0)
    return x, xp, joined([part(fp, 0, n - 1, n), fp, part(fp, 0, 0, 1)], 0)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """p + period times the integers that make the steps smaller than half a period: dy = dp."""
    p = array(p)
    axis = AxisIndex(axis, len(shape_of(p)))
    discont = period / 2 if discont is None else discont
    d = diff(p, axis=axis)
    if np.result_type(d.dtype, period).kind in "iu":
        high, odd = divmod(period, 2)
        ambiguous = odd == 0
    else:
        high, ambiguous = period / 2, True
    step = np.remainder(d + high, period) - high
    if ambiguous:
        step = select(np.logical_and(np.equal(step, -high), np.greater(d, 0)), high, step)
    correction = select(np.less(np.absolute(d), discont), 0, step - d)
    n = shape_of(p)[axis]
    return joined([part(p, axis, 0, 1), part(p, axis, 1, n) + cumsum(correction, axis)], axis)


# differences and integrals -------------------------------------------------------------------------------------------
@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """sum_i (x_(i+1) - x_i) (y_i + y_(i+1)) / 2."""
    y = array(y)
    n = len(shape_of(y))
    axis = AxisIndex(axis, n)
    if x is None:
        d: Any = dx
    else:
        x = array(x)
        d = diff(x, axis=0 if len(shape_of(x)) == 1 else axis)
        if len(shape_of(x)) == 1:
            d = expand(d, tuple(i for i in range(n) if i != axis))
    length = shape_of(y)[axis]
    return sum(d * (part(y, axis, 1, length) + part(y, axis, 0, length - 1)) / 2.0, axis)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences of second order inside, one-sided ones at the edges."""
    f = floating(f)
    axes = axis if isinstance(axis, tuple) else normalize_axis(axis, len(shape_of(f)))
    axes = tuple(AxisIndex(a, len(shape_of(f))) for a in axes)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    slopes = [_slope(f, a, h, edge_order) for a, h in zip(axes, _spacings(f, axes, varargs), strict=True)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _spacings(f: Any, axes: Sequence[int], given: tuple[Any, ...]) -> list[Any]:
    """For each axis its step: a number, or an array with the distances of neighbours."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and not shape_of(array(given[0])):
        return [given[0]] * len(axes)
    if len(given) != len(axes):
        raise TypeError("invalid number of arguments")
    steps = []
    for a, x in zip(axes, given, strict=True):
        x = array(x)
        if shape_of(x):
            if len(shape_of(x)) != 1:
                raise ValueError("distances must be either scalars or 1d")
            if shape_of(x)[0] != shape_of(f)[a]:
                raise ValueError("when 1d, distances must match the length of the corresponding dimension")
            x = diff(floating(x))
            if isinstance(x, np.ndarray) and (x == x[0]).all():
                x = x[0]
        else:
            x = x[()]
        steps.append(x)
    return steps


def _slope(f: Any, axis: int, h: Any, edge_order: int) -> Any:
    n = shape_of(f)[axis]
    if n < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are "
            "required."
        )
    uniform = not shape_of(h)
    rest = tuple(i for i in range(len(shape_of(f))) if i != axis)

    def f_at(i: int) -> Any:
        return part(f, axis, i, i + 1 or n)

    def h_at(i: int) -> Any:
        return h if uniform else item(h, 0, i)

    if uniform:
        inside = (part(f, axis, 2, n) - part(f, axis, 0, n - 2)) / (2.0 * h)
    else:
        before, after = (expand(part(h, 0, i, n - 2 + i), rest) for i in (0, 1))
        a = -after / (before * (before + after))
        b = (after - before) / (before * after)
        d = before / (after * (before + after))
        inside = a * part(f, axis, 0, n - 2) + b * part(f, axis, 1, n - 1) + d * part(f, axis, 2, n)
    if edge_order == 1:
        first, last = (f_at(1) - f_at(0)) / h_at(0), (f_at(-1) - f_at(-2)) / h_at(-1)
    else:
        first = _edge([f_at(i) for i in (0, 1, 2)], h_at(0), h_at(1))
        last = -_edge([f_at(i) for i in (-1, -2, -3)], h_at(-1), h_at(-2))
    return joined([first, inside, last], axis)


def _edge(f: Sequence[Any], h0: Any, h1: Any) -> Any:
    """The slope at the first of three samples whose distances are h0 and h1, of second order."""
    a = -(2.0 * h0 + h1) / (h0 * (h0 + h1))
    b = (h0 + h1) / (h0 * h1)
    return a * f[0] + b * f[1] - h0 / (h1 * (h0 + h1)) * f[2]


# convolution -------------------------------------------------------------------------------------------------------
def _sequences(a: Any, v: Any) -> list[Any]:
    """Two sequences of one dtype; a number is a sequence of one."""
    pair = common(a, v)
    for name, x in zip("av", pair, strict=True):
        if len(shape_of(x)) > 1:
            raise ValueError("object too deep for desired array")
        if 0 in shape_of(x):
            raise ValueError(f"{name} cannot be empty")
    return [flat(x) for x in pair]


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """y_k = sum_j a_(k-j) v_j."""
    a, v = _sequences(a, v)
    if shape_of(v)[0] > shape_of(a)[0]:
        a, v = v, a
    n, m = shape_of(a)[0], shape_of(v)[0]
    kind = _mode(mode)
    if kind == "v":
        return c.correlate(a, backwards(v, 0))
    y = c.convolve(a, v)
    return y if kind == "f" else part(y, 0, (m - 1) // 2, (m - 1) // 2 + n)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """y_k = sum_j a_(j+k) conj(v_j)."""
    a, v = _sequences(a, v)
    n, m = shape_of(a)[0], shape_of(v)[0]
    if m > n:
        return backwards(np.conj(correlate(v, a, mode)), 0)
    kind = _mode(mode)
    w = np.conj(v) if v.dtype.kind == "c" else v
    if kind == "v":
        return c.correlate(a, w)
    y = c.convolve(a, backwards(w, 0))
    return y if kind == "f" else part(y, 0, (m - 1) // 2, (m - 1) // 2 + n)


def _mode(mode: Any) -> str:
    """v(alid), s(ame) or f(ull), also by NumPy's old numbers."""
    kind = "vsf"[mode] if isinstance(mode, int) else str(mode)[:1].lower()
    if kind not in "vsf":
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    return kind


# cross product -------------------------------------------------------------------------------------------------------
@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """c = (a_1 b_2 - a_2 b_1, a_2 b_0 - a_0 b_2, a_0 b_1 - a_1 b_0)."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = (move_axis(x, AxisIndex(k, len(shape_of(x))), -1) for x, k in ((array(a), axisa), (array(b), axisb)))
    lengths = shape_of(a)[-1], shape_of(b)[-1]
    if any_not_in(lengths, (2, 3)):
        raise ValueError(f"Both input arrays must be (arrays of) 3-dimensional vectors, but they have {lengths}.")
    a, b = common(a, b)
    a0, a1, *a2 = (item(a, len(shape_of(a)) - 1, i) for i in range(lengths[0]))
    b0, b1, *b2 = (item(b, len(shape_of(b)) - 1, i) for i in range(lengths[1]))
    last = a0 * b1 - a1 * b0
    if lengths == (2, 2):
        return last
    u, v = (a2 or [None])[0], (b2 or [None])[0]
    x, y = _minus(a1, v, u, b1), _minus(u, b0, a0, v)
    shape = broadcast_shapes("cross", shape_of(last), shape_of(x))
    return move_axis(stack(*(spread_to(k, shape) for k in (x, y, last)), axis=len(shape)), -1, axisc)


def any_not_in(values: Sequence[int], allowed: Sequence[int]) -> bool:
    """Is one of the values not allowed?"""
    return not set(values) <= set(allowed)


def _minus(p: Any, q: Any, r: Any, s: Any) -> Any:
    """p q - r s, in which None is zero."""
    if p is None or q is None:
        return -(r * s)
    return p * q if r is None or s is None else p * q - r * s
