"""Fusion: nests become trees of loops. Two nests share a loop where what flows between them along it is aligned.

Nests are taken in the program's order; each joins the group that gives it most of what it reads, among those that do
not come before something it depends on. In a group it shares the outermost loop if, for every buffer that flows
between them, both access the same place in the same round: with the same coefficient, and with the rest of the
index within one step. The same is then asked of the loops inside. Axes of few elements are written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .ir import Axis, Block, Buffer, Loop, Nest, Ref, Stmt, Straight, blocks, reads, writes

LARGEST = 160  # statements in a group
TRIES = 6  # groups that a nest tries to join
TINY = 64  # elements of a nest that is written out


class Group:
    """A node of the result, and what it reads and writes."""

    def __init__(self, node: Any, reading: Iterable[Ref], writing: Iterable[Ref]) -> None:
        self.node = node
        self.reads: set[Buffer] = {r.buffer for r in reading}
        self.writes: set[Buffer] = {r.buffer for r in writing}
        self.size = 1


def fuse(block: Block) -> Block:
    """The block's nests as loops, those of nested blocks as well."""
    groups: list[Group] = []
    last_write: dict[Buffer, int] = {}
    last_read: dict[Buffer, int] = {}
    readers: dict[Buffer, list[int]] = {}
    for node in block.nodes:
        for inner in blocks(node):
            inner.nodes = fuse(inner).nodes
        reading, writing = list(reads(node)), list(writes(node))
        earliest = max(
            (
                *(last_write.get(r.buffer, -1) for r in reading),
                *(last_write.get(w.buffer, -1) for w in writing),
                *(last_read.get(w.buffer, -1) for w in writing),
            ),
            default=-1,
        )
        k = joined(groups, node, earliest, reading, last_write, readers) if type(node) is Nest else None
        if k is None:
            k = len(groups)
            groups.append(Group(alone(node) if type(node) is Nest else node, reading, writing))
        group = groups[k]
        for r in reading:
            group.reads.add(r.buffer)
            last_read[r.buffer] = max(last_read.get(r.buffer, -1), k)
            readers.setdefault(r.buffer, []).append(k)
        for w in writing:
            group.writes.add(w.buffer)
            last_write[w.buffer] = max(last_write.get(w.buffer, -1), k)
    return Block([g.node for g in groups])


def joined(
    groups: list[Group],
    nest: Nest,
    earliest: int,
    reading: Sequence[Ref],
    last_write: dict[Buffer, int],
    readers: dict[Buffer, list[int]],
) -> int | None:
    """The number of the group that the nest has joined, if any: the best of those from `earliest` on."""
    if written_out(nest):
        for k in range(max(earliest, 0), len(groups)):
            group = groups[k]
            if type(group.node) is Straight and group.size < 4 * LARGEST:
                group.node.body.append(straightened(nest))
                group.size += 1
                return k
        return None
    shared: dict[int, int] = {}
    for r in reading:
        for k in (last_write.get(r.buffer, -1), *readers.get(r.buffer, ())[-TRIES:]):
            if k >= max(earliest, 0):
                shared[k] = shared.get(k, 0) + r.buffer.size
    for w in (nest.stmt.target,):
        k = last_write.get(w.buffer, -1)
        if k >= max(earliest, 0):
            shared[k] = shared.get(k, 0) + w.buffer.size
    for k in sorted(shared, key=lambda k: (-shared[k], -k))[:TRIES]:
        group = groups[k]
        if type(group.node) is Loop and group.size < LARGEST and enter(group.node, nest, ()):
            group.size += 1
            return k
    return None


def extent_of(axes: Sequence[Axis]) -> int:
    """How many rounds all axes make together."""
    n = 1
    for a in axes:
        n *= a.extent if type(a.extent) is int else 1 << 40
    return n


def written_out(nest: Nest) -> bool:
    """Is the whole nest written out, without a loop?"""
    return all(a.small for a in nest.axes) and extent_of(nest.axes) <= TINY


def straightened(nest: Nest) -> Stmt:
    """The statement of a nest that is written out."""
    nest.stmt.axes = tuple(nest.axes)
    return nest.stmt


def alone(nest: Nest) -> Loop | Straight:
    """A nest as a group of its own."""
    if written_out(nest):
        return Straight([straightened(nest)])
    return tower(nest)  # type: ignore[return-value]


