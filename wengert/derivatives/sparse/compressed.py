"""From colours to entries: the seeds to multiply with, and where in the products each entry is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg

from ...primitives.gather import gather
from ...primitives.join import concatenate
from .structure import Colouring


class Recovery:
    """How the entries of a matrix A are found from compressed products.

    Products s A with the seeds of the rows' colours come first, then products A s with those of the columns'. `place`
    says, for each entry of the pattern in CSR order, where it is among all their elements; for an acyclic colouring
    `solve` is the substitution that follows.
    """

    def __init__(self, colouring: Colouring) -> None:
        self.colouring = colouring
        pattern, way = colouring.structure.pattern, colouring.way
        m, n = pattern.shape
        i, j = np.repeat(np.arange(m), np.diff(pattern.indptr)), pattern.indices.astype(np.int64)
        by_column = alone(way.columns[j], i, m)
        self.solve = None
        if colouring.mode == "star":
            mirrored = alone(way.columns[i], j, m)
            self.place = np.where(by_column, way.columns[j] * m + i, way.columns[i] * m + j)
            by_column |= mirrored
        elif colouring.mode == "acyclic":
            self.place, self.solve = substitution(way.columns, i, j, m)
            by_column[:] = True
        else:
            own = colouring.numbers[0] * n  # elements of the row products
            self.place = np.where(by_column, own + way.columns[j] * m + i, way.rows[i] * n + j)
            by_column |= alone(way.rows[i], j, n)
        assert by_column.all(), "a colouring leaves an entry undetermined"

    def seeds(self) -> tuple[Any, Any]:
        """All seeds: of the products with rows, of those with columns."""
        way = self.colouring.way
        return tuple(seeds(c, 0, k) for c, k in zip((way.rows, way.columns), way.numbers, strict=True))

    def picked(self, parts: Sequence[Any]) -> Any:
        """The entries, from the flat row products and the flat column products; NumPy's or traced."""
        if not parts:
            return np.zeros(self.place.size)
        products = parts[0] if len(parts) == 1 else concatenate(*parts, axis=0)
        return gather(products, self.place, axis=0) if self.solve is None else self.solve(products)


def seeds(colours: Any, start: int, stop: int) -> Any:
    """One row for each colour from start to stop - 1: 1 at the vertices that have it."""
    made = np.zeros((stop - start, colours.size))
    vertices = np.flatnonzero((colours >= start) & (colours < stop))
    made[colours[vertices] - start, vertices] = 1
    return made


def alone(colours: Any, lines: Any, n: int) -> Any:
    """For entries given by the colours of their columns and by their rows: is it the only one of both?"""
    key = (colours + 1) * n + lines
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    return (counts[inverse] == 1) & (colours >= 0)


def substitution(colours: Any, i: Any, j: Any, n: int) -> tuple[Any, Any]:
    """The entries of a symmetric matrix from the leaves of its two-coloured trees inwards.

    At a leaf i of a tree with the colours of i and j, product (colour j, i) is the entry (i, j) and those between i and
    other vertices of j's colour, which were found before: a triangular system, factored once.
    """
    edge, upper = edge_numbers(i, j, n)
    at, order = peeled(colours, i[upper], j[upper], n)
    source = colours[at[1]] * n + at[0]  # the product in which each edge is found: of the colour of its other end
    known = np.empty(order.size, np.int64)
    known[order] = np.arange(order.size)
    found_at = {int(k): e for e, k in enumerate(source.tolist())}
    lookup = [found_at.get(int(k), -1) for k in (colours[j] * n + i).tolist()]
    rows = np.array(lookup, np.int64)
    into = rows >= 0
    system = sp.csc_array((np.ones(into.sum()), (known[rows[into]], known[edge[into]])), shape=(order.size,) * 2)
    factor = scipy.sparse.linalg.splu(system, permc_spec="NATURAL", diag_pivot_thresh=0.0) if order.size else None

    def solve(products: Any) -> Any:
        solved = np.asarray(products)[source[order]]
        return (solved if factor is None else factor.solve(solved))[known[edge]]

    return source[edge], solve


def edge_numbers(i: Any, j: Any, n: int) -> tuple[Any, Any]:
    """For each entry the number of its edge, the same for its mirror image; and a mask of one entry an edge."""
    low, high = np.minimum(i, j), np.maximum(i, j)
    _, first, edge = np.unique(low * n + high, return_index=True, return_inverse=True)
    return edge, first


def peeled(colours: Any, i: Any, j: Any, n: int) -> tuple[Any, Any]:
    """For each edge the end (leaf, other) at which it is found, and an order in which edges are.

    A tree of two colours is peeled from its leaves: a leaf's last remaining edge is found there.
    """
    degree: dict[tuple[int, int], list[int]] = {}  # (vertex, colour of the other end) -> edges
    ends = list(zip(i.tolist(), j.tolist(), strict=True))
    for e, (a, b) in enumerate(ends):
        for v, w in ((a, b), (b, a)) if a != b else ((a, a),):
            degree.setdefault((v, int(colours[w])), []).append(e)
    left = {key: len(edges) for key, edges in degree.items()}
    leaves = [key for key, count in left.items() if count == 1]
    leaf, other, order, done = [0] * len(ends), [0] * len(ends), [], [False] * len(ends)
    while leaves:
        v, c = leaves.pop()
        e = next((e for e in degree[v, c] if not done[e]), -1)
        if e < 0:
            continue
        a, b = ends[e]
        w = b if v == a else a
        done[e], leaf[e], other[e] = True, v, w
        order.append(e)
        key = w, int(colours[v])
        left[key] -= 1
        if left[key] == 1:
            leaves.append(key)
    return (np.array(leaf, np.int64), np.array(other, np.int64)), np.array(order, np.int64)
