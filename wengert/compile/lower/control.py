"""Native control flow: scan, while, cond; programs that are called are lowered in place.

A loop's carry lives in memory of its own, from which each round reads and to which it writes; rows of xs are read, and
rows of ys written, where they are. The carry of a small state becomes registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation, Program, Var
from ...core.record import record
from ...core.types import DYNAMIC, Shape
from ..emit.support import computed_in
from ..loops.ir import (
    Axis,
    Block,
    Branch,
    Buffer,
    Call,
    For,
    Operand,
    Position,
    Ref,
    Region,
    Splat,
    Value,
    View,
    While,
    row_major,
    size_of,
)
from ..plain import PLAIN
from .lowering import ADDING, OVERWRITING, Lowering, axes_of, lowers


def scalar(value: Value) -> Operand:
    """The one number of a value, as an operand."""
    return value.ref(())


def carry_on(inner: Lowering, carry: Sequence[View], results: Sequence[Value]) -> None:
    """At the end of a round: what it made becomes the carry. What other carries still need is copied first."""
    homes = {c.buffer for c in carry}
    moved: list[Value | None] = []
    for c, r in zip(carry, results, strict=True):
        same = isinstance(r, View) and r.buffer is c.buffer and r.whole
        if not same and isinstance(r, View) and r.buffer in homes:
            r = inner.copy(r)
        moved.append(None if same else r)
    for c, value in zip(carry, moved, strict=True):
        if value is not None:
            inner.copy(value, c)


@lowers("scan", "linear_scan")
def scan(low: Lowering, eq: Equation) -> None:
    """for k in range(count): carry, ys[k] = body(consts, carry, xs[k])."""
    body, n_consts, n_carry = (eq.params[k] for k in ("body", "n_consts", "n_carry"))
    count, *args = (low.value(a) for a in eq.inputs)
    consts, first, xs = args[:n_consts], args[n_consts : n_consts + n_carry], args[n_consts + n_carry :]
    changed = [changed_carry(eq, k) and v not in low.destinations for k, v in enumerate(eq.outputs[:n_carry])]
    homes = [home(low, eq, k) if on else None for k, on in enumerate(changed)]
    made = [None if on else low.result(v) for v, on in zip(eq.outputs, changed, strict=False)]
    rounds = scalar(count)
    rows = [stacked(low, v, rounds) if DYNAMIC in v.type.shape else low.result(v) for v in eq.outputs[n_carry:]]
    outside, low.nodes = low.nodes, []
    reserve(low, [y for y in rows if y.buffer.home is not None], rounds)
    carry = [low.copy(x) if y is None else y for x, y in zip(first, homes, strict=True)]
    for k, c in enumerate(carry):
        if changed[k]:
            low.owned.add(c.buffer)
            low.assign(eq.outputs[k], c)
    carried = [c if y is None else y for c, y in zip(carry, made, strict=True)]
    axis = Axis(int(count.value) if isinstance(count, Splat) else rounds)
    inner = Lowering(body, low.constants)
    inner.owned.update(c.buffer for c in carry)
    outs = inner.run([*consts, *carry, *(row(inner, x, axis) for x in xs)])
    end_round(inner, axis, carry, rows, outs)
    low.nodes.append(For(axis, rounds, eq.params["reverse"], Block(inner.nodes), eq))
    finish(low, eq, outside, carried, carry)
    if PLAIN in eq.params:
        stop_at_nan(low, eq, [*carried, *rows])


def changed_carry(eq: Equation, k: int) -> bool:
    """Does a round only change some elements of a carry? Then one piece of memory is it, before and after the loop."""
    body, n_consts = eq.params["body"], eq.params["n_consts"]
    return len(body.outputs[k].type.shape) > 0 and changed_input(body, k) == n_consts + k


def home(low: Lowering, eq: Equation, k: int) -> View | None:
    """The memory of a carry's first value, if nobody else needs that."""
    atom, var = eq.inputs[1 + eq.params["n_consts"] + k], eq.outputs[k]
    view = low.reusable(atom) if eq.inputs.count(atom) == 1 else None
    fits = view is not None and view.whole and view.shape == var.type.shape and view.dtype == var.type.dtype
    return view if fits else None


