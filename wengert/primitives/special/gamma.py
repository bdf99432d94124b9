"""Gamma, beta and zeta functions, and the polygamma functions that are their slopes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sp

from ...core.primitive import Elementwise, Primitive
from ...core.types import dtype_of
from ..elementwise import cos, equal, exp, floor, is_python, less, log, logical_and, logical_or, power, rint, sin, where
from .table import INTEGER, ONE, TABLE, from_scipy, piecewise, sampler, special, step, with_first

POSITIVE = (0.3, 4.0)
PI = math.pi
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
SHIFT = 10  # asymptotic series are used from here on


# polygamma ---------------------------------------------------------------------------------------------------------
def _polygamma(n: Any, x: Any) -> Any:
    """psi^(n)(x) = (-1)^(n+1) n! zeta(n+1, x), and psi(x) for n = 0."""
    if np.iscomplexobj(x):
        return _complex_polygamma(n, x)
    if np.ndim(n) == 0:
        n = int(n)
        return sp.psi(x) if n == 0 else (-1) ** (n + 1) * math.factorial(n) * sp.zeta(n + 1, x)
    n = np.asarray(n, np.result_type(x))
    return np.where(n == 0, sp.psi(x), (-1) ** (n + 1) * sp.gamma(n + 1) * sp.zeta(n + 1, x))


def _complex_polygamma(n: Any, z: Any) -> Any:
    """The recurrence to Re z >= 10, then the asymptotic series (DLMF 5.15.5, 5.15.8)."""
    n = int(n)
    if n == 0:
        return sp.psi(z)
    sign, total = (-1) ** (n + 1), np.zeros_like(z)
    for _ in range(SHIFT + max(0, math.ceil(-np.min(np.real(z), initial=0)))):
        near = np.real(z) < SHIFT
        total = total + np.where(near, math.factorial(n) / np.where(near, z, 1) ** (n + 1), 0)
        z = np.where(near, z + 1, z)
    for power_, c in _asymptotic(n):
        total = total + c / z**power_
    return (sign * total).astype(np.result_type(z))[()]


def _asymptotic(n: int) -> list[tuple[int, float]]:
    """(-1)^(n+1) psi^(n)(z) ~ sum of c / z^p, without the logarithm of n = 0: pairs (p, c)."""
    terms: list[tuple[int, float]] = [(n, math.factorial(n - 1))] if n else []
    terms.append((n + 1, math.factorial(n) / 2))
    for j, b in enumerate(BERNOULLI, 1):
        terms.append((2 * j + n, b * math.factorial(2 * j + n - 1) / math.factorial(2 * j)))
    return terms


polygamma = special("polygamma", INTEGER, lambda a, b: polygamma(a + 1, b), at=([0, 1, 2], POSITIVE), impl=_polygamma)
psi = special("psi", lambda x: polygamma(1, x), at=[POSITIVE])


def _polygamma_step(n: int, a: Any, b: Any) -> Any:
    """psi^(n)(a + b) - psi^(n)(a) without cancellation: shifted to a >= 10, then the series, term by term."""
    s = a + b
    direct = np.asarray(_polygamma(n, s) - _polygamma(n, a))
    stable = (a > 0) & (abs(b) < a)
    if not np.any(stable):
        return direct[()]
    a, b = np.where(stable, a, 1.0), np.where(stable, b, 0.0)

    def difference(p: int, z: Any) -> Any:
        """(z + b)^-p - z^-p."""
        return z**-p * np.expm1(-p * np.log1p(b / z))

    total = 0.0
    for k in range(SHIFT):
        total = total + math.factorial(n) * difference(n + 1, a + k)
    far = a + SHIFT
    for p, c in _asymptotic(n):
        total = total + c * difference(p, far)
    if n == 0:
        total = total - np.log1p(b / far)
    return np.where(stable, (-1) ** (n + 1) * total, direct).astype(direct.dtype)[()]


polygamma_step = Primitive(
    "polygamma_step",
    _polygamma_step,
    Elementwise(
        None,
        lambda n, a, b: polygamma_step(n + 1, a, b),
        lambda n, a, b: polygamma(n + 1, a + b),
        names="n a b",
        singular=True,
    ),
    pointwise=True,
    samples=lambda rng: (s for s in with_first(0, sampler([POSITIVE, (0.1, 2.0)])(rng))),
)


# gamma -------------------------------------------------------------------------------------------------------------
def _within_a_turn(x: Any) -> Any:
    """x less a multiple of 2."""
    return x if dtype_of(x).kind == "c" else x - 2 * rint(0.5 * x)


def sin_pi(x: Any) -> Any:
    """sin(pi x), exact at integers."""
    return sin(PI * _within_a_turn(x))


def cos_pi(x: Any) -> Any:
    """cos(pi x), exact at integers."""
    return cos(PI * _within_a_turn(x))


def _rgamma_slope(x: Any) -> Any:
    """-psi(x) / gamma(x); left of 1/2 by reflection, which has no poles there (at -n the slope is (-1)^n n!)."""

    def left(x: Any) -> Any:
        return gamma(1 - x) * (cos_pi(x) - psi(1 - x) * (sin_pi(x) / PI))

    if dtype_of(x).kind == "c":
        return -psi(x) * rgamma(x)
    return piecewise(less(x, 0.5), x, left, lambda x: -psi(x) * rgamma(x), 0.0, 1.0)


gamma = special("gamma", lambda x, y: y * psi(x), at=[POSITIVE])
gammaln = special("gammaln", lambda x: psi(x), at=[POSITIVE])
loggamma = special("loggamma", lambda x: psi(x), at=[POSITIVE])
rgamma = special("rgamma", lambda x: _rgamma_slope(x), at=[(-2.5, 3.0)])
gammasgn = step("gammasgn", [(-2.5, 3.0)])
poch = special(
    "poch", lambda a, b, y: y * polygamma_step(0, a, b), lambda a, b, y: y * psi(a + b), at=(POSITIVE, POSITIVE)
)

# beta --------------------------------------------------------------------------------------------------------------
beta = special(
    "beta",
    lambda a, b, y: -y * polygamma_step(0, a, b),
    lambda a, b, y: -y * polygamma_step(0, b, a),
    at=(POSITIVE, POSITIVE),
)
betaln = special(
    "betaln", lambda a, b: -polygamma_step(0, a, b), lambda a, b: -polygamma_step(0, b, a), at=(POSITIVE, POSITIVE)
)


def _is_pole(x: Any) -> Any:
    return logical_and(less(x, 0.5), equal(x, floor(x)))


def _binom_dn(n: Any, k: Any, y: Any) -> Any:
    """y (psi(n+1) - psi(n-k+1)); where 1/gamma(n-k+1) is zero, by the slope of that factor."""
    pole = logical_or(_is_pole(n - k + 1), _is_pole(k + 1))
    m = where(pole, 1.0, n - k)
    at_pole = gamma(n + 1) * rgamma(k + 1) * (_rgamma_slope(n - k + 1) + psi(n + 1) * rgamma(n - k + 1))
    return where(pole, at_pole, y * polygamma_step(0, m + 1, where(pole, 1.0, k)))


def _binom_dk(n: Any, k: Any, y: Any) -> Any:
    """y (psi(n-k+1) - psi(k+1)); where one of the reciprocal gammas is zero, by the slopes of these factors."""
    pole = logical_or(_is_pole(n - k + 1), _is_pole(k + 1))
    at_pole = gamma(n + 1) * (_rgamma_slope(k + 1) * rgamma(n - k + 1) - rgamma(k + 1) * _rgamma_slope(n - k + 1))
    safe = where(pole, 1.0, k)
    return where(pole, at_pole, y * polygamma_step(0, safe + 1, where(pole, 1.0, n) - 2 * safe))


binom = special(
    "binom",
    lambda a, b, y: _binom_dn(a, b, y),
    lambda a, b, y: _binom_dk(a, b, y),
    at=((2.0, 5.0), (0.3, 1.8)),
)


# zeta --------------------------------------------------------------------------------------------------------------
def _zeta_slope(s: Any, q: Any) -> Any:
    """d/ds of zeta(s, q) = sum_k (q+k)^-s: the Euler-Maclaurin formula (DLMF 25.11.5), differentiated term by term."""
    total = 0.0 * s
    for k in range(SHIFT):
        total = total - power(q + k, -s) * _log(q + k)
    a = q + SHIFT
    log_a = _log(a)
    r = 1 / (s - 1)
    total = total - power(a, 1 - s) * (r * (log_a + r)) - 0.5 * power(a, -s) * log_a
    rising, slope = s, 1.0 + 0.0 * s  # the product s (s+1) ... (s+2j-2), and its derivative
    for j, b in enumerate(BERNOULLI, 1):
        c = b / math.factorial(2 * j)
        total = total + c * power(a, 1 - 2 * j - s) * (slope - rising * log_a)
        for factor in (s + (2 * j - 1), s + 2 * j):
            rising, slope = rising * factor, slope * factor + rising
    return total


def _log(x: Any) -> Any:
    """log x; of a Python number again a Python number."""
    return math.log(x) if is_python(x) else log(x)


def _riemann_slope(s: Any) -> Any:
    """zeta'(s); left of -1 by zeta(s) = chi(s) zeta(1-s), chi = 2 (2 pi)^(s-1) sin(pi s/2) gamma(1-s) (DLMF 25.4.2)."""

    def reflected(s: Any) -> Any:
        r = 1 - s
        factor = 2 * exp(-r * math.log(2 * PI)) * gamma(r)
        sine, cosine = sin_pi(0.5 * s), cos_pi(0.5 * s)
        slope = sine * (math.log(2 * PI) - psi(r)) + 0.5 * PI * cosine
        return factor * (slope * riemann_zeta(r) - sine * _zeta_slope(r, 1.0))

    return piecewise(less(s, -1.0), s, reflected, lambda s: _zeta_slope(s, 1.0), -2.0, 2.0)


zeta = special(
    "zeta",
    lambda a, b: _zeta_slope(a, b),
    lambda a, b: -a * zeta(a + 1, b),
    at=((1.5, 4.0), POSITIVE),
    ufunc="_zeta",
    shapes=ONE,
)
riemann_zeta = special(
    "riemann_zeta", lambda x: _riemann_slope(x), at=[(1.5, 4.0)], impl=from_scipy("zeta"), ufunc="_riemann_zeta"
)
zetac = special("zetac", lambda x: _riemann_slope(x), at=[(1.5, 4.0)])
TABLE["digamma"] = psi
