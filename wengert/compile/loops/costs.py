"""What loops cost, counted before they run: operations, elementary functions, bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import mathlib
from .ir import Axis, Buffer, CallStmt, Loop, Stmt, Straight

FREE = {"copy", "convert", "cast"}
COMPLEX = {"add": 2, "sub": 2, "mul": 6, "div": 11, "negative": 2}  # real operations of one on complex numbers
NS_FLOP, NS_FUNCTION, NS_BYTE = 0.1, 0.6, 0.025  # rough, of one core, where loops are vectorised


class Cost(NamedTuple):
    """flops: additions, products, quotients, comparisons. functions: exponentials, sines and the like. bytes: read and
    written in memory, each place once."""

    flops: int
    functions: int
    bytes: int

    @property
    def nanoseconds(self) -> float:
        """About how long one core takes."""
        return NS_FLOP * self.flops + NS_FUNCTION * self.functions + NS_BYTE * self.bytes


def repeated(node: Any, rounds: int = 1) -> Iterator[tuple[Stmt, int]]:
    """The statements of straight code and loops, each with the number of times that it is done."""
    if isinstance(node, Stmt):
        yield node, rounds
    else:
        if type(node) is Loop:
            rounds *= node.axis.extent if type(node.axis.extent) is int else 1
        for child in node.body:
            yield from repeated(child, rounds)


def cost(node: Loop | Straight | Stmt) -> Cost:
    """What a node of loops costs; a loop whose length is data counts as one round."""
    flops = functions = 0
    places: dict[tuple[Buffer, bool], set[Any]] = {}
    for stmt, times in repeated(node):
        flops += times * (product_flops(stmt) if type(stmt) is CallStmt else operations(stmt))
        if stmt.op in mathlib.NAMES:
            functions += times
        for ref, written in ((stmt.target, True), *((r, False) for r in stmt.refs() if r is not stmt.target)):
            places.setdefault((ref.buffer, written), set()).add((ref.terms, len(ref.indirect)))
    own = axes(node)
    moved = sum(touched(b, kinds, own) for (b, _), kinds in places.items() if b.kind != "local")
    return Cost(flops, functions, moved)


def operations(stmt: Stmt) -> int:
    """Arithmetic operations of one execution of a statement."""
    kind = stmt.target.buffer.dtype.kind
    if type(stmt) is CallStmt:  # a matrix product
        return 2 * math.prod(a.extent for a in stmt.within) * (4 if kind == "c" else 1)
    n = 0 if stmt.op in FREE or stmt.op in mathlib.NAMES else 1
    n *= COMPLEX.get(stmt.op, 1) if kind == "c" else 1
    if stmt.accumulate:
        n += COMPLEX.get(stmt.accumulate, 1) if kind == "c" else 1
    return n


def product_flops(stmt: CallStmt) -> int:
    """Operations of a matrix product: a multiplication and an addition for each combination of its axes."""
    n = 2
    for axis in stmt.within:
        n *= axis.extent if type(axis.extent) is int else 1
    return n


def axes(node: Any) -> set[Axis]:
    """The axes of the loops in a node."""
    if isinstance(node, Stmt):
        return set(node.within) if type(node) is CallStmt else set()
    found = {node.axis} if type(node) is Loop else set()
    return found.union(*map(axes, node.body))


def touched(buffer: Buffer, kinds: set[Any], own: set[Axis]) -> int:
    """Bytes of a buffer that references reach by these axes, if no two reach the same place."""
    total = 0
    for terms, indirect in kinds:
        n = 1
        for axis, c in terms:
            n *= axis.extent if c and axis in own and type(axis.extent) is int else 1
        total += buffer.size if indirect else n
    return min(total, buffer.size) * buffer.dtype.itemsize
