"""Sums into neighbouring elements: `for i: a[i] += f(i); a[i + 1] += g(i)`, the adjoint of a difference stencil.

Each element is final when the loop has passed it, so the few that are not yet are kept in a window of registers that
moves along. Every element is then read and written once, and the loop is vectorised: what one round leaves to the next
is a first-order recurrence. Where the array was just filled with zeros, and the loop passes all of it, it is not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from ..loops.ir import Axis, Buffer, Const, Loop, Ref, Stmt, blocks, reads, writes
from .short import IN_LOOP, every, short_loops
from .writer import llvm_type, number

WIDEST = 8  # elements of a window


class Window(NamedTuple):
    """The statements that add to neighbours, by how far ahead each is; the first element; how many there are.

    lanes: for each statement the axes of the short loops around it, which are written out; there is a window for each
    combination of their values. Other statements may have other short loops, alike.
    """

    stmts: dict[Stmt, int]
    first: Ref
    width: int
    fresh: bool  # was the array filled with zeros, and is all of it passed?
    lanes: dict[Stmt, tuple[Axis, ...]]

    @property
    def short(self) -> tuple[Axis, ...]:
        """The axes of the lanes, as the first element's index has them."""
        return next(axes for s, axes in self.lanes.items() if s.target is self.first)


def windows(loop: Loop) -> list[Window]:
    """The windows of a loop: sums into one array by statements right in it, or in short loops that are written out, at
    places that differ along its axis."""
    by_buffer: dict[Buffer, list[Stmt]] = {}
    for stmt in straight(loop):
        if stmt.accumulate == "add" and stmt.target.coefficient(loop.axis) > 0:
            by_buffer.setdefault(stmt.target.buffer, []).append(stmt)
    found = []
    for buffer, stmts in by_buffer.items():
        if len({s.target.const for s in stmts}) > 1 and only_added(loop, buffer, stmts):
            window = window_of(loop, stmts)
            if window is not None:
                found.append(window)
    return found


def straight(loop: Loop) -> Iterator[Stmt]:
    """The statements of a round that are written one after the other, also those in loops that are written out."""
    out = set() if loop.axis.small else short_loops(loop, IN_LOOP)
    for child in loop.body:
        if isinstance(child, Stmt):
            yield child
        elif child in out:
            yield from every(child)


def only_added(loop: Loop, buffer: Buffer, stmts: Sequence[Stmt]) -> bool:
    """Does nothing else in the loop touch the array?"""
    for stmt in every(loop):
        if any(r.buffer is buffer and r is not stmt.target for r in stmt.refs()):
            return False
        if stmt.target.buffer is buffer and stmt not in stmts:
            return False
    return not any(s.target.indirect for s in stmts) and buffer.dtype.kind == "f" and buffer.home is None


