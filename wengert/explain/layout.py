"""Layered drawing of a directed acyclic graph: which row, which order in the row, which coordinates, which curves.

The method of K. Sugiyama, S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical system structures",
IEEE Transactions on Systems, Man and Cybernetics 11(2), 1981, 109-125, in its four steps:

    rows          longest path; a node that may move goes where its edges are shortest         `rows_of`
    dummies       an edge over several rows runs through a point of no width in each of them    `Drawing`
    order         barycentres, down and up, then exchanges of neighbours; the fewest crossings  `ordered`
    coordinates   Brandes and Köpf                                                              `coordinates.py`

Nothing here knows what is drawn: nodes are numbers, with a width and a height. The result depends on its arguments
alone.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .coordinates import horizontal

Edge = tuple[int, int]
Point = tuple[float, float]

GAP = 26.0  # between neighbours in a row, in pixels, as all lengths here
ROW_GAP = 34.0  # between rows
LINE_GAP = 12.0  # between lines that run beside one another
SWEEPS = 12  # down and up again; more did not reduce crossings in graphs of some sixty nodes


class Layout(NamedTuple):
    """Centres of the nodes, a polyline for each edge (top to bottom), and the size of the whole."""

    centres: list[Point]
    paths: list[list[Point]]
    width: float
    height: float


def layout(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], columns: Sequence[int] = (), widest: int = 9
) -> Layout:
    """Place nodes of these sizes (width, height), the first of each edge above the second.

    columns: nodes of a smaller column stand left of those of a larger one, in every row; lines from one column to
    another run between the two. widest: rows of more nodes than this are broken into several.
    """
    if not sizes:
        return Layout([], [], 0.0, 0.0)
    rows = narrowed(rows_of(len(sizes), edges), widest)
    drawing = Drawing(sizes, edges, columns or [0] * len(sizes), rows)
    drawing.rows = ordered(drawing)
    return drawing.placed()


# rows ------------------------------------------------------------------------------------------------------------
def neighbours(count: int, edges: Sequence[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    """The nodes above and below each node."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        below[a].append(b)
        above[b].append(a)
    return above, below


