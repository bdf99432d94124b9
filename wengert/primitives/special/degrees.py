"""Orthogonal polynomials differentiated in their degree and in their parameters, with jets.

At whole degrees the parameters' derivatives follow the recurrence in the degree, which is stable. The derivatives in
the degree, and all of them at other degrees, are those of the hypergeometric functions that continue the polynomials:

    jacobi      P_n^(a,b)(x) = Gamma(n+a+1) / (Gamma(n+1) Gamma(a+1)) 2F1(-n, n+a+b+1; a+1; (1-x)/2)
    gegenbauer  C_n^(a)(x) = Gamma(n+2a) Gamma(a+1/2) / (Gamma(2a) Gamma(n+a+1/2)) P_n^(a-1/2, a-1/2)(x)
    laguerre    L_n^(a)(x) = Gamma(n+a+1) / (Gamma(n+1) Gamma(a+1)) 1F1(-n; a+1; x)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.primitive import Elementwise, Primitive, Sample
from .jets import (
    WIDE,
    Form,
    derivative,
    forms,
    one,
    over,
    rising,
    times,
    times_gamma,
    times_rgamma,
)
from .parameters import confluent, gauss
from .table import ONE, Domain, in_double_chunks, sampler

MOST = 10_000  # degrees by the recurrence


# jacobi ------------------------------------------------------------------------------------------------------------
def _jacobi(start: Any, n: Form, parameters: Sequence[Form], x: Any, order: int) -> Any:
    """The derivative in x of this order: (n+a+b+1)_order / 2^order P_(n-order)^(a+order, b+order)."""
    a, b = parameters
    start = rising(start, n + a + b + 1, order) * 0.5**order
    return _by_degree(start, n - order, (a + order, b + order), x, _jacobi_recurrence, _jacobi_series)


def _jacobi_recurrence(n: int, start: Any, parameters: Sequence[Form], x: Any) -> Any:
    """DLMF 18.9.2."""
    a, b = parameters
    s = a + b
    before, now = start, 0.5 * ((x + 1) * times(start, a + 1) + (x - 1) * times(start, b + 1))
    for k in range(1, n):
        middle = times(times(x * now, s + (2 * k + 2)), s + 2 * k) + times(times(now, a - b), s)
        rest = times(middle, s + (2 * k + 1)) - 2 * times(times(times(before, a + k), b + k), s + (2 * k + 2))
        before, now = now, over(over(rest, s + (k + 1)), s + 2 * k) / (2 * (k + 1))
    return now if n else start


def _jacobi_series(start: Any, n: Form, parameters: Sequence[Form], x: Any) -> Any:
    a, b = parameters
    start = times_rgamma(times_rgamma(times_gamma(start, n + a + 1), n + 1), a + 1)
    return gauss(start, n * -1, n + a + b + 1, a + 1, (1 - x) / 2)


# gegenbauer --------------------------------------------------------------------------------------------------------
def _gegenbauer(start: Any, n: Form, parameters: Sequence[Form], x: Any, order: int) -> Any:
    """The derivative in x of this order: 2^order (a)_order C_(n-order)^(a+order)."""
    (a,) = parameters
    start = rising(start, a, order) * 2.0**order
    return _by_degree(start, n - order, (a + order,), x, _gegenbauer_recurrence, _gegenbauer_series)


def _gegenbauer_recurrence(n: int, start: Any, parameters: Sequence[Form], x: Any) -> Any:
    (a,) = parameters
    before, now = start, 2 * x * times(start, a)
    for k in range(1, n):
        before, now = now, (2 * x * times(now, a + k) - times(before, a * 2 + (k - 1))) / (k + 1)
    return now if n else start


def _gegenbauer_series(start: Any, n: Form, parameters: Sequence[Form], x: Any) -> Any:
    (a,) = parameters
    start = times_rgamma(times_rgamma(times_gamma(start, n + a * 2), n + 1), a * 2)
    return gauss(start, n * -1, n + a * 2, a + 0.5, (1 - x) / 2)


# laguerre ----------------------------------------------------------------------------------------------------------
def _laguerre(start: Any, n: Form, parameters: Sequence[Form], x: Any, order: int) -> Any:
    """The derivative in x of this order: (-1)^order L_(n-order)^(a+order)."""
    (a,) = parameters
    return _by_degree(start * (-1) ** order, n - order, (a + order,), x, _laguerre_recurrence, _laguerre_series)


def _laguerre_recurrence(n: int, start: Any, parameters: Sequence[Form], x: Any) -> Any:
    (a,) = parameters
    before, now = start, times(start, a + 1) - x * start
    for k in range(1, n):
        before, now = now, (times(now, a + (2 * k + 1)) - x * now - times(before, a + k)) / (k + 1)
    return now if n else start


def _laguerre_series(start: Any, n: Form, parameters: Sequence[Form], x: Any) -> Any:
    (a,) = parameters
    start = times_rgamma(times_rgamma(times_gamma(start, n + a + 1), n + 1), a + 1)
    return confluent(start, n * -1, a + 1, x)


# all of them -------------------------------------------------------------------------------------------------------
def _by_degree(start: Any, n: Form, parameters: Any, x: Any, recurrence: Any, series: Any) -> Any:
    """Whole degrees by the recurrence, unless the degree is differentiated; others by the series."""
    y = np.full_like(start, np.nan)
    whole = (n.value == np.rint(n.value)) & (n.value < MOST) & (start.shape[0] == 1)
    for degree in np.unique(n.value[whole]):
        mask = whole & (n.value == degree)
        given = start[..., mask], [p.at(mask) for p in parameters], x[mask]
        y[..., mask] = recurrence(int(degree), *given) if degree >= 0 else 0.0
    if not whole.all():
        y[..., ~whole] = series(start[..., ~whole], n.at(~whole), [p.at(~whole) for p in parameters], x[~whole])
    return y


def _slopes(name: str, f: Callable[..., Any], laws: Sequence[Any], names: str, at: Sequence[Domain]) -> Any:
    """Derivatives: orders in the degree, in each of the parameters, and in x; then all of these."""
    count = len(at)

    def impl(*args: Any) -> Any:
        *orders, order = (int(x[0]) if np.size(x) else 0 for x in args[:count])
        *given, x = args[count:]
        n, *parameters = forms(*given)
        y = f(one(tuple(orders), x.size), n, parameters, x.astype(WIDE), order)
        return derivative(y, tuple(orders))

    def samples(rng: np.random.Generator) -> Any:
        for s in sampler(at, shapes=ONE)(rng):
            active = tuple(range(count, 2 * count))
            yield Sample((1, *(0,) * (count - 1), *s.args), differentiable=active, order=1)
            yield Sample((0, 1, *(0,) * (count - 2), np.full(1, 3.0), *s.args[1:]), differentiable=active[1:], order=1)

    return Primitive(
        name,
        in_double_chunks(impl),
        Elementwise(*(None,) * count, *laws, names=names, singular=True),
        pointwise=True,
        samples=samples,
    )


DEGREES: Domain = (1.3, 2.7)
ALPHA: Domain = (0.4, 1.5)
UNIT: Domain = (-0.9, 0.9)
jacobi_slopes = _slopes(
    "jacobi_slopes",
    _jacobi,
    (
        lambda d, i, j, k, n, a, b, x: jacobi_slopes(d + 1, i, j, k, n, a, b, x),
        lambda d, i, j, k, n, a, b, x: jacobi_slopes(d, i + 1, j, k, n, a, b, x),
        lambda d, i, j, k, n, a, b, x: jacobi_slopes(d, i, j + 1, k, n, a, b, x),
        lambda d, i, j, k, n, a, b, x: jacobi_slopes(d, i, j, k + 1, n, a, b, x),
    ),
    "d i j k n a b x",
    (DEGREES, ALPHA, ALPHA, UNIT),
)
gegenbauer_slopes = _slopes(
    "gegenbauer_slopes",
    _gegenbauer,
    (
        lambda d, i, k, n, a, x: gegenbauer_slopes(d + 1, i, k, n, a, x),
        lambda d, i, k, n, a, x: gegenbauer_slopes(d, i + 1, k, n, a, x),
        lambda d, i, k, n, a, x: gegenbauer_slopes(d, i, k + 1, n, a, x),
    ),
    "d i k n a x",
    (DEGREES, ALPHA, UNIT),
)
laguerre_slopes = _slopes(
    "laguerre_slopes",
    _laguerre,
    (
        lambda d, i, k, n, a, x: laguerre_slopes(d + 1, i, k, n, a, x),
        lambda d, i, k, n, a, x: laguerre_slopes(d, i + 1, k, n, a, x),
        lambda d, i, k, n, a, x: laguerre_slopes(d, i, k + 1, n, a, x),
    ),
    "d i k n a x",
    (DEGREES, ALPHA, (0.3, 4.0)),
)
