"""Certificates: a matrix as it is, once the equations are seen to hold at the solution and to determine it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.primitive import Custom, Primitive, Sample
from ...core.types import shape_of
from ...errors import (
    DegenerateSolutionWarning,
    IllConditionedWarning,
    InaccurateSolutionWarning,
    NotASolutionError,
    SingularPointError,
    warn,
)
from ...primitives.shape import broadcast_to

ROUGH = 1000.0  # times `tol`: what is further from a solution is none
SHORTEST = {"least_squares": "; np.linalg.lstsq finds the shortest fit of a linear model, and is differentiated"}


# what is checked -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Regular:
    """Is the Jacobian A regular at z, where the residual is f, and is a Newton step from z short beside 1 + |z|?

    what: who says that z is a solution; tol: how long the step may be. positive: must A be positive definite?
    """

    what: str
    tol: float
    positive: bool = False

    def __call__(self, A: np.ndarray, f: np.ndarray, z: np.ndarray) -> None:
        if not A.size:
            return
        rcond, step = examined(A, f)
        check_condition(rcond, len(A), A.dtype, self.what, self.reason(A, z))
        check_step(step, f, z, self.what, self.tol, rcond)
        if self.positive and np.linalg.eigvalsh(A)[0] <= 0.0:
            raise SingularPointError(
                f"what {self.what} found is no minimum: the Hessian has a negative eigenvalue, "
                f"{np.linalg.eigvalsh(A)[0]:.1e}",
                why="linear='cholesky' factors Hessians of minima, which are positive definite",
                write="another start; or linear='dense' for the derivative of any stationary point",
            )

    def reason(self, A: np.ndarray, z: np.ndarray) -> str:
        """Why A is singular, where that is known."""
        return ""


@dataclass(frozen=True)
class RegularKKT(Regular):
    """The same of the system of an active set, whose first `unknowns` rows and columns belong to the unknowns."""

    unknowns: int = 0

    def reason(self, A: np.ndarray, z: np.ndarray) -> str:
        """Do the gradients of the active constraints depend on one another?"""
        n = self.unknowns
        unit = (np.eye(len(A)) == A).all(axis=1)  # rows of variables at a bound, and of multipliers that are zero
        gradients = A[n:, :n][~unit[n:]][:, ~unit[:n]]
        if np.linalg.matrix_rank(gradients) < len(gradients):
            return (
                f"the gradients of the {len(gradients)} active constraints depend on one another (LICQ fails), so that "
                "the multipliers are not determined; leave out those that follow from others"
            )
        return ""


@dataclass(frozen=True)
class Strict:
    """Is every inequality that is met with equality needed there: multiplier > 0 where slack = 0?"""

    what: str
    tol: float

    def __call__(self, A: np.ndarray, slack: np.ndarray, multiplier: np.ndarray, scale: np.ndarray) -> None:
        weak = (np.abs(slack) <= self.tol) & (np.abs(multiplier) <= self.tol * scale)
        if weak.any():
            warn(
                DegenerateSolutionWarning,
                f"{weak.sum()} of the constraints of {self.what} are met with equality at the minimum, and are not "
                "needed there: their multipliers are zero",
                why="to one side the minimum moves along the constraint, to the other away from it: it has a kink, and "
                "the derivative that is given is that to one side",
                write="other parameters; or warnings.filterwarnings('ignore', "
                "category=wg.errors.DegenerateSolutionWarning)",
            )


def examined(A: np.ndarray, f: np.ndarray) -> tuple[float, np.ndarray]:
    """1 / (|A|_1 |A^-1|_1), estimated from the LU factors, and A^-1 f; 0, and NaN, where A is singular.

    Rows and columns are scaled to largest elements 1.
    """
    from scipy.linalg import get_lapack_funcs  # slow to import: only when asked for

    nothing = 0.0, np.full_like(f, np.nan)
    rows = np.abs(A).max(axis=1)
    if not (np.isfinite(rows).all() and rows.all()):
        return nothing
    A = A / rows[:, None]
    columns = np.abs(A).max(axis=0)
    if not columns.all():
        return nothing
    A = A / columns
    getrf, gecon, getrs = get_lapack_funcs(("getrf", "gecon", "getrs"), (A,))
    lu, pivots, singular = getrf(A)
    if singular:
        return nothing
    return float(gecon(lu, np.abs(A).sum(axis=0).max())[0]), getrs(lu, pivots, f / rows)[0] / columns


def check_condition(rcond: float, n: int, dtype: Any, what: str, reason: str = "") -> None:
    """SingularPointError for a matrix that is singular to rounding, IllConditionedWarning for one that is nearly so."""
    eps = float(np.finfo(dtype).eps)
    if not rcond > n * eps:
        raise SingularPointError(
            f"the derivative of what {what} found was asked where it does not exist: the Jacobian of the equations in "
            f"the unknowns is singular there (1 / condition number = {rcond:.1e})",
            why=reason or "the solution is not isolated, or moves infinitely fast with the parameters",
            write="other parameters, or more equations: a condition that chooses one of the solutions, a ridge that "
            "makes a minimum strict" + SHORTEST.get(what, ""),
        )
    if rcond < np.sqrt(eps):
        warn(
            IllConditionedWarning,
            f"the derivative of what {what} found is a linear system with a condition number of {1.0 / rcond:.0e}",
            why="relative errors, of rounding and of the solution, are that much larger in the derivative",
            write="equations of another form, or a ridge; wg.implicit.quality reports the number; or "
            "warnings.filterwarnings('ignore', category=wg.errors.IllConditionedWarning)",
        )


def check_step(step: np.ndarray, f: np.ndarray, z: np.ndarray, what: str, tol: float, rcond: float = 0.0) -> None:
    """NotASolutionError where a Newton step from z is long, InaccurateSolutionWarning where it is not short."""
    length = float(np.abs(step).max(initial=0.0))
    off = length / (1.0 + np.abs(z).max(initial=0.0))
    if off <= tol:
        return
    said = f"the largest residual is {np.abs(f).max():.1e}, and a Newton step moves it by {length:.1e}" + (
        f" (condition number {1.0 / rcond:.0e})" if rcond else ""
    )
    why = "the derivative of a solution is that of its equations where they hold"
    write = "a smaller tolerance in the solver, more iterations, another start; or tol= for what you accept"
    if not off <= ROUGH * tol:
        raise NotASolutionError(f"what {what} was given as a solution is not one: {said}", why=why, write=write)
    warn(InaccurateSolutionWarning, f"what {what} was given as a solution is a rough one: {said}", why=why, write=write)


# the primitive ---------------------------------------------------------------------------------------------------
def _certified(A: Any, *evidence: Any, check: Any, lanes: tuple[int, ...], again: bool) -> Any:
    """The check, of each lane."""
    for lane in np.ndindex(lanes):
        check(np.asarray(A[lane]), *(np.asarray(e[lane]) for e in evidence))
    return A


def _certified_jvp(primals: Any, tangents: Any, *, again: bool, **params: Any) -> tuple[Any, Any]:
    A, *evidence = primals
    A_dot = (
        certified(tangents[0], *evidence, again=True, **params) if again and tangents[0] is not None else tangents[0]
    )
    return certified(A, *evidence, again=again, **params), A_dot


def _certified_T(A_bar: Any, A: Any, *evidence: Any, **params: Any) -> list[Any]:
    return [certified(A_bar, *evidence, **params), *(None for _ in evidence)]


def _batch_certified(size: int, batched: Sequence[bool], *args: Any, lanes: Any, **params: Any) -> tuple[Any, bool]:
    full = [x if on else broadcast_to(x, shape=(size, *shape_of(x))) for x, on in zip(args, batched, strict=True)]
    return certified(*full, lanes=(size, *lanes), **params), True


def _certified_samples(rng: np.random.Generator) -> Iterator[Sample]:
    A, z = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)
    params = {"check": Regular("f", 1.0), "lanes": (), "again": False}
    yield Sample((A, np.zeros(3), z), params, differentiable=(0,))
    yield Sample((A, np.zeros(3)), {"check": lambda A, f: None, "lanes": (), "again": True}, differentiable=(0,))


# again: do derivatives check again, since they may be asked for alone? Then the check looks at the evidence only.
certified: Primitive = Primitive(
    "certified",  # A as it is, once check(A, *evidence) has raised nothing
    _certified,
    Custom(_certified_jvp, together=_certified_T),
    type_rule=lambda A, *evidence, **params: A,
    batch=_batch_certified,
    samples=_certified_samples,
)
