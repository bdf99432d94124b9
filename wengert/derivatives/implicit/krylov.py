"""Linear systems of which only products are known: SciPy's Krylov methods, as a primitive with a derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...control import map as each_row
from ...core.primitive import Custom, Primitive, Sample
from ...core.program import Program
from ...core.record import record
from ...core.trace import Tracer
from ...core.tree import flatten
from ...core.types import ArrayType
from ...errors import ArgumentError, NonLinearError, NotASolutionError
from ...transforms.jvp import jvp_flat

METHODS = ("cg", "gmres", "bicgstab", "minres")
SYMMETRIC = ("cg", "minres")
REFINEMENTS = 3


class Krylov:
    """How a system A x = b is solved by products alone. For `linear=` of solvers, and `method=` of linear_solve.

    method: SciPy's "gmres", "bicgstab", "cg" (A symmetric positive definite) or "minres" (A symmetric). tol: of the
    relative residual `|A x - b| / |b|`. maxiter: iterations, 10 n unless given; restart: of gmres, 50.

    preconditioner: M, near to A^-1: an array, a sparse matrix, a scipy.sparse.linalg.LinearOperator, or a function of a
    plain vector (for "cg" and "minres"; "gmres" and "bicgstab" also solve with A^T in reverse mode, and ask a
    LinearOperator with `rmatvec`). It is a constant: it changes how soon x is found, not x.

    >>> import numpy as np
    >>> import wengert as wg
    >>> d = np.logspace(0, 6, 50)
    >>> how = wg.implicit.Krylov("cg", preconditioner=lambda v: v / d)
    >>> wg.grad(lambda b: np.sum(wg.implicit.linear_solve(lambda v: d * v, b, method=how)))(np.ones(50))[:2]
    array([1.        , 0.75431201])
    """

    def __init__(
        self,
        method: str = "gmres",
        *,
        tol: float = 1e-10,
        maxiter: int | None = None,
        restart: int = 50,
        preconditioner: Any = None,
        transposed: bool = False,
    ) -> None:
        if not isinstance(method, str) or method not in METHODS:
            raise ArgumentError(
                f"there is no matrix-free method {method!r}",
                why="systems are solved by SciPy's Krylov methods",
                write=f"one of {', '.join(METHODS)}; cg for symmetric positive definite operators",
            )
        if any(isinstance(x, Tracer) for x in flatten(preconditioner)[0]):
            raise ArgumentError(
                "a preconditioner was given that is traced",
                why="it changes how soon a system is solved, and not the solution: it has no part in derivatives",
                write="a plain array, made outside of the differentiated or compiled function",
            )
        self.method, self.tol, self.maxiter, self.restart = method, tol, maxiter, restart
        self.preconditioner, self.transposed = preconditioner, transposed

    @property
    def T(self) -> Krylov:
        """How systems with A^T are solved."""
        return self.like(transposed=not self.transposed)

    def like(self, **changes: Any) -> Krylov:
        """The same, but for the changes."""
        names = ("tol", "maxiter", "restart", "preconditioner", "transposed")
        return Krylov(self.method, **({name: getattr(self, name) for name in names} | changes))

    def __call__(self, product: Any, b: np.ndarray) -> np.ndarray:
        """x with |A x - b| <= tol |b|; NotASolutionError otherwise."""
        from scipy.sparse import linalg  # slow to import: only when asked for

        n = b.size
        size = np.linalg.norm(b)
        if size == 0.0:
            return np.zeros_like(b)
        b = b / size  # SciPy's tests for a breakdown are absolute
        A = linalg.LinearOperator((n, n), matvec=lambda v: product(np.ravel(v).astype(b.dtype)), dtype=b.dtype)
        more: dict[str, Any] = {} if self.preconditioner is None else {"M": self.operator(n, b.dtype)}
        if self.method == "gmres":
            more["restart"] = min(n, self.restart)
        more |= {"rtol": self.tol / 10, "maxiter": self.maxiter or 10 * n}
        x, residual, goal = np.zeros_like(b), b, max(self.tol, 100 * np.finfo(b.dtype).eps)
        for _ in range(REFINEMENTS):  # what stops a method is not always the residual (minres)
            x = x + getattr(linalg, self.method)(A, residual, **more)[0].astype(b.dtype)
            residual = b - product(x)
            left = np.linalg.norm(residual)
            if left <= goal:
                return x * size
            if not np.isfinite(left):
                break
        raise self.unsolved(product, b, float(left))

    def operator(self, n: int, dtype: Any) -> Any:
        """The preconditioner as SciPy takes it, of A or of A^T."""
        from scipy.sparse import linalg

        M = self.preconditioner
        if callable(M) and not hasattr(M, "matvec"):
            if self.transposed and self.method not in SYMMETRIC:
                raise ArgumentError(
                    "a preconditioner was given as a function, and reverse mode needs its transpose",
                    why=f"{self.method} solves systems with A^T there, whose inverse is near to M^T",
                    write="an array, a sparse matrix, or scipy.sparse.linalg.LinearOperator(shape, matvec=, rmatvec=); "
                    "or a symmetric method",
                )
            M = linalg.LinearOperator((n, n), matvec=M, dtype=dtype)
        elif self.transposed and self.method not in SYMMETRIC:
            M = linalg.aslinearoperator(M).T
        if M.shape != (n, n):
            raise ArgumentError(
                f"a preconditioner of shape {M.shape} was given for {n} unknowns",
                why="it is near to the inverse of the matrix",
                write=f"one of shape {(n, n)}",
            )
        return M

    def unsolved(self, product: Any, b: np.ndarray, left: float) -> NonLinearError | NotASolutionError:
        """Why the residual stays."""
        if product(np.zeros_like(b)).any():
            return NonLinearError(
                "the operator of a linear system is not linear: of zero it gives something else",
                why="Krylov methods, and derivatives of what they find, are those of linear systems",
                write="the part that is linear; bring constants to the right side, or use implicit.root",
            )
        return NotASolutionError(
            f"{self.method} left a relative residual of {left:.1e} of a linear system of {b.size} unknowns",
            why="the operator is singular, or its condition asks for more iterations; cg and minres need it symmetric",
            write="maxiter= more, a preconditioner (wg.implicit.Krylov), another method, or a matrix",
        )


# the primitive ---------------------------------------------------------------------------------------------------
def _operator_solve(*args: Any, operator: Program, krylov: Krylov) -> list[Any]:
    *consts, b = args
    with np.errstate(all="ignore"):
        return [krylov(lambda v: np.asarray(operator.evaluate([*consts, v])[0]), np.asarray(b))]


def _operator_solve_jvp(
    primals: Any, tangents: Any, *, operator: Program, krylov: Krylov
) -> tuple[list[Any], list[Any]]:
    """A x = b: A x_dot = b_dot - A_dot x."""
    (*consts, _), (*dots, b_dot) = primals, tangents
    (x,) = operator_solve(*primals, operator=operator, krylov=krylov)
    (moved,) = jvp_flat(lambda *cs: operator.evaluate([*cs, x]), consts, dots)[1]
    if moved is not None:
        b_dot = -moved if b_dot is None else b_dot - moved
    return [x], [None] if b_dot is None else operator_solve(*consts, b_dot, operator=operator, krylov=krylov)


def _operator_solve_T(y_bars: Any, *args: Any, operator: Program, krylov: Krylov) -> list[Any]:
    """The system of the transposed operator."""
    consts = args[:-1]
    found = operator_solve(*consts, y_bars[0], operator=transposed(operator), krylov=krylov.T)
    return [None] * len(consts) + found


def transposed(operator: Program) -> Program:
    """consts, y_bar -> A^T y_bar."""
    n = len(operator.inputs) - 1
    return operator.transform("transpose", (False,) * n + (True,), (True,), (True,))


def lane_by_lane(
    primitive: Callable[..., Any], size: int, batched: Sequence[bool], args: Sequence[Any], **params: Any
) -> Any:
    """Batching of a primitive, each lane of which is a problem of its own."""

    def one(row: tuple[Any, ...]) -> Any:
        given = iter(row)
        return primitive(*(next(given) if on else a for a, on in zip(args, batched, strict=True)), **params)

    found = each_row(one, tuple(a for a, on in zip(args, batched, strict=True) if on))
    return found, [True] * len(found)


def _operator_solve_samples(rng: np.random.Generator) -> Iterator[Sample]:
    from ...numpy import tanh

    n = 3
    A = rng.normal(size=(n, n)) + 4 * np.eye(n)
    types = [ArrayType((n, n), np.float64), ArrayType((n,), np.float64)]
    operator = record(lambda A, v: [(A + tanh(A)) @ v], types, "operator")
    params = {"operator": operator, "krylov": Krylov("gmres", tol=1e-12)}
    yield Sample((A, rng.normal(size=n)), params)


operator_solve: Primitive = Primitive(
    "operator_solve",  # *consts, b -> x with operator(*consts, x) = b
    _operator_solve,
    Custom(_operator_solve_jvp, together=_operator_solve_T),
    type_rule=lambda *types, operator, krylov: [ArrayType(types[-1].shape, types[-1].dtype)],
    batch=lambda size, batched, *args, **params: lane_by_lane(operator_solve, size, batched, args, **params),
    samples=_operator_solve_samples,
    multiple=True,
)
