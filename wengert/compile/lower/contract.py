"""Contractions: matmul and einsum as loops where they are small or thin, as BLAS where they are matrix products."""

from __future__ import annotations

from ...core.program import Equation
from ...primitives.contract import split_subscripts
from ..ir import Axis, Value, View
from .blas import matrix_product
from .lowering import Lowering, adds


def subscripts_of(eq: Equation) -> tuple[str, str, str]:
    """The labels of the operands and of the result; a matmul is an einsum."""
    if eq.primitive.name == "einsum":
        return split_subscripts(eq.params["subscripts"])
    a, b = (len(x.type.shape) for x in eq.inputs)
    lead = "".join(chr(ord("a") + 11 + n) for n in range(max(a, b, 2) - 2))
    first = {1: "j", 2: "ij"}.get(a, f"{lead}ij")
    second = {1: "j", 2: "jk"}.get(b, f"{lead}jk")
    return first, second, lead + "i" * (a > 1) + "k" * (b > 1)


@adds("matmul", "einsum")
def contraction(low: Lowering, eq: Equation, total: View) -> None:
    """total += sum over the labels that are missing in it of a b."""
    labels = subscripts_of(eq)
    a, b = (low.value(x) for x in eq.inputs)
    if not matrix_product(low, eq, labels, a, b, total):
        loops(low, labels, a, b, total)


def loops(low: Lowering, labels: tuple[str, str, str], a: Value, b: Value, total: View) -> None:
    """One accumulating statement for all labels."""
    la, lb, lo = labels
    axes: dict[str, Axis | int] = {}
    for c, n in zip(la + lb, (*a.shape, *b.shape), strict=True):
        axes.setdefault(c, 0 if n == 1 else Axis(n))
    index = [axes[c] for c in dict.fromkeys(lo + la + lb)]
    operands = [x.ref([axes[c] for c in labels]) for x, labels in ((a, la), (b, lb))]
    low.nest(index, total.ref([axes[c] for c in lo]), "mul", operands, accumulate="add")
