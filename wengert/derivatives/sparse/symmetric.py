"""Colouring of symmetric patterns, which needs fewer colours than that of their columns: an entry is found in its own
column's product or in its mirror image's.

Star colouring: neighbours differ, and no path of four vertices has only two colours; each entry is then read off
directly (Coleman and More 1984). Acyclic colouring: neighbours differ, and no cycle has only two colours; entries of
two colours form trees, and are found from the leaves inwards by substitution (Coleman and Cai 1986). Greedy algorithms
in the manner of Gebremedhin, Tarafdar, Manne and Pothen, SIAM J. Sci. Comput. 29 (2007), with sets of colours as
integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .orders import ORDERS, ordered


def colour_symmetric(pattern: Any, kind: str, order: str = "auto") -> Any:
    """Colours of the vertices of a symmetric pattern, -1 for those without entries."""
    greedy = {"star": star, "acyclic": acyclic}[kind]
    best = None
    bound = fewest(pattern, kind)
    for name in ORDERS if order == "auto" else (order,):
        vertices = ordered(pattern, name)
        if vertices is None:
            continue
        found = greedy(pattern, vertices)
        if best is None or found.max(initial=-1) < best.max(initial=-1):
            best = found
        if best.max(initial=-1) + 1 <= bound or pattern.nnz > LARGE:
            break
    return best


LARGE = 10**6  # entries beyond which one order must do


def fewest(pattern: Any, kind: str) -> int:
    """A number of colours that no colouring is below: an edge needs two; three need an edge whose ends both have other
    neighbours (a path of four vertices, or a triangle), if the colouring is to be a star colouring."""
    i, j = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)), pattern.indices
    i, j = i[i != j], j[i != j]
    degree = np.bincount(i, minlength=pattern.shape[0])
    return 1 + bool(i.size) + bool(kind == "star" and ((degree[i] > 1) & (degree[j] > 1)).any())


def star(pattern: Any, vertices: Any) -> Any:
    """Greedy star colouring, in time proportional to the entries.

    For each vertex x are kept: `around`, the colours of its neighbours; `first[x][c]`, its one neighbour of colour c,
    or -1 if it has several (x is the hub of a star); `hubs`, the colours of neighbours that are hubs of a star which
    holds x. A vertex v next to w may not have a colour in hubs[w] (v - w - hub - another leaf would be a path of two
    colours), nor, if v has two neighbours w of one colour, a colour in around[w].
    """
    starts, neighbours = pattern.indptr.tolist(), pattern.indices.tolist()
    n = pattern.shape[0]
    colours, around, hubs = [-1] * n, [0] * n, [0] * n
    first: list[dict[int, int]] = [{} for _ in range(n)]
    for v in vertices.tolist():
        mine = [w for w in neighbours[starts[v] : starts[v + 1]] if w != v]
        if starts[v] == starts[v + 1]:
            continue
        forbidden = around[v]
        for w in mine:
            c = colours[w]
            if c >= 0:
                forbidden |= hubs[w]
                if first[v][c] < 0:
                    forbidden |= around[w]
        free = ~forbidden & (forbidden + 1)
        colours[v] = mine_colour = free.bit_length() - 1
        for w in mine:
            _join(first, hubs, colours, around, v, w, mine_colour, free)
    return np.array(colours, np.int64)


def _join(first: Any, hubs: Any, colours: Any, around: Any, v: int, w: int, colour: int, bit: int) -> None:
    """Vertex v, just coloured, as a neighbour of w; and w as a leaf of v where v is a hub."""
    around[w] |= bit
    leaf = first[w].get(colour)
    first[w][colour] = v if leaf is None else -1
    if colours[w] < 0:
        return
    own = 1 << colours[w]
    if leaf is not None:  # w is the hub of a star that holds v, and perhaps just became one
        hubs[v] |= own
        if leaf >= 0:
            hubs[leaf] |= own
    if first[v][colours[w]] < 0:
        hubs[w] |= bit


def acyclic(pattern: Any, vertices: Any) -> Any:
    """Greedy acyclic colouring: v may have colour c if, of each other colour, its neighbours lie in different trees.

    The trees of two colours are kept as disjoint sets; (w, c) is w's place in the trees of its own colour and c.
    """
    starts, neighbours = pattern.indptr.tolist(), pattern.indices.tolist()
    colours = [-1] * pattern.shape[0]
    parent: dict[tuple[int, int], tuple[int, int]] = {}
    for v in vertices.tolist():
        mine = [w for w in neighbours[starts[v] : starts[v + 1]] if w != v and colours[w] >= 0]
        if starts[v] == starts[v + 1]:
            continue
        taken = {colours[w] for w in mine}
        c = 0
        while c in taken or not _apart(parent, mine, colours, c):
            c += 1
        colours[v] = c
        for w in mine:
            parent[_root(parent, (w, c))] = _root(parent, (v, colours[w]))
    return np.array(colours, np.int64)


def _apart(parent: dict[Any, Any], mine: list[int], colours: list[int], c: int) -> bool:
    """Do neighbours of one colour lie in different trees of that colour and c?"""
    seen = set()
    for w in mine:
        key = colours[w], _root(parent, (w, c))
        if key in seen:
            return False
        seen.add(key)
    return True


def _root(parent: dict[Any, Any], x: tuple[int, int]) -> tuple[int, int]:
    """The representative of a tree, with the path to it shortened."""
    top = x
    while (up := parent.get(top, top)) != top:
        top = up
    while x != top:
        parent[x], x = top, parent.get(x, top)
    return top
