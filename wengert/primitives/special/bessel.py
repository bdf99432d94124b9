"""Bessel functions and their relatives: Airy, Kelvin, Struve, spherical, Mathieu, parabolic cylinder, and integrals.

The slope in the argument comes from the recurrences in the order, e.g. J_v' = (J_(v-1) - J_(v+1))/2, which have no
pole at the origin.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.trace import Tracer
from ...core.types import dtype_of
from ..elementwise import cos, cosh, equal, exp, greater, logical_and, maximum, power, sign, sqrt, where
from .gamma import rgamma
from .orders import ive_moment, jv_moment, kv_moment, yv_moment
from .table import (
    INTEGER,
    ORDER,
    PARAMETER,
    in_double,
    real_only,
    several,
    special,
    unknown,
    whole,
)

REAL = (-2.0, 2.0)
COMPLEX = (0.3, 4.0, -1.0, 1.0)
POSITIVE = (0.3, 4.0)
ORDERS = (0.2, 2.5)


# scaled by an exponential: far out the slope is a small difference, and comes from Hankel's expansion --------------
FAR = 40.0
TERMS = 16


def _hankel_slope(v: Any, x: Any, s: int) -> Any:
    """d/dx of x^(-1/2) sum_k s^k a_k(v) / x^k (DLMF 10.40.1-2), over x^(-1/2)."""
    mu, term, total = 4 * v * v, 1.0, -0.5 / x
    for k in range(1, TERMS):
        term = term * (s * (mu - (2 * k - 1) ** 2) / (8 * k)) / x
        total = total - (k + 0.5) * (term / x)
    return total


def _scaled(v: Any, x: Any, near: Any, s: int, factor: float) -> Any:
    """The slope of an exponentially scaled function on the real line: `near`, and far out Hankel's expansion."""
    if dtype_of(x).kind == "c":
        return near
    far = logical_and(greater(x, FAR), greater(x, v * v))
    if not isinstance(far, Tracer) and not np.any(far):
        return near
    safe = where(far, x, FAR)
    return where(far, factor * _hankel_slope(v, safe, s) / sqrt(safe), near)


def _ive_slope(v: Any, x: Any, y: Any) -> Any:
    near = 0.5 * (ive(v - 1, x) + ive(v + 1, x)) - sign(x) * y
    return _scaled(v, x, near, -1, 1 / math.sqrt(2 * math.pi))


def _kve_slope(v: Any, x: Any, y: Any) -> Any:
    near = y - 0.5 * (kve(v - 1, x) + kve(v + 1, x))
    return _scaled(v, x, near, 1, math.sqrt(math.pi / 2))


# in the order ------------------------------------------------------------------------------------------------------
HANKEL_ORDER = "its argument is complex; of real arguments write jv(v, x) + 1j * yv(v, x), or minus"
COMPLEX_ORDER = (
    "of complex arguments its derivative in the order is not computed: the integrals are along the real line"
)


def _in_order(name: str, moment: Any, v: Any, x: Any) -> Any:
    """The slope in the order, by an integral."""
    if dtype_of(x).kind == "c":
        unknown(name, 0, COMPLEX_ORDER).refuse()
    return moment(1, v, x)


