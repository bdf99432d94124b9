"""Eigenvalues and singular values: eigh, eigvalsh, eig, eigvals, svd, svdvals, for stacks of matrices.

The derivative of a matrix M = V^H A_dot V in the basis of the eigenvectors gives those of eigenvalues (its diagonal) and
of eigenvectors (its other elements, divided by gaps between eigenvalues: linalg_gaps). Formulas: M. Giles (2008); J.
Townsend, Differentiating the singular value decomposition (2016). Where eigenvalues coincide, forward mode takes the
basis in which they move apart (T. Kato, Perturbation theory for linear operators, II 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Primitive, Sample
from ..core.types import ArrayType
from .contract import diag_part, matmul
from .elementwise import conj, imag, real, where
from .linalg import Types, hermitian_part, inv, like, matrices, mH, mT, negligible, real_dtype, solve, stacked
from .linalg_gaps import NOISE, over_gaps, over_values
from .shape import broadcast_to, reshape, sum_


def real_part(x: Any) -> Any:
    """The real part; a real array as it is."""
    return real(x) if x.dtype.kind == "c" else x


def column_sums(x: Any) -> Any:
    """sum_i x_ij of each matrix."""
    return sum_(x, axis=(len(x.shape) - 2,))


def rows_of(v: Any, x: Any) -> Any:
    """The vectors v, repeated as the rows of matrices like x."""
    return broadcast_to(reshape(v, shape=(*v.shape[:-1], 1, v.shape[-1])), shape=tuple(x.shape))


def _eigh_types(a: ArrayType, **params: Any) -> Types:
    return [ArrayType(a.shape[:-1], real_dtype(a.dtype)), a]


def _symmetric(rng: np.random.Generator) -> Iterator[Any]:
    for shape in [(3, 3), (2, 2, 2), (1, 1), (0, 0)]:
        x = rng.normal(size=shape)
        yield x + np.swapaxes(x, -1, -2) + np.diag(3.0 * np.arange(shape[-1]))


def _make_hermitian(a: Any, *rest: Any) -> Any:
    return 0.5 * (a + mH(a)), *rest


def _eigh_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for a in _symmetric(rng):
        yield Sample((a,), {"lower": True}, wrap=_make_hermitian)


# eigh ------------------------------------------------------------------------------------------------------------
def _eigh_derivative(w: Any, v: Any, a_dot: Any) -> list[Any]:
    """M = V^H A_dot V: w_dot = diag M, V_dot = V (M_ij / (w_j - w_i)); both see the Hermitian part of M alone."""
    m = matmul(mH(v), matmul(a_dot, v))
    return [real_part(diag_part(m)), matmul(v, over_gaps(m, w, sign=-1, hermitian=True))]


def _eigh_linear(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    w, v = eigh(*primals, lower=lower)
    return [w, v], _eigh_derivative(w, v, tangents[0])


def _eigh_jvp(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    w, v = adapted_eigh(primals[0], tangents[0], lower=lower)
    return [w, v], _eigh_derivative(w, v, tangents[0])


eigh = Primitive(
    "eigh",
    lambda a, lower: list(np.linalg.eigh(a, "L" if lower else "U")),
    Custom(_eigh_jvp, linear_jvp=_eigh_linear),
    type_rule=_eigh_types,
    batch=stacked(lambda: eigh),
    samples=_eigh_samples,
    multiple=True,
)


def clusters(w: Any, size: Any) -> Iterator[slice]:
    """Runs of sorted values that are equal, to rounding."""
    apart = np.abs(np.diff(w)) > NOISE * len(w) * np.finfo(w.dtype).eps * size
    edges = [0, *(np.flatnonzero(apart) + 1), len(w)]
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        if stop - start > 1:
            yield slice(int(start), int(stop))


def _adapted_eigh(a: Any, a_dot: Any, *, lower: bool) -> list[Any]:
    w, v = np.linalg.eigh(a, "L" if lower else "U")
    for i in np.ndindex(w.shape[:-1]):
        for block in clusters(w[i], np.max(np.abs(w[i]), initial=0)):
            basis = v[i][:, block]
            m = mH(basis) @ a_dot[i] @ basis
            v[i][:, block] = basis @ np.linalg.eigh(0.5 * (m + mH(m)))[1]
    return [w, v]


def _adapted_eigh_jvp(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    """Differentiated again, it is eigh: then no one basis serves all directions."""
    a, a_dot = primals[0], tangents[0]
    w, v = eigh(a, lower=lower)
    return [w, v], [None, None] if a_dot is None else _eigh_derivative(w, v, a_dot)


def _adapted_eigh_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for a in _symmetric(rng):
        yield Sample((a, rng.normal(size=a.shape)), {"lower": True}, differentiable=(0,), wrap=_make_hermitian)


adapted_eigh = Primitive(
    "adapted_eigh",  # eigh, in eigenspaces of several dimensions the basis that diagonalises the tangent
    _adapted_eigh,
    Custom(_adapted_eigh_jvp),
    type_rule=lambda a, a_dot, lower: _eigh_types(a),
    batch=stacked(lambda: adapted_eigh),
    samples=_adapted_eigh_samples,
    multiple=True,
)


# eigvalsh --------------------------------------------------------------------------------------------------------
def _eigvalsh_derivative(v: Any, a_dot: Any) -> Any:
    """w_dot_j = v_j^H A_dot v_j."""
    return real_part(column_sums(conj_(v) * matmul(a_dot, v)))


def conj_(x: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return conj(x) if x.dtype.kind == "c" else x


def _eigvalsh_linear(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    _, v = eigh(*primals, lower=lower)
    return eigvalsh(*primals, lower=lower), _eigvalsh_derivative(v, tangents[0])


def _eigvalsh_jvp(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    _, v = adapted_eigh(primals[0], tangents[0], lower=lower)
    return eigvalsh(*primals, lower=lower), _eigvalsh_derivative(v, tangents[0])


eigvalsh = Primitive(
    "eigvalsh",
    lambda a, lower: np.linalg.eigvalsh(a, "L" if lower else "U"),
    Custom(_eigvalsh_jvp, linear_jvp=_eigvalsh_linear),
    type_rule=lambda a, lower: ArrayType(a.shape[:-1], real_dtype(a.dtype)),
    batch=stacked(lambda: eigvalsh),
    samples=_eigh_samples,
)


# eig -------------------------------------------------------------------------------------------------------------
def _complex_dtype(dtype: Any) -> np.dtype[Any]:
    return np.result_type(dtype, np.complex64)


def _eig(a: Any) -> list[Any]:
    dtype = _complex_dtype(a.dtype)
    return [x.astype(dtype, copy=False) for x in np.linalg.eig(a)]


def _largest(v: Any) -> Any:
    size = np.abs(v)
    mask = np.zeros(v.shape, v.dtype)
    if v.size:
        np.put_along_axis(mask, np.argmax(size, axis=-2)[..., None, :], 1, axis=-2)
    return mask


largest = Primitive(
    "largest",  # 1 at the element of largest absolute value of each column, 0 elsewhere
    _largest,
    Constant(),
    type_rule=lambda v: v,
    batch=lambda size, batched, v: (largest(v), True),
    samples=lambda rng: iter([Sample((rng.normal(size=(2, 3, 2)),))]),
)


def _eig_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """M = V^-1 A_dot V: w_dot = diag M, V_dot = T - V (Re c + i Im t), where T = V (M_ij / (w_j - w_i)), c = diag V^H T.

    The columns keep LAPACK's normalisation: norm 1, and the largest element is real; t = T/V at that element.
    """
    w, v = eig(*primals)
    a_dot = like(tangents[0], v)
    m = solve(v, matmul(a_dot, v))
    t = matmul(v, over_gaps(m, w, sign=-1, hermitian=None))
    c = column_sums(conj(v) * t)
    at = largest(v)
    turn = column_sums(at * t) / column_sums(at * v)
    along = like(real(c), c) + 1j * like(imag(turn), c)
    return [w, v], [diag_part(m), t - v * rows_of(along, v)]


def _eig_types(a: ArrayType) -> Types:
    dtype = _complex_dtype(a.dtype)
    return [ArrayType(a.shape[:-1], dtype), ArrayType(a.shape, dtype)]


eig = Primitive(
    "eig",  # results are complex always
    _eig,
    Custom(_eig_jvp),
    type_rule=_eig_types,
    batch=stacked(lambda: eig),
    samples=matrices((3, 3), (2, 2, 2), (1, 1), (0, 0), wrap=lambda a: (a,)),
    multiple=True,
)


def _eigvals_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """w_dot = diag(V^-1 A_dot V)."""
    _, v = eig(*primals)
    return eigvals(*primals), column_sums(mT(inv(v)) * matmul(like(tangents[0], v), v))


eigvals = Primitive(
    "eigvals",
    lambda a: np.linalg.eigvals(a).astype(_complex_dtype(a.dtype), copy=False),
    Custom(_eigvals_jvp),
    type_rule=lambda a: _eig_types(a)[0],
    batch=stacked(lambda: eigvals),
    samples=matrices((3, 3), (2, 2, 2), (1, 1), (0, 0), wrap=lambda a: (a,)),
)


# svd -------------------------------------------------------------------------------------------------------------
def _svd_derivative(u: Any, s: Any, vh: Any, a_dot: Any) -> list[Any]:
    """M = U^H A_dot V: s_dot = diag M, U_dot = U (P + N) + (1 - U U^H) A_dot V / s, V_dot = V (P - N) + ..., where

    P = (M + M^H)_ij / 2(s_j - s_i), N = (M - M^H)_ij / 2(s_j + s_i).
    """
    v = mH(vh)
    av = matmul(a_dot, v)
    m = matmul(mH(u), av)
    p = over_gaps(m, s, sign=-1, hermitian=True)
    n = over_gaps(m, s, sign=1, hermitian=False)
    u_dot, v_dot = matmul(u, p + n), matmul(v, p - n)
    if u.shape[-2] > s.shape[-1]:
        u_dot = u_dot + over_values(av - matmul(u, m), s)
    if v.shape[-2] > s.shape[-1]:
        v_dot = v_dot + over_values(matmul(mH(a_dot), u) - matmul(v, mH(m)), s)
    return [u_dot, real_part(diag_part(m)), mH(v_dot)]


def _svd_jvp(primals: Any, tangents: Any, *, hermitian: bool) -> tuple[Any, Any]:
    u, s, vh = svd(*primals, hermitian=hermitian)
    a_dot = hermitian_part(tangents[0]) if hermitian else tangents[0]
    return [u, s, vh], _svd_derivative(u, s, vh, a_dot)


def _svd_types(a: ArrayType, hermitian: bool) -> Types:
    *stack, m, n = a.shape
    k = min(m, n)
    return [
        ArrayType((*stack, m, k), a.dtype),
        ArrayType((*stack, k), real_dtype(a.dtype)),
        ArrayType((*stack, k, n), a.dtype),
    ]


def _svd_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(3, 3), (4, 2), (2, 3), (2, 2, 2), (1, 1), (0, 2)]:
        yield Sample((rng.normal(size=shape),), {"hermitian": False}, wrap=lambda a: (a,))
    for a in _symmetric(rng):
        yield Sample((a,), {"hermitian": True}, wrap=_make_hermitian)


svd = Primitive(
    "svd",  # reduced: (m, n) -> (m, k), (k,), (k, n) with k = min(m, n)
    lambda a, hermitian: list(np.linalg.svd(a, full_matrices=False, hermitian=hermitian)),
    Custom(_svd_jvp),
    type_rule=_svd_types,
    batch=stacked(lambda: svd),
    samples=_svd_samples,
    multiple=True,
)


def _svdvals_jvp(primals: Any, tangents: Any, *, hermitian: bool) -> tuple[Any, Any]:
    """s_dot_j = Re(u_j^H A_dot v_j), and 0 where s_j = 0, as abs'(0) = 0."""
    u, s, vh = svd(*primals, hermitian=hermitian)
    a_dot = hermitian_part(tangents[0]) if hermitian else tangents[0]
    s_dot = real_part(column_sums(conj_(u) * matmul(a_dot, mH(vh))))
    return svdvals(*primals, hermitian=hermitian), where(negligible(s), 0.0, s_dot)


svdvals = Primitive(
    "svdvals",
    lambda a, hermitian: np.linalg.svd(a, compute_uv=False, hermitian=hermitian),
    Custom(_svdvals_jvp),
    type_rule=lambda a, hermitian: _svd_types(a, hermitian)[1],
    batch=stacked(lambda: svdvals),
    samples=_svd_samples,
)
