"""Statements and loops over elements, with accumulators in registers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..loops.ir import Axis, Buffer, CallStmt, Loop, Ref, Stmt, Straight
from . import complex_ops
from .blocks import Sum, in_blocks, is_long
from .copies import copy_row, rows
from .elements import INDEX, Elements, parts
from .ops import extremum
from .rounds import NotWidened
from .short import IN_LOOP, STRAIGHT, every, short_loops
from .simd import Vectors
from .statement import computed
from .windows import Moving, windows
from .writer import Writer, llvm_type


class Emitter(Elements):
    """A function of statements and loops."""

    windows: Sequence[Moving] = ()  # of the loop at hand
    between = 0, 0  # the lines of its round, but for what fills windows and moves them

    def __init__(self, code_of: Any) -> None:
        super().__init__(code_of)
        self.accumulators: dict[Any, Any] = {}  # references whose sums are in slots
        self.written_out: set[Loop] = set()  # short loops
        self.single: set[Loop] = set()  # short loops that are one vector
        self.rows: set[Loop] = set()  # short rows that are copied
        self.moving: dict[Stmt, dict[tuple[int, ...], Moving]] = {}  # sums into windows, by lane

    # statements
    def statement(self, stmt: Stmt) -> None:
        """A statement, for the current values of all axes."""
        self.equation = stmt.eq
        if type(stmt) is CallStmt:
            stmt.emit(self, stmt)
            self.forget_all({stmt.target.buffer})
            return
        if not stmt.accumulate:
            self.store(stmt.target, computed(self, stmt))
            return
        y = self.factor_sum(stmt) if is_product_sum(stmt) else computed(self, stmt)
        slot = self.accumulators.get(self.key(stmt.target)) if not stmt.target.indirect else None
        if stmt in self.moving:
            lanes = self.moving[stmt]
            window = next(iter(lanes.values())).window
            slot = (lanes[tuple(self.axes[a] for a in window.lanes[stmt])].slots[window.stmts[stmt]],)
        dtype = stmt.target.buffer.dtype
        if slot is None:
            self.store(stmt.target, combined(self, stmt.accumulate, dtype, self.load(stmt.target), y))
            return
        t = llvm_type(dtype)
        old = tuple(self.emit(f"load {t}, ptr {s}") for s in slot)
        new = combined(self, stmt.accumulate, dtype, old if dtype.kind == "c" else old[0], y)
        for s, v in zip(slot, new if dtype.kind == "c" else (new,), strict=True):
            self.do(f"store {t} {v}, ptr {s}")

    def factor_sum(self, stmt: Stmt) -> str:
        """The term of a sum of products, which is added without rounding the product first, as BLAS does."""
        dtype = stmt.target.buffer.dtype
        a, b = (self.operand(x, dtype) for x in stmt.operands)
        return self.emit(f"fmul contract {llvm_type(dtype)} {a}, {b}")

    # loops
    def node(self, node: Any) -> None:
        """A statement, straight code or a loop over elements."""
        if isinstance(node, Stmt):
            self.statement(node)
        elif type(node) is Straight:
            self.written_out.update(short_loops(node, STRAIGHT))
            self.single.update(x for x in single_vectors(node) if x in self.written_out)
            for child in node.body:
                self.node(child)
        elif node in self.rows:
            copy_row(self, node)
        elif node in self.single and self.in_a_vector(node):
            return
        elif node in self.written_out:
            assert not node.fresh, "no window passes what is written out"
            sums = self.begin_sums(node)
            for value in range(node.axis.extent):
                self.axes[node.axis] = value
                self.body(node)
            self.end_sums(sums)
        else:
            self.loop(node)

    def in_a_vector(self, loop: Loop) -> bool:
        """Write a short loop as one vector, if that can be done."""
        lines, known = self.lines, self.known.copy()
        i, self.lines = self.fresh(), []
        self.axes[loop.axis] = i
        self.body(loop)
        one_round, self.lines = self.lines, lines.copy()
        try:
            Vectors(self, one_round, i, loop.axis.extent, (), one_round).emit("0", str(loop.axis.extent))
        except NotWidened:
            self.lines, self.known = lines, known
            self.single.discard(loop)
            return False
        self.known = known
        self.forget_all({s.target.buffer for s in every(loop)})
        return True

    def loop(self, loop: Loop) -> None:
        """for axis in range(extent): body."""
        outer = self.known.copy()
        self.rows |= rows(loop)
        if not loop.axis.small:
            self.written_out.update(short_loops(loop, IN_LOOP))
        changed = {s.target.buffer for s in every(loop)}
        outer_loop = any(type(c) is Loop and c not in self.written_out for c in loop.body)
        long = is_long(loop) and not outer_loop
        sums = self.begin_sums(loop, long)
        moving = self.begin_windows(loop)
        extent = loop.axis.extent
        bound = str(extent) if type(extent) is int else self.operand(extent, INDEX)
        added = [x for x in sums if adds_up(loop, x[1].buffer)] if long and not moving else []
        if added:
            in_blocks(self, loop, lambda: self.body(loop), changed, added)
        else:
            self.windows = moving
            self.counted(loop.axis, bound, lambda: self.round(loop, moving), changed, type(extent) is not int)
            self.windows = []
        self.known = outer.without(changed)
        for m in moving:
            m.after(bound)
        self.end_sums(sums)

    def begin_windows(self, loop: Loop) -> list[Moving]:
        """The windows that move along with a loop, one for each lane."""
        moving: list[Moving] = []
        found = windows(loop)
        assert loop.fresh <= {w.first.buffer for w in found}, "windows pass what was not filled"
        for w in found:
            lanes = {k: Moving(self, w, loop.axis, k) for k in itertools.product(*(range(a.extent) for a in w.short))}
            self.moving.update(dict.fromkeys(w.stmts, lanes))
            moving += lanes.values()
        for m in moving:
            m.before()
        return moving

    def round(self, loop: Loop, moving: Sequence[Moving]) -> None:
        """One round of a loop with windows that move along.

        What is read again in vectors is the body alone: it knows nothing of the rest, and nothing after it of either.
        """
        known = self.known.copy()
        for m in moving:
            m.fill(m.window.width - 1)
        if moving:
            self.known = known.copy()
        begin = len(self.lines)
        self.body(loop)
        self.between = begin, len(self.lines)
        for m in moving:
            m.move()
        if moving:
            self.known = known

    def body(self, loop: Loop) -> None:
        """One round."""
        for child in loop.body:
            self.node(child)

    def counted(
        self,
        axis: Axis,
        bound: str,
        body: Any,
        changed: set[Buffer],
        may_be_empty: bool = True,
        start: str = "0",
    ) -> None:
        """Rounds start to bound - 1 of what `body` emits, in vectors if that can be done and pays."""
        head, done = self.new_label("loop"), self.new_label("done")
        if may_be_empty:
            ready = self.new_label("ready")
            self.branch(self.emit(f"icmp sgt i64 {bound}, 0"), ready, done)
            self.begin(ready)
        self.forget_all(changed)
        before, mark = self.label, len(self.lines)
        self.jump(head)
        self.begin(head)
        i = self.fresh()
        place = len(self.lines)
        self.lines.append("")
        self.axes[axis] = i
        body()
        if self.label == head and self.widened(mark, before, i, start, bound):
            if may_be_empty:
                self.jump(done)
                self.begin(done)
            return
        after = self.emit(f"add nuw nsw i64 {i}, 1")
        self.lines[place] = f"  {i} = phi i64 [ {start}, %{before} ], [ {after}, %{self.label} ]"
        self.branch(self.emit(f"icmp slt i64 {after}, {bound}"), head, done)
        self.begin(done)

    def widened(self, mark: int, before: str, i: str, start: str, bound: str) -> bool:
        """Write the loop that begins at a line anew, in vectors, if that can be done and pays."""
        lines, label = self.lines, self.label
        count = int(bound) if bound.isdigit() and start == "0" else None
        try:
            begin, end = self.between if self.windows else (mark + 3, len(lines))
            vectors = Vectors(self, lines[begin:end], i, count, self.windows, lines[mark + 3 :])
            self.lines, self.label = lines[:mark], before
            vectors.emit(start, bound)
        except NotWidened:
            self.lines, self.label = lines, label
            return False
        return True

    def begin_sums(self, loop: Loop, long: bool = False) -> list[Sum]:
        """Accumulators that stay in place for the whole loop move to slots on the stack, that is to registers."""
        found: list[Sum] = []
        for stmt, path in with_paths(loop):
            target = stmt.target
            if target.buffer.kind == "local" and target.buffer.size == 1 and not long:
                continue
            if path[-1] in self.single or not self.stays(stmt, path) or not self.alone_in(loop, stmt, path):
                continue
            if target.coefficient(loop.axis):
                continue
            steps = [x.axis for x in path if target.coefficient(x.axis)]
            for values in itertools.product(*(range(a.extent) for a in steps)):
                self.axes.update(zip(steps, values, strict=True))
                key = self.key(target)
                if key in self.accumulators:
                    continue
                t = llvm_type(target.buffer.dtype)
                slots = tuple(self.slot(t) for _ in parts(target.buffer))
                value = self.load(target)
                for s, v in zip(slots, value if len(slots) == 2 else (value,), strict=True):
                    self.do(f"store {t} {v}, ptr {s}")
                self.accumulators[key] = slots
                found.append((key, target, dict(zip(steps, values, strict=True)), slots))
        return found

    def stays(self, stmt: Stmt, path: Sequence[Loop]) -> bool:
        """Does a statement accumulate in the same elements in every round of the loops around it?"""
        if not stmt.accumulate or stmt.target.indirect:
            return False
        return not any(stmt.target.coefficient(x.axis) and x not in self.written_out for x in path)

    def alone_in(self, loop: Loop, stmt: Stmt, path: Sequence[Loop]) -> bool:
        """Does nothing else in the loop touch what a statement accumulates, but accumulation of the same kind that
        stays too, in elements that are the same ones or others, which can be told from their constants?"""
        target = stmt.target
        for other, way in with_paths(loop):
            if any(r.buffer is target.buffer and r is not other.target for r in other.refs()):
                return False
            if other is stmt or other.target.buffer is not target.buffer:
                continue
            if other.accumulate != stmt.accumulate or not self.stays(other, way):
                return False
            if outer_terms(other.target, way) != outer_terms(target, path):
                return False
        return True

    def end_sums(self, sums: list[Sum]) -> None:
        """Accumulators go back to memory."""
        for key, target, axes, slots in sums:
            self.axes.update(axes)
            t = llvm_type(target.buffer.dtype)
            values = tuple(self.emit(f"load {t}, ptr {s}") for s in slots)
            del self.accumulators[key]
            self.store(target, values if len(values) == 2 else values[0])


def single_vectors(node: Any) -> Iterator[Loop]:
    """Innermost loops of straight code that may be a vector: they write neighbours, and read neighbours or the same."""
    for child in node.body:
        if type(child) is not Loop:
            continue
        yield from single_vectors(child)
        extent = child.axis.extent
        if type(extent) is int and extent in (4, 8) and all(side_by_side(s, child.axis) for s in child.body):
            yield child


def side_by_side(stmt: Any, axis: Axis) -> bool:
    """Does a statement write neighbours in neighbouring rounds, and read neighbours or the same?"""
    if not isinstance(stmt, Stmt) or type(stmt) is CallStmt or stmt.target.buffer.dtype.kind != "f":
        return False
    refs = [r for r in (stmt.target, *stmt.refs())]
    return stmt.target.coefficient(axis) == 1 and all(r.coefficient(axis) in (0, 1) and not r.indirect for r in refs)


def adds_up(loop: Loop, buffer: Buffer) -> bool:
    """Are floating-point numbers added up in an array?"""
    if buffer.dtype.kind not in "fc":
        return False
    return any(s.target.buffer is buffer and s.accumulate == "add" for s in every(loop))


def is_product_sum(stmt: Stmt) -> bool:
    """Is it a term of a matrix product or of another contraction?"""
    return stmt.accumulate == "add" and stmt.op == "mul" and stmt.target.buffer.dtype.kind == "f"


def with_paths(loop: Loop, path: tuple[Loop, ...] = ()) -> Iterator[tuple[Stmt, tuple[Loop, ...]]]:
    """The statements of a loop, each with the loops around it, this one first."""
    path = (*path, loop)
    for child in loop.body:
        if isinstance(child, Stmt):
            yield child, path
        else:
            yield from with_paths(child, path)


def outer_terms(ref: Ref, path: Sequence[Loop]) -> dict[Axis, int]:
    """How an index depends on the axes of loops further out."""
    inside = [x.axis for x in path]
    return {a: ref.coefficient(a) for a, _ in ref.terms if a not in inside}


def combined(w: Writer, how: str, dtype: np.dtype[Any], a: Any, b: Any) -> Any:
    """The total with one more term. Sums may be taken in any order: that is what lets them be vectorised."""
    if dtype.kind == "c":
        return complex_ops.combined(w, how, dtype, a, b)
    t = llvm_type(dtype)
    if how in ("max", "min"):
        if dtype.kind == "f":
            name = f"llvm.{how}imum.f{8 * dtype.itemsize}"
            return w.emit(f"call nsz {t} @{name}({t} {a}, {t} {b})")
        return extremum(w, how, dtype, a, b)
    if how in ("and", "or"):
        return w.emit(f"{how} {t} {a}, {b}")
    if dtype.kind == "f":
        return w.emit(f"f{how} reassoc contract {t} {a}, {b}")  # contract: with terms that allow it, see factor_sum
    if dtype.kind == "b":
        return w.emit(f"{'or' if how == 'add' else 'and'} i1 {a}, {b}")
    return w.emit(f"{how} {t} {a}, {b}")