def topological(above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> list[int]:
    """The nodes, each after all that are above it (Kahn)."""
    waits = [len(a) for a in above]
    order = [v for v, n in enumerate(waits) if n == 0]
    for v in order:
        for w in below[v]:
            waits[w] -= 1
            if waits[w] == 0:
                order.append(w)
    assert len(order) == len(above), "a graph that is drawn in layers has no cycle"
    return order


def rows_of(count: int, edges: Sequence[Edge]) -> list[int]:
    """A row for each node: the longest path to it; then down, where no more edges get longer than shorter."""
    above, below = neighbours(count, edges)
    order = topological(above, below)
    rows = [0] * count
    for v in order:
        rows[v] = max((rows[u] + 1 for u in above[v]), default=0)
    for v in reversed(order):
        if below[v] and len(below[v]) >= len(above[v]):
            rows[v] = min(rows[w] for w in below[v]) - 1
    return rows


def narrowed(rows: Sequence[int], widest: int) -> list[int]:
    """Rows of more than `widest` nodes are broken into as many as it takes, about equally full."""
    members: list[list[int]] = [[] for _ in range(max(rows) + 1)]
    for v, row in enumerate(rows):
        members[row].append(v)
    result = [0] * len(rows)
    first = 0
    for nodes in members:
        parts = max(1, -(-len(nodes) // widest))
        for k, v in enumerate(nodes):
            result[v] = first + k * parts // len(nodes)
        first += parts
    return result


# dummies ---------------------------------------------------------------------------------------------------------
class Drawing:
    """A graph whose edges lead from each row to the next: long ones through dummies, which edges of one top share."""

    def __init__(
        self, sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], columns: Sequence[int], rows: Sequence[int]
    ) -> None:
        self.real = len(sizes)
        self.sizes, self.row_of, self.columns = list(sizes), list(rows), [2 * c for c in columns]
        self.chains: list[list[int]] = []  # for each edge its nodes from top to bottom
        self.steps: dict[Edge, None] = {}
        dummies: dict[tuple[int, int, int], int] = {}
        for a, b in edges:
            between = columns[a] + columns[b]  # an odd number, if columns are neighbours
            chain = [a]
            for row in range(rows[a] + 1, rows[b]):
                key = (a, row, between)
                if key not in dummies:
                    dummies[key] = self.dummy(row, between)
                chain.append(dummies[key])
            chain.append(b)
            self.chains.append(chain)
            self.steps.update(dict.fromkeys(pairwise(chain)))
        self.above, self.below = neighbours(len(self.sizes), list(self.steps))
        self.rows: list[list[int]] = [[] for _ in range(max(rows) + 1)]
        for v in self.first_order():
            self.rows[self.row_of[v]].append(v)

    def dummy(self, row: int, column: int) -> int:
        """A new point of a line in this row."""
        self.sizes.append((0.0, 0.0))
        self.row_of.append(row)
        self.columns.append(column)
        return len(self.sizes) - 1

    def first_order(self) -> list[int]:
        """Depth first from the top, in the order of the nodes, so that what belongs together starts together."""
        seen = [False] * len(self.sizes)
        order: list[int] = []
        stack = [v for v in reversed(range(len(self.sizes))) if not self.above[v]]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = True
                order.append(v)
                stack += reversed(self.below[v])
        return sorted(order, key=lambda v: self.columns[v])

    def separation(self, u: int, v: int) -> float:
        """The least distance of the centres of two neighbours in a row."""
        gap = LINE_GAP if u >= self.real and v >= self.real else GAP
        return (self.sizes[u][0] + self.sizes[v][0]) / 2 + gap

    def placed(self) -> Layout:
        """Coordinates: x by Brandes and Köpf, y row by row; from the top left corner at (0, 0)."""
        xs = horizontal(self.rows, self.above, self.below, self.real, self.separation)
        left = min(x - w / 2 for x, (w, _) in zip(xs, self.sizes, strict=True))
        xs = [x - left for x in xs]
        tops: list[float] = []
        heights = [max(self.sizes[v][1] for v in row) for row in self.rows]
        y = 0.0
        for k, height in enumerate(heights):
            tops.append(y)
            y += height + self.space_below(k, xs)
        centres = [(xs[v], tops[r] + heights[r] / 2) for v, r in enumerate(self.row_of)]
        ports = self.ports(xs)
        paths = [self.path(chain, centres, tops, heights, ports) for chain in self.chains]
        width = max(x + w / 2 for x, (w, _) in zip(xs, self.sizes, strict=True))
        return Layout(centres[: self.real], paths, width, tops[-1] + heights[-1])

    def space_below(self, row: int, xs: Sequence[float]) -> float:
        """Between this row and the next: more where lines go far to the side, so that they stay apart."""
        aside = max((abs(xs[u] - xs[v]) for u in self.rows[row] for v in self.below[u]), default=0.0)
        return ROW_GAP + min(40.0, 0.06 * aside)

    def ports(self, xs: Sequence[float]) -> dict[tuple[int, int], float]:
        """Where the step from u to v leaves u, (u, v), and where it reaches v, (v, u): side by side, as ends lie."""
        ports: dict[tuple[int, int], float] = {}
        for v in range(self.real):
            for others in (self.above[v], self.below[v]):
                step = min(18.0, 0.6 * self.sizes[v][0] / max(1, len(others)))
                for k, u in enumerate(sorted(others, key=lambda u: xs[u])):
                    ports[v, u] = xs[v] + (k - (len(others) - 1) / 2) * step
        return ports

    def path(
        self,
        chain: Sequence[int],
        centres: Sequence[Point],
        tops: Sequence[float],
        heights: Sequence[float],
        ports: dict[tuple[int, int], float],
    ) -> list[Point]:
        """From the lower edge of the first node, straight through the rows between, to the upper edge of the last."""
        a, b = chain[0], chain[-1]
        points = [(ports[a, chain[1]], centres[a][1] + self.sizes[a][1] / 2)]
        for v in chain[1:-1]:
            x, row = centres[v][0], self.row_of[v]
            points += [(x, tops[row]), (x, tops[row] + heights[row])]
        return [*points, (ports[b, chain[-2]], centres[b][1] - self.sizes[b][1] / 2)]


# order -----------------------------------------------------------------------------------------------------------
def ordered(drawing: Drawing) -> list[list[int]]:
    """The order within the rows with the fewest crossings that barycentres and exchanges of neighbours find."""
    rows = [list(row) for row in drawing.rows]
    best, fewest = rows, crossings(rows, drawing.below)
    for sweep in range(2 * SWEEPS):
        if fewest == 0:
            break
        downwards = sweep % 2 == 0
        fixed = drawing.above if downwards else drawing.below
        rows = [list(row) for row in rows]
        for k in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
            rows[k] = by_barycentre(rows[k], rows[k - 1 if downwards else k + 1], fixed, drawing.columns)
        exchange(rows, drawing)
        count = crossings(rows, drawing.below)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    return best


def by_barycentre(
    row: Sequence[int], fixed: Sequence[int], near: Sequence[Sequence[int]], columns: Sequence[int]
) -> list[int]:
    """The row, each node at the mean position of its neighbours in the fixed one; those without any stay in place."""
    position = {v: k for k, v in enumerate(fixed)}
    mean = {v: sum(position[u] for u in near[v]) / len(near[v]) for v in row if near[v]}
    moved = iter(sorted(mean, key=lambda v: (columns[v], mean[v])))
    result = [next(moved) if v in mean else v for v in row]
    return sorted(result, key=lambda v: columns[v])


def exchange(rows: list[list[int]], drawing: Drawing) -> None:
    """Exchange neighbours while that makes fewer crossings."""
    position = {v: k for row in rows for k, v in enumerate(row)}
    better = True
    while better:
        better = False
        for row in rows:
            for k in range(len(row) - 1):
                u, v = row[k], row[k + 1]
                if drawing.columns[u] != drawing.columns[v]:
                    continue
                gain = 0
                for near in (drawing.above, drawing.below):
                    a = sorted(position[w] for w in near[u])
                    b = sorted(position[w] for w in near[v])
                    gain += pairs_crossing(a, b) - pairs_crossing(b, a)
                if gain > 0:
                    row[k], row[k + 1] = v, u
                    position[u], position[v] = k + 1, k
                    better = True


def pairs_crossing(left: Sequence[int], right: Sequence[int]) -> int:
    """Crossings of the edges of two neighbours, whose other ends have these positions in order."""
    return sum(len(left) - bisect_right(left, p) for p in right)


def crossings(rows: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """The number of pairs of edges that cross."""
    total = 0
    for upper, lower in pairwise(rows):
        position = {v: k for k, v in enumerate(lower)}
        seen: list[int] = []
        for u in upper:
            ends = sorted(position[v] for v in below[u])
            total += sum(len(seen) - bisect_right(seen, p) for p in ends)
            for p in ends:
                insort(seen, p)
    return total
