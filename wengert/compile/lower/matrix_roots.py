"""Square roots and logarithms of matrices by their complex Schur forms A = U T U^H, T triangular.

The root of T column by column: A. Bjorck, S. Hammarling, A Schur method for the square root of a matrix (1983). The
logarithm by roots until T is near 1, then by Pade's approximation of degree 7 as a sum of partial fractions: N. J.
Higham, Functions of matrices (2008), section 11.5 and (11.18). Both in double precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...control import fori_loop, while_loop
from ...core.program import Equation
from ...primitives.contract import mT
from ...primitives.linalg import mH, solve_triangular
from ..loops.ir import Ref, Value, View
from ..machine.failures import fails
from .linalg_schur import computed, schur
from .lowering import Lowering
from .matrices import on_matrices, stop_if

NEAR = 0.25  # norm of T - 1 below which the approximation is exact to rounding (theta_7 = 0.264)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(7)
MOST_ROOTS = 100  # a logarithm with an eigenvalue 0 would ask for more
COMPLEX = "complex matrix function"


@fails(COMPLEX)
def _complex(eq: Equation | None, name: str) -> ValueError:
    return ValueError(f"{name} of this real matrix is complex: convert the matrix first, a.astype(complex)")


def triangular_root(t: Any) -> Any:
    """R with R R = T: column j solves (R + r_jj) r_j = t_j above the diagonal, in which R has the columns before it."""
    n = t.shape[-1]
    places, one = np.arange(n), np.eye(n)
    roots = wnp.sqrt(wnp.diagonal(t, axis1=-2, axis2=-1))

    def column(j: Any, r: Any) -> Any:
        root = roots[..., j : j + 1]
        right = wnp.where(places < j, t[..., j], 0)
        left = wnp.where(places < j, roots, 0) + root
        free = wnp.logical_and(left == 0, right == 0)  # a root 0 beside another one, and nothing to divide
        above = solve_triangular(
            r + one * wnp.where(free, 1.0, root)[..., None], right[..., None], lower=False, unit=False
        )
        r[..., j] = above[..., 0] + wnp.where(places == j, root, 0)
        return r

    return fori_loop(0, n, column, wnp.zeros_like(t))


def triangular_logarithm(t: Any) -> Any:
    """2^s log T^(1/2^s), the diagonal from that of T."""
    n = t.shape[-1]
    one = np.eye(n)

    def far(r: Any) -> Any:
        return wnp.max(wnp.sum(wnp.abs(r - one), axis=-2), axis=-1) > NEAR

    def root(carry: Any) -> Any:
        k, r, count = carry
        more = far(r)
        r = wnp.where(more[..., None, None], triangular_root(r), r)
        return k + 1, r, count + wnp.asarray(more, dtype=np.float64)

    start = (0, t, wnp.zeros(t.shape[:-2]))
    _, r, count = while_loop(lambda c: wnp.logical_and(wnp.any(far(c[1])), c[0] < MOST_ROOTS), root, start)
    x = r - one
    total = wnp.zeros_like(t)
    for node, weight in zip((NODES + 1) / 2, WEIGHTS / 2, strict=True):
        total = total + weight * solve_triangular(one + node * x, x, lower=False, unit=False)
    y = total * (2.0**count)[..., None, None]
    exact = wnp.log(wnp.diagonal(t, axis1=-2, axis2=-1))
    return wnp.where(one == 1, exact[..., None, :] * one, y)


FUNCTIONS = {"sqrtm": triangular_root, "logm": triangular_logarithm}


def by_schur(low: Lowering, eq: Equation, x: Value, name: str) -> Value:
    """f(A) = U f(T) U^H in double precision; of a real matrix it has to be real."""
    (a,) = computed(low, lambda a: [wnp.asarray(a, dtype=np.complex128)], x)
    t, u = schur(low, eq, a)

    def back(t: Any, u: Any) -> list[Any]:
        y = u @ FUNCTIONS[name](mT(mT(wnp.triu(t)))) @ mH(u)
        size = wnp.max(wnp.abs(y), axis=(-2, -1))
        is_real = wnp.max(wnp.abs(wnp.imag(y)), axis=(-2, -1)) <= 100 * y.shape[-1] * np.finfo(y.dtype).eps * size
        return [y, is_real]

    y, is_real = computed(low, back, t, u)
    if x.dtype.kind == "c":
        return y
    check_real(low, eq, low.copy(is_real), name)
    (real,) = computed(low, lambda y: [wnp.real(y)], y)
    return real


def check_real(low: Lowering, eq: Equation, is_real: View, name: str) -> None:
    """The program stops where the function of a real matrix is complex."""

    def body(f: Any, refs: Sequence[Ref]) -> None:
        stop_if(f, f.emit(f"xor i1 {f.load(refs[0])}, true"), (COMPLEX, name))

    on_matrices(low, eq, "real", [is_real], [is_real], (0, 0), body)
