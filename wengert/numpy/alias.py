"""Views: arrays that share memory in NumPy share assignments here, though every traced value is immutable.

A view is a handle that knows its parent and the primitive by which it was taken. An assignment computes a new value
for the handle assigned to, carries it up to the array that owns the memory, and counts one version more; every other
view of this memory takes itself again from its parent when it is next read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.trace import Tracer, concrete
from ..primitives import elementwise as ew
from ..primitives.index import set_slice, slice_
from ..primitives.shape import reshape, transpose


class Memory:
    """What an array and its views share: the number of assignments so far. The alias of the array that owns it."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0

    def refresh(self, tracer: Tracer) -> None:
        """The owner is always up to date."""


class View:
    """The alias of a view: it is `primitive(parent, **params)`, as of a version of the memory."""

    __slots__ = ("memory", "params", "parent", "primitive", "version", "writable")

    def __init__(self, parent: Tracer, primitive: Primitive, params: dict[str, Any], writable: bool) -> None:
        alias = parent.alias
        if alias is None:
            alias = parent.alias = Memory()
        self.memory: Memory = alias if type(alias) is Memory else alias.memory
        self.version = self.memory.version
        self.parent, self.primitive, self.params, self.writable = parent, primitive, params, writable

    def refresh(self, tracer: Tracer) -> None:
        """Take the view again if its memory was assigned to since."""
        if self.version != self.memory.version:
            tracer.become(self.primitive(self.parent, **self.params))
            self.version = self.memory.version


READ_ONLY = False


def view(x: Any, primitive: Primitive, writable: bool = True, **params: Any) -> Any:
    """primitive(x, **params), tied to x as NumPy's views are. Numbers are not views: they have no memory."""
    y = primitive(x, **params)
    if isinstance(y, Tracer) and isinstance(x, Tracer) and not is_number(x):
        y.alias = View(x, primitive, params, writable)
    return y


def is_part(v: Any, x: Tracer, index: Any) -> bool:
    """Is v the view x[index], up to date? After `x[index] += 1` Python assigns it to where it already is."""
    alias = v.alias if isinstance(v, Tracer) else None
    return (
        type(alias) is View
        and alias.parent is x
        and alias.primitive is slice_
        and alias.params["index"] == index
        and alias.version == alias.memory.version
    )


def is_number(x: Tracer) -> bool:
    """Is this a number (immutable, as Python's and NumPy's scalars are) rather than an array without axes?"""
    if x.shape:
        return False
    value = concrete(x)
    return type(value) is not np.ndarray or value.ndim > 0


def shares_layout(x: Any, y: Any) -> bool:
    """Do the arrays beneath share memory, so that NumPy made a view? True where only types are known."""
    a, b = concrete(x), concrete(y)
    return not (type(a) is np.ndarray and type(b) is np.ndarray) or np.may_share_memory(a, b) or not a.size


# assignment --------------------------------------------------------------------------------------------------------
def store(x: Tracer, new: Any) -> None:
    """Make x the array `new` of the same shape and dtype, and with it the array that x views."""
    changes = [(x, new)]
    alias = x.alias
    while type(alias) is View:
        if not alias.writable:
            raise ValueError("assignment destination is read-only")
        new = _WRITERS[alias.primitive](alias.parent, new, **alias.params)
        changes.append((alias.parent, new))
        alias = alias.parent.alias
    if alias is not None:
        alias.version += 1
    for handle, value in changes:
        handle.become(value)
        if type(handle.alias) is View:
            handle.alias.version = alias.version


def _set_real(parent: Any, new: Any) -> Any:
    return ew.convert(new, dtype=parent.dtype) + 1j * ew.convert(ew.imag(parent), dtype=parent.dtype)


def _set_imag(parent: Any, new: Any) -> Any:
    return ew.convert(ew.real(parent), dtype=parent.dtype) + 1j * ew.convert(new, dtype=parent.dtype)


def _set_transpose(parent: Any, new: Any, axes: tuple[int, ...]) -> Any:
    return transpose(new, axes=tuple(int(a) for a in np.argsort(axes)))


# What the parent becomes when a view of it becomes `new`.
_WRITERS: dict[Primitive, Callable[..., Any]] = {
    slice_: set_slice,
    reshape: lambda parent, new, shape: reshape(new, shape=tuple(parent.shape)),
    transpose: _set_transpose,
    ew.real: _set_real,
    ew.imag: _set_imag,
}
