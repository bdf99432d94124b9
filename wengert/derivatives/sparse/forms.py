"""What a pattern looks like: its bandwidth, the blocks that it falls into, and its form in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph

FILLED = 2  # a band is at most so many times as wide as the longest row in it


def places(pattern: Any) -> tuple[Any, Any]:
    """Row and column of each entry, in CSR order."""
    return np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)), pattern.indices


def bandwidth(pattern: Any) -> tuple[int, int]:
    """How far the entries reach below and above the diagonal."""
    i, j = places(pattern)
    below = i - j
    return int(below.max(initial=0)), int((-below).max(initial=0))


def block_labels(pattern: Any) -> tuple[int, Any, Any]:
    """How many blocks there are; of each row and each column the block that it is in, -1 without entries."""
    m, n = pattern.shape
    i, j = places(pattern)
    graph = sp.coo_array((np.ones(i.size, bool), (i, m + j.astype(np.int64))), shape=(m + n, m + n))
    _, labels = scipy.sparse.csgraph.connected_components(graph, directed=False)
    used = np.zeros(m + n, bool)
    used[i] = used[m + j] = True
    found, first, numbers = np.unique(labels[used], return_index=True, return_inverse=True)
    in_order = np.empty(found.size, np.int64)
    in_order[np.argsort(first)] = np.arange(found.size)  # blocks in the order of their first rows
    all_labels = np.full(m + n, -1)
    all_labels[used] = in_order[numbers]
    return found.size, all_labels[:m], all_labels[m:]


def blocks(pattern: Any) -> list[tuple[Any, Any]]:
    """The rows and columns of each block."""
    count, *labels = block_labels(pattern)
    rows, columns = (members(each, count) for each in labels)
    return list(zip(rows, columns, strict=True))


def members(labels: Any, count: int) -> list[Any]:
    """The places of each label from 0 to count - 1."""
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    sizes = np.bincount(labels[order], minlength=count)
    return np.split(order, np.cumsum(sizes)[:-1]) if count else []


def form_of(structure: Any) -> str:
    """The form in words: the first of these that it has."""
    pattern = structure.pattern
    m, n = pattern.shape
    lengths = np.diff(pattern.indptr)
    longest = int(lengths.max(initial=0))
    below, above = structure.bandwidth
    if not pattern.nnz:
        return "empty"
    if pattern.nnz == m * n:
        return "dense"
    if below == above == 0:
        return "diagonal"
    found = block_form(pattern)
    if found:
        return found
    if below + above + 1 <= FILLED * longest and below + above + 1 < max(m, n):
        return f"banded, {below} below and {above} above the diagonal"
    return f"rows of at most {longest}, columns of at most {int(np.bincount(pattern.indices).max())}"


def block_form(pattern: Any) -> str:
    """How many blocks there are and how large, if there are several."""
    count, rows, columns = block_labels(pattern)
    if count < 2:
        return ""
    sizes = [np.bincount(labels[labels >= 0], minlength=count) for labels in (rows, columns)]
    most = " x ".join(str(int(s.max())) for s in sizes)
    alike = all((s == s[0]).all() for s in sizes)
    return f"{count} blocks of {'' if alike else 'at most '}{most}"
