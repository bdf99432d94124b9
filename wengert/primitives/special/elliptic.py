"""Elliptic integrals and functions. The slopes are Carlson's symmetric integrals, which have no removable poles.

All of these are instances of one function, which is closed under differentiation (DLMF 19.16, 19.18):

    I(b; z) = integral over t > 0 of prod_j (t + z_j)^(-b_j),    dI/dz_j = -b_j I(b + e_j; z)

R_F = I/2 for b = (1/2, 1/2, 1/2), R_D = 3/2 I for (1/2, 1/2, 3/2), R_J = 3/2 I with a fourth b_4 = 1, and R_C = I/2
for (1/2, 1). First derivatives of the classical integrals are R_F and R_D; the others come by quadrature.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.primitive import Elementwise, Primitive
from ..elementwise import absolute, cos, equal, rint, sin, sqrt, where
from .table import ONE, from_scipy, sampler, several, special

POSITIVE = (0.3, 2.0)
UNIT = (0.1, 0.9)
KNOWN = {(0, 0.5, 0.5, 0.5): ("elliprf", 2.0), (0, 0.5, 0.5, 1.5): ("elliprd", 2 / 3)}
NODES = np.arange(320) / 319


def _carlson(*args: Any) -> Any:
    """I(b; z): SciPy's where it has it, else the trapezoidal rule in log t, exact to rounding for these integrands."""
    b, z = args[:4], args[4:]
    order = sorted(range(4), key=lambda i: b[i])
    known = KNOWN.get(tuple(b[i] for i in order))
    if known is not None:
        name, factor = known
        return from_scipy(name)(*(z[i] for i in order[1:])) * factor
    dtype = np.result_type(*z)
    shape = np.broadcast_shapes(*map(np.shape, z))
    used = [(p, np.broadcast_to(np.asarray(x, dtype), shape)[..., None]) for p, x in zip(b, z, strict=True) if p]
    turn: Any = 1.0
    if dtype.kind == "c":  # along a ray in the middle of all z, far from the zeros of the factors
        angles = [np.angle(x) for _, x in used]
        turn = np.exp(0.5j * (np.max(angles, axis=0) + np.min(angles, axis=0)))
        used = [(p, x / turn) for p, x in used]
    size = np.stack([np.abs(x) for _, x in used])
    zero = size == 0
    low = np.log(np.min(np.where(zero, np.inf, size), axis=0)) - np.where(zero.any(axis=0), 74.0, 38.0)
    high = np.log(np.max(size, axis=0)) + 38.0 / (sum(b) - 1)
    log_t = low + (high - low) * NODES
    t = np.exp(log_t)
    f = np.exp(log_t - sum(p * np.log(t + x) for p, x in used))
    y = f.sum(axis=-1) * ((high - low)[..., 0] / (len(NODES) - 1))
    return (y if dtype.kind == "f" else y * turn[..., 0] ** (1 - sum(b))).astype(dtype)[()]


