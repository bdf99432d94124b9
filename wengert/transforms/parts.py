"""Algebra on parts of arrays: slice, place, set_slice, concatenate, stack.

Canonical form: an index neither adds nor drops axes of length one; that is what `reshape` is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.program import Atom, Literal
from ..core.types import DYNAMIC, ArrayType, Shape
from ..primitives.index import Index, clear_slice, place, selected, set_slice, slice_
from ..primitives.join import concatenate, stack
from ..primitives.shape import broadcast_to
from .builder import Builder, Claim, rewrite
from .views import aligned, spread, viewed

Entry = tuple[int, int, int]


def entries(index: Index, shape: Shape) -> list[Any]:
    """One entry for each axis of the array: an int from the front, or (start, count, step)."""
    found = [e for e in index if e is not None and e is not ...]
    found += [(0, n, 1) for n in shape[len(found) :]]
    return [e + n if type(e) is int and e < 0 else e for e, n in zip(found, shape, strict=True)]


def is_full(entry: Any, n: int) -> bool:
    """Does an entry keep all of an axis, in order? An int does if there is only one."""
    return entry == 0 and n == 1 if type(entry) is int else (entry[1] == n and (entry[2] == 1 or n <= 1))


def ranges(parts: Sequence[Any]) -> list[Entry]:
    """The same entries with ranges of one in the place of ints."""
    return [(e, 1, 1) if type(e) is int else e for e in parts]


# slice -----------------------------------------------------------------------------------------------------------
@rewrite(
    slice_, claim=Claim.EXACT, why="everything is selected, or an axis of length one is added beside the selection"
)
def slice_is_reshape(b: Builder, y: ArrayType, x: Atom, index: Index) -> Atom | None:
    shape = x.type.shape
    parts = entries(index, shape)
    if all(map(is_full, parts, shape)):
        return viewed(b, x, y.shape)
    if None in index:
        return viewed(b, b.make(slice_, x, index=Index(e for e in index if e is not None)), y.shape)
    return None


@rewrite(slice_, claim=Claim.EXACT, why="all elements are one number, or the selection is made before")
def slice_of_broadcast(b: Builder, y: ArrayType, x: Atom, index: Index) -> Atom | None:
    eq = b.maker(x, broadcast_to)
    if eq is None:
        return None
    source = eq.inputs[0]
    if type(source) is Literal:
        return b.filled(source, y.shape)
    small = aligned(source.type.shape, x.type.ndim)
    parts = entries(index, x.type.shape)
    if 0 in y.shape or DYNAMIC in x.type.shape:
        return None
    inner = [e if n != 1 else (0 if type(e) is int else (0, 1, 1)) for e, n in zip(parts, small, strict=True)]
    return spread(b, b.make(slice_, viewed(b, source, small), index=Index(inner)), y.shape)


@rewrite(slice_, claim=Claim.EXACT, why="a part of a part is a part")
def slice_twice(b: Builder, y: ArrayType, x: Atom, index: Index) -> Atom | None:
    eq = b.maker(x, slice_)
    if eq is None or 0 in y.shape or DYNAMIC in x.type.shape:
        return None
    source = eq.inputs[0]
    outer = iter(entries(index, x.type.shape))
    together = [e if type(e) is int else within(e, next(outer)) for e in entries(eq.params["index"], source.type.shape)]
    return b.make(slice_, source, index=Index(together))


def within(entry: Entry, inner: Any) -> Any:
    """An entry of what another selects."""
    start, _, step = entry
    return start + inner * step if type(inner) is int else (start + inner[0] * step, inner[1], step * inner[2])


@rewrite(slice_, claim=Claim.EXACT, why="the part lies in one of those that were joined")
def slice_of_joined(b: Builder, y: ArrayType, x: Atom, index: Index) -> Atom | None:
    eq = b.made.get(x)
    if eq is None or eq.primitive not in (concatenate, stack) or 0 in y.shape or DYNAMIC in x.type.shape:
        return None
    axis = eq.params["axis"]
    parts = entries(index, x.type.shape)
    e = parts[axis]
    if eq.primitive is stack:
        if type(e) is not int:
            return None
        rest = Index((*parts[:axis], *parts[axis + 1 :]))
        return viewed(b, b.make(slice_, eq.inputs[e], index=rest) if rest else eq.inputs[e], y.shape)
    first, last = (e, e) if type(e) is int else (e[0], e[0] + (e[1] - 1) * e[2])
    start = 0
    for part in eq.inputs:
        n = part.type.shape[axis]
        if start <= min(first, last) and max(first, last) < start + n:
            parts[axis] = e - start if type(e) is int else (e[0] - start, e[1], e[2])
            return b.make(slice_, part, index=Index(parts))
        start += n
    return None


@rewrite(slice_, claim=Claim.EXACT, why="the part is what was put there, or what was left alone")
def slice_of_assigned(b: Builder, y: ArrayType, x: Atom, index: Index) -> Atom | None:
    eq = b.made.get(x)
    if eq is None or eq.primitive not in (place, set_slice, clear_slice) or DYNAMIC in x.type.shape:
        return None
    given, asked = (entries(i, x.type.shape) for i in (eq.params["index"], index))
    if ranges(given) == ranges(asked):
        if eq.primitive is clear_slice:
            return b.filled(b.literal(y.dtype.type(0)), y.shape)
        return viewed(b, eq.inputs[-1], y.shape)
    if not apart(given, asked):
        return None
    if eq.primitive is place:
        return b.filled(b.literal(y.dtype.type(0)), y.shape)
    return b.make(slice_, eq.inputs[0], index=index)


def apart(a: Sequence[Any], c: Sequence[Any]) -> bool:
    """Do two selections share no element, as far as their ends along one axis tell?"""
    for (s, n, k), (t, m, j) in zip(ranges(a), ranges(c), strict=True):
        if not n or not m:
            return True
        low, high = sorted((s, s + (n - 1) * k))
        first, last = sorted((t, t + (m - 1) * j))
        if high < first or last < low:
            return True
    return False


# place -----------------------------------------------------------------------------------------------------------
@rewrite(place, claim=Claim.EXACT, why="it fills the whole array, or axes of length one are dropped before")
def place_is_reshape(b: Builder, y: ArrayType, x: Atom, index: Index, shape: Shape) -> Atom | None:
    if all(map(is_full, entries(index, shape), shape)):
        return viewed(b, x, shape)
    if None in index:
        index = Index(e for e in index if e is not None)
        return b.make(place, viewed(b, x, selected(shape, index)), index=index, shape=shape)
    return None


@rewrite(place, claim=Claim.EXACT, why="zeros among zeros, and a part of a part is a part")
def place_twice(b: Builder, y: ArrayType, x: Atom, index: Index, shape: Shape) -> Atom | None:
    number = b.splat(x)
    if number is not None and str(number.value) in ("0.0", "0"):
        return b.filled(number, shape)
    eq = b.maker(x, place)
    if eq is None or 0 in eq.inputs[0].type.shape or DYNAMIC in shape:
        return None
    outer = iter(entries(eq.params["index"], x.type.shape))
    together = [e if type(e) is int else within(e, next(outer)) for e in entries(index, shape)]
    return b.make(place, eq.inputs[0], index=Index(together), shape=shape)


@rewrite(set_slice, claim=Claim.EXACT, why="what is replaced entirely, or again, leaves no trace")
def set_slice_again(b: Builder, y: ArrayType, x: Atom, v: Atom, index: Index) -> Atom | None:
    if all(map(is_full, entries(index, y.shape), y.shape)):
        return viewed(b, v, y.shape)
    eq = b.made.get(x)
    if eq is not None and eq.primitive in (set_slice, clear_slice) and eq.params["index"] == index:
        return b.make(set_slice, eq.inputs[0], v, index=index)
    part = b.maker(v, slice_)
    return x if part is not None and part.inputs[0] is x and part.params["index"] == index else None


# joining ---------------------------------------------------------------------------------------------------------
@rewrite(concatenate, claim=Claim.EXACT, why="nothing is joined, or what was one array")
def concatenate_whole(b: Builder, y: ArrayType, *xs: Atom, axis: int) -> Atom | None:
    full = [x for x in xs if x.type.shape[axis] != 0]
    if len(full) == 1:
        return full[0]
    if full and len(full) < len(xs):
        return b.make(concatenate, *full, axis=axis)
    number = b.splat(xs[0])
    if number is not None and all(b.splat(x) is number for x in xs):
        return b.filled(number, y.shape)
    source, at = None, 0
    for x in xs:
        eq = b.maker(x, slice_)
        if eq is None or (source is not None and eq.inputs[0] is not source):
            return None
        source = eq.inputs[0]
        if source.type.shape != y.shape:
            return None
        for k, (e, n) in enumerate(zip(entries(eq.params["index"], y.shape), y.shape, strict=True)):
            if (e != (at, x.type.shape[axis], 1)) if k == axis else (type(e) is int or not is_full(e, n)):
                return None
        at += x.type.shape[axis]
    return source


@rewrite(stack, claim=Claim.EXACT, why="nothing is joined, or what was one array")
def stack_whole(b: Builder, y: ArrayType, *xs: Atom, axis: int) -> Atom | None:
    if len(xs) == 1:
        return viewed(b, xs[0], y.shape)
    number = b.splat(xs[0])
    if number is not None and all(b.splat(x) is number for x in xs):
        return b.filled(number, y.shape)
    source = None
    for i, x in enumerate(xs):
        eq = b.maker(x, slice_)
        if eq is None or (source is not None and eq.inputs[0] is not source):
            return None
        source = eq.inputs[0]
        if source.type.shape != y.shape:
            return None
        for k, (e, n) in enumerate(zip(entries(eq.params["index"], y.shape), y.shape, strict=True)):
            if (e != i) if k == axis else (type(e) is int or not is_full(e, n)):
                return None
    return source
