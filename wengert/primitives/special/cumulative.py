"""Incomplete gamma and beta functions and the distribution functions that are made of them, with all their inverses.

A distribution function F(a, b, ...) is declared by its slopes in each argument. An inverse solves F = p for one of the
arguments, p standing in its place; its slopes follow from the implicit function theorem: 1/F_i, and -F_j/F_i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..elementwise import equal, exp, floor, log1p, power, sign, sqrt, where
from .bessel import ive
from .gamma import polygamma_step
from .noncentral import chndtr_slopes
from .table import INTEGER, QUICK, Domain, special, whole, within
from .tails import beta_density, beta_tail, gamma_density, gamma_tail

Slope = Callable[..., Any]

SHAPE = (0.5, 4.0)
POSITIVE = (0.3, 3.0)
UNIT = (0.1, 0.9)
_CALLS = {
    2: lambda law: lambda a, b: law(a, b),
    3: lambda law: lambda a, b, c: law(a, b, c),
}
_INVERSES = {
    2: lambda law: lambda a, b, y: law((a, b), y),
    3: lambda law: lambda a, b, c, y: law((a, b, c), y),
}


def distribution(name: str, *slopes: Any, at: tuple[Domain, ...], **options: Any) -> tuple[Any, ...]:
    """A function with the slopes given for each argument: a reason, or None (zero), or a function of all arguments."""
    special(name, *(_CALLS[len(slopes)](s) if callable(s) else s for s in slopes), at=at, **options)
    return slopes


def complement(name: str, slopes: tuple[Any, ...], at: tuple[Domain, ...], **options: Any) -> tuple[Any, ...]:
    """1 - F."""
    return distribution(name, *(_negative(s) if callable(s) else s for s in slopes), at=at, **options)


def _negative(slope: Slope) -> Slope:
    return lambda *args: -slope(*args)


def inverse(name: str, slopes: tuple[Any, ...], i: int, at: tuple[Domain, ...], **options: Any) -> None:
    """The i-th argument that solves F = p; p stands in its place."""

    def law(j: int) -> Any:
        if not callable(slopes[j]):
            return slopes[j]

        def slope(args: tuple[Any, ...], y: Any) -> Any:
            point = (*args[:i], y, *args[i + 1 :])
            return 1 / slopes[i](*point) if j == i else -slopes[j](*point) / slopes[i](*point)

        return _INVERSES[len(slopes)](slope)

    special(name, *(law(j) for j in range(len(slopes))), at=at, **(QUICK | options))


# gamma -------------------------------------------------------------------------------------------------------------
P = distribution("gammainc", lambda a, x: gamma_tail(1, a, x), gamma_density, at=(SHAPE, POSITIVE))
Q = complement("gammaincc", P, at=(SHAPE, POSITIVE), **QUICK)
inverse("gammaincinv", P, 1, at=(SHAPE, UNIT))
inverse("gammainccinv", Q, 1, at=(SHAPE, UNIT))

GDTR = distribution(  # P(b, ax)
    "gdtr",
    lambda a, b, x: x * gamma_density(b, a * x),
    lambda a, b, x: gamma_tail(1, b, a * x),
    lambda a, b, x: a * gamma_density(b, a * x),
    at=(POSITIVE, SHAPE, POSITIVE),
    **QUICK,
)
complement("gdtrc", GDTR, at=(POSITIVE, SHAPE, POSITIVE), **QUICK)
inverse("gdtria", GDTR, 0, at=(UNIT, SHAPE, POSITIVE))
inverse("gdtrib", GDTR, 1, at=(POSITIVE, UNIT, POSITIVE))
inverse("gdtrix", GDTR, 2, at=(POSITIVE, SHAPE, UNIT))

CHDTR = distribution(  # P(v/2, x/2)
    "chdtr",
    lambda v, x: 0.5 * gamma_tail(1, 0.5 * v, 0.5 * x),
    lambda v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x),
    at=(SHAPE, POSITIVE),
    **QUICK,
)
CHDTRC = complement("chdtrc", CHDTR, at=(SHAPE, POSITIVE), **QUICK)
inverse("chdtri", CHDTRC, 1, at=(SHAPE, UNIT))
inverse("chdtriv", CHDTR, 0, at=(UNIT, POSITIVE))

PDTR = distribution("pdtr", None, lambda k, m: -gamma_density(floor(k) + 1, m), at=([0, 1, 2], POSITIVE))  # Q(k+1, m)
complement("pdtrc", PDTR, at=([0, 1, 2], POSITIVE))
inverse("pdtri", PDTR, 1, at=([0, 1, 2], UNIT))
inverse(
    "pdtrik",
    (lambda k, m: -gamma_tail(1, k + 1, m), lambda k, m: -gamma_density(k + 1, m)),
    0,
    at=((0.5, 0.7), (1.0, 2.0)),
)


# beta --------------------------------------------------------------------------------------------------------------
def _ia(a: Any, b: Any, x: Any) -> Any:
    return beta_tail(0, 1, 0, a, b, x, 1 - x)


def _ib(a: Any, b: Any, x: Any) -> Any:
    return beta_tail(1, 0, 1, a, b, x, 1 - x)


def _ix(a: Any, b: Any, x: Any) -> Any:
    return beta_density(a, b, x, 1 - x)


I = distribution("betainc", _ia, _ib, _ix, at=(SHAPE, SHAPE, UNIT), **QUICK)
IC = complement("betaincc", I, at=(SHAPE, SHAPE, UNIT), **QUICK)
inverse("betaincinv", I, 2, at=(SHAPE, SHAPE, UNIT))
inverse("betainccinv", IC, 2, at=(SHAPE, SHAPE, UNIT))
inverse("btdtria", I, 0, at=(UNIT, SHAPE, UNIT))
inverse("btdtrib", I, 1, at=(SHAPE, UNIT, UNIT))

COUNTS = ([0, 1, 2], [3, 4, 5], UNIT)
BDTR = distribution(  # I_(1-p)(n-k, k+1)
    "bdtr",
    None,
    INTEGER,
    lambda k, n, p: -beta_density(n - floor(k), floor(k) + 1, 1 - p, p),
    at=COUNTS,
    impl=whole("bdtr", 1),
)
BDTRC = complement("bdtrc", BDTR, at=COUNTS, impl=whole("bdtrc", 1))
inverse("bdtri", BDTR, 2, at=COUNTS, impl=whole("bdtri", 1))
BINOMIAL = (
    lambda k, n, p: _ib(n - k, k + 1, 1 - p) - _ia(n - k, k + 1, 1 - p),
    lambda k, n, p: _ia(n - k, k + 1, 1 - p),
    lambda k, n, p: -_ix(n - k, k + 1, 1 - p),
)
inverse("bdtrik", BINOMIAL, 0, at=((0.6, 0.8), (4.0, 5.0), (0.2, 0.4)))
inverse("bdtrin", BINOMIAL, 1, at=((1.0, 2.0), (0.4, 0.6), (0.3, 0.5)))
NBDTR = distribution(  # I_p(n, k+1)
    "nbdtr",
    None,
    INTEGER,
    lambda k, n, p: beta_density(n, floor(k) + 1, p, 1 - p),
    at=COUNTS,
    impl=whole("nbdtr", 0, 1),
)
complement("nbdtrc", NBDTR, at=COUNTS, impl=whole("nbdtrc", 0, 1))
inverse("nbdtri", NBDTR, 2, at=COUNTS, impl=whole("nbdtri", 0, 1))
NEGATIVE_BINOMIAL = (
    lambda k, n, p: _ib(n, k + 1, p),
    lambda k, n, p: _ia(n, k + 1, p),
    lambda k, n, p: _ix(n, k + 1, p),
)
inverse("nbdtrik", NEGATIVE_BINOMIAL, 0, at=((0.5, 0.7), (3.0, 4.0), (0.3, 0.5)))
inverse("nbdtrin", NEGATIVE_BINOMIAL, 1, at=((2.0, 3.0), (0.4, 0.6), (0.3, 0.5)))


# F and Student's t -------------------------------------------------------------------------------------------------
def _f_point(n: Any, d: Any, x: Any) -> tuple[Any, ...]:
    """fdtr = I_u(n/2, d/2) at u = nx/(d + nx): the shapes, u, 1 - u, and 1/(d + nx)."""
    r = 1 / (d + n * x)
    return 0.5 * n, 0.5 * d, n * x * r, d * r, r


def _fn(n: Any, d: Any, x: Any) -> Any:
    a, b, u, v, r = _f_point(n, d, x)
    return 0.5 * beta_tail(0, 1, 0, a, b, u, v) + beta_density(a, b, u, v) * (x * v * r)


def _fd(n: Any, d: Any, x: Any) -> Any:
    a, b, u, v, r = _f_point(n, d, x)
    return 0.5 * beta_tail(1, 0, 1, a, b, u, v) - beta_density(a, b, u, v) * (u * r)


def _fx(n: Any, d: Any, x: Any) -> Any:
    a, b, u, v, r = _f_point(n, d, x)
    return beta_density(a, b, u, v) * (n * v * r)


FDTR = distribution("fdtr", _fn, _fd, _fx, at=((1.0, 4.0), (1.0, 4.0), POSITIVE), **QUICK)
complement("fdtrc", FDTR, at=((1.0, 4.0), (1.0, 4.0), POSITIVE), **QUICK)
inverse("fdtri", FDTR, 2, at=((1.0, 4.0), (1.0, 4.0), UNIT))
inverse("fdtridfd", FDTR, 1, at=((1.5, 2.5), (0.55, 0.6), (1.5, 2.5)))


def _t_point(v: Any, t: Any) -> tuple[Any, ...]:
    """Shapes v/2, 1/2 and point u = v/(v + t^2) of I_u, of which half is the lower tail at -|t|."""
    r = 1 / (v + t * t)
    return 0.5 * v, 0.5, v * r, t * t * r, r


def _tv(v: Any, t: Any) -> Any:
    """-sign(t)/2 dI/dv, du/dv = t^2/(v + t^2)^2; at t = 0 its tangent, t times the slope of the density."""
    middle = within(t, 1e-8)
    at_zero = t * _reciprocal_beta(v) / sqrt(v) * (0.5 * polygamma_step(0, 0.5 * v, 0.5) - 0.5 / v)
    s = where(middle, 1.0, t)
    a, b, u, w, r = _t_point(v, s)
    slope = 0.5 * beta_tail(0, 1, 0, a, b, u, w) + beta_density(a, b, u, w) * (w * r)
    return where(middle, at_zero, -0.5 * sign(s) * slope)


def _reciprocal_beta(v: Any) -> Any:
    """1 / Beta(v/2, 1/2)."""
    return beta_density(0.5 * v, 0.5, 1.0, 1.0)


def _tt(v: Any, t: Any) -> Any:
    """The density (1 + t^2/v)^(-(v+1)/2) / (sqrt(v) Beta(v/2, 1/2))."""
    return _reciprocal_beta(v) * exp(-0.5 * (v + 1) * log1p(t * t / v)) / sqrt(v)


STDTR = distribution("stdtr", _tv, _tt, at=((1.0, 5.0), (0.3, 2.0)), **QUICK)
inverse("stdtrit", STDTR, 1, at=((1.0, 5.0), UNIT))
inverse("stdtridf", STDTR, 0, at=((0.82, 0.86), (1.1, 1.3)))


# noncentral chi squared --------------------------------------------------------------------------------------------
def _noncentral_density(x: Any, k: Any, nc: Any) -> Any:
    """exp(-(sqrt x - sqrt nc)^2/2) (x/nc)^(k/4 - 1/2) I_(k/2-1)(sqrt(nc x)) / 2, with the scaled Bessel function."""
    central = equal(nc, 0)
    safe = where(central, 1.0, nc)
    v, d = 0.5 * k - 1, sqrt(x) - sqrt(safe)
    f = 0.5 * exp(-0.5 * (d * d)) * power(x / safe, 0.5 * v) * ive(v, sqrt(x * safe))
    return where(central, 0.5 * gamma_density(0.5 * k, 0.5 * x), f)


CHNDTR = distribution(
    "chndtr",
    _noncentral_density,
    lambda x, k, nc: chndtr_slopes(0, 1, 0, x, k, nc),
    lambda x, k, nc: -_noncentral_density(x, k + 2, nc),
    at=(POSITIVE, SHAPE, POSITIVE),
    **QUICK,
)
inverse("chndtrix", CHNDTR, 0, at=((0.3, 0.6), SHAPE, POSITIVE))
inverse("chndtridf", CHNDTR, 1, at=((3.0, 4.0), (0.4, 0.6), (1.0, 2.0)))
inverse("chndtrinc", CHNDTR, 2, at=((3.0, 4.0), (1.0, 2.0), (0.4, 0.6)))
