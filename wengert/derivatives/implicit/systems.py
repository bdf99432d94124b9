"""Linear systems of derivatives: dense ones with a certificate, and those of which only products are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...control import map as each_row
from ...core.primitive import Custom, Primitive, Sample
from ...core.program import Program
from ...core.record import record
from ...core.types import ArrayType, shape_of
from ...errors import ArgumentError, NonLinearError, NotASolutionError, SingularPointError
from ...primitives.shape import broadcast_to
from ...transforms.jvp import jvp_flat

METHODS = ("cg", "gmres", "bicgstab")


# dense systems ---------------------------------------------------------------------------------------------------
def reciprocal_condition(A: np.ndarray) -> float:
    """1 / (|A|_1 |A^-1|_1), estimated from the LU factors, after rows and columns are scaled to a largest element 1."""
    from scipy.linalg import get_lapack_funcs  # slow to import: only when asked for

    rows = np.abs(A).max(axis=1)
    if not (np.isfinite(rows).all() and rows.all()):
        return 0.0
    A = A / rows[:, None]
    columns = np.abs(A).max(axis=0)
    if not columns.all():
        return 0.0
    A = A / columns
    getrf, gecon = get_lapack_funcs(("getrf", "gecon"), (A,))
    lu, _, singular = getrf(A)
    return 0.0 if singular else float(gecon(lu, np.abs(A).sum(axis=0).max())[0])


def _accepted(A: Any, f: Any, z: Any, *, what: str, tol: float) -> Any:
    """A itself, where it is regular and z solves the equations: |A^-1 f| is small beside 1 + |z|."""
    n = A.shape[-1]
    if not A.size:
        return A
    for one, residual, y in zip(A.reshape(-1, n, n), f.reshape(-1, n), z.reshape(-1, n), strict=True):
        check_solution(one, residual, y, what, tol)
    return A


def check_solution(A: np.ndarray, f: np.ndarray, z: np.ndarray, what: str, tol: float) -> None:
    """Raise SingularPointError or NotASolutionError."""
    rcond = reciprocal_condition(A.astype(float) if A.dtype.itemsize < 4 else A)
    if not rcond > len(A) * np.finfo(A.dtype).eps:
        raise SingularPointError(
            f"the derivative of what {what} found was asked where it does not exist: the Jacobian of the equations in "
            f"the unknowns is singular there (1 / condition number = {rcond:.1e})",
            why="the solution is not isolated, or moves infinitely fast with the parameters",
            write="other parameters, or more equations: a condition that chooses one of the solutions, a ridge that "
            "makes a minimum strict",
        )
    check_step(np.linalg.solve(A, f), f, z, what, tol)


def check_step(step: np.ndarray, f: np.ndarray, z: np.ndarray, what: str, tol: float) -> None:
    """Raise NotASolutionError where a Newton step from z is long."""
    length = np.abs(step).max(initial=0.0)
    if not length <= tol * (1.0 + np.abs(z).max(initial=0.0)):
        raise NotASolutionError(
            f"what {what} was given as a solution is not one: the largest residual is {np.abs(f).max():.1e}, and a "
            f"Newton step moves it by {length:.1e}",
            why="the derivative of a solution is that of its equations where they hold",
            write="a smaller tolerance in the solver, more iterations, another start; or tol= for what you accept",
        )


def _accepted_jvp(primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
    return accepted(*primals, **params), tangents[0]


def _batch_accepted(size: int, batched: Sequence[bool], *args: Any, **params: Any) -> tuple[Any, bool]:
    full = [x if on else broadcast_to(x, shape=(size, *shape_of(x))) for x, on in zip(args, batched, strict=True)]
    return accepted(*full, **params), True


def _accepted_samples(rng: np.random.Generator) -> Iterator[Sample]:
    A, z = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)
    yield Sample((A, np.zeros(3), z), {"what": "f", "tol": 1.0}, differentiable=(0,))


accepted = Primitive(
    "accepted",  # a Jacobian as it is, once the equations are seen to hold and to determine their solution
    _accepted,
    Custom(_accepted_jvp),
    type_rule=lambda A, f, z, what, tol: A,
    batch=_batch_accepted,
    samples=_accepted_samples,
)


# products alone --------------------------------------------------------------------------------------------------
class Krylov:
    """How a system is solved by products: SciPy's method, the relative residual, and iterations (None: 10 n)."""

    def __init__(self, method: str, tol: float, maxiter: int | None) -> None:
        if method not in METHODS:
            raise ArgumentError(
                f"there is no matrix-free method {method!r}",
                why="systems are solved by SciPy's Krylov methods",
                write=f"one of {', '.join(METHODS)}; cg for symmetric positive definite operators",
            )
        self.method, self.tol, self.maxiter = method, tol, maxiter

    def __call__(self, product: Any, b: np.ndarray) -> np.ndarray:
        """x with |A x - b| <= tol |b|; NotASolutionError otherwise."""
        from scipy.sparse import linalg  # slow to import: only when asked for

        n = b.size
        size = np.linalg.norm(b)
        if size == 0.0:
            return np.zeros_like(b)
        b = b / size  # SciPy's tests for a breakdown are absolute
        A = linalg.LinearOperator((n, n), matvec=lambda v: product(np.ravel(v).astype(b.dtype)), dtype=b.dtype)
        more = {"restart": min(n, 50)} if self.method == "gmres" else {}
        x, _ = getattr(linalg, self.method)(A, b, rtol=self.tol / 10, maxiter=self.maxiter or 10 * n, **more)
        left = np.linalg.norm(product(x.astype(b.dtype)) - b)
        if not left <= max(self.tol, 100 * np.finfo(b.dtype).eps):
            if product(np.zeros_like(b)).any():
                raise NonLinearError(
                    "the operator of a linear system is not linear: of zero it gives something else",
                    why="Krylov methods, and derivatives of what they find, are those of linear systems",
                    write="the part that is linear; bring constants to the right side, or use implicit.root",
                )
            raise NotASolutionError(
                f"{self.method} left a relative residual of {left:.1e} of a linear system of {n} unknowns",
                why="the operator is singular, or its condition asks for more iterations; cg needs it symmetric",
                write="maxiter= more, another method, a preconditioned operator, or the dense matrix",
            )
        return x * size


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
    return [None] * len(consts) + operator_solve(*consts, y_bars[0], operator=transposed(operator), krylov=krylov)


def transposed(operator: Program) -> Program:
    """consts, y_bar -> A^T y_bar."""
    n = len(operator.inputs) - 1
    return operator.transform("transpose", (False,) * n + (True,), (True,), (True,))


def lane_by_lane(
    primitive: Callable[..., Any], size: int, batched: Sequence[bool], args: Sequence[Any], **params: Any
) -> Any:
    """Batching of a primitive with one result, each lane of which is a problem of its own."""

    def one(row: tuple[Any, ...]) -> Any:
        given = iter(row)
        return primitive(*(next(given) if on else a for a, on in zip(args, batched, strict=True)), **params)[0]

    return [each_row(one, tuple(a for a, on in zip(args, batched, strict=True) if on))], [True]


def _operator_solve_samples(rng: np.random.Generator) -> Iterator[Sample]:
    from ...numpy import tanh

    n = 3
    A = rng.normal(size=(n, n)) + 4 * np.eye(n)
    types = [ArrayType((n, n), np.float64), ArrayType((n,), np.float64)]
    operator = record(lambda A, v: [(A + tanh(A)) @ v], types, "operator")
    params = {"operator": operator, "krylov": Krylov("gmres", 1e-12, None)}
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
