"""x[index] on traced arrays: NumPy's index expressions as slices (views), transpositions and gathers (copies)."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from ..core.trace import Tracer
from ..core.types import Shape, shape_of
from ..errors import AbstractValueError
from ..primitives import elementwise as ew
from ..primitives.gather import gather, nonzero
from ..primitives.index import Index, selected, slice_
from ..primitives.shape import broadcast_to, sum_, transpose
from .alias import View, copied, is_number, view
from .dispatch import any_traced
from .ufuncs import operand
from .windows import has_windows, taken_out, view_of


class Selection(NamedTuple):
    """An index expression in steps: x[basic], then the axes permuted, then gathered by index arrays from `axis` on."""

    basic: Index | None = None
    axes: tuple[int, ...] | None = None
    indices: tuple[Any, ...] = ()
    axis: int = 0
    copied: bool = False  # a number or a copy, though there is no index array

    def shape(self, x_shape: Shape) -> Shape:
        """The shape that is selected."""
        shape = x_shape if self.basic is None else selected(x_shape, self.basic)
        if self.axes is not None:
            shape = tuple(shape[a] for a in self.axes)
        if self.indices:
            found = np.broadcast_shapes(*map(shape_of, self.indices))
            shape = shape[: self.axis] + found + shape[self.axis + len(self.indices) :]
        return shape


def getitem(x: Tracer, index: Any) -> Any:
    """x[index]: a view where NumPy gives a view, a number where it gives a number, else a copy."""
    if type(index) is np.ndarray and index.dtype.kind == "i" and index.ndim and x.shape:
        return gather(x, index, axis=0)
    if has_windows(index):
        windows, index = taken_out(index, x.shape)
        return getitem(view_of(x, windows), index)
    s = select(index, x.shape)
    if s.indices:
        y = picked(x, selection=s)
        if isinstance(y, Tracer) and y.shape and not any(map(shape_of, s.indices)) and not is_number(x):
            y.alias = View(x, picked, {"selection": s}, True)  # a traced index is a number, whose rows are views
        return y
    if s.copied:
        y = slice_(x, index=s.basic)
        return copied(y) if isinstance(y, Tracer) and y.shape else y
    return view(x, slice_, index=s.basic)


def picked(x: Any, *, selection: Selection) -> Any:
    """What index arrays, or traced indices, take of x."""
    return gather(taken_apart(x, selection)[-1], *selection.indices, axis=selection.axis)


def taken_apart(x: Any, s: Selection) -> list[Any]:
    """x, x[basic], and that with its axes permuted: what lies before the gathering."""
    steps = [x]
    steps.append(x if s.basic is None else slice_(x, index=s.basic))
    steps.append(steps[-1] if s.axes is None else transpose(steps[-1], axes=s.axes))
    return steps


def position(i: int, axis: int, n: int) -> int:
    """An index from the front, checked."""
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for axis {axis} with size {n}")
    return i + n if i < 0 else i


# parsing -----------------------------------------------------------------------------------------------------------
def select(index: Any, shape: Shape) -> Selection:
    """Parse an index expression for an array of this shape; IndexError as NumPy's."""
    given = index if type(index) is tuple else (index,)
    found = _simple(given, shape)
    if found is not None:
        return found
    entries = [normal(e) for e in given]
    used = sum(map(_axes_used, entries))
    if used > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed",
        )
    ellipses = sum(e is ... for e in entries)
    if ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not ellipses:
        entries.append(...)
    if any(isinstance(e, _ARRAYS) for e in entries):
        return _with_arrays(entries, shape, len(shape) - used)
    basic = _basic(entries, shape, len(shape) - used)
    copied = any(type(e) is _Copying for e in entries)
    if not selected(shape, basic):
        return Selection(Index((*basic, ...)), copied=copied) if ellipses else Selection(basic, copied=True)
    return Selection(basic, copied=copied)


def _simple(entries: tuple[Any, ...], shape: Shape) -> Selection | None:
    """The same for integers and slices only, which is what loops use."""
    if len(entries) > len(shape):
        return None
    found: list[Any] = []
    number = len(entries) == len(shape)
    for axis, e in enumerate(entries):
        if type(e) is int:
            found.append(position(e, axis, shape[axis]))
        elif type(e) is slice:
            found.append(_sliced(e, shape[axis]))
            number = False
        else:
            return None
    return Selection(Index(found), copied=number)


_ARRAYS = (np.ndarray, Tracer)


class _Copying(int):
    """An integer that came as an array without axes: NumPy gives a copy, not a view."""


