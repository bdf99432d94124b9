"""Logarithms: x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), log(1 + f) = 2 atanh(s), s = f/(2 + f).

After fdlibm's e_log.c (Sun Microsystems 1993), whose arrangement of the sum has an error below 1 ulp; log2 and log10
keep the sum in two parts. Errors: log, log2, log10, log1p < 1 ulp.
"""

from __future__ import annotations

import math
import struct

from .exponential import BIAS, LN2_HI, LN2_LO, MANTISSA
from .text import Code, Value

# (log((1 + s)/(1 - s))/s - 2)/s^2 in powers of s^2: relative error of the logarithm 2^-58 (2^-31 in single precision)
ATANH = {
    64: (
        0.666666666666667,
        0.3999999999989889,
        0.28571428626253836,
        0.22222211089379496,
        0.1818289243253687,
        0.15331611722055008,
        0.14617807153417325,
    ),
    32: (0.6666666865348816, 0.4000012278556824, 0.28550779819488525, 0.23331613838672638),
}
TINY = {64: 2.0**-1022, 32: 2.0**-126}  # the smallest normal number
LIFT = {64: 54, 32: 25}


def pattern(x: float, bits: int) -> int:
    """The bits of a number as an integer."""
    return struct.unpack("<q" if bits == 64 else "<i", struct.pack("<d" if bits == 64 else "<f", x))[0]


def split(m: Code, x: Value) -> tuple[Value, Value]:
    """k and 1 + f with x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); x positive and normal."""
    bits, root = m.bits, pattern(math.sqrt(0.5), m.bits)
    up = x.as_int() + (pattern(1.0, bits) - root)
    exponent = ((up >> MANTISSA[bits]) | pattern(2.0 ** MANTISSA[bits], bits)).as_real()
    mantissa = ((up & (2 ** MANTISSA[bits] - 1)) + root).as_real()
    return exponent - (2.0 ** MANTISSA[bits] + BIAS[bits]), mantissa


def lifted(m: Code, x: Value) -> tuple[Value, Value]:
    """The same also for subnormal numbers, which are multiplied by a power of two first."""
    small = x < TINY[m.bits]
    k, mantissa = split(m, m.where(small, x * 2.0 ** LIFT[m.bits], x))
    return k - m.where(small, m.constant(float(LIFT[m.bits])), 0.0), mantissa


def atanh_part(m: Code, f: Value) -> tuple[Value, Value]:
    """f^2/2 and c, where log(1 + f) = f - (f^2/2 - c)."""
    s = f / (f + 2.0)
    z, half = s * s, f * f * 0.5
    return half, s * m.fma(z, m.polynomial(z, ATANH[m.bits]), half)


def combined(m: Code, k: Value, f: Value) -> Value:
    """k log 2 + log(1 + f)."""
    half, c = atanh_part(m, f)
    return m.fma(k, LN2_HI[m.bits], f - (half - m.fma(k, LN2_LO[m.bits], c)))


def finished(m: Code, x: Value, y: Value) -> Value:
    """y, with the values at the ends: log 0 = -inf, log inf = inf, NaN for negative x."""
    y = m.where(x < math.inf, y, x)
    return m.where(x > 0.0, y, m.where(x.equals(0.0), m.constant(-math.inf), math.nan))


def log(m: Code, x: Value) -> Value:
    k, mantissa = lifted(m, x)
    return finished(m, x, combined(m, k, mantissa - 1.0))


def log1p(m: Code, x: Value) -> Value:
    """log(u + v) with u + v = 1 + x exactly; v 2^-k goes to f."""
    u = x + 1.0
    v = m.where(abs(x) < 1.0, x - (u - 1.0), 1.0 - (u - x))
    k, mantissa = split(m, u)
    power = (mantissa.as_int() - u.as_int() + pattern(1.0, m.bits)).as_real()  # 2^-k
    v = m.where(u < 2.0**60, v * power, 0.0)
    y = combined(m, k, (mantissa - 1.0) + v)
    y = m.where(abs(x) < {64: 2.0**-54, 32: 2.0**-25}[m.bits], x, y)
    y = m.where(x < math.inf, y, x)
    return m.where(x > -1.0, y, m.where(x.equals(-1.0), m.constant(-math.inf), math.nan))
