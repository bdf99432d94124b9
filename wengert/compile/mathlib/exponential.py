"""Exponentials and hyperbolic functions: e^x = 2^n (1 + r + ...), x = n log 2 + r, |r| <= log(2)/2.

The reduction is Cody and Waite's (Software Manual for the Elementary Functions, 1980). sinh(r) and cosh(r) - 1 are
polynomials of their own, so that exp, expm1, sinh, cosh and tanh of one x share nearly all their instructions.
Errors: exp, expm1, cosh < 1 ulp, sinh, exp2 < 2 ulp, tanh, expit < 2.5 ulp.
"""

from __future__ import annotations

import math

from . import avx512
from .text import Code, Value

INF = math.inf
LOG2_E = 1.4426950408889634
# n LN2_HI is exact for |n| < 2^12 (2^9 in single precision)
LN2_HI = {64: 0.693147180559663, 32: 0.693145751953125}
LN2_LO = {64: 2.8235290563031577e-13, 32: 1.428606765330187e-06}
MANTISSA = {64: 52, 32: 23}
BIAS = {64: 1023, 32: 127}
SHIFT = {64: 1.5 * 2.0**52, 32: 1.5 * 2.0**23}  # x + SHIFT - SHIFT rounds x to an integer, in the low bits of the sum

# (sinh(r)/r - 1)/r^2 and (cosh(r) - 1)/r^2 in powers of r^2: relative errors 2^-58 and 2^-60, 2^-30 in single precision
SINH = {
    64: (
        0.16666666666666669,
        0.008333333333330039,
        0.00019841269863171557,
        2.7557268276905696e-06,
        2.5100472505694996e-08,
    ),
    32: (0.1666666716337204, 0.00833331048488617, 0.000198910798644647),
}
COSH = {
    64: (
        0.5,
        0.041666666666666664,
        0.0013888888888886537,
        2.4801587317228724e-05,
        2.7557282838800484e-07,
        2.09112987659402e-09,
    ),
    32: (0.5, 0.04166662320494652, 0.0013918773038312793),
}
# beyond these e^x is infinite, and zero
HIGH = {64: 710.0, 32: 89.0}
LOW = {64: -746.0, 32: -104.0}


def power_of_two(m: Code, n: Value) -> Value:
    """2^n for integers n whose power is a normal number."""
    bits = m.bits
    return ((n + (SHIFT[bits] + BIAS[bits])).as_int() << MANTISSA[bits]).as_real()


def scale(m: Code, x: Value, n: Value) -> Value:
    """x 2^n, also where 2^n is infinite or subnormal: in two steps."""
    bits = m.bits
    if avx512.available(m, x.type):
        return avx512.scaled(m, x, n)
    shift = SHIFT[bits] + BIAS[bits]
    t = m.fma(n, 0.5, m.constant(shift))
    first = (t.as_int() << MANTISSA[bits]).as_real()
    return x * first * power_of_two(m, n - (t - shift))


def nearest(m: Code, x: Value, factor: float) -> Value:
    """The integer nearest to x times a factor; |x factor| < 2^51 (2^22)."""
    return m.fma(x, factor, m.constant(SHIFT[m.bits])) - SHIFT[m.bits]


def reduced(m: Code, x: Value) -> tuple[Value, Value]:
    """n and r with x = n log 2 + r."""
    n = nearest(m, x, LOG2_E)
    return n, m.fma(n, -LN2_LO[m.bits], m.fma(n, -LN2_HI[m.bits], x))


def sinh_tail(m: Code, r: Value) -> Value:
    """sinh(r) - r for small r."""
    z = r * r
    return (r * z) * m.polynomial(z, SINH[m.bits])


def cosh_tail(m: Code, r: Value) -> Value:
    """cosh(r) - 1 for small r."""
    z = r * r
    return z * m.polynomial(z, COSH[m.bits])


def small_expm1(m: Code, r: Value) -> Value:
    """e^r - 1 for small r."""
    return r + (sinh_tail(m, r) + cosh_tail(m, r))


def clamped(m: Code, x: Value, low: float, high: float) -> Value:
    return m.at_most(m.at_least(x, low), high)


def exp(m: Code, x: Value) -> Value:
    n, r = reduced(m, clamped(m, x, LOW[m.bits], HIGH[m.bits]))
    return scale(m, small_expm1(m, r) + 1.0, n)


def exp2(m: Code, x: Value) -> Value:
    low, high = {64: (-1077.0, 1025.0), 32: (-152.0, 129.0)}[m.bits]
    x = clamped(m, x, low, high)
    n = nearest(m, x, 1.0)
    return scale(m, small_expm1(m, (x - n) * math.log(2)) + 1.0, n)


def expm1(m: Code, x: Value) -> Value:
    """2^n (e^r - 1) + (2^n - 1), halved until the end, so that 2^n is finite."""
    n, r = reduced(m, clamped(m, x, {64: -50.0, 32: -25.0}[m.bits], HIGH[m.bits]))
    half = power_of_two(m, n - 1.0)
    y = m.fma(small_expm1(m, r), half, half - 0.5) * 2.0
    return m.where(abs(x) < {64: 2.0**-54, 32: 2.0**-25}[m.bits], x, y)  # also -0, and what halving would round


def hyperbolic(m: Code, x: Value) -> tuple[Value, Value, Value, Value]:
    """a - b, a + b, sinh(r) and cosh(r) - 1, where 4a = 2^n, 4b = 2^-n; |x| = n log 2 + r."""
    n, r = reduced(m, m.at_most(abs(x), {64: 710.5, 32: 89.5}[m.bits]))
    a = power_of_two(m, n - 2.0)
    b = power_of_two(m, -2.0 - m.at_most(n, {64: 60.0, 32: 30.0}[m.bits]))
    return a - b, a + b, r + sinh_tail(m, r), cosh_tail(m, r)


def sinh(m: Code, x: Value) -> Value:
    """(a - b) cosh(r) + (a + b) sinh(r), without a division."""
    minus, plus, s, c = hyperbolic(m, x)
    y = (minus + m.fma(minus, c, plus * s)) * 2.0
    return m.where(abs(x) < {64: 2.0**-28, 32: 2.0**-13}[m.bits], x, m.copysign(y, x))


def cosh(m: Code, x: Value) -> Value:
    minus, plus, s, c = hyperbolic(m, x)
    return (plus + m.fma(plus, c, minus * s)) * 2.0


def tanh(m: Code, x: Value) -> Value:
    """t/(t + 2), t = e^(2|x|) - 1."""
    a = m.at_most(abs(x), {64: 22.0, 32: 11.0}[m.bits])
    n, r = reduced(m, a + a)
    power = power_of_two(m, n)
    t = m.fma(small_expm1(m, r), power, power - 1.0)
    y = m.copysign(t / (t + 2.0), x)
    return m.where(abs(x) < {64: 2.0**-28, 32: 2.0**-13}[m.bits], x, y)


def decay(m: Code, x: Value) -> Value:
    """e^x for x <= 0."""
    n, r = reduced(m, m.at_least(x, LOW[m.bits]))
    return scale(m, small_expm1(m, r) + 1.0, n)


def expit(m: Code, x: Value) -> Value:
    """1/(1 + e^-x); for negative x e^x/(1 + e^x), which does not overflow."""
    e = decay(m, -abs(x))
    return m.where(x < 0.0, e, 1.0) / (e + 1.0)
