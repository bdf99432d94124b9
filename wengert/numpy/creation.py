"""New arrays. While a function is traced they can be assigned to; traced numbers may be among their elements."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.trace import CONSTANT, Tracer, concrete, constant, tracing
from ..core.types import Shape, dtype_of, shape_of
from ..errors import UnsupportedFunctionError
from ..primitives.index import Index, place, set_slice
from ..primitives.join import stack
from ..primitives.shape import broadcast_to, reshape
from .alias import copied, layout
from .dispatch import HANDLERS, any_traced, implements
from .ufuncs import operand, select, to_dtype
from .universal import array as as_array
from .views import diagonal, diagonal_of

__all__ = [
    "arange", "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray", "copy",
    "diag", "diagflat", "empty", "empty_like", "eye", "full", "full_like", "geomspace", "identity", "ix_", "linspace",
    "logspace", "meshgrid", "ones", "ones_like", "require", "tri", "tril", "triu", "vander", "zeros", "zeros_like",
]  # fmt: skip


def fresh(value: Any) -> Any:
    """A new plain array, in a handle that traced values can be assigned to while a function is traced."""
    return constant(value) if tracing() else value


def blank(value: Any) -> Any:
    """The same for an array that is made to be filled, also with integers and booleans, which vmap traces."""
    return Tracer(CONSTANT, value) if tracing() and value.dtype.kind in "biufc" else value


def _creates(numpy_function: Any, new: Callable[[Any], Any] = fresh) -> Callable[..., Any]:
    """NumPy's function, whose result can be assigned to."""

    @functools.wraps(numpy_function)
    def create(*args: Any, **kwargs: Any) -> Any:
        return new(numpy_function(*args, **kwargs))

    create.__module__ = "wengert.numpy"
    create.__doc__ = f"numpy.{numpy_function.__name__}; traced values can be assigned into the result."
    return create


empty, ones, zeros = _creates(np.empty, blank), _creates(np.ones, blank), _creates(np.zeros, blank)
eye, identity, tri = _creates(np.eye), _creates(np.identity), _creates(np.tri)


# arrays of given values --------------------------------------------------------------------------------------------
def nested(obj: Any) -> Any:
    """Nested lists, with tracers among their elements, as one array."""
    leaves, outer = _leaves(obj)
    dtype = np.result_type(*map(dtype_of, leaves))
    shapes = {shape_of(x) for x in leaves}
    if len(shapes) > 1:
        raise ValueError(
            "setting an array element with a sequence. The requested array has an inhomogeneous shape: its elements "
            f"have the shapes {' and '.join(map(str, sorted(shapes)))}"
        )
    (inner,) = shapes
    y = stack(*(to_dtype(x, dtype) for x in leaves), axis=0)
    return y if len(outer) == 1 else reshape(y, shape=outer + inner)


def _leaves(obj: Any) -> tuple[list[Any], Shape]:
    """The elements of nested lists in order, and the shape of the nest."""
    if not isinstance(obj, list | tuple):
        return [operand(obj)], ()
    parts = [_leaves(item) for item in obj]
    shapes = {shape for _, shape in parts}
    if len(shapes) == 1:
        return [leaf for leaves, _ in parts for leaf in leaves], (len(obj), *shapes.pop())
    return [nested(item) if any_traced((item,)) else np.asarray(item) for item in obj], (len(obj),)


def array(
    object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", subok: bool = False, ndmin: int = 0,
    like: Any = None,
) -> Any:  # fmt: skip
    """A new array of these values: a copy of an array, or of nested lists of numbers and tracers."""
    y: Any
    if not isinstance(object, Tracer):
        if not any_traced((object,)):
            y = np.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin)
            return fresh(y) if y is not object else y
        y = nested(object)
    else:
        y = object
    if dtype is not None and y.dtype != np.dtype(dtype):
        y = y.astype(dtype)
    if ndmin > len(y.shape):
        y = reshape(y, shape=(1,) * (ndmin - len(y.shape)) + y.shape)
    return copied(y, order) if copy and y is object else y


HANDLERS[np.array] = array


