"""Operands and results of products by loops, copied where it pays: in the order in which the vectorised loop goes.

total[i, j] += a[i, k] b[j, k] would add up horizontally over short rows. With b as [k, j] the loop over j is a vector
operation; the copy is made once, and read for every i. Where the last axis of the result is short, the vectorised one
is that along which the largest operand goes through memory: total[i, c] += a[j, i] b[j, c], c < 3, becomes
[c, i] += a[j, i] b[j, c], and is put in order afterwards.
"""

from __future__ import annotations

from ..loops.ir import UNROLL, Value, View, size_of
from .lowering import Lowering

REUSED = 8  # times that an element must be read, or be added to, for a copy to pay

Labels = tuple[str, str, str]


def packed(low: Lowering, labels: Labels, a: Value, b: Value) -> tuple[Value, Value, Labels]:
    """The operands, in another order of their axes where that pays, and the labels that go with them."""
    la, lb, lo = labels
    inner, rounds = vectorised(labels, a, b)
    if not inner or (inner in la and inner in lb and inner in lo):
        return a, b, labels
    if inner in la and pays(a, la, inner, rounds):
        a, la = reordered(low, a, la, inner)
    if inner in lb and pays(b, lb, inner, rounds):
        b, lb = reordered(low, b, lb, inner)
    return a, b, (la, lb, lo)


def vectorised(labels: Labels, a: Value, b: Value) -> tuple[str, int]:
    """The label of the loop that is to be vectorised, if one is, and the number of products."""
    la, lb, lo = labels
    sizes = dict(zip(la + lb, (*a.shape, *b.shape), strict=True))
    rounds = 1
    for n in sizes.values():
        rounds *= n
    inner = next((c for c in reversed(lo) if sizes[c] > 1), "")
    if not inner or all(c in lo for c in la + lb):
        return "", rounds
    if sizes[inner] <= UNROLL:
        x, names = (a, la) if size_of(a.shape) >= size_of(b.shape) else (b, lb)
        inner = next((c for c, s in zip(names, x.strides, strict=True) if s == 1), "") if isinstance(x, View) else ""
    return (inner if inner and sizes[inner] > UNROLL else ""), rounds


def result_order(labels: Labels, a: Value, b: Value, total: View) -> str:
    """The order of axes in which the result is best made: its own, or with the vectorised one last."""
    lo = labels[2]
    inner, rounds = vectorised(labels, a, b)
    others = [n for c, n in zip(lo, total.shape, strict=True) if c != inner]
    if inner not in lo or inner == "" or not pays(total, lo, inner, rounds) or any(n > UNROLL for n in others):
        return lo
    return "".join(c for c in lo if c != inner) + inner


def pays(x: Value, labels: str, inner: str, rounds: int) -> bool:
    """Is the array used often enough, and not in order along its label?"""
    return isinstance(x, View) and x.strides[labels.index(inner)] != 1 and rounds >= REUSED * max(x.size, 1)


def reordered(low: Lowering, x: Value, labels: str, inner: str) -> tuple[View, str]:
    """A copy with this label innermost: of an array that nobody writes to, one copy for all."""
    assert isinstance(x, View)
    order = [*(c for c in labels if c != inner), inner]
    axes = [labels.index(c) for c in order]
    view = View(x.buffer, tuple(x.shape[d] for d in axes), x.const, [x.strides[d] for d in axes], x.terms)
    if x.buffer.kind not in ("input", "constant") or x.terms:
        return low.copy(view), "".join(order)
    key = ("reordered", x.buffer, x.const, tuple(view.shape), tuple(view.strides))
    if key not in low.memo:
        low.memo[key] = low.copy(view)
    return low.memo[key], "".join(order)
