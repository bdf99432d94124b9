"""Linear systems and factorisations: solve, inv, cholesky, qr. Operands are stacks of matrices.

Formulas: M. Giles, Collected matrix derivative results for forward and reverse mode AD (2008); I. Murray,
Differentiation of the Cholesky decomposition (2016); S. F. Walter and L. Lehmann, Algorithmic differentiation of
linear algebra functions (2010). Conventions at singular points: docs/design/linear-algebra.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Constant, Custom, Linear, Primitive, Sample
from ..core.trace import concrete
from ..core.types import ArrayType, shape_of
from ..errors import SingularPointError
from .contract import matmul, mT
from .elementwise import conj, convert, equal, mul, where
from .shape import broadcast_to, reshape, sum_, transpose

Types = list[ArrayType]


# helpers of the rules --------------------------------------------------------------------------------------------
def mH(x: Any) -> Any:
    """Matrices transposed and conjugated."""
    return conj(mT(x)) if x.dtype.kind == "c" else mT(x)


def hermitian_part(x: Any) -> Any:
    """(X + X^H) / 2: a factorisation that reads one triangle moves with the Hermitian part of a tangent."""
    return 0.5 * (x + mH(x))


def as_read(a: Any, a_dot: Any, lower: bool = True) -> Any:
    """The tangent of the Hermitian matrix of which one triangle is read.

    Where a is Hermitian to rounding (or not known yet) it moves among Hermitian matrices, and the Hermitian part of
    a_dot counts. Where it is not, the other triangle is not looked at: the one that is read, and its mirror image.
    """
    value = concrete(a)
    if isinstance(value, ArrayType):
        return a_dot
    skew = np.abs(value - np.conj(np.swapaxes(value, -1, -2))).max(initial=0)
    if not skew > 64 * np.finfo(value.dtype).eps * np.abs(value).max(initial=0):
        return a_dot
    n = a_dot.shape[-1]
    triangle = np.tri(n, k=-1)
    x = masked(triangle if lower else triangle.T, a_dot)
    return x + mH(x) + masked(np.eye(n), a_dot)


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


# singular points -------------------------------------------------------------------------------------------------
def singular_point(what: str) -> SingularPointError:
    """The error for a derivative that does not exist at singular matrices."""
    return SingularPointError(
        f"the derivative of {what} was asked where it does not exist",
        why="the matrix is singular there (to rounding)",
        write="change the point, add a small multiple of the identity (ridge), or differentiate a function that is "
        "smooth at singular matrices: numpy.linalg.det, numpy.linalg.pinv at constant rank",
    )


def _refused(x: Any, singular: Any, *, what: str) -> Any:
    marked = np.reshape(singular, np.shape(singular) + (1,) * (x.ndim - np.ndim(singular)))
    if np.any(marked) and np.any(marked & (x != 0) & ~np.isnan(x)):
        raise singular_point(what)
    return x


def _refused_samples(rng: np.random.Generator) -> Iterator[Sample]:
    yield Sample((rng.normal(size=(2, 3)), np.zeros(2, bool)), {"what": "f"})


# A tangent or adjoint itself, which has to vanish at the matrices that are marked as singular.
refused = Primitive(
    "refused",
    _refused,
    Linear(lambda y_bar, x, singular, what: refused(y_bar, singular, what=what), None),
    type_rule=lambda x, singular, what: x,
    batch=stacked(lambda: refused),
    samples=_refused_samples,
)


def _regular_jvp(primals: Any, tangents: Any, *, what: str) -> tuple[Any, Any]:
    return regular(*primals, what=what), refused(tangents[0], equal(primals[0], 0), what=what)


regular = Primitive(
    "regular",  # x itself, without a derivative where it is zero
    lambda x, what: x,
    Custom(_regular_jvp),
    type_rule=lambda x, what: x,
    batch=lambda size, batched, x, what: (regular(x, what=what), True),
    samples=lambda rng: iter([Sample((rng.normal(size=(2, 3)),), {"what": "f"})]),
)


def or_identity(a: Any, singular: Any) -> Any:
    """The matrices, with the identity in the place of singular ones: their derivatives are refused elsewhere."""
    return where(spread(singular, a), np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape), a)


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


def _triangle_is_singular(r: Any) -> Any:
    return np.any(_negligible(r.diagonal(axis1=-2, axis2=-1)), axis=-1)


triangle_is_singular = Primitive(
    "triangle_is_singular",
    _triangle_is_singular,
    Constant(),
    type_rule=lambda r: ArrayType(r.shape[:-2], bool),
    batch=lambda size, batched, r: (triangle_is_singular(r), True),
    samples=lambda rng: iter([Sample((rng.normal(size=(2, 3, 3)),)), Sample((np.diag([1.0, 0.0]),))]),
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


# cholesky --------------------------------------------------------------------------------------------------------
def _cholesky_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """A = L L^H: L_dot = L Phi(L^-1 A_dot L^-H), Phi the lower triangle with half of the diagonal."""
    low = cholesky(*primals)
    n = low.shape[-1]
    x = solve_triangular(low, hermitian_part(as_read(primals[0], tangents[0])), lower=True, unit=False)
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
    (a,) = primals
    q, r = qr(a)
    k, n = r.shape[-2:]
    r1 = times(r, np.eye(n, k)) if k < n else r
    singular = triangle_is_singular(r1)
    r1 = or_identity(r1, singular)
    a_dot = refused(tangents[0], singular, what="numpy.linalg.qr")
    a1_dot = times(a_dot, np.eye(n, k)) if k < n else a_dot  # the first k columns decide Q
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
