"""Linear algebra on small matrices, written out: the elements are values in registers, and nothing is called.

A matrix is a list of rows of values. Rows are exchanged by selection, without branches, so that LLVM can vectorise a
loop over a stack. Factorisations of one matrix that are written twice are found to be the same by LLVM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..emit import complex_ops
from ..emit.values import intrinsic, select
from ..emit.writer import Writer, llvm_type, number

Value = Any  # the name of a value, or a pair of names where it is complex
Rows = list[list[Value]]
Swap = tuple[int, int, str]  # rows i and j are exchanged if the condition holds


class Arithmetic:
    """The operations on values of one dtype; a product and a sum may become one fused operation."""

    def __init__(self, f: Writer, dtype: np.dtype[Any]) -> None:
        self.f, self.dtype, self.complex = f, dtype, dtype.kind == "c"
        self.real = complex_ops.part_of(dtype) if self.complex else dtype
        self.t = llvm_type(dtype)

    def number(self, x: complex) -> Value:
        """A constant."""
        return number(x, self.dtype)

    def do(self, how: str, a: str, b: str) -> str:
        """One operation on real values."""
        return self.f.emit(f"f{how} contract {self.t} {a}, {b}")

    def add(self, a: Value, b: Value) -> Value:
        """a + b."""
        return tuple(self.do("add", x, y) for x, y in zip(a, b, strict=True)) if self.complex else self.do("add", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        """a b."""
        if not self.complex:
            return self.do("mul", a, b)
        ac, bd, ad, bc = (self.do("mul", a[i], b[j]) for i, j in ((0, 0), (1, 1), (0, 1), (1, 0)))
        return self.do("sub", ac, bd), self.do("add", ad, bc)

    def less(self, c: Value, a: Value, b: Value) -> Value:
        """c - a b."""
        if not self.complex:
            return self.do("sub", c, self.do("mul", a, b))
        re = self.do("add", self.do("sub", c[0], self.do("mul", a[0], b[0])), self.do("mul", a[1], b[1]))
        im = self.do("sub", self.do("sub", c[1], self.do("mul", a[0], b[1])), self.do("mul", a[1], b[0]))
        return re, im

    def negative(self, a: Value) -> Value:
        """-a."""
        return (
            tuple(self.f.emit(f"fneg {self.t} {x}") for x in a) if self.complex else self.f.emit(f"fneg {self.t} {a}")
        )

    def conj(self, a: Value) -> Value:
        """The complex conjugate."""
        return (a[0], self.f.emit(f"fneg {self.t} {a[1]}")) if self.complex else a

    def inverse(self, a: Value) -> Value:
        """1 / a."""
        if self.complex:
            return complex_ops.div(self.f, self.dtype, self.number(1), a)
        return self.f.emit(f"fdiv {self.t} {self.number(1)}, {a}")

    def size(self, a: Value) -> str:
        """|a|, or |re a| + |im a|, by which LAPACK compares complex numbers."""
        if not self.complex:
            return intrinsic(self.f, "fabs", self.real, a)
        return self.do("add", *(intrinsic(self.f, "fabs", self.real, x) for x in a))

    def larger(self, a: str, b: str) -> str:
        """Is one size larger than another?"""
        return self.f.emit(f"fcmp ogt {self.t} {a}, {b}")

    def is_zero(self, a: Value) -> str:
        """a = 0."""
        return self.f.emit(f"fcmp oeq {self.t} {self.size(a)}, {number(0, self.real)}")

    def select(self, condition: str, a: Value, b: Value) -> Value:
        """a if the condition holds, else b."""
        return select(self.f, self.dtype, condition, a, b)


def any_of(f: Writer, conditions: Sequence[str]) -> str:
    """Does one of the conditions hold?"""
    found = "false"
    for c in conditions:
        found = c if found == "false" else f.emit(f"or i1 {found}, {c}")
    return found


# LU ----------------------------------------------------------------------------------------------------------------
class LU(NamedTuple):
    """P A = L U. rows: L, its diagonal of ones left out, and U; inverses: of the diagonal of U; singular: is one 1/0?"""

    rows: Rows
    swaps: list[Swap]
    inverses: list[Value]
    singular: str


def exchange(m: Arithmetic, c: str, x: Value, y: Value) -> tuple[Value, Value]:
    """The two values, exchanged if the condition holds."""
    return m.select(c, y, x), m.select(c, x, y)


def lu(m: Arithmetic, rows: Rows) -> LU:
    """By columns, with the largest element of each as its pivot."""
    a, n = [list(r) for r in rows], len(rows)
    swaps: list[Swap] = []
    inverses, zeros = [], []
    for k in range(n):
        best = m.size(a[k][k])
        for i in range(k + 1, n):
            size = m.size(a[i][k])
            c = m.larger(size, best)
            best = select(m.f, m.real, c, size, best)
            swaps.append((k, i, c))
            for j in range(n):
                a[k][j], a[i][j] = exchange(m, c, a[k][j], a[i][j])
        zeros.append(m.is_zero(a[k][k]))
        inverses.append(m.inverse(a[k][k]))
        for i in range(k + 1, n):
            a[i][k] = m.mul(a[i][k], inverses[k])
            for j in range(k + 1, n):
                a[i][j] = m.less(a[i][j], a[i][k], a[k][j])
    return LU(a, swaps, inverses, any_of(m.f, zeros))


def lu_solve(m: Arithmetic, f: LU, b: Sequence[Value], transposed: bool) -> list[Value]:
    """x with A x = b, or A^T x = b."""
    x, n = list(b), len(b)
    if transposed:
        rows = [[f.rows[j][i] for j in range(n)] for i in range(n)]
        x = substituted(m, rows, x, True, f.inverses)
        x = substituted(m, rows, x, False, None)
        for i, j, c in reversed(f.swaps):
            x[i], x[j] = exchange(m, c, x[i], x[j])
        return x
    for i, j, c in f.swaps:
        x[i], x[j] = exchange(m, c, x[i], x[j])
    return substituted(m, f.rows, substituted(m, f.rows, x, True, None), False, f.inverses)


def substituted(m: Arithmetic, rows: Rows, b: Sequence[Value], lower: bool, inverses: Sequence[Value] | None) -> list:
    """x with T x = b for a triangle of the rows. inverses: of its diagonal, or None where that is all ones."""
    x, n = list(b), len(b)
    for i in range(n) if lower else reversed(range(n)):
        for j in range(i) if lower else reversed(range(i + 1, n)):
            x[i] = m.less(x[i], rows[i][j], x[j])
        if inverses is not None:
            x[i] = m.mul(x[i], inverses[i])
    return x


def odd(m: Arithmetic, swaps: Sequence[Swap]) -> str:
    """Is the number of exchanges odd?"""
    found = "false"
    for _, _, c in swaps:
        found = c if found == "false" else m.f.emit(f"xor i1 {found}, {c}")
    return found


def inverse(m: Arithmetic, rows: Rows) -> tuple[Rows, str]:
    """A^-1 in the place of A (Gauss and Jordan), and whether a pivot was 0."""
    a, n = [list(r) for r in rows], len(rows)
    swaps: list[Swap] = []
    zeros = []
    for k in range(n):
        best = m.size(a[k][k])
        for i in range(k + 1, n):
            size = m.size(a[i][k])
            c = m.larger(size, best)
            best = select(m.f, m.real, c, size, best)
            swaps.append((k, i, c))
            for j in range(n):
                a[k][j], a[i][j] = exchange(m, c, a[k][j], a[i][j])
        zeros.append(m.is_zero(a[k][k]))
        p = m.inverse(a[k][k])
        for j in range(n):
            a[k][j] = p if j == k else m.mul(a[k][j], p)
        for i in range(n):
            if i != k:
                q = a[i][k]
                for j in range(n):
                    a[i][j] = m.negative(m.mul(q, p)) if j == k else m.less(a[i][j], q, a[k][j])
    for k, i, c in reversed(swaps):
        for row in a:
            row[k], row[i] = exchange(m, c, row[k], row[i])
    return a, any_of(m.f, zeros)


# Cholesky ----------------------------------------------------------------------------------------------------------
def cholesky(m: Arithmetic, rows: Rows) -> tuple[Rows, str]:
    """The lower triangle L with A = L L^H, and whether a diagonal element was not positive."""
    n, bad = len(rows), []
    low: Rows = [[m.number(0)] * n for _ in range(n)]
    zero = number(0, m.real)
    for j in range(n):
        d = diagonal(m, rows[j][j], low[j][:j])
        bad.append(m.f.emit(f"fcmp ole {m.t} {d}, {zero}"))
        root = intrinsic(m.f, "sqrt", m.real, d)
        low[j][j] = (root, zero) if m.complex else root
        p = m.f.emit(f"fdiv {m.t} {number(1, m.real)}, {root}")
        for i in range(j + 1, n):
            x = rows[i][j]
            for k in range(j):
                x = m.less(x, low[i][k], m.conj(low[j][k]))
            low[i][j] = tuple(m.do("mul", part, p) for part in x) if m.complex else m.do("mul", x, p)
    return low, any_of(m.f, bad)


def diagonal(m: Arithmetic, a: Value, row: Sequence[Value]) -> str:
    """a - sum |x|^2 over a row, which is real."""
    d = a[0] if m.complex else a
    for x in row:
        for part in x if m.complex else (x,):
            d = m.do("sub", d, m.do("mul", part, part))
    return d  # type: ignore[no-any-return]
