"""Quotients by gaps between eigenvalues or singular values, where all that is singular in their derivatives lives.

Where two eigenvalues coincide, the derivative of their eigenvectors is p / 0. What does not depend on the choice of a
basis has p = 0 there, and the value of 0 / 0 is a limit: that of the quotient while the eigenvalues move apart. It is
0 for what depends on the eigenvectors alone (a projector), and something else where functions of the eigenvalues
multiply them (V f(w) V^T). So in reverse mode repeated values are split by an infinitesimal, `w + e (1, 2, ..., n)`,
which the following computation carries along, and the limit is the quotient of the coefficients of e (l'Hopital). The
trace that follows e is transforms/split.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Elementwise, Linear, Primitive, Sample
from ..core.trace import Tracer, concrete
from ..core.types import ArrayType
from ..errors import SingularPointError
from .contract import matmul
from .elementwise import conj
from .linalg import like, mH, stacked
from .shape import broadcast_to, reshape, sum_

NOISE = 16  # what rounding does to eigenvalues: this many times n eps beside the largest of them


def magnitude(w: Any) -> Any:
    """The largest absolute value of each row."""
    return np.max(np.abs(w), axis=-1, keepdims=True, initial=0)


def rounding(w: Any) -> float:
    """Differences between the values w that are as good as zero, relative to the largest."""
    return NOISE * w.shape[-1] * float(np.finfo(w.dtype).eps)


def singular_vectors(why: str) -> SingularPointError:
    """The error for eigenvectors or singular vectors that have no derivative."""
    return SingularPointError(
        "the derivative of eigenvectors or singular vectors was asked where it does not exist",
        why=why,
        write="use what does not depend on the choice of a basis (eigenvalues, projectors, V f(w) V^T, pinv, the "
        "product U S V^T), or move the point",
    )


ARBITRARY = (
    "values coincide there (to rounding), or a singular value is zero, and the result depends on which basis of their "
    "space was chosen; or it depends on the phase of complex vectors, which is arbitrary"
)
ONE_SIDED = (
    "values coincide there (to rounding), and inside a loop, a branch or a checkpoint it is not followed how they move "
    "apart"
)


# split -----------------------------------------------------------------------------------------------------------
class Splitting(Primitive):
    """Identity of values; repeated ones get the infinitesimal part. `trace` follows it: set by transforms/split.py."""

    trace: Any = None

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Plain values that coincide become tracers."""
        (w,) = args
        if isinstance(w, Tracer):
            return super().__call__(w)
        if self.trace is None or not _any_close(w):
            return w
        return Tracer(self.trace, w, np.broadcast_to(np.arange(1, 1 + w.shape[-1], dtype=w.dtype), w.shape))


def _any_close(w: Any) -> bool:
    """Are some of the values closer than sqrt(eps), or near zero?"""
    tolerance = np.sqrt(np.finfo(w.dtype).eps) * magnitude(w)
    if w.dtype.kind == "f":  # sorted
        return bool(np.any(np.abs(np.diff(w)) <= tolerance) or np.any(np.abs(w) <= tolerance))
    apart = np.abs(w[..., None] - w[..., None, :]) > tolerance[..., None]
    return not np.all(apart | np.eye(w.shape[-1], dtype=bool))


split = Splitting(
    "split",
    lambda w: w,
    Elementwise(1, linear_in=(0,), jointly=True),
    type_rule=lambda w: w,
    batch=lambda size, batched, w: (split(w), True),
    samples=lambda rng: iter([Sample((np.arange(1.0, 4.0) + rng.uniform(size=3) / 2,))]),
)


def told_apart(w: Any) -> Any:
    """The values, split where they are known: not in the body of a loop, which is recorded for all values."""
    return w if isinstance(concrete(w), ArrayType) else split(w)


def _directed_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return directed(*primals), tangents[0]


# w itself, told apart in reverse mode, which has no direction in which they would move apart by themselves
directed = Primitive(
    "directed",
    lambda w, a_dot: w,
    Custom(_directed_jvp, undirected=lambda w, a_dot: told_apart(w)),
    type_rule=lambda w, a_dot: w,
    batch=lambda size, batched, w, a_dot: (directed(w, a_dot), batched[0]),
    samples=lambda rng: iter([Sample((rng.uniform(size=3), rng.normal(size=(3, 3))), differentiable=(0,))]),
)


