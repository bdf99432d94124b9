"""Functions of matrices (expm, logm, sqrtm, ...), Sylvester equations and LU: what SciPy computes, when it is asked to.

A function of a matrix and its derivative are the blocks of one function value, f([[A, E], [0, A]]) = [[f(A), L(A, E)],
[0, f(A)]]: R. Mathias, A chain rule for matrix functions and applications (1996). N. J. Higham, Functions of matrices
(2008), sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Primitive, Sample
from ..core.types import ArrayType
from .contract import matmul, mT
from .linalg import (
    Types,
    masked,
    minus,
    or_identity,
    refused,
    solve_triangular,
    stacked,
    times,
    triangle_is_singular,
)

FUNCTIONS = ("expm", "logm", "sqrtm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm")


def each(f: Any, *args: Any) -> Any:
    """A function of matrices on stacks, one matrix after another."""
    if args[0].ndim == 2:
        return f(*args)
    flat = [x.reshape(-1, *x.shape[-2:]) for x in args]
    ys = [f(*xs) for xs in zip(*flat, strict=True)]
    return np.stack(ys).reshape(*args[0].shape[:-2], *ys[0].shape) if ys else np.zeros_like(args[-1])


# functions of a matrix -------------------------------------------------------------------------------------------
def _value(a: Any, name: str) -> Any:
    import scipy.linalg

    y = np.asarray(getattr(scipy.linalg, name)(a.astype(np.result_type(a, np.float64)))) if a.size else a
    if y.dtype.kind == "c" and a.dtype.kind != "c":
        if np.max(np.abs(y.imag)) > 100 * len(a) * np.finfo(a.dtype).eps * np.max(np.abs(y)):
            raise ValueError(f"{name} of this real matrix is complex: convert the matrix first, a.astype(complex)")
        y = y.real
    return y.astype(a.dtype, copy=False)


def _block(a: Any, x: Any) -> Any:
    """[[A, X], [0, A]]; A may be a symbolic zero, X may be."""
    some = a if a is not None else x
    n = some.shape[-1]
    top, bottom = np.eye(n, 2 * n), np.eye(2 * n)[n:]
    parts = [(a, top, top), (a, bottom, bottom), (x, top, bottom)]
    terms = [mT(times(mT(times(m, right)), left)) for m, left, right in parts if m is not None]
    return terms[0] if len(terms) == 1 else terms[0] + (terms[1] if len(terms) == 2 else terms[1] + terms[2])


def _corner(y: Any) -> Any:
    """X of [[A, X], [0, A]]."""
    n = y.shape[-1] // 2
    return mT(times(mT(times(y, np.eye(2 * n)[:, n:])), np.eye(2 * n, n)))


def _slope(a: Any, x: Any, name: str) -> Any:
    if name == "expm" and a.ndim == 2 and a.size:
        from scipy.linalg import expm_frechet

        return expm_frechet(a, x, compute_expm=False, check_finite=False).astype(x.dtype, copy=False)
    n = a.shape[-1]
    return each(lambda a, x: _value(_block(a, x), name)[:n, n:], a, x)


def _function_jvp(primals: Any, tangents: Any, *, name: str) -> tuple[Any, Any]:
    return matrix_function(*primals, name=name), matrix_function_slope(primals[0], tangents[0], name=name)


def _slope_jvp(primals: Any, tangents: Any, *, name: str) -> tuple[Any, Any]:
    """L(A, X) is a block of f at [[A, X], [0, A]], so its derivative is a block of L there."""
    y_dot = _corner(matrix_function_slope(_block(*primals), _block(*tangents), name=name))
    return matrix_function_slope(*primals, name=name), y_dot


def _function_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for k, name in enumerate(FUNCTIONS):
        a = rng.normal(size=(2, 2)) + (1j * rng.normal(size=(2, 2)) if k % 2 else 0)
        yield Sample((0.3 * a + np.eye(2),), {"name": name}, tolerance=1e-5, order=1, wrap=lambda a: (a,))
    yield Sample((0.3 * rng.normal(size=(2, 2, 2)),), {"name": "expm"}, wrap=lambda a: (a,))


def _slope_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack in [(), (2,)]:
        a, x = rng.normal(size=(2, *stack, 2, 2))
        yield Sample((0.3 * a + np.eye(2), x), {"name": "expm"}, wrap=lambda *args: args)


matrix_function = Primitive(
    "matrix_function",
    lambda a, name: each(lambda a: _value(a, name), a),
    Custom(_function_jvp),
    type_rule=lambda a, name: a,
    batch=stacked(lambda: matrix_function),
    samples=_function_samples,
)
matrix_function_slope = Primitive(
    "matrix_function_slope",  # L(A, X), the derivative at A in direction X (Frechet)
    _slope,
    Custom(_slope_jvp, transposes=(None, lambda y_bar, a, x, name: matrix_function_slope(mT(a), y_bar, name=name))),
    type_rule=lambda a, x, name: x,
    batch=stacked(lambda: matrix_function_slope),
    samples=_slope_samples,
)


# solve_sylvester -------------------------------------------------------------------------------------------------
def _sylvester(a: Any, b: Any, q: Any) -> Any:
    from scipy.linalg import solve_sylvester

    return each(solve_sylvester, a, b, q).astype(q.dtype, copy=False)


def _sylvester_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A X + X B = Q: A X_dot + X_dot B = Q_dot - A_dot X - X B_dot."""
    (a, b, _), (a_dot, b_dot, q_dot) = primals, tangents
    x = sylvester(*primals)
    right = minus(q_dot, None if a_dot is None else matmul(a_dot, x))
    right = right if b_dot is None else minus(right, matmul(x, b_dot))
    return x, sylvester(a, b, right)


