"""How the coefficients of the math library were found: interpolation at Chebyshev nodes, solved with 60 digits.

`python tests/compile/mathlib_fits.py` prints all tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath

CONTEXT = mpmath.MPContext()
CONTEXT.dps = 60
mpf, sqrt, pi = CONTEXT.mpf, CONTEXT.sqrt, CONTEXT.pi
Function = Callable[[Any], Any]
Z0 = CONTEXT.findroot(CONTEXT.digamma, 1.4616321449683623)


@dataclass
class Fit:
    """f on [low, high] by a polynomial. weight: what its error is multiplied by in the function that uses it."""

    f: Function
    low: Any
    high: Any
    weight: Function = lambda z: 1
    from_zero: bool = False  # the weight is 0 at 0: no node is needed there

    def nodes(self, n: int) -> list[Any]:
        low, high, count = mpf(self.low), mpf(self.high), n
        if self.from_zero:  # one node more, at 0, which is then left out
            k = CONTEXT.cos(pi / (2 * n + 2))
            low, count = -high * (1 - k) / (1 + k), n + 1
        middle, half = (low + high) / 2, (high - low) / 2
        nodes = [middle - half * CONTEXT.cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
        return nodes[1:] if self.from_zero else nodes

    def coefficients(self, n: int) -> list[Any]:
        nodes = self.nodes(n)
        powers = CONTEXT.matrix([[z**j for j in range(n)] for z in nodes])
        return list(CONTEXT.lu_solve(powers, CONTEXT.matrix([self.f(z) for z in nodes])))

    def error(self, coefficients: tuple[float, ...], points: int = 101) -> float:
        """The largest weighted error, as a power of two, of coefficients as they are stored."""
        worst, low = mpf(0), mpf(self.low) or mpf(self.high) / 10**6
        for i in range(points):
            z = low + (mpf(self.high) - low) * i / (points - 1)
            p = CONTEXT.polyval([mpf(c) for c in reversed(coefficients)], z)
            worst = max(worst, abs((p - self.f(z)) * self.weight(z)))
        return float(CONTEXT.log(worst, 2))


def odd(f: Function) -> Function:
    """(f(t)/t - f'(0))/t^2 as a function of z = t^2, for odd f."""
    slope = CONTEXT.diff(f, 0)
    return lambda z: (f(sqrt(z)) / sqrt(z) - slope) / z


def erfcx(t: Any) -> Any:
    return CONTEXT.exp(t * t) * CONTEXT.erfc(t)


def far(k: Any, factor: Function, low: Any, high: Any, weight: Function) -> Fit:
    """factor(t) erfcx(t) in powers of u = (t - k)/(t + k)."""
    t = lambda u: k * (1 + u) / (1 - u)
    u = lambda t: (mpf(t) - k) / (mpf(t) + k)
    return Fit(lambda v: factor(t(v)) * erfcx(t(v)), u(low), u(high), lambda v: weight(t(v)))


def moved(f: Function) -> Fit:
    """f(z), z in [0.7, 2.3], in powers of w = (z - 3/2)/(z + 1)."""
    z = lambda w: (w + 1.5) / (1 - w)
    w = lambda z: (mpf(z) - 1.5) / (mpf(z) + 1)
    return Fit(lambda v: f(z(v)), w("0.699"), w("2.301"), lambda v: 1 / f(z(v)))


def stirling(x: Any) -> Any:
    return (CONTEXT.loggamma(x) - ((x - 0.5) * CONTEXT.log(x) - x + CONTEXT.log(2 * pi) / 2)) * x


def stirling_slope(x: Any) -> Any:
    return (CONTEXT.log(x) - 1 / (2 * x) - CONTEXT.digamma(x)) * x * x


def quantile(w: Any) -> Any:
    """erfinv(y)/y, w = -log(1 - y^2)."""
    y = sqrt(-CONTEXT.expm1(-w))
    return CONTEXT.erfinv(y) / y if y else sqrt(pi) / 2


def erfc_root(size: Any) -> Any:
    """t with erfc(t) = exp(-size), by Newton's method for the logarithm."""
    t = CONTEXT.sqrt(size)
    for _ in range(40):
        e = CONTEXT.erfc(t)
        step = (CONTEXT.log(e) + size) * e * CONTEXT.exp(t * t) * sqrt(pi) / 2
        t = t + step
        if abs(step) < t * mpf(10) ** -45:
            break
    return t


def quantile_tail(v: Any) -> Any:
    """t/s with erfc(t) = exp(-s^2), in powers of v = (s - 3)/(s + 3)."""
    s = 3 * (1 + v) / (1 - v)
    return erfc_root(s * s) / s


R2 = (CONTEXT.log(2) / 2 * mpf("1.001")) ** 2
S2 = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * mpf("1.001")
T2 = (pi / 4 * mpf("1.0005")) ** 2
atanh2 = lambda z: (2 * CONTEXT.atanh(sqrt(z)) / sqrt(z) - 2) / z
FITS: dict[str, Fit] = {
    "exponential.SINH": Fit(odd(CONTEXT.sinh), 0, R2, lambda z: z),
    "exponential.COSH": Fit(lambda z: (CONTEXT.cosh(sqrt(z)) - 1) / z, 0, R2, lambda z: z),
    "logarithm.ATANH": Fit(atanh2, 0, S2, lambda z: z / 2),
    "powers.ATANH_TAIL": Fit(lambda z: (atanh2(z) - mpf(2) / 3) / z, 0, S2, lambda z: z * z / 2, True),
    "trigonometric.SIN": Fit(odd(CONTEXT.sin), 0, T2, lambda z: z),
    "trigonometric.COS": Fit(lambda z: (CONTEXT.cos(sqrt(z)) - 1 + z / 2) / z**2, 0, T2, lambda z: z * z),
    "inverse.ASIN": Fit(odd(CONTEXT.asin), 0, 0.25, lambda z: z, True),
    "inverse.ATAN": Fit(odd(CONTEXT.atan), 0, (sqrt(2) - 1) ** 2, lambda z: z, True),
    "powers.INVERSE_ROOT": Fit(lambda t: 1 / CONTEXT.cbrt(t), sqrt(mpf(0.5)), sqrt(mpf(2))),
    "error.ERF": Fit(odd(CONTEXT.erf), 0, 1, lambda z: z, True),
    "error.ERF_FAR": far(mpf(2), lambda t: t + 2, 1, 6, lambda t: CONTEXT.exp(-t * t) / (t + 2)),
    "error.ERFC_FAR": far(mpf(4), lambda t: t, 0.8, 27.5, lambda t: 1 / (t * erfcx(t))),
    "quantile.CENTRAL": Fit(quantile, 0, 4, lambda w: 1 / quantile(w)),
    "quantile.TAIL": Fit(
        quantile_tail, mpf("-0.9") / mpf("5.1"), mpf("24.4") / mpf("30.4"), lambda v: 1 / quantile_tail(v)
    ),
    "gamma.GAMMALN": moved(lambda z: CONTEXT.loggamma(z) / ((z - 1) * (z - 2))),
    "gamma.PSI": moved(lambda z: CONTEXT.digamma(z) / (z - Z0)),
    "gamma.STIRLING": Fit(lambda v: stirling(1 / sqrt(v)), mpf("1e-7"), mpf(1) / 49, lambda v: sqrt(v) / 6),
    "gamma.STIRLING_SLOPE": Fit(lambda v: stirling_slope(1 / sqrt(v)), mpf("1e-7"), mpf(1) / 49, lambda v: v / 2),
}

if __name__ == "__main__":
    for name, fit in FITS.items():
        print(name, *(float(c) for c in fit.coefficients(8)))
