"""Operands of products by loops, copied where it pays: the innermost axis of the result is innermost in them too.

total[i, j] += a[i, k] b[j, k] would add up horizontally over short rows. With b as [k, j] the loop over j is a vector
operation; the copy is made once, and read for every i.
"""

from __future__ import annotations

from ..ir import UNROLL, Value, View
from .lowering import Lowering

REUSED = 8  # times that an element must be read for a copy to pay


def packed(
    low: Lowering, labels: tuple[str, str, str], a: Value, b: Value
) -> tuple[Value, Value, tuple[str, str, str]]:
    """The operands, one of them in another order of its axes where that pays, and the labels that go with them."""
    la, lb, lo = labels
    sizes = dict(zip(la + lb, (*a.shape, *b.shape), strict=True))
    inner = next((c for c in reversed(lo) if sizes[c] > 1), "")
    if not inner or sizes[inner] <= UNROLL or all(c in lo for c in la + lb):
        return a, b, labels
    rounds = 1
    for n in sizes.values():
        rounds *= n
    if inner in la and inner not in lb and pays(a, la, inner, rounds):
        a, la = reordered(low, a, la, inner)
    if inner in lb and inner not in la and pays(b, lb, inner, rounds):
        b, lb = reordered(low, b, lb, inner)
    return a, b, (la, lb, lo)


def pays(x: Value, labels: str, inner: str, rounds: int) -> bool:
    """Is the operand read often enough, and not in order along its label?"""
    return isinstance(x, View) and x.strides[labels.index(inner)] != 1 and rounds >= REUSED * max(x.size, 1)


def reordered(low: Lowering, x: Value, labels: str, inner: str) -> tuple[View, str]:
    """A copy with this label innermost."""
    assert isinstance(x, View)
    order = [*(c for c in labels if c != inner), inner]
    axes = [labels.index(c) for c in order]
    view = View(x.buffer, tuple(x.shape[d] for d in axes), x.const, [x.strides[d] for d in axes], x.terms)
    return low.copy(view), "".join(order)
