"""Contractions: matmul and einsum as loops where they are small or thin, as BLAS where they are matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.program import Equation
from ...primitives.contract import split_subscripts
from ..loops.ir import UNROLL, Axis, Value, View
from .blas import by_blas, in_memory, is_for_blas, place
from .lowering import Lowering, adds, lowers
from .packing import packed, result_order
from .products import tiled


def subscripts_of(eq: Equation) -> tuple[str, str, str]:
    """The labels of the operands and of the result; a matmul is an einsum."""
    if eq.primitive.name == "einsum":
        return split_subscripts(eq.params["subscripts"])
    a, b = (len(x.type.shape) for x in eq.inputs)
    lead = "".join(chr(ord("a") + 11 + n) for n in range(max(a, b, 2) - 2))
    first = {1: "j", 2: "ij"}.get(a, f"{lead}ij")
    second = {1: "j", 2: "jk"}.get(b, f"{lead}jk")
    return first, second, lead + "i" * (a > 1) + "k" * (b > 1)


SHORT_SUM = 32  # terms of a sum that is written out within a loop over at least as many results


@adds("matmul", "einsum")
def contraction(low: Lowering, eq: Equation, total: View) -> None:
    """total += sum over the labels that are missing in it of a b."""
    product(low, eq, [low.value(x) for x in eq.inputs], total, fresh=False)


@lowers("matmul", "einsum")
def alone(low: Lowering, eq: Equation) -> None:
    """The same in new memory, without zeros to begin with where there is nothing to add up."""
    operands = [low.value(x) for x in eq.inputs]  # before there is a place for the result
    product(low, eq, operands, low.result(eq.outputs[0]), fresh=True)


def by_library(low: Lowering, eq: Equation) -> bool:
    """Is this a product that BLAS will do?"""
    if eq.primitive.name not in ("matmul", "einsum"):
        return False
    a, b = (low.value(x) for x in eq.inputs)
    return is_for_blas(low, subscripts_of(eq), a, b)


def product(low: Lowering, eq: Equation, operands: Sequence[Value], total: View, fresh: bool) -> None:
    """By BLAS or by loops. fresh: what is in the result does not count."""
    labels = subscripts_of(eq)
    a, b = operands
    if not is_for_blas(low, labels, a, b):
        loops(low, labels, a, b, total, fresh)
        return
    assert isinstance(a, View) and isinstance(b, View)
    if not tiled(low, eq, labels, a, b, total, fresh):
        by_blas(low, eq, labels, a, b, total, fresh, in_memory(low, max(a, b, key=lambda x: x.size)))


def loops(low: Lowering, labels: tuple[str, str, str], a: Value, b: Value, total: View, fresh: bool) -> None:
    """One statement for all labels, which adds up where some of them are summed."""
    order = result_order(labels, a, b, total)
    if order != labels[2]:
        shape = tuple(total.shape[labels[2].index(c)] for c in order)
        made = low.new(shape, total.dtype)
        loops(low, (*labels[:2], order), a, b, made, True)
        place(low, made, order, total, labels[2], fresh)
        return
    a, b, (la, lb, lo) = packed(low, labels, a, b)
    axes: dict[str, Axis | int] = {}
    most = SHORT_SUM if lo and total.shape[-1] >= SHORT_SUM else UNROLL
    for c, n in zip(la + lb, (*a.shape, *b.shape), strict=True):
        axes.setdefault(c, 0 if n == 1 else Axis(n, UNROLL if c in lo else most))
    index = [axes[c] for c in dict.fromkeys(lo + la + lb)]
    operands = [x.ref([axes[c] for c in own]) for x, own in ((a, la), (b, lb))]
    single = all(c in lo or type(axes[c]) is int for c in la)
    if fresh and not single:
        low.fill(total, total.dtype.type(0))
    adding = None if fresh and single else "add"
    low.nest(index, total.ref([axes[c] for c in lo]), "mul", operands, accumulate=adding)