def stop_at_nan(low: Lowering, eq: Equation, results: Sequence[View]) -> None:
    """Stop where a result holds a NaN, which plain products may have made of a zero."""
    found = low.new((), np.bool_)
    low.fill(found, np.False_)
    for y in results:
        if y.dtype.kind == "f":
            index = axes_of(y.shape)
            low.nest(index, found.ref(()), "isnan", [y.ref(index)], accumulate="or")

    def emit(f: Any, node: Call) -> None:
        code = f.code_of((PLAIN,), eq)
        f.stop_unless_zero(f.emit(f"select i1 {f.operand(node.reads[0])}, i32 {code}, i32 0"))

    low.nodes.append(Call(PLAIN, [found.ref(())], [], emit, eq))


def end_round(inner: Lowering, axis: Axis, carry: Sequence[View], rows: Sequence[View], made: Sequence[Value]) -> None:
    """The last statements of a round: its rows, and the carry of the next one."""
    n = len(carry)
    for y, value in zip(rows, made[n:], strict=True):
        inner.copy(value, View(y.buffer, y.shape[1:], y.const, y.strides[1:], (*y.terms, (axis, y.strides[0]))))
    carry_on(inner, carry, made[:n])


def finish(low: Lowering, eq: Equation, outside: list[Any], results: Sequence[View], carry: Sequence[View]) -> None:
    """After the loop: the carry is the result. The loop, with what leads to it, is one region."""
    for y, c in zip(results, carry, strict=True):
        if y is not c:
            low.copy(c, y)
    low.nodes = [*outside, Region(Block(low.nodes), eq)]


@lowers("while")
def while_(low: Lowering, eq: Equation) -> None:
    """while cond(constants, carry): carry, rows[k] = body(consts, carry)."""
    cond, body, n_cond, n_consts = (eq.params[k] for k in ("cond", "body", "n_cond", "n_consts"))
    args = [low.value(a) for a in eq.inputs]
    constants, consts, first = args[:n_cond], args[n_cond : n_cond + n_consts], args[n_cond + n_consts :]
    n = len(first)
    count = low.result(eq.outputs[0])
    carried = [low.result(v) for v in eq.outputs[1 : 1 + n]]
    rows = [stacked(low, v, count.ref(())) for v in eq.outputs[1 + n :]]
    outside, low.nodes = low.nodes, []
    carry = [low.copy(x) for x in first]
    axis = Axis(count.ref(()))
    test = Lowering(cond, low.constants)
    (going,) = test.run([*constants, *carry])
    flag = low.new((), np.bool_)
    test.copy(going, flag)
    inner = Lowering(body, low.constants)
    inner.owned.update(c.buffer for c in carry)
    end_round(inner, axis, carry, rows, inner.run([*consts, *carry]))
    stacks = [y.buffer for y in rows]
    loop = While(axis, Block(test.nodes), flag.ref(()), Block(inner.nodes), count.ref(()), stacks, eq)
    low.nodes.append(loop)
    finish(low, eq, outside, carried, carry)


# stacks ------------------------------------------------------------------------------------------------------------
def stacked(low: Lowering, var: Var, rows: Operand) -> View:
    """Memory for rows whose number is known only when the program runs."""
    shape = var.type.shape
    buffer = Buffer(var.type.dtype, size_of(shape[1:]), "stack")
    buffer.home, buffer.rows = Buffer(np.int64, 2), rows
    view = View(buffer, shape, 0, row_major(shape))
    low.assign(var, view)
    return view


