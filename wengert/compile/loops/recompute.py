"""What is saved and what is computed again between the loops of a program: its forward and its backward half.

A value that one loop writes to memory and another reads is computed again by the reader if that takes a few cheap
operations on what is in memory anyhow, and no more reading than it saves:

    for i: t[i] = x[i] - m; s += exp(t[i])            for i: s += exp(x[i] - m)
    for i: y[i] = t[i] * u[i]                 ->      for i: y[i] = (x[i] - m) * u[i]

If no other loop needs the array then, it is never stored. What is expensive (exp, a division, a sum) is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .ir import Axis, Block, Buffer, CallStmt, Loop, Operand, Ref, Stmt, blocks, reads, replaced, writes

CHEAP = {
    "add", "sub", "mul", "neg", "square", "abs", "fabs", "convert", "copy", "where", "maximum", "minimum", "wins",
    "share", "zero_safe_mul", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "same",
    "logical_and", "logical_or", "logical_not", "isnan", "isfinite", "conj", "real", "imag", "sign", "nonzero",
}  # fmt: skip
MOST = 6  # operations that are done again for one value
SMALL = 8  # an array of so many times fewer elements costs nothing to read again


def recompute(block: Block) -> None:
    """Rewrite the loops of a fused block, in place, and of the blocks in it."""
    Recomputation(block).run()
    for node in block.nodes:
        for inner in blocks(node):
            recompute(inner)


class Recomputation:
    """Who writes and who reads each array of a block, by the positions of its nodes."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.writers: dict[Buffer, list[int]] = {}
        self.readers: dict[Buffer, set[int]] = {}
        self.made_by: dict[Buffer, Stmt | None] = {}
        self.called: set[Buffer] = set()  # what calls read
        for k, node in enumerate(block.nodes):
            for ref in writes(node):
                self.writers.setdefault(ref.buffer, []).append(k)
            for ref in reads(node):
                self.readers.setdefault(ref.buffer, set()).add(k)
            if type(node) is not Loop:
                self.called.update(r.buffer for r in reads(node))
            else:
                for stmt in every(node.body):
                    if type(stmt) is CallStmt:
                        self.called.update(r.buffer for r in stmt.refs())
                    once = stmt.target.buffer not in self.made_by
                    self.made_by[stmt.target.buffer] = stmt if once else None
        self.state = self.carried()
        self.made_by.update(dict.fromkeys(self.state))

    def carried(self) -> set[Buffer]:
        """Arrays that are read before they are written: the state of a loop around the block; it is not made anew."""
        written: set[Buffer] = set()
        found: set[Buffer] = set()
        for node in self.block.nodes:
            for part in every(node.body) if type(node) is Loop else (node,):
                found.update(r.buffer for r in reads(part) if r.buffer not in written)
                written.update(w.buffer for w in writes(part))
        return found

    def run(self) -> None:
        """Each loop from the last: what it reads of earlier loops, still as they were, and can compute, it computes."""
        for k in range(len(self.block.nodes) - 1, -1, -1):
            if type(self.block.nodes[k]) is Loop:
                self.rewrite(self.block.nodes[k], k)

    def rewrite(self, node: Loop, k: int) -> None:
        """Rewrite the statements of a loop."""
        has = {r.buffer for r in reads(node)}
        for body, stmt in list(places(node)):
            if type(stmt) is CallStmt:
                continue
            for x in stmt.operands:
                if type(x) is Ref and self.worth(x.buffer, k, has):
                    again = self.again(x, k, has, body, stmt)
                    if again is not None:
                        stmt.operands = tuple(again if y is x else y for y in stmt.operands)

    def worth(self, buffer: Buffer, k: int, has: set[Buffer]) -> bool:
        """Is this the result of cheap operations in an earlier loop, on what costs no more to read?

        Where calls read it too it is stored in any case; then nothing may be read that is not read already.
        """
        if not self.is_crossing(buffer, k):
            return False
        cost = self.cost(buffer, k, has, buffer.size)
        if cost is None:
            return False
        operations, loads = cost
        return operations <= MOST and loads <= (buffer not in self.called)

    def is_crossing(self, buffer: Buffer, k: int) -> bool:
        """Is the array made by one statement of one earlier loop of this block?"""
        where = self.writers.get(buffer, [])
        return buffer.kind == "temp" and len(where) == 1 and where[0] < k and self.made_by.get(buffer) is not None

    def cost(self, buffer: Buffer, k: int, has: set[Buffer], size: int) -> tuple[int, int] | None:
        """Operations, and arrays to be read that the loop does not read yet; None where it cannot be computed again."""
        stmt = self.made_by.get(buffer)
        if stmt is None or type(stmt) is CallStmt or stmt.accumulate or stmt.op not in CHEAP or stmt.target.indirect:
            return None
        operations, loads = 1, 0
        read: set[Buffer] = set()  # a square reads its operand once
        for x in stmt.operands:
            if type(x) is not Ref:
                continue
            if x.indirect or not in_order(stmt.target, x):
                return None
            if self.is_there(x.buffer, k, self.writers[buffer][0]):
                loads += x.buffer not in has | read and x.buffer.size * SMALL > size
                read.add(x.buffer)
                continue
            if not self.is_crossing(x.buffer, k):
                return None
            inner = self.cost(x.buffer, k, has, size)
            if inner is None or operations + inner[0] > MOST:
                return None
            operations, loads = operations + inner[0], loads + inner[1]
        return operations, loads

    def is_there(self, buffer: Buffer, k: int, made: int) -> bool:
        """Is the array in memory at node k with the values that node `made` read, whatever is done here?"""
        if buffer.kind in ("input", "constant") or buffer not in self.writers:
            return buffer not in self.writers
        (w, *_) = self.writers[buffer]
        return self.settled(buffer, made) and any(r != w for r in self.readers.get(buffer, ()))

    def settled(self, buffer: Buffer, made: int) -> bool:
        """Do all later nodes that read the array find the values that node `made` read, if it is stored?"""
        where = set(self.writers.get(buffer, ()))
        if not where:
            return True
        if buffer in self.state:  # the one reader saw it before it was written over, the other comes after
            return False
        if buffer.kind != "temp" or buffer.home is not None or len(where) != 1:
            return False
        (w,) = where
        return w < made or (w == made and self.made_by.get(buffer) is not None)  # not written over in that node

    def again(self, x: Ref, k: int, has: set[Buffer], body: list[Any], before: Stmt) -> Operand | None:
        """Statements in front of `before` that compute an element again; the operand that holds it."""
        stmt = self.made_by[x.buffer]
        assert stmt is not None
        names = matched(stmt.target, x)
        if names is None:
            return None
        operands: list[Operand] = []
        for y in stmt.operands:
            for old, new in names.items():
                y = replaced(y, old, new)
            if type(y) is Ref and not self.is_there(y.buffer, k, self.writers[x.buffer][0]):
                inner = self.again(y, k, has, body, before)
                if inner is None:
                    return None
                y = inner
            operands.append(y)
        value = Ref(Buffer(x.buffer.dtype, 1), 0, ())
        made = Stmt(value, stmt.op, operands, params=stmt.params, eq=stmt.eq)
        body.insert(body.index(before), made)
        has.update(r.buffer for r in made.refs())
        return value


