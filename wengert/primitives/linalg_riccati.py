"""Algebraic Riccati equations of optimal control, by SciPy's pencils; their derivatives are Lyapunov equations.

At the solution the cost X is stationary in the feedback K (the envelope theorem), so that X_dot solves the Lyapunov
equation of the closed loop A - B K, with a right side in which K is constant. P. Benner, "Control theory", in Handbook
of linear algebra (2007), 57.2; V. Mehrmann, The autonomous linear quadratic control problem (1991).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Primitive, Sample
from .contract import einsum, matmul, mT
from .linalg import hermitian_part, mH, minus, solve, stacked
from .linalg_functions import each, sylvester
from .shape import reshape


def _by_scipy(name: str) -> Any:
    """SciPy's solver, for stacks."""

    def impl(a: Any, b: Any, q: Any, r: Any) -> Any:
        import scipy.linalg

        if q.dtype == np.float16:
            raise TypeError("array type float16 is unsupported in linalg")
        if not q.size:
            return q
        solver = getattr(scipy.linalg, name)
        hermitian = [0.5 * (x + np.conj(np.swapaxes(x, -1, -2))) for x in (q, r)]
        return each(solver, a, b, *hermitian).astype(q.dtype, copy=False)

    return impl


def _right_side(tangents: Any, k: Any, turn: Any) -> Any:
    """M + M^H + Q_dot + K^H R_dot K, where M = (A_dot - B_dot K)^H turn."""
    a_dot, b_dot, q_dot, r_dot = tangents
    loop_dot = minus(a_dot, None if b_dot is None else matmul(b_dot, k))
    terms = [] if q_dot is None else [hermitian_part(q_dot)]
    if r_dot is not None:
        terms.append(matmul(mH(k), matmul(hermitian_part(r_dot), k)))
    if loop_dot is not None:
        m = matmul(mH(loop_dot), turn)
        terms.append(m + mH(m))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


# continuous time ---------------------------------------------------------------------------------------------------
def _continuous_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """With K = R^-1 B^H X and F = A - B K: F^H X_dot + X_dot F = -(F_dot^H X + X F_dot + Q_dot + K^H R_dot K)."""
    a, b, _, r = primals
    x = continuous_riccati(*primals)
    k = solve(hermitian_part(r), matmul(mH(b), x))
    loop = a - matmul(b, k)
    return x, sylvester(mH(loop), loop, -_right_side(tangents, k, x))


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    wrap = lambda a, b, q, r: (a, b, 0.5 * (q + mH(q)), 0.5 * (r + mH(r)))
    for stack in [(), (2,)]:
        a, b = 0.5 * rng.normal(size=(*stack, 3, 3)), rng.normal(size=(*stack, 3, 2))
        q, r = (np.broadcast_to(c * np.eye(n), (*stack, n, n)).copy() for c, n in ((2.0, 3), (1.5, 2)))
        yield Sample((a, b, q, r), wrap=wrap, tolerance=1e-5)


continuous_riccati = Primitive(
    "continuous_riccati",  # the stabilising X with A^H X + X A - X B R^-1 B^H X + Q = 0
    _by_scipy("solve_continuous_are"),
    Custom(_continuous_jvp),
    type_rule=lambda a, b, q, r: q,
    batch=stacked(lambda: continuous_riccati),
    samples=_samples,
)


# discrete time -----------------------------------------------------------------------------------------------------
def _discrete_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """With K = (R + B^H X B)^-1 B^H X A and F = A - B K: F^H X_dot F - X_dot = -(M + M^H + Q_dot + K^H R_dot K),

    M = F_dot^H X F.
    """
    a, b, _, r = primals
    x = discrete_riccati(*primals)
    bx = matmul(mH(b), x)
    k = solve(hermitian_part(r) + matmul(bx, b), matmul(bx, a))
    loop = a - matmul(b, k)
    return x, stein(mH(loop), _right_side(tangents, k, matmul(x, loop)))


discrete_riccati = Primitive(
    "discrete_riccati",  # the stabilising X with A^H X A - X - A^H X B (R + B^H X B)^-1 B^H X A + Q = 0
    _by_scipy("solve_discrete_are"),
    Custom(_discrete_jvp),
    type_rule=lambda a, b, q, r: q,
    batch=stacked(lambda: discrete_riccati),
    samples=_samples,
)


DIRECT = 6  # rows of the largest matrices whose equation is written as one system


def stein(a: Any, q: Any) -> Any:
    """X with A X A^H - X + Q = 0: one linear system where A is small, otherwise by a Sylvester equation.

    With the Cayley transform C = (A - 1)(A + 1)^-1 it is C X + X C^H = -2 (A + 1)^-1 Q (A + 1)^-H: G. Kitagawa, An
    algorithm for solving the matrix equation X = F X F^T + S (1977). A may then have no eigenvalue -1.
    """
    n = a.shape[-1]
    one = np.broadcast_to(np.eye(n, dtype=a.dtype), a.shape)
    if n <= DIRECT:
        return _stein_as_system(a, q)
    c = mT(solve(mT(a + one), mT(a - one)))
    inner = solve(a + one, q)
    return sylvester(c, mH(c), -2.0 * mH(solve(a + one, mH(inner))))


def _stein_as_system(a: Any, q: Any) -> Any:
    """(1 - A (x) conj A) vec X = vec Q."""
    *stack, n, _ = a.shape
    size = math.prod(stack)
    flat = reshape(a, shape=(size, n, n))
    product = einsum(flat, mH(mT(flat)), subscripts="sik,sjl->sijkl")
    product = reshape(product, shape=(size, n * n, n * n))
    left = np.broadcast_to(np.eye(n * n, dtype=a.dtype), product.shape) - product
    return reshape(solve(left, reshape(q, shape=(size, n * n, 1))), shape=tuple(q.shape))
