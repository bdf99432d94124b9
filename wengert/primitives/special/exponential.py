"""Exponentials, logarithms and entropies; exponential integrals; loss functions.

Conventions: x log x and its relatives are 0 at x = 0, with the slope that the formula has there (-inf or inf); a
coefficient x/y is 0 where x = 0, also at y = 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.primitive import REGISTRY, Elementwise, Primitive
from ..elementwise import (
    absolute,
    cos,
    cosh,
    equal,
    exp,
    greater,
    hypot,
    log,
    log1p,
    maximum,
    minimum,
    power,
    sin,
    where,
)  # fmt: skip
from .bessel import spherical_in, spherical_jn
from .hypergeometric import hyp1f1, hyp2f1
from .table import INTEGER, TABLE, piecewise, sampler, several, special, whole, within

REAL = (-2.0, 2.0)
POSITIVE = (0.3, 3.0)
UNIT = (0.1, 0.9)
DEGREE = math.pi / 180


def nonzero(x: Any) -> Any:
    """x, and 1 where x = 0: a denominator."""
    return where(equal(x, 0), 1.0, x)


def ratio(x: Any, y: Any) -> Any:
    """x / y, and 0 where x = 0."""
    zero = equal(x, 0)
    return where(zero, 0.0, x / where(zero, 1.0, y))


def _log_ratio(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        u = (x - y) / y
        return np.where(abs(u) < 0.5, np.log1p(u), np.log(x) - np.log(y))[()]


def _excess(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.equal(x, 0), 1.0, (y - x) / y).astype(np.result_type(x, y))[()]


log_ratio = Primitive(  # log(x/y), exact to rounding also where x and y are close
    "log_ratio",
    _log_ratio,
    Elementwise(lambda a: 1 / a, lambda b: -1 / b, singular=True),
    pointwise=True,
    samples=sampler([POSITIVE, POSITIVE]),
)
excess = Primitive(  # 1 - x/y
    "excess",
    _excess,
    Elementwise(lambda b: -1 / b, lambda a, b: ratio(ratio(a, b), b), singular=True),
    pointwise=True,
    samples=sampler([POSITIVE, POSITIVE]),
)


def log1p_over(u: Any) -> Any:
    """log(1 + u) / u."""
    return piecewise(within(u, 0.3), u, lambda u: hyp2f1(1.0, 1.0, 2.0, -u), lambda u: log1p(u) / u, 0.0, 1.0)


# exponentials and logarithms ---------------------------------------------------------------------------------------
def exprel_slope(x: Any) -> Any:
    """d/dx of (e^x - 1)/x: the confluent hypergeometric function 1F1(2; 3; x) / 2."""
    return piecewise(
        within(x, 1.0), x, lambda x: 0.5 * hyp1f1(2.0, 3.0, x), lambda x: (exp(x) - exprel(x)) / x, 0.0, 1.0
    )


expit = special("expit", lambda x, y: y * expit(-x), at=[REAL])
log_expit = special("log_expit", lambda x: expit(-x), at=[REAL])
logit = special("logit", lambda x: 1 / (x * (1 - x)), at=[UNIT])
exprel = special("exprel", lambda x: exprel_slope(x), at=[REAL])
cosm1 = special("cosm1", lambda x: -sin(x), at=[REAL])
exp10 = special("exp10", lambda y: y * math.log(10), at=[REAL])
powm1 = special(
    "powm1",
    lambda a, b: b * power(a, where(equal(b, 0), 1.0, b - 1)),
    lambda a, y: (y + 1) * log(nonzero(a)),
    at=(POSITIVE, REAL),
)
sindg = special("sindg", lambda x: DEGREE * cosdg(x), at=[(-70.0, 70.0)])
cosdg = special("cosdg", lambda x: -DEGREE * sindg(x), at=[(-70.0, 70.0)])
tandg = special("tandg", lambda y: DEGREE * (1 + y * y), at=[(-70.0, 70.0)])
cotdg = special("cotdg", lambda y: -DEGREE * (1 + y * y), at=[(20.0, 70.0)])
radian = special("radian", DEGREE, DEGREE / 60, DEGREE / 3600, at=(POSITIVE, POSITIVE, POSITIVE))
lambertw = special(
    "lambertw",
    lambda y: exp(-y) / (1 + y),
    None,
    at=((0.3, 3.0, -1.0, 1.0), [0]),
    impl=whole("lambertw", 1),
    ufunc="_lambertw",
)
wrightomega = special("wrightomega", lambda y: y / (1 + y), at=[REAL])


# entropies ---------------------------------------------------------------------------------------------------------
xlogy = special("xlogy", lambda b: log(b), lambda a, b: ratio(a, b), at=(REAL, POSITIVE))
xlog1py = special("xlog1py", lambda b: log1p(b), lambda a, b: ratio(a, 1 + b), at=(REAL, POSITIVE))
entr = special("entr", lambda x: -log(x) - 1, at=[POSITIVE])
rel_entr = special("rel_entr", lambda a, b: log_ratio(a, b) + 1, lambda a, b: -ratio(a, b), at=(POSITIVE, POSITIVE))
kl_div = special("kl_div", lambda a, b: log_ratio(a, b), lambda a, b: excess(a, b), at=(POSITIVE, POSITIVE))

# loss functions and transformations --------------------------------------------------------------------------------
huber = special(
    "huber",
    lambda a, b: maximum(absolute(b) - a, 0.0),
    lambda a, b: minimum(maximum(b, -a), a),
    at=((0.5, 1.0), REAL),
)


def _harmonic(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.equal(a, 0) | np.equal(b, 0), 0.0, a * (b / np.hypot(a, b)))[()]


harmonic = Primitive(  # ab / h with h = hypot(a, b)
    "harmonic",
    _harmonic,
    Elementwise(lambda a, b: _cube(b / hypot(a, b)), lambda a, b: _cube(a / hypot(a, b)), singular=True),
    pointwise=True,
    samples=sampler([POSITIVE, POSITIVE]),
)


def _cube(x: Any) -> Any:
    return x * x * x


def _pseudo_huber_ddelta(a: Any, b: Any) -> Any:
    """(h - delta)^2 / h with h = hypot(delta, r), the difference as r^2 / (h + delta)."""
    h = nonzero(hypot(a, b))
    difference = b * (b / (h + a))
    return difference * (difference / h)


pseudo_huber = special(
    "pseudo_huber",
    lambda a, b: _pseudo_huber_ddelta(a, b),
    lambda a, b: harmonic(a, b),
    at=((0.5, 1.0), REAL),
)


def _box_dlambda(log_x: Any, lam: Any) -> Any:
    """d/dlambda of (x^lambda - 1)/lambda = log x exprel(lambda log x); 1/lambda^2 at x = 0 < lambda."""
    zero = equal(log_x, -np.inf)
    log_x = where(zero, 0.0, log_x)
    return where(zero, 1 / (lam * lam), log_x * log_x * exprel_slope(lam * log_x))


def _unbox_dlambda(y: Any, lam: Any, x: Any) -> Any:
    """By the implicit function theorem, with log x = log1p(lambda y)/lambda."""
    u = lam * y
    log_x = y * log1p_over(u)
    return -_box_dlambda(log_x, lam) * x / (1 + u)


boxcox = special("boxcox", lambda a, b: power(a, b - 1), lambda a, b: _box_dlambda(log(a), b), at=(POSITIVE, REAL))
boxcox1p = special(
    "boxcox1p", lambda a, b: power(1 + a, b - 1), lambda a, b: _box_dlambda(log1p(a), b), at=(POSITIVE, REAL)
)
inv_boxcox = special(
    "inv_boxcox", lambda a, b, y: y / (1 + a * b), lambda a, b, y: _unbox_dlambda(a, b, y), at=(UNIT, UNIT)
)
inv_boxcox1p = special(
    "inv_boxcox1p",
    lambda a, b, y: (1 + y) / (1 + a * b),
    lambda a, b, y: _unbox_dlambda(a, b, 1 + y),
    at=(UNIT, UNIT),
)


def _tukey_dx(lam: Any, p: Any) -> Any:
    return 1 / (power(p, lam - 1) + power(1 - p, lam - 1))


tklmbda = special(  # p with x = (p^lambda - (1-p)^lambda)/lambda
    "tklmbda",
    lambda b, y: _tukey_dx(b, y),
    lambda b, y: (_box_dlambda(log1p(-y), b) - _box_dlambda(log(y), b)) * _tukey_dx(b, y),
    at=((-0.5, 0.5), UNIT),
)


# exponential integrals ---------------------------------------------------------------------------------------------
def _expn_slope(n: Any, x: Any) -> Any:
    """-E_(n-1)(x); E_0 and E_(-1) are elementary."""
    e = exp(-x) / x
    lowest = where(equal(n, 1), -e, -e * (1 + 1 / x))
    return where(greater(n, 1), -expn(maximum(n - 1, 1.0), x), lowest)


exp1 = special("exp1", lambda x: -exp(-x) / x, at=[POSITIVE])
expi = special("expi", lambda x: exp(x) / x, at=[POSITIVE])
expn = special("expn", INTEGER, lambda a, b: _expn_slope(a, b), at=([0, 1, 2, 3], POSITIVE), impl=whole("expn", 0))
spence = special(
    "spence",
    lambda x: piecewise(within(x - 1, 0.3), x, lambda x: -log1p_over(x - 1), lambda x: log(x) / (1 - x), 1.0, 2.0),
    at=[POSITIVE],
)
sici = several("sici", 2, lambda x, si, ci: (spherical_jn(0, x), cos(x) / x), at=[POSITIVE])
shichi = several("shichi", 2, lambda x, shi, chi: (spherical_in(0, x), cosh(x) / x), at=[POSITIVE])
for _scipy, _numpy in {"exp2": "exp2", "expm1": "expm1", "log1p": "log1p", "cbrt": "cbrt", "round": "rint"}.items():
    TABLE[_scipy] = REGISTRY[_numpy]
