"""Calls from native code back into Python: the operands of an equation as arrays in place, its results copied there."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.program import Atom, Equation, Literal
from ...core.types import ArrayType
from ...errors import line
from .failures import exception
from .guards import guards
from .symbols import provides

running: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  # programs by number, with their `calls`
_thread = threading.local()


def raised() -> BaseException:
    """The exception of the call back that has just stopped a program on this thread."""
    error = _thread.__dict__.pop("error", None)
    return KeyboardInterrupt() if error is None else error  # nothing else keeps a function from its first line


def in_place(address: int, type: ArrayType) -> Any:
    """The array at an address."""
    nbytes = type.size * type.dtype.itemsize
    if not nbytes:
        return np.empty(type.shape, type.dtype)
    memory: Any = (ctypes.c_char * nbytes).from_address(address)
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
    """results = primitive(operands), in the memory at these addresses: of operands that are variables, of results."""
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


@ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int))
def call_back(program: int, number: int, addresses: Any, code: Any) -> None:
    """What native code calls: the equation of this number, of this program."""
    try:
        apply(running[program].calls[number], iter(addresses))
        code[0] = 0
    except BaseException as error:
        _thread.error = error


# stacks that grow ----------------------------------------------------------------------------------------------------
FIRST_ROWS = 64
_limit = [0.5]  # of the machine's memory: what the stacks of one call may take together


def set_stack_limit(fraction: float) -> None:
    """The part of the machine's memory that the residuals of while loops may take in one call."""
    _limit[0] = fraction


def machine_memory() -> int:
    """Bytes of memory of this machine; where it does not say, as many as an address space of 16 GB has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**34


_INTEGERS = ctypes.POINTER(ctypes.c_int64)


@ctypes.CFUNCTYPE(
    None, ctypes.c_int64, ctypes.c_int64, _INTEGERS, ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_int)
)
def grow(program: int, failure: int, home: Any, row_bytes: int, rows: int, code: Any) -> None:
    """What native code calls: room for more rows, at least twice as many as before. failure: the loop's number."""
    try:
        stacks = _thread.stacks
        room = max(rows, 2 * home[1], FIRST_ROWS)
        if room * row_bytes + sum(s.nbytes for s in stacks.values()) > _limit[0] * machine_memory():
            what, eq = running[program].failures[failure]
            raise exception(what, eq, room)
        new = np.empty(room * row_bytes, np.uint8)
        ctypes.memmove(new.ctypes.data, home[0], home[1] * row_bytes)
        stacks[ctypes.addressof(home.contents)] = new
        home[0], home[1] = new.ctypes.data, room
        code[0] = 0
    except BaseException as error:
        _thread.error = error


def hold() -> Any:
    """A call begins, whose stacks are apart from those of the call that it interrupts, if any, which it returns."""
    before = getattr(_thread, "stacks", None)
    _thread.stacks = {}
    return before


def release(before: Any) -> None:
    """The stacks of the call are not needed any more."""
    _thread.stacks = before


@functools.cache
def _guards() -> dict[str, int]:
    return guards(call_back, grow)


@provides("runtime")
def _find(name: str) -> int:
    return _guards()[name]
