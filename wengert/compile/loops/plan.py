"""The memory plan: where each temporary array lives in one arena, from its first writer to its last reader.

Known before anything runs: peak bytes are the arena's size. A nested block has a frame of its own within the arena.
"""

from __future__ import annotations

import bisect

from .ir import Block, Buffer, Straight, blocks, nodes, reads, writes

ALIGNMENT = 64  # bytes: a cache line, and the widest vector
FIRST_ROWS, FIRST_BYTES = 64, 2**15  # of a stack that grows, in the arena


def padded(nbytes: int) -> int:
    """So many bytes, and those up to the end of the cache line: vectors may reach beyond the last element."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def plan(block: Block) -> tuple[int, list[Buffer]]:
    """Give every temporary array of the block its offset in the arena: the arena's size in bytes, and the stacks.

    First in the arena, for the whole run, are the addresses of stacks that grow, and their first rows.
    """
    stacks = list(dict.fromkeys(r.buffer for n in nodes(block) for r in (*reads(n), *writes(n)) if r.buffer.home))
    homes: dict[Buffer, int] = {b.home: 16 * k for k, b in enumerate(stacks) if b.home is not None}
    first = padded(16 * len(stacks))
    for b in stacks:
        b.offset, first = first, first + padded(first_rows(b) * b.nbytes)
    size, moves = frame(block, set(homes))
    for buffer, offset in [*((b, k - first) for b, k in homes.items()), *moves]:
        buffer.offset = first + offset
    return first + size, stacks


def first_rows(stack: Buffer) -> int:
    """The rows of a stack for which there is room in the arena: it grows, and asks Python, only when there are more."""
    return min(FIRST_ROWS, FIRST_BYTES // max(stack.nbytes, 1))


def frame(block: Block, outer: set[Buffer]) -> tuple[int, list[tuple[Buffer, int]]]:
    """The size of a block's frame, and the offsets in it of all arrays that belong to the block."""
    spans: dict[Buffer, list[int]] = {}
    line = [part for node in block.nodes for part in (node.body if type(node) is Straight else (node,))]
    for k, node in enumerate(line):
        for ref in (*reads(node), *writes(node)):
            if ref.buffer.kind == "temp" and ref.buffer not in outer:
                spans.setdefault(ref.buffer, [k, k])[1] = k
    inside: list[tuple[int, int, list[tuple[Buffer, int]]]] = []
    for k, node in enumerate(line):
        parts = blocks(node)
        own = private(parts, spans, k)
        for b in own:
            del spans[b]
        found = [frame(part, used_elsewhere(part, own)) for part in parts]
        inside += [(k, *f) for f in found]
    return allocate(spans, inside)


def private(parts: tuple[Block, ...], spans: dict[Buffer, list[int]], k: int) -> set[Buffer]:
    """The arrays that one nested block of node k uses and nobody else."""
    used = [{r.buffer for n in part.nodes for r in (*reads(n), *writes(n))} for part in parts]
    once = set()
    for i, here in enumerate(used):
        others = set().union(*used[:i], *used[i + 1 :])
        once |= {b for b in here - others if spans.get(b) == [k, k]}
    return once


def used_elsewhere(part: Block, own: set[Buffer]) -> set[Buffer]:
    """The arrays of a nested block that belong to an outer one."""
    return {r.buffer for n in part.nodes for r in (*reads(n), *writes(n))} - own


Wanted = tuple[int, int, int, list[tuple[Buffer, int]]]
MANY, LARGE = 2000, 2**20  # arrays, and bytes from which on a second way to place them is tried


def allocate(
    spans: dict[Buffer, list[int]], frames: list[tuple[int, int, list[tuple[Buffer, int]]]]
) -> tuple[int, list[tuple[Buffer, int]]]:
    """Offsets such that what lives at the same time does not overlap: in the order of birth, or the largest first."""
    wanted: list[Wanted] = []
    for buffer, (first, last) in spans.items():
        wanted.append((first, last, buffer.nbytes, [(buffer, 0)]))
    wanted += [(k, k, size, moves) for k, size, moves in frames if size]
    top, moves = fitted(sorted(wanted, key=lambda w: (w[0], -w[2])))
    if top >= LARGE and len(wanted) <= MANY:  # small arrays in between would keep large ones from places that are free
        other, others = fitted(sorted(wanted, key=lambda w: (-w[2], w[0])), in_time=False)
        if other < top:
            return other, others
    return top, moves


def fitted(wanted: list[Wanted], in_time: bool = True) -> tuple[int, list[tuple[Buffer, int]]]:
    """Each at the lowest place that is free while it lives. in_time: they come in the order of birth."""
    live: list[tuple[int, int, int, int]] = []  # offset, end, first and last node
    top = 0
    moves: list[tuple[Buffer, int]] = []
    for first, last, size, inside in wanted:
        if in_time:
            live = sorted(x for x in live if x[3] >= first)
        offset = 0
        for start, end, begin, until in live:
            if until < first or begin > last:
                continue
            if start - offset >= size:
                break
            offset = max(offset, end)
        end = offset + padded(size)
        bisect.insort(live, (offset, end, first, last))
        top = max(top, end)
        moves += [(b, offset + at) for b, at in inside]
    return top, moves