# quotients -------------------------------------------------------------------------------------------------------
def _quotient(p: Any, gap: Any, x: Any, w: Any, ignored: Any = False, one_sided: bool = False) -> Any:
    """p / gap, and 0 where both vanish (or p is ignored); p is a part of x, gap a difference or sum of values w.

    one_sided: without the infinitesimal parts, only an x that vanishes too leaves no doubt about the limit.
    """
    size = magnitude(w)[..., None]
    zero = np.abs(gap) <= rounding(w) * size
    if not zero.any():
        return p / gap
    noise = np.sqrt(np.finfo(w.dtype).eps) * np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0)
    if np.any(zero & ~np.asarray(ignored) & (np.abs(p) > noise)):
        raise singular_vectors(ARBITRARY)
    if one_sided and np.any(zero & ~np.eye(zero.shape[-1], dtype=bool) & (np.abs(x) > noise) & (size > 0)):
        raise singular_vectors(ONE_SIDED)
    return np.where(zero, 0, p / np.where(zero, 1, gap))


# gaps ------------------------------------------------------------------------------------------------------------
def _gaps_T(y_bar: Any, w: Any, *, sign: int) -> Any:
    n = len(y_bar.shape)
    columns, rows = sum_(y_bar, axis=(n - 2,)), sum_(y_bar, axis=(n - 1,))
    return columns + rows if sign > 0 else columns - rows


def _vectors(**params: Any) -> Any:
    return lambda rng: (Sample((np.sort(rng.uniform(1, 2, size=s)) * 2,), params) for s in [(3,), (2, 2), (0,)])


gaps = Primitive(
    "gaps",  # g_ij = w_j + sign w_i
    lambda w, sign: w[..., None, :] + sign * w[..., :, None],
    Linear(_gaps_T),
    type_rule=lambda w, sign: ArrayType((*w.shape, w.shape[-1]), w.dtype),
    batch=lambda size, batched, w, sign: (gaps(w, sign=sign), True),
    samples=_vectors(sign=-1),
)


# over_gaps -------------------------------------------------------------------------------------------------------
def _part(x: Any, hermitian: bool | None) -> Any:
    if hermitian is None:
        return x
    return 0.5 * (x + mH(x)) if hermitian else 0.5 * (x - mH(x))


def _gap_terms(x: Any, w: Any, *, sign: int, hermitian: bool | None) -> tuple[Any, Any]:
    return _part(x, hermitian), w[..., None, :] + sign * w[..., :, None]


def _ignored(w: Any, sign: int, hermitian: bool | None) -> Any:
    """The diagonal moves values, not vectors."""
    return sign < 0 and hermitian is not False and np.eye(w.shape[-1], dtype=bool)


def _over_gaps(x: Any, w: Any, *, sign: int, hermitian: bool | None) -> Any:
    one_sided = sign < 0 and hermitian is False
    p, gap = _gap_terms(x, w, sign=sign, hermitian=hermitian)
    return _quotient(p, gap, x, w, _ignored(w, sign, hermitian), one_sided)


def _over_gaps_jvp(primals: Any, tangents: Any, *, sign: int, hermitian: bool | None) -> tuple[Any, Any]:
    """y = p / g: y_dot = (p_dot - y g_dot) / g, where p is a part of x and y g_dot is all of that part."""
    (x, w), (x_dot, w_dot) = primals, tangents
    y = over_gaps(x, w, sign=sign, hermitian=hermitian)
    if w_dot is None:
        return y, over_gaps(x_dot, w, sign=sign, hermitian=hermitian)
    move = -(y * like(gaps(w_dot, sign=sign), y))
    return y, over_gaps(move if x_dot is None else x_dot + move, w, sign=sign, hermitian=hermitian)


def _over_gaps_T(y_bar: Any, x: Any, w: Any, *, sign: int, hermitian: bool | None) -> Any:
    """A quotient by w_j - w_i of the Hermitian part is skew, and the other way round; w_j + w_i keeps the part."""
    if hermitian is not None and sign < 0:
        hermitian = not hermitian
    return over_gaps(y_bar, w, sign=sign, hermitian=hermitian)


def _over_gaps_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(3, 3), (2, 2, 2), (0, 0)]:
        for sign, hermitian in [(-1, True), (-1, False), (1, False), (1, None)]:
            w = np.arange(1.0, 1 + shape[-1]) + 0.1 * rng.uniform(size=shape[:-1])
            yield Sample((rng.normal(size=shape), w), {"sign": sign, "hermitian": hermitian}, wrap=lambda *args: args)


# y_ij = p_ij / (w_j + sign w_i): p is the Hermitian part of x, the skew one, or (None) x itself. Where the gap is zero
# y is 0 if p is, which is right for whatever does not depend on the basis; otherwise SingularPointError.
over_gaps = Primitive(
    "over_gaps",
    _over_gaps,
    Custom(_over_gaps_jvp, transposes=(_over_gaps_T, None)),
    type_rule=lambda x, w, sign, hermitian: x,
    batch=stacked(lambda: over_gaps),
    samples=_over_gaps_samples,
)


