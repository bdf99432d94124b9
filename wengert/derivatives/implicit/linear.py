"""linear_solve: A x = b with a matrix, or with a function that gives products with it."""

from __future__ import annotations

from typing import Any

from ... import numpy as wnp
from ...core.trace import Tracer
from .equations import Vector, equations_of
from .systems import Krylov, operator_solve


def linear_solve(A: Any, b: Any, *, method: str | None = None, tol: float = 1e-10, maxiter: int | None = None) -> Any:
    """The solution x of `A x = b`.

    Law: `A x_dot = b_dot - A_dot x`; in reverse mode `b_bar = A^-T x_bar, A_bar = -b_bar x^T`.

    A: a matrix (n, n); or a linear function of x, which may close over values that are differentiated; then x and b are
    any structure of real numbers, and no matrix is formed in any derivative. method: of SciPy, by products alone:
    "gmres" (default for functions), "bicgstab", "cg" (A symmetric positive definite). Without one a matrix is
    factored, and b may have several columns. tol: of the relative residual. maxiter: 10 n, unless given.
    Raises NotASolutionError (the residual stays larger), SingularPointError, ShapeError, ArgumentError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> laplacian = lambda v: 2 * v - np.append(v[1:], 0.0) - np.append(0.0, v[:-1])
    >>> energy = lambda b: 0.5 * b @ wg.implicit.linear_solve(laplacian, b, method="cg")
    >>> wg.grad(energy)(np.ones(3))  # A^-1 b
    array([1.5, 2. , 1.5])
    """
    if not callable(A) or isinstance(A, Tracer):
        if method is None:
            return wnp.linalg.solve(A, b)
        matrix = A
        A = lambda v: wnp.matmul(matrix, v)
    unknowns = Vector(b, "the right side b")
    equations = equations_of(A, [unknowns], "linear_solve", unknowns.size)
    krylov = Krylov(method or "gmres", tol, maxiter)
    (x,) = operator_solve(*equations.args, unknowns.flat(b), operator=equations.program, krylov=krylov)
    return unknowns.whole(x)
