"""Hypergeometric functions differentiated in their parameters, on the real line.

    pFq(a; b; x) = sum_k (a_1)_k ... / (b_1)_k ... x^k / k!,    d^n/dx^n = (a)_n / (b)_n pFq(a + n; b + n; x)

is computed with jets in place of parameters: (a + e)_k is a product of linear forms, so the derivatives need neither
digamma functions nor differences. Where the terms of the series cancel, its sum is continued along the real line by
Taylor series of the differential equation, in steps within which nothing cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.primitive import Elementwise, Primitive, Sample
from .jets import (
    WIDE,
    Form,
    derivative,
    falling_over,
    forms,
    multiplied,
    one,
    over,
    places,
    rising,
    times,
    times_gamma,
    times_power,
    times_rgamma,
)
from .orders import ENDLESS, fallen
from .table import ONE, Domain, in_double_chunks, sampler

ENOUGH = 1e-21
LOSS = 100.0  # terms that are larger than their sum by this factor count as cancelling
MOST = 20_000  # terms
POINTS = 300  # of the trapezoidal rule
ALGEBRAIC = 400.0  # beyond -x the confluent function is computed by its asymptotic series


def series(upper: Sequence[Form], lower: Sequence[Form], x: Any, start: Any) -> tuple[Any, Any]:
    """start times pFq(upper; lower; x), and where the terms cancel."""
    term = total = start
    largest = abs(start)
    for k in range(MOST):
        for f in upper:
            term = times(term, f + k)
        for f in lower:
            term = over(term, f + k)
        term = term * (x / (k + 1))
        total, size = total + term, abs(term)
        largest = np.maximum(largest, size)
        if k > 3 and not (size > ENOUGH * abs(total)).any():
            break
    return total, (largest > LOSS * abs(total)).reshape(-1, x.size).any(axis=0)


class Equation:
    """x (1 - s x) y'' + (q0 + q1 x) y' + r y = 0, with r a product of forms; solved by Taylor series."""

    def __init__(self, s: int, q0: Form, q1: Form, r: Sequence[Form]) -> None:
        self.s, self.q0, self.q1, self.r = s, q0, q1, r

    def step(self, x: Any, h: Any, y: Any, slope: Any) -> tuple[Any, Any]:
        """y and y' at x + h."""
        p0, p1 = x * (1 - self.s * x), 1 - 2 * self.s * x
        before, now, power = y, slope, h
        y, slope = y + now * power, slope + 0
        for k in range(70):
            rest = k * (k + 1) * p1 * now + (k + 1) * (times(now, self.q0) + x * times(now, self.q1))
            rest = rest - self.s * k * (k - 1) * before + k * times(before, self.q1)
            product = before
            for f in self.r:
                product = times(product, f)
            before, now = now, -(rest + product) / (p0 * ((k + 1) * (k + 2)))
            slope, power = slope + (k + 2) * now * power, power * h
            y = y + now * power
        return y, slope

    def reach(self, x: Any) -> Any:
        """A length within which the Taylor series at x converges fast, and its terms do not cancel."""
        p0 = abs(x * (1 - self.s * x))
        r = np.prod([abs(f.value) for f in self.r], axis=0)
        q = abs(self.q0.value + self.q1.value * x)
        within = np.minimum(abs(x), abs(1 - x)) if self.s else abs(x)
        return np.minimum(0.5 * within, np.minimum(2 * np.sqrt(p0 / (r + 1e-30)), 2 * p0 / (q + 1e-30)))

    def continued(self, x: Any, y: Any, slope: Any, end: Any) -> Any:
        """y at the end of a way along the real line."""
        while (x != end).any():
            h = np.copysign(np.minimum(self.reach(x), abs(end - x)), end - x)
            following = np.where(h == end - x, end, x + h)
            y, slope = self.step(x, following - x, y, slope)
            x = following
        return y


