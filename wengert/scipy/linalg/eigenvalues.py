"""Eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...primitives import linalg as p
from ...primitives import linalg_spectral as spectral
from .common import refuse

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals"]


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
    refuse("eigh", "type", type, 1, "type=1")
    refuse("eigh", "subset_by_value", subset_by_value, None, "subset_by_index")
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
    """A V = V diag(w), w complex; left: also W with W^H A = diag(w) W^H, all columns of norm one.

    Left vectors are the rows of V^-1, of norm one, with LAPACK's phase: their largest elements are real. Defective
    matrices, which have no derivative, raise SingularPointError.
    """
    refuse("eig", "b", b, None, "eig(solve(b, a))")
    a = nl._square(a)
    w, v = spectral.eig(a)
    vectors = []
    if left:
        rows = p.mH(nl.inv(v))
        phase = np.sum(spectral.largest(rows) * rows, axis=-2, keepdims=True)
        rows = rows * np.conj(phase) / np.abs(phase)
        vectors.append(rows / nl.norm(rows, axis=-2, keepdims=True))
    if right:
        vectors.append(v)
    return (w, *nl._real_if_real(a, w, *vectors)[1:]) if vectors else w


@implements(sl.eigvals)
def eigvals(a: Any, b: Any = None, *_: Any, **ignored: Any) -> Any:
    """The eigenvalues of a square matrix, as complex numbers."""
    refuse("eigvals", "b", b, None, "eigvals(solve(b, a))")
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
