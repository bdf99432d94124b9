"""Types of values: shape and dtype, and whether the value is a Python number (weak, as NEP 50 has it)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError

Shape = tuple[int, ...]


class Dynamic(int):
    """The length of an axis that is known only when the program runs: the stacked residuals of a while loop."""

    def __repr__(self) -> str:
        return "?"


DYNAMIC = Dynamic(-1)

_SHORT = {"float": "f", "complex": "c", "int": "i", "uint": "u"}


def short_dtype(dtype: np.dtype[Any]) -> str:
    """`f64` for float64, `c128` for complex128, `bool` for bool."""
    name = dtype.name
    for long, short in _SHORT.items():
        if name.startswith(long):
            return short + name[len(long) :]
    return name


class ArrayType:
    """The type of an array: all that is known of a value before it is computed, save the order of its bytes."""

    __slots__ = ("dtype", "shape", "weak")

    def __init__(self, shape: Shape, dtype: Any, weak: bool = False) -> None:
        try:
            self.shape, dtype = tuple(shape), np.dtype(dtype)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"ArrayType got the shape {shape!r} and the dtype {dtype!r}",
                why="the type of an array is a tuple of lengths, and a dtype of NumPy's",
                write="wg.ArrayType((3, 4), float)",
            ) from None
        self.dtype: np.dtype[Any] = dtype if dtype.isnative else dtype.newbyteorder("=")
        self.weak = weak

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        n = 1
        for d in self.shape:
            n *= d
        return n

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayType) and self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"{short_dtype(self.dtype)}[{','.join(map(str, self.shape))}]"


_PYTHON_NUMBERS: dict[type, np.dtype[Any]] = {
    bool: np.dtype(bool),
    int: np.dtype(np.int64),
    float: np.dtype(np.float64),
    complex: np.dtype(np.complex128),
}


def type_of(value: Any) -> ArrayType:
    """The type of an array, a NumPy scalar, a Python number, a tracer, or a type itself."""
    if isinstance(value, ArrayType):
        return value
    dtype = _PYTHON_NUMBERS.get(type(value))
    if dtype is not None:
        return ArrayType((), dtype, weak=True)
    try:
        return ArrayType(value.shape, value.dtype)
    except AttributeError:
        array = np.asarray(value)
        return ArrayType(array.shape, array.dtype)


def shape_of(value: Any) -> Shape:
    """The shape of an array, a number or a tracer."""
    try:
        return value.shape  # type: ignore[no-any-return]
    except AttributeError:
        return np.shape(value)


def dtype_of(value: Any) -> np.dtype[Any]:
    """The dtype of an array, a number or a tracer."""
    try:
        return value.dtype  # type: ignore[no-any-return]
    except AttributeError:
        dtype = _PYTHON_NUMBERS.get(type(value))
        return dtype if dtype is not None else np.asarray(value).dtype


def is_inexact(dtype: np.dtype[Any]) -> bool:
    """Real or complex floating point: the dtypes that have derivatives."""
    return dtype.kind in "fc"


def zeros(type: Any) -> Any:
    """A zero of a type, in the memory of one number; axes of unknown length are empty."""
    return np.broadcast_to(np.zeros((), type.dtype), [max(n, 0) for n in type.shape])[()]
