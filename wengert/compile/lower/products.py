"""Matrix products that are written down instead of called, see emit/products.py: those whose second matrix is small.

An axis that comes first among several rows, or among several that are summed, such as the images of a batch, is left to
a loop: then it can be shared with what makes the operands and with what uses the result.
"""

from __future__ import annotations

from ...core.program import Equation
from ..emit import products
from ..loops.ir import CallStmt, View
from .blas import Dim, Labels, Product, arranged, groups_of, merged, nest_of
from .lowering import Lowering

IN_CACHE = 2**15  # elements of the second matrix, or of a block of its rows
LONG = 16  # rows, or terms, that are left for one round where an outer axis is a loop
REUSED = 16  # rows, from which it pays to copy the second matrix so that its columns are in order


def tiled(low: Lowering, eq: Equation, labels: Labels, a: View, b: View, total: View, fresh: bool) -> bool:
    """total += a b (total = a b where it is fresh) by tiles, where memory allows it; False where not done."""
    p = taken_apart(labels, a, b, total) if a.dtype.kind == "f" else None
    if p is None:
        return False
    la, lb, lo = labels
    ways = [w for w in ((p, la, a, lb, b), (p.swapped(), lb, b, la, a)) if w[0].column.total == 1 and fits(w[0])]
    if not ways:
        return False
    p, la, a, lb, b = next((w for w in ways if w[0].column.b == 1), ways[0])
    if p.column.b != 1:
        if p.row.length < REUSED:
            return False
        _, columns, summed, stack = groups_of((la, lb, lo), total)
        b, lb = arranged(low, b, lb, stack + summed + columns)
        found = taken_apart((la, lb, lo), a, b, total)
        assert found is not None and found.column.b == 1, "the columns are in order now"
        p = found
    if fresh and not all(d.total for d in p.stack):
        low.fill(total, total.dtype.type(0))
        fresh = False
    nest = nest_of(eq, products.matrix_product, p, (a, b, total), fresh)
    assert type(nest.stmt) is CallStmt
    nest.stmt.inline = True
    low.nodes.append(nest)
    return True


def fits(p: Product) -> bool:
    """Is the second matrix small, and the product one of matrices?"""
    m, n, k = p.size
    return min(m, n) > 1 and n * min(k, products.BLOCK) <= IN_CACHE


def taken_apart(labels: Labels, a: View, b: View, total: View) -> Product | None:
    """The axes of a product: one each of rows, columns and sums, the others as the stack; None if there are more."""
    la, lb, lo = labels
    lengths = dict(zip(la + lb, (*a.shape, *b.shape), strict=True))
    strides = [dict(zip(names, x.strides, strict=True)) for names, x in ((la, a), (lb, b), (lo, total))]
    rows, columns, summed, stack = (
        [Dim(lengths[c], *(s.get(c, 0) for s in strides)) for c in group if lengths[c] != 1]
        for group in groups_of(labels, total)
    )
    outer: list[Dim] = []
    kept = []
    for dims in (rows, columns, summed):
        inner = merged(dims[1:])
        if dims is not columns and len(inner) == 1 and inner[0].length >= LONG:
            outer.append(dims[0])
        else:
            inner = merged(dims)
        if len(inner) > 1:
            return None
        kept.append(inner[0] if inner else Dim())
    return Product(kept[0], kept[1], kept[2], [*merged(stack), *outer])
