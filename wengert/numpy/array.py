"""What a tracer can do as an array: operators, methods and NumPy's protocols."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..errors import MissingAttributeError, UnsupportedFunctionError
from . import conversions
from .dispatch import array_function
from .indexing import getitem
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
_METHODS = """all any argmax argmin argpartition argsort choose clip compress conj conjugate copy cumprod cumsum
    diagonal dot max mean min nonzero prod ptp put ravel repeat reshape round searchsorted std squeeze
    sum swapaxes take trace transpose var""".split()  # noqa: SIM905


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
    for name, unary in _UNARY.items():
        if unary in ON_TRACERS:
            setattr(Tracer, f"__{name}__", ON_TRACERS[unary])


def install_methods(namespace: dict[str, Any]) -> None:
    """Give tracers ndarray's methods; each is the function of the same name."""
    for name in _METHODS:
        if name in namespace:
            setattr(Tracer, name, namespace[name])


def _iter(self: Tracer) -> Iterator[Any]:
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return (getitem(self, i) for i in range(self.shape[0]))


def _len(self: Tracer) -> int:
    if not self.shape:
        raise TypeError("len() of unsized object")
    return int(self.shape[0])


def _size(self: Tracer) -> int:
    n = 1
    for d in self.shape:
        n *= d
    return n


_OF_MEMORY = frozenset(n for n in dir(np.ndarray) if not n.startswith("_"))  # of what we have not got


def _missing(self: Tracer, name: str) -> Any:
    """Nobody else has it."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _OF_MEMORY:
        raise MissingAttributeError(
            f"a traced array was asked for .{name}",
            why="it belongs to the memory of an array; a traced array stands for values that are yet to be computed",
            write=f"np.asarray(wg.stop_gradient(x)).{name} where only the value is wanted; or look at it outside",
        )
    raise MissingAttributeError(
        f"a traced array has no attribute {name!r}",
        why="it has those of numpy.ndarray",
        write=f"np.{name}(x) if it is a function" if hasattr(np, name) else "a method or attribute of arrays",
    )


def _power(self: Tracer, other: Any, modulus: Any = None) -> Any:
    """x ** y; pow(x, y, m) is for integers alone, and not for arrays."""
    if modulus is not None:
        raise UnsupportedFunctionError(
            "pow() of a traced array was given a modulus",
            why="arrays have none, and it has no derivative",
            write="x ** y % m",
        )
    return ON_TRACERS[np.power](self, other)


def install_protocols() -> None:
    """Give tracers Python's and NumPy's protocols."""
    methods: dict[str, Any] = {
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
        "__iter__": _iter,
        "__len__": _len,
        "__hash__": object.__hash__,
        "__getattr__": _missing,
        "__pow__": _power,
        "ndim": property(lambda self: len(self.shape)),
        "size": property(_size),
        "itemsize": property(lambda self: self.dtype.itemsize),
        "nbytes": property(lambda self: self.size * self.dtype.itemsize),
    }
    for name, method in methods.items():
        setattr(Tracer, name, method)
    conversions.install()
