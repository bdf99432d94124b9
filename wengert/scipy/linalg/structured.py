"""Matrices that vectors determine: Toeplitz, circulant, Hankel, blocks; products and systems with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl
from scipy.linalg import LinAlgError

from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...numpy.products import arrays
from ...numpy.statistics import is_true_of_any
from ...primitives.linalg_toeplitz import solve_toeplitz as solve_primitive
from ...primitives.linalg_toeplitz import toeplitz_product
from ...primitives.shape import reshape

__all__ = [
    "block_diag", "circulant", "companion", "convolution_matrix", "hankel", "khatri_rao", "leslie", "matmul_toeplitz",
    "solve_circulant", "solve_toeplitz", "toeplitz",
]  # fmt: skip


@implements(sl.block_diag)
def block_diag(*arrs: Any) -> Any:
    """Matrices along the diagonal of one matrix."""
    blocks = [x if len(x.shape) == 2 else reshape(x, shape=(1, int(np.prod(x.shape)))) for x in arrays(*arrs)]
    zeros = [[np.zeros((x.shape[0], y.shape[1]), x.dtype) for y in blocks] for x in blocks]
    return np.block([[x if i == j else zeros[i][j] for j in range(len(blocks))] for i, x in enumerate(blocks)])


def _first_and_last(c: Any, r: Any, otherwise: Callable[[Any], Any]) -> list[Any]:
    """Two vectors of one dtype, or stacks of them."""
    c = np.atleast_1d(arrays(c)[0])
    return arrays(c, otherwise(c) if r is None else np.atleast_1d(arrays(r)[0]))


@implements(sl.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """Constant along diagonals: first column c, first row r (by default conj(c)). (..., m), (..., n) -> (..., m, n)."""
    c, r = _first_and_last(c, r, np.conj)
    m, n = c.shape[-1], r.shape[-1]
    values = np.concatenate([c[..., ::-1], r[..., 1:]], axis=-1)
    return values[..., np.arange(m - 1, -1, -1)[:, None] + np.arange(n)]


@implements(sl.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """Constant along the other diagonals: first column c, last row r (by default zeros)."""
    c, r = _first_and_last(c, r, lambda c: np.zeros(c.shape, c.dtype))
    values = np.concatenate([c, r[..., 1:]], axis=-1)
    return values[..., np.arange(c.shape[-1])[:, None] + np.arange(r.shape[-1])]


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


@implements(sl.companion)
def companion(a: Any) -> Any:
    """The matrix whose characteristic polynomial has coefficients a: first row -a[1:]/a[0], ones below the diagonal."""
    (a,) = arrays(a)
    n = a.shape[-1] - 1
    below = np.broadcast_to(np.eye(n - 1, n, dtype=a.dtype), (*a.shape[:-1], n - 1, n))
    return np.concatenate([(-a[..., 1:] / a[..., :1])[..., None, :], below], axis=-2)


@implements(sl.leslie)
def leslie(f: Any, s: Any) -> Any:
    """Fecundities f in the first row, survival s below the diagonal."""
    f, s = arrays(f, s)
    n = f.shape[-1]
    below = np.eye(n - 1, n, dtype=s.dtype) * s[..., :, None]
    return np.concatenate([f[..., None, :], below], axis=-2)


@implements(sl.convolution_matrix)
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """The matrix of np.convolve(a, v, mode) for v of length n."""
    (a,) = arrays(a)
    m, n = a.shape[-1], int(n)
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"'mode' argument must be one of ('full', 'valid', 'same'), not {mode!r}")
    padded = np.pad(a, [(0, 0)] * (len(a.shape) - 1) + [(n - 1, n - 1)])
    first = {"full": 0, "same": (min(m, n) - 1) // 2, "valid": min(m, n) - 1}[mode]
    count = {"full": m + n - 1, "same": max(m, n), "valid": max(m, n) - min(m, n) + 1}[mode]
    return padded[..., np.arange(first, first + count)[:, None] + (n - 1) - np.arange(n)]


# products and systems --------------------------------------------------------------------------------------------
def _column_and_row(c_or_cr: Any, x: Any) -> list[Any]:
    """c, r and columns, in one dtype."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, np.conj(arrays(c_or_cr)[0]))
    c, r, x = map(np.atleast_1d, nl._floating(*arrays(c, r, x)))
    return [c, r, reshape(x, shape=(*x.shape, 1)) if len(x.shape) == 1 else x]


@implements(sl.matmul_toeplitz)
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    """T X for the Toeplitz matrix with first column c and first row r: a convolution."""
    c, r, columns = _column_and_row(c_or_cr, x)
    y = toeplitz_product(c, r, columns)
    return y[..., 0] if np.ndim(x) < 2 else y


@implements(sl.solve_toeplitz)
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """X with T X = B by Levinson's recursion, O(n^2); T has first column c and first row r (by default conj(c))."""
    c, r, columns = _column_and_row(c_or_cr, b)
    x = solve_primitive(c, r, columns)
    return x[..., 0] if np.ndim(b) < 2 else x


@implements(sl.solve_circulant)
def solve_circulant(
    c: Any, b: Any, singular: str = "raise", tol: Any = None, caxis: int = -1, baxis: int = 0, outaxis: int = 0
) -> Any:
    """X with C X = B for the circulant matrix with first column c: a quotient of Fourier transforms.

    Raises LinAlgError where C is singular (its spectrum not beyond tol); singular="lstsq" solves by C^+ there, whose
    derivative holds where the rank is constant. Under `wg.jit` singular matrices give infinities.
    """
    c, b = np.atleast_1d(arrays(c)[0]), np.atleast_1d(arrays(b)[0])
    if c.shape[caxis] != b.shape[baxis]:
        raise ValueError(f"Shapes of c {tuple(c.shape)} and b {tuple(b.shape)} are incompatible")
    if 0 in b.shape:
        return np.zeros(b.shape, np.result_type(c.dtype, b.dtype, np.float32))
    is_real = c.dtype.kind != "c" and b.dtype.kind != "c"
    spectrum = np.fft.fft(np.moveaxis(c, caxis, -1))
    size = np.abs(spectrum)
    if tol is None:
        tol = np.max(size, axis=-1, keepdims=True) * c.shape[caxis] * np.finfo(np.float64).eps
    zero = size <= tol
    if singular == "raise" and is_true_of_any(zero):
        raise LinAlgError("near singular circulant matrix.")
    if singular != "raise":
        spectrum = np.where(zero, 1, spectrum)
    quotient = np.fft.fft(np.moveaxis(b, baxis, -1)) / spectrum
    x = np.fft.ifft(quotient if singular == "raise" else np.where(zero, 0, quotient))
    return np.moveaxis(np.real(x) if is_real else x, -1, outaxis)
