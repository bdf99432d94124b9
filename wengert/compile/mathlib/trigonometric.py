"""Sine, cosine, tangent: |x| = n pi/2 + r, |r| <= pi/4, by Cody and Waite with pi/2 in three or four parts.

With fma each step is rounded relative to its own result, so r has an error of 1 ulp also next to multiples of pi/2;
without it the products are exact by short parts. Beyond LIMIT a function apart serves lane by lane, by the method of
Payne and Hanek (SIGNUM Newsletter 18, 1983): x 2/pi modulo 256 from the 192 bits of 2/pi that matter. sin, cos and
tan of one x share the reduction and both polynomials. Errors: sin, cos < 1.5 ulp, tan < 3 ulp.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .exponential import SHIFT
from .text import Code, Value, type_of

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
# 2/pi in bytes, the last first, 1160 bits, and zeros before the point
TWO_OVER_PI = bytes.fromhex(
    "56085d8d1fb15ffb6bea92528af739073d7bf1e5ebc7ba27752dea5f9e663f464fb709cb27cf7e366d1f6d0a5a8b112fef0f"
    "9805deff97f81f3b28f9bd8b5f849cf439538339d69139417e5fb426709ce98444bb2ef53582e83ea729b11ceb1dfe1c92d1"
    "09ea2e4906e0d24d423a6e24b761c5bbdeab6351fe4190433c999562dbc0dd34f5d15727fc2915444e6e83f9a20000000000"
    "00000000000000000000"
)
FIRST_BYTE = 122 + 10  # the 80 of far_reduced
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
        a = (a - n * PARTS[0] - n * (PARTS[1] + PARTS[2])).cast("fptrunc", "float")
    return t.as_int(), a


def sine_cosine(m: Code, r: Value) -> tuple[Value, Value]:
    """For |r| <= pi/4."""
    z = r * r
    sine = m.fma(r * z, m.polynomial(z, SIN[m.bits]), r)
    cosine = m.fma(z * z, m.polynomial(z, COS[m.bits]), 1.0 - z * 0.5)
    return sine, cosine


def turned(m: Code, n: Value, odd: Value, even: Value) -> Value:
    """even or odd by the parity of n, with the sign of the half turn that n is in."""
    y = m.where((n & 1).equals(0), even, odd)
    return (y.as_int() ^ ((n & 2) << (m.bits - 2))).as_real()


def signed(m: Code, y: Value, x: Value) -> Value:
    """y, negated where x is negative: of an odd function at |x|."""
    return (y.as_int() ^ (x.as_int() & -(2 ** (m.bits - 1)))).as_real()


def sin_from(m: Code, x: Value, n: Value, r: Value) -> Value:
    s, c = sine_cosine(m, r)
    return signed(m, turned(m, n, c, s), x)


def cos_from(m: Code, x: Value, n: Value, r: Value) -> Value:
    s, c = sine_cosine(m, r)
    return turned(m, n + 1, c, s)


def tan_from(m: Code, x: Value, n: Value, r: Value) -> Value:
    s, c = sine_cosine(m, r)
    even = (n & 1).equals(0)
    return signed(m, m.where(even, s, -c) / m.where(even, c, s), x)


Finish = Callable[[Code, Value, Value, Value], Value]  # sin, cos or tan of x, by n and r of |x|


def function(name: str, finish: Finish) -> Callable[[Code, Value], Value]:
    """sin, cos or tan, near and far."""

    def algorithm(m: Code, x: Value) -> Value:
        usual = finish(m, x, *reduced(m, abs(x)))
        limits = LIMIT if m.target.fma else LIMIT_PARTS
        large = abs(x) > limits[m.bits]
        return m.rarely(large, usual, lambda: m.where(large, m.elsewhere(f"far_{name}", x), usual))

    return algorithm


def far(finish: Finish) -> Callable[[Code, Value], Value]:
    """The same for large x in double precision."""

    def algorithm(m: Code, x: Value) -> Value:
        n, r = far_reduced(m, m.at_least(abs(x), 2.0**16))
        return m.where(abs(x) < math.inf, finish(m, x, n, r), math.nan)

    return algorithm


def far_reduced(m: Code, a: Value) -> tuple[Value, Value]:
    """n modulo 256, and r, for 2^16 <= a: a = 2^(8j) b with an integer b < 2^60, times the bits from 8j on of 2/pi."""
    word, long = type_of("i64", 0), type_of("i192", 0)
    exponent = (a.as_int() >> 52) - (1075 - 80)  # +80: positive
    b = ((a.as_int() & (2**52 - 1)) | 2**52) << (exponent & 7)
    place = FIRST_BYTE - (exponent >> 3)
    address = m.put(word, f"getelementptr i8, ptr @two_over_pi, i64 {place.name}")
    product = m.put(long, f"load i192, ptr {address.name}, align 1") * b.cast("zext", "i192")
    n = ((product + 2**183) >> 184).cast("trunc", "i64")
    fraction = product << 8  # as a signed number: the distance from n, times 2^192
    first, second = (fraction >> 128).cast("trunc", "i64"), (fraction >> 65).cast("trunc", "i64") & (2**63 - 1)
    high = (first & -2048).cast("sitofp", "double") * 2.0**-64
    rest = (first & 2047).cast("sitofp", "double") * 2.0**-64 + second.cast("sitofp", "double") * 2.0**-127
    r, error = m.product(high, m.constant(FUSED[64][0]))
    return n, r + m.fma(high, FUSED[64][1], m.fma(rest, FUSED[64][0], error))


sin, cos, tan = function("sin", sin_from), function("cos", cos_from), function("tan", tan_from)
far_sin, far_cos, far_tan = far(sin_from), far(cos_from), far(tan_from)
