"""Colouring of the rows and columns of a pattern: those of one colour are computed together.

Columns that share a row differ in colour (Curtis, Powell, Reid 1974): then each entry of J S, with a column of S for
each colour, is one entry of J. The greedy colouring takes the vertices in some order and gives each the smallest colour
that is free; the orders are those of Gebremedhin, Manne, Pothen, "What color is your Jacobian?", SIAM Review 47 (2005).
A set of colours is one Python integer, bit by bit, so that a colouring takes one operation an entry.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .orders import ORDERS, ordered


class Bipartite(NamedTuple):
    """Colours of rows and columns from 0 on; -1 for what is computed by none.

    Entry (i, j) is found in the product of column j's colour if no other column of that colour meets row i, else in
    that of row i's colour: one of the two holds for each.
    """

    rows: Any
    columns: Any

    @property
    def numbers(self) -> tuple[int, int]:
        """Colours of rows, colours of columns."""
        return int(self.rows.max(initial=-1)) + 1, int(self.columns.max(initial=-1)) + 1


def colour_columns(pattern: Any, order: str = "auto") -> Any:
    """Colours of the columns of a CSR pattern; with "auto", of the best of several orders."""
    best = None
    bound = int(np.diff(pattern.indptr).max(initial=0))
    for name in ORDERS if order == "auto" else (order,):
        vertices = ordered(pattern, name)
        if vertices is None:
            continue  # its graph is too large for this order
        found = greedy(pattern, vertices)
        if best is None or found.max(initial=-1) < best.max(initial=-1):
            best = found
        if best.max(initial=-1) + 1 <= bound:
            break  # columns of one row all differ: there is no better
    return best


def greedy(pattern: Any, vertices: Any) -> Any:
    """The smallest free colour for each column in turn. Columns without entries have none: -1."""
    by_column = pattern.tocsc()
    starts, rows = by_column.indptr.tolist(), by_column.indices.tolist()
    taken = [0] * pattern.shape[0]  # of each row: the colours of its columns
    colours = [-1] * pattern.shape[1]
    for j in vertices.tolist():
        mine = rows[starts[j] : starts[j + 1]]
        used = 0
        for i in mine:
            used |= taken[i]
        free = ~used & (used + 1)  # the lowest bit that is not set
        for i in mine:
            taken[i] |= free
        if mine:
            colours[j] = free.bit_length() - 1
    return np.array(colours, np.int64)


def colour(pattern: Any, mode: str, order: str = "auto", weight: float = 1.0) -> Bipartite:
    """Columns, rows, both, or the cheapest of these. weight: the cost of a row's product against a column's."""
    m, n = pattern.shape
    none_m, none_n = np.full(m, -1), np.full(n, -1)
    if mode == "columns":
        return Bipartite(none_m, colour_columns(pattern, order))
    if mode == "rows":
        return Bipartite(colour_columns(pattern.T.tocsr(), order), none_n)
    if mode == "both":
        ways = [both(pattern, order, weight), both_transposed(pattern, order, weight)]
    else:
        ways = [colour(pattern, each, order, weight) for each in ("columns", "rows")]
        if min(cost(way, weight) for way in ways) > 4:
            ways.append(colour(pattern, "both", order, weight))
    return min(ways, key=lambda way: cost(way, weight))


def cost(way: Bipartite, weight: float) -> float:
    """Products with J and, each `weight` times as dear, with its transpose."""
    rows, columns = way.numbers
    return columns + weight * rows


def both(pattern: Any, order: str, weight: float) -> Bipartite:
    """A star bicolouring: the longest rows by row products, what remains by column products.

    How many rows is decided by bounds from below: the longest row that remains, and the fullest column of those taken.
    """
    m, n = pattern.shape
    lengths = np.diff(pattern.indptr)
    longest = np.argsort(-lengths, kind="stable")
    counts = np.zeros(n, int)
    best, taken, fullest = float(lengths.max(initial=0)), 0, 0
    for k, i in enumerate(longest[:LONGEST].tolist(), 1):
        mine = pattern.indices[pattern.indptr[i] : pattern.indptr[i + 1]]
        counts[mine] += 1
        fullest = max(fullest, int(counts[mine].max(initial=0)))
        remains = float(lengths[longest[k]]) if k < m else 0.0
        if remains + weight * fullest < best:
            best, taken = remains + weight * fullest, k
    rows = np.zeros(m, bool)
    rows[longest[:taken]] = True
    colours = np.full(m, -1)
    if taken:
        colours[rows] = colour_columns(pattern[np.flatnonzero(rows)].T.tocsr(), order)
    return Bipartite(colours, colour_columns(without(pattern, rows), order))


LONGEST = 2000  # rows that may be taken out: those that are long among short ones are few


def both_transposed(pattern: Any, order: str, weight: float) -> Bipartite:
    """The same with the fullest columns taken out."""
    found = both(pattern.T.tocsr(), order, 1 / weight)
    return Bipartite(found.columns, found.rows)


def without(pattern: Any, rows: Any) -> Any:
    """The pattern with these rows emptied."""
    keep = np.repeat(~rows, np.diff(pattern.indptr))
    lengths = np.where(rows, 0, np.diff(pattern.indptr))
    made = pattern.copy()
    made.data, made.indices = pattern.data[keep], pattern.indices[keep]
    made.indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(pattern.indptr.dtype)
    return made
