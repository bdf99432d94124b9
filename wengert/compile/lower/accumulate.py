"""Accumulations along an axis: loops in order, inside those over the axes before it, around those over axes behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ...core.types import Shape
from ..loops.ir import Axis, Block, Const, For, Position, Region, Splat, Value, View
from .index import part
from .lowering import RULES, Lowering, axes_of, lowers
from .reduce import highest, lowest


def at(x: Value, axes: Sequence[Axis]) -> Any:
    """The part of an array at these places of its first axes."""
    if isinstance(x, Splat):
        return Splat(x.value, x.shape[len(axes) :], x.dtype)
    n = len(axes)
    terms = [(a, s) for a, s, size in zip(axes, x.strides, x.shape, strict=False) if size != 1 and s]
    return View(x.buffer, x.shape[n:], x.const, x.strides[n:], (*x.terms, *terms))


def each(low: Lowering, target: View, op: str, *xs: Value) -> None:
    """target = op(xs), element by element; numbers everywhere the same."""
    index = axes_of(target.shape)
    low.nest(index, target.ref(index), op, [x.ref(index if x.shape else ()) for x in xs])


def along(
    low: Lowering,
    shape: Shape,
    axis: int,
    reverse: bool,
    begin: Callable[[Shape], None],
    step: Callable[[list[Axis]], None],
) -> None:
    """For all places before the axis: begin(shape behind it), then step(the places) along the axis, in order."""
    if 0 in shape:
        return
    outer = [Axis(n) for n in shape[:axis]]
    along = Axis(shape[axis])
    outside, low.nodes = low.nodes, []
    step([*outer, along])
    inner, low.nodes = low.nodes, []
    begin(shape[axis + 1 :])
    nodes = [*low.nodes, For(along, Const(along.extent), reverse, Block(inner), low.equation)]
    for a in reversed(outer):
        nodes = [For(a, Const(a.extent), False, Block(nodes), low.equation)]
    low.nodes = [*outside, Region(Block(nodes), low.equation)]


def accumulated(low: Lowering, eq: Equation, start: object, before: bool, update: Callable[..., None]) -> None:
    """A state that starts alike everywhere; update(state, elements) in each round; y is the state before or after."""
    values = [low.value(a) for a in eq.inputs]
    y = low.result(eq.outputs[0])
    axis, shape = eq.params["axis"], y.shape
    state = low.new(shape[axis + 1 :], y.dtype)

    def step(axes: list[Axis]) -> None:
        if before:
            low.copy(state, at(y, axes))
        update(state, *(at(x, axes) for x in values))
        if not before:
            low.copy(state, at(y, axes))

    along(low, shape, axis, eq.params["reverse"], lambda _: low.fill(state, start), step)


@lowers("cumsum")
def cumsum(low: Lowering, eq: Equation) -> None:
    """s = s + x_i: NumPy's order."""
    dtype = eq.outputs[0].type.dtype
    start = (
        dtype.type(-0.0)
        if dtype.kind == "f"
        else dtype.type(complex(-0.0, -0.0))
        if dtype.kind == "c"
        else dtype.type(0)
    )
    accumulated(low, eq, start, False, lambda s, x: each(low, s, "add", s, x))


@lowers("products_before")
def products_before(low: Lowering, eq: Equation) -> None:
    """The product of all elements before."""
    accumulated(low, eq, eq.outputs[0].type.dtype.type(1), True, lambda s, x: each(low, s, "mul", s, x))


@lowers("recurrence")
def recurrence(low: Lowering, eq: Equation) -> None:
    """y = a_i y + b_i."""

    def update(s: View, a: Value, b: Value) -> None:
        product = low.new(s.shape, s.dtype)
        each(low, product, "mul", a, s)
        each(low, s, "add", product, b)

    accumulated(low, eq, eq.outputs[0].type.dtype.type(0), False, update)


@lowers("delay")
def delay(low: Lowering, eq: Equation) -> None:
    """y_i = x_(i-1), y_0 = 0."""
    x, y = low.value(eq.inputs[0]), low.result(eq.outputs[0])
    axis, n = eq.params["axis"], y.shape[eq.params["axis"]]
    if 0 in y.shape:
        return
    lead = tuple((0, m, 1) for m in y.shape[:axis])
    later, earlier = (1, n - 1, 1), (0, n - 1, 1)
    to, source, edge = (earlier, later, n - 1) if eq.params["reverse"] else (later, earlier, 0)
    low.fill(part(y, (*lead, edge)), y.dtype.type(0))
    if isinstance(x, Splat):
        low.fill(part(y, (*lead, to)), x.value)
    else:
        low.copy(part(x, (*lead, source)), part(y, (*lead, to)))


@lowers("leaders")
def leaders(low: Lowering, eq: Equation) -> None:
    """Where the extremum of the elements so far stands: the first place of several, the first NaN."""
    x, y = low.value(eq.inputs[0]), low.result(eq.outputs[0])
    if x.dtype.kind == "c":
        RULES["callback"](low, eq)
        return
    axis, largest = eq.params["axis"], eq.params["largest"]
    behind = x.shape[axis + 1 :]
    best, place, leads = low.new(behind, x.dtype), low.new(behind, np.intp), low.new(behind, bool)

    def begin(_: Shape) -> None:
        low.fill(best, (lowest if largest else highest)(x.dtype))
        low.fill(place, np.intp(0))

    def step(axes: list[Axis]) -> None:
        element, index = at(x, axes), axes_of(behind)
        each(low, leads, "leads_up" if largest else "leads_down", element, best)
        low.nest(index, place.ref(index), "where", [leads.ref(index), Position(axes[-1]), place.ref(index)])
        each(low, best, "where", leads, element, best)
        low.copy(place, at(y, axes))

    along(low, x.shape, axis, False, begin, step)
