"""Statements and loops over elements: addresses, loads that are known already, accumulators in registers, loops."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import mathlib
from ..ir import Axis, Buffer, CallStmt, Const, Indirect, Loop, Operand, Position, Ref, Stmt, Straight
from . import complex_ops
from .aliasing import Scopes
from .blocks import Sum, in_blocks, is_long
from .ops import extremum
from .short import IN_LOOP, STRAIGHT, every, short_loops
from .statement import computed, converted_constant
from .values import converted
from .windows import Moving, windows
from .writer import Writer, llvm_type, memory_type

INDEX = np.dtype(np.int64)
MATHEMATICS = ", !llvm.loop !2"  # a loop with elementary functions is not interleaved: more code, no faster
OUTER = ", !llvm.loop !0"  # a loop around loops is not unrolled: what is to be written out has been


class Emitter(Writer):
    """One function: its arrays are parameters that do not overlap, in the order of their first use."""

    def __init__(self, code_of: Any) -> None:
        super().__init__()
        self.code_of = code_of  # (what went wrong, equation) -> the number that the function returns
        self.pointers: dict[Buffer, str] = {}
        self.parameters: list[Buffer] = []
        self.axes: dict[Axis, Any] = {}  # names of loop variables; integers where a loop is written out
        self.known: dict[Any, Any] = {}  # loads and addresses that hold here
        self.accumulators: dict[Any, Any] = {}  # references whose sums are in slots
        self.written_out: set[Loop] = set()  # short loops
        self.moving: dict[Stmt, Moving] = {}  # sums into windows
        self.failures: dict[int, str] = {}  # code -> slot of a flag
        self.furthest: dict[int, tuple[str, int]] = {}  # code -> slot of the furthest place, and the length of the axis

    # addresses and memory
    def pointer(self, buffer: Buffer) -> str:
        """Where a buffer begins."""
        if buffer.home is not None:
            found = self.known.get(("stack", buffer))
            if found is None:
                home, note = self.pointer(buffer.home), self.scopes.note(buffer.home)
                found = self.known["stack", buffer] = self.emit(f"load ptr, ptr {home}{note}")
            return found
        found = self.pointers.get(buffer)
        if found is None:
            if buffer.kind == "local":
                n = buffer.size * (2 if buffer.dtype.kind == "c" else 1)
                found = self.slot(memory_type(buffer.dtype), n)
            else:
                found = f"%b{len(self.parameters)}"
                self.parameters.append(buffer)
            self.pointers[buffer] = found
        return found

    def resolved(self, ref: Ref) -> tuple[int, tuple[tuple[str, int], ...]]:
        """The index as a number and named terms, for the current values of axes that are written out."""
        const, terms = ref.const, []
        for axis, c in ref.terms:
            value = self.axes[axis]
            if type(value) is int:
                const += c * value
            else:
                terms.append((value, c))
        return const, tuple(terms)

    def sum_of(self, terms: tuple[tuple[str, int], ...]) -> str | None:
        """The sum of coefficient * variable."""
        if not terms:
            return None
        found = self.known.get(terms)
        if found is None:
            *rest, (name, c) = terms
            found = name if c == 1 else self.emit(f"mul nsw i64 {name}, {c}")
            before = self.sum_of(tuple(rest))
            if before is not None:
                found = self.emit(f"add nsw i64 {before}, {found}")
            self.known[terms] = found
        return found

    def address(self, ref: Ref, part: int = 0) -> str:
        """The address of an element; part: 1 for the imaginary part."""
        const, terms = self.resolved(ref)
        index = self.sum_of(terms)
        for i in ref.indirect:
            step = self.index(i)
            if i.stride != 1:
                step = self.emit(f"mul nsw i64 {step}, {i.stride}")
            index = step if index is None else self.emit(f"add nsw i64 {index}, {step}")
        t = memory_type(ref.buffer.dtype)
        p = self.pointer(ref.buffer)
        if ref.buffer.dtype.kind == "c":
            index = None if index is None else self.emit(f"mul nsw i64 {index}, 2")
            const = 2 * const + part
        if index is not None:
            p = self.emit(f"getelementptr inbounds {t}, ptr {p}, i64 {index}")
        return self.emit(f"getelementptr inbounds {t}, ptr {p}, i64 {const}") if const else p

    def index(self, i: Indirect) -> str:
        """An index that is read from memory, counted from the front, in range; a flag is set if it was not."""
        x = self.operand(i.index, INDEX)
        key = ("index", x, i.extent, i.slice)
        found = self.known.get(key)
        if found is not None:
            return found
        y = x
        if i.slice is None:
            negative = self.emit(f"icmp slt i64 {x}, 0")
            y = self.emit(f"select i1 {negative}, i64 {self.emit(f'add i64 {x}, {i.extent}')}, i64 {x}")
        if i.checked:
            bad = self.emit(f"icmp uge i64 {y}, {i.extent}")
            self.fails_beyond(y, i)
            y = self.emit(f"select i1 {bad}, i64 0, i64 {y}")
        self.known[key] = y
        return y

    def fails_beyond(self, place: str, i: Indirect) -> None:
        """The function fails if one of the places, unsigned numbers, is beyond the axis: the largest tells."""
        what = ("index", i.extent, i.axis) if i.slice is None else ("slice", *i.slice)
        code = self.code_of(what, self.equation)
        if code not in self.furthest:
            self.furthest[code] = self.slot("i64"), i.extent
            self.slots.append(f"  store i64 0, ptr {self.furthest[code][0]}")
        slot = self.furthest[code][0]
        further = self.emit(f"call i64 @llvm.umax.i64(i64 {self.emit(f'load i64, ptr {slot}')}, i64 {place})")
        self.do(f"store i64 {further}, ptr {slot}")

    def fails(self, condition: str, what: Any) -> None:
        """If the condition holds, the function returns the code of what went wrong."""
        code = self.code_of(what, self.equation)
        if code not in self.failures:
            self.failures[code] = self.slot("i1")
            self.slots.append(f"  store i1 false, ptr {self.failures[code]}")
        old = self.emit(f"load i1, ptr {self.failures[code]}")
        self.do(f"store i1 {self.emit(f'or i1 {old}, {condition}')}, ptr {self.failures[code]}")

    def stop(self, what: Any, eq: Any) -> None:
        """Return the code of what has gone wrong."""
        self.stop_unless_zero(f"{self.code_of(what, eq)}")

    scopes = Scopes()
    equation: Any = None
    stops = False  # may it return before its end?

    def stop_unless_zero(self, code: str) -> None:
        """Return this code, if it is one."""
        bad, on = self.new_label("stopped"), self.new_label("on")
        self.branch(self.emit(f"icmp ne i32 {code}, 0"), bad, on)
        self.begin(bad)
        self.do(f"ret i32 {code}")
        self.begin(on)
        self.stops = True

    def key(self, ref: Ref) -> Any:
        """What tells elements apart."""
        return (ref.buffer, *self.resolved(ref), tuple(self.index_key(i) for i in ref.indirect))

    def index_key(self, i: Indirect) -> Any:
        return (self.key(i.index) if isinstance(i.index, Ref) else i.index, i.stride)

    def load(self, ref: Ref) -> Any:
        """An element; a pair where it is complex. Booleans are tested."""
        key = self.key(ref)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.load_from(ref.buffer, [self.address(ref, k) for k in parts(ref.buffer)])
        return found

    def load_from(self, buffer: Buffer, addresses: Sequence[str]) -> Any:
        """The value at these addresses of its parts."""
        t = memory_type(buffer.dtype)
        note = self.scopes.note(buffer)
        values = [self.emit(f"load {t}, ptr {p}{note}") for p in addresses]
        if buffer.dtype.kind == "b":
            return self.emit(f"icmp ne i8 {values[0]}, 0")
        return tuple(values) if len(values) == 2 else values[0]

    def store(self, ref: Ref, value: Any) -> None:
        """Write an element, and remember what it holds."""
        for k in parts(ref.buffer):
            self.store_at(self.address(ref, k), ref.buffer, value[k] if ref.buffer.dtype.kind == "c" else value)
        self.forget(ref)
        self.known[self.key(ref)] = value

    def store_at(self, address: str, buffer: Buffer, value: str) -> None:
        """Write one part of an element."""
        t = memory_type(buffer.dtype)
        if buffer.dtype.kind == "b":
            value = self.emit(f"zext i1 {value} to i8") if value not in ("true", "false") else str(int(value == "true"))
        self.do(f"store {t} {value}, ptr {address}{self.scopes.note(buffer)}")

    def forget(self, ref: Ref) -> None:
        """What was known of elements that a write to this one may change is not known any more."""
        const, terms = self.resolved(ref)
        for key in [k for k in self.known if k[0] is ref.buffer]:
            if ref.indirect or key[3] or key[2] != terms or key[1] == const:
                del self.known[key]

    def forget_all(self, buffers: set[Buffer]) -> None:
        """Nothing is known of these buffers any more."""
        for key in [k for k in self.known if k[0] in buffers]:
            del self.known[key]

    # statements
    def operand(self, x: Operand, dtype: np.dtype[Any] | None = None) -> Any:
        """The value of an operand, in this dtype if one is given."""
        if type(x) is Const:
            return converted_constant(x.value, dtype)
        if type(x) is Position:
            value = self.axes[x.axis]
            if type(value) is int:
                return str(x.offset + x.step * value)
            y = value if x.step == 1 else self.emit(f"mul nsw i64 {value}, {x.step}")
            return y if not x.offset else self.emit(f"add nsw i64 {y}, {x.offset}")
        value = self.load(x)  # type: ignore[arg-type]
        if dtype is None or x.buffer.dtype == dtype:  # type: ignore[union-attr]
            return value
        return converted(self, value, x.buffer.dtype, dtype)  # type: ignore[union-attr]

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
            m = self.moving[stmt]
            slot = (m.slots[m.window.stmts[stmt]],)
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
            for child in node.body:
                self.node(child)
        elif node in self.written_out:
            sums = self.begin_sums(node)
            for value in range(node.axis.extent):
                self.axes[node.axis] = value
                self.body(node)
            self.end_sums(sums)
        else:
            self.loop(node)

    def loop(self, loop: Loop) -> None:
        """for axis in range(extent): body."""
        outer = dict(self.known)
        if not loop.axis.small:
            self.written_out.update(short_loops(loop, IN_LOOP))
        changed = {s.target.buffer for s in every(loop)}
        outer_loop = any(type(c) is Loop and c not in self.written_out for c in loop.body)
        long = is_long(loop) and not outer_loop
        sums = self.begin_sums(loop, long)
        moving = [Moving(self, w, loop.axis) for w in windows(loop)]
        for m in moving:
            m.before()
        self.moving.update((s, m) for m in moving for s in m.window.stmts)
        extent = loop.axis.extent
        bound = str(extent) if type(extent) is int else self.operand(extent, INDEX)
        added = [x for x in sums if adds_up(loop, x[1].buffer)] if long and not moving else []
        if added:
            in_blocks(self, loop, lambda: self.body(loop), changed, added, OUTER)
        else:
            hint = OUTER if outer_loop else MATHEMATICS if any(s.op in mathlib.NAMES for s in every(loop)) else ""
            self.counted(loop.axis, bound, lambda: self.round(loop, moving), changed, type(extent) is not int, hint)
        for m in moving:
            m.after(bound)
        self.known = {k: v for k, v in outer.items() if k[0] not in changed}
        self.end_sums(sums)

    def round(self, loop: Loop, moving: Sequence[Moving]) -> None:
        """One round of a loop with windows that move along."""
        for m in moving:
            m.fill(m.window.width - 1)
        self.body(loop)
        for m in moving:
            m.move()

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
        hint: str = "",
        start: str = "0",
    ) -> None:
        """Rounds start to bound - 1 of what `body` emits; hint: what LLVM is told about the loop."""
        head, done = self.new_label("loop"), self.new_label("done")
        if may_be_empty:
            ready = self.new_label("ready")
            self.branch(self.emit(f"icmp sgt i64 {bound}, 0"), ready, done)
            self.begin(ready)
        self.forget_all(changed)
        before = self.label
        self.jump(head)
        self.begin(head)
        i = self.fresh()
        place = len(self.lines)
        self.lines.append("")
        self.axes[axis] = i
        body()
        after = self.emit(f"add nuw nsw i64 {i}, 1")
        self.lines[place] = f"  {i} = phi i64 [ {start}, %{before} ], [ {after}, %{self.label} ]"
        self.branch(self.emit(f"icmp slt i64 {after}, {bound}"), head, done, hint)
        self.begin(done)

    def begin_sums(self, loop: Loop, long: bool = False) -> list[Sum]:
        """Accumulators that stay in place for the whole loop move to slots on the stack, that is to registers."""
        found: list[Sum] = []
        for stmt, path in with_paths(loop):
            target = stmt.target
            if target.buffer.kind == "local" and target.buffer.size == 1 and not long:
                continue
            if not self.stays(stmt, path) or not self.alone_in(loop, stmt, path):
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


def adds_up(loop: Loop, buffer: Buffer) -> bool:
    """Are floating-point numbers added up in an array?"""
    if buffer.dtype.kind not in "fc":
        return False
    return any(s.target.buffer is buffer and s.accumulate == "add" for s in every(loop))


def is_product_sum(stmt: Stmt) -> bool:
    """Is it a term of a matrix product or of another contraction?"""
    return stmt.accumulate == "add" and stmt.op == "mul" and stmt.target.buffer.dtype.kind == "f"


def parts(buffer: Buffer) -> range:
    """The parts of an element: a complex one has two."""
    return range(2 if buffer.dtype.kind == "c" else 1)


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
