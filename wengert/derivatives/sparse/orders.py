"""Orders in which greedy colourings take the vertices: natural, largest first, smallest last, incidence degree.

Two columns are neighbours if they share a row. The two static orders need the number of neighbours only, the two
dynamic ones (Matula and Beck 1983; Coleman and More 1983) the graph itself, in time proportional to its edges.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ORDERS = ("natural", "largest first", "smallest last", "incidence degree")
EDGES = 10**7  # beyond so many edges of the graph of columns the dynamic orders are not tried


def ordered(pattern: Any, name: str) -> Any:
    """The columns of a pattern in this order; None where its graph is too large."""
    n = pattern.shape[1]
    if name == "natural":
        return np.arange(n)
    if name == "largest first":
        return np.argsort(-degrees(pattern), kind="stable")
    lengths = np.diff(pattern.indptr).astype(float)
    if lengths @ lengths > EDGES:
        return None
    return dynamic(pattern.T.tocsr() @ pattern, name)


def degrees(pattern: Any) -> Any:
    """For each column, its neighbours counted once for each row shared."""
    lengths = np.diff(pattern.indptr)
    return np.bincount(pattern.indices, np.repeat(lengths, lengths), pattern.shape[1])


def dynamic(graph: Any, name: str) -> Any:
    """Smallest last: the vertex of least degree among those left goes last. Incidence degree: next goes the vertex with
    the most neighbours that have gone before."""
    n = graph.shape[0]
    starts, neighbours = graph.indptr.tolist(), graph.indices.tolist()
    smallest = name == "smallest last"
    degree = np.diff(graph.indptr).tolist() if smallest else [0] * n
    buckets: list[list[int]] = [[] for _ in range(max(map(int, np.diff(graph.indptr)), default=0) + 2)]
    for v in range(n):
        buckets[degree[v]].append(v)
    step = -1 if smallest else 1
    at = 0 if smallest else len(buckets) - 1
    gone, order = [False] * n, []
    for _ in range(n):
        v = -1
        while v < 0:
            while not buckets[at]:
                at -= step
            v = buckets[at].pop()
            if gone[v] or degree[v] != at:
                v = -1  # an old entry: it has been put elsewhere since
        gone[v] = True
        order.append(v)
        for w in neighbours[starts[v] : starts[v + 1]]:
            if not gone[w]:
                degree[w] += step
                buckets[degree[w]].append(w)
        at = max(at - 1, 0) if smallest else min(at + 1, len(buckets) - 1)
    return np.array(order[::-1] if smallest else order, np.int64)