# cylinder functions ------------------------------------------------------------------------------------------------
jv = special(
    "jv",
    lambda a, b: _in_order("jv", jv_moment, a, b),
    lambda a, b: 0.5 * (jv(a - 1, b) - jv(a + 1, b)),
    at=(ORDERS, POSITIVE),
)
yv = special(
    "yv",
    lambda a, b: _in_order("yv", yv_moment, a, b),
    lambda a, b: 0.5 * (yv(a - 1, b) - yv(a + 1, b)),
    at=(ORDERS, POSITIVE),
)
iv = special(
    "iv",
    lambda a, b: exp(b) * _in_order("iv", ive_moment, a, b),
    lambda a, b: 0.5 * (iv(a - 1, b) + iv(a + 1, b)),
    at=(ORDERS, POSITIVE),
)
kv = special(
    "kv",
    lambda a, b: exp(-b) * _in_order("kv", kv_moment, a, b),
    lambda a, b: -0.5 * (kv(a - 1, b) + kv(a + 1, b)),
    at=(ORDERS, POSITIVE),
)
jve = special(
    "jve",
    lambda a, b: _in_order("jve", jv_moment, a, b),
    lambda a, b: 0.5 * (jve(a - 1, b) - jve(a + 1, b)),
    at=(ORDERS, POSITIVE),
    impl=real_only("jve"),
)
yve = special(
    "yve",
    lambda a, b: _in_order("yve", yv_moment, a, b),
    lambda a, b: 0.5 * (yve(a - 1, b) - yve(a + 1, b)),
    at=(ORDERS, POSITIVE),
    impl=real_only("yve"),
)
ive = special(
    "ive",
    lambda a, b: _in_order("ive", ive_moment, a, b),
    lambda a, b, y: _ive_slope(a, b, y),
    at=(ORDERS, POSITIVE),
    impl=real_only("ive"),
)
kve = special(
    "kve", lambda a, b: _in_order("kve", kv_moment, a, b), lambda a, b, y: _kve_slope(a, b, y), at=(ORDERS, POSITIVE)
)
yn = special(
    "yn", INTEGER, lambda a, b: 0.5 * (yv(a - 1.0, b) - yv(a + 1.0, b)), at=([0, 1, 2], POSITIVE), impl=whole("yn", 0)
)
kn = special(
    "kn", INTEGER, lambda a, b: -0.5 * (kv(a - 1.0, b) + kv(a + 1.0, b)), at=([0, 1, 2], POSITIVE), impl=whole("kn", 0)
)

j0 = special("j0", lambda x: -j1(x), at=[REAL])
j1 = special("j1", lambda x: 0.5 * (j0(x) - jv(2.0, x)), at=[REAL])
y0 = special("y0", lambda x: -y1(x), at=[POSITIVE])
y1 = special("y1", lambda x, y: y0(x) - y / x, at=[POSITIVE])
i0 = special("i0", lambda x: i1(x), at=[REAL])
i1 = special("i1", lambda x: 0.5 * (i0(x) + iv(2.0, x)), at=[REAL])
k0 = special("k0", lambda x: -k1(x), at=[POSITIVE])
k1 = special("k1", lambda x, y: -k0(x) - y / x, at=[POSITIVE])


i0e = special("i0e", lambda x, y: _i0e_slope(x, y), at=[POSITIVE])
i1e = special("i1e", lambda x, y: _i1e_slope(x, y), at=[POSITIVE])
k0e = special("k0e", lambda x, y: _scaled(0.0, x, y - k1e(x), 1, math.sqrt(math.pi / 2)), at=[POSITIVE])
k1e = special("k1e", lambda x, y: _scaled(1.0, x, y - k0e(x) - y / x, 1, math.sqrt(math.pi / 2)), at=[POSITIVE])


def _i0e_slope(x: Any, y: Any) -> Any:
    """I_1 - sign(x) I_0, both scaled: odd."""
    s = sign(x)
    return s * _scaled(0.0, s * x, s * i1e(x) - y, -1, 1 / math.sqrt(2 * math.pi))


def _i1e_slope(x: Any, y: Any) -> Any:
    """(I_0 + I_2)/2 - sign(x) I_1, all scaled: even."""
    s = sign(x)
    return _scaled(1.0, s * x, 0.5 * (i0e(x) + ive(2.0, x)) - s * y, -1, 1 / math.sqrt(2 * math.pi))


