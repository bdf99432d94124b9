"""Primitives of linear algebra that are made of others: functions of arrays, recorded where they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...control import cond
from ...core.program import Equation, Var
from ...core.record import record
from ...primitives.contract import mT
from ...primitives.elementwise import equal
from ...primitives.linalg import inv, mH, or_identity
from ...primitives.linalg_det import det
from ...primitives.linalg_gaps import NOISE, rounding
from ...primitives.linalg_spectral import eigh, svd, svdvals
from ...transforms.simplify import simplify
from ..loops.ir import Block, Branch
from .control import inline
from .linalg import callback_unless_native
from .linalg_det import EXPANDED, small_cofactors
from .lowering import RULES, Lowering, lowers

Composition = Callable[..., Any]


def composes(*names: str) -> Callable[[Composition], Composition]:
    """Declare a function of arrays as the lowering of primitives, for the dtypes of LAPACK."""

    def declare(f: Composition) -> Composition:
        @lowers(*names)
        @callback_unless_native
        def rule(low: Lowering, eq: Equation) -> None:
            compose(low, eq, f)

        return f

    return declare


def compose(low: Lowering, eq: Equation, f: Composition) -> None:
    """The program of a function in the place of an equation."""

    def results(*xs: Any) -> Sequence[Any]:
        found = f(*xs, **eq.params)
        ys = found if eq.primitive.multiple else [found]
        return [wnp.asarray(y, dtype=v.type.dtype) for y, v in zip(ys, eq.outputs, strict=True)]

    inline(low, eq, simplify(record(results, [a.type for a in eq.inputs], eq.primitive.name)))


# least squares -----------------------------------------------------------------------------------------------------
def inverses(s: Any, rcond: float) -> Any:
    """1 / s, and 0 for what is at most rcond times the largest."""
    large = s > rcond * wnp.max(s, axis=-1, keepdims=True)
    return wnp.where(large, 1 / wnp.where(large, s, 1), 0)


@lowers("pinv")
@callback_unless_native
def pinv(low: Lowering, eq: Equation) -> None:
    """V diag(1/s) U^H, as NumPy; where rcond is an array, NumPy itself."""
    if np.ndim(eq.params["rcond"]) or 0 in eq.inputs[0].type.shape:
        RULES["callback"](low, eq)
    else:
        compose(low, eq, pseudo_inverse)


def pseudo_inverse(a: Any, rcond: Any, hermitian: bool) -> Any:
    """A^+; Hermitian matrices are treated like others."""
    u, s, vh = svd(a, full=False, hermitian=False)
    return mH(vh) @ (inverses(s, float(rcond))[..., None] * mH(u))


@composes("lstsq")
def lstsq(a: Any, b: Any, rcond: float) -> list[Any]:
    """A^+ B by singular values, and these."""
    u, s, vh = svd(a, full=False, hermitian=False)
    rcond = float(np.finfo(s.dtype).eps) if rcond < 0 else rcond
    return [mH(vh) @ (inverses(s, rcond)[..., None] * (mH(u) @ b)), s]


@lowers("matrix_rank")
def matrix_rank(low: Lowering, eq: Equation) -> None:
    """How many singular values are beyond a tolerance; NumPy counts where that is an array, or there is no matrix."""
    a = eq.inputs[0].type
    tolerances = [t for k, t in eq.params.items() if k != "hermitian" and t is not None]
    if len(a.shape) < 2 or 0 in a.shape or a.dtype.name not in PRECISE or any(np.ndim(t) for t in tolerances):
        RULES["callback"](low, eq)
    else:
        compose(low, eq, rank)


PRECISE = ("float64", "float32", "complex128", "complex64")


def rank(a: Any, hermitian: bool, tol: Any = None, rtol: Any = None) -> Any:
    """NumPy's count."""
    s = svdvals(a, hermitian=False)
    if tol is None:
        rtol = max(a.shape[-2:]) * np.finfo(s.dtype).eps if rtol is None else rtol
        tol = wnp.max(s, axis=-1, keepdims=True) * rtol
    return wnp.sum(s > tol, axis=-1)