def summed(upper: list[Form], lower: list[Form], x: Any, start: Any, equation: Callable[..., Equation]) -> Any:
    """start times pFq(upper; lower; x), where need be with the help of its differential equation."""
    if not x.size:
        return start
    total, lost = series(upper, lower, x, start)
    if lost.any():
        up, low = [f.at(lost) for f in upper], [f.at(lost) for f in lower]
        end, begin = x[lost], start[..., lost]
        size = np.prod([1 + abs(f.value) for f in up], axis=0, initial=1.0)
        x0 = np.copysign(np.minimum(abs(end), np.minimum(0.25, (1 + abs(low[0].value)) / size)), end)
        y, _ = series(up, low, x0, begin)
        begin = falling_over(rising_all(begin, up), low[0], 1)
        slope, _ = series([f + 1 for f in up], [f + 1 for f in low], x0, begin)
        total[..., lost] = equation(*up, *low).continued(x0, y, slope, end)
    return total


def rising_all(t: Any, upper: Sequence[Form], n: int = 1) -> Any:
    """t (a_1)_n (a_2)_n ..."""
    for f in upper:
        t = rising(t, f, n)
    return t


# the functions -----------------------------------------------------------------------------------------------------
def _bessel_equation(b: Form) -> Equation:
    """x y'' + b y' - y = 0."""
    return Equation(0, b, b * 0, [b * 0 - 1])


def _confluent_equation(a: Form, b: Form) -> Equation:
    """x y'' + (b - x) y' - a y = 0."""
    return Equation(0, b, b * 0 - 1, [a * -1])


def _gauss_equation(a: Form, b: Form, c: Form) -> Equation:
    """x (1 - x) y'' + (c - (a + b + 1) x) y' - a b y = 0."""
    return Equation(1, c, (a + b + 1) * -1, [a * -1, b])


def _hyp0f1(start: Any, b: Form, x: Any) -> Any:
    return summed([], [b], x, start, _bessel_equation)


def confluent(start: Any, a: Form, b: Form, x: Any) -> Any:
    """For negative x by exp(x) 1F1(b - a; b; -x) (DLMF 13.2.39); far out by its asymptotic series (13.7.2)."""
    far, negative = x < -ALGEBRAIC, (x < 0) & (x >= -ALGEBRAIC)
    y = np.full_like(start, np.nan)
    for mask, f in ((far, _algebraic), (negative, _kummer), (x >= 0, _positive)):
        if mask.any():
            y[..., mask] = f(start[..., mask], a.at(mask), b.at(mask), x[mask])
    return y


def _positive(start: Any, a: Form, b: Form, x: Any) -> Any:
    return summed([a], [b], x, start, _confluent_equation)


def _kummer(start: Any, a: Form, b: Form, x: Any) -> Any:
    return np.exp(x) * _positive(start, b - a, b, -x)


def _algebraic(start: Any, a: Form, b: Form, x: Any) -> Any:
    """Gamma(b)/Gamma(b-a) (-x)^(-a) 2F0(a, a-b+1; -1/x), the smallest term left out."""
    term = times_power(times_rgamma(times_gamma(start, b), b - a), np.log(-x), a * -1)
    total = term
    for k in range(60):
        following = times(times(term, a + k), a - b + (k + 1)) * (-1 / (x * (k + 1)))
        term = np.where(abs(following) < abs(term), following, 0.0)
        total = total + term
    return total


def gauss(start: Any, a: Form, b: Form, c: Form, x: Any) -> Any:
    """For negative x by (1-x)^(-a) 2F1(a, c-b; c; x/(x-1)) (DLMF 15.8.1); at x = 1 by Gauss (15.4.20)."""
    y = np.full_like(start, np.nan)
    simple = _ends(c - a, start) | _ends(c - b, start)
    inside = (x >= 0) & (x < 1)
    for mask, f in ((x < 0, _pfaff), (inside & ~simple, _inside), (inside & simple, _euler), (x == 1, _gauss_at_one)):
        if mask.any():
            y[..., mask] = f(start[..., mask], a.at(mask), b.at(mask), c.at(mask), x[mask])
    return y


