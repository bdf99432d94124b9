"""Polynomials by their coefficients, the highest power first: numpy.polyval and its kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.trace import Tracer, concrete
from ..core.types import ArrayType, shape_of
from ..primitives import polynomial as p_
from ..primitives.shape import transpose
from .calculus import convolve
from .dispatch import implements
from .parts import array, common, expand, flat, floating, item, joined, part
from .reductions import sum
from .statistics import is_true_of_any
from .ufuncs import to_dtype
from .universal import real

__all__ = ["poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub", "polyval", "roots"]


def coefficients(p: Any) -> Any:
    """The coefficients as an array of one axis."""
    p = array(p)
    if len(shape_of(p)) > 1:
        raise ValueError("Polynomial must be 1d only.")
    return flat(p)


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """p_0 x^(n-1) + ... + p_(n-1), by Horner's rule."""
    p, x = coefficients(p), array(x)
    y: Any = np.zeros(shape_of(x), x.dtype)[()]
    for i in range(shape_of(p)[0]):
        y = (y * x if i else y) + item(p, 0, i)
    return y


def _aligned(a: Any, b: Any) -> list[Any]:
    """Two polynomials with equally many coefficients."""
    pair = common(coefficients(a), coefficients(b))
    n = max(shape_of(p)[0] for p in pair)
    return [joined([np.zeros(n - shape_of(p)[0], p.dtype), p], 0) if shape_of(p)[0] < n else p for p in pair]


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """a + b."""
    a, b = _aligned(a1, a2)
    return a + b


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """a - b."""
    a, b = _aligned(a1, a2)
    return a - b


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """a b: the convolution of the coefficients."""
    return convolve(_trimmed(coefficients(a1)), _trimmed(coefficients(a2)))


def _trimmed(p: Any) -> Any:
    """Without leading zeros; a traced zero stays, as its derivative need not be zero."""
    if isinstance(p, Tracer):
        return p
    start = np.trim_zeros(p, "f")
    return start if len(start) else p[-1:]


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Quotient and remainder: u = q v + r."""
    u, v = common(coefficients(u) + 0.0, coefficients(v) + 0.0)
    n, m = shape_of(u)[0], shape_of(v)[0]
    quotient, r = [], u
    for k in range(n - m + 1):
        d = item(r, 0, k) / item(v, 0, 0)
        quotient.append(expand(d, (0,)))
        r = r - joined([np.zeros(k, u.dtype), expand(d, (0,)) * v, np.zeros(n - m - k, u.dtype)], 0)
    q = joined(quotient, 0) if quotient else np.zeros(1, u.dtype)
    start = 0
    while start < shape_of(r)[0] - 1 and is_true_of_any(np.less_equal(np.absolute(item(r, 0, start)), 1e-8)):
        start += 1
    return q, part(r, 0, start, shape_of(r)[0])


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative."""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = coefficients(p)
    for _ in range(m):
        n = shape_of(p)[0] - 1
        p = part(p, 0, 0, n) * np.arange(n, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th antiderivative, with the constants k."""
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    p = coefficients(p)
    constants = array(np.zeros(m) if k is None else k)
    constants = flat(constants)
    if shape_of(constants)[0] == 1 and m > 1:
        constants = item(constants, 0, 0) * np.ones(m)
    if shape_of(constants)[0] < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        n = shape_of(p)[0]
        p = joined([p / np.arange(n, 0, -1), part(constants, 0, i, i + 1)], 0)
    return p


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these roots: prod (x - r_i). Of a matrix, its characteristic polynomial."""
    zeros = array(seq_of_zeros)
    shape = shape_of(zeros)
    if shape == (0,):
        return 1.0
    if len(shape) == 2 and shape[0] == shape[1] and shape[0]:
        zeros = np.linalg.eigvals(zeros)
    elif len(shape) > 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    zeros = flat(zeros)
    zeros = to_dtype(zeros, np.dtype(np.float64)) if zeros.dtype.char in "e?bBhHiIlLqQ" else zeros
    p: Any = np.ones(1, zeros.dtype)
    for i in range(shape_of(zeros)[0]):
        p = convolve(p, joined([np.ones(1, zeros.dtype), -part(zeros, 0, i, i + 1)], 0))
    known = concrete(zeros)
    if p.dtype.kind == "c" and not isinstance(known, ArrayType) and known.ndim == 1:
        pairs = np.all(np.sort(known) == np.sort(known.conjugate()))
        return real(p) if pairs else p
    return p


@implements(np.roots)
def roots(p: Any) -> Any:
    """Where the polynomial is zero: p'(r) dr = -dp(r)."""
    p = floating(coefficients(p))
    known = concrete(p)
    start = 0
    if not isinstance(known, ArrayType) and known.ndim == 1:
        nonzero = np.flatnonzero(known)
        if not len(nonzero):
            return np.array([])
        start = int(nonzero[0])
    r = p_.roots(part(p, 0, start, shape_of(p)[0]))
    known = concrete(r)
    return real(r) if not isinstance(known, ArrayType) and p.dtype.kind == "f" and not known.imag.any() else r


@implements(np.polyfit)
def polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    """The polynomial for which sum_i w_i^2 |p(x_i) - y_i|^2 is least."""
    x, y = floating(x) + 0.0, floating(y) + 0.0
    order = int(deg) + 1
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if len(shape_of(x)) != 1:
        raise TypeError("expected 1D vector for x")
    if len(shape_of(y)) not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if shape_of(x)[0] != shape_of(y)[0]:
        raise TypeError("expected x and y to have same length")
    n = shape_of(x)[0]
    rcond = n * np.finfo(x.dtype).eps if rcond is None else rcond
    lhs, rhs = np.vander(x, order), y
    if w is not None:
        w = floating(w) + 0.0
        if shape_of(w) != (n,):
            raise TypeError(
                "expected 1-d array for weights"
                if len(shape_of(w)) != 1
                else "expected w and y to have the same length"
            )
        lhs = lhs * expand(w, (1,))
        rhs = rhs * (expand(w, (1,)) if len(shape_of(y)) == 2 else w)
    scale = np.sqrt(sum(lhs * lhs, axis=0))
    lhs = lhs / scale
    c, residuals, rank, s = np.linalg.lstsq(lhs, rhs, rcond)
    c = c / (expand(scale, (1,)) if len(shape_of(c)) == 2 else scale)
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    base = np.linalg.inv(np.matmul(transpose(lhs, axes=(1, 0)), lhs)) / np.multiply(expand(scale, (1,)), scale)
    if cov == "unscaled":
        factor: Any = 1
    elif n <= order:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    else:
        factor = residuals / (n - order)
    return c, expand(base, (2,)) * factor if len(shape_of(y)) == 2 else base * factor
