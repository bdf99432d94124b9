"""Native control flow: scan, while, cond; programs that are called are lowered in place.

A loop's carry lives in memory of its own, from which each round reads and to which it writes; rows of xs are read, and
rows of ys written, where they are. The carry of a small state becomes registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation, Program, Var
from ...core.types import DYNAMIC
from ..ir import (
    Axis,
    Block,
    Branch,
    Buffer,
    Call,
    Const,
    For,
    Operand,
    Ref,
    Region,
    Splat,
    Value,
    View,
    While,
    row_major,
    size_of,
)
from .lowering import Lowering, lowers


def scalar(value: Value) -> Operand:
    """The one number of a value, as an operand."""
    return value.ref(())


def row(x: Value, axis: Axis) -> Value:
    """One row of an array."""
    if isinstance(x, Splat):
        return Splat(x.value, x.shape[1:], x.dtype)
    if x.shape[0] == 0:
        return View(x.buffer, x.shape[1:], 0, x.strides[1:])
    return View(x.buffer, x.shape[1:], x.const, x.strides[1:], (*x.terms, (axis, x.strides[0])))


def nested(low: Lowering, program: Program, inputs: Sequence[Value], owned: Sequence[Buffer]) -> Lowering:
    """The lowering of a nested program, begun."""
    inner = Lowering(program, low.constants)
    inner.owned.update(owned)
    inner.run(inputs)
    return inner


def carry_on(inner: Lowering, carry: Sequence[View], results: Sequence[Value]) -> None:
    """At the end of a round: what it made becomes the carry. What other carries still need is copied first."""
    homes = {c.buffer for c in carry}
    moved = []
    for c, r in zip(carry, results, strict=True):
        same = isinstance(r, View) and r.buffer is c.buffer and r.whole
        if not same and isinstance(r, View) and r.buffer in homes:
            r = inner.copy(r)
        moved.append(None if same else r)
    for c, r in zip(carry, moved, strict=True):
        if r is not None:
            inner.copy(r, c)


@lowers("scan", "linear_scan")
def scan(low: Lowering, eq: Equation) -> None:
    """for k in range(count): carry, ys[k] = body(consts, carry, xs[k])."""
    body, n_consts, n_carry = (eq.params[k] for k in ("body", "n_consts", "n_carry"))
    count, *args = (low.value(a) for a in eq.inputs)
    consts, first, xs = args[:n_consts], args[n_consts : n_consts + n_carry], args[n_consts + n_carry :]
    results = [low.result(v) for v in eq.outputs]
    outside, low.nodes = low.nodes, []
    carry = [low.copy(x) for x in first]
    axis = Axis(Ref_or_int(count))
    inner = Lowering(body, low.constants)
    inner.owned.update(c.buffer for c in carry)
    made = inner.run([*consts, *carry, *(row(x, axis) for x in xs)])
    for y, value in zip(results[n_carry:], made[n_carry:], strict=True):
        inner.copy(value, row(y, axis))  # type: ignore[arg-type]
    carry_on(inner, carry, made[:n_carry])
    low.nodes.append(For(axis, scalar(count), eq.params["reverse"], Block(inner.nodes), eq))
    for y, c in zip(results[:n_carry], carry, strict=True):
        low.copy(c, y)
    region = Region(Block(low.nodes), eq)
    low.nodes = [*outside, region]


def Ref_or_int(count: Value) -> Any:
    """The extent of an axis of so many rounds."""
    return int(count.value) if isinstance(count, Splat) else scalar(count)


@lowers("cond")
def cond(low: Lowering, eq: Equation) -> None:
    """The branch that the index names."""
    index, *operands = (low.value(a) for a in eq.inputs)
    results = [low.result(v) for v in eq.outputs]
    parts = []
    for branch in eq.params["branches"]:
        inner = Lowering(branch, low.constants)
        made = inner.run(operands)
        for y, value in zip(results, made, strict=True):
            inner.copy(value, y)
        parts.append(Block(inner.nodes))
    low.nodes.append(Branch(scalar(index), parts, eq))


@lowers("checkpoint")
def checkpoint(low: Lowering, eq: Equation) -> None:
    """The program in place."""
    inline(low, eq, eq.params["program"])


def inline(low: Lowering, eq: Equation, program: Program) -> None:
    """A program's equations in the place of its call."""
    inner = Lowering(program, low.constants)
    made = inner.run([low.value(a) for a in eq.inputs])
    low.nodes += inner.nodes
    for v, value in zip(eq.outputs, made, strict=True):
        low.assign(v, value)


__all__ = ["DYNAMIC", "Buffer", "Call", "Const", "Ref", "Var", "While", "np", "row_major", "size_of"]
