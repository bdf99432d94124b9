"""scipy.integrate on traced arrays: integrals of samples, and Gauss's rule. Of functions and ODEs: wg.implicit.

On plain arrays each is SciPy's own; functions that are missing are SciPy's, and refuse traced arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from ..core.types import shape_of
from ..numpy.accumulations import diff
from ..numpy.dispatch import implements
from ..numpy.parts import AxisIndex, array, floating
from .refused import guarded

__all__ = [
    "REFUSED", "cumulative_simpson", "cumulative_trapezoid", "fixed_quad", "romb", "simpson", "trapezoid",
]  # fmt: skip

_SOLVER = "what an adaptive method does depends on data: its result is differentiated as the solution of its equation"
REFUSED = {
    **{name: (_SOLVER, "wg.implicit.quad") for name in ("quad", "quad_vec", "dblquad", "tplquad", "nquad", "cubature")},
    **{name: (_SOLVER, "wg.implicit.ode") for name in ("solve_ivp", "odeint")},
}


def __getattr__(name: str) -> Any:
    return guarded(scipy.integrate, name, REFUSED)


def _samples(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any, int]:
    """Samples along the last axis, the distances between them (or a number), and which axis that was."""
    y = floating(y)
    axis = AxisIndex(axis, len(shape_of(y)))
    rows = np.moveaxis(y, axis, -1)
    if x is None:
        return rows, dx, axis
    x = floating(x)
    if len(shape_of(x)) != 1:
        if len(shape_of(x)) != len(shape_of(y)):
            raise ValueError("If given, shape of x must be 1-D or the same as y.")
        x = np.moveaxis(x, axis, -1)
    if shape_of(x)[-1] != shape_of(rows)[-1]:
        raise ValueError("If given, length of x along axis must be the same as y.")
    return rows, diff(x), axis


@implements(scipy.integrate.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """sum_i (x_(i+1) - x_i) (y_i + y_(i+1)) / 2."""
    y, h, _ = _samples(y, x, dx, axis)
    return np.sum(h * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


@implements(scipy.integrate.cumulative_trapezoid)
def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """The running sums of trapezoid; initial=0 puts a zero in front."""
    y, h, axis = _samples(y, x, dx, axis)
    if not shape_of(y)[-1]:
        raise ValueError("At least one point is required along `axis`.")
    if initial not in (None, 0):
        raise ValueError("`initial` must be `None` or `0`.")
    total = np.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)
    if initial is not None:
        total = np.concatenate([np.zeros((*shape_of(total)[:-1], 1), total.dtype), total], axis=-1)
    return np.moveaxis(total, -1, axis)


def _quotient(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0, as SciPy has it for samples at one place."""
    zero = np.equal(b, 0)
    return np.where(zero, 0.0, a / np.where(zero, 1.0, b))


