"""Views: arrays that share memory in NumPy share assignments here, though every traced value is immutable.

A view is a handle that knows its parent and the primitive by which it was taken. An assignment to it computes the new
value of its parent, and so on up to the array that owns the memory, which counts one version more; each view of this
memory takes itself again from its parent when it is next read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.trace import CONSTANT, Tracer, concrete
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

    def __init__(self, parent: Tracer, primitive: Callable[..., Any], params: dict[str, Any], writable: bool) -> None:
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
    """Is v the view x[index]? After `x[index] += 1` Python assigns it to where it already is."""
    alias = v.alias if isinstance(v, Tracer) else None
    return type(alias) is View and alias.parent is x and alias.primitive is slice_ and alias.params["index"] == index


def is_number(x: Tracer) -> bool:
    """Is this a number (immutable, as Python's and NumPy's scalars are) rather than an array without axes?"""
    if x.shape:
        return False
    value = concrete(x)
    return type(value) is not np.ndarray or value.ndim > 0


def one_lane(x: Any) -> Any:
    """The plain array beneath, of one lane where x is batched; None where only the type is known, or it is empty."""
    value = concrete(x)
    if not isinstance(value, np.ndarray) or not value.size:
        return None
    return value[(0,) * (value.ndim - len(x.shape)) + (...,)]


def is_reshape_view(x: Any, y: Any) -> bool:
    """Is y, a reshape of x, a view in NumPy? That depends on how x lies in memory."""
    a, b = concrete(x), concrete(y)
    if type(a) is np.ndarray and type(b) is np.ndarray and a.ndim == len(x.shape):
        return not a.size or np.may_share_memory(a, b)
    a = laid_out_as(x)
    return not a.size or np.may_share_memory(a, a.reshape(y.shape))


def laid_out_as(x: Tracer) -> Any:
    """An array that lies in memory as NumPy's x would: as one lane does, but without the gaps between its parts."""
    alias = x.alias
    if type(alias) is View and isinstance(alias.primitive, Primitive):
        return alias.primitive.impl(laid_out_as(alias.parent), **alias.params)
    lane = one_lane(x)
    return np.empty(x.shape, x.dtype) if lane is None else np.empty_like(lane)


def layout(x: Any) -> Any:
    """The plain array beneath; where x is batched or known by its type alone, one that lies in memory as x would."""
    value = concrete(x)
    plain = not isinstance(x, Tracer) or (type(value) is np.ndarray and value.ndim == len(x.shape))
    return np.asarray(value) if plain else laid_out_as(x)


def copied(a: Any, order: Any = "C") -> Any:
    """The array with memory of its own, laid out in this order ("K": as it was)."""
    if not isinstance(a, Tracer):
        return a.copy(order)
    y = a.snapshot()
    if order != "K":
        _lay_out(y, lambda array: np.asarray(array, order=order))
    return y


def _lay_out(x: Tracer, move: Callable[[Any], Any]) -> None:
    """Bring the plain array beneath into another memory order, on which depends what NumPy's reshape can view."""
    if isinstance(x.value, Tracer):
        x.value = x.value.snapshot()
        _lay_out(x.value, move)
    elif isinstance(x.value, np.ndarray):
        x.value = move(x.value)


def _keep_layout(old: Any, new: Any) -> None:
    """An assignment does not change how the array that is assigned to lies in memory."""
    a, b = concrete(old), concrete(new)
    if not (type(a) is np.ndarray and type(b) is np.ndarray) or a.ndim != b.ndim:
        return
    if not (a.flags.c_contiguous and b.flags.c_contiguous):
        like = np.empty_like(a)
        if like.strides != b.strides:
            np.copyto(like, b)
            _lay_out(new, lambda array: like)


# assignment --------------------------------------------------------------------------------------------------------
def store(x: Tracer, new: Any) -> None:
    """Make x the array `new` of the same shape and dtype; of a view, make the array that owns the memory."""
    alias = x.alias
    while type(alias) is View:
        if not alias.writable:
            raise ValueError("assignment destination is read-only")
        x, new = alias.parent, _WRITERS[alias.primitive](alias.parent, new, **alias.params)
        alias = x.alias
    if not isinstance(new, Tracer):
        new = Tracer(CONSTANT, new)
    _keep_layout(x, new)
    x.become(new)
    if alias is not None:
        alias.version += 1


def _set_real(parent: Any, new: Any) -> Any:
    return ew.convert(new, dtype=parent.dtype) + 1j * ew.convert(ew.imag(parent), dtype=parent.dtype)


def _set_imag(parent: Any, new: Any) -> Any:
    return ew.convert(ew.real(parent), dtype=parent.dtype) + 1j * ew.convert(new, dtype=parent.dtype)


def _set_transpose(parent: Any, new: Any, axes: tuple[int, ...]) -> Any:
    return transpose(new, axes=tuple(int(a) for a in np.argsort(axes)))


# What the parent becomes when a view of it becomes `new`.
_WRITERS: dict[Callable[..., Any], Callable[..., Any]] = {
    slice_: set_slice,
    reshape: lambda parent, new, shape: reshape(new, shape=tuple(parent.shape)),
    transpose: _set_transpose,
    ew.real: _set_real,
    ew.imag: _set_imag,
}
