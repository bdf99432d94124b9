"""Calls from native code back into Python: the operands of an equation as arrays in place, its results copied there."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.program import Atom, Equation, Literal
from ..core.types import ArrayType
from ..errors import line
from .symbols import provides

RAISED = -1  # what native code returns after a call back that raised

running: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  # programs by number, with their `calls`
_thread = threading.local()


def raised() -> BaseException:
    """The exception of the call back that has just stopped a program on this thread."""
    error, _thread.error = _thread.error, None
    return error  # type: ignore[no-any-return]


def in_place(address: int, type: ArrayType) -> Any:
    """The array at an address."""
    nbytes = type.size * type.dtype.itemsize
    if not nbytes:
        return np.empty(type.shape, type.dtype)
    memory = (ctypes.c_char * nbytes).from_address(address)
    return np.frombuffer(memory, type.dtype).reshape(type.shape)


def operand(atom: Atom, addresses: Iterator[int]) -> Any:
    """An operand as the interpreter would have it: an array, a NumPy scalar or a Python number."""
    if isinstance(atom, Literal):
        return atom.value
    array = in_place(next(addresses), atom.type)
    if atom.type.weak:
        return array.item()
    return array if array.ndim else array[()]


def apply(eq: Equation, addresses: Iterator[int]) -> None:
    """results = primitive(operands), in the memory at these addresses: of the operands that are variables, of results."""
    values = [operand(a, addresses) for a in eq.inputs]
    token = line.set(eq.source)
    try:
        with np.errstate(all="ignore"):
            found = eq.primitive.impl(*values, **eq.params)
    finally:
        line.reset(token)
    results = found if eq.primitive.multiple else [found]
    for v, y in zip(eq.outputs, results, strict=True):
        in_place(next(addresses), v.type)[...] = y


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p))
def call_back(program: int, number: int, addresses: Any) -> int:
    """What native code calls: the equation of this number, of this program."""
    try:
        apply(running[program].calls[number], iter(addresses))
    except BaseException as error:
        _thread.error = error
        return RAISED
    return 0


@provides("runtime")
def _find(name: str) -> int:
    return ctypes.cast({"call_back": call_back}[name], ctypes.c_void_p).value or 0
