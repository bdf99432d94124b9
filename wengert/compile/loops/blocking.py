"""Products in blocks: what makes their operands, and they, for some rows at a time, so that these stay in the cache.

    for n < 10000: t[n, :] = ...                    for i < 80:
    y = product of t and u, summed over n     ->        for j < 125: t[125 i + j, :] = ...
                                                        y += product of these 125 rows

The same is done where n is an axis of the result's rows. The operands then need no memory but for one block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..emit.blocks import is_long
from .costs import product_flops
from .fuse import aligned, tower
from .ir import Axis, Block, Buffer, CallStmt, Const, Loop, Nest, Position, Ref, Stmt, Straight
from .recompute import every

LONGEST, SHORTEST = 256, 32  # rows of a block
CACHE = 2**17  # bytes that the rows of a block may have
LARGE = 2**18  # bytes of all rows, from which it pays
FOR_THREADS = 2**22  # operations of a product that is done in blocks for no other reason than that threads share them


class Found(NamedTuple):
    """A product, its long axis, the loops before it that make its operands, and the rows of a block."""

    stmt: CallStmt
    axis: Axis
    loops: list[Loop]
    rows: int


def in_blocks(block: Block) -> None:
    """Rewrite the loops of a fused block, in place."""
    for node in block.nodes:
        if type(node) is Loop:
            rewrite(node.body, (node.axis,))
    rewrite(block.nodes, ())


def rewrite(body: list[Any], around: tuple[Axis, ...]) -> None:
    """The products right in a body, and in the loops in it."""
    for child in list(body):
        if around and type(child) is Loop:
            rewrite(child.body, (*around, child.axis))
        call = product_in(child)
        found = None if call is None else candidate(body[: body.index(child)], call, around)
        if found is not None:
            kept = [x for x in body[: body.index(child)] if not any(x is y for y in found.loops)]
            body[: body.index(child) + 1] = [*kept, *blocked(found)]


def product_in(node: Any) -> CallStmt | None:
    """The product that a node is, alone."""
    if type(node) is Straight and len(node.body) == 1:
        node = node.body[0]
    return node if type(node) is CallStmt and node.inline else None


def candidate(before: Sequence[Any], call: CallStmt, around: tuple[Axis, ...]) -> Found | None:
    """What is done in blocks: a product, with the loops just before it that make its operands along one of its axes."""
    rows, _, summed = call.within
    for axis in (rows, summed):
        loops = makers(before, call, axis, around)
        made = {s.target.buffer for loop in loops for s in every([loop])}
        size = sum(bytes_of(x, axis) for x in call.operands[:2] if type(x) is Ref and x.buffer in made)
        large = size * axis.extent >= LARGE
        if large or (not around and product_flops(call) >= FOR_THREADS):
            n = next((n for n in range(LONGEST, SHORTEST - 1, -1) if axis.extent % n == 0 and n * size <= CACHE), 0)
            if n and n < axis.extent:
                return Found(call, axis, loops if large else [], n)
    return None


def bytes_of(x: Ref, axis: Axis) -> int:
    """The bytes of one row of an operand."""
    return abs(x.coefficient(axis)) * x.buffer.dtype.itemsize


def makers(before: Sequence[Any], call: CallStmt, axis: Axis, around: tuple[Axis, ...]) -> list[Loop]:
    """The loops of this length before a product that it needs, and which it could share; the last first."""
    found: list[Loop] = []
    skipped: list[Any] = []
    for node in reversed(before):
        along = [(call, axis), *((loop, loop.axis) for loop in found)]
        if not any(conflicts(node, other) for other, _ in along):
            skipped.append(node)
            continue
        if type(node) is not Loop or node.axis.extent != axis.extent or not can_be_split(node):
            break
        if any(conflicts(node, x) for x in skipped) or not all(meet(node, x, own, around) for x, own in along):
            break
        found.append(node)
    return found[::-1]


def can_be_split(loop: Loop) -> bool:
    """May a loop be done in blocks: is its number no operand, and are no long sums in it (emit/blocks.py)?"""
    stmts = list(every([loop]))
    innermost = all(c.axis.small for c in loop.body if type(c) is Loop)
    if innermost and is_long(loop) and any(s.accumulate and not s.target.coefficient(loop.axis) for s in stmts):
        return False
    if any(type(s) is CallStmt and not s.inline for s in stmts):
        return False
    numbers = any(type(x) is Position and x.axis is loop.axis for s in stmts for x in s.operands)
    return not numbers and not loop.fresh


def touched(node: Any) -> dict[Buffer, list[tuple[Ref, bool]]]:
    """The references of a node to each array; does it write?"""
    found: dict[Buffer, list[tuple[Ref, bool]]] = {}
    for stmt in every([node] if type(node) in (Loop, Straight) or isinstance(node, Stmt) else []):
        found.setdefault(stmt.target.buffer, []).append((stmt.target, True))
        for ref in stmt.refs():
            found.setdefault(ref.buffer, []).append((ref, False))
    return found


def conflicts(first: Any, second: Any) -> bool:
    """Does one of two nodes write what the other uses?"""
    if not all(isinstance(x, Stmt) or type(x) in (Loop, Straight) for x in (first, second)):
        return True
    one, other = touched(first), touched(second)
    return any(any(w for _, w in (*one[b], *other[b])) for b in one if b in other)


def meet(loop: Loop, later: Any, own: Axis, around: tuple[Axis, ...]) -> bool:
    """Does a later node use what a loop makes, or make what it uses, in the same round only?"""
    one, other = touched(loop), touched(later)
    for buffer in one:
        if buffer in other and any(w for _, w in (*one[buffer], *other[buffer])):
            for p, _ in one[buffer]:
                for q, _ in other[buffer]:
                    if p.indirect or q.indirect or not aligned(p, q, loop.axis, own, around):
                        return False
    return True


def blocked(found: Found) -> list[Any]:
    """The loop over blocks; before it zeros, where the product is a sum over them."""
    call, before = found.stmt, []
    outer = Axis(found.axis.extent // found.rows, 0)
    inner = Axis(found.rows, 0)
    if not call.target.coefficient(found.axis) and call.target not in call.operands:
        before.append(zeros(call))
        call.operands = (*call.operands, call.target)
    split([call], found.axis, outer, inner)
    call.within = tuple(inner if a is found.axis else a for a in call.within)
    m, n, k = (a.extent for a in call.within)
    call.name = f"{call.name.split(' ')[0]} {m}x{k} {k}x{n}"
    for loop in found.loops:
        own = Axis(found.rows, 0)
        split(every([loop]), loop.axis, outer, own)
        loop.axis = own
    return [*before, Loop(outer, [*found.loops, call])]


def zeros(call: CallStmt) -> Any:
    """A loop that fills what a product writes."""
    target = call.target
    for a in call.within:
        new = Axis(a.extent)
        target = target.substituted(a, new)
    axes = [a for a, _ in target.terms if not any(a is b for b, _ in call.target.terms)]
    axes.sort(key=lambda a: -abs(target.coefficient(a)))
    return tower(Nest(axes, Stmt(target, "copy", [Const(target.buffer.dtype.type(0))], eq=call.eq)))


def split(stmts: Any, axis: Axis, outer: Axis, inner: Axis) -> None:
    """outer * rows + inner in the place of an axis, in place."""

    def ref(x: Any) -> Any:
        if type(x) is not Ref:
            return x
        terms: list[tuple[Axis, int]] = []
        for a, c in x.terms:
            terms += [(outer, c * inner.extent), (inner, c)] if a is axis else [(a, c)]
        parts = tuple(i._replace(index=ref(i.index)) for i in x.indirect)
        return x._replace(terms=tuple(terms), indirect=parts)

    for stmt in stmts:
        stmt.target, stmt.operands = ref(stmt.target), tuple(map(ref, stmt.operands))