def normal(entry: Any) -> Any:
    """An entry as an int, a slice, None, Ellipsis, or an array (or tracer) of integers or booleans."""
    if entry is None or entry is ... or type(entry) is int or type(entry) is slice:
        return entry
    array: Any
    if isinstance(entry, Tracer):
        if entry.traced_by.level == 0:
            return normal(entry.value)
        array = entry
    elif isinstance(entry, bool | np.bool_):
        array = np.asarray(entry)
    elif isinstance(entry, np.integer):
        return int(entry)
    elif isinstance(entry, list | tuple | np.ndarray):
        if any_traced((entry,)):
            array = operand(entry)
        else:
            array = np.asarray(entry)
            if not array.size and not isinstance(entry, np.ndarray):
                array = array.astype(np.intp)
    elif hasattr(entry, "__index__"):
        return operator.index(entry)
    else:
        array = np.asarray(entry)
    if array.dtype.kind not in "iub":
        if isinstance(entry, list | tuple | np.ndarray | Tracer) and shape_of(array):
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
            "are valid indices"
        )
    if isinstance(array, np.ndarray) and array.ndim == 0 and array.dtype.kind != "b":
        return _Copying(array)
    return array


def _axes_used(entry: Any) -> int:
    if entry is None or entry is ...:
        return 0
    if isinstance(entry, _ARRAYS) and entry.dtype.kind == "b":
        return len(entry.shape)
    return 1


def _sliced(entry: slice, n: int) -> tuple[int, int, int]:
    start, stop, step = entry.indices(n)
    return (start, len(range(start, stop, step)), step)


def _basic(entries: list[Any], shape: Shape, rest: int) -> Index:
    """Ints, slices, None and Ellipsis (which stands for `rest` axes) as an `Index`."""
    out: list[Any] = []
    axis = 0
    for e in entries:
        if e is None:
            out.append(None)
        elif e is ...:
            out += [(0, n, 1) for n in shape[axis : axis + rest]]
            axis += rest
        else:
            n = shape[axis]
            out.append(_sliced(e, n) if type(e) is slice else position(int(e), axis, n))
            axis += 1
    return Index(out)


def _with_arrays(entries: list[Any], shape: Shape, rest: int) -> Selection:
    """Index arrays among the entries; integers beside them count as such, though they are taken with the slices.

    Where index arrays stand side by side their axes are put in their place, otherwise in front.
    """
    plain: list[Any] = []  # the entries with all of an axis in place of an index array
    indices: list[Any] = []
    indexed: list[int] = []  # the axes of x[basic] that the index arrays index
    place = 0  # the axes of x[basic] before the first index array or integer
    runs = 0  # of index arrays and integers side by side
    axis = out = 0  # how far we are in x and in x[basic]
    in_run = False
    for e in entries:
        is_index = isinstance(e, (*_ARRAYS, int))
        if is_index and not in_run:
            runs += 1
            place = out if runs == 1 else 0
        in_run = is_index
        if isinstance(e, _ARRAYS):
            found = _integers(e, shape, axis)
            indices += found
            indexed += range(out, out + len(found))
            plain += [slice(None)] * _axes_used(e) or [None]
            axis += _axes_used(e)
            out += len(found)
        else:
            plain.append(e)
            axis += rest if e is ... else e is not None
            out += rest if e is ... else not is_index
    basic = _basic(plain, shape, rest)
    ndim = len(selected(shape, basic))
    others = [a for a in range(ndim) if a not in indexed]
    axes = (*others[:place], *indexed, *others[place:])
    whole = tuple((0, n, 1) for n in shape)
    return Selection(
        None if basic == whole else basic, None if axes == tuple(range(ndim)) else axes, tuple(indices), place
    )


def _integers(array: Any, shape: Shape, axis: int) -> list[Any]:
    """An index array as arrays of integers: one, or for a boolean array one for each of its axes."""
    if array.dtype.kind != "b":
        return [array]
    if not array.shape:
        return [np.zeros(int(bool(array)), np.intp)]
    for k, n in enumerate(array.shape):
        if n != shape[axis + k]:
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis + k}; size of axis is {shape[axis + k]} "
                f"but size of corresponding boolean axis is {n}"
            )
    return nonzero_of(array)


def nonzero_of(mask: Any) -> list[Any]:
    """The indices of the elements that are not zero. Their number must be known."""
    if not isinstance(mask, Tracer):
        return list(np.nonzero(mask))
    return nonzero(mask, count=count_of(mask))


def count_of(mask: Tracer) -> int:
    """How many elements are not zero: a Python number, so it must be known."""
    ones = ew.cast(ew.not_equal(mask, 0), dtype=np.dtype(np.intp))
    count = sum_(ones, axis=tuple(range(len(mask.shape))))
    try:
        return int(count)
    except AbstractValueError:
        raise AbstractValueError(
            f"the number of elements where a mask {mask.type} holds is needed, as by x[mask] or np.nonzero(mask)",
            why="only its type is known here (under jit, vmap or in a loop), and shapes may not depend on data",
            write="np.where(mask, x, 0) or np.sum(x, where=mask); x[mask] = number and x[mask] += number work",
        ) from None


def mask_over(mask: Any, shape: Shape) -> Any:
    """A mask of the first axes, repeated over the others."""
    found = shape_of(mask)
    if found == shape:
        return mask
    lead = Index((*((0, n, 1) for n in found), *(None,) * (len(shape) - len(found))))
    return broadcast_to(slice_(mask, index=lead), shape=shape)
