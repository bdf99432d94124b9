"""Quotients by gaps between eigenvalues or singular values, where all that is singular in their derivatives lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Custom, Linear, Primitive, Sample
from ..core.types import ArrayType
from ..errors import SingularPointError
from .linalg import like, mH, stacked
from .shape import broadcast_to, reshape, sum_

NOISE = 16  # what rounding does to eigenvalues: this many times n eps beside the largest of them


def close_values(w: Any, gap: Any) -> Any:
    """Which gaps are zero, to rounding, beside the largest of the values w."""
    n = w.shape[-1]
    size = np.max(np.abs(w), axis=-1, keepdims=True, initial=0)[..., None]
    return np.abs(gap) <= NOISE * n * np.finfo(w.dtype).eps * size


def _quotient(p: Any, gap: Any, x: Any, w: Any, ignored: Any = False) -> Any:
    """p / gap, and 0 where both vanish (or p is ignored); p is a part of x, gap a difference or sum of values w."""
    zero = close_values(w, gap)
    if not zero.any():
        return p / gap
    size = np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0)
    if np.any(zero & ~np.asarray(ignored) & (np.abs(p) > np.sqrt(np.finfo(w.dtype).eps) * size)):
        raise SingularPointError(
            "the derivative of eigenvectors or singular vectors was asked where it does not exist",
            why="values coincide there (to rounding), or a singular value is zero, and the result depends on which "
            "basis of their space was chosen; or it depends on the phase of complex vectors, which is arbitrary",
            write="use what does not depend on the choice (eigenvalues, projectors, V f(w) V^T, pinv, the product U S "
            "V^T), or move the point",
        )
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


def _over_gaps(x: Any, w: Any, *, sign: int, hermitian: bool | None) -> Any:
    gap = w[..., None, :] + sign * w[..., :, None]
    ignored = sign < 0 and hermitian is not False and np.eye(w.shape[-1], dtype=bool)  # moves values, not vectors
    return _quotient(_part(x, hermitian), gap, x, w, ignored)


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
def _over_values(x: Any, s: Any) -> Any:
    return _quotient(x, np.broadcast_to(s[..., None, :], x.shape), x, s)


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
