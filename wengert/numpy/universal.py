"""NumPy's universal functions by their names, and the functions that apply element by element like them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..primitives import elementwise as ew
from .dispatch import any_traced, implements, refuse
from .parts import array, floating
from .ufuncs import ON_TRACERS, deliver, operand, select

_ATTRIBUTES = ("accumulate", "at", "outer", "reduce", "reduceat", "nin", "nout", "nargs", "identity", "types")


def public(ufunc: np.ufunc) -> Callable[..., Any]:
    """A ufunc under its own name: NumPy's on plain operands, without the detour through its protocol on tracers."""
    if ufunc.nout > 1:
        return ufunc
    op = ON_TRACERS[ufunc]

    def unary(x: Any, /, out: Any = None, **kwargs: Any) -> Any:
        if isinstance(x, Tracer) and out is None and not kwargs:
            return op(x)
        return ufunc(traced_list(x), out=out, **kwargs)

    def binary(x: Any, y: Any, /, out: Any = None, **kwargs: Any) -> Any:
        if (isinstance(x, Tracer) or isinstance(y, Tracer)) and out is None and not kwargs:
            z = op(x, y)
            if z is not NotImplemented:
                return z
        return ufunc(traced_list(x), traced_list(y), out=out, **kwargs)

    function = functools.wraps(ufunc)(unary if ufunc.nin == 1 else binary)
    for name in _ATTRIBUTES:
        setattr(function, name, getattr(ufunc, name))
    function.__module__ = "wengert.numpy"
    return function


def traced_list(x: Any) -> Any:
    """A list of tracers as one array; anything else as it is."""
    return operand(x) if isinstance(x, (list, tuple)) and any_traced(x) else x


# rounding and bounds -------------------------------------------------------------------------------------------------
@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """10^-d rint(10^d x): the derivative is zero."""
    return deliver(ew.round_(array(a), decimals=int(decimals)), True, out, "unsafe")


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    """Rounded towards zero: the derivative is zero."""
    return deliver(ON_TRACERS[np.trunc](array(x)), True, out)


@implements(np.clip)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **kwargs: Any
) -> Any:
    """min(max(x, a_min), a_max): slope 1 inside, 0 outside, 1/2 at a bound."""
    lo, hi = (a_min if min is None else min), (a_max if max is None else max)
    y = operand(a)
    if lo is not None:
        y = np.maximum(y, traced_list(lo))
    if hi is not None:
        y = np.minimum(y, traced_list(hi))
    return deliver(y.snapshot() if y is a else y, kwargs.get("where", True), out, kwargs.get("casting", "same_kind"))


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """x, with numbers in place of NaN and infinities: there the derivative is zero."""
    x = array(x)
    if x.dtype.kind == "c":
        parts = (nan_to_num(p(x), True, nan, posinf, neginf) for p in (real, imag))
        y = next(parts) + 1j * next(parts)
    elif x.dtype.kind in "biu":
        y = x
    else:
        limits = np.finfo(x.dtype)
        y = select(np.isnan(x), nan, x)
        y = select(isposinf(x), float(limits.max) if posinf is None else posinf, y)
        y = select(isneginf(x), float(limits.min) if neginf is None else neginf, y)
    return deliver(y, True, None if copy else x)


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    """x = +inf."""
    return deliver(np.equal(array(x), np.inf), True, out)


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    """x = -inf."""
    return deliver(np.equal(array(x), -np.inf), True, out)


# complex numbers -----------------------------------------------------------------------------------------------------
@implements(np.real)
def real(val: Any) -> Any:
    """Re z."""
    return array(val).real


@implements(np.imag)
def imag(val: Any) -> Any:
    """Im z, zero for real numbers."""
    return array(val).imag


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """arg z = arctan2(Im z, Re z)."""
    z = floating(z)
    y = np.arctan2(imag(z), real(z))
    return np.rad2deg(y) if deg else y


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Im z != 0."""
    return np.not_equal(imag(x), 0)


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """Im z = 0."""
    return np.equal(imag(x), 0)


# special functions that NumPy has ------------------------------------------------------------------------------------
@implements(np.sinc)
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at 0."""
    return ew.sinc(floating(x))


@implements(np.i0)
def i0(x: Any) -> Any:
    """The modified Bessel function of order 0: I0' = I1."""
    x = floating(x)
    if x.dtype.kind == "c":
        raise TypeError("i0 not supported for complex values")
    return ew.i0(x)


refuse(np.isnat, "it asks about times, which are not differentiated")

_PUBLIC = {ufunc: public(ufunc) for ufunc in ON_TRACERS if ufunc.signature is None}
_NAMES = {name: _PUBLIC[f] for name, f in vars(np).items() if isinstance(f, np.ufunc) and f in _PUBLIC}
globals().update(_NAMES)

__all__ = [
    *_NAMES, "angle", "around", "clip", "fix", "i0", "imag", "iscomplex", "isneginf", "isposinf", "isreal",
    "nan_to_num", "real", "round", "sinc",
]  # fmt: skip
around = round
