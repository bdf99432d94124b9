"""Linear algebra on small matrices, written out: the elements are values in registers, and nothing is called.

A matrix is a list of rows of values. Rows are exchanged by selection, without branches, so that LLVM can vectorise a
loop over a stack. Factorisations of one matrix that are written twice are found to be the same by LLVM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

    def __init__(self, f: Writer, dtype: np.dtype[Any], t: str = "") -> None:
        self.f, self.dtype, self.complex = f, dtype, dtype.kind == "c"
        self.real = complex_ops.part_of(dtype) if self.complex else dtype
        self.t = t or llvm_type(dtype)  # double, or <4 x double>

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


# rows --------------------------------------------------------------------------------------------------------------
class Listed:
    """Rows as lists of values: what a loop over a stack can be vectorised with."""

    def __init__(self, m: Arithmetic) -> None:
        self.m = m

    def row(self, values: Sequence[Value]) -> Any:
        """A row of these values."""
        return list(values)

    def values(self, x: Any) -> list[Value]:
        """The values of a row."""
        return list(x)

    def pick(self, x: Any, k: int) -> Value:
        """One value of a row."""
        return x[k]

    def put(self, x: Any, k: int, value: Value) -> Any:
        """The row with another value at k."""
        return [*x[:k], value, *x[k + 1 :]]

    def exchange(self, c: str, x: Any, y: Any) -> tuple[Any, Any]:
        """Two rows, exchanged if the condition holds."""
        m = self.m
        pairs = list(zip(x, y, strict=True))
        return [m.select(c, q, p) for p, q in pairs], [m.select(c, p, q) for p, q in pairs]

    def tail(self, x: Any, k: int) -> Any:
        """The row behind place k, zeros (None) before."""
        return [None] * (k + 1) + list(x[k + 1 :])

    def less(self, x: Any, q: Value, y: Any) -> Any:
        """x - q y."""
        return [p if r is None else self.m.less(p, q, r) for p, r in zip(x, y, strict=True)]

    def scaled(self, x: Any, q: Value) -> Any:
        """q x."""
        return [self.m.mul(p, q) for p in x]


class Vectors(Listed):
    """Rows as vectors of LLVM: a fraction of the text, and of the instructions."""

    def __init__(self, m: Arithmetic, n: int) -> None:
        super().__init__(m)
        self.n, self.t = n, f"<{n} x {m.t}>"
        self.wide = Arithmetic(m.f, m.dtype, self.t)

    def parts(self, *xs: Value) -> Iterator[tuple[Any, ...]]:
        """Real and imaginary parts apart."""
        return zip(*xs, strict=True) if self.m.complex else iter([xs])

    def joined(self, parts: Iterable[str]) -> Value:
        """Real and imaginary parts together."""
        found = tuple(parts)
        return found if self.m.complex else found[0]

    def row(self, values: Sequence[Value]) -> Any:
        x: Any = ("poison", "poison") if self.m.complex else "poison"
        for k, v in enumerate(values):
            x = self.put(x, k, v)
        return x

    def values(self, x: Any) -> list[Value]:
        return [self.pick(x, k) for k in range(self.n)]

    def pick(self, x: Any, k: int) -> Value:
        return self.joined(self.m.f.emit(f"extractelement {self.t} {p}, i64 {k}") for (p,) in self.parts(x))

    def put(self, x: Any, k: int, value: Value) -> Any:
        pairs = self.parts(x, value)
        return self.joined(self.m.f.emit(f"insertelement {self.t} {p}, {self.m.t} {v}, i64 {k}") for p, v in pairs)

    def exchange(self, c: str, x: Any, y: Any) -> tuple[Any, Any]:
        return self.chosen(c, y, x), self.chosen(c, x, y)

    def chosen(self, c: str, x: Any, y: Any) -> Any:
        """x if the condition holds, else y."""
        return self.joined(self.m.f.emit(f"select i1 {c}, {self.t} {p}, {self.t} {q}") for p, q in self.parts(x, y))

    def tail(self, x: Any, k: int) -> Any:
        lanes = ", ".join(f"i32 {j if j > k else self.n}" for j in range(self.n))
        to = f"{self.t} zeroinitializer, <{self.n} x i32> <{lanes}>"
        return self.joined(self.m.f.emit(f"shufflevector {self.t} {p}, {to}") for (p,) in self.parts(x))

    def less(self, x: Any, q: Value, y: Any) -> Any:
        return self.wide.less(x, self.everywhere(q), y)

    def scaled(self, x: Any, q: Value) -> Any:
        return self.wide.mul(x, self.everywhere(q))

    def everywhere(self, q: Value) -> Any:
        """A row that holds one value."""
        one = self.put(("poison", "poison") if self.m.complex else "poison", 0, q)
        to = f"{self.t} poison, <{self.n} x i32> zeroinitializer"
        return self.joined(self.m.f.emit(f"shufflevector {self.t} {p}, {to}") for (p,) in self.parts(one))


LISTED = {"f": 4, "c": 2}  # rows of the largest matrices that are written out as lists


def rows_of(m: Arithmetic, rows: int, n: int) -> Listed:
    """How rows of n values are held, of a matrix with so many rows."""
    return Listed(m) if rows <= LISTED[m.dtype.kind] or n == 1 else Vectors(m, n)


# LU ----------------------------------------------------------------------------------------------------------------
class LU(NamedTuple):
    """P A = L U. rows: L, its diagonal of ones left out, and U; inverses: of the diagonal of U; is one of them 1/0?"""

    rows: Rows
    swaps: list[Swap]
    inverses: list[Value]
    singular: str


def lu(m: Arithmetic, rows: Rows) -> LU:
    """By columns, with the largest element of each as its pivot."""
    n = len(rows)
    form = rows_of(m, n, n)
    a = [form.row(r) for r in rows]
    swaps: list[Swap] = []
    inverses, zeros = [], []
    for k in range(n):
        best = m.size(form.pick(a[k], k))
        for i in range(k + 1, n):
            size = m.size(form.pick(a[i], k))
            c = m.larger(size, best)
            best = select(m.f, m.real, c, size, best)
            swaps.append((k, i, c))
            a[k], a[i] = form.exchange(c, a[k], a[i])
        pivot = form.pick(a[k], k)
        zeros.append(m.is_zero(pivot))
        inverses.append(m.inverse(pivot))
        tail = form.tail(a[k], k)
        for i in range(k + 1, n):
            q = m.mul(form.pick(a[i], k), inverses[k])
            a[i] = form.put(form.less(a[i], q, tail), k, q)
    return LU([form.values(r) for r in a], swaps, inverses, any_of(m.f, zeros))


def lu_solve(m: Arithmetic, f: LU, b: Rows, transposed: bool) -> Rows:
    """X with A X = B, or A^T X = B."""
    n = len(b)
    form = rows_of(m, n, len(b[0]))
    x = [form.row(r) for r in b]
    if transposed:
        rows = [[f.rows[j][i] for j in range(n)] for i in range(n)]
        x = substituted(form, rows, x, True, f.inverses)
        x = substituted(form, rows, x, False, None)
        for i, j, c in reversed(f.swaps):
            x[i], x[j] = form.exchange(c, x[i], x[j])
    else:
        for i, j, c in f.swaps:
            x[i], x[j] = form.exchange(c, x[i], x[j])
        x = substituted(form, f.rows, substituted(form, f.rows, x, True, None), False, f.inverses)
    return [form.values(r) for r in x]


def triangle_solve(m: Arithmetic, rows: Rows, b: Rows, lower: bool, inverses: Sequence[Value] | None) -> Rows:
    """X with T X = B for a triangle of the rows. inverses: of its diagonal, or None where that is all ones."""
    form = rows_of(m, len(b), len(b[0]))
    return [form.values(r) for r in substituted(form, rows, [form.row(r) for r in b], lower, inverses)]


def substituted(form: Listed, rows: Rows, x: list[Any], lower: bool, inverses: Sequence[Value] | None) -> list[Any]:
    """The same, on rows in their form."""
    x, n = list(x), len(x)
    for i in range(n) if lower else reversed(range(n)):
        for j in range(i) if lower else reversed(range(i + 1, n)):
            x[i] = form.less(x[i], rows[i][j], x[j])
        if inverses is not None:
            x[i] = form.scaled(x[i], inverses[i])
    return x


def odd(m: Arithmetic, swaps: Sequence[Swap]) -> str:
    """Is the number of exchanges odd?"""
    found = "false"
    for _, _, c in swaps:
        found = c if found == "false" else m.f.emit(f"xor i1 {found}, {c}")
    return found


def identity(m: Arithmetic, n: int) -> Rows:
    """The identity matrix."""
    return [[m.number(i == j) for j in range(n)] for i in range(n)]


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
    return d
