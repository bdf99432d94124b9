"""Error functions, the normal distribution, and their relatives: Dawson, Fresnel, Faddeeva, Voigt, Owen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sp

from ...core.primitive import Elementwise, Primitive
from ...core.types import dtype_of
from ..elementwise import convert, cos, exp, imag, real, sin
from .table import ONE, piecewise, sampler, several, special, with_first, within

REAL = (-2.0, 2.0)
SQRT_PI = math.sqrt(math.pi)
SQRT_2PI = math.sqrt(2 * math.pi)
TWO_OVER_SQRT_PI = 2 / SQRT_PI
FAR = 7.0  # the asymptotic series below is exact to rounding from here on


# the scaled complement ---------------------------------------------------------------------------------------------
def _erfc_moment(n: int, x: Any) -> Any:
    """integral over t > 0 of t^n exp(-t^2 - 2xt): the recurrence in n; where that cancels a continued fraction."""
    first = (SQRT_PI / 2) * sp.erfcx(x)
    if n == 0:
        return first
    before, m = first, (1 - 2 * x * first) / 2
    for k in range(1, n):
        before, m = m, (k * before - 2 * x * m) / 2
    re = np.real(x)
    far = (re >= 2) | ((re >= 0) & (abs(x) >= 6.5))
    if not np.any(far):
        return m
    x, product = np.where(far, x, 2.0), first
    ratio = np.zeros_like(x)
    for k in range(60 + n, -1, -1):  # M_(k+1) / M_k = ((k+1)/2) / (x + M_(k+2) / M_(k+1))
        ratio = 0.5 * (k + 1) / (x + ratio)
        if k < n:
            product = product * ratio
    return np.where(far, product, m)[()]


erfc_moment = Primitive(
    "erfc_moment",
    _erfc_moment,
    Elementwise(None, lambda n, x: -2 * erfc_moment(n + 1, x), names="n x", singular=True),
    pointwise=True,
    samples=lambda rng: with_first(1, sampler([(-1.0, 4.0)])(rng)),
)


def far_slope(t: Any) -> Any:
    """1 + 3t + 15t^2 + 105t^3 + ...: of all these functions, the slope is -1/(2x^2) times this at t = 1/(2x^2)."""
    total = 1 + 53 * t
    for k in range(51, 1, -2):
        total = 1 + k * (t * total)
    return total


def _dawsn_slope(x: Any) -> Any:
    """1 - 2xy; far out, where that cancels, by its asymptotic series."""

    def far(x: Any) -> Any:
        t = 0.5 / (x * x)
        return -t * far_slope(t)

    return piecewise(within(x, FAR), x, lambda x: 1 - 2 * x * dawsn(x), far, 0.0, FAR)


def _wofz(n: int, z: Any) -> Any:
    """The n-th derivative of w(z) = erfcx(-iz): 2/sqrt(pi) (2i)^n M_n(-iz)."""
    return TWO_OVER_SQRT_PI * (2j) ** n * erfc_moment(n, -1j * z)


erf = special("erf", lambda x: TWO_OVER_SQRT_PI * exp(-x * x), at=[REAL])
erfc = special("erfc", lambda x: -TWO_OVER_SQRT_PI * exp(-x * x), at=[REAL])
erfi = special("erfi", lambda x: TWO_OVER_SQRT_PI * exp(x * x), at=[REAL])
erfcx = special("erfcx", lambda x: -2 * TWO_OVER_SQRT_PI * erfc_moment(1, x), at=[REAL])
erfinv = special("erfinv", lambda y: (SQRT_PI / 2) * exp(y * y), at=[(-0.9, 0.9)])
erfcinv = special("erfcinv", lambda y: -(SQRT_PI / 2) * exp(y * y), at=[(0.1, 1.9)])
dawsn = special("dawsn", lambda x: _dawsn_slope(x), at=[REAL])
wofz = special("wofz", lambda x: _wofz(1, x), at=[(-2.0, 2.0, -1.0, 2.0)])


# the normal distribution -------------------------------------------------------------------------------------------
def _mills(x: Any) -> Any:
    """The density over the distribution function, exp(-x^2/2) / (sqrt(2 pi) Phi(x)), at any x."""
    return (2 / SQRT_2PI) / erfcx(-math.sqrt(0.5) * x)


ndtr = special("ndtr", lambda x: exp(-0.5 * (x * x)) / SQRT_2PI, at=[REAL])
log_ndtr = special("log_ndtr", lambda x: _mills(x), at=[REAL])
ndtri = special("ndtri", lambda y: SQRT_2PI * exp(0.5 * (y * y)), at=[(0.1, 0.9)])
ndtri_exp = special("ndtri_exp", lambda y: 1 / _mills(y), at=[(-3.0, -0.1)])
owens_t = special(
    "owens_t",
    lambda a, b: (-0.5 / SQRT_2PI) * exp(-0.5 * (a * a)) * erf(math.sqrt(0.5) * (a * b)),
    lambda a, b: exp(-0.5 * (a * a) * (1 + b * b)) / (2 * math.pi * (1 + b * b)),
    at=(REAL, REAL),
)
nrdtrimn = special(  # the mean of a normal distribution: x - std ndtri(p)
    "nrdtrimn",
    lambda a, b: -b * SQRT_2PI * exp(0.5 * (ndtri(a) * ndtri(a))),
    lambda a: -ndtri(a),
    1,
    at=((0.1, 0.9), (0.5, 2.0), REAL),
)
nrdtrisd = special(  # its standard deviation: (x - mean) / ndtri(p)
    "nrdtrisd",
    lambda b, y: -1 / ndtri(b),
    lambda b, y: -y / ndtri(b) * SQRT_2PI * exp(0.5 * (ndtri(b) * ndtri(b))),
    lambda b: 1 / ndtri(b),
    at=(REAL, (0.6, 0.9), REAL),
)


# Voigt and Fresnel -------------------------------------------------------------------------------------------------
def _voigt(n: int, x: Any, sigma: Any, gamma: Any) -> Any:
    """The n-th derivative in x of V = Re w(rx + i r gamma) r / sqrt(pi), r = 1/(sigma sqrt 2), before the real part."""
    dtype = np.result_type(dtype_of(x), np.complex64)
    r = convert(1 / (math.sqrt(2) * sigma), dtype=dtype)
    y = _wofz(n, (convert(x, dtype=dtype) + 1j * convert(gamma, dtype=dtype)) * r)
    for _ in range(n + 1):
        y = y * r
    return y / SQRT_PI


voigt_profile = special(  # in sigma by the heat equation: dV/dsigma = sigma d2V/dx2
    "voigt_profile",
    lambda a, b, c: real(_voigt(1, a, b, c)),
    lambda a, b, c: b * real(_voigt(2, a, b, c)),
    lambda a, b, c: -imag(_voigt(1, a, b, c)),
    at=(REAL, (0.5, 2.0), (0.5, 2.0)),
    shapes=ONE,
)
fresnel = several(
    "fresnel",
    2,
    lambda x, S, C: (sin((math.pi / 2) * (x * x)), cos((math.pi / 2) * (x * x))),
    at=[REAL],
)


def _modified_fresnel(name: str, i: complex) -> Any:
    """F = integral from x on of exp(i t^2) and K = erfcx(x / sqrt(i)) / 2."""
    turn = complex(np.exp(-0.25 * i * math.pi))

    def slopes(x: Any, F: Any, K: Any) -> Any:
        z = convert(x, dtype=dtype_of(F))
        return -exp(i * (z * z)), -TWO_OVER_SQRT_PI * turn * erfc_moment(1, turn * z)

    return several(name, 2, slopes, at=[(0.3, 2.0)])  # SciPy's values at negative x are wrong


modfresnelp = _modified_fresnel("modfresnelp", 1j)
modfresnelm = _modified_fresnel("modfresnelm", -1j)