def in_order(target: Ref, x: Ref) -> bool:
    """Does an operand go through memory as the result does, rather than in larger steps?"""
    if not target.terms:
        return True
    axis, step = min(target.terms, key=lambda t: abs(t[1]))
    return x.coefficient(axis) in (0, step)


def matched(target: Ref, read: Ref) -> dict[Axis, Axis] | None:
    """The loop variables of the reader in the place of the writer's, where both go through the array alike."""
    if read.indirect or target.const != read.const or len(target.terms) != len(read.terms):
        return None
    own = {c: a for a, c in read.terms}
    if len(own) != len(read.terms) or {c for _, c in target.terms} != set(own):
        return None
    names = {a: own[c] for a, c in target.terms}
    return names if all(a.extent == b.extent for a, b in names.items()) else None


def every(body: Iterable[Any]) -> Iterator[Stmt]:
    """The statements of a loop's body."""
    for child in body:
        if isinstance(child, Stmt):
            yield child
        else:
            yield from every(child.body)


def places(loop: Loop) -> Iterator[tuple[list[Any], Stmt]]:
    """The statements of a loop, with the body in which each stands."""
    for child in loop.body:
        if isinstance(child, Stmt):
            yield loop.body, child
        else:
            yield from places(child)


def drop_unread(block: Block) -> None:
    """Statements of the loops of a whole program whose results nobody reads are dropped, in place."""
    read = {r.buffer for node in block.nodes for r in reads(node)}
    for node in block.nodes:
        if type(node) is Loop:
            prune(node, read)
    block.nodes = [n for n in block.nodes if type(n) is not Loop or n.body]


def prune(loop: Loop, read: set[Buffer]) -> None:
    """Drop the statements of a loop whose target is a temporary array that nobody reads."""
    kept = []
    for child in loop.body:
        if isinstance(child, Stmt):
            if child.target.buffer.kind != "temp" or child.target.buffer in read:
                kept.append(child)
            continue
        prune(child, read)
        if child.body:
            kept.append(child)
    loop.body = kept
