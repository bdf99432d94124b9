"""log(sum(exp)) and softmax over axes, stable for arguments of any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.primitive import Constant, Custom, Elementwise, Primitive, Sample
from ...core.types import ArrayType
from ..shape import kept, reduced, shifted, spread, sum_


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in [((3,), (0,)), ((2, 3), (1,)), ((2, 3, 2), (0, 2)), ((0, 2), (1,)), ((), ())]:
        yield Sample((np.asarray(rng.normal(size=shape)),), {"axis": axis})


def _shift(a: Any, *, axis: tuple[int, ...]) -> Any:
    """The largest real part along the axes (kept, with length one), and 0 where it is infinite."""
    a = np.real(a)
    m = np.maximum.reduce(a, axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(m), m, m.dtype.type(0))


# Subtracted before exp and added after log, it does not change what is computed: its derivative is not needed.
shift = Primitive(
    "shift",
    _shift,
    Constant(),
    type_rule=lambda a, axis: ArrayType(kept(a.shape, axis), a.dtype.type(0).real.dtype),
    batch=lambda size, batched, a, axis: (shift(a, axis=shifted(axis)), True),
    samples=_samples,
)


def _weight(a: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        w = np.exp(a - y)
        lost = np.isnan(w)
        return np.where(lost & np.isinf(a) & (a == y), (a > 0).astype(w.dtype), w)[()] if lost.any() else w


weight = (
    Primitive(  # exp(a - y): the share of exp(a) in a sum of exponentials exp(y); 0 at -inf - (-inf), 1 at inf - inf
        "weight",
        _weight,
        Elementwise(lambda y: y, lambda y: -y),
        pointwise=True,
        samples=lambda rng: (Sample((rng.normal(size=s), rng.normal(size=s))) for s in [(3,), (2, 2)]),
    )
)


# logsumexp ---------------------------------------------------------------------------------------------------------
def _logsumexp(a: Any, *, axis: tuple[int, ...]) -> Any:
    m = np.maximum.reduce(a, axis, keepdims=True, initial=-np.inf)
    with np.errstate(all="ignore"):
        safe = m if np.isfinite(m).all() else np.where(np.isfinite(m), m, m.dtype.type(0))
        y = np.log(np.add.reduce(np.exp(a - safe), axis))
    return (y + safe.reshape(np.shape(y)))[()]


def _logsumexp_jvp(primals: Any, tangents: Any, *, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """y_dot = sum_i exp(a_i - y) a_i_dot."""
    (a,), (a_dot,) = primals, tangents
    y = logsumexp(a, axis=axis)
    return y, sum_(weight(a, spread(y, a, axis)) * a_dot, axis=axis)


logsumexp = Primitive(
    "logsumexp",
    _logsumexp,
    Custom(_logsumexp_jvp),
    type_rule=lambda a, axis: ArrayType(reduced(a.shape, axis), a.dtype),
    batch=lambda size, batched, a, axis: (logsumexp(a, axis=shifted(axis)), True),
    samples=_samples,
)


# softmax -----------------------------------------------------------------------------------------------------------
def _softmax(a: Any, *, axis: tuple[int, ...]) -> Any:
    e = np.exp(a - np.maximum.reduce(a, axis, keepdims=True, initial=-np.inf))
    return (e / np.add.reduce(e, axis, keepdims=True))[()]


def _softmax_jvp(primals: Any, tangents: Any, *, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """y_dot = y (a_dot - sum y a_dot)."""
    (a,), (a_dot,) = primals, tangents
    y = softmax(a, axis=axis)
    weighted = y * a_dot
    return y, weighted - y * spread(sum_(weighted, axis=axis), a, axis)


softmax = Primitive(
    "softmax",
    _softmax,
    Custom(_softmax_jvp),
    type_rule=lambda a, axis: ArrayType(a.shape, a.dtype),
    batch=lambda size, batched, a, axis: (softmax(a, axis=shifted(axis)), True),
    samples=_samples,
)


def _log_softmax(a: Any, *, axis: tuple[int, ...]) -> Any:
    m = np.maximum.reduce(a, axis, keepdims=True, initial=-np.inf)
    a = a - np.where(np.isfinite(m), m, m.dtype.type(0))
    with np.errstate(divide="ignore"):
        return (a - np.log(np.add.reduce(np.exp(a), axis, keepdims=True)))[()]


def _log_softmax_jvp(primals: Any, tangents: Any, *, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """y_dot = a_dot - sum exp(y) a_dot."""
    (a,), (a_dot,) = primals, tangents
    total = sum_(softmax(a, axis=axis) * a_dot, axis=axis)
    return log_softmax(a, axis=axis), a_dot - spread(total, a, axis)


log_softmax = Primitive(
    "log_softmax",
    _log_softmax,
    Custom(_log_softmax_jvp),
    type_rule=lambda a, axis: ArrayType(a.shape, a.dtype),
    batch=lambda size, batched, a, axis: (log_softmax(a, axis=shifted(axis)), True),
    samples=_samples,
)
