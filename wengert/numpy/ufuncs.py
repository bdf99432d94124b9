"""NumPy's universal functions on tracers: promotion and broadcasting by explicit primitives, then the primitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.trace import Tracer
from ..core.types import shape_of
from ..errors import ShapeError, UnsupportedFunctionError
from ..primitives import elementwise as ew
from ..primitives.shape import broadcast_to

_PYTHON = (float, int, complex, bool)
_resolved: dict[Any, tuple[np.dtype[Any], ...]] = {}


def loop_dtypes(ufunc: np.ufunc, args: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes to which NumPy converts the operands of a ufunc (NEP 50: Python numbers are weak)."""
    key = (ufunc, tuple(type(a) if type(a) in _PYTHON else a.dtype for a in args))
    found = _resolved.get(key)
    if found is None:
        kinds = tuple(k if k is not bool else np.dtype(bool) for k in key[1])
        found = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))
        _resolved[key] = found
    return found


def operand(x: Any) -> Any:
    """An operand as an array, a tracer or a scalar; 0-d arrays from outside become scalars."""
    if isinstance(x, Tracer) or type(x) in _PYTHON or isinstance(x, np.generic):
        return x
    array = np.asarray(x)
    return array[()] if array.ndim == 0 else array


def broadcast_shapes(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's broadcast of shapes, with our error."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{name} got operands of shapes {' and '.join(map(str, shapes))}, which do not broadcast",
            why="from the last axis backwards, lengths must be equal or one",
            write="insert axes of length one with x[:, None], or reshape",
        ) from None


def fit(x: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An operand at this shape and dtype; scalar constants stay as they are."""
    if not isinstance(x, Tracer) and shape_of(x) == ():
        return x
    if x.dtype != dtype:
        x = ew.convert(x, dtype=dtype)
    return broadcast_to(x, shape=shape) if x.shape != shape else x


def apply(ufunc: np.ufunc, primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """A primitive on operands of any shapes and dtypes."""
    xs = tuple(operand(x) for x in args)
    dtypes = loop_dtypes(ufunc, xs)
    shape = broadcast_shapes(ufunc.__name__, *(shape_of(x) for x in xs))
    return primitive(*(fit(x, shape, dtype) for x, dtype in zip(xs, dtypes, strict=False)))


def _binary(ufunc: np.ufunc, primitive: Primitive) -> Callable[[Any, Any], Any]:
    def op(x: Any, y: Any) -> Any:
        if isinstance(x, Tracer):
            kind = type(y)
            if kind is float or kind is int:
                if x.dtype.kind in "fc":
                    return primitive(x, y)
            elif isinstance(y, Tracer | np.ndarray) and y.dtype is x.dtype and x.dtype.kind in "fc":
                if x.shape == y.shape:
                    return primitive(x, y)
        elif (type(x) is float or type(x) is int) and y.dtype.kind in "fc":
            return primitive(x, y)
        return apply(ufunc, primitive, (x, y))

    op.__name__ = ufunc.__name__
    return op


def _unary(ufunc: np.ufunc, primitive: Primitive) -> Callable[[Any], Any]:
    def op(x: Any) -> Any:
        if isinstance(x, Tracer) and x.dtype.kind == "f":
            return primitive(x)
        return apply(ufunc, primitive, (x,))

    op.__name__ = ufunc.__name__
    return op


def _absolute(x: Any) -> Any:
    return ew.complex_abs(x) if x.dtype.kind == "c" else ew.absolute(x)


def _conjugate(x: Any) -> Any:
    return ew.conj(x) if x.dtype.kind == "c" else x


_TABLE: dict[np.ufunc, Primitive] = {
    np.add: ew.add, np.subtract: ew.sub, np.multiply: ew.mul, np.true_divide: ew.div, np.power: ew.power,
    np.negative: ew.neg, np.exp: ew.exp, np.log: ew.log, np.sin: ew.sin, np.cos: ew.cos, np.tanh: ew.tanh,
    np.sqrt: ew.sqrt, np.maximum: ew.maximum, np.minimum: ew.minimum,
    np.greater: ew.greater, np.less: ew.less, np.greater_equal: ew.greater_equal, np.less_equal: ew.less_equal,
    np.equal: ew.equal, np.not_equal: ew.not_equal,
}  # fmt: skip

ON_TRACERS: dict[np.ufunc, Callable[..., Any]] = {
    ufunc: (_unary if ufunc.nin == 1 else _binary)(ufunc, primitive) for ufunc, primitive in _TABLE.items()
}


def array_ufunc(self: Tracer, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol: a ufunc was called with a tracer among its operands."""
    op = ON_TRACERS.get(ufunc)
    if op is None or method != "__call__" or kwargs:
        raise UnsupportedFunctionError(f"numpy.{ufunc.__name__} is not differentiated")
    return op(*inputs)
