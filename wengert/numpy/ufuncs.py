"""NumPy's universal functions on tracers: promotion and broadcasting by explicit primitives, then the primitive.

`ON_TRACERS[ufunc]` is the function that answers for a ufunc with tracers among its operands; other modules add
theirs (matmul). `METHODS` are the ufuncs' methods, and `AT` is what `ufunc.at` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.trace import Tracer, concrete
from ..core.types import ArrayType, dtype_of, shape_of
from ..errors import ConcretizationError, ShapeError, UnsupportedFunctionError
from ..primitives import elementwise as ew
from ..primitives.shape import broadcast_to
from .dispatch import HANDLERS, any_traced, unsupported

Op = Callable[..., Any]

_ARRAY, _OURS = np.ndarray, (Tracer, np.generic)
_ARRAYS = (Tracer, np.ndarray, np.generic)
_PYTHON = (float, int, complex, bool)
_WEAK = {"f": float, "c": complex, "b": bool}
_resolved: dict[Any, tuple[np.dtype[Any], ...]] = {}


# operands ----------------------------------------------------------------------------------------------------------
def operand(x: Any) -> Any:
    """An operand as an array, a tracer or a scalar; 0-d arrays from outside become scalars."""
    if isinstance(x, (Tracer, np.generic)) or type(x) in _PYTHON:
        return x
    if isinstance(x, (list, tuple)) and any_traced(x):
        return HANDLERS[np.array](x)
    if isinstance(x, np.ndarray) and type(x) not in (np.ndarray, np.memmap):
        raise with_meaning(x)
    array = np.asarray(x)
    return array[()] if array.ndim == 0 else array


def with_meaning(x: Any) -> UnsupportedFunctionError:
    """The error for an array that is more than its elements."""
    kind = f"{type(x).__module__}.{type(x).__name__}"
    return UnsupportedFunctionError(
        f"a {kind} is combined with a traced array",
        why="masks, units and products of its own, which such an array brings, would be lost",
        write="np.asarray(x) where only the elements matter; np.where(mask, 0, x), np.sum(x, where=~mask) for masks; "
        "`@` for products of matrices",
    )


def kind_of(x: Any) -> Any:
    """The dtype of an operand, or the Python type of a Python number, traced or not."""
    value = concrete(x)
    if type(value) in _PYTHON:
        return type(value)
    if isinstance(value, ArrayType) and value.weak:
        return _WEAK.get(value.dtype.kind, int)
    return x.dtype


def loop_dtypes(ufunc: np.ufunc, args: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes to which NumPy converts the operands of a ufunc (NEP 50: Python numbers are weak)."""
    key = (ufunc, *map(kind_of, args))
    found = _resolved.get(key)
    if found is None:
        kinds = [np.dtype(bool) if k is bool else k for k in key[1:]]
        found = _resolved[key] = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))
    return found


def broadcast_shapes(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """NumPy's broadcast of shapes, with our error."""
    if len(shapes) == 2:
        a, b = shapes
        if a == b or not b:
            return a
        if not a:
            return b
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{name} got operands of shapes {' and '.join(map(str, shapes))}, which do not broadcast",
            why="from the last axis backwards, lengths must be equal or one",
            write="insert axes of length one with x[:, None], or reshape",
        ) from None


def to_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    """An operand converted to a dtype; the derivative ends only where the dtype is integer or boolean."""
    if type(x) in _PYTHON:
        return dtype.type(x)
    if x.dtype == dtype:
        return x
    return ew.convert(x, dtype=dtype) if dtype.kind in "fc" else ew.cast(x, dtype=dtype)


def stretch(x: Any, shape: tuple[int, ...]) -> Any:
    """An operand at this shape; scalar constants stay as they are."""
    if x.shape == shape:
        return x
    if isinstance(x, Tracer) or x.ndim:
        return broadcast_to(x, shape=shape)
    return x[()]


