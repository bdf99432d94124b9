"""Incomplete gamma and beta integrals with logarithms: what the derivatives in the shape parameters are made of.

With psi the digamma function, alpha = psi(a) - psi(a+b), beta = psi(b) - psi(a+b), z = 1 - x, and the densities

    gamma_density   g = x^(a-1) exp(-x) / Gamma(a)
    beta_density    f = x^(a-1) z^(b-1) / Beta(a, b)

these are closed under differentiation, to any order:

    gamma_tail_k    T = integral over x of (log x - psi(a))^k g
    beta_tail_jk    T = integral over x of (log x - alpha)^j (log z - beta)^k f

T is the integral up to x, or minus the integral from x on, whichever has no cancellation: the two differ by a moment
that does not depend on x, and the derivative of both is the same. It is computed by the trapezoidal rule after a double
exponential substitution (Takahasi and Mori 1974). dP(a, x)/da is gamma_tail_1. The beta functions take x and z as
arguments of their own, so that neither end of the interval loses digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sp

from ...core.primitive import Elementwise, Primitive, Sample
from ...core.trace import Tracer
from ..elementwise import equal, log, power, where
from .gamma import beta, polygamma, polygamma_step, psi
from .table import ONE, in_double_chunks, sampler

SHAPE = (0.4, 4.0)
LARGE = 10.0  # Stirling's series from here on

_TAU = np.arange(-3.7, 4.1, 1 / 20)
_HALF_LINE = np.exp(_TAU - np.exp(-_TAU))  # r = w exp(t - exp(-t)): an integral over r > 0
_HALF_LINE_WEIGHTS = _HALF_LINE * (1 + np.exp(-_TAU)) / 20
_SIGMA = np.arange(-3.25, 3.25, 1 / 16)
_SEGMENT = 1 / (1 + np.exp(-math.pi * np.sinh(_SIGMA)))  # an integral over 0 < r < 1
_SEGMENT_WEIGHTS = _SEGMENT * (1 - _SEGMENT) * math.pi * np.cosh(_SIGMA) / 16


# kernels, exact to rounding also for large parameters --------------------------------------------------------------
def _stirling(a: Any) -> Any:
    """log Gamma(a) - (a - 1/2) log a + a - log(2 pi)/2 for a >= 10."""
    t = 1 / (a * a)
    series = 1 / 12 - t * (1 / 360 - t * (1 / 1260 - t * (1 / 1680 - t * (1 / 1188 - t * (691 / 360360 - t / 156)))))
    return series / a


def _excess(u: Any, ratio: Any) -> Any:
    """u - log(1 + u) with ratio = 1 + u; at small u, with v = u/(2+u), by u v - 2 (v^3/3 + v^5/5 + ...)."""
    small = abs(u) < 0.3
    w = np.where(small, u, 0.0)
    v = w / (2 + w)
    series, v2 = 0.0, v * v
    for k in range(21, 1, -2):
        series = 1 / k + v2 * series
    return np.where(small, w * v - 2 * v * v2 * series, u - np.log(np.where(small, 1.0, ratio)))


def log_gamma_kernel(a: Any, x: Any) -> Any:
    """log of x^a exp(-x) / Gamma(a)."""
    large = a >= LARGE
    b = np.where(large, a, LARGE)
    near = -b * _excess((x - b) / b, x / b) + 0.5 * np.log(b / (2 * math.pi)) - _stirling(b)
    return np.where(large, near, sp.xlogy(a, x) - x - sp.gammaln(a))


def log_beta(a: Any, b: Any) -> Any:
    """log Beta(a, b)."""
    small, big = np.minimum(a, b), np.maximum(a, b)
    c = np.maximum(big, LARGE)
    step = _stirling(c) - _stirling(c + small) - (c - 0.5) * np.log1p(small / c) - small * np.log(c + small) + small
    return np.where(big >= LARGE, sp.gammaln(small) + step, sp.betaln(a, b))


def log_beta_kernel(a: Any, b: Any, x: Any, z: Any) -> Any:
    """log of x^a z^b / Beta(a, b), z = 1 - x."""
    large = np.minimum(a, b) >= LARGE
    c, d = np.where(large, a, LARGE), np.where(large, b, LARGE)
    n = c + d
    u = np.where(x < z, x - c / n, d / n - z)
    near = (
        -c * _excess(u * (n / c), x * (n / c))
        - d * _excess(-u * (n / d), z * (n / d))
        + 0.5 * np.log(c / n * d / (2 * math.pi))
    )
    near = near - _stirling(c) - _stirling(d) + _stirling(n)
    return np.where(large, near, sp.xlogy(a, x) + sp.xlogy(b, z) - log_beta(a, b))


def _gamma_density(a: Any, x: Any) -> Any:
    at_zero = np.where(a == 1, 1.0, np.where(a > 1, 0.0, np.where(a == 0, 0.0, sp.rgamma(a) * np.inf)))
    return np.where(x == 0, at_zero, np.exp(log_gamma_kernel(a, x)) / x)


def _beta_density(a: Any, b: Any, x: Any, z: Any) -> Any:
    edge = x * z == 0
    at_edge = x ** (a - 1) * z ** (b - 1) * np.exp(-log_beta(a, b))
    return np.where(edge, at_edge, np.exp(log_beta_kernel(a, b, x, z)) / (x * z))


def _gamma_slope(a: Any, x: Any, y: Any) -> Any:
    """y (a-1-x)/x, and g(a-1, x) - g(a, x) at x = 0."""
    zero = equal(x, 0)
    slope = y * ((a - 1 - x) / where(zero, 1.0, x))
    if not isinstance(zero, Tracer) and not np.any(zero):
        return slope
    return where(zero, gamma_density(a - 1, x) - y, slope)


def _beta_slope(a: Any, x: Any, z: Any, b: Any, y: Any) -> Any:
    """y (a-1)/x; at x = 0 by the powers."""
    zero = equal(x, 0)
    slope = y * ((a - 1) / where(zero, 1.0, x))
    if not isinstance(zero, Tracer) and not np.any(zero):
        return slope
    at_zero = where(equal(a, 1), 0.0, (a - 1) * power(where(zero, x, 1.0), a - 2) * power(z, b - 1) / beta(a, b))
    return where(zero, at_zero, slope)


def times_log(y: Any, x: Any, offset: Any) -> Any:
    """y (log x - offset), and 0 where y = 0."""
    zero = equal(y, 0)
    return where(zero, 0.0, y * (log(where(zero, 1.0, x)) - offset))


gamma_density = Primitive(
    "gamma_density",
    in_double_chunks(_gamma_density),
    Elementwise(
        lambda a, b, y: times_log(y, b, psi(a)),
        lambda a, b, y: _gamma_slope(a, b, y),
        singular=True,
    ),
    pointwise=True,
    samples=sampler([SHAPE, SHAPE]),
)
beta_density = Primitive(
    "beta_density",
    in_double_chunks(_beta_density),
    Elementwise(
        lambda a, b, x, y: times_log(y, x, -polygamma_step(0, a, b)),
        lambda a, b, z, y: times_log(y, z, -polygamma_step(0, b, a)),
        lambda a, b, x, z, y: _beta_slope(a, x, z, b, y),
        lambda a, b, x, z, y: _beta_slope(b, z, x, a, y),
        names="a b x z",
        singular=True,
    ),
    pointwise=True,
    samples=sampler([SHAPE, SHAPE, (0.1, 0.9), (0.1, 0.9)], shapes=ONE),
)


# the integrals -----------------------------------------------------------------------------------------------------
def _reach(energy: Callable[[Any], Any], r: Any) -> Any:
    """A length beyond which a convex energy exceeds one (within a factor of two): r is doubled until it does."""
    for _ in range(60):
        short = energy(r) < 1
        if not short.any():
            break
        r = np.where(short, 2 * r, r)
    return r


def _gamma_tail(k: Any, a: Any, x: Any) -> Any:
    """The k-th logarithmic moment of the tail of the gamma distribution, by the variable r with x exp(+-r)."""
    k, a, x = int(k[0]) if np.size(k) else 0, a[:, None], x[:, None]
    offset = np.log(x) - sp.psi(a)
    upper = offset > 0
    sign = np.where(upper, 1.0, -1.0)
    start = np.where(upper, np.maximum(x, 1.0), x)  # between x and 1 the integrand of the upper tail is flat
    ahead = np.log(start / x)

    def energy(r: Any) -> Any:
        return start * np.expm1(sign * r) - sign * a * r

    def integrand(r: Any) -> Any:
        """At x exp(sign r)."""
        return (offset + sign * r) ** k * np.exp(sign * a * r - x * np.expm1(sign * r))

    w = _reach(energy, np.where(upper, 1 / start, 1 / a))
    total = (integrand(ahead + w * _HALF_LINE) * w) @ _HALF_LINE_WEIGHTS
    if (ahead > 0).any():
        total = total + (integrand(ahead * _SEGMENT) * ahead) @ _SEGMENT_WEIGHTS
    return -sign[:, 0] * total * np.exp(log_gamma_kernel(a, x)[:, 0])


gamma_tail = Primitive(
    "gamma_tail",
    in_double_chunks(_gamma_tail),
    Elementwise(
        None,
        lambda k, a, x: gamma_tail(k + 1, a, x) - (k * polygamma(1, a) * gamma_tail(k - 1, a, x) if k else 0.0),
        lambda k, a, x: _power(log(x) - psi(a), k) * gamma_density(a, x),
        names="k a x",
        singular=True,
    ),
    pointwise=True,
    samples=lambda rng: (Sample((k, *s.args)) for k in (0, 1) for s in sampler([SHAPE, SHAPE], shapes=ONE)(rng)),
)


def _power(x: Any, k: int) -> Any:
    """x^k by multiplication."""
    y = 1.0
    for _ in range(int(k)):
        y = x if k == 1 else y * x
    return y


def _logs(s: Any) -> tuple[Any, Any]:
    """log x and log(1 - x) at s = log(x/(1-x))."""
    e = np.log1p(np.exp(-np.abs(s)))
    return np.minimum(s, 0) - e, -np.maximum(s, 0) - e


def _beta_tail(by: Any, j: Any, k: Any, a: Any, b: Any, x: Any, z: Any) -> Any:
    """The logarithmic moments of the tail of the beta distribution, by the log-odds s; upper tails by symmetry.

    by: which of the two logarithms, 0 or 1, has no zero in the tail.
    """
    by, j, k = (int(n[0]) if np.size(n) else 0 for n in (by, j, k))
    alpha, beta = -_step(a, b), -_step(b, a)
    upper = np.log(x) > alpha if by == 0 else np.log(z) < beta
    sign = np.where(upper, 1.0, -1.0)
    scale = np.exp(log_beta_kernel(a, b, x, z))
    log_x, log_z = np.log(x), np.log(z)
    p, q = np.where(upper, b, a)[:, None], np.where(upper, a, b)[:, None]  # the tail lies towards x = 0
    s0 = (np.where(upper, -1.0, 1.0) * (log_x - log_z))[:, None]
    start = np.minimum(s0, np.log(np.maximum(p, 1.0)))  # beyond, the integrand is flat if q is small
    end_logs = _logs(start)

    def energy(r: Any) -> Any:
        u, v = _logs(start - r)
        return p * (end_logs[0] - u) + q * (end_logs[1] - v)

    near_x, near_z = np.where(upper, log_z, log_x)[:, None], np.where(upper, log_x, log_z)[:, None]
    moment_u, moment_v = np.where(upper, beta, alpha)[:, None], np.where(upper, alpha, beta)[:, None]
    up = upper[:, None]

    def integrand(s: Any) -> Any:
        u, v = _logs(s)
        f = np.exp(p * (u - near_x) + q * (v - near_z))
        cu, cv = u - moment_u, v - moment_v
        return np.where(up, cv**j * cu**k, cu**j * cv**k) * f

    w = _reach(energy, 1 / p)
    total = (integrand(start - w * _HALF_LINE) * w) @ _HALF_LINE_WEIGHTS
    ahead = s0 - start
    if (ahead > 0).any():
        total = total + (integrand(start + ahead * _SEGMENT) * ahead) @ _SEGMENT_WEIGHTS
    return -sign * total * scale


def _step(a: Any, b: Any) -> Any:
    """psi(a + b) - psi(a)."""
    return polygamma_step.impl(0, a, b)


def _beta_da(by: Any, j: Any, k: Any, a: Any, b: Any, x: Any, z: Any) -> Any:
    """T_(j+1,k) - j alpha_a T_(j-1,k) - k beta_a T_(j,k-1)."""
    y = beta_tail(by, j + 1, k, a, b, x, z)
    if j:
        y = y + j * polygamma_step(1, a, b) * beta_tail(by, j - 1, k, a, b, x, z)
    return y + k * polygamma(1, a + b) * beta_tail(by, j, k - 1, a, b, x, z) if k else y


def _beta_db(by: Any, j: Any, k: Any, a: Any, b: Any, x: Any, z: Any) -> Any:
    """T_(j,k+1) - j alpha_b T_(j-1,k) - k beta_b T_(j,k-1)."""
    y = beta_tail(by, j, k + 1, a, b, x, z)
    if k:
        y = y + k * polygamma_step(1, b, a) * beta_tail(by, j, k - 1, a, b, x, z)
    return y + j * polygamma(1, a + b) * beta_tail(by, j - 1, k, a, b, x, z) if j else y


def _beta_dx(j: Any, k: Any, a: Any, b: Any, x: Any, z: Any) -> Any:
    """The integrand at x."""
    y = beta_density(a, b, x, z)
    if j:
        y = y * _power(log(x) + polygamma_step(0, a, b), j)
    return y * _power(log(z) + polygamma_step(0, b, a), k) if k else y


beta_tail = Primitive(
    "beta_tail",
    in_double_chunks(_beta_tail),
    Elementwise(
        None,
        None,
        None,
        lambda by, j, k, a, b, x, z: _beta_da(by, j, k, a, b, x, z),
        lambda by, j, k, a, b, x, z: _beta_db(by, j, k, a, b, x, z),
        lambda j, k, a, b, x, z: _beta_dx(j, k, a, b, x, z) * z,
        lambda j, k, a, b, x, z: -_beta_dx(j, k, a, b, x, z) * x,
        names="by j k a b x z",
        singular=True,
    ),
    pointwise=True,
    samples=lambda rng: (
        Sample((by, j, k, *s.args, 1 - s.args[2]), differentiable=(3, 4), order=k + 1)
        for by, j, k in [(0, 1, 0), (1, 0, 1), (0, 0, 0)]
        for s in sampler([SHAPE, SHAPE, (0.1, 0.9)], shapes=ONE)(rng)
    ),
)
