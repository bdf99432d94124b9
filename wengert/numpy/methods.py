"""ndarray's methods, attributes and assignment on tracers; functions of the same meaning do the work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.trace import Tracer
from ..errors import ConcretizationError, UnsupportedFunctionError
from ..primitives import elementwise as ew
from ..primitives.shape import reshape as reshape_
from .alias import copied, view
from .assignment import _IN_PLACE, _cycled, _set_flat, assigned, in_place, setitem
from .conversions import plain
from .dispatch import implements
from .indexing import getitem
from .selection import compress
from .sorting import partition, sort, sorted_in_place
from .ufuncs import to_dtype
from .views import matrix_transpose, ravel, reshape, transpose


def install() -> None:
    """Give tracers ndarray's methods and attributes."""
    for name, ufunc in _IN_PLACE.items():
        setattr(Tracer, f"__{name}__", in_place(ufunc))
    for name, member in _MEMBERS.items():
        setattr(Tracer, name, member)


# shapes --------------------------------------------------------------------------------------------------------------
def _reshape(self: Tracer, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
    return reshape(self, shape[0] if len(shape) == 1 else shape, order=order, copy=copy)


def _transpose(self: Tracer, *axes: Any) -> Any:
    return transpose(self, axes[0] if len(axes) == 1 else axes or None)


def _flatten(self: Tracer, order: Any = "C") -> Any:
    return copied(ravel(self, order))


# values --------------------------------------------------------------------------------------------------------------
def astype(
    self: Tracer, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    """The array converted to a dtype: a copy."""
    dtype = np.dtype(dtype)
    if not np.can_cast(self.dtype, dtype, casting):
        raise TypeError(f"Cannot cast array data from {self.dtype!r} to {dtype!r} according to the rule {casting!r}")
    if dtype == self.dtype:
        return self.snapshot() if copy else self
    if self.dtype.kind == "c" and dtype.kind not in "cb":
        raise ConcretizationError(
            f"a traced array {self.type} was converted to {dtype}, which would lose its imaginary part",
            why="NumPy warns of this; the derivative in the imaginary part would be lost with it",
            write="t.real.astype(dtype)",
        )
    return to_dtype(self, dtype)


def _item(self: Tracer, *index: Any) -> Any:
    x = self
    if index or self.shape:
        flat = reshape(self, -1)
        if not index and flat.shape != (1,):
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        x = self[index] if len(index) > 1 else flat[index[0] if index else 0]  # type: ignore[index]
    if isinstance(x, Tracer) and x.dtype.kind in "fc":
        return plain(x, "number by item()", lambda v: v.item() if hasattr(v, "item") else v)
    return x.traced_by.concretize(x, lambda v: v.item()) if isinstance(x, Tracer) else x.item()


def _tolist(self: Tracer) -> Any:
    """Nested lists of the elements, which stay traced."""
    return [x.tolist() if x.shape else x for x in self] if self.shape else self  # type: ignore[attr-defined]


def _fill(self: Tracer, value: Any) -> None:
    setitem(self, ..., value)


def _real(self: Tracer) -> Any:
    return view(self, ew.real) if self.dtype.kind == "c" else self


def _imag(self: Tracer) -> Any:
    return view(self, ew.imag) if self.dtype.kind == "c" else np.zeros_like(self)


def _set_imag(self: Tracer, v: Any) -> None:
    if self.dtype.kind != "c":
        raise TypeError("array does not have imaginary part to set")
    setitem(_imag(self), ..., v)


# flat ----------------------------------------------------------------------------------------------------------------
class Flat:
    """x.flat: the elements in order; slices of it are copies, assignment goes to x."""

    __slots__ = ("base",)

    def __init__(self, base: Tracer) -> None:
        self.base = base

    def __getitem__(self, index: Any) -> Any:
        y = getitem(reshape_(self.base, shape=(len(self),)), index)
        return y.snapshot() if isinstance(y, Tracer) else y

    def __setitem__(self, index: Any, v: Any) -> None:
        i = np.atleast_1d(np.arange(len(self))[index])
        _set_flat(self.base, i, assigned(_cycled(v, i.size), i.shape, self.base.dtype))

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])

    def __len__(self) -> int:
        return int(np.prod(self.base.shape))

    def copy(self) -> Any:
        """A copy of the elements as an array of one axis."""
        return self[:]


def _set_of(get: Any) -> Any:
    return lambda self, v: setitem(get(self), ..., v)


def _view(self: Tracer, dtype: Any = None, type: Any = None) -> Any:
    if (dtype is None or np.dtype(dtype) == self.dtype) and type is None:
        return getitem(self, ...)
    raise UnsupportedFunctionError(
        f"a traced array {self.type} was to be viewed as {dtype or type}",
        why="its bytes seen as another type are no differentiable function of its values",
        write="t.astype(dtype), or t.real and t.imag",
    )


if hasattr(np, "astype"):  # since NumPy 2.1

    @implements(np.astype)
    def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return astype(x, dtype, copy=copy)


_MEMBERS: dict[str, Any] = {
    "__contains__": lambda self, v: bool(np.any(np.equal(self, v))),
    "__divmod__": lambda self, other: np.divmod(self, other),
    "__rdivmod__": lambda self, other: np.divmod(other, self),
    "__array_namespace__": lambda self, *, api_version=None: sys.modules[__package__],
    "device": "cpu",
    "to_device": lambda self, device, /, *, stream=None: self,
    "view": _view,
    "__getitem__": getitem,
    "__setitem__": setitem,
    "reshape": _reshape,
    "transpose": _transpose,
    "flatten": _flatten,
    "compress": lambda self, condition, axis=None, out=None: compress(condition, self, axis, out),
    "astype": astype,
    "copy": copied,
    "__copy__": copied,
    "__deepcopy__": lambda self, memo: copied(self),
    "item": _item,
    "tolist": _tolist,
    "fill": _fill,
    "sort": sorted_in_place(sort),
    "partition": sorted_in_place(partition),
    "T": property(lambda self: transpose(self) if len(self.shape) > 1 else self),
    "mT": property(matrix_transpose),
    "real": property(_real, _set_of(_real)),
    "imag": property(_imag, _set_imag),
    "flat": property(Flat, lambda self, v: Flat(self).__setitem__(slice(None), v)),
}
