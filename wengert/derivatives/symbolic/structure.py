"""Primitives that move, add and multiply elements: NumPy's own implementations, on arrays of expressions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import NoExpressionError
from ...primitives.gather import scatter_add
from .package import load, number, objects
from .table import truth

# Their implementations only index, add and multiply, which arrays of objects do as well.
STRUCTURAL = frozenset((
    "sum", "reshape", "transpose", "slice", "place", "set_slice", "clear_slice", "gather", "scatter_set",
    "scatter_clear", "crop_or_pad", "matmul", "einsum", "diag_part", "diag_matrix", "concatenate", "stack", "prod",
    "cumsum", "delay", "recurrence", "products_before", "rearrange", "convolve", "correlate",
))  # fmt: skip


def _broadcast_to(x: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(x, shape)


def _scatter_add(y: np.ndarray, *indices: Any, **params: Any) -> Any:
    return scatter_add.impl(objects(y), *indices, **params)


# reductions ------------------------------------------------------------------------------------------------------
def reduction(f: Callable[[Sequence[Any]], Any]) -> Callable[..., np.ndarray]:
    """A function of a list of expressions, along axes."""

    def reduce(x: Any, *, axis: tuple[int, ...]) -> np.ndarray:
        x = objects(x)
        rest = [i for i in range(x.ndim) if i not in axis]
        shape = [x.shape[i] for i in rest]
        rows = x.transpose([*rest, *axis]).reshape([*shape, math.prod(x.shape[i] for i in axis)])
        made = np.empty(shape, object)
        for index in np.ndindex(made.shape):
            made[index] = f(list(rows[index]))
        return made

    return reduce


def _numbers(conditions: Sequence[Any]) -> Any:
    sp = load()
    return sum((sp.Piecewise((1, truth(sp, c)), (0, True)) for c in conditions), sp.Integer(0))


def _logsumexp(x: Sequence[Any]) -> Any:
    sp = load()
    return sp.log(sp.Add(*map(sp.exp, x)))


def _norm(x: Any, *, p: Any, axis: tuple[int, ...]) -> Any:
    """(sum |x|^p)^(1/p)."""
    sp = load()
    p = number(p)
    if p == 2:
        return reduction(lambda v: sp.sqrt(sp.Add(*(sp.Abs(e) ** 2 for e in v))))(x, axis=axis)
    return reduction(lambda v: sp.Add(*(sp.Abs(e) ** p for e in v)) ** (1 / p))(x, axis=axis)


def _shares(log: bool) -> Callable[..., np.ndarray]:
    """softmax, and its logarithm."""

    def shares(x: np.ndarray, *, axis: tuple[int, ...]) -> np.ndarray:
        sp = load()
        total = reduction(lambda v: sp.Add(*map(sp.exp, v)))(x, axis=axis)
        total = np.expand_dims(total, axis)
        if log:
            return np.asarray(np.frompyfunc(lambda e, t: e - sp.log(t), 2, 1)(x, total), object)
        return np.asarray(np.frompyfunc(lambda e, t: sp.exp(e) / t, 2, 1)(x, total), object)

    return shares


def _attained(x: Any, y: Any, *, axis: tuple[int, ...]) -> Any:
    return np.frompyfunc(load().Eq, 2, 1)(objects(x), np.expand_dims(objects(y), axis))


# matrices --------------------------------------------------------------------------------------------------------
LARGEST_MATRIX = 6  # from here on the closed form of an inverse has thousands of terms


def each_matrix(f: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """A function of SymPy's matrices, for each matrix of a stack."""

    def mapped(a: Any, *others: Any, **params: Any) -> np.ndarray:
        sp = load()
        arrays = [objects(x) for x in (a, *others)]
        n = arrays[0].shape[-1]
        if n > LARGEST_MATRIX:
            raise NoExpressionError(
                f"the closed form of a linear system of {n} unknowns is not written out",
                why=f"it is a sum of {n}! products",
                write="wg.grad, wg.jacobian, which differentiate the factorisation",
            )
        stack = arrays[0].shape[:-2]
        made: Any = None
        for index in np.ndindex(stack):
            y = f(*(sp.Matrix(*x.shape[-2:], list(x[index].reshape(-1))) for x in arrays), **params)
            y = np.array(y.tolist(), object).reshape(y.shape) if isinstance(y, sp.MatrixBase) else np.asarray(y, object)
            made = np.empty((*stack, *y.shape), object) if made is None else made
            made[index] = y
        return objects(np.zeros(arrays[-1].shape)) if made is None else made

    return mapped


def _solve(a: Any, b: Any) -> Any:
    """X = adj(A) B / det(A)."""
    return a.adjugate() * b / a.det(method="berkowitz") if a.rows else b


def _triangular(a: Any, b: Any, *, lower: bool, unit: bool) -> Any:
    sp = load()
    n = a.rows
    read = sp.Matrix(n, n, lambda i, j: 1 if unit and i == j else a[i, j] if (i >= j) == lower or i == j else 0)
    return (read.lower_triangular_solve if lower else read.upper_triangular_solve)(b) if n else b


def _cholesky(a: Any) -> Any:
    """L L^H = A, reading the lower triangle."""
    sp = load()
    n = a.rows
    c = sp.zeros(n, n)
    for j, i in itertools.combinations_with_replacement(range(n), 2):
        rest = a[i, j] - sum((c[i, k] * sp.conjugate(c[j, k]) for k in range(j)), sp.Integer(0))
        c[i, j] = sp.sqrt(rest) if i == j else rest / c[j, j]
    return c


def _det(a: Any) -> Any:
    return a.det(method="berkowitz") if a.rows else load().Integer(1)


HANDLERS: dict[str, Callable[..., Any]] = {
    "broadcast_to": _broadcast_to,
    "scatter_add": _scatter_add,
    "max": reduction(lambda v: load().Max(*v)),
    "min": reduction(lambda v: load().Min(*v)),
    "all": reduction(lambda v: load().And(*(truth(load(), c) for c in v))),
    "any": reduction(lambda v: load().Or(*(truth(load(), c) for c in v))),
    "count": reduction(_numbers),
    "attained": _attained,
    "logsumexp": reduction(_logsumexp),
    "shift": lambda x, *, axis: np.expand_dims(reduction(lambda v: number(0))(x, axis=axis), axis),
    "softmax": _shares(log=False),
    "log_softmax": _shares(log=True),
    "norm": _norm,
    "det": each_matrix(_det),
    "inv": each_matrix(lambda a: _solve(a, load().eye(a.rows))),
    "solve": each_matrix(_solve),
    "solve_triangular": each_matrix(_triangular),
    "cholesky": each_matrix(_cholesky),
}
