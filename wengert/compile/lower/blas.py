"""Matrix products by BLAS, through SciPy's function pointers; transposes and strides are folded into the call.

The labels of a contraction fall into four groups: rows (a and result), columns (b and result), summed (a and b), stack
(all three). Labels of a group become one axis where memory allows it; others, and those of the stack, are native loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.program import Equation
from ..emit.library import PREFIX, call
from ..loops.ir import Axis, Buffer, Call, CallStmt, Nest, Ref, Splat, Value, View, size_of
from ..machine import lapack
from .lowering import Lowering, axes_of

assert lapack  # it knows the addresses

Labels = tuple[str, str, str]
Layout = tuple[str, int]  # N or T, and the leading dimension


class Dim(NamedTuple):
    """An axis of a product: its length, and by how much one step along it moves in each of the three arrays."""

    length: int = 1
    a: int = 0
    b: int = 0
    total: int = 0

    def swapped(self) -> Dim:
        """The same, of the transposed product."""
        return Dim(self.length, self.b, self.a, self.total)


class Product(NamedTuple):
    """total[stack, i, j] += sum_k a[stack, i, k] b[stack, k, j]."""

    row: Dim
    column: Dim
    summed: Dim
    stack: Sequence[Dim]

    @property
    def size(self) -> tuple[int, int, int]:
        """m, n, k of one matrix product."""
        return self.row.length, self.column.length, self.summed.length

    def swapped(self) -> Product:
        """total^T += b^T a^T."""
        return Product(
            self.column.swapped(), self.row.swapped(), self.summed.swapped(), [d.swapped() for d in self.stack]
        )


# what is a matrix product ------------------------------------------------------------------------------------------
def is_for_blas(low: Lowering, labels: Labels, a: Value, b: Value) -> bool:
    """Is a contraction a matrix product that BLAS should do?"""
    if a.dtype.name not in PREFIX or isinstance(a, Splat) or isinstance(b, Splat):
        return False
    lengths = dict(zip(labels[0] + labels[1], (*a.shape, *b.shape), strict=True))
    m, n, k, stack = (size_of([lengths[c] for c in g]) for g in groups_of(labels))
    known = in_memory(low, max(a, b, key=lambda x: x.size))
    if 0 in lengths.values():
        return False
    return worthwhile(m, n, k, stack, known) or (a.dtype.kind == "f" and in_rounds(labels, lengths))


def in_rounds(labels: Labels, lengths: dict[str, int]) -> bool:
    """Is a product one of a stack, or of several axes of rows, whose part of the result stays in the cache?

    Then the loop over the first of these axes is shared all the same, see products.py.
    """
    rows, columns, summed, stack = ([lengths[c] for c in g if lengths[c] > 1] for g in groups_of(labels))
    if not stack:
        rows = rows[1:]
    m, n, k = map(size_of, (rows, columns, summed))
    return bool(rows) and m >= 16 and n >= 8 and k > 4 and m * n <= IN_CACHE


def by_blas(
    low: Lowering, eq: Equation, labels: Labels, a: View, b: View, total: View, fresh: bool, known: bool
) -> None:
    """total += a b by BLAS (total = a b where it is fresh). Operands that it cannot read where they are are copied."""
    lengths = dict(zip(labels[0] + labels[1], (*a.shape, *b.shape), strict=True))
    rows, columns, summed, stack = groups_of(labels, total)
    p = product_of(labels, a, b, total)
    if not (worthwhile(*p.size, 1, known) and callable_on(p)):
        la, lb, lo = labels
        if not readable(a, la, rows, summed):
            a, la = arranged(low, a, la, stack + rows + summed)
        if not readable(b, lb, summed, columns):
            b, lb = arranged(low, b, lb, stack + summed + columns)
        if not readable(total, lo, rows, columns):
            other = stack + rows + columns
            made = low.new(tuple(lengths[c] for c in other), total.dtype)
            by_blas(low, eq, (la, lb, other), a, b, made, True, True)
            place(low, made, other, total, lo, fresh)
            return
        p = product_of((la, lb, lo), a, b, total)
    if fresh and not all(d.total for d in p.stack):
        low.fill(total, total.dtype.type(0))
        fresh = False
    if p.row.length == 1 or (p.column.length > 1 and p.row.total != 1):
        p, a, b = p.swapped(), b, a
    multiply = matrix_by_vector if p.column.length == 1 else matrix_by_matrix
    make = nest_of if p.stack else node_of
    low.nodes.append(make(eq, multiply, p, (a, b, total), fresh))


def groups_of(labels: Labels, total: View | None = None) -> tuple[str, str, str, str]:
    """The labels of rows, of columns, of what is summed, and of the stack; the largest strides of the result first."""
    la, lb, lo = labels
    strides = dict(zip(lo, total.strides, strict=True)) if total else dict.fromkeys(lo, 0)
    ordered = sorted(lo, key=lambda c: -abs(strides[c]))
    rows = "".join(c for c in ordered if c in la and c not in lb)
    columns = "".join(c for c in ordered if c in lb and c not in la)
    stack = "".join(c for c in ordered if c in la and c in lb)
    return rows, columns, "".join(c for c in la if c not in lo), stack


def product_of(labels: Labels, a: View, b: View, total: View) -> Product:
    """The axes of a contraction, merged where they can be; of several in a group, the longest counts."""
    la, lb, lo = labels
    lengths = dict(zip(la + lb, (*a.shape, *b.shape), strict=True))
    strides = [dict(zip(names, x.strides, strict=True)) for names, x in ((la, a), (lb, b), (lo, total))]
    kept, loops = [], []
    for group in groups_of(labels, total):
        dims = merged(Dim(lengths[c], *(s.get(c, 0) for s in strides)) for c in group if lengths[c] != 1)
        kept.append(max(dims, default=Dim()))
        loops += [d for d in dims if d is not kept[-1]]
    row, column, summed, stack = kept
    return Product(row, column, summed, [stack, *loops] if stack.length != 1 else loops)


def merged(dims: Iterable[Dim]) -> list[Dim]:
    """Axes that are one in all three arrays, as one."""
    result: list[Dim] = []
    for d in dims:
        last = result[-1] if result else None
        if last and all(s == d.length * t for s, t in zip(last[1:], d[1:], strict=True)):
            result[-1] = d._replace(length=last.length * d.length)
        else:
            result.append(d)
    return result


# what BLAS can read ------------------------------------------------------------------------------------------------
def layout(rows: Dim, columns: Dim, step: Callable[[Dim], int]) -> Layout | None:
    """How BLAS reads a matrix: N where its rows are next to each other in memory, T where its columns are."""
    i, j = step(rows), step(columns)
    if i == 1 and j >= rows.length:
        return "N", j
    if j == 1 and i >= columns.length:
        return "T", i
    return None


def in_a(d: Dim) -> int:
    """The stride in a."""
    return d.a


def in_b(d: Dim) -> int:
    """The stride in b."""
    return d.b


def in_total(d: Dim) -> int:
    """The stride in the result."""
    return d.total


def callable_on(p: Product) -> bool:
    """Can BLAS read and write the three arrays where they are?"""
    arrays = ((p.row, p.summed, in_a), (p.summed, p.column, in_b), (p.row, p.column, in_total))
    return all(is_readable(*matrix) for matrix in arrays)


def is_readable(rows: Dim, columns: Dim, step: Callable[[Dim], int]) -> bool:
    """Can BLAS read this matrix, or vector, where it is?"""
    if rows.length == 1 or columns.length == 1:
        return all(d.length == 1 or step(d) > 0 for d in (rows, columns))
    return layout(rows, columns, step) is not None


def readable(x: View, labels: str, first: str, second: str) -> bool:
    """Is an array a stack of matrices that BLAS can read, with the labels of each group as one axis?"""
    strides = dict(zip(labels, zip(x.shape, x.strides, strict=True), strict=True))
    pair = [merged(Dim(n, s) for n, s in (strides[c] for c in group) if n != 1) for group in (first, second)]
    if any(len(dims) > 1 for dims in pair):
        return False
    rows, columns = (dims[0] if dims else Dim() for dims in pair)
    return is_readable(rows, columns, in_a)


def arranged(low: Lowering, x: View, labels: str, order: str) -> tuple[View, str]:
    """A copy with its axes in this order."""
    axes = [labels.index(c) for c in order]
    shape, strides = tuple(x.shape[k] for k in axes), [x.strides[k] for k in axes]
    return low.copy(View(x.buffer, shape, x.const, strides, x.terms)), order


def place(low: Lowering, made: View, order: str, total: View, labels: str, fresh: bool) -> None:
    """A product that was made elsewhere is copied or added to where it belongs."""
    axes = dict(zip(order, axes_of(made.shape), strict=True))
    target = total.ref([axes[c] for c in labels])
    low.nest(list(axes.values()), target, "copy", [made.ref(list(axes.values()))], accumulate=None if fresh else "add")


def in_memory(low: Lowering, x: View) -> bool:
    """Will the operand be stored whatever is done with it: does it come from outside, or does a call need it?"""
    if x.buffer.kind != "temp":
        return True
    return x.buffer in called(low)


def called(low: Lowering) -> set[Buffer]:
    """What the calls so far read and write; each node is looked at once."""
    nodes, count, found = low.memo.get("called", (None, 0, set()))
    if nodes is not low.nodes:
        count, found = 0, set()
    for node in low.nodes[count:]:
        if type(node) is Call:
            found.update(r.buffer for r in (*node.reads, *node.writes))
    low.memo["called"] = low.nodes, len(low.nodes), found
    return found


def worthwhile(m: int, n: int, k: int, stack: int = 1, known: bool = False) -> bool:
    """Is BLAS faster than loops for (m, k) times (k, n)? Loops fuse with what comes before and after them.

    known: the larger operand is in memory anyhow. stack: the number of such products.

    Measured on AVX-512, double: loops are as fast for vectors, where k is up to 4 and the result large, and where the
    result is up to 4 x 4; a call costs as much as 250 multiplications.
    """
    if k == 1 or m * n == 1:
        return False
    if m == 1 or n == 1:
        return m * n * k >= LARGE_MATRIX
    if k <= SHORT or (not known and min(m, n) <= 4 and m * n <= IN_CACHE):
        return False  # one pass over what makes the operands, which then need no memory
    thin = sum(d <= 4 for d in (m, n, k))
    return m * n * k >= 512 and thin < 2 and not (k <= 4 and min(m, n) >= 16)


SHORT = 16  # terms of sums that are written out
IN_CACHE = 2**14  # elements of a result that stays in the cache
LARGE_MATRIX = 2**16  # elements from which a matrix times a vector is left to BLAS


# the call ----------------------------------------------------------------------------------------------------------
Multiply = Callable[[Any, Product, Sequence[str], np.dtype[Any], int], None]  # emitter, axes, addresses, dtype, beta


def node_of(eq: Equation, multiply: Multiply, p: Product, arrays: Sequence[View], fresh: bool) -> Call:
    """total += a b (or = where it is fresh). arrays: a, b, total."""
    first = [Ref(x.buffer, x.const, x.terms) for x in arrays]
    dtype = arrays[2].dtype

    def emit(f: Any, node: Call) -> None:
        multiply(f, p, [f.address(r) for r in (*node.reads[:2], *node.writes)], dtype, int(not fresh))

    return Call(title(multiply, p), first[:2] if fresh else first, first[2:], emit, eq)


def nest_of(eq: Equation, multiply: Multiply, p: Product, arrays: Sequence[View], fresh: bool) -> Nest:
    """A stack of products: a statement for each of them, which can share loops over the stack with others."""
    rows, columns, summed = within = [Axis(d.length, 0) for d in (p.row, p.column, p.summed)]
    stack = [Axis(d.length, 0) for d in p.stack]
    own = ([(rows, p.row), (summed, p.summed)], [(summed, p.summed), (columns, p.column)])
    *operands, target = (
        ref(x, step, [*zip(stack, p.stack, strict=True), *axes])
        for x, step, axes in zip(
            arrays, (in_a, in_b, in_total), (*own, [(rows, p.row), (columns, p.column)]), strict=True
        )
    )
    dtype = arrays[2].dtype

    def emit(f: Any, stmt: CallStmt) -> None:
        refs: list[Any] = [*stmt.operands[:2], stmt.target]
        row, column, inner = (Dim(x.extent, *(r.coefficient(x) for r in refs)) for x in stmt.within)
        beta = int(stmt.target in stmt.operands)
        multiply(f, Product(row, column, inner, []), [f.address(stmt.first(r)) for r in refs], dtype, beta)

    if not fresh:
        operands.append(target)
    return Nest(stack, CallStmt(title(multiply, p), target, operands, within, emit, eq))


def ref(x: View, step: Callable[[Dim], int], axes: Sequence[tuple[Axis, Dim]]) -> Ref:
    """The element at these axes of a product."""
    return Ref(x.buffer, x.const, (*x.terms, *((axis, step(d)) for axis, d in axes if step(d))))


def title(multiply: Multiply, p: Product) -> str:
    """What a product is called where the program is shown."""
    m, n, k = p.size
    return f"{multiply.__name__} {m}x{k} {k}x{n}"


def matrix_by_matrix(f: Any, p: Product, at: Sequence[str], dtype: np.dtype[Any], beta: int) -> None:
    """C = a b + beta C, the rows of C next to each other in memory."""
    (ta, lda), (tb, ldb) = layout(p.row, p.summed, in_a), layout(p.summed, p.column, in_b)  # type: ignore[misc]
    one, beta_ = dtype.type(1), dtype.type(beta)
    name = f"blas.{PREFIX[dtype.name]}gemm"
    call(f, name, ta, tb, *p.size, one, at[0], lda, at[1], ldb, beta_, at[2], p.column.total)


def matrix_by_vector(f: Any, p: Product, at: Sequence[str], dtype: np.dtype[Any], beta: int) -> None:
    """y = a x + beta y."""
    trans, lda = layout(p.row, p.summed, in_a)  # type: ignore[misc]
    m, k = (p.row.length, p.summed.length) if trans == "N" else (p.summed.length, p.row.length)
    one, beta_ = dtype.type(1), dtype.type(beta)
    name = f"blas.{PREFIX[dtype.name]}gemv"
    call(f, name, trans, m, k, one, at[0], lda, at[1], p.summed.b, beta_, at[2], p.row.total)
