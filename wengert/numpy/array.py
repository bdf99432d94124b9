"""What a tracer can do as an array: operators, methods and NumPy's protocols."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.trace import Tracer, settled
from ..core.types import ArrayType
from ..errors import ConcretizationError
from .dispatch import array_function
from .ufuncs import ON_TRACERS, array_ufunc

_BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
_COMPARE = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}
# `x.trace()` is missing: here that is the name of the trace that follows the tracer. It is np.trace(x).
_METHODS = """all any argmax argmin argpartition argsort choose clip compress conj conjugate copy cumprod cumsum
    diagonal dot max mean min nonzero prod ptp put ravel repeat reshape round searchsorted std squeeze
    sum swapaxes take transpose var""".split()  # noqa: SIM905


def _reflected(op: Any) -> Any:
    return lambda self, other: op(other, self)


def install_operators() -> None:
    """Give tracers the operators; each is the ufunc of the same meaning."""
    for name, ufunc in (_BINARY | _COMPARE).items():
        op = ON_TRACERS.get(ufunc)
        if op is not None:
            setattr(Tracer, f"__{name}__", op)
            if name in _BINARY:
                setattr(Tracer, f"__r{name}__", _reflected(op))
    for name, ufunc in _UNARY.items():
        if ufunc in ON_TRACERS:
            setattr(Tracer, f"__{name}__", ON_TRACERS[ufunc])


def install_methods(namespace: dict[str, Any]) -> None:
    """Give tracers ndarray's methods; each is the function of the same name."""
    for name in _METHODS:
        if name in namespace:
            setattr(Tracer, name, namespace[name])


def plain_number(tracer: Tracer, asked: str) -> ConcretizationError:
    """The error for turning a traced value into a plain number or array."""
    return ConcretizationError(
        f"a traced array {tracer.type} was turned into a plain {asked}, which would lose its derivative",
        why="float(t), math.sin(t), np.array([t, t]) and a[0] = t on a plain array take the number out of the trace",
        write="use wengert.numpy (wnp.sin(t), wnp.array([t, t])), make arrays that are assigned to with wnp.zeros or "
        "np.zeros_like(t), and wg.stop_gradient(t) where only the value is wanted",
    )


def _to_float(self: Tracer) -> float:
    return float(_constant(self, "float"))


def _to_complex(self: Tracer) -> complex:
    return complex(_constant(self, "complex number"))


def _to_array(self: Tracer, dtype: Any = None, copy: Any = None) -> Any:
    value = np.array(_constant(self, "numpy.ndarray"), dtype=dtype)
    value.flags.writeable = copy is True  # what is written into np.asarray(t) would not reach t
    return value


def _constant(self: Tracer, asked: str) -> Any:
    """The array in a handle that holds a constant: it has no derivative to lose."""
    value = settled(self)
    if isinstance(value, Tracer):
        raise plain_number(self, asked)
    return value


def _decision(convert: Callable[[Any], Any]) -> Callable[[Tracer], Any]:
    """A Python decision on the value as it is now."""

    def decide(self: Tracer) -> Any:
        if self.alias is not None:
            self.alias.refresh(self)
        return convert(self.trace.concretize(self, convert))

    return decide


def _to_int(self: Tracer) -> int:
    if self.dtype.kind in "fc" and isinstance(settled(self), Tracer):
        raise plain_number(self, "int")
    return int(_decision(int)(self))


def _index(self: Tracer) -> int:
    if self.dtype.kind not in "iub" or self.shape:
        raise TypeError("only integer scalar arrays can be converted to a scalar index")
    return int(_decision(operator.index)(self))


def _iter(self: Tracer) -> Iterator[Any]:
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return (self[i] for i in range(self.shape[0]))


def _len(self: Tracer) -> int:
    if not self.shape:
        raise TypeError("len() of unsized object")
    return int(self.shape[0])


def _size(self: Tracer) -> int:
    n = 1
    for d in self.shape:
        n *= d
    return n


def _repr(self: Tracer) -> str:
    value: Any = self.value
    while isinstance(value, Tracer):
        value = value.value
    shown = "" if isinstance(value, ArrayType) else f", value {np.array2string(np.asarray(value), threshold=10)}"
    return f"Tracer<{self.type}, {self.trace.name}{shown}>"


def install_protocols() -> None:
    """Give tracers Python's and NumPy's protocols."""
    methods: dict[str, Any] = {
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
        "__array__": _to_array,
        "__float__": _to_float,
        "__complex__": _to_complex,
        "__int__": _to_int,
        "__index__": _index,
        "__bool__": _decision(bool),
        "__iter__": _iter,
        "__len__": _len,
        "__repr__": _repr,
        "__hash__": object.__hash__,
        "ndim": property(lambda self: len(self.shape)),
        "size": property(_size),
        "itemsize": property(lambda self: self.dtype.itemsize),
        "nbytes": property(lambda self: self.size * self.dtype.itemsize),
    }
    for name, method in methods.items():
        setattr(Tracer, name, method)
