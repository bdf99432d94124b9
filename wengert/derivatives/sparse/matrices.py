"""Sparse matrices made of entries: the layout of each block is found once, a call only fills it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp


class Layout:
    """A pattern cut at the ends of leaves: for each block its matrix, and which entries of the pattern are its own.

    The matrices of all calls share the arrays of their indices, which are half of what a matrix holds. They are
    read-only, so that nothing done to one matrix changes another: `A.eliminate_zeros()` wants `A.copy()` first.
    """

    def __init__(self, pattern: Any, heights: Sequence[int], widths: Sequence[int]) -> None:
        numbers = np.arange(1, pattern.nnz + 1)  # from 1 on: a cut leaves out what is zero
        whole = sp.csr_array((numbers, pattern.indices.copy(), pattern.indptr.copy()), shape=pattern.shape)
        self.rows = [[self.block(part, pattern.nnz) for part in row] for row in cut(whole, heights, widths)]

    @staticmethod
    def block(part: Any, nnz: int) -> tuple[Any, Any]:
        """A block, and the places of its entries (None: all of them, in order)."""
        assert part.has_canonical_format, "patterns are sorted"  # looked at once, kept with the matrix
        part.indices.flags.writeable = part.indptr.flags.writeable = False
        return part, None if part.nnz == nnz else part.data - 1

    def filled(self, entries: Any) -> list[list[Any]]:
        """The blocks with these entries."""
        return [[with_entries(part, entries if at is None else entries[at]) for part, at in row] for row in self.rows]


def with_entries(matrix: Any, entries: Any) -> Any:
    """A matrix of the same pattern with other entries; ten times faster than to make one from its arrays.

    SciPy has no sparse matrices of half precision: they become single precision, which is exact.
    """
    made = copy.copy(matrix)
    made.data = entries.astype(np.float32) if entries.dtype == np.float16 else entries
    return made


def cut(A: Any, heights: Sequence[int], widths: Sequence[int]) -> list[list[Any]]:
    """The matrix cut at the ends of leaves."""
    if len(heights) == len(widths) == 1:
        return [[A]]
    ends, sides = (np.cumsum([0, *sizes]).tolist() for sizes in (heights, widths))
    return [
        [A[a : a + m, b : b + n] for b, n in zip(sides, widths, strict=False)]
        for a, m in zip(ends, heights, strict=False)
    ]
