"""x^y, the cube root, the hypotenuse.

x^y = 2^(y log2 x), where log2 x has twice the working precision: relative error 2^-64, so x^y is within 0.6 ulp, and
exact where it is representable. The logarithm is 2 atanh(s), s = f/(2 + f), with s and the terms up to s^3 in two
parts (Dekker, Numer. Math. 18, 1971; Ziv, ACM TOMS 17, 1991). Single precision computes in double. cbrt: Newton's
step of third order for t^(-1/3), and one of second order with the residual computed exactly: < 1 ulp. hypot < 1.1
ulp.
"""

from __future__ import annotations

import math

from .exponential import COSH, LOG2_E, SINH, cosh_tail, nearest, power_of_two, scale, sinh_tail
from .logarithm import LOG2_E_PARTS, lifted, split
from .text import Code, Value

Parts = tuple[Value, Value]
# (2 atanh(s)/s - 2 - 2/3 s^2)/s^4 in powers of s^2: relative error of the logarithm 2^-66
ATANH_TAIL = (
    0.39999999999999997,
    0.2857142857143422,
    0.22222222220102672,
    0.18181818566185773,
    0.15384576880643336,
    0.13335575452885373,
    0.1168933450658667,
    0.11872459209593766,
)
# 2 atanh(s)/s in powers of s^2, for single precision: relative error 2^-45
ATANH_SHORT = (
    2.0,
    0.6666666667576491,
    0.3999999563152191,
    0.28572108392931594,
    0.22176210370088859,
    0.19583979121218795,
)
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
# t^(-1/3) on [sqrt(1/2), sqrt(2)]: relative errors 2^-17 and 2^-11
INVERSE_ROOT = {
    64: (
        1.995341481913526,
        -2.4668647417873153,
        2.754857752141042,
        -1.8620663942011886,
        0.683577431562695,
        -0.10484262703707782,
    ),
    32: (1.7260775566101074, -1.2719440460205078, 0.7000734210014343, -0.1544003188610077),
}


def quick_sum(a: Value, b: Value) -> Parts:
    """a + b and its rounding error; |a| >= |b| or a = 0."""
    s = a + b
    return s, b - (s - a)


def log2_parts(m: Code, x: Value) -> Parts:
    """log2 x for finite x > 0 in double precision."""
    k, mantissa = lifted(m, x)
    f = mantissa - 1.0
    d, d_low = quick_sum(m.constant(2.0), f)
    inverse = 1.0 / d
    s = f * inverse
    p, e = m.product(s, d)
    s_low = (((f - p) - e) - s * d_low) * inverse
    z, z_low = m.product(s, s)
    z_low = m.fma(s + s, s_low, z_low)
    t = z * m.polynomial(z, ATANH_TAIL)
    c, c_low = quick_sum(m.constant(TWO_THIRDS[0]), t)
    c_low = c_low + TWO_THIRDS[1]
    u, u_low = m.product(z, c)  # s^2 times its coefficient
    u_low = u_low + m.fma(z, c_low, z_low * c)
    v, v_low = m.product(s, u)
    v_low = v_low + m.fma(s, u_low, s_low * u)
    y, y_low = quick_sum(s + s, v)
    y_low = y_low + (m.fma(s_low, 2.0, v_low))
    w, w_low = m.product(y, m.constant(LOG2_E_PARTS[64][0]))
    w_low = w_low + m.fma(y, LOG2_E_PARTS[64][1], y_low * LOG2_E_PARTS[64][0])
    total, rest = quick_sum(k, w)
    return total, rest + w_low


def exp2_parts(m: Code, high: Value, low: Value) -> Value:
    """2^(high + low), |high| <= 1100."""
    n = nearest(m, high, 1.0)
    f, low = quick_sum(high - n, low)
    r, r_low = m.product(f, m.constant(LN2[0]))
    r_low = r_low + m.fma(f, LN2[1], low * LN2[0])
    tail = sinh_tail(m, r) + cosh_tail(m, r) + m.fma(r_low, r, r_low)
    first, rest = quick_sum(m.constant(1.0), r)
    return scale(m, first + (rest + tail), n)


def infinite_ends(m: Code, a: Value, log: Value) -> Value:
    """log of a = |x|, which is -inf at 0, inf at inf and NaN at NaN."""
    return m.where(a.equals(0.0), -math.inf, m.where(a < math.inf, log, a))


