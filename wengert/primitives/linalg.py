"""Linear systems and factorisations: solve, inv, det, slogdet, cholesky, qr. Operands are stacks of matrices.

Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode AD (2008); I. Murray,
Differentiation of the Cholesky decomposition (2016); S. F. Walter and L. Lehmann, Algorithmic differentiation of
linear algebra functions (2010). Conventions at singular points: docs/design/linear-algebra.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Linear, Primitive, Sample
from ..core.types import ArrayType, shape_of
from ..errors import SingularPointError
from .contract import diag_part, matmul, mT
from .elementwise import conj, convert, equal, imag, mul, real
from .shape import broadcast_to, reshape, sum_, transpose

Types = list[ArrayType]


# helpers of the rules --------------------------------------------------------------------------------------------
def mH(x: Any) -> Any:
    """Matrices transposed and conjugated."""
    return conj(mT(x)) if x.dtype.kind == "c" else mT(x)


def hermitian_part(x: Any) -> Any:
    """(X + X^H) / 2: a factorisation that reads one triangle moves with the Hermitian part of a tangent."""
    return 0.5 * (x + mH(x))


def like(x: Any, y: Any) -> Any:
    """x in the dtype of y, where one is real and the other complex."""
    return x if x.dtype == y.dtype else convert(x, dtype=y.dtype)


def masked(mask: Any, x: Any) -> Any:
    """The matrices x, element by element times one constant matrix."""
    return mul(np.broadcast_to(mask.astype(x.dtype), x.shape), x)


def times(x: Any, constant: Any) -> Any:
    """Each of the matrices x times one constant matrix."""
    return matmul(x, np.broadcast_to(constant.astype(x.dtype), (*x.shape[:-2], *constant.shape)))


def inner(a: Any, x: Any) -> Any:
    """sum_ij a_ij x_ij of each matrix: tr(A^T X)."""
    n = len(a.shape)
    return sum_(a * x, axis=(n - 2, n - 1))


def spread(c: Any, x: Any) -> Any:
    """One number for each matrix, repeated over the matrix."""
    return broadcast_to(reshape(c, shape=(*x.shape[:-2], 1, 1)), shape=tuple(x.shape))


def minus(a: Any, b: Any) -> Any:
    """a - b, where None is a symbolic zero."""
    if a is None or b is None:
        return a if b is None else -b
    return a - b


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype of the absolute values."""
    return np.zeros((), dtype).real.dtype