def _converts(numpy_function: Any) -> Callable[..., Any]:
    """NumPy's function, or the array itself where it is traced already."""

    @functools.wraps(numpy_function)
    def convert(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if any_traced((a,)):
            return array(a, dtype, copy=kwargs.get("copy"))
        return numpy_function(a, dtype, *args, **kwargs)

    convert.__module__ = "wengert.numpy"
    convert.__doc__ = f"numpy.{numpy_function.__name__}; traced arrays, alone or in lists, are arrays already."
    return convert


asarray, asanyarray = _converts(np.asarray), _converts(np.asanyarray)
asarray_chkfinite, require = _converts(np.asarray_chkfinite), _converts(np.require)


def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """The array itself where it is contiguous, else a copy; with at least one axis."""
    if not any_traced((a,)):
        return np.ascontiguousarray(a, dtype)
    y = asarray(a, dtype)
    if not y.shape:
        return y.reshape(1)
    return y if layout(y).flags.c_contiguous else copied(y)


def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """The array itself where it lies in Fortran's order, else a copy that does."""
    if not any_traced((a,)):
        return np.asfortranarray(a, dtype)
    y = asarray(a, dtype)
    return y if layout(y).flags.f_contiguous else copied(y, "F")


@implements(np.copy)
def _copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """An array of the same values, with memory of its own."""
    return array(a, order=order)


def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """An array of the same values, with memory of its own."""
    return array(a, order=order, subok=subok)


# filled arrays -----------------------------------------------------------------------------------------------------
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """An array in which every element is this value."""
    if not any_traced((fill_value,)):
        return blank(np.full(shape, fill_value, dtype, order))
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    return broadcast_to(to_dtype(operand(fill_value), dtype_of(fill_value) if dtype is None else dtype), shape=shape)


def _like(a: Any, dtype: Any, order: Any, shape: Any, fill: Any) -> Any:
    """A constant array of the shape, dtype and memory order of a."""
    a = as_array(a)
    dtype = a.dtype if dtype is None else np.dtype(dtype)
    shape = a.shape if shape is None else ((shape,) if isinstance(shape, int | np.integer) else tuple(shape))
    value = concrete(a)
    if isinstance(value, np.ndarray) and value.shape == shape:
        return blank(np.full_like(value, fill, dtype, order))
    return blank(np.full(shape, fill, dtype, "F" if order == "F" else "C"))


@implements(np.zeros_like, np.empty_like)
def _zeros_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    return _like(a, dtype, order, shape, 0)


@implements(np.ones_like)
def _ones_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    return _like(a, dtype, order, shape, 1)


@implements(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *,
    device: Any = None,
) -> Any:  # fmt: skip
    like = _like(a, dtype, order, shape, 0)
    if not any_traced((fill_value,)):
        like[...] = fill_value
        return like
    return broadcast_to(to_dtype(operand(fill_value), like.dtype), shape=like.shape)


# np.zeros_like and the like on plain arrays, too, give arrays that can be assigned to.
empty_like, full_like, ones_like, zeros_like = map(_creates, (np.empty_like, np.full_like, np.ones_like, np.zeros_like))


# ranges ------------------------------------------------------------------------------------------------------------
def arange(*args: Any, **kwargs: Any) -> Any:
    """start, start + step, ... up to stop; the number of elements does not change with them."""
    if not any_traced(args) and not any_traced(kwargs.values()):
        return fresh(np.arange(*args, **kwargs))
    given = dict(zip(("start", "stop", "step", "dtype"), args, strict=False)) | kwargs
    start, stop, step = given.get("start", 0), given.get("stop"), given.get("step", 1)
    if stop is None:
        start, stop = 0, start
    count = int(to_dtype(np.ceil((stop - start) / step), np.dtype(np.intp)))
    found = np.result_type(*(dtype_of(a) for a in (start, stop, step)))
    y = start + step * np.arange(max(count, 0), dtype=found)
    return fresh(y if given.get("dtype") is None else y.astype(given["dtype"]))


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """start + i (stop - start) / n, linear in both ends."""
    num = int(num.__index__())
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    start, stop = operand(start) * 1.0, operand(stop) * 1.0
    parts = num - 1 if endpoint else num
    i = np.arange(num).reshape(-1, *(1,) * len(np.broadcast_shapes(shape_of(start), shape_of(stop))))
    step = (stop - start) / parts if parts > 0 else (stop - start) * np.nan
    y = start + i * step if parts > 0 else start + i * (stop - start)
    if endpoint and num > 1:
        end = to_dtype(broadcast_to(stop, shape=y.shape[1:]) if shape_of(stop) != y.shape[1:] else stop, y.dtype)
        y = set_slice(y, end, index=Index((num - 1,)))
    y = np.moveaxis(y, 0, axis) if axis else y
    if dtype is not None:
        y = (np.floor(y) if np.dtype(dtype).kind in "iu" else y).astype(dtype)
    return (y, step) if retstep else y


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """base^x, x evenly spaced from start to stop."""
    x = np.linspace(start, stop, num, endpoint, axis=axis)
    if shape_of(base):
        base = np.expand_dims(base, axis)
    y = np.power(operand(base), x)
    return y if dtype is None else y.astype(dtype)


@implements(np.geomspace)
def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """start (stop / start)^(i / n), of real ends of one sign."""
    start, stop = operand(start) * 1.0, operand(stop) * 1.0
    if dtype_of(start).kind == "c" or dtype_of(stop).kind == "c":
        raise UnsupportedFunctionError(
            "numpy.geomspace of complex ends is not differentiated",
            why="it turns from one end to the other in the complex plane by a rule of its own",
            write="start * (stop / start) ** np.linspace(0, 1, num)",
        )
    x = np.linspace(np.log(np.abs(start)), np.log(np.abs(stop)), num, endpoint, axis=0)
    y = np.sign(start) * np.exp(x)
    first, last = (Index((k,)) for k in (0, y.shape[0] - 1))
    if y.shape[0]:
        y = set_slice(y, _at(start, y), index=first)
    if endpoint and y.shape[0] > 1:
        y = set_slice(y, _at(stop, y), index=last)
    y = np.moveaxis(y, 0, axis)
    return y if dtype is None else y.astype(dtype)


linspace, logspace, geomspace = _creates(linspace), _creates(logspace), _creates(geomspace)


def _at(end: Any, y: Any) -> Any:
    """An end of a range at the shape and dtype of one element of the range."""
    end = to_dtype(end, y.dtype)
    return broadcast_to(end, shape=y.shape[1:]) if shape_of(end) != y.shape[1:] else end


# matrices ----------------------------------------------------------------------------------------------------------
@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The matrix with this k-th diagonal, or the k-th diagonal of a matrix."""
    v = as_array(v)
    if len(v.shape) == 2:
        return diagonal(v, k)
    if len(v.shape) != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = v.shape[0] + abs(k)
    y = place(v, index=Index((diagonal_of(n, n, k),)), shape=(n * n,))
    return reshape(y, shape=(n, n))


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements of v on its k-th diagonal."""
    return diag(np.ravel(as_array(v)), k)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """m where j <= i + k, else 0."""
    m = as_array(m)
    return select(_triangle(m, k), m, m.dtype.type(0))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """m where j >= i + k, else 0."""
    m = as_array(m)
    return select(_triangle(m, k - 1), m.dtype.type(0), m)


def _triangle(m: Any, k: int) -> Any:
    """Where j <= i + k in the last two axes; a vector stands for equal rows."""
    rows, columns = m.shape[-2:] if len(m.shape) > 1 else m.shape * 2
    return np.tri(rows, columns, k, bool)


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """V_ij = x_i^j, in reverse order unless increasing."""
    x = as_array(x)
    if len(x.shape) != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    x = to_dtype(x, np.promote_types(x.dtype, int))
    n = x.shape[0] if N is None else int(N)
    columns = [np.ones(x.shape, x.dtype)] if n else []
    while len(columns) < n:
        columns.append(columns[-1] * x)
    if not columns:
        return np.empty((x.shape[0], 0), x.dtype)
    return stack(*(columns if increasing else columns[::-1]), axis=1)


# grids -------------------------------------------------------------------------------------------------------------
@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinate arrays of the grid that has these coordinates along its axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    xs = [as_array(x).reshape(-1) for x in xi]
    places = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        places[:2] = 1, 0
    grid = [x.reshape((1,) * p + (-1,) + (1,) * (len(xs) - 1 - p)) for x, p in zip(xs, places, strict=True)]
    if not sparse:
        shape = np.broadcast_shapes(*(g.shape for g in grid))
        grid = [broadcast_to(g, shape=shape) if isinstance(g, Tracer) else np.broadcast_to(g, shape) for g in grid]
    return tuple(g.copy() if copy else g for g in grid)


@implements(np.ix_)
def ix_(*args: Any) -> Any:
    """An open mesh of index arrays, booleans as the indices where they hold."""
    found = []
    for k, a in enumerate(args):
        a = as_array(a)
        if len(a.shape) != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if a.dtype.kind == "b":
            (a,) = np.nonzero(a)
        found.append(a.reshape((1,) * k + (-1,) + (1,) * (len(args) - 1 - k)))
    return tuple(found)
