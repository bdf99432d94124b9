"""An order of elimination as a program: from the entries of local Jacobians to the Jacobian's blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.primitive import Primitive
from ...core.program import Program
from ...core.record import record
from ...core.types import ArrayType
from ...primitives import elementwise as ew
from ...primitives.contract import matmul
from .algebra import Product
from .emit import block, multiplied, summed
from .graph import Edge, Elimination, Step
from .linearise import Linearisation


class Recorded(Elimination):
    """An elimination that multiplies and adds what it counts: the entries of each edge are values."""

    __slots__ = ("entries", "singular")

    def __init__(self, at: Linearisation, entries: Sequence[Any]) -> None:
        super().__init__(at.graph)
        self.entries: dict[Edge, Any] = dict(zip(at.held, entries, strict=True))
        self.singular = dict(at.singular)

    def multiplied(self, i: int, v: int, j: int, product: Product) -> None:
        """Multiply, and add to what is on the edge."""
        b, a = self.succs[v][j], self.preds[v][i]
        zero_safe = self.singular[v, j], self.singular[i, v]
        new = multiplied(b, a, self.entries.get((v, j)), self.entries.get((i, v)), product, zero_safe)
        if i not in self.preds[j]:
            self.entries[i, j], self.singular[i, j] = new, any(zero_safe)
            return
        old, total = self.preds[j][i], self.algebra.sum(self.preds[j][i], product.result)
        self.entries[i, j] = summed(old, self.entries.get((i, j)), product.result, new, total)
        self.singular[i, j] |= any(zero_safe)


def accumulation(at: Linearisation, steps: Sequence[Step]) -> Program:
    """The entries of the local Jacobians -> the blocks of the Jacobian, row by row."""

    def f(*entries: Any) -> list[Any]:
        state = Recorded(at, entries)
        state.run(steps)
        made = []
        for k, y in zip(at.graph.outputs, at.out_types, strict=True):
            edges = state.preds.get(k, {})
            for i, x in zip(at.graph.inputs, at.types, strict=True):
                made.append(block(edges.get(i), state.entries.get((i, k)), derivative_type(y), x))
        return made

    types = at.first.out_types[len(at.out_types) :]
    return record(f, types, name=f"Jacobian of {at.first.name}")


def derivative_type(y: ArrayType) -> ArrayType:
    """The type of derivatives of a value: its own, or double precision for a discrete one."""
    return y if y.dtype.kind in "fc" else ArrayType(y.shape, float)


def multiplications(program: Program) -> int:
    """The numbers that a program multiplies, counted on its equations."""
    total = 0
    for eq in program.equations:
        p: Primitive = eq.primitive
        if p in (ew.mul, ew.zero_safe_mul):
            total += eq.outputs[0].type.size
        elif p is matmul:
            a, b = (x.type.shape for x in eq.inputs)
            total += a[0] * a[1] * b[1]
    return total
