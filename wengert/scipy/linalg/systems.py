"""Linear systems, least squares and norms."""

from __future__ import annotations

from typing import Any

import scipy.linalg as sl

from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...primitives import linalg as p
from ...primitives.contract import mT
from .common import columns, refuse, transposed

__all__ = ["det", "inv", "lstsq", "norm", "pinv", "pinvh", "solve", "solve_triangular"]


_TRIANGLES = {"upper triangular": False, "lower triangular": True}


@implements(sl.solve)
def solve(
    a: Any, b: Any, lower: bool = False, *_: Any, assume_a: Any = None, transposed: bool = False, **ignored: Any
) -> Any:
    """X with A X = B. Of an A that is assumed to be triangular one triangle is read; otherwise A itself must be what
    `assume_a` promises, and the derivative is that of A^-1 B for any A."""
    a = nl._square(a)
    if assume_a in _TRIANGLES:
        return solve_triangular(a, b, trans=1 if transposed else 0, lower=_TRIANGLES[assume_a])
    return nl.solve(mT(a) if transposed else a, b)


@implements(sl.solve_triangular)
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, *_: Any, **ignored: Any
) -> Any:
    """X with T X = B for a triangular matrix, of which the other triangle is not read."""
    a, b, back = columns(a, b)
    a, exchanged = transposed(a, trans)
    return back(p.solve_triangular(a, b, lower=bool(lower) != exchanged, unit=bool(unit_diagonal)))


@implements(sl.inv)
def inv(a: Any, *_: Any, **ignored: Any) -> Any:
    """A^-1."""
    return nl.inv(a)


@implements(sl.det)
def det(a: Any, *_: Any, **ignored: Any) -> Any:
    """The determinant."""
    return nl.det(a)


@implements(sl.lstsq)
def lstsq(a: Any, b: Any, cond: Any = None, *_: Any, **ignored: Any) -> Any:
    """(x, residuals, rank, s)."""
    return nl.lstsq(a, b, cond)


@implements(sl.pinv)
def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, **ignored: Any) -> Any:
    """A^+."""
    refuse("pinv", "atol", atol, None, "rtol, relative to the largest singular value")
    y = nl.pinv(a, rtol=rtol)
    return (y, nl.matrix_rank(a, rtol=rtol)) if return_rank else y


@implements(sl.pinvh)
def pinvh(a: Any, atol: Any = None, rtol: Any = None, lower: bool = True, return_rank: bool = False, **_: Any) -> Any:
    """A^+ of a Hermitian matrix, of which one triangle is read."""
    refuse("pinvh", "atol", atol, None, "rtol, relative to the largest eigenvalue")
    a = nl._square(a) if lower else p.mH(nl._square(a))
    y = nl.pinv(a, rtol=rtol, hermitian=True)
    return (y, nl.matrix_rank(a, rtol=rtol, hermitian=True)) if return_rank else y


@implements(sl.norm)
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    """Norms of vectors and matrices."""
    return nl.norm(a, ord, axis, keepdims)