def fit(x: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An operand at this shape and dtype; scalar constants stay as they are."""
    if not isinstance(x, Tracer) and shape_of(x) == ():
        return x
    return stretch(to_dtype(x, dtype), shape)


_COUNTED = (np.add, np.subtract, np.multiply, np.true_divide)


def _is_counter(x: Any) -> bool:
    return isinstance(x, Tracer) and kind_of(x) is int and dtype_of(x).kind == "i"


def fitted(ufunc: np.ufunc, args: tuple[Any, ...]) -> Any:
    """The operands of a ufunc at one shape and the dtypes of its loop; None where one is not numeric."""
    xs = tuple(operand(x) for x in args)
    if any(isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind not in "biufc" for x in xs):
        return None
    if not all(isinstance(x, _ARRAYS) or type(x) in _PYTHON for x in xs):
        return None
    if ufunc in _COUNTED and all(type(x) in _PYTHON or _is_counter(x) for x in xs):
        return xs  # what is computed of a counter and Python numbers stays weak
    dtypes = loop_dtypes(ufunc, xs)
    shape = broadcast_shapes(ufunc.__name__, *map(shape_of, xs))
    return [fit(x, shape, dtype) for x, dtype in zip(xs, dtypes, strict=False)]


def apply(ufunc: np.ufunc, primitive: Op, args: tuple[Any, ...]) -> Any:
    """A primitive on operands of any shapes and dtypes; NotImplemented where one is not numeric."""
    xs = fitted(ufunc, args)
    return NotImplemented if xs is None else primitive(*xs)


# the table ---------------------------------------------------------------------------------------------------------
def _binary(ufunc: np.ufunc, primitive: Primitive, kinds: str = "fc") -> Op:
    """The ufunc on tracers. kinds: the dtypes of which two equal ones need no conversion."""

    def op(x: Any, y: Any) -> Any:
        if isinstance(x, Tracer):
            kind = type(y)
            if kind is float or kind is int:
                if x.dtype.kind in kinds:
                    return primitive(x, y)
                return apply(ufunc, primitive, (x, y))
        elif type(x) is float or type(x) is int:
            if y.dtype.kind in kinds:
                return primitive(x, y)
            return apply(ufunc, primitive, (x, y))
        if (type(x) is _ARRAY or isinstance(x, _OURS)) and (type(y) is _ARRAY or isinstance(y, _OURS)):
            dtype = x.dtype
            if dtype is y.dtype and dtype.kind in kinds:
                a, b = x.shape, y.shape
                if a == b:
                    return primitive(x, y)
                shape = broadcast_shapes(ufunc.__name__, a, b)
                return primitive(stretch(x, shape), stretch(y, shape))
        return apply(ufunc, primitive, (x, y))

    op.__name__ = ufunc.__name__
    return op


def _unary(ufunc: np.ufunc, primitive: Primitive) -> Op:
    def op(x: Any) -> Any:
        if isinstance(x, Tracer) and x.dtype.kind == "f":
            return primitive(x)
        return apply(ufunc, primitive, (x,))

    op.__name__ = ufunc.__name__
    return op


def _by_kind(ufunc: np.ufunc, on_real: Op, on_complex: Op) -> Op:
    """A function that is another one on complex numbers."""

    def choose(x: Any) -> Any:
        return on_complex(x) if x.dtype.kind == "c" else on_real(x)

    def op(x: Any) -> Any:
        return choose(x) if isinstance(x, Tracer) and x.dtype.kind in "fc" else apply(ufunc, choose, (x,))

    return op


def _ordered(ufunc: np.ufunc, primitive: Primitive) -> Op:
    """A function of real numbers only: complex ones have no order that a derivative could respect."""

    def real_only(*xs: Any) -> Any:
        if any(isinstance(x, _ARRAYS) and x.dtype.kind == "c" for x in xs):
            raise UnsupportedFunctionError(
                f"numpy.{ufunc.__name__} of complex numbers is not differentiated",
                why="NumPy orders them by real, then imaginary part, which jumps",
                write="compare np.abs(z), or z.real and z.imag",
            )
        return primitive(*xs)

    return _binary(ufunc, real_only, "f")  # type: ignore[arg-type]


def _divmod(x: Any, y: Any) -> Any:
    return ON_TRACERS[np.floor_divide](x, y), ON_TRACERS[np.remainder](x, y)


def _modf(x: Any) -> Any:
    x = fitted(np.modf, (x,))[0]
    return ew.fraction(x), ew.trunc(x)


def _frexp(x: Any) -> Any:
    """x = m 2^n: the derivative of m is 2^-n."""
    x = fitted(np.frexp, (x,))[0]
    n = ew.exponent(x)
    return ew.ldexp(x, ew.neg(n)), n


def _same(x: Tracer) -> Tracer:
    """The same traced value as another array: a copy."""
    return x.snapshot()


_BINARY: dict[np.ufunc, Primitive] = {
    np.add: ew.add, np.subtract: ew.sub, np.multiply: ew.mul, np.true_divide: ew.div, np.power: ew.power,
    np.remainder: ew.remainder, np.fmod: ew.fmod, np.floor_divide: ew.floor_divide,
    np.arctan2: ew.arctan2, np.hypot: ew.hypot, np.logaddexp: ew.logaddexp, np.logaddexp2: ew.logaddexp2,
    np.copysign: ew.copysign, np.nextafter: ew.nextafter, np.heaviside: ew.heaviside,
    np.greater: ew.greater, np.less: ew.less, np.greater_equal: ew.greater_equal, np.less_equal: ew.less_equal,
    np.equal: ew.equal, np.not_equal: ew.not_equal, np.logical_and: ew.logical_and, np.logical_or: ew.logical_or,
    np.logical_xor: ew.logical_xor,
}  # fmt: skip
_CONVERTING: dict[np.ufunc, Primitive] = {  # their loops have other dtypes than the operands, or only integers
    np.float_power: ew.power, np.ldexp: ew.ldexp, np.bitwise_and: ew.bitwise_and, np.bitwise_or: ew.bitwise_or,
    np.bitwise_xor: ew.bitwise_xor, np.left_shift: ew.left_shift, np.right_shift: ew.right_shift,
    np.gcd: ew.gcd, np.lcm: ew.lcm,
}  # fmt: skip
_ORDERED: dict[np.ufunc, Primitive] = {
    np.maximum: ew.maximum, np.minimum: ew.minimum, np.fmax: ew.fmax, np.fmin: ew.fmin,
}  # fmt: skip
_UNARY: dict[np.ufunc, Primitive] = {
    np.negative: ew.neg, np.exp: ew.exp, np.exp2: ew.exp2, np.expm1: ew.expm1, np.log: ew.log, np.log2: ew.log2,
    np.log10: ew.log10, np.log1p: ew.log1p, np.sqrt: ew.sqrt, np.cbrt: ew.cbrt, np.square: ew.square,
    np.reciprocal: ew.reciprocal, np.sin: ew.sin, np.cos: ew.cos, np.tan: ew.tan, np.arcsin: ew.arcsin,
    np.arccos: ew.arccos, np.arctan: ew.arctan, np.sinh: ew.sinh, np.cosh: ew.cosh, np.tanh: ew.tanh,
    np.arcsinh: ew.arcsinh, np.arccosh: ew.arccosh, np.arctanh: ew.arctanh, np.deg2rad: ew.deg2rad,
    np.radians: ew.deg2rad, np.rad2deg: ew.rad2deg, np.degrees: ew.rad2deg, np.fabs: ew.fabs, np.floor: ew.floor,
    np.ceil: ew.ceil, np.trunc: ew.trunc, np.rint: ew.rint, np.spacing: ew.spacing, np.isnan: ew.isnan,
    np.isinf: ew.isinf, np.isfinite: ew.isfinite, np.signbit: ew.signbit, np.logical_not: ew.logical_not,
    np.invert: ew.invert, np.bitwise_count: ew.bitwise_count,
}  # fmt: skip

ON_TRACERS: dict[np.ufunc, Op] = {
    **{ufunc: _binary(ufunc, primitive) for ufunc, primitive in _BINARY.items()},
    **{ufunc: _binary(ufunc, primitive, "") for ufunc, primitive in _CONVERTING.items()},
    **{ufunc: _ordered(ufunc, primitive) for ufunc, primitive in _ORDERED.items()},
    **{ufunc: _unary(ufunc, primitive) for ufunc, primitive in _UNARY.items()},
    np.absolute: _by_kind(np.absolute, ew.absolute, ew.complex_abs),
    np.sign: _by_kind(np.sign, ew.sign, ew.complex_sign),
    np.conjugate: _by_kind(np.conjugate, _same, ew.conj),
    np.positive: lambda x: apply(np.positive, _same, (x,)),
    np.divmod: _divmod,
    np.modf: _modf,
    np.frexp: _frexp,
}

# Where to look for what answers for a ufunc of another library: a lookup returns an op, or None.
EXTERNAL: list[Callable[[np.ufunc], Op | None]] = []

METHODS: dict[str, Op] = {}  # name -> f(ufunc, *inputs, **kwargs)
AT: dict[np.ufunc, Op] = {}  # ufunc -> f(a, indices, b)


# the protocol ------------------------------------------------------------------------------------------------------
def array_ufunc(self: Tracer, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol: a ufunc was called with a tracer among its operands."""
    op = ON_TRACERS.get(ufunc)
    if op is None:
        op = external(ufunc)
    elif method == "__call__" and not kwargs:
        return op(*inputs)
    if method == "at" and ufunc in AT:
        return AT[ufunc](*inputs)
    if method != "__call__":
        if method not in METHODS:
            raise UnsupportedFunctionError(
                f"numpy.{ufunc.__name__}.{method} is not differentiated",
                why=f"there is no rule for {method}",
                write=f"one of {', '.join(sorted(METHODS))}, or the operation written out",
            )
        return METHODS[method](ufunc, *inputs, **kwargs)
    if ufunc.signature is not None:  # matmul and its kin take care of their own arguments
        return op(*inputs, **kwargs)
    return call(ufunc, op, inputs, **kwargs) if kwargs else op(*inputs)


def external(ufunc: np.ufunc) -> Op:
    """What answers for a ufunc that is not NumPy's; UnsupportedFunctionError where nothing does."""
    for lookup in EXTERNAL:
        op = lookup(ufunc)
        if op is not None:
            ON_TRACERS[ufunc] = op
            return op
    raise unsupported(ufunc)


def call(
    ufunc: np.ufunc,
    op: Op,
    inputs: tuple[Any, ...],
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    signature: Any = None,
    casting: str = "same_kind",
    order: str = "K",
    subok: bool = True,
) -> Any:
    """A ufunc on tracers with NumPy's keyword arguments."""
    if dtype is not None or signature is not None:
        inputs = _computed_in(ufunc, inputs, dtype, signature, casting)
    with np.errstate(all=None if where is True else "ignore"):
        y = op(*inputs)
    if y is NotImplemented:
        return y
    ys = y if ufunc.nout > 1 else (y,)
    outs = out if isinstance(out, tuple) else (out,) * len(ys)
    ys = tuple(deliver(y, where, o, casting) for y, o in zip(ys, outs, strict=True))
    return ys if ufunc.nout > 1 else ys[0]


def _computed_in(ufunc: np.ufunc, inputs: tuple[Any, ...], dtype: Any, signature: Any, casting: str) -> Any:
    """The operands converted to the dtypes that `dtype=` or `signature=` asks for."""
    xs = tuple(operand(x) for x in inputs)
    if signature is None:
        signature = (*(None,) * ufunc.nin, *(np.dtype(dtype),) * ufunc.nout)
    kinds = (np.dtype(bool) if k is bool else k for k in map(kind_of, xs))
    found = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), signature=signature, casting=casting)  # type: ignore[arg-type]
    return tuple(to_dtype(x, d) for x, d in zip(xs, found, strict=False))


