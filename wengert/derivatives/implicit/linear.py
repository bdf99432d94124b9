"""linear_solve: A x = b with a matrix, dense or sparse, or with a function that gives products with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ... import numpy as wnp
from ...core.trace import Tracer
from ...core.types import dtype_of, shape_of
from ...errors import ArgumentError, ShapeError
from ...primitives.gather import scatter_add
from ...scipy.linalg import cho_solve
from .equations import Vector, check_leaf, equations_of
from .factored import Pattern, sparse_solve
from .krylov import METHODS, Krylov, operator_solve


def linear_solve(
    A: Any,
    b: Any,
    *,
    method: Any = None,
    tol: float = 1e-10,
    maxiter: int | None = None,
    preconditioner: Any = None,
) -> Any:
    """The solution x of `A x = b`.

    Law: `A x_dot = b_dot - A_dot x`; in reverse mode `b_bar = A^-T x_bar, A_bar = -b_bar x^T`, of a sparse A where it
    has entries.

    A: a matrix (n, n); a scipy.sparse matrix; the entries of one, `(data, (rows, columns))` as scipy.sparse takes them,
    whose data may be differentiated (those of a place that occurs twice are added); or a linear function of x, which
    may close over values that are differentiated; then x and b are any structure of numbers, and no matrix is
    formed in any derivative. b: (n,), or several columns (n, k) with a matrix that is factored.

    method: None factors the matrix (LAPACK, SuperLU); "cholesky" a dense symmetric positive definite one. By products
    alone, of SciPy: "gmres" (default for functions), "bicgstab", "cg" (A symmetric positive definite), "minres" (A
    symmetric), with tol (of the relative residual), maxiter (10 n) and preconditioner; or all of them as a
    `wg.implicit.Krylov`. Raises NotASolutionError (the residual stays larger), SingularPointError (a sparse matrix),
    numpy.linalg.LinAlgError (a dense one), ShapeError, ArgumentError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> laplacian = lambda v: 2 * v - np.append(v[1:], 0.0) - np.append(0.0, v[:-1])
    >>> energy = lambda b: 0.5 * b @ wg.implicit.linear_solve(laplacian, b, method="cg")
    >>> wg.grad(energy)(np.ones(3))  # A^-1 b
    array([1.5, 2. , 1.5])
    >>> places = np.array([0, 1, 1]), np.array([0, 0, 1])
    >>> wg.jacobian(lambda d: wg.implicit.linear_solve((d, places), np.ones(2)))(np.array([1.0, 1.0, 2.0]))
    array([[-1. ,  0. ,  0. ],
           [ 0.5, -0.5,  0. ]])
    """
    if isinstance(method, Krylov):
        krylov = method
    elif method in METHODS or (method is None and callable(A) and not isinstance(A, Tracer)):
        krylov = Krylov(method or "gmres", tol=tol, maxiter=maxiter, preconditioner=preconditioner)
    elif method in (None, "cholesky"):
        return factored(A, b, method)
    else:
        raise ArgumentError(
            f"there is no method {method!r} of linear_solve",
            why="a matrix is factored, or systems are solved by SciPy's Krylov methods",
            write=f"None, cholesky, one of {', '.join(METHODS)}, matrix-free, or a wg.implicit.Krylov",
        )
    unknowns = Vector(b, "the right side b")
    equations = equations_of(operator_of(A), [unknowns], "linear_solve", unknowns.size)
    (x,) = operator_solve(*equations.args, unknowns.flat(b), operator=equations.program, krylov=krylov)
    return unknowns.whole(x)


def is_sparse(A: Any) -> bool:
    """A scipy.sparse matrix, or the entries of one?"""
    return hasattr(A, "tocsr") or (isinstance(A, tuple) and len(A) == 2 and isinstance(A[1], tuple))


def operator_of(A: Any) -> Any:
    """v -> A v."""
    if is_sparse(A):
        return lambda v: _product(A, v)
    if callable(A) and not isinstance(A, Tracer):
        return A
    return lambda v: wnp.matmul(A, v)


def _product(A: Any, v: Any) -> Any:
    data, pattern = entries(A, shape_of(v)[0])
    return pattern.product(wnp.asarray(data).astype(dtype_of(v)), v)


def factored(A: Any, b: Any, method: str | None) -> Any:
    """x by factors of the matrix."""
    if callable(A) and not isinstance(A, Tracer):
        raise ArgumentError(
            "method='cholesky' was given with a function",
            why="only matrices are factored",
            write=f"one of {', '.join(METHODS)}",
        )
    if is_sparse(A):
        if len(shape_of(b)) not in (1, 2):
            raise ShapeError(
                f"the right side of a sparse system has shape {shape_of(b)}",
                why="it is one vector, or several as columns",
                write="b of shape (n,) or (n, k)",
            )
        data, pattern = entries(A, shape_of(b)[0])
        dtype = np.result_type(dtype_of(data), dtype_of(b), np.float32)
        given = (wnp.asarray(x).astype(dtype) for x in (data, b))
        return sparse_solve(*given, pattern=pattern, transposed=False)[0]
    if len(shape_of(A)) < 2 or shape_of(A)[-1] != shape_of(A)[-2]:
        raise ShapeError(
            f"a matrix of shape {shape_of(A)} was given to linear_solve",
            why="there are as many equations as unknowns",
            write="a matrix (n, n); np.linalg.lstsq for another number of equations",
        )
    check_leaf(b, "the right side b")
    if not shape_of(b) or shape_of(b)[0 if len(shape_of(b)) == 1 else -2] != shape_of(A)[-1]:
        raise ShapeError(
            f"a right side of shape {shape_of(b)} was given to linear_solve with a matrix of shape {shape_of(A)}",
            why="there are as many equations as unknowns",
            write="b of shape (n,), or several columns, (n, k)",
        )
    if method is None:
        return wnp.linalg.solve(A, b)
    return cho_solve((wnp.linalg.cholesky(A), True), b)


def entries(A: Any, n: int) -> tuple[Any, Pattern]:
    """The entries of a sparse matrix in CSR order, and where they are."""
    if hasattr(A, "tocsr"):
        matrix = sp.csr_array(A)
        matrix.sum_duplicates()
        check_square(matrix.shape, n)
        return matrix.data, Pattern(matrix)
    data, (i, j) = A
    if any(isinstance(x, Tracer) for x in (i, j)) or not np.shape(i) == np.shape(j) == shape_of(data):
        raise ArgumentError(
            f"a sparse matrix has {shape_of(data)} entries, at {shape_of(i)} rows and {shape_of(j)} columns",
            why="each entry has its place, which is known when the program is made",
            write="(data, (rows, columns)), of one length",
        )
    i, j = np.asarray(i, int), np.asarray(j, int)
    check_square((max(i.max(initial=-1) + 1, n), max(j.max(initial=-1) + 1, n)), n)
    places, place = np.unique(i * n + j, return_inverse=True)
    matrix = sp.csr_array((np.ones(places.size), (places // max(n, 1), places % max(n, 1))), shape=(n, n))
    return scatter_add(data, place, axis=0, shape=(places.size,)), Pattern(matrix)


def check_square(shape: tuple[int, ...], n: int) -> None:
    """ShapeError where a sparse matrix does not fit the right side."""
    if shape != (n, n):
        raise ShapeError(
            f"a sparse matrix of shape {shape} was given with {n} right sides",
            why="there are as many equations as unknowns",
            write=f"a matrix of shape {(n, n)}",
        )
