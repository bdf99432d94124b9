"""Inverse error functions and quantiles of the normal distribution.

From c = erfc(t) in the middle t = y g(w), y = 1 - c, w = -log(c (2 - c)) (Giles 2010). In the tails by an
approximation, and one step of Halley's method for t^2 - log(erfcx(t)) = -log c, in which nothing cancels: its rounding
error is half an ulp of t. Errors: erfinv < 2.5, erfcinv < 3, ndtri < 2 ulp (in single precision 2.6).
"""

from __future__ import annotations

import math

from .error import far_erfcx
from .logarithm import log
from .text import Code, Value

# erfinv(y)/y in powers of w = -log(1 - y^2) <= 4: relative errors 2^-54 and 2^-24
CENTRAL = {
    64: (
        0.886226925452758,
        0.23201366653465272,
        0.011549342038329935,
        -0.0023351016423966155,
        -0.0001280432887050045,
        4.6611416315263545e-05,
        2.0200586937244206e-06,
        -1.0126976215168536e-06,
        -3.707948585398847e-08,
        2.2548608711174957e-08,
        9.676528545440521e-10,
        -6.681522449557835e-10,
        5.931879153967153e-11,
        -1.8529945670329795e-11,
        1.0003829910660358e-11,
        -2.5532348189889294e-12,
        3.6878485090638774e-13,
        -3.206940555736394e-14,
        1.591677475139493e-15,
        -3.507373860372127e-17,
    ),
    32: (
        0.8862269520759583,
        0.23201356828212738,
        0.01155014056712389,
        -0.002337778452783823,
        -0.00012339168461039662,
        4.186846854281612e-05,
        5.026525286666583e-06,
        -2.2114058992883656e-06,
        2.4953172328423534e-07,
        -1.0230470692818017e-08,
    ),
}
# t/s in powers of (s - 3)/(s + 3), erfc(t) = e^(-s^2), s >= 2.1: relative errors 2^-25 and 2^-20
TAIL = {
    64: (
        0.9049203446107584,
        0.2736648098483601,
        -0.3389740424171525,
        0.2786449279415631,
        -0.17816198475608364,
        0.06881178899544382,
        0.015740859058473496,
        -0.05177081724753747,
        0.03828038419802322,
        -0.011138598563026394,
    ),
    32: (
        0.904920220375061,
        0.27366843819618225,
        -0.3389509916305542,
        0.27826157212257385,
        -0.1778556853532791,
        0.07665587216615677,
        -0.016293862834572792,
    ),
}
ROOT_2 = {64: (1.4142135623730951, -9.667293313452913e-17), 32: (1.4142135381698608, 2.4203234305630872e-08)}
MIDDLE = math.exp(-4.0)


def positive(m: Code, c: Value, y: Value) -> Value:
    """t with erfc(t) = c, 0 <= c <= 1, y = 1 - c."""
    product = c * (2.0 - c)
    middle = product > MIDDLE
    log_c = log(m, m.where(middle, product, c))
    central = y * m.polynomial(-log_c, CENTRAL[m.bits])
    return m.where(middle, central, tail(m, -log_c))


def tail(m: Code, l: Value) -> Value:
    """t with erfc(t) = e^-l, l > 4."""
    s = m.sqrt(m.at_least(l, 4.0))
    t = s * m.polynomial((s - 3.0) / (s + 3.0), TAIL[m.bits])
    e = far_erfcx(m, t)
    slope = (2 / math.sqrt(math.pi)) / e
    r = ((t * t - l) - log(m, e)) / slope
    t = t - r / m.fma(r * -0.5, slope - t * 2.0, m.constant(1.0))
    return m.where(l < math.inf, t, l)


def within(m: Code, x: Value, low: float, high: float, y: Value) -> Value:
    """y, and NaN beyond the ends."""
    return m.where((x >= low) & (x <= high), y, math.nan)


def erfinv(m: Code, x: Value) -> Value:
    a = abs(x)
    return within(m, a, 0.0, 1.0, m.copysign(positive(m, 1.0 - a, a), x))


def erfcinv(m: Code, x: Value) -> Value:
    upper = x > 1.0
    c = m.where(upper, 2.0 - x, x)
    t = positive(m, c, 1.0 - c)
    return within(m, x, 0.0, 2.0, m.where(upper, -t, t))


def ndtri(m: Code, x: Value) -> Value:
    lower = x < 0.5
    c = m.where(lower, x, 1.0 - x) * 2.0
    t = positive(m, c, 1.0 - c)
    high, low = ROOT_2[m.bits]
    t = m.fma(t, high, m.at_most(t, 100.0) * low)
    return within(m, x, 0.0, 1.0, m.where(lower, -t, t))
