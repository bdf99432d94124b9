"""Polynomials in small changes of parameters, truncated: how functions are differentiated in parameters to any order.

A jet is an array whose first axes count the powers of the changes e_1, e_2, ...; its last axis runs over elements. The
parameters themselves are `Form`s, value + sum_i slope_i e_i.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import special as sp

Orders = tuple[int, ...]
WIDE = np.longdouble  # more digits, where the machine has them
LARGE = 170.0  # beyond, Gamma is no longer a number of double precision
SHIFT = 12.0  # from here on polygamma functions are small


class Form(NamedTuple):
    """A parameter: its value, and how it changes with each of e_1, e_2, ..."""

    value: Any
    slopes: tuple[float, ...]

    def __add__(self, other: Any) -> Form:
        if not isinstance(other, Form):
            return Form(self.value + other, self.slopes)
        return Form(self.value + other.value, tuple(p + q for p, q in zip(self.slopes, other.slopes, strict=True)))

    def __mul__(self, factor: Any) -> Form:
        return Form(self.value * factor, tuple(p * factor for p in self.slopes))

    def __sub__(self, other: Any) -> Form:
        return self + other * -1 if isinstance(other, Form) else self + -other

    def at(self, mask: Any) -> Form:
        """Of the elements of a mask."""
        return Form(self.value[mask], self.slopes)


def forms(*values: Any) -> list[Form]:
    """Parameters that change independently."""
    return [Form(x.astype(WIDE), tuple(float(i == k) for i in range(len(values)))) for k, x in enumerate(values)]


def places(t: Any) -> Iterator[Orders]:
    """The powers of a jet, lower ones first."""
    return itertools.product(*map(range, t.shape[:-1]))


def one(orders: Orders, size: int) -> Any:
    """The jet 1."""
    t = np.zeros((*(n + 1 for n in orders), size), WIDE)
    t[(0,) * len(orders)] = 1
    return t


def times(t: Any, f: Form) -> Any:
    """t f."""
    y = t * f.value
    for axis, slope in enumerate(f.slopes):
        if slope and t.shape[axis] > 1:
            y[_from(axis, 1)] += slope * t[_until(axis)]
    return y


def over(t: Any, f: Form) -> Any:
    """t / f."""
    y = np.empty_like(t)
    for place in places(t):
        rest = t[place]
        for axis, slope in enumerate(f.slopes):
            if slope and place[axis]:
                rest = rest - slope * y[(*place[:axis], place[axis] - 1, *place[axis + 1 :])]
        y[place] = rest / f.value
    return y


def _from(axis: int, start: int) -> tuple[Any, ...]:
    return (slice(None),) * axis + (slice(start, None),)


def _until(axis: int) -> tuple[Any, ...]:
    return (slice(None),) * axis + (slice(None, -1),)


def rising(t: Any, f: Form, n: int) -> Any:
    """t f (f + 1) ... (f + n - 1)."""
    for k in range(n):
        t = times(t, f + k)
    return t


def falling_over(t: Any, f: Form, n: int) -> Any:
    """t / (f (f + 1) ... (f + n - 1))."""
    for k in range(n):
        t = over(t, f + k)
    return t


def times_exp(t: Any, coefficients: Sequence[Any], slopes: tuple[float, ...]) -> Any:
    """t exp(c_1 e + c_2 e^2 + ...), e = sum_i slope_i e_i."""
    total = sum(t.shape[:-1]) - t.ndim + 1
    series = [np.ones_like(t[(0,) * (t.ndim - 1)])]
    for n in range(1, total + 1):  # of the exponential: n y_n = sum_k k c_k y_(n-k)
        series.append(sum(k * coefficients[k - 1] * series[n - k] for k in range(1, n + 1)) / n)
    y, power, direction = np.zeros_like(t), t, Form(0.0, slopes)
    for c in series:
        y = y + c * power
        power = times(power, direction)
    return y


def times_power(t: Any, log_base: Any, f: Form) -> Any:
    """t base^f."""
    return times_exp(t * np.exp(f.value * log_base), [log_base] + [0.0 * log_base] * (sum(t.shape) + 1), f.slopes)


def times_rgamma(t: Any, f: Form) -> Any:
    """t / Gamma(f): the recurrence to arguments beyond 12, whose factors hold the zeros, then log Gamma's series."""
    for k in range(math.ceil(SHIFT - float(np.min(f.value, initial=SHIFT)))):
        t = np.where(f.value + k < SHIFT, times(t, f + k), t)
    far = np.maximum(f.value, f.value + np.ceil(SHIFT - f.value)).astype(float)
    total = sum(t.shape[:-1]) - t.ndim + 1
    coefficients = [-sp.polygamma(k - 1, far) / math.factorial(k) for k in range(1, total + 1)]
    return times_exp(
        t * np.where(far < LARGE, sp.rgamma(far), np.exp(-sp.gammaln(far).astype(WIDE))), coefficients, f.slopes
    )


def times_gamma(t: Any, f: Form) -> Any:
    """t Gamma(f)."""
    for k in range(math.ceil(SHIFT - float(np.min(f.value, initial=SHIFT)))):
        t = np.where(f.value + k < SHIFT, over(t, f + k), t)
    far = np.maximum(f.value, f.value + np.ceil(SHIFT - f.value)).astype(float)
    total = sum(t.shape[:-1]) - t.ndim + 1
    coefficients = [sp.polygamma(k - 1, far) / math.factorial(k) for k in range(1, total + 1)]
    return times_exp(
        t * np.where(far < LARGE, sp.gamma(far), np.exp(sp.gammaln(far).astype(WIDE))), coefficients, f.slopes
    )


def multiplied(t: Any, u: Any) -> Any:
    """t u."""
    y = np.zeros_like(t)
    for p in places(t):
        for q in places(t):
            if all(i + j < n for i, j, n in zip(p, q, t.shape[:-1], strict=True)):
                y[tuple(i + j for i, j in zip(p, q, strict=True))] += t[p] * u[q]
    return y


def derivative(t: Any, orders: Orders) -> Any:
    """The derivative that a jet holds at its highest powers."""
    return t[orders] * math.prod(map(math.factorial, orders))
