"""Matrix equations of control theory: Sylvester, Lyapunov (Stein), Riccati."""

from __future__ import annotations

from typing import Any

import scipy.linalg as sl

from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...primitives import linalg as p
from ...primitives import linalg_functions as functions
from ...primitives import linalg_riccati as riccati
from .common import refuse

__all__ = [
    "solve_continuous_are", "solve_continuous_lyapunov", "solve_discrete_are", "solve_discrete_lyapunov",
    "solve_lyapunov", "solve_sylvester",
]  # fmt: skip


@implements(sl.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """X with A X + X B = Q."""
    a, b, q = nl._floating(a, b, q)
    return functions.sylvester(a, b, q)


@implements(sl.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """X with A X + X A^H = Q."""
    a, q = nl._floating(a, q)
    return functions.sylvester(a, p.mH(a), q)


solve_lyapunov = solve_continuous_lyapunov


@implements(sl.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """X with A X A^H - X + Q = 0: one linear system where A is small, a Sylvester equation otherwise."""
    a, q = nl._floating(a, q)
    return riccati.stein(nl._square(a), q)


def _problem(name: str, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> tuple[Any, Any, Any, Any]:
    """The equation without its cross term: A - B R^-1 S^H and Q - S R^-1 S^H have the same solution."""
    refuse(name, "e", e, None, "a and b multiplied by inv(e), and the solution by inv(e).T and inv(e)")
    a, b, q, r = nl._floating(a, b, q, r)
    if s is None:
        return a, b, q, r
    (s,) = nl._floating(s)
    feedback = nl.solve(r, p.mH(s))
    return a - b @ feedback, b, q - s @ feedback, r


@implements(sl.solve_continuous_are)
def solve_continuous_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """The stabilising X with A^H X + X A - (X B + S) R^-1 (B^H X + S^H) + Q = 0, for Hermitian Q and R.

    Its derivative solves a Lyapunov equation with the closed loop F = A - B R^-1 (B^H X + S^H): `F^H X_dot + X_dot F =
    -(M + M^H + Q_dot + K^H R_dot K)`. Q_dot and R_dot count by their Hermitian parts.

    >>> import wengert as wg
    >>> f = lambda q: wg.scipy.linalg.solve_continuous_are([[0.0]], [[1.0]], q, [[1.0]])[0, 0]  # sqrt(q)
    >>> wg.grad(f)([[4.0]])
    [[np.float64(0.25)]]
    """
    return riccati.continuous_riccati(*_problem("solve_continuous_are", a, b, q, r, e, s))


@implements(sl.solve_discrete_are)
def solve_discrete_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """The stabilising X with A^H X A - X - (A^H X B + S) (R + B^H X B)^-1 (B^H X A + S^H) + Q = 0."""
    return riccati.discrete_riccati(*_problem("solve_discrete_are", a, b, q, r, e, s))
