"""Logarithms: x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), log(1 + f) = 2 atanh(s), s = f/(2 + f).

After fdlibm's e_log.c (Sun Microsystems 1993), whose arrangement of the sum has an error below 1 ulp; log2 and log10
keep the sum in two parts. Errors: log, log2, log10, log1p < 1 ulp.
"""

from __future__ import annotations

import math
import struct

from . import avx512
from .exponential import BIAS, LN2_HI, LN2_LO, MANTISSA, decay, exp2
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
# 1/log 2, 1/log 10 and log10 2 as sums of two; the first part of the last has few digits
LOG2_E_PARTS = {64: (1.4426950408889634, 2.0355273740931033e-17), 32: (1.4426950216293335, 1.925963033500011e-08)}
LOG10_E_PARTS = {64: (0.4342944819032518, 1.098319650216765e-17), 32: (0.4342944920063019, -1.0103049952192578e-08)}
LOG10_2_PARTS = {64: (0.30102999566361177, 3.694239077158931e-13), 32: (0.301025390625, 4.605039066518657e-06)}
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
    if avx512.available(m, x.type):
        k, mantissa = avx512.taken_apart(m, x)
        upper = mantissa > math.sqrt(2)
        return m.where(upper, k + 1.0, k), m.where(upper, mantissa * 0.5, mantissa)
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
    y = combined(m, k, mantissa - 1.0)
    return y if avx512.available(m, x.type) else finished(m, x, y)  # its k and NaN give the values at the ends


def one_plus(m: Code, x: Value) -> tuple[Value, Value]:
    """k and f with 1 + x = 2^k (1 + f): 1 + x = u + v exactly, and v 2^-k goes to f."""
    u = x + 1.0
    v = m.where(abs(x) < 1.0, x - (u - 1.0), 1.0 - (u - x))
    k, mantissa = split(m, u)
    power = (mantissa.as_int() - u.as_int() + pattern(1.0, m.bits)).as_real()  # 2^-k
    return k, (mantissa - 1.0) + m.where(u < 2.0**60, v * power, 0.0)


def log1p(m: Code, x: Value) -> Value:
    y = combined(m, *one_plus(m, x))
    y = m.where(abs(x) < {64: 2.0**-54, 32: 2.0**-25}[m.bits], x, y)
    y = m.where(x < math.inf, y, x)
    return m.where(x > -1.0, y, m.where(x.equals(-1.0), m.constant(-math.inf), math.nan))


def two_parts(m: Code, f: Value) -> tuple[Value, Value]:
    """log(1 + f) as a sum of a number and its small correction."""
    half, c = atanh_part(m, f)
    high = f - half
    return high, ((f - high) - half) + c


def in_base(m: Code, k: Value, f: Value, factor: tuple[float, float], unit: tuple[float, float]) -> Value:
    """k unit + log(1 + f) factor, where both constants are sums of two; k unit[0] is exact."""
    high, low = two_parts(m, f)
    product, error = m.product(high, m.constant(factor[0]))
    error = m.fma(high, factor[1], m.fma(low, factor[0], m.fma(k, unit[1], error)))
    first = k * unit[0]
    total = first + product
    return total + (((first - total) + product) + error)


def log2(m: Code, x: Value) -> Value:
    k, mantissa = lifted(m, x)
    return finished(m, x, in_base(m, k, mantissa - 1.0, LOG2_E_PARTS[m.bits], (1.0, 0.0)))


def log10(m: Code, x: Value) -> Value:
    k, mantissa = lifted(m, x)
    return finished(m, x, in_base(m, k, mantissa - 1.0, LOG10_E_PARTS[m.bits], LOG10_2_PARTS[m.bits]))


def log_expit(m: Code, x: Value) -> Value:
    """min(x, 0) - log(1 + e^-|x|)."""
    return -(log1p(m, decay(m, -abs(x))) - m.at_most(x, 0.0))


def larger_and_gap(m: Code, a: Value, b: Value) -> tuple[Value, Value, Value]:
    """max(a, b), the number -|a - b|, which is 0 for two equal infinities, and its rounding error."""
    larger, smaller = m.where(a > b, a, b), m.where(a > b, b, a)
    gap = smaller - larger
    back = gap + larger
    error = (smaller - back) - (larger - (back - gap))
    return larger, m.where(a.equals(b), 0.0, gap), m.where(gap > -1000.0, error, 0.0)


def logaddexp(m: Code, a: Value, b: Value) -> Value:
    """max + log(1 + e^-|a - b|). Where the two cancel, the error is in ulp of the larger, as NumPy's."""
    larger, gap, error = larger_and_gap(m, a, b)
    e = decay(m, gap)
    return larger + log1p(m, m.fma(e, error, e))


def logaddexp2(m: Code, a: Value, b: Value) -> Value:
    larger, gap, error = larger_and_gap(m, a, b)
    e = exp2(m, gap)
    k, f = one_plus(m, m.fma(e, error * math.log(2), e))
    y = larger + in_base(m, k, f, LOG2_E_PARTS[m.bits], (1.0, 0.0))
    return m.where(gap <= 0.0, y, gap)  # else NaN


def xlogy(m: Code, x: Value, y: Value) -> Value:
    """x log y, and 0 where x is."""
    return m.where(x.equals(0.0) & y.equals(y), 0.0, x * log(m, y))


def xlog1py(m: Code, x: Value, y: Value) -> Value:
    return m.where(x.equals(0.0) & y.equals(y), 0.0, x * log1p(m, y))


def logit(m: Code, x: Value) -> Value:
    """log(x/(1 - x)); from 1/4 on log(1 + (2x - 1)/(1 - x))."""
    rest = 1.0 - x
    small = x < 0.25
    k, mantissa = lifted(m, x / rest)
    k1, f1 = one_plus(m, (x + x - 1.0) / rest)
    y = combined(m, m.where(small, k, k1), m.where(small, mantissa - 1.0, f1))
    y = m.where((x > 0.0) & (x < 1.0), y, math.nan)
    return m.where(x.equals(0.0), -math.inf, m.where(x.equals(1.0), math.inf, y))