def _ends(f: Form, start: Any) -> Any:
    """Does a series with this upper parameter end, also that of the derivatives which are asked for?"""
    fixed = not any(slope and n > 1 for slope, n in zip(f.slopes, start.shape, strict=False))
    return (f.value <= 0) & (f.value == np.rint(f.value)) if fixed else np.zeros(np.shape(f.value), bool)


def _inside(start: Any, a: Form, b: Form, c: Form, x: Any) -> Any:
    """0 <= x < 1: the series; beyond 3/4, unless it ends, its continuation from 1/2 on."""
    near = (x <= 0.75) | _ends(a, start) | _ends(b, start)
    y = np.empty_like(start)
    y[..., near] = summed([a.at(near), b.at(near)], [c.at(near)], x[near], start[..., near], _gauss_equation)
    if not near.all():
        a, b, c, start, end = a.at(~near), b.at(~near), c.at(~near), start[..., ~near], x[~near]
        x0 = np.full_like(end, 0.5)
        at_x0 = summed([a, b], [c], x0, start, _gauss_equation)
        begin = over(times(times(start, a), b), c)
        slope = summed([a + 1, b + 1], [c + 1], x0, begin, _gauss_equation)
        y[..., ~near] = _gauss_equation(a, b, c).continued(x0, at_x0, slope, end)
    return y


def _euler(start: Any, a: Form, b: Form, c: Form, x: Any) -> Any:
    """(1-x)^(c-a-b) 2F1(c-a, c-b; c; x) (DLMF 15.8.1), where that ends."""
    return _inside(times_power(start, np.log1p(-x), c - a - b), c - a, c - b, c, x)


def _pfaff(start: Any, a: Form, b: Form, c: Form, x: Any) -> Any:
    return _inside(times_power(start, np.log1p(-x), a * -1), a, c - b, c, x / (x - 1))


def _gauss_at_one(start: Any, a: Form, b: Form, c: Form, x: Any) -> Any:
    """Gamma(c) Gamma(c-a-b) / (Gamma(c-a) Gamma(c-b)) for c > a + b."""
    finite = (c - a - b).value > 0
    safe = Form(np.where(finite, (c - a - b).value, 1.0), (c - a - b).slopes)
    y = times_gamma(times_gamma(start, c), safe)
    return np.where(finite, times_rgamma(times_rgamma(y, c - a), c - b), np.nan)


# Tricomi's function ------------------------------------------------------------------------------------------------
def _hyperu(start: Any, a: Form, b: Form, x: Any) -> Any:
    """U by its integral for a >= 1; below by the recurrence U(a-1) = (2a + x - b) U(a) - a (a-b+1) U(a+1) (13.3.7)."""
    y = np.full_like(start, np.nan)
    raised = np.maximum(0, np.ceil(1 - a.value))
    for m in np.unique(raised[np.isfinite(raised) & (x > 0)]):
        mask = (raised == m) & (x > 0)
        f, g, z, begin = a.at(mask) + m, b.at(mask), x[mask], start[..., mask]
        now = _tricomi_integral(begin, f, g, z)
        after = _tricomi_integral(begin, f + 1, g, z) if m else now
        for _ in range(int(m)):
            now, after = times(now, f * 2 - g + z) - times(times(after, f), f - g + 1), now
            f = f - 1
        y[..., mask] = now
    return y


def _tricomi_integral(start: Any, a: Form, b: Form, x: Any) -> Any:
    """1/Gamma(a) integral over t > 0 of exp(-xt) t^(a-1) (1+t)^(b-a-1) (DLMF 13.4.4): the trapezoidal rule in log t."""
    p, q = a.value, (b - a - 1).value
    half = 0.5 * (q + p - x)
    root = np.sqrt(half * half + p * x)
    peak = np.log(np.where(half > 0, (half + root) / x, p / (root - half)))

    def phi(s: Any) -> Any:
        u, v, z = (w[:, None] if np.ndim(s) > 1 else w for w in (p, q, x))
        return u * s - z * np.exp(s) + v * np.logaddexp(0, s)

    low, high = peak - fallen(phi, peak, -1.0, ENDLESS), peak + fallen(phi, peak, 1.0, ENDLESS)
    s = low[:, None] + (high - low)[:, None] * (np.arange(POINTS) / (POINTS - 1))
    f = np.exp(phi(s)) * ((high - low) / (POINTS - 1))[:, None]
    log_1p = np.logaddexp(0, s)
    y = np.empty_like(start)
    for i, j in places(y):
        y[i, j] = ((s - log_1p) ** i * log_1p**j * f).sum(axis=1) / (math.factorial(i) * math.factorial(j))
    return times_rgamma(multiplied(start, y), a)


