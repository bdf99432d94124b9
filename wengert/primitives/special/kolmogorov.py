"""Kolmogorov's distribution: its series and their theta transform, differentiated term by term.

K(x) = 2 sum_k (-1)^(k-1) exp(-2 k^2 x^2) = 1 - sqrt(2 pi)/x sum_k exp(-(2k-1)^2 pi^2 / (8 x^2)),   k = 1, 2, ...
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.primitive import Elementwise, Primitive
from .jets import WIDE, Form, derivative, one, over, times_exp
from .table import in_double_chunks, sampler, special, with_first

POSITIVE = (0.5, 1.8)
MIDDLE = 1.0
TERMS = range(1, 7)


def _alternating(order: int, x: Any) -> Any:
    """exp(-2 k^2 (x + e)^2), a jet in e."""
    zero = 0 * x
    return sum(
        2 * (-1) ** (k - 1) * times_exp(one((order,), x.size) * np.exp(-2 * k * k * x * x), rest, (1.0,))
        for k in TERMS
        for rest in [[-4 * k * k * x, zero - 2 * k * k] + [zero] * order]
    )


def _theta(order: int, x: Any) -> Any:
    """-sqrt(2 pi) exp(-c / (x + e)^2) / (x + e), with 1/(x + e)^2 = sum_n (n+1) (-e)^n / x^(n+2)."""
    total: Any = 0.0
    for k in TERMS:
        size = -((2 * k - 1) ** 2) * math.pi**2 / (8 * x * x)
        rest = [size * (n + 1) * (-1 / x) ** n for n in range(1, order + 1)]
        total = total + times_exp(one((order,), x.size) * np.exp(size), rest, (1.0,))
    return -math.sqrt(2 * math.pi) * over(total, Form(x, (1.0,)))


def _slopes(order: Any, x: Any) -> Any:
    """The derivative of this order, from 1 on; 0 where it is smaller than all numbers."""
    n, x = int(order[0]) if np.size(order) else 1, x.astype(WIDE)
    y = np.where(np.isnan(x), x, 0.0)
    for mask, f in (((x > 0.02) & (x < MIDDLE), _theta), ((x >= MIDDLE) & (x < 30), _alternating)):
        y[mask] = derivative(f(n, x[mask]), (n,))
    return y


kolmogorov_slopes = Primitive(
    "kolmogorov_slopes",
    in_double_chunks(_slopes),
    Elementwise(None, lambda n, x: kolmogorov_slopes(n + 1, x), names="n x", singular=True),
    pointwise=True,
    samples=lambda rng: with_first(1, sampler([POSITIVE])(rng)),
)
kolmogorov = special("kolmogorov", lambda x: kolmogorov_slopes(1, x), at=[POSITIVE])
kolmogi = special("kolmogi", lambda y: 1 / kolmogorov_slopes(1, y), at=[(0.1, 0.9)])
