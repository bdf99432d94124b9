"""Banded matrices, stored by diagonals: systems, and the Cholesky factor. Work grows with the number of diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from ...control import scan
from ...numpy import linalg as nl
from ...numpy.dispatch import implements
from ...numpy.joining import concatenate
from ...numpy.ufuncs import broadcast_shapes
from ...primitives import linalg as p
from ...primitives.elementwise import conj
from ...primitives.linalg_banded import banded_transpose
from ...primitives.linalg_banded import solve_banded as solve_primitive
from ...primitives.shape import reshape

__all__ = ["cho_solve_banded", "cholesky_banded", "solve_banded", "solveh_banded"]


def _solved(ab: Any, b: Any, lower: int, upper: int, positive: bool = False) -> Any:
    """X with A X = B, where B is a vector, a matrix or a stack of them; stacks are broadcast."""
    ab, b = nl._floating(ab, b)
    dtype = np.result_type(ab.dtype, b.dtype)
    ab, b = nl.to_dtype(ab, dtype), nl.to_dtype(b, dtype)
    n = ab.shape[-1]
    vector = len(b.shape) == 1
    columns = reshape(b, shape=(*b.shape, 1)) if vector else b
    if ab.shape[-2] != lower + upper + 1:
        raise ValueError(f"{lower} + {upper} + 1 diagonals were announced, and `ab` has {ab.shape[-2]} rows")
    if columns.shape[-2] != n:
        raise ValueError(f"shapes of ab {tuple(ab.shape)} and b {tuple(b.shape)} are not compatible.")
    lead = broadcast_shapes("solve_banded", ab.shape[:-2], columns.shape[:-2])
    full = [nl.stretch(x, (*lead, *x.shape[-2:])) for x in (ab, columns)]
    x = solve_primitive(*full, lower=lower, upper=upper, positive=positive)
    return reshape(x, shape=x.shape[:-1]) if vector else x


@implements(sl.solve_banded)
def solve_banded(l_and_u: Any, ab: Any, b: Any, *_: Any, **ignored: Any) -> Any:
    """X with A X = B, A given by its diagonals: `ab[u + i - j, j] = A[i, j]`.

    (l + u + 1, n), (n,) or (n, k) -> as b; leading axes are stacks. O(n (l + u)^2), in both modes, and native under
    `wg.jit`. What lies in ab outside of A is not read. Raises LinAlgError at singular matrices.

    >>> import numpy as np
    >>> import wengert as wg
    >>> ab = np.array([[0.0, 1.0, 1.0], [4.0, 4.0, 4.0], [1.0, 1.0, 0.0]])
    >>> wg.grad(lambda ab: np.sum(wg.scipy.linalg.solve_banded((1, 1), ab, np.ones(3))))(ab)
    array([[ 0.    , -0.0306, -0.0306],
           [-0.0459, -0.0204, -0.0459],
           [-0.0306, -0.0306,  0.    ]])
    """
    lower, upper = (int(k) for k in l_and_u)
    return _solved(ab, b, lower, upper)


def _conj(x: Any) -> Any:
    return conj(x) if x.dtype.kind == "c" else x


def _lower_form(ab: Any, lower: bool) -> Any:
    """The diagonal, of which the real part is read, and what is below it; zeros outside of the matrix."""
    (ab,) = nl._floating(ab)
    k = ab.shape[-2] - 1
    if lower:
        inside = np.arange(k + 1)[:, None] + np.arange(ab.shape[-1]) < ab.shape[-1]
        below = np.where(inside, ab, np.zeros((), ab.dtype))
    else:
        below = _conj(banded_transpose(ab, lower=0, upper=k))
    if ab.dtype.kind == "c":
        below = concatenate([nl.to_dtype(np.real(below[..., :1, :]), ab.dtype), below[..., 1:, :]], axis=-2)
    return below


@implements(sl.solveh_banded)
def solveh_banded(ab: Any, b: Any, *_: Any, lower: bool = False, **ignored: Any) -> Any:
    """X with A X = B for Hermitian positive definite A, of which the upper diagonals are given, or the lower ones.

    (u + 1, n), (n,) or (n, k) -> as b. An element of ab stands for its mirror image too, and its derivative counts
    both. Raises LinAlgError where A is not positive definite.
    """
    below = _lower_form(ab, lower)
    k = below.shape[-2] - 1
    above = _conj(banded_transpose(below, lower=k, upper=0))
    return _solved(concatenate([above[..., :k, :], below], axis=-2), b, k, k, positive=True)


@implements(sl.cholesky_banded)
def cholesky_banded(ab: Any, overwrite_ab: bool = False, lower: bool = False, check_finite: bool = True) -> Any:
    """The diagonals of U with A = U^H U, or of L with A = L L^H, from the upper or lower diagonals of A.

    (u + 1, n) -> (u + 1, n), in O(n u^2), column after column: a column of A, less what columns before it explain, is
    its column of L times the root of its first element. Raises LinAlgError where A is not positive definite. Golub and
    Van Loan, Matrix computations, algorithm 4.3.5.

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = lambda d: 2 * np.sum(np.log(wg.scipy.linalg.cholesky_banded(np.stack([0 * d, d]))[-1]))  # log det
    >>> wg.grad(f)(np.array([2.0, 4.0]))
    array([0.5 , 0.25])
    """
    below = _lower_form(ab, lower)
    k = below.shape[-2] - 1

    def column(explained: Any, a: Any) -> tuple[Any, Any]:
        rest = a - explained[..., 0]
        root = p.cholesky(reshape(rest[..., :1], shape=(*rest.shape[:-1], 1, 1)))[..., 0]
        low = rest / root
        explained = explained + low[..., :, None] * _conj(low)[..., None, :]
        return np.pad(explained[..., 1:, 1:], [(0, 0)] * (len(low.shape) - 1) + [(0, 1), (0, 1)]), low

    nothing = np.zeros((*below.shape[:-1], k + 1), below.dtype)
    _, columns = scan(column, nothing, np.moveaxis(below, -1, 0))
    c = np.moveaxis(columns, 0, -1)
    return c if lower else _conj(banded_transpose(c, lower=k, upper=0))


@implements(sl.cho_solve_banded)
def cho_solve_banded(cb_and_lower: Any, b: Any, *_: Any, **ignored: Any) -> Any:
    """X with A X = B, from the factor of cholesky_banded and whether it is the lower one."""
    cb, lower = cb_and_lower
    (cb,) = nl._floating(cb)
    k = cb.shape[-2] - 1
    other = _conj(banded_transpose(cb, lower=k if lower else 0, upper=0 if lower else k))
    low, up = (cb, other) if lower else (other, cb)
    return _solved(up, _solved(low, b, k, 0), 0, k)
