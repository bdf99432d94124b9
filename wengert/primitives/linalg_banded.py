"""Banded matrices: products, transposes, systems. Operands are stacks; work is proportional to the number of diagonals.

A matrix A of (n, n) with `lower` diagonals below the main one and `upper` above it is stored as SciPy and LAPACK store
it, by diagonals: `ab[upper + i - j, j] = A[i, j]`, (lower + upper + 1, n). What lies outside of A is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Linear, Multilinear, Primitive, Sample
from ..core.types import ArrayType
from .linalg import minus, stacked
from .shape import reshape, transpose


def diagonals(n: int, lower: int, upper: int) -> Iterator[tuple[int, int, int, int]]:
    """Row of ab, i and j where it begins, and length, of each diagonal that meets the matrix."""
    for k in range(max(-upper, 1 - n), min(lower, n - 1) + 1):
        yield upper + k, max(k, 0), max(-k, 0), n - abs(k)


# products --------------------------------------------------------------------------------------------------------
def _banded_product(ab: Any, x: Any, *, lower: int, upper: int) -> Any:
    y = np.zeros(x.shape, np.result_type(ab, x))
    for row, i, j, m in diagonals(ab.shape[-1], lower, upper):
        y[..., i : i + m, :] += ab[..., row, j : j + m, None] * x[..., j : j + m, :]
    return y


def _banded_outer(y: Any, x: Any, *, lower: int, upper: int) -> Any:
    n = x.shape[-2]
    ab = np.zeros((*x.shape[:-2], lower + upper + 1, n), np.result_type(x, y))
    for row, i, j, m in diagonals(n, lower, upper):
        ab[..., row, j : j + m] = np.einsum("...ik,...ik->...i", y[..., i : i + m, :], x[..., j : j + m, :])
    return ab


def _banded_transpose(ab: Any, *, lower: int, upper: int) -> Any:
    t = np.zeros(ab.shape, ab.dtype)
    for row, i, j, m in diagonals(ab.shape[-1], lower, upper):
        t[..., lower + upper - row, i : i + m] = ab[..., row, j : j + m]
    return t


def _samples(rng: np.random.Generator, columns: bool = True) -> Iterator[Sample]:
    for stack, n, lower, upper in [((), 4, 1, 2), ((2,), 3, 0, 1), ((), 2, 3, 0), ((), 0, 1, 1)]:
        ab, x = rng.normal(size=(*stack, lower + upper + 1, n)), rng.normal(size=(*stack, n, 2))
        yield Sample((ab, x) if columns else (ab,), {"lower": lower, "upper": upper})


def _outer_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack, n, lower, upper in [((), 4, 1, 2), ((2,), 3, 0, 1), ((), 2, 3, 0), ((), 0, 1, 1)]:
        x, y = rng.normal(size=(2, *stack, n, 2))
        yield Sample((y, x), {"lower": lower, "upper": upper})


banded_product: Primitive = Primitive(
    "banded_product",  # A X
    _banded_product,
    Multilinear(
        lambda y_bar, ab, x, lower, upper: banded_outer(y_bar, x, lower=lower, upper=upper),
        lambda y_bar, ab, x, lower, upper: banded_product(
            banded_transpose(ab, lower=lower, upper=upper), y_bar, lower=upper, upper=lower
        ),
    ),
    type_rule=lambda ab, x, lower, upper: ArrayType(x.shape, np.result_type(ab.dtype, x.dtype)),
    batch=stacked(lambda: banded_product),
    samples=_samples,
)
banded_outer: Primitive = Primitive(
    "banded_outer",  # the diagonals of Y X^T
    _banded_outer,
    Multilinear(
        lambda z_bar, y, x, lower, upper: banded_product(z_bar, x, lower=lower, upper=upper),
        lambda z_bar, y, x, lower, upper: banded_product(
            banded_transpose(z_bar, lower=lower, upper=upper), y, lower=upper, upper=lower
        ),
    ),
    type_rule=lambda y, x, lower, upper: ArrayType(
        (*x.shape[:-2], lower + upper + 1, x.shape[-2]), np.result_type(x.dtype, y.dtype)
    ),
    batch=stacked(lambda: banded_outer),
    samples=_outer_samples,
)
banded_transpose: Primitive = Primitive(
    "banded_transpose",  # A^T, with its diagonals; zeros outside of it
    _banded_transpose,
    Linear(lambda y_bar, ab, lower, upper: banded_transpose(y_bar, lower=upper, upper=lower)),
    type_rule=lambda ab, lower, upper: ab,
    batch=stacked(lambda: banded_transpose),
    samples=lambda rng: _samples(rng, columns=False),
)


# solve_banded ----------------------------------------------------------------------------------------------------
def _solve_banded(ab: Any, b: Any, *, lower: int, upper: int, positive: bool) -> Any:
    if not b.size:
        return b
    import scipy.linalg

    x = np.empty(b.shape, b.dtype)
    for k in np.ndindex(b.shape[:-2]):
        if positive:
            x[k] = scipy.linalg.solveh_banded(ab[k][upper:], b[k], lower=True, check_finite=False)
        else:
            x[k] = scipy.linalg.solve_banded((lower, upper), ab[k], b[k], check_finite=False)
    return x


def _solve_banded_jvp(primals: Any, tangents: Any, *, lower: int, upper: int, positive: bool) -> tuple[Any, Any]:
    """A X = B: A X_dot = B_dot - A_dot X."""
    (ab, _), (ab_dot, b_dot) = primals, tangents
    params = {"lower": lower, "upper": upper}
    x = solve_banded(*primals, positive=positive, **params)
    moved = None if ab_dot is None else banded_product(ab_dot, x, **params)
    return x, solve_banded(ab, minus(b_dot, moved), positive=positive, **params)


def _solve_banded_T(y_bar: Any, ab: Any, b: Any, *, lower: int, upper: int, positive: bool) -> Any:
    transposed = banded_transpose(ab, lower=lower, upper=upper)
    return solve_banded(transposed, y_bar, lower=upper, upper=lower, positive=positive)


def _solve_banded_batch(size: int, batched: list[bool], ab: Any, b: Any, **params: Any) -> tuple[Any, Any]:
    if batched != [False, True] or len(ab.shape) > 2:
        return _stack(size, batched, ab, b, **params)
    _, n, k = b.shape  # lanes that share the matrix are columns
    columns = reshape(transpose(b, axes=(1, 0, 2)), shape=(n, size * k))
    x = reshape(solve_banded(ab, columns, **params), shape=(n, size, k))
    return transpose(x, axes=(1, 0, 2)), True


def _solve_banded_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack, n, lower, upper in [((), 4, 1, 2), ((2,), 3, 1, 1), ((), 3, 2, 0), ((), 0, 1, 1)]:
        ab = rng.normal(size=(*stack, lower + upper + 1, n))
        ab[..., upper, :] += 5
        b = rng.normal(size=(*stack, n, 2))
        yield Sample((ab, b), {"lower": lower, "upper": upper, "positive": False})
    yield Sample((ab[..., :3, :] + 1j, b + 1j), {"lower": 1, "upper": 1, "positive": False})
    ab, b = np.array([[0.0, 1, -1], [4, 5, 6], [1, -1, 0]]), rng.normal(size=(3, 2))
    wrap = lambda ab, b: (0.5 * (ab + _banded_transpose(ab, lower=1, upper=1)), b)
    yield Sample((ab, b), {"lower": 1, "upper": 1, "positive": True}, wrap=wrap)


solve_banded: Primitive = Primitive(
    "solve_banded",  # X with A X = B; positive: A is Hermitian and positive definite, its lower diagonals are read
    _solve_banded,
    Custom(_solve_banded_jvp, transposes=(None, _solve_banded_T)),
    type_rule=lambda ab, b, lower, upper, positive: b,
    batch=_solve_banded_batch,
    samples=_solve_banded_samples,
)
_stack = stacked(lambda: solve_banded)
