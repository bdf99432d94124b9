"""log |Gamma(x)| and its derivative psi(x).

From 7 on Stirling's series. Below, the argument is moved into [0.7, 2.3] by the recurrence, whose terms then have the
sign of the result; there log Gamma(z) = (z - 1)(z - 2) P(w) and psi(z) = (z - z0) Q(w) with w = (z - 3/2)/(z + 1),
which keeps the poles away. Negative x are rare. Errors: < 4 ulp; for x < 0 that of psi in ulp of the larger of the
two terms of the reflection.
"""

from __future__ import annotations

import math

from .logarithm import log
from .text import Code, Value
from .trigonometric import sine_cosine

GAMMALN = {
    64: (
        0.4831289505409809,
        -0.3648997397857652,
        0.028296516930265588,
        -0.06770234355700303,
        0.0032403440331938435,
        -0.02320969725131137,
        -0.002156064394907322,
        -0.010264484127748854,
        -0.002912877283855774,
        -0.005450209881782671,
        -0.0025993549965849473,
        -0.0033353095852136838,
        -0.0021206086516275557,
        -0.002267321168182743,
        -0.0016914593728060132,
        -0.0016606384348717134,
        -0.0013986610701025835,
        -0.0013622857418135418,
        -0.0010650231753929972,
        -0.0006066680042161585,
        -0.00013544820704192357,
    ),
    32: (
        0.48312896490097046,
        -0.36489978432655334,
        0.02829635702073574,
        -0.06769688427448273,
        0.003256073221564293,
        -0.02335742488503456,
        -0.0026731882244348526,
        -0.009410262107849121,
        0.0020131210330873728,
    ),
}
PSI = {
    64: (
        0.9510558760318328,
        -1.0590685532036512,
        0.4443219733012662,
        -0.371114422911298,
        0.20511930710092444,
        -0.1635631150316153,
        0.09054417819209767,
        -0.07390507796337353,
        0.03891935309814764,
        -0.03411804764377301,
        0.01612848971726792,
        -0.016220869854364182,
        0.006217446358816999,
        -0.008052749072783598,
        0.0020305887489999656,
        -0.00431193534153105,
        -8.770857814623867e-05,
        -0.002819373310873942,
        0.000732034784850004,
        0.0016668052047851595,
        0.002402441302585987,
    ),
    32: (
        0.9510558843612671,
        -1.0590685606002808,
        0.4443233907222748,
        -0.37111568450927734,
        0.2050195038318634,
        -0.16362236440181732,
        0.09286083281040192,
        -0.0699535608291626,
        0.02237076684832573,
        -0.07994908094406128,
    ),
}
ROOT = {64: (1.4616321449683622, 9.549995429965697e-17), 32: (1.4616321325302124, 1.243815006546356e-08)}
# Stirling's series for x >= 7, in powers of 1/x^2
STIRLING = {
    64: (
        0.08333333333333316,
        -0.002777777777161932,
        0.00079365043940652,
        -0.000595163071110733,
        0.0008344822619747232,
        -0.0015835314193070977,
    ),
    32: (0.0833333358168602, -0.0027776439674198627, 0.0007759944419376552),
}
STIRLING_SLOPE = {
    64: (
        0.08333333333333329,
        -0.008333333333086352,
        0.003968253773348769,
        -0.0041666086047672515,
        0.007567436451551325,
        -0.020468603707719215,
        0.05899111656288953,
    ),
    32: (0.0833333358168602, -0.008332406170666218, 0.003845740808174014),
}
LARGE = 7.0


def moved(m: Code, x: Value) -> tuple[Value, Value, Value]:
    """z in [0.7, 2.3], and p, q: the product of the factors between x and z, and the sum of their inverses as q/p."""
    below = x < 0.7
    z = m.where(below, x + 1.0, x)
    p, q = m.where(below, x, 1.0), m.where(below, m.constant(-1.0), 0.0)
    for _ in range(5):
        more = z > 2.3
        z = m.where(more, z - 1.0, z)
        p, q = m.where(more, p * z, p), m.where(more, m.fma(q, z, p), q)
    return z, p, q


def polynomial(m: Code, z: Value, coefficients: tuple[float, ...]) -> Value:
    """That in w = (z - 3/2)/(z + 1); the first coefficient, most of the value, is added last."""
    w = (z - 1.5) / (z + 1.0)
    return m.fma(w, m.polynomial(w, coefficients[1:]), m.constant(coefficients[0]))


def positive_gammaln(m: Code, x: Value) -> Value:
    below, large = x < 0.7, x >= LARGE
    z, p, _ = moved(m, x)
    roots = m.where(below, x, z - 1.0) * m.where(below, x - 1.0, z - 2.0)
    logarithm = log(m, m.where(large, x, p))
    small = m.fma(roots, polynomial(m, z, GAMMALN[m.bits]), m.where(below, -logarithm, logarithm))
    inverse = 1.0 / x
    tail = m.fma(
        inverse, m.polynomial(inverse * inverse, STIRLING[m.bits]), m.constant(math.log(2 * math.pi) / 2 - 0.5)
    )
    return m.where(large, m.fma(x - 0.5, logarithm - 1.0, tail), small)


def gammaln(m: Code, x: Value) -> Value:
    negative = x < 0.0
    y = positive_gammaln(m, x)
    return m.rarely(negative, y, lambda: m.where(negative, m.elsewhere("gammaln", x), y))


def positive_psi(m: Code, x: Value) -> Value:
    z, p, q = moved(m, x)
    high, low = ROOT[m.bits]
    near = ((z - high) - low) * polynomial(m, z, PSI[m.bits])
    inverse = 1.0 / x
    square = inverse * inverse
    tail = m.fma(square, m.polynomial(square, STIRLING_SLOPE[m.bits]), inverse * 0.5)
    return m.where(x >= LARGE, log(m, x) - tail, near + q / p)


def psi(m: Code, x: Value) -> Value:
    negative = x < 0.0
    y = positive_psi(m, x)
    return m.rarely(negative, y, lambda: m.where(negative, m.elsewhere("psi", x), y))


# for negative x ------------------------------------------------------------------------------------------------------
def library_gammaln(m: Code, x: Value) -> Value:
    """That of the C library, which is accurate also next to the zeros."""
    y = m.put(x.type, f"call double @lgamma(double {x.name})")
    return m.where(x.equals(-math.inf), x, y)  # as SciPy


def reflected_psi(m: Code, x: Value) -> Value:
    """psi(1 - x) - pi/tan(pi x); NaN at the poles."""
    n = m.intrinsic("rint", x)
    f = x - n
    quarter = abs(f) > 0.25
    r = m.where(quarter, m.constant(0.5) - abs(f), abs(f)) * math.pi
    s, c = sine_cosine(m, r)
    cotangent = m.copysign(m.where(quarter, s, c) / m.where(quarter, c, s), f)
    y = positive_psi(m, 1.0 - x) - cotangent * math.pi
    return m.where(f.equals(0.0), math.nan, y)
