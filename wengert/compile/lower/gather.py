"""Indexing by integer arrays: references whose index is read from memory, checked against the length of the axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.program import Atom, Equation
from ...primitives.window import reach
from ..loops.ir import Axis, Call, Const, Indirect, Position, Ref, Splat, Value, View, row_major
from .lowering import Lowering, adds, axes_of, lowers
from .matrices import on_matrices, stop_if

Index = Sequence[Axis | int]


class Slice(NamedTuple):
    """A slice of static length, whose start is a number in memory, or known."""

    start: Ref | Const
    length: int
    step: int
    extent: int

    @property
    def starts(self) -> int:
        """How many places there are at which it can begin."""
        return self.extent - reach(self.length, self.step) + 1


@lowers("slice_places")
def slice_places(low: Lowering, eq: Equation) -> None:
    """i + step * k, for those who do not take the slice itself, as `Indexing` does where i is one number."""
    (i,), (y,) = map(low.value, eq.inputs), eq.outputs
    found = Slice(Const(0), *(eq.params[k] for k in ("length", "step", "extent")))
    index = axes_of(y.type.shape)
    outer, along = index[:-1], index[-1]
    target, start = low.result(y), low.new(i.shape, np.intp)
    low.nest(outer, start.ref(outer), "convert", [i.ref(outer)], {"computed_in": start.dtype})
    if i.shape == () and found.length and found.starts > 0:
        low.memo["slice", y] = found._replace(start=start.ref(()))
        start = nowhere_else(low, start, found)
    else:
        start = checked(low, eq, start, found)
    position = Position(along, 0, found.step) if isinstance(along, Axis) else Const(np.intp(0))
    low.nest(index, target.ref(index), "add", [start.ref(outer), position])


def nowhere_else(low: Lowering, start: View, found: Slice) -> View:
    """A start that is out of range becomes one whose places are."""
    inside, enough = low.new((), bool), low.new((), bool)
    low.nest((), inside.ref(()), "greater_equal", [start.ref(()), Const(np.intp(0))])
    low.nest((), enough.ref(()), "less", [start.ref(()), Const(np.intp(found.starts))])
    both, valid = low.new((), bool), low.new((), np.intp)
    low.nest((), both.ref(()), "logical_and", [inside.ref(()), enough.ref(())])
    low.nest((), valid.ref(()), "where", [both.ref(()), start.ref(()), Const(np.intp(found.extent))])
    return valid


def checked(low: Lowering, eq: Equation, start: View, found: Slice) -> View:
    """Starts, of which each must be in range."""
    y = low.new(start.shape, np.intp)

    def body(f: Any, refs: Sequence[Ref]) -> None:
        x = f.load(refs[0])
        f.do(f"store i64 {x}, ptr {f.emit('getelementptr i64, ptr %ctx, i64 1')}")
        bad = f.emit(f"icmp uge i64 {x}, {max(found.starts, 0)}")
        stop_if(f, bad, ("slice", found.length, found.step, found.extent))
        f.store(refs[1], x)

    on_matrices(low, eq, "slices", [start], [y], (0, 0), body)
    return y


class Indexing:
    """x[a, indices(i), b]: the axes a, i and b, and the reference to an element of x."""

    def __init__(self, low: Lowering, x: View, indices: Sequence[Atom], axis: int) -> None:
        values = [low.value(i) for i in indices]
        picked = np.broadcast_shapes(*(v.shape for v in values))
        self.a, self.b = axes_of(x.shape[:axis]), axes_of(x.shape[axis + len(indices) :])
        self.i = axes_of(picked)
        dims = x.shape[axis : axis + len(indices)]
        strides = x.strides[axis : axis + len(indices)]
        outer = View(x.buffer, (*x.shape[:axis], *x.shape[axis + len(indices) :]), x.const,
                     (*x.strides[:axis], *x.strides[axis + len(indices) :]), x.terms)  # fmt: skip
        direct = outer.ref([*self.a, *self.b])
        if 0 in dims and 0 not in picked:
            nothing_there(low, axis + dims.index(0))
        found = [low.memo.get(("slice", i)) for i in indices]
        if len(indices) == 1 and found[0] is not None:
            self.ref = self.window(direct, found[0], strides[0])
            return
        parts = [
            self.part(low, v, s, n, axis + k) for k, (v, s, n) in enumerate(zip(values, strides, dims, strict=True))
        ]
        self.ref = direct._replace(indirect=tuple(parts))

    def window(self, direct: Ref, found: Slice, stride: int) -> Ref:
        """The elements of a slice lie behind its start, which is read from memory."""
        (at,) = self.i
        start = Indirect(found.start, stride, found.starts, True, slice=(found.length, found.step, found.extent))
        terms = direct.terms if isinstance(at, int) else (*direct.terms, (at, stride * found.step))
        return direct._replace(terms=terms, indirect=(start,))

    def part(self, low: Lowering, index: Value, stride: int, extent: int, axis: int) -> Indirect:
        """One array of indices, aligned with the last of the axes i."""
        own = self.i[len(self.i) - len(index.shape) :]
        ref = index.ref([0 if n == 1 else a for a, n in zip(own, index.shape, strict=True)])
        return Indirect(ref, stride, extent, not within(low, index, extent), axis)

    @property
    def index(self) -> list[Axis | int]:
        """The axes of y[a, i, b]."""
        return [*self.a, *self.i, *self.b]


def nothing_there(low: Lowering, axis: int) -> None:
    """An index into an axis of length zero: the program stops."""
    eq = low.equation
    low.nodes.append(Call("index", [], [], lambda f, node: f.stop(("index", 0, axis), eq), eq))


def within(low: Lowering, index: Value, extent: int) -> bool:
    """Is it known now that these indices are in range?"""
    if isinstance(index, Splat):
        return bool(-extent <= index.value < extent)
    if index.buffer.kind != "constant" or not index.buffer.size:
        return False
    array = low.constants.arrays[index.buffer.index]
    return bool(-extent <= array.min() and array.max() < extent)


@lowers("gather")
def gather(low: Lowering, eq: Equation) -> None:
    """y[a, i, b] = x[a, indices(i), b]."""
    x, *indices = eq.inputs
    (y,) = eq.outputs
    source = low.value(x)
    if isinstance(source, Splat):
        source = low.view(x)
    by = Indexing(low, source, indices, eq.params["axis"])
    target = low.result(y)
    low.nest(by.index, target.ref(by.index), "copy", [by.ref])


@adds("scatter_add")
def scatter_add(low: Lowering, eq: Equation, total: View) -> None:
    """total[a, indices(i), b] += y[a, i, b]."""
    y, *indices = eq.inputs
    value = low.value(y)
    by = Indexing(low, total, indices, eq.params["axis"])
    low.nest(by.index, by.ref, "copy", [value.ref(by.index)], accumulate="add")


@lowers("scatter_set")
def scatter_set(low: Lowering, eq: Equation) -> None:
    """y = x; y[a, indices(i), b] = v[a, i, b], the last of several."""
    x, v, *indices = eq.inputs
    value = low.value(v)
    total = low.overwritten(x, eq.outputs[0], [v, *indices])
    by = Indexing(low, total, indices, eq.params["axis"])
    low.nest(by.index, by.ref, "copy", [value.ref(by.index)])


@lowers("scatter_clear")
def scatter_clear(low: Lowering, eq: Equation) -> None:
    """y = x; y[a, indices(i), b] = 0."""
    x, *indices = eq.inputs
    total = low.overwritten(x, eq.outputs[0], indices)
    by = Indexing(low, total, indices, eq.params["axis"])
    low.nest(by.index, by.ref, "copy", [Const(total.dtype.type(0))])


@lowers("rearrange")
def rearrange(low: Lowering, eq: Equation) -> None:
    """y[i] = x[order[i]] along the axis; inverse: y[order[i]] = x[i]."""
    x, order = (low.view(a) for a in eq.inputs)
    axis, inverse = eq.params["axis"], eq.params["inverse"]
    y = low.result(eq.outputs[0])
    index = axes_of(x.shape)
    picked = y if inverse else x
    rest = [a for d, a in enumerate(index) if d != axis]
    outer = View(picked.buffer, tuple(n for d, n in enumerate(picked.shape) if d != axis), picked.const,
                 tuple(s for d, s in enumerate(picked.strides) if d != axis), picked.terms)  # fmt: skip
    part = Indirect(order.ref(index), picked.strides[axis], picked.shape[axis], True, axis)
    indirect = outer.ref(rest)._replace(indirect=(part,))
    if inverse:
        low.nest(index, indirect, "copy", [x.ref(index)])
    else:
        low.nest(index, y.ref(index), "copy", [indirect])


@lowers("last_assigned")
def last_assigned(low: Lowering, eq: Equation) -> None:
    """Where an index does not come again later: last[index] = place, one after the other; then last[index] = place?"""
    dims = tuple(eq.params["dims"])
    (y,) = eq.outputs
    last = low.new(dims, np.intp)
    place = low.new(y.type.shape, np.intp)
    flat = low.constants.buffer(np.arange(place.size))
    low.copy(View(flat, place.shape, 0, row_major(place.shape)), place)
    by = Indexing(low, last, eq.inputs, 0)
    low.nest(by.index, by.ref, "copy", [place.ref(by.index)])
    again = Indexing(low, last, eq.inputs, 0)
    target = low.result(y)
    low.nest(again.index, target.ref(again.index), "equal", [again.ref, place.ref(again.index)])
