"""Eigenvalues and singular values: eigh, eigvalsh, eig, eigvals, svd, svdvals, for stacks of matrices.

The matrix M = V^H A_dot V, the tangent in the basis of the eigenvectors, gives the derivatives of eigenvalues (its
diagonal) and of eigenvectors (its other elements, divided by gaps between eigenvalues: linalg_gaps). Formulas: M. Giles
(2008); J. Townsend, Differentiating the singular value decomposition (2016). Where eigenvalues coincide, forward mode
takes the basis in which they move apart (T. Kato, Perturbation theory for linear operators, II 2.3).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Primitive, Sample
from ..core.types import ArrayType
from .contract import diag_part, matmul
from .elementwise import conj, imag, real, where
from .linalg import (
    Types,
    as_read,
    hermitian_part,
    inv,
    like,
    matrices,
    mH,
    mT,
    negligible,
    real_dtype,
    refused,
    stacked,
    times,
)
from .linalg_gaps import NOISE, complement, directed, over_gaps, over_values, rounding, told_apart
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


def _eigh_jvp(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    a_dot = as_read(primals[0], tangents[0], lower)
    w, v = adapted_eigh(primals[0], a_dot, lower=lower)
    return [w, v], _eigh_derivative(w, v, a_dot)


eigh = Primitive(
    "eigh",
    lambda a, lower: list(np.linalg.eigh(a, "L" if lower else "U")),
    Custom(_eigh_jvp),
    type_rule=_eigh_types,
    batch=stacked(lambda: eigh),
    samples=_eigh_samples,
    multiple=True,
)


def clusters(w: Any, size: Any) -> Iterator[slice]:
    """Runs of sorted values that are equal, to rounding."""
    apart = np.abs(np.diff(w)) > rounding(w) * size
    edges = [0, *(np.flatnonzero(apart) + 1), len(w)]
    for start, stop in itertools.pairwise(edges):
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
    """Differentiated again, it is eigh: no one basis serves both directions."""
    if tangents[0] is None:
        return eigh(primals[0], lower=lower), [None, None]
    return _eigh_jvp(primals[:1], tangents[:1], lower=lower)


def _undirected_eigh(a: Any, a_dot: Any, *, lower: bool) -> list[Any]:
    w, v = eigh(a, lower=lower)
    return [told_apart(w), v]


def _adapted_eigh_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for a in _symmetric(rng):
        yield Sample((a, rng.normal(size=a.shape)), {"lower": True}, differentiable=(0,), wrap=_make_hermitian)


adapted_eigh = Primitive(
    "adapted_eigh",  # eigh, in eigenspaces of several dimensions the basis that diagonalises the tangent
    _adapted_eigh,
    Custom(_adapted_eigh_jvp, undirected=_undirected_eigh),
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


def _eigvalsh_jvp(primals: Any, tangents: Any, *, lower: bool) -> tuple[Any, Any]:
    a_dot = as_read(primals[0], tangents[0], lower)
    w = directed(eigvalsh(*primals, lower=lower), a_dot)
    _, v = adapted_eigh(primals[0], a_dot, lower=lower)
    return w, _eigvalsh_derivative(v, a_dot)


eigvalsh = Primitive(
    "eigvalsh",
    lambda a, lower: np.linalg.eigvalsh(a, "L" if lower else "U"),
    Custom(_eigvalsh_jvp),
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


defective = Primitive(
    "defective",  # from the inverse of the matrix of eigenvectors: do they depend on one another, to rounding?
    lambda y: np.max(np.abs(y), axis=(-2, -1), initial=0) * NOISE * y.shape[-1] * np.finfo(y.dtype).eps >= 1,
    Constant(),
    type_rule=lambda y: ArrayType(y.shape[:-2], bool),
    batch=lambda size, batched, y: (defective(y), True),
    samples=lambda rng: iter([Sample((rng.normal(size=(2, 3, 3)) * np.array([1, 1e18])[:, None, None],))]),
)


def _left_and_tangent(v: Any, a_dot: Any) -> tuple[Any, Any]:
    """V^-1 and A_dot; refused where the matrix is defective, since its eigenvalues move as roots do."""
    y = inv(v)
    return y, refused(like(a_dot, v), defective(y), what="numpy.linalg.eig (of a defective matrix)")


def _eig_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """M = V^-1 A_dot V: w_dot = diag M, V_dot = T - V (Re c + i Im t), T = V (M_ij / (w_j - w_i)), c = diag V^H T.

    The columns keep LAPACK's normalisation: norm 1, and the largest element is real; t = T/V at that element.
    """
    w, v = eig(*primals)
    w = directed(w, tangents[0])
    left, a_dot = _left_and_tangent(v, tangents[0])
    m = matmul(left, matmul(a_dot, v))
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
    left, a_dot = _left_and_tangent(v, tangents[0])
    return directed(eigvals(*primals), tangents[0]), column_sums(mT(left) * matmul(a_dot, v))


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
    k = s.shape[-1]
    u1, v1 = _first_columns(u, k), _first_columns(mH(vh), k)
    av = matmul(a_dot, v1)
    m = matmul(mH(u1), av)
    p = over_gaps(m, s, sign=-1, hermitian=True)
    n = over_gaps(m, s, sign=1, hermitian=False)
    u_dot, v_dot = matmul(u1, p + n), matmul(v1, p - n)
    if u.shape[-2] > k:
        u_dot = u_dot + over_values(complement(av, u1), s)
    if vh.shape[-1] > k:
        v_dot = v_dot + over_values(complement(matmul(mH(a_dot), u1), v1), s)
    u_dot, v_dot = _completed(u, u_dot, a_dot), _completed(mH(vh), v_dot, mH(a_dot))
    return [u_dot, real_part(diag_part(m)), mH(v_dot)]


def _first_columns(u: Any, k: int) -> Any:
    n = u.shape[-1]
    return u if n == k else times(u, np.eye(n, k))


def _completed(u: Any, u1_dot: Any, a_dot: Any) -> Any:
    """[U1_dot, U2_dot] for U = [U1, U2], where U2 is any basis of the complement: U2_dot = -U1 U1_dot^H U2.

    The term that is zero finds out, transposed, whether a result depends on which basis it is.
    """
    n, k = u.shape[-1], u1_dot.shape[-1]
    if n == k:
        return u1_dot
    first, last = np.eye(n, k), np.eye(n)[:, k:]
    u1, u2 = times(u, first), times(u, last)
    zero = times(matmul(mH(u2), a_dot), np.zeros((a_dot.shape[-1], n - k)))
    same = np.zeros((*zero.shape[:-2], n - k), real_dtype(u.dtype))
    u2_dot = matmul(u2, over_gaps(zero, same, sign=-1, hermitian=True)) - matmul(u1, matmul(mH(u1_dot), u2))
    return times(u1_dot, first.T) + times(u2_dot, last.T)


def _svd_jvp(primals: Any, tangents: Any, *, full: bool, hermitian: bool) -> tuple[Any, Any]:
    a_dot = hermitian_part(tangents[0]) if hermitian else tangents[0]
    u, s, vh = adapted_svd(primals[0], a_dot, full=full, hermitian=hermitian)
    return [u, s, vh], _svd_derivative(u, s, vh, a_dot)


def _svd_types(a: ArrayType, full: bool = False, hermitian: bool = False) -> Types:
    *stack, m, n = a.shape
    k = min(m, n)
    return [
        ArrayType((*stack, m, m if full else k), a.dtype),
        ArrayType((*stack, k), real_dtype(a.dtype)),
        ArrayType((*stack, n if full else k, n), a.dtype),
    ]


def _svd_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(3, 3), (4, 2), (2, 3), (2, 2, 2), (1, 1), (0, 2)]:
        yield Sample((rng.normal(size=shape),), {"full": False, "hermitian": False}, wrap=lambda a: (a,))
    for shape in [(3, 2), (2, 3)]:
        yield Sample((rng.normal(size=shape),), {"full": True, "hermitian": False}, wrap=lambda a: (a,), order=0)
    for a in _symmetric(rng):
        yield Sample((a,), {"full": False, "hermitian": True}, wrap=_make_hermitian)


svd = Primitive(
    "svd",  # (m, n) -> (m, k), (k,), (k, n) with k = min(m, n), or full: (m, m), (k,), (n, n)
    lambda a, full, hermitian: list(np.linalg.svd(a, full, hermitian=hermitian)),
    Custom(_svd_jvp),
    type_rule=_svd_types,
    batch=stacked(lambda: svd),
    samples=_svd_samples,
    multiple=True,
)


def _adapted_svd(a: Any, a_dot: Any, *, full: bool, hermitian: bool) -> list[Any]:
    u, s, vh = np.linalg.svd(a, full, hermitian=hermitian)
    for i in np.ndindex(s.shape[:-1]):
        size = np.max(s[i], initial=0)
        for block in clusters(s[i], size):
            m = mH(u[i][:, block]) @ a_dot[i] @ mH(vh[i][block])
            basis = np.linalg.eigh(0.5 * (m + mH(m)))[1][:, ::-1]
            u[i][:, block] = u[i][:, block] @ basis
            vh[i][block] = mH(basis) @ vh[i][block]
        rank = np.count_nonzero(s[i] > rounding(s) * size)
        if rank < s.shape[-1]:
            left, _, right = np.linalg.svd(a[i])
            p, _, qh = np.linalg.svd(mH(left[:, rank:]) @ a_dot[i] @ mH(right[rank:]))
            u[i][:, rank:] = (left[:, rank:] @ p)[:, : u.shape[-1] - rank]
            vh[i][rank:] = (qh @ right[rank:])[: vh.shape[-2] - rank]
    return [u, s, vh]


def _adapted_svd_jvp(primals: Any, tangents: Any, *, full: bool, hermitian: bool) -> tuple[Any, Any]:
    """Differentiated again, it is svd."""
    if tangents[0] is None:
        return svd(primals[0], full=full, hermitian=hermitian), [None] * 3
    return _svd_jvp(primals[:1], tangents[:1], full=full, hermitian=hermitian)


def _undirected_svd(a: Any, a_dot: Any, *, full: bool, hermitian: bool) -> list[Any]:
    u, s, vh = svd(a, full=full, hermitian=hermitian)
    return [u, told_apart(s), vh]


def _adapted_svd_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for s in itertools.islice(_svd_samples(rng), 6):
        yield Sample((*s.args, rng.normal(size=s.args[0].shape)), s.params, (0,), lambda *args: args)


adapted_svd = Primitive(
    "adapted_svd",  # svd, in singular spaces of several dimensions the bases that diagonalise the tangent
    _adapted_svd,
    Custom(_adapted_svd_jvp, undirected=_undirected_svd),
    type_rule=lambda a, a_dot, **params: _svd_types(a, **params),
    batch=stacked(lambda: adapted_svd),
    samples=_adapted_svd_samples,
    multiple=True,
)


# svdvals ---------------------------------------------------------------------------------------------------------
def _svdvals_derivative(u: Any, s: Any, vh: Any, a_dot: Any) -> Any:
    """s_dot_j = Re(u_j^H A_dot v_j), and 0 where s_j = 0, as abs'(0) = 0."""
    s_dot = real_part(column_sums(conj_(u) * matmul(a_dot, mH(vh))))
    return where(negligible(s), 0.0, s_dot)


def _svdvals_jvp(primals: Any, tangents: Any, *, hermitian: bool) -> tuple[Any, Any]:
    a_dot = hermitian_part(tangents[0]) if hermitian else tangents[0]
    s = directed(svdvals(*primals, hermitian=hermitian), a_dot)
    u, sigma, vh = adapted_svd(primals[0], a_dot, full=False, hermitian=hermitian)
    return s, _svdvals_derivative(u, sigma, vh, a_dot)


def _svdvals_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for s in _svd_samples(rng):
        if not s.params["full"]:
            yield Sample(s.args, {"hermitian": s.params["hermitian"]}, wrap=s.wrap)


svdvals = Primitive(
    "svdvals",
    lambda a, hermitian: np.linalg.svd(a, compute_uv=False, hermitian=hermitian),
    Custom(_svdvals_jvp),
    type_rule=lambda a, hermitian: _svd_types(a)[1],
    batch=stacked(lambda: svdvals),
    samples=_svdvals_samples,
)
