"""Continuous distributions, by their formulas in the standardised variable z; a, b, c, s, df ... are the shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sp

from .distribution import Distribution

__all__ = [
    "beta", "cauchy", "chi2", "expon", "f", "gamma", "genextreme", "genpareto", "gumbel_l", "gumbel_r", "halfcauchy",
    "halfnorm", "invgamma", "invgauss", "laplace", "logistic", "lognorm", "norm", "pareto", "rayleigh", "skewnorm", "t",
    "truncnorm", "uniform", "vonmises", "weibull_min",
]  # fmt: skip

POSITIVE = (0.0, math.inf)
UNIT = (0.0, 1.0)
LOG_2PI = math.log(2 * math.pi)
SQRT2 = math.sqrt(2)


def _log_phi(z: Any) -> Any:
    return -0.5 * z * z - 0.5 * LOG_2PI


norm = Distribution(
    "norm",
    logpdf=_log_phi,
    cdf=sp.ndtr,
    sf=lambda z: sp.ndtr(-z),
    logcdf=sp.log_ndtr,
    logsf=lambda z: sp.log_ndtr(-z),
    ppf=sp.ndtri,
    isf=lambda q: -sp.ndtri(q),
)
halfnorm = Distribution(
    "halfnorm",
    support=POSITIVE,
    logpdf=lambda z: math.log(2) + _log_phi(z),
    cdf=lambda z: sp.erf(z / SQRT2),
    sf=lambda z: sp.erfc(z / SQRT2),
    ppf=lambda q: SQRT2 * sp.erfinv(q),
    isf=lambda q: SQRT2 * sp.erfcinv(q),
)
lognorm = Distribution(
    "lognorm",
    "s",
    support=POSITIVE,
    logpdf=lambda z, s: _log_phi(np.log(z) / s) - np.log(s * z),
    cdf=lambda z, s: sp.ndtr(np.log(z) / s),
    sf=lambda z, s: sp.ndtr(-np.log(z) / s),
    logcdf=lambda z, s: sp.log_ndtr(np.log(z) / s),
    logsf=lambda z, s: sp.log_ndtr(-np.log(z) / s),
    ppf=lambda q, s: np.exp(s * sp.ndtri(q)),
    isf=lambda q, s: np.exp(-s * sp.ndtri(q)),
)
skewnorm = Distribution(
    "skewnorm",
    "a",
    logpdf=lambda z, a: math.log(2) + _log_phi(z) + sp.log_ndtr(a * z),
    cdf=lambda z, a: sp.ndtr(z) - 2 * sp.owens_t(z, a),
    sf=lambda z, a: sp.ndtr(-z) + 2 * sp.owens_t(z, a),
)


def _log_mass(a: Any, b: Any) -> Any:
    """log of the normal probability of (a, b), in the tail where it has no cancellation."""
    flip = a > 0
    low, high = np.where(flip, -b, a), np.where(flip, -a, b)
    log_high = sp.log_ndtr(high)
    return log_high + np.log(-np.expm1(sp.log_ndtr(low) - log_high))


truncnorm = Distribution(
    "truncnorm",
    "a b",
    support=lambda a, b: (a, b),
    logpdf=lambda z, a, b: _log_phi(z) - _log_mass(a, b),
    logcdf=lambda z, a, b: _log_mass(a, z) - _log_mass(a, b),
    logsf=lambda z, a, b: _log_mass(z, b) - _log_mass(a, b),
    cdf=lambda z, a, b: np.exp(_log_mass(a, z) - _log_mass(a, b)),
)

# gamma and its relatives ------------------------------------------------------------------------------------------
gamma = Distribution(
    "gamma",
    "a",
    support=POSITIVE,
    logpdf=lambda z, a: sp.xlogy(a - 1, z) - z - sp.gammaln(a),
    cdf=lambda z, a: sp.gammainc(a, z),
    sf=lambda z, a: sp.gammaincc(a, z),
    ppf=lambda q, a: sp.gammaincinv(a, q),
    isf=lambda q, a: sp.gammainccinv(a, q),
)
invgamma = Distribution(
    "invgamma",
    "a",
    support=POSITIVE,
    logpdf=lambda z, a: -(a + 1) * np.log(z) - sp.gammaln(a) - 1 / z,
    cdf=lambda z, a: sp.gammaincc(a, 1 / z),
    sf=lambda z, a: sp.gammainc(a, 1 / z),
    ppf=lambda q, a: 1 / sp.gammainccinv(a, q),
    isf=lambda q, a: 1 / sp.gammaincinv(a, q),
)
chi2 = Distribution(
    "chi2",
    "df",
    support=POSITIVE,
    logpdf=lambda z, df: sp.xlogy(0.5 * df - 1, 0.5 * z) - 0.5 * z - sp.gammaln(0.5 * df) - math.log(2),
    cdf=lambda z, df: sp.chdtr(df, z),
    sf=lambda z, df: sp.chdtrc(df, z),
    ppf=lambda q, df: 2 * sp.gammaincinv(0.5 * df, q),
    isf=lambda q, df: sp.chdtri(df, q),
)
expon = Distribution(
    "expon",
    support=POSITIVE,
    logpdf=lambda z: -z,
    logsf=lambda z: -z,
    ppf=lambda q: -np.log1p(-q),
    isf=lambda q: -np.log(q),
)
weibull_min = Distribution(
    "weibull_min",
    "c",
    support=POSITIVE,
    logpdf=lambda z, c: np.log(c) + sp.xlogy(c - 1, z) - z**c,
    logsf=lambda z, c: -(z**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c),
    isf=lambda q, c: (-np.log(q)) ** (1 / c),
)
rayleigh = Distribution(
    "rayleigh",
    support=POSITIVE,
    logpdf=lambda z: np.log(z) - 0.5 * z * z,
    logsf=lambda z: -0.5 * z * z,
    ppf=lambda q: np.sqrt(-2 * np.log1p(-q)),
    isf=lambda q: np.sqrt(-2 * np.log(q)),
)
invgauss = Distribution(
    "invgauss",
    "mu",
    support=POSITIVE,
    logpdf=lambda z, mu: -0.5 * (LOG_2PI + 3 * np.log(z) + ((z - mu) / mu) ** 2 / z),
    cdf=lambda z, mu: (
        sp.ndtr((z - mu) / (mu * np.sqrt(z))) + np.exp(2 / mu + sp.log_ndtr(-(z + mu) / (mu * np.sqrt(z))))
    ),
)

# beta and its relatives -------------------------------------------------------------------------------------------
beta = Distribution(
    "beta",
    "a b",
    support=UNIT,
    logpdf=lambda z, a, b: sp.xlogy(a - 1, z) + sp.xlog1py(b - 1, -z) - sp.betaln(a, b),
    cdf=lambda z, a, b: sp.betainc(a, b, z),
    sf=lambda z, a, b: sp.betainc(b, a, 1 - z),
    ppf=lambda q, a, b: sp.betaincinv(a, b, q),
    isf=lambda q, a, b: 1 - sp.betaincinv(b, a, q),
)
t = Distribution(
    "t",
    "df",
    logpdf=lambda z, df: -0.5 * ((df + 1) * np.log1p(z * z / df) + np.log(df)) - sp.betaln(0.5 * df, 0.5),
    cdf=lambda z, df: sp.stdtr(df, z),
    sf=lambda z, df: sp.stdtr(df, -z),
    ppf=lambda q, df: sp.stdtrit(df, q),
    isf=lambda q, df: -sp.stdtrit(df, q),
)
f = Distribution(
    "f",
    "dfn dfd",
    support=POSITIVE,
    logpdf=lambda z, dfn, dfd: (
        0.5 * (dfn * np.log(dfn) + dfd * np.log(dfd))
        + sp.xlogy(0.5 * dfn - 1, z)
        - 0.5 * (dfn + dfd) * np.log(dfd + dfn * z)
        - sp.betaln(0.5 * dfn, 0.5 * dfd)
    ),
    cdf=lambda z, dfn, dfd: sp.fdtr(dfn, dfd, z),
    sf=lambda z, dfn, dfd: sp.fdtrc(dfn, dfd, z),
    ppf=lambda q, dfn, dfd: sp.fdtri(dfn, dfd, q),
)
uniform = Distribution(
    "uniform", support=UNIT, logpdf=lambda z: 0 * z, cdf=lambda z: z, sf=lambda z: 1 - z, ppf=lambda q: q
)


# exponential tails ------------------------------------------------------------------------------------------------
def _laplace_tail(z: Any) -> Any:
    """P(Z > z), with no overflow in the branch that is not taken."""
    half = 0.5 * np.exp(-np.abs(z))
    return np.where(z > 0, half, 1 - half)


laplace = Distribution(
    "laplace",
    logpdf=lambda z: -np.abs(z) - math.log(2),
    cdf=lambda z: _laplace_tail(-z),
    sf=_laplace_tail,
    ppf=lambda q: np.where(q > 0.5, -np.log(2 - 2 * np.where(q > 0.5, q, 0.5)), np.log(2 * np.where(q > 0.5, 0.5, q))),
)
logistic = Distribution(
    "logistic",
    logpdf=lambda z: sp.log_expit(z) + sp.log_expit(-z),
    cdf=sp.expit,
    sf=lambda z: sp.expit(-z),
    logcdf=sp.log_expit,
    logsf=lambda z: sp.log_expit(-z),
    ppf=sp.logit,
    isf=lambda q: -sp.logit(q),
)
gumbel_r = Distribution(
    "gumbel_r",
    logpdf=lambda z: -z - np.exp(-z),
    logcdf=lambda z: -np.exp(-z),
    cdf=lambda z: np.exp(-np.exp(-z)),
    sf=lambda z: -np.expm1(-np.exp(-z)),
    ppf=lambda q: -np.log(-np.log(q)),
    isf=lambda q: -np.log(-np.log1p(-q)),
)
gumbel_l = Distribution(
    "gumbel_l",
    logpdf=lambda z: z - np.exp(z),
    logsf=lambda z: -np.exp(z),
    ppf=lambda q: np.log(-np.log1p(-q)),
    isf=lambda q: np.log(-np.log(q)),
)
vonmises = Distribution(
    "vonmises", "kappa", logpdf=lambda z, kappa: kappa * sp.cosm1(z) - LOG_2PI - np.log(sp.i0e(kappa))
)

# power tails ------------------------------------------------------------------------------------------------------
cauchy = Distribution(
    "cauchy",
    logpdf=lambda z: -math.log(math.pi) - np.log1p(z * z),
    cdf=lambda z: np.arctan2(1.0, -z) / math.pi,
    sf=lambda z: np.arctan2(1.0, z) / math.pi,
    ppf=lambda q: np.tan(math.pi * (q - 0.5)),
    isf=lambda q: 1 / np.tan(math.pi * q),
)
halfcauchy = Distribution(
    "halfcauchy",
    support=POSITIVE,
    logpdf=lambda z: math.log(2 / math.pi) - np.log1p(z * z),
    cdf=lambda z: (2 / math.pi) * np.arctan(z),
    sf=lambda z: (2 / math.pi) * np.arctan2(1.0, z),
    ppf=lambda q: np.tan(0.5 * math.pi * q),
    isf=lambda q: 1 / np.tan(0.5 * math.pi * q),
)
pareto = Distribution(
    "pareto",
    "b",
    support=(1.0, math.inf),
    inner=2.0,
    logpdf=lambda z, b: np.log(b) - (b + 1) * np.log(z),
    logsf=lambda z, b: -b * np.log(z),
    ppf=lambda q, b: (1 - q) ** (-1 / b),
    isf=lambda q, b: q ** (-1 / b),
)


def _log_tail(z: Any, c: Any) -> Any:
    """log(1 + cz) / c, and z at c = 0."""
    return np.log(sp.inv_boxcox(z, c))


genpareto = Distribution(
    "genpareto",
    "c",
    support=lambda c: (0.0, np.where(c < 0, -1 / np.where(c < 0, c, -1.0), np.inf)),
    inner=0.0,
    logpdf=lambda z, c: -(1 + c) * _log_tail(z, c),
    logsf=lambda z, c: -_log_tail(z, c),
    ppf=lambda q, c: sp.boxcox(1 / (1 - q), c),
    isf=lambda q, c: sp.boxcox(1 / q, c),
)
genextreme = Distribution(  # SciPy's c is minus the usual shape
    "genextreme",
    "c",
    support=lambda c: (
        np.where(c < 0, 1 / np.where(c < 0, c, -1.0), -np.inf),
        np.where(c > 0, 1 / np.where(c > 0, c, 1.0), np.inf),
    ),
    inner=0.0,
    logpdf=lambda z, c: (c - 1) * _log_tail(z, -c) - np.exp(-_log_tail(z, -c)),
    logcdf=lambda z, c: -np.exp(-_log_tail(z, -c)),
    cdf=lambda z, c: np.exp(-np.exp(-_log_tail(z, -c))),
    sf=lambda z, c: -np.expm1(-np.exp(-_log_tail(z, -c))),
    ppf=lambda q, c: -sp.boxcox(-np.log(q), c),
    isf=lambda q, c: -sp.boxcox(-np.log1p(-q), c),
)