hankel1 = special(
    "hankel1", HANKEL_ORDER, lambda a, b: 0.5 * (hankel1(a - 1, b) - hankel1(a + 1, b)), at=(ORDERS, COMPLEX)
)
hankel2 = special(
    "hankel2", HANKEL_ORDER, lambda a, b: 0.5 * (hankel2(a - 1, b) - hankel2(a + 1, b)), at=(ORDERS, COMPLEX)
)
hankel1e = special(
    "hankel1e",
    HANKEL_ORDER,
    lambda a, b, y: 0.5 * (hankel1e(a - 1, b) - hankel1e(a + 1, b)) - 1j * y,
    at=(ORDERS, COMPLEX),
)
hankel2e = special(
    "hankel2e",
    HANKEL_ORDER,
    lambda a, b, y: 0.5 * (hankel2e(a - 1, b) - hankel2e(a + 1, b)) + 1j * y,
    at=(ORDERS, COMPLEX),
)


# Struve functions --------------------------------------------------------------------------------------------------
def _struve_term(v: Any, x: Any) -> Any:
    """(x/2)^v / (sqrt(pi) gamma(v + 3/2))."""
    return power(0.5 * x, v) * rgamma(v + 1.5) * (1 / math.sqrt(math.pi))


struve = special(
    "struve",
    ORDER,
    lambda a, b: 0.5 * (struve(a - 1, b) - struve(a + 1, b) + _struve_term(a, b)),
    at=(ORDERS, POSITIVE),
)
modstruve = special(
    "modstruve",
    ORDER,
    lambda a, b: 0.5 * (modstruve(a - 1, b) + modstruve(a + 1, b) + _struve_term(a, b)),
    at=(ORDERS, POSITIVE),
)


# spherical ---------------------------------------------------------------------------------------------------------
def _spherical(name: str, before: int, after: int) -> Any:
    """f_n' = (b n f_(n-1) + a (n+1) f_(n+1)) / (2n+1) (DLMF 10.51.2, 10.51.5)."""

    def slope(a: Any, b: Any) -> Any:
        lower = where(greater(a, 0), before * a * f(maximum(a - 1, 0), b), 0.0)
        return (lower + after * (a + 1) * f(a + 1, b)) / (2 * a + 1)

    f = special(name, INTEGER, slope, at=([0, 1, 2], POSITIVE), impl=whole(name, 0), ufunc="_" + name)
    return f


spherical_jn = _spherical("spherical_jn", 1, -1)
spherical_yn = _spherical("spherical_yn", 1, -1)
spherical_in = _spherical("spherical_in", 1, 1)
spherical_kn = _spherical("spherical_kn", -1, -1)

# several results: the function and its derivative, by the differential equation ------------------------------------
DEGREE = math.pi / 180
airy = several("airy", 4, lambda x, a, ap, b, bp: (ap, x * a, bp, x * b), at=[REAL])
airye = several(  # Ai e^u and Ai' e^u, Bi e^-|u| and Bi' e^-|u|, with u = 2/3 x^(3/2)
    "airye",
    4,
    lambda x, a, ap, b, bp: (
        ap + sqrt(x) * a,
        x * a + sqrt(x) * ap,
        bp - sqrt(maximum(x, 0.0)) * b,
        x * b - sqrt(maximum(x, 0.0)) * bp,
    ),
    at=[POSITIVE],
    impl=real_only("airye"),
)
pbdv = several("pbdv", 2, lambda v, x, d, dp: (dp, (0.25 * (x * x) - v - 0.5) * d), at=[(0.2, 2.0), REAL])
pbvv = several("pbvv", 2, lambda v, x, d, dp: (dp, (0.25 * (x * x) - v - 0.5) * d), at=[(0.2, 2.0), REAL])
pbwa = several("pbwa", 2, lambda a, x, w, wp: (wp, (a - 0.25 * (x * x)) * w), at=[(0.2, 2.0), REAL])

# Kelvin functions --------------------------------------------------------------------------------------------------


def _kelvin_slope(f: Any, fp: Any, x: Any, s: int, limit: float) -> Any:
    """The second derivative -f'/x + s f of a Kelvin function with its partner f; `limit` at x = 0."""
    zero = equal(x, 0)
    return where(zero, limit, s * f(x) - fp(x) / where(zero, 1.0, x))


