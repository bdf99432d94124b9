"""Short loops that read many arrays at once move outside, so that few are read at a time.

    for i: u = x[i] * x[i]; for k < 8: y[n k + i] = u * a[n k + i] + b[n k + i]
    ->  for k < 8: for i: u = x[i] * x[i]; y[n k + i] = u * a[n k + i] + b[n k + i]

Written out, the short loop would walk through eight times as many places of memory as there are arrays, more than a
processor fetches ahead for, and often of the same cache lines. What stands beside it is cheap, and computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .ir import Axis, Block, Buffer, Loop, Ref, Stmt, blocks
from .recompute import CHEAP

STREAMS = 32  # places of memory that are read or written at once
FAR = 4096  # bytes from one to the next that make them places of their own


def few_at_a_time(block: Block) -> None:
    """Rewrite the loops of a fused block, in place, and those of the blocks in it."""
    for k, node in enumerate(block.nodes):
        for inner in blocks(node):
            few_at_a_time(inner)
        if type(node) is Loop:
            block.nodes[k] = turned(node)


def turned(loop: Loop) -> Loop:
    """The loop with the short loops inside it outside, if that pays and changes nothing."""
    inner = innermost(loop)
    short = [child for child in inner.body if type(child) is Loop]
    beside = [child for child in inner.body if type(child) is not Loop]
    if not short or not worth_it(short, beside) or not may_turn(inner.body):
        return loop
    axis = Axis(short[0].axis.extent)
    axis.small = False  # it stays outside
    for child in short:
        for stmt in child.body:
            stmt.substitute(child.axis, axis)
    inner.body = [stmt for child in inner.body for stmt in (child.body if type(child) is Loop else [child])]
    return Loop(axis, [loop])


def innermost(loop: Loop) -> Loop:
    """The last of loops of which each holds nothing but the next; short ones do not count."""
    while len(loop.body) == 1 and type(loop.body[0]) is Loop and not loop.body[0].axis.small:
        loop = loop.body[0]
    return loop


def worth_it(short: Sequence[Loop], beside: Sequence[Any]) -> bool:
    """Are too many places read and written at once, and is what would be computed again cheap and little?"""
    axis = short[0].axis
    if not axis.small or any(child.axis.extent != axis.extent for child in short):
        return False
    places = {
        (r.buffer, r.coefficient(child.axis))
        for child in short
        for stmt in child.body
        if isinstance(stmt, Stmt)
        for r in (stmt.target, *stmt.refs())
        if abs(r.coefficient(child.axis)) * r.buffer.dtype.itemsize >= FAR and not temporary(r, short, beside)
    }
    cheap = all(isinstance(s, Stmt) and s.op in CHEAP for s in beside)
    return len(places) * axis.extent > STREAMS and cheap and len(beside) <= sum(len(child.body) for child in short) // 2


def temporary(ref: Ref, short: Sequence[Loop], beside: Sequence[Any]) -> bool:
    """Is it written here too, so that it may be no more than a register?"""
    return any(s.target.buffer is ref.buffer for child in short for s in child.body) and ref.buffer.kind == "temp"


def may_turn(body: Sequence[Any]) -> bool:
    """Does each statement write elements of its own, which others read only where they were just written?

    And may what stands beside the short loops be done again? It reads nothing that they write, or that it writes.
    """
    stmts = [(s, node.axis) for node in body if type(node) is Loop for s in node.body]
    beside = [node for node in body if type(node) is not Loop]
    every = [*stmts, *((s, None) for s in beside)]
    if not all(type(s) is Stmt and not s.accumulate and not s.target.indirect for s, _ in every):
        return False
    if not all(s.target.coefficient(axis) for s, axis in stmts) or not done_again(
        body, {s.target.buffer for s, _ in stmts}
    ):
        return False
    written: dict[Buffer, list[tuple[Ref, Axis | None]]] = {}
    for s, axis in every:
        written.setdefault(s.target.buffer, []).append((s.target, axis))
    refs = [(r, axis) for s, axis in every for r in (s.target, *s.refs()) if r.buffer in written]
    return all(together(r, axis, w, other) for r, axis in refs for w, other in written[r.buffer])


def done_again(body: Sequence[Any], written: set[Buffer]) -> bool:
    """Are the statements beside the short loops the same when they are done for each lane? written: by short loops."""
    seen: set[Buffer] = set(written)
    for node in body:
        stmts = node.body if type(node) is Loop else [node]
        if type(node) is not Loop and (node.target.buffer in seen or any(r.buffer in written for r in node.refs())):
            return False
        seen.update(r.buffer for s in stmts for r in (s.target, *s.refs()))
        if type(node) is not Loop and any(r.buffer is node.target.buffer for r in node.refs()):
            return False
    return True


def together(r: Ref, axis: Axis | None, w: Ref, other: Axis | None) -> bool:
    """Do two references of one array meet in one lane only? Their loops have the others in common."""
    if r.indirect:
        return False
    own, theirs = (ref.coefficient(a) if a else 0 for ref, a in ((r, axis), (w, other)))
    same = {t for t in r.terms if t[0] is not axis} == {t for t in w.terms if t[0] is not other}
    return same and own == theirs and (not own or abs(r.const - w.const) < abs(own))