def stacked(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """Batching of a primitive whose arguments are all stacks of matrices: a batch is a larger stack."""

    def batch(size: int, batched: list[bool], *args: Any, **params: Any) -> Any:
        full = [x if on else broadcast_to(x, shape=(size, *shape_of(x))) for x, on in zip(args, batched, strict=True)]
        y = primitive()(*full, **params)
        return y, [True] * len(y) if isinstance(y, list) else True

    return batch


def matrices(*shapes: tuple[int, ...], shift: float = 0.0, wrap: Any = None) -> Callable[..., Iterator[Sample]]:
    """Samples of one argument: random real matrices, and complex ones; shift moves their eigenvalues away from 0."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in shapes:
            x, y = rng.normal(size=(2, *shape)) + shift * np.eye(shape[-2], shape[-1])
            yield Sample((x,), wrap=wrap)
            yield Sample((x + 1j * y,), wrap=wrap)

    return samples


# raising at singular points --------------------------------------------------------------------------------------
def _regular(x: Any, singular: Any, *, what: str) -> Any:
    if np.any(singular):
        raise SingularPointError(
            f"the derivative of {what} was asked where it does not exist",
            why="the matrix is singular there (to rounding)",
            write="change the point, add a small multiple of the identity (ridge), or differentiate a function that is "
            "smooth at singular matrices: numpy.linalg.det, numpy.linalg.pinv at constant rank",
        )
    return x


def _regular_samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((rng.normal(size=(2, 3)), np.zeros(2, bool)), {"what": "f"})


regular = Primitive(
    "regular",  # x itself; SingularPointError where something is marked as singular
    _regular,
    Linear(lambda y_bar, x, singular, what: y_bar, None),
    type_rule=lambda x, singular, what: x,
    batch=lambda size, batched, x, singular, what: (regular(x, singular, what=what), batched[0]),
    samples=_regular_samples,
)


def _negligible(x: Any) -> Any:
    size, n = np.abs(x), x.shape[-1]
    return size <= n * np.finfo(x.dtype).eps * np.max(size, axis=-1, keepdims=True, initial=0)


negligible = Primitive(
    "negligible",  # does an element vanish, to rounding, beside the largest of its row?
    _negligible,
    Constant(),
    type_rule=lambda x: ArrayType(x.shape, bool),
    batch=lambda size, batched, x: (negligible(x), True),
    samples=lambda rng: iter([Sample((rng.normal(size=(2, 3)),)), Sample((np.array([1.0, 0.0, 1e-17]),))]),
)


# solve -----------------------------------------------------------------------------------------------------------
def shared(f: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """f(a, b) for right sides b with axes in front of those of a: they become columns, so that a is factored once."""
    extra = len(b.shape) - len(a.shape)
    lead, n = tuple(b.shape[:extra]), len(b.shape)
    front = tuple(range(extra))
    b = transpose(b, axes=(*range(extra, n - 1), *front, n - 1))
    columns = reshape(b, shape=(*a.shape[:-1], int(np.prod(lead)) * b.shape[-1]))
    x = reshape(f(a, columns), shape=(*a.shape[:-1], *lead, b.shape[-1]))
    return transpose(x, axes=(*range(n - 1 - extra, n - 1), *range(n - 1 - extra), n - 1))


def _batch_solve(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """Lanes that share the matrix are columns of one right side."""
    larger_stack = stacked(primitive)

    def batch(size: int, batched: list[bool], a: Any, b: Any, **params: Any) -> tuple[Any, Any]:
        if batched == [False, True]:
            return shared(lambda a, b: primitive()(a, b, **params), a, b), True
        return larger_stack(size, batched, a, b, **params)

    return batch


def _solve_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A X = B: A X_dot = B_dot - A_dot X."""
    (a, _), (a_dot, b_dot) = primals, tangents
    x = solve(*primals)
    return x, solve(a, minus(b_dot, None if a_dot is None else matmul(a_dot, x)))


def _solve_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack, n, k in [((), 3, 2), ((), 1, 1), ((2,), 2, 1), ((), 0, 1)]:
        a = rng.normal(size=(*stack, n, n)) + 3 * np.eye(n)
        yield Sample((a, rng.normal(size=(*stack, n, k))))
    yield Sample((rng.normal(size=(2, 2)) + 3j * np.eye(2), rng.normal(size=(2, 2)) + 1j))


solve = Primitive(
    "solve",
    np.linalg.solve,
    Custom(_solve_jvp, transposes=(None, lambda y_bar, a, b: solve(mT(a), y_bar))),
    type_rule=lambda a, b: b,
    batch=_batch_solve(lambda: solve),
    samples=_solve_samples,
)


# solve_triangular ------------------------------------------------------------------------------------------------
def _solve_triangular(a: Any, b: Any, *, lower: bool, unit: bool) -> Any:
    if a.ndim == 2 and b.size:
        from scipy.linalg import solve_triangular as scipys

        return scipys(a, b, lower=lower, unit_diagonal=unit, check_finite=False)
    return np.linalg.solve(_triangle(a, lower, unit), b)


def _triangle(a: Any, lower: bool, unit: bool) -> Any:
    """The triangle that is read, as a matrix."""
    t = np.tril(a, -1 if unit else 0) if lower else np.triu(a, 1 if unit else 0)
    return t + np.eye(a.shape[-1], dtype=a.dtype) if unit else t


def _solve_triangular_jvp(primals: Any, tangents: Any, *, lower: bool, unit: bool) -> tuple[Any, Any]:
    """T X = B: T X_dot = B_dot - tri(T_dot) X."""
    (a, b), (a_dot, b_dot) = primals, tangents
    x = solve_triangular(a, b, lower=lower, unit=unit)
    moved = None
    if a_dot is not None:
        triangle = np.tri(a.shape[-1], k=-1 if unit else 0)
        moved = matmul(masked(triangle if lower else triangle.T, a_dot), x)
    return x, solve_triangular(a, minus(b_dot, moved), lower=lower, unit=unit)


def _solve_triangular_T(y_bar: Any, a: Any, b: Any, *, lower: bool, unit: bool) -> Any:
    return solve_triangular(mT(a), y_bar, lower=not lower, unit=unit)


def _solve_triangular_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for stack, n, lower, unit in [
        ((), 3, True, False),
        ((), 2, False, True),
        ((2,), 2, False, False),
        ((), 0, True, True),
    ]:
        a = rng.normal(size=(*stack, n, n)) + 3 * np.eye(n)
        yield Sample((a, rng.normal(size=(*stack, n, 2))), {"lower": lower, "unit": unit})


solve_triangular = Primitive(
    "solve_triangular",  # lower: which triangle is read; unit: its diagonal is taken as ones
    _solve_triangular,
    Custom(_solve_triangular_jvp, transposes=(None, _solve_triangular_T)),
    type_rule=lambda a, b, lower, unit: b,
    batch=_batch_solve(lambda: solve_triangular),
    samples=_solve_triangular_samples,
)


# inv -------------------------------------------------------------------------------------------------------------
def _inv_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Y = A^-1: Y_dot = -Y A_dot Y."""
    y = inv(*primals)
    return y, -matmul(matmul(y, tangents[0]), y)


inv = Primitive(
    "inv",
    np.linalg.inv,
    Custom(_inv_jvp),
    type_rule=lambda a: a,
    batch=stacked(lambda: inv),
    samples=matrices((3, 3), (2, 2, 2), (0, 0), shift=4.0),
)


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
    c, c_dot, d = cofactors(a), cofactors_slope(a, a_dot), det(a)
    d = regular(d, equal(d, 0), what="the second derivative of numpy.linalg.det")
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
    sign = regular(sign, equal(sign, 0), what="numpy.linalg.slogdet")
    g = inner(mT(inv(a)), tangents[0])
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


# cholesky --------------------------------------------------------------------------------------------------------
def _cholesky_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A = L L^H: L_dot = L Phi(L^-1 A_dot L^-H), Phi the lower triangle with half of the diagonal."""
    low = cholesky(*primals)
    n = low.shape[-1]
    x = solve_triangular(low, hermitian_part(tangents[0]), lower=True, unit=False)
    y = mH(solve_triangular(low, mH(x), lower=True, unit=False))
    return low, matmul(low, masked(np.tri(n) - 0.5 * np.eye(n), y))


def _cholesky_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(3, 3), (2, 2, 2), (1, 1), (0, 0)]:
        x = rng.normal(size=shape)
        for a in (x, x + 1j * rng.normal(size=shape)):
            yield Sample((np.matmul(a, mH(a)) + np.eye(shape[-1]),), wrap=lambda a: (0.5 * (a + mH(a)),))


