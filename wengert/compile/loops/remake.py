"""Operands of products that are made again, a part at a time, in the loop that needs them, instead of kept in memory.

    for i: t[i, :] = x[i, :] - m; y[i] = product(t[i], a)         for i: t' = x[i, :] - m; y[i] = product(t', a)
    for i: z += product(t[i], y[i])                         ->    for i: t' = x[i, :] - m; z += product(t', y[i])

That is done where the array is large, and made by one cheap operation on what is in memory anyhow or is much smaller:
differences, products by a number, windows of an image side by side. What a round needs of it stays in the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..lower.lowering import ordered
from .fuse import span, tower
from .ir import Axis, Block, Buffer, CallStmt, Loop, Nest, Ref, Stmt, replaced
from .recompute import CHEAP, Recomputation, every

LARGE = 2**17  # bytes of an array that is worth it
SMALLER = 4  # times by which an array must be smaller to be stored in its place


class Use(NamedTuple):
    """A call that reads the array, the loops around it, and how many of them it takes to fix a part of the array."""

    path: tuple[Loop, ...]
    stmt: CallStmt
    depth: int


def remake(block: Block) -> None:
    """Rewrite the loops of a fused block, in place."""
    known = Recomputation(block)
    for buffer in list(known.made_by):
        stmt = known.made_by[buffer]
        if stmt is None or buffer.nbytes < LARGE or not can_be_made(known, buffer, stmt):
            continue
        made = known.writers[buffer][0]
        later = sorted(known.readers.get(buffer, set()) - {made})
        uses = [uses_of(block.nodes[k], buffer, stmt) for k in later]
        if later and all(uses) and later[0] > made and in_rounds(block.nodes[made], buffer):
            for found in uses:
                for use in found or ():
                    make(buffer, stmt, use)


def can_be_made(known: Recomputation, buffer: Buffer, stmt: Stmt) -> bool:
    """Is an array the result of a cheap operation on what is there, or on what is so much smaller?"""
    if (
        buffer.kind != "temp"
        or len(known.writers[buffer]) != 1
        or buffer not in known.readers
        or type(stmt) is not Stmt
    ):
        return False
    if stmt.accumulate or stmt.target.indirect or stmt.op not in CHEAP:
        return False
    made = known.writers[buffer][0]
    for x in stmt.operands:
        if type(x) is not Ref:
            continue
        if x.indirect or not known.settled(x.buffer, made):
            return False
        last = max(known.readers[buffer])
        if not known.is_there(x.buffer, last, made) and SMALLER * x.buffer.nbytes > buffer.nbytes:
            return False
    return dense(stmt.target)


def dense(target: Ref) -> bool:
    """Does a statement write all elements of an array, each once?"""
    step = 1
    for c, n in sorted((c, a.extent) for a, c in target.terms):
        if type(n) is not int or c != step:
            return False
        step *= n
    return not target.const and step == target.buffer.size


def in_rounds(node: Any, buffer: Buffer) -> bool:
    """Is an array written and read in one round of a loop?"""
    if type(node) is not Loop:
        return False
    steps = {r.coefficient(node.axis) for s in every([node]) for r in (s.target, *s.refs()) if r.buffer is buffer}
    return len(steps) == 1 and steps != {0}


def uses_of(node: Any, buffer: Buffer, stmt: Stmt) -> list[Use] | None:
    """The calls in a loop that read an array, if it is them alone, and each reads a part that a round can make."""
    if type(node) is not Loop:
        return None
    found = []
    for path, user in with_paths(node, ()):
        refs = [r for r in user.refs() if r.buffer is buffer]
        if user.target.buffer is buffer or (refs and type(user) is not CallStmt):
            return None
        if refs:
            assert type(user) is CallStmt
            depth = part_of(path, stmt.target, refs[0]) if len(refs) == 1 else 0
            if not depth:
                return None
            found.append(Use(path, user, depth))
    return found


def part_of(path: tuple[Loop, ...], target: Ref, read: Ref) -> int:
    """The number of loops that fix a part of an array which has all that a reference reads; 0 where there is none."""
    own = {c: a for a, c in target.terms}
    fixed = [loop.axis for loop in path if read.coefficient(loop.axis)]
    if read.indirect or not fixed or any(axis.extent != extent(own, read, axis) for axis in fixed):
        return 0
    size = min(read.coefficient(axis) for axis in fixed)
    outer = {read.coefficient(axis) for axis in fixed}
    if any(c > size and c not in outer for c in own):
        return 0
    low, high = span(read, tuple(fixed))
    return 1 + [loop.axis for loop in path].index(fixed[-1]) if low >= 0 and high < size else 0


def extent(own: dict[int, Axis], read: Ref, axis: Axis) -> Any:
    """The length of the axis with which a statement makes the same steps through an array."""
    same = own.get(read.coefficient(axis))
    return None if same is None else same.extent


def with_paths(node: Any, path: tuple[Loop, ...]) -> Any:
    """The statements of a loop, each with the loops around it."""
    if isinstance(node, Stmt):
        yield path, node
    else:
        for child in node.body:
            yield from with_paths(child, (*path, node))


def make(buffer: Buffer, stmt: Stmt, use: Use) -> None:
    """Loops in front of a call that make what it reads of an array, in a new one, which is shrunk later."""
    old = next(r for r in use.stmt.refs() if r.buffer is buffer)
    around = use.path[use.depth - 1]
    own = {c: a for a, c in stmt.target.terms}
    names = {own[old.coefficient(loop.axis)]: loop.axis for loop in use.path if old.coefficient(loop.axis)}
    fresh = {a: Axis(a.extent) for a, _ in stmt.target.terms if a not in names}
    for a, b in fresh.items():
        b.small = a.small
    again = Buffer(buffer.dtype, buffer.size)
    target, *operands = stmt.target, *stmt.operands
    for a, b in (names | fresh).items():
        target, *operands = (replaced(x, a, b) for x in (target, *operands))  # type: ignore[assignment]
    made = Stmt(target._replace(buffer=again), stmt.op, operands, params=stmt.params, eq=stmt.eq)
    path = [*use.path, use.stmt]
    around.body.insert(around.body.index(path[use.depth]), tower(Nest(ordered(list(fresh.values()), made), made)))
    use.stmt.operands = tuple(x._replace(buffer=again) if x is old else x for x in use.stmt.operands)
