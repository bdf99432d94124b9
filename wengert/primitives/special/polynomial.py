"""Classical orthogonal polynomials in their argument: the derivative is one of degree n-1 of a neighbouring family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy import special as sp

from ..elementwise import absolute, equal, less, sign, sqrt, where
from .table import ORDER, PARAMETER, special, whole

DEGREES = [0, 1, 2, 3]
UNIT = (-0.9, 0.9)
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


def family(name: str, slope: Callable[[Any, Any], Any]) -> Any:
    """A family without parameters: slope(n, x) is the derivative."""
    return special(f"eval_{name}", ORDER, lambda a, b: slope(a, b), at=(DEGREES, UNIT), impl=whole(f"eval_{name}", 0))


legendre = family("legendre", lambda n, x: lowered(positive(n), lambda m: gegenbauer(m, 1.5, x)))
chebyt = family("chebyt", lambda n, x: n * lowered(n, lambda m: chebyu(m, x)))
chebyu = family("chebyu", lambda n, x: 2 * odd(n, lambda m: gegenbauer(m, 2.0, x)))
chebyc = family("chebyc", lambda n, x: n * lowered(n, lambda m: chebys(m, x)))
chebys = family("chebys", lambda n, x: odd(n, lambda m: gegenbauer(m, 2.0, 0.5 * x)))
sh_legendre = family("sh_legendre", lambda n, x: 2 * lowered(positive(n), lambda m: gegenbauer(m, 1.5, 2 * x - 1)))
sh_chebyt = family("sh_chebyt", lambda n, x: 2 * n * lowered(n, lambda m: sh_chebyu(m, x)))
sh_chebyu = family("sh_chebyu", lambda n, x: 4 * odd(n, lambda m: gegenbauer(m, 2.0, 2 * x - 1)))
hermite = family("hermite", lambda n, x: 2 * n * lowered(n, lambda m: hermite(m, x)))
hermitenorm = family("hermitenorm", lambda n, x: n * lowered(n, lambda m: hermitenorm(m, x)))
laguerre = family("laguerre", lambda n, x: -lowered(n, lambda m: genlaguerre(m, 1.0, x)))

gegenbauer = special(
    "eval_gegenbauer",
    ORDER,
    PARAMETER,
    lambda a, b, c: 2 * b * lowered(a, lambda m: gegenbauer(m, b + 1, c)),
    at=(DEGREES, ALPHA, UNIT),
    impl=whole("eval_gegenbauer", 0),
)
genlaguerre = special(
    "eval_genlaguerre",
    ORDER,
    PARAMETER,
    lambda a, b, c: -lowered(a, lambda m: genlaguerre(m, b + 1, c)),
    at=(DEGREES, ALPHA, UNIT),
    impl=whole("eval_genlaguerre", 0),
)
jacobi = special(
    "eval_jacobi",
    ORDER,
    PARAMETER,
    PARAMETER,
    lambda a, b, c, d: 0.5 * (a + b + c + 1) * lowered(a, lambda m: jacobi(m, b + 1, c + 1, d)),
    at=(DEGREES, ALPHA, ALPHA, UNIT),
    impl=whole("eval_jacobi", 0),
)
sh_jacobi = special(  # with leading coefficient one
    "eval_sh_jacobi",
    ORDER,
    PARAMETER,
    PARAMETER,
    lambda a, b, c, d: a * lowered(a, lambda m: sh_jacobi(m, b + 2, c + 1, d)),
    at=(DEGREES, (2.5, 3.5), (0.5, 1.5), (0.1, 0.9)),
    impl=whole("eval_sh_jacobi", 0),
)
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