@implements(scipy.integrate.simpson)
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Parabolas through three samples at a time; of an even number, the last interval by the last parabola.

    K. V. Cartwright, Simpson's rule cumulative integration with MS Excel and irregularly-spaced data (2017), (8).
    """
    y, h, _ = _samples(y, x, dx, axis)
    n = shape_of(y)[-1]
    if not n:
        raise ValueError("At least one point is required along `axis`.")
    if n == 2:
        return 0.5 * _step(h, -1) * (y[..., 0] + y[..., 1])
    odd = n if n % 2 else n - 1
    before, middle, after = y[..., 0 : odd - 2 : 2], y[..., 1 : odd - 1 : 2], y[..., 2:odd:2]
    if x is None:
        total = np.sum(before + 4.0 * middle + after, axis=-1) * (h / 3.0)
    else:
        h0, h1 = h[..., 0 : odd - 2 : 2], h[..., 1 : odd - 1 : 2]
        both = h0 + h1
        weights = 2 - _quotient(h1, h0), _quotient(both * both, h0 * h1), 2 - _quotient(h0, h1)
        total = np.sum(both / 6 * (weights[0] * before + weights[1] * middle + weights[2] * after), axis=-1)
    if n % 2:
        return total
    a, b = _step(h, -2), _step(h, -1)
    last = _quotient(2 * b**2 + 3 * a * b, 6 * (a + b)) * y[..., -1]
    last = last + _quotient(b**2 + 3 * a * b, 6 * a) * y[..., -2]
    return total + last - _quotient(b**3, 6 * a * (a + b)) * y[..., -3]


def _step(h: Any, i: int) -> Any:
    """A distance, of several or one."""
    return array(h)[..., i] if np.ndim(h) else array(h)


@implements(scipy.integrate.cumulative_simpson)
def cumulative_simpson(y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """The running integral, by the parabola that belongs to each interval."""
    if shape_of(array(y))[axis] < 3:
        total = cumulative_trapezoid(y, x, dx, axis)
        rows, axis = np.moveaxis(total, axis, -1), AxisIndex(axis, len(shape_of(array(y))))
    else:
        y, h, axis = _samples(y, x, dx, axis)
        h = h * np.ones(shape_of(y)[-1] - 1, y.dtype)
        forth = _first_of_three(y, h)
        back = _first_of_three(y[..., ::-1], h[..., ::-1])[..., ::-1]
        n = shape_of(y)[-1] - 1
        odd = np.arange(n) % 2 == 1
        pick = np.where(odd | (np.arange(n) == n - 1), np.maximum(np.arange(n) - 1, 0), np.arange(n))
        late = odd | (np.arange(n) == n - 1)
        forth_at, back_at = (part[..., np.minimum(pick, n - 2)] for part in (forth, back))
        rows = np.cumsum(np.where(late, back_at, forth_at), axis=-1)
    if initial is not None:
        start = np.broadcast_to(
            np.moveaxis(array(initial), axis, -1) if np.ndim(initial) else initial, (*shape_of(rows)[:-1], 1)
        )
        rows = np.concatenate([start, rows + start], axis=-1)
    return np.moveaxis(rows, -1, axis)


def _first_of_three(y: Any, h: Any) -> Any:
    """The integral over the first of two intervals of the parabola through three samples."""
    a, b = h[..., :-1], h[..., 1:]
    p, q = a / (a + b), a / b
    return a / 6 * ((3 - p) * y[..., :-2] + (3 + p * q + p) * y[..., 1:-1] - p * q * y[..., 2:])


@implements(scipy.integrate.romb)
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """Richardson's extrapolation of the trapezoidal rule, from 2^k + 1 samples (W. Romberg, 1955)."""
    y, h, _ = _samples(y, None, dx, axis)
    n = shape_of(y)[-1] - 1
    if n < 1 or n & (n - 1):
        raise ValueError("Number of samples must be one plus a non-negative power of 2.")
    step, row = n, [(y[..., 0] + y[..., -1]) / 2 * (n * h)]
    while step > 1:
        finer = 0.5 * row[0] + (step // 2) * h * np.sum(y[..., step // 2 :: step], axis=-1)
        new = [finer]
        for j, coarse in enumerate(row, 1):
            new.append(new[-1] + (new[-1] - coarse) / (4**j - 1))
        row, step = new, step // 2
    return row[-1]


@functools.lru_cache(32)
def _gauss(n: int) -> tuple[Any, Any]:
    return np.polynomial.legendre.leggauss(n)


def fixed_quad(func: Callable[..., Any], a: Any, b: Any, args: tuple[Any, ...] = (), n: int = 5) -> tuple[Any, None]:
    """Gauss's rule of n points, exact for polynomials of degree 2 n - 1; differentiated in a, b and what func closes
    over. Returns the integral and None, as SciPy."""
    x, w = _gauss(n)
    half = (b - a) / 2
    y = func(half * (x + 1) + a, *args)
    return half * np.sum(w * y, axis=-1), None