# vectors -----------------------------------------------------------------------------------------------------------
@composes("complement")
def complement(x: Any, u: Any) -> Any:
    """(1 - U U^H) X, where what is rounding beside X is 0."""
    y = x - u @ (mH(u) @ x)
    size = wnp.max(wnp.abs(x), axis=(-2, -1), keepdims=True)
    return wnp.where(wnp.abs(y) <= NOISE * x.shape[-2] * np.finfo(x.dtype).eps * size, 0, y)


@composes("largest")
def largest(v: Any) -> Any:
    """1 at the element of largest absolute value of each column."""
    place = wnp.argmax(wnp.abs(v), axis=-2)
    return wnp.expand_dims(place, -2) == np.arange(v.shape[-2])[:, None]


@lowers("defective")
def defective(low: Lowering, eq: Equation) -> None:
    """Are elements of the inverse of the eigenvectors too large?"""
    compose(low, eq, lambda y: wnp.max(wnp.abs(y), axis=(-2, -1)) * NOISE * y.shape[-1] * np.finfo(y.dtype).eps >= 1)


# bases -------------------------------------------------------------------------------------------------------------
@lowers("adapted_eigh", "adapted_svd")
@callback_unless_native
def adapted(low: Lowering, eq: Equation) -> None:
    """Eigenvectors or singular vectors; where values coincide, or vanish, Python chooses the basis."""
    plain = plain_eigh if eq.primitive.name == "adapted_eigh" else plain_svd
    results = [low.result(v) for v in eq.outputs]
    inner = Lowering(
        record(lambda a, *rest: plain(a, **eq.params), [a.type for a in eq.inputs], eq.primitive.name), low.constants
    )
    *made, close = inner.run([low.value(a) for a in eq.inputs])
    low.nodes += inner.nodes
    for y, value in zip(results, made, strict=True):
        low.copy(value, y)
    flag = low.copy(close).ref(())
    chosen = Lowering(low.program, low.constants)
    chosen.equation, chosen.values = eq, {a: low.value(a) for a in eq.inputs if isinstance(a, Var)}
    chosen.destinations = dict(zip(eq.outputs, results, strict=True))
    RULES["callback"](chosen, eq)
    low.nodes.append(Branch(flag, [Block(), Block(chosen.nodes)], eq))


def plain_eigh(a: Any, lower: bool) -> list[Any]:
    """Eigenvalues and eigenvectors, and whether some eigenvalues coincide."""
    w, v = eigh(a, lower=lower)
    return [w, v, coincide(w)]


def plain_svd(a: Any, full: bool, hermitian: bool) -> list[Any]:
    """Singular values and vectors, and whether some values coincide or vanish."""
    u, s, vh = svd(a, full=full, hermitian=hermitian)
    zero = s <= rounding(s) * wnp.max(s, axis=-1, keepdims=True)
    return [u, s, vh, wnp.logical_or(coincide(s), wnp.any(zero))]


def coincide(w: Any) -> Any:
    """Are neighbours equal, to rounding?"""
    size = wnp.max(wnp.abs(w), axis=-1, keepdims=True)
    return wnp.any(wnp.abs(wnp.diff(w, axis=-1)) <= rounding(w) * size)


# Hermitian matrices --------------------------------------------------------------------------------------------------
def hermitian_svd(a: Any, full: bool, hermitian: bool) -> list[Any]:
    """A = U |W| (U sign W)^H of A = U W U^H, columns in the order of their absolute values."""
    w, u = eigh(a, lower=True)
    s, order = wnp.abs(w), np.arange(w.shape[-1])
    ahead = wnp.logical_or(s[..., None, :] > s[..., None], (s[..., None, :] == s[..., None]) & (order > order[:, None]))
    place = wnp.sum(ahead, axis=-1)
    moved = wnp.asarray(place[..., None] == order, dtype=s.dtype)  # element i goes to its place
    signs, u = (wnp.sign(w)[..., None, :] @ moved)[..., 0, :], u @ moved
    return [u, (s[..., None, :] @ moved)[..., 0, :], mH(u * signs[..., None, :])]