def window_of(loop: Loop, stmts: list[Stmt]) -> Window | None:
    """One window for all statements, if they are so near to each other; one in each lane, if lanes stay apart."""
    step = stmts[0].target.coefficient(loop.axis)
    lanes = {s: short_axes(loop, s.target) for s in stmts}
    terms = {alike(s.target, axes) for s, axes in lanes.items()}
    start = min(s.target.const for s in stmts)
    ahead = {s: s.target.const - start for s in stmts}
    if len(terms) > 1 or any(d % step for d in ahead.values()):
        return None
    width = max(ahead.values()) // step + 1
    if width > WIDEST:
        return None
    first = next(s.target for s in stmts if s.target.const == start)
    window = Window({s: d // step for s, d in ahead.items()}, first, width, first.buffer in loop.fresh, lanes)
    if window.short and not apart(first, (loop.axis, *window.short), loop.axis, width):
        return None
    return window


def short_axes(loop: Loop, ref: Ref) -> tuple[Axis, ...]:
    """The axes of the loops in a loop that an index depends on, by their steps."""
    inside = axes_inside(loop)
    return tuple(sorted((a for a, _ in ref.terms if a in inside), key=ref.coefficient))


def alike(ref: Ref, short: tuple[Axis, ...]) -> Any:
    """Equal for indices that differ in where they begin, and in the names of short axes."""
    others = frozenset((a, c) for a, c in ref.terms if a not in short)
    return others, tuple((a.extent, ref.coefficient(a)) for a in short)


def axes_inside(loop: Loop) -> set[Axis]:
    """The axes of the loops in a loop."""
    found: set[Axis] = set()
    for child in loop.body:
        if type(child) is Loop:
            found |= {child.axis, *axes_inside(child)}
    return found


def apart(first: Ref, axes: Sequence[Axis], along: Axis, width: int) -> bool:
    """Does a window that moves along an axis pass other elements for each of the values of the others?"""
    end = 1
    for axis, step in by_steps(first, axes):
        if type(axis.extent) is not int or step < end:
            return False
        end = step * (axis.extent + (width - 1 if axis is along else 0))
    return True


def passed(first: Ref, axes: Sequence[Axis], along: Axis, width: int) -> int | None:
    """How many elements, one after the other and each once, a window passes for all values of the axes, if it does."""
    end = 1
    for axis, step in by_steps(first, axes):
        if type(axis.extent) is not int or step != end:
            return None
        end = step * (axis.extent + (width - 1 if axis is along else 0))
    return end


def by_steps(ref: Ref, axes: Sequence[Axis]) -> list[tuple[Axis, int]]:
    """Axes with their steps, the smallest first."""
    return sorted(((a, ref.coefficient(a)) for a in axes), key=lambda pair: abs(pair[1]))


class Moving:
    """A window while its loop is emitted, in one lane: for these values of the window's axes."""

    def __init__(self, e: Any, window: Window, axis: Axis, lane: Sequence[int] = ()) -> None:
        self.e, self.axis = e, axis
        self.window = window._replace(first=placed(window.first, dict(zip(window.short, lane, strict=True))))
        window = self.window
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


def placed(ref: Ref, values: dict[Axis, int]) -> Ref:
    """A reference for known values of some axes."""
    const = ref.const + sum(c * values[a] for a, c in ref.terms if a in values)
    return ref._replace(const=const, terms=tuple((a, c) for a, c in ref.terms if a not in values))


# zeros that are not needed ---------------------------------------------------------------------------------------
class Fill(NamedTuple):
    """A node that fills elements with zeros, one after the other: the first, how many, and what else the index has."""

    node: Any
    first: Ref
    size: int
    outer: frozenset[tuple[Axis, int]]


def drop_fills(nodes: list[Any], out: Collection[Loop] = ()) -> None:
    """Elements that are filled with zeros, and next passed by a window from end to end, need not be: in place.

    out: those of the nodes that are written out, in which no window moves.
    """
    staying = [node for node in nodes if node not in out]
    for node in staying:
        for inner in blocks(node):
            drop_fills(inner.nodes)
        if type(node) is Loop and not node.axis.small:
            drop_fills(node.body, short_loops(node, IN_LOOP))
    fills = {fill.first.buffer: fill for node in nodes if (fill := fill_of(node)) is not None}
    for node in staying if fills else ():
        for loop, around in loops_in(node, ()):
            for w in windows(loop):
                buffer = w.first.buffer
                fill = fills.get(buffer)
                alone = fill is not None and only_added(node, buffer, list(w.stmts))
                if fill and alone and replaces(w, loop, around, fill) and next_after(nodes, fill) is node:
                    nodes.remove(fills.pop(buffer).node)
                    loop.fresh.add(buffer)


def replaces(w: Window, loop: Loop, around: Sequence[Axis], fill: Fill) -> bool:
    """Does a window pass what is filled, and nothing else?"""
    axes = (*around, loop.axis, *w.short)
    count = passed(w.first, axes, loop.axis, w.width)
    return (count, w.first.const, without(w.first, axes)) == (fill.size, fill.first.const, fill.outer)


def without(ref: Ref, axes: Sequence[Axis]) -> frozenset[tuple[Axis, int]]:
    """What an index has besides these axes."""
    return frozenset((a, c) for a, c in ref.terms if a not in axes)


def loops_in(node: Any, around: tuple[Axis, ...]) -> Iterator[tuple[Loop, tuple[Axis, ...]]]:
    """A loop and those in it that stay loops when it is emitted, each with the axes of the loops around it."""
    if type(node) is Loop:
        yield node, around
        out = node.body if node.axis.small else short_loops(node, IN_LOOP)
        for child in node.body:
            if child not in out:
                yield from loops_in(child, (*around, node.axis))


def fill_of(node: Any) -> Fill | None:
    """What a loop fills with zeros, if it does nothing else and leaves nothing out."""
    axes, stmt = [], node
    while type(stmt) is Loop and len(stmt.body) == 1:
        axes.append(stmt.axis)
        (stmt,) = stmt.body
    if not axes or not isinstance(stmt, Stmt) or stmt.op != "copy" or stmt.accumulate or stmt.target.indirect:
        return None
    count = passed(stmt.target, axes, axes[0], 1)
    if count is None or type(stmt.operands[0]) is not Const or stmt.operands[0].value:
        return None
    return Fill(node, stmt.target, count, without(stmt.target, axes))


def next_after(nodes: list[Any], fill: Fill) -> Any:
    """The next node that touches what is filled."""
    later = nodes[nodes.index(fill.node) + 1 :]
    return next((n for n in later if any(r.buffer is fill.first.buffer for r in (*reads(n), *writes(n)))), None)
