"""Indexing by a static index: a slice is a view; place, set_slice and clear_slice write to a part of an array."""

from __future__ import annotations

from typing import Any

from ...core.program import Equation
from ..loops.ir import Splat, View
from .lowering import Lowering, adds, axes_of, lowers


def part(x: View, index: tuple[Any, ...]) -> View:
    """The view that a static index selects."""
    const, shape, strides = x.const, [], []
    axis = 0
    for entry in index:
        if entry is None:
            shape.append(1)
            strides.append(0)
        elif type(entry) is tuple:
            start, count, step = entry
            const += start * x.strides[axis] if count else 0
            shape.append(count)
            strides.append(step * x.strides[axis])
            axis += 1
        elif entry is not ...:
            n = x.shape[axis]
            const += (entry + n if entry < 0 else entry) * x.strides[axis]
            axis += 1
    return View(x.buffer, (*shape, *x.shape[axis:]), const, (*strides, *x.strides[axis:]), x.terms)


@lowers("slice")
def slice_(low: Lowering, eq: Equation) -> None:
    """y = x[index]: a view."""
    (x,), (y,) = map(low.value, eq.inputs), eq.outputs
    low.assign(y, Splat(x.value, y.type.shape, x.dtype) if isinstance(x, Splat) else part(x, eq.params["index"]))


@adds("place")
def place(low: Lowering, eq: Equation, total: View) -> None:
    """total[index] += x."""
    x = low.value(eq.inputs[0])
    target = part(total, eq.params["index"])
    index = axes_of(target.shape)
    low.nest(index, target.ref(index), "copy", [x.ref(index)], accumulate="add")


@lowers("set_slice")
def set_slice(low: Lowering, eq: Equation) -> None:
    """y = x; y[index] = v."""
    x, v = eq.inputs
    value = low.value(v)
    target = part(low.overwritten(x, eq.outputs[0], [v]), eq.params["index"])
    low.copy(value, target)


@lowers("clear_slice")
def clear_slice(low: Lowering, eq: Equation) -> None:
    """y = x; y[index] = 0."""
    target = part(low.overwritten(eq.inputs[0], eq.outputs[0]), eq.params["index"])
    low.fill(target, target.dtype.type(0))


@lowers("concatenate")
def concatenate(low: Lowering, eq: Equation) -> None:
    """Each array into its part of y."""
    axis, start = eq.params["axis"], 0
    values = [low.value(a) for a in eq.inputs]
    y = low.result(eq.outputs[0])
    for x in values:
        n = x.shape[axis]
        low.copy(x, part(y, (*((0, m, 1) for m in x.shape[:axis]), (start, n, 1))))
        start += n


@lowers("stack")
def stack(low: Lowering, eq: Equation) -> None:
    """Each array into its row of y."""
    axis = eq.params["axis"]
    values = [low.value(a) for a in eq.inputs]
    y = low.result(eq.outputs[0])
    for k, x in enumerate(values):
        low.copy(x, part(y, (*((0, m, 1) for m in x.shape[:axis]), k)))


@lowers("diag_part")
def diag_part(low: Lowering, eq: Equation) -> None:
    """The diagonal of matrices: one stride for both axes."""
    x = low.value(eq.inputs[0])
    y = eq.outputs[0]
    if isinstance(x, Splat):
        low.assign(y, Splat(x.value, y.type.shape, x.dtype))
    else:
        low.assign(y, View(x.buffer, y.type.shape, x.const, (*x.strides[:-2], x.strides[-2] + x.strides[-1]), x.terms))


@adds("diag_matrix")
def diag_matrix(low: Lowering, eq: Equation, total: View) -> None:
    """The diagonals += v."""
    v = low.value(eq.inputs[0])
    strides = (*total.strides[:-2], total.strides[-2] + total.strides[-1])
    target = View(total.buffer, v.shape, total.const, strides, total.terms)
    index = axes_of(target.shape)
    low.nest(index, target.ref(index), "copy", [v.ref(index)], accumulate="add")
