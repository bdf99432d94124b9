"""Matrices with a pattern known before their values: products and sums of them, and what those cost; remembered."""

from __future__ import annotations

from typing import Any

import numpy as np

Indices = np.ndarray[Any, Any]


class Pattern:
    """Which entries of an (m, n) matrix may be other than zero: their rows and columns, sorted."""

    __slots__ = ("cols", "m", "n", "rows")

    def __init__(self, m: int, n: int, rows: Indices, cols: Indices) -> None:
        self.m, self.n, self.rows, self.cols = m, n, rows, cols

    @property
    def nnz(self) -> int:
        """The number of entries."""
        return self.rows.size

    @property
    def dense(self) -> bool:
        """Is every entry there?"""
        return self.nnz == self.m * self.n

    @property
    def kind(self) -> str:
        """scalar, dense, diagonal, selection (one entry a row), spread (one entry a column) or sparse."""
        if self.m == self.n == self.nnz == 1:
            return "scalar"
        if self.m == self.n == self.nnz and np.array_equal(self.rows, self.cols):
            return "diagonal"
        if self.nnz == np.unique(self.rows).size:
            return "selection"
        if self.nnz == np.unique(self.cols).size:
            return "spread"
        return "dense" if self.dense else "sparse"


class Local:
    """A Jacobian before its values are there: its pattern, and its entries where these are constants.

    unit: 1 or -1 where every entry is that number, so that a product with it multiplies nothing; else 0.
    """

    __slots__ = ("constant", "pattern", "unit")

    def __init__(self, pattern: Pattern, constant: np.ndarray | None) -> None:
        self.pattern, self.constant = pattern, constant
        self.unit = 0
        if constant is not None and constant.size:
            self.unit = 1 if np.all(constant == 1) else -1 if np.all(constant == -1) else 0


class Product:
    """How C = B A is computed: C's entries are sums over pairs of entries of B and A.

    left, right: the entries of each pair, pairs sorted by the entry of C that they belong to (`into`). multiplications:
    what is really multiplied; pairs: what there would be to multiply if no entry were a constant.
    """

    __slots__ = ("additions", "into", "left", "matmul", "multiplications", "pairs", "result", "right")

    def __init__(self, b: Local, a: Local, algebra: Algebra) -> None:
        p, q = b.pattern, a.pattern
        self.matmul = p.dense and q.dense and p.n > 1 and b.constant is None and a.constant is None
        if self.matmul:
            self.pairs, nnz = p.m * p.n * q.n, p.m * q.n
            pattern = algebra.full(p.m, q.n)
        else:
            pattern = self.join(p, q, algebra)
            self.pairs, nnz = self.left.size, pattern.nnz
        constant = None
        if b.constant is not None and a.constant is not None:
            terms = b.constant[self.left] * a.constant[self.right]
            constant = np.bincount(self.into, terms, pattern.nnz)
        self.result = algebra.local(pattern, constant)
        folded = constant is not None
        self.multiplications = 0 if folded or b.unit or a.unit else self.pairs
        self.additions = 0 if folded else self.pairs - nnz

    def join(self, p: Pattern, q: Pattern, algebra: Algebra) -> Pattern:
        """Find the pairs (r, k) of B and (k, c) of A."""
        starts = np.searchsorted(q.rows, np.arange(q.m + 1))
        counts = (starts[1:] - starts[:-1])[p.cols]
        left = np.repeat(np.arange(p.nnz), counts)
        first = np.cumsum(counts) - counts
        right = np.arange(left.size) - first[left] + starts[p.cols][left]
        keys, into = np.unique(p.rows[left] * q.n + q.cols[right], return_inverse=True)
        order = np.argsort(into, kind="stable")
        self.left, self.right, self.into = left[order], right[order], into[order]
        return algebra.pattern(p.m, q.n, keys // max(q.n, 1), keys % max(q.n, 1))


class Sum:
    """How C = A + B is computed: where the entries of C stand in A and in B, and their number where they do not."""

    __slots__ = ("additions", "disjoint", "in_a", "in_b", "result", "same")

    def __init__(self, a: Local, b: Local, algebra: Algebra) -> None:
        p, q = a.pattern, b.pattern
        self.same = p is q
        key_a, key_b = p.rows * p.n + p.cols, q.rows * q.n + q.cols
        keys = key_a if self.same else np.union1d(key_a, key_b)
        self.in_a, self.in_b = _places(keys, key_a), _places(keys, key_b)
        self.disjoint = keys.size == key_a.size + key_b.size
        constant = None
        if a.constant is not None and b.constant is not None:
            constant = np.append(a.constant, 0.0)[self.in_a] + np.append(b.constant, 0.0)[self.in_b]
        self.additions = 0 if constant is not None or self.disjoint else keys.size
        n = max(p.n, 1)
        self.result = algebra.local(p if self.same else algebra.pattern(p.m, p.n, keys // n, keys % n), constant)


def _places(keys: Indices, own: Indices) -> Indices:
    found = np.searchsorted(own, keys)
    there = own[np.minimum(found, own.size - 1)] == keys if own.size else np.zeros(keys.size, bool)
    return np.where(there, found, own.size)


class Algebra:
    """Equal patterns and equal constants are one object here; products and sums of objects are found once."""

    def __init__(self) -> None:
        self.patterns: dict[Any, Pattern] = {}
        self.locals: dict[Any, Local] = {}
        self.products: dict[tuple[Local, Local], Product] = {}
        self.sums: dict[tuple[Local, Local], Sum] = {}

    def pattern(self, m: int, n: int, rows: Indices, cols: Indices) -> Pattern:
        """The pattern with these entries, which are sorted by row, then by column."""
        rows, cols = np.asarray(rows, np.int64), np.asarray(cols, np.int64)
        key = (m, n, rows.tobytes(), cols.tobytes())
        if key not in self.patterns:
            self.patterns[key] = Pattern(m, n, rows, cols)
        return self.patterns[key]

    def full(self, m: int, n: int) -> Pattern:
        """The pattern of a dense matrix."""
        key = (m, n)
        if key not in self.patterns:
            self.patterns[key] = self.pattern(m, n, np.repeat(np.arange(m), n), np.tile(np.arange(n), m))
        return self.patterns[key]

    def local(self, pattern: Pattern, constant: np.ndarray | None = None) -> Local:
        """A matrix of this pattern; entries that are constantly zero are not in it."""
        if constant is not None and not np.all(constant):
            on = constant != 0
            pattern, constant = self.pattern(pattern.m, pattern.n, pattern.rows[on], pattern.cols[on]), constant[on]
        key = (pattern, None if constant is None else constant.tobytes())
        if key not in self.locals:
            self.locals[key] = Local(pattern, constant)
        return self.locals[key]

    def product(self, b: Local, a: Local) -> Product:
        """B A."""
        found = self.products.get((b, a))
        if found is None:
            found = self.products[b, a] = Product(b, a, self)
        return found

    def sum(self, a: Local, b: Local) -> Sum:
        """A + B."""
        found = self.sums.get((a, b))
        if found is None:
            found = self.sums[a, b] = Sum(a, b, self)
        return found
