"""Least squares and norms: pinv, lstsq, matrix_rank, norm.

Formulas: G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate (1973), valid wherever the rank is constant, full or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Primitive, Sample
from ..core.types import ArrayType
from .contract import matmul
from .elementwise import absolute, complex_abs, complex_sign, conj, equal, power, sign, where
from .linalg import Types, hermitian_part, like, matrices, mH, minus, real_dtype, stacked
from .linalg_spectral import column_sums, conj_, real_part, svd
from .shape import reduced, shifted, spread, sum_


# pinv ------------------------------------------------------------------------------------------------------------
def _pinv_jvp(primals: Any, tangents: Any, *, rcond: Any, hermitian: bool) -> tuple[Any, Any]:
    """P = A^+: P_dot = -P A_dot P + P P^H A_dot^H (1 - A P) + (1 - P A) A_dot^H P^H P."""
    (a,), (e,) = primals, tangents
    if hermitian:
        e = hermitian_part(e)
    p = pinv(a, rcond=rcond, hermitian=hermitian)
    ph, eh = mH(p), mH(e)
    left = matmul(p, matmul(ph, eh - matmul(matmul(eh, a), p)))
    right = matmul(matmul(eh - matmul(p, matmul(a, eh)), ph), p)
    return p, left + right - matmul(matmul(p, e), p)


def _pinv_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for sample in matrices((3, 2), (2, 3), (2, 2, 2), (1, 1))(rng):
        yield Sample(sample.args, {"rcond": 1e-15, "hermitian": False}, wrap=lambda a: (a,))
    a = rng.normal(size=(3, 3))
    yield Sample((a + a.T + 6 * np.eye(3),), {"rcond": 1e-15, "hermitian": True}, wrap=lambda a: (0.5 * (a + mH(a)),))


pinv = Primitive(
    "pinv",  # rcond: singular values below rcond times the largest count as zero
    lambda a, rcond, hermitian: np.linalg.pinv(a, np.asarray(rcond), hermitian),
    Custom(_pinv_jvp),
    type_rule=lambda a, rcond, hermitian: ArrayType((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype),
    batch=stacked(lambda: pinv),
    samples=_pinv_samples,
)


# lstsq -----------------------------------------------------------------------------------------------------------
def _lstsq(a: Any, b: Any, *, rcond: float) -> list[Any]:
    if a.ndim == 2:
        return [*np.linalg.lstsq(a, b, rcond)[::3]]
    x = np.empty((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)
    s = np.empty((*a.shape[:-2], min(a.shape[-2:])), real_dtype(a.dtype))
    for i in np.ndindex(a.shape[:-2]):
        x[i], s[i] = np.linalg.lstsq(a[i], b[i], rcond)[::3]
    return [x, s]


def _lstsq_jvp(primals: Any, tangents: Any, *, rcond: float) -> tuple[Any, Any]:
    """X = P B, P = A^+: X_dot = P (B_dot - A_dot X) + P P^H A_dot^H (B - A X) + (1 - P A) A_dot^H P^H X."""
    (a, b), (e, b_dot) = primals, tangents
    x, s = lstsq(a, b, rcond=rcond)
    p = pinv(a, rcond=rcond, hermitian=False)
    x_dot = matmul(p, minus(b_dot, None if e is None else matmul(e, x)))
    if e is None:
        return [x, s], [x_dot, None]
    ph, eh = mH(p), mH(e)
    z = matmul(eh, matmul(ph, x))
    x_dot = x_dot + matmul(p, matmul(ph, matmul(eh, b - matmul(a, x)))) + z - matmul(p, matmul(a, z))
    u, _, vh = svd(a, full=False, hermitian=False)
    return [x, s], [x_dot, real_part(column_sums(conj_(u) * matmul(e, mH(vh))))]


def _lstsq_types(a: ArrayType, b: ArrayType, rcond: float) -> Types:
    *stack, m, n = a.shape
    return [ArrayType((*stack, n, b.shape[-1]), a.dtype), ArrayType((*stack, min(m, n)), real_dtype(a.dtype))]


def _lstsq_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for m, n, k in [(4, 2, 1), (2, 3, 2), (2, 2, 1)]:
        yield Sample((rng.normal(size=(m, n)), rng.normal(size=(m, k))), {"rcond": 1e-15}, wrap=lambda *args: args)


lstsq = Primitive(
    "lstsq",  # (m, n), (m, k) -> the solution (n, k) of least norm, and the singular values
    _lstsq,
    Custom(_lstsq_jvp),
    type_rule=_lstsq_types,
    batch=stacked(lambda: lstsq),
    samples=_lstsq_samples,
    multiple=True,
)


matrix_rank = Primitive(
    "matrix_rank",
    lambda a, hermitian, **tolerance: np.asarray(np.linalg.matrix_rank(a, hermitian=hermitian, **tolerance))[()],
    Constant(),
    type_rule=lambda a, **params: ArrayType(a.shape[:-2], np.intp),
    batch=lambda size, batched, a, **params: (matrix_rank(a, **params), True),
    samples=lambda rng: iter([Sample((rng.normal(size=(3, 2)),), {"hermitian": False})]),
)


# norm ------------------------------------------------------------------------------------------------------------
def _norm(x: Any, *, axis: tuple[int, ...], p: float) -> Any:
    if p != 2:
        return np.add.reduce(np.abs(x) ** p, axis) ** (1 / p)
    parts = [x.real, x.imag] if x.dtype.kind == "c" else [x]
    if len(axis) == x.ndim:
        return np.sqrt(sum(v.dot(v) for v in (part.ravel(order="K") for part in parts)))
    return np.sqrt(sum(np.add.reduce(v * v, axis) for v in parts))


def _norm_jvp(primals: Any, tangents: Any, *, axis: tuple[int, ...], p: float) -> tuple[Any, Any]:
    """y = (sum |x_i|^p)^(1/p): y_dot = sum (|x_i|/y)^(p-1) Re(conj(sign x_i) x_i_dot); terms with x_i = 0 are 0."""
    (x,), (x_dot,) = primals, tangents
    y = norm(x, axis=axis, p=p)
    with np.errstate(all="ignore"):
        slope = _norm_slope(x, y, axis, p)
    y_dot = sum_(slope * x_dot, axis=axis)
    return y, real_part(y_dot)


def _norm_slope(x: Any, y: Any, axis: tuple[int, ...], p: float) -> Any:
    """(|x_i|/y)^(p-1) conj(sign x_i)."""
    is_complex = x.dtype.kind == "c"
    size = spread(where(equal(y, 0), np.inf, y), x, axis)
    if p == 2:
        return conj_(x) / like(size, x)
    r = (complex_abs(x) if is_complex else absolute(x)) / size
    zero = equal(r, 0)
    slope = where(zero, 0.0, power(where(zero, 1.0, r), p - 1))
    return like(slope, x) * conj(complex_sign(x)) if is_complex else slope * sign(x)


def _norm_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, p in [
        ((3,), (0,), 2),
        ((2, 3), (0, 1), 2),
        ((2, 3), (1,), 2),
        ((2, 3), (0,), 3.5),
        ((3,), (0,), 0.5),
    ]:
        x = rng.uniform(1, 2, size=shape) * rng.choice([-1, 1], size=shape)
        for v in (x, x + 1j * rng.normal(size=shape)):
            yield Sample((v,), {"axis": axis, "p": p}, wrap=lambda x: (x,))


norm = Primitive(
    "norm",  # the p-norm of the elements over some axes
    _norm,
    Custom(_norm_jvp),
    type_rule=lambda x, axis, p: ArrayType(reduced(x.shape, axis), real_dtype(x.dtype)),
    batch=lambda size, batched, x, axis, p: (norm(x, axis=shifted(axis), p=p), True),
    samples=_norm_samples,
)
