"""Long sums in blocks: each is summed in registers, their sums with the rounding errors of the total (two-sum, Knuth).

So the error of a sum of 10^7 terms is that of one of 4096, like NumPy's pairwise sums, at no measurable cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..loops.ir import Axis, Loop, Ref
from .table import do
from .writer import Writer, number

BLOCK = 4096  # terms
Sum = tuple[Any, Ref, dict[Axis, int], Any]  # an accumulator: its key, where it goes, written-out axes, slots


def is_long(loop: Loop) -> bool:
    """Has a loop so many rounds that its sums are taken in blocks?"""
    return type(loop.axis.extent) is int and loop.axis.extent >= 2 * BLOCK


def in_blocks(e: Any, loop: Loop, body: Callable[[], None], changed: Any, sums: Sequence[Sum]) -> None:
    """The rounds of a loop, in blocks after each of which these sums are added to their totals."""
    extent, block = loop.axis.extent, Axis(-(-loop.axis.extent // BLOCK))
    folded = [Folded(e, x) for x in sums]

    def one_block() -> None:
        start = e.emit(f"mul nuw nsw i64 {e.axes[block]}, {BLOCK}")
        beyond = e.emit(f"add nuw nsw i64 {start}, {BLOCK}")
        short = e.emit(f"icmp slt i64 {beyond}, {extent}")
        end = e.emit(f"select i1 {short}, i64 {beyond}, i64 {extent}")
        for f in folded:
            f.begin()
        e.counted(loop.axis, end, body, changed, False, start=start)
        for f in folded:
            f.fold()

    e.counted(block, str(block.extent), one_block, changed, False)
    for f in folded:
        f.finish()


class Folded:
    """A sum with the sum of the block at hand, and the rounding errors of the total so far."""

    def __init__(self, e: Any, accumulator: Sum) -> None:
        self.e, (self.key, target, _, self.totals) = e, accumulator
        dtype = target.buffer.dtype
        self.dtype = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
        self.type = "double" if self.dtype.itemsize == 8 else "float"
        self.parts = tuple(e.slot(self.type) for _ in self.totals)
        self.errors = tuple(e.slot(self.type) for _ in self.totals)
        for s in self.errors:
            e.do(f"store {self.type} {number(0, self.dtype)}, ptr {s}")
        e.accumulators[self.key] = self.parts

    def load(self, slot: str) -> str:
        """What is in a slot."""
        return self.e.emit(f"load {self.type}, ptr {slot}")

    def begin(self) -> None:
        """An empty block."""
        for s in self.parts:
            self.e.do(f"store {self.type} {number(-0.0, self.dtype)}, ptr {s}")

    def fold(self) -> None:
        """Add the block's sum, and what is lost of it to the errors."""
        for total, part, error in zip(self.totals, self.parts, self.errors, strict=True):
            t, p = self.load(total), self.load(part)
            s, lost = two_sum(self.e, self.dtype, t, p)
            self.e.do(f"store {self.type} {s}, ptr {total}")
            self.e.do(f"store {self.type} {do(self.e, 'fadd', self.dtype, self.load(error), lost)}, ptr {error}")

    def finish(self) -> None:
        """The totals with their errors; of infinite totals there are none."""
        for total, error in zip(self.totals, self.errors, strict=True):
            lost = self.load(error)
            known = do(self.e, "fcmp ord", self.dtype, lost, lost)
            lost = self.e.emit(f"select i1 {known}, {self.type} {lost}, {self.type} {number(0, self.dtype)}")
            y = do(self.e, "fadd", self.dtype, self.load(total), lost)
            self.e.do(f"store {self.type} {y}, ptr {total}")
        self.e.accumulators[self.key] = self.totals


def two_sum(w: Writer, dtype: np.dtype[Any], a: str, b: str) -> tuple[str, str]:
    """a + b rounded, and what is lost."""
    s = do(w, "fadd", dtype, a, b)
    c = do(w, "fsub", dtype, s, a)
    d = do(w, "fsub", dtype, s, c)
    return s, do(w, "fadd", dtype, do(w, "fsub", dtype, a, d), do(w, "fsub", dtype, b, c))