lowers("hermitian svd")(lambda low, eq: compose(low, eq, hermitian_svd))
lowers("hermitian svdvals")(lambda low, eq: compose(low, eq, lambda a, hermitian: hermitian_svd(a, False, True)[1]))


# cofactors ---------------------------------------------------------------------------------------------------------
@lowers("cofactors")
@callback_unless_native
def cofactors(low: Lowering, eq: Equation) -> None:
    """det(A) A^-T: polynomials in the elements of small matrices, by the inverse or singular values of others."""
    if eq.inputs[0].type.shape[-1] <= EXPANDED:
        small_cofactors(low, eq)
    else:
        compose(low, eq, lambda a: by_inverse_or_svd(a, a, cofactors_by_inverse, cofactors_by_svd))


@composes("cofactors_slope")
def cofactors_slope(a: Any, x: Any) -> Any:
    """The derivative of cof at A in direction X."""
    return by_inverse_or_svd(a, x, slope_by_inverse, slope_by_svd)


def by_inverse_or_svd(a: Any, x: Any, by_inverse: Composition, by_svd: Composition) -> Any:
    """A formula with the inverses where all are accurate, one with singular values elsewhere."""
    d = det(a)
    y = inv(or_identity(a, equal(d, 0)))
    sizes = [wnp.max(wnp.sum(wnp.abs(m), axis=-1), axis=-1) for m in (a, y)]
    accurate = wnp.logical_and(d != 0, sizes[0] * sizes[1] * np.finfo(a.dtype).eps < 1e-9)
    return cond(wnp.all(accurate), lambda *args: by_inverse(*args), lambda a, x, d, y: by_svd(a, x), a, x, d, y)


def cofactors_by_inverse(a: Any, x: Any, d: Any, y: Any) -> Any:
    """det(A) A^-T."""
    return d[..., None, None] * mT(y)


def slope_by_inverse(a: Any, x: Any, d: Any, y: Any) -> Any:
    """det(A) (tr(A^-1 X) A^-T - (A^-1 X A^-1)^T)."""
    yx = y @ x
    slope = wnp.trace(yx, axis1=-2, axis2=-1)[..., None, None] * y - yx @ y
    return d[..., None, None] * mT(slope)


def cofactors_by_svd(a: Any, x: Any) -> Any:
    """cof(U) cof(S) cof(V^H), where cof(U) = det(U) conj(U) for unitary U."""
    u, s, vh = svd(a, full=False, hermitian=False)
    others = wnp.prod(wnp.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]), axis=-1)
    phase = (det(u) * det(vh))[..., None, None]
    return (phase * wnp.conj(u * others[..., None, :])) @ wnp.conj(vh)


def slope_by_svd(a: Any, x: Any) -> Any:
    """For diagonal A = S: e_ik X_kk summed on the diagonal, -e_ij X_ji beside it; e_ij = prod_{l != i, j} s_l."""
    u, s, vh = svd(a, full=False, hermitian=False)
    eye = np.eye(s.shape[-1], dtype=bool)
    e = wnp.where(eye, 0, wnp.prod(wnp.where(eye[:, None] | eye, 1, s[..., None, None, :]), axis=-1))
    z = mH(u) @ x @ mH(vh)
    along = wnp.sum(e * wnp.diagonal(z, axis1=-2, axis2=-1)[..., None, :], axis=-1)
    d = wnp.where(eye, along[..., None], -e * mT(z))
    return (det(u) * det(vh))[..., None, None] * (wnp.conj(u) @ d @ wnp.conj(vh))
