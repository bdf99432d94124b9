"""Loops that write over what they read: arrays that are read for the last time, each element replaced in its place.

    for i: t[i] = f(a[i])        a is not needed any more         ->        for i: a[i] = f(a[i])

The new array takes the old one's name, so that it needs no memory of its own, and no more than one is read and written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .fuse import span
from .ir import Axis, Block, Buffer, Call, CallStmt, Loop, Ref, Stmt, Straight, reads, writes


def write_over(block: Block) -> None:
    """Let arrays of a block's outermost level take the memory of those that die where they are made, in place."""
    lives = spans(block)
    begin: dict[int, list[Buffer]] = {}
    end: dict[int, list[Buffer]] = {}
    for buffer, (first, last) in lives.items():
        begin.setdefault(first, []).append(buffer)
        end.setdefault(last, []).append(buffer)
    for k, node in enumerate(block.nodes):
        if type(node) is not Loop:
            continue
        dying = [b for b in end.get(k, ()) if b in lives and lives[b][0] < k]
        for new in [b for b in begin.get(k, ()) if lives[b][1] > k]:
            old = next((b for b in dying if replaces(node, b, new)), None)
            if old is not None:
                dying.remove(old)
                lives[old][1] = lives.pop(new)[1]
                end.setdefault(lives[old][1], []).append(old)
                for user in block.nodes[k : lives[old][1] + 1]:
                    rename(user, new, old)


def spans(block: Block) -> dict[Buffer, list[int]]:
    """The first and the last node that use each temporary array, of those that loops and calls alone use."""
    found: dict[Buffer, list[int]] = {}
    others: set[Buffer] = set()
    for k, node in enumerate(block.nodes):
        plain = type(node) in (Loop, Straight, Call) and not any(
            type(s) is CallStmt and not s.inline for s in every(node)
        )
        for ref in (*reads(node), *writes(node)):
            found.setdefault(ref.buffer, [k, k])[1] = k
            if not plain or ref.buffer.kind != "temp" or ref.buffer.home is not None:
                others.add(ref.buffer)
    return {b: x for b, x in found.items() if b not in others}


def every(node: Any) -> Iterator[Stmt]:
    """The statements of loops and straight code."""
    if isinstance(node, Stmt):
        yield node
    elif type(node) in (Loop, Straight):
        for child in node.body:
            yield from every(child)


def replaces(loop: Loop, old: Buffer, new: Buffer) -> bool:
    """Can the new array take the place of the old one: is each element read before the new one is written there?"""
    if (old.dtype, old.size) != (new.dtype, new.size):
        return False
    for stmt in every(loop):
        if stmt.target.buffer is old or (stmt.target.buffer is new and (stmt.accumulate or stmt.target.indirect)):
            return False
        if type(stmt) is CallStmt and stmt.target.buffer is new and touches(stmt, old):
            return False  # it writes elements before it has read all that it needs
    return in_order([loop], old, new, ())


def in_order(body: Sequence[Any], old: Buffer, new: Buffer, fixed: tuple[Axis, ...]) -> bool:
    """Does no statement of a body read the old array where the new one may have been written?"""
    written = False
    for child in body:
        read, write = touches(child, old), touches(child, new)
        if written and read:
            return False
        written = written or write
        if read and write and type(child) is Loop:
            inside = (*fixed, child.axis)
            refs = [r for s in every(child) for r in (s.target, *s.refs()) if r.buffer is old or r.buffer is new]
            if not apart(refs, child.axis, inside) or not in_order(child.body, old, new, inside):
                return False
    return True


def touches(node: Any, buffer: Buffer) -> bool:
    """Does a statement or loop use an array?"""
    return any(r.buffer is buffer for s in every(node) for r in (s.target, *s.refs()))


def apart(refs: Sequence[Ref], axis: Axis, fixed: tuple[Axis, ...]) -> bool:
    """Does each round of an axis reach places that no other round reaches, for fixed values of those around it?"""
    steps = {r.coefficient(axis) for r in refs}
    alike = all(len({r.coefficient(a) for r in refs}) == 1 for a in fixed)
    if len(steps) != 1 or steps == {0} or not alike or any(r.indirect for r in refs):
        return False
    lows, highs = zip(*(span(r, fixed) for r in refs), strict=True)
    return max(highs) - min(lows) < abs(steps.pop())


def rename(node: Any, old: Buffer, new: Buffer) -> None:
    """Another array in the place of one, in a node."""
    if type(node) is Call:
        node.reads = tuple(renamed(r, old, new) for r in node.reads)
        node.writes = tuple(renamed(r, old, new) for r in node.writes)
        node.scratch = tuple(new if b is old else b for b in node.scratch)
    for stmt in every(node):
        stmt.target = renamed(stmt.target, old, new)
        stmt.operands = tuple(renamed(x, old, new) if type(x) is Ref else x for x in stmt.operands)


def renamed(ref: Ref, old: Buffer, new: Buffer) -> Ref:
    """A reference, also in its indices."""
    if ref.indirect:
        parts = (i._replace(index=renamed(i.index, old, new)) if type(i.index) is Ref else i for i in ref.indirect)
        ref = ref._replace(indirect=tuple(parts))
    return ref._replace(buffer=new) if ref.buffer is old else ref