def reserve(low: Lowering, stacks: Sequence[View], rows: Operand) -> None:
    """Room for this many rows."""
    if not stacks:
        return
    reads = [rows] if isinstance(rows, Ref) else []

    def emit(f: Any, node: Call) -> None:
        for x in stacks:
            f.grow(x.buffer, f.operand(rows, np.dtype(np.int64)))

    low.nodes.append(Call("reserve", reads, [Ref(x.buffer, 0, ()) for x in stacks], emit, low.equation))


@lowers("rows")
def row_by_row(low: Lowering, eq: Equation) -> None:
    """An elementwise equation of such arrays, as a loop over their rows."""
    (y,), params = eq.outputs, {**eq.params, "computed_in": computed_in(eq)}
    operands = [low.value(a) for a in eq.inputs]
    rounds = next(x.buffer.rows for x in operands if isinstance(x, View) and x.buffer.rows is not None)
    outside, low.nodes = low.nodes, []
    target = stacked(low, y, rounds)
    reserve(low, [target], rounds)
    axis = Axis(rounds)
    inner = Lowering(low.program, low.constants)
    inner.equation = eq
    index = axes_of(target.shape[1:])
    refs = [row(inner, x, axis).ref(index) if x.shape else x.ref(()) for x in operands]
    place = row(inner, target, axis)
    assert isinstance(place, View)
    inner.nest(index, place.ref(index), eq.primitive.name, refs, params)
    low.nodes.append(For(axis, rounds, False, Block(inner.nodes), eq))
    finish(low, eq, outside, (), ())


class Rounds:
    """The lanes that run in each round, k < counts, of which only one round at a time is ever needed."""

    __slots__ = ("counts", "dtype", "shape")

    def __init__(self, counts: Value, shape: Shape) -> None:
        self.counts, self.shape, self.dtype = counts, shape, np.dtype(bool)


@lowers("rounds")
def rounds(low: Lowering, eq: Equation) -> None:
    """Computed where a round needs it."""
    made = Rounds(low.value(eq.inputs[0]), eq.outputs[0].type.shape)
    low.assign(eq.outputs[0], made)  # type: ignore[arg-type]  # `row` alone knows what to do with it


@lowers("longest")
def longest(low: Lowering, eq: Equation) -> None:
    """The most rounds of any lane, and none where there are no lanes."""
    reduce_lanes(low, eq, "max", np.int64(0))


@lowers("any_lane")
def any_lane(low: Lowering, eq: Equation) -> None:
    """Does any lane go on?"""
    reduce_lanes(low, eq, "or", np.False_)


def reduce_lanes(low: Lowering, eq: Equation, how: str, initial: Any) -> None:
    """A reduction over the last axis."""
    x, target = low.value(eq.inputs[0]), low.result(eq.outputs[0])
    low.fill(target, initial)
    index = axes_of(x.shape)
    low.nest(index, target.ref(index[:-1]), "copy", [x.ref(index)], accumulate=how)


def row(inner: Lowering, x: Value, axis: Axis) -> Value:
    """One row of an array, in a round of the loop over the axis."""
    if isinstance(x, Rounds):
        lanes = inner.new(x.counts.shape, np.bool_)
        index = axes_of(lanes.shape)
        inner.nest(index, lanes.ref(index), "greater", [x.counts.ref(index), Position(axis)])
        return lanes
    if isinstance(x, Splat):
        return Splat(x.value, x.shape[1:], x.dtype)
    if x.shape[0] == 0:
        return View(x.buffer, x.shape[1:], 0, x.strides[1:])
    return View(x.buffer, x.shape[1:], x.const, x.strides[1:], (*x.terms, (axis, x.strides[0])))


