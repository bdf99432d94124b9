"""Error functions. For small x a polynomial; beyond, erfc(t) = e^(-t^2) P(u)/(t + k) or /t, u = (t - k)/(t + k).

The substitution is that of Shepherd and Laframboise (Math. Comp. 36, 1981). erf needs P to an absolute, erfc to a
relative error; erfc also takes the rounding error of t^2 into the exponential. Errors: erf < 1.5 ulp (2.7 without
fma), erfc, ndtr < 3.5 ulp, erfcx, log_ndtr < 4 ulp.
"""

from __future__ import annotations

import math

from .exponential import HIGH, LOW, reduced, scale, small_expm1
from .logarithm import combined, lifted, one_plus
from .text import Code, Value

# 2/sqrt(pi) as a sum of two
SLOPE = {64: 1.1283791670955126, 32: 1.128379225730896}
REST = {64: 1.533545961316588e-17, 32: -5.8635382771399236e-08}
# (erf(x)/x - 2/sqrt(pi))/x^2 in powers of x^2, |x| <= 1: errors 2^-55 and 2^-25
ERF = {
    64: (
        -0.3761263890318361,
        0.1128379167094688,
        -0.026866170643466223,
        0.005223977608654306,
        -0.0008548326038425348,
        0.0001205529656084028,
        -1.4924765388403887e-05,
        1.644774379882014e-06,
        -1.6210727291474544e-07,
        1.3729051826971089e-08,
        -7.81154746207519e-10,
    ),
    32: (
        -0.3761262893676758,
        0.11283625662326813,
        -0.02685527503490448,
        0.005190872587263584,
        -0.0008031213073991239,
        7.920168718555942e-05,
    ),
}
# k, the largest t, and P: (t + k) erfcx(t) in powers of u for t >= 1; errors times e^(-t^2) 2^-57 and 2^-28
ERF_FAR = {
    64: (
        2.0,
        6.0,
        (
            1.021582705242023,
            -0.6871606844138106,
            0.27947209255604094,
            -0.03644223150686364,
            -0.02151066188773439,
            0.006479185064304484,
            0.003090611975945019,
            -0.0008372958440063437,
            -0.0006630716756367664,
            3.4365322122850224e-05,
            0.00014445202089678473,
            3.423360798367434e-05,
            -2.1636133850813653e-05,
            -1.6690978636810987e-05,
            -8.179282853698761e-07,
            5.127540347756448e-06,
        ),
    ),
    32: (
        1.5,
        4.0,
        (
            0.9647562442414925,
            -0.5078503418025602,
            0.07562333119095324,
            0.04779564659071049,
            -0.00822627805644855,
            -0.009862832712250734,
            0.0012484380432876265,
        ),
    ),
}
# k, the largest t, and t erfcx(t) in powers of u for t >= 0.8; relative errors 2^-53 and 2^-27
ERFC_FAR = {
    64: (
        4.0,
        27.5,
        (
            0.5479978305002455,
            0.05972346595980458,
            -0.10167001340782249,
            0.11617743547599826,
            -0.10500112171761015,
            0.07842032531916693,
            -0.04881471116532019,
            0.02500573078177854,
            -0.010128998842420148,
            0.002915548426660463,
            -0.00036800577415182855,
            -0.00013912015488488628,
            8.658883223522115e-05,
            -1.124703700389489e-05,
            -7.083336283205304e-06,
            3.0564566642998812e-06,
            2.8943516316269905e-07,
            -4.557155171859953e-07,
            2.3319691877360628e-08,
            5.7014888528506104e-08,
            -6.133128820480965e-09,
            -4.709456777134881e-09,
        ),
    ),
    32: (
        4.0,
        10.5,
        (
            0.5479978322982788,
            0.059723470476797345,
            -0.10166994901326329,
            0.11617714199430224,
            -0.10500330274624288,
            0.07842502139909106,
            -0.048787280141795245,
            0.02498235121771083,
            -0.010278461233514207,
            0.0029205944011947526,
            -5.5104768528837886e-05,
        ),
    ),
}
ERFC_REST = {64: 2.893020756700915e-17, 32: -2.119610709172548e-09}  # what its first coefficient lacks


def near(m: Code, x: Value) -> Value:
    """erf(x) - SLOPE x for |x| <= 1."""
    z = x * x
    return x * m.fma(z, m.polynomial(z, ERF[m.bits]), m.constant(REST[m.bits]))


def decayed(m: Code, p: Value, square: Value, low: Value | None) -> Value:
    """p e^(-square - low)."""
    n, r = reduced(m, m.at_least(-square, LOW[m.bits]))
    e = small_expm1(m, r if low is None else r - low)
    return scale(m, m.fma(e, p, p), n)