def magnitude(m: Code, a: Value, y: Value) -> Value:
    """a^y for a >= 0."""
    high, low = log2_parts(m, a)
    high = infinite_ends(m, a, high)
    z, z_low = m.product(y, high)
    z_low = m.where(abs(z) < 1100.0, m.fma(y, low, z_low), 0.0)
    return exp2_parts(m, m.at_most(m.at_least(z, -1100.0), 1100.0), z_low)


def magnitude_in_double(m: Code, a: Value, y: Value) -> Value:
    """a^y for single precision: errors up to 2^-35 do not matter."""
    with m.in_double():
        wide, y = a.wide(), y.wide()
        k, mantissa = split(m, wide)
        f = mantissa - 1.0
        s = f / (f + 2.0)
        log = m.fma(s * m.polynomial(s * s, ATANH_SHORT), LOG2_E, k)
        z = m.at_most(m.at_least(y * infinite_ends(m, wide, log), -300.0), 300.0)
        n = nearest(m, z, 1.0)
        r = (z - n) * LN2[0]
        square = r * r
        cosh = m.fma(square, m.polynomial(square, COSH[32]), m.constant(1.0))
        sinh = m.fma(r * square, m.polynomial(square, SINH[32]), r)
        return ((sinh + cosh) * power_of_two(m, n)).narrow(32)


def rounded(m: Code, a: Value) -> Value:
    """The integer nearest to a, 0 <= a."""
    unit = {64: 2.0**52, 32: 2.0**23}[m.bits]
    return m.where(a < unit, (a + unit) - unit, a)


def power(m: Code, x: Value, y: Value) -> Value:
    """With the special values of C99."""
    a, b = abs(x), abs(y)
    size = magnitude(m, a, y) if m.bits == 64 else magnitude_in_double(m, a, y)
    size = m.where(a.equals(1.0), m.where(y.is_nan(), y, 1.0), size)
    whole = rounded(m, b).equals(b)
    half = b * 0.5
    odd = whole & rounded(m, half).differs(half)
    size = m.where((x < 0.0) & (a < math.inf) & ~(whole | y.is_nan()), math.nan, size)
    sign = m.where(odd, x, 1.0)
    return m.where(x.equals(1.0) | y.equals(0.0), 1.0, flipped(m, size, sign))


def flipped(m: Code, x: Value, sign: Value) -> Value:
    """-x where the sign is negative."""
    return (x.as_int() ^ (sign.as_int() & -(2 ** (m.bits - 1)))).as_real()


def cbrt(m: Code, x: Value) -> Value:
    a = abs(x)
    k, mantissa = lifted(m, a)
    q = nearest(m, k, 1 / 3)
    rest = k - q * 3.0
    below, above = rest < 0.0, rest > 0.0
    t = mantissa * m.where(below, m.constant(0.5), m.where(above, m.constant(2.0), 1.0))
    start = m.where(below, m.constant(2.0 ** (1 / 3)), m.where(above, m.constant(2.0 ** (-1 / 3)), 1.0))
    y = m.polynomial(mantissa, INVERSE_ROOT[m.bits]) * start
    e = 1.0 - (t * y) * (y * y)
    y = m.fma(y * e, m.fma(e, 2 / 9, m.constant(1 / 3)), y)
    c = (t * y) * y
    square, low = m.product(c, c)
    cube, error = m.product(square, c)
    c = m.fma(((t - cube) - error) - low * c, (y * y) * (1 / 3), c)
    root = m.copysign(c * power_of_two(m, q), x)
    return m.where((a < math.inf) & (a > 0.0), root, x)


def hypot(m: Code, x: Value, y: Value) -> Value:
    a, b = abs(x), abs(y)
    larger = m.where(a > b, a, b)
    edge, step = {64: (500.0, 600.0), 32: (50.0, 80.0)}[m.bits]
    huge, tiny = larger > 2.0**edge, larger < 2.0**-edge
    factor = m.where(huge, m.constant(2.0**-step), m.where(tiny, m.constant(2.0**step), 1.0))
    inverse = m.where(huge, m.constant(2.0**step), m.where(tiny, m.constant(2.0**-step), 1.0))
    u, v = a * factor, b * factor
    root = m.sqrt(m.fma(u, u, v * v)) * inverse
    return m.where(a.equals(math.inf) | b.equals(math.inf), math.inf, root)
