"""Determinants: det, a polynomial, with derivatives at singular matrices too, and slogdet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Primitive, Sample
from ..core.types import ArrayType
from .contract import matmul, mT
from .elementwise import equal, imag, real, where
from .linalg import inner, inv, like, matrices, or_identity, real_dtype, refused, spread, stacked


# det -------------------------------------------------------------------------------------------------------------
def _det_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """det(A)_dot = tr(cof(A)^T A_dot), with the cofactors, which are finite at singular matrices too."""
    return det(*primals), inner(cofactors(*primals), tangents[0])


def _well_conditioned(a: Any) -> Any:
    """The inverses, where all are accurate; None otherwise."""
    try:
        y = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    size = np.abs(a).sum(axis=-1).max(axis=-1, initial=0) * np.abs(y).sum(axis=-1).max(axis=-1, initial=0)
    return y if np.all(size * np.finfo(a.dtype).eps < 1e-9) else None


def _cofactors(a: Any) -> Any:
    """cof(A) = det(A) A^-T = cof(U) cof(S) cof(V^H), where cof(U) = det(U) conj(U) for unitary U."""
    with np.errstate(all="ignore"):
        y = _well_conditioned(a)
        if y is not None:
            return np.linalg.det(a)[..., None, None] * mT(y)
        u, s, vh = np.linalg.svd(a)
        n = s.shape[-1]
        others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(axis=-1)
        phase = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
        return np.matmul(phase * (u * others[..., None, :]).conj(), vh.conj())


def _cofactors_slope(a: Any, x: Any) -> Any:
    """D cof(A)[X] = det(A) (tr(A^-1 X) A^-T - (A^-1 X A^-1)^T), and its limit at singular matrices, by the SVD:
    for diagonal A = S it is e_ik X_kk summed on the diagonal and -e_ij X_ji beside it; e_ij = prod_{l != i, j} s_l.
    """
    with np.errstate(all="ignore"):
        y = _well_conditioned(a)
        if y is not None:
            yx = np.matmul(y, x)
            slope = np.trace(yx, axis1=-2, axis2=-1)[..., None, None] * y - np.matmul(yx, y)
            return np.linalg.det(a)[..., None, None] * mT(slope)
        u, s, vh = np.linalg.svd(a)
        n = s.shape[-1]
        eye = np.eye(n, dtype=bool)
        without = np.where(eye[:, None] | eye, 1, s[..., None, None, :])  # s_l, and 1 where l is i or j
        e = np.where(eye, 0, without.prod(axis=-1))
        z = np.matmul(np.matmul(np.swapaxes(u, -1, -2).conj(), x), np.swapaxes(vh, -1, -2).conj())
        d = -e * np.swapaxes(z, -1, -2)
        d += np.eye(n) * np.matmul(e, np.diagonal(z, axis1=-2, axis2=-1)[..., None])
        phase = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
        return phase * np.matmul(np.matmul(u.conj(), d), vh.conj())


def _cofactors_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return cofactors(*primals), cofactors_slope(primals[0], tangents[0])


def _cofactors_slope_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Linear in X. In A, by y = (tr(C^T X) C - C X^T C) / det(A), where det(A) does not vanish."""
    (a, x), (a_dot, x_dot) = primals, tangents
    y = cofactors_slope(a, x)
    y_dot = None if x_dot is None else cofactors_slope(a, x_dot)
    if a_dot is None:
        return y, y_dot
    d = det(a)
    zero = equal(d, 0)
    a_dot = refused(a_dot, zero, what="the second derivative of numpy.linalg.det")
    c, c_dot, d = cofactors(a), cofactors_slope(a, a_dot), where(zero, 1.0, d)
    xt = mT(x)
    more = spread(inner(x, c_dot), c) * c + spread(inner(x, c), c) * c_dot
    more = more - matmul(c_dot, matmul(xt, c)) - matmul(matmul(c, xt), c_dot) - y * spread(inner(c, a_dot), c)
    more = more / spread(d, c)
    return y, more if y_dot is None else y_dot + more


det = Primitive(
    "det",
    np.linalg.det,
    Custom(_det_jvp),
    type_rule=lambda a: ArrayType(a.shape[:-2], a.dtype),
    batch=stacked(lambda: det),
    samples=matrices((3, 3), (2, 2, 2), (1, 1), (0, 0), shift=3.0),
)
cofactors = Primitive(
    "cofactors",
    _cofactors,
    Custom(_cofactors_jvp),
    type_rule=lambda a: a,
    batch=stacked(lambda: cofactors),
    samples=matrices((3, 3), (2, 2, 2), shift=3.0),
)


def _cofactors_slope_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(3, 3), (2, 2, 2)]:
        yield Sample((rng.normal(size=shape) + 3 * np.eye(shape[-1]), rng.normal(size=shape)))


# The second derivative of det, D2 det(A)[X, Y] = tr(Y^T D cof(A)[X]), is symmetric in X and Y: its own transpose.
cofactors_slope = Primitive(
    "cofactors_slope",
    _cofactors_slope,
    Custom(_cofactors_slope_jvp, transposes=(None, lambda y_bar, a, x: cofactors_slope(a, y_bar))),
    type_rule=lambda a, x: x,
    batch=stacked(lambda: cofactors_slope),
    samples=_cofactors_slope_samples,
)


# slogdet ---------------------------------------------------------------------------------------------------------
def _slogdet_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """log|det A|_dot = Re g and sign_dot = i sign Im g, where g = tr(A^-1 A_dot)."""
    (a,) = primals
    sign, logdet = slogdet(a)
    zero = equal(sign, 0)
    g = inner(mT(inv(or_identity(a, zero))), refused(tangents[0], zero, what="numpy.linalg.slogdet"))
    if a.dtype.kind != "c":
        return [sign, logdet], [None, g]
    return [sign, logdet], [sign * (1j * like(imag(g), g)), real(g)]


slogdet = Primitive(
    "slogdet",
    lambda a: list(np.linalg.slogdet(a)),
    Custom(_slogdet_jvp),
    type_rule=lambda a: [ArrayType(a.shape[:-2], a.dtype), ArrayType(a.shape[:-2], real_dtype(a.dtype))],
    batch=stacked(lambda: slogdet),
    samples=matrices((3, 3), (2, 2, 2), (1, 1), (0, 0), shift=4.0),
    multiple=True,
)
