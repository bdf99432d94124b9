"""Horizontal coordinates of a layered graph: long edges straight, nodes in the middle of their neighbours.

U. Brandes and B. Köpf, "Fast and simple horizontal coordinate assignment", Graph Drawing 2001, LNCS 2265, 31-44, with
the compaction over whole blocks by which U. Brandes, J. Walter and J. Zink ("Erratum", arXiv:2008.01252) mend the
paper's algorithm 3:

    1. mark the edges that would bend a long one               `conflicts` (algorithm 1)
    2. align each node with a median neighbour, into blocks    `aligned` (algorithm 2)
    3. push the blocks together                                `compact`
    4. do so towards each of the four corners; the result is the mean of the two middle values
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

Rows = Sequence[Sequence[int]]
Near = Sequence[Sequence[int]]
Separation = Callable[[int, int], float]
INFINITY = float("inf")


def horizontal(rows: Rows, above: Near, below: Near, real: int, separation: Separation) -> list[float]:
    """x for each node. rows: nodes from left to right; above, below: their neighbours there; dummies: from `real` on.

    separation(u, v): the least distance of two nodes that are neighbours in a row.
    """
    count = sum(len(row) for row in rows)
    marked = conflicts(rows, above, real)
    found = []
    for down in (True, False):
        for left in (True, False):
            seen = [list(row) if left else list(reversed(row)) for row in (rows if down else reversed(rows))]
            root = aligned(seen, above if down else below, marked, count)
            xs = compact(seen, root, separation)
            found.append(xs if left else [-x for x in xs])
    return balanced(found)


def conflicts(rows: Rows, above: Near, real: int) -> set[tuple[int, int]]:
    """Edges (upper, lower) that cross an inner one, which joins two dummies: the long edge shall stay straight."""
    marked: set[tuple[int, int]] = set()
    for upper, lower in pairwise(rows):
        position = {u: k for k, u in enumerate(upper)}
        first, scanned = 0, 0
        for k, v in enumerate(lower):
            inner = next((u for u in above[v] if u >= real), None) if v >= real else None
            if inner is None and k < len(lower) - 1:
                continue
            last = position[inner] if inner is not None else len(upper) - 1
            for w in lower[scanned : k + 1]:
                for u in above[w]:
                    if not first <= position[u] <= last and not (u >= real and w >= real):
                        marked.add((u, w))
            first, scanned = last, k + 1
    return marked


def aligned(rows: Rows, near: Near, marked: set[tuple[int, int]], count: int) -> list[int]:
    """The block of each node, by its topmost: a node joins a median neighbour in the row before it."""
    root = list(range(count))
    position = {v: k for row in rows for k, v in enumerate(row)}
    for row in rows[1:]:
        last = -1
        for v in row:
            others = sorted(near[v], key=lambda u: position[u])
            middle = (len(others) - 1) / 2
            for k in sorted({int(middle), int(middle + 0.5)}) if others else ():
                u = others[k]
                if root[v] == v and last < position[u] and (u, v) not in marked and (v, u) not in marked:
                    root[v] = root[u]
                    last = position[u]
    return root


def compact(rows: Rows, root: Sequence[int], separation: Separation) -> list[float]:
    """The blocks as far left as their neighbours allow; then to the right, towards those that they hold up."""
    right: dict[int, dict[int, float]] = {r: {} for r in root}
    left: dict[int, dict[int, float]] = {r: {} for r in root}
    for row in rows:
        for u, v in pairwise(row):
            distance = max(separation(u, v), right[root[u]].get(root[v], 0.0))
            right[root[u]][root[v]] = left[root[v]][root[u]] = distance
    order = blocks_in_order(left, right)
    x: dict[int, float] = {}
    for block in order:
        x[block] = max((x[b] + d for b, d in left[block].items()), default=0.0)
    for block in reversed(order):
        room = min((x[b] - d for b, d in right[block].items()), default=INFINITY)
        if room < INFINITY:
            x[block] = max(x[block], room)
    return [x[r] for r in root]


def blocks_in_order(left: dict[int, dict[int, float]], right: dict[int, dict[int, float]]) -> list[int]:
    """Each block after those to its left."""
    waits = {b: len(others) for b, others in left.items()}
    order = [b for b, n in waits.items() if n == 0]
    for block in order:
        for b in right[block]:
            waits[b] -= 1
            if waits[b] == 0:
                order.append(b)
    assert len(order) == len(waits), "blocks do not cross"
    return order


def balanced(found: Sequence[Sequence[float]]) -> list[float]:
    """The four results, moved to the narrowest (by its left or right end); of each node the mean of the middle two."""
    widths = [max(xs) - min(xs) for xs in found]
    best = found[widths.index(min(widths))]
    moved = []
    for k, xs in enumerate(found):
        shift = min(best) - min(xs) if k % 2 == 0 else max(best) - max(xs)
        moved.append([x + shift for x in xs])
    middle = (sorted(four)[1:3] for four in zip(*moved, strict=True))
    return [(a + b) / 2 for a, b in middle]
