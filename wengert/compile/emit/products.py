"""Matrix products written down: tiles of the result in registers, for matrices that are small or long and thin.

    for each tile of rows x columns:  tile = 0;  for k: tile += a[rows, k] b[k, columns];  total = tile (+ total)

The columns of b and of the result lie next to each other in memory and are vectors; the rows of a are read one number
at a time, whatever their order. Nothing is copied first, as BLAS does for its large tiles: that is what makes it slow
where each number takes part in few products, and what costs a microsecond where there are few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..loops.ir import Axis
from ..machine.llvm import width
from .writer import llvm_type

MOST_VECTORS, MOST_ROWS = 3, 16  # of a tile
FEWEST = 8  # vectors of a tile, so that no sum waits for itself, where there are so many
BLOCK = 256  # terms that are added up at a time: so many rows of b stay in the cache


def matrix_product(e: Any, p: Any, at: Sequence[str], dtype: np.dtype[Any], beta: int) -> None:
    """total = a b + beta total. p: lengths and strides (lower/blas.py); at: where the three begin; beta: 0 or 1."""
    kernel = Kernel(e, p, dtype)
    k, add = p.summed.length, bool(beta)
    if k < 2 * BLOCK:
        kernel.product(at, str(k), add)
        return
    if not add:
        kernel.zeros(at[2])

    def block(n: str) -> None:
        start = e.emit(f"mul nuw nsw i64 {n}, {BLOCK}")
        left = e.emit(f"sub nuw nsw i64 {k}, {start}")
        here = [kernel.moved(at[0], start, p.summed.a), kernel.moved(at[1], start, p.summed.b), at[2]]
        kernel.product(here, e.emit(f"call i64 @llvm.umin.i64(i64 {left}, i64 {BLOCK})"), True)

    over(e, -(-k // BLOCK), block)


def over(e: Any, count: int, body: Callable[[str], None]) -> None:
    """A loop around what is written for one number of a tile."""
    if count == 1:
        body("0")
    else:
        axis = Axis(count)
        e.counted(axis, str(count), lambda: body(e.axes[axis]), set(), False)


def best(n: int, sizes: Sequence[int]) -> int:
    """The size of tiles that cover a length with the least left over; the largest of several."""
    return min(sizes, key=lambda size: (-(-n // size) * size, -size))


class Tiles(NamedTuple):
    """Where tiles begin, how many there are, how long each is; last: where the last one begins, or would."""

    start: int
    many: int
    size: int
    last: int


def cover(n: int, size: int, again: bool) -> list[Tiles]:
    """Tiles of this size for a length. again: may the last go over elements of the one before it once more?"""
    if n <= size:
        return [Tiles(0, 1, n, 0)]
    if again or n % size == 0:
        return [Tiles(0, -(-n // size), size, n - size)]
    return [Tiles(0, n // size, size, n), Tiles(n - n % size, 1, n % size, n)]


class Kernel:
    """The text of a product with these lengths and strides."""

    def __init__(self, e: Any, p: Any, dtype: np.dtype[Any]) -> None:
        self.e, self.p, self.dtype, self.type = e, p, dtype, llvm_type(dtype)
        self.lanes = min(width() * 8 // dtype.itemsize, 1 << (p.column.length - 1).bit_length())
        registers = 16 if width() == 8 else 12  # of the machine's, those that hold a tile: more are no faster
        across = -(-p.column.length // self.lanes)
        self.vectors = across if across <= MOST_VECTORS else best(across, range(2, MOST_VECTORS + 1))
        most = min(registers // self.vectors, MOST_ROWS, p.row.length)
        self.rows = best(p.row.length, range(min(-(-FEWEST // self.vectors), most), most + 1))

    def product(self, at: Sequence[str], k: str, add: bool) -> None:
        """The tiles of the result, each for k terms."""
        for columns in cover(self.p.column.length, self.vectors * self.lanes, not add):
            for rows in cover(self.p.row.length, self.rows, not add):
                self.repeated(at, columns, rows, k, add)

    def repeated(self, at: Sequence[str], columns: Tiles, rows: Tiles, k: str, add: bool) -> None:
        """Tiles of one size, one after the other."""
        a, b, total = at

        def across(i: str) -> None:
            c = self.place(columns, i)
            right, here = self.moved(b, c, 1), self.moved(total, c, 1)

            def down(j: str) -> None:
                r = self.place(rows, j)
                at = [self.moved(a, r, self.p.row.a), right, self.moved(here, r, self.p.row.total)]
                self.tile(at, rows.size, columns.size, k, add)

            over(self.e, rows.many, down)

        over(self.e, columns.many, across)

    def place(self, tiles: Tiles, i: str) -> str:
        """Where tile i begins."""
        if tiles.many == 1:
            return str(tiles.start)
        start = self.e.emit(f"mul nuw nsw i64 {i}, {tiles.size}")
        if tiles.last >= (tiles.many - 1) * tiles.size:
            return start
        return self.e.emit(f"call i64 @llvm.umin.i64(i64 {start}, i64 {tiles.last})")

    def zeros(self, total: str) -> None:
        """Fill the result."""
        columns = self.p.column.length
        starts, counts = self.parts(columns)

        def row(j: str) -> None:
            here = self.moved(total, j, self.p.row.total)

            def part(i: str) -> None:
                c = self.place(Tiles(0, columns // self.lanes, self.lanes, columns), i)
                self.store(self.moved(here, c, 1), "zeroinitializer", self.lanes)

            if columns >= self.lanes:
                over(self.e, columns // self.lanes, part)
            if counts[-1] < self.lanes or starts[-1] % self.lanes:
                self.store(self.beyond(here, starts[-1]), "zeroinitializer", counts[-1])

        over(self.e, self.p.row.length, row)

    def parts(self, columns: int) -> tuple[list[int], list[int]]:
        """Where the vectors of a row begin and how many numbers they hold. The last may overlap the one before."""
        if columns < self.lanes:
            return [0], [columns]
        starts = [min(c, columns - self.lanes) for c in range(0, columns, self.lanes)]
        return starts, [self.lanes] * len(starts)

    def tile(self, at: Sequence[str], rows: int, columns: int, k: str, add: bool) -> None:
        """One tile: its rows are vectors in registers."""
        starts, counts = self.parts(columns)
        for r, sums in enumerate(self.summed(at, rows, starts, counts[0], k)):
            places = [self.beyond(at[2], r * self.p.row.total + c) for c in starts]
            if add:
                before = [self.load(p, n) for p, n in zip(places, counts, strict=True)]
                t = self.vector(counts[0])
                sums = [self.e.emit(f"fadd {t} {x}, {y}") for x, y in zip(before, sums, strict=True)]
            for p, x, n in zip(places, sums, counts, strict=True):
                self.store(p, x, n)

    def summed(self, at: Sequence[str], rows: int, starts: Sequence[int], count: int, k: str) -> list[list[str]]:
        """The loop over the terms: its state is the tile."""
        e, t = self.e, self.vector(count)
        before, head, done = e.label, e.new_label("terms"), e.new_label("summed")
        e.jump(head)
        e.begin(head)
        n, place = e.fresh(), len(e.lines)
        old = [[e.fresh() for _ in starts] for _ in range(rows)]
        a, b = self.moved(at[0], n, self.p.summed.a), self.moved(at[1], n, self.p.summed.b)
        right = [self.load(self.beyond(b, c), count) for c in starts]
        new = []
        for r in range(rows):
            x = self.splat(e.emit(f"load {self.type}, ptr {self.beyond(a, r * self.p.row.a)}"), count)
            new.append([self.multiply_add(x, y, s, t) for y, s in zip(right, old[r], strict=True)])
        after = e.emit(f"add nuw nsw i64 {n}, 1")
        phis = [f"  {n} = phi i64 [ 0, %{before} ], [ {after}, %{head} ]"]
        for row, next_ in zip(old, new, strict=True):
            for s, y in zip(row, next_, strict=True):
                phis.append(f"  {s} = phi {t} [ zeroinitializer, %{before} ], [ {y}, %{head} ]")
        e.lines[place:place] = phis
        e.branch(e.emit(f"icmp slt i64 {after}, {k}"), head, done)
        e.begin(done)
        return new

    def multiply_add(self, x: str, y: str, s: str, t: str) -> str:
        """x y + s, rounded once where the machine can."""
        name = f"@llvm.fmuladd.v{t[1:].split(' ')[0]}f{8 * self.dtype.itemsize}"
        self.e.declare(f"declare {t} {name}({t}, {t}, {t})")
        return self.e.emit(f"call {t} {name}({t} {x}, {t} {y}, {t} {s})")

    # addresses and vectors
    def moved(self, pointer: str, n: str, stride: int) -> str:
        """n steps further."""
        step = n if stride == 1 else self.e.emit(f"mul nsw i64 {n}, {stride}")
        return self.e.emit(f"getelementptr inbounds {self.type}, ptr {pointer}, i64 {step}")

    def beyond(self, pointer: str, n: int) -> str:
        """n elements further."""
        return self.e.emit(f"getelementptr inbounds {self.type}, ptr {pointer}, i64 {n}") if n else pointer

    def width(self, count: int) -> int:
        """The lanes of a vector that holds so many numbers."""
        return 1 << (count - 1).bit_length()

    def vector(self, count: int) -> str:
        """The type of a vector for so many numbers."""
        return f"<{self.width(count)} x {self.type}>"

    def splat(self, x: str, count: int) -> str:
        """A number in all lanes."""
        n = self.width(count)
        one = self.e.emit(f"insertelement <{n} x {self.type}> poison, {self.type} {x}, i64 0")
        return self.e.emit(
            f"shufflevector <{n} x {self.type}> {one}, <{n} x {self.type}> poison, <{n} x i32> zeroinitializer"
        )

    def load(self, place: str, count: int) -> str:
        """A vector of so many numbers, the lanes beyond them filled with anything."""
        found = ""
        for start, n in pieces(count):
            y = self.e.emit(f"load <{n} x {self.type}>, ptr {self.beyond(place, start)}, align {self.dtype.itemsize}")
            if n == self.width(count):
                return y
            y = self.shuffled(y, n, None, [*range(n), *[None] * (self.width(count) - n)])
            lanes = self.width(count)
            mask = [lanes + k - start if start <= k < start + n else k for k in range(lanes)]
            found = self.shuffled(found, lanes, y, mask) if found else y
        return found

    def store(self, place: str, value: str, count: int) -> None:
        """The first numbers of a vector."""
        for start, n in pieces(count):
            part = value
            if n != self.width(count):
                part = self.shuffled(value, self.width(count), None, list(range(start, start + n)))
            to = self.beyond(place, start)
            self.e.do(f"store <{n} x {self.type}> {part}, ptr {to}, align {self.dtype.itemsize}")

    def shuffled(self, x: str, n: int, y: str | None, mask: Sequence[int | None]) -> str:
        """Lanes of one or two vectors of n in another order."""
        t = f"<{n} x {self.type}>"
        order = ", ".join("i32 poison" if k is None else f"i32 {k}" for k in mask)
        return self.e.emit(f"shufflevector {t} {x}, {t} {y or 'poison'}, <{len(mask)} x i32> <{order}>")


def pieces(count: int) -> list[tuple[int, int]]:
    """A length as powers of two, each with where it begins."""
    found, start = [], 0
    while start < count:
        n = 1 << ((count - start).bit_length() - 1)
        found.append((start, n))
        start += n
    return found
