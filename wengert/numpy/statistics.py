"""Means, variances and covariances, with all of NumPy's arguments."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..core.trace import concrete
from ..core.types import ArrayType, shape_of
from ..primitives import elementwise as ew
from ..primitives import reduce as p
from ..primitives.contract import diag_part
from ..primitives.shape import reshape, transpose
from .dispatch import implements, normalize_axis
from .parts import array, expand, joined, spread_to
from .reductions import NO, keep, sum
from .ufuncs import deliver, to_dtype
from .universal import clip, imag, real

__all__ = ["average", "corrcoef", "cov", "mean", "std", "var"]

FLOAT = np.dtype(np.float64)


def prepared(a: Any, dtype: Any) -> Any:
    """The operand in the dtype of its mean: integers and booleans become float64."""
    x = array(a)
    if dtype is None:
        return to_dtype(x, FLOAT) if x.dtype.kind in "biu" else x
    return to_dtype(x, np.dtype(dtype))


def how_many(x: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """The number of elements that each result is made of: an int, or an array where a mask is given."""
    axes = normalize_axis(axis, len(shape_of(x)))
    if where is NO or where is True:
        n = 1
        for a in axes:
            n *= shape_of(x)[a]
        return n
    mask = to_dtype(array(where), np.dtype(bool))
    return keep(p.count(spread_to(mask, shape_of(x)), axis=axes), x, axes, keepdims)


def over_count(total: Any, n: Any) -> Any:
    """total / n in the dtype of the total, NaN where there is nothing."""
    if isinstance(n, int):
        return total / n if n else total * np.nan
    with np.errstate(all="ignore"):
        return total / to_dtype(n, np.empty(0, total.dtype).real.dtype)


@implements(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NO, *, where: Any = NO) -> Any:
    """sum_i x_i / n."""
    x = prepared(a, dtype)
    half = dtype is None and x.dtype == np.float16  # added in single precision, as NumPy does
    total = sum(to_dtype(x, np.dtype(np.float32)) if half else x, axis, keepdims=keepdims, where=where)
    y = over_count(total, how_many(x, axis, keepdims, where))
    return deliver(to_dtype(y, np.dtype(np.float16)) if half else y, True, out)


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO,
    *,
    where: Any = NO,
    mean: Any = NO,
    correction: Any = NO,
) -> Any:
    """sum_i |x_i - mean|^2 / (n - ddof)."""
    return deliver(variance(a, axis, dtype, degrees_lost(ddof, correction), keepdims, where, mean), True, out)


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO,
    *,
    where: Any = NO,
    mean: Any = NO,
    correction: Any = NO,
) -> Any:
    """sqrt(var); its derivative is 0 where the variance is 0, as that of a norm."""
    v = variance(a, axis, dtype, degrees_lost(ddof, correction), keepdims, where, mean)
    return deliver(ew.root_of_squares(v), True, out)


def degrees_lost(ddof: Any, correction: Any) -> Any:
    """ddof, or its other name."""
    if correction is NO:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def variance(a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any, mean: Any) -> Any:
    """The variance, about the mean or a given one."""
    x = prepared(a, dtype)
    if mean is NO or mean is None:
        total = sum(x, axis, keepdims=True, where=where)
        mean = over_count(total, how_many(x, axis, True, where))
    d = x - mean
    squares = np.square(real(d)) + np.square(imag(d)) if d.dtype.kind == "c" else np.square(d)
    n = how_many(x, axis, keepdims, where) - ddof
    free: Any = builtins.max(n, 0) if isinstance(n, (int, float)) else np.maximum(n, 0)
    return over_count(sum(squares, axis, keepdims=keepdims, where=where), free)


# weights -----------------------------------------------------------------------------------------------------------
def weights_for(weights: Any, a: Any, axes: tuple[int, ...] | None) -> Any:
    """Weights at the shape of a, or along the axes that they are given for."""
    w = array(weights)
    if shape_of(w) == shape_of(a):
        return w
    if axes is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    if shape_of(w) != tuple(shape_of(a)[i] for i in axes):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    order = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    w = transpose(w, axes=order) if len(order) > 1 else w
    return expand(w, tuple(i for i in range(len(shape_of(a))) if i not in axes))


def is_true_of_any(condition: Any) -> bool:
    """Does a condition that is known hold anywhere? A condition of which only the type is known does not count."""
    found = concrete(condition)
    return not isinstance(found, ArrayType) and bool(np.any(found))


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = NO) -> Any:
    """sum_i w_i x_i / sum_i w_i."""
    a = array(a)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        total = y.dtype.type(np.prod(shape_of(a), dtype=float) / np.prod(shape_of(y), dtype=float))
    else:
        given = None if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        axes = None if given is None else tuple(i + len(shape_of(a)) if i < 0 else int(i) for i in given)
        w = weights_for(weights, a, axes)
        dtype = np.result_type(a.dtype, w.dtype, *([FLOAT] if a.dtype.kind in "biu" else []))
        w = to_dtype(w, dtype)
        total = sum(w, axis, keepdims=keepdims)
        if is_true_of_any(np.equal(total, 0)):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        y = sum(to_dtype(a, dtype) * w, axis, keepdims=keepdims) / total
    return (y, spread_to(total, shape_of(y))) if returned else y


# covariances -------------------------------------------------------------------------------------------------------
@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """C = D diag(w) D^H / (sum w - ddof), where the rows of D are the variables less their means."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    ddof = (0 if bias else 1) if ddof is None else ddof
    m, y = array(m), None if y is None else array(y)
    kinds = [x.dtype for x in (m, y) if x is not None]
    dtype = np.result_type(*kinds, np.float64) if dtype is None else np.dtype(dtype)
    x = _variables("m", m, rowvar or len(shape_of(m)) == 1, dtype)
    if y is not None:
        x = joined([x, _variables("y", y, rowvar or len(shape_of(y)) < 2 or shape_of(y)[0] == 1, dtype)], 0)
    n = shape_of(x)[1]
    w, scale = _observations(n, fweights, aweights, ddof)
    d = x - expand(average(x, axis=1, weights=w), (1,))
    weighted = d if w is None else d * w
    c = np.matmul(d, np.conj(transpose(weighted, axes=(1, 0)))) * np.true_divide(1, scale)
    return reshape(c, shape=tuple(k for k in shape_of(c) if k != 1))


