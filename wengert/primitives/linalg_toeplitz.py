"""Systems with Toeplitz matrices, by SciPy's Levinson recursion in O(n^2); products with them are convolutions.

T of (n, n) has first column c and first row r, of which r[0] is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Primitive, Sample
from .contract import mT
from .convolve import correlate
from .index import along, slice_
from .join import concatenate
from .linalg import minus, stacked
from .shape import broadcast_to, reshape


def toeplitz_product(c: Any, r: Any, x: Any) -> Any:
    """Y = T X, y_i = sum_j t_(i-j) x_j: (..., m), (..., n), (..., n, k) -> (..., m, k)."""
    columns = mT(x)
    if not c.shape[-1] or not r.shape[-1]:
        return np.zeros((*x.shape[:-2], c.shape[-1], x.shape[-1]), x.dtype)
    axis = len(c.shape) - 1
    rest = slice_(r, index=along(axis, r.shape, (1, r.shape[-1] - 1, 1)))
    t = _backwards(concatenate(_backwards(rest), c, axis=axis))  # t_(m-1), ..., t_(1-n)
    shape = (*columns.shape[:-1], t.shape[-1])
    t = broadcast_to(reshape(t, shape=(*t.shape[:-1], 1, t.shape[-1])), shape=shape)
    return mT(_backwards(correlate(t, columns)))


def _backwards(x: Any) -> Any:
    n = x.shape[-1]
    return slice_(x, index=along(len(x.shape) - 1, x.shape, (max(n - 1, 0), n, -1)))


def _solve(c: Any, r: Any, b: Any) -> Any:
    from scipy.linalg import solve_toeplitz as scipys

    x = np.empty(b.shape, b.dtype)
    for k in np.ndindex(b.shape[:-2] if b.size else (0,)):
        x[k] = scipys((c[k], r[k]), b[k])
    return x


def _solve_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """T X = B: T X_dot = B_dot - T_dot X."""
    (c, r, _), (c_dot, r_dot, b_dot) = primals, tangents
    x = solve_toeplitz(*primals)
    moved = None
    if c_dot is not None or r_dot is not None:
        zero = np.zeros(c.shape, c.dtype)
        moved = toeplitz_product(zero if c_dot is None else c_dot, zero if r_dot is None else r_dot, x)
    return x, solve_toeplitz(c, r, minus(b_dot, moved))


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack, n in [((), 4), ((2,), 3), ((), 1)]:
        c, r = rng.normal(size=(2, *stack, n))
        c[..., 0] += 5
        r[..., 0] = c[..., 0]
        yield Sample((c, r, rng.normal(size=(*stack, n, 2))))
    yield Sample((c + 1j, r + 1j, rng.normal(size=(n, 2)) + 1j))


def _transpose(y_bar: Any, c: Any, r: Any, b: Any) -> Any:
    """T^T has first column r, but with the diagonal of T."""
    axis = len(c.shape) - 1
    first = slice_(c, index=along(axis, c.shape, (0, 1, 1)))
    rest = slice_(r, index=along(axis, r.shape, (1, r.shape[-1] - 1, 1)))
    return solve_toeplitz(concatenate(first, rest, axis=axis), c, y_bar)


solve_toeplitz: Primitive = Primitive(
    "solve_toeplitz",  # X with T X = B
    _solve,
    Custom(_solve_jvp, transposes=(None, None, _transpose)),
    type_rule=lambda c, r, b: b,
    batch=stacked(lambda: solve_toeplitz),
    samples=_samples,
)
