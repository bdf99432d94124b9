"""Sine, cosine, tangent: |x| = n pi/2 + r, |r| <= pi/4, by Cody and Waite with pi/2 in three or four parts.

With fma each step is rounded relative to its own result, so r has an error of 1 ulp also next to multiples of pi/2;
without it the products are exact by short parts. Beyond LIMIT the C library is called, lane by lane. sin, cos and tan of
one x share the reduction and both polynomials. Errors: sin, cos < 1.5 ulp, tan < 3 ulp.
"""

from __future__ import annotations

import math

from .exponential import SHIFT
from .text import Code, Value

# (sin(r)/r - 1)/r^2 and (cos(r) - 1 + r^2/2)/r^4 in powers of r^2: errors 2^-55 and 2^-60, 2^-26 and 2^-30
SIN = {
    64: (
        -0.16666666666666666,
        0.008333333333330936,
        -0.00019841269836740527,
        2.7557316093196066e-06,
        -2.5051129895962807e-08,
        1.5917988944318716e-10,
    ),
    32: (-0.1666666716337204, 0.008333331905305386, -0.00019840084132738411, 2.724962087086169e-06),
}
COS = {
    64: (
        0.041666666666666664,
        -0.0013888888888887389,
        2.48015872987544e-05,
        -2.7557317265876615e-07,
        2.087614504910828e-09,
        -1.1382544623404291e-11,
    ),
    32: (0.0416666641831398, -0.0013888301327824593, 2.4547689463361166e-05),
}
# pi/2 in parts: of full precision for fma, else of 33 bits
FUSED = {
    64: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    32: (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
}
PARTS = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
LIMIT = {64: 2.0**30, 32: 2.0**16}
LIMIT_PARTS = {64: 2.0**20, 32: 2.0**16}


def reduced(m: Code, a: Value) -> tuple[Value, Value]:
    """n, as an integer in the low bits, and r with a = n pi/2 + r."""
    t = m.fma(a, 2 / math.pi, m.constant(SHIFT[m.bits]))
    n = t - SHIFT[m.bits]
    if m.target.fma:
        for part in FUSED[m.bits]:
            a = m.fma(n, -part, a)
    elif m.bits == 64:
        for part in PARTS:
            a = a - n * part
    else:
        n, a = n.cast("fpext", "double"), a.cast("fpext", "double")
        a = (a - n * PARTS[0] - n * (math.pi / 2 - PARTS[0])).cast("fptrunc", "float")
    return t.as_int(), a


def sine_cosine(m: Code, x: Value) -> tuple[Value, Value, Value]:
    """n, sin(r) and cos(r) of |x|."""
    n, r = reduced(m, abs(x))
    z = r * r
    sine = m.fma(r * z, m.polynomial(z, SIN[m.bits]), r)
    cosine = m.fma(z * z, m.polynomial(z, COS[m.bits]), 1.0 - z * 0.5)
    return n, sine, cosine


def far(m: Code, x: Value) -> Value:
    limits = LIMIT if m.target.fma else LIMIT_PARTS
    return abs(x) > limits[m.bits]


def turned(m: Code, n: Value, odd: Value, even: Value) -> Value:
    """even or odd by the parity of n, with the sign of the half turn that n is in."""
    y = m.where((n & 1).equals(0), even, odd)
    return (y.as_int() ^ ((n & 2) << (m.bits - 2))).as_real()


def sin(m: Code, x: Value) -> Value:
    n, s, c = sine_cosine(m, x)
    y = turned(m, n, c, s)
    y = (y.as_int() ^ (x.as_int() & -(2 ** (m.bits - 1)))).as_real()
    return m.rarely(far(m, x), y, lambda: m.libm("sin", x))


def cos(m: Code, x: Value) -> Value:
    n, s, c = sine_cosine(m, x)
    y = turned(m, n + 1, c, s)
    return m.rarely(far(m, x), y, lambda: m.libm("cos", x))


def tan(m: Code, x: Value) -> Value:
    n, s, c = sine_cosine(m, x)
    even = (n & 1).equals(0)
    y = m.where(even, s, -c) / m.where(even, c, s)
    y = (y.as_int() ^ (x.as_int() & -(2 ** (m.bits - 1)))).as_real()
    return m.rarely(far(m, x), y, lambda: m.libm("tan", x))