def _variables(name: str, x: Any, rows: bool, dtype: np.dtype[Any]) -> Any:
    """The variables as rows of a matrix."""
    shape = shape_of(x)
    if len(shape) > 2:
        raise ValueError(f"{name} has more than 2 dimensions")
    x = to_dtype(reshape(x, shape=(1,) * (2 - len(shape)) + shape), dtype)
    return x if rows else transpose(x, axes=(1, 0))


def _observations(n: int, fweights: Any, aweights: Any, ddof: Any) -> tuple[Any, Any]:
    """The weight of each observation, and what the sum of products is divided by."""
    w = None
    for kind, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        given = to_dtype(array(given), FLOAT)
        if kind == "fweights" and is_true_of_any(np.not_equal(given, np.rint(given))):
            raise TypeError("fweights must be integer")
        if len(shape_of(given)) > 1:
            raise RuntimeError(f"cannot handle multidimensional {kind}")
        if shape_of(given) != (n,):
            raise RuntimeError(f"incompatible numbers of samples and {kind}")
        if is_true_of_any(np.less(given, 0)):
            raise ValueError(f"{kind} cannot be negative")
        w = given if w is None else w * given
    total = n if w is None else sum(w)
    if aweights is None or ddof == 0:
        scale = total - ddof
    else:
        scale = total - ddof * sum(w * to_dtype(array(aweights), FLOAT)) / total
    return w, np.maximum(scale, 0.0)


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """R_ij = C_ij / sqrt(C_ii C_jj)."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not shape_of(c):
        return c / c
    deviations = np.sqrt(real(diag_part(c)))
    r = c / expand(deviations, (1,)) / expand(deviations, (0,))
    if r.dtype.kind == "c":
        return clip(real(r), -1, 1) + 1j * clip(imag(r), -1, 1)
    return clip(r, -1, 1)
