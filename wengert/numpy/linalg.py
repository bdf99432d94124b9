"""numpy.linalg on traced arrays: names, arguments, results and errors are NumPy's."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ..core.trace import constant
from ..errors import AbstractValueError
from ..primitives import linalg as p
from ..primitives import linalg_det as determinants
from ..primitives import linalg_lstsq as least
from ..primitives import linalg_spectral as spectral
from ..primitives.contract import matmul as matmul_pair
from ..primitives.contract import mT
from ..primitives.elementwise import equal, imag, real
from ..primitives.linalg import regular
from ..primitives.shape import reshape, sum_, transpose
from ..transforms import split as _split  # noqa: F401  repeated eigenvalues are told apart from here on
from . import products
from .dispatch import implements, normalize_axis, unsupported_argument
from .linalg_products import (
    cross,
    diagonal,
    matmul,
    matrix_transpose,
    multi_dot,
    outer,
    tensordot,
    trace,
    vecdot,
)
from .products import arrays, moved
from .ufuncs import broadcast_shapes, stretch, to_dtype

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq",
    "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv",
    "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot",
    "vector_norm",
]  # fmt: skip

_ONE = np.eye(1)
EigResult, EighResult = type(np.linalg.eig(_ONE)), type(np.linalg.eigh(_ONE))
QRResult: Any = type(np.linalg.qr(_ONE))
SVDResult: Any = type(np.linalg.svd(_ONE))
SlogdetResult: Any = type(np.linalg.slogdet(_ONE))


# operands --------------------------------------------------------------------------------------------------------
def _floating(*xs: Any) -> list[Any]:
    """Operands as arrays of one floating-point dtype."""
    found = arrays(*xs)
    if found[0].dtype.kind in "fc":
        return found
    return [to_dtype(x, np.dtype(np.float64)) for x in found]


def _matrix(a: Any) -> Any:
    """A stack of matrices."""
    (a,) = _floating(a)
    if len(a.shape) < 2:
        raise LinAlgError(f"{len(a.shape)}-dimensional array given. Array must be at least two-dimensional")
    return a


def _square(a: Any) -> Any:
    """A stack of square matrices."""
    a = _matrix(a)
    if a.shape[-1] != a.shape[-2]:
        raise LinAlgError("Last 2 dimensions of the array must be square")
    return a


def _hashable(x: Any) -> Any:
    """A number or array as nested tuples: a parameter of a primitive."""
    x = np.asarray(x).tolist()
    return tuple(map(_hashable, x)) if isinstance(x, list) else x


def _lower(UPLO: str) -> bool:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return UPLO.upper() == "L"


# systems ---------------------------------------------------------------------------------------------------------
@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """X with A X = B."""
    a, b = _floating(a, b)
    a = _square(a)
    vector = len(b.shape) == 1
    if vector:
        b = reshape(b, shape=(*b.shape, 1))
    if len(b.shape) < 2 or b.shape[-2] != a.shape[-1]:
        raise products.misfit("solve", "the right side needs as many rows as the matrix", a.shape, b.shape)
    if len(a.shape) == 2 < len(b.shape):
        return p.shared(p.solve, a, b)
    stack = broadcast_shapes("solve", a.shape[:-2], b.shape[:-2])
    x = p.solve(stretch(a, (*stack, *a.shape[-2:])), stretch(b, (*stack, *b.shape[-2:])))
    return reshape(x, shape=x.shape[:-1]) if vector else x


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """A^-1."""
    return p.inv(_square(a))


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant; its gradient, the matrix of cofactors, is finite at singular matrices too."""
    return determinants.det(_square(a))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """(sign, log|det|), det A = sign exp(log|det|)."""
    return SlogdetResult(*determinants.slogdet(_square(a)))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """X with tensordot(A, X, X.ndim) = B."""
    a, b = _floating(a, b)
    if axes is not None:
        order = list(range(len(a.shape)))
        for k in axes:
            order.remove(k)
            order.append(k)
        a = transpose(a, axes=tuple(order))
    shape = tuple(a.shape[len(b.shape) :])
    n = int(np.prod(shape))
    if int(np.prod(a.shape)) != n * n:
        raise LinAlgError("Input arrays must satisfy prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])")
    return reshape(p.solve(reshape(a, shape=(n, n)), reshape(b, shape=(n, 1))), shape=shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse with respect to tensordot(A, ., ind)."""
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    (a,) = _floating(a)
    n = int(np.prod(a.shape[ind:]))
    flat = _square(reshape(a, shape=(n, int(np.prod(a.shape)) // n if n else 0)))
    return reshape(p.inv(flat), shape=(*a.shape[ind:], *a.shape[:ind]))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """A^n for an integer n, by squaring; of A^-1 for negative n."""
    (a,) = arrays(a)
    n = operator.index(n)
    _square(a)
    if n == 0:
        return constant(np.array(np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)))
    square = a if n > 0 else inv(a)
    result, n = None, abs(n)
    while True:
        if n & 1:
            result = square if result is None else matmul_pair(result, square)
        n >>= 1
        if not n:
            return result
        square = matmul_pair(square, square)


# factorisations --------------------------------------------------------------------------------------------------
@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """L lower with A = L L^H (U = L^H if upper). NumPy reads one triangle; A_dot counts by its Hermitian part."""
    a = _square(a)
    return p.mH(p.cholesky(p.mH(a))) if upper else p.cholesky(a)


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """A = Q R with orthonormal columns Q and triangular R."""
    a = _matrix(a)
    if mode not in ("reduced", "r", "complete"):
        if mode in ("raw", "economic", "e", "f", "full"):
            raise unsupported_argument("numpy.linalg.qr", "mode", mode, "mode='reduced'")
        raise ValueError(f"Unrecognized mode '{mode}'")
    if mode == "complete" and a.shape[-2] > a.shape[-1]:
        raise unsupported_argument("numpy.linalg.qr", "mode", mode, "mode='reduced': the other columns are arbitrary")
    q, r = p.qr(a)
    return r if mode == "r" else QRResult(q, r)


# eigenvalues and singular values ---------------------------------------------------------------------------------
@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """A = V diag(w) V^H for Hermitian A. NumPy reads one triangle; A_dot counts by its Hermitian part."""
    return EighResult(*spectral.eigh(_square(a), lower=_lower(UPLO)))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """The eigenvalues of a Hermitian matrix, ascending."""
    return spectral.eigvalsh(_square(a), lower=_lower(UPLO))


def _real_if_real(a: Any, w: Any, *others: Any) -> list[Any]:
    """NumPy's dtype: real where A and all eigenvalues are; complex where that cannot be known."""
    try:
        if a.dtype.kind == "c" or not bool(np.all(equal(imag(w), 0.0))):
            return [w, *others]
    except AbstractValueError:
        return [w, *others]
    return [real(x) for x in (w, *others)]


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """A V = V diag(w), the columns of V of norm one."""
    a = _square(a)
    return EigResult(*_real_if_real(a, *spectral.eig(a)))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """The eigenvalues of a square matrix."""
    a = _square(a)
    return _real_if_real(a, spectral.eigvals(a))[0]


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """A = U diag(s) V^H, s descending."""
    a = _square(a) if hermitian else _matrix(a)
    if not compute_uv:
        return spectral.svdvals(a, hermitian=bool(hermitian))
    full = bool(full_matrices) and a.shape[-1] != a.shape[-2]
    u, s, vh = spectral.svd(a, full=full, hermitian=bool(hermitian))
    return SVDResult(u, s, vh)


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """The singular values, descending."""
    return spectral.svdvals(_matrix(x), hermitian=False)


# least squares ---------------------------------------------------------------------------------------------------
@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    """A^+, the pseudo-inverse; its derivative holds where the rank is constant."""
    a = _matrix(a)
    if rcond is None:
        by_size = max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
        rcond = 1e-15 if rtol is np._NoValue else by_size if rtol is None else rtol
    elif rtol is not np._NoValue:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    return least.pinv(a, rcond=_hashable(rcond), hermitian=bool(hermitian))


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """(x, residuals, rank, s): x of least norm among the minimisers of |A x - b|."""
    a, b = _floating(a, b)
    vector = len(b.shape) == 1
    if vector:
        b = reshape(b, shape=(*b.shape, 1))
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise LinAlgError("lstsq needs a two-dimensional matrix and one or two dimensions at the right side")
    m, n = a.shape
    if b.shape[0] != m:
        raise LinAlgError("Incompatible dimensions")
    if rcond is None:
        rcond = max(m, n) * float(np.finfo(a.dtype).eps)
    x, s = least.lstsq(a, b, rcond=float(rcond))
    rank = least.matrix_rank(a, hermitian=False, rtol=float(rcond))
    residuals = constant(np.empty(0, p.real_dtype(a.dtype)))
    if m > n and _has_rank(rank, n):
        r = b - matmul_pair(a, x)
        residuals = sum_(real(r * p.mH(mT(r))) if r.dtype.kind == "c" else r * r, axis=(0,))
    return reshape(x, shape=(n,)) if vector else x, residuals, rank, s


def _has_rank(rank: Any, n: int) -> bool:
    try:
        return bool(rank == n)
    except AbstractValueError:  # many matrices at once: their ranks are taken as full
        return True


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of singular values above tol: an integer, without derivative."""
    (a,) = _floating(A)
    if len(a.shape) < 2:
        return np.any(a != 0).astype(int) if a.shape else (a != 0) * 1
    params = {name: _hashable(x) for name, x in (("tol", tol), ("rtol", rtol)) if x is not None}
    return least.matrix_rank(a, hermitian=bool(hermitian), **params)


# norms -----------------------------------------------------------------------------------------------------------
@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """(sum |x_i|^p)^(1/p) of vectors, norms of matrices. At 0 its derivative is 0; extrema share among ties."""
    (x,) = _floating(x)
    n = len(x.shape)
    if axis is None and (ord is None or (ord in ("f", "fro") and n == 2) or (ord == 2 and n == 1)):
        return _kept(least.norm(x, axis=tuple(range(n)), p=2), x, tuple(range(n)), keepdims)
    if axis is None:
        axis = tuple(range(n))
    axes = axis if isinstance(axis, tuple) else (_integer(axis),)
    normalized = normalize_axis(axes, n)
    if len(axes) == 1:
        return _vector_norm(x, ord, normalized, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    return _kept(_matrix_norm(moved(x, axes, (-2, -1)), ord), x, normalized, keepdims)


def _integer(axis: Any) -> int:
    try:
        return operator.index(axis)
    except TypeError:
        raise TypeError("'axis' must be None, an integer or a tuple of integers") from None


def _kept(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A reduced array with axes of length one where they were, if they are asked for."""
    return reshape(y, shape=tuple(1 if i in axis else n for i, n in enumerate(x.shape))) if keepdims else y


def _largest(x: Any, axis: Any) -> Any:
    return np.max(x, axis=axis) if 0 not in x.shape else np.max(x, axis=axis, initial=0)


def _vector_norm(x: Any, ord: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The norm over one axis (several, for ord 2)."""
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord is None or ord == 2:
        y = least.norm(x, axis=axis, p=2)
    elif ord == np.inf:
        y = _largest(np.abs(x), axis)
    elif ord == -np.inf:
        y = np.min(np.abs(x), axis=axis)
    elif ord == 0:
        y = np.sum(to_dtype(x != 0, p.real_dtype(x.dtype)), axis=axis)
    elif ord == 1:
        y = np.sum(np.abs(x), axis=axis)
    else:
        y = least.norm(x, axis=axis, p=float(ord))
    return _kept(y, x, axis, keepdims)


def _matrix_norm(x: Any, ord: Any) -> Any:
    """The norm of each matrix of a stack."""
    n = len(x.shape)
    if ord in (None, "fro", "f"):
        return least.norm(x, axis=(n - 2, n - 1), p=2)
    if ord == "nuc":
        return np.sum(spectral.svdvals(x, hermitian=False), axis=-1)
    if isinstance(ord, str) or abs(ord) not in (1, 2, np.inf):
        raise ValueError("Invalid norm order for matrices.")
    if abs(ord) == 2:
        values = spectral.svdvals(x, hermitian=False)
    else:
        values = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
    return _largest(values, -1) if ord > 0 else np.min(values, axis=-1)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of the elements over any number of axes."""
    (x,) = _floating(x)
    n = len(x.shape)
    axes = normalize_axis(axis, n)
    if len(axes) == 1 or ord == 2:
        return _vector_norm(x, ord, axes, keepdims)
    rest = tuple(i for i in range(n) if i not in axes)
    flat = transpose(x, axes=(*axes, *rest))
    flat = reshape(flat, shape=(-1 if 0 not in x.shape else 0, *flat.shape[len(axes) :]))
    return _kept(_vector_norm(flat, ord, (0,), False), x, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of each matrix."""
    return norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """|A| |A^-1|; singular matrices have no derivative."""
    x = _matrix(x)
    if 0 in x.shape[-2:]:
        raise LinAlgError("cond is not defined on empty arrays")
    if p is None or p in (2, -2):
        s = spectral.svdvals(x, hermitian=False)
        with np.errstate(all="ignore"):
            if p == -2:
                return s[..., -1] / s[..., 0]
            return s[..., 0] / regular(s[..., -1], what="numpy.linalg.cond")
    x = _square(x)
    return norm(x, p, axis=(-2, -1)) * norm(inv(x), p, axis=(-2, -1))
