"""scipy.linalg on traced arrays. SciPy lets nobody intercept these functions, so they have to be called from here.

On plain arrays each is SciPy's own. Arguments that say how to compute (overwrite_a, check_finite, lapack_driver) have
no meaning for traced arrays and are ignored there. Functions that are missing are SciPy's, and refuse traced arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl
from scipy.linalg import LinAlgError

from ..errors import UnsupportedFunctionError
from ..numpy import linalg as nl
from ..numpy.dispatch import any_traced, implements, unsupported_argument
from ..numpy.products import arrays
from ..numpy.ufuncs import to_dtype
from ..primitives import linalg as p
from ..primitives import linalg_functions as functions
from ..primitives import linalg_spectral as spectral
from ..primitives.contract import matmul, mT
from ..primitives.shape import reshape

__all__ = [
    "LinAlgError", "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "coshm", "cosm", "det", "eig",
    "eigh", "eigvals", "eigvalsh", "expm", "expm_frechet", "hankel", "inv", "khatri_rao", "logm", "lstsq", "lu",
    "lu_factor", "lu_solve", "norm", "pinv", "polar", "qr", "sinhm", "sinm", "solve", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_sylvester", "solve_triangular", "sqrtm", "svd", "svdvals", "tanhm", "tanm",
    "toeplitz",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    f = getattr(sl, name)
    if not callable(f) or isinstance(f, type):
        return f

    @functools.wraps(f)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if any_traced(args) or any_traced(kwargs.values()):
            raise UnsupportedFunctionError(
                f"scipy.linalg.{name} is not differentiated",
                why="it has no derivative rule here",
                write="compose it of functions that wengert.scipy.linalg or numpy.linalg have, or give it a derivative "
                "with wg.custom_jvp or wg.custom_vjp",
            )
        return f(*args, **kwargs)

    return guarded


_LAPACK = {"e": np.float32, "g": np.float64, "G": np.complex128}


def _known(a: Any) -> Any:
    """A matrix in a format of LAPACK's: half precision as single, extended as double."""
    return to_dtype(a, np.dtype(_LAPACK[a.dtype.char])) if a.dtype.char in _LAPACK else a


def _refuse(name: str, argument: str, value: Any, default: Any, write: str) -> None:
    if value is not default and value != default:
        raise unsupported_argument(f"scipy.linalg.{name}", argument, value, write)