# as primitives -----------------------------------------------------------------------------------------------------
def _slopes(name: str, upper: int, f: Callable[..., Any], laws: Sequence[Any], names: str, at: Sequence[Domain]) -> Any:
    """Derivatives: orders in each of the parameters, the first of which are upper ones, and in x; then all of these."""
    count = len(at)

    def impl(*args: Any) -> Any:
        *orders, n = (int(x[0]) if np.size(x) else 0 for x in args[:count])
        *parameters, x = args[count:]
        given = forms(*parameters)
        start = rising_all(one(tuple(orders), x.size), given[:upper], n)
        if f is _hyperu:
            start = start * (-1) ** n
        else:
            for g in given[upper:]:
                start = falling_over(start, g, n)
        return derivative(f(start, *(g + n for g in given), x.astype(WIDE)), tuple(orders))

    return Primitive(
        name,
        in_double_chunks(impl),
        Elementwise(*(None,) * count, *laws, names=names, singular=True),
        pointwise=True,
        samples=lambda rng: (_with_orders(count, s) for s in sampler(at, shapes=ONE)(rng)),
    )


def _with_orders(count: int, s: Sample) -> Sample:
    """The sample of a first derivative."""
    return Sample((1, *(0,) * (count - 1), *s.args), differentiable=tuple(range(count, 2 * count)), order=1)


PARAMETERS: Domain = (0.5, 2.0)
HALF: Domain = (-0.6, 0.6)
hyp0f1_slopes = _slopes(
    "hyp0f1_slopes",
    0,
    _hyp0f1,
    (lambda i, n, b, x: hyp0f1_slopes(i + 1, n, b, x), lambda i, n, b, x: hyp0f1_slopes(i, n + 1, b, x)),
    "i n b x",
    (PARAMETERS, HALF),
)
hyp1f1_slopes = _slopes(
    "hyp1f1_slopes",
    1,
    confluent,
    (
        lambda i, j, n, a, b, x: hyp1f1_slopes(i + 1, j, n, a, b, x),
        lambda i, j, n, a, b, x: hyp1f1_slopes(i, j + 1, n, a, b, x),
        lambda i, j, n, a, b, x: hyp1f1_slopes(i, j, n + 1, a, b, x),
    ),
    "i j n a b x",
    (PARAMETERS, PARAMETERS, HALF),
)
hyperu_slopes = _slopes(
    "hyperu_slopes",
    1,
    _hyperu,
    (
        lambda i, j, n, a, b, x: hyperu_slopes(i + 1, j, n, a, b, x),
        lambda i, j, n, a, b, x: hyperu_slopes(i, j + 1, n, a, b, x),
        lambda i, j, n, a, b, x: hyperu_slopes(i, j, n + 1, a, b, x),
    ),
    "i j n a b x",
    (PARAMETERS, PARAMETERS, (0.5, 2.0)),
)
hyp2f1_slopes = _slopes(
    "hyp2f1_slopes",
    2,
    gauss,
    (
        lambda i, j, k, n, a, b, c, x: hyp2f1_slopes(i + 1, j, k, n, a, b, c, x),
        lambda i, j, k, n, a, b, c, x: hyp2f1_slopes(i, j + 1, k, n, a, b, c, x),
        lambda i, j, k, n, a, b, c, x: hyp2f1_slopes(i, j, k + 1, n, a, b, c, x),
        lambda i, j, k, n, a, b, c, x: hyp2f1_slopes(i, j, k, n + 1, a, b, c, x),
    ),
    "i j k n a b c x",
    (PARAMETERS, PARAMETERS, PARAMETERS, HALF),
)
