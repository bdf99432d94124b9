"""Inverse trigonometric and hyperbolic functions.

arctan: the argument is reduced to |t| <= tan(pi/8) by arctan(a) = pi/4 + arctan((a - 1)/(a + 1)) or pi/2 -
arctan(1/a) (Cephes, Moshier 1989), with one division for all cases. arcsin: beyond 1/2 by pi/2 - 2 arcsin(sqrt((1 -
a)/2)) (fdlibm). The hyperbolic ones are log1p of what loses no digits. Errors: arctan, arctan2, arcsin, arccos < 2
ulp, arcsinh, arccosh, arctanh < 3 ulp.
"""

from __future__ import annotations

import math

from .logarithm import log1p
from .text import Code, Value

# (arctan(t)/t - 1)/t^2 in powers of t^2: errors 2^-57 and 2^-28
ATAN = {
    64: (
        -0.3333333333333319,
        0.19999999999951662,
        -0.1428571428001098,
        0.11111110774592928,
        -0.0909089751399115,
        0.07692056066353384,
        -0.06663058863316086,
        0.05847573765770132,
        -0.05037938107876785,
        0.03803113945341777,
        -0.01787193309727227,
    ),
    32: (
        -0.3333331346511841,
        0.19998441636562347,
        -0.1424301117658615,
        0.10590187460184097,
        -0.060695335268974304,
    ),
}
# (arcsin(s)/s - 1)/s^2 in powers of s^2: errors 2^-55 and 2^-27
ASIN = {
    64: (
        0.16666666666665522,
        0.0750000000031066,
        0.04464285684966737,
        0.030381958275809546,
        0.0223717782321501,
        0.017359407482985607,
        0.013888103168269373,
        0.012150820639150859,
        0.006605692562824004,
        0.019320353948761387,
        -0.01590514814894124,
        0.03169821135613029,
    ),
    32: (
        0.16666747629642487,
        0.07495515793561935,
        0.045443885028362274,
        0.02430625818669796,
        0.04195747897028923,
    ),
}
HALF_PI = {64: (1.5707963267948966, 6.123233995736766e-17), 32: (1.5707963705062866, -4.371138828673793e-08)}
TAN_PI_8 = math.tan(math.pi / 8)
LARGE = {64: 2.0**28, 32: 2.0**14}  # a^2 + 1 = a^2 from here on


def angle(m: Code, y: Value, x: Value) -> Value:
    """arctan(y/x) for y, x >= 0, not both infinite."""
    high, low = HALF_PI[m.bits]
    middle, steep = y > x * TAN_PI_8, y > x * (1 / TAN_PI_8)
    numerator = m.where(steep, -x, m.where(middle, y - x, y))
    denominator = m.where(steep, y, m.where(middle, y + x, x))
    denominator = m.where(denominator.equals(0.0), 1.0, denominator)  # arctan(0/0) = 0
    t = numerator / denominator
    z = t * t
    low_part = m.where(steep, m.constant(low), m.where(middle, m.constant(low / 2), 0.0))
    tail = m.fma(t * z, m.polynomial(z, ATAN[m.bits]), low_part)
    return m.where(steep, m.constant(high), m.where(middle, m.constant(high / 2), 0.0)) + (t + tail)


def arctan(m: Code, x: Value) -> Value:
    return m.copysign(angle(m, abs(x), m.constant(1.0)), x)


def arctan2(m: Code, y: Value, x: Value) -> Value:
    a, b = abs(y), abs(x)
    infinite = a.equals(math.inf) & b.equals(math.inf)
    huge = m.where(a > b, a, b) > {64: 2.0**1000, 32: 2.0**120}[m.bits]  # a + b must not overflow
    factor = m.where(huge, m.constant(2.0**-10), 1.0)
    a, b = m.where(infinite, 1.0, a * factor), m.where(infinite, 1.0, b * factor)
    y1 = angle(m, a, b)
    high, low = HALF_PI[m.bits]
    obtuse = 2 * high - (y1 - 2 * low)
    return m.copysign(m.where(x.as_int() < 0, obtuse, y1), y)


def arcsine_parts(m: Code, a: Value) -> tuple[Value, Value, Value]:
    """Whether a > 1/2, and s and c with arcsin(a) = s + c, there pi/2 - 2 (s + c)."""
    large = a > 0.5
    z = m.where(large, (1.0 - a) * 0.5, a * a)
    s = m.where(large, m.sqrt(z), a)
    return large, s, (s * z) * m.polynomial(z, ASIN[m.bits])


def arcsin(m: Code, x: Value) -> Value:
    high, low = HALF_PI[m.bits]
    large, s, c = arcsine_parts(m, abs(x))
    beyond = (high - s * 2.0) - (c * 2.0 - low)
    return m.copysign(m.where(large, beyond, s + c), x)


def arccos(m: Code, x: Value) -> Value:
    """pi/2 - arcsin(x); beyond 1/2 in size 2 (s + c) or pi - 2 (s + c)."""
    high, low = HALF_PI[m.bits]
    large, s, c = arcsine_parts(m, abs(x))
    negative = x < 0.0
    twice = (s + c) * 2.0
    beyond = m.where(negative, 2 * high - (twice - 2 * low), twice)
    return m.where(large, beyond, high - (x - (low - m.copysign(c, x))))


def arcsinh(m: Code, x: Value) -> Value:
    """log(a + sqrt(a^2 + 1)), a = |x|; for large a log(2a)."""
    a = abs(x)
    large = a >= LARGE[m.bits]
    root = m.sqrt(m.fma(a, a, m.constant(1.0))) + 1.0
    excess = a + (a * a) / root
    y = log1p(m, m.where(large, a - 1.0, excess))
    return m.copysign(y + m.where(large, m.constant(math.log(2)), 0.0), x)


def arccosh(m: Code, x: Value) -> Value:
    t = x - 1.0
    large = x >= LARGE[m.bits]
    excess = t + m.sqrt(t * (t + 2.0))
    y = log1p(m, m.where(large, t, excess)) + m.where(large, m.constant(math.log(2)), 0.0)
    return m.where(x >= 1.0, y, math.nan)


def arctanh(m: Code, x: Value) -> Value:
    """log((1 + a)/(1 - a))/2, a = |x|."""
    a = abs(x)
    return m.copysign(log1p(m, (a + a) / (1.0 - a)) * 0.5, x)
