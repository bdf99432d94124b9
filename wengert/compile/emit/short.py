"""Which short loops are written out: where it makes a longer loop the innermost one, which is vectorised, and pays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..loops.ir import Loop, Stmt

STRAIGHT, IN_LOOP = 2048, 1024  # statements after writing out: in straight code, in the body of a longer loop
A_LITTLE_LONGER = 16  # rounds
BESIDE = 128  # beside loops that are not written out, so that nothing is gained but constant places
FEW = 4  # and in one short loop, where they are too many for all to be written out


def short_loops(node: Any, most: int) -> set[Loop]:
    """The short loops right inside a node that are written out: all, if there are not too many statements then.

    Then the longer loop around them is the innermost, and is vectorised. Else only those of few statements are.
    """
    short = [child for child in node.body if type(child) is Loop and all(x.axis.small for x in loops_of(child))]
    short += few_among_many(node)
    if any(type(child) is Loop and child not in short for child in node.body):
        most = min(most, BESIDE)
    limit = most if sum(map(instances, short)) <= most else FEW
    found: set[Loop] = set()
    for child in short:
        if instances(child) <= limit:
            found.update(loops_of(child))
        elif limit == FEW:
            found |= short_loops(child, FEW)
    return found


def few_among_many(node: Any) -> list[Loop]:
    """Loops right inside a node that are a little longer, where they are a small part of what it does and all that
    would keep it from being the innermost loop."""
    longer = [child for child in node.body if type(child) is Loop and not child.axis.small]
    if any(type(x.axis.extent) is not int or x.axis.extent > A_LITTLE_LONGER for x in longer):
        return []
    inside, all_ = sum(len(list(every(x))) for x in longer), len(list(every(node)))
    return longer if 4 * inside <= all_ else []


def instances(node: Any) -> int:
    """How many statements there are when all loops are written out."""
    if isinstance(node, Stmt):
        return 1
    extent = node.axis.extent if type(node.axis.extent) is int else 1 << 40
    return extent * sum(map(instances, node.body))


def loops_of(loop: Loop) -> Iterator[Loop]:
    """A loop and the loops in it."""
    yield loop
    for child in loop.body:
        if type(child) is Loop:
            yield from loops_of(child)


def every(node: Any) -> Iterator[Stmt]:
    """The statements of a loop."""
    if isinstance(node, Stmt):
        yield node
    else:
        for child in node.body:
            yield from every(child)