cholesky = Primitive(
    "cholesky",
    np.linalg.cholesky,
    Custom(_cholesky_jvp),
    type_rule=lambda a: a,
    batch=stacked(lambda: cholesky),
    samples=_cholesky_samples,
)


# qr --------------------------------------------------------------------------------------------------------------
def _qr_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A = Q R, the leading square of R being R1 and A1 = Q R1. With X = A1_dot R1^-1 and C = Q^H X:

    Q_dot = Q W + X - Q C, where W is skew with the lower triangle of C, and R_dot = Q^H (A_dot - Q_dot R).
    """
    (a,), (a_dot,) = primals, tangents
    q, r = qr(a)
    k, n = r.shape[-2:]
    a1_dot, r1 = a_dot, r
    if k < n:  # a wide matrix: the first k columns decide Q
        a1_dot, r1 = times(a_dot, np.eye(n, k)), times(r, np.eye(n, k))
    r1 = regular(r1, negligible(diag_part(r1)), what="numpy.linalg.qr")
    x = mT(solve_triangular(mT(r1), mT(a1_dot), lower=True, unit=False))
    c = matmul(mH(q), x)
    low = masked(np.tri(k, k=-1), c)
    w = low - mH(low)
    if a.dtype.kind == "c":  # the diagonal of R is real
        w = w + masked(np.eye(k), 0.5 * (c - mH(c)))
    q_dot = matmul(q, w - c) + x
    return [q, r], [q_dot, masked(np.tri(n, k).T, matmul(mH(q), a_dot - matmul(q_dot, r)))]


def _qr_type(a: ArrayType) -> Types:
    m, n = a.shape[-2:]
    k = min(m, n)
    return [ArrayType((*a.shape[:-2], m, k), a.dtype), ArrayType((*a.shape[:-2], k, n), a.dtype)]


qr = Primitive(
    "qr",  # reduced: (m, n) -> (m, k), (k, n) with k = min(m, n)
    lambda a: list(np.linalg.qr(a)),
    Custom(_qr_jvp),
    type_rule=_qr_type,
    batch=stacked(lambda: qr),
    samples=matrices((3, 3), (4, 2), (2, 3), (2, 3, 2), (1, 1), (0, 0), wrap=lambda a: (a,)),  # not holomorphic
    multiple=True,
)
