"""Factorisations: Cholesky with its update, LU, QR, polar."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ...control import scan
from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...numpy.ufuncs import broadcast_shapes, to_dtype
from ...primitives import linalg as p
from ...primitives import linalg_functions as functions
from ...primitives.contract import matmul
from .common import columns, known, refuse, transposed

__all__ = [
    "cho_factor", "cho_solve", "cholesky", "cholesky_update", "lu", "lu_factor", "lu_solve",
    "orthogonal_procrustes", "polar", "qr",
]  # fmt: skip


@implements(sl.cholesky)
def cholesky(a: Any, lower: bool = False, *_: Any, **ignored: Any) -> Any:
    """U upper with A = U^H U, or L lower with A = L L^H."""
    return nl.cholesky(a, upper=not lower)


@implements(sl.cho_factor)
def cho_factor(a: Any, lower: bool = False, *_: Any, **ignored: Any) -> Any:
    """What cho_solve takes: a factor, and whether it is the lower one. Its other triangle is zero here."""
    return cholesky(a, lower), lower


@implements(sl.cho_solve)
def cho_solve(c_and_lower: Any, b: Any, *_: Any, **ignored: Any) -> Any:
    """X with A X = B, from the factors of cho_factor."""
    c, lower = c_and_lower
    c, b, back = columns(c, b)
    low = c if lower else p.mH(c)
    y = p.solve_triangular(low, b, lower=True, unit=False)
    return back(p.solve_triangular(p.mH(low), y, lower=False, unit=False))


@implements(sl.lu)
def lu(a: Any, permute_l: bool = False, *_: Any, p_indices: bool = False, **ignored: Any) -> Any:
    """A = P L U with a permutation P."""
    permutation, low, up = functions.lu(known(nl._matrix(a)))
    if permute_l:
        return matmul(permutation, low), up
    return (np.argmax(permutation, axis=-1) if p_indices else permutation), low, up


@implements(sl.lu_factor)
def lu_factor(a: Any, *_: Any, **ignored: Any) -> Any:
    """What lu_solve takes: L and U in one matrix, and the rows that were exchanged."""
    permutation, low, up = functions.lu(known(nl._square(a)))
    n = low.shape[-1]
    return p.masked(np.tri(n, k=-1), low) + up, _Order(np.argmax(permutation, axis=-2))


class _Order:
    """The order of rows of a factorisation of a traced matrix."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows


@implements(sl.lu_solve)
def lu_solve(lu_and_piv: Any, b: Any, trans: Any = 0, *_: Any, **ignored: Any) -> Any:
    """X with A X = B (A^T X = B, A^H X = B), from the factors of lu_factor."""
    factors, piv = lu_and_piv
    factors, b, back = columns(factors, b)
    rows = piv.rows if isinstance(piv, _Order) else _rows(piv)
    kind, exchanged = transposed(factors, trans)
    if not exchanged:
        y = p.solve_triangular(factors, np.take(b, rows, axis=0), lower=True, unit=True)
        return back(p.solve_triangular(factors, y, lower=False, unit=False))
    y = p.solve_triangular(kind, b, lower=True, unit=False)
    return back(np.take(p.solve_triangular(kind, y, lower=False, unit=True), np.argsort(rows), axis=0))


def _rows(piv: Any) -> Any:
    """LAPACK's exchanges, one after another, as an order of rows."""
    rows = np.arange(len(piv))
    for i, j in enumerate(piv):
        rows[i], rows[j] = rows[j], rows[i]
    return rows


@implements(sl.qr)
def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False, **_: Any
) -> Any:
    """A = Q R."""
    refuse("qr", "pivoting", bool(pivoting), False, "qr(a[:, order]) with the order of the columns from a plain call")
    q, r = nl.qr(a, "complete" if mode == "full" else "reduced")
    return (r,) if mode == "r" else (q, r)


@implements(sl.polar)
def polar(a: Any, side: str = "right") -> Any:
    """A = U P (side right) or P U (left), U with orthonormal columns or rows, P positive semidefinite."""
    w, s, vh = nl.svd(a, full_matrices=False)
    if side not in ("left", "right"):
        raise ValueError("`side` must be either 'right' or 'left'")
    left, right = (p.mH(vh), vh) if side == "right" else (w, p.mH(w))
    return matmul(w, vh), matmul(left * s[..., None, :], right)


def cholesky_update(c: Any, v: Any, sign: int = 1, *, lower: bool = True) -> Any:
    """The Cholesky factor of A + v v^H (sign 1) or A - v v^H (sign -1), from that of A, in O(n^2).

    Law: `L1 L1^H = L L^H + sign v v^H`, (..., n, n), (..., n) -> (..., n, n); with lower=False `U1^H U1`. One rotation
    for each column, `r^2 = l_jj^2 + sign |v_j|^2`, a hyperbolic one for downdates: Golub and Van Loan, Matrix
    computations, 6.5.4. The same O(n^2) forwards and backwards. The other triangle of L is not read. Raises LinAlgError
    where A - v v^H is not positive definite. SciPy has no such function.

    >>> import numpy as np
    >>> import wengert as wg
    >>> L = np.array([[2.0, 0.0], [1.0, 3.0]])
    >>> L1 = wg.scipy.linalg.cholesky_update(L, np.array([1.0, 2.0]))
    >>> L1 @ L1.T
    array([[ 5.,  4.],
           [ 4., 14.]])
    """
    if sign not in (1, -1):
        raise ValueError(f"sign is 1 for an update and -1 for a downdate, not {sign!r}")
    c, v = nl._floating(c, v)
    dtype = np.result_type(c.dtype, v.dtype)
    c, v = to_dtype(nl._square(c), dtype), to_dtype(v, dtype)
    low = c if lower else p.mH(c)
    n = low.shape[-1]
    if not v.shape or v.shape[-1] != n:
        raise ValueError(f"a factor of {n} rows needs vectors of {n} elements, found {tuple(v.shape)}")
    lead = broadcast_shapes("cholesky_update", low.shape[:-2], v.shape[:-1])
    low, v = nl.stretch(low, (*lead, n, n)), nl.stretch(v, (*lead, n))
    if not n:
        return c

    def column(v: Any, row: tuple[Any, Any]) -> tuple[Any, Any]:
        here, old = row
        d, w = (np.sum(np.where(here, x, 0), axis=-1, keepdims=True) for x in (old, v))
        square = np.real(d) ** 2 + sign * np.real(w * np.conj(w))
        r = p.cholesky(square[..., None])[..., 0]
        new = np.where(here, r, (d * old + sign * np.conj(w) * v) / r)
        return np.where(here, 0, (r * v - w * new) / d), new

    _, columns_ = scan(column, v, (np.eye(n, dtype=bool), np.moveaxis(np.tril(low), -1, 0)))
    low = np.moveaxis(columns_, 0, -1)
    return low if lower else p.mH(low)


@implements(sl.orthogonal_procrustes)
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """(R, sum s): the orthogonal R with |A R - B| least, R = U V^T of B^T A = V diag(s) U^T (P. Schonemann, 1966)."""
    a, b = nl._floating(A, B)
    if len(a.shape) != 2 or tuple(a.shape) != tuple(b.shape):
        raise ValueError(f"the shapes of A and B differ ({tuple(a.shape)} vs {tuple(b.shape)})")
    u, s, vt = nl.svd(matmul(p.mH(a), b), full_matrices=False)
    return matmul(u, vt), np.sum(s)
