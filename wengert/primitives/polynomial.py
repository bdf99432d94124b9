"""The roots of polynomials, whose derivative needs no eigenvectors: p(r) = 0 gives p'(r) r_dot = -p_dot(r)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Primitive, Sample
from ..core.types import ArrayType, dtype_of, shape_of
from .elementwise import convert, div, mul, neg
from .index import along, slice_
from .shape import broadcast_to, reshape


def _roots(p: Any) -> Any:
    """Of each polynomial, whose first coefficient must not be zero: (..., n + 1) -> (..., n), complex."""
    r = np.empty((*p.shape[:-1], p.shape[-1] - 1), np.result_type(p, np.complex64))
    for row in np.ndindex(p.shape[:-1]):
        r[row] = np.roots(p[row])
    return r


def _horner(p: Any, r: Any) -> Any:
    """p(r), linear in p: (..., n + 1), (..., k) -> (..., k)."""
    shape, axis = shape_of(r), len(shape_of(r)) - 1
    y = None
    for i in range(shape_of(p)[-1]):
        a = reshape(slice_(p, index=along(axis, shape_of(p), (i, 1, 1))), shape=(*shape[:-1], 1))
        a = broadcast_to(a, shape=shape)
        y = a if y is None else mul(y, r) + a
    return y


@np.errstate(all="ignore")
def _roots_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """r_dot = -p_dot(r) / p'(r), infinite at a multiple root."""
    (p,), (p_dot,) = primals, tangents
    r = roots(p)
    dtype, n = dtype_of(r), shape_of(p)[-1] - 1
    axis = len(shape_of(p)) - 1
    p, p_dot = convert(p, dtype=dtype), convert(p_dot, dtype=dtype)
    powers = np.broadcast_to(np.arange(n, 0, -1).astype(dtype), (*shape_of(p)[:-1], n))
    slope = mul(slice_(p, index=along(axis, shape_of(p), (0, n, 1))), powers)
    return r, div(neg(_horner(p_dot, r)), _horner(slope, r))


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((np.array([1.0, -3.0, 2.5, 1.5]),))
    yield Sample((np.array([2.0, 1.0, 3.0]),))


roots = Primitive(
    "roots",
    _roots,
    Custom(_roots_jvp),
    type_rule=lambda p: ArrayType((*p.shape[:-1], p.shape[-1] - 1), np.result_type(p.dtype, np.complex64)),
    batch=lambda size, batched, p: (roots(p), True),
    samples=_samples,
)
