"""Sums into neighbouring elements: `for i: a[i] += f(i); a[i + 1] += g(i)`, the adjoint of a difference stencil.

Each element is final when the loop has passed it, so the few that are not yet are kept in a window of registers that
moves along. Every element is then read and written once, and the loop is vectorised: what one round leaves to the next
is a first-order recurrence. Where the array was just filled with zeros, and the loop passes all of it, it is not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..ir import Axis, Block, Buffer, Const, Loop, Ref, Stmt, blocks, reads, writes
from .writer import llvm_type, number

WIDEST = 8  # elements of a window


class Window(NamedTuple):
    """The statements that add to neighbours, by how far ahead each is; the first element; how many there are."""

    stmts: dict[Stmt, int]
    first: Ref
    width: int
    fresh: bool  # was the array filled with zeros, and is all of it passed?


def windows(loop: Loop) -> list[Window]:
    """The windows of a loop: sums into one array by statements right in it, at places that differ along its axis."""
    by_buffer: dict[Buffer, list[Stmt]] = {}
    for child in loop.body:
        if isinstance(child, Stmt) and child.accumulate == "add" and child.target.coefficient(loop.axis) > 0:
            by_buffer.setdefault(child.target.buffer, []).append(child)
    found = []
    for buffer, stmts in by_buffer.items():
        if len({s.target.const for s in stmts}) > 1 and only_added(loop, buffer, stmts):
            window = window_of(loop, stmts)
            if window is not None:
                found.append(window)
    return found


def only_added(loop: Loop, buffer: Buffer, stmts: list[Stmt]) -> bool:
    """Does nothing else in the loop touch the array?"""
    for stmt in every(loop):
        if any(r.buffer is buffer and r is not stmt.target for r in stmt.refs()):
            return False
        if stmt.target.buffer is buffer and stmt not in stmts:
            return False
    return not any(s.target.indirect for s in stmts) and buffer.dtype.kind == "f" and buffer.home is None


def window_of(loop: Loop, stmts: list[Stmt]) -> Window | None:
    """One window for all statements, if they are so near to each other."""
    step = stmts[0].target.coefficient(loop.axis)
    terms = {frozenset(s.target.terms) for s in stmts}
    start = min(s.target.const for s in stmts)
    ahead = {s: s.target.const - start for s in stmts}
    if len(terms) > 1 or any(d % step for d in ahead.values()):
        return None
    width = max(ahead.values()) // step + 1
    if width > WIDEST:
        return None
    first = next(s.target for s in stmts if s.target.const == start)
    fresh = first.buffer in loop.fresh
    return Window({s: d // step for s, d in ahead.items()}, first, width, fresh)


def every(node: Any) -> Iterable[Stmt]:
    """The statements of a loop."""
    if isinstance(node, Stmt):
        yield node
    else:
        for child in node.body:
            yield from every(child)


class Moving:
    """A window while its loop is emitted."""

    def __init__(self, e: Any, window: Window, axis: Axis) -> None:
        self.e, self.window, self.axis = e, window, axis
        self.type = llvm_type(window.first.buffer.dtype)
        self.slots = [e.slot(self.type) for _ in range(window.width)]
        self.step = window.first.coefficient(axis)

    def at(self, ahead: int) -> Ref:
        """The element so far ahead of the loop."""
        return self.window.first._replace(const=self.window.first.const + ahead * self.step)

    def fill(self, k: int) -> None:
        """Place k of the window takes what is in memory."""
        if self.window.fresh:
            value = number(0, self.window.first.buffer.dtype)
        else:
            value = self.e.emit(f"load {self.type}, ptr {self.e.address(self.at(k))}")
        self.e.do(f"store {self.type} {value}, ptr {self.slots[k]}")

    def empty(self, k: int) -> None:
        """What place k of the window holds goes to memory."""
        value = self.e.emit(f"load {self.type}, ptr {self.slots[k]}")
        self.e.do(f"store {self.type} {value}, ptr {self.e.address(self.at(k))}")

    def before(self) -> None:
        """Before the loop: all places but the last."""
        self.e.axes[self.axis] = 0
        for k in range(self.window.width - 1):
            self.fill(k)

    def move(self) -> None:
        """At the end of a round: the first element is final; the others move up."""
        self.empty(0)
        for a, b in zip(self.slots, self.slots[1:], strict=False):
            self.e.do(f"store {self.type} {self.e.emit(f'load {self.type}, ptr {b}')}, ptr {a}")

    def after(self, bound: str) -> None:
        """After the loop: what is left."""
        self.e.axes[self.axis] = bound
        for k in range(self.window.width - 1):
            self.empty(k)

    # in vectors: the terms of all lanes, those for elements ahead shifted by as many lanes
    def begin_wide(self, lanes: int) -> list[str]:
        """Before the vectors: the terms that rounds before the first have left, none. The text."""
        self.lanes, self.wide = lanes, f"<{lanes} x {self.type}>"
        self.left = [self.e.slot(self.wide) for _ in self.slots[1:]]
        return [f"  store {self.wide} zeroinitializer, ptr {slot}" for slot in self.left]

    def empty_wide(self, first: str, slots: list[str]) -> None:
        """The elements of these rounds are final: they get the terms in these slots, and those that were left."""
        e, n = self.e, self.lanes
        total, *ahead = (e.emit(f"load {self.wide}, ptr {slot}") for slot in slots)
        for j, (left, terms) in enumerate(zip(self.left, ahead, strict=True), 1):
            before = e.emit(f"load {self.wide}, ptr {left}")
            places = ", ".join(f"i32 {n - j + k}" for k in range(n))
            shifted = e.emit(f"shufflevector {self.wide} {before}, {self.wide} {terms}, <{n} x i32> <{places}>")
            total = e.emit(f"fadd {self.wide} {total}, {shifted}")
            e.do(f"store {self.wide} {terms}, ptr {left}")
        e.axes[self.axis] = first
        address, size = e.address(self.at(0)), self.window.first.buffer.dtype.itemsize
        if not self.window.fresh:
            total = e.emit(f"fadd {self.wide} {total}, {e.emit(f'load {self.wide}, ptr {address}, align {size}')}")
        e.do(f"store {self.wide} {total}, ptr {address}, align {size}")

    def end_wide(self, first: str) -> None:
        """After the vectors: the window before the round of this number."""
        e = self.e
        e.axes[self.axis] = first
        for k in range(self.window.width - 1):
            self.fill(k)
            total = e.emit(f"load {self.type}, ptr {self.slots[k]}")
            for j in range(k + 1, self.window.width):
                terms = e.emit(f"load {self.wide}, ptr {self.left[j - 1]}")
                one = e.emit(f"extractelement {self.wide} {terms}, i64 {self.lanes - j + k}")
                total = e.emit(f"fadd {self.type} {total}, {one}")
            e.do(f"store {self.type} {total}, ptr {self.slots[k]}")


def drop_fills(block: Block) -> None:
    """An array that is filled with zeros, and next passed by a window from end to end, need not be filled, in place."""
    for node in block.nodes:
        for inner in blocks(node):
            drop_fills(inner)
    fills = {node.body[0].target.buffer: node for node in block.nodes if is_zero_fill(node)}
    for node in block.nodes:
        if type(node) is not Loop or type(node.axis.extent) is not int:
            continue
        for w in windows(node):
            buffer = w.first.buffer
            step, last = w.first.coefficient(node.axis), node.axis.extent + w.width - 1
            whole = len(w.first.terms) == 1 and step == 1 and w.first.const == 0 and last == buffer.size
            if whole and buffer in fills and next_after(block, fills[buffer], buffer) is node:
                block.nodes.remove(fills.pop(buffer))
                node.fresh.add(buffer)


def is_zero_fill(node: Any) -> bool:
    """Is it a loop that fills an array with zeros, and nothing else?"""
    if type(node) is not Loop or len(node.body) != 1 or not isinstance(node.body[0], Stmt):
        return False
    stmt = node.body[0]
    zero = stmt.op == "copy" and type(stmt.operands[0]) is Const and not stmt.operands[0].value
    return bool(zero) and not stmt.accumulate and node.axis.extent == stmt.target.buffer.size


def next_after(block: Block, fill: Any, buffer: Buffer) -> Any:
    """The next node that touches the array."""
    later = block.nodes[block.nodes.index(fill) + 1 :]
    return next((n for n in later if any(r.buffer is buffer for r in (*reads(n), *writes(n)))), None)