ber = special("ber", lambda x: berp(x), at=[REAL])
bei = special("bei", lambda x: beip(x), at=[REAL])
ker = special("ker", lambda x: kerp(x), at=[POSITIVE])
kei = special("kei", lambda x: keip(x), at=[POSITIVE])
berp = special("berp", lambda x: _kelvin_slope(bei, berp, x, -1, 0.0), at=[POSITIVE])
beip = special("beip", lambda x: _kelvin_slope(ber, beip, x, 1, 0.5), at=[POSITIVE])
kerp = special("kerp", lambda x: _kelvin_slope(kei, kerp, x, -1, -np.inf), at=[POSITIVE])
keip = special("keip", lambda x: _kelvin_slope(ker, keip, x, 1, np.inf), at=[POSITIVE])
kelvin = several(
    "kelvin",
    4,
    lambda x, be, ke, bep, kep: (bep, kep, 1j * be - bep / x, 1j * ke - kep / x),
    at=[POSITIVE],
)

# integrals ---------------------------------------------------------------------------------------------------------
itj0y0 = several("itj0y0", 2, lambda x, j, y: (j0(x), y0(x)), at=[POSITIVE])
iti0k0 = several("iti0k0", 2, lambda x, i, k: (i0(x), k0(x)), at=[POSITIVE])
it2j0y0 = several("it2j0y0", 2, lambda x, j, y: ((1 - j0(x)) / x, -y0(x) / x), at=[POSITIVE])
it2i0k0 = several("it2i0k0", 2, lambda x, i, k: ((i0(x) - 1) / x, -k0(x) / x), at=[POSITIVE])
itairy = several(
    "itairy",
    4,
    lambda x, *y: (airy(x)[0], airy(x)[2], airy(-x)[0], airy(-x)[2]),
    at=[POSITIVE],
    tolerance=2e-2,
    order=1,
)
itstruve0 = special("itstruve0", lambda x: struve(0.0, x), at=[POSITIVE])
it2struve0 = special("it2struve0", lambda x: -struve(0.0, x) / x, at=[POSITIVE])
itmodstruve0 = special("itmodstruve0", lambda x: modstruve(0.0, x), at=[POSITIVE])
besselpoly = special(
    "besselpoly",
    lambda a, b, c: besselpoly(a, b + 1, c - 1) - besselpoly(a, b + 1, c + 1),
    PARAMETER,
    ORDER,
    at=((0.3, 1.0), (1.0, 2.0), (1.5, 2.5)),
)

# Mathieu functions (x in degrees) and the modified ones; results: the function and its slope (in radians) ----------
mathieu_a = special("mathieu_a", INTEGER, PARAMETER, at=([1, 2], (0.5, 2.0)))
mathieu_b = special("mathieu_b", INTEGER, PARAMETER, at=([1, 2], (0.5, 2.0)))


def _mathieu(name: str, value: Any) -> Any:
    """y'' = -(a - 2q cos 2x) y."""
    return several(
        name,
        2,
        lambda m, q, x, y, yp: (DEGREE * yp, -DEGREE * (value(m, q) - 2 * q * cos(2 * DEGREE * x)) * y),
        at=([1, 2], (0.5, 2.0), (10.0, 80.0)),
        impl=in_double(name),
    )


def _modified_mathieu(name: str, value: Any) -> Any:
    """y'' = (a - 2q cosh 2x) y."""
    return several(
        name,
        2,
        lambda m, q, x, y, yp: (yp, (value(m, q) - 2 * q * cosh(2 * x)) * y),
        at=([1, 2], (0.5, 2.0), (0.3, 1.0)),
        impl=in_double(name),
    )


mathieu_cem = _mathieu("mathieu_cem", mathieu_a)
mathieu_sem = _mathieu("mathieu_sem", mathieu_b)
mathieu_modcem1 = _modified_mathieu("mathieu_modcem1", mathieu_a)
mathieu_modcem2 = _modified_mathieu("mathieu_modcem2", mathieu_a)
mathieu_modsem1 = _modified_mathieu("mathieu_modsem1", mathieu_b)
mathieu_modsem2 = _modified_mathieu("mathieu_modsem2", mathieu_b)
