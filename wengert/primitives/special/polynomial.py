"""Classical orthogonal polynomials. In the argument, the derivative is one of degree n-1 of a neighbouring family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy import special as sp

from ...core.types import dtype_of
from ..elementwise import absolute, arccos, convert, equal, greater, less, sign, sin, sqrt, where
from .degrees import gegenbauer_slopes, jacobi_slopes, laguerre_slopes
from .gamma import binom, polygamma_step, psi
from .hypergeometric import hyp2f1
from .table import INTEGER, ORDER, QUICK, Domain, special, whole

DEGREES = [0, 1, 2, 3]
REAL_DEGREES = (0.2, 3.3)  # of families that are differentiated in the degree
UNIT = (-0.9, 0.9)
SHIFTED = (0.1, 0.9)
ALPHA = (0.4, 1.5)


def lowered(n: Any, f: Callable[[Any], Any]) -> Any:
    """f(n - 1), and 0 for the constant polynomial n = 0."""
    constant = equal(n, 0)
    return where(constant, 0.0, f(where(constant, n, n - 1)))


def positive(n: Any) -> Any:
    """The other degree of the same Legendre function: P_(-n-1) = P_n."""
    return where(less(n, 0), -1 - n, n)


def odd(n: Any, f: Callable[[Any], Any]) -> Any:
    """lowered, for a function of the second kind, which is odd in n + 1: U_(-n-2) = -U_n."""
    return sign(n + 1) * lowered(absolute(n + 1) - 1, f)


# without parameters ------------------------------------------------------------------------------------------------
def family(name: str, degree: Any, slope: Callable[[Any, Any], Any], at: Domain = UNIT, **options: Any) -> Any:
    """A family without parameters: slope(n, x) is the derivative; degree: that in n, or why there is none."""
    in_degree = degree if isinstance(degree, str) else lambda a, b: degree(a, b)
    impl = whole(f"eval_{name}", 0)
    degrees = DEGREES if isinstance(degree, str) else REAL_DEGREES
    return special(f"eval_{name}", in_degree, lambda a, b: slope(a, b), at=(degrees, at), impl=impl, **options)


def angle_ratio(x: Any) -> Any:
    """t / sin t, x = cos t."""
    return convert(hyp2f1(1.0, 1.0, 1.5, 0.5 * (1 - x)), dtype=dtype_of(x))


def chebyt_degree(n: Any, x: Any) -> Any:
    """-t sin(n t), x = cos t; for positive x, also beyond 1, by U_(n-1) = sin(n t) / sin t."""
    right = greater(x, 0)
    safe, t = where(right, x, 1.0), arccos(where(right, 0.0, x))
    return where(right, (safe * safe - 1) * angle_ratio(safe) * chebyu(n - 1, safe), -t * sin(n * t))


def chebyu_degree(n: Any, x: Any) -> Any:
    """t cos((n+1) t) / sin t, x = cos t."""
    return angle_ratio(x) * chebyt(n + 1, x)


def legendre_degree(n: Any, x: Any) -> Any:
    return jacobi_slopes(1, 0, 0, 0, n, 0.0, 0.0, x)


legendre = family(
    "legendre",
    legendre_degree,
    lambda n, x: lowered(positive(n), lambda m: gegenbauer(m, 1.5, x)),
    **QUICK,
)
chebyt = family("chebyt", chebyt_degree, lambda n, x: n * lowered(n, lambda m: chebyu(m, x)))
chebyu = family("chebyu", chebyu_degree, lambda n, x: 2 * odd(n, lambda m: gegenbauer(m, 2.0, x)))
chebyc = family(
    "chebyc", lambda n, x: 2 * chebyt_degree(n, 0.5 * x), lambda n, x: n * lowered(n, lambda m: chebys(m, x))
)
chebys = family(
    "chebys", lambda n, x: chebyu_degree(n, 0.5 * x), lambda n, x: odd(n, lambda m: gegenbauer(m, 2.0, 0.5 * x))
)
sh_legendre = family(
    "sh_legendre",
    lambda n, x: legendre_degree(n, 2 * x - 1),
    lambda n, x: 2 * lowered(positive(n), lambda m: gegenbauer(m, 1.5, 2 * x - 1)),
    SHIFTED,
    **QUICK,
)
sh_chebyt = family(
    "sh_chebyt",
    lambda n, x: chebyt_degree(n, 2 * x - 1),
    lambda n, x: 2 * n * lowered(n, lambda m: sh_chebyu(m, x)),
    SHIFTED,
)
sh_chebyu = family(
    "sh_chebyu",
    lambda n, x: chebyu_degree(n, 2 * x - 1),
    lambda n, x: 4 * odd(n, lambda m: gegenbauer(m, 2.0, 2 * x - 1)),
    SHIFTED,
)
hermite = family("hermite", INTEGER, lambda n, x: 2 * n * lowered(n, lambda m: hermite(m, x)))
hermitenorm = family("hermitenorm", INTEGER, lambda n, x: n * lowered(n, lambda m: hermitenorm(m, x)))
laguerre = family(
    "laguerre",
    lambda n, x: laguerre_slopes(1, 0, 0, n, 0.0, x),
    lambda n, x: -lowered(n, lambda m: genlaguerre(m, 1.0, x)),
)

# with parameters ---------------------------------------------------------------------------------------------------
gegenbauer = special(
    "eval_gegenbauer",
    lambda a, b, c: gegenbauer_slopes(1, 0, 0, a, b, c),
    lambda a, b, c: gegenbauer_slopes(0, 1, 0, a, b, c),
    lambda a, b, c: 2 * b * lowered(a, lambda m: gegenbauer(m, b + 1, c)),
    at=(REAL_DEGREES, ALPHA, UNIT),
    impl=whole("eval_gegenbauer", 0),
    **QUICK,
)
genlaguerre = special(
    "eval_genlaguerre",
    lambda a, b, c: laguerre_slopes(1, 0, 0, a, b, c),
    lambda a, b, c: laguerre_slopes(0, 1, 0, a, b, c),
    lambda a, b, c: -lowered(a, lambda m: genlaguerre(m, b + 1, c)),
    at=(REAL_DEGREES, ALPHA, UNIT),
    impl=whole("eval_genlaguerre", 0),
    **QUICK,
)
jacobi = special(
    "eval_jacobi",
    lambda a, b, c, d: jacobi_slopes(1, 0, 0, 0, a, b, c, d),
    lambda a, b, c, d: jacobi_slopes(0, 1, 0, 0, a, b, c, d),
    lambda a, b, c, d: jacobi_slopes(0, 0, 1, 0, a, b, c, d),
    lambda a, b, c, d: 0.5 * (a + b + c + 1) * lowered(a, lambda m: jacobi(m, b + 1, c + 1, d)),
    at=(REAL_DEGREES, ALPHA, ALPHA, UNIT),
    impl=whole("eval_jacobi", 0),
    **QUICK,
)


# sh_jacobi is P_n^(p-q, q-1)(2x-1) / binom(2n+p-1, n): leading coefficient one
def shifted_slope(d: int, i: int, j: int, n: Any, p: Any, q: Any, x: Any) -> Any:
    return jacobi_slopes(d, i, j, 0, n, p - q, q - 1, 2 * x - 1) / convert(binom(2 * n + p - 1, n), dtype=dtype_of(x))


def sh_jacobi_degree(n: Any, p: Any, q: Any, x: Any, y: Any) -> Any:
    logarithm = 2 * psi(2 * n + p) - psi(n + p) - psi(n + 1)
    return shifted_slope(1, 0, 0, n, p, q, x) - y * convert(logarithm, dtype=dtype_of(y))


def sh_jacobi_dp(n: Any, p: Any, q: Any, x: Any, y: Any) -> Any:
    return shifted_slope(0, 1, 0, n, p, q, x) - y * convert(polygamma_step(0, n + p, n), dtype=dtype_of(y))


def sh_jacobi_dq(n: Any, p: Any, q: Any, x: Any) -> Any:
    return shifted_slope(0, 0, 1, n, p, q, x) - shifted_slope(0, 1, 0, n, p, q, x)


sh_jacobi = special(
    "eval_sh_jacobi",
    lambda a, b, c, d, y: sh_jacobi_degree(a, b, c, d, y),
    lambda a, b, c, d, y: sh_jacobi_dp(a, b, c, d, y),
    lambda a, b, c, d: sh_jacobi_dq(a, b, c, d),
    lambda a, b, c, d: a * lowered(a, lambda m: sh_jacobi(m, b + 2, c + 1, d)),
    at=(REAL_DEGREES, (2.5, 3.5), (0.5, 1.5), SHIFTED),
    impl=whole("eval_sh_jacobi", 0),
    **QUICK,
)

# Legendre functions ------------------------------------------------------------------------------------------------
lpmv = special(
    "lpmv",
    ORDER,
    ORDER,
    lambda a, b, c, y: (b * c * y - (a + b) * lpmv(a, b - 1, c)) / (c * c - 1),
    at=([0, 1], [1, 2, 3], UNIT),
)


def _sph_legendre_slope(n: Any, m: Any, theta: Any) -> Any:
    """(sqrt((n-m)(n+m+1)) P_n^(m+1) - sqrt((n+m)(n-m+1)) P_n^(m-1)) / 2: no pole at the poles."""

    def neighbour(square: Any, order: Any) -> Any:
        zero = equal(square, 0)
        return where(zero, 0.0, sqrt(square) * sph_legendre(n, where(zero, m, order), theta))

    return 0.5 * (neighbour((n - m) * (n + m + 1), m + 1) - neighbour((n + m) * (n - m + 1), m - 1))


if hasattr(sp, "sph_legendre_p"):  # SciPy 1.15
    _sph_legendre = whole("sph_legendre_p", 0, 1)
    sph_legendre = special(  # the spherical harmonic at azimuth zero, of the polar angle
        "sph_legendre_p",
        ORDER,
        ORDER,
        lambda a, b, c: _sph_legendre_slope(a, b, c),
        at=([2, 3], [-1, 0, 1, 2], (0.3, 2.8)),
        impl=lambda n, m, theta: _sph_legendre(n, m, theta)[0],
    )
