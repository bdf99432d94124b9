"""Short rows that are copied as they are: one instruction for LLVM, which moves them through vector registers.

for k: for j < 5: y[25 k + j] = x[k + j]        is one move of 40 bytes in each round, not five strided ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..loops.ir import Loop, Ref, Stmt

LONGEST = 64  # elements of a row: longer ones are loops, which are vectorised


def rows(loop: Loop) -> set[Loop]:
    """The innermost loops of one that does nothing but copy, where each of them copies a short row."""
    inner = list(innermost(loop))
    return set(inner) if inner and all(map(is_row, inner)) and loop not in inner else set()


def innermost(node: Any) -> Iterator[Any]:
    """The loops without loops in them, and statements beside loops."""
    inside = [c for c in node.body if type(c) is Loop]
    if not inside:
        yield node
    for child in node.body if inside else ():
        if type(child) is Loop:
            yield from innermost(child)
        else:
            yield child


def is_row(node: Any) -> bool:
    """Does a loop copy elements that lie next to each other, into other memory, as they are?"""
    if type(node) is not Loop or len(node.body) != 1 or type(node.body[0]) is not Stmt:
        return False
    stmt = node.body[0]
    x = stmt.operands[0]
    if stmt.op != "copy" or stmt.accumulate or type(x) is not Ref or type(node.axis.extent) is not int:
        return False
    apart = x.buffer is not stmt.target.buffer and x.buffer.dtype == stmt.target.buffer.dtype
    in_memory = all(r.buffer.kind != "local" and not r.indirect for r in (x, stmt.target))
    in_order = x.coefficient(node.axis) == stmt.target.coefficient(node.axis) == 1
    return apart and in_memory and in_order and 1 < node.axis.extent <= LONGEST


def copy_row(e: Any, loop: Loop) -> None:
    """The copy of a row."""
    (stmt,) = loop.body
    e.axes[loop.axis] = 0
    target, source = e.address(stmt.target), e.address(stmt.operands[0])
    nbytes, align = loop.axis.extent * stmt.target.buffer.dtype.itemsize, stmt.target.buffer.dtype.alignment
    to, from_ = (f"ptr align {align} {p}" for p in (target, source))
    e.do(f"call void @llvm.memcpy.p0.p0.i64({to}, {from_}, i64 {nbytes}, i1 false)")
    e.forget_all({stmt.target.buffer})