def tower(nest: Nest) -> Loop | Stmt:
    """A nest as loops within loops, its small axes written out."""
    big = [a for a in nest.axes if not a.small]
    small = [a for a in nest.axes if a.small]
    while extent_of(small) > TINY * UNROLLED_REDUCTION:
        big.append(small.pop(0))
    nest.stmt.axes = tuple(small)
    node: Any = nest.stmt
    for axis in reversed(big):
        node = Loop(axis, [node])
    return node  # type: ignore[no-any-return]


UNROLLED_REDUCTION = 8  # 8 x 8 x 8: a small product


# alignment ---------------------------------------------------------------------------------------------------------
def enter(loop: Loop, nest: Nest, shared: tuple[Axis, ...]) -> bool:
    """Put the nest into this loop, if it can share it; and into loops inside, as far as it can."""
    axis = partner(loop, nest, shared)
    if axis is None:
        return False
    rename(nest, axis, loop.axis)
    inside = (*shared, loop.axis)
    if all(a.small for a in nest.axes) and extent_of(nest.axes) <= TINY * UNROLLED_REDUCTION:
        nest.stmt.axes = tuple(nest.axes)
        loop.body.append(nest.stmt)
        return True
    for child in reversed(loop.body):
        if type(child) is Loop and enter(child, nest, inside):
            return True
        if any(conflicts([child], nest.stmt)):
            break
    loop.body.append(tower(nest))
    return True


def partner(loop: Loop, nest: Nest, shared: tuple[Axis, ...]) -> Axis | None:
    """The axis of the nest that can be the loop's: of its extent, far out in the nest, and aligned."""
    if not nest.axes or nest.axes[0].small:
        return None
    pairs = list(conflicts(loop.body, nest.stmt))
    heaviest = weight(nest, nest.axes[0])
    for axis in nest.axes:
        if axis.extent == loop.axis.extent and not axis.small and 4 * weight(nest, axis) >= heaviest:
            if all(aligned(p, q, loop.axis, axis, shared) for p, q in pairs):
                return axis
    return None


def weight(nest: Nest, axis: Axis) -> int:
    """How far one step along an axis moves all references together."""
    refs = [nest.stmt.target, *(x for x in nest.stmt.operands if type(x) is Ref)]
    return sum(abs(r.coefficient(axis)) for r in refs)


def conflicts(nodes: Sequence[Any], stmt: Stmt) -> Iterable[tuple[Ref, Ref]]:
    """Pairs of references to one buffer, in the nodes and in the statement, of which one writes."""
    target, accumulate = stmt.target, stmt.accumulate
    own = [r for r in stmt.refs() if r is not target]
    for other in each(nodes):
        there = other.target
        for r in own:
            if r.buffer is there.buffer:
                yield there, r
        together = accumulate is not None and other.accumulate == accumulate  # sums in any order are the same sum
        if there.buffer is target.buffer and not together:
            yield there, target
        for r in other.refs():
            if r.buffer is target.buffer and r is not there:
                yield r, target


def each(nodes: Sequence[Any]) -> Iterable[Stmt]:
    """The statements in loops."""
    for node in nodes:
        if type(node) is Stmt:
            yield node
        else:
            yield from each(node.body)


def aligned(p: Ref, q: Ref, axis: Axis, own: Axis, shared: tuple[Axis, ...]) -> bool:
    """Do two references of one buffer meet only in the same round? p is in the loop over axis, q in the nest (own)."""
    c = p.coefficient(axis)
    if not c or c != q.coefficient(own):
        return False
    if any(p.coefficient(s) != q.coefficient(s) for s in shared):
        return False
    low_p, high_p = span(p, (*shared, axis))
    low_q, high_q = span(q, (*shared, own))
    return max(high_p, high_q) - min(low_p, low_q) < abs(c)


def span(ref: Ref, without: tuple[Axis, ...]) -> tuple[int, int]:
    """The least and the greatest index of a reference, for fixed values of some axes."""
    low = high = ref.const
    for a, c in ref.terms:
        if not any(a is s for s in without):
            reach = c * ((a.extent if type(a.extent) is int else 1 << 40) - 1)
            low, high = low + min(reach, 0), high + max(reach, 0)
    for i in ref.indirect:
        high += i.stride * (i.extent - 1)
    return low, high


def rename(nest: Nest, old: Axis, new: Axis) -> None:
    """The nest with the loop's axis in the place of its own."""
    nest.stmt.substitute(old, new)
    nest.axes = [a for a in nest.axes if a is not old]