@lowers("cond")
def cond(low: Lowering, eq: Equation) -> None:
    """The branch that the index names. A result that is an operand with some elements changed takes its memory."""
    branches = eq.params["branches"]
    index, *operands = (low.value(a) for a in eq.inputs)
    changed = in_place(low, eq)
    results = [low.result(v) if r is None else r for v, r in zip(eq.outputs, changed, strict=True)]
    parts = []
    for branch in branches:
        inner = Lowering(branch, low.constants)
        inner.owned.update(r.buffer for r in changed if r is not None)
        carry_on(inner, results, inner.run(operands))
        parts.append(Block(inner.nodes))
    for v, r in zip(eq.outputs, results, strict=True):
        low.assign(v, r)
    low.nodes.append(Branch(scalar(index), parts, eq))


def in_place(low: Lowering, eq: Equation) -> list[View | None]:
    """For each result of a branch the memory of the operand that it changes, if nobody else needs that."""
    found: list[View | None] = []
    taken: set[int] = set()
    for k, v in enumerate(eq.outputs):
        sources = {i for p in eq.params["branches"] if (i := changed_input(p, k)) is not None}
        i = sources.pop() if len(sources) == 1 else -1
        view = None
        if i >= 0 and i not in taken and eq.inputs.count(eq.inputs[1 + i]) == 1:
            view = low.reusable(eq.inputs[1 + i])
        fits = view is not None and view.whole and view.shape == v.type.shape and view.dtype == v.type.dtype
        found.append(view if fits else None)
        taken |= {i} if fits else set()
    return found


def changed_input(program: Program, k: int) -> int | None:
    """The input that a result is, with some elements changed or something added, if there is one."""
    made = {v: eq for eq in program.equations for v in eq.outputs}
    atom = program.outputs[k]
    while atom in made:
        eq = made[atom]
        name = eq.primitive.name
        if name in OVERWRITING:
            atom = eq.inputs[0]
        elif name == "add":
            atom = next((a for a in eq.inputs if a not in made or made[a].primitive.name not in ADDING), eq.inputs[0])
        elif name in ("scan", "linear_scan") and (j := eq.outputs.index(atom)) < eq.params["n_carry"]:
            if not changed_carry(eq, j):
                return None
            atom = eq.inputs[1 + eq.params["n_consts"] + j]
        elif name == "cond":
            inner = {i for p in eq.params["branches"] if (i := changed_input(p, eq.outputs.index(atom))) is not None}
            if len(inner) != 1:
                return None
            atom = eq.inputs[1 + inner.pop()]
        else:
            return None
    return program.inputs.index(atom) if atom in program.inputs else None


@lowers("checkpoint", "jit", "replayed", "planned", "planned_linear")
def checkpoint(low: Lowering, eq: Equation) -> None:
    """The program in place."""
    inline(low, eq, eq.params["program"])


@lowers("again")
def again(low: Lowering, eq: Equation) -> None:
    """The values themselves, as if they were written here: what is made of them stays behind the first n arguments."""
    values = [low.value(a) for a in eq.inputs]
    refs = [Ref(x.buffer, 0, ()) for x in values if isinstance(x, View)]
    values = values[eq.params["n"] :]
    again = {x.buffer for x in values if isinstance(x, View)}
    low.nodes.append(Call("again", refs, [r for r in refs if r.buffer in again], lambda f, node: None, eq))
    for v, value in zip(eq.outputs, values, strict=True):
        low.assign(v, value)


def inline(low: Lowering, eq: Equation, program: Program) -> None:
    """A program's equations in the place of its call."""
    inner = Lowering(program, low.constants)
    made = inner.run([low.value(a) for a in eq.inputs])
    low.nodes += inner.nodes
    for v, value in zip(eq.outputs, made, strict=True):
        low.assign(v, value)


@lowers("custom_jvp", "custom_vjp", "custom_linear", "scheduled", "online")
def custom(low: Lowering, eq: Equation) -> None:
    """The function itself, recorded on the types of its arguments."""
    made = record(lambda *xs: eq.primitive.impl(*xs, **eq.params), [a.type for a in eq.inputs], eq.primitive.name)
    inline(low, eq, made)