def erf(m: Code, x: Value) -> Value:
    a = abs(x)
    k, most, coefficients = ERF_FAR[m.bits]
    t = m.at_most(a, most)
    inverse = 1.0 / (t + k)
    p = m.polynomial((t - k) * inverse, coefficients) * inverse
    small = m.fma(a, SLOPE[m.bits], near(m, a))
    return m.copysign(m.where(a > 1.0, 1.0 - decayed(m, p, t * t, None), small), x)


def scaled_tail(m: Code, t: Value) -> Value:
    """erfcx(t) for 0.8 <= t, up to the largest t."""
    k, _, coefficients = ERFC_FAR[m.bits]
    u = (t - k) / (t + k)
    return (m.fma(u, m.polynomial(u, coefficients[1:]), m.constant(ERFC_REST[m.bits])) + coefficients[0]) / t


def tail(m: Code, t: Value, square: Value, low: Value) -> Value:
    """erfc(t) for t >= 0.8, with t^2 = square + low."""
    return decayed(m, scaled_tail(m, t), square, low)


def erfc(m: Code, x: Value) -> Value:
    a = abs(x)
    t = m.at_most(a, ERFC_FAR[m.bits][1])
    y = tail(m, t, *m.product(t, t))
    y = m.where(x < 0.0, 2.0 - y, y)
    return m.where(a > 0.8, y, small_erfc(m, x))


def ndtr(m: Code, x: Value) -> Value:
    """erfc(-x/sqrt(2))/2, where the square of the rounded argument would not do."""
    a = m.at_most(abs(x), {64: 38.6, 32: 14.3}[m.bits])
    t = a * math.sqrt(0.5)
    square, low = m.product(a, a)
    y = tail(m, t, square * 0.5, low * 0.5) * 0.5
    y = m.where(x > 0.0, 1.0 - y, y)
    small = m.fma(x, SLOPE[m.bits] * math.sqrt(0.125), m.constant(0.5)) + near(m, x * math.sqrt(0.5)) * 0.5
    return m.where(t > 0.8, y, small)


def grown(m: Code, square: Value, low: Value) -> Value:
    """e^(square + low)."""
    n, r = reduced(m, m.at_most(square, HIGH[m.bits]))
    return scale(m, small_expm1(m, r + low) + 1.0, n)


def far_erfcx(m: Code, t: Value) -> Value:
    """erfcx(t) for t >= 0.8; far out by its asymptotic series (DLMF 7.12.1)."""
    most = ERFC_FAR[m.bits][1]
    inverse = 1.0 / t
    series = m.polynomial(inverse * inverse * 0.5, (1.0, -1.0, 3.0, -15.0, 105.0, -945.0))
    return m.where(t > most, series * inverse * (1 / math.sqrt(math.pi)), scaled_tail(m, m.at_most(t, most)))


def small_erfc(m: Code, x: Value) -> Value:
    """erfc(x) for |x| <= 0.8."""
    return m.fma(x, -SLOPE[m.bits], m.constant(1.0)) - near(m, x)


def erfcx(m: Code, x: Value) -> Value:
    """e^(x^2) erfc(x); for x < -0.8 by 2 e^(x^2) - erfcx(-x)."""
    a = abs(x)
    square, low = m.product(*[m.at_most(a, 2 * ERFC_FAR[m.bits][1])] * 2)
    growth = grown(m, square, low)
    y = far_erfcx(m, a)
    return m.where(a > 0.8, m.where(x < 0.0, growth * 2.0 - y, y), small_erfc(m, x) * growth)


def log_ndtr(m: Code, x: Value) -> Value:
    """For x < 0 log(erfc(t)/2), t = |x|/sqrt(2), or log(erfcx(t)/2) - x^2/2; for x >= 0 log(1 - erfc(t)/2)."""
    a = abs(x)
    t = a * math.sqrt(0.5)
    small, negative = t <= 0.8, x < 0.0
    square, low = m.product(*[m.at_most(a, {64: 38.6, 32: 14.3}[m.bits])] * 2)
    half = m.where(small, small_erfc(m, t), far_erfcx(m, t)) * 0.5
    upper = m.where(small, half, decayed(m, half, square * 0.5, low * 0.5))
    k, mantissa = lifted(m, half)
    k1, f1 = one_plus(m, -upper)
    y = combined(m, m.where(negative, k, k1), m.where(negative, mantissa - 1.0, f1))
    y = m.where(negative & ~small, m.fma(x * -0.5, x, y), y)
    return m.where(x.equals(x), m.copysign(y, -1.0), x)
