"""Remainders: exact. C's fmod has the sign of the dividend, NumPy's and Python's remainder that of the divisor."""

from __future__ import annotations

import math

from .text import Code, Value


def size(m: Code, a: Value, b: Value) -> tuple[Value, Value]:
    """a mod b for a, b >= 0 by one rounded quotient, and where that does not do."""
    unit = 2.0**52
    quotient = a.wide() / b.wide()
    q = (quotient + unit) - unit
    if m.bits == 64:
        high, low = m.product(q, b)
        rest = (a - high) - low
    else:
        rest = (a.wide() - q * b.wide()).narrow(32)
    limit = 2.0**51 if m.bits == 64 else 2.0**29
    simple = (quotient < limit) & (b < {64: 2.0**990, 32: math.inf}[m.bits])
    return m.where(rest < 0.0, rest + b, rest), ~simple


def fmod(m: Code, x: Value, y: Value) -> Value:
    rest, hard = size(m, abs(x), abs(y))
    return m.rarely(hard, m.copysign(rest, x), lambda: m.elsewhere("fmod", x, y))


def remainder(m: Code, x: Value, y: Value) -> Value:
    rest = fmod(m, x, y)
    other = m.where((rest < 0.0) ^ (y < 0.0), rest + y, rest)
    return m.where(rest.equals(0.0), m.copysign(rest, y), other)


def library_fmod(m: Code, x: Value, y: Value) -> Value:
    """That of the C library, which divides bit by bit."""
    return m.put(x.type, f"call double @fmod(double {x.name}, double {y.name})")