# systems ---------------------------------------------------------------------------------------------------------
def _columns(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Matrix and right side of one dtype, the latter as columns, and how to give the result the shape of b."""
    a, b = nl._floating(a, b)
    a = nl._square(a)
    if len(b.shape) == 1:
        return a, reshape(b, shape=(*b.shape, 1)), lambda x: reshape(x, shape=x.shape[:-1])
    return a, b, lambda x: x


def _transposed(a: Any, trans: Any) -> tuple[Any, bool]:
    """The matrix that trans (0 or N, 1 or T, 2 or C) asks for, and whether its triangles are exchanged."""
    kind = {0: "N", 1: "T", 2: "C"}.get(trans, trans)
    return {"N": a, "T": mT(a), "C": p.mH(a)}[kind], kind != "N"


@implements(sl.solve)
def solve(a: Any, b: Any, lower: bool = False, *_: Any, transposed: bool = False, **ignored: Any) -> Any:
    """X with A X = B. `assume_a` and `lower` say how SciPy computes; A itself must be what they promise."""
    return nl.solve(mT(nl._square(a)) if transposed else a, b)


@implements(sl.solve_triangular)
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, *_: Any, **ignored: Any
) -> Any:
    """X with T X = B for a triangular matrix, of which the other triangle is not read."""
    a, b, back = _columns(a, b)
    a, exchanged = _transposed(a, trans)
    return back(p.solve_triangular(a, b, lower=bool(lower) != exchanged, unit=bool(unit_diagonal)))


@implements(sl.inv)
def inv(a: Any, *_: Any, **ignored: Any) -> Any:
    """A^-1."""
    return nl.inv(a)


@implements(sl.det)
def det(a: Any, *_: Any, **ignored: Any) -> Any:
    """The determinant."""
    return nl.det(a)


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


@implements(sl.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """X with A X A^H - X + Q = 0: a linear system for the elements of X."""
    a, q = nl._floating(a, q)
    n = a.shape[-1]
    left = np.eye(n * n, dtype=a.dtype) - np.kron(a, p.conj(a) if a.dtype.kind == "c" else a)
    return reshape(p.solve(left, reshape(q, shape=(n * n, 1))), shape=(n, n))


# factorisations --------------------------------------------------------------------------------------------------
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
    c, b, back = _columns(c, b)
    low = c if lower else p.mH(c)
    y = p.solve_triangular(low, b, lower=True, unit=False)
    return back(p.solve_triangular(p.mH(low), y, lower=False, unit=False))


@implements(sl.lu)
def lu(a: Any, permute_l: bool = False, *_: Any, p_indices: bool = False, **ignored: Any) -> Any:
    """A = P L U with a permutation P."""
    permutation, low, up = functions.lu(_known(nl._matrix(a)))
    if permute_l:
        return matmul(permutation, low), up
    return (np.argmax(permutation, axis=-1) if p_indices else permutation), low, up


@implements(sl.lu_factor)
def lu_factor(a: Any, *_: Any, **ignored: Any) -> Any:
    """What lu_solve takes: L and U in one matrix, and the rows that were exchanged."""
    permutation, low, up = functions.lu(_known(nl._square(a)))
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
    factors, b, back = _columns(factors, b)
    rows = piv.rows if isinstance(piv, _Order) else _rows(piv)
    kind, exchanged = _transposed(factors, trans)
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
    _refuse("qr", "pivoting", bool(pivoting), False, "qr(a[:, order]) with the order of the columns from a plain call")
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


# eigenvalues and singular values ---------------------------------------------------------------------------------
@implements(sl.eigh)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    type: int = 1,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    **ignored: Any,
) -> Any:
    """A V = V diag(w); with a positive definite B, A V = B V diag(w) and V^H B V = 1, through B = L L^H."""
    _refuse("eigh", "type", type, 1, "type=1")
    _refuse("eigh", "subset_by_value", subset_by_value, None, "subset_by_index")
    low = None
    if b is not None:
        a, b = nl._floating(a, b)
        low = nl.cholesky(b)
        a = p.solve_triangular(low, p.hermitian_part(a), lower=True, unit=False)
        a = p.mH(p.solve_triangular(low, p.mH(a), lower=True, unit=False))
    chosen = slice(None) if subset_by_index is None else slice(int(subset_by_index[0]), int(subset_by_index[1]) + 1)
    if eigvals_only:
        return nl.eigvalsh(a, "L" if lower else "U")[..., chosen]
    w, v = nl.eigh(a, "L" if lower else "U")
    if low is not None:
        v = p.solve_triangular(p.mH(low), v, lower=False, unit=False)
    return w[..., chosen], v[..., chosen]


@implements(sl.eigvalsh)
def eigvalsh(a: Any, b: Any = None, **arguments: Any) -> Any:
    """The eigenvalues that eigh finds."""
    return eigh(a, b, eigvals_only=True, **arguments)


@implements(sl.eig)
def eig(a: Any, b: Any = None, left: bool = False, right: bool = True, *_: Any, **ignored: Any) -> Any:
    """A V = V diag(w), w complex."""
    _refuse("eig", "b", b, None, "eig(solve(b, a))")
    _refuse("eig", "left", bool(left), False, "the rows of inv(v)")
    a = nl._square(a)
    w, v = spectral.eig(a)
    return (w, nl._real_if_real(a, w, v)[1]) if right else w


@implements(sl.eigvals)
def eigvals(a: Any, b: Any = None, *_: Any, **ignored: Any) -> Any:
    """The eigenvalues of a square matrix, as complex numbers."""
    _refuse("eigvals", "b", b, None, "eigvals(solve(b, a))")
    return spectral.eigvals(nl._square(a))


@implements(sl.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, *_: Any, **ignored: Any) -> Any:
    """A = U diag(s) V^H."""
    y = nl.svd(a, full_matrices, compute_uv)
    return tuple(y) if compute_uv else y


@implements(sl.svdvals)
def svdvals(a: Any, *_: Any, **ignored: Any) -> Any:
    """The singular values, descending."""
    return nl.svdvals(a)


# least squares and norms -----------------------------------------------------------------------------------------
@implements(sl.lstsq)
def lstsq(a: Any, b: Any, cond: Any = None, *_: Any, **ignored: Any) -> Any:
    """(x, residuals, rank, s)."""
    return nl.lstsq(a, b, cond)


@implements(sl.pinv)
def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, **ignored: Any) -> Any:
    """A^+."""
    _refuse("pinv", "atol", atol, None, "rtol, relative to the largest singular value")
    y = nl.pinv(a, rtol=rtol)
    return (y, nl.matrix_rank(a, rtol=rtol)) if return_rank else y


@implements(sl.norm)
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    """Norms of vectors and matrices."""
    return nl.norm(a, ord, axis, keepdims)


# functions of a matrix -------------------------------------------------------------------------------------------
def _function(name: str) -> Callable[..., Any]:
    def f(A: Any, *_: Any, **ignored: Any) -> Any:
        return functions.matrix_function(_known(nl._square(A)), name=name)

    f.__name__ = name
    f.__doc__ = f"{name[:-1]}(A), the function of a matrix; its derivative is a block of its value at [[A, E], [0, A]]."
    return implements(getattr(sl, name))(f)


expm, logm, sqrtm, sinm, cosm, tanm, sinhm, coshm, tanhm = map(_function, functions.FUNCTIONS)


@implements(sl.expm_frechet)
def expm_frechet(A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True) -> Any:
    """(exp(A), L(A, E)): the exponential and its derivative in direction E."""
    a, e = map(_known, nl._floating(A, E))
    slope = functions.matrix_function_slope(a, e, name="expm")
    return (functions.matrix_function(a, name="expm"), slope) if compute_expm else slope


# special matrices ------------------------------------------------------------------------------------------------
@implements(sl.block_diag)
def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal of one matrix."""
    blocks = [x if len(x.shape) == 2 else reshape(x, shape=(1, int(np.prod(x.shape)))) for x in arrays(*arrs)]
    zeros = [[np.zeros((x.shape[0], y.shape[1]), x.dtype) for y in blocks] for x in blocks]
    return np.block([[x if i == j else zeros[i][j] for j in range(len(blocks))] for i, x in enumerate(blocks)])


@implements(sl.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """Constant along diagonals: first column c, first row r (by default conj(c))."""
    c = np.ravel(arrays(c)[0])
    c, r = arrays(c, np.conj(c) if r is None else np.ravel(arrays(r)[0]))
    m, n = c.shape[0], r.shape[0]
    values = np.concatenate([c[::-1], r[1:]])
    return values[np.arange(m - 1, -1, -1)[:, None] + np.arange(n)]


@implements(sl.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """Constant along the other diagonals: first column c, last row r (by default zeros)."""
    c = np.ravel(arrays(c)[0])
    c, r = arrays(c, np.zeros(c.shape, c.dtype) if r is None else np.ravel(arrays(r)[0]))
    return np.concatenate([c, r[1:]])[np.arange(c.shape[0])[:, None] + np.arange(r.shape[0])]


@implements(sl.circulant)
def circulant(c: Any) -> Any:
    """Each column is the one before it, moved down by one."""
    (c,) = arrays(c)
    n = c.shape[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % n]


@implements(sl.khatri_rao)
def khatri_rao(a: Any, b: Any) -> Any:
    """The Kronecker products of the columns."""
    a, b = arrays(a, b)
    y = np.einsum("...ik,...jk->...ijk", a, b)
    return reshape(y, shape=(*y.shape[:-3], y.shape[-3] * y.shape[-2], y.shape[-1]))
