"""Arrays that are used in one round of a loop only lose the loop's axis; what is small then is kept in registers.

Before fusion every value has an array of its own. After it, an array that is written and read inside of one loop tree,
in the same round of some of its loops, needs room for one round. So the values of a fused chain have one element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .fuse import span
from .ir import Axis, Block, Buffer, Call, Loop, Ref, Stmt, blocks, reads, writes

REGISTERS = 64  # elements of an array that is kept on the stack, where LLVM makes registers of it

Places = dict[Buffer, list[tuple[tuple[Axis, ...], Ref]]]


def shrink(block: Block, outside: Iterable[Buffer] = ()) -> None:
    """Shrink the temporary arrays of a block, in place. outside: those that are needed outside of it."""
    home: dict[Buffer, Any] = dict.fromkeys(outside)
    for node in block.nodes:
        for ref in (*reads(node), *writes(node)):
            if ref.buffer.kind == "temp" and ref.buffer.home is None:
                home[ref.buffer] = node if home.get(ref.buffer, node) is node else None
    own: dict[Any, set[Buffer]] = {node: set() for node in block.nodes}
    for buffer, only in home.items():
        if only is not None:
            own[only].add(buffer)
    for node in block.nodes:
        if type(node) is not Call:
            shrink_node(node, own[node])


def shrink_node(node: Any, own: set[Buffer]) -> None:
    """Shrink the arrays that only this node uses."""
    if type(node) is Loop:
        changes = {}
        for buffer, found in places(node, own).items():
            change = contract(buffer, found)
            if change is not None:
                changes[buffer] = change
        replace(node, changes)
    for buffer in own:
        if buffer.size <= REGISTERS:
            buffer.kind = "local"
    parts = blocks(node)
    used = [{r.buffer for n in part.nodes for r in (*reads(n), *writes(n))} for part in parts]
    for k, part in enumerate(parts):
        others = set().union(*used[:k], *used[k + 1 :])
        shrink(part, {b for b in used[k] if b not in own or b in others})


def places(node: Any, own: set[Buffer]) -> Places:
    """Every reference to these arrays in a tree of loops."""
    found: Places = {}
    for path, ref in accesses(node, ()):
        if ref.buffer in own:
            found.setdefault(ref.buffer, []).append((path, ref))
    return found


def accesses(node: Any, path: tuple[Axis, ...]) -> Iterator[tuple[tuple[Axis, ...], Ref]]:
    """Every reference in a tree of loops, with the axes of the loops around it."""
    if isinstance(node, Stmt):
        yield path, node.target
        for ref in node.refs():
            yield path, ref
    else:
        inside = (*path, node.axis) if type(node) is Loop else path
        for child in node.body:
            yield from accesses(child, inside)


class Change(NamedTuple):
    """What becomes of the references to an array: without these axes, from here on, with these strides for those."""

    dropped: list[Axis]
    low: int
    strides: dict[int, int]


def contract(buffer: Buffer, found: list[tuple[tuple[Axis, ...], Ref]]) -> Change | None:
    """Find the loops that all references share and step through the array with; these axes are dropped."""
    common = found[0][0]
    for path, _ in found[1:]:
        n = 0
        while n < min(len(path), len(common)) and path[n] is common[n]:
            n += 1
        common = common[:n]
    dropped: list[Axis] = []
    for axis in common:
        steps = {ref.coefficient(axis) for _, ref in found}
        if len(steps) != 1:
            return None
        if steps != {0}:
            dropped.append(axis)
    if not dropped:
        return None
    low, high = reach(found, dropped)
    if any(high - low >= abs(found[0][1].coefficient(a)) for a in dropped) and not same_everywhere(found):
        return None
    size, strides = dense(found, dropped, low) or (high - low + 1, {})
    buffer.size = size
    return Change(dropped, low, strides)


def same_everywhere(found: list[tuple[tuple[Axis, ...], Ref]]) -> bool:
    """Do all references go through the array in the same steps? Then two meet only where all their axes do."""
    steps = {(ref.const, tuple(sorted((c, str(a.extent)) for a, c in ref.terms))) for _, ref in found}
    return len(steps) == 1 and not any(ref.indirect for _, ref in found)


def reach(found: list[tuple[tuple[Axis, ...], Ref]], dropped: list[Axis]) -> tuple[int, int]:
    """The least and the greatest index of all references in one round of the dropped axes."""
    lows, highs = zip(*(span(ref, tuple(dropped)) for _, ref in found), strict=True)
    return min(lows), max(highs)


def dense(
    found: list[tuple[tuple[Axis, ...], Ref]], dropped: list[Axis], low: int
) -> tuple[int, dict[int, int]] | None:
    """The size without the gaps that dropped inner axes leave, and the new stride for each old one, where every
    reference goes through the same axes."""
    extents: dict[int, int] = {}
    for _, ref in found:
        if ref.const != low or ref.indirect:
            return None
        for a, c in ref.terms:
            if a not in dropped and (type(a.extent) is not int or c < 0 or extents.setdefault(c, a.extent) != a.extent):
                return None
    step, strides = 1, {}
    for c in sorted(extents):
        if c < step:
            return None
        strides[c] = step
        step *= extents[c]
    return step, strides


def replace(node: Any, changes: dict[Buffer, Change]) -> None:
    """Rewrite the references to the arrays that were contracted."""
    if isinstance(node, Stmt):
        node.target = moved(node.target, changes)
        node.operands = tuple(moved(x, changes) if type(x) is Ref else x for x in node.operands)
    else:
        for child in node.body:
            replace(child, changes)


def moved(ref: Ref, changes: dict[Buffer, Change]) -> Ref:
    """A reference into what is left of its buffer."""
    if ref.indirect:
        parts = (i._replace(index=moved(i.index, changes)) if type(i.index) is Ref else i for i in ref.indirect)
        ref = ref._replace(indirect=tuple(parts))
    change = changes.get(ref.buffer)
    if change is None:
        return ref
    terms = tuple((a, change.strides.get(c, c)) for a, c in ref.terms if a not in change.dropped)
    return Ref(ref.buffer, ref.const - change.low, terms, ref.indirect)