def select(mask: Any, a: Any, b: Any) -> Any:
    """a where the mask holds, b elsewhere: numpy.where, whose operands are promoted together."""
    mask, a, b = operand(mask), operand(a), operand(b)
    dtype = np.result_type(*(k(0) if isinstance(k, type) else k for k in (kind_of(a), kind_of(b))))
    shape = broadcast_shapes("where", shape_of(mask), shape_of(a), shape_of(b))
    return ew.where(fit(mask, shape, np.dtype(bool)), fit(a, shape, dtype), fit(b, shape, dtype))


def deliver(y: Any, where: Any, out: Any, casting: str = "same_kind") -> Any:
    """The result of a function called with `where=` and `out=`: assigned to out, where it is asked for.

    Where it is not asked for, out keeps its values. Without out NumPy leaves these elements unset; here they are 0.
    """
    if where is not True:
        y = select(where, y, 0 if out is None else out)
    if out is None:
        return y
    if not isinstance(out, Tracer):
        if isinstance(y, Tracer):
            raise ConcretizationError(
                f"a traced array {y.type} was to be written into a plain array given as out",
                why="a plain array cannot hold a derivative; a += t and np.add(a, b, out=a) write into a as it is",
                write="a = a + t, or make a with wnp.zeros or np.zeros_like(t), to which traced values can be assigned",
            )
        np.copyto(out, y, casting=casting)  # type: ignore[arg-type]
        return out
    if not np.can_cast(y.dtype, out.dtype, casting):  # type: ignore[arg-type]
        raise TypeError(f"Cannot cast output from {y.dtype} to {out.dtype} with casting rule {casting!r}")
    out[...] = y  # type: ignore[index]
    return out
