"""Index sets: for each element of a variable the inputs that it depends on, as rows of a sparse boolean matrix.

None stands for a variable that depends on none. Sums of boolean matrices are unions, products compositions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...core.types import ArrayType
from ...errors import MemoryLimitError

Sets = Any  # scipy.sparse.csr_array of bool, (elements, inputs); or None

MOST = 10**8  # entries of one matrix beyond which a structure is no longer sparse


def boolean(rows: Any, columns: Any, shape: tuple[int, int]) -> Sets:
    """The matrix with entries at these places, which may be repeated."""
    rows, columns = np.ravel(rows), np.ravel(columns)
    check_entries(rows.size)
    return sp.csr_array((np.ones(rows.size, bool), (rows, columns)), shape=shape)


def empty(rows: int, columns: int) -> Sets:
    """Elements that depend on nothing."""
    return sp.csr_array((rows, columns), dtype=bool)


def inputs(start: int, size: int, columns: int) -> Sets:
    """The inputs themselves: element k depends on input start + k."""
    return boolean(np.arange(size), start + np.arange(size), (size, columns))


def check_entries(n: int) -> None:
    """MemoryLimitError where there are too many."""
    if n > MOST:
        raise MemoryLimitError(
            f"the structure of a sparse derivative has {n:.3g} entries or more in one of its steps",
            why=f"a structure of more than {MOST:.0e} entries is dense for every purpose: what is computed on the way "
            "depends on too many inputs, element by element",
            write="wg.jacobian, wg.hvp or wg.hessian; or give the structure: pattern=a scipy.sparse matrix",
        )


def elements(t: ArrayType) -> int:
    """Rows of a variable's sets: its elements; one for all of them where their number is known only in the run."""
    return 1 if any(n < 0 for n in t.shape) else t.size


def union(sets: Iterable[Sets]) -> Sets:
    """Element by element."""
    total = None
    for s in sets:
        if s is not None:
            total = s if total is None else total + s
    return total


def moved(s: Sets, index: Any) -> Sets:
    """Row index[k] as row k; no inputs where index[k] < 0."""
    index = np.ravel(index)
    lengths = np.diff(s.indptr)
    if index.size and (index.min() < 0 or not lengths.size):
        s = sp.vstack([s, empty(1, s.shape[1])], format="csr")
        index = np.where(index < 0, s.shape[0] - 1, index)
        lengths = np.append(lengths, 0)
    check_entries(int(lengths[index].sum()))
    return s[index]


def summed(s: Sets, target: Any, rows: int) -> Sets:
    """Row k united with all others of the same target[k]; those with a negative one are dropped."""
    target = np.ravel(target)
    source = np.flatnonzero(target >= 0)
    return boolean(target[source], source, (rows, s.shape[0])) @ s


def kept(s: Sets, mask: Any) -> Sets:
    """The rows where the mask is true; the others depend on nothing."""
    mask = np.ravel(mask)
    return s if mask.all() else moved(s, np.where(mask, np.arange(mask.size), -1))


def together(sets: Sequence[Sets]) -> Sets:
    """All inputs that any element of any of them depends on, as one row."""
    found = [np.unique(s.indices) for s in sets if s is not None]
    if not found:
        return None
    columns = np.unique(np.concatenate(found))
    width = next(s.shape[1] for s in sets if s is not None)
    return boolean(np.zeros(columns.size, int), columns, (1, width))


def stacked(parts: Sequence[Sets], sizes: Sequence[int], columns: int) -> Sets:
    """One below the other; None are rows without inputs."""
    if all(p is None for p in parts):
        return None
    full = [empty(n, columns) if p is None else p for p, n in zip(parts, sizes, strict=True)]
    return sp.vstack(full, format="csr")
