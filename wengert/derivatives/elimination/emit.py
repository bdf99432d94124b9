"""Products and sums of Jacobians with known patterns, as primitives on the vectors of their entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.types import ArrayType, dtype_of, shape_of
from ...primitives import elementwise as ew
from ...primitives.contract import matmul
from ...primitives.discrete import equal
from ...primitives.gather import gather, scatter_add
from ...primitives.join import concatenate
from ...primitives.shape import broadcast_to, reshape, sum_
from .algebra import Local, Product, Sum

# The entries of a Jacobian are a vector, or a scalar where there is one entry; None where they are constants.


def multiplied(b: Local, a: Local, vb: Any, va: Any, product: Product, zero_safe: tuple[bool, bool]) -> Any:
    """The entries of B A."""
    if product.result.constant is not None:
        return None
    if product.matmul:  # as in the two modes, where matrices meet infinities
        return _dense(b, a, vb, va)
    if b.unit or a.unit:
        terms = pick(va, a.pattern.nnz, product.right) if b.unit else pick(vb, b.pattern.nnz, product.left)
        terms = -terms if (b.unit or a.unit) < 0 else terms
    else:
        terms = _times(_picked(b, vb, product.left, va), _picked(a, va, product.right, vb), zero_safe)
    return _sums(terms, product)


def _dense(b: Local, a: Local, vb: Any, va: Any) -> Any:
    dtype = np.result_type(dtype_of(vb), dtype_of(va))
    p, q = b.pattern, a.pattern
    matrices = reshape(cast(vb, dtype), shape=(p.m, p.n)), reshape(cast(va, dtype), shape=(q.m, q.n))
    return reshape(matmul(*matrices), shape=(p.m * q.n,) if p.m * q.n > 1 else ())


def _picked(local: Local, entries: Any, index: np.ndarray, other: Any) -> Any:
    """The entries of a Jacobian that products need; constants in the dtype of what they are multiplied by."""
    if local.constant is None:
        return pick(entries, local.pattern.nnz, index)
    values = local.constant[index]
    if np.all(values == values[0]):
        return float(values[0])
    return values.astype(dtype_of(other))


def _times(b: Any, a: Any, zero_safe: tuple[bool, bool]) -> Any:
    """b a, where a zero times the infinite slope of a singular operation is zero."""
    if not any(zero_safe):
        return b * a
    d, t = (b, a) if zero_safe[0] else (a, b)
    y = ew.zero_safe_mul(d, t)
    return ew.where(equal(d, 0.0), 0.0, y) if all(zero_safe) else y


def _sums(terms: Any, product: Product) -> Any:
    """The sums of the terms of each entry."""
    nnz, pairs = product.result.pattern.nnz, product.pairs
    if pairs == nnz:
        return terms
    if nnz == 1:
        return sum_(terms, axis=(0,))
    counts = np.bincount(product.into, minlength=nnz)
    if np.all(counts == counts[0]):
        return sum_(reshape(terms, shape=(nnz, int(counts[0]))), axis=(1,))
    return scatter_add(terms, product.into, axis=0, shape=(nnz,))


def summed(a: Local, va: Any, b: Local, vb: Any, total: Sum) -> Any:
    """The entries of A + B."""
    if total.result.constant is not None:
        return None
    dtype = np.result_type(*(dtype_of(v) for v in (va, vb) if v is not None))
    x, y = _entries(a, va, dtype), _entries(b, vb, dtype)
    if total.same:
        return x + y
    if total.disjoint:
        both = concatenate(_vector(x), _vector(y), axis=0)
        n = a.pattern.nnz
        return gather(both, np.where(total.in_a < n, total.in_a, n + total.in_b), axis=0)
    return _spread(x, total.in_a, dtype) + _spread(y, total.in_b, dtype)


def _entries(local: Local, entries: Any, dtype: np.dtype[Any]) -> Any:
    if local.constant is None:
        return cast(entries, dtype)
    constant = local.constant.astype(dtype)
    return constant if constant.size > 1 else constant[0]


def _spread(entries: Any, index: np.ndarray, dtype: np.dtype[Any]) -> Any:
    """entries[index], where the index behind the last entry stands for a zero."""
    n = ArrayType(shape_of(entries), dtype).size
    if np.all(index < n):
        return pick(entries, n, index)
    return gather(concatenate(_vector(entries), np.zeros(1, dtype), axis=0), index, axis=0)


def block(local: Local | None, entries: Any, y: ArrayType, x: ArrayType) -> Any:
    """A whole Jacobian as an array (*y.shape, *x.shape)."""
    shape = (*y.shape, *x.shape)
    if local is None or not local.pattern.nnz:
        return np.zeros(shape, y.dtype)[()]
    p = local.pattern
    if local.constant is not None:
        full = np.zeros(p.m * p.n, y.dtype)
        full[p.rows * p.n + p.cols] = local.constant
        return full.reshape(shape)[()]
    entries = cast(entries, y.dtype)
    if not p.dense:
        index = np.full(p.m * p.n, p.nnz)
        index[p.rows * p.n + p.cols] = np.arange(p.nnz)
        entries = _spread(entries, index, y.dtype)
    return entries if shape_of(entries) == shape else reshape(entries, shape=shape)


def pick(entries: Any, n: int, index: np.ndarray) -> Any:
    """entries[index] of n entries."""
    if index.size == n and np.array_equal(index, np.arange(n)):
        return entries
    if n == 1:
        return broadcast_to(entries, shape=(index.size,))
    picked = gather(entries, index, axis=0)
    return reshape(picked, shape=()) if index.size == 1 else picked


def cast(x: Any, dtype: np.dtype[Any]) -> Any:
    """x in this dtype."""
    return x if dtype_of(x) == dtype else ew.convert(x, dtype=dtype)


def _vector(x: Any) -> Any:
    return x if shape_of(x) else reshape(x, shape=(1,))
