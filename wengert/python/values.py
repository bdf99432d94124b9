"""Values of variables of a program: which there are, their types, and how two of them are made one."""

from __future__ import annotations

from types import BuiltinFunctionType, ModuleType
from typing import Any

import numpy as np

from ..core.body import PYTHON_NUMBERS
from ..core.record import full_type as full_type
from ..core.trace import Tracer, concrete
from ..core.types import ArrayType, dtype_of, shape_of, type_of, zeros
from ..errors import ControlFlowError
from ..numpy.ufuncs import to_dtype


def undecided(x: Any) -> bool:
    """Is this a traced value of which Python cannot know more than the type, or not for all lanes of vmap?"""
    if not isinstance(x, Tracer):
        return False
    value = concrete(x)
    return isinstance(value, ArrayType) or shape_of(value) != x.shape


def is_numeric(x: Any) -> bool:
    """Can this be the value of a variable of a program?"""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.kind in "biufc"
    return isinstance(x, Tracer) or type(x) in PYTHON_NUMBERS


def as_type(x: Any, type: ArrayType) -> Any:
    """A value converted to a dtype; a number stays one."""
    if not isinstance(x, Tracer):
        return type.dtype.type(x) if shape_of(x) == () else np.asarray(x, type.dtype)
    return x if dtype_of(x) == type.dtype else to_dtype(x, type.dtype)


def weak_as(x: Any, type: ArrayType) -> Any:
    """A traced result as weak as its type: a number that stands for a Python number behaves like one."""
    beneath = x
    while type.weak and isinstance(beneath, Tracer):
        if isinstance(beneath.value, ArrayType):
            beneath.value = ArrayType(beneath.value.shape, beneath.value.dtype, weak=True)
        beneath = beneath.value
    return x


def common_type(a: ArrayType, b: ArrayType) -> ArrayType | None:
    """The type of a value that is one or the other, if they have one shape: NumPy's for both together."""
    if a.shape != b.shape:
        return None
    if a.weak == b.weak:
        return ArrayType(a.shape, np.result_type(a.dtype, b.dtype), weak=a.weak)
    weak, strong = (a, b) if a.weak else (b, a)
    return ArrayType(a.shape, np.result_type(weak.dtype.type(0).item(), strong.dtype))


def filler(type: ArrayType) -> Any:
    """A value for where there is none, which nobody reads."""
    return type.dtype.type(0) if type.shape == () else zeros(type)


def same(a: Any, b: Any) -> bool:
    """Equal, and of a kind that never changes: no place in a program is needed for it."""
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, Tracer | np.ndarray):
        return False
    if is_numeric(a):
        return repr(a) == repr(b)
    return is_constant(a) and bool(a == b)


def is_constant(x: Any) -> bool:
    """Is this an object, no number, that never changes?"""
    return isinstance(x, str | bytes | type(None) | type | np.dtype | range | slice | ModuleType | BuiltinFunctionType)


def show(x: Any) -> str:
    """A value, in a message."""
    return str(type_of(x)) if is_numeric(x) else f"a {type(x).__name__}"


def not_text(x: Any) -> ControlFlowError:
    """The error for the text of a traced value."""
    return ControlFlowError(
        f"a traced value {x.type} is turned into text",
        why="its value is known only when the program runs",
        write='wg.print("x = {}", x), which prints it then; or return it',
    )
