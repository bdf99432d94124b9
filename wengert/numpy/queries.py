"""Questions about arrays: shapes, types, memory, and whether values are equal. The answers have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.trace import Tracer, concrete
from ..core.types import dtype_of, shape_of
from .alias import Memory
from .dispatch import implements
from .ufuncs import broadcast_shapes, kind_of, operand
from .universal import array as as_array

__all__ = [
    "allclose", "array_equal", "array_equiv", "can_cast", "common_type", "diag_indices_from", "isclose",
    "iscomplexobj", "isrealobj", "isscalar", "may_share_memory", "min_scalar_type", "ndim", "real_if_close",
    "result_type", "shape", "shares_memory", "size", "tril_indices_from", "triu_indices_from",
]  # fmt: skip


@implements(np.shape)
def shape(a: Any) -> Any:
    """The lengths of the axes."""
    return shape_of(as_array(a))


@implements(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return len(shape_of(as_array(a)))


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    """The number of elements, or the length of an axis."""
    found = shape_of(as_array(a))
    axes = range(len(found)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([found[k] for k in axes], dtype=int))


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """The indices of the lower triangle."""
    return np.tril_indices(arr.shape[-2], k, arr.shape[-1])


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """The indices of the upper triangle."""
    return np.triu_indices(arr.shape[-2], k, arr.shape[-1])


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    """The indices of the main diagonal of an array whose axes have one length."""
    return np.diag_indices_from(np.empty(arr.shape, bool))


# types -------------------------------------------------------------------------------------------------------------
@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype to which NumPy's promotion brings these together."""
    kinds = [kind_of(a) if isinstance(a, Tracer) else a for a in arrays_and_dtypes]
    return np.result_type(*(k(0) if isinstance(k, type) and k in (int, float, complex, bool) else k for k in kinds))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """May the dtype be converted to the other?"""
    of = lambda x: x.dtype if isinstance(x, Tracer) else x
    return np.can_cast(of(from_), of(to), casting)


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """The inexact type of all of these."""
    return np.common_type(*(np.empty(0, dtype_of(a)) for a in arrays))


@implements(np.min_scalar_type)
def min_scalar_type(a: Any, /) -> Any:
    """The smallest dtype that holds a number; an array's own dtype."""
    return np.min_scalar_type(concrete(a)) if not a.shape and np.ndim(concrete(a)) == 0 else a.dtype


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Is the dtype complex?"""
    return as_array(x).dtype.kind == "c"


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Is the dtype not complex?"""
    return not iscomplexobj(x)


def isscalar(element: Any) -> bool:
    """Is this a number, traced or not, rather than an array?"""
    if isinstance(element, Tracer):
        return element.shape == () and not isinstance(concrete(element), np.ndarray)
    return np.isscalar(element)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: Any = 100) -> Any:
    """The real part, where all imaginary parts are tiny: a decision on values."""
    x = as_array(a)
    if x.dtype.kind != "c":
        return x
    limit = np.finfo(x.dtype).eps * tol if tol > 1 else tol
    return np.real(x) if bool(np.all(np.absolute(np.imag(x)) < limit)) else x


# memory ------------------------------------------------------------------------------------------------------------
def _same_memory(a: Any, b: Any) -> bool:
    """Would NumPy's array share memory with the other's?"""
    if not (isinstance(a, Tracer) and isinstance(b, Tracer)):
        return False
    return a is b or _memory(a) is _memory(b)


def _memory(x: Tracer) -> Any:
    if x.alias is None:
        return x
    return x.alias if type(x.alias) is Memory else x.alias.memory


@implements(np.may_share_memory)
def may_share_memory(a: Any, b: Any, /, max_work: Any = 0) -> bool:
    """Are these the same array, or views of one?"""
    return _same_memory(a, b)


@implements(np.shares_memory)
def shares_memory(a: Any, b: Any, /, max_work: Any = -1) -> bool:
    """Have these elements in common? Of arrays of which only types are known: are they views of one array?"""
    if not _same_memory(a, b):
        return False
    x, y = (concrete(t.snapshot()) for t in (a, b))
    known = isinstance(x, np.ndarray) and isinstance(y, np.ndarray)
    return np.shares_memory(x, y) if known else True


# equality ----------------------------------------------------------------------------------------------------------
@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """|a - b| <= atol + rtol |b|; infinities are close where they are equal."""
    a, b = operand(a), operand(b)
    near = np.logical_and(np.less_equal(np.absolute(a - b), atol + rtol * np.absolute(b)), np.isfinite(b))
    near = np.logical_or(near, np.equal(a, b))
    return np.logical_or(near, np.logical_and(np.isnan(a), np.isnan(b))) if equal_nan else near


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    """Are all elements close?"""
    return bool(np.all(isclose(a, b, rtol, atol, equal_nan)))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Are the shapes and all elements equal?"""
    a, b = as_array(a1), as_array(a2)
    if a.shape != b.shape:
        return False
    same = np.equal(a, b)
    if equal_nan:
        same = np.logical_or(same, np.logical_and(np.isnan(a), np.isnan(b)))
    return bool(np.all(same))


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> bool:
    """Are all elements equal, after broadcasting?"""
    a, b = as_array(a1), as_array(a2)
    try:
        broadcast_shapes("array_equiv", a.shape, b.shape)
    except ValueError:
        return False
    return bool(np.all(np.equal(a, b)))
