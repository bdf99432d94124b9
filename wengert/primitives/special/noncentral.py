"""The noncentral chi-squared distribution, differentiated in all its arguments by its series.

With g_m = (x/2)^(k/2+m) exp(-x/2) / Gamma(k/2+m+1) and the Poisson weights p_m of mean nc/2,

    F(x; k, nc) = sum over m >= 0 of g_m (p_0 + ... + p_m)

in which all terms are positive. d/dx takes differences of the weights, d/dnc too, and d/dk is that of g, by jets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp

from ...core.primitive import Elementwise, Primitive, Sample
from .jets import WIDE, Form, derivative, one, over, times_power, times_rgamma
from .table import ONE, in_double_chunks, sampler
from .tails import gamma_tail

POSITIVE = (0.3, 3.0)
MOST = 100_000


def _poisson(m: int, mean: Any) -> Any:
    """p_m, and 0 for negative m."""
    return np.exp(sp.xlogy(m, mean) - mean - sp.gammaln(m + 1)) if m >= 0 else 0 * mean


def _weight(m: int, n: int, l: int, mean: Any) -> Any:
    """The n-th difference and l-th derivative of p_0 + ... + p_m: differences of p."""
    if n == 0 and l == 0:
        return sp.gammaincc(m + 1, mean) if m >= 0 else 0 * mean
    if n:
        return sum((-1) ** (n - 1 - j) * sp.binom(n - 1, j) * _slope(m + 1 + j, l, mean) for j in range(n))
    return -_slope(m, l - 1, mean)


def _slope(m: int, l: int, mean: Any) -> Any:
    """The l-th derivative of p_m."""
    return sum((-1) ** (l - j) * sp.binom(l, j) * _poisson(m - j, mean) for j in range(l + 1))


def _chndtr(n: int, i: int, l: int, x: Any, k: Any, nc: Any) -> Any:
    half, mean, size = x.astype(WIDE) / 2, nc / 2, x.size
    a = Form(k.astype(WIDE) / 2, (0.5,))
    term = times_power(times_rgamma(one((i,), size), a + (1 - n)), np.log(half), a - n) * np.exp(-half)
    total = term * _weight(-n, n, l, mean)
    for m in range(1 - n, MOST):
        term = over(term, a + m) * half
        total = total + term * _weight(m, n, l, mean)
        if (m > half).all() and not (abs(term) > 1e-22 * abs(total)).any():
            break
    return derivative(total, (i,)) * 0.5 ** (n + l)


def _upper(i: int, x: Any, k: Any, nc: Any) -> Any:
    """d^i F / dk^i, i = 1 or 2, of P(k/2, x/2) - sum over m of g_m (1 - p_0 - ... - p_m), for the upper tail."""
    half, mean = x / 2, nc / 2
    central = gamma_tail.impl(i, k / 2, half)
    if i == 2:
        central = central - sp.polygamma(1, k / 2) * gamma_tail.impl(0, k / 2, half)
    a = Form(k.astype(WIDE) / 2, (0.5,))
    wide = half.astype(WIDE)
    term = times_power(times_rgamma(one((i,), x.size), a + 1), np.log(wide), a) * np.exp(-wide)
    total = term * sp.gammainc(1, mean)
    for m in range(1, MOST):
        term = over(term, a + m) * wide
        more = term * sp.gammainc(m + 1, mean)
        total = total + more
        if (m > mean).all() and not (abs(more) > 1e-22 * abs(total)).any():
            break
    return central * 0.5**i - derivative(total, (i,))


def _impl(*args: Any) -> Any:
    n, i, l = (int(order[0]) if np.size(order) else 0 for order in args[:3])
    x, k, nc = args[3:]
    inside = (x > 0) & (x < np.inf)
    upper = inside & (x > k + nc) & ((n, l) == (0, 0)) & (i in (1, 2))
    y = np.where(np.isnan(x), x, 0.0)
    if upper.any():
        y[upper] = _upper(i, x[upper], k[upper], nc[upper])
    lower = inside & ~upper
    if lower.any():
        y[lower] = _chndtr(n, i, l, x[lower], k[lower], nc[lower])
    return y


chndtr_slopes = Primitive(
    "chndtr_slopes",
    in_double_chunks(_impl),
    Elementwise(
        *(None,) * 3,
        lambda n, i, l, x, k, nc: chndtr_slopes(n + 1, i, l, x, k, nc),
        lambda n, i, l, x, k, nc: chndtr_slopes(n, i + 1, l, x, k, nc),
        lambda n, i, l, x, k, nc: chndtr_slopes(n, i, l + 1, x, k, nc),
        names="n i l x k nc",
        singular=True,
    ),
    pointwise=True,
    samples=lambda rng: (
        Sample((0, 1, 0, *s.args), differentiable=(3, 4, 5), order=1) for s in sampler([POSITIVE] * 3, shapes=ONE)(rng)
    ),
)