def _sylvester_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack in [(), (2,)]:
        a, b = rng.normal(size=(*stack, 3, 3)) + 4 * np.eye(3), rng.normal(size=(*stack, 2, 2)) + 4 * np.eye(2)
        yield Sample((a, b, rng.normal(size=(*stack, 3, 2))), wrap=lambda *args: args)  # no complex step: Schur forms


sylvester = Primitive(
    "sylvester",  # X with A X + X B = Q
    _sylvester,
    Custom(_sylvester_jvp, transposes=(None, None, lambda y_bar, a, b, q: sylvester(mT(a), mT(b), y_bar))),
    type_rule=lambda a, b, q: q,
    batch=stacked(lambda: sylvester),
    samples=_sylvester_samples,
)


# lu --------------------------------------------------------------------------------------------------------------
def _lu(a: Any) -> list[Any]:
    from scipy.linalg import lu as scipys

    if a.ndim == 2:
        return [np.asarray(x, a.dtype) for x in scipys(a)]
    if not len(a):
        return [np.zeros(t.shape, t.dtype) for t in _lu_types(a)]
    return [np.stack(xs) for xs in zip(*map(_lu, a), strict=True)]


def _lu_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A = P L U, with leading squares L1 and U1: X = L1^-1 (P^T A_dot)_1 U1^-1, and

    L1_dot = L1 tril(X, -1), U1_dot = triu(X) U1; what is left of L or U follows from P^T A_dot = L_dot U + L U_dot.
    """
    (a,) = primals
    p, low, up = lu(a)
    m, n = a.shape[-2:]
    k = min(m, n)
    l1, u1 = _leading(low, k), _leading(up, k)
    singular = triangle_is_singular(u1)
    u1 = or_identity(u1, singular)
    e = matmul(mT(p), refused(tangents[0], singular, what="scipy.linalg.lu"))
    e1 = _leading(e, k)
    x = solve_triangular(l1, _over_upper(e1, u1), lower=True, unit=True)
    if m >= n:
        up_dot = matmul(masked(np.tri(k).T, x), u1)
        return [p, low, up], [None, _over_upper(e - matmul(low, up_dot), u1), up_dot]
    low_dot = matmul(l1, masked(np.tri(k, k=-1), x))
    return [p, low, up], [None, low_dot, solve_triangular(l1, e - matmul(low_dot, up), lower=True, unit=True)]


def _leading(x: Any, k: int) -> Any:
    m, n = x.shape[-2:]
    return x if m == n == k else mT(times(mT(times(x, np.eye(n, k))), np.eye(m, k)))


def _over_upper(x: Any, u: Any) -> Any:
    """X U^-1."""
    return mT(solve_triangular(mT(u), mT(x), lower=True, unit=False))


def _lu_types(a: ArrayType) -> Types:
    *stack, m, n = a.shape
    k = min(m, n)
    return [ArrayType((*stack, *shape), a.dtype) for shape in ((m, m), (m, k), (k, n))]


def _lu_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(3, 3), (4, 2), (2, 3), (2, 2, 2)]:
        yield Sample((rng.normal(size=shape),), wrap=lambda a: (a,))


lu = Primitive(
    "lu",  # A = P L U, P a permutation
    _lu,
    Custom(_lu_jvp),
    type_rule=_lu_types,
    batch=stacked(lambda: lu),
    samples=_lu_samples,
    multiple=True,
)
