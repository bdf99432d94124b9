"""Convolution of sequences, linear in each: `convolve` and the sliding product `correlate`, its transpose.

    convolve:  y_k = sum_j a_(k-j) v_j     (n,), (m,) -> (n + m - 1,)
    correlate: y_k = sum_j a_(k+j) v_j     (n,), (m,) -> (n - m + 1,), m <= n

Leading axes are batch axes, the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Multilinear, Primitive, Sample
from ..core.types import ArrayType
from .index import lanes


def _rows(f: Any, a: Any, v: Any, n: int) -> Any:
    """f of each pair of rows."""
    if a.ndim == 1:
        return f(a, v)
    y = np.empty((*a.shape[:-1], n), np.result_type(a, v))
    for row in np.ndindex(a.shape[:-1]):
        y[row] = f(a[row], v[row])
    return y


def _convolve(a: Any, v: Any) -> Any:
    return _rows(np.convolve, a, v, a.shape[-1] + v.shape[-1] - 1)


def _correlate(a: Any, v: Any) -> Any:
    return _rows(lambda x, w: np.convolve(x, w[::-1], "valid"), a, v, a.shape[-1] - v.shape[-1] + 1)


def _type(sign: int) -> Any:
    def type_rule(a: ArrayType, v: ArrayType) -> ArrayType:
        n = a.shape[-1] + sign * (v.shape[-1] - 1)
        return ArrayType((*a.shape[:-1], n), np.result_type(a.dtype, v.dtype))

    return type_rule


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for n, m in [(4, 2), (3, 3), (5, 1)]:
        yield Sample((rng.normal(size=n), rng.normal(size=m)))


convolve = Primitive(
    "convolve",
    _convolve,
    Multilinear(lambda y_bar, a, v: correlate(y_bar, v), lambda y_bar, a, v: correlate(y_bar, a)),
    type_rule=_type(1),
    batch=lambda size, batched, a, v: (convolve(lanes(size, batched[0], a), lanes(size, batched[1], v)), True),
    samples=_samples,
)
correlate = Primitive(
    "correlate",
    _correlate,
    Multilinear(lambda y_bar, a, v: convolve(y_bar, v), lambda y_bar, a, v: correlate(a, y_bar)),
    type_rule=_type(-1),
    batch=lambda size, batched, a, v: (correlate(lanes(size, batched[0], a), lanes(size, batched[1], v)), True),
    samples=_samples,
)
