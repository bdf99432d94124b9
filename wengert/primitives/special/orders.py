"""Bessel functions differentiated in the order: contour integrals through the saddle point, differentiated inside.

    H_v(x) = J_v(x) + i Y_v(x) = 1/(pi i) integral from -oo to oo + i pi of exp(x sinh t - v t) dt       (DLMF 10.9.18)
    I_v(x) = 1/(2 pi i) integral from oo - i pi to oo + i pi of exp(x cosh t - v t) dt                   (DLMF 10.32.12)

    exp(x) K_v(x) = integral over t > 0 of cosh(v t) exp(-x (cosh t - 1))                               (DLMF 10.32.9)

The k-th derivative in v has the factor (-t)^k. The paths are straight lines on which the integrand decreases from the
saddle point on, so that nothing cancels: neither J_v that is far smaller than Y_v, nor the slope of I_v near v = 0.
They end where it has fallen by exp(-42), and are integrated by Gauss and Legendre's rule, panel by panel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from ...core.primitive import Elementwise, Primitive
from .table import ONE, in_double_chunks, sampler, with_first

Phase = Callable[[Any], Any]

ORDERS, POSITIVE = (0.2, 2.5), (0.3, 4.0)
FALL = 42.0
ENDLESS = math.inf
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
NODES, WEIGHTS = 0.5 + 0.5 * _NODES, 0.5 * _WEIGHTS  # on the interval from 0 to 1


# a straight piece of a path --------------------------------------------------------------------------------------
def fallen(phi: Phase, start: Any, direction: complex, end: Any) -> Any:
    """The length, at most `end`, after which the integrand has fallen by exp(-FALL)."""
    top = np.real(phi(start))
    far = np.where(np.isfinite(end), end, 1.0)
    for _ in range(1100):
        short = (end == ENDLESS) & (top - np.real(phi(start + direction * far)) < FALL)
        if not short.any():
            break
        far = np.where(short, 2 * far, far)
    low = np.zeros_like(far)
    high = far
    for _ in range(12):
        middle = 0.5 * (low + high)
        enough = top - np.real(phi(start + direction * middle)) > FALL
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _piece(phi: Phase, k: int, start: Any, direction: complex, end: Any = ENDLESS) -> Any:
    """The integral of (-t)^k exp(phi(t)) from a point on, in a direction of length one or so, for a length."""
    length = fallen(phi, start, direction, end)
    panels = 2 + int(np.max(length, initial=0.0, where=np.isfinite(length)) / 2)
    total: Any = 0.0
    for j in range(panels):
        t = start[:, None] + direction * (length[:, None] * ((j + NODES) / panels))
        f = np.exp(phi(t))
        for _ in range(k):
            f = f * -t
        total = total + f @ WEIGHTS
    return total * (length * (direction / panels))


def _along(f: Callable[[Any, Any, Any], Any], x: Any, v: Any) -> Phase:
    """A phase as a function of points, one for each element, or a row of points for each."""
    return lambda t: f(t, x[:, None], v[:, None]) if np.ndim(t) > 1 else f(t, x, v)


# J and Y -----------------------------------------------------------------------------------------------------------
def _hankel(k: int, v: Any, x: Any) -> Any:
    """The k-th derivative of J_v + i Y_v, x > 0."""
    out = np.where(np.isinf(x) & (x > 0), 0.0, complex(np.nan, np.nan))
    for mask, f in ((abs(v) <= x, _oscillating), (v > x, _growing), (-v > x, _reflected)):
        mask = mask & (x > 0) & (x < np.inf)
        if mask.any():
            out[mask] = f(k, v[mask], x[mask])
    return out


def _phase(t: Any, x: Any, v: Any) -> Any:
    return x * np.sinh(t) - v * t


def _oscillating(k: int, v: Any, x: Any) -> Any:
    """|v| <= x: from the saddle point i b, v = x cos b, by diagonals to the real line and to i pi + the real line."""
    b = np.arccos(v / x)
    phi, saddle = _along(_phase, x, v), 1j * b
    upper = _piece(phi, k, saddle, 1 + 1j, math.pi - b) + _piece(phi, k, math.pi - b + 1j * math.pi, 1)
    lower = _piece(phi, k, saddle, -1 - 1j, b) + _piece(phi, k, -b + 0j, -1)
    return (upper - lower) / (1j * math.pi)


def _growing(k: int, v: Any, x: Any) -> Any:
    """v > x: the saddle points a and -a, v = x cosh a. The real line gives Y; from a on, at 60 degrees, J."""
    a = np.arccosh(v / x)
    phi, slant, width = _along(_phase, x, v), complex(0.5, math.sqrt(0.75)), math.pi / math.sqrt(3)
    j = _piece(phi, k, a + 0j, slant, np.full_like(a, 2 * width)) + _piece(phi, k, a + width + 1j * math.pi, 1)
    y = _piece(phi, k, -a, 1.0, 2 * a) - _piece(phi, k, -a, -1.0)
    return (j + y) / (1j * math.pi)


def _reflected(k: int, v: Any, x: Any) -> Any:
    """H_v = exp(i pi w) H_w, w = -v > x."""
    turn = sp.sindg(90 + 180 * (v % 2)) - 1j * sp.sindg(180 * (v % 2))
    terms = [math.comb(k, j) * (1j * math.pi) ** (k - j) * _growing(j, -v, x) for j in range(k + 1)]
    return (-1) ** k * turn * sum(terms)


# I -----------------------------------------------------------------------------------------------------------------
def _scaled_phase(t: Any, x: Any, v: Any) -> Any:
    return 2 * x * np.sinh(0.5 * t) ** 2 - v * t


def _scaled_i(k: int, v: Any, x: Any) -> Any:
    """The k-th derivative of exp(-x) I_v(x), x > 0: from the saddle point a, v = x sinh a, up and to the right."""
    a = np.arcsinh(v / x)
    phi = _along(_scaled_phase, x, v)
    up = _piece(phi, k, a + 0j, 1j, np.full_like(a, math.pi))
    return np.imag(up + _piece(phi, k, a + 1j * math.pi, 1)) / math.pi


# as primitives -----------------------------------------------------------------------------------------------------
def _moment(name: str, f: Callable[[int, Any, Any], Any], value: Any, slope: Callable[..., Any]) -> Any:
    """The k-th derivative in the order of a function `value`; slope(k, v, x) is its derivative in x.

    For negative x there is none, as the function is real at whole orders only.
    """

    def impl(k: Any, v: Any, x: Any) -> Any:
        k = int(k[0]) if np.size(k) else 0
        if k == 0:
            return value(v, x)
        at_zero = (x == 0) & (v > 0) & (value is not sp.yv)
        return np.where(at_zero, 0.0, f(k, v, np.where(at_zero, 1.0, x)))

    p = Primitive(
        name,
        in_double_chunks(impl),
        Elementwise(None, lambda k, v, x: p(k + 1, v, x), slope, names="k v x", singular=True),
        pointwise=True,
        samples=lambda rng: with_first(1, sampler([ORDERS, POSITIVE], shapes=ONE)(rng)),
    )
    return p


jv_moment = _moment(
    "jv_moment",
    lambda k, v, x: _hankel(k, v, x).real,
    sp.jv,
    lambda k, v, x: 0.5 * (jv_moment(k, v - 1, x) - jv_moment(k, v + 1, x)),
)
yv_moment = _moment(
    "yv_moment",
    lambda k, v, x: _hankel(k, v, x).imag,
    sp.yv,
    lambda k, v, x: 0.5 * (yv_moment(k, v - 1, x) - yv_moment(k, v + 1, x)),
)
ive_moment = _moment(
    "ive_moment",
    _scaled_i,
    sp.ive,
    lambda k, v, x, y: 0.5 * (ive_moment(k, v - 1, x) + ive_moment(k, v + 1, x)) - y,
)


# K -----------------------------------------------------------------------------------------------------------------
def _kv_moment(k: Any, v: Any, x: Any) -> Any:
    """integral over t > 0 of t^k cosh(vt) exp(-x (cosh t - 1)), sinh for odd k: the k-th slope of exp(x) K_v(x) in v.

    By the trapezoidal rule, which converges exponentially: the integrand is even, and decays double exponentially.
    """
    k, v, x = int(k[0]) if np.size(k) else 0, np.abs(v)[:, None], x[:, None]
    end = np.arccosh(1 + 40 / x)
    for _ in range(5):  # x (cosh t - 1) = v t + 40
        end = np.arccosh(1 + (v * end + 40) / x)
    steps = max(64, int(np.max(end, initial=0.0, where=np.isfinite(end)) / 0.2))
    t = end * (np.arange(1, steps + 1) / steps)
    decay = 2 * x * np.sinh(0.5 * t) ** 2
    f = t**k * (np.exp(v * t - decay) + (-1) ** k * np.exp(-v * t - decay)) / 2
    at_zero = 0.5 if k == 0 else 0.0
    return (f.sum(axis=1) + at_zero) * (end[:, 0] / steps)


kv_moment = Primitive(
    "kv_moment",
    in_double_chunks(lambda k, v, x: np.where(v < 0, (-1.0) ** k, 1.0) * _kv_moment(k, v, x)),
    Elementwise(
        None,
        lambda k, v, x: kv_moment(k + 1, v, x),
        lambda k, v, x, y: y - 0.5 * (kv_moment(k, v + 1, x) + kv_moment(k, v - 1, x)),
        names="k v x",
        singular=True,
    ),
    pointwise=True,
    samples=lambda rng: with_first(1, sampler([ORDERS, POSITIVE])(rng)),
)