# over_values -----------------------------------------------------------------------------------------------------
def _value_terms(x: Any, s: Any) -> tuple[Any, Any]:
    return x, np.broadcast_to(s[..., None, :], (*s.shape[:-1], x.shape[-2], s.shape[-1]))


def _over_values(x: Any, s: Any) -> Any:
    return _quotient(*_value_terms(x, s), x, s)


def _over_values_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """y_ij = x_ij / s_j: y_dot = (x_dot - y s_dot) / s."""
    (x, s), (x_dot, s_dot) = primals, tangents
    y = over_values(x, s)
    if s_dot is None:
        return y, over_values(x_dot, s)
    rows = broadcast_to(reshape(s_dot, shape=(*s.shape[:-1], 1, s.shape[-1])), shape=tuple(x.shape))
    move = -(y * like(rows, y))
    return y, over_values(move if x_dot is None else x_dot + move, s)


over_values = Primitive(
    "over_values",  # y_ij = x_ij / s_j, with the same convention at zero
    _over_values,
    Custom(_over_values_jvp, transposes=(lambda y_bar, x, s: over_values(y_bar, s), None)),
    type_rule=lambda x, s: x,
    batch=stacked(lambda: over_values),
    samples=lambda rng: (
        Sample((rng.normal(size=(*s[:-1], 4, s[-1])), rng.uniform(1, 2, size=s))) for s in [(3,), (2, 2)]
    ),
)


# complement ------------------------------------------------------------------------------------------------------
def _complement(x: Any, u: Any) -> Any:
    y = x - np.matmul(u, np.matmul(mH(u), x))
    noise = NOISE * x.shape[-2] * np.finfo(x.dtype).eps * np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0)
    return np.where(np.abs(y) <= noise, 0, y)


def _complement_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    (x, u), (x_dot, u_dot) = primals, tangents
    y_dot = None if x_dot is None else complement(x_dot, u)
    if u_dot is not None:
        move = matmul(u_dot, matmul(mH(u), x)) + matmul(u, matmul(mH(u_dot), x))
        y_dot = -move if y_dot is None else y_dot - move
    return complement(x, u), y_dot


def _complement_samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape in [(4, 2), (2, 3, 2)]:
        yield Sample((rng.normal(size=shape), np.linalg.qr(rng.normal(size=shape))[0]), wrap=lambda *args: args)


complement = Primitive(
    "complement",  # (1 - U U^H) X, where what is rounding beside X is 0
    _complement,
    Custom(_complement_jvp, transposes=(lambda y_bar, x, u: complement(y_bar, conj(u)), None)),
    type_rule=lambda x, u: x,
    batch=stacked(lambda: complement),
    samples=_complement_samples,
)


# the limit -------------------------------------------------------------------------------------------------------
TERMS: dict[Primitive, Callable[..., tuple[Any, Any]]] = {over_gaps: _gap_terms, over_values: _value_terms}


def limit(primitive: Primitive, x: Any, x_e: Any, w: Any, w_e: Any, params: dict[str, Any]) -> tuple[Any, Any]:
    """The quotient (p + e p_e) / (gap + e gap_e) to first order in e; where both vanish, p_e / gap_e.

    There the coefficient of e stays unknown: NaN. It would be needed for a second limit alone.
    """
    p, gap = TERMS[primitive](x, w, **params)
    p_e, gap_e = TERMS[primitive](np.zeros_like(x) if x_e is None else x_e, w_e, **params)
    ignored = np.asarray(primitive is over_gaps and _ignored(w, params["sign"], params["hermitian"]))
    size = magnitude(w)[..., None]
    near = np.sqrt(np.finfo(w.dtype).eps)
    noise = np.abs(p) <= near * np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0)
    if np.any((np.abs(gap) <= rounding(w) * size) & ~noise & ~ignored):
        raise singular_vectors(ARBITRARY)
    both = noise & (np.abs(gap) <= near * size) & ~ignored
    with np.errstate(all="ignore"):
        y = np.where(both, np.where(gap_e == 0, 0, p_e / gap_e), np.where(ignored, 0, p / gap))
        y_e = np.where(both, np.nan, np.where(ignored, 0, (p_e - y * gap_e) / gap))
    if np.isnan(y).any() and not np.isnan(x).any():
        raise singular_vectors(
            "values coincide there (to rounding), and derivatives of higher order need more than one limit"
        )
    return y.astype(x.dtype, copy=False), y_e.astype(x.dtype, copy=False)