def _carlson_slope(j: int) -> Any:
    """-b_j I(b + e_j; z)."""

    def slope(p: Any, q: Any, r: Any, s: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        exponents = [p, q, r, s]
        exponents[j] += 1
        return -(exponents[j] - 1) * carlson(*exponents, a, b, c, d)

    return slope


carlson = Primitive(
    "carlson",
    _carlson,
    Elementwise(*(None,) * 4, *map(_carlson_slope, range(4)), names="p q r s a b c d", singular=True),
    pointwise=True,
    samples=lambda rng: _carlson_samples(rng),
)


def _carlson_samples(rng: np.random.Generator) -> Any:
    for exponents in [(0.5, 0.5, 0.5, 1.0), (0.5, 0.5, 0.5, 0.0)]:
        for s in sampler([POSITIVE] * 4, tuple(range(4, 8 if exponents[3] else 7)), ONE)(rng):
            s.args = (*exponents, *s.args)
            yield s


# Carlson's integrals -----------------------------------------------------------------------------------------------
elliprf = special(
    "elliprf",
    lambda a, b, c: -elliprd(b, c, a) / 6,
    lambda a, b, c: -elliprd(a, c, b) / 6,
    lambda a, b, c: -elliprd(a, b, c) / 6,
    at=[POSITIVE] * 3,
    shapes=ONE,
)
elliprd = special(
    "elliprd",
    lambda a, b, c: -0.75 * carlson(1.5, 0.5, 1.5, 0.0, a, b, c, 1.0),
    lambda a, b, c: -0.75 * carlson(0.5, 1.5, 1.5, 0.0, a, b, c, 1.0),
    lambda a, b, c: -2.25 * carlson(0.5, 0.5, 2.5, 0.0, a, b, c, 1.0),
    at=[POSITIVE] * 3,
    shapes=ONE,
)
elliprg = special(
    "elliprg",
    lambda a, b, c: elliprf(a, b, c) / 4 - a * elliprd(b, c, a) / 12,
    lambda a, b, c: elliprf(a, b, c) / 4 - b * elliprd(a, c, b) / 12,
    lambda a, b, c: elliprf(a, b, c) / 4 - c * elliprd(a, b, c) / 12,
    at=[POSITIVE] * 3,
    shapes=ONE,
)
elliprj = special(
    "elliprj",
    lambda a, b, c, d: -0.75 * carlson(1.5, 0.5, 0.5, 1.0, a, b, c, d),
    lambda a, b, c, d: -0.75 * carlson(0.5, 1.5, 0.5, 1.0, a, b, c, d),
    lambda a, b, c, d: -0.75 * carlson(0.5, 0.5, 1.5, 1.0, a, b, c, d),
    lambda a, b, c, d: -1.5 * carlson(0.5, 0.5, 0.5, 2.0, a, b, c, d),
    at=[POSITIVE] * 4,
    shapes=ONE,
)
elliprc = special(
    "elliprc",
    lambda a, b: -0.25 * carlson(1.5, 1.0, 0.0, 0.0, a, b, 1.0, 1.0),
    lambda a, b: -0.5 * carlson(0.5, 2.0, 0.0, 0.0, a, b, 1.0, 1.0),
    at=[POSITIVE] * 2,
)
agm = special(
    "agm",
    lambda a, b, y: (2 / (3 * math.pi)) * (y * y) * absolute(a) * elliprd(0.0, b * b, a * a),
    lambda a, b, y: (2 / (3 * math.pi)) * (y * y) * absolute(b) * elliprd(0.0, a * a, b * b),
    at=[POSITIVE] * 2,
)


# Legendre's integrals of the parameter m = k^2 ---------------------------------------------------------------------
def _k_slope(m: Any) -> Any:
    return elliprd(0.0, 1.0, 1 - m) / 6


def _e_slope(m: Any) -> Any:
    return -elliprd(0.0, 1 - m, 1.0) / 6


def _turns(phi: Any) -> tuple[Any, Any, Any]:
    """phi = k pi + an angle in [-pi/2, pi/2]: k, the sine of that angle, and its squared cosine."""
    k = rint(phi * (1 / math.pi))
    c = cos(phi)
    return k, sin(phi - math.pi * k), c * c


def _whole_turns(k: Any, slope: Any, m: Any) -> Any:
    """2k times the slope of the complete integral, which may be infinite where it is not asked for."""
    inside = equal(k, 0)
    return where(inside, 0.0, 2 * k * slope(where(inside, 0.0, m)))


def f_slope(phi: Any, m: Any) -> Any:
    """dF/dm = s^3/6 R_D(c^2, 1, 1 - m s^2), s = sin phi, c = cos phi."""
    k, s, c2 = _turns(phi)
    return s * s * s / 6 * elliprd(c2, 1.0, 1 - m * (s * s)) + _whole_turns(k, _k_slope, m)


def e_slope(phi: Any, m: Any) -> Any:
    """dE/dm = -s^3/6 R_D(c^2, 1 - m s^2, 1)."""
    k, s, c2 = _turns(phi)
    return -(s * s * s) / 6 * elliprd(c2, 1 - m * (s * s), 1.0) + _whole_turns(k, _e_slope, m)


def delta(phi: Any, m: Any) -> Any:
    """sqrt(1 - m sin^2 phi)."""
    s = sin(phi)
    return sqrt(1 - m * (s * s))


ellipk = special("ellipk", lambda x: _k_slope(x), at=[UNIT])
ellipkm1 = special("ellipkm1", lambda x: -elliprd(0.0, 1.0, x) / 6, at=[UNIT])
ellipe = special("ellipe", lambda x: _e_slope(x), at=[UNIT])
ellipkinc = special("ellipkinc", lambda a, b: 1 / delta(a, b), lambda a, b: f_slope(a, b), at=((-4.0, 4.0), UNIT))
ellipeinc = special("ellipeinc", lambda a, b: delta(a, b), lambda a, b: e_slope(a, b), at=((-4.0, 4.0), UNIT))


# Jacobi's functions ------------------------------------------------------------------------------------------------
def _jacobi_slopes(u: Any, m: Any, sn: Any, cn: Any, dn: Any, ph: Any) -> Any:
    """In u: (cn dn, -sn dn, -m sn cn, dn). In m: from F(ph, m) = u, dph/dm = -dn dF/dm."""
    ph_m = -dn * f_slope(ph, m)
    return (
        (cn * dn, cn * ph_m),
        (-sn * dn, -sn * ph_m),
        (-m * sn * cn, -sn * (0.5 * sn + m * cn * ph_m) / dn),
        (dn, ph_m),
    )


ellipj = several("ellipj", 4, _jacobi_slopes, at=[(0.2, 3.0), UNIT], active=2)
